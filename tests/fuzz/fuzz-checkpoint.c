/* SPDX-License-Identifier: MIT */
/* Checkpoints of all formats: PyTorch legacy, zip, safetensors. Every element of every small
 * tensor is read, so that a view outside the file is seen. */
#include "src/formats/tensorfile.h"
#include "src/base/mem.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64];
    struct tensorfile *f = NULL;
    struct vs_err err = {0};
    int fd = fuzz_file(data, size, path);
    if (tensorfile_open(path, &f, &err) == 0)
        for (int i = 0; i < tensorfile_count(f); i++) {
            const struct tensor *t = tensorfile_at(f, i);
            if (tensorfile_find(f, t->name) != t)
                abort();
            if (tensor_elements(t) > 100000)
                continue;
            size_t n = (size_t)tensor_elements(t);
            float *x = xcalloc(n + 1, sizeof *x);
            int64_t *y = xcalloc(n + 1, sizeof *y);
            tensor_to_f32(t, x);
            tensor_to_i64(t, y);
            free(x);
            free(y);
        }
    else if (!err.text[0])
        abort(); /* a refusal says why */
    tensorfile_close(f);
    close(fd);
    return 0;
}
