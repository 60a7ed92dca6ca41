/* SPDX-License-Identifier: MIT */
/* An attribution as it is kept, and two of them beside each other. */
#include "src/study/attributed.h"

#include "src/base/mem.h"
#include "src/base/plain.h"
#include "src/formats/byteorder.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- raw attention: which map */

static char *attributed_map(const struct attribution *a)
{
    const struct attribution_how *how = &a->how;
    char layer[16] = "last", head[16] = "";
    if (strcmp(a->method->word, "attention") != 0 || how->map == ATTN_COUNT)
        return xstrdup("");
    if (how->layer >= 0)
        snprintf(layer, sizeof layer, "%d", how->layer + 1);
    if (how->head >= 0)
        snprintf(head, sizeof head, ".%d", how->head + 1);
    return xasprintf("%s %s%s", attn_table[how->map].word, layer, head);
}

static bool attributed_read_map(const char *text, struct attribution_how *how)
{
    char word[32], layer[16] = "", rest;
    int head = 0, number = 0;
    if (!text[0])
        return true;
    int n = sscanf(text, "%31s %15[^.].%d%c", word, layer, &head, &rest);
    if (n < 2 || n > 3 || (n == 3 && head < 1))
        return false;
    if (strcmp(layer, "last") != 0 && (sscanf(layer, "%d%c", &number, &rest) != 1 || number < 1))
        return false;
    how->map = attn_find(word);
    how->layer = number - 1;
    how->head = head - 1;
    return how->map != ATTN_COUNT;
}

bool attribution_record_how(const struct attribution_record *x, struct attribution_how *how)
{
    *how = attribution_usual;
    how->mask_token = strcmp(x->removal, "mask") == 0;
    if (strcmp(x->method, "attribution-patching") == 0)
        how->verify = how->verify_heads = x->verify;
    return attributed_read_map(x->map, how);
}

/* ---- making */

size_t attribution_record_places(const struct attribution_record *x)
{
    return (size_t)x->tokens + (size_t)x->images * (size_t)x->regions;
}

size_t attribution_record_count(const struct attribution_record *x)
{
    return attribution_record_places(x) * (x->exact ? 2 : 1);
}

void attribution_record_digest(const struct attribution_record *x, char out[DIGEST_HEX])
{
    struct sha256 s;
    sha256_init(&s);
    sha256_numbers(&s, x->numbers, attribution_record_count(x), sizeof *x->numbers);
    sha256_hex(&s, out);
}

static void attributed_numbers(struct attribution_record *x, const struct result *r,
                               const struct attribution *a, int choice)
{
    int count = 0, first = attribution_first_image(r, choice);
    x->tokens = r->token_count;
    x->images = r->task->reading->ranked == RANKED_IMAGES ? 1 : r->image_count;
    for (int i = first; i < first + x->images && i < r->image_count; i++) {
        int all = r->images[i].region_count + r->images[i].candidate_count + 1;
        x->regions = all > x->regions ? all : x->regions;
    }
    struct attribution_item *list = attribution_items(r, a, choice, &count);
    size_t n = attribution_record_count(x), half = x->exact ? attribution_record_places(x) : 0;
    x->numbers = xcalloc(n + 1, sizeof *x->numbers);
    for (size_t i = 0; i < n; i++)
        x->numbers[i] = NAN;
    for (int i = 0; i < count; i++) {
        const struct attribution_item *it = &list[i];
        int image = it->image - first;
        if (!it->token && (image < 0 || image >= x->images || it->number >= x->regions))
            continue;
        size_t at = it->token ? (size_t)it->number
                              : (size_t)x->tokens + (size_t)image * (size_t)x->regions +
                                    (size_t)it->number;
        x->numbers[at] = (float)it->worth;
        if (half && isfinite(it->exact))
            x->numbers[half + at] = (float)it->exact;
    }
    free(list);
}

struct attribution_record *attribution_record_new(const struct result *r,
                                                  const struct attribution *a, int choice,
                                                  int against, const struct explained *known)
{
    struct attribution_record *x = xcalloc(1, sizeof *x);
    char name[32];
    bool removes = a->method->needs == NEEDS_OUTPUTS || a->exact_tokens;
    x->query = r->log_id;
    x->method = xstrdup(a->method->word);
    x->target = xstrdup(attribution_label(r, choice, name));
    x->against = against >= 0 ? xstrdup(attribution_label(r, against, name)) : NULL;
    x->target_index = choice;
    x->against_index = against >= 0 ? against : -1;
    x->map = attributed_map(a);
    x->removal = xstrdup(!removes ? "" : a->how.mask_token ? "mask" : "attention");
    x->verify = a->exact_tokens ? a->how.verify : 0;
    x->scale = xstrdup(against >= 0 ? "logit difference" : "logit");
    x->value = a->value;
    x->steps = a->steps;
    x->base = a->steps ? a->base : (double)NAN;
    x->missing = a->steps ? a->missing : (double)NAN;
    x->exact = a->exact_tokens != NULL;
    x->tested = explained_json(known, r->task, a->method);
    attributed_numbers(x, r, a, choice);
    attribution_record_digest(x, x->digest);
    return x;
}

