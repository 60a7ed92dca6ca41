/* SPDX-License-Identifier: MIT */
/* Colors by how often they occur. */
#include "ui/kit/palette.h"

#include "src/base/mem.h"

#include <stdlib.h>

/* A cube with pixels: its mean color, how many, which one. */
struct cell {
    float at[3];
    uint32_t n, bin;
};

/* Cells from first on, so many; sums over their pixels. */
struct box {
    int first, cells;
    double n, sum[3], square[3];
};

static void box_measure(struct box *b, const struct cell *cell)
{
    b->n = 0;
    for (int k = 0; k < 3; k++)
        b->sum[k] = b->square[k] = 0;
    for (int i = b->first; i < b->first + b->cells; i++) {
        b->n += cell[i].n;
        for (int k = 0; k < 3; k++) {
            b->sum[k] += (double)cell[i].n * (double)cell[i].at[k];
            b->square[k] += (double)cell[i].n * (double)cell[i].at[k] * (double)cell[i].at[k];
        }
    }
}

/* The squared error of a channel when the box has its mean. */
static double box_error(const struct box *b, int k)
{
    double e = b->square[k] - b->sum[k] * b->sum[k] / b->n;
    return e > 0 ? e : 0;
}

static double box_total(const struct box *b)
{
    return b->cells > 1 ? box_error(b, 0) + box_error(b, 1) + box_error(b, 2) : 0;
}

/* Cells at most at the mean of the channel that varies most stay; the others are a box of their
 * own. False: they are all alike. */
static bool box_split(struct box *b, struct box *rest, struct cell *cell)
{
    int k = box_error(b, 1) > box_error(b, 0) ? 1 : 0;
    k = box_error(b, 2) > box_error(b, k) ? 2 : k;
    float mean = (float)(b->sum[k] / b->n);
    int low = b->first, high = b->first + b->cells;
    while (low < high) {
        if (cell[low].at[k] <= mean) {
            low++;
            continue;
        }
        struct cell c = cell[--high];
        cell[high] = cell[low];
        cell[low] = c;
    }
    *rest = (struct box){.first = low, .cells = b->first + b->cells - low};
    if (!rest->cells || low == b->first)
        return false;
    b->cells = low - b->first;
    box_measure(b, cell);
    box_measure(rest, cell);
    return true;
}

/* The cells of all cubes with pixels; their number in *n. */
static struct cell *cells_of(const struct palette_count *count, int *n)
{
    struct cell *cell = NULL;
    int room = 0;
    *n = 0;
    for (uint32_t i = 0; i < PALETTE_BINS; i++) {
        const struct palette_count *p = count + i;
        if (!p->n)
            continue;
        if (*n == room) {
            room = room ? 2 * room : 1024;
            cell = xreallocarray(cell, (size_t)room, sizeof *cell);
        }
        cell[(*n)++] = (struct cell){{(float)p->r / (float)p->n, (float)p->g / (float)p->n,
                                      (float)p->b / (float)p->n}, p->n, i};
    }
    return cell;
}

int palette_choose(const struct palette_count *count, int most, uint8_t *color, uint8_t *number)
{
    struct box box[256];
    int cells, boxes = 1;
    struct cell *cell = cells_of(count, &cells);
    if (!cells)
        return 0;
    box[0] = (struct box){.first = 0, .cells = cells};
    box_measure(&box[0], cell);
    while (boxes < most && boxes < 256) {
        int worst = 0;
        for (int i = 1; i < boxes; i++)
            if (box_total(&box[i]) > box_total(&box[worst]))
                worst = i;
        if (box_total(&box[worst]) <= 0 || !box_split(&box[worst], &box[boxes], cell))
            break;
        boxes++;
    }
    for (int i = 0; i < boxes; i++) {
        for (int k = 0; k < 3; k++)
            color[3 * i + k] = (uint8_t)(box[i].sum[k] / box[i].n + 0.5);
        for (int j = box[i].first; j < box[i].first + box[i].cells; j++)
            number[cell[j].bin] = (uint8_t)i;
    }
    free(cell);
    return boxes;
}
