/* SPDX-License-Identifier: MIT */
/* Questions of the wide language: facts, counts, choices, what stands where. */
#include "demo/maker.h"
#include "demo/marks.h"
#include "demo/question_more.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- facts */

/* "i want to know whether ...": what is told, asked for. */
static void ask_whether(struct maker *m, const char *told)
{
    static const struct wording words = {
        "(say|i want to know|i would like to know|do you know|could you say|would you find "
        "out|let "
        "me know|help me see|i wonder|can you say|please check|tell me|can you tell me|could you "
        "tell me|please tell me|would you tell me|can you see|can you check|could you "
        "check|can you "
        "find out|find out|check|look|let us see|i am asking|i need to know|are you able to say|"
        "would you know|is it clear|have a look|see) (if|whether) $1",
        .more = NULL};
    const char *const args[4] = {told, "", "", ""};
    maker_ask(m, &words, args);
}

static void ask_directly(struct maker *m, const struct fact *f)
{
    static const struct wording words = {.seen = "$1", "$2", "$3"};
    char *seen = fact_text(m->d, f, ASKED, m->s), *brief = fact_text(m->d, f, ASKED_BRIEFLY, m->s);
    char *unseen = fact_text(m->d, f, ASKED_OTHERWISE, m->s);
    const char *const args[4] = {seen, brief ? brief : seen, unseen, ""};
    maker_ask(m, &words, args);
    free(seen);
    free(brief);
    free(unseen);
}

static int fact_target(const struct fact *f)
{
    return f->type >= FACT_PORTABLE && f->type != FACT_SOME_PLACED && f->type != FACT_NONE_PLACED &&
                   f->type != FACT_ANYTHING && f->type != FACT_NOTHING &&
                   f->type != FACT_SOME_BETWEEN
               ? f->u
               : -1;
}

bool ask_fact(struct maker *m, bool far)
{
    static const enum fact_type often[] = {
        FACT_EXISTS, FACT_EXISTS, FACT_ABSENT, FACT_IS,      FACT_IS,   FACT_PLACED,
        FACT_PLACED, FACT_PLACED, FACT_BIGGER, FACT_SMALLER, FACT_MORE, FACT_SOME_PLACED};
    struct fact f;
    enum fact_type type = dice_chance(m->d, 0.3f) ? often[dice_below(m->d, 12)]
                                                  : (enum fact_type)dice_below(m->d, FACTS);
    enum truth want = dice_chance(m->d, 0.5f) ? YES : NO;
    (void)far;
    if (type == FACT_IS_EITHER || !fact_make(m->d, m->s, type, want, &f))
        return false;
    maker_yes_or_no(m, want == YES);
    m->slices |= fact_slices(&f);
    m->target = fact_target(&f);
    if (!m->w->unseen && dice_chance(m->d, 0.12f)) {
        char *told = fact_text(m->d, &f, TOLD, m->s);
        ask_whether(m, told);
        free(told);
    } else {
        ask_directly(m, &f);
    }
    return true;
}

/* ---- counts */

static void answer_number(struct maker *m, int n)
{
    char number[12];
    snprintf(number, sizeof number, "%d", n);
    maker_answer(m, number);
    m->slices |= SLICE_COUNT;
}

/* Asks with up to three texts, which it takes; made: whether those that are needed are there. */
static bool ask_taking(struct maker *m, const struct wording *w, bool made, char *a, char *b,
                       char *c)
{
    const char *const args[4] = {a, b ? b : "", c ? c : "", ""};
    if (made)
        maker_ask(m, w, args);
    free(a);
    free(b);
    free(c);
    return made;
}

/* With one text or two. */
static bool ask_with(struct maker *m, const struct wording *w, char *a, char *b)
{
    return ask_taking(m, w, a != NULL, a, b, NULL);
}

static bool ask_with_both(struct maker *m, const struct wording *w, char *a, char *b)
{
    return ask_taking(m, w, a && b, a, b, NULL);
}

