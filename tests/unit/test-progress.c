/* SPDX-License-Identifier: MIT */
/* Totals, rates and times left against numbers worked out by hand. Breaks when what was there
 * before counts as work, or when what is in work, failed or left is added up wrongly. */
#include "src/base/progress.h"
#include "tap.h"

static void line(struct progress p, const char *want)
{
    char text[200];
    progress_text(&p, "images", text, sizeof text);
    ok(strcmp(text, want) == 0, "%s (%s)", want, text);
}

static void left(double ms, const char *want)
{
    char text[32];
    ok(strcmp(progress_left_text(ms, text), want) == 0, "%g ms: '%s'", ms, text);
}

int main(void)
{
    ok(progress_left_ms(300, 0.25) == 900, "a quarter in 300 ms: 900 left");
    ok(progress_left_ms(300, 0.02) == -1 && progress_left_ms(300, 0.0201) > 14000,
       "nothing is said up to a fiftieth");
    ok(progress_left_ms(300, 1) == 0 && progress_left_ms(300, 1.5) == 0, "nothing left at the end");
    left(-1, "");
    left(0, ", 0 s left");
    left(12400, ", 12 s left");
    left(3599000, ", 3599 s left");
    left(5400000, ", 1.5 h left");
    /* 10 of 30 that had to be done took 20 s: half a one a second, 40 s for the other 20. */
    line((struct progress){40, 10, 10, 0, 20000},
         "20 of 40 images, 50 %, 0.50 images/s, 40 s left");
    /* 9 done and two halves in work are 10. */
    line((struct progress){40, 10, 9, 1, 20000},
         "19 of 40 images, 50 %, 0.50 images/s, 40 s left");
    line((struct progress){40, 40, 0, 0, 0}, "40 of 40 images, 100 %, 0.00 images/s, 0 s left");
    line((struct progress){0, 0, 0, 0, 0}, "0 of 0 images, 100 %, 0.00 images/s, 0 s left");
    line((struct progress){40, 0, 0, 0.5, 1000}, "0 of 40 images, 1 %, 0.50 images/s");
    return tap_done();
}
