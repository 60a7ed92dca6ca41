/* SPDX-License-Identifier: MIT */
/* The terminal: what kind of pictures it gets. */
#include "ui/kit/terminfo.h"
#include "ui/kit/theme.h"
#include "ui/state/state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void draw_cell(const struct workbench *w, int *cw, int *ch)
{
    bool pixels = gfx_has_pixels(&w->screen.gfx);
    *cw = pixels ? w->screen.gfx.term.cell_w : 1;
    *ch = pixels ? w->screen.gfx.term.cell_h : 2;
}

int draw_cols(const struct workbench *w, int cols)
{
    int most = gfx_has_pixels(&w->screen.gfx) ? w->screen.gfx.most_w / w->screen.gfx.term.cell_w
                                              : cols;
    return cols < most ? cols : most;
}

struct canvas *draw_canvas(const struct workbench *w, int width, int height)
{
    struct canvas *c = canvas_new(width, height);
    if (!c)
        return NULL;
    canvas_fill(c, 0, 0, width - 1, height - 1, theme_back());
    c->cells = !gfx_has_pixels(&w->screen.gfx);
    return c;
}

/* ---- opening */

void screen_name(struct workbench *w)
{
    w->screen.unknown = terminfo_unknown();
    if (w->screen.unknown && isatty(STDOUT_FILENO)) /* else there is none, which is said soon */
        fprintf(stderr, "vilscope: note: TERM is '%.100s', which terminfo does not have here: "
                "drawn as %s\n", w->screen.unknown, terminfo_name());
}

/* curses asks for the size by itself, and fails where it is more than it can count to: it is told
 * one. */
bool screen_open(const struct workbench *w)
{
    int rows, cols;
    char number[16];
    bool sized = term_size(&rows, &cols);
    if (sized) {
        snprintf(number, sizeof number, "%d", rows);
        setenv("LINES", number, 1);
        snprintf(number, sizeof number, "%d", cols);
        setenv("COLUMNS", number, 1);
    }
    bool opened = terminfo_open(w->screen.input.term.rgb);
    if (sized) {
        unsetenv("LINES");
        unsetenv("COLUMNS");
    }
    return opened;
}

/* ---- what the terminal says */

void screen_theme(struct workbench *w)
{
    const struct term *t = &w->screen.input.term;
    theme_set_back(t->back_known ? t->back : NULL);
    gfx_set_back(&w->screen.gfx, theme_back());
    if (w->screen.started)
        draw_init_colors();
}

/* When it turns from dark to light it says so, and is asked for the color. */
static void screen_scheme(struct workbench *w, const struct term *t)
{
    if (t->scheme != w->screen.scheme)
        term_ask_color();
    w->screen.scheme = t->scheme;
    screen_theme(w);
}

/* Late answers may say that the terminal can do more. */
static void screen_motion(struct workbench *w, const struct term *t)
{
    bool other = w->screen.motion != t->motion;
    w->screen.motion = t->motion;
    if (other && w->screen.started)
        screen_mouse(w);
}

void screen_mouse(const struct workbench *w)
{
    term_mouse(w->screen.mouse || w->typed.mode == MODE_BOX, w->screen.motion);
}

void screen_ask(struct workbench *w)
{
    w->screen.ask = !w->screen.input.replied;
    if (!w->screen.ask)
        term_ask_again(&w->screen.input);
}

void screen_ask_anew(struct workbench *w)
{
    if (!w->screen.input.replied)
        return; /* it is being asked */
    term_ask_anew(&w->screen.input);
    w->screen.redraw = true;
}

void screen_measure(struct workbench *w, struct term t)
{
    term_measure(&t);
    if (t.cell_w == 0 && gfx_has_pixels(&w->screen.gfx)) {
        t.cell_w = w->screen.gfx.term.cell_w;
        t.cell_h = w->screen.gfx.term.cell_h;
    }
    gfx_set_term(&w->screen.gfx, &t);
}

/* With every answer about sixels: by now tmux may be in another terminal. Not with other replies:
 * it takes a process to ask. */
static void screen_ask_tmux(struct workbench *w)
{
    if (!w->screen.input.replied || w->screen.identified == w->screen.input.identified)
        return;
    w->screen.identified = w->screen.input.identified;
    tmux_ask(&w->screen.input.term);
}

void screen_terminal(struct workbench *w, const struct term *t)
{
    if (w->screen.ask && w->screen.input.replied)
        screen_ask(w);
    screen_ask_tmux(w);
    screen_measure(w, *t);
    screen_scheme(w, t);
    screen_motion(w, t);
    screen_set_graphics(w, w->screen.graphics);
}

/* ---- which pictures */

const char *const graphics_names[] = {"auto", "sixel", "kitty", "iterm2", "blocks", "ascii", "none",
                                      NULL};

bool workbench_graphics(const char *name, enum graphics_choice *out)
{
    for (int i = 0; graphics_names[i]; i++)
        if (strcmp(graphics_names[i], name) == 0) {
            *out = (enum graphics_choice)i;
            return true;
        }
    return false;
}

static enum gfx_mode mode_of(enum graphics_choice choice, const struct term *t)
{
    switch (choice) {
    case GRAPHICS_SIXEL: return GFX_SIXEL;
    case GRAPHICS_KITTY: return t->tmux ? GFX_KITTY_TEXT : GFX_KITTY;
    case GRAPHICS_ITERM2: return GFX_ITERM2;
    case GRAPHICS_BLOCKS: return GFX_BLOCKS;
    case GRAPHICS_ASCII: return GFX_ASCII;
    case GRAPHICS_NONE: return GFX_NONE;
    case GRAPHICS_AUTO: break;
    }
    return gfx_best(t);
}

void screen_set_graphics(struct workbench *w, enum graphics_choice choice)
{
    struct gfx *g = &w->screen.gfx;
    struct term t = g->term;
    enum gfx_mode mode = mode_of(choice, &t);
    bool changed = mode != g->mode || choice != w->screen.graphics;
    w->screen.graphics = choice;
    gfx_set_mode(g, mode);
    if (gfx_has_pixels(g) && t.cell_w == 0) {
        t.cell_w = 10; /* the terminal does not say: a usual cell */
        t.cell_h = 20;
        gfx_set_term(g, &t);
    }
    w->screen.redraw |= changed;
}

void screen_why(const struct workbench *w, char *out, size_t size)
{
    const struct term *t = &w->screen.gfx.term;
    const char *why = "";
    if (w->screen.graphics != GRAPHICS_AUTO)
        why = "as --graphics says";
    else if (t->tmux && !gfx_has_pixels(&w->screen.gfx))
        why = t->no_outer_sixel ? "tmux has sixels, but the terminal around it has none, as "
                                  "tmux says (terminal-features)"
              : t->kitty ? "the terminal around tmux did not say that it knows placeholders: "
                           "--graphics kitty tries them"
                         : "nothing came through tmux: \"set -g allow-passthrough on\" in "
                           "~/.tmux.conf, or tmux 3.4 with sixel, would help";
    else if (!w->screen.input.replied)
        why = "the terminal has not answered";
    else if (!gfx_has_pixels(&w->screen.gfx) && t->sixel)
        why = "sixels, but the terminal does not tell the size of its cells";
    else if (!gfx_has_pixels(&w->screen.gfx))
        why = "it knows none of kitty, sixel and iTerm2";
    snprintf(out, size, "%s%s%s", gfx_mode_name(w->screen.gfx.mode), *why ? ": " : "", why);
}
