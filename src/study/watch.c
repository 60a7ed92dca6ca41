/* SPDX-License-Identifier: MIT */
/* Watching a folder for complete checkpoints. */
#include "src/study/watch.h"

#include "src/formats/savedparts.h"
#include "src/formats/tensorfile.h"
#include "src/base/mem.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/inotify.h>
#endif

#define SETTLE_MS 2000
#define IDLE_MS 5000    /* between looks when nothing is written, with inotify or without */
#define MOST_FILES 10000

/* What tells that a file has been written to. */
struct stamp {
    int64_t bytes, seconds, nanoseconds;
    uint64_t inode;
};

struct entry {
    struct watch_file file;
    struct stamp stamp, checked; /* checked: as it was when it was last opened */
    double since;                /* ms: the stamp has stood still since then */
    bool seen;                   /* in the present look */
};

struct watch {
    char *folder;
    int settle;
    int fd; /* inotify, or -1 */
    struct entry *list;
    int count;
};

static bool stamp_equal(const struct stamp *a, const struct stamp *b)
{
    return a->bytes == b->bytes && a->seconds == b->seconds &&
           a->nanoseconds == b->nanoseconds && a->inode == b->inode;
}

/* ---- waking */

static int notify_open(const char *folder)
{
#ifdef __linux__
    int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (fd >= 0 && inotify_add_watch(fd, folder, IN_CREATE | IN_CLOSE_WRITE | IN_MOVED_TO) < 0) {
        close(fd);
        fd = -1;
    }
    return fd;
#else
    (void)folder;
    return -1;
#endif
}

/* Folders below: the same watch again costs nothing. */
static void notify_add(const struct watch *w, const char *folder)
{
#ifdef __linux__
    if (w->fd >= 0)
        (void)inotify_add_watch(w->fd, folder, IN_CREATE | IN_CLOSE_WRITE | IN_MOVED_TO);
#else
    (void)w;
    (void)folder;
#endif
}

static void notify_drain(const struct watch *w)
{
    char bytes[4096];
    while (w->fd >= 0 && read(w->fd, bytes, sizeof bytes) > 0)
        ;
}

int watch_open(const char *folder, int settle_ms, struct watch **out, struct vs_err *err)
{
    struct stat st;
    if (stat(folder, &st) != 0)
        return vs_fail(err, VS_E_IO, "%s: %s", folder, strerror(errno));
    if (!S_ISDIR(st.st_mode))
        return vs_fail(err, VS_E_USAGE, "%s: is not a folder to watch", folder);
    struct watch *w = xcalloc(1, sizeof *w);
    w->folder = xstrdup(folder);
    w->settle = settle_ms ? settle_ms : SETTLE_MS;
    w->fd = notify_open(folder);
    *out = w;
    return 0;
}

void watch_close(struct watch *w)
{
    if (!w)
        return;
    for (int i = 0; i < w->count; i++) {
        free(w->list[i].file.path);
        free(w->list[i].file.name);
        free(w->list[i].file.why);
    }
    if (w->fd >= 0)
        close(w->fd);
    free(w->list);
    free(w->folder);
    free(w);
}

const char *watch_folder(const struct watch *w)
{
    return w->folder;
}

/* ---- looking */

static bool is_checkpoint_name(const char *name)
{
    static const char *const ends[] = {".bin", ".pth", ".pt", ".ckpt", ".safetensors"};
    size_t n = strlen(name);
    if (savedparts_is_optimizer(name))
        return false;
    for (size_t i = 0; i < sizeof ends / sizeof ends[0] && name[0] != '.'; i++) {
        size_t k = strlen(ends[i]);
        if (n > k && strcmp(name + n - k, ends[i]) == 0)
            return true;
    }
    return false;
}

static struct entry *watch_find(struct watch *w, const char *name)
{
    for (int i = 0; i < w->count; i++)
        if (strcmp(w->list[i].file.name, name) == 0)
            return &w->list[i];
    if (w->count == MOST_FILES)
        return NULL;
    if ((w->count & (w->count - 1)) == 0)
        w->list = xreallocarray(w->list, w->count ? 2 * (size_t)w->count : 1, sizeof *w->list);
    struct entry *e = &w->list[w->count++];
    *e = (struct entry){.file = {.name = xstrdup(name),
                                 .path = xasprintf("%s/%s", w->folder, name)},
                        .stamp = {.bytes = -1}, .checked = {.bytes = -1}};
    return e;
}

static void see_file(struct watch *w, const char *name, const struct stat *st, double now)
{
    struct entry *e = watch_find(w, name);
    struct stamp s = {st->st_size, st->st_mtim.tv_sec, st->st_mtim.tv_nsec, (uint64_t)st->st_ino};
    if (!e)
        return;
    e->seen = true;
    if (stamp_equal(&s, &e->stamp))
        return;
    e->stamp = s;
    e->since = now;
    e->file.bytes = s.bytes;
    e->file.state = WATCH_GROWING;
    e->file.given = false;
    free(e->file.why);
    e->file.why = NULL;
}

/* Whether one of two paths without links is, or is in, the other. */
static bool is_within(const char *a, const char *b)
{
    size_t n = strlen(a), m = strlen(b), k = n < m ? n : m;
    const char *longer = n < m ? b : a;
    if (k == 1) /* the root */
        return true;
    return strncmp(a, b, k) == 0 && (longer[k] == '/' || longer[k] == '\0');
}

