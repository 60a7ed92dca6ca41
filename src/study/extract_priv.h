/* SPDX-License-Identifier: MIT */
/* What the files of the extraction share. */
#ifndef VS_EXTRACT_PRIV_H
#define VS_EXTRACT_PRIV_H

#include "src/study/extract.h"

#include "src/formats/lmdbwrite.h"
#include "src/vision/detector.h"

#include <pthread.h>

#define STAGES 24

struct stage {
    char name[32];
    double ms, work;
};

struct item {
    const char *path;
    char *id;   /* the name without folder and ending, as in the reference */
    bool ready; /* LMDB: what is to be written in turn, or nothing */
    void *value;
    size_t size;
};

struct extract {
    const struct extract_options *o;
    const atomic_bool *stop;
    atomic_bool cancel; /* stop, or a failure to write */
    struct arch arch;
    struct tensorfile *file;
    struct detector *first; /* owns the weights */
    bool shared;            /* all jobs compute with it, one at a time */
    pthread_mutex_t device; /* held while they do */
    struct lmdb_out *lmdb;
    struct item *items;
    int count, next, committed, threads_each, batch; /* batch: images that a job takes at a time */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct stage stages[STAGES];
    int stage_count, running;
    double start;
    struct extract_summary sum;
    int rc; /* the failure that ended it */
    struct vs_err *err;
};

struct job {
    struct extract *e;
    struct kern *kern;
    struct detector *detector;
    pthread_t thread;
    double share; /* images that are done of those it has */
    int running;  /* images that run together */
    double last_ms, last_work;
    bool started;
};

/* ---- extract_progress.c, to stderr */

/* Removes the line of progress from a terminal, before another one. */
void extract_clear_line(const struct extract *e);
/* Shows how far it is until all jobs have ended: four times a second, or every half minute in a
 * file. */
void extract_watch(struct extract *e, const struct job *jobs);
/* The time of every stage. */
void extract_print_profile(const struct extract *e);

#endif
