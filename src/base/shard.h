/* SPDX-License-Identifier: MIT */
/* One of N runs that share a list between them, as the tasks of a job array do. */
#ifndef VS_SHARD_H
#define VS_SHARD_H

#include "src/base/err.h"

#include <stdbool.h>

struct shard {
    int index, count; /* the index-th, from 1, of count; count 0: there is only one run */
};
#define SHARDS_MOST 1000000

/* "3/16"; VS_E_USAGE for anything else, of the option of that name. */
int shard_read(const char *option, const char *text, struct shard *out, struct vs_err *err);
/* Whether it has the entry of that number, from 0: every count-th is its own, so that shards of a
 * list in any order have the same share of everything. */
bool shard_has(const struct shard *s, int number);

#endif
