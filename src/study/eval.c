/* SPDX-License-Identifier: MIT */
/* Measuring a model on a set of items.
 *
 * Metrics: task_utils.py of the reference (compute_score_with_logits for answers, the top box with
 * an overlap above 0.5 for references, accuracy elsewhere) and its retrieval evaluation. */
#include "src/study/eval_priv.h"

#include "src/formats/boxcheck.h"
#include "src/base/mem.h"
#include "src/base/strmap.h"
#include "src/task/answers.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define KEEP_BYTES ((size_t)1 << 30) /* of photos */

/* ---- photos, kept while there is room */

struct album {
    struct strmap names;
    struct photo **photos; /* NULL when it was dropped */
    int count, oldest;
    size_t bytes;
    struct image *pixels; /* the one whose pixels are kept; pictures are decoded in forked children,
                             which cost the more the more memory there is */
};

static size_t photo_bytes(const struct photo *p)
{
    size_t n = p->image && p->image->rgb ? 3 * (size_t)p->image->width * (size_t)p->image->height
                                         : 0;
    return n + (p->regions ? (size_t)p->regions->count * (size_t)p->regions->dim * 4 : 0);
}

static void album_keep_pixels(struct album *a, struct image *im)
{
    if (a->pixels && a->pixels != im) {
        a->bytes -= 3 * (size_t)a->pixels->width * (size_t)a->pixels->height;
        free(a->pixels->rgb);
        a->pixels->rgb = NULL;
    }
    a->pixels = im;
}

static void album_drop(struct album *a, int i)
{
    if (!a->photos[i])
        return;
    if (a->pixels == a->photos[i]->image)
        album_keep_pixels(a, NULL);
    a->bytes -= photo_bytes(a->photos[i]);
    photo_free(a->photos[i]);
    a->photos[i] = NULL;
}

static int album_add(struct album *a, struct model *m, const char *path, int at, struct vs_err *err)
{
    struct photo_options how = {0};
    struct photo *p = NULL;
    int rc = photo_open(path, &how, &p, err);
    if (rc == 0) {
        photo_measure(m, p); /* its pixels may be dropped later */
        rc = photo_detect(m, p, NULL, NULL, NULL, err);
    }
    if (rc != 0) {
        photo_free(p);
        return rc;
    }
    a->photos[at] = p;
    a->bytes += photo_bytes(p);
    if (p->image && p->regions)
        album_keep_pixels(a, p->image);
    return 0;
}

/* Pixels are needed until the regions are known, and for boxes. */
static int album_get(struct album *a, struct model *m, const char *path, bool pixels,
                     struct photo **out, struct vs_err *err)
{
    int at = strmap_get(&a->names, path, strlen(path)), rc = 0;
    if (at < 0) {
        at = a->count;
        strmap_add(&a->names, path, strlen(path), at);
        a->photos = xreallocarray(a->photos, (size_t)a->count + 1, sizeof(struct photo *));
        a->photos[a->count++] = NULL;
    }
    if (a->photos[at] && pixels && a->photos[at]->image && !a->photos[at]->image->rgb)
        album_drop(a, at);
    if (!a->photos[at])
        rc = album_add(a, m, path, at, err);
    *out = a->photos[at];
    return rc;
}

/* Between items: nothing is in use. */
static void album_trim(struct album *a)
{
    for (int i = 0; a->bytes > KEEP_BYTES && i < a->count; i++) {
        album_drop(a, a->oldest);
        a->oldest = (a->oldest + 1) % a->count;
    }
}

static void album_fini(struct album *a)
{
    for (int i = 0; i < a->count; i++)
        photo_free(a->photos[i]);
    free(a->photos);
    strmap_fini(&a->names);
}

/* ---- scoring one answer */

double eval_overlap(const float *a, const float *b)
{
    double w = fmin((double)a[2], (double)b[2]) - fmax((double)a[0], (double)b[0]) + 1;
    double h = fmin((double)a[3], (double)b[3]) - fmax((double)a[1], (double)b[1]) + 1;
    double area = ((double)a[2] - (double)a[0] + 1) * ((double)a[3] - (double)a[1] + 1) +
                  ((double)b[2] - (double)b[0] + 1) * ((double)b[3] - (double)b[1] + 1);
    return w > 0 && h > 0 ? w * h / (area - w * h) : 0;
}

