/* SPDX-License-Identifier: MIT */
/* Numbers as colors in rows and columns. */
#include "ui/views/grid.h"

#include "ui/kit/theme.h"
#include "ui/views/list.h"

#include <curses.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define MOST_CELL 7 /* columns of a cell */
#define LEAST_CELL 3 /* pixels */

/* ---- colors */

struct rgb grid_color(float x, float top, enum scale s)
{
    float share = top > 0 ? x / top : 0;
    if (isnan(x))
        return theme_shade(0.275); /* which stands back on white, too */
    if (s == SCALE_SIGNED)
        return canvas_signed_color(share);
    return canvas_heat_color(s == SCALE_ROOT ? sqrtf(share > 0 ? share : 0) : share);
}

/* As many digits as tell neighbors apart. */
static void legend_number(float x, float top, bool sign, char *out, size_t size)
{
    int digits = top >= 20 ? 0 : top >= 2 ? 1 : top >= 0.2f ? 2 : top >= 0.02f ? 3 : 4;
    grid_number((double)x, sign, digits, out, size);
}

/* Its ends in numbers, where there is no room for those between. */
static void legend_ends(int row, int col, int width, float top, enum scale s)
{
    float low = s == SCALE_SIGNED ? -top : 0;
    char from[32], to[32];
    legend_number(low, top, s == SCALE_SIGNED, from, sizeof from);
    legend_number(top, top, s == SCALE_SIGNED, to, sizeof to);
    int left = (int)strlen(from) + 1, n = width - left - (int)strlen(to) - 1;
    if (n < 2)
        return;
    draw_text(row, col, left, "%s", from);
    for (int i = 0; i < n; i++) {
        float f = (float)i / (float)(n - 1);
        f = s == SCALE_SIGNED ? 2 * f - 1 : s == SCALE_ROOT ? f * f : f;
        draw_on(grid_color(f * top, top, s), A_NORMAL);
        mvaddch(row, col + left + i, ' ');
    }
    attrset(A_NORMAL);
    draw_text(row, col + left + n + 1, width - left - n - 1, "%s", to);
}

void grid_legend(int row, int col, int width, float top, enum scale s)
{
    if (width < 24) {
        legend_ends(row, col, width, top, s);
        return;
    }
    int n = width / 8 < 7 ? width / 8 : 7;
    n -= s == SCALE_SIGNED && n % 2 == 0; /* so that 0 is among them */
    for (int i = 0; i < n; i++) {
        float f = n > 1 ? (float)i / (float)(n - 1) : 1, x = s == SCALE_ROOT ? f * f : f;
        char text[32], padded[64];
        x = s == SCALE_SIGNED ? 2 * f - 1 : x;
        legend_number(x * top, top, s == SCALE_SIGNED, text, sizeof text);
        snprintf(padded, sizeof padded, " %-7s", text);
        draw_on(grid_color(x * top, top, s), A_NORMAL);
        draw_text(row, col + 8 * i, 8, "%s", padded);
    }
    attrset(A_NORMAL);
}

void grid_signed(double x, int digits, char *out, size_t size)
{
    snprintf(out, size, "%+.*f", digits, x);
    if (strspn(out, "+-0.") == strlen(out))
        out[0] = ' ';
}

void grid_number(double x, bool sign, int digits, char *out, size_t size)
{
    if (sign)
        grid_signed(x, digits, out, size);
    else
        snprintf(out, size, "%.*f", digits, x);
}

/* ---- where */

/* Columns of a cell with its number: ".12 ", "+0.12 ". */
static int number_cell(const struct grid *g)
{
    return g->scale == SCALE_SIGNED ? 6 : 4;
}

void grid_fit(struct workbench *w, struct grid *g, struct area body, int top[2])
{
    bool sixel = gfx_has_pixels(&w->screen.gfx);
    int cw, ch, least = sixel ? LEAST_CELL : w->screen.gfx.mode == GFX_NONE ? number_cell(g) : 1;
    draw_cell(w, &cw, &ch);
    int room = (body.cols - g->label - g->right) * cw;
    room = sixel && room > w->screen.gfx.most_w ? w->screen.gfx.most_w : room;
    g->cell = room / g->cols;
    g->cell = g->cell > MOST_CELL * cw ? MOST_CELL * cw : g->cell;
    g->cell = g->cell < least ? least : g->cell;
    g->numbers = !sixel && g->cell >= number_cell(g);
    g->shown_cols = room / g->cell < g->cols ? room / g->cell : g->cols;
    g->shown_rows = body.rows < g->rows ? body.rows : g->rows;
    g->first_row = list_top(&top[0], g->at_row, g->rows, g->shown_rows);
    g->first_col = list_top(&top[1], g->at_col, g->cols, g->shown_cols);
    g->cell_cols = (double)g->cell / cw;
    g->at = (struct area){body.row, body.col + g->label, g->shown_rows,
                          (g->shown_cols * g->cell + cw - 1) / cw};
}

int grid_left(const struct grid *g, int j)
{
    return (int)(j * g->cell_cols);
}

void grid_more(const struct grid *g, int row, int col)
{
    char text[48];
    int last = g->first_row + g->shown_rows;
    attrset((int)draw_dim());
    if (g->shown_rows < g->rows) {
        snprintf(text, sizeof text, "%d-%d/%d", g->first_row + 1, last, g->rows);
        draw_text(row, col, g->label - 1, "%s", text);
    }
    if (g->first_col > 0)
        draw_text(row, g->at.col - 1, 1, "<");
    if (g->first_col + g->shown_cols < g->cols)
        draw_text(row, g->at.col + g->at.cols, 1, ">");
    attrset(A_NORMAL);
}

