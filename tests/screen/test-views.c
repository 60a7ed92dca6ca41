/* SPDX-License-Identifier: MIT */
/* The views inside the model under real use: pixels of the matrix against its exported numbers,
 * clicks on cells, tiles and lists, a change and its taking back, a knock-out that is stopped.
 * Broken by a picture whose rows or columns are not those of the numbers, by a click that lands
 * beside, by a difference of a result with itself, or by work that does not end. */
#include "pixels.h"
#include "tap.h"
#include "terminal.h"

#include <ctype.h>

#define MOST 64

/* A press and release of the left button; cells count from 0. */
static void click(struct terminal *t, int row, int col)
{
    char keys[64];
    snprintf(keys, sizeof keys, "\033[<0;%d;%dM\033[<0;%d;%dm", col + 1, row + 1, col + 1, row + 1);
    terminal_type(t, keys);
    terminal_settle(t, 120);
}

static void quit(struct terminal *t, const char *what)
{
    terminal_type(t, "\033");
    terminal_read(t, 200);
    terminal_command(t, "quit");
    ok(terminal_ends(t), "%s: ends with status 0", what);
}

/* ---- the matrix */

struct numbers {
    int rows, cols;
    double x[MOST][MOST];
};

static bool read_csv(const char *path, struct numbers *n)
{
    char line[16384];
    FILE *f = fopen(path, "r");
    *n = (struct numbers){0};
    if (!f)
        return false;
    while (fgets(line, sizeof line, f) && n->rows < MOST) {
        char *at = strchr(line, ',');
        if (!at || (n->cols == 0 && n->rows == 0 && strncmp(line, "name", 4) == 0))
            continue;
        n->cols = 0;
        for (; at && n->cols < MOST; at = strchr(at + 1, ','))
            n->x[n->rows][n->cols++] = strtod(at + 1, NULL);
        n->rows++;
    }
    fclose(f);
    return n->rows > 0;
}

/* How bright a cell of the matrix is: pixels around its middle, which dither by themselves. */
static double light(const struct terminal *t, const struct picture *p, const struct numbers *n,
                    int i, int j)
{
    int x = p->col * CELL_W + (int)((j + 0.5) * p->w / n->cols);
    int y = p->row * CELL_H + (int)((i + 0.5) * p->h / n->rows);
    double sum = 0;
    for (int dy = -2; dy < 2; dy++)
        for (int dx = -2; dx < 2; dx++)
            for (int k = 0; k < 3; k++)
                sum += t->rgb[y + dy][x + dx][k];
    return sum / 48;
}

/* Every cell that is clearly the heavier of two is the brighter one. */
static void compare_pixels(const struct terminal *t, const struct picture *p,
                           const struct numbers *n)
{
    int wrong = 0, pairs = 0;
    for (int i = 0; i < n->rows * n->cols; i++)
        for (int j = 0; j < n->rows * n->cols; j++) {
            double a = n->x[i / n->cols][i % n->cols], b = n->x[j / n->cols][j % n->cols];
            if (a < 2 * b + 0.1)
                continue;
            pairs++;
            wrong += light(t, p, n, i / n->cols, i % n->cols) <=
                     light(t, p, n, j / n->cols, j % n->cols);
        }
    ok(pairs > 100 && wrong == 0, "of %d pairs of cells %d have the wrong brighter one", pairs,
       wrong);
}

static void matrix(void)
{
    struct terminal *t = terminal_demo(40, 120);
    struct picture p;
    struct numbers n = {0};
    const char *home = getenv("TMPDIR");
    char path[4096];
    snprintf(path, sizeof path, "%s/matrix.csv", home ? home : "/tmp");
    terminal_command(t, "matrix");
    terminal_command(t, "zoom");
    ok(terminal_expect(t, "layer 2/3"), "the matrix has the body");
    terminal_command(t, "export %s", path);
    ok(terminal_expect(t, "matrix.csv") && read_csv(path, &n), "its numbers are exported");
    bool drawn = pixels_picture(t, &p);
    ok(drawn && p.w / n.cols > 8, "%d by %d cells in %d by %d pixels", n.rows, n.cols, p.w, p.h);
    if (n.rows * CELL_H == p.h)
        compare_pixels(t, &p, &n);
    click(t, p.row + 4, p.col + (int)(2.5 * p.w / n.cols / CELL_W));
    char want[64];
    snprintf(want, sizeof want, "region 2 star: %.3f", n.x[4][2] - 0.0005 < 0 ? 0 : n.x[4][2]);
    want[strlen(want) - 1] = '\0'; /* rounding */
    ok(terminal_expect(t, " -> region 2 star: 0."), "a click chooses row and column");
    ok(terminal_has(t, want), "the chosen cell's number is the exported one: %s", want);
    unlink(path);
    quit(t, "matrix");
}

/* ---- heads */

