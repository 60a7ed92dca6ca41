/* SPDX-License-Identifier: MIT */
/* Writing a picture as PNG. */
#ifndef VS_PNGWRITE_H
#define VS_PNGWRITE_H

#include "src/base/err.h"

#include <stdint.h>

/* rgb (h, w, 3). The file is there complete or not at all. */
int png_write(const char *path, const uint8_t *rgb, int w, int h, struct vs_err *err);

#endif
