/* SPDX-License-Identifier: MIT */
/* The rows of an earlier run: what is in them need not be computed again. */
#include "src/study/evaluation_priv.h"

#include "src/base/mem.h"
#include "src/base/stream.h"

#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where a row is, and which evaluation it is of. */
struct past_row {
    long at;
    size_t length; /* without its new line */
    char *task, *split, *checkpoint;
    bool as_reference;
};

struct evaluation_past {
    char *path;
    FILE *file;
    size_t size;
    struct past_row *rows;
    int count, room;
};

void evaluation_past_close(struct evaluation_past *p)
{
    if (!p)
        return;
    for (int i = 0; i < p->count; i++) {
        free(p->rows[i].task);
        free(p->rows[i].split);
        free(p->rows[i].checkpoint);
    }
    free(p->rows);
    if (p->file)
        fclose(p->file);
    free(p->path);
    free(p);
}

size_t evaluation_past_size(const struct evaluation_past *p)
{
    return p->size;
}

const char *evaluation_past_path(const struct evaluation_past *p)
{
    return p->path;
}

void past_items_fini(struct past_items *p)
{
    free(p->lines);
    free(p->marks);
    free(p->last_row);
    *p = (struct past_items){.last = -1};
}

static char *text_of(const json_t *row, const char *key)
{
    const char *text = json_string_value(json_object_get(row, key));
    return text ? xstrdup(text) : NULL;
}

static int add_row(struct evaluation_past *p, const char *line, size_t length, long at,
                   struct vs_err *err)
{
    json_t *row = json_loadb(line, length, JSON_ALLOW_NUL, NULL);
    struct past_row r = {at, length, text_of(row, "task"), text_of(row, "split"),
                         text_of(row, "checkpoint"),
                         json_is_true(json_object_get(row, "as_reference"))};
    bool good = r.task && r.split && r.checkpoint;
    json_decref(row);
    if (p->count == p->room) {
        p->room = p->room ? 2 * p->room : 256;
        p->rows = xreallocarray(p->rows, (size_t)p->room, sizeof *p->rows);
    }
    p->rows[p->count++] = r;
    return good ? 0 : vs_fail(err, VS_E_FORMAT, "%s: line %d is no row of an evaluation", p->path,
                              p->count);
}

static int read_rows(struct evaluation_past *p, struct vs_err *err)
{
    char *line = NULL;
    size_t room = 0;
    int rc = 0;
    for (ssize_t n; rc == 0 && (n = getline(&line, &room, p->file)) > 0;) {
        if (line[n - 1] != '\n' && line[0] == '{') /* cut off */
            break;
        rc = add_row(p, line, (size_t)n - (line[n - 1] == '\n'), (long)p->size, err);
        p->size += (size_t)n;
    }
    if (rc == 0 && ferror(p->file))
        rc = vs_fail(err, VS_E_IO, "%s: cannot be read: %s", p->path, strerror(errno));
    free(line);
    return rc;
}

int evaluation_past_open(const char *path, struct evaluation_past **out, struct vs_err *err)
{
    struct evaluation_past *p = xcalloc(1, sizeof *p);
    p->path = xstrdup(path);
    int rc = stream_check(path, err);
    p->file = rc ? NULL : fopen(path, "re");
    if (p->file)
        rc = read_rows(p, err);
    else if (rc == 0 && errno != ENOENT)
        rc = vs_fail(err, VS_E_IO, "%s: cannot be read: %s", path, strerror(errno));
    if (rc == 0)
        *out = p;
    else
        evaluation_past_close(p);
    return rc;
}

/* ---- one evaluation's */

/* A file of the reference's folder may have rows of other tasks and splits, one of another set has
 * none. */
static bool is_of(const struct past_row *r, const struct eval_set *s, const char *checkpoint)
{
    if (strcmp(r->checkpoint, checkpoint) != 0)
        return false;
    return !s->reference || (strcmp(r->task, s->items[0].task->name) == 0 &&
                             strcmp(r->split, s->split) == 0 &&
                             r->as_reference == (s->as_reference && s->annotated));
}

static char *row_text(const struct evaluation_past *p, const struct past_row *r)
{
    char *text = xcalloc(r->length + 1, 1);
    if (fseek(p->file, r->at, SEEK_SET) == 0 && fread(text, 1, r->length, p->file) == r->length)
        return text;
    free(text);
    return NULL;
}

/* The item of a row: in its place, with its name; NULL: there is none. */
static const struct eval_item *item_of(const struct eval_set *s, const char *task,
                                       const json_t *row)
{
    const json_t *index = json_object_get(row, "index"), *id = json_object_get(row, "id");
    json_int_t at = json_integer_value(index);
    char number[32];
    snprintf(number, sizeof number, "%lld", (long long)json_integer_value(id));
    const char *name = json_is_integer(id) ? number : json_string_value(id);
    if (!json_is_integer(index) || at < 0 || at >= s->count || !name ||
        strcmp(name, s->items[at].id) != 0 || strcmp(task, s->items[at].task->name) != 0)
        return NULL;
    return &s->items[at];
}

