/* SPDX-License-Identifier: MIT */
/* Runs of one query with states of another one's run. */
#include "src/study/activation.h"

#include "src/base/mem.h"
#include "src/study/attribution_priv.h"
#include "src/study/variants.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

const struct activation_how activation_usual = {.site = SITE_STATE, .verify = 10};

/* Two runs and what is between them. */
struct activating {
    struct attribution_subject s[2]; /* A, B */
    const struct activation_how *how;
    const atomic_bool *cancel;
    struct activation *out;
    struct trace *of[2]; /* states of A (NULL without a screen) and B */
    struct trace *grad;  /* of A, or NULL */
    struct activation_column *column; /* (columns) of all streams: tokens, then regions */
    int columns;
    struct variants all;
    struct activation_cell *cells; /* that are run exactly */
    int cell_count, told;
};

/* ---- what aligns */

static void activation_add(struct activating *x, struct activation_column c)
{
    x->column = xreallocarray(x->column, (size_t)x->columns + 1, sizeof *x->column);
    x->column[x->columns++] = c;
}

/* Whether token i, of the result's, is none that was dropped. */
static bool activation_has_token(const struct attribution_subject *s, int i)
{
    int at = net_input_token(s->p.net, i);
    return at < 0 || removal_is_real(s->in.text_mask, s->in.tokens, 0, at);
}

static int activation_align_tokens(struct activating *x, struct vs_err *err)
{
    int n[2] = {x->s[0].p.r->token_count, x->s[1].p.r->token_count};
    bool given = x->how->tokens != NULL;
    for (int i = 0; given && i < x->how->token_pairs; i++) {
        struct activation_pair p = x->how->tokens[i];
        if (p.a >= n[0] || p.b >= n[1])
            return vs_fail(err, VS_E_USAGE, "tokens %d:%d: this query has %d tokens, the other one "
                           "%d", p.a + 1, p.b + 1, n[0], n[1]);
    }
    if (!given && n[0] != n[1])
        snprintf(x->out->unaligned[0], sizeof x->out->unaligned[0], "%d tokens here and %d in the "
                 "other query do not align: pairs of tokens say which belong together", n[0],
                 n[1]);
    for (int i = 0; i < (given ? x->how->token_pairs : n[0] == n[1] ? n[0] : 0); i++) {
        struct activation_pair p = given ? x->how->tokens[i] : (struct activation_pair){i, i};
        if (activation_has_token(&x->s[0], p.a) && activation_has_token(&x->s[1], p.b))
            activation_add(x, (struct activation_column){.token = true, .a = p.a, .b = p.b});
    }
    return 0;
}

static struct result_source activation_source(const struct attribution_subject *s, int b, int row)
{
    int first;
    net_target_images(&s->target, s->p.in.in.batch, &first);
    return s->p.in.sources[(ptrdiff_t)(first + b) * s->p.in.in.regions + row];
}

static void activation_add_region(struct activating *x, int image, int a, int b)
{
    struct activation_column c = {.image = image, .a = a, .b = b};
    bool real = true;
    for (int i = 0; i < 2; i++) {
        int row = i ? b : a;
        c.of[i] = activation_source(&x->s[i], image, row);
        real &= c.of[i].image >= 0 && removal_is_real(x->s[i].in.image_mask, x->s[i].in.regions,
                                                      image, row);
    }
    if (real)
        activation_add(x, c);
}

static int activation_find_region(const struct attribution_subject *s, int region)
{
    for (int i = 0; i < s->in.regions; i++) {
        struct result_source of = activation_source(s, 0, i);
        if (of.image >= 0 && of.region == region)
            return i;
    }
    return -1;
}

