/* SPDX-License-Identifier: MIT */
/* What each of our own kernels is given. Plain C: the host side fills these structures, and the
 * kernels read them, on a device or in a test on the host. */
#ifndef VS_CUDA_ARGS_H
#define VS_CUDA_ARGS_H

#include <stdint.h>

#define ATTENTION_MANY 24 /* attentions in one launch */
#define ATTENTION_KEYS 32 /* keys in a tile */
#define ATTENTION_THREADS 128
#define ROW_THREADS 128   /* norm, softmax: a block for each row */
#define FLAT_THREADS 256  /* kernels with a thread for each piece of the result */
#define GROUP_THREADS 128 /* grouped convolution */
#define GROUP_WEIGHTS 4096 /* of one tap of one group, in shared memory */
#define ROI_CHANNELS 32
#define ROI_THREADS 256
#define ROI_BINS 64       /* bins * bins at most */
#define SUPPRESS_THREADS 256
#define SUPPRESS_MOST 4096 /* boxes */

/* vec: everything stands at 16 bytes, so four numbers go at a time. */

/* y(m,n) = act(x + bias) + residual; x, bias, residual may be NULL; act as enum kern_act */
struct finish_args {
    const float *x, *bias, *residual;
    float *y;
    int64_t ldx, ldr, ldy;
    int m, n, act, vec;
};

struct attention_one {
    const float *q, *k, *v, *bias;
    float *out, *probs;
    int64_t ldq, ldk, ldv, ldo;
    int tq, tk;
};
struct attention_args {
    int heads, dh, count;
    int rows;  /* queries in a block: 1, 2, 4, 8 or 16 */
    int tiles; /* blocks of queries of a head, for the largest tq */
    int width; /* of a row of scores in shared memory */
    float scale;
    int vec;
    struct attention_one one[ATTENTION_MANY];
};

struct norm_args {
    const float *x, *gamma, *beta;
    float *y;
    int64_t ldx, ldy;
    int n, vec;
    float eps;
    int pad;
};

struct embed_args {
    const float *table[3];
    const int32_t *ids[3];
    float *y;
    int64_t ldy;
    int m, n, vec, pad;
};

/* y = a op b: op 0 multiplies, 1 adds */
struct binary_args {
    const float *a, *b;
    float *y;
    int64_t n;
    int op, vec;
};

struct gate_args {
    float *x;
    const float *gate;
    int64_t ldx;
    int m, n;
};

struct gather_rows_args {
    const float *x;
    const int32_t *index;
    float *y;
    int64_t ldx, ldy;
    int m, n, vec, pad;
};

struct mean_args {
    const float *x, *skip;
    float *y;
    int64_t ldx;
    int m, n;
};

/* y(count, ld): the pixels that output pixels first... see, (kh, kw, cin) and zeros up to ld */
struct im2col_args {
    const float *x;
    float *y;
    uint32_t first; /* pixel of the result, of all pictures */
    int count, h, w, cin, oh, ow, kh, kw, stride, pad, ld, vec;
};

/* weights (group, kh * kw, cin / groups, cout / groups) */
struct group_args {
    const float *x, *weights, *shift, *residual;
    float *y;
    int count, h, w, cin, oh, ow, cout, kh, kw, stride, pad, groups, relu, fill;
};

struct maxpool_args {
    const float *x;
    float *y;
    int h, w, c, pad;
};

struct roi_args {
    const float *x, *boxes;
    float *y;
    int h, w, c, n, bins;
    float scale;
};

struct upsample_args {
    float *x;
    const float *small;
    int h, w, sh, sw, c, vec;
};

struct overlaps_args {
    const float *boxes;
    uint64_t *matrix;
    int n;
    float threshold;
};

struct softmax_args {
    float *x;
    int n, pad;
};

