/* SPDX-License-Identifier: MIT */
/* Choosing what is looked at: tokens, regions, answers, maps, layers, heads. */
#include "ui/actions/actions.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static int look_wrap(int i, int n)
{
    return n > 0 ? (i % n + n) % n : 0;
}

/* A whole number that is not negative, and nothing else; else -1. */
static int look_number(const char *arg)
{
    char *end;
    long n = strtol(arg, &end, 10);
    return end == arg || *end || n < 0 || n > INT_MAX ? -1 : (int)n;
}

/* ---- tokens, regions, answers */

/* A number from 1, or a piece of text. */
void do_token(struct workbench *w, const char *arg)
{
    const struct result *r = w->now.r;
    int n = r ? r->token_count : 0, at = look_number(arg) - 1;
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
    int image = photo_in_result(w), at = look_number(arg);
    int n = image < 0 ? 0 : look_regions(w->now.r, image);
    if (at < 0 || at >= n)
        workbench_say(w, true, n ? "there are regions 0 (the whole image) to %d"
                                 : "ask something first", n - 1);
    else
        selection_region(w->selection, at);
}

void do_rank(struct workbench *w, const char *arg)
{
    const struct result *r = w->now.r;
    int rank = look_number(arg) - 1;
    int n = r ? r->box_count ? r->box_count : r->answer_count : 0;
    if (rank < 0 || rank >= n)
        workbench_say(w, true, n ? "there are ranks 1 to %d, not '%s'" : "ask something first", n,
                      arg);
    else
        look_choose_rank(w, rank);
}

/* ---- maps, layers, heads: of the pane with the keys */

static struct pane *look_focused(struct workbench *w)
{
    return panes_focused(&w->panes);
}

static struct slice slice_now(struct workbench *w)
{
    return *pane_slice(w, look_focused(w));
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

const struct family *look_family(const struct workbench *w)
{
    const struct model *m = w->ses.model;
    const struct result *r = w->now.r;
    return m && r ? model_checkpoint_family(m, model_checkpoint_of(m, r)) : model_family(m);
}

/* By name, or the next one. */
void do_map(struct workbench *w, const char *arg)
{
    const struct family *f = look_family(w);
    struct slice x = slice_now(w);
    int at = -1, step = x.method ? 0 : 1; /* from an attribution back to the map */
    for (int i = 0; i < f->map_count; i++)
        if (*arg ? strcmp(attn_table[f->maps[i]].word, arg) == 0 : f->maps[i] == x.kind)
            at = *arg ? i : (i + step) % f->map_count;
    if (at < 0) {
        say_maps(w, f, arg);
        return;
    }
    x.kind = f->maps[at];
    x.method = NULL;
    pane_set_slice(w, look_focused(w), &x);
}

static int look_layers(const struct workbench *w, enum attn_kind kind)
{
    return w->now.r ? trace_attention_layers(w->now.r->trace, kind) : 0;
}

static int look_heads(const struct workbench *w, enum attn_kind kind)
{
    return w->now.r ? trace_attention_heads(w->now.r->trace, kind) : 0;
}

static void set_layer(struct workbench *w, int layer)
{
    struct slice x = slice_now(w);
    x.layer[x.kind] = layer;
    pane_set_slice(w, look_focused(w), &x);
}

void do_layer(struct workbench *w, const char *arg)
{
    int n = look_number(arg), most = look_layers(w, slice_now(w).kind);
    if (most == 0)
        workbench_say(w, true, "ask something first");
    else if (n < 1 || n > most)
        workbench_say(w, true, "this map has layers 1 to %d", most);
    else
        set_layer(w, n - 1);
}

static void step_layer(struct workbench *w, int step)
{
    struct slice x = slice_now(w);
    struct pane *p = look_focused(w);
    if (!p->view->step || !p->view->step(w, p, step))
        set_layer(w, look_wrap(x.layer[x.kind] + step, look_layers(w, x.kind)));
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
    pane_set_slice(w, look_focused(w), &x);
}

void do_head(struct workbench *w, const char *arg)
{
    int n = look_number(arg), most = look_heads(w, slice_now(w).kind);
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
    else if (most == 0)
        workbench_say(w, true, "ask something first");
    else
        workbench_say(w, true, "head mean, max, rollout, 1 to %d, or several: 1,3", most);
}

/* The mean comes before the first head, then the maximum, then the rollout. */
static void step_head(struct workbench *w, int step)
{
    const struct slice x = slice_now(w);
    int head = x.head[x.kind], n = look_heads(w, x.kind);
    int from = look_set_heads(head) ? LOOK_MEAN : head;
    if (n)
        set_head(w, look_wrap(from + 3 + step, n + 3) - 3);
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
    w->how.hide_special = !w->how.hide_special;
    workbench_say(w, false, "%s",
                  w->how.hide_special ? "[CLS], [SEP], the task and the whole image are hidden"
                                  : "special tokens are shown");
}

void do_sort(struct workbench *w, const char *arg)
{
    (void)arg;
    w->how.sort = !w->how.sort;
}

void do_color_map(struct workbench *w, const char *arg)
{
    const char *name = *arg ? arg : canvas_next_color_map();
    if (canvas_set_color_map(name))
        workbench_say(w, false, "colors: %s", name);
    else
        workbench_say(w, true, "there is no color map '%s': %s", name, canvas_color_maps());
}
