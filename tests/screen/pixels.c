/* SPDX-License-Identifier: MIT */
/* Sixels, decoded without libsixel, and the pictures that they leave on the screen. */
#include "pixels.h"

#include <stdio.h>

/* ---- sixels */

static int number(const char **s)
{
    int x = 0;
    while (**s >= '0' && **s <= '9' && x < 1000000)
        x = 10 * x + *(*s)++ - '0';
    return x;
}

struct pen {
    int palette[256][3], color, run;
    int x0, x, y; /* in pixels of the screen: where lines begin, and where it is */
};

static void put_sixel(struct terminal *t, struct pen *p, int bits)
{
    for (; p->run > 0; p->run--, p->x++)
        for (int b = 0; b < 6; b++) {
            int y = p->y + b;
            if (!(bits >> b & 1) || p->x >= MAX_W || y >= MAX_H)
                continue;
            t->painted[y][p->x] = true;
            for (int i = 0; i < 3; i++)
                t->rgb[y][p->x][i] = (uint8_t)p->palette[p->color][i];
        }
    p->run = 1;
}

void pixels_take(struct terminal *t, const char *s)
{
    struct pen p = {.run = 1};
    VTermPos pos;
    vterm_state_get_cursorpos(vterm_obtain_state(t->vt), &pos);
    p.x = p.x0 = pos.col * CELL_W;
    p.y = pos.row * CELL_H;
    t->images++;
    while (*s && *s != 033) {
        char c = *s++;
        if (c == '"') {
            int v[4];
            for (int i = 0; i < 4; i++, s += *s == ';')
                v[i] = number(&s);
            t->low += v[3] < CELL_H;
            t->uneven += v[2] % CELL_W != 0 || v[3] % 6 != 0;
        } else if (c == '#') {
            p.color = number(&s) & 255;
            if (*s == ';') {
                s++;
                number(&s);
                for (int i = 0; i < 3 && *s == ';'; i++) {
                    s++;
                    p.palette[p.color][i] = number(&s) * 255 / 100;
                }
            }
        } else if (c == '!') {
            p.run = number(&s);
        } else if (c == '$' || c == '-') {
            p.y += c == '-' ? 6 : 0;
            p.x = p.x0;
        } else if (c >= '?' && c <= '~') {
            put_sixel(t, &p, c - '?');
        }
    }
}

/* ---- pictures on the screen */

static bool cell_painted(const struct terminal *t, int row, int col)
{
    for (int y = row * CELL_H; y < (row + 1) * CELL_H && y < MAX_H; y++)
        for (int x = col * CELL_W; x < (col + 1) * CELL_W && x < MAX_W; x++)
            if (t->painted[y][x])
                return true;
    return false;
}

/* The picture whose left upper corner is in a cell. */
static struct picture measure(const struct terminal *t, int row, int col)
{
    struct picture p = {.row = row, .col = col};
    int x0 = col * CELL_W, y0 = row * CELL_H;
    while (x0 + p.w < MAX_W && t->painted[y0][x0 + p.w])
        p.w++;
    while (y0 + p.h < MAX_H && t->painted[y0 + p.h][x0])
        p.h++;
    p.rows = (p.h + CELL_H - 1) / CELL_H;
    return p;
}

bool pixels_picture(const struct terminal *t, struct picture *out)
{
    *out = (struct picture){0};
    for (int row = 0; row < t->rows && row * CELL_H < MAX_H; row++)
        for (int col = 0; col < t->cols && col * CELL_W < MAX_W; col++) {
            bool corner = cell_painted(t, row, col) &&
                          (row == 0 || !cell_painted(t, row - 1, col)) &&
                          (col == 0 || !cell_painted(t, row, col - 1));
            struct picture p = corner ? measure(t, row, col) : (struct picture){0};
            if (p.w * p.h > out->w * out->h)
                *out = p;
        }
    return out->w > 0;
}

static bool is_under(uint32_t c)
{
    return c == 0xa0 || (c >= 0x2000 && c <= 0x200a);
}

int pixels_torn(const struct terminal *t, char *why, int size)
{
    int n = 0;
    for (int row = 0; row < t->rows && (row + 1) * CELL_H <= MAX_H; row++)
        for (int col = 0; col < t->cols && (col + 1) * CELL_W <= MAX_W; col++) {
            VTermScreenCell cell;
            VTermPos pos = {.row = row, .col = col};
            vterm_screen_get_cell(t->screen, pos, &cell);
            bool painted = cell_painted(t, row, col), under = is_under(cell.chars[0]);
            if (painted != under && n++ == 0)
                snprintf(why, (size_t)size, "row %d column %d: %s over U+%04x", row, col,
                         painted ? "pixels" : "no pixels", (unsigned)cell.chars[0]);
        }
    return n;
}
