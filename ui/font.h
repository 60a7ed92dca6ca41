/* Letters for pictures. */
#ifndef UI_FONT_H
#define UI_FONT_H

#include <stdint.h>

/* Seven rows of five pixels, the leftmost in bit 4; a frame for what has no glyph. */
const uint8_t *font_glyph(char c);

#endif
