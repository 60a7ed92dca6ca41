/* SPDX-License-Identifier: MIT */
/* vilscope eval --shard: a share of an evaluation, which may be killed at any moment and goes on
 * when the same command is given again, on whatever machine. Two runs never write to one file, as
 * locks may not reach other machines and the lock of one that died would shut out the next: each
 * puts its rows into a file of its own, begun with those of earlier runs, and they become a log
 * when the share is done. In a folder of logs that is one of its own, which is there whole or not
 * at all. */
#include "src/cmd/cmd_eval.h"

#include "sessions/log.h"
#include "src/base/mem.h"
#include "src/base/plain.h"
#include "src/cmd/cmd_log.h"
#include "src/formats/tempfile.h"
#include "src/study/rowfile.h"

#include <config.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A row of an earlier run. */
struct kept {
    const struct task *task;
    const char *checkpoint, *line; /* of texts */
    size_t length;
    int index;
};
struct gathering {
    struct eval_part *part;
    struct row_texts *texts;
    struct kept *list;
    int count;
    char **old; /* files of rows, which the new one replaces */
    int old_count;
};

/* ---- what it is called */

static void digest_text(struct sha256 *s, const char *text)
{
    sha256_add(s, text ? text : "", text ? strlen(text) + 1 : 1);
}

static void part_key(struct eval_part *p, const struct eval_part_of *of, char run[DIGEST_HEX])
{
    const char *const texts[] = {VERSION, of->data, of->data_digest, of->source->split,
                                 of->source->regions, of->source->candidates, of->source->images,
                                 of->source->task ? of->source->task->name : NULL,
                                 of->device, of->as_reference ? "as the reference" : NULL};
    struct sha256 s;
    char digest[DIGEST_HEX];
    sha256_init(&s);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        digest_text(&s, texts[i]);
    sha256_numbers(&s, &(float){(float)of->limit}, 1, sizeof(float));
    struct sha256 with = s; /* the checkpoints, which are others in other tasks of an array */
    sha256_hex(&s, p->key);
    for (int i = 0; i < model_checkpoint_count(of->m); i++) {
        model_checkpoint_digest(of->m, i, digest);
        digest_text(&with, digest);
    }
    sha256_hex(&with, run);
}

/* Names of all runs of the share begin with stem; "FOLDER/eval-0123abcd-3of16-", or beside a log
 * "LOG.eval-...". */
static int part_name(struct eval_part *p, const struct eval_part_of *of, const char *log,
                     struct vs_err *err)
{
    char run[DIGEST_HEX], random[TEMPFILE_RANDOM];
    bool folder = log_names_folder(log);
    size_t n = strlen(log);
    part_key(p, of, run);
    p->stem = xasprintf("%s%seval-%.8s-%dof%d-", log,
                        !folder ? "." : n && log[n - 1] == '/' ? "" : "/", run, p->shard.index,
                        p->shard.count);
    int rc = log_make_folders(p->stem, err);
    if (rc == 0)
        rc = tempfile_random(random, err);
    if (rc != 0)
        return rc;
    p->rows = xasprintf("%s%.8s.rows", p->stem, random);
    p->final = folder ? xasprintf("%s%.8s.db", p->stem, random) : NULL;
    const char *base = strrchr(p->stem, '/');
    int before = base ? (int)(base - p->stem) + 1 : 0;
    p->log = folder ? xasprintf("%.*s.%s%.8s.db", before, p->stem, p->stem + before, random)
                    : xstrdup(log);
    return 0;
}

/* ---- what earlier runs left */

static int keep_line(void *arg, const char *line, size_t length, struct vs_err *err)
{
    struct gathering *g = arg;
    struct row r;
    const char *why;
    (void)err;
    const char *copy = row_texts_copy(g->texts, line, length);
    if (!row_read(copy, length, g->texts, &r, &why))
        return 0; /* what is cut off is measured again */
    if ((g->count & (g->count - 1)) == 0)
        g->list = xreallocarray(g->list, g->count ? 2 * (size_t)g->count : 1, sizeof *g->list);
    g->list[g->count++] = (struct kept){r.task, r.checkpoint, copy, length, r.index};
    return 0;
}

