/* SPDX-License-Identifier: MIT */
/* Writing the reference's LMDB of regions: a folder with data.mdb, one pickled dictionary for each
 * image under its id, and their list under "keys". */
#ifndef VS_LMDBWRITE_H
#define VS_LMDBWRITE_H

#include "src/base/err.h"

#include <stdbool.h>
#include <stddef.h>

struct lmdb_out;

/* Opens or makes the folder; room: about how many bytes will be in a new one. */
int lmdb_out_open(const char *path, size_t room, struct lmdb_out **out, struct vs_err *err);
bool lmdb_out_has(struct lmdb_out *o, const char *key);
/* Whether it has the key, with these bytes. */
enum lmdb_out_has { LMDB_OUT_NONE, LMDB_OUT_SAME, LMDB_OUT_OTHER };
enum lmdb_out_has lmdb_out_look(struct lmdb_out *o, const char *key, const void *data, size_t size);
/* One transaction: on the disk when it returns. Without replace, what is there by then stays: a run
 * that was killed may still be writing its last. */
int lmdb_out_put(struct lmdb_out *o, const char *key, const void *data, size_t size,
                 bool replace, struct vs_err *err);
/* Writes "keys" unless it is up to date; the reference's loader starts from it. */
int lmdb_out_finish(struct lmdb_out *o, struct vs_err *err);
void lmdb_out_close(struct lmdb_out *o);

#endif
