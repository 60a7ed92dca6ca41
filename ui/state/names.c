/* SPDX-License-Identifier: MIT */
/* Names of regions, tokens and heads, as the screen tells them. */
#include "ui/state/state.h"

#include <stdio.h>
#include <string.h>

void draw_region_name(const struct workbench *w, int region, char *out, size_t size)
{
    const struct result *r = w->now.r;
    const char *label = NULL;
    int image = photo_in_result(w);
    const struct regions *g =
        w->ses.photo < w->ses.photo_count ? photo_regions(w->ses.photos[w->ses.photo]) : NULL;
    for (int i = 0; r && i < r->box_count; i++)
        if (r->boxes[i].region == region && r->boxes[i].image == image)
            label = r->boxes[i].label;
    if (!label && region > 0 && g && g->classes && region <= g->count && w->ses.model &&
        (image < 0 || strcmp(g->digest, r->images[image].regions_digest) == 0))
        label = model_class_name(w->ses.model, g, g->classes[region - 1]);
    label = region == 0 ? "whole image" : label;
    snprintf(out, size, "region %d%s%s", region, label ? " " : "", label ? label : "");
}

/* "##ing" goes on with a word, if the word's first piece is not masked. */
static bool goes_on(const struct result *r, int token)
{
    int first = token < r->token_count ? token : 0;
    while (first > 0 && result_goes_on(&r->tokens[first]))
        first--;
    return first < token && token < r->token_count &&
           strcmp(r->tokens[first].piece, "[MASK]") != 0;
}

/* "raining 2/2": the word, and which of its pieces; false where it is a single one. */
static bool word_name(const struct result *r, int token, char *out, size_t size)
{
    int first = token, count = 1;
    while (goes_on(r, first))
        first--;
    while (goes_on(r, first + count))
        count++;
    size_t used = 0;
    out[0] = '\0';
    for (int i = first; count > 1 && i < first + count && used < size; i++)
        used += (size_t)snprintf(out + used, size - used, "%s",
                                 r->tokens[i].piece + (i > first ? 2 : 0));
    if (count > 1 && used < size)
        snprintf(out + used, size - used, " %d/%d", token - first + 1, count);
    return count > 1;
}

void draw_token_name(const struct workbench *w, int token, char *out, size_t size)
{
    const struct result *r = w->now.r;
    bool known = r && token >= 0 && token < r->token_count;
    if (known && w->how.words && word_name(r, token, out, size))
        return;
    snprintf(out, size, "%s", known ? r->tokens[token].piece : "");
}

bool draw_token_joined(const struct workbench *w, int token)
{
    return w->how.words && w->now.r && goes_on(w->now.r, token);
}

void draw_head_name(const struct workbench *w, const struct slice *x, enum attn_kind kind,
                    char *out, size_t size)
{
    int head = x->head[kind];
    if (head >= 0)
        snprintf(out, size, "head %d/%d", head + 1,
                 w->now.r ? trace_attention_heads(w->now.r->trace, kind) : 0);
    else if (look_set_heads(head))
        look_set_name(look_set_heads(head), out, size);
    else
        snprintf(out, size, "%s", head == LOOK_MAX       ? "maximum of heads"
                                  : head == LOOK_ROLLOUT ? "rollout up to here"
                                                         : "mean of heads");
}
