/* SPDX-License-Identifier: MIT */
/* The lines around the panes: title, tokens, task, query, status. */
#include "src/base/progress.h"
#include "ui/kit/text.h"
#include "ui/kit/theme.h"
#include "ui/views/views.h"

#include <curses.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of the first and the last line: a shade of the background, or reverse where there is none. */
static void chrome_attr(unsigned attr)
{
    if (has_colors() && COLORS >= 256 && !theme_is_plain())
        draw_on(theme_shade(0.18), attr);
    else
        attrset((int)(attr | A_REVERSE));
}

/* A row in the color that is set. */
static void chrome_fill(int row)
{
    for (int i = 0; i < COLS; i++)
        mvaddch(row, i, ' ');
}

/* The reference passes EXIF orientation over: whoever opens such a picture should know. */
static const char *chrome_turned(const struct photo *p)
{
    return p->image && p->image->orientation > 1 ? " (EXIF: rotated; --upright)" : "";
}

static void draw_chrome_title(const struct workbench *w)
{
    chrome_attr(A_NORMAL);
    chrome_fill(0);
    attron(A_BOLD);
    int n = draw_text(0, 1, COLS - 2, "vilscope");
    attroff(A_BOLD);
    if (w->ses.model)
        n += draw_text(0, n + 3, COLS - n - 4, "%s / %s", model_name(w->ses.model),
                       model_checkpoint_name(w->ses.model, w->ses.checkpoint)) + 2;
    char right[256] = "no image";
    if (w->ses.photo < w->ses.photo_count)
        snprintf(right, sizeof right, "%.180s%s  %d/%d",
                 draw_base_name(w->ses.photos[w->ses.photo]->path),
                 chrome_turned(w->ses.photos[w->ses.photo]), w->ses.photo + 1, w->ses.photo_count);
    int width = text_width(right);
    if (n + width + 6 < COLS)
        draw_text(0, COLS - width - 1, width, "%s", right);
    if (w->now.r && w->now.r->changes && !w->stale) {
        attron(A_BOLD);
        char *changes = change_list_show(w->now.r->changes);
        draw_text(0, n + 4, COLS - width - n - 7, "with %s", changes);
        free(changes);
    }
    attrset(A_NORMAL);
}

static void draw_task(const struct workbench *w, int row)
{
    attrset(A_BOLD);
    int n = draw_text(row, 1, COLS - 2, "%s", w->ses.task->title);
    attrset((int)draw_dim());
    draw_text(row, n + 3, COLS - n - 4, "%s", w->ses.task->hint);
    attrset(A_NORMAL);
}

/* From where a line is shown, so that what is before the cursor fits: as much as does. */
static size_t first_shown(const struct edit *e, int room, char head[EDIT_MOST + 1])
{
    size_t from = e->at;
    head[0] = '\0';
    while (from > 0) {
        size_t before = from - 1;
        while (before > 0 && ((unsigned char)e->text[before] & 0xc0) == 0x80)
            before--;
        memcpy(head, e->text + before, e->at - before);
        head[e->at - before] = '\0';
        if (text_width(head) > room)
            break;
        from = before;
    }
    memcpy(head, e->text + from, e->at - from);
    head[e->at - from] = '\0';
    return from;
}

/* The line being typed, scrolled so that the cursor shows. */
static void draw_chrome_line(struct workbench *w, const char *prompt, const struct edit *e, int row)
{
    int left = draw_text(row, 1, COLS - 2, "%s", prompt) + 1, room = COLS - left - 2;
    char head[EDIT_MOST + 1];
    size_t from = first_shown(e, room, head);
    attrset(e == &w->typed.query && w->typed.asked ? A_UNDERLINE : A_NORMAL);
    draw_text(row, left, room, "%s", e->text + from);
    attrset(A_NORMAL);
    move(row, left + text_width(head));
    w->screen.cursor = true;
}

/* The query while letters are keys: grey, and with the key that leads back to it, so that nobody
 * takes it for a line that is being typed. */
