/* SPDX-License-Identifier: MIT */
/* Names of the wide language: by groups, by what things are not, by what they are next to or
 * between. */
#include "demo/maker.h"
#include "demo/marks.h"

#include <stdlib.h>

char *maker_set_name(struct maker *m, int i, int without)
{
    struct set a;
    if (!set_unique(m->d, m->s, i, without, &a))
        return NULL;
    m->slices |= set_slices(&a);
    m->told = kind_has_attribute(&a.k);
    return maker_mark(m, set_name(m->d, &a), i);
}

/* How many others of the set stand so to j (and k); -1 when it is unclear of one. k -1: a relation.
 */
static int standing(const struct maker *m, const struct set *a, int r, int j, int k)
{
    int n = 0;
    for (int o = 0; o < m->s->count; o++) {
        enum truth in = set_has(a, maker_object(m, o)), t;
        if (in == NO || o == j || o == k)
            continue;
        t = k < 0 ? placed(maker_object(m, o), r, maker_object(m, j))
                  : between(maker_object(m, o), maker_object(m, j), maker_object(m, k));
        if (t == UNCLEAR || (t == YES && in == UNCLEAR))
            return -1;
        n += t == YES;
    }
    return n;
}

/* "NAME next to the NAME", or between two. Takes name. */
static char *standing_text(struct maker *m, char *name, int r, int j, int k)
{
    char *b = maker_name(m, j, 0), *c = k < 0 ? NULL : maker_name(m, k, 0);
    char *rel = placed_text(m->d, r), *text = NULL;
    if (b && k < 0)
        text = xasprintf("%s %s the %s", name, rel, b);
    else if (b && c)
        text = xasprintf("%s between the %s and the %s", name, b, c);
    free(name);
    free(rel);
    free(b);
    free(c);
    m->slices |= SLICE_RELATION | (k >= 0 ? SLICE_BETWEEN : r == NEXT_TO ? SLICE_NEAR : 0u);
    return text;
}

/* The set that the relation is said of: a few attributes of object i, or any thing. */
static struct set loose_set(struct maker *m, int i, int without)
{
    return set_of(kind_of(maker_object(m, i), dice_below(m->d, 4) & ~without));
}

char *maker_far_name(struct maker *m, int i, int without)
{
    for (int tries = 0; tries < 25; tries++) {
        int j = maker_some(m), k = dice_chance(m->d, 0.4f) ? maker_some(m) : -1;
        int r = dice_chance(m->d, 0.5f) ? NEXT_TO : dice_below(m->d, RELATIONS);
        struct set a = loose_set(m, i, without);
        if (i == j || i == k || j == k || standing(m, &a, r, j, k) != 1 ||
            (k < 0 ? placed(maker_object(m, i), r, maker_object(m, j))
                   : between(maker_object(m, i), maker_object(m, j), maker_object(m, k))) != YES)
            continue;
        char *name = maker_mark(m, set_text(m->d, &a, false, NULL), i);
        char *text = standing_text(m, name, r, j, k);
        m->told = kind_has_attribute(&a.k);
        return text;
    }
    return NULL;
}

/* What is there, but not where it is said to be. */
static char *absent_far(struct maker *m, int without)
{
    for (int tries = 0; tries < 25; tries++) {
        int i = maker_some(m), j = maker_some(m), r = dice_below(m->d, WIDE_RELATIONS);
        struct set a = loose_set(m, i, without);
        if (i == j || standing(m, &a, r, j, -1) != 0)
            continue;
        return standing_text(m, set_text(m->d, &a, false, NULL), r, j, -1);
    }
    return NULL;
}

char *maker_absent_name(struct maker *m, int without, bool far)
{
    if (far)
        return absent_far(m, without);
    for (int tries = 0; tries < 25; tries++) {
        static const int bits[] = {1, 1, 2, 3, 3, 3, 5, 7, 9};
        struct set a =
            set_of(kind_of(maker_object(m, maker_some(m)), bits[dice_below(m->d, 9)] & ~without));
        unsigned unclear;
        if (a.k.shape >= 0 && dice_chance(m->d, 0.6f))
            a.k.shape = dice_below(m->d, SHAPES);
        if (a.k.color >= 0 && dice_chance(m->d, 0.6f))
            a.k.color = dice_below(m->d, COLORS);
        if (!(without & 1) && dice_chance(m->d, 0.08f)) {
            a.group = dice_below(m->d, GROUPS);
            a.k.shape = -1;
        }
        if (set_members(&a, m->s, &unclear) || unclear)
            continue;
        m->slices |= set_slices(&a);
        return set_text(m->d, &a, false, NULL);
    }
    return NULL;
}
