/* SPDX-License-Identifier: MIT */
/* Opening the module that reads HDF5. */
#include "src/formats/hdf5read.h"

#include "src/formats/modulefile.h"

#include <pthread.h>
#include <stdio.h>

static struct {
    pthread_once_t once;
    const struct hdf5_module *module;
    char why[200];
} loaded = {.once = PTHREAD_ONCE_INIT};

static void hdf5_module_load(void)
{
    char why[160];
    const struct hdf5_module *m = module_symbol(HDF5_MODULE, HDF5_MODULE_SYMBOL, why, sizeof why);
    if (m && m->version == HDF5_MODULE_VERSION && m->begin())
        loaded.module = m;
    else if (!m && !*why)
        snprintf(loaded.why, sizeof loaded.why, "this vilscope was built without libhdf5: install "
                 "libhdf5-dev (INSTALL.md) and build it anew, or convert the file elsewhere");
    else
        snprintf(loaded.why, sizeof loaded.why, "the module for HDF5 does not start: %.120s",
                 *why ? why : "it belongs to another version of vilscope");
}

const struct hdf5_module *hdf5_module_open(const char *path, struct vs_err *err)
{
    pthread_once(&loaded.once, hdf5_module_load);
    if (!loaded.module)
        vs_fail(err, VS_E_REFUSED, "%s: is an HDF5 file, and %s", path, loaded.why);
    return loaded.module;
}
