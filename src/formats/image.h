/* A decoded picture. JPEG and PNG only, decoded by stb_image in a sandboxed child process. */
#ifndef VS_IMAGE_H
#define VS_IMAGE_H

#include "src/err.h"
#include "src/formats/bytes.h"

#include <stdint.h>

struct image {
    int width, height;
    uint8_t *rgb;            /* (height, width, 3); gray replicated, alpha dropped */
    int orientation;         /* EXIF orientation 1..8 (1 when absent); NOT applied */
    char digest[DIGEST_HEX]; /* of the file's bytes */
};

int image_open(const char *path, struct image **out, struct vs_err *err);
/* Turns the pixels as the orientation says (the reference does not); orientation becomes 1 and the
 * digest another one, as the model sees another picture. */
void image_turn(struct image *im);
void image_free(struct image *im);

#endif
