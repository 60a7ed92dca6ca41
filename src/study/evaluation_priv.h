/* SPDX-License-Identifier: MIT */
/* What an evaluation asks of the rows of an earlier run. */
#ifndef VS_EVALUATION_PRIV_H
#define VS_EVALUATION_PRIV_H

#include "src/study/evaluation.h"

/* Of one set and checkpoint. */
struct past_items {
    int *lines; /* (set->count) of the file, 0: it has no row of the item; or NULL */
    struct eval_mark *marks; /* (set->count) of those */
    int last;   /* the item of the last row, -1: there is none */
    char *last_row;
};
void past_items_fini(struct past_items *p);

/* The logits of a row (count of them), which the caller frees; null: of an image that could not be
 * read, -INFINITY. */
struct json_t;
float *evaluation_logits(const struct json_t *row, int *count);

const char *evaluation_past_path(const struct evaluation_past *p);
/* Hands every row of the set and checkpoint on, in the order of the file. A row that is not of one
 * of the set's items is an error, and one that stands behind those of later items, unless in_parts.
 */
typedef int past_take(void *arg, const struct eval_item *it, const char *row,
                      const struct eval_verdict *v, struct vs_err *err);
int evaluation_past_read(const struct evaluation_past *p, const struct eval_set *s,
                         const char *checkpoint, bool in_parts, struct past_items *out,
                         past_take *take, void *arg, struct vs_err *err);

#endif
