/* SPDX-License-Identifier: MIT */
/* Finding the module and the driver. A machine without either loses nothing but a few file
 * look-ups: the driver's library is asked first, and the module with cuBLAS, which is large, only
 * then. */
#include "kernels/cuda/gpu.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MODULE "vilscope-cuda.so"

static struct {
    pthread_once_t once;
    const struct cuda_api *api;
    char why[200];
} module = {.once = PTHREAD_ONCE_INIT};

/* Loads the driver's library and counts its devices, without a context: a moment's work. Returns
 * whether there is one. */
static bool look_for_driver(void)
{
    void *lib = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
    if (!lib) {
        snprintf(module.why, sizeof module.why, "no NVIDIA driver is installed (libcuda.so.1 is "
                 "missing)");
        return false;
    }
    int (*init)(unsigned), (*count)(int *), n = 0, rc;
    void *a = dlsym(lib, "cuInit"), *b = dlsym(lib, "cuDeviceGetCount");
    memcpy(&init, &a, sizeof init);
    memcpy(&count, &b, sizeof count);
    rc = a && b ? init(0) : 999;
    if (rc == 0)
        rc = count(&n);
    if (rc == 100 || (rc == 0 && n == 0)) /* CUDA_ERROR_NO_DEVICE */
        snprintf(module.why, sizeof module.why, "the NVIDIA driver finds no GPU");
    else if (rc != 0)
        snprintf(module.why, sizeof module.why, "the NVIDIA driver does not start (CUDA error %d); "
                 "nvidia-smi may say more", rc);
    return rc == 0 && n > 0; /* the library stays: the module uses it */
}

/* Beside the program (as it is built), then where it is installed. */
static void *open_file(void)
{
    char path[4200];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - sizeof MODULE - 1);
    const char *asked = getenv("VILSCOPE_CUDA_MODULE");
    if (asked && *asked)
        return dlopen(asked, RTLD_NOW | RTLD_LOCAL);
    if (n > 0) {
        path[n] = '\0';
        char *base = strrchr(path, '/');
        if (base) {
            strcpy(base + 1, MODULE);
            if (access(path, R_OK) == 0)
                return dlopen(path, RTLD_NOW | RTLD_LOCAL);
        }
    }
    return dlopen(VS_LIBDIR "/" MODULE, RTLD_NOW | RTLD_LOCAL);
}

/* The module's table, or NULL with the reason noted. */
static const struct cuda_api *open_module(void)
{
    void *lib = open_file();
    if (!lib) {
        const char *e = dlerror();
        bool absent = e && strstr(e, MODULE ": cannot open");
        snprintf(module.why, sizeof module.why, "%s%.120s",
                 absent ? "this build has no CUDA module: " : "the CUDA module does not load: ",
                 e ? e : "?");
        return NULL;
    }
    const struct cuda_api *api = dlsym(lib, CUDA_API_SYMBOL);
    if (!api || api->version != CUDA_API_VERSION) {
        snprintf(module.why, sizeof module.why, "the CUDA module belongs to another version of "
                 "vilscope: install both together");
        dlclose(lib);
        return NULL;
    }
    return api;
}

static void load(void)
{
    if (look_for_driver())
        module.api = open_module();
}

const struct cuda_api *gpu_module(char *why, size_t why_size)
{
    pthread_once(&module.once, load);
    if (!module.api)
        snprintf(why, why_size, "%s", module.why);
    return module.api;
}

/* ---- the list */

/* Without a context: that takes half a second and memory of each, whoever uses it now. */
void gpu_list_device(const struct cuda_api *api, int i, struct kern_device *out)
{
    struct cuda_info info;
    int rc = gpu_info(api, i, &info);
    snprintf(out->name, sizeof out->name, "cuda:%d", i);
    out->usable = rc == 0 && info.code != CUDA_NO_CODE;
    if (rc != 0) {
        snprintf(out->text, sizeof out->text, "%.90s: %.120s", info.name, api->explain(rc));
        return;
    }
    int n = snprintf(out->text, sizeof out->text, "%s, compute capability %d.%d, %d processors, ",
                     info.name, info.major, info.minor, info.processors);
    if (info.spare > 0)
        n += snprintf(out->text + n, sizeof out->text - (size_t)n, "%zu of %zu MB free",
                      info.spare >> 20, info.memory >> 20);
    else
        n += snprintf(out->text + n, sizeof out->text - (size_t)n, "%zu MB", info.memory >> 20);
    if (!out->usable)
        snprintf(out->text + n, sizeof out->text - (size_t)n, "; the CUDA module has no code for "
                 "it");
}

bool gpu_list(int i, struct kern_device *out)
{
    int n = 0, rc;
    const struct cuda_api *api = gpu_module(out->text, sizeof out->text);
    snprintf(out->name, sizeof out->name, "cuda");
    out->usable = false;
    if (!api)
        return i == 0;
    rc = api->count(&n);
    if (rc != 0) {
        snprintf(out->text, sizeof out->text, "%s", api->explain(rc));
        return i == 0;
    }
    if (i >= n)
        return false;
    gpu_list_device(api, i, out);
    return true;
}
