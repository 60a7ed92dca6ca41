/* SPDX-License-Identifier: MIT */
/* Facts: what makes them true, and how they are found. */
#include "demo/facts.h"

#include <stdlib.h>
#include <string.h>

const char *const slice_names[SLICES] = {
    "exists",         "attribute", "relation", "count",   "negation", "or",      "all",
    "none",           "both",      "only",     "compare", "near",     "between", "group",
    "presupposition", "place",     "kind",     "neutral", "brief",    "polite",  "typo",
    "held-out"};

/* ---- truth */

static enum truth sure(bool yes)
{
    return yes ? YES : NO;
}

static enum truth inverse(enum truth t)
{
    return t == YES ? NO : t == NO ? YES : UNCLEAR;
}

/* All, none or any of a set's members have a value: how many have, of how many. False when it is
 * unclear or there are too few for the words. */
static bool tally(const struct fact *f, const struct scene *s, int *have, int *all)
{
    unsigned unclear, members = set_members(&f->a, s, &unclear);
    *have = *all = 0;
    for (int i = 0; i < s->count; i++)
        if (members >> i & 1) {
            ++*all;
            *have += value_fits(&f->p, &s->objects[i]) == YES;
        }
    bool two = f->type == FACT_BOTH || f->type == FACT_NEITHER;
    return unclear == 0 && (two ? *all == 2 : *all >= 2);
}

static enum truth share_truth(const struct fact *f, const struct scene *s)
{
    int have, all;
    if (!tally(f, s, &have, &all))
        return UNCLEAR;
    switch (f->type) {
    case FACT_ALL:
    case FACT_BOTH:
        return sure(have == all);
    case FACT_ANY:
        return sure(have > 0);
    default:
        return sure(have == 0);
    }
}

/* All members have one value of an attribute. */
static enum truth all_alike(const struct fact *f, const struct scene *s)
{
    unsigned unclear, members = set_members(&f->a, s, &unclear), values = 0;
    if (unclear || (members & (members - 1)) == 0)
        return UNCLEAR;
    for (int i = 0; i < s->count; i++)
        if (members >> i & 1)
            values |= 1u << value_of(&s->objects[i], f->p.bit).value;
    return sure((values & (values - 1)) == 0);
}

static enum truth exists(const struct set *a, const struct scene *s)
{
    unsigned unclear, members = set_members(a, s, &unclear);
    return members ? YES : unclear ? UNCLEAR : NO;
}

static enum truth count_truth(const struct fact *f, const struct scene *s)
{
    int a = set_count(&f->a, s), b = set_count(&f->b, s);
    bool two = f->type == FACT_MORE || f->type == FACT_FEWER || f->type == FACT_AS_MANY;
    if (a < 0 || (two && (b < 0 || a + b == 0)))
        return UNCLEAR;
    switch (f->type) {
    case FACT_MORE:
        return sure(a > b);
    case FACT_FEWER:
        return sure(a < b);
    case FACT_AS_MANY:
        return sure(a == b);
    case FACT_ONE:
        return a == 0 ? UNCLEAR : sure(a == 1);
    case FACT_EXACTLY:
        return sure(a == f->n);
    case FACT_AT_LEAST:
        return sure(a >= f->n);
    case FACT_MORE_THAN:
        return sure(a > f->n);
    default:
        return sure(a < f->n);
    }
}

/* Whether some member stands so to v, or between v and w. */
static enum truth some_truth(const struct fact *f, const struct scene *s)
{
    enum truth all = NO;
    bool whole = f->type == FACT_SOME_BETWEEN;
    for (int i = 0; i < s->count; i++) {
        const struct object *o = &s->objects[i], *v = &s->objects[f->v];
        enum truth in = set_has(&f->a, o), t;
        if (in == NO || i == f->v || (whole && i == f->w))
            continue;
        t = whole ? between(o, v, &s->objects[f->w]) : placed(o, f->r, v);
        t = in == UNCLEAR && t == YES ? UNCLEAR : t;
        all = t == YES || all == YES ? YES : t == UNCLEAR ? UNCLEAR : all;
    }
    return all;
}

static enum truth both_have(const struct fact *f, const struct scene *s)
{
    const struct object *u = &s->objects[f->u], *v = &s->objects[f->v];
    return sure(value_fits(&f->p, u) == YES && value_fits(&f->p, v) == YES);
}

