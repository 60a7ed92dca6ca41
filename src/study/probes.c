/* SPDX-License-Identifier: MIT */
/* Probe sets as files. */
#include "src/study/probes.h"

#include "src/study/eval_priv.h"
#include "src/formats/bytes.h"
#include "src/base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MOST_PROBES 100000
#define MOST_BOXES 1000

struct probes *probes_new(void)
{
    return xcalloc(1, sizeof(struct probes));
}

struct probe *probes_add(struct probes *p)
{
    if ((p->count & (p->count - 1)) == 0)
        p->list = xreallocarray(p->list, p->count ? 2 * (size_t)p->count : 1, sizeof *p->list);
    p->list[p->count] = (struct probe){.item.number = -1};
    return &p->list[p->count++];
}

static void probe_fini(struct probe *x)
{
    for (int k = 0; k < x->item.image_count; k++) {
        free(x->regions ? x->regions[k] : NULL);
        free(x->keys ? x->keys[k] : NULL);
    }
    free(x->regions);
    free(x->keys);
    free(x->name);
    eval_item_fini(&x->item);
}

void probes_keep(struct probes *p, const struct shard *shard)
{
    int *seen = xcalloc((size_t)task_count, sizeof *seen), n = 0;
    for (int i = 0; i < p->count; i++)
        if (shard_has(shard, seen[p->list[i].item.task - task_table]++))
            p->list[n++] = p->list[i];
        else
            probe_fini(&p->list[i]);
    p->count = n;
    free(seen);
}

void probes_free(struct probes *p)
{
    if (!p)
        return;
    for (int i = 0; i < p->count; i++)
        probe_fini(&p->list[i]);
    free(p->list);
    free(p->path);
    free(p);
}

/* ---- JSON lines */

static int probes_read_json(const char *path, struct probes *p, struct vs_err *err)
{
    struct eval_source o = {.path = path, .optional = true};
    struct eval_set *s = NULL;
    int rc = eval_open(&o, &s, err);
    if (rc != 0)
        return rc;
    if (s->count > MOST_PROBES)
        rc = vs_fail(err, VS_E_LIMIT, "%s: more than %d queries", path, MOST_PROBES);
    for (int i = 0; i < s->count && rc == 0; i++) {
        struct probe *x = probes_add(p);
        x->item = eval_item_take(s, i);
        x->name = xstrdup(x->item.text);
    }
    eval_free(s);
    return rc;
}

/* ---- paragraphs */

struct reader {
    const char *path;
    char *folder; /* of the file, with its slash; "" for the current one */
    int line, first; /* of the probe */
    bool open;       /* a probe is being read */
    char *name, *answer;
    struct probes *set;
    struct vs_err *err;
};

static int probes_bad(const struct reader *r, const char *what, const char *value)
{
    return vs_fail(r->err, VS_E_FORMAT, "%s: line %d: %s%s%.100s%s", r->path, r->line, what,
                   value ? " '" : "", value ? value : "", value ? "'" : "");
}

static struct probe *probes_current(struct reader *r)
{
    return &r->set->list[r->set->count - 1];
}

static char *from_folder(const struct reader *r, const char *path)
{
    return path[0] == '/' ? xstrdup(path) : xasprintf("%s%s", r->folder, path);
}

static int probes_read_box(const struct reader *r, const char *value, float box[4])
{
    const char *s = value;
    char *end;
    for (int i = 0; i < 4; i++) {
        s += strspn(s, " \t,");
        double x = strtod(s, &end);
        if (end == s || !isfinite(x) || fabs(x) > 1e6)
            return probes_bad(r, "expected four numbers x1 y1 x2 y2, not", value);
        box[i] = (float)x;
        s = end;
    }
    if (s[strspn(s, " \t,")] || box[0] > box[2] || box[1] > box[3])
        return probes_bad(r, "expected x1 y1 x2 y2 with x1 <= x2 and y1 <= y2, not", value);
    return 0;
}

static int probes_take_task(struct reader *r, const char *value)
{
    struct eval_item *it = &probes_current(r)->item;
    if (it->task)
        return probes_bad(r, "a second task (an empty line ends a query)", NULL);
    it->task = task_find(value);
    return it->task ? 0 : probes_bad(r, "there is no task", value);
}

static int probes_take_image(struct reader *r, const char *value)
{
    struct probe *x = probes_current(r);
    if (x->item.image_count >= 1000)
        return probes_bad(r, "too many images", NULL);
    eval_add_image(&x->item, from_folder(r, value));
    x->regions = xreallocarray(x->regions, (size_t)x->item.image_count, sizeof *x->regions);
    x->regions[x->item.image_count - 1] = NULL;
    x->keys = xreallocarray(x->keys, (size_t)x->item.image_count, sizeof *x->keys);
    x->keys[x->item.image_count - 1] = NULL;
    return 0;
}

