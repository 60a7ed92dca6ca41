/* SPDX-License-Identifier: MIT */
/* More words for questions, in training only: each as the wording in questions.c, questions_wide.c
 * or items_wide.c that has its name, with the same arguments. */
#include "demo/question_more.h"

#define COLOR "colo(u|)r"
#define WHAT  "(what|which)"
/* Before what is not asked but told: "... what color the ball is". */
#define TELL                                                                                       \
    "(tell me|can you tell me|could you tell me|would you tell me|tell us|find out|i wonder|can "  \
    "you say|can you see|figure out|let us know|i am asking|please say|i need to know|can you "    \
    "find out|are you able to say|do you see|would you know)"
/* Before "the color of the ball". */
#define NAME                                                                                       \
    "(describe|identify|state|determine|find|can you name|can you give me|can you find|report|"    \
    "could you name|would you give me|i would like|i am asking for|check|please name|let me have|" \
    "what about|what would be|what do you think is|could you describe|specify)"
#define LOOK "(look at|take|find|see|here is|there is|i see|i mean|consider)"
#define PIC  "(picture|image|scene|drawing)"
#define HERE "( here| there| in (the|this) " PIC "|)"

const char more_color[] =
    "(" TELL " " WHAT " " COLOR " the $1 is|" NAME " the " COLOR " (of|of|for) the $1|" WHAT
    " " COLOR " (does the $1 (have|show|come in)|would you say the $1 is|was the $1 painted|is "
    "painted on the $1|is that of the $1|do you see on the $1|is this $1|can the $1 be said to "
    "be)|of " WHAT " " COLOR " is the $1|how is the $1 colo(u|)red|the " COLOR
    " of the $1 is what|how would you describe the " COLOR " of the $1|the $1, " WHAT " " COLOR
    " is it|" LOOK " the $1(,|:) " WHAT " " COLOR " (is it|does it have)|what is the $1's " COLOR
    "|by what " COLOR " is the $1 known|name (the|a) " COLOR " that the $1 has|is the $1 red, "
    "blue or what " COLOR ")";

const char more_color_brief[] =
    "(" COLOR " of (that |this |)$1|$1's " COLOR "|(the |)$1 is " WHAT " " COLOR "|$1: " COLOR
    "|the " COLOR " of the $1|$1, the " COLOR "|" COLOR ", (the |)$1|name " COLOR " of $1)";

const char more_pattern[] =
    "(" TELL " " WHAT " pattern (the $1 has|is on the $1|there is on the $1)|" NAME
    " the pattern (of|for|on) the $1|" WHAT " pattern (does the $1 (show|come with)|would you "
    "say the $1 has|do you see on the $1|was painted on the $1|is that of the $1|has the $1|is "
    "painted on the $1)|of " WHAT " pattern is the $1|is the $1 (striped, dotted or plain|"
    "dotted, striped or plain|plain or striped or dotted)|the pattern of the $1 is what|how is "
    "the $1 (painted|decorated)|how would you describe the pattern of the $1|the $1, " WHAT
    " pattern (is it|has it)|" LOOK " the $1(,|:) " WHAT " pattern does it have|what is the "
    "$1's pattern|what kind of pattern (is on the $1|does the $1 have)|does the $1 have "
    "stripes, dots or (neither|nothing))";

const char more_pattern_brief[] =
    "(pattern of (that |this |)$1|$1's pattern|$1: pattern|the pattern of the $1|$1, the "
    "pattern|pattern, (the |)$1|$1 plain, striped or dotted)";

const char more_shape[] =
    "(" TELL " (" WHAT " (object|thing) the $1 is|what sort of (object|thing) the $1 is|what "
    "to call the $1)|" NAME " the (kind|sort|type) of the $1|what (sort|type) of (thing|"
    "object) is the $1|what kind of (thing|object) (is this $1|do you see as the $1|would you "
    "say the $1 is)|" WHAT " (thing|object) is the $1|what (do we|would you|can one) call the "
    "$1|what does the $1 look like|what is (this|that) $1|what (might|could|would) the $1 be|"
    "what exactly is the $1|the $1 is what (kind of |)(thing|object)|the $1, what is it|" LOOK
    " the $1(,|:) what (is it|kind of thing is it)|can you identify what the $1 is|name the "
    "(kind|sort) of thing that the $1 is|what is the name of the $1|how is the $1 called|what "
    "is the $1, a ball, a cube or what|as what would you identify the $1|what do you see (in|"
    "as) the $1)";

