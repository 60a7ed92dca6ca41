/* SPDX-License-Identifier: MIT */
/* What the files of vilscope eval share. */
#ifndef VS_CMD_EVAL_H
#define VS_CMD_EVAL_H

#include "src/study/eval.h"

#include <jansson.h>

/* What a model answers, a row for each item of the set, in its order. */
struct predictions {
    const struct eval_set *set;
    json_t **rows; /* (set->count), NULL where nothing was answered */
    int count;
};

void predictions_begin(struct predictions *p, const struct eval_set *set);
/* An eval_take; arg: the struct predictions. */
void predictions_take(void *arg, const struct eval_item *it, const struct result *r);
int predictions_write(const struct predictions *p, const char *path, struct vs_err *err);
void predictions_end(struct predictions *p);

#endif
