/* SPDX-License-Identifier: MIT */
/* The demo that is shipped, on the screen: the start, a query, a comparison, and the tour. Layout,
 * that an answer is there and that pictures are drawn, whatever its weights say: golden screens
 * have the frozen model. Broken by a demo that does not open, whose pictures or queries are
 * missing, or that the tour does not fit. */
#include "pixels.h"
#include "tap.h"
#include "terminal.h"


enum { ROWS = 32, COLS = 110 };

static struct terminal *start(const char *option, int rows, int cols)
{
    const char *argv[] = {terminal_program(), "--no-log", option, NULL};
    return terminal_start(argv, rows, cols, true, false);
}

static void quit(struct terminal *t, const char *what)
{
    terminal_type(t, "q");
    ok(terminal_ends(t), "%s: q quits with status 0", what);
}

/* Pixels of the first rank's frame. */
static int yellow(const struct terminal *t)
{
    int n = 0;
    for (int y = 0; y < ROWS * CELL_H && y < MAX_H; y++)
        for (int x = 0; x < COLS * CELL_W && x < MAX_W; x++)
            n += t->painted[y][x] && t->rgb[y][x][0] > 243 && abs(t->rgb[y][x][1] - 204) < 12 &&
                 t->rgb[y][x][2] < 12;
    return n;
}

/* How many different colors of a coarse cube the pictures have: a black one has one. */
static int colors(const struct terminal *t)
{
    bool seen[512] = {false};
    int n = 0;
    for (int y = 0; y < ROWS * CELL_H && y < MAX_H; y++)
        for (int x = 0; x < COLS * CELL_W && x < MAX_W; x++)
            if (t->painted[y][x])
                seen[t->rgb[y][x][0] >> 5 << 6 | t->rgb[y][x][1] >> 5 << 3 |
                     t->rgb[y][x][2] >> 5] = true;
    for (int i = 0; i < 512; i++)
        n += seen[i];
    return n;
}

/* Rows "RANK WORDS 0.123" in a row from 1 on, as a list of answers has them; each share at most the
 * one before, all at most 1. */
static int ranks(const struct terminal *t)
{
    int n = 0;
    double before = 1.0005;
    for (int row = 0; row < ROWS; row++) {
        char line[2000], mark[16];
        terminal_drawn(t, row, line, sizeof line);
        snprintf(mark, sizeof mark, "%d ", n + 1);
        const char *at = strpbrk(line, "|!");
        at = at ? at + 1 + strspn(at + 1, " {") : "";
        const char *share = strstr(at, " 0.") ? strstr(at, " 0.") : strstr(at, " 1.0");
        if (strncmp(at, mark, strlen(mark)) != 0 || !share)
            continue;
        double x = strtod(share, NULL);
        if (x > before)
            return -1;
        before = x + 0.0005;
        n++;
    }
    return n;
}

static bool row_has(const struct terminal *t, int row, const char *text)
{
    char line[2000];
    terminal_row(t, row, line, sizeof line);
    return strstr(line, text) != NULL;
}

static void whole(const struct terminal *t, const char *what)
{
    char why[128] = "";
    struct picture p;
    bool drawn = pixels_picture(t, &p);
    ok(drawn && p.w > 200 && p.row + p.rows <= ROWS - 4, "%s: a picture of %dx%d above the query",
       what, p.w, p.h);
    ok(colors(t) > 12, "%s: of %d colors", what, colors(t));
    int torn = pixels_torn(t, why, sizeof why);
    ok(torn == 0, "%s: no pixels but where a picture is %s", what, why);
    ok(row_has(t, ROWS - 4, "[CLS]") && row_has(t, ROWS - 4, "[SEP]") && row_has(t, ROWS - 2, "> "),
       "%s: tokens and query have their rows", what);
}

/* Smoke 1: what `vilscope` alone shows. */
static void the_start(void)
{
    struct terminal *t = start(NULL, ROWS, COLS);
    ok(terminal_expect(t, "answered") && terminal_expect(t, "s: another query"),
       "start: a suggested query is answered, and what comes next is said");
    terminal_settle(t, 300);
    whole(t, "start");
    ok(row_has(t, 0, " vilscope  demo / ") && row_has(t, 0, "  1/"), "start: the title");
    ok(row_has(t, 1, "VQA v2") && row_has(t, 3, "softmax") && row_has(t, 14, "Attention"),
       "start: the answer and the attention have their panes");
    ok(ranks(t) > 4, "start: %d ranks", ranks(t));
    quit(t, "start");
}

