/* SPDX-License-Identifier: MIT */
/* Pictures as half blocks, and the terminal's nearest colors. */
#include "ui/kit/blocks.h"

#include "ui/kit/theme.h"

#include <curses.h>

/* The step of xterm's cube of 6 levels that is nearest. */
static int cube_step(int value)
{
    return value < 48 ? 0 : value < 115 ? 1 : (value - 35) / 40;
}

static int blocks_distance(const uint8_t *p, int r, int g, int b)
{
    return (p[0] - r) * (p[0] - r) + (p[1] - g) * (p[1] - g) + (p[2] - b) * (p[2] - b);
}

/* The nearest of xterm's 256 colors, in its cube or among its grays. */
static int nearest_of_256(const uint8_t *p)
{
    static const int levels[6] = {0, 95, 135, 175, 215, 255};
    int r = cube_step(p[0]), g = cube_step(p[1]), b = cube_step(p[2]);
    int gray = (p[0] + p[1] + p[2]) / 3, step = gray < 8 ? 0 : gray > 238 ? 23 : (gray - 3) / 10;
    int light = 8 + 10 * step;
    int as_gray = blocks_distance(p, light, light, light);
    if (as_gray < blocks_distance(p, levels[r], levels[g], levels[b]))
        return 232 + step;
    return 16 + 36 * r + 6 * g + b;
}

int blocks_color(const uint8_t *p)
{
    if (COLORS >= 1 << 24) /* terminals whose color numbers are colors */
        return p[0] << 16 | p[1] << 8 | p[2];
    if (COLORS >= 256)
        return nearest_of_256(p);
    return (p[0] > 127 ? 1 : 0) | (p[1] > 127 ? 2 : 0) | (p[2] > 127 ? 4 : 0);
}

struct rgb blocks_shown(struct rgb k)
{
    static const uint8_t levels[6] = {0, 95, 135, 175, 215, 255};
    const uint8_t color[3] = {k.r, k.g, k.b};
    int i = blocks_color(color);
    if (COLORS >= 1 << 24)
        return k;
    if (COLORS < 256) /* as xterm has them; users choose others */
        return i == 7 ? (struct rgb){229, 229, 229}
                      : (struct rgb){i & 1 ? 205 : 0, i & 2 ? 205 : 0, i & 4 ? 238 : 0};
    uint8_t gray = (uint8_t)(8 + 10 * (i - 232));
    return i >= 232 ? (struct rgb){gray, gray, gray}
                    : (struct rgb){levels[(i - 16) / 36], levels[(i - 16) / 6 % 6],
                                   levels[(i - 16) % 6]};
}

static void put_block(enum gfx_mode mode, int row, int col, const uint8_t *top,
                      const uint8_t *bottom)
{
    cchar_t cell;
    if (!has_colors() || mode == GFX_ASCII) {
        int light = (top[0] + 2 * top[1] + top[2] + bottom[0] + 2 * bottom[1] + bottom[2]) / 8;
        mvaddch(row, col, (chtype)" .:-=+*#%@"[light * 9 / 255]);
        return;
    }
    /* What is the terminal's background stays that, whatever it rounds colors to. */
    bool no_top = theme_is_back(top), no_bottom = theme_is_back(bottom);
    int front = blocks_color(no_top ? bottom : top);
    int pair = alloc_pair(front, no_top || no_bottom ? -1 : blocks_color(bottom));
    const wchar_t *sign = no_top && no_bottom ? L" " : no_top ? L"\u2584" : L"\u2580";
    if (setcchar(&cell, sign, 0, 0, no_top && no_bottom ? NULL : &pair) == OK)
        mvadd_wch(row, col, &cell);
}

void blocks_draw(enum gfx_mode mode, struct area a, const struct canvas *c)
{
    for (int y = 0; y < a.rows && 2 * y < c->h; y++)
        for (int x = 0; x < a.cols && x < c->w; x++) {
            const uint8_t *top = c->rgb + 3 * ((size_t)(2 * y) * (size_t)c->w + (size_t)x);
            bool last = 2 * y + 1 >= c->h;
            put_block(mode, a.row + y, a.col + x, top, last ? top : top + 3 * (size_t)c->w);
        }
}

struct rgb blocks_ink(struct rgb ink, struct rgb back)
{
    struct rgb usual = theme_ink(back);
    bool same = ink.r == usual.r && ink.g == usual.g && ink.b == usual.b;
    return same ? theme_ink(blocks_shown(back)) : ink;
}

void blocks_attr(struct rgb ink, struct rgb back, unsigned attr)
{
    ink = blocks_ink(ink, back);
    const uint8_t front[3] = {ink.r, ink.g, ink.b}, behind[3] = {back.r, back.g, back.b};
    if (!has_colors() || COLORS < 8) {
        attrset((int)(attr | (3 * back.r + 6 * back.g + back.b > 1200 ? A_REVERSE : A_NORMAL)));
        return;
    }
    int pair = alloc_pair(blocks_color(front), blocks_color(behind));
    attr_set(attr, 0, &pair);
}

void blocks_texts(struct area a, const struct canvas *c)
{
    for (int i = 0; i < c->text_count; i++) {
        const struct canvas_text *t = &c->texts[i];
        if (t->y / 2 >= a.rows || t->x >= a.cols)
            continue;
        blocks_attr(t->ink, t->plate, A_BOLD);
        mvaddstr(a.row + t->y / 2, a.col + t->x, t->text);
    }
    attrset(A_NORMAL);
}
