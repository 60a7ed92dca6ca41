/* SPDX-License-Identifier: MIT */
/* What came of an item, as one line of JSON (vilscope-data(5), "Rows"). */
#ifndef VS_EVAL_ROWS_H
#define VS_EVAL_ROWS_H

#include "src/study/reference.h"

#define EVAL_ROW_TOP 10 /* answers of a vocabulary that are kept */

/* What came of an item of a set that is not the reference's: v->logits are its own. */
void eval_judge(const struct eval_item *it, const struct result *r, struct eval_verdict *v);

/* index: of the item in its set. The line has no new line. */
void eval_row_add(struct buf *out, const struct eval_set *s, const struct eval_item *it, int index,
                  const char *checkpoint, const struct result *r, const struct eval_verdict *v);

#endif
