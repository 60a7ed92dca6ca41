/* SPDX-License-Identifier: MIT */
/* Sets of many items: what they hold is in files, and memory lets go of it. A page that is lost, an
 * item that keeps what it held in memory, or one that dies with its set breaks it. */
#include "tap.h"

#include "src/base/mem.h"
#include "src/study/eval_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ITEMS 20000
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer) ||                         \
    __has_feature(thread_sanitizer)
#define SANITIZED true
#endif
#endif
#ifndef SANITIZED
#define SANITIZED false
#endif

/* Kilobytes of this program that are in memory. */
static long resident(void)
{
    FILE *f = fopen("/proc/self/statm", "re");
    long all = 0, here = -1;
    if (f && fscanf(f, "%ld %ld", &all, &here) != 2)
        here = -1;
    if (f)
        fclose(f);
    return here < 0 ? -1 : here * (sysconf(_SC_PAGESIZE) / 1024);
}

static bool write_set(const char *path)
{
    FILE *f = fopen(path, "we");
    for (int i = 0; f && i < ITEMS; i++)
        fprintf(f, "{\"task\": \"%s\", \"images\": [\"a%d.png\"%s], \"text\": \"text %d\", "
                "%s%s\"answer\": \"%s\", \"slices\": [\"s%d\"]}\n", i % 2 ? "nlvr2" : "vqa", i,
                i % 2 ? ", \"b.png\"" : "", i, i % 3 ? "\"id\": \"q\", " : "",
                i % 2 ? "" : "\"box\": [1, 2, 3, 4], ", i % 2 ? "true" : "cat", i % 7);
    return f && fclose(f) == 0;
}

static bool is_as_written(const struct eval_set *s, int i)
{
    const struct eval_item *it = &s->items[i];
    char image[40], text[40], id[40], fields[60];
    const char *slash = strrchr(it->images[0], '/');
    snprintf(image, sizeof image, "/a%d.png", i);
    snprintf(text, sizeof text, "text %d", i);
    snprintf(id, sizeof id, "%d", i + 1);
    snprintf(fields, sizeof fields, "{\"slices\": [\"s%d\"]}", i % 7);
    return it->stored && it->scored && slash && strcmp(slash, image) == 0 &&
           it->image_count == 1 + i % 2 && strcmp(it->text, text) == 0 &&
           strcmp(it->id, i % 3 ? "q" : id) == 0 && it->no_id == (i % 3 == 0) &&
           it->label_count == 1 && strcmp(it->labels[0], i % 2 ? "true" : "cat") == 0 &&
           it->worths[0] == 1 && strcmp(it->field_text, fields) == 0 &&
           (i % 2 ? it->evidence.count == 0 : it->evidence.boxes[3] == 4) &&
           eval_task_of(s, i) == it->task;
}

/* Worth of results: nothing ranked is nothing right. */
static void worth(void)
{
    struct result_image image = {.region_count = 2};
    struct result_box box = {.region = 1, .box = {0, 0, 10, 10}};
    struct result r = {.images = &image, .image_count = 1, .boxes = &box, .box_count = 1};
    struct eval_item it = {.task = task_find("refcoco"), .has_box = true, .box = {0, 0, 10, 9},
                           .number = -1};
    r.task = it.task;
    ok(eval_worth(&it, &r) == 1, "a box that fits is right");
    box.box[2] = 30;
    ok(eval_worth(&it, &r) == 0, "one that does not is wrong");
    box.box[2] = 10;
    r.box_count = 0;
    ok(eval_worth(&it, &r) == 0, "and no box is wrong");
    it.task = r.task = task_find("gqa");
    ok(eval_worth(&it, &r) == 0, "no answer is wrong");
}

int main(void)
{
    worth();
    const char *folder = getenv("TMPDIR");
    char *path = xasprintf("%s/test-sets.jsonl", folder ? folder : "/tmp");
    struct eval_source from = {.path = path};
    struct eval_set *s = NULL;
    struct vs_err err = {0};
    int same = 0;
    ok(write_set(path), "a set is written");
    long before = resident();
    int rc = eval_open(&from, &s, &err);
    long grown = resident() - before;
    ok(rc == 0 && s->count == ITEMS, "it is opened: %s", err.text);
    /* In memory it would be 20 MB. */
    if (before < 0 || SANITIZED)
        tap_skip("what is in memory is not known, or is kept to find errors");
    else
        ok(grown < 4096, "%d items take %ld KB of memory", ITEMS, grown);
    for (int i = 0; rc == 0 && i < ITEMS; i++) {
        same += is_as_written(s, i);
        eval_store_passed(s, i);
    }
    eval_store_rest(s);
    for (int i = ITEMS - 1; rc == 0 && i >= 0; i -= 97)
        same += is_as_written(s, i);
    ok(same == ITEMS + ITEMS / 97 + 1, "each is as it was written, also when memory let go of it: "
       "%d", same);
    struct eval_item it = eval_item_take(s, 1235);
    eval_free(s);
    ok(!it.stored && strcmp(it.text, "text 1235") == 0 && strcmp(it.images[1] +
       strlen(it.images[1]) - 5, "b.png") == 0, "one that was taken outlives its set");
    eval_item_fini(&it);
    unlink(path);
    free(path);
    return tap_done();
}
