/* SPDX-License-Identifier: MIT */
/* Items of the wide language that are no questions: captions, references, hypotheses, statements.
 */
#include "demo/maker.h"
#include "demo/marks.h"
#include "demo/question_more.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- claims: parts of captions that hold or not for any scene */

struct claim {
    bool is_fact;
    struct clause clause;
    struct fact fact;
};

/* sentences: any portable fact; else only such as can stand in a list of things. */
static bool claim_make(struct maker *m, bool sentences, struct claim *out)
{
    out->is_fact = dice_chance(m->d, sentences ? 0.65f : 0.12f);
    if (!out->is_fact)
        return clause_make(m->d, m->s, 2, &out->clause);
    enum fact_type type = sentences ? (enum fact_type)dice_below(m->d, FACT_PORTABLE) : FACT_ABSENT;
    return fact_make(m->d, m->s, type, YES, &out->fact);
}

static bool claim_twin(struct maker *m, const struct claim *c, struct claim *out)
{
    *out = *c;
    return c->is_fact ? fact_twin(m->d, m->s, &c->fact, &out->fact)
                      : clause_twin(m->d, m->s, &c->clause, &out->clause);
}

static bool claim_false(const struct claim *c, const struct scene *s)
{
    return c->is_fact ? fact_truth(&c->fact, s) == NO : clause_false(&c->clause, s);
}

static unsigned claim_slices(const struct claim *c)
{
    static const unsigned slices[CLAUSES] = {[EXISTS] = SLICE_EXISTS,
                                             [RELATES] = SLICE_RELATION,
                                             [COUNTS] = SLICE_COUNT,
                                             [PAIRS] = SLICE_EXISTS};
    bool told = kind_has_attribute(c->is_fact ? &c->fact.a.k : &c->clause.a);
    if (!c->is_fact && (c->clause.type == RELATES || c->clause.type == PAIRS))
        told |= kind_has_attribute(&c->clause.b);
    return (c->is_fact ? fact_slices(&c->fact) : slices[c->clause.type]) |
           (told ? SLICE_ATTRIBUTE : 0u);
}

static char *claim_text(struct maker *m, const struct claim *c, bool sentences)
{
    char *text, *with;
    if (c->is_fact && sentences)
        return fact_text(m->d, &c->fact, m->w->unseen ? TOLD_OTHERWISE : TOLD, m->s);
    if (c->is_fact) {
        text = set_text(m->d, &c->fact.a, dice_chance(m->d, 0.5f), NULL);
        with = xasprintf("no %s", text);
    } else {
        const char *there = c->clause.type == COUNTS ? "there are " : "there is ";
        text = clause_text(m->d, &c->clause, m->s);
        with = xasprintf("%s%s", !sentences ? "" : m->w->unseen ? "one can see " : there, text);
    }
    free(text);
    return with;
}

/* One of those that are alike, as long as there is hope; any one. */
static int other_image(struct maker *m, int tries)
{
    int o = m->number - m->number % ALIKE + dice_below(m->d, ALIKE);
    return m->w->stress == STRESS_ALIKE && tries < 50 && o < m->w->count
               ? o
               : dice_below(m->d, m->w->count);
}

/* Other images for which some claim is certainly false; false when there are too few scenes. */
static bool choose_images(struct maker *m, const struct claim *list, int n)
{
    int right = dice_below(m->d, m->w->retrieval);
    m->image_count = m->w->retrieval;
    for (int i = 0; i < m->image_count; i++) {
        m->images[i] = m->number;
        for (int tries = 0; i != right && tries < 200 && m->images[i] == m->number; tries++) {
            int o = other_image(m, tries);
            bool no = false, used = o == m->number;
            for (int c = 0; c < n; c++)
                no |= claim_false(&list[c], &m->w->scenes[o]);
            for (int j = 0; j < i; j++)
                used |= m->images[j] == o;
            m->images[i] = no && !used ? o : m->number;
        }
        if (i != right && m->images[i] == m->number)
            return false;
    }
    snprintf(m->answer, sizeof m->answer, "%d", right);
    return true;
}

