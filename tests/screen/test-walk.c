/* SPDX-License-Identifier: MIT */
/* A random walk over the workbench: keys, clicks, resizes. The program must not end, no picture may
 * lie over text or leave pixels behind, and what is on the screen must be what drawing all of it
 * anew gives, in each way for pictures. Broken by anything that draws less than has changed.
 *
 * 400 steps by sixels and a few by each other way; in the full check 5,000. $VILSCOPE_SEED chooses
 * other ones, $VILSCOPE_STEPS how many, arguments the ways: sixel, kitty, tmux (kitty's in text),
 * iterm2, blocks, none. */
#include "pixels.h"
#include "protocols.h"
#include "tap.h"
#include "terminal.h"

#include <sys/wait.h>

#define CHECK_EVERY 16

static unsigned long long state;

static unsigned draw_lot(unsigned n)
{
    state = state * 6364136223846793005ull + 1442695040888963407ull;
    return (unsigned)(state >> 33) % n;
}

/* Keys that do something; those that end the program or write files are not among them. */
static const char *const keys[] = {
    "\033OA", "\033OB", "\033OC", "\033OD", "h", "j", "k", "l", "\t", "\033[Z", "\033[5~",
    "\033[6~", "\033OH", "\033OF", "[", "]", "{", "}", "m", "a", "S", "Z", "C", "+", "-", "n", "p",
    "f", ">", "<", "\033[1;2A", "\033[1;2B", "\033[1;2C", "\033[1;2D", "g", "H", "?", "t", "v", "I",
    "z", "|", "_", "s", "s", "r", "c", "O", "b", "x", "1", "6", "9", "\033", "\033", "\033", "\r",
    "/", ";", "i", "what color", ":", "view matrix\r", "view heads\r", "view tokens\r",
    ":view states\r", ":view plane\r", ":view lens\r", ":view what-if\r", ":split heads\r",
    ":hide\r", ":set graphics blocks\r", ":set graphics auto\r", "\f", "M", "D", "X", "U", "K",
    "\177", "\001", "\013", "d", "*", "\033[1;5A", "\033[1;5B", "\033[1;5C", "\033[1;5D",
};
#define KEYS (sizeof keys / sizeof keys[0])

static void step(struct terminal *t, const char *graphics)
{
    char mouse[64];
    const char *key;
    unsigned what = draw_lot(100);
    if (what < 4) {
        static const int sizes[][2] = {{24, 80}, {40, 120}, {32, 110},
                                       {50, 170}, {13, 44}, {8, 30}};
        unsigned i = draw_lot(6);
        terminal_resize(t, sizes[i][0], sizes[i][1]);
        terminal_settle(t, 60);
    } else if (what < 12) {
        static const unsigned codes[] = {0, 0, 64, 65, 32, 35, 35, 35}; /* moved: 32, 35 */
        snprintf(mouse, sizeof mouse, "\033[<%u;%u;%u%c", codes[draw_lot(8)],
                 1 + draw_lot((unsigned)t->cols), 1 + draw_lot((unsigned)t->rows), 'M');
        terminal_type(t, mouse);
    } else {
        key = keys[draw_lot(KEYS)];
        bool back = strcmp(key, ":set graphics auto\r") == 0;
        snprintf(mouse, sizeof mouse, ":set graphics %s\r", graphics);
        terminal_type(t, back ? mouse : key);
    }
    terminal_read(t, 8);
}

/* What a terminal shows of pictures that lie under or in its text. */
static int shown(struct terminal *t)
{
    if (t->kind.tmux) {
        memset(t->painted, 0, sizeof t->painted);
        return protocols_placeholders(t) < 0;
    }
    if (t->kind.kitty)
        protocols_kept(t);
    return 0;
}

struct shot {
    char text[64][1024];
    bool painted[MAX_H][MAX_W];
    uint8_t rgb[MAX_H][MAX_W][3];
};

static void take_shot(const struct terminal *t, struct shot *s)
{
    for (int row = 0; row < t->rows; row++) {
        char *text = s->text[row];
        terminal_row(t, row, text, sizeof s->text[row]);
        for (size_t n = strlen(text); n > 0 && text[n - 1] == ' '; n--)
            text[n - 1] = '\0';
    }
    memcpy(s->painted, t->painted, sizeof s->painted);
    memcpy(s->rgb, t->rgb, sizeof s->rgb);
}

