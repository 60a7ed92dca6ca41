/* SPDX-License-Identifier: MIT */
/* Finding the module that reads HDF5: beside the program, as it is built, or where it is
 * installed. */
#include "src/formats/hdf5read.h"

#include "src/base/mem.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct {
    pthread_once_t once;
    const struct hdf5_module *module;
    char why[200];
} loaded = {.once = PTHREAD_ONCE_INIT};

static void *hdf5_module_file(void)
{
    char program[4096];
    ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);
    void *lib = NULL;
    program[n > 0 ? n : 0] = '\0';
    char *slash = strrchr(program, '/');
    if (slash) {
        char *path = xasprintf("%.*s/" HDF5_MODULE, (int)(slash - program), program);
        if (access(path, R_OK) == 0)
            lib = dlopen(path, RTLD_NOW | RTLD_LOCAL);
        free(path);
    }
    return lib ? lib : dlopen(VS_LIBDIR "/" HDF5_MODULE, RTLD_NOW | RTLD_LOCAL);
}

static void hdf5_module_load(void)
{
    void *lib = hdf5_module_file();
    const char *e = lib ? NULL : dlerror();
    const struct hdf5_module *m = lib ? dlsym(lib, HDF5_MODULE_SYMBOL) : NULL;
    if (m && m->version == HDF5_MODULE_VERSION && m->begin())
        loaded.module = m;
    else if (!lib && (!e || strstr(e, HDF5_MODULE ": cannot open")))
        snprintf(loaded.why, sizeof loaded.why, "this vilscope was built without libhdf5: install "
                 "libhdf5-dev (INSTALL.md) and build it anew, or convert the file elsewhere");
    else
        snprintf(loaded.why, sizeof loaded.why, "the module for HDF5 does not start: %.120s",
                 e ? e : "it belongs to another version of vilscope");
}

const struct hdf5_module *hdf5_module_open(const char *path, struct vs_err *err)
{
    pthread_once(&loaded.once, hdf5_module_load);
    if (!loaded.module)
        vs_fail(err, VS_E_REFUSED, "%s: is an HDF5 file, and %s", path, loaded.why);
    return loaded.module;
}
