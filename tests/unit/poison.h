/* SPDX-License-Identifier: MIT */
/* NaN and infinity in every operand of every operation of a back end, against the reference; and
 * the reference against what PyTorch's operations are documented, or known, to make of them. An
 * operation that turns NaN into a number breaks it, or one that makes NaN where there is none. */
#ifndef POISON_H
#define POISON_H

#include "ops.h"

/* NaN with either sign and odd bits among them: what is done with integers must see them too. */
static float poison_number(int i)
{
    static const uint32_t bits[] = {0x7fc00000, 0xffc00000, 0x7fffffff, 0xff800001, 0x7f800000,
                                    0xff800000};
    float x;
    memcpy(&x, &bits[i], sizeof x);
    return x;
}
#define POISONS 6

/* An operand that the back end has, or a weight, which both read where it is. */
static void poison_put(struct kern *k, struct operand *o, size_t at, float x)
{
    o->host[at] = x;
    if (o->back)
        kern_put(k, o->back, o->host, o->n);
}

static struct operand poison_weights(size_t n)
{
    struct operand o = {n, malloc((n + 4) * sizeof(float)), NULL};
    for (size_t i = 0; o.host && i < n + 4; i++)
        o.host[i] = numbers_noise(&ops_seed);
    return o;
}

/* NaN, infinities and numbers are where the reference has them. wide: what is not finite may be NaN
 * or either infinity, and may spread (a zero of the padding times infinity, sums of neighbours). */
static bool poison_same(struct kern *k, const struct operand *o, bool wide)
{
    const float *got = kern_view(k, o->back, o->n);
    bool same = got != NULL;
    for (size_t i = 0; same && i < o->n; i++) {
        float g = got[i], w = o->host[i];
        same = isnan(w)   ? (wide ? !isfinite(g) : isnan(g))
               : isinf(w) ? g == w || (wide && !isfinite(g))
                          : fabsf(g - w) <= 1e-5f * (10 + fabsf(w)) || (wide && !isfinite(g));
        if (!same)
            tap_note("number %zu is %g instead of %g", i, (double)g, (double)w);
    }
    return same;
}

static bool poison_linear(struct kern *k, struct kern *ref, int operands, float x, int act)
{
    enum { M = 5, N = 37, K = 35 };
    struct operand a = operand(k, M * K), y = operand(k, M * N), r = operand(k, M * N);
    struct operand w = poison_weights(N * K), b = poison_weights(N);
    struct operand *const list[] = {&a, &w, &b, &r};
    poison_put(k, list[operands], list[operands]->n - 2, x);
    struct kern_linear o = {.x = a.back, .ldx = K, .w = w.host, .bias = b.host,
                            .residual = r.back, .ldr = N, .y = y.back, .ldy = N, .m = M, .n = N,
                            .k = K, .act = (enum kern_act)act};
    struct kern_linear p = o;
    p.x = a.host, p.residual = r.host, p.y = y.host;
    kern_table(k)->linear(k, &o, 1);
    kern_table(ref)->linear(ref, &p, 1);
    bool same = poison_same(k, &y, false);
    operand_free(k, &a), operand_free(k, &y), operand_free(k, &r);
    free(w.host), free(b.host);
    return same;
}

/* One operand of queries, keys, values, biases; the key of the poison is masked every other time.
 * Then a head of it is replaced by a mean. */
static bool poison_attention(struct kern *k, struct kern *ref, int which, float x, bool masked)
{
    enum { H = 2, D = 20, Q = 7, T = 21 };
    struct operand q = operand(k, Q * H * D), key = operand(k, T * H * D);
    struct operand v = operand(k, T * H * D), bias = operand(k, T), out = operand(k, Q * H * D);
    struct operand probs = operand(k, H * Q * T);
    struct operand *const list[] = {&q, &key, &v, &bias};
    for (int i = 0; i < T; i++)
        bias.host[i] = masked && i == T - 1 ? -10000 : 0;
    kern_put(k, bias.back, bias.host, T);
    poison_put(k, list[which], list[which]->n - 1, x);
    struct kern_attention o = {.q = q.back, .k = key.back, .v = v.back, .ldq = H * D, .ldk = H * D,
                               .ldv = H * D, .key_bias = bias.back, .out = out.back, .ldo = H * D,
                               .probs = probs.back, .heads = H, .dh = D, .tq = Q, .tk = T,
                               .scale = 0.2f};
    struct kern_attention p = o;
    p.q = q.host, p.k = key.host, p.v = v.host, p.key_bias = bias.host, p.out = out.host;
    p.probs = probs.host;
    kern_table(k)->attention(k, &o, 1);
    kern_table(ref)->attention(ref, &p, 1);
    bool same = poison_same(k, &out, false) && poison_same(k, &probs, false);
    struct kern_silenced s = {.v = v.back + D, .ldv = H * D, .out = out.back + D, .ldo = H * D,
                              .probs = probs.back + Q * T, .dh = D, .tq = Q, .tk = T,
                              .how = masked ? KERN_MEAN : KERN_UNIFORM};
    struct kern_silenced t = s;
    t.v = v.host + D, t.out = out.host + D, t.probs = probs.host + Q * T;
    kern_table(k)->silence(k, &s);
    kern_table(ref)->silence(ref, &t);
    same = same && poison_same(k, &out, false) && poison_same(k, &probs, false);
    operand_free(k, &q), operand_free(k, &key), operand_free(k, &v), operand_free(k, &bias);
    operand_free(k, &out), operand_free(k, &probs);
    return same;
}

