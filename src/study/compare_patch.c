/* SPDX-License-Identifier: MIT */
/* Swapping: one part after the other comes from the second checkpoint, and the answer is read. */
#include "src/study/compare_patch.h"

#include "src/study/compare.h"
#include "src/engine/engine_priv.h"
#include "src/base/mem.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct run {
    struct model *m;
    const struct query *queries;
    const struct patch_options *o;
    struct patch_result *s;
    int64_t *key_a, *key_b; /* (query_count) the answers */
    struct vs_err *err;
};

const char *const patch_level_names[] = {
    [PATCH_BLOCKS] = "blocks", [PATCH_LAYERS] = "layers", [PATCH_HEADS] = "heads",
    [PATCH_LEVELS] = NULL};

/* ---- the list of parts */

static const struct net *net_a(const struct run *r)
{
    return r->m->checkpoints[r->o->a].net;
}

static void add_item(struct run *r, enum net_part part, int layer, int head)
{
    struct patch_result *s = r->s;
    const char *name = part_table[part].name;
    s->items = xreallocarray(s->items, (size_t)s->item_count + 1, sizeof *s->items);
    struct patch_item *x = &s->items[s->item_count++];
    *x = (struct patch_item){.change = {.kind = CHANGE_SWAP, .part = part, .layer = layer,
                                        .head = head}};
    snprintf(x->change.from, sizeof x->change.from, "%s", model_checkpoint_name(r->m, r->o->b));
    x->values = xcalloc((size_t)s->query_count + 1, sizeof *x->values);
    if (layer < 0)
        x->name = net_a(r)->sizes.part[part].layers ? xasprintf("all %s layers", name)
                                                    : xstrdup(name);
    else if (head < 0)
        x->name = xasprintf("%s layer %d", name, layer + 1);
    else
        x->name = xasprintf("%s layer %d, head %d", name, layer + 1, head + 1);
}

static void patch_add_part(struct run *r, enum net_part part)
{
    int layers = net_a(r)->sizes.part[part].layers, heads = net_a(r)->sizes.part[part].heads;
    if (layers == 0 && r->o->level != PATCH_HEADS)
        add_item(r, part, -1, -1);
    else if (layers > 0 && r->o->level == PATCH_BLOCKS)
        add_item(r, part, -1, -1);
    for (int l = 0; l < layers && r->o->level != PATCH_BLOCKS; l++)
        if (r->o->level == PATCH_LAYERS)
            add_item(r, part, l, -1);
        else
            for (int h = 0; h < heads; h++)
                add_item(r, part, l, h);
}

/* ---- asking */

static int patch_ask(struct run *r, int query, int checkpoint, const struct change *more, int count,
                     struct result **out)
{
    const struct query *q = &r->queries[query];
    struct query one = *q;
    struct change *all = xcalloc((size_t)q->change_count + (size_t)count + 1, sizeof *all);
    if (q->change_count)
        memcpy(all, q->changes, (size_t)q->change_count * sizeof *all);
    if (count)
        memcpy(all + q->change_count, more, (size_t)count * sizeof *all);
    one.checkpoint = checkpoint;
    one.also_count = 0;
    one.attention = one.hidden = one.others = false;
    one.changes = all;
    one.change_count = q->change_count + count;
    int rc = query_run(r->m, &one, r->o->cancel, out, r->err);
    r->s->runs++;
    free(all);
    return rc;
}

/* What is measured of a result (struct patch_query). */
static double patch_measure(const struct run *r, int query, const struct result *x)
{
    int ra = compare_rank(x, r->key_a[query]), rb = compare_rank(x, r->key_b[query]);
    if (ra < 0 || rb < 0)
        return 0;
    return r->key_a[query] == r->key_b[query] ? compare_measure(x, rb)
                                              : compare_logit(x, rb) - compare_logit(x, ra);
}

static int ask_both(struct run *r, int i)
{
    struct result *a = NULL, *b = NULL;
    struct patch_query *q = &r->s->queries[i];
    int rc = patch_ask(r, i, r->o->a, NULL, 0, &a);
    if (rc == 0)
        rc = patch_ask(r, i, r->o->b, NULL, 0, &b);
    if (rc == 0 && !compare_fits(a, b))
        rc = vs_fail(r->err, VS_E_FORMAT, "'%s': the two checkpoints do not rank the same answers",
                     r->queries[i].text);
    if (rc == 0) {
        r->key_a[i] = compare_key(a, 0);
        r->key_b[i] = compare_key(b, 0);
        q->changed = r->key_a[i] != r->key_b[i];
        q->scale = q->changed ? SCORE_LOG_ODDS : compare_scale(a);
        q->answer_a = compare_label(a, 0);
        q->answer_b = compare_label(b, 0);
        q->before = patch_measure(r, i, a);
        q->after = patch_measure(r, i, b);
        r->s->changed += q->changed;
        if (q->changed && r->s->flip_query < 0)
            r->s->flip_query = i;
    }
    result_free(a);
    result_free(b);
    return rc;
}

