/* The log: queries of this session or of all, filtered by what is typed. */
#include "ui/kit/text.h"
#include "ui/workbench_priv.h"

#include <curses.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST 2000 /* the newest queries */

static void forget(struct workbench *w)
{
    log_queries_free(w->history, w->history_count);
    w->history = NULL;
    w->history_count = 0;
}

static void history_load(struct workbench *w)
{
    struct vs_err err = {0};
    forget(w);
    if (!w->log)
        workbench_say(w, true, "nothing is logged: %s", w->log_state);
    else if (log_list_queries(w->log, w->history_all ? 0 : log_started_session(w->log), NULL,
                              MOST, &w->history, &w->history_count, &err) != 0)
        workbench_say(w, true, "%s", err.text);
}

static void history_enter(struct workbench *w)
{
    workbench_log(w, true); /* what was just asked belongs here */
    w->history_all = true;
    history_load(w);
}

static const char *line_text(const struct workbench *w, int i)
{
    static char text[1024];
    const struct log_query *q = &w->history[i];
    snprintf(text, sizeof text, "%s %s %s %s %s %s %s %s", q->task, q->text,
             q->answer ? q->answer : "", q->checkpoint ? q->checkpoint : "",
             q->image ? draw_base_name(q->image) : "", q->tags ? q->tags : "",
             q->note ? q->note : "", q->pinned ? "pinned" : "");
    return text;
}

/* What people said of it, behind the question. */
static void marks(const struct log_query *q, char *out, size_t size)
{
    snprintf(out, size, "%s%s%s%s%s%s", q->tags ? " [" : "", q->tags ? q->tags : "",
             q->tags ? "]" : "", q->note ? " (" : "", q->note ? q->note : "", q->note ? ")" : "");
}

static void draw_line(const struct log_query *q, struct area a, int row)
{
    bool wide = a.cols >= 110;
    char said[256], pin = q->pinned ? '*' : ' ';
    marks(q, said, sizeof said);
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

static void history_draw(struct workbench *w, struct area a)
{
    list_filter(w, w->history_count, line_text);
    attrset(A_BOLD);
    int n = draw_text(a.row, a.col, a.cols, w->history_all ? "History: all sessions"
                                                           : "History: this session");
    attrset(A_DIM);
    draw_text(a.row, a.col + n + 2, a.cols - n - 2, "%d of %d; Enter takes one, C-r asks again, "
              "C-s session or all, C-p pins, C-n notes, C-t tags", w->line_count, w->history_count);
    attrset(A_NORMAL);
    if (w->history_count == 0)
        draw_text(a.row + 2, a.col, a.cols, w->log ? "nothing is logged yet"
                                                   : "nothing is logged: --log FILE");
    int room = a.rows - 2, from = list_top(&w->scroll, w->pick, w->line_count, room);
    for (int i = from; i < w->line_count && i - from < room; i++) {
        int row = a.row + 2 + i - from;
        attrset(i == w->pick ? A_REVERSE : A_NORMAL);
        mvhline(row, a.col, ' ', a.cols);
        draw_line(&w->history[w->lines[i]], a, row);
        attrset(A_NORMAL);
    }
}

/* The chosen query's task, text and image, where it is open. False when there is none. */
static bool take(struct workbench *w)
{
    if (w->pick >= w->line_count)
        return false;
    const struct log_query *q = &w->history[w->lines[w->pick]];
    const struct task *t = task_find(q->task);
    edit_set(&w->query, q->text);
    w->task = t ? t : w->task;
    for (int i = 0; q->image && i < w->photo_count; i++)
        if (w->photos[i]->path && strcmp(w->photos[i]->path, q->image) == 0)
            w->photo = i;
    return true;
}

static void history_accept(struct workbench *w)
{
    bool taken = take(w);
    panes_leave_popup(w);
    if (taken)
        do_type(w, "");
}

void do_history_again(struct workbench *w, const char *arg)
{
    (void)arg;
    bool taken = take(w);
    panes_leave_popup(w);
    if (taken)
        do_again(w, "");
}

void do_history_scope(struct workbench *w, const char *arg)
{
    (void)arg;
    w->history_all = !w->history_all;
    w->pick = 0;
    history_load(w);
}

/* ---- what people say of a query */

/* The chosen line's, else the result's on the screen; 0, with words, when there is none. */
static int64_t marked_query(struct workbench *w)
{
    int64_t id = 0;
    if (w->popup == &view_history)
        id = w->pick < w->line_count ? w->history[w->lines[w->pick]].id : 0;
    else if (w->now.r && w->log) {
        workbench_log(w, true);
        id = log_written_query(w->log, w->now.r->log_id);
    }
    if (!id)
        workbench_say(w, true, w->log ? "there is no logged query here: ask something first"
                                      : "nothing is logged: --log FILE");
    return id;
}

static void marked(struct workbench *w, int rc, const struct vs_err *err, const char *what,
                   int64_t id)
{
    if (rc != 0)
        workbench_say(w, true, "%s", err->text);
    else
        workbench_say(w, false, "%s query %lld", what, (long long)id);
    if (w->popup == &view_history)
        history_load(w);
}

/* With what would be right, or without; a pinned one is let go again when nothing is said. */
void do_keep(struct workbench *w, const char *arg)
{
    struct vs_err err = {0};
    int64_t id = marked_query(w);
    bool pinned = false;
    for (int i = 0; i < w->history_count; i++)
        pinned |= w->history[i].id == id && w->history[i].pinned;
    if (id && pinned && !*arg)
        marked(w, log_unpin(w->log, id, &err), &err, "let go:", id);
    else if (id)
        marked(w, log_pin(w->log, id, *arg ? arg : NULL, &err), &err, "pinned:", id);
}

void do_note(struct workbench *w, const char *arg)
{
    struct vs_err err = {0};
    int64_t id = marked_query(w);
    if (id && !*arg)
        do_command(w, "note ");
    else if (id)
        marked(w, log_set_note(w->log, id, arg, &err), &err, "noted:", id);
}

/* "-WORD" takes it away. */
void do_tag(struct workbench *w, const char *arg)
{
    struct vs_err err = {0};
    int64_t id = marked_query(w);
    if (id && !*arg)
        do_command(w, "tag ");
    else if (id && *arg == '-')
        marked(w, log_remove_tag(w->log, id, arg + 1, &err), &err, "tag taken from", id);
    else if (id)
        marked(w, log_add_tag(w->log, id, arg, &err), &err, "tagged:", id);
}

static bool history_click(struct workbench *w, int row, int col)
{
    int at = w->scroll + row - 2;
    (void)col;
    if (row < 2 || at >= w->line_count)
        return false;
    w->pick = at;
    history_accept(w);
    return true;
}

static void history_filter(struct workbench *w)
{
    list_filter(w, w->history_count, line_text);
}

const struct view view_history = {
    .name = "history",
    .what = "logged queries of this session or all, filtered by what is typed",
    .popup = true,
    .enter = history_enter,
    .leave = forget,
    .draw = history_draw,
    .move = list_move,
    .accept = history_accept,
    .click = history_click,
    .filter = history_filter,
};
