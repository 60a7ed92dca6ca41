/* What the masked-word head would call each token, or the masked-region head each region, of the
 * states after every depth. The engine reads them; the screen does not wait. */
#include "src/base/mem.h"
#include "ui/inside.h"
#include "ui/stale.h"

#include <curses.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CELL 13 /* columns of "piece .99" */

/* ---- asking the engine */

struct lens_job {
    const struct result *r;
    bool text;
    int b, photo;
    struct lens *lens;
};

static int run(struct model *m, void *arg, const atomic_bool *cancel, struct vs_err *err)
{
    struct lens_job *j = arg;
    if (atomic_load(cancel))
        return vs_fail(err, VS_E_CANCELLED, "cancelled");
    return lens_make(m, j->r, j->text, j->b, &j->lens, err);
}

static void drop(void *arg)
{
    struct lens_job *j = arg;
    lens_free(j->lens);
    free(j);
}

/* Which of w->lens: words first. */
static int slot_of(bool text)
{
    return text ? 0 : 1;
}

static void take(struct workbench *w, void *arg, const struct vs_err *err)
{
    struct lens_job *j = arg;
    struct inside *in = inside_of(w);
    int k = slot_of(j->text);
    if (j->r == w->now.r) {
        in->lens_asked[k] = false;
        in->lens_failed[k] = err != NULL;
    }
    if (err && j->r == w->now.r)
        workbench_say(w, err->code != VS_E_CANCELLED, "%s", err->text);
    if (!err && j->r == w->now.r) {
        lens_free(w->lens[k]);
        w->lens[k] = j->lens;
        j->lens = NULL;
        if (!j->text)
            w->lens_photo = j->photo;
    }
    drop(j);
}

/* The lens that is wanted, or NULL while it is made. */
static const struct lens *wanted(struct workbench *w)
{
    struct inside *in = inside_of(w);
    int k = slot_of(in->lens_text), photo = photo_in_result(w);
    if (w->lens[k] && (in->lens_text || w->lens_photo == photo))
        return w->lens[k];
    if (in->lens_asked[k] || in->lens_failed[k] || !w->engine)
        return NULL;
    struct lens_job *j = xcalloc(1, sizeof *j);
    *j = (struct lens_job){.r = w->now.r, .text = in->lens_text, .b = inside_batch(w),
                           .photo = photo};
    in->lens_asked[k] = true;
    workbench_call(w, run, take, drop, j);
    return NULL;
}

/* ---- rows */

/* A lens has a row for every token or region; these are shown. */
static int *rows_of(struct workbench *w, const struct lens *l, int *count)
{
    return inside_list(w, inside_of(w)->lens_text, l->rows, count);
}

static int place_of(const int *list, int count, int i)
{
    for (int k = 0; k < count; k++)
        if (list[k] == i)
            return k;
    return -1;
}

/* The row of the chosen token or region. */
static int chosen(struct workbench *w)
{
    bool text = inside_of(w)->lens_text;
    return inside_chosen(w, ATTN_TEXT_TO_IMAGE, text);
}

/* The lens has the depths of one stream; which is nearest before the chosen one of all. */
static int depth_of(struct workbench *w, const struct lens *l)
{
    struct inside *in = inside_of(w);
    int n, at = -1;
    struct depth *d = inside_depths(w, &n);
    int now = inside_depth(w, n);
    for (int i = 0; i <= now && i < n; i++)
        at += in->lens_text ? d[i].text : d[i].image;
    free(d);
    return at < 0 ? 0 : at < l->depths ? at : l->depths - 1;
}

/* Goes to the stream's next or previous depth. */
static void step_depth(struct workbench *w, int step)
{
    struct inside *in = inside_of(w);
    int n;
    struct depth *d = inside_depths(w, &n);
    int at = inside_depth(w, n);
    for (int i = at + step; i >= 0 && i < n; i += step)
        if (in->lens_text ? d[i].text : d[i].image) {
            in->depth = i;
            break;
        }
    free(d);
}

static void move_row(struct workbench *w, enum motion m)
{
    const struct lens *l = w->now.r ? wanted(w) : NULL;
    if (!l)
        return;
    if (m == MOVE_LEFT || m == MOVE_RIGHT) {
        step_depth(w, m == MOVE_LEFT ? -1 : 1);
        return;
    }
    int n, *list = rows_of(w, l, &n), at = place_of(list, n, chosen(w));
    if (n > 0)
        look_choose_row(w, inside_of(w)->lens_text,
                        list[at < 0 ? 0 : panes_pick(at, n, 10, m)]);
    free(list);
}

static bool click(struct workbench *w, int row, int col)
{
    struct inside *in = inside_of(w);
    const struct lens *l = w->now.r ? wanted(w) : NULL;
    struct area a = in->lens_at;
    if (!l || row < a.row || row >= a.row + a.rows)
        return false;
    int n, *list = rows_of(w, l, &n), k = in->lens_top[0] + row - a.row;
    if (k < n)
        look_choose_row(w, in->lens_text, list[k]);
    free(list);
    if (col >= a.col && col < a.col + a.cols)
        for (int want = in->lens_top[1] + (col - a.col) / in->lens_wide, now = depth_of(w, l);
             now != want; now += now < want ? 1 : -1)
            step_depth(w, now < want ? 1 : -1);
    return k < n;
}

/* ---- drawing */

