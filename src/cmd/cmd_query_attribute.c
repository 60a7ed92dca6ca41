/* SPDX-License-Identifier: MIT */
/* vilscope query --attribute: what an answer owes to words and regions, by one method. */
#include "src/cmd/cmd_query.h"
#include "src/cmd/vilscope.h"

#include "src/base/mem.h"
#include "src/base/plain.h"
#include "src/study/relevancy.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const query_methods[] = {
    "relevancy", "attention-gradient", "rollout", "attention", "gradient-input",
    "integrated-gradients", "lrp", "leave-one-out", "attribution-patching", NULL};

/* ---- which answer */

int query_find_answer(const struct result *r, const char *option, const char *name, int *out,
                      struct vs_err *err)
{
    enum ranked ranked = r->task->reading->ranked;
    *out = attribution_choice(r, name);
    return *out >= 0 ? 0
                     : vs_fail(err, VS_E_USAGE, "'%s' is no answer here: --%s takes %s",
                               name ? name : "", option,
                               ranked == RANKED_IMAGES    ? "an image's file or number, from 1"
                               : ranked == RANKED_REGIONS ? "a region's number"
                                                          : "an answer's label or number");
}

/* ---- printing */

/* What was read of raw attention, how words were left out. */
static void attribute_text_how(const struct attribution *a)
{
    const struct attribution_how *how = &a->how;
    bool raw = strcmp(a->method->word, "attention") == 0;
    if (raw && how->map == ATTN_COUNT)
        plain_out("the last layer's maps of words on regions and of regions on words, mean of "
                  "heads\n");
    else if (raw)
        plain_out("%s, layer ", attn_table[how->map].title);
    if (raw && how->map != ATTN_COUNT && how->layer < 0)
        plain_out("last, ");
    else if (raw && how->map != ATTN_COUNT)
        plain_out("%d, ", how->layer + 1);
    if (raw && how->map != ATTN_COUNT && how->head < 0)
        plain_out("mean of heads\n");
    else if (raw && how->map != ATTN_COUNT)
        plain_out("head %d\n", how->head + 1);
    if (a->method->needs == NEEDS_OUTPUTS || a->exact_tokens)
        plain_out("left out: regions and words are masked, %s\n",
                  how->mask_token ? "words by [MASK] in their place" : "nothing attends to them");
    if (a->steps > 0)
        plain_out("%d steps; without any input the logit is %.4f; %.2f %% of the difference is "
                  "missing\n", a->steps, a->base, 100 * a->missing);
}

/* Both numbers of what was verified. */
static void attribute_put(const struct attribution *a, int place, const char *what,
                          const char *piece, double worth, double exact)
{
    plain_out("%3d. %-24s %-14s %+.6g", place, what, piece, worth);
    if (a->heads && isfinite(exact))
        plain_out("  exactly %+.6g", exact);
    plain_out("\n");
}

static void attribute_text(const struct attribution *a, const struct attribution_item *list,
                           int count, const char *target, const char *against, int top)
{
    plain_out("%s of \"%s\"%s%s%s (logit%s %.4f)\n%s\n", a->method->title, target,
              against ? " against \"" : "", against ? against : "", against ? "\"" : "",
              against ? " difference" : "", a->value, a->method->about);
    attribute_text_how(a);
    for (int i = 0; i < count && i < top; i++) {
        char what[64];
        if (list[i].token)
            snprintf(what, sizeof what, "token %d", list[i].number + 1); /* as --change counts */
        else
            snprintf(what, sizeof what, "region %d of image %d", list[i].number,
                     list[i].image + 1);
        attribute_put(a, i + 1, what, list[i].piece, list[i].worth, list[i].exact);
    }
    if (a->heads)
        plain_out("heads, their output left out (0 in its place):\n");
    for (int i = 0; i < a->head_count && i < top; i++) {
        const struct attribution_head *h = &a->heads[i];
        char what[64];
        snprintf(what, sizeof what, "%s %d.%d", attn_table[h->map].word, h->layer + 1, h->head + 1);
        attribute_put(a, i + 1, what, "", h->worth, h->exact);
    }
}

static json_t *attribute_head_json(const struct attribution_head *h)
{
    return json_pack("{s:s, s:i, s:i, s:o, s:o}", "map", attn_table[h->map].word, "layer",
                     h->layer + 1, "head", h->head + 1, "worth", plain_number(h->worth), "exact",
                     plain_number(h->exact));
}

static json_t *attribute_item_json(const struct attribution *a, const struct attribution_item *x)
{
    json_t *v = x->token ? json_pack("{s:i, s:o, s:o}", "token", x->number, "piece",
                                     plain_string(x->piece), "worth", plain_number(x->worth))
                         : json_pack("{s:i, s:i, s:o}", "image", x->image + 1, "region", x->number,
                                     "worth", plain_number(x->worth));
    if (a->heads)
        json_object_set_new(v, "exact", plain_number(x->exact));
    return v;
}

