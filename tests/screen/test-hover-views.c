/* SPDX-License-Identifier: MIT */
/* What each view names where the mouse points. Broken by a cell, point or line that is called by
 * another one's name or number (rows for columns, A for B, the neighbor's): after a click there, or
 * beside it, the view says the same in its own words. */
#include "pointer.h"
#include "tap.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ROWS = 32, COLS = 140 };

/* The text of so many columns of a row. */
static void cells_of(const struct terminal *t, int row, int col, int cols, char *out)
{
    char line[4096];
    int at = 0;
    terminal_row(t, row, line, sizeof line);
    for (const char *s = line; *s; s++) {
        at += (*s & 0xc0) != 0x80;
        if (at > col && at <= col + cols)
            *out++ = *s;
    }
    *out = '\0';
}

/* ---- each says after a click the same in its own words */

struct said {
    const struct terminal *t;
    const char *text; /* what the last line said */
    int row, col;
};

static bool heads_agree(const struct said *s)
{
    int layer, head;
    return sscanf(s->text, "layer %d, head %d: entropy 1.", &layer, &head) == 2 && layer > 1 &&
           head > 1 && pointer_row_of(s->t, ": layer %d, head %d/", layer, head) >= 0;
}

static bool states_agree(const struct said *s)
{
    char name[100], depth[100];
    double x;
    return sscanf(s->text, "%99[a-z] after %99[^:]: cosine %lf", name, depth, &x) == 3 &&
           pointer_row_of(s->t, "%s: cosine %.3f", name, x) >= 0 &&
           pointer_row_of(s->t, "large, after %s", depth) >= 0;
}

/* The cell itself has the word, its row and column what they are of. */
static bool lens_agree(const struct said *s)
{
    char name[100], depth[100], word[100], cells[4096], heading[4096];
    terminal_row(s->t, s->row, cells, sizeof cells);
    terminal_row(s->t, 2, heading, sizeof heading);
    if (sscanf(s->text, "%99[a-z] after %99[^:]: %99s 0.", name, depth, word) != 3)
        return false;
    const char *at = strstr(cells + s->col - 12, word);
    return at && at - cells <= s->col && strncmp(cells + 1, name, strlen(name)) == 0 &&
           strncmp(heading + (at - 1 - cells), depth, strlen(depth)) == 0;
}

static bool attribution_agrees(const struct said *s)
{
    char name[100], method[100], cells[4096], number[32];
    double x;
    if (sscanf(s->text, "%99[a-z], %99[^:]: %lf", name, method, &x) != 3)
        return false;
    snprintf(number, sizeof number, "%.4f", x);
    terminal_row(s->t, s->row, cells, sizeof cells);
    return strncmp(cells + 1, name, strlen(name)) == 0 && strstr(cells, number) &&
           pointer_row_of(s->t, "%s: ", method) >= 0;
}

/* Its line is the chosen one. */
static bool effects_agree(const struct said *s)
{
    char name[100], drawn[4096];
    double x, rest;
    if (sscanf(s->text, "without %99[^:]: %lf log odds, probability %lf", name, &x, &rest) != 3)
        return false;
    int row = pointer_row_of(s->t, "%+.3f  %.3f %s", x, rest, name);
    if (row < 0)
        return false;
    terminal_drawn(s->t, row, drawn, sizeof drawn);
    const char *from = strrchr(drawn, '{'), *at = from ? strstr(from, name) : NULL;
    return at && at < strchr(from, '}');
}

static bool words_agree(const struct said *s)
{
    char name[100], cells[200];
    cells_of(s->t, s->row, s->col - 1, 3, cells);
    return sscanf(s->text, "without %99[^:]:", name) == 1 && strstr(name, cells) &&
           effects_agree(s);
}

static bool activation_agrees(const struct said *s)
{
    char place[100], name[20], depth[40];
    double x;
    if (sscanf(s->text, "%99[^:]: %lf", place, &x) != 2 ||
        sscanf(place, "%39[^,], %19s", depth, name) != 2)
        return false;
    cells_of(s->t, 4, s->col - 1, 3, place);
    return strncmp(depth, "text 2", 6) == 0 && pointer_row_has(s->t, s->row, "layer 2") &&
           strstr(name, place) &&
           pointer_row_of(s->t, "%s, %s: not run exactly, %+.4f to first order", depth, name,
                          x) == 3;
}

/* Whether the chosen point's mark, a square with a white edge of two pixels of which a label may
 * hide some, is painted within so many pixels of the middle of a cell. */