/* A link to a folder that is looked at anyway, or that leads back to where it came from. */
static bool leads_back(const struct watch *w, const char *path)
{
    struct stat st;
    if (lstat(path, &st) != 0 || !S_ISLNK(st.st_mode))
        return false;
    char *parent = xstrndup(path, (size_t)(strrchr(path, '/') - path));
    char *folder = realpath(w->folder, NULL), *here = realpath(parent, NULL);
    char *to = realpath(path, NULL);
    bool back = !folder || !here || !to || is_within(folder, to) || is_within(here, to);
    free(parent);
    free(folder);
    free(here);
    free(to);
    return back;
}

static int watch_look(struct watch *w, const char *below, int depth, double now,
                      struct vs_err *err);

/* name: below the watched folder. It may be gone by now. */
static void look_below(struct watch *w, const char *name, int depth, double now)
{
    char *path = xasprintf("%s/%s", w->folder, name);
    if (!leads_back(w, path)) {
        notify_add(w, path);
        (void)watch_look(w, name, depth, now, NULL);
    }
    free(path);
}

/* below: a folder in the watched one, so many folders deep, or NULL for that itself. */
static int watch_look(struct watch *w, const char *below, int depth, double now, struct vs_err *err)
{
    char *folder = below ? xasprintf("%s/%s", w->folder, below) : xstrdup(w->folder);
    DIR *d = opendir(folder);
    int rc = d ? 0 : vs_fail(err, VS_E_IO, "%s: %s", folder, strerror(errno));
    for (struct dirent *x; d && (x = readdir(d)) != NULL;) {
        struct stat st;
        if (x->d_name[0] == '.' || fstatat(dirfd(d), x->d_name, &st, 0) != 0)
            continue;
        char *name = below ? xasprintf("%s/%s", below, x->d_name) : xstrdup(x->d_name);
        if (S_ISREG(st.st_mode) && is_checkpoint_name(x->d_name))
            see_file(w, name, &st, now);
        else if (S_ISDIR(st.st_mode) && depth < WATCH_DEPTH)
            look_below(w, name, depth + 1, now);
        free(name);
    }
    if (d)
        closedir(d);
    free(folder);
    return rc;
}

static void forget_gone(struct watch *w)
{
    int n = 0;
    for (int i = 0; i < w->count; i++) {
        if (w->list[i].seen) {
            w->list[n++] = w->list[i];
            continue;
        }
        free(w->list[i].file.path);
        free(w->list[i].file.name);
        free(w->list[i].file.why);
    }
    w->count = n;
}

/* The reader finds every tensor inside the file, or says what is missing. */
static void watch_check(struct entry *e)
{
    struct tensorfile *f = NULL;
    struct vs_err err = {0};
    e->checked = e->stamp;
    if (tensorfile_open(e->file.path, &f, &err) == 0 && tensorfile_count(f) > 0) {
        e->file.state = WATCH_COMPLETE;
    } else {
        e->file.state = WATCH_INCOMPLETE;
        e->file.why = xstrdup(err.text[0] ? err.text : "no tensors in it");
    }
    tensorfile_close(f);
}

static bool comes_before(const struct entry *a, const struct entry *b)
{
    if (a->stamp.seconds != b->stamp.seconds)
        return a->stamp.seconds < b->stamp.seconds;
    return strverscmp(a->file.name, b->file.name) < 0; /* epoch_9 before epoch_10 */
}

int watch_next(struct watch *w, const char **path, struct vs_err *err)
{
    double now = vs_now_ms();
    struct entry *best = NULL;
    notify_drain(w);
    for (int i = 0; i < w->count; i++)
        w->list[i].seen = false;
    int rc = watch_look(w, NULL, 0, now, err);
    if (rc != 0)
        return rc;
    forget_gone(w);
    for (int i = 0; i < w->count; i++) {
        struct entry *e = &w->list[i];
        if (e->file.state == WATCH_GROWING && now - e->since >= w->settle &&
            !stamp_equal(&e->checked, &e->stamp))
            watch_check(e);
        if (e->file.state == WATCH_COMPLETE && !e->file.given && (!best || comes_before(e, best)))
            best = e;
    }
    if (!best)
        return 0;
    best->file.given = true;
    best->file.times++;
    *path = best->file.path;
    return 1;
}

int watch_delay(const struct watch *w)
{
    double now = vs_now_ms(), delay = IDLE_MS;
    for (int i = 0; i < w->count; i++) {
        const struct entry *e = &w->list[i];
        double left = e->since + w->settle - now;
        if (e->file.state == WATCH_GROWING)
            delay = left < 50 ? (delay < 50 ? delay : 50) : left < delay ? left : delay;
        if (e->file.state == WATCH_COMPLETE && !e->file.given)
            return 0;
    }
    return (int)delay;
}

int watch_fd(const struct watch *w)
{
    return w->fd;
}

void watch_wait(const struct watch *w, const atomic_bool *stop)
{
    double end = vs_now_ms() + watch_delay(w);
    for (double left; (left = end - vs_now_ms()) > 0;) {
        struct pollfd p = {.fd = w->fd, .events = POLLIN};
        if (stop && atomic_load(stop))
            return;
        int n = poll(&p, w->fd >= 0 ? 1 : 0, left > 200 ? 200 : (int)left + 1);
        if (n > 0)
            return;
    }
}

bool watch_again(const struct watch *w, const char *path)
{
    for (int i = 0; i < w->count; i++)
        if (strcmp(w->list[i].file.path, path) == 0)
            return w->list[i].file.times > 1;
    return false;
}

int watch_count(const struct watch *w)
{
    return w->count;
}

const struct watch_file *watch_at(const struct watch *w, int i)
{
    return &w->list[i].file;
}