static double worth_of(const struct eval_item *it, const char *label)
{
    for (int i = 0; i < it->label_count; i++)
        if (answers_equal(it->task, it->labels[i], label))
            return (double)it->worths[i];
    return 0;
}

/* Place of the right image, from 0. */
static int place_of(const struct result *r, int number)
{
    int i = 0;
    while (i < r->answer_count && r->answers[i].index != number)
        i++;
    return i;
}

double eval_worth(const struct eval_item *it, const struct result *r)
{
    switch (it->task->reading->ranked) {
    case RANKED_REGIONS:
        if (r->box_count == 0)
            return 0;
        if (it->task->extra_regions)
            return r->boxes[0].region - r->images[0].region_count - 1 == it->number;
        return eval_overlap(r->boxes[0].box, it->box) >= 0.5;
    case RANKED_IMAGES: return place_of(r, it->number) == 0;
    case RANKED_LABELS: break;
    }
    return r->answer_count ? worth_of(it, r->answers[0].label) : 0;
}

bool eval_has_truth(const struct eval_item *it)
{
    return it->label_count > 0 || it->number >= 0 || it->has_box;
}

/* ---- sums */

struct sum {
    double score, at5, at10, blind, ms;
    int count, answered, named, found, foreign;
    struct strmap labels; /* of the most common answer */
    double *worths;
    char **names;         /* (label_count) as they are compared; `labels` borrows them */
    int label_count;
};

static void add_labels(struct sum *s, const struct eval_item *it)
{
    for (int i = 0; i < it->label_count; i++) {
        char *label = answer_normalise(it->task, it->labels[i]);
        int at = strmap_get(&s->labels, label, strlen(label));
        if (at < 0) {
            at = s->label_count++;
            s->names = xreallocarray(s->names, (size_t)s->label_count, sizeof *s->names);
            s->names[at] = label;
            strmap_add(&s->labels, label, strlen(label), at);
            s->worths = xreallocarray(s->worths, (size_t)s->label_count, sizeof *s->worths);
            s->worths[at] = 0;
        } else {
            free(label);
        }
        s->worths[at] += (double)it->worths[i];
    }
}

/* What a blind choice gets: a region, a candidate, an image at random. */
static double blind_of(const struct eval_item *it, const struct result *r)
{
    if (it->task->reading->ranked == RANKED_IMAGES)
        return 1.0 / it->image_count;
    if (it->candidates.count)
        return 1.0 / it->candidates.count;
    int good = 0;
    for (int i = 0; it->has_box && i < r->images[0].region_count; i++)
        good += eval_overlap(r->images[0].boxes + 4 * i, it->box) >= 0.5;
    return r->images[0].region_count ? (double)good / r->images[0].region_count : 0;
}

static bool is_found(const struct result_image *im, const float *box)
{
    for (int i = 0; i < im->region_count; i++)
        if (eval_overlap(im->boxes + 4 * i, box) >= 0.5)
            return true;
    return false;
}

/* Recall of the regions: of the box that is meant, or of the candidates. */
static void add_recall(struct sum *s, const struct eval_item *it, const struct result *r)
{
    s->named += it->has_box + it->candidates.count;
    s->found += it->has_box && is_found(&r->images[0], it->box);
    for (int i = 0; i < it->candidates.count; i++)
        s->found += is_found(&r->images[0], it->candidates.boxes + 4 * i);
}

static void add(struct sum *s, const struct eval_item *it, const struct result *r)
{
    double score = eval_worth(it, r);
    s->count++;
    s->foreign += r->foreign;
    s->score += score;
    s->ms += r->ms.total;
    if (it->task->reading->ranked == RANKED_IMAGES) {
        s->at5 += place_of(r, it->number) < 5;
        s->at10 += place_of(r, it->number) < 10;
    }
    s->blind += blind_of(it, r);
    add_recall(s, it, r);
    add_labels(s, it);
}

/* Wilson's interval (Probable Inference, JASA 1927), 95 %; for soft scores with their own variance
 * it is an upper bound. */