static bool poison_norm(struct kern *k, struct kern *ref, int which, float x)
{
    enum { M = 3, N = 41 };
    struct operand a = operand(k, M * N), g = poison_weights(N), s = poison_weights(N);
    struct operand *const list[] = {&a, &g, &s};
    poison_put(k, list[which], list[which]->n - 1, x);
    struct kern_norm o = {.x = a.back, .ldx = N, .gamma = g.host, .beta = s.host, .y = a.back,
                          .ldy = N, .m = M, .n = N, .eps = 1e-12f};
    struct kern_norm p = o;
    p.x = p.y = a.host;
    kern_table(k)->norm(k, &o, 1);
    kern_table(ref)->norm(ref, &p, 1);
    bool same = poison_same(k, &a, false);
    operand_free(k, &a);
    free(g.host), free(s.host);
    return same;
}

static bool poison_rows(struct kern *k, struct kern *ref, float x)
{
    enum { M = 3, N = 41 };
    struct operand a = operand(k, M * N), b = operand(k, M * N), y = operand(k, M * N);
    struct operand g = operand(k, N), mean = operand(k, N);
    float *ah = a.host, *bh = b.host, *yh = y.host;
    poison_put(k, &a, N - 1, x);
    poison_put(k, &b, 2 * N - 1, x);
    poison_put(k, &g, N - 2, x);
    kern_table(k)->mul(k, a.back, b.back, y.back, M * N);
    kern_table(ref)->mul(ref, ah, bh, yh, M * N);
    bool same = poison_same(k, &y, false);
    kern_table(k)->add(k, a.back, b.back, y.back, M * N);
    kern_table(ref)->add(ref, ah, bh, yh, M * N);
    kern_table(k)->gate(k, y.back, N, g.back, M, N);
    kern_table(ref)->gate(ref, yh, N, g.host, M, N);
    same = same && poison_same(k, &y, false);
    struct kern_mean o = {y.back, N, NULL, mean.back, M, N}, p = {yh, N, NULL, mean.host, M, N};
    kern_table(k)->mean(k, &o);
    kern_table(ref)->mean(ref, &p);
    same = same && poison_same(k, &mean, false);
    struct kern_gather_rows c = {y.back, N, NULL, b.back, N, M, N}, d = {yh, N, NULL, bh, N, M, N};
    kern_table(k)->gather_rows(k, &c);
    kern_table(ref)->gather_rows(ref, &d);
    same = same && poison_same(k, &b, false);
    kern_table(k)->softmax(k, a.back, M, N);
    kern_table(ref)->softmax(ref, ah, M, N);
    same = same && poison_same(k, &a, false);
    operand_free(k, &a), operand_free(k, &b), operand_free(k, &y);
    operand_free(k, &g), operand_free(k, &mean);
    return same;
}

static bool poison_embed(struct kern *k, struct kern *ref, float x)
{
    enum { M = 4, N = 21 };
    struct operand t = poison_weights(M * N), y = operand(k, M * N), ids = operand(k, M);
    int32_t *id = (int32_t *)(void *)ids.host;
    for (int i = 0; i < M; i++)
        id[i] = i == 2 ? -1 : M - 1 - i;
    kern_put(k, ids.back, ids.host, M);
    t.host[M * N - 1] = x;
    struct kern_embed e = {.table = {t.host, NULL, NULL}, .rows = {M, 0, 0}, .y = y.back, .ldy = N,
                           .ids = {(const int32_t *)(const void *)ids.back}, .m = M, .n = N};
    struct kern_embed f = e;
    f.ids[0] = id, f.y = y.host;
    kern_table(k)->embed(k, &e);
    kern_table(ref)->embed(ref, &f);
    bool same = poison_same(k, &y, false);
    operand_free(k, &y), operand_free(k, &ids);
    free(t.host);
    return same;
}

