/* SPDX-License-Identifier: MIT */
/* Files of images by the names that annotations, rows and logs have for them. */
#ifndef VS_IMAGENAME_H
#define VS_IMAGENAME_H

#include <stdbool.h>

/* The file of an image in a folder: by its name, by that with an ending, by the last part of it, or
 * by its number as COCO has it (COCO_val2014_000000000042.jpg). A stranger's name leads nowhere
 * else: of one with ".." only the last part counts. NULL: there is none; else the caller frees it.
 */
char *imagename_find(const char *dir, const char *name);
/* Whether a file is what a name means: the same last part, with or without its ending, or the same
 * number as COCO has it. */
bool imagename_same(const char *path, const char *name);

#endif
