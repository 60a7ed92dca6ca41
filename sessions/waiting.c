/* SPDX-License-Identifier: MIT */
/* What waits to be logged: copies of it, and how each kind is written and freed. */
#include "sessions/columns.h"

#include "src/base/mem.h"
#include "src/study/attributed.h"

#include <stdlib.h>
#include <string.h>

/* ---- copies: everything that the log holds of it */

static struct log_probe *copy_probes(const struct log_probe *from, int count)
{
    struct log_probe *list = xcalloc((size_t)count + 1, sizeof *list);
    for (int i = 0; i < count; i++) {
        struct log_probe *p = &list[i];
        *p = from[i];
        p->checkpoint = NULL;
        PROBE_COLUMNS(COLUMN_COPY)
    }
    return list;
}

static struct log_probe_run *copy_run(const struct log_probe_run *r)
{
    struct log_probe_run *run = xcalloc(1, sizeof *run);
    *run = *r;
    run->probes = copy_probes(r->probes, r->count);
    PROBE_RUN_COLUMNS(COLUMN_COPY)
    return run;
}

static struct waiting_comparison *copy_comparison(const struct waiting_comparison *x)
{
    struct waiting_comparison *c = xcalloc(1, sizeof *c);
    c->queries = xcalloc((size_t)x->count + 1, sizeof *c->queries);
    memcpy(c->queries, x->queries, (size_t)x->count * sizeof *c->queries);
    c->count = x->count;
    c->note = xstrdup_null(x->note);
    return c;
}

static struct log_evaluation *copy_evaluation(const struct log_evaluation *of)
{
    struct log_evaluation *e = xcalloc(1, sizeof *e);
    *e = *of;
    EVALUATION_COLUMNS(COLUMN_COPY)
    char *rows = e->rows ? xmalloc(e->rows_size + 1) : NULL;
    if (rows)
        memcpy(rows, of->rows, e->rows_size);
    e->rows = rows;
    e->rows_mapped = false;
    return e;
}

void *waiting_copy(enum waiting_kind kind, const void *what)
{
    switch (kind) {
    case WAIT_RESULT: return result_copy(what, RESULT_TOP);
    case WAIT_COMPARISON: return copy_comparison(what);
    case WAIT_PROBES: return copy_run(what);
    case WAIT_EVALUATION: return copy_evaluation(what);
    case WAIT_ATTRIBUTION: return attribution_record_copy(what);
    case WAIT_DIFFERENCE: break;
    }
    return difference_copy(what);
}

static void free_run(struct log_probe_run *run)
{
    log_probes_free((struct log_probe *)(uintptr_t)run->probes, run->count);
    PROBE_RUN_COLUMNS(COLUMN_FREE)
    free(run);
}

static void free_comparison(struct waiting_comparison *c)
{
    free(c->queries);
    free(c->note);
    free(c);
}

static void free_evaluation(struct log_evaluation *e)
{
    EVALUATION_COLUMNS(COLUMN_FREE)
    free((char *)(uintptr_t)e->rows);
    free(e);
}

void waiting_free(enum waiting_kind kind, void *what)
{
    switch (kind) {
    case WAIT_RESULT: result_free(what); break;
    case WAIT_COMPARISON: free_comparison(what); break;
    case WAIT_PROBES: free_run(what); break;
    case WAIT_DIFFERENCE: difference_free(what); break;
    case WAIT_EVALUATION: free_evaluation(what); break;
    case WAIT_ATTRIBUTION: attribution_record_free(what); break;
    }
}

/* ---- writing */

/* *id becomes the row of the query that it names, by a row or as one that waited; 0: it is not, or
 * no longer, in the log. */
static int waiting_resolve(struct log *l, int64_t *id, struct vs_err *err)
{
    int64_t there = 0;
    *id = pending_row(l, *id);
    if (*id == 0)
        return 0;
    int rc = db_find(l, "SELECT id FROM queries WHERE id = ?", &there, err, "i", *id);
    *id = there;
    return rc == VS_E_MISSING ? 0 : rc;
}

static int waiting_write_comparison(struct log *l, int64_t session,
                                    const struct waiting_comparison *c, const char *asked,
                                    struct vs_err *err)
{
    int64_t *ids = xcalloc((size_t)c->count + 1, sizeof *ids), unused;
    int n = 0, rc = 0;
    for (int i = 0; i < c->count && rc == 0; i++) {
        ids[n] = c->queries[i];
        rc = waiting_resolve(l, &ids[n], err);
        n += ids[n] != 0;
    }
    if (rc == 0 && n > 0)
        rc = log_comparison_at(l, session, ids, n, c->note, asked, &unused, err);
    free(ids);
    return rc;
}

static int write_probes(struct log *l, int64_t session, const struct log_probe_run *r,
                        const char *asked, struct vs_err *err)
{
    struct log_probe *list = xcalloc((size_t)r->count + 1, sizeof *list);
    struct log_probe_run run = *r;
    int64_t unused;
    int rc = 0;
    for (int i = 0; i < r->count && rc == 0; i++) {
        list[i] = r->probes[i];
        rc = waiting_resolve(l, &list[i].query, err);
    }
    run.probes = list;
    if (rc == 0)
        rc = log_probe_run_at(l, session, &run, asked, &unused, err);
    free(list);
    return rc;
}

/* Of a query that was removed meanwhile nothing is written. */
static int waiting_write_attribution(struct log *l, const struct attribution_record *of,
                                     struct vs_err *err)
{
    struct attribution_record x = *of;
    int rc = waiting_resolve(l, &x.query, err);
    return rc || !x.query ? rc : log_attribution_at(l, &x, err);
}

int waiting_write(struct log *l, int64_t session, enum waiting_kind kind, const void *what,
                  const char *asked, int64_t *id, struct vs_err *err)
{
    *id = 0;
    switch (kind) {
    case WAIT_RESULT: return log_result_at(l, session, what, asked, id, err);
    case WAIT_COMPARISON: return waiting_write_comparison(l, session, what, asked, err);
    case WAIT_PROBES: return write_probes(l, session, what, asked, err);
    case WAIT_EVALUATION: return log_evaluation_at(l, session, what, asked, err);
    case WAIT_ATTRIBUTION: return waiting_write_attribution(l, what, err);
    case WAIT_DIFFERENCE: break;
    }
    return log_difference_at(l, session, what, asked, id, err);
}
