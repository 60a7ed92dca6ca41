/* ViLBERT for 12 tasks: two streams and co-attention, straight through, and its heads.
 *
 * Source: Lu et al., 12-in-1 (CVPR 2020); vilbert/vilbert.py of the reference. */
#ifndef VS_VILBERT_H
#define VS_VILBERT_H

#include "kernels/kern.h"
#include "src/base/err.h"
#include "src/formats/tensorfile.h"
#include "src/model/vilbert/config.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum vilbert_head {
    HEAD_VQA = 1 << 0,        /* vil_prediction (B, answers) */
    HEAD_GQA = 1 << 1,        /* vil_prediction_gqa (B, answers) */
    HEAD_ALIGN = 1 << 2,      /* vil_logit (B, 1) */
    HEAD_BINARY = 1 << 3,     /* vil_binary_prediction (B/2, 2), on pairs of rows; odd B: (B, 2) */
    HEAD_TRI = 1 << 4,        /* vil_tri_prediction (B, 3) */
    HEAD_REGION_CLASS = 1 << 5, /* vision_prediction (B, V, v_target) */
    HEAD_GROUND = 1 << 6,     /* vision_logit (B, V) */
    HEAD_WORD = 1 << 7,       /* linguisic_prediction (B, T', vocab) */
    HEAD_WORD_LOGIT = 1 << 8, /* linguisic_logit (B, T') */
    HEAD_POOLED = 1 << 9,     /* pooled_t, pooled_v (B, bi_hidden) */
    HEAD_SEQUENCE = 1 << 10,  /* sequence_t (B, T', hidden), sequence_v (B, V, v_hidden) */
    HEAD_ALL = (1 << 11) - 1
};
#define HEAD_COUNT 11

/* One forward pass's input. T tokens with [CLS] and [SEP] but without the task token; V regions
 * with the whole-image row. Masks: 1 real, 0 padding, or NULL when there is no padding. Padding is
 * never computed unless keep_padding is set (or an image or text begins with padding): masked keys
 * have no weight, so nothing else changes. */
struct vilbert_input {
    int batch, tokens, regions;
    const int32_t *ids;       /* (B, T) */
    const int32_t *types;     /* (B, T) or NULL for zeros */
    const int32_t *text_mask; /* (B, T) or NULL */
    const float *features;    /* (B, V, v_feature) */
    const float *spatials;    /* (B, V, 5) */
    const int32_t *image_mask; /* (B, V) or NULL */
    const int32_t *task;      /* (B), or NULL without task tokens */
};

/* Whose queries look at whose keys. */
enum attn_kind { ATTN_TEXT, ATTN_VISUAL, ATTN_TEXT_TO_IMAGE, ATTN_IMAGE_TO_TEXT };

/* A head's attention (of image b, -1: all; head -1: all heads) is taken out of the pass. layer
 * counts within the map's kind. */
struct vilbert_silence {
    enum attn_kind map;
    int layer, head, b;
    enum kern_silence how;
};

struct vilbert_want {
    unsigned heads;   /* of enum vilbert_head */
    unsigned others;  /* wanted too, if their weights are finite */
    bool attention;   /* all maps of all layers */
    bool hidden;      /* states after every layer */
    bool keep_padding; /* compute padded rows and columns too, as the reference does */
    const struct vilbert_silence *silences;
    int silence_count;
    const atomic_bool *cancel; /* looked at between layers; may be NULL */
};

/* A named tensor of a trace: float32, C order, owned by the trace. The names are those of the
 * golden data: out.vil_prediction, hid.t.3, attn.c.0.1, ... */
struct trace_tensor {
    char name[32];
    int ndim;
    int64_t shape[4];
    float *data;
};

/* What one forward pass leaves behind. tokens counts the task token. All tensors have the sizes of
 * the input; rows and columns of padding that was not computed are 0 (vision_logit: -10000). */
struct trace {
    int batch, tokens, regions;
    int count;
    struct trace_tensor *tensors;
    double ms; /* time of the pass */
};
const struct trace_tensor *trace_find(const struct trace *t, const char *name);
void trace_free(struct trace *t);