static enum truth alike(const struct fact *f, const struct scene *s)
{
    return sure(value_of(&s->objects[f->u], f->p.bit).value ==
                value_of(&s->objects[f->v], f->p.bit).value);
}

/* Whether u has more size than v; of one size nothing is said. */
static enum truth bigger(const struct fact *f, const struct scene *s)
{
    enum size u = s->objects[f->u].size, v = s->objects[f->v].size;
    return u == v ? UNCLEAR : sure(u == LARGE);
}

static enum truth only(const struct fact *f, const struct scene *s)
{
    int n = set_count(&f->a, s);
    return n < 1 || set_has(&f->a, &s->objects[f->u]) != YES ? UNCLEAR : sure(n == 1);
}

static enum truth is_either(const struct fact *f, const struct scene *s)
{
    const struct object *u = &s->objects[f->u];
    return sure(value_fits(&f->p, u) == YES || value_fits(&f->q, u) == YES);
}

/* Of facts that name objects. */
static enum truth named_truth(const struct fact *f, const struct scene *s)
{
    const struct object *u = &s->objects[f->u], *v = &s->objects[f->v], *w = &s->objects[f->w];
    switch (f->type) {
    case FACT_TWO:
        return both_have(f, s);
    case FACT_ONLY:
        return only(f, s);
    case FACT_IS:
    case FACT_HAS:
        return value_fits(&f->p, u);
    case FACT_IS_NOT:
        return inverse(value_fits(&f->p, u));
    case FACT_IS_EITHER:
        return is_either(f, s);
    case FACT_PLACED:
        return placed(u, f->r, v);
    case FACT_NOT_PLACED:
        return inverse(placed(u, f->r, v));
    case FACT_NONE_PLACED:
    case FACT_NOTHING:
        return inverse(some_truth(f, s));
    case FACT_BETWEEN:
        return between(u, v, w);
    case FACT_ALIKE:
        return alike(f, s);
    case FACT_DIFFERENT:
        return inverse(alike(f, s));
    case FACT_BIGGER:
        return bigger(f, s);
    case FACT_SMALLER:
        return inverse(bigger(f, s));
    default:
        return some_truth(f, s);
    }
}

enum truth fact_truth(const struct fact *f, const struct scene *s)
{
    enum truth a = exists(&f->a, s), b = exists(&f->b, s);
    switch (f->type) {
    case FACT_EXISTS:
        return a;
    case FACT_ABSENT:
        return inverse(a);
    case FACT_EITHER:
        return a == YES || b == YES ? YES : a == NO && b == NO ? NO : UNCLEAR;
    case FACT_PAIR:
        return a == NO || b == NO ? NO : a == YES && b == YES ? YES : UNCLEAR;
    case FACT_ALL:
    case FACT_NONE:
    case FACT_ANY:
    case FACT_BOTH:
    case FACT_NEITHER:
        return share_truth(f, s);
    case FACT_ALL_ALIKE:
        return all_alike(f, s);
    case FACT_ONE:
    case FACT_MORE:
    case FACT_FEWER:
    case FACT_AS_MANY:
    case FACT_EXACTLY:
    case FACT_AT_LEAST:
    case FACT_MORE_THAN:
    case FACT_FEWER_THAN:
        return count_truth(f, s);
    default:
        return named_truth(f, s);
    }
}

/* ---- finding them */

/* Whether the set tells the attribute that is asked for, so that the answer is in the question. */
static bool tells(const struct set *a, int bit)
{
    return (bit & 1 && (a->k.shape >= 0 || a->group >= 0 || a->no_shape >= 0)) ||
           (bit & 2 && (a->k.color >= 0 || a->no_color >= 0)) ||
           (bit & 4 && (a->k.pattern >= 0 || a->no_pattern >= 0)) || (bit & 8 && a->k.size >= 0);
}

/* What the names must not tell. */
static int fact_without(const struct fact *f)
{
    switch (f->type) {
    case FACT_TWO:
    case FACT_IS:
    case FACT_IS_NOT:
    case FACT_IS_EITHER:
    case FACT_HAS:
    case FACT_ALIKE:
    case FACT_DIFFERENT:
        return f->p.bit;
    case FACT_BIGGER:
    case FACT_SMALLER:
        return 8;
    default:
        return 0;
    }
}

