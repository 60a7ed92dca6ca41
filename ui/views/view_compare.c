/* SPDX-License-Identifier: MIT */
/* All checkpoints side by side: a column each with the photo as that one sees it, its answers, and
 * what is different from checkpoint A. */
#include "src/study/compare.h"
#include "src/base/mem.h"
#include "ui/jobs/compare.h"
#include "ui/views/views.h"
#include "ui/state/stale.h"

#include <curses.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const struct view view_compare;

#define LEAST_COLS 26
#define MOST_COLUMNS 6
#define SMALL 5      /* ranks from here on only count when their probability moves */
#define PHOTO_ROWS 5 /* at least, else there is none */

struct compare_view {
    int first;                /* the leftmost column */
    struct photo_cache cache; /* of the columns' picture without marks */
};

/* The columns on the screen. */
struct layout {
    struct area a;
    int count, from, shown; /* checkpoints, the first one shown, how many */
    int width, photo_rows;
    float top;              /* of the colors on all photos; 0: no attention is on them */
    int legend;             /* rows of it, below the photos */
};

/* What would be drawn on the photos is of another query. */
static bool other_query(const struct workbench *w)
{
    return (w->stale & ~(unsigned)STALE_CHECKPOINT) != 0;
}

/* The largest weight of all checkpoints: the photos have one scale of colors. */
static float top_of_all(struct workbench *w)
{
    int n = model_checkpoint_count(w->ses.model);
    float top = 0;
    for (int i = 0; i < n && w->now.r; i++)
        top = fmaxf(top, photo_top(w, compare_result(w, i)));
    return top;
}

static struct layout compare_lay_out(struct workbench *w, struct compare_view *v, struct area a)
{
    struct layout l = {.a = a, .count = model_checkpoint_count(w->ses.model)};
    int fit = a.cols / LEAST_COLS;
    fit = fit < 1 ? 1 : fit > MOST_COLUMNS ? MOST_COLUMNS : fit;
    l.shown = l.count < fit ? l.count : fit;
    if (v->first < 0) { /* the next page was asked for */
        int first = -1 - v->first + fit;
        v->first = first >= l.count ? 0 : first;
    }
    l.from = v->first > l.count - l.shown ? l.count - l.shown : v->first;
    l.from = l.from < 0 ? 0 : l.from;
    l.width = l.shown ? draw_cols(w, a.cols) / l.shown : a.cols;
    int rows = (a.rows - 3) / 2, high = l.width * 3 / 8; /* cells are twice as high as wide */
    l.photo_rows = rows < high ? rows : high;
    if (l.photo_rows < PHOTO_ROWS || w->screen.gfx.mode == GFX_NONE)
        l.photo_rows = 0;
    l.top = l.photo_rows && !other_query(w) ? top_of_all(w) : 0;
    l.legend = l.top > 0;
    return l;
}

/* ---- photos */

/* The current photo, when the result is about it. */
static const struct image *compare_photo_of(const struct workbench *w)
{
    return photo_in_result(w) >= 0 ? w->ses.photos[w->ses.photo]->image : NULL;
}

static int chosen_rank(const struct workbench *w, const struct result *r)
{
    const struct result *now = w->now.r;
    int rank = w->sel->rank;
    return now && rank < compare_count(now) ? compare_rank(r, compare_key(now, rank)) : -1;
}

/* Where the photo of a column is. */
static struct frame compare_frame(const struct workbench *w, const struct layout *l, int column)
{
    const struct image *im = compare_photo_of(w);
    struct frame f = {.at = {l->a.row + 1, l->a.col + column * l->width, l->photo_rows,
                             l->width - 1}};
    gfx_fit(&w->screen.gfx, f.at, im->width, im->height, &f.w, &f.h);
    f.scale = (double)f.w / im->width;
    return f;
}

static void draw_compare_photo(struct workbench *w, struct compare_view *v, const struct layout *l,
                               int column, struct canvas *all)
{
    const struct result *r = compare_result(w, l->from + column);
    const struct frame f = compare_frame(w, l, column);
    int cw, ch;
    draw_cell(w, &cw, &ch);
    struct canvas *c = r ? draw_canvas(w, f.w, f.h) : NULL;
    if (!c)
        return;
    int rank = chosen_rank(w, r);
    const struct photo_paint x = {.photo = w->ses.photo, .r = other_query(w) ? NULL : r,
                                  .rank = rank < 0 ? 0 : rank, .top = l->top, .cache = &v->cache};
    photo_compose(w, &x, c, &f);
    canvas_put(all, column * l->width * cw, 0, c);
    canvas_free(c);
}

