/* SPDX-License-Identifier: MIT */
/* Kinds of terminals: names that terminfo does not have, 24 bits of color, none, windows that grow.
 * Broken by an unknown TERM that ends the program, by colors that are rounded where they need not
 * be, by labels that blocks have no room for, by a theme that is not the background's, and by
 * limits and kinds of pictures that are asked for only once. */
#include "pixels.h"
#include "protocols.h"
#include "tap.h"
#include "terminal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct terminal *start(const struct terminal_kind *kind, const char *graphics, int rows,
                              int cols)
{
    const char *argv[] = {terminal_program(), "--no-log", "--threads", "1", "--graphics", graphics,
                          NULL};
    terminal_opens(FROZEN_MODEL);
    struct terminal *t = terminal_start_as(argv, rows, cols, kind);
    terminal_expect(t, "1/24");
    terminal_expect(t, "answered");
    terminal_settle(t, 150);
    return t;
}

/* ---- names */

static void unknown_term(const char *name)
{
    const struct terminal_kind kind = {.sixel = true, .term = name};
    struct terminal *t = start(&kind, "auto", 40, 120);
    struct picture p;
    ok(pixels_picture(t, &p) && terminal_mode(t, 1049), "TERM=%s: the workbench is there", name);
    terminal_type(t, "I");
    ok(terminal_expect(t, "drawn as xterm-256color") && terminal_has(t, name),
       "and its status tells what it is drawn as");
    terminal_type(t, "\033");
    terminal_goes(t, "drawn as xterm-256color");
    terminal_type(t, "q");
    ok(terminal_expect(t, "which terminfo does not have here"), "a note stays on the shell");
    ok(terminal_ends(t), "and it ends in order");
}

/* ---- colors */

/* How many cells of blocks are there, and how many of them have one of 256 colors. */
static int count_blocks(const struct terminal *t, int *rounded)
{
    int n = 0;
    *rounded = 0;
    for (int row = 0; row < t->rows; row++)
        for (int col = 0; col < t->cols; col++) {
            VTermScreenCell cell;
            vterm_screen_get_cell(t->screen, (VTermPos){row, col}, &cell);
            if (cell.chars[0] != 0x2580)
                continue;
            *rounded += VTERM_COLOR_IS_INDEXED(&cell.fg) && VTERM_COLOR_IS_INDEXED(&cell.bg);
            n++;
        }
    return n;
}

/* color: that it says is set. */
static void true_color(const char *colorterm, const char *term, const char *color, bool expected)
{
    const struct terminal_kind kind = {.colorterm = colorterm, .term = term, .color = color};
    struct terminal *t = start(&kind, "blocks", 40, 120);
    int rounded, n = count_blocks(t, &rounded);
    ok(n > 500 && (expected ? rounded == 0 : rounded == n),
       "COLORTERM=%s TERM=%s, '%s': %d of %d blocks have a color of 256",
       colorterm ? colorterm : "", term, color ? color : "", rounded, n);
    terminal_type(t, "I");
    ok(terminal_expect(t, expected ? "true color" : "256 colors"), "and its status says so");
    terminal_type(t, "q");
    terminal_type(t, "q");
    terminal_wait(t);
    terminal_free(t);
}

/* ---- bars */

/* The cells of the first row that has text. A row that is reversed has no hole beside its bar, and
 * whole cells of a bar have its color behind the sign, which may be too small. */
static void bar_of(struct terminal *t, const char *text, bool chosen)
{
    int row = terminal_row_of(t, text), whole = 0, bad = 0;
    char cells[8192];
    terminal_row(t, row, cells, sizeof cells);
    bool begun = false;
    for (int col = 0; row >= 0 && col < t->cols - 1; col++) {
        VTermScreenCell cell;
        vterm_screen_get_cell(t->screen, (VTermPos){row, col}, &cell);
        bool block = cell.chars[0] == 0x2588;
        begun |= block || cell.attrs.reverse;
        whole += block;
        bad += block ? !vterm_color_is_equal(&cell.fg, &cell.bg)
                     : begun && chosen && !cell.attrs.reverse;
    }
    ok(whole > 0 && bad == 0, "the bar of '%s': %d whole cells, %d of the row are wrong", text,
       whole, bad);
    if (!whole)
        tap_note("row %d: %s", row, cells);
}

