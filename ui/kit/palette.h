/* SPDX-License-Identifier: MIT */
/* The colors of a picture where a terminal has few: chosen by how often they occur. */
#ifndef UI_PALETTE_H
#define UI_PALETTE_H

#include <stddef.h>
#include <stdint.h>

#define PALETTE_BINS (1 << 15) /* cubes of 8 by 8 by 8 colors */

/* The cube of a color. noise, 0 to 7, is what is added before it is rounded down: with noise that
 * is even, the mean of many is the color. */
static inline unsigned palette_bin(const uint8_t *rgb, int noise)
{
    unsigned r = (rgb[0] + (unsigned)noise) >> 3, g = (rgb[1] + (unsigned)noise) >> 3;
    unsigned b = (rgb[2] + (unsigned)noise) >> 3;
    return (r > 31 ? 31 : r) << 10 | (g > 31 ? 31 : g) << 5 | (b > 31 ? 31 : b);
}

/* What was counted of each cube. */
struct palette_count {
    uint32_t n, r, g, b; /* pixels, and the sums of their channels */
};

/* At most `most` colors (1 to 256) for what was counted (PALETTE_BINS): the cubes are split into
 * boxes, the one of the largest squared error first, at its mean along the channel that varies
 * most; a color is the mean of a box (after Heckbert, "Color image quantization for frame buffer
 * display", SIGGRAPH 1982, and Wu, "Efficient statistical computations for optimal color
 * quantization", 1991). color: 3 bytes each. number: of the color of every cube that has pixels
 * (PALETTE_BINS; others are left as they are). Returns how many colors there are; 0 without
 * pixels. */
int palette_choose(const struct palette_count *count, int most, uint8_t *color, uint8_t *number);

#endif