/* One picture of all columns, so that they come at once. */
static void draw_photos(struct workbench *w, struct pane *p, const struct layout *l)
{
    int cw, ch;
    draw_cell(w, &cw, &ch);
    struct area at = {l->a.row + 1, l->a.col, l->photo_rows, l->shown * l->width};
    struct canvas *all = draw_canvas(w, at.cols * cw, at.rows * ch);
    for (int i = 0; all && i < l->shown; i++)
        draw_compare_photo(w, p->state, l, i, all);
    gfx_place(&w->screen.gfx, p->slot, at, all);
}

static void draw_compare_legend(struct workbench *w, const struct layout *l)
{
    char text[320];
    int row = l->a.row + 1 + l->photo_rows, n = draw_scale(row, l->a.col, l->top);
    photo_looks(w, text, sizeof text);
    draw_text(row, l->a.col + n, l->a.cols - n, "%s; all checkpoints", text);
}

/* ---- answers */

static int mark_attr(const struct comparison *c, int checkpoint)
{
    if (checkpoint != c->a && checkpoint != c->b)
        return (int)A_BOLD;
    return (int)draw_rank_attr(checkpoint == c->a ? 0 : 1);
}

static void draw_name(struct workbench *w, const struct layout *l, int column)
{
    struct comparison *c = comparison_of(w);
    const struct result *r = compare_result(w, l->from + column);
    const struct result *a = compare_result(w, c->a);
    int i = l->from + column, col = l->a.col + column * l->width, room = l->width - 1;
    char name[128];
    compare_name(w, i, name, sizeof name);
    attrset(mark_attr(c, i));
    int n = draw_text(l->a.row, col, room, "%s%s", i == c->a ? "A " : i == c->b ? "B " : "", name);
    attrset(A_NORMAL);
    if (r && a && r != a && compare_fits(a, r) && compare_key(a, 0) != compare_key(r, 0)) {
        attrset((int)draw_rank_attr(2));
        draw_text(l->a.row, col + n, room - n, "  another answer");
        attrset(A_NORMAL);
    }
}

/* Images are scored one by one: the softmax over them moves with the others, or not at all when
 * there is one. */
static double shown_number(const struct result *r, int rank)
{
    return r->task->reading->by_logit ? compare_logit(r, rank) : compare_softmax(r, rank);
}

/* "+0.52 ^3": what has become of the number that is shown and of the rank since A; sign: of what
 * moved. */
static void tell_move(const struct result *a, const struct result *r, int rank, char out[24],
                      int *sign)
{
    int was = compare_rank(a, compare_key(r, rank));
    double d = was < 0 ? 0 : shown_number(r, rank) - shown_number(a, was);
    out[0] = '\0';
    *sign = 0;
    if (was < 0 || (was >= SMALL && rank >= SMALL && d < 0.005 && d > -0.005))
        return; /* noise among the last */
    if (was != rank)
        snprintf(out, 24, "%+.2f %s%d", d, was > rank ? "^" : "v", abs(was - rank));
    else
        snprintf(out, 24, "%+.2f   ", d);
    if (d >= 0.005 || d <= -0.005)
        *sign = d > 0 ? 1 : -1;
}

static void draw_entry(struct area at, const struct result *a, const struct result *r, int rank,
                       bool chosen)
{
    char *label = compare_label(r, rank), move[24] = "";
    bool images = r->task->reading->ranked == RANKED_IMAGES;
    int sign = 0, right = 6 + (a ? 10 : 0), bar = at.cols >= 46 && !images ? at.cols / 5 : 0;
    if (a)
        tell_move(a, r, rank, move, &sign);
    attrset(chosen ? A_REVERSE : A_NORMAL);
    mvhline(at.row, at.col, ' ', at.cols);
    int n = draw_text(at.row, at.col, 4, "%d ", rank + 1);
    draw_text(at.row, at.col + n, at.cols - n - right - bar - 1, "%s",
              images ? draw_base_name(label) : label);
    if (bar) {
        attrset((int)draw_rank_attr(r->box_count ? rank : 1));
        draw_bar(at.row, at.col + at.cols - right - bar, bar, compare_softmax(r, rank), chosen);
    }
    attrset(chosen ? A_REVERSE : A_NORMAL);
    draw_text(at.row, at.col + at.cols - right, 6, images ? " %.2f" : " %.3f",
              shown_number(r, rank));
    attrset((int)draw_sign_attr(sign) | (chosen ? (int)A_BOLD : 0));
    if (a)
        draw_text(at.row, at.col + at.cols - 10, 10, " %-9s", move);
    attrset(A_NORMAL);
    free(label);
}

