/* SPDX-License-Identifier: MIT */
/* The operations of the model, on plain pointers and dimensions.
 *
 * One table per back end: "ref" (readable, the definition of correct), "cpu" (fast), "cuda". All
 * arithmetic is float32 with float32 (or better) accumulation; results do not depend on the number
 * of threads. Matrices are row major, (rows, columns), "ld" is the distance between rows in
 * elements.
 *
 * Two kinds of memory. Weights (w, bias, gamma, beta, table, weights, scale of the structures
 * below) are the host's, at any byte address (checkpoints are mapped as they are), and stay as they
 * are while their struct kern_set lives. Everything else that an operation reads or writes is the
 * back end's: from kern_alloc, filled with kern_put, read with kern_view. Of the CPU's back ends it
 * is plain memory, and any host memory will do. The back end may put operations off until
 * kern_view, kern_finish or the like: what they were given stays untouched until then.
 * This folder includes nothing of the rest of the project. */
#ifndef VS_KERN_H
#define VS_KERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum kern_act { KERN_NONE, KERN_GELU /* with erf */, KERN_RELU, KERN_SWISH, KERN_TANH };

/* Numbers that weights are kept as. A whole number is multiplied with the scale of its row. */
enum kern_type { KERN_FLOAT32, KERN_FLOAT16, KERN_BFLOAT16, KERN_INT8 };

/* Rows of weights (k numbers) that are multiplied as whole numbers where that is asked for
 * (kern_set_precision): shorter and longer ones are not. */
#define KERN_INT8_LEAST 64
#define KERN_INT8_MOST (1 << 17) /* sums of 127 * 128 fit 32 bits */

/* Names of precisions (kern_set_precision); the first is what there is without it. */
#define KERN_PRECISION_NAMES "float32", "float16", "bfloat16", "int8", "tf32"

/* Packed weights: panels of KERN_PANEL rows of w (kernels/kern_panel.h). */
struct kern_panels {
    const void *at;     /* aligned to 64 bytes; NULL: none */
    enum kern_type type;
    const float *scale; /* of KERN_INT8: (n), zeros behind up to whole panels */
};

