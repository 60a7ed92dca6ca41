/* SPDX-License-Identifier: MIT */
/* Text, bars and colors on the screen, by curses. */
#ifndef UI_DRAW_H
#define UI_DRAW_H

#include "ui/kit/canvas.h"

/* Text cut to width columns (text_cut), whatever it holds. Returns the columns used. */
int draw_text(int row, int col, int width, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* 0 to 1, in eighths of cells, in the color that is set; chosen: in a row that is reversed. */
void draw_bar(int row, int col, int width, double share, bool chosen);
/* After curses has started its colors, and when those of the theme have changed. */
void draw_init_colors(void);
/* The color of a rank as an attribute of curses. */
unsigned draw_rank_attr(int rank);
struct rgb draw_rank_color(int rank);
/* What has the keys, and keys themselves. */
unsigned draw_accent_attr(void);
/* What grew is orange, what shrank blue, as on maps of differences; 0 has no color. */
unsigned draw_sign_attr(double x);
/* A bar of the colors of heat with the numbers of its ends; returns its width. */
int draw_scale(int row, int col, float most);
/* The same of the colors of a difference, from less to more. */
int draw_signs(int row, int col, float most);
/* The following cells get this color behind them, and are black or white. */
void draw_on(struct rgb back, unsigned attr);
/* The following cells get the color of a heat behind them. */
void draw_heat_attr(float heat, unsigned attr);
/* Of what stands back: a color of the theme, since the terminal's own dim cannot be read on white
 * in some; that one only where there are few colors. */
unsigned draw_dim(void);
/* Behind the last slash; "" for NULL. */
const char *draw_base_name(const char *path);

#endif
