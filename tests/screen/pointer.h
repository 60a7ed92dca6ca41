/* SPDX-License-Identifier: MIT */
/* The mouse, and what the last line says of what it points at. */
#ifndef POINTER_H
#define POINTER_H

#include "terminal.h"

/* A terminal that reports the mouse without a button, on the frozen model with its first query
 * answered; wide: its pictures may be as large as its window, else 1000 pixels wide. */
struct terminal *pointer_open(int rows, int cols, bool wide);
/* Moves it without a button, or presses and lets go the first one; rows and columns from 0. */
void pointer_at(struct terminal *t, int row, int col);
void pointer_click(struct terminal *t, int row, int col);
/* The last line from its first sign to the gap behind what is said. */
void pointer_says(const struct terminal *t, char *out, int size);
/* Whether a row above the last one has a text, and which: or -1. */
int pointer_row_of(const struct terminal *t, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
bool pointer_row_has(const struct terminal *t, int row, const char *text);

#endif