bool ask_count_of(struct maker *m, bool far)
{
    static const struct wording words = {
        "(how many $1 are there|how many $1 are there|how many $1 (do you see|can you "
        "see)|what is "
        "the number of $1|count the $1|how many $1 are in the (picture|image|scene)|how many $1 "
        "does the picture (show|have)|say how many $1 there are|i want to know (how many $1 there "
        "are|the number of $1)|do you know how many $1 there are|how many $1 can be counted|how "
        "many $1 are there (altogether|in total|in all))",
        "(how many $1|number of $1|$1, how many|$1 how many|how many $1 here)",
        "(tell me how many $1 you see|can you count the $1 for me|give me the number of $1|what "
        "number of $1 would i find here)",
    .more = more_count_of, .more_brief = more_count_of_brief};
    struct set a = set_some(m->d, m->s);
    (void)far;
    if (dice_chance(m->d, 0.1f))
        a = set_of((struct kind){-1, -1, -1, -1});
    int n = set_count(&a, m->s);
    if (n < 0 || (n == 0 && dice_chance(m->d, 0.5f)))
        return false;
    answer_number(m, n);
    m->slices |= set_slices(&a);
    return ask_with(m, &words, set_text(m->d, &a, true, m->s), NULL);
}

/* Of the members of a set. */
bool ask_count_with(struct maker *m, bool far)
{
    static const struct wording words = {
        "(how many of the $1 are $2|of the $1, how many are $2|how many $1 are $2|what number of "
        "the $1 is $2)",
        "(how many of the $1 $2|how many $1 $2)",
        "(can you count those of the $1 that are $2|tell me how many of the $1 are $2)",
    .more = more_count_with, .more_brief = more_count_with_brief};
    static const struct wording others = {
        "(how many of the $1 (are not|aren't) $2|of the $1, how many (are not|aren't) $2|how many "
        "$1 (are not|aren't) $2)",
        "(how many of the $1 not $2|how many $1 not $2)",
        "(can you count those of the $1 that are not $2|tell me how many of the $1 are not $2)",
    .more = more_count_without};
    struct fact f;
    bool not = dice_chance(m->d, 0.35f);
    unsigned unclear, members;
    int n = 0;
    (void)far;
    if (!fact_make(m->d, m->s, FACT_ALL, NO, &f))
        return false;
    members = set_members(&f.a, m->s, &unclear);
    for (int i = 0; i < m->s->count; i++)
        n += (members >> i & 1) && (value_fits(&f.p, maker_object(m, i)) == YES) != not ;
    answer_number(m, n);
    m->slices |= set_slices(&f.a) | (not ? SLICE_NEGATION : 0u);
    return ask_with(m, not ? &others : &words, set_text(m->d, &f.a, true, m->s),
                    value_text(m->d, &f.p, true));
}

/* The objects of a set that stand so to j: bits; false when it is unclear of one. */
static bool standing_so(const struct maker *m, const struct set *a, int r, int j, unsigned *found)
{
    *found = 0;
    for (int i = 0; i < m->s->count; i++) {
        enum truth in = set_has(a, maker_object(m, i));
        enum truth t = i == j ? NO : placed(maker_object(m, i), r, maker_object(m, j));
        if (in != NO && t != NO && (in == UNCLEAR || t == UNCLEAR))
            return false;
        *found |= (unsigned)(in == YES && t == YES) << i;
    }
    return true;
}

/* "left of the red ball"; NULL when j has no name. */
static char *place_of(struct maker *m, int r, int j)
{
    char *name = maker_set_name(m, j, 0), *rel = placed_text(m->d, r);
    char *text = name ? xasprintf("%s the %s", rel, name) : NULL;
    free(name);
    free(rel);
    m->slices |= SLICE_RELATION | (r == NEXT_TO ? SLICE_NEAR : 0u);
    return text;
}