static void bars(void)
{
    const struct terminal_kind kind = {.sixel = true};
    struct terminal *t = start(&kind, "none", 40, 120);
    terminal_command(t, "ask is there a cat?");
    terminal_expect(t, " 1 no ");
    terminal_command(t, "token cat");
    terminal_expect(t, "attends to");
    terminal_settle(t, 200);
    bar_of(t, " 1 no", true);
    bar_of(t, " 1 region", false);
    terminal_command(t, "region 7");
    terminal_settle(t, 200);
    bar_of(t, " 2 region 7", true);
    terminal_type(t, "q");
    terminal_wait(t);
    terminal_free(t);
}

/* ---- labels over blocks */

static bool row_of(const struct terminal *t, const char *text, int *at)
{
    char row[8192];
    for (int i = 1; i < t->rows - 5; i++) {
        terminal_row(t, i, row, sizeof row);
        const char *s = strstr(row, text);
        if (s && strstr(row, "\u2580")) {
            *at = i;
            return true;
        }
    }
    return false;
}

static void labels(void)
{
    const struct terminal_kind kind = {0};
    struct terminal *t = start(&kind, "blocks", 40, 120);
    int row = 0;
    terminal_command(t, "task refcoco");
    terminal_command(t, "ask the large star");
    terminal_expect(t, "answered");
    terminal_settle(t, 200);
    ok(row_of(t, "1 0.", &row), "the best box has its rank and probability, among blocks");
    terminal_command(t, "region 3");
    ok(row_of(t, "#3", &row), "the chosen region its number");
    terminal_command(t, "token star");
    terminal_settle(t, 200);
    ok(row_of(t, "%", &row), "what is looked at its share");
    terminal_type(t, "q");
    terminal_wait(t);
    terminal_free(t);
}

/* ---- frames over blocks */

/* Small pictures of blocks: a frame is a cell wide there, and has to leave the heat of what it
 * frames. */
static void small_frames(void)
{
    const struct terminal_kind kind = {0};
    struct terminal *t = start(&kind, "blocks", 24, 80);
    int white = 0, n = 0;
    terminal_command(t, "ask is there a cat?");
    terminal_expect(t, " 1 no ");
    terminal_command(t, "compare");
    terminal_expect(t, "B final");
    terminal_command(t, "token cat");
    ok(terminal_expect(t, "all checkpoints"), "checkpoints are compared by blocks");
    terminal_settle(t, 200);
    for (int row = 0; row < t->rows; row++)
        for (int col = 0; col < t->cols; col++) {
            VTermScreenCell cell;
            vterm_screen_get_cell(t->screen, (VTermPos){row, col}, &cell);
            bool same = vterm_color_is_equal(&cell.fg, &cell.bg);
            n += cell.chars[0] == 0x2580;
            white += cell.chars[0] == 0x2580 && same && cell.fg.indexed.idx == 231;
        }
    ok(n > 500 && white < 20, "%d of %d cells are frames over regions", white, n); /* else 32 */
    terminal_type(t, "q");
    terminal_wait(t);
    terminal_free(t);
}

/* ---- another terminal */

static bool stored_within(struct terminal *t, bool some)
{
    TERMINAL_UNTIL(t, (protocols_stored(t) > 0) == some);
    return (protocols_stored(t) > 0) == some;
}

/* As when a session of tmux is attached in another one. */
static void attached(void)
{
    const struct terminal_kind kind = {0};
    struct terminal *t = start(&kind, "auto", 40, 120);
    int rounded;
    ok(protocols_stored(t) == 0 && count_blocks(t, &rounded) > 500, "a terminal without pixels");
    t->kind.kitty = true;
    terminal_command(t, "set graphics auto");
    ok(stored_within(t, true), "another, with kitty's, is asked when auto is set");
    t->kind.kitty = false;
    terminal_command(t, "set graphics auto");
    ok(stored_within(t, false), "and the first again");
    terminal_type(t, "I");
    ok(terminal_expect(t, "blocks: it knows none"), "its status says so");
    terminal_type(t, "qq");
    terminal_wait(t);
    terminal_free(t);
}

