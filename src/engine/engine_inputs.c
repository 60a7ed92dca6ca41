/* SPDX-License-Identifier: MIT */
/* From a query to the model's inputs: tokens, and the rows of regions of each image.
 *
 * The layout of the rows is that of the reference's data sets: the whole image first, then the
 * regions, then candidates (visual7w_pointing_dataset.py); for NLVR2 both images in one list that
 * is cut in half (nlvr2_dataset.py). */
#include "src/engine/engine_priv.h"

#include "src/base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void inputs_fini(struct inputs *in)
{
    free(in->ids);
    free(in->text_mask);
    free(in->image_mask);
    free(in->task);
    free(in->features);
    free(in->spatials);
    free(in->sources);
    free(in->silences);
    *in = (struct inputs){0};
}

/* ---- text */

static void add_result_token(struct result *r, const char *piece, int32_t id, int begin, int end,
                             bool special)
{
    struct result_token *t = &r->tokens[r->token_count++];
    *t = (struct result_token){xstrdup(piece ? piece : "?"), id, begin, end, special};
}

/* The tokens as the model sees them, with its task token. */
static void tell_tokens(const struct model *m, const struct query *q, const struct token *tokens,
                        int count, struct result *r)
{
    const struct net *n = m->checkpoints[q->checkpoint].net;
    r->tokens = xcalloc((size_t)count + 1, sizeof *r->tokens);
    for (int i = 0; i < count; i++) {
        add_result_token(r, tokenizer_piece(m->tokenizer, tokens[i].id), tokens[i].id,
                         tokens[i].begin, tokens[i].end, i == 0 || i == count - 1);
        if (n->task_tokens && i + 1 == n->family->task_place) {
            char name[24];
            snprintf(name, sizeof name, "[TASK %d]", q->task->id);
            add_result_token(r, name, q->task->id, 0, 0, true);
        }
    }
}

static void tell_words(const struct model *m, struct result *r)
{
    char *words = domain_unknown(m->domain, r);
    if (words) {
        r->foreign = true;
        note_add(&r->notice, "unknown words: %s (this model was not trained on them)", words);
    }
    free(words);
}

static int build_text(struct model *m, const struct query *q, struct inputs *out,
                      struct result *r, struct vs_err *err)
{
    struct token *tokens = NULL, *all = NULL;
    int batch = out->in.batch;
    int count = task_tokens(q->task, m->tokenizer, r->model_text, &tokens);
    int full = tokenizer_run(m->tokenizer, r->model_text, strlen(r->model_text), &all);
    free(all);
    r->truncated = full + 2 > count;
    if (r->truncated)
        note_add(&r->notice, "the text has %d tokens, the task takes %d: the rest is not read",
                 full, count - 2);
    int most = m->checkpoints[q->checkpoint].net->sizes.positions;
    if (count > most) {
        free(tokens);
        return vs_fail(err, VS_E_LIMIT, "the text has %d tokens with [CLS] and [SEP], the model "
                       "takes %d at most: shorten it", count, most);
    }
    tell_tokens(m, q, tokens, count, r);
    tell_words(m, r);
    out->ids = xmalloc((size_t)batch * (size_t)count * sizeof *out->ids);
    out->task = xmalloc((size_t)batch * sizeof *out->task);
    for (int b = 0; b < batch; b++) {
        out->task[b] = q->task->id;
        for (int i = 0; i < count; i++)
            out->ids[b * count + i] = tokens[i].id;
    }
    free(tokens);
    out->in.tokens = count;
    out->in.ids = out->ids;
    out->in.task = m->checkpoints[q->checkpoint].net->task_tokens ? out->task : NULL;
    return 0;
}

/* ---- regions */

/* How many rows of one image the task may have. The pointing tasks append candidates; the numbers
 * are those of vilbert_tasks.yml. */
static int row_limit(const struct model *m, const struct task *t)
{
    return m->parts.max_regions + t->extra_regions;
}

static int photo_rows(const struct photo *p, bool candidates)
{
    return 1 + p->regions->count + (candidates && p->candidates ? p->candidates->count : 0);
}

