/* SPDX-License-Identifier: MIT */
/* An attribution beside the result of its query: answers by name, words and regions in order. */
#include "src/study/attribution.h"

#include "src/base/mem.h"
#include "src/study/look.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

/* ---- which answer */

int attribution_choice(const struct result *r, const char *name)
{
    char *end = NULL;
    long number = name ? strtol(name + (name[0] == '#'), &end, 10) : 0;
    bool counted = name && end && *end == '\0' && end != name;
    int first = r->task->reading->ranked == RANKED_IMAGES; /* images are counted from 1 */
    for (int i = 0; i < r->answer_count; i++)
        if (!name || strcasecmp(r->answers[i].label, name) == 0)
            return r->answers[i].index;
    for (int i = 0; i < r->answer_count && counted; i++)
        if (r->answers[i].index + first == number)
            return r->answers[i].index;
    for (int i = 0; i < r->box_count; i++)
        if (!name || (counted && r->boxes[i].region == number))
            return look_place(r, 0, r->boxes[i].image, r->boxes[i].region);
    return -1;
}

const char *attribution_label(const struct result *r, int choice, char out[32])
{
    for (int i = 0; i < r->answer_count; i++)
        if (r->answers[i].index == choice)
            return r->answers[i].label;
    int region = choice >= 0 && choice < r->rows ? r->sources[choice].region : choice;
    snprintf(out, 32, "region %d", region);
    return out;
}

/* ---- rows: words of the text, regions of the images */

static struct attribution_item attribution_region(const struct attribution *a,
                                                  const struct result_source *s, ptrdiff_t at)
{
    return (struct attribution_item){false, s->image, s->region, "", a->of_regions[at],
                                     a->exact_regions ? a->exact_regions[at] : NAN};
}

int attribution_first_image(const struct result *r, int choice)
{
    return r->task->reading->ranked == RANKED_IMAGES ? choice : 0;
}

struct attribution_item *attribution_items(const struct result *r, const struct attribution *a,
                                           int choice, int *count)
{
    int first = attribution_first_image(r, choice);
    struct attribution_item *list =
        xcalloc((size_t)a->images * (size_t)(a->tokens + a->regions) + 1, sizeof *list);
    int n = 0;
    for (int i = 0; i < a->tokens && i < r->token_count; i++) {
        if (r->tokens[i].special)
            continue;
        list[n] = (struct attribution_item){true, 0, i, r->tokens[i].piece, 0,
                                            a->exact_tokens ? a->exact_tokens[i] : NAN};
        for (int b = 0; b < a->images; b++) /* a pair has one text */
            list[n].worth += a->of_tokens[(ptrdiff_t)b * a->tokens + i];
        n++;
    }
    for (int b = 0; b < a->images; b++)
        for (int i = 0; i < a->regions && i < r->rows; i++) {
            const struct result_source *s = &r->sources[(ptrdiff_t)(first + b) * r->rows + i];
            if (s->image >= 0 && s->region > 0)
                list[n++] = attribution_region(a, s, (ptrdiff_t)b * a->regions + i);
        }
    *count = n;
    return list;
}

static int attribution_compare(const void *a, const void *b)
{
    const struct attribution_item *x = a, *y = b;
    double p = fabs(x->worth), q = fabs(y->worth);
    if (p != q)
        return p > q ? -1 : 1;
    if (x->token != y->token)
        return y->token - x->token;
    return x->image != y->image ? x->image - y->image : x->number - y->number;
}

void attribution_sort(struct attribution_item *list, int count)
{
    vs_sort(list, (size_t)count, sizeof *list, attribution_compare);
}

static int attribution_compare_heads(const void *a, const void *b)
{
    const struct attribution_head *x = a, *y = b;
    double p = fabs(x->worth), q = fabs(y->worth);
    if (p != q)
        return p > q ? -1 : 1;
    return x->map != y->map       ? (int)x->map - (int)y->map
           : x->layer != y->layer ? x->layer - y->layer
                                  : x->head - y->head;
}

void attribution_sort_heads(struct attribution_head *list, int count)
{
    if (list)
        vs_sort(list, (size_t)count, sizeof *list, attribution_compare_heads);
}
