/* SPDX-License-Identifier: MIT */
/* VQA, Visual Genome QA and GQA in the reference's data folder: questions, and targets from the
 * caches, sorted by question.
 *
 * Source: vqa_dataset.py, genome_dataset.py and gqa_dataset.py of the reference. */
#include "src/study/reference_priv.h"

#include "src/formats/ndarray.h"

#include <stdlib.h>
#include <string.h>

#define VQA_MINVAL 3000
#define GENOME_VAL 5000
#define GQA_MINVAL 3000

/* ---- the list of answers */

/* How many there are: of the head's targets, which that dictionary decides. */
static int count_classes(struct reference_reader *r)
{
    static const char name[] = "cache/trainval_ans2label.pkl";
    struct reference_pickle p;
    r->set->classes = r->set->labels->count;
    if (!reference_is_there(r, name))
        return 0;
    int rc = reference_pickle_open(r, name, PK_DICT, &p);
    if (rc == 0)
        r->set->classes = (int)(p.root->count / 2);
    reference_pickle_close(&p);
    if (rc == 0 && r->set->labels->count < r->set->classes)
        rc = vs_fail(r->err, VS_E_FORMAT, "%s/cache/trainval_label2ans.pkl: has %d answers, "
                     "trainval_ans2label.pkl beside it %d: they do not belong together", r->root,
                     r->set->labels->count, r->set->classes);
    return rc;
}

static int read_labels(struct reference_reader *r)
{
    char *path = reference_path(r, "cache/trainval_label2ans.pkl");
    int rc = labels_open(path, &r->set->labels, r->err);
    free(path);
    return rc ? rc : count_classes(r);
}

/* ---- a target */

static bool add_target(struct eval_item *it, const struct pval *labels, const struct pval *scores,
                       int classes)
{
    size_t n = labels->count;
    if (n != scores->count || n > 100000)
        return false;
    it->classes = xcalloc(n + 1, sizeof *it->classes);
    it->worths = xcalloc(n + 1, sizeof *it->worths);
    for (size_t i = 0; i < n; i++) {
        int64_t class;
        double worth;
        if (!ndarray_integer(labels->items[i], &class) || class < 0 || class >= classes ||
            !record_real(scores->items[i], &worth))
            return false;
        it->classes[i] = (int)class;
        it->worths[i] = (float)worth;
        it->label_count++;
    }
    it->scored = true;
    return true;
}

/* The last item gets the target, or leaves the set again. */
static void take_target(struct reference_reader *r, const struct pval *target)
{
    struct eval_item *it = &r->set->items[r->set->count - 1];
    const struct pval *labels = record_list(target, "labels");
    const struct pval *scores = record_list(target, "scores");
    if (labels && scores && add_target(it, labels, scores, r->set->classes))
        return;
    eval_add_flaw(r->set, it->id, "its target has not lists of labels and scores of one length, or "
                  "an answer that is not in trainval_label2ans.pkl");
    eval_item_fini(it);
    r->set->count--;
}

/* ---- VQA */

/* Questions by id, which belong to a document that stays. */
struct questions {
    json_t *root;
    struct numbered list;
};

static void questions_close(struct questions *q)
{
    numbered_fini(&q->list);
    json_decref(q->root);
}

static int questions_open(struct reference_reader *r, const char *part, struct questions *out)
{
    const json_t *v;
    size_t i;
    char *name = xasprintf("v2_OpenEnded_mscoco_%s_questions.json", part);
    int rc = reference_json(r, name, &out->root);
    const json_t *list = json_object_get(out->root, "questions");
    if (rc == 0 && !json_is_array(list))
        rc = vs_fail(r->err, VS_E_FORMAT, "%s/%s: has no list of \"questions\"", r->root, name);
    json_array_foreach((json_t *)(uintptr_t)list, i, v) {
        int64_t id;
        if (reference_json_integer(json_object_get(v, "question_id"), &id)) {
            numbered_add(&out->list, id, v);
        } else {
            char *item = xasprintf("%s: question %zu", name, i + 1);
            eval_add_flaw(r->set, item, "has no \"question_id\"");
            free(item);
        }
    }
    numbered_sort(&out->list);
    free(name);
    return rc;
}

