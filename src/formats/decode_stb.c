/* SPDX-License-Identifier: MIT */
/* stb_image: the pixels of PNG files and, where libjpeg is missing, of JPEG files. */
#include "src/formats/image_priv.h"

#include <stdlib.h>
#include <string.h>

#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_STATIC
#define STBI_ONLY_PNG
#ifndef HAVE_LIBJPEG
#define STBI_ONLY_JPEG
#endif
#define STBI_NO_STDIO
#define STBI_NO_HDR
#define STBI_NO_LINEAR
#define STBI_MAX_DIMENSIONS 30000
#define STBI_ASSERT(x) ((void)0)
/* Zeroed: versions before 2.28 read tables that a damaged JPEG does not define. */
#define STBI_MALLOC(n) calloc(1, (n))
#define STBI_REALLOC realloc
#define STBI_FREE free
#pragma GCC diagnostic push
#include "src/base/quiet.h"
#include <stb_image.h>
#pragma GCC diagnostic pop
#pragma GCC diagnostic ignored "-Wunused-function" /* reported at the end of the file */

bool stb_decode(const uint8_t *data, size_t size, struct pixels *p)
{
    int w = 0, h = 0, channels = 0;
    uint8_t *rgb = stbi_load_from_memory(data, (int)size, &w, &h, &channels, 3);
    bool good = rgb && w == p->width && h == p->height;
    if (good) {
        memcpy(p->rgb, rgb, (size_t)w * (size_t)h * 3);
    } else {
        const char *why = stbi_failure_reason();
        pixels_fail(p, "%s", rgb ? "its size changes halfway" : why && *why ? why : "damaged");
    }
    stbi_image_free(rgb);
    return good;
}

/* Pillow keeps gray of 16 bits as whole numbers and cuts them at 255 when it makes colors of them,
 * where it shifts those of 16-bit colors: what it makes is what the reference reads. */
bool stb_decode_gray16(const uint8_t *data, size_t size, struct pixels *p)
{
    int w = 0, h = 0, channels = 0;
    uint16_t *gray = stbi_load_16_from_memory(data, (int)size, &w, &h, &channels, 1);
    bool good = gray && w == p->width && h == p->height;
    for (size_t i = 0; good && i < (size_t)w * (size_t)h; i++)
        memset(p->rgb + 3 * i, gray[i] > 255 ? 255 : gray[i], 3);
    if (!good)
        pixels_fail(p, "%s", gray ? "its size changes halfway" : "damaged");
    stbi_image_free(gray);
    return good;
}
