/* SPDX-License-Identifier: MIT */
/* WebP, by libwebp where it was found; of animations the first frame, on black, as Pillow has it.
 * The container is read here: libwebpdemux would be one more library for that alone.
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

/* A picture, and where it lies on the canvas. */
struct frame {
    const uint8_t *data; /* a whole file, or the chunks ALPH and VP8 or VP8L */
    size_t size;
    int x, y, width, height;
};

static bool decode_frame(const struct frame *f, struct pixels *p)
{
    WebPDecoderConfig c;
    size_t stride = 3 * (size_t)p->width;
    size_t at = (size_t)f->y * stride + 3 * (size_t)f->x;
    if (!WebPInitDecoderConfig(&c) || WebPGetFeatures(f->data, f->size, &c.input) != VP8_STATUS_OK)
        return pixels_fail(p, "its header is damaged");
    if (c.input.has_animation)
        return pixels_fail(p, "an animation within another one");
    if (c.input.width != f->width || c.input.height != f->height)
        return pixels_fail(p, "its size changes halfway");
    c.output.colorspace = MODE_RGB;
    c.output.is_external_memory = 1;
    c.output.u.RGBA.rgba = p->rgb + at;
    c.output.u.RGBA.stride = (int)stride;
    c.output.u.RGBA.size = (size_t)p->height * stride - at;
    VP8StatusCode code = WebPDecode(f->data, f->size, &c);
    WebPFreeDecBuffer(&c.output);
    return code == VP8_STATUS_OK || pixels_fail(p, "%s", what_happened(code));
}

#define CHUNK 8        /* its name and its size, which does not count the byte that makes it even */
#define FRAME_HEADER 16

/* The first chunk ANMF behind the header. */
static bool first_frame(const uint8_t *d, size_t size, struct frame *f, struct pixels *p)
{
    size_t at = 30;
    while (at < size && size - at >= CHUNK) {
        const uint8_t *x = d + at + CHUNK;
        size_t len = image_le(d + at + 4, 4);
        if (len > size - at - CHUNK)
            return pixels_fail(p, "the file ends early");
        at += CHUNK + len + (len & 1);
        if (memcmp(x - CHUNK, "ANMF", 4) != 0)
            continue;
        if (len < FRAME_HEADER)
            break;
        *f = (struct frame){x + FRAME_HEADER, len - FRAME_HEADER, 2 * (int)image_le(x, 3),
                            2 * (int)image_le(x + 3, 3), (int)image_le(x + 6, 3) + 1,
                            (int)image_le(x + 9, 3) + 1};
        return (f->x + f->width <= p->width && f->y + f->height <= p->height) ||
               pixels_fail(p, "its first frame is not inside of it");
    }
    return pixels_fail(p, "an animation without a frame");
}

bool decode_webp(const uint8_t *data, size_t size, struct pixels *p)
{
    struct frame f = {data, size, 0, 0, p->width, p->height};
    size_t whole = (size_t)image_le(data + 4, 4) + 8;
    WebPBitstreamFeatures about;
    if (whole > size)
        return pixels_fail(p, "the file ends early");
    if (WebPGetFeatures(data, size, &about) != VP8_STATUS_OK)
        return pixels_fail(p, "its header is damaged");
    if (about.has_animation) {
        if (whole < 30 || memcmp(data + 12, "VP8X", 4) != 0)
            return pixels_fail(p, "its header is damaged");
        if (!first_frame(data, whole, &f, p))
            return false;
        memset(p->rgb, 0, 3 * (size_t)p->width * (size_t)p->height);
    }
    return decode_frame(&f, p);
}

#else

bool decode_webp(const uint8_t *data, size_t size, struct pixels *p)
{
    (void)data;
    (void)size;
    return pixels_fail(p, "built without libwebp");
}

#endif