static void draw_chrome_left(const struct workbench *w, int row)
{
    static const char hint[] = "/ types";
    const struct edit *e = &w->typed.query;
    int room = COLS - 2, width = text_width(hint);
    attrset((int)draw_dim());
    int used = draw_text(row, 1, room, "> %s", e->len ? e->text
                         : "/ to type a query, t for the task, ? for help, q to quit");
    if (e->len && used + 2 + width <= room)
        draw_text(row, COLS - 1 - width, width, "%s", hint);
    attrset(A_NORMAL);
}

static void draw_chrome_query(struct workbench *w, int row)
{
    switch (w->typed.mode) {
    case MODE_OPEN: draw_chrome_line(w, "open image [regions]: ", &w->typed.open, row); return;
    case MODE_TYPE: draw_chrome_line(w, "> ", &w->typed.query, row); return;
    case MODE_COMMAND: draw_chrome_line(w, ":", &w->typed.command, row); return;
    case MODE_FIND: draw_chrome_line(w, "find: ", &w->typed.filter, row); return;
    case MODE_BROWSE: case MODE_BOX: break;
    }
    if (w->panes.popup.view && w->panes.popup.view->filter) {
        draw_chrome_line(w, "find: ", &w->typed.filter, row);
        return;
    }
    draw_chrome_left(w, row);
}

/* "looking for regions [####------] stage 3 of 4, 4 s left; then the query": false when the
 * detector does not work. */
static bool draw_chrome_progress(const struct workbench *w, int row, int cols)
{
    struct detect_progress p;
    char bar_text[24], left[32] = "";
    if (!w->ses.engine || !workbench_detecting(w))
        return false;
    bool known = engine_progress(w->ses.engine, &p);
    if (!known && !w->ses.states[w->ses.photo].waits)
        return false;
    for (int i = 0; i < 20; i++)
        bar_text[i] = known && p.share * 20 > i ? '#' : '-';
    bar_text[20] = '\0';
    if (known)
        progress_left_text(p.left_ms, left);
    draw_text(row, 1, cols, "regions [%s] %s%s%s (Esc cancels)", bar_text,
              known ? p.stage : "begin", left, w->asked.running ? "; then the query" : "");
    return true;
}

/* What computes, and of a GPU how much of its memory is in use. */
static const char *device_text(const struct workbench *w, char *text, size_t size)
{
    size_t used = 0, limit = 0;
    if (!w->ses.model)
        return "no model";
    model_memory(w->ses.model, &used, &limit);
    if (limit == 0)
        return model_device(w->ses.model);
    snprintf(text, size, "%s, %zu of %zu MB", model_device(w->ses.model), used >> 20, limit >> 20);
    return text;
}

/* Whether a word of a hint is the name of a key; *sign: the first is no letter, and so are the
 * others. */
static bool is_key_word(const char *s, size_t len, bool first, bool *sign)
{
    static const char *const names[] = {"Up", "Down", "Left", "Right", "Tab", "Esc", "Enter",
                                        "arrows"};
    bool letter = (s[0] >= 'a' && s[0] <= 'z') || (s[0] >= 'A' && s[0] <= 'Z');
    bool key = len == 1 || (len == 3 && strncmp(s, "C-", 2) == 0);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        key |= len == strlen(names[i]) && strncmp(s, names[i], len) == 0;
    if (first)
        *sign = !letter;
    return key && *sign == !letter;
}

/* "Up Down choose, / words": keys are bold. */
static void draw_hint_words(int row, int col, int cols, const char *text)
{
    bool begins = true, keys = true, sign = false;
    for (int used = 0; *text && used < cols;) {
        size_t len = strcspn(text, " ");
        bool ends = len > 0 && text[len - 1] == ',';
        keys = keys && is_key_word(text, len, begins, &sign);
        chrome_attr(keys ? A_BOLD : A_NORMAL);
        used += draw_text(row, col + used, cols - used, "%.*s", (int)len, text);
        chrome_attr(A_NORMAL);
        text += len;
        if (*text == ' ') {
            used += draw_text(row, col + used, cols - used, " ");
            text++;
        }
        begins = ends;
        keys |= ends;
    }
}

