/* SPDX-License-Identifier: MIT */
/* The folder of the caches. */
#include "src/base/cachedir.h"

#include "src/base/mem.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

char *cachedir_path(const char *name, bool create)
{
    const char *base = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    char *dir = base && base[0] == '/' ? xstrdup(base)
                : home && home[0]      ? xasprintf("%s/.cache", home)
                                       : NULL;
    if (!dir)
        return NULL;
    char *ours = xasprintf("%s/vilscope", dir), *path = NULL;
    if (create) {
        mkdir(dir, 0700);
        mkdir(ours, 0700);
    }
    struct stat st;
    if (lstat(ours, &st) != 0 || cachedir_is_ours(ours, true))
        path = xasprintf("%s/%s", ours, name);
    free(dir);
    free(ours);
    return path;
}

bool cachedir_is_ours(const char *path, bool folder)
{
    struct stat st;
    return lstat(path, &st) == 0 && (folder ? S_ISDIR(st.st_mode) : S_ISREG(st.st_mode)) &&
           st.st_uid == geteuid();
}

FILE *cachedir_open(const char *path)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    bool good = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == geteuid();
    FILE *f = good ? fdopen(fd, "r") : NULL;
    if (!f)
        close(fd);
    return f;
}