/* Smoke 2: regions are ranked, and the best one is framed. */
static void a_query(void)
{
    struct terminal *t = start(NULL, ROWS, COLS);
    terminal_expect(t, "answered");
    terminal_command(t, "task refcoco");
    terminal_settle(t, 300);
    int before = yellow(t), pictures = t->images;
    terminal_command(t, "ask the ball");
    ok(terminal_expect(t, "\"the ball\"") && terminal_goes(t, "r asks again"),
       "query: it is answered");
    terminal_settle(t, 300);
    whole(t, "query");
    ok(row_has(t, 1, "RefCOCO") && row_has(t, ROWS - 2, "> the ball"), "query: task and words");
    ok(ranks(t) > 2, "query: %d ranks", ranks(t));
    ok(t->images > pictures && yellow(t) > before + 60, "query: the best region is framed: %d, %d",
       before, yellow(t));
    quit(t, "query");
}

/* Smoke 3: all checkpoints beside each other. */
static void a_comparison(void)
{
    struct terminal *t = start(NULL, ROWS, COLS);
    struct picture p;
    char first[2000];
    terminal_expect(t, "answered");
    terminal_command(t, "token 5");
    terminal_command(t, "compare");
    ok(terminal_goes(t, "asking ..."), "comparison: all checkpoints answer");
    terminal_settle(t, 300);
    terminal_row(t, 1, first, sizeof first);
    const char *second = strstr(first, " middle ");
    ok(strncmp(first, " A early", 8) == 0 && second && second - first >= COLS / 5 &&
       strstr(first, "faulty"), "comparison: A first, the others beside it: %s", first);
    ok(pixels_picture(t, &p) && p.row == 2 && colors(t) > 12, "comparison: pictures below them");
    int entropies = 0;
    for (int row = 0; row < ROWS; row++) {
        terminal_row(t, row, first, sizeof first);
        const char *at = strstr(first, "entropy");
        entropies += at && strstr(at + 1, "entropy");
    }
    ok(entropies == 1, "comparison: answers below those, in one row");
    ok(terminal_has(t, "all checkpoints"), "comparison: one scale of colors");
    terminal_command(t, "columns");
    terminal_settle(t, 300);
    terminal_row(t, 1, first, sizeof first);
    ok(strstr(first, " B final") != NULL, "comparison: then the last, B: %s", first);
    quit(t, "comparison");
}

/* What the tour says at its stops, in their order; at most `most` lines. */
static int read_tour(char says[][200], int most)
{
    FILE *f = fopen(source_path("demo/tour.vs"), "r");
    char line[200], said[200] = "";
    int n = 0;
    while (f && n < most && fgets(line, sizeof line, f)) {
        line[strcspn(line, "\n")] = '\0';
        if (strncmp(line, "say ", 4) == 0)
            snprintf(said, sizeof said, "%s", line + 4);
        else if (strcmp(line, "pause") == 0)
            snprintf(says[n++], sizeof says[0], "%s", said);
    }
    if (f)
        fclose(f);
    return n;
}

/* The last four rows as one text, with blanks once, up to what stands at the right end. */
static void read_said(const struct terminal *t, char *out, size_t size)
{
    char row[512];
    size_t n = 0;
    for (int i = t->rows - 4; i < t->rows; i++) {
        terminal_row(t, i, row, sizeof row);
        for (const char *p = row; *p && n + 2 < size; p++)
            if (*p != ' ' || (n > 0 && out[n - 1] != ' '))
                out[n++] = *p;
        if (n > 0 && out[n - 1] != ' ')
            out[n++] = ' ';
    }
    out[n] = '\0';
}

/* The guided tour goes through, on small screens too, and says every word. */
static void tour(int rows, int cols)
{
    struct terminal *t = start("--tour", rows, cols);
    static char says[40][200];
    int stops = 0, whole = 0, count = read_tour(says, 40);
    char said[2048];
    while (stops < count && terminal_expect(t, "any key continues")) {
        bool there = false;
        TERMINAL_UNTIL(t, (read_said(t, said, sizeof said),
                           there = strstr(said, says[stops]) != NULL));
        whole += there;
        if (!there)
            tap_note("'%s' is not in '%s'", says[stops], said);
        stops++;
        terminal_type(t, " ");
    }
    ok(stops == 15 && terminal_expect(t, "That was the tour"),
       "%dx%d: the tour ends after %d stops", cols, rows, stops);
    ok(whole == stops, "and what %d of them say is whole", whole);
    quit(t, "tour");
}

int main(void)
{
    terminal_opens(SHIPPED_DEMO);
    the_start();
    a_query();
    a_comparison();
    tour(24, 80);
    tour(20, 60);
    return tap_done();
}
