/* SPDX-License-Identifier: MIT */
/* JSON read from the front, value by value, without a tree of it: for large headers of files. */
#ifndef VS_JSONSCAN_H
#define VS_JSONSCAN_H

#include "src/base/mem.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct jsonscan {
    const char *text;
    size_t len, at;
    const char *why; /* what was wrong at `at`, once a function has returned false */
};

/* Blanks, then c. */
bool jsonscan_take(struct jsonscan *s, char c);
/* The same when it is there; says nothing when it is not. */
bool jsonscan_try(struct jsonscan *s, char c);
/* After the opening of a list or object, and then after each of its items: 1 when another one
 * follows, 0 when `close` has ended it, -1 when neither is there. seen: items so far. */
int jsonscan_next(struct jsonscan *s, char close, int64_t seen);
/* A string, its escapes resolved, in place of what out holds; out NULL: passed over. */
bool jsonscan_string(struct jsonscan *s, struct buf *out);
/* A whole number from 0. */
bool jsonscan_whole(struct jsonscan *s, int64_t *out);
/* Any value, passed over. */
bool jsonscan_skip(struct jsonscan *s);
/* Nothing but blanks is left. */
bool jsonscan_end(struct jsonscan *s);

#endif
