/* SPDX-License-Identifier: MIT */
/* The answer: ranked words, images, verdicts or boxes with their numbers, against the plain result
 * where the query has interventions; or what all other heads say of the same pass. */
#include "src/base/mem.h"
#include "ui/views/grid.h"
#include "ui/views/list.h"
#include "ui/state/stale.h"

#include <curses.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const struct view view_answer;

#define NOTICE_ROWS 4 /* an answer pane with more has a line for the result's notice */

#define BELONGS_WIDE 36 /* an answer pane from here on has the probability of alignment, too */
#define WIDE 64 /* from here on: logit and sigmoid, too */

/* What another head says of the result on the screen. */
struct other {
    unsigned head;
    struct result_answer *answers;
    int count;
};

struct answer_view {
    bool others_shown;      /* what the other heads say, in place of the answer */
    struct other others[5]; /* read when they are first shown */
    int other_count;
    int serial;             /* of the result that they were read of */
    int top;                /* the first answer shown */
};

/* One ranked entry, whatever it is. */
struct line {
    char label[256];
    double logit, sigmoid, softmax;
    double share;  /* of the bar */
    bool compared; /* with the plain result: */
    double change; /* of the number beside it: the logit of an image, else the softmax */
    int was;       /* rank there, from 0 */
};

static int line_count(const struct result *r)
{
    return r ? r->box_count ? r->box_count : r->answer_count : 0;
}

static bool is_alignment(const struct result *r)
{
    return r->task->reading->ranked == RANKED_IMAGES;
}

/* ---- lines */

static void compare_answer(const struct result *plain, const struct result_answer *x,
                           struct line *out)
{
    for (int i = 0; i < plain->answer_count; i++)
        if (plain->answers[i].index == x->index) {
            out->compared = true;
            out->change = is_alignment(plain) ? (double)x->logit - (double)plain->answers[i].logit
                                              : (double)x->softmax -
                                                    (double)plain->answers[i].softmax;
            out->was = i;
            return;
        }
}

static void compare_box(const struct result *plain, const struct result_box *x, struct line *out)
{
    for (int i = 0; i < plain->box_count; i++)
        if (plain->boxes[i].image == x->image && plain->boxes[i].region == x->region) {
            out->compared = true;
            out->change = (double)x->softmax - (double)plain->boxes[i].softmax;
            out->was = i;
            return;
        }
}

/* From the worst to the best alignment of the ranking. */
static double alignment_share(const struct result *r, float logit)
{
    double best = (double)r->answers[0].logit;
    double worst = (double)r->answers[r->answer_count - 1].logit;
    return best > worst ? ((double)logit - worst) / (best - worst) : 1;
}

static void read_line(const struct workbench *w, int i, struct line *out)
{
    const struct result *r = w->now.r;
    *out = (struct line){0};
    if (r->box_count) {
        const struct result_box *x = &r->boxes[i];
        bool several = r->image_count > 1;
        char where[32] = "";
        if (several)
            snprintf(where, sizeof where, "of image %d ", x->image + 1);
        snprintf(out->label, sizeof out->label, "region %d %s%s", x->region, where,
                 x->label ? x->label : "");
        out->logit = (double)x->logit;
        out->sigmoid = (double)x->sigmoid;
        out->softmax = out->share = (double)x->softmax;
        if (w->plain)
            compare_box(w->plain, x, out);
        return;
    }
    const struct result_answer *x = &r->answers[i];
    snprintf(out->label, sizeof out->label, "%s", is_alignment(r) ? draw_base_name(x->label)
                                                                  : x->label);
    out->logit = (double)x->logit;
    out->sigmoid = (double)x->sigmoid;
    out->softmax = (double)x->softmax;
    out->share = is_alignment(r) ? alignment_share(r, x->logit) : (double)x->softmax;
    if (w->plain)
        compare_answer(w->plain, x, out);
}

/* What ranks is a difference of logits then, which follows from a probability. */
static bool shows_belongs(const struct result *r, struct area a)
{
    return r->matched && a.cols >= BELONGS_WIDE;
}

