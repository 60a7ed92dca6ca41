/* SPDX-License-Identifier: MIT */
/* The pixels of a terminal's screen. */
#ifndef PIXELS_H
#define PIXELS_H

#include "terminal.h"

/* A picture on the screen, in cells and pixels: strips that lie below each other are one. */
struct picture {
    int row, col, rows, w, h;
};

/* Puts a sixel picture where the cursor is. s: what stands behind the 'q', until ESC. */
void pixels_take(struct terminal *t, const char *s);
/* The largest picture that is on the screen; false without any. */
bool pixels_picture(const struct terminal *t, struct picture *out);
/* Cells that hold one of the blanks that lie under pictures, but no picture, or a picture and
 * something else: what a clean screen has none of. The first is told in why. */
int pixels_torn(const struct terminal *t, char *why, int size);

#endif
