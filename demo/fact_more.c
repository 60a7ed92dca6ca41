/* SPDX-License-Identifier: MIT */
/* More words for facts: many ways to ask and to tell them, in training only. The arguments are
 * those of fact_text.c. */
#include "demo/fact_more.h"

#define PIC "(picture|image|scene|drawing)"
/* Before things that may be there. */
#define SEE                                                                                        \
    "((do you|can you|can i|do we) see|do you (spot|notice|find)|can you (find|spot|make out|"     \
    "detect)|could you find|did you see|will i see|does one see|"                                  \
    "(does|would) (the|this) " PIC " (show|have|contain|include)|does it show)"
#define SHOWN                                                                                      \
    "(we see|we can see|you can see|you see|this " PIC " (shows|contains|has)|"                    \
    "the (scene|drawing) (shows|has)|it shows|one sees|i can see)"
#define CALL "(would you say|do you think|do you find|can one say|would one say)"
#define HERE "( here| there| in it| in (the|this) " PIC "|)"

/* Around what is told. */
const char fact_frame[] =
    "((is it (true|right|a fact|the case)|isn't it true|is it right to say|would it be (right|"
    "correct|true) to say|can (one|you) say|do you (think|believe|agree|find)|would you agree|"
    "can you (see|confirm)|am i right|is it true to say) that $1|$1, (right|correct|true|is "
    "that right|is that so|is it so|is that true|true or false|yes or no|can that be|would you "
    "say so|can one say so|isn't that so)|(true or false|is this right|can this be|is this so|"
    "yes or no|check this): $1|i think (that |)$1, is that right|(somebody says|i was told|"
    "they say) (that |)$1, is it true)";

