/* SPDX-License-Identifier: MIT */
/* BMP: without compression, of 1, 4, 8, 16, 24 or 32 bits a pixel; run-length encoded, of 4 or 8,
 * where pixels that are passed over have color 0, as Pillow has it. (Versions of stb_image differ
 * in what they make of files that are cut off, and read no such.)
 *
 * Source: the structures BITMAPFILEHEADER, BITMAPCOREHEADER, BITMAPINFOHEADER and BITMAPV4HEADER of
 * the Windows documentation. */
#include "src/formats/image_priv.h"

#include "src/base/mem.h"

#include <stdlib.h>

struct bmp {
    int width, height, bits;
    bool top_down;
    uint32_t compression; /* 0: none, 1: runs of 8 bits, 2: of 4, 3: with masks */
    uint32_t mask[3];
    size_t pixels;        /* where they begin */
    const uint8_t *colors;
    size_t color_count, color_size;
};

static bool read_header(const uint8_t *d, size_t size, struct bmp *b)
{
    if (size < 26)
        return false;
    size_t head = image_le(d + 14, 4);
    *b = (struct bmp){.pixels = image_le(d + 10, 4), .color_size = head == 12 ? 3 : 4};
    if (head == 12) {
        b->width = (int)image_le(d + 18, 2);
        b->height = (int)image_le(d + 20, 2);
        b->bits = (int)image_le(d + 24, 2);
    } else {
        if (head < 40 || head > 200 || size < 14 + head)
            return false;
        int64_t h = (int32_t)image_le(d + 22, 4);
        b->width = (int32_t)image_le(d + 18, 4);
        b->top_down = h < 0;
        b->height = h == INT32_MIN ? -1 : (int)(h < 0 ? -h : h);
        b->bits = (int)image_le(d + 28, 2);
        b->compression = image_le(d + 30, 4);
        b->color_count = image_le(d + 46, 4);
    }
    size_t from = 14 + head + (head == 40 && b->compression == 3 ? 12 : 0);
    size_t end = b->pixels < size ? b->pixels : size;
    b->colors = d + from;
    size_t most = end > from ? (end - from) / b->color_size : 0;
    if (b->color_count == 0 || b->color_count > most)
        b->color_count = most;
    return true;
}

bool bmp_header(const uint8_t *d, size_t size, struct image_header *h)
{
    struct bmp b;
    if (!read_header(d, size, &b))
        return false;
    h->width = b.width;
    h->height = b.height;
    return true;
}

static bool find_masks(const uint8_t *d, size_t size, struct bmp *b, struct pixels *p)
{
    b->mask[0] = b->bits == 16 ? 0x7c00 : 0xff0000;
    b->mask[1] = b->bits == 16 ? 0x3e0 : 0xff00;
    b->mask[2] = b->bits == 16 ? 0x1f : 0xff;
    if (b->compression != 3 || b->bits < 16)
        return true;
    if (size < 66)
        return pixels_fail(p, "the file ends early");
    for (int i = 0; i < 3; i++)
        b->mask[i] = image_le(d + 54 + 4 * i, 4);
    return (b->mask[0] && b->mask[1] && b->mask[2]) ||
           pixels_fail(p, "a color without a mask");
}

static uint8_t masked(uint32_t pixel, uint32_t mask)
{
    int shift = __builtin_ctz(mask);
    uint64_t most = mask >> shift;
    return (uint8_t)((uint64_t)((pixel & mask) >> shift) * 255 / most);
}

static bool put_color(const struct bmp *b, size_t color, uint8_t *to, struct pixels *p)
{
    if (color >= b->color_count)
        return pixels_fail(p, "a pixel of color %zu, of %zu", color, b->color_count);
    const uint8_t *c = b->colors + color * b->color_size;
    to[0] = c[2];
    to[1] = c[1];
    to[2] = c[0];
    return true;
}

static bool read_row(const struct bmp *b, const uint8_t *row, uint8_t *to, struct pixels *p)
{
    for (int x = 0; x < b->width; x++, to += 3) {
        if (b->bits <= 8) {
            int per = 8 / b->bits, shift = 8 - b->bits * (x % per + 1);
            size_t color = (size_t)(row[x / per] >> shift) & ((1u << b->bits) - 1);
            if (!put_color(b, color, to, p))
                return false;
            continue;
        }
        int bytes = b->bits / 8;
        uint32_t pixel = image_le(row + (size_t)x * (size_t)bytes, bytes);
        for (int i = 0; i < 3; i++)
            to[i] = masked(pixel, b->mask[i]);
    }
    return true;
}

/* ---- run-length encoded: the number of a color for each pixel */

#define RLE_LINE_ENDS 0
#define RLE_ALL_ENDS 1
#define RLE_MOVES 2

/* Where the next pixel goes, in the order of the file. */
struct bmp_pen {
    uint8_t *colors; /* (height, width) */
    int x, y;
};

/* A run of n pixels: of the two colors in d[0] by turns, or, absolute, those that follow. Programs
 * that count in pairs write one that is too long at the end of a line: it is cut, as Pillow does.
 */
