/* SPDX-License-Identifier: MIT */
/* Whole numbers that annotations write as text. */
#ifndef VS_WHOLENUMBER_H
#define VS_WHOLENUMBER_H

#include <stdbool.h>

/* Decimal digits at the beginning of a text, a sign before them; *end is what stands behind. False:
 * there are none, or they are more than a number of 64 bits, of which two would be one. */
bool whole_number(const char *text, const char **end, long long *out);

#endif
