/* SPDX-License-Identifier: MIT */
/* The same numbers from every compiler, at every level of optimisation: what each operation of each
 * back end of the processor makes, to the last bit, is what is written down here. A product and a
 * sum that the compiler joins or keeps apart as it likes, sums in another order, or a function of
 * the C library whose last digits differ among libraries breaks it. "ref" is not promised: its exp
 * and erf are the library's.
 *
 * usage: test-bits           checks
 *        test-bits --print   prints the table, for when arithmetic is changed on purpose */
#include "numbers.h"
#include "queries.h"

static uint32_t seed;

static float *make(size_t n)
{
    float *x = malloc((n + 1) * sizeof *x);
    for (size_t i = 0; x && i < n; i++)
        x[i] = numbers_noise(&seed);
    return x;
}

/* Of the bits as numbers: the order of bytes does not matter. */
static uint64_t digest(uint64_t h, const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, &x[i], sizeof bits);
        h = (h ^ bits) * 0x100000001b3u;
        h ^= h >> 29;
    }
    return h;
}

static uint64_t linear_bits(struct kern *k)
{
    static const int sizes[][3] = {{1, 5, 3}, {7, 36, 100}, {5, 33, 768}, {13, 9, 2049}};
    uint64_t h = 1;
    for (int i = 0; i < 16; i++) {
        const int *s = sizes[i / 4];
        size_t m = (size_t)s[0], n = (size_t)s[1], d = (size_t)s[2];
        float *x = make(m * d), *w = make(n * d), *b = make(n), *y = make(m * n);
        struct kern_linear o = {.x = x, .ldx = s[2], .w = w, .bias = i % 3 ? b : NULL, .y = y,
                                .residual = i % 2 ? y : NULL, .ldr = s[1], .ldy = s[1], .m = s[0],
                                .n = s[1], .k = s[2], .act = (enum kern_act)(i % 4)};
        kern_table(k)->linear(k, &o, 1);
        h = digest(h, y, m * n);
        free(x), free(w), free(b), free(y);
    }
    return h;
}

static uint64_t attention_bits(struct kern *k)
{
    static const int sizes[][4] = {{2, 64, 13, 38}, {1, 20, 5, 7}, {3, 5, 1, 101}};
    uint64_t h = 2;
    for (int i = 0; i < 3; i++) {
        int heads = sizes[i][0], dh = sizes[i][1], tq = sizes[i][2], tk = sizes[i][3];
        size_t wide = (size_t)(heads * dh), nq = (size_t)tq * wide, nk = (size_t)tk * wide;
        size_t np = (size_t)(heads * tq * tk);
        float *q = make(nq), *key = make(nk), *v = make(nk), *bias = make((size_t)tk);
        float *out = make(nq), *p = make(np);
        bias[1] = -10000;
        struct kern_attention o = {.q = q, .k = key, .v = v, .ldq = heads * dh, .ldk = heads * dh,
                                   .ldv = heads * dh, .ldo = heads * dh, .out = out, .probs = p,
                                   .key_bias = i ? bias : NULL, .heads = heads, .dh = dh, .tq = tq,
                                   .tk = tk, .scale = 1 / sqrtf((float)dh)};
        kern_table(k)->attention(k, &o, 1);
        h = digest(digest(h, out, nq), p, np);
        struct kern_silenced s = {.v = v, .ldv = heads * dh, .key_bias = o.key_bias, .out = out,
                                  .ldo = heads * dh, .probs = p, .dh = dh, .tq = tq, .tk = tk,
                                  .how = (enum kern_silence)i};
        kern_table(k)->silence(k, &s);
        h = digest(digest(h, out, nq), p, np);
        free(q), free(key), free(v), free(bias), free(out), free(p);
    }
    return h;
}

static uint64_t norm_bits(struct kern *k)
{
    static const int sizes[][2] = {{3, 17}, {2, 768}, {4, 1030}};
    uint64_t h = 3;
    for (int i = 0; i < 3; i++) {
        int m = sizes[i][0], n = sizes[i][1];
        size_t all = (size_t)(m * n);
        float *x = make(all), *g = make((size_t)n), *s = make((size_t)n);
        x[1] = i == 2 ? 3e38f : x[1]; /* its square is no float32 */
        struct kern_norm o = {.x = x, .ldx = n, .gamma = g, .beta = s, .y = x, .ldy = n, .m = m,
                              .n = n, .eps = 1e-12f};
        kern_table(k)->norm(k, &o, 1);
        h = digest(h, x, all);
        free(x), free(g), free(s);
    }
    return h;
}

