/* The folder of the caches. */
#include "src/cachedir.h"

#include "src/mem.h"

#include <stdlib.h>
#include <sys/stat.h>

char *cachedir_path(const char *name, bool create)
{
    const char *base = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    char *dir = base && base[0] == '/' ? xstrdup(base)
                : home && home[0]      ? xasprintf("%s/.cache", home)
                                       : NULL;
    if (!dir)
        return NULL;
    char *ours = xasprintf("%s/vilscope", dir), *path = xasprintf("%s/%s", ours, name);
    if (create) {
        mkdir(dir, 0700);
        mkdir(ours, 0700);
    }
    free(dir);
    free(ours);
    return path;
}
