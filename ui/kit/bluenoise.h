/* SPDX-License-Identifier: MIT */
/* Thresholds without a pattern. */
#ifndef UI_BLUENOISE_H
#define UI_BLUENOISE_H

#include <stdint.h>

#define BLUENOISE 32 /* pixels a side of the tile; a power of two */

/* Row y of the tile, again and again: 0 to 1023, each once in the tile. */
const uint16_t *bluenoise_row(int y);

#endif
