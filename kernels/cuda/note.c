/* SPDX-License-Identifier: MIT */
/* What is not as one would expect of a GPU, though nothing has failed: passes without a graph,
 * products in another precision, variables of NVIDIA's libraries. */
#include "kernels/cuda/gpu_priv.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void gpu_note_float32(struct gpu *g, const int dims[3])
{
    struct gpu_notes *n = &g->notes;
    pthread_mutex_lock(&g->lock);
    bool known = n->shape_count == GPU_SHAPES;
    for (int i = 0; i < n->shape_count && !known; i++)
        known = memcmp(n->shapes[i], dims, sizeof n->shapes[i]) == 0;
    if (!known)
        memcpy(n->shapes[n->shape_count++], dims, sizeof n->shapes[0]);
    pthread_mutex_unlock(&g->lock);
}

void gpu_note_plain(struct gpu *g, const char *why)
{
    struct gpu_notes *n = &g->notes;
    pthread_mutex_lock(&g->lock);
    if (n->plain++ == 0)
        snprintf(n->plain_why, sizeof n->plain_why, "%s", why);
    pthread_mutex_unlock(&g->lock);
}

void gpu_note_add(char *out, size_t size, const char *fmt, ...)
{
    va_list ap;
    size_t at = strlen(out);
    if (at > 0)
        at += (size_t)snprintf(out + at, size - at, "; ");
    if (at >= size)
        return;
    va_start(ap, fmt);
    vsnprintf(out + at, size - at, fmt, ap);
    va_end(ap);
}

void gpu_note(struct gpu *g, char *out, size_t size)
{
    const struct gpu_notes *n = &g->notes;
    const int *d = n->shapes[0];
    pthread_mutex_lock(&g->lock);
    if (n->plain > 0)
        gpu_note_add(out, size, "%d kind%s of pass without a graph, and slower (%s)", n->plain,
                     n->plain > 1 ? "s" : "", n->plain_why);
    if (n->shape_count > 0)
        gpu_note_add(out, size, "products of %d shape%s%s in float32, for which this precision "
                     "has no algorithm (%dx%dx%d%s)", n->shape_count,
                     n->shape_count > 1 ? "s" : "", n->shape_count == GPU_SHAPES ? " or more" : "",
                     d[0], d[1], d[2], n->shape_count > 1 ? ", ..." : "");
    pthread_mutex_unlock(&g->lock);
}

/* ---- the environment */

/* The folder, or the nearest above it that exists, can be written. */
static bool note_writable(const char *folder)
{
    char path[4096];
    size_t n = (size_t)snprintf(path, sizeof path, "%s", folder);
    if (n >= sizeof path)
        return false;
    while (n > 1 && access(path, F_OK) != 0) {
        while (n > 1 && path[n - 1] != '/')
            n--;
        n -= n > 1;
        path[n] = '\0';
    }
    struct stat st;
    if (!strchr(path, '/') && access(path, F_OK) != 0)
        snprintf(path, sizeof path, "."); /* a relative one, in the current folder */
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode) && access(path, W_OK) == 0;
}

/* The driver compiles the kernels for a device newer than the module, and keeps the result in a
 * folder of its own. */
static void note_compiling(const struct gpu *g, char *out, size_t size)
{
    char folder[4096], why[300];
    const char *set = getenv("CUDA_CACHE_PATH"), *home = getenv("HOME");
    const char *off = getenv("CUDA_CACHE_DISABLE");
    if (g->info.code != CUDA_PTX)
        return;
    if (set && *set)
        snprintf(folder, sizeof folder, "%s", set);
    else
        snprintf(folder, sizeof folder, "%s/.nv/ComputeCache", home ? home : "");
    if (off && strcmp(off, "1") == 0)
        snprintf(why, sizeof why, "CUDA_CACHE_DISABLE is set");
    else if (!note_writable(folder))
        snprintf(why, sizeof why, "%.200s can't be written (CUDA_CACHE_PATH names another)",
                 folder);
    else
        return;
    gpu_note_add(out, size, "this GPU is newer than the CUDA module, whose kernels are compiled at "
                 "every start: %s", why);
}

const char *gpu_tf32_override(void)
{
    const char *s = getenv("NVIDIA_TF32_OVERRIDE");
    return s && *s ? s : NULL;
}

void gpu_note_opening(struct gpu *g)
{
    const char *tf32 = gpu_tf32_override();
    if (tf32 && strcmp(tf32, "0") == 0 && g->precision == CUDA_TF32)
        gpu_note_add(g->k->note, sizeof g->k->note, "NVIDIA_TF32_OVERRIDE=0 makes products of "
                     "tf32 float32");
    else if (tf32 && strcmp(tf32, "0") != 0 && g->precision == CUDA_FLOAT32)
        gpu_note_add(g->k->note, sizeof g->k->note, "NVIDIA_TF32_OVERRIDE=%.8s may make products "
                     "of float32 tf32: unset it", tf32);
    note_compiling(g, g->k->note, sizeof g->k->note);
}
