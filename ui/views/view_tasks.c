/* SPDX-License-Identifier: MIT */
/* The list of tasks, with the digits that choose them. */
#include "ui/views/views.h"

#include <curses.h>
#include <stdlib.h>

struct tasks_view {
    int pick; /* the chosen task */
};

/* Lines are the groups' titles and the tasks; the task of a line, or -1. */
static int line_task(int line)
{
    int group = -1, at = 0;
    for (int i = 0; i < task_count; i++) {
        if ((int)task_table[i].group != group) {
            group = (int)task_table[i].group;
            if (at++ == line)
                return -1;
        }
        if (at++ == line)
            return i;
    }
    return -1;
}

static void tasks_enter(struct workbench *w, struct pane *p)
{
    struct tasks_view *v = p->state;
    v->pick = (int)(w->ses.task - task_table);
}

/* What is told of a task: what it asks for, or why the checkpoint does not answer it. */
static bool tasks_tell(const struct workbench *w, const struct task *t, char *told, size_t size)
{
    bool answers = !w->ses.model ||
                   !model_lacks_head(w->ses.model, w->ses.checkpoint, t, told, size);
    if (answers)
        snprintf(told, size, "%s", t->hint);
    return answers;
}

static void tasks_draw(struct workbench *w, struct pane *p, struct area a)
{
    const struct tasks_view *v = p->state;
    int row = a.row, group = -1;
    for (int i = 0; i < task_count && row < a.row + a.rows; i++) {
        const struct task *t = &task_table[i];
        if ((int)t->group != group) {
            group = (int)t->group;
            attrset(A_BOLD);
            draw_text(row++, a.col, a.cols, "%s", task_group_name(t->group));
        }
        char told[300];
        bool answers = tasks_tell(w, t, told, sizeof told);
        attrset((int)(i == v->pick ? A_REVERSE : answers ? A_NORMAL : draw_dim()));
        draw_text(row++, a.col + 1, a.cols - 1, "%c %3d  %-19s %s", i < 9 ? '1' + i
                                                                    : i == 9 ? '0' : ' ',
                  t->id, t->title, told);
        attrset(A_NORMAL);
    }
}

static void tasks_move(struct workbench *w, struct pane *p, enum motion m)
{
    struct tasks_view *v = p->state;
    (void)w;
    v->pick = panes_pick(v->pick, task_count, 5, m);
}

static void tasks_accept(struct workbench *w, struct pane *p)
{
    const struct tasks_view *v = p->state;
    w->ses.task = &task_table[v->pick];
    panes_leave_popup(w);
    typed_query(w, "");
}

static bool tasks_click(struct workbench *w, struct pane *p, int row, int col)
{
    struct tasks_view *v = p->state;
    int task = line_task(row);
    (void)col;
    if (task < 0)
        return false;
    v->pick = task;
    tasks_accept(w, p);
    return true;
}

static void do_task(struct workbench *w, const char *arg)
{
    const struct task *t = task_find(arg);
    if (!*arg) {
        panes_popup(w, &view_tasks);
    } else if (t) {
        w->ses.task = t;
    } else {
        workbench_say(w, true, "there is no task '%s'; t lists them", arg);
    }
}

static void do_digit(struct workbench *w, const char *arg)
{
    int n = atoi(*arg ? arg : w->typed.key);
    n = n == 0 ? 10 : n;
    if (n < 1 || n > task_count)
        workbench_say(w, true, "there are tasks 1 to %d; t lists them", task_count);
    else
        w->ses.task = &task_table[n - 1];
}

static const struct action tasks_actions[] = {
    ACTIONS_AFTER("suggest"),
    {"task", "t", "[TASK]", NULL, "choose the task", do_task},
    {"task-number", "1 2 3 4 5 6 7 8 9 0", "N", NULL, "choose a task by its place in the list",
     do_digit},
    {0},
};

const struct view view_tasks = {
    .name = "tasks",
    .what = "the tasks; Enter chooses one",
    .hints = "Enter chooses, Esc closes",
    .popup = true,
    .state = sizeof(struct tasks_view),
    .enter = tasks_enter,
    .draw = tasks_draw,
    .move = tasks_move,
    .accept = tasks_accept,
    .click = tasks_click,
    .actions = tasks_actions,
};
