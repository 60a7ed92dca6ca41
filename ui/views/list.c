/* SPDX-License-Identifier: MIT */
/* Lists of lines, with a search: which lines are shown, which one is chosen. */
#include "ui/views/list.h"

#include "src/base/mem.h"
#include "ui/kit/text.h"
#include "ui/views/inside.h"

#include <curses.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool has_word(const char *text, const char *word, size_t len)
{
    for (; *text; text++)
        if (strncasecmp(text, word, len) == 0)
            return true;
    return false;
}

bool list_matches(const char *text, const char *filter)
{
    while (*filter) {
        size_t blank = strspn(filter, " "), len = strcspn(filter + blank, " ");
        if (len && !has_word(text, filter + blank, len))
            return false;
        filter += blank + len;
    }
    return true;
}

void list_filter(const struct workbench *w, struct pane *p, int n, list_text *text)
{
    struct list *l = p->state;
    l->lines = xreallocarray(l->lines, (size_t)(n > 0 ? n : 0) + 1, sizeof *l->lines);
    l->count = 0;
    for (int i = 0; i < n; i++) {
        const char *s = text(w, p, i);
        if (s && list_matches(s, w->typed.filter.text))
            l->lines[l->count++] = i;
    }
    l->pick = l->pick >= l->count ? l->count - 1 : l->pick;
    l->pick = l->pick < 0 ? 0 : l->pick;
}

int list_top(int *top, int at, int count, int room)
{
    room = room > 1 ? room : 1;
    *top = *top > count - room ? count - room : *top;
    *top = at >= *top + room ? at - room + 1 : at < *top ? at : *top;
    *top = *top < 0 ? 0 : *top;
    return *top;
}

void list_where(struct area row, int from, int count, int room)
{
    char text[48];
    if (count <= room)
        return;
    int last = from + room < count ? from + room : count;
    snprintf(text, sizeof text, " %d-%d of %d ", from + 1, last, count);
    int width = text_width(text);
    attrset((int)draw_dim());
    if (width < row.cols)
        draw_text(row.row, row.col + row.cols - width, width, "%s", text);
    attrset(A_NORMAL);
}

void list_move(struct workbench *w, struct pane *p, enum motion m)
{
    struct list *l = p->state;
    (void)w;
    l->pick = panes_pick(l->pick, l->count, p->at.rows - 3, m);
}

bool list_click(struct workbench *w, struct pane *p, int row, int col)
{
    struct list *l = p->state;
    int at = l->top + row - 2;
    (void)w;
    (void)col;
    if (row < 2 || at >= l->count)
        return false;
    l->pick = at;
    return true;
}

void list_end(struct pane *p)
{
    struct list *l = p->state;
    free(l->lines);
}

void list_answer(const struct answer_cell *x, int row, int col, int width)
{
    static const char marks[] = {' ', '+', '-', ' '};
    char fitted[512];
    int number = width > ANSWER_NARROW ? (int)strlen(x->number) : 0;
    int room = width - 3 - (number ? number + 1 : 0);
    if (!x->chosen && x->judged != LOG_UNJUDGED)
        attrset((int)draw_rank_attr(x->judged == LOG_RIGHT ? 3 : 4));
    const char *answer = x->answer;
    if (text_width(answer) > room) /* of a region the number tells most */
        answer = inside_brief(answer, 0);
    int used = text_cut(answer, room, fitted, sizeof fitted);
    draw_text(row, col, width - 1, "%c %s%*s%s%.*s", marks[x->judged], fitted, room - used, "",
              number ? " " : "", number, x->number);
    attrset(x->chosen ? A_REVERSE : A_NORMAL);
}

int word_choose(struct workbench *w, const char *const *names, int count, int now, const char *arg)
{
    char all[160] = "";
    for (int i = 0; i < count && *arg; i++) {
        if (strcmp(names[i], arg) == 0)
            return i;
        strncat(all, i ? ", " : "", sizeof all - strlen(all) - 1);
        strncat(all, names[i], sizeof all - strlen(all) - 1);
    }
    if (!*arg)
        return (now + 1) % count;
    workbench_say(w, true, "there is no '%s' here: %s", arg, all);
    return -1;
}
