/* SPDX-License-Identifier: MIT */
/* What the views inside the model share: which rows and columns are shown and chosen, their names,
 * the states between the layers. */
#ifndef UI_INSIDE_H
#define UI_INSIDE_H

#include "ui/views/grid.h"

/* ---- the depths of the model, in the order in which it computes */

struct depth {
    char name[TRACE_DEPTH]; /* "embeddings", "text 3", "image 2", "co 1" */
    struct trace_at at;
    const struct trace_tensor *t, *v; /* the newest state of tokens, of regions by then */
    bool text, image; /* which of them is new here */
};

/* A token or a row of regions, by its number (struct trace_place). */
struct item {
    bool token;
    int at;
};

/* ---- what is looked at */

/* The row of the batch that holds the current photo. There is a result. */
int inside_batch(const struct workbench *w);
/* Whether it is a special token, or the whole image. */
bool inside_special(const struct workbench *w, bool token, int i);
/* What is shown of n tokens or regions; caller frees. */
int *inside_list(const struct workbench *w, bool token, int n, int *count);
/* Where i stands in a list, or -1. */
int inside_place(const int *list, int count, int i);
/* "dog", "region 7 cat" */
void inside_name(const struct workbench *w, bool token, int i, char *out, size_t size);
/* The same of a row of a stream, which is what maps have rows and columns of. */
bool inside_row_special(const struct workbench *w, enum net_stream s, int row);
bool inside_row_hidden(const struct workbench *w, enum net_stream s, int row);
int *inside_rows(const struct workbench *w, enum net_stream s, int n, int *count);
void inside_row_name(const struct workbench *w, enum net_stream s, int row, char *out,
                     size_t size);
/* A name without "region " where it has so few columns; within name. */
const char *inside_brief(const char *name, int cols);
/* "text to image", or, where there is little room, "text>image". */
const char *inside_map_name(enum attn_kind kind, bool brief);
/* The chosen row, or column, of a map, or -1. */
int inside_chosen(const struct workbench *w, enum attn_kind kind, bool row);
void inside_choose(struct workbench *w, enum attn_kind kind, bool row, int i);
/* The number of the chosen token, or of the row of the chosen region, or -1. */
int inside_chosen_of(const struct workbench *w, bool token);
/* Tokens, then regions, that are shown; caller frees. */
struct item *inside_items(const struct workbench *w, int *count);
/* The item alone becomes the chosen token or region. */
void inside_choose_item(struct workbench *w, struct item x);
/* Whether this item is the chosen token or region. */
bool inside_is_chosen(const struct workbench *w, struct item x);
/* The depths of the result; none without states. Caller frees. */
struct depth *inside_depths(const struct workbench *w, int *count);
/* The states (width) of an item there, or NULL. */
const float *inside_state(const struct workbench *w, const struct depth *d, struct item x,
                          int *width);
/* The depth that a pane is at, in bounds. */
int inside_depth(const struct workbench *w, const struct pane *p, int count);
void inside_set_depth(struct workbench *w, struct pane *p, int depth);
/* For struct view, where depths are shown: to the next (1) or previous (-1) one. */
bool inside_step(struct workbench *w, struct pane *p, int step);
/* A key of what was made of the result for the current photo, and of more; never 0. */
uint64_t inside_key(const struct workbench *w, int more);

/* ---- drawing */

/* Columns of the screen for names beside numbers, in a pane so wide. */
int inside_label(int cols);
/* Names over the columns of a grid, in a row of area a: all where there is room, else the chosen
 * one's beside a mark that points at it. name: that of column j of all. */
typedef void inside_column_name(const struct workbench *w, const void *arg, int j, char *out,
                                size_t size);
void inside_columns(const struct workbench *w, const struct grid *g, struct area a, int row,
                    inside_column_name *name, const void *arg);
/* A dim line: what can be done here, or why there is nothing. */
void inside_hint(struct area a, int row, const char *text);

#endif
