/* SPDX-License-Identifier: MIT */
/* Statistics of heads over a set of items. */
#include "src/study/headset.h"

#include "src/base/mem.h"
#include "src/study/eval_priv.h"
#include "src/study/headstats.h"
#include "src/study/look.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const headset_names[HEADSET_STATS] = {
    [HEADSET_ENTROPY] = "entropy", [HEADSET_K90] = "k90", [HEADSET_PEAK] = "peak",
    [HEADSET_SPECIAL] = "special", [HEADSET_CROSS] = "cross", [HEADSET_POINTING] = "pointing"};

const char *headset_name(enum headset_stat s)
{
    return headset_names[s];
}

struct headset_job {
    struct model *m;
    const struct eval_set *set;
    const struct headset_wants *w;
    struct headset *out;
    int rc; /* of a row that could not be read, which ends it */
    struct vs_err why;
};

/* ---- one item */

/* What is said of the rows, or columns, of a stream in row b of the batch: which are neither words
 * nor regions proper, and which are regions. */
struct headset_side {
    bool *special, *padding, *region; /* (count) */
    int count;
};

static struct headset_side side_of(const struct result *r, enum net_stream s, int b, int count)
{
    struct headset_side side = {xcalloc((size_t)count + 1, sizeof(bool)),
                                xcalloc((size_t)count + 1, sizeof(bool)),
                                xcalloc((size_t)count + 1, sizeof(bool)), count};
    for (int i = 0; i < count; i++) {
        struct trace_place p = trace_place(r->trace, s, i);
        if (p.token) {
            side.padding[i] = p.number >= r->token_count;
            side.special[i] = side.padding[i] || r->tokens[p.number].special;
            continue;
        }
        struct result_source from = r->sources[b * r->rows + p.number];
        side.region[i] = true;
        side.padding[i] = from.image < 0;
        side.special[i] = side.padding[i] || from.region == 0;
    }
    return side;
}

static void side_fini(struct headset_side *side)
{
    free(side->special);
    free(side->padding);
    free(side->region);
}

/* The mean weight that words give regions and regions words; NAN where the map is of one kind. */
static double cross_of(const float *map, const struct headset_side *from,
                       const struct headset_side *to)
{
    double sum = 0;
    int rows = 0, kinds[2] = {0};
    for (int j = 0; j < to->count; j++)
        kinds[to->region[j]]++;
    for (int i = 0; i < from->count; i++) {
        if (from->special[i])
            continue;
        for (int j = 0; j < to->count; j++)
            sum += to->region[j] != from->region[i]
                       ? (double)map[(size_t)i * (size_t)to->count + (size_t)j] : 0;
        rows++;
    }
    return kinds[0] && kinds[1] && rows ? sum / rows : (double)NAN;
}

/* Whether that region of the first image overlaps one of the item's true boxes by half. */
static bool is_on_box(const struct eval_item *it, const struct result_image *im, int region)
{
    const float *boxes = it->evidence.count ? it->evidence.boxes : it->box;
    int n = it->evidence.count ? it->evidence.count : it->has_box;
    for (int k = 0; k < n; k++)
        if (eval_overlap(im->boxes + 4 * (region - 1), boxes + 4 * k) >= 0.5)
            return true;
    return false;
}

/* Whether there is such a region. */
static bool is_within_reach(const struct eval_item *it, const struct result *r)
{
    const struct result_image *im = &r->images[0];
    bool any = false;
    for (int i = 1; r->image_count == 1 && im->boxes && i <= im->region_count && !any; i++)
        any = is_on_box(it, im, i);
    return any;
}

/* Adds the statistics of a head's map of one row of the batch. */
static void add_map(const struct result *r, const struct headset_head *h, int b, double *x)
{
    float *map = NULL, own[STAT_COUNT];
    int rows = 0, cols = 0;
    if (!look_map(r, h->map, h->layer, b, h->head, &rows, &cols, &map))
        return;
    struct headset_side from = side_of(r, attn_table[h->map].from, b, rows);
    struct headset_side to = side_of(r, attn_table[h->map].to, b, cols);
    stats_head(map, rows, cols, from.special, to.special, own);
    x[HEADSET_ENTROPY] += (double)own[STAT_ENTROPY] / r->batch;
    x[HEADSET_K90] += (double)own[STAT_K90] / r->batch;
    x[HEADSET_PEAK] += (double)own[STAT_PEAK] / r->batch;
    x[HEADSET_SPECIAL] += (double)own[STAT_SPECIAL] / r->batch;
    x[HEADSET_CROSS] += cross_of(map, &from, &to) / r->batch;
    side_fini(&from);
    side_fini(&to);
    free(map);
}

