/* SPDX-License-Identifier: MIT */
/* LMDB databases, read-only, from a map, without locks: every offset is checked, so a damaged or
 * hostile file gives a message. (liblmdb trusts its files and crashes on such ones.) */
#ifndef VS_LMDB_H
#define VS_LMDB_H

#include "src/base/err.h"
#include "src/formats/bytes.h"

#include <stdbool.h>
#include <stdint.h>

struct lmdb {
    struct bytes map;
    uint64_t page_size, pages, root, entries;
    int depth;
};

/* path: the folder with data.mdb, or the file. */
int lmdb_open(const char *path, struct lmdb *out, struct vs_err *err);
void lmdb_close(struct lmdb *l);
/* *data is NULL when there is no such key. The bytes are borrowed. */
int lmdb_get(const struct lmdb *l, const void *key, size_t key_len, const uint8_t **data,
             size_t *len, struct vs_err *err);
/* Calls visit for every entry in the order of the keys until it returns false. */
typedef bool lmdb_visit(void *arg, const uint8_t *key, size_t key_len, const uint8_t *data,
                        size_t len);
int lmdb_each(const struct lmdb *l, lmdb_visit *visit, void *arg, struct vs_err *err);

#endif