/* The claims as a text, and with the twin in place of number `at`. */
static void caption_text(struct maker *m, const struct claim *list, int n, const struct claim *twin,
                         int at, bool sentences)
{
    static const char *const none[4] = {"", "", "", ""};
    struct buf frame = {0}, wrong = {0};
    buf_puts(&frame, "");
    if (!sentences)
        say(m->d, &frame,
            m->w->unseen ? "(a drawing with |this one has |one can find |here one sees )"
                         : "(||||||a picture of |this shows |a picture with |i see |an image of "
                           "|the picture shows |(a|one|this|the) (picture|image|scene|photo|"
                           "painting) (of|with|that shows|showing|that has) |(this|it|the "
                           "(image|scene|drawing)) (has|shows) |(we|you) see |you can see |here we "
                           "see |look at |one finds |in it we see )",
            none);
    buf_puts(&m->text, frame.data);
    buf_puts(&wrong, frame.data);
    for (int i = 0; i < n; i++) {
        const char *join = i == 0 ? "" : i == n - 1 ? " and " : ", ";
        char *text = claim_text(m, &list[i], sentences), *other = claim_text(m, twin, sentences);
        buf_printf(&m->text, "%s%s", join, text);
        buf_printf(&wrong, "%s%s", join, i == at ? other : text);
        m->slices |= claim_slices(&list[i]);
        free(text);
        free(other);
    }
    m->twin = buf_steal(&wrong);
    buf_fini(&frame);
}

bool make_caption_wide(struct maker *m, int least, int most)
{
    struct claim list[4], twin;
    int n = least + dice_below(m->d, most - least + 1), at = dice_below(m->d, n);
    bool sentences = dice_chance(m->d, 0.4f);
    for (int i = 0; i < n; i++)
        if (!claim_make(m, sentences, &list[i]))
            return false;
    if (!claim_twin(m, &list[at], &twin) || !choose_images(m, list, n))
        return false;
    caption_text(m, list, n, &twin, at, sentences);
    m->slices |= m->w->unseen ? SLICE_HELD_OUT : 0u;
    return true;
}

/* ---- referring expressions */

/* Shares of names: by place, by size, by what stands beside, by sets of the wide language, the
 * rest by kind. */
static char *refer_name(struct maker *m, int i, const float shares[4])
{
    float x = dice_between(m->d, 0, 1);
    if ((x -= shares[0]) < 0)
        return maker_place_name(m, i, 0);
    if ((x -= shares[1]) < 0)
        return maker_size_name(m, i);
    if ((x -= shares[2]) < 0)
        return dice_chance(m->d, 0.5f) ? maker_far_name(m, i, 0) : maker_relative_name(m, i, 0);
    return (x -= shares[3]) < 0 ? maker_set_name(m, i, 0) : maker_name(m, i, 0);
}

static const struct {
    const char *task;
    float shares[4];
    struct wording words;
} refer_kinds[] = {
#define REFER_OTHERWISE                                                                            \
    "(can you show me the $1 please|i am looking for the $1|could you mark the $1|put a box "      \
    "around the $1|where might the $1 be)"
#define REFER                                                                                      \
    "(|||the |the |the |(find|show me|look at|point at|point to|choose|pick|select) the |please "  \
    "find the |where is the |which is the |(i want|i need|give me|would you find|let me see|take|" \
    "do you see|it is|i mean) the |there is the )$1"
    {"refcoco",
     {0.5f, 0, 0.1f, 0.25f},
     {REFER, "$1", REFER_OTHERWISE, more_refer, more_refer_brief}},
    {"refcoco+", {0, 0.2f, 0, 0.5f}, {REFER, "$1", REFER_OTHERWISE, more_refer, more_refer_brief}},
    {"refcocog",
     {0, 0, 0.75f, 0.15f},
     {"(the |the ||there is the |this is the |find the |i see the )$1( in the picture|||| that "
      "you see)",
      "$1", REFER_OTHERWISE, more_refer, more_refer_brief}},
    {"visual7w",
     {0.2f, 0.05f, 0.35f, 0.25f},
     {"((which|what) (object|thing|one|item) is the $1|which is the $1|which one do you call the "
      "$1|(say|do you know|i want to know) (which|what) (one|thing) is the $1|of these, the "
      "$1|which of these is the $1|where is the $1)",
      "(the |which |)$1",
      "(can you tell which one is the $1|among these, which would be the $1|pick the $1 from "
      "these)",
      more_pick, more_pick_brief}}};

