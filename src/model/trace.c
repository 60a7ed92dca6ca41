/* SPDX-License-Identifier: MIT */
/* What a forward pass leaves behind. */
#include "src/model/trace.h"

#include "src/base/mem.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

float *trace_add(struct trace *t, struct trace_at at, int ndim, const int64_t *shape)
{
    size_t n = 1;
    t->tensors = xreallocarray(t->tensors, (size_t)t->count + 1, sizeof *t->tensors);
    struct trace_tensor *x = &t->tensors[t->count];
    *x = (struct trace_tensor){.at = at, .ndim = ndim};
    for (int i = 0; i < ndim; i++) {
        x->shape[i] = shape[i];
        n = vs_times(n, (size_t)shape[i]);
    }
    x->data = vs_try_calloc(n + 1, sizeof *x->data);
    if (!x->data)
        return NULL;
    t->count++;
    return x->data;
}

static bool trace_has_stream(enum trace_kind k)
{
    return k == TRACE_STATE || k == TRACE_ATTENDED || k == TRACE_FED;
}

bool trace_at_same(struct trace_at a, struct trace_at b)
{
    return a.kind == b.kind && a.site == b.site && a.layer == b.layer &&
           (!trace_has_stream(a.kind) || a.stream == b.stream);
}

enum trace_kind trace_of_site(enum net_site site)
{
    return site == SITE_ATTENTION ? TRACE_ATTENDED : site == SITE_FEED ? TRACE_FED : TRACE_STATE;
}

bool trace_is_state(struct trace_at at, bool tokens)
{
    const struct stream_names *s = &stream_table[at.stream];
    return at.kind == TRACE_STATE && (tokens ? s->tokens : s->regions);
}

size_t trace_numbers(const struct trace_tensor *x)
{
    size_t n = 1;
    for (int d = 0; d < x->ndim; d++)
        n *= (size_t)x->shape[d];
    return n;
}

const struct trace_tensor *trace_get(const struct trace *t, struct trace_at at)
{
    for (int i = 0; t && i < t->count; i++)
        if (trace_at_same(t->tensors[i].at, at))
            return &t->tensors[i];
    return NULL;
}

const struct trace_tensor *trace_output(const struct trace *t, enum net_output out)
{
    return trace_get(t, (struct trace_at){.kind = TRACE_OUTPUT, .site = (int)out});
}

const struct trace_tensor *trace_head(const struct trace *t, unsigned head)
{
    for (int i = 0; t && i < t->count; i++) {
        const struct trace_tensor *x = &t->tensors[i];
        if (x->at.kind == TRACE_OUTPUT && output_table[x->at.site].head == (enum net_head)head)
            return x;
    }
    return NULL;
}

static bool trace_is_match(const struct trace_tensor *x)
{
    return x->at.kind == TRACE_OUTPUT && output_table[x->at.site].head == HEAD_MATCH &&
           x->ndim == 2;
}

int trace_score_count(const struct trace_tensor *x)
{
    return trace_is_match(x) ? (int)x->shape[0] : (int)trace_numbers(x);
}

void trace_scores(const struct trace_tensor *x, int first, int n, float *out)
{
    bool match = trace_is_match(x);
    for (int i = 0; i < n; i++)
        out[i] = match ? x->data[2 * (first + i)] - x->data[2 * (first + i) + 1]
                       : x->data[first + i];
}

void trace_free(struct trace *t)
{
    if (!t)
        return;
    for (int i = 0; i < t->count; i++)
        free(t->tensors[i].data);
    free(t->tensors);
    free(t);
}

/* ---- names */

/* A state's layer and stream, or "embeddings" and the stream. */
static void name_state(struct trace_at at, const char *word, char out[TRACE_NAME])
{
    const struct part_names *p = &part_table[at.site];
    const char *stream = stream_table[at.stream].key;
    if (!p->layer)
        snprintf(out, TRACE_NAME, "%s.%s.%s", word, p->key, stream);
    else
        snprintf(out, TRACE_NAME, "%s.%s.%d%s%s", word, p->key, at.layer, p->streams ? "." : "",
                 p->streams ? stream : "");
}

static const char *const input_names[] = {"tokens", "features", "spatials"};

