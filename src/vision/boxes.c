/* Boxes: proposals from anchors, and suppression. Sides count their last pixel. */
#include "src/vision/priv.h"

#include "src/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static float area(const float *b)
{
    return (b[2] - b[0] + 1) * (b[3] - b[1] + 1);
}

static bool overlaps(const float *a, const float *b, float threshold)
{
    float w = fminf(a[2], b[2]) - fmaxf(a[0], b[0]) + 1;
    float h = fminf(a[3], b[3]) - fmaxf(a[1], b[1]) + 1;
    if (w <= 0 || h <= 0)
        return false;
    float both = w * h;
    return both / (area(a) + area(b) - both) > threshold;
}

int nms_greedy(const float *boxes, const int *order, int n, float threshold, int max, int *keep)
{
    int kept = 0;
    for (int i = 0; i < n && kept < max; i++) {
        const float *b = boxes + 4 * (ptrdiff_t)order[i];
        bool lost = false;
        for (int j = 0; j < kept && !lost; j++)
            lost = overlaps(boxes + 4 * (ptrdiff_t)keep[j], b, threshold);
        if (!lost)
            keep[kept++] = order[i];
    }
    return kept;
}

struct keyed {
    uint32_t key;
    int index;
};

/* A number that is less the greater x is. */
static uint32_t falling_key(float x)
{
    uint32_t u;
    x += 0.0f; /* no negative zero */
    memcpy(&u, &x, sizeof u);
    return u & 0x80000000u ? u : ~(u | 0x80000000u);
}

#define DIGIT 11 /* bits of a pass: three passes */

/* By one digit of the key, those of one digit in the order in which they come. */
static void radix_pass(const struct keyed *from, struct keyed *to, int n, int shift)
{
    int at[1 << DIGIT] = {0}, sum = 0;
    for (int i = 0; i < n; i++)
        at[from[i].key >> shift & ((1u << DIGIT) - 1)]++;
    for (int d = 0; d < 1 << DIGIT; d++) {
        int count = at[d];
        at[d] = sum;
        sum += count;
    }
    for (int i = 0; i < n; i++)
        to[at[from[i].key >> shift & ((1u << DIGIT) - 1)]++] = from[i];
}

void sort_down(const float *x, int n, int *order)
{
    struct keyed *a = xcalloc((size_t)n + 1, sizeof *a), *b = xmalloc(((size_t)n + 1) * sizeof *b);
    for (int i = 0; i < n; i++)
        a[i] = (struct keyed){falling_key(x[i]), i};
    radix_pass(a, b, n, 0);
    radix_pass(b, a, n, DIGIT);
    radix_pass(a, b, n, 2 * DIGIT);
    for (int i = 0; i < n; i++)
        order[i] = b[i].index;
    free(a);
    free(b);
}

/* ---- proposals */

static float clip(float x, float top)
{
    return x < 0 ? 0 : x > top ? top : x;
}

/* Source: BoxCoder.decode with weights 1; sizes grow at most 1000/16 times. */
static void decode(const float *anchor, const float *d, int w, int h, float *out)
{
    const float most = (float)log(1000.0 / 16);
    float wa = anchor[2] - anchor[0] + 1, ha = anchor[3] - anchor[1] + 1;
    float cx = anchor[0] + 0.5f * wa, cy = anchor[1] + 0.5f * ha;
    float px = d[0] * wa + cx, py = d[1] * ha + cy;
    float pw = expf(fminf(d[2], most)) * wa, ph = expf(fminf(d[3], most)) * ha;
    out[0] = clip(px - 0.5f * pw, (float)(w - 1));
    out[1] = clip(py - 0.5f * ph, (float)(h - 1));
    out[2] = clip(px + 0.5f * pw - 1, (float)(w - 1));
    out[3] = clip(py + 0.5f * ph - 1, (float)(h - 1));
}