/* ---- a light background */

/* How many cells have letters of that one of 256 colors. */
static int count_letters(const struct terminal *t, int color)
{
    int n = 0;
    for (int row = 0; row < t->rows; row++)
        for (int col = 0; col < t->cols; col++) {
            VTermScreenCell cell;
            vterm_screen_get_cell(t->screen, (VTermPos){row, col}, &cell);
            n += VTERM_COLOR_IS_INDEXED(&cell.fg) && cell.fg.indexed.idx == color;
        }
    return n;
}

/* The color of what has the keys: 45 of 256 in the dark theme, 24 in the light one. */
static void background(const char *back, bool tmux, bool light)
{
    const struct terminal_kind kind = {.sixel = true, .tmux = tmux, .back = back};
    struct terminal *t = start(&kind, "none", 40, 120);
    int dark_ones = count_letters(t, 45), light_ones = count_letters(t, 24);
    ok(light ? light_ones > 0 && dark_ones == 0 : dark_ones > 0 && light_ones == 0,
       "on %s%s the %s colors: %d dark, %d light", back, tmux ? " around tmux" : "",
       light ? "light" : "dark", dark_ones, light_ones);
    terminal_type(t, "q");
    terminal_wait(t);
    terminal_free(t);
}

/* ---- the end of a picture */

/* Pictures of many heights: none ends in a strip that is lower than a cell. */
static void ends(void)
{
    const struct terminal_kind kind = {.sixel = true};
    struct terminal *t = start(&kind, "auto", 36, 100);
    int before = t->images;
    for (int cols = 101; cols < 112; cols++) {
        int drawn = t->images; /* sizes that follow each other at once are drawn once */
        terminal_resize(t, 36, cols);
        TERMINAL_UNTIL(t, t->images > drawn);
        terminal_settle(t, 80);
    }
    ok(t->low == 0 && t->images > before + 11, "of %d strips %d are lower than a cell", t->images,
       t->low);
    terminal_type(t, "q");
    ok(terminal_ends(t), "and it ends");
}

/* ---- a window that grows */

static void grown(void)
{
    const struct terminal_kind kind = {.sixel = true, .window = true};
    struct terminal *t = start(&kind, "auto", 24, 80);
    struct picture small, large;
    pixels_picture(t, &small);
    terminal_type(t, "z");
    terminal_settle(t, 200);
    terminal_resize(t, 50, 160);
    TERMINAL_UNTIL(t, pixels_picture(t, &large) && large.h > 24 * CELL_H);
    ok(large.w > 80 * CELL_W || large.h > 24 * CELL_H,
       "the picture grows beyond the window that it began in: %dx%d, %dx%d", small.w, small.h,
       large.w, large.h);
    terminal_type(t, "q");
    terminal_wait(t);
    terminal_free(t);
}

/* ---- ways for pixels */

/* The picture, by each way, is what a sixel terminal of many colors shows: within what its palette
 * can do. */
static double distance_of(const struct terminal *t, const struct terminal *sixel)
{
    double sum = 0;
    int n = 0;
    for (int y = 0; y < t->rows * CELL_H && y < MAX_H; y++)
        for (int x = 0; x < t->cols * CELL_W && x < MAX_W; x++)
            for (int i = 0; i < 3 && t->painted[y][x] && sixel->painted[y][x]; i++, n++) {
                double d = (double)t->rgb[y][x][i] - sixel->rgb[y][x][i];
                sum += d * d;
            }
    return n > 10000 ? sqrt(sum / n) : 1e9;
}

