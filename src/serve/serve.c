/* SPDX-License-Identifier: MIT */
/* The socket, who may connect to it, and the loop that reads and writes for all clients. */
#include "src/serve/serve.h"

#include "src/base/mem.h"
#include "src/serve/clients.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define LOOK_MS 200 /* how often it is looked whether it is to stop */

struct server {
    const struct serve_options *o;
    struct clients clients;
    struct client **list;
    struct pollfd *fds; /* the socket, the computing thread's pipe, then the clients */
    struct stat made; /* the socket, as it was made */
    int fd, count, room, came; /* clients with those that are gone and not forgotten yet */
    bool deaf; /* no more can be taken, for a turn */
};

static void say(const struct server *s, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void say(const struct server *s, const char *fmt, ...)
{
    char line[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    if (s->o->say)
        s->o->say(line);
}

/* ---- the socket */

char *serve_path(void)
{
    const char *run = getenv("XDG_RUNTIME_DIR");
    return run && run[0] == '/' ? xasprintf("%s/vilscope/serve.sock", run)
                                : xasprintf("/tmp/vilscope-%ld/serve.sock", (long)getuid());
}

/* The socket's folder: made for this user only. One that is there and others may write to would be
 * theirs to put another socket in. */
static int make_folder(const struct server *s, struct vs_err *err)
{
    const struct serve_options *o = s->o;
    const char *slash = strrchr(o->path, '/');
    char *folder = slash ? xstrndup(o->path, (size_t)(slash - o->path)) : xstrdup(".");
    struct stat st;
    int rc = 0;
    bool made = folder[0] && mkdir(folder, 0700) == 0;
    if (made && o->user_count && chmod(folder, 0711) != 0)
        rc = vs_fail(err, VS_E_IO, "%s: cannot be opened to others: %s", folder, strerror(errno));
    else if (!folder[0] || made)
        rc = 0;
    else if (lstat(folder, &st) != 0)
        rc = vs_fail(err, VS_E_IO, "%s: cannot be made: %s", folder, strerror(errno));
    else if (!S_ISDIR(st.st_mode))
        rc = vs_fail(err, VS_E_USAGE, "%s: is no folder; the socket lies in one", folder);
    else if (st.st_uid != getuid() || (st.st_mode & 022))
        rc = vs_fail(err, VS_E_REFUSED, "%s: others can write to this folder, and could put "
                     "a socket of theirs there: name one in a folder of yours (--socket)", folder);
    else if (o->user_count && !(st.st_mode & 001))
        say(s, "note: others cannot reach the socket: chmod 711 %s", folder);
    free(folder);
    return rc;
}

/* Nobody answers at a socket that is left over. */
static int clear_path(const char *path, const struct sockaddr_un *at, struct vs_err *err)
{
    struct stat st;
    if (lstat(path, &st) != 0)
        return 0;
    if (!S_ISSOCK(st.st_mode))
        return vs_fail(err, VS_E_USAGE, "%s: is there and is no socket: name another (--socket)",
                       path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool answers = fd >= 0 && connect(fd, (const struct sockaddr *)at, sizeof *at) == 0;
    if (fd >= 0)
        close(fd);
    if (answers)
        return vs_fail(err, VS_E_USAGE, "%s: another server is there: end it, or name another "
                       "socket (--socket)", path);
    return unlink(path) == 0 ? 0
                             : vs_fail(err, VS_E_IO, "%s: a socket of before cannot be removed: %s",
                                       path, strerror(errno));
}

static int open_socket(struct server *s, struct vs_err *err)
{
    const char *path = s->o->path;
    struct sockaddr_un at;
    if (!channel_address(path, &at))
        return vs_fail(err, VS_E_USAGE, "%s: is too long for a socket's path (%zu bytes at most)",
                       path, sizeof at.sun_path - 1);
    int rc = make_folder(s, err);
    if (rc == 0)
        rc = clear_path(path, &at, err);
    if (rc != 0)
        return rc;
    s->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    mode_t mask = umask(s->o->user_count ? 0111 : 0177);
    bool bound = s->fd >= 0 && bind(s->fd, (const struct sockaddr *)&at, sizeof at) == 0;
    int why = errno;
    umask(mask);
    if (!bound || stat(path, &s->made) != 0)
        return vs_fail(err, VS_E_IO, "%s: no socket can be made there: %s", path, strerror(why));
    if (listen(s->fd, 64) != 0)
        return vs_fail(err, VS_E_IO, "%s: nobody can connect to it: %s", path, strerror(errno));
    return 0;
}

/* Unless it is another server's by now. */
static void remove_socket(const struct server *s)
{
    struct stat st;
    if (s->made.st_ino && stat(s->o->path, &st) == 0 && st.st_ino == s->made.st_ino &&
        st.st_dev == s->made.st_dev)
        unlink(s->o->path);
}

/* ---- who comes and goes */

static bool may_connect(const struct serve_options *o, uid_t user)
{
    bool may = user == getuid() || user == 0;
    for (int i = 0; i < o->user_count; i++)
        may |= o->users[i] == user;
    return may;
}

static const char *name_of(uid_t user)
{
    const struct passwd *p = getpwuid(user);
    return p ? p->pw_name : "unknown";
}

/* One line for whoever is turned away, in the form of a reply. */
static void turn_away(int fd, const char *why)
{
    struct buf body = {0};
    struct vs_err err = {0};
    vs_fail(&err, VS_E_REFUSED, "%s", why);
    frame_put_failure(&body, &err);
    const struct channel c = {.fd = fd};
    channel_send(&c, FRAME_FAILED, &body);
    buf_fini(&body);
    close(fd);
}

static int clients_there(const struct server *s)
{
    int there = 0;
    for (int i = 0; i < s->count; i++)
        there += s->list[i]->fd >= 0;
    return there;
}

static void add_client(struct server *s, struct client *x)
{
    if (s->count == s->room) {
        s->room = 2 * s->room + 16;
        s->list = xreallocarray(s->list, (size_t)s->room, sizeof *s->list);
        s->fds = xreallocarray(s->fds, (size_t)s->room + 2, sizeof *s->fds);
    }
    s->list[s->count++] = x;
}

static void accept_client(struct server *s)
{
    struct ucred who = {0};
    socklen_t size = sizeof who;
    int fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC);
    s->deaf = fd < 0 && errno != EAGAIN && errno != EINTR;
    if (fd < 0)
        return;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) != 0 || !may_connect(s->o, who.uid)) {
        say(s, "user %s (%ld) may not connect", name_of(who.uid), (long)who.uid);
        turn_away(fd, "this server is another user's, who did not let you in (vilscope serve "
                      "--allow USER)");
        return;
    }
    if (clients_there(s) >= s->o->clients) {
        turn_away(fd, "the server has as many clients as it takes: try again later");
        return;
    }
    struct client *x = xcalloc(1, sizeof *x);
    x->fd = fd;
    x->number = ++s->came;
    x->kept.most_bytes = (size_t)s->o->memory_mb << 20;
    add_client(s, x);
    say(s, "client %d: %s, process %ld", x->number, name_of(who.uid), (long)who.pid);
}

