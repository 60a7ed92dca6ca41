/* SPDX-License-Identifier: MIT */
/* Visual7W and GuessWhat in the reference's data folder: a choice among annotated boxes, whose
 * features are in an LMDB of their own.
 *
 * The reference takes the features of box k from row 101 + k of the image's regions. That is the
 * box where 100 regions were detected; elsewhere it is another box, a detected region or padding.
 * Here it is the box's own row, unless the set is to be as the reference has it.
 *
 * Source: visual7w_pointing_dataset.py and guesswhat_pointing_dataset.py of the reference. */
#include "src/study/reference_priv.h"

#include "src/formats/ndarray.h"
#include "src/text/score.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_ROW 101 /* of the annotated boxes, in the reference */
#define GUESS_MOST 204 /* objects of a game; fewer are filled up with this number's row */

/* ---- ids of boxes in their order */

struct ids {
    int64_t *list;
    size_t count, room;
};

static void ids_add(struct ids *a, int64_t id)
{
    if (a->count == a->room) {
        a->room = a->room ? 2 * a->room : 16;
        a->list = xreallocarray(a->list, a->room, sizeof *a->list);
    }
    a->list[a->count++] = id;
}

static int ids_order(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static void ids_sort(struct ids *a, bool unique)
{
    size_t n = 0;
    vs_sort(a->list, a->count, sizeof *a->list, ids_order);
    for (size_t i = 0; unique && i < a->count; i++)
        if (i == 0 || a->list[i] != a->list[i - 1])
            a->list[n++] = a->list[i];
    a->count = unique ? n : a->count;
}

static void ids_fini(struct ids *a)
{
    free(a->list);
    *a = (struct ids){0};
}

/* The numbers of wanted ones, sorted, among all of the image; false when one is not there. */
static bool add_choices(struct eval_item *it, const struct ids *wanted, const struct ids *all)
{
    it->choices = xcalloc(wanted->count + 1, sizeof *it->choices);
    for (size_t i = 0; i < wanted->count; i++) {
        const int64_t *at = all->count ? bsearch(&wanted->list[i], all->list, all->count,
                                                 sizeof *all->list, ids_order) : NULL;
        if (!at)
            return false;
        it->choices[it->choice_count++] = (int)(at - all->list);
    }
    return it->choice_count > 0;
}

/* The last item leaves the set again. */
static void take_back(struct reference_reader *r, const char *why)
{
    struct eval_item *it = &r->set->items[r->set->count - 1];
    eval_add_flaw(r->set, it->id, why);
    eval_item_fini(it);
    r->set->count--;
}

/* ---- Visual7W */

#define KEY_BEFORE "v7w_" /* the image's number in the LMDBs */

const char *reference_image(const struct eval_item *it)
{
    size_t n = strlen(KEY_BEFORE);
    return it->images[0] + (strncmp(it->images[0], KEY_BEFORE, n) == 0 ? n : 0);
}

/* The boxes that a question names: the right one and the others. */
static bool question_boxes(const json_t *q, struct ids *out)
{
    const json_t *v;
    size_t i;
    int64_t id;
    const json_t *others = json_object_get(q, "multiple_choices");
    bool good = reference_json_integer(json_object_get(q, "answer"), &id) && json_is_array(others);
    if (good)
        ids_add(out, id);
    json_array_foreach((json_t *)(uintptr_t)others, i, v) {
        if (reference_json_integer(v, &id))
            ids_add(out, id);
        else
            good = false;
    }
    return good;
}

static void add_question(struct reference_reader *r, const json_t *q, int64_t image,
                         const struct ids *all, const struct numbered *boxes, int number)
{
    int64_t id = 0, answer = 0;
    struct ids own = {0};
    const char *text = json_string_value(json_object_get(q, "question"));
    bool good = question_boxes(q, &own) && text;
    reference_json_integer(json_object_get(q, "answer"), &answer);
    struct eval_item *it = reference_item(r, text ? text : "", number);
    good = reference_json_integer(json_object_get(q, "qa_id"), &id) && good;
    reference_set_id(it, id);
    it->image_is_number = true;
    eval_add_image(it, xasprintf(KEY_BEFORE "%lld", (long long)image));
    ids_sort(&own, false);
    good = good && add_choices(it, &own, all);
    ids_fini(&own);
    const float *box = numbered_get(boxes, answer);
    if (good && box) {
        memcpy(it->box, box, sizeof it->box);
        it->has_box = it->scored = true;
        reference_set_field(it, "candidates", json_integer(it->choice_count));
    } else {
        take_back(r, good ? "its answer is none of the boxes"
                          : "has not a question, a qa_id, an answer and multiple_choices");
    }
}

static void add_image(struct reference_reader *r, const json_t *v, const struct numbered *boxes)
{
    int64_t image;
    struct ids all = {0};
    const json_t *q;
    size_t i;
    json_t *list = json_object_get(v, "qa_pairs");
    if (!reference_json_integer(json_object_get(v, "image_id"), &image) || !json_is_array(list)) {
        eval_add_flaw(r->set, "an image", "has no image_id or no qa_pairs");
        return;
    }
    json_array_foreach(list, i, q)
        question_boxes(q, &all);
    ids_sort(&all, true);
    json_array_foreach(list, i, q)
        add_question(r, q, image, &all, boxes, (int)i + 1);
    ids_fini(&all);
}

/* box_id -> corners; *store is what they are kept in. */
static void boxes_open(const json_t *list, float (**store)[4], struct numbered *out)
{
    const json_t *v;
    size_t i;
    *store = xcalloc(json_array_size(list) + 1, sizeof **store);
    json_array_foreach((json_t *)(uintptr_t)list, i, v) {
        static const char *const names[4] = {"x", "y", "width", "height"};
        json_t *four = json_array();
        int64_t id;
        for (int k = 0; k < 4; k++)
            json_array_append(four, json_object_get(v, names[k]));
        if (reference_json_box(four, true, (*store)[i]) &&
            reference_json_integer(json_object_get(v, "box_id"), &id))
            numbered_add(out, id, (*store)[i]);
        json_decref(four);
    }
    numbered_sort(out);
}

/* The splits of the images, each once. */
static int no_split(const struct reference_reader *r, const json_t *images)
{
    struct buf names = {0};
    json_t *seen = json_object(), *v;
    const char *name;
    size_t i;
    json_array_foreach((json_t *)(uintptr_t)images, i, v)
        if ((name = json_string_value(json_object_get(v, "split"))))
            json_object_set_new(seen, name, json_true());
    json_object_foreach(seen, name, v)
        buf_printf(&names, "%s%s", names.len ? ", " : "", name);
    json_decref(seen);
    int rc = reference_no_split(r, names.data ? names.data : "");
    buf_fini(&names);
    return rc;
}

static int add_images(struct reference_reader *r, const json_t *images,
                      const struct numbered *boxes, const struct numbered *ids)
{
    enum reference_keep keep = reference_keep_of(r->split);
    const char *wanted = keep == KEEP_LISTED ? "train" : r->split;
    const json_t *v;
    size_t i;
    int found = 0;
    json_array_foreach((json_t *)(uintptr_t)images, i, v) {
        const char *split = json_string_value(json_object_get(v, "split"));
        int64_t image = 0;
        if (!split || strcmp(split, wanted) != 0)
            continue;
        found++;
        reference_json_integer(json_object_get(v, "image_id"), &image);
        if (reference_is_kept(keep, ids, image))
            add_image(r, v, boxes);
    }
    return found ? 0 : no_split(r, images);
}

int reference_read_visual7w(struct reference_reader *r)
{
    static const char name[] = "dataset_v7w_pointing.json";
    struct numbered boxes = {0}, ids = {0};
    float (*store)[4] = NULL;
    json_t *root = NULL;
    int rc = reference_json(r, name, &root);
    const json_t *images = json_object_get(root, "images");
    if (rc == 0 && (!json_is_array(images) || !json_is_array(json_object_get(root, "boxes"))))
        rc = vs_fail(r->err, VS_E_FORMAT, "%s/%s: has not \"images\" and \"boxes\"", r->root, name);
    if (rc == 0 && reference_keep_of(r->split) != KEEP_ALL)
        rc = reference_ids(r, "cache/genome_test_ids.npy", &ids);
    if (rc == 0) {
        boxes_open(json_object_get(root, "boxes"), &store, &boxes);
        rc = add_images(r, images, &boxes, &ids);
    }
    numbered_fini(&boxes);
    numbered_fini(&ids);
    free(store);
    json_decref(root);
    return rc;
}

/* ---- GuessWhat */

struct guess {
    struct reference_reader *r;
    struct numbered images, boxes; /* lists of object ids by image; corners by object */
    struct numbered ids;
    enum reference_keep keep;
};

static void index_dict(const struct pval *dict, struct numbered *out)
{
    for (size_t i = 0; i + 1 < dict->count; i += 2) {
        int64_t key;
        if (record_integer(dict->items[i], &key))
            numbered_add(out, key, dict->items[i + 1]);
    }
    numbered_sort(out);
}

static bool corners_of(const struct pval *v, float box[4])
{
    bool good = v && (v->kind == PK_LIST || v->kind == PK_TUPLE) && v->count == 4;
    for (size_t i = 0; good && i < 4; i++) {
        double x;
        good = record_real(v->items[i], &x);
        box[i] = (float)x;
    }
    return good;
}

/* All objects of the image, each once. */
static bool image_objects(const struct guess *g, int64_t image, struct ids *out)
{
    const struct pval *v = numbered_get(&g->images, image);
    const struct pval *list = v && v->kind == PK_DICT ? pval_get(v, "bboxes") : NULL;
    if (list && list->kind != PK_LIST && list->kind != PK_TUPLE && list->kind != PK_SET)
        list = NULL;
    for (size_t i = 0; list && i < list->count; i++) {
        int64_t id;
        if (record_integer(list->items[i], &id))
            ids_add(out, id);
    }
    ids_sort(out, true);
    return out->count > 0;
}

static bool game_objects(const json_t *game, struct ids *out)
{
    const json_t *v;
    size_t i;
    json_array_foreach((json_t *)(uintptr_t)json_object_get(game, "objects"), i, v) {
        int64_t id;
        if (!reference_json_integer(json_object_get(v, "id"), &id))
            return false;
        ids_add(out, id);
    }
    ids_sort(out, false);
    return out->count > 0;
}

/* The whole dialog in one line, as the model was trained on it; NULL when there is none, or a turn
 * is not whole. */
static char *dialog_of(const json_t *turns)
{
    struct buf b = {0};
    const json_t *v;
    size_t i;
    if (!json_is_array(turns))
        return NULL;
    json_array_foreach((json_t *)(uintptr_t)turns, i, v) {
        const char *q = json_string_value(json_object_get(v, "question"));
        const char *a = json_string_value(json_object_get(v, "answer"));
        if (!q || !a) {
            buf_fini(&b);
            return NULL;
        }
        buf_printf(&b, "start %s answer %s stop ", q, a);
    }
    return buf_steal(&b);
}

/* What is wrong with the game whose item was made; NULL: nothing. */
static const char *fill_game(const struct guess *g, const json_t *game, int64_t image,
                             struct eval_item *it)
{
    int64_t object = 0;
    struct ids own = {0}, all = {0};
    const char *why = NULL;
    reference_json_integer(json_object_get(game, "object_id"), &object);
    if (!image_objects(g, image, &all))
        why = "its image has no objects in image_bbox_list.pkl";
    else if (!game_objects(game, &own) || !add_choices(it, &own, &all))
        why = "has no objects, or one that image_bbox_list.pkl has not";
    else if (!corners_of(numbered_get(&g->boxes, object), it->box))
        why = "its object_id has no box in bboxes_dict.pkl";
    ids_fini(&own);
    ids_fini(&all);
    return why;
}

static void add_game_fields(struct eval_item *it, const json_t *game)
{
    json_t *status = json_object_get(game, "status");
    reference_set_field(it, "candidates", json_integer(it->choice_count));
    reference_set_field(it, "turns",
                        json_integer((json_int_t)json_array_size(json_object_get(game, "qas"))));
    if (json_is_string(status))
        reference_set_field(it, "status", json_incref(status));
}

static int take_game(void *arg, int line, const json_t *game)
{
    struct guess *g = arg;
    struct reference_reader *r = g->r;
    int64_t id = line, image = 0;
    char *text = dialog_of(json_object_get(game, "qas"));
    bool good = text && reference_json_integer(
                            json_object_get(json_object_get(game, "image"), "id"), &image);
    if (good && !reference_is_kept(g->keep, &g->ids, image)) {
        free(text);
        return 0;
    }
    reference_json_integer(json_object_get(game, "id"), &id);
    struct eval_item *it = reference_item(r, text ? text : "", line);
    free(text);
    reference_set_id(it, id);
    reference_set_image(it, image);
    const char *why = good ? fill_game(g, game, image, it)
                           : "has no image id, no qas, or a turn without question and answer";
    if (why) {
        take_back(r, why);
        return 0;
    }
    it->has_box = it->scored = true;
    add_game_fields(it, game);
    return 0;
}

int reference_read_guesswhat(struct reference_reader *r)
{
    struct guess g = {.r = r, .keep = reference_keep_of(r->split)};
    struct reference_pickle images = {0}, boxes = {0};
    char *name = xasprintf("guesswhat.%s.jsonl", g.keep == KEEP_LISTED ? "train" : r->split);
    int rc = reference_is_there(r, name) ? 0 : reference_no_file(r, "guesswhat.", ".jsonl");
    if (rc == 0)
        rc = reference_pickle_open(r, "cache/image_bbox_list.pkl", PK_DICT, &images);
    if (rc == 0)
        rc = reference_pickle_open(r, "cache/bboxes_dict.pkl", PK_DICT, &boxes);
    if (rc == 0 && g.keep != KEEP_ALL)
        rc = reference_ids(r, "cache/coco_test_ids.npy", &g.ids);
    if (rc == 0) {
        index_dict(images.root, &g.images);
        index_dict(boxes.root, &g.boxes);
        rc = reference_lines(r, name, take_game, &g);
    }
    free(name);
    numbered_fini(&g.images);
    numbered_fini(&g.boxes);
    numbered_fini(&g.ids);
    reference_pickle_close(&images);
    reference_pickle_close(&boxes);
    return rc;
}

/* ---- scoring */

bool reference_needs_padding(const struct eval_item *it, const struct photo *p)
{
    return it->choices && p->regions && p->regions->count < FIRST_ROW - 1;
}

/* Logit and overlap of a choice's row. Rows behind the last one are padding, and rows that the
 * model does not take cannot be chosen. */
static float row_logit(const struct result *r, int row)
{
    return row < r->raw_count ? r->raw[row] : -10000;
}

static float row_overlap(const struct result *r, const struct eval_item *it, int row)
{
    const struct result_image *im = &r->images[0];
    float box[4];
    if (row > im->region_count + im->candidate_count || row >= r->raw_count)
        return 0;
    reference_box(im, row, box);
    float iou = score_iou(box, it->box);
    return iou < 0.5f ? 0 : iou;
}

/* Fills in what each choice has. */
static void list_choices(const struct eval_item *it, const struct result *r, int first,
                         struct eval_verdict *v, float *overlaps)
{
    v->rows = xcalloc((size_t)v->count, sizeof *v->rows);
    v->own = xcalloc((size_t)v->count, sizeof *v->own);
    v->logits = v->own;
    for (int i = 0; i < v->count; i++) {
        v->rows[i] = first + it->choices[i];
        v->own[i] = row_logit(r, v->rows[i]);
        overlaps[i] = row_overlap(r, it, v->rows[i]);
    }
}

static int judge_choice(const struct eval_set *s, const struct eval_item *it, int most,
                        const struct result *r, struct eval_verdict *v)
{
    int own = r->images[0].region_count + 1, first = s->as_reference ? FIRST_ROW : own;
    v->count = s->as_reference && it->choice_count > most ? most : it->choice_count;
    float *overlaps = xcalloc((size_t)v->count + 1, sizeof *overlaps);
    list_choices(it, r, first, v, overlaps);
    v->shifted = own != FIRST_ROW;
    v->choice = reference_argmax(v->logits, v->count);
    v->target = reference_argmax(overlaps, v->count);
    v->score = v->choice == v->target;
    free(overlaps);
    return 0;
}

/* There a question ends the program when one of its rows is behind the last one. */
int reference_judge_visual7w(const struct eval_set *s, const struct eval_item *it,
                             const struct result *r, struct eval_verdict *v, struct vs_err *err)
{
    const struct result_image *im = &r->images[0];
    int rows = 1 + im->region_count + im->candidate_count;
    for (int i = 0; s->as_reference && i < it->choice_count; i++)
        if (FIRST_ROW + it->choices[i] >= rows)
            return vs_fail(err, VS_E_FORMAT, "image '%s' has %d detected boxes, not %d: the "
                           "reference ends at this question (IndexError)", it->images[0],
                           im->region_count, FIRST_ROW - 1);
    return judge_choice(s, it, it->choice_count, r, v);
}

/* There games with fewer objects are filled up with a row that is padding: it wins where all rows
 * of the game are padding and lie below it. */
int reference_judge_guesswhat(const struct eval_set *s, const struct eval_item *it,
                              const struct result *r, struct eval_verdict *v, struct vs_err *err)
{
    int rc = judge_choice(s, it, GUESS_MOST, r, v), fill = FIRST_ROW + GUESS_MOST;
    (void)err;
    if (s->as_reference && v->count < GUESS_MOST && fill < r->raw_count &&
        r->raw[fill] > v->logits[v->choice])
        v->choice = v->count;
    v->score = v->choice == v->target;
    return rc;
}

/* ---- rows */

void reference_row_choice(const struct eval_set *s, const struct eval_item *it,
                          const struct eval_verdict *v, struct buf *out)
{
    (void)s;
    buf_printf(out, "{\"id\": %s, \"target\": %d}", reference_image(it), v->choice);
}