/* Targets by question. */
static int targets_open(struct reference_reader *r, const char *name, struct reference_pickle *p,
                        struct numbered *out)
{
    int rc = reference_pickle_open(r, name, PK_LIST, p);
    for (size_t i = 0; rc == 0 && i < p->root->count; i++) {
        int64_t id;
        if (record_number(p->root->items[i], "question_id", &id)) {
            numbered_add(out, id, p->root->items[i]);
            continue;
        }
        char *item = xasprintf("%s: target %zu", name, i + 1);
        eval_add_flaw(r->set, item, "has no question_id");
        free(item);
    }
    numbered_sort(out);
    return rc;
}

/* Why the question cannot be asked with that target, or NULL. target NULL: there are none. */
static const char *question_flaw(const json_t *q, const struct pval *target, int64_t *image)
{
    int64_t other;
    if (!reference_json_integer(json_object_get(q, "image_id"), image) ||
        !json_is_string(json_object_get(q, "question")))
        return "has no \"image_id\" or no \"question\"";
    if (target && (!record_number(target, "image_id", &other) || other != *image))
        return "its target is of another image";
    return NULL;
}

static void add_question(struct reference_reader *r, const struct numbered_entry *e,
                         const struct pval *target, const struct numbered *ids,
                         enum reference_keep keep)
{
    const json_t *q = e->value;
    int64_t image = 0;
    const char *why = question_flaw(q, target, &image);
    if (why) {
        char *item = xasprintf("question %lld", (long long)e->key);
        eval_add_flaw(r->set, item, why);
        free(item);
        return;
    }
    if (!reference_is_kept(keep, ids, image))
        return;
    const char *text = json_string_value(json_object_get(q, "question"));
    struct eval_item *it = reference_item(r, text, (int)e->order + 1);
    reference_set_id(it, e->key);
    reference_set_image(it, image);
    if (target)
        take_target(r, target);
}

/* Questions and targets of one file each, both by their ids; of the sorted questions all, the last
 * `tail`, or all but those. */
enum cut { CUT_NONE, CUT_TAIL, CUT_HEAD };
static int read_part(struct reference_reader *r, const char *part, const char *targets,
                     enum cut cut, const struct numbered *ids)
{
    struct questions q = {0};
    struct reference_pickle p = {0};
    struct numbered t = {0};
    enum reference_keep keep = reference_keep_of(r->split);
    int rc = questions_open(r, part, &q);
    if (rc == 0 && targets)
        rc = targets_open(r, targets, &p, &t);
    size_t n = q.list.count, rest = n > VQA_MINVAL ? n - VQA_MINVAL : 0;
    size_t from = cut == CUT_TAIL ? rest : 0, to = cut == CUT_HEAD ? rest : n;
    for (size_t i = from; rc == 0 && i < to; i++) {
        const struct numbered_entry *e = &q.list.list[i];
        const struct pval *target = targets ? numbered_get(&t, e->key) : NULL;
        if (target || !targets) {
            add_question(r, e, target, ids, keep);
            continue;
        }
        char *item = xasprintf("question %lld", (long long)e->key);
        eval_add_flaw(r->set, item, "has no target in the cache");
        free(item);
    }
    numbered_fini(&t);
    reference_pickle_close(&p);
    questions_close(&q);
    return rc;
}

#define TRAIN_PART(r, ids) read_part(r, "train2014", "cache/train_target.pkl", CUT_NONE, ids)
#define VAL_PART(r, cut, ids) read_part(r, "val2014", "cache/val_target.pkl", cut, ids)

int reference_read_vqa(struct reference_reader *r)
{
    struct numbered ids = {0};
    const char *split = r->split;
    int rc = read_labels(r);
    if (rc == 0 && reference_keep_of(split) != KEEP_ALL)
        rc = reference_ids(r, "cache/coco_test_ids.npy", &ids);
    if (rc == 0 && strcmp(split, "test") == 0)
        rc = read_part(r, "test2015", NULL, CUT_NONE, &ids);
    else if (rc == 0 && strcmp(split, "val") == 0)
        rc = VAL_PART(r, CUT_NONE, &ids);
    else if (rc == 0 && strcmp(split, "minval") == 0)
        rc = VAL_PART(r, CUT_TAIL, &ids);
    else if (rc == 0)
        rc = TRAIN_PART(r, &ids);
    if (rc == 0 && strcmp(split, "trainval") == 0)
        rc = VAL_PART(r, CUT_HEAD, &ids);
    numbered_fini(&ids);
    return rc;
}

/* ---- Visual Genome and GQA: questions and targets in one cache */