enum { REFER_QUESTION = 3 }; /* visual7w */

/* A phrase has no question mark. */
static void refer_words(struct maker *m, const struct wording *w, const char *name, bool question)
{
    const char *const args[4] = {name, "", "", ""};
    if (question) {
        maker_ask(m, w, args);
        return;
    }
    bool brief = !m->w->unseen && dice_chance(m->d, 0.15f);
    m->slices |= brief ? SLICE_BRIEF : m->w->unseen ? SLICE_HELD_OUT : 0u;
    bool more = dice_chance(m->d, 0.6f);
    say(m->d, &m->text,
        m->w->unseen ? w->unseen
        : brief      ? (more ? w->more_brief : w->brief)
                     : (more ? w->more : w->seen),
        args);
    if (!brief && !m->w->unseen)
        maker_say(m, "(||||||| please| thanks)", NULL, NULL);
}

bool make_refer_wide(struct maker *m, const char *task)
{
    int i = maker_some(m), t = 0;
    while (strcmp(refer_kinds[t].task, task) != 0)
        t++;
    char *name = refer_name(m, i, refer_kinds[t].shares);
    if (!name)
        return false;
    m->slices |= m->told ? SLICE_ATTRIBUTE : m->slices ? 0u : SLICE_KIND;
    refer_words(m, &refer_kinds[t].words, name, t == REFER_QUESTION);
    m->target = i;
    free(name);
    return true;
}

/* ---- hypotheses */

#define NEUTRAL                                                                                    \
    "(heavy|new|old|expensive|cheap|borrowed|warm|a gift|broken|wet|hungry|for sale|from a "       \
    "shop|soft)"

/* What no picture tells. The contradictions have such words, too. */
static bool neutral_text(struct maker *m)
{
    struct clause c = {.type = EXISTS};
    int i = maker_some(m);
    char *name = maker_set_name(m, i, 0);
    if (!name || !clause_make(m->d, m->s, 1, &c)) {
        free(name);
        return false;
    }
    c.type = c.type == COUNTS ? EXISTS : c.type;
    char *text = clause_text(m->d, &c, m->s);
    maker_say(m,
              "(the $1 is " NEUTRAL "|the $1 is " NEUTRAL
              "|(somebody|a child|someone) (bought|likes|lost|painted|owns|wants) the $1|the $1 "
              "(belongs to a child|was washed today|was bought yesterday)|there is $2 and "
     "somebody "
              "likes it|there is $2 and it is " NEUTRAL ")",
              name, text);
    m->target = i;
    m->slices |= SLICE_NEUTRAL;
    free(name);
    free(text);
    return true;
}