static int take_key(struct reader *r, const char *value)
{
    struct probe *x = probes_current(r);
    int i = x->item.image_count - 1;
    if (i < 0 || !x->regions[i] || x->keys[i])
        return probes_bad(r, "a key comes after the regions that it is an entry of", NULL);
    x->keys[i] = xstrdup(value);
    return 0;
}

static int take_regions(struct reader *r, const char *value)
{
    struct probe *x = probes_current(r);
    int i = x->item.image_count - 1;
    if (i < 0 || x->regions[i])
        return probes_bad(r, "regions come after the image that they are of", NULL);
    x->regions[i] = from_folder(r, value);
    return 0;
}

/* Further lines of a dialog. */
static int take_text(struct reader *r, const char *value)
{
    struct eval_item *it = &probes_current(r)->item;
    char *old = it->text;
    it->text = old ? xasprintf("%s\n%s", old, value) : xstrdup(value);
    free(old);
    return 0;
}

static int probes_take_box(struct reader *r, const char *value)
{
    struct eval_item *it = &probes_current(r)->item;
    if (it->has_box)
        return probes_bad(r, "a second box", NULL);
    it->has_box = true;
    return probes_read_box(r, value, it->box);
}

static int take_candidate(struct reader *r, const char *value)
{
    struct box_list *c = &probes_current(r)->item.candidates;
    if (c->count >= MOST_BOXES)
        return probes_bad(r, "too many candidates", NULL);
    c->boxes = xreallocarray(c->boxes, (size_t)c->count + 1, 4 * sizeof *c->boxes);
    return probes_read_box(r, value, c->boxes + 4 * (size_t)c->count++);
}

static int take_once(struct reader *r, char **where, const char *value)
{
    if (*where)
        return probes_bad(r, "given twice (an empty line ends a query):", value);
    *where = xstrdup(value);
    return 0;
}

static int take_name(struct reader *r, const char *value)
{
    return take_once(r, &r->name, value);
}

static int probes_take_answer(struct reader *r, const char *value)
{
    return take_once(r, &r->answer, value);
}

static const struct {
    const char *name;
    int (*take)(struct reader *r, const char *value);
} fields[] = {
    {"name", take_name},       {"task", probes_take_task}, {"image", probes_take_image},
    {"regions", take_regions}, {"text", take_text}, {"answer", probes_take_answer},
    {"box", probes_take_box},         {"candidate", take_candidate}, {"key", take_key},
};

/* The answer is a number for tasks that choose among images or candidates. */
static int set_answer(struct reader *r, struct eval_item *it)
{
    bool choose = it->candidates.count > 0;
    int below = choose ? it->candidates.count : it->image_count;
    if (!r->answer)
        return 0;
    if (it->task->reading->ranked == RANKED_IMAGES || choose) {
        char *end;
        long n = strtol(r->answer, &end, 10);
        if (*end || end == r->answer || n < 1 || n > below)
            return probes_bad(r,
                              choose ? "the answer is not the number of a candidate, from 1:"
                                     : "the answer is not the number of an image, from 1:",
                              r->answer);
        it->number = (int)n - 1;
        return 0;
    }
    if (it->task->reading->ranked == RANKED_REGIONS)
        return probes_bad(r, "the answer to this task is a box:", r->answer);
    eval_add_label(it, r->answer, 1);
    return 0;
}

static int end_probe(struct reader *r)
{
    if (!r->open)
        return 0;
    struct probe *x = probes_current(r);
    struct eval_item *it = &x->item;
    int at = r->line, rc = 0;
    r->line = r->first;
    r->open = false;
    it->line = r->first;
    if (!it->task)
        rc = probes_bad(r, "a query without a task", NULL);
    else if (!it->text || !it->text[0])
        rc = probes_bad(r, "a query without a text", NULL);
    else if (it->image_count < it->task->min_images || it->image_count > it->task->max_images)
        rc = probes_bad(r, "not as many images as the task takes:", it->task->name);
    else if (it->has_box && it->task->reading->ranked != RANKED_REGIONS)
        rc = probes_bad(r, "a box is not an answer to this task:", it->task->name);
    else if (it->candidates.count && !it->task->extra_regions)
        rc = probes_bad(r, "this task has no candidates:", it->task->name);
    else
        rc = set_answer(r, it);
    x->name = r->name ? r->name : xstrdup(it->text ? it->text : "");
    r->name = NULL;
    free(r->answer);
    r->answer = NULL;
    r->line = at;
    return rc;
}

static int probes_take_line(struct reader *r, char *s)
{
    char *colon = strchr(s, ':'), *value = colon ? colon + 1 : s;
    size_t n = colon ? (size_t)(colon - s) : 0;
    value += strspn(value, " \t");
    if (!colon)
        return probes_bad(r, "expected \"field: value\", not", s);
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        if (strlen(fields[i].name) != n || strncmp(fields[i].name, s, n) != 0)
            continue;
        if (!value[0])
            return probes_bad(r, "nothing after", s);
        if (!r->open) {
            if (r->set->count == MOST_PROBES)
                return probes_bad(r, "too many queries", NULL);
            probes_add(r->set);
            r->open = true;
            r->first = r->line;
        }
        return fields[i].take(r, value);
    }
    return probes_bad(r, "there is no such field:", s);
}

