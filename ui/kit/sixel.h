/* SPDX-License-Identifier: MIT */
/* Pictures as sixel sequences. */
#ifndef UI_SIXEL_H
#define UI_SIXEL_H

#include "src/base/mem.h"
#include "ui/kit/canvas.h"

/* Appends the DCS sequence of c to out, with at most so many colors (2 or more). Where c has no
 * more of them they are exact; else those that are frequent are, and the others are of one cube, so
 * that strips and neighbours match. Registers are the picture's own, as terminals keep them
 * unless told otherwise (private mode 1070). */
void sixel_write(const struct canvas *c, int colors, struct buf *out);

#endif
