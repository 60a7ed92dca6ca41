/* SPDX-License-Identifier: MIT */
/* NLVR2 and SNLI-VE: JSON lines, statements on images.
 *
 * Source: nlvr2_dataset.py and visual_entailment_dataset.py of the reference. */
#include "src/study/annotations.h"

#include <stdlib.h>
#include <string.h>

bool annotations_are_nlvr2(const struct annotations *a)
{
    return json_object_get(a->line, "identifier") && json_object_get(a->line, "sentence");
}

static int take_nlvr2(void *arg, int line, const json_t *v)
{
    const struct annotations *a = arg;
    const char *text = annotations_text(v, "sentence"), *id = annotations_text(v, "identifier");
    const json_t *label = json_object_get(v, "label");
    const char *word = json_string_value(label), *last = id ? strrchr(id, '-') : NULL;
    if (!text || !last || (!label && !a->o->optional))
        return vs_fail(a->err, VS_E_FORMAT, "no sentence, identifier and label%s",
                       text && last ? ANNOTATIONS_UNANSWERED : "");
    bool yes = json_is_true(label) || (word && (word[0] == 'T' || word[0] == 't'));
    struct eval_item *it = annotations_add(a, "nlvr2", text, line);
    for (int i = 0; i < 2; i++) {
        char *name = xasprintf("%.*s-img%d.png", (int)(last - id), id, i);
        eval_add_image(it, annotations_image(a, name));
        free(name);
    }
    it->id = xstrdup(id);
    if (label)
        eval_add_label(it, yes ? "true" : "false", 1);
    annotations_field(it, "synset", json_object_get(v, "synset"));
    return 0;
}

int annotations_read_nlvr2(struct annotations *a)
{
    return eval_lines(a->s, a->map, take_nlvr2, a, a->err);
}

bool annotations_are_snli(const struct annotations *a)
{
    return json_object_get(a->line, "gold_label") || json_object_get(a->line, "sentence2");
}

static int take_snli(void *arg, int line, const json_t *v)
{
    static const char *const names[] = {"Flikr30kID", "Flickr30K_ID", "Flickr30kID", "captionID"};
    const struct annotations *a = arg;
    const char *text = annotations_text(v, "sentence2"), *image = NULL;
    const char *label = annotations_text(v, "gold_label"), *id = annotations_text(v, "pairID");
    for (size_t i = 0; i < 4 && !image; i++)
        image = annotations_text(v, names[i]);
    if (!text || !image || (!label && !a->o->optional))
        return vs_fail(a->err, VS_E_FORMAT, "no sentence2, Flickr30K_ID and gold_label%s",
                       text && image ? ANNOTATIONS_UNANSWERED : "");
    struct eval_item *it = annotations_add(a, "snli-ve", text, line);
    char *name = xasprintf("%.*s.jpg", (int)strcspn(image, "#."), image);
    eval_add_image(it, annotations_image(a, name));
    free(name);
    it->id = xstrdup_null(id);
    if (label && label[0] != '-') /* its annotators did not agree: it counts, nothing is right */
        eval_add_label(it, label, 1);
    it->scored = label != NULL;
    return 0;
}

int annotations_read_snli(struct annotations *a)
{
    return eval_lines(a->s, a->map, take_snli, a, a->err);
}
