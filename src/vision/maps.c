/* SPDX-License-Identifier: MIT */
/* The memory of a run: maps are parts of one arena. A run is first planned, without computing: then
 * the size of the arena is known, and the same maps lie in the same places again. */
#include "src/vision/run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ALIGN 16 /* floats: a line of the cache */

/* The lowest gap between the blocks that is large enough; at: its place among them. */
static size_t find_gap(const struct run *r, size_t size, int *at)
{
    size_t start = 0;
    for (*at = 0; *at < r->block_count; ++*at) {
        const struct block *b = &r->blocks[*at];
        if (b->start - start >= size)
            break;
        start = b->start + b->size;
    }
    return start;
}

int run_new_rows(struct run *r, int rows, int c, struct map *out)
{
    int at;
    size_t size = ((size_t)rows * (size_t)c + ALIGN) / ALIGN * ALIGN;
    if (r->block_count == BLOCKS)
        return vs_fail(r->err, VS_E_LIMIT, "no room for a map of %dx%d", rows, c);
    size_t start = find_gap(r, size, &at), behind = (size_t)(r->block_count++ - at);
    memmove(r->blocks + at + 1, r->blocks + at, behind * sizeof *r->blocks);
    r->blocks[at] = (struct block){start, size};
    r->need = start + size > r->need ? start + size : r->need;
    *out = (struct map){r->plan ? NULL : r->d->arena + start, rows, 1, c, start};
    if (!r->plan && r->need > r->d->arena_size)
        return vs_fail(r->err, VS_E_LIMIT, "no memory for a map of %dx%d", rows, c);
    return 0;
}

int run_new_map(struct run *r, int h, int w, int c, struct map *out)
{
    int rc = run_new_rows(r, r->count * h * w, c, out);
    out->h = h;
    out->w = w;
    return rc;
}

void run_drop(struct run *r, struct map *m)
{
    for (int i = 0; m->c && i < r->block_count; i++)
        if (r->blocks[i].start == m->start) {
            memmove(r->blocks + i, r->blocks + i + 1,
                    (size_t)(--r->block_count - i) * sizeof *r->blocks);
            break;
        }
    *m = (struct map){0};
}

int run_device_failed(struct run *r)
{
    /* Of the host only memory can fail; what failed on a device is told when the run ends. */
    return vs_fail(r->err, VS_E_LIMIT, kern_is_host(r->d->k) ? "no memory for the detector"
                                                             : "the device failed");
}

/* ---- the trace */

const char *stage_name(struct trace_at at, char out[TRACE_NAME])
{
    static const char *const names[STAGE_COUNT] = {
        [STAGE_IMAGE] = "image", [STAGE_STEM] = "stem", [STAGE_C] = "c", [STAGE_P] = "p",
        [STAGE_RPN_LOGITS] = "rpn_logits", [STAGE_RPN_DELTAS] = "rpn_deltas",
        [STAGE_PROPOSALS] = "proposals", [STAGE_OBJECTNESS] = "objectness",
        [STAGE_POOLED] = "pooled", [STAGE_FC6] = "fc6", [STAGE_FC7] = "fc7",
        [STAGE_CLS_LOGITS] = "cls_logits", [STAGE_SCORES] = "scores",
        [STAGE_MAX_CONF] = "max_conf", [STAGE_LEVELS] = "levels", [STAGE_KEEP] = "keep",
        [STAGE_CONF] = "conf"};
    if (at.layer)
        snprintf(out, TRACE_NAME, "%s%d", names[at.site], at.layer);
    else
        snprintf(out, TRACE_NAME, "%s", names[at.site]);
    return out;
}

const struct trace_tensor *stage_of(const struct trace *t, enum detector_stage of)
{
    return trace_get(t, (struct trace_at){.kind = TRACE_STAGE, .site = (int)of});
}

/* Columns beyond w of a row of ld pixels are left out. */
static int keep_pixels(struct run *r, const float *x, int h, int w, int ld, int c,
                       struct trace_at at)
{
    int64_t shape[4] = {1, c, h, w};
    float *out = trace_add(r->trace, at, 4, shape);
    char name[TRACE_NAME];
    if (!out)
        return vs_fail(r->err, VS_E_LIMIT, "no memory for %s", stage_name(at, name));
    for (int y = 0; y < h; y++)
        for (int i = 0; i < w; i++)
            for (int j = 0; j < c; j++)
                out[((ptrdiff_t)j * h + y) * w + i] = x[((ptrdiff_t)y * ld + i) * c + j];
    return 0;
}

int run_keep_map(struct run *r, const struct map *m, enum detector_stage of, int level)
{
    struct trace_at at = {.kind = TRACE_STAGE, .site = (int)of, .layer = level};
    if (!r->trace)
        return 0;
    const float *x = kern_view(r->d->k, m->x, (size_t)m->h * (size_t)m->w * (size_t)m->c);
    return x ? keep_pixels(r, x, m->h, m->w, m->w, m->c, at) : run_device_failed(r);
}

/* Without the padding. */
int run_keep_picture(struct run *r)
{
    const struct picture *in = r->in;
    struct trace_at at = {.kind = TRACE_STAGE, .site = STAGE_IMAGE};
    return r->trace ? keep_pixels(r, in->map.x, in->h, in->w, in->map.w, 3, at) : 0;
}

int run_keep_rows(struct run *r, const float *x, int rows, int columns, enum detector_stage of)
{
    struct trace_at at = {.kind = TRACE_STAGE, .site = (int)of};
    char name[TRACE_NAME];
    int64_t shape[2] = {rows, columns};
    float *out = r->trace ? trace_add(r->trace, at, columns ? 2 : 1, shape) : NULL;
    if (r->trace && !out)
        return vs_fail(r->err, VS_E_LIMIT, "no memory for %s", stage_name(at, name));
    if (out)
        memcpy(out, x, (size_t)rows * (size_t)(columns ? columns : 1) * sizeof *out);
    return 0;
}

int run_keep_all(struct run *r, const struct map *m, enum detector_stage of)
{
    if (!r->trace)
        return 0;
    const float *x = kern_view(r->d->k, m->x, (size_t)m->h * (size_t)m->c);
    return x ? run_keep_rows(r, x, m->h, m->c, of) : run_device_failed(r);
}