struct attribution_record *attribution_record_copy(const struct attribution_record *of)
{
    struct attribution_record *x = xcalloc(1, sizeof *x);
    size_t n = attribution_record_count(of);
    *x = *of;
    x->method = xstrdup(of->method);
    x->target = xstrdup(of->target);
    x->against = xstrdup_null(of->against);
    x->map = xstrdup(of->map);
    x->removal = xstrdup(of->removal);
    x->scale = xstrdup(of->scale);
    x->tested = xstrdup_null(of->tested);
    x->numbers = xcalloc(n + 1, sizeof *x->numbers);
    memcpy(x->numbers, of->numbers, n * sizeof *x->numbers);
    return x;
}

void attribution_record_free(struct attribution_record *x)
{
    if (!x)
        return;
    free(x->method);
    free(x->target);
    free(x->against);
    free(x->map);
    free(x->removal);
    free(x->scale);
    free(x->tested);
    free(x->numbers);
    free(x);
}

char *attribution_record_name(const struct attribution_record *x)
{
    return xasprintf("%s of \"%s\"%s%s%s", x->method, x->target, x->against ? " against \"" : "",
                     x->against ? x->against : "", x->against ? "\"" : "");
}

/* ---- beside each other */

double attribution_record_distance(const struct attribution_record *a,
                                   const struct attribution_record *b)
{
    double most = 0, far = 0;
    if (a->images != b->images || a->tokens != b->tokens || a->regions != b->regions)
        return INFINITY;
    for (size_t i = 0; i < attribution_record_places(a); i++) {
        double x = (double)a->numbers[i], y = (double)b->numbers[i];
        if (isfinite(x) != isfinite(y))
            return INFINITY;
        if (!isfinite(x))
            continue;
        most = fmax(most, fabs(x));
        far = fmax(far, fabs(x - y));
    }
    return far == 0 ? 0 : far / most;
}

/* ---- JSON */

static json_t *attributed_value(const struct attribution_record *x, json_t *of, size_t at)
{
    json_object_set_new(of, "worth", plain_number((double)x->numbers[at]));
    if (x->exact)
        json_object_set_new(of, "exact", plain_number(
            (double)x->numbers[attribution_record_places(x) + at]));
    return of;
}

static bool attributed_known(const struct attribution_record *x, size_t at)
{
    return isfinite(x->numbers[at]);
}

json_t *attribution_record_json(const struct attribution_record *x)
{
    json_t *tokens = json_array(), *regions = json_array();
    json_t *tested = x->tested ? json_loads(x->tested, 0, NULL) : NULL;
    for (int i = 0; i < x->tokens; i++)
        if (attributed_known(x, (size_t)i))
            json_array_append_new(tokens, attributed_value(x, json_pack("{s:i}", "token", i),
                                                           (size_t)i));
    for (int b = 0; b < x->images; b++)
        for (int i = 0; i < x->regions; i++) {
            size_t at = (size_t)x->tokens + (size_t)b * (size_t)x->regions + (size_t)i;
            if (attributed_known(x, at))
                json_array_append_new(regions, attributed_value(
                    x, json_pack("{s:i, s:i}", "image", b + 1, "region", i), at));
        }
    json_t *v = json_pack("{s:o, s:o, s:i, s:o, s:o, s:o, s:o, s:o}", "method",
                          plain_string(x->method), "target", plain_string(x->target),
                          "target_index", x->target_index, "against", plain_string(x->against),
                          "scale", plain_string(x->scale), "logit", plain_number(x->value),
                          "map", x->map[0] ? plain_string(x->map) : json_null(), "removal",
                          x->removal[0] ? plain_string(x->removal) : json_null());
    if (x->steps > 0)
        json_object_set_new(v, "completeness",
                            json_pack("{s:i, s:o, s:o}", "steps", x->steps, "base",
                                      plain_number(x->base), "missing",
                                      plain_number(x->missing)));
    json_object_set_new(v, "tested", tested ? tested : json_null());
    json_object_set_new(v, "digest", plain_string(x->digest));
    json_object_set_new(v, "tokens", tokens);
    json_object_set_new(v, "regions", regions);
    return v;
}
