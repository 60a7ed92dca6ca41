/* SPDX-License-Identifier: MIT */
/* Questions: VQA, Genome QA, GQA. */
#include "demo/maker.h"
#include "demo/say.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
static void yes_or_no(struct maker *m, bool yes)
{
    maker_answer(m, yes ? "yes" : "no");
}

/* A question about a and b, with polite wordings around it. */
static void say_politely(struct maker *m, const char *seen, const char *unseen, const char *a,
                         const char *b)
{
    static const char before[] =
        "(|||||please, |hello, |so, |hey, |now, |i wonder, |quick question: |just curious, )";
    static const char after[] = "(|?|?|?| please| please?| thanks| in the picture?| here?)";
    if (m->w->unseen) {
        maker_say(m, unseen, a, b);
        return;
    }
    maker_say(m, before, NULL, NULL);
    maker_say(m, seen, a, b);
    maker_say(m, after, NULL, NULL);
}

/* Asks about an attribute of a named object. */
static bool ask(struct maker *m, int i, char *name, const char *seen, const char *unseen)
{
    if (!name)
        return false;
    say_politely(m, seen, unseen, name, NULL);
    m->target = i;
    free(name);
    return true;
}

/* Openings of a question that is told, not asked: its answer is not yes or no. */
#define TELL                                                                                      \
    "(say|i want to know|i would like to know|do you know|could you say|would you find out|guess|" \
    "let me know|help me see|explain)"
#define GIVE "(say|i want to know|could you say|give me|do you know|i need|report)"

static char *any_name(struct maker *m, int i, int without, bool far)
{
    if (far)
        return maker_relative_name(m, i, without);
    if (dice_chance(m->d, 0.2f))
        return maker_place_name(m, i, without);
    return maker_name(m, i, without);
}

static bool ask_color(struct maker *m, bool far)
{
    int i = maker_some(m);
    maker_answer(m, color_names[maker_object(m, i)->color]);
    return ask(m, i, any_name(m, i, 2, far),
               "((what|which) colo(u|)r is the $1|what is the colo(u|)r of the $1|the $1 (has|is) "
               "(what|which) colo(u|)r|what's the $1's colo(u|)r|do you "
               "see what colo(u|)r the $1 is|" GIVE " the (colo(u|)r of the $1|$1's colo(u|)r)|"
               TELL " (what|which) colo(u|)r the $1 (is|has))",
               "(tell me the colo(u|)r of the $1|can you tell which colo(u|)r the $1 has|name the "
               "$1's colo(u|)r for me|in which colo(u|)r is the $1 painted)");
}

static bool ask_pattern(struct maker *m, bool far)
{
    int i = maker_some(m);
    maker_answer(m, pattern_names[maker_object(m, i)->pattern]);
    return ask(m, i, any_name(m, i, 4, far),
               "((what|which) pattern (does the $1 have|is on the $1)|what is the pattern of the "
               "$1|is the $1 plain, striped or dotted|how is the $1 patterned|"
               GIVE " the (pattern of the $1|$1's pattern)|"
               TELL " (what|which) pattern the $1 (has|shows))",
               "(tell me the pattern of the $1|can you describe the $1's pattern|name the pattern "
               "that the $1 has)");
}

static bool ask_shape(struct maker *m, bool far)
{
    int i = maker_some(m);
    maker_answer(m, shape_names[maker_object(m, i)->shape]);
    return ask(m, i, any_name(m, i, 1, far),
               "(what is the $1|what's the $1|what kind of (thing|object) is the $1|(what|which) "
               "shape (is|has) the $1|what do you call the $1|" GIVE " the kind of the $1|"
               TELL " (what the $1 is|what kind of (thing|object) the $1 is))",
               "(tell me what the $1 is|can you tell what kind of thing the $1 is|identify the $1 "
               "for me)");
}

