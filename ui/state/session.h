/* SPDX-License-Identifier: MIT */
/* What is open and asked, and what came of it. */
#ifndef UI_SESSION_H
#define UI_SESSION_H

#include "sessions/log.h"
#include "src/engine/engine.h"
#include "src/study/effects.h"
#include "src/study/eval.h"
#include "src/study/lens.h"
#include "src/task/change.h"

struct workbench;
struct canvas;
struct project;

/* What the screen knows of a photo. */
struct photo_state {
    struct box_list boxes; /* drawn by the user */
    bool asked, waits;     /* the detector was asked for regions, and has not answered */
    struct canvas *thumb;  /* or NULL */
};

/* What is open, and what the next query is about. */
struct session {
    struct model *model;
    struct log *log;
    struct engine *engine;
    struct photo **photos;
    struct photo_state *states; /* (photo_count) */
    int photo_count, photo;     /* the current one */
    unsigned went;              /* how often another one was gone to: it is shown whole then */
    const struct eval_set *suggestions; /* or NULL */
    int suggestion;             /* the next one */
    const struct task *task;
    int checkpoint;
    struct project *project; /* states of a set (ui/jobs/project.h), or NULL */
    int projects;            /* how many there were */
};

/* A result with the photos that it is about. */
struct shown {
    struct result *r;
    struct photo **photos;   /* (r->image_count), borrowed */
    uint64_t boxes, regions; /* of the user, of the photos (stale.h) */
    int open;                /* how many images were open */
    int serial;              /* another for every result */
};

/* The query that runs. */
struct asked {
    struct photo **photos;
    uint64_t boxes;     /* the boxes on them */
    int open;           /* images that were open then */
    int count, running; /* its number, 0 when idle */
};

/* Interventions of the next query. */
struct changes {
    struct change *list;
    int count;
    enum kern_silence how; /* of the next silence */
    bool varies;           /* what is asked differs from what is shown by words only */
};

/* Leave-one-out attributions of the result that is shown. */
struct leave_outs {
    struct effects *known; /* of the last one, or NULL */
    struct leave_out *runs; /* one that runs, or NULL; the worker's, too */
    int started;           /* how many were */
    bool later;            /* one is wanted of the answer that is awaited: */
    enum effects_of of;
    enum kern_silence how;
};

/* Activation patching of the result that is shown (ui/jobs/activation.h). */
struct activation;
struct activation_job;
struct activations {
    struct activation *known; /* or NULL */
    bool known_exact;
    struct activation_job *runs; /* the worker's; NULL: none */
    enum net_site site;       /* that is wanted, */
    bool exact;               /* with every cell run */
    int choice, against;      /* of the target */
    char why[160];            /* why it is not known; "": it is, or runs, or nobody asked */
};

/* Attributions of the result that is shown (ui/jobs/attribute.h). */
struct attributed;
struct explained;
struct curves;
struct attributions {
    struct attributed **list; /* (count) known ones, and those that run */
    int count;
    struct explained *scores; /* of the checkpoint's methods, or NULL */
    bool scored;              /* they were looked up */
    bool contrasts;           /* the chosen answer is held against another one: */
    int against;              /* as look_choice counts */
    struct activations patched; /* of this result and the unchanged one */
    struct curves *curves;    /* the last deletion and insertion (ui/jobs/curves.h), or NULL */
};

/* Lenses of the result that is shown: its tokens, and the current photo's regions. */
struct lenses {
    struct lens *known[2]; /* or NULL */
    int photo;             /* the result's image that the second is of */
    bool asked[2], failed[2];
};

/* Other work of the engine that runs or waits (ui/jobs/work.c). */
struct job;
struct work {
    struct job *jobs;
    struct result **old; /* results that such work may still read */
    int old_count;
};

struct logging {
    struct result *waits; /* for the checkpoint's digest; may be the shown one */
    char state[128];
    double flush_at;      /* ms: when to try again to write what waits for the log */
};

void session_add_photo(struct workbench *w, struct photo *p);
/* Which of the open ones it is, or -1. */
int session_find_photo(const struct workbench *w, const struct photo *p);
/* The result's number of a photo, or -1. */
int photo_number(const struct workbench *w, int photo);
/* That of the current one. */
int photo_in_result(const struct workbench *w);
/* Another photo becomes the current one: all of it is shown, no region is chosen. */
void photo_go(struct workbench *w, int photo);

#endif
