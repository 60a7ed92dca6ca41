/* SPDX-License-Identifier: MIT */
/* What the terminal can do, asked before curses starts. */
#ifndef UI_TERM_H
#define UI_TERM_H

#include "src/base/err.h"

#include <stdbool.h>

struct term {
    bool sixel;         /* DA1 has parameter 4 */
    bool sync;          /* knows synchronised output, mode 2026 */
    int cell_w, cell_h; /* pixels of a character cell; 0 unknown */
    int registers;      /* colours that a sixel image may have */
    int max_w, max_h;   /* largest image in pixels */
};

/* A whole sequence without its ESC [: what a reply says goes into t. False when it is none. */
bool term_reply(struct term *t, const char *seq);
/* Bounds what was heard to sane values. */
void term_settle(struct term *t);

/* Takes the terminal on standard input and output over: keeps its modes, restores them when a fault
 * kills the program, and turns echo off, so that late replies are not seen. Fails when there is
 * none. */
int term_take(struct vs_err *err);
/* Asks what it can do, and listens until it has said so, or 300 ms; the rest is heard later. */
struct input;
void term_ask(struct input *in);
/* What the terminal does for us while it shows our screen: marks pasted text. */
void term_modes(bool on);
/* Gives it back as it was. */
void term_give_back(void);
/* Reads the cell's pixels again after a resize. */
void term_measure(struct term *t);
/* Rows and columns, at most as many as we draw; false when the terminal does not say. */
bool term_size(int *rows, int *cols);

#endif