/* Columns at the right end: numbers by their names. */
static void draw_answer_names(const struct result *r, struct area a, int row, bool compared)
{
    int at = a.col + a.cols;
    attrset((int)draw_dim());
    if (compared)
        draw_text(row, at - 17, 17, "   change   was");
    at -= compared ? 17 : 0;
    draw_text(row, at - 9, 9, is_alignment(r) ? "    logit" : "  softmax");
    if (shows_belongs(r, a))
        draw_text(row, at - 18, 9, "  belongs");
    if (a.cols >= WIDE && !is_alignment(r))
        draw_text(row, at - 27, 18, "    logit  sigmoid");
    attrset(A_NORMAL);
}

static int numbers_width(const struct result *r, struct area a, bool compared)
{
    return 9 + (compared ? 17 : 0) + (shows_belongs(r, a) ? 9 : 0) +
           (a.cols >= WIDE && !is_alignment(r) ? 18 : 0);
}

static void draw_answer_numbers(const struct result *r, struct area a, int row,
                                const struct line *x, bool compared)
{
    int at = a.col + a.cols;
    if (compared) {
        char change[32];
        grid_signed((double)x->change, 4, change, sizeof change);
        if (x->compared)
            draw_text(row, at - 17, 17, "  %s %6d ", change, x->was + 1);
        at -= 17;
    }
    draw_text(row, at - 9, 9, is_alignment(r) ? "%9.3f" : "%9.4f",
              is_alignment(r) ? x->logit : x->softmax);
    if (shows_belongs(r, a))
        draw_text(row, at - 18, 9, "%9.4f", x->sigmoid);
    if (a.cols >= WIDE && !is_alignment(r))
        draw_text(row, at - 27, 18, "%9.3f%9.4f", x->logit, x->sigmoid);
}

static void draw_answer_line(const struct workbench *w, struct area a, int row, int i)
{
    const struct result *r = w->now.r;
    struct line x;
    bool chosen = i == w->sel->rank, compared = w->plain != NULL;
    int right = numbers_width(r, a, compared), room = a.cols - right - 4;
    int bar = room / 3 < room - 22 ? room / 3 : room - 22; /* names come first */
    bar = bar < 4 ? 0 : bar;
    read_line(w, i, &x);
    attrset(chosen ? A_REVERSE : A_NORMAL);
    mvhline(row, a.col, ' ', a.cols);
    if (r->box_count)
        attrset((int)(draw_rank_attr(i < w->how.boxes ? i : 5) |
                      (chosen ? A_REVERSE : A_NORMAL)));
    int n = draw_text(row, a.col, 4, "%2d ", i + 1);
    attrset(chosen ? A_REVERSE : A_NORMAL);
    const char *label = r->box_count && room - bar < 22 ? x.label + strlen("region ") : x.label;
    draw_text(row, a.col + n, room - bar + 3 - n, "%s", label);
    if (bar) {
        attrset((int)draw_rank_attr(r->box_count ? i : 1));
        draw_bar(row, a.col + 4 + room - bar, bar, x.share, chosen);
        attrset(chosen ? A_REVERSE : A_NORMAL);
    }
    draw_answer_numbers(r, a, row, &x, compared);
    attrset(A_NORMAL);
}

/* ---- other heads */

static const struct {
    unsigned head;
    const char *name, *number;
} head_names[] = {
    {HEAD_VQA, "VQA and Genome QA", "softmax"},
    {HEAD_GQA, "GQA", "softmax"},
    {HEAD_ALIGN, "caption-image alignment", "logit"},
    {HEAD_BINARY, "NLVR2", "softmax"},
    {HEAD_TRI, "SNLI-VE", "softmax"},
    {HEAD_MATCH, "alignment (pre-training)", "logit"},
};
#define HEADS (int)(sizeof head_names / sizeof head_names[0])

static void forget_others(struct answer_view *v)
{
    for (int i = 0; i < v->other_count; i++)
        result_answers_free(v->others[i].answers, v->others[i].count);
    v->other_count = 0;
}

static void read_others(struct workbench *w, struct answer_view *v)
{
    if (v->serial != w->now.serial)
        forget_others(v);
    v->serial = w->now.serial;
    if (v->other_count || !w->now.r || !w->ses.model)
        return;
    for (int i = 0; i < HEADS; i++) {
        struct other *o = &v->others[v->other_count];
        o->head = head_names[i].head;
        if (model_read_head(w->ses.model, w->now.r, o->head, &o->answers, &o->count))
            v->other_count++;
    }
}

