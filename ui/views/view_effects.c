/* SPDX-License-Identifier: MIT */
/* Leave-one-out: how much the chosen answer owes to each region, token or head, as a ranked list
 * with numbers and on the photo, the words, or the layers and heads of every map. */
#include "src/base/mem.h"
#include "ui/jobs/leave_one_out.h"
#include "ui/views/effects.h"
#include "ui/views/inside.h"
#include "ui/views/list.h"
#include "ui/state/stale.h"

#include <curses.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const struct view view_effects;

#define LIST 44    /* columns of the list beside a picture */

struct effects_view {
    int of;            /* what the pick is of: results and attributions so far */
    int pick, top;     /* the chosen line, and the first */
    struct area list;  /* where the lines were drawn last, counted from the pane's corner */
    struct effects_picture picture;
};

/* The pick begins anew with what it is of. */
static struct effects_view *effects_state(const struct workbench *w, const struct pane *p)
{
    struct effects_view *v = p->state;
    int of = w->now.serial + w->leave_outs.started;
    v->pick = v->of == of ? v->pick : 0;
    v->of = of;
    return v;
}

/* ---- what is known */

static void effects_name_of(const struct workbench *w, const struct change *c, char *out,
                            size_t size)
{
    int image = photo_in_result(w);
    if (c->kind == CHANGE_DROP_REGION && c->image != image)
        snprintf(out, size, "image %d region %d", c->image + 1, c->region);
    else if (c->kind == CHANGE_DROP_REGION)
        draw_region_name(w, c->region, out, size);
    else if (c->kind == CHANGE_SILENCE)
        snprintf(out, size, "%s %d.%d", inside_map_name(c->map, true), c->layer + 1, c->head + 1);
    else
        draw_token_name(w, c->token, out, size);
}

/* In words, what the model says first. best: as in struct effects. */
static void best_name(const struct workbench *w, int best, char *out, size_t size)
{
    const struct result *r = w->now.r;
    *out = '\0';
    if (r->task->reading->ranked == RANKED_REGIONS && best >= 0 && best < r->batch * r->rows)
        draw_region_name(w, r->sources[best].region, out, size);
    for (int i = 0; r->task->reading->ranked != RANKED_REGIONS && i < r->answer_count; i++)
        if (r->answers[i].index == best)
            snprintf(out, size, "%s", r->task->reading->ranked == RANKED_IMAGES
                                          ? draw_base_name(r->answers[i].label)
                                          : r->answers[i].label);
}

/* ---- choosing */

static void choose_changed(struct workbench *w, const struct change *c)
{
    struct chosen next = *w->sel;
    if (c->kind == CHANGE_DROP_REGION && c->image == photo_in_result(w))
        next.region = c->region;
    else if (c->kind == CHANGE_MASK_TOKEN)
        next.token = c->token;
    else if (c->kind == CHANGE_SILENCE)
        slice_choose(&next.slice, c->map, c->layer, c->head);
    selection_set(w->selection, &next);
}

static void effects_pick(struct workbench *w, struct effects_view *v, const struct effects *e,
                         int place)
{
    int n, *order = effects_ranked(e, &n);
    if (place >= 0 && place < n) {
        v->pick = place;
        choose_changed(w, &e->items[order[place]].change);
    }
    free(order);
}

static void effects_move(struct workbench *w, struct pane *p, enum motion m)
{
    struct effects_view *v = effects_state(w, p);
    const struct effects *e = leave_out_known(w);
    if (e && e->done)
        effects_pick(w, v, e, panes_pick(v->pick, e->done, 10, m));
}

/* Asks again without the chosen one. */
static void effects_accept(struct workbench *w, struct pane *p)
{
    const struct effects_view *v = effects_state(w, p);
    const struct effects *e = leave_out_known(w);
    int n;
    if (!e || !e->done)
        return;
    int *order = effects_ranked(e, &n);
    if (v->pick < n)
        change_toggle(w, &e->items[order[v->pick]].change);
    free(order);
}

/* ---- the list */

static void draw_effects_line(const struct workbench *w, const struct effects *e,
                              const struct effect *f, float top, struct area at, bool chosen)
{
    char name[128], best[128] = "", number[32];
    effects_name_of(w, &f->change, name, sizeof name);
    if (isnan(f->effect))
        snprintf(number, sizeof number, "-"); /* it is left out itself */
    else
        grid_signed(f->effect, 3, number, sizeof number);
    draw_on(grid_color((float)f->effect, top, SCALE_SIGNED), A_NORMAL);
    draw_text(at.row, at.col, 8, "%7s ", number);
    attrset(chosen ? A_REVERSE : A_NORMAL);
    mvhline(at.row, at.col + 8, ' ', at.cols - 8);
    draw_text(at.row, at.col + 9, 6, "%.3f", (double)f->softmax);
    int room = at.cols >= 60 ? 30 : at.cols < 34 ? at.cols - 15 : 19;
    int col = 15 + draw_text(at.row, at.col + 15, room, "%s", name);
    if (f->best != e->best)
        best_name(w, f->best, best, sizeof best);
    if (*best)
        draw_text(at.row, at.col + col + 1, at.cols - col - 1, "-> %s", best);
    attrset(A_NORMAL);
}

