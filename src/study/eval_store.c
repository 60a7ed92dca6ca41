/* SPDX-License-Identifier: MIT */
/* The items of a set, in unlinked temporary files: memory has what is looked at, and
 * eval_store_rest lets go of it. An item that is stored is one piece there, which is only read; its
 * numbers may be changed. Where no file can be made, or there is no room for it, items stay in
 * memory. */
#include "src/study/eval_priv.h"

#include "src/base/mem.h"
#include "src/base/spool.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define LOOKED_AT 1024 /* items that are passed in a row until memory lets go of them */

struct eval_store {
    struct spool *spool;   /* what items hold */
    FILE *list;            /* the items themselves */
    int room, stored;      /* items that the list has room for; that are stored */
    bool listed;           /* the set's list is the file's */
    bool full;             /* no more is stored */
    unsigned char *tasks;  /* (stored) their places in the table of tasks */
    int task_room;
};

static struct eval_store *store_of(struct eval_set *s)
{
    if (!s->store) {
        s->store = xcalloc(1, sizeof *s->store);
        s->store->spool = spool_new();
        s->store->list = spool_file();
        s->store->full = !s->store->list;
    }
    return s->store;
}

/* ---- the list */

static size_t list_bytes(int room)
{
    return (size_t)room * sizeof(struct eval_item);
}

static void list_to_memory(struct eval_set *s, int room)
{
    struct eval_store *e = s->store;
    struct eval_item *copy = xcalloc((size_t)room, sizeof *copy);
    if (s->count)
        memcpy(copy, s->items, list_bytes(s->count));
    if (e->listed)
        munmap(s->items, list_bytes(e->room));
    else
        free(s->items);
    s->items = copy;
    e->listed = false;
}

void eval_store_room(struct eval_set *s)
{
    struct eval_store *e = store_of(s);
    if (s->count < e->room)
        return;
    int room = e->room ? 2 * e->room : 64;
    void *list = e->full ? NULL : spool_map(e->list, 0, list_bytes(room));
    if (list) {
        if (e->listed)
            munmap(s->items, list_bytes(e->room));
        s->items = list;
        e->listed = true;
    } else {
        list_to_memory(s, room);
        e->full = true;
    }
    e->room = room;
}

/* ---- what items hold */

/* Whole words, so that what comes behind is aligned. */
static size_t part_size(size_t size)
{
    return (size + 7) & ~(size_t)7;
}

/* Passes what an item holds on, list by list: each pointer may be moved. */
typedef void store_part(void *arg, void **p, size_t size);

static void each_text(char ***list, int count, store_part *take, void *arg)
{
    take(arg, (void **)list, (size_t)count * sizeof **list);
    for (int i = 0; *list && i < count; i++)
        take(arg, (void **)&(*list)[i], strlen((*list)[i]) + 1);
}

static void each_part(struct eval_item *it, store_part *take, void *arg)
{
    size_t box = 4 * sizeof(float), labels = (size_t)it->label_count;
    each_text(&it->images, it->image_count, take, arg);
    each_text(&it->labels, it->label_count, take, arg);
    each_text(&it->foils, it->foil_count, take, arg);
    take(arg, (void **)&it->worths, labels * sizeof *it->worths);
    take(arg, (void **)&it->classes, labels * sizeof *it->classes);
    take(arg, (void **)&it->choices, (size_t)it->choice_count * sizeof *it->choices);
    take(arg, (void **)&it->candidates.boxes, (size_t)it->candidates.count * box);
    take(arg, (void **)&it->evidence.boxes, (size_t)it->evidence.count * box);
    take(arg, (void **)&it->text, it->text ? strlen(it->text) + 1 : 0);
    take(arg, (void **)&it->id, it->id ? strlen(it->id) + 1 : 0);
    take(arg, (void **)&it->field_text, it->field_text ? strlen(it->field_text) + 1 : 0);
}

static void part_measure(void *arg, void **p, size_t size)
{
    size_t *sum = arg;
    *sum += *p ? part_size(size) : 0;
}

static void part_move(void *arg, void **p, size_t size)
{
    char **to = arg;
    if (!*p)
        return;
    if (size)
        memcpy(*to, *p, size);
    free(*p);
    *p = *to;
    *to += part_size(size);
}

static void store_task(struct eval_store *e, const struct task *task)
{
    if (e->stored == e->task_room) {
        e->task_room = e->task_room ? 2 * e->task_room : 256;
        e->tasks = xreallocarray(e->tasks, (size_t)e->task_room, sizeof *e->tasks);
    }
    e->tasks[e->stored++] = (unsigned char)(task - task_table);
}

static void store_item(struct eval_store *e, struct eval_item *it)
{
    size_t size = 0;
    if (it->fields) {
        it->field_text = json_dumps(it->fields, JSON_ENSURE_ASCII);
        json_decref(it->fields);
        it->fields = NULL;
    }
    each_part(it, part_measure, &size);
    char *to = e->full ? NULL : spool_room(e->spool, size ? size : 1);
    e->full = !to;
    if (to)
        each_part(it, part_move, &to);
    it->stored = to != NULL;
}

void eval_store_items(struct eval_set *s)
{
    struct eval_store *e = store_of(s);
    while (e->stored < s->count) {
        store_item(e, &s->items[e->stored]);
        store_task(e, s->items[e->stored].task);
        eval_store_passed(s, e->stored);
    }
}

static void part_copy(void *arg, void **p, size_t size)
{
    (void)arg;
    if (*p)
        *p = memcpy(xmalloc(size + 1), *p, size);
}

struct eval_item eval_item_take(struct eval_set *s, int item)
{
    struct eval_item it = s->items[item];
    if (it.stored)
        each_part(&it, part_copy, NULL);
    else
        s->items[item] = (struct eval_item){.number = -1};
    it.stored = false;
    return it;
}

/* ---- looking at it */

const struct task *eval_task_of(const struct eval_set *s, int item)
{
    return s->store && item < s->store->stored ? &task_table[s->store->tasks[item]]
                                               : s->items[item].task;
}

void eval_store_rest(const struct eval_set *s)
{
    const struct eval_store *e = s->store;
    if (e)
        spool_rest(e->spool);
    if (e && e->listed)
        madvise(s->items, list_bytes(e->room), MADV_DONTNEED);
}

void eval_store_passed(const struct eval_set *s, int item)
{
    if (item % LOOKED_AT == LOOKED_AT - 1)
        eval_store_rest(s);
}

void eval_store_free(struct eval_set *s)
{
    struct eval_store *e = s->store;
    if (e && e->listed)
        munmap(s->items, list_bytes(e->room));
    else
        free(s->items);
    s->items = NULL;
    s->store = NULL;
    if (!e)
        return;
    spool_free(e->spool);
    if (e->list)
        fclose(e->list);
    free(e->tasks);
    free(e);
}
