/* SPDX-License-Identifier: MIT */
/* Products in whole numbers, of every back end that this machine has, against sums in 64 bits that
 * are written down here: the same numbers to the last bit, as whole numbers have no order of sums.
 * Broken by a sum that does not fit its bits (weights of -128 among them), a wrong end of a piece,
 * a tile or a panel, rows that are rounded otherwise, a row that is not finite and makes numbers,
 * work that is cut otherwise on more threads; and a precision that nobody asked for, or that says
 * nothing of itself. */
#include "kernels/kern_narrow.h"
#include "numbers.h"
#include "tap.h"

#include <math.h>
#include <stdio.h>

static uint32_t seed = 1;

static float *make(size_t n)
{
    float *x = malloc((n + 1) * sizeof *x);
    for (size_t i = 0; x && i < n; i++)
        x[i] = numbers_noise(&seed);
    return x;
}

/* quads: with instructions for products of 8 bits, or without. NULL where there is no such back
 * end. */
static struct kern *open_int8(const char *device, int threads, bool quads)
{
    struct kern *k = NULL;
    char why[256];
    if (kern_open(device, threads, &k, why, sizeof why) != 0) {
        tap_skip("%s: %s", device, why);
        return NULL;
    }
    if (quads && !k->quads) {
        kern_close(k);
        return NULL;
    }
    k->quads = quads;
    if (!ok(kern_set_precision(k, "int8", why, sizeof why) == 0 &&
                (strstr(kern_describe(k), ", VNNI)") || strstr(kern_describe(k), ", SDOT)")) ==
                    quads, "%s: %s", device, kern_describe(k))) {
        kern_close(k);
        return NULL;
    }
    return k;
}

/* ---- what a product is */

/* Row x (k) as whole numbers, and their scale. */
static float whole(const float *x, int k, int *q)
{
    float most = 0;
    bool finite = true;
    for (int p = 0; p < k; p++) {
        finite &= isfinite(x[p]) != 0;
        most = fmaxf(most, fabsf(x[p]));
    }
    float by = 127 / most;
    bool some = finite && isfinite(by);
    for (int p = 0; p < k; p++)
        q[p] = some ? (int)nearbyintf(x[p] * by) : 0;
    return !finite ? NAN : some ? most / 127 : 0;
}

static void expect(const struct kern_linear *o, const int8_t *w, const float *scale, float *y)
{
    int *q = malloc((size_t)o->k * sizeof *q);
    for (int i = 0; i < o->m; i++) {
        float s = whole(o->x + i * o->ldx, o->k, q);
        for (int j = 0; j < o->n; j++) {
            int64_t sum = 0;
            for (int p = 0; p < o->k; p++)
                sum += q[p] * w[(ptrdiff_t)j * o->k + p];
            float v = (float)sum * (s * scale[j]), b = 0;
            if (o->bias)
                memcpy(&b, (const char *)o->bias + 4 * (ptrdiff_t)j, sizeof b);
            v += b;
            y[i * o->n + j] = o->act == KERN_RELU && v < 0 ? 0 : v;
        }
    }
    free(q);
}

/* ---- sizes */

struct operands {
    float *x, *bias, *scale, *want, *got;
    int8_t *w;
    struct kern_panels packed;
    void *room;
    struct kern_linear o;
};

static struct operands operands_new(int m, int n, int d, int kind)
{
    size_t all = (size_t)n * (size_t)d;
    struct operands x = {.x = make((size_t)m * (size_t)d), .bias = make((size_t)n),
                         .scale = make((size_t)n), .want = make((size_t)m * (size_t)n),
                         .got = make((size_t)m * (size_t)n), .w = malloc(all + 1)};
    for (size_t i = 0; i < all; i++) /* all patterns; or the one of the largest sums */
        x.w[i] = kind == 1 ? -128 : kind == 4 ? 127
                           : (int8_t)((numbers_noise(&seed) + 1) * 127.99f - 128);
    for (int i = 0; (kind == 1 || kind == 4) && i < m * d; i++)
        x.x[i] = -0.7f;
    struct kern_narrow from = {KERN_INT8, x.w, x.scale};
    if (posix_memalign(&x.room, 64, kern_narrow_pack_size(KERN_INT8, n, d)) == 0)
        x.packed = kern_narrow_pack(&from, n, d, x.room);
    x.o = (struct kern_linear){.x = x.x, .ldx = d, .bias = kind == 2 ? NULL : x.bias,
                               .packed = x.packed, .y = x.got, .ldy = n, .m = m, .n = n, .k = d,
                               .act = kind == 3 ? KERN_RELU : KERN_NONE};
    return x;
}

static void operands_free(struct operands *x)
{
    free(x->x), free(x->bias), free(x->scale), free(x->want), free(x->got), free(x->w);
    free(x->room);
}

static bool same(const float *a, const float *b, int n)
{
    for (int i = 0; i < n; i++)
        if (memcmp(a + i, b + i, sizeof *a) != 0 && !(isnan(a[i]) && isnan(b[i])) &&
            !(a[i] == 0 && b[i] == 0))
            return false;
    return true;
}