static bool ask_size(struct maker *m, bool far)
{
    int i = maker_some(m);
    maker_answer(m, size_names[maker_object(m, i)->size]);
    return ask(m, i, any_name(m, i, 8, far),
               "(how (big|large) is the $1|what size (is|has) the $1|is the $1 (small or large|big "
               "or small|large or small)|what is the size of the $1|"
               GIVE " the (size of the $1|$1's size)|" TELL " how (big|large) the $1 is)",
               "(tell me the size of the $1|can you say how big the $1 is|name the $1's size)");
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

static bool ask_count(struct maker *m, bool far)
{
    struct kind k = dice_chance(m->d, 0.15f) ? (struct kind){-1, -1, -1, -1} : loose_kind(m);
    char number[8];
    (void)far;
    if (dice_chance(m->d, 0.1f))
        k.color = dice_below(m->d, COLORS);
    snprintf(number, sizeof number, "%d", kind_count(&k, m->s));
    maker_answer(m, number);
    ask(m, -1, kind_text(m->d, &k, true),
        "(how many $1 are there|how many $1 (do you see|can you see)|what is the number of "
        "$1|count the $1|how many $1 are in the (picture|image|scene)|"
        GIVE " the (number|count) of $1|" TELL " how many $1 (there are|you see|are shown))",
        "(tell me how many $1 you see|can you count the $1 for me|give me the number of $1)");
    return true;
}

static bool ask_exists(struct maker *m, bool far)
{
    bool yes = dice_chance(m->d, 0.5f);
    struct clause c = {.type = EXISTS, .a = loose_kind(m)}, twin;
    (void)far;
    if (!yes && clause_twin(m->d, m->s, &c, &twin))
        c = twin;
    yes_or_no(m, clause_true(&c, m->s));
    ask(m, -1, kind_text_a(m->d, &c.a),
        "(is there $1|do you see $1|can you see $1|is $1 (there|in the picture|in the image)|does "
        "the (picture|image) (show|have) $1|" TELL " (if|whether) (there is $1|you see $1|the "
        "(picture|image) shows $1))",
        "(tell me if there is $1|can you check whether there is $1|would you say that $1 is in "
        "this picture)");
    return true;
}

#define THAN(words) "(is the $1|" TELL " (if|whether) the $1 is) (" words ") than the $2"

static bool ask_compare(struct maker *m, bool far)
{
    int i = maker_some(m), j = maker_some(m);
    (void)far;
    if (i == j || maker_object(m, i)->size == maker_object(m, j)->size)
        return false;
    char *a = maker_name(m, i, 8), *b = maker_name(m, j, 8);
    bool bigger = dice_chance(m->d, 0.5f);
    if (a && b) {
        yes_or_no(m, (maker_object(m, i)->size == LARGE) == bigger);
        say_politely(m, bigger ? THAN("bigger|larger") : THAN("smaller|littler"),
                     bigger ? "tell me if the $1 is bigger than the $2"
                            : "tell me if the $1 is smaller than the $2", a, b);
    }
    bool made = a && b;
    m->target = i;
    free(a);
    free(b);
    return made;
}

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
        yes_or_no(m, related(maker_object(m, i), r, maker_object(m, j)));
        say_politely(m,
                     "(is the $1 $2|is the $1 $2|do you see the $1 $2|would you say the $1 is "
                     "$2|" TELL " (if|whether) the $1 is $2)",
                     "(tell me if|can you check whether) the $1 is $2", a, tail);
        free(tail);
    }
    m->target = i;
    free(a);
    free(b);
    free(rel);
    return made;
}

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
        say_politely(m, "(what is|what's|what do you see|" TELL " what (is|you see)) $1",
                     "tell me what is $1", tail, NULL);
        free(tail);
        m->target = found;
    }
    free(b);
    free(rel);
    return made;
}

static bool ask_where(struct maker *m, bool far)
{
    int i = maker_some(m);
    float x = maker_object(m, i)->x, third = SCENE_W / 3.0f;
    (void)far;
    if (fabsf(x - third) < 10 || fabsf(x - 2 * third) < 10)
        return false;
    maker_answer(m, x < third ? "left" : x < 2 * third ? "middle" : "right");
    return ask(m, i, maker_name(m, i, 0),
               "(where is the $1|where's the $1|where do you see the $1|on which side is the $1|"
               GIVE " the (place|side) of the $1|" TELL " where the $1 is)",
               "(tell me where the $1 is|can you say where the $1 is|show me where to look for "
               "the $1)");
}

typedef bool asker(struct maker *m, bool far);

static bool ask_one(struct maker *m, asker *const *list, int n, bool far)
{
    return list[dice_below(m->d, n)](m, far);
}

bool make_vqa(struct maker *m)
{
    static asker *const list[] = {ask_color, ask_color, ask_pattern, ask_shape, ask_size, ask_count,
                                  ask_count, ask_exists, ask_compare, ask_relation};
    return ask_one(m, list, 10, false);
}

bool make_genomeqa(struct maker *m)
{
    static asker *const list[] = {ask_color,  ask_shape, ask_count, ask_behind,
                                  ask_behind, ask_where, ask_where, ask_pattern};
    return ask_one(m, list, 8, false);
}

bool make_gqa(struct maker *m)
{
    static asker *const yes[] = {ask_exists, ask_relation, ask_relation, ask_compare};
    static asker *const hops[] = {ask_color, ask_shape, ask_pattern, ask_size};
    return dice_chance(m->d, 0.5f) ? ask_one(m, yes, 4, false) : ask_one(m, hops, 4, true);
}
