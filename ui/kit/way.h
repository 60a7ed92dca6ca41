/* SPDX-License-Identifier: MIT */
/* The ways on which pixels get to a terminal. */
#ifndef UI_WAY_H
#define UI_WAY_H

#include "src/base/mem.h"
#include "ui/kit/canvas.h"

/* A strip of a picture, and what its way has to know. */
struct way_strip {
    const struct canvas *pixels;
    int colors;     /* that the terminal has for a picture */
    uint32_t id;    /* its number in the terminal */
    int cols, rows; /* the cells that it fills */
    bool tmux;      /* what the outer terminal is to see goes through tmux */
};

struct way {
    bool whole_cells; /* a strip is a multiple of cells in size */
    bool numbered;    /* pictures have ids, stay under text, and are taken away by their id */
    bool in_text;     /* cells show them by what is written in them: nothing is placed */
    /* Appends what draws the strip at the cursor; what a way cannot encode stays away. */
    void (*write)(const struct way_strip *s, struct buf *out);
};

/* In sixel.c, kitty.c, iterm2.c. */
extern const struct way way_sixel, way_kitty, way_kitty_text, way_iterm2;

/* ---- kitty.c */
/* Takes picture id away. */
void kitty_delete(uint32_t id, bool tmux, struct buf *out);
#define KITTY_SIGNS 34 /* rows of a picture in text, and values of the high byte of its id */
/* The code points, with zeros behind them, of a cell that shows row and col of a picture; the low
 * byte of its id is told by the cell's color. The first cell of a row has signs, the others go on
 * with it. */
void kitty_cell(uint32_t id, int row, int col, uint32_t out[5]);
/* Appends a sequence as tmux hands it on to the terminal around it. */
void kitty_pass(const char *s, size_t len, bool tmux, struct buf *out);

#endif