static void draw_answers(struct workbench *w, const struct layout *l, int column)
{
    struct comparison *c = comparison_of(w);
    int i = l->from + column, row = l->a.row + 1 + l->photo_rows + l->legend;
    int col = l->a.col + column * l->width, room = l->width - 1, end = l->a.row + l->a.rows;
    const struct result *r = compare_result(w, i), *a = compare_result(w, c->a);
    if (!r) {
        if (c->errors[i])
            draw_text(row, col, room, "! %s", c->errors[i]);
        else
            draw_text(row, col, room, !w->now.r   ? ""
                                      : c->number ? "asking ..."
                                                  : "not asked: A asks");
        return;
    }
    attrset((int)draw_dim());
    if (r->task->reading->ranked == RANKED_IMAGES)
        draw_text(row++, col, room, "logit of each image");
    else
        draw_text(row++, col, room, room < 27 ? "entropy %.3f" : "entropy %.3f  margin %.3f",
                  r->entropy, r->margin);
    attrset(A_NORMAL);
    bool compared = a && a != r && compare_fits(a, r);
    int chosen = chosen_rank(w, r);
    for (int k = 0; k < compare_count(r) && row < end; k++, row++)
        draw_entry((struct area){row, col, 1, room}, compared ? a : NULL, r, k, k == chosen);
}

static void compare_draw(struct workbench *w, struct pane *p, struct area a)
{
    struct layout l = compare_lay_out(w, p->state, a);
    if (l.count < 2) {
        draw_text(a.row + 1, a.col, a.cols, "only one checkpoint is open: -c FILE -c FILE opens "
                                            "several");
        return;
    }
    if (l.shown < l.count) {
        attrset((int)draw_dim());
        draw_text(a.row + a.rows - 1, a.col, a.cols, "checkpoints %d to %d of %d; & for more",
                  l.from + 1, l.from + l.shown, l.count);
        attrset(A_NORMAL);
        l.a.rows--;
    }
    if (!compare_photo_of(w))
        l.photo_rows = l.legend = 0;
    if (l.photo_rows)
        draw_photos(w, p, &l);
    if (l.legend)
        draw_compare_legend(w, &l);
    for (int i = 0; i < l.shown; i++) {
        draw_name(w, &l, i);
        draw_answers(w, &l, i);
    }
}

/* ---- the mouse */

/* What is at a place. */
struct compare_place {
    int checkpoint;         /* or -1 */
    const struct result *r; /* its, or NULL */
    int rank;               /* -1: no answer */
    int region;             /* of the photo, or -1 */
};

static struct compare_place compare_at(struct workbench *w, const struct pane *p, int row, int col)
{
    struct compare_place x = {-1, NULL, -1, -1};
    struct layout l = compare_lay_out(w, p->state, p->at);
    int column = l.width ? col / l.width : 0;
    if (l.count < 2 || column >= l.shown)
        return x;
    if (!compare_photo_of(w))
        l.photo_rows = l.legend = 0;
    x.checkpoint = l.from + column;
    x.r = compare_result(w, x.checkpoint);
    int rank = row - 2 - l.photo_rows - l.legend;
    x.rank = x.r && rank >= 0 && rank < compare_count(x.r) ? rank : -1;
    if (x.r && l.photo_rows) {
        const struct frame f = compare_frame(w, &l, column);
        x.region = frame_region(w, &f, row + p->at.row, col + p->at.col);
    }
    return x;
}

/* A click on an answer chooses it in all columns, one on a name makes the column B. */
static bool compare_click(struct workbench *w, struct pane *p, int row, int col)
{
    struct comparison *c = comparison_of(w);
    const struct compare_place x = compare_at(w, p, row, col);
    if (row == 0 && x.checkpoint >= 0 && x.checkpoint != c->a) {
        c->b = x.checkpoint;
        return true;
    }
    int at = x.rank >= 0 ? compare_rank(w->now.r, compare_key(x.r, x.rank)) : -1;
    if (at >= 0)
        selection_rank(w->selection, at);
    return x.rank >= 0;
}

/* "blue, purple.bin: rank 2, probability 0.1234", "region 3 cube, purple.bin, weight 0.1234" */
static bool compare_under(struct workbench *w, struct pane *p, int row, int col, char *out,
                          size_t size)
{
    const struct compare_place x = compare_at(w, p, row, col);
    char name[64], region[128], number[64];
    if (x.rank < 0 && x.region < 0)
        return false;
    compare_name(w, x.checkpoint, name, sizeof name);
    if (x.region >= 0) {
        draw_region_name(w, x.region, region, sizeof region);
        photo_region_number(w, other_query(w) ? NULL : x.r, x.region, number, sizeof number);
        snprintf(out, size, "%s, %s%s", region, name, number);
        return true;
    }
    char *label = compare_label(x.r, x.rank);
    bool images = x.r->task->reading->ranked == RANKED_IMAGES;
    snprintf(out, size, "%.100s, %s: rank %d, %s %.4f", images ? draw_base_name(label) : label,
             name, x.rank + 1, x.r->task->reading->by_logit ? "logit" : "probability",
             shown_number(x.r, x.rank));
    free(label);
    return true;
}