/* Sizes at and around the ends of vectors, tiles, panels, pieces of k and blocks of rows. */
static void check_sizes(struct kern *k, int threads)
{
    static const int sizes[][3] = {{1, 1, 64},    {1, 16, 65},   {2, 17, 96},    {5, 31, 127},
                                   {6, 33, 128},  {7, 48, 511},  {12, 7, 512},   {13, 70, 513},
                                   {38, 64, 768}, {101, 5, 1024}, {129, 33, 70}, {300, 18, 1029},
                                   {3, 300, 1537}};
    int bad = 0;
    for (int i = 0; i < (int)(4 * sizeof sizes / sizeof sizes[0]); i++) {
        const int *s = sizes[i / 4];
        struct operands x = operands_new(s[0], s[1], s[2], i % 4);
        expect(&x.o, x.w, x.scale, x.want);
        kern_table(k)->linear(k, &x.o, 1);
        if (!same(x.want, x.got, s[0] * s[1]) && bad++ < 5)
            tap_note("%dx%dx%d, kind %d", s[0], s[1], s[2], i % 4);
        operands_free(&x);
    }
    ok(bad == 0, "%s, %d threads: sums are exact (%d sizes differ)", kern_table(k)->name, threads,
       bad);
}

/* The longest row whose sums fit: 127 * 128 in every product; of weights of 127, which are 255
 * where they are laid out 128 larger, sums wrap and come back. */
static void check_longest(struct kern *k)
{
    for (int i = 0; i < 4; i++) {
        struct operands x = operands_new(1, 1, KERN_INT8_MOST, i < 2 ? 1 : 4);
        for (int p = 0; i % 2 && p < KERN_INT8_MOST; p++)
            x.x[p] = 0.7f;
        expect(&x.o, x.w, x.scale, x.want);
        kern_table(k)->linear(k, &x.o, 1);
        ok(x.want[0] == x.got[0] && x.want[0] != 0, "%s: the largest sums of all fit (%g)",
           kern_table(k)->name, (double)x.got[0]);
        operands_free(&x);
    }
}

/* Three products at once, of which two read the same rows; one has float32 weights, one is too
 * short: these two are what they are without a precision. */
static void check_list(struct kern *k, struct kern *plain)
{
    enum { M = 9, N = 40, D = 200, SHORT = 63 };
    struct operands a = operands_new(M, N, D, 0), b = operands_new(M, N, D, 3);
    struct operands c = operands_new(M, N, SHORT, 0);
    float *w = make(N * D), *y = make(2 * M * N);
    struct kern_linear list[4] = {a.o, b.o, a.o, c.o};
    list[1].x = a.x;
    list[2].packed.at = NULL;
    list[2].w = w;
    list[2].y = y;
    expect(&list[0], a.w, a.scale, a.want);
    expect(&list[1], b.w, b.scale, b.want);
    struct kern_linear alone[2] = {list[2], list[3]};
    alone[0].y = y + M * N;
    alone[1].y = c.want;
    float *wide = make(N * SHORT);
    kern_narrow_unpack(&c.packed, N, SHORT, wide);
    alone[1].packed.at = NULL;
    alone[1].w = list[3].w = wide;
    kern_table(k)->linear(k, list, 4);
    kern_table(plain)->linear(plain, alone, 2);
    ok(same(a.want, a.got, M * N) && same(b.want, b.got, M * N) && same(y, y + M * N, M * N) &&
           same(c.want, c.got, M * N),
       "%s: products in one go, in whole numbers and in float32", kern_table(k)->name);
    operands_free(&a), operands_free(&b), operands_free(&c);
    free(w), free(y), free(wide);
}

/* NaN or infinity anywhere in a row; rows of zeros, of numbers too small for a scale, of large
 * ones. */
static void check_rows(struct kern *k)
{
    enum { M = 14, N = 20, D = 131 };
    bool good = true;
    for (int at = 0; at < D; at++) {
        struct operands x = operands_new(M, N, D, 2);
        x.x[0 * D + at] = NAN;
        x.x[3 * D + at] = at % 2 ? INFINITY : -INFINITY;
        memset(x.x + 5 * D, 0, D * sizeof *x.x);
        for (int p = 0; p < D; p++) {
            x.x[6 * D + p] *= 1e-37f;
            x.x[7 * D + p] *= 3e38f;
            x.x[8 * D + p] *= 1e-30f;
        }
        x.x[9 * D + at] = -NAN;
        expect(&x.o, x.w, x.scale, x.want);
        kern_table(k)->linear(k, &x.o, 1);
        good &= same(x.want, x.got, M * N);
        for (int j = 0; j < N; j++)
            good &= isnan(x.got[j]) && isnan(x.got[3 * N + j]) && isnan(x.got[9 * N + j]) &&
                    isfinite(x.got[1 * N + j]) && x.got[5 * N + j] == 0 && x.got[6 * N + j] == 0 &&
                    x.got[8 * N + j] != 0;
        operands_free(&x);
    }
    ok(good, "%s: a row that is not finite makes NaN, its neighbours do not",
       kern_table(k)->name);
}

