/* SPDX-License-Identifier: MIT */
/* The workbench in a terminal: it starts, takes a query typed by key presses, draws the ranked
 * boxes and the attention on the photo, lists, resizes, suspends, and leaves a clean screen; with
 * sixels, with blocks, and with a terminal that answers nothing. Pixels are looked at. */
#include "pixels.h"
#include "tap.h"
#include "terminal.h"

#include <sys/stat.h>
#include <signal.h>
#include <stdlib.h>

static char log_path[4096];

static struct terminal *start(bool sixel, bool mute, const char *task, bool no_model)
{
    static char tiny[4096], scene[4096], mirror[4096];
    const char *home = getenv("TMPDIR");
    snprintf(tiny, sizeof tiny, "%s", source_path("tests/data/tiny"));
    snprintf(scene, sizeof scene, "%s", source_path("tests/data/tiny/scene.png"));
    snprintf(mirror, sizeof mirror, "%s", source_path("tests/data/tiny/mirror.png"));
    snprintf(log_path, sizeof log_path, "%s/screen.db", home ? home : "/tmp");
    const char *argv[] = {terminal_program(), "--log", log_path, "-t", task,
                          no_model ? NULL : "-m", tiny, scene, mirror, NULL};
    return terminal_start(argv, 32, 110, sixel, mute);
}

/* Pixels of about this color in the picture area. */
static int count_color(const struct terminal *t, int r, int g, int b)
{
    int n = 0;
    for (int y = 0; y < 32 * CELL_H && y < MAX_H; y++)
        for (int x = 0; x < 70 * CELL_W && x < MAX_W; x++)
            n += abs(t->rgb[y][x][0] - r) < 12 && abs(t->rgb[y][x][1] - g) < 12 &&
                 abs(t->rgb[y][x][2] - b) < 12;
    return n;
}

/* A pixel of the photo: x, y from 0 to 1. */
static const uint8_t *photo_pixel(const struct terminal *t, double x, double y)
{
    struct picture p;
    pixels_picture(t, &p);
    return t->rgb[p.row * CELL_H + (int)(y * p.h)][p.col * CELL_W + (int)(x * p.w)];
}

/* Its cursor says whether a line takes letters; the hint beside it gives way to messages. */
static void await_line(struct terminal *t, bool takes)
{
    int row;
    TERMINAL_UNTIL(t, terminal_cursor(t, &row) == takes);
    if (terminal_cursor(t, &row) != takes)
        tap_note("a line %s letters", takes ? "takes no" : "still takes");
}

static void ask(struct terminal *t, const char *text)
{
    terminal_type(t, "/");
    await_line(t, true);
    terminal_type(t, text);
    terminal_expect(t, text);
    terminal_type(t, "\r");
}

static void quit(struct terminal *t, const char *what)
{
    terminal_type(t, "q");
    ok(terminal_ends(t), "%s: q quits with status 0", what);
}

