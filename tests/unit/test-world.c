/* SPDX-License-Identifier: MIT */
/* The demo's world: boxes are where the paint is, names tell objects apart, captions are true and
 * their twins false. A shape painted outside of its box, or a name that fits two objects, would
 * make every accuracy measured on such scenes wrong. */
#include "demo/items.h"
#include "demo/say.h"
#include "src/engine/domain.h"
#include "tap.h"

#include <math.h>

static uint8_t first[3 * SCENE_W * SCENE_H], second[3 * SCENE_W * SCENE_H];

/* Where two pictures differ: x1 y1 x2 y2; false when nowhere. */
static bool difference(int box[4])
{
    box[0] = SCENE_W;
    box[1] = SCENE_H;
    box[2] = box[3] = -1;
    for (int y = 0; y < SCENE_H; y++)
        for (int x = 0; x < SCENE_W; x++)
            if (memcmp(first + 3 * (y * SCENE_W + x), second + 3 * (y * SCENE_W + x), 3) != 0) {
                box[0] = x < box[0] ? x : box[0];
                box[1] = y < box[1] ? y : box[1];
                box[2] = x > box[2] ? x : box[2];
                box[3] = y > box[3] ? y : box[3];
            }
    return box[2] >= 0;
}

/* A scene with nothing but one object of that shape. */
static void find_shape(int shape, struct scene *s)
{
    for (uint64_t seed = 0;; seed++) {
        scene_make(seed, s);
        for (int i = 0; i < s->count; i++)
            if ((int)s->objects[i].shape == shape) {
                struct object keep = s->objects[i];
                s->objects[0] = keep;
                s->count = 1;
                return;
            }
    }
}

/* The object alone in two colors: what changes is its paint. */
static void boxes(void)
{
    int wrong = 0;
    for (int shape = 0; shape < SHAPES; shape++) {
        struct scene s;
        int seen[4];
        struct object *o = &s.objects[0];
        find_shape(shape, &s);
        o->pattern = PLAIN;
        o->color = RED;
        scene_draw(&s, first);
        o->color = GREEN;
        scene_draw(&s, second);
        bool differs = difference(seen);
        for (int i = 0; i < 4; i++)
            if (!differs || fabsf((float)seen[i] - o->box[i]) > 2.5f) {
                tap_note("%s: side %d is at %d, not %g", shape_names[shape], i, seen[i],
                         (double)o->box[i]);
                wrong++;
            }
    }
    ok(wrong == 0, "boxes of all %d shapes are where their paint is", SHAPES);
}

static void same_seed(void)
{
    struct scene a, b;
    scene_make(5, &a);
    scene_make(5, &b);
    scene_draw(&a, first);
    scene_draw(&b, second);
    ok(memcmp(&a, &b, sizeof a) == 0 && memcmp(first, second, sizeof first) == 0,
       "the same seed is the same scene");
}

/* ---- hard scenes */

static float overlap_of(const struct object *a, const struct object *b)
{
    return a->r + b->r - hypotf(a->x - b->x, a->y - b->y);
}

/* In how many attributes the objects of two scenes differ; -1 when they stand elsewhere. */
static int points_apart(const struct scene *a, const struct scene *b)
{
    int n = 0;
    if (a->count != b->count || a->ground != b->ground || a->wall != b->wall)
        return -1;
    for (int i = 0; i < a->count; i++) {
        const struct object *o = &a->objects[i], *p = &b->objects[i];
        if (o->x != p->x || o->y != p->y || o->r != p->r || o->size != p->size)
            return -1;
        n += (o->shape != p->shape) + (o->color != p->color) + (o->pattern != p->pattern);
    }
    return n;
}

/* What 400 scenes are like. */
struct looks {
    float largest;   /* radius */
    int inside;      /* objects within the picture */
    int objects, covered, full; /* full: scenes of seven */
};

static struct looks looks_of(enum stress stress)
{
    struct looks l = {0};
    for (uint64_t seed = 0; seed < 400; seed++) {
        struct scene s;
        scene_make_hard(seed, stress, &s);
        l.full += s.count == SCENE_MOST;
        for (int i = 0; i < s.count; i++) {
            const struct object *o = &s.objects[i];
            l.largest = fmaxf(l.largest, o->r);
            l.objects++;
            l.inside += o->box[0] >= 0 && o->box[1] >= 0 && o->box[2] <= SCENE_W &&
                        o->box[3] <= SCENE_H;
            for (int j = 0; j < i; j++)
                l.covered += overlap_of(o, &s.objects[j]) > 0.2f * (o->r + s.objects[j].r);
        }
    }
    return l;
}