static bool is_two_sets(enum fact_type t)
{
    return t == FACT_EITHER || t == FACT_PAIR || t == FACT_MORE || t == FACT_FEWER ||
           t == FACT_AS_MANY;
}

/* Whether it can be said without nonsense. */
static bool is_sensible(const struct fact *f)
{
    bool shape = f->p.bit == 1, alike = f->type == FACT_ALIKE || f->type == FACT_DIFFERENT;
    if (is_two_sets(f->type) && !sets_apart(&f->a, &f->b))
        return false;
    if (f->type >= FACT_ALL && f->type <= FACT_ALL_ALIKE && tells(&f->a, f->p.bit))
        return false;
    /* "The same shape" would be about outlines; "anything a ball" is no English. */
    if (shape && (alike || f->type == FACT_ALL_ALIKE || set_is_any(&f->a)))
        return false;
    if (f->type == FACT_HAS && (f->p.bit != 4 || f->p.value == PLAIN))
        return false;
    if (f->type == FACT_IS_EITHER && (f->p.bit != f->q.bit || f->p.value == f->q.value))
        return false;
    return f->type < FACT_PORTABLE || (f->u != f->v && f->u != f->w && f->v != f->w);
}

/* What the clause says again of an object that its name tells already. */
static bool repeats(const struct fact *f)
{
    const struct set *n = &f->names[0];
    return f->type == FACT_ONLY &&
           (n->group >= 0 || n->no_color >= 0 || n->no_pattern >= 0 || n->no_shape >= 0 ||
            (f->a.k.color >= 0 && n->k.color >= 0) || (f->a.k.shape >= 0 && n->k.shape >= 0) ||
            (f->a.k.pattern >= 0 && n->k.pattern >= 0) || (f->a.k.size >= 0 && n->k.size >= 0));
}

static bool name_all(struct dice *d, const struct scene *s, struct fact *f)
{
    int without = fact_without(f);
    const int at[3] = {f->u, f->v, f->w};
    for (int i = 0; i < 3 && f->type >= FACT_PORTABLE; i++)
        if (!set_unique(d, s, at[i], without, &f->names[i]))
            return false;
    return !repeats(f);
}

static void propose(struct dice *d, const struct scene *s, enum fact_type type, struct fact *f)
{
    *f = (struct fact){.type = type,
                       .a = set_some(d, s),
                       .b = set_some(d, s),
                       .p = value_some(d, s),
                       .q = value_some(d, s),
                       .u = dice_below(d, s->count),
                       .v = dice_below(d, s->count),
                       .w = dice_below(d, s->count),
                       .r = dice_below(d, WIDE_RELATIONS + 2)};
    f->r = f->r >= WIDE_RELATIONS ? NEXT_TO : f->r;
    f->n = (type == FACT_MORE_THAN ? 1 : 2) + dice_below(d, 3);
    if (type == FACT_ONLY)
        f->a = set_of(kind_of(&s->objects[f->u], 1 << dice_below(d, 4)));
    bool all = type >= FACT_ALL && type <= FACT_ANY && dice_chance(d, 0.15f);
    if (all || type == FACT_ANYTHING || type == FACT_NOTHING)
        f->a = set_of((struct kind){-1, -1, -1, -1});
}

bool fact_make(struct dice *d, const struct scene *s, enum fact_type type, enum truth want,
               struct fact *out)
{
    for (int tries = 0; tries < 80; tries++) {
        struct fact f;
        propose(d, s, type, &f);
        if (is_sensible(&f) && fact_truth(&f, s) == want && name_all(d, s, &f)) {
            *out = f;
            return true;
        }
    }
    return false;
}

bool fact_twin(struct dice *d, const struct scene *s, const struct fact *f, struct fact *out)
{
    for (int tries = 0; tries < 80; tries++) {
        struct fact t, x = *f;
        propose(d, s, f->type, &t);
        switch (dice_below(d, 3)) {
        case 0:
            x.a = t.a;
            break;
        case 1:
            x.p = t.p;
            x.b = t.b;
            break;
        default:
            x.n = t.n;
            x.a.k.color = t.a.k.color;
        }
        if (is_sensible(&x) && fact_truth(&x, s) == NO) {
            *out = x;
            return true;
        }
    }
    return false;
}

/* ---- slices */

