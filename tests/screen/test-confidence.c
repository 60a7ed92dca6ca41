/* SPDX-License-Identifier: MIT */
/* Plots of logged evaluations: points lie where the axes have their numbers, are named under the
 * mouse and the keys as what they are, all are reached, and the figure that is exported has the
 * same. Broken by an axis that is another's, a point that is another item's, points that lie on
 * each other and are never reached, and a diagram of bins that are not those of the rows. */
#include "pointer.h"
#include "tap.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FROZEN "tests/data/frozen"

/* How sure both were, in hundredths, and what was right. */
static const struct {
    int a, b;
    bool right_a, right_b;
} items[] = {
    {25, 75, false, true}, {75, 25, true, false}, {90, 90, true, true}, {50, 50, false, false},
    {50, 50, false, false}, {62, 38, true, false},
};
#define ITEMS (int)(sizeof items / sizeof items[0])
#define OPEN 1 /* the item whose image is open: of the others there is none */

/* A row whose answer has that sigmoid; bare: has none that is known. */
static void write_row(FILE *f, const char *task, bool b, int i, bool bare)
{
    bool right = b ? items[i].right_b : items[i].right_a;
    double sure = (b ? items[i].b : items[i].a) / 100.0;
    fprintf(f, "{\"task\": \"%s\", \"split\": \"val\", \"checkpoint\": \"%s\", \"index\": %d,"
            " \"id\": \"q%d\", \"image\": \"%s%d.png\", \"text\": \"what is thing %d\","
            " \"choice\": 1, \"answer\": \"cube\",", task, b ? "final" : "early", i, i,
            i == OPEN ? "00000" : "none", i, i);
    if (!bare)
        fprintf(f, " \"top\": [[1, %.9f]], \"margin\": 1,", log(sure / (1 - sure)));
    fprintf(f, " \"score\": %d.0, \"correct\": %s}\n", right, right ? "true" : "false");
}

/* Items of vqa: those of early are bare, and with `all` those of final. */
static void write_bare(const char *path, bool all)
{
    FILE *f = fopen(path, "w");
    for (int k = 0; f && k < 2; k++)
        for (int i = 0; i < ITEMS; i++)
            write_row(f, "vqa", k, i, k == 0 || all);
    if (f)
        fclose(f);
}

static void write_rows(const char *path)
{
    FILE *f = fopen(path, "w");
    for (int k = 0; f && k < 2; k++) {
        for (int i = 0; i < ITEMS; i++)
            write_row(f, "vqa", k, i, false);
        for (int i = 0; i < 2; i++)
            write_row(f, "gqa", k, i, false);
    }
    if (f)
        fclose(f);
}

static struct terminal *begin(int rows, int cols, const char *file, const char *only)
{
    const char *argv[] = {terminal_program(), "--log", file, "--threads", "1",
                          only ? "-c" : NULL, only, NULL};
    const struct terminal_kind kind = {.sixel = true, .motion = true, .window = true};
    terminal_opens(FROZEN_MODEL);
    struct terminal *t = terminal_start_as(argv, rows, cols, &kind);
    terminal_expect(t, "demo / final");
    terminal_settle(t, 300);
    return t;
}

/* NAME.jsonl into NAME.db. */
static void import(const char *name)
{
    char command[9000];
    char *dir = realpath(source_path(FROZEN), NULL);
    snprintf(command, sizeof command, "rm -f %s.db*; '%s' sessions import %s.jsonl -m '%s' -c early"
             " -c final --log %s.db >/dev/null", name, terminal_program(), name, dir ? dir : "",
             name);
    ok(system(command) == 0, "rows are imported: %s", command);
    free(dir);
}

static void command(struct terminal *t, const char *line)
{
    terminal_command(t, "%s", line);
    terminal_settle(t, 150);
}

/* ---- where a point is */

/* The row of the plot's left edge that a number stands in. */
static int row_of_number(const struct terminal *t, const char *number)
{
    char row[4096];
    for (int i = 1; i + 1 < t->rows; i++) {
        terminal_row(t, i, row, sizeof row);
        if (strncmp(row + strspn(row, " "), number, strlen(number)) == 0)
            return i;
    }
    return -1;
}