static void way(const char *name, const struct terminal_kind *kind, const char *graphics,
                const char *chosen, const struct terminal *sixel)
{
    struct terminal *t = start(kind, graphics, 40, 120);
    char why[200];
    struct picture p;
    bool in_text = strstr(chosen, "in text") != NULL;
    int cells = in_text ? protocols_placeholders(t) : 0;
    ok(!in_text || cells > 500, "%s: every placeholder shows a part of a picture: %d", name, cells);
    double d = distance_of(t, sixel);
    ok(t->refused == 0 && pixels_picture(t, &p) && d < 45,
       "%s: the picture is there, %dx%d, %.1f from sixels, %d refused", name, p.w, p.h, d,
       t->refused);
    long long before = t->bytes;
    terminal_type(t, "\033[A\033[B");
    terminal_settle(t, 200);
    before = t->bytes;
    terminal_type(t, "\033[99~"); /* a key that is none */
    terminal_settle(t, 200);
    ok(t->bytes == before, "%s: nothing new, nothing sent: %lld bytes", name, t->bytes - before);
    terminal_type(t, "I");
    ok(terminal_expect(t, chosen), "%s: its status tells what was chosen", name);
    for (int i = 0; i < 50 && kind->kitty && !in_text && protocols_stored(t) > 0; i++)
        terminal_settle(t, 100); /* the text may come before the end of the frame */
    ok(!kind->kitty || in_text || protocols_stored(t) == 0,
       "%s: a picture that is not wanted is taken away: %d left", name, protocols_stored(t));
    terminal_type(t, "\033");
    terminal_goes(t, chosen);
    terminal_resize(t, 30, 100);
    terminal_settle(t, 300);
    ok(!in_text || protocols_placeholders(t) > 300, "%s: after a resize, too", name);
    terminal_type(t, "q");
    int status = terminal_wait(t);
    ok(WIFEXITED(status) && protocols_stored(t) == 0 && terminal_restored(t, why, sizeof why),
       "%s: nothing is left in the terminal: %d pictures %s", name, protocols_stored(t), why);
    terminal_free(t);
}

/* How often the tmux of says_tmux was asked. */
static int asked_tmux(void)
{
    FILE *f = fopen("tmux-bin/asked", "r");
    int n = 0;
    for (int c; f && (c = getc(f)) != EOF;)
        n += c == '\n';
    if (f)
        fclose(f);
    return n;
}

/* A tmux that says what its terminal can do. */
static void says_tmux(const char *features)
{
    FILE *f = fopen("tmux-bin/tmux", "w");
    if (!f || fprintf(f, "#!/bin/sh\necho >>\"${0%%/*}/asked\"\necho '%s'\n", features) < 0 ||
        fclose(f) != 0 || chmod("tmux-bin/tmux", 0755) != 0)
        ok(false, "a program in tmux's place is written");
}

static void in_tmux(const char *features, const char *chosen, bool sixels)
{
    const struct terminal_kind kind = {.tmux = true, .sixel = true, .name = "tmux 3.5a"};
    unlink("tmux-bin/asked");
    says_tmux(features);
    struct terminal *t = start(&kind, "auto", 40, 110); /* whose photo ends within a cell */
    terminal_type(t, "I");
    ok(terminal_expect(t, chosen) && (t->images > 0) == sixels,
       "tmux with sixels in a terminal with '%s': %s", features, chosen);
    bool exact = strstr(features, "RGB") != NULL;
    ok(terminal_has(t, exact ? "true color" : "256 colors"), "and its colors are %s",
       exact ? "exact" : "256");
    ok(t->uneven == 0 && t->images <= 20, "pictures are whole cells and sixes, and few: %d, %d",
       t->uneven, t->images);
    terminal_type(t, "\033[?997;1n");
    terminal_type(t, "\033]11;rgb:00/00/00\033\\");
    terminal_settle(t, 150);
    ok(asked_tmux() == 1, "tmux is asked once, whatever else is answered: %d", asked_tmux());
    terminal_resize(t, 30, 100);
    TERMINAL_UNTIL(t, asked_tmux() >= 2);
    /* Its signal comes twice, of the kernel and of the test, and on a slow machine one by one. */
    ok(asked_tmux() == 2 || asked_tmux() == 3, "and once more after a resize: %d", asked_tmux());
    terminal_type(t, "qq");
    terminal_end(t);
}

