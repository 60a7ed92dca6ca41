/* SPDX-License-Identifier: MIT */
/* Rows of evaluations, gathered from files and from the log. */
#include "src/study/rowfile.h"

#include "src/base/mem.h"
#include "src/formats/bytes.h"
#include "src/formats/filekind.h"
#include "src/engine/engine.h"
#include "src/task/task.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define LINES_PASSED 1024 /* of a file, until memory lets go of them */

static bool rowset_is_of(const struct row_evaluation *e, const struct row *r)
{
    return e->task == r->task && e->as_reference == r->as_reference &&
           strcmp(e->split, r->split) == 0 && strcmp(e->checkpoint, r->checkpoint) == 0;
}

/* Rows of one evaluation stand together: the last one is tried first. */
static struct row_evaluation *rowset_evaluation(struct rowset *s, const struct row *r)
{
    for (int i = s->count - 1; i >= s->first; i--)
        if (rowset_is_of(&s->list[i], r))
            return &s->list[i];
    s->list = xreallocarray(s->list, (size_t)s->count + 1, sizeof *s->list);
    s->list[s->count] = (struct row_evaluation){.task = r->task, .split = r->split,
                                                .checkpoint = r->checkpoint,
                                                .as_reference = r->as_reference,
                                                .source = s->source, .texts = s->texts};
    return &s->list[s->count++];
}

const struct row *row_at(const struct row_evaluation *e, int i)
{
    rows_passed(e);
    return e->rows[i];
}

void rows_passed(const struct row_evaluation *e)
{
    row_texts_passed(e->texts);
}

int rowset_add_line(struct rowset *s, const char *line, size_t length, const char *where,
                    struct vs_err *err)
{
    struct row r;
    const char *why;
    if (!row_read(row_texts_copy(s->texts, line, length), length, s->texts, &r, &why))
        return vs_fail(err, VS_E_FORMAT, "%s is no row of an evaluation (%s): rows are what "
                       "\"vilscope eval --rows\" writes", where, why);
    struct row_evaluation *e = rowset_evaluation(s, &r);
    if (e->count == e->room) {
        e->room = e->room ? 2 * e->room : 256;
        e->rows = xreallocarray(e->rows, (size_t)e->room, sizeof *e->rows);
    }
    e->rows[e->count++] = row_texts_keep(s->texts, &r);
    e->scored += r.scored;
    rows_passed(e);
    return 0;
}

/* ---- boxes */

#define CANDIDATES_MOST 1000

static bool candidate_read(const json_t *list, float *box)
{
    bool good = json_array_size(list) == 4;
    for (size_t i = 0; i < 4 && good; i++) {
        good = json_is_number(json_array_get(list, i));
        box[i] = (float)json_number_value(json_array_get(list, i));
    }
    return good && box[0] <= box[2] && box[1] <= box[3];
}

bool row_candidates(const struct row *r, struct box_list *out)
{
    json_t *line = json_loadb(r->line, r->length, JSON_ALLOW_NUL, NULL);
    const json_t *list = json_object_get(line, "candidates");
    size_t n = json_array_size(list);
    bool good = n > 0 && n <= CANDIDATES_MOST;
    *out = (struct box_list){0};
    if (good) {
        out->boxes = xcalloc(n, 4 * sizeof(float));
        out->count = (int)n;
    }
    for (size_t i = 0; i < n && good; i++)
        good = candidate_read(json_array_get(list, i), out->boxes + 4 * i);
    json_decref(line);
    if (!good) {
        free(out->boxes);
        *out = (struct box_list){0};
    }
    return good;
}

void rowset_begin(struct rowset *s, const char *source)
{
    if (!s->texts)
        s->texts = row_texts_on_disk();
    s->first = s->count;
    s->source = row_texts_copy(s->texts, source, strlen(source));
}

void rowset_drop(struct rowset *s)
{
    while (s->count > s->first)
        free(s->list[--s->count].rows);
}

