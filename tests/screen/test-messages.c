/* SPDX-License-Identifier: MIT */
/* What the workbench says of a command, and whether that stands out, as what went wrong does,
 * against tests/screen/golden/messages.txt. Broken by a refusal that looks like an answer, by other
 * words, and by none.
 *
 * VILSCOPE_GOLDEN=write writes the file anew from the commands that it has. */
#include "tap.h"
#include "terminal.h"

#include <signal.h>

enum { MOST = 200, WIDTH = 190, ROWS = 30 };
struct line {
    char command[80];
    bool bold;
    char says[400];
};
static struct line lines[MOST];
static char head[4][200];
static int count, head_count;

/* The status line's left part, up to three blanks. */
static void message(const struct terminal *t, char *out, int size)
{
    char *end;
    terminal_row(t, ROWS - 1, out, size);
    memmove(out, out + (*out == ' '), strlen(out + (*out == ' ')) + 1);
    if ((end = strstr(out, "   ")) != NULL)
        *end = '\0';
}

static bool is_bold(const struct terminal *t)
{
    VTermScreenCell cell;
    VTermPos pos = {.row = ROWS - 1, .col = 1};
    vterm_screen_get_cell(t->screen, pos, &cell);
    return cell.attrs.bold;
}

static bool read_lines(const char *path)
{
    FILE *f = fopen(path, "r");
    char text[600];
    while (f && fgets(text, sizeof text, f)) {
        text[strcspn(text, "\n")] = '\0';
        if (text[0] == '#') {
            snprintf(head[head_count++ % 4], sizeof head[0], "%.199s", text);
            continue;
        }
        struct line *l = &lines[count++ % MOST];
        char *tab = strchr(text, '\t');
        snprintf(l->command, sizeof l->command, "%.*s", tab ? (int)(tab - text) : 79, text);
        l->bold = tab && tab[1] == '!';
        snprintf(l->says, sizeof l->says, "%.399s", tab ? tab + 3 : "");
    }
    if (f)
        fclose(f);
    return f != NULL;
}

static void write_lines(const char *path)
{
    FILE *f = fopen(path, "w");
    for (int i = 0; f && i < head_count; i++)
        fprintf(f, "%s\n", head[i]);
    for (int i = 0; f && i < count; i++) {
        if (lines[i].command[0] == '@')
            fprintf(f, "%s\n", lines[i].command);
        else
            fprintf(f, "%s\t%c %s\n", lines[i].command, lines[i].bold ? '!' : '-', lines[i].says);
    }
    if (f)
        fclose(f);
}

static struct terminal *begin(bool asked)
{
    const char *argv[] = {terminal_program(), "-m", source_path(FROZEN),
                          "--no-log", "--threads", "1", source_path(FROZEN "/images/000000.png"),
                          NULL};
    if (asked)
        argv[1] = "--no-log", argv[2] = "--threads", argv[3] = "1", argv[4] = NULL;
    struct terminal *t = terminal_start(argv, ROWS, WIDTH, false, false);
    terminal_expect(t, asked ? "answered" : "000000.png");
    terminal_expect(t, asked ? "1/24" : "regions");
    terminal_settle(t, 300);
    return t;
}

/* The cursor tells blanks at its end. */
static bool is_typed(const struct terminal *t, const char *command)
{
    char row[800], line[100];
    VTermPos cursor;
    int n = snprintf(line, sizeof line, " :%s", command);
    terminal_row(t, ROWS - 2, row, sizeof row);
    vterm_state_get_cursorpos(vterm_obtain_state(t->vt), &cursor);
    return cursor.row == ROWS - 2 && cursor.col == n && strncmp(row, line, (size_t)n) == 0;
}

/* Until the command is on its line; there false: until it has gone from there, which it has when it
 * was run. Before that, what the last one said is on the screen, and may be the same. */
static void wait_typed(struct terminal *t, const char *command, bool there)
{
    TERMINAL_UNTIL(t, is_typed(t, command) == there);
}

static void try(struct terminal *t, struct line *l, bool writes)
{
    char said[800];
    terminal_type(t, "\033");
    terminal_read(t, 5);
    terminal_type(t, ":");
    terminal_read(t, 5);
    terminal_type(t, l->command);
    wait_typed(t, l->command, true);
    terminal_type(t, "\r");
    wait_typed(t, l->command, false);
    if (!writes)
        terminal_expect(t, l->says);
    terminal_settle(t, writes ? 400 : 30);
    message(t, said, sizeof said);
    if (writes) {
        l->bold = is_bold(t);
        snprintf(l->says, sizeof l->says, "%.399s", said);
        return;
    }
    ok(strcmp(said, l->says) == 0 && is_bold(t) == l->bold, "%s: %s%s", l->command, said,
       is_bold(t) ? ", which stands out" : "");
    if (strcmp(said, l->says) != 0)
        tap_note("was: %s", l->says);
}

int main(void)
{
    struct terminal *t = NULL;
    bool writes = getenv("VILSCOPE_GOLDEN") != NULL;
    char path[4096];
    snprintf(path, sizeof path, "%s", source_path("tests/screen/golden/messages.txt"));
    terminal_opens(FROZEN_MODEL);
    if (!ok(read_lines(path) && count < MOST, "%d commands", count))
        return tap_done();
    for (int i = 0; i < count; i++) {
        if (lines[i].command[0] == '@') {
            if (t)
                kill(t->pid, SIGTERM), terminal_end(t);
            t = begin(strcmp(lines[i].command, "@ asked") == 0);
        } else if (t) {
            try(t, &lines[i], writes);
        }
    }
    if (t)
        kill(t->pid, SIGTERM), terminal_end(t);
    if (writes)
        write_lines(path);
    return tap_done();
}