/* All rows of a photo, in order: features (rows, dim) and spatials (rows, 5). */
static void photo_input(const struct photo *p, bool candidates, float *features, float *spatials)
{
    size_t dim = (size_t)p->regions->dim, own = (size_t)p->regions->count + 1;
    regions_model_input(p->regions, features, spatials);
    if (!candidates || !p->candidates)
        return;
    /* The candidates' own whole-image row is left out, as in the reference. */
    size_t more = (size_t)p->candidates->count + 1;
    float *f = xmalloc(more * dim * sizeof *f), *s = xmalloc(more * 5 * sizeof *s);
    regions_model_input(p->candidates, f, s);
    memcpy(features + own * dim, f + dim, (more - 1) * dim * sizeof *f);
    memcpy(spatials + own * 5, s + 5, (more - 1) * 5 * sizeof *s);
    free(f);
    free(s);
}

/* checkpoint -1: one of them. */
static int check_width(const struct model *m, int checkpoint, const char *path, int dim,
                       struct vs_err *err)
{
    int first = checkpoint < 0 ? 0 : checkpoint;
    int end = checkpoint < 0 ? model_checkpoint_count(m) : checkpoint + 1;
    for (int i = first; i < end; i++)
        if (m->checkpoints[i].net->sizes.features == dim)
            return 0;
    const struct part_checkpoint *c = &m->parts.checkpoints[first];
    bool own = c->config != NULL;
    return vs_fail(err, VS_E_FORMAT, "%s: features of %d numbers, but %s %s expects %d", path, dim,
                   own ? "the checkpoint" : "the model", own ? c->name : m->parts.name,
                   m->checkpoints[first].net->sizes.features);
}

int model_check_photo(const struct model *m, const struct photo *p, struct vs_err *err)
{
    int rc = p->regions ? check_width(m, -1, p->regions_path, p->regions->dim, err) : 0;
    if (rc == 0 && p->candidates)
        rc = check_width(m, -1, p->candidates_path, p->candidates->dim, err);
    return rc;
}

/* sized: the candidates are of the same picture as the regions, so their boxes can be compared. As
 * they come from a data set each have a size of their own, by which they are divided. */
static int check_photo(const struct model *m, int checkpoint, const struct photo *p, bool sized,
                       struct vs_err *err)
{
    const struct regions *g = p->regions, *c = p->candidates;
    if (!g)
        return vs_fail(err, VS_E_USAGE, "%s: has no regions: give them with --regions FILE (.npy, "
                       "safetensors, LMDB folder or TSV), or a detector with --detector FILE",
                       p->path ? p->path : "the image");
    int rc = check_width(m, checkpoint, p->regions_path, g->dim, err);
    if (rc != 0)
        return rc;
    if (c && (c->dim != g->dim || (sized && (c->width != g->width || c->height != g->height))))
        return vs_fail(err, VS_E_FORMAT, "%s: candidates of %d numbers on %dx%d pixels do not fit "
                       "the regions of %d numbers on %dx%d", p->candidates_path, c->dim, c->width,
                       c->height, g->dim, g->width, g->height);
    return 0;
}

/* Copy rows of a photo to the batch at flat row `at`, as long as there is room up to `end`. */
static int put_rows(struct inputs *in, const struct photo *p, int image, bool candidates,
                    int limit, int at, int end)
{
    int rows = photo_rows(p, candidates), dim = p->regions->dim;
    float *f = xcalloc(vs_times((size_t)rows, (size_t)dim), sizeof *f);
    float *s = xmalloc((size_t)rows * 5 * sizeof *s);
    photo_input(p, candidates, f, s);
    int take = rows < limit ? rows : limit;
    if (take > end - at)
        take = end - at;
    memcpy(in->features + (size_t)at * (size_t)dim, f, (size_t)take * (size_t)dim * sizeof *f);
    memcpy(in->spatials + (size_t)at * 5, s, (size_t)take * 5 * sizeof *s);
    for (int i = 0; i < take; i++) {
        in->image_mask[at + i] = 1;
        in->sources[at + i] = (struct result_source){image, i};
    }
    free(f);
    free(s);
    return at + take;
}

static void alloc_rows(struct inputs *in, int dim)
{
    size_t rows = (size_t)in->in.batch * (size_t)in->in.regions;
    in->features = xcalloc(vs_times(rows, (size_t)dim), sizeof *in->features);
    in->spatials = xcalloc(rows * 5, sizeof *in->spatials);
    in->image_mask = xcalloc(rows, sizeof *in->image_mask);
    in->sources = xmalloc(rows * sizeof *in->sources);
    for (size_t i = 0; i < rows; i++)
        in->sources[i] = (struct result_source){-1, 0};
    in->in.features = in->features;
    in->in.spatials = in->spatials;
    in->in.image_mask = in->image_mask;
}

