/* SPDX-License-Identifier: MIT */
/* Attributions by attention maps alone: rollout, and what one map shows. */
#include "src/study/attribution_priv.h"

#include "src/base/mem.h"
#include "src/study/rollout.h"

#include <stdlib.h>
#include <string.h>

/* Calls read for each image of the target, with the maps of a pass. */
static int attention_run(struct attributing *a,
                         void (*read)(struct attributing *a, const struct trace *pass, int b,
                                      double *tokens, double *regions),
                         struct vs_err *err)
{
    struct trace *pass = NULL;
    int rc = attribution_pass(a, true, &pass, err);
    for (int b = 0; b < a->in.batch && rc == 0; b++)
        read(a, pass, b, a->out->of_tokens + (ptrdiff_t)b * a->out->tokens,
             a->out->of_regions + (ptrdiff_t)b * a->out->regions);
    trace_free(pass);
    return rc;
}

/* ---- rollout */

/* The rows that the target is read from: those of its terms, or the first of every stream. */
static void read_rollout(struct attributing *a, const struct trace *pass, int b, double *tokens,
                         double *regions)
{
    enum output_rows of = output_table[a->target.output].rows;
    bool kind = of == ROWS_TOKENS, one = of == ROWS_TOKENS || of == ROWS_REGIONS;
    for (int s = 0; s < STREAM_COUNT; s++)
        for (int i = 0; i < (one ? a->target.count : 1); i++) {
            enum net_stream stream = (enum net_stream)s;
            int row = one ? trace_row(pass, stream, kind, a->target.terms[i].row) : 0;
            if (row >= 0 && (!one || a->target.terms[i].weight > 0))
                rollout_row(pass, stream, row, b, tokens, regions);
        }
}

int attribution_rollout(struct attributing *a, struct vs_err *err)
{
    return attention_run(a, read_rollout, err);
}

/* ---- raw attention */

/* Whether a row of a map is asked where it looks: words but [CLS] and [SEP], regions but the whole
 * image; of a target on regions the target's own. */
static bool *attention_rows(const struct attributing *a, int b, bool tokens, int count)
{
    const struct removing what = attribution_removing(a, tokens);
    bool *out = xcalloc((size_t)count + 1, sizeof *out), own = false;
    int n;
    for (int i = 0; i < a->target.count; i++) {
        int row = a->target.terms[i].row;
        if (tokens || output_table[a->target.output].rows != ROWS_REGIONS || row >= count)
            continue;
        out[row] |= a->target.terms[i].weight > 0;
        own = true;
    }
    struct removable *list = removal_order(&what, NULL, &n);
    for (int i = 0; i < n && !own; i++)
        if (list[i].image < 0 || list[i].image == b)
            out[tokens ? net_token_row(a->net, list[i].index) : list[i].index] = true;
    free(list);
    return out;
}

/* to (cols of one kind) = the mean of the rows of one kind that are asked. */
static void attention_means(const struct trace *pass, enum attn_kind kind, const float *whole,
                            int rows, int cols, const bool *asked, bool from, bool to, double *out)
{
    size_t n = (size_t)rows * (size_t)cols;
    float *map = xcalloc(n + 1, sizeof *map);
    int count = 0;
    memcpy(map, whole, n * sizeof *map);
    trace_block(pass, kind, from, to, map, &rows, &cols);
    for (int i = 0; i < rows; i++)
        count += asked[i];
    for (int i = 0; i < rows; i++)
        for (int j = 0; asked[i] && j < cols; j++)
            out[j] += (double)map[(ptrdiff_t)i * cols + j] / count;
    free(map);
}

/* Of one map, the columns of a kind; from: which rows are asked. */
static void attention_read(const struct attributing *a, const struct trace *pass,
                           enum attn_kind kind, int b, bool from, bool to, double *out)
{
    const struct attribution_how *how = &a->out->how;
    int rows, cols, layers = trace_attention_layers(pass, kind);
    int layer = how->layer < 0 ? layers - 1 : how->layer;
    if (!attn_joins(kind, from, to) ||
        !trace_attention(pass, kind, layer, b, how->head, &rows, &cols, NULL))
        return;
    float *map = xcalloc((size_t)rows * (size_t)cols + 1, sizeof *map);
    bool *asked = attention_rows(a, b, from, from ? pass->tokens : pass->regions);
    trace_attention(pass, kind, layer, b, how->head, &rows, &cols, map);
    attention_means(pass, kind, map, rows, cols, asked, from, to, out);
    free(asked);
    free(map);
}

static void read_attention(struct attributing *a, const struct trace *pass, int b, double *tokens,
                           double *regions)
{
    enum attn_kind map = a->out->how.map;
    if (map == ATTN_COUNT) { /* from words to regions, and back */
        attention_read(a, pass, trace_map_between(pass, true, false), b, true, false, regions);
        attention_read(a, pass, trace_map_between(pass, false, true), b, false, true, tokens);
        return;
    }
    for (int i = 0; i < 2; i++) { /* rows of tokens, then of regions */
        attention_read(a, pass, map, b, i == 0, true, tokens);
        attention_read(a, pass, map, b, i == 0, false, regions);
    }
}

int attribution_attention(struct attributing *a, struct vs_err *err)
{
    return attention_run(a, read_attention, err);
}
