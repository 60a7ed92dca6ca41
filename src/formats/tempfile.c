/* SPDX-License-Identifier: MIT */
/* Temporary files beside what they become. */
#include "src/formats/tempfile.h"

#include "src/formats/filesystem.h"
#include "src/base/mem.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define TAIL ".tmp"
#define TRIES 100
#define SHARED_AGE (24 * 3600) /* seconds: locks may not reach other machines */

int tempfile_random(char out[TEMPFILE_RANDOM], struct vs_err *err)
{
    unsigned char bytes[(TEMPFILE_RANDOM - 1) / 2];
    if (getentropy(bytes, sizeof bytes) != 0)
        return vs_fail(err, VS_E_IO, "no random numbers from the system: %s", strerror(errno));
    for (size_t i = 0; i < sizeof bytes; i++)
        snprintf(out + 2 * i, 3, "%02x", bytes[i]);
    return 0;
}

/* A sweeper may have locked it first, to remove it, or have removed it: then it has no name. Where
 * there are no locks, its age protects it. */
static bool is_held(int fd)
{
    struct stat st;
    if (flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
        return false;
    return fstat(fd, &st) == 0 && st.st_nlink > 0;
}

int tempfile_make(const char *path, mode_t mode, char **name, struct vs_err *err)
{
    char random[TEMPFILE_RANDOM];
    for (int i = 0; i < TRIES; i++) {
        int rc = tempfile_random(random, err);
        if (rc != 0)
            return rc;
        *name = xasprintf("%s.%s" TAIL, path, random);
        int fd = open(*name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
        if (fd >= 0 && is_held(fd))
            return fd;
        int why = errno;
        if (fd >= 0)
            close(fd);
        free(*name);
        *name = NULL;
        if (fd < 0 && why != EEXIST)
            return vs_fail(err, VS_E_IO, "%s: cannot be written: %s", path, strerror(why));
    }
    return vs_fail(err, VS_E_IO, "%s: cannot be written: no free name beside it", path);
}

/* ---- sweeping */

static bool is_ours(const char *entry, const char *base)
{
    size_t all = strlen(entry), digits = TEMPFILE_RANDOM - 1, end = 1 + digits + strlen(TAIL);
    if (all <= end || (base[0] && strlen(base) != all - end))
        return false;
    const char *tail = entry + all - end;
    return strncmp(entry, base, strlen(base)) == 0 && tail[0] == '.' &&
           strspn(tail + 1, "0123456789abcdef") == digits && strcmp(tail + 1 + digits, TAIL) == 0;
}

static void remove_left(int folder, const char *entry, bool shared)
{
    struct stat st;
    int fd = openat(folder, entry, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return;
    bool old = !shared || (fstat(fd, &st) == 0 && time(NULL) - st.st_mtime > SHARED_AGE);
    if (old && flock(fd, LOCK_EX | LOCK_NB) == 0)
        unlinkat(folder, entry, 0);
    close(fd);
}

void tempfile_sweep(const char *path)
{
    const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
    char *folder = slash ? xstrndup(path, (size_t)(slash - path) + 1) : xstrdup(".");
    DIR *d = opendir(folder);
    bool shared = d && filesystem_shared(folder) != NULL;
    for (struct dirent *e; d && (e = readdir(d));)
        if (is_ours(e->d_name, base))
            remove_left(dirfd(d), e->d_name, shared);
    if (d)
        closedir(d);
    free(folder);
}
