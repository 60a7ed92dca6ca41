/* SPDX-License-Identifier: MIT */
/* Pasted text is text: whatever it holds, none of it acts as a key or a command. */
#include "ui/kit/text.h"
#include "ui/actions/actions.h"

#include <stdio.h>

/* Where it goes: the line that is typed, the search of a popup; else a query is begun. */
static struct edit *paste_target(struct workbench *w)
{
    if (w->typed.mode == MODE_BROWSE && w->panes.popup.view && w->panes.popup.view->filter)
        return &w->typed.filter;
    if (w->typed.mode == MODE_BROWSE)
        typed_query(w, "");
    return typed_line(w);
}

static void paste_tell(struct workbench *w, const struct input_event *e, size_t left_out,
                       size_t too_long)
{
    char bytes[80] = "", more[80] = "";
    too_long += e->all - (e->all < e->text.len ? e->all : e->text.len);
    if (too_long)
        snprintf(more, sizeof more, "; the last %zu bytes do not fit", too_long);
    if (left_out)
        snprintf(bytes, sizeof bytes, "; without %zu bytes that are not text",
                 left_out);
    if (left_out || too_long || e->unfinished)
        workbench_say(w, too_long > 0, "pasted%s%s%s",
                      e->unfinished ? "; its end is missing" : "", more, bytes);
}

void typing_paste(struct workbench *w, const struct input_event *e)
{
    struct buf text = {0};
    if (w->script.pauses || w->typed.mode == MODE_BOX) {
        if (!w->script.pauses) /* whose words are to be read */
            workbench_say(w, false, "pasted text is ignored while a box is being drawn");
        return;
    }
    struct edit *to = paste_target(w);
    bool rounds = to == &w->typed.query && w->ses.task->dialog;
    size_t left_out = text_paste(e->text.data ? e->text.data : "", e->text.len,
                                 rounds ? '\n' : ' ', &text);
    if (to == &w->typed.query && w->typed.asked && text.len) {
        w->typed.asked = false;
        edit_set(&w->typed.query, "");
    }
    size_t too_long = edit_paste(to, text.data);
    paste_tell(w, e, left_out, too_long);
    if (to == &w->typed.filter && panes_view(&w->panes)->filter)
        panes_view(&w->panes)->filter(w, panes_focused(&w->panes));
    buf_fini(&text);
}
