/* SPDX-License-Identifier: MIT */
/* Parts of the screen that need none: the line editor, text for the screen, terminal replies,
 * pictures and their sixels. */
#include "src/base/mem.h"
#include "tap.h"
#include "ui/kit/canvas.h"
#include "ui/kit/edit.h"
#include "ui/kit/blocks.h"
#include "ui/kit/palette.h"
#include "ui/kit/sixel.h"
#include "ui/kit/terminfo.h"
#include "ui/kit/text.h"

#include <curses.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

static void type(struct edit *e, const char *text)
{
    for (; *text; text++) {
        char c[2] = {*text, '\0'};
        edit_insert(e, c);
    }
}

static void editor(void)
{
    struct edit e;
    edit_init(&e);
    type(&e, "the dog");
    edit_key(&e, EDIT_WORD_LEFT);
    type(&e, "big ");
    ok(strcmp(e.text, "the big dog") == 0, "insert in the middle: %s", e.text);
    edit_key(&e, EDIT_KILL_WORD);
    ok(strcmp(e.text, "the dog") == 0, "kill a word: %s", e.text);
    edit_insert(&e, "\xc3\xa9");
    edit_key(&e, EDIT_LEFT);
    edit_key(&e, EDIT_DELETE);
    ok(strcmp(e.text, "the dog") == 0, "a character of two bytes goes as one");
    edit_key(&e, EDIT_HOME);
    edit_key(&e, EDIT_BACKSPACE);
    edit_key(&e, EDIT_LEFT);
    edit_key(&e, EDIT_KILL_END);
    edit_key(&e, EDIT_DELETE);
    ok(e.len == 0 && e.at == 0, "at the ends nothing happens");
    edit_remember(&e, "one");
    edit_remember(&e, "two");
    edit_remember(&e, "two");
    type(&e, "new");
    edit_key(&e, EDIT_OLDER);
    edit_key(&e, EDIT_OLDER);
    edit_key(&e, EDIT_OLDER);
    ok(strcmp(e.text, "one") == 0, "the oldest of two: %s", e.text);
    edit_key(&e, EDIT_NEWER);
    edit_key(&e, EDIT_NEWER);
    ok(strcmp(e.text, "new") == 0, "and back to the new line");
    for (int i = 0; i < 9000; i++)
        edit_insert(&e, "x");
    ok(e.len <= 8000, "a line has an end");
    edit_fini(&e);
}

static void screen_text(void)
{
    char out[64];
    text_fit("a\033[2Jb\tc\x7f", 40, out, sizeof out);
    ok(strcmp(out, "a?[2Jb c?") == 0, "control characters do not get through: %s", out);
    text_fit("\xe2\x80\xae" "evil\xff\xc2\x9b", 40, out, sizeof out);
    ok(strcmp(out, "?evil??") == 0, "nor direction marks, bad bytes and C1: %s", out);
    ok(text_fit("\xe6\x97\xa5\xe6\x9c\xac", 3, out, sizeof out) == 2 && strlen(out) == 3,
       "wide characters are cut whole");
    text_fit_words("asked; one: this, two: that", 20, out, sizeof out);
    ok(strcmp(out, "asked; one: this") == 0, "hints are shown whole or not: '%s'", out);
    text_fit_words("asked; one: this, two: that", 14, out, sizeof out);
    ok(strcmp(out, "asked") == 0, "also the first of them: '%s'", out);
    text_fit_words("one two three", 10, out, sizeof out);
    ok(strcmp(out, "one two") == 0, "so are words: '%s'", out);
    text_fit_words("asked; one: this", 6, out, sizeof out);
    ok(strcmp(out, "asked") == 0, "no semicolon is left at the end: '%s'", out);
    ok(text_fit_words("abcdef", 4, out, sizeof out) == 4, "but a long word is cut");
    ok(text_fit_words("a, b", 4, out, sizeof out) == 4, "what fits stays");
    ok(text_fit("abcdef", 4, out, 3) == 2, "the buffer's end counts, too");
    ok(text_line("one two three", 8) == 7 && text_line("one two", 8) == 7 &&
       text_line("abcdefghij k", 4) == 4 && text_line("", 4) == 0 &&
       text_line("\xe6\x97\xa5\xe6\x9c\xac", 4) == 6, "lines end at blanks, if there are any");
    ok(text_cut("what is left", 8, out, sizeof out) == 8 && strcmp(out, "what is\xe2\x80\xa6") == 0,
       "what is cut ends in a mark: %s", out);
    ok(text_cut("0.8876", 4, out, sizeof out) == 4 && strcmp(out, "0.8\xe2\x80\xa6") == 0,
       "as numbers do everywhere: %s", out);
    ok(text_cut("region", 4, out, sizeof out) == 4 && strcmp(out, "regi") == 0,
       "words of narrow columns have all letters that fit");
    ok(text_cut("fits here  ", 9, out, sizeof out) == 9 && strcmp(out, "fits here") == 0,
       "blanks at the end are nothing that is lost");
}