static void with_sixels(void)
{
    struct terminal *t = start(true, false, "refcoco", false);
    ok(terminal_expect(t, "RefCOCO") && terminal_expect(t, "scene.png  1/2"), "the screen opens");
    TERMINAL_UNTIL(t, photo_pixel(t, 0.2, 0.6)[0] > 150);
    const uint8_t *p = photo_pixel(t, 0.2, 0.6);
    struct picture photo;
    ok(pixels_picture(t, &photo) && photo.w > 200, "a picture of %dx%d is drawn", photo.w,
       photo.h);
    ok(p[0] > 150 && p[1] < 90 && p[2] < 90, "the red square is red: %d %d %d", p[0], p[1], p[2]);
    ok(photo.row * CELL_H + photo.h <= 28 * CELL_H, "the picture ends above the last rows");
    int yellow = count_color(t, 255, 204, 0), images = t->images;
    ask(t, "the red square");
    ok(terminal_expect(t, "the red square") && terminal_expect(t, "region 3"), "boxes are ranked");
    ok(terminal_expect(t, "logged as 1"), "the query is logged");
    TERMINAL_UNTIL(t, count_color(t, 255, 204, 0) > yellow + 300);
    ok(t->images > images && count_color(t, 255, 204, 0) > yellow + 300,
       "the first rank's box is drawn in its color");
    images = t->images;
    terminal_type(t, "\033OC\033OC\033OC"); /* Right three times: a token */
    ok(terminal_expect(t, "\"the\" attends to") || terminal_expect(t, "attends to"),
       "what a token attends to is listed");
    TERMINAL_UNTIL(t, t->images > images);
    ok(t->images > images, "and drawn over the photo");
    terminal_type(t, "]}");
    ok(terminal_expect(t, "layer 2/") && terminal_expect(t, "head 1/"), "layer and head change");
    terminal_type(t, "n");
    ok(terminal_expect(t, "mirror.png  2/2"), "the next image is shown");
    terminal_type(t, "?");
    ok(terminal_expect(t, "choose the task"), "? shows the keys");
    images = t->images;
    terminal_type(t, "clipb");
    terminal_expect(t, "copy the chosen text");
    terminal_settle(t, 100);
    ok(terminal_has(t, "copy the chosen text") && !terminal_has(t, "choose the task"),
       "letters search in it");
    terminal_type(t, "\033");
    TERMINAL_UNTIL(t, t->images > images && !terminal_has(t, "clipboard"));
    ok(t->images > images && !terminal_has(t, "clipboard"), "Esc leaves the help");
    quit(t, "sixel");
}

static void lists_and_typing(void)
{
    struct terminal *t = start(true, false, "vqa", false);
    terminal_expect(t, "VQA v2");
    terminal_type(t, "t");
    ok(terminal_expect(t, "SNLI-VE") && terminal_expect(t, "grounding"), "t lists the tasks");
    terminal_type(t, "\033OB\033OB\r");
    ok(terminal_expect(t, "GQA"), "another is chosen");
    terminal_type(t, "what is it q?");
    terminal_expect(t, "what is it q?");
    terminal_type(t, "\001\013");
    ok(terminal_goes(t, "what is it"), "^A ^K empty the line; q and ? are letters while typing");
    terminal_type(t, "what color is the caf\xc3\xa9\r");
    ok(terminal_expect(t, "answer 1"), "GQA answers by its labels");
    terminal_expect(t, "logged as");
    terminal_type(t, "H");
    ok(terminal_expect(t, "History") && terminal_expect(t, "the red square"),
       "the history lists this and the earlier run");
    terminal_type(t, "\r");
    ok(terminal_expect(t, "> what color is the caf\xc3\xa9"), "a query is taken again");
    terminal_type(t, "\033");
    terminal_goes(t, "Enter accepts");
    terminal_type(t, "o/nowhere/x.png\r");
    ok(terminal_expect(t, "No such file"), "an image that is not there is said so");
    terminal_type(t, "\033");
    await_line(t, false);
    quit(t, "lists");
}

static void two_images(void)
{
    struct terminal *t = start(true, false, "nlvr2", false);
    terminal_expect(t, "NLVR2");
    ask(t, "both image contains a dog");
    ok(terminal_expect(t, "true") && terminal_expect(t, "false"), "NLVR2 answers on two images");
    terminal_type(t, "t");
    terminal_expect(t, "grounding");
    terminal_type(t, "\033OH\033OB\033OB\033OB\r\r"); /* Home, three down: COCO retrieval; ask */
    ok(terminal_expect(t, "alignment"), "COCO retrieval ranks the images");
    quit(t, "two images");
}

