/* SPDX-License-Identifier: MIT */
/* The terminal: pictures, keys as they come, what is asked of it. */
#ifndef UI_SCREEN_H
#define UI_SCREEN_H

#include "ui/kit/gfx.h"
#include "ui/kit/input.h"
#include "ui/kit/links.h"
#include "ui/kit/term_virtual.h"

struct workbench;

enum graphics_choice {
    GRAPHICS_AUTO, GRAPHICS_SIXEL, GRAPHICS_KITTY, GRAPHICS_ITERM2, GRAPHICS_BLOCKS,
    GRAPHICS_ASCII, GRAPHICS_NONE
};

/* What the mouse points at, where the terminal reports it without a button. */
struct hover {
    bool on;        /* it was moved, and no key was pressed since */
    int row, col;
    char text[256]; /* or "" */
};

/* Until the mouse moves. */
static inline void hover_forget(struct hover *h)
{
    h->on = false;
    h->text[0] = '\0';
}

struct screen {
    struct gfx gfx;
    struct links links;
    struct input input;
    enum graphics_choice graphics;
    int heard;              /* of the terminal's replies, how many were acted on, */
    int identified;         /* and for how many of those that say who it is tmux was asked */
    bool ask;               /* what can change is to be asked again, when all is answered */
    bool started;           /* curses has colors */
    int scheme;             /* of the terminal, as it said last: 1 dark, 2 light */
    const char *unknown;    /* TERM, which terminfo does not have; or NULL */
    bool mouse;             /* the terminal reports it, */
    bool motion;            /* also where it goes without a button */
    struct hover hover;
    bool redraw, suspend;   /* what is to be done before the next frame */
    bool away;              /* the terminal is another's: nothing is written to it */
    bool cursor;            /* it is to be seen in this frame; gfx knows whether it is */
};

/* By enum graphics_choice, with a NULL behind the last. */
extern const char *const graphics_names[];
/* False for other words. */
bool workbench_graphics(const char *name, enum graphics_choice *out);
void screen_set_graphics(struct workbench *w, enum graphics_choice choice);
/* "blocks: it knows none of kitty, sixel and iTerm2": what pictures are made of, and why of nothing
 * better. */
void screen_why(const struct workbench *w, char *out, size_t size);
/* Looks up whether the machine knows TERM, and prints a note where it does not. */
void screen_name(struct workbench *w);
/* Opens curses' screen; false when terminfo has no entry for it. */
bool screen_open(const struct workbench *w);
/* A late answer of the terminal about itself. */
void screen_terminal(struct workbench *w, const struct term *t);
/* Pictures are made for t, with the cells that it has now; where nobody tells their pixels, with
 * those that were assumed. */
void screen_measure(struct workbench *w, struct term t);
/* The terminal reports the mouse, where it is wished or a box is drawn, or keeps it. */
void screen_mouse(const struct workbench *w);
/* The theme follows the terminal's background, and what the user has set. */
void screen_theme(struct workbench *w);
/* The size of the screen, or of its cells, has changed: asks again for what hangs on it. */
void screen_ask(struct workbench *w);
/* Another terminal may show us by now: asks it everything. */
void screen_ask_anew(struct workbench *w);
/* The pixels of a cell: those of the terminal, or 1x2 in blocks. */
void draw_cell(const struct workbench *w, int *cw, int *ch);
/* So many of these columns as a picture may have here: what is wider is cut by the terminal. */
int draw_cols(const struct workbench *w, int cols);
/* A canvas for the screen, whose labels are painted, or text over blocks. NULL when too large. */
struct canvas *draw_canvas(const struct workbench *w, int width, int height);

#endif
