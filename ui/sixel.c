/* Pictures as sixel sequences.
 *
 * libsixel's low-level encoder with a fixed color cube and our own ordered dither: four times
 * faster than its adaptive palette, and neighbouring pictures never fight for registers. */
#include "ui/sixel.h"

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

static void quantise(const struct canvas *c, struct cube k, unsigned char *out)
{
    for (int y = 0; y < c->h; y++)
        for (int x = 0; x < c->w; x++) {
            const uint8_t *p = c->rgb + 3 * ((size_t)y * (size_t)c->w + (size_t)x);
            float t = threshold(x, y);
            int i = (level(p[0], k.r, t) * k.g + level(p[1], k.g, t)) * k.b + level(p[2], k.b, t);
            out[(size_t)y * (size_t)c->w + (size_t)x] = (unsigned char)i;
        }
}

static void make_palette(struct cube k, unsigned char *out)
{
    for (int r = 0; r < k.r; r++)
        for (int g = 0; g < k.g; g++)
            for (int b = 0; b < k.b; b++) {
                *out++ = (unsigned char)(k.r > 1 ? 255 * r / (k.r - 1) : 0);
                *out++ = (unsigned char)(k.g > 1 ? 255 * g / (k.g - 1) : 0);
                *out++ = (unsigned char)(k.b > 1 ? 255 * b / (k.b - 1) : 0);
            }
}

static int collect(char *data, int size, void *out)
{
    buf_add(out, data, (size_t)size);
    return size;
}

int sixel_encode_canvas(const struct canvas *c, int colors, struct buf *out)
{
    struct cube k = choose_cube(colors > 256 ? 256 : colors);
    unsigned char palette[256 * 3], *pixels = xmalloc((size_t)c->w * (size_t)c->h);
    sixel_dither_t *dither = NULL;
    sixel_output_t *output = NULL;
    int rc = -1;
    make_palette(k, palette);
    quantise(c, k, pixels);
    if (SIXEL_SUCCEEDED(sixel_dither_new(&dither, k.r * k.g * k.b, NULL)) &&
        SIXEL_SUCCEEDED(sixel_output_new(&output, collect, out, NULL))) {
        sixel_dither_set_palette(dither, palette);
        sixel_dither_set_pixelformat(dither, SIXEL_PIXELFORMAT_PAL8);
        sixel_dither_set_diffusion_type(dither, SIXEL_DIFFUSE_NONE);
        sixel_output_set_encode_policy(output, SIXEL_ENCODEPOLICY_FAST);
        if (SIXEL_SUCCEEDED(sixel_encode(pixels, c->w, c->h, 1, dither, output)))
            rc = 0;
    }
    if (output)
        sixel_output_unref(output);
    if (dither)
        sixel_dither_unref(dither);
    free(pixels);
    return rc;
}