static uint64_t softmax_bits(struct kern *k)
{
    float *x = make(5 * 1601);
    for (int i = 0; i < 5 * 1601; i++)
        x[i] *= (float)(1 + i % 40);
    kern_table(k)->softmax(k, x, 5, 1601);
    uint64_t h = digest(4, x, 5 * 1601);
    free(x);
    return h;
}

static uint64_t small_bits(struct kern *k)
{
    enum { M = 7, N = 37 };
    float *x = make(M * N), *y = make(M * N), *g = make(N), *mean = make(N), *skip = make(M);
    int32_t ids[3][M];
    for (int i = 0; i < M; i++) {
        ids[0][i] = (i * 3) % M;
        ids[1][i] = i % 3 ? -1 : 0;
        ids[2][i] = M - 1 - i;
        skip[i] = i % 4 == 1 ? -10000 : 0;
    }
    struct kern_embed e = {{x, g, x}, {ids[0], ids[1], ids[2]}, {M, 1, M}, y, N, M, N};
    kern_table(k)->embed(k, &e);
    kern_table(k)->gate(k, y, N, g, M, N);
    kern_table(k)->mul(k, x, y, y, M * N);
    kern_table(k)->add(k, x, y, y, M * N);
    struct kern_mean a = {y, N, skip, mean, M, N};
    kern_table(k)->mean(k, &a);
    uint64_t h = digest(digest(5, y, M * N), mean, N);
    free(x), free(y), free(g), free(mean), free(skip);
    return h;
}

static uint64_t conv_bits(struct kern *k)
{
    /* h, w, from, to, kernel, stride, groups; the fourth is Winograd's */
    static const int c[][7] = {{5, 7, 3, 8, 7, 2, 1}, {6, 9, 16, 24, 1, 1, 1},
                               {6, 9, 15, 7, 1, 1, 1}, {9, 11, 20, 33, 3, 1, 1},
                               {8, 8, 12, 12, 3, 2, 1}, {7, 10, 64, 64, 3, 2, 8},
                               {3, 4, 18, 12, 3, 1, 3}, {4, 6, 1024, 40, 1, 1, 1}};
    uint64_t h = 6;
    for (int i = 0; i < 8; i++) {
        int pad = c[i][4] / 2, oh = kern_conv_out(c[i][0], c[i][4], c[i][5], pad);
        int ow = kern_conv_out(c[i][1], c[i][4], c[i][5], pad), cout = c[i][3];
        size_t ny = (size_t)(oh * ow * cout);
        float *x = make((size_t)(c[i][0] * c[i][1] * c[i][2])), *y = make(ny);
        float *w = make((size_t)(cout * c[i][2] / c[i][6] * c[i][4] * c[i][4]));
        float *s = make((size_t)cout), *t = make((size_t)cout);
        float *packed = malloc(kern_conv_size(k, cout, c[i][2], c[i][4], c[i][4], c[i][6]) *
                               sizeof *packed);
        kern_conv_pack(k, w, cout, c[i][2], c[i][4], c[i][4], c[i][6], i % 2 ? s : NULL, packed);
        struct kern_conv o = {.x = x, .count = 1, .h = c[i][0], .w = c[i][1], .cin = c[i][2],
                              .weights = packed, .scale = i % 2 ? s : NULL,
                              .shift = i % 3 ? t : NULL, .residual = i % 3 == 1 ? y : NULL, .y = y,
                              .cout = cout, .kh = c[i][4], .kw = c[i][4], .stride = c[i][5],
                              .pad = pad, .groups = c[i][6],
                              .act = i % 2 ? KERN_RELU : KERN_NONE};
        kern_table(k)->conv(k, &o);
        h = digest(h, y, ny);
        free(x), free(y), free(w), free(s), free(t), free(packed);
    }
    return h;
}

static uint64_t pooling_bits(struct kern *k)
{
    enum { H = 9, W = 13, C = 21, N = 3 };
    static const float boxes[N * 4] = {4, 4, 30, 20, -20, -9, 15, 60, 0, 0, 51, 35};
    float *x = make(H * W * C), *y = make(N * C * 49), *z = make(5 * 7 * C);
    struct kern_roi o = {x, H, W, C, N, 7, boxes, 0.23f, y};
    struct kern_upsample u = {x, z, H, W, 5, 7, C};
    kern_table(k)->maxpool(k, x, H, W, C, z);
    kern_table(k)->roi(k, &o);
    kern_table(k)->upsample(k, &u);
    uint64_t h = digest(digest(digest(7, z, 5 * 7 * C), y, N * C * 49), x, H * W * C);
    free(x), free(y), free(z);
    return h;
}

