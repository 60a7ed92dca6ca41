/* SPDX-License-Identifier: MIT */
/* Numbers of images in the spellings of data sets: what one file calls 42 is called
 * COCO_val2014_000000000042 by another. */
#ifndef VS_IMAGEKEY_H
#define VS_IMAGEKEY_H

#include <stdbool.h>

#define IMAGEKEY 64 /* bytes of a spelling with its NUL */

/* The number that a name of COCO ("COCO_val2014_000000000042", "000000000042") or of Visual7W
 * ("v7w_42") ends with, without zeros before; *coco: it is COCO's. NULL: other names that end with
 * digits may be of anything. */
const char *imagekey_number(const char *stem, bool *coco);
/* Whether a name is a number and nothing else. */
bool imagekey_is_number(const char *name);
/* The i-th spelling of a number of COCO's: without zeros, with them, and as the pictures of
 * train2014, val2014 and test2015 are called, which share no number. False: there are no more. */
bool imagekey_spelling(const char *number, int i, char out[IMAGEKEY]);

#endif
