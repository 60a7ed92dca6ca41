/* SPDX-License-Identifier: MIT */
#include "look.h"

#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char digits[] = "0123456789abcdef";

static bool painted(const struct terminal *t, int row, int col)
{
    int y = row * CELL_H + CELL_H / 2, x = col * CELL_W + CELL_W / 2;
    return y < MAX_H && x < MAX_W && t->painted[y][x];
}

/* Appends, as far as there is room. */
static void put(char *out, size_t size, const char *text)
{
    size_t n = strlen(out);
    snprintf(out + n, size - n, "%s", text);
}

static void put_pixels(const struct terminal *t, int row, int col, char *out, size_t size)
{
    char text[4] = "";
    for (int k = 0; k < 3; k++) {
        int sum = 0;
        for (int y = 0; y < CELL_H; y++)
            for (int x = 0; x < CELL_W; x++)
                sum += t->rgb[row * CELL_H + y][col * CELL_W + x][k];
        text[k] = digits[sum / (CELL_W * CELL_H) >> 4];
    }
    put(out, size, text);
}

static void put_color(const VTermColor *c, char mark, char *out, size_t size)
{
    char text[24] = "";
    if (VTERM_COLOR_IS_DEFAULT_FG(c) || VTERM_COLOR_IS_DEFAULT_BG(c))
        return;
    if (VTERM_COLOR_IS_INDEXED(c))
        snprintf(text, sizeof text, "%c%d", mark, c->indexed.idx);
    else
        snprintf(text, sizeof text, "%c%02x%02x%02x", mark, c->rgb.red, c->rgb.green, c->rgb.blue);
    put(out, size, text);
}

/* Nobody sees whether a blank is bold: some versions of curses write blanks, others erase, which
 * leaves them without it. */
static void cell_style(const struct terminal *t, int row, int col, char *out, size_t size)
{
    VTermScreenCell cell;
    VTermPos pos = {.row = row, .col = col};
    vterm_screen_get_cell(t->screen, pos, &cell);
    bool blank = cell.chars[0] == 0 || cell.chars[0] == ' ';
    snprintf(out, size, "%s%s%s%s", cell.attrs.bold && !blank ? "b" : "",
             cell.attrs.reverse ? "r" : "", cell.attrs.underline ? "u" : "",
             cell.attrs.italic ? "i" : "");
    put_color(&cell.fg, '#', out, size);
    put_color(&cell.bg, ':', out, size);
}

void look_row(const struct terminal *t, int row, char *out, size_t size)
{
    char style[64], next[64], text[96];
    out[0] = '\0';
    for (int col = 0, n; col < t->cols; col += n) {
        n = 1;
        if (painted(t, row, col)) {
            while (col + n < t->cols && painted(t, row, col + n))
                n++;
            snprintf(text, sizeof text, "%s%dp", col ? " " : "", n);
            put(out, size, text);
            for (int i = 0; i < n; i++)
                put_pixels(t, row, col + i, out, size);
            continue;
        }
        cell_style(t, row, col, style, sizeof style);
        while (col + n < t->cols && !painted(t, row, col + n)) {
            cell_style(t, row, col + n, next, sizeof next);
            if (strcmp(style, next) != 0)
                break;
            n++;
        }
        snprintf(text, sizeof text, "%s%d=%s", col ? " " : "", n, style);
        put(out, size, text);
    }
}

/* ---- comparing */

struct seen {
    char style[64];
    char rgb[4]; /* of a picture's cell */
};

/* The cells of a row; how many. */
static int take_apart(const char *s, struct seen *cells, int most)
{
    int count = 0;
    while (*s) {
        char *end;
        long n = strtol(s, &end, 10);
        bool picture = *end == 'p';
        s = *end ? end + 1 : end;
        size_t len = picture ? (size_t)n * 3 : strcspn(s, " ");
        for (long i = 0; i < n && count < most && len <= strlen(s); i++, count++) {
            snprintf(cells[count].style, sizeof cells[count].style, "%.*s",
                     picture ? 1 : (int)len, picture ? "p" : s);
            snprintf(cells[count].rgb, sizeof cells[count].rgb, "%.3s", picture ? s + 3 * i : "");
        }
        s += len <= strlen(s) ? len : strlen(s);
        s += *s == ' ';
    }
    return count;
}

static bool near(const char *a, const char *b)
{
    for (int k = 0; k < 3 && a[k] && b[k]; k++) {
        const char *x = strchr(digits, a[k]), *y = strchr(digits, b[k]);
        if (!x || !y || labs((long)(x - y)) > 1)
            return false;
    }
    return true;
}

int look_differs(const char *a, const char *b)
{
    enum { MOST = 256 };
    static struct seen x[MOST], y[MOST];
    int n = take_apart(a, x, MOST), m = take_apart(b, y, MOST), bad = abs(n - m);
    for (int i = 0; i < n && i < m; i++)
        bad += strcmp(x[i].style, y[i].style) != 0 || !near(x[i].rgb, y[i].rgb);
    return bad;
}

static int compare_row(const char *golden, const char *line, int row, bool tell)
{
    int cells = look_differs(golden, line);
    if (cells > 0 && tell) {
        tap_note("row %d, %d cells differ", row, cells);
        tap_note("was: %.200s", golden);
        tap_note("is:  %.200s", line);
    }
    return cells;
}

int look_golden(const char *file, int rows,
                void (*row)(const void *of, int row, char *out, size_t size), const void *of)
{
    char line[4096], golden[4096];
    bool writes = getenv("VILSCOPE_GOLDEN") != NULL, more = true;
    int bad = 0;
    FILE *f = fopen(source_path(file), writes ? "w" : "r");
    if (!f)
        return -1;
    for (int i = 0; i < rows || more; i++) {
        line[0] = golden[0] = '\0';
        if (i < rows)
            row(of, i, line, sizeof line);
        more = !writes && fgets(golden, sizeof golden, f);
        golden[strcspn(golden, "\n")] = '\0';
        if (writes)
            fprintf(f, "%s\n", line);
        else
            bad += compare_row(golden, line, i, bad < 20);
    }
    return fclose(f) == 0 ? bad : -1;
}
