/* SPDX-License-Identifier: MIT */
/* What a terminal does to us: it pastes, answers late and in pieces, and has odd sizes; signals
 * come. Broken by a byte of pasted text or of an answer that acts as a key, by pictures that do not
 * come when the answer does, and by a way out that leaves the terminal changed. */
#include "pixels.h"
#include "tap.h"
#include "terminal.h"

#include <signal.h>
#include <sys/wait.h>

#define BEGIN "\033[200~"
#define END "\033[201~"

static struct terminal *start(const struct terminal_kind *kind, const char *task, int rows,
                              int cols)
{
    static char tiny[4096], scene[4096];
    snprintf(tiny, sizeof tiny, "%s", source_path("tests/data/tiny"));
    snprintf(scene, sizeof scene, "%s", source_path("tests/data/tiny/scene.png"));
    const char *argv[] = {terminal_program(), "--no-log", "-t", task, "-m", tiny,
                          scene, NULL};
    return terminal_start_as(argv, rows, cols, kind);
}

static struct terminal *start_plain(const char *task)
{
    const struct terminal_kind kind = {.sixel = true};
    struct terminal *t = start(&kind, task, 32, 110);
    terminal_expect(t, "scene.png");
    terminal_settle(t, 100);
    return t;
}

/* Waits until a row begins with a text, and has nothing else. */
static bool row_is(struct terminal *t, int row, const char *want)
{
    char text[8192];
    for (int i = 0; i < 500; i++) {
        terminal_row(t, row < 0 ? t->rows + row : row, text, sizeof text);
        for (size_t n = strlen(text); n > 0 && text[n - 1] == ' '; n--)
            text[n - 1] = '\0';
        if (strcmp(text, want) == 0)
            return true;
        terminal_read(t, 20);
    }
    tap_note("the row is \"%s\"", text);
    return false;
}

static void paste(struct terminal *t, const char *text)
{
    terminal_send(t, BEGIN, strlen(BEGIN));
    terminal_send(t, text, strlen(text));
    terminal_send(t, END, strlen(END));
}

