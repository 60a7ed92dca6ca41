/* SPDX-License-Identifier: MIT */
/* What the views inside the model share. */
#include "ui/views/inside.h"

#include "src/base/mem.h"
#include "ui/kit/text.h"

#include <curses.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint64_t inside_key(const struct workbench *w, int more)
{
    uint64_t key = (uint64_t)(unsigned)w->now.serial + 1;
    const int parts[] = {inside_batch(w), w->ses.photo, w->how.hide_special, more};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        key = key * 1000003 + (uint64_t)(unsigned)parts[i];
    return key;
}

/* ---- rows and columns */

int inside_batch(const struct workbench *w)
{
    int image = photo_in_result(w);
    return image < 0 ? 0 : look_batch(w->now.r, image);
}

static struct result_source source_of(const struct workbench *w, int i)
{
    const struct result *r = w->now.r;
    return i < r->rows ? r->sources[inside_batch(w) * r->rows + i]
                       : (struct result_source){-1, -1};
}

bool inside_special(const struct workbench *w, bool token, int i)
{
    const struct result *r = w->now.r;
    return token ? i < r->token_count && r->tokens[i].special : source_of(w, i).region == 0;
}

/* Whether a token or region is left out: padding, or a special one while those are hidden. */
static bool inside_hidden(const struct workbench *w, bool token, int i)
{
    const struct result *r = w->now.r;
    if (token ? i >= r->token_count : source_of(w, i).image < 0)
        return true;
    return w->how.hide_special && inside_special(w, token, i);
}

int *inside_list(const struct workbench *w, bool token, int n, int *count)
{
    int *list = xcalloc((size_t)n + 1, sizeof *list);
    *count = 0;
    for (int i = 0; i < n; i++)
        if (!inside_hidden(w, token, i))
            list[(*count)++] = i;
    return list;
}

int inside_place(const int *list, int count, int i)
{
    for (int k = 0; k < count; k++)
        if (list[k] == i)
            return k;
    return -1;
}

void inside_name(const struct workbench *w, bool token, int i, char *out, size_t size)
{
    struct result_source s;
    if (token) {
        draw_token_name(w, i, out, size);
        return;
    }
    s = source_of(w, i);
    if (s.image < 0)
        snprintf(out, size, "(left out)");
    else if (s.image == photo_in_result(w))
        draw_region_name(w, s.region, out, size);
    else
        snprintf(out, size, "image %d region %d", s.image + 1, s.region);
}

/* ---- rows and columns of maps */

static struct trace_place inside_row_place(const struct workbench *w, enum net_stream s, int row)
{
    return trace_place(w->now.r->trace, s, row);
}

bool inside_row_special(const struct workbench *w, enum net_stream s, int row)
{
    struct trace_place p = inside_row_place(w, s, row);
    return inside_special(w, p.token, p.number);
}

bool inside_row_hidden(const struct workbench *w, enum net_stream s, int row)
{
    struct trace_place p = inside_row_place(w, s, row);
    return inside_hidden(w, p.token, p.number);
}

int *inside_rows(const struct workbench *w, enum net_stream s, int n, int *count)
{
    int *list = xcalloc((size_t)n + 1, sizeof *list);
    *count = 0;
    for (int i = 0; i < n; i++)
        if (!inside_row_hidden(w, s, i))
            list[(*count)++] = i;
    return list;
}

void inside_row_name(const struct workbench *w, enum net_stream s, int row, char *out, size_t size)
{
    struct trace_place p = inside_row_place(w, s, row);
    inside_name(w, p.token, p.number, out, size);
}

const char *inside_brief(const char *name, int cols)
{
    return cols < 15 && strncmp(name, "region ", 7) == 0 ? name + 7 : name;
}

const char *inside_map_name(enum attn_kind kind, bool brief)
{
    return brief ? attn_table[kind].brief : attn_table[kind].title;
}

/* The row of the chosen region in the maps, or -1. */
static int chosen_region(const struct workbench *w)
{
    int image = photo_in_result(w);
    if (image < 0 || w->sel->region < 0)
        return -1;
    return look_place(w->now.r, inside_batch(w), image, w->sel->region);
}

/* Whether sel holds what is chosen on this side of the map: it has one token and one region, and
 * the rows come first. */
static bool in_selection(enum attn_kind kind, bool row)
{
    return row || attn_table[kind].from != attn_table[kind].to;
}

