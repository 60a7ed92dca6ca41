/* SPDX-License-Identifier: MIT */
/* Rows of evaluations, gathered from files and logs. */
#include "src/cmd/cmd_rows.h"

#include "src/base/mem.h"
#include "src/base/plain.h"
#include "src/cmd/cmd_sessions.h"
#include "src/task/task.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct rows_gathering {
    const struct rows_wanted *w;
    struct rows_given *out;
    char *where; /* of the row that is being read */
};

/* A folder is one of logs; files of rows begin otherwise. */
static bool rows_are_logged(const char *path)
{
    static const char head[] = "SQLite format 3";
    char start[sizeof head] = "";
    struct stat st;
    if (stat(path, &st) != 0)
        return false;
    FILE *f = S_ISREG(st.st_mode) ? fopen(path, "re") : NULL;
    size_t n = f ? fread(start, 1, sizeof start, f) : 0;
    if (f)
        fclose(f);
    return S_ISDIR(st.st_mode) || (n == sizeof start && memcmp(start, head, sizeof head) == 0);
}

/* One entry for each evaluation of the set. */
static void rows_note(struct rows_given *out, int from, struct log_evaluated *of)
{
    out->logged = xreallocarray(out->logged, (size_t)out->set.count + 1, sizeof *out->logged);
    for (int i = from; i < out->set.count; i++)
        out->logged[i] = (struct log_evaluated){0};
    if (!of || out->set.count == from)
        return;
    out->logged[from] = *of; /* its texts, too */
    out->set.list[from].data = of->e.data_digest;
}

/* ---- logs */

static int rows_take_line(void *arg, const char *line, size_t length, struct vs_err *err)
{
    struct rows_gathering *g = arg;
    return rowset_add_line(&g->out->set, line, length, g->where, err);
}

static bool rows_want_name(const struct rows_wanted *w, const char *name)
{
    bool wanted = !w->checkpoints || w->checkpoints->count == 0;
    for (int i = 0; !wanted && i < w->checkpoints->count; i++)
        wanted = name && strcmp(w->checkpoints->list[i], name) == 0;
    return wanted;
}

static bool rows_want(const struct rows_wanted *w, const struct log_evaluated *x)
{
    bool listed = w->evaluation_count == 0 && x->e.row_count > 0;
    for (int i = 0; i < w->evaluation_count; i++)
        listed |= w->evaluations[i] == x->id;
    return listed && (!w->task || w->task == x->e.task) &&
           (!w->split || (x->e.split && strcmp(w->split, x->e.split) == 0)) &&
           rows_want_name(w, x->e.checkpoint_name);
}

static int rows_read_evaluation(struct rows_gathering *g, struct log *l, struct log_evaluated *x,
                                struct vs_err *err)
{
    int before = g->out->set.count;
    if (x->e.row_count == 0)
        return vs_fail(err, VS_E_MISSING, "%s: evaluation %" PRId64 " has no rows: it was logged "
                       "before there were any, or by another command", log_path(l), x->id);
    g->where = xasprintf("%s: evaluation %" PRId64, log_path(l), x->id);
    rowset_begin(&g->out->set, g->where);
    int rc = log_read_evaluation_rows(l, x->id, rows_take_line, g, err);
    free(g->where);
    g->where = NULL;
    rows_note(g->out, before, x);
    if (g->out->set.count > before)
        *x = (struct log_evaluated){0};
    return rc;
}

/* Shards of several checkpoints are measured in any order: places say which is the first. */
static int rows_by_task(const void *a, const void *b)
{
    const struct log_evaluated *x = a, *y = b;
    if (x->e.task != y->e.task)
        return x->e.task < y->e.task ? -1 : 1;
    if (x->e.place != y->e.place)
        return x->e.place < y->e.place ? -1 : 1;
    return (x->id > y->id) - (x->id < y->id);
}

/* Alone a share says little of the whole: it has to be asked for by its number. */
static bool rows_are_share(const struct rows_gathering *g, const struct log_evaluated *x)
{
    bool share = x->e.shard > 0 && x->e.shards > 1 && g->w->evaluation_count == 0;
    g->out->shares += share;
    return share;
}

/* Every one that is named has to be there. */
static int rows_check_ids(const struct rows_wanted *w, struct log *l, struct vs_err *err)
{
    int rc = 0;
    for (int i = 0; i < w->evaluation_count && rc == 0; i++) {
        struct log_evaluated *x = NULL;
        rc = log_find_evaluation(l, w->evaluations[i], &x, err);
        log_evaluations_free(x, rc == 0);
    }
    return rc;
}