/* Cells whose pixels differ. */
static int pixels_differ(const struct terminal *t, const struct shot *a, const struct shot *b)
{
    int n = 0;
    for (int y = 0; y < t->rows * CELL_H && y < MAX_H; y++)
        for (int x = 0; x < t->cols * CELL_W && x < MAX_W; x++)
            n += a->painted[y][x] != b->painted[y][x] ||
                 (a->painted[y][x] && memcmp(a->rgb[y][x], b->rgb[y][x], 3) != 0);
    return n;
}

/* What the status line says of time and progress may change meanwhile. */
static int rows_differ(const struct terminal *t, const struct shot *a, const struct shot *b)
{
    int n = 0;
    for (int row = 0; row + 1 < t->rows; row++)
        if (strcmp(a->text[row], b->text[row]) != 0 && !strstr(a->text[row], "pictures") &&
            !strstr(a->text[row], "memory") && n++ < 6) {
            tap_note("was: %s", a->text[row]);
            tap_note("anew: %s", b->text[row]);
        }
    return n;
}

/* True when all is well. What the engine answers between two looks is no fault: patience grows. */
static bool check(struct terminal *t, int number, int patience)
{
    static struct shot before, after;
    char why[128] = "";
    terminal_settle(t, patience);
    int torn = shown(t) + (t->kind.tmux ? 0 : pixels_torn(t, why, sizeof why));
    take_shot(t, &before);
    terminal_type(t, "\f");
    terminal_settle(t, patience);
    torn += shown(t);
    take_shot(t, &after);
    int rows = rows_differ(t, &before, &after), pixels = pixels_differ(t, &before, &after);
    if (torn || rows || pixels)
        tap_note("step %d: %d torn cells (%s), %d rows, %d pixels", number, torn, why, rows,
                 pixels);
    return !torn && !rows && !pixels;
}

static const struct way {
    const char *name, *graphics;
    struct terminal_kind kind;
    int steps;
} ways[] = {
    {"sixel", "auto", {.sixel = true, .motion = true}, 400},
    {"kitty", "auto", {.kitty = true, .motion = true}, 32},
    {"tmux", "auto", {.tmux = true, .placeholders = true}, 32},
    {"iterm2", "auto", {.iterm2 = true, .name = "iTerm2 3.5"}, 32},
    {"blocks", "blocks", {.sixel = false}, 32},
    {"none", "none", {.sixel = false}, 32},
};

static void walk(const struct way *way)
{
    const char *seed = getenv("VILSCOPE_SEED"), *many = getenv("VILSCOPE_STEPS");
    int steps = many ? atoi(many) : getenv("VILSCOPE_FULL") ? 5000 : way->steps, bad = 0, done = 0;
    state = seed ? strtoull(seed, NULL, 10) : 20261125;
    const char *argv[] = {terminal_program(), "--no-log", "--graphics", way->graphics, NULL};
    struct terminal *t = terminal_start_as(argv, 32, 110, &way->kind);
    terminal_expect(t, "softmax");
    for (; done < steps && bad < 5 && waitpid(t->pid, NULL, WNOHANG) == 0; done++) {
        step(t, way->graphics);
        if (done % CHECK_EVERY == CHECK_EVERY - 1)
            bad += !check(t, done, 120) && !check(t, done, 600) && !check(t, done, 2000);
    }
    ok(done == steps, "%s: the program lives after %d of %d steps", way->name, done, steps);
    ok(bad == 0, "%s: the screen is what drawing it anew gives: %d times not", way->name, bad);
    bool none = strcmp(way->graphics, "auto") != 0;
    ok(t->refused == 0 && (t->images > 0) != none, "%s: %d pictures, %d refused", way->name,
       t->images, t->refused);
    terminal_resize(t, 32, 110);
    for (int i = 0; i < 4; i++) {
        terminal_type(t, "\033");
        terminal_settle(t, 60);
    }
    terminal_type(t, ":quit\r");
    ok(terminal_ends(t), "%s: and it quits with status 0", way->name);
}

int main(int argc, char **argv)
{
    terminal_opens(FROZEN_MODEL);
    if (getenv("TMPDIR") && chdir(getenv("TMPDIR")) != 0)
        tap_note("not in the temporary folder");
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        bool wanted = argc < 2;
        for (int j = 1; j < argc; j++)
            wanted |= strcmp(argv[j], ways[i].name) == 0;
        if (wanted)
            walk(&ways[i]);
    }
    return tap_done();
}
