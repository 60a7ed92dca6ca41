/* SPDX-License-Identifier: MIT */
/* The lines between panes go where the mouse drags them and keys send them, as far as panes keep
 * the room that they need, and keep their share of a window that changes its size. Broken by a
 * line that is drawn where it cannot be taken, by a pane without room, by a drag that also
 * clicks. On narrow screens keys of the view come first in the last line. */
#include "tap.h"
#include "terminal.h"

enum { ROWS = 32, COLS = 140, LEAST_COLS = 24, LEAST_ROWS = 6 };

/* The column of line number k on a row, or -1. */
static int line_on(const struct terminal *t, int row, int k)
{
    for (int col = 0; col < t->cols; col++) {
        VTermScreenCell cell;
        VTermPos pos = {.row = row, .col = col};
        vterm_screen_get_cell(t->screen, pos, &cell);
        if (cell.chars[0] == 0x2502 && k-- == 0)
            return col;
    }
    return -1;
}

/* What a mouse says: code 0 pressed or (end 'm') released, 32 moved. Rows and columns from 0. */
static void mouse(struct terminal *t, int code, int row, int col, char end)
{
    char text[64];
    snprintf(text, sizeof text, "\033[<%d;%d;%d%c", code, col + 1, row + 1, end);
    terminal_type(t, text);
}

static void drag(struct terminal *t, int row, int col, int to_row, int to_col)
{
    mouse(t, 0, row, col, 'M');
    mouse(t, 32, (row + to_row) / 2, (col + to_col) / 2, 'M');
    mouse(t, 32, to_row, to_col, 'M');
    mouse(t, 0, to_row, to_col, 'm');
    terminal_settle(t, 150);
}

static void columns(struct terminal *t)
{
    int first = line_on(t, 3, 0);
    ok(first == COLS * 3 / 5, "a line stands at three fifths: %d", first);
    mouse(t, 0, 5, first, 'M');
    mouse(t, 32, 6, 70, 'M');
    TERMINAL_UNTIL(t, line_on(t, 3, 0) == 70);
    ok(line_on(t, 3, 0) == 70, "it follows the mouse: %d", line_on(t, 3, 0));
    mouse(t, 32, 6, 75, 'M');
    mouse(t, 0, 6, 75, 'm');
    TERMINAL_UNTIL(t, line_on(t, 3, 0) == 75);
    mouse(t, 32, 6, 90, 'M');
    terminal_settle(t, 150);
    ok(line_on(t, 3, 0) == 75, "and stays where the button is let go: %d", line_on(t, 3, 0));
    drag(t, 5, 75, 5, 2);
    ok(line_on(t, 3, 0) == LEAST_COLS, "the first column keeps its room: %d", line_on(t, 3, 0));
    drag(t, 5, LEAST_COLS, 5, COLS - 1);
    ok(line_on(t, 3, 0) == COLS - LEAST_COLS, "and so does the second: %d", line_on(t, 3, 0));
    drag(t, 27, 50, 27, 80);
    ok(line_on(t, 3, 0) == COLS - LEAST_COLS, "where no line is none is taken");
    drag(t, 5, COLS - LEAST_COLS, 5, 70);
}

static void rows(struct terminal *t)
{
    int below = terminal_row_of(t, "Attention");
    ok(below == 14, "the second pane begins in row %d", below);
    drag(t, below - 1, 100, 19, 100);
    ok(terminal_row_of(t, "Attention") == 20, "a line between rows is dragged: %d",
       terminal_row_of(t, "Attention"));
    drag(t, 19, 100, 0, 100);
    ok(terminal_row_of(t, "Attention") == 1 + LEAST_ROWS, "the pane above keeps its room: %d",
       terminal_row_of(t, "Attention"));
    drag(t, LEAST_ROWS, 100, ROWS - 1, 100);
    int at = terminal_row_of(t, "Attention");
    ok(at >= 0 && at <= ROWS - 4 - LEAST_ROWS, "and the one below: %d", at);
    char row[4096];
    terminal_drawn(t, 1, row, sizeof row);
    ok(!strchr(row, '!'), "a drag does not focus what it goes over");
}

