/* SPDX-License-Identifier: MIT */
/* Several checkpoints in the workbench: two that differ in one layer side by side, their attention,
 * weights and patches; pinned probes, and a folder in which a third one appears. Broken when an
 * answer lands in another's column, a difference is not marked, the layer is not named, or what was
 * asked is not in the log as belonging together. */
#include "pixels.h"
#include "tap.h"
#include "terminal.h"

#include <math.h>

static char dir[300], other[360], log_path[360], pins[360], run[360];

static bool shell(const char *fmt, ...)
{
    char command[4000];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(command, sizeof command, fmt, ap);
    va_end(ap);
    return system(command) == 0;
}

static bool prepare(void)
{
    const char *tmp = getenv("TMPDIR");
    snprintf(dir, sizeof dir, "%s/side", tmp ? tmp : "/tmp");
    snprintf(other, sizeof other, "%s/other.safetensors", dir);
    snprintf(log_path, sizeof log_path, "%s/log.db", dir);
    snprintf(pins, sizeof pins, "%s/pinned.probes", dir);
    snprintf(run, sizeof run, "%s/run", dir);
    return shell("rm -rf '%s' && mkdir -p '%s' && ./test-compare make '%s' '%s' "
                 "bert.encoder.v_layer.1. 0.4", dir, run,
                 source_path("tests/data/tiny/checkpoint.bin"), other);
}

static struct terminal *start(void)
{
    const char *argv[] = {terminal_program(), "-m", source_path("tests/data/tiny"),
                          "-c", source_path("tests/data/tiny/checkpoint.bin"), "-c", other,
                          "--log", log_path, "-t", "vqa", source_path("tests/data/tiny/scene.png"),
                          NULL};
    return terminal_start(argv, 40, 120, true, false);
}

static void command(struct terminal *t, const char *fmt, ...)
{
    char line[500], all[520];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    snprintf(all, sizeof all, ":%s\r", line);
    terminal_type(t, all);
}

/* The column in which a row has a text, or -1. */
static int column_of(const struct terminal *t, int row, const char *text)
{
    char line[2000];
    terminal_row(t, row, line, sizeof line);
    const char *at = strstr(line, text);
    int col = 0;
    for (const char *p = line; at && p < at; p++)
        col += (*p & 0xc0) != 0x80;
    return at ? col : -1;
}

static void side_by_side(struct terminal *t)
{
    command(t, "ask what color");
    terminal_expect(t, "entropy");
    command(t, "attribute rollout");
    ok(terminal_expect(t, "attention rollout (Abnar and Zuidema) of"), "an attribution is shown");
    command(t, "attribute off");
    terminal_type(t, "A");
    ok(terminal_expect(t, "A noise") && terminal_expect(t, "B other"),
       "both checkpoints have a column");
    terminal_expect(t, "another answer");
    terminal_settle(t, 300);
    int first = column_of(t, 1, "A noise"), second = column_of(t, 1, "B other");
    ok(first >= 0 && second > first + 30, "beside each other: %d, %d", first, second);
    int rows = 0, compared = 0;
    for (int i = 2; i < 36; i++) {
        char line[2000];
        terminal_row(t, i, line, sizeof line);
        rows += strstr(line, "entropy") && strstr(strstr(line, "entropy") + 1, "entropy");
        compared += strchr(line, '^') || strstr(line, " v");
    }
    ok(rows == 1 && compared > 0, "with their answers, and how ranks moved");
    struct picture p = {0};
    ok(pixels_picture(t, &p) && p.row == 2, "and their pictures: row %d", p.row);
    command(t, "between other.safetensors noise");
    ok(terminal_expect(t, "A other") && terminal_expect(t, "B noise"), "A and B are chosen");
    command(t, "between noise other.safetensors");
    terminal_expect(t, "A noise");
}

