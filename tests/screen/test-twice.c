/* SPDX-License-Identifier: MIT */
/* The same view twice on one screen: each pane has its own map, layer, head and settings, follows
 * its own keys, and exports its own numbers; what is chosen is one for both. Broken by state that
 * panes share, by a key that acts on the other pane, or by a slice that the selection takes. */
#include "tap.h"
#include "terminal.h"


enum { ROWS = 40, COLS = 160, MIDDLE = COLS * 3 / 5 };

/* What a half of a row says. */
static const char *half(const struct terminal *t, int row, bool right)
{
    static char text[8 * COLS];
    char all[8 * COLS];
    terminal_drawn(t, row, all, sizeof all);
    char *border = strpbrk(all, "|!"); /* there is one, between the panes */
    if (border)
        *border = '\0';
    snprintf(text, sizeof text, "%s", !right ? all : border ? border + 1 : "");
    return text;
}

static bool says(const struct terminal *t, int row, bool right, const char *text)
{
    bool there = strstr(half(t, row, right), text) != NULL;
    if (!there)
        printf("# row %d, %s: %s\n", row, right ? "right" : "left", half(t, row, right));
    return there;
}

/* Of the pixels of a half of the screen. */
static uint64_t pixels(const struct terminal *t, bool right)
{
    uint64_t h = 14695981039346656037u;
    int from = right ? MIDDLE * CELL_W : 0, end = right ? MAX_W : MIDDLE * CELL_W;
    for (int y = 0; y < MAX_H; y++)
        for (int x = from; x < end; x++)
            for (int k = 0; k < 3; k++)
                h = (h ^ (t->painted[y][x] ? t->rgb[y][x][k] : 255)) * 1099511628211u;
    return h;
}

/* Only the half that has the keys changed. */
static void changed(const struct terminal *t, const uint64_t before[2], bool right,
                    const char *what)
{
    ok(pixels(t, right) != before[right] && pixels(t, !right) == before[!right],
       "%s: the picture %s changes, the other does not", what, right ? "right" : "left");
}

static void press(struct terminal *t, const char *keys, uint64_t before[2])
{
    before[0] = pixels(t, false);
    before[1] = pixels(t, true);
    terminal_type(t, keys);
    terminal_settle(t, 200);
}

/* The bytes of a file, freed by the caller; "" when there is none. */
static char *text_of(const char *path)
{
    char *text = calloc(1, 1 << 16);
    FILE *f = fopen(path, "r");
    size_t n = f ? fread(text, 1, (1 << 16) - 1, f) : 0;
    text[n] = '\0';
    if (f)
        fclose(f);
    unlink(path);
    return text;
}

static char *exported(struct terminal *t)
{
    const char *home = getenv("TMPDIR");
    char path[4096];
    snprintf(path, sizeof path, "%s/twice.csv", home ? home : "/tmp");
    terminal_command(t, "export %s", path);
    return text_of(path);
}

/* The screen with nothing but a view twice beside each other; the right one has the keys. */
static struct terminal *twice(const char *view)
{
    static const char *const others[] = {"image", "answer", "attention", "matrix", "heads"};
    struct terminal *t = terminal_demo(ROWS, COLS);
    terminal_command(t, "view %s", view);
    terminal_command(t, "split %s", view);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (strcmp(others[i], view) != 0)
            terminal_command(t, "hide %s", others[i]);
    return t;
}

static void quit(struct terminal *t, const char *what)
{
    terminal_command(t, "quit");
    ok(terminal_ends(t), "%s: ends with status 0", what);
}

