/* SPDX-License-Identifier: MIT */
/* Which weights carry the change from A's answer to B's: A runs with single parts of B. */
#include "src/base/mem.h"
#include "ui/jobs/compare.h"
#include "ui/views/grid.h"
#include "ui/views/list.h"
#include "ui/state/stale.h"

#include <curses.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const struct view view_patch;

struct patch_view {
    int pick, top; /* the chosen line, and the first, */
    int of;        /* of the result of this number */
    struct area lines; /* where they were drawn last, counted from the pane's corner */
};

static bool is_of_set(const struct patch_result *r, int item)
{
    for (int i = 0; i < r->set_count; i++)
        if (r->set[i] == item)
            return true;
    return false;
}

static void draw_item(const struct patch_result *r, struct area a, int item, bool chosen)
{
    const struct patch_item *x = &r->items[item];
    int bar = a.cols - 58, length = (int)(x->share > 0 ? x->share * 1000 : -x->share * 1000);
    attrset(chosen ? A_REVERSE : A_NORMAL);
    mvhline(a.row, a.col, ' ', a.cols);
    draw_text(a.row, a.col, a.cols, "%c %-36.36s %7.1f%%  %s", is_of_set(r, item) ? '*' : ' ',
              x->name, 100 * x->share, x->flips ? "flips" : "");
    attrset((int)(x->flips ? draw_rank_attr(0) : draw_sign_attr(x->share) | A_BOLD));
    if (bar > 2)
        draw_bar(a.row, a.col + 56, bar, length / 1000.0, chosen);
    attrset(A_NORMAL);
}

/* What was asked, and what is measured. */
static int draw_patch_query(const struct patches *s, struct area a)
{
    const struct patch_result *r = s->result;
    const struct patch_query *q = &r->queries[0];
    int row = a.row;
    draw_text(row++, a.col, a.cols, "\"%s\": A answers %s, B %s", s->text, q->answer_a,
              q->answer_b);
    attrset((int)draw_dim());
    draw_text(row++, a.col, a.cols, "recovered %s: 0 %% is %.3f, 100 %% is %.3f; %d passes",
              q->changed                   ? "log odds of B's answer against A's"
              : q->scale == SCORE_LOG_ODDS ? "log odds"
                                           : "logit",
              q->before, q->after, r->runs);
    attrset(A_NORMAL);
    if (r->best >= 0 && r->items[r->best].share > 0) {
        attrset((int)draw_rank_attr(0));
        draw_text(row++, a.col, a.cols, "most recovered by %s, %.1f %%", r->items[r->best].name,
                  100 * r->items[r->best].share);
        attrset(A_NORMAL);
    }
    if (q->changed && r->set_count)
        draw_text(row++, a.col, a.cols,
                  "* %d of %d parts together give B's answer; %s", r->set_count, r->item_count,
                  r->smallest ? "no smaller set does" : "none can be left out");
    else if (q->changed)
        draw_text(row++, a.col, a.cols, "%s", r->smallest
                                                  ? "no set of these gives B's answer"
                                                  : "all of them together do not give B's answer");
    return row;
}

/* Its lines begin anew with a result. */
static struct patch_view *patch_state(const struct pane *p, const struct patches *s)
{
    struct patch_view *v = p->state;
    if (v->of != s->number)
        *v = (struct patch_view){.of = s->number};
    return v;
}

static void patch_draw(struct workbench *w, struct pane *p, struct area a)
{
    struct comparison *c = comparison_of(w);
    struct patches *s = &c->patches;
    struct patch_view *v = patch_state(p, s);
    char pair[160];
    v->lines = (struct area){0};
    compare_pair_name(w, pair, sizeof pair);
    attrset(A_BOLD);
    draw_text(a.row, a.col, a.cols, "Weight patching, %s of B into A: %s",
              patch_level_names[s->level], pair);
    attrset(A_NORMAL);
    if (s->runs) {
        int all = atomic_load(&s->progress.all), done = atomic_load(&s->progress.done);
        if (all)
            draw_text(a.row + 1, a.col, a.cols, "part %d of %d; Esc stops", done, all);
        else
            draw_text(a.row + 1, a.col, a.cols, "set %d; Esc stops", done);
        return;
    }
    if (s->why[0] || !s->result) {
        draw_text(a.row + 1, a.col, a.cols, "%s", s->why[0] ? s->why : "E patches; again: the "
                                                                        "next level");
        return;
    }
    int row = draw_patch_query(s, (struct area){a.row + 1, a.col, a.rows - 1, a.cols});
    attrset((int)draw_dim());
    draw_text(row++, a.col, a.cols, "Enter asks A with the chosen part of B; E: the next level");
    attrset(A_NORMAL);
    int room = a.row + a.rows - row, n = s->result->item_count;
    int from = list_top(&v->top, v->pick, n, room);
    for (int i = from; i < n && i - from < room; i++)
        draw_item(s->result, (struct area){row + i - from, a.col, 1, a.cols}, s->order[i],
                  i == v->pick);
    v->lines = area_in_pane(p, (struct area){row, a.col, room, a.cols});
}

/* The line at a place, or -1. */
static int patch_line(const struct pane *p, const struct patches *s, int row, int col)
{
    const struct patch_view *v = patch_state(p, s);
    return s->result && !s->runs
               ? area_line(v->lines, v->top, s->result->item_count, row, col) : -1;
}

