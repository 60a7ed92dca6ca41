/* What the image reader's files share. */
#ifndef VS_IMAGE_PRIV_H
#define VS_IMAGE_PRIV_H

#include "src/err.h"
#include "src/formats/bytes.h"

enum image_kind { IMAGE_JPEG, IMAGE_PNG };

struct image_header {
    enum image_kind kind;
    int width, height;
    int orientation; /* EXIF, 1..8 */
};

/* Reads size and orientation from the file's markers only, and applies the limits. */
int image_header_read(const struct bytes *map, struct image_header *out, struct vs_err *err);

/* Decodes in a child process that can do nothing but compute. rgb (height, width, 3) is the
 * caller's to free. */
int image_decode(const struct bytes *map, const struct image_header *h, uint8_t **rgb,
                 struct vs_err *err);

#endif