static enum net_stream side_of(enum attn_kind kind, bool row)
{
    return row ? attn_table[kind].from : attn_table[kind].to;
}

int inside_chosen(const struct workbench *w, enum attn_kind kind, bool row)
{
    if (!w->now.r)
        return -1;
    if (!in_selection(kind, row))
        return w->sel->column[kind];
    enum net_stream s = side_of(kind, row);
    int at = look_row(w->now.r, s, true, w->sel->token);
    return at >= 0 ? at : look_row(w->now.r, s, false, chosen_region(w));
}

void inside_choose(struct workbench *w, enum attn_kind kind, bool row, int i)
{
    const struct stream_names *s = &stream_table[side_of(kind, row)];
    if (!in_selection(kind, row)) {
        selection_column(w->selection, kind, i);
        return;
    }
    if (s->tokens && (i < 0 || s->regions))
        selection_token(w->selection, -1);
    if (s->regions && (i < 0 || s->tokens))
        selection_region(w->selection, -1);
    if (i >= 0 && w->now.r && w->now.r->trace) {
        struct trace_place p = trace_place(w->now.r->trace, side_of(kind, row), i);
        look_choose_row(w, p.token, p.number);
    }
}

struct item *inside_items(const struct workbench *w, int *count)
{
    const struct result *r = w->now.r;
    int rows = r->trace ? r->trace->regions : 0;
    struct item *list = xcalloc((size_t)(r->token_count + rows) + 1, sizeof *list);
    *count = 0;
    for (int i = 0; i < r->token_count; i++)
        if (!inside_hidden(w, true, i))
            list[(*count)++] = (struct item){true, i};
    for (int i = 0; i < rows; i++)
        if (!inside_hidden(w, false, i))
            list[(*count)++] = (struct item){false, i};
    return list;
}

int inside_chosen_of(const struct workbench *w, bool token)
{
    return !w->now.r ? -1 : token ? w->sel->token : chosen_region(w);
}

void inside_choose_item(struct workbench *w, struct item x)
{
    const struct result *r = w->now.r;
    struct chosen next = *w->sel;
    next.token = x.token ? x.at : -1;
    next.region = x.token ? -1 : r->sources[inside_batch(w) * r->rows + x.at].region;
    selection_set(w->selection, &next);
}

bool inside_is_chosen(const struct workbench *w, struct item x)
{
    return x.at >= 0 && x.at == (x.token ? w->sel->token : chosen_region(w));
}

/* ---- depths */

/* Whether two states are of one layer: embeddings and co-attention leave one of each stream. */
static bool is_same_depth(struct trace_at a, struct trace_at b)
{
    return a.site == b.site && a.layer == b.layer;
}

struct depth *inside_depths(const struct workbench *w, int *count)
{
    const struct trace *t = w->now.r ? w->now.r->trace : NULL;
    struct depth *list = xcalloc((size_t)(t ? t->count : 0) + 1, sizeof *list);
    const struct trace_tensor *text = NULL, *image = NULL;
    *count = 0;
    for (int i = 0; t && i < t->count; i++) {
        const struct trace_tensor *x = &t->tensors[i];
        if (x->at.kind != TRACE_STATE)
            continue;
        struct depth *d = *count && is_same_depth(list[*count - 1].at, x->at)
                              ? &list[*count - 1] : &list[(*count)++];
        d->at = x->at;
        d->text |= stream_table[x->at.stream].tokens;
        d->image |= stream_table[x->at.stream].regions;
        d->t = text = stream_table[x->at.stream].tokens ? x : text;
        d->v = image = stream_table[x->at.stream].regions ? x : image;
        trace_depth(x->at, false, d->name);
    }
    return list;
}

const float *inside_state(const struct workbench *w, const struct depth *d, struct item x,
                          int *width)
{
    const struct trace_tensor *s = x.token ? d->t : d->v;
    int b = inside_batch(w);
    int row = s ? trace_row(w->now.r->trace, s->at.stream, x.token, x.at) : -1;
    if (row < 0 || s->ndim != 3 || b >= s->shape[0] || row >= s->shape[1])
        return NULL;
    *width = (int)s->shape[2];
    return s->data + ((ptrdiff_t)b * s->shape[1] + row) * s->shape[2];
}

int inside_depth(const struct workbench *w, const struct pane *p, int count)
{
    int depth = pane_slice(w, p)->depth;
    depth = depth >= count ? count - 1 : depth;
    return depth < 0 ? 0 : depth;
}