static int draw_other(const struct other *o, struct area a, int row, int lines)
{
    int k = 0;
    while (head_names[k].head != o->head)
        k++;
    bool align = o->head == HEAD_ALIGN || o->head == HEAD_MATCH;
    attrset(A_BOLD);
    draw_text(row, a.col, a.cols - 10, "%s", head_names[k].name);
    attrset((int)draw_dim());
    draw_text(row++, a.col + a.cols - 9, 9, "%9s", head_names[k].number);
    attrset(A_NORMAL);
    for (int i = 0; i < o->count && i < lines && row < a.row + a.rows; i++, row++) {
        const struct result_answer *x = &o->answers[i];
        draw_text(row, a.col + 2, a.cols - 12, "%s", align ? draw_base_name(x->label) : x->label);
        draw_text(row, a.col + a.cols - 9, 9, align ? "%9.3f" : "%9.4f",
                  (double)(align ? x->logit : x->softmax));
    }
    return row;
}

/* The same pass, read by every head; those that were not asked are only hints. */
static void draw_others(struct workbench *w, struct answer_view *v, struct area a, int row)
{
    read_others(w, v);
    int end = a.row + a.rows, lines = v->other_count ? (end - row) / v->other_count - 1 : 0;
    lines = lines < 1 ? 1 : lines > 5 ? 5 : lines;
    for (int i = 0; i < v->other_count && row + 1 < end; i++)
        row = draw_other(&v->others[i], a, row, lines);
    if (v->other_count == 0)
        draw_text(row, a.col, a.cols, "no other head has an output");
}

/* ---- the view */

static int draw_answer_head(const struct workbench *w, const struct answer_view *v, struct area a)
{
    const struct result *r = w->now.r;
    int row = a.row;
    attrset(A_BOLD);
    draw_text(row++, a.col, a.cols, "%s%s", r ? r->task->title : "Answer",
              r && v->others_shown ? ": all heads" : "");
    attrset(A_NORMAL);
    if (!r) {
        draw_text(row++, a.col, a.cols, "no query yet");
        return row;
    }
    draw_text(row++, a.col, a.cols, "\"%s\"", r->text);
    if (r->changes) {
        attrset((int)draw_rank_attr(4));
        char *changes = change_list_show(r->changes);
        draw_text(row++, a.col, a.cols, "with %s", changes);
        free(changes);
    }
    attrset((int)draw_dim());
    if (r->notice && a.rows > NOTICE_ROWS)
        draw_text(row++, a.col, a.cols, "! %s", r->notice);
    if (!v->others_shown) {
        draw_answer_names(r, a, row, w->plain != NULL);
        int room = a.cols - numbers_width(r, a, w->plain != NULL);
        attrset((int)draw_dim());
        draw_text(row++, a.col, room < 13 ? 0 : room, is_alignment(r)  ? "alignment"
                                                      : room < 28 ? "entropy %.3f"
                                                                  : "entropy %.3f, margin %.3f",
                  r->entropy, r->margin);
    }
    attrset(A_NORMAL);
    return row;
}

#define MASKED_ROWS 8 /* of an answer pane with fewer, answers have all */

/* How many lines of the room are for the words that fit [MASK]: a line each, half of it at most. */
static int masked_lines(const struct result *r, int room)
{
    int n = r->masked_count < room / 2 ? r->masked_count : room / 2;
    return room >= MASKED_ROWS ? n : n > 0;
}

/* "[MASK] 4: red 0.41  blue 0.20": as many words as there is room for. */
static void draw_masked(const struct result *r, const struct result_masked *x, struct area a,
                        int row)
{
    char of[24] = "";
    if (r->image_count > 1)
        snprintf(of, sizeof of, ", image %d", x->image + 1);
    attrset((int)draw_dim());
    int at = draw_text(row, a.col, a.cols, "[MASK] %d%s: ", x->token + 1, of);
    for (int i = 0; i < x->count; i++) {
        char word[80];
        int n = snprintf(word, sizeof word, "%s %.2f  ", x->words[i].label,
                         (double)x->words[i].softmax);
        if (n <= 0 || at + n - 2 > a.cols)
            break;
        attrset(i == 0 ? A_BOLD : A_NORMAL);
        at += draw_text(row, a.col + at, a.cols - at, "%s", word);
    }
    attrset(A_NORMAL);
}

