/* SPDX-License-Identifier: MIT */
/* A process that holds a model open and computes passes for many clients in turn. */
#ifndef VS_SERVE_H
#define VS_SERVE_H

#include "src/engine/engine.h"

#include <stdatomic.h>
#include <sys/types.h>

#define SERVE_USERS 64
struct serve_options {
    const char *path;         /* of the socket; its folder is made, for this user only, when it is
                                 not there */
    int clients;              /* most at a time */
    int memory_mb;            /* of what a client may keep in activations for the way back */
    int seconds;              /* of what is computed at a stretch: what takes longer is given up */
    uid_t users[SERVE_USERS]; /* who may connect beside this user and root */
    int user_count;
    const atomic_bool *stop;  /* ends it, when what is computed is done */
    /* One line about what happened; or NULL. */
    void (*say)(const char *line);
};

/* Until it is stopped. The socket is gone afterwards. */
int serve_run(struct model *m, const struct serve_options *o, struct vs_err *err);
/* Where it is when no path is named: in $XDG_RUNTIME_DIR, else in /tmp, in a folder of this user.
 * The caller frees it. */
char *serve_path(void);

#endif