/* Nobody is there any more: what it asked is cancelled, what it kept goes in its turn. */
static void hang_up(struct server *s, struct client *x, const struct vs_err *why)
{
    say(s, "client %d: %s", x->number, why->text[0] ? why->text : "gone");
    close(x->fd);
    x->fd = -1;
    atomic_store(&x->cancel, true);
}

static void free_client(struct client *x)
{
    free(x->body);
    buf_fini(&x->out);
    free(x);
}

/* Those that are gone are freed when the computing thread is done with them. */
static void sweep(struct server *s)
{
    int kept = 0;
    for (int i = 0; i < s->count; i++) {
        struct client *x = s->list[i];
        pthread_mutex_lock(&s->clients.lock);
        bool busy = x->busy, over = x->over;
        pthread_mutex_unlock(&s->clients.lock);
        if (over) {
            free_client(x);
            continue;
        }
        if (x->fd < 0 && !busy && !x->fini)
            clients_release(&s->clients, x);
        s->list[kept++] = x;
    }
    s->count = kept;
}

/* ---- the loop */

static void serve_clients(struct server *s, int count)
{
    for (int i = 0; i < count; i++) {
        struct client *x = s->list[i];
        short seen = s->fds[2 + i].revents;
        struct vs_err why = {0};
        bool there = x->fd >= 0;
        if (there && (seen & POLLOUT))
            there = client_write(&s->clients, x);
        if (there && (seen & POLLIN))
            there = client_read(&s->clients, x, &why);
        else if (seen & (POLLHUP | POLLERR))
            there = false;
        if (!there && x->fd >= 0)
            hang_up(s, x, &why);
    }
}

static void serve_turn(struct server *s)
{
    char bytes[64];
    int count = s->count;
    s->fds[0] = (struct pollfd){s->deaf ? -1 : s->fd, POLLIN, 0};
    s->deaf = false;
    s->fds[1] = (struct pollfd){s->clients.wake[0], POLLIN, 0};
    for (int i = 0; i < count; i++) {
        bool writes, reads;
        client_wants(&s->clients, s->list[i], &writes, &reads);
        s->fds[2 + i] = (struct pollfd){
            s->list[i]->fd, (short)((reads ? POLLIN : 0) | (writes ? POLLOUT : 0)), 0};
    }
    if (poll(s->fds, (nfds_t)count + 2, LOOK_MS) < 0)
        return;
    while (read(s->clients.wake[0], bytes, sizeof bytes) > 0) {
    }
    serve_clients(s, count);
    if (s->fds[0].revents)
        accept_client(s);
    sweep(s);
    clients_hurry(&s->clients);
}

/* Everybody is hung up on, and what is computed for them ends. */
static void serve_end(struct server *s)
{
    for (int i = 0; i < s->count; i++)
        if (s->list[i]->fd >= 0)
            hang_up(s, s->list[i], &(struct vs_err){.text = "the server ends"});
    while (s->count > 0) {
        struct pollfd p = {s->clients.wake[0], POLLIN, 0};
        char bytes[64];
        sweep(s);
        if (s->count > 0)
            poll(&p, 1, LOOK_MS);
        while (read(s->clients.wake[0], bytes, sizeof bytes) > 0) {
        }
    }
}

int serve_run(struct model *m, const struct serve_options *o, struct vs_err *err)
{
    struct server s = {.o = o, .fd = -1};
    char note[KERN_WHY];
    int rc = clients_start(&s.clients, m, o->seconds, err);
    if (rc != 0)
        return rc;
    rc = open_socket(&s, err);
    if (rc == 0) {
        s.fds = xcalloc(2, sizeof *s.fds);
        model_device_note(m, note, sizeof note);
        say(&s, "%s on %s: %s", model_name(m), model_device(m), o->path);
        if (*note)
            say(&s, "%s", note);
        while (!atomic_load(o->stop))
            serve_turn(&s);
        serve_end(&s);
        free(s.list);
        free(s.fds);
    }
    clients_stop(&s.clients);
    remove_socket(&s);
    if (s.fd >= 0)
        close(s.fd);
    return rc;
}
