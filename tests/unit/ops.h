/* SPDX-License-Identifier: MIT */
/* Every operation of a back end against the reference, through the back end's own memory: the same
 * checks for a GPU and for the calls that stand in for one. Errors are relative to the sum of
 * magnitudes. */
#ifndef OPS_H
#define OPS_H

#include "operands.h"
#include "ops_back.h"

static void ops_linear(struct kern *k, struct kern *ref, const int s[3], enum kern_act act,
                       int residual, int wider)
{
    int m = s[0], n = s[1], d = s[2], ldx = d + wider, ldy = n + wider;
    struct operand x = operand(k, (size_t)(m * ldx)), y = operand(k, (size_t)(m * ldy));
    struct operand r = operand(k, (size_t)(m * ldy));
    struct operand w = operand(ref, (size_t)(n * d)), b = operand(ref, (size_t)n);
    char *wa = numbers_askew(w.host, w.n), *ba = numbers_askew(b.host, b.n);
    struct kern_linear o = {.x = x.back, .ldx = ldx, .w = wa + 1,
                            .bias = residual % 2 ? NULL : ba + 1,
                            .residual = residual == 0 ? NULL : residual == 1 ? y.back : r.back,
                            .ldr = ldy, .y = y.back, .ldy = ldy, .m = m, .n = n, .k = d,
                            .act = act};
    struct kern_linear p = o;
    p.x = x.host;
    p.y = y.host;
    p.residual = residual == 0 ? NULL : residual == 1 ? y.host : r.host;
    kern_table(k)->linear(k, &o, 1);
    kern_table(ref)->linear(ref, &p, 1);
    float e = ops_worst(k, &y, sqrtf((float)d) + 1);
    ok(ops_finished(k) && e < 2e-6f, "linear %dx%dx%d act %d residual %d pitch %d (%g)", m, n, d,
       (int)act, residual, ldy, (double)e);
    operand_free(k, &x), operand_free(k, &y), operand_free(k, &r);
    operand_free(ref, &w), operand_free(ref, &b);
    free(wa), free(ba);
}

/* Several attentions in one call, of different sizes, one with masked keys. */
static void ops_attention(struct kern *k, struct kern *ref, int heads, int dh, int tq, int tk)
{
    enum { N = 3 };
    size_t wide = (size_t)(heads * dh);
    struct operand q[N], key[N], v[N], out[N], probs[N], bias[N];
    struct kern_attention a[N], b[N];
    float worst = 0;
    for (int i = 0; i < N; i++) {
        int nq = tq > i ? tq - i : tq, nk = tk > 2 * i ? tk - 2 * i : tk;
        q[i] = operand(k, (size_t)nq * wide);
        out[i] = operand(k, (size_t)nq * wide);
        key[i] = operand(k, (size_t)nk * wide);
        v[i] = operand(k, (size_t)nk * wide);
        probs[i] = operand(k, (size_t)(heads * nq) * (size_t)nk);
        bias[i] = operand(k, (size_t)nk);
        for (int j = 0; j < nk; j++)
            bias[i].host[j] = j % 3 == 1 ? -10000 : 0;
        kern_put(k, bias[i].back, bias[i].host, (size_t)nk);
        a[i] = (struct kern_attention){
            .q = q[i].back, .k = key[i].back, .v = v[i].back, .ldq = (ptrdiff_t)wide,
            .ldk = (ptrdiff_t)wide, .ldv = (ptrdiff_t)wide, .ldo = (ptrdiff_t)wide,
            .key_bias = i == 1 ? bias[i].back : NULL, .out = out[i].back,
            .probs = i == 2 ? NULL : probs[i].back, .heads = heads, .dh = dh, .tq = nq, .tk = nk,
            .scale = 1 / sqrtf((float)dh)};
        b[i] = a[i];
        b[i].q = q[i].host, b[i].k = key[i].host, b[i].v = v[i].host, b[i].out = out[i].host;
        b[i].key_bias = i == 1 ? bias[i].host : NULL;
        b[i].probs = i == 2 ? NULL : probs[i].host;
    }
    kern_table(k)->attention(k, a, N);
    kern_table(ref)->attention(ref, b, N);
    for (int i = 0; i < N; i++) {
        worst = fmaxf(worst, ops_worst(k, &out[i], 1));
        worst = fmaxf(worst, ops_worst(k, &probs[i], 1));
    }
    ok(ops_finished(k) && worst < 2e-6f, "attention %d heads of %d, %d queries, %d keys (%g)",
       heads, dh, tq, tk, (double)worst);
    for (int how = 0; how < 3; how++) { /* one head after the other taken out */
        int h = how % heads, nq = a[1].tq, nk = a[1].tk;
        ptrdiff_t at = h * dh, map = (ptrdiff_t)h * nq * nk;
        struct kern_silenced s = {.v = a[1].v + at, .ldv = a[1].ldv, .key_bias = a[1].key_bias,
                                  .out = a[1].out + at, .ldo = a[1].ldo, .dh = dh, .tq = nq,
                                  .probs = a[1].probs + map, .tk = nk,
                                  .how = (enum kern_silence)how};
        struct kern_silenced t = s;
        t.v = b[1].v + at, t.key_bias = b[1].key_bias, t.out = b[1].out + at;
        t.probs = b[1].probs + map;
        kern_table(k)->silence(k, &s);
        kern_table(ref)->silence(ref, &t);
    }
    worst = fmaxf(ops_worst(k, &out[1], 1), ops_worst(k, &probs[1], 1));
    ok(ops_finished(k) && worst < 4e-6f, "silence (%g)", (double)worst);
    for (int i = 0; i < N; i++) {
        operand_free(k, &q[i]), operand_free(k, &key[i]), operand_free(k, &v[i]);
        operand_free(k, &out[i]), operand_free(k, &probs[i]), operand_free(k, &bias[i]);
    }
}