/* An independent decoder, so that a wrong color, row or run is seen. */
struct decoded {
    int w, h;
    uint8_t rgb[64][64][3];
};

static int number(const char **s)
{
    int x = 0;
    while (**s >= '0' && **s <= '9')
        x = 10 * x + *(*s)++ - '0';
    return x;
}

static void decode(const char *s, const char *end, struct decoded *d)
{
    int palette[256][3] = {{0}}, color = 0, x = 0, y = 0, run = 1;
    s = memchr(s, 'q', (size_t)(end - s));
    for (s = s ? s + 1 : end; s < end && *s != 033; ) {
        if (*s == '"') {
            s++;
            for (int i = 0; i < 4; i++, s += *s == ';')
                number(&s);
        } else if (*s == '#') {
            s++;
            color = number(&s) & 255;
            if (*s == ';') {
                s++;
                number(&s);
                for (int i = 0; i < 3 && *s == ';'; i++) {
                    s++;
                    palette[color][i] = number(&s) * 255 / 100;
                }
            }
        } else if (*s == '!') {
            s++;
            run = number(&s);
        } else if (*s == '$' || *s == '-') {
            y += *s++ == '-' ? 6 : 0;
            x = 0;
        } else if (*s >= '?' && *s <= '~') {
            for (; run > 0; run--, x++)
                for (int b = 0; b < 6; b++)
                    if ((*s - '?') >> b & 1 && x < 64 && y + b < 64) {
                        for (int i = 0; i < 3; i++)
                            d->rgb[y + b][x][i] = (uint8_t)palette[color][i];
                        d->w = x + 1 > d->w ? x + 1 : d->w;
                        d->h = y + b + 1 > d->h ? y + b + 1 : d->h;
                    }
            run = 1;
            s++;
        } else {
            s++;
        }
    }
}

static bool near(const uint8_t *p, int r, int g, int b)
{
    return abs(p[0] - r) < 6 && abs(p[1] - g) < 6 && abs(p[2] - b) < 6;
}

static void sixels(void)
{
    static struct decoded d;
    struct canvas *c = canvas_new(50, 37);
    struct buf out = {0};
    uint8_t photo[4 * 3] = {255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255}; /* 2 x 2 */
    canvas_photo(c, photo, 2, 2);
    canvas_frame(c, 30, 20, 45, 34, 2, (struct rgb){0, 0, 0});
    sixel_write(c, 256, &out);
    decode(out.data, out.data + out.len, &d);
    ok(d.w == 50 && d.h == 37, "every pixel is set: %d x %d", d.w, d.h);
    ok(near(d.rgb[2][2], 255, 0, 0) && near(d.rgb[2][48], 0, 255, 0) &&
       near(d.rgb[36][2], 0, 0, 255) && near(d.rgb[25][37], 255, 255, 255), "colors are right");
    ok(near(d.rgb[20][35], 0, 0, 0) && near(d.rgb[33][45], 0, 0, 0), "the frame is where it is");
    out.len = 0;
    sixel_write(c, 2, &out);
    ok(out.len > 20 && memcmp(out.data, "\033Pq", 3) == 0, "two colors do, too");
    buf_fini(&out);
    canvas_free(c);
    ok(!canvas_new(0, 5) && !canvas_new(5000, 5), "no canvas without size, or of any size");
}