/* The softmax of all entries, of images the logit, a column each. */
static bool compare_table(struct workbench *w, struct pane *p, struct table *out)
{
    int n = model_checkpoint_count(w->ses.model);
    int rows = w->now.r ? compare_count(w->now.r) : 0;
    (void)p;
    if (n == 0 || rows == 0)
        return false;
    table_init(out, rows, n);
    out->shape = TABLE_MATRIX;
    out->title = xstrdup("The answers of all checkpoints");
    out->unit = xstrdup(w->now.r->task->reading->by_logit ? "logit" : "probability");
    out->col_title = xstrdup("checkpoint");
    for (int j = 0; j < n; j++) {
        const struct result *r = compare_result(w, j);
        out->col_names[j] = xstrdup(model_checkpoint_name(w->ses.model, j));
        for (int i = 0; i < rows; i++) {
            int rank = r ? compare_rank(r, compare_key(w->now.r, i)) : -1;
            out->x[(size_t)i * (size_t)n + (size_t)j] =
                rank < 0 ? NAN : (float)shown_number(r, rank); /* not asked, or no answer */
        }
    }
    for (int i = 0; i < rows; i++)
        out->row_names[i] = compare_label(w->now.r, i);
    return true;
}

static void compare_end(struct pane *p)
{
    struct compare_view *v = p->state;
    canvas_free(v->cache.c);
}

/* ---- keys */

static void do_columns(struct workbench *w, const char *arg)
{
    struct compare_view *v = panes_of(&w->panes, &view_compare)->state;
    (void)arg;
    v->first = -1 - v->first; /* drawing knows how many fit */
}

static void do_compare(struct workbench *w, const char *arg)
{
    (void)arg;
    if (!compare_several(w))
        return;
    comparison_of(w);
    panes_show(&w->panes, &view_compare);
    w->panes.zoomed = true;
    if (w->now.r)
        compare_ask(w);
    else
        workbench_say(w, false, "ask something: all checkpoints answer");
}

/* The one after `which` that is not the other one. */
static int next_checkpoint(const struct workbench *w, int which, int other)
{
    int n = model_checkpoint_count(w->ses.model);
    which = (which + 1) % n;
    return which == other ? (which + 1) % n : which;
}

static void do_first(struct workbench *w, const char *arg)
{
    struct comparison *c = comparison_of(w);
    (void)arg;
    if (compare_several(w))
        compare_set_pair(w, next_checkpoint(w, c->a, c->b), c->b);
}

static void do_second(struct workbench *w, const char *arg)
{
    struct comparison *c = comparison_of(w);
    (void)arg;
    if (compare_several(w))
        compare_set_pair(w, c->a, next_checkpoint(w, c->b, c->a));
}

static int find_checkpoint(const struct workbench *w, const char *name, size_t len)
{
    for (int i = 0; i < model_checkpoint_count(w->ses.model); i++) {
        const char *have = model_checkpoint_name(w->ses.model, i);
        if (strlen(have) == len && memcmp(have, name, len) == 0)
            return i;
    }
    return -1;
}

static void do_between(struct workbench *w, const char *arg)
{
    /* Names may hold blanks: every way to cut the line in two is tried. */
    for (const char *blank = strchr(arg, ' '); blank; blank = strchr(blank + 1, ' ')) {
        int a = find_checkpoint(w, arg, (size_t)(blank - arg));
        int b = find_checkpoint(w, blank + 1, strlen(blank + 1));
        if (a >= 0 && b >= 0 && a != b) {
            compare_set_pair(w, a, b);
            return;
        }
    }
    workbench_say(w, true, "between FIRST SECOND: two different checkpoints that are open");
}

static const struct action compare_actions[] = {
    ACTIONS_AFTER("Comparing checkpoints"),
    {"compare", "A", "", NULL, "ask all checkpoints the query and show them side by side",
     do_compare},
    {"columns", "&", "", "compare", "show further checkpoints", do_columns},
    {"first-of-two", "(", "", NULL, "use the next checkpoint as A, which others are compared with",
     do_first},
    {"second-of-two", ")", "", NULL, "use the next checkpoint as B", do_second},
    {"between", "", "CHECKPOINT CHECKPOINT", NULL, "choose A and B", do_between},
    {0},
};

const struct view view_compare = {
    .name = "compare",
    .what = "all checkpoints side by side, and how they differ from A",
    .hints = "Up Down choose, ( ) A and B, & more",
    .state = sizeof(struct compare_view),
    .end = compare_end,
    .draw = compare_draw,
    .click = compare_click,
    .under = compare_under,
    .stale = stale_query,
    .table = compare_table,
    .asks_all = true,
    .actions = compare_actions,
};
