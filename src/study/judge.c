/* SPDX-License-Identifier: MIT */
/* Two evaluations judged by their rows. */
#include "src/study/judge.h"

#include "src/base/mem.h"
#include "src/base/strmap.h"
#include "src/task/task.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LEVEL 0.05

/* ---- the same items */

static int judge_other(const struct row_evaluation *a, const struct row_evaluation *b,
                       const struct row *x, const struct row *y, struct vs_err *err)
{
    bool named = strcmp(x->id, y->id) != 0;
    return vs_fail(err, VS_E_FORMAT, "%s%s%s: item %d %s '%s' with %s and '%s' with %s: they were "
                   "measured on different data", a->task->name, a->split[0] ? " " : "", a->split,
                   x->index, named ? "is" : "asks", named ? x->id : x->text, a->checkpoint,
                   named ? y->id : y->text, b->checkpoint);
}

/* The number of an image, which a new one gets. */
static int judge_cluster(struct strmap *images, const struct row *r, int *count)
{
    /* An item without an image is a cluster of its own. */
    if (!r->image[0])
        return (*count)++;
    int at = strmap_get(images, r->image, strlen(r->image));
    if (at >= 0)
        return at;
    strmap_add(images, r->image, strlen(r->image), *count);
    return (*count)++;
}

int judge_match(const struct row_evaluation *a, const struct row_evaluation *b,
                struct judge_items *out, struct vs_err *err)
{
    struct strmap images = {0};
    int i = 0, k = 0, rc = 0;
    *out = (struct judge_items){.of = a};
    out->list = xcalloc((size_t)(a->count < b->count ? a->count : b->count) + 1,
                        sizeof *out->list);
    while (rc == 0 && (i < a->count || k < b->count)) {
        const struct row *x = i < a->count ? row_at(a, i) : NULL;
        const struct row *y = k < b->count ? row_at(b, k) : NULL;
        bool same = x && y && x->index == y->index;
        bool first = same || !y || (x && x->index < y->index);
        if (same && (strcmp(x->id, y->id) != 0 || strcmp(x->text, y->text) != 0))
            rc = judge_other(a, b, x, y, err);
        else if (same && x->scored && y->scored)
            out->list[out->count++] = (struct judge_item){
                x, y, x->score, y->score, x->correct, y->correct,
                strcmp(x->answer, y->answer) != 0, judge_cluster(&images, x, &out->clusters)};
        else {
            out->only_a += first && x->scored;
            out->only_b += (same || !first) && y->scored;
        }
        i += first;
        k += same || !first;
    }
    strmap_fini(&images);
    return rc;
}

bool judge_same_items(const struct row_evaluation *a, const struct row_evaluation *b)
{
    struct judge_items m;
    bool same = judge_match(a, b, &m, NULL) == 0;
    judge_items_fini(&m);
    return same;
}

void judge_items_fini(struct judge_items *m)
{
    free(m->list);
    *m = (struct judge_items){0};
}

/* ---- the difference */

/* The differences of each image; their number. */
static int judge_clusters(const struct judge_items *m, const int *which, int count,
                          struct stats_cluster *out)
{
    int *place = xcalloc((size_t)m->clusters + 1, sizeof *place), n = 0;
    for (int i = 0; i < count; i++) {
        const struct judge_item *it = &m->list[which ? which[i] : i];
        if (!place[it->cluster]) {
            out[n] = (struct stats_cluster){0};
            place[it->cluster] = ++n;
        }
        struct stats_cluster *c = &out[place[it->cluster] - 1];
        c->sum += it->score_b - it->score_a;
        c->count++;
    }
    free(place);
    return n;
}