static void what_changed(struct terminal *t)
{
    terminal_type(t, "B");
    ok(terminal_expect(t, "JSD, bits") && terminal_expect(t, "Attention of B minus A"),
       "attention differs, head by head");
    terminal_type(t, "F");
    ok(terminal_expect(t, "weights moved by") && terminal_expect(t, "v_layer.1"),
       "weights by layer");
    terminal_type(t, "E");
    ok(terminal_expect(t, "most recovered by image layer 2, 100.0 %"), "patching names the layer");
}

static void probes(struct terminal *t)
{
    command(t, "check-set %s", pins);
    ok(terminal_expect(t, "is new"), "a set that is not there yet");
    ok(shell("mkfifo '%s'", pins), "a pipe takes its name");
    command(t, "pin red");
    ok(terminal_expect(t, "is a pipe"), "it is not waited for a reader of the pipe");
    ok(shell("rm '%s'", pins), "the pipe goes");
    command(t, "pin red");
    ok(terminal_expect(t, "2 checkpoints") && access(pins, R_OK) == 0, "a query is pinned");
    ok(shell("grep -q '^answer: red' '%s' && grep -q '^task: vqa' '%s'", pins, pins),
       "in the file, with what is right");
    command(t, "watch %s", run);
    ok(terminal_expect(t, "watching"), "a folder is watched");
    ok(shell("head -c 20000 '%s' >'%s/step.safetensors'", other, run) &&
       terminal_expect(t, "step.safetensors is"), "a file in it is not complete");
    ok(shell("cp '%s' '%s/step.safetensors'", other, run) && terminal_expect(t, "3 checkpoints"),
       "when it is, it is asked the probes");
}

/* The same from the command line. */
static void at_once(void)
{
    const char *argv[] = {terminal_program(), "-m", source_path("tests/data/tiny"),
                          "--no-log", "--check-set", pins, "--watch", run, NULL};
    struct terminal *t = terminal_start(argv, 40, 120, true, false);
    ok(t && terminal_expect(t, "2 checkpoints") && terminal_expect(t, "step"),
       "--check-set and --watch: the model's checkpoint and the folder's are asked");
    if (!t)
        return;
    ok(shell("mv '%s' '%s.away'", run, run) && terminal_expect(t, "run: No such file"),
       "a folder that is gone is told");
    ok(shell("mv '%s.away' '%s'", run, run) && terminal_goes(t, "run: No such file"),
       "until it is there again");
    terminal_type(t, ":quit\r");
    ok(terminal_ends(t), "that ends in order, too");
}

/* One of the folder diverged: it has its place in the trend, and no number. */
static void diverged(void)
{
    char set[400];
    snprintf(set, sizeof set, "%s/gqa.probes", dir);
    const char *argv[] = {terminal_program(), "-m", source_path("tests/data/tiny"),
                          "--no-log", "--check-set", set, "--watch", run, NULL};
    bool made = shell("SRCDIR='%s' ./test-diverged --write nan '%s/stop.safetensors' && "
                      "cp '%s' '%s' '%s' && printf 'task: gqa\\nimage: scene.png\\n"
                      "regions: scene.npy\\ntext: what is it\\n' >'%s'", source_path("."), run,
                      source_path("tests/data/tiny/scene.png"),
                      source_path("tests/data/tiny/scene.npy"), dir, set);
    struct terminal *t = terminal_start(argv, 40, 200, true, false);
    char line[2000];
    int marks = 0;
    if (!ok(made && t, "a checkpoint that diverged"))
        return;
    ok(terminal_expect(t, "3 checkpoints") &&
           terminal_expect(t, "last: diverged, no answer; the 2 that answer"),
       "the trend goes on with it");
    ok(terminal_expect(t, "! diverged: "), "and says why");
    for (int i = 0; i < 40; i++) {
        terminal_row(t, i, line, sizeof line);
        marks += strstr(line, "! diverged: ") && strchr(line, '?');
    }
    ok(marks == 1, "its place is marked: %d", marks);
    terminal_type(t, ":quit\r");
    ok(terminal_ends(t), "that ends in order, too");
}

