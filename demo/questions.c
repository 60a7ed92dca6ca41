/* SPDX-License-Identifier: MIT */
/* Questions: VQA, Genome QA, GQA. */
#include "demo/maker.h"
#include "demo/marks.h"
#include "demo/question_more.h"
#include "demo/say.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void maker_yes_or_no(struct maker *m, bool yes)
{
    maker_answer(m, yes ? "yes" : "no");
}

/* For the wide language. */
static char *wide_name(struct maker *m, int i, int without, bool far)
{
    if (far)
        return dice_chance(m->d, 0.5f) ? maker_far_name(m, i, without)
                                       : maker_relative_name(m, i, without);
    float choice = dice_between(m->d, 0, 1);
    return choice < 0.15f   ? maker_place_name(m, i, without)
           : choice < 0.2f  ? (without & 8 ? NULL : maker_size_name(m, i))
           : choice < 0.27f ? maker_far_name(m, i, without) : maker_set_name(m, i, without);
}

static char *any_name(struct maker *m, int i, int without, bool far)
{
    if (m->w->language == LANGUAGE_WIDE)
        return wide_name(m, i, without, far);
    if (far)
        return maker_relative_name(m, i, without);
    if (dice_chance(m->d, 0.2f))
        return maker_place_name(m, i, without);
    return maker_name(m, i, without);
}

static void ask_basic(struct maker *m, const struct wording *w, const char *const args[4])
{
    static const char before[] =
        "(|||||please, |hello, |so, |hey, |now, |i wonder, |quick question: |just curious, )";
    static const char after[] = "(|?|?|?| please| please?| thanks| in the picture?| here?)";
    if (m->w->unseen) {
        say(m->d, &m->text, w->unseen, args);
        return;
    }
    maker_say(m, before, NULL, NULL);
    say(m->d, &m->text, w->seen, args);
    maker_say(m, after, NULL, NULL);
}

static void ask_otherwise(struct maker *m, const struct wording *w, const char *const args[4])
{
    maker_say(m, "(||||excuse me, |one more question: |could you please have a look, )", NULL,
              NULL);
    say(m->d, &m->text, w->unseen, args);
    maker_say(m, "(|?|?|?| if you please?| many thanks)", NULL, NULL);
    m->slices |= SLICE_HELD_OUT;
}

/* Of several wordings none that puts "'s" after "ball left of the mug". */
static void say_seen(struct maker *m, const char *format, const char *const args[4])
{
    static const char possessive[] = {MARK_END, '\'', 's', 0};
    size_t before = m->text.len;
    for (int tries = 0; tries < 20; tries++) {
        m->text.len = before;
        say(m->d, &m->text, format, args);
        const char *said = m->text.data + before, *first = strchr(said, MARK_END);
        if (!strstr(said, possessive) || (first && !strchr(first + 1, MARK_END)))
            return;
    }
}

static void ask_wide(struct maker *m, const struct wording *w, const char *const args[4])
{
    static const char before[] =
        "((please|hello|hi|hi there|so|hey|now|ok|well|sorry|just curious|good morning), |and |i "
        "wonder, |quick question: |my question: |(good evening|good day|hey there|okay|look|by the "
        "way|then|and now|next|tell me|could you tell me|can you tell me|please tell me|may i ask|"
        "let me ask|one thing|a question|another question|just one question|i have a question|i am "
        "curious|can you help me|please look|look here|excuse my question|in this (picture|image)|"
        "in the (picture|image)|yes|no|first)(, |: )|(tell me|can you tell me|please say), )";
    const char *seen = w->more && dice_chance(m->d, 0.65f) ? w->more : w->seen;
    if (m->w->unseen) {
        ask_otherwise(m, w, args);
    } else if (w->brief && dice_chance(m->d, 0.15f)) {
        bool more = w->more_brief && dice_chance(m->d, 0.6f);
        say(m->d, &m->text, more ? w->more_brief : w->brief, args);
        maker_say(m, "(|?|?)", NULL, NULL);
        m->slices |= SLICE_BRIEF;
    } else if (dice_chance(m->d, 0.3f)) {
        maker_say(m, before, NULL, NULL);
        say_seen(m, seen, args);
        maker_say(m,
                  "(|?|?|?| please| please?|, please| thanks|? thanks|? thank you|, thank you|, if "
                  "you can|, do you know?|? just tell me|? please tell me|, can you see?|? "
                  "thanks a lot|, what do you think?)",
                  NULL, NULL);
        m->slices |= SLICE_POLITE;
    } else {
        say_seen(m, seen, args);
        maker_say(m, "(|?|?|?)", NULL, NULL);
    }
}

