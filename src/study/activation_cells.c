/* SPDX-License-Identifier: MIT */
/* What people write and read of activation patching: pairs, places, shares, cells in order. */
#include "src/study/activation.h"

#include "src/base/mem.h"
#include "src/study/attribution.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *const activation_site_names[SITE_COUNT + 1] = {
    [SITE_STATE] = "state", [SITE_ATTENTION] = "attention", [SITE_FEED] = "feed-forward"};

/* ---- pairs */

static const char *activation_read_number(const char *at, int first, int *out)
{
    char *end;
    long n = strtol(at, &end, 10);
    *out = (int)n - first;
    return isdigit((unsigned char)*at) && n >= first && n <= 1000000 ? end : NULL;
}

int activation_pairs_parse(const char *text, int first, struct activation_pair **out, int *count,
                           struct vs_err *err)
{
    const char *at = text;
    *out = NULL;
    *count = 0;
    while (at) {
        struct activation_pair p;
        at = activation_read_number(at, first, &p.a);
        at = at && *at == ':' ? activation_read_number(at + 1, first, &p.b) : NULL;
        if (!at || (*at && *at != ','))
            return vs_fail(err, VS_E_USAGE, "'%s': pairs are written 3:4,5:6 (this query's first, "
                           "then the other's), counted from %d", text, first);
        *out = xreallocarray(*out, (size_t)*count + 1, sizeof **out);
        (*out)[(*count)++] = p;
        at = *at ? at + 1 : NULL;
    }
    return 0;
}

/* ---- spots */

/* The next word; false at the end. */
static bool activation_next_word(const char **at, char out[24])
{
    size_t n = strspn(*at, " "), len = strcspn(*at + n, " ");
    *at += n;
    memcpy(out, *at, len < 23 ? len : 23);
    out[len < 23 ? len : 23] = '\0';
    *at += len;
    return len > 0;
}

static bool activation_is_number(const char *word, int first, int *out)
{
    const char *end = activation_read_number(word, first, out);
    return end && *end == '\0';
}

/* A stream, a site, or "token 4" and "region 7" behind the layer. */
static bool activation_spot_word(const char *word, const char **at, struct activation_spot *s)
{
    char number[24];
    for (int i = 0; i < STREAM_COUNT; i++)
        if (strcmp(word, stream_table[i].word) == 0) {
            s->stream = (enum net_stream)i;
            return true;
        }
    for (int i = 0; i < SITE_COUNT; i++)
        if (strcmp(word, activation_site_names[i]) == 0) {
            s->site = (enum net_site)i;
            return true;
        }
    bool token = strcmp(word, "token") == 0, region = strcmp(word, "region") == 0;
    if (!token && !region)
        return false;
    return activation_next_word(at, number) &&
           activation_is_number(number, token, token ? &s->token : &s->region);
}

int activation_spot_parse(const char *text, struct activation_spot *out, struct vs_err *err)
{
    const char *at = text;
    char word[24] = "";
    *out = (struct activation_spot){.text = text, .stream = STREAM_COUNT, .token = -1,
                                     .region = -1};
    bool good = activation_next_word(&at, word);
    out->part = part_find(word);
    good = good && out->part != PART_COUNT && out->part != PART_HEADS;
    if (good && out->part != PART_EMBEDDINGS)
        good = activation_next_word(&at, word) && activation_is_number(word, 1, &out->layer);
    while (good && activation_next_word(&at, word))
        good = activation_spot_word(word, &at, out);
    return good ? 0
                : vs_fail(err, VS_E_USAGE, "'%s' names no states: \"text 3 token 4\", \"co 2 image "
                          "region 7\", \"embeddings text\", \"image 1 attention\" do", text);
}

/* ---- reading */

double activation_share(const struct activation *x, double effect)
{
    double way = x->b - x->a;
    return fabs(way) < ACTIVATION_LEAST ? (double)NAN : effect / way;
}

double activation_effect(const struct activation *x, const struct activation_map *map, int at)
{
    return x->all ? map->exact[at] : map->screen[at];
}

static int activation_compare(const void *a, const void *b)
{
    const struct activation_cell *x = a, *y = b;
    if (x->size != y->size)
        return x->size > y->size ? -1 : 1;
    if (x->map != y->map)
        return x->map < y->map ? -1 : 1;
    return x->depth != y->depth ? x->depth - y->depth : x->column - y->column;
}

struct activation_cell *activation_cells(const struct activation *x, int *count)
{
    struct activation_cell *list = NULL;
    int n = 0;
    for (int i = 0; i < x->map_count; i++)
        n += x->maps[i].depths * x->maps[i].columns;
    list = xcalloc((size_t)n + 1, sizeof *list);
    *count = 0;
    for (int i = 0; i < x->map_count; i++)
        for (int k = 0; k < x->maps[i].depths * x->maps[i].columns; k++) {
            double size = fabs(activation_effect(x, &x->maps[i], k));
            list[(*count)++] = (struct activation_cell){
                &x->maps[i], k / x->maps[i].columns, k % x->maps[i].columns,
                x->maps[i].screen[k], x->maps[i].exact[k], isnan(size) ? -1 : size};
        }
    vs_sort(list, (size_t)n, sizeof *list, activation_compare);
    return list;
}

void activation_choices(const struct result *a, const struct result *b, int *choice, int *against)
{
    bool images = a->task->reading->ranked == RANKED_IMAGES;
    *choice = attribution_choice(images ? a : b, NULL);
    *against = images ? -1 : attribution_choice(a, NULL);
    if (*against == *choice)
        *against = -1;
}