static void end(struct terminal *t, const char *what)
{
    char why[200];
    terminal_type(t, "\033");
    terminal_read(t, 150);
    terminal_type(t, "\033");
    terminal_read(t, 150);
    terminal_type(t, "q");
    int status = terminal_wait(t);
    ok(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%s: q quits with status 0", what);
    ok(terminal_restored(t, why, sizeof why), "%s: the terminal is as it was %s", what, why);
    terminal_free(t);
}

/* ---- pasted text */

static void pastes(void)
{
    struct terminal *t = start_plain("refcoco");
    ok(terminal_mode(t, 2004), "pasted text is marked");
    paste(t, "the red\r\n  square\n");
    ok(row_is(t, -2, " > the red square"), "a paste begins a query; line breaks are blanks");
    ok(!terminal_has(t, "region 3") && !terminal_has(t, "computing"), "and nothing is asked");
    paste(t, " q\033:quit\r\033OA\033\033[B\003\032\x01z");
    ok(row_is(t, -2, " > the red square q:quit OA[Bz"), "keys in it are text");
    ok(terminal_expect(t, "bytes that are not text"), "what is left out is told");
    terminal_type(t, "\r");
    ok(terminal_expect(t, "region 3"), "Enter asks");
    terminal_type(t, "i");
    paste(t, "another\xff\xc3 caf\xc3\xa9");
    ok(row_is(t, -2, " > another caf\xc3\xa9"),
       "what was asked makes room; bytes that are no text are left out");
    paste(t, " a" END "q\r" END);
    ok(row_is(t, -2, " > another caf\xc3\xa9 aq"), "an end of a paste in it does not end it");
    terminal_type(t, "\025\033");
    terminal_read(t, 200);
    terminal_type(t, ":");
    paste(t, "quit\rsay hello\n");
    ok(row_is(t, -2, " :quit say hello"), "a command line takes it, and does not run it");
    terminal_type(t, "\033");
    terminal_read(t, 200);
    terminal_type(t, "?");
    terminal_expect(t, "choose the task");
    paste(t, "clip\nboard");
    ok(row_is(t, -2, " find: clip board"), "so does a search");
    terminal_type(t, "\033");
    terminal_read(t, 200);
    terminal_type(t, "b");
    terminal_expect(t, "arrows move");
    paste(t, "LLJJ\rq\033");
    ok(terminal_expect(t, "ignored while a box is being drawn"),
       "while a box is drawn it is left out");
    end(t, "pastes");
}

static void large_pastes(void)
{
    struct terminal *t = start_plain("refcoco");
    char *big = malloc(3000001);
    for (int i = 0; big && i < 3000000; i++)
        big[i] = "q\r:quit\r\033[A dog "[i % 15];
    big[3000000] = '\0';
    paste(t, big);
    ok(terminal_expect(t, "bytes do not fit"), "three megabytes are cut, and it is said");
    terminal_type(t, "\033OH");
    terminal_settle(t, 100);
    char row[8192];
    terminal_row(t, 30, row, sizeof row);
    ok(strstr(row, "> q :quit [A dog"), "they are text: %.40s", row);
    free(big);
    end(t, "large pastes");
}

static void rounds(void)
{
    struct terminal *t = start_plain("guesswhat");
    terminal_expect(t, "GuessWhat");
    paste(t, "is it red? yes\n\nis it large? no\n");
    char row[8192];
    terminal_expect(t, "> is it");
    terminal_row(t, 30, row, sizeof row);
    ok(strstr(row, "> is it red? yes") && strstr(row, "is it large? no"), "rounds: %s", row);
    terminal_type(t, "\r");
    ok(terminal_expect(t, "softmax") || terminal_expect(t, "2 rounds"), "are asked together");
    end(t, "rounds");
}

/* Marks that come byte by byte, with keys before and after. */
static void slow_paste(void)
{
    static const char bytes[] = BEGIN "a dog\rq" END;
    struct terminal *t = start_plain("refcoco");
    for (size_t i = 0; i < sizeof bytes - 1; i++) {
        terminal_send(t, bytes + i, 1);
        terminal_read(t, 30);
    }
    ok(row_is(t, -2, " > a dog q"), "a paste that comes byte by byte is one");
    terminal_type(t, "s");
    ok(row_is(t, -2, " > a dog qs"), "and what is typed after it follows");
    end(t, "a slow paste");
}

/* ---- answers in pieces */

static void pieces(int piece, int gap)
{
    const struct terminal_kind kind = {.sixel = true, .piece = piece, .gap = gap};
    struct terminal *t = start(&kind, "refcoco", 32, 110);
    terminal_expect(t, "scene.png");
    const char *all = t->late ? t->late : "";
    TERMINAL_UNTIL(t, t->late_at >= strlen(all));
    terminal_settle(t, 300);
    struct picture p;
    ok(t->images > 0 && pixels_picture(t, &p) && p.w > 200,
       "%d bytes every %d ms: pictures come with the answer", piece, gap);
    ok(terminal_has(t, "RefCOCO") &&
       row_is(t, -2, " > / to type a query, t for the task, ? for help, q to quit"),
       "and no byte of it was a key");
    end(t, "pieces");
}

/* A letter is typed between every two answers: real terminals do not cut their own answers. */
static void typing_meanwhile(void)
{
    static const char *const answers[] = {"\033[6;1", "6;8t", "\033", "[?1;0;256S",
                                          "\033[?2;0;1000;", "800S", "\033[", "?2026;2$y",
                                          "\033[?63;1;2", ";4c"};
    static const char word[] = "zebra";
    const struct terminal_kind kind = {.mute = true};
    struct terminal *t = start(&kind, "refcoco", 32, 110);
    terminal_expect(t, "scene.png");
    ok(t->images == 0, "nothing was answered: no pictures");
    terminal_type(t, "i");
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        char key[2] = {word[i / 2], '\0'};
        terminal_type(t, answers[i]);
        terminal_read(t, 120 + 40 * (int)i);
        terminal_type(t, i % 2 ? key : "");
    }
    ok(row_is(t, -2, " > zebra"), "what is typed between answers is all that is typed");
    TERMINAL_UNTIL(t, t->images > 0);
    ok(t->images > 0, "and pictures come");
    terminal_type(t, "\033");
    TERMINAL_UNTIL(t, !terminal_mode(t, 25));
    ok(!terminal_mode(t, 25), "Escape still leaves the line");
    end(t, "typing meanwhile");
}

/* ---- the way out */

static const int usual[] = {SIGTERM, SIGHUP, SIGINT, SIGQUIT};
static const int others[] = {SIGUSR1, SIGUSR2, SIGALRM, SIGXCPU, SIGVTALRM, SIGPROF, SIGIO, SIGPWR,
                             SIGSTKFLT, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS};

static void ended_by(int number, bool in_order)
{
    struct terminal *t = start_plain("refcoco");
    char why[200];
    bool taken = !terminal_restored(t, why, sizeof why) && terminal_mode(t, 1049) &&
                 terminal_mode(t, 2004) && terminal_mode(t, 1000);
    kill(t->pid, number);
    int status = terminal_wait(t);
    bool as_asked = in_order ? WIFEXITED(status) && WEXITSTATUS(status) == 0
                             : WIFSIGNALED(status) && WTERMSIG(status) == number;
    bool restored = terminal_restored(t, why, sizeof why);
    ok(taken && as_asked && restored, "signal %d: status %x, the terminal is as it was %s", number,
       (unsigned)status, why);
    terminal_free(t);
}

static void signals(void)
{
    for (size_t i = 0; i < sizeof usual / sizeof usual[0]; i++)
        ended_by(usual[i], true);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        ended_by(others[i], false);
    ended_by(SIGRTMIN, false);
    ended_by(SIGRTMAX, false);
}

/* While it still asks the terminal. */
static void prefix_signal(void)
{
    const struct terminal_kind kind = {.mute = true};
    struct terminal *t = start(&kind, "refcoco", 32, 110);
    char why[200];
    TERMINAL_UNTIL(t, !terminal_restored(t, why, sizeof why));
    kill(t->pid, SIGUSR1);
    int status = terminal_wait(t);
    ok(WIFSIGNALED(status) && terminal_restored(t, why, sizeof why),
       "a signal at the beginning: the terminal is as it was %s", why);
    terminal_free(t);
}

