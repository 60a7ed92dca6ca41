/* SPDX-License-Identifier: MIT */
/* The parts of a model: what model.json (vilscope-model(5)) and the options say, joined. */
#ifndef VS_MODELDIR_H
#define VS_MODELDIR_H

#include "src/engine/engine.h"
#include "src/base/err.h"

struct part_checkpoint {
    char *name, *path, *note; /* note may be NULL */
    char *config;             /* its own, or NULL: that of all */
};

struct parts {
    char *name;
    char *config, *vocab, *labels_vqa, *labels_gqa, *classes, *detector, *detector_arch;
    char *queries; /* suggestions: a data set (vilscope-data(5)) */
    char *known_words, *domain; /* what it was trained on: words, statistics of pictures */
    char *about;   /* not a path: a sentence that is said with its answers */
    /* paths; all but the first two may be NULL */
    int task_tokens; /* 1, 0, or -1: config and checkpoint decide */
    int max_regions; /* rows of one image, whole image included */
    int checkpoint_count;
    struct part_checkpoint *checkpoints;
};

/* Options win over model.json; checkpoints named by options replace those of the folder. Checks
 * that config, vocabulary and a checkpoint are known, not that the files are good. */
int parts_find(const struct model_options *o, struct parts *out, struct vs_err *err);
/* What the model.json of a folder says, complete or not. */
int parts_read(const char *dir, struct parts *out, struct vs_err *err);
void parts_fini(struct parts *p);
/* The configuration of a checkpoint of p: its own or that of all, which NULL has. */
const char *parts_config(const struct parts *p, const struct part_checkpoint *c);
/* Adds a checkpoint, named by its file (parts_checkpoint). */
void parts_add_checkpoint(struct parts *p, const char *path);
/* Writes DIR/model.json, and makes the folder, not those above it. Of p: name, configuration,
 * vocabulary, labels, classes, detector, checkpoints; files in the folder by their names there, so
 * that it can be moved, others by their full paths. */
int parts_write(const char *dir, const struct parts *p, struct vs_err *err);

/* The path of a folder that transformers saved stands for its weights, with its configuration.
 * Checkpoint number i of p, owned by the caller, which puts it there. name NULL: that of its file,
 * with the folder before it ("run2/model.bin") when another of the first i has that name. A name
 * that is taken all the same gets a number. */
struct part_checkpoint parts_checkpoint(const struct parts *p, int i, const char *path,
                                        const char *name);
void part_checkpoint_fini(struct part_checkpoint *c);

#endif
