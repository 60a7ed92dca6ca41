/* SPDX-License-Identifier: MIT */
/* What is shown against what the screen says. */
#include "ui/state/stale.h"

#include "src/base/hash.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- numbers of things */

static uint64_t mix_text(uint64_t h, const char *s)
{
    return hash_bytes(h, s ? s : "", s ? strlen(s) + 1 : 1);
}

uint64_t stale_boxes(const struct workbench *w, struct photo *const *photos, int count)
{
    uint64_t h = HASH_SEED;
    for (int i = 0; i < count; i++) {
        int at = session_find_photo(w, photos[i]);
        const struct box_list none = {NULL, 0}, *l = at < 0 ? &none : &w->ses.states[at].boxes;
        h = hash_bytes(h, &l->count, sizeof l->count);
        if (l->count)
            h = hash_bytes(h, l->boxes, (size_t)l->count * 4 * sizeof *l->boxes);
    }
    return h;
}

uint64_t stale_regions(struct photo *const *photos, int count)
{
    uint64_t h = HASH_SEED;
    for (int i = 0; i < count; i++) {
        const struct regions *g = photo_regions(photos[i]);
        h = mix_text(h, g ? g->digest : "");
    }
    return h;
}

uint64_t stale_identity(const struct workbench *w)
{
    const struct result *r = w->now.r;
    if (!r)
        return 0;
    uint64_t h = mix_text(mix_text(mix_text(HASH_SEED, r->task->name), r->text), r->changes);
    for (int i = 0; i < r->image_count; i++) {
        h = mix_text(mix_text(h, r->images[i].digest), r->images[i].path);
        h = mix_text(h, r->images[i].regions_digest);
        h = hash_bytes(h, &r->images[i].candidate_count, sizeof(int));
    }
    return h | 1;
}

/* ---- in what it differs */

/* By the file; a name may change when another of the same name is opened. Only a file that was
 * written anew is two checkpoints, whose names are told apart. */
static bool other_checkpoint(const struct workbench *w)
{
    const struct result *r = w->now.r;
    int n = model_checkpoint_count(w->ses.model), same = 0;
    if (w->ses.checkpoint >= n)
        return false;
    const char *path = model_checkpoint_path(w->ses.model, w->ses.checkpoint);
    for (int i = 0; i < n; i++)
        same += strcmp(model_checkpoint_path(w->ses.model, i), path) == 0;
    return strcmp(path, r->checkpoint_path ? r->checkpoint_path : "") != 0 ||
           (same > 1 && strcmp(model_checkpoint_name(w->ses.model, w->ses.checkpoint),
                               r->checkpoint_name) != 0);
}

static bool other_changes(const struct workbench *w)
{
    char *text = change_list_format(w->changes.list, w->changes.count);
    const char *of_result = w->now.r->changes ? w->now.r->changes : "";
    bool other = strcmp(text ? text : "", of_result) != 0;
    free(text);
    return other;
}

/* What is being typed is not asked yet. */
static bool other_words(const struct workbench *w)
{
    return w->typed.mode != MODE_TYPE && w->typed.query.len &&
           strcmp(w->typed.query.text, w->now.r->text) != 0;
}

unsigned stale_bits(const struct workbench *w)
{
    const struct result *r = w->now.r;
    if (!r)
        return 0;
    const int n = r->image_count;
    unsigned bits = 0;
    bits |= photo_in_result(w) < 0 ? STALE_IMAGE : 0;
    bits |= r->task->max_images > 2 && w->now.open != w->ses.photo_count ? STALE_SET : 0;
    bits |= w->ses.task != r->task ? STALE_TASK : 0;
    bits |= other_checkpoint(w) ? STALE_CHECKPOINT : 0;
    bits |= other_words(w) ? STALE_QUERY : 0;
    bits |= stale_boxes(w, w->now.photos, n) != w->now.boxes ? STALE_BOXES : 0;
    bits |= stale_regions(w->now.photos, n) != w->now.regions ? STALE_REGIONS : 0;
    bits |= other_changes(w) ? STALE_CHANGES : 0;
    return bits;
}

/* ---- words */

struct words {
    char *out;
    size_t size, used;
    int parts;
};

static void stale_add(struct words *x, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void stale_add(struct words *x, const char *fmt, ...)
{
    va_list ap;
    int n = snprintf(x->out + x->used, x->size - x->used, "%s", x->parts++ ? ", " : "");
    x->used += n > 0 ? (size_t)n : 0;
    if (x->used >= x->size)
        return;
    va_start(ap, fmt);
    n = vsnprintf(x->out + x->used, x->size - x->used, fmt, ap);
    va_end(ap);
    x->used += n > 0 ? (size_t)n : 0;
    x->used = x->used < x->size ? x->used : x->size - 1;
}

static void add_images(struct words *x, const struct workbench *w, unsigned bits)
{
    const struct result *r = w->now.r;
    const char *first = draw_base_name(r->images[0].path ? r->images[0].path
                                                         : r->images[0].regions_path);
    if (bits & STALE_IMAGE && r->image_count == 2)
        stale_add(x, "%.60s and %.60s", first, draw_base_name(r->images[1].path));
    else if (bits & STALE_IMAGE && r->image_count == 1)
        stale_add(x, "%.60s", first);
    else if (bits & (STALE_IMAGE | STALE_SET))
        stale_add(x, "%d images (%d are open)", r->image_count, w->ses.photo_count);
}

/* "! of scene.png, task vqa; r asks again": what the result is about, as far as bits say. */
static void stale_text(const struct workbench *w, unsigned bits, char *out, size_t size)
{
    const struct result *r = w->now.r;
    struct words x = {out, size, 0, 0};
    int n = snprintf(out, size, "! of ");
    x.used = n > 0 ? (size_t)n : 0;
    add_images(&x, w, bits);
    if (bits & STALE_TASK)
        stale_add(&x, "task %s", r->task->name);
    if (bits & STALE_CHECKPOINT)
        stale_add(&x, "checkpoint %.60s", r->checkpoint_name);
    if (bits & STALE_QUERY)
        stale_add(&x, "\"%.80s\"", r->text);
    if (bits & STALE_BOXES)
        stale_add(&x, "other boxes");
    if (bits & STALE_REGIONS)
        stale_add(&x, "other regions");
    if (bits & STALE_CHANGES) {
        char *changes = change_list_show(r->changes);
        stale_add(&x, changes ? "the query with %.60s" : "the query without changes", changes);
        free(changes);
    }
    snprintf(out + x.used, size - x.used, "; %s",
             w->asked.running ? "the query runs" : "r asks again");
}

bool stale_result(struct workbench *w, struct pane *p, char *out, size_t size)
{
    (void)p;
    if (w->stale)
        stale_text(w, w->stale, out, size);
    return w->stale != 0;
}

bool stale_query(struct workbench *w, struct pane *p, char *out, size_t size)
{
    (void)p;
    unsigned bits = w->stale & ~(unsigned)STALE_CHECKPOINT;
    if (bits)
        stale_text(w, bits, out, size);
    return bits != 0;
}
