/* SPDX-License-Identifier: MIT */
/* Pictures inline, as iTerm2 has them: PNG files in a sequence.
 *
 * Source: iTerm2's documentation, "Inline Images Protocol". */
#include "ui/kit/way.h"

#include "src/formats/base64.h"
#include "src/formats/pngwrite.h"

static void iterm2_write(const struct way_strip *s, struct buf *out)
{
    struct buf png = {0};
    if (png_encode(s->pixels->rgb, s->pixels->w, s->pixels->h, &png)) {
        buf_printf(out, "\033]1337;File=inline=1;size=%zu;width=%d;height=%d;"
                   "preserveAspectRatio=0:", png.len, s->cols, s->rows);
        base64_encode(png.data, png.len, out);
        buf_putc(out, '\007');
    }
    buf_fini(&png);
}

const struct way way_iterm2 = {.whole_cells = true, .write = iterm2_write};