/* In the one map of a baseline what looks may be a token or a region, and looks at both kinds: on
 * the image is what it has for regions, and how much of it that is. */
static void joint_map(void)
{
    static char file[5][600];
    static const char *const names[] = {"baseline/config.json", "tiny/vocab.txt",
                                        "baseline/baseline.bin", "baseline/scene.npy",
                                        "tiny/scene.png"};
    for (int i = 0; i < 5; i++)
        snprintf(file[i], sizeof file[i], "%s/%s", source_path("tests/data"), names[i]);
    const char *argv[] = {terminal_program(), "--config", file[0], "--vocab", file[1], "-c",
                          file[2], "--no-log", "-t", "refcoco", "--regions", file[3], file[4],
                          NULL};
    struct terminal *t = terminal_start(argv, 40, 120, true, false);
    if (!ok(t && terminal_expect(t, "vilscope"), "a baseline is opened"))
        return;
    command(t, "ask a red square");
    terminal_expect(t, "0.1863");
    terminal_settle(t, 300);
    ok(terminal_has(t, "choose a token: Left, Right,") &&
           terminal_has(t, "or a region: click it, or g"),
       "either a token or a region is chosen");
    int images = t->images;
    command(t, "token red");
    ok(terminal_expect(t, "\"red\" attends to"), "a token is asked");
    terminal_settle(t, 300);
    char row[2000];
    double share = -1, sum = 0, x;
    for (int i = 0, weights = 0; i < 40; i++) {
        terminal_row(t, i, row, sizeof row);
        const char *at = strstr(row, "\u2502 0."), *number = strstr(row, " 0.");
        if (at && strstr(at, " of it on this image") && sscanf(at + 4, "%lf", &share) == 1)
            weights = 8; /* the lines that follow */
        else if (weights-- > 0 && strstr(row, "region ") && number &&
                 sscanf(number, "%lf", &x) == 1)
            sum += x;
    }
    ok(share > 0.3 && share < 0.9 && fabs(share - sum) < 0.001,
       "regions have %.3f of what it gives: %.4f", share, sum);
    ok(t->images > images && terminal_has(t, " red, text and image, layer 1, mean of heads"),
       "which is on the image");
    terminal_type(t, "z");
    ok(terminal_expect(t, "mean of heads; 0.658 of it on this image"),
       "and said where it has room");
    terminal_type(t, "z");
    terminal_expect(t, "attends to");
    command(t, "head max");
    ok(terminal_goes(t, "of it on this image"), "of maxima there is no share");
    command(t, "head mean");
    terminal_expect(t, "of it on this image");
    terminal_type(t, "\033");
    terminal_settle(t, 300);
    command(t, "region 2");
    ok(terminal_expect(t, "\"region 2 class 1\" attends to") &&
           terminal_expect(t, "of it on this"),
       "a region is asked, too");
    terminal_type(t, ":quit\r");
    ok(terminal_ends(t), "that ends in order, too");
}

/* Of two baselines' one map, whose first rows are tokens, the changes of a region are its own. */
static void joint_change(void)
{
    static const char *const names[] = {"baseline/config.json", "tiny/vocab.txt",
                                        "baseline/baseline.bin", "baseline/other.bin",
                                        "baseline/scene.npy", "tiny/scene.png"};
    static char file[6][600];
    for (int i = 0; i < 6; i++)
        snprintf(file[i], sizeof file[i], "%s/%s", source_path("tests/data"), names[i]);
    const char *argv[] = {terminal_program(), "--config", file[0], "--vocab", file[1],
                          "-c", file[2], "-c", file[3], "--no-log", "-t", "refcoco",
                          "--regions", file[4], file[5], NULL};
    struct terminal *t = terminal_start(argv, 40, 160, false, false);
    if (!ok(t && terminal_expect(t, "vilscope"), "two baselines are opened"))
        return;
    command(t, "ask a red square");
    terminal_expect(t, "region 1");
    terminal_type(t, "B");
    ok(terminal_expect(t, "Attention of B minus A"), "their attention is compared");
    terminal_type(t, "z");
    command(t, "region 3");
    ok(terminal_expect(t, "  region 3 class 2 attends to "), "the changes of a region");
    command(t, "token red");
    ok(terminal_expect(t, "  red attends to ") && terminal_goes(t, "class 2 attends to"),
       "of a token");
    terminal_type(t, ":quit\r");
    ok(terminal_ends(t), "that ends in order, too");
}

