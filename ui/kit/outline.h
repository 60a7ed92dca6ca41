/* SPDX-License-Identifier: MIT */
/* Smooth letters of an installed font, at any height. */
#ifndef UI_OUTLINE_H
#define UI_OUTLINE_H

#include "ui/kit/canvas.h"

/* Whether a font was found; it is looked for once. VILSCOPE_FONT=built-in: none. */
bool outline_found(void);
/* The width in pixels of a text of this height; px is that of a line, from 6 to 200. */
int outline_width(const char *text, int px);
/* Draws from pixel (x, y), the upper left corner of the line. What does not fit is left out. */
void outline_draw(struct canvas *c, int x, int y, const char *text, int px, struct rgb color);

#endif
