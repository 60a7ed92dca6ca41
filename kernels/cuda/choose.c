/* SPDX-License-Identifier: MIT */
/* The GPU that "auto" takes: of those with enough free memory, the one with the most; on a shared
 * server the first one is as likely to be full as any other. */
#include "kernels/cuda/gpu_priv.h"

#include <stdio.h>
#include <stdlib.h>

#define TOLD 4 /* of those that auto did not take; the rest are counted */

struct candidate {
    int device, failed; /* failed: the code of asking for info */
    struct cuda_info info;
};

int gpu_info(const struct cuda_api *api, int device, struct cuda_info *out)
{
    int rc = api->info(device, out);
    if (rc == 0 && !out->spare_known)
        out->spare_known = gpu_spare(out->uuid, &out->spare);
    return rc;
}

static bool is_usable(const struct candidate *c)
{
    return c->failed == 0 && c->info.code != CUDA_NO_CODE;
}

/* What may be free there, at most. */
static size_t most_spare(const struct candidate *c)
{
    return c->info.spare_known ? c->info.spare : c->info.memory;
}

/* Those that can't be used last, the others by falling memory, then by number. */
static int by_spare(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;
    size_t of_x = most_spare(x), of_y = most_spare(y);
    if (is_usable(x) != is_usable(y))
        return is_usable(x) ? -1 : 1;
    return of_x != of_y ? (of_x < of_y) - (of_x > of_y) : x->device - y->device;
}

static int too_full(int device, size_t spare, size_t bytes, char *why)
{
    snprintf(why, KERN_WHY, "cuda:%d has %zu MB free, %zu MB are needed", device, spare >> 20,
             (bytes + (1 << 20) - 1) >> 20);
    return -1;
}

/* Opens it when what is free then is enough. why has KERN_WHY. */
static int try_candidate(struct kern *k, const struct cuda_api *api, const struct candidate *c,
                         size_t bytes, char *why)
{
    char spec[32];
    size_t used, limit;
    snprintf(spec, sizeof spec, "cuda:%d", c->device);
    if (!is_usable(c)) {
        snprintf(why, KERN_WHY, "%s (%.60s): %s", spec,
                 *c->info.name ? c->info.name : "?",
                 c->failed ? api->explain(c->failed) : GPU_NO_CODE);
        return -1;
    }
    if (c->info.spare_known && c->info.spare < bytes)
        return too_full(c->device, c->info.spare, bytes, why);
    *k->note = '\0'; /* of one that was tried before */
    if (gpu_open(k, api, spec, why, KERN_WHY) != 0)
        return -1;
    gpu_used(k->gpu, &used, &limit);
    if (limit >= bytes)
        return 0;
    gpu_close(k->gpu);
    k->gpu = NULL;
    return too_full(c->device, limit, bytes, why);
}

/* Why it was that one of n, into k->note; what the ones before it lack is in tried. */
static void note_choice(struct kern *k, const struct candidate *c, int n, const char *tried)
{
    if (*tried)
        gpu_note_add(k->note, sizeof k->note, "auto took cuda:%d of %d GPUs, having tried: %s",
                     c->device, n, tried);
    else if (n > 1)
        gpu_note_add(k->note, sizeof k->note, "auto took cuda:%d, which has the most memory%s of "
                     "%d GPUs", c->device, c->info.spare_known ? " free" : "", n);
}

static void ask_all(const struct cuda_api *api, struct candidate *list, int n)
{
    for (int i = 0; i < n; i++) {
        list[i].device = i;
        list[i].failed = gpu_info(api, i, &list[i].info);
    }
    qsort(list, (size_t)n, sizeof *list, by_spare);
}

int gpu_open_best(struct kern *k, const struct cuda_api *api, size_t bytes, char *why,
                  size_t why_size)
{
    int n = 0, rc = api->count(&n), opened = -1;
    char tried[KERN_WHY] = "", one[KERN_WHY];
    struct candidate *list = rc == 0 && n > 0 ? calloc((size_t)n, sizeof *list) : NULL;
    if (!list) {
        snprintf(why, why_size, "device cuda: %s", rc ? api->explain(rc) : "there is no GPU");
        return -1;
    }
    ask_all(api, list, n);
    for (int i = 0; i < n && opened < 0; i++)
        if (try_candidate(k, api, &list[i], bytes, one) == 0)
            opened = i;
        else if (i < TOLD)
            gpu_note_add(tried, sizeof tried, "%s", one);
    int missed = opened < 0 ? n : opened;
    if (missed > TOLD)
        gpu_note_add(tried, sizeof tried, "and %d more", missed - TOLD);
    if (opened < 0)
        snprintf(why, why_size, "%s", tried);
    else
        note_choice(k, &list[opened], n, tried);
    free(list);
    return opened >= 0 ? 0 : -1;
}
