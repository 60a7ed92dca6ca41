/* SPDX-License-Identifier: MIT */
/* A restricted pickle machine: protocols 0 to 5, read from memory, nothing is executed.
 *
 * It builds a tree of values. The only globals it knows are those that a caller's list names;
 * any other is refused by name. Depth, memo and value counts are bounded by the input's size. */
#ifndef VS_PICKLE_H
#define VS_PICKLE_H

#include "src/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum pkind {
    PK_NONE, PK_BOOL, PK_INT, PK_BIGINT, PK_FLOAT, PK_STRING, PK_BYTES,
    PK_LIST, PK_TUPLE, PK_DICT, PK_SET,
    PK_GLOBAL,   /* a name "module name" from the allowed list */
    PK_PERSID,   /* a persistent id; item 0 is its value */
    PK_OBJECT    /* an allowed global called with arguments: item 0 the global, item 1 the
                    argument tuple, item 2 the state given by BUILD, or absent */
};

struct pval {
    enum pkind kind;
    int64_t integer;          /* PK_BOOL, PK_INT */
    double number;            /* PK_FLOAT */
    const uint8_t *bytes;     /* PK_STRING (UTF-8), PK_BYTES, PK_BIGINT (little endian),
                                 PK_GLOBAL */
    size_t len;
    struct pval **items;      /* PK_LIST, PK_TUPLE, PK_SET: items; PK_DICT: key, value, ... */
    size_t count;             /* number of entries in items (2 per pair in a dict) */
};

struct pickle; /* owns every value of one load */

/* In a list of allowed names: any other is a PK_GLOBAL, too, and what is made of it an object
 * without a meaning. */
#define PICKLE_ANY "*"
/* The list of it alone, for files in which what is no array or tensor means nothing. */
extern const char *const pickle_any[];

/* Load one pickle from data. allowed: NULL-terminated list of "module name" strings.
 * *used gets the number of bytes read (through STOP); name is put before messages, which give
 * the byte offset. Values may be shared and may contain themselves: walkers must bound depth. */
int pickle_load(const uint8_t *data, size_t size, const char *const *allowed, const char *name,
                struct pickle **out, size_t *used, struct vs_err *err);
const struct pval *pickle_root(const struct pickle *p);
/* All values of the load, in no order: NULL starts, NULL ends. */
const struct pval *pickle_next(const struct pickle *p, const struct pval *v);
void pickle_free(struct pickle *p);

/* dict[key] for a string or bytes key, or NULL. */
const struct pval *pval_get(const struct pval *dict, const char *key);
bool pval_is_string(const struct pval *v, const char *s);

#endif
