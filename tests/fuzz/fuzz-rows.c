/* SPDX-License-Identifier: MIT */
/* Rows of evaluations, a line each. */
#include "src/study/rowfile.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data, *end = text + size;
    struct row_texts *t = row_texts_new();
    while (text < end) {
        const char *stop = memchr(text, '\n', (size_t)(end - text)), *why = NULL;
        struct row r;
        stop = stop ? stop : end;
        row_texts_reset(t);
        bool good = row_read(text, (size_t)(stop - text), t, &r, &why);
        if (good ? r.index < 0 || r.choice < 0 || !r.task || !r.answer : !why)
            abort();
        text = stop + 1;
    }
    row_texts_free(t);
    return 0;
}