#define PAUSED "any key continues"
#define LEAST_HINTS 6 /* columns: those of "? help" */
#define BEFORE_HINTS 3
#define MOST_HINTS 16
#define STEP 16

/* Keys, each with what it does, as they stand in the line; a wanted one gives way to none of a
 * larger number. */
struct hint {
    const char *text;
    int length, wanted;
};

static int hints_add(struct hint *list, int n, const char *text, int length, int wanted)
{
    if (n < MOST_HINTS && length > 0)
        list[n++] = (struct hint){text, length, wanted};
    return n;
}

/* Those that all need, and those of the view that has the keys, whose first is wanted before "q
 * quit"; while a line is typed, its own. */
static int chrome_hint_list(const struct workbench *w, struct hint list[MOST_HINTS])
{
    const struct pane *p = w->panes.popup.view ? &w->panes.popup
                           : w->panes.count    ? &w->panes.list[w->panes.focus]
                                               : NULL;
    const char *own = p && p->view->hints ? p->view->hints : "";
    int n = 0;
    if (w->typed.mode == MODE_BOX)
        return 0; /* the message has them */
    if (w->typed.mode != MODE_BROWSE) {
        n = hints_add(list, n, "Enter accepts", 13, 0);
        return hints_add(list, n, "Esc leaves the line", 19, 1);
    }
    n = hints_add(list, n, "? help", LEAST_HINTS, 0);
    n = hints_add(list, n, "q quit", 6, 2);
    if (p && !p->view->popup)
        n = hints_add(list, n, "Tab pane", 8, 4);
    for (int k = 0; *own; k++) {
        int length = (int)strcspn(own, ",");
        n = hints_add(list, n, own, length, k == 0 ? 1 : k == 1 ? 3 : 3 + k);
        own += length;
        own += strspn(own, ", ");
    }
    return n;
}

/* As many as so many columns hold, whole, the most wanted ones; 0: all. */
static void chrome_hints(const struct workbench *w, int cols, char *out, size_t size)
{
    struct hint list[MOST_HINTS];
    bool in[MOST_HINTS] = {false};
    int n = chrome_hint_list(w, list), used = -2;
    struct buf b = {0};
    for (int wanted = 0; wanted < MOST_HINTS; wanted++)
        for (int i = 0; i < n; i++)
            if (list[i].wanted == wanted && (cols == 0 || used + 2 + list[i].length <= cols)) {
                in[i] = true;
                used += 2 + list[i].length;
            }
    for (int i = 0; i < n; i++)
        if (in[i])
            buf_printf(&b, "%s%.*s", b.len ? ", " : "", list[i].length, list[i].text);
    bool bare = !b.len && n && cols > 0 && w->typed.mode == MODE_BROWSE;
    snprintf(out, size, "%s", bare ? "?" : b.len ? b.data : "");
    buf_fini(&b);
}

static void draw_hints(const struct workbench *w, int row, int col, int cols)
{
    char text[256];
    if (cols < 1)
        return;
    chrome_hints(w, cols, text, sizeof text);
    draw_hint_words(row, col, cols, text);
}

/* What the mouse points at is said in the place of a message, but not of one that tells a fault. */
static bool chrome_pointed(const struct workbench *w)
{
    return w->screen.hover.text[0] && !w->status.bad && w->typed.mode != MODE_BOX;
}

/* What a message says is not cut for hints; further hints in it, behind a semicolon, are: those of
 * the view come first. */
static int message_room(const struct workbench *w, int room)
{
    char first[sizeof w->status.text], hints[256];
    int left = room - LEAST_HINTS - BEFORE_HINTS;
    chrome_hints(w, 0, hints, sizeof hints);
    snprintf(first, sizeof first, "%.*s", (int)strcspn(w->status.text, ";"), w->status.text);
    if (chrome_pointed(w))
        return left;
    bool whole = w->status.bad || w->typed.mode == MODE_BOX;
    int beside = room - text_width(hints) - BEFORE_HINTS;
    int least = text_width(first) + 1; /* with its semicolon */
    if (whole || least > left) { /* with a "?" where nothing is lost for it */
        int all = text_width(w->status.text), most = room - BEFORE_HINTS - 1;
        return w->typed.mode == MODE_BOX || (all > most && all <= room) ? room : most;
    }
    return beside > least ? beside : least;
}