/* conf[i] = the best score of box i in a class whose suppression it survives */
struct nms_args {
    const float *scores;    /* (n, classes) */
    const uint64_t *matrix; /* (n, words) */
    float *conf;            /* (n), zeros before */
    int n, classes, first, room; /* room: n rounded up to a power of two */
    float conf_thresh;
    int pad;
};

/* how: enum kern_silence */
struct silence_args {
    const float *v, *key_bias;
    float *out, *probs;
    int64_t ldv, ldo;
    int dh, tq, tk, how;
};

/* ---- the way back: struct kern_..._back of kern.h */

/* act as enum kern_act */
struct activate_back_args {
    const float *x, *dy;
    float *dx;
    int64_t n;
    int act, pad;
};

struct norm_back_args {
    const float *x, *gamma, *dy;
    float *dx;
    int64_t ldx, ldy, lddx;
    int n, fixed;
    float eps;
    int pad;
};

struct attention_back_one {
    const float *q, *k, *v, *probs, *dout;
    float *dprobs, *dscores, *dq, *dk, *dv;
    int64_t ldq, ldk, ldv, ldo;
    int tq, tk;
};
struct attention_back_args {
    int heads, dh, count;
    float scale;
    struct attention_back_one one[ATTENTION_MANY];
};

struct gate_back_args {
    const float *y, *gate;
    float *dx, *dgate;
    int64_t ldy, lddx;
    int m, n;
};

struct mean_back_args {
    const float *dy, *skip, *residual;
    float *dx;
    int64_t ldx;
    int m, n;
};

struct scatter_rows_args {
    const float *x;
    const int32_t *index;
    float *y;
    int64_t ldx, ldy;
    int m, rows, n, pad;
};

/* KERNEL(name, argument structure): the kernels are k_NAME. */
#define CUDA_KERNELS(KERNEL)                                                                      \
    KERNEL(finish)                                                                                \
    KERNEL(attention)                                                                             \
    KERNEL(norm)                                                                                  \
    KERNEL(embed)                                                                                 \
    KERNEL(binary)                                                                                \
    KERNEL(gate)                                                                                  \
    KERNEL(gather_rows)                                                                           \
    KERNEL(mean)                                                                                  \
    KERNEL(im2col)                                                                                \
    KERNEL(group)                                                                                 \
    KERNEL(conv)                                                                                  \
    KERNEL(maxpool)                                                                               \
    KERNEL(roi)                                                                                   \
    KERNEL(upsample)                                                                              \
    KERNEL(overlaps)                                                                              \
    KERNEL(softmax)                                                                               \
    KERNEL(nms)                                                                                   \
    KERNEL(silence)                                                                               \
    KERNEL(activate_back)                                                                         \
    KERNEL(norm_back)                                                                             \
    KERNEL(scores_back)                                                                           \
    KERNEL(keys_back)                                                                             \
    KERNEL(gate_back)                                                                             \
    KERNEL(mean_back)                                                                             \
    KERNEL(scatter_rows)

#define CUDA_KERNEL_ID(name) KERNEL_##name,
enum cuda_kernel { CUDA_KERNELS(CUDA_KERNEL_ID) KERNEL_COUNT };

/* Room for the arguments of any kernel. */
union kernel_args {
    struct finish_args finish;
    struct attention_args attention;
    struct norm_args norm;
    struct embed_args embed;
    struct binary_args binary;
    struct gate_args gate;
    struct gather_rows_args gather_rows;
    struct mean_args mean;
    struct im2col_args im2col;
    struct group_args group, conv;
    struct maxpool_args maxpool;
    struct roi_args roi;
    struct upsample_args upsample;
    struct overlaps_args overlaps;
    struct softmax_args softmax;
    struct nms_args nms;
    struct silence_args silence;
    struct activate_back_args activate_back;
    struct norm_back_args norm_back;
    struct attention_back_args scores_back, keys_back;
    struct gate_back_args gate_back;
    struct mean_back_args mean_back;
    struct scatter_rows_args scatter_rows;
};

#endif
