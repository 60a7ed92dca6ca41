/* SPDX-License-Identifier: MIT */
/* Boxes that a user gives: x1 y1 x2 y2 in pixels of the picture. */
#ifndef VS_BOXFILE_H
#define VS_BOXFILE_H

#include "src/base/err.h"

/* Reads a text (four numbers a line, blanks or commas between them, # begins a comment), a JSON
 * list of lists, or a .npy of shape (N, 4). The caller frees *boxes. Every box must have
 * x1 <= x2 and y1 <= y2 and finite sides. */
int boxfile_read(const char *path, float **boxes, int *count, struct vs_err *err);

#endif
