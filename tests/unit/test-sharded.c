/* SPDX-License-Identifier: MIT */
/* Checkpoints in several files, as transformers saves them: the tiny model is cut in two. Breaks
 * when a tensor is taken from another shard than the index says, when a shard that is missing,
 * doubled or outside of the folder goes unnoticed, and when such a folder is no model. */
#include "folder.h"
#include "src/formats/outfile.h"
#include "src/formats/tensorfile.h"
#include "src/engine/modeldir.h"

#include <sys/stat.h>

#define INDEX "model.safetensors.index.json"

static struct tensorfile *tiny;

static void link_to(const char *name, const char *to)
{
    char *path = temp_path(name), *full = realpath(source_path(to), NULL);
    if (!full || symlink(full, path) != 0)
        ok(false, "%s cannot be linked to %s", path, to);
    free(path);
    free(full);
}

/* Tensors from .. to of the tiny model. */
static void write_shard(const char *name, int from, int to)
{
    struct vs_err err = {0};
    struct tensor_out *list = xcalloc((size_t)(to - from), sizeof *list);
    char *path = temp_path(name);
    for (int i = from; i < to; i++) {
        const struct tensor *t = tensorfile_at(tiny, i);
        struct tensor_out *o = &list[i - from];
        *o = (struct tensor_out){.name = t->raw_name, .dtype = DTYPE_F32, .ndim = t->ndim};
        memcpy(o->shape, t->shape, sizeof o->shape);
        float *x = xcalloc((size_t)tensor_elements(t) + 1, sizeof *x);
        tensor_to_f32(t, x);
        o->data = x;
    }
    if (safetensors_write(path, list, to - from, &err) != 0)
        ok(false, "%s", err.text);
    for (int i = 0; i < to - from; i++)
        free((void *)(uintptr_t)list[i].data);
    free(list);
    free(path);
}

/* Tensors before half are in a, the others in b. more: put before the first. */
static void write_index(const char *name, int half, const char *a, const char *b, const char *more)
{
    struct buf s = {0};
    int n = tensorfile_count(tiny);
    buf_puts(&s, "{\"metadata\": {\"total_size\": 1}, \"weight_map\": {");
    buf_puts(&s, more);
    for (int i = 0; i < n; i++)
        buf_printf(&s, "%s\"%s\": \"%s\"", i ? ",\n" : "", tensorfile_at(tiny, i)->raw_name,
                   i < half ? a : b);
    buf_puts(&s, "}}\n");
    free(write_file(name, s.data, s.len));
    buf_fini(&s);
}

static bool same_tensor(const struct tensor *a, const struct tensor *b)
{
    size_t n = (size_t)tensor_elements(a);
    if (!b || a->ndim != b->ndim || memcmp(a->shape, b->shape, sizeof *a->shape * (size_t)a->ndim))
        return false;
    float *x = xcalloc(n + 1, sizeof *x), *y = xcalloc(n + 1, sizeof *y);
    tensor_to_f32(a, x);
    tensor_to_f32(b, y);
    bool same = memcmp(x, y, n * sizeof *x) == 0;
    free(x);
    free(y);
    return same;
}

static bool same_as_tiny(const struct tensorfile *f)
{
    for (int i = 0; i < tensorfile_count(tiny); i++) {
        const struct tensor *t = tensorfile_at(tiny, i);
        if (!same_tensor(t, tensorfile_find(f, t->name)))
            return false;
    }
    return true;
}

static void reads(const char *index, int count, const char *what)
{
    struct vs_err err = {0};
    struct tensorfile *f = NULL;
    char *path = temp_path(index);
    int rc = tensorfile_open(path, &f, &err);
    ok(rc == 0 && tensorfile_count(f) == count && same_as_tiny(f), "%s: %d tensors %s", what,
       f ? tensorfile_count(f) : -1, err.text);
    ok(f && tensorfile_bytes(f) > 450000 && tensorfile_is_sharded(f), "%s: their size", what);
    tensorfile_close(f);
    free(path);
}