const char *trace_name(struct trace_at at, char out[TRACE_NAME])
{
    const struct attn_names *map = &attn_table[at.kind == TRACE_MAP ? at.site : 0];
    switch (at.kind) {
    case TRACE_OUTPUT: snprintf(out, TRACE_NAME, "%s", output_table[at.site].name); break;
    case TRACE_STATE: name_state(at, "hid", out); break;
    case TRACE_ATTENDED: name_state(at, "add.attention", out); break;
    case TRACE_FED: name_state(at, "add.feed", out); break;
    case TRACE_MAP:
        snprintf(out, TRACE_NAME, "attn.%s.%d%s", part_table[map->part].key, at.layer, map->tail);
        break;
    case TRACE_INPUT: snprintf(out, TRACE_NAME, "in.%s", input_names[at.site]); break;
    case TRACE_STAGE: snprintf(out, TRACE_NAME, "stage %d.%d", at.site, at.layer); break;
    }
    return out;
}

/* What follows `word` and a dot at *at, or NULL. */
static const char *after(const char *at, const char *word)
{
    size_t n = strlen(word);
    return n > 0 && strncmp(at, word, n) == 0 && at[n] == '.' ? at + n + 1 : NULL;
}

/* The layer, and what is behind it; NULL when there is none. */
static const char *read_layer(const char *at, int *layer)
{
    int digits = 0;
    for (*layer = 0; isdigit((unsigned char)at[digits]); digits++) {
        if (digits == 9)
            return NULL;
        *layer = 10 * *layer + (at[digits] - '0');
    }
    return digits ? at + digits : NULL;
}

static bool parse_map(const char *at, struct trace_at *out)
{
    for (int i = 0; i < ATTN_COUNT; i++) {
        int layer = 0;
        const char *rest = after(at, part_table[attn_table[i].part].key);
        rest = rest ? read_layer(rest, &layer) : NULL;
        if (rest && strcmp(rest, attn_table[i].tail) == 0) {
            *out = (struct trace_at){.kind = TRACE_MAP, .site = i, .layer = layer};
            return true;
        }
    }
    return false;
}

static bool parse_stream(const char *key, struct trace_at *out)
{
    for (int i = 0; i < STREAM_COUNT; i++)
        if (strcmp(stream_table[i].key, key) == 0) {
            out->stream = (enum net_stream)i;
            return true;
        }
    return false;
}

static bool parse_state(const char *at, struct trace_at *out)
{
    for (int i = 0; i < PART_COUNT; i++) {
        const struct part_names *p = &part_table[i];
        const char *rest = after(at, p->key);
        *out = (struct trace_at){.kind = TRACE_STATE, .site = i};
        if (rest && p->layer)
            rest = read_layer(rest, &out->layer);
        if (rest && p->layer && p->streams)
            rest = *rest == '.' ? rest + 1 : NULL;
        if (rest && (p->streams ? parse_stream(rest, out)
                                : *rest == '\0' && parse_stream(p->key, out)))
            return true;
    }
    return false;
}

bool trace_at_parse(const char *name, struct trace_at *out)
{
    const char *map = after(name, "attn"), *state = after(name, "hid");
    if (map)
        return parse_map(map, out);
    if (state)
        return parse_state(state, out);
    for (int i = 0; i < OUT_COUNT; i++)
        if (strcmp(output_table[i].name, name) == 0) {
            *out = (struct trace_at){.kind = TRACE_OUTPUT, .site = i};
            return true;
        }
    return false;
}

const struct trace_tensor *trace_find(const struct trace *t, const char *name)
{
    char own[TRACE_NAME];
    for (int i = 0; t && i < t->count; i++)
        if (strcmp(trace_name(t->tensors[i].at, own), name) == 0)
            return &t->tensors[i];
    return NULL;
}

int trace_write(const struct trace *t, bool maps_only, const char *path, struct vs_err *err)
{
    struct tensor_out *list = xcalloc((size_t)t->count + 1, sizeof *list);
    char (*names)[TRACE_NAME] = xcalloc((size_t)t->count + 1, sizeof *names);
    int n = 0;
    for (int i = 0; i < t->count; i++) {
        const struct trace_tensor *x = &t->tensors[i];
        if (maps_only && x->at.kind != TRACE_MAP)
            continue;
        list[n] = (struct tensor_out){.name = trace_name(x->at, names[n]), .dtype = DTYPE_F32,
                                      .ndim = x->ndim, .data = x->data};
        memcpy(list[n++].shape, x->shape, sizeof x->shape);
    }
    int rc = safetensors_write(path, list, n, err);
    free(names);
    free(list);
    return rc;
}

