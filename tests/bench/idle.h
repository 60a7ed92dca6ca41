/* SPDX-License-Identifier: MIT */
/* Waits for what a process does in its background: packing weights after the second pass. */
#ifndef VS_IDLE_H
#define VS_IDLE_H

#include <time.h>

static inline double process_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* Until none of its threads ran for a fifth of a second (on a machine that rests), or half a
 * minute. */
static inline void wait_idle(void)
{
    static const struct timespec step = {0, 50000000};
    int still = 0;
    for (int i = 0; i < 600 && still < 4; i++) {
        double before = process_ms();
        nanosleep(&step, NULL);
        still = process_ms() - before < 1 ? still + 1 : 0;
    }
}

#endif
