/* SPDX-License-Identifier: MIT */
/* Operands that come from memory lie in another piece of their pool in every run, so that no cache
 * has them still. */
#include "operations.h"

#include <stdlib.h>

#define BOXES 2000
#define CLASSES 1601
#define WORDS 30522

/* The turn's piece of so many floats, of a pool of room. */
static float *piece_of(float *pool, size_t room, size_t floats, int turn)
{
    size_t step = (floats + 63) & ~(size_t)63;
    return pool + (size_t)turn % (room / step) * step;
}

static float *piece(float *pool, size_t floats, int turn)
{
    return piece_of(pool, OPERAND_FLOATS, floats, turn);
}

static size_t area(const struct operands *o)
{
    return (size_t)o->shape[0] * (size_t)o->shape[1];
}

#define TABLE kern_table(o->k)

/* ---- of the model: {rows, columns} */

/* {queries, keys, heads, columns of a head} */
static struct kern_attention attention_of(const struct operands *o)
{
    int tq = o->shape[0], tk = o->shape[1], heads = o->shape[2], wide = heads * o->shape[3];
    const float *key = o->x + (ptrdiff_t)tq * wide, *value = key + (ptrdiff_t)tk * wide;
    return (struct kern_attention){.q = o->x, .k = key, .v = value, .ldq = wide, .ldk = wide,
                                   .ldv = wide, .out = o->y, .ldo = wide, .heads = heads,
                                   .dh = o->shape[3], .tq = tq, .tk = tk, .scale = 0.1f};
}

static void run_attention(struct operands *o)
{
    struct kern_attention op = attention_of(o);
    TABLE->attention(o->k, &op, 1);
}

static void run_attention_back(struct operands *o)
{
    struct kern_attention a = attention_of(o);
    ptrdiff_t scores = (ptrdiff_t)a.heads * a.tq * a.tk, wide = a.ldq;
    float *dscores = o->y + scores, *dq = dscores + scores, *dk = dq + a.tq * wide;
    struct kern_attention_back op = {
        .q = a.q, .k = a.k, .v = a.v, .ldq = wide, .ldk = wide, .ldv = wide, .probs = o->w,
        .dout = o->w + scores, .ldo = wide, .dprobs = o->y, .dscores = dscores, .dq = dq,
        .dk = dk, .dv = dk + a.tk * wide, .heads = a.heads, .dh = a.dh, .tq = a.tq, .tk = a.tk,
        .scale = a.scale};
    TABLE->attention_back(o->k, &op, 1);
}

static void run_norm(struct operands *o)
{
    int m = o->shape[0], n = o->shape[1];
    struct kern_norm op = {.x = o->x, .ldx = n, .gamma = o->w, .beta = o->w + n, .y = o->y,
                           .ldy = n, .m = m, .n = n, .eps = 1e-12f};
    TABLE->norm(o->k, &op, 1);
}

static void run_norm_back(struct operands *o)
{
    int m = o->shape[0], n = o->shape[1];
    struct kern_norm_back op = {.x = o->x, .ldx = n, .gamma = o->w, .dy = o->x + area(o),
                                .ldy = n, .dx = o->y, .lddx = n, .m = m, .n = n, .eps = 1e-12f};
    TABLE->norm_back(o->k, &op, 1);
}

/* Words that were not looked up for as long as there are others. */
static void run_embed(struct operands *o)
{
    int32_t words[64], places[64], types[64] = {0};
    int m = o->shape[0], n = o->shape[1];
    for (int i = 0; i < m; i++) {
        words[i] = (int32_t)((int64_t)(o->turn % WORDS * m + i) * 7919 % WORDS);
        places[i] = i;
    }
    struct kern_embed op = {.table = {o->w, o->x, o->x + area(o)}, .ids = {words, places, types},
                            .rows = {WORDS, m, 2}, .y = o->y, .ldy = n, .m = m, .n = n};
    TABLE->embed(o->k, &op);
}

static void run_mul(struct operands *o)
{
    TABLE->mul(o->k, o->x, o->x + area(o), o->y, area(o));
}

static void run_add(struct operands *o)
{
    TABLE->add(o->k, o->x, o->x + area(o), o->y, area(o));
}

static void run_gelu(struct operands *o)
{
    TABLE->activate(o->k, o->x, o->y, area(o), KERN_GELU);
}

static void run_gelu_back(struct operands *o)
{
    TABLE->activate_back(o->k, o->x, o->x + area(o), o->y, area(o), KERN_GELU);
}

/* In place: from the second time on they are rows that add up to 1. */
static void run_softmax(struct operands *o)
{
    TABLE->softmax(o->k, o->y, o->shape[0], o->shape[1]);
}

