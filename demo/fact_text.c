/* SPDX-License-Identifier: MIT */
/* Facts in words. */
#include "demo/fact_more.h"

#include <stdlib.h>
#include <string.h>

/* args: what $1 to $4 stand for. a, A, s: the first set as "a red ball", "red balls", "red ball";
 * b, B, t: the second; u, v, w: objects by their names; p, P, q: the values, of one thing, of
 * several, and the second value; k: the attribute; h: what a pattern has; r: the relation; N: the
 * number and the first set; V: is there, or are there. */
struct fact_words {
    const char *args;
    const char *forms[FACT_FORMS];
};

static const struct fact_words fact_words[FACTS] =
    {[FACT_EXISTS] =
         {"aAs",
          {"(is there $1|is there $1|are there any $2|do you see $1|can you see (any $2|$1)|is $1 "
           "(there|here)|does the (picture|image|scene) (show|have|contain) $1|isn't there $1|is "
           "there any $3)",
           "(any $2|any $2 here|$1 there|any $2 there)",
           "(would i find $1 here|can $1 be seen in it|are $2 to be found here|would there be any "
           "$2)",
           "(there is $1|there is $1|$1 is there|i see $1|the (picture|image) (shows|contains) $1)",
           "($1 can be seen|one can find $1 here)"}},
     [FACT_ABSENT] =
         {"Asa",
          {"(is there no $2|are there no $1|is it true that there (is no $2|are no $1)|is it right "
           "that there (isn't $3|aren't any $1)|is the picture without $1)",
           "(no $1|no $2 here|no $1 here)",
           "(is it correct that no $2 is here|would you say there are no $1)",
           "(there is no $2|there are no $1|no $2 is there|i see no $1|there isn't $3|there aren't "
           "any $1|the picture shows no $2)",
           "(not one $2 can be seen|one can find no $2 here)"}},
     [FACT_EITHER] = {"abAB",
                      {"(is there $1 or $2|do you see $1 or $2|are there any $3 or $4|can you see "
                       "$1 or $2|does the (picture|image) show $1 or $2)",
                       "(any $3 or $4|$1 or $2 here|any $3 or $4 here)",
                       "(would i find $1 or $2 here|can $1 or $2 be seen in it)",
                       "(there is $1 or $2|i see $1 or $2|the picture shows $1 or $2)",
                       "($1 or $2 can be seen|one can find $1 or $2 here)"}},
     [FACT_PAIR] =
         {"ab",
          {"(is there $1 and $2|are there both $1 and $2|do you see (both |)$1 and $2|does the "
           "(picture|image) show (both |)$1 and $2|can you see $1 and also $2)",
           "(both $1 and $2|$1 and $2 here|$1 and $2 there)",
           "(would i find both $1 and $2 here|can $1 and $2 be seen in it)",
           "(there is $1 and $2|there is both $1 and $2|i see $1 and $2|the picture shows (both "
           "|)$1 and $2)",
           "($1 and $2 can be seen|one can find $1 and $2 here)"}},
     [FACT_ALL] = {"APsp",
                   {"(are all (the |of the |)$1 $2|is every $3 $4|are the $1 all $2|is each $3 "
                    "$4|is it true that all (the |)$1 are $2)",
                    "(all $1 $2|all the $1 $2|every $3 $4)",
                    "(is every single $3 $4|would you say that all $1 here are $2)",
                    "(all (of the |the |)$1 are $2|every $3 is $4|the $1 are all $2|each $3 is $4)",
                    "(every single $3 is $4|all $1 that one can find are $2)"}},
     [FACT_NONE] = {"APsp",
                    {"(are none of the $1 $2|is none of the $1 $4|is it true that (none of the $1 "
                     "(is $4|are $2)|no $3 is $4))",
                     "(none of the $1 $2|no $3 $4)",
                     "(is not a single $3 $4|would you say that none of the $1 is $4)",
                     "(none of the $1 (is $4|are $2)|no $3 is $4|not one of the $1 is $4)",
                     "(not a single $3 is $4|there is no $3 here that is $4)"}},
     [FACT_ANY] =
         {"APsp",
          {"(is (any|one|at least one) of the $1 $4|are any (of the |)$1 $2|is any $3 $4|is there "
           "one $3 that is $4)",
           "(any $1 $2|any of the $1 $2)",
           "(would there be one of the $1 that is $4|can any of the $1 be $2)",
           "(at least one (of the $1|$3) is $4|one or more of the $1 are $2)",
           "(there is at least one of the $1 that is $4|of the $1 here at least one is $4)"}},
     [FACT_BOTH] = {"APsp",
                    {"(are both (of the |)$1 $2|are the two $1 (both |)$2|are both the $1 $2|is "
                     "each of the two $1 $4)",
                     "(both $1 $2|both of the $1 $2)",
                     "(is it so that both $1 are $2|would you call both (of the |)$1 $2)",
                     "(both (of the |)$1 are $2|the two $1 are (both |)$2)",
                     "(each one of the two $1 is $4|of the two $1 both are $2)"}},
     [FACT_NEITHER] = {"APsp",
                       {"(is neither of the (two |)$1 $4|is it true that neither (of the $1|$3) is "
                        "$4|is neither $3 $4)",
                        "(neither $3 $4|neither of the $1 $2)",
                        "(is it so that neither $3 is $4|would you call neither of the $1 $2)",
                        "(neither (of the (two |)$1|$3) is $4)",
                        "(of the two $1 neither is $4|there are two $1, neither is $4)"}},
     [FACT_ALL_ALIKE] =
         {"Ak",
          {"(do (all the|all|the) $1 have the same $2|are (all the|all|the) $1 (of |)the same "
           "$2|do the $1 all have the same $2|do all (of |)the $1 have one $2)",
           "(all $1 same $2|$1 all the same $2)",
           "(would you say that the $1 share one $2|is the $2 of all the $1 the same)",
           "(all the $1 have the same $2|the $1 all have the same $2|the $1 are (all |)of the same "
           "$2)",
           "(the $2 of all the $1 is one and the same)"}},
     [FACT_ONE] = {"sA",
                   {"(is there (only|just|exactly) one $1|do you see (only|just) one $1|is there "
                    "(only|just) a single $1|does the (picture|image) show (only|exactly) one $1)",
                    "((only|just) one $1|exactly one $1|one $1 only)",
                    "(is it so that there is just one $1|would i find only one $1 here)",
                    "(there is (only|just|exactly) one $1|i see (only|just|exactly) one $1)",
                    "(one $1 can be seen and no more|one can find just one $1 here)"}},
     [FACT_MORE] =
         {"AB",
          {"(are there more $1 than $2|do you see more $1 than $2|does the picture show more $1 "
           "than $2|is the number of $1 (larger|bigger|greater|higher) than (the number|that) of "
           "$2)",
           "(more $1 than $2|more $1 than $2 here)",
           "(do the $1 outnumber the $2|would i find more $1 than $2 here)",
           "(there are more $1 than $2|i see more $1 than $2|the picture shows more $1 than $2)",
           "(the $1 outnumber the $2|one can find more $1 than $2 here)"}},
     [FACT_FEWER] =
         {"AB",
          {"(are there (fewer|less) $1 than $2|do you see (fewer|less) $1 than $2|is the number of "
           "$1 (smaller|lower) than (the number|that) of $2)",
           "((fewer|less) $1 than $2)",
           "(would i find fewer $1 than $2 here|is it so that there are fewer $1 than $2)",
           "(there are fewer $1 than $2|i see fewer $1 than $2|the picture shows fewer $1 than $2)",
           "(the $1 are fewer than the $2|one can find fewer $1 than $2 here)"}},
     [FACT_AS_MANY] = {"AB",
                       {"(are there as many $1 as $2|are there just as many $1 as $2|is there the "
                        "same number of $1 and $2|do you see as many $1 as $2|is the number of $1 "
                        "the same as (the number|that) of $2)",
                        "(as many $1 as $2|same number of $1 and $2)",
                        "(would i find as many $1 as $2 here|are the $1 as many as the $2)",
                        "(there are as many $1 as $2|there is the same number of $1 and $2|i see "
                        "as many $1 as $2)",
                        "(one can find as many $1 as $2 here|the $1 are as many as the $2)"}},
     [FACT_EXACTLY] =
         {"NA",
          {"(are there exactly $1|do you see exactly $1|does the (picture|image) show exactly $1)",
           "(exactly $1|exactly $1 here)",
           "(would i find exactly $1 here|can exactly $1 be seen in it)",
           "(there are (exactly |)$1|i see (exactly |)$1|the picture shows (exactly |)$1)",
           "(one can find exactly $1 here|$1 can be seen and no more)"}},
     [FACT_AT_LEAST] = {"N",
                        {"(are there at least $1|do you see at least $1|are there $1 or more)",
                         "(at least $1|at least $1 here)",
                         "(would i find at least $1 here|can at least $1 be seen in it)",
                         "(there are at least $1|i see at least $1|the picture shows at least $1)",
                         "(one can find at least $1 here|at least $1 can be seen)"}},
     [FACT_MORE_THAN] =
         {"NV",
          {"($2 more than $1|do you see more than $1|does the picture show more than $1)",
           "(more than $1|more than $1 here)",
           "(would i find more than $1 here|can more than $1 be seen in it)",
           "(i see more than $1|the picture shows more than $1)",
           "(one can find more than $1 here|more than $1 can be seen)"}},
     [FACT_FEWER_THAN] =
         {"N",
          {"(are there (fewer|less) than $1|do you see (fewer|less) than $1)",
           "((fewer|less) than $1)",
           "(would i find fewer than $1 here|can fewer than $1 be seen in it)",
           "(there are fewer than $1|i see fewer than $1|the picture shows fewer than $1)",
           "(one can find fewer than $1 here|fewer than $1 can be seen)"}},
     [FACT_TWO] =
         {"uvP",
          {"(are (both |)the $1 and the $2 (both |)$3|are the $1 and the $2 both $3)",
           "($1 and $2 both $3|both $1 and $2 $3)",
           "(would you call the $1 and the $2 both $3|is it so that both the $1 and the $2 are $3)",
           "(the $1 and the $2 are both $3|both the $1 and the $2 are $3)",
           "(the $1 is like the $2, both are $3|of the $1 and the $2 both are $3)"}},
     [FACT_ONLY] = {"us",
                    {"(is the $1 the only $2( here| in the picture| you see||)|is it true that the "
                     "$1 is the only $2)",
                     "($1 the only $2|$1 only $2)",
                     "(would you call the $1 the only $2|is there just one $2, the $1)",
                     "(the $1 is the only $2( here| in the picture||))",
                     "(there is just one $2, the $1|the only $2 that one can find is the $1)"}},
     [FACT_IS] = {"up",
                  {"(is the $1 $2|is the $1 $2|would you call the $1 $2|do you think the $1 is "
                   "$2|isn't the $1 $2|is the $1 really $2|is it true that the $1 is $2)",
                   "($1 $2|the $1 $2)", "(is it so that the $1 is $2|can it be that the $1 is $2)",
                   "(the $1 is $2)", "(what the $1 is is $2|of the $1 one can say it is $2)"}},
     [FACT_IS_NOT] = {"up",
                      {"(is it (true|right) that the $1 (is not|isn't) $2)", NULL,
                       "(is it so that the $1 is not $2|would you say that the $1 is not $2)",
                       "(the $1 (is not|isn't) $2)", "(of the $1 one can say it is not $2)"}},
     [FACT_IS_EITHER] = {"upq",
                         {NULL, NULL, NULL, "(the $1 is $2 or $3|the $1 is either $2 or $3)",
                          "(of the $1 one can say it is $2 or $3)"}},
     [FACT_HAS] = {"uh",
                   {"(does the $1 have $2|does the $1 have any $2|has the $1 $2|are there $2 on "
                    "the $1|do you see $2 on the $1)",
                    "($1 with $2|$2 on the $1|$2 on $1)",
                    "(would i find $2 on the $1|can $2 be seen on the $1)",
                    "(the $1 has $2|there are $2 on the $1)",
                    "(one can find $2 on the $1|the $1 comes with $2)"}},
     [FACT_PLACED] = {"urv",
                      {"(is the $1 $2 the $3|is the $1 $2 the $3|do you see the $1 $2 the $3|would "
                       "you say the $1 is $2 the $3|is it true that the $1 is $2 the $3)",
                       "($1 $2 $3|$1 $2 the $3)",
                       "(is it so that the $1 is $2 the $3|can the $1 be found $2 the $3)",
                       "(the $1 is $2 the $3|the $1 (stands|lies) $2 the $3)",
                       "(the $1 can be found $2 the $3|one sees the $1 $2 the $3)"}},
     [FACT_NOT_PLACED] = {"urv",
                          {"(is it (true|right) that the $1 (is not|isn't) $2 the $3)", NULL,
                           "(is it so that the $1 is not $2 the $3)",
                           "(the $1 (is not|isn't) $2 the $3)",
                           "(the $1 cannot be found $2 the $3)"}},
     [FACT_SOME_PLACED] = {"arvA",
                           {"(is there $1 $2 the $3|do you see $1 $2 the $3|are there any $4 $2 "
                            "the $3|can you see $1 $2 the $3)",
                            "(any $4 $2 $3|any $4 $2 the $3|$1 $2 $3)",
                            "(would i find $1 $2 the $3|can $1 be seen $2 the $3)",
                            "(there is $1 $2 the $3|i see $1 $2 the $3|$1 is $2 the $3)",
                            "(one can find $1 $2 the $3|$1 can be seen $2 the $3)"}},
     [FACT_NONE_PLACED] =
         {"srvA",
          {"(is there no $1 $2 the $3|are there no $4 $2 the $3|is it true that there is no $1 $2 "
           "the $3)",
           "(no $1 $2 $3|no $4 $2 the $3)", "(would you say there is no $1 $2 the $3)",
           "(there is no $1 $2 the $3|there are no $4 $2 the $3|i see no $1 $2 the $3)",
           "(one can find no $1 $2 the $3|not one $1 can be seen $2 the $3)"}},
     [FACT_ANYTHING] = {"rv",
                        {"(is there (anything|something) $1 the $2|is anything $1 the $2|do you "
                         "see anything $1 the $2)",
                         "(anything $1 $2|anything $1 the $2)",
                         "(would i find anything $1 the $2|can anything be seen $1 the $2)",
                         "(there is something $1 the $2|something is $1 the $2)",
                         "(one can find something $1 the $2)"}},
     [FACT_NOTHING] =
         {"rv",
          {"(is there nothing $1 the $2|is it true that (nothing is|there is nothing) $1 the $2)",
           "(nothing $1 $2|nothing $1 the $2)", "(would you say there is nothing $1 the $2)",
           "(there is nothing $1 the $2|nothing is $1 the $2)",
           "(one can find nothing $1 the $2)"}},
     [FACT_BETWEEN] =
         {"uvw",
          {"(is the $1 between the $2 and the $3|do you see the $1 between the $2 and the $3|would "
           "you say the $1 is between the $2 and the $3)",
           "($1 between $2 and $3|$1 between the $2 and the $3)",
           "(is it so that the $1 is between the $2 and the $3|can the $1 be found between the $2 "
           "and the $3)",
           "(the $1 is between the $2 and the $3|the $1 (stands|lies) between the $2 and the $3)",
           "(the $1 can be found between the $2 and the $3)"}},
     [FACT_SOME_BETWEEN] =
         {"avwA",
          {"(is there $1 between the $2 and the $3|do you see $1 between the $2 and the $3|are "
           "there any $4 between the $2 and the $3)",
           "(any $4 between $2 and $3|$1 between $2 and $3)",
           "(would i find $1 between the $2 and the $3)",
           "(there is $1 between the $2 and the $3|i see $1 between the $2 and the $3)",
           "(one can find $1 between the $2 and the $3)"}},
     [FACT_ALIKE] =
         {"uvk",
          {"(do the $1 and the $2 have the same $3|are the $1 and the $2 (of |)the same $3|is the "
           "$3 of the $1 the same as that of the $2|does the $1 have the same $3 as the $2)",
           "($1 and $2 same $3|same $3, $1 and $2)",
           "(is it so that the $1 and the $2 have one $3|would you say the $1 has the same $3 as "
           "the $2)",
           "(the $1 and the $2 have the same $3|the $1 has the same $3 as the $2)",
           "(the $3 of the $1 is that of the $2)"}},
     [FACT_DIFFERENT] =
         {"uvk",
          {"(do the $1 and the $2 have different $3s|are the $1 and the $2 of different $3s|does "
           "the $1 have another $3 than the $2)",
           "($1 and $2 different $3s)", "(is it so that the $1 has a different $3 than the $2)",
           "(the $1 and the $2 have different $3s|the $1 has a different $3 than the $2)",
           "(the $3 of the $1 is not that of the $2)"}},
     [FACT_BIGGER] = {"uv",
                      {"(is the $1 (bigger|larger) than the $2|would you say the $1 is "
                       "(bigger|larger) than the $2|is the $2 smaller than the $1)",
                       "($1 (bigger|larger) than $2)",
                       "(is it so that the $1 is bigger than the $2|can it be that the $1 is "
                       "larger than the $2)",
                       "(the $1 is (bigger|larger) than the $2|the $2 is smaller than the $1)",
                       "(of the $1 one can say it is bigger than the $2)"}},
     [FACT_SMALLER] = {"uv",
                       {"(is the $1 (smaller|littler) than the $2|would you say the $1 is smaller "
                        "than the $2|is the $2 (bigger|larger) than the $1)",
                        "($1 smaller than $2)",
                        "(is it so that the $1 is smaller than the $2|can it be that the $1 is "
                        "smaller than the $2)",
                        "(the $1 is smaller than the $2|the $2 is (bigger|larger) than the $1)",
                        "(of the $1 one can say it is smaller than the $2)"}}};

