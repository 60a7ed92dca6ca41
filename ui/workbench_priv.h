/* The workbench's state, shared by its files: workbench.c (loop and events), actions.c (the table of
 * everything that can be done), do_*.c (what that is), panes.c (what is drawn where), view_*.c (what
 * the panes show). */
#ifndef UI_WORKBENCH_PRIV_H
#define UI_WORKBENCH_PRIV_H

#include "ui/edit.h"
#include "ui/gfx.h"
#include "ui/look.h"
#include "ui/workbench.h"

struct workbench;

/* ---- views */

enum motion {
    MOVE_UP, MOVE_DOWN, MOVE_LEFT, MOVE_RIGHT, MOVE_PAGE_UP, MOVE_PAGE_DOWN, MOVE_FIRST, MOVE_LAST
};

/* What a pane can show. Everything but name, what and draw may be NULL. */
struct view {
    const char *name, *what;
    bool popup; /* covers the body until it is left */
    void (*draw)(struct workbench *w, struct area a);
    void (*move)(struct workbench *w, enum motion m); /* NULL: tokens and answers move */
    void (*accept)(struct workbench *w);              /* Enter */
    bool (*click)(struct workbench *w, int row, int col); /* in its area; false: nothing there */
    void (*filter)(struct workbench *w); /* popups that take typed letters: w->filter changed */
    void (*leave)(struct workbench *w);  /* a popup is closed */
    /* Its numbers, a row for each line, names in front; for export. */
    bool (*table)(struct workbench *w, struct table *out);
};
extern const struct view view_photo, view_answer, view_looks, view_tokens, view_matrix, view_heads,
    view_states, view_plane, view_lens, view_effects, view_regions, view_tasks, view_history,
    view_help, view_status, view_views;
extern const struct view *const all_views[]; /* ends in NULL; popups last */
const struct view *view_find(const char *name);

/* Numbers with names for an export. x (rows, cols), all owned by the table. */
struct table {
    int rows, cols;
    char **row_names, **col_names;
    float *x;
};
void table_init(struct table *t, int rows, int cols);
void table_fini(struct table *t);

#define PANES 6
struct pane {
    const struct view *view;
    struct area at;
    bool shown; /* there was room for it */
};

/* ---- what is looked at: one selection for all views */

struct selection {
    enum attn_kind kind; /* the map of the matrix and the heads */
    int layer[4], head[4]; /* by kind; head also LOOK_MEAN, LOOK_MAX, LOOK_ROLLOUT */
    int token;           /* -1 none */
    int region;          /* as the model counts: 0 the whole image; -1 none */
};

enum mode {
    MODE_BROWSE,
    MODE_TYPE,    /* the query line */
    MODE_OPEN,    /* an image's name */
    MODE_COMMAND, /* the ":" line */
    MODE_BOX      /* drawing a box on the photo */
};

/* What the screen knows of a photo. */
struct photo_state {
    struct box_list boxes; /* drawn by the user */
    bool asked, waits;     /* the detector was asked for regions, and has not answered */
    struct canvas *thumb;  /* or NULL */
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

/* A key that the user has bound to a command line. */
struct binding {
    char *key, *line;
};

/* Lines of a script that wait to be run. */
struct script {
    char *text, *at; /* the next line; NULL: none */
    const char *path;
    int line;
    bool waits;      /* for the engine */
    double until;    /* ms, or for this moment */
};

/* The part of the current photo that is on the screen. */
struct frame {
    double x, y, scale; /* its left upper corner in pixels of the picture; canvas pixels per pixel */
    struct area at;     /* its cells */
    int w, h;           /* its canvas */
};

struct workbench {
    struct model *model;
    struct log *log;
    int64_t session;
    struct engine *engine;
    struct photo **photos;
    struct photo_state *states; /* (photo_count) */
    int photo_count, photo;     /* the current one */
    const struct eval_set *suggestions; /* or NULL */
    int suggestion;             /* the next one */
    const struct task *task;
    int checkpoint;

    struct selection sel;
    bool overlay;               /* attention on the photo */
    bool single;                /* one photo, where a result has several */
    bool hide_special, sort;    /* in the matrix */
    int statistic;              /* of the heads view */
    int box, boxes_shown;       /* chosen rank, how many are drawn */
    double zoom, pan_x, pan_y;  /* of the photo; pan is its middle, 0 to 1 */
    struct drawing draw;
    struct frame frame;

