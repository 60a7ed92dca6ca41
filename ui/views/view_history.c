/* SPDX-License-Identifier: MIT */
/* The log: a row for each question, a column for each checkpoint that has answered it, filtered by
 * what is typed. */
#include "ui/kit/text.h"
#include "ui/views/history.h"
#include "ui/views/list.h"

#include <curses.h>
#include <stdio.h>
#include <string.h>

struct history_view {
    struct list list; /* its lines are the rows */
    struct history all;
    bool every;  /* of all sessions */
    int column;  /* the chosen one, from 1; 0: the newest answer */
    char chosen[DIGEST_HEX]; /* its checkpoint, over filters that leave others; "": none */
    int first;   /* the first column that is shown, from frame to frame */
};

/* Filters change which columns there are. */
static int history_column_of(const struct history *h, const char *digest)
{
    int i = *digest ? h->column_count : 0;
    while (i > 0 && strcmp(h->columns[i - 1].digest, digest) != 0)
        i--;
    return i;
}

static void history_load(struct workbench *w, struct history_view *v)
{
    struct vs_err err = {0};
    history_fini(&v->all);
    if (!w->ses.log)
        workbench_say(w, true, "nothing is logged: %s", w->logging.state);
    else if (history_read(w->ses.log, w->ses.model, w->typed.filter.text,
                          v->every ? 0 : log_started_session(w->ses.log), &v->all, &err) != 0)
        workbench_say(w, true, "%s", err.text);
    v->list.count = v->all.row_count;
    v->list.pick = v->list.pick < v->list.count ? v->list.pick : 0;
    v->column = history_column_of(&v->all, v->chosen);
}

static void history_enter(struct workbench *w, struct pane *p)
{
    struct history_view *v = p->state;
    workbench_log(w, true); /* what was just asked belongs here */
    v->every = true;
    history_load(w, v);
}

/* The chosen column's answer in a row, or its newest. */
static const struct log_query *history_cell(const struct history_view *v, int row)
{
    const struct history_row *x = &v->all.rows[row];
    int at = v->column ? x->cells[v->column - 1] : -1;
    return &v->all.queries[at < 0 ? x->newest : at];
}

/* The chosen line's; NULL: there is none. */
static const struct log_query *chosen_query(const struct pane *p)
{
    const struct history_view *v = p->state;
    return v->list.pick < v->all.row_count ? history_cell(v, v->list.pick) : NULL;
}

/* Whether a column is chosen whose checkpoint has not answered the chosen line's question: what is
 * shown then is another one's answer, which nothing is done with. Says so. */
static bool history_unanswered(struct workbench *w, const struct pane *p)
{
    const struct history_view *v = p->state;
    if (!chosen_query(p) || !v->column || v->all.rows[v->list.pick].cells[v->column - 1] >= 0)
        return false;
    workbench_say(w, true, "this checkpoint has not answered it");
    return true;
}

/* ---- drawing */

/* Where things stand in a line. */
struct history_layout {
    bool wide;          /* with the time of asking */
    int text, answer;   /* columns of the screen: of the question, of each answer */
    int shown;          /* checkpoints */
};

static struct history_layout history_fit(struct history_view *v, struct area a)
{
    struct history_layout f = {.wide = a.cols >= 110};
    int left = f.wide ? 35 : 17, n = v->all.column_count > 0 ? v->all.column_count : 1;
    int least = a.cols >= 110 ? 31 : a.cols >= 70 ? 20 : 12;
    f.answer = a.cols >= 110 ? 17 : a.cols >= 70 ? 18 : 14;
    f.shown = (a.cols - left - least) / f.answer;
    f.shown = f.shown < 1 ? 1 : f.shown > n ? n : f.shown;
    f.text = a.cols - left - f.shown * f.answer;
    v->first = v->column && v->column - 1 < v->first ? v->column - 1 : v->first;
    v->first = v->column > v->first + f.shown ? v->column - f.shown : v->first;
    v->first = v->first > n - f.shown ? n - f.shown : v->first;
    return f;
}

/* The answer in a row that people said something of: the one shown, else the newest. */
static const struct log_query *history_marked_of(const struct history_view *v, int row)
{
    const struct log_query *best = history_cell(v, row);
    for (int j = 0; j < v->all.column_count && !(best->pinned || best->tags || best->note); j++) {
        int at = v->all.rows[row].cells[j];
        const struct log_query *q = at < 0 ? best : &v->all.queries[at];
        best = q->pinned || q->tags || q->note ? q : best;
    }
    return best;
}

