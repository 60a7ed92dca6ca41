/* SPDX-License-Identifier: MIT */
/* Finding the module and the driver. A machine without either loses nothing but a few file
 * look-ups: the driver's library is asked first, and the module with cuBLAS, which is large, only
 * then. */
#include "kernels/cuda/gpu_priv.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MODULE "vilscope-cuda.so"

static struct {
    pthread_once_t once;
    const struct cuda_api *api;
    bool absent; /* the GPU */
    char why[KERN_WHY];
} module = {.once = PTHREAD_ONCE_INIT};

/* Loads the driver's library and counts its devices, without a context: a moment's work. Returns
 * whether there is one. */
static bool look_for_driver(void)
{
    void *lib = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
    module.absent = !lib;
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
    module.absent = rc == 100 || (rc == 0 && n == 0); /* CUDA_ERROR_NO_DEVICE */
    if (module.absent)
        snprintf(module.why, sizeof module.why, "the NVIDIA driver finds no GPU");
    else if (rc != 0)
        snprintf(module.why, sizeof module.why, "the NVIDIA driver does not start (CUDA error %d); "
                 "nvidia-smi may say more", rc);
    return rc == 0 && n > 0; /* the library stays: the module uses it */
}

/* What the environment names; or beside the program, as it is built; or where it is installed. */
static void find_file(char *path, size_t size)
{
    ssize_t n = readlink("/proc/self/exe", path, size - sizeof MODULE - 1);
    const char *asked = getenv("VILSCOPE_CUDA_MODULE");
    char *base = NULL;
    if (n > 0) {
        path[n] = '\0';
        base = strrchr(path, '/');
    }
    if (base)
        memcpy(base + 1, MODULE, sizeof MODULE);
    if (asked && *asked)
        snprintf(path, size, "%s", asked);
    else if (!base || access(path, R_OK) != 0)
        snprintf(path, size, "%s", VS_LIBDIR "/" MODULE);
}

/* Why dlopen failed, which may or may not name the file first. */
static void say_unloadable(const char *path, const char *error)
{
    size_t n = strlen(path);
    bool library = error && strncmp(error, path, n) != 0;
    if (access(path, F_OK) != 0)
        snprintf(module.why, sizeof module.why, "there is no CUDA module %.250s: build vilscope "
                 "where nvcc is, or name one in VILSCOPE_CUDA_MODULE", path);
    else
        snprintf(module.why, sizeof module.why, "the CUDA module %.250s does not load: %.200s; %s",
                 path, !error ? "?" : library ? error : error + n + strspn(error + n, ": "),
                 library ? "install that library, or add its folder to LD_LIBRARY_PATH"
                         : "install the module again, with the program");
}

/* The module's table, or NULL with the reason noted. */
static const struct cuda_api *open_module(void)
{
    char path[4200];
    find_file(path, sizeof path);
    void *lib = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!lib) {
        say_unloadable(path, dlerror());
        return NULL;
    }
    const struct cuda_api *api = dlsym(lib, CUDA_API_SYMBOL);
    if (!api || api->version != CUDA_API_VERSION) {
        snprintf(module.why, sizeof module.why, "the CUDA module %.250s belongs to another version "
                 "of vilscope: install both together", path);
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

const struct cuda_api *gpu_module(bool *absent, char *why, size_t why_size)
{
    pthread_once(&module.once, load);
    if (absent)
        *absent = module.absent;
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
        snprintf(out->text, sizeof out->text, "not known: %s", api->explain(rc));
        return;
    }
    int n = snprintf(out->text, sizeof out->text, "%s, compute capability %d.%d, %d processors, ",
                     info.name, info.major, info.minor, info.processors);
    if (info.spare_known)
        n += snprintf(out->text + n, sizeof out->text - (size_t)n, "%zu of %zu MB free",
                      info.spare >> 20, info.memory >> 20);
    else
        n += snprintf(out->text + n, sizeof out->text - (size_t)n, "%zu MB", info.memory >> 20);
    if (!out->usable)
        snprintf(out->text + n, sizeof out->text - (size_t)n, "; " GPU_NO_CODE);
}

bool gpu_list(int i, struct kern_device *out)
{
    int n = 0, rc;
    const struct cuda_api *api = gpu_module(NULL, out->text, sizeof out->text);
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
