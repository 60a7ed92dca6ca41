/* SPDX-License-Identifier: MIT */
/* How far a long piece of work is, in words. */
#ifndef VS_PROGRESS_H
#define VS_PROGRESS_H

#include <stddef.h>

/* What is left of a piece of work of which `share` (0 to 1) took `spent_ms`, in milliseconds, if
 * the rest goes as fast; -1 while too little is done to tell. */
double progress_left_ms(double spent_ms, double share);
/* ", 12 s left" or ", 1.5 h left" for that many milliseconds; nothing for a negative number. */
const char *progress_left_text(double left_ms, char out[32]);

/* A list of items, some of which needed no work. */
struct progress {
    int all;       /* items */
    int there;     /* that were done before */
    int done;      /* done now, or failed */
    double begun;  /* shares of items in work, added up */
    double spent_ms;
};
/* "5 of 40 images, 14 %, 2.10 images/s, 13 s left": `what` names an item in the plural. */
void progress_text(const struct progress *p, const char *what, char *out, size_t size);

#endif