static void finish(const struct sum *s, const struct task *task, struct eval_score *out)
{
    double n = s->count, p = n > 0 ? s->score / n : 0, z = 1.96, most = 0;
    *out = (struct eval_score){
        .task = task, .count = s->count, .named = s->named, .found = s->found,
        .foreign = s->foreign, .answered = s->answered};
    if (s->count == 0)
        return;
    double centre = (p + z * z / (2 * n)) / (1 + z * z / n);
    double half = z * sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n);
    for (int i = 0; i < s->label_count; i++)
        most = s->worths[i] > most ? s->worths[i] : most;
    out->score = p;
    out->low = centre - half;
    out->high = centre + half;
    out->at5 = s->at5 / n;
    out->at10 = s->at10 / n;
    out->baseline = s->label_count ? most / n : s->blind / n;
    out->ms = s->ms / n;
}

/* ---- the whole */

/* Items of one task that wait for their pass. */
struct group {
    const struct eval_item **items;
    int count;
};

struct run {
    struct model *m;
    const struct eval_set *set;
    const struct eval_options *o;
    struct album album;
    struct sum *sums;     /* (task_count) */
    struct group *groups; /* (task_count) */
    struct strmap there;  /* pictures: 1 there, 0 not */
    struct eval_progress progress;
    struct vs_err *err;
};

int eval_check_boxes(const struct eval_item *it, int width, int height, struct vs_err *err)
{
    int n = it->candidates.count;
    int rc = it->has_box ? boxes_look(it->box, 1, width, height, "the item's box", err) : 0;
    if (rc == 0 && n)
        rc = boxes_look(it->candidates.boxes, n, width, height, "candidates", err);
    if (rc == 0 && ((it->has_box && boxes_are_shares(it->box, 1, width, height)) ||
                    (n && boxes_are_shares(it->candidates.boxes, n, width, height))))
        rc = vs_fail(err, VS_E_FORMAT, "boxes are shares of the picture, 0 to 1: pixels are "
                     "expected, the picture has %dx%d", width, height);
    return rc;
}

/* A box that cannot be would count as never found. */
static int check_item(const struct eval_item *it, const struct photo *p, struct vs_err *err)
{
    int w = p->image ? p->image->width : p->regions ? p->regions->width : 0;
    int h = p->image ? p->image->height : p->regions ? p->regions->height : 0;
    return w > 0 ? eval_check_boxes(it, w, h, err) : 0;
}

/* The item's query; photos and boxes are the caller's to free. */
static int make_query(struct run *r, const struct eval_item *it, struct photo ***photos,
                      struct box_list **boxes, struct query *q)
{
    int rc = 0;
    *photos = xcalloc((size_t)it->image_count, sizeof **photos);
    *boxes = xcalloc((size_t)it->image_count, sizeof **boxes);
    for (int i = 0; i < it->image_count && rc == 0; i++)
        rc = album_get(&r->album, r->m, it->images[i], it->candidates.count > 0, &(*photos)[i],
                       r->err);
    if (rc == 0)
        rc = check_item(it, (*photos)[0], r->err);
    (*boxes)[0] = it->candidates;
    *q = (struct query){.task = it->task, .text = it->text, .checkpoint = r->o->checkpoint,
                        .attention = r->o->attention && it->has_box,
                        .photo_count = it->image_count, .photos = *photos,
                        .boxes = it->candidates.count ? *boxes : NULL};
    return rc;
}

static void take_result(struct run *r, const struct eval_item *it, struct result *x)
{
    if (eval_has_truth(it))
        add(&r->sums[it->task - task_table], it, x);
    else
        r->sums[it->task - task_table].answered++;
    if (r->o->take)
        r->o->take(r->o->take_arg, it, x);
    if (r->o->attention)
        eval_attention_add(r->o->attention, it, x);
    result_free(x);
}

