/* SPDX-License-Identifier: MIT */
/* Logged queries as rows of a table: a row for each question with its interventions, a column for
 * each checkpoint that has answered one of them. */
#ifndef UI_HISTORY_H
#define UI_HISTORY_H

#include "ui/state/session.h"

struct history_column {
    const char *name; /* of the newest answer */
    const char *digest;
};
struct history_row {
    int newest; /* of queries */
    int *cells; /* (column_count) the newest answer of each checkpoint, of queries; -1: none */
};
struct history {
    struct log_query *queries; /* newest first */
    int count;
    struct history_column *columns; /* those of the model in its order, then the others */
    int column_count;
    struct history_row *rows; /* by their newest answers */
    int row_count;
    char why[160]; /* what is wrong with what was typed, or "" */
};

/* What a filter as it is typed (log_filter_typed) finds; session 0: in all, with all other answers
 * to the questions that it finds. history_fini in any case. */
int history_read(struct log *l, const struct model *m, const char *typed, int64_t session,
                 struct history *out, struct vs_err *err);
void history_fini(struct history *h);

#endif
