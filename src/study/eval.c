/* SPDX-License-Identifier: MIT */
/* Measuring a model on a set of items: which are asked, how many at once, and what is wrong with
 * one of them. */
#include "src/study/eval_priv.h"
#include "src/study/reference.h"

#include "src/formats/boxcheck.h"
#include "src/base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Items of one task that wait for their pass. */
struct group {
    const struct eval_item **items;
    int count;
};

struct run {
    struct model *m;
    const struct eval_set *set;
    const struct eval_options *o;
    struct eval_album album;
    struct eval_sum *sums; /* (task_count) */
    const bool *picked;    /* (set->count) of a sample, or NULL */
    struct group group;    /* of the task that is being asked */
    struct strmap there;   /* pictures: 1 there, 0 not */
    struct eval_listed listed;
    struct eval_progress progress;
    struct vs_err *err;
};

int eval_check_boxes(const struct eval_item *it, int width, int height, struct vs_err *err)
{
    int n = it->candidates.count;
    int rc = it->has_box ? boxes_look(it->box, 1, width, height, "the item's box", err) : 0;
    if (rc == 0 && n)
        rc = boxes_look(it->candidates.boxes, n, width, height, "candidates", err);
    if (rc == 0 && it->evidence.count)
        rc = boxes_look(it->evidence.boxes, it->evidence.count, width, height, "the item's boxes",
                        err);
    if (rc == 0 && ((it->has_box && boxes_are_shares(it->box, 1, width, height)) ||
                    (n && boxes_are_shares(it->candidates.boxes, n, width, height))))
        rc = vs_fail(err, VS_E_FORMAT, "boxes are shares of the image, 0 to 1: pixels are "
                     "expected, the image has %dx%d", width, height);
    return rc;
}

/* A box that cannot be would count as never found. */
static int check_item(const struct run *r, const struct eval_item *it, const struct photo *p)
{
    if (r->set->reference) /* takes them as they are */
        return 0;
    int w = p->image ? p->image->width : p->regions ? p->regions->width : 0;
    int h = p->image ? p->image->height : p->regions ? p->regions->height : 0;
    return w > 0 ? eval_check_boxes(it, w, h, r->err) : 0;
}

/* The item's boxes are among those that have features. */
static int check_candidates(const struct run *r, const struct eval_item *it, const struct photo *p)
{
    const struct regions *c = p->candidates;
    if (!r->set->annotated_features || !it->candidates.count)
        return 0;
    if (!c)
        return vs_fail(r->err, VS_E_MISSING, "its image is not in %s",
                       regionstore_path(r->set->annotated_features));
    for (int i = 0; i < it->candidates.count; i++)
        if (eval_box_among(it->candidates.boxes + 4 * i, c->boxes, c->count) < 0)
            return vs_fail(r->err, VS_E_FORMAT, "candidate %d is none of the %d boxes that its "
                           "image has in %s", i + 1, c->count,
                           regionstore_path(r->set->annotated_features));
    return 0;
}

/* Whether the features of its candidates come from the picture itself. */
static bool is_pooled(const struct run *r, const struct eval_item *it)
{
    return it->candidates.count && !r->set->annotated_features;
}

/* The item's query; photos and boxes are the caller's to free. */
static int make_query(struct run *r, const struct eval_item *it, struct photo ***photos,
                      struct box_list **boxes, struct query *q)
{
    int rc = 0;
    *photos = xcalloc((size_t)it->image_count, sizeof **photos);
    *boxes = xcalloc((size_t)it->image_count, sizeof **boxes);
    for (int i = 0; i < it->image_count && rc == 0; i++)
        rc = eval_album_get(&r->album, r->m, it->images[i], is_pooled(r, it), &(*photos)[i],
                            r->err);
    if (rc == 0)
        rc = check_candidates(r, it, (*photos)[0]);
    if (rc == 0)
        rc = check_item(r, it, (*photos)[0]);
    (*boxes)[0] = it->candidates;
    *q = (struct query){.task = it->task, .text = it->text, .checkpoint = r->o->checkpoint,
                        .attention = r->o->attention && it->has_box,
                        .changes = r->o->changes, .change_count = r->o->change_count,
                        .photo_count = it->image_count, .photos = *photos,
                        .boxes = is_pooled(r, it) ? *boxes : NULL,
                        .verbatim = r->set->reference, .raw = r->set->reference};
    q->padding = rc == 0 && r->set->as_reference && reference_needs_padding(it, (*photos)[0]);
    return rc;
}