/* Of a baseline and ViLBERT: the maps are those of what answered, not of what was opened first. */
static void two_families(void)
{
    static const char *const names[] = {
        "baseline/config.json", "tiny/vocab.txt", "baseline/baseline.bin", "baseline/tasks.bin",
        "baseline/scene.npy", "tiny/scene.png", "baseline/pretrained.bin"};
    static char file[7][600];
    for (int i = 0; i < 7; i++)
        snprintf(file[i], sizeof file[i], "%s/%s", source_path("tests/data"), names[i]);
    const char *argv[] = {terminal_program(), "--config", file[0], "--vocab", file[1],
                          "-c", file[2], "-c", file[3], "--no-log", "-t", "refcoco",
                          "--regions", file[4], file[5], NULL};
    struct terminal *t = terminal_start(argv, 40, 160, true, false);
    if (!ok(t && terminal_expect(t, "vilscope"), "a baseline and ViLBERT are opened"))
        return;
    command(t, "checkpoint tasks");
    command(t, "ask a red square");
    terminal_expect(t, "region 1");
    terminal_settle(t, 500);
    command(t, "map joint");
    ok(terminal_expect(t, "map text-to-image, image-to-text, text or image, not 'joint'"),
       "ViLBERT's answer has no joint map");
    command(t, "map text");
    terminal_settle(t, 300);
    ok(!terminal_has(t, "not 'text'"), "but one of the text");
    for (int i = 0; i < 3; i++) {
        terminal_type(t, "\014"); /* what was said before is gone */
        command(t, "map text");
        terminal_settle(t, 300);
        terminal_type(t, i == 0 ? "B" : i == 1 ? "F" : "E");
        ok(terminal_expect(t, i == 0 ? "baseline.bin is the single" : "answers and boxes can"),
           "nothing inside is compared: %d", i);
    }
    terminal_type(t, ":quit\r");
    ok(terminal_ends(t), "that ends in order, too");
    const char *pretrained[] = {terminal_program(), "--config", file[0], "--vocab", file[1],
                                "-c", file[6], "--no-log", "--regions", file[4], file[5], NULL};
    t = terminal_start(pretrained, 40, 160, true, false);
    if (!ok(t && terminal_expect(t, "vilscope"), "the pre-trained model is opened"))
        return;
    command(t, "ask a red square");
    ok(terminal_expect(t, "  belongs    logit"), "it begins with a task that it answers");
    command(t, "task");
    ok(terminal_expect(t, "SNLI-VE             it is the pre-trained two-stream model") &&
       terminal_expect(t, "Alignment           a caption to rank"),
       "of the others the list of tasks says why not");
    terminal_type(t, "\033");
    command(t, "map image");
    command(t, "region 2");
    ok(terminal_expect(t, "\"region 2\" attends to"), "a region without a class has its number");
    terminal_type(t, ":quit\r");
    ok(terminal_ends(t), "that ends in order, too");
}

/* The color of a text's first sign, wherever it is. */
static bool color_of(const struct terminal *t, const char *text, uint8_t rgb[3])
{
    char line[2048];
    int row = terminal_row_of(t, text), col = 0;
    if (row < 0)
        return false;
    terminal_row(t, row, line, sizeof line);
    for (const char *c = line, *at = strstr(line, text); at && c < at; c++)
        col += (*c & 0xc0) != 0x80;
    return terminal_cell_color(t, row, col, (uint8_t)*text, rgb);
}