static void report(struct run *r, const struct eval_item *it, int count)
{
    album_trim(&r->album);
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
        rc = query_run(r->m, &q, r->o->cancel, &x, r->err);
    if (rc == 0)
        take_result(r, it, x);
    else
        vs_fail_prefix(r->err, "%s: line %d", r->set->path, it->line);
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

/* Boxes that have to be pooled from the picture, and maps, are an item's own. */
static int take_item(struct run *r, const struct eval_item *it)
{
    struct group *g = &r->groups[it->task - task_table];
    int room = r->o->batch ? r->o->batch
                           : query_room(r->m, r->o->checkpoint, it->task, it->image_count);
    if (it->candidates.count || r->o->attention || room < 2)
        return run_item(r, it);
    g->items = xreallocarray(g->items, (size_t)g->count + 1, sizeof *g->items);
    g->items[g->count++] = it;
    return g->count < room ? 0 : run_group(r, g);
}

static bool is_there(struct run *r, const char *path)
{
    struct stat st;
    int known = strmap_get(&r->there, path, strlen(path));
    if (known >= 0)
        return known == 1;
    bool gone = stat(path, &st) != 0 && (errno == ENOENT || errno == ENOTDIR);
    strmap_add(&r->there, path, strlen(path), !gone);
    if (gone && r->o->gone->pictures++ == 0)
        r->o->gone->first = path;
    return !gone;
}

/* A set may be larger than what somebody has of its pictures. */
static bool is_left_out(struct run *r, const struct eval_item *it)
{
    bool all = true;
    for (int i = 0; r->o->gone && i < it->image_count; i++)
        all &= is_there(r, it->images[i]);
    if (all)
        return false;
    r->o->gone->items++;
    report(r, it, 1);
    return true;
}

static bool is_wanted(const struct eval_options *o, const struct eval_item *it, const int *seen)
{
    return (!o->task || it->task == o->task) &&
           (o->limit == 0 || seen[it->task - task_table] < o->limit);
}

static int count_wanted(const struct eval_set *s, const struct eval_options *o)
{
    int *seen = xcalloc((size_t)task_count, sizeof *seen), n = 0;
    for (int i = 0; i < s->count; i++)
        if (is_wanted(o, &s->items[i], seen)) {
            seen[s->items[i].task - task_table]++;
            n++;
        }
    free(seen);
    return n;
}

static int run_all(struct run *r, const struct eval_set *s)
{
    int *seen = xcalloc((size_t)task_count, sizeof *seen), rc = 0;
    for (int i = 0; i < s->count && rc == 0; i++)
        if (is_wanted(r->o, &s->items[i], seen)) {
            seen[s->items[i].task - task_table]++;
            rc = is_left_out(r, &s->items[i]) ? 0 : take_item(r, &s->items[i]);
        }
    if (rc == 0 && r->o->gone && r->o->gone->items - s->gone.items == r->progress.all)
        rc = vs_fail(r->err, VS_E_IO, "%s: no item can be asked: of %d pictures none is there, the "
                     "first is %s (--images says where they are)", s->path, r->o->gone->pictures,
                     r->o->gone->first);
    for (int t = 0; t < task_count && rc == 0; t++)
        rc = run_group(r, &r->groups[t]);
    free(seen);
    return rc;
}

/* Before anything is computed: nothing can be right where answers have no names. */
static int check_labels(const struct run *r)
{
    int *seen = xcalloc((size_t)task_count, sizeof *seen), rc = 0;
    for (int i = 0; i < r->set->count && rc == 0; i++) {
        const struct task *t = r->set->items[i].task;
        if (is_wanted(r->o, &r->set->items[i], seen) && seen[t - task_table]++ == 0)
            rc = model_check_labels(r->m, r->o->checkpoint, t, r->err);
    }
    free(seen);
    return rc;
}

int eval_run(struct model *m, const struct eval_set *s, const struct eval_options *o,
             struct eval_score *scores, struct vs_err *err)
{
    struct run r = {.m = m, .set = s, .o = o, .progress = {.all = count_wanted(s, o)}, .err = err};
    r.sums = xcalloc((size_t)task_count, sizeof *r.sums);
    r.groups = xcalloc((size_t)task_count, sizeof *r.groups);
    if (o->gone)
        *o->gone = s->gone;
    int rc = r.progress.all ? check_labels(&r)
                            : vs_fail(err, VS_E_USAGE, "%s: has no item of %s", s->path,
                                      o->task ? o->task->name : "any task");
    if (rc == 0)
        rc = run_all(&r, s);
    for (int t = 0; t < task_count; t++) {
        finish(&r.sums[t], &task_table[t], &scores[t]);
        strmap_fini(&r.sums[t].labels);
        for (int i = 0; i < r.sums[t].label_count; i++)
            free(r.sums[t].names[i]);
        free(r.sums[t].names);
        free(r.sums[t].worths);
        free(r.groups[t].items);
    }
    album_fini(&r.album);
    strmap_fini(&r.there);
    free(r.sums);
    free(r.groups);
    return rc;
}
