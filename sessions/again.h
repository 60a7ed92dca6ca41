/* SPDX-License-Identifier: MIT */
/* A command that is given again goes on with its session. Inside sessions/ only. */
#ifndef VS_AGAIN_H
#define VS_AGAIN_H

#include "sessions/db.h"

/* Queries of the session that this run has met or written. */
struct again {
    int64_t *taken; /* (count); the owner frees it */
    int count;
};

/* *session: that of the run, the longest where two machines had the same, and its last_seq; 0: it
 * has none yet. */
int again_session(struct log *l, const char *run, int64_t *session, int64_t *last,
                  struct vs_err *err);
/* It goes on. */
int again_reopen(struct log *l, int64_t session, struct vs_err *err);
/* *id: the row that what would become, when it is there; else 0. last: of a comparison the row of
 * its last query. */
int again_find(struct log *l, struct again *a, int64_t session, enum waiting_kind kind,
               const void *what, int64_t last, int64_t *id, struct vs_err *err);
void again_take(struct again *a, int64_t query);

#endif
