/* SPDX-License-Identifier: MIT */
/* A result is shown beside what it is about, or in gray with words that say what it is about. Every
 * way in which the two come apart, and every view of a result. Broken by a view that keeps its
 * colors, a mark on a photo that the answer is not of, a note that stays or does not come, or
 * numbers of an earlier query that are taken for those of this one. */
#include "tap.h"
#include "terminal.h"

#include <stdlib.h>

#define ROWS 36
#define COLS 120

#define DIM 247 /* the gray of what stands back, in a dark theme */

static bool is_gray(const VTermColor *c)
{
    return VTERM_COLOR_IS_DEFAULT_FG(c) || (VTERM_COLOR_IS_INDEXED(c) && c->indexed.idx == DIM);
}

/* Cells with a color, reversed or bold, of the body below its first row. */
static int colored(const struct terminal *t, int from)
{
    int n = 0;
    for (int row = from; row < ROWS - 4; row++)
        for (int col = 0; col < COLS; col++) {
            VTermScreenCell cell;
            if (!vterm_screen_get_cell(t->screen, (VTermPos){row, col}, &cell))
                continue;
            bool letter = cell.chars[0] > 0x20 && cell.chars[0] != 0xa0;
            n += cell.attrs.reverse || cell.attrs.bold ||
                 (letter && !is_gray(&cell.fg)) ||
                 !VTERM_COLOR_IS_DEFAULT_BG(&cell.bg);
        }
    return n;
}

/* Pixels of pictures in the body that are no gray. */
static int bright(const struct terminal *t)
{
    int n = 0;
    for (int y = CELL_H; y < (ROWS - 4) * CELL_H; y++)
        for (int x = 0; x < COLS * CELL_W && x < MAX_W; x++) {
            const uint8_t *p = t->rgb[y][x];
            int most = p[0] > p[1] ? p[0] : p[1], least = p[0] < p[1] ? p[0] : p[1];
            most = p[2] > most ? p[2] : most;
            least = p[2] < least ? p[2] : least;
            n += t->painted[y][x] && most - least > 60; /* dither mixes colors of a coarse cube */
        }
    return n;
}

static void one_way(struct terminal *t, const char *there, const char *note, const char *back)
{
    terminal_command(t, "%s", there);
    bool comes = terminal_expect(t, note);
    terminal_settle(t, 120);
    int letters = colored(t, 2);
    terminal_command(t, "%s", back);
    bool left = terminal_goes(t, "; r asks again");
    terminal_settle(t, 120);
    ok(comes && letters == 0 && left && colored(t, 2) > 0, "%s: \"%s\", %d colored cells; %s",
       there, note, letters, left ? "and back" : "but it stays");
}

/* Ways that can be gone back; the answer alone, over the whole body. */
static void ways(struct terminal *t)
{
    terminal_command(t, "view answer");
    terminal_command(t, "zoom");
    terminal_settle(t, 200);
    ok(!terminal_has(t, "r asks") && colored(t, 2) > 0, "what is shown has its colors");
    one_way(t, "next-image", "! of 000000.png; r asks again", "previous-image");
    one_way(t, "image 5", "! of 000000.png; r asks again", "image 1");
    one_way(t, "checkpoint early", "! of checkpoint final; r asks again", "checkpoint final");
    one_way(t, "task gqa", "! of task vqa; r asks again", "task vqa");
    terminal_command(t, "next-image");
    terminal_command(t, "task gqa");
    ok(terminal_expect(t, "! of 000000.png, task vqa; r asks again"), "several at once");
    terminal_command(t, "again");
    ok(terminal_goes(t, "r asks again") && terminal_has(t, "GQA"), "asked again it is gone");
}

static void words(struct terminal *t)
{
    terminal_command(t, "type is there a cone?");
    ok(!terminal_has(t, "r asks again"), "words that are being typed are not asked yet");
    terminal_type(t, "\033");
    ok(terminal_expect(t, "! of \"do you know what the"), "words that were not asked");
    terminal_command(t, "again");
    ok(terminal_goes(t, "r asks again") && terminal_has(t, "\"is there a cone?\""), "asked");
    terminal_command(t, "drop region 999");
    ok(terminal_expect(t, "! of the query without changes"), "a change that could not be asked");
    terminal_command(t, "again");
    ok(terminal_goes(t, "r asks again"), "and what is asked after it");
}

/* Candidates stand as if they had been drawn. */
static void boxes(struct terminal *t)
{
    terminal_command(t, "suggest visual7w");
    ok(terminal_goes(t, "r asks again") && terminal_expect(t, "Visual7W"), "asked of candidates");
    terminal_command(t, "drop-box");
    ok(terminal_expect(t, "! of other boxes; r asks again"), "a box is dropped");
    terminal_command(t, "again");
    ok(terminal_goes(t, "r asks again"), "asked without it");
}

