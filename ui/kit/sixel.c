/* SPDX-License-Identifier: MIT */
/* Pictures as sixel sequences, by libsixel's low-level encoder. A strip of few colors, as maps and
 * legends are, has just those. Of a strip with more the frequent ones (plates, lines, flat parts)
 * are exact, too, and the others are drawn with a fixed color cube and blue noise, so that strips
 * and neighbours match. Every pixel is set, and only the colors that occur are defined. */
#include "ui/kit/sixel.h"

#include "ui/kit/bluenoise.h"
#include "ui/kit/palette.h"
#include "ui/kit/way.h"

#include <sixel.h>
#include <stdlib.h>
#include <string.h>

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

/* What libsixel encodes: a pixel's number in a palette of the colors that occur. */
struct indexed {
    unsigned char *pixels;
    unsigned char palette[256 * 3];
    int count;
    int number[256]; /* of a color of the cube, from 1; 0: does not occur */
};

static int add_color(struct indexed *x, unsigned r, unsigned g, unsigned b)
{
    unsigned char *p = x->palette + 3 * x->count;
    p[0] = (unsigned char)r;
    p[1] = (unsigned char)g;
    p[2] = (unsigned char)b;
    return x->count++;
}

static int cube_color(struct indexed *x, struct cube k, int color)
{
    int blue = color % k.b, green = color / k.b % k.g, red = color / k.b / k.g;
    if (!x->number[color])
        x->number[color] = 1 + add_color(x, (unsigned)(k.r > 1 ? 255 * red / (k.r - 1) : 0),
                                         (unsigned)(k.g > 1 ? 255 * green / (k.g - 1) : 0),
                                         (unsigned)(k.b > 1 ? 255 * blue / (k.b - 1) : 0));
    return x->number[color] - 1;
}

/* ---- exact colors */

#define SLOTS 4096 /* of colors that are counted; a power of two */
#define EXACT 1024 /* of those that are exact */
#define EVERY 7    /* pixels of many colors are counted by samples */
#define ADAPTS 64   /* with so many colors, a palette is better than a cube */
#define ADAPTED 80  /* colors of such a palette: more are hardly seen, and cost bytes */
#define FREQUENT 40 /* exact ones beside a cube: the largest has room then */

/* Counts of colors. One that finds no room in its few slots is not counted: it is no frequent one
 * where there are so many. */
struct tally {
    uint32_t color[SLOTS]; /* 1 << 24 and the color; 0: free */
    int count[SLOTS];
    int colors;
    bool many;             /* more than are counted one by one */
};

/* Colors with numbers of their own. */
struct exact {
    uint32_t color[EXACT];
    unsigned char number[EXACT];
};