bool make_snli_wide(struct maker *m)
{
    static const char *const names[3] = {"contradiction", "neutral", "entailment"};
    int verdict = dice_below(m->d, 3);
    struct fact f;
    maker_answer(m, names[verdict]);
    if (verdict == 1)
        return neutral_text(m);
    if (!fact_make(m->d, m->s, (enum fact_type)dice_below(m->d, FACTS), verdict ? YES : NO, &f))
        return false;
    char *text = fact_text(m->d, &f, m->w->unseen ? TOLD_OTHERWISE : TOLD, m->s);
    maker_say(m,
              m->w->unseen ? "(|||in this picture |it is so that )$1"
                           : "(||||||||||you can see that |i think |it is true that |(one|you|we) "
                             "can (see|say) that |i (think|believe|say|see|know|would say) "
     "that |it "
                             "is (clear|right|the case|a fact|sure) that |it (seems|looks like) "
                             "|(here|in the (picture|image)|in this image|in this "
     "scene|clearly|as "
                             "one sees|so|surely), |in fact |the (picture|image) shows that )$1",
              text, NULL);
    if (f.type == FACT_EXISTS && !m->w->unseen && dice_chance(m->d, 0.5f))
        maker_say(m,
                  verdict
                      ? "(, heavy or not|, new or old|, cheap or expensive|, borrowed or bought)"
                      : "( and it is " NEUTRAL "| and somebody likes it|, heavy or not|, new or "
                                               "old|, cheap or expensive|, borrowed or bought)",
                  NULL, NULL);
    m->target =
        f.type >= FACT_PORTABLE && f.type != FACT_ANYTHING && f.type != FACT_NOTHING ? f.u : -1;
    if (f.type == FACT_SOME_PLACED || f.type == FACT_NONE_PLACED || f.type == FACT_SOME_BETWEEN)
        m->target = -1;
    m->slices |= fact_slices(&f) | (m->w->unseen ? SLICE_HELD_OUT : 0u);
    free(text);
    return true;
}

/* ---- statements about two images */