/* What is gated in place stays as it is: else it would grow with every run. */
static const float *closed_gate(struct operands *o)
{
    float *gate = o->x + area(o);
    for (int i = 0; i < o->shape[1]; i++)
        gate[i] = -100;
    return gate;
}

static void run_gate(struct operands *o)
{
    TABLE->gate(o->k, o->y, o->shape[1], closed_gate(o), o->shape[0], o->shape[1]);
}

static void run_gate_back(struct operands *o)
{
    int m = o->shape[0], n = o->shape[1];
    struct kern_gate_back op = {.y = o->x, .ldy = n, .gate = closed_gate(o), .dx = o->y,
                                .lddx = n, .dgate = o->x + 2 * area(o), .m = m, .n = n};
    TABLE->gate_back(o->k, &op);
}

static void run_silence(struct operands *o)
{
    int m = o->shape[0], n = o->shape[1];
    struct kern_silenced op = {.v = o->x, .ldv = n, .out = o->y, .ldo = n, .dh = n, .tq = m,
                               .tk = m, .how = KERN_UNIFORM};
    TABLE->silence(o->k, &op);
}

static void run_gather(struct operands *o)
{
    int m = o->shape[0], n = o->shape[1];
    struct kern_gather_rows op = {.x = o->x, .ldx = n, .y = o->y, .ldy = n, .m = m, .n = n};
    TABLE->gather_rows(o->k, &op);
}

static void run_scatter(struct operands *o)
{
    int m = o->shape[0], n = o->shape[1];
    struct kern_scatter_rows op = {.x = o->x, .ldx = n, .y = o->y, .ldy = n, .m = m, .rows = m,
                                   .n = n};
    TABLE->scatter_rows(o->k, &op);
}

static void run_mean(struct operands *o)
{
    struct kern_mean op = {.x = o->x, .ldx = o->shape[1], .y = o->y, .m = o->shape[0],
                           .n = o->shape[1]};
    TABLE->mean(o->k, &op);
}

static void run_mean_back(struct operands *o)
{
    struct kern_mean_back op = {.dy = o->x, .dx = o->y, .ldx = o->shape[1], .m = o->shape[0],
                                .n = o->shape[1]};
    TABLE->mean_back(o->k, &op);
}

/* {rows, outputs, inputs} */
static void run_linear_back(struct operands *o)
{
    int m = o->shape[0], n = o->shape[1], d = o->shape[2];
    float *w = piece_of(o->w, WEIGHT_FLOATS, (size_t)n * (size_t)d, o->turn);
    struct kern_linear_back op = {.dy = o->x, .ldy = n, .w = w, .dx = o->y, .ldx = d, .m = m,
                                  .n = n, .k = d};
    TABLE->linear_back(o->k, &op, 1);
}

/* ---- of the detector, maps of 800 x 1088 pixels: {height, width, channels, ...} */

/* {height, width, channels in and out, kernel's side, groups}; 7: of stride 2 */
static void run_conv(struct operands *o)
{
    int h = o->shape[0], w = o->shape[1], groups = o->shape[4], side = o->shape[3];
    int cout = o->shape[2], cin = side == 7 ? 3 : cout, stride = side == 7 ? 2 : 1;
    if (!o->packed) {
        o->packed = kern_alloc(o->k, kern_conv_size(o->k, cout, cin, side, side, groups));
        if (o->packed)
            kern_conv_pack(o->k, o->w, cout, cin, side, side, groups, NULL, o->packed);
    }
    struct kern_conv op = {.x = o->x, .count = 1, .h = h, .w = w, .cin = cin,
                           .weights = o->packed, .y = o->y, .cout = cout, .kh = side, .kw = side,
                           .stride = stride, .pad = side / 2, .groups = groups, .act = KERN_RELU};
    if (o->packed)
        TABLE->conv(o->k, &op);
}

static void run_maxpool(struct operands *o)
{
    size_t n = area(o) * (size_t)o->shape[2];
    TABLE->maxpool(o->k, piece(o->x, n, o->turn), o->shape[0], o->shape[1], o->shape[2],
                   piece(o->y, n / 4, o->turn));
}

static void run_upsample(struct operands *o)
{
    int h = o->shape[0], w = o->shape[1], c = o->shape[2];
    size_t n = area(o) * (size_t)c;
    struct kern_upsample op = {piece(o->y, n, o->turn), piece(o->x, n / 4, o->turn), h, w, h / 2,
                               w / 2, c};
    TABLE->upsample(o->k, &op);
}