static void resize(void)
{
    struct terminal *t = start(true, false, "refcoco", false);
    terminal_expect(t, "scene.png");
    struct picture before, after;
    TERMINAL_UNTIL(t, pixels_picture(t, &before) && before.w > 200);
    terminal_resize(t, 24, 80);
    TERMINAL_UNTIL(t, pixels_picture(t, &after) && after.w < before.w && after.w > 100);
    ok(pixels_picture(t, &after) && after.w < before.w && after.w > 100,
       "a smaller terminal gets a smaller picture");
    ok(terminal_expect(t, "vilscope"), "and its text");
    terminal_resize(t, 6, 20);
    ok(terminal_expect(t, "too small"), "a tiny one is told");
    terminal_resize(t, 30, 100);
    ok(terminal_expect(t, "RefCOCO"), "and forgiven");
    terminal_type(t, "\032"); /* ^Z: nobody could wake it here, as it has no shell */
    terminal_read(t, 300);
    ok(terminal_expect(t, "RefCOCO"), "^Z without a shell does no harm");
    kill(t->pid, SIGTERM);
    ok(terminal_ends(t), "SIGTERM ends it in order");
}

/* In a shell with job control, which says when it has the terminal again. */
static void suspend(void)
{
    char command[9000];
    snprintf(command, sizeof command, "'%s' --no-log -t refcoco -m '%s' '%s'; echo SHELL AGAIN; "
             "sleep 1; fg >/dev/null", terminal_program(),
             source_path("tests/data/tiny"), source_path("tests/data/tiny/scene.png"));
    const char *argv[] = {"/bin/sh", "-mc", command, NULL};
    struct terminal *t = terminal_start(argv, 32, 110, true, false);
    terminal_expect(t, "RefCOCO");
    TERMINAL_UNTIL(t, t->images > 0);
    terminal_settle(t, 100);
    int images = t->images;
    terminal_type(t, "\032");
    ok(terminal_expect(t, "SHELL AGAIN") && !terminal_has(t, "RefCOCO"),
       "^Z suspends and leaves a clean screen");
    ok(terminal_expect(t, "RefCOCO"), "it comes back");
    TERMINAL_UNTIL(t, t->images > images);
    ok(t->images > images, "with its picture");
    quit(t, "suspended");
}

/* An image of which nothing is known but its pixels. */
static void regions_and_boxes(void)
{
    char image[4096], command[9000];
    const char *home = getenv("TMPDIR");
    snprintf(image, sizeof image, "%s/one photo.png", home ? home : "/tmp");
    snprintf(command, sizeof command, "cp '%s' '%s'", source_path("tests/data/tiny/scene.png"),
             image);
    if (system(command) != 0)
        tap_note("no copy of the scene");
    const char *argv[] = {terminal_program(), "--no-log", "-t", "refcoco", "-m",
                          source_path("tests/data/tiny"), NULL};
    setenv("VILSCOPE_CACHE_MB", "0", 1);
    struct terminal *t = terminal_start(argv, 32, 110, true, false);
    terminal_expect(t, "No image is open");
    terminal_type(t, "o");
    await_line(t, true);
    terminal_type(t, image);
    terminal_expect(t, "one photo.png");
    terminal_type(t, "\r");
    ok(terminal_expect(t, "10 regions found"), "a path with a blank opens; regions are found");
    terminal_type(t, "g");
    ok(terminal_expect(t, "x1   y1") && terminal_expect(t, "10 sky"), "g lists them by class");
    TERMINAL_UNTIL(t, photo_pixel(t, 0.2, 0.6)[0] < 110 && photo_pixel(t, 0.2, 0.6)[1] < 60);
    const uint8_t *p = photo_pixel(t, 0.2, 0.6);
    ok(p[0] < 110 && p[1] < 60, "outside of the chosen one the photo is dim: %d %d %d", p[0], p[1],
       p[2]);
    terminal_type(t, "\033");
    TERMINAL_UNTIL(t, photo_pixel(t, 0.2, 0.6)[0] > 150);
    p = photo_pixel(t, 0.2, 0.6);
    ok(p[0] > 150, "Esc brings it back: %d %d %d", p[0], p[1], p[2]);
    terminal_type(t, "bHH\rLLLL");
    terminal_read(t, 100);
    terminal_type(t, "JJ\r");
    ok(terminal_expect(t, "1 drawn box"), "a box is drawn by keys");
    TERMINAL_UNTIL(t, count_color(t, 255, 255, 255) > 400);
    int white = count_color(t, 255, 255, 255);
    ok(white > 400, "and shown: %d white pixels", white);
    ask(t, "the red square");
    terminal_expect(t, "softmax");
    terminal_settle(t, 200);
    ok(terminal_expect(t, "region 1 ") && terminal_expect(t, "whole image") &&
       !terminal_has(t, "region 2"), "a query sees the box and the whole image only");
    terminal_type(t, "xr");
    ok(terminal_expect(t, "region 2"), "x takes it away, r asks about the detected regions");
    quit(t, "regions");
    unsetenv("VILSCOPE_CACHE_MB");
    unlink(image);
}

