/* SPDX-License-Identifier: MIT */
/* The thread that packs. A program that asks once neither waits nor pays for it: the first passes
 * pack on their way (kernels/kern_linear.c), with the same numbers. What is packed are the trunk's
 * products; of the file's pages nobody needs those any more, and they are given back. Whoever reads
 * the originals (mixing, comparing, gradients, the digest) gets them again from the file. */
#include "src/model/transformer/packer.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#define PACK_AFTER 2 /* passes */

struct packer {
    struct kern_packed *to;
    const struct bound *from; /* its products do not change */
    int passes;
    int done; /* the thread's, until it has ended */
    bool running;
    atomic_bool stop;
    pthread_t thread;
};

struct packer *packer_new(struct kern *k, const struct bound *b)
{
    bool used = b->product_count > 0 && kern_precision(k) == KERN_FLOAT32; /* or bound_fill did */
    struct kern_packed *to = used ? kern_packed_new(k) : NULL;
    struct packer *p = to ? xcalloc(1, sizeof *p) : NULL;
    if (p) {
        p->to = to;
        p->from = b;
    }
    return p;
}

static void *packer_main(void *arg)
{
    struct packer *p = arg;
    for (int i = 0; i < p->from->product_count && !atomic_load(&p->stop); i++) {
        const struct bound_product *x = &p->from->products[i];
        if (!kern_packed_add(p->to, x->of->data, x->n, x->k))
            break;
        tensor_forget(x->of);
        p->done++;
    }
    return NULL;
}

void packer_passed(struct packer *p)
{
    if (p && ++p->passes == PACK_AFTER)
        p->running = pthread_create(&p->thread, NULL, packer_main, p) == 0;
}

int packer_wait(struct packer *p)
{
    if (!p)
        return 0;
    if (p->running)
        pthread_join(p->thread, NULL);
    p->running = false;
    return p->done;
}

void packer_free(struct packer *p)
{
    if (!p)
        return;
    atomic_store(&p->stop, true);
    packer_wait(p);
    kern_packed_free(p->to);
    free(p);
}