/* All queries with one part swapped. */
static int patch_run_item(struct run *r, struct patch_item *x)
{
    double moved = 0, whole = 0;
    int rc = 0;
    x->flips = 0;
    for (int i = 0; i < r->s->query_count && rc == 0; i++) {
        const struct patch_query *q = &r->s->queries[i];
        struct result *y = NULL;
        rc = patch_ask(r, i, r->o->a, &x->change, 1, &y);
        if (rc != 0)
            break;
        x->values[i] = patch_measure(r, i, y);
        x->flips += q->changed && compare_key(y, 0) == r->key_b[i];
        moved += q->after >= q->before ? x->values[i] - q->before : q->before - x->values[i];
        whole += fabs(q->after - q->before);
        result_free(y);
    }
    x->share = whole > 0 ? moved / whole : 0;
    x->known = rc == 0;
    return rc;
}

static int run_items(struct run *r)
{
    struct patch_result *s = r->s;
    int rc = 0;
    for (int i = 0; i < s->item_count && rc == 0; i++) {
        rc = patch_run_item(r, &s->items[i]);
        if (rc != 0)
            break;
        s->done = i + 1;
        if (s->best < 0 || s->items[i].share > s->items[s->best].share)
            s->best = i;
        if (r->o->report)
            r->o->report(r->o->report_arg, s);
    }
    return rc;
}

/* ---- the set that brings the other answer about */

static int gives_other(struct run *r, const int *set, int count, bool *yes)
{
    struct change *list = xcalloc((size_t)count + 1, sizeof *list);
    struct result *x = NULL;
    int at = r->s->flip_query;
    for (int i = 0; i < count; i++)
        list[i] = r->s->items[set[i]].change;
    int rc = patch_ask(r, at, r->o->a, list, count, &x);
    r->s->tries++;
    if (rc == 0 && r->o->report)
        r->o->report(r->o->report_arg, r->s);
    *yes = rc == 0 && compare_key(x, 0) == r->key_b[at];
    result_free(x);
    free(list);
    return rc;
}

/* How many of the order's first are needed, by bisection: all of them do it, none does not. */
static int find_prefix(struct run *r, const int *order, int *count)
{
    int low = 0, high = r->s->item_count, rc = 0;
    bool yes = false;
    rc = gives_other(r, order, high, &yes);
    if (rc != 0 || !yes) {
        *count = 0; /* heads alone need not be enough */
        return rc;
    }
    while (high - low > 1 && rc == 0) {
        int middle = (low + high) / 2;
        rc = gives_other(r, order, middle, &yes);
        if (yes)
            high = middle;
        else
            low = middle;
    }
    *count = high;
    return rc;
}

/* The share in the query that is to flip, for the order in which parts are tried. */
static int *order_for(const struct patch_result *s)
{
    int *order = xcalloc((size_t)s->item_count + 1, sizeof *order);
    double sign = s->queries[s->flip_query].after >= s->queries[s->flip_query].before ? 1 : -1;
    for (int i = 0; i < s->item_count; i++) {
        int at = i;
        double x = sign * s->items[i].values[s->flip_query];
        for (; at > 0 && sign * s->items[order[at - 1]].values[s->flip_query] < x; at--)
            order[at] = order[at - 1];
        order[at] = i;
    }
    return order;
}

/* The next of the sets of `size` out of n, in the order of a dictionary; false after the last. */
static bool next_set(int *places, int size, int n)
{
    int i = size - 1;
    while (i >= 0 && places[i] == n - size + i)
        i--;
    if (i < 0)
        return false;
    places[i]++;
    for (i++; i < size; i++)
        places[i] = places[i - 1] + 1;
    return true;
}

/* All sets, smaller ones first, of one size those with the largest shares first, until one does it.
 * Parts work together, so a set may do what no larger one does: nothing can be passed over. */
static int find_smallest(struct run *r, const int *order, int *set, int *count)
{
    int n = r->s->item_count, rc = 0, places[PATCH_ALL_SETS];
    bool yes = false;
    for (int size = 1; size <= n && !yes && rc == 0; size++) {
        bool more = true;
        for (int i = 0; i < size; i++)
            places[i] = i;
        while (more && !yes && rc == 0) {
            for (int i = 0; i < size; i++)
                set[i] = order[places[i]];
            rc = gives_other(r, set, size, &yes);
            more = next_set(places, size, n);
        }
        *count = yes ? size : 0;
    }
    return rc;
}