static void heads(void)
{
    struct terminal *t = terminal_demo(40, 120);
    struct picture p;
    terminal_command(t, "heads");
    terminal_command(t, "zoom");
    ok(terminal_expect(t, "Heads text to image"), "the heads have the body");
    terminal_settle(t, 500); /* their picture follows their title */
    pixels_picture(t, &p);
    click(t, p.row + p.rows / 2, p.col + p.w / CELL_W * 5 / 8); /* the third of four */
    ok(terminal_expect(t, "layer 2, head 3/4"), "a click on a tile chooses its layer and head");
    click(t, p.row, 105);
    ok(!terminal_has(t, "layer 2, head 3/4"), "a click on the list another one");
    terminal_type(t, "\r");
    ok(terminal_expect(t, "text to image, layer") && terminal_has(t, "Heads") == false,
       "Enter shows it as a matrix");
    quit(t, "heads");
}

/* ---- changes */

static void changes(void)
{
    struct terminal *t = terminal_demo(40, 120);
    terminal_command(t, "token large");
    terminal_command(t, "what-if");
    ok(terminal_expect(t, "nothing is changed"), "nothing is changed at first");
    terminal_type(t, "M");
    ok(terminal_expect(t, "with mask token 8"), "M masks the chosen token, the title says so");
    ok(terminal_expect(t, "compared with the unchanged query"), "and it is compared");
    terminal_type(t, "M");
    ok(terminal_expect(t, "nothing is changed"), "M takes it back");
    terminal_command(t, "region 4");
    terminal_type(t, "D");
    ok(terminal_expect(t, "1 drop region 4"), "D drops the chosen region");
    terminal_type(t, "X");
    ok(terminal_expect(t, "2 ablate text-to-image 2 zero"), "X ablates the map's layer");
    terminal_command(t, "restore 1");
    ok(terminal_expect(t, "1 ablate text-to-image 2 zero"), "one is taken back by its number");
    terminal_command(t, "token large");
    terminal_command(t, "replace tiny");
    ok(terminal_expect(t, "now: do you know what the tiny thing"), "words are replaced");
    terminal_type(t, "U");
    ok(terminal_expect(t, "nothing is changed") && terminal_has(t, "what the large thing"),
       "U takes back everything, words too");
    terminal_command(t, "drop region 99");
    ok(terminal_expect(t, "no region 99"), "what is not there is said so");
    quit(t, "changes");
}

static void left_out(void)
{
    struct terminal *t = terminal_demo(24, 80);
    terminal_command(t, "knock-out heads"); /* its name of before */
    terminal_type(t, "\033");
    terminal_read(t, 200);
    terminal_command(t, "ask is there a star");
    ok(terminal_expect(t, "\"is there a star\""), "a query does not wait for a leave-one-out");
    terminal_type(t, ":ask how many stars are there\r:leave-one-out tokens\r");
    ok(terminal_expect(t, "how   many   stars"),
       "which waits for a query, and is about its answer");
    terminal_type(t, "\033");
    terminal_command(t, "leave-one-out regions");
    ok(terminal_expect(t, "17/17") && terminal_expect(t, "prob. without"), "one runs to its end");
    terminal_type(t, "\033OB\r");
    ok(terminal_expect(t, "with drop region"), "Enter leaves the chosen one out");
    terminal_type(t, "b"); /* a box that the answer does not know */
    terminal_expect(t, "arrows move");
    terminal_type(t, " LLJJ ");
    terminal_type(t, "\033");
    terminal_command(t, "leave-one-out regions");
    ok(terminal_expect(t, "boxes on the image have changed"),
       "no attribution to other regions than the answer's");
    quit(t, "leave-one-out");
}

/* What the model was not trained on: in the answer, and in the line of messages. */
static void unknown(void)
{
    struct terminal *t = terminal_demo(24, 80);
    terminal_command(t, "ask is there a wombat");
    ok(terminal_expect(t, "note: unknown words: wombat ("),
       "a word that the model does not know is named");
    ok(terminal_has(t, "! unknown words"), "beside the answer, too");
    terminal_command(t, "ask is there a star");
    ok(terminal_expect(t, "\"is there a star\"") && !terminal_has(t, "unknown words"),
       "and nothing of those that it knows");
    quit(t, "unknown words");
}

/* What long work says of itself stands below the title of its view. The second begins while the
 * first runs, and waits for it: alone it may be done before it was seen. */
static void work_says(void)
{
    static const struct {
        const char *command, *title;
    } works[] = {{"patch heads", "Weight patching, heads"}, {"drift", "From A to B"}};
    struct terminal *t = terminal_demo(40, 120);
    terminal_expect(t, "answered");
    terminal_settle(t, 120);
    for (size_t i = 0; i < sizeof works / sizeof works[0]; i++) {
        bool said = false;
        terminal_type(t, ":");
        terminal_type(t, works[i].command);
        terminal_type(t, "\r");
        TERMINAL_UNTIL(t, said = said || (terminal_has(t, works[i].title) &&
                                          terminal_row_of(t, "Esc stops") ==
                                              terminal_row_of(t, works[i].title) + 1));
        ok(said, "%s: its progress", works[i].command);
    }
    terminal_type(t, "\033");
    terminal_goes(t, "Esc stops");
    quit(t, "work");
}

int main(void)
{
    matrix();
    heads();
    changes();
    left_out();
    unknown();
    work_says();
    return tap_done();
}