/* What people said of it, behind the question. */
static void history_marks(const struct log_query *q, char *out, size_t size)
{
    snprintf(out, size, "%s%s%s%s%s%s", q->tags ? " [" : "", q->tags ? q->tags : "",
             q->tags ? "]" : "", q->note ? " (" : "", q->note ? q->note : "", q->note ? ")" : "");
}

static void history_number(const struct log_query *q, char out[16])
{
    snprintf(out, 16, strcmp(q->score_name, "logit") == 0 ? "%+.2f" : "%.3f", q->score);
}

static void history_draw_answers(const struct history_view *v, const struct history_layout *f,
                                 const struct history_row *x, int row, int col, bool picked)
{
    for (int j = 0; j < f->shown && v->first + j < v->all.column_count; j++) {
        int at = x->cells[v->first + j];
        char number[16];
        if (at < 0)
            continue;
        const struct log_query *q = &v->all.queries[at];
        history_number(q, number);
        struct answer_cell cell = {q->answer ? q->answer : "", number, q->judged, picked};
        list_answer(&cell, row, col + j * f->answer, f->answer);
        if (picked && v->column == v->first + j + 1)
            mvchgat(row, col + j * f->answer, f->answer - 1, A_REVERSE | A_BOLD | A_UNDERLINE, 0,
                    NULL);
    }
}

static void history_draw_line(const struct history_view *v, const struct history_layout *f,
                              struct area a, int i, bool picked)
{
    const struct log_query *q = history_cell(v, i);
    char said[256];
    attrset(picked ? A_REVERSE : A_NORMAL);
    mvhline(a.row, a.col, ' ', a.cols);
    history_marks(history_marked_of(v, i), said, sizeof said);
    int n = draw_text(a.row, a.col, 7, "%c%4lld ", history_marked_of(v, i)->pinned ? '*' : ' ',
                      (long long)q->id);
    if (f->wide)
        n += draw_text(a.row, a.col + n, 18, "%.16s  ", q->when);
    n += draw_text(a.row, a.col + n, 11, "%-10.10s ", q->task);
    int room = a.cols - n - f->shown * f->answer - 1, marks = text_width(said);
    int text = room - marks > 16 ? room - marks : room > 16 ? 16 : room;
    n += draw_text(a.row, a.col + n, text, "%s%s", q->changes ? "~ " : "", q->text);
    draw_text(a.row, a.col + n, a.cols - n - f->shown * f->answer - 1, "%s", said);
    history_draw_answers(v, f, &v->all.rows[i], a.row, a.col + a.cols - f->shown * f->answer,
                         picked);
    attrset(A_NORMAL);
}

/* Names of checkpoints, with the first digits of the digest where two have one name. */
static void history_draw_columns(const struct history_view *v, const struct history_layout *f,
                                 struct area a)
{
    const struct history *h = &v->all;
    int col = a.col + a.cols - f->shown * f->answer;
    for (int j = 0; j < f->shown && v->first + j < h->column_count; j++) {
        const struct history_column *x = &h->columns[v->first + j];
        bool twice = false;
        for (int i = 0; i < h->column_count; i++)
            twice |= &h->columns[i] != x && strcmp(h->columns[i].name, x->name) == 0;
        attrset(v->column == v->first + j + 1 ? A_BOLD | A_UNDERLINE : A_BOLD);
        draw_text(a.row + 1, col + j * f->answer + 2, f->answer - 3, "%s%s%.*s", x->name,
                  twice ? " " : "", twice ? 4 : 0, x->digest);
    }
    attrset((int)draw_dim());
    if (h->column_count > f->shown)
        draw_text(a.row + 1, a.col, a.cols - f->shown * f->answer - 1,
                  "checkpoints %d to %d of %d: Left, Right", v->first + 1, v->first + f->shown,
                  h->column_count);
    attrset(A_NORMAL);
}

/* All that the line has no room for. */
static void history_draw_chosen(const struct log_query *q, struct area a)
{
    char number[16], said[512];
    history_number(q, number);
    history_marks(q, said, sizeof said);
    mvhline(a.row, a.col, ACS_HLINE, a.cols);
    attrset(A_BOLD);
    draw_text(a.row + 1, a.col, a.cols, "%s", q->text);
    attrset(A_NORMAL);
    draw_text(a.row + 2, a.col, a.cols, "%s: %s, %s %s%s%s%s%s", q->checkpoint ? q->checkpoint : "",
              q->answer ? q->answer : "", q->score_name, number,
              q->judged == LOG_UNJUDGED ? "" : ", ",
              q->judged == LOG_UNJUDGED ? "" : log_judged_names[q->judged],
              q->expected ? "; expected: " : "", q->expected ? q->expected : "");
    attrset((int)draw_dim());
    draw_text(a.row + 3, a.col, a.cols, "query %lld, %.16s, %s%s%s%s", (long long)q->id, q->when,
              q->image ? draw_base_name(q->image) : "no image", said,
              q->changes ? " changed: " : "", q->changes ? q->changes : "");
    attrset(A_NORMAL);
}