static int activation_pair_regions(struct activating *x, struct vs_err *err)
{
    if (x->s[0].in.batch > 1)
        return vs_fail(err, VS_E_USAGE, "pairs of regions are of one image; this task asks about "
                       "two");
    for (int i = 0; i < x->how->region_pairs; i++) {
        struct activation_pair p = x->how->regions[i];
        int a = activation_find_region(&x->s[0], p.a), b = activation_find_region(&x->s[1], p.b);
        if (a < 0 || b < 0)
            return vs_fail(err, VS_E_USAGE, "regions %d:%d: %s query has no region %d", p.a, p.b,
                           a < 0 ? "this" : "the other", a < 0 ? p.a : p.b);
        activation_add_region(x, 0, a, b);
    }
    return 0;
}

static int activation_regions_of(const struct attribution_subject *s, int image)
{
    return s->p.r->images[image].region_count + s->p.r->images[image].candidate_count;
}

/* All images have as many regions in both. */
static bool activation_regions_agree(const struct activating *x, int n[2])
{
    bool agree = x->s[0].in.regions == x->s[1].in.regions;
    for (int i = x->s[0].p.r->image_count - 1; i >= 0; i--) {
        int a = activation_regions_of(&x->s[0], i), b = activation_regions_of(&x->s[1], i);
        agree &= a == b;
        if (a != b || i == 0) {
            n[0] = a;
            n[1] = b;
        }
    }
    return agree;
}

static int activation_align_regions(struct activating *x, struct vs_err *err)
{
    int n[2] = {0, 0};
    bool agree = activation_regions_agree(x, n);
    bool rows = output_table[x->s[0].target.output].rows == ROWS_REGIONS;
    if (rows && !agree)
        return vs_fail(err, VS_E_USAGE, "%d regions here and %d in the other query: the target is "
                       "one of them, which needs the same regions in both", n[0], n[1]);
    if (x->how->regions)
        return activation_pair_regions(x, err);
    if (!agree)
        snprintf(x->out->unaligned[1], sizeof x->out->unaligned[1], "%d regions here and %d in the "
                 "other query do not align: pairs of regions say which belong together", n[0],
                 n[1]);
    for (int b = 0; agree && b < x->s[0].in.batch; b++)
        for (int i = 0; i < x->s[0].in.regions; i++)
            activation_add_region(x, b, i, i);
    return 0;
}

static int activation_align(struct activating *x, struct vs_err *err)
{
    if (x->s[0].p.r->image_count != x->s[1].p.r->image_count ||
        x->s[0].in.batch != x->s[1].in.batch)
        return vs_fail(err, VS_E_USAGE, "%d images here and %d in the other query do not align",
                       x->s[0].p.r->image_count, x->s[1].p.r->image_count);
    int rc = activation_align_tokens(x, err);
    if (rc == 0)
        rc = activation_align_regions(x, err);
    if (rc == 0 && x->columns == 0)
        rc = vs_fail(err, VS_E_USAGE, "nothing aligns: %s; %s",
                     x->out->unaligned[0][0] ? x->out->unaligned[0] : "no token",
                     x->out->unaligned[1][0] ? x->out->unaligned[1] : "no region");
    return rc;
}

/* ---- both runs */

/* Whether the output has the numbers that the target is made of. */
static int activation_check_target(const struct activating *x, struct vs_err *err)
{
    const struct net_target *t = &x->s[1].alone;
    const struct trace_tensor *y = trace_head(x->of[1], output_table[t->output].head);
    bool rows = y && y->ndim == 3;
    for (int i = 0; i < t->count; i++)
        if (!y || t->terms[i].index < 0 || t->terms[i].index >= y->shape[rows ? 2 : 1] ||
            t->terms[i].row < 0 || (rows && t->terms[i].row >= y->shape[1]))
            return vs_fail(err, VS_E_USAGE, "the model gives no answer %d for this task",
                           rows ? t->terms[i].row : t->terms[i].index);
    return 0;
}