static void matrices(void)
{
    struct terminal *t = twice("matrix");
    uint64_t before[2];
    ok(says(t, 1, false, "text to image, layer 2/3, mean") &&
       says(t, 1, true, "text to image, layer 2/3, mean"), "both begin with what was shown");
    press(t, "]", before);
    ok(says(t, 1, false, "layer 2/3") && says(t, 1, true, "layer 3/3"),
       "the key of layers acts on the pane that has the keys");
    changed(t, before, true, "another layer");
    char *third = exported(t);
    press(t, "\t", before);
    char *second = exported(t);
    ok(*second && *third && strcmp(second, third) != 0, "each exports the numbers of its layer");
    press(t, "}", before);
    ok(says(t, 1, false, "layer 2/3, head 1/4") && says(t, 1, true, "layer 3/3, mean"),
       "heads are each one's own");
    changed(t, before, false, "another head");
    press(t, "{]", before);
    char *again = exported(t);
    ok(strcmp(again, third) == 0, "the same layer and heads are the same numbers");
    press(t, "\t", before);
    press(t, "mm", before);
    ok(says(t, 1, false, "text to image, layer 3/3") && says(t, 1, true, "text to text, layer"),
       "so are maps");
    changed(t, before, true, "another map");
    press(t, "mm", before);
    press(t, ":token large\r", before);
    ok(says(t, 2, false, "row large") && says(t, 2, true, "row large"),
       "what is chosen is chosen in both");
    terminal_command(t, "hide");
    terminal_command(t, "split matrix");
    ok(says(t, 1, false, "layer 3/3") && says(t, 1, true, "layer 3/3"),
       "a second one begins with what the first shows");
    free(second);
    free(third);
    free(again);
    quit(t, "matrices");
}

static void others(void)
{
    struct terminal *t = twice("heads");
    terminal_command(t, "statistic k90");
    ok(says(t, 2, false, "entropy:") && says(t, 2, true, "k90:"), "a statistic is of its pane");
    terminal_command(t, "layer 1");
    ok(says(t, 1, false, "layer 2") && says(t, 1, true, "layer 1"), "and a layer");
    quit(t, "heads");
    t = twice("states");
    terminal_command(t, "token large");
    uint64_t before[2];
    press(t, "[", before);
    ok(says(t, 1, false, "after text 4") && says(t, 1, true, "after image 3"),
       "depths are each one's own");
    quit(t, "states");
    t = twice("image");
    press(t, ">", before);
    ok(says(t, 35, true, "1.5 times") && !strstr(half(t, 35, false), "1.5 times"),
       "one photo is enlarged, the other is not");
    changed(t, before, true, "enlarging");
    quit(t, "photo");
}

/* The photo goes with the selection, which a second pane has nothing to do with until Enter. */
static void photo_follows(void)
{
    struct terminal *t = terminal_demo(ROWS, COLS);
    terminal_command(t, "token large");
    terminal_command(t, "matrix");
    terminal_command(t, "split matrix");
    terminal_command(t, "layer 3");
    ok(terminal_has(t, "large, text to image, layer 2, mean of heads"),
       "the photo shows the selection's layer");
    terminal_type(t, "\r");
    ok(terminal_expect(t, "large, text to image, layer 3, mean of heads"),
       "and after Enter that of the second matrix");
    quit(t, "photo and matrix");
}

/* What is frozen stays, whatever is looked at and asked in the pane that it was made of. */
static void frozen(void)
{
    struct terminal *t = terminal_demo(ROWS, COLS);
    uint64_t before[2];
    terminal_command(t, "matrix");
    for (int i = 0; i < 4; i++)
        terminal_command(t, "hide %s", ((const char *[]){"image", "answer", "attention",
                                                         "heads"})[i]);
    press(t, "*", before);
    ok(says(t, 1, false, "text to image, layer 2/3") && says(t, 1, true, "frozen: matrix") &&
       says(t, 2, true, "text to image, layer 2/3"), "a pane is kept beside itself");
    uint64_t kept = pixels(t, true);
    press(t, "]", before);
    ok(says(t, 1, false, "layer 3/3") && says(t, 2, true, "layer 2/3"), "its text stays");
    changed(t, before, false, "another layer beside what is frozen");
    terminal_command(t, "ask is there a star");
    ok(terminal_expect(t, "is there a star") && says(t, 2, true, "layer 2/3") &&
       pixels(t, true) == kept, "and stays when something else is asked");
    terminal_resize(t, 30, 120);
    terminal_settle(t, 200);
    ok(terminal_has(t, "frozen: matrix, cut: it was larger"), "what has no room is said to be cut");
    terminal_resize(t, ROWS, COLS);
    terminal_settle(t, 200);
    ok(pixels(t, true) == kept, "and is whole again when there is room");
    quit(t, "frozen");
}

int main(void)
{
    matrices();
    others();
    photo_follows();
    frozen();
    return tap_done();
}
