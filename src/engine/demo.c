/* SPDX-License-Identifier: MIT */
/* Finding the demo's model directory. */
#include "src/engine/demo.h"

#include "src/base/mem.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool has_model(const char *dir)
{
    char *file = xasprintf("%s/model.json", dir);
    bool there = access(file, R_OK) == 0;
    free(file);
    return there;
}

/* "/x/build/vilscope" -> "/x/demo/model": a program that was built but not installed. And
 * "/x/bin/vilscope" -> "/x/share/vilscope/demo": one that was moved after its installation. */
static char *beside_program(const char *place)
{
    char path[4096];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
    if (n <= 0)
        return NULL;
    path[n] = '\0';
    for (int up = 0; up < 2; up++) {
        char *slash = strrchr(path, '/');
        if (!slash)
            return NULL;
        *slash = '\0';
    }
    return xasprintf("%s/%s", path, place);
}

char *demo_find(void)
{
    const char *own = getenv("VILSCOPE_DEMO");
    bool named = own && own[0]; /* then nothing else, so that "none" means none */
    char *list[4] = {named ? xstrdup(own) : NULL, named ? NULL : beside_program("demo/model"),
                     named ? NULL : beside_program("share/vilscope/demo"),
                     named ? NULL : xstrdup(VS_DATADIR "/demo")};
    char *found = NULL;
    for (int i = 0; i < 4; i++)
        if (list[i] && !found && has_model(list[i]))
            found = list[i];
        else
            free(list[i]);
    return found;
}

char *demo_tour(void)
{
    char *dir = demo_find(), *found = NULL;
    for (int i = 0; dir && !found && i < 2; i++) {
        char *path = i ? xasprintf("%s/../tour.vs", dir) : xasprintf("%s/tour.vs", dir);
        if (access(path, R_OK) == 0)
            found = path;
        else
            free(path);
    }
    free(dir);
    return found;
}