/* The target's states in B, and, where there is a way back, in A with their derivatives. */
static int activation_states(struct activating *x, struct vs_err *err)
{
    struct attribution_subject *a = &x->s[0], *b = &x->s[1];
    struct net_want want = {.heads = output_table[a->alone.output].head, .hidden = true,
                            .added = x->how->site != SITE_STATE, .cancel = x->cancel,
                            .silences = b->p.in.silences,
                            .silence_count = b->p.in.silence_count};
    const struct net_back_want back = {.hidden = true, .added = want.added, .padding = true,
                                       .cancel = x->cancel};
    struct tape *tape = NULL;
    for (int i = 0; i < x->how->spot_count; i++)
        want.added |= x->how->spots[i].site != SITE_STATE;
    int rc = net_forward(b->p.net, &b->in, &want, &x->of[1], err);
    if (rc == 0)
        rc = activation_check_target(x, err);
    if (rc == 0)
        x->out->b = target_value(x->of[1], &b->alone);
    if (rc != 0 || !x->out->screened)
        return rc;
    want.silence_count = 0;
    rc = net_record(a->p.net, &a->in, &want, &tape, &x->of[0], err);
    if (rc == 0)
        rc = net_backward(tape, &a->alone, &back, &x->grad, err);
    tape_free(tape);
    return rc;
}

/* As the runs with states of B are made, so that nothing but they makes a difference. */
static int activation_plain(struct activating *x, struct vs_err *err)
{
    struct attribution_subject *a = &x->s[0];
    struct net_want want = {.heads = output_table[a->alone.output].head, .cancel = x->cancel,
                            .silences = a->p.in.silences,
                            .silence_count = a->p.in.silence_count};
    struct trace *t = NULL;
    int rc = net_forward(a->p.net, &a->in, &want, &t, err);
    if (rc == 0)
        x->out->a = target_value(t, &a->alone);
    trace_free(t);
    return rc;
}

/* ---- maps */

static int activation_row(const struct trace *t, enum net_stream s,
                          const struct activation_column *c, bool of_b)
{
    return trace_row(t, s, c->token, of_b ? c->b : c->a);
}

static const float *activation_state(const struct trace_tensor *x, int image, int row)
{
    return x->data + ((int64_t)image * x->shape[1] + row) * x->shape[2];
}

/* A token is in every image of a pair, a region in its own. */
static bool activation_is_of(const struct activation_column *c, int image)
{
    return c->token || c->image == image;
}

/* The derivative along the way from A's state to B's. */
static double activation_screen(const struct activating *x, const struct trace_at at,
                                const struct activation_column *c)
{
    const struct trace_tensor *g = trace_get(x->grad, at), *a = trace_get(x->of[0], at);
    const struct trace_tensor *b = trace_get(x->of[1], at);
    int row = activation_row(x->of[0], at.stream, c, false);
    int other = activation_row(x->of[1], at.stream, c, true);
    double sum = 0;
    for (int i = 0; g && a && b && i < x->of[0]->batch; i++) {
        if (!activation_is_of(c, i))
            continue;
        const float *d = activation_state(g, i, row), *p = activation_state(a, i, row);
        const float *q = activation_state(b, i, other);
        for (int64_t j = 0; j < a->shape[2]; j++)
            sum += (double)d[j] * ((double)q[j] - (double)p[j]);
    }
    return sum;
}

static void activation_fill(const struct activating *x, struct activation_map *map)
{
    size_t n = (size_t)map->depths * (size_t)map->columns;
    map->screen = xcalloc(n + 1, sizeof *map->screen);
    map->exact = xcalloc(n + 1, sizeof *map->exact);
    for (size_t i = 0; i < n; i++) {
        map->exact[i] = NAN;
        map->screen[i] = x->out->screened
                             ? activation_screen(x, map->at[i / (size_t)map->columns],
                                                 &map->column[i % (size_t)map->columns])
                             : (double)NAN;
    }
}

