/* SPDX-License-Identifier: MIT */
/* Items of a set, and what is wrong with them: what all readers use. */
#include "src/study/eval_priv.h"

#include "src/base/mem.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define LINES_AT_ONCE 1024 /* which memory has */

void eval_item_fini(struct eval_item *it)
{
    if (it->stored)
        return;
    for (int i = 0; i < it->image_count; i++)
        free(it->images[i]);
    for (int i = 0; it->labels && i < it->label_count; i++)
        free(it->labels[i]);
    free(it->images);
    free(it->labels);
    free(it->worths);
    free(it->candidates.boxes);
    for (int i = 0; i < it->foil_count; i++)
        free(it->foils[i]);
    free(it->foils);
    free(it->evidence.boxes);
    free(it->classes);
    free(it->choices);
    json_decref(it->fields);
    free(it->field_text);
    free(it->text);
    free(it->id);
}

struct eval_item *eval_add(struct eval_set *s)
{
    eval_store_room(s);
    s->items[s->count] = (struct eval_item){.number = -1};
    return &s->items[s->count++];
}

void eval_add_image(struct eval_item *it, char *path)
{
    it->images = xreallocarray(it->images, (size_t)it->image_count + 1, sizeof *it->images);
    it->images[it->image_count++] = path;
}

void eval_add_foil(struct eval_item *it, const char *text)
{
    it->foils = xreallocarray(it->foils, (size_t)it->foil_count + 1, sizeof *it->foils);
    it->foils[it->foil_count++] = xstrdup(text);
    it->scored = true;
}

void eval_add_label(struct eval_item *it, const char *label, double worth)
{
    it->labels = xreallocarray(it->labels, (size_t)it->label_count + 1, sizeof *it->labels);
    it->worths = xreallocarray(it->worths, (size_t)it->label_count + 1, sizeof *it->worths);
    it->labels[it->label_count] = xstrdup(label);
    it->worths[it->label_count++] = (float)worth;
}

int eval_go_on(struct eval_set *s, int before, const char *item, int rc, struct vs_err *err)
{
    if (rc != VS_E_FORMAT)
        return rc;
    eval_add_flaw(s, item, err->text);
    *err = (struct vs_err){0};
    while (s->count > before)
        eval_item_fini(&s->items[--s->count]);
    return 0;
}

/* How many there are at the beginning; the text is a file that need not end in a NUL. */
static size_t blanks(const char *p, size_t n)
{
    size_t i = 0;
    while (i < n && (p[i] == ' ' || p[i] == '\t' || p[i] == '\r'))
        i++;
    return i;
}

static int take_line(struct eval_set *s, const char *p, size_t n, int line, eval_line *take,
                     void *arg, struct vs_err *err)
{
    json_error_t why;
    int before = s->count;
    json_t *v = json_loadb(p, n, JSON_REJECT_DUPLICATES, &why);
    char *item = xasprintf("line %d", line);
    int rc = json_is_object(v)
                 ? take(arg, line, v)
                 : vs_fail(err, VS_E_FORMAT, "%s", v ? "not a JSON object" : why.text);
    rc = eval_go_on(s, before, item, rc, err);
    free(item);
    json_decref(v);
    for (int i = before; i < s->count && rc == 0; i++)
        eval_name_item(&s->items[i]);
    if (rc == 0)
        eval_store_items(s);
    return rc;
}

int eval_lines(struct eval_set *s, const struct bytes *map, eval_line *take, void *arg,
               struct vs_err *err)
{
    const struct bytes text = bytes_text(map);
    const char *p = (const char *)text.data, *end = p ? p + text.size : p;
    int rc = 0;
    for (int line = 1; p && p < end && rc == 0; line++) {
        const char *stop = memchr(p, '\n', (size_t)(end - p));
        size_t n = (size_t)((stop ? stop : end) - p);
        if (blanks(p, n) < n)
            rc = take_line(s, p, n, line, take, arg, err);
        if (line % LINES_AT_ONCE == 0)
            bytes_rest(map);
        p = stop ? stop + 1 : end;
    }
    return rc;
}

/* An item that the set gives no name is called by its line. */
void eval_name_item(struct eval_item *it)
{
    it->scored = eval_has_truth(it);
    it->no_id = !it->id;
    if (!it->no_id)
        return;
    it->id = xasprintf("%d", it->line);
    it->id_is_number = true;
}

char *eval_item_name(const struct eval_item *it)
{
    return it->no_id ? xasprintf("line %d", it->line) : xstrdup(it->id);
}

bool eval_is_before(const struct eval_item *a, const struct eval_item *b)
{
    return a->task == b->task ? a < b : a->task < b->task;
}

bool eval_has_image(const struct eval_set *s, const char *path)
{
    struct stat st;
    if (s->features) {
        char *key = regionstore_key(s->features, path);
        free(key);
        return key != NULL;
    }
    return stat(path, &st) == 0 || (errno != ENOENT && errno != ENOTDIR);
}

int eval_none_sound(const char *what, const struct eval_flaw *flaws, int count, struct vs_err *err)
{
    if (count == 1)
        return vs_fail(err, VS_E_FORMAT, "%s: %s: %s", what, flaws[0].item, flaws[0].why);
    return vs_fail(err, VS_E_FORMAT, "%s: of %d items none can be asked: the first is %s: %s", what,
                   count, flaws[0].item, flaws[0].why);
}

int eval_none_there(const struct eval_set *s, int pictures, const char *first, struct vs_err *err)
{
    const char *where = s->features ? regionstore_path(s->features) : NULL;
    char *other = where ? regionstore_first(s->features) : NULL;
    int rc = vs_fail(err, VS_E_IO, "%s: no item can be asked: of %d images none is %s%s, the first "
                     "is %s%s%s%s", s->path, pictures, where ? "in " : "there", where ? where : "",
                     first, other ? ", and the first there is '" : "", other ? other : "",
                     where ? other ? "'" : "" : " (--images says where they are)");
    free(other);
    return rc;
}

void eval_add_flaw(struct eval_set *s, const char *item, const char *why)
{
    s->flaws = xreallocarray(s->flaws, (size_t)s->flaw_count + 1, sizeof *s->flaws);
    s->flaws[s->flaw_count++] = (struct eval_flaw){.item = xstrdup(item), .why = xstrdup(why)};
}