const char *const fact_more[FACTS][MORE_FORMS] = {
    [FACT_EXISTS] = {"(" SEE " (any $2|$1|$2|even one $3)|could there be $1|is there (one $3|"
                     "$1|some $3|even one $3)" HERE "|are there (some |any |)$2" HERE
                     "|(can|could) $1 be (found|spotted)|is $1 (to be seen|present|shown|"
                     "visible|among the things)|are (any $2|$2) (present|shown|visible|to be "
                     "seen)|is at least one $3 (there|here|shown)|aren't there any $2|don't "
                     "you see $1|has the "
                     PIC " (got |)(any $2|$1)|any sign of $1|do any $2 (appear|show up)" HERE
                     "|is one of (these|the) (things|objects) $1)",
                     "($1|$1 in (the picture|it|view)|any $2 (visible|around|in it|in the "
                     "picture)|$1 (visible|around|shown|here)|$1, yes or no|got any $2|see any "
                     "$2|see $1|$2 there|$2, any)",
                     "(" SHOWN " $1|$1 is (here|visible|shown|present|in it|in the " PIC
                     ")|at least one $3 is (there|here|shown)|it has $1|one of the things is "
                     "$1|there is at least one $3|somewhere there is $1)"},
    [FACT_ABSENT] = {"(is there not a single $2|is no $2 (here|there|present|visible|to be "
                     "seen)|are no $1 (here|there|present|visible|to be seen)|do you see no "
                     "($2|$1)|does the " PIC " (show|have|contain) no ($2|$1)|is (the|this) " PIC
                     " (without|free of) (any |)$1|are $1 (absent|missing)|are there (zero|no) $1"
                     HERE "|is there no $2 (here|to be seen)|could there be no $2)",
                     "(no $2 (visible|there|in it)|no $1 (visible|there|at all)|zero $1|"
                     "without $1|not one $2)",
                     "(we see no $2|you see no $1|this " PIC " (has|shows|contains) no ($2|$1)|"
                     "no $2 is (shown|visible|present)|no $1 are (shown|visible|present)|there "
                     "is not (a single|one) $2|not a single $2 is there|$1 are (absent|"
                     "missing)|the " PIC
                     " is without (any |)$1|there are (zero|not any) $1)"},
    [FACT_EITHER] = {"(" SEE " ($1 or $2|any $3 or $4|either $1 or $2)|is (either |)$1 or $2 "
                     "(there|here|shown|present|visible)|are there (some |)$3 or $4" HERE
                     "|is there either $1 or $2|is one of the things $1 or $2|can $1 or $2 be "
                     "found|is at least one $1 or $2 there)",
                     "($1 or $2|$1 or $2 (there|visible)|$3 or $4 (here|there)|either $1 or $2)",
                     "(" SHOWN " $1 or $2|there is either $1 or $2|$1 or $2 is (there|here|"
                     "shown)|there are $3 or $4)"},
    [FACT_PAIR] = {"(" SEE " (both |)$1 and $2|is there $1 as well as $2|is there $1 and (also "
                   "|)$2"
                   HERE "|are $1 and $2 (both |)(there|here|shown|present|visible)|is there "
                   "$1, and is there $2|" SEE " $1 as well as $2|can (both |)$1 and $2 be found)",
                   "($1 plus $2|$1 and $2|$1 and $2 (both there|visible)|$1 as well as $2)",
                   "(" SHOWN " (both |)$1 and $2|there is $1 as well as $2|$1 and $2 are (both "
                   "|)(there|here|shown)|there is $1, and there is $2)"},
    [FACT_ALL] = {"(are (all of the|all these|the) $1 $2|are (really |)all (the |)$1 (here |"
                  "shown |)$2|do all (the |of the |)$1 (look|seem) $2|is (every one of|each "
                  "one of|each of) the $1 $4|is (every|each) (one|single one) of the $1 $4|do "
                  "you see that all (the |)$1 are $2|are all $1 that you see $2|are the $1 $2, "
                  "all of them|does every $3 look $4|are there only $2 among the $1)",
                  "(all of the $1 $2|$1 all $2|each $3 $4|are all $1 $2|$1, all $2|every one "
                  "of the $1 $4)",
                  "(all (these|of these) $1 are $2|each (one |)of the $1 is $4|every one of "
                  "the $1 is $4|all $1 (here |shown |)are $2|the $1 are $2, all of them|each "
                  "and every $3 is $4|all (the |)$1 (look|seem) $2|every $3 (here|you see) is "
                  "$4)"},
    [FACT_NONE] = {"(is (no|not one) $3 $4|are none of (the|these) $1 $2|is there no $3 that "
                   "is $4|are there no $1 that are $2|is not one of the $1 $4|do none of the "
                   "$1 look $2|"
                   CALL " (that |)(no $3|not one of the $1) is $4|are all the $1 other than $4)",
                   "(no $1 $2|none of (the |)$1 $4|not one $3 $4|$1, none $4)",
                   "(none of these $1 (is $4|are $2)|not one $3 is $4|no $1 are $2|there is no "
                   "$3 that is $4|there are no $1 that are $2|none of the $1 looks $4|not one "
                   "of these $1 is $4)"},
    [FACT_ANY] = {"(are (some|any) (of the |of these |)$1 $2|is (some|one|at least one) $3 $4|"
                  "is there (any|at least one|one) $3 that is $4|are there (any |)$1 that are "
                  "$2|" SEE
                  " any $1 that are $2|(does|would) any $3 (look|be) $4|is even one of the $1 "
                  "$4|can one of the $1 be called $4|would one of the $1 be $4)",
                  "(any $1 that are $2|some $1 $2|one of the $1 $4|any $3 $4|any of these $1 $2)",
                  "(some (of the |)$1 (are $2|is $4)|one of the $1 is $4|some $3 is $4|there "
                  "is (at least |)one $3 that is $4|at least one of these $1 is $4)"},
    [FACT_BOTH] = {"(are (these two|those two|the two) $1 (both |)$2|are the $1 both $2|are "
                   "the $1, both of them, $2|is (each|every one) of the (two |)$1 $4|is each "
                   "$3 $4|do both (of the |)$1 look $2|" CALL " (that |)(both of the|the two) "
                   "$1 are $2|is the one $3 as well as the other $4|can both $1 be called $2)",
                   "(the two $1 $2|$1 both $2|the $1 both $2|are both $1 $2|both of them $2, "
                   "the $1)",
                   "(each of the (two |)$1 is $4|both of these $1 are $2|both the $1 are $2|"
                   "the $1 are both $2|the one $3 is $4 and so is the other|both (of the two |"
                   ")$1 look $2|the $1 are $2, both of them)"},
    [FACT_NEITHER] = {"(are neither of the $1 $2|is neither (one |)of these (two |)$1 $4|are "
                      "both (the |of the |)$1 not $2|is neither one of the $1 $4|are the (two |"
                      ")$1 neither of them $2|" CALL " (that |)neither of the $1 is $4|does "
                      "neither $3 look $4)",
                      "(neither of the (two |)$1 $4|$1, neither $4|neither one of the $1 $4)",
                      "(neither one of the (two |)$1 is $4|neither of these $1 is $4|both (of "
                      "the |)$1 are not $2|neither of the $1 are $2|neither $3 (looks|is) $4)"},
    [FACT_ALL_ALIKE] = {"(do (all of the|all these|these|the) $1 (share|have) (the same|one) "
                        "$2|are (all of the|these|the) $1 (all |)of (one|the same) $2|is it "
                        "the same $2 for all (the |)$1|have (all |)the $1 the same $2|do you "
                        "see the same $2 on all (the |)$1|is every one of the $1 of the same "
                        "$2|are the $1 alike in $2|is one $2 shared by all (the |)$1|do the $1 "
                        "not differ in $2)",
                        "(same $2 for all $1|all $1 of one $2|$1 same $2|one $2, all $1)",
                        "(all (of the |these |)$1 (have|share) (the same|one) $2|the $1 share "
                        "(one|the same|a) $2|all the $1 are of (one|the same) $2|the $1 are "
                        "alike in $2|the same $2 is shared by all the $1|every one of the $1 "
                        "has the same $2)"},
    [FACT_ONE] = {"(" SEE " (only one|just one|a single|exactly one|one single|no more than "
                  "one) $1|is there (only|just|exactly|not more than|no more than) one $1" HERE
                  "|is (only|just|exactly) one $1 (there|here|shown|present|visible)|is there "
                  "one $1 only|is there one (single |)$1 and no other|is there one $1 (alone|"
                  "and no more)|is the number of $2 one|are there not two $2, just one)",
                  "(a single $1|one single $1|just one $1 (here|there)|only one $1 (here|there|"
                  "in it)|no more than one $1)",
                  "(" SHOWN " (only|just|exactly) one $1|there is a single $1|(only|just|"
                  "exactly) one $1 is (there|here|shown)|there is one $1 (only|and no other|"
                  "and no more)|the number of $2 is one|there is no more than one $1)"},
    [FACT_MORE] = {"(" SEE " more $1 than (there are |)$2|are there more $1" HERE
                   " than (there are |)$2|is it the $1 that outnumber the $2|are the $2 "
                   "outnumbered by the $1|is there a (larger|greater|bigger) number of $1 than "
                   "(of |)$2|are more of the things $1 than $2|are the $1 (more|more in "
                   "number) than the $2|are there fewer $2 than $1|do you count more $1 than "
                   "$2|are (the |)$1 more numerous than (the |)$2|comparing $1 and $2, are "
                   "there more $1|would you count more $1 than $2)",
                   "(more $1 than $2 (there|in it)|$1 more than $2|fewer $2 than $1|are more "
                   "$1 than $2)",
                   "(" SHOWN " more $1 than $2|there are (fewer|less) $2 than $1|more $1 than "
                   "$2 are (there|here|shown)|the number of $1 is (larger|greater|higher|"
                   "bigger) than (that|the number) of $2|$1 are more numerous than $2|one "
                   "counts more $1 than $2)"},
    [FACT_FEWER] = {"(" SEE " (fewer|less) $1 than (there are |)$2|are there (fewer|less|not "
                    "as many) $1" HERE " than (there are |)$2|is there a (smaller|lower) "
                    "number of $1 than (of |)$2|are the $1 (fewer|fewer in number) than the $2|"
                    "are there more $2 than $1|do you count (fewer|less) $1 than $2|comparing "
                    "$1 and $2, are there fewer $1|are the $1 outnumbered by the $2)",
                    "((fewer|less) $1 than $2 (here|there)|more $2 than $1|$1 fewer than $2|"
                    "not as many $1 as $2)",
                    "(" SHOWN " (fewer|less) $1 than $2|there are more $2 than $1|(fewer|less) "
                    "$1 than $2 are (there|here|shown)|the number of $1 is (smaller|lower) "
                    "than (that|the number) of $2|there are not as many $1 as $2|one counts "
                    "fewer $1 than $2)"},
    [FACT_AS_MANY] = {"(" SEE " (just |)as many $1 as (there are |)$2|are there (exactly |just "
                      "|)as many $1" HERE " as (there are |)$2|are there equally many $1 and "
                      "$2|is the number of $1 equal to (the number|that) of $2|are $1 and $2 "
                      "equal in number|do you count as many $1 as $2|do $1 and $2 have the "
                      "same number|are the numbers of $1 and (of |)$2 the same|is there one "
                      "and the same number of $1 and $2)",
                      "(as many $1 as $2 (here|there)|$1 and $2 equal in number|equally many "
                      "$1 and $2|just as many $1 as $2)",
                      "(" SHOWN " as many $1 as $2|there are (just|exactly) as many $1 as $2|"
                      "there are equally many $1 and $2|the number of $1 is (equal to|the same "
                      "as) that of $2|$1 and $2 are equal in number|as many $1 as $2 are there|"
                      "one counts as many $1 as $2)"},
    [FACT_EXACTLY] = {"(" SEE " (exactly|just|precisely) $1|are there (just|precisely|exactly) $1"
                      HERE "|are exactly $1 (there|shown|visible)|are there $1, (no more and "
                      "no less|no more, no less)|do you count (exactly |)$1|can you count "
                      "exactly $1|are there $1 and no more|is it exactly $1 that you see)",
                      "(just $1|precisely $1|exactly $1 (there|in it)|$1 exactly|$1, no more)",
                      "(" SHOWN " exactly $1|there are (just|precisely) $1|exactly $1 are "
                      "(there|here|shown)|one counts $1|there are $1 and no more)"},
    [FACT_AT_LEAST] = {"(" SEE " at least $1|are there (at least $1|$1 or more|not fewer than "
                       "$1|no fewer than $1)" HERE "|are at least $1 (there|shown|visible)|do "
                       "you count at least $1|can you count at least $1)",
                       "($1 or more|at least $1 (there|in it)|no fewer than $1|$1 at least)",
                       "(" SHOWN " at least $1|there are ($1 or more|no fewer than $1)|at "
                       "least $1 are (there|here|shown)|one counts at least $1)"},
    [FACT_MORE_THAN] = {"(" SEE " more than $1|$2 more than $1" HERE "|do you count more than "
                        "$1|can you count more than $1)",
                        "(more than $1 (there|in it)|over $1)",
                        "(" SHOWN " more than $1|it has more than $1|one counts more than $1)"},
    [FACT_FEWER_THAN] = {"(" SEE " (fewer|less) than $1|are there (fewer|less) than $1" HERE
                         "|are (fewer|less) than $1 (there|shown|visible)|do you count fewer "
                         "than $1|are there not even $1)",
                         "((fewer|less) than $1 (here|there|in it)|not even $1)",
                         "(" SHOWN " fewer than $1|(fewer|less) than $1 are (there|here|shown)|"
                         "there are not even $1|one counts fewer than $1)"},
    [FACT_TWO] = {"(are both the $1 and the $2 $3|is the $1 $3 and the $2 as well|do the $1 "
                  "and the $2 both look $3|are the $1 as well as the $2 $3|are they both $3, "
                  "the $1 and the $2|are $3 what the $1 and the $2 both are|" CALL
                  " (that |)the $1 and the $2 are (both |)$3|can one call the $1 and the $2 $3)",
                  "($1 and $2 $3|the $1 and the $2 both $3|both $3, $1 and $2)",
                  "(the $1 as well as the $2 are $3|the $1 and the $2 are $3|the $1 and the $2 "
                  "both are $3|they are both $3, the $1 and the $2)"},
    [FACT_ONLY] = {"(is the only $2" HERE " the $1|is the $1 the (one and only|single) $2|is "
                   "there no $2 (but|other than|besides) the $1|do you see no $2 but the $1)",
                   "(only $2 the $1|is $1 the only $2|the $1, the only $2|no $2 but the $1)",
                   "(the only $2 is the $1|the only $2 (here|there) is the $1|the $1 is the "
                   "(one and only|single) $2|there is no $2 (but|other than|besides) the $1|"
                   "the $1 is the only $2 that you see)"},
    [FACT_IS] = {"(does the $1 look $2|do you see that the $1 is $2|is the $1 (here |there |in "
                 "the "
                 PIC " |)$2|can one call the $1 $2|is that $1 $2|is this $1 $2|" CALL
                 " (that |)the $1 is $2|is $2 what the $1 is|the $1, is it $2|is the $1 a "
                 "thing that is $2|do you call the $1 $2|is it $2, the $1|could the $1 be $2)",
                 "(is $1 $2|the $1, $2|$1, $2|$1: $2|$1 is $2)",
                 "(the $1 (looks|is really|is indeed) $2|this $1 is $2|that $1 is $2|the $1 "
                 "(here|there|in the " PIC ") is $2|the $1 that you see is $2|it is $2, the $1)"},
    [FACT_IS_NOT] = {"(is it (a fact|the case) that the $1 (is not|isn't) $2|do you (think|"
                     "find) that the $1 isn't $2|am i right that the $1 is not $2)",
                     NULL,
                     "(this $1 is not $2|the $1 (does not look|is by no means|is anything but) "
                     "$2|the $1 (here|there) (is not|isn't) $2|it is not $2, the $1)"},
    [FACT_IS_EITHER] = {NULL, NULL,
                        "(the $1 is $2, or else $3|this $1 is $2 or $3|the $1 is (one of the "
                        "two|one of these): $2 or $3|either $2 or $3 is what the $1 is)"},
    [FACT_HAS] = {"(are $2 (to be seen|visible|shown) on the $1|is the $1 (covered with|full "
                  "of|decorated with) $2|does the $1 (show|come with|wear) $2|has the $1 (got |"
                  ")(any |)$2|is the $1 one with $2|can you (see|spot) $2 on the $1|are there "
                  "any $2 on the $1|" CALL " (that |)the $1 has $2)",
                  "($1 has $2|any $2 on the $1|$2 on $1, yes or no|the $1 with $2|$1, any $2)",
                  "(the $1 (shows|is covered with|is full of) $2|there are (some |)$2 on the "
                  "$1|on the $1 there are $2|it comes with $2, the $1|you see $2 on the $1|on "
                  "the $1 you see $2)"},
    [FACT_PLACED] = {"(does the $1 (stand|lie|sit) $2 the $3|is the $1 (standing|lying|placed|"
                     "located|to be found|found|somewhere) $2 the $3|can you (see|find) the $1 "
                     "$2 the $3|" CALL
                     " (that |)the $1 (is|stands) $2 the $3|is it $2 the $3 that the $1 is|the "
                     "$1, is it $2 the $3|is the $1 what is $2 the $3|looking at the $3, is "
                     "the $1 $2 it|did you find the $1 $2 the $3)",
                     "(is $1 $2 $3|the $1 $2 the $3|$1, $2 the $3|$1 $2 $3, yes or no|$2 $3, "
                     "the $1)",
                     "(the $1 is (placed|located|found|standing|lying) $2 the $3|$2 the $3 (is|"
                     "stands|lies) the $1|you see the $1 $2 the $3|we can see the $1 $2 the $3|"
                     "the $1 sits $2 the $3|it is the $1 that is $2 the $3)"},
    [FACT_NOT_PLACED] = {"(is it (a fact|the case) that the $1 (is not|isn't) $2 the $3|do you "
                         "(think|find) that the $1 isn't $2 the $3)",
                         NULL,
                         "(the $1 (does not stand|does not lie|is not found|is not placed) $2 "
                         "the $3|you (do not|cannot) see the $1 $2 the $3|it is not $2 the $3 "
                         "that the $1 is)"},
    [FACT_SOME_PLACED] = {"(" SEE " (any $4|$1) $2 the $3|is $1 (standing |lying |placed |"
                          "located |to be found |)$2 the $3|are there some $4 $2 the $3|are "
                          "(some |any |)$4 $2 the $3|$2 the $3, is there $1|are there $4 "
                          "(standing |)$2 the $3)",
                          "($1 $2 the $3|$4 $2 the $3|see $1 $2 the $3|$2 the $3, $1|any $4 "
                          "(to be seen |)$2 the $3)",
                          "(" SHOWN " $1 $2 the $3|$2 the $3 (there is|is|stands) $1|$1 "
                          "(stands|lies|is found) $2 the $3|$2 the $3 you can see $1)"},
    [FACT_NONE_PLACED] = {"(is no $1 $2 the $3|do you see no ($1|$4) $2 the $3|is there not a "
                          "single $1 $2 the $3|$2 the $3, is there no $1|are no $4 $2 the $3|"
                          "is it true that no $1 is $2 the $3)",
                          "(no $1 $2 the $3|not one $1 $2 the $3|zero $4 $2 the $3)",
                          "(no $1 is $2 the $3|$2 the $3 there is no $1|we see no $1 $2 the $3|"
                          "there is not (a single|any|one) $1 $2 the $3|none of the $4 is $2 "
                          "the $3)"},
    [FACT_ANYTHING] = {"(do (you|we) (see|find) (anything|something|some thing) $1 the $2|can "
                       "you (see|find|spot) (anything|something) $1 the $2|is (any thing|some "
                       "thing|any object|something|one of the things) $1 the $2|is there (any "
                       "thing|an object|any object|a thing) $1 the $2|are there (any |)things "
                       "$1 the $2|$1 the $2, is there anything|does anything (stand|lie) $1 "
                       "the $2|is there anything to be found $1 the $2)",
                       "(something $1 $2|something $1 the $2|any thing $1 the $2|things $1 the "
                       "$2|$1 the $2, anything)",
                       "(there is (a thing|an object|at least one thing) $1 the $2|$1 the $2 "
                       "there is something|we see something $1 the $2|something (stands|lies) "
                       "$1 the $2|some thing is $1 the $2|there are things $1 the $2)"},
    [FACT_NOTHING] = {"(is nothing (at all |)$1 the $2|do you see nothing $1 the $2|is there "
                      "no (thing|object) $1 the $2|$1 the $2, is there nothing|is it empty $1 "
                      "the $2)",
                      "(nothing at all $1 the $2|no thing $1 the $2|$1 the $2, nothing)",
                      "(there is no (thing|object) $1 the $2|$1 the $2 there is nothing|we see "
                      "nothing $1 the $2|there isn't anything $1 the $2|nothing (stands|lies) "
                      "$1 the $2|not a thing is $1 the $2)"},
    [FACT_BETWEEN] = {"(does the $1 (stand|lie|sit) (in |)between the $2 and the $3|is the $1 "
                      "(standing|lying|placed|located|found|somewhere|to be found|in) between "
                      "the $2 and the $3|can you (see|find) the $1 between the $2 and the $3|"
                      "is it the $1 (that is |)between the $2 and the $3|" CALL
                      " (that |)the $1 is (in |)between the $2 and the $3|between the $2 and "
                      "the $3, is (it|that) the $1|is the $1 in the middle (of|between) the $2 "
                      "and the $3|the $1, is it between the $2 and the $3|are the $2 and the "
                      "$3 on the two sides of the $1)",
                      "(is $1 between $2 and $3|the $1 between $2 and $3|$1, between $2 and $3|"
                      "$1 in between the $2 and the $3|between $2 and $3, the $1)",
                      "(the $1 is (placed|located|found|in) between the $2 and the $3|(in |"
                      ")between the $2 and the $3 (is|stands|lies|there is) the $1|you see the "
                      "$1 between the $2 and the $3|the $1 is in the middle of the $2 and the "
                      "$3|it is the $1 that is between the $2 and the $3)"},
    [FACT_SOME_BETWEEN] = {"(" SEE " (any $4|$1) (in |)between the $2 and the $3|is $1 "
                           "(standing |lying |placed |)(in |)between the $2 and the $3|(in |"
                           ")between the $2 and the $3, is there $1|are (any |some |)$4 "
                           "between the $2 and the $3|is there $1 in the middle of the $2 and "
                           "the $3)",
                           "(any $4 in between the $2 and the $3|$1 in between $2 and $3|"
                           "between $2 and $3, $1|any $4 between the $2 and the $3)",
                           "(" SHOWN " $1 between the $2 and the $3|(in |)between the $2 and "
                           "the $3 (there is|is|stands) $1|$1 is (in |)between the $2 and the "
                           "$3|$1 (stands|lies) between the $2 and the $3)"},
    [FACT_ALIKE] = {"(is the $1 (of |)the same $3 as the $2|do the $1 and the $2 (share one $3|"
                    "share the same $3|agree in $3)|have the $1 and the $2 the same $3|is the "
                    "$3 of the $1 also the $3 of the $2|is the $1 like the $2 in $3|are the $1 "
                    "and the $2 alike in $3|are the $1 and the $2 both of (one|the same) $3|"
                    "does the $1 match the $2 in $3|do the $1 and the $2 match in $3|is one $3 "
                    "shared by the $1 and the $2|comparing the $1 and the $2, is the $3 the "
                    "same|are the $3s of the $1 and the $2 the same|" CALL
                    " the $1 and the $2 have the same $3)",
                    "($1 and $2 of the same $3|$1 same $3 as $2|$1 and $2, same $3|$1 and $2 "
                    "alike in $3)",
                    "(the $1 is of the same $3 as the $2|the $1 and the $2 share (one|the "
                    "same) $3|the $1 and the $2 are (both |)of the same $3|the $1 and the $2 "
                    "are alike in $3|the $3s of the $1 and the $2 are the same|the $1 matches "
                    "the $2 in $3)"},
    [FACT_DIFFERENT] = {"(is the $1 of (another|a different) $3 than the $2|do the $1 and the "
                        "$2 (differ in|not have the same) $3|are the $1 and the $2 different "
                        "in $3|is the $3 of the $1 (different from|not the same as) that of "
                        "the $2|are the $3s of the $1 and the $2 different|does the $1 (differ "
                        "from|not match) the $2 in $3|are the $1 and the $2 not of the same $3|"
                        "have the $1 and the $2 different $3s|are the $1 and the $2 of (two |"
                        ")different $3s)",
                        "($1 and $2, different $3s|different $3s, $1 and $2|$1 other $3 than $2)",
                        "(the $1 and the $2 (differ in|do not have the same|are different in) "
                        "$3|the $1 is of (another|a different) $3 than the $2|the $1 has "
                        "another $3 than the $2|the $1 and the $2 are of different $3s|the $3s "
                        "of the $1 and the $2 are different)"},
    [FACT_BIGGER] = {"(does the $1 look (bigger|larger) than the $2|is the $1 really (bigger|"
                     "larger) than the $2|is the $1 the (bigger|larger) one, not the $2|is the "
                     "$1 (bigger|larger|greater) in size than the $2|compared (to|with) the "
                     "$2, is the $1 (bigger|larger)|is the $2 (smaller|littler|tinier) than "
                     "the $1|are you sure the $1 is (bigger|larger) than the $2|" CALL
                     " (that |)the $1 is (bigger|larger) than the $2|does the $1 have a "
                     "(bigger|larger) size than the $2|of the $1 and the $2, is the $1 the "
                     "(bigger|larger) one|is the $1 large and the $2 small)",
                     "(is $1 (bigger|larger) than $2|the $1 (bigger|larger) than the $2|$2 "
                     "smaller than $1|$1 the (bigger|larger) one, not $2)",
                     "(the $1 (looks|is really) (bigger|larger) than the $2|compared (to|with) "
                     "the $2 the $1 is (bigger|larger)|the $1 is the (bigger|larger) one of "
                     "the two, the $2 is smaller|the $1 has a (bigger|larger) size than the $2|"
                     "the $2 (is littler|looks smaller) than the $1|the $1 is large and the $2 "
                     "is small)"},
    [FACT_SMALLER] = {"(does the $1 look smaller than the $2|is the $1 (really |)(smaller|"
                      "littler|tinier) than the $2|is the $1 smaller in size than the $2|"
                      "compared (to|with) the $2, is the $1 smaller|is the $2 (bigger|larger) "
                      "(in size |)than the $1|" CALL
                      " (that |)the $1 is smaller than the $2|does the $1 have a smaller size "
                      "than the $2|of the $1 and the $2, is the $1 the smaller one|is the $1 "
                      "small and the $2 (large|big)|does the $2 look (bigger|larger) than the "
                      "$1)",
                      "(is $1 smaller than $2|the $1 smaller than the $2|$2 (bigger|larger) "
                      "than $1|$1 the smaller one, not $2)",
                      "(the $1 (looks smaller|is littler|is tinier) than the $2|compared (to|"
                      "with) the $2 the $1 is smaller|the $1 has a smaller size than the $2|"
                      "the $2 looks (bigger|larger) than the $1|the $1 is small and the $2 is "
                      "(large|big))"}};

