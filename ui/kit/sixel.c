/* SPDX-License-Identifier: MIT */
/* Pictures as sixel sequences: libsixel's low-level encoder on a fixed color cube with our own
 * ordered dither. Every pixel is set, and only the colors that occur are defined, as a picture goes
 * out in strips. */
#include "ui/kit/sixel.h"

#include <sixel.h>
#include <stdlib.h>

struct cube {
    int r, g, b; /* steps a channel */
};

/* The largest cube that fits; eyes see green best and blue least. */
static struct cube choose_cube(int colors)
{
    static const struct cube cubes[] = {{6, 6, 6}, {5, 6, 4}, {4, 5, 4}, {4, 4, 4}, {3, 4, 3},
                                        {3, 3, 3}, {2, 3, 2}, {2, 2, 2}};
    for (size_t i = 0; i < sizeof cubes / sizeof cubes[0]; i++)
        if (cubes[i].r * cubes[i].g * cubes[i].b <= colors)
            return cubes[i];
    return (struct cube){2, 1, 1};
}

/* Bayer's 8x8 matrix, by interleaving the bits of x^y and y; from -0.5 to 0.5. */
static float threshold(int x, int y)
{
    int v = 0, a = x ^ y, b = y;
    for (int i = 0; i < 3; i++)
        v = v << 2 | (a >> i & 1) << 1 | (b >> i & 1);
    return ((float)v + 0.5f) / 64 - 0.5f;
}

static int level(uint8_t value, int steps, float t)
{
    int v = (int)((float)value * (float)(steps - 1) / 255 + t + 0.5f);
    return v < 0 ? 0 : v >= steps ? steps - 1 : v;
}

/* What libsixel encodes: a pixel's number in a palette of the colors that occur. */
struct indexed {
    unsigned char *pixels;
    unsigned char palette[256 * 3];
    int count;
    int number[256]; /* of a color of the cube, from 1; 0: does not occur */
};

static void add_color(struct indexed *x, struct cube k, int color)
{
    int blue = color % k.b, green = color / k.b % k.g, red = color / k.b / k.g;
    unsigned char *p = x->palette + 3 * x->count;
    p[0] = (unsigned char)(k.r > 1 ? 255 * red / (k.r - 1) : 0);
    p[1] = (unsigned char)(k.g > 1 ? 255 * green / (k.g - 1) : 0);
    p[2] = (unsigned char)(k.b > 1 ? 255 * blue / (k.b - 1) : 0);
    x->number[color] = ++x->count;
}

static void index_pixels(const struct canvas *c, struct cube k, struct indexed *x)
{
    float t[64];
    for (int i = 0; i < 64; i++)
        t[i] = threshold(i % 8, i / 8);
    unsigned char *out = x->pixels;
    const uint8_t *p = c->rgb;
    for (int i = 0; i < c->h; i++)
        for (int j = 0; j < c->w; j++, p += 3) {
            float d = t[8 * (i % 8) + j % 8];
            int color = (level(p[0], k.r, d) * k.g + level(p[1], k.g, d)) * k.b +
                        level(p[2], k.b, d);
            if (!x->number[color])
                add_color(x, k, color);
            *out++ = (unsigned char)(x->number[color] - 1);
        }
}

static int collect(char *data, int size, void *out)
{
    buf_add(out, data, (size_t)size);
    return size;
}

/* libsixel loses the errors of its writer, but ours has none. */
static bool encode(struct indexed *x, int w, int h, struct buf *out)
{
    sixel_dither_t *dither = NULL;
    sixel_output_t *output = NULL;
    bool good = false;
    if (SIXEL_SUCCEEDED(sixel_dither_new(&dither, x->count, NULL)) &&
        SIXEL_SUCCEEDED(sixel_output_new(&output, collect, out, NULL))) {
        sixel_dither_set_palette(dither, x->palette);
        sixel_dither_set_pixelformat(dither, SIXEL_PIXELFORMAT_PAL8);
        sixel_dither_set_diffusion_type(dither, SIXEL_DIFFUSE_NONE);
        sixel_output_set_encode_policy(output, SIXEL_ENCODEPOLICY_FAST);
        good = SIXEL_SUCCEEDED(sixel_encode(x->pixels, w, h, 1, dither, output));
    }
    if (output)
        sixel_output_unref(output);
    if (dither)
        sixel_dither_unref(dither);
    return good;
}

void sixel_write(const struct canvas *c, int colors, struct buf *out)
{
    struct cube k = choose_cube(colors > 256 ? 256 : colors);
    struct indexed x = {.pixels = xmalloc((size_t)c->w * (size_t)c->h + 1)};
    size_t before = out->len;
    index_pixels(c, k, &x);
    if (!encode(&x, c->w, c->h, out))
        out->len = before; /* no picture is better than half of one */
    free(x.pixels);
}
