/* SPDX-License-Identifier: MIT */
/* RefCOCO, RefCOCO+ and RefCOCOg in the reference's data folder: pickled references, COCO's boxes.
 *
 * Source: refer_expression_dataset.py and the REFER API that it uses. */
#include "src/study/reference_priv.h"

#include "src/formats/ndarray.h"
#include "src/text/score.h"

#include <stdlib.h>
#include <string.h>

/* "refcoco/refs(unc).p"; caller frees. */
static char *file_of(const struct reference_reader *r, const char *name)
{
    return xasprintf("%s/%s", r->task->name, name);
}

static const char *refs_name(const struct reference_reader *r)
{
    return strcmp(r->task->name, "refcocog") == 0 ? "refs(umd).p" : "refs(unc).p";
}

/* ---- splits: the letter of testA and testB is looked for in the name, and so is "test" */

enum split_kind { SPLIT_NONE, SPLIT_EQUAL, SPLIT_PART };

static enum split_kind split_kind(const char *split, char part[8])
{
    if (strcmp(split, "train") == 0 || strcmp(split, "val") == 0)
        return SPLIT_EQUAL;
    if (strcmp(split, "test") == 0)
        strcpy(part, "test");
    else if (strcmp(split, "testA") == 0 || strcmp(split, "testB") == 0)
        strcpy(part, split + 4);
    else
        return SPLIT_NONE;
    return SPLIT_PART;
}

static bool is_in_split(const char *split, const struct pval *ref)
{
    char part[8];
    enum split_kind kind = split_kind(split, part);
    char *has = record_text(ref, "split");
    bool in = has && (kind == SPLIT_EQUAL  ? strcmp(has, split) == 0
                      : kind == SPLIT_PART ? strstr(has, part) != NULL : false);
    free(has);
    return in;
}

/* Those that references of the list have, when the one that was asked for has none. */
static int no_split(const struct reference_reader *r, const struct pval *list)
{
    static const char *const all[] = {"train", "val", "testA", "testB", "test"};
    struct buf names = {0};
    for (size_t k = 0; k < sizeof all / sizeof all[0]; k++) {
        bool some = false;
        for (size_t i = 0; !some && i < list->count; i++)
            some = is_in_split(all[k], list->items[i]);
        if (some)
            buf_printf(&names, "%s%s", names.len ? ", " : "", all[k]);
    }
    int rc = reference_no_split(r, names.data ? names.data : "");
    buf_fini(&names);
    return rc;
}

/* ---- references */

static void flaw(struct reference_reader *r, size_t number, const char *why)
{
    char *item = xasprintf("%s: reference %zu", refs_name(r), number + 1);
    eval_add_flaw(r->set, item, why);
    free(item);
}

static void add_fields(struct eval_item *it, const struct pval *ref, int64_t ref_id)
{
    int64_t category;
    reference_set_field(it, "ref_id", json_integer(ref_id));
    if (record_number(ref, "category_id", &category))
        reference_set_field(it, "category_id", json_integer(category));
    double area = ((double)it->box[2] - (double)it->box[0]) *
                  ((double)it->box[3] - (double)it->box[1]);
    reference_set_field(it, "box_area", json_real(area));
}

/* Sentences and their ids side by side: the shorter list ends them. */
static void add_sentences(struct reference_reader *r, const struct pval *ref, size_t number,
                          int64_t image, const float box[4])
{
    const struct pval *list = record_list(ref, "sentences"), *ids = record_list(ref, "sent_ids");
    int64_t ref_id = 0, id = 0;
    record_number(ref, "ref_id", &ref_id);
    for (size_t i = 0; list && ids && i < list->count && i < ids->count; i++) {
        char *text = record_text(list->items[i], "raw");
        if (!text || !record_integer(ids->items[i], &id)) {
            flaw(r, number, "a sentence has no \"raw\" text, or an id that is no number");
            free(text);
            continue;
        }
        struct eval_item *it = reference_item(r, text, (int)number + 1);
        reference_set_id(it, id);
        reference_set_image(it, image);
        memcpy(it->box, box, sizeof it->box);
        it->has_box = it->scored = true;
        add_fields(it, ref, ref_id);
        free(text);
    }
    if (!list || !ids)
        flaw(r, number, list ? "its \"sent_ids\" is missing or no list"
                             : "its \"sentences\" is missing or no list");
    else if (list->count == 0 || ids->count == 0)
        flaw(r, number, "its \"sentences\" or \"sent_ids\" is empty");
}

