/* Lists of lines, with a search: which lines are shown, which one is chosen. */
#include "src/base/mem.h"
#include "ui/workbench_priv.h"

#include <ctype.h>
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

void list_filter(struct workbench *w, int count, list_text *text)
{
    w->lines = xreallocarray(w->lines, (size_t)(count > 0 ? count : 0) + 1, sizeof *w->lines);
    w->line_count = 0;
    for (int i = 0; i < count; i++) {
        const char *s = text(w, i);
        if (s && list_matches(s, w->filter.text))
            w->lines[w->line_count++] = i;
    }
    w->pick = w->pick >= w->line_count ? w->line_count - 1 : w->pick;
    w->pick = w->pick < 0 ? 0 : w->pick;
}

int list_top(int *top, int at, int count, int room)
{
    room = room > 1 ? room : 1;
    *top = *top > count - room ? count - room : *top;
    *top = at >= *top + room ? at - room + 1 : at < *top ? at : *top;
    *top = *top < 0 ? 0 : *top;
    return *top;
}

void list_move(struct workbench *w, enum motion m)
{
    w->pick = panes_pick(w->pick, w->line_count, w->popup_at.rows - 3, m);
}
