/* SPDX-License-Identifier: MIT */
/* What the mouse points at is named with its number, and costs one line of the screen. Broken by a
 * name or number that is not that of the cell which a click there chooses, by a message that gives
 * way to it for good, by anything else that is sent because the mouse has moved, by a terminal that
 * is asked for reports that it does not have, or that keeps on sending them. */
#include "tap.h"
#include "terminal.h"

#include <stdlib.h>

enum { ROWS = 32, COLS = 140 };

static struct terminal *open_one(bool motion)
{
    const char *argv[] = {terminal_program(), "--no-log", "--threads", "1", NULL};
    const struct terminal_kind kind = {.sixel = true, .motion = motion};
    terminal_opens(FROZEN_MODEL);
    struct terminal *t = terminal_start_as(argv, ROWS, COLS, &kind);
    terminal_expect(t, "answered");
    terminal_settle(t, 150);
    return t;
}

/* Rows and columns from 0; code 35: moved without a button. */
static void point(struct terminal *t, int code, int row, int col)
{
    char text[64];
    snprintf(text, sizeof text, "\033[<%d;%d;%dM", code, col + 1, row + 1);
    terminal_type(t, text);
    if (code == 0) {
        snprintf(text, sizeof text, "\033[<0;%d;%dm", col + 1, row + 1);
        terminal_type(t, text);
    }
    terminal_settle(t, 120);
}

/* The last line from its first sign to the gap behind what is said. */
static void last_line(const struct terminal *t, char *out, int size)
{
    terminal_row(t, t->rows - 1, out, size);
    memmove(out, out + 1, strlen(out));
    char *end = strstr(out, "  ");
    if (end)
        *end = '\0';
}

static bool any_row_has(const struct terminal *t, const char *text)
{
    char row[4096];
    for (int i = 0; i + 1 < t->rows; i++) {
        terminal_row(t, i, row, sizeof row);
        if (strstr(row, text))
            return true;
    }
    return false;
}

/* Whether all that was said stands in the last row: behind what leads elsewhere nothing is
 * written. */
static bool only_last_row(const struct terminal *t)
{
    char last[16];
    bool inside = false, all = true;
    snprintf(last, sizeof last, "\033[%d;", t->rows);
    for (const char *s = t->said; *s; s++) {
        size_t n = s[0] == 033 && s[1] == '[' ? strspn(s + 2, "?0123456789;") : 0;
        if (n > 0 && s[2 + n] == 'H')
            inside = strncmp(s, last, strlen(last)) == 0;
        all &= inside || s[0] == 033;
        s += s[0] != 033 ? 0 : s[1] == '[' ? 2 + n : s[1] == '(' ? 2 : 1;
    }
    return all && t->said[0];
}

/* The same cell, pointed at and then clicked: the view's own line says it too. */
static void a_cell(struct terminal *t, int row, int col)
{
    char named[4096];
    int images = t->images;
    long long bytes = t->bytes;
    terminal_mark(t);
    point(t, 35, row, col);
    last_line(t, named, sizeof named);
    ok(strstr(named, " -> ") && strstr(named, ": 0."), "named in the last line: %s", named);
    ok(!any_row_has(t, named), "and nowhere else: nothing is chosen");
    ok(t->images == images && t->bytes - bytes < 1000, "in %lld bytes and no picture",
       t->bytes - bytes);
    ok(only_last_row(t), "which are that line's");
    bytes = t->bytes;
    point(t, 35, row, col);
    ok(t->bytes == bytes, "the same once more: %lld bytes", t->bytes - bytes);
    point(t, 0, row, col);
    ok(any_row_has(t, named), "what a click there chooses is the same: %s", named);
}

static void matrix(struct terminal *t)
{
    char line[4096];
    terminal_command(t, "view matrix");
    terminal_type(t, "z");
    terminal_settle(t, 150);
    a_cell(t, 6, 40);
    a_cell(t, 9, 62);
    point(t, 35, 6, 40);
    terminal_type(t, "]");
    terminal_settle(t, 150);
    last_line(t, line, sizeof line);
    ok(!strstr(line, " -> "), "a key takes it away: %s", line);
    point(t, 35, 6, 40);
    terminal_type(t, "\033[<35;2;2M");
    terminal_settle(t, 120);
    last_line(t, line, sizeof line);
    ok(!strstr(line, " -> "), "so does the mouse where nothing is: %s", line);
    terminal_type(t, "r\033[<35;41;7M");
    terminal_settle(t, 300);
    last_line(t, line, sizeof line);
    ok(strstr(line, "answered") != NULL, "what is done is said while the mouse rests: %s", line);
}

/* ---- what other views say: after a click on that cell they say the same in their own words */

