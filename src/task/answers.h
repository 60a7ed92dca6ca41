/* SPDX-License-Identifier: MIT */
/* When two answers are the same one: as the data sets' own scorers see it. */
#ifndef VS_ANSWERS_H
#define VS_ANSWERS_H

#include "src/task/task.h"

#include <stdbool.h>

/* An answer as it is compared; caller frees.
 *
 * VQA v2 and Visual Genome QA: lower case, numbers up to ten as digits, without articles and
 * punctuation, contractions with their apostrophe.
 * Source: vqaEval.py of the VQA evaluation tools (Antol et al., VQA, ICCV 2015), processPunctuation
 * and processDigitArticle, which it skips where all ten people gave the same answer; here they are
 * always applied. Its table of contractions is longer.
 *
 * All others, whose scorers compare words that are lower case already (GQA's eval.py, SNLI-VE) or
 * whatever their case (NLVR2's metrics.py): lower case, one blank between words. */
char *answer_normalise(const struct task *t, const char *text);
bool answers_equal(const struct task *t, const char *a, const char *b);

#endif
