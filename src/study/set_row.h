/* SPDX-License-Identifier: MIT */
/* What was found out about one item of a set, as a line of JSON: its members "task", "index",
 * "checkpoint", "digest" (of the checkpoint), "data" (the set's digest) and "setup" say of what. */
#ifndef VS_SET_ROW_H
#define VS_SET_ROW_H

#include "src/study/eval.h"

#include <jansson.h>

struct set_row_kind {
    const char *what;   /* "explanations" */
    const char *member; /* a list, or an object, that each has */
    const char *none;   /* what is not one: "no row of explanations" */
    const char *other;  /* what rows of another setup are called: "of other methods" */
};
enum set_row {
    SET_ROW_FITS,     /* it is of item *index */
    SET_ROW_OF_OTHER, /* of another set or checkpoint */
    SET_ROW_WRONG     /* of them, but what it says is not what this run would: why, in words */
};
/* Whether a row of an earlier run is one of this set, checkpoint and setup. */
enum set_row set_row_check(const struct set_row_kind *kind, const json_t *row,
                           const struct eval_set *set, const char *checkpoint, const char *digest,
                           const char *setup, int *index, const char **why);

#endif