    struct pane panes[PANES];
    int pane_count, focus;
    bool zoomed;                /* the focused pane has the whole body */
    const struct view *popup;   /* or NULL */
    int slot;                   /* the picture's number of the pane being drawn */
    struct area popup_at;
    int pick, scroll;           /* in popups and lists */
    struct edit filter;         /* of popups that search */

    enum mode mode;
    bool quit, redraw;
    int status_code;            /* what the program ends with */
    enum graphics_choice graphics;
    struct gfx gfx;
    struct edit query, open, command;
    struct binding *bindings;
    int binding_count;
    struct script script;

    struct shown now;           /* on the screen */
    struct result *plain;       /* the same query without interventions, to compare; or NULL */
    struct effects *effects;    /* of the last knock-out, or NULL */
    struct what_if *what_if;    /* interventions of the next query; never NULL */
    struct result *unlogged;    /* waits for the checkpoint's digest; may be now.r */
    struct photo **asked;       /* photos of the running query */
    int asked_count, running;   /* its number, 0 when idle */
    bool asked_changed;         /* it differs from the plain one by its interventions only */
    struct log_query *history;
    int history_count;
    char status[512];
    bool status_bad;
    char log_state[128];
};

/* ---- workbench.c */
void workbench_say(struct workbench *w, bool bad, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void workbench_log(struct workbench *w, bool wait);
/* A late answer of the terminal about itself. */
void workbench_terminal(struct workbench *w, const struct term *t);
void workbench_add_photo(struct workbench *w, struct photo *p);
/* Whether the detector works, or will, for the current photo or the query. */
bool workbench_detecting(const struct workbench *w);
void workbench_suspend(struct workbench *w);

/* ---- keys.c: acts on all keys that wait; false when there were none. */
bool keys_take(struct workbench *w);
/* The name of a key, as in the table of actions: "Left", "C-l", "x". special for KEY_*. */
void keys_name(int key, bool special, char *out, size_t size);

/* ---- actions.c: everything that can be done, by key, by command line, by script */
struct action {
    const char *name;
    const char *keys; /* names of keys with blanks between, or "" */
    const char *args; /* "" none; [X] may be left out */
    const char *view; /* only while this view has the keys; NULL: always */
    const char *what;
    void (*run)(struct workbench *w, const char *arg);
};
extern const struct action action_table[];
extern const int action_count;
void actions_key(struct workbench *w, int key, bool special);
/* Runs "name argument". False, with the status line saying why, when there is no such action or it
 * failed. */
bool actions_line(struct workbench *w, const char *line);
/* Completes the command line. */
void actions_complete(struct workbench *w);
/* The keys of an action, those of the user included. */
void actions_keys(const struct workbench *w, const struct action *a, char *out, size_t size);
void actions_bind(struct workbench *w, const char *key, const char *line);

/* ---- do_query.c */
void do_ask(struct workbench *w, const char *arg);
void do_again(struct workbench *w, const char *arg);
void do_task(struct workbench *w, const char *arg);
void do_checkpoint(struct workbench *w, const char *arg);
void do_suggest(struct workbench *w, const char *arg);
void do_cancel(struct workbench *w, const char *arg);
/* Posts the text of the query line about the photos of the result that is shown. */
void query_repeat(struct workbench *w);
/* ---- do_photo.c */
void do_open(struct workbench *w, const char *arg);
void do_image(struct workbench *w, const char *arg);
void do_image_next(struct workbench *w, const char *arg);
void do_image_previous(struct workbench *w, const char *arg);
void do_detect(struct workbench *w, const char *arg);
void do_zoom_in(struct workbench *w, const char *arg);
void do_zoom_out(struct workbench *w, const char *arg);
void do_pan(struct workbench *w, const char *arg);
void do_single(struct workbench *w, const char *arg);
void do_boxes_more(struct workbench *w, const char *arg);
void do_boxes_fewer(struct workbench *w, const char *arg);
/* ---- do_look.c */
void do_token(struct workbench *w, const char *arg);
void do_region(struct workbench *w, const char *arg);
void do_rank(struct workbench *w, const char *arg);
void do_map(struct workbench *w, const char *arg);
void do_layer(struct workbench *w, const char *arg);
void do_layer_next(struct workbench *w, const char *arg);
void do_layer_previous(struct workbench *w, const char *arg);
void do_head(struct workbench *w, const char *arg);
void do_head_next(struct workbench *w, const char *arg);
void do_head_previous(struct workbench *w, const char *arg);
void do_overlay(struct workbench *w, const char *arg);
void do_special(struct workbench *w, const char *arg);
void do_sort(struct workbench *w, const char *arg);
void do_statistic(struct workbench *w, const char *arg);
void do_color_map(struct workbench *w, const char *arg);
void look_move(struct workbench *w, enum motion m); /* tokens sideways, answers up and down */
/* The token or region chosen as the source of the current map: its row, or -1. */
int look_source(const struct workbench *w);
void look_choose_row(struct workbench *w, bool token, int i);
/* Back into bounds, after a new result. */
void look_settle(struct workbench *w);
/* ---- do_what_if.c */
void do_mask(struct workbench *w, const char *arg);
void do_drop(struct workbench *w, const char *arg);
void do_silence(struct workbench *w, const char *arg);
void do_restore(struct workbench *w, const char *arg);
void do_knock_out(struct workbench *w, const char *arg);
/* ---- do_export.c */
void do_export(struct workbench *w, const char *arg);
void do_save_display(struct workbench *w, const char *arg);
void do_save_images(struct workbench *w, const char *arg);
void do_copy(struct workbench *w, const char *arg);
/* ---- script.c */
void do_source(struct workbench *w, const char *arg);
void do_wait(struct workbench *w, const char *arg);
void do_sleep(struct workbench *w, const char *arg);
int script_open(struct workbench *w, const char *path, struct vs_err *err);
/* Runs what can be run. True when it waits for a moment, *ms from now. */
bool script_step(struct workbench *w, int *ms);
void script_fini(struct workbench *w);

/* ---- boxes.c: drawing on the photo */
void do_box(struct workbench *w, const char *arg);
void do_box_drop(struct workbench *w, const char *arg);
void boxes_key(struct workbench *w, int key, bool special);
void boxes_draw(struct workbench *w, struct canvas *c, const struct frame *f);

/* ---- panes.c: what is where */
void panes_init(struct workbench *w);
void panes_draw(struct workbench *w);
/* The view that has the keys. */
const struct view *panes_focused(const struct workbench *w);
void panes_popup(struct workbench *w, const struct view *v);
void panes_leave_popup(struct workbench *w);
void panes_click(struct workbench *w, int row, int col);
void do_view(struct workbench *w, const char *arg);
void do_split(struct workbench *w, const char *arg);
void do_hide(struct workbench *w, const char *arg);
void do_zoom(struct workbench *w, const char *arg);
void do_focus_next(struct workbench *w, const char *arg);
void do_focus_previous(struct workbench *w, const char *arg);
/* Moves a chosen line and returns it in bounds. */
int panes_pick(int at, int count, int page, enum motion m);

/* ---- draw.c: text */
/* Text cut to width columns, whatever it holds. Returns the columns used. */
int draw_text(int row, int col, int width, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
void draw_bar(int row, int col, int width, double share); /* 0 to 1, in eighths of cells */
/* After curses has started its colors. */
void draw_init_colors(void);
/* The color of a rank as an attribute of curses. */
unsigned draw_rank_attr(int rank);
struct rgb draw_rank_color(int rank);
/* The following cells get the color of a heat behind them. */
void draw_heat_attr(float heat, unsigned attr);
/* The pixels of a cell: those of the terminal, or 1x2 in blocks. */
void draw_cell(const struct workbench *w, int *cw, int *ch);
/* Text on a canvas that is shown at a cell; only where letters are cells. */
const char *draw_base_name(const char *path);
/* "12 cat", "whole image": of the current photo in the result. */
void draw_region_name(const struct workbench *w, int region, char *out, size_t size);
void draw_token_name(const struct workbench *w, int token, char *out, size_t size);
/* "mean of heads", "head 3/8" */
void draw_head_name(const struct workbench *w, enum attn_kind kind, char *out, size_t size);

/* ---- chrome.c: title, tokens, query and status lines */
void chrome_draw(struct workbench *w);
#define CHROME_TOP 1
#define CHROME_BOTTOM 4

/* ---- view_photo.c */
/* The result's number of the current photo, or -1. */
int photo_in_result(const struct workbench *w);
/* Weights over the current photo's regions of what is chosen (caller frees), or NULL. */
float *photo_weights(const struct workbench *w, int *count);
/* The photo with all that is drawn on it, scaled to the canvas; without zoom. */
void photo_compose(struct workbench *w, int photo, struct canvas *c, const struct frame *f);

#endif