const char more_shape_brief[] =
    "(kind of (that |)thing, the $1|what is (that |this |)$1|(the |)$1 is what|$1: what|$1, "
    "what kind|what, the $1|sort of thing, the $1|name of the $1|$1, which thing)";

const char more_size[] =
    "(" TELL " (how (big|large) the $1 is|what size the $1 (is|has)|if the $1 is (small or "
    "large|big or small))|" NAME " the size of the $1|" WHAT " size (does the $1 have|"
    "would you say the $1 is|has the $1|is that of the $1|is this $1)|of " WHAT
    " size is the $1|is the $1 (little or big|large or is it small|big or is it small|small, "
    "or is it large|tiny or large)|the size of the $1 is what|the $1, (how (big|large) is it|"
    "what size is it)|" LOOK " the $1(,|:) (how big is it|is it small or large)|what is the "
    "$1's size|how would you describe the size of the $1|how (big|large) (would you say the $1 "
    "is|does the $1 look)|does the $1 look (small or large|large or small))";

const char more_size_brief[] =
    "(size of (that |this |)$1|$1's size|$1: size|the size of the $1|$1, the size|size, (the |"
    ")$1|$1 (large or small|small or big)|$1, how (big|large)|how (big|large), the $1)";

const char more_where[] =
    "(" TELL " (where the $1 (stands|is to be found)|on which side the $1 is|which side the $1 "
    "is on|where you see the $1|in which place the $1 is)|" NAME " the (place|position|"
    "location) of the $1|where (does the $1 (stand|lie|sit)|in the " PIC " is the $1|can "
    "(i|you|we) (see|find) the $1|do (i|we) (look for|find) the $1|has the $1 been put|is the "
    "$1 to be found|exactly is the $1|about is the $1|is (this|that) $1)|" WHAT " (part|side|"
    "third) of the " PIC
    " is the $1 in|(on|at) (what|which) side (of the " PIC " |)(is the $1|do you see the $1)|"
    "in which (place|part|third) is the $1|is the $1 (on the left, in the middle or on the "
    "right|left, middle or right|left or right or in the middle|at the left, the middle or the "
    "right)|what is the (place|position|location) of the $1|the $1, where is it|" LOOK
    " the $1(,|:) where is it|the $1 is where|where to find the $1|show me the side (of|with) "
    "the $1|to which side is the $1)";

const char more_where_brief[] =
    "(where is $1|$1 is where|(position|location|side) of (the |)$1|$1: where|$1 left, middle "
    "or right|$1 on which side|where on the picture, $1|the $1, where)";

const char more_count_of[] =
    "(" TELL " how many $1 (there are" HERE "|are shown|the " PIC " has|can be seen)|" NAME
    " the (count|total|total number) of $1|(please |)count (all |all the |up the |how many )$1|"
    "how many $1 (can we see|can i see|could you count|do you count|can you count|can you find|"
    "are to be seen|does it have|are visible|are shown|are present|exist|have you found|in "
    "total|are here|are there to see|would you count|do we have|does this " PIC
    " show|would there be)|how many of the (things|objects) are $1|the number of $1 is what|"
    "what is the (count|total|total number) of $1|$1: how many (are there|do you see)|how many "
    "are the $1|what (number|count) of $1 (is there|are there|do you see)|in total, how many "
    "$1 are there|how many (do you see|are there) of the $1|in the " PIC
    ", how many $1 are there|all in all, how many $1|of $1, how many are there)";

const char more_count_of_brief[] =
    "(count of $1|count $1|$1 count|$1: how many|total $1|how many $1 (there|in total|in all|"
    "in it)|number of $1 here|total number of $1|the number of $1|how many, $1)";

const char more_count_with[] =
    "(" TELL " how many $1 are $2|" NAME
    " the number of $1 that are $2|how many (of these|of those|among the|from the|of all the) "
    "$1 are $2|how many $1 are there that are $2|how many of the $1 (would you call $2|happen "
    "to be $2|turn out to be $2)|what is the number of $1 that are $2|count (the|all|all the) "
    "$1 that are $2|among the $1, how many are $2|the $1: how many are $2|how many $1 (do you "
    "see|can you see) that are $2|how many are $2 (among|of) the $1|$2 are how many of the $1)";

const char more_count_with_brief[] =
    "(number of $1 that are $2|of the $1 $2|$1 $2, how many|how many $2 of the $1|$1 that are "
    "$2, how many)";

