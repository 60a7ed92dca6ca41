/* SPDX-License-Identifier: MIT */
/* What a model has, as data, and what can be done with it: the seam between the families of models
 * in the folders below and everything that asks them.
 *
 * The tables name all streams, maps, parts and outputs that any family has; their numbers mean the
 * same in every family, so a row of a trace, a change of a query or a map in the log needs no model
 * to be understood, and two models can be compared where both have a thing. A family lists which
 * of them are its own. Names are for files, the log and people; all else goes by number.
 *
 * What differs between the two that there are, ViLBERT (two streams) and the reference's baseline
 * (one), and what others must not take for granted:
 * - STREAM_JOINT has rows of both kinds: tokens first (padding included), then regions, the whole
 *   image first; trace_place and trace_row say what a row is;
 * - its one map, ATTN_JOINT, has both kinds as rows and columns: every block of it (words on
 *   regions, ...) is cut out by trace_block, and rows of a block do not sum to 1;
 * - of its states hid.j.N the lens and CKA read the rows of one kind;
 * - it has no task token (task_place 0), and one answer head, of VQA's or GQA's width: net.heads
 *   has the one that it is;
 * - a head's numbers may have another name in each: its output is found by trace_head;
 * - they are told apart by tensor names (owns), as absent keys of a configuration say nothing. */
#ifndef VS_FAMILY_H
#define VS_FAMILY_H

#include "kernels/kern.h"
#include "src/base/err.h"
#include "src/formats/tensorfile.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* ---- streams: rows of states */

enum net_stream { STREAM_TEXT, STREAM_IMAGE, STREAM_JOINT, STREAM_COUNT };

struct stream_names {
    const char *key;  /* in names of tensors: "t" */
    const char *word; /* as people type and read it: "text", "image", "joint" */
    const char *what; /* what is embedded there: "text", "regions" */
    bool tokens, regions; /* what its rows are; both: tokens first */
};
extern const struct stream_names stream_table[STREAM_COUNT];
/* The rows that a stream has in a pass of so many tokens, a task's among them, and regions. */
static inline size_t stream_rows(enum net_stream s, size_t tokens, size_t regions)
{
    return (stream_table[s].tokens ? tokens : 0) + (stream_table[s].regions ? regions : 0);
}

/* ---- parts: what of a model can be replaced, and what leaves states and maps in a trace */

enum net_part {
    PART_EMBEDDINGS, /* of all streams */
    PART_TEXT,       /* layers of the textual stream */
    PART_VISUAL,
    PART_CO,         /* co-attention layers, both sides */
    PART_HEADS,      /* poolers and the tasks' heads */
    PART_JOINT,      /* layers of the only stream */
    PART_COUNT
};

struct part_names {
    const char *key;   /* in names of tensors: "c"; "" for what leaves none there */
    const char *word;  /* in a change: "co" */
    const char *name;  /* "co-attention" */
    const char *layer; /* what one of its layers is called: "co-attention", "textual"; NULL: it
                          has no layers */
    bool streams;      /* its states are told apart by their streams */
};
extern const struct part_names part_table[PART_COUNT];
/* The part of this word, or PART_COUNT. */
enum net_part part_find(const char *word);

/* ---- attention maps */

/* Whose queries look at whose keys. */
enum attn_kind {
    ATTN_TEXT,
    ATTN_VISUAL,
    ATTN_TEXT_TO_IMAGE,
    ATTN_IMAGE_TO_TEXT,
    ATTN_JOINT,
    ATTN_COUNT
};

struct attn_names {
    enum net_part part;    /* whose layers make it */
    enum net_stream from, to;  /* of its rows, of its columns */
    const char *tail;      /* in names of tensors, behind the layer: ".1" */
    const char *word;      /* in a change, on the command line: "text-to-image" */
    const char *name;      /* "text to image", "text" */
    const char *title;     /* "text to image", "text to text" */
    const char *brief;     /* "text>image", "text" */
};
extern const struct attn_names attn_table[ATTN_COUNT];
/* The map of this word, or ATTN_COUNT. */
enum attn_kind attn_find(const char *word);

