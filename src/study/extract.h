/* SPDX-License-Identifier: MIT */
/* Extracting the regions of many images into files, as the reference's extraction script does. */
#ifndef VS_EXTRACT_H
#define VS_EXTRACT_H

#include "src/base/err.h"

#include <stdatomic.h>
#include <stdbool.h>

enum extract_format { EXTRACT_NPY, EXTRACT_SAFETENSORS, EXTRACT_LMDB };

#define EXTRACT_BATCH_MOST 64

struct extract_options {
    const char *weights, *arch; /* arch NULL: the reference's */
    const char *device;
    int threads, jobs; /* threads of all jobs together, 0: all CPUs; images at a time */
    int batch;         /* pictures that the detector takes at a time, those of one size; 0: on a GPU
                          as many as it has room for, one on the CPU */
    bool share;        /* jobs compute one at a time with one detector, as they always do on a GPU:
                          they only decode and write side by side */
    const char *out;   /* folder, or LMDB folder */
    enum extract_format format;
    const char *boxes; /* folder with boxes of every image (ID.txt, .json, .npy), or NULL */
    bool force;   /* write again what is there */
    bool upright; /* turn pictures as EXIF says */
    bool quiet;
    bool profile;
};

struct extract_summary {
    int written, there, failed, left; /* left: not looked at, as it was stopped */
    double ms;
};

/* Images that fail are named on stderr and skipped; progress is on stderr, too. A failure to write
 * ends it. An output is there complete or not at all, so a run that was killed is continued by the
 * same call. stop: set from a signal handler to end it soon. */
int extract_run(const struct extract_options *o, char **images, int count,
                const atomic_bool *stop, struct extract_summary *out, struct vs_err *err);

/* ---- extract_check.c: what several runs have written */

struct extract_look {
    /* An image without a sound output; why NULL: there is none. */
    void (*bad)(void *arg, const char *image, const char *why);
    void *arg;
    const atomic_bool *stop; /* or NULL */
};
struct extract_verified {
    int there, missing, damaged; /* images */
};
/* Opens the output of every image, as o->out and o->format say. */
int extract_verify(const struct extract_options *o, char **images, int count,
                   const struct extract_look *look, struct extract_verified *out,
                   struct vs_err *err);

struct extract_merged {
    int added, there; /* there: with the same value */
};
/* Puts the entries of LMDBs into one, which may be there: two values of one key are VS_E_REFUSED.
 * Run again it goes on where it was stopped. */
int extract_merge(const char *out, char **files, int count, const atomic_bool *stop,
                  struct extract_merged *n, struct vs_err *err);

#endif