/* Of pixels, weights, scale, shift, residual. */
static bool poison_conv(struct kern *k, struct kern *ref, const int c[5], int which, float x)
{
    enum { H = 5, W = 6 };
    int cin = c[0], cout = c[1], kernel = c[2], groups = c[4], pad = kernel / 2;
    int oh = kern_conv_out(H, kernel, c[3], pad), ow = kern_conv_out(W, kernel, c[3], pad);
    struct operand a = operand(k, (size_t)(H * W * cin));
    struct operand y = operand(k, (size_t)(oh * ow * cout)), r = operand(k, y.n);
    struct operand w = poison_weights((size_t)(cout * (cin / groups) * kernel * kernel));
    struct operand scale = poison_weights((size_t)cout), shift = poison_weights((size_t)cout);
    struct operand *const list[] = {&a, &w, &scale, &shift, &r};
    poison_put(k, list[which], list[which]->n - 1, x);
    float *pk = calloc(kern_conv_size(k, cout, cin, kernel, kernel, groups) + 1, sizeof *pk);
    float *pr = calloc(kern_conv_size(ref, cout, cin, kernel, kernel, groups) + 1, sizeof *pr);
    kern_conv_pack(k, w.host, cout, cin, kernel, kernel, groups, scale.host, pk);
    kern_conv_pack(ref, w.host, cout, cin, kernel, kernel, groups, scale.host, pr);
    struct kern_conv o = {.x = a.back, .count = 1, .h = H, .w = W, .cin = cin, .weights = pk,
                          .scale = scale.host, .shift = shift.host, .residual = r.back,
                          .y = y.back, .cout = cout, .kh = kernel, .kw = kernel, .stride = c[3],
                          .pad = pad, .groups = groups, .act = KERN_RELU};
    struct kern_conv p = o;
    p.x = a.host, p.weights = pr, p.y = y.host, p.residual = r.host;
    kern_table(k)->conv(k, &o);
    kern_table(ref)->conv(ref, &p);
    /* A GPU multiplies the scale into the weights. */
    bool same = poison_same(k, &y, kernel > 1 || which == 2);
    operand_free(k, &a), operand_free(k, &y), operand_free(k, &r);
    free(w.host), free(scale.host), free(shift.host), free(pk), free(pr);
    return same;
}

static bool poison_pooling(struct kern *k, struct kern *ref, bool box, float x)
{
    enum { H = 7, W = 9, C = 5, N = 2 };
    static const float list[N * 4] = {4, 4, 30, 20, -4, 0, 30, 23};
    struct operand a = operand(k, H * W * C), boxes = operand(k, N * 4);
    struct operand y = operand(k, N * C * 49), z = operand(k, 4 * 5 * C);
    memcpy(boxes.host, list, sizeof list);
    kern_put(k, boxes.back, boxes.host, N * 4);
    if (box)
        poison_put(k, &boxes, 5, x);
    else
        poison_put(k, &a, (size_t)((3 * W + 4) * C + 1), x);
    struct kern_roi o = {a.back, H, W, C, N, 7, boxes.back, 0.25f, y.back};
    struct kern_roi p = {a.host, H, W, C, N, 7, boxes.host, 0.25f, y.host};
    struct kern_upsample u = {a.back, z.back, H, W, 4, 5, C}, v = {a.host, z.host, H, W, 4, 5, C};
    kern_table(k)->maxpool(k, a.back, H, W, C, z.back);
    kern_table(ref)->maxpool(ref, a.host, H, W, C, z.host);
    kern_table(k)->roi(k, &o);
    kern_table(ref)->roi(ref, &p);
    kern_table(k)->upsample(k, &u);
    kern_table(ref)->upsample(ref, &v);
    bool same = poison_same(k, &z, false) && poison_same(k, &y, false) &&
                poison_same(k, &a, false);
    operand_free(k, &a), operand_free(k, &boxes), operand_free(k, &y), operand_free(k, &z);
    return same;
}

