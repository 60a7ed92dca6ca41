/* SPDX-License-Identifier: MIT */
/* What the readers of data sets as their makers annotated them share: each reads a kind of file, or
 * of folder, that is known by its content. */
#ifndef VS_ANNOTATIONS_H
#define VS_ANNOTATIONS_H

#include "src/study/eval_priv.h"
#include "src/base/mem.h"

/* What is read, and what is to come of it. */
struct annotations {
    const struct eval_source *o;
    struct eval_set *s;
    const struct bytes *map; /* NULL: a folder */
    const json_t *root;      /* a document, or NULL */
    const json_t *line;      /* the first of JSON lines, or NULL */
    bool pickled;
    struct vs_err *err;
};

/* One kind: a row of the table in annotations.c. */
struct annotation_kind {
    const char *name; /* "COCO's captions" */
    bool (*is)(const struct annotations *a);
    int (*read)(struct annotations *a);
    bool splits; /* the file has several, of which --split chooses */
};
#define ANNOTATIONS(kind)                                                                          \
    bool annotations_are_##kind(const struct annotations *a);                                      \
    int annotations_read_##kind(struct annotations *a)
ANNOTATIONS(vqa);
ANNOTATIONS(vqa_answers); /* refused: they belong to questions */
ANNOTATIONS(gqa);
ANNOTATIONS(genome);
ANNOTATIONS(telling);
ANNOTATIONS(pointing);
ANNOTATIONS(guesswhat);
ANNOTATIONS(refcoco);
ANNOTATIONS(instances); /* refused, as well */
ANNOTATIONS(nlvr2);
ANNOTATIONS(snli);
ANNOTATIONS(lines);     /* captions, a line an image */
ANNOTATIONS(coco);
ANNOTATIONS(karpathy);
ANNOTATIONS(tokens);
ANNOTATIONS(entities);
ANNOTATIONS(valse);
ANNOTATIONS(foil);
ANNOTATIONS(winoground);
#undef ANNOTATIONS

#define ANNOTATIONS_UNANSWERED " (a set without answers can be answered: --predictions FILE)"

/* A new item of the set. */
struct eval_item *annotations_add(const struct annotations *a, const char *task, const char *text,
                                  int line);
/* The item cannot be asked: VS_E_FORMAT, for eval_go_on. */
int annotations_bad(const struct annotations *a, const char *what);
/* Path of a picture; caller frees. */
char *annotations_image(const struct annotations *a, const char *name);
/* COCO's name of an image: "COCO_val2014_000000000042.jpg". */
char *annotations_coco_image(const struct annotations *a, const char *part, json_int_t image);
/* That annotation's text, or NULL. */
const char *annotations_text(const json_t *v, const char *key);
/* A whole number, also written as text; false where there is none. */
bool annotations_number(const json_t *v, const char *key, json_int_t *out);
bool annotations_integer(const json_t *n, json_int_t *out);
/* A field of the item, to slice by, where the annotation has it. */
void annotations_field(struct eval_item *it, const char *name, json_t *value);
/* Calls take for each member of a list: what it cannot use is a flaw, "WHAT 3". */
typedef int annotations_take(struct annotations *a, const json_t *v, int number, void *arg);
int annotations_each(struct annotations *a, const json_t *list, const char *what,
                     annotations_take *take, void *arg);
/* Whether a text begins as JSON; all of it, or NULL with err, whose text has the line. */
bool annotations_are_json(const struct bytes *map);
json_t *annotations_parse(const struct bytes *map, struct vs_err *err);
/* The document of --annotations, which the caller frees; what: which it is. */
int annotations_more(const struct annotations *a, const char *what, json_t **out);
/* Whether the split of an entry is the wanted one; names: of all that were seen, an object. */
bool annotations_in_split(const char *split, const char *wanted, json_t *names);
/* The split is none of those. */
int annotations_no_split(const struct annotations *a, const char *wanted, const json_t *names);
/* The task that is asked for, when it is among those (NULL-terminated); the first without -t. */
int annotations_task(const struct annotations *a, const char *const *names, const char **out);

/* ---- retrieval: the pool of pictures */

/* The place of a picture in the pool, taking over the path: -1 when it is not there, which leaves
 * its captions out. */
int annotations_pool(struct annotations *a, char *path, size_t captions);
/* A caption of the picture at that place. */
void annotations_caption(struct annotations *a, const char *task, const char *text, int place,
                         int line);

#endif