#define IMAGES     "(images|pictures)"
#define IMAGE      "(image|picture)"
#define SHOWS      "(contains|shows|has)"
#define STATEMENTS 17
/* $1 "a red ball", $2 "red balls", $3 a number, $4 "red ball". */
static const struct {
    const char *seen, *unseen;
    unsigned slices;
    const char *more; /* seen, too */
} statements[STATEMENTS] = {
    {"(both " IMAGES " (contain|show|have) $1|there is $1 in (both " IMAGES
     "|each " IMAGE "))",
     "each of the two shows $1", SLICE_BOTH,
     "((each|each one|every one) of the " IMAGES " (contains|has) $1|$1 is in (both|each of "
     "the) " IMAGES "|(in|on) both " IMAGES " (there is|we see|you see) $1|the left and the "
     "right " IMAGE " (both |)(show|have|contain) $1|there is $1 on the left and (also |)on "
     "the right|(both|the two) have $1|you (can |)see $1 in both|the two " IMAGES " both show "
     "$1)"},
    {"(the left " IMAGE " " SHOWS " $1|there is $1 (in|on) the left image)",
     "$1 can be seen on the left", SLICE_EXISTS,
     "((in|on) the left " IMAGE " (there is|is|we see|you see) $1|$1 is (in|on|shown "
     "in|visible in) the left " IMAGE "|the left one " SHOWS " $1|on the left (there is|is|we "
     "see) $1|you (can |)see $1 in the left one|the " IMAGE " on the left " SHOWS " $1|the "
     "first " IMAGE " " SHOWS " $1)"},
    {"(the right " IMAGE " " SHOWS " $1|there is $1 (in|on) the right image)",
     "$1 can be seen on the right", SLICE_EXISTS,
     "((in|on) the right " IMAGE " (there is|is|we see|you see) $1|$1 is (in|on|shown "
     "in|visible in) the right " IMAGE "|the right one " SHOWS " $1|on the right (there "
     "is|is|we see) $1|you (can |)see $1 in the right one|the " IMAGE " on the right " SHOWS " "
     "$1|the second " IMAGE " " SHOWS " $1)"},
    {"((only|exactly|just) one of the " IMAGES " " SHOWS " $1|exactly one image shows $1)",
     "one of the two has $1, the other has not", SLICE_ONLY,
     "($1 is in (only|just|exactly) one of the " IMAGES "|(only|just) one (of the two "
     "|)" SHOWS " $1|one " IMAGE " " SHOWS " $1, (but not the other|the other does not|and the "
     "other does not)|there is $1 in one of the two, not in both|one of the two but not both "
     "has $1|in (only|just) one " IMAGE " there is $1)"},
    {"there are more $2 in the left " IMAGE " than in the right( one|)",
     "the left one has more $2 than the right one", SLICE_COMPARE | SLICE_COUNT,
     "(the left " IMAGE " " SHOWS " more $2 than the right( one|)|there are more $2 (on the "
     "left than on the right|in the left one than in the right one)|(in|on) the left " IMAGE " "
     "there are more $2 than (in|on) the right( one|)|more $2 are in the left " IMAGE " than "
     "in the right( one|)|the right " IMAGE " " SHOWS " fewer $2 than the left( one|)|we see "
     "more $2 on the left than on the right)"},
    {"(there are exactly $3 $2 (in total|in the two images)|the images show exactly $3 $2)",
     "exactly $3 $2 can be seen in the two", SLICE_COUNT,
     "((both|the two) " IMAGES " together (show|have|contain) (exactly |)$3 $2|(in "
     "total|together|in all|all in all), there are (exactly |)$3 $2|there are exactly $3 $2 in "
     "the two( of them|)|exactly $3 $2 are (in the " IMAGES "|shown in total)|the number of $2 "
     "in the two " IMAGES " is $3|one counts exactly $3 $2)"},
    {"(there are at least $3 $2 (in total|in the two images)|the images show at least $3 $2)",
     "at least $3 $2 can be seen in the two", SLICE_COUNT,
     "((both|the two) " IMAGES " together (show|have|contain) at least $3 $2|(in "
     "total|together|in all), there are at least $3 $2|there are $3 or more $2 in the two( of "
     "them|)|at least $3 $2 are (in the " IMAGES "|shown in total)|there are no fewer than $3 "
     "$2 in total|one counts at least $3 $2)"},
    {"(neither " IMAGE " " SHOWS " $1|there is no $4 in the " IMAGES
     "|there is no $4 in (either|any) " IMAGE "|none of the " IMAGES " shows $1)",
     "not one of the two shows $1", SLICE_NONE | SLICE_NEGATION,
     "(neither (of the " IMAGES "|of the two|one) " SHOWS " $1|there is no $4 in (the "
     "two|both|any of the two|either of them)|no $4 is (shown|visible|in any of the "
     "" IMAGES ")|no " IMAGE " " SHOWS " $1|not one " IMAGE " " SHOWS " $1|both " IMAGES " are "
     "without $2|we see no $4 in either " IMAGE "|(on the left and on the right|in both) there "
     "is no $4)"},
    {"there are fewer $2 in the left " IMAGE " than in the right( one|)",
     "the left one has fewer $2 than the right one", SLICE_COMPARE | SLICE_COUNT,
     "(the left " IMAGE " " SHOWS " fewer $2 than the right( one|)|there are fewer $2 (on the "
     "left than on the right|in the left one than in the right one)|(in|on) the left " IMAGE " "
     "there are fewer $2 than (in|on) the right( one|)|the right " IMAGE " " SHOWS " more $2 "
     "than the left( one|)|we see fewer $2 on the left than on the right)"},
    {"(both " IMAGES " show the same number of $2|there are as many $2 in the left " IMAGE
     " as in the right( one|))",
     "the left one has as many $2 as the right one", SLICE_COMPARE | SLICE_COUNT,
     "(the (left and the right|two) " IMAGES " have (as many|equally many|the same number of) "
     "$2|there are (just |)as many $2 on the left as on the right|the number of $2 is the same "
     "in both " IMAGES "|(in|on) the left " IMAGE " there are as many $2 as (in|on) the right( "
     "one|)|equally many $2 are in the two " IMAGES "|the left " IMAGE " " SHOWS " as many $2 "
     "as the right( one|))"},
    {"(at least one|one or both) of the " IMAGES " shows $1",
     "one of the two, or both, can be said to show $1", SLICE_OR,
     "(there is $1 in (at least one|one or both) of the " IMAGES "|(either the left or the "
     "right " IMAGE ", or both, show|the left " IMAGE " or the right one, or both, have) $1|$1 "
     "is in (one of the " IMAGES " or in both|at least one " IMAGE ")|at least one " IMAGE " "
     "(has|shows) $1|we see $1 in at least one of the two|there is $1 on the left or on the "
     "right or on both sides)"},
    {"(the left " IMAGE " " SHOWS " $1 (but|and) the right( one|) does not|there is $1 in the "
     "left "
                                  "image but not in the right one)",
     "$1 can be seen on the left but not on the right", SLICE_NEGATION,
     "((in|on) the left " IMAGE " there is $1, (but not|not) (in|on) the right( one|)|only the "
     "left " IMAGE " " SHOWS " $1|$1 is in the left " IMAGE " (only|and not in the right "
     "one)|there is $1 on the left (but|and) not on the right|the right " IMAGE " " SHOWS " no "
     "$4, (but the left one does|the left one does)|we see $1 only in the left one)"},
    {"(there (is no $4|are no $2) in the left " IMAGE "|the left " IMAGE " " SHOWS " no $4)",
     "on the left no $4 can be seen", SLICE_NEGATION,
     "((in|on) the left " IMAGE " (there is no $4|no $4 is (shown|visible))|the left one "
     "" SHOWS " no $4|no $4 is (in|on) the left " IMAGE "|there is no $4 on the left|we see no "
     "$4 on the left|the left " IMAGE " is without $2|the left " IMAGE " does not "
     "(show|have|contain) $1)"},
    {"(there (is no $4|are no $2) in the right " IMAGE "|the right " IMAGE " " SHOWS " no $4)",
     "on the right no $4 can be seen", SLICE_NEGATION,
     "((in|on) the right " IMAGE " (there is no $4|no $4 is (shown|visible))|the right one "
     "" SHOWS " no $4|no $4 is (in|on) the right " IMAGE "|there is no $4 on the right|we see "
     "no $4 on the right|the right " IMAGE " is without $2|the right " IMAGE " does not "
     "(show|have|contain) $1)"},
    {"(all (the|of the) $2 are in the left " IMAGE "|the $2 are all in the left " IMAGE ")",
     "every $4 can be seen on the left", SLICE_ALL,
     "((every $4 is|all $2 are|each $4 is|each of the $2 is) (in|on) the left " IMAGE "|all $2 "
     "(are |)on the left|there are $2 only in the left " IMAGE "|the left " IMAGE " " SHOWS " "
     "all (of the |the |)$2|every one of the $2 is on the left|we see every $4 in the left one)"},
    {"(all (the|of the) $2 are in the right " IMAGE "|the $2 are all in the right " IMAGE ")",
     "every $4 can be seen on the right", SLICE_ALL,
     "((every $4 is|all $2 are|each $4 is|each of the $2 is) (in|on) the right " IMAGE "|all "
     "$2 (are |)on the right|there are $2 only in the right " IMAGE "|the right " IMAGE " "
     "" SHOWS " all (of the |the |)$2|every one of the $2 is on the right|we see every $4 in "
     "the right one)"},
    {"((each|every) image shows (exactly|just) one $4|there is (exactly|just) one $4 in each "
     "" IMAGE
     ")",
     "each of the two shows one $4 and no more", SLICE_ONLY | SLICE_COUNT,
     "((each|every one) of the " IMAGES " " SHOWS " (exactly|just|only) one $4|there is "
     "(exactly|just|only) one $4 (on the left and one on the right|in both|in the left and in "
     "the right " IMAGE ")|both " IMAGES " (show|have) (exactly|just) one $4|(each|every) "
     "" IMAGE " " SHOWS " one $4 (only|and no other)|one $4 is in each of the two, no more)"}};