struct cached {
    const struct pval *v, *id;
    size_t order;
};

static bool is_text(const struct pval *v)
{
    return v->kind == PK_STRING || v->kind == PK_BYTES;
}

/* Ids as they are stored: texts as texts, of which "10" comes before "9". */
static int by_id(const void *a, const void *b)
{
    const struct cached *x = a, *y = b;
    int c = 0;
    if (is_text(x->id) && is_text(y->id)) {
        size_t n = x->id->len < y->id->len ? x->id->len : y->id->len;
        c = n ? memcmp(x->id->bytes, y->id->bytes, n) : 0;
        c = c ? c : (x->id->len > y->id->len) - (x->id->len < y->id->len);
    } else {
        int64_t i = 0, j = 0;
        ndarray_integer(x->id, &i);
        ndarray_integer(y->id, &j);
        c = (i > j) - (i < j);
    }
    return c ? c : (x->order > y->order) - (x->order < y->order);
}

/* The id as it is stored: 12 or '12'. Caller frees. */
static char *id_spelled(const struct pval *dict)
{
    int64_t number = 0;
    char *text = record_text(dict, "question_id"), *spelled;
    record_number(dict, "question_id", &number);
    spelled = text ? xasprintf("'%.40s'", text) : xasprintf("%lld", (long long)number);
    free(text);
    return spelled;
}

/* Which order they have is not known then. */
static int two_spellings(const struct reference_reader *r, const char *name, size_t at,
                         const struct cached *first, const struct pval *other)
{
    char *x = id_spelled(first->v), *y = id_spelled(other);
    int rc = vs_fail(r->err, VS_E_FORMAT, "%s/%s: question %zu has the question_id %s, question "
                     "%zu has %s: ids must all be numbers or all be text: they sort differently",
                     r->root, name, first->order + 1, x, at + 1, y);
    free(x);
    free(y);
    return rc;
}

/* Those that have an id, sorted: *count of them. */
static int sort_cached(const struct reference_reader *r, const char *name,
                       const struct reference_pickle *p, struct cached *list, size_t *count)
{
    int64_t ignored;
    size_t n = 0;
    for (size_t i = 0; i < p->root->count; i++) {
        const struct pval *v = p->root->items[i];
        const struct pval *id = v->kind == PK_DICT ? pval_get(v, "question_id") : NULL;
        if (!id || (!is_text(id) && !ndarray_integer(id, &ignored))) {
            char *item = xasprintf("question %zu of the cache", i + 1);
            eval_add_flaw(r->set, item, "has no question_id");
            free(item);
            continue;
        }
        if (n && is_text(id) != is_text(list[0].id))
            return two_spellings(r, name, i, list, v);
        list[n++] = (struct cached){v, id, i};
    }
    if (n)
        vs_sort(list, n, sizeof *list, by_id);
    *count = n;
    return 0;
}

static void add_cached(struct reference_reader *r, const struct cached *c,
                       const struct numbered *ids, enum reference_keep keep)
{
    int64_t id = 0, image = 0;
    char *text = record_text(c->v, "question"), *key = record_text(c->v, "image_id");
    bool numbered = record_number(c->v, "image_id", &image);
    if (!text || (!key && !numbered) || !record_number(c->v, "question_id", &id)) {
        char *item = xasprintf("question %zu of the cache", c->order + 1);
        eval_add_flaw(r->set, item, "has not a question, an image_id and a question_id that is a "
                      "number");
        free(item);
    } else if (!numbered || reference_is_kept(keep, ids, image)) {
        struct eval_item *it = reference_item(r, text, (int)c->order + 1);
        reference_set_id(it, id);
        if (key)
            eval_add_image(it, xstrdup(key));
        else
            reference_set_image(it, image);
        take_target(r, c->v);
    }
    free(text);
    free(key);
}

/* Of the sorted questions the last `tail`, all but those, or all. */
static int read_cache(struct reference_reader *r, const char *name, enum cut cut, size_t tail,
                      const struct numbered *ids, enum reference_keep keep)
{
    struct reference_pickle p;
    int rc = reference_pickle_open(r, name, PK_LIST, &p);
    if (rc == 0) {
        size_t n = 0;
        struct cached *list = xcalloc(p.root->count + 1, sizeof *list);
        rc = sort_cached(r, name, &p, list, &n);
        size_t rest = n > tail ? n - tail : 0;
        for (size_t i = cut == CUT_TAIL ? rest : 0; rc == 0 && i < (cut == CUT_HEAD ? rest : n);
             i++)
            add_cached(r, &list[i], ids, keep);
        free(list);
    }
    reference_pickle_close(&p);
    return rc;
}