/* ---- outputs */

/* What can be asked of a pass, as bits. A family gives those that it has; the rows and shapes are
 * the same in each. */
enum net_head {
    HEAD_VQA = 1 << 0,        /* (B, answers) */
    HEAD_GQA = 1 << 1,        /* (B, answers) */
    HEAD_ALIGN = 1 << 2,      /* (B, 1) */
    HEAD_BINARY = 1 << 3,     /* (B/2, 2), on pairs of rows; odd B: (B, 2) */
    HEAD_TRI = 1 << 4,        /* (B, 3) */
    HEAD_REGION_CLASS = 1 << 5, /* (B, V, v_target) */
    HEAD_GROUND = 1 << 6,     /* (B, V, 1) */
    HEAD_WORD = 1 << 7,       /* (B, T', vocab) */
    HEAD_WORD_LOGIT = 1 << 8, /* (B, T', 1) */
    HEAD_POOLED = 1 << 9,     /* (B, width) of each pooler */
    HEAD_SEQUENCE = 1 << 10,  /* (B, T', width) and (B, V, width): the last states */
    HEAD_MATCH = 1 << 11,     /* (B, 2): caption and image belong together, or do not */
    HEAD_ALL = (1 << 12) - 1
};
#define HEAD_COUNT 12

enum net_output {
    OUT_VQA, OUT_GQA, OUT_ALIGN, OUT_BINARY, OUT_TRI, OUT_REGION_CLASS, OUT_GROUND, OUT_WORD,
    OUT_WORD_LOGIT, OUT_POOLED_T, OUT_POOLED_V, OUT_SEQUENCE_T, OUT_SEQUENCE_V, OUT_POOLED,
    OUT_MATCH, OUT_ALIGNMENT /* (B): the share of "belongs" in OUT_MATCH */,
    /* The same heads under the names that other classes of the reference give them: */
    OUT_JOINT_GQA, OUT_JOINT_MATCH, OUT_PRE_WORD, OUT_PRE_REGION_CLASS,
    OUT_COUNT
};

/* Of what an output has a row. */
enum output_rows { ROWS_IMAGES, ROWS_PAIRS, ROWS_TOKENS, ROWS_REGIONS };

struct output_names {
    const char *name; /* of the tensor: "out.vil_prediction" */
    enum net_head head;
    enum output_rows rows;
};
extern const struct output_names output_table[OUT_COUNT];
/* The first output of a head. Others may have its numbers under another name: trace_head. */
enum net_output output_of(unsigned head);
struct net;
/* The one that a net's family gives it. */
enum net_output net_output_of(const struct net *n, unsigned head);

/* What HEAD_REGION_CLASS says of a region, which the file alone does not always tell. */
enum region_target {
    TARGET_CLASSES,    /* logits of classes */
    TARGET_FEATURES,   /* the region's features themselves */
    TARGET_CONTRAST,   /* a vector whose products with feature vectors rank them */
    TARGET_VECTOR      /* one of these two: nobody said which */
};
/* Of a head of so many numbers on regions of so many features; said: "visual_target" of a
 * configuration (0, 1, 2), or -1. */
enum region_target target_of(int numbers, int features, int said);
/* "scores of classes", ... */
const char *target_name(enum region_target t);

/* ---- a pass */

/* One forward pass's input. T tokens with [CLS] and [SEP] but without the task token; V regions
 * with the whole-image row. Masks: 1 real, 0 padding, or NULL when there is no padding. Padding is
 * never computed unless keep_padding is set (or an image or text begins with padding): masked keys
 * have no weight, so nothing else changes. */