static void draw_cell_of(const struct lens_cell *c, int row, int col, int width, bool here)
{
    char text[64], number[16];
    snprintf(number, sizeof number, "%.2f", (double)c->softmax);
    snprintf(text, sizeof text, " %.40s", c->label);
    grid_attr(grid_color(c->softmax, 1, SCALE_LINEAR), here ? A_REVERSE | A_BOLD : A_NORMAL);
    mvhline(row, col, ' ', width - 1);
    draw_text(row, col, width - 6, "%s", text);
    draw_text(row, col + width - 5, 4, "%s", number[0] == '0' ? number + 1 : number);
    attrset(A_NORMAL);
}

/* Depths that fit, so that the chosen one is seen. */
struct window {
    int first, count, wide, label;
};

static struct window fit(struct workbench *w, const struct lens *l, int cols, int depth)
{
    int label = inside_label(cols), room = cols - label;
    struct window x = {0, room / CELL, CELL, label};
    x.count = x.count < 1 ? 1 : x.count < l->depths ? x.count : l->depths;
    x.wide = room / x.count < 18 ? room / x.count : 18;
    x.first = list_top(&inside_of(w)->lens_top[1], depth, l->depths, x.count);
    return x;
}

static void draw_rows(struct workbench *w, const struct lens *l, struct area a, struct window x,
                      int depth)
{
    struct inside *in = inside_of(w);
    int n, *list = rows_of(w, l, &n), at = place_of(list, n, chosen(w));
    int room = a.rows < n ? a.rows : n, top = list_top(&in->lens_top[0], at, n, room);
    for (int i = 0; i < room; i++) {
        char name[128];
        int row = list[top + i];
        inside_name(w, in->lens_text, row, name, sizeof name);
        attrset(top + i == at ? A_REVERSE : A_NORMAL);
        draw_text(a.row + i, a.col, x.label - 1, "%s", inside_brief(name, x.label));
        attrset(A_NORMAL);
        for (int j = 0; j < x.count; j++)
            draw_cell_of(&l->cells[(ptrdiff_t)(x.first + j) * l->rows + row], a.row + i,
                         a.col + x.label + j * x.wide, x.wide,
                         top + i == at && x.first + j == depth);
    }
    free(list);
}

static void draw_lens(struct workbench *w, const struct lens *l, struct area a)
{
    struct inside *in = inside_of(w);
    int depth = depth_of(w, l);
    struct window x = fit(w, l, a.cols, depth);
    in->lens_at = (struct area){2, x.label, a.rows - 2, x.count * x.wide};
    in->lens_wide = x.wide;
    attrset(A_BOLD);
    draw_text(a.row, a.col, a.cols, "Lens, masked-%s head: depths %d-%d of %d",
              in->lens_text ? "word" : "region", x.first + 1, x.first + x.count, l->depths);
    attrset(A_NORMAL);
    for (int j = 0; j < x.count; j++) {
        attrset(x.first + j == depth ? A_REVERSE : A_DIM);
        draw_text(a.row + 1, a.col + x.label + j * x.wide, x.wide - 1, "%s", l->names[x.first + j]);
        attrset(A_NORMAL);
    }
    bool legend = a.rows >= 7;
    draw_rows(w, l, (struct area){a.row + 2, a.col, a.rows - 2 - legend, a.cols}, x, depth);
    if (legend) {
        grid_legend(a.row + a.rows - 1, a.col, a.cols > 70 ? 56 : a.cols - 13, 1, SCALE_LINEAR);
        draw_text(a.row + a.rows - 1, a.col + (a.cols > 70 ? 57 : a.cols - 12), 12, "probability");
    }
}

static void draw(struct workbench *w, struct area a)
{
    struct inside *in = inside_of(w);
    const struct lens *l = w->now.r ? wanted(w) : NULL;
    if (l && a.rows >= 4 && a.cols >= 24)
        draw_lens(w, l, a);
    else
        draw_text(a.row, a.col, a.cols, "%s",
                  l                                         ? "no room for the lens"
                  : !w->now.r                               ? "Lens: ask something first"
                  : in->lens_failed[slot_of(in->lens_text)] ? "Lens: nothing to show"
                                                            : "Lens: reading the states ...");
}

/* Probabilities; the names hold what they are of. */
static bool table(struct workbench *w, struct table *out)
{
    const struct lens *l = w->now.r ? wanted(w) : NULL;
    if (!l)
        return false;
    int n, *list = rows_of(w, l, &n);
    struct buf b = {0};
    table_init(out, n, l->depths);
    for (int i = 0; i < n; i++) {
        char name[128];
        inside_name(w, inside_of(w)->lens_text, list[i], name, sizeof name);
        buf_printf(&b, "%s:", name);
        for (int j = 0; j < l->depths; j++) {
            const struct lens_cell *c = &l->cells[(ptrdiff_t)j * l->rows + list[i]];
            out->x[(ptrdiff_t)i * l->depths + j] = c->softmax;
            buf_printf(&b, " %s", c->label);
        }
        out->row_names[i] = buf_steal(&b);
    }
    for (int j = 0; j < l->depths; j++)
        out->col_names[j] = xstrdup(l->names[j]);
    free(list);
    return true;
}

const struct view view_lens = {
    .name = "lens",
    .what = "what the model's own heads would call each token or region, depth by depth",
    .draw = draw,
    .move = move_row,
    .click = click,
    .stale = stale_result,
    .table = table,
};
