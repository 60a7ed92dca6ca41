/* SPDX-License-Identifier: MIT */
/* A checkpoint that is cut short while the workbench has it open: the query fails with one line on
 * the screen, the terminal stays whole, other checkpoints answer, the log has the session's end.
 * Broken by a bus error, by its handler being the terminal's own, or by an answer of zeros; by a
 * file that is written and is no link, or by a link that stays when its file is not named. */
#include "tap.h"
#include "terminal.h"


static char dir[300], first[360], second[360], log_path[360];

static bool shell(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

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
    const char *tmp = getenv("TMPDIR"), *from = source_path("tests/data/tiny/checkpoint.bin");
    snprintf(dir, sizeof dir, "%s/files-%ld", tmp ? tmp : "/tmp", (long)getpid());
    snprintf(first, sizeof first, "%s/first.bin", dir);
    snprintf(second, sizeof second, "%s/second.bin", dir);
    snprintf(log_path, sizeof log_path, "%s/log.db", dir);
    return shell("mkdir -p '%s' && cp '%s' '%s' && cp '%s' '%s'", dir, from, first, from, second);
}

static void fails_and_goes_on(const char *program)
{
    const char *argv[] = {program, "-m", source_path("tests/data/tiny"), "-c", first, "-c", second,
                          "--log", log_path, "-t", "gqa", "--regions",
                          source_path("tests/data/tiny/scene.npy"),
                          source_path("tests/data/tiny/scene.png"), NULL};
    struct terminal *t = terminal_start(argv, 40, 120, true, false);
    if (!ok(t && terminal_expect(t, "scene.png"), "the workbench opens"))
        return;
    terminal_settle(t, 300);
    ok(truncate(first, 8192) == 0, "the first checkpoint is cut short before it is used");
    terminal_type(t, ":checkpoint first.bin\r");
    terminal_expect(t, "checkpoint first.bin:");
    terminal_type(t, ":ask what color\r");
    ok(terminal_expect(t, "the file changed while it was read"), "the screen says so");
    ok(!terminal_has(t, "entropy"), "and shows no answer");
    terminal_type(t, ":checkpoint second.bin\r");
    terminal_expect(t, "checkpoint second.bin:");
    terminal_type(t, ":ask what color\r");
    ok(terminal_expect(t, "entropy"), "the second one answers");
    ok(terminal_read(t, 100), "the program is there");
    terminal_type(t, "q");
    ok(terminal_ends(t), "it ends when it is asked to");
    ok(shell("'%s' sessions list --log '%s' --json | grep -q '\"ended\": \"2'", program, log_path),
       "its session has an end");
    ok(shell("'%s' sessions sql --csv --log '%s' 'SELECT count(*) FROM queries' | grep -qx 1",
             program, log_path),
       "and one answer");
}

/* Links to files that the screen names; of that terminal's kind. */
static void links(const char *term, bool wanted)
{
    const char *argv[] = {terminal_program(), "--log", log_path, "--threads", "1", NULL};
    const struct terminal_kind kind = {.sixel = true, .term = term};
    char name[400], want[500];
    snprintf(name, sizeof name, "%s/answers.csv", dir);
    snprintf(want, sizeof want, "%s/answers.csv\033\\", dir);
    terminal_opens(FROZEN_MODEL);
    struct terminal *t = terminal_start_as(argv, 40, 120, &kind);
    terminal_expect(t, "answered");
    terminal_settle(t, 200);
    terminal_mark(t);
    terminal_command(t, "view answer");
    terminal_command(t, "export %s", name);
    terminal_expect(t, "numbers written");
    terminal_settle(t, 200);
    const char *link = strstr(t->said, "\033]8;;file://");
    ok(wanted == (link && strstr(link, want)), "%s: the file that was written is %sa link", term,
       wanted ? "" : "no ");
    terminal_type(t, ":say ");
    terminal_type(t, name);
    terminal_type(t, " again");
    terminal_settle(t, 200);
    terminal_mark(t);
    terminal_type(t, "\r"); /* the same signs, of which curses writes none */
    terminal_expect(t, "answers.csv again");
    terminal_settle(t, 200);
    ok(wanted == (strstr(t->said, "answers.csv") != NULL) && !strstr(t->said, "answers.csv\033\\"),
       "%s: the same name in another message is written anew where it was a link", term);
    terminal_mark(t);
    terminal_type(t, "I");
    terminal_expect(t, "Terminal and storage");
    terminal_settle(t, 200);
    ok(wanted == (strstr(t->said, "log.db\033\\") != NULL), "%s: %s the log", term,
       wanted ? "so is" : "nor is");
    terminal_type(t, "q"); /* to where nothing tells how much memory is used now */
    terminal_goes(t, "Terminal and storage");
    long long bytes = t->bytes;
    terminal_type(t, "\014");
    TERMINAL_UNTIL(t, t->bytes > bytes + 1000);
    terminal_settle(t, 600);
    bytes = t->bytes;
    terminal_type(t, "\033[<0;1;1m"); /* a button let go: a frame, and nothing is another */
    terminal_settle(t, 200);
    ok(t->bytes == bytes, "%s: a frame in which nothing changes takes %lld bytes", term,
       t->bytes - bytes);
    terminal_type(t, "q");
    ok(terminal_ends(t), "ends with status 0");
}

int main(void)
{
    if (!prepare())
        return 1;
    fails_and_goes_on(terminal_program());
    links("xterm-256color", true);
    links("linux", false);
    return shell("rm -rf '%s'", dir) ? tap_done() : 1;
}
