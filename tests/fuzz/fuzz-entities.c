/* SPDX-License-Identifier: MIT */
/* Flickr30k Entities: captions with marked phrases, and the boxes of what they name as XML. The
 * bytes are three files with NUL between: the captions, the boxes, the list of a split. */
#include "src/study/eval.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>
#include <sys/stat.h>

static const char *const names[] = {"Sentences/1.txt", "Annotations/1.xml", "val.txt"};

static void put_file(const char *folder, const char *name, const uint8_t *data, size_t size)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "w");
    if (!f || fwrite(data, 1, size, f) != size || fclose(f) != 0)
        abort();
}

/* Made once, in memory where there is such a disk. */
static const char *make_folder(void)
{
    static char folder[64], path[256];
    if (folder[0])
        return folder;
    snprintf(folder, sizeof folder, "%s/fuzz-entities-XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    if (!mkdtemp(folder))
        abort();
    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, i ? "Annotations" : "Sentences");
        if (mkdir(path, 0700) != 0)
            abort();
    }
    return folder;
}

static void remove_folder(const char *folder)
{
    static const char *const parts[] = {"Sentences/1.txt", "Annotations/1.xml", "val.txt",
                                        "Sentences", "Annotations", "."};
    char path[256];
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, parts[i]);
        remove(path);
    }
}

static void end(void)
{
    const char *folder = make_folder();
    remove_folder(folder);
    rmdir(folder);
}

static void try(const struct eval_source *o)
{
    struct eval_set *s = NULL;
    struct vs_err err = {0};
    if (eval_open(o, &s, &err) == 0) {
        for (int i = 0; i < s->count; i++)
            if (!s->items[i].task || !s->items[i].text || !s->items[i].id)
                abort();
        eval_free(s);
    } else if (!err.text[0]) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int began;
    const char *folder = make_folder();
    if (!began++)
        atexit(end);
    for (int i = 0; i < 3; i++) {
        const uint8_t *stop = i < 2 && size ? memchr(data, 0, size) : NULL;
        size_t n = stop ? (size_t)(stop - data) : size;
        put_file(folder, names[i], data, n);
        data += n + (stop != NULL);
        size -= n + (stop != NULL);
    }
    try(&(struct eval_source){.path = folder, .images = "x", .task = task_find("refcoco+")});
    try(&(struct eval_source){.path = folder, .images = "x", .task = task_find("flickr30k")});
    try(&(struct eval_source){.path = folder, .images = "x", .split = "val"});
    return 0;
}