/* Activation and residual are those of all products: of a product in float32 of the same sums. */
static void check_finish(struct kern *k)
{
    enum { M = 11, N = 37, D = 300 };
    bool good = true;
    for (int act = KERN_NONE; act <= KERN_TANH; act++) {
        struct operands x = operands_new(M, N, D, 0);
        float *r = make(M * N), *one = make(N * N);
        memset(one, 0, N * N * sizeof *one);
        for (int j = 0; j < N; j++)
            one[j * N + j] = 1;
        x.o.bias = NULL;
        expect(&x.o, x.w, x.scale, x.want);
        struct kern_linear again = {.x = x.want, .ldx = N, .w = one, .bias = x.bias,
                                    .residual = r, .ldr = N, .y = x.want, .ldy = N, .m = M,
                                    .n = N, .k = N, .act = (enum kern_act)act};
        float *sums = make(M * N);
        memcpy(sums, x.want, M * N * sizeof *sums);
        again.x = sums;
        kern_table(k)->linear(k, &again, 1); /* N is too short for whole numbers */
        memcpy(x.got, r, M * N * sizeof *r);
        x.o.bias = x.bias;
        x.o.residual = x.got;
        x.o.ldr = N;
        x.o.act = (enum kern_act)act;
        kern_table(k)->linear(k, &x.o, 1);
        good &= same(x.want, x.got, M * N);
        operands_free(&x);
        free(r), free(one), free(sums);
    }
    ok(good, "%s: activation and residual are those of float32", kern_table(k)->name);
}

static void check_names(void)
{
    struct kern *k = NULL;
    char why[256] = "", plain[200];
    if (!ok(kern_open("cpu", 1, &k, why, sizeof why) == 0, "cpu opens: %s", why))
        return;
    snprintf(plain, sizeof plain, "%s", kern_describe(k));
    ok(kern_set_precision(k, "int4", why, sizeof why) != 0 && strstr(why, "int4"), "%s", why);
    ok(kern_set_precision(k, "tf32", why, sizeof why) != 0 && strstr(why, "tf32"), "%s", why);
    ok(kern_precision(k) == KERN_FLOAT32 && strcmp(plain, kern_describe(k)) == 0,
       "what is refused changes nothing");
    ok(kern_set_precision(k, "float32", why, sizeof why) == 0 &&
           strcmp(plain, kern_describe(k)) == 0, "float32 is what there is");
    kern_close(k);
    static const char *const names[] = {"float16", "bfloat16", "int8"};
    static const double most[] = {1e-3, 8e-3, 5e-2};
    for (int i = 0; i < 3; i++) {
        double off = 0;
        if (kern_open("cpu", 1, &k, why, sizeof why) != 0)
            return;
        kern_set_precision(k, names[i], why, sizeof why);
        const char *said = strstr(kern_describe(k), "off by ");
        ok(said && sscanf(said, "off by %lf", &off) == 1 && off > most[i] / 100 && off < most[i],
           "%s", kern_describe(k));
        kern_close(k);
    }
}

/* Products of 8 bits are made where Linux says that the processor can. */
static void check_quads(const char *device, const char *flag)
{
#if defined(KERN_HAVE_QUADS) && defined(__linux__)
    char line[8192], why[256], word[40];
    struct kern *k = NULL;
    FILE *f = fopen("/proc/cpuinfo", "r");
    bool has = false;
    snprintf(word, sizeof word, " %s ", flag);
    while (f && fgets(line, sizeof line, f)) {
        line[strcspn(line, "\n")] = ' ';
        has |= strstr(line, word) != NULL;
    }
    if (f)
        fclose(f);
    if (!has || kern_open(device, 1, &k, why, sizeof why) != 0)
        tap_skip("%s: the processor has no %s", device, flag);
    else
        ok(k->quads, "%s: %s is used", device, flag);
    kern_close(k);
#else
    tap_skip("%s: built without products of 8 bits (%s)", device, flag);
#endif
}

static void check_device(const char *device, bool quads)
{
    for (int threads = 1; threads <= 3; threads++) {
        struct kern *k = open_int8(device, threads, quads), *plain = NULL;
        char why[256];
        if (!k)
            return;
        check_sizes(k, threads);
        if (threads == 2 && kern_open(device, 1, &plain, why, sizeof why) == 0) {
            check_longest(k);
            check_list(k, plain);
            check_rows(k);
            check_finish(k);
        }
        kern_close(plain);
        kern_close(k);
    }
}

int main(void)
{
    static const char *const devices[] = {"ref", "cpu-portable", "cpu-avx2", "cpu-avx512",
                                          "cpu-neon"};
    check_names();
    check_quads("cpu-avx2", "avx_vnni");
    check_quads("cpu-avx512", "avx512_vnni");
    check_quads("cpu-neon", "asimddp");
    for (int i = 0; i < 5; i++) {
        check_device(devices[i], false);
        check_device(devices[i], true);
    }
    return tap_done();
}
