/* SPDX-License-Identifier: MIT */
/* Finding a module: beside the program, as it is built, or where it is installed. */
#include "src/formats/modulefile.h"

#include "src/base/mem.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void *module_file(const char *file)
{
    char program[4096];
    ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);
    program[n > 0 ? n : 0] = '\0';
    char *slash = strrchr(program, '/');
    char *path = xasprintf("%.*s/%s", slash ? (int)(slash - program) : 0, program, file);
    if (!slash || access(path, R_OK) != 0) {
        free(path);
        path = xasprintf("%s/%s", VS_LIBDIR, file);
    } /* else it belongs to this program, be it whole or not: an installed one may be older */
    void *lib = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    free(path);
    return lib;
}

const void *module_symbol(const char *file, const char *symbol, char *why, size_t size)
{
    void *lib = module_file(file);
    const char *e = lib ? NULL : dlerror();
    const void *found = lib ? dlsym(lib, symbol) : NULL;
    char *absent = xasprintf("%s: cannot open", file);
    if (found || (!lib && (!e || strstr(e, absent))))
        snprintf(why, size, "%s", "");
    else
        snprintf(why, size, "%.120s", e ? e : "it belongs to another version of vilscope");
    free(absent);
    return found;
}