static uint32_t color_key(const uint8_t *p)
{
    return 1u << 24 | (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
}

static uint32_t color_hash(uint32_t key)
{
    return key * 2654435761u >> 16;
}

static void count_color(struct tally *t, uint32_t key)
{
    uint32_t at = color_hash(key);
    for (uint32_t i = 0; i < 8; i++) {
        uint32_t slot = (at + i) & (SLOTS - 1);
        if (t->color[slot] && t->color[slot] != key)
            continue;
        t->colors += !t->color[slot];
        t->color[slot] = key;
        t->count[slot]++;
        return;
    }
    t->many = true;
}

/* All pixels, until there are more colors than most; then all over again by samples. */
static void count_colors(struct tally *t, const struct canvas *c, int most)
{
    size_t n = (size_t)c->w * (size_t)c->h;
    for (size_t i = 0; i < n && !t->many; i++) {
        count_color(t, color_key(c->rgb + 3 * i));
        t->many |= t->colors > most;
    }
    if (!t->many)
        return;
    memset(t, 0, sizeof *t);
    for (size_t i = 0; i < n; i += EVERY)
        count_color(t, color_key(c->rgb + 3 * i));
    t->many = true;
}

static void add_exact(struct exact *e, uint32_t key, struct indexed *x)
{
    uint32_t slot = color_hash(key) & (EXACT - 1);
    while (e->color[slot])
        slot = (slot + 1) & (EXACT - 1);
    e->color[slot] = key;
    e->number[slot] = (unsigned char)add_color(x, key >> 16 & 255, key >> 8 & 255, key & 255);
}

/* The number of an exact color, or -1. */
static int exact_number(const struct exact *e, uint32_t key)
{
    uint32_t slot = color_hash(key) & (EXACT - 1);
    while (e->color[slot] && e->color[slot] != key)
        slot = (slot + 1) & (EXACT - 1);
    return e->color[slot] ? e->number[slot] : -1;
}

/* All colors where they are few; else those that were counted at least so often, the most frequent
 * ones first, at most so many. */
static void take_exact(struct tally *t, int least, int most, struct exact *e, struct indexed *x)
{
    for (int i = 0; i < SLOTS && !t->many; i++) /* all of them, in any order */
        if (t->color[i])
            add_exact(e, t->color[i], x);
    while (most-- > 0 && t->many) {
        int best = -1;
        for (int i = 0; i < SLOTS; i++)
            if (t->count[i] >= least && (best < 0 || t->count[i] > t->count[best]))
                best = i;
        if (best < 0)
            return;
        if (exact_number(e, t->color[best]) < 0)
            add_exact(e, t->color[best], x);
        t->count[best] = 0;
    }
}

/* Those of the canvas's kept colors that occur in it, at most so many. */
static void take_kept(const struct canvas *c, int most, struct exact *e, struct indexed *x)
{
    bool occurs[CANVAS_KEEP] = {false};
    int left = c->kept;
    for (const uint8_t *p = c->rgb, *end = p + 3 * (size_t)c->w * (size_t)c->h;
         left > 0 && p < end; p += 3)
        for (int i = 0; i < c->kept; i++) {
            struct rgb k = c->keep[i];
            if (occurs[i] || p[0] != k.r || p[1] != k.g || p[2] != k.b)
                continue;
            occurs[i] = true;
            left--;
            break;
        }
    for (int i = 0; i < c->kept && most > 0; i++) {
        uint32_t key = color_key((const uint8_t[]){c->keep[i].r, c->keep[i].g, c->keep[i].b});
        if (!occurs[i] || exact_number(e, key) >= 0)
            continue;
        add_exact(e, key, x);
        most--;
    }
}

/* ---- the others */

/* A channel's value in steps of the cube, times 1024: with noise of less than a step added, and
 * rounded down, its mean is what it was. */
static void fill_steps(int steps, int out[256])
{
    for (int i = 0; i < 256; i++)
        out[i] = (i * (steps - 1) * 1024 + 127) / 255;
}

static void index_cube(const struct canvas *c, int colors, const struct exact *e, struct indexed *x)
{
    int red[256], green[256], blue[256];
    unsigned char *out = x->pixels;
    const uint8_t *p = c->rgb;
    struct cube k = choose_cube(colors - x->count > 1 ? colors - x->count : 2);
    fill_steps(k.r, red);
    fill_steps(k.g, green);
    fill_steps(k.b, blue);
    for (int i = 0; i < c->h; i++) {
        const uint16_t *noise = bluenoise_row(i);
        for (int j = 0; j < c->w; j++, p += 3) {
            int d = noise[j & (BLUENOISE - 1)], number = exact_number(e, color_key(p));
            if (number < 0)
                number = cube_color(x, k, (((red[p[0]] + d) >> 10) * k.g +
                                           ((green[p[1]] + d) >> 10)) * k.b +
                                              ((blue[p[2]] + d) >> 10));
            *out++ = (unsigned char)number;
        }
    }
}

/* With colors of the strip's own. */
static void index_adapted(const struct canvas *c, int colors, const struct exact *e,
                          struct indexed *x)
{
    struct palette_count *count = xcalloc(PALETTE_BINS, sizeof *count);
    uint8_t *number = xcalloc(PALETTE_BINS, 1);
    int16_t *bin = xmalloc((size_t)c->w * (size_t)c->h * sizeof *bin);
    const uint8_t *p = c->rgb;
    int pixels = 0, first = x->count;
    for (int i = 0; i < c->h; i++) {
        const uint16_t *noise = bluenoise_row(i);
        for (int j = 0; j < c->w; j++, p += 3, pixels++) {
            int exact = exact_number(e, color_key(p));
            if (exact >= 0) {
                bin[pixels] = (int16_t)(-1 - exact);
                continue;
            }
            bin[pixels] = (int16_t)palette_bin(p, noise[j & (BLUENOISE - 1)] >> 7);
            struct palette_count *k = count + bin[pixels];
            *k = (struct palette_count){k->n + 1, k->r + p[0], k->g + p[1], k->b + p[2]};
        }
    }
    colors = colors - first < ADAPTED ? colors - first : ADAPTED;
    x->count += palette_choose(count, colors, x->palette + 3 * first, number);
    for (int i = 0; i < pixels; i++)
        x->pixels[i] = (unsigned char)(bin[i] < 0 ? -1 - bin[i] : first + number[bin[i]]);
    free(bin);
    free(number);
    free(count);
}

static void index_pixels(const struct canvas *c, int colors, struct indexed *x)
{
    struct tally *t = xcalloc(1, sizeof *t);
    struct exact *e = xcalloc(1, sizeof *e);
    int pixels = c->w * c->h;
    int most = colors / 6 < FREQUENT ? colors / 6 : FREQUENT;
    count_colors(t, c, colors);
    if (t->many)
        take_kept(c, most / 2, e, x);
    take_exact(t, pixels / 200 / EVERY + 8, most - x->count, e, x);
    if (t->many && colors >= ADAPTS)
        index_adapted(c, colors, e, x);
    else
        index_cube(c, colors, e, x);
    free(e);
    free(t);
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
    struct indexed x = {.pixels = xmalloc((size_t)c->w * (size_t)c->h + 1)};
    size_t before = out->len;
    index_pixels(c, colors > 256 ? 256 : colors, &x);
    if (!encode(&x, c->w, c->h, out))
        out->len = before; /* no picture is better than half of one */
    free(x.pixels);
}

static void sixel_write_strip(const struct way_strip *s, struct buf *out)
{
    sixel_write(s->pixels, s->colors, out);
}

const struct way way_sixel = {.write = sixel_write_strip};
