/* SPDX-License-Identifier: MIT */
/* Regions that the detector has found, on the disk. */
#include "src/engine/regioncache.h"

#include "src/base/cachedir.h"
#include "src/formats/tempfile.h"
#include "src/base/mem.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TAIL ".safetensors"

static char *cache_folder(bool create)
{
    char *folder = cachedir_path("regions", create);
    if (folder && create)
        mkdir(folder, 0700);
    struct stat st;
    if (folder && lstat(folder, &st) == 0 && !cachedir_is_ours(folder, true)) {
        free(folder);
        return NULL;
    }
    return folder;
}

static char *file_of(const char *folder, const char *image, const char *detector)
{
    return xasprintf("%s/%.24s-%.24s" TAIL, folder, image, detector);
}

bool regioncache_get(const char *image, const char *detector, struct regions **out)
{
    char *folder = cache_folder(false), *path = folder ? file_of(folder, image, detector) : NULL;
    bool found = path && cachedir_is_ours(path, false) &&
                 regions_open(path, NULL, out, NULL) == 0;
    if (found) {
        utimensat(AT_FDCWD, path, NULL, 0); /* used now: the oldest unused goes first */
        free((*out)->note); /* about the file, of which nobody knows: the regions were detected */
        (*out)->note = NULL;
    }
    free(path);
    free(folder);
    return found;
}

/* ---- the folder */

struct entry {
    char *path;
    int64_t bytes;
    struct timespec used;
};

static int by_use(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    if (x->used.tv_sec != y->used.tv_sec)
        return x->used.tv_sec < y->used.tv_sec ? -1 : 1;
    return (x->used.tv_nsec > y->used.tv_nsec) - (x->used.tv_nsec < y->used.tv_nsec);
}

/* All files of the cache, the longest unused first. */
static struct entry *list_files(const char *folder, int *count)
{
    struct entry *list = NULL;
    DIR *d = folder ? opendir(folder) : NULL;
    *count = 0;
    for (struct dirent *e; d && (e = readdir(d));) {
        struct stat st;
        if (!ends_in(e->d_name, TAIL))
            continue;
        char *path = xasprintf("%s/%s", folder, e->d_name);
        if (stat(path, &st) != 0) {
            free(path);
            continue;
        }
        list = xreallocarray(list, (size_t)*count + 1, sizeof *list);
        list[(*count)++] = (struct entry){path, (int64_t)st.st_size, st.st_mtim};
    }
    if (d)
        closedir(d);
    if (list)
        vs_sort(list, (size_t)*count, sizeof *list, by_use);
    return list;
}

static void free_files(struct entry *list, int count)
{
    for (int i = 0; i < count; i++)
        free(list[i].path);
    free(list);
}

static int64_t byte_limit(void)
{
    const char *s = getenv("VILSCOPE_CACHE_MB");
    long long mb = s ? strtoll(s, NULL, 10) : 2048;
    return (mb < 0 ? 0 : mb > 1000000000 ? 1000000000 : mb) << 20;
}

void regioncache_put(const char *image, const char *detector, const struct regions *r)
{
    char *folder = cache_folder(true);
    int count;
    if (!folder || byte_limit() == 0) {
        free(folder);
        return;
    }
    char *path = file_of(folder, image, detector);
    char *all = xasprintf("%s/", folder);
    tempfile_sweep(all);
    free(all);
    if (regions_write_safetensors(path, r, NULL) == 0)
        chmod(path, 0600); /* until then nobody else can enter the folder */
    struct entry *list = list_files(folder, &count);
    int64_t total = 0;
    for (int i = 0; i < count; i++)
        total += list[i].bytes;
    for (int i = 0; i < count && total > byte_limit(); i++) {
        unlink(list[i].path);
        total -= list[i].bytes;
    }
    free_files(list, count);
    free(path);
    free(folder);
}

void regioncache_measure(struct regioncache_usage *out)
{
    *out = (struct regioncache_usage){.folder = cache_folder(false), .limit = byte_limit()};
    struct entry *list = list_files(out->folder, &out->files);
    for (int i = 0; i < out->files; i++)
        out->bytes += list[i].bytes;
    free_files(list, out->files);
}

int regioncache_clear(void)
{
    char *folder = cache_folder(false);
    int count, removed = 0;
    struct entry *list = list_files(folder, &count);
    for (int i = 0; i < count; i++)
        removed += unlink(list[i].path) == 0;
    free_files(list, count);
    free(folder);
    return removed;
}