/* The cell of a number on both axes, by the numbers 0.0 and 1.0 that stand at them. */
static bool cell_of(const struct terminal *t, double x, double y, int *row, int *col)
{
    char line[4096];
    int top = row_of_number(t, "1.0"), bottom = -1;
    for (int i = top + 1; i + 1 < t->rows && bottom < 0; i++) {
        terminal_row(t, i, line, sizeof line);
        if (strncmp(line + strspn(line, " "), "0.0", 3) == 0)
            bottom = i;
    }
    if (top < 0 || bottom < 0)
        return false;
    terminal_row(t, bottom + 1, line, sizeof line);
    const char *left = strstr(line, "0.0"), *right = strstr(line, "1.0");
    if (!left || !right)
        return false;
    int from = (int)(left - line) + 1, to = (int)(right - line) + 1;
    *col = (int)lround(from + (to - from) * x);
    *row = (int)lround(bottom - (bottom - top) * y);
    return true;
}

/* Whether the mouse finds something at numbers of the axes, or in a cell beside. */
static bool says_at(struct terminal *t, double x, double y, const char *want)
{
    int row, col;
    char said[4096] = "";
    if (!cell_of(t, x, y, &row, &col)) {
        tap_note("there are no axes");
        return false;
    }
    for (int i = 0; i < 9; i++) {
        pointer_at(t, row + i / 3 - 1, col + i % 3 - 1);
        pointer_says(t, said, sizeof said);
        if (strstr(said, want))
            return true;
    }
    tap_note("at %d, %d it says \"%s\"", row, col, said);
    return false;
}

static bool chosen(struct terminal *t, const char *want)
{
    terminal_settle(t, 150);
    bool is = pointer_row_has(t, 2, want);
    if (!is) {
        char row[4096];
        terminal_row(t, 2, row, sizeof row);
        tap_note("row 2 is \"%s\"", row);
    }
    return is;
}

/* ---- both forms */

static void scatter(struct terminal *t)
{
    command(t, "confidence vqa");
    command(t, "zoom");
    ok(terminal_has(t, "Confidence: vqa val 2/2, A early, B final") ||
       terminal_has(t, "Confidence: vqa val 1/2, A early, B final"), "of whom it is");
    ok(terminal_has(t, "both right (1)") && terminal_has(t, "only early (2)") &&
       terminal_has(t, "only final (1)") && terminal_has(t, "neither (2)"), "what came of them");
    ok(terminal_has(t, "confidence of early") && terminal_has(t, "confidence of final"), "axes");
    ok(says_at(t, 0.75, 0.25, "q1: early 0.750, final 0.250, only early right"),
       "right of A, and below");
    ok(says_at(t, 0.25, 0.75, "q0: early 0.250, final 0.750, only final right"), "left, and above");
    ok(chosen(t, "q2: early 0.900"), "the first of the legend is chosen");
    ok(terminal_has(t, "item q2 of none2.png: what is thing 2") && terminal_has(t, "+ final: cube"),
       "with its text and answers");
    terminal_type(t, "\033OD");
    ok(chosen(t, "q0: early 0.250"), "what is aside counts twice to the left");
    command(t, "first");
    command(t, "last");
    ok(chosen(t, "q4: early 0.500"), "the last one");
    terminal_type(t, "\033OD");
    ok(chosen(t, "q3: early 0.500"), "and the one that lies below it");
    int row, col;
    if (ok(cell_of(t, 0.9, 0.9, &row, &col), "a place")) {
        pointer_click(t, row, col);
        ok(chosen(t, "q2: early 0.900"), "a click chooses");
    }
}

static void reliability(struct terminal *t)
{
    command(t, "confidence-form reliability");
    ok(terminal_has(t, "Reliability: vqa val"), "the other form");
    ok(says_at(t, 0.5, 0, "early, 0.47 to 0.53: 2 items, confidence 0.500, accuracy 0.000") ||
       says_at(t, 0.5, 0, "final, 0.47 to 0.53: 2 items, confidence 0.500, accuracy 0.000"),
       "a bin of two wrong ones");
    ok(says_at(t, 0.75, 1, "early, 0.73 to 0.80: 1 item, confidence 0.750, accuracy 1.000") ||
       says_at(t, 0.75, 1, "final, 0.73 to 0.80: 1 item, confidence 0.750, accuracy 1.000"),
       "one of a right one");
    ok(says_at(t, 0.62, 1, "early, 0.60 to 0.67: 1 item, confidence 0.620, accuracy 1.000"),
       "one that only A has");
    ok(says_at(t, 0.38, 0, "final, 0.33 to 0.40: 1 item, confidence 0.380, accuracy 0.000"),
       "one that only B has");
    ok(terminal_has(t, "calibration error"), "and what it comes to");
    command(t, "confidence-task");
    ok(terminal_has(t, "Reliability: gqa val"), "the other task");
}