/* Every how many have room for so many cells, where each has `each`. */
static int numbers_step(double each, int wanted)
{
    int n = 1;
    while (n * each < wanted)
        n++;
    return n;
}

void area_numbers(struct area a, int rows, int cols, int row, int col)
{
    int step = numbers_step((double)a.cols / cols, cols < 10 ? 3 : 4);
    for (int j = 0; j < cols; j += step) {
        attrset(j == col ? (int)A_BOLD : (int)draw_dim());
        draw_text(a.row - 1, a.col + (2 * j + 1) * a.cols / (2 * cols) - (j >= 9), 3, "%d", j + 1);
    }
    step = numbers_step((double)a.rows / rows, 1);
    for (int i = 0; i < rows; i += step) {
        attrset(i == row ? (int)A_BOLD : (int)draw_dim());
        draw_text(a.row + (2 * i + 1) * a.rows / (2 * rows), a.col - 3, 2, "%2d", i + 1);
    }
    attrset(A_NORMAL);
}

bool grid_find(const struct grid *g, int rows, int cols, int row, int col, int *i, int *j)
{
    int k = row - g->at.row;
    double x = (col - g->at.col + 0.5) / (g->cell_cols > 0 ? g->cell_cols : 1);
    *i = g->first_row + k;
    *j = x >= 0 && x < g->shown_cols ? g->first_col + (int)x : -1;
    *j = *j < cols ? *j : -1;
    return k >= 0 && k < g->shown_rows && *i < rows;
}

bool area_cell(struct area a, int rows, int cols, int row, int col, int *i, int *j)
{
    if (!area_holds(a, row, col))
        return false;
    *i = (2 * (row - a.row) + 1) * rows / (2 * a.rows);
    *j = (2 * (col - a.col) + 1) * cols / (2 * a.cols);
    return true;
}

int area_line(struct area a, int top, int count, int row, int col)
{
    int line = row - a.row + top;
    return area_holds(a, row, col) && line < count ? line : -1;
}

int area_point(const struct workbench *w, struct area a, int n, int row, int col)
{
    int cw, ch;
    draw_cell(w, &cw, &ch);
    if (n < 1 || !area_holds(a, row, col))
        return -1;
    double x = (col - a.col) * cw + (cw - 1) / 2.0, last = a.cols * cw - 1;
    return last > 0 ? (int)lround(x / last * (n - 1)) : 0;
}

struct area area_in_pane(const struct pane *p, struct area a)
{
    a.row -= p->at.row;
    a.col -= p->at.col;
    return a;
}

struct grid grid_in_pane(const struct pane *p, const struct grid *g)
{
    struct grid out = *g;
    out.at = area_in_pane(p, g->at);
    out.x = NULL;
    return out;
}

/* ---- drawing */

static float cell_of(const struct grid *g, int i, int j)
{
    return g->x[(ptrdiff_t)(g->first_row + i) * g->cols + g->first_col + j];
}

static bool grid_is_chosen(const struct grid *g, int i, int j)
{
    return g->first_row + i == g->at_row && g->first_col + j == g->at_col;
}

static void draw_number(const struct grid *g, int i, int j)
{
    float x = cell_of(g, i, j);
    char text[32], padded[64];
    if (g->scale == SCALE_SIGNED)
        grid_signed((double)x, g->digits, text, sizeof text);
    else
        snprintf(text, sizeof text, "%.*f", g->digits < g->cell - 2 ? g->digits : g->cell - 2,
                 (double)x);
    snprintf(padded, sizeof padded, "%-*s", g->cell, text[0] == '0' ? text + 1 : text);
    draw_on(grid_color(x, g->top, g->scale),
              grid_is_chosen(g, i, j) ? A_REVERSE | A_BOLD : A_NORMAL);
    draw_text(g->at.row + i, g->at.col + j * g->cell, g->cell, "%s", isnan(x) ? "" : padded);
}

static void grid_paint(const struct grid *g, struct canvas *c)
{
    static const struct rgb white = {255, 255, 255}, black = {0, 0, 0};
    int high = c->h / g->shown_rows, w = g->cell;
    for (int i = 0; i < g->shown_rows; i++)
        for (int j = 0; j < g->shown_cols; j++)
            canvas_fill(c, j * w, i * high, (j + 1) * w - 1, (i + 1) * high - 1,
                        grid_color(cell_of(g, i, j), g->top, g->scale));
    int i = g->at_row - g->first_row, j = g->at_col - g->first_col;
    if (high > 4 && g->at_row >= 0 && g->at_col >= 0) {
        canvas_frame(c, j * w - 2, i * high, (j + 1) * w + 1, (i + 1) * high - 1, 2, white);
        canvas_frame(c, j * w - 3, i * high - 1, (j + 1) * w + 2, (i + 1) * high, 1, black);
    }
}

void grid_draw(struct workbench *w, int slot, const struct grid *g)
{
    int cw, ch;
    draw_cell(w, &cw, &ch);
    if (g->numbers) {
        for (int i = 0; i < g->shown_rows; i++)
            for (int j = 0; j < g->shown_cols; j++)
                draw_number(g, i, j);
        attrset(A_NORMAL);
        return;
    }
    struct canvas *c = draw_canvas(w, g->shown_cols * g->cell, g->shown_rows * ch);
    if (!c)
        return;
    grid_paint(g, c);
    gfx_place(&w->screen.gfx, slot, g->at, c);
}
