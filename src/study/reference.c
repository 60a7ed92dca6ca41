/* SPDX-License-Identifier: MIT */
/* The tasks of the reference's data folder, and a set of one of them.
 *
 * Source: vilbert_tasks.yml, eval_tasks.py and the data set classes of the reference. */
#include "src/study/reference_priv.h"

#include "src/engine/engine_priv.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define LMDB_END "_resnext152_faster_rcnn_genome.lmdb"
#define COCO "coco/features_100/COCO_trainval"

#define VQA_FILE(part) "v2_OpenEnded_mscoco_" part "_questions.json"
static const struct reference_split vqa_splits[] = {
    {"train", VQA_FILE("train2014")}, {"trainval", VQA_FILE("train2014")},
    {"minval", VQA_FILE("val2014")}, {"val", VQA_FILE("val2014")},
    {"mteval", VQA_FILE("train2014")}, {"test", VQA_FILE("test2015")}, {NULL, NULL},
};
#define TRAINVAL "cache/trainval_target.pkl"
static const struct reference_split genome_splits[] = {
    {"train", TRAINVAL}, {"val", TRAINVAL}, {NULL, NULL},
};
static const struct reference_split gqa_splits[] = {
    {"train", "cache/train_target.pkl"}, {"trainval", TRAINVAL}, {"minval", TRAINVAL},
    {"val", "cache/val_target.pkl"}, {"test", "testdev_balanced_questions.json"}, {NULL, NULL},
};

#define READS(name) .read = reference_read_##name, .judge = reference_judge_##name
static const struct reference_task tasks[] = {
    {.id = 1, .name = "VQA", .root = "VQA", .detected = COCO, .split = "minval",
     .splits = vqa_splits, .id_key = "question_id", READS(vqa), .row = reference_row_vqa},
    {.id = 2, .name = "GenomeQA", .root = "visual_genome", .detected = "visual_genome/vg",
     .split = "val", .splits = genome_splits, .id_key = "question_id", READS(genome),
     .row = reference_row_vqa},
    {.id = 15, .name = "GQA", .root = "gqa", .detected = "gqa/gqa", .split = "minval",
     .splits = gqa_splits, .id_key = "questionId", READS(gqa), .row = reference_row_gqa},
    {.id = 4, .name = "Visual7w", .root = "visual7w", .detected = "visual7w/visual7w",
     .annotated = "visual7w/visual7w_gt", .split = "val", .id_key = "id", READS(visual7w),
     .row = reference_row_choice},
    {.id = 7, .name = "RetrievalCOCO", .root = "cocoRetreival", .detected = COCO, .split = "val",
     READS(retrieval), .row = reference_row_retrieval},
    {.id = 8, .name = "RetrievalFlickr30k", .root = "flickr30k",
     .detected = "flickr30k/flickr30k", .split = "val", READS(retrieval),
     .row = reference_row_retrieval},
    {.id = 9, .name = "refcoco", .root = "refcoco", .detected = "refcoco/refcoco_unc/refcoco",
     .trained = "refcoco/refcoco_unc/refcoco_gt",
     .split = "val", .id_key = "id", READS(refcoco), .row = reference_row_refcoco},
    {.id = 10, .name = "refcoco+", .root = "refcoco", .detected = "refcoco/refcoco+_unc/refcoco+",
     .trained = "refcoco/refcoco+_unc/refcoco+_gt",
     .split = "val", .id_key = "id", READS(refcoco), .row = reference_row_refcoco},
    {.id = 11, .name = "refcocog", .root = "refcoco", .detected = "refcoco/refcocog_umd/refcocog",
     .trained = "refcoco/refcocog_umd/refcocog_gt",
     .split = "val", .id_key = "id", READS(refcoco), .row = reference_row_refcoco},
    {.id = 12, .name = "NLVR2", .root = "nlvr2", .detected = "nlvr2/nlvr2", .split = "dev",
     READS(nlvr2)},
    {.id = 13, .name = "VisualEntailment", .root = "visual_entailment",
     .detected = "flickr30k/flickr30k", .split = "dev", READS(snli)},
    {.id = 17, .name = "GuessWhatPointing", .root = "guesswhat", .detected = COCO,
     .annotated = "guesswhat/guesswhat_gt", .split = "valid", .id_key = "id", READS(guesswhat),
     .row = reference_row_choice},
};
#define TASKS (sizeof tasks / sizeof tasks[0])