/* What the terminal answers after nobody waits for it any more must not be taken for keys. */
static void late_answers(void)
{
    struct terminal *t = start(true, true, "refcoco", false);
    terminal_expect(t, "scene.png");
    ok(t->images == 0, "a terminal that does not answer gets blocks");
    terminal_type(t, "\033[?2;0;1400;900S\033[?2026;2$y\033[6;16;8t\033[?64;1;4q");
    terminal_type(t, "\033]10;rgb:0/0/0\033\\\033P1$r0q\033\\");
    terminal_read(t, 300);
    ok(terminal_has(t, "RefCOCO") && terminal_has(t, "scene.png") && t->images == 0,
       "answers that come late are no keys");
    terminal_type(t, "\033[?64;1;4c");
    TERMINAL_UNTIL(t, t->images > 0);
    ok(t->images > 0, "a late \"I know sixels\" is believed");
    quit(t, "late answers");
}


static void with_blocks(void)
{
    struct terminal *t = start(false, false, "refcoco", false);
    uint8_t rgb[3];
    int red = 0;
    ok(terminal_expect(t, "scene.png"), "without sixels it opens");
    terminal_read(t, 300);
    for (int r = 0; r < 32; r++)
        for (int c = 0; c < 66; c++)
            red += terminal_cell_color(t, r, c, 0x2580, rgb) && rgb[0] > 150 && rgb[1] < 90 &&
                   rgb[2] < 90;
    ok(t->images == 0 && red > 20, "and draws blocks: %d red ones", red);
    ask(t, "the red square");
    ok(terminal_expect(t, "1 0.") && terminal_expect(t, "region 3"), "with ranks as text");
    quit(t, "blocks");
}

static void mute_terminal(void)
{
    struct terminal *t = start(true, true, "refcoco", false);
    ok(terminal_expect(t, "scene.png") && t->images == 0, "a mute terminal gets blocks");
    terminal_type(t, "\033[?64;garbage\033]junk\007");
    terminal_read(t, 300);
    ok(terminal_expect(t, "RefCOCO") && terminal_expect(t, "vilscope"), "garbage does no harm");
    terminal_type(t, "\033");
    terminal_read(t, 300);
    terminal_type(t, "\033");
    terminal_read(t, 300);
    kill(t->pid, SIGTERM);
    ok(terminal_ends(t), "it still ends in order");
}

static void without_model(void)
{
    struct terminal *t = start(true, false, "vqa", true);
    ok(terminal_expect(t, "no model") && terminal_expect(t, "No image is open"),
       "without a model it opens and says how to give one");
    ask(t, "what");
    ok(terminal_expect(t, "no model is open"), "a query is refused in words");
    quit(t, "no model");
}

/* The first screen without a model of one's own: a picture, a suggested query that is answered,
 * what to press next. */
