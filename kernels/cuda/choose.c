/* SPDX-License-Identifier: MIT */
/* The GPU that "auto" takes: of those with enough free memory, the one with the most; on a shared
 * server the first one is as likely to be full as any other. */
#include "kernels/cuda/gpu_priv.h"

#include <stdio.h>
#include <stdlib.h>

struct candidate {
    int device;
    bool known; /* how much is free */
    size_t spare;
};

int gpu_info(const struct cuda_api *api, int device, struct cuda_info *out)
{
    int rc = api->info(device, out);
    if (rc == 0 && out->spare == 0)
        out->spare = gpu_spare(out->uuid);
    return rc;
}

/* By falling memory, then by number. */
static int by_spare(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;
    return x->spare != y->spare ? (x->spare < y->spare) - (x->spare > y->spare)
                                : x->device - y->device;
}

static int too_full(int device, size_t spare, size_t bytes, char *why, size_t why_size)
{
    snprintf(why, why_size, "cuda:%d has %zu MB free, %zu MB are needed", device, spare >> 20,
             (bytes + (1 << 20) - 1) >> 20);
    return -1;
}

/* Opens it when what is free then is enough. */
static int try_candidate(struct kern *k, const struct cuda_api *api, const struct candidate *c,
                         size_t bytes, char *why, size_t why_size)
{
    char spec[32];
    size_t used, limit;
    snprintf(spec, sizeof spec, "cuda:%d", c->device);
    if (c->known && c->spare < bytes)
        return too_full(c->device, c->spare, bytes, why, why_size);
    *k->note = '\0'; /* of one that was tried before */
    if (gpu_open(k, api, spec, why, why_size) != 0)
        return -1;
    gpu_used(k->gpu, &used, &limit);
    if (limit >= bytes)
        return 0;
    gpu_close(k->gpu);
    k->gpu = NULL;
    return too_full(c->device, limit, bytes, why, why_size);
}

int gpu_open_best(struct kern *k, const struct cuda_api *api, size_t bytes, char *why,
                  size_t why_size)
{
    int n = 0, rc = api->count(&n), opened = -1;
    char reason[256] = "";
    struct candidate *list = rc == 0 && n > 0 ? calloc((size_t)n, sizeof *list) : NULL;
    if (!list) {
        snprintf(why, why_size, "device cuda: %s", rc ? api->explain(rc) : "there is no GPU");
        return -1;
    }
    for (int i = 0; i < n; i++) {
        struct cuda_info info;
        list[i].device = i;
        if (gpu_info(api, i, &info) != 0)
            continue;
        list[i].known = info.spare > 0;
        list[i].spare = info.spare > 0 ? info.spare : info.memory;
    }
    qsort(list, (size_t)n, sizeof *list, by_spare);
    for (int i = 0; i < n && opened < 0; i++) {
        char one[256];
        if (try_candidate(k, api, &list[i], bytes, one, sizeof one) == 0)
            opened = i;
        else if (!*reason) /* of the one that would have been the best */
            snprintf(reason, sizeof reason, "%s", one);
    }
    if (opened < 0)
        snprintf(why, why_size, "%s", reason);
    else if (n > 1)
        gpu_note_add(k->note, sizeof k->note, "auto took cuda:%d, which has the most memory free "
                     "of %d GPUs%s%.150s", list[opened].device, n, *reason ? "; " : "", reason);
    free(list);
    return opened >= 0 ? 0 : -1;
}