/* Of a row of hints as many as there is room for; of what went wrong every letter. Returns the
 * columns used. */
static int draw_message(struct workbench *w, int row, int cols)
{
    char text[sizeof w->status.text];
    if (chrome_pointed(w))
        text_fit(w->screen.hover.text, cols, text, sizeof text);
    else if (w->status.bad)
        text_fit(w->status.text, cols, text, sizeof text);
    else
        text_fit_words(w->status.text, cols, text, sizeof text);
    int used = draw_text(row, 1, cols, "%s", text), path = text_width(w->status.path);
    if (path <= used && !chrome_pointed(w))
        links_add(&w->screen.links, row, 1, path, w->status.path, NULL);
    return used;
}

/* "logged as 12" at the end of a line: its number in the log. */
static void link_chrome_log(struct workbench *w, int row, int end)
{
    const char *number = w->logging.state + strcspn(w->logging.state, "0123456789");
    char part[32];
    if (!w->ses.log || strncmp(w->logging.state, "logged as ", 10) != 0)
        return;
    snprintf(part, sizeof part, "query-%.20s", number);
    int cols = text_width(w->logging.state);
    links_add(&w->screen.links, row, end - cols, cols, log_path(w->ses.log), part);
}

/* What computes, in what time, and whether it is logged; the first gives way to the message and the
 * hints, as the view status says it, too. */
static void chrome_right(const struct workbench *w, char *out, size_t size)
{
    char device[200], ms[32] = "", hints[256];
    const char *what = device_text(w, device, sizeof device), *message = w->status.text;
    if (w->ses.model && w->now.r && !w->asked.running)
        snprintf(ms, sizeof ms, "%.0f ms | ", w->now.r->ms.total);
    chrome_hints(w, 0, hints, sizeof hints);
    int left = text_width(chrome_pointed(w) ? w->screen.hover.text : message);
    snprintf(out, size, "%s | %s%s", what, ms, w->logging.state);
    if (w->ses.model && left + 3 + text_width(hints) > COLS - 4 - text_width(out))
        snprintf(out, size, "%s%s", ms, w->logging.state);
}

static void draw_status(struct workbench *w, int row)
{
    char right[512] = "";
    chrome_right(w, right, sizeof right);
    chrome_attr(A_NORMAL);
    chrome_fill(row);
    int width = text_width(right);
    width = width < COLS * 2 / 3 ? width : COLS * 2 / 3; /* the log is not to be cut off */
    int said = text_width(w->status.text) + BEFORE_HINTS + 1; /* with a "?", it is first */
    if (COLS < 80 && said > COLS - width - 4)
        width = COLS - 5 - said;
    width = width < 12 ? 0 : width;
    draw_text(row, COLS - width - 1, width, "%s", right);
    if (width == text_width(right))
        link_chrome_log(w, row, COLS - 1);
    if (w->status.bad)
        attrset(A_REVERSE | A_BOLD); /* it stands out */
    int room = COLS - width - 4, used = 0;
    if (w->typed.mode != MODE_BOX && draw_chrome_progress(w, row, room))
        used = room;
    else if (w->asked.running)
        used = draw_text(row, 1, room, "computing ... (Esc cancels)");
    else
        used = draw_message(w, row, message_room(w, room));
    chrome_attr(A_NORMAL);
    used += used > 0 ? BEFORE_HINTS : 0;
    if (chrome_pointed(w)) /* hints do not jump with every name */
        used = used + STEP - 1 - (used + STEP - 1) % STEP;
    draw_hints(w, row, 1 + used, room - used);
    attrset(A_NORMAL);
}

/* What a script says while it waits for a key is to be read whole: in as many lines as it needs,
 * the last of which has room for more. */