static void without_own_model(void)
{
    const char *argv[] = {terminal_program(), "--no-log", NULL};
    terminal_opens(FROZEN_MODEL);
    struct terminal *t = terminal_start(argv, 32, 110, true, false);
    ok(terminal_expect(t, "demo / final") && terminal_expect(t, "softmax") &&
       terminal_expect(t, "s: another query"),
       "the first screen has an answer, and says what next");
    TERMINAL_UNTIL(t, t->images > 0);
    ok(t->images > 0, "and a picture");
    for (int i = 0; i < 5; i++) {
        terminal_type(t, "s");
        terminal_read(t, 300);
    }
    ok(terminal_expect(t, "RefCOCO") && terminal_expect(t, "region "), "s asks on: references");
    for (int i = 0; i < 4; i++) {
        terminal_type(t, "s");
        terminal_read(t, 300);
    }
    ok(terminal_expect(t, "candidate"), "dialogs choose from candidates");
    terminal_type(t, "c");
    ok(terminal_expect(t, "demo / early"), "c goes to another checkpoint");
    ask(t, "is there a ball");
    ok(terminal_expect(t, "> is there a ball"), "what is typed takes the place of what was asked");
    terminal_type(t, "/");
    for (int i = 0; i < 13; i++)
        terminal_type(t, "\033OD");
    terminal_type(t, " not");
    ok(terminal_expect(t, "> is not there a ball"), "or edits it");
    terminal_type(t, "\r");
    quit(t, "no model of one's own");
    terminal_opens(NO_MODEL);
}

static struct terminal *start_kind(const struct terminal_kind *kind, int cols)
{
    static char tiny[4096], scene[4096];
    snprintf(tiny, sizeof tiny, "%s", source_path("tests/data/tiny"));
    snprintf(scene, sizeof scene, "%s", source_path("tests/data/tiny/scene.png"));
    const char *argv[] = {terminal_program(), "--no-log", "-t", "refcoco", "-m", tiny,
                          scene, NULL};
    return terminal_start_as(argv, 32, cols, kind);
}

/* Terminals that say other things between their answers, or answer when nobody waits any more. */
static void odd_terminals(void)
{
    const struct terminal_kind noisy = {.sixel = true, .noisy = true};
    const struct terminal_kind late = {.sixel = true, .late = true};
    struct terminal *t = start_kind(&noisy, 110);
    ok(terminal_expect(t, "scene.png") && terminal_expect(t, "RefCOCO"), "a noisy terminal works");
    terminal_settle(t, 300);
    ok(t->images > 0, "and its answers are understood");
    quit(t, "noisy");
    t = start_kind(&late, 110);
    ok(terminal_expect(t, "scene.png") && t->images == 0, "before a late one answers: blocks");
    ok(t->late && strlen(t->late) > 20, "it was asked");
    terminal_type(t, t->late ? t->late : "");
    terminal_settle(t, 300);
    ok(t->images > 0 && terminal_has(t, "RefCOCO"), "then pictures");
    quit(t, "late");
}

/* A line of 2 Mbit a second, with 100 ms of delay: letters that are typed while a picture is on its
 * way are on the screen before all of it, and no picture is sent for each of many keys. */
static void slow_line(void)
{
    const struct terminal_kind slow = {.sixel = true, .bytes_a_second = 250000, .delay = 100};
    struct terminal *t = start_kind(&slow, 110);
    terminal_expect(t, "scene.png");
    terminal_settle(t, 400);
    ask(t, "the red square");
    ok(terminal_expect(t, "region 3"), "a slow line: the query is answered");
    terminal_settle(t, 400);
    long long bytes = t->bytes;
    terminal_type(t, "\033OC"); /* one token: its heat is a new picture */
    terminal_settle(t, 400);
    long long one = t->bytes - bytes;
    bytes = t->bytes;
    terminal_type(t, "\033OC\033OC\033OC\033OD\033OC\033OD\033OC\033OD\033OC\033OD\033OC\033OC");
    terminal_settle(t, 400);
    ok(one > 5000 && t->bytes - bytes < 3 * one, "twelve keys at once send %lld bytes, one %lld",
       t->bytes - bytes, one);
    char why[128] = "";
    ok(pixels_torn(t, why, sizeof why) == 0, "and the picture is whole %s", why);
    bytes = t->bytes;
    terminal_type(t, "\033[?1;1z"); /* a sequence that means nothing */
    terminal_settle(t, 300);
    ok(t->bytes == bytes, "a frame that changes nothing sends nothing: %lld bytes",
       t->bytes - bytes);
    quit(t, "slow");
}

