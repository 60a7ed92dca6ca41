/* SPDX-License-Identifier: MIT */
/* Attention maps: one head, the mean, the maximum, the rollout. */
#include "src/study/look.h"

#include "src/base/mem.h"
#include "src/study/headstats.h"
#include "src/study/rollout.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int look_row(const struct result *r, enum net_stream s, bool token, int number)
{
    bool there = token ? stream_table[s].tokens : stream_table[s].regions;
    return r->trace ? trace_row(r->trace, s, token, number) : there ? number : -1;
}

int look_regions(const struct result *r, int image)
{
    return 1 + r->images[image].region_count + r->images[image].candidate_count;
}

int look_batch(const struct result *r, int image)
{
    for (int i = 0; i < r->batch * r->rows; i++)
        if (r->sources[i].image == image)
            return i / r->rows;
    return 0;
}

int look_place(const struct result *r, int b, int image, int region)
{
    for (int i = 0; i < r->rows; i++) {
        struct result_source s = r->sources[b * r->rows + i];
        if (s.image == image && s.region == region)
            return i;
    }
    return -1;
}

/* ---- maps */

static float *max_map(const struct result *r, enum attn_kind kind, int layer, int b, int rows,
                      int cols)
{
    size_t n = (size_t)rows * (size_t)cols;
    float *out = xcalloc(n + 1, sizeof *out), *one = xcalloc(n + 1, sizeof *one);
    int heads = trace_attention_heads(r->trace, kind);
    for (int h = 0; h < heads; h++) {
        trace_attention(r->trace, kind, layer, b, h, &rows, &cols, one);
        for (size_t i = 0; i < n; i++)
            out[i] = fmaxf(out[i], one[i]);
    }
    free(one);
    return out;
}

int look_set(uint32_t heads)
{
    return LOOK_ROLLOUT - (int)(heads & ((1u << LOOK_SET_HEADS) - 1));
}

uint32_t look_set_heads(int head)
{
    return head < LOOK_ROLLOUT ? (uint32_t)(LOOK_ROLLOUT - head) : 0;
}

void look_set_name(uint32_t heads, char *out, size_t size)
{
    size_t n = (size_t)snprintf(out, size, "heads ");
    for (int h = 0; h < LOOK_SET_HEADS; h++)
        if (heads >> h & 1 && n < size)
            n += (size_t)snprintf(out + n, size - n, "%s%d", out[n - 1] == ' ' ? "" : ",", h + 1);
}

/* Bits of heads that there are not count for nothing; none at all is no weight. */
static float *set_map(const struct result *r, enum attn_kind kind, int layer, int b, uint32_t heads,
                      int rows, int cols)
{
    size_t n = (size_t)rows * (size_t)cols;
    float *out = xcalloc(n + 1, sizeof *out), *one = xcalloc(n + 1, sizeof *one);
    int count = 0;
    for (int h = 0; h < trace_attention_heads(r->trace, kind) && h < LOOK_SET_HEADS; h++) {
        if (!(heads >> h & 1))
            continue;
        trace_attention(r->trace, kind, layer, b, h, &rows, &cols, one);
        for (size_t i = 0; i < n; i++)
            out[i] += one[i];
        count++;
    }
    for (size_t i = 0; i < n && count; i++)
        out[i] /= (float)count;
    free(one);
    return out;
}

bool look_map(const struct result *r, enum attn_kind kind, int layer, int b, int head, int *rows,
              int *cols, float **out)
{
    if (!r || !r->trace ||
        !trace_attention(r->trace, kind, layer, b, head < 0 ? -1 : head, rows, cols, NULL))
        return false;
    if (head == LOOK_MAX) {
        *out = max_map(r, kind, layer, b, *rows, *cols);
    } else if (head == LOOK_ROLLOUT) {
        *out = rollout_map(r->trace, kind, layer, b, *rows, *cols);
    } else if (look_set_heads(head)) {
        *out = set_map(r, kind, layer, b, look_set_heads(head), *rows, *cols);
    } else {
        *out = xcalloc((size_t)*rows * (size_t)*cols + 1, sizeof **out);
        trace_attention(r->trace, kind, layer, b, head < 0 ? -1 : head, rows, cols, *out);
    }
    return true;
}

int look_focused_layer(const struct result *r, enum attn_kind kind)
{
    int layers = r ? trace_attention_layers(r->trace, kind) : 0, best = 0, rows, cols;
    double least = INFINITY;
    for (int l = 0; l < layers; l++) {
        float *map = NULL;
        double sum = 0;
        if (!look_map(r, kind, l, 0, LOOK_MEAN, &rows, &cols, &map))
            continue;
        for (int i = 0; i < rows; i++)
            sum += stats_entropy(map + (ptrdiff_t)i * cols, cols) / rows;
        if (sum < least) {
            least = sum;
            best = l;
        }
        free(map);
    }
    return best;
}