static void ops_norm(struct kern *k, struct kern *ref, int m, int n)
{
    struct operand x = operand(k, (size_t)(m * n)), y = operand(k, (size_t)(m * n));
    struct operand g = operand(ref, (size_t)n), s = operand(ref, (size_t)n);
    struct kern_norm o = {.x = x.back, .ldx = n, .gamma = g.host, .beta = s.host, .y = y.back,
                          .ldy = n, .m = m, .n = n, .eps = n % 2 ? 0.25f : 1e-12f};
    struct kern_norm p = o;
    p.x = x.host, p.y = y.host;
    kern_table(k)->norm(k, &o, 1);
    kern_table(ref)->norm(ref, &p, 1);
    float e = ops_worst(k, &y, 1);
    kern_table(k)->softmax(k, x.back, m, n);
    kern_table(ref)->softmax(ref, x.host, m, n);
    float f = ops_worst(k, &x, 1);
    ok(ops_finished(k) && e < 1e-5f && f < 1e-6f, "norm and softmax %dx%d (%g, %g)", m, n,
       (double)e, (double)f);
    operand_free(k, &x), operand_free(k, &y), operand_free(ref, &g), operand_free(ref, &s);
}

static void ops_small(struct kern *k, struct kern *ref, int m, int n)
{
    size_t all = (size_t)(m * n);
    struct operand x = operand(k, all), y = operand(k, all), g = operand(k, (size_t)n);
    struct operand z = operand(k, all), ids = operand(k, (size_t)(3 * m)), t = operand(ref, all);
    int32_t *id = (int32_t *)(void *)ids.host;
    for (int i = 0; i < 3 * m; i++)
        id[i] = i % 5 == 2 ? -1 : (i * 7) % m;
    kern_put(k, ids.back, ids.host, ids.n);
    const int32_t *b = (const int32_t *)(const void *)ids.back;
    struct kern_embed e = {.table = {t.host, NULL, t.host}, .ids = {b, NULL, b + m},
                           .rows = {m, 0, m}, .y = y.back, .ldy = n, .m = m, .n = n};
    struct kern_embed f = e;
    f.ids[0] = id, f.ids[2] = id + m, f.y = y.host;
    kern_table(k)->embed(k, &e);
    kern_table(ref)->embed(ref, &f);
    float w = ops_worst(k, &y, 1);
    kern_table(k)->gate(k, y.back, n, g.back, m, n);
    kern_table(ref)->gate(ref, y.host, n, g.host, m, n);
    kern_table(k)->mul(k, x.back, y.back, y.back, all);
    kern_table(ref)->mul(ref, x.host, y.host, y.host, all);
    kern_table(k)->add(k, x.back, y.back, x.back, all);
    kern_table(ref)->add(ref, x.host, y.host, x.host, all);
    for (int i = 0; i < 3 * m; i++)
        id[i] = (i * 3) % m;
    kern_put(k, ids.back, ids.host, ids.n);
    struct kern_gather_rows r = {x.back, n, b, z.back, n, m, n};
    kern_table(k)->gather_rows(k, &r);
    r.x = x.host, r.index = id, r.y = z.host;
    kern_table(ref)->gather_rows(ref, &r);
    w = fmaxf(w, ops_worst(k, &z, 1));
    for (int i = 0; i < m; i++)
        ids.host[i] = i % 4 == 1 ? -10000 : 0;
    kern_put(k, ids.back, ids.host, ids.n);
    struct kern_mean a = {z.back, n, m > 1 ? ids.back : NULL, g.back, m, n};
    kern_table(k)->mean(k, &a);
    a.x = z.host, a.skip = m > 1 ? ids.host : NULL, a.y = g.host;
    kern_table(ref)->mean(ref, &a);
    w = fmaxf(w, ops_worst(k, &g, 1));
    ok(ops_finished(k) && w < 1e-6f, "embed, gate, mul, add, rows, mean %dx%d (%g)", m, n,
       (double)w);
    operand_free(k, &x), operand_free(k, &y), operand_free(k, &g), operand_free(k, &z);
    operand_free(k, &ids), operand_free(ref, &t);
}

