/* SPDX-License-Identifier: MIT */
/* Letters for pictures. */
#ifndef UI_FONT_H
#define UI_FONT_H

#include "ui/kit/canvas.h"

/* Letters are those of an installed font where there is one: from scale 2 on as high as a row of
 * the terminal, below it two thirds of that. Else they are built in: 5 by 7 pixels in steps of 6,
 * times scale; characters other than ASCII's become '?', one for each of them (UTF-8). */

/* The height of the terminal's rows in pixels; 0: unknown. */
void font_set_row(int px);
/* The pixels that a text takes, with the margins around it. */
int font_width(const char *text, int scale);
int font_height(int scale);
/* Draws from (x, y), the upper left corner of that. What does not fit is left out. */
void font_draw(struct canvas *c, int x, int y, const char *text, int scale, struct rgb color);

#endif
