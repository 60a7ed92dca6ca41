/* SPDX-License-Identifier: MIT */
/* Every operation of every back end that this machine has against the reference, on odd sizes and
 * on weights at odd addresses; thread counts; opening. A wrong tail, tile, epilogue or summation
 * order that depends on threads or on whether weights were packed breaks it. Errors are relative to
 * the sum of magnitudes. */
#include "device.h"
#include "kernels/pool.h"
#include "numbers.h"
#include "ops.h"
#include "poison.h"

#include <math.h>
#include <stdint.h>
#include <unistd.h>

static uint32_t seed = 1;

static float *make(size_t n)
{
    float *x = malloc((n + 1) * sizeof *x);
    for (size_t i = 0; x && i < n; i++)
        x[i] = numbers_noise(&seed);
    return x;
}

static float worst(const float *a, const float *b, size_t n, float scale)
{
    float w = 0;
    for (size_t i = 0; i < n; i++) {
        float d = fabsf(a[i] - b[i]) / scale;
        w = d > w || !(d >= 0) ? d : w;
    }
    return w;
}

static void linear(struct kern *k, struct kern *ref, int m, int n, int d, enum kern_act act,
                   bool residual)
{
    float *x = make((size_t)(m * d)), *w = make((size_t)(n * d)), *b = make((size_t)n);
    float *r = make((size_t)(m * n)), *y = make((size_t)(m * n)), *z = make((size_t)(m * n));
    char *wa = numbers_askew(w, (size_t)(n * d)), *ba = numbers_askew(b, (size_t)n);
    memcpy(y, r, (size_t)(m * n) * 4);
    struct kern_linear o = {.x = x, .ldx = d, .w = wa + 1, .bias = ba + 1,
                            .residual = residual ? y : NULL, .ldr = n, .y = y, .ldy = n, .m = m,
                            .n = n, .k = d, .act = act};
    struct kern_linear p = o;
    p.w = w;
    p.bias = b;
    p.residual = residual ? r : NULL;
    p.y = z;
    kern_table(k)->linear(k, &o, 1); /* y is its own residual */
    kern_table(ref)->linear(ref, &p, 1);
    float e = worst(y, z, (size_t)(m * n), sqrtf((float)d) + 1);
    ok(e < 2e-6f, "%s: linear %dx%dx%d act %d residual %d (%g)", kern_table(k)->name, m, n, d,
       (int)act, residual, (double)e);
    free(x); free(w); free(b); free(r); free(y); free(z); free(wa); free(ba);
}

/* Three products of which two read the same rows, 4096 or 8192 bytes apart, and the third others of
 * another length: what is given to different threads, fetched ahead or copied further apart. */
#define SHARED_M 19
#define SHARED_N 75

static void shared(struct kern *k, struct kern *ref, int d)
{
    int m = SHARED_M, n = SHARED_N, ld = (d + 1023) / 1024 * 1024, lengths[] = {d, d, 40};
    float *x = make((size_t)(m * ld)), *w = make((size_t)(3 * n * ld));
    float *y = make((size_t)(6 * m * n)), *one = make((size_t)n);
    struct kern_linear o[6];
    for (int i = 0; i < 6; i++)
        o[i] = (struct kern_linear){.x = x, .ldx = i % 3 < 2 ? ld : 57, .w = w + i % 3 * n * ld,
                                    .y = y + i * m * n, .ldy = n, .m = m, .n = n,
                                    .k = lengths[i % 3], .act = (enum kern_act)(i % 3)};
    kern_table(k)->linear(k, o, 3);
    kern_table(ref)->linear(ref, o + 3, 3);
    float e = worst(y, y + 3 * m * n, (size_t)(3 * m * n), sqrtf((float)d) + 1);
    ok(e < 2e-6f, "%s: three products of %d in one go (%g)", kern_table(k)->name, d, (double)e);
    bool same = true;
    for (int i = 0; i < m; i++) {
        struct kern_linear row = o[1];
        row.x += i * ld;
        row.m = 1;
        row.y = one;
        kern_table(k)->linear(k, &row, 1);
        same &= memcmp(one, o[1].y + i * n, (size_t)n * sizeof *one) == 0;
    }
    ok(same, "%s: a row of %d has the same sums alone", kern_table(k)->name, d);
    free(x); free(w); free(y); free(one);
}

