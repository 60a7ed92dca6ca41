/* What the views inside the model share: which rows and columns are shown and chosen, their names,
 * the states between the layers, and what they keep from frame to frame. */
#ifndef UI_INSIDE_H
#define UI_INSIDE_H

#include "ui/views/grid.h"
#include "src/study/headstats.h"

/* ---- the depths of the model, in the order in which it computes */

struct depth {
    char name[24]; /* "embeddings", "text 3", "image 2", "co 1" */
    const struct trace_tensor *t, *v; /* the newest state of each stream by then */
    bool text, image; /* which of them is new here */
};

/* A token or a row of regions. */
struct item {
    bool token;
    int at; /* its row in the trace: a token's number too */
};

struct head_table {
    int layers, heads;
    float *x; /* (layers * heads, STAT_COUNT) */
    float top; /* the largest shown weight of all of them */
};

enum plane_of { PLANE_BOTH, PLANE_TOKENS, PLANE_REGIONS, PLANE_JOINT, PLANE_KINDS };

struct inside {
    int serial;        /* another for every result */
    int other[4];      /* by map: the chosen column that sel cannot hold (text, image), or -1 */
    bool varies;       /* the query that is asked differs from the shown one by words only */
    bool difference;   /* the matrix shows now minus without interventions */
    int heads_at;      /* the head that the heads view is at while a set is chosen */
    int depth;
    enum plane_of plane_of;
    bool lens_text;    /* the lens is on words, else on regions */
    bool lens_asked[2], lens_failed[2];
    enum kern_silence how; /* of the next silence */
    bool knock_later;      /* one is wanted of the answer that is awaited: */
    enum effects_of later_of;
    enum kern_silence later_how;
    struct knock *knock;   /* a knock-out that runs, or NULL; the worker's, too */
    /* Caches with what they were made of. */
    struct head_table table;
    uint64_t table_key;
    float *plane;      /* (items, 2) */
    float plane_share[2][2];
    uint64_t plane_key;
    float *similar;    /* (items, depths) */
    uint64_t similar_key;
    double moved[4];   /* by map, from the result without changes */
    uint64_t moved_key;
    struct canvas *backdrop; /* the photo as the knock-out shows it */
    uint64_t backdrop_key;
    /* Where things were drawn last, counted from the pane's corner, for clicks. */
    struct grid matrix, states;
    struct area heads, heads_list, effects_list, lens_at, plane_at;
    int lens_wide;     /* columns of a depth */
    int matrix_top[2], states_top[2], heads_top, lens_top[2], effects_top, changes_top;
    int states_pick, effects_pick;
};

/* Never NULL. */
struct inside *inside_of(struct workbench *w);
/* Another result is shown: nothing that was made of the old one is kept. */
void inside_forget(struct workbench *w);
void inside_free(struct workbench *w);

/* ---- what is looked at */

/* The row of the batch that holds the current photo. There is a result. */
int inside_batch(const struct workbench *w);
/* Whether a map's row or column is left out: padding, or a special one while those are hidden. */
bool inside_special(const struct workbench *w, bool token, int i);
bool inside_hidden(const struct workbench *w, bool token, int i);
/* What is shown of n rows or columns; caller frees. */
int *inside_list(const struct workbench *w, bool token, int n, int *count);
/* "dog", "region 7 cat" */
void inside_name(const struct workbench *w, bool token, int i, char *out, size_t size);
/* A name without "region " where it has so few columns; within name. */
const char *inside_brief(const char *name, int cols);
/* "text to image", or, where there is little room, "text>image". */
const char *inside_map_name(enum attn_kind kind, bool brief);
/* The chosen row, or column, of a map, or -1. */
int inside_chosen(struct workbench *w, enum attn_kind kind, bool row);
void inside_choose(struct workbench *w, enum attn_kind kind, bool row, int i);
/* Tokens, then regions, that are shown; caller frees. */
struct item *inside_items(const struct workbench *w, int *count);
/* Whether this item is the chosen token or region. */
bool inside_is_chosen(const struct workbench *w, struct item x);
/* The depths of the result; none without states. Caller frees. */
struct depth *inside_depths(const struct workbench *w, int *count);
/* The states (width) of an item there, or NULL. */
const float *inside_state(const struct workbench *w, const struct depth *d, struct item x,
                          int *width);
/* The depth that is chosen, in bounds. */
int inside_depth(struct workbench *w, int count);
/* Where the view with the keys shows depths: goes to the next (1) or previous (-1) one. Else
 * false. */
bool inside_step_depth(struct workbench *w, int step);
/* A key of what the caches depend on besides the result. */
uint64_t inside_key(struct workbench *w, int more);

/* ---- drawing */

/* Columns of the screen for names beside numbers, in a pane so wide. */
int inside_label(int cols);
/* A dim line: what can be done here, or why there is nothing. */
void inside_hint(struct area a, int row, const char *text);

/* ---- view_heads.c */
void heads_join(struct workbench *w, const char *arg);

/* ---- do_what_if.c */

/* Adds a change to the query that is shown, or takes it back, and asks again. */
void change_toggle(struct workbench *w, const struct change *c);

#endif
