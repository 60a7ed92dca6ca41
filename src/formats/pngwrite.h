/* SPDX-License-Identifier: MIT */
/* Writing a picture as PNG. */
#ifndef VS_PNGWRITE_H
#define VS_PNGWRITE_H

#include "src/base/err.h"
#include "src/base/mem.h"

#include <stdbool.h>
#include <stdint.h>

/* rgb (h, w, 3). The file is there complete or not at all. */
int png_write(const char *path, const uint8_t *rgb, int w, int h, struct vs_err *err);
/* The same, with the pixels of an inch. */
int png_write_dpi(const char *path, const uint8_t *rgb, int w, int h, int dpi, struct vs_err *err);
/* The same as png_write, appended to out; false without memory. */
bool png_encode(const uint8_t *rgb, int w, int h, struct buf *out);

#endif