/* The depths and columns of a stream. */
static void activation_map(const struct activating *x, enum net_stream s)
{
    struct activation_map map = {.stream = s};
    enum trace_kind kind = trace_of_site(x->out->site);
    map.at = xcalloc((size_t)x->of[1]->count + 1, sizeof *map.at);
    map.column = xcalloc((size_t)x->columns + 1, sizeof *map.column);
    for (int i = 0; i < x->of[1]->count; i++) {
        struct trace_at at = x->of[1]->tensors[i].at;
        if (at.kind == kind && at.stream == s)
            map.at[map.depths++] = at;
    }
    for (int i = 0; i < x->columns; i++)
        if (activation_row(x->of[1], s, &x->column[i], true) >= 0)
            map.column[map.columns++] = x->column[i];
    if (map.depths > 0 && map.columns > 0) {
        activation_fill(x, &map);
        x->out->maps[x->out->map_count++] = map;
        return;
    }
    free(map.at);
    free(map.column);
}

/* ---- exactly */

static void activation_put(const struct activating *x, struct variants *v, int k,
                           struct trace_at at, enum net_site site,
                           const struct activation_column *c)
{
    const struct trace_tensor *b = trace_get(x->of[1], at);
    int row = activation_row(x->of[1], at.stream, c, true);
    struct trace here = {.tokens = net_token_row(x->s[0].p.net, x->s[0].in.tokens),
                         .regions = x->s[0].in.regions};
    for (int i = 0; b && i < x->s[0].in.batch; i++) {
        struct net_replaced put = {.site = site, .part = (enum net_part)at.site,
                                   .stream = at.stream, .layer = at.layer, .b = i,
                                   .row = activation_row(&here, at.stream, c, false),
                                   .with = activation_state(b, i, row)};
        if (activation_is_of(c, i))
            variant_replace(v, k, &put);
    }
}

/* Whether a spot means this column of a stream. */
static bool activation_is_meant(const struct activation_spot *s, enum net_stream stream,
                                const struct activation_column *c)
{
    bool all = s->token < 0 && s->region < 0;
    bool this = c->token ? s->token == c->a : s->region >= 0 && s->region == c->of[0].region;
    return (s->stream == STREAM_COUNT || s->stream == stream) && (all || this);
}

static struct trace_at activation_spot_at(const struct activation_spot *s, enum net_stream stream)
{
    return (struct trace_at){trace_of_site(s->site), (int)s->part, stream, s->layer};
}

/* v NULL: how many states it has. */
static int activation_put_spot(const struct activating *x, struct variants *v, int k,
                               const struct activation_spot *s)
{
    int n = 0;
    for (int i = 0; i < x->out->map_count; i++) {
        const struct activation_map *map = &x->out->maps[i];
        struct trace_at at = activation_spot_at(s, map->stream);
        for (int j = 0; j < map->columns; j++) {
            if (!activation_is_meant(s, map->stream, &map->column[j]) ||
                !trace_get(x->of[1], at))
                continue;
            n++;
            if (v)
                activation_put(x, v, k, at, s->site, &map->column[j]);
        }
    }
    return n;
}

/* Cells, and behind them all spots at once. */
static void activation_make(void *arg, struct variants *v, int k, int item)
{
    const struct activating *x = arg;
    const struct activation_cell *c = &x->cells[item];
    if (item < x->cell_count)
        activation_put(x, v, k, c->map->at[c->depth], x->out->site, &c->map->column[c->column]);
    for (int i = 0; item == x->cell_count && i < x->how->spot_count; i++)
        activation_put_spot(x, v, k, &x->how->spots[i]);
}

static void activation_take(void *arg, const struct trace *pass, int k, int item)
{
    const struct activating *x = arg;
    const struct activation_cell *c = &x->cells[item];
    const struct net_target t = variants_target(&x->all, &x->s[0].alone, k);
    double effect = target_value(pass, &t) - x->out->a;
    if (item < x->cell_count)
        c->map->exact[(ptrdiff_t)c->depth * c->map->columns + c->column] = effect;
    else
        x->out->together = effect;
}

