/* SPDX-License-Identifier: MIT */
/* Words for a scene, and what is true of it. */
#include "demo/marks.h"
#include "demo/say.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- kinds */

static bool same(int want, int have)
{
    return want < 0 || want == have;
}

bool kind_fits(const struct kind *k, const struct object *o)
{
    return same(k->shape, (int)o->shape) && same(k->color, (int)o->color) &&
           same(k->pattern, (int)o->pattern) && same(k->size, (int)o->size);
}

int kind_count(const struct kind *k, const struct scene *s)
{
    int n = 0;
    for (int i = 0; i < s->count; i++)
        n += kind_fits(k, &s->objects[i]);
    return n;
}

struct kind kind_of(const struct object *o, int bits)
{
    return (struct kind){bits & 1 ? (int)o->shape : -1, bits & 2 ? (int)o->color : -1,
                         bits & 4 ? (int)o->pattern : -1, bits & 8 ? (int)o->size : -1};
}

bool kind_has_attribute(const struct kind *k)
{
    return k->color >= 0 || k->pattern >= 0 || k->size >= 0;
}

static int bit_count(int bits)
{
    return (bits & 1) + (bits >> 1 & 1) + (bits >> 2 & 1) + (bits >> 3 & 1);
}

bool kind_unique(struct dice *d, const struct scene *s, int i, int allowed, struct kind *out)
{
    int good[16], n = 0, least = 5;
    for (int bits = 1; bits < 16; bits++) {
        struct kind k = kind_of(&s->objects[i], bits);
        if ((bits & ~allowed) || kind_count(&k, s) != 1)
            continue;
        good[n++] = bits;
        least = bit_count(bits) < least ? bit_count(bits) : least;
    }
    if (n == 0)
        return false;
    bool few = dice_chance(d, 0.65f);
    for (int tries = 0; tries < 50; tries++) {
        int bits = good[dice_below(d, n)];
        if (few && bit_count(bits) != least)
            continue;
        *out = kind_of(&s->objects[i], bits);
        return true;
    }
    *out = kind_of(&s->objects[i], good[0]);
    return true;
}

/* ---- places */

static float apart(const struct object *a, enum relation r, const struct object *b)
{
    switch (r) {
    case LEFT_OF: return b->x - a->x;
    case RIGHT_OF: return a->x - b->x;
    case BEHIND: return b->y - a->y;
    default: return a->y - b->y;
    }
}

bool related(const struct object *a, enum relation r, const struct object *b)
{
    return apart(a, r, b) > MARGIN;
}

bool is_clear(const struct object *a, enum relation r, const struct object *b)
{
    return fabsf(apart(a, r, b)) > MARGIN;
}

/* ---- text */

/* The end of the group that begins after '(' at p: its ')'. */
static const char *group_end(const char *p)
{
    int depth = 1;
    for (; *p; p++) {
        depth += *p == '(' ? 1 : *p == ')' ? -1 : 0;
        if (depth == 0)
            break;
    }
    return p;
}

static void say_part(struct dice *d, struct buf *out, const char *p, const char *end,
                     const char *const args[4]);

static void say_choice(struct dice *d, struct buf *out, const char *p, const char *end,
                       const char *const args[4])
{
    const char *starts[32], *ends[32];
    int n = 0, depth = 0;
    starts[0] = p;
    for (; p < end; p++) {
        depth += *p == '(' ? 1 : *p == ')' ? -1 : 0;
        if (*p == '|' && depth == 0 && n < 31) {
            ends[n++] = p;
            starts[n] = p + 1;
        }
    }
    ends[n++] = end;
    int pick = dice_below(d, n);
    say_part(d, out, starts[pick], ends[pick], args);
}

static void say_part(struct dice *d, struct buf *out, const char *p, const char *end,
                     const char *const args[4])
{
    for (; p < end; p++)
        if (*p == '(') {
            const char *close = group_end(p + 1);
            say_choice(d, out, p + 1, close, args);
            p = close;
        } else if (*p == '$' && p + 1 < end && p[1] >= '1' && p[1] <= '4') {
            buf_puts(out, args[p[1] - '1']);
            p++;
        } else {
            buf_putc(out, *p);
        }
}

