/* SPDX-License-Identifier: MIT */
/* Boxes that a user gives: text, JSON, .npy. */
#include "src/formats/boxfile.h"
#include "tests/fuzz/fuzz.h"

#include <math.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64];
    float *boxes = NULL;
    int count = 0;
    struct vs_err err = {0};
    int fd = fuzz_file(data, size, path);
    if (boxfile_read(path, &boxes, &count, &err) == 0) {
        if (count < 1)
            abort();
        for (int i = 0; i < count; i++)
            if (!(boxes[4 * i] <= boxes[4 * i + 2] && boxes[4 * i + 1] <= boxes[4 * i + 3]) ||
                !isfinite(boxes[4 * i]))
                abort();
        free(boxes);
    } else if (!err.text[0]) {
        abort();
    }
    close(fd);
    return 0;
}