/* y(m,n) = act(x(m,k) w(n,k)^T + bias(n)) + residual(m,n) */
struct kern_linear {
    const float *x;
    ptrdiff_t ldx;
    const void *w;    /* float32 (n,k), any alignment */
    const void *bias; /* float32 (n), any alignment, or NULL */
    struct kern_panels packed; /* w by kern_pack, or none: the same numbers, sooner (kern_packed) */
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
#define KERN_SILENCES 3
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

/* y(m,n) = (x - mean) / sqrt(var + eps) * gamma + beta, biased variance per row; y may be x. */
struct kern_norm {
    const float *x;
    ptrdiff_t ldx;
    const void *gamma, *beta; /* float32 (n), any alignment */
    float *y;
    ptrdiff_t ldy;
    int m, n;
    float eps;
};

/* y(m,n) = sum over tables j of table[j][ids[j][i]]; an id of -1 adds nothing. */
struct kern_embed {
    const void *table[3]; /* float32 (rows, n), any alignment; NULL when unused */
    const int32_t *ids[3]; /* (m) */
    int rows[3];
    float *y;
    ptrdiff_t ldy;
    int m, n;
};

/* A convolution's result along one axis. */
static inline int kern_conv_out(int size, int kernel, int stride, int pad)
{
    return (size + 2 * pad - kernel) / stride + 1;
}

/* A convolution (cross-correlation, zero padding) over pictures of one size whose pixels are rows,
 * one picture after another: x (count, h*w, cin), y (count, oh*ow, cout), oh and ow by
 * kern_conv_out.
 * y = act(scale * sum + shift + residual), scale and shift per channel. */
struct kern_conv {
    const float *x;
    int count, h, w, cin;
    const void *weights;   /* packed by kern_conv_pack */
    const float *scale, *shift; /* (cout) or NULL for 1 and 0 */
    const float *residual; /* (count, oh*ow, cout) or NULL; may be y itself */
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

/* Copies rows: y[i] = x[index[i]], or x[i] where index is NULL. */
struct kern_gather_rows {
    const float *x;
    ptrdiff_t ldx;
    const int32_t *index; /* (m) or NULL */
    float *y;
    ptrdiff_t ldy;
    int m, n;
};

/* y(n) = the mean of those rows of x(m,n) whose skip is 0 (NULL: of all). */
struct kern_mean {
    const float *x;
    ptrdiff_t ldx;
    const float *skip; /* (m) or NULL */
    float *y;
    int m, n;
};

/* x(h*w, c) += small(sh*sw, c), every pixel of it 2x2; what is missing at the edges repeats. */
struct kern_upsample {
    float *x;
    const float *small;
    int h, w, sh, sw, c;
};

/* Bit j of row i of the matrix: boxes i and j overlap by more than the threshold (intersection over
 * union, last pixels included). A row has (n + 63) / 64 words; bits beyond n are 0. */
struct kern_overlaps {
    const float *boxes; /* (n, 4) x1 y1 x2 y2 */
    int n;
    float threshold;
    uint64_t *matrix;
};

/* Non-maximum suppression in every class: conf[i] = the best score of box i in a class (of the
 * columns from first on) in which no surviving box of a higher score overlaps it; 0 when none
 * exceeds conf_thresh. Ties go to the smaller index. On a GPU n is at most 4096. */
struct kern_nms {
    const float *scores;    /* (n, classes) */
    const uint64_t *matrix; /* of kern_overlaps */
    int n, classes, first;
    float conf_thresh;
    float *conf; /* (n) */
};

/* ---- the way back through the operations of the model. There is one number, a target, that a pass
 * computes; d in front of a name is the derivative of the target with respect to it. Weights have
 * none: they are only read, from where the way forward reads them. */

/* dx(m,k) = dy(m,n) w(n,k) + residual(m,k), of y = x w^T; dx must not overlap dy */
struct kern_linear_back {
    const float *dy;
    ptrdiff_t ldy;
    const void *w;    /* float32 (n,k), any alignment */
    const float *residual; /* (m,k) or NULL; may be dx itself */
    ptrdiff_t ldr;
    float *dx;
    ptrdiff_t ldx;
    int m, n, k;
};

/* Of struct kern_attention, whose probs(heads, tq, tk) it needs. For each head, s being the scores:
 *   dprobs = dout v^T                        dv = probs^T dout
 *   ds = probs (dprobs - sum over keys of probs dprobs)
 *   dq = scale ds k                          dk = scale ds^T q
 * dq and dk may both be NULL: probabilities that are taken as constants. */
struct kern_attention_back {
    const float *q, *k, *v;
    ptrdiff_t ldq, ldk, ldv;
    const float *probs;
    const float *dout;
    ptrdiff_t ldo;
    float *dprobs, *dscores; /* (heads, tq, tk) */
    float *dq, *dk, *dv;     /* at the distances of q, k and v */
    int heads, dh, tq, tk;
    float scale;
};

/* Of struct kern_norm. With z = (x - mean) / deviation and g = dy gamma, per row:
 *   dx = (g - mean of g - z (mean of g z)) / deviation
 * fixed: the deviation is taken as a constant, so the last term is left out. dx may be dy. */
struct kern_norm_back {
    const float *x; /* what was normalised */
    ptrdiff_t ldx;
    const void *gamma;
    const float *dy;
    ptrdiff_t ldy;
    float *dx;
    ptrdiff_t lddx;
    int m, n;
    float eps;
    bool fixed;
};

/* Of y = x (1 + sigmoid(gate)): dx(m,n) becomes dy (1 + sigmoid(gate)) in place,
 * dgate(n) = sum over rows of dy x sigmoid'(gate). */
struct kern_gate_back {
    const float *y; /* (m,n): after the gate */
    ptrdiff_t ldy;
    const float *gate; /* (n) */
    float *dx;         /* holds dy before */
    ptrdiff_t lddx;
    float *dgate;
    int m, n;
};

/* dx(m,n) = residual(m,n) + dy(n) / count in the count rows whose skip is 0 (NULL: in all). */
struct kern_mean_back {
    const float *dy, *skip;
    const float *residual; /* NULL for 0; may be dx itself */
    float *dx;
    ptrdiff_t ldx; /* of residual, too */
    int m, n;
};

/* Of struct kern_gather_rows: row index[i] of y(rows, n) is x[i], i from 0 to m-1; all others are
 * 0. No row stands twice in index; NULL: row i is x[i]. */
struct kern_scatter_rows {
    const float *x;
    ptrdiff_t ldx;
    const int32_t *index;
    float *y;
    ptrdiff_t ldy;
    int m, rows, n;
};

struct kern; /* a back end opened on a device with its threads */

struct kern_ops {
    const char *name; /* "ref", "cpu-portable", "cpu-avx2", "cpu-neon", ... */
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
    void (*gather_rows)(struct kern *k, const struct kern_gather_rows *op);
    void (*mean)(struct kern *k, const struct kern_mean *op);
    void (*upsample)(struct kern *k, const struct kern_upsample *op);
    void (*overlaps)(struct kern *k, const struct kern_overlaps *op);
    void (*nms)(struct kern *k, const struct kern_nms *op);
    /* Softmax of every row of x(m,n) in place. */
    void (*softmax)(struct kern *k, float *x, int m, int n);
    /* y[i] = act(x[i]); y may be x */
    void (*activate)(struct kern *k, const float *x, float *y, size_t n, enum kern_act act);
    void (*linear_back)(struct kern *k, const struct kern_linear_back *list, int count);
    void (*attention_back)(struct kern *k, const struct kern_attention_back *list, int count);
    void (*norm_back)(struct kern *k, const struct kern_norm_back *list, int count);
    /* dx[i] = dy[i] act'(x[i]); dx may be dy. ReLU's is 0 at 0. */
    void (*activate_back)(struct kern *k, const float *x, const float *dy, float *dx, size_t n,
                          enum kern_act act);
    void (*gate_back)(struct kern *k, const struct kern_gate_back *op);
    void (*mean_back)(struct kern *k, const struct kern_mean_back *op);
    void (*scatter_rows)(struct kern *k, const struct kern_scatter_rows *op);
};

/* Open a back end. device: "auto" (the GPU with the most free memory, if one works, else the CPU;
 * kern_note says why), "cpu" (the fastest that this machine has), "ref", "cpu-portable",
 * "cpu-avx2" and "cpu-avx512" (x86-64), "cpu-neon" (aarch64), or
 * "cuda[:N][,tf32|bf16|half][,memory=MB][,sync]". threads: 0 means the CPUs of the affinity mask
 * and cgroup quota. Returns 0, or -1 with one line in why. */
#define KERN_WHY 600 /* room for a whole line in why, and in a note */
int kern_open(const char *device, int threads, struct kern **out, char *why, size_t why_size);
/* The same for somebody whose weights and activations will take so many bytes: auto takes no GPU
 * that has fewer free. */
int kern_open_for(const char *device, int threads, size_t bytes, struct kern **out, char *why,
                  size_t why_size);
void kern_close(struct kern *k);
/* In which precision products of weights are made, by its name, before there are any weights. Of
 * the processor:
 *   float32   as the weights come
 *   float16, bfloat16   weights are kept in two bytes; products are those of float32
 *   int8      weights are kept as whole numbers with a scale for each row; x becomes whole numbers
 *             with a scale for each row, from -127 to 127, the largest magnitude being 127; sums
 *             are exact, then times both scales. A row of x that is not finite makes NaN.
 * Of a GPU: float32, tf32, float16, bfloat16. For products whose weights are packed (kern_packed),
 * by whoever packs them: all else is float32. kern_describe then says it, with the error of a
 * product. Returns 0, or -1 with one line in why. */
int kern_set_precision(struct kern *k, const char *name, char *why, size_t why_size);
/* What weights are to be packed as; KERN_FLOAT32: as they come. Of the processor. */
enum kern_type kern_precision(const struct kern *k);
const struct kern_ops *kern_table(const struct kern *k);
int kern_threads(const struct kern *k);
/* What to show and to log: "cpu-avx512, 2 threads", "cuda:0 NVIDIA H100". Borrowed. */
const char *kern_describe(const struct kern *k);

/* What is not as one would expect of the device, though nothing failed, in a line: why auto took
 * it, or no GPU though there is one; passes that can't be made graphs; products in another
 * precision. Empty where there is nothing to say. Any thread may ask. */
void kern_note(struct kern *k, char *out, size_t size);

/* One line for each device that could be named, or why it could not; index 0, 1, ... Returns false
 * after the last one. usable: whether kern_open would take it. */
struct kern_device {
    char name[24], text[KERN_WHY];
    bool usable;
};
bool kern_device(int index, struct kern_device *out);

/* ---- the back end's memory. All sizes are in floats. */

/* Whether that memory is the host's: then kern_stage and kern_view give back what they get. */
bool kern_is_host(const struct kern *k);
/* Aligned to 64 bytes. NULL when there is none left; kern_finish then says more. */
float *kern_alloc(struct kern *k, size_t n);
/* n floats of memory that no operation was given yet become 0: for what is viewed as a whole and
 * has gaps that nothing writes. */
void kern_clear(struct kern *k, float *p, size_t n);
void kern_free(struct kern *k, void *p);
/* Where the host may write the n floats that a kern_put will send to dst. It holds until the next
 * kern_stage or kern_put. */
float *kern_stage(struct kern *k, float *dst, size_t n);
/* dst is the back end's, src the host's (free again on return). Returns 0, or -1. */
int kern_put(struct kern *k, float *dst, const float *src, size_t n);
/* The host's view of n floats, after all operations given so far; NULL on failure. It holds until
 * the next kern_view. */
const float *kern_view(struct kern *k, const float *src, size_t n);
/* Waits for all operations. Returns 0, or -1 with the first failure since the last call (what,
 * which shape, which device) in why; the CPU's back ends never fail. */
int kern_finish(struct kern *k, char *why, size_t why_size);
/* Operations between these are given again and again, with other numbers in the same memory: the
 * back end may keep them as one piece. */
void kern_begin(struct kern *k);
void kern_end(struct kern *k);
/* Bytes of device memory: in use by this back end, and the most that it may use (0: the CPU). */
void kern_memory(const struct kern *k, size_t *used, size_t *limit);
/* How many inputs to compute at once when one needs that many floats: 1 to most. */
int kern_batch(const struct kern *k, size_t floats_each, int most);

/* ---- the weights of one model. Where the back end's memory is its own it keeps copies, shares
 * equal ones between sets and, when memory ends, drops those of the set that was used longest ago;
 * they come back on use. */
struct kern_set;
/* Sets may be made and freed, and memory too, while another thread computes.
 * bytes: of the weights in all, for the progress. NULL where there is nothing to keep, which is
 * fine for the others. Freed before the weights and k. */
struct kern_set *kern_set_new(struct kern *k, size_t bytes);
void kern_set_free(struct kern *k, struct kern_set *s);
/* The operations that follow take their weights from s. */
void kern_use(struct kern *k, struct kern_set *s);
/* progress(arg, done, all) in bytes while weights are copied, from the thread that computes. */
void kern_watch(struct kern *k, void (*progress)(void *arg, size_t done, size_t all), void *arg);

/* Weights (n, length) of a product in the order in which the CPU's fast back ends read them, panels
 * of KERN_PANEL rows of w (kernels/kern_panel.h). Without them a product packs its weights on its
 * way, every time. w may be at any address; out has kern_pack_size floats of host memory, aligned
 * to 64 bytes. The size is 0 where the back end has no use for them. */
size_t kern_pack_size(const struct kern *k, int n, int length);
void kern_pack(const void *w, int n, int length, float *out);

/* The packed weights of one model: a product of weights that it has, at the same address, reads
 * those. NULL where the back end has no use for them. Freed before the weights and k. */
struct kern_packed;
struct kern_packed *kern_packed_new(struct kern *k);
void kern_packed_free(struct kern_packed *s);
/* Packs w (n, length), which stays where it is but is not read by products any more. Others may
 * compute meanwhile. False when there is no memory, or when the sets of k
 * would hold more than a quarter of the machine's. */
bool kern_packed_add(struct kern_packed *s, const void *w, int n, int length);

/* Weights (n, length) in fewer bits than float32 has, as a file has them. */
struct kern_narrow {
    enum kern_type type; /* not KERN_FLOAT32 */
    const void *rows;    /* any alignment, this machine's byte order */
    const void *scale;   /* of KERN_INT8: float32 (n), any alignment */
};
/* Packs weights in the bits that they have, for products of w, an address whose numbers are not
 * read: the product widens them a piece of a panel at a time, which gives the numbers, to the bit,
 * of float32 weights. Not bound by a quarter of the memory, as float32 would take more. Several
 * threads may add at the same time. */
bool kern_packed_add_narrow(struct kern_packed *s, const void *w, const struct kern_narrow *from,
                            int n, int length);
/* No NaN and no infinity among them as float32. */
bool kern_narrow_is_finite(const struct kern_narrow *x, int n, int length);

/* Weights of a convolution from PyTorch's order, (cout, cin/groups, kh, kw) at any alignment, to
 * that of struct kern_conv, which is the back end's own. Of the CPU's: without groups panels of 16
 * output channels, (panel, kh, kw, cin, 16), and for 3x3 Winograd's form behind them; with groups
 * (group, kh, kw, cin/groups, cout/groups padded with zeros to a multiple of 16). scale (cout) or
 * NULL is what the operation will be given. out has kern_conv_size floats of host memory. */
size_t kern_conv_size(const struct kern *k, int cout, int cin, int kh, int kw, int groups);
void kern_conv_pack(const struct kern *k, const void *weights, int cout, int cin, int kh, int kw,
                    int groups, const float *scale, float *out);

/* Run part(arg, i) for i in 0..parts-1 on the back end's threads, dynamically; returns when all
 * are done. For the callers' own loops (decoding half precision weights, ...). */
void kern_parallel(struct kern *k, int parts, void (*part)(void *arg, int i), void *arg);

/* No NaN and no infinity among n floats at any address. */
bool kern_is_finite(const void *x, size_t n);

/* order = indices by falling value, ties by index. */
void kern_sort_down(const float *x, int n, int *order);

#endif