/* The chosen column stays that of its checkpoint while filters hide others, and nothing is done
 * with another one's answer. One question is of the last checkpoint only, one of two. */
static void history_columns(void)
{
    const char *argv[] = {terminal_program(), "--log", log_path, NULL};
    shell("rm -f '%s'*", log_path);
    terminal_opens(FROZEN_MODEL);
    struct terminal *t = terminal_start(argv, 40, 120, true, false);
    terminal_expect(t, "logged as 1");
    command(t, "suggest refcoco");
    terminal_expect(t, "logged as 2");
    terminal_type(t, "A");
    ok(terminal_expect(t, "A early") && terminal_expect(t, "B final  another answer"),
       "two are compared");
    terminal_settle(t, 120);
    uint8_t a[3], b[3];
    ok(color_of(t, "A early", a) && color_of(t, "B final", b) && memcmp(a, b, 3) != 0,
       "each name has its color");
    terminal_type(t, "H");
    terminal_expect(t, "2 questions");
    terminal_type(t, "\033OC\033OB\020");
    ok(terminal_expect(t, "this checkpoint has not answered it"), "no other answer is pinned");
    terminal_type(t, "\022");
    terminal_settle(t, 120);
    ok(terminal_has(t, "History: all sessions"), "nor asked again");
    terminal_type(t, "\033OC\033OCtask:vqa");
    terminal_expect(t, "1 question;");
    terminal_type(t, "\020");
    ok(terminal_expect(t, " pinned query 1"), "the column is still that of its checkpoint");
    terminal_type(t, "\177\177\177\177\177\177\177\177");
    terminal_expect(t, "2 questions");
    terminal_type(t, "\033OD\033OB\020");
    ok(terminal_expect(t, "this checkpoint has not answered it"), "and the third of all again");
    terminal_type(t, "\033");
    terminal_read(t, 200);
    command(t, "quit");
    ok(terminal_ends(t), "that ends in order, too");
}

int main(void)
{
    terminal_opens(NO_MODEL);
    if (!prepare()) {
        ok(false, "checkpoints are made");
        return tap_done();
    }
    struct terminal *t = start();
    if (!ok(t && terminal_expect(t, "vilscope"), "the workbench opens"))
        return tap_done();
    side_by_side(t);
    what_changed(t);
    probes(t);
    terminal_type(t, ":quit\r");
    ok(terminal_ends(t), "it ends in order");
    at_once();
    diverged();
    joint_map();
    joint_change();
    two_families();
    ok(shell("'%s' sessions sql --log '%s' 'SELECT count(*) AS n FROM comparisons' | grep -q "
             "'^[1-9]' &&"
             " '%s' sessions sql --log '%s' 'SELECT count(*) AS n FROM probe_runs' | grep -q '^3'",
             terminal_program(), log_path, terminal_program(), log_path),
       "comparisons and three runs of the probes are in the log");
    ok(shell("'%s' sessions sql --log '%s' \"SELECT count(*) AS n, min(target) FROM attributions"
             " JOIN queries q ON q.id = query_id WHERE method = 'rollout' AND target = q.best\" |"
             " grep -q '^1 '", terminal_program(), log_path),
       "and the attribution that was shown, once");
    shell("'%s' sessions show 1 --log '%s' >'%s/show'", terminal_program(), log_path, dir);
    ok(shell("cd '%s' && grep -q 'swap .*, \"what color\": carried by image layer 2, 100' show && "
             "grep -q 'weights .*v_layer.1' show && grep -q 'cka .*mean CKA' show && "
             "[ $(grep -c '^d' show) -eq 3 ]", dir),
       "and what was found out about weights, states and swaps, each once");
    history_columns();
    shell("rm -rf '%s'", dir);
    return tap_done();
}