struct net_input {
    int batch, tokens, regions;
    const int32_t *ids;       /* (B, T) */
    const int32_t *types;     /* (B, T) or NULL for zeros */
    const int32_t *text_mask; /* (B, T) or NULL */
    const float *features;    /* (B, V, features of a region) */
    const float *spatials;    /* (B, V, 5) */
    const int32_t *image_mask; /* (B, V) or NULL */
    const int32_t *task;      /* (B), or NULL without task tokens */
    const float *words;       /* (B, T, width): word vectors in place of those of the ids; NULL: the
                                 ids' */
};

/* A head's attention (of image b, -1: all; head -1: all heads) is taken out of the pass. layer
 * counts within the map's part. */
struct net_silence {
    enum attn_kind map;
    int layer, head, b;
    enum kern_silence how;
};

/* Where in a layer states are taken out of a pass, or put into one. */
enum net_site {
    SITE_STATE,     /* the state after the layer, or the embedding */
    SITE_ATTENTION, /* what attention adds to the state, before its layer norm */
    SITE_FEED,      /* what the feed forward adds to it, before its layer norm */
    SITE_COUNT
};

/* In image b, with (width of the stream) takes the place of a row's state as soon as that is
 * computed. Rows are the trace's (trace_row); one that no wanted head reads changes nothing. */
struct net_replaced {
    enum net_site site;
    enum net_part part;
    enum net_stream stream;
    int layer, b, row;
    const float *with; /* borrowed */
};

struct net_want {
    unsigned heads;   /* of enum net_head */
    unsigned others;  /* wanted too, if their weights are finite */
    bool attention;   /* all maps of all layers */
    bool hidden;      /* states after every layer */
    bool added;       /* and what attention and feed forward add in each */
    bool keep_padding; /* compute padded rows and columns too, as the reference does */
    const struct net_silence *silences;
    int silence_count;
    const struct net_replaced *replaced;
    int replaced_count;
    /* Of record: bytes of activations that are kept at most; layers beyond them are computed again
     * on the way back. 0: as many as a device has memory for, or half of the host's. */
    size_t kept_most;
    bool *kept_over; /* set to whether that is why record failed; may be NULL */
    const atomic_bool *cancel; /* looked at between layers; may be NULL */
};

struct net_patch {
    enum net_part part;
    int layer, head; /* -1: all; a head is its queries, keys, values and its share of the output */
    struct net *from; /* of the same family and configuration */
};

/* ---- the way back */

/* One number of out[b]: of an output with a row for each token or region numbers[row][index], else
 * numbers[index]. */
struct net_term {
    int row, index;
    float weight;
};

/* The number whose derivatives are wanted: the sum of weight * number over the terms. b: the image;
 * of an output on pairs the pair. */
struct net_target {
    enum net_output output;
    int b;
    const struct net_term *terms;
    int count;
};

struct net_back_want {
    bool attention; /* of all maps after the softmax, each taken as a variable of its own */
    bool hidden;    /* of the embeddings and the states after every layer */
    bool added;     /* of what attention and feed forward add in each */
    bool inputs;    /* of token vectors, features and boxes */
    bool padding;   /* rows of padding keep theirs, where they were computed: what begins with
                       padding is read from it. Else they are 0 */
    /* Layer-wise relevance propagation: attention maps and the deviations of layer norms are taken
     * as constants (Ali et al., XAI for Transformers, ICML 2022). */
    bool lrp;
    const atomic_bool *cancel; /* looked at between layers; may be NULL */
};

/* A pass whose activations are kept for the way back; the first member of what a family keeps. */
struct tape {
    struct net *net;
    size_t bytes; /* of kept activations */
};

/* ---- a family, and an opened checkpoint of it */

/* By the tables' numbers; 0 for what the model does not have. */
struct net_sizes {
    int words;               /* ids of the vocabulary */
    int positions;           /* tokens at most, without the task token */
    int features;            /* numbers of a region */
    int width[STREAM_COUNT]; /* of a state */
    struct {
        int layers, heads;
    } part[PART_COUNT];
};