static bool patch_click(struct workbench *w, struct pane *p, int row, int col)
{
    const struct patches *s = &comparison_of(w)->patches;
    int line = patch_line(p, s, row, col);
    if (line >= 0)
        patch_state(p, s)->pick = line;
    return line >= 0;
}

static bool patch_under(struct workbench *w, struct pane *p, int row, int col, char *out,
                        size_t size)
{
    const struct patches *s = &comparison_of(w)->patches;
    int line = patch_line(p, s, row, col);
    if (line < 0)
        return false;
    const struct patch_item *x = &s->result->items[s->order[line]];
    snprintf(out, size, "%s of B in A: %.3f %% recovered%s", x->name, 100 * x->share,
             x->flips ? ", B's answer" : "");
    return true;
}

static void patch_move(struct workbench *w, struct pane *p, enum motion m)
{
    struct patches *s = &comparison_of(w)->patches;
    struct patch_view *v = patch_state(p, s);
    if (m == MOVE_LEFT || m == MOVE_RIGHT)
        look_move(w, m);
    else if (s->result)
        v->pick = panes_pick(v->pick, s->result->item_count, 10, m);
}

/* Enter asks A with the chosen part of B, so that every view shows what that does. */
static void patch_accept(struct workbench *w, struct pane *p)
{
    struct comparison *c = comparison_of(w);
    const struct patches *s = &c->patches;
    if (!s->result || s->runs || !w->now.r) {
        typed_query(w, "");
        return;
    }
    if (s->query != stale_identity(w)) {
        workbench_say(w, true, "this is of another query: :patch %s computes it again",
                      patch_level_names[s->level]);
        return;
    }
    free(w->changes.list);
    w->changes.list = xcalloc(1, sizeof *w->changes.list);
    w->changes.list[0] = s->result->items[s->order[patch_state(p, s)->pick]].change;
    w->changes.count = 1;
    w->ses.checkpoint = s->a;
    query_repeat(w);
}

static char *patch_words(struct workbench *w, const struct patches *s)
{
    char a[64], b[64];
    compare_name(w, s->a, a, sizeof a);
    compare_name(w, s->b, b, sizeof b);
    return xasprintf("Weight patching by %s: parts of %s into %s", patch_level_names[s->made], b,
                     a);
}

static bool patch_table(struct workbench *w, struct pane *p, struct table *out)
{
    const struct patches *s = &comparison_of(w)->patches;
    (void)p;
    if (!s->result)
        return false;
    table_init(out, s->result->item_count, 2);
    out->shape = TABLE_BARS;
    out->sign = true;
    out->title = patch_words(w, s);
    out->unit = xstrdup("share of the change that it carries");
    out->col_names[0] = xstrdup("share");
    out->col_names[1] = xstrdup("flips");
    for (int i = 0; i < s->result->item_count; i++) {
        out->row_names[i] = xstrdup(s->result->items[i].name);
        out->x[2 * i] = (float)s->result->items[i].share;
        out->x[2 * i + 1] = (float)s->result->items[i].flips;
    }
    return true;
}

static bool patch_stale(struct workbench *w, struct pane *p, char *out, size_t size)
{
    const struct comparison *c = comparison_of(w);
    const struct patches *s = &c->patches;
    char a[64], b[64];
    if (!s->result || s->runs || s->why[0])
        return false;
    bool same = s->a == c->a && s->b == c->b && s->made == s->level;
    if (same && s->query == stale_identity(w))
        return stale_query(w, p, out, size);
    compare_name(w, s->a, a, sizeof a);
    compare_name(w, s->b, b, sizeof b);
    snprintf(out, size, "! of %s in %s, %s, \"%.120s\"; :patch %s computes it again",
             patch_level_names[s->made], a, b, s->text, patch_level_names[s->level]);
    return true;
}

static void do_patch(struct workbench *w, const char *arg)
{
    int level = -1;
    for (int i = 0; i < PATCH_LEVELS; i++)
        level = strcmp(arg, patch_level_names[i]) == 0 ? i : level;
    if (*arg && level < 0) {
        workbench_say(w, true, "patch takes blocks, layers or heads, not '%s'", arg);
        return;
    }
    if (!compare_several(w))
        return;
    struct comparison *c = comparison_of(w);
    if (!*arg && panes_view(&w->panes) == &view_patch)
        level = ((int)c->patches.level + 1) % PATCH_LEVELS; /* the key again: the next level */
    if (level >= 0)
        c->patches.level = (enum patch_level)level;
    panes_show(&w->panes, &view_patch);
    patches_start(w);
}

static const struct action patch_actions[] = {
    ACTIONS_AFTER("drift"),
    {"patch", "E", "[LEVEL]", NULL,
     "weight patching: which blocks, layers or heads of B change the answer of A", do_patch},
    {0},
};

const struct view view_patch = {
    .name = "patch",
    .what = "weight patching: which weights of B carry the change of A's answer",
    .hints = "Up Down choose, E level",
    .state = sizeof(struct patch_view),
    .draw = patch_draw,
    .move = patch_move,
    .accept = patch_accept,
    .click = patch_click,
    .under = patch_under,
    .stale = patch_stale,
    .table = patch_table,
    .pair_changed = patches_start,
    .actions = patch_actions,
};