const char more_count_without[] =
    "(" TELL " how many (of these|of those) $1 (are not|aren't) $2|" NAME
    " the number of $1 that (are not|aren't) $2|how many (of these|among the|of all the) $1 "
    "(are not|aren't) $2|how many $1 are there that (are not|aren't) $2|what is the number of "
    "$1 that (are not|aren't) $2|count (the|all|all the) $1 that (are not|aren't) $2|among the "
    "$1, how many (are not|aren't) $2|the $1: how many (are not|aren't) $2|how many $1 (do you "
    "see|can you see) that are not $2)";

const char more_count_placed[] =
    "(" TELL " how many $1 (there are|are|stand) $2|" NAME
    " the number of $1 $2|how many $1 (stand|lie|can i see|are to be found|can you find|do you "
    "count|are placed|are located|are found|do we see|are shown) $2|what is the (count|total) "
    "of $1 $2|count (all|all the|up the|how many) $1 $2|$2, how many $1 are there|$2 there are "
    "how many $1|how many (of the|of these) $1 are $2|the $1 $2: how many are there|how many "
    "are the $1 $2)";

const char more_count_placed_brief[] =
    "(count of $1 $2|$1 $2, how many|$2, how many $1|count $1 $2|how many are $2, $1)";

const char more_count_having[] =
    "(" TELL " how many (of the |)$1 have $2|" NAME
    " the number of $1 with $2|how many (of these|of those|among the) $1 have $2|how many $1 "
    "(do you see|can you see|can you count|are shown) with $2|count (the|all|all the) $1 (with|"
    "that have) $2|among the $1, how many have $2|what is the number of $1 (with|that have) $2|"
    "how many $1 are there (with|that have) $2|how many of the $1 (are|come) with $2|on how "
    "many $1 are there $2|of the $1, how many are those with $2)";

const char more_what_placed[] =
    "(" TELL " (what (stands|lies|you see|one sees|there is)|" WHAT
    " (thing|object) (is|stands)) $1|" NAME " (the thing|the object|what is) $1|(what (stands|"
    "lies|can i see|can be seen|can one see|do we see|is there|is placed|is located|is found|"
    "is standing|is lying|sort of thing is|could that be|is the thing|is the object|is it that "
    "is)|" WHAT
    " (thing|object) (stands|lies|can you see|do you see|is placed|is found|is located)) $1|"
    "$1, what (is there|do you see|is it|can be found)|$1 there is what|the (thing|object) $1, "
    "what is it|the (thing|object) $1 is what|name (what|the thing that|the object that) is $1|"
    "show me what is $1|(look|looking) $1, what do you see|what do you (find|notice) $1)";

const char more_what_placed_brief[] =
    "(what is $1|object $1|the thing $1|$1, what|$1 what|which thing $1|the object $1|what's $1)";

const char more_what_between[] =
    "(" TELL " (what (stands|lies|you see|there is)|" WHAT
    " (thing|object) (is|stands)) (in |)between the $1 and the $2|" NAME
    " (the thing|the object|what is) (in |)between the $1 and the $2|(what (stands|lies|can i "
    "see|can be seen|do we see|is there|is placed|is found|is in|is somewhere|sort of thing is|"
    "is the thing|is the object|do you find)|" WHAT
    " (thing|object) (stands|lies|can you see|do you see|is placed|is in)) between the $1 and "
    "the $2|what is in the middle (of|between) the $1 and the $2|(in |)between the $1 and the "
    "$2, what (is there|do you see|is it|stands there)|between the $1 and the $2 there is what|"
    "the (thing|object) between the $1 and the $2, what is it|what has the $1 on one side and "
    "the $2 on the other)";

const char more_what_between_brief[] =
    "(what is between $1 and $2|object between (the |)$1 and (the |)$2|between (the |)$1 and "
    "(the |)$2, what|thing in between the $1 and the $2|what in between $1 and $2)";

const char more_what_is[] =
    "(" TELL " (what|which one) is $1|" NAME " the (thing|object|one) that is $1|(what (thing|"
    "object)|which of these|which of them|which of the objects|which one of the things) is $1|"
    "what (do you find|can you see|is there|is shown) that is $1|is there (something|a thing) "
    "$1, and what is it|what is the (thing|object) that is $1|the (thing|object) that is $1, "
    "what is it|the (thing|object) that is $1 is what|what might be $1|which (thing|object) "
    "would you call $1|name the (only |)(thing|object) that is $1|(something|one thing) is $1: "
    "what|what here is $1)";

