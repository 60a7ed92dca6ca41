/* SPDX-License-Identifier: MIT */
/* The terminal: what kind of pictures it gets. */
#include "ui/state/state.h"

#include <string.h>

void draw_cell(const struct workbench *w, int *cw, int *ch)
{
    bool sixel = w->screen.gfx.mode == GFX_SIXEL;
    *cw = sixel ? w->screen.gfx.term.cell_w : 1;
    *ch = sixel ? w->screen.gfx.term.cell_h : 2;
}

void screen_terminal(struct workbench *w, const struct term *said)
{
    struct term t = *said;
    term_settle(&t);
    term_measure(&t);
    if (w->screen.gfx.mode == GFX_SIXEL && t.cell_w == 0) { /* a usual one was assumed */
        t.cell_w = w->screen.gfx.term.cell_w;
        t.cell_h = w->screen.gfx.term.cell_h;
    }
    gfx_set_term(&w->screen.gfx, &t);
    if (w->screen.graphics == GRAPHICS_AUTO && t.sixel && t.cell_w &&
        w->screen.gfx.mode == GFX_BLOCKS) {
        gfx_set_mode(&w->screen.gfx, GFX_SIXEL);
        w->screen.redraw = true;
    }
}

const char *const graphics_names[] = {"auto", "sixel", "blocks", "ascii", "none", NULL};

bool workbench_graphics(const char *name, enum graphics_choice *out)
{
    for (int i = 0; graphics_names[i]; i++)
        if (strcmp(graphics_names[i], name) == 0) {
            *out = (enum graphics_choice)i;
            return true;
        }
    return false;
}

void screen_set_graphics(struct workbench *w, enum graphics_choice choice)
{
    struct term t = w->screen.gfx.term;
    bool sixel = choice == GRAPHICS_SIXEL || (choice == GRAPHICS_AUTO && t.sixel);
    if (choice == GRAPHICS_SIXEL && t.cell_w == 0) {
        t.cell_w = 10; /* asked for, and the terminal does not say: a usual cell */
        t.cell_h = 20;
        gfx_set_term(&w->screen.gfx, &t);
    }
    w->screen.graphics = choice;
    gfx_set_mode(&w->screen.gfx, choice == GRAPHICS_ASCII  ? GFX_ASCII
                          : choice == GRAPHICS_NONE ? GFX_NONE
                          : sixel && t.cell_w       ? GFX_SIXEL
                                                    : GFX_BLOCKS);
    w->screen.redraw = true;
}
