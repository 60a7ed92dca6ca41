/* SPDX-License-Identifier: MIT */
/* Connections: sockets, and ssh's standard input and output. */
#include "src/remote/channel.h"

#include "src/remote/wire.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

void frame_put_failure(struct buf *b, const struct vs_err *err)
{
    wire_int(b, err->code);
    wire_text(b, err->text);
}

int frame_check(const struct frame_head *h, uint64_t most, struct vs_err *err)
{
    if (h->magic == __builtin_bswap32(FRAME_MAGIC))
        return vs_fail(err, VS_E_REFUSED, "is a machine of another byte order");
    if (h->magic != FRAME_MAGIC)
        return vs_fail(err, VS_E_FORMAT, "does not speak vilscope's protocol");
    if (h->size > most)
        return vs_fail(err, VS_E_LIMIT, "sends a message of %llu MB, more than %llu",
                       (unsigned long long)(h->size >> 20), (unsigned long long)(most >> 20));
    return 0;
}

/* ---- opening */

bool channel_address(const char *path, struct sockaddr_un *out)
{
    *out = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof out->sun_path)
        return false;
    memcpy(out->sun_path, path, strlen(path) + 1);
    return true;
}

static int open_socket(const char *path, struct channel *out, struct vs_err *err)
{
    struct sockaddr_un at;
    if (!channel_address(path, &at))
        return vs_fail(err, VS_E_USAGE, "%s: is too long for a socket's path (%zu bytes at most)",
                       path, sizeof at.sun_path - 1);
    out->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (out->fd >= 0 && connect(out->fd, (struct sockaddr *)&at, sizeof at) == 0)
        return 0;
    int why = errno;
    channel_close(out);
    if (why == ENOENT || why == ECONNREFUSED)
        return vs_fail(err, VS_E_IO, "%s: %s: \"vilscope serve -m DIR --socket %s\" starts one",
                       path, why == ENOENT ? "there is no server"
                                           : "the server that was there is gone", path);
    return vs_fail(err, VS_E_IO, "%s: cannot be connected to: %s", path, strerror(why));
}

/* Of ssh://[USER@]HOST[:PORT]/PATH. host begins with no "-", which ssh would take for an option. */
static bool split_address(const char *address, char **host, char **port, const char **path)
{
    const char *begin = address + strlen("ssh://"), *end = strchr(begin, '/');
    const char *colon = end ? memchr(begin, ':', (size_t)(end - begin)) : NULL;
    *host = *port = NULL;
    if (!end || end == begin || colon == begin || begin[0] == '-')
        return false;
    for (const char *p = colon ? colon + 1 : end; p < end; p++)
        if (!isdigit((unsigned char)*p))
            return false;
    *host = xstrndup(begin, (size_t)((colon ? colon : end) - begin));
    *port = colon && colon + 1 < end ? xstrndup(colon + 1, (size_t)(end - colon - 1)) : NULL;
    *path = end;
    return true;
}

/* For the shell of the other machine. */
static char *channel_quote(const char *s)
{
    struct buf b = {0};
    buf_putc(&b, '\'');
    for (; *s; s++)
        if (*s == '\'')
            buf_puts(&b, "'\\''");
        else
            buf_putc(&b, *s);
    buf_putc(&b, '\'');
    return buf_steal(&b);
}

/* With the signals of a program that was just started. */
static int spawn(char *const *argv, int fd, bool silent, pid_t *child)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t how;
    sigset_t none, usual;
    sigemptyset(&none);
    sigemptyset(&usual);
    sigaddset(&usual, SIGPIPE);
    sigaddset(&usual, SIGXFSZ);
    sigaddset(&usual, SIGTERM);
    if (posix_spawn_file_actions_init(&files) != 0)
        return ENOMEM;
    int rc = posix_spawnattr_init(&how);
    if (rc != 0) {
        posix_spawn_file_actions_destroy(&files);
        return rc;
    }
    rc = posix_spawnattr_setflags(&how, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    if (rc == 0)
        rc = posix_spawnattr_setsigmask(&how, &none);
    if (rc == 0)
        rc = posix_spawnattr_setsigdefault(&how, &usual);
    if (rc == 0)
        rc = posix_spawn_file_actions_adddup2(&files, fd, 0);
    if (rc == 0)
        rc = posix_spawn_file_actions_adddup2(&files, fd, 1);
    if (rc == 0 && silent)
        rc = posix_spawn_file_actions_addopen(&files, 2, "/dev/null", O_WRONLY, 0);
    if (rc == 0)
        rc = posix_spawnp(child, argv[0], &files, &how, argv, environ);
    posix_spawnattr_destroy(&how);
    posix_spawn_file_actions_destroy(&files);
    return rc;
}

