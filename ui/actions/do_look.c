/* Choosing what is looked at: tokens, regions, answers, maps, layers, heads. */
#include "ui/views/inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static int wrap(int i, int n)
{
    return n > 0 ? (i % n + n) % n : 0;
}

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
    next.overlay = next.token >= 0 || !look_source_is_token(next.slice.kind, next.token);
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

/* ---- tokens, regions, answers */

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
    for (int i = 0; i < w->photo_count && image < r->image_count; i++)
        if (w->photos[i] == w->now.photos[image])
            w->photo = i;
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

/* A number from 1, or a piece of text. */
void do_token(struct workbench *w, const char *arg)
{
    const struct result *r = w->now.r;
    int n = r ? r->token_count : 0, at = atoi(arg) - 1;
    for (int i = 0; i < n && at < 0; i++)
        if (strcasecmp(r->tokens[i].piece, arg) == 0)
            at = i;
    if (at < 0 || at >= n) {
        workbench_say(w, true, n ? "there is no token '%s' in the query" : "ask something first",
                      arg);
        return;
    }
    selection_look(w->selection, at);
}

void do_region(struct workbench *w, const char *arg)
{
    int image = photo_in_result(w), at = atoi(arg);
    int n = image < 0 ? 0 : look_regions(w->now.r, image);
    if (at < 0 || at >= n || (at == 0 && strcmp(arg, "0") != 0))
        workbench_say(w, true, n ? "there are regions 0 (the whole image) to %d"
                                 : "ask something first", n - 1);
    else
        selection_region(w->selection, at);
}

void do_rank(struct workbench *w, const char *arg)
{
    look_choose_rank(w, atoi(arg) - 1);
}

/* ---- maps, layers, heads: of the pane with the keys */

static struct pane *focused(struct workbench *w)
{
    return panes_focused(&w->panes);
}

static struct slice slice_now(struct workbench *w)
{
    return *pane_slice(w, focused(w));
}

/* "map text-to-image, image-to-text, text or image, not 'x'" */
static void say_maps(struct workbench *w, const struct family *f, const char *arg)
{
    struct buf b = {0};
    for (int i = 0; i < f->map_count; i++)
        buf_printf(&b, "%s%s", i == 0 ? "" : i + 1 < f->map_count ? ", " : " or ",
                   attn_table[f->maps[i]].word);
    workbench_say(w, true, "map %s, not '%s'", b.data, arg);
    buf_fini(&b);
}

/* By name, or the next one. */
void do_map(struct workbench *w, const char *arg)
{
    const struct family *f = model_family(w->model);
    struct slice x = slice_now(w);
    int at = -1;
    for (int i = 0; i < f->map_count; i++)
        if (*arg ? strcmp(attn_table[f->maps[i]].word, arg) == 0 : f->maps[i] == x.kind)
            at = *arg ? i : (i + 1) % f->map_count;
    if (at < 0) {
        say_maps(w, f, arg);
        return;
    }
    x.kind = f->maps[at];
    pane_set_slice(w, focused(w), &x);
}

static int layers(const struct workbench *w, enum attn_kind kind)
{
    return w->now.r ? trace_attention_layers(w->now.r->trace, kind) : 0;
}

static int heads(const struct workbench *w, enum attn_kind kind)
{
    return w->now.r ? trace_attention_heads(w->now.r->trace, kind) : 0;
}

static void set_layer(struct workbench *w, int layer)
{
    struct slice x = slice_now(w);
    x.layer[x.kind] = layer;
    pane_set_slice(w, focused(w), &x);
}

void do_layer(struct workbench *w, const char *arg)
{
    int n = atoi(arg), most = layers(w, slice_now(w).kind);
    if (n < 1 || n > most)
        workbench_say(w, true, "this map has layers 1 to %d", most);
    else
        set_layer(w, n - 1);
}

static void step_layer(struct workbench *w, int step)
{
    struct slice x = slice_now(w);
    struct pane *p = focused(w);
    if (!p->view->step || !p->view->step(w, p, step))
        set_layer(w, wrap(x.layer[x.kind] + step, layers(w, x.kind)));
}

void do_layer_next(struct workbench *w, const char *arg)
{
    (void)arg;
    step_layer(w, 1);
}

void do_layer_previous(struct workbench *w, const char *arg)
{
    (void)arg;
    step_layer(w, -1);
}

/* "1,3,4" as bits; 0 when it is no such list, or one of them is not there. */
static uint32_t parse_set(const char *arg, int count)
{
    uint32_t set = 0;
    for (const char *s = arg;; s++) {
        char *end;
        long n = strtol(s, &end, 10);
        if (end == s || n < 1 || n > count || n > LOOK_SET_HEADS)
            return 0;
        set |= 1u << (n - 1);
        if (*end == '\0')
            return set;
        if (*end != ',')
            return 0;
        s = end;
    }
}

static void set_head(struct workbench *w, int head)
{
    struct slice x = slice_now(w);
    x.head[x.kind] = head;
    pane_set_slice(w, focused(w), &x);
}

void do_head(struct workbench *w, const char *arg)
{
    int n = atoi(arg), most = heads(w, slice_now(w).kind);
    if (strcmp(arg, "mean") == 0)
        set_head(w, LOOK_MEAN);
    else if (strcmp(arg, "max") == 0)
        set_head(w, LOOK_MAX);
    else if (strcmp(arg, "rollout") == 0)
        set_head(w, LOOK_ROLLOUT);
    else if (strchr(arg, ',') && parse_set(arg, most))
        set_head(w, look_set(parse_set(arg, most)));
    else if (!strchr(arg, ',') && n >= 1 && n <= most)
        set_head(w, n - 1);
    else
        workbench_say(w, true, "head mean, max, rollout, 1 to %d, or some, as 1,3", most);
}

/* The mean comes before the first head, then the maximum, then the rollout. */
static void step_head(struct workbench *w, int step)
{
    const struct slice x = slice_now(w);
    int head = x.head[x.kind], n = heads(w, x.kind);
    int from = look_set_heads(head) ? LOOK_MEAN : head;
    if (n)
        set_head(w, wrap(from + 3 + step, n + 3) - 3);
}

void do_head_next(struct workbench *w, const char *arg)
{
    (void)arg;
    step_head(w, 1);
}

void do_head_previous(struct workbench *w, const char *arg)
{
    (void)arg;
    step_head(w, -1);
}

void do_overlay(struct workbench *w, const char *arg)
{
    (void)arg;
    selection_overlay(w->selection, !w->sel->overlay);
}

void do_special(struct workbench *w, const char *arg)
{
    (void)arg;
    w->hide_special = !w->hide_special;
    workbench_say(w, false, "%s",
                  w->hide_special ? "[CLS], [SEP], the task and the whole image are hidden"
                                  : "special tokens are shown");
}

void do_sort(struct workbench *w, const char *arg)
{
    (void)arg;
    w->sort = !w->sort;
}

void do_color_map(struct workbench *w, const char *arg)
{
    const char *name = *arg ? arg : canvas_next_color_map();
    if (canvas_set_color_map(name))
        workbench_say(w, false, "colors: %s", name);
    else
        workbench_say(w, true, "there is no color map '%s': %s", name, canvas_color_maps());
}
