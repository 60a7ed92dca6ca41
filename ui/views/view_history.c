/* SPDX-License-Identifier: MIT */
/* The log: queries of this session or of all, filtered by what is typed. */
#include "ui/kit/text.h"
#include "ui/views/list.h"

#include <curses.h>
#include <stdio.h>
#include <string.h>

#define MOST 2000 /* the newest queries */

struct history_view {
    struct list list;
    struct log_query *queries;
    int count;
    bool all; /* of all sessions */
};

static void history_forget(struct history_view *v)
{
    log_queries_free(v->queries, v->count);
    v->queries = NULL;
    v->count = 0;
}

static void history_load(struct workbench *w, struct history_view *v)
{
    struct vs_err err = {0};
    history_forget(v);
    if (!w->ses.log)
        workbench_say(w, true, "nothing is logged: %s", w->logging.state);
    else if (log_list_queries(w->ses.log, v->all ? 0 : log_started_session(w->ses.log), NULL, MOST,
                              &v->queries, &v->count, &err) != 0)
        workbench_say(w, true, "%s", err.text);
}

static void history_enter(struct workbench *w, struct pane *p)
{
    struct history_view *v = p->state;
    workbench_log(w, true); /* what was just asked belongs here */
    v->all = true;
    history_load(w, v);
}

static const char *history_line_text(const struct workbench *w, const struct pane *p, int i)
{
    static char text[1024];
    const struct log_query *q = &((const struct history_view *)p->state)->queries[i];
    (void)w;
    snprintf(text, sizeof text, "%s %s %s %s %s %s %s %s", q->task, q->text,
             q->answer ? q->answer : "", q->checkpoint ? q->checkpoint : "",
             q->image ? draw_base_name(q->image) : "", q->tags ? q->tags : "",
             q->note ? q->note : "", q->pinned ? "pinned" : "");
    return text;
}

/* What people said of it, behind the question. */
static void history_marks(const struct log_query *q, char *out, size_t size)
{
    snprintf(out, size, "%s%s%s%s%s%s", q->tags ? " [" : "", q->tags ? q->tags : "",
             q->tags ? "]" : "", q->note ? " (" : "", q->note ? q->note : "", q->note ? ")" : "");
}

static void draw_history_line(const struct log_query *q, struct area a, int row)
{
    bool wide = a.cols >= 110;
    char said[256], pin = q->pinned ? '*' : ' ';
    history_marks(q, said, sizeof said);
    int n = wide ? draw_text(row, a.col, a.cols, "%c%5lld %.16s ", pin, (long long)q->id, q->when)
                 : draw_text(row, a.col, a.cols, "%c%4lld ", pin, (long long)q->id);
    n += draw_text(row, a.col + n, 11, "%-10.10s ", q->task);
    int right = wide ? 44 : 26, room = a.cols - n - right;
    n += draw_text(row, a.col + n, room - text_width(said), "%s", q->text);
    draw_text(row, a.col + n, a.cols - n - right, "%s", said);
    draw_text(row, a.col + a.cols - right + 1, right - 9 - (wide ? 16 : 0), "%s",
              q->answer ? q->answer : "");
    draw_text(row, a.col + a.cols - 8 - (wide ? 16 : 0), 8, "%8.4f", q->score);
    if (wide)
        draw_text(row, a.col + a.cols - 15, 15, "%s", q->image ? draw_base_name(q->image) : "");
}

static void history_draw(struct workbench *w, struct pane *p, struct area a)
{
    struct history_view *v = p->state;
    struct list *l = &v->list;
    list_filter(w, p, v->count, history_line_text);
    attrset(A_BOLD);
    int n = draw_text(a.row, a.col, a.cols, v->all ? "History: all sessions"
                                                   : "History: this session");
    attrset(A_DIM);
    draw_text(a.row, a.col + n + 2, a.cols - n - 2, "%d of %d; Enter uses one, C-r asks again, "
              "C-s session or all, C-p pins, C-n notes, C-t tags", l->count, v->count);
    attrset(A_NORMAL);
    if (v->count == 0)
        draw_text(a.row + 2, a.col, a.cols, w->ses.log ? "nothing has been logged yet"
                                                   : "nothing is logged: --log FILE");
    int room = a.rows - 2, from = list_top(&l->top, l->pick, l->count, room);
    for (int i = from; i < l->count && i - from < room; i++) {
        int row = a.row + 2 + i - from;
        attrset(i == l->pick ? A_REVERSE : A_NORMAL);
        mvhline(row, a.col, ' ', a.cols);
        draw_history_line(&v->queries[l->lines[i]], a, row);
        attrset(A_NORMAL);
    }
}

/* The chosen line; NULL: there is none. */
static const struct log_query *chosen_query(const struct pane *p)
{
    const struct history_view *v = p->state;
    const struct list *l = &v->list;
    return l->pick < l->count ? &v->queries[l->lines[l->pick]] : NULL;
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
    bool there = list_click(w, p, row, col);
    if (there)
        history_accept(w, p);
    return there;
}

static void history_filter(struct workbench *w, struct pane *p)
{
    struct history_view *v = p->state;
    v->list.pick = 0;
    list_filter(w, p, v->count, history_line_text);
}

static void history_end(struct pane *p)
{
    history_forget(p->state);
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
    v->all = !v->all;
    v->list.pick = 0;
    history_load(w, v);
}

/* ---- what people say of a query */

/* The chosen line's, else the result's on the screen; 0, with words, when there is none. */
static int64_t marked_query(struct workbench *w)
{
    int64_t id = 0;
    const struct pane *p = history_popup(w);
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
    for (int i = 0; v && i < v->count; i++)
        pinned |= v->queries[i].id == id && v->queries[i].pinned;
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
    (void)arg;
    panes_popup(w, &view_history);
}

static const struct action history_actions[] = {
    ACTIONS_AFTER("regions"),
    {"history", "H", "", NULL, "all logged queries", do_history},
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
    .what = "logged queries of this session or all, filtered by what is typed",
    .hints = "C-r again, C-n note, C-t tag, Esc closes",
    .popup = true,
    .state = sizeof(struct history_view),
    .enter = history_enter,
    .end = history_end,
    .draw = history_draw,
    .move = list_move,
    .accept = history_accept,
    .click = history_click,
    .filter = history_filter,
    .actions = history_actions,
};