void maker_ask(struct maker *m, const struct wording *w, const char *const args[4])
{
    if (m->w->language == LANGUAGE_BASIC)
        ask_basic(m, w, args);
    else
        ask_wide(m, w, args);
}

/* A question about a and b. */
static void ask_about(struct maker *m, const struct wording *w, const char *a, const char *b)
{
    const char *const args[4] = {a ? a : "", b ? b : "", "", ""};
    maker_ask(m, w, args);
}

/* In wide language something that is not there is asked about now and then. */
static void ask_absent(struct maker *m, int without, bool far, char **name)
{
    unsigned slices = m->slices;
    char *absent;
    if (m->w->language == LANGUAGE_BASIC || !dice_chance(m->d, 0.12f))
        return;
    m->slices = (slices & SLICE_ATTRIBUTE) | SLICE_PRESUPPOSITION;
    absent = maker_absent_name(m, without, far);
    if (!absent) {
        m->slices = slices;
        return;
    }
    free(*name);
    *name = absent;
    m->target = -1;
    maker_answer(m, "none");
}

/* Asks what the name must not tell of object i; takes the name, which may be NULL. */
static bool ask(struct maker *m, int i, char *name, int without, bool far, const struct wording *w)
{
    if (!name)
        return false;
    m->target = i;
    ask_absent(m, without, far, &name);
    ask_about(m, w, name, NULL);
    free(name);
    return true;
}

/* Asks for the value of one attribute; bit as in struct value. */
static bool ask_value(struct maker *m, int bit, bool far, const struct wording *w)
{
    int i = maker_some(m);
    struct value v = value_of(maker_object(m, i), bit);
    maker_answer(m, value_word(&v));
    m->slices |= SLICE_ATTRIBUTE;
    return ask(m, i, any_name(m, i, bit, far), bit, far, w);
}

/* Openings of a question that is told, not asked: its answer is not yes or no. */
#define TELL                                                                                      \
    "(say|i want to know|i would like to know|do you know|could you say|would you find out|guess|" \
    "let me know|help me see|explain)"
#define GIVE "(say|i want to know|could you say|give me|do you know|i need|report)"

static const struct wording color_words = {
    "((what|which) colo(u|)r is the $1|what is the colo(u|)r of the $1|the $1 (has|is) "
    "(what|which) colo(u|)r|what's the $1's colo(u|)r|do you "
    "see what colo(u|)r the $1 is|" GIVE " the (colo(u|)r of the $1|$1's colo(u|)r)|"
    TELL " (what|which) colo(u|)r the $1 (is|has))",
    "(colo(u|)r of (the |)$1|$1 colo(u|)r|$1, (what|which) colo(u|)r|(what|which) colo(u|)r $1)",
    "(tell me the colo(u|)r of the $1|can you tell which colo(u|)r the $1 has|name the "
    "$1's colo(u|)r for me|in which colo(u|)r is the $1 painted)",
    .more = more_color, .more_brief = more_color_brief};

static bool ask_color(struct maker *m, bool far)
{
    return ask_value(m, 2, far, &color_words);
}

static const struct wording pattern_words = {
    "((what|which) pattern (does the $1 have|is on the $1)|what is the pattern of the "
    "$1|is the $1 plain, striped or dotted|how is the $1 patterned|"
    GIVE " the (pattern of the $1|$1's pattern)|"
    TELL " (what|which) pattern the $1 (has|shows))",
    "(pattern of (the |)$1|$1 pattern|$1, (what|which) pattern|(what|which) pattern $1)",
    "(tell me the pattern of the $1|can you describe the $1's pattern|name the pattern "
    "that the $1 has)",
    .more = more_pattern, .more_brief = more_pattern_brief};

static bool ask_pattern(struct maker *m, bool far)
{
    return ask_value(m, 4, far, &pattern_words);
}

static const struct wording shape_words = {
    "(what is the $1|what's the $1|what kind of (thing|object) is the $1|(what|which) "
    "shape (is|has) the $1|what do you call the $1|" GIVE " the kind of the $1|"
    TELL " (what the $1 is|what kind of (thing|object) the $1 is))",
    "(kind of (the |)$1|$1, what is it|shape of (the |)$1)",
    "(tell me what the $1 is|can you tell what kind of thing the $1 is|identify the $1 "
    "for me)",
    .more = more_shape, .more_brief = more_shape_brief};

static bool ask_shape(struct maker *m, bool far)
{
    return ask_value(m, 1, far, &shape_words);
}