static void sizes(struct terminal *t)
{
    terminal_resize(t, 24, 100);
    terminal_settle(t, 200);
    ok(line_on(t, 3, 0) == 50, "in a smaller window a line keeps its share: %d", line_on(t, 3, 0));
    terminal_resize(t, ROWS, COLS);
    terminal_settle(t, 200);
    ok(line_on(t, 3, 0) == 70, "and has its place when the window is as it was");
    terminal_type(t, "\t\033[1;5C\033[1;5C");
    TERMINAL_UNTIL(t, line_on(t, 3, 0) == 74);
    ok(line_on(t, 3, 0) == 74, "keys move it by two columns: %d", line_on(t, 3, 0));
    terminal_type(t, "z\033[1;5C");
    ok(terminal_expect(t, "one pane has all the room: z restores the others"),
       "where there is no line it is said");
    terminal_type(t, "z");
    terminal_command(t, "even");
    ok(line_on(t, 3, 0) == COLS * 3 / 5 && terminal_row_of(t, "Attention") == 14,
       "all is as usual");
    terminal_command(t, "set mouse off");
    ok(!terminal_mode(t, 1002) && !terminal_mode(t, 1000), "without the mouse it is not reported");
}

static void three(void)
{
    struct terminal *t = terminal_demo(40, 160);
    int left = line_on(t, 3, 0), right = line_on(t, 3, 1);
    drag(t, 5, right, 5, 130);
    ok(line_on(t, 3, 0) == left && line_on(t, 3, 1) == 130, "the second of two lines: %d, %d",
       line_on(t, 3, 0), line_on(t, 3, 1));
    drag(t, 5, left, 5, 159);
    ok(line_on(t, 3, 0) == 160 - 2 * LEAST_COLS && line_on(t, 3, 1) == 160 - LEAST_COLS,
       "the first one leaves room for two columns: %d, %d", line_on(t, 3, 0), line_on(t, 3, 1));
    terminal_command(t, "quit");
    ok(terminal_ends(t), "ends with status 0");
}

/* Sequences that move what is on the screen: terminals move pictures with it, also those that are
 * elsewhere. */
static int scrolls(const char *said)
{
    int n = 0;
    for (const char *s = strchr(said, 033); s; s = strchr(s + 1, 033)) {
        size_t len = s[1] == '[' ? strspn(s + 2, "0123456789;") : 0;
        bool csi = s[1] == '[' && s[2 + len];
        n += s[1] == 'M' || s[1] == 'D' || (csi && strchr("rLMST", s[2 + len]));
    }
    return n;
}

static void nothing_scrolls(void)
{
    static const char *const commands[] = {"compare", "token large", "suggest vqa", "view answer",
                                           "last", "first", "page-down", "down", "history"};
    struct terminal *t = terminal_demo(ROWS, COLS);
    int n = 0;
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        terminal_mark(t);
        terminal_command(t, "%s", commands[i]);
        n += scrolls(t->said);
    }
    ok(n == 0, "no line is moved by the terminal: %d", n);
    terminal_type(t, "\033");
    terminal_command(t, "quit");
    ok(terminal_ends(t), "ends with status 0");
}

/* Where nothing has room, panes are neither kept nor moved, which is said there. */
static void too_small(void)
{
    struct terminal *t = terminal_demo(ROWS, COLS);
    terminal_resize(t, 10, 60);
    terminal_expect(t, "too small: 60x10");
    terminal_type(t, "*");
    ok(terminal_expect(t, "the terminal is too small to keep a pane as it is"),
       "freezing is refused");
    terminal_type(t, "\033[1;5C");
    ok(terminal_expect(t, "the terminal is too small for lines to move"), "and so are lines");
    terminal_type(t, "\033[1;5A");
    terminal_resize(t, ROWS, COLS);
    terminal_expect(t, "Attention");
    ok(terminal_row_of(t, "frozen") < 0 && line_on(t, 3, 0) == COLS * 3 / 5 &&
           terminal_row_of(t, "Attention") == 14,
       "all is as it was");
    terminal_resize(t, 14, 50);
    terminal_expect(t, "1/24");
    terminal_type(t, "*");
    ok(terminal_expect(t, "kept as it is: Tab shows it"),
       "one pane at a time: where it is is said");
    terminal_type(t, "\t");
    ok(terminal_expect(t, "frozen: image"), "and there it is");
    terminal_command(t, "quit");
    ok(terminal_ends(t), "ends with status 0");
}