static bool rows_have(const struct terminal *t, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
static bool rows_have(const struct terminal *t, const char *fmt, ...)
{
    char want[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(want, sizeof want, fmt, ap);
    va_end(ap);
    return any_row_has(t, want);
}

static bool heads_agree(const struct terminal *t, const char *said, int row, int col)
{
    int layer, head;
    (void)row;
    (void)col;
    return sscanf(said, "layer %d, head %d: entropy 1.", &layer, &head) == 2 && layer > 1 &&
           head > 1 && rows_have(t, ": layer %d, head %d/", layer, head);
}

static bool states_agree(const struct terminal *t, const char *said, int row, int col)
{
    char name[100], depth[100];
    double x;
    (void)row;
    (void)col;
    return sscanf(said, "%99[a-z] after %99[^:]: cosine %lf", name, depth, &x) == 3 &&
           rows_have(t, "%s: cosine %.3f", name, x) && rows_have(t, "large, after %s", depth);
}

/* The cell itself has the word, its row and column what they are of. */
static bool lens_agree(const struct terminal *t, const char *said, int row, int col)
{
    char name[100], depth[100], word[100], cells[4096], heading[4096];
    terminal_row(t, row, cells, sizeof cells);
    terminal_row(t, 2, heading, sizeof heading);
    if (sscanf(said, "%99[a-z] after %99[^:]: %99s 0.", name, depth, word) != 3)
        return false;
    const char *at = strstr(cells + col - 12, word);
    return at && at - cells <= col && strncmp(cells + 1, name, strlen(name)) == 0 &&
           strncmp(heading + (at - 1 - cells), depth, strlen(depth)) == 0;
}

static bool attribution_agrees(const struct terminal *t, const char *said, int row, int col)
{
    char name[100], method[100], cells[4096], number[32];
    double x;
    (void)col;
    if (sscanf(said, "%99[a-z], %99[^:]: %lf", name, method, &x) != 3)
        return false;
    snprintf(number, sizeof number, "%.4f", x);
    terminal_row(t, row, cells, sizeof cells);
    return strncmp(cells + 1, name, strlen(name)) == 0 && strstr(cells, number) &&
           rows_have(t, "%s: ", method);
}

static bool effects_agree(const struct terminal *t, const char *said, int row, int col)
{
    char name[100];
    double x, rest;
    (void)row;
    (void)col;
    return sscanf(said, "without %99[^:]: %lf log odds, probability %lf", name, &x, &rest) == 3 &&
           rows_have(t, "%+.3f  %.3f %s", x, rest, name);
}

static bool plane_agrees(const struct terminal *t, const char *said, int row, int col)
{
    char name[100];
    double x, y;
    (void)row;
    (void)col;
    return sscanf(said, "%99[^:]: %lf, %lf", name, &x, &y) == 3 &&
           rows_have(t, "%s %.2f, %.2f", name, x, y);
}

static void others(struct terminal *t)
{
    static const struct {
        const char *commands[3];
        int row, col;
        bool (*agrees)(const struct terminal *t, const char *said, int row, int col);
    } all[] = {
        {{"view heads"}, 12, 60, heads_agree},
        {{"token large", "view states"}, 6, 40, states_agree},
        {{"view lens"}, 5, 40, lens_agree},
        {{"attribute relevancy", "view attribution"}, 6, 22, attribution_agrees},
        {{"leave-one-out heads"}, 5, 3, effects_agree},
        {{"view plane"}, 12, 124, plane_agrees},
    };
    char line[4096];
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        for (int k = 0; k < 3 && all[i].commands[k]; k++)
            terminal_command(t, "%s", all[i].commands[k]);
        terminal_settle(t, 200);
        point(t, 35, all[i].row, all[i].col);
        last_line(t, line, sizeof line);
        point(t, 0, all[i].row, all[i].col);
        terminal_settle(t, 200);
        ok(all[i].agrees(t, line, all[i].row, all[i].col), "%s: a click there says the same: %s",
           all[i].commands[0], line);
    }
}

static void images(struct terminal *t, const char *number)
{
    char line[4096];
    bool found = false;
    terminal_type(t, "z");
    terminal_command(t, "view image");
    terminal_command(t, "token large");
    for (int col = 10; col < 60 && !found; col += 4) {
        point(t, 35, 14, col);
        last_line(t, line, sizeof line);
        found = strstr(line, "region ") && strstr(line, number);
    }
    ok(found, "a region on the image%s: %s", number, line);
    terminal_type(t, "z");
}

static void modes(void)
{
    char why[256];
    struct terminal *t = open_one(false);
    ok(terminal_mode(t, 1002) && !terminal_mode(t, 1003), "not wished where it was not offered");
    terminal_command(t, "quit");
    ok(terminal_ends(t), "ends with status 0");
    t = open_one(true);
    ok(terminal_mode(t, 1003) && terminal_mode(t, 1006), "wished where it is");
    terminal_command(t, "set mouse off");
    ok(!terminal_mode(t, 1003) && !terminal_mode(t, 1000), "but not without the mouse");
    terminal_command(t, "set mouse on");
    ok(terminal_mode(t, 1003), "and again with it");
    matrix(t);
    images(t, ", weight 0.");
    others(t);
    images(t, ", attribution 0.");
    terminal_command(t, "view heads");
    terminal_resize(t, 10, 30);
    terminal_settle(t, 150);
    long long bytes = t->bytes;
    point(t, 35, 4, 3);
    ok(t->bytes == bytes, "nothing is named where nothing has room");
    terminal_resize(t, ROWS, COLS);
    terminal_command(t, "quit");
    terminal_wait(t);
    ok(terminal_restored(t, why, sizeof why), "the terminal is as it was: %s", why);
    ok(terminal_ends(t), "ends with status 0");
}

int main(void)
{
    modes();
    return tap_done();
}