static const struct wording size_words = {
    "(how (big|large) is the $1|what size (is|has) the $1|is the $1 (small or large|big "
    "or small|large or small)|what is the size of the $1|"
    GIVE " the (size of the $1|$1's size)|" TELL " how (big|large) the $1 is)",
    "(size of (the |)$1|$1 size|$1 big or small|$1, large or small)",
    "(tell me the size of the $1|can you say how big the $1 is|name the $1's size)",
    .more = more_size, .more_brief = more_size_brief};

static bool ask_size(struct maker *m, bool far)
{
    return ask_value(m, 8, far, &size_words);
}

static struct kind loose_kind(struct maker *m)
{
    struct kind k = kind_of(maker_object(m, maker_some(m)), 1 + dice_below(m->d, 15));
    if (dice_chance(m->d, 0.5f)) /* rarely many attributes: they fit one thing only */
        k.size = k.pattern = -1;
    if (k.shape < 0 && k.color < 0 && k.pattern < 0 && k.size < 0)
        k.shape = (int)maker_object(m, maker_some(m))->shape;
    return k;
}

static const struct wording count_words = {
    .seen = "(how many $1 are there|how many $1 (do you see|can you see)|what is the number of "
    "$1|count the $1|how many $1 are in the (picture|image|scene)|"
    GIVE " the (number|count) of $1|" TELL " how many $1 (there are|you see|are shown))",
    NULL,
    "(tell me how many $1 you see|can you count the $1 for me|give me the number of $1)"};

static bool ask_count(struct maker *m, bool far)
{
    struct kind k = dice_chance(m->d, 0.15f) ? (struct kind){-1, -1, -1, -1} : loose_kind(m);
    char number[8];
    (void)far;
    if (dice_chance(m->d, 0.1f))
        k.color = dice_below(m->d, COLORS);
    snprintf(number, sizeof number, "%d", kind_count(&k, m->s));
    maker_answer(m, number);
    return ask(m, -1, kind_text(m->d, &k, true), 0, false, &count_words);
}

static const struct wording exists_words = {
    .seen = "(is there $1|do you see $1|can you see $1|is $1 (there|in the picture|in the image)|"
    "does the (picture|image) (show|have) $1|" TELL " (if|whether) (there is $1|you see $1|the "
    "(picture|image) shows $1))",
    NULL,
    "(tell me if there is $1|can you check whether there is $1|would you say that $1 is in "
    "this picture)"};

static bool ask_exists(struct maker *m, bool far)
{
    bool yes = dice_chance(m->d, 0.5f);
    struct clause c = {.type = EXISTS, .a = loose_kind(m)}, twin;
    (void)far;
    if (!yes && clause_twin(m->d, m->s, &c, &twin))
        c = twin;
    maker_yes_or_no(m, clause_true(&c, m->s));
    return ask(m, -1, kind_text_a(m->d, &c.a), 0, false, &exists_words);
}

#define THAN(words) "(is the $1|" TELL " (if|whether) the $1 is) (" words ") than the $2"

static const struct wording bigger_words = {
    .seen = THAN("bigger|larger"), NULL, "tell me if the $1 is bigger than the $2"};
static const struct wording smaller_words = {
    .seen = THAN("smaller|littler"), NULL, "tell me if the $1 is smaller than the $2"};

static bool ask_compare(struct maker *m, bool far)
{
    int i = maker_some(m), j = maker_some(m);
    (void)far;
    if (i == j || maker_object(m, i)->size == maker_object(m, j)->size)
        return false;
    char *a = maker_name(m, i, 8), *b = maker_name(m, j, 8);
    bool bigger = dice_chance(m->d, 0.5f);
    if (a && b) {
        maker_yes_or_no(m, (maker_object(m, i)->size == LARGE) == bigger);
        ask_about(m, bigger ? &bigger_words : &smaller_words, a, b);
    }
    bool made = a && b;
    m->target = i;
    free(a);
    free(b);
    return made;
}

static const struct wording relation_words = {
    .seen = "(is the $1 $2|is the $1 $2|do you see the $1 $2|would you say the $1 is "
    "$2|" TELL " (if|whether) the $1 is $2)",
    NULL, "(tell me if|can you check whether) the $1 is $2"};

static bool ask_relation(struct maker *m, bool far)
{
    int i = maker_some(m), j = maker_some(m);
    enum relation r = (enum relation)dice_below(m->d, RELATIONS);
    (void)far;
    if (i == j || !is_clear(maker_object(m, i), r, maker_object(m, j)))
        return false;
    char *a = maker_name(m, i, 0), *b = maker_name(m, j, 0), *rel = relation_text(m->d, r);
    bool made = a && b;
    if (made) {
        char *tail = xasprintf("%s the %s", rel, b);
        maker_yes_or_no(m, related(maker_object(m, i), r, maker_object(m, j)));
        ask_about(m, &relation_words, a, tail);
        free(tail);
    }
    m->target = i;
    free(a);
    free(b);
    free(rel);
    return made;
}

