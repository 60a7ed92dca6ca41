/* SPDX-License-Identifier: MIT */
/* vilscope sessions evaluations, evaluation, import: what was measured, and its rows. */
#include "src/cmd/cmd_model.h"
#include "src/cmd/cmd_sessions.h"
#include "src/cmd/vilscope.h"

#include "src/base/mem.h"
#include "src/base/plain.h"
#include "src/study/eval.h"
#include "src/study/rowfile.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- lists */

static json_t *evaluation_value(const struct log_evaluated *x)
{
    const struct log_evaluation *e = &x->e;
    return json_pack(
        "{s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:i, s:i, s:f, s:f, s:f}",
        "evaluation", (json_int_t)x->id, "session", (json_int_t)x->session, "measured",
        plain_string(x->measured), "task", plain_string(e->task ? e->task->name : NULL), "split",
        plain_string(e->split), "model", plain_string(e->model), "checkpoint",
        plain_string(e->checkpoint_name), "digest", plain_string(e->checkpoint_digest), "data",
        plain_string(e->data_path), "data_digest", plain_string(e->data_digest), "items", e->items,
        "rows", e->row_count, "score", e->score, "low", e->low, "high", e->high);
}

/* "e3", told apart from the numbers of queries. */
static void print_evaluation(const struct log_evaluated *x)
{
    const struct log_evaluation *e = &x->e;
    plain_out("e%-5lld %.19s  %-10s %s%s%s: %.1f%% (%.1f to %.1f) of %d items%s\n",
              (long long)x->id, x->measured, e->task ? e->task->name : "?",
              e->split ? e->split : "", e->split ? ", " : "",
              e->checkpoint_name ? e->checkpoint_name : "", 100 * e->score, 100 * e->low,
              100 * e->high, e->items, e->row_count ? "" : ", without rows");
}

int sessions_list_evaluations(const struct log_filter *f, struct log *l, json_t *all,
                              struct vs_err *err)
{
    struct log_evaluated *list;
    int n;
    int rc = log_list_evaluations(l, f->session, &list, &n, err);
    if (rc != 0)
        return rc;
    for (int i = 0; i < n; i++) {
        const struct log_evaluation *e = &list[i].e;
        if (f->task && (!e->task || strcmp(f->task, e->task->name) != 0))
            continue;
        if (f->checkpoint && strcmp(f->checkpoint, e->checkpoint_digest) != 0 &&
            (!e->checkpoint_name || strcmp(f->checkpoint, e->checkpoint_name) != 0))
            continue;
        if (all)
            json_array_append_new(all, evaluation_value(&list[i]));
        else
            print_evaluation(&list[i]);
    }
    log_evaluations_free(list, n);
    return 0;
}

int sessions_evaluations(const struct sessions_options *o, struct log *l, struct vs_err *err)
{
    struct log_filter f = o->filter;
    json_t *all = o->json ? json_array() : NULL;
    int rc = o->arg_count ? sessions_id(o->args[0], &f.session, err) : 0;
    if (rc == 0)
        rc = sessions_list_evaluations(&f, l, all, err);
    if (rc == 0 && all)
        return command_json(all, JSON_INDENT(1));
    json_decref(all);
    return rc;
}

/* ---- one, with its slices or its rows */

static int evaluation_add_slices(struct log *l, int64_t id, json_t *v, struct vs_err *err)
{
    struct log_slice *list;
    int n;
    int rc = log_list_slices(l, id, NULL, &list, &n, err);
    json_t *all = json_array();
    for (int i = 0; i < n && rc == 0; i++)
        json_array_append_new(all, json_pack("{s:o, s:o, s:I, s:o}", "field",
                                             plain_string(list[i].field), "value",
                                             plain_string(list[i].value), "items",
                                             (json_int_t)list[i].items, "score",
                                             plain_number(list[i].score)));
    log_slices_free(list, rc == 0 ? n : 0);
    json_object_set_new(v, "slices", all);
    return rc;
}

static int evaluation_print_row(void *arg, const char *line, size_t length, struct vs_err *err)
{
    char *text = xstrndup(line, length);
    (void)arg;
    (void)err;
    plain_json_line(text);
    free(text);
    return 0;
}

int sessions_evaluation(const struct sessions_options *o, struct log *l, struct vs_err *err)
{
    struct log_evaluated *x = NULL;
    int64_t id;
    int rc = sessions_id(o->args[0] + (o->args[0][0] == 'e'), &id, err);
    if (rc == 0)
        rc = log_find_evaluation(l, id, &x, err);
    if (rc != 0)
        return rc;
    if (o->rows) {
        rc = log_read_evaluation_rows(l, id, evaluation_print_row, NULL, err);
    } else {
        json_t *v = evaluation_value(x);
        rc = evaluation_add_slices(l, id, v, err);
        if (rc == 0)
            command_json(v, JSON_INDENT(1));
        else
            json_decref(v);
    }
    log_evaluations_free(x, 1);
    return rc;
}

/* ---- import */

struct importing {
    const struct sessions_options *o;
    struct log *l;
    struct model *m; /* of -m, or NULL */
    int64_t session;
    json_t *told; /* with --json */
};

