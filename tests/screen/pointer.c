/* SPDX-License-Identifier: MIT */
/* The mouse of a terminal for tests. */
#include "pointer.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct terminal *pointer_open(int rows, int cols, bool wide)
{
    const char *argv[] = {terminal_program(), "--no-log", "--threads", "1", NULL};
    const struct terminal_kind kind = {.sixel = true, .motion = true, .window = wide};
    struct terminal *t = terminal_start_as(argv, rows, cols, &kind);
    if (t)
        terminal_expect(t, "answered");
    if (t)
        terminal_settle(t, 150);
    return t;
}

/* Code 35: moved without a button; 0: the first one. */
static void report(struct terminal *t, int code, int row, int col, char how)
{
    char text[64];
    snprintf(text, sizeof text, "\033[<%d;%d;%d%c", code, col + 1, row + 1, how);
    terminal_type(t, text);
}

void pointer_at(struct terminal *t, int row, int col)
{
    report(t, 35, row, col, 'M');
    terminal_settle(t, 120);
}

void pointer_click(struct terminal *t, int row, int col)
{
    report(t, 0, row, col, 'M');
    report(t, 0, row, col, 'm');
    terminal_settle(t, 120);
}

void pointer_says(const struct terminal *t, char *out, int size)
{
    terminal_row(t, t->rows - 1, out, size);
    memmove(out, out + 1, strlen(out));
    char *end = strstr(out, "  ");
    if (end)
        *end = '\0';
}

int pointer_row_of(const struct terminal *t, const char *fmt, ...)
{
    char want[512], row[4096];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(want, sizeof want, fmt, ap);
    va_end(ap);
    for (int i = 0; i + 1 < t->rows; i++) {
        terminal_row(t, i, row, sizeof row);
        if (strstr(row, want))
            return i;
    }
    return -1;
}

bool pointer_row_has(const struct terminal *t, int row, const char *text)
{
    char line[4096];
    terminal_row(t, row, line, sizeof line);
    return strstr(line, text) != NULL;
}