static void hard(void)
{
    struct looks usual = looks_of(STRESS_NONE), small = looks_of(STRESS_SMALL),
                 over = looks_of(STRESS_OVERLAPPING), crowded = looks_of(STRESS_CROWDED);
    ok(small.largest < 18 && usual.largest > 30, "small: radii up to %g, not %g",
       (double)small.largest, (double)usual.largest);
    ok(usual.covered == 0 && over.covered > 200, "overlapping: %d pairs cover each other, not %d",
       over.covered, usual.covered);
    ok(crowded.full > 320 && usual.full < 120, "crowded: %d of 400 scenes have seven, not %d",
       crowded.full, usual.full);
    ok(small.inside == small.objects && over.inside == over.objects &&
           crowded.inside == crowded.objects,
       "all within the picture");
    int one = 0, elsewhere = 0;
    for (uint64_t seed = 0; seed < 400; seed++) {
        struct scene a, b;
        scene_make_hard(seed - seed % ALIKE, STRESS_ALIKE, &a);
        scene_make_hard(seed, STRESS_ALIKE, &b);
        one += points_apart(&a, &b) == (seed % ALIKE ? 1 : 0);
        elsewhere += b.seed != seed;
    }
    ok(one == 400 && elsewhere == 0, "alike: %d of 400 differ in one point from their first", one);
    struct scene a, b;
    scene_make(5, &a);
    scene_make_hard(5, STRESS_NONE, &b);
    ok(memcmp(&a, &b, sizeof a) == 0, "none: scenes as ever");
}

static void names(void)
{
    int unique = 0, wrong = 0, outside = 0;
    for (uint64_t seed = 0; seed < 500; seed++) {
        struct scene s;
        struct dice d;
        scene_make(seed, &s);
        dice_seed(&d, seed, 9);
        for (int i = 0; i < s.count; i++) {
            struct kind k;
            const float *b = s.objects[i].box;
            outside += b[0] < 0 || b[1] < 0 || b[2] > SCENE_W || b[3] > SCENE_H;
            if (!kind_unique(&d, &s, i, 15, &k))
                continue;
            unique++;
            wrong += kind_count(&k, &s) != 1 || !kind_fits(&k, &s.objects[i]);
        }
    }
    ok(unique > 1000 && wrong == 0 && outside == 0, "%d names tell one object apart", unique);
}

static void clauses(void)
{
    int made = 0, twins = 0, wrong = 0;
    for (uint64_t seed = 0; seed < 500; seed++) {
        struct scene s;
        struct dice d;
        struct clause c, t;
        scene_make(seed, &s);
        dice_seed(&d, seed, 10);
        if (!clause_make(&d, &s, 1, &c))
            continue;
        made++;
        wrong += !clause_true(&c, &s) || clause_false(&c, &s);
        if (clause_twin(&d, &s, &c, &t)) {
            twins++;
            wrong += clause_true(&t, &s);
        }
    }
    ok(made > 400 && twins > 300 && wrong == 0, "%d clauses are true, %d twins false", made, twins);
}

static void choices(void)
{
    static const char *const args[4] = {"X", "Y", "", ""};
    struct dice d;
    int left = 0, wrong = 0;
    dice_seed(&d, 1, 1);
    for (int i = 0; i < 200; i++) {
        struct buf b = {0};
        say(&d, &b, "(a|b(c|)) $1-$2", args);
        left += strcmp(b.data, "a X-Y") == 0;
        wrong += strcmp(b.data, "a X-Y") != 0 && strcmp(b.data, "bc X-Y") != 0 &&
                 strcmp(b.data, "b X-Y") != 0;
        buf_fini(&b);
    }
    ok(wrong == 0 && left > 60 && left < 140, "choices nest, arguments stand where they belong");
}

/* ---- the demo's domain */

