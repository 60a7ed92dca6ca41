/* SPDX-License-Identifier: MIT */
/* What the mouse points at is named with its number, and costs one line of the screen. Broken by a
 * name or number that is not that of the cell which a click there chooses, by a message that gives
 * way to it for good, by anything else that is sent because the mouse has moved, by a terminal that
 * is asked for reports that it does not have, or that keeps on sending them. */
#include "pointer.h"
#include "tap.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

enum { ROWS = 32, COLS = 140 };

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
    pointer_at(t, row, col);
    pointer_says(t, named, sizeof named);
    ok(strstr(named, " -> ") && strstr(named, ": 0."), "named in the last line: %s", named);
    ok(pointer_row_of(t, "%s", named) < 0, "and nowhere else: nothing is chosen");
    ok(t->images == images && t->bytes - bytes < 1000, "in %lld bytes and no picture",
       t->bytes - bytes);
    ok(only_last_row(t), "which are that line's");
    bytes = t->bytes;
    pointer_at(t, row, col);
    ok(t->bytes == bytes, "the same once more: %lld bytes", t->bytes - bytes);
    pointer_click(t, row, col);
    ok(pointer_row_of(t, "%s", named) >= 0, "what a click there chooses is the same: %s", named);
}

static void matrix(struct terminal *t)
{
    char line[4096];
    terminal_command(t, "view matrix");
    terminal_type(t, "z");
    terminal_settle(t, 150);
    a_cell(t, 6, 40);
    a_cell(t, 9, 62);
    pointer_at(t, 6, 40);
    terminal_type(t, "]");
    terminal_settle(t, 150);
    pointer_says(t, line, sizeof line);
    ok(!strstr(line, " -> "), "a key takes it away: %s", line);
    pointer_at(t, 6, 40);
    terminal_type(t, "\033[<35;2;2M");
    terminal_settle(t, 120);
    pointer_says(t, line, sizeof line);
    ok(!strstr(line, " -> "), "so does the mouse where nothing is: %s", line);
    terminal_type(t, "r\033[<35;41;7M");
    terminal_settle(t, 300);
    pointer_says(t, line, sizeof line);
    ok(strstr(line, "answered") != NULL, "what is done is said while the mouse rests: %s", line);
}

/* ---- the image */

static void images(struct terminal *t, const char *number)
{
    char line[4096];
    bool found = false;
    terminal_type(t, "z");
    terminal_command(t, "view image");
    terminal_command(t, "token large");
    for (int col = 10; col < 60 && !found; col += 4) {
        pointer_at(t, 14, col);
        pointer_says(t, line, sizeof line);
        found = strstr(line, "region ") && strstr(line, number);
    }
    ok(found, "a region on the image%s: %s", number, line);
    terminal_type(t, "z");
}

static bool is_white(const struct terminal *t, int x, int y)
{
    const uint8_t *p = t->rgb[y][x];
    return t->painted[y][x] && p[0] > 250 && p[1] > 250 && p[2] > 250;
}

/* Whether a white line crosses the way from a pixel in a direction. */
static bool meets_frame(const struct terminal *t, int x, int y, int dx, int dy)
{
    int right = t->cols * CELL_W - 5, low = t->rows * CELL_H - 5;
    for (; x > 4 && y > 4 && x < right && y < low; x += dx, y += dy) {
        int along = 0;
        for (int k = -4; k <= 4; k++)
            along += is_white(t, x + (dy ? k : 0), y + (dx ? k : 0));
        if (along == 9)
            return true;
    }
    return false;
}

/* What is pointed at is what a click chooses, and stands in the frame that comes. */
static void region(struct terminal *t, const char *where, int row, int col)
{
    char line[4096], name[64] = "";
    pointer_at(t, row, col);
    pointer_says(t, line, sizeof line);
    sscanf(line, "%63[^,]", name);
    ok(strncmp(name, "region ", 7) == 0, "%s: a region is named: %s", where, line);
    pointer_click(t, row, col);
    terminal_settle(t, 200);
    ok(pointer_row_has(t, t->rows - 5, name), "a click chooses it");
    int x = col * CELL_W + CELL_W / 2, y = row * CELL_H + CELL_H / 2;
    ok(meets_frame(t, x, y, -1, 0) && meets_frame(t, x, y, 1, 0) && meets_frame(t, x, y, 0, -1) &&
           meets_frame(t, x, y, 0, 1),
       "which is framed there");
    pointer_click(t, row, col);
    terminal_settle(t, 200);
    ok(!pointer_row_has(t, t->rows - 5, name), "and lets it go");
}