static bool file_has(const char *path, const char *text)
{
    char *data = calloc(1, 1 << 20);
    FILE *f = fopen(path, "r");
    bool has = data && f && fread(data, 1, (1 << 20) - 1, f) > 0 && strstr(data, text);
    if (f)
        fclose(f);
    free(data);
    return has;
}

static void figure(struct terminal *t)
{
    static const char *const all[] = {
        ">Confidence of logged evaluations: vqa val<", ">vqa val: final against early<",
        ">both right (1)<", ">neither (2)<", ">confidence of early<", ">vqa val: reliability<",
        ">accuracy<", "; evaluation "};
    command(t, "confidence vqa");
    command(t, "export confidence.svg");
    if (terminal_has(t, "without Cairo"))
        return;
    ok(terminal_expect(t, "confidence.svg: "), "a figure is written");
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        ok(file_has("confidence.svg", all[i]), "it has '%s'", all[i]);
    ok(!file_has("confidence.svg", "what color is"), "and nothing of the query on the screen");
}

/* Rows that say nothing of their confidence: no points, and no plot of none. */
static void bare(void)
{
    write_bare("bare.jsonl", true);
    import("bare");
    struct terminal *t = begin(24, 80, "bare.db", NULL);
    command(t, "confidence");
    command(t, "zoom");
    ok(terminal_expect(t, "no item has a confidence and a score"), "without points it says why");
    command(t, "confidence-form scatter");
    ok(terminal_expect(t, "no item has a confidence of A and one of B"), "and no scatter");
    terminal_type(t, "\r");
    ok(terminal_expect(t, "Enter asks an item"), "Enter has no item");
    terminal_command(t, "quit");
    ok(terminal_ends(t), "and it quits");
    write_bare("half.jsonl", false);
    import("half");
    t = begin(24, 80, "half.db", NULL);
    command(t, "confidence");
    ok(terminal_expect(t, "Reliability: vqa val"), "of one that has them there is its reliability");
    command(t, "confidence-form scatter");
    ok(terminal_expect(t, "no item has a confidence of A and one of B"), "and no scatter");
    terminal_command(t, "quit");
    ok(terminal_ends(t), "and it quits");
}

/* Enter asks the chosen item of both, where its image can be had. */
static void enter(struct terminal *t)
{
    int row, col;
    ok(chosen(t, "q2: early 0.900"), "an item is chosen");
    terminal_type(t, "\r");
    ok(terminal_expect(t, "(o opens its image)"), "Enter says which image is missing");
    if (ok(cell_of(t, 0.75, 0.25, &row, &col), "a place")) {
        pointer_click(t, row, col);
        ok(chosen(t, "q1: early 0.750"), "another one");
        command(t, "zoom"); /* back: the comparison has to be on the screen */
        terminal_type(t, "\r");
        ok(terminal_expect(t, "[TASK 1] what is thing 1 [SEP]"), "Enter asks it");
        ok(terminal_expect(t, "A early") && terminal_expect(t, "  margin "), "of both");
        ok(pointer_row_has(t, 0, "000001.png"), "about its image");
    }
}

int main(void)
{
    if (getenv("TMPDIR") && chdir(getenv("TMPDIR")) != 0)
        tap_note("not in the temporary folder");
    write_rows("confidence.jsonl");
    import("confidence");
    struct terminal *t = begin(40, 120, "confidence.db", NULL);
    scatter(t);
    reliability(t);
    figure(t);
    command(t, "confidence-form scatter");
    command(t, "export confidence.csv");
    ok(terminal_expect(t, "confidence.csv: ") && file_has("confidence.csv", "item 1,1,0.75"),
       "its numbers");
    enter(t);
    terminal_command(t, "quit");
    ok(terminal_ends(t), "and it quits");
    t = begin(24, 80, "confidence.db", "final");
    command(t, "confidence");
    command(t, "zoom");
    ok(terminal_has(t, "Reliability: ") && terminal_has(t, ", final"),
       "one checkpoint has its reliability");
    command(t, "confidence-form scatter");
    ok(terminal_expect(t, "no item that A and B both"), "and is compared with no other");
    terminal_command(t, "quit");
    ok(terminal_ends(t), "and it quits, too");
    bare();
    return tap_done();
}
