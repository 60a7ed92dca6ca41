/* SPDX-License-Identifier: MIT */
/* Three workbenches on one server (vilscope serve): one is killed while it asks, then the server
 * is. The others are answered as before, say in one line that the server is gone, keep what they
 * show and can be looked around in, and go on when there is a server again. Broken by a client or a
 * server that takes others with it, and by a screen that loses its answer with the server. */
#include "tap.h"
#include "terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROWS = 40, COLS = 150, CLIENTS = 3 };

static char dir[80], at[100];

/* Whether somebody takes clients there. */
static bool is_served(void)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    snprintf(to.sun_path, sizeof to.sun_path, "%s", at);
    bool served = fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof to) == 0;
    if (fd >= 0)
        close(fd);
    return served;
}

/* The server's process, once it takes clients; -1 when it did not come to that. */
static pid_t server_begin(void)
{
    const char *program = terminal_program(), *model = source_path("tests/data/frozen");
    pid_t pid = fork();
    if (pid == 0) {
        int none = open("/dev/null", O_RDWR);
        dup2(none, 0);
        dup2(none, 1);
        dup2(none, 2);
        execl(program, program, "serve", "-m", model, "--socket", at, "--threads", "1",
              (char *)NULL);
        _exit(127);
    }
    for (int i = 0; pid > 0 && i < TERMINAL_PATIENCE_MS / 20; i++) {
        if (is_served())
            return pid;
        if (waitpid(pid, NULL, WNOHANG) == pid)
            return -1;
        usleep(20000);
    }
    return -1;
}

static int server_end(pid_t pid, int signal)
{
    int status = -1;
    kill(pid, signal);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return status;
}

/* Asks, and waits for the answer, which is logged under that number. */
static bool asks(struct terminal *t, const char *what, int number)
{
    char says[40];
    snprintf(says, sizeof says, "logged as %d", number);
    terminal_command(t, "ask %s", what);
    return terminal_expect(t, says);
}

/* The row of the best answer. */
static void best(const struct terminal *t, char *out, int size)
{
    for (int row = 0; row < t->rows; row++) {
        terminal_drawn(t, row, out, size);
        char *from = strstr(out, " 1 "), *end = from ? strpbrk(from, "|}") : NULL;
        if (end && strstr(from, " 0.")) {
            while (end[-1] == ' ')
                end--;
            memmove(out, from, (size_t)(end - from)); /* chosen or not, and of this pane */
            out[end - from] = '\0';
            return;
        }
    }
    out[0] = '\0';
}

/* The server goes; what was answered stays, with the maps that came with it. */
static void stays(struct terminal *t, int i)
{
    char before[2000], now[2000];
    terminal_settle(t, 200);
    best(t, before, sizeof before);
    terminal_command(t, "ask is there a cone");
    ok(terminal_expect(t, "server that was there is gone"), "%d: says that the server is gone", i);
    best(t, now, sizeof now);
    ok(before[0] && strcmp(before, now) == 0, "%d: its answer is still shown:%s", i, now);
    terminal_command(t, "token star");
    ok(terminal_expect(t, "attends to"), "%d: and what a word attends to", i);
}

int main(void)
{
    struct terminal *t[CLIENTS];
    const char *tmp = getenv("TMPDIR");
    snprintf(dir, sizeof dir, "%s/XXXXXX", tmp && strlen(tmp) < 50 ? tmp : "/tmp");
    if (!mkdtemp(dir))
        return 1;
    snprintf(at, sizeof at, "%s/socket", dir);
    pid_t server = server_begin();
    if (!ok(server > 0, "a server takes clients"))
        return tap_done();
    bool all = true;
    for (int i = 0; i < CLIENTS; i++) {
        char log[120];
        snprintf(log, sizeof log, "%s/%d.db", dir, i + 1);
        const char *argv[] = {terminal_program(), "--connect", at, "--log", log, NULL};
        t[i] = terminal_start(argv, ROWS, COLS, true, false);
        all = all && t[i] && terminal_expect(t[i], "regions found") &&
              asks(t[i], "is there a star", 1);
    }
    if (!ok(all, "three workbenches have their answers of it, each in its own log"))
        return tap_done();
    terminal_type(t[1], ":attribute integrated-gradients\r");
    terminal_expect(t[1], "integrated");
    kill(t[1]->pid, SIGKILL);
    ok(asks(t[0], "what is the star", 2) && asks(t[2], "what is the star", 2),
       "the second is killed while it asks: the others are answered");
    ok(is_served() && waitpid(server, NULL, WNOHANG) == 0, "the server is there");
    terminal_end(t[1]);
    ok(WIFSIGNALED(server_end(server, SIGKILL)), "the server is killed");
    stays(t[0], 1);
    stays(t[2], 3);
    server = server_begin();
    ok(server > 0, "a server is there again");
    ok(asks(t[0], "is there a ball", 3) && asks(t[2], "is there a ball", 3),
       "both go on with it");
    for (int i = 0; i < CLIENTS; i += 2) {
        terminal_type(t[i], "q");
        ok(terminal_ends(t[i]), "%d: ends with status 0", i + 1);
    }
    ok(server_end(server, SIGTERM) == 0, "so does the server");
    char command[120];
    snprintf(command, sizeof command, "rm -rf '%s'", dir);
    return system(command) == 0 ? tap_done() : 1;
}