static void draw_effects_list(struct workbench *w, const struct pane *p, const struct effects *e,
                              struct area at)
{
    struct effects_view *v = effects_state(w, p);
    int n, *order = effects_ranked(e, &n), rows = at.rows - 1;
    float top = effects_top_of(e);
    attrset((int)draw_dim());
    draw_text(at.row, at.col, at.cols, " effect  prob. without");
    attrset(A_NORMAL);
    int first = list_top(&v->top, v->pick < n ? v->pick : n - 1, n, rows);
    list_where((struct area){at.row, at.col + 23, 1, at.cols - 23}, first, n, rows);
    for (int i = 0; i < rows && first + i < n; i++)
        draw_effects_line(w, e, &e->items[order[first + i]], top,
                          (struct area){at.row + 1 + i, at.col, 1, at.cols}, first + i == v->pick);
    v->list = area_in_pane(p, (struct area){at.row + 1, at.col, rows, at.cols});
    free(order);
}

/* ---- the mouse */

/* The one at a place of the list or the picture, or -1. */
static int effects_item_at(struct workbench *w, const struct pane *p, const struct effects *e,
                           int row, int col)
{
    const struct effects_view *v = effects_state(w, p);
    int n, line = v->top + row - v->list.row, at = -1, *order = effects_ranked(e, &n);
    if (area_holds(v->list, row, col))
        at = line < n ? order[line] : -1;
    else
        at = effects_picture_at(w, p, &v->picture, e, row, col);
    free(order);
    return at >= 0 && e->items[at].known ? at : -1;
}

static bool effects_click(struct workbench *w, struct pane *p, int row, int col)
{
    const struct effects *e = w->now.r ? leave_out_known(w) : NULL;
    int at = e ? effects_item_at(w, p, e, row, col) : -1, n;
    if (at < 0)
        return false;
    int *order = effects_ranked(e, &n), place = 0;
    while (order[place] != at)
        place++;
    free(order);
    effects_pick(w, effects_state(w, p), e, place);
    return true;
}

static bool effects_under(struct workbench *w, struct pane *p, int row, int col, char *out,
                          size_t size)
{
    const struct effects *e = w->now.r ? leave_out_known(w) : NULL;
    int at = e ? effects_item_at(w, p, e, row, col) : -1;
    char name[128];
    if (at < 0)
        return false;
    const struct effect *f = &e->items[at];
    effects_name_of(w, &f->change, name, sizeof name);
    snprintf(out, size, "without %s: %+.4f %s, probability %.4f", name, f->effect,
             score_scale_names[e->scale], (double)f->softmax);
    return !isnan(f->effect); /* it is left out itself */
}

/* ---- drawing */

static const char *const effects_without[] = {[EFFECTS_REGIONS] = "without each region",
                                              [EFFECTS_TOKENS] = "with each token masked",
                                              [EFFECTS_HEADS] = "without each head"};

static void draw_effects_title(struct workbench *w, const struct effects *e, struct area a)
{
    char best[128], how[32] = "";
    best_name(w, e->choice, best, sizeof best);
    if (e->of == EFFECTS_HEADS && e->count)
        snprintf(how, sizeof how, " (%s)", silence_names[e->items[0].change.how]);
    attrset(A_BOLD);
    draw_text(a.row, a.col, a.cols, "Leave-one-out: %s %s%s", best, effects_without[e->of], how);
    attrset(A_NORMAL);
    draw_text(a.row + 1, a.col, a.cols, "%d/%d%s effect on %s %.3f, prob. %.3f", e->done, e->count,
              leave_out_runs(w) ? " ..." : ":", score_scale_names[e->scale], e->measure,
              (double)e->softmax);
}

static void draw_effects_body(struct workbench *w, struct pane *p, const struct effects *e,
                              struct area at)
{
    struct effects_view *v = effects_state(w, p);
    bool pictures = w->screen.gfx.mode != GFX_NONE;
    bool wide = pictures && at.cols >= LIST + 30, high = pictures && at.rows >= 14;
    struct area picture = at, list = at;
    if (e->of == EFFECTS_TOKENS) {
        const struct area words = {at.row, at.col, at.rows / 2, at.cols};
        int used = effects_draw_words(w, p, &v->picture, e, words);
        list = (struct area){at.row + used, at.col, at.rows - used, at.cols};
    } else if (wide) {
        picture.cols = at.cols - LIST - 1;
        list = (struct area){at.row, at.col + at.cols - LIST, at.rows, LIST};
    } else if (high) {
        picture.rows = e->of == EFFECTS_HEADS ? effects_layers(e) + 2 : at.rows / 2;
        picture.rows = picture.rows < at.rows / 2 ? picture.rows : at.rows / 2;
        list = (struct area){at.row + picture.rows, at.col, at.rows - picture.rows, at.cols};
    }
    if ((wide || high) && e->of == EFFECTS_REGIONS)
        effects_draw_photo(w, p, &v->picture, e, v->pick, picture);
    if ((wide || high) && e->of == EFFECTS_HEADS)
        effects_draw_heads(w, p, &v->picture, e, picture);
    draw_effects_list(w, p, e, list);
}

