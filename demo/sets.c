/* SPDX-License-Identifier: MIT */
/* Sets of objects: who belongs to them, and what they are called. */
#include "demo/sets.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct kind any_kind = {-1, -1, -1, -1};

/* ---- who belongs */

/* Bits of shapes that are surely or perhaps in a group. */
static const struct {
    unsigned sure, perhaps;
} set_groups[GROUPS] = {{1u << CAT | 1u << FISH, 0},
                        {1u << BALL | 1u << CUBE | 1u << RING, 1u << CAT | 1u << FISH},
                        {1u << BALL | 1u << RING, 1u << CYLINDER | 1u << CONE | 1u << MUG}};

struct set set_of(struct kind k)
{
    return (struct set){k, -1, -1, -1, -1};
}

bool set_is_any(const struct set *a)
{
    return a->k.shape < 0 && a->k.color < 0 && a->k.pattern < 0 && a->k.size < 0 && a->group < 0 &&
           a->no_color < 0 && a->no_pattern < 0 && a->no_shape < 0;
}

enum truth set_has(const struct set *a, const struct object *o)
{
    if (!kind_fits(&a->k, o) || a->no_color == (int)o->color || a->no_pattern == (int)o->pattern ||
        a->no_shape == (int)o->shape)
        return NO;
    if (a->group < 0 || set_groups[a->group].sure >> o->shape & 1)
        return YES;
    return set_groups[a->group].perhaps >> o->shape & 1 ? UNCLEAR : NO;
}

unsigned set_members(const struct set *a, const struct scene *s, unsigned *unclear)
{
    unsigned sure = 0;
    *unclear = 0;
    for (int i = 0; i < s->count; i++) {
        enum truth t = set_has(a, &s->objects[i]);
        sure |= (unsigned)(t == YES) << i;
        *unclear |= (unsigned)(t == UNCLEAR) << i;
    }
    return sure;
}

int bits_of(unsigned x)
{
    int n = 0;
    for (; x; x &= x - 1)
        n++;
    return n;
}

int set_count(const struct set *a, const struct scene *s)
{
    unsigned unclear, sure = set_members(a, s, &unclear);
    return unclear ? -1 : bits_of(sure);
}

static bool differ(int a, int b)
{
    return a >= 0 && b >= 0 && a != b;
}

bool sets_apart(const struct set *a, const struct set *b)
{
    unsigned shapes_a =
        a->group < 0 ? ~0u : set_groups[a->group].sure | set_groups[a->group].perhaps;
    unsigned shapes_b =
        b->group < 0 ? ~0u : set_groups[b->group].sure | set_groups[b->group].perhaps;
    shapes_a &= a->k.shape < 0 ? ~0u : 1u << a->k.shape;
    shapes_b &= b->k.shape < 0 ? ~0u : 1u << b->k.shape;
    return (shapes_a & shapes_b) == 0 || differ(a->k.color, b->k.color) ||
           differ(a->k.pattern, b->k.pattern) || differ(a->k.size, b->k.size);
}

/* ---- choosing */

static int other_value(struct dice *d, int value, int n)
{
    return (value + 1 + dice_below(d, n - 1)) % n;
}

/* Another value for an attribute that is told: a near miss. */
static void set_alter(struct dice *d, struct set *a)
{
    if (a->k.color >= 0 && dice_chance(d, 0.5f))
        a->k.color = other_value(d, a->k.color, COLORS);
    else if (a->k.shape >= 0)
        a->k.shape = other_value(d, a->k.shape, SHAPES);
    else if (a->k.color >= 0)
        a->k.color = other_value(d, a->k.color, COLORS);
    else if (a->k.pattern >= 0)
        a->k.pattern = other_value(d, a->k.pattern, PATTERNS);
}

/* Something that the objects of the set are not, in an attribute that the set does not tell. */
static void set_leave_out(struct dice *d, const struct scene *s, struct set *a)
{
    const struct object *o = &s->objects[dice_below(d, s->count)];
    if (a->k.color < 0 && dice_chance(d, 0.5f))
        a->no_color = (int)o->color;
    else if (a->k.pattern < 0)
        a->no_pattern = (int)o->pattern;
    else if (a->k.shape < 0 && a->group < 0)
        a->no_shape = (int)o->shape;
}

static void set_group(struct dice *d, struct set *a)
{
    a->group = dice_below(d, GROUPS);
    a->k.shape = -1;
}

struct set set_some(struct dice *d, const struct scene *s)
{
    static const int bits[] = {1, 1, 1, 1, 1, 2, 2, 2, 3, 3, 4, 5, 8, 9};
    const struct object *o = &s->objects[dice_below(d, s->count)];
    struct set a = set_of(kind_of(o, bits[dice_below(d, 14)]));
    if (dice_chance(d, 0.3f))
        set_alter(d, &a);
    if (dice_chance(d, 0.14f))
        set_group(d, &a);
    if (dice_chance(d, 0.1f))
        set_leave_out(d, s, &a);
    return a;
}