/* A configuration as a family reads it. */
struct net_config {
    const struct family *family;
    struct net_sizes sizes;
    int task_tokens; /* 1 yes, 0 no, -1 not said: the checkpoint decides */
    void *own;       /* the family's; net_config_fini frees it */
};

/* An opened checkpoint; the first member of what a family keeps of one. */
struct net {
    const struct family *family;
    struct net_sizes sizes;
    bool task_tokens; /* it has them: a pass adds one to the text, at the family's task_place */
    unsigned heads;   /* of enum net_head, that the checkpoint has all tensors for */
    enum region_target target;
};

/* What the names of a file's tensors tell of it. */
struct net_about {
    const char *kind;  /* "single-stream baseline (BaseBertForVLTasks)" */
    const char *stage; /* what it was trained for, and from what */
    unsigned heads;    /* of enum net_head, that it has all tensors of, in shapes that fit */
    const enum net_output *expected; /* what a file of its kind gives, beside what is pooled and the
                                        sequence */
    int expected_count;
    int answers;       /* of its one answer head, 0: it has none, or several */
    int region_numbers; /* of HEAD_REGION_CLASS; 0: it has none */
    int features;      /* of a region */
};

struct trace;
struct prefix_cache;

struct family {
    const char *name; /* "ViLBERT" */
    const enum attn_kind *maps; /* in the order in which they are offered; the first one shows what
                                   words look at in the image */
    int map_count;
    const enum net_part *parts; /* that can be swapped, as the data runs through them */
    int part_count;
    const enum net_output *outputs;
    int output_count;
    int task_place; /* of the task token among the tokens, where a checkpoint has one; 0: none */

    /* Whether a file's tensors have this family's names; and what they tell of it then. */
    bool (*owns)(const struct tensorfile *f);
    void (*about)(const struct tensorfile *f, struct net_about *out);
    /* Why n lacks this head, as the end of a sentence. */
    void (*lacks)(const struct net *n, enum net_head head, char *out, size_t size);
    /* out->own is the family's; task_tokens as the file says. */
    int (*read_config)(const char *path, struct net_config *out, struct vs_err *err);
    /* Reads no weights; f and k are borrowed and must live as long as the net. All missing or
     * misshapen tensors are listed in one message. */
    int (*open)(const struct net_config *c, const struct tensorfile *f, struct kern *k,
                struct net **out, struct vs_err *err);
    void (*free)(struct net *n);
    /* States that passes share (prefixcache.h) lie in s from now on; NULL: nowhere. */
    void (*keep)(struct net *n, struct prefix_cache *s);
    /* How many images of so many tokens and regions to compute at once, at least 1: `most` on the
     * CPU, where more gain nothing, up to eight times as many where memory is the device's. */
    int (*batch)(const struct net *n, int tokens, int regions, int most);
    /* Builds the model's rows of an input (a task token, both kinds of rows in one stream) and runs
     * it up to the outputs, states and maps that are wanted. Ids, features and boxes are the same
     * for all families, and the engine's to build. The caller frees *out with trace_free. Not
     * reentrant per kern. */
    int (*forward)(struct net *n, const struct net_input *in, const struct net_want *want,
                   struct trace **out, struct vs_err *err);
    /* The way back: NULL, all three, of a family that has none.
     * record: forward that keeps its activations in *out, which borrows n and is freed before it,
     * with tape_free. The trace also has the token vectors; of maps the rows that no wanted head
     * depends on are 0. want->silences and want->replaced must be empty. */
    int (*record)(struct net *n, const struct net_input *in, const struct net_want *want,
                  struct tape **out, struct trace **trace, struct vs_err *err);
    /* Derivatives of a target, whose head was wanted of record, as a trace of the target's images:
     * one, or two of a pair. 0 where there is no path. The caller frees *out with trace_free. */
    int (*backward)(struct tape *t, const struct net_target *target,
                    const struct net_back_want *want, struct trace **out, struct vs_err *err);
    void (*tape_free)(struct tape *t);
    /* Whether all that the configurations of two nets of equal sizes say of how they compute is the
     * same, so that one can compute with parts of the other. */
    bool (*mixes)(const struct net *a, const struct net *b);
    /* n's weights but for the swapped parts. *out borrows n and all `from`, and is freed before
     * them. */
    int (*mix)(struct net *n, const struct net_patch *list, int count, struct net **out,
               struct vs_err *err);
    /* Bytes that n alone takes, of host and device, beside what it borrows: weights that were made
     * for it, and the room that its passes leave to the next. NULL: not known, 0. */
    size_t (*holds)(const struct net *n);
    /* Frees what tapes that were freed have left to the next one. NULL: nothing. */
    void (*drop_spare)(struct net *n);
    /* Numbers that a head on rows of states gives for one, 0 when the checkpoint lacks it. */
    int (*head_size)(const struct net *n, enum net_head head);
    /* The same head on other states: x (rows, width), out (rows, head_size). */
    int (*read_states)(struct net *n, enum net_head head, const float *x, int rows, float *out,
                       struct vs_err *err);
};

