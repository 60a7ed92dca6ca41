/* SPDX-License-Identifier: MIT */
/* Small letters for pictures. */
#ifndef UI_FONT_H
#define UI_FONT_H

#include "ui/kit/canvas.h"

/* Letters are 5 by 7 pixels, in steps of 6, times scale. Other characters than ASCII's become '?',
 * one for each of them (UTF-8). What does not fit is left out. */
void font_draw(struct canvas *c, int x, int y, const char *text, int scale, struct rgb color);
/* The pixels of a text's width. */
int font_width(const char *text, int scale);

#endif
