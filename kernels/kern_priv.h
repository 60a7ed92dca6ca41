/* SPDX-License-Identifier: MIT */
/* What the back ends share. */
#ifndef VS_KERN_PRIV_H
#define VS_KERN_PRIV_H

#include "kernels/kern.h"
#include "kernels/pool.h"

#include <pthread.h>
#include <stdbool.h>

struct gpu;

struct kern {
    const struct kern_ops *ops;
    struct pool *pool;
    struct gpu *gpu; /* NULL for the CPU */
    char text[160];
    char note[KERN_WHY]; /* of the opening */
    pthread_mutex_t packed_lock; /* of the list */
    struct kern_packed *packed;
    _Atomic size_t packed_bytes; /* of all in the list */
    enum kern_type precision;    /* that weights of products are kept in; float32: as they come */
    bool quads;                  /* products of 8 bits by instructions for them (kern_int8.c) */
};

/* Weights w (n, length) as kern_pack makes them, of some set of k; none when none has them. */
struct kern_panels kern_packed_find(struct kern *k, const void *w, int n, int length);

/* Whether a product whose weights have int8 panels is made in whole numbers where that is the
 * precision. Short rows are not: there is nothing to be won, and they are places of boxes, whose
 * numbers stand beside each other in other units. Sums of longer ones might not fit 32 bits. */
static inline bool kern_int8_takes(const struct kern_linear *o)
{
    return o->packed.at && o->packed.type == KERN_INT8 && o->k >= KERN_INT8_LEAST &&
           o->k <= KERN_INT8_MOST;
}

/* Scratch memory; a machine without any left ends the program. */
void *scratch_alloc(size_t size);
void scratch_free(void *p);
/* m rows of n numbers in scratch memory, KERN_LINE further apart than they are long. */
float *scratch_spread(const float *x, ptrdiff_t ldx, int m, int n);

/* Rows whose distance is a multiple of 4096 bytes lie in one set of the L1 cache, which holds
 * fewer of them than a tile reads in turn: it pays to copy them a line further apart. */
#define KERN_LINE 16 /* floats */
static inline bool kern_crowded(ptrdiff_t ld)
{
    return ld % (4096 / 4) == 0;
}

/* Packed weights of products, and of convolutions without groups: panels of so many outputs,
 * (panels, k, KERN_PANEL), k being (kh, kw, cin); the last one filled with zeros. */
#define KERN_PANEL 16
/* Sums of products along k are made in pieces of so many numbers. */
#define KERN_PIECE 256
/* Whether Winograd's form, (16, panels, cin, KERN_PANEL), follows it. */
static inline bool kern_conv_winograd(int cout, int cin, int kh, int kw, int groups)
{
    return kh == 3 && kw == 3 && groups == 1 && cin >= 8 && cout >= 8;
}

/* Pixels of a picture of the result. */
static inline ptrdiff_t kern_conv_pixels(const struct kern_conv *c)
{
    return (ptrdiff_t)kern_conv_out(c->h, c->kh, c->stride, c->pad) *
           kern_conv_out(c->w, c->kw, c->stride, c->pad);
}

/* One of the pictures. */
static inline struct kern_conv kern_conv_picture(const struct kern_conv *c, int i)
{
    struct kern_conv one = *c;
    ptrdiff_t out = i * kern_conv_pixels(c) * c->cout;
    one.count = 1;
    one.x += (ptrdiff_t)i * c->h * c->w * c->cin;
    one.y += out;
    if (c->residual)
        one.residual += out;
    return one;
}

size_t kern_panels_size(int cout, int cin, int kh, int kw, int groups);
void kern_panels_pack(const void *weights, int cout, int cin, int kh, int kw, int groups,
                      float *out);

/* Weights as rows of float32: as they lie, or made in *made, scratch memory, of their panels; else
 * *made is NULL. */
const void *kern_ref_weights(struct kern *k, const void *w, int n, int length, float **made);
/* In double: also of a row whose squares are beyond float32. */
void kern_norm_row_ref(const struct kern_norm *o, int row);
void kern_conv_ref(struct kern *k, const struct kern_conv *c);
void kern_maxpool_ref(struct kern *k, const float *x, int h, int w, int c, float *y);
void kern_roi_ref(struct kern *k, const struct kern_roi *o);
void kern_silence_ref(struct kern *k, const struct kern_silenced *o);
void kern_gather_rows_ref(struct kern *k, const struct kern_gather_rows *o);
void kern_mean_ref(struct kern *k, const struct kern_mean *o);
void kern_upsample_ref(struct kern *k, const struct kern_upsample *o);
void kern_overlaps_ref(struct kern *k, const struct kern_overlaps *o);
void kern_nms_ref(struct kern *k, const struct kern_nms *o);
void kern_softmax_ref(struct kern *k, float *x, int m, int n);
void kern_activate_ref(struct kern *k, const float *x, float *y, size_t n, enum kern_act act);
void kern_activate_back_ref(struct kern *k, const float *x, const float *dy, float *dx, size_t n,
                            enum kern_act act);
void kern_linear_back_ref(struct kern *k, const struct kern_linear_back *list, int count);
void kern_attention_back_ref(struct kern *k, const struct kern_attention_back *list, int count);
/* In double, as kern_norm_row_ref. */
void kern_norm_back_row_ref(const struct kern_norm_back *o, int row);
void kern_norm_back_ref(struct kern *k, const struct kern_norm_back *list, int count);
void kern_gate_back_ref(struct kern *k, const struct kern_gate_back *o);
void kern_mean_back_ref(struct kern *k, const struct kern_mean_back *o);
void kern_scatter_rows_ref(struct kern *k, const struct kern_scatter_rows *o);
/* What the CPU's fast back ends share: bound by memory, or seldom. */
void kern_mean_back_cpu(struct kern *k, const struct kern_mean_back *o);
void kern_scatter_rows_cpu(struct kern *k, const struct kern_scatter_rows *o);
void kern_silence_cpu(struct kern *k, const struct kern_silenced *o);
void kern_gather_rows_cpu(struct kern *k, const struct kern_gather_rows *o);
void kern_mean_cpu(struct kern *k, const struct kern_mean *o);
void kern_upsample_cpu(struct kern *k, const struct kern_upsample *o);
void kern_overlaps_cpu(struct kern *k, const struct kern_overlaps *o);
void kern_nms_cpu(struct kern *k, const struct kern_nms *o);

extern const struct kern_ops kern_ops_ref, kern_ops_portable;
#if defined(__x86_64__)
extern const struct kern_ops kern_ops_avx2, kern_ops_avx512;
#elif defined(__aarch64__)
extern const struct kern_ops kern_ops_neon;
#endif

#endif
