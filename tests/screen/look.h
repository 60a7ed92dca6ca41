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

#endif