static int open_ssh(const char *address, bool silent, struct channel *out, struct vs_err *err)
{
    const char *given = getenv("VILSCOPE_SSH"), *program = given && given[0] ? given : "ssh", *path;
    static char no_terminal[] = "-T", quiet[] = "-oLogLevel=ERROR", at_port[] = "-p", end[] = "--",
                alive[] = "-oServerAliveInterval=15", no_questions[] = "-oBatchMode=yes";
    char *host, *port;
    int pair[2];
    if (!split_address(address, &host, &port, &path)) {
        free(host);
        return vs_fail(err, VS_E_USAGE, "%s: is no address: ssh://[USER@]HOST[:PORT]/SOCKET",
                       address);
    }
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
        free(host);
        free(port);
        return vs_fail(err, VS_E_IO, "%s: no connection can be made: %s", address, strerror(errno));
    }
    char *quoted = channel_quote(path), *there = xasprintf("vilscope serve --relay %s", quoted);
    char *argv[12];
    int n = 0;
    argv[n++] = (char *)(uintptr_t)program;
    argv[n++] = no_terminal;
    argv[n++] = quiet;
    argv[n++] = alive;
    if (silent)
        argv[n++] = no_questions;
    if (port) {
        argv[n++] = at_port;
        argv[n++] = port;
    }
    argv[n++] = end;
    argv[n++] = host;
    argv[n++] = there;
    argv[n] = NULL;
    int rc = spawn(argv, pair[1], silent, &out->child);
    close(pair[1]);
    out->fd = pair[0];
    if (rc != 0) {
        out->child = 0;
        channel_close(out);
        vs_fail(err, VS_E_IO, "%s: %s cannot be started: %s", address, program, strerror(rc));
    }
    free(quoted);
    free(there);
    free(host);
    free(port);
    return rc ? VS_E_IO : 0;
}

int channel_open(const char *address, bool silent, struct channel *out, struct vs_err *err)
{
    *out = (struct channel){.fd = -1};
    if (strncmp(address, "ssh://", 6) == 0)
        return open_ssh(address, silent, out, err);
    return open_socket(address, out, err);
}

/* One that does not listen has a second. */
static void end_child(pid_t child)
{
    kill(child, SIGTERM);
    for (int i = 0; i < 100; i++) {
        pid_t ended = waitpid(child, NULL, WNOHANG);
        if (ended == child || (ended < 0 && errno != EINTR))
            return;
        usleep(10000);
    }
    kill(child, SIGKILL);
    while (waitpid(child, NULL, 0) < 0 && errno == EINTR) {
    }
}

void channel_close(struct channel *c)
{
    if (c->fd >= 0)
        close(c->fd);
    if (c->child > 0)
        end_child(c->child);
    *c = (struct channel){.fd = -1};
}

/* ---- bytes */

static bool send_all(int fd, const void *data, size_t size)
{
    const char *at = data;
    while (size > 0) {
        ssize_t n = send(fd, at, size, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        at += n;
        size -= (size_t)n;
    }
    return true;
}

bool channel_send(const struct channel *c, enum frame_kind kind, const struct buf *body)
{
    const struct frame_head h = {FRAME_MAGIC, (uint32_t)kind, body ? body->len : 0};
    return c->fd >= 0 && send_all(c->fd, &h, sizeof h) &&
           (!body || send_all(c->fd, body->data, body->len));
}

ssize_t channel_read(const struct channel *c, void *to, size_t size, int ms)
{
    struct pollfd p = {c->fd, POLLIN, 0};
    int n = poll(&p, 1, ms);
    if (n == 0 || (n < 0 && errno == EINTR))
        return 0;
    ssize_t got = n < 0 ? -1 : recv(c->fd, to, size, 0);
    if (got < 0 && errno == EINTR)
        return 0;
    return got > 0 ? got : -1;
}

/* ---- the other end of ssh */

/* What from has goes to `to`. False when one of them ended. */
static bool relay_piece(int from, int to)
{
    char bytes[65536];
    ssize_t n = read(from, bytes, sizeof bytes);
    if (n < 0)
        return errno == EINTR;
    for (ssize_t done = 0; n > 0 && done < n;) {
        ssize_t put = write(to, bytes + done, (size_t)(n - done));
        if (put < 0 && errno != EINTR)
            return false;
        done += put > 0 ? put : 0;
    }
    return n > 0;
}

int channel_relay(const char *path, struct vs_err *err)
{
    struct channel c;
    int rc = channel_open(path, false, &c, err);
    if (rc != 0)
        return rc;
    signal(SIGPIPE, SIG_IGN);
    for (bool open = true; open;) {
        struct pollfd p[2] = {{STDIN_FILENO, POLLIN, 0}, {c.fd, POLLIN, 0}};
        if (poll(p, 2, -1) < 0 && errno != EINTR)
            break;
        if (p[1].revents)
            open = relay_piece(c.fd, STDOUT_FILENO);
        if (open && p[0].revents)
            open = relay_piece(STDIN_FILENO, c.fd);
    }
    shutdown(c.fd, SHUT_WR); /* it hangs up, too, perhaps with a word why */
    while (relay_piece(c.fd, STDOUT_FILENO)) {
    }
    channel_close(&c);
    return 0;
}