const char more_what_is_brief[] = "(object $1|which object $1|the thing that is $1|which is $1|"
"thing that is $1|what $1 thing|$1, what)";

const char more_which_member[] =
    "(" TELL " (what|which) $1 (is (there|shown|in the " PIC ")|you see|there is)|" NAME
    " the (kind|sort) of $1|" WHAT
    " $1 (can you see|can i see|do we see|is shown|is to be seen|does it show|has the " PIC
    "|do you find|is visible|is among the things)|(what|which) (kind|sort|type) of $1 (do you "
    "see|is shown|does the " PIC " show|is in the " PIC
    ")|the $1 is what|the $1, what is it|there is (one|some) $1, what is it|what is (that|"
    "this) $1|do you see (the|any) $1, and what is it|what would you call the $1|identify the "
    "$1|what sort of $1 have we here)";

const char more_which_member_brief[] = "(the $1, what|what kind of $1|sort of $1|which $1 here|"
"$1, what is it|name of the $1)";

const char more_side[] =
    "(" TELL " (if|whether) the $1 (stands|lies) left or right of the $2|" TELL
    " on which side of the $2 the $1 is|(on|to) (what|which) side of the $2 (does the $1 "
    "(stand|lie)|do you see the $1)|does the $1 (stand|lie) (left or right of|to the left or "
    "to the right of) the $2|is the $1 to the (left|right) or to the (right|left) of the $2|"
    "where is the $1, left or right of the $2|left or right: where is the $1, seen from the $2|"
    "is the $1 on the left side or on the right side of the $2|seen from the $2, is the $1 "
    "left or right|is it left or right of the $2 that the $1 is|which side of the $2 is the $1 "
    "on|left of the $2 or right of it, where is the $1)";

const char more_which_more[] =
    "(" TELL " (which are more|of which there are more), $1 or $2|of which (are there more|do "
    "you see more|are more there), (of |)$1 or (of |)$2|are there more $1 (here |there |)or "
    "(are there |)more $2|is the number of $1 or (the number |that |)of $2 (larger|bigger|"
    "higher)|which are more, (the |)$1 or (the |)$2|which (are more numerous|is more frequent|"
    "do you count more of|are there the most of), $1 or $2|(do you see|can you see|does it "
    "show) more $1 or (more |)$2|$1 or $2, which are there more of|what do you see more of, $1 "
    "or $2|which outnumber the others, the $1 or the $2|comparing $1 and $2, which are more|is "
    "it the $1 or the $2 that are more)";

const char more_choice[] =
    "(" TELL " whether it is $2 or $3, the $1|does the $1 look $2 or $3|" LOOK
    " the $1(,|:) is it $2 or $3|the $1, is it $2 or (is it |)$3|is (this|that) $1 $2 or $3|is "
    "it $2 or $3, the $1|what is the $1, $2 or $3|is the $1 (either |more |rather )$2 or $3|"
    "would you say the $1 is $2 or $3|what would be the $1, $2 or $3|$2 or $3: (what|which) is "
    "the $1|do you (think|find) the $1 (is |)$2 or $3|decide: is the $1 $2 or $3|is $2 or $3 "
    "(right for|true of) the $1|the $1 can be $2 or $3, which is it|is the $1 $2, or $3 instead)";

const char more_bigger[] =
    "(" TELL " if it is the $1 or the $2 that is (bigger|larger)|(which|which one|what) (looks|"
    "would be|do you find) (bigger|larger), the $1 or the $2|is (it |)the $1 or (is it |)the "
    "$2 (that is |)(bigger|larger)|of the $1 and the $2, which (one |)is (bigger|larger)|"
    "(which|what) has the (bigger|larger) size, the $1 or the $2|the $1 or the $2, which (one |"
    ")is (bigger|larger)|comparing the $1 and the $2, which is (bigger|larger)|which is the "
    "(bigger|larger) (one|thing), the $1 or the $2|which is not the smaller one, the $1 or the "
    "$2)";

const char more_smaller[] =
    "(" TELL " if it is the $1 or the $2 that is smaller|(which|which one|what) (looks|would "
    "be|do you find) smaller, the $1 or the $2|is (it |)the $1 or (is it |)the $2 (that is |"
    ")smaller|of the $1 and the $2, which (one |)is smaller|(which|what) has the smaller size, "
    "the $1 or the $2|the $1 or the $2, which (one |)is smaller|comparing the $1 and the $2, "
    "which is smaller|which is the smaller (one|thing), the $1 or the $2|which is littler, the "
    "$1 or the $2)";

