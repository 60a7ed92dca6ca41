/* SPDX-License-Identifier: MIT */
/* A data set of items. */
#include "src/study/eval.h"
#include "tests/fuzz/fuzz.h"

static void try(const struct eval_source *o)
{
    struct eval_set *s = NULL;
    struct vs_err err = {0};
    if (eval_open(o, &s, &err) == 0) {
        if (s->count < 1)
            abort();
        for (int i = 0; i < s->count; i++)
            if (!s->items[i].task || !s->items[i].text || s->items[i].image_count < 1)
                abort();
        eval_free(s);
    } else if (!err.text[0]) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64];
    int fd = fuzz_file(data, size, path);
    try(&(struct eval_source){.path = path, .annotations = path, .images = "x"});
    try(&(struct eval_source){.path = path, .images = "x", .optional = true});
    close(fd);
    return 0;
}