/* y of a product in place with k, and with packed weights with other; the same bits? */
static bool same_packed(struct kern *k, struct kern *other, const struct kern_linear *place,
                        const char *w, size_t askew)
{
    size_t all = (size_t)(place->m * place->n);
    float *y = make(all), *z = make(all), *packed = NULL;
    struct kern_linear a = *place, b = *place;
    size_t size = kern_pack_size(other, a.n, a.k) * sizeof *packed;
    bool same = size > 0 && posix_memalign((void **)&packed, 64, size) == 0;
    a.w = w + askew;
    a.y = y;
    b.w = NULL; /* nobody reads it */
    b.y = z;
    b.packed = (struct kern_panels){.at = packed};
    if (same)
        kern_pack(w + askew, a.n, a.k, packed);
    kern_table(k)->linear(k, &a, 1);
    if (same)
        kern_table(other)->linear(other, &b, 1);
    same = same && memcmp(y, z, all * sizeof *y) == 0;
    free(y), free(z), free(packed);
    return same;
}

/* What a pattern of bits stands for, by the definition of its type. */
static float meaning(enum kern_type type, uint16_t bits, float scale)
{
    int e = bits >> 10 & 31, m = bits & 0x3ff;
    double sign = bits & 0x8000 ? -1 : 1;
    if (type == KERN_INT8)
        return (float)(int8_t)(bits & 0xff) * scale;
    if (type == KERN_FLOAT16)
        return (float)(sign * (e == 31 ? m ? (double)NAN : (double)INFINITY
                               : e     ? ldexp(1024 + m, e - 25) : ldexp(m, -24)));
    e = bits >> 7 & 255;
    m = bits & 127;
    return (float)(sign * (e == 255 ? m ? (double)NAN : (double)INFINITY
                           : e      ? ldexp(128 + m, e - 134) : ldexp(m, -133)));
}

/* Weights (n, d) of every pattern that a type has, from the first-th on, as the type has them at an
 * odd address and as float32. */
struct narrow_weights {
    char *rows;
    float *wide, *scale;
    struct kern_narrow x;
};

static struct narrow_weights narrow_make(enum kern_type type, unsigned first, int n, int d)
{
    size_t size = type == KERN_INT8 ? 1 : 2, all = (size_t)n * (size_t)d;
    struct narrow_weights w = {.rows = malloc(all * size + 1), .wide = make(all),
                               .scale = make((size_t)n)};
    for (size_t i = 0; i < all; i++) {
        uint16_t bits = (uint16_t)(first + i);
        uint8_t byte = (uint8_t)(bits & 0xff);
        memcpy(w.rows + 1 + i * size, size == 1 ? (void *)&byte : (void *)&bits, size);
        w.wide[i] = meaning(type, bits, w.scale[i / (size_t)d]);
    }
    w.x = (struct kern_narrow){type, w.rows + 1, w.scale};
    return w;
}

static void narrow_free(struct narrow_weights *w)
{
    free(w->rows), free(w->wide), free(w->scale);
}

static bool same_numbers(const float *a, const float *b, int n)
{
    bool same = true;
    for (int i = 0; i < n; i++)
        same &= memcmp(a + i, b + i, sizeof *a) == 0 || (isnan(a[i]) && isnan(b[i]));
    return same;
}

static bool same_narrow_back(struct kern *k, const struct narrow_weights *w, int m, int n, int d)
{
    float *dy = make((size_t)m * (size_t)n), *dx = make((size_t)(2 * m) * (size_t)d);
    struct kern_linear_back o = {.dy = dy, .ldy = n, .w = w->wide, .dx = dx, .ldx = d, .m = m,
                                 .n = n, .k = d};
    kern_table(k)->linear_back(k, &o, 1);
    o.w = w->rows;
    o.dx = dx + (size_t)m * (size_t)d;
    kern_table(k)->linear_back(k, &o, 1);
    bool same = same_numbers(dx, o.dx, m * d);
    free(dy), free(dx);
    return same;
}