static bool is_marked(const struct terminal *t, int row, int col, int size, int within)
{
    int cx = col * CELL_W + CELL_W / 2, cy = row * CELL_H + CELL_H / 2, half = size / 2;
    for (int y = cy - within; y <= cy + within; y++)
        for (int x = cx - within; x <= cx + within; x++) {
            int white = 0;
            for (int k = 0; k < 2 * size; k++) {
                const uint8_t *p = t->rgb[y - half + k / size][x - half + k % size];
                white += p[0] > 240 && p[1] > 240 && p[2] > 240;
            }
            int far = (x - cx) * (x - cx) + (y - cy) * (y - cy);
            if (2 * white >= 3 * size && far <= within * within)
                return true;
        }
    return false;
}

static bool project_agrees(const struct said *s)
{
    char name[100];
    double x, y;
    return sscanf(s->text, "line %*d, %99[^:]: %lf, %lf", name, &x, &y) == 3 && x < 0 && y < 0 &&
           pointer_row_has(s->t, 3, name) && is_marked(s->t, s->row, s->col, 11, CELL_H);
}

/* The element is among the largest of its row, which is the chosen one now. */
static bool difference_agrees(const struct said *s)
{
    char from[100], to[100], heading[100], number[8];
    double by, a, b;
    int region = 0;
    if (sscanf(s->text, "%99[a-z] -> %99[^:]: %lf, A %lf, B %lf", from, to, &by, &a, &b) != 5 ||
        sscanf(to, "region %d", &region) != 1)
        return false;
    cells_of(s->t, 3, s->col - 3, 6, heading);
    snprintf(number, sizeof number, "%d", region);
    return strstr(heading, number) &&
           pointer_row_of(s->t, "%+.4f  %.4f -> %.4f  %s attends to %s", by, a, b, from, to) >= 0;
}

static bool difference_list_agrees(const struct said *s)
{
    int layer, head;
    double x, most;
    char map[100];
    return sscanf(s->text, "%99[^,], layer %d, head %d: divergence %lf bits, largest row %lf", map,
                  &layer, &head, &x, &most) == 5 && pointer_row_of(s->t, "%s", s->text) == 2;
}

/* Of the colors the cell itself has the number, its row a name; columns have the names of rows. */
static bool drift_agrees(const struct said *s)
{
    enum { TOP = 17, LEFT = 70, EACH = 6 };
    char a[100], b[100], number[16], cells[100];
    int at = (s->col - LEFT) / EACH;
    double x;
    if (sscanf(s->text, "image, A after %99[^,], B after %99[^:]: CKA %lf", a, b, &x) != 3)
        return false;
    snprintf(number, sizeof number, "%.2f", x);
    cells_of(s->t, s->row, LEFT + at * EACH, 4, cells);
    return strcmp(cells, number) == 0 && pointer_row_has(s->t, s->row, a) &&
           pointer_row_has(s->t, TOP + at, b) && strcmp(a, b) != 0;
}

static bool drift_list_agrees(const struct said *s)
{
    char name[100], number[100];
    double x, most;
    if (sscanf(s->text, "bert.encoder.%99[^:]: moved by %lf of its norm, largest %lf", name, &x,
               &most) != 3)
        return false;
    snprintf(number, sizeof number, "%10.4g %10.4g", x, most);
    return pointer_row_has(s->t, s->row, number) && pointer_row_has(s->t, s->row, name);
}

static bool patch_agrees(const struct said *s)
{
    char name[100], drawn[4096], number[32];
    double x;
    if (sscanf(s->text, "all %99s layers of B in A: %lf %% recovered", name, &x) != 2)
        return false;
    snprintf(number, sizeof number, "%.1f%%", x);
    terminal_drawn(s->t, s->row, drawn, sizeof drawn);
    return pointer_row_has(s->t, s->row, name) && pointer_row_has(s->t, s->row, number) &&
           strchr(drawn, '{');
}

static bool compare_agrees(const struct said *s)
{
    char label[100], name[100], line[4096], want[128], cells[200];
    int rank;
    double x;
    if (sscanf(s->text, "%99[^,], %99[^:]: rank %d, probability %lf", label, name, &rank, &x) != 4)
        return false;
    cells_of(s->t, s->row, 47, 46, line);
    cells_of(s->t, 1, 47, 46, cells);
    snprintf(want, sizeof want, "%d %s", rank, label);
    bool same = strncmp(line, want, strlen(want)) == 0 && strstr(cells, name);
    snprintf(want, sizeof want, "%.3f", x);
    return same && strstr(line, want) && strcmp(name, "middle") == 0;
}

