/* A result is shown beside what it is about, or in gray with words that say what it is about. Every
 * way in which the two come apart, and every view of a result. Broken by a view that keeps its
 * colors, a mark on a photo that the answer is not of, a note that stays or does not come, or
 * numbers of an earlier query that are taken for those of this one. */
#include "tap.h"
#include "terminal.h"

#include <stdlib.h>
#include <sys/wait.h>

#define ROWS 36
#define COLS 120

static struct terminal *start(void)
{
    const char *program = getenv("VILSCOPE");
    const char *argv[] = {program ? program : "./vilscope", "--no-log", "--threads", "1", NULL};
    struct terminal *t = terminal_start(argv, ROWS, COLS, true, false);
    terminal_expect(t, "1/24");
    terminal_expect(t, "answered");
    return t;
}

static void command(struct terminal *t, const char *line)
{
    terminal_type(t, ":");
    terminal_read(t, 20);
    terminal_type(t, line);
    terminal_type(t, "\r");
    terminal_settle(t, 120);
}

/* Reads until no row has the text, at most ten seconds. */
static bool goes(struct terminal *t, const char *text)
{
    for (int i = 0; i < 200 && terminal_has(t, text); i++)
        terminal_read(t, 50);
    return !terminal_has(t, text);
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
                 (letter && !VTERM_COLOR_IS_DEFAULT_FG(&cell.fg)) ||
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
    command(t, there);
    bool comes = terminal_expect(t, note);
    terminal_settle(t, 120);
    int letters = colored(t, 2);
    command(t, back);
    bool left = goes(t, "; r asks again");
    terminal_settle(t, 120);
    ok(comes && letters == 0 && left && colored(t, 2) > 0, "%s: \"%s\", %d colored cells; %s",
       there, note, letters, left ? "and back" : "but it stays");
}

/* Ways that can be gone back; the answer alone, over the whole body. */
static void ways(struct terminal *t)
{
    command(t, "view answer");
    command(t, "zoom");
    terminal_settle(t, 200);
    ok(!terminal_has(t, "r asks") && colored(t, 2) > 0, "what is shown has its colors");
    one_way(t, "next-image", "! of 000000.png; r asks again", "previous-image");
    one_way(t, "image 5", "! of 000000.png; r asks again", "image 1");
    one_way(t, "checkpoint early", "! of checkpoint final; r asks again", "checkpoint final");
    one_way(t, "task gqa", "! of task vqa; r asks again", "task vqa");
    command(t, "next-image");
    command(t, "task gqa");
    ok(terminal_expect(t, "! of 000000.png, task vqa; r asks again"), "several at once");
    command(t, "again");
    ok(goes(t, "r asks again") && terminal_has(t, "GQA"), "asked again it is gone");
}

static void words(struct terminal *t)
{
    command(t, "type is there a cone?");
    ok(!terminal_has(t, "r asks again"), "words that are being typed are not asked yet");
    terminal_type(t, "\033");
    ok(terminal_expect(t, "! of \"do you know what the"), "words that were not asked");
    command(t, "again");
    ok(goes(t, "r asks again") && terminal_has(t, "\"is there a cone?\""), "asked");
    command(t, "drop region 999");
    ok(terminal_expect(t, "! of the query without changes"), "a change that could not be asked");
    command(t, "again");
    ok(goes(t, "r asks again"), "and what is asked after it");
}

/* Candidates stand as if they had been drawn. */
static void boxes(struct terminal *t)
{
    command(t, "suggest visual7w");
    ok(goes(t, "r asks again") && terminal_expect(t, "Visual7W"), "asked of candidates");
    command(t, "drop-box");
    ok(terminal_expect(t, "! of other boxes; r asks again"), "a box is dropped");
    command(t, "again");
    ok(goes(t, "r asks again"), "asked without it");
}

/* Of a retrieval the set. */
static void sets(struct terminal *t)
{
    char line[600];
    command(t, "task coco");
    command(t, "ask a cat");
    goes(t, "r asks again");
    ok(terminal_expect(t, "alignment"), "a retrieval");
    snprintf(line, sizeof line, "open %s", source_path("tests/data/tiny/scene.png"));
    command(t, line);
    ok(terminal_expect(t, "24 images (25 are open); r asks again"), "an image more is open");
}

