/* Pictures as sixel sequences. */
#ifndef UI_SIXEL_H
#define UI_SIXEL_H

#include "src/mem.h"
#include "ui/canvas.h"

/* Appends the DCS sequence of c to out, with at most so many colors (2 or more), on a palette that
 * is the same for all pictures: neighbours never fight for color registers. */
void sixel_encode(const struct canvas *c, int colors, struct buf *out);
/* The same of the rows from y on, h of them. The dither goes on where the row above ended. */
void sixel_encode_rows(const struct canvas *c, int y, int h, int colors, struct buf *out);

#endif