static bool rowset_is_blank(const char *line, size_t length)
{
    return strspn(line, " \t\r") >= length || length == 0;
}

static int rowset_add_lines(struct rowset *s, const struct bytes *file, struct vs_err *err)
{
    const char *text = (const char *)file->data, *end = text + file->size, *stop;
    int rc = 0;
    if (text < end && !memchr("{ \t\r\n", *text, 5))
        return vs_fail(err, VS_E_FORMAT, "%s: is %s, not rows of an evaluation: those are what "
                       "\"vilscope eval --rows\" writes", file->path, file_kind(file));
    for (long number = 1; rc == 0 && text < end; text = stop + 1, number++) {
        stop = memchr(text, '\n', (size_t)(end - text));
        if (!stop && end[-1] != '}') /* cut off */
            break;
        stop = stop ? stop : end; /* whole, but for its new line */
        if (rowset_is_blank(text, (size_t)(stop - text)))
            continue;
        char *where = xasprintf("%s: line %ld", file->path, number);
        rc = rowset_add_line(s, text, (size_t)(stop - text), where, err);
        free(where);
        if (number % LINES_PASSED == 0)
            bytes_rest(file);
    }
    if (rc == 0 && s->count == s->first)
        rc = vs_fail(err, VS_E_FORMAT, "%s: has no row of an evaluation: rows are what \"vilscope "
                     "eval --rows\" writes", file->path);
    return bytes_check(file, rc, err);
}

int rowset_add_file(struct rowset *s, const char *path, struct vs_err *err)
{
    rowset_begin(s, path);
    struct bytes file;
    int rc = bytes_map(path, &file, err);
    if (rc != 0)
        return rc;
    rc = rowset_add_lines(s, &file, err);
    bytes_close(&file);
    return rc;
}

void rowset_fini(struct rowset *s)
{
    for (int i = 0; i < s->count; i++)
        free(s->list[i].rows);
    free(s->list);
    row_texts_free(s->texts);
    *s = (struct rowset){0};
}

/* ---- order */

static int rowset_by_index(const void *a, const void *b)
{
    const struct row *const *p = a, *const *q = b, *x = *p, *y = *q;
    if (x->index != y->index)
        return x->index < y->index ? -1 : 1;
    return x->line < y->line ? -1 : x->line > y->line;
}

static int rowset_twice(const struct row *r, struct vs_err *err)
{
    return vs_fail(err, VS_E_FORMAT, "item %s of %s %s on %s has two rows that are not the same: "
                   "they are of two runs; give only one of them", r->id, r->task->name, r->split,
                   r->checkpoint);
}

/* Equal rows of an item are one. */
static int rowset_unite(struct row_evaluation *e, struct vs_err *err)
{
    int n = 0;
    for (int i = 0; i < e->count; i++) {
        const struct row *r = row_at(e, i), *last = n ? e->rows[n - 1] : NULL;
        if (!last || last->index != r->index) {
            e->rows[n++] = r;
            continue;
        }
        if (last->length != r->length || memcmp(last->line, r->line, r->length) != 0)
            return rowset_twice(r, err);
        e->scored -= r->scored;
    }
    e->count = n;
    return 0;
}

static bool rowset_in_order(const struct row_evaluation *e)
{
    for (int i = 1; i < e->count; i++)
        if (e->rows[i - 1]->index >= row_at(e, i)->index)
            return false;
    return true;
}

int rowset_finish(struct rowset *s, struct vs_err *err)
{
    int rc = 0;
    for (int i = 0; i < s->count && rc == 0; i++) {
        struct row_evaluation *e = &s->list[i];
        if (rowset_in_order(e))
            continue;
        vs_sort(e->rows, (size_t)e->count, sizeof *e->rows, rowset_by_index);
        rc = rowset_unite(e, err);
    }
    return rc;
}
