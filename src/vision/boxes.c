/* SPDX-License-Identifier: MIT */
/* Boxes: proposals from anchors, and suppression. Sides count their last pixel. */
#include "src/vision/priv.h"

#include "kernels/overlap.h"
#include "src/base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int nms_greedy(const float *boxes, const int *order, int n, float threshold, int max, int *keep)
{
    int kept = 0;
    for (int i = 0; i < n && kept < max; i++) {
        const float *b = boxes + 4 * (ptrdiff_t)order[i];
        bool lost = false;
        for (int j = 0; j < kept && !lost; j++)
            lost = boxes_overlap(boxes + 4 * (ptrdiff_t)keep[j], b, threshold);
        if (!lost)
            keep[kept++] = order[i];
    }
    return kept;
}

/* The same from the matrix of a device, whose threads look at all pairs at once. Returns -1 when it
 * fails; kern_finish says why. */
static int nms_matrix(struct kern *k, const float *boxes, const int *order, int n, float threshold,
                      int max, int *keep)
{
    size_t words = ((size_t)n + 63) / 64, size = 4 * (size_t)n;
    float *d = kern_alloc(k, size + 64), *m = kern_alloc(k, 2 * words * (size_t)n + 2);
    struct kern_overlaps op = {d, n, threshold, (uint64_t *)(void *)m};
    uint64_t *lost = xcalloc(words + 1, sizeof *lost);
    const uint64_t *matrix = NULL;
    int kept = 0;
    if (d && m) {
        float *host = kern_stage(k, d, size);
        for (int i = 0; i < n; i++)
            memcpy(host + 4 * i, boxes + 4 * (ptrdiff_t)order[i], 4 * sizeof *host);
        if (kern_put(k, d, host, size) == 0) {
            kern_table(k)->overlaps(k, &op);
            matrix = (const uint64_t *)(const void *)kern_view(k, m, 2 * words * (size_t)n);
        }
    }
    for (int i = 0; matrix && i < n && kept < max; i++) {
        if (lost[i / 64] >> (i % 64) & 1)
            continue;
        keep[kept++] = order[i];
        for (size_t w = 0; w < words; w++)
            lost[w] |= matrix[(size_t)i * words + w];
    }
    free(lost);
    kern_free(k, d);
    kern_free(k, m);
    return matrix ? kept : -1;
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

int propose_level(struct kern *kern, const struct arch *a, const float *logits,
                  const float *deltas, int h, int w, const float *anchors, int anchor_count,
                  int stride, int image_w, int image_h, float *boxes, float *scores)
{
    int n = h * w * anchor_count, top = n < a->pre_nms_top_n ? n : a->pre_nms_top_n, good = 0;
    float *all = xmalloc((size_t)n * sizeof *all), *decoded;
    int *order = xmalloc((size_t)n * sizeof *order), *keep = xmalloc((size_t)top * sizeof *keep);
    int *sequence = xmalloc((size_t)top * sizeof *sequence);
    for (int i = 0; i < n; i++)
        all[i] = 1 / (1 + expf(-logits[i]));
    kern_sort_down(all, n, order);
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
    int kept = kern_is_host(kern) ? nms_greedy(decoded, sequence, good, a->rpn_nms_thresh,
                                               a->post_nms_top_n, keep)
                                  : nms_matrix(kern, decoded, sequence, good, a->rpn_nms_thresh,
                                               a->post_nms_top_n, keep);
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

/* ---- suppression in every class */

int nms_classes(struct kern *k, const float *boxes, const float *scores, int n, int classes,
                int first, float threshold, float conf_thresh, float *conf)
{
    size_t words = ((size_t)n + 63) / 64;
    float *matrix = kern_alloc(k, 2 * words * (size_t)n + 2);
    uint64_t *bits = (uint64_t *)(void *)matrix;
    struct kern_overlaps pairs = {boxes, n, threshold, bits};
    struct kern_nms sweep = {scores, bits, n, classes, first, conf_thresh, conf};
    if (!matrix)
        return -1;
    kern_table(k)->overlaps(k, &pairs);
    kern_table(k)->nms(k, &sweep);
    kern_free(k, matrix);
    return 0;
}
