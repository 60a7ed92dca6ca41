/* SPDX-License-Identifier: MIT */
/* What the image reader's files share. */
#ifndef VS_IMAGE_PRIV_H
#define VS_IMAGE_PRIV_H

#ifdef HAVE_CONFIG_H
#include <config.h> /* which libraries there are */
#endif

#include "src/base/err.h"
#include "src/formats/bytes.h"

#include <stdbool.h>

enum image_kind {
    IMAGE_JPEG, IMAGE_PNG, IMAGE_GIF, IMAGE_BMP, IMAGE_PNM, IMAGE_WEBP,
    IMAGE_KINDS
};

struct image_header {
    enum image_kind kind;
    int width, height;
    int orientation; /* EXIF, 1..8 */
};

struct pixels;
/* One format of pictures; readers and messages know no others. */
struct image_format {
    const char *name; /* "JPEG" */
    bool (*is)(const uint8_t *data, size_t size); /* by how it begins */
    /* The size that the header tells, and the orientation; false when it is damaged. */
    bool (*header)(const uint8_t *data, size_t size, struct image_header *h);
    /* All of the picture or nothing: see image_decode_here. */
    bool (*decode)(const uint8_t *data, size_t size, struct pixels *p);
};
extern const struct image_format image_formats[]; /* of enum image_kind */
/* Whether the bytes begin as a picture of some kind does. */
bool image_sniff(const uint8_t *data, size_t size, enum image_kind *kind);
/* Reads size and orientation from the file's markers only, and applies the limits. */
int image_header_read(const struct bytes *map, struct image_header *out, struct vs_err *err);

/* Decodes in a child process that can do nothing but compute. rgb (height, width, 3) is the
 * caller's to free. */
int image_decode(const struct bytes *map, const struct image_header *h, uint8_t **rgb,
                 struct vs_err *err);

/* ---- the decoders: bytes to pixels, in whatever process calls them */

struct pixels {
    int width, height; /* what the header said */
    uint8_t *rgb;      /* room for (height, width, 3) */
    char why[160];     /* what is wrong, after a failure */
};

/* Sets why, returns false. */
bool pixels_fail(struct pixels *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* All of the picture or nothing: a file that is cut off or damaged gives false and why. */
bool image_decode_here(enum image_kind kind, const uint8_t *data, size_t size, struct pixels *p);

bool decode_jpeg(const uint8_t *data, size_t size, struct pixels *p);
bool decode_png(const uint8_t *data, size_t size, struct pixels *p);
bool decode_gif(const uint8_t *data, size_t size, struct pixels *p);
bool decode_bmp(const uint8_t *data, size_t size, struct pixels *p);
bool decode_pnm(const uint8_t *data, size_t size, struct pixels *p);
bool decode_webp(const uint8_t *data, size_t size, struct pixels *p);

/* Bytes of all rows, as the body of the chunk IHDR has them. */
size_t png_expected_bytes(const uint8_t *ihdr, const struct pixels *p);

/* decode_stb.c, for PNG and, without libjpeg, JPEG: pixels as the file says, without checks. */
bool stb_decode(const uint8_t *data, size_t size, struct pixels *p);
/* A PNG whose only samples are gray, of 16 bits. */
bool stb_decode_gray16(const uint8_t *data, size_t size, struct pixels *p);

/* The size that the header of each kind tells; false when it is damaged. */
bool gif_header(const uint8_t *data, size_t size, struct image_header *h);
bool bmp_header(const uint8_t *data, size_t size, struct image_header *h);
bool pnm_header(const uint8_t *data, size_t size, struct image_header *h);
bool webp_header(const uint8_t *data, size_t size, struct image_header *h);

/* Numbers in files. */
static inline uint32_t image_be(const uint8_t *p, int n)
{
    uint32_t x = 0;
    for (int i = 0; i < n; i++)
        x = x << 8 | p[i];
    return x;
}

static inline uint32_t image_le(const uint8_t *p, int n)
{
    uint32_t x = 0;
    for (int i = n - 1; i >= 0; i--)
        x = x << 8 | p[i];
    return x;
}

#endif