static bool poison_nms(struct kern *k, struct kern *ref, bool box, float x)
{
    enum { N = 40, CLASSES = 3, WORDS = 1 };
    struct operand boxes = operand(k, 4 * N), scores = operand(k, N * CLASSES);
    struct operand conf = operand(k, N), matrix = operand(k, 2 * N * WORDS);
    for (int i = 0; i < N; i++)
        for (int j = 0; j < 4; j++)
            boxes.host[4 * i + j] = (boxes.host[4 * i + j] + 1) * 20 + (j < 2 ? 0.0f : 40.0f);
    kern_put(k, boxes.back, boxes.host, boxes.n);
    if (box)
        poison_put(k, &boxes, 4 * 7 + 2, x);
    else
        poison_put(k, &scores, 7 * CLASSES + 1, x);
    struct kern_overlaps o = {boxes.back, N, 0.3f, (uint64_t *)(void *)matrix.back};
    struct kern_overlaps p = {boxes.host, N, 0.3f, (uint64_t *)(void *)matrix.host};
    kern_table(k)->overlaps(k, &o);
    kern_table(ref)->overlaps(ref, &p);
    const float *seen = kern_view(k, matrix.back, matrix.n);
    bool same = seen && memcmp(seen, matrix.host, matrix.n * 4) == 0;
    struct kern_nms s = {scores.back, o.matrix, N, CLASSES, 1, 0.1f, conf.back};
    struct kern_nms t = {scores.host, p.matrix, N, CLASSES, 1, 0.1f, conf.host};
    kern_table(k)->nms(k, &s);
    kern_table(ref)->nms(ref, &t);
    same = same && poison_same(k, &conf, false);
    operand_free(k, &boxes), operand_free(k, &scores), operand_free(k, &conf);
    operand_free(k, &matrix);
    return same;
}

/* The way back through a norm of m rows, into the derivatives themselves, of both. */
static bool poison_norm_back(struct kern *k, struct kern *ref, const struct operand *x,
                             const struct operand *gamma, const struct operand *dy, int m, int n)
{
    struct kern_norm_back o = {.x = x->back, .ldx = n, .gamma = gamma->host, .dy = dy->back,
                               .ldy = n, .dx = dy->back, .lddx = n, .m = m, .n = n, .eps = 1e-12f};
    struct kern_norm_back p = o;
    p.x = x->host, p.dy = p.dx = dy->host;
    kern_table(k)->norm_back(k, &o, 1);
    kern_table(ref)->norm_back(ref, &p, 1);
    return poison_same(k, dy, false);
}

/* Of derivatives or weights of a product, of a norm's row, gamma or derivatives, of what is
 * activated, of values or derivatives of attention. */
static bool poison_back(struct kern *k, struct kern *ref, bool second, float x)
{
    enum { M = 4, N = 21, D = 37 };
    struct operand dy = operand(k, M * N), w = poison_weights(N * D), dx = operand(k, M * D);
    struct operand a = operand(k, M * N), g = poison_weights(N), map = operand(k, M * M);
    struct operand dp = operand(k, M * M), ds = operand(k, M * M), dv = operand(k, M * N);
    poison_put(k, second ? &w : &dy, N + 2, x);
    struct kern_linear_back l = {.dy = dy.back, .ldy = N, .w = w.host, .dx = dx.back, .ldx = D,
                                 .m = M, .n = N, .k = D};
    struct kern_linear_back m = l;
    m.dy = dy.host, m.dx = dx.host;
    kern_table(k)->linear_back(k, &l, 1);
    kern_table(ref)->linear_back(ref, &m, 1);
    bool same = poison_same(k, &dx, false);
    struct kern_attention_back t = {.q = a.back, .k = a.back, .v = a.back, .ldq = N, .ldk = N,
                                    .ldv = N, .probs = map.back, .dout = dy.back, .ldo = N,
                                    .dprobs = dp.back, .dscores = ds.back, .dv = dv.back,
                                    .heads = 1, .dh = N, .tq = M, .tk = M, .scale = 1};
    struct kern_attention_back u = t;
    u.q = u.k = u.v = a.host, u.probs = map.host, u.dout = dy.host;
    u.dprobs = dp.host, u.dscores = ds.host, u.dv = dv.host;
    kern_table(k)->attention_back(k, &t, 1);
    kern_table(ref)->attention_back(ref, &u, 1);
    same = same && poison_same(k, &dp, false) && poison_same(k, &ds, false) &&
           poison_same(k, &dv, false);
    poison_put(k, second ? &a : &dy, 3, x);
    same = poison_norm_back(k, ref, &a, &g, &dy, M, N) && same;
    for (int act = 0; act < 4; act++) {
        kern_table(k)->activate_back(k, a.back, dy.back, dv.back, M * N, (enum kern_act)act);
        kern_table(ref)->activate_back(ref, a.host, dy.host, dv.host, M * N, (enum kern_act)act);
        same = same && poison_same(k, &dv, false);
    }
    operand_free(k, &dy), operand_free(k, &dx), operand_free(k, &a), operand_free(k, &map);
    operand_free(k, &dp), operand_free(k, &ds), operand_free(k, &dv);
    free(w.host), free(g.host);
    return same;
}