bool ask_count_placed(struct maker *m, bool far)
{
    static const struct wording words = {
        "(how many $1 are $2|how many $1 are there $2|how many $1 do you see $2|what is the "
        "number "
        "of $1 $2|count the $1 $2)",
        "(how many $1 $2|number of $1 $2)",
        "(tell me how many $1 you see $2|can you count the $1 $2)",
    .more = more_count_placed, .more_brief = more_count_placed_brief};
    struct set a =
        dice_chance(m->d, 0.4f) ? set_of((struct kind){-1, -1, -1, -1}) : set_some(m->d, m->s);
    int r = dice_below(m->d, WIDE_RELATIONS), j = maker_some(m);
    unsigned found;
    (void)far;
    if (!standing_so(m, &a, r, j, &found) || (found == 0 && dice_chance(m->d, 0.6f)))
        return false;
    char *place = place_of(m, r, j);
    if (!place)
        return false;
    answer_number(m, bits_of(found));
    m->slices |= set_slices(&a);
    return ask_with(m, &words, marked(set_text(m->d, &a, true, NULL), found), place);
}

/* Those of a set with stripes, with dots. */
bool ask_count_having(struct maker *m, bool far)
{
    static const struct wording words = {
        "(how many (of the |)$1 have $2|of the $1, how many have $2|how many $1 with $2 are "
        "there)",
        "(how many $1 with $2|how many of the $1 have $2)",
        "(can you count those of the $1 that have $2|on how many of the $1 can $2 be seen)",
    .more = more_count_having};
    struct set a = set_some(m->d, m->s), with;
    int pattern = 1 + dice_below(m->d, PATTERNS - 1), n;
    (void)far;
    if (a.k.pattern >= 0 || a.no_pattern >= 0)
        return false;
    with = a;
    with.k.pattern = pattern;
    n = set_count(&with, m->s);
    if (n < 0 || set_count(&a, m->s) < 1)
        return false;
    answer_number(m, n);
    m->slices |= set_slices(&a) | SLICE_ATTRIBUTE;
    return ask_with(m, &words, set_text(m->d, &a, true, m->s),
                    xstrdup(pattern == STRIPED        ? "stripes"
                            : dice_chance(m->d, 0.6f) ? "dots"
                                                      : "spots"));
}

/* ---- what stands where */

static int lowest(unsigned bits)
{
    int i = 0;
    while (!(bits >> i & 1))
        i++;
    return i;
}

static bool answer_thing(struct maker *m, unsigned found)
{
    if (bits_of(found) > 1)
        return false;
    m->target = found ? lowest(found) : -1;
    m->slices |= found ? 0u : SLICE_PRESUPPOSITION;
    maker_answer(m, found ? shape_names[maker_object(m, m->target)->shape] : "none");
    return true;
}

bool ask_what_placed(struct maker *m, bool far)
{
    static const struct wording words = {
        "(what is|what's|what do you see|what can you see|which thing is|which object is|what "
        "kind "
        "of thing is|say what is|do you know what is|i want to know what is|let me know what is) "
        "$1",
        "(what $1|thing $1)", "(tell me what is|can you tell what is|what would i find) $1",
    .more = more_what_placed, .more_brief = more_what_placed_brief};
    static const struct wording only = {
        .seen = "(what is the only thing|which is the only thing) $1",
                                        "only thing $1", "(tell me what is the only thing) $1"};
    int r = dice_below(m->d, WIDE_RELATIONS), j = maker_some(m);
    struct set any = set_of((struct kind){-1, -1, -1, -1});
    unsigned found;
    (void)far;
    if (!standing_so(m, &any, r, j, &found) || (found == 0 && dice_chance(m->d, 0.7f)) ||
        !answer_thing(m, found))
        return false;
    bool one = found && dice_chance(m->d, 0.1f);
    m->slices |= one ? SLICE_ONLY : 0u;
    return ask_with(m, one ? &only : &words, place_of(m, r, j), NULL);
}

