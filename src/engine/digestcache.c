/* SPDX-License-Identifier: MIT */
/* The digest cache: a text file with one line a checkpoint, replaced atomically. */
#include "src/engine/digestcache.h"

#include "src/base/cachedir.h"
#include "src/formats/tempfile.h"
#include "src/base/mem.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_LINES 500

/* The key says "the same bytes as then" as far as the file system can tell. */
static char *file_key(const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return NULL;
    return xasprintf("%" PRIuMAX ":%" PRIuMAX ":%" PRIuMAX ":%" PRIdMAX ".%09ld:%" PRIdMAX
                     ".%09ld",
                     (uintmax_t)st.st_dev, (uintmax_t)st.st_ino, (uintmax_t)st.st_size,
                     (intmax_t)st.st_mtim.tv_sec, (long)st.st_mtim.tv_nsec,
                     (intmax_t)st.st_ctim.tv_sec, (long)st.st_ctim.tv_nsec);
}

static bool parse_line(const char *line, const char *key, char hex[DIGEST_HEX])
{
    size_t n = strlen(key);
    if (strncmp(line, key, n) != 0 || line[n] != ' ')
        return false;
    const char *digits = line + n + 1;
    if (strspn(digits, "0123456789abcdef") != DIGEST_HEX - 1)
        return false;
    memcpy(hex, digits, DIGEST_HEX - 1);
    hex[DIGEST_HEX - 1] = '\0';
    return true;
}

bool digestcache_get(const char *path, char hex[DIGEST_HEX])
{
    char *key = file_key(path), *file = cachedir_path("digests", false), line[512];
    FILE *f = file ? cachedir_open(file) : NULL;
    bool found = false;
    while (key && f && !found && fgets(line, sizeof line, f))
        found = parse_line(line, key, hex);
    if (f)
        fclose(f);
    free(key);
    free(file);
    return found;
}

static void copy_lines(FILE *from, FILE *to)
{
    char line[512];
    for (int i = 0; i < MAX_LINES && fgets(line, sizeof line, from); i++)
        fputs(line, to);
}

void digestcache_put(const char *path, const char hex[DIGEST_HEX])
{
    char *key = file_key(path), *file = cachedir_path("digests", true);
    if (key && file) {
        char *temp = NULL;
        tempfile_sweep(file);
        int fd = tempfile_make(file, 0600, &temp, NULL);
        FILE *out = fd < 0 ? NULL : fdopen(fd, "w"), *old = cachedir_open(file);
        if (out)
            fprintf(out, "%s %s\n", key, hex);
        if (out && old)
            copy_lines(old, out);
        if (old)
            fclose(old);
        if (out && (fclose(out) != 0 || rename(temp, file) != 0))
            unlink(temp);
        free(temp);
    }
    free(key);
    free(file);
}