const char more_which_is[] =
    "(" TELL " whether it is the $1 or the $2 that is $3|(which|which one|what) (looks|would "
    "be|do you find) $3, the $1 or the $2|of the $1 and the $2, which (one |)is $3|the $1 or "
    "the $2, which (one |)is $3|is the $3 one the $1 or the $2|(either |)the $1 or the $2 is "
    "$3, which (one |)is it|which is the $3 (one|thing), the $1 or the $2|do you see that the "
    "$1 or the $2 is $3, which one|$3 is the $1 or the $2, which)";

const char more_colors[] =
    "(" TELL " " WHAT " " COLOR " (the|all the|all) $1 (are|have)|" NAME " the " COLOR
    " of (the|all the|these) $1|" WHAT " " COLOR
    " (is on all the|would you say the|are these|are all of the|do you see on the) $1|of "
    "" WHAT " " COLOR
    " are (the|all the) $1|how are (the|all the) $1 colo(u|)red|the " COLOR
    " of the $1 is what|the $1, " WHAT " " COLOR " are they|" LOOK " the $1(,|:) " WHAT " " COLOR
    " are they|what " COLOR " is shared by the $1|" WHAT " " COLOR " was used to paint the $1)";

const char more_patterns[] =
    "(" TELL " " WHAT " pattern (the|all the|all) $1 have|" NAME
    " the pattern of (the|all the|these) $1|" WHAT
    " pattern (is on all the|do you see on the|is shared by the|have all the) $1|are (all |"
    ")the $1 (striped, dotted or plain|dotted, striped or plain)|how are the $1 painted|the "
    "pattern of the $1 is what|the $1, " WHAT " pattern do they have)";

const char more_refer[] =
    "((can|could|would|will) you (find|point to|point at|point out|select|pick|pick out|"
    "identify|highlight|locate|circle|outline|choose|spot|see|give me|touch) the $1|(identify|"
    "highlight|locate|circle|outline|pick out|point out|describe|touch|click|click on|spot|"
    "focus on|zoom in on|see|search for|look for|try to find|help me find|put a mark on|put a "
    "cross on|put a ring around|draw a circle around|draw a box on|draw a line around|put your "
    "finger on|show us|show) the $1|i am (interested in|thinking of|asking about|talking about|"
    "after) the $1|(i'm|we are) looking at the $1|(we|they) are looking for (a|one) thing, the "
    "$1|where (would|could|do) (i|you|we) (see|spot) the $1|where is the $1 to be found|which "
    "(one |)(might|would|could) be the $1|might this be the $1|show me where you see the $1|"
    "(is this |that is |here is |look, |see, |now |only |just |and |not any other but )the $1|"
    "the $1( here| there| that is shown| that i mean| is what i want| is the one| is where|, "
    "where is it|, please mark it| in this picture|, that one| is what i am looking for)|the "
    "box of the $1|the place of the $1|i (would like|like|see|choose|want to see|am shown) the "
    "$1|tell me where you see the $1|can i see the $1|let us look at the $1|(one|thing) that i "
    "mean: the $1)";

const char more_refer_brief[] =
    "(the $1|this $1|that $1|$1 here|$1 there|$1, where|box $1|find $1|show $1|where $1|only "
    "the $1|mark $1)";

const char more_pick[] =
    "((can|could|would) you (say|see|find|show me|point out|pick) " WHAT
    " (one |thing |object |)is the $1|(choose|select|point at|find|mark|identify) (the $1 from "
    "(them|all|the boxes)|the $1 among (them|all of these)|the one that is the $1|the thing "
    "that is the $1)|pick the one: the $1|among (all of them|the boxes|the things|the objects|"
    "the four), (which is |)the $1|which of (them|the boxes|the things|the objects|all these) "
    "is the $1|which one of (these|them|the things) (is|would be|could be) the $1|which (one|"
    "thing|box) (might|would|could|can) be the $1|which would you call the $1|pick out the $1|"
    "tell me " WHAT
    " (one|thing|box) is the $1|where among these is the $1|which do you think is the $1|the "
    "$1, which (one |)is it|the $1 is which (one|box|thing)|which box (has|shows|is around|"
    "holds) the $1|is there the $1 among these, and which is it|(can you|please) (find|point "
    "at) the $1|show me the $1|from these, choose the $1)";

const char more_pick_brief[] =
    "(the $1|this $1|which one, the $1|$1, which|$1, which one|find the $1|which box, the $1|"
    "$1: which)";
