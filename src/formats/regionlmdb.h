/* SPDX-License-Identifier: MIT */
/* The regions of many images in one LMDB that stays open, as an evaluation reads them: by the key
 * of an image, boxes as they are. */
#ifndef VS_REGIONLMDB_H
#define VS_REGIONLMDB_H

#include "src/formats/regions.h"

struct regionlmdb;

/* path: the folder with data.mdb. The caller closes it; NULL is fine there. */
int regionlmdb_open(const char *path, struct regionlmdb **out, struct vs_err *err);
void regionlmdb_close(struct regionlmdb *l);
const char *regionlmdb_path(const struct regionlmdb *l);
/* The key of an image: as it is called, or in another spelling of COCO's of a number, or without
 * Visual7W's "v7w_". Caller frees; one that is not there comes back as it is. */
char *regionlmdb_key(const struct regionlmdb *l, const char *image);
/* The regions under a key, which the caller frees. VS_E_MISSING: there is no such key. */
int regionlmdb_get(const struct regionlmdb *l, const char *key, struct regions **out,
                   struct vs_err *err);

#endif
