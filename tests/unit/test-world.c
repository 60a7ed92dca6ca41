/* The demo's world: boxes are where the paint is, names tell objects apart, captions are true and
 * their twins false. A shape painted outside of its box, or a name that fits two objects, would
 * make every accuracy measured on such scenes wrong. */
#include "demo/items.h"
#include "demo/say.h"
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

int main(void)
{
    same_seed();
    boxes();
    names();
    clauses();
    choices();
    return tap_done();
}