static void add_mark(struct run *r, const struct eval_item *it, const struct eval_mark *mark,
                     const struct result *x)
{
    struct eval_sum *s = &r->sums[it->task - task_table];
    if (eval_has_truth(it))
        eval_sum_add(s, it, mark, x);
    else
        s->answered++;
}

static void take_result(void *arg, const struct eval_item *it, struct result *x)
{
    struct run *r = arg;
    struct eval_mark mark;
    if (!r->set->reference) { /* of which the taker knows how it is scored */
        eval_mark_of(it, x, &mark);
        mark.unlisted = !eval_is_listed(&r->listed, r->m, it);
        add_mark(r, it, &mark, x);
    }
    if (r->o->take)
        r->o->take(r->o->take_arg, it, x);
    if (r->o->attention)
        eval_attention_add(r->o->attention, it, x);
    result_free(x);
}

static void report(struct run *r, const struct eval_item *it, int count)
{
    eval_album_trim(&r->album);
    eval_store_rest(r->set);
    r->progress.done += count;
    r->progress.task = it->task;
    if (r->o->report)
        r->o->report(r->o->report_arg, &r->progress);
}

static int run_item(struct run *r, const struct eval_item *it)
{
    struct photo **photos;
    struct box_list *boxes;
    struct query q;
    struct result *x = NULL;
    int rc = make_query(r, it, &photos, &boxes, &q);
    if (rc == 0)
        rc = r->o->ask ? r->o->ask(r->o->ask_arg, it, &q, r->err)
             : it->foil_count ? eval_foils_run(r->m, it, &q, r->o->cancel, &x, r->err)
                              : query_run(r->m, &q, r->o->cancel, &x, r->err);
    if (rc == 0 && x)
        take_result(r, it, x);
    else if (rc == 0)
        ; /* the asker did all of it */
    else if (vs_is_of_all(rc) || rc == VS_E_DIVERGED || !r->o->bad)
        vs_fail_prefix(r->err, "%s: line %d", r->set->path, it->line);
    else
        rc = r->o->bad(r->o->bad_arg, it, r->err);
    free(photos);
    free(boxes);
    report(r, it, 1);
    return rc;
}

/* Items in one pass. Returns whether it was done: when something is wrong with one of them, they
 * are run one after the other, to tell which. */
static bool run_together(struct run *r, const struct group *g)
{
    size_t n = (size_t)g->count;
    struct photo ***photos = xcalloc(n, sizeof *photos);
    struct box_list **boxes = xcalloc(n, sizeof *boxes);
    struct query *q = xcalloc(n, sizeof *q);
    struct result **x = xcalloc(n, sizeof(struct result *));
    int rc = 0;
    for (int i = 0; i < g->count && rc == 0; i++)
        rc = make_query(r, g->items[i], &photos[i], &boxes[i], &q[i]);
    if (rc == 0)
        rc = query_run_all(r->m, q, g->count, r->o->cancel, x, r->err);
    for (int i = 0; i < g->count; i++) {
        if (rc == 0)
            take_result(r, g->items[i], x[i]);
        free(photos[i]);
        free(boxes[i]);
    }
    free(photos);
    free(boxes);
    free(q);
    free(x);
    if (rc == 0)
        report(r, g->items[0], g->count);
    return rc == 0;
}

static int run_group(struct run *r, struct group *g)
{
    int rc = 0;
    if (g->count < 2 || !run_together(r, g))
        for (int i = 0; i < g->count && rc == 0; i++)
            rc = run_item(r, g->items[i]);
    g->count = 0;
    return rc;
}

