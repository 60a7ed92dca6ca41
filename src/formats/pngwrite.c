/* SPDX-License-Identifier: MIT */
/* Writing a picture as PNG, with stb_image_write. */
#include "src/formats/pngwrite.h"

#include "src/formats/outfile.h"

#include <zlib.h>

#define STB_IMAGE_WRITE_IMPLEMENTATION
#define STB_IMAGE_WRITE_STATIC
#define STBI_WRITE_NO_STDIO
#pragma GCC diagnostic push
#include "src/base/quiet.h"
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

#define HEAD 33 /* bytes of the signature and IHDR, which pHYs may follow */

/* Source: PNG specification, 11.3.5.3: pixels of a metre. */
static void put_physical(struct buf *out, int dpi)
{
    uint32_t n = (uint32_t)(dpi / 0.0254 + 0.5);
    unsigned char chunk[21] = {0, 0, 0, 9, 'p', 'H', 'Y', 's'};
    for (int i = 0; i < 4; i++)
        chunk[8 + i] = chunk[12 + i] = (unsigned char)(n >> (24 - 8 * i));
    chunk[16] = 1;
    uint32_t sum = (uint32_t)crc32(0, chunk + 4, 13);
    for (int i = 0; i < 4; i++)
        chunk[17 + i] = (unsigned char)(sum >> (24 - 8 * i));
    buf_add(out, chunk, sizeof chunk);
}

int png_write_dpi(const char *path, const uint8_t *rgb, int w, int h, int dpi, struct vs_err *err)
{
    struct buf plain = {0}, whole = {0};
    struct outfile o;
    int rc = png_encode(rgb, w, h, &plain) && plain.len > HEAD
                 ? outfile_open(&o, path, err)
                 : vs_fail(err, VS_E_LIMIT, "%s: no memory for the picture", path);
    if (rc == 0) {
        buf_add(&whole, plain.data, HEAD);
        put_physical(&whole, dpi);
        buf_add(&whole, plain.data + HEAD, plain.len - HEAD);
        outfile_write(&o, whole.data, whole.len);
        rc = outfile_close(&o, err);
    }
    buf_fini(&plain);
    buf_fini(&whole);
    return rc;
}