static const unsigned fact_kinds[FACTS] = {[FACT_EXISTS] = SLICE_EXISTS,
                                           [FACT_ABSENT] = SLICE_EXISTS | SLICE_NEGATION,
                                           [FACT_EITHER] = SLICE_EXISTS | SLICE_OR,
                                           [FACT_PAIR] = SLICE_EXISTS | SLICE_BOTH,
                                           [FACT_ALL] = SLICE_ALL,
                                           [FACT_NONE] = SLICE_NONE | SLICE_NEGATION,
                                           [FACT_ANY] = SLICE_EXISTS,
                                           [FACT_BOTH] = SLICE_BOTH,
                                           [FACT_NEITHER] = SLICE_BOTH | SLICE_NEGATION,
                                           [FACT_ALL_ALIKE] = SLICE_ALL | SLICE_COMPARE,
                                           [FACT_ONE] = SLICE_ONLY | SLICE_COUNT,
                                           [FACT_MORE] = SLICE_COMPARE | SLICE_COUNT,
                                           [FACT_FEWER] = SLICE_COMPARE | SLICE_COUNT,
                                           [FACT_AS_MANY] = SLICE_COMPARE | SLICE_COUNT,
                                           [FACT_EXACTLY] = SLICE_COUNT,
                                           [FACT_AT_LEAST] = SLICE_COUNT,
                                           [FACT_MORE_THAN] = SLICE_COUNT,
                                           [FACT_FEWER_THAN] = SLICE_COUNT,
                                           [FACT_TWO] = SLICE_ATTRIBUTE | SLICE_BOTH,
                                           [FACT_ONLY] = SLICE_ONLY,
                                           [FACT_IS] = SLICE_ATTRIBUTE,
                                           [FACT_HAS] = SLICE_ATTRIBUTE,
                                           [FACT_IS_NOT] = SLICE_ATTRIBUTE | SLICE_NEGATION,
                                           [FACT_IS_EITHER] = SLICE_ATTRIBUTE | SLICE_OR,
                                           [FACT_PLACED] = SLICE_RELATION,
                                           [FACT_NOT_PLACED] = SLICE_RELATION | SLICE_NEGATION,
                                           [FACT_SOME_PLACED] = SLICE_RELATION | SLICE_EXISTS,
                                           [FACT_NONE_PLACED] = SLICE_RELATION | SLICE_NEGATION,
                                           [FACT_ANYTHING] = SLICE_RELATION | SLICE_EXISTS,
                                           [FACT_NOTHING] = SLICE_RELATION | SLICE_NEGATION,
                                           [FACT_BETWEEN] = SLICE_RELATION | SLICE_BETWEEN,
                                           [FACT_SOME_BETWEEN] =
                                               SLICE_RELATION | SLICE_BETWEEN | SLICE_EXISTS,
                                           [FACT_ALIKE] = SLICE_COMPARE | SLICE_ATTRIBUTE,
                                           [FACT_DIFFERENT] = SLICE_COMPARE | SLICE_ATTRIBUTE,
                                           [FACT_BIGGER] = SLICE_COMPARE | SLICE_ATTRIBUTE,
                                           [FACT_SMALLER] = SLICE_COMPARE | SLICE_ATTRIBUTE};

static bool is_placed(enum fact_type t)
{
    return t >= FACT_PLACED && t <= FACT_NOTHING;
}

unsigned set_slices(const struct set *a)
{
    return (a->group >= 0 ? SLICE_GROUP : 0u) |
           (a->no_color >= 0 || a->no_pattern >= 0 || a->no_shape >= 0 ? SLICE_NEGATION : 0u);
}

/* Whether the first set is part of what is said. */
static bool has_set(enum fact_type t)
{
    return t < FACT_PORTABLE || t == FACT_ONLY || t == FACT_SOME_PLACED || t == FACT_NONE_PLACED ||
           t == FACT_SOME_BETWEEN;
}

unsigned fact_slices(const struct fact *f)
{
    unsigned slices = fact_kinds[f->type];
    if (is_placed(f->type) && f->r == NEXT_TO)
        slices |= SLICE_NEAR;
    if (has_set(f->type))
        slices |= set_slices(&f->a);
    if (is_two_sets(f->type))
        slices |= set_slices(&f->b);
    if (f->type >= FACT_PORTABLE) /* the names that its words use */
        slices |= set_slices(&f->names[has_set(f->type) && f->type != FACT_ONLY]);
    return slices;
}