static double pointing_of(const struct eval_item *it, const struct result *r,
                          const struct headset_head *h)
{
    int rows = 0, cols = 0;
    if (!attn_joins(h->map, true, false) ||
        !trace_attention(r->trace, h->map, h->layer, 0, h->head, &rows, &cols, NULL))
        return NAN;
    float *map = xcalloc((size_t)rows * (size_t)cols + 1, sizeof *map);
    float *sum = xcalloc((size_t)cols + 1, sizeof *sum);
    int region = eval_looked_at(r, h->map, h->layer, h->head, map, sum);
    bool hit = region >= 1 && region <= r->images[0].region_count &&
               is_on_box(it, &r->images[0], region);
    free(map);
    free(sum);
    return hit;
}

static void headset_list(struct headset *h, const struct trace *t)
{
    for (int k = 0; k < ATTN_COUNT; k++) {
        int layers = trace_attention_layers(t, (enum attn_kind)k);
        int heads = trace_attention_heads(t, (enum attn_kind)k);
        h->heads = xreallocarray(h->heads, (size_t)(h->head_count + layers * heads) + 1,
                                 sizeof *h->heads);
        for (int i = 0; i < layers * heads; i++)
            h->heads[h->head_count++] =
                (struct headset_head){(enum attn_kind)k, i / heads, i % heads};
    }
}

static int cluster_of(struct headset *h, const struct eval_item *it)
{
    const char *image = it->images[0];
    int at = strmap_get(&h->images, image, strlen(image));
    if (at < 0) {
        at = h->items;
        strmap_add(&h->images, image, strlen(image), at);
    }
    return at;
}

/* Room for the numbers of one more item, which are returned. */
static double *headset_add(struct headset *h, const struct eval_item *it, int index)
{
    size_t n = (size_t)h->items + 1, numbers = (size_t)h->head_count * HEADSET_STATS;
    h->x = xreallocarray(h->x, vs_times(n, numbers) + 1, sizeof *h->x);
    h->index = xreallocarray(h->index, n, sizeof *h->index);
    h->cluster = xreallocarray(h->cluster, n, sizeof *h->cluster);
    h->index[h->items] = index;
    h->cluster[h->items] = cluster_of(h, it);
    return h->x + (size_t)h->items++ * numbers;
}

static void headset_measure(struct headset *h, const struct eval_item *it, int index,
                            const struct result *r)
{
    if (!h->heads)
        headset_list(h, r->trace);
    double *all = headset_add(h, it, index);
    bool near = is_within_reach(it, r);
    for (int i = 0; i < h->head_count; i++) {
        double *x = all + (size_t)i * HEADSET_STATS;
        memset(x, 0, HEADSET_STATS * sizeof *x);
        for (int b = 0; b < r->batch; b++)
            add_map(r, &h->heads[i], b, x);
        x[HEADSET_POINTING] = near ? pointing_of(it, r, &h->heads[i]) : (double)NAN;
    }
}

/* ---- an item whose row is there */

static bool headset_same_heads(const struct headset *h, const struct headset_head *heads, int count)
{
    bool same = h->head_count == count;
    for (int i = 0; i < count && same; i++)
        same = h->heads[i].map == heads[i].map && h->heads[i].layer == heads[i].layer &&
               h->heads[i].head == heads[i].head;
    return same;
}

static int headset_add_row(struct headset *h, const struct eval_item *it, int index,
                           const json_t *row, struct vs_err *err)
{
    struct headset_head *heads = NULL;
    double *x = NULL;
    int count = 0, rc = headset_row_read(row, &heads, &count, &x, err);
    if (rc == 0 && !h->heads) {
        h->heads = heads;
        h->head_count = count;
        heads = NULL;
    } else if (rc == 0 && !headset_same_heads(h, heads, count)) {
        rc = vs_fail(err, VS_E_FORMAT, "the row of item %d is of a model with other heads: give "
                     "another file of rows, or none to go on from", index + 1);
    }
    if (rc == 0)
        memcpy(headset_add(h, it, index), x, (size_t)count * HEADSET_STATS * sizeof *x);
    free(heads);
    free(x);
    return rc;
}

/* An eval_skip. */
static bool headset_known(void *arg, const struct eval_item *it, struct eval_mark *mark)
{
    struct headset_job *j = arg;
    int at = (int)(it - j->set->items);
    (void)mark; /* scores are not asked for */
    if (!j->w->past || !j->w->past[at])
        return false;
    if (j->rc == 0)
        j->rc = headset_add_row(j->out, it, at, j->w->past[at], &j->why);
    return true;
}

/* ---- all of them */

