/* SPDX-License-Identifier: MIT */
/* How much memory a GPU has free, asked of the driver's monitor: CUDA itself needs a context for
 * that, which takes half a gigabyte of the device and half a second. */
#include "kernels/cuda/gpu_priv.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

struct nvml_memory {
    unsigned long long total, free, used;
};

static struct {
    pthread_once_t once;
    int (*handle)(const char *uuid, void **out);
    int (*memory)(void *handle, struct nvml_memory *out);
} nvml = {.once = PTHREAD_ONCE_INIT};

/* The library stays: there is no moment at which nobody asks any more. */
static void nvml_load(void)
{
    void *lib = dlopen("libnvidia-ml.so.1", RTLD_NOW | RTLD_LOCAL);
    int (*init)(void);
    if (!lib)
        return;
    void *a = dlsym(lib, "nvmlInit_v2"), *b = dlsym(lib, "nvmlDeviceGetHandleByUUID");
    void *c = dlsym(lib, "nvmlDeviceGetMemoryInfo");
    memcpy(&init, &a, sizeof init);
    if (!a || !b || !c || init() != 0)
        return;
    memcpy(&nvml.handle, &b, sizeof nvml.handle);
    memcpy(&nvml.memory, &c, sizeof nvml.memory);
}

bool gpu_spare(const unsigned char uuid[16], size_t *out)
{
    static const char *const kinds[] = {"GPU", "MIG"};
    char text[64];
    void *device = NULL;
    struct nvml_memory m = {0};
    pthread_once(&nvml.once, nvml_load);
    for (int i = 0; i < 2 && nvml.handle && !device; i++) {
        int n = snprintf(text, sizeof text, "%s", kinds[i]);
        for (int j = 0; j < 16; j++)
            n += snprintf(text + n, sizeof text - (size_t)n, "%s%02x",
                          j == 0 || j == 4 || j == 6 || j == 8 || j == 10 ? "-" : "", uuid[j]);
        if (nvml.handle(text, &device) != 0)
            device = NULL;
    }
    if (!device || nvml.memory(device, &m) != 0)
        return false;
    *out = (size_t)m.free;
    return true;
}
