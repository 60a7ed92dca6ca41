/* SPDX-License-Identifier: MIT */
/* Numbers in fewer bits than float32 has. */
#ifndef VS_NARROW_H
#define VS_NARROW_H

#include "src/formats/tensorfile.h"

/* n numbers as float16 or bfloat16, rounded to the nearest, ties to even. False when one of them is
 * finite and its result would not be (above 65504 in float16). */
bool narrow_to_f16(const float *from, size_t n, uint16_t *out);
bool narrow_to_bf16(const float *from, size_t n, uint16_t *out);
/* rows rows of columns numbers as whole ones from -127 to 127 and a scale for each row: number =
 * whole * scale, scale = the largest magnitude / 127, 0 for a row of zeros. */
void narrow_to_int8(const float *from, int64_t rows, int64_t columns, int8_t *out, float *scale);

#endif
