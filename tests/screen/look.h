/* SPDX-License-Identifier: MIT */
/* How a screen looks, beside its text: attributes and colors of the cells, pixels of pictures. */
#ifndef LOOK_H
#define LOOK_H

#include "terminal.h"

/* One row, as runs: "12=" cells as they are without attributes, "5=r" reverse, "3=bu#1:4" bold and
 * underlined in color 1 on color 4, "8p" cells of a picture, of which each has three hexadecimal
 * digits behind it: its mean red, green and blue. */
void look_row(const struct terminal *t, int row, char *out, size_t size);
/* In how many cells two such rows differ. Pixels may do so by a step of 16, and some more: other
 * processors have other last digits. */
int look_differs(const char *a, const char *b);
/* Rows, which row() writes, against those of a golden file below the source: how many cells differ,
 * those of rows that only one of them has with them; -1 where the file cannot be read. The first
 * rows are told. With VILSCOPE_GOLDEN in the environment the file is written anew. */
int look_golden(const char *file, int rows,
                void (*row)(const void *of, int row, char *out, size_t size), const void *of);

#endif
