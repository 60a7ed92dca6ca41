/* SPDX-License-Identifier: MIT */
/* Words for a scene, and what is true of it. */
#ifndef DEMO_SAY_H
#define DEMO_SAY_H

#include "demo/world.h"

/* ---- kinds of objects; -1 stands for any */
struct kind {
    int shape, color, pattern, size;
};
bool kind_fits(const struct kind *k, const struct object *o);
int kind_count(const struct kind *k, const struct scene *s);
/* The attributes of o that bits name: 1 shape, 2 color, 4 pattern, 8 size. */
struct kind kind_of(const struct object *o, int bits);
/* Whether it tells a color, a pattern or a size. */
bool kind_has_attribute(const struct kind *k);
/* Attributes, at least min of them, that only object i has; among `allowed` bits. False when none
 * tell it apart. Mostly few attributes, now and then more. */
bool kind_unique(struct dice *d, const struct scene *s, int i, int allowed, struct kind *out);

/* ---- where things are; nothing is said of what is nearly level */
enum relation { LEFT_OF, RIGHT_OF, BEHIND, IN_FRONT, RELATIONS };
#define MARGIN 18.0f
bool related(const struct object *a, enum relation r, const struct object *b);
/* Whether the two are clearly apart along the relation's axis. */
bool is_clear(const struct object *a, enum relation r, const struct object *b);

/* ---- text. A format has (one|of|these) choices, which may nest, and $1 to $4 for arguments. */
void say(struct dice *d, struct buf *out, const char *format, const char *const args[4]);
/* "small red striped ball" with synonyms; a caller adds the article. Caller frees. */
char *kind_text(struct dice *d, const struct kind *k, bool plural);
/* With "a" or "an" before it. */
char *kind_text_a(struct dice *d, const struct kind *k);
char *relation_text(struct dice *d, enum relation r);

/* ---- clauses, for captions, hypotheses and statements */
enum clause_type { EXISTS, RELATES, COUNTS, PAIRS, CLAUSES };
struct clause {
    enum clause_type type;
    struct kind a, b;
    enum relation r;
    int n;
};
/* Certainly true: a relation has to be clear. */
bool clause_true(const struct clause *c, const struct scene *s);
/* Certainly false. */
bool clause_false(const struct clause *c, const struct scene *s);
/* A true one; attributes: how many each kind has at least. False when the dice find none. */
bool clause_make(struct dice *d, const struct scene *s, int attributes, struct clause *out);
/* One that differs in a point and is false. */
bool clause_twin(struct dice *d, const struct scene *s, const struct clause *c, struct clause *out);
/* "a red ball left of a mug", "two cats"; with a scene in marks of sets.h. Caller frees. */
char *clause_text(struct dice *d, const struct clause *c, const struct scene *s);

#endif