/* What is so of ca and cb objects of a set; n is the number that is said. */
static enum truth statement_truth(int form, int ca, int cb, int n)
{
    const bool truth[STATEMENTS] = {ca && cb,
                                    ca > 0,
                                    cb > 0,
                                    (ca > 0) != (cb > 0),
                                    ca > cb,
                                    ca + cb == n,
                                    ca + cb >= n,
                                    !ca && !cb,
                                    ca < cb,
                                    ca == cb,
                                    ca || cb,
                                    ca && !cb,
                                    !ca,
                                    !cb,
                                    !cb,
                                    !ca,
                                    ca == 1 && cb == 1};
    bool unclear = ((form == 5 || form == 6) && n < 2) || ((form == 4 || form == 8) && ca == cb) ||
                   (form == 9 && ca + cb == 0) || ((form == 14 || form == 15) && ca + cb < 2);
    return unclear ? UNCLEAR : truth[form] ? YES : NO;
}

static const char *const pair_numbers[] = {"no",   "one", "two",   "three", "four",
                                           "five", "six", "seven", "eight", "nine"};

static void say_statement(struct maker *m, const struct set *a, int form, int n)
{
    char *one = set_text_a(m->d, a, NULL), *many = set_text(m->d, a, true, NULL);
    char *bare = set_text(m->d, a, false, NULL);
    const char *const args[4] = {one, many, pair_numbers[n < 0 ? 0 : n > 9 ? 9 : n], bare};
    say(m->d, &m->text,
        m->w->unseen                 ? statements[form].unseen
        : dice_chance(m->d, 0.6f) ? statements[form].more
                                     : statements[form].seen,
        args);
    m->slices |= set_slices(a) | statements[form].slices |
                 (kind_has_attribute(&a->k) ? SLICE_ATTRIBUTE : 0u);
    free(one);
    free(many);
    free(bare);
}

