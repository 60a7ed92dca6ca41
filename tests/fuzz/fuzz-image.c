/* SPDX-License-Identifier: MIT */
/* Picture headers and EXIF. (fuzz-pixels.c has the decoders.) */
#include "src/formats/image_priv.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char name[] = "fuzz";
    struct bytes map = {.data = data, .size = size, .path = name};
    struct image_header h;
    struct vs_err err = {0};
    if (image_header_read(&map, &h, &err) == 0) {
        if (h.width < 1 || h.height < 1 || h.orientation < 1 || h.orientation > 8)
            abort();
    } else if (!err.text[0]) {
        abort();
    }
    return 0;
}