static void clicks(struct terminal *t)
{
    char line[4096];
    terminal_command(t, "view image");
    terminal_command(t, "attribute off");
    terminal_type(t, "\033");
    terminal_settle(t, 300);
    region(t, "one image", 14, 22);
    region(t, "one image", 8, 38);
    terminal_command(t, "suggest nlvr2");
    terminal_command(t, "wait");
    terminal_settle(t, 300);
    region(t, "the left one of two", 10, 10);
    pointer_at(t, 10, 50);
    pointer_says(t, line, sizeof line);
    ok(strstr(line, "region") == NULL && line[0] > '0' && line[0] <= '9',
       "another image has its number: %s", line);
    pointer_click(t, 10, 50);
    region(t, "the right one", 10, 60);
    terminal_resize(t, 16, COLS); /* where they are narrower than their places */
    terminal_settle(t, 300);
    region(t, "the right one, lower", 4, 50);
    terminal_resize(t, ROWS, COLS);
    terminal_settle(t, 300);
}

/* ---- while something else is on the screen */

/* The mouse moves over a popup, an open line and boxes: it chooses, draws and closes nothing. */
static void elsewhere(struct terminal *t)
{
    static const struct {
        const char *keys, *seen, *end;
    } all[] = {
        {"?", "Up Down scroll", "\033"},
        {":view ima", ":view ima", "\033"},
        {"/what is", "> what is", "\033"},
        {":box\r", "box", "\033"},
        {":task\r", "tasks", "\033"},
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        char before[40][600], row[600], line[4096];
        int same = 0, images = t->images, cursor[2];
        terminal_type(t, all[i].keys);
        terminal_settle(t, 300);
        for (int k = 0; k < t->rows; k++)
            terminal_row(t, k, before[k], sizeof before[k]);
        images = t->images;
        terminal_cursor(t, &cursor[0]);
        for (int k = 2; k < 26; k += 3)
            pointer_at(t, k, 5 * k);
        terminal_cursor(t, &cursor[1]);
        for (int k = 0; k + 1 < t->rows; k++) {
            terminal_row(t, k, row, sizeof row);
            same += strcmp(row, before[k]) == 0;
        }
        pointer_says(t, line, sizeof line);
        ok(same == t->rows - 1 && t->images == images && cursor[0] == cursor[1],
           "%s: nothing moves with the mouse: %d rows, %d pictures; %s", all[i].keys, same,
           t->images - images, line);
        terminal_type(t, all[i].end);
        terminal_settle(t, 300);
    }
}

static void modes(void)
{
    char why[256];
    const char *argv[] = {terminal_program(), "--no-log", "--threads", "1", NULL};
    struct terminal *t = terminal_start(argv, ROWS, COLS, true, false);
    terminal_expect(t, "answered");
    ok(terminal_mode(t, 1002) && !terminal_mode(t, 1003), "not wished where it was not offered");
    terminal_command(t, "quit");
    ok(terminal_ends(t), "ends with status 0");
    t = pointer_open(ROWS, COLS, false);
    ok(terminal_mode(t, 1003) && terminal_mode(t, 1006), "wished where it is");
    terminal_command(t, "set mouse off");
    ok(!terminal_mode(t, 1003) && !terminal_mode(t, 1000), "but not without the mouse");
    terminal_command(t, "set mouse on");
    ok(terminal_mode(t, 1003), "and again with it");
    matrix(t);
    images(t, ", weight 0.");
    terminal_command(t, "attribute relevancy");
    images(t, ", attribution 0.");
    terminal_type(t, "z");
    clicks(t);
    elsewhere(t);
    terminal_command(t, "view heads");
    terminal_resize(t, 10, 30);
    terminal_settle(t, 150);
    long long bytes = t->bytes;
    pointer_at(t, 4, 3);
    ok(t->bytes == bytes, "nothing is named where nothing has room");
    terminal_resize(t, ROWS, COLS);
    terminal_command(t, "quit");
    terminal_wait(t);
    ok(terminal_restored(t, why, sizeof why), "the terminal is as it was: %s", why);
    ok(terminal_ends(t), "ends with status 0");
    t = pointer_open(ROWS, COLS, false);
    pointer_at(t, 5, 10);
    bool on = terminal_mode(t, 1003);
    kill(t->pid, SIGTERM);
    terminal_wait(t);
    ok(on && !terminal_mode(t, 1003) && terminal_restored(t, why, sizeof why),
       "so it is when it was ended: %s", why);
    ok(terminal_ends(t), "with status 0");
}

int main(void)
{
    terminal_opens(FROZEN_MODEL);
    modes();
    return tap_done();
}