static void answer_draw(struct workbench *w, struct pane *p, struct area a)
{
    struct answer_view *v = p->state;
    const struct result *r = w->now.r;
    int row = draw_answer_head(w, v, a), room = a.row + a.rows - row;
    if (!r || room < 1)
        return;
    if (v->others_shown) {
        draw_others(w, v, a, row);
        return;
    }
    int masked = masked_lines(r, room);
    room -= masked;
    for (int i = 0; i < masked; i++)
        draw_masked(r, &r->masked[i], a, row + room + i);
    int from = list_top(&v->top, w->sel->rank, line_count(r), room);
    for (int i = from; i < line_count(r) && i - from < room; i++)
        draw_answer_line(w, a, row + i - from, i);
}

static bool answer_click(struct workbench *w, struct pane *p, int row, int col)
{
    const struct answer_view *v = p->state;
    const struct result *r = w->now.r;
    (void)col;
    int head = 3 + (r && r->changes) + (r && r->notice && p->at.rows > NOTICE_ROWS);
    int at = v->top + row - head;
    int end = p->at.rows - (r ? masked_lines(r, p->at.rows - head) : 0);
    if (!r || v->others_shown || row < head || row >= end || at >= line_count(r))
        return false;
    look_choose_rank(w, at);
    return true;
}

/* The first match from `from` on, then from the beginning. */
static void find_from(struct workbench *w, int from)
{
    int n = line_count(w->now.r);
    for (int k = 0; k < n; k++) {
        struct line x;
        int i = (from + k) % n;
        read_line(w, i, &x);
        if (!list_matches(x.label, w->typed.filter.text))
            continue;
        look_choose_rank(w, i);
        return;
    }
    workbench_say(w, true, "nothing here matches '%s'", w->typed.filter.text);
}

static void answer_filter(struct workbench *w, struct pane *p)
{
    (void)p;
    find_from(w, w->sel->rank);
}

static bool answer_table(struct workbench *w, struct pane *p, struct table *out)
{
    static const char *const names[] = {"logit", "sigmoid", "softmax", NULL, "was"};
    const struct result *r = w->now.r;
    int n = line_count(r), cols = w->plain ? 5 : 3;
    (void)p;
    if (!r)
        return false;
    table_init(out, n, cols);
    out->shape = TABLE_BARS;
    out->bars = is_alignment(r) ? 0 : 2;
    out->title = xstrdup("The answer, ranked");
    out->unit = xstrdup(is_alignment(r) ? "alignment (logit)" : "probability");
    for (int j = 0; j < cols; j++)
        out->col_names[j] = xstrdup(names[j]         ? names[j]
                                    : is_alignment(r) ? "change of logit"
                                                      : "change of softmax");
    for (int i = 0; i < n; i++) {
        struct line x;
        read_line(w, i, &x);
        const double v[] = {x.logit, x.sigmoid, x.softmax, x.compared ? x.change : NAN,
                            x.compared ? x.was + 1 : NAN};
        out->row_names[i] = xstrdup(x.label);
        for (int j = 0; j < cols; j++)
            out->x[(ptrdiff_t)i * cols + j] = (float)v[j];
    }
    return true;
}

static void answer_end(struct pane *p)
{
    forget_others(p->state);
}

/* ---- keys */

static void do_others(struct workbench *w, const char *arg)
{
    struct answer_view *v = panes_of(&w->panes, &view_answer)->state;
    (void)arg;
    v->others_shown = !v->others_shown;
}

static void do_find_next(struct workbench *w, const char *arg)
{
    (void)arg;
    if (w->typed.filter.len)
        find_from(w, w->sel->rank + 1);
    else
        workbench_say(w, true, "nothing has been searched for: / searches");
}

static const struct action answer_actions[] = {
    ACTIONS_AFTER("find"),
    {"find-next", ";", "", "answer", "the next answer that matches the search", do_find_next},
    ACTIONS_AFTER("checkpoint"),
    {"others", "O", "", NULL, "what the other heads say in the same pass", do_others},
    {0},
};

const struct view view_answer = {
    .name = "answer",
    .what = "ranked answers, images or boxes with their numbers; other heads",
    .hints = "Up Down choose, ; finds, O other heads",
    .state = sizeof(struct answer_view),
    .end = answer_end,
    .draw = answer_draw,
    .click = answer_click,
    .filter = answer_filter,
    .stale = stale_result,
    .table = answer_table,
    .actions = answer_actions,
};
