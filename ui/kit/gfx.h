/* SPDX-License-Identifier: MIT */
/* Pictures among curses' text: which are wanted, which are on the screen.
 *
 * A picture is cut into strips of a few rows of cells. What changed is encoded strip by strip in a
 * thread of its own, and sent strip by strip while no key waits: so pictures never hold up the
 * keyboard, and a small change sends little. */
#ifndef UI_GFX_H
#define UI_GFX_H

#include "src/base/mem.h"
#include "ui/kit/canvas.h"
#include "ui/kit/term.h"

#include <pthread.h>

/* A rectangle of cells. */
struct area {
    int row, col, rows, cols;
};
bool area_holds(struct area a, int row, int col);

#define GFX_PLACES 12
#define GFX_STRIPS 96

/* Contents are known by their hash; 0 is nothing. */
struct gfx_strip {
    uint64_t want, have, shown; /* in the newest canvas, in data, on the screen */
    struct buf data;            /* encoded */
};

struct gfx {
    enum gfx_mode mode;
    struct term term;
    int most_w, most_h;   /* pixels of the largest picture that this mode has */
    struct rgb back;      /* what is behind text, and where a picture does not fill its cells */
    struct gfx_place {
        struct area at;
        int w, h;         /* its pixels */
        int strips;
        struct gfx_strip strip[GFX_STRIPS];
        int blank;        /* which blank lies under it */
        struct canvas *canvas;
        bool wanted;      /* in the frame being made */
    } places[GFX_PLACES];
    bool gray;            /* pictures that are placed lose their colors */
    bool cursor;          /* the terminal shows one: it is hidden while a picture is sent */
    uint64_t sent;        /* bytes of pictures so far */
    bool used[256];       /* by the low byte of their ids: pictures that the terminal keeps */
    /* The encoding thread; the lock guards places' canvases and strips. */
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool threaded, quit;
    int wake;             /* readable when a strip is ready; -1 without a thread */
};

/* Starts the encoding thread; without one pictures are encoded when they are sent. */
void gfx_init(struct gfx *g);
/* Other pixels of cells, or another kind of pictures. Only the thread of the screen calls these; it
 * may read mode and term, and the encoder does with the lock. */
void gfx_set_term(struct gfx *g, const struct term *t);
void gfx_set_mode(struct gfx *g, enum gfx_mode mode);
/* What is behind text. */
void gfx_set_back(struct gfx *g, struct rgb back);
/* Whether pictures have the terminal's pixels, or halves of cells. */
bool gfx_has_pixels(const struct gfx *g);
/* The pixels of a canvas that fills at most area and has the shape of a w by h picture. */
void gfx_fit(const struct gfx *g, struct area a, int w, int h, int *canvas_w, int *canvas_h);
/* A new frame: nothing is wanted yet. */
void gfx_begin(struct gfx *g);
/* Puts picture number i at the area's corner, and takes the canvas over (NULL does nothing). What
 * is on the screen already is not sent again. */
void gfx_place(struct gfx *g, int i, struct area a, struct canvas *c);
/* After doupdate: sends what is ready. Stops when input waits; true: something is left to send. */
bool gfx_flush(struct gfx *g);
/* Writes other bytes that curses does not know. */
void gfx_send(struct gfx *g, const char *data, size_t len);
/* All that is wanted is on the screen. */
bool gfx_settled(struct gfx *g);
/* Everything on the screen was lost. */
void gfx_lost(struct gfx *g);
/* Takes pictures away that the terminal keeps, before its screen is left. */
void gfx_leave(struct gfx *g);
void gfx_fini(struct gfx *g);

#endif