/* attn.t.N / attn.v.N / attn.c.N.1 (text queries over regions) / attn.c.N.2 (regions over text):
 * the (rows, columns) map of one layer, image b and head (-1: mean over heads). out, which may be
 * NULL to ask for the sizes, is the caller's. Returns false when the trace has no such map. */
bool trace_attention(const struct trace *t, enum attn_kind kind, int layer, int b, int head,
                     int *rows, int *cols, float *out);
int trace_attention_layers(const struct trace *t, enum attn_kind kind);
int trace_attention_heads(const struct trace *t, enum attn_kind kind);

/* A checkpoint bound to a configuration and a back end. Opening reads no weights; those in half
 * precision are widened by the first call that computes. */
struct vilbert;

/* f and k are borrowed and must live as long as the model. All missing or misshapen tensors are
 * listed in one message. */
int vilbert_open(const struct config *c, const struct tensorfile *f, struct kern *k,
                 struct vilbert **out, struct vs_err *err);
void vilbert_free(struct vilbert *m);
const struct config *vilbert_config(const struct vilbert *m);
bool vilbert_task_tokens(const struct vilbert *m);
/* The heads, of enum vilbert_head, that the checkpoint has all tensors for. */
unsigned vilbert_heads(const struct vilbert *m);
/* Rows of vil_prediction or vil_prediction_gqa; 0 when the checkpoint lacks that head. */
int vilbert_answers(const struct vilbert *m, enum vilbert_head head);

/* Parts of a model that another checkpoint's weights can replace. */
enum vilbert_part {
    PART_EMBEDDINGS, /* of both streams */
    PART_TEXT,       /* layers of the textual stream */
    PART_VISUAL,
    PART_CO,         /* co-attention layers, both sides */
    PART_HEADS       /* poolers and the tasks' heads */
};
struct vilbert_swap {
    enum vilbert_part part;
    int layer, head; /* -1: all; a head is its queries, keys, values and its share of the output */
    struct vilbert *from;
};
/* A model with m's weights but for the swapped parts. It borrows m and all `from`, which have the
 * same configuration, and is freed with vilbert_free before them. */
int vilbert_mix(struct vilbert *m, const struct vilbert_swap *list, int count, struct vilbert **out,
                struct vs_err *err);

/* What a head says of states of its stream that are not the last ones: x (rows, width of the
 * stream), out (rows, vilbert_head_size). HEAD_WORD, HEAD_REGION_CLASS, HEAD_GROUND,
 * HEAD_WORD_LOGIT. */
int vilbert_read_states(struct vilbert *m, enum vilbert_head head, const float *x, int rows,
                        float *out, struct vs_err *err);
/* Numbers that it gives for a row, 0 when the checkpoint lacks the head. */
int vilbert_head_size(const struct vilbert *m, enum vilbert_head head);

/* States that passes share: what a text is before it meets an image, and an image before it meets a
 * text, with the keys, values and queries of the first co-attention layer. They are found by the
 * exact ids or features (and masks, task, weights) that they were computed from, so results do not
 * change; they lie in the back end's memory, those used longest ago go when there are more than
 * `bytes` (host memory of what they are found by included), and all go when memory ends. A store
 * may serve several models of one kern, and is freed after they were used last. */
struct kept;
struct kept *kept_new(struct kern *k, size_t bytes);
void kept_free(struct kept *s);
struct kept_stats {
    int count;       /* states */
    int found, made; /* so far */
    size_t bytes;
};
void kept_stats(const struct kept *s, struct kept_stats *out);
/* m uses s from now on, and so do models made of it (vilbert_mix); NULL, as in the beginning: every
 * pass computes everything. */
void vilbert_keep(struct vilbert *m, struct kept *s);

/* How many images of so many tokens and regions to compute at once: most on the CPU, where more
 * gain nothing, on a GPU what its memory takes, up to eight times as many. At least 1. */
int vilbert_batch(const struct vilbert *m, int tokens, int regions, int most);

/* The caller frees *out with trace_free. Not reentrant per kern. */
int vilbert_forward(struct vilbert *m, const struct vilbert_input *in,
                    const struct vilbert_want *want, struct trace **out, struct vs_err *err);

#endif
