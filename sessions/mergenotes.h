/* SPDX-License-Identifier: MIT */
/* Notes of a query that two logs have. */
#ifndef VS_MERGENOTES_H
#define VS_MERGENOTES_H

#include "sessions/db.h"
#include "sessions/tend.h"

/* The note of from's query other becomes part of into's query; within a transaction. */
int mergenotes(struct log *into, struct log *from, int64_t query, int64_t other,
               struct log_merged *count, struct vs_err *err);

#endif
