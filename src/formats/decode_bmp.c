/* SPDX-License-Identifier: MIT */
/* BMP: without compression, of 1, 4, 8, 16, 24 or 32 bits a pixel. (Versions of stb_image differ in
 * what they make of files that are cut off.)
 *
 * Source: the structures BITMAPFILEHEADER, BITMAPCOREHEADER, BITMAPINFOHEADER and BITMAPV4HEADER of
 * the Windows documentation. */
#include "src/formats/image_priv.h"

struct bmp {
    int width, height, bits;
    bool top_down;
    uint32_t compression; /* 0: none, 3: with masks */
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

static bool read_row(const struct bmp *b, const uint8_t *row, uint8_t *to, struct pixels *p)
{
    for (int x = 0; x < b->width; x++, to += 3) {
        if (b->bits <= 8) {
            int per = 8 / b->bits, shift = 8 - b->bits * (x % per + 1);
            size_t color = (size_t)(row[x / per] >> shift) & ((1u << b->bits) - 1);
            if (color >= b->color_count)
                return pixels_fail(p, "a pixel of color %zu, of %zu", color, b->color_count);
            const uint8_t *c = b->colors + color * b->color_size;
            to[0] = c[2];
            to[1] = c[1];
            to[2] = c[0];
            continue;
        }
        int bytes = b->bits / 8;
        uint32_t pixel = image_le(row + (size_t)x * (size_t)bytes, bytes);
        for (int i = 0; i < 3; i++)
            to[i] = masked(pixel, b->mask[i]);
    }
    return true;
}

bool decode_bmp(const uint8_t *data, size_t size, struct pixels *p)
{
    struct bmp b;
    if (!read_header(data, size, &b) || b.width != p->width || b.height != p->height)
        return pixels_fail(p, "a damaged header");
    if (b.bits != 1 && b.bits != 4 && b.bits != 8 && b.bits != 16 && b.bits != 24 && b.bits != 32)
        return pixels_fail(p, "%d bits a pixel", b.bits);
    if (b.compression != 0 && (b.compression != 3 || b.bits < 16))
        return pixels_fail(p, "compressed BMP files are not read: save it without compression");
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
