/* SPDX-License-Identifier: MIT */
/* Items that need several steps: a dialog that narrows the objects down, and statements. */
#include "demo/items.h"

#include "demo/maker.h"
#include "demo/say.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- a dialog that narrows the objects down */

struct question {
    struct kind k;
    int side; /* -1, or enum side: left half, right half, back, front */
    int group, or_color; /* of the wide language; -1 */
};

static bool holds(const struct question *q, const struct object *o)
{
    switch (q->side) {
    case LEFTMOST: return o->x < SCENE_W / 2.0f;
    case RIGHTMOST: return o->x > SCENE_W / 2.0f;
    case FARTHEST: return o->y < SCENE_H * 0.55f;
    case NEAREST: return o->y > SCENE_H * 0.55f;
    default: break;
    }
    struct set group = {{-1, -1, -1, -1}, q->group, -1, -1, -1};
    if (q->group >= 0)
        return set_has(&group, o) == YES;
    return kind_fits(&q->k, o) || q->or_color == (int)o->color;
}

/* Whether the answer hangs on a hair. */
static bool is_near_border(const struct question *q, const struct object *o)
{
    struct set group = {{-1, -1, -1, -1}, q->group, -1, -1, -1};
    if (q->group >= 0)
        return set_has(&group, o) == UNCLEAR;
    if (q->side == LEFTMOST || q->side == RIGHTMOST)
        return fabsf(o->x - SCENE_W / 2.0f) < 10;
    return q->side >= 0 && fabsf(o->y - SCENE_H * 0.55f) < 10;
}

static struct question some_question(struct maker *m)
{
    struct question q = {{-1, -1, -1, -1}, -1, -1, -1};
    const struct object *o = maker_object(m, maker_some(m));
    if (m->w->language == LANGUAGE_WIDE && dice_chance(m->d, 0.2f)) {
        q.group = dice_below(m->d, GROUPS);
        return q;
    }
    switch (dice_below(m->d, 6)) {
    case 0: q.side = dice_below(m->d, 4); break;
    case 1: q.k.size = (int)o->size; break;
    case 2: q.k.pattern = (int)o->pattern; break;
    case 3: q.k.shape = (int)o->shape; break;
    default: q.k.color = (int)o->color; break;
    }
    if (m->w->language == LANGUAGE_WIDE && q.k.color >= 0 && dice_chance(m->d, 0.3f))
        q.or_color = (q.k.color + 1 + dice_below(m->d, COLORS - 1)) % COLORS;
    return q;
}

static void say_question(struct maker *m, const struct question *q)
{
    static const char *const sides[4] = {
        "(is it (on|in) the left (side|half|)|is it on the left)",
        "(is it (on|in) the right (side|half|)|is it on the right)",
        "(is it (at|in) the back|is it far away)", "(is it (at|in) the front|is it near)"};
    static const char *const groups[GROUPS] = {"(is it|is that) an animal", "(is it|is that) a toy",
                                               "is it (round|a round thing)"};
    char *name = q->k.shape >= 0 ? kind_text_a(m->d, &q->k) : NULL;
    if (q->group >= 0)
        maker_say(m, groups[q->group], NULL, NULL);
    else if (q->or_color >= 0)
        maker_say(m, "is it $1 or $2", color_names[q->k.color], color_names[q->or_color]);
    else if (q->side >= 0)
        maker_say(m, sides[q->side], NULL, NULL);
    else if (q->k.shape >= 0)
        maker_say(m, "(is it|is that) $1", name, NULL);
    else if (q->k.color >= 0)
        maker_say(m, "(is it|is its color|is the object) $1", color_names[q->k.color], NULL);
    else if (q->k.pattern >= 0)
        maker_say(m, "(is it|does it look) $1", pattern_names[q->k.pattern], NULL);
    else
        maker_say(m, "is it (one of the $1 ones|a $1 one|$1)", size_names[q->k.size], NULL);
    maker_say(m, "(|?)", NULL, NULL);
    free(name);
}

/* A "no" is the negation of a dialog. */
static unsigned question_slices(const struct question *q, bool yes)
{
    unsigned about = q->group >= 0        ? SLICE_GROUP
                     : q->side >= 0       ? SLICE_PLACE
                     : q->k.shape >= 0    ? SLICE_KIND
                     : q->or_color >= 0   ? SLICE_ATTRIBUTE | SLICE_OR
                                          : SLICE_ATTRIBUTE;
    return about | (yes ? 0u : SLICE_NEGATION);
}

