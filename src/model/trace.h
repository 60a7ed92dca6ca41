/* SPDX-License-Identifier: MIT */
/* What one forward pass leaves behind: outputs, states and attention maps, each of which knows what
 * it is by numbers. Names exist in files only (trace_name, trace_at_parse). */
#ifndef VS_TRACE_H
#define VS_TRACE_H

#include "src/model/family.h"

enum trace_kind {
    TRACE_OUTPUT, /* site: enum net_output */
    TRACE_STATE,  /* site: enum net_part; stream */
    TRACE_ATTENDED, /* what attention adds to a state; as TRACE_STATE */
    TRACE_FED,    /* what the feed forward adds to it; as TRACE_STATE */
    TRACE_MAP,    /* site: enum attn_kind */
    TRACE_INPUT,  /* site: enum trace_input */
    TRACE_STAGE   /* of the detector; site: enum detector_stage */
};

/* What a pass begins with. Tokens: the vectors of words, the task token's is the task's, (B, T',
 * width). Features (B, V, features), boxes (B, V, 5). */
enum trace_input { INPUT_TOKENS, INPUT_FEATURES, INPUT_BOXES };

/* What a tensor of a trace is. layer counts from 0 within the part; 0 where there are none. */
struct trace_at {
    enum trace_kind kind;
    int site;
    enum net_stream stream; /* of a state, and of what is added to it */
    int layer;
};

bool trace_at_same(struct trace_at a, struct trace_at b);
/* The kind of what a site of a layer has. */
enum trace_kind trace_of_site(enum net_site site);
/* Whether it is a state that has rows of tokens, or of regions. */
bool trace_is_state(struct trace_at at, bool tokens);

/* float32, C order; the data is the trace's. Outputs: enum net_head. States, and
 * what is added to them: (B, rows of the stream, width). Maps: (B, heads, rows of
 * attn_table's from, rows of its to). */
struct trace_tensor {
    struct trace_at at;
    int ndim;
    int64_t shape[4];
    float *data;
};

/* tokens counts the task token. All tensors have the sizes of the input; rows and columns of
 * padding that was not computed are 0 (out.vision_logit: -10000). Tensors are in the order in which
 * they were computed. */
struct trace {
    int batch, tokens, regions;
    int count;
    struct trace_tensor *tensors;
    double ms; /* time of the pass */
};
void trace_free(struct trace *t);

/* Of all its dimensions. */
size_t trace_numbers(const struct trace_tensor *x);

/* ---- what is there; NULL is a trace without anything */

const struct trace_tensor *trace_get(const struct trace *t, struct trace_at at);
const struct trace_tensor *trace_output(const struct trace *t, enum net_output out);
/* The first output of a head, whatever it is called. */
const struct trace_tensor *trace_head(const struct trace *t, unsigned head);

/* The (rows, columns) map of one layer, image b and head (-1: mean over heads). out, which may be
 * NULL to ask for the sizes, is the caller's. Returns false when the trace has no such map. */
bool trace_attention(const struct trace *t, enum attn_kind kind, int layer, int b, int head,
                     int *rows, int *cols, float *out);
int trace_attention_layers(const struct trace *t, enum attn_kind kind);
int trace_attention_heads(const struct trace *t, enum attn_kind kind);

/* The numbers that entries first to first+n-1 of an output are ranked by, to out: its own, or, of
 * the two logits of HEAD_MATCH, "belongs" less "does not", which their softmax follows without
 * ever being 1. Caller's. */
void trace_scores(const struct trace_tensor *x, int first, int n, float *out);
int trace_score_count(const struct trace_tensor *x);

/* ---- rows: which token or region one is */

struct trace_place {
    bool token;
    int number; /* of the token, or of the row of regions */
};
struct trace_place trace_place(const struct trace *t, enum net_stream s, int row);
/* The row of a token or region in a stream; -1 when its rows are not of that kind. */
int trace_row(const struct trace *t, enum net_stream s, bool token, int number);
/* Rows of one kind: *first and how many, 0 when the stream has none. */
int trace_rows(const struct trace *t, enum net_stream s, bool tokens, int *first);

/* Whether a map has tokens (regions) for rows and for columns, maybe among others. */
bool attn_joins(enum attn_kind kind, bool from_tokens, bool to_tokens);
/* The first map of the trace that does; ATTN_COUNT without any. */
enum attn_kind trace_map_between(const struct trace *t, bool from_tokens, bool to_tokens);
/* Of a whole map (rows, cols) the rows and columns of these kinds, in place: *rows, *cols become
 * theirs. Nothing happens to a map that has no others. */
void trace_block(const struct trace *t, enum attn_kind kind, bool from_tokens, bool to_tokens,
                 float *map, int *rows, int *cols);

/* ---- names, for files */

#define TRACE_NAME 32
/* "out.vil_prediction", "hid.t.3", "hid.c.0.v", "attn.c.0.1". Returns out. */
const char *trace_name(struct trace_at at, char out[TRACE_NAME]);
/* False when no tensor has this name; at most 9 digits are a layer. Of outputs with one name it is
 * the first. */
bool trace_at_parse(const char *name, struct trace_at *out);
/* The tensor of this name. */
const struct trace_tensor *trace_find(const struct trace *t, const char *name);
/* What computes a tensor, for people: "textual layer 3". Counted from 0, as the names are. */
void trace_describe(struct trace_at at, char *out, size_t size);
/* What a state is called, counted from 1: "embeddings", "text 3", "co 1". within: among the states
 * of one stream only, where it is "layer 3" instead of "text 3". */
#define TRACE_DEPTH 24
void trace_depth(struct trace_at at, bool within, char out[TRACE_DEPTH]);

/* All tensors, or the maps only, as safetensors under these names; atomic. */
int trace_write(const struct trace *t, bool maps_only, const char *path, struct vs_err *err);

/* ---- making one */

/* A new tensor of zeros, at most 4 dimensions; NULL when there is no memory. The data belongs to
 * the trace. */
float *trace_add(struct trace *t, struct trace_at at, int ndim, const int64_t *shape);
/* a goes on with b's images: the same tensors, of other images. */
int trace_append(struct trace *a, const struct trace *b, struct vs_err *err);
/* What a pass without maps and states says of images first to first+batch-1, which have `regions`
 * rows each. The caller frees *out with trace_free. */
int trace_part(const struct trace *t, int first, int batch, int regions, struct trace **out,
               struct vs_err *err);
/* The first tensor, in the order of the pass, that holds NaN or infinity; NULL: none does. */
const struct trace_tensor *trace_not_finite(const struct trace *t);

#endif
