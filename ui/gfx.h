/* Pictures among curses' text: which are wanted, which are on the screen. */
#ifndef UI_GFX_H
#define UI_GFX_H

#include "src/mem.h"
#include "ui/canvas.h"
#include "ui/term.h"

enum gfx_mode { GFX_SIXEL, GFX_BLOCKS };

/* A rectangle of cells. */
struct area {
    int row, col, rows, cols;
};

#define GFX_PLACES 8

struct gfx {
    enum gfx_mode mode;
    struct term term;
    int blanks;           /* blanks handed out */
    struct gfx_place {
        struct area at;
        struct buf data;  /* the encoded picture */
        uint64_t hash;    /* of what it was made from */
        int w, h;         /* its pixels */
        int blank;        /* which blank lies under it */
        struct canvas *canvas;
        bool wanted;      /* in the frame being made */
        bool shown;       /* on the screen, where `at` says */
    } places[GFX_PLACES];
};

/* The pixels of a canvas that fills at most area and has the shape of a w by h picture. */
void gfx_fit(const struct gfx *g, struct area a, int w, int h, int *canvas_w, int *canvas_h);
/* A new frame: nothing is wanted yet. */
void gfx_begin(struct gfx *g);
/* Puts picture number i at the area's corner, and takes the canvas over (NULL does nothing). What is
 * on the screen already is not sent again. */
void gfx_place(struct gfx *g, int i, struct area a, struct canvas *c);
/* After doupdate: send what is wanted and not shown. */
void gfx_flush(struct gfx *g);
/* The number of the nearest of the terminal's colors: of 256, or the 8 basic ones. */
int gfx_color_index(const uint8_t *rgb);
/* Everything on the screen was lost. */
void gfx_lost(struct gfx *g);
void gfx_fini(struct gfx *g);

#endif
