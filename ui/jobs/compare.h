/* SPDX-License-Identifier: MIT */
/* Several checkpoints in the workbench: what they answered to the query that is shown, which two
 * are compared, and what was found out about those two. */
#ifndef UI_COMPARE_H
#define UI_COMPARE_H

#include "src/study/difference.h"
#include "src/study/probes.h"
#include "src/study/watch.h"
#include "ui/jobs/jobs.h"

/* Work of the engine's thread, told about while it runs. */
struct compare_progress {
    atomic_int done, all;
};

/* How far the weights are apart, and how alike the hidden states are. */
struct drift {
    int a, b;               /* of which checkpoints; -1: nothing is known */
    bool runs;
    struct compare_progress progress;
    struct weights_change *weights; /* or NULL */
    struct cka cka[2];      /* depths 0: not known */
    char *text;             /* the query, of the states */
    uint64_t query;         /* which that is: stale_identity */
    char why[256];          /* why there is none */
    int made;               /* how often something was found */
};

struct patches {
    int a, b;
    bool runs;
    enum patch_level level;
    struct compare_progress progress;
    struct patch_result *result; /* or NULL */
    int *order;             /* of its items */
    char *text;             /* the query */
    uint64_t query;         /* which that is: stale_identity */
    enum patch_level made;   /* the level of the result */
    int number;             /* how many results there were */
    char why[256];
};

/* Probes asked of every checkpoint, and of those of a run as they come. */
struct trend {
    char *path;             /* of the set, or NULL */
    struct probes *probes;  /* NULL: none */
    struct probe_runner *runner;
    bool runs, stopped;     /* a job is under way; the user has stopped it */
    bool looks;             /* that job looks at the folder */
    int next;               /* the checkpoint to be asked next */
    struct watch *watch;    /* or NULL; the job's while it runs */
    double look;            /* ms: when to look at the folder again */
    char state[256];        /* of the folder */
    struct to_log *queue, **queue_end; /* results that wait to be logged */
    int logged;             /* columns that are in the log */
};

struct comparison {
    struct result *results[MODEL_CHECKPOINTS]; /* owned; NULL: not known. Not the shown one */
    char *errors[MODEL_CHECKPOINTS];
    int number, left;       /* of the running query, 0: none */
    int a, b;               /* the two that are compared */
    bool waiting;           /* results wait to be logged, */
    bool compared;          /* and then that they were compared */
    uint64_t generation;    /* changes when a result comes or goes */
    struct drift drift;
    struct patches patches;
    struct trend trend;
};

/* The workbench's, made when it is first needed. */
struct comparison *comparison_of(struct workbench *w);
/* What a checkpoint says to the query that is shown; NULL: not known. */
const struct result *compare_result(struct workbench *w, int checkpoint);
/* Asks all checkpoints that have not answered yet. */
void compare_ask(struct workbench *w);
/* "A early, B final", cut. */
void compare_pair_name(struct workbench *w, char *out, size_t size);
/* Whether there are several; says so where not. */
bool compare_several(struct workbench *w);
/* Others are A and B: what is shown of the two follows. */
void compare_set_pair(struct workbench *w, int a, int b);
/* Bytes of a checkpoint's name that tell it apart: without the ending. */
void compare_name(const struct workbench *w, int checkpoint, char *out, size_t size);

/* ---- for the loop */
/* The result that is shown is another one. */
void compare_follow(struct workbench *w);
/* An event of a comparison's query; false: it is none. */
bool compare_take(struct workbench *w, struct event *e);
/* Logs what can be logged, looks at the folder that is watched. Until when the loop may sleep: ms,
 * or -1. */
int compare_tick(struct workbench *w);
int compare_fd(const struct workbench *w); /* wakes; -1: none */
bool compare_busy(const struct workbench *w);
/* The user stops what runs. */
void compare_stop(struct workbench *w);
void compare_free(struct workbench *w);

/* ---- compare_jobs.c: work for the engine's thread */
void drift_start(struct workbench *w);
void drift_fini(struct drift *d);
void patches_start(struct workbench *w);
void patches_fini(struct patches *s);
/* ---- compare_log.c */
/* Logs a result unless it is; a log that cannot be written is said once. */
void compare_log(struct workbench *w, struct result *r);
/* That what is shown and the others' answers belong together. */
void compare_log_together(struct workbench *w);
/* What a job found out about two checkpoints; takes d, which may be NULL. */
void compare_log_found(struct workbench *w, struct difference *d);
/* A probe's result, taken over; logged when its checkpoint's digest is known. */
void trend_log(struct workbench *w, int probe, struct result *r);
/* True while something waits. now: whatever it takes. */
bool trend_log_tick(struct workbench *w, bool now);
/* ---- compare_trend.c */
int trend_tick(struct workbench *w);
void trend_fini(struct trend *t);
/* The probes of a file; one that is not there begins a new set. False, with words, when it cannot
 * be read. */
bool trend_ask(struct workbench *w, const char *path);
/* The query that is shown becomes a probe, with what is right in words, or "". */
void trend_pin(struct workbench *w, const char *answer);
/* Each new checkpoint of a folder is asked. False, with words, when it cannot be watched. */
bool trend_watch(struct workbench *w, const char *folder);

#endif