/* 0 where there is none, -1 for what is no place. */
static int int_of(const json_t *row, const char *key)
{
    json_int_t x = json_integer_value(json_object_get(row, key));
    return x < 0 || x > INT_MAX ? -1 : (int)x;
}

static void read_mark(const json_t *row, struct eval_verdict *v)
{
    const json_t *boxes = json_object_get(row, "boxes");
    v->mark = (struct eval_mark){
        .score = v->score, .rank = v->rank,
        .chance = json_number_value(json_object_get(row, "chance")),
        .found = (int)json_integer_value(json_array_get(boxes, 0)),
        .named = (int)json_integer_value(json_array_get(boxes, 1)),
        .text = json_is_true(json_object_get(row, "text_right")),
        .image = json_is_true(json_object_get(row, "image_right")),
        .foreign = json_is_true(json_object_get(row, "outside_domain")),
        .unlisted = json_is_true(json_object_get(row, "unlisted"))};
}

float *evaluation_logits(const struct json_t *row, int *count)
{
    const json_t *list = json_object_get(row, "logits");
    *count = (int)json_array_size(list);
    float *v = xcalloc((size_t)*count + 1, sizeof *v);
    for (int i = 0; i < *count; i++) {
        const json_t *x = json_array_get(list, (size_t)i);
        v[i] = json_is_null(x) ? -INFINITY : (float)json_number_value(x);
    }
    return v;
}

static void read_verdict(const json_t *row, struct eval_verdict *v)
{
    v->choice = int_of(row, "choice");
    v->rank = int_of(row, "rank");
    v->shifted = json_is_true(json_object_get(row, "shifted"));
    v->score = json_number_value(json_object_get(row, "score"));
    v->iou = (float)json_number_value(json_object_get(row, "iou"));
    read_mark(row, v);
    v->logits = v->own = evaluation_logits(row, &v->count);
}

/* Whether what was chosen can be: the rows are a file that anything may have been done to. */
static bool fits(const struct eval_verdict *v, const struct eval_set *s, const struct eval_item *it)
{
    if (v->choice < 0 || v->rank < 0 || !(v->score >= 0 && v->score <= 1))
        return false;
    if (s->pool)
        return v->count == s->pool_count && v->choice < v->count && v->rank < v->count;
    if (!s->reference) /* nothing is looked up by what was chosen */
        return v->mark.found >= 0 && v->mark.named >= v->mark.found;
    if (it->choices) /* one more: what the reference fills up with */
        return v->count > 0 && v->count <= it->choice_count && v->choice <= v->count;
    return v->count ? v->choice < v->count
                    : !s->classes || !it->scored || v->choice < s->classes;
}

static int take_row(const struct evaluation_past *p, int number, const struct eval_set *s,
                    bool in_parts, struct past_items *out, past_take *take, void *arg,
                    struct vs_err *err)
{
    char *text = row_text(p, &p->rows[number]);
    json_t *row = text ? json_loads(text, JSON_ALLOW_NUL, NULL) : NULL;
    const struct eval_item *it = row ? item_of(s, p->rows[number].task, row) : NULL;
    struct eval_verdict v = {0};
    int rc = it ? 0 : vs_fail(err, VS_E_FORMAT, "%s: line %d is of an item that %s%s has not: "
                              "it is of other data; give another file, or none to go on from",
                              p->path, number + 1, s->reference ? "split " : "",
                              s->reference ? s->split : s->path);
    if (rc == 0) {
        read_verdict(row, &v);
        if (!fits(&v, s, it))
            rc = vs_fail(err, VS_E_FORMAT, "%s: line %d is no row of %s: what it chose cannot be "
                         "chosen; give another file, or none to go on from", p->path, number + 1,
                         it->task->name);
    }
    if (rc == 0 && !in_parts && out->last >= 0 && eval_is_before(it, &s->items[out->last]) &&
        !out->lines[it - s->items])
        rc = vs_fail(err, VS_E_FORMAT, "%s: line %d is of item %s, whose place is before that of "
                     "line %d: rows stand in the order of the items; cut the file off before the "
                     "line, or give another", p->path, number + 1, it->id, out->lines[out->last]);
    if (rc == 0 && !out->lines[it - s->items]) {
        out->lines[it - s->items] = number + 1;
        out->marks[it - s->items] = v.mark;
        out->last = (int)(it - s->items);
        free(out->last_row);
        out->last_row = text;
        text = NULL;
        rc = take(arg, it, out->last_row, &v, err);
    }
    eval_verdict_fini(&v);
    json_decref(row);
    free(text);
    return rc;
}

int evaluation_past_read(const struct evaluation_past *p, const struct eval_set *s,
                         const char *checkpoint, bool in_parts, struct past_items *out,
                         past_take *take, void *arg, struct vs_err *err)
{
    int rc = 0;
    out->last = -1;
    out->lines = xcalloc((size_t)s->count, sizeof *out->lines);
    out->marks = xcalloc((size_t)s->count, sizeof *out->marks);
    for (int i = 0; i < p->count && rc == 0; i++)
        if (is_of(&p->rows[i], s, checkpoint))
            rc = take_row(p, i, s, in_parts, out, take, arg, err);
    return rc;
}