const struct reference_task *reference_find(const struct task *task)
{
    for (size_t i = 0; i < TASKS; i++)
        if (tasks[i].id == task->id)
            return &tasks[i];
    return NULL;
}

/* ---- items */

struct eval_item *reference_item(struct reference_reader *r, const char *text, int line)
{
    struct eval_item *it = eval_add(r->set);
    it->task = r->task;
    it->text = xstrdup(text);
    it->line = line;
    return it;
}

void reference_set_id(struct eval_item *it, int64_t id)
{
    it->id = xasprintf("%lld", (long long)id);
    it->id_is_number = true;
}

void reference_set_image(struct eval_item *it, int64_t image)
{
    eval_add_image(it, xasprintf("%lld", (long long)image));
    it->image_is_number = true;
}

void reference_set_field(struct eval_item *it, const char *name, json_t *value)
{
    if (!it->fields)
        it->fields = json_object();
    json_object_set_new(it->fields, name, value);
}

/* ---- opening */

static bool is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* The folder itself, or "datasets" in it. */
static char *find_datasets(const char *folder, const struct reference_task *kind)
{
    char *direct = xasprintf("%s/%s", folder, kind->root);
    char *inner = xasprintf("%s/datasets", folder);
    bool use_inner = !is_folder(direct) && is_folder(inner);
    free(direct);
    if (use_inner)
        return inner;
    free(inner);
    return xstrdup(folder);
}

bool reference_has(const char *folder, const struct task *task)
{
    const struct reference_task *kind = reference_find(task);
    if (!kind)
        return false;
    char *datasets = find_datasets(folder, kind);
    char *root = xasprintf("%s/%s", datasets, kind->root);
    bool has = is_folder(root);
    free(root);
    free(datasets);
    return has;
}

static int open_features(const struct reference_reader *r, const char *datasets)
{
    const char *name = r->kind->detected;
    struct eval_set *s = r->set;
    if (r->kind->id == 1 && strcmp(r->split, "test") == 0)
        name = "coco/features_100/COCO_test"; /* as the configuration has to be pointed to it */
    char *path = xasprintf("%s/%s" LMDB_END, datasets, name);
    int rc = regionlmdb_open(path, &s->detected, r->err);
    free(path);
    name = strcmp(r->split, "train") == 0 && r->kind->trained ? r->kind->trained
                                                              : r->kind->annotated;
    if (rc != 0 || !name)
        return rc;
    path = xasprintf("%s/%s" LMDB_END, datasets, name);
    rc = regionlmdb_open(path, &s->annotated, r->err);
    free(path);
    return rc;
}

/* Of what is asked and what is right, so that equal digests mean equal items. */
static void seal(struct eval_set *s)
{
    struct sha256 h;
    sha256_init(&h);
    for (int i = 0; i < s->count; i++) {
        const struct eval_item *it = &s->items[i];
        sha256_add(&h, it->id, strlen(it->id) + 1);
        sha256_add(&h, it->text, strlen(it->text) + 1);
        for (int k = 0; k < it->image_count; k++)
            sha256_add(&h, it->images[k], strlen(it->images[k]) + 1);
        sha256_numbers(&h, it->box, 4, sizeof *it->box);
        sha256_numbers(&h, it->classes, it->classes ? (size_t)it->label_count : 0, sizeof(int));
        sha256_numbers(&h, it->worths, (size_t)it->label_count, sizeof(float));
        sha256_numbers(&h, it->choices, (size_t)it->choice_count, sizeof(int));
        eval_store_passed(s, i);
    }
    if (s->as_reference && s->annotated) /* other rows are chosen */
        sha256_add(&h, "as reference", 12);
    sha256_hex(&h, s->digest);
}