/* The mean squared error of a channel when a photo of many colors is drawn with so many. */
static double photo_error(int colors)
{
    static struct decoded d;
    struct canvas *c = canvas_new(60, 60);
    struct buf out = {0};
    double e = 0;
    for (int y = 0; y < 60; y++)
        for (int x = 0; x < 60; x++) {
            const uint8_t soft[3] = {(uint8_t)(60 + 2 * x + y / 4), (uint8_t)(200 - 2 * y),
                                     (uint8_t)(90 + (x * y) / 30)};
            memcpy(c->rgb + 3 * (60 * y + x), soft, 3);
        }
    sixel_write(c, colors, &out);
    decode(out.data, out.data + out.len, &d);
    for (int i = 0; i < 60 * 60 * 3; i++) {
        double x = (double)c->rgb[i] - d.rgb[i / 180][i / 3 % 60][i % 3];
        e += x * x;
    }
    buf_fini(&out);
    canvas_free(c);
    return e / (60 * 60 * 3);
}

/* A cube of 216 colors has an error of about 400 here. */
static void palettes(void)
{
    double many = photo_error(256), some = photo_error(64), few = photo_error(16);
    ok(many < 60, "a photo has a palette of its own: error %.1f", many);
    ok(some < 100 && few > many, "with 64 colors: %.1f, with 16: %.1f", some, few);
}

static void palette_boxes(void)
{
    struct palette_count *count = xcalloc(PALETTE_BINS, sizeof *count);
    uint8_t *number = xcalloc(PALETTE_BINS, 1), color[3 * 4];
    const uint8_t red[3] = {200, 8, 8}, dark[3] = {210, 16, 8}, blue[3] = {8, 8, 240};
    memset(number, 99, PALETTE_BINS);
    ok(palette_choose(count, 4, color, number) == 0, "no pixels, no colors");
    count[palette_bin(red, 0)] = (struct palette_count){3, 600, 24, 24};
    count[palette_bin(dark, 0)] = (struct palette_count){1, 210, 16, 8};
    count[palette_bin(blue, 0)] = (struct palette_count){2, 16, 16, 480};
    int two = palette_choose(count, 2, color, number);
    int r = number[palette_bin(red, 0)], b = number[palette_bin(blue, 0)];
    ok(two == 2 && r != b && number[palette_bin(dark, 0)] == r && number[0] == 99,
       "alike colors share one of two");
    ok(near(color + 3 * r, 203, 10, 8) && near(color + 3 * b, 8, 8, 240), "which is their mean");
    ok(palette_choose(count, 4, color, number) == 3, "no more than there are");
    ok(palette_choose(count, 1, color, number) == 1 && number[palette_bin(blue, 0)] == 0,
       "one for all");
    const uint8_t white[3] = {255, 255, 255};
    ok(palette_bin(white, 7) == PALETTE_BINS - 1, "noise does not lead beyond white");
    free(count);
    free(number);
}

static void heat(void)
{
    struct canvas *c = canvas_new(20, 12);
    float x[240] = {0};
    struct rgb cold = canvas_heat_color(-1), hot = canvas_heat_color(2);
    ok(cold.r + cold.g + cold.b < 30 && hot.r > 240 && hot.g > 240, "cold is dark, hot is bright");
    x[5 * 20 + 7] = 1;
    canvas_heat(c, x);
    ok(c->rgb[3 * (5 * 20 + 7)] > 150 && c->rgb[0] < 30, "heat shows where it is");
    canvas_label(c, 15, 10, "1 0.5", 1, (struct rgb){255, 255, 0});
    ok(c->rgb[3 * (11 * 20 + 19)] == 255, "a label stays inside");
    canvas_free(c);
}

