/* The workbench's state, shared by its files: workbench.c (loop and events), actions.c (what keys
 * do), panes.c (what is drawn), photo.c (the picture). */
#ifndef UI_WORKBENCH_PRIV_H
#define UI_WORKBENCH_PRIV_H

#include "ui/edit.h"
#include "ui/gfx.h"
#include "ui/look.h"
#include "ui/workbench.h"

enum mode {
    MODE_BROWSE, MODE_TYPE, MODE_OPEN, MODE_TASKS, MODE_HISTORY, MODE_HELP,
    MODE_REGIONS, /* choosing a region in the list */
    MODE_MATRIX,  /* an attention map as a matrix */
    MODE_BOX      /* drawing a box on the photo */
};

/* What the screen knows of a photo. */
struct photo_state {
    struct box_list boxes; /* drawn by the user */
    bool asked, waits;     /* the detector was asked for regions, and has not answered */
};

/* The matrix view: what it shows, and the chosen cell. */
struct matrix_view {
    enum attn_kind kind;
    int layer, head, row, col; /* head -1: the mean */
    bool sort, hide, changed;
};

/* A box being drawn, in pixels of the picture. */
struct drawing {
    double x, y, from_x, from_y;
    bool from; /* one corner is set */
};

/* A result with the photos that it is about. */
struct shown {
    struct result *r;
    struct photo **photos; /* (r->image_count), borrowed */
};

struct workbench {
    struct model *model;
    struct log *log;
    int64_t session;
    struct engine *engine;
    struct photo **photos;
    struct photo_state *states; /* (photo_count) */
    const struct eval_set *suggestions; /* or NULL */
    int suggestion;             /* the next one */
    int photo_count, photo; /* the current one */
    int region;             /* chosen in the list, -1 none */
    struct drawing draw;
    struct matrix_view matrix;
    struct area shown_at;   /* where the photo is... */
    int shown_w, shown_h;   /* ...and its canvas pixels */
    enum graphics_choice graphics;
    const struct task *task;
    int checkpoint;
    enum mode mode;
    bool quit, redraw, photo_changed;
    struct gfx gfx;
    struct edit query, open;
    struct shown now;      /* on the screen */
    struct result *unlogged; /* waits for the checkpoint's digest; may be now.r */
    struct photo **asked;  /* photos of the running query */
    int asked_count, running; /* its number, 0 when idle */
    double asked_at;
    int token, layer, head; /* -1: none, mean */
    bool overlay;
    int box, boxes_shown;   /* chosen rank, how many are drawn */
    int pick, scroll;       /* in lists */
    struct log_query *history;
    int history_count;
    char status[512];
    bool status_bad;
    char log_state[128];
};

/* workbench.c */
void workbench_say(struct workbench *w, bool bad, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void workbench_log(struct workbench *w, bool wait);

/* A late answer of the terminal about itself. */
void workbench_terminal(struct workbench *w, const struct term *t);
void workbench_add_photo(struct workbench *w, struct photo *p);
/* Whether the detector works, or will, for the current photo or the query. */
bool workbench_detecting(const struct workbench *w);

/* keys.c: acts on all keys that wait; false when there were none. */
bool keys_take(struct workbench *w);

/* boxes.c */
void boxes_begin(struct workbench *w);
void boxes_end(struct workbench *w);
void boxes_drop(struct workbench *w);
void boxes_key(struct workbench *w, int key, bool special);
void boxes_draw(struct workbench *w, struct canvas *c);

/* regions.c */
void regions_open_list(struct workbench *w);
void regions_key(struct workbench *w, int key, bool special);
void regions_draw(const struct workbench *w, struct area a);
void regions_highlight(const struct workbench *w, struct canvas *c);

/* matrix.c */
void matrix_open(struct workbench *w);
void matrix_key(struct workbench *w, int key, bool special);
void matrix_draw(struct workbench *w, struct area a);

/* actions.c: a key, as curses gives it; special for KEY_*. */
void actions_suggest(struct workbench *w); /* asks the next suggested query */
void actions_key(struct workbench *w, int key, bool special);
struct key_help {
    const char *keys, *what;
};
extern const struct key_help action_help[];

/* panes.c */
void panes_draw(struct workbench *w);
/* Text cut to width columns, whatever it holds. Returns the columns used. */
int panes_put(int row, int col, int width, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* After curses has started its colors. */
void panes_init_colors(void);
/* "region 12 cat", "whole image". */
void panes_region_name(const struct workbench *w, int region, char *out, size_t size);
/* The color of a rank as an attribute of curses. */
unsigned panes_rank_attr(int rank);

/* photo.c: draws the current photo with boxes or heat into an area. */
void photo_draw(struct workbench *w, struct area a);
/* The result's number of the current photo, or -1. */
int photo_in_result(const struct workbench *w);
/* The color of a rank. */
struct rgb photo_rank_color(int rank);
/* Weights of the chosen token over the current photo's regions (caller frees), or NULL. */
float *photo_weights(const struct workbench *w, int *count);

#endif
