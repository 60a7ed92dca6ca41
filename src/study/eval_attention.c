/* SPDX-License-Identifier: MIT */
/* Whether attention means something: how often the region that a phrase's words look at most is the
 * one that the phrase names. */
#include "src/study/eval_priv.h"

#include "src/base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The sum over the phrase's own words (neither [CLS] nor task token nor [SEP]) of what they give
 * each region; where it is largest, the whole image aside. */
int eval_looked_at(const struct result *r, enum attn_kind kind, int layer, int head, float *map,
                   float *sum)
{
    int rows = 0, cols = 0, best = 1;
    if (!trace_attention(r->trace, kind, layer, 0, head, &rows, &cols, map))
        return 0;
    trace_block(r->trace, kind, true, false, map, &rows, &cols);
    memset(sum, 0, (size_t)cols * sizeof *sum);
    for (int t = 0; t < rows && t < r->token_count; t++)
        for (int c = 0; !r->tokens[t].special && c < cols; c++)
            sum[c] += map[t * cols + c];
    for (int c = 2; c < cols; c++)
        best = sum[c] > sum[best] ? c : best;
    return best;
}

void eval_attention_add(struct eval_attention *a, const struct eval_item *it,
                        const struct result *r)
{
    int rows = 0, cols = 0;
    enum attn_kind kind = trace_map_between(r->trace, true, false);
    if (!it->has_box || kind == ATTN_COUNT ||
        !trace_attention(r->trace, kind, 0, 0, -1, &rows, &cols, NULL))
        return;
    const struct result_image *im = &r->images[0];
    float *map = xcalloc((size_t)rows * (size_t)cols + 1, sizeof *map);
    float *sum = xcalloc((size_t)cols + 1, sizeof *sum);
    int good = 0;
    a->layers = trace_attention_layers(r->trace, kind);
    a->heads = trace_attention_heads(r->trace, kind);
    a->layers = a->layers < EVAL_LAYERS ? a->layers : EVAL_LAYERS;
    a->heads = a->heads < EVAL_HEADS ? a->heads : EVAL_HEADS;
    for (int l = 0; l < a->layers; l++)
        for (int h = -1; h < a->heads; h++) {
            int region = eval_looked_at(r, kind, l, h, map, sum);
            if (region >= 1 && region <= im->region_count &&
                eval_overlap(im->boxes + 4 * (region - 1), it->box) >= 0.5)
                a->hits[a->count % EVAL_FOLDS][l][h + 1]++;
        }
    for (int i = 0; i < im->region_count; i++)
        good += eval_overlap(im->boxes + 4 * i, it->box) >= 0.5;
    a->blind += im->region_count ? (double)good / im->region_count : 0;
    a->count++;
    free(map);
    free(sum);
}

/* Of all folds but one (-1: all). */
static int hits_without(const struct eval_attention *a, int layer, int head, int fold)
{
    int n = 0;
    for (int f = 0; f < EVAL_FOLDS; f++)
        n += f == fold ? 0 : a->hits[f][layer][head];
    return n;
}

static int best_without(const struct eval_attention *a, int layer, int fold)
{
    int best = 1;
    for (int h = 2; h <= a->heads; h++)
        if (hits_without(a, layer, h, fold) > hits_without(a, layer, best, fold))
            best = h;
    return best;
}

double eval_attention_share(const struct eval_attention *a, int layer, int head)
{
    return a->count ? (double)hits_without(a, layer, head, -1) / a->count : 0;
}

int eval_attention_best(const struct eval_attention *a, int layer)
{
    return best_without(a, layer, -1);
}

double eval_attention_chosen(const struct eval_attention *a, int layer)
{
    int n = 0;
    for (int f = 0; f < EVAL_FOLDS; f++)
        n += a->hits[f][layer][best_without(a, layer, f)];
    return a->count > 1 ? (double)n / a->count : (double)NAN;
}
