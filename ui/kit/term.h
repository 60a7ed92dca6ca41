/* SPDX-License-Identifier: MIT */
/* What the terminal can do, asked before curses starts. */
#ifndef UI_TERM_H
#define UI_TERM_H

#include "src/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct term {
    bool sixel;         /* DA1 has parameter 4 */
    bool kitty;         /* answers kitty's question for graphics with OK */
    bool kitty_text;    /* and says that it knows placeholders in text */
    bool iterm2;        /* answers iTerm2's questions */
    bool rgb;           /* says that its colors have 24 bits */
    bool tmux;          /* tmux stands between us and it */
    bool no_outer_sixel; /* which has sixels, but the terminal around it has none */
    bool passes;        /* and hands on what is for the terminal: it answered from behind */
    char name[64];      /* what it calls itself, or "" */
    bool back_known;    /* its background: */
    uint8_t back[3];
    int scheme;         /* 1 dark, 2 light: it said so last; 0 */
    bool sync;          /* knows synchronised output, mode 2026 */
    bool motion;        /* and how to report the mouse without a button, mode 1003 */
    int cell_w, cell_h; /* pixels of a character cell; 0 unknown */
    int registers;      /* colours that a sixel image may have */
    int max_w, max_h;   /* largest image in pixels */
};

/* A whole sequence without its ESC [: what a reply says goes into t. False when it is none. */
bool term_reply(struct term *t, const char *seq);
/* The same of a string: what stands behind ESC and its introducer, as ']' or '_'. */
bool term_string(struct term *t, char introducer, const char *text);
/* Bounds what was heard to sane values. */
void term_settle(struct term *t);

/* Takes the terminal on standard input and output over: keeps its modes, restores them when a fault
 * kills the program, and turns echo off, so that late replies are not seen. Fails when there is
 * none. */
int term_take(struct vs_err *err);
/* Asks what it can do, and listens until it has said so, or 300 ms; the rest is heard later. */
struct input;
void term_ask(struct input *in);
/* Asks everything once more, as another terminal may show us by now: which pictures it has is
 * forgotten. What it says is heard later; the screen has to be written anew. */
void term_ask_anew(struct input *in);
/* Asks once more for what hangs on the size of the screen; what it says is heard later. */
void term_ask_again(struct input *in);
/* Asks for its background once more. */
void term_ask_color(void);
/* What the terminal does for us while it shows our screen: marks pasted text, tells when its
 * colors turn from dark to light. */
void term_modes(bool on);
/* It reports the mouse, also while a button is down, and where motion is set while none is; or
 * keeps it for itself. */
void term_mouse(bool on, bool motion);
/* Writes all bytes to it, also where it is slow to take them. False when it is gone. */
bool term_write_all(const char *s, size_t len);
/* Waits a moment for what it was asked and has not said yet: it would be keys for whoever has it
 * next. */
void term_wait(struct input *in);
/* Gives it back as it was. */
void term_give_back(void);
/* Reads the cell's pixels again after a resize. */
void term_measure(struct term *t);
/* Rows and columns, at most as many as we draw; false when the terminal does not say. */
bool term_size(int *rows, int *cols);

/* ---- tmux.c */
/* Inside tmux: asks it whether the terminal around it has sixels, too, and 24 bits of color. */
void tmux_ask(struct term *t);

/* ---- what pictures are made of */

/* The first ones are ways for pixels (way.h). */
enum gfx_mode {
    GFX_SIXEL, GFX_KITTY, GFX_KITTY_TEXT, GFX_ITERM2, GFX_BLOCKS, GFX_ASCII, GFX_NONE
};
/* The best of what a terminal has said that it has. */
enum gfx_mode gfx_best(const struct term *t);
/* "sixel", "kitty", "blocks" ... */
const char *gfx_mode_name(enum gfx_mode mode);

#endif