/* No rows, no columns, neither: rows of nothing, and nothing of rows, are not the same to a test
 * of both. */
static void ops_no_rows(struct kern *k, float *x, const float *host, int m, int n)
{
    struct kern_linear l = {.x = x, .ldx = 1, .w = host, .y = x, .ldy = 1, .m = m, .n = n, .k = 1};
    struct kern_norm o = {.x = x, .gamma = host, .beta = host, .y = x, .m = m, .n = n};
    struct kern_embed e = {.y = x, .m = m, .n = n};
    struct kern_gather_rows r = {.x = x, .y = x, .m = m, .n = n};
    kern_table(k)->linear(k, &l, 1);
    kern_table(k)->norm(k, &o, 1);
    kern_table(k)->embed(k, &e);
    kern_table(k)->gather_rows(k, &r);
    kern_table(k)->softmax(k, x, m, n);
    kern_table(k)->gate(k, x, 1, x, m, n);
}

/* Nothing to do: no launch, no failure. */
static void ops_nothing(struct kern *k)
{
    struct operand x = operand(k, 8);
    struct kern_attention a = {.q = x.back, .k = x.back, .v = x.back, .out = x.back, .heads = 1,
                               .dh = 1, .scale = 1};
    struct kern_roi o = {.x = x.back, .boxes = x.back, .y = x.back, .bins = 7};
    struct kern_overlaps v = {.boxes = x.back};
    struct kern_nms s = {.scores = x.back};
    for (int i = 0; i < 3; i++)
        ops_no_rows(k, x.back, x.host, i == 1 ? 4 : 0, i == 2 ? 4 : 0);
    kern_table(k)->attention(k, &a, 1);
    kern_table(k)->add(k, x.back, x.back, x.back, 0);
    kern_table(k)->roi(k, &o);
    kern_table(k)->overlaps(k, &v);
    kern_table(k)->nms(k, &s);
    ok(ops_finished(k) && ops_worst(k, &x, 1) == 0, "operations on nothing do nothing");
    operand_free(k, &x);
}