/* In place of those above when the set is everything; $1: the value of one thing. */
static const struct fact_words everything_words[] = {
    {"pP",
     {"(is everything $1|are all things $2|is everything (here|in the picture) $1|is it true that "
      "everything is $1)",
      "(everything $1|all things $2)", "(is it so that all one can find here is $1)",
      "(everything is $1|all things are $2|everything in the picture is $1)",
      "(all that one can find here is $1)"}},
    {"pP",
     {"(is nothing $1|is it true that nothing is $1|are none of the things $2)",
      "(nothing $1|nothing here $1)", "(is it so that not a single thing is $1)",
      "(nothing is $1|none of the things is $1|nothing in the picture is $1)",
      "(not a single thing here is $1)"}},
    {"pP",
     {"(is anything $1|is anything (here|in the picture) $1|is there (anything|something) $1|do "
      "you see anything $1|are any of the things $2|is something $1)",
      "(anything $1|anything $1 here)", "(would anything that i find here be $1)",
      "(something is $1|something in the picture is $1|at least one thing is $1)",
      "(one can find something here that is $1)"}}};

static const struct fact_words *words_for(const struct fact *f)
{
    return set_is_any(&f->a) && f->type >= FACT_ALL && f->type <= FACT_ANY
               ? &everything_words[f->type - FACT_ALL]
               : &fact_words[f->type];
}