/* A draw for set_unique: a kind, or one with a group or something left out. */
static struct set some_about(struct dice *d, const struct scene *s, int i, int allowed)
{
    struct set a = set_of(kind_of(&s->objects[i], dice_below(d, 16) & allowed));
    float choice = dice_between(d, 0, 1);
    if (choice < 0.4f && allowed & 1)
        set_group(d, &a);
    else
        set_leave_out(d, s, &a);
    if ((a.no_color >= 0 && !(allowed & 2)) || (a.no_pattern >= 0 && !(allowed & 4)) ||
        (a.no_shape >= 0 && !(allowed & 1)))
        return set_of(kind_of(&s->objects[i], allowed));
    return a;
}

bool set_unique(struct dice *d, const struct scene *s, int i, int without, struct set *out)
{
    struct kind k;
    for (int tries = 0; dice_chance(d, 0.8f) && tries < 3; tries++) {
        struct set a = some_about(d, s, i, 15 & ~without);
        unsigned unclear, sure = set_members(&a, s, &unclear);
        if (sure == 1u << i && unclear == 0 && dice_chance(d, 0.5f)) {
            *out = a;
            return true;
        }
    }
    if (!kind_unique(d, s, i, 15 & ~without, &k))
        return false;
    *out = set_of(k);
    return true;
}

/* ---- values */

struct value value_of(const struct object *o, int bit)
{
    int value = bit == 1   ? (int)o->shape
                : bit == 2 ? (int)o->color
                : bit == 4 ? (int)o->pattern
                           : (int)o->size;
    return (struct value){bit, value};
}

struct value value_some(struct dice *d, const struct scene *s)
{
    static const int bits[] = {2, 2, 2, 2, 4, 4, 8, 1};
    struct value v = value_of(&s->objects[dice_below(d, s->count)], bits[dice_below(d, 8)]);
    if (v.bit == 2 && dice_chance(d, 0.25f))
        v.value = dice_below(d, COLORS);
    return v;
}

enum truth value_fits(const struct value *v, const struct object *o)
{
    return value_of(o, v->bit).value == v->value ? YES : NO;
}

const char *value_word(const struct value *v)
{
    return v->bit == 1   ? shape_names[v->value]
           : v->bit == 2 ? color_names[v->value]
           : v->bit == 4 ? pattern_names[v->value]
                         : size_names[v->value];
}

static char *said(struct dice *d, const char *format)
{
    static const char *const none[4] = {"", "", "", ""};
    struct buf b = {0};
    say(d, &b, format, none);
    return buf_steal(&b);
}

static const char *const set_sizes[SIZES] = {"(small|small|little|tiny)", "(large|big|big)"};
static const char *const set_patterns[PATTERNS] = {
    "(plain|plain|solid)", "(striped|striped|stripy)", "(dotted|dotted|spotted)"};

char *value_text(struct dice *d, const struct value *v, bool plural)
{
    struct kind k = any_kind;
    if (v->bit == 2)
        return xstrdup(color_names[v->value]);
    if (v->bit != 1)
        return said(d, v->bit == 4 ? set_patterns[v->value] : set_sizes[v->value]);
    k.shape = v->value;
    return plural ? kind_text(d, &k, true) : kind_text_a(d, &k);
}

/* ---- what they are called */

static const char *const set_nouns[GROUPS][2] = {
    {"animal", "animals"}, {"toy", "toys"}, {"round (thing|object)", "round (things|objects)"}};
static const char *const without_patterns[PATTERNS] = {
    "(that|which) $1 not plain", "((that|which) $1 not striped|without (any |)stripes)",
    "((that|which) $1 not dotted|without (any |)(dots|spots))"};

/* "that is not red" after the noun. */
static void say_left_out(struct dice *d, struct buf *b, const struct set *a, bool plural)
{
    const char *is = plural ? "(are|are)" : "is";
    char *verb = said(d, is), *noun = NULL;
    const char *args[4] = {verb, "", "", ""};
    if (a->no_color >= 0) {
        args[1] = color_names[a->no_color];
        say(d, b, plural ? " (that|that|which) (are not|aren't) $2"
                         : " (that|that|which) (is not|isn't) $2",
            args);
    } else if (a->no_pattern >= 0) {
        buf_putc(b, ' ');
        say(d, b, without_patterns[a->no_pattern], args);
    } else if (a->no_shape >= 0) {
        struct value v = {1, a->no_shape};
        args[1] = noun = value_text(d, &v, plural);
        say(d, b, plural ? " that (are not|aren't) $2" : " that (is not|isn't) $2", args);
    }
    free(verb);
    free(noun);
}

