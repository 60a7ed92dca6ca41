/* SPDX-License-Identifier: MIT */
/* Choosing what is looked at: tokens, regions, answers. */
#include "ui/state/state.h"

int look_source(const struct workbench *w, enum attn_kind kind)
{
    const struct chosen *s = w->sel;
    int image = photo_in_result(w);
    if (!w->now.r || image < 0)
        return -1;
    enum net_stream from = attn_table[kind].from;
    if (stream_table[from].tokens && (s->token >= 0 || !stream_table[from].regions))
        return look_row(w->now.r, from, true, s->token);
    return s->region < 0 ? -1
                         : look_row(w->now.r, from, false,
                                    look_place(w->now.r, look_batch(w->now.r, image), image,
                                               s->region));
}

/* Row or column i of a map becomes the chosen token or region. */
void look_choose_row(struct workbench *w, bool token, int i)
{
    const struct result *r = w->now.r;
    int image = photo_in_result(w);
    struct chosen next = *w->sel;
    if (token) {
        next.token = i;
    } else if (image >= 0) {
        struct result_source s = r->sources[look_batch(r, image) * r->rows + i];
        next.region = s.image == image ? s.region : -1;
    }
    next.overlay = next.token >= 0 || next.slice.method ||
                   !look_source_is_token(look_image_map(r, next.slice.kind), next.token);
    selection_set(w->selection, &next);
}

void look_choose_region(struct workbench *w, int region)
{
    const struct result *r = w->now.r;
    int image = photo_in_result(w);
    struct chosen next = *w->sel;
    next.region = region;
    for (int i = 0; r && i < r->box_count; i++)
        if (r->boxes[i].image == image && r->boxes[i].region == region)
            next.rank = i;
    selection_set(w->selection, &next);
}

/* A slice back into the bounds of the maps that there are. */
static void settle_slice(const struct trace *t, struct slice *x)
{
    for (int k = 0; k < ATTN_COUNT; k++) {
        int layers = trace_attention_layers(t, (enum attn_kind)k);
        x->layer[k] = x->layer[k] < layers ? x->layer[k] : layers ? layers - 1 : 0;
        if (x->head[k] >= trace_attention_heads(t, (enum attn_kind)k))
            x->head[k] = LOOK_MEAN;
    }
}

void look_settle(struct workbench *w)
{
    struct chosen next = *w->sel;
    const struct trace *t = w->now.r ? w->now.r->trace : NULL;
    for (int k = 0; t && !next.begun && k < ATTN_COUNT; k++)
        next.slice.layer[k] = look_focused_layer(w->now.r, (enum attn_kind)k);
    next.begun |= t != NULL;
    enum attn_kind across = trace_map_between(t, true, false);
    if (across < ATTN_COUNT && !trace_attention_layers(t, next.slice.kind))
        next.slice.kind = across; /* the result is of another family */
    settle_slice(t, &next.slice);
    for (int i = 0; i < w->panes.count; i++)
        if (w->panes.list[i].own)
            settle_slice(t, w->panes.list[i].own);
    if (!w->now.r || next.token >= w->now.r->token_count)
        next.token = -1;
    int image = photo_in_result(w);
    if (image < 0 || next.region >= look_regions(w->now.r, image))
        next.region = -1;
    for (int k = 0; k < ATTN_COUNT; k++)
        next.column[k] = -1;
    selection_set(w->selection, &next);
}

int look_choice(const struct workbench *w)
{
    const struct result *r = w->now.r;
    int rank = w->sel->rank;
    if (!r)
        return -1;
    if (r->task->reading->ranked != RANKED_REGIONS)
        return rank < r->answer_count ? r->answers[rank].index : -1;
    return rank < r->box_count ? look_place(r, 0, r->boxes[rank].image, r->boxes[rank].region) : -1;
}

static void move_token(struct workbench *w, int step)
{
    int n = w->now.r ? w->now.r->token_count : 0, at = w->sel->token + step;
    selection_look(w->selection, at < -1 ? n - 1 : at >= n ? -1 : at);
}

/* For a retrieval answer the chosen image is shown. */
static void show_chosen(struct workbench *w)
{
    const struct result *r = w->now.r;
    if (r->task->reading->ranked != RANKED_IMAGES || w->sel->rank >= r->answer_count)
        return;
    int image = r->answers[w->sel->rank].index;
    int at = image < r->image_count ? session_find_photo(w, w->now.photos[image]) : -1;
    if (at >= 0)
        w->ses.photo = at;
}

void look_choose_rank(struct workbench *w, int rank)
{
    const struct result *r = w->now.r;
    int n = r ? (r->box_count ? r->box_count : r->answer_count) : 0;
    rank = rank >= n ? n - 1 : rank;
    selection_rank(w->selection, rank < 0 ? 0 : rank);
    if (r)
        show_chosen(w);
}

void look_move(struct workbench *w, enum motion m)
{
    switch (m) {
    case MOVE_LEFT: move_token(w, -1); break;
    case MOVE_RIGHT: move_token(w, 1); break;
    case MOVE_UP: look_choose_rank(w, w->sel->rank - 1); break;
    case MOVE_DOWN: look_choose_rank(w, w->sel->rank + 1); break;
    case MOVE_PAGE_UP: look_choose_rank(w, w->sel->rank - 10); break;
    case MOVE_PAGE_DOWN: look_choose_rank(w, w->sel->rank + 10); break;
    case MOVE_FIRST: look_choose_rank(w, 0); break;
    case MOVE_LAST: look_choose_rank(w, 1 << 20); break;
    }
}