void judge_compare(const struct judge_items *m, const int *which, int count,
                   const struct judge_options *o, struct judged *out)
{
    struct stats_cluster *clusters = xcalloc((size_t)count + 1, sizeof *clusters);
    *out = (struct judged){.items = count};
    for (int i = 0; i < count; i++) {
        const struct judge_item *it = &m->list[which ? which[i] : i];
        out->a += it->score_a;
        out->b += it->score_b;
        out->other += it->other;
        out->both += it->right_a && it->right_b;
        out->only_a += it->right_a && !it->right_b;
        out->only_b += !it->right_a && it->right_b;
    }
    out->neither = count - out->both - out->only_a - out->only_b;
    out->a = count ? out->a / count : (double)NAN;
    out->b = count ? out->b / count : (double)NAN;
    out->difference = out->b - out->a;
    out->clusters = judge_clusters(m, which, count, clusters);
    stats_bootstrap(clusters, out->clusters, o->resamples, o->seed, &out->low, &out->high);
    out->p = out->adjusted = stats_mcnemar(out->only_a, out->only_b);
    free(clusters);
}

enum judge_verdict judge_verdict(const struct judged *j)
{
    bool aside = j->low > 0 || j->high < 0;
    if (aside && j->adjusted < LEVEL)
        return j->difference > 0 ? JUDGED_B : JUDGED_A;
    return aside || j->p < LEVEL ? JUDGED_MAYBE : JUDGED_OPEN;
}

/* ---- slices */

bool row_has_value(const struct row *r, const char *field, const char *value)
{
    bool has = false;
    for (int i = 0; i < r->field_count && !has; i++)
        has = strcmp(r->fields[i].name, field) == 0 &&
              (!value || strcmp(r->fields[i].value, value) == 0);
    return has;
}

struct judge_slicing {
    const struct judge_items *m;
    struct strmap names;
    struct judge_slices *out;
    int *rooms;       /* of the lists of items */
    char **keys;
    struct buf key;
};

static void judge_key_add(struct judge_slicing *g, const struct row_field *f)
{
    buf_add(&g->key, f->name, strlen(f->name) + 1);
    buf_add(&g->key, f->value, strlen(f->value) + 1);
}

static int judge_slice_new(struct judge_slicing *g, const struct row_field *x,
                           const struct row_field *y)
{
    struct judge_slices *s = g->out;
    int at = s->count;
    if ((at & (at - 1)) == 0) {
        size_t room = at ? 2 * (size_t)at : 1;
        s->list = xreallocarray(s->list, room, sizeof *s->list);
        g->rooms = xreallocarray(g->rooms, room, sizeof *g->rooms);
        g->keys = xreallocarray(g->keys, room, sizeof *g->keys);
    }
    s->list[at] = (struct judge_slice){{x->name, y ? y->name : NULL}, {x->value, y ? y->value
                                                                                   : NULL},
                                       {0}, NULL};
    g->rooms[at] = 0;
    g->keys[at] = xmalloc(g->key.len);
    memcpy(g->keys[at], g->key.data, g->key.len);
    strmap_add(&g->names, g->keys[at], g->key.len, at);
    return s->count++;
}

/* y NULL: no crossing. */
static void judge_slice_put(struct judge_slicing *g, int item, const struct row_field *x,
                            const struct row_field *y)
{
    g->key.len = 0;
    judge_key_add(g, x);
    if (y)
        judge_key_add(g, y);
    int at = strmap_get(&g->names, g->key.data, g->key.len);
    at = at >= 0 ? at : judge_slice_new(g, x, y);
    struct judge_slice *s = &g->out->list[at];
    int n = s->judged.items;
    if (n && s->which[n - 1] == item) /* an annotation that says a thing twice */
        return;
    if (n == g->rooms[at]) {
        g->rooms[at] = n ? 2 * n : 4;
        s->which = xreallocarray(s->which, (size_t)g->rooms[at], sizeof *s->which);
    }
    s->which[n] = item;
    s->judged.items++;
}

