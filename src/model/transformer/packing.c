/* SPDX-License-Identifier: MIT */
/* Packing the rows of a pass. */
#include "src/model/transformer/packing.h"

#include "src/base/mem.h"

#include <stdlib.h>

static bool packing_is_real(const int32_t *mask, int width, const struct net *text, int b, int i)
{
    int col = text ? net_input_token(text, i) : i;
    int columns = text && text->task_tokens ? width - 1 : width;
    return !mask || col < 0 || mask[(ptrdiff_t)b * columns + col] != 0;
}

void packing_make(struct packing *k, int batch, int width, const struct net *text,
                  const int32_t *mask, bool keep)
{
    *k = (struct packing){.batch = batch, .width = width};
    k->start = xcalloc((size_t)batch + 1, sizeof *k->start);
    k->pos = xcalloc((size_t)batch * (size_t)width, sizeof *k->pos);
    k->bias = xcalloc((size_t)batch * (size_t)width, sizeof *k->bias);
    bool masked = false;
    for (int b = 0; b < batch; b++) {
        /* What begins with padding is pooled from it: then it has to be computed. */
        bool all = keep || !packing_is_real(mask, width, text, b, 0);
        k->start[b] = k->rows;
        for (int i = 0; i < width; i++) {
            bool real = packing_is_real(mask, width, text, b, i);
            if (!real && !all)
                continue;
            k->bias[k->rows] = real ? 0 : PACKING_MASKED;
            masked |= !real;
            k->pos[k->rows++] = i;
        }
    }
    k->start[batch] = k->rows;
    if (!masked) {
        free(k->bias);
        k->bias = NULL;
    }
}

void packing_cut(const struct packing *k, int from, int to, struct packing *out, int32_t *index)
{
    size_t rows = (size_t)k->rows + 1;
    *out = (struct packing){.batch = k->batch, .width = to - from};
    out->start = xcalloc((size_t)k->batch + 1, sizeof *out->start);
    out->pos = xcalloc(rows, sizeof *out->pos);
    out->bias = k->bias ? xcalloc(rows, sizeof *out->bias) : NULL;
    for (int b = 0; b < k->batch; b++) {
        out->start[b] = out->rows;
        for (int r = k->start[b]; r < k->start[b + 1]; r++) {
            if (k->pos[r] < from || k->pos[r] >= to)
                continue;
            if (k->bias)
                out->bias[out->rows] = k->bias[r];
            if (index)
                index[out->rows] = r;
            out->pos[out->rows++] = k->pos[r] - from;
        }
    }
    out->start[k->batch] = out->rows;
}

void packing_fini(struct packing *k)
{
    free(k->image);
    free(k->start);
    free(k->pos);
    free(k->bias);
}
