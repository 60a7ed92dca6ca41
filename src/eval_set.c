/* Reading a set of items: JSON lines. */
#include "src/eval.h"

#include "src/formats/bytes.h"
#include "src/mem.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct reader {
    const char *path;
    char *folder; /* of the set: images are relative to it */
    int line;
    struct vs_err *err;
};

static int bad(const struct reader *r, const char *what)
{
    return vs_fail(r->err, VS_E_FORMAT, "%s: line %d: %s", r->path, r->line, what);
}

static void item_fini(struct eval_item *it)
{
    for (int i = 0; i < it->image_count; i++)
        free(it->images[i]);
    for (int i = 0; i < it->label_count; i++)
        free(it->labels[i]);
    free(it->images);
    free(it->labels);
    free(it->worths);
    free(it->candidates.boxes);
    free(it->text);
}

static bool read_box(const json_t *v, float box[4])
{
    if (json_array_size(v) != 4)
        return false;
    for (size_t i = 0; i < 4; i++) {
        if (!json_is_number(json_array_get(v, i)))
            return false;
        box[i] = (float)json_number_value(json_array_get(v, i));
    }
    return box[0] <= box[2] && box[1] <= box[3];
}

static int read_images(const struct reader *r, const json_t *list, struct eval_item *it)
{
    size_t n = json_array_size(list);
    if (n < (size_t)it->task->min_images || n > (size_t)it->task->max_images)
        return bad(r, "\"images\" is not a list of as many images as the task takes");
    it->images = xcalloc(n, sizeof *it->images);
    for (size_t i = 0; i < n; i++) {
        const char *name = json_string_value(json_array_get(list, i));
        if (!name)
            return bad(r, "\"images\" has something that is no path");
        it->images[it->image_count++] =
            name[0] == '/' ? xstrdup(name) : xasprintf("%s%s", r->folder, name);
    }
    return 0;
}

static void add_label(struct eval_item *it, const char *label, double worth)
{
    it->labels = xreallocarray(it->labels, (size_t)it->label_count + 1, sizeof *it->labels);
    it->worths = xreallocarray(it->worths, (size_t)it->label_count + 1, sizeof *it->worths);
    it->labels[it->label_count] = xstrdup(label);
    it->worths[it->label_count++] = (float)worth;
}

static int read_answers(const struct reader *r, const json_t *v, struct eval_item *it)
{
    const json_t *one = json_object_get(v, "answer"), *many = json_object_get(v, "answers");
    const char *label;
    json_t *worth;
    if (json_is_string(one))
        add_label(it, json_string_value(one), 1);
    json_object_foreach((json_t *)(uintptr_t)many, label, worth) {
        if (!json_is_number(worth))
            return bad(r, "\"answers\" is not an object of answers and what each is worth");
        add_label(it, label, json_number_value(worth));
    }
    return it->label_count ? 0 : bad(r, "no \"answer\" and no \"answers\"");
}

static int read_candidates(const struct reader *r, const json_t *v, struct eval_item *it)
{
    const json_t *list = json_object_get(v, "candidates");
    size_t n = json_array_size(list);
    if (n < 1 || n > 1000)
        return bad(r, "no \"candidates\", a list of boxes");
    it->candidates.boxes = xcalloc(n, 4 * sizeof(float));
    it->candidates.count = (int)n;
    for (size_t i = 0; i < n; i++)
        if (!read_box(json_array_get(list, i), it->candidates.boxes + 4 * i))
            return bad(r, "a candidate is not a box x1 y1 x2 y2");
    return 0;
}

static int read_number(const struct reader *r, const json_t *v, int below, struct eval_item *it)
{
    const json_t *n = json_object_get(v, "answer");
    if (!json_is_integer(n) || json_integer_value(n) < 0 || json_integer_value(n) >= below)
        return bad(r, "\"answer\" is not the number of a candidate or image, from 0");
    it->number = (int)json_integer_value(n);
    return 0;
}

static int read_truth(const struct reader *r, const json_t *v, struct eval_item *it)
{
    int rc;
    it->number = -1;
    switch (it->task->reading) {
    case READ_ALIGNMENT: return read_number(r, v, it->image_count, it);
    case READ_BOXES:
        if (it->task->extra_regions) {
            rc = read_candidates(r, v, it);
            return rc ? rc : read_number(r, v, it->candidates.count, it);
        }
        it->has_box = read_box(json_object_get(v, "box"), it->box);
        return it->has_box ? 0 : bad(r, "no \"box\", x1 y1 x2 y2 in pixels");
    default: return read_answers(r, v, it);
    }
}

static int read_item(const struct reader *r, const json_t *v, struct eval_item *it)
{
    const char *task = json_string_value(json_object_get(v, "task"));
    const char *text = json_string_value(json_object_get(v, "text"));
    it->task = task ? task_find(task) : NULL;
    if (!it->task)
        return bad(r, task ? "there is no such \"task\"" : "no \"task\"");
    if (!text || !text[0])
        return bad(r, "no \"text\"");
    it->text = xstrdup(text);
    it->line = r->line;
    int rc = read_images(r, json_object_get(v, "images"), it);
    return rc ? rc : read_truth(r, v, it);
}

static int read_lines(struct reader *r, const struct bytes *map, struct eval_set *s)
{
    const char *p = (const char *)map->data, *end = p + map->size;
    int cap = 0, rc = 0;
    for (; p && p < end && rc == 0; r->line++) {
        const char *stop = memchr(p, '\n', (size_t)(end - p));
        size_t n = (size_t)((stop ? stop : end) - p);
        json_error_t why;
        if (strspn(p, " \t\r") < n) {
            json_t *v = json_loadb(p, n, JSON_REJECT_DUPLICATES, &why);
            if (s->count == cap) {
                cap = cap ? 2 * cap : 256;
                s->items = xreallocarray(s->items, (size_t)cap, sizeof *s->items);
            }
            s->items[s->count] = (struct eval_item){0};
            rc = json_is_object(v) ? read_item(r, v, &s->items[s->count++])
                                   : bad(r, v ? "not a JSON object" : why.text);
            json_decref(v);
        }
        p = stop ? stop + 1 : end;
    }
    return rc;
}

int eval_open(const char *path, struct eval_set **out, struct vs_err *err)
{
    struct stat st;
    struct bytes map;
    struct eval_set *s = xcalloc(1, sizeof *s);
    bool folder = stat(path, &st) == 0 && S_ISDIR(st.st_mode);
    s->path = folder ? xasprintf("%s/data.jsonl", path) : xstrdup(path);
    const char *slash = strrchr(s->path, '/');
    struct reader r = {.path = s->path, .line = 1, .err = err,
                       .folder = xstrndup(s->path, slash ? (size_t)(slash - s->path) + 1 : 0)};
    int rc = bytes_open(s->path, &map, err);
    if (rc == 0) {
        rc = read_lines(&r, &map, s);
        digest_bytes(map.data, map.size, s->digest);
        bytes_close(&map);
    }
    if (rc == 0 && s->count == 0)
        rc = vs_fail(err, VS_E_FORMAT, "%s: there is no item in it", s->path);
    free(r.folder);
    if (rc == 0)
        *out = s;
    else
        eval_free(s);
    return rc;
}

void eval_free(struct eval_set *s)
{
    if (!s)
        return;
    for (int i = 0; i < s->count; i++)
        item_fini(&s->items[i]);
    free(s->items);
    free(s->path);
    free(s);
}