int reference_read_genome(struct reference_reader *r)
{
    struct numbered ids = {0};
    enum cut cut = strcmp(r->split, "val") == 0 ? CUT_TAIL : CUT_HEAD;
    int rc = read_labels(r);
    if (rc == 0)
        rc = reference_ids(r, "cache/genome_test_ids.npy", &ids);
    if (rc == 0) /* here also the held-out part is cleaned, after it was cut off */
        rc = read_cache(r, "cache/trainval_target.pkl", cut, GENOME_VAL, &ids, KEEP_OTHERS);
    numbered_fini(&ids);
    return rc;
}

/* A question whose answer is not read. */
static void add_open_question(struct reference_reader *r, const char *key, const json_t *v,
                              int number)
{
    const char *text = json_string_value(json_object_get(v, "question"));
    const json_t *image = json_object_get(v, "imageId");
    int64_t id, image_number = 0;
    if (!text || !reference_integer(key, &id) ||
        (!json_is_string(image) && !reference_json_integer(image, &image_number))) {
        eval_add_flaw(r->set, key, "has no question and imageId, or an id that is no number");
        return;
    }
    struct eval_item *it = reference_item(r, text, number);
    reference_set_id(it, id);
    if (json_is_string(image))
        eval_add_image(it, xstrdup(json_string_value(image)));
    else
        reference_set_image(it, image_number);
    json_t *types = json_object_get(json_object_get(v, "types"), "structural");
    if (json_is_string(types))
        reference_set_field(it, "structural", json_incref(types));
}

static int read_gqa_questions(struct reference_reader *r)
{
    static const char *const names[] = {"testdev_balanced_questions.json",
                                        "submission_all_questions.json"};
    json_t *root = NULL, *v;
    const char *key;
    int number = 0;
    int rc = reference_json(r, names[!reference_is_there(r, names[0]) &&
                                     reference_is_there(r, names[1])], &root);
    json_object_foreach(root, key, v)
        add_open_question(r, key, v, ++number);
    json_decref(root);
    return rc;
}

int reference_read_gqa(struct reference_reader *r)
{
    struct numbered ids = {0};
    const char *split = r->split;
    enum reference_keep keep = reference_keep_of(split);
    int rc = read_labels(r);
    if (rc == 0 && strcmp(split, "test") == 0)
        return read_gqa_questions(r);
    if (rc == 0 && keep != KEEP_ALL)
        rc = reference_ids(r, "cache/genome_test_ids.npy", &ids);
    char *name = strcmp(split, "train") == 0 || strcmp(split, "val") == 0
                     ? xasprintf("cache/%s_target.pkl", split)
                     : xstrdup("cache/trainval_target.pkl");
    enum cut cut = strcmp(split, "trainval") == 0 ? CUT_HEAD
                   : strcmp(split, "minval") == 0 ? CUT_TAIL : CUT_NONE;
    if (rc == 0)
        rc = read_cache(r, name, cut, GQA_MINVAL, &ids, keep);
    free(name);
    numbered_fini(&ids);
    return rc;
}

/* ---- scoring */

/* Of a class that is named twice the last one counts, as where they are written into a vector. */
static double worth_of(const struct eval_item *it, int class)
{
    double worth = 0;
    for (int i = 0; i < it->label_count; i++)
        worth = it->classes[i] == class ? (double)it->worths[i] : worth;
    return worth;
}

static int judge_answer(const struct eval_item *it, const struct result *r, struct eval_verdict *v)
{
    v->logits = r->raw;
    v->count = r->raw_count;
    v->choice = reference_argmax(r->raw, r->raw_count);
    v->score = worth_of(it, v->choice);
    v->target = -1;
    return 0;
}

#define JUDGES_ANSWERS(name)                                                                       \
    int reference_judge_##name(const struct eval_set *s, const struct eval_item *it,               \
                               const struct result *r, struct eval_verdict *v, struct vs_err *err) \
    {                                                                                              \
        (void)s;                                                                                   \
        (void)err;                                                                                 \
        return judge_answer(it, r, v);                                                             \
    }
JUDGES_ANSWERS(vqa)
JUDGES_ANSWERS(genome)
JUDGES_ANSWERS(gqa)