/* Suspended by the shell's key, and by a signal: a shell that has no job control of its own sees
 * what the terminal is like meanwhile. */
static void suspended(bool by_key)
{
    char command[9000], why[200];
    snprintf(command, sizeof command, "'%s' --no-log -t refcoco -m '%s' '%s'; echo SHELL AGAIN; "
             "read x; fg >/dev/null", terminal_program(),
             source_path("tests/data/tiny"), source_path("tests/data/tiny/scene.png"));
    const char *argv[] = {"/bin/sh", "-mc", command, NULL};
    struct terminal *t = terminal_start(argv, 32, 110, true, false);
    terminal_expect(t, "RefCOCO");
    terminal_settle(t, 200);
    int images = t->images;
    if (by_key)
        terminal_type(t, "\032");
    else
        kill(-tcgetpgrp(t->fd), SIGTSTP);
    ok(terminal_expect(t, "SHELL AGAIN") && terminal_restored(t, why, sizeof why),
       "suspended: the terminal is as it was %s", why);
    terminal_type(t, "\n");
    ok(terminal_expect(t, "RefCOCO"), "it comes back");
    TERMINAL_UNTIL(t, t->images > images && terminal_mode(t, 2004));
    ok(t->images > images && terminal_mode(t, 2004) && terminal_mode(t, 1000),
       "with its picture, marks for pasted text, and the mouse");
    terminal_type(t, "q");
    int status = terminal_wait(t);
    ok(WIFEXITED(status) && terminal_restored(t, why, sizeof why), "and goes in order %s", why);
    terminal_free(t);
}

/* What the shell gets when the program has gone: nothing of its screen, also where there is no
 * other one for that, and no answer to what it asked just before. */
static void left_behind(int number, const char *what)
{
    const struct terminal_kind kind = {.sixel = true, .flat = true, .piece = 16, .gap = 10};
    char command[9000];
    snprintf(command, sizeof command, "'%s' --no-log -t refcoco -m '%s' '%s'; echo SHELL AGAIN; "
             "read x; echo \"GOT<$x>\"; kill %%1 2>/dev/null && wait; echo ENDED",
             terminal_program(), source_path("tests/data/tiny"),
             source_path("tests/data/tiny/scene.png"));
    const char *argv[] = {"/bin/sh", "-mc", command, NULL};
    struct terminal *t = terminal_start_as(argv, 32, 110, &kind);
    terminal_expect(t, "RefCOCO");
    terminal_settle(t, 1000); /* its first questions are answered */
    terminal_resize(t, 30, 100); /* it asks anew, and has a few answers when it is stopped */
    terminal_read(t, 10);
    kill(-tcgetpgrp(t->fd), number);
    ok(terminal_expect(t, "SHELL AGAIN") && !terminal_has(t, "RefCOCO"),
       "%s, without a second screen: nothing is left on the shell's", what);
    terminal_read(t, 400);
    terminal_type(t, "\n");
    terminal_expect(t, "ENDED");
    terminal_read(t, 100);
    ok(terminal_has(t, "GOT<>"), "nor does it get the terminal's late answers");
    ok(terminal_has(t, "SHELL AGAIN"), "and when it is ended there, what the shell wrote stays");
    terminal_end(t);
}

/* ---- sizes */

static void sizes(void)
{
    static const struct {
        int rows, cols;
        const char *shows;
    } all[] = {{24, 65535, "RefCOCO"}, {65535, 80, "vilscope"}, {65535, 65535, "vilscope"},
               {1, 1, NULL}, {1, 65535, "too small"}, {0, 0, "RefCOCO"}, {24, 32768, "RefCOCO"}};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        const struct terminal_kind kind = {.sixel = true, .rows = all[i].rows, .cols = all[i].cols,
                                           .says = true};
        struct terminal *t = start(&kind, "refcoco", 40, 200);
        bool shown = !all[i].shows || terminal_expect(t, all[i].shows);
        terminal_settle(t, 100);
        bool alive = waitpid(t->pid, NULL, WNOHANG) == 0;
        ok(shown && alive, "a terminal of %d rows and %d columns", all[i].rows, all[i].cols);
        t->kind.says = false;
        terminal_resize(t, 24, 80);
        ok(terminal_expect(t, "RefCOCO"), "and then of a usual size");
        terminal_resize(t, all[i].rows, all[i].cols);
        terminal_settle(t, 200);
        terminal_resize(t, 24, 80);
        terminal_settle(t, 200);
        end(t, "sizes");
    }
}

int main(void)
{
    terminal_opens(NO_MODEL);
    pastes();
    large_pastes();
    rounds();
    slow_paste();
    pieces(1, 20);
    pieces(3, 110);
    pieces(11, 400);
    typing_meanwhile();
    signals();
    prefix_signal();
    suspended(true);
    suspended(false);
    left_behind(SIGTSTP, "suspended");
    left_behind(SIGTERM, "ended");
    sizes();
    return tap_done();
}
