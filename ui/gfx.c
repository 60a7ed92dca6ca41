/* Pictures among curses' text.
 *
 * curses knows nothing of pixels: under a picture we keep blanks that are no spaces, which curses
 * leaves alone as long as they stay, and send the picture after curses has written. */
#include "ui/gfx.h"

#include "ui/sixel.h"

#include <curses.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void gfx_fit(const struct gfx *g, struct area a, int w, int h, int *canvas_w, int *canvas_h)
{
    /* A half block is about as high as it is wide. */
    int cw = g->mode == GFX_SIXEL ? g->term.cell_w : 1;
    int ch = g->mode == GFX_SIXEL ? g->term.cell_h : 2;
    double room_w = a.cols * cw, room_h = a.rows * ch;
    if (g->mode == GFX_SIXEL) {
        room_w = room_w < g->term.max_w ? room_w : g->term.max_w;
        room_h = room_h < g->term.max_h ? room_h : g->term.max_h;
    }
    double scale = room_w / w < room_h / h ? room_w / w : room_h / h;
    *canvas_w = (int)(w * scale);
    *canvas_h = (int)(h * scale);
    if (*canvas_w < 1)
        *canvas_w = 1;
    if (*canvas_h < 1)
        *canvas_h = 1;
}

void gfx_begin(struct gfx *g)
{
    for (int i = 0; i < GFX_PLACES; i++)
        g->places[i].wanted = false;
}

/* ---- blocks */

/* The step of xterm's cube of 6 levels that is nearest. */
static int cube_step(int value)
{
    return value < 48 ? 0 : value < 115 ? 1 : (value - 35) / 40;
}

static int distance(const uint8_t *p, int r, int g, int b)
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
    if (distance(p, light, light, light) < distance(p, levels[r], levels[g], levels[b]))
        return 232 + step;
    return 16 + 36 * r + 6 * g + b;
}

int gfx_color_index(const uint8_t *p)
{
    if (COLORS >= 256)
        return nearest_of_256(p);
    return (p[0] > 127 ? 1 : 0) | (p[1] > 127 ? 2 : 0) | (p[2] > 127 ? 4 : 0);
}

static void put_block(int row, int col, const uint8_t *top, const uint8_t *bottom)
{
    cchar_t cell;
    if (!has_colors()) {
        int light = (top[0] + 2 * top[1] + top[2] + bottom[0] + 2 * bottom[1] + bottom[2]) / 8;
        mvaddch(row, col, (chtype)" .:-=+*#%@"[light * 9 / 255]);
        return;
    }
    int pair = alloc_pair(gfx_color_index(top), gfx_color_index(bottom));
    short small = pair > 32767 ? 0 : (short)pair;
    if (setcchar(&cell, L"\u2580", 0, small, pair > 32767 ? &pair : NULL) == OK)
        mvadd_wch(row, col, &cell);
}

static void draw_blocks(struct area a, const struct canvas *c)
{
    for (int y = 0; y < a.rows && 2 * y < c->h; y++)
        for (int x = 0; x < a.cols && x < c->w; x++) {
            const uint8_t *top = c->rgb + 3 * ((size_t)(2 * y) * (size_t)c->w + (size_t)x);
            bool last = 2 * y + 1 >= c->h;
            put_block(a.row + y, a.col + x, top, last ? top : top + 3 * (size_t)c->w);
        }
}

/* ---- sixels */

/* A picture that has another shape or place than before gets other blanks, so that curses rewrites
 * the cells and nothing is left of the pixels that it does not cover any more. */
static void fill_blank(struct area a, int which)
{
    static const wchar_t *const blanks[] = {L"\u00a0", L"\u2007", L"\u2008", L"\u2009"};
    cchar_t blank;
    setcchar(&blank, blanks[which % 4], 0, 0, NULL);
    for (int y = 0; y < a.rows; y++)
        for (int x = 0; x < a.cols; x++)
            mvadd_wch(a.row + y, a.col + x, &blank);
}

static bool same_area(struct area a, struct area b)
{
    return a.row == b.row && a.col == b.col && a.rows == b.rows && a.cols == b.cols;
}

/* FNV-1a over words: pictures are large, and looked at on every key. */
static uint64_t hash_canvas(const struct canvas *c)
{
    uint64_t h = 14695981039346656037u ^ ((uint64_t)c->w << 32 | (uint64_t)c->h);
    size_t n = 3 * (size_t)c->w * (size_t)c->h, i = 0;
    for (; i + 8 <= n; i += 8) {
        uint64_t word;
        memcpy(&word, c->rgb + i, 8);
        h = (h ^ word) * 1099511628211u;
        h ^= h >> 29;
    }
    for (; i < n; i++)
        h = (h ^ c->rgb[i]) * 1099511628211u;
    return h;
}

void gfx_place(struct gfx *g, int i, struct area a, struct canvas *c)
{
    struct gfx_place *p = &g->places[i];
    if (!c)
        return;
    canvas_free(p->canvas);
    p->canvas = c;
    p->wanted = true;
    if (g->mode == GFX_BLOCKS) {
        p->at = a;
        draw_blocks(a, c);
        return;
    }
    uint64_t hash = hash_canvas(c);
    if (hash != p->hash || !p->data.len) {
        p->data.len = 0;
        if (sixel_encode_canvas(c, g->term.registers, &p->data) != 0)
            p->data.len = 0;
        p->hash = hash;
        p->shown = false;
    }
    if (!same_area(p->at, a) || p->w != c->w || p->h != c->h) {
        p->shown = false;
        p->blank = g->blanks++;
    }
    p->at = a;
    p->w = c->w;
    p->h = c->h;
    fill_blank(a, p->blank);
}

/* All bytes, also to a terminal that is slow to take them. */
static void write_all(const char *s, size_t len)
{
    while (len > 0) {
        ssize_t n = write(STDOUT_FILENO, s, len);
        if (n < 0 && errno == EAGAIN) {
            struct pollfd fd = {STDOUT_FILENO, POLLOUT, 0};
            poll(&fd, 1, 1000);
        } else if (n < 0 && errno != EINTR) {
            return;
        }
        if (n > 0) {
            s += n;
            len -= (size_t)n;
        }
    }
}

void gfx_flush(struct gfx *g)
{
    struct buf out = {0};
    for (int i = 0; i < GFX_PLACES; i++) {
        struct gfx_place *p = &g->places[i];
        if (!p->wanted) {
            p->shown = false;
            canvas_free(p->canvas);
            p->canvas = NULL;
        }
        if (!p->wanted || p->shown || !p->data.len)
            continue;
        buf_printf(&out, "\033[%d;%dH", p->at.row + 1, p->at.col + 1);
        buf_add(&out, p->data.data, p->data.len);
        p->shown = true;
    }
    if (out.len) {
        struct buf whole = {0};
        buf_printf(&whole, "%s\0337", g->term.sync ? "\033[?2026h" : "");
        buf_add(&whole, out.data, out.len);
        buf_printf(&whole, "\0338%s", g->term.sync ? "\033[?2026l" : "");
        write_all(whole.data, whole.len);
        buf_fini(&whole);
    }
    buf_fini(&out);
}

void gfx_lost(struct gfx *g)
{
    for (int i = 0; i < GFX_PLACES; i++)
        g->places[i].shown = false;
}

void gfx_fini(struct gfx *g)
{
    for (int i = 0; i < GFX_PLACES; i++) {
        buf_fini(&g->places[i].data);
        canvas_free(g->places[i].canvas);
    }
}