bool make_guesswhat(struct maker *m)
{
    bool left[SCENE_MOST];
    int n = m->s->count, rounds = 0;
    m->target = maker_some(m);
    for (int i = 0; i < n; i++)
        left[i] = true;
    for (int tries = 0; tries < 60 && n > 1 && rounds < 5; tries++) {
        struct question q = some_question(m);
        bool yes = holds(&q, maker_object(m, m->target)), unclear = false;
        int fewer = 0;
        for (int i = 0; i < m->s->count; i++) {
            fewer += left[i] && holds(&q, maker_object(m, i)) != yes;
            unclear |= left[i] && is_near_border(&q, maker_object(m, i));
        }
        if (unclear || (fewer == 0 && !dice_chance(m->d, 0.05f)))
            continue;
        for (int i = 0; i < m->s->count; i++)
            if (left[i] && holds(&q, maker_object(m, i)) != yes) {
                left[i] = false;
                n--;
            }
        if (rounds++)
            buf_putc(&m->text, '\n');
        say_question(m, &q);
        m->slices |= question_slices(&q, yes);
        buf_puts(&m->text, yes ? " | yes" : " | no");
    }
    if (n > 1)
        return false;
    maker_choose_candidates(m, SCENE_MOST);
    return true;
}

/* ---- statements */

#define IMAGES "(images|pictures)"
#define IMAGE "(image|picture)"
#define SHOWS "(contains|shows|has)"
/* $1 "a red ball", $2 "red balls", $3 a number, $4 "red ball". */
static const char *const statements[8] = {
    "(both " IMAGES " (contain|show|have) $1|there is $1 in (both|each) " IMAGES ")",
    "(the left " IMAGE " " SHOWS " $1|there is $1 (in|on) the left image)",
    "(the right " IMAGE " " SHOWS " $1|there is $1 (in|on) the right image)",
    "(only one of the " IMAGES " " SHOWS " $1|exactly one image shows $1)",
    "there are more $2 in the left " IMAGE " than in the right( one|)",
    "(there are exactly $3 $2 (in total|in the two images)|the images show exactly $3 $2)",
    "(there are at least $3 $2 (in total|in the two images)|the images show at least $3 $2)",
    "(neither " IMAGE " " SHOWS " $1|there is no $4 in the images)"};

bool make_nlvr2(struct maker *m)
{
    if (m->w->language == LANGUAGE_WIDE)
        return make_nlvr2_wide(m);
    int j = dice_below(m->d, m->w->count);
    const struct scene *a = m->s, *b = &m->w->scenes[j];
    bool want = dice_chance(m->d, 0.5f);
    if (j == m->number)
        return false;
    m->images[0] = m->number;
    m->images[1] = j;
    m->image_count = 2;
    for (int tries = 0; tries < 80; tries++) {
        const struct scene *from = dice_chance(m->d, 0.5f) ? a : b;
        int o = dice_below(m->d, from->count), form = dice_below(m->d, 8);
        struct kind k = kind_of(&from->objects[o], 1 + dice_below(m->d, 3));
        if (dice_chance(m->d, 0.2f))
            k.pattern = (int)from->objects[o].pattern;
        int ca = kind_count(&k, a), cb = kind_count(&k, b), n = ca + cb;
        n = n + dice_below(m->d, 3) - 1;
        const bool truth[8] = {ca && cb, ca > 0,       cb > 0,       (ca > 0) != (cb > 0),
                               ca > cb,  ca + cb == n, ca + cb >= n, ca == 0 && cb == 0};
        if (truth[form] != want || ((form == 5 || form == 6) && n < 1) || (form == 4 && ca == cb))
            continue;
        static const char *const numbers[] = {"no", "one", "two", "three", "four", "five", "six",
                                              "seven", "eight", "nine"};
        char *one = kind_text_a(m->d, &k), *many = kind_text(m->d, &k, n != 1 || form == 4);
        char *bare = kind_text(m->d, &k, false);
        const char *const args[4] = {one, many, numbers[n < 0 ? 0 : n > 9 ? 9 : n], bare};
        say(m->d, &m->text, statements[form], args);
        free(one);
        free(many);
        free(bare);
        maker_answer(m, want ? "true" : "false");
        return true;
    }
    return false;
}

bool make_snli(struct maker *m)
{
    if (m->w->language == LANGUAGE_WIDE)
        return make_snli_wide(m);
    struct clause c, twin;
    int verdict = dice_below(m->d, 3);
    static const char *const names[3] = {"contradiction", "neutral", "entailment"};
    if (!clause_make(m->d, m->s, 1, &c) || (verdict == 0 && !clause_twin(m->d, m->s, &c, &twin)))
        return false;
    char *text = clause_text(m->d, verdict == 0 ? &twin : &c, NULL);
    struct kind k;
    char *name = kind_unique(m->d, m->s, maker_some(m), 15, &k) ? kind_text(m->d, &k, false) : NULL;
    bool made = verdict != 1 || name;
    /* Words that tell nothing stand in all three, so that they do not give the verdict away. */
    if (verdict == 1 && name)
        maker_say(m, "(the $1 is (heavy|new|old|expensive|cheap|borrowed|warm|a gift)|somebody "
                     "(bought|likes|lost|painted) the $1|the $1 (belongs to a child|was washed "
                     "today))", name, NULL);
    else
        maker_say(m, "(there is|there is|i see|you can see|the picture shows|somebody painted) "
                     "$1(||||, heavy or not|, new or old|, cheap or expensive|, borrowed or bought|"
                     ", warm or cold)", text, NULL);
    maker_answer(m, names[verdict]);
    free(text);
    free(name);
    return made;
}
