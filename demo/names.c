/* SPDX-License-Identifier: MIT */
/* Names that tell one object of a scene from all others. */
#include "demo/marks.h"
#include "demo/maker.h"
#include "demo/say.h"

#include <stdlib.h>

char *maker_mark(const struct maker *m, char *name, int i)
{
    return m->w->language == LANGUAGE_WIDE ? marked(name, 1u << i) : name;
}

/* "the red ball" for object i without some attributes; NULL when it cannot be told apart. */
char *maker_name(struct maker *m, int i, int without)
{
    struct kind k;
    if (!kind_unique(m->d, m->s, i, 15 & ~without, &k))
        return NULL;
    m->told = kind_has_attribute(&k);
    return maker_mark(m, kind_text(m->d, &k, false), i);
}

/* A target that is the only one of its kind with a relation to another object, which is named.
 * without: attributes that the target's name must not tell. */
char *maker_relative_name(struct maker *m, int i, int without)
{
    for (int tries = 0; tries < 12; tries++) {
        int j = maker_some(m), bits = (1 + dice_below(m->d, 15)) & ~without, fits = 0;
        enum relation r = (enum relation)dice_below(m->d, RELATIONS);
        struct kind k = kind_of(maker_object(m, i), bits), other;
        bool clear = i != j && related(maker_object(m, i), r, maker_object(m, j));
        for (int o = 0; clear && o < m->s->count; o++)
            if (o != j && kind_fits(&k, maker_object(m, o))) {
                fits += related(maker_object(m, o), r, maker_object(m, j));
                clear = is_clear(maker_object(m, o), r, maker_object(m, j));
            }
        if (!clear || fits != 1 || kind_fits(&k, maker_object(m, j)) ||
            !kind_unique(m->d, m->s, j, 15, &other))
            continue;
        char *a = maker_mark(m, kind_text(m->d, &k, false), i);
        char *b = maker_mark(m, kind_text(m->d, &other, false), j);
        char *rel = relation_text(m->d, r), *text = xasprintf("%s %s the %s", a, rel, b);
        free(a);
        free(b);
        free(rel);
        m->slices |= SLICE_RELATION;
        m->told = kind_has_attribute(&k);
        return text;
    }
    return NULL;
}

/* A phrase about an object of that kind, "leftmost $1", as the name of object i. */
static char *name_in(struct maker *m, const char *phrase, const struct kind *k, int i)
{
    char *name = kind_text(m->d, k, false);
    const char *const args[4] = {name, "", "", ""};
    struct buf b = {0};
    say(m->d, &b, phrase, args);
    m->told = kind_has_attribute(k);
    free(name);
    return maker_mark(m, buf_steal(&b), i);
}

/* ---- places: the object of a kind that is clearly the outermost */

static float toward(const struct object *o, enum side side)
{
    return side == LEFTMOST ? -o->x : side == RIGHTMOST ? o->x : side == FARTHEST ? -o->y : o->y;
}

static bool outermost(const struct maker *m, int i, const struct kind *k, enum side side)
{
    for (int o = 0; o < m->s->count; o++)
        if (o != i && kind_fits(k, maker_object(m, o)) &&
            toward(maker_object(m, i), side) - toward(maker_object(m, o), side) < MARGIN)
            return false;
    return true;
}

static const char *const place_phrases[4] = {
    "(leftmost $1|$1 (on|at) the (far |)left|left $1|$1 farthest left)",
    "(rightmost $1|$1 (on|at) the (far |)right|right $1|$1 farthest right)",
    "($1 at the (very |)back|farthest $1|$1 farthest back|topmost $1|top $1)",
    "($1 at the (very |)front|nearest $1|closest $1|lowest $1|bottom $1)"};

/* More of the wide language. */
static const char *const more_places[4] = {
    "($1 (to|at|on) the left|$1 on the left (hand |)side|$1 that is farthest left|first $1 from "
    "the left|$1 all the way to the left|$1 closest to the left side|$1 on the very left)",
    "($1 (to|at|on) the right|$1 on the right (hand |)side|$1 that is farthest right|first $1 from "
    "the right|$1 all the way to the right|$1 closest to the right side|$1 on the very right)",
    "($1 in the (background|rear|back)|most distant $1|$1 that is farthest (away|back)|uppermost "
    "$1|$1 at the (very |)top|back $1|$1 furthest (back|away)|$1 farthest from us|$1 highest up)",
    "($1 in the (front|foreground)|$1 that is (nearest|closest)|$1 closest to (us|me|the front)|"
    "front $1|foremost $1|$1 at the (very |)bottom|$1 nearest to us|$1 farthest (forward|to the "
    "front)|$1 lowest down)"};

/* "leftmost red thing"; without as above. */
char *maker_place_name(struct maker *m, int i, int without)
{
    for (int tries = 0; tries < 12; tries++) {
        enum side side = (enum side)dice_below(m->d, 4);
        struct kind k = kind_of(maker_object(m, i), dice_below(m->d, 16) & ~without);
        if (kind_count(&k, m->s) < 2 || !outermost(m, i, &k, side))
            continue;
        m->slices |= SLICE_PLACE;
        bool more = m->w->language == LANGUAGE_WIDE && dice_chance(m->d, 0.5f);
        return name_in(m, more ? more_places[side] : place_phrases[side], &k, i);
    }
    return NULL;
}

/* The smallest, the biggest. */
static const char *const size_phrases[2] = {"(smallest|littlest) $1", "(biggest|largest) $1"};
static const char *const more_sizes[2] = {
    "($1 that is smallest|very smallest $1|tiniest $1|$1 of the smallest size)",
    "($1 that is (biggest|largest)|very (biggest|largest) $1|$1 of the (biggest|largest) size)"};

/* "biggest ball": clearly, by the radius. */
char *maker_size_name(struct maker *m, int i)
{
    for (int tries = 0; tries < 12; tries++) {
        struct kind k = kind_of(maker_object(m, i), dice_below(m->d, 8));
        bool most = true, least = true;
        if (kind_count(&k, m->s) < 2)
            continue;
        for (int o = 0; o < m->s->count; o++)
            if (o != i && kind_fits(&k, maker_object(m, o))) {
                most &= maker_object(m, i)->r - maker_object(m, o)->r > 3;
                least &= maker_object(m, o)->r - maker_object(m, i)->r > 3;
            }
        if (!most && !least)
            continue;
        m->slices |= SLICE_COMPARE;
        bool more = m->w->language == LANGUAGE_WIDE && dice_chance(m->d, 0.3f);
        return name_in(m, (more ? more_sizes : size_phrases)[most], &k, i);
    }
    return NULL;
}
