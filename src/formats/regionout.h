/* SPDX-License-Identifier: MIT */
/* Regions of many images written in one of the formats that they are read from. An image is there
 * complete or not at all, so a run that was killed goes on where it was. */
#ifndef VS_REGIONOUT_H
#define VS_REGIONOUT_H

#include "src/formats/regions.h"

enum region_out {
    REGION_OUT_NPY, REGION_OUT_SAFETENSORS, REGION_OUT_PAIR, /* files in a folder */
    REGION_OUT_LMDB,
    REGION_OUT_TSV, REGION_OUT_OBJ36, /* a line an image */
    REGION_OUT_COUNT
};
#define REGION_OUT_NAMES "npy", "safetensors", "mmf", "lmdb", "tsv", "obj36"

struct regionout;
/* room: about how many bytes will be written. replace: images that are there are written anew; a
 * table (TSV) is begun anew. */
int regionout_open(const char *path, enum region_out kind, size_t room, bool replace,
                   struct regionout **out, struct vs_err *err);
/* Whether an image is there and is not to be written again. */
bool regionout_has(struct regionout *o, const char *key);
int regionout_put(struct regionout *o, const char *key, const struct regions *r,
                  struct vs_err *err);
/* The list of what an LMDB has, if all went well, and whether all of a table is on the disk. */
int regionout_finish(struct regionout *o, struct vs_err *err);
void regionout_close(struct regionout *o); /* NULL is fine */

#endif