/* Of a retrieval the set. */
static void sets(struct terminal *t)
{
    terminal_command(t, "task coco");
    terminal_command(t, "ask a cat");
    terminal_goes(t, "r asks again");
    ok(terminal_expect(t, "alignment"), "a retrieval");
    terminal_command(t, "open %s", source_path("tests/data/pictures/gray.png"));
    ok(terminal_expect(t, "24 images (25 are open); r asks again"), "an image more is open");
}

static const char *const views[] = {"answer", "attention", "tokens", "matrix", "heads", "states",
                                    "plane", "lens", "attribution", "effects", "what-if",
                                    "compare", "difference"};

static void every_view(struct terminal *t)
{
    terminal_command(t, "zoom");
    terminal_command(t, "task vqa");
    terminal_command(t, "image 1");
    terminal_command(t, "ask what is red?");
    terminal_expect(t, "answered");
    terminal_command(t, "token 4");
    terminal_command(t, "compare");
    terminal_expect(t, "A early");
    terminal_command(t, "leave-one-out tokens");
    terminal_expect(t, "leave-one-out: ");
    terminal_command(t, "attribute relevancy");
    terminal_command(t, "split answer");
    for (size_t i = 0; i < sizeof views / sizeof views[0]; i++) {
        char first[1024];
        terminal_command(t, "view %s", views[i]);
        terminal_goes(t, "asking ...");
        terminal_goes(t, "reading the states");
        terminal_command(t, "image 2");
        terminal_expect(t, "! of 000000.png");
        terminal_settle(t, 150);
        terminal_row(t, 1, first, sizeof first);
        int letters = colored(t, 2), pixels = bright(t);
        bool note = strstr(first, "! of 000000.png; r asks again") != NULL;
        terminal_command(t, "checkpoint early");
        terminal_command(t, "image 1");
        terminal_settle(t, 150);
        bool sides = strcmp(views[i], "compare") == 0 || strcmp(views[i], "difference") == 0;
        bool of_one = terminal_has(t, "! of checkpoint final");
        terminal_command(t, "checkpoint final");
        ok(note && letters == 0 && pixels == 0 && of_one != sides,
           "%s: %s, %d colored cells, %d colored pixels; %s", views[i], note ? "a note" : first,
           letters, pixels, of_one ? "of one checkpoint" : "of all checkpoints");
    }
    terminal_command(t, "attribute off");
}

/* What is drawn on a photo is of the query that the screen shows. */
static void marks(struct terminal *t)
{
    terminal_command(t, "task refcoco");
    terminal_command(t, "ask the red star");
    terminal_goes(t, "r asks again");
    terminal_command(t, "view image");
    terminal_settle(t, 200);
    ok(terminal_has(t, "rank and probability of the best"), "ranks on the photo");
    terminal_command(t, "task vqa");
    ok(terminal_expect(t, "no boxes: the answer is to another query; r asks again"),
       "not of another task");
    terminal_command(t, "task refcoco");
    ok(terminal_expect(t, "rank and probability of the best"), "and back");
}

/* Hidden states and swaps are of a query, too, and of two checkpoints. */
static void of_two(struct terminal *t)
{
    terminal_command(t, "task vqa");
    terminal_command(t, "ask what is red?");
    terminal_goes(t, "r asks again");
    terminal_command(t, "between early final");
    terminal_command(t, "patch blocks");
    ok(terminal_expect(t, "\"what is red?\": A answers"), "a swap");
    terminal_command(t, "ask what is blue?");
    ok(terminal_expect(t, "! of blocks in early, final, \"what is red?\"; :patch blocks "
                          "computes it again"),
       "a swap of an earlier query");
    terminal_type(t, "\r");
    ok(terminal_expect(t, "this is of another query"), "no part of it is asked of the new one");
    terminal_command(t, "drift");
    ok(terminal_expect(t, "\"what is blue?\""), "hidden states");
    terminal_command(t, "image 2");
    terminal_command(t, "ask what is blue?");
    ok(terminal_expect(t, "! hidden states of an earlier query, \"what is blue?\"; F asks again"),
       "of the same words on another image");
    terminal_command(t, "drift");
    ok(terminal_goes(t, "! hidden states"), "F asks again");
}

int main(void)
{
    setenv("TZ", "UTC", 1);
    struct terminal *t = terminal_demo(ROWS, COLS);
    ways(t);
    words(t);
    boxes(t);
    sets(t);
    terminal_command(t, "quit");
    ok(terminal_ends(t), "ends with status 0");
    t = terminal_demo(ROWS, COLS);
    every_view(t);
    marks(t);
    of_two(t);
    terminal_command(t, "quit");
    ok(terminal_ends(t), "ends with status 0");
    return tap_done();
}