void inside_set_depth(struct workbench *w, struct pane *p, int depth)
{
    struct slice x = *pane_slice(w, p);
    x.depth = depth;
    pane_set_slice(w, p, &x);
}

bool inside_step(struct workbench *w, struct pane *p, int step)
{
    int n;
    free(inside_depths(w, &n));
    if (n > 0)
        inside_set_depth(w, p, panes_pick(inside_depth(w, p, n), n, 1,
                                          step > 0 ? MOVE_DOWN : MOVE_UP));
    return true;
}

/* ---- drawing */

int inside_label(int cols)
{
    return cols >= 80 ? 20 : cols >= 40 ? 15 : 10;
}

void inside_hint(struct area a, int row, const char *text)
{
    if (row >= a.rows)
        return;
    attrset((int)draw_dim());
    draw_text(a.row + row, a.col, a.cols, "%s", text);
    attrset(A_NORMAL);
}

/* Where the mark of the chosen column and its name stand: beside the mark, on the side that has
 * room. */
struct inside_marked {
    int mark, name, width;
};

static struct inside_marked inside_mark_place(const struct grid *g, struct area a,
                                              const char *name)
{
    struct inside_marked m = {.width = text_width(name)};
    m.mark = g->at.col + (int)((g->at_col - g->first_col + 0.5) * g->cell_cols);
    bool behind = m.mark + 2 + m.width <= a.col + a.cols || m.mark - m.width - 1 < a.col;
    m.name = behind ? m.mark + 2 : m.mark - m.width - 1;
    return m;
}

/* Columns from one label to the next, so that there is room for three signs. */
static int inside_label_step(const struct grid *g)
{
    static const int steps[] = {2, 5, 10, 20, 50, 100};
    size_t i = 0;
    while (i + 1 < sizeof steps / sizeof steps[0] && steps[i] * g->cell_cols < 5)
        i++;
    return steps[i];
}

/* Every few columns where they are too narrow for all: of regions the number. */
static void inside_some_columns(const struct workbench *w, const struct grid *g, struct area a,
                                int row, inside_column_name *name, const void *arg)
{
    bool chosen = g->at_col >= g->first_col && g->at_col < g->first_col + g->shown_cols;
    struct inside_marked m = {.mark = -1};
    char text[128];
    if (chosen) {
        name(w, arg, g->at_col, text, sizeof text);
        m = inside_mark_place(g, a, text);
        draw_text(row, m.mark, 1, "v");
        draw_text(row, m.name, a.col + a.cols - m.name, "%s", text);
    }
    int low = m.mark < m.name ? m.mark : m.name, step = inside_label_step(g);
    int high = m.name + m.width > m.mark + 1 ? m.name + m.width : m.mark + 1;
    attrset((int)draw_dim());
    for (int j = (step - g->first_col % step) % step; j < g->shown_cols; j += step) {
        name(w, arg, g->first_col + j, text, sizeof text);
        const char *brief = inside_brief(text, 0);
        int digits = (int)strspn(brief, "0123456789"), col = g->at.col + grid_left(g, j);
        int width = digits ? digits : text_width(brief), room = (int)(step * g->cell_cols) - 1;
        width = width < room ? width : room;
        bool free = !chosen || col + width < low || col > high;
        if (free && col + width <= a.col + a.cols)
            draw_text(row, col, width, "%s", brief);
    }
    attrset(A_NORMAL);
}

void inside_columns(const struct workbench *w, const struct grid *g, struct area a, int row,
                    inside_column_name *name, const void *arg)
{
    if (g->cell_cols < 4) {
        inside_some_columns(w, g, a, row, name, arg);
        return;
    }
    for (int j = 0; j < g->shown_cols; j++) {
        char text[128];
        bool chosen = g->first_col + j == g->at_col;
        name(w, arg, g->first_col + j, text, sizeof text);
        const char *brief = inside_brief(text, 0);
        int left = grid_left(g, j), room = grid_left(g, j + 1) - left - 1;
        /* A number, rather than a cut name, in all of them. */
        int digits = (int)strspn(brief, "0123456789"), least = (int)g->cell_cols - 1;
        attrset((int)(chosen ? A_REVERSE : draw_dim()));
        draw_text(row, g->at.col + left, digits && text_width(brief) > least ? digits : room, "%s",
                  brief);
        attrset(A_NORMAL);
    }
}