static void add_reference(struct reference_reader *r, const struct pval *ref, size_t number,
                          const struct numbered *boxes)
{
    int64_t image, annotation;
    float box[4];
    if (!record_number(ref, "image_id", &image))
        flaw(r, number, "its \"image_id\" is missing or no whole number");
    else if (!record_number(ref, "ann_id", &annotation))
        flaw(r, number, "its \"ann_id\" is missing or no whole number");
    else if (!reference_json_box(numbered_get(boxes, annotation), true, box))
        flaw(r, number, "its ann_id has no box in instances.json");
    else
        add_sentences(r, ref, number, image, box);
}

static int boxes_open(const struct reference_reader *r, json_t **root, struct numbered *out)
{
    const json_t *v;
    size_t i;
    char *name = file_of(r, "instances.json");
    int rc = reference_json(r, name, root);
    const json_t *list = json_object_get(*root, "annotations");
    if (rc == 0 && !json_is_array(list))
        rc = vs_fail(r->err, VS_E_FORMAT, "%s/%s: has no list of \"annotations\"", r->root, name);
    json_array_foreach((json_t *)(uintptr_t)list, i, v) {
        int64_t id;
        if (reference_json_integer(json_object_get(v, "id"), &id))
            numbered_add(out, id, json_object_get(v, "bbox"));
    }
    numbered_sort(out);
    free(name);
    return rc;
}

/* Why it cannot be told which split it is of, or NULL. */
static const char *broken_reference(const struct pval *ref)
{
    if (ref->kind != PK_DICT)
        return "is no dictionary";
    char *split = record_text(ref, "split");
    free(split);
    return split ? NULL : "its \"split\" is missing or no text";
}

int reference_read_refcoco(struct reference_reader *r)
{
    struct reference_pickle p;
    struct numbered boxes = {0}, ids = {0};
    enum reference_keep keep = reference_keep_of(r->split); /* all but of train and mteval */
    const char *wanted = keep == KEEP_LISTED ? "train" : r->split;
    json_t *root = NULL;
    char *name = file_of(r, refs_name(r));
    int rc = reference_pickle_open(r, name, PK_LIST, &p), found = 0;
    free(name);
    if (rc == 0)
        rc = boxes_open(r, &root, &boxes);
    if (rc == 0 && keep != KEEP_ALL)
        rc = reference_ids(r, "cache/coco_test_ids.npy", &ids);
    for (size_t i = 0; rc == 0 && i < p.root->count; i++) {
        const struct pval *ref = p.root->items[i];
        const char *broken = broken_reference(ref);
        int64_t image = 0;
        if (broken)
            flaw(r, i, broken);
        if (broken || !is_in_split(wanted, ref))
            continue;
        record_number(ref, "image_id", &image);
        if (reference_is_kept(keep, &ids, image))
            add_reference(r, ref, i, &boxes);
        found++;
    }
    if (rc == 0 && !p.root->count)
        rc = vs_fail(r->err, VS_E_FORMAT, "%s/%s/%s: is an empty list, references are expected",
                     r->root, r->task->name, refs_name(r));
    if (rc == 0 && !found && r->set->flaw_count < (int)p.root->count)
        rc = no_split(r, p.root);
    numbered_fini(&boxes);
    numbered_fini(&ids);
    json_decref(root);
    reference_pickle_close(&p);
    return rc;
}

/* ---- scoring */

int reference_judge_refcoco(const struct eval_set *s, const struct eval_item *it,
                            const struct result *r, struct eval_verdict *v, struct vs_err *err)
{
    float box[4];
    (void)err;
    v->logits = r->raw;
    v->count = r->raw_count;
    v->choice = reference_argmax(r->raw, r->raw_count);
    v->target = -1;
    reference_box(&r->images[0], v->choice, box);
    v->iou = score_iou(box, it->box);
    v->score = v->iou > 0.5f;
    if (s->annotated && v->iou < 0.5f) /* trained: a target of its loss */
        v->iou = 0;
    return 0;
}