static int keep_rows(struct gathering *g, const char *path)
{
    char *line = NULL;
    size_t room = 0;
    FILE *f = fopen(path, "re");
    for (ssize_t n; f && (n = getline(&line, &room, f)) > 1;)
        if (line[n - 1] == '\n')
            keep_line(g, line, (size_t)n - 1, NULL);
    if (f)
        fclose(f);
    free(line);
    return 0;
}

static void note_there(struct eval_part *p, const struct log_evaluation *e)
{
    p->there = xreallocarray(p->there, (size_t)p->there_count + 1, sizeof *p->there);
    struct part_there *t = &p->there[p->there_count++];
    t->task = e->task;
    memcpy(t->digest, e->checkpoint_digest, sizeof t->digest);
}

/* Evaluations that are this share, with their rows. */
static int keep_log(struct gathering *g, const char *path, struct vs_err *err)
{
    struct log *l = NULL;
    struct log_evaluated *list = NULL;
    int n = 0;
    int rc = log_open(path, true, &l, err);
    if (rc == 0)
        rc = log_list_evaluations(l, 0, &list, &n, err);
    for (int i = 0; i < n && rc == 0; i++) {
        const struct log_evaluation *e = &list[i].e;
        if (!e->part || strcmp(e->part, g->part->key) != 0 || e->shard != g->part->shard.index ||
            e->shards != g->part->shard.count)
            continue;
        note_there(g->part, e);
        rc = log_read_evaluation_rows(l, list[i].id, keep_line, g, err);
    }
    log_evaluations_free(list, n);
    log_close(l);
    return rc;
}

/* A log that cannot be read is one that a merge will name: the share is measured again. */
static int gather(struct gathering *g, struct vs_err *err)
{
    const char *base = strrchr(g->part->stem, '/');
    size_t before = base ? (size_t)(base - g->part->stem) + 1 : 0;
    char *folder = before ? xstrndup(g->part->stem, before) : xstrdup("./");
    DIR *d = opendir(folder);
    int rc = d ? 0 : vs_fail(err, VS_E_IO, "%s: cannot be read: %s", folder, strerror(errno));
    base = g->part->stem + before;
    for (struct dirent *e; d && rc == 0 && (e = readdir(d));) {
        bool hidden = g->part->final && e->d_name[0] == '.';
        if (strncmp(e->d_name + hidden, base, strlen(base)) != 0)
            continue;
        char *path = xasprintf("%s%s", folder, e->d_name);
        if (hidden) /* of a run that was killed while it logged */
            unlink(path);
        else if (ends_in(path, ".rows")) {
            g->old = xreallocarray(g->old, (size_t)g->old_count + 1, sizeof *g->old);
            g->old[g->old_count++] = xstrdup(path);
            rc = keep_rows(g, path);
        } else if (ends_in(path, ".db")) {
            struct vs_err why = {0};
            keep_log(g, path, &why);
        }
        free(path);
    }
    if (d)
        closedir(d);
    free(folder);
    if (rc == 0 && !g->part->final && access(g->part->log, F_OK) == 0)
        rc = keep_log(g, g->part->log, err);
    return rc;
}

/* As they are asked. */
static int kept_by_place(const void *a, const void *b)
{
    const struct kept *x = a, *y = b;
    int names = strcmp(x->checkpoint, y->checkpoint);
    if (names || x->task != y->task)
        return names ? names : x->task < y->task ? -1 : 1;
    return (x->index > y->index) - (x->index < y->index);
}

/* The disk has them before those that they are of are removed. */
static int write_kept(struct gathering *g, struct vs_err *err)
{
    FILE *f = fopen(g->part->rows, "wxe");
    bool good = f != NULL;
    vs_sort(g->list, (size_t)g->count, sizeof *g->list, kept_by_place);
    for (int i = 0; i < g->count && good; i++) {
        if (i > 0 && kept_by_place(&g->list[i - 1], &g->list[i]) == 0)
            continue;
        good = fwrite(g->list[i].line, 1, g->list[i].length, f) == g->list[i].length &&
               putc('\n', f) != EOF;
        g->part->kept++;
    }
    good = good && fflush(f) == 0 && (fsync(fileno(f)) == 0 || errno == EINVAL);
    if (f && fclose(f) != 0)
        good = false;
    if (!good)
        return vs_fail(err, VS_E_IO, "%s: rows cannot be written: %s", g->part->rows,
                       strerror(errno ? errno : EIO));
    for (int i = 0; i < g->old_count; i++)
        unlink(g->old[i]);
    return 0;
}