static int headset_ask(void *arg, const struct eval_item *it, const struct query *q,
                       struct vs_err *err)
{
    struct headset_job *j = arg;
    struct query with = *q;
    struct result *r = NULL;
    if (j->rc != 0) /* rows that are wrong concern all items: it is none that is left out */
        return vs_fail(err, VS_E_CANCELLED, "stopped");
    with.attention = true;
    int rc = query_run(j->m, &with, j->w->cancel, &r, err);
    if (rc == 0)
        headset_measure(j->out, it, (int)(it - j->set->items), r);
    result_free(r);
    if (rc == 0 && j->w->take) {
        json_t *row = headset_row(j->out, j->out->items - 1, j->set, j->w);
        j->rc = j->w->take(j->w->take_arg, row, &j->why);
        json_decref(row);
    }
    return rc;
}

static int headset_bad(void *arg, const struct eval_item *it, const struct vs_err *why)
{
    struct headset_job *j = arg;
    if (j->out->left_out++ == 0) {
        char *name = eval_item_name(it);
        j->out->first = xasprintf("%s: %s", name, why->text);
        free(name);
    }
    return 0;
}

int headset_run(struct model *m, const struct eval_set *set, const struct headset_wants *w,
                struct headset *out, struct vs_err *err)
{
    *out = (struct headset){0};
    struct headset_job j = {.m = m, .set = set, .w = w, .out = out};
    struct eval_score *scores = xcalloc((size_t)task_count, sizeof *scores);
    struct eval_options o = {.task = w->task, .without = w->without, .checkpoint = w->checkpoint,
                             .limit = w->limit, .gone = w->gone, .ask = headset_ask, .ask_arg = &j,
                             .shard = w->shard, .skip = headset_known, .skip_arg = &j,
                             .bad = headset_bad, .bad_arg = &j, .cancel = w->cancel,
                             .report = w->report, .report_arg = w->report_arg};
    int rc = eval_run(m, set, &o, scores, err);
    if (j.rc != 0) {
        rc = j.rc;
        *err = j.why;
    }
    if (rc == 0 && out->items == 0 && (w->shard.count < 2 || out->left_out))
        rc = vs_fail(err, VS_E_FORMAT, "%s: no item can be asked%s%s", set->path,
                     out->first ? ": the first is " : "", out->first ? out->first : "");
    free(scores);
    return rc;
}

void headset_fini(struct headset *h)
{
    free(h->heads);
    free(h->x);
    free(h->index);
    free(h->cluster);
    free(h->first);
    strmap_fini(&h->images);
    *h = (struct headset){0};
}

/* ---- what they come to */

static double number_of(const struct headset *h, int item, int head, enum headset_stat s)
{
    return h->x[((size_t)item * (size_t)h->head_count + (size_t)head) * HEADSET_STATS + s];
}

struct bootstrap headset_mean(const struct headset *h, int head, enum headset_stat s)
{
    double *x = xcalloc((size_t)h->items + 1, sizeof *x);
    for (int i = 0; i < h->items; i++)
        x[i] = number_of(h, i, head, s);
    struct bootstrap b = bootstrap_mean(x, h->cluster, h->items, BOOTSTRAP_TIMES, BOOTSTRAP_SEED);
    free(x);
    return b;
}

/* The head of b that is called as one of a; -1: there is none. */
static int same_head(const struct headset *a, int head, const struct headset *b)
{
    const struct headset_head *x = &a->heads[head];
    for (int i = 0; i < b->head_count; i++)
        if (b->heads[i].map == x->map && b->heads[i].layer == x->layer &&
            b->heads[i].head == x->head)
            return i;
    return -1;
}

static int same_item(const struct headset *b, int index, int from)
{
    for (int i = 0; i < b->items; i++) {
        int at = (from + i) % b->items; /* nearly always at once */
        if (b->index[at] == index)
            return at;
    }
    return -1;
}

struct bootstrap headset_difference(const struct headset *a, const struct headset *b, int head,
                                    enum headset_stat s)
{
    double *x = xcalloc((size_t)a->items + 1, sizeof *x);
    int of_b = same_head(a, head, b), at = -1;
    for (int i = 0; i < a->items; i++) {
        int k = of_b < 0 || b->items == 0 ? -1 : same_item(b, a->index[i], at + 1);
        at = k < 0 ? at : k;
        x[i] = k < 0 ? (double)NAN : number_of(b, k, of_b, s) - number_of(a, i, head, s);
    }
    struct bootstrap d = bootstrap_mean(x, a->cluster, a->items, BOOTSTRAP_TIMES, BOOTSTRAP_SEED);
    free(x);
    return d;
}
