/* SPDX-License-Identifier: MIT */
/* Operations of the way back against the reference. Errors are relative to the sum of magnitudes. A
 * transposed index, a missing term of a derivative, a tail or a residual that is added twice breaks
 * it. */
#ifndef OPS_BACK_H
#define OPS_BACK_H

#include "operands.h"

/* The same numbers, to the last bit, once the weights are packed: those of before are in o->dx,
 * which is host memory where anything is packed. */
static void ops_linear_back_packed(struct kern *k, const struct kern_linear_back *o)
{
    struct kern_packed *set = kern_packed_new(k);
    size_t bytes = ((size_t)(o->m - 1) * (size_t)o->ldx + (size_t)o->k) * sizeof *o->dx;
    float *before = malloc(bytes);
    if (!set || !before || o->residual == o->dx) {
        kern_packed_free(set);
        free(before);
        return;
    }
    memcpy(before, o->dx, bytes);
    memset(o->dx, 0, (size_t)o->k * sizeof *o->dx);
    bool added = kern_packed_add(set, o->w, o->n, o->k);
    kern_table(k)->linear_back(k, o, 1);
    ok(added && memcmp(before, o->dx, bytes) == 0, "linear_back %dx%dx%d of packed weights", o->m,
       o->n, o->k);
    kern_packed_free(set);
    free(before);
}

static void ops_linear_back(struct kern *k, struct kern *ref, const int s[3], int residual,
                            int wider)
{
    int m = s[0], n = s[1], d = s[2], ldx = d + wider, ldy = n + wider;
    struct operand dy = operand(k, (size_t)(m * ldy)), dx = operand(k, (size_t)(m * ldx));
    struct operand r = operand(k, (size_t)(m * ldx)), w = operand(ref, (size_t)(n * d));
    char *wa = numbers_askew(w.host, w.n);
    struct kern_linear_back o = {.dy = dy.back, .ldy = ldy, .w = wa + 1, .ldr = ldx,
                                 .residual = residual == 0 ? NULL : residual == 1 ? dx.back
                                                                                  : r.back,
                                 .dx = dx.back, .ldx = ldx, .m = m, .n = n, .k = d};
    struct kern_linear_back p = o;
    p.dy = dy.host;
    p.dx = dx.host;
    p.residual = residual == 0 ? NULL : residual == 1 ? dx.host : r.host;
    kern_table(k)->linear_back(k, &o, 1);
    kern_table(ref)->linear_back(ref, &p, 1);
    float e = ops_worst(k, &dx, sqrtf((float)n) + 1);
    ok(ops_finished(k) && e < 2e-6f, "linear_back %dx%dx%d residual %d pitch %d (%g)", m, n, d,
       residual, ldx, (double)e);
    if (m > 0 && n > 0 && d > 0)
        ops_linear_back_packed(k, &o);
    operand_free(k, &dy), operand_free(k, &dx), operand_free(k, &r), operand_free(ref, &w);
    free(wa);
}

/* Two attentions in one call, the second with probabilities that are constants. */
static void ops_attention_back(struct kern *k, struct kern *ref, int heads, int dh, int tq, int tk)
{
    enum { N = 2, OPERANDS = 10 };
    size_t wide = (size_t)(heads * dh), q = (size_t)tq * wide, kv = (size_t)tk * wide;
    size_t map = (size_t)(heads * tq) * (size_t)tk;
    size_t sizes[OPERANDS] = {q, kv, kv, map, q, map, map, q, kv, kv};
    struct operand x[N][OPERANDS];
    struct kern_attention_back a[N], b[N];
    float worst = 0;
    for (int i = 0; i < N; i++) {
        for (int j = 0; j < OPERANDS; j++)
            x[i][j] = operand(k, sizes[j]);
        struct kern_attention_back *const to[2] = {&a[i], &b[i]};
        for (int side = 0; side < 2; side++) {
            float *at[OPERANDS];
            for (int j = 0; j < OPERANDS; j++)
                at[j] = side ? x[i][j].host : x[i][j].back;
            *to[side] = (struct kern_attention_back){
                .q = at[0], .k = at[1], .v = at[2], .ldq = (ptrdiff_t)wide,
                .ldk = (ptrdiff_t)wide, .ldv = (ptrdiff_t)wide, .probs = at[3], .dout = at[4],
                .ldo = (ptrdiff_t)wide, .dprobs = at[5], .dscores = at[6],
                .dq = i ? NULL : at[7], .dk = i ? NULL : at[8], .dv = at[9], .heads = heads,
                .dh = dh, .tq = tq, .tk = tk, .scale = 1 / sqrtf((float)dh)};
        }
    }
    kern_table(k)->attention_back(k, a, N);
    kern_table(ref)->attention_back(ref, b, N);
    float scale = sqrtf((float)(dh + tk)) * sqrtf((float)(tk + tq)) + 1;
    for (int i = 0; i < N; i++)
        for (int j = 5; j < OPERANDS; j++)
            worst = fmaxf(worst, ops_worst(k, &x[i][j], scale));
    ok(ops_finished(k) && worst < 2e-6f, "attention_back %d heads of %d, %d queries, %d keys (%g)",
       heads, dh, tq, tk, (double)worst);
    for (int i = 0; i < N * OPERANDS; i++)
        operand_free(k, &x[i / OPERANDS][i % OPERANDS]);
}

