/* An attention map as a matrix: a row for everything that looks, a column for what it looks at, with
 * numbers for the chosen cell. */
#include "src/mem.h"
#include "ui/workbench_priv.h"

#include <curses.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ESCAPE 27
#define LABEL 16 /* columns of a row's name */

static const char *const kind_names[] = {
    [ATTN_TEXT] = "text to text",
    [ATTN_VISUAL] = "image to image",
    [ATTN_TEXT_TO_IMAGE] = "text to image",
    [ATTN_IMAGE_TO_TEXT] = "image to text",
};

static bool rows_are_tokens(enum attn_kind k)
{
    return k == ATTN_TEXT || k == ATTN_TEXT_TO_IMAGE;
}

static bool columns_are_tokens(enum attn_kind k)
{
    return k == ATTN_TEXT || k == ATTN_IMAGE_TO_TEXT;
}

/* ---- the map, and which rows and columns of it are shown */

struct shown_map {
    float *all; /* (rows, cols) */
    int rows, cols;
    int *row, *col; /* what is shown, in its order */
    int row_count, col_count;
};

/* The batch row that the current photo's regions are in. */
static int batch_of(const struct workbench *w)
{
    const struct result *r = w->now.r;
    int image = photo_in_result(w);
    for (int i = 0; i < r->batch * r->rows; i++)
        if (r->sources[i].image == image)
            return i / r->rows;
    return 0;
}

static bool is_special(const struct workbench *w, bool tokens, int i)
{
    const struct result *r = w->now.r;
    if (tokens)
        return i < r->token_count && r->tokens[i].special;
    return r->sources[batch_of(w) * r->rows + i].region == 0; /* the whole image */
}

static int *list_shown(const struct workbench *w, bool tokens, int n, int *count)
{
    int *list = xcalloc((size_t)n + 1, sizeof *list);
    *count = 0;
    for (int i = 0; i < n; i++)
        if (!w->matrix.hide || !is_special(w, tokens, i))
            list[(*count)++] = i;
    return list;
}

/* Columns by falling weight in the chosen row. */
static void sort_columns(const struct workbench *w, struct shown_map *m)
{
    if (!w->matrix.sort || m->row_count == 0)
        return;
    const float *row = m->all + (ptrdiff_t)m->row[w->matrix.row] * m->cols;
    for (int i = 1; i < m->col_count; i++)
        for (int j = i; j > 0 && row[m->col[j]] > row[m->col[j - 1]]; j--) {
            int t = m->col[j];
            m->col[j] = m->col[j - 1];
            m->col[j - 1] = t;
        }
}

static int wrap(int i, int n)
{
    return n > 0 ? (i % n + n) % n : 0;
}

/* False when the result has no such map. */
static bool open_map(struct workbench *w, struct shown_map *m)
{
    struct matrix_view *v = &w->matrix;
    const struct trace *t = w->now.r ? w->now.r->trace : NULL;
    *m = (struct shown_map){0};
    if (!t)
        return false;
    v->layer = wrap(v->layer, trace_attention_layers(t, v->kind));
    v->head = v->head < trace_attention_heads(t, v->kind) ? v->head : -1;
    if (!trace_attention(t, v->kind, v->layer, batch_of(w), v->head, &m->rows, &m->cols, NULL))
        return false;
    m->all = xcalloc((size_t)m->rows * (size_t)m->cols + 1, sizeof *m->all);
    trace_attention(t, v->kind, v->layer, batch_of(w), v->head, &m->rows, &m->cols, m->all);
    m->row = list_shown(w, rows_are_tokens(v->kind), m->rows, &m->row_count);
    m->col = list_shown(w, columns_are_tokens(v->kind), m->cols, &m->col_count);
    v->row = v->row < m->row_count ? v->row : m->row_count ? m->row_count - 1 : 0;
    v->col = v->col < m->col_count ? v->col : m->col_count ? m->col_count - 1 : 0;
    sort_columns(w, m);
    return m->row_count > 0 && m->col_count > 0;
}

static void close_map(struct shown_map *m)
{
    free(m->all);
    free(m->row);
    free(m->col);
}

/* ---- keys */