/* Every step is a color that terminals of 256 have, of one hue on each side, darker outwards. */
static void differences(void)
{
    int wrong = 0, steps = 1, light = 10 * 256;
    struct rgb before = canvas_signed_color(0);
    ok(before.r == before.g && before.g == before.b, "no difference has no color");
    COLORS = 256;
    for (int i = 0; i <= 200; i++) {
        struct rgb more = canvas_signed_color((float)i / 200);
        struct rgb less = canvas_signed_color((float)-i / 200);
        const uint8_t a[3] = {more.r, more.g, more.b}, b[3] = {less.r, less.g, less.b};
        bool gray = more.r == more.b && less.r == less.b;
        int now = 3 * more.r + 6 * more.g + more.b;
        int k = blocks_color(a) - 16, l = blocks_color(b) - 16;
        static const int levels[6] = {0, 95, 135, 175, 215, 255};
        if (!gray)
            wrong += levels[k / 36] != more.r || levels[k / 6 % 6] != more.g ||
                     levels[k % 6] != more.b || levels[l / 36] != less.r ||
                     levels[l / 6 % 6] != less.g || levels[l % 6] != less.b;
        if (!gray) /* orange: red, half as much green; blue: the other way round */
            wrong += !(more.r > more.g && more.g > more.b && less.b > less.g && less.g > less.r);
        wrong += now > light;
        steps += more.g != before.g;
        light = now;
        before = more;
    }
    ok(wrong == 0 && steps == 5, "differences: %d wrong, %d steps on each side", wrong, steps);
    struct rgb end = canvas_signed_color(7), nan = canvas_signed_color(NAN);
    ok(end.r == canvas_signed_color(1).r && nan.g == canvas_signed_color(1).g,
       "beyond the end is the end");
}

/* What curses looks for beyond the names that all entries have; of a screen that goes nowhere. */
static void terminfo_read(const char *name, bool anew, int x[4])
{
    int out = dup(STDOUT_FILENO);
    fflush(stdout);
    FILE *null = fopen("/dev/null", "w");
    if (!null || dup2(fileno(null), STDOUT_FILENO) < 0)
        return;
    setenv("TERM", name, 1);
    if (anew ? terminfo_open(false) : newterm(name, stdout, stdin) != NULL) {
        SCREEN *screen = set_term(NULL); /* curses tells no other way which one it is */
        set_term(screen);
        x[0] = tigetflag("AX");
        x[1] = tigetflag("XT");
        x[2] = tigetnum("U8");
        x[3] = tigetstr("csr") != NULL;
        endwin();
        delscreen(screen);
    }
    fflush(stdout);
    dup2(out, STDOUT_FILENO);
    close(out);
    fclose(null);
}

/* An entry that is written anew keeps them. */
static void terminfo_names(void)
{
    static const char *const names[] = {"xterm-256color", "linux"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        int before[4] = {0}, after[4] = {0};
        terminfo_read(names[i], false, before);
        terminfo_read(names[i], true, after);
        bool same = true;
        for (int k = 0; k < 3; k++)
            same &= (before[k] > 0) == (after[k] > 0);
        ok(same && before[0] > 0 && !after[3], "%s: AX %d, XT %d, U8 %d stay, scrolling goes",
           names[i], after[0], after[1], after[2]);
    }
}

int main(void)
{
    setlocale(LC_ALL, "C.UTF-8");
    editor();
    screen_text();
    sixels();
    palettes();
    palette_boxes();
    heat();
    differences();
    terminfo_names();
    return tap_done();
}
