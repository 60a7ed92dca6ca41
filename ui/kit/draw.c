/* SPDX-License-Identifier: MIT */
/* Text on the screen. */
#include "ui/kit/draw.h"

#include "ui/kit/gfx.h"
#include "ui/kit/text.h"

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
    int used = text_fit(text, width, fitted, sizeof fitted);
    mvaddstr(row, col, fitted);
    return used;
}

void draw_bar(int row, int col, int width, double share)
{
    static const wchar_t *const parts[] = {L" ", L"\u258f", L"\u258e", L"\u258d", L"\u258c",
                                           L"\u258b", L"\u258a", L"\u2589", L"\u2588"};
    share = share > 0 ? share < 1 ? share : 1 : 0;
    int eighths = (int)(share * width * 8 + 0.5);
    for (int i = 0; i < width; i++) {
        int part = eighths - 8 * i;
        mvaddwstr(row, col + i, parts[part < 0 ? 0 : part > 8 ? 8 : part]);
    }
}

const char *draw_base_name(const char *path)
{
    const char *slash = path ? strrchr(path, '/') : NULL;
    return slash ? slash + 1 : path ? path : "";
}

/* ---- colors */

struct rgb draw_rank_color(int rank)
{
    static const struct rgb colors[] = {{255, 214, 0},  {0, 214, 255},  {255, 102, 204},
                                        {128, 255, 80}, {190, 140, 255}, {204, 204, 204}};
    return colors[rank < 5 ? rank : 5];
}

/* The first color pairs: what COLOR_PAIR can name. Blocks take theirs behind them. */
void draw_init_colors(void)
{
    for (int rank = 0; rank < 6 && has_colors(); rank++) {
        struct rgb k = draw_rank_color(rank);
        const uint8_t color[3] = {k.r, k.g, k.b};
        init_pair((short)(1 + rank), (short)gfx_color_index(color), -1);
    }
    for (int i = 0; i < 2 && has_colors(); i++) {
        struct rgb k = canvas_signed_color(i ? -0.6f : 0.6f);
        const uint8_t color[3] = {k.r, k.g, k.b};
        init_pair((short)(7 + i), (short)gfx_color_index(color), -1);
    }
}

unsigned draw_sign_attr(double x)
{
    return has_colors() && x != 0 ? (unsigned)COLOR_PAIR(x < 0 ? 8 : 7) : 0;
}

unsigned draw_rank_attr(int rank)
{
    unsigned pair = has_colors() ? (unsigned)COLOR_PAIR(1 + (rank < 5 ? rank : 5)) : 0;
    return pair | (unsigned)A_BOLD;
}

void draw_heat_attr(float heat, unsigned attr)
{
    struct rgb k = canvas_heat_color(heat);
    const uint8_t back[3] = {k.r, k.g, k.b};
    bool light = 3 * k.r + 6 * k.g + k.b > 1200;
    const uint8_t front[3] = {light ? 0 : 255, light ? 0 : 255, light ? 0 : 255};
    if (!has_colors() || COLORS < 8) {
        attrset(attr | (heat > 0.5f ? A_REVERSE : A_NORMAL));
        return;
    }
    int pair = alloc_pair(gfx_color_index(front), gfx_color_index(back));
    attr_set(attr, 0, pair > 32767 ? NULL : &pair);
}

int draw_scale(int row, int col, float most)
{
    int n = draw_text(row, col, 8, "0 ");
    for (int i = 0; i < 8; i++) {
        draw_heat_attr((float)i / 7, 0);
        mvaddch(row, col + n + i, ' ');
    }
    attrset(A_NORMAL);
    return n + 8 + draw_text(row, col + n + 8, 10, " %.3f ", (double)most);
}

void draw_mouse(bool on)
{
    mousemask(on ? BUTTON1_PRESSED | BUTTON1_RELEASED | BUTTON4_PRESSED | BUTTON5_PRESSED : 0,
              NULL);
}
