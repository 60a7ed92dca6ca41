/* SPDX-License-Identifier: MIT */
/* All tensors of a file as float32, to be changed and written as another one. */
#ifndef COPY_H
#define COPY_H

#include "src/formats/tensorfile.h"
#include "src/base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct copy {
    struct tensor_out *list;
    int count;
};

/* Says why on stderr when it fails. */
static __attribute__((unused)) bool read_copy(const char *path, struct copy *c)
{
    struct tensorfile *f = NULL;
    struct vs_err err = {0};
    *c = (struct copy){0};
    if (tensorfile_open(path, &f, &err) != 0) {
        fprintf(stderr, "%s\n", err.text);
        return false;
    }
    c->list = xcalloc((size_t)tensorfile_count(f) + 1, sizeof *c->list);
    for (; c->count < tensorfile_count(f); c->count++) {
        const struct tensor *t = tensorfile_at(f, c->count);
        struct tensor_out *o = &c->list[c->count];
        float *x = xcalloc((size_t)tensor_elements(t) + 1, sizeof *x);
        tensor_to_f32(t, x);
        *o = (struct tensor_out){xstrdup(t->name), DTYPE_F32, t->ndim, {0}, x};
        memcpy(o->shape, t->shape, sizeof o->shape);
    }
    tensorfile_close(f);
    return true;
}

static __attribute__((unused)) void free_copy(struct copy *c)
{
    for (int i = 0; i < c->count; i++) {
        free((char *)(uintptr_t)c->list[i].name);
        free((void *)(uintptr_t)c->list[i].data);
    }
    free(c->list);
}

#endif
