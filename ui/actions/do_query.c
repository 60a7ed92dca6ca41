/* SPDX-License-Identifier: MIT */
/* Asking, and going back. */
#include "ui/actions/actions.h"

#include <string.h>

/* By name, or the next one. */
void do_checkpoint(struct workbench *w, const char *arg)
{
    int n = model_checkpoint_count(w->ses.model), at = (w->ses.checkpoint + 1) % (n ? n : 1);
    if (n < 2) {
        workbench_say(w, false, "only one checkpoint is open: -c FILE -c FILE opens several");
        return;
    }
    for (int i = 0; i < n && *arg; i++) {
        at = i;
        if (strcmp(model_checkpoint_name(w->ses.model, i), arg) == 0)
            break;
        at = -1;
    }
    if (at < 0) {
        workbench_say(w, true, "there is no checkpoint '%s'", arg);
        return;
    }
    w->ses.checkpoint = at;
    workbench_say(w, false, "checkpoint %s: r asks it", model_checkpoint_name(w->ses.model, at));
}

void do_ask(struct workbench *w, const char *arg)
{
    if (*arg)
        edit_set(&w->typed.query, arg);
    query_ask(w);
}

void do_again(struct workbench *w, const char *arg)
{
    (void)arg;
    query_ask(w);
}

void do_suggest(struct workbench *w, const char *arg)
{
    const struct task *only = *arg ? task_find(arg) : NULL;
    if (*arg && !only)
        workbench_say(w, true, "there is no task '%s'; t lists them", arg);
    else
        query_suggest(w, only);
}

/* One step back: the popup, what runs, the zoomed pane, what is chosen, the pane. */
void do_cancel(struct workbench *w, const char *arg)
{
    (void)arg;
    if (w->panes.popup.view) {
        panes_leave_popup(w);
    } else if (workbench_busy(w)) {
        query_stop(w);
    } else if (w->panes.zoomed) {
        w->panes.zoomed = false;
    } else if (w->sel->token >= 0 || w->sel->region >= 0 || w->sel->overlay) {
        selection_clear(w->selection);
    } else {
        w->panes.focus = 0;
        w->ses.went++;
    }
}