static void history_draw_title(const struct workbench *w, const struct history_view *v,
                               struct area a)
{
    attrset(A_BOLD);
    int n = draw_text(a.row, a.col, a.cols, v->every ? "History: all sessions"
                                                     : "History: this session");
    attrset((int)draw_dim());
    draw_text(a.row, a.col + n + 2, a.cols - n - 2, "%d question%s; type words%s", v->all.row_count,
              v->all.row_count == 1 ? "" : "s",
              a.cols >= 110 ? ", task: checkpoint: outcome: tag: since: until: pinned:"
              : a.cols >= 70 ? ", task: outcome: tag: since:" : "");
    attrset(A_NORMAL);
    const char *none = !w->ses.log ? "nothing is logged: --log FILE"
                       : v->all.why[0] ? v->all.why
                       : w->typed.filter.len ? "no query matches" : "nothing has been logged yet";
    if (v->all.row_count == 0)
        draw_text(a.row + 2, a.col, a.cols, "%s", none);
}

static int history_room(struct area a)
{
    return a.rows - 2 - (a.rows > 8 + LIST_DETAILS ? LIST_DETAILS : 0);
}

static void history_draw(struct workbench *w, struct pane *p, struct area a)
{
    struct history_view *v = p->state;
    struct list *l = &v->list;
    struct history_layout f = history_fit(v, a);
    int room = history_room(a), from = list_top(&l->top, l->pick, l->count, room);
    history_draw_title(w, v, a);
    history_draw_columns(v, &f, a);
    for (int i = from; i < l->count && i - from < room; i++)
        history_draw_line(v, &f, (struct area){a.row + 2 + i - from, a.col, 1, a.cols}, i,
                          i == l->pick);
    if (room < a.rows - 2 && chosen_query(p)) {
        struct area at = {a.row + a.rows - LIST_DETAILS, a.col, LIST_DETAILS, a.cols};
        history_draw_chosen(chosen_query(p), at);
        list_where(at, from, l->count, room);
    }
}

/* ---- choosing */

static void history_move(struct workbench *w, struct pane *p, enum motion m)
{
    struct history_view *v = p->state;
    if (m == MOVE_RIGHT && v->column < v->all.column_count)
        v->column++;
    else if (m == MOVE_LEFT && v->column > 0)
        v->column--;
    else
        list_move(w, p, m);
    if (m == MOVE_RIGHT || m == MOVE_LEFT)
        snprintf(v->chosen, sizeof v->chosen, "%s",
                 v->column ? v->all.columns[v->column - 1].digest : "");
}

/* The chosen query's task, text and image, where it is open. False when there is none. */
static bool history_take(struct workbench *w, const struct pane *p)
{
    const struct log_query *q = chosen_query(p);
    const struct task *t = q ? task_find(q->task) : NULL;
    if (!q)
        return false;
    edit_set(&w->typed.query, q->text);
    w->ses.task = t ? t : w->ses.task;
    for (int i = 0; q->image && i < w->ses.photo_count; i++)
        if (w->ses.photos[i]->path && strcmp(w->ses.photos[i]->path, q->image) == 0)
            w->ses.photo = i;
    return true;
}

static void history_accept(struct workbench *w, struct pane *p)
{
    bool taken = history_take(w, p);
    panes_leave_popup(w);
    if (taken)
        typed_query(w, "");
}

static bool history_click(struct workbench *w, struct pane *p, int row, int col)
{
    bool there = row < 2 + history_room(p->at) && list_click(w, p, row, col);
    if (there)
        history_accept(w, p);
    return there;
}

static void history_filter(struct workbench *w, struct pane *p)
{
    struct history_view *v = p->state;
    v->list.pick = 0;
    history_load(w, v);
}

static void history_end(struct pane *p)
{
    history_fini(&((struct history_view *)p->state)->all);
    list_end(p);
}

/* ---- keys */

/* NULL: it is not open. */
static struct pane *history_popup(struct workbench *w)
{
    return w->panes.popup.view == &view_history ? &w->panes.popup : NULL;
}