static void draw_paused(const struct workbench *w)
{
    enum { MOST = 4 };
    const char *s = w->status.text, *lines[MOST];
    int last = COLS - 4 - text_width(PAUSED), n = 0;
    size_t length[MOST];
    while (*s && n < MOST) {
        int cells = text_width(s) > last && n + 1 < MOST ? COLS - 2 : last;
        length[n] = text_line(s, cells);
        lines[n++] = s;
        s += length[n - 1] + (s[length[n - 1]] == ' ');
    }
    bool full = n > 0 && n < MOST && text_width(lines[n - 1]) > last;
    for (int i = 0; i < n; i++) {
        int row = LINES - n - full + i;
        attrset(A_REVERSE);
        chrome_fill(row);
        draw_text(row, 1, COLS - 2, "%.*s", (int)length[i], lines[i]);
    }
    if (full)
        chrome_fill(LINES - 1);
    draw_text(LINES - 1, COLS - 1 - text_width(PAUSED), text_width(PAUSED), PAUSED);
    attrset(A_NORMAL);
}

/* ---- tokens: choose one to see where it looks */

/* What the line has of it, and the columns before it. */
static const char *line_piece(const struct workbench *w, int token, int *gap)
{
    bool joined = draw_token_joined(w, token);
    *gap = !joined;
    return w->now.r->tokens[token].piece + (joined ? 2 : 0);
}

/* The first token shown, so that the chosen one fits. */
static int first_token(const struct workbench *w)
{
    int first = 0;
    for (; first < w->sel->token; first++) {
        int need = 0, gap;
        for (int j = first; j <= w->sel->token && need <= COLS; j++)
            need += text_width(line_piece(w, j, &gap)) + gap;
        if (need <= COLS - 4)
            break;
    }
    return first;
}

static void draw_tokens(const struct workbench *w, int row)
{
    const struct result *r = w->now.r;
    if (!r) {
        attrset((int)draw_dim());
        draw_text(row, 1, COLS - 2, "tokens appear here; Left and Right choose one to see what "
                  "it attends to");
        attrset(A_NORMAL);
        return;
    }
    int col = 1, first = first_token(w);
    attrset((int)draw_dim());
    if (first > 0)
        draw_text(row, 0, 1, "…");
    for (int i = first; i < r->token_count; i++) {
        bool dim = r->tokens[i].special || w->stale, last = i + 1 == r->token_count;
        int gap;
        const char *piece = line_piece(w, i, &gap);
        col += i > first ? gap : 0;
        if (col + text_width(piece) > COLS - (last ? 1 : 3)) {
            attrset((int)draw_dim());
            draw_text(row, col, 1, "…");
            break;
        }
        attrset((int)(i == w->sel->token ? A_REVERSE | A_BOLD : dim ? draw_dim() : A_NORMAL));
        col += draw_text(row, col, COLS - 1 - col, "%s", piece);
        attrset(A_NORMAL);
    }
    attrset(A_NORMAL);
}

void chrome_draw(struct workbench *w)
{
    draw_chrome_title(w);
    draw_tokens(w, LINES - 4);
    draw_task(w, LINES - 3);
    if (!w->script.pauses)
        draw_status(w, LINES - 1);
    draw_chrome_query(w, LINES - 2); /* last: it places the cursor */
    if (w->script.pauses)
        draw_paused(w);
}

/* The token at a column of the line of tokens, or -1. */
static int token_at(const struct workbench *w, int col)
{
    const struct result *r = w->now.r;
    int at = 1, first = r ? first_token(w) : 0, gap;
    for (int i = first; r && i < r->token_count; i++) {
        int width = text_width(line_piece(w, i, &gap));
        at += i > first ? gap : 0;
        if (col >= at && col < at + width)
            return i;
        at += width;
    }
    return -1;
}

void chrome_draw_status(struct workbench *w)
{
    int row, col;
    getyx(stdscr, row, col);
    draw_status(w, LINES - 1);
    move(row, col);
}

bool chrome_click(struct workbench *w, int row, int col)
{
    if (row == LINES - 4) {
        int token = token_at(w, col);
        selection_look(w->selection, token == w->sel->token ? -1 : token);
    } else if (row == LINES - 3) {
        panes_popup(w, &view_tasks);
    } else if (row == LINES - 2) {
        typed_query(w, "");
    }
    return row >= LINES - CHROME_BOTTOM;
}