static uint64_t nms_bits(struct kern *k)
{
    enum { N = 70, CLASSES = 5 };
    float *boxes = make(4 * N), *scores = make(N * CLASSES), conf[N];
    uint64_t matrix[2 * N];
    for (int i = 0; i < N; i++)
        for (int j = 0; j < 4; j++)
            boxes[4 * i + j] = (boxes[4 * i + j] + 1) * 30 + (j < 2 ? 0.0f : 40.0f);
    struct kern_overlaps o = {boxes, N, 0.5f, matrix};
    struct kern_nms s = {scores, matrix, N, CLASSES, 1, 0.1f, conf};
    kern_table(k)->overlaps(k, &o);
    kern_table(k)->nms(k, &s);
    uint64_t h = digest(8, conf, N);
    for (int i = 0; i < 2 * N; i++)
        h = (h ^ matrix[i]) * 0x100000001b3u;
    free(boxes), free(scores);
    return h;
}

static uint64_t back_bits(struct kern *k)
{
    enum { M = 7, N = 300, K = 77, HEADS = 2, DH = 20, Q = 5, T = 13 };
    float *dy = make(M * N), *w = make(N * K), *dx = make(M * K), *g = make(N);
    struct kern_linear_back l = {.dy = dy, .ldy = N, .w = w, .residual = dx, .ldr = K, .dx = dx,
                                 .ldx = K, .m = M, .n = N, .k = K};
    kern_table(k)->linear_back(k, &l, 1);
    uint64_t h = digest(10, dx, M * K);
    struct kern_norm_back n = {.x = w, .ldx = N, .gamma = g, .dy = dy, .ldy = N, .dx = dy,
                               .lddx = N, .m = M, .n = N, .eps = 1e-12f};
    kern_table(k)->norm_back(k, &n, 1);
    h = digest(h, dy, M * N);
    for (int act = 0; act < 4; act++) {
        kern_table(k)->activate(k, w, w, M * N, (enum kern_act)act);
        kern_table(k)->activate_back(k, w, dy, dy, M * N, (enum kern_act)act);
        h = digest(digest(h, w, M * N), dy, M * N);
    }
    struct kern_gate_back gate = {w, N, g, dy, N, g, M, N};
    kern_table(k)->gate_back(k, &gate);
    h = digest(digest(h, dy, M * N), g, N);
    struct kern_mean_back mean = {g, NULL, dy, dy, N, M, N};
    kern_table(k)->mean_back(k, &mean);
    h = digest(h, dy, M * N);
    enum { WIDE = HEADS * DH, MAP = HEADS * Q * T };
    float *q = make(Q * WIDE), *kv = make(2 * T * WIDE), *p = make(3 * MAP);
    float *out = make((2 * Q + 2 * T) * WIDE);
    struct kern_attention_back a = {
        .q = q, .k = kv, .v = kv + T * WIDE, .ldq = WIDE, .ldk = WIDE, .ldv = WIDE, .probs = p,
        .dout = out, .ldo = WIDE, .dprobs = p + MAP, .dscores = p + 2 * MAP,
        .dq = out + Q * WIDE, .dk = out + 2 * Q * WIDE, .dv = out + (2 * Q + T) * WIDE,
        .heads = HEADS, .dh = DH, .tq = Q, .tk = T, .scale = 0.2f};
    kern_table(k)->attention_back(k, &a, 1);
    h = digest(digest(h, p, 3 * MAP), out, (2 * Q + 2 * T) * WIDE);
    free(dy), free(w), free(dx), free(g), free(q), free(kv), free(p), free(out);
    return h;
}