/* "red one" in place of "red thing". */
static char *say_one(struct dice *d, char *text)
{
    static const char *const things[] = {" thing", " object", " item"};
    size_t n = strlen(text);
    for (int i = 0; i < 3; i++) {
        size_t k = strlen(things[i]);
        if (n > k && strcmp(text + n - k, things[i]) == 0 && dice_chance(d, 0.25f)) {
            char *with = xasprintf("%.*s one", (int)(n - k), text);
            free(text);
            return with;
        }
    }
    return text;
}

char *set_name(struct dice *d, const struct set *a)
{
    char *text = set_text(d, a, false, NULL);
    return a->group < 0 ? say_one(d, text) : text;
}

static char *set_words(struct dice *d, const struct set *a, bool plural)
{
    static const char *const none[4] = {"", "", "", ""};
    static const char *const with[PATTERNS] = {NULL, " (with|with|having|that has) stripes",
                                           " (with|with|having|that has) (dots|spots)"};
    static const char *const with_many[PATTERNS] = {
        NULL, " (with|with|having|that have) stripes",
        " (with|with|having|that have) (dots|spots)"};
    struct kind k = a->k;
    struct buf b = {0};
    bool after = k.pattern > PLAIN && a->no_pattern < 0 && dice_chance(d, 0.2f);
    if (after)
        k.pattern = -1;
    char *text = kind_text(d, &k, plural);
    if (a->group >= 0) { /* the group's noun in place of "thing" */
        char *space = strrchr(text, ' ');
        buf_add(&b, text, space ? (size_t)(space - text) + 1 : 0);
        say(d, &b, set_nouns[a->group][plural], none);
    } else {
        buf_puts(&b, text);
    }
    if (after)
        say(d, &b, plural ? with_many[a->k.pattern] : with[a->k.pattern], none);
    say_left_out(d, &b, a, plural);
    free(text);
    return buf_steal(&b);
}

static unsigned marks_of(const struct set *a, const struct scene *s)
{
    unsigned unclear;
    return s ? set_members(a, s, &unclear) : 0;
}

char *set_text(struct dice *d, const struct set *a, bool plural, const struct scene *s)
{
    return marked(set_words(d, a, plural), marks_of(a, s));
}

char *set_text_a(struct dice *d, const struct set *a, const struct scene *s)
{
    char *text = set_words(d, a, false);
    const char *article = strchr("aeio", text[0]) ? "an" : "a";
    char *name = marked(text, marks_of(a, s));
    char *with = xasprintf("%s %s", article, name);
    free(name);
    return with;
}

/* ---- where things are */

static float gap(const struct object *a, const struct object *b)
{
    return hypotf(a->x - b->x, a->y - b->y) - a->r - b->r;
}

/* Next to: side by side, with less than a small object between them. */
static enum truth beside(const struct object *a, const struct object *b)
{
    if (gap(a, b) > 60)
        return NO;
    return gap(a, b) < 30 && fabsf(a->y - b->y) < 0.8f * fabsf(a->x - b->x) ? YES : UNCLEAR;
}

enum truth placed(const struct object *a, int r, const struct object *b)
{
    if (r == NEXT_TO)
        return beside(a, b);
    if (!is_clear(a, (enum relation)r, b))
        return UNCLEAR;
    return related(a, (enum relation)r, b) ? YES : NO;
}

/* Between: near the line of the two and well inside of it. */
enum truth between(const struct object *o, const struct object *a, const struct object *b)
{
    float dx = b->x - a->x, dy = b->y - a->y, length = hypotf(dx, dy);
    float along = ((o->x - a->x) * dx + (o->y - a->y) * dy) / (length * length);
    float off = fabsf((o->x - a->x) * dy - (o->y - a->y) * dx) / length;
    if (along < 0 || along > 1 || off > 75 || off > 0.6f * length)
        return NO;
    return along > 0.2f && along < 0.8f && off < 24 ? YES : UNCLEAR;
}

char *placed_text(struct dice *d, int r)
{
    static const char *const more[RELATIONS] = {
        "(on the left of|at the left of|to the left side of|on the left hand side of|more to the "
        "left than)",
        "(on the right of|at the right of|to the right side of|on the right hand side of|more "
        "to the right than)",
        "(in back of|further back than|farther away than|higher up than|farther from us than)",
        "(closer than|closer to us than|lower down than|nearer to us than)"};
    if (r == NEXT_TO)
        return said(d, "(next to|next to|beside|right next to|close to|near|side by side with|"
                       "right beside|alongside|by|at the side of|close by)");
    if (dice_chance(d, 0.4f))
        return said(d, more[r]);
    return relation_text(d, (enum relation)r);
}