/* Numbers of demo/train/domain.py. */
static void description(void)
{
    static const float want[DOMAIN_NUMBERS] = {
        0.9689153f, 0.9689153f, 0.9689153f, 0.9689153f, 0.9689153f, 0.9689153f, 0.9689153f,
        0.9726974f, 0.9726974f, 0.9726974f, 0.9726974f, 0.9726974f, 0.9726974f, 0.9726974f,
        0.9112903f, 0.9112903f, 0.9112903f, 0.9112903f, 0.9112903f, 0.922043f, 0.9395161f,
        0.9195479f, 0.9195479f, 0.9195479f, 0.9195479f, 0.9195479f, 0.9301862f, 0.9488032f,
        0.7527778f, 0.7527778f, 0.7527778f, 0.7694444f, 0.7777778f, 0.8083333f, 0.8805556f,
        0.8070652f, 0.8070652f, 0.8070652f, 0.8179348f, 0.8288043f, 0.8559783f, 0.8994565f};
    struct image *im = NULL;
    float have[DOMAIN_NUMBERS] = {0}, worst = 0;
    bool good = image_open(source_path("tests/data/tiny/scene.png"), &im, NULL) == 0 &&
                domain_describe(im, have);
    for (int i = 0; i < DOMAIN_NUMBERS; i++)
        worst = fmaxf(worst, fabsf(have[i] - want[i]));
    ok(good && worst < 1e-6f, "a picture is described as by domain.py (%g)", (double)worst);
    image_free(im);
}

/* Picture number i of 20 that no scene is like: noise, waves, gradients, one colour, stripes. */
static void strange(int i, uint8_t *rgb)
{
    struct dice d;
    int kind = i % 5, size = 2 << i / 5;
    float a[3], b[3], c[3];
    dice_seed(&d, 77, (uint64_t)i);
    for (int k = 0; k < 3; k++) {
        a[k] = dice_between(&d, 40, 200);
        b[k] = dice_between(&d, -0.4f, 0.4f);
        c[k] = dice_between(&d, -0.4f, 0.4f);
    }
    for (int y = 0; y < SCENE_H; y++)
        for (int x = 0; x < SCENE_W; x++)
            for (int k = 0; k < 3; k++) {
                uint8_t *p = &rgb[3 * (y * SCENE_W + x) + k];
                float slope = a[k] + b[k] * (float)(x - 160) + c[k] * (float)(y - 120);
                float wave = 60 * sinf((float)x / (float)size) * cosf((float)y / (float)size);
                float v = kind == 0 ? (float)dice_below(&d, 256)
                          : kind == 1 ? a[k] + wave + dice_between(&d, -6, 6)
                          : kind == 2 ? slope
                          : kind == 3 ? a[k]
                                      : a[(x / size + k) % 3];
                *p = (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
            }
}

static void distances(void)
{
    struct domain *d = NULL;
    struct vs_err err = {0};
    struct image im = {.width = SCENE_W, .height = SCENE_H, .rgb = first};
    int far = 0, strange_far = 0;
    float most = 0, least = INFINITY;
    if (!ok(domain_open(source_path("demo/model/known_words.txt"),
                        source_path("demo/model/domain.safetensors"), &d, &err) == 0,
            "what the demo knows %s", err.text))
        return;
    for (uint64_t seed = 500000; seed < 500400; seed++) {
        struct scene s;
        scene_make(seed, &s);
        scene_draw(&s, first);
        float x = domain_distance(d, &im);
        far += x > 1;
        most = fmaxf(most, x);
    }
    ok(far <= 2, "%d of 400 new scenes are far, the farthest %.2f", far, (double)most);
    for (int i = 0; i < 20; i++) {
        strange(i, first);
        float x = domain_distance(d, &im);
        strange_far += x > 1;
        least = fminf(least, x);
    }
    ok(strange_far == 20, "%d of 20 other pictures are far, the nearest %.2f", strange_far,
       (double)least);
    im.width = 7;
    ok(domain_distance(d, &im) > 1, "a sliver is far");
    im.rgb = NULL;
    ok(domain_distance(d, &im) < 0, "without pixels nothing is known");
    domain_free(d);
    ok(domain_open(NULL, NULL, &d, &err) == 0 && !d, "a model may state nothing");
    ok(domain_open(NULL, source_path("demo/model/detector.pth"), &d, &err) == VS_E_FORMAT &&
       strstr(err.text, "'mean'"), "other tensors: %s", err.text);
}

int main(void)
{
    description();
    distances();
    same_seed();
    hard();
    boxes();
    names();
    clauses();
    choices();
    return tap_done();
}
