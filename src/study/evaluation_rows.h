/* SPDX-License-Identifier: MIT */
/* An evaluation from its rows alone: the same scores, to the last bit. */
#ifndef VS_EVALUATION_ROWS_H
#define VS_EVALUATION_ROWS_H

#include "src/study/evaluation.h"
#include "src/study/rowfile.h"

/* e: zeroed but for the row and its argument. The set and all that comes of it are e's, to be freed
 * by evaluation_rows_fini, whatever is returned; of the set there is what rows tell. */
int evaluation_from_rows(const struct row_evaluation *rows, struct evaluation *e,
                         struct vs_err *err);
void evaluation_rows_fini(struct evaluation *e);

#endif