/* Boxes that have to be pooled from the picture, foils, and maps, are an item's own. */
static int take_item(struct run *r, const struct eval_item *it)
{
    struct group *g = &r->group;
    int room = r->o->batch ? r->o->batch
                           : query_room(r->m, r->o->checkpoint, it->task, it->image_count);
    if (is_pooled(r, it) || it->foil_count || r->o->attention || r->o->ask || room < 2) {
        int rc = run_group(r, g); /* those before it come first */
        return rc ? rc : run_item(r, it);
    }
    g->items = xreallocarray(g->items, (size_t)g->count + 1, sizeof *g->items);
    g->items[g->count++] = it;
    return g->count < room ? 0 : run_group(r, g);
}

static bool is_there(struct run *r, const char *path)
{
    int known = strmap_get(&r->there, path, strlen(path));
    if (known >= 0)
        return known == 1;
    bool gone = !eval_has_image(r->set, path);
    strmap_add(&r->there, path, strlen(path), !gone);
    if (gone && r->o->gone->pictures++ == 0)
        r->o->gone->first = path;
    return !gone;
}

/* A set may be larger than what somebody has of its pictures. */
static bool is_left_out(struct run *r, const struct eval_item *it)
{
    bool all = true;
    for (int i = 0; r->o->gone && !r->set->reference && i < it->image_count; i++)
        all &= is_there(r, it->images[i]);
    if (all)
        return false;
    r->o->gone->items++;
    report(r, it, 1);
    return true;
}

static bool is_known(void *arg, const struct eval_item *it)
{
    struct run *r = arg;
    struct eval_mark mark = {0};
    if (!r->o->skip || !r->o->skip(r->o->skip_arg, it, &mark))
        return false;
    if (!r->set->reference)
        add_mark(r, it, &mark, NULL);
    r->progress.known++;
    return true;
}

static bool is_passed_over(struct run *r, const struct eval_item *it)
{
    bool is = is_known(r, it);
    if (is)
        report(r, it, 1);
    return is;
}

static bool is_wanted(const struct eval_options *o, const struct task *t, const int *seen)
{
    return (!o->task || t == o->task) && !(o->without && o->without[t - task_table]) &&
           (o->limit == 0 || seen[t - task_table] < o->limit);
}

int eval_count(const struct eval_set *s, const struct task *task, int limit)
{
    int n = 0;
    for (int i = 0; i < s->count; i++)
        n += eval_task_of(s, i) == task;
    return limit && limit < n ? limit : n;
}

/* The same of this shard; counts it in any case. */
static bool is_asked(const struct eval_options *o, const struct task *t, int *seen)
{
    return is_wanted(o, t, seen) && shard_has(&o->shard, seen[t - task_table]++);
}

static bool is_picked(const bool *picked, int item)
{
    return !picked || picked[item];
}

static int count_asked(const struct eval_set *s, const struct eval_options *o, const bool *picked)
{
    int *seen = xcalloc((size_t)task_count, sizeof *seen), n = 0;
    for (int i = 0; i < s->count; i++)
        n += is_asked(o, eval_task_of(s, i), seen) && is_picked(picked, i);
    free(seen);
    return n;
}

static int run_task(struct run *r, const struct eval_set *s, const struct task *task, int *seen)
{
    int rc = 0;
    for (int i = 0; i < s->count && rc == 0; i++) {
        if (eval_task_of(s, i) != task || !is_wanted(r->o, task, seen))
            continue;
        const struct eval_item *it = &s->items[i];
        eval_store_passed(s, i);
        if (!is_asked(r->o, task, seen)) {
            if (!r->set->reference)
                eval_sum_add_truth(&r->sums[task - task_table], it);
            continue;
        }
        if (is_picked(r->picked, i))
            rc = is_passed_over(r, it) || is_left_out(r, it) ? 0 : take_item(r, it);
    }
    return rc ? rc : run_group(r, &r->group);
}

