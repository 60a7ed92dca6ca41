/* SPDX-License-Identifier: MIT */
/* Sets of objects in words of the wide language: groups, and what things are not.
 *
 * Some things cannot be decided: whether a mug is round, whether a cat is a toy. Then nothing is
 * asked, as nothing is said of objects that are nearly level (say.h). */
#ifndef DEMO_SETS_H
#define DEMO_SETS_H

#include "demo/marks.h"
#include "demo/say.h"

enum truth { NO, YES, UNCLEAR };

/* Animals: cat and fish. Toys: ball, cube and ring, perhaps cat and fish. Round: ball and ring,
 * perhaps cylinder, cone and mug. */
enum group { ANIMALS, TOYS, ROUND, GROUPS };

/* Objects of a kind and of a group, but not of one color, pattern or shape; -1 stands for any,
 * and for nothing that is left out. */
struct set {
    struct kind k;
    int group, no_color, no_pattern, no_shape;
};
struct set set_of(struct kind k);
bool set_is_any(const struct set *a); /* everything belongs to it */
enum truth set_has(const struct set *a, const struct object *o);
/* Bits of the objects of a scene that belong to it, and of those of which it is unclear. */
unsigned set_members(const struct set *a, const struct scene *s, unsigned *unclear);
int bits_of(unsigned members); /* how many are set */
/* How many, or -1 when it is unclear. */
int set_count(const struct set *a, const struct scene *s);
/* No object can belong to both: a value of the same attribute differs. */
bool sets_apart(const struct set *a, const struct set *b);
/* One that fits an object of the scene, or nearly. */
struct set set_some(struct dice *d, const struct scene *s);
/* One that only object i belongs to; without: attributes it must not tell (bits of say.h). */
bool set_unique(struct dice *d, const struct scene *s, int i, int without, struct set *out);

/* A value of one attribute; bit: 1 shape, 2 color, 4 pattern, 8 size. */
struct value {
    int bit, value;
};
struct value value_of(const struct object *o, int bit);
struct value value_some(struct dice *d, const struct scene *s);
enum truth value_fits(const struct value *v, const struct object *o);
const char *value_word(const struct value *v);
/* "red", "a ball"; plural "balls". Caller frees. */
char *value_text(struct dice *d, const struct value *v, bool plural);

/* ---- what they are called */

/* "small red striped ball that is not ...", "animals"; marked (marks.h) as its members when s is
 * given. Caller frees. */
char *set_text(struct dice *d, const struct set *a, bool plural, const struct scene *s);
char *set_text_a(struct dice *d, const struct set *a, const struct scene *s);
/* As the name of one object, which may be called "red one" as well. Caller frees. */
char *set_name(struct dice *d, const struct set *a);

/* ---- where things are, with what is next to what and what is between two */
#define NEXT_TO RELATIONS
enum { WIDE_RELATIONS = RELATIONS + 1 };
enum truth placed(const struct object *a, int r, const struct object *b);
enum truth between(const struct object *o, const struct object *a, const struct object *b);
char *placed_text(struct dice *d, int r);

#endif