/* ---- on an image */

static bool holds_image(const struct result *r, int b, int image)
{
    for (int i = 0; i < r->rows; i++)
        if (r->sources[b * r->rows + i].image == image)
            return true;
    return false;
}

enum attn_kind look_image_map(const struct result *r, enum attn_kind kind)
{
    bool image = attn_joins(kind, true, false) || attn_joins(kind, false, true) ||
                 attn_joins(kind, false, false);
    enum attn_kind other = trace_map_between(r ? r->trace : NULL, true, false);
    return image ? kind : other < ATTN_COUNT ? other : family_default()->maps[0];
}

bool look_source_is_token(enum attn_kind kind, int token)
{
    bool takes = attn_joins(kind, true, false) || attn_joins(kind, false, true);
    return takes && (token >= 0 || !attn_joins(kind, false, false));
}

/* A row of the batch may hold regions of two images (NLVR2), an image rows of two of them. */
bool look_at_image(const struct result *r, int image, enum attn_kind kind, bool token, int source,
                   int layer, int head, float *out)
{
    int rows, cols, n = look_regions(r, image);
    enum net_stream from = attn_table[kind].from, to = attn_table[kind].to;
    bool asks = attn_joins(kind, token, false), any = false; /* else it is looked at */
    memset(out, 0, (size_t)n * sizeof *out);
    for (int b = 0; b < r->batch && (asks || attn_joins(kind, false, token)); b++) {
        float *map = NULL;
        int at = trace_row(r->trace, asks ? from : to, token,
                           token ? source : look_place(r, b, image, source));
        if (at < 0 || !holds_image(r, b, image) ||
            !look_map(r, kind, layer, b, head, &rows, &cols, &map))
            continue;
        for (int i = 0; i < r->rows; i++) {
            struct result_source s = r->sources[b * r->rows + i];
            int region = trace_row(r->trace, asks ? to : from, false, i);
            int row = asks ? at : region, col = asks ? region : at;
            if (s.image != image || s.region >= n || region < 0 || row >= rows || col >= cols)
                continue;
            out[s.region] += map[(ptrdiff_t)row * cols + col];
            any = true;
        }
        free(map);
    }
    return any;
}

void look_heat(const struct result *r, int image, const float *weights, double x, double y,
               double scale, float top, int w, int h, float *heat)
{
    const struct result_image *im = &r->images[image];
    int n = look_regions(r, image);
    memset(heat, 0, (size_t)w * (size_t)h * sizeof *heat);
    for (int i = 1; i < n && top > 0; i++) {
        const float *b = im->boxes + 4 * (i - 1);
        float v = weights[i] / top;
        int x1 = (int)((b[0] - x) * scale), y1 = (int)((b[1] - y) * scale);
        int x2 = (int)((b[2] - x) * scale), y2 = (int)((b[3] - y) * scale);
        for (int j = y1 < 0 ? 0 : y1; j <= y2 && j < h; j++)
            for (int k = x1 < 0 ? 0 : x1; k <= x2 && k < w; k++)
                if (fabsf(heat[(ptrdiff_t)j * w + k]) < fabsf(v))
                    heat[(ptrdiff_t)j * w + k] = v;
    }
}

/* ---- sums and differences */

void look_flow(const float *map, int rows, int cols, int at, bool along_row, float *out, int n)
{
    int others = along_row ? rows : cols;
    for (int i = 0; map && i < n && i < (along_row ? cols : rows); i++)
        for (int j = 0; j < others; j++) {
            float x = along_row ? map[(ptrdiff_t)j * cols + i] : map[(ptrdiff_t)i * cols + j];
            out[i] += at < 0 ? x / (float)others : j == at ? x : 0;
        }
}

/* Of one map; negative when they do not fit. */
static double map_moved(const struct result *a, const struct result *b, enum attn_kind kind,
                        int layer, int row, int head)
{
    float *x = NULL, *y = NULL;
    int rows, cols, rows_y, cols_y;
    double moved = -1;
    if (look_map(a, kind, layer, row, head, &rows, &cols, &x) &&
        look_map(b, kind, layer, row, head, &rows_y, &cols_y, &y) && rows == rows_y &&
        cols == cols_y)
        moved = stats_difference(x, y, rows * cols);
    free(x);
    free(y);
    return moved;
}

double look_moved(const struct result *a, const struct result *b, enum attn_kind kind, int first,
                  int last)
{
    int layers = trace_attention_layers(b->trace, kind), n = 0;
    int heads = trace_attention_heads(b->trace, kind);
    double sum = 0;
    for (int row = first; row <= last; row++)
        for (int i = 0; i < layers * heads; i++) {
            double x = map_moved(a, b, kind, i / heads, row, i % heads);
            sum += x >= 0 ? x : 0;
            n += x >= 0;
        }
    return n ? sum / n : -1;
}