/* A product of narrow weights is that of the same weights as float32, and so is the way back. */
static bool same_narrow(struct kern *k, struct kern_packed *set, enum kern_type type,
                        unsigned first, int m, int n, int d)
{
    struct narrow_weights w = narrow_make(type, first, n, d);
    float *x = make((size_t)m * (size_t)d), *y = make((size_t)(2 * m) * (size_t)n);
    struct kern_linear o = {.x = x, .ldx = d, .w = w.wide, .y = y, .ldy = n, .m = m, .n = n,
                            .k = d};
    kern_table(k)->linear(k, &o, 1);
    bool finite = kern_is_finite(w.wide, (size_t)n * (size_t)d);
    bool good = kern_narrow_is_finite(&w.x, n, d) == finite;
    good &= kern_packed_add_narrow(set, w.rows, &w.x, n, d);
    o.w = w.rows;
    o.y = y + (size_t)m * (size_t)n;
    kern_table(k)->linear(k, &o, 1);
    good &= same_numbers(y, o.y, m * n) && same_narrow_back(k, &w, m, n, d);
    narrow_free(&w);
    free(x), free(y);
    return good;
}

/* Every pattern of 16 bits, one at a time; then products of many sizes of patterns from 0 on, those
 * of float16 being finite and in part subnormal. Broken by a widening that rounds, by rows of
 * another panel, by scales of other rows. */
static void narrow(struct kern *k)
{
    static const char *const names[] = {"float32", "float16", "bfloat16", "int8"};
    static const int sizes[][3] = {{1, 1, 1},   {2, 7, 15},    {5, 16, 16},  {6, 17, 255},
                                   {13, 31, 256}, {38, 33, 257}, {12, 48, 512}, {515, 70, 29},
                                   {7, 300, 150}};
    for (int t = KERN_FLOAT16; t <= KERN_INT8; t++) {
        int bad = 0;
        struct kern_packed *set = kern_packed_new(k);
        bool all = set && same_narrow(k, set, (enum kern_type)t, 0, 1, 65536, 1);
        kern_packed_free(set);
        for (int i = 0; i < 9 && all; i++) {
            set = kern_packed_new(k);
            bad += !same_narrow(k, set, (enum kern_type)t, 0x0200, sizes[i][0], sizes[i][1],
                                sizes[i][2]);
            kern_packed_free(set);
        }
        ok(all && bad == 0, "%s: weights in %s make the numbers of float32 (%d sizes differ%s)",
           kern_table(k)->name, names[t], bad, all ? "" : ", and single numbers");
    }
}

/* Weights packed before, or on the way; on 2 threads, on 3, or on so many that rows are cut, too.
 * Sizes at and around the ends of vectors, panels, pieces of k, tiles of rows, blocks of them. */
static void packed(struct kern *k)
{
    static const int rows[] = {1, 2, 5, 6, 7, 12, 13, 38, 101, 515};
    static const int columns[] = {1, 7, 8, 15, 16, 17, 31, 33, 48, 70};
    static const int lengths[] = {1, 3, 15, 16, 17, 255, 256, 257, 512, 1029};
    struct kern *other[2] = {NULL, NULL};
    char why[256];
    int bad = 0;
    if (!ok(kern_open(kern_table(k)->name, 3, &other[0], why, sizeof why) == 0 &&
                kern_open(kern_table(k)->name, 61, &other[1], why, sizeof why) == 0, "threads"))
        return;
    for (int i = 0; i < 100; i++) {
        int m = rows[i % 10], n = columns[(i / 10 + i) % 10], d = lengths[(i / 10 + 3 * i) % 10];
        float *x = make((size_t)(m * d)), *w = make((size_t)(n * d)), *b = make((size_t)n);
        char *askew = numbers_askew(w, (size_t)(n * d));
        struct kern_linear o = {.x = x, .ldx = d, .bias = i % 2 ? b : NULL, .ldy = n, .m = m,
                                .n = n, .k = d, .act = (enum kern_act)(i % 4)};
        if (!same_packed(k, other[i / 3 % 2], &o, askew, 1) && bad++ < 5)
            tap_note("%d x %d x %d differs", m, n, d);
        free(x), free(w), free(b), free(askew);
    }
    ok(bad == 0, "%s: packed weights, and 3 or 61 threads, make the same bits (%d differ)",
       kern_table(k)->name, bad);
    kern_close(other[0]);
    kern_close(other[1]);
}