static int run_all(struct run *r, const struct eval_set *s)
{
    int *seen = xcalloc((size_t)task_count, sizeof *seen), rc = 0;
    for (int t = 0; t < task_count && rc == 0; t++)
        rc = run_task(r, s, &task_table[t], seen);
    int asked = r->progress.all; /* a shard may have none */
    if (rc == 0 && r->o->gone && asked && r->o->gone->items - s->gone.items == asked)
        rc = eval_none_there(s, r->o->gone->pictures, r->o->gone->first, r->err);
    free(seen);
    return rc;
}

/* Before anything is computed: nothing can be right where answers have no names, which matters
 * where they are scored. */
static int check_labels(const struct run *r)
{
    if (r->set->reference)
        return reference_check_model(r->set, r->m, r->o->checkpoint, r->err);
    if (r->o->ask)
        return 0;
    int *seen = xcalloc((size_t)task_count, sizeof *seen), rc = 0;
    for (int i = 0; i < r->set->count && rc == 0; i++) {
        const struct task *t = eval_task_of(r->set, i);
        if (is_wanted(r->o, t, seen) && seen[t - task_table]++ == 0)
            rc = model_check_labels(r->m, r->o->checkpoint, t, r->err);
    }
    free(seen);
    return rc;
}

/* The same of features that the model does not read: a set's are of one width, so three tell. */
static int check_features(struct run *r)
{
    const struct eval_set *s = r->set;
    struct photo *p = NULL;
    int rc = 0, looked = 0, wrong = 0;
    if (!s->features && !s->detected)
        return 0;
    for (int i = 0; i < s->count && looked < 3 && wrong == looked; i++) {
        struct vs_err own = {0};
        const struct eval_item *it = &s->items[i];
        if ((r->o->task && eval_task_of(s, i) != r->o->task) || it->image_count == 0 ||
            eval_album_get(&r->album, r->m, it->images[0], false, &p, &own) != 0)
            continue;
        looked++;
        wrong += model_check_photo(r->m, p, &own) != 0;
        rc = wrong ? vs_fail(r->err, own.code, "%s", own.text) : 0;
    }
    eval_album_trim(&r->album);
    return looked && wrong == looked ? rc : 0;
}

int eval_run(struct model *m, const struct eval_set *s, const struct eval_options *o,
             struct eval_score *scores, struct vs_err *err)
{
    bool *picked = eval_sample_pick(s, o);
    struct run r = {.m = m, .set = s, .o = o, .album = {.set = s}, .picked = picked,
                    .progress = {.all = count_asked(s, o, picked), .score = NAN}, .err = err};
    struct eval_pool_user user = {is_known, take_result, &r};
    r.sums = xcalloc((size_t)task_count, sizeof *r.sums);
    if (o->gone)
        *o->gone = s->gone;
    int rc = r.progress.all || o->shard.count > 1
                 ? check_labels(&r)
                 : vs_fail(err, VS_E_USAGE, "%s: has no item of %s", s->path,
                           o->task ? o->task->name : "any task");
    if (rc == 0 && s->pool && o->ask)
        rc = vs_fail(err, VS_E_USAGE, "%s: of retrieval, every caption with every image, no single "
                     "query can be looked at", s->path);
    if (rc == 0)
        rc = check_features(&r);
    if (rc == 0)
        rc = s->pool ? eval_pool_run(m, s, o, picked, &r.album, &r.progress, &user, err)
                     : run_all(&r, s);
    for (int t = 0; t < task_count; t++) {
        eval_sum_finish(&r.sums[t], &task_table[t], &scores[t]);
        strmap_fini(&r.sums[t].labels);
        for (int i = 0; i < r.sums[t].label_count; i++)
            free(r.sums[t].names[i]);
        free(r.sums[t].names);
        free(r.sums[t].worths);
    }
    free(picked);
    eval_listed_fini(&r.listed);
    free(r.group.items);
    eval_album_fini(&r.album);
    strmap_fini(&r.there);
    free(r.sums);
    return rc;
}
