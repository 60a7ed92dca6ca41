/* SPDX-License-Identifier: MIT */
/* The terminal: pictures, keys as they come, what is asked of it. */
#ifndef UI_SCREEN_H
#define UI_SCREEN_H

#include "ui/kit/gfx.h"
#include "ui/kit/input.h"

struct workbench;

enum graphics_choice {
    GRAPHICS_AUTO, GRAPHICS_SIXEL, GRAPHICS_BLOCKS, GRAPHICS_ASCII, GRAPHICS_NONE
};

struct screen {
    struct gfx gfx;
    struct input input;
    enum graphics_choice graphics;
    int heard;              /* of the terminal's replies, how many were acted on */
    bool mouse;             /* the terminal reports it */
    bool redraw, suspend;   /* what is to be done before the next frame */
    bool cursor, cursor_on; /* it is to be seen in this frame; it is seen */
};

/* By enum graphics_choice, with a NULL behind the last. */
extern const char *const graphics_names[];
/* False for other words. */
bool workbench_graphics(const char *name, enum graphics_choice *out);
void screen_set_graphics(struct workbench *w, enum graphics_choice choice);
/* A late answer of the terminal about itself. */
void screen_terminal(struct workbench *w, const struct term *t);
/* The pixels of a cell: those of the terminal, or 1x2 in blocks. */
void draw_cell(const struct workbench *w, int *cw, int *ch);

#endif
