/* SPDX-License-Identifier: MIT */
/* The workbench: the screen that people work at. */
#ifndef UI_WORKBENCH_H
#define UI_WORKBENCH_H

#include "sessions/log.h"
#include "src/engine/engine.h"
#include "src/study/eval.h"
#include "ui/state/screen.h"

struct workbench_options {
    struct model *model;   /* NULL: the workbench opens and says how to give one */
    const char *no_model;  /* why there is none */
    struct photo **photos; /* the workbench takes them over; malloc'ed array, may be NULL */
    int photo_count;
    const struct eval_set *suggestions; /* or NULL */
    bool begin;            /* ask the first suggestion at once */
    struct log *log;       /* NULL: nothing is logged */
    const char *no_log;    /* why not */
    const struct task *task;
    enum graphics_choice graphics;
    const char *script;    /* a file of commands to run, or NULL */
    const char *lines;     /* the commands themselves, or NULL */
    /* The screen that the script runs on, without a terminal, and that ends with it; or NULL. */
    const struct term_screen *screen;
    const char *probes;    /* a set to ask every checkpoint, or NULL */
    const char *watch;     /* a training run's folder, or NULL */
    bool tour;             /* the script is a guided tour: it may fail without ending the program */
};

/* Runs until the user quits. Frees the photos; model and log stay the caller's. Fails when there
 * is no terminal. */
int workbench_run(const struct workbench_options *o, struct vs_err *err);
/* The signal that ended it, whose default the program is to die of when all is closed; 0 for those
 * that ask for an end in order. */
int workbench_ended_by(void);
/* Whether there is a figure of a view, by its name. */
bool workbench_has_figure(const char *view);
/* Whether a figure of it is of a query, and not of what is logged. */
bool workbench_figure_asks(const char *view);
/* "image, answer ...": the views that have one; the caller frees. */
char *workbench_figures(void);
/* The keys and commands, as mdoc. */
void workbench_print_keys(void);

#endif
