/* SPDX-License-Identifier: MIT */
/* What is drawn: views, the panes that they stand in, the lines around them. */
#ifndef UI_VIEWS_H
#define UI_VIEWS_H

#include "ui/jobs/jobs.h"

extern const struct view *const all_views[]; /* ends in NULL; made of the list in local.mk */
const struct view *view_find(const char *name);
/* Those that others open or ask. */
extern const struct view view_image, view_regions, view_tasks, view_history, view_help, view_views,
    view_matrix;

/* ---- layout.c: where the panes are */
void panes_init(struct workbench *w);
/* Fills in where each pane of an area is, and the lines between them. */
void layout_panes(struct panes *p, struct area a);
/* All sizes are the usual ones. */
void layout_even(struct panes *p);
/* The line at a cell, and the one beside the focused pane, or below or above it (row). */
struct border border_at(const struct panes *p, int row, int col);
struct border border_of_focus(const struct panes *p, bool row);
/* It goes to a row or column, as far as panes keep the room that they need; none goes nowhere. */
void border_move(struct panes *p, struct border b, int row, int col);
void border_step(struct panes *p, struct border b, int rows, int cols);

/* ---- body.c: what is drawn where */
/* A pane in the cells that it has, gray where it is of an earlier query. */
void pane_draw(struct workbench *w, struct pane *p);
void panes_draw(struct workbench *w);
/* Whether the terminal is large enough for anything but a line that says so. */
bool panes_fit(void);
void panes_click(struct workbench *w, int row, int col);
/* The popup, or the pane under a cell; NULL: none is there. */
struct pane *panes_at(struct workbench *w, int row, int col);
/* The view under a cell gets the keys, and moves. */
void panes_wheel(struct workbench *w, int row, int col, enum motion m);
/* Moves in the view that has the keys. */
void panes_move(struct workbench *w, enum motion m);

/* ---- hover.c: what the mouse points at */
/* It points at a cell; true: the line that says so is another. */
bool hover_move(struct workbench *w, int row, int col);
/* Names it anew, of what was drawn in this frame. */
void hover_again(struct workbench *w);
/* Writes the line, and nothing else of the screen. */
void hover_draw(struct workbench *w);

/* ---- chrome.c: title, tokens, query and status lines */
void chrome_draw(struct workbench *w);
/* The last of them alone; the cursor stays. */
void chrome_draw_status(struct workbench *w);
/* A click outside of the panes; false: nothing is there. */
bool chrome_click(struct workbench *w, int row, int col);
#define CHROME_TOP 1
#define CHROME_BOTTOM 4

/* ---- photo.c: a photo with what is known of it */
/* The part of a photo that is on the screen. */
struct frame {
    double x, y, scale; /* its corner in pixels of the picture; canvas pixels per pixel */
    struct area at;     /* its cells */
    int w, h;           /* its canvas */
};
/* The smallest region of the current photo at a cell of the screen, or -1; at a frame that shows
 * some of it. */
int frame_region(const struct workbench *w, const struct frame *f, int row, int col);
/* Whether it is the chosen region that looks at regions, those of its own image: then the others of
 * a result have no weights. */
bool photo_region_looks(const struct workbench *w, const struct result *r);
/* Weights of a slice over the current photo's regions of what is chosen (caller frees), or NULL. */
float *photo_weights(const struct workbench *w, const struct slice *x, int *count);
/* The largest weight over all images of a result: what is brightest on any of them. 0: nothing is
 * chosen, or attention is not shown. */
float photo_top(const struct workbench *w, const struct result *r);
/* Where what looks may look at words, too: how much of it is on the current photo's regions. False
 * elsewhere, and where its weights do not sum to 1. */
bool photo_share(const struct workbench *w, const struct slice *x, double *share);
/* What is drawn of a result on a region of the current photo: ", weight 0.1234", or ", rank 2,
 * probability 0.1234", or "". */
void photo_region_number(const struct workbench *w, const struct result *r, int region, char *out,
                     size_t size);
/* "star, text to image, layer 2, mean of heads": what looks. */
void photo_looks(const struct workbench *w, char *out, size_t size);

/* A picture without marks, which is the same from key to key. */
struct photo_cache {
    struct canvas *c; /* or NULL */
    uint64_t key;
};
/* What is painted. */
struct photo_paint {
    int photo;
    const struct result *r; /* whose boxes and attention; NULL: none */
    int rank;               /* the chosen one */
    float top;              /* of the colors: photo_top, or that of several results */
    struct photo_cache *cache;
};
/* A photo with all that is drawn on it: the part that the frame says. */
void photo_compose(struct workbench *w, const struct photo_paint *x, struct canvas *c,
                   const struct frame *f);
/* ---- view_image.c */
/* Where the current photo was drawn last; scale 0: nowhere. */
const struct frame *photo_frame(struct workbench *w);

/* ---- boxes.c: drawing on the photo */
void do_box(struct workbench *w, const char *arg);
void do_box_drop(struct workbench *w, const char *arg);
void boxes_key(struct workbench *w, int key, bool special);
void boxes_mouse(struct workbench *w, const struct input_event *e);
void boxes_draw(struct workbench *w, struct canvas *c, const struct frame *f);

#endif