/* What the only member of a set is: "what is blue", "which animal is there". */
bool ask_what_is(struct maker *m, bool far)
{
    static const struct wording words = {
        "((what|which thing|which object|which one) is $1|what do you see that is $1|which of the "
        "things is $1|what is the only thing that is $1)",
        "(what is $1|which thing $1|what $1)",
        "(tell me which thing is $1|which of all these is $1)",
    .more = more_what_is, .more_brief = more_what_is_brief};
    static const struct wording others = {
        .seen = "((what|which thing|which object|which one) (is not|isn't) $1|which of the things "
        "(is not|isn't) $1)",
        "(what is not $1|which thing not $1)",
        "(tell me which thing is not $1|which of all these is not $1)"};
    struct value p = value_some(m->d, m->s);
    bool not = dice_chance(m->d, 0.25f);
    unsigned found = 0;
    (void)far;
    for (int i = 0; i < m->s->count; i++)
        found |= (unsigned)((value_fits(&p, maker_object(m, i)) == YES) != not ) << i;
    if (p.bit == 1 || (found == 0 && dice_chance(m->d, 0.8f)) || !answer_thing(m, found))
        return false;
    m->slices |= SLICE_ATTRIBUTE | (not ? SLICE_NEGATION : 0u);
    return ask_with(m, not ? &others : &words, value_text(m->d, &p, false), NULL);
}

bool ask_which_member(struct maker *m, bool far)
{
    static const struct wording words = {
        "((what|which) $1 is (there|in the picture|in the image|here)|(what|which) $1 do you "
        "see|(what|which) (kind|sort) of $1 is (it|there|this)|what is the $1|(what|which) $1 "
        "does "
        "the picture show|(what|which) $1 is it)",
        "((what|which) $1|kind of $1)",
        "(tell me what $1 it is|name the $1|what $1 would i find here)",
    .more = more_which_member, .more_brief = more_which_member_brief};
    struct set a = set_of((struct kind){-1, -1, -1, -1});
    unsigned unclear, found;
    (void)far;
    a.group = dice_below(m->d, ROUND);
    found = set_members(&a, m->s, &unclear);
    if (unclear || (found == 0 && dice_chance(m->d, 0.8f)) || !answer_thing(m, found))
        return false;
    m->slices |= SLICE_GROUP;
    return ask_with(m, &words, set_text(m->d, &a, false, m->s), NULL);
}

bool ask_what_between(struct maker *m, bool far)
{
    static const struct wording words = {
        "(what is|what's|what do you see|which thing is|which object is|say what is|do you know "
        "what is) between the $1 and the $2",
        "(what between $1 and $2|thing between the $1 and the $2)",
        "(tell me what is|what would i find) between the $1 and the $2",
    .more = more_what_between, .more_brief = more_what_between_brief};
    int j = maker_some(m), k = maker_some(m);
    unsigned found = 0;
    (void)far;
    for (int i = 0; i < m->s->count; i++) {
        enum truth t = i == j || i == k || j == k
                           ? NO
                           : between(maker_object(m, i), maker_object(m, j), maker_object(m, k));
        if (t == UNCLEAR)
            return false;
        found |= (unsigned)(t == YES) << i;
    }
    if (j == k || (found == 0 && dice_chance(m->d, 0.85f)) || !answer_thing(m, found))
        return false;
    m->slices |= SLICE_RELATION | SLICE_BETWEEN;
    char *a = maker_set_name(m, j, 0), *b = maker_set_name(m, k, 0);
    return ask_with_both(m, &words, a, b);
}

