/* SPDX-License-Identifier: MIT */
/* NLVR2 and SNLI-VE in the reference's data folder: JSON lines.
 *
 * Source: nlvr2_dataset.py and visual_entailment_dataset.py of the reference. */
#include "src/study/reference_priv.h"

#include <stdlib.h>
#include <string.h>

static void line_flaw(struct reference_reader *r, int line, const char *why)
{
    char *item = xasprintf("line %d", line);
    eval_add_flaw(r->set, item, why);
    free(item);
}

/* The one class that is right. */
static void set_class(struct eval_item *it, int class)
{
    it->classes = xcalloc(1, sizeof *it->classes);
    it->worths = xcalloc(1, sizeof *it->worths);
    it->classes[0] = class;
    it->worths[0] = 1;
    it->label_count = 1;
    it->scored = true;
}

/* ---- NLVR2: whatever does not read "False" is true */

static bool reads_false(const json_t *label)
{
    const char *word = json_string_value(label);
    return json_is_false(label) || (word && strcmp(word, "False") == 0);
}

static int take_pair(void *arg, int line, const json_t *v)
{
    struct reference_reader *r = arg;
    const char *text = json_string_value(json_object_get(v, "sentence"));
    const char *id = json_string_value(json_object_get(v, "identifier"));
    const char *last = id ? strrchr(id, '-') : NULL;
    const json_t *label = json_object_get(v, "label");
    if (!text || !last) {
        line_flaw(r, line, "has no sentence, or no identifier like dev-10-0-2");
        return 0;
    }
    struct eval_item *it = reference_item(r, text, line);
    it->id = xstrdup(id);
    for (int i = 0; i < 2; i++)
        eval_add_image(it, xasprintf("%.*s-img%d", (int)(last - id), id, i));
    if (label)
        set_class(it, !reads_false(label));
    json_t *synset = json_object_get(v, "synset");
    if (json_is_string(synset))
        reference_set_field(it, "synset", json_incref(synset));
    return 0;
}

/* Without a label an item cannot be counted, unless none has one: then nothing is. */
static void drop_unlabelled(struct eval_set *s)
{
    int n = 0;
    bool labelled = false;
    for (int i = 0; i < s->count; i++)
        labelled |= s->items[i].scored;
    for (int i = 0; labelled && i < s->count; i++) {
        if (s->items[i].scored) {
            s->items[n++] = s->items[i];
            continue;
        }
        eval_add_flaw(s, s->items[i].id, "has no label, as others have");
        eval_item_fini(&s->items[i]);
    }
    s->count = labelled ? n : s->count;
}

int reference_read_nlvr2(struct reference_reader *r)
{
    char *name = xasprintf("%s.json", r->split);
    if (!reference_is_there(r, name) && strcmp(r->split, "test") == 0 &&
        reference_is_there(r, "test1.json")) { /* as it was published */
        free(name);
        name = xstrdup("test1.json");
    }
    int rc = reference_is_there(r, name) ? reference_lines(r, name, take_pair, r)
                                         : reference_no_file(r, "", ".json");
    if (rc == 0)
        drop_unlabelled(r->set);
    free(name);
    return rc;
}

/* ---- SNLI-VE: items without a label that people agreed on count, and nothing is right */

static int class_of(const char *label)
{
    static const char *const names[] = {"contradiction", "neutral", "entailment"};
    for (int i = 0; i < 3; i++)
        if (strcmp(label, names[i]) == 0)
            return i;
    return -1;
}

/* The number before the first dot. */
static bool image_of(const char *name, int64_t *out)
{
    char *stem = xstrndup(name, strcspn(name, "."));
    bool good = reference_integer(stem, out);
    free(stem);
    return good;
}

struct entailment {
    struct reference_reader *r;
    struct numbered ids;
    enum reference_keep keep;
    int kept;
};

static int take_hypothesis(void *arg, int line, const json_t *v)
{
    struct entailment *e = arg;
    struct reference_reader *r = e->r;
    const char *text = json_string_value(json_object_get(v, "sentence2"));
    const char *name = json_string_value(json_object_get(v, "Flikr30kID"));
    const char *label = json_string_value(json_object_get(v, "gold_label"));
    int64_t image;
    int class = label ? class_of(label) : -1;
    if (!text || !name || !image_of(name, &image) || !label ||
        (class < 0 && strcmp(label, "-") != 0)) {
        line_flaw(r, line, "has not sentence2, a Flikr30kID that is a number, and a gold_label");
        return 0;
    }
    if (!reference_is_kept(e->keep, &e->ids, image))
        return 0;
    struct eval_item *it = reference_item(r, text, line);
    reference_set_id(it, e->keep == KEEP_ALL ? line - 1 : e->kept++);
    reference_set_image(it, image);
    if (class >= 0)
        set_class(it, class);
    it->scored = true;
    return 0;
}

int reference_read_snli(struct reference_reader *r)
{
    struct entailment e = {.r = r, .keep = reference_keep_of(r->split)};
    char *name = xasprintf("snli_ve_%s.jsonl", e.keep == KEEP_LISTED ? "train" : r->split);
    int rc = reference_is_there(r, name) ? 0 : reference_no_file(r, "snli_ve_", ".jsonl");
    if (rc == 0 && e.keep != KEEP_ALL)
        rc = reference_ids(r, "cache/flickr_test_ids.npy", &e.ids);
    if (rc == 0)
        rc = reference_lines(r, name, take_hypothesis, &e);
    free(name);
    numbered_fini(&e.ids);
    return rc;
}

/* ---- scoring */

static int judge_class(const struct eval_item *it, const struct result *r, struct eval_verdict *v)
{
    v->logits = r->raw;
    v->count = r->raw_count;
    v->choice = reference_argmax(r->raw, r->raw_count);
    v->target = it->label_count ? it->classes[0] : -1;
    v->score = v->choice == v->target;
    return 0;
}

#define JUDGES_CLASSES(name)                                                                       \
    int reference_judge_##name(const struct eval_set *s, const struct eval_item *it,               \
                               const struct result *r, struct eval_verdict *v, struct vs_err *err) \
    {                                                                                              \
        (void)s;                                                                                   \
        (void)err;                                                                                 \
        return judge_class(it, r, v);                                                              \
    }
JUDGES_CLASSES(nlvr2)
JUDGES_CLASSES(snli)
