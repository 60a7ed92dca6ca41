/* SPDX-License-Identifier: MIT */
/* vilscope compare --watch: asks each checkpoint of a training run when it is complete. */
#include "src/cmd/cmd_compare.h"

#include "src/cmd/cmd_model.h"
#include "src/formats/tensorfile.h"
#include "src/base/plain.h"
#include "src/study/watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Optimizer states and the like lie beside checkpoints. */
static bool is_model(const char *path)
{
    struct tensorfile *f = NULL;
    bool yes = tensorfile_open(path, &f, NULL) == 0 &&
               tensorfile_find(f, "bert.embeddings.word_embeddings.weight");
    tensorfile_close(f);
    return yes;
}

static const char *name_below(const struct watch *w, const char *path)
{
    return path + strlen(watch_folder(w)) + 1;
}

static void watch_note(const struct watch *w, const char *path, const char *what)
{
    command_clear();
    plain_text(stderr, "vilscope compare: %s: left out: %s\n", name_below(w, path), what);
}

/* What is waited for, on a terminal. */
static void tell_waiting(const struct watch *w)
{
    const struct watch_file *growing = NULL;
    if (!isatty(STDERR_FILENO))
        return;
    for (int i = 0; i < watch_count(w); i++)
        if (watch_at(w, i)->state != WATCH_COMPLETE)
            growing = watch_at(w, i);
    if (!growing)
        plain_text(stderr, "\r\033[Kwaiting for checkpoints in %s", watch_folder(w));
    else if (growing->state == WATCH_GROWING)
        plain_text(stderr, "\r\033[K%s is being written: %.1f MB", growing->name,
                   (double)growing->bytes / 1e6);
    else
        plain_text(stderr, "\r\033[K%s is not complete", growing->name);
    fflush(stderr);
}

/* What was waited for in vain. */
static void tell_left(const struct watch *w)
{
    for (int i = 0; i < watch_count(w); i++) {
        const struct watch_file *f = watch_at(w, i);
        if (f->state != WATCH_COMPLETE)
            watch_note(w, f->path, f->state == WATCH_INCOMPLETE ? f->why
                                                                : "it was still being written");
    }
}

/* By its file: it may have been named in another way. */
static bool is_open(const struct model *m, const char *path)
{
    char *full = realpath(path, NULL);
    bool open = false;
    for (int i = 0; full && i < model_checkpoint_count(m) && !open; i++) {
        char *have = realpath(model_checkpoint_path(m, i), NULL);
        open = have && strcmp(have, full) == 0;
        free(have);
    }
    free(full);
    return open;
}

/* The next complete checkpoint of a model, or 0 when it was stopped. m: NULL while none is open. */
static int watch_await_next(struct watch *w, const struct model *m, const char **path,
                            struct vs_err *err)
{
    int rc = 0;
    while (!atomic_load(&compare_stopped) && (rc = watch_next(w, path, err)) >= 0) {
        if (rc > 0 && m && !watch_again(w, *path) && is_open(m, *path))
            continue; /* it was named */
        if (rc > 0 && is_model(*path)) {
            command_clear();
            return rc;
        }
        if (rc > 0) {
            watch_note(w, *path, "it holds no model");
            continue;
        }
        tell_waiting(w);
        watch_wait(w, &compare_stopped);
    }
    return rc < 0 ? rc : 0;
}

/* ---- what is asked of them */

struct following {
    const struct compare_options *o;
    const struct compare_follower *f;
    struct watch *w;
};

/* What cannot be told need not be measured: a full disk ends the watch, and main says why. */
static int watch_ask_one(struct following *x, int checkpoint, struct vs_err *err)
{
    int rc = x->f->ask(x->f->arg, checkpoint, err);
    return rc == 0 && (fflush(stdout) != 0 || ferror(stdout)) ? VS_E_CANCELLED : rc;
}

/* Checkpoints that were named, or the folder's first. */
static int watch_open_model(struct following *x, const struct model_options *how,
                            struct vs_err *err)
{
    struct model_options o = *how;
    struct model **m = x->f->m;
    const char *paths[2] = {NULL, NULL}, *names[2] = {NULL, NULL};
    int rc = 0;
    if (!how->checkpoints) {
        rc = watch_await_next(x->w, NULL, &paths[0], err);
        if (rc <= 0)
            return rc;
        names[0] = name_below(x->w, paths[0]);
        o.checkpoints = paths;
        o.names = names;
    }
    rc = model_open(&o, m, err);
    if (rc == 0)
        command_opened("compare", *m);
    if (rc == 0 && x->f->begin)
        x->f->begin(x->f->arg);
    for (int i = 0; rc == 0 && i < model_checkpoint_count(*m); i++)
        rc = watch_ask_one(x, i, err);
    return rc;
}

static bool is_done(const struct following *x)
{
    return atomic_load(&compare_stopped) ||
           (x->o->until && model_checkpoint_count(*x->f->m) >= x->o->until);
}

int compare_each_new(const struct compare_options *o, const struct model_options *how,
                     const struct compare_follower *f, struct vs_err *err)
{
    struct following x = {.o = o, .f = f};
    int rc = watch_open(o->watch, (int)(o->settle * 1000), &x.w, err);
    if (rc == 0)
        rc = watch_open_model(&x, how, err);
    while (rc == 0 && *f->m && !is_done(&x)) {
        const char *path = NULL;
        struct vs_err why = {0};
        int found = watch_await_next(x.w, *f->m, &path, err);
        if (found <= 0) {
            rc = found;
            break;
        }
        int i = model_add_checkpoint(*f->m, path, name_below(x.w, path), &why);
        if (i < 0)
            watch_note(x.w, path, why.text);
        else
            rc = watch_ask_one(&x, i, err);
    }
    if (x.w)
        tell_left(x.w);
    watch_close(x.w);
    return rc == VS_E_CANCELLED ? 0 : rc; /* it is stopped by a signal */
}

/* ---- a check set, or a query */

static void watch_begin(void *arg)
{
    struct compare_run *r = arg;
    r->runner = probe_runner_new(r->m, r->probes);
}

static int watch_ask(void *arg, int checkpoint, struct vs_err *err)
{
    struct compare_run *r = arg;
    int rc = probe_runner_add(r->runner, checkpoint, &compare_stopped, compare_log_answer, r, err);
    command_clear();
    if (rc == 0) {
        compare_log_column(r, probe_runner_table(r->runner)->count - 1);
        compare_print_column(r, probe_runner_table(r->runner)->count - 1);
        fflush(stdout);
    }
    return rc;
}

int compare_watch(struct compare_run *r, const struct model_options *how, struct vs_err *err)
{
    const struct compare_follower f = {.m = &r->m, .begin = watch_begin, .ask = watch_ask,
                                       .arg = r};
    int rc = compare_each_new(r->o, how, &f, err);
    return rc == 0 && r->runner ? compare_check_answers(probe_runner_table(r->runner), err) : rc;
}