static void attention(struct kern *k, struct kern *ref, int heads, int dh, int tq, int tk)
{
    size_t nq = (size_t)(tq * heads * dh), nk = (size_t)(tk * heads * dh);
    size_t np = (size_t)(heads * tq * tk);
    float *q = make(nq), *key = make(nk), *v = make(nk), *bias = make((size_t)tk);
    float *a = make(nq), *b = make(nq), *p = make(np), *r = make(np);
    bias[0] = -10000;
    struct kern_attention o = {.q = q, .k = key, .v = v, .ldq = heads * dh, .ldk = heads * dh,
                               .ldv = heads * dh, .key_bias = tk > 1 ? bias : NULL, .out = a,
                               .ldo = heads * dh, .probs = p, .heads = heads, .dh = dh, .tq = tq,
                               .tk = tk, .scale = 1 / sqrtf((float)dh)};
    struct kern_attention s = o;
    s.out = b;
    s.probs = r;
    kern_table(k)->attention(k, &o, 1);
    kern_table(ref)->attention(ref, &s, 1);
    ok(worst(a, b, nq, 1) < 2e-6f && worst(p, r, np, 1) < 1e-6f,
       "%s: attention %d heads of %d, %d queries, %d keys (%g, %g)", kern_table(k)->name, heads,
       dh, tq, tk, (double)worst(a, b, nq, 1), (double)worst(p, r, np, 1));
    o.probs = NULL; /* nobody asks: the same output */
    memset(b, 0, nq * 4);
    o.out = b;
    kern_table(k)->attention(k, &o, 1);
    ok(memcmp(a, b, nq * 4) == 0, "%s: the same without storing the maps", kern_table(k)->name);
    free(q); free(key); free(v); free(bias); free(a); free(b); free(p); free(r);
}

static void norm_and_rest(struct kern *k, struct kern *ref, int m, int n)
{
    size_t all = (size_t)(m * n);
    float *x = make(all), *g = make((size_t)n), *s = make((size_t)n), *y = make(all);
    float *z = make(all);
    char *ga = numbers_askew(g, (size_t)n), *sa = numbers_askew(s, (size_t)n);
    struct kern_norm o = {.x = x, .ldx = n, .gamma = ga + 1, .beta = sa + 1, .y = y, .ldy = n,
                          .m = m, .n = n, .eps = 1e-12f};
    struct kern_norm p = o;
    p.y = z;
    if (n > 1) { /* of one number the variance is 0: noise over noise */
        kern_table(k)->norm(k, &o, 1);
        kern_table(ref)->norm(ref, &p, 1);
        ok(worst(y, z, all, 1) < 1e-5f, "%s: norm %dx%d (%g)", kern_table(k)->name, m, n,
           (double)worst(y, z, all, 1));
    }
    int32_t ids[3][8];
    for (int i = 0; i < 8; i++) {
        ids[0][i] = i % m;
        ids[1][i] = i % 3 ? -1 : 0;
        ids[2][i] = (i + 1) % m;
    }
    float *e = make(8 * (size_t)n), *f = make(8 * (size_t)n);
    struct kern_embed em = {{x, ga + 1, NULL}, {ids[0], ids[1], ids[2]}, {m, 1, 0}, e, n, 8, n};
    kern_table(k)->embed(k, &em);
    em.y = f;
    kern_table(ref)->embed(ref, &em);
    bool same = worst(e, f, 8 * (size_t)n, 1) == 0;
    memcpy(y, x, all * 4);
    memcpy(z, x, all * 4);
    kern_table(k)->gate(k, y, n, g, m, n);
    kern_table(ref)->gate(ref, z, n, g, m, n);
    same &= worst(y, z, all, 1) < 1e-6f;
    kern_table(k)->mul(k, x, z, y, all);
    kern_table(ref)->mul(ref, x, z, z, all);
    same &= worst(y, z, all, 1) < 1e-6f;
    kern_table(k)->add(k, x, z, y, all);
    kern_table(ref)->add(ref, x, z, z, all);
    same &= worst(y, z, all, 1) < 1e-6f;
    ok(same, "%s: embed, gate, mul, add %dx%d", kern_table(k)->name, m, n);
    free(x); free(g); free(s); free(y); free(z); free(ga); free(sa); free(e); free(f);
}

