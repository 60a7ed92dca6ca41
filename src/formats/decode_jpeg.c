/* SPDX-License-Identifier: MIT */
/* JPEG by libjpeg-turbo, with the pixels that Pillow makes of it: accurate integer DCT and fancy
 * upsampling, which are the library's defaults. Every sign of damage ends the decoding: the library
 * itself would warn, and fill what is missing with gray. */
#include "src/formats/image_priv.h"

#ifdef HAVE_LIBJPEG

#include <setjmp.h>
#include <stdio.h>

#include <jpeglib.h>

#include <jerror.h>

#define MAX_SCANS 500 /* a hostile file can ask for the whole picture again and again */

struct trouble {
    struct jpeg_error_mgr base;
    jmp_buf out;
    struct pixels *to;
};

static void give_up(j_common_ptr c)
{
    struct trouble *t = (struct trouble *)(void *)c->err;
    char text[JMSG_LENGTH_MAX];
    t->base.format_message(c, text);
    pixels_fail(t->to, "%s", text);
    longjmp(t->out, 1);
}

/* Warnings about what does not touch the pixels. Stray bytes do, once there are scans: a scan that
 * lost its place leaves some over. */
static bool is_harmless(j_common_ptr c)
{
    switch (c->err->msg_code) {
    case JWRN_ADOBE_XFORM:
    case JWRN_JFIF_MAJOR:
    case JWRN_NOT_SEQUENTIAL: return true;
    case JWRN_EXTRANEOUS_DATA: return ((j_decompress_ptr)c)->input_scan_number == 0;
    default: return false;
    }
}

static void on_message(j_common_ptr c, int level)
{
    if (level < 0 && !is_harmless(c))
        give_up(c);
}

static void jpeg_on_progress(j_common_ptr c)
{
    struct trouble *t = (struct trouble *)(void *)c->err;
    if (((j_decompress_ptr)c)->input_scan_number <= MAX_SCANS)
        return;
    pixels_fail(t->to, "more than %d scans", MAX_SCANS);
    longjmp(t->out, 1);
}

/* Ink, inverted as Adobe's programs write it, to light: the arithmetic of Pillow. */
static void ink_to_rgb(const uint8_t *in, uint8_t *out, int width)
{
    for (int x = 0; x < width; x++, in += 4, out += 3)
        for (int i = 0; i < 3; i++) {
            int t = (255 - in[i]) * in[3] + 128;
            int v = in[3] - (((t >> 8) + t) >> 8);
            out[i] = (uint8_t)(v < 0 ? 0 : v);
        }
}

static void jpeg_read_rows(struct jpeg_decompress_struct *c, struct pixels *p)
{
    bool ink = c->out_color_space == JCS_CMYK;
    JSAMPARRAY own = NULL;
    if (ink)
        own = c->mem->alloc_sarray((j_common_ptr)c, JPOOL_IMAGE, c->output_width * 4, 1);
    while (c->output_scanline < c->output_height) {
        uint8_t *to = p->rgb + (size_t)c->output_scanline * (size_t)p->width * 3;
        JSAMPROW row = ink ? own[0] : to;
        jpeg_read_scanlines(c, &row, 1);
        if (ink)
            ink_to_rgb(own[0], to, p->width);
    }
}

static bool jpeg_decode(struct jpeg_decompress_struct *c, const uint8_t *data, size_t size,
                        struct pixels *p)
{
    struct jpeg_progress_mgr progress = {.progress_monitor = jpeg_on_progress};
    struct trouble *t = (struct trouble *)(void *)c->err;
    if (setjmp(t->out)) /* nothing of this function is used after it */
        return false;
    jpeg_create_decompress(c);
    c->progress = &progress;
    jpeg_mem_src(c, (unsigned char *)(uintptr_t)data, (unsigned long)size);
    jpeg_read_header(c, TRUE);
    if (c->num_components == 2 || c->num_components > 4)
        return pixels_fail(p, "%d color components", c->num_components);
    c->out_color_space = c->num_components == 4 ? JCS_CMYK : JCS_RGB;
    c->dct_method = JDCT_ISLOW;
    c->do_fancy_upsampling = TRUE;
    jpeg_start_decompress(c);
    if (c->output_width != (JDIMENSION)p->width || c->output_height != (JDIMENSION)p->height)
        return pixels_fail(p, "its size changes halfway");
    jpeg_read_rows(c, p);
    jpeg_finish_decompress(c); /* looks for the end of the file, too */
    return true;
}

