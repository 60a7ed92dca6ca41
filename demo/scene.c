/* SPDX-License-Identifier: MIT */
/* What stands where in a scene. */
#include "demo/world.h"

#include <math.h>
#include <string.h>

const char *const shape_names[SHAPES] = {"ball", "cube", "cylinder", "cone", "star", "ring", "mug",
                                         "heart", "fish", "cat"};
const char *const color_names[COLORS] = {"red", "orange", "yellow", "green", "blue", "purple",
                                         "white", "black"};
const char *const pattern_names[PATTERNS] = {"plain", "striped", "dotted"};
const char *const size_names[SIZES] = {"small", "large"};

/* ---- dice: splitmix64 */

static uint64_t next(struct dice *d)
{
    uint64_t z = (d->state += 0x9e3779b97f4a7c15u);
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

void dice_seed(struct dice *d, uint64_t seed, uint64_t stream)
{
    d->state = seed;
    d->state = next(d) ^ stream * 0xd1342543de82ef95u;
    d->state = next(d);
}

int dice_below(struct dice *d, int n)
{
    return n > 0 ? (int)(next(d) >> 33) % n : 0;
}

float dice_between(struct dice *d, float a, float b)
{
    return a + (b - a) * (float)(next(d) >> 40) / 16777216.0f;
}

bool dice_chance(struct dice *d, float p)
{
    return dice_between(d, 0, 1) < p;
}

/* ---- placing */

/* Extents of a shape in radii: left, up, right, down. As painted by draw.c. */
static const float extents[SHAPES][4] = {
    {1, 1, 1, 1},          {0.92f, 1, 0.92f, 1},  {0.75f, 1, 0.75f, 1}, {0.85f, 1, 0.85f, 1},
    {0.96f, 1, 0.96f, 0.82f}, {1, 1, 1, 1},        {0.8f, 0.9f, 1.1f, 0.9f},
    {1, 0.96f, 1, 0.94f},  {1.05f, 0.7f, 1.05f, 0.7f}, {0.9f, 1.05f, 0.9f, 0.85f}};

const char *const stress_names[STRESSES + 1] = {
    [STRESS_NONE] = "none",       [STRESS_SMALL] = "small", [STRESS_OVERLAPPING] = "overlapping",
    [STRESS_CROWDED] = "crowded", [STRESS_ALIKE] = "alike"};

/* Radii of small and of large things; how near two may come, in sums of their radii; the part of
 * the picture's width where things are. */
static const struct layout {
    float small[2], large[2], near, width;
} layouts[STRESSES] = {[STRESS_NONE] = {{15, 19}, {27, 34}, 0.95f, 1},
                       [STRESS_SMALL] = {{8, 10}, {14, 17}, 0.95f, 1},
                       [STRESS_OVERLAPPING] = {{15, 19}, {27, 34}, 0.6f, 0.6f},
                       [STRESS_CROWDED] = {{13, 15}, {21, 26}, 0.95f, 0.75f},
                       [STRESS_ALIKE] = {{15, 19}, {27, 34}, 0.95f, 1}};

static bool is_free(const struct scene *s, const struct object *o, float near)
{
    for (int i = 0; i < s->count; i++) {
        const struct object *p = &s->objects[i];
        float dx = o->x - p->x, dy = o->y - p->y;
        if (sqrtf(dx * dx + dy * dy) < near * (o->r + p->r))
            return false;
    }
    return true;
}

static void set_box(struct object *o)
{
    const float *e = extents[o->shape];
    o->box[0] = o->x - e[0] * o->r;
    o->box[1] = o->y - e[1] * o->r;
    o->box[2] = o->x + e[2] * o->r;
    o->box[3] = o->y + e[3] * o->r;
}

/* A few shapes and colors of each scene come again and again: else nothing repeats, and counting,
 * plurals and telling apart vanish. */
static void choose_subset(struct dice *d, int all, int *list, int *count)
{
    *count = 2 + dice_below(d, 5);
    for (int i = 0; i < *count; i++)
        list[i] = dice_below(d, all);
}

static bool place(struct dice *d, const struct scene *s, const struct layout *l, struct object *o)
{
    const float *r = o->size == LARGE ? l->large : l->small;
    float aside = (1 - l->width) * SCENE_W / 2;
    for (int tries = 0; tries < 60; tries++) {
        o->r = dice_between(d, r[0], r[1]);
        o->x = dice_between(d, aside + o->r * 1.1f + 2, SCENE_W - aside - o->r * 1.1f - 2);
        o->y = dice_between(d, o->r * 1.1f + 30, SCENE_H - o->r - 4);
        if (is_free(s, o, l->near))
            return true;
    }
    return false;
}

/* Among the others, which stand from the far to the near. */
static void add(struct scene *s, const struct object *o)
{
    int at = s->count++;
    for (; at > 0 && s->objects[at - 1].y + s->objects[at - 1].r > o->y + o->r; at--)
        s->objects[at] = s->objects[at - 1];
    s->objects[at] = *o;
}

static void fill(uint64_t seed, enum stress stress, struct scene *s)
{
    bool crowded = stress == STRESS_CROWDED;
    struct dice d;
    int shapes[6], colors[6], ns, nc;
    memset(s, 0, sizeof *s);
    s->seed = seed;
    dice_seed(&d, seed, 1);
    s->ground = dice_below(&d, 4);
    s->wall = dice_below(&d, 6);
    choose_subset(&d, SHAPES, shapes, &ns);
    choose_subset(&d, COLORS, colors, &nc);
    int want = 3 + dice_below(&d, SCENE_MOST - 2);
    want = crowded ? SCENE_MOST : want;
    ns = crowded ? 2 : ns;
    for (int i = 0; i < want; i++) {
        struct object o = {.shape = (enum shape)shapes[dice_below(&d, ns)],
                           .color = (enum color)colors[dice_below(&d, nc)],
                           .pattern = dice_chance(&d, 0.5f) ? PLAIN
                                      : (enum pattern)(1 + dice_below(&d, 2)),
                           .size = (enum size)dice_below(&d, SIZES)};
        if (!place(&d, s, &layouts[stress], &o))
            continue;
        set_box(&o);
        add(s, &o);
    }
}

/* Gives one object another shape, color or pattern; its size would need other room. */
static void differ(struct scene *s, uint64_t seed)
{
    struct dice d;
    dice_seed(&d, seed, 2);
    struct object *o = &s->objects[dice_below(&d, s->count)];
    int what = dice_below(&d, 3);
    if (what == 0)
        o->shape = (enum shape)(((int)o->shape + 1 + dice_below(&d, SHAPES - 1)) % SHAPES);
    else if (what == 1)
        o->color = (enum color)(((int)o->color + 1 + dice_below(&d, COLORS - 1)) % COLORS);
    else
        o->pattern =
            (enum pattern)(((int)o->pattern + 1 + dice_below(&d, PATTERNS - 1)) % PATTERNS);
    set_box(o);
}

void scene_make_hard(uint64_t seed, enum stress stress, struct scene *s)
{
    uint64_t first = stress == STRESS_ALIKE ? seed - seed % ALIKE : seed;
    fill(first, stress, s);
    s->seed = seed;
    if (seed != first)
        differ(s, seed);
}

void scene_make(uint64_t seed, struct scene *s)
{
    fill(seed, STRESS_NONE, s);
}

void scene_json(const struct scene *s, struct buf *out)
{
    buf_printf(out, "{\"seed\": %llu, \"width\": %d, \"height\": %d, \"objects\": [",
               (unsigned long long)s->seed, SCENE_W, SCENE_H);
    for (int i = 0; i < s->count; i++) {
        const struct object *o = &s->objects[i];
        buf_printf(out, "%s{\"shape\": \"%s\", \"color\": \"%s\", \"pattern\": \"%s\", "
                   "\"size\": \"%s\", \"box\": [%.1f, %.1f, %.1f, %.1f]}", i ? ", " : "",
                   shape_names[o->shape], color_names[o->color], pattern_names[o->pattern],
                   size_names[o->size], (double)o->box[0], (double)o->box[1], (double)o->box[2],
                   (double)o->box[3]);
    }
    buf_puts(out, "]}");
}
