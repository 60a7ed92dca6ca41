/* SPDX-License-Identifier: MIT */
/* Statistics of an item's heads as a row of JSON, and such a row again. Numbers are written to
 * their last bit, so that rows of several runs come to what one run comes to. */
#include "src/study/headset.h"

#include "src/base/mem.h"
#include "src/base/plain.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const struct set_row_kind headset_set_rows = {"statistics of heads", "heads",
                                              "no row of statistics of heads",
                                              "of other statistics"};

const char *headset_setup(void)
{
    return "entropy, k90, peak, special, cross, pointing";
}

/* ---- writing */

/* The list that stands last in list; where its number is not at, a new one behind it. */
static json_t *row_list(json_t *list, int at)
{
    if ((int)json_array_size(list) <= at)
        json_array_append_new(list, json_array());
    return json_array_get(list, (size_t)at);
}

/* By map, layer and head: heads of h are in that order. */
static json_t *row_heads(const struct headset *h, int item)
{
    json_t *maps = json_object();
    for (int i = 0; i < h->head_count; i++) {
        const struct headset_head *head = &h->heads[i];
        const char *word = attn_table[head->map].word;
        const double *x = h->x + ((size_t)item * (size_t)h->head_count + (size_t)i) * HEADSET_STATS;
        if (!json_object_get(maps, word))
            json_object_set_new(maps, word, json_array());
        json_t *list = row_list(row_list(json_object_get(maps, word), head->layer), head->head);
        for (int s = 0; s < HEADSET_STATS; s++)
            json_array_append_new(list, plain_number(x[s]));
    }
    return maps;
}

json_t *headset_row(const struct headset *h, int item, const struct eval_set *set,
                    const struct headset_wants *w)
{
    const struct eval_item *it = &set->items[h->index[item]];
    return json_pack("{s:o, s:s, s:s, s:s, s:s, s:i, s:o, s:o}", "checkpoint",
                     plain_string(w->checkpoint_name), "digest", w->digest, "data", set->digest,
                     "setup", headset_setup(), "task", it->task->name, "index", h->index[item],
                     "image", plain_string(it->images[0]), "heads", row_heads(h, item));
}

/* ---- reading */

#define ROW_LAYERS_MOST 1000 /* and heads of a layer: a file may hold anything */

struct row_reading {
    struct headset_head *heads;
    double *x;
    int count;
};

static bool row_read_numbers(struct row_reading *r, const json_t *list)
{
    double *x = r->x + (size_t)r->count * HEADSET_STATS;
    bool good = json_array_size(list) == HEADSET_STATS;
    for (size_t s = 0; s < HEADSET_STATS && good; s++) {
        const json_t *v = json_array_get(list, s);
        good = json_is_number(v) || json_is_null(v);
        x[s] = json_is_null(v) ? (double)NAN : json_number_value(v);
    }
    return good;
}

static bool row_read_map(struct row_reading *r, enum attn_kind kind, const json_t *layers)
{
    bool good = json_is_array(layers) && json_array_size(layers) <= ROW_LAYERS_MOST;
    for (size_t l = 0; good && l < json_array_size(layers); l++) {
        const json_t *heads = json_array_get(layers, l);
        size_t n = json_array_size(heads), all = (size_t)r->count + n;
        good = n > 0 && n <= ROW_LAYERS_MOST;
        if (!good)
            break;
        r->heads = xreallocarray(r->heads, all, sizeof *r->heads);
        r->x = xreallocarray(r->x, all * HEADSET_STATS, sizeof *r->x);
        for (size_t i = 0; good && i < n; i++) {
            good = row_read_numbers(r, json_array_get(heads, i));
            r->heads[r->count++] = (struct headset_head){kind, (int)l, (int)i};
        }
    }
    return good;
}

int headset_row_read(const json_t *row, struct headset_head **heads, int *head_count, double **x,
                     struct vs_err *err)
{
    const json_t *maps = json_object_get(row, "heads");
    struct row_reading r = {0};
    bool good = true;
    for (int k = 0; k < ATTN_COUNT && good; k++) {
        const json_t *layers = json_object_get(maps, attn_table[k].word);
        good = !layers || row_read_map(&r, (enum attn_kind)k, layers);
    }
    *heads = r.heads;
    *head_count = r.count;
    *x = r.x;
    return good && r.count ? 0
                           : vs_fail(err, VS_E_FORMAT, "the row of item %d has no statistics of "
                                     "heads: give another file of rows, or none to go on from",
                                     (int)json_integer_value(json_object_get(row, "index")) + 1);
}