void trace_describe(struct trace_at at, char *out, size_t size)
{
    if (at.kind == TRACE_STATE && at.site == PART_EMBEDDINGS)
        snprintf(out, size, "the embedding of the %s", stream_table[at.stream].what);
    else if (trace_has_stream(at.kind))
        snprintf(out, size, "%s layer %d", part_table[at.site].layer, at.layer);
    else if (at.kind == TRACE_MAP)
        snprintf(out, size, "%s attention of layer %d",
                 part_table[attn_table[at.site].part].layer, at.layer);
    else if (at.kind == TRACE_INPUT)
        snprintf(out, size, "the input");
    else
        snprintf(out, size, "the output");
}

void trace_depth(struct trace_at at, bool within, char out[TRACE_DEPTH])
{
    const struct part_names *p = &part_table[at.site];
    if (!p->layer)
        snprintf(out, TRACE_DEPTH, "%s", p->word);
    else
        snprintf(out, TRACE_DEPTH, "%s %d", within && !p->streams ? "layer" : p->word,
                 at.layer + 1);
}

/* ---- numbers that are none */

const struct trace_tensor *trace_not_finite(const struct trace *t)
{
    for (int i = 0; i < t->count; i++)
        if (!kern_is_finite(t->tensors[i].data, trace_numbers(&t->tensors[i])))
            return &t->tensors[i];
    return NULL;
}

/* ---- images of a trace, and of several */

/* Numbers of one entry of the first dimension. */
static size_t step_of(const struct trace_tensor *x)
{
    size_t n = 1;
    for (int d = 1; d < x->ndim; d++)
        n *= (size_t)x->shape[d];
    return n;
}

int trace_append(struct trace *a, const struct trace *b, struct vs_err *err)
{
    char name[TRACE_NAME];
    for (int i = 0; i < a->count; i++) {
        struct trace_tensor *x = &a->tensors[i];
        const struct trace_tensor *y = trace_get(b, x->at);
        size_t n = step_of(x), had = (size_t)x->shape[0] * n;
        if (!y || y->ndim != x->ndim || step_of(y) != n)
            return vs_fail(err, VS_E_FORMAT, "parts of a pass differ in %s",
                           trace_name(x->at, name));
        float *all = vs_try_calloc(had + (size_t)y->shape[0] * n + 1, sizeof *all);
        if (!all)
            return vs_fail(err, VS_E_LIMIT, "no memory for %s", trace_name(x->at, name));
        memcpy(all, x->data, had * sizeof *all);
        memcpy(all + had, y->data, (size_t)y->shape[0] * n * sizeof *all);
        free(x->data);
        x->data = all;
        x->shape[0] += y->shape[0];
    }
    a->batch += b->batch;
    a->ms += b->ms;
    return 0;
}

/* Rows of one tensor; those of pairs are half as many. A row of the numbers of regions is cut. */
static int add_part(struct trace *to, const struct trace *t, const struct trace_tensor *x,
                    int first)
{
    int64_t shape[4] = {x->shape[0] * to->batch / t->batch, x->shape[1], x->shape[2], x->shape[3]};
    int64_t from = x->shape[0] * first / t->batch;
    size_t n = step_of(x), own = n;
    if (x->at.kind == TRACE_OUTPUT && output_table[x->at.site].rows == ROWS_REGIONS) {
        shape[1] = to->regions;
        own = n / (size_t)t->regions * (size_t)to->regions;
    }
    float *y = trace_add(to, x->at, x->ndim, shape);
    for (int64_t i = 0; y && i < shape[0]; i++)
        memcpy(y + (size_t)i * own, x->data + (size_t)(from + i) * n, own * sizeof *y);
    return y ? 0 : -1;
}

int trace_part(const struct trace *t, int first, int batch, int regions, struct trace **out,
               struct vs_err *err)
{
    struct trace *part = xcalloc(1, sizeof *part);
    char name[TRACE_NAME];
    *part = (struct trace){.batch = batch, .tokens = t->tokens, .regions = regions};
    for (int i = 0; i < t->count; i++)
        if (add_part(part, t, &t->tensors[i], first) != 0) {
            trace_free(part);
            return vs_fail(err, VS_E_LIMIT, "no memory for %s",
                           trace_name(t->tensors[i].at, name));
        }
    *out = part;
    return 0;
}

