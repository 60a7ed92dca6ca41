/* SPDX-License-Identifier: MIT */
/* GIF: the first picture of it, on a canvas of its transparent color or color 0, as Pillow has it.
 * All of the file must be there, up to its last byte.
 *
 * Source: GIF89a specification; LZW as its appendix F has it. */
#include "src/formats/image_priv.h"

#include <string.h>

#define CODES 4096

struct gif {
    const uint8_t *d;
    size_t size, at;
    struct pixels *p;
    const uint8_t *colors; /* three bytes each */
    int color_count, transparent; /* or -1 */
    int x, y, w, h;        /* of the picture on the canvas */
    bool interlaced;
};

/* Room for n more bytes. */
static bool gif_have(const struct gif *g, size_t n)
{
    return g->at <= g->size && g->size - g->at >= n;
}

bool gif_header(const uint8_t *d, size_t size, struct image_header *h)
{
    if (size < 13)
        return false;
    struct gif g = {.d = d, .size = size, .at = 13};
    h->width = (int)image_le(d + 6, 2);
    h->height = (int)image_le(d + 8, 2);
    if (d[10] & 0x80)
        g.at += (size_t)3 << ((d[10] & 7) + 1);
    /* The first picture may be larger than the canvas, which grows then. */
    while (gif_have(&g, 2) && d[g.at] == 0x21)
        for (g.at += 2; gif_have(&g, 1) && d[g.at++];)
            g.at += d[g.at - 1];
    if (!gif_have(&g, 10) || d[g.at] != 0x2c)
        return false;
    int right = (int)(image_le(d + g.at + 1, 2) + image_le(d + g.at + 5, 2));
    int bottom = (int)(image_le(d + g.at + 3, 2) + image_le(d + g.at + 7, 2));
    h->width = right > h->width ? right : h->width;
    h->height = bottom > h->height ? bottom : h->height;
    return true;
}

static bool ends_early(struct gif *g)
{
    return pixels_fail(g->p, "the file ends early");
}

static bool skip_blocks(struct gif *g)
{
    while (gif_have(g, 1)) {
        size_t n = g->d[g->at++];
        if (n == 0)
            return true;
        g->at += n;
    }
    return ends_early(g);
}

static bool take_colors(struct gif *g, int flags)
{
    if (!(flags & 0x80))
        return true;
    int count = 1 << ((flags & 7) + 1);
    if (!gif_have(g, (size_t)count * 3))
        return ends_early(g);
    g->colors = g->d + g->at;
    g->color_count = count;
    g->at += (size_t)count * 3;
    return true;
}

static void gif_put(struct gif *g, int x, int y, int color)
{
    uint8_t *to = g->p->rgb + 3 * ((size_t)y * (size_t)g->p->width + (size_t)x);
    if (!g->colors)
        memset(to, color, 3); /* without colors the numbers are gray */
    else if (color < g->color_count)
        memcpy(to, g->colors + 3 * (size_t)color, 3);
    else
        memset(to, 0, 3);
}

/* The row of the picture that comes as number n. */
static int gif_row_of(const struct gif *g, int n)
{
    static const int first[4] = {0, 4, 2, 1}, step[4] = {8, 8, 4, 2};
    if (!g->interlaced)
        return n;
    for (int pass = 0; pass < 4; pass++) {
        int rows = (g->h - first[pass] + step[pass] - 1) / step[pass];
        rows = rows < 0 ? 0 : rows;
        if (n < rows)
            return first[pass] + n * step[pass];
        n -= rows;
    }
    return g->h - 1;
}

/* ---- LZW: codes of growing width out of blocks */

struct lzw {
    struct gif *g;
    size_t left;   /* in this block */
    uint32_t bits;
    int have, width;
    int count;     /* codes known so far */
    uint16_t prefix[CODES];
    uint8_t last[CODES], first[CODES];
    int64_t done; /* pixels */
    bool out_of_blocks;
};

static int next_code(struct lzw *z)
{
    struct gif *g = z->g;
    while (z->have < z->width) {
        if (z->left == 0) {
            if (z->out_of_blocks || !gif_have(g, 1))
                return -1;
            z->left = g->d[g->at++];
            z->out_of_blocks = z->left == 0;
            continue;
        }
        if (!gif_have(g, 1))
            return -1;
        z->bits |= (uint32_t)g->d[g->at++] << z->have;
        z->have += 8;
        z->left--;
    }
    int code = (int)(z->bits & ((1u << z->width) - 1));
    z->bits >>= z->width;
    z->have -= z->width;
    return code;
}

