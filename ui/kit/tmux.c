/* SPDX-License-Identifier: MIT */
/* What tmux knows of the terminal around it and tells nobody who asks in the pane: where it was
 * built with sixels it says that it has them, and prints "SIXEL IMAGE" where the terminal has
 * none; and it does not say whether colors have 24 bits. */
#include "ui/kit/term.h"

#include "src/base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

#define TMUX_PATIENCE_MS 1000

/* All that tmux prints, or as much as has come when patience ends; the caller frees. */
static char *read_all(int fd)
{
    struct buf out = {0};
    double end = vs_now_ms() + TMUX_PATIENCE_MS, left;
    char bytes[512];
    ssize_t n = 1;
    while (n > 0 && out.len < 4096 && (left = end - vs_now_ms()) > 0) {
        struct pollfd p = {fd, POLLIN, 0};
        int ready = poll(&p, 1, (int)left + 1);
        n = ready > 0 ? read(fd, bytes, sizeof bytes) : 0;
        if (n > 0)
            buf_add(&out, bytes, (size_t)n);
        else if ((ready < 0 || n < 0) && errno == EINTR)
            n = 1; /* the window changed its size */
    }
    buf_puts(&out, "");
    return buf_steal(&out);
}

/* Runs tmux with its output in a pipe; -1, or where it is read. */
static int start_tmux(pid_t *pid)
{
    static char command[] = "tmux", show[] = "display-message", print[] = "-p";
    static char format[] = "#{client_termfeatures}";
    char *argv[] = {command, show, print, format, NULL};
    posix_spawn_file_actions_t files;
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return -1;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&files, ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    bool started = posix_spawnp(pid, command, &files, NULL, argv, environ) == 0;
    posix_spawn_file_actions_destroy(&files);
    close(ends[1]);
    if (!started)
        close(ends[0]);
    return started ? ends[0] : -1;
}

/* The names of what the terminal around tmux has, which the caller frees, or NULL. */
static char *tmux_features(void)
{
    const char *inside = getenv("TMUX");
    pid_t pid;
    int fd = inside && *inside ? start_tmux(&pid) : -1, status;
    if (fd < 0)
        return NULL;
    char *features = read_all(fd);
    close(fd);
    kill(pid, SIGKILL); /* it has said what it had to say, or says nothing */
    pid_t ended;
    while ((ended = waitpid(pid, &status, 0)) < 0 && errno == EINTR)
        ;
    if (ended == pid && *features && *features != '\n')
        return features;
    free(features);
    return NULL;
}

void tmux_ask(struct term *t)
{
    bool asks = t->tmux && (t->sixel || !t->rgb);
    char *features = asks ? tmux_features() : NULL;
    t->no_outer_sixel = t->tmux && t->sixel && features && !strstr(features, "sixel");
    t->rgb |= features && strstr(features, "RGB");
    free(features);
}