static const char *const views[] = {"answer", "looks", "tokens", "matrix", "heads", "states",
                                    "plane", "lens", "effects", "what-if", "compare",
                                    "difference"};

static void every_view(struct terminal *t)
{
    command(t, "zoom");
    command(t, "task vqa");
    command(t, "image 1");
    command(t, "ask what is red?");
    terminal_expect(t, "answered");
    command(t, "token 4");
    command(t, "compare");
    terminal_expect(t, "A early");
    command(t, "knock-out tokens");
    terminal_expect(t, "knocked out");
    command(t, "split answer");
    for (size_t i = 0; i < sizeof views / sizeof views[0]; i++) {
        char line[64], first[1024];
        snprintf(line, sizeof line, "view %s", views[i]);
        command(t, line);
        goes(t, "asked ...");
        goes(t, "reading the states");
        command(t, "image 2");
        terminal_expect(t, "! of 000000.png");
        terminal_settle(t, 150);
        terminal_row(t, 1, first, sizeof first);
        int letters = colored(t, 2), pixels = bright(t);
        bool note = strstr(first, "! of 000000.png; r asks again") != NULL;
        command(t, "checkpoint early");
        command(t, "image 1");
        terminal_settle(t, 150);
        bool sides = strcmp(views[i], "compare") == 0 || strcmp(views[i], "difference") == 0;
        bool of_one = terminal_has(t, "! of checkpoint final");
        command(t, "checkpoint final");
        ok(note && letters == 0 && pixels == 0 && of_one != sides,
           "%s: %s, %d colored cells, %d colored pixels; %s", views[i], note ? "a note" : first,
           letters, pixels, of_one ? "of one checkpoint" : "of all checkpoints");
    }
}

/* What is drawn on a photo is of the query that the screen shows. */
static void marks(struct terminal *t)
{
    command(t, "task refcoco");
    command(t, "ask the red star");
    goes(t, "r asks again");
    command(t, "view photo");
    terminal_settle(t, 200);
    ok(terminal_has(t, "rank and probability of the best"), "ranks on the photo");
    command(t, "task vqa");
    ok(terminal_expect(t, "nothing is drawn: the answer is not of this query; r asks"),
       "not of another task");
    command(t, "task refcoco");
    ok(terminal_expect(t, "rank and probability of the best"), "and back");
}

/* Hidden states and swaps are of a query, too, and of two checkpoints. */
static void of_two(struct terminal *t)
{
    command(t, "task vqa");
    command(t, "ask what is red?");
    goes(t, "r asks again");
    command(t, "between early final");
    command(t, "swap blocks");
    ok(terminal_expect(t, "\"what is red?\": A answers"), "a swap");
    command(t, "ask what is blue?");
    ok(terminal_expect(t, "! of blocks in early, final, \"what is red?\"; :swap blocks makes it "
                          "anew"),
       "a swap of an earlier query");
    terminal_type(t, "\r");
    ok(terminal_expect(t, "this is of another query"), "no part of it is asked of the new one");
    command(t, "drift");
    ok(terminal_expect(t, "\"what is blue?\""), "hidden states");
    command(t, "image 2");
    command(t, "ask what is blue?");
    ok(terminal_expect(t, "! hidden states of an earlier query, \"what is blue?\"; F asks again"),
       "of the same words on another image");
    command(t, "drift");
    ok(goes(t, "! hidden states"), "F asks again");
}

int main(void)
{
    setenv("TZ", "UTC", 1);
    setenv("VILSCOPE_DEMO", source_path("demo/model"), 1);
    struct terminal *t = start();
    ways(t);
    words(t);
    boxes(t);
    sets(t);
    command(t, "quit");
    int status = terminal_end(t);
    ok(WIFEXITED(status) && WEXITSTATUS(status) == 0, "ends with status 0");
    t = start();
    every_view(t);
    marks(t);
    of_two(t);
    command(t, "quit");
    status = terminal_end(t);
    ok(WIFEXITED(status) && WEXITSTATUS(status) == 0, "ends with status 0");
    return tap_done();
}