static void ops_conv(struct kern *k, struct kern *ref, int count, const int c[7], bool rest)
{
    int h = c[0], w = c[1], cin = c[2], cout = c[3], kernel = c[4], stride = c[5], groups = c[6];
    int pad = kernel / 2, oh = (h + 2 * pad - kernel) / stride + 1;
    int ow = (w + 2 * pad - kernel) / stride + 1;
    struct operand x = operand(k, (size_t)(count * h * w * cin));
    struct operand y = operand(k, (size_t)(count * oh * ow * cout));
    struct operand raw = operand(ref, (size_t)(cout * (cin / groups) * kernel * kernel));
    struct operand scale = operand(ref, (size_t)cout), shift = operand(ref, (size_t)cout);
    const float *s = rest ? scale.host : NULL;
    char *odd = numbers_askew(raw.host, raw.n);
    float *pk = calloc(kern_conv_size(k, cout, cin, kernel, kernel, groups) + 1, sizeof *pk);
    float *pr = calloc(kern_conv_size(ref, cout, cin, kernel, kernel, groups) + 1, sizeof *pr);
    kern_conv_pack(k, odd + 1, cout, cin, kernel, kernel, groups, s, pk);
    kern_conv_pack(ref, odd + 1, cout, cin, kernel, kernel, groups, s, pr);
    struct kern_conv o = {.x = x.back, .count = count, .h = h, .w = w, .cin = cin, .weights = pk,
                          .scale = s, .shift = rest ? shift.host : NULL,
                          .residual = rest ? y.back : NULL, .y = y.back, .cout = cout,
                          .kh = kernel, .kw = kernel, .stride = stride, .pad = pad,
                          .groups = groups, .act = rest ? KERN_RELU : KERN_NONE};
    struct kern_conv p = o;
    p.x = x.host, p.weights = pr, p.y = y.host, p.residual = rest ? y.host : NULL;
    kern_table(k)->conv(k, &o);
    kern_table(ref)->conv(ref, &p);
    float e = ops_worst(k, &y, sqrtf((float)(raw.n / (size_t)cout)) + 1);
    ok(ops_finished(k) && e < 2e-6f, "conv %d of %dx%d, %d to %d, %dx%d / %d, %d groups (%g)",
       count, h, w, cin, cout, kernel, kernel, stride, groups, (double)e);
    operand_free(k, &x), operand_free(k, &y), operand_free(ref, &raw);
    operand_free(ref, &scale), operand_free(ref, &shift);
    free(odd), free(pk), free(pr);
}

static void ops_pooling(struct kern *k, struct kern *ref, int c)
{
    enum { H = 9, W = 13, N = 5 };
    /* inside, across the edges, outside, smaller than a pixel, the whole */
    static const float list[N * 4] = {4, 4, 30, 20, -20, -9, 15, 60, 300, 300, 320, 330, 8, 8, 8.5f,
                                      8.5f, 0, 0, 51, 35};
    struct operand x = operand(k, (size_t)(H * W * c)), boxes = operand(k, N * 4);
    struct operand y = operand(k, (size_t)(N * c * 49)), z = operand(k, (size_t)(5 * 7 * c));
    memcpy(boxes.host, list, sizeof list);
    kern_put(k, boxes.back, boxes.host, N * 4);
    kern_table(k)->maxpool(k, x.back, H, W, c, z.back);
    kern_table(ref)->maxpool(ref, x.host, H, W, c, z.host);
    struct kern_roi o = {x.back, H, W, c, N, 7, boxes.back, 0.25f, y.back};
    struct kern_roi p = {x.host, H, W, c, N, 7, boxes.host, 0.25f, y.host};
    kern_table(k)->roi(k, &o);
    kern_table(ref)->roi(ref, &p);
    struct kern_upsample u = {x.back, z.back, H, W, 5, 7, c}, v = {x.host, z.host, H, W, 5, 7, c};
    float e = ops_worst(k, &z, 1), f = ops_worst(k, &y, 1);
    for (int i = 0; i < 2; i++) { /* the second is smaller than a half: its edge goes on */
        kern_table(k)->upsample(k, &u);
        kern_table(ref)->upsample(ref, &v);
        u.sh = v.sh = 4, u.sw = v.sw = 6;
    }
    ok(ops_finished(k) && e == 0 && f < 2e-6f && ops_worst(k, &x, 1) < 1e-6f,
       "max pool, regions, upsampling of %d channels (%g)", c, (double)f);
    operand_free(k, &x), operand_free(k, &boxes), operand_free(k, &y), operand_free(k, &z);
}