/* Fixed ones to a place of their own, others in place. */
static void ops_norm_back(struct kern *k, struct kern *ref, int m, int n, bool fixed)
{
    struct operand x = operand(k, (size_t)(m * n)), dy = operand(k, (size_t)(m * n));
    struct operand g = operand(ref, (size_t)n), apart = operand(k, (size_t)(m * n));
    struct operand *dx = fixed ? &apart : &dy;
    struct kern_norm_back o = {.x = x.back, .ldx = n, .gamma = g.host, .dy = dy.back, .ldy = n,
                               .dx = dx->back, .lddx = n, .m = m, .n = n, .fixed = fixed,
                               .eps = n % 2 ? 0.25f : 1e-12f};
    struct kern_norm_back p = o;
    p.x = x.host, p.dy = dy.host, p.dx = dx->host;
    kern_table(k)->norm_back(k, &o, 1);
    kern_table(ref)->norm_back(ref, &p, 1);
    float e = ops_worst(k, dx, 1);
    ok(ops_finished(k) && e < 2e-5f, "norm_back %dx%d%s (%g)", m, n, fixed ? ", fixed" : "",
       (double)e);
    operand_free(k, &x), operand_free(k, &dy), operand_free(ref, &g), operand_free(k, &apart);
}

static void ops_activate(struct kern *k, struct kern *ref, size_t n, enum kern_act act)
{
    struct operand x = operand(k, n), y = operand(k, n), dy = operand(k, n);
    for (size_t i = 0; i < n; i++)
        x.host[i] *= 6;
    x.host[0] = 0; /* the corner of ReLU */
    kern_put(k, x.back, x.host, n);
    kern_table(k)->activate(k, x.back, y.back, n, act);
    kern_table(ref)->activate(ref, x.host, y.host, n, act);
    float e = ops_worst(k, &y, 1);
    struct operand *dx = act % 2 ? &y : &dy;
    kern_table(k)->activate_back(k, x.back, dy.back, dx->back, n, act);
    kern_table(ref)->activate_back(ref, x.host, dy.host, dx->host, n, act);
    e = fmaxf(e, ops_worst(k, dx, 1));
    ok(ops_finished(k) && e < 2e-6f, "activate and back %zu, act %d (%g)", n, (int)act, (double)e);
    operand_free(k, &x), operand_free(k, &y), operand_free(k, &dy);
}

static void ops_gate_back(struct kern *k, struct kern *ref, int m, int n)
{
    size_t all = (size_t)(m * n);
    struct operand y = operand(k, all), dx = operand(k, all), g = operand(k, (size_t)n);
    struct operand dg = operand(k, (size_t)n), skip = operand(k, (size_t)m), z = operand(k, all);
    struct operand rows = operand(k, (size_t)(3 * m * n)), ids = operand(k, (size_t)m);
    int32_t *id = (int32_t *)(void *)ids.host;
    for (int i = 0; i < m; i++) {
        skip.host[i] = i % 4 == 1 ? -10000 : 0;
        id[i] = (i + m) % (3 * m);
    }
    kern_put(k, skip.back, skip.host, skip.n);
    kern_put(k, ids.back, ids.host, ids.n);
    struct kern_gate_back o = {y.back, n, g.back, dx.back, n, dg.back, m, n};
    struct kern_gate_back p = {y.host, n, g.host, dx.host, n, dg.host, m, n};
    kern_table(k)->gate_back(k, &o);
    kern_table(ref)->gate_back(ref, &p);
    float e = fmaxf(ops_worst(k, &dx, 1), ops_worst(k, &dg, sqrtf((float)m)));
    for (int i = 0; i < 3; i++) { /* with masked rows, without; onto nothing, itself, another */
        float *const r[] = {NULL, z.back, dx.back}, *const s[] = {NULL, z.host, dx.host};
        struct kern_mean_back a = {dg.back, i ? skip.back : NULL, r[i], z.back, n, m, n};
        struct kern_mean_back b = {dg.host, i ? skip.host : NULL, s[i], z.host, n, m, n};
        kern_table(k)->mean_back(k, &a);
        kern_table(ref)->mean_back(ref, &b);
        e = fmaxf(e, ops_worst(k, &z, 1));
    }
    struct kern_scatter_rows u = {z.back, n, (const int32_t *)(const void *)ids.back, rows.back, n,
                                  m, 3 * m, n};
    struct kern_scatter_rows v = {z.host, n, id, rows.host, n, m, 3 * m, n};
    kern_table(k)->scatter_rows(k, &u);
    kern_table(ref)->scatter_rows(ref, &v);
    ok(ops_finished(k) && e < 2e-6f && ops_worst(k, &rows, 1) < 2e-6f,
       "gate_back, mean_back, scatter_rows %dx%d (%g)", m, n, (double)e);
    operand_free(k, &y), operand_free(k, &dx), operand_free(k, &g), operand_free(k, &dg);
    operand_free(k, &skip), operand_free(k, &z), operand_free(k, &rows), operand_free(k, &ids);
}