/* ---- rows */

int trace_rows(const struct trace *t, enum net_stream s, bool tokens, int *first)
{
    const struct stream_names *x = &stream_table[s];
    *first = !tokens && x->tokens ? t->tokens : 0;
    if (tokens)
        return x->tokens ? t->tokens : 0;
    return x->regions ? t->regions : 0;
}

struct trace_place trace_place(const struct trace *t, enum net_stream s, int row)
{
    int first, tokens = trace_rows(t, s, true, &first);
    return row < tokens || !stream_table[s].regions ? (struct trace_place){true, row}
                                                    : (struct trace_place){false, row - tokens};
}

int trace_row(const struct trace *t, enum net_stream s, bool token, int number)
{
    int first, n = trace_rows(t, s, token, &first);
    return number >= 0 && number < n ? first + number : -1;
}

/* ---- attention maps */

static const struct trace_tensor *find_map(const struct trace *t, enum attn_kind kind, int layer)
{
    return trace_get(t, (struct trace_at){.kind = TRACE_MAP, .site = (int)kind, .layer = layer});
}

bool trace_attention(const struct trace *t, enum attn_kind kind, int layer, int b, int head,
                     int *rows, int *cols, float *out)
{
    const struct trace_tensor *x = layer < 0 ? NULL : find_map(t, kind, layer);
    if (!x || b < 0 || b >= x->shape[0] || head >= x->shape[1])
        return false;
    size_t n = (size_t)x->shape[2] * (size_t)x->shape[3];
    int first = head < 0 ? 0 : head, last = head < 0 ? (int)x->shape[1] - 1 : head;
    *rows = (int)x->shape[2];
    *cols = (int)x->shape[3];
    if (!out)
        return true;
    memset(out, 0, n * sizeof *out);
    for (int h = first; h <= last; h++) {
        const float *p = x->data + ((size_t)b * (size_t)x->shape[1] + (size_t)h) * n;
        for (size_t i = 0; i < n; i++)
            out[i] += p[i] / (float)(last - first + 1);
    }
    return true;
}

int trace_attention_layers(const struct trace *t, enum attn_kind kind)
{
    int n = 0;
    while (find_map(t, kind, n))
        n++;
    return n;
}

int trace_attention_heads(const struct trace *t, enum attn_kind kind)
{
    const struct trace_tensor *x = find_map(t, kind, 0);
    return x ? (int)x->shape[1] : 0;
}

bool attn_joins(enum attn_kind kind, bool from_tokens, bool to_tokens)
{
    const struct stream_names *from = &stream_table[attn_table[kind].from];
    const struct stream_names *to = &stream_table[attn_table[kind].to];
    return (from_tokens ? from->tokens : from->regions) && (to_tokens ? to->tokens : to->regions);
}

enum attn_kind trace_map_between(const struct trace *t, bool from_tokens, bool to_tokens)
{
    int i = 0;
    while (i < ATTN_COUNT && !(find_map(t, (enum attn_kind)i, 0) &&
                               attn_joins((enum attn_kind)i, from_tokens, to_tokens)))
        i++;
    return (enum attn_kind)i;
}

/* Whether rows or columns are of both kinds. */
static bool attn_is_mixed(enum attn_kind kind)
{
    const struct stream_names *from = &stream_table[attn_table[kind].from];
    const struct stream_names *to = &stream_table[attn_table[kind].to];
    return (from->tokens && from->regions) || (to->tokens && to->regions);
}

void trace_block(const struct trace *t, enum attn_kind kind, bool from_tokens, bool to_tokens,
                 float *map, int *rows, int *cols)
{
    int row, col, n = trace_rows(t, attn_table[kind].from, from_tokens, &row);
    int m = trace_rows(t, attn_table[kind].to, to_tokens, &col), width = *cols;
    if (row + n > *rows || col + m > *cols || (n == *rows && m == *cols) ||
        !attn_is_mixed(kind))
        return;
    for (int i = 0; i < n; i++)
        memmove(map + (ptrdiff_t)i * m, map + (ptrdiff_t)(row + i) * width + col,
                (size_t)m * sizeof *map);
    *rows = n;
    *cols = m;
}
