/* SPDX-License-Identifier: MIT */
/* A probe set, in paragraphs or JSON lines; what is read is written and read again. */
#include "src/base/mem.h"
#include "src/study/probes.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

static void read_again(const struct probe *p)
{
    char path[64], *text = probe_format(p, NULL);
    struct probes *again = NULL;
    struct vs_err err = {0};
    int fd = fuzz_file((const uint8_t *)text, strlen(text), path);
    if (probes_open(path, &again, &err) == 0 &&
        (again->count != 1 || again->list[0].item.task != p->item.task ||
         again->list[0].item.image_count != p->item.image_count ||
         again->list[0].item.candidates.count != p->item.candidates.count))
        abort();
    probes_free(again);
    close(fd);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64];
    struct probes *p = NULL;
    struct vs_err err = {0};
    int fd = fuzz_file(data, size, path);
    if (probes_open(path, &p, &err) == 0) {
        if (p->count < 1)
            abort();
        for (int i = 0; i < p->count; i++) {
            const struct probe *x = &p->list[i];
            if (!x->item.task || !x->item.text || !x->name || x->item.image_count < 1)
                abort();
            if (i < 20)
                read_again(x);
        }
        probes_free(p);
    } else if (!err.text[0]) {
        abort();
    }
    close(fd);
    return 0;
}