/* A head of 5 columns among 12; the second key is not real. */
static void silence(struct kern *k)
{
    static const enum kern_silence hows[] = {KERN_ZERO, KERN_UNIFORM, KERN_MEAN};
    for (int n = 0; n < 3; n++) {
        float *v = make(4 * 12), *out = make(3 * 12), *copy = make(3 * 12), *probs = make(3 * 4);
        float bias[4] = {0, -10000, 0, 0}, sum = 0;
        memcpy(copy, out, 3 * 12 * sizeof *out);
        struct kern_silenced o = {.v = v + 4, .ldv = 12, .key_bias = bias, .out = out + 4,
                                  .ldo = 12, .probs = probs, .dh = 5, .tq = 3, .tk = 4,
                                  .how = hows[n]};
        for (int j = 0; n == 2 && j < 4; j++)
            sum += (probs[j] + probs[4 + j] + probs[8 + j]) / 3;
        kern_table(k)->silence(k, &o);
        float want = n == 0   ? 0
                     : n == 1 ? (v[4] + v[24 + 4] + v[36 + 4]) / 3
                              : (copy[4] + copy[16] + copy[28]) / 3;
        bool good = fabsf(out[4] - want) < 1e-6f && fabsf(out[28] - want) < 1e-6f &&
                    out[3] == copy[3] && out[9] == copy[9];
        float all = probs[4] + probs[5] + probs[6] + probs[7];
        good &= fabsf(all - (n == 0 ? 0 : n == 1 ? 1 : sum)) < 1e-5f && (n != 1 || probs[5] == 0);
        ok(good, "%s: silence %d", kern_table(k)->name, n);
        free(v); free(out); free(copy); free(probs);
    }
}

static void conv(struct kern *k, struct kern *ref, int count, int h, int w, int cin, int cout,
                 int kernel, int stride, int groups, bool rest)
{
    int pad = kernel / 2, oh = (h + 2 * pad - kernel) / stride + 1;
    int ow = (w + 2 * pad - kernel) / stride + 1;
    size_t nx = (size_t)(count * h * w * cin), ny = (size_t)(count * oh * ow * cout);
    size_t nw = (size_t)(cout * cin / groups * kernel * kernel);
    float *x = make(nx), *raw = make(nw), *scale = make((size_t)cout), *shift = make((size_t)cout);
    float *r = make(ny), *y = make(ny), *z = make(ny);
    char *askew_raw = numbers_askew(raw, nw);
    float *packed = malloc(kern_conv_size(k, cout, cin, kernel, kernel, groups) *
                           sizeof *packed);
    kern_conv_pack(k, askew_raw + 1, cout, cin, kernel, kernel, groups, rest ? scale : NULL,
                   packed);
    memcpy(y, r, ny * 4);
    struct kern_conv o = {.x = x, .count = count, .h = h, .w = w, .cin = cin, .weights = packed,
                          .scale = rest ? scale : NULL, .shift = rest ? shift : NULL,
                          .residual = rest ? y : NULL, .y = y, .cout = cout, .kh = kernel,
                          .kw = kernel, .stride = stride, .pad = pad, .groups = groups,
                          .act = rest ? KERN_RELU : KERN_NONE};
    struct kern_conv p = o;
    p.residual = rest ? r : NULL;
    p.y = z;
    kern_table(k)->conv(k, &o);
    kern_table(ref)->conv(ref, &p);
    float e = worst(y, z, ny, sqrtf((float)(nw / (size_t)cout)) + 1);
    ok(e < 2e-6f, "%s: conv %d of %dx%d, %d to %d, %dx%d / %d, %d groups (%g)",
       kern_table(k)->name, count, h, w, cin, cout, kernel, kernel, stride, groups, (double)e);
    free(x); free(raw); free(scale); free(shift); free(r); free(y); free(z); free(askew_raw);
    free(packed);
}

