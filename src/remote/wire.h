/* SPDX-License-Identifier: MIT */
/* Numbers, texts and arrays as bytes, and back. Of what comes from outside nothing is believed:
 * reading never leaves the message, and what is wrong with it is told once, at its end. */
#ifndef VS_WIRE_H
#define VS_WIRE_H

#include "src/base/err.h"
#include "src/base/mem.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- writing: numbers in the host's order, which a connection compares first (channel.h) */

void wire_int(struct buf *b, int64_t v);
void wire_real(struct buf *b, double v);
/* NULL stays NULL. */
void wire_text(struct buf *b, const char *s);
/* count items of size bytes; NULL stays NULL. The items begin at a multiple of 8 bytes of b. */
void wire_array(struct buf *b, const void *items, size_t count, size_t size);

/* ---- reading */

struct wire {
    const uint8_t *data; /* at a multiple of 8 bytes */
    size_t size, at;
    const char *wrong; /* what the first thing was that cannot be; all that follows is 0 */
};

int64_t wire_get(struct wire *w);
/* A number from least to most; `what` names it where it is not. */
int wire_get_int(struct wire *w, int least, int most, const char *what);
bool wire_get_bool(struct wire *w);
double wire_get_real(struct wire *w);
/* The caller frees it; NULL where there is none. */
char *wire_get_text(struct wire *w);
/* Where the items lie in the message, and their number; NULL where there are none. */
const void *wire_get_array(struct wire *w, size_t size, size_t *count);
/* The same of exactly count items. needed: else it may be NULL. */
const void *wire_get_exactly(struct wire *w, size_t count, size_t size, bool needed,
                             const char *what);
/* Whether all was read, and could be. */
int wire_end(struct wire *w, struct vs_err *err);

#endif