/* {height, width, channels, boxes, bins} */
static void run_roi(struct operands *o)
{
    int c = o->shape[2], n = o->shape[3], bins = o->shape[4];
    size_t out = (size_t)n * (size_t)c * (size_t)(bins * bins);
    struct kern_roi op = {.x = o->x, .h = o->shape[0], .w = o->shape[1], .c = c, .n = n,
                          .bins = bins, .boxes = o->boxes, .scale = 0.25f,
                          .y = piece(o->y, out, o->turn)};
    TABLE->roi(o->k, &op);
}

static void run_overlaps(struct operands *o)
{
    struct kern_overlaps op = {.boxes = o->boxes, .n = o->shape[0], .threshold = 0.5f,
                               .matrix = o->matrix};
    TABLE->overlaps(o->k, &op);
}

static void run_nms(struct operands *o)
{
    struct kern_nms op = {.scores = o->scores, .matrix = o->matrix, .n = o->shape[0],
                          .classes = o->shape[1], .first = 1, .conf_thresh = 0.2f, .conf = o->y};
    TABLE->nms(o->k, &op);
}

#define PAIRS(tq, tk, wide) ((double)(tq) * (tk) * (wide))
#define ROWS(m, n) ((double)(m) * (n))
#define CONV(h, w, cout, cin, side) ((double)(h) * (w) * (cout) * (cin) * (side) * (side))
#define WINOGRAD (16.0 / 36) /* F(2x2, 3x3) */

const struct operation operations[] = {
    {"attention, 12 x 12 x 12 heads of 64", run_attention, {12, 12, 12, 64},
     2 * PAIRS(12, 12, 768), 0, FROM_CACHE},
    {"attention, 38 x 38 x 12 heads of 64", run_attention, {38, 38, 12, 64},
     2 * PAIRS(38, 38, 768), 4 * ROWS(38, 768), FROM_CACHE},
    {"attention, 38 x 101 x 8 heads of 128", run_attention, {38, 101, 8, 128},
     2 * PAIRS(38, 101, 1024), 2 * ROWS(38 + 101, 1024), FROM_CACHE},
    {"attention, 101 x 38 x 8 heads of 128", run_attention, {101, 38, 8, 128},
     2 * PAIRS(101, 38, 1024), 2 * ROWS(38 + 101, 1024), FROM_CACHE},
    {"attention, 101 x 101 x 8 heads of 128", run_attention, {101, 101, 8, 128},
     2 * PAIRS(101, 101, 1024), 4 * ROWS(101, 1024), FROM_CACHE},
    {"norm, 38 x 768", run_norm, {38, 768}, 0, 2 * ROWS(38, 768), FROM_CACHE},
    {"norm, 101 x 1024", run_norm, {101, 1024}, 0, 2 * ROWS(101, 1024), FROM_CACHE},
    {"embed, 38 x 768", run_embed, {38, 768}, 0, ROWS(38, 768), FROM_MEMORY},
    {"mul, 101 x 1024", run_mul, {101, 1024}, 0, 3 * ROWS(101, 1024), FROM_CACHE},
    {"add, 101 x 1024", run_add, {101, 1024}, 0, 3 * ROWS(101, 1024), FROM_CACHE},
    {"activate, GELU, 38 x 3072", run_gelu, {38, 3072}, 0, 2 * ROWS(38, 3072), FROM_CACHE},
    {"activate, GELU, 101 x 1024", run_gelu, {101, 1024}, 0, 2 * ROWS(101, 1024), FROM_CACHE},
    {"softmax, 456 x 101", run_softmax, {456, 101}, 0, ROWS(456, 101), FROM_CACHE},
    {"softmax, 2000 x 1601", run_softmax, {BOXES, CLASSES}, 0, ROWS(BOXES, CLASSES), FROM_CACHE},
    {"gate, 101 x 1024", run_gate, {101, 1024}, 0, ROWS(101, 1024), FROM_CACHE},
    {"silence, uniform, 101 x 128", run_silence, {101, 128}, 0, 2 * ROWS(101, 128), FROM_CACHE},
    {"gather_rows, 101 x 1024", run_gather, {101, 1024}, 0, 2 * ROWS(101, 1024), FROM_CACHE},
    {"mean, 101 x 1024", run_mean, {101, 1024}, 0, ROWS(101, 1024), FROM_CACHE},
    {"linear_back, 38 x 3072 x 768", run_linear_back, {38, 3072, 768}, 38 * ROWS(3072, 768),
     ROWS(3072, 768), FROM_MEMORY},
    {"linear_back, 101 x 1024 x 1024", run_linear_back, {101, 1024, 1024}, 101 * ROWS(1024, 1024),
     ROWS(1024, 1024), FROM_MEMORY},
    {"attention_back, 38 x 38 x 12 heads of 64", run_attention_back, {38, 38, 12, 64},
     4 * PAIRS(38, 38, 768), 7 * ROWS(38, 768), FROM_CACHE},
    {"attention_back, 101 x 101 x 8 heads of 128", run_attention_back, {101, 101, 8, 128},
     4 * PAIRS(101, 101, 1024), 7 * ROWS(101, 1024), FROM_CACHE},
    {"norm_back, 101 x 1024", run_norm_back, {101, 1024}, 0, 3 * ROWS(101, 1024), FROM_CACHE},
    {"activate_back, GELU, 38 x 3072", run_gelu_back, {38, 3072}, 0, 3 * ROWS(38, 3072),
     FROM_CACHE},
    {"gate_back, 101 x 1024", run_gate_back, {101, 1024}, 0, 2 * ROWS(101, 1024), FROM_CACHE},
    {"mean_back, 101 x 1024", run_mean_back, {101, 1024}, 0, ROWS(101, 1024), FROM_CACHE},
    {"scatter_rows, 101 x 1024", run_scatter, {101, 1024}, 0, 2 * ROWS(101, 1024), FROM_CACHE},
    {"conv, 7x7, 800 x 1088, 3 to 64", run_conv, {800, 1088, 64, 7, 1},
     CONV(400, 544, 64, 3, 7), 0, FROM_MEMORY},
    {"conv, 1x1, 50 x 68, 1024 to 1024", run_conv, {50, 68, 1024, 1, 1},
     CONV(50, 68, 1024, 1024, 1), 0, FROM_MEMORY},
    {"conv, 3x3 in 32 groups, 50 x 68, 1024 to 1024", run_conv, {50, 68, 1024, 3, 32},
     CONV(50, 68, 1024, 32, 3), 0, FROM_MEMORY},
    {"conv, 3x3 as Winograd's, 50 x 68, 512 to 512", run_conv, {50, 68, 512, 3, 1},
     WINOGRAD * CONV(50, 68, 512, 512, 3), 0, FROM_MEMORY},
    {"maxpool, 400 x 544 x 64", run_maxpool, {400, 544, 64}, 0, 1.25 * CONV(400, 544, 64, 1, 1),
     FROM_MEMORY},
    {"upsample, 200 x 272 x 256", run_upsample, {200, 272, 256}, 0,
     1.25 * CONV(200, 272, 256, 1, 1), FROM_MEMORY},
    {"roi, 1000 boxes of 200 x 272 x 256", run_roi, {200, 272, 256, 1000, 7}, 0,
     1000.0 * 256 * 49, FROM_MEMORY},
    /* for each pair two of largest and smallest, two sides, areas, and a comparison: as five
     * multiply-adds */
    {"overlaps, 2000 boxes", run_overlaps, {BOXES}, 5 * ROWS(BOXES, BOXES) / 2, 0, FROM_CACHE},
    {"nms, 2000 boxes, 1601 classes", run_nms, {BOXES, CLASSES}, 0, ROWS(BOXES, CLASSES),
     FROM_CACHE},
};
const int operation_count = sizeof operations / sizeof operations[0];

