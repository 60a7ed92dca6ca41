/* SPDX-License-Identifier: MIT */
/* Whether boxes can be boxes of a picture. */
#ifndef VS_BOXCHECK_H
#define VS_BOXCHECK_H

#include "src/base/err.h"

#include <stdbool.h>

/* boxes (count, 4), x1 y1 x2 y2, of a picture of width x height pixels; where: whose they are, for
 * messages. Fails for what cannot be: not finite, x2 before x1, outside of the picture. Shares of
 * the picture (0 to 1) become pixels. *note, which is NULL or the caller's to free, gets a sentence
 * about what was changed or is odd. A pixel and a hundredth beyond the edges is let pass: sizes are
 * rounded. */
int boxes_check(float *boxes, int count, int width, int height, const char *where, char **note,
                struct vs_err *err);
/* The same for regions in a file, which a detector found: its boxes may lie in what it adds to the
 * image at the right and below, and the reference writes them so. More than the published one adds
 * is noted. added: how many pixels that are, where the file says it; else 0. */
int boxes_check_found(float *boxes, int count, int width, int height, int added,
                      const char *where, char **note, struct vs_err *err);
/* What a file of these boxes has to say as `added`, to be read again: 0, but for a detector that
 * makes images smaller than is usual, whose padding is more pixels of the image. */
int boxes_added(const float *boxes, int count, int width, int height);
/* For what any detector has just found: its description may have it add far more, so up to twice
 * the image and 1024 pixels beyond are let pass. */
int boxes_look_found(const float *boxes, int count, int width, int height, const char *where,
                     struct vs_err *err);
/* boxes_check, with nothing changed and nothing noted. */
int boxes_look(const float *boxes, int count, int width, int height, const char *where,
               struct vs_err *err);
bool boxes_are_shares(const float *boxes, int count, int width, int height);

#endif