void matrix_open(struct workbench *w)
{
    struct shown_map m;
    if (open_map(w, &m)) {
        w->mode = MODE_MATRIX;
        w->matrix.changed = true;
    } else {
        workbench_say(w, true, "there is no attention to show: ask something first");
    }
    close_map(&m);
}

static void change_kind(struct workbench *w)
{
    static const enum attn_kind order[] = {ATTN_TEXT_TO_IMAGE, ATTN_IMAGE_TO_TEXT, ATTN_TEXT,
                                           ATTN_VISUAL};
    for (int i = 0; i < 4; i++)
        if (order[i] == w->matrix.kind) {
            w->matrix.kind = order[(i + 1) % 4];
            break;
        }
    w->matrix.row = w->matrix.col = 0;
}

/* Enter: the photo shows where the chosen token looks. */
static void follow(struct workbench *w)
{
    struct shown_map m;
    if (open_map(w, &m) && w->matrix.kind == ATTN_TEXT_TO_IMAGE) {
        w->token = m.row[w->matrix.row];
        w->layer = w->matrix.layer;
        w->head = w->matrix.head;
        w->overlay = true;
    }
    close_map(&m);
    w->mode = MODE_BROWSE;
    w->photo_changed = true;
}

static void move_cell(struct workbench *w, int rows, int cols)
{
    w->matrix.row = w->matrix.row + rows < 0 ? 0 : w->matrix.row + rows;
    w->matrix.col = w->matrix.col + cols < 0 ? 0 : w->matrix.col + cols;
}

static void matrix_special(struct workbench *w, int key)
{
    switch (key) {
    case KEY_UP: move_cell(w, -1, 0); break;
    case KEY_DOWN: move_cell(w, 1, 0); break;
    case KEY_LEFT: move_cell(w, 0, -1); break;
    case KEY_RIGHT: move_cell(w, 0, 1); break;
    case KEY_HOME: w->matrix.col = 0; break;
    case KEY_END: move_cell(w, 0, 100000); break;
    case KEY_PPAGE: move_cell(w, -10, 0); break;
    case KEY_NPAGE: move_cell(w, 10, 0); break;
    case KEY_ENTER: follow(w); break;
    default: break;
    }
}

void matrix_key(struct workbench *w, int key, bool special)
{
    const struct trace *t = w->now.r ? w->now.r->trace : NULL;
    int heads = trace_attention_heads(t, w->matrix.kind);
    w->matrix.changed = true;
    if (special) {
        matrix_special(w, key);
        return;
    }
    switch (key) {
    case 'k': move_cell(w, -1, 0); break;
    case 'j': move_cell(w, 1, 0); break;
    case 'h': move_cell(w, 0, -1); break;
    case 'l': move_cell(w, 0, 1); break;
    case 'm': change_kind(w); break;
    case '[': w->matrix.layer--; break;
    case ']': w->matrix.layer++; break;
    case '{': w->matrix.head = wrap(w->matrix.head, heads + 1) - 1; break;
    case '}': w->matrix.head = w->matrix.head + 1 < heads ? w->matrix.head + 1 : -1; break;
    case 's': w->matrix.sort = !w->matrix.sort; break;
    case 'z': w->matrix.hide = !w->matrix.hide; break;
    case '\r': case '\n': follow(w); break;
    case ESCAPE: case 'q':
        w->mode = MODE_BROWSE;
        w->photo_changed = true;
        break;
    default: break;
    }
}

/* ---- drawing */

static void name_of(const struct workbench *w, bool tokens, int i, char *out, size_t size)
{
    const struct result *r = w->now.r;
    if (tokens)
        snprintf(out, size, "%s", i < r->token_count ? r->tokens[i].piece : "");
    else
        panes_region_name(w, r->sources[batch_of(w) * r->rows + i].region, out, size);
}

