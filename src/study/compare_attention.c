/* SPDX-License-Identifier: MIT */
/* Attention of two results compared: Jensen-Shannon divergence of heads, signed differences. */
#include "src/study/compare_attention.h"

#include "src/study/compare.h"
#include "src/base/mem.h"

#include <stdlib.h>

/* Which token is the task's; -1: none. */
static int task_token(const struct result *r)
{
    for (int i = 0; i < r->token_count; i++)
        if (result_is_task_token(&r->tokens[i]))
            return i;
    return -1;
}

/* Of a map (*rows, *cols) without that token's row and column, in place. */
static void without_token(float *x, enum attn_kind map, int token, int *rows, int *cols)
{
    int row = attn_table[map].from == STREAM_TEXT ? token : -1;
    int col = attn_table[map].to == STREAM_TEXT ? token : -1;
    float *to = x;
    for (int i = 0; i < *rows; i++)
        for (int k = 0; k < *cols; k++)
            if (i != row && k != col)
                *to++ = x[(size_t)i * (size_t)*cols + (size_t)k];
    *rows -= row >= 0;
    *cols -= col >= 0;
}

/* The same map of both, (rows, cols) of image i; the caller frees both, also when it fails. common:
 * without the task's token where only one has it. */
static int pair_of(const struct result *a, const struct result *b, enum attn_kind map, int layer,
                   int head, int i, bool common, int *rows, int *cols, float **pa, float **pb,
                   struct vs_err *err)
{
    int r2 = 0, c2 = 0, task_a = task_token(a), task_b = task_token(b);
    bool one = common && (task_a < 0) != (task_b < 0);
    *pa = *pb = NULL;
    if (!a->trace || !b->trace)
        return vs_fail(err, VS_E_MISSING, "a result was asked for without its attention");
    if (!trace_attention(a->trace, map, layer, i, head, rows, cols, NULL) ||
        !trace_attention(b->trace, map, layer, i, head, &r2, &c2, NULL))
        return vs_fail(err, VS_E_MISSING, "there is no %s attention of layer %d",
                       attn_table[map].name, layer + 1);
    *pa = xcalloc((size_t)*rows * (size_t)*cols + 1, sizeof **pa);
    *pb = xcalloc((size_t)r2 * (size_t)c2 + 1, sizeof **pb);
    trace_attention(a->trace, map, layer, i, head, rows, cols, *pa);
    trace_attention(b->trace, map, layer, i, head, &r2, &c2, *pb);
    if (one)
        without_token(*pa, map, task_a, rows, cols);
    if (one)
        without_token(*pb, map, task_b, &r2, &c2);
    if (*rows == r2 && *cols == c2)
        return 0;
    return vs_fail(err, VS_E_FORMAT, "the attention maps have different sizes, %d x %d and %d x "
                   "%d: %s", *rows, *cols, r2, c2,
                   (task_a < 0) != (task_b < 0) ? "only one of the checkpoints has task tokens"
                                                : "they are of different tokens or regions");
}

/* Rows of padding look at nothing. */
static bool row_is_real(const float *row, int n)
{
    float sum = 0;
    for (int i = 0; i < n; i++)
        sum += row[i];
    return sum > 0;
}

int attention_change_of(const struct result *a, const struct result *b, enum attn_kind map,
                        int layer, int head, struct attention_change *out, struct vs_err *err)
{
    double sum = 0;
    *out = (struct attention_change){.map = map, .layer = layer, .head = head};
    int batch = a->trace ? a->trace->batch : 1;
    for (int i = 0; i < batch; i++) {
        int rows = 0, cols = 0;
        float *pa, *pb;
        int rc = pair_of(a, b, map, layer, head, i, true, &rows, &cols, &pa, &pb, err);
        for (int r = 0; r < rows && rc == 0; r++) {
            const float *x = pa + (size_t)r * (size_t)cols, *y = pb + (size_t)r * (size_t)cols;
            if (!row_is_real(x, cols) || !row_is_real(y, cols))
                continue;
            double d = compare_jsd(x, y, cols);
            sum += d;
            out->most = d > out->most ? d : out->most;
            out->rows++;
        }
        free(pa);
        free(pb);
        if (rc != 0)
            return rc;
    }
    out->jsd = out->rows ? sum / out->rows : 0;
    return 0;
}

static int by_jsd(const void *a, const void *b)
{
    const struct attention_change *x = a, *y = b;
    if (x->jsd != y->jsd)
        return (x->jsd < y->jsd) - (x->jsd > y->jsd);
    if (x->map != y->map)
        return (x->map > y->map) - (x->map < y->map);
    return x->layer != y->layer ? x->layer - y->layer : x->head - y->head;
}

static int count_heads(const struct trace *t)
{
    int n = 0;
    for (int k = 0; k < ATTN_COUNT; k++)
        n += trace_attention_layers(t, (enum attn_kind)k) *
             trace_attention_heads(t, (enum attn_kind)k);
    return n;
}

int attention_changes(const struct result *a, const struct result *b, struct attention_change **out,
                      int *count, struct vs_err *err)
{
    int rc = 0, n = 0, all = count_heads(a->trace);
    if (all == 0)
        return vs_fail(err, VS_E_MISSING, "a result was asked for without its attention");
    struct attention_change *list = xcalloc((size_t)all, sizeof *list);
    for (int k = 0; k < ATTN_COUNT; k++) {
        enum attn_kind map = (enum attn_kind)k;
        int heads = trace_attention_heads(a->trace, map);
        for (int l = 0; l < trace_attention_layers(a->trace, map); l++)
            for (int h = 0; h < heads && rc == 0 && n < all; h++)
                rc = attention_change_of(a, b, map, l, h, &list[n++], err);
    }
    if (rc != 0) {
        free(list);
        return rc;
    }
    vs_sort(list, (size_t)n, sizeof *list, by_jsd);
    *out = list;
    *count = n;
    return 0;
}

int attention_difference(const struct result *a, const struct result *b, enum attn_kind map,
                         int layer, int head, int b_row, int *rows, int *cols, float **out,
                         struct vs_err *err)
{
    float *pa, *pb;
    int rc = pair_of(a, b, map, layer, head, b_row, false, rows, cols, &pa, &pb, err);
    if (rc == 0)
        for (size_t i = 0; i < (size_t)*rows * (size_t)*cols; i++)
            pb[i] -= pa[i];
    free(pa);
    if (rc != 0)
        free(pb);
    else
        *out = pb;
    return rc;
}
