/* SPDX-License-Identifier: MIT */
/* A library to be loaded before the program: when it first forks, which it does to decode a
 * picture, after the model was opened and before it is first used, the file CHANGE is changed: cut
 * short, written again with its own bytes, or replaced, as HOW says. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void change(const char *path, const char *how)
{
    char bytes[4096], other[4096];
    int fd = open(path, O_RDWR | O_CLOEXEC), rc = -1;
    if (strcmp(how, "cut") == 0)
        rc = ftruncate(fd, 8192);
    else if (strcmp(how, "write") == 0)
        rc = pread(fd, bytes, sizeof bytes, 0) == (ssize_t)sizeof bytes &&
                     pwrite(fd, bytes, sizeof bytes, 0) == (ssize_t)sizeof bytes
                 ? 0 : -1;
    snprintf(other, sizeof other, "%s.other", path);
    if (strcmp(how, "replace") == 0)
        rc = rename(other, path);
    if (fd < 0 || close(fd) != 0 || rc != 0)
        abort();
}

pid_t fork(void)
{
    static pid_t (*real)(void);
    const char *path = getenv("CHANGE"), *how = getenv("HOW");
    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "fork");
    if (path && how) {
        change(path, how);
        unsetenv("CHANGE");
    }
    return real();
}
