/* SPDX-License-Identifier: MIT */
/* A decoded picture, as decoded in a sandboxed child process. */
#ifndef VS_IMAGE_H
#define VS_IMAGE_H

#include "src/base/err.h"
#include "src/formats/bytes.h"

#include <stdint.h>

struct image {
    int width, height;
    uint8_t *rgb;            /* (height, width, 3); gray replicated, alpha dropped, 8 of 16 bits */
    int orientation;         /* EXIF orientation 1..8 (1 when absent); NOT applied */
    char digest[DIGEST_HEX]; /* of the file's bytes */
};

/* A picture that is cut off or damaged is refused, whatever its decoder would make of it. */
int image_open(const char *path, struct image **out, struct vs_err *err);
/* Turns the pixels as the orientation says (the reference does not); orientation becomes 1 and the
 * digest another one, as the model sees another picture. */
void image_turn(struct image *im);
void image_free(struct image *im);

#endif
