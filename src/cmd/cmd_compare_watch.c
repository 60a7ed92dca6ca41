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

static int watch_ask(struct compare_run *r, int checkpoint, struct vs_err *err)
{
    int rc = probe_runner_add(r->runner, checkpoint, &compare_stopped, compare_log_answer, r, err);
    command_clear();
    if (rc == 0) {
        compare_log_column(r, probe_runner_table(r->runner)->count - 1);
        compare_print_column(r, probe_runner_table(r->runner)->count - 1);
        fflush(stdout);
    }
    return rc;
}

/* Checkpoints that were named, or the folder's first. */
static int watch_open_model(struct compare_run *r, struct watch *w, const struct model_options *how,
                            struct vs_err *err)
{
    struct model_options o = *how;
    const char *paths[2] = {NULL, NULL}, *names[2] = {NULL, NULL};
    int rc = 0;
    if (!how->checkpoints) {
        rc = watch_await_next(w, NULL, &paths[0], err);
        if (rc <= 0)
            return rc;
        names[0] = name_below(w, paths[0]);
        o.checkpoints = paths;
        o.names = names;
    }
    rc = model_open(&o, &r->m, err);
    if (rc == 0)
        command_about("compare", r->m);
    if (rc == 0)
        r->runner = probe_runner_new(r->m, r->probes);
    for (int i = 0; rc == 0 && i < model_checkpoint_count(r->m); i++)
        rc = watch_ask(r, i, err);
    return rc;
}

static bool is_done(const struct compare_run *r)
{
    return atomic_load(&compare_stopped) ||
           (r->o->until && model_checkpoint_count(r->m) >= r->o->until);
}

int compare_watch(struct compare_run *r, const struct model_options *how, struct vs_err *err)
{
    struct watch *w = NULL;
    int rc = watch_open(r->o->watch, (int)(r->o->settle * 1000), &w, err);
    if (rc == 0)
        rc = watch_open_model(r, w, how, err);
    while (rc == 0 && r->m && !is_done(r)) {
        const char *path = NULL;
        struct vs_err why = {0};
        int found = watch_await_next(w, r->m, &path, err);
        if (found <= 0) {
            rc = found;
            break;
        }
        int i = model_add_checkpoint(r->m, path, name_below(w, path), &why);
        if (i < 0)
            watch_note(w, path, why.text);
        else
            rc = watch_ask(r, i, err);
    }
    watch_close(w);
    rc = rc == VS_E_CANCELLED ? 0 : rc; /* it is stopped by a signal */
    return rc == 0 && r->runner ? compare_check_answers(probe_runner_table(r->runner), err) : rc;
}