static const char *const fact_numbers[] = {"no",   "one", "two",   "three", "four",
                                           "five", "six", "seven", "eight"};

static char *attribute_text(struct dice *d, int bit)
{
    bool british = dice_chance(d, 0.5f);
    return xstrdup(bit == 2 ? (british ? "colour" : "color") : bit == 4 ? "pattern" : "size");
}

/* "stripes", "dots". */
static char *pattern_parts(struct dice *d, const struct value *v)
{
    return xstrdup(v->value == STRIPED ? "stripes" : dice_chance(d, 0.6f) ? "dots" : "spots");
}

static char *number_text(struct dice *d, const struct fact *f, const struct scene *s)
{
    char *things = set_text(d, &f->a, f->n != 1, s);
    char *digits = xasprintf("%d", f->n);
    const char *number = dice_chance(d, 0.2f) ? digits : fact_numbers[f->n < 9 ? f->n : 8];
    char *text = xasprintf("%s %s", number, things);
    free(digits);
    free(things);
    return text;
}

static char *object_text(struct dice *d, const struct fact *f, int i, const struct scene *s)
{
    const int at[3] = {f->u, f->v, f->w};
    char *name = set_name(d, &f->names[i]);
    return s ? marked(name, 1u << at[i]) : name;
}

static char *argument(struct dice *d, const struct fact *f, char what, const struct scene *s)
{
    switch (what) {
    case 'a':
        return set_text_a(d, &f->a, s);
    case 'A':
        return set_text(d, &f->a, true, s);
    case 's':
        return set_text(d, &f->a, false, s);
    case 'b':
        return set_text_a(d, &f->b, s);
    case 'B':
        return set_text(d, &f->b, true, s);
    case 'u':
        return object_text(d, f, 0, s);
    case 'v':
        return object_text(d, f, 1, s);
    case 'w':
        return object_text(d, f, 2, s);
    case 'p':
        return value_text(d, &f->p, false);
    case 'P':
        return value_text(d, &f->p, true);
    case 'q':
        return value_text(d, &f->q, false);
    case 'h':
        return pattern_parts(d, &f->p);
    case 'k':
        return attribute_text(d, f->p.bit);
    case 'V':
        return xstrdup(f->n == 1 ? "is there" : "are there");
    case 'r':
        return placed_text(d, f->r);
    default:
        return number_text(d, f, s);
    }
}