bool decode_jpeg(const uint8_t *data, size_t size, struct pixels *p)
{
    struct jpeg_decompress_struct c = {0};
    struct trouble t = {.to = p};
    c.err = jpeg_std_error(&t.base);
    t.base.error_exit = give_up;
    t.base.emit_message = on_message;
    bool good = jpeg_decode(&c, data, size, p);
    c.progress = NULL;
    jpeg_destroy_decompress(&c);
    return good;
}

#else

/* A table of codes with more than 256 entries overflows that of older versions of stb_image. */
static bool tables_fit(const uint8_t *d, size_t n)
{
    while (n >= 17) {
        size_t count = 0;
        for (int i = 1; i <= 16; i++)
            count += d[i];
        if (count > 256 || (d[0] & 15) > 3 || d[0] >> 4 > 1 || count > n - 17)
            return false;
        d += 17 + count;
        n -= 17 + count;
    }
    return n == 0;
}

/* Which of the four tables of quantization a segment defines, as bits. */
static unsigned jpeg_quantizers(const uint8_t *d, size_t n)
{
    unsigned found = 0;
    for (size_t len; n > 0 && n >= (len = d[0] >> 4 ? 129 : 65); d += len, n -= len)
        found |= 1u << (d[0] & 3);
    return found;
}

/* Which ones a frame's components need. */
static unsigned jpeg_needed(const uint8_t *d, size_t n)
{
    unsigned all = 0;
    for (size_t i = 0; n >= 6 && i < d[5] && 9 + 3 * i <= n; i++)
        all |= 1u << (d[8 + 3 * i] & 3);
    return all;
}

/* The end of the scan's data: the next marker that is neither a restart nor a stuffed byte. */
static size_t end_of_scan(const uint8_t *d, size_t at, size_t size)
{
    while (at + 1 < size && (d[at] != 0xff || d[at + 1] == 0 ||
                             (d[at + 1] >= 0xd0 && d[at + 1] <= 0xd7)))
        at++;
    return at;
}

/* stb_image answers a file that is cut off with gray, and says nothing. Damage inside of a scan is
 * not seen here. */
static bool jpeg_is_whole(const uint8_t *d, size_t size, struct pixels *p)
{
    bool scan = false;
    unsigned want = 0, have = 0;
    for (size_t at = 2; size - at >= 2;) {
        int marker = d[at + 1];
        if (d[at] != 0xff || marker == 0xff) {
            at++;
            continue;
        }
        if (marker == 0xd9)
            return scan || pixels_fail(p, "no image in it");
        if (size - at < 4)
            break;
        size_t len = image_be(d + at + 2, 2);
        if (len < 2 || len > size - at - 2)
            break;
        if (marker == 0xdb)
            have |= jpeg_quantizers(d + at + 4, len - 2);
        if (marker >= 0xc0 && marker <= 0xc2)
            want = jpeg_needed(d + at + 4, len - 2);
        if (marker == 0xda && want & ~have)
            return pixels_fail(p, "a table of quantization is missing");
        if (marker == 0xc4 && !tables_fit(d + at + 4, len - 2))
            return pixels_fail(p, "bad code lengths");
        at += 2 + len;
        scan |= marker == 0xda;
        at = marker == 0xda ? end_of_scan(d, at, size) : at;
    }
    return pixels_fail(p, "the file ends early");
}

bool decode_jpeg(const uint8_t *data, size_t size, struct pixels *p)
{
    return jpeg_is_whole(data, size, p) && stb_decode(data, size, p);
}

#endif
