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

void draw_token_name(const struct workbench *w, int token, char *out, size_t size)
{
    const struct result *r = w->now.r;
    snprintf(out, size, "%s", r && token >= 0 && token < r->token_count ? r->tokens[token].piece
                                                                        : "");
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
