/* SPDX-License-Identifier: MIT */
/* What the readers of data sets share. */
#ifndef VS_EVAL_PRIV_H
#define VS_EVAL_PRIV_H

#include "src/study/eval.h"

#include <jansson.h>

/* A new item of the set, all zero but number, which is -1. */
struct eval_item *eval_add(struct eval_set *s);
/* Calls take for every line that is not empty; a line that is no JSON object is an error. */
typedef int eval_line(void *arg, int line, const json_t *v);
int eval_lines(const struct bytes *map, eval_line *take, void *arg, struct vs_err *err);

/* What a result is worth, 0 to 1, and whether the item says what is right. */
double eval_worth(const struct eval_item *it, const struct result *r);
bool eval_has_truth(const struct eval_item *it);
void eval_item_fini(struct eval_item *it);
/* Whether the item's box and candidates can be boxes of a picture of that size. */
int eval_check_boxes(const struct eval_item *it, int width, int height, struct vs_err *err);
/* Intersection over union; last pixels count. */
double eval_overlap(const float *a, const float *b);
void eval_attention_add(struct eval_attention *a, const struct eval_item *it,
                        const struct result *r);

/* The annotations of the reference's data sets. *known: whether the file is one of them; then the
 * items are added to s. */
int eval_reference(const struct eval_source *o, const struct bytes *map, struct eval_set *s,
                   bool *known, struct vs_err *err);

#endif