void say(struct dice *d, struct buf *out, const char *format, const char *const args[4])
{
    say_part(d, out, format, format + strlen(format), args);
}

static const char *const nouns[SHAPES] = {
    "(ball|ball|sphere)", "(cube|cube|block|box)", "(cylinder|cylinder|tube|can)", "cone", "star",
    "(ring|ring|hoop)", "(mug|mug|cup)", "heart", "fish", "(cat|cat|kitty)"};
static const char *const plurals[SHAPES] = {
    "(balls|balls|spheres)", "(cubes|cubes|blocks|boxes)", "(cylinders|cylinders|tubes|cans)",
    "cones", "stars", "(rings|rings|hoops)", "(mugs|mugs|cups)", "hearts", "fish",
    "(cats|cats|kitties)"};
static const char *const pattern_words[PATTERNS] = {"(plain|solid)", "(striped|striped|stripy)",
                                                    "(dotted|dotted|spotted)"};
static const char *const size_words[SIZES] = {"(small|small|little|tiny)", "(large|large|big)"};

char *kind_text(struct dice *d, const struct kind *k, bool plural)
{
    static const char *const none[4] = {"", "", "", ""};
    struct buf b = {0};
    if (k->size >= 0) {
        say(d, &b, size_words[k->size], none);
        buf_putc(&b, ' ');
    }
    if (k->color >= 0)
        buf_printf(&b, "%s ", color_names[k->color]);
    if (k->pattern >= 0) {
        say(d, &b, pattern_words[k->pattern], none);
        buf_putc(&b, ' ');
    }
    if (k->shape >= 0)
        say(d, &b, plural ? plurals[k->shape] : nouns[k->shape], none);
    else
        say(d, &b, plural ? "(things|objects|items)" : "(thing|object|item)", none);
    return buf_steal(&b);
}

char *kind_text_a(struct dice *d, const struct kind *k)
{
    char *text = kind_text(d, k, false);
    char *with = xasprintf("%s %s", strchr("aeio", text[0]) ? "an" : "a", text);
    free(text);
    return with;
}

char *relation_text(struct dice *d, enum relation r)
{
    static const char *const texts[RELATIONS] = {
        "(left of|to the left of|on the left side of)",
        "(right of|to the right of|on the right side of)",
        "(behind|behind|above|farther back than)", "(in front of|in front of|below|nearer than)"};
    static const char *const none[4] = {"", "", "", ""};
    struct buf b = {0};
    say(d, &b, texts[r], none);
    return buf_steal(&b);
}

/* ---- clauses */

/* Some pair of them is clearly related; *unclear: some pair is too level to say. */
static bool some_related(const struct clause *c, const struct scene *s, bool *unclear)
{
    bool any = false;
    for (int i = 0; i < s->count; i++)
        for (int j = 0; j < s->count; j++) {
            const struct object *a = &s->objects[i], *b = &s->objects[j];
            if (i == j || !kind_fits(&c->a, a) || !kind_fits(&c->b, b))
                continue;
            any |= related(a, c->r, b);
            *unclear |= !is_clear(a, c->r, b);
        }
    return any;
}

bool clause_true(const struct clause *c, const struct scene *s)
{
    bool unclear = false;
    switch (c->type) {
    case EXISTS: return kind_count(&c->a, s) > 0;
    case RELATES: return some_related(c, s, &unclear);
    case COUNTS: return kind_count(&c->a, s) == c->n;
    default: return kind_count(&c->a, s) > 0 && kind_count(&c->b, s) > 0;
    }
}

bool clause_false(const struct clause *c, const struct scene *s)
{
    bool unclear = false;
    if (c->type == RELATES)
        return !some_related(c, s, &unclear) && !unclear;
    return !clause_true(c, s);
}

static struct kind some_kind(struct dice *d, const struct object *o, int attributes)
{
    for (;;) {
        int bits = 1 + dice_below(d, 15);
        int n = bit_count(bits);
        if (n >= attributes && n <= attributes + 1 && (bits & 1 || dice_chance(d, 0.15f)))
            return kind_of(o, bits);
    }
}

