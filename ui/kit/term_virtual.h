/* SPDX-License-Identifier: MIT */
/* A screen that nobody sees. */
#ifndef UI_TERM_VIRTUAL_H
#define UI_TERM_VIRTUAL_H

#include "src/base/err.h"

struct input;

struct term_screen {
    int rows, cols;
    int cell_w, cell_h; /* pixels */
};
#define TERM_SCREEN_USUAL {50, 160, 10, 20}

/* "ROWSxCOLS" or "ROWSxCOLS,WIDTHxHEIGHT"; fails with VS_E_USAGE and what may be said. */
int term_screen_parse(const char *text, struct term_screen *out, struct vs_err *err);
/* Instead of term_take and term_ask: one of that size, whose pictures are pixels. Standard input
 * and output are others until term_virtual_leave. */
int term_virtual_take(const struct term_screen *size, struct input *in, struct vs_err *err);
void term_virtual_leave(void);
/* Its size; NULL: a terminal shows us. */
const struct term_screen *term_virtual(void);

#endif
