/* SPDX-License-Identifier: MIT */
/* Rows and columns of the log's queries. */
#include "ui/views/history.h"

#include "src/base/mem.h"

#include <stdlib.h>
#include <string.h>

#define HISTORY_MOST 2000 /* the newest queries of all that are shown, found or beside those */

/* Where a checkpoint of that name stands in the model; behind all of them when it is not there. */
static int history_place(const struct model *m, const char *name)
{
    int i = 0, n = model_checkpoint_count(m);
    while (i < n && !text_equals(model_checkpoint_name(m, i), name))
        i++;
    return i;
}

static int history_column(const struct history *h, const struct log_query *q)
{
    for (int i = 0; i < h->column_count; i++)
        if (strcmp(h->columns[i].digest, q->checkpoint_digest) == 0)
            return i;
    return -1;
}

/* Queries are read from the newest on, so the first name is the newest. */
static void history_add_columns(struct history *h, const struct model *m)
{
    h->columns = xcalloc((size_t)h->count + 1, sizeof *h->columns);
    for (int i = 0; i < h->count; i++) {
        const struct log_query *q = &h->queries[i];
        if (history_column(h, q) >= 0)
            continue;
        int at = h->column_count++, place = history_place(m, q->checkpoint);
        for (; at > 0 && history_place(m, h->columns[at - 1].name) > place; at--)
            h->columns[at] = h->columns[at - 1];
        h->columns[at] = (struct history_column){q->checkpoint ? q->checkpoint : "",
                                                 q->checkpoint_digest};
    }
}

static bool history_belongs(const struct history *h, const struct history_row *row,
                            const struct log_query *q)
{
    const struct log_query *x = &h->queries[row->newest];
    return x->question == q->question && text_equals(x->changes, q->changes);
}

static void history_add_rows(struct history *h)
{
    h->rows = xcalloc((size_t)h->count + 1, sizeof *h->rows);
    for (int i = 0; i < h->count; i++) {
        const struct log_query *q = &h->queries[i];
        int row = 0, column = history_column(h, q);
        while (row < h->row_count && !history_belongs(h, &h->rows[row], q))
            row++;
        struct history_row *x = &h->rows[row];
        if (row == h->row_count) {
            h->row_count++;
            *x = (struct history_row){i, xcalloc((size_t)h->column_count + 1, sizeof(int))};
            for (int j = 0; j < h->column_count; j++)
                x->cells[j] = -1;
        }
        x->cells[column] = x->cells[column] < 0 ? i : x->cells[column];
    }
}

int history_read(struct log *l, const struct model *m, const char *typed, int64_t session,
                 struct history *out, struct vs_err *err)
{
    struct log_typed t;
    *out = (struct history){0};
    log_filter_typed(typed, &t);
    memcpy(out->why, t.why, sizeof out->why);
    t.f.session = session;
    t.f.whole = !session;
    t.f.limit = HISTORY_MOST;
    int rc = t.why[0] ? 0 : log_find(l, &t.f, &out->queries, &out->count, err);
    history_add_columns(out, m);
    history_add_rows(out);
    return rc;
}

void history_fini(struct history *h)
{
    for (int i = 0; i < h->row_count; i++)
        free(h->rows[i].cells);
    free(h->rows);
    free(h->columns);
    log_queries_free(h->queries, h->count);
    *h = (struct history){0};
}
