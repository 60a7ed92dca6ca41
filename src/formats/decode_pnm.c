/* SPDX-License-Identifier: MIT */
/* PBM, PGM and PPM, plain and raw, of any depth. (stb_image reads two of the six, and does not
 * scale.)
 *
 * Source: the manual pages pbm(5), pgm(5) and ppm(5) of Netpbm. */
#include "src/formats/image_priv.h"

#include <math.h>

struct pnm {
    const uint8_t *d;
    size_t size, at;
    int kind; /* 1 to 6 */
    int width, height, most;
    int channels;
};

static bool is_blank(int c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* The next number, after blanks and comments; -1 when there is none. */
static int number(struct pnm *n)
{
    int x = 0;
    size_t from;
    while (n->at < n->size && (is_blank(n->d[n->at]) || n->d[n->at] == '#')) {
        bool comment = n->d[n->at++] == '#';
        while (comment && n->at < n->size && n->d[n->at] != '\n')
            n->at++;
    }
    for (from = n->at; n->at < n->size && n->d[n->at] >= '0' && n->d[n->at] <= '9'; n->at++) {
        if (n->at - from > 7)
            return -1;
        x = 10 * x + (n->d[n->at] - '0');
    }
    return n->at > from ? x : -1;
}

static bool read_header(struct pnm *n)
{
    if (n->size < 8)
        return false;
    n->kind = n->d[1] - '0';
    n->at = 2;
    n->channels = n->kind % 3 == 0 ? 3 : 1;
    n->width = number(n);
    n->height = number(n);
    n->most = n->kind % 3 == 1 ? 1 : number(n);
    if (n->at >= n->size || !is_blank(n->d[n->at]))
        return false;
    n->at++; /* one blank, then the pixels */
    return n->width > 0 && n->height > 0 && n->most > 0 && n->most < 65536;
}

bool pnm_header(const uint8_t *d, size_t size, struct image_header *h)
{
    struct pnm n = {.d = d, .size = size};
    bool good = read_header(&n);
    h->width = n.width;
    h->height = n.height;
    return good;
}

/* A plain bitmap's digits may touch. */
static int digit(struct pnm *n)
{
    while (n->at < n->size && is_blank(n->d[n->at]))
        n->at++;
    int c = n->at < n->size ? n->d[n->at] : 0;
    n->at += c == '0' || c == '1';
    return c == '0' ? 0 : c == '1' ? 1 : -1;
}

/* Sample i of a row; its bytes are there in raw files. */
static int sample(struct pnm *n, const uint8_t *row, int i)
{
    switch (n->kind) {
    case 1: return digit(n);
    case 2: case 3: return number(n);
    case 4: return row[i / 8] >> (7 - i % 8) & 1;
    default: return n->most < 256 ? row[i] : (int)image_be(row + 2 * (size_t)i, 2);
    }
}

/* Of 8 bits, as Pillow makes them: halves to the even number; gray of more than 255 values becomes
 * whole numbers up to 65535 there, which are cut at 255 when colors are made of them.
 *
 * Source: PIL/PpmImagePlugin.py. */
static uint8_t to_byte(const struct pnm *n, int x)
{
    bool wide = n->channels == 1 && n->most > 255;
    double v = nearbyint((double)x / n->most * (wide ? 65535 : 255));
    return v > 255 ? 255 : (uint8_t)v;
}

static bool read_row(struct pnm *n, const uint8_t *row, uint8_t *to, struct pixels *p)
{
    for (int i = 0; i < n->width * n->channels; i++) {
        int x = sample(n, row, i);
        if (x < 0)
            return pixels_fail(p, "the file ends early, or holds something other than a number");
        if (x > n->most)
            return pixels_fail(p, "a value of %d, more than its maximum of %d", x, n->most);
        x = n->kind % 3 == 1 ? 1 - x : x; /* of a bitmap, 1 is black */
        uint8_t v = to_byte(n, x);
        for (int k = 0; k < (n->channels == 1 ? 3 : 1); k++)
            *to++ = v;
    }
    return true;
}

bool decode_pnm(const uint8_t *data, size_t size, struct pixels *p)
{
    struct pnm n = {.d = data, .size = size};
    if (!read_header(&n) || n.width != p->width || n.height != p->height)
        return pixels_fail(p, "a damaged header");
    size_t samples = (size_t)n.width * (size_t)n.channels;
    size_t stride = n.kind < 4 ? 0 : n.kind == 4 ? (samples + 7) / 8 : n.most < 256 ? samples
                                                                                    : 2 * samples;
    if (stride && (size - n.at) / stride < (size_t)n.height)
        return pixels_fail(p, "the file ends early");
    for (int y = 0; y < n.height; y++)
        if (!read_row(&n, data + n.at + stride * (stride ? (size_t)y : 0),
                      p->rgb + 3 * (size_t)y * (size_t)n.width, p))
            return false;
    return true;
}
