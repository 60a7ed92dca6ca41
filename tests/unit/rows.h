/* SPDX-License-Identifier: MIT */
/* Rows of evaluations, as "vilscope eval --rows" writes them. */
#ifndef VS_ROWS_TESTS_H
#define VS_ROWS_TESTS_H

#include "src/base/mem.h"

#include <stdbool.h>

/* Item number i, of NLVR2: right where good is, with two fields. */
static __attribute__((unused)) void add_row(struct buf *b, const char *checkpoint, int i, bool good)
{
    buf_printf(b, "{\"task\": \"nlvr2\", \"split\": \"dev\", \"checkpoint\": \"%s\", \"index\": %d,"
               " \"id\": \"dev-%d\", \"images\": [\"i%d\", \"j%d\"], \"text\": \"Both show a %s\","
               " \"tokens\": [101, 102], \"regions\": [101, 90], \"choice\": %d, \"logits\": [%s],"
               " \"label\": %d, \"margin\": 1.5, \"score\": %s, \"correct\": %s, \"fields\":"
               " {\"turns\": %d, \"kind\": \"%s\"}}\n", checkpoint, i, i, i / 2, i / 2,
               i % 3 ? "dog" : "cat", good, good ? "0, 1.5" : "1.5, 0", 1, good ? "1.0" : "0.0",
               good ? "true" : "false", i, i % 2 ? "odd" : "even");
}

#endif
