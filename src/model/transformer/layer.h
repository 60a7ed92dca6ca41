/* SPDX-License-Identifier: MIT */
/* A transformer layer of one stream, as all families have it: lines of operations, attention, feed
 * forward. */
#ifndef VS_LAYER_H
#define VS_LAYER_H

#include "src/model/transformer/forward.h"

#define LAYER_EPS 1e-12f /* of every layer norm */

/* Pointers are float32 data in the file's map (any alignment), or copies that the weights own
 * (bound.h). */
struct linear_w {
    const void *w, *b; /* (n, k), (n) */
    int n, k;
};
struct norm_w {
    const void *gamma, *beta;
    int n;
};
struct layer_w {
    struct linear_w q, k, v, out;
    struct norm_w out_norm;
    struct linear_w gate_q, gate_k; /* dynamic attention, ViLBERT's visual layers only */
    struct linear_w ff_in, ff_out;
    struct norm_w ff_norm;
};

/* What a layer of a recorded pass keeps of one stream for the way back. Rows are those of all
 * images, packed as in the pass. */
struct tape_layer {
    float *q, *k, *v;  /* after the gates of dynamic attention */
    float *map;        /* (heads, queries, keys) of each image, one behind the other */
    float *attended;   /* attention's output with the residual, before it is normalised */
    float *inner;      /* the feed forward before its activation */
    float *fed;        /* its output with the residual, before it is normalised */
    float *gate;       /* (batch, 2, width): of queries, of keys; or NULL */
    bool first;        /* q, map and what follows are of the first row of each image */
    bool read;         /* more than k and v was computed */
};
/* Where image b's map is, and how many numbers those of the first images have. */
float *tape_map(const struct tape_layer *l, const struct packing *from, const struct packing *to,
                int heads, int b);
size_t tape_map_size(const struct packing *from, const struct packing *to, int heads, bool first,
                     int images);

/* One stream in the middle of a pass: its rows, x (rows, hidden) their states, and the memory for
 * queries, keys, values, context and feed forward of them. */
struct stream {
    const struct packing *rows;
    float *x, *q, *k, *v, *ctx, *ff;
    int hidden, heads;
    enum kern_act act;
    enum attn_kind kind; /* of its own layers: their part and stream are the map's */
    const float *bias; /* of its rows as keys, or NULL */
    const int32_t *first; /* the first rows of the images */
    /* Where sums with the residual are before they are normalised to x: x itself, or what is kept
     * of them; and the feed forward before its activation, kept or NULL. */
    float *attended, *fed, *inner;
    struct tape_layer *kept; /* or NULL */
};

/* y = act(x W + b) + residual; a line of the model. */
struct kern_linear line_linear(const struct linear_w *w, const float *x, int rows, float *y,
                               enum kern_act act, const float *residual);
struct kern_norm line_norm(const struct norm_w *w, float *x, int rows);
/* The same of x, which stays, to y. */
struct kern_norm line_norm_to(const struct norm_w *w, const float *x, int rows, float *y);

/* One direction of attention: the queries of one stream on the keys and values of the same or
 * another. */
struct look {
    const struct packing *from, *to;
    const float *q, *k, *v;
    float *out;
    int width, heads;
    enum attn_kind kind;
    int layer;
    bool first;   /* q and out have only the first row of every image; then a map is wanted of a
                     recorded pass only, and its other rows are 0 */
    const float *bias; /* of the keys, or NULL */
    struct tape_layer *kept; /* that keeps the map, or NULL */
    /* look_run's: */
    float *map;   /* (batch, heads, from.width, to.width) in the trace, or NULL */
    float **part; /* (batch): maps without padding, to be spread out */
};
/* Looks of the same images, with their maps where maps are wanted. */
int look_run(struct forward *r, struct look *list, int count);

/* The feed forward's first line, and running so many of them, of streams s. */
struct kern_linear layer_feed_in(const struct linear_w *w, const struct stream *s, int rows);
void layer_feed(struct forward *r, const struct kern_linear *in, const struct stream *s, int count);

/* What is added to states (rows of s) where others take its place, or it is kept: sum comes from
 * `by` + x to y, which may be x. */
int layer_add(struct forward *r, const struct stream *s, float *by, const float *x, float *y,
              struct trace_at at, bool first);

/* Layer `number` of one stream. first: queries, outputs and what follows of the first row of every
 * image only, which stand one after the other afterwards; keys and values are those of all rows. */
int layer_run(struct forward *r, const struct layer_w *w, const struct stream *s, int number,
              bool first);
/* Its two halves: queries, keys and values, of which x is what was asked for them; and the rest. */
float *layer_project(struct forward *r, const struct layer_w *w, const struct stream *s,
                     bool first);
int layer_finish(struct forward *r, const struct layer_w *w, const struct stream *s, float *x,
                 int number, bool first);

#endif
