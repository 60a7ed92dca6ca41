/* SPDX-License-Identifier: MIT */
/* The description of a detector. What is read must be usable. */
#include "src/vision/arch.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64];
    struct arch a;
    struct vs_err err = {0};
    int fd = fuzz_file(data, size, path);
    if (arch_read(path, &a, &err) == 0) {
        if (a.groups < 1 || a.num_classes < 2 || a.size_divisible < 1 || a.bins < 1 ||
            a.min_side < 1 || a.max_side < 1 || a.mlp_dim < 1)
            abort();
        for (int i = 0; i < 4; i++)
            if (a.blocks[i] < 1)
                abort();
    } else if (!err.text[0]) {
        abort();
    }
    close(fd);
    return 0;
}
