/* SPDX-License-Identifier: MIT */
/* WebP, by libwebp where it was found.
 *
 * Source: the WebP container specification; RFC 6386 section 9.1 (VP8), RFC 9649 section 3.4. */
#include "src/formats/image_priv.h"

#include <string.h>

bool webp_header(const uint8_t *d, size_t size, struct image_header *h)
{
    if (size < 30)
        return false;
    if (memcmp(d + 12, "VP8X", 4) == 0) {
        h->width = (int)image_le(d + 24, 3) + 1;
        h->height = (int)image_le(d + 27, 3) + 1;
    } else if (memcmp(d + 12, "VP8L", 4) == 0 && d[20] == 0x2f) {
        uint32_t bits = image_le(d + 21, 4);
        h->width = (int)(bits & 0x3fff) + 1;
        h->height = (int)(bits >> 14 & 0x3fff) + 1;
    } else if (memcmp(d + 12, "VP8 ", 4) == 0 && memcmp(d + 23, "\x9d\x01\x2a", 3) == 0) {
        h->width = (int)image_le(d + 26, 2) & 0x3fff;
        h->height = (int)image_le(d + 28, 2) & 0x3fff;
    } else {
        return false;
    }
    return true;
}

#ifdef HAVE_LIBWEBP

#include <webp/decode.h>

static const char *what_happened(VP8StatusCode code)
{
    switch (code) {
    case VP8_STATUS_OUT_OF_MEMORY: return "no memory";
    case VP8_STATUS_BITSTREAM_ERROR: return "its data is damaged";
    case VP8_STATUS_UNSUPPORTED_FEATURE: return "a feature that libwebp does not know";
    case VP8_STATUS_SUSPENDED: case VP8_STATUS_NOT_ENOUGH_DATA: return "the file ends early";
    default: return "libwebp refuses it";
    }
}

bool decode_webp(const uint8_t *data, size_t size, struct pixels *p)
{
    WebPDecoderConfig c;
    if (image_le(data + 4, 4) > size - 8)
        return pixels_fail(p, "the file ends early");
    if (!WebPInitDecoderConfig(&c) || WebPGetFeatures(data, size, &c.input) != VP8_STATUS_OK)
        return pixels_fail(p, "its header is damaged");
    if (c.input.has_animation)
        return pixels_fail(p, "it is an animation: save one frame of it");
    if (c.input.width != p->width || c.input.height != p->height)
        return pixels_fail(p, "its size changes halfway");
    c.output.colorspace = MODE_RGB;
    c.output.is_external_memory = 1;
    c.output.u.RGBA.rgba = p->rgb;
    c.output.u.RGBA.stride = 3 * p->width;
    c.output.u.RGBA.size = (size_t)p->width * (size_t)p->height * 3;
    VP8StatusCode code = WebPDecode(data, size, &c);
    WebPFreeDecBuffer(&c.output);
    return code == VP8_STATUS_OK || pixels_fail(p, "%s", what_happened(code));
}

#else

bool decode_webp(const uint8_t *data, size_t size, struct pixels *p)
{
    (void)data;
    (void)size;
    return pixels_fail(p, "built without libwebp");
}

#endif
