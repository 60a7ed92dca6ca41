/* The workbench's state, shared by its files: workbench.c (loop and events), actions.c (keys and
 * commands), actions_table.c (everything that can be done), do_*.c (what that is), panes.c (what is
 * drawn where), view_*.c (what the panes show). */
#ifndef UI_WORKBENCH_PRIV_H
#define UI_WORKBENCH_PRIV_H

#include "src/task/change.h"
#include "src/study/effects.h"
#include "src/study/lens.h"
#include "ui/kit/edit.h"
#include "ui/kit/gfx.h"
#include "ui/kit/input.h"
#include "ui/workbench.h"

#include "ui/state/panes.h"

extern const struct view view_photo, view_answer, view_looks, view_tokens, view_regions,
    view_tasks, view_history, view_help, view_status, view_views;
extern const struct view view_matrix, view_heads, view_states, view_plane, view_lens, view_effects,
    view_what_if;
extern const struct view view_compare, view_difference, view_drift, view_swap, view_trend;
extern const struct view *const all_views[]; /* ends in NULL; popups last */
const struct view *view_find(const char *name);

enum mode {
    MODE_BROWSE,
    MODE_TYPE,    /* the query line */
    MODE_OPEN,    /* an image's name */
    MODE_COMMAND, /* the ":" line */
    MODE_FIND,    /* the search line of the focused view */
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
    uint64_t boxes, regions; /* of the user, of the photos (stale.h) */
    int open;              /* how many images were open */
    int serial;            /* another for every result */
};

/* A key that the user has bound to a command line. */
struct binding {
    char *key, *line;
};

/* Other work of the engine that runs or waits. */
struct job;

/* Lines of a script that wait to be run. */
struct script {
    char *text, *at; /* the next line; NULL: none */
    char *path;
    int line;
    bool waits;      /* for the engine and the pictures: */
    bool ready;      /* nothing runs, and the frame that was drawn last is on the screen */
    bool pauses;     /* for a key */
    bool strict;     /* the first failure ends the program */
    double until;    /* ms, or for this moment; 0: none */
};

/* The part of the current photo that is on the screen. */
struct frame {
    double x, y, scale; /* its corner in pixels of the picture; canvas pixels per pixel */
    struct area at;     /* its cells */
    int w, h;           /* its canvas */
};

/* Knock-outs of the result that is shown. */
struct knocks {
    struct effects *known;  /* of the last one, or NULL */
    struct knock *runs;     /* one that runs, or NULL; the worker's, too */
    int started;            /* how many were */
    bool later;             /* one is wanted of the answer that is awaited: */
    enum effects_of of;
    enum kern_silence how;
};

/* Lenses of the result that is shown: its tokens, and the current photo's regions. */
struct lenses {
    struct lens *known[2];  /* or NULL */
    int photo;              /* the result's image that the second is of */
    bool asked[2], failed[2];
};

struct workbench {
    struct model *model;
    struct log *log;
    struct engine *engine;
    struct photo **photos;
    struct photo_state *states; /* (photo_count) */
    int photo_count, photo;     /* the current one */
    const struct eval_set *suggestions; /* or NULL */
    int suggestion;             /* the next one */
    const struct task *task;
    int checkpoint;

    struct selection *selection;
    const struct chosen *sel;   /* what it says now */
    bool hide_special, sort;    /* in the matrix */
    int boxes_shown;            /* how many are drawn */
    unsigned went;              /* how often another photo was gone to: it is shown whole then */
    struct drawing draw;
    struct panes panes;
    struct edit filter;         /* what is searched; of the popup, or the focused pane */

    enum mode mode;
    bool quit, redraw;
    bool cursor, cursor_on;     /* it is to be seen in this frame; it is seen */
    bool mouse;                 /* the terminal reports it */
    bool failed;                /* a strict script did: the status line says why */
    enum graphics_choice graphics;
    struct gfx gfx;
    struct input input;
    int heard;                  /* of the terminal's replies, how many were acted on */
    struct edit query, open, command;
    bool asked_text;            /* what the query line holds was asked: a letter replaces it */
    char key[16];               /* the name of the key that is being acted on, or "" */
    struct binding *bindings;
    int binding_count;
    struct script script;

    struct shown now;           /* on the screen */
    unsigned stale;             /* in what it differs from what the screen says, in this frame */
    struct result *plain;       /* the same query without interventions, to compare; or NULL */
    struct {
        struct change *list;
        int count;
        enum kern_silence how;  /* of the next silence */
        bool varies;            /* what is asked differs from what is shown by words only */
    } changes;                  /* interventions of the next query */
    struct knocks knocks;
    struct lenses lenses;
    struct job *jobs;           /* other work of the engine that runs or waits */
    struct comparison *compare; /* other checkpoints' answers (ui/compare.h), or NULL */
    struct result **old;        /* results that such work may still read */
    int old_count;
    struct result *unlogged;    /* waits for the checkpoint's digest; may be now.r */
    struct photo **asked;       /* photos of the running query */
    uint64_t asked_boxes;       /* the boxes on them */
    int asked_open;             /* images that were open then */
    int asked_count, running;   /* its number, 0 when idle */
    char status[512];
    bool status_bad;
    char log_state[128];
    double flush_at; /* ms: when to try again to write what waits for the log */
};