static const struct wording behind_words = {
    .seen = "(what is|what's|what do you see|" TELL " what (is|you see)) $1",
    NULL, "tell me what is $1"};

static bool ask_behind(struct maker *m, bool far)
{
    int j = maker_some(m), found = -1, n = 0;
    enum relation r = (enum relation)dice_below(m->d, RELATIONS);
    (void)far;
    for (int i = 0; i < m->s->count; i++) {
        if (i == j)
            continue;
        if (!is_clear(maker_object(m, i), r, maker_object(m, j)))
            return false;
        if (related(maker_object(m, i), r, maker_object(m, j))) {
            found = i;
            n++;
        }
    }
    char *b = n == 1 ? maker_name(m, j, 0) : NULL, *rel = relation_text(m->d, r);
    bool made = b != NULL;
    if (made) {
        char *tail = xasprintf("%s the %s", rel, b);
        maker_answer(m, shape_names[maker_object(m, found)->shape]);
        ask_about(m, &behind_words, tail, NULL);
        free(tail);
        m->target = found;
    }
    free(b);
    free(rel);
    return made;
}

static const struct wording where_words = {
    "(where is the $1|where's the $1|where do you see the $1|on which side is the $1|"
    GIVE " the (place|side) of the $1|" TELL " where the $1 is)",
    "(where $1|where, the $1|$1 where|place of the $1)",
    "(tell me where the $1 is|can you say where the $1 is|show me where to look for "
    "the $1)",
    .more = more_where, .more_brief = more_where_brief};

static bool ask_where(struct maker *m, bool far)
{
    int i = maker_some(m);
    float x = maker_object(m, i)->x, third = SCENE_W / 3.0f;
    (void)far;
    if (fabsf(x - third) < 10 || fabsf(x - 2 * third) < 10)
        return false;
    maker_answer(m, x < third ? "left" : x < 2 * third ? "middle" : "right");
    m->slices |= SLICE_PLACE;
    return ask(m, i, maker_name(m, i, 0), 0, false, &where_words);
}

static bool ask_one(struct maker *m, asker *const *list, int n, bool far)
{
    return list[dice_below(m->d, n)](m, far);
}

bool make_vqa(struct maker *m)
{
    static asker *const list[] = {ask_color, ask_color, ask_pattern, ask_shape, ask_size, ask_count,
                                  ask_count, ask_exists, ask_compare, ask_relation};
    static asker *const wide[] = {
        ask_color, ask_color, ask_pattern, ask_shape, ask_size, ask_fact, ask_fact, ask_fact,
        ask_fact, ask_fact, ask_fact, ask_count_of, ask_count_of, ask_count_with, ask_count_having,
        ask_count_placed, ask_which_more, ask_choice, ask_choice, ask_which_bigger, ask_which_is,
        ask_of_several, ask_side, ask_what_is, ask_which_member};
    if (m->w->language == LANGUAGE_WIDE)
        return ask_one(m, wide, 25, dice_chance(m->d, 0.25f));
    return ask_one(m, list, 10, false);
}

bool make_genomeqa(struct maker *m)
{
    static asker *const list[] = {ask_color,  ask_shape, ask_count, ask_behind,
                                  ask_behind, ask_where, ask_where, ask_pattern};
    static asker *const wide[] = {
        ask_color, ask_color, ask_shape, ask_shape, ask_pattern, ask_where, ask_where, ask_where,
        ask_what_placed, ask_what_placed, ask_what_placed, ask_what_between, ask_count_of,
        ask_count_with, ask_count_placed, ask_choice, ask_of_several, ask_side, ask_what_is,
        ask_which_member};
    if (m->w->language == LANGUAGE_WIDE)
        return ask_one(m, wide, 20, dice_chance(m->d, 0.25f));
    return ask_one(m, list, 8, false);
}

bool make_gqa(struct maker *m)
{
    static asker *const yes[] = {ask_exists, ask_relation, ask_relation, ask_compare};
    static asker *const hops[] = {ask_color, ask_shape, ask_pattern, ask_size};
    static asker *const wide[] = {ask_color, ask_shape, ask_pattern, ask_size, ask_choice,
                                  ask_which_is, ask_which_bigger, ask_side};
    bool closed = dice_chance(m->d, 0.5f);
    if (m->w->language == LANGUAGE_WIDE)
        return closed ? ask_fact(m, false) : ask_one(m, wide, 8, true);
    return closed ? ask_one(m, yes, 4, false) : ask_one(m, hops, 4, true);
}
