/* SPDX-License-Identifier: MIT */
/* The rows of an evaluation: written as they come, with what they can be sliced by, and read back
 * as the lines that they were. Which items a slice has is gathered and written slice by slice:
 * items of many slices in turn would each go to another place of the table. */
#include "sessions/db.h"
#include "sessions/rows.h"

#include "src/base/mem.h"
#include "src/base/strmap.h"
#include "src/study/rowfile.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define GATHERED (1 << 18) /* numbers of items in memory: 2 MB */
#define LET_GO ((size_t)1 << 20) /* bytes of rows */

struct slice {
    char *key;   /* field, NUL, value */
    int64_t id;  /* its row, 0: not yet */
    int64_t items, scored;
    double sum;
};
struct gathered {
    int slice, item;
};
struct rows_writer {
    struct log *l;
    int64_t evaluation;
    struct row_texts *texts;
    struct strmap names;
    struct slice *slices;
    int slice_count, slice_room;
    struct gathered *gathered;
    int gathered_count, rows;
    struct buf key;
};

static const char doing[] = "writing the rows of an evaluation";

/* ---- slices */

static int slice_of(struct rows_writer *w, const struct row_field *f)
{
    w->key.len = 0;
    buf_add(&w->key, f->name, strlen(f->name) + 1);
    buf_puts(&w->key, f->value);
    int at = strmap_get(&w->names, w->key.data, w->key.len);
    if (at >= 0)
        return at;
    if (w->slice_count == w->slice_room) {
        w->slice_room = w->slice_room ? 2 * w->slice_room : 64;
        w->slices = xreallocarray(w->slices, (size_t)w->slice_room, sizeof *w->slices);
    }
    struct slice *s = &w->slices[w->slice_count];
    *s = (struct slice){.key = xmalloc(w->key.len + 1)};
    memcpy(s->key, w->key.data, w->key.len + 1);
    strmap_add(&w->names, s->key, w->key.len, w->slice_count);
    return w->slice_count++;
}

/* Items by slice, in the order in which they came, which is that of the items; to be freed. */
static int *slices_order(const struct rows_writer *w)
{
    int *starts = xcalloc((size_t)w->slice_count + 1, sizeof *starts);
    int *order = xcalloc((size_t)w->gathered_count + 1, sizeof *order);
    for (int i = 0; i < w->gathered_count; i++)
        starts[w->gathered[i].slice + 1]++;
    for (int i = 0; i < w->slice_count; i++)
        starts[i + 1] += starts[i];
    for (int i = 0; i < w->gathered_count; i++)
        order[starts[w->gathered[i].slice]++] = i;
    free(starts);
    return order;
}

/* Its row, which slices_end completes. */
static int slice_begin(struct rows_writer *w, struct slice *s, struct vs_err *err)
{
    if (s->id)
        return 0;
    int rc = db_do(w->l, "INSERT INTO evaluation_slices(evaluation_id, field, value, items, scored,"
                         " score_sum) VALUES(?, ?, ?, 0, 0, 0)", doing, err, "iss", w->evaluation,
                   s->key, s->key + strlen(s->key) + 1);
    s->id = sqlite3_last_insert_rowid(w->l->db);
    return rc;
}

static int slices_flush(struct rows_writer *w, struct vs_err *err)
{
    sqlite3_stmt *s = NULL;
    int rc = 0, *order = slices_order(w);
    for (int i = 0; i < w->gathered_count && rc == 0; i++) {
        const struct gathered *g = &w->gathered[order[i]];
        rc = slice_begin(w, &w->slices[g->slice], err);
        /* An annotation that says a thing twice has it once. */
        if (rc == 0 && !s)
            rc = db_ready(w->l, "INSERT OR IGNORE INTO slice_items VALUES(?, ?)", &s, err);
        if (rc != 0)
            break;
        sqlite3_bind_int64(s, 1, w->slices[g->slice].id);
        sqlite3_bind_int(s, 2, g->item);
        rc = db_run(w->l, s, doing, err);
    }
    free(order);
    w->gathered_count = 0;
    return rc;
}

static int slices_end(struct rows_writer *w, struct vs_err *err)
{
    int rc = slices_flush(w, err);
    for (int i = 0; i < w->slice_count && rc == 0; i++) {
        const struct slice *s = &w->slices[i];
        rc = db_do(w->l, "UPDATE evaluation_slices SET items = ?, scored = ?, score_sum = ? WHERE"
                         " id = ?", doing, err, "iidi", s->items, s->scored, s->sum, s->id);
    }
    return rc;
}

static int slices_add(struct rows_writer *w, const struct row *r, struct vs_err *err)
{
    int rc = 0;
    for (int i = 0; i < r->field_count && rc == 0; i++) {
        int at = slice_of(w, &r->fields[i]);
        struct slice *s = &w->slices[at];
        s->items++;
        s->scored += r->scored;
        s->sum += r->scored ? r->score : 0;
        w->gathered[w->gathered_count++] = (struct gathered){at, r->index};
        if (w->gathered_count == GATHERED)
            rc = slices_flush(w, err);
    }
    return rc;
}

/* ---- rows */

static int rows_write_numbers(struct rows_writer *w, const struct row *r, struct vs_err *err)
{
    sqlite3_stmt *s = NULL;
    int rc = db_ready(w->l, "INSERT INTO evaluation_rows VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)", &s,
                      err);
    if (rc != 0)
        return rc;
    db_bind(s, "iissdidds", w->evaluation, (int64_t)r->index, r->id, r->answer, r->score,
            (int64_t)r->correct, r->confidence, r->margin, r->image); /* NaN becomes NULL */
    if (!r->scored)
        sqlite3_bind_null(s, 6);
    return db_run(w->l, s, doing, err);
}