static void pooling(struct kern *k, struct kern *ref)
{
    enum { H = 9, W = 13, C = 21, N = 5 };
    float *x = make(H * W * C), *a = make(N * C * 49), *b = make(N * C * 49);
    /* inside, across the edges, outside, smaller than a pixel, the whole */
    const float boxes[N * 4] = {4, 4, 30, 20, -20, -9, 15, 60, 300, 300, 320, 330, 8, 8, 8.5f, 8.5f,
                                0, 0, 51, 35};
    kern_table(k)->maxpool(k, x, H, W, C, a);
    kern_table(ref)->maxpool(ref, x, H, W, C, b);
    bool same = memcmp(a, b, (size_t)((H + 1) / 2 * ((W + 1) / 2) * C) * 4) == 0;
    struct kern_roi o = {x, H, W, C, N, 7, boxes, 0.25f, a};
    struct kern_roi p = o;
    p.y = b;
    kern_table(k)->roi(k, &o);
    kern_table(ref)->roi(ref, &p);
    ok(same && worst(a, b, N * C * 49, 1) < 2e-6f, "%s: max pool, regions (%g)",
       kern_table(k)->name, (double)worst(a, b, N * C * 49, 1));
    free(x); free(a); free(b);
}

static void check_convs(struct kern *k, struct kern *ref)
{
    static const int c[][7] = {{5, 7, 3, 8, 7, 2, 1},     {6, 9, 16, 24, 1, 1, 1},
                               {6, 9, 16, 24, 1, 2, 1},   {9, 11, 20, 33, 3, 1, 1},
                               {6, 8, 40, 64, 3, 1, 1},   {1, 1, 8, 8, 3, 1, 1},
                               {23, 40, 512, 32, 3, 1, 1}, {3, 9, 8, 70, 3, 1, 1},
                               {8, 8, 12, 12, 3, 2, 1},   {7, 10, 8, 8, 3, 1, 2},
                               {7, 10, 64, 64, 3, 2, 8},  {5, 6, 256, 256, 3, 1, 8},
                               {4, 5, 128, 128, 3, 1, 2}, {3, 3, 40, 40, 3, 1, 2},
                               /* pixels 4096 bytes apart */
                               {9, 11, 1024, 45, 1, 1, 1}, {5, 6, 1024, 64, 1, 2, 1},
                               {4, 5, 1024, 1024, 3, 1, 32}, {6, 7, 1024, 256, 3, 2, 16}};
    for (size_t i = 0; i < sizeof c / sizeof c[0]; i++)
        conv(k, ref, 1 + (int)i % 3, c[i][0], c[i][1], c[i][2], c[i][3], c[i][4], c[i][5], c[i][6],
             i % 2);
    pooling(k, ref);
}

static void check_backend(const char *name, struct kern *ref)
{
    static const int sizes[][3] = {{1, 1, 1}, {1, 5, 3}, {2, 33, 16}, {3, 64, 17}, {5, 7, 100},
                                   {6, 4, 64}, {7, 35, 768}, {13, 31, 129}, {38, 70, 40},
                                   {101, 66, 48}};
    static const int looks[][4] = {{1, 1, 1, 1}, {2, 8, 3, 5}, {3, 5, 7, 1}, {2, 64, 13, 101},
                                   {8, 128, 14, 38}, {1, 20, 101, 33}, {4, 12, 1, 17}};
    struct kern *k = NULL;
    char why[256];
    if (!ok(kern_open(name, 2, &k, why, sizeof why) == 0, "%s opens", name)) {
        tap_note("%s", why);
        return;
    }
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        linear(k, ref, sizes[i][0], sizes[i][1], sizes[i][2], (enum kern_act)(i % 4), i % 2);
        norm_and_rest(k, ref, sizes[i][0], sizes[i][2]);
    }
    for (int d = 700; d <= 2100; d += 700)
        shared(k, ref, d);
    packed(k);
    narrow(k);
    for (size_t i = 0; i < sizeof looks / sizeof looks[0]; i++)
        attention(k, ref, looks[i][0], looks[i][1], looks[i][2], looks[i][3]);
    silence(k);
    check_convs(k, ref);
    tap_note("%s: every operation once more, as a GPU's are checked", name);
    ops_check(k, ref, false);
    kern_close(k);
}