/* Which file a checkpoint's name means: one of -m, or the only one that the log knows. */
static int import_digest(const struct importing *g, const char *name, char digest[DIGEST_HEX],
                         struct vs_err *err)
{
    for (int i = 0; g->m && i < model_checkpoint_count(g->m); i++)
        if (strcmp(model_checkpoint_name(g->m, i), name) == 0) {
            model_checkpoint_digest(g->m, i, digest);
            return 0;
        }
    return log_checkpoint_named(g->l, name, digest, err);
}

/* Rows do not have the digest of the set, but its items. */
static void import_items_digest(const struct row_evaluation *e, char digest[DIGEST_HEX])
{
    struct sha256 s;
    sha256_init(&s);
    for (int i = 0; i < e->count; i++) {
        const struct row *r = row_at(e, i);
        const char *const texts[] = {r->id, r->image, r->text};
        for (size_t k = 0; k < sizeof texts / sizeof texts[0]; k++)
            sha256_add(&s, texts[k], strlen(texts[k]) + 1);
    }
    sha256_hex(&s, digest);
}

/* Whether the log has the same already: its number, or 0. */
static int import_find(const struct importing *g, const struct log_evaluation *e, int rows,
                       int64_t *there, struct vs_err *err)
{
    struct log_evaluated *list;
    int n;
    *there = 0;
    int rc = log_list_evaluations(g->l, 0, &list, &n, err);
    for (int i = 0; rc == 0 && i < n; i++) {
        const struct log_evaluation *x = &list[i].e;
        if (x->task == e->task && x->row_count == rows &&
            strcmp(x->split ? x->split : "", e->split ? e->split : "") == 0 &&
            x->as_reference == e->as_reference &&
            strcmp(x->checkpoint_digest, e->checkpoint_digest) == 0 &&
            fabs(x->score - e->score) < 1e-12)
            *there = list[i].id;
    }
    log_evaluations_free(list, rc == 0 ? n : 0);
    return rc;
}

static double import_score(const struct row_evaluation *e)
{
    double sum = 0;
    for (int i = 0; i < e->count; i++) {
        const struct row *r = row_at(e, i);
        sum += r->scored ? r->score : 0;
    }
    return sum / e->scored;
}

static void import_tell(struct importing *g, const struct row_evaluation *e, int64_t there)
{
    if (g->told)
        json_array_append_new(g->told, json_pack("{s:s, s:o, s:o, s:i, s:b}", "task",
                                                 e->task->name, "split", plain_string(e->split),
                                                 "checkpoint", plain_string(e->checkpoint), "rows",
                                                 e->count, "new", there == 0));
    else
        plain_out("%s%s%s, %s: %d rows%s\n", e->task->name, e->split[0] ? " " : "", e->split,
                  e->checkpoint, e->count, there ? " were there" : "");
}

static int import_one(struct importing *g, const struct row_evaluation *rows, struct vs_err *err)
{
    char data[DIGEST_HEX];
    struct buf lines = {0};
    int64_t there = 0;
    struct log_evaluation e = {.task = rows->task, .checkpoint_name = rows->checkpoint,
                               .data_path = rows->source, .data_digest = data,
                               .items = rows->count,
                               .split = rows->split[0] ? rows->split : NULL,
                               .as_reference = rows->as_reference};
    if (rows->scored == 0)
        return vs_fail(err, VS_E_REFUSED, "%s: %s %s on %s has no scores, and only those are "
                       "logged", rows->source, rows->task->name, rows->split, rows->checkpoint);
    int rc = import_digest(g, rows->checkpoint, e.checkpoint_digest, err);
    if (rc != 0)
        return rc;
    import_items_digest(rows, data);
    e.score = import_score(rows);
    eval_interval(e.score, rows->scored, &e.low, &e.high);
    rc = import_find(g, &e, rows->count, &there, err);
    if (rc == 0 && !there) {
        for (int i = 0; i < rows->count; i++) {
            const struct row *r = row_at(rows, i);
            buf_add(&lines, r->line, r->length);
            buf_putc(&lines, '\n');
        }
        e.rows = lines.data;
        e.rows_size = lines.len;
        if (!g->session)
            rc = log_begin_session(g->l, "import", &g->session, err);
        if (rc == 0)
            rc = log_evaluation(g->l, g->session, &e, err);
    }
    buf_fini(&lines);
    if (rc == 0)
        import_tell(g, rows, there);
    return rc;
}

int sessions_import(const struct sessions_options *o, struct log *l, struct vs_err *err)
{
    struct importing g = {.o = o, .l = l, .told = o->json ? json_array() : NULL};
    struct rowset set = {0};
    int rc = 0;
    for (int i = 0; i < o->arg_count && rc == 0; i++)
        rc = rowset_add_file(&set, o->args[i], err);
    if (rc == 0)
        rc = rowset_finish(&set, err);
    struct model_options how = o->model;
    if (rc == 0 && (how.dir || command_server(&how)))
        rc = model_open(&how, &g.m, err);
    for (int i = 0; i < set.count && rc == 0; i++)
        rc = import_one(&g, &set.list[i], err);
    if (g.session) {
        int ended = log_end_session(l, g.session, rc ? NULL : err);
        rc = rc ? rc : ended;
    }
    model_free(g.m);
    rowset_fini(&set);
    if (rc == 0 && g.told)
        return command_json(g.told, JSON_INDENT(1));
    json_decref(g.told);
    return rc;
}
