/* SPDX-License-Identifier: MIT */
/* Captions for retrieval: the reference's lines, COCO's own file, Karpathy's splits, Flickr30k's
 * table. All pictures of what is read are the pool that each caption is looked for in.
 *
 * Source: retreival_dataset.py of the reference; the data sets' own descriptions. */
#include "src/study/annotations.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char *const coco_first[] = {"coco", "flickr30k", NULL};
static const char *const flickr_first[] = {"flickr30k", "coco", NULL};

static bool is_coco(const char *file)
{
    return strncmp(file, "COCO_", 5) == 0;
}

static const char *name_of(const char *path)
{
    const char *slash = path ? strrchr(path, '/') : NULL;
    return slash ? slash + 1 : path;
}

/* ---- the reference's: an image a line */

bool annotations_are_lines(const struct annotations *a)
{
    return json_is_array(json_object_get(a->line, "sentences")) &&
           json_object_get(a->line, "img_path");
}

static int take_line(void *arg, int line, const json_t *v)
{
    struct annotations *a = arg;
    const json_t *list = json_object_get(v, "sentences"), *text;
    const char *file = name_of(annotations_text(v, "img_path")), *task;
    size_t i;
    if (!file || !file[0] || !json_array_size(list))
        return annotations_bad(a, "no img_path, or no sentences");
    int rc = annotations_task(a, is_coco(file) ? coco_first : flickr_first, &task);
    int place = rc ? -1 : annotations_pool(a, annotations_image(a, file), json_array_size(list));
    json_array_foreach((json_t *)(uintptr_t)list, i, text) {
        if (place < 0)
            break;
        if (!json_is_string(text))
            return annotations_bad(a, "one of its sentences is no text");
        annotations_caption(a, task, json_string_value(text), place, line);
    }
    return rc;
}

int annotations_read_lines(struct annotations *a)
{
    return eval_lines(a->s, a->map, take_line, a, a->err);
}

/* ---- COCO: images and captions by their ids */

bool annotations_are_coco(const struct annotations *a)
{
    const json_t *one = json_array_get(json_object_get(a->root, "annotations"), 0);
    return json_is_array(json_object_get(a->root, "images")) && json_object_get(one, "caption") &&
           !json_object_get(one, "foil");
}

static void add_caption_flaw(const struct annotations *a, json_int_t place, const char *why)
{
    char *name = xasprintf("caption %" JSON_INTEGER_FORMAT, place + 1);
    eval_add_flaw(a->s, name, why);
    free(name);
}

/* Which captions an image has: a list of their places, by its id. */
static json_t *captions_by_image(const struct annotations *a, const json_t *list)
{
    json_t *out = json_object(), *v;
    size_t i;
    json_array_foreach((json_t *)(uintptr_t)list, i, v) {
        json_int_t image;
        if (!annotations_number(v, "image_id", &image)) {
            add_caption_flaw(a, (json_int_t)i, "has no image_id");
            continue;
        }
        char *key = xasprintf("%" JSON_INTEGER_FORMAT, image);
        json_t *own = json_object_get(out, key);
        if (!own) {
            own = json_array();
            json_object_set_new(out, key, own);
        }
        json_array_append_new(own, json_integer((json_int_t)i));
        free(key);
    }
    return out;
}

struct coco {
    const char *task;
    json_t *list, *own; /* own: of images that have not come yet */
};

static void take_caption(struct annotations *a, const struct coco *c, json_int_t at, int place,
                         int number)
{
    const json_t *caption = json_array_get(c->list, (size_t)at);
    const char *text = annotations_text(caption, "caption");
    json_int_t which;
    if (!text) {
        add_caption_flaw(a, at, "has no text");
        return;
    }
    annotations_caption(a, c->task, text, place, number);
    if (annotations_number(caption, "id", &which)) {
        struct eval_item *it = &a->s->items[a->s->count - 1];
        it->id = xasprintf("%" JSON_INTEGER_FORMAT, which);
        it->id_is_number = true;
    }
}

