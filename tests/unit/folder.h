/* SPDX-License-Identifier: MIT */
/* A folder of a test's own, and files in it. */
#ifndef VS_FOLDER_H
#define VS_FOLDER_H

#include "src/base/mem.h"
#include "tap.h"

static char *folder;

static __attribute__((unused)) bool folder_make(const char *name)
{
    const char *dir = getenv("TMPDIR");
    folder = xasprintf("%s/%s-XXXXXX", dir ? dir : "/tmp", name);
    return mkdtemp(folder) != NULL;
}

/* The end of a test: nothing may be left. The status of the program. */
static __attribute__((unused)) int folder_remove(void)
{
    ok(rmdir(folder) == 0, "nothing is left");
    free(folder);
    return tap_done();
}

/* Of a file in it; caller frees or drops it. */
static __attribute__((unused)) char *temp_path(const char *name)
{
    return xasprintf("%s/%s", folder, name);
}

/* Caller frees or drops it. */
static __attribute__((unused)) char *write_file(const char *name, const void *data, size_t n)
{
    char *path = temp_path(name);
    FILE *f = fopen(path, "wb");
    if (!f || fwrite(data, 1, n, f) != n || fclose(f) != 0)
        ok(false, "%s cannot be written", path);
    return path;
}

/* Removes a file. Takes the path. */
static __attribute__((unused)) void drop(char *path)
{
    unlink(path);
    free(path);
}

#endif