/* A fact of one of the two. */
static bool side_fact(struct maker *m, const struct scene *b, bool want)
{
    bool left = dice_chance(m->d, 0.5f);
    struct fact f;
    if (!fact_make(m->d, left ? m->s : b, (enum fact_type)dice_below(m->d, FACT_PORTABLE),
                   want ? YES : NO, &f))
        return false;
    char *text = fact_text(m->d, &f, m->w->unseen ? TOLD_OTHERWISE : TOLD, NULL);
    maker_say(m, "(in|in|on) the $1 " IMAGE "(, | )$2", left ? "left" : "right", text);
    m->slices |= fact_slices(&f);
    free(text);
    return true;
}

bool make_nlvr2_wide(struct maker *m)
{
    int j = dice_below(m->d, m->w->count);
    const struct scene *b = &m->w->scenes[j];
    bool want = dice_chance(m->d, 0.5f);
    if (j == m->number)
        return false;
    m->images[1] = j;
    m->image_count = 2;
    maker_answer(m, want ? "true" : "false");
    m->slices |= m->w->unseen ? SLICE_HELD_OUT : 0u;
    if (dice_chance(m->d, 0.3f))
        return side_fact(m, b, want);
    for (int tries = 0; tries < 80; tries++) {
        struct set a = set_some(m->d, dice_chance(m->d, 0.5f) ? m->s : b);
        int form = dice_below(m->d, STATEMENTS), ca = set_count(&a, m->s), cb = set_count(&a, b);
        int n = ca + cb + dice_below(m->d, 3) - 1;
        if (ca < 0 || cb < 0 || statement_truth(form, ca, cb, n) != (want ? YES : NO))
            continue;
        say_statement(m, &a, form, n);
        return true;
    }
    return false;
}