/* Both images in one list of 2 * limit rows, which the model reads as two halves. */
static void build_pair(const struct query *q, struct inputs *in, int limit, struct result *r)
{
    in->in.regions = limit;
    alloc_rows(in, q->photos[0]->regions->dim);
    int at = put_rows(in, q->photos[0], 0, false, 2 * limit, 0, 2 * limit);
    int first = at;
    at = put_rows(in, q->photos[1], 1, false, 2 * limit, at, 2 * limit);
    in->keep_padding = at <= limit;
    if (first != limit)
        note_add(&r->notice,
                 "image 1 has %d rows, the model takes %d: as in the reference, the second "
                 "half begins elsewhere than image 2 (--pair separate gives each its own)",
                 first, limit);
}

/* Whether what stands behind the detected regions is read: where the task chooses among it, and
 * where a data set has it. */
static bool reads_candidates(const struct query *q)
{
    return q->task->extra_regions > 0 || q->verbatim;
}

static void build_rows(const struct query *q, struct inputs *in, int limit, struct result *r)
{
    bool candidates = reads_candidates(q);
    int most = 0;
    for (int b = 0; b < in->in.batch; b++) {
        int rows = photo_rows(q->photos[b], candidates);
        if (rows > limit)
            note_add(&r->notice, "image %d has %d regions: the model reads the first %d", b + 1,
                     rows - 1, limit - 1);
        rows = rows < limit ? rows : limit;
        most = rows > most ? rows : most;
    }
    most = q->padding ? limit : most;
    in->keep_padding = q->padding;
    in->in.regions = most;
    alloc_rows(in, q->photos[0]->regions->dim);
    for (int b = 0; b < in->in.batch; b++)
        put_rows(in, q->photos[b], b, candidates, limit, b * most, (b + 1) * most);
}

/* ---- identity */

static void tell_classes(const struct model *m, const struct query *q, struct result *r)
{
    for (int i = 0; m->classes && i < q->photo_count; i++) {
        const struct regions *g = q->photos[i]->regions;
        int most = regions_most_class(g);
        if (most < m->classes->count)
            continue;
        note_add(&r->notice,
                 "%s: classes up to %d, but %s has %d names: not those of the detector that "
                 "found them, classes are numbers",
                 q->photos[i]->regions_path, most, m->parts.classes, m->classes->count);
        return;
    }
}

static void tell_image(const struct photo *p, bool candidates, struct result_image *im)
{
    const struct regions *g = p->regions, *c = candidates ? p->candidates : NULL;
    size_t n = (size_t)g->count, more = c ? (size_t)c->count : 0;
    im->path = xstrdup_null(p->path);
    if (p->image)
        memcpy(im->digest, p->image->digest, DIGEST_HEX);
    im->width = g->width;
    im->height = g->height;
    im->regions_origin = p->regions_origin;
    im->regions_path = xstrdup(p->regions_path ? p->regions_path : "regions");
    im->regions_key = xstrdup_null(p->regions_key);
    memcpy(im->regions_digest, g->digest, DIGEST_HEX);
    im->region_count = g->count;
    im->candidate_count = (int)more;
    im->boxes = xmalloc((n + more) * 4 * sizeof *im->boxes);
    memcpy(im->boxes, g->boxes, n * 4 * sizeof *im->boxes);
    if (more)
        memcpy(im->boxes + n * 4, c->boxes, more * 4 * sizeof *im->boxes);
}

static void tell_pictures(const struct query *q, struct result *r)
{
    int far = 0, first = -1;
    for (int i = 0; i < q->photo_count; i++)
        if (q->photos[i]->measured && q->photos[i]->distance > 1) {
            far++;
            first = first < 0 ? i : first;
        }
    if (!far)
        return;
    r->foreign = true;
    char *more = far > 2 ? xasprintf(", as are %d others", far - 1)
                 : far > 1 ? xstrdup(", as is another") : xstrdup("");
    note_add(&r->notice,
             "image %d is unlike those that this model was trained on (distance %.1f, at "
             "most 1)%s",
             first + 1, (double)q->photos[first]->distance, more);
    free(more);
}