static void activation_tell(void *arg, int done)
{
    struct activating *x = arg;
    if (x->how->progress)
        atomic_fetch_add(&x->how->progress->done, done - x->told);
    x->told = done;
}

static bool activation_has_spot(const struct activating *x, const struct activation_spot *s)
{
    bool any = false;
    for (int i = 0; i < STREAM_COUNT; i++)
        any |= (s->stream == STREAM_COUNT || (int)s->stream == i) &&
               trace_get(x->of[1], activation_spot_at(s, (enum net_stream)i));
    return any;
}

static int activation_check_spots(const struct activating *x, struct vs_err *err)
{
    for (int i = 0; i < x->how->spot_count; i++) {
        const struct activation_spot *s = &x->how->spots[i];
        if (!activation_has_spot(x, s))
            return vs_fail(err, VS_E_USAGE, "'%s': this model has no such state", s->text);
        if (activation_put_spot(x, NULL, 0, s) == 0)
            return vs_fail(err, VS_E_USAGE, "'%s' does not align: both queries have no such token "
                           "or region that belongs together", s->text);
    }
    return 0;
}

static int activation_verify(struct activating *x, struct vs_err *err)
{
    struct attribution_subject *a = &x->s[0];
    int all = 0, spots = x->how->spot_count > 0, rc = activation_check_spots(x, err);
    if (rc != 0)
        return rc;
    x->cells = activation_cells(x->out, &all);
    x->cell_count = x->out->screened && x->how->verify < all ? x->how->verify : all;
    x->all = (struct variants){.net = a->p.net, .in = &a->in, .cancel = x->cancel,
                               .silences = a->p.in.silences,
                               .silence_count = a->p.in.silence_count, .make = activation_make,
                               .take = activation_take, .after = activation_tell, .arg = x};
    variants_aim(&x->all, &a->alone);
    if (x->how->progress)
        atomic_fetch_add(&x->how->progress->all, x->cell_count + spots);
    rc = variants_run(&x->all, x->cell_count + spots, err);
    x->out->verified = x->cell_count;
    x->out->all = x->cell_count == all;
    return rc;
}

/* ---- the whole */

static int activation_all(struct activating *x, struct vs_err *err)
{
    int rc = activation_states(x, err);
    if (rc == 0)
        rc = activation_plain(x, err);
    for (int s = 0; s < STREAM_COUNT && rc == 0; s++)
        activation_map(x, (enum net_stream)s);
    return rc ? rc : activation_verify(x, err);
}

int activation_run(struct model *m, const struct query *a, const struct query *b, int choice,
                   int against, const struct activation_how *how, const atomic_bool *cancel,
                   struct activation *out, struct vs_err *err)
{
    struct activating x = {.how = how ? how : &activation_usual, .cancel = cancel, .out = out};
    *out = (struct activation){.site = x.how->site, .together = NAN};
    int rc = attribution_open(m, a, choice, against, cancel, &x.s[0], err);
    if (rc == 0)
        rc = attribution_open(m, b, choice, against, cancel, &x.s[1], err);
    if (rc == 0)
        rc = activation_align(&x, err);
    if (rc == 0) {
        out->screened = x.s[0].p.net->family->record && x.s[0].p.in.silence_count == 0;
        pthread_mutex_lock(&m->forward_lock);
        rc = activation_all(&x, err);
        pthread_mutex_unlock(&m->forward_lock);
    }
    for (int i = 0; i < 2; i++) {
        trace_free(x.of[i]);
        attribution_close(&x.s[i]);
    }
    trace_free(x.grad);
    free(x.column);
    free(x.cells);
    return rc;
}

void activation_fini(struct activation *x)
{
    for (int i = 0; i < x->map_count; i++) {
        free(x->maps[i].at);
        free(x->maps[i].column);
        free(x->maps[i].screen);
        free(x->maps[i].exact);
    }
    x->map_count = 0;
}