/* Rows that are large, but numbers: their squares, or their sums, are not. */
static bool poison_large(struct kern *k, struct kern *ref, float x, int step)
{
    enum { M = 2, N = 48 };
    struct operand a = operand(k, M * N), g = poison_weights(N), s = poison_weights(N);
    for (int i = 0; i < M * N; i += step)
        a.host[i] = i % 5 ? x : -x / 2;
    kern_put(k, a.back, a.host, a.n);
    struct kern_norm o = {.x = a.back, .ldx = N, .gamma = g.host, .beta = s.host, .y = a.back,
                          .ldy = N, .m = M, .n = N, .eps = 1e-12f};
    struct kern_norm p = o;
    p.x = p.y = a.host;
    kern_table(k)->norm(k, &o, 1);
    kern_table(ref)->norm(ref, &p, 1);
    bool finite = kern_is_finite(a.host, a.n), same = poison_same(k, &a, false);
    operand_free(k, &a);
    free(g.host), free(s.host);
    return same && finite;
}

/* The way back through such rows, from derivatives that are large, too: so it ends at numbers that
 * can be told from 0. */
static bool poison_large_back(struct kern *k, struct kern *ref, float x)
{
    enum { M = 2, N = 48 };
    struct operand a = operand(k, M * N), dy = operand(k, M * N), g = poison_weights(N);
    float most = 0;
    for (int i = 0; i < M * N; i++) {
        a.host[i] = i % 5 ? x : -x / 2;
        dy.host[i] *= x / 64;
    }
    kern_put(k, a.back, a.host, a.n);
    kern_put(k, dy.back, dy.host, dy.n);
    bool same = poison_norm_back(k, ref, &a, &g, &dy, M, N);
    for (int i = 0; i < M * N; i++)
        most = fmaxf(most, fabsf(dy.host[i]));
    same = same && most > 0.01f;
    operand_free(k, &a), operand_free(k, &dy);
    free(g.host);
    return same;
}

static bool poison_convs(struct kern *k, struct kern *ref, int which, float x)
{
    /* from, to, kernel, stride, groups: 1x1, strided, Winograd's, in groups of 12 and of 4 */
    static const int c[][5] = {{19, 37, 1, 1, 1}, {6, 9, 3, 2, 1}, {12, 20, 3, 1, 1},
                               {24, 24, 3, 1, 2}, {32, 32, 3, 1, 8}};
    bool same = true;
    for (int i = 0; i < 5; i++)
        same = poison_conv(k, ref, c[i], which, x) && same;
    return same;
}

__attribute__((unused)) static void poison_check(struct kern *k, struct kern *ref)
{
    const char *name = kern_table(k)->name;
    for (int n = 0; n < POISONS; n++) {
        float x = poison_number(n);
        bool good = true;
        for (int i = 0; i < 16; i++)
            good = poison_linear(k, ref, i % 4, x, i / 4) && good;
        ok(good, "%s: linear with %g (%d)", name, (double)x, n);
        good = true;
        for (int i = 0; i < 8; i++)
            good = poison_attention(k, ref, i % 4, x, i / 4) && good;
        ok(good, "%s: attention with %g (%d)", name, (double)x, n);
        good = poison_norm(k, ref, 0, x) && poison_norm(k, ref, 1, x) && poison_norm(k, ref, 2, x);
        ok(good, "%s: norm with %g (%d)", name, (double)x, n);
        ok(poison_rows(k, ref, x) && poison_embed(k, ref, x),
           "%s: mul, add, gate, mean, rows, softmax, embed with %g (%d)", name, (double)x, n);
        good = true;
        for (int i = 0; i < 5; i++)
            good = poison_convs(k, ref, i, x) && good;
        ok(good, "%s: convolutions with %g (%d)", name, (double)x, n);
        ok(poison_pooling(k, ref, false, x) && poison_pooling(k, ref, true, x),
           "%s: max pool, regions, upsampling with %g (%d)", name, (double)x, n);
        ok(poison_nms(k, ref, false, x) && poison_nms(k, ref, true, x),
           "%s: suppression with %g (%d)", name, (double)x, n);
        ok(poison_back(k, ref, false, x) && poison_back(k, ref, true, x),
           "%s: the way back with %g (%d)", name, (double)x, n);
    }
    ok(poison_large(k, ref, 1e25f, 1) && poison_large(k, ref, 3e38f, 1) &&
           poison_large(k, ref, 3e38f, 7) && poison_large_back(k, ref, 1e25f) &&
           poison_large_back(k, ref, 3e38f),
       "%s: norm, and back, of rows whose squares are no float32", name);
}