/* tmux answers for itself, and prints text in the place of sixels that its terminal has not. */
static void outer_sixels(void)
{
    char *path = getenv("PATH"), *before = strdup(path ? path : ""), folder[4096], all[9000];
    if (mkdir("tmux-bin", 0700) != 0 || !realpath("tmux-bin", folder))
        ok(false, "a folder for a program in tmux's place");
    snprintf(all, sizeof all, "%s:%s", folder, before);
    setenv("PATH", all, 1);
    in_tmux("256,RGB,sixel,title", "chosen       sixel", true);
    in_tmux("256,RGB,title", "blocks: tmux has sixels", false);
    in_tmux("", "chosen       sixel", true); /* it does not say */
    setenv("PATH", before, 1);
    free(before);
    unlink("tmux-bin/asked");
    unlink("tmux-bin/tmux");
    rmdir("tmux-bin");
}

static void ways(void)
{
    const struct terminal_kind sixels = {.sixel = true};
    struct terminal *sixel = start(&sixels, "auto", 40, 120);
    const struct terminal_kind kitty = {.kitty = true, .sixel = true};
    const struct terminal_kind late = {.kitty = true, .piece = 7, .gap = 30};
    const struct terminal_kind tmux = {.tmux = true, .placeholders = true};
    const struct terminal_kind true_tmux = {.tmux = true, .placeholders = true,
                                            .colorterm = "truecolor", .name = "tmux 3.5a"};
    const struct terminal_kind konsole = {.tmux = true};
    const struct terminal_kind iterm2 = {.iterm2 = true, .name = "iTerm2 3.5"};
    way("kitty", &kitty, "auto", "chosen       kitty", sixel);
    way("kitty in pieces", &late, "auto", "chosen       kitty", sixel);
    way("kitty in tmux", &tmux, "auto", "kitty, placed in text", sixel);
    way("the same with true color", &true_tmux, "auto", "kitty, placed in text", sixel);
    way("asked for in tmux", &konsole, "kitty", "kitty, placed in text", sixel);
    way("iTerm2", &iterm2, "auto", "iTerm2", sixel);
    struct terminal *t = start(&konsole, "auto", 40, 120);
    terminal_type(t, "I");
    ok(terminal_expect(t, "placeholders: --graphics kitty"),
       "a terminal around tmux that may print placeholders gets blocks, and the reason is told");
    terminal_type(t, "qq");
    terminal_wait(t);
    terminal_free(t);
    terminal_type(sixel, "q");
    terminal_wait(sixel);
    terminal_free(sixel);
}

/* What doctor says of a terminal is what the workbench takes of it. */
static void doctor(const struct terminal_kind *kind, const char *says)
{
    const char *argv[] = {terminal_program(), "doctor", "-m", source_path("tests/data/tiny"), NULL};
    struct terminal *t = terminal_start_as(argv, 32, 160, kind);
    ok(terminal_expect(t, says), "doctor: %s", says);
    terminal_end(t);
}

static void doctors(void)
{
    doctor(&(struct terminal_kind){.sixel = true}, "graphics       sixel, ");
    doctor(&(struct terminal_kind){.kitty = true}, "graphics       kitty");
    doctor(&(struct terminal_kind){.iterm2 = true}, "graphics       iTerm2");
    doctor(&(struct terminal_kind){.kitty = true, .placeholders = true, .tmux = true,
                                   .term = "tmux-256color"},
           "graphics       kitty, placed in text");
    doctor(&(struct terminal_kind){.tmux = false}, "knows none of kitty's, sixel and iTerm2's");
    doctor(&(struct terminal_kind){.mute = true}, "did not answer in time");
}

int main(void)
{
    doctors();
    unknown_term("xterm-ghostty");
    unknown_term("no-such-terminal");
    true_color(NULL, "xterm-256color", NULL, false);
    true_color("truecolor", "xterm-256color", NULL, true);
    true_color("24bit", "no-such-terminal", NULL, true);
    true_color("yes", "xterm-256color", "0;48:5:16", false);
    true_color(NULL, "xterm-256color", "0;48:2::1:2:3", true);
    bars();
    labels();
    small_frames();
    attached();
    background("rgb:ffff/fdfd/f0f0", false, true);
    background("rgb:1e1e/1e1e/2e2e", false, false);
    background("rgb:ffff/ffff/ffff", true, true);
    ends();
    grown();
    ways();
    outer_sixels();
    return tap_done();
}
