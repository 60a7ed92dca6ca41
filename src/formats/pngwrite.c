/* SPDX-License-Identifier: MIT */
/* Writing a picture as PNG, with stb_image_write. */
#include "src/formats/pngwrite.h"

#include "src/formats/outfile.h"

#define STB_IMAGE_WRITE_IMPLEMENTATION
#define STB_IMAGE_WRITE_STATIC
#define STBI_WRITE_NO_STDIO
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wall"
#pragma GCC diagnostic ignored "-Wextra"
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wsign-compare"
#pragma GCC diagnostic ignored "-Wmissing-prototypes"
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#include <stb_image_write.h>
#pragma GCC diagnostic pop
#pragma GCC diagnostic ignored "-Wunused-function" /* reported at the end of the file */

static void put(void *arg, void *data, int size)
{
    outfile_write(arg, data, (size_t)size);
}

static void put_in_memory(void *arg, void *data, int size)
{
    buf_add(arg, data, (size_t)size);
}

bool png_encode(const uint8_t *rgb, int w, int h, struct buf *out)
{
    return stbi_write_png_to_func(put_in_memory, out, w, h, 3, rgb, 3 * w) != 0;
}

int png_write(const char *path, const uint8_t *rgb, int w, int h, struct vs_err *err)
{
    struct outfile o;
    int rc = outfile_open(&o, path, err);
    if (rc != 0)
        return rc;
    if (!stbi_write_png_to_func(put, &o, w, h, 3, rgb, 3 * w) && o.error == 0)
        o.error = 12; /* ENOMEM: its only failure */
    return outfile_close(&o, err);
}
