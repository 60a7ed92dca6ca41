/* SPDX-License-Identifier: MIT */
/* How far a long piece of work is, in words. */
#include "src/base/progress.h"

#include <stdio.h>

/* Below this share an estimate would jump about. */
#define LEAST_SHARE 0.02

double progress_left_ms(double spent_ms, double share)
{
    if (share >= 1)
        return 0;
    return share > LEAST_SHARE ? spent_ms * (1 - share) / share : -1;
}

const char *progress_left_text(double left_ms, char out[32])
{
    double s = left_ms / 1000;
    out[0] = '\0';
    if (s >= 3600)
        snprintf(out, 32, ", %.1f h left", s / 3600);
    else if (s >= 0)
        snprintf(out, 32, ", %.0f s left", s);
    return out;
}

void progress_text(const struct progress *p, const char *what, char *out, size_t size)
{
    char left[32];
    double worked = p->done + p->begun, todo = p->all - p->there;
    double whole = p->all > 0 ? 100 * (p->there + worked) / p->all : 100;
    double rate = p->spent_ms > 0 ? 1000 * worked / p->spent_ms : 0;
    double left_ms = progress_left_ms(p->spent_ms, todo > 0 ? worked / todo : 1);
    snprintf(out, size, "%d of %d %s, %.0f %%, %.2f %s/s%s", p->there + p->done, p->all, what,
             whole, rate, what, progress_left_text(left_ms, left));
}