bool operands_init(struct operands *o)
{
    o->boxes = kern_alloc(o->k, (size_t)BOXES * 4);
    o->scores = kern_alloc(o->k, (size_t)BOXES * CLASSES);
    o->matrix = calloc((size_t)BOXES * ((BOXES + 63) / 64), sizeof *o->matrix);
    if (!o->boxes || !o->scores || !o->matrix)
        return false;
    for (size_t i = 0; i < BOXES; i++) { /* the pool's numbers are between -0.5 and 0.5 */
        const float *r = o->w + 4 * i;
        float *b = o->boxes + 4 * i;
        b[0] = 900 * (r[0] + 0.5f);
        b[1] = 700 * (r[1] + 0.5f);
        b[2] = b[0] + 20 + 150 * (r[2] + 0.5f);
        b[3] = b[1] + 20 + 75 * (r[3] + 0.5f);
    }
    for (size_t i = 0; i < (size_t)BOXES * CLASSES; i++)
        o->scores[i] = (o->w[i] + 0.5f) / 4; /* some exceed the threshold of nms */
    return true;
}

void operands_fini(struct operands *o)
{
    operands_next(o);
    kern_free(o->k, o->boxes);
    kern_free(o->k, o->scores);
    free(o->matrix);
}

void operands_run(struct operands *o, const struct operation *op)
{
    o->shape = op->shape;
    op->run(o);
    o->turn++;
}

void operands_next(struct operands *o)
{
    kern_free(o->k, o->packed);
    o->packed = NULL;
}
