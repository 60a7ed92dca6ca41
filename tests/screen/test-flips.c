/* SPDX-License-Identifier: MIT */
/* The list of items that flipped is whole, however long it is: pages follow at its end, and words
 * are looked for in all of it. Broken by a list that ends with its first page, a count that does,
 * a task in which words are looked for no further because another one has them, or a figure that
 * does not say by what its items were chosen. */
#include "tap.h"
#include "terminal.h"

#include <stdlib.h>
#include <unistd.h>

#define ITEMS 2300
#define FROZEN "tests/data/frozen"

static void write_row(FILE *f, const char *task, int checkpoint, int i, const char *word)
{
    fprintf(f, "{\"task\": \"%s\", \"split\": \"val\", \"checkpoint\": \"%s\", \"index\": %d,"
            " \"id\": %d, \"image\": %d, \"text\": \"item %d%s\", \"choice\": %d,"
            " \"answer\": \"%s\", \"top\": [[%d, %.4f]], \"margin\": 1, \"score\": %d.0,"
            " \"correct\": %s}\n",
            task, checkpoint ? "final" : "early", i, i, i, i, word, checkpoint,
            checkpoint ? "yes" : "no", checkpoint, 3 - i / 1000.0, checkpoint,
            checkpoint ? "true" : "false");
}

/* B is right where A is wrong, the first item the surest; the word is in the last item of one task
 * and in the first of the other. */
static void write_rows(const char *path)
{
    FILE *f = fopen(path, "w");
    for (int k = 0; f && k < 2; k++) {
        for (int i = 0; i < ITEMS; i++)
            write_row(f, "vqa", k, i, i == ITEMS - 1 ? " rhinoceros" : "");
        for (int i = 0; i < 3; i++)
            write_row(f, "gqa", k, i, i == 0 ? " rhinoceros" : "");
    }
    if (f)
        fclose(f);
}

static struct terminal *begin(void)
{
    const char *argv[] = {terminal_program(), "--log", "flips.db", "--threads", "1", NULL};
    char command[9000];
    char *dir = realpath(source_path(FROZEN), NULL);
    write_rows("flips.jsonl");
    snprintf(command, sizeof command, "rm -f flips.db*; '%s' sessions import flips.jsonl -m '%s'"
             " -c early -c final --log flips.db >/dev/null", terminal_program(), dir ? dir : "");
    ok(system(command) == 0, "rows are imported: %s", command);
    free(dir);
    terminal_opens(FROZEN_MODEL);
    struct terminal *t = terminal_start(argv, 32, 140, false, false);
    terminal_expect(t, "answered");
    return t;
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

/* Whether the one text is two rows below the other. */
static bool two_below(struct terminal *t, const char *above, const char *text)
{
    terminal_settle(t, 120);
    int row = terminal_row_of(t, above);
    return row >= 0 && terminal_row_of(t, text) == row + 2;
}

/* It says by what its items were chosen. */
static void figure(struct terminal *t)
{
    static const char *const all[] = {">Task vqa<", ">Answers at least 50 % sure<",
                                      ">With the words \u201citem 1\u201d<", ">the first 400<"};
    terminal_command(t, "flips vqa");
    terminal_command(t, "flips-sure");
    terminal_type(t, "/item 1\r");
    terminal_expect(t, "50 % sure: 1");
    terminal_command(t, "export flips.svg");
    if (!terminal_has(t, "without Cairo")) {
        ok(terminal_expect(t, "flips.svg: "), "a figure is written");
        for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
            ok(file_has("flips.svg", all[i]), "it has '%s'", all[i]);
    }
    for (int i = 0; i < 3; i++)
        terminal_command(t, "flips-sure");
}

int main(void)
{
    if (getenv("TMPDIR") && chdir(getenv("TMPDIR")) != 0)
        tap_note("not in the temporary folder");
    struct terminal *t = begin();
    terminal_command(t, "flips vqa");
    ok(terminal_expect(t, "1000 of 2300 items"), "a page is read, and all are counted");
    ok(terminal_has(t, "item 0 ") && !terminal_has(t, "item 999"), "the surest first");
    terminal_type(t, "\033OF");
    ok(terminal_expect(t, "2000 of 2300 items") && terminal_expect(t, "item 999"),
       "at its end the next page follows");
    terminal_type(t, "\033OF");
    ok(terminal_expect(t, "vqa flipped: 2300 items") && terminal_expect(t, "item 1999"),
       "and the last one");
    terminal_type(t, "\033OF");
    ok(terminal_expect(t, "item 2299 rhinoceros"), "up to the last item");
    terminal_command(t, "flips vqa");
    terminal_expect(t, "1000 of 2300 items");
    terminal_type(t, "/rhinoceros\r");
    ok(terminal_expect(t, "flipped: 1 items") && terminal_expect(t, "item 2299 rhinoceros"),
       "a word is found behind the first page");
    terminal_type(t, "/gnu\r");
    ok(terminal_expect(t, "flipped: 0 items") && two_below(t, "flipped: 0", "no item has these"),
       "where no item has the words, they are said below the title and what keys do");
    figure(t);
    terminal_command(t, "flips");
    terminal_expect(t, "1003 of 2303 items");
    terminal_type(t, "/rhinoceros\r");
    ok(terminal_expect(t, "flipped: 2 items") && terminal_expect(t, "item 2299 rhinoceros"),
       "also where another task has it on its first page");
    terminal_command(t, "quit");
    ok(terminal_ends(t), "and it quits");
    return tap_done();
}