/* ---- the whole */

int eval_part_open(struct eval_part *p, const struct eval_part_of *of, const char *log,
                   struct vs_err *err)
{
    struct gathering g = {.part = p, .texts = row_texts_new()};
    char *own = log ? xstrdup(log) : log_default_path(err);
    int rc = own ? part_name(p, of, own, err) : err->code;
    if (rc == 0)
        rc = gather(&g, err);
    if (rc == 0)
        rc = write_kept(&g, err);
    if (rc == 0 && g.part->kept)
        plain_text(stderr, "vilscope eval: note: shard %d of %d: %d items were measured already\n",
                   p->shard.index, p->shard.count, p->kept);
    for (int i = 0; i < g.old_count; i++)
        free(g.old[i]);
    free(g.old);
    free(g.list);
    row_texts_free(g.texts);
    free(own);
    return rc;
}

void eval_part_begin_log(const struct eval_part *p, struct logging *g)
{
    bool done = p->final && p->there_count > 0; /* of such a log there is all or nothing */
    if (p->log && !g->command && !done)
        logging_begin(g, "eval", "eval", p->log);
}

static bool is_there(const struct eval_part *p, const struct log_evaluation *e)
{
    bool is = false;
    for (int i = 0; i < p->there_count; i++)
        is |= p->there[i].task == e->task &&
              strcmp(p->there[i].digest, e->checkpoint_digest) == 0;
    return is;
}

bool eval_part_describe(const struct eval_part *p, const struct eval_set *set, int limit,
                        struct log_evaluation *e)
{
    if (p->shard.count == 0)
        return true;
    e->part = p->key;
    e->shard = p->shard.index;
    e->shards = p->shard.count;
    e->place = p->place.index;
    e->places = p->place.count;
    e->whole = eval_count(set, e->task, limit);
    if (e->items == 0)
        e->score = e->low = e->high = e->baseline = 0;
    return !is_there(p, e);
}

int eval_part_close(struct eval_part *p, bool whole, struct vs_err *err)
{
    int rc = 0;
    if (p->rows && whole && p->final && access(p->log, F_OK) == 0 &&
        rename(p->log, p->final) != 0)
        rc = vs_fail(err, VS_E_IO, "%s: cannot be renamed to %s: %s", p->log, p->final,
                     strerror(errno));
    else if (p->rows && !whole && p->final)
        unlink(p->log); /* of one that could not be written to the end */
    if (p->rows && whole && rc == 0)
        unlink(p->rows);
    free(p->stem);
    free(p->rows);
    free(p->final);
    free(p->log);
    free(p->there);
    return rc;
}

void eval_log_put(struct logging *g, const struct log_evaluation *e)
{
    struct vs_err err = {0};
    int waited = log_pending_count(g->log);
    if (log_evaluation_later(g->log, e, &err) == 0 || log_pending_count(g->log) > waited)
        return;
    plain_text(stderr, "vilscope eval: not logged: %s\n", err.text);
    g->unlogged = true;
}

int eval_stopped(const struct eval_part *p, const char *rows, int rc, struct vs_err *err)
{
    if (!vs_is_of_all(rc))
        return rc;
    const struct vs_err was = *err;
    const char *why = rc == VS_E_GONE ? was.text : "stopped";
    if (p->rows)
        return vs_fail(err, rc, "%s: what was measured is kept, the same command goes on", why);
    return rows && !rows_is_folder(rows)
               ? vs_fail(err, rc, "%s: what was measured is in %s; the same command with "
                         "--resume continues", why, rows)
               : vs_fail(err, rc, "%s: nothing was kept; with --rows FILE a stopped run "
                         "can be resumed", why);
}
