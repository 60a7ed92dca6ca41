/* SPDX-License-Identifier: MIT */
/* More words for questions and references, in training only: formats of say(). */
#ifndef DEMO_QUESTION_MORE_H
#define DEMO_QUESTION_MORE_H

extern const char more_color[];
extern const char more_color_brief[];
extern const char more_pattern[];
extern const char more_pattern_brief[];
extern const char more_shape[];
extern const char more_shape_brief[];
extern const char more_size[];
extern const char more_size_brief[];
extern const char more_where[];
extern const char more_where_brief[];
extern const char more_count_of[];
extern const char more_count_of_brief[];
extern const char more_count_with[];
extern const char more_count_with_brief[];
extern const char more_count_without[];
extern const char more_count_placed[];
extern const char more_count_placed_brief[];
extern const char more_count_having[];
extern const char more_what_placed[];
extern const char more_what_placed_brief[];
extern const char more_what_between[];
extern const char more_what_between_brief[];
extern const char more_what_is[];
extern const char more_what_is_brief[];
extern const char more_which_member[];
extern const char more_which_member_brief[];
extern const char more_side[];
extern const char more_which_more[];
extern const char more_choice[];
extern const char more_bigger[];
extern const char more_smaller[];
extern const char more_which_is[];
extern const char more_colors[];
extern const char more_patterns[];
extern const char more_refer[];
extern const char more_refer_brief[];
extern const char more_pick[];
extern const char more_pick_brief[];

#endif