/* A split that there is not, among those that there are. */
static int check_split(const struct reference_reader *r)
{
    struct buf names = {0};
    bool known = !r->kind->splits;
    int rc = 0;
    if (r->split[0] == '\0' || strchr(r->split, '/'))
        return vs_fail(r->err, VS_E_USAGE, "'%s' is no name of a split", r->split);
    for (const struct reference_split *s = r->kind->splits; s && s->name; s++) {
        known |= strcmp(s->name, r->split) == 0; /* the reader says which file is missing */
        if (reference_is_there(r, s->file))
            buf_printf(&names, "%s%s", names.len ? ", " : "", s->name);
    }
    if (!known)
        rc = reference_no_split(r, names.data ? names.data : "");
    buf_fini(&names);
    return rc;
}

static int read_set(struct reference_reader *r, const char *datasets)
{
    int rc = is_folder(r->root) ? check_split(r)
                                : vs_fail(r->err, VS_E_IO, "%s: no such folder: %s is looked for "
                                          "there", r->root, r->kind->name);
    if (rc == 0)
        rc = open_features(r, datasets);
    if (rc == 0)
        rc = r->kind->read(r);
    if (rc == 0 && r->set->count == 0)
        rc = r->set->flaw_count
                 ? vs_fail(r->err, VS_E_FORMAT, "%s: split %s has no item that can be asked: %s: "
                           "%s", r->root, r->split, r->set->flaws[0].item, r->set->flaws[0].why)
                 : vs_fail(r->err, VS_E_FORMAT, "%s: split %s has no item", r->root, r->split);
    return rc;
}

int reference_open(const char *folder, const struct task *task, const char *split,
                   bool as_reference, struct eval_set **out, struct vs_err *err)
{
    const struct reference_task *kind = reference_find(task);
    struct eval_set *s = xcalloc(1, sizeof *s);
    s->reference = kind;
    s->split = xstrdup(split ? split : kind->split);
    s->path = xstrdup(folder);
    s->as_reference = as_reference;
    char *datasets = find_datasets(folder, kind);
    struct reference_reader r = {.kind = kind, .task = task, .split = s->split, .set = s,
                                 .root = xasprintf("%s/%s", datasets, kind->root), .err = err};
    int rc = read_set(&r, datasets);
    free(r.root);
    free(datasets);
    if (rc == 0) {
        eval_store_items(s);
        seal(s);
        *out = s;
    } else {
        eval_free(s);
    }
    return rc;
}

static bool is_wanted(const char *folder, const struct task *task, const struct task *only)
{
    return reference_find(task) &&
           (only ? only == task
                 : reference_has(folder, task) && task->reading->ranked != RANKED_IMAGES);
}

int reference_each(const char *folder, const struct task *only, const char *split,
                   int (*take)(void *arg, const struct eval_set *set), void *arg,
                   struct vs_err *err)
{
    int rc = 0, asked = 0;
    for (int t = 0; t < task_count && rc == 0; t++) {
        const struct task *task = &task_table[t];
        struct eval_set *set = NULL;
        if (!is_wanted(folder, task, only))
            continue;
        asked++;
        rc = reference_open(folder, task, split, false, &set, err);
        if (rc == 0)
            rc = take(arg, set);
        eval_free(set);
    }
    if (rc == 0 && asked == 0)
        rc = vs_fail(err, VS_E_IO, "%s: no folder of the reference's tasks is in it, but "
                     "retrieval (vilscope-data(5))", folder);
    return rc;
}

/* ---- the model */

int reference_check_model(const struct eval_set *s, struct model *m, int checkpoint,
                          struct vs_err *err)
{
    const struct task *task = s->items[0].task;
    int rc = model_check_task(m, checkpoint, task, err); /* once, not for each item */
    if (rc != 0 || s->classes == 0 || !s->items[0].scored) /* without targets there is no score */
        return rc;
    enum net_head head = task->head == HEAD_GQA ? HEAD_GQA : HEAD_VQA;
    int answers = net_head_size(m->checkpoints[checkpoint].net, head);
    if (answers == 0 || answers == s->classes)
        return 0;
    return vs_fail(err, VS_E_FORMAT, "%s: the data has %d answers, the checkpoint's head has %d: "
                   "they do not belong together", task->name, s->classes, answers);
}