extern const struct family vilbert_family, singlestream_family;

/* The family whose names the file's tensors have; the first of all when none has, which then says
 * what is missing. */
const struct family *family_of(const struct tensorfile *f);
/* Fails for a checkpoint of a program whose models are of no family here, which it names. */
int family_check_known(const struct tensorfile *f, struct vs_err *err);
/* Whether its tensors are named as VOLTA does, which is no family yet. */
bool family_is_volta(const struct tensorfile *f);
const struct family *family_default(void);
/* All heads of its outputs, as bits. */
unsigned family_heads(const struct family *f);

/* Numbers of a token's vector. */
int net_word_width(const struct net_sizes *s);
/* Layers and heads of a map; 0 when the model does not have it. */
int net_map_layers(const struct net_sizes *s, enum attn_kind map);
int net_map_heads(const struct net_sizes *s, enum attn_kind map);
/* The place of token i of an input among the pass's tokens, and back; -1 for the task token. */
int net_token_row(const struct net *n, int i);
int net_input_token(const struct net *n, int row);

/* Reads a configuration as the family of f does. f NULL: the first of all. */
int net_read_config(const char *config, const struct tensorfile *f, struct net_config *out,
                    struct vs_err *err);
/* Bytes of a device beside the weights: what a pass and its states take, cuBLAS's workspace. */
#define NET_ROOM ((size_t)256 << 20)
/* Opens f with the configuration c, or, where its names are another family's than c's, with what
 * that family reads from the file `config`. */
int net_open(const struct net_config *c, const char *config, const struct tensorfile *f,
             struct kern *k, struct net **out, struct vs_err *err);
/* The functions of n's family. */
int net_forward(struct net *n, const struct net_input *in, const struct net_want *want,
                struct trace **out, struct vs_err *err);
/* One clear line where the family has no way back. */
int net_record(struct net *n, const struct net_input *in, const struct net_want *want,
               struct tape **out, struct trace **trace, struct vs_err *err);
int net_backward(struct tape *t, const struct net_target *target, const struct net_back_want *want,
                 struct trace **out, struct vs_err *err);
void tape_free(struct tape *t); /* NULL is fine */
/* The images of a target, from *first on: 1, or 2 of a pair. */
int net_target_images(const struct net_target *target, int batch, int *first);
int net_mix(struct net *n, const struct net_patch *list, int count, struct net **out,
            struct vs_err *err);
size_t net_holds(const struct net *n);
void net_drop_spare(struct net *n);
int net_batch(const struct net *n, int tokens, int regions, int most);
int net_head_size(const struct net *n, enum net_head head);
int net_read_states(struct net *n, enum net_head head, const float *x, int rows, float *out,
                    struct vs_err *err);
void net_keep(struct net *n, struct prefix_cache *s);
void net_config_fini(struct net_config *c);
void net_free(struct net *n); /* NULL is fine */

#endif
