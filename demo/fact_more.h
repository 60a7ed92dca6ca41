/* SPDX-License-Identifier: MIT */
/* More words for facts, in training only. */
#ifndef DEMO_FACT_MORE_H
#define DEMO_FACT_MORE_H

#include "demo/facts.h"

/* Formats of say(), with the arguments that fact_text.c gives; NULL when there is no such form. */
enum more_form { MORE_ASKED, MORE_BRIEF, MORE_TOLD, MORE_FORMS };
extern const char *const fact_more[FACTS][MORE_FORMS];
/* Of a set that is everything: all, none, any. */
extern const char *const everything_more[3][MORE_FORMS];
/* A question around $1, what is told. */
extern const char fact_frame[];

#endif
