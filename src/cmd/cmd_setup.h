/* SPDX-License-Identifier: MIT */
/* The parts of vilscope model: making a model directory of published files, and checking it. */
#ifndef VS_CMD_SETUP_H
#define VS_CMD_SETUP_H

#include "src/cmd/cmd_findings.h"
#include "src/cmd/cmd_model.h"

struct setup_options {
    struct model_options model; /* device and threads */
    const char *name, *image, *regions, *key, *text;
    const struct task *task;
    bool force, json, no_query;
};

/* ---- what was given, by what it is (cmd_setup_parts.c) */

struct setup_list {
    char *path;
    int size; /* names */
    bool deep; /* found below a folder that was named: none of its business unless it fits */
};

/* What a checkpoint is, and how many tasks it answers. */
struct setup_kind {
    char *says;
    int tasks;
};

struct setup {
    const struct setup_options *o;
    struct parts parts;
    struct findings found;
    struct setup_list *lists; /* of labels: which head's, the checkpoint tells */
    int list_count;
    char *image, *regions, *key; /* of the files, to ask about; or NULL */
    struct setup_kind *kinds; /* of the checkpoints, beside them in parts */
    int unused;    /* files that were named and are no part */
};
/* Takes a file, or those in a folder; what is no part is a finding. In the folders of a folder only
 * lists of answers and classes are looked for, which have the same name for all tasks. */
void setup_add(struct setup *s, const char *path);
/* Each list of labels to what has as many: m's heads, the detector's classes; m NULL: those of the
 * published model. */
void setup_place_lists(struct setup *s, const struct model *m);
/* What is there, what is missing, and what cannot be done without it. m NULL: not complete. */
void setup_tell(struct setup *s, const struct model *m);
void setup_fini(struct setup *s);

/* ---- one question (cmd_setup_query.c) */

struct setup_question {
    const char *image, *regions, *key, *text; /* image or regions may be NULL */
    const struct task *task;
    bool others, verbatim; /* of struct query */
};
/* Answers with the last checkpoint; the caller frees *out. */
int setup_ask(struct model *m, const struct setup_question *q, struct result **out,
              struct vs_err *err);
/* A picture of the demo, or NULL; the caller frees it. */
char *setup_demo_picture(void);

/* ---- the verbs; statuses of the program */

int setup_init(const struct setup_options *o, const char *dir, char **files, int count);
int setup_check(const struct setup_options *o, const char *dir);

#endif
