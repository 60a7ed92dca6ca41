/* SPDX-License-Identifier: MIT */
/* Label lists: pickles of all protocols, JSON, text. */
#include "src/formats/labels.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64];
    struct labels *l = NULL;
    struct vs_err err = {0};
    int fd = fuzz_file(data, size, path);
    if (labels_open(path, &l, &err) != 0 && !err.text[0])
        abort();
    for (int i = 0; l && i < l->count; i++)
        if (!l->names[i])
            abort();
    labels_free(l);
    close(fd);
    return 0;
}