const char *const everything_more[3][MORE_FORMS] = {
    {"(is (every thing|every single thing|every object|each thing|each object|all)" HERE
     " $1|are all (of |)(the |these |)(things|objects) (here |)$2|is all that (you see|is "
     "there|is shown) $1|does everything look $1|do you see only things that are $2|is "
     "everything (that you see|shown) $1|are there only things that are $2|is each of the "
     "things $1)",
     "(all $2|every thing $1|is everything $1|everything here $1|all objects $2)",
     "(every thing is $1|every object (here |)is $1|all (the |these |)(things|objects) are $2|"
     "all that you see is $1|each of the things is $1|everything (here|there|you see) is $1)"},
    {"(is (no thing|not one thing|nothing at all|none of the things|no object)" HERE
     " $1|are none of (the|these) (things|objects) $2|is there nothing (that is |)$1|do you "
     "see nothing (that is |)$1|is there no (thing|object) that is $1|does nothing look $1|is "
     "nothing (here|in the picture|that you see) $1)",
     "(nothing $1 (there|in it)|no thing $1|not one thing $1|nothing that is $1)",
     "(not one (thing|object) is $1|no (thing|object) is $1|there is nothing (that is |)$1|"
     "none of (these|the) objects is $1|nothing (here|there|you see) is $1|there is no thing "
     "that is $1)"},
    {"(is (any thing|some thing|any object|one of the things|at least one thing|any of the "
    "things)"
     HERE " $1|is there (any thing|a thing|an object|one thing) that is $1|are (any|some) "
     "(things|objects) $2|can you (see|find|spot) (anything|something) (that is |)$1|do you "
     "(find|see) (anything|something) (that is |)$1|does anything look $1|is there anything "
     "(here |)(that is |)$1|are there things that are $2)",
     "(something $1|any thing $1|anything $1 (there|in it)|see anything $1|anything that is $1)",
     "(there is (something|a thing|an object) (that is |)$1|some thing is $1|one of the things "
     "is $1|(you|we) can see something (that is |)$1|some of the things are $2|something (here|"
     "there) is $1)"}};
