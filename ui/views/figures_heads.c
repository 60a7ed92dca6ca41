/* SPDX-License-Identifier: MIT */
/* A figure of all heads of a map: a small matrix each, with one scale. */
#include "src/base/mem.h"
#include "ui/views/figures.h"
#include "ui/views/inside.h"

#include <stdlib.h>

/* One head, its shown rows and columns. */
static void heads_panel(const struct workbench *w, enum attn_kind k, int layer, int head, float top,
                        struct figure *out)
{
    int rows, cols, row_count, col_count;
    float *map = NULL;
    if (!look_map(w->now.r, k, layer, inside_batch(w), head, &rows, &cols, &map))
        return;
    int *row = inside_rows(w, attn_table[k].from, rows, &row_count);
    int *col = inside_rows(w, attn_table[k].to, cols, &col_count);
    struct figure_panel *p =
        figure_panel(out, FIGURE_MATRIX, xasprintf("%d.%d", layer + 1, head + 1));
    figure_panel_numbers(p, row_count, col_count);
    for (int a = 0; a < row_count; a++)
        for (int b = 0; b < col_count; b++)
            p->x[(ptrdiff_t)a * col_count + b] = map[(ptrdiff_t)row[a] * cols + col[b]];
    figure_heat(p, top, SCALE_ROOT, NULL);
    p->ramp.count = 0; /* one for all, below */
    free(row);
    free(col);
    free(map);
}

bool figure_heads(struct workbench *w, enum attn_kind k, int layers, int heads, float top,
                  struct figure *out)
{
    out->title = xasprintf("All heads, %s", inside_map_name(k, false));
    figure_line(out, "layer.head; rows attend to columns%s",
                w->how.hide_special ? ", without special tokens" : "");
    out->columns = heads;
    for (int i = 0; i < layers * heads; i++)
        heads_panel(w, k, i / heads, i % heads, top, out);
    struct figure_panel *scale = figure_panel(out, FIGURE_MATRIX, NULL);
    figure_ramp(&scale->ramp, top, SCALE_ROOT, "attention weight");
    return true;
}