/* One of the wordings of a form; NULL when there is none. */
static const char *wording_of(struct dice *d, const struct fact *f, enum fact_form form)
{
    static const int more_of[FACT_FORMS] = {
        [ASKED] = MORE_ASKED, [ASKED_BRIEFLY] = MORE_BRIEF, [TOLD] = MORE_TOLD};
    bool everything = set_is_any(&f->a) && f->type >= FACT_ALL && f->type <= FACT_ANY;
    const char *const *more =
        everything ? everything_more[f->type - FACT_ALL] : fact_more[f->type];
    const char *words = words_for(f)->forms[form];
    if (form == ASKED_OTHERWISE || form == TOLD_OTHERWISE || !words || !more[more_of[form]])
        return words;
    return dice_chance(d, 0.65f) ? more[more_of[form]] : words;
}

/* Says it until it is English: nothing "looks a ball", and a frame holds nothing that "i see". */
static void say_well(struct dice *d, struct buf *out, const struct fact *f, enum fact_form form,
                     bool framed, const char *const args[4])
{
    for (int tries = 0; tries < 20; tries++) {
        out->len = 0;
        say(d, out, wording_of(d, f, form), args);
        if (!(f->p.bit == 1 && (strstr(out->data, " look") || strstr(out->data, " seem"))) &&
            !(framed && strncmp(out->data, "i ", 2) == 0))
            return;
    }
}

char *fact_text(struct dice *d, const struct fact *f, enum fact_form form, const struct scene *s)
{
    const struct fact_words *w = words_for(f);
    bool framed = form == ASKED && dice_chance(d, 0.12f);
    char *args[4] = {0};
    struct buf b = {0}, around = {0};
    if (!w->forms[form])
        return NULL;
    for (int i = 0; w->args[i]; i++)
        args[i] = argument(d, f, w->args[i], s);
    say_well(d, &b, f, framed ? TOLD : form, framed, (const char *const *)args);
    for (int i = 0; i < 4; i++)
        free(args[i]);
    if (!framed)
        return buf_steal(&b);
    const char *const told[4] = {b.data, "", "", ""};
    say(d, &around, fact_frame, told);
    buf_fini(&b);
    return buf_steal(&around);
}
