/* Attention maps: one head, the mean, the maximum, the rollout. */
#include "src/study/look.h"

#include "src/base/mem.h"
#include "src/study/headstats.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool look_rows_are_tokens(enum attn_kind k)
{
    return k == ATTN_TEXT || k == ATTN_TEXT_TO_IMAGE;
}

bool look_cols_are_tokens(enum attn_kind k)
{
    return k == ATTN_TEXT || k == ATTN_IMAGE_TO_TEXT;
}

const char *look_kind_name(enum attn_kind kind)
{
    static const char *const names[] = {
        [ATTN_TEXT] = "text to text",
        [ATTN_VISUAL] = "image to image",
        [ATTN_TEXT_TO_IMAGE] = "text to image",
        [ATTN_IMAGE_TO_TEXT] = "image to text",
    };
    return names[kind];
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

/* ---- rollout (Abnar and Zuidema, Quantifying Attention Flow in Transformers, ACL 2020), over both
 * streams */

/* Both streams' states as mixtures of what came in: tokens and regions, n in all. */
struct rollout {
    int tokens, regions, n;
    double *t, *v; /* (tokens, n), (regions, n) */
};

/* out = (x + map y) / 2: each of `rows` rows keeps half, and takes half from where it looks. */
static void step(const double *x, const float *map, const double *y, int rows, int cols, int n,
                 double *out)
{
    for (int i = 0; i < rows; i++) {
        double *o = out + (ptrdiff_t)i * n;
        for (int k = 0; k < n; k++)
            o[k] = x[(ptrdiff_t)i * n + k] / 2;
        for (int j = 0; j < cols; j++)
            for (int k = 0; k < n; k++)
                o[k] += (double)map[(ptrdiff_t)i * cols + j] * y[(ptrdiff_t)j * n + k] / 2;
    }
}

static float *mean_map(const struct result *r, enum attn_kind kind, int layer, int b, int *rows,
                       int *cols)
{
    if (!trace_attention(r->trace, kind, layer, b, -1, rows, cols, NULL))
        return NULL;
    float *x = xcalloc((size_t)*rows * (size_t)*cols + 1, sizeof *x);
    trace_attention(r->trace, kind, layer, b, -1, rows, cols, x);
    return x;
}

static void roll_self(const struct result *r, struct rollout *s, bool text, int layer, int b)
{
    int rows, cols;
    double **x = text ? &s->t : &s->v;
    float *map = mean_map(r, text ? ATTN_TEXT : ATTN_VISUAL, layer, b, &rows, &cols);
    if (!map)
        return;
    double *out = xcalloc((size_t)rows * (size_t)s->n, sizeof *out);
    step(*x, map, *x, rows, cols, s->n, out);
    free(*x);
    *x = out;
    free(map);
}

static void roll_co(const struct result *r, struct rollout *s, int layer, int b)
{
    int rows, cols;
    float *tv = mean_map(r, ATTN_TEXT_TO_IMAGE, layer, b, &rows, &cols);
    float *vt = mean_map(r, ATTN_IMAGE_TO_TEXT, layer, b, &rows, &cols);
    double *t = xcalloc((size_t)s->tokens * (size_t)s->n, sizeof *t);
    double *v = xcalloc((size_t)s->regions * (size_t)s->n, sizeof *v);
    if (tv && vt) {
        step(s->t, tv, s->v, s->tokens, s->regions, s->n, t);
        step(s->v, vt, s->t, s->regions, s->tokens, s->n, v);
        free(s->t);
        free(s->v);
        s->t = t;
        s->v = v;
    } else {
        free(t);
        free(v);
    }
    free(tv);
    free(vt);
}

/* Whether the trace's tensor is the map of this kind and layer. */
static bool is_map(const char *name, enum attn_kind kind, int layer)
{
    char want[32];
    const char *fmt = kind == ATTN_TEXT ? "attn.t.%d" : kind == ATTN_VISUAL ? "attn.v.%d"
                      : kind == ATTN_TEXT_TO_IMAGE ? "attn.c.%d.1" : "attn.c.%d.2";
    snprintf(want, sizeof want, fmt, layer);
    return strcmp(name, want) == 0;
}

/* The trace holds the maps in the order in which the layers ran: up to the wanted one, its own step
 * included. A co-attention's two maps are one step, whichever comes first. */
static void roll(const struct result *r, struct rollout *s, enum attn_kind kind, int layer, int b)
{
    const struct trace *t = r->trace;
    int joined = -1; /* the last co-attention that was taken in */
    for (int i = 0; i < t->count; i++) {
        const char *name = t->tensors[i].name;
        int number = 0;
        if (sscanf(name, "attn.t.%d", &number) == 1)
            roll_self(r, s, true, number, b);
        else if (sscanf(name, "attn.v.%d", &number) == 1)
            roll_self(r, s, false, number, b);
        else if (sscanf(name, "attn.c.%d.", &number) == 1 && number != joined) {
            roll_co(r, s, number, b);
            joined = number;
        }
        if (is_map(name, kind, layer))
            break;
    }
}

static float *rollout_map(const struct result *r, enum attn_kind kind, int layer, int b, int rows,
                          int cols)
{
    const struct trace *t = r->trace;
    struct rollout s = {.tokens = t->tokens, .regions = t->regions, .n = t->tokens + t->regions};
    s.t = xcalloc((size_t)s.tokens * (size_t)s.n + 1, sizeof *s.t);
    s.v = xcalloc((size_t)s.regions * (size_t)s.n + 1, sizeof *s.v);
    for (int i = 0; i < s.tokens; i++)
        s.t[(ptrdiff_t)i * s.n + i] = 1;
    for (int i = 0; i < s.regions; i++)
        s.v[(ptrdiff_t)i * s.n + s.tokens + i] = 1;
    roll(r, &s, kind, layer, b);
    float *out = xcalloc((size_t)rows * (size_t)cols + 1, sizeof *out);
    const double *from = look_rows_are_tokens(kind) ? s.t : s.v;
    int first = look_cols_are_tokens(kind) ? 0 : s.tokens;
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < cols; j++)
            out[(ptrdiff_t)i * cols + j] = (float)from[(ptrdiff_t)i * s.n + first + j];
    free(s.t);
    free(s.v);
    return out;
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
        *out = rollout_map(r, kind, layer, b, *rows, *cols);
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

/* A row of the batch may hold regions of two images (NLVR2), an image rows of two of them. */
bool look_at_image(const struct result *r, int image, enum attn_kind kind, int source, int layer,
                   int head, float *out)
{
    int rows, cols, n = look_regions(r, image);
    bool any = false;
    memset(out, 0, (size_t)n * sizeof *out);
    for (int b = 0; b < r->batch; b++) {
        float *map = NULL;
        int from = kind == ATTN_VISUAL ? look_place(r, b, image, source) : source;
        if (from < 0 || !holds_image(r, b, image) ||
            !look_map(r, kind, layer, b, head, &rows, &cols, &map))
            continue;
        for (int i = 0; i < r->rows; i++) {
            struct result_source s = r->sources[b * r->rows + i];
            int row = kind == ATTN_IMAGE_TO_TEXT ? i : from;
            int col = kind == ATTN_IMAGE_TO_TEXT ? from : i;
            if (s.image != image || s.region >= n || row >= rows || col >= cols)
                continue;
            out[s.region] += map[(ptrdiff_t)row * cols + col];
            any = true;
        }
        free(map);
    }
    return any && kind != ATTN_TEXT;
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
                if (heat[(ptrdiff_t)j * w + k] < v)
                    heat[(ptrdiff_t)j * w + k] = v;
    }
}