/* A log that cannot be opened: what is asked waits, the status says so, and it is written as soon
 * as the log can be. */
static void waiting_log(void)
{
    char path[4200], way[4096], tiny[4096], scene[4096];
    const char *home = getenv("TMPDIR");
    snprintf(way, sizeof way, "%s/waiting", home ? home : "/tmp");
    snprintf(path, sizeof path, "%s/log.db", way);
    snprintf(tiny, sizeof tiny, "%s", source_path("tests/data/tiny"));
    snprintf(scene, sizeof scene, "%s", source_path("tests/data/tiny/scene.png"));
    const char *argv[] = {terminal_program(), "--log", path, "-m", tiny, scene, NULL};
    FILE *f = fopen(way, "w"); /* a file stands where the folder belongs */
    if (f)
        fclose(f);
    struct terminal *t = terminal_start(argv, 24, 100, true, false);
    ok(terminal_expect(t, "not logged yet"), "a log that cannot be opened is told");
    ask(t, "the first");
    ok(terminal_expect(t, "1 waits for the log"), "a query waits for it");
    ask(t, "the second");
    ok(terminal_expect(t, "2 wait for the log"), "and another");
    terminal_type(t, "H");
    terminal_settle(t, 100);
    terminal_type(t, "\033");
    unlink(way);
    ok(terminal_expect(t, "the queries that waited are in the log now"), "then both are written");
    ask(t, "the third");
    ok(terminal_expect(t, "logged as 3"), "and the next comes after them");
    quit(t, "waiting log");
    unlink(path);
    rmdir(way);
}

/* Keys and settings of the user; what is wrong is told with its line. */
static void settings(void)
{
    char folder[4096], path[5000];
    const char *home = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/settings", home ? home : "/tmp");
    snprintf(path, sizeof path, "mkdir -p '%s/vilscope'", folder);
    if (system(path) != 0)
        tap_note("no folder for settings");
    snprintf(path, sizeof path, "%s/vilscope/vilscope.conf", folder);
    FILE *f = fopen(path, "w");
    if (f) {
        fputs("# mine\nset graphics blocks\nbind X say hello from X\nbind Nokey quit\n", f);
        fclose(f);
    }
    setenv("XDG_CONFIG_HOME", folder, 1);
    const struct terminal_kind kind = {.sixel = true}; /* wide: messages begin with a path */
    struct terminal *t = start_kind(&kind, 170);
    ok(terminal_expect(t, "vilscope.conf:4: there is no key 'Nokey'"), "a bad line is told");
    terminal_settle(t, 200);
    ok(t->images == 0, "the settings hold");
    terminal_type(t, "X");
    ok(terminal_expect(t, "hello from X"), "so do the keys");
    quit(t, "settings");
    unlink(path);
    if (mkfifo(path, 0600) == 0) {
        t = start_kind(&kind, 170);
        ok(terminal_expect(t, "is not a regular file"), "a pipe instead of settings is not read");
        quit(t, "no settings");
        unlink(path);
    }
    unsetenv("XDG_CONFIG_HOME");
}

int main(void)
{
    terminal_opens(NO_MODEL);
    with_sixels();
    lists_and_typing();
    two_images();
    resize();
    suspend();
    regions_and_boxes();
    late_answers();
    with_blocks();
    mute_terminal();
    without_model();
    without_own_model();
    odd_terminals();
    slow_line();
    waiting_log();
    settings();
    unlink(log_path);
    return tap_done();
}