static void judge_slice_item(struct judge_slicing *g, const struct judge_fields *f, int item)
{
    const struct row *r = g->m->list[item].a;
    for (int i = 0; i < r->field_count; i++) {
        const struct row_field *x = &r->fields[i];
        if (f->first && strcmp(f->first, x->name) != 0)
            continue;
        if (!f->second && !f->crossed)
            judge_slice_put(g, item, x, NULL);
        for (int k = f->second ? 0 : i + 1; (f->second || f->crossed) && k < r->field_count; k++)
            if (k != i && (!f->second || strcmp(f->second, r->fields[k].name) == 0) &&
                strcmp(r->fields[k].name, x->name) != 0)
                judge_slice_put(g, item, x, &r->fields[k]);
    }
}

static int judge_by_difference(const void *a, const void *b)
{
    const struct judge_slice *x = a, *y = b;
    bool shown = x->judged.adjusted < LEVEL, other = y->judged.adjusted < LEVEL;
    double dx = fabs(x->judged.difference), dy = fabs(y->judged.difference);
    if (shown != other)
        return shown ? -1 : 1;
    if (dx != dy)
        return dx > dy ? -1 : 1;
    for (int i = 0; i < 2; i++) {
        int c = x->field[i] && y->field[i] ? strcmp(x->field[i], y->field[i]) : 0;
        if (c == 0 && x->value[i] && y->value[i])
            c = strcmp(x->value[i], y->value[i]);
        if (c != 0)
            return c;
    }
    return 0;
}

/* A slice that is all of the items says nothing that they do not. */
static bool judge_slice_counts(const struct judge_slicing *g, const struct judge_slice *s,
                               int least)
{
    return s->judged.items >= least && s->judged.items < g->m->count;
}

static void judge_slices_finish(struct judge_slicing *g, const struct judge_options *o)
{
    struct judge_slices *s = g->out;
    struct judge_options counted = *o;
    int n = 0;
    double *p = xcalloc((size_t)s->count + 1, sizeof *p);
    counted.resamples = 0;
    for (int i = 0; i < s->count; i++) {
        struct judge_slice *x = &s->list[i];
        if (judge_slice_counts(g, x, o->least)) {
            judge_compare(g->m, x->which, x->judged.items, &counted, &x->judged);
            p[n] = x->judged.p;
            s->list[n++] = *x;
            continue;
        }
        s->small += x->judged.items < o->least;
        free(x->which);
    }
    s->count = n;
    stats_false_discovery(p, n, p);
    for (int i = 0; i < n; i++)
        s->list[i].judged.adjusted = p[i];
    if (n)
        vs_sort(s->list, (size_t)n, sizeof *s->list, judge_by_difference);
    for (int i = 0; i < n && (o->intervals == 0 || i < o->intervals); i++) {
        struct judge_slice *x = &s->list[i];
        double adjusted = x->judged.adjusted;
        judge_compare(g->m, x->which, x->judged.items, o, &x->judged);
        x->judged.adjusted = adjusted;
    }
    free(p);
}

void judge_slice(const struct judge_items *m, const struct judge_fields *f,
                 const struct judge_options *o, struct judge_slices *out)
{
    struct judge_slicing g = {.m = m, .out = out};
    *out = (struct judge_slices){0};
    for (int i = 0; i < m->count; i++) {
        judge_slice_item(&g, f, i);
        rows_passed(m->of);
    }
    int all = out->count;
    judge_slices_finish(&g, o);
    for (int i = 0; i < all; i++)
        free(g.keys[i]);
    free(g.keys);
    free(g.rooms);
    strmap_fini(&g.names);
    buf_fini(&g.key);
}

void judge_slices_fini(struct judge_slices *s)
{
    for (int i = 0; i < s->count; i++)
        free(s->list[i].which);
    free(s->list);
    *s = (struct judge_slices){0};
}

char *judge_slice_name(const struct judge_slice *s)
{
    return s->field[1] ? xasprintf("%s = %s, %s = %s", s->field[0], s->value[0], s->field[1],
                                   s->value[1])
                       : xasprintf("%s = %s", s->field[0], s->value[0]);
}
