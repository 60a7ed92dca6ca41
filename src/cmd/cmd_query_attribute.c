/* SPDX-License-Identifier: MIT */
/* vilscope query --attribute: what an answer owes to words and regions, by one method. */
#include "src/cmd/cmd_query.h"
#include "src/cmd/vilscope.h"

#include "src/base/mem.h"
#include "src/base/plain.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- which answer */

/* The row of a ranked box in the model's input. */
static int attribute_row(const struct result *r, const struct result_box *b)
{
    for (int i = 0; i < r->rows; i++)
        if (r->sources[i].image == b->image && r->sources[i].region == b->region)
            return i;
    return -1;
}

/* An answer by its label or its number; boxes and images are counted as they are printed. NULL: the
 * first of all. -1: none is called so. */
static int attribute_choice(const struct result *r, const char *name)
{
    char *end = NULL;
    long number = name ? strtol(name + (name[0] == '#'), &end, 10) : 0;
    bool counted = name && end && *end == '\0' && end != name;
    for (int i = 0; i < r->answer_count; i++)
        if (!name || strcasecmp(r->answers[i].label, name) == 0)
            return r->answers[i].index;
    for (int i = 0; i < r->answer_count && counted; i++)
        if (r->answers[i].index == number)
            return r->answers[i].index;
    for (int i = 0; i < r->box_count; i++)
        if (!name || (counted && r->boxes[i].region == number))
            return attribute_row(r, &r->boxes[i]);
    return -1;
}

static const char *attribute_label(const struct result *r, int choice, char out[32])
{
    for (int i = 0; i < r->answer_count; i++)
        if (r->answers[i].index == choice)
            return r->answers[i].label;
    int region = choice >= 0 && choice < r->rows ? r->sources[choice].region : choice;
    snprintf(out, 32, "region %d", region);
    return out;
}

static int attribute_find(const struct result *r, const char *name, int *out, struct vs_err *err)
{
    *out = attribute_choice(r, name);
    return *out >= 0 ? 0
                     : vs_fail(err, VS_E_USAGE, "'%s' is no answer of this model: --target takes "
                               "an answer's label or number, or a region's number",
                               name ? name : "");
}

/* ---- rows: words of the text, regions of the images */

struct attribute_item {
    bool token;
    int image, number; /* of the token; of the region in its image */
    const char *piece; /* "" for regions */
    double worth;
};

/* Special tokens, whole images and padding are left out. */
static struct attribute_item *attribute_items(const struct result *r, const struct attribution *a,
                                              int first, int *count)
{
    struct attribute_item *list =
        xcalloc((size_t)a->images * (size_t)(a->tokens + a->regions) + 1, sizeof *list);
    int n = 0;
    for (int i = 0; i < a->tokens && i < r->token_count; i++) {
        if (r->tokens[i].special)
            continue;
        list[n] = (struct attribute_item){true, 0, i, r->tokens[i].piece, 0};
        for (int b = 0; b < a->images; b++) /* a pair has one text */
            list[n].worth += a->of_tokens[(ptrdiff_t)b * a->tokens + i];
        n++;
    }
    for (int b = 0; b < a->images; b++)
        for (int i = 0; i < a->regions && i < r->rows; i++) {
            const struct result_source *s = &r->sources[(ptrdiff_t)(first + b) * r->rows + i];
            if (s->image >= 0 && s->region > 0)
                list[n++] = (struct attribute_item){false, s->image, s->region, "",
                                                    a->of_regions[(ptrdiff_t)b * a->regions + i]};
        }
    *count = n;
    return list;
}

static int attribute_compare(const void *a, const void *b)
{
    const struct attribute_item *x = a, *y = b;
    double p = fabs(x->worth), q = fabs(y->worth);
    if (p != q)
        return p > q ? -1 : 1;
    if (x->token != y->token)
        return y->token - x->token;
    return x->image != y->image ? x->image - y->image : x->number - y->number;
}

/* ---- printing */

static void attribute_text(const struct attribution *a, const struct attribute_item *list,
                           int count, const char *target, const char *against, int top)
{
    plain_out("%s of \"%s\"%s%s%s (logit%s %.4f)\n%s\n", a->method->title, target,
              against ? " against \"" : "", against ? against : "", against ? "\"" : "",
              against ? " difference" : "", a->value, a->method->about);
    if (a->steps > 0)
        plain_out("%d steps; without any input the logit is %.4f; %.2f %% of the difference is "
                  "missing\n", a->steps, a->base, 100 * a->missing);
    for (int i = 0; i < count && i < top; i++) {
        char what[64];
        if (list[i].token)
            snprintf(what, sizeof what, "token %d", list[i].number);
        else
            snprintf(what, sizeof what, "region %d of image %d", list[i].number,
                     list[i].image + 1);
        plain_out("%3d. %-24s %-14s %+.6g\n", i + 1, what, list[i].piece, list[i].worth);
    }
}

static void attribute_json(const struct attribution *a, const struct attribute_item *list,
                           int count, const char *target, const char *against)
{
    json_t *tokens = json_array(), *regions = json_array();
    for (int i = 0; i < count; i++)
        if (list[i].token)
            json_array_append_new(tokens, json_pack("{s:i, s:o, s:o}", "token", list[i].number,
                                                    "piece", plain_string(list[i].piece), "worth",
                                                    plain_number(list[i].worth)));
        else
            json_array_append_new(regions, json_pack("{s:i, s:i, s:o}", "image",
                                                     list[i].image + 1, "region", list[i].number,
                                                     "worth", plain_number(list[i].worth)));
    json_t *root = json_pack("{s:s, s:b, s:o, s:o, s:o, s:o, s:o}", "method", a->method->word,
                             "signed", a->method->is_signed, "target", plain_string(target),
                             "against", against ? plain_string(against) : json_null(), "logit",
                             plain_number(a->value), "tokens", tokens, "regions", regions);
    if (a->steps > 0)
        json_object_set_new(root, "completeness",
                            json_pack("{s:i, s:o, s:o}", "steps", a->steps, "base",
                                      plain_number(a->base), "missing", plain_number(a->missing)));
    command_json(root, JSON_INDENT(2));
}

int query_attribute(struct model *m, const struct query *q, const struct result *r,
                    const struct attribute_options *o, struct vs_err *err)
{
    struct attribution a = {0};
    char names[2][32];
    int choice = -1, against = -1, count = 0;
    int rc = attribute_find(r, o->target, &choice, err);
    if (rc == 0 && o->against)
        rc = attribute_find(r, o->against, &against, err);
    if (rc == 0)
        rc = attribution_run(m, q, o->method, choice, against, NULL, &a, err);
    if (rc != 0)
        return rc;
    int first = q->task->reading->ranked == RANKED_IMAGES ? choice : 0;
    struct attribute_item *list = attribute_items(r, &a, first, &count);
    const char *target = attribute_label(r, choice, names[0]);
    const char *other = against >= 0 ? attribute_label(r, against, names[1]) : NULL;
    qsort(list, (size_t)count, sizeof *list, attribute_compare);
    if (o->json)
        attribute_json(&a, list, count, target, other);
    else
        attribute_text(&a, list, count, target, other, o->top);
    free(list);
    attribution_fini(&a);
    return 0;
}