/* Whether the set does it without its item i too, which then goes. */
static int patch_leave_out(struct run *r, int *set, int *count, int i, bool *gone)
{
    int left = set[i], after = *count - 1 - i;
    memmove(set + i, set + i + 1, (size_t)after * sizeof *set);
    int rc = gives_other(r, set, *count - 1, gone);
    if (*gone) {
        --*count;
    } else {
        memmove(set + i + 1, set + i, (size_t)after * sizeof *set);
        set[i] = left;
    }
    return rc;
}

/* Bisection, then each one is left out in turn, the least first, until none can be: what was needed
 * beside others need not be without them, so it ends only when all were tried with no one gone. */
static int find_minimal(struct run *r, int *set, int *count)
{
    int n = 0, rc = find_prefix(r, set, &n), kept = 0;
    for (int i = n - 1; n > 1 && kept < n && rc == 0; i = i > 0 ? i - 1 : n - 1) {
        bool gone = false;
        rc = patch_leave_out(r, set, &n, i, &gone);
        kept = gone ? 0 : kept + 1;
    }
    *count = n;
    return rc;
}

static int find_set(struct run *r)
{
    struct patch_result *s = r->s;
    int *order = order_for(s), n = 0, rc;
    s->set = xcalloc((size_t)s->item_count + 1, sizeof *s->set);
    memcpy(s->set, order, (size_t)s->item_count * sizeof *s->set);
    rc = s->smallest ? find_smallest(r, order, s->set, &n) : find_minimal(r, s->set, &n);
    s->set_count = rc == 0 ? n : 0;
    free(order);
    return rc;
}

/* ---- the whole */

static int patch_check(const struct run *r)
{
    int n = model_checkpoint_count(r->m), a = r->o->a, b = r->o->b;
    if (a < 0 || a >= n || b < 0 || b >= n || a == b)
        return vs_fail(r->err, VS_E_USAGE, "weight patching needs two checkpoints");
    if (strlen(model_checkpoint_name(r->m, b)) >= sizeof ((struct change *)0)->from)
        return vs_fail(r->err, VS_E_LIMIT, "%s: the checkpoint's name is too long to be patched "
                       "with: give it a \"name\" in model.json", model_checkpoint_path(r->m, b));
    return 0;
}

int patch_run(struct model *m, const struct query *queries, int count,
              const struct patch_options *o, struct patch_result **out, struct vs_err *err)
{
    struct patch_result *s = xcalloc(1, sizeof *s);
    struct run r = {.m = m, .queries = queries, .o = o, .s = s, .err = err};
    *s = (struct patch_result){.a = o->a, .b = o->b, .level = o->level, .query_count = count,
                               .best = -1, .flip_query = -1};
    s->queries = xcalloc((size_t)count + 1, sizeof *s->queries);
    r.key_a = xcalloc((size_t)count + 1, sizeof *r.key_a);
    r.key_b = xcalloc((size_t)count + 1, sizeof *r.key_b);
    int rc = patch_check(&r);
    for (int i = 0; rc == 0 && i < net_a(&r)->family->part_count; i++)
        patch_add_part(&r, net_a(&r)->family->parts[i]);
    s->smallest = s->item_count <= PATCH_ALL_SETS;
    for (int i = 0; i < count && rc == 0; i++)
        rc = ask_both(&r, i);
    if (rc == 0)
        rc = run_items(&r);
    if (rc == 0 && o->find_set && s->flip_query >= 0)
        rc = find_set(&r);
    free(r.key_a);
    free(r.key_b);
    if (rc == 0)
        *out = s;
    else
        patch_free(s);
    return rc;
}

void patch_free(struct patch_result *s)
{
    if (!s)
        return;
    for (int i = 0; i < s->query_count; i++) {
        free(s->queries[i].answer_a);
        free(s->queries[i].answer_b);
    }
    for (int i = 0; i < s->item_count; i++) {
        free(s->items[i].name);
        free(s->items[i].values);
    }
    free(s->queries);
    free(s->items);
    free(s->set);
    free(s);
}

const char *patch_measure_name(const struct patch_query *q)
{
    return q->changed ? "log odds of the second answer against the first"
                      : score_scale_names[q->scale];
}

int *patch_order(const struct patch_result *s)
{
    int *order = xcalloc((size_t)s->item_count + 1, sizeof *order);
    for (int i = 0; i < s->item_count; i++) {
        int at = i;
        for (; at > 0 && s->items[order[at - 1]].share < s->items[i].share; at--)
            order[at] = order[at - 1];
        order[at] = i;
    }
    return order;
}
