/* SPDX-License-Identifier: MIT */
/* Data sets as their makers annotated them: which one it is, and what their readers share. */
#include "src/study/annotations.h"

#include "src/formats/filekind.h"
#include "src/formats/labels.h"

#include <stdlib.h>
#include <string.h>

/* In the order in which they are tried. */
#define KIND(kind, title, splits)                                                                  \
    {title, annotations_are_##kind, annotations_read_##kind, splits}
static const struct annotation_kind kinds[] = {
    KIND(refcoco, "RefCOCO's references", true),
    KIND(entities, "Flickr30k Entities", true),
    KIND(tokens, "Flickr30k's captions", false),
    KIND(lines, "captions, a line for each image", false),
    KIND(winoground, "Winoground", false),
    KIND(guesswhat, "GuessWhat", false),
    KIND(snli, "SNLI-VE", false),
    KIND(nlvr2, "NLVR2", false),
    KIND(vqa, "VQA", false),
    KIND(vqa_answers, "VQA's answers", false),
    KIND(karpathy, "captions in Karpathy's splits", true),
    KIND(pointing, "Visual7W pointing", true),
    KIND(telling, "Visual7W telling", true),
    KIND(foil, "FOIL-COCO", false),
    KIND(valse, "VALSE", false),
    KIND(coco, "COCO's captions", false),
    KIND(instances, "COCO's instances", false),
    KIND(genome, "Visual Genome's questions", false),
    KIND(gqa, "GQA", false),
};
#define KINDS (sizeof kinds / sizeof kinds[0])

/* ---- which one it is */

/* The first line that is an object by itself, at *at or behind; NULL: none is. *whole: nothing but
 * that line is in the file. */
static json_t *first_object(const struct bytes *map, bool any, bool *whole)
{
    const char *p = (const char *)map->data, *end = p + map->size;
    json_t *v = NULL;
    *whole = true;
    while (p < end && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'))
        p++;
    while (!v && p < end) {
        const char *stop = memchr(p, '\n', (size_t)(end - p));
        v = json_loadb(p, (size_t)((stop ? stop : end) - p), 0, NULL);
        if (!json_is_object(v)) {
            json_decref(v);
            v = NULL;
        }
        p = stop ? stop + 1 : end;
        if (!any)
            break;
    }
    for (; p < end; p++)
        *whole &= *p == ' ' || *p == '\n' || *p == '\r' || *p == '\t';
    return v;
}

/* JSON of another kind: in words. */
static int unknown_json(const struct annotations *a)
{
    struct buf b = {0};
    const char *key;
    json_t *v;
    int n = 0;
    json_object_foreach((json_t *)(uintptr_t)a->root, key, v)
        if (n++ < 5)
            buf_printf(&b, "%s\"%s\"", b.len ? ", " : "", key);
    int rc = vs_fail(a->err, VS_E_FORMAT, "%s: a JSON document of no known data set%s%s%s "
                     "(vilscope-data(5) lists them)", a->o->path, b.len ? ", with " : "",
                     b.data ? b.data : "", n > 5 ? ", ..." : "");
    buf_fini(&b);
    return rc;
}

static int read_kind(struct annotations *a, const struct annotation_kind *k)
{
    if (a->o->split && !k->splits)
        return vs_fail(a->err, VS_E_USAGE, "%s: %s, all of one split: leave out --split '%s'",
                       a->o->path, k->name, a->o->split);
    int rc = k->read(a);
    if (rc == VS_E_FORMAT && a->err && !strstr(a->err->text, a->o->path) &&
        !(a->o->annotations && strstr(a->err->text, a->o->annotations)))
        vs_fail_prefix(a->err, "%s", a->o->path);
    return rc;
}

/* Whether it is one of them; then *rc. */
static bool try_kinds(struct annotations *a, int *rc)
{
    for (size_t i = 0; i < KINDS; i++)
        if (kinds[i].is(a)) {
            *rc = read_kind(a, &kinds[i]);
            return true;
        }
    return false;
}

/* JSON lines: false when they are of no known kind, ours among them. */
static bool try_lines(struct annotations *a, const json_t *line, int *rc)
{
    a->line = line;
    bool known = line && !json_object_get(line, "task") && try_kinds(a, rc);
    a->line = NULL;
    return known;
}

/* A document, which first may be; else *known is false. */
static int try_document(struct annotations *a, json_t *first, bool *known)
{
    struct vs_err why = {0};
    json_t *root = first ? json_incref(first) : annotations_parse(a->map, &why);
    int rc = 0;
    a->root = root;
    if (root && !try_kinds(a, &rc))
        rc = unknown_json(a);
    *known = root != NULL;
    a->root = NULL;
    json_decref(root);
    if (!root) { /* unless it is lines, of which the first is damaged */
        bool whole;
        json_t *line = first_object(a->map, true, &whole);
        *known = !line || try_lines(a, line, &rc);
        if (!line)
            rc = vs_fail(a->err, why.code, "%s", why.text);
        json_decref(line);
    }
    return rc;
}

static int read_text(struct annotations *a, bool *known)
{
    bool whole;
    int rc = 0;
    *known = true;
    if (!annotations_are_json(a->map))
        return try_kinds(a, &rc) ? rc
                                 : vs_fail(a->err, VS_E_FORMAT, "%s: is %s, not a data set "
                                           "(vilscope-data(5) lists them)", a->o->path,
                                           file_kind(a->map));
    json_t *line = first_object(a->map, false, &whole);
    if (json_object_get(line, "task"))
        *known = false; /* ours */
    else if (!try_lines(a, line, &rc))
        rc = line && !whole ? (*known = false, 0) : try_document(a, line, known);
    json_decref(line);
    return rc;
}

int eval_annotations(const struct eval_source *o, const struct bytes *map, struct eval_set *s,
                     bool *known, struct vs_err *err)
{
    const struct bytes text = map ? bytes_text(map) : (struct bytes){0};
    struct annotations a = {.o = o, .s = s, .map = map ? &text : NULL, .err = err};
    int rc = 0;
    *known = false;
    map = a.map;
    if (map && map->size == 0)
        return 0;
    a.pickled = map && labels_are_pickled(map); /* of any protocol */
    if (map && !a.pickled)
        return read_text(&a, known);
    *known = try_kinds(&a, &rc);
    return rc;
}
