/* SPDX-License-Identifier: MIT */
/* Why a picture could not be decoded. */
#include "src/formats/image_priv.h"

#include <stdarg.h>
#include <stdio.h>

bool pixels_fail(struct pixels *p, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(p->why, sizeof p->why, fmt, ap);
    va_end(ap);
    return false;
}
