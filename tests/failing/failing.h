/* SPDX-License-Identifier: MIT */
/* A program of which each part fails when it is told to: see failing.c. */
#ifndef FAILING_H
#define FAILING_H

#include <stdbool.h>

/* Whether this call of the function has to fail. */
bool fails(const char *name);

#endif
