/* SPDX-License-Identifier: MIT */
#include "src/figure/axes.h"

#include <math.h>
#include <stdio.h>

double axis_at(const struct axis *a, double x)
{
    return a->at + a->length * (a->high > a->low ? (x - a->low) / (a->high - a->low) : 0.5);
}

void axis_text(const struct axis *a, double x, char *out, size_t size)
{
    snprintf(out, size, "%.*f", a->digits, fabs(x) < 1e-12 ? 0 : x);
}

static void widen(double *low, double *high, double x)
{
    if (isfinite(x)) {
        *low = fmin(*low, x);
        *high = fmax(*high, x);
    }
}

static void find_range(const struct figure_panel *x, struct axis *h, struct axis *v)
{
    h->low = v->low = INFINITY;
    h->high = v->high = -INFINITY;
    for (int k = 0; k < x->series_count; k++) {
        const struct figure_series *s = &x->series[k];
        for (int i = 0; i < s->count; i++) {
            widen(&h->low, &h->high, s->x[i]);
            widen(&v->low, &v->high, s->y[i]);
            if (s->low && s->high) {
                widen(&v->low, &v->high, s->low[i]);
                widen(&v->low, &v->high, s->high[i]);
            }
        }
    }
    if (x->unit)
        *h = *v = (struct axis){.low = 0, .high = 1};
    if (x->diagonal && !x->unit) {
        h->low = v->low = fmin(h->low, v->low);
        h->high = v->high = fmax(h->high, v->high);
    }
}

/* 1, 2 or 5 times a power of ten apart, five to eight of them; the ends are moved outwards to them
 * (not of axes from 0 to 1). */
static void find_ticks(struct axis *a)
{
    if (!(a->high > a->low)) {
        double x = isfinite(a->low) ? a->low : 0;
        a->low = x - 0.5;
        a->high = x + 0.5;
    }
    double raw = (a->high - a->low) / 5, power = pow(10, floor(log10(raw)));
    double step = raw / power <= 1 ? power : raw / power <= 2 ? 2 * power
                                         : raw / power <= 5   ? 5 * power : 10 * power;
    a->low = floor(a->low / step + 1e-9) * step;
    a->high = ceil(a->high / step - 1e-9) * step;
    a->digits = (int)fmax(0, -floor(log10(step) + 1e-9));
    for (double t = a->low; t <= a->high + step / 2 && a->ticks < AXIS_TICKS; t += step)
        a->tick[a->ticks++] = t;
}

void axes_find(const struct figure_panel *x, struct axis *h, struct axis *v)
{
    *h = *v = (struct axis){0};
    find_range(x, h, v);
    find_ticks(v);
    if (!x->x_names)
        find_ticks(h);
    else
        *h = (struct axis){.low = -0.3, .high = x->x_name_count - 0.7};
}
