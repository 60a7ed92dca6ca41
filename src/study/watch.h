/* SPDX-License-Identifier: MIT */
/* A training run's folder: which checkpoint files are complete, as they come.
 *
 * Files end in .bin, .pth, .pt, .ckpt or .safetensors, in the folder or at most WATCH_DEPTH folders
 * below it ("checkpoint-500/pytorch_model.bin", "run/epoch3/model.pth"). Hidden files and folders
 * are passed over; so are links to folders that lead into the watched one or above it, where a
 * file would be found twice or for ever. A file is not opened until its size and time have stood
 * still for a while; then the reader has to find all of it. inotify wakes when there is one, and
 * the folder is looked at now and then anyway, because network file systems do not tell. */
#ifndef VS_WATCH_H
#define VS_WATCH_H

#include "src/base/err.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define WATCH_DEPTH 3

enum watch_state {
    WATCH_GROWING,    /* it was written to a moment ago */
    WATCH_INCOMPLETE, /* it stands still, but the reader does not find all of it */
    WATCH_COMPLETE
};
struct watch_file {
    char *path, *name; /* name: below the folder */
    enum watch_state state;
    int64_t bytes;
    char *why;         /* WATCH_INCOMPLETE: what is wrong with it */
    bool given;        /* watch_next has returned it as it is now, */
    int times;         /* and so often in all: more than once when it was written anew */
};

struct watch;
/* settle_ms: how long a file has to stand still (0: 2000). */
int watch_open(const char *folder, int settle_ms, struct watch **out, struct vs_err *err);
void watch_close(struct watch *w);
const char *watch_folder(const struct watch *w);

/* Looks at the folder. 1: *path is a complete checkpoint that was not returned before, or has
 * changed since (lent until the next call); the oldest first, by time and then by number and name.
 * 0: none now. Negative: the folder cannot be read. */
int watch_next(struct watch *w, const char **path, struct vs_err *err);
/* When to look again: milliseconds from now at most, and sooner when watch_fd (-1: none) is
 * readable. */
int watch_delay(const struct watch *w);
int watch_fd(const struct watch *w);
/* Waits so long, or until stop is set (looked at often; may be NULL). */
void watch_wait(const struct watch *w, const atomic_bool *stop);

/* Whether a path that watch_next returned was returned before: it was written anew. */
bool watch_again(const struct watch *w, const char *path);
/* All files that are known, in the order in which they were found. */
int watch_count(const struct watch *w);
const struct watch_file *watch_at(const struct watch *w, int i);

#endif