static void do_history_again(struct workbench *w, const char *arg)
{
    (void)arg;
    if (history_popup(w) && history_unanswered(w, history_popup(w)))
        return;
    bool taken = history_popup(w) && history_take(w, history_popup(w));
    panes_leave_popup(w);
    if (taken)
        query_ask(w);
}

static void do_history_scope(struct workbench *w, const char *arg)
{
    struct history_view *v = history_popup(w) ? history_popup(w)->state : NULL;
    (void)arg;
    if (!v)
        return;
    v->every = !v->every;
    v->list.pick = 0;
    history_load(w, v);
}

/* ---- what people say of a query */

/* The chosen line's, else the result's on the screen; 0, with words, when there is none. */
static int64_t marked_query(struct workbench *w)
{
    int64_t id = 0;
    const struct pane *p = history_popup(w);
    if (p && history_unanswered(w, p))
        return 0;
    if (p)
        id = chosen_query(p) ? chosen_query(p)->id : 0;
    else if (w->now.r && w->ses.log) {
        workbench_log(w, true);
        id = log_written_query(w->ses.log, w->now.r->log_id);
    }
    if (!id)
        workbench_say(w, true, w->ses.log ? "there is no logged query here: ask something first"
                                      : "nothing is logged: --log FILE");
    return id;
}

static void history_marked(struct workbench *w, int rc, const struct vs_err *err, const char *what,
                           int64_t id)
{
    if (rc != 0)
        workbench_say(w, true, "%s", err->text);
    else
        workbench_say(w, false, "%s query %lld", what, (long long)id);
    if (history_popup(w))
        history_load(w, history_popup(w)->state);
}

/* With what would be right, or without; a pinned one is let go again when nothing is said. */
static void do_keep(struct workbench *w, const char *arg)
{
    struct vs_err err = {0};
    int64_t id = marked_query(w);
    bool pinned = false;
    const struct history_view *v = history_popup(w) ? history_popup(w)->state : NULL;
    for (int i = 0; v && i < v->all.count; i++)
        pinned |= v->all.queries[i].id == id && v->all.queries[i].pinned;
    if (id && pinned && !*arg)
        history_marked(w, log_unpin(w->ses.log, id, &err), &err, "unpinned", id);
    else if (id)
        history_marked(w, log_pin(w->ses.log, id, *arg ? arg : NULL, &err), &err, "pinned", id);
}

static void do_note(struct workbench *w, const char *arg)
{
    struct vs_err err = {0};
    int64_t id = marked_query(w);
    if (id && !*arg)
        typed_command(w, "note ");
    else if (id)
        history_marked(w, log_set_note(w->ses.log, id, arg, &err), &err, "noted on", id);
}

/* "-WORD" takes it away. */
static void do_tag(struct workbench *w, const char *arg)
{
    struct vs_err err = {0};
    int64_t id = marked_query(w);
    if (id && !*arg)
        typed_command(w, "tag ");
    else if (id && *arg == '-')
        history_marked(w, log_remove_tag(w->ses.log, id, arg + 1, &err), &err, "tag removed from",
                       id);
    else if (id)
        history_marked(w, log_add_tag(w->ses.log, id, arg, &err), &err, "tagged", id);
}

static void do_history(struct workbench *w, const char *arg)
{
    panes_popup(w, &view_history);
    if (*arg) {
        edit_set(&w->typed.filter, arg);
        history_filter(w, &w->panes.popup);
    }
}

static const struct action history_actions[] = {
    ACTIONS_AFTER("regions"),
    {"history", "H", "[TEXT]", NULL,
     "all logged queries, or those that a filter finds: words, task:vqa outcome:wrong", do_history},
    {"history-again", "C-r", "", "history", "ask the chosen query again", do_history_again},
    {"history-scope", "C-s", "", "history", "this session, or all sessions", do_history_scope},
    {"keep", "C-p", "[TEXT]", NULL,
     "pin the logged query, with what would be right, or unpin it", do_keep},
    {"note", "C-n", "[TEXT]", NULL, "add a note to the logged query", do_note},
    {"tag", "C-t", "[TEXT]", NULL, "add a tag to the logged query, or remove it (-TAG)", do_tag},
    {0},
};

const struct view view_history = {
    .name = "history",
    .what = "logged queries with the answer of each checkpoint, filtered by what is typed",
    .hints = "C-r again, C-s session, C-p pin, C-n note, C-t tag",
    .popup = true,
    .state = sizeof(struct history_view),
    .enter = history_enter,
    .end = history_end,
    .draw = history_draw,
    .move = history_move,
    .accept = history_accept,
    .click = history_click,
    .filter = history_filter,
    .actions = history_actions,
};