/* The string of a code; what is beyond the picture is left out. */
static void gif_emit(struct lzw *z, int code, int clear)
{
    uint8_t string[CODES];
    int n = 0, w = z->g->w;
    for (; code >= clear; code = z->prefix[code])
        string[n++] = z->last[code];
    string[n++] = (uint8_t)code;
    for (; n > 0 && z->done < (int64_t)w * z->g->h; z->done++)
        gif_put(z->g, z->g->x + (int)(z->done % w), z->g->y + gif_row_of(z->g, (int)(z->done / w)),
                string[--n]);
}

static void gif_learn(struct lzw *z, int before, int first, int clear)
{
    z->prefix[z->count] = (uint16_t)before;
    z->last[z->count] = (uint8_t)first;
    z->first[z->count] = before < clear ? (uint8_t)before : z->first[before];
    z->count++;
    if (z->count == 1 << z->width && z->width < 12)
        z->width++;
}

static bool gif_unpack(struct lzw *z, int low)
{
    int clear = 1 << low, before = -1;
    int64_t all = (int64_t)z->g->w * z->g->h;
    z->width = low + 1;
    z->count = clear + 2;
    for (int code; z->done < all;) {
        if ((code = next_code(z)) < 0 || code == clear + 1)
            return pixels_fail(z->g->p, "it holds only %lld of %lld pixels", (long long)z->done,
                               (long long)all);
        if (code == clear) {
            z->width = low + 1;
            z->count = clear + 2;
            before = -1;
            continue;
        }
        bool known = code < clear || (code > clear + 1 && code < z->count);
        if (!known && (before < 0 || code != z->count || z->count == CODES))
            return pixels_fail(z->g->p, "a code without a meaning");
        int from = known ? code : before;
        int first = from < clear ? from : z->first[from];
        if (before >= 0 && z->count < CODES)
            gif_learn(z, before, first, clear);
        gif_emit(z, code, clear);
        before = code;
    }
    return true;
}

static bool read_pixels(struct gif *g)
{
    struct lzw z = {.g = g};
    if (!gif_have(g, 1))
        return ends_early(g);
    int low = g->d[g->at++];
    if (low < 1 || low > 8)
        return pixels_fail(g->p, "codes of %d bits", low);
    if (!gif_unpack(&z, low))
        return false;
    g->at += z.left;
    return z.out_of_blocks || skip_blocks(g);
}

/* ---- blocks */

static bool read_extension(struct gif *g)
{
    if (!gif_have(g, 2))
        return ends_early(g);
    int label = g->d[g->at + 1];
    g->at += 2;
    if (label == 0xf9 && gif_have(g, 5) && g->d[g->at] >= 4)
        g->transparent = g->d[g->at + 1] & 1 ? g->d[g->at + 4] : -1;
    return skip_blocks(g);
}

static bool read_picture(struct gif *g, bool first)
{
    if (!gif_have(g, 10))
        return ends_early(g);
    const uint8_t *d = g->d + g->at;
    g->x = (int)image_le(d + 1, 2);
    g->y = (int)image_le(d + 3, 2);
    g->w = (int)image_le(d + 5, 2);
    g->h = (int)image_le(d + 7, 2);
    g->interlaced = d[9] & 0x40;
    g->at += 10;
    if (!take_colors(g, d[9]))
        return false;
    if (!first) {
        g->at++; /* the codes' width */
        return skip_blocks(g);
    }
    if (g->w < 1 || g->h < 1 || g->x + g->w > g->p->width || g->y + g->h > g->p->height)
        return pixels_fail(g->p, "an image of %dx%d pixels", g->w, g->h);
    for (int y = 0; y < g->p->height; y++)
        for (int x = 0; x < g->p->width; x++)
            gif_put(g, x, y, g->transparent < 0 ? 0 : g->transparent);
    return read_pixels(g);
}

bool decode_gif(const uint8_t *data, size_t size, struct pixels *p)
{
    struct gif g = {.d = data, .size = size, .at = 13, .p = p, .transparent = -1};
    if (size < 13 || !take_colors(&g, data[10]))
        return ends_early(&g);
    for (int pictures = 0; gif_have(&g, 1);) {
        int kind = data[g.at];
        if (kind == 0x3b)
            return pictures > 0 || pixels_fail(p, "no image in it");
        if (kind == 0x21 && read_extension(&g))
            continue;
        if (kind == 0x2c && read_picture(&g, pictures++ == 0))
            continue;
        return p->why[0] ? false : pixels_fail(p, "an unknown block at byte %zu", g.at);
    }
    return ends_early(&g);
}