bool clause_make(struct dice *d, const struct scene *s, int attributes, struct clause *out)
{
    for (int tries = 0; tries < 40; tries++) {
        int i = dice_below(d, s->count), j = dice_below(d, s->count);
        struct clause c = {.type = (enum clause_type)dice_below(d, CLAUSES),
                           .a = some_kind(d, &s->objects[i], attributes),
                           .b = some_kind(d, &s->objects[j], attributes),
                           .r = (enum relation)dice_below(d, RELATIONS)};
        if (c.type == COUNTS) {
            c.a = some_kind(d, &s->objects[i], 1);
            c.n = kind_count(&c.a, s);
        }
        bool kept = c.type == EXISTS || (c.type == COUNTS && c.n >= 2) ||
                    (c.type == PAIRS && i != j && !kind_fits(&c.a, &s->objects[j]) &&
                     !kind_fits(&c.b, &s->objects[i])) ||
                    (c.type == RELATES && i != j && related(&s->objects[i], c.r, &s->objects[j]));
        if (kept && clause_true(&c, s)) {
            *out = c;
            return true;
        }
    }
    return false;
}

static int other(struct dice *d, int value, int n)
{
    return (value + 1 + dice_below(d, n - 1)) % n;
}

/* Another value for one of the attributes that are named. */
static void alter(struct dice *d, struct kind *k)
{
    for (int tries = 0; tries < 20; tries++)
        switch (dice_below(d, 4)) {
        case 0:
            if (k->shape >= 0) {
                k->shape = other(d, k->shape, SHAPES);
                return;
            }
            break;
        case 1:
            if (k->color >= 0) {
                k->color = other(d, k->color, COLORS);
                return;
            }
            break;
        case 2:
            if (k->pattern >= 0) {
                k->pattern = other(d, k->pattern, PATTERNS);
                return;
            }
            break;
        default:
            if (k->size >= 0) {
                k->size = other(d, k->size, SIZES);
                return;
            }
        }
}

bool clause_twin(struct dice *d, const struct scene *s, const struct clause *c, struct clause *out)
{
    for (int tries = 0; tries < 60; tries++) {
        struct clause t = *c;
        if (t.type == RELATES && dice_chance(d, 0.4f))
            t.r = t.r ^ 1; /* the opposite */
        else if (t.type == COUNTS && dice_chance(d, 0.6f))
            t.n = t.n + (t.n > 2 && dice_chance(d, 0.5f) ? -1 : 1);
        else
            alter(d, (t.type == RELATES || t.type == PAIRS) && dice_chance(d, 0.5f) ? &t.b : &t.a);
        if (clause_false(&t, s)) {
            *out = t;
            return true;
        }
    }
    return false;
}

/* The kind in words; marked as the objects of s that it fits. */
static char *clause_kind(struct dice *d, const struct kind *k, bool plural, const struct scene *s)
{
    char *text = kind_text(d, k, plural);
    const char *article = plural ? "" : strchr("aeio", text[0]) ? "an " : "a ";
    unsigned fits = 0;
    for (int i = 0; s && i < s->count; i++)
        fits |= (unsigned)kind_fits(k, &s->objects[i]) << i;
    char *name = marked(text, fits), *with = xasprintf("%s%s", article, name);
    free(name);
    return with;
}

char *clause_text(struct dice *d, const struct clause *c, const struct scene *s)
{
    static const char *const numbers[] = {"no", "one", "two", "three", "four", "five", "six",
                                          "seven", "eight"};
    char *a = clause_kind(d, &c->a, c->type == COUNTS, s);
    char *b = clause_kind(d, &c->b, false, s), *r = relation_text(d, c->r), *text;
    switch (c->type) {
    case EXISTS: text = xstrdup(a); break;
    case RELATES: text = xasprintf("%s %s %s", a, r, b); break;
    case COUNTS: text = xasprintf("%s %s", numbers[c->n < 9 ? c->n : 8], a); break;
    default: text = xasprintf("%s and %s", a, b);
    }
    free(a);
    free(b);
    free(r);
    return text;
}