bool ask_side(struct maker *m, bool far)
{
    static const struct wording words = {
        "(is the $1 (left or right of|to the left or to the right of|on the left or on the right "
        "of) the $2|on which side of the $2 is the $1|to which side of the $2 is the $1)",
        "($1 left or right of (the |)$2)",
        "(tell me if the $1 is left or right of the $2|on what side of the $2 would i find the "
        "$1)",
    .more = more_side};
    int i = maker_some(m), j = maker_some(m);
    enum truth t = i == j ? UNCLEAR : placed(maker_object(m, i), LEFT_OF, maker_object(m, j));
    (void)far;
    if (t == UNCLEAR)
        return false;
    char *a = maker_set_name(m, i, 0), *b = maker_set_name(m, j, 0);
    m->target = i;
    m->slices |= SLICE_RELATION | SLICE_OR;
    maker_answer(m, t == YES ? "left" : "right");
    return ask_with_both(m, &words, a, b);
}

/* ---- choices */

/* A word for the attribute in which two sets differ: what answers "more of which?". */
static const char *answer_set(const struct set *a, const struct set *b)
{
    if (a->k.shape >= 0 && b->k.shape >= 0 && a->k.shape != b->k.shape)
        return shape_names[a->k.shape];
    if (a->k.color >= 0 && b->k.color >= 0 && a->k.color != b->k.color)
        return color_names[a->k.color];
    return NULL;
}

bool ask_which_more(struct maker *m, bool far)
{
    static const struct wording words = {
        "(are there more $1 or more $2|are there more $1 or $2|which are there more of, $1 or "
        "$2|what are there more of, $1 or $2|do you see more $1 or more $2)",
        "(more $1 or $2|more $1 or more $2)",
        "(tell me what there are more of, $1 or $2|would i find more $1 or more $2 here)",
    .more = more_which_more};
    struct set a = set_some(m->d, m->s), b = set_some(m->d, m->s);
    int na = set_count(&a, m->s), nb = set_count(&b, m->s);
    const char *first = answer_set(&a, &b), *second = answer_set(&b, &a);
    (void)far;
    if (!first || na < 0 || nb < 0 || na + nb == 0 || na == nb || set_slices(&a) || set_slices(&b))
        return false;
    maker_answer(m, na > nb ? first : second);
    m->slices |= SLICE_COUNT | SLICE_COMPARE | SLICE_OR;
    return ask_with(m, &words, set_text(m->d, &a, true, m->s), set_text(m->d, &b, true, m->s));
}

bool ask_choice(struct maker *m, bool far)
{
    static const struct wording words = {
        "(is the $1 $2 or $3|is the $1 $2 or $3|would you call the $1 $2 or $3|is the $1 $2 or is "
        "it $3|say if the $1 is $2 or $3|do you know if the $1 is $2 or $3|$2 or $3, the $1)",
        "($1 $2 or $3|$1, $2 or $3|the $1: $2 or $3)",
        "(tell me if the $1 is $2 or $3|which is it for the $1, $2 or $3)",
    .more = more_choice};
    static const int bits[] = {1, 1, 2, 2, 2, 4, 8};
    static const int counts[] = {0, SHAPES, COLORS, 0, PATTERNS, 0, 0, 0, SIZES};
    int i = maker_some(m), bit = bits[dice_below(m->d, 7)];
    struct value p = value_of(maker_object(m, i), bit), q = p;
    bool first = dice_chance(m->d, 0.5f);
    q.value = (p.value + 1 + dice_below(m->d, counts[bit] - 1)) % counts[bit];
    char *name = far ? maker_relative_name(m, i, bit) : maker_set_name(m, i, bit);
    char *a = value_text(m->d, first ? &p : &q, false),
         *b = value_text(m->d, first ? &q : &p, false);
    maker_answer(m, value_word(&p));
    m->target = i;
    m->slices |= SLICE_ATTRIBUTE | SLICE_OR;
    return ask_taking(m, &words, name != NULL, name, a, b);
}

/* Asks which of two objects of different shapes it is; i is right. */
static bool ask_which(struct maker *m, const struct wording *w, int i, int j, int without,
                      char *what)
{
    bool first = dice_chance(m->d, 0.5f);
    char *a = maker_name(m, first ? i : j, without), *b = maker_name(m, first ? j : i, without);
    maker_answer(m, shape_names[maker_object(m, i)->shape]);
    m->target = i;
    m->slices |= SLICE_COMPARE | SLICE_OR;
    return ask_taking(m, w, a && b, a, b, what);
}