/* One number among many, at every place of a vector and behind the last one; at an odd address. */
static void check_finite(void)
{
    static const float bad[] = {NAN, -NAN, INFINITY, -INFINITY}, good[] = {0, -0.0f, 3e38f, 1e-45f};
    char raw[4 * 70 + 1] = {0};
    bool all = kern_is_finite(raw + 1, 0);
    for (size_t n = 1; n < 70; n++)
        for (size_t i = 0; i < n; i++) {
            memcpy(raw + 1 + 4 * i, &bad[i % 4], 4);
            all &= !kern_is_finite(raw + 1, n) && kern_is_finite(raw + 1, i);
            memcpy(raw + 1 + 4 * i, &good[i % 4], 4);
            all &= kern_is_finite(raw + 1, n);
        }
    ok(all, "NaN and infinity are found among finite numbers");
}

/* GELU over its whole range: a tanh approximation would be off by 5e-4. */
static void check_gelu(const char *name)
{
    struct kern *k = NULL;
    char why[256];
    float one = 1, w = 0;
    if (!ok(kern_open(name, 1, &k, why, sizeof why) == 0, "%s opens", name))
        return;
    for (int i = -12000; i <= 12000; i++) {
        float x = (float)i / 1000, y = 0;
        struct kern_linear o = {.x = &x, .ldx = 1, .w = &one, .y = &y, .ldy = 1, .m = 1, .n = 1,
                                .k = 1, .act = KERN_GELU};
        kern_table(k)->linear(k, &o, 1);
        double want = 0.5 * (double)x * (1 + erf((double)x / sqrt(2)));
        float d = fabsf(y - (float)want);
        w = d > w ? d : w;
    }
    ok(w < 1e-6f, "%s: GELU from -12 to 12 (%g)", name, (double)w);
    kern_close(k);
}

static void count_part(void *arg, int i)
{
    __atomic_fetch_add((int *)arg + i, 1, __ATOMIC_RELAXED);
}

static void check_pool(void)
{
    bool once = true;
    for (int threads = 1; threads <= 7; threads += 2) {
        struct kern *k = NULL;
        char why[256];
        if (kern_open(NULL, threads, &k, why, sizeof why) != 0) {
            ok(false, "%s", why);
            return;
        }
        for (int job = 0; job < 3000; job++) {
            int seen[40] = {0}, parts = job % 40;
            kern_parallel(k, parts, count_part, seen);
            for (int i = 0; i < 40; i++)
                once &= seen[i] == (i < parts);
        }
        kern_close(k);
    }
    ok(once, "every part of every job runs once, on 1 to 7 threads");
}

static void check_opening(void)
{
    struct kern *k = NULL;
    char why[256] = "";
    ok(kern_open("abacus", 1, &k, why, sizeof why) != 0 && strstr(why, "abacus"), "%s", why);
    ok(kern_open("cuda", 1, &k, why, sizeof why) != 0 && strstr(why, "cuda"), "%s", why);
    ok(kern_open("ref", -1, &k, why, sizeof why) != 0 && strstr(why, "threads"), "%s", why);
    ok(kern_open(NULL, 0, &k, why, sizeof why) == 0 && kern_threads(k) >= 1, "auto opens");
    kern_close(k);
}

static void check_poison(const char *name, struct kern *ref)
{
    struct kern *k = NULL;
    char why[256];
    if (kern_open(name, 2, &k, why, sizeof why) != 0) {
        tap_skip("%s: %s", name, why);
        return;
    }
    poison_activations(k);
    poison_torch(k);
    if (strcmp(name, "ref") != 0)
        poison_check(k, ref);
    kern_close(k);
}

int main(void)
{
    static const char *const names[] = {DEVICE_CPUS};
    struct kern *ref = NULL;
    char why[256];
    if (!ok(kern_open("ref", 1, &ref, why, sizeof why) == 0, "ref opens"))
        return tap_done();
    check_finite();
    for (int i = 0; i < DEVICES(names); i++) {
        if (device_lacks(names[i], "every operation"))
            continue;
        check_backend(names[i], ref);
        check_gelu(names[i]);
        check_poison(names[i], ref);
    }
    check_poison("ref", ref);
    kern_close(ref);
    check_pool();
    check_opening();
    return tap_done();
}
