/* The operations of the model, on plain pointers and dimensions.
 *
 * One table per back end: "ref" (readable, the definition of correct), "cpu" (fast), later
 * "cuda". All arithmetic is float32 with float32 (or better) accumulation; results do not depend
 * on the number of threads. Matrices are row major, (rows, columns), "ld" is the distance between
 * rows in elements. Weights may stand at any byte address (checkpoints are mapped as they are).
 * This folder includes nothing of the rest of the project. */
#ifndef VS_KERN_H
#define VS_KERN_H

#include <stddef.h>
#include <stdint.h>

enum kern_act { KERN_NONE, KERN_GELU /* with erf */, KERN_RELU, KERN_SWISH };

/* y(m,n) = act(x(m,k) w(n,k)^T + bias(n)) + residual(m,n) */
struct kern_linear {
    const float *x;
    ptrdiff_t ldx;
    const void *w;    /* float32 (n,k), any alignment */
    const void *bias; /* float32 (n), any alignment, or NULL */
    const float *residual; /* (m,n) or NULL; may be y itself */
    ptrdiff_t ldr;
    float *y;         /* must not overlap x */
    ptrdiff_t ldy;
    int m, n, k;
    enum kern_act act;
};

/* For each head h: probs = softmax(scale q k^T + key_bias), out = probs v.
 * q (tq, heads*dh), k and v (tk, heads*dh), out (tq, heads*dh): head h uses columns h*dh ... */
struct kern_attention {
    const float *q, *k, *v;
    ptrdiff_t ldq, ldk, ldv;
    const float *key_bias; /* (tk) added to the scores, or NULL */
    float *out;
    ptrdiff_t ldo;
    float *probs;          /* (heads, tq, tk), or NULL when nobody asked */
    int heads, dh, tq, tk;
    float scale;
};

/* What stands in place of a head's part of an attention's output (and of its probabilities):
 * nothing, what uniform attention over the real keys reads, or the mean over its queries. */
enum kern_silence { KERN_ZERO, KERN_UNIFORM, KERN_MEAN };
struct kern_silenced {
    const float *v;        /* (tk, ...), column 0 of the head */
    ptrdiff_t ldv;
    const float *key_bias; /* (tk) or NULL: keys with a bias are not real */
    float *out;            /* (tq, dh), column 0 of the head */
    ptrdiff_t ldo;
    float *probs;          /* (tq, tk) of the head, or NULL */
    int dh, tq, tk;
    enum kern_silence how;
};

/* y(m,n) = (x - mean) / sqrt(var + eps) * gain + shift, biased variance per row; y may be x. */
struct kern_norm {
    const float *x;
    ptrdiff_t ldx;
    const void *gain, *shift; /* float32 (n), any alignment */
    float *y;
    ptrdiff_t ldy;
    int m, n;
    float eps;
};

/* y(m,n) = sum over tables j of table[j][ids[j][i]]; an id of -1 adds nothing. */
struct kern_embed {
    const void *table[3]; /* float32 (rows, n), any alignment; NULL when unused */
    const int32_t *ids[3]; /* (m) */
    float *y;
    ptrdiff_t ldy;
    int m, n;
};

/* A convolution (cross-correlation, zero padding) over a picture whose pixels are rows:
 * x (h*w, cin), y (oh*ow, cout), oh = (h + 2 pad - kh) / stride + 1.
 * y = act(scale * sum + shift + residual), scale and shift per channel. */
struct kern_conv {
    const float *x;
    int h, w, cin;
    const void *weights;   /* packed by kern_conv_pack */
    const float *scale, *shift; /* (cout) or NULL for 1 and 0 */
    const float *residual; /* (oh*ow, cout) or NULL; may be y itself */
    float *y;
    int cout, kh, kw, stride, pad, groups;
    enum kern_act act;     /* KERN_NONE or KERN_RELU */
};

/* Regions pooled from a picture x (h*w, c): y (n, c, bins, bins), 2x2 samples a bin.
 * boxes (n, 4) x1 y1 x2 y2, times scale in pixels of x. */
struct kern_roi {
    const float *x;
    int h, w, c, n, bins;
    const float *boxes;
    float scale;
    float *y;
};

struct kern; /* a back end opened on a device with its threads */

struct kern_ops {
    const char *name; /* "ref", "cpu-portable", "cpu-avx2", "cpu-avx512", ... */
    /* Several independent products in one go: they share the threads. */
    void (*linear)(struct kern *k, const struct kern_linear *list, int count);
    void (*attention)(struct kern *k, const struct kern_attention *list, int count);
    void (*norm)(struct kern *k, const struct kern_norm *list, int count);
    void (*embed)(struct kern *k, const struct kern_embed *op);
    /* y[i] = a[i] * b[i], y[i] = a[i] + b[i]; y may be a or b */
    void (*mul)(struct kern *k, const float *a, const float *b, float *y, size_t n);
    void (*add)(struct kern *k, const float *a, const float *b, float *y, size_t n);
    void (*conv)(struct kern *k, const struct kern_conv *op);
    /* Largest of 3x3 at stride 2, padding 1, which never wins: y ((h+1)/2 * (w+1)/2, c). */
    void (*maxpool)(struct kern *k, const float *x, int h, int w, int c, float *y);
    void (*roi)(struct kern *k, const struct kern_roi *op);
    /* Dynamic attention: x(m,n)[i][j] *= 1 + sigmoid(gate[j]) */
    void (*gate)(struct kern *k, float *x, ptrdiff_t ldx, const float *gate, int m, int n);
    void (*silence)(struct kern *k, const struct kern_silenced *op);
};

/* Open a back end. device: "auto" or "cpu" (the fastest that this machine has), "ref",
 * "cpu-portable", "cpu-avx2", "cpu-avx512". threads: 0 means the CPUs of the affinity mask and
 * cgroup quota. Returns 0, or -1 with one line in why. */
int kern_open(const char *device, int threads, struct kern **out, char *why, size_t why_size);
void kern_close(struct kern *k);
const struct kern_ops *kern_table(const struct kern *k);
int kern_threads(const struct kern *k);
/* What to show and to log: "cpu-avx512, 2 threads". Borrowed. */
const char *kern_describe(const struct kern *k);

/* Weights of a convolution from PyTorch's order, (cout, cin/groups, kh, kw) at any alignment, to
 * that of struct kern_conv: without groups panels of 32 output channels, (panel, kh, kw, cin, 32),
 * and for 3x3 Winograd's form behind them; with groups (group, kh, kw, cin/groups, cout/groups
 * padded with zeros to a multiple of 16). out has kern_conv_size floats. */
size_t kern_conv_size(int cout, int cin, int kh, int kw, int groups);
void kern_conv_pack(const void *weights, int cout, int cin, int kh, int kw, int groups, float *out);

/* Run part(arg, i) for i in 0..parts-1 on the back end's threads, dynamically; returns when all
 * are done. For the callers' own loops (decoding half precision weights, ...). */
void kern_parallel(struct kern *k, int parts, void (*part)(void *arg, int i), void *arg);

#endif