/* Nothing to multiply, nothing to do. */
static void ops_back_nothing(struct kern *k)
{
    struct operand x = operand(k, 8), y = operand(k, 8);
    struct kern_linear_back l = {.dy = y.back, .w = y.host, .dx = x.back, .ldx = 4, .ldr = 4,
                                 .residual = x.back, .m = 2, .k = 4};
    kern_table(k)->linear_back(k, &l, 1);
    l.m = 0, l.n = 1;
    kern_table(k)->linear_back(k, &l, 1);
    kern_table(k)->activate_back(k, x.back, x.back, x.back, 0, KERN_GELU);
    for (int i = 0; i < 3; i++) {
        int m = i == 1 ? 4 : 0, n = i == 2 ? 4 : 0;
        struct kern_norm_back o = {.x = y.back, .gamma = y.host, .dy = y.back, .dx = x.back,
                                   .m = m, .n = n};
        kern_table(k)->norm_back(k, &o, 1);
        kern_table(k)->mean_back(k, &(struct kern_mean_back){.dy = y.back, .dx = x.back,
                                                             .m = m, .n = n});
        kern_table(k)->scatter_rows(k, &(struct kern_scatter_rows){.y = x.back, .rows = m, .n = n});
    }
    bool same = ops_worst(k, &x, 1) == 0;
    memset(x.host, 0, 8 * sizeof(float));
    l = (struct kern_linear_back){.dy = y.back, .w = y.host, .dx = x.back, .ldx = 4, .m = 2,
                                  .k = 4};
    kern_table(k)->linear_back(k, &l, 1);
    ok(ops_finished(k) && same && ops_worst(k, &x, 1) == 0, "the way back of nothing is nothing");
    operand_free(k, &x), operand_free(k, &y);
}

static void ops_back_check(struct kern *k, struct kern *ref, bool large)
{
    static const int linear[][3] = {{1, 1, 1}, {1, 5, 3}, {2, 33, 16}, {3, 64, 17}, {5, 7, 100},
                                    {7, 300, 36}, {38, 72, 40}, {13, 257, 65}, {3, 0, 8},
                                    {38, 768, 768}, {101, 2048, 1024}, {1616, 1024, 1024}};
    static const int looks[][4] = {{1, 1, 1, 1}, {2, 8, 3, 5}, {3, 5, 7, 2}, {2, 64, 13, 101},
                                   {1, 20, 35, 33}, {2, 12, 1, 17}, {12, 64, 38, 38},
                                   {8, 128, 101, 101}};
    ops_back_nothing(k);
    for (int i = 0; i < (large ? 12 : 9); i++)
        for (int j = 0; j < 3; j++)
            ops_linear_back(k, ref, linear[i], (i + j) % 3, i % 2 ? 4 * (j % 2) : j);
    for (int i = 0; i < (large ? 8 : 6); i++)
        ops_attention_back(k, ref, looks[i][0], looks[i][1], looks[i][2], looks[i][3]);
    for (int i = 0; i < 2; i++)
        ops_norm_back(k, ref, 1, 2, i), ops_norm_back(k, ref, 3, 17, i),
            ops_norm_back(k, ref, 5, 768, i);
    for (int act = 0; act < 4; act++)
        for (int i = 0; i < 3; i++) /* the CPU's parts are of 4096 */
            ops_activate(k, ref, (const size_t[]){37, 4095, 5000}[i], (enum kern_act)act);
    ops_gate_back(k, ref, 1, 1), ops_gate_back(k, ref, 7, 5), ops_gate_back(k, ref, 13, 37);
}

#endif