/* Where a task compares images, the same one twice says nothing, and is mostly one key for both. */
static void tell_equal(struct result *r)
{
    int pairs = 0, a = 0, b = 0;
    for (int i = 0; i < r->image_count; i++)
        for (int j = i + 1; j < r->image_count; j++)
            if (strcmp(r->images[i].regions_digest, r->images[j].regions_digest) == 0 &&
                pairs++ == 0) {
                a = i;
                b = j;
            }
    if (!pairs)
        return;
    const struct result_image *x = &r->images[a], *y = &r->images[b];
    bool same = x->digest[0] && strcmp(x->digest, y->digest) == 0;
    char *more = pairs > 1 ? xasprintf(", as have %d other pairs", pairs - 1) : xstrdup("");
    note_add(&r->notice,
             "images %d and %d have the same %s%s: are different ones meant (--key and "
             "--regions are given once for each image)?",
             a + 1, b + 1, same ? "pixels and regions" : "regions", more);
    free(more);
}

static void tell_boxes(const struct query *q, bool candidates, struct result *r)
{
    for (int i = 0; i < q->photo_count; i++) {
        const struct photo *p = q->photos[i];
        if (p->regions->note)
            note_add(&r->notice, "%s", p->regions->note);
        if (candidates && p->candidates && p->candidates->note)
            note_add(&r->notice, "%s", p->candidates->note);
    }
}

bool model_lacks_head(const struct model *m, int checkpoint, const struct task *t, char *why,
                      size_t size)
{
    const struct net *net = m->checkpoints[checkpoint].net;
    if (!net->family->lacks || task_head(t, net->heads))
        return false;
    net->family->lacks(net, (enum net_head)t->head, why, size);
    return true;
}

int model_check_task(const struct model *m, int checkpoint, const struct task *t,
                     struct vs_err *err)
{
    char why[300];
    if (!model_lacks_head(m, checkpoint, t, why, sizeof why))
        return 0;
    return vs_fail(err, VS_E_MISSING, "%s: %s cannot answer it: %s", t->title,
                   m->parts.checkpoints[checkpoint].name, why);
}

int query_check(const struct model *m, const struct query *q, struct vs_err *err)
{
    const struct task *t = q->task;
    if (q->checkpoint < 0 || q->checkpoint >= model_checkpoint_count(m))
        return vs_fail(err, VS_E_USAGE, "there is no checkpoint %d", q->checkpoint + 1);
    if (q->photo_count < t->min_images)
        return vs_fail(err, VS_E_USAGE, "%s takes %d image%s, %d given", t->title, t->min_images,
                       t->min_images == 1 ? "" : "s", q->photo_count);
    if (q->photo_count > t->max_images)
        return vs_fail(err, VS_E_USAGE, "%s takes %d image%s at most, %d given", t->title,
                       t->max_images, t->max_images == 1 ? "" : "s", q->photo_count);
    int rc = model_check_task(m, q->checkpoint, t, err);
    if (rc != 0)
        return rc;
    if (!q->verbatim && !q->text[strspn(q->text, " \t\r\n")])
        return vs_fail(err, VS_E_USAGE, "the query is empty: %s", t->hint);
    return 0;
}

int inputs_build(struct model *m, const struct query *q, struct inputs *out, struct result *r,
                 struct vs_err *err)
{
    *out = (struct inputs){0};
    int rc = 0;
    for (int i = 0; i < q->photo_count && rc == 0; i++)
        rc = check_photo(m, q->checkpoint, q->photos[i], !q->verbatim, err);
    if (rc != 0)
        return rc;
    bool candidates = reads_candidates(q);
    r->pair_separate = q->task->reading->pairs && q->pair_separate;
    out->in.batch = q->photo_count;
    r->image_count = q->photo_count;
    r->images = xcalloc((size_t)q->photo_count, sizeof *r->images);
    for (int i = 0; i < q->photo_count; i++)
        tell_image(q->photos[i], candidates, &r->images[i]);
    tell_pictures(q, r);
    tell_classes(m, q, r);
    tell_boxes(q, candidates, r);
    tell_equal(r);
    double start = vs_now_ms();
    rc = build_text(m, q, out, r, err);
    r->ms.tokenize = vs_now_ms() - start;
    if (rc != 0)
        return rc;
    start = vs_now_ms();
    if (q->task->reading->pairs && !q->pair_separate)
        build_pair(q, out, row_limit(m, q->task), r);
    else
        build_rows(q, out, row_limit(m, q->task), r);
    r->ms.regions += vs_now_ms() - start;
    return 0;
}