/* What only some methods have. */
static void attribute_json_more(const struct attribution *a, json_t *root)
{
    if (a->steps > 0)
        json_object_set_new(root, "completeness",
                            json_pack("{s:i, s:o, s:o}", "steps", a->steps, "base",
                                      plain_number(a->base), "missing", plain_number(a->missing)));
    if (a->heads) {
        json_t *heads = json_array();
        for (int i = 0; i < a->head_count; i++)
            json_array_append_new(heads, attribute_head_json(&a->heads[i]));
        json_object_set_new(root, "heads", heads);
    }
    if (a->method->needs == NEEDS_OUTPUTS || a->heads)
        json_object_set_new(root, "removal", json_string(a->how.mask_token ? "mask" : "attention"));
}

/* Rows of a matrix, as lists. */
static json_t *attribute_matrix_json(const struct relevancy *r, enum attn_kind kind)
{
    int rows = 0, cols = 0;
    const double *x = relevancy_matrix(r, kind, &rows, &cols);
    json_t *list = json_array();
    for (int i = 0; i < rows; i++) {
        json_t *row = json_array();
        for (int j = 0; j < cols; j++)
            json_array_append_new(row, plain_number(x[(ptrdiff_t)i * cols + j]));
        json_array_append_new(list, row);
    }
    return list;
}

/* What rows and columns are: tokens, and regions of image b of the target. */
static json_t *attribute_axes_json(const struct result *q, const struct relevancy *r, int b)
{
    json_t *tokens = json_array(), *regions = json_array();
    for (int i = 0; i < r->tokens; i++)
        json_array_append_new(tokens, plain_string(i < q->token_count ? q->tokens[i].piece : ""));
    for (int i = 0; i < r->regions; i++) {
        struct result_source s = {-1, 0};
        if (i < q->rows && b < q->batch)
            s = q->sources[(ptrdiff_t)b * q->rows + i];
        json_array_append_new(regions, json_pack("{s:i, s:i}", "image", s.image + 1, "region",
                                                 s.region));
    }
    return json_pack("{s:o, s:o}", "tokens", tokens, "regions", regions);
}

static bool attribute_has_matrix(const struct relevancy *r, enum attn_kind kind)
{
    int rows, cols;
    return relevancy_matrix(r, kind, &rows, &cols) != NULL;
}

/* Relevancy's own, of each image; without the identity that those of one stream begin with. */
static json_t *attribute_matrices_json(const struct attribution *a, const struct result *q,
                                       int choice)
{
    int first = attribution_first_image(q, choice);
    json_t *list = json_array();
    for (int b = 0; b < a->images; b++) {
        json_t *one = attribute_axes_json(q, &a->own[b], first + b);
        for (int k = 0; k < ATTN_COUNT; k++)
            if (attribute_has_matrix(&a->own[b], (enum attn_kind)k))
                json_object_set_new(one, attn_table[k].word,
                                    attribute_matrix_json(&a->own[b], (enum attn_kind)k));
        json_array_append_new(list, one);
    }
    return list;
}

static void attribute_json(const struct attribution *a, const struct attribution_item *list,
                           int count, const char *target, const char *against, json_t *matrices)
{
    json_t *tokens = json_array(), *regions = json_array();
    for (int i = 0; i < count; i++)
        json_array_append_new(list[i].token ? tokens : regions, attribute_item_json(a, &list[i]));
    json_t *root = json_pack("{s:s, s:b, s:o, s:o, s:o, s:o, s:o}", "method", a->method->word,
                             "signed", a->method->is_signed, "target", plain_string(target),
                             "against", against ? plain_string(against) : json_null(), "logit",
                             plain_number(a->value), "tokens", tokens, "regions", regions);
    attribute_json_more(a, root);
    if (matrices)
        json_object_set_new(root, "matrices", matrices);
    command_json(root, JSON_INDENT(2));
}

int query_attribute(struct model *m, const struct query *q, const struct result *r,
                    const struct attribute_options *o, struct attribution_record **out,
                    struct vs_err *err)
{
    struct attribution a = {0};
    char names[2][32];
    int choice = -1, against = -1, count = 0;
    int rc = query_find_answer(r, "target", o->target, &choice, err);
    if (rc == 0 && o->against)
        rc = query_find_answer(r, "against", o->against, &against, err);
    if (rc == 0)
        rc = attribution_run(m, q, o->method, choice, against, &o->how, NULL, &a, err);
    if (rc != 0)
        return rc;
    struct attribution_item *list = attribution_items(r, &a, choice, &count);
    *out = attribution_record_new(r, &a, choice, against, NULL);
    const char *target = attribution_label(r, choice, names[0]);
    const char *other = against >= 0 ? attribution_label(r, against, names[1]) : NULL;
    attribution_sort(list, count);
    attribution_sort_heads(a.heads, a.head_count);
    if (o->json)
        attribute_json(&a, list, count, target, other,
                       o->matrices ? attribute_matrices_json(&a, r, choice) : NULL);
    else
        attribute_text(&a, list, count, target, other, o->top);
    free(list);
    attribution_fini(&a);
    return 0;
}
