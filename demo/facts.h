/* SPDX-License-Identifier: MIT */
/* Facts: what is true of a scene, or not; questions that yes or no answers, and statements. */
#ifndef DEMO_FACTS_H
#define DEMO_FACTS_H

#include "demo/sets.h"

/* What an item is about, as its "slices" say. */
enum {
    SLICE_EXISTS = 1 << 0,
    SLICE_ATTRIBUTE = 1 << 1,
    SLICE_RELATION = 1 << 2,
    SLICE_COUNT = 1 << 3,
    SLICE_NEGATION = 1 << 4,
    SLICE_OR = 1 << 5,
    SLICE_ALL = 1 << 6,
    SLICE_NONE = 1 << 7,
    SLICE_BOTH = 1 << 8,
    SLICE_ONLY = 1 << 9,
    SLICE_COMPARE = 1 << 10,
    SLICE_NEAR = 1 << 11,
    SLICE_BETWEEN = 1 << 12,
    SLICE_GROUP = 1 << 13,
    SLICE_PRESUPPOSITION = 1 << 14,
    SLICE_PLACE = 1 << 15,
    SLICE_KIND = 1 << 16,
    SLICE_NEUTRAL = 1 << 17,
    SLICE_BRIEF = 1 << 18, /* from here on how it is said, not what it is about */
    SLICE_POLITE = 1 << 19,
    SLICE_TYPO = 1 << 20,
    SLICE_HELD_OUT = 1 << 21,
    SLICES = 22
};
extern const char *const slice_names[SLICES];

enum fact_type {
    FACT_EXISTS,
    FACT_ABSENT,
    FACT_EITHER,
    FACT_PAIR,
    FACT_ALL,
    FACT_NONE,
    FACT_ANY,
    FACT_BOTH,
    FACT_NEITHER,
    FACT_ALL_ALIKE,
    FACT_ONE,
    FACT_MORE,
    FACT_FEWER,
    FACT_AS_MANY,
    FACT_EXACTLY,
    FACT_AT_LEAST,
    FACT_MORE_THAN,
    FACT_FEWER_THAN,
    FACT_PORTABLE, /* those above are about any scene, those below name objects of one */
    FACT_TWO = FACT_PORTABLE,
    FACT_ONLY,
    FACT_IS,
    FACT_IS_NOT,
    FACT_IS_EITHER,
    FACT_HAS,
    FACT_PLACED,
    FACT_NOT_PLACED,
    FACT_SOME_PLACED,
    FACT_NONE_PLACED,
    FACT_ANYTHING,
    FACT_NOTHING,
    FACT_BETWEEN,
    FACT_SOME_BETWEEN,
    FACT_ALIKE,
    FACT_DIFFERENT,
    FACT_BIGGER,
    FACT_SMALLER,
    FACTS
};

struct fact {
    enum fact_type type;
    struct set a, b;
    int u, v, w;         /* objects, which are named */
    struct set names[3]; /* by these */
    struct value p, q;
    int r, n;
};

enum truth fact_truth(const struct fact *f, const struct scene *s);
/* One of a type that is or is not so; false when the dice find none. */
bool fact_make(struct dice *d, const struct scene *s, enum fact_type type, enum truth want,
               struct fact *out);
/* One that differs in a point and is certainly false. */
bool fact_twin(struct dice *d, const struct scene *s, const struct fact *f, struct fact *out);
/* Slices of a set, of a fact with its sets and names. */
unsigned set_slices(const struct set *a);
unsigned fact_slices(const struct fact *f);

/* ---- fact_text.c */
enum fact_form { ASKED, ASKED_BRIEFLY, ASKED_OTHERWISE, TOLD, TOLD_OTHERWISE, FACT_FORMS };
/* NULL when the fact has no such form; otherwise: wordings that training never has. Caller frees.
 */
char *fact_text(struct dice *d, const struct fact *f, enum fact_form form, const struct scene *s);

#endif