bool ask_which_bigger(struct maker *m, bool far)
{
    static const struct wording bigger = {
        "((which|what) is (bigger|larger), the $1 or the $2|which of the two is (bigger|larger), "
        "the $1 or the $2|is the $1 or the $2 (bigger|larger))",
        "((bigger|larger), $1 or $2|$1 or $2 bigger)",
        "(tell me which is bigger, the $1 or the $2)",
    .more = more_bigger};
    static const struct wording smaller = {
        "((which|what) is smaller, the $1 or the $2|which of the two is smaller, the $1 or the "
        "$2|is the $1 or the $2 smaller)",
        "(smaller, $1 or $2|$1 or $2 smaller)", "(tell me which is smaller, the $1 or the $2)",
    .more = more_smaller};
    int i = maker_some(m), j = maker_some(m);
    const struct object *a = maker_object(m, i), *b = maker_object(m, j);
    (void)far;
    if (a->shape == b->shape || a->size == b->size)
        return false;
    return ask_which(m, a->size == LARGE ? &bigger : &smaller, i, j, 8, NULL);
}

bool ask_which_is(struct maker *m, bool far)
{
    static const struct wording words = {
        "((which|what) is $3, the $1 or the $2|(which|which one) of the two is $3, the $1 or the "
        "$2|is the $1 or the $2 $3|is it the $1 or the $2 that is $3)",
        "($3, $1 or $2|which $3, $1 or $2|$1 or $2 $3)",
        "(tell me which is $3, the $1 or the $2|would you call the $1 or the $2 $3)",
    .more = more_which_is};
    int i = maker_some(m), j = maker_some(m), bit = 2 << dice_below(m->d, 2);
    struct value p = value_of(maker_object(m, i), bit);
    (void)far;
    if (maker_object(m, i)->shape == maker_object(m, j)->shape ||
        value_fits(&p, maker_object(m, j)) == YES)
        return false;
    m->slices |= SLICE_ATTRIBUTE;
    return ask_which(m, &words, i, j, bit, value_text(m->d, &p, false));
}

/* ---- what several have in common */

bool ask_of_several(struct maker *m, bool far)
{
    static const struct wording colors = {
        "((what|which) colo(u|)r are (the|all the|all) $1|what is the colo(u|)r of (the|all the) "
        "$1|(what|which) colo(u|)r do (the|all the) $1 have)",
        "($1 colo(u|)r|colo(u|)r of (the |all |)$1)",
        "(tell me the colo(u|)r of the $1|in which colo(u|)r are all the $1 painted)",
    .more = more_colors};
    static const struct wording patterns = {
        "((what|which) pattern do (the|all the|all) $1 have|what is the pattern of (the|all the) "
        "$1|are the $1 plain, striped or dotted)",
        "($1 pattern|pattern of (the |all |)$1)",
        "(tell me the pattern of the $1|how are all the $1 patterned)",
    .more = more_patterns};
    int i = maker_some(m), bit = dice_chance(m->d, 0.7f) ? 2 : 4;
    struct value p = value_of(maker_object(m, i), bit);
    struct set a = set_of(kind_of(maker_object(m, i), 1 | (dice_below(m->d, 16) & ~bit & 14)));
    unsigned unclear, members = set_members(&a, m->s, &unclear);
    (void)far;
    for (int o = 0; o < m->s->count; o++)
        if (members >> o & 1 && value_fits(&p, maker_object(m, o)) != YES)
            return false;
    if (bits_of(members) < 2)
        return false;
    maker_answer(m, value_word(&p));
    m->slices |= SLICE_ATTRIBUTE | SLICE_ALL;
    return ask_with(m, bit == 2 ? &colors : &patterns, set_text(m->d, &a, true, m->s), NULL);
}
