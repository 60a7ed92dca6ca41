/* SPDX-License-Identifier: MIT */
/* Region features: .npy, LMDB and TSV, by what the bytes look like, and what the model reads of
 * them. */
#include "src/formats/lmdb.h"
#include "src/formats/regions.h"
#include "src/base/mem.h"
#include "tests/fuzz/fuzz.h"

static bool touch(void *arg, const uint8_t *key, size_t key_len, const uint8_t *data, size_t len)
{
    unsigned *sum = arg;
    for (size_t i = 0; i < key_len; i++)
        *sum += key[i];
    for (size_t i = 0; i < len; i++)
        *sum += data[i];
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64];
    struct regions *r = NULL;
    struct lmdb l;
    struct vs_err err = {0};
    unsigned sum = 0;
    int fd = fuzz_file(data, size, path);
    if (regions_open(path, NULL, &r, &err) == 0) {
        float *features = xcalloc(((size_t)r->count + 1) * (size_t)r->dim, sizeof *features);
        float *spatials = xcalloc(((size_t)r->count + 1) * 5, sizeof *spatials);
        regions_model_input(r, features, spatials);
        free(features);
        free(spatials);
    } else if (!err.text[0]) {
        abort();
    }
    regions_free(r);
    r = NULL;
    if (regions_open(path, "17", &r, &err) == 0)
        regions_free(r);
    if (size < 1000000 && lmdb_open(path, &l, &err) == 0) {
        lmdb_each(&l, touch, &sum, &err);
        lmdb_close(&l);
    }
    close(fd);
    return 0;
}
