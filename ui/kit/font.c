/* SPDX-License-Identifier: MIT */
/* Letters for pictures: which ones, and those that are built in. */
#include "ui/kit/font.h"

#include "ui/kit/outline.h"

#define ROW 18 /* pixels, where the terminal has not said */

static int font_row = ROW;

/* From the blank to '~': seven rows each, the leftmost pixel in bit 4. */
static const uint8_t glyphs[95][7] = {
    {0, 0, 0, 0, 0, 0, 0}, {4, 4, 4, 4, 4, 0, 4}, {10, 10, 10, 0, 0, 0, 0},
    {10, 10, 31, 10, 31, 10, 10}, {4, 15, 20, 14, 5, 30, 4}, {24, 25, 2, 4, 8, 19, 3},
    {12, 18, 20, 8, 21, 18, 13}, {4, 4, 8, 0, 0, 0, 0}, {2, 4, 8, 8, 8, 4, 2},
    {8, 4, 2, 2, 2, 4, 8}, {0, 4, 21, 14, 21, 4, 0}, {0, 4, 4, 31, 4, 4, 0},
    {0, 0, 0, 0, 12, 4, 8}, {0, 0, 0, 31, 0, 0, 0}, {0, 0, 0, 0, 0, 12, 12},
    {0, 1, 2, 4, 8, 16, 0}, {14, 17, 19, 21, 25, 17, 14}, {4, 12, 4, 4, 4, 4, 14},
    {14, 17, 1, 2, 4, 8, 31}, {31, 2, 4, 2, 1, 17, 14}, {2, 6, 10, 18, 31, 2, 2},
    {31, 16, 30, 1, 1, 17, 14}, {6, 8, 16, 30, 17, 17, 14}, {31, 1, 2, 4, 8, 8, 8},
    {14, 17, 17, 14, 17, 17, 14}, {14, 17, 17, 15, 1, 2, 12}, {0, 12, 12, 0, 12, 12, 0},
    {0, 12, 12, 0, 12, 4, 8}, {2, 4, 8, 16, 8, 4, 2}, {0, 0, 31, 0, 31, 0, 0},
    {8, 4, 2, 1, 2, 4, 8}, {14, 17, 1, 2, 4, 0, 4}, {14, 17, 1, 13, 21, 21, 14},
    {14, 17, 17, 31, 17, 17, 17}, {30, 17, 17, 30, 17, 17, 30}, {14, 17, 16, 16, 16, 17, 14},
    {28, 18, 17, 17, 17, 18, 28}, {31, 16, 16, 30, 16, 16, 31}, {31, 16, 16, 30, 16, 16, 16},
    {14, 17, 16, 23, 17, 17, 15}, {17, 17, 17, 31, 17, 17, 17}, {14, 4, 4, 4, 4, 4, 14},
    {7, 2, 2, 2, 2, 18, 12}, {17, 18, 20, 24, 20, 18, 17}, {16, 16, 16, 16, 16, 16, 31},
    {17, 27, 21, 21, 17, 17, 17}, {17, 17, 25, 21, 19, 17, 17}, {14, 17, 17, 17, 17, 17, 14},
    {30, 17, 17, 30, 16, 16, 16}, {14, 17, 17, 17, 21, 18, 13}, {30, 17, 17, 30, 20, 18, 17},
    {15, 16, 16, 14, 1, 1, 30}, {31, 4, 4, 4, 4, 4, 4}, {17, 17, 17, 17, 17, 17, 14},
    {17, 17, 17, 17, 17, 10, 4}, {17, 17, 17, 21, 21, 27, 17}, {17, 17, 10, 4, 10, 17, 17},
    {17, 17, 17, 10, 4, 4, 4}, {31, 1, 2, 4, 8, 16, 31}, {14, 8, 8, 8, 8, 8, 14},
    {0, 16, 8, 4, 2, 1, 0}, {14, 2, 2, 2, 2, 2, 14}, {4, 10, 17, 0, 0, 0, 0},
    {0, 0, 0, 0, 0, 0, 31}, {8, 4, 2, 0, 0, 0, 0}, {0, 0, 14, 1, 15, 17, 15},
    {16, 16, 22, 25, 17, 17, 30}, {0, 0, 14, 16, 16, 17, 14}, {1, 1, 13, 19, 17, 17, 15},
    {0, 0, 14, 17, 31, 16, 14}, {6, 9, 8, 28, 8, 8, 8}, {0, 15, 17, 17, 15, 1, 14},
    {16, 16, 22, 25, 17, 17, 17}, {4, 0, 12, 4, 4, 4, 14}, {2, 0, 6, 2, 2, 18, 12},
    {16, 16, 18, 20, 24, 20, 18}, {12, 4, 4, 4, 4, 4, 14}, {0, 0, 26, 21, 21, 17, 17},
    {0, 0, 22, 25, 17, 17, 17}, {0, 0, 14, 17, 17, 17, 14}, {0, 0, 30, 17, 30, 16, 16},
    {0, 0, 13, 19, 15, 1, 1}, {0, 0, 22, 25, 16, 16, 16}, {0, 0, 14, 16, 14, 1, 30},
    {8, 8, 28, 8, 8, 9, 6}, {0, 0, 17, 17, 17, 19, 13}, {0, 0, 17, 17, 17, 10, 4},
    {0, 0, 17, 17, 21, 21, 10}, {0, 0, 17, 10, 4, 10, 17}, {0, 0, 17, 17, 15, 1, 14},
    {0, 0, 31, 2, 4, 8, 31}, {2, 4, 4, 8, 4, 4, 2}, {4, 4, 4, 4, 4, 4, 4}, {8, 4, 4, 2, 4, 4, 8},
    {0, 0, 8, 21, 2, 0, 0},
};

/* Bytes that go on with a character have no letter of their own. */
static bool continues(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

static const uint8_t *glyph(char c)
{
    return glyphs[c >= ' ' && c <= '~' ? c - ' ' : '?' - ' '];
}

void font_set_row(int px)
{
    font_row = px > 0 ? px < 100 ? px : 100 : ROW;
}

/* Of a line of smooth letters; below 10 pixels nobody reads them. */
static int outline_height(int scale)
{
    int px = scale > 1 ? font_row : font_row * 2 / 3;
    return px > 10 ? px : 10;
}

/* On each side of smooth letters. */
static int outline_margin(int scale)
{
    return 1 + outline_height(scale) / 8;
}

int font_width(const char *text, int scale)
{
    int n = 0;
    if (outline_found())
        return outline_width(text, outline_height(scale)) + 2 * outline_margin(scale);
    for (; *text; text++)
        n += !continues(*text);
    return 6 * n * scale + scale;
}

int font_height(int scale)
{
    return outline_found() ? outline_height(scale) : 9 * scale;
}

static void draw_built_in(struct canvas *c, int x, int y, const char *text, int scale,
                          struct rgb color)
{
    for (; *text && x + 5 * scale <= c->w; text++) {
        const uint8_t *rows = glyph(*text);
        if (continues(*text))
            continue;
        for (int i = 0; i < 7; i++)
            for (int j = 0; j < 5; j++)
                if (rows[i] >> (4 - j) & 1)
                    canvas_fill(c, x + j * scale, y + i * scale, x + (j + 1) * scale - 1,
                                y + (i + 1) * scale - 1, color);
        x += 6 * scale;
    }
}

void font_draw(struct canvas *c, int x, int y, const char *text, int scale, struct rgb color)
{
    if (outline_found())
        outline_draw(c, x + outline_margin(scale), y, text, outline_height(scale), color);
    else
        draw_built_in(c, x + scale, y + scale, text, scale, color);
}