/* Captions of images that the file lacks. */
static void tell_orphans(const struct annotations *a, const struct coco *c)
{
    const char *key;
    json_t *own, *at;
    size_t i;
    json_object_foreach(c->own, key, own)
        json_array_foreach(own, i, at)
            add_caption_flaw(a, json_integer_value(at), "its image_id is of no image with an id "
                             "and a file_name");
}

/* An image and its captions, in the order of the images. */
static int take_coco(struct annotations *a, const json_t *v, int number, void *arg)
{
    const struct coco *c = arg;
    const char *file = name_of(annotations_text(v, "file_name"));
    json_int_t id;
    json_t *at;
    size_t i;
    if (!file || !file[0] || !annotations_number(v, "id", &id))
        return annotations_bad(a, "has no id and file_name");
    char *key = xasprintf("%" JSON_INTEGER_FORMAT, id);
    json_t *own = json_object_get(c->own, key);
    int place = annotations_pool(a, annotations_image(a, file), json_array_size(own));
    if (place >= 0)
        json_array_foreach(own, i, at)
            take_caption(a, c, json_integer_value(at), place, number);
    json_object_del(c->own, key);
    free(key);
    return 0;
}

int annotations_read_coco(struct annotations *a)
{
    struct coco c = {.list = json_object_get(a->root, "annotations")};
    int rc = annotations_task(a, coco_first, &c.task);
    c.own = captions_by_image(a, c.list);
    if (rc == 0)
        rc = annotations_each(a, json_object_get(a->root, "images"), "image", take_coco, &c);
    if (rc == 0)
        tell_orphans(a, &c);
    json_decref(c.own);
    return rc;
}

/* ---- Karpathy's splits of COCO, Flickr30k and Flickr8k */

bool annotations_are_karpathy(const struct annotations *a)
{
    const json_t *one = json_array_get(json_object_get(a->root, "images"), 0);
    return json_is_array(json_object_get(one, "sentences")) && json_object_get(one, "split");
}

struct karpathy {
    const char *task, *split;
    json_t *names;
};

/* COCO's are in a folder for each part, unless somebody put them together. */
static char *karpathy_image(const struct annotations *a, const json_t *v, const char *file)
{
    const char *part = annotations_text(v, "filepath");
    struct stat st;
    char *folder = part && part[0] && !strchr(part, '/') ? annotations_image(a, part) : NULL;
    char *path = folder && stat(folder, &st) == 0 ? xasprintf("%s/%s", folder, file)
                                                  : annotations_image(a, file);
    free(folder);
    return path;
}

static int take_karpathy(struct annotations *a, const json_t *v, int number, void *arg)
{
    const struct karpathy *k = arg;
    const json_t *list = json_object_get(v, "sentences"), *one;
    const char *file = name_of(annotations_text(v, "filename"));
    size_t i;
    if (!annotations_in_split(annotations_text(v, "split"), k->split, k->names))
        return 0;
    if (!file || !file[0] || !json_array_size(list))
        return annotations_bad(a, "has no filename, or no sentences");
    int place = annotations_pool(a, karpathy_image(a, v, file), json_array_size(list));
    json_array_foreach((json_t *)(uintptr_t)list, i, one) {
        const char *text = annotations_text(one, "raw");
        json_int_t id;
        if (place < 0)
            break;
        if (!text)
            return annotations_bad(a, "one of its sentences has no \"raw\" text");
        annotations_caption(a, k->task, text, place, number);
        if (annotations_number(one, "sentid", &id)) {
            struct eval_item *it = &a->s->items[a->s->count - 1];
            it->id = xasprintf("%" JSON_INTEGER_FORMAT, id);
            it->id_is_number = true;
        }
    }
    return 0;
}

int annotations_read_karpathy(struct annotations *a)
{
    const char *of = annotations_text(a->root, "dataset");
    struct karpathy k = {.split = a->o->split ? a->o->split : "test", .names = json_object()};
    int rc = annotations_task(a, of && strncmp(of, "flickr", 6) == 0 ? flickr_first : coco_first,
                              &k.task);
    if (rc == 0)
        rc = annotations_each(a, json_object_get(a->root, "images"), "image", take_karpathy, &k);
    if (rc == 0 && !json_object_get(k.names, k.split))
        rc = annotations_no_split(a, k.split, k.names);
    json_decref(k.names);
    return rc;
}