static int rows_write_line(struct rows_writer *w, const struct row *r, struct vs_err *err)
{
    sqlite3_stmt *s = NULL;
    int rc = db_ready(w->l, "INSERT INTO evaluation_lines VALUES(?, ?, ?)", &s, err);
    if (rc != 0)
        return rc;
    sqlite3_bind_int64(s, 1, w->evaluation);
    sqlite3_bind_int(s, 2, r->index);
    sqlite3_bind_text64(s, 3, r->line, r->length, SQLITE_STATIC, SQLITE_UTF8);
    return db_run(w->l, s, doing, err);
}

static int rows_write_one(struct rows_writer *w, const char *line, size_t length,
                          struct vs_err *err)
{
    struct row r;
    const char *why;
    row_texts_reset(w->texts);
    if (!row_read(line, length, w->texts, &r, &why))
        return vs_fail(err, VS_E_FORMAT, "%s: row %d of an evaluation is none (%s)", w->l->path,
                       w->rows + 1, why);
    w->rows++;
    int rc = rows_write_numbers(w, &r, err);
    if (rc == 0)
        rc = rows_write_line(w, &r, err);
    return rc ? rc : slices_add(w, &r, err);
}

static void rows_writer_fini(struct rows_writer *w)
{
    for (int i = 0; i < w->slice_count; i++)
        free(w->slices[i].key);
    free(w->slices);
    free(w->gathered);
    strmap_fini(&w->names);
    row_texts_free(w->texts);
    buf_fini(&w->key);
}

/* Of a map pages that are behind stay no longer than others need the room. */
static const char *rows_let_go(const struct log_evaluation *e, const char *from, const char *to)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t first = ((uintptr_t)from + page - 1) / page * page, end = (uintptr_t)to / page * page;
    if (!e->rows_mapped || end < first + LET_GO)
        return from;
    madvise((void *)first, end - first, MADV_DONTNEED);
    return (const char *)end;
}

int log_write_evaluation_rows(struct log *l, int64_t evaluation, const struct log_evaluation *e,
                              struct vs_err *err)
{
    struct rows_writer w = {.l = l, .evaluation = evaluation, .texts = row_texts_new()};
    const char *rows = e->rows, *end = rows + e->rows_size, *kept = rows;
    int rc = 0;
    w.gathered = xcalloc(GATHERED, sizeof *w.gathered);
    while (rc == 0 && rows < end) {
        const char *stop = memchr(rows, '\n', (size_t)(end - rows));
        stop = stop ? stop : end;
        if (stop > rows)
            rc = rows_write_one(&w, rows, (size_t)(stop - rows), err);
        rows = stop + 1;
        kept = rows_let_go(e, kept, rows);
    }
    if (rc == 0)
        rc = slices_end(&w, err);
    if (rc == 0)
        rc = db_do(l, "UPDATE evaluations SET row_count = ? WHERE id = ?", doing, err, "ii",
                   (int64_t)w.rows, evaluation);
    rows_writer_fini(&w);
    return rc;
}

/* ---- reading */

int log_read_evaluation_rows(struct log *l, int64_t evaluation, log_row *take, void *arg,
                             struct vs_err *err)
{
    sqlite3_stmt *s = NULL;
    int rc = db_ready(l, "SELECT line FROM evaluation_lines WHERE evaluation_id = ? ORDER BY item",
                      &s, err), code = SQLITE_DONE;
    if (rc != 0)
        return rc;
    db_bind(s, "i", evaluation);
    while (rc == 0 && (code = sqlite3_step(s)) == SQLITE_ROW) {
        const char *line = (const char *)sqlite3_column_text(s, 0);
        rc = take(arg, line ? line : "", (size_t)sqlite3_column_bytes(s, 0), err);
    }
    if (rc == 0 && code != SQLITE_DONE)
        rc = db_fail(l, "reading", err);
    sqlite3_reset(s);
    return rc;
}

/* ---- slices */

int log_list_slices(struct log *l, int64_t evaluation, const char *field, struct log_slice **out,
                    int *count, struct vs_err *err)
{
    sqlite3_stmt *s = NULL;
    int rc = db_ready(l, "SELECT field, value, items, scored, score_sum FROM evaluation_slices"
                         " WHERE evaluation_id = ?1 AND (?2 IS NULL OR field = ?2) ORDER BY field,"
                         " value", &s, err), code = SQLITE_DONE;
    *out = NULL;
    *count = 0;
    if (rc != 0)
        return rc;
    db_bind(s, "is", evaluation, field);
    while ((code = sqlite3_step(s)) == SQLITE_ROW) {
        *out = xreallocarray(*out, (size_t)*count + 1, sizeof **out);
        struct log_slice *x = &(*out)[(*count)++];
        *x = (struct log_slice){.field = db_need(s, 0), .value = db_need(s, 1),
                                .items = sqlite3_column_int64(s, 2),
                                .scored = sqlite3_column_int64(s, 3), .score = (double)NAN};
        if (x->scored > 0)
            x->score = sqlite3_column_double(s, 4) / (double)x->scored;
    }
    if (code != SQLITE_DONE)
        rc = db_fail(l, "reading", err);
    sqlite3_reset(s);
    return rc;
}

void log_slices_free(struct log_slice *s, int count)
{
    for (int i = 0; i < count; i++) {
        free(s[i].field);
        free(s[i].value);
    }
    free(s);
}
