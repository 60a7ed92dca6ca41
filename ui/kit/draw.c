/* SPDX-License-Identifier: MIT */
/* Text on the screen. */
#include "ui/kit/draw.h"

#include "ui/kit/blocks.h"
#include "ui/kit/text.h"
#include "ui/kit/theme.h"

#include <curses.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int draw_text(int row, int col, int width, const char *fmt, ...)
{
    char text[2048], fitted[4096];
    va_list ap;
    if (width <= 0)
        return 0;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    int used = text_cut(text, width, fitted, sizeof fitted);
    mvaddstr(row, col, fitted);
    return used;
}

/* Of a cell of a bar. Whole ones have their color behind the sign, too: fonts have blocks that are
 * smaller than a cell. Of a chosen row, which is reversed, what the bar leaves free is, too. */
static void bar_attr(attr_t attr, int ink, int part, bool chosen)
{
    int pair = part <= 0 || ink < 0 ? 0
               : part >= 8          ? alloc_pair(ink, ink)
               : chosen             ? alloc_pair(-1, ink)
                                    : alloc_pair(ink, -1);
    bool reversed = chosen && (pair == 0 || part < 8);
    attr_set((attr & ~A_REVERSE & ~A_COLOR) | (reversed ? A_REVERSE : A_NORMAL), 0, &pair);
}

void draw_bar(int row, int col, int width, double share, bool chosen)
{
    static const wchar_t *const parts[] = {L" ", L"\u258f", L"\u258e", L"\u258d", L"\u258c",
                                           L"\u258b", L"\u258a", L"\u2589", L"\u2588"};
    share = share > 0 ? share < 1 ? share : 1 : 0;
    int eighths = (int)(share * width * 8 + 0.5), pair = 0, ink = -1, back;
    attr_t attr;
    short low; /* the pair, where it is a small number */
    attr_get(&attr, &low, &pair);
    if (!has_colors() || !pair || extended_pair_content(pair, &ink, &back) != OK)
        ink = -1;
    for (int i = 0; i < width; i++) {
        int part = eighths - 8 * i;
        bar_attr(attr, ink, part, chosen);
        mvaddwstr(row, col + i, parts[part < 0 ? 0 : part > 8 ? 8 : part]);
    }
    attr_set(attr, low, &pair);
}

const char *draw_base_name(const char *path)
{
    const char *slash = path ? strrchr(path, '/') : NULL;
    return slash ? slash + 1 : path ? path : "";
}

/* ---- colors */

struct rgb draw_rank_color(int rank)
{
    return theme_color((enum theme_color)(THEME_RANK + (rank < THEME_REST ? rank : THEME_REST)));
}

/* The first color pairs: what COLOR_PAIR can name. Blocks take theirs behind them. Cells that have
 * them already change with them. */
void draw_init_colors(void)
{
    for (int i = 0; i < THEME_COLORS && has_colors(); i++) {
        struct rgb k = theme_color((enum theme_color)i);
        const uint8_t color[3] = {k.r, k.g, k.b};
        init_extended_pair(1 + i, blocks_color(color), -1);
    }
}

static unsigned theme_attr(enum theme_color which)
{
    return has_colors() ? (unsigned)COLOR_PAIR(1 + (int)which) : 0;
}

unsigned draw_sign_attr(double x)
{
    return x == 0 ? 0 : theme_attr(x < 0 ? THEME_LESS : THEME_MORE);
}

unsigned draw_rank_attr(int rank)
{
    int i = THEME_RANK + (rank < THEME_REST ? rank : THEME_REST);
    return theme_attr((enum theme_color)i) | (unsigned)A_BOLD;
}

unsigned draw_accent_attr(void)
{
    return theme_attr(THEME_ACCENT) | (unsigned)A_BOLD;
}

unsigned draw_dim(void)
{
    return COLORS >= 256 && !theme_is_plain() ? theme_attr(THEME_DIM) : (unsigned)A_DIM;
}

void draw_on(struct rgb back, unsigned attr)
{
    blocks_attr(theme_ink(back), back, attr);
}

void draw_heat_attr(float heat, unsigned attr)
{
    draw_on(canvas_heat_color(heat), attr);
}

/* As hatching is denser: without colors. */
static const wchar_t *const shades[8] = {L" ", L"\u2591", L"\u2591", L"\u2592", L"\u2592",
                                         L"\u2593", L"\u2593", L"\u2588"};

int draw_scale(int row, int col, float most)
{
    int n = draw_text(row, col, 8, "0 ");
    for (int i = 0; i < 8 && theme_is_plain(); i++)
        mvaddwstr(row, col + n + i, shades[i]);
    for (int i = 0; i < 8 && !theme_is_plain(); i++) {
        draw_heat_attr((float)i / 7, 0);
        mvaddch(row, col + n + i, ' ');
    }
    attrset(A_NORMAL);
    return n + 8 + draw_text(row, col + n + 8, 10, " %.3f ", (double)most);
}

int draw_signs(int row, int col, float most)
{
    int n = draw_text(row, col, 10, "-%.3g ", (double)most);
    for (int i = 0; i < 9 && theme_is_plain(); i++) /* lines as in the hatching */
        mvaddch(row, col + n + i, i < 4 ? '\\' : i > 4 ? '/' : ' ');
    for (int i = 0; i < 9 && !theme_is_plain(); i++) {
        draw_on(canvas_signed_color((float)(i - 4) / 4), A_NORMAL);
        mvaddch(row, col + n + i, ' ');
    }
    attrset(A_NORMAL);
    return n + 9 + draw_text(row, col + n + 9, 11, " +%.3g ", (double)most);
}