/* ---- Flickr30k's table: "1000092795.jpg#0<TAB>caption", or with | between */

struct token_line {
    const char *file, *text;
    size_t file_len, text_len;
};

/* One line; false: it is none. */
static bool split_tokens(const char *p, size_t n, struct token_line *out)
{
    const char *end = p + n, *tab = memchr(p, '\t', n), *bar = memchr(p, '|', n);
    const char *hash = tab ? memchr(p, '#', (size_t)(tab - p)) : NULL;
    const char *between = hash ? tab : bar;
    const char *stop = hash ? hash : bar;
    if (!between || stop == p)
        return false;
    if (!hash) { /* file| number| text */
        between = memchr(bar + 1, '|', (size_t)(end - bar - 1));
        if (!between)
            return false;
    }
    for (const char *at = stop + 1; hash && at < between; at++)
        if (!isdigit((unsigned char)*at))
            return false;
    const char *text = between + 1;
    while (text < end && isspace((unsigned char)*text))
        text++;
    while (end > text && isspace((unsigned char)end[-1]))
        end--;
    *out = (struct token_line){p, text, (size_t)(stop - p), (size_t)(end - text)};
    const char *dot = memchr(p, '.', out->file_len);
    return dot && dot != p && !memchr(p, ' ', out->file_len) && text < end;
}

/* "image_name| comment_number| comment" heads one of its spellings. */
static bool is_header(const char *p, size_t n)
{
    return n > 10 && memcmp(p, "image_name", 10) == 0;
}

/* The line at *at, which then is behind it. */
static size_t next_tokens(const struct bytes *map, size_t *at, const char **p)
{
    const char *from = (const char *)map->data + *at;
    const char *stop = memchr(from, '\n', map->size - *at);
    size_t n = stop ? (size_t)(stop - from) : map->size - *at;
    *at += n + (stop != NULL);
    *p = from;
    return n && from[n - 1] == '\r' ? n - 1 : n;
}

bool annotations_are_tokens(const struct annotations *a)
{
    struct token_line x;
    const char *p;
    if (!a->map || a->root || a->line || a->pickled || a->map->size == 0)
        return false;
    size_t at = 0, n = next_tokens(a->map, &at, &p);
    return is_header(p, n) || (split_tokens(p, n, &x) && x.file_len < 256);
}

struct tokens {
    const char *task;
    struct strmap seen; /* files, in the map; 1 + place in the pool, 0: not there */
};

static int take_tokens(struct annotations *a, struct tokens *t, const char *p, size_t n, int line)
{
    struct token_line x;
    if (!split_tokens(p, n, &x))
        return annotations_bad(a, "is no file, number and caption");
    int seen = strmap_get(&t->seen, x.file, x.file_len), place = seen - 1;
    if (seen < 0) {
        char *file = xstrndup(x.file, x.file_len);
        place = annotations_pool(a, annotations_image(a, name_of(file)), 1);
        free(file);
        strmap_add(&t->seen, x.file, x.file_len, place + 1);
    } else if (place < 0) {
        a->s->gone.items++;
    }
    if (place < 0)
        return 0;
    char *text = xstrndup(x.text, x.text_len);
    annotations_caption(a, t->task, text, place, line);
    free(text);
    return 0;
}

int annotations_read_tokens(struct annotations *a)
{
    struct tokens t = {0};
    int rc = annotations_task(a, flickr_first, &t.task), line = 0;
    for (size_t at = 0; rc == 0 && at < a->map->size;) {
        const char *p;
        size_t n = next_tokens(a->map, &at, &p);
        line++;
        if (n == 0 || (line == 1 && is_header(p, n)))
            continue;
        char *item = xasprintf("line %d", line);
        rc = eval_go_on(a->s, a->s->count, item, take_tokens(a, &t, p, n, line), a->err);
        free(item);
    }
    strmap_fini(&t.seen);
    return rc;
}
