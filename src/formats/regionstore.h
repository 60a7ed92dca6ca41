/* SPDX-License-Identifier: MIT */
/* The regions of many images, by the names of the pictures: an LMDB, a TSV, or a folder with a file
 * for each image, which stays open as long as images are asked for. */
#ifndef VS_REGIONSTORE_H
#define VS_REGIONSTORE_H

#include "src/formats/regions.h"

struct regionstore;

/* What it is is known by its content. The caller closes it; NULL is fine there. */
int regionstore_open(const char *path, struct regionstore **out, struct vs_err *err);
void regionstore_close(struct regionstore *s);
const char *regionstore_path(const struct regionstore *s);
/* How the picture at path is called in it: by its name without or with the ending, or by the
 * number that the names of COCO's and Visual7W's pictures end with, COCO's in each of its spellings
 * (imagekey.h). NULL: it is not there. Caller frees. */
char *regionstore_key(const struct regionstore *s, const char *path);
/* The file that has a key's regions: one of a folder's, or the table's own. Caller frees. */
char *regionstore_file(const struct regionstore *s, const char *key);
/* How the first one is called, for messages: of an LMDB or a TSV, else NULL. Caller frees. */
char *regionstore_first(const struct regionstore *s);
/* Its regions, which the caller frees; *key, unless NULL, is what they are called, the caller's,
 * too. VS_E_MISSING: they are not there. */
int regionstore_get(const struct regionstore *s, const char *path, struct regions **out, char **key,
                    struct vs_err *err);

#endif