/* The line itself has the numbers, with fewer digits. */
static bool what_if_agrees(const struct said *s)
{
    char label[100], number[64];
    double x, before, now;
    if (sscanf(s->text, "%99[^:]: %lf log odds, probability %lf before, %lf now", label, &x,
               &before, &now) != 4)
        return false;
    snprintf(number, sizeof number, "%.3f %.3f", before, now);
    bool same = pointer_row_has(s->t, s->row, label) && pointer_row_has(s->t, s->row, number);
    snprintf(number, sizeof number, " %+.3f ", x);
    return same && pointer_row_has(s->t, s->row, number);
}

static void each(struct terminal *t)
{
    static const struct {
        const char *commands[5];
        int row, col;
        bool (*agrees)(const struct said *s);
    } all[] = {
        {{"view heads"}, 12, 60, heads_agree},
        {{"token large", "view states"}, 6, 40, states_agree},
        {{"view lens"}, 5, 40, lens_agree},
        {{"attribute relevancy", "view attribution"}, 8, 22, attribution_agrees},
        {{"attribute off", "leave-one-out heads"}, 6, 6, effects_agree},
        {{"leave-one-out heads"}, 6, 110, effects_agree},
        {{"leave-one-out regions"}, 15, 20, effects_agree},
        {{"leave-one-out tokens"}, 3, 42, words_agree},
        {{"token large", "replace small", "activation"}, 8, 70, activation_agrees},
        {{"what-if"}, 9, 30, what_if_agrees},
        {{"restore", "project hover-set/queries.jsonl regions image 3"}, 12, 34, project_agrees},
        {{"token picture", "map text-to-image", "layer 2", "head mean", "attention-change"},
         10, 20, difference_agrees},
        {{"attention-change"}, 25, 120, difference_list_agrees},
        {{"drift"}, 8, 10, drift_list_agrees},
        {{"set graphics blocks", "drift"}, 20, 83, drift_agrees},
        {{"set graphics auto", "patch blocks"}, 8, 3, patch_agrees},
        {{"compare"}, 20, 60, compare_agrees},
    };
    char line[4096];
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        for (int k = 0; k < 5 && all[i].commands[k]; k++)
            terminal_command(t, "%s", all[i].commands[k]);
        terminal_command(t, "wait");
        terminal_settle(t, 300);
        const struct said s = {t, line, all[i].row, all[i].col};
        bool agrees = false;
        for (int k = 0; k < 40 && !agrees; k++) { /* what is computed may come late */
            pointer_at(t, 0, 0);
            pointer_at(t, s.row, s.col);
            pointer_says(t, line, sizeof line);
            pointer_click(t, s.row, s.col);
            terminal_settle(t, 200);
            agrees = all[i].agrees(&s);
        }
        ok(agrees, "%s, %d, %d: the view says the same: %s", all[i].commands[0], s.row, s.col,
           line);
    }
}

/* ---- points */

/* Also where a picture cannot be as wide as its pane. */
static void plane(bool wide)
{
    char line[4096], name[100];
    double x = 0, y = 0;
    struct terminal *t = pointer_open(ROWS, COLS, wide);
    if (!ok(t != NULL, "begins"))
        return;
    terminal_type(t, "z");
    terminal_command(t, "view plane");
    terminal_settle(t, 300);
    int row = 12, col = wide ? 74 : 67;
    pointer_at(t, row, col);
    pointer_says(t, line, sizeof line);
    pointer_click(t, row, col);
    terminal_settle(t, 200);
    ok(sscanf(line, "%99[^:]: %lf, %lf", name, &x, &y) == 3 &&
           pointer_row_of(t, "%s %.2f, %.2f", name, x, y) >= 0 &&
           is_marked(t, row, col, 15, 2 * CELL_H),
       "a point of the plane is marked there: %s", line);
    terminal_command(t, "quit");
    ok(terminal_ends(t), "ends with status 0");
}

/* With nothing removed, and with all of it, both lines meet the other one's other end. */
static void curves(struct terminal *t)
{
    char line[4096], kind[20];
    double d[2], i[2];
    int at[2] = {-1, -1}, n = 0;
    terminal_command(t, "attribute relevancy");
    terminal_command(t, "curves");
    terminal_command(t, "wait");
    terminal_settle(t, 300);
    for (int k = 0; k < 2; k++) {
        pointer_at(t, 6, k ? 138 : 9);
        pointer_says(t, line, sizeof line);
        if (sscanf(line, "%19[a-z], %d of %d: deletion %lf, insertion %lf; random ", kind, &at[k],
                   &n, &d[k], &i[k]) != 5)
            break;
    }
    ok(at[0] == 0 && at[1] == n && n == 16, "from nothing to all: %s", line);
    ok(at[1] >= 0 && fabs(d[0] - i[1]) < 0.0011 && fabs(d[1] - i[0]) < 0.0011 && d[0] > d[1] &&
           pointer_row_of(t, "all removed %.2f", d[1]) == 25,
       "deletion ends where insertion begins: %.3f, %.3f", d[1], i[0]);
    pointer_at(t, 16, 70);
    pointer_says(t, line, sizeof line);
    ok(sscanf(line, "words, %d of %d: deletion ", at, &n) == 2 && at[0] > 0 && at[0] < n,
       "words below them: %s", line);
    pointer_at(t, 12, 70);
    pointer_says(t, line, sizeof line);
    ok(!strstr(line, "deletion"), "nothing between the two: %s", line);
    terminal_command(t, "attribute off");
}

