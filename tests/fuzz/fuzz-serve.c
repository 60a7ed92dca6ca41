/* SPDX-License-Identifier: MIT */
/* What a client may send to a server of models, request after request, on a small model. And the
 * same bytes as what a server may send to a client. */
#include "src/remote/netwire.h"
#include "src/serve/requests.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

static struct model *fuzz_model(void)
{
    static struct model *m;
    const char *top = getenv("SRCDIR");
    char dir[4096];
    struct vs_err err = {0};
    if (m)
        return m;
    snprintf(dir, sizeof dir, "%s/tests/data/tiny", top ? top : ".");
    if (model_open(&(struct model_options){.dir = dir, .threads = 1}, &m, &err) != 0) {
        fprintf(stderr, "%s\n", err.text);
        abort();
    }
    return m;
}

/* A message that lies where the program's would: at a multiple of 8 bytes, nothing behind it. */
static uint8_t *copy_of(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1);
    if (!copy)
        abort();
    memcpy(copy, data, size);
    return copy;
}

static void ask(struct kept *kept, uint8_t kind, const uint8_t *data, size_t size)
{
    static const atomic_bool no = false;
    struct vs_err err = {0};
    struct buf out = {0};
    uint8_t *copy = copy_of(data, size);
    struct request q = {.m = fuzz_model(), .kept = kept, .kind = (enum frame_kind)kind,
                        .w = {.data = copy, .size = size}, .cancel = &no};
    if (request_answer(&q, &out, &err) != 0 && !err.text[0])
        abort();
    buf_fini(&out);
    free(copy);
}

/* One client's requests, one after the other: each a kind and two bytes of size before it. */
static void ask_all(const uint8_t *data, size_t size)
{
    struct kept kept = {.most_bytes = (size_t)64 << 20};
    while (size >= 3) {
        size_t n = (size_t)data[1] | (size_t)data[2] << 8;
        n = n < size - 3 ? n : size - 3;
        ask(&kept, data[0], data + 3, n);
        data += 3 + n;
        size -= 3 + n;
    }
    kept_fini(&kept);
}

static void answer(const uint8_t *data, size_t size)
{
    uint8_t *copy = copy_of(data, size);
    struct wire w = {.data = copy, .size = size};
    struct remote_model model;
    trace_free(netwire_get_trace(&w));
    w = (struct wire){.data = copy, .size = size};
    regions_free(netwire_get_regions(&w));
    w = (struct wire){.data = copy, .size = size};
    if (remote_get_model(&w, &model, NULL) == 0)
        remote_model_fini(&model);
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ask_all(data, size);
    answer(data, size);
    return 0;
}
