/* Pictures as sixel sequences. */
#ifndef UI_SIXEL_H
#define UI_SIXEL_H

#include "src/mem.h"
#include "ui/canvas.h"

/* Appends the DCS sequence of c to out, with at most so many colors (2 or more), on a palette that
 * is the same for all pictures. Returns 0, or -1 when libsixel fails. */
int sixel_encode_canvas(const struct canvas *c, int colors, struct buf *out);

#endif
