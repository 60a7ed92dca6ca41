/* SPDX-License-Identifier: MIT */
/* Flickr30k Entities: a folder with Sentences/ID.txt, five captions with their phrases marked, and
 * Annotations/ID.xml, the boxes of what they name. For retrieval the captions are read, for
 * referring expressions the phrases that have a box; of several boxes what holds them all is meant.
 *
 * Source: the data set's own README. */
#include "src/study/annotations.h"

#include "src/formats/bytes.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

bool annotations_are_entities(const struct annotations *a)
{
    struct stat st;
    char *path = xasprintf("%s/Sentences", a->o->path);
    bool is = !a->map && stat(path, &st) == 0 && S_ISDIR(st.st_mode);
    free(path);
    return is;
}

/* ---- which images */

struct ids {
    char **list;
    size_t count;
};

static void ids_add(struct ids *i, char *id)
{
    i->list = xreallocarray(i->list, i->count + 1, sizeof *i->list);
    i->list[i->count++] = id;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The names, without their ending, of the folder's files that have it, sorted. */
static int list_folder(const struct annotations *a, const char *folder, const char *end,
                       struct ids *out)
{
    DIR *d = opendir(folder);
    size_t m = strlen(end);
    if (!d)
        return vs_fail(a->err, VS_E_IO, "%s: cannot be read", folder);
    for (const struct dirent *e; (e = readdir(d));) {
        size_t n = strlen(e->d_name);
        if (n > m && strcmp(e->d_name + n - m, end) == 0 && e->d_name[0] != '.')
            ids_add(out, xstrndup(e->d_name, n - m));
    }
    closedir(d);
    vs_sort(out->list, out->count, sizeof *out->list, by_name);
    return 0;
}

static void ids_fini(struct ids *i)
{
    for (size_t k = 0; k < i->count; k++)
        free(i->list[k]);
    free(i->list);
}

static int no_split(const struct annotations *a, const char *split)
{
    struct ids files = {0};
    json_t *names = json_object();
    int rc = list_folder(a, a->o->path, ".txt", &files);
    for (size_t i = 0; i < files.count; i++)
        if (strcmp(files.list[i], "README") != 0 && strcmp(files.list[i], "LICENSE") != 0 &&
            strcmp(files.list[i], "UNRELATED_CAPTIONS") != 0)
            json_object_set_new(names, files.list[i], json_true());
    rc = rc ? rc : annotations_no_split(a, split, names);
    json_decref(names);
    ids_fini(&files);
    return rc;
}

/* A small file as a text; NULL: it cannot be read, *err says why. Caller frees. */
static char *read_file(const char *path, struct vs_err *err)
{
    struct bytes map;
    if (bytes_open(path, &map, err) != 0)
        return NULL;
    char *text = xcalloc(map.size + 1, 1);
    for (size_t i = 0; i < map.size; i++) /* of a NUL something that is no text */
        text[i] = map.data[i] ? (char)map.data[i] : '\1';
    bytes_close(&map);
    return text;
}

/* Those that test.txt and the like list, or all. */
static int list_images(const struct annotations *a, struct ids *out)
{
    const char *split = a->o->split ? a->o->split : "test";
    char *path = xasprintf("%s/%s.txt", a->o->path, split);
    char *all = xasprintf("%s/Sentences", a->o->path);
    struct stat st;
    bool there = !strchr(split, '/') && stat(path, &st) == 0;
    char *text = there ? read_file(path, a->err) : NULL;
    int rc = there ? text ? 0 : VS_E_IO
             : a->o->split ? no_split(a, split) : list_folder(a, all, ".txt", out);
    for (const char *p = text; p && *p;) {
        size_t n = strcspn(p, "\r\n");
        if (n)
            ids_add(out, xstrndup(p, n));
        p += n + strspn(p + n, "\r\n");
    }
    free(text);
    free(all);
    free(path);
    return rc;
}

/* ---- boxes */

/* The number in <tag>, before `end`. */
static bool tag_number(const char *p, const char *end, const char *tag, float *out)
{
    const char *at = strstr(p, tag);
    char *stop;
    if (!at || at >= end)
        return false;
    *out = strtof(at + strlen(tag), &stop);
    return stop != at + strlen(tag);
}

/* Whether an <object> between p and end is called so. */
static bool has_name(const char *p, const char *end, const char *id)
{
    size_t n = strlen(id);
    for (const char *at = p; (at = strstr(at, "<name>")) && at < end; at++)
        if (strncmp(at + 6, id, n) == 0 && at[6 + n] == '<')
            return true;
    return false;
}

/* What holds all boxes that an XML gives the phrase's id; *broken: one of them is not whole. False:
 * it has none, as what is not in the picture, or all of it. */
static bool box_of(const char *xml, const char *id, float box[4], bool *broken)
{
    bool found = false;
    *broken = false;
    for (const char *p = xml; (p = strstr(p, "<object>"));) {
        const char *end = strstr(p, "</object>"), *boxed = strstr(p, "<bndbox>");
        float b[4];
        if (!end)
            return found;
        if (boxed && boxed < end && has_name(p, end, id)) {
            *broken |= !tag_number(p, end, "<xmin>", &b[0]) ||
                       !tag_number(p, end, "<ymin>", &b[1]) ||
                       !tag_number(p, end, "<xmax>", &b[2]) ||
                       !tag_number(p, end, "<ymax>", &b[3]);
            if (*broken)
                return false;
            for (int i = 0; i < 4; i++)
                box[i] = !found || (i < 2 ? b[i] < box[i] : b[i] > box[i]) ? b[i] : box[i];
            found = true;
        }
        p = end;
    }
    return found;
}

/* ---- captions: "[/EN#283585/people A man] in a hat" */

struct phrase {
    char *id, *kind, *text;
};

/* The phrase at p, "[/EN#id/kind words]"; what is behind it, or NULL. */
static const char *read_phrase(const char *p, struct phrase *out)
{
    const char *slash = strchr(p + 5, '/'), *close = strchr(p, ']');
    const char *space = slash ? strchr(slash, ' ') : NULL;
    if (!slash || !space || !close || space > close)
        return NULL;
    out->id = xstrndup(p + 5, (size_t)(slash - p - 5));
    out->kind = xstrndup(slash + 1, (size_t)(space - slash - 1));
    out->text = xstrndup(space + 1, (size_t)(close - space - 1));
    return close + 1;
}

static void phrase_fini(struct phrase *p)
{
    free(p->id);
    free(p->kind);
    free(p->text);
    *p = (struct phrase){0};
}

struct entities {
    const char *task;
    bool grounding;
    char *picture, *xml; /* of the image that is read; xml: where phrases are grounded */
    const char *image;
    int place;           /* in the pool */
    int line, caption;   /* of the image's file, from 1; blank lines are no captions */
};

static int add_phrase(struct annotations *a, const struct entities *e, const struct phrase *p,
                      int number)
{
    float box[4];
    bool broken = false;
    bool found = strcmp(p->id, "0") != 0 && box_of(e->xml, p->id, box, &broken);
    if (broken)
        return vs_fail(a->err, VS_E_FORMAT, "%s/Annotations/%s.xml: a <bndbox> of the object '%s' "
                       "has not four numbers, xmin, ymin, xmax and ymax", a->o->path, e->image,
                       p->id);
    if (!found)
        return 0;
    struct eval_item *it = annotations_add(a, e->task, p->text, e->line);
    eval_add_image(it, xstrdup(e->picture));
    memcpy(it->box, box, sizeof it->box);
    it->has_box = true;
    it->id = xasprintf("%s#%d#%d", e->image, e->caption - 1, number);
    json_t *kind = json_string(p->kind);
    annotations_field(it, "type", kind);
    json_decref(kind);
    return 0;
}

/* One caption; its phrases are items, or it is one itself. */
static int take_caption(struct annotations *a, const struct entities *e, const char *p)
{
    struct buf text = {0};
    int number = 0, rc = 0;
    while (*p && rc == 0) {
        struct phrase x = {0};
        if (strncmp(p, "[/EN#", 5) != 0) {
            buf_putc(&text, *p++);
            continue;
        }
        p = read_phrase(p, &x);
        if (!p)
            rc = vs_fail(a->err, VS_E_FORMAT, "%s/Sentences/%s.txt: line %d: a phrase is cut off, "
                         "[/EN#ID/KIND WORDS] is expected", a->o->path, e->image, e->line);
        else if (e->grounding)
            rc = add_phrase(a, e, &x, ++number);
        buf_puts(&text, x.text ? x.text : "");
        phrase_fini(&x);
        p = p ? p : "";
    }
    if (rc == 0 && !e->grounding && text.len) {
        annotations_caption(a, e->task, text.data, e->place, e->line);
        a->s->items[a->s->count - 1].id = xasprintf("%s#%d", e->image, e->caption - 1);
    }
    buf_fini(&text);
    return rc;
}

/* The captions of a file; line by line, one that is none is a flaw. */
static int take_captions(struct annotations *a, struct entities *e, char *p)
{
    int rc = 0;
    e->caption = 0;
    for (e->line = 1; *p && rc == 0; e->line++) {
        char *end = p + strcspn(p, "\r\n");
        char *next = end + (end[0] == '\r' && end[1] == '\n' ? 2 : end[0] != '\0');
        e->caption += end > p;
        char *item = xasprintf("image %s, caption %d", e->image, e->caption);
        int before = a->s->count;
        *end = '\0';
        rc = eval_go_on(a->s, before, item, take_caption(a, e, p), a->err);
        free(item);
        p = next;
    }
    return rc;
}

/* Why a file of captions is none: VS_E_FORMAT, or 0. */
static int check_sentences(const struct annotations *a, const char *path, const char *text)
{
    if (text[0] == '\0')
        return vs_fail(a->err, VS_E_FORMAT, "%s: is empty, captions are expected", path);
    for (const char *p = text; *p; p++)
        if ((unsigned char)*p < ' ' && !strchr("\t\r\n", *p))
            return vs_fail(a->err, VS_E_FORMAT, "%s: is not text, captions are expected", path);
    return 0;
}

static size_t count_lines(const char *text)
{
    size_t n = 0;
    for (const char *p = text; *p; n++)
        p += strcspn(p, "\n") + (strchr(p, '\n') != NULL);
    return n;
}

static int take_image(struct annotations *a, struct entities *e, const char *id)
{
    char *sentences = xasprintf("%s/Sentences/%s.txt", a->o->path, id);
    char *boxes = xasprintf("%s/Annotations/%s.xml", a->o->path, id);
    char *file = xasprintf("%s.jpg", id), *text = read_file(sentences, a->err);
    int rc = text ? check_sentences(a, sentences, text) : VS_E_FORMAT;
    e->image = id;
    e->picture = annotations_image(a, file);
    e->xml = rc == 0 && e->grounding ? read_file(boxes, a->err) : NULL;
    if (rc == 0 && e->grounding && (!e->xml || !strstr(e->xml, "</annotation>")))
        rc = e->xml ? vs_fail(a->err, VS_E_FORMAT, "%s: is not XML of boxes, or cut off", boxes)
                    : VS_E_FORMAT;
    e->place = 0;
    if (rc == 0 && !e->grounding)
        e->place = annotations_pool(a, xstrdup(e->picture), count_lines(text));
    if (rc == 0 && e->place >= 0)
        rc = take_captions(a, e, text);
    free(e->picture);
    free(e->xml);
    free(text);
    free(file);
    free(boxes);
    free(sentences);
    return rc;
}

int annotations_read_entities(struct annotations *a)
{
    static const char *const tasks[] = {"flickr30k", "coco", "refcoco", "refcoco+", "refcocog",
                                        NULL};
    struct entities e = {0};
    struct ids ids = {0};
    int rc = annotations_task(a, tasks, &e.task);
    e.grounding = e.task && task_find(e.task)->reading->ranked == RANKED_REGIONS;
    if (rc == 0)
        rc = list_images(a, &ids);
    for (size_t i = 0; rc == 0 && i < ids.count; i++) {
        char *item = xasprintf("image %s", ids.list[i]);
        rc = eval_go_on(a->s, a->s->count, item, take_image(a, &e, ids.list[i]), a->err);
        free(item);
    }
    ids_fini(&ids);
    return rc;
}