static void refuses(const char *index, int code, const char *why, const char *what)
{
    struct vs_err err = {0};
    struct tensorfile *f = NULL;
    char *path = temp_path(index);
    int rc = tensorfile_open(path, &f, &err);
    ok(rc == code && strstr(err.text, why) && strstr(err.text, index), "%s: %s", what,
       rc ? err.text : "it was read");
    tensorfile_close(f);
    free(path);
}

/* ---- digests: a shard may change without its index */

static void digest_of(const char *index, char hex[DIGEST_HEX])
{
    struct tensorfile *f = NULL;
    char *path = temp_path(index);
    hex[0] = '\0';
    if (tensorfile_open(path, &f, NULL) == 0)
        tensorfile_digest(f, hex, NULL);
    tensorfile_close(f);
    free(path);
}

static void digests(int n)
{
    char before[DIGEST_HEX], after[DIGEST_HEX], single[DIGEST_HEX];
    digest_of(INDEX, before);
    write_index("other.json", n / 2, "a.safetensors", "c.safetensors", "");
    write_shard("c.safetensors", n / 2, n);
    digest_of("other.json", after);
    ok(before[0] && after[0] && strcmp(before, after) != 0, "the index is a part of the digest");
    char *path = temp_path("c.safetensors");
    FILE *f = fopen(path, "r+b");
    if (!f || fseek(f, -1, SEEK_END) != 0 || fputc(1, f) == EOF || fclose(f) != 0)
        ok(false, "c.safetensors cannot be changed");
    free(path);
    digest_of("other.json", single);
    ok(single[0] && strcmp(single, after) != 0, "and so are the shards");
    drop(temp_path("other.json"));
    drop(temp_path("c.safetensors"));
}

/* ---- what cannot be */

static void contradictions(int n)
{
    static const char x[] = "x.json";
    write_index(x, n / 2, "a.safetensors", "none.safetensors", "");
    refuses(x, VS_E_MISSING, "none.safetensors, which is not there", "a shard is missing");
    write_index(x, n / 2, "a.safetensors", "../b.safetensors", "");
    refuses(x, VS_E_REFUSED, "only files beside the index", "outside of the folder");
    write_index(x, n / 2, "a.safetensors", "/dev/zero", "");
    refuses(x, VS_E_REFUSED, "only files beside the index", "an absolute path");
    write_index(x, n / 2, "a.safetensors", "..", "");
    refuses(x, VS_E_REFUSED, "only files beside the index", "the folder above");
    write_index(x, n / 2 + 1, "a.safetensors", "b.safetensors", "");
    refuses(x, VS_E_FORMAT, "which one is meant?", "a tensor in another shard than said");
    write_index(x, n / 2, "a.safetensors", "b.safetensors", "\"none.weight\": \"a.safetensors\",");
    refuses(x, VS_E_MISSING, "'none.weight' is in a.safetensors, which has none of that name",
            "a tensor that is nowhere");
    write_index(x, n / 2, "a.safetensors", x, "");
    refuses(x, VS_E_FORMAT, "is an index of a checkpoint's shards, not a checkpoint",
            "an index that names itself");
    char *twice = xasprintf("\"%s\": \"b.safetensors\",", tensorfile_at(tiny, 0)->raw_name);
    write_index(x, n / 2, "a.safetensors", "b.safetensors", twice);
    refuses(x, VS_E_FORMAT, "duplicate", "a tensor that is named twice");
    free(twice);
    static const char nothing[] = "{\"weight_map\": {}, \"more\": 1}";
    free(write_file(x, nothing, sizeof nothing - 1));
    refuses(x, VS_E_FORMAT, "names no tensor", "no tensor");
    static const char number[] = "{\"weight_map\": {\"a\": 1}, \"b\": 2}";
    free(write_file(x, number, sizeof number - 1));
    refuses(x, VS_E_FORMAT, "'a' has no file name", "no file");
    drop(temp_path(x));
}