/* At 80 columns the last line has the keys of the view, before what computes and before hints of
 * the message; tokens that do not fit are told by a mark. */
static void narrow(void)
{
    struct terminal *t = terminal_demo(24, 80);
    char row[512];
    terminal_command(t, "ask do you know what the large thing at the right is in the picture?");
    TERMINAL_UNTIL(t, terminal_row_of(t, "quit, Tab pane, Up Down box") == 23);
    terminal_row(t, 23, row, sizeof row);
    ok(strstr(row, "quit, Tab pane, Up Down box") && strstr(row, " ms | ") &&
           !strstr(row, "thread"),
       "the view's keys have room:%s", row);
    terminal_command(t, "say a message; that goes on");
    ok(terminal_expect(t, "a message   ? help"), "a message is whole up to its semicolon");
    ok(terminal_expect(t, "is in the …"), "a mark where tokens go on");
    terminal_command(t, "token picture");
    ok(terminal_expect(t, "picture ? …") && !terminal_has(t, "[CLS]"), "the chosen one is there");
    terminal_row(t, 20, row, sizeof row);
    ok(strncmp(row, "…", 3) == 0, "and a mark where they began:%s", row);
    terminal_command(t, "ask what toy lies right?");
    ok(terminal_expect(t, "what to ##y l ##i ##es right"), "pieces of words");
    terminal_command(t, "set words on");
    terminal_command(t, "token ##y");
    ok(terminal_expect(t, "[TASK 1] what toy lies right ? [SEP]") &&
           terminal_expect(t, "\"toy 2/2\" attends to"), "are joined when wished");
    terminal_type(t, "\033OC");
    ok(terminal_expect(t, "\"lies 1/3\" attends to"), "and chosen one by one");
    terminal_command(t, "token to");
    terminal_command(t, "mask");
    ok(terminal_expect(t, "[MASK] ##y lies right"), "a word whose beginning is masked is not");
    terminal_command(t, "restore");
    terminal_resize(t, 24, 140);
    terminal_command(t, "say short");
    ok(terminal_expect(t, "1 thread | "), "in a wide window all of it is there");
    terminal_command(t, "quit");
    ok(terminal_ends(t), "ends with status 0");
}

/* At 60 columns hints are whole, the view's first before "q quit", and "?" is among them whatever
 * is said. */
static void narrowest(void)
{
    static const struct {
        const char *line, *says;
    } list[] = {
        {"view answer", "? help, q quit, Up Down choose"},
        {"view attention", "? help, q quit, Left Right token"},
        {"view matrix", "? help, q quit, arrows choose"},
        {"view states", "? help, q quit, arrows choose"},
        {"say a message of forty columns, or of so many", "so many   ?"},
        {"say a message", "a message   ? help, q quit, arrows choose"},
    };
    struct terminal *t = terminal_demo(20, 60);
    char row[512];
    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
        terminal_command(t, "%s", list[i].line);
        TERMINAL_UNTIL(t, terminal_row_of(t, list[i].says) == 19);
        terminal_row(t, 19, row, sizeof row);
        ok(strstr(row, list[i].says) != NULL, "%s:%s", list[i].line, row);
    }
    terminal_command(t, "quit");
    ok(terminal_ends(t), "ends with status 0");
}

int main(void)
{
    struct terminal *t = terminal_demo(ROWS, COLS);
    columns(t);
    rows(t);
    sizes(t);
    terminal_command(t, "quit");
    ok(terminal_ends(t), "ends with status 0");
    three();
    nothing_scrolls();
    too_small();
    narrow();
    narrowest();
    return tap_done();
}