/* ---- workbench.c */
/* Other work for the engine's thread. done gets arg back in this thread, err NULL when all went
 * well; it frees arg. When the result on the screen is replaced meanwhile, the old one lives on
 * until all such work is done. */
typedef void job_done(struct workbench *w, void *arg, const struct vs_err *err);
int workbench_call(struct workbench *w, engine_work *run, job_done *done, void (*drop)(void *arg),
                   void *arg);
/* Whether queries, detections or other work run. */
bool workbench_busy(const struct workbench *w);
void workbench_say(struct workbench *w, bool bad, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void workbench_log(struct workbench *w, bool wait);
void workbench_logged(struct workbench *w, const struct result *r, const struct vs_err *err);
void workbench_set_graphics(struct workbench *w, enum graphics_choice choice);
/* A late answer of the terminal about itself. */
void workbench_terminal(struct workbench *w, const struct term *t);
void workbench_add_photo(struct workbench *w, struct photo *p);
/* Whether the detector works, or will, for the current photo or the query. */
bool workbench_detecting(const struct workbench *w);
void workbench_suspend(void);

/* ---- keys.c: acts on all that the terminal sends; false when nothing was there. */
bool keys_take(struct workbench *w);
/* Presses a key by its name; false when there is no such key. */
bool keys_press(struct workbench *w, const char *name);
/* After curses has started. */
void keys_learn(struct workbench *w);
/* The mouse is reported, or left to the terminal. */
void keys_mouse(struct workbench *w, bool on);
/* Whether a key can have this name. */
bool keys_known(const char *name);
/* The name of a key, as in the table of actions: "Left", "C-l", "x". special for KEY_*. */
void keys_name(int key, bool special, char *out, size_t size);

/* ---- actions.c: everything that can be done, by key, by command line, by script */
struct action {
    const char *name;
    const char *keys; /* names of keys with blanks between, or "" */
    const char *args; /* "" none; [X] may be left out. VIEW, TASK, FILE, CHECKPOINT, COLORS, MAP,
                         ACTION, OPTION are completed */
    const char *view; /* only while this view has the keys; NULL: always */
    const char *what;
    void (*run)(struct workbench *w, const char *arg);
};
/* Those that belong together, for the help; ends in a NULL name. */
struct action_group {
    const char *title;
    const struct action *actions;
};
extern const struct action_group action_groups[]; /* ends in a NULL title */
void do_columns(struct workbench *w, const char *arg); /* view_compare.c */
extern const struct action compare_actions[];     /* compare.c */
extern const struct action inside_actions[];      /* actions_inside.c: looking inside the model */
const struct action *action_find(const char *name);
void action_run(struct workbench *w, const struct action *a, const char *arg); /* action_run.c */
void actions_key(struct workbench *w, int key, bool special);
/* By its name, as if it had been pressed while nothing is typed. False: it means nothing. */
bool actions_named_key(struct workbench *w, const char *key);
/* Runs "name argument". False, with the status line saying why, when there is no such action or it
 * failed. */
bool actions_line(struct workbench *w, const char *line);
/* The keys of an action, those of the user included. */
void actions_keys(const struct workbench *w, const struct action *a, char *out, size_t size);
void actions_bind(struct workbench *w, const char *key, const char *line);
void do_bind(struct workbench *w, const char *arg);
void do_set(struct workbench *w, const char *arg);
/* The key table as mdoc, for the man page. */
void actions_print_mdoc(void);
/* ---- complete.c: completes the command line in place */
void complete_command(struct workbench *w);
/* ---- conf.c: the user's own keys and settings */
/* Reads $XDG_CONFIG_HOME/vilscope/vilscope.conf, when there is one; what is wrong in it is said. */
void conf_load(struct workbench *w);
/* A text file, of a megabyte at most; NULL when it cannot be read. The caller frees it. */
char *conf_read_text(const char *path, struct vs_err *err);
/* ---- typing.c: keys of lines that are typed */
void typing_key(struct workbench *w, int key, bool special);
/* ---- paste.c: pasted text, which is never a key */
void typing_paste(struct workbench *w, const struct input_event *e);
/* The line that is typed. */
struct edit *typing_line(struct workbench *w);
void do_type(struct workbench *w, const char *arg);
void do_command(struct workbench *w, const char *arg);
void do_find(struct workbench *w, const char *arg);

/* ---- do_query.c */
void do_ask(struct workbench *w, const char *arg);
void do_again(struct workbench *w, const char *arg);
void do_task(struct workbench *w, const char *arg);
void do_checkpoint(struct workbench *w, const char *arg);
void do_suggest(struct workbench *w, const char *arg);
void do_cancel(struct workbench *w, const char *arg);
void do_digit(struct workbench *w, const char *arg);
void do_others(struct workbench *w, const char *arg);
/* Posts the text of the query line about the photos of the result that is shown. */
void query_repeat(struct workbench *w);
/* The same with another text; the result is compared with the one that is shown. */
void query_vary(struct workbench *w, const char *text);
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
void do_color_map(struct workbench *w, const char *arg);
void look_move(struct workbench *w, enum motion m); /* tokens sideways, answers up and down */
/* The token or region chosen as the source of a map: its row, or -1. */
int look_source(const struct workbench *w, enum attn_kind kind);
void look_choose_row(struct workbench *w, bool token, int i);
/* An answer, image or box by its rank from 0, kept in bounds; of a retrieval its image is shown. */
void look_choose_rank(struct workbench *w, int rank);
/* A region, and the ranked box that it is. */
void look_choose_region(struct workbench *w, int region);
/* Back into bounds, after a new result. */
void look_settle(struct workbench *w);
/* ---- do_what_if.c */
void do_mask(struct workbench *w, const char *arg);
void do_drop(struct workbench *w, const char *arg);
void do_silence(struct workbench *w, const char *arg);
void do_replace(struct workbench *w, const char *arg);
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
void do_pause(struct workbench *w, const char *arg);
void do_say(struct workbench *w, const char *arg);
void do_press(struct workbench *w, const char *arg);
int script_open(struct workbench *w, const char *path, struct vs_err *err);
/* Runs what can be run. True when it waits for a moment, *ms from now. */
bool script_step(struct workbench *w, int *ms);
void script_fini(struct workbench *w);
/* ---- view_answer.c */
/* The next answer that holds what was searched. */
void do_find_next(struct workbench *w, const char *arg);
/* ---- view_history.c */
void do_history_scope(struct workbench *w, const char *arg);
void do_history_again(struct workbench *w, const char *arg);
void do_keep(struct workbench *w, const char *arg);
void do_note(struct workbench *w, const char *arg);
void do_tag(struct workbench *w, const char *arg);

/* ---- boxes.c: drawing on the photo */
void do_box(struct workbench *w, const char *arg);
void do_box_drop(struct workbench *w, const char *arg);
void boxes_key(struct workbench *w, int key, bool special);
void boxes_mouse(struct workbench *w, const struct input_event *e);
void boxes_draw(struct workbench *w, struct canvas *c, const struct frame *f);

/* ---- panes.c: what is where */
void panes_init(struct workbench *w);
void panes_draw(struct workbench *w);
void panes_click(struct workbench *w, int row, int col);
/* The view under a cell gets the keys, and moves. */
void panes_wheel(struct workbench *w, int row, int col, enum motion m);
/* Moves in the view that has the keys. */
void panes_move(struct workbench *w, enum motion m);
void do_view(struct workbench *w, const char *arg);
void do_split(struct workbench *w, const char *arg);
void do_hide(struct workbench *w, const char *arg);
void do_zoom(struct workbench *w, const char *arg);
void do_focus_next(struct workbench *w, const char *arg);
void do_focus_previous(struct workbench *w, const char *arg);

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
/* What grew is orange, what shrank blue, as on maps of differences; 0 has no color. */
unsigned draw_sign_attr(double x);
/* A bar of the colors of heat with the numbers of its ends; returns its width. */
int draw_scale(int row, int col, float most);
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
void draw_head_name(const struct workbench *w, const struct slice *x, enum attn_kind kind,
                    char *out, size_t size);

/* ---- chrome.c: title, tokens, query and status lines */
void chrome_draw(struct workbench *w);
/* A click outside of the panes; false: nothing is there. */
bool chrome_click(struct workbench *w, int row, int col);
#define CHROME_TOP 1
#define CHROME_BOTTOM 4

/* ---- photo.c: a photo with what is known of it */
/* The result's number of a photo, or -1. */
int photo_number(const struct workbench *w, int photo);
/* That of the current one. */
int photo_in_result(const struct workbench *w);
/* Another photo becomes the current one: all of it is shown, no region is chosen. */
void photo_go(struct workbench *w, int photo);
/* Weights of a slice over the current photo's regions of what is chosen (caller frees), or NULL. */
float *photo_weights(const struct workbench *w, const struct slice *x, int *count);
/* The largest weight over all images of a result: what is brightest on any of them. 0: nothing is
 * chosen. */
float photo_top(const struct workbench *w, const struct result *r);
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
    float top;              /* of the colors; 0: of this result */
    struct photo_cache *cache;
};
/* A photo with all that is drawn on it: the part that the frame says. */
void photo_compose(struct workbench *w, const struct photo_paint *x, struct canvas *c,
                   const struct frame *f);
/* Ranks over blocks, where there is no room for painted letters. */
void photo_label_cells(const struct workbench *w, int photo, const struct frame *f);
/* ---- view_photo.c */
/* Where the current photo was drawn last; scale 0: nowhere. */
const struct frame *photo_frame(struct workbench *w);

#endif