/* Two files of PyTorch: the tiny model, and one that has other names. */
static void pickled(int n)
{
    static const char x[] = "pytorch_model.bin.index.json";
    link_to("one.bin", "tests/data/tiny/checkpoint.bin");
    link_to("two.bin", "tests/data/checkpoints/training.pt");
    link_to("three.bin", "tests/data/checkpoints/training_old.bin");
    write_index(x, n, "one.bin", "", "\"n.bias\": \"two.bin\",");
    reads(x, n + 4, "shards of PyTorch");
    write_index(x, n, "one.bin", "", "\"n.bias\": \"two.bin\", \"n.weight\": \"three.bin\",");
    refuses(x, VS_E_FORMAT, "which one is meant?", "the same tensors in two");
    static const char *const made[] = {"one.bin", "two.bin", "three.bin", x};
    for (size_t i = 0; i < sizeof made / sizeof made[0]; i++)
        drop(temp_path(made[i]));
}

/* ---- damage */

static void damage(int n)
{
    struct buf s = {0};
    char *path = temp_path(INDEX), block[4096];
    uint32_t state = 1;
    int read = 0, silent = 0;
    FILE *f = fopen(path, "rb");
    for (size_t got; f && (got = fread(block, 1, sizeof block, f)) > 0;)
        buf_add(&s, block, got);
    if (f)
        fclose(f);
    for (int i = 0; i < 300 && s.len; i++) {
        struct vs_err err = {0};
        struct tensorfile *t = NULL;
        state = state * 1664525u + 1013904223u;
        size_t at = (state >> 4) % (s.len - 3); /* the last brackets and a new line */
        s.data[at] ^= (char)(i % 2 ? 1 << (i / 2 % 8) : 0);
        free(write_file("d.json", s.data, i % 2 ? s.len : at));
        char *damaged = temp_path("d.json");
        if (tensorfile_open(damaged, &t, &err) == 0)
            read += tensorfile_count(t) != n || i % 2 == 0;
        else
            silent += !err.text[0] || strchr(err.text, '\n');
        s.data[at] ^= (char)(i % 2 ? 1 << (i / 2 % 8) : 0);
        tensorfile_close(t);
        free(damaged);
    }
    ok(s.len && read == 0 && silent == 0, "150 cuts and 150 bits of an index: %d, %d", read,
       silent);
    drop(temp_path("d.json"));
    buf_fini(&s);
    free(path);
}

/* ---- the folder as a model */

static void as_model(void)
{
    struct vs_err err = {0};
    struct parts p;
    struct model_options o = {.dir = folder};
    int rc = parts_find(&o, &p, &err);
    ok(rc != 0 && strstr(err.text, "neither model.json"), "no configuration: %s", err.text);
    link_to("config.json", "tests/data/tiny/config.json");
    rc = parts_find(&o, &p, &err);
    ok(rc == VS_E_USAGE && strstr(err.text, "no vocabulary"), "no vocabulary: %s", err.text);
    link_to("vocab.txt", "tests/data/tiny/vocab.txt");
    rc = parts_find(&o, &p, &err);
    ok(rc == 0 && p.checkpoint_count == 1 && strstr(p.checkpoints[0].path, "/" INDEX) &&
           strcmp(p.name, strrchr(folder, '/') + 1) == 0 && strstr(p.config, "/config.json") &&
           strstr(p.vocab, "/vocab.txt"),
       "the folder is a model");
    if (rc == 0)
        parts_fini(&p);
    drop(temp_path("config.json"));
    drop(temp_path("vocab.txt"));
}

int main(void)
{
    struct vs_err err = {0};
    if (!ok(folder_make("sharded") &&
            tensorfile_open(source_path("tests/data/tiny/checkpoint.bin"), &tiny, &err) == 0,
            "the tiny model %s", err.text))
        return tap_done();
    int n = tensorfile_count(tiny);
    write_shard("a.safetensors", 0, n / 2);
    write_shard("b.safetensors", n / 2, n);
    write_index(INDEX, n / 2, "a.safetensors", "b.safetensors", "");
    reads(INDEX, n, "two shards");
    digests(n);
    contradictions(n);
    pickled(n);
    damage(n);
    as_model();
    drop(temp_path("a.safetensors"));
    drop(temp_path("b.safetensors"));
    drop(temp_path(INDEX));
    tensorfile_close(tiny);
    return folder_remove();
}