static void effects_draw(struct workbench *w, struct pane *p, struct area a)
{
    const struct effects *e = w->now.r ? leave_out_known(w) : NULL;
    if (!e || a.rows < 5 || a.cols < 24) {
        draw_text(a.row, a.col, a.cols, "%s",
                  e                 ? "no room for the list"
                  : !w->now.r       ? "Leave-one-out: ask something first"
                  : leave_out_runs(w)   ? "Leave-one-out: computing ..."
                                    : "Leave-one-out: what the answer depends on");
        if (!e && w->now.r && !leave_out_runs(w))
            inside_hint(a, 1, ":leave-one-out regions, tokens, or heads [zero, uniform, mean]");
        return;
    }
    bool legend = a.rows >= 8;
    effects_state(w, p)->picture.at = (struct area){0};
    draw_effects_title(w, e, a);
    draw_effects_body(w, p, e, (struct area){a.row + 2, a.col, a.rows - 2 - legend, a.cols});
    if (legend)
        grid_legend(a.row + a.rows - 1, a.col, a.cols, effects_top_of(e), SCALE_SIGNED);
}

static bool effects_table(struct workbench *w, struct pane *p, struct table *out)
{
    (void)p;
    static const char *const names[] = {NULL, "change of probability", "probability without",
                                        "logit without", "rank without"};
    const struct effects *e = w->now.r ? leave_out_known(w) : NULL;
    if (!e)
        return false;
    int n, *order = effects_ranked(e, &n);
    char best[128];
    table_init(out, n, 5);
    best_name(w, e->choice, best, sizeof best);
    out->shape = TABLE_BARS;
    out->sign = true;
    out->title = xasprintf("Leave-one-out: %s %s", best, effects_without[e->of]);
    for (int j = 0; j < 5; j++)
        out->col_names[j] = j ? xstrdup(names[j])
                              : xasprintf("change of %s", score_scale_names[e->scale]);
    for (int i = 0; i < n; i++) {
        const struct effect *f = &e->items[order[i]];
        char name[128];
        effects_name_of(w, &f->change, name, sizeof name);
        out->row_names[i] = xstrdup(name);
        const float x[5] = {(float)f->effect, f->softmax - e->softmax, f->softmax, f->logit,
                            (float)f->rank + 1};
        memcpy(out->x + 5 * (ptrdiff_t)i, x, sizeof x);
    }
    free(order);
    return true;
}

static void effects_end(struct pane *p)
{
    struct effects_view *v = p->state;
    canvas_free(v->picture.backdrop);
}

/* ---- keys */

/* "[regions|tokens|heads] [zero|uniform|mean]"; without a word the next kind. */
static void do_leave_one_out(struct workbench *w, const char *arg)
{
    static const char *const names[EFFECTS_KINDS] = {"regions", "tokens", "heads"};
    const char *blank = strchr(arg, ' ');
    size_t len = blank ? (size_t)(blank - arg) : strlen(arg);
    int next = w->leave_outs.known ? (int)(w->leave_outs.known->of + 1) % EFFECTS_KINDS : 0;
    int of = *arg ? -1 : next, how = blank ? silence_find(blank + 1) : (int)KERN_ZERO;
    for (int i = 0; i < EFFECTS_KINDS; i++)
        if (len && strncmp(names[i], arg, len) == 0 && strlen(names[i]) == len)
            of = i;
    if (of < 0 || how < 0) {
        workbench_say(w, true, "leave-one-out regions, tokens, or heads [zero, uniform, mean]");
        return;
    }
    if (!change_possible(w))
        return;
    panes_show(&w->panes, &view_effects);
    leave_out_start(w, (enum effects_of)of, (enum kern_silence)how);
}

static void do_effects(struct workbench *w, const char *arg)
{
    (void)arg;
    panes_show(&w->panes, &view_effects);
}

static const struct action effects_actions[] = {
    ACTIONS_AFTER("restore"),
    {"leave-one-out", "K", "[WHAT]", NULL,
     "attribution of the chosen answer to regions, tokens or heads [zero, uniform, mean]",
     do_leave_one_out},
    ACTIONS_AFTER("lens"),
    {"effects", "F7", "", NULL, "the leave-one-out attribution", do_effects},
    {0},
};

const struct view view_effects = {
    .name = "effects",
    .what = "leave-one-out attribution of the answer to regions, tokens or heads",
    .hints = "Up Down choose, K again",
    .state = sizeof(struct effects_view),
    .end = effects_end,
    .draw = effects_draw,
    .move = effects_move,
    .accept = effects_accept,
    .click = effects_click,
    .under = effects_under,
    .stale = stale_result,
    .table = effects_table,
    .actions = effects_actions,
};