int propose_level(const struct arch *a, const float *logits, const float *deltas, int h, int w,
                  const float *anchors, int anchor_count, int stride, int image_w, int image_h,
                  float *boxes, float *scores)
{
    int n = h * w * anchor_count, top = n < a->pre_nms_top_n ? n : a->pre_nms_top_n, good = 0;
    float *all = xmalloc((size_t)n * sizeof *all), *decoded;
    int *order = xmalloc((size_t)n * sizeof *order), *keep = xmalloc((size_t)top * sizeof *keep);
    int *sequence = xmalloc((size_t)top * sizeof *sequence);
    for (int i = 0; i < n; i++)
        all[i] = 1 / (1 + expf(-logits[i]));
    sort_down(all, n, order);
    decoded = xmalloc((size_t)top * 4 * sizeof *decoded);
    for (int i = 0; i < top; i++) {
        int j = order[i], cell = j / anchor_count, k = j % anchor_count;
        float x = (float)(cell % w * stride), y = (float)(cell / w * stride);
        const float *base = anchors + 4 * k;
        float anchor[4] = {base[0] + x, base[1] + y, base[2] + x, base[3] + y};
        float *b = decoded + 4 * (ptrdiff_t)i;
        decode(anchor, deltas + 4 * (ptrdiff_t)j, image_w, image_h, b);
        if (b[2] - b[0] + 1 >= 0 && b[3] - b[1] + 1 >= 0)
            sequence[good++] = i;
    }
    int kept = nms_greedy(decoded, sequence, good, a->rpn_nms_thresh, a->post_nms_top_n, keep);
    for (int i = 0; i < kept; i++) {
        memcpy(boxes + 4 * (ptrdiff_t)i, decoded + 4 * (ptrdiff_t)keep[i], 4 * sizeof *boxes);
        scores[i] = all[order[keep[i]]];
    }
    free(all);
    free(order);
    free(keep);
    free(sequence);
    free(decoded);
    return kept;
}

/* ---- suppression in every class. Which boxes overlap is the same for all classes: one matrix of
 * bits, then each class is a sort and a sweep. */

#define BLOCKS 64 /* parts that the classes are cut into */

struct sweep {
    const float *boxes, *scores;
    int n, classes, first, words;
    float threshold, conf_thresh;
    uint64_t *matrix; /* (n, words) */
    float *conf;      /* (BLOCKS, n) */
};

static void matrix_row(void *arg, int i)
{
    struct sweep *s = arg;
    uint64_t *row = s->matrix + (ptrdiff_t)i * s->words;
    for (int j = 0; j < s->n; j++)
        if (overlaps(s->boxes + 4 * (ptrdiff_t)i, s->boxes + 4 * (ptrdiff_t)j, s->threshold))
            row[j / 64] |= (uint64_t)1 << (j % 64);
}

static void sweep_class(const struct sweep *s, int class, float *column, int *order,
                        uint64_t *lost, float *conf)
{
    for (int i = 0; i < s->n; i++)
        column[i] = s->scores[(ptrdiff_t)i * s->classes + class];
    sort_down(column, s->n, order);
    memset(lost, 0, (size_t)s->words * sizeof *lost);
    for (int i = 0; i < s->n; i++) {
        int j = order[i];
        if (lost[j / 64] >> (j % 64) & 1)
            continue;
        const uint64_t *row = s->matrix + (ptrdiff_t)j * s->words;
        for (int w = 0; w < s->words; w++)
            lost[w] |= row[w];
        if (column[j] > s->conf_thresh && column[j] > conf[j])
            conf[j] = column[j];
    }
}

static void sweep_block(void *arg, int block)
{
    struct sweep *s = arg;
    float *column = xcalloc((size_t)s->n + 1, sizeof *column);
    int *order = xcalloc((size_t)s->n + 1, sizeof *order);
    uint64_t *lost = xcalloc((size_t)s->words + 1, sizeof *lost);
    int per = (s->classes - s->first + BLOCKS - 1) / BLOCKS, from = s->first + block * per;
    for (int c = from; c < from + per && c < s->classes; c++) /* neighbours share cache lines */
        sweep_class(s, c, column, order, lost, s->conf + (ptrdiff_t)block * s->n);
    free(column);
    free(order);
    free(lost);
}

void nms_classes(struct kern *k, const float *boxes, const float *scores, int n, int classes,
                 int first, float threshold, float conf_thresh, float *conf)
{
    struct sweep s = {boxes, scores, n, classes, first, (n + 63) / 64, threshold, conf_thresh,
                      NULL, NULL};
    s.matrix = xcalloc((size_t)n * (size_t)s.words + 1, sizeof *s.matrix);
    s.conf = xcalloc((size_t)BLOCKS * (size_t)n + 1, sizeof *s.conf);
    kern_parallel(k, n, matrix_row, &s);
    kern_parallel(k, BLOCKS, sweep_block, &s);
    for (int i = 0; i < n; i++) {
        conf[i] = 0;
        for (int b = 0; b < BLOCKS; b++)
            conf[i] = fmaxf(conf[i], s.conf[(ptrdiff_t)b * n + i]);
    }
    free(s.matrix);
    free(s.conf);
}
