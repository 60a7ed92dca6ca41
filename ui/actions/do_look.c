/* Choosing what is looked at: tokens, regions, answers, maps, layers, heads. */
#include "ui/inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static int wrap(int i, int n)
{
    return n > 0 ? (i % n + n) % n : 0;
}

int look_source(const struct workbench *w)
{
    const struct selection *s = &w->sel;
    int image = photo_in_result(w);
    if (!w->now.r || image < 0)
        return -1;
    if (look_rows_are_tokens(s->kind))
        return s->token;
    return s->region < 0 ? -1 : look_place(w->now.r, look_batch(w->now.r, image), image,
                                           s->region);
}

/* Row or column i of a map becomes the chosen token or region. */
void look_choose_row(struct workbench *w, bool token, int i)
{
    const struct result *r = w->now.r;
    int image = photo_in_result(w);
    if (token) {
        w->sel.token = i;
    } else if (image >= 0) {
        struct result_source s = r->sources[look_batch(r, image) * r->rows + i];
        w->sel.region = s.image == image ? s.region : -1;
    }
    w->overlay = w->sel.token >= 0 || w->sel.kind == ATTN_VISUAL;
}

void look_settle(struct workbench *w)
{
    struct selection *s = &w->sel;
    const struct trace *t = w->now.r ? w->now.r->trace : NULL;
    for (int k = 0; t && !s->begun && k < 4; k++)
        s->layer[k] = look_focused_layer(w->now.r, (enum attn_kind)k);
    s->begun |= t != NULL;
    for (int k = 0; k < 4; k++) {
        int layers = trace_attention_layers(t, (enum attn_kind)k);
        s->layer[k] = s->layer[k] < layers ? s->layer[k] : layers ? layers - 1 : 0;
        if (s->head[k] >= trace_attention_heads(t, (enum attn_kind)k))
            s->head[k] = LOOK_MEAN;
    }
    if (!w->now.r || s->token >= w->now.r->token_count)
        s->token = -1;
    int image = photo_in_result(w);
    if (image < 0 || s->region >= look_regions(w->now.r, image))
        s->region = -1;
}

/* ---- tokens, regions, answers */

static void move_token(struct workbench *w, int step)
{
    int n = w->now.r ? w->now.r->token_count : 0;
    w->sel.token += step;
    w->sel.token = w->sel.token < -1 ? n - 1 : w->sel.token >= n ? -1 : w->sel.token;
    w->overlay = w->sel.token >= 0;
}

/* For a retrieval answer the chosen image is shown. */
static void show_chosen(struct workbench *w)
{
    const struct result *r = w->now.r;
    if (r->task->reading != READ_ALIGNMENT || w->box >= r->answer_count)
        return;
    int image = r->answers[w->box].index;
    for (int i = 0; i < w->photo_count && image < r->image_count; i++)
        if (w->photos[i] == w->now.photos[image])
            w->photo = i;
}

static void choose_rank(struct workbench *w, int rank)
{
    const struct result *r = w->now.r;
    int n = r ? (r->box_count ? r->box_count : r->answer_count) : 0;
    w->box = rank >= n ? n - 1 : rank;
    w->box = w->box < 0 ? 0 : w->box;
    if (r)
        show_chosen(w);
}

void look_move(struct workbench *w, enum motion m)
{
    switch (m) {
    case MOVE_LEFT: move_token(w, -1); break;
    case MOVE_RIGHT: move_token(w, 1); break;
    case MOVE_UP: choose_rank(w, w->box - 1); break;
    case MOVE_DOWN: choose_rank(w, w->box + 1); break;
    case MOVE_PAGE_UP: choose_rank(w, w->box - 10); break;
    case MOVE_PAGE_DOWN: choose_rank(w, w->box + 10); break;
    case MOVE_FIRST: choose_rank(w, 0); break;
    case MOVE_LAST: choose_rank(w, 1 << 20); break;
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
    w->sel.token = at;
    w->overlay = true;
}

void do_region(struct workbench *w, const char *arg)
{
    int image = photo_in_result(w), at = atoi(arg);
    int n = image < 0 ? 0 : look_regions(w->now.r, image);
    if (at < 0 || at >= n || (at == 0 && strcmp(arg, "0") != 0))
        workbench_say(w, true, n ? "there are regions 0 (the whole image) to %d"
                                 : "ask something first", n - 1);
    else
        w->sel.region = at;
}

void do_rank(struct workbench *w, const char *arg)
{
    choose_rank(w, atoi(arg) - 1);
}

/* ---- maps, layers, heads */

/* By name, or the next one. */
void do_map(struct workbench *w, const char *arg)
{
    static const enum attn_kind order[] = {ATTN_TEXT_TO_IMAGE, ATTN_IMAGE_TO_TEXT, ATTN_TEXT,
                                           ATTN_VISUAL};
    static const char *const names[] = {"text-to-image", "image-to-text", "text", "image"};
    int at = -1;
    for (int i = 0; i < 4; i++)
        if (*arg ? strcmp(names[i], arg) == 0 : order[i] == w->sel.kind)
            at = *arg ? i : (i + 1) % 4;
    if (at < 0)
        workbench_say(w, true, "map text-to-image, image-to-text, text or image, not '%s'", arg);
    else
        w->sel.kind = order[at];
}

static int layers(const struct workbench *w)
{
    return w->now.r ? trace_attention_layers(w->now.r->trace, w->sel.kind) : 0;
}

static int heads(const struct workbench *w)
{
    return w->now.r ? trace_attention_heads(w->now.r->trace, w->sel.kind) : 0;
}

void do_layer(struct workbench *w, const char *arg)
{
    int n = atoi(arg);
    if (n < 1 || n > layers(w))
        workbench_say(w, true, "this map has layers 1 to %d", layers(w));
    else
        w->sel.layer[w->sel.kind] = n - 1;
}

void do_layer_next(struct workbench *w, const char *arg)
{
    (void)arg;
    if (inside_step_depth(w, 1))
        return;
    w->sel.layer[w->sel.kind] = wrap(w->sel.layer[w->sel.kind] + 1, layers(w));
}

void do_layer_previous(struct workbench *w, const char *arg)
{
    (void)arg;
    if (inside_step_depth(w, -1))
        return;
    w->sel.layer[w->sel.kind] = wrap(w->sel.layer[w->sel.kind] - 1, layers(w));
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

void do_head(struct workbench *w, const char *arg)
{
    int *head = &w->sel.head[w->sel.kind], n = atoi(arg);
    if (strcmp(arg, "mean") == 0)
        *head = LOOK_MEAN;
    else if (strcmp(arg, "max") == 0)
        *head = LOOK_MAX;
    else if (strcmp(arg, "rollout") == 0)
        *head = LOOK_ROLLOUT;
    else if (strchr(arg, ',') && parse_set(arg, heads(w)))
        *head = look_set(parse_set(arg, heads(w)));
    else if (!strchr(arg, ',') && n >= 1 && n <= heads(w))
        *head = n - 1;
    else
        workbench_say(w, true, "head mean, max, rollout, 1 to %d, or some, as 1,3", heads(w));
}

/* The mean comes before the first head, then the maximum, then the rollout. */
static void step_head(struct workbench *w, int step)
{
    int *head = &w->sel.head[w->sel.kind], n = heads(w);
    int from = look_set_heads(*head) ? LOOK_MEAN : *head, place = wrap(from + 3 + step, n + 3);
    if (n)
        *head = place - 3;
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
    w->overlay = !w->overlay;
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
