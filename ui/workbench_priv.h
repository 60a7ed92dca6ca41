/* The workbench's state, shared by its files: workbench.c (loop and events), actions.c (what keys
 * do), panes.c (what is drawn), photo.c (the picture). */
#ifndef UI_WORKBENCH_PRIV_H
#define UI_WORKBENCH_PRIV_H

#include "ui/edit.h"
#include "ui/gfx.h"
#include "ui/look.h"
#include "ui/workbench.h"

enum mode { MODE_BROWSE, MODE_TYPE, MODE_OPEN, MODE_TASKS, MODE_HISTORY, MODE_HELP };

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
    int photo_count, photo; /* the current one */
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

/* actions.c: a key, as curses gives it; special for KEY_*. */
void actions_key(struct workbench *w, int key, bool special);
struct key_help {
    const char *keys, *what;
};
extern const struct key_help action_help[];

/* panes.c */
void panes_draw(struct workbench *w);
/* After curses has started its colors. */
void panes_init_colors(void);
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