/* The plot's mean is that of the lines. */
static void trend(struct terminal *t)
{
    static const char *const names[] = {"early", "middle", "final"};
    char line[4096], want[64], label[100], name[100];
    terminal_command(t, "suggest vqa");
    terminal_command(t, "wait");
    terminal_command(t, "pin star");
    terminal_command(t, "wait");
    terminal_command(t, "suggest genomeqa");
    terminal_command(t, "wait");
    terminal_command(t, "pin 7");
    terminal_command(t, "trend");
    terminal_command(t, "wait");
    terminal_settle(t, 500);
    int lines = pointer_row_of(t, "last: ") + 1;
    for (int k = 0; k < 3; k++) {
        double x[2] = {NAN, NAN}, mean = NAN, low, high, chosen = NAN;
        for (int i = 0; i < 2; i++) {
            pointer_at(t, lines + i, 66 + k);
            pointer_says(t, line, sizeof line);
            snprintf(want, sizeof want, ", %s: ", names[k]);
            const char *at = strstr(line, want);
            x[i] = at ? atof(at + strlen(want)) : NAN;
        }
        int col = k == 0 ? 7 : k == 1 ? 70 : 137;
        pointer_at(t, 8, col);
        pointer_says(t, line, sizeof line);
        cells_of(t, 13, col - 1, 3, label);
        ok(sscanf(line, "%99[a-z]: mean %lf, 95 %% %lf to %lf; the chosen query %lf", name, &mean,
                  &low, &high, &chosen) == 5 &&
               strcmp(name, names[k]) == 0 && strstr(name, label) && low <= mean && mean <= high,
           "the checkpoint above its name: %s", line);
        ok(fabs(mean - (x[0] + x[1]) / 2) < 0.0002 && fabs(chosen - x[0]) < 0.0002,
           "with the mean of both queries: %.4f, %.4f", x[0], x[1]);
    }
    pointer_click(t, lines + 1, 5);
    pointer_at(t, lines + 1, 5);
    pointer_says(t, line, sizeof line);
    ok(strstr(line, ", final: 0.") != NULL, "a query has its last number: %s", line);
}

/* A region has the weight of the checkpoint in whose column it is: as difference has both. */
static void photos(struct terminal *t)
{
    char line[4096], name[100], of[100];
    double weight[3] = {-1, -1, -1};
    terminal_command(t, "image 1");
    terminal_command(t, "map text-to-image");
    terminal_command(t, "layer 2");
    terminal_command(t, "head mean");
    terminal_command(t, "compare");
    terminal_command(t, "ask do you know what the large thing at the right is in the picture?");
    terminal_command(t, "wait");
    terminal_command(t, "token large");
    terminal_settle(t, 300);
    for (int k = 0; k < 3; k++) {
        pointer_at(t, 6, 25 + 46 * k);
        pointer_says(t, line, sizeof line);
        ok(sscanf(line, "%99[^,], %99[^,], weight %lf", name, of, &weight[k]) == 3 &&
               strcmp(name, "region 4 star") == 0 &&
               strcmp(of, k == 0 ? "early" : k == 1 ? "middle" : "final") == 0,
           "a region in column %d: %s", k, line);
    }
    terminal_command(t, "attention-change");
    terminal_command(t, "wait");
    terminal_settle(t, 300);
    ok(pointer_row_of(t, "%.4f -> %.4f  large attends to region 4 star", weight[0], weight[2]) > 0,
       "with the weights that they have: %.4f, %.4f", weight[0], weight[2]);
}

int main(void)
{
    terminal_opens(FROZEN_MODEL);
    unlink("hover-set"); /* of a run that was ended before its end */
    if (!ok(symlink(source_path("tests/data/frozen"), "hover-set") == 0, "a short way to the set"))
        return tap_done();
    struct terminal *t = pointer_open(ROWS, COLS, true);
    if (!ok(t != NULL, "begins"))
        return tap_done();
    terminal_type(t, "z");
    each(t);
    photos(t);
    curves(t);
    trend(t);
    plane(true);
    plane(false);
    unlink("hover-set");
    terminal_command(t, "quit");
    ok(terminal_ends(t), "ends with status 0");
    return tap_done();
}