static void draw_head(const struct workbench *w, const struct shown_map *m, struct area a)
{
    const struct matrix_view *v = &w->matrix;
    char head[32] = "mean of heads", from[128], to[128];
    int i = m->row[v->row], j = m->col[v->col];
    if (v->head >= 0)
        snprintf(head, sizeof head, "head %d/%d", v->head + 1,
                 trace_attention_heads(w->now.r->trace, v->kind));
    name_of(w, rows_are_tokens(v->kind), i, from, sizeof from);
    name_of(w, columns_are_tokens(v->kind), j, to, sizeof to);
    attrset(A_BOLD);
    panes_put(a.row, a.col, a.cols, "%s, layer %d/%d, %s%s%s", kind_names[v->kind], v->layer + 1,
              trace_attention_layers(w->now.r->trace, v->kind), head,
              v->sort ? ", sorted" : "", v->hide ? ", without special ones" : "");
    attrset(A_NORMAL);
    panes_put(a.row + 1, a.col, a.cols, "%s -> %s: %.4f", from, to,
              (double)m->all[(ptrdiff_t)i * m->cols + j]);
    attrset(A_DIM);
    panes_put(a.row + a.rows - 1, a.col, a.cols, "arrows choose, m other map, [ ] layer, { } head, "
              "s sort, z special ones, Enter on the photo, Esc");
    attrset(A_NORMAL);
}

/* Where the k-th of n columns begins in pixels. */
static int edge(int k, int n, int width)
{
    return (int)((int64_t)k * width / n);
}

/* The square root makes small weights seen; the brightest is the largest of the map. */
static void paint(const struct workbench *w, const struct shown_map *m, int from, int rows,
                  struct canvas *c)
{
    float most = 0;
    for (int i = 0; i < m->row_count; i++)
        for (int j = 0; j < m->col_count; j++)
            most = fmaxf(most, m->all[(ptrdiff_t)m->row[i] * m->cols + m->col[j]]);
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < m->col_count; j++) {
            float x = m->all[(ptrdiff_t)m->row[from + i] * m->cols + m->col[j]];
            int x1 = edge(j, m->col_count, c->w), x2 = edge(j + 1, m->col_count, c->w);
            canvas_fill(c, x1, edge(i, rows, c->h), x2 - 1, edge(i + 1, rows, c->h) - 1,
                        canvas_heat_color(most > 0 ? sqrtf(x / most) : 0));
        }
    static const struct rgb white = {255, 255, 255};
    int i = w->matrix.row - from, j = w->matrix.col;
    canvas_frame(c, edge(j, m->col_count, c->w) - 1, edge(i, rows, c->h),
                 edge(j + 1, m->col_count, c->w), edge(i + 1, rows, c->h) - 1, 1, white);
}

static void draw_names(const struct workbench *w, const struct shown_map *m, struct area a,
                       int from, int rows)
{
    for (int i = 0; i < rows; i++) {
        char name[128];
        name_of(w, rows_are_tokens(w->matrix.kind), m->row[from + i], name, sizeof name);
        attrset(from + i == w->matrix.row ? A_REVERSE : A_NORMAL);
        panes_put(a.row + i, a.col, LABEL - 1, "%s", name);
        attrset(A_NORMAL);
    }
}

void matrix_draw(struct workbench *w, struct area a)
{
    struct shown_map m;
    if (!open_map(w, &m) || a.rows < 6 || a.cols < LABEL + 8) {
        panes_put(a.row, a.col, a.cols, "no such map here, or no room: m for another, Esc leaves");
        close_map(&m);
        return;
    }
    draw_head(w, &m, a);
    struct area body = {a.row + 3, a.col, a.rows - 5, a.cols};
    int rows = m.row_count < body.rows ? m.row_count : body.rows;
    int from = w->matrix.row >= rows ? w->matrix.row - rows + 1 : 0;
    bool sixel = w->gfx.mode == GFX_SIXEL;
    int cw = sixel ? w->gfx.term.cell_w : 1, ch = sixel ? w->gfx.term.cell_h : 2;
    struct area at = {body.row, body.col + LABEL, rows, body.cols - LABEL};
    /* Few columns need no wide cells. */
    int widest = m.col_count * (sixel ? 4 : 4);
    at.cols = at.cols < widest ? at.cols : widest;
    draw_names(w, &m, body, from, rows);
    int width = at.cols * cw, height = rows * ch;
    width = sixel && width > w->gfx.term.max_w ? w->gfx.term.max_w : width;
    struct canvas *c = canvas_new(width, height);
    if (c) {
        paint(w, &m, from, rows, c);
        gfx_place(&w->gfx, 1, at, c, w->matrix.changed);
        w->matrix.changed = false;
    }
    canvas_free(c);
    close_map(&m);
}