static int rows_read_log(struct rows_gathering *g, const char *path, struct vs_err *err)
{
    struct log_evaluated *list = NULL;
    struct log *l = NULL;
    int n = 0;
    int rc = log_open(path, true, &l, err);
    if (rc == 0)
        rc = rows_check_ids(g->w, l, err);
    if (rc == 0)
        rc = log_list_evaluations(l, 0, &list, &n, err);
    if (rc == 0 && n)
        vs_sort(list, (size_t)n, sizeof *list, rows_by_task);
    for (int i = 0; i < n && rc == 0; i++)
        if (rows_want(g->w, &list[i]) && !rows_are_share(g, &list[i]))
            rc = rows_read_evaluation(g, l, &list[i], err);
    log_evaluations_free(list, n);
    log_close(l);
    return rc;
}

/* ---- files */

static bool rows_want_evaluation(const struct rows_wanted *w, const struct row_evaluation *e)
{
    return (!w->task || w->task == e->task) && (!w->split || strcmp(w->split, e->split) == 0) &&
           rows_want_name(w, e->checkpoint);
}

/* Evaluations of a file that are not wanted go again. */
static void rows_drop(const struct rows_wanted *w, struct rowset *set, int from)
{
    int n = from;
    for (int i = from; i < set->count; i++)
        if (rows_want_evaluation(w, &set->list[i]))
            set->list[n++] = set->list[i];
        else
            free(set->list[i].rows);
    set->count = n;
}

static int rows_read_file(struct rows_gathering *g, const char *path, struct vs_err *err)
{
    int before = g->out->set.count;
    int rc = rowset_add_file(&g->out->set, path, err);
    rows_drop(g->w, &g->out->set, before);
    rows_note(g->out, before, NULL);
    return rc;
}

int rows_gather(const struct rows_wanted *w, struct rows_given *out, struct vs_err *err)
{
    struct rows_gathering g = {.w = w, .out = out};
    int rc = 0;
    *out = (struct rows_given){0};
    for (int i = 0; i < w->source_count && rc == 0; i++) {
        bool logged = rows_are_logged(w->sources[i]);
        if (!logged && w->evaluation_count)
            rc = vs_fail(err, VS_E_USAGE, "%s: is no log, whose evaluations have numbers: without "
                         "--evaluation all of a file are taken", w->sources[i]);
        else
            rc = logged ? rows_read_log(&g, w->sources[i], err)
                        : rows_read_file(&g, w->sources[i], err);
    }
    if (rc == 0)
        rc = rowset_finish(&out->set, err);
    if (rc == 0 && out->set.count == 0 && out->shares)
        rc = vs_fail(err, VS_E_MISSING, "%s: has shards only, of evaluations that are not whole: "
                     "\"vilscope sessions merge\" joins them and says what is missing",
                     w->sources[0]);
    if (rc == 0 && out->set.count == 0)
        rc = vs_fail(err, VS_E_MISSING, "%s: has no evaluation with rows that is asked for: "
                     "\"vilscope sessions evaluations\" lists those of a log", w->sources[0]);
    return rc;
}

int rows_ids(const struct words *typed, int64_t *ids, int *count, struct vs_err *err)
{
    int rc = 0;
    for (*count = 0; *count < typed->count && rc == 0; ++*count)
        rc = sessions_id(typed->list[*count], &ids[*count], err);
    return rc;
}

bool rows_say_shares(const char *command, const struct rows_given *g)
{
    if (g->shares)
        plain_text(stderr, "vilscope %s: note: %d evaluations are left out, shards of which others "
                   "are missing (\"vilscope sessions merge\" says which)\n", command, g->shares);
    return g->shares > 0;
}

void rows_given_fini(struct rows_given *g)
{
    for (int i = 0; g->logged && i < g->set.count; i++) {
        struct log_evaluated *one = xcalloc(1, sizeof *one);
        *one = g->logged[i];
        log_evaluations_free(one, 1);
    }
    free(g->logged);
    rowset_fini(&g->set);
}

int rows_gather_typed(const struct words *files, const struct words *evaluations,
                      const struct rows_wanted *w, struct rows_given *out, struct vs_err *err)
{
    struct rows_wanted all = *w;
    int64_t ids[WORDS_MOST];
    all.sources = files->list;
    all.source_count = files->count;
    all.evaluations = ids;
    int rc = rows_ids(evaluations, ids, &all.evaluation_count, err);
    return rc ? rc : rows_gather(&all, out, err);
}