/* Boxes in clusters, so that many overlap; scores with ties. */
static void ops_nms(struct kern *k, struct kern *ref, int n, int classes)
{
    int words = (n + 63) / 64;
    struct operand boxes = operand(k, 4 * (size_t)n), scores = operand(k, (size_t)(n * classes));
    struct operand conf = operand(k, (size_t)n);
    struct operand matrix = operand(k, 2 * (size_t)(n * words));
    for (int i = 0; i < n; i++) {
        float *b = boxes.host + 4 * i;
        b[0] = floorf(fabsf(b[0]) * 4) * 20 + floorf(4 * b[2]);
        b[1] = floorf(fabsf(b[1]) * 4) * 20 + floorf(4 * b[3]);
        b[2] = b[0] + 30 + floorf(5 * b[2]);
        b[3] = b[1] + 30 + floorf(5 * b[3]);
    }
    for (int i = 0; i < n * classes; i++)
        scores.host[i] = floorf(fabsf(scores.host[i]) * 50) / 50;
    kern_put(k, boxes.back, boxes.host, boxes.n);
    kern_put(k, scores.back, scores.host, scores.n);
    struct kern_overlaps o = {boxes.back, n, 0.4f, (uint64_t *)(void *)matrix.back};
    struct kern_overlaps p = {boxes.host, n, 0.4f, (uint64_t *)(void *)matrix.host};
    kern_table(k)->overlaps(k, &o);
    kern_table(ref)->overlaps(ref, &p);
    const float *seen = kern_view(k, matrix.back, matrix.n);
    bool same = seen && memcmp(seen, matrix.host, matrix.n * 4) == 0;
    struct kern_nms s = {scores.back, o.matrix, n, classes, 1, 0.1f, conf.back};
    struct kern_nms t = {scores.host, p.matrix, n, classes, 1, 0.1f, conf.host};
    kern_table(k)->nms(k, &s);
    kern_table(ref)->nms(ref, &t);
    ok(ops_finished(k) && same && ops_worst(k, &conf, 1) == 0,
       "suppression of %d boxes in %d classes", n, classes);
    operand_free(k, &boxes), operand_free(k, &scores), operand_free(k, &conf);
    operand_free(k, &matrix);
}

/* large: also sizes of the real model, which a loop would take minutes for. */
__attribute__((unused)) static void ops_check(struct kern *k, struct kern *ref, bool large)
{
    static const int linear[][3] = {{1, 1, 1}, {1, 5, 3}, {2, 33, 16}, {3, 64, 17}, {5, 7, 100},
                                    {7, 36, 768}, {38, 72, 40}, {16, 32, 64}, {3, 8, 0},
                                    {38, 768, 768}, {101, 1024, 2048}, {1616, 1024, 1024}};
    static const int looks[][4] = {{1, 1, 1, 1}, {2, 8, 3, 5}, {3, 5, 7, 2}, {2, 64, 13, 101},
                                   {1, 128, 17, 38}, {1, 20, 35, 33}, {2, 12, 1, 17},
                                   {1, 160, 5, 9}, {1, 8, 3, 1500}, {12, 64, 38, 38},
                                   {8, 128, 101, 101}};
    static const int convs[][7] = {{5, 7, 3, 8, 7, 2, 1},   {6, 9, 16, 24, 1, 1, 1},
                                   {6, 9, 15, 7, 1, 1, 1},  {6, 9, 16, 24, 1, 2, 1},
                                   {9, 11, 20, 33, 3, 1, 1}, {1, 1, 8, 8, 3, 1, 1},
                                   {8, 8, 12, 12, 3, 2, 1}, {7, 10, 8, 8, 3, 1, 2},
                                   {7, 10, 64, 64, 3, 2, 8}, {5, 6, 128, 128, 3, 1, 2},
                                   {3, 3, 40, 40, 3, 1, 2}, {3, 4, 18, 12, 3, 1, 3},
                                   {100, 136, 256, 256, 3, 1, 32}, {100, 136, 64, 256, 3, 1, 1}};
    int last = large ? 0 : 1;
    ops_nothing(k);
    for (int i = 0; i < 12 - 3 * last; i++)
        for (int j = 0; j < 3; j++)
            ops_linear(k, ref, linear[i], (enum kern_act)((i + j) % 5), (i + 2 * j) % 3,
                       i % 2 ? 4 * (j % 2) : j);
    for (int i = 0; i < 11 - 2 * last; i++)
        ops_attention(k, ref, looks[i][0], looks[i][1], looks[i][2], looks[i][3]);
    for (int i = 0; i < 14 - 2 * last; i++)
        ops_conv(k, ref, 1 + (int)i % 3, convs[i], i % 2);
    ops_norm(k, ref, 1, 2), ops_norm(k, ref, 3, 17), ops_norm(k, ref, 5, 768);
    ops_norm(k, ref, 2, 1030);
    ops_small(k, ref, 1, 1), ops_small(k, ref, 7, 5), ops_small(k, ref, 13, 16);
    ops_pooling(k, ref, 8), ops_pooling(k, ref, 21), ops_pooling(k, ref, 40);
    ops_nms(k, ref, 1, 3), ops_nms(k, ref, 150, 6), ops_nms(k, ref, 64, 3);
    if (large)
        ops_nms(k, ref, 2000, 1601);
    ops_back_check(k, ref, large);
}

#endif