static bool rle_run(const struct bmp *b, const uint8_t *d, int n, bool absolute,
                    struct bmp_pen *pen, struct pixels *p)
{
    if (!absolute && n > b->width - pen->x)
        n = b->width - pen->x;
    if (pen->y >= b->height || n > b->width - pen->x)
        return pixels_fail(p, "a run of colors goes over its edge");
    uint8_t *to = pen->colors + (size_t)pen->y * (size_t)b->width + (size_t)pen->x;
    for (int i = 0; i < n; i++) {
        uint8_t byte = d[!absolute ? 0 : b->bits == 8 ? i : i / 2];
        to[i] = b->bits == 8 ? byte : i % 2 ? byte & 15 : byte >> 4;
    }
    pen->x += n;
    return true;
}

/* One code of *d, which has `left` bytes; moves *d behind it. *done: the last one. */
static bool rle_code(const struct bmp *b, const uint8_t **d, size_t left, struct bmp_pen *pen,
                     bool *done, struct pixels *p)
{
    const uint8_t *at = *d;
    if (left < 2)
        return pixels_fail(p, "the file ends early");
    int n = at[0], second = at[1];
    *d += 2;
    if (n > 0)
        return rle_run(b, at + 1, n, false, pen, p);
    if (second == RLE_ALL_ENDS) {
        *done = true;
    } else if (second == RLE_LINE_ENDS) {
        pen->x = 0;
        pen->y++;
    } else if (second == RLE_MOVES) {
        if (left < 4)
            return pixels_fail(p, "the file ends early");
        *d += 2;
        pen->x += at[2];
        pen->y += at[3];
        if (pen->x > b->width || pen->y > b->height)
            return pixels_fail(p, "a move goes over its edge");
    } else {
        size_t bytes = b->bits == 8 ? (size_t)second : ((size_t)second + 1) / 2;
        bytes += bytes & 1;
        if (left - 2 < bytes)
            return pixels_fail(p, "the file ends early");
        *d += bytes;
        return rle_run(b, at + 2, second, true, pen, p);
    }
    return true;
}

/* Every line has to come; what follows the last pixel is not read. */
static bool rle_colors(const struct bmp *b, const uint8_t *d, const uint8_t *end, uint8_t *colors,
                       struct pixels *p)
{
    struct bmp_pen pen = {colors, 0, 0};
    bool done = false, full = false;
    while (!done && !full) {
        if (!rle_code(b, &d, (size_t)(end - d), &pen, &done, p))
            return false;
        full = pen.y >= b->height || (pen.y == b->height - 1 && pen.x == b->width);
    }
    return full || pixels_fail(p, "its lines are not all there");
}

static bool decode_rle(const uint8_t *data, size_t size, const struct bmp *b, struct pixels *p)
{
    size_t n = (size_t)b->width * (size_t)b->height;
    if (b->pixels > size)
        return pixels_fail(p, "the file ends early");
    if (b->color_count == 0)
        return pixels_fail(p, "no colors");
    uint8_t *colors = vs_try_calloc(n, 1);
    if (!colors)
        return pixels_fail(p, "no memory");
    bool good = rle_colors(b, data + b->pixels, data + size, colors, p);
    for (size_t i = 0; i < n && good; i++) {
        size_t y = i / (size_t)b->width, x = i % (size_t)b->width;
        size_t row = b->top_down ? y : (size_t)b->height - 1 - y;
        good = put_color(b, colors[i], p->rgb + 3 * (row * (size_t)b->width + x), p);
    }
    free(colors);
    return good;
}

bool decode_bmp(const uint8_t *data, size_t size, struct pixels *p)
{
    struct bmp b;
    if (!read_header(data, size, &b) || b.width != p->width || b.height != p->height)
        return pixels_fail(p, "a damaged header");
    if (b.bits != 1 && b.bits != 4 && b.bits != 8 && b.bits != 16 && b.bits != 24 && b.bits != 32)
        return pixels_fail(p, "%d bits a pixel", b.bits);
    if ((b.compression == 1 && b.bits == 8) || (b.compression == 2 && b.bits == 4))
        return decode_rle(data, size, &b, p);
    if (b.compression != 0 && (b.compression != 3 || b.bits < 16))
        return pixels_fail(p, "BMP of compression %u with %d bits a pixel is not read: save it "
                           "without compression", b.compression, b.bits);
    if (!find_masks(data, size, &b, p))
        return false;
    size_t stride = ((size_t)b.width * (size_t)b.bits + 31) / 32 * 4;
    if (b.pixels > size || (size - b.pixels) / stride < (size_t)b.height)
        return pixels_fail(p, "the file ends early");
    for (int y = 0; y < b.height; y++) {
        int row = b.top_down ? y : b.height - 1 - y;
        if (!read_row(&b, data + b.pixels + stride * (size_t)y,
                      p->rgb + 3 * (size_t)row * (size_t)b.width, p))
            return false;
    }
    return true;
}
