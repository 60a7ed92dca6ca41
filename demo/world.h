/* SPDX-License-Identifier: MIT */
/* The demo's world: small scenes drawn from a number, and what people could say about them.
 *
 * Everything follows from seeds, on every machine. The demo's model is trained on such scenes
 * (demo/train) and measured on others (vilscope world, vilscope eval). */
#ifndef DEMO_WORLD_H
#define DEMO_WORLD_H

#include "src/base/mem.h"

#include <stdbool.h>
#include <stdint.h>

enum { SCENE_W = 320, SCENE_H = 240, SCENE_MOST = 7 };

enum shape { BALL, CUBE, CYLINDER, CONE, STAR, RING, MUG, HEART, FISH, CAT, SHAPES };
enum color { RED, ORANGE, YELLOW, GREEN, BLUE, PURPLE, WHITE, BLACK, COLORS };
enum pattern { PLAIN, STRIPED, DOTTED, PATTERNS };
enum size { SMALL, LARGE, SIZES };

/* One word for each, as answers have them. */
extern const char *const shape_names[SHAPES], *const color_names[COLORS];
extern const char *const pattern_names[PATTERNS], *const size_names[SIZES];

struct object {
    enum shape shape;
    enum color color;
    enum pattern pattern;
    enum size size;
    float x, y, r;  /* middle and radius in pixels */
    float box[4];   /* x1 y1 x2 y2 of what is painted, before others cover it */
};

struct scene {
    uint64_t seed;
    int count; /* objects, from the far to the near */
    struct object objects[SCENE_MOST];
    int ground, wall; /* table, grass, sand, carpet; one of six colors */
};

/* A stream of random numbers. */
struct dice {
    uint64_t state;
};
void dice_seed(struct dice *d, uint64_t seed, uint64_t stream);
int dice_below(struct dice *d, int n);      /* 0 .. n-1 */
float dice_between(struct dice *d, float a, float b);
bool dice_chance(struct dice *d, float p);

/* Scenes that are hard: of small things; of such that cover each other; of seven in little room, of
 * few kinds; of groups of ALIKE scenes in which one thing differs from the first in one point. */
enum stress {
    STRESS_NONE,
    STRESS_SMALL,
    STRESS_OVERLAPPING,
    STRESS_CROWDED,
    STRESS_ALIKE,
    STRESSES
};
enum { ALIKE = 8 };
/* One word for each; NULL for none, and after the last. */
extern const char *const stress_names[STRESSES + 1];

void scene_make(uint64_t seed, struct scene *s);
/* A hard one; STRESS_NONE: the same as scene_make. A group is ALIKE seeds from a multiple on. */
void scene_make_hard(uint64_t seed, enum stress stress, struct scene *s);
/* rgb (SCENE_H, SCENE_W, 3) */
void scene_draw(const struct scene *s, uint8_t *rgb);
/* The scene's truth as one line of JSON, without the newline. */
void scene_json(const struct scene *s, struct buf *out);

#endif