/* Everything that a pass of the small model leaves behind, padding included. Takes k. */
static uint64_t pass_bits(struct kern *k)
{
    char config[400];
    struct query_model q = {0};
    struct net_input in;
    struct vs_err err = {0};
    struct trace *t = NULL;
    struct net_want want = {.attention = true, .hidden = true};
    uint64_t h = 9;
    snprintf(config, sizeof config, "%s", source_path("tests/data/tiny/config.json"));
    if (query_open(&q, config, source_path("tests/data/tiny/checkpoint.bin"), k, &err) != 0)
        return 0;
    query_random(&q, &in);
    want.heads = vilbert_net(q.m)->heads & ~(unsigned)HEAD_MATCH; /* younger than the digests */
    if (vilbert_forward(q.m, &in, &want, &t, &err) != 0)
        h = 0;
    for (int i = 0; t && i < t->count; i++) {
        size_t n = 1;
        for (int d = 0; d < t->tensors[i].ndim; d++)
            n *= (size_t)t->tensors[i].shape[d];
        h = digest(h, t->tensors[i].data, n);
    }
    trace_free(t);
    query_free(&in);
    query_close(&q);
    return h;
}

typedef uint64_t bits_of(struct kern *k);
#define OPS 9
static bits_of *const ops[OPS] = {linear_bits, attention_bits, norm_bits, softmax_bits, small_bits,
                                  conv_bits, pooling_bits, nms_bits, back_bits};
static const char *const names[OPS + 1] = {"linear", "attention and silence", "norm", "softmax",
                                           "embed, gate, mul, add, mean", "convolutions",
                                           "pooling and upsampling", "suppression", "the way back",
                                           "a pass"};

static void all_bits(struct kern *k, uint64_t out[OPS + 1])
{
    for (int i = 0; i < OPS; i++) {
        seed = (uint32_t)(i + 1);
        out[i] = ops[i](k);
    }
    query_seed = 11;
    out[OPS] = pass_bits(k);
}

/* cpu-portable has the same numbers on every processor. */
#define KINDS 4
static const struct {
    const char *device;
    uint64_t bits[OPS + 1];
} expected[KINDS] = {
    {"cpu-portable",
     {0x458faf98e1c91683, 0xaac32c876eabc3fb, 0xcde2fdd24c6d5041,
      0x78f26d2c742b2354, 0x1cea0925eca98453, 0x168bc4a71e716c69,
      0x45c5a2d007c3f63c, 0xeb4a4442826ac85a, 0x11896d52b1b75332,
      0x88f8b54fff54ccb2}},
    {"cpu-avx2",
     {0x3e11477f39e87cda, 0x4281ff08591baffa, 0xe44e223a0e64c420,
      0x78f26d2c742b2354, 0x681e65eab2ce10c1, 0xb8a8195e7cde0777,
      0x096c9d365bd2ff4f, 0xeb4a4442826ac85a, 0x7dca32b13f965788,
      0x8319304363a38dbe}},
    {"cpu-avx512",
     {0x3e11477f39e87cda, 0xaabbdc739878c18a, 0xcb6ceb6656e08953,
      0x78f26d2c742b2354, 0x681e65eab2ce10c1, 0xb8a8195e7cde0777,
      0x096c9d365bd2ff4f, 0xeb4a4442826ac85a, 0x9b35160de7609a46,
      0xe43e6661fa1a5ea2}},
    {"cpu-neon",
     {0x3e11477f39e87cda, 0xdf5740a359e6d036, 0x00a326c2bced3871,
      0x78f26d2c742b2354, 0x681e65eab2ce10c1, 0xb8a8195e7cde0777,
      0x096c9d365bd2ff4f, 0xeb4a4442826ac85a, 0x7af28ae381b30259,
      0x226949a561f726ef}},
};

static void print(const char *device, const uint64_t *bits)
{
    printf("    {\"%s\",\n     {", device);
    for (int i = 0; i <= OPS; i++)
        printf("0x%016llx%s", (unsigned long long)bits[i],
               i == OPS ? "}},\n" : i % 3 == 2 ? ",\n      " : ", ");
}

static void check(int kind, bool show)
{
    const char *device = expected[kind].device;
    struct kern *k = NULL;
    char why[256];
    uint64_t bits[OPS + 1];
    if (kern_open(device, 1, &k, why, sizeof why) != 0) {
        tap_skip("%s: %s", device, why);
        return;
    }
    all_bits(k, bits);
    if (show)
        print(device, bits);
    for (int i = 0; i <= OPS && !show; i++)
        ok(bits[i] == expected[kind].bits[i], "%s: %s: %016llx", device, names[i],
           (unsigned long long)bits[i]);
}

int main(int argc, char **argv)
{
    bool show = argc > 1 && strcmp(argv[1], "--print") == 0;
    for (int i = 0; i < KINDS; i++)
        check(i, show);
    return show ? 0 : tap_done();
}