/* ---- the reference itself, in PyTorch's words */

/* Kinds of numbers, in a row: "n" NaN, "+" and "-" infinite, "0" zero, "1" any other number. */
static bool poison_looks(const float *x, size_t n, const char *kinds)
{
    for (size_t i = 0; i < n; i++) {
        char c = isnan(x[i]) ? 'n' : isinf(x[i]) ? (x[i] > 0 ? '+' : '-') : x[i] == 0 ? '0' : '1';
        if (c != kinds[i]) {
            tap_note("number %zu is %g", i, (double)x[i]);
            return false;
        }
    }
    return true;
}

/* torch.relu, torch.nn.functional.gelu and silu of NaN, inf, -inf, -1, 2. */
__attribute__((unused)) static void poison_activations(struct kern *k)
{
    static const char *const kinds[] = {"n+-11", "n+n11", "n+001", "n+n11"};
    float x[5] = {NAN, INFINITY, -INFINITY, -1, 2}, one = 1, y[5];
    for (int i = 0; i < 4; i++) {
        struct kern_linear o = {.x = x, .ldx = 1, .w = &one, .y = y, .ldy = 1, .m = 5, .n = 1,
                                .k = 1, .act = (enum kern_act)i};
        kern_table(k)->linear(k, &o, 1);
        ok(poison_looks(y, 5, kinds[i]), "%s: activation %d as PyTorch's", kern_table(k)->name, i);
    }
}

/* torch.softmax, layer_norm, max_pool2d. */
__attribute__((unused)) static void poison_torch(struct kern *k)
{
    const char *name = kern_table(k)->name;
    float s[20] = {NAN, 0, 1, 2,  INFINITY, 0, 1, 2,  -INFINITY, 0, 1, 2,
                   -INFINITY, -INFINITY, -INFINITY, -INFINITY,  0, -200, 1, 2};
    kern_table(k)->softmax(k, s, 5, 4);
    ok(poison_looks(s, 20, "nnnnnnnn0111nnnn1011"), "%s: softmax as PyTorch's", name);
    float x[12] = {1, 2, 3, NAN, 1, 2, 3, INFINITY, 1, 2, 3, 5}, one[4] = {1, 1, 1, 1};
    struct kern_norm o = {.x = x, .ldx = 4, .gamma = one, .beta = one, .y = x, .ldy = 4, .m = 3,
                          .n = 4, .eps = 1e-12f};
    kern_table(k)->norm(k, &o, 1);
    ok(poison_looks(x, 12, "nnnnnnnn1111"), "%s: layer norm as PyTorch's", name);
    float p[16] = {1, 1, 1, 1,  1, 1, 1, NAN,  1, -INFINITY, 1, 1,  INFINITY, 1, 1, 1}, q[4];
    kern_table(k)->maxpool(k, p, 4, 4, 1, q);
    ok(poison_looks(q, 4, "1n+n"), "%s: max pool as PyTorch's", name);
    /* A masked key has no weight, and 0 times NaN is NaN, as in torch.matmul. */
    float one2[2] = {1, 1}, v[2] = {1, NAN}, bias[2] = {0, -10000}, out, probs[2];
    struct kern_attention a = {.q = one2, .k = one2, .v = v, .ldq = 1, .ldk = 1, .ldv = 1,
                               .key_bias = bias, .out = &out, .ldo = 1, .probs = probs, .heads = 1,
                               .dh = 1, .tq = 1, .tk = 2, .scale = 1};
    kern_table(k)->attention(k, &a, 1);
    ok(poison_looks(probs, 2, "10") && poison_looks(&out, 1, "n"),
       "%s: attention to a masked NaN as PyTorch's", name);
}

#endif