static int read_paragraphs(struct reader *r, char *text)
{
    char *rest = text;
    int rc = 0;
    for (char *s; rc == 0 && (s = strsep(&rest, "\n")) != NULL;) {
        r->line++;
        s += strspn(s, " \t");
        size_t n = strlen(s);
        while (n > 0 && strchr(" \t\r", s[n - 1]))
            s[--n] = '\0';
        if (s[0] == '#')
            continue;
        rc = s[0] ? probes_take_line(r, s) : end_probe(r);
    }
    return rc ? rc : end_probe(r);
}

static int probes_read_text(const struct bytes *file, struct probes *p, struct vs_err *err)
{
    const struct bytes bare = bytes_text(file), *map = &bare;
    const char *slash = strrchr(map->path, '/');
    struct reader r = {.path = map->path, .set = p, .err = err};
    if (map->data && memchr(map->data, '\0', map->size))
        return vs_fail(err, VS_E_FORMAT, "%s: is not text: expected a check set "
                       "(man 5 vilscope-check-set)", map->path);
    char *text = xstrndup(map->data ? (const char *)map->data : "", map->size);
    r.folder = xstrndup(map->path, slash ? (size_t)(slash - map->path) + 1 : 0);
    int rc = read_paragraphs(&r, text);
    free(r.folder);
    free(r.name);
    free(r.answer);
    free(text);
    return rc;
}

int probes_open(const char *path, struct probes **out, struct vs_err *err)
{
    struct bytes map;
    struct probes *p = probes_new();
    int rc = bytes_open(path, &map, err);
    if (rc == 0) {
        size_t at = map.size - bytes_text(&map).size;
        while (at < map.size && strchr(" \t\r\n", map.data[at]) && map.data[at])
            at++;
        p->path = xstrdup(path);
        digest_bytes(map.data, map.size, p->digest);
        if (map.size > (size_t)64 << 20)
            rc = vs_fail(err, VS_E_LIMIT, "%s: %zu MB are too much for a check set", path,
                         map.size >> 20);
        else
            rc = at < map.size && map.data[at] == '{' ? probes_read_json(path, p, err)
                                                      : probes_read_text(&map, p, err);
        bytes_close(&map);
    }
    if (rc == 0 && p->count == 0)
        rc = vs_fail(err, VS_E_FORMAT, "%s: there is no query in it", path);
    if (rc == 0)
        *out = p;
    else
        probes_free(p);
    return rc;
}

/* ---- writing */

static void probes_add_path(struct buf *b, const char *field, const char *path, const char *folder)
{
    size_t n = folder ? strlen(folder) : 0;
    bool below = n && strncmp(path, folder, n) == 0 && path[n] == '/';
    buf_printf(b, "%s: %s\n", field, below ? path + n + 1 : path);
}

static void probes_add_lines(struct buf *b, const char *field, const char *text)
{
    while (text) {
        const char *end = strchr(text, '\n');
        buf_printf(b, "%s: %.*s\n", field, end ? (int)(end - text) : (int)strlen(text), text);
        text = end ? end + 1 : NULL;
    }
}

static void add_box(struct buf *b, const char *field, const float *x)
{
    buf_printf(b, "%s: %g %g %g %g\n", field, (double)x[0], (double)x[1], (double)x[2],
               (double)x[3]);
}

char *probe_format(const struct probe *p, const char *folder)
{
    const struct eval_item *it = &p->item;
    struct buf b = {0};
    if (p->name && strcmp(p->name, it->text) != 0)
        buf_printf(&b, "name: %s\n", p->name);
    buf_printf(&b, "task: %s\n", it->task->name);
    for (int i = 0; i < it->image_count; i++) {
        probes_add_path(&b, "image", it->images[i], folder);
        if (p->regions && p->regions[i])
            probes_add_path(&b, "regions", p->regions[i], folder);
        if (p->regions && p->regions[i] && p->keys && p->keys[i])
            buf_printf(&b, "key: %s\n", p->keys[i]);
    }
    probes_add_lines(&b, "text", it->text);
    for (int i = 0; i < it->candidates.count; i++)
        add_box(&b, "candidate", it->candidates.boxes + 4 * (size_t)i);
    if (it->number >= 0)
        buf_printf(&b, "answer: %d\n", it->number + 1);
    else if (it->label_count)
        buf_printf(&b, "answer: %s\n", it->labels[0]);
    if (it->has_box)
        add_box(&b, "box", it->box);
    buf_putc(&b, '\n');
    return buf_steal(&b);
}

void probes_set_digest(struct probes *p)
{
    struct buf all = {0};
    for (int i = 0; i < p->count; i++) {
        char *text = probe_format(&p->list[i], NULL);
        buf_puts(&all, text);
        free(text);
    }
    digest_bytes(all.data, all.len, p->digest);
    buf_fini(&all);
}
