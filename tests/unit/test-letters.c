/* SPDX-License-Identifier: MIT */
/* Letters on pictures. Broken by letters that are not smooth, of the wrong height, cut or drawn
 * outside, by characters that all become the same, and by a palette without their edges. */
#include "tap.h"
#include "ui/kit/canvas.h"
#include "ui/kit/font.h"
#include "ui/kit/outline.h"
#include "ui/kit/sixel.h"

#include <stdlib.h>
#include <string.h>

static const struct rgb black = {0, 0, 0}, white = {255, 255, 255};

static struct canvas *paper(int w, int h)
{
    struct canvas *c = canvas_new(w, h);
    canvas_fill(c, 0, 0, w - 1, h - 1, white);
    return c;
}

/* How dark the whole is, in pixels of black; grays: of those between. */
static double darkness(const struct canvas *c, int *grays)
{
    double sum = 0;
    *grays = 0;
    for (int i = 0; i < c->w * c->h; i++) {
        sum += 1 - c->rgb[3 * i] / 255.0;
        *grays += c->rgb[3 * i] > 0 && c->rgb[3 * i] < 255;
    }
    return sum;
}

static double drawn(const char *text, int px, int *grays)
{
    struct canvas *c = paper(200, 100);
    outline_draw(c, 4, 4, text, px, black);
    double sum = darkness(c, grays);
    canvas_free(c);
    return sum;
}

static bool same_picture(const char *a, const char *b)
{
    struct canvas *c = paper(40, 40), *d = paper(40, 40);
    outline_draw(c, 2, 2, a, 30, black);
    outline_draw(d, 2, 2, b, 30, black);
    bool same = memcmp(c->rgb, d->rgb, 3 * 40 * 40) == 0;
    canvas_free(c);
    canvas_free(d);
    return same;
}

static void smooth(void)
{
    int grays;
    double small = drawn("Save", 20, &grays), large = drawn("Save", 40, &grays);
    ok(grays > 50 && large - grays > 50, "edges are gray, the inside is black: %d, %.0f", grays,
       large);
    ok(large / small > 3.4 && large / small < 4.6, "twice as high covers four times as much: %.2f",
       large / small);
    ok(outline_width("WWW", 20) > 2 * outline_width("iii", 20), "letters have widths of their own");
    ok(drawn("", 20, &grays) == 0 && drawn("  ", 20, &grays) == 0, "a blank is blank");
}

static void characters(void)
{
    ok(!same_picture("a", "b") && !same_picture("e", "\303\251") && !same_picture("?", "\303\251"),
       "a character beyond ASCII has a letter of its own");
    ok(same_picture("\377", "?") && same_picture("\303", "?") && same_picture("\033", "?"),
       "what is no character is a question mark");
    int wrong = 0;
    for (int px = 10; px < 20; px++) /* more than are kept */
        for (int c = '!'; c <= '~'; c++) {
            int grays;
            char text[2] = {(char)c, 0};
            wrong += drawn(text, px, &grays) <= 0;
        }
    ok(wrong == 0, "all of ASCII at ten heights: %d are blank", wrong);
}

static void heights(void)
{
    font_set_row(24);
    int high = font_height(2), low = font_height(1);
    ok(high == 24 && low == 16, "as high as a row, or two thirds: %d, %d", high, low);
    font_set_row(0);
    ok(font_height(2) == 18, "a terminal that says nothing: %d", font_height(2));
    struct canvas *c = paper(30, 18);
    int grays, w = font_width("wide enough to be cut", 2);
    font_draw(c, 0, 0, "wide enough to be cut", 2, black);
    font_draw(c, -20, -20, "w", 2, black);
    font_draw(c, 5, 60, "w", 2, black);
    ok(w > 100 && darkness(c, &grays) < 100, "what does not fit is left out");
    canvas_free(c);
}

/* Many colors, and few pixels of one that no cube has. */
static bool has_kept(bool keep)
{
    const struct rgb green = {10, 200, 77};
    struct canvas *c = canvas_new(120, 36);
    struct buf out = {0};
    for (uint32_t i = 0, x = 1; i < 120 * 36 * 3; i++) {
        x = x * 1664525u + 1013904223u;
        c->rgb[i] = (uint8_t)(x >> 24);
    }
    canvas_fill(c, 50, 10, 52, 11, green);
    if (keep)
        canvas_keep(c, green);
    sixel_write(c, 256, &out);
    buf_add(&out, "", 1);
    bool has = strstr(out.data, ";2;4;78;30") != NULL;
    buf_fini(&out);
    canvas_free(c);
    return has;
}

int main(void)
{
    unsetenv("VILSCOPE_FONT");
    ok(!has_kept(false) && has_kept(true), "a palette has the few pixels of a color that is kept");
    struct canvas *c = paper(4, 4), *d = paper(4, 4);
    for (int i = 0; i < 3 * CANVAS_KEEP; i++)
        canvas_keep(c, (struct rgb){(uint8_t)(i % 50), 0, 0});
    canvas_put(d, 0, 0, c);
    ok(c->kept == CANVAS_KEEP && d->kept == CANVAS_KEEP && d->keep[7].r == 7,
       "no more than there is room for, and they go with the picture");
    canvas_free(c);
    canvas_free(d);
    if (outline_found()) {
        smooth();
        characters();
        heights();
    } else {
        tap_skip("no font is installed where one is looked for: smooth letters");
    }
    return tap_done();
}
