/* SPDX-License-Identifier: MIT */
/* Region features, by what the bytes look like, and what the model reads of them: .npy, .npz, TSV,
 * JSON, pickles, safetensors. (fuzz-lmdb.c, fuzz-hdf5.c and fuzz-gunzip.c have those that bytes
 * would hardly ever become by chance.) */
#include "tests/fuzz/fuzz_regions.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64];
    int fd = fuzz_file(data, size, path);
    fuzz_regions(path, "17");
    close(fd);
    return 0;
}
