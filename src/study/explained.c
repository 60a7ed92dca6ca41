/* SPDX-License-Identifier: MIT */
/* What tests of explanations came to on a checkpoint. */
#include "src/study/explained.h"

#include "src/base/cachedir.h"
#include "src/base/mem.h"
#include "src/base/plain.h"
#include "src/formats/bytes.h"
#include "src/formats/outfile.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define EXPLAINED_VERSION 1

struct explained {
    json_t *root;
};

/* NULL: there is no cache. Caller frees. */
static char *explained_path(const char *digest, bool create)
{
    struct vs_err none = {0};
    char *folder = cachedir_path("explained", create), *path = NULL;
    if (folder && create)
        outfile_folder(folder, &none);
    if (folder && cachedir_is_ours(folder, true) &&
        strspn(digest, "0123456789abcdef") == DIGEST_HEX - 1)
        path = xasprintf("%s/%s.json", folder, digest);
    free(folder);
    return path;
}

/* A new object; an empty one when there is none, or of another version. */
static json_t *explained_read(const char *path)
{
    FILE *f = path ? cachedir_open(path) : NULL;
    json_t *root = f ? json_loadf(f, 0, NULL) : NULL;
    if (f)
        fclose(f);
    if (json_integer_value(json_object_get(root, "version")) == EXPLAINED_VERSION)
        return root;
    json_decref(root);
    return json_pack("{s:i, s:{}}", "version", EXPLAINED_VERSION, "tasks");
}

/* ---- writing */

static json_t *explained_mean(const struct bootstrap *b)
{
    return json_pack("{s:o, s:o, s:o, s:i, s:i}", "mean", plain_number(b->mean), "low",
                     plain_number(b->low), "high", plain_number(b->high), "n", b->count, "groups",
                     b->clusters);
}

static json_t *explained_method(const struct explain_sums *s, int m)
{
    json_t *v = json_object();
    for (int k = 0; k < EXPLAIN_KINDS; k++) {
        enum explanation_kind kind = (enum explanation_kind)k;
        struct bootstrap gain = explain_mean(s, m, kind, EXPLAIN_GAIN);
        struct bootstrap over = explain_mean(s, m, kind, EXPLAIN_OVER);
        json_object_set_new(v, explanation_kinds[k],
                            json_pack("{s:o, s:o}", "gain", explained_mean(&gain), "over",
                                      explained_mean(&over)));
    }
    return v;
}

/* The task's object, begun anew where it is of another test. */
static json_t *explained_task(json_t *root, const char *task, const char *set, const char *how,
                              int items)
{
    json_t *tasks = json_object_get(root, "tasks"), *v = json_object_get(tasks, task);
    const char *old_set = json_string_value(json_object_get(v, "set"));
    const char *old_how = json_string_value(json_object_get(v, "how"));
    if (old_set && old_how && strcmp(old_set, set) == 0 && strcmp(old_how, how) == 0 &&
        json_integer_value(json_object_get(v, "items")) == items)
        return v;
    v = json_pack("{s:o, s:o, s:i, s:{}}", "set", plain_string(set), "how", plain_string(how),
                  "items", items, "methods");
    json_object_set_new(tasks, task, v);
    return v;
}

static int explained_write(const char *path, const json_t *root, struct vs_err *err)
{
    struct outfile o;
    char *text = json_dumps(root, JSON_INDENT(1) | JSON_SORT_KEYS);
    int rc = text ? outfile_open(&o, path, err) : vs_fail(err, VS_E_IO, "%s: no JSON", path);
    if (rc == 0) {
        outfile_write(&o, text, strlen(text));
        rc = outfile_close(&o, err);
    }
    free(text);
    return rc;
}

int explained_save(const char *digest, const struct task *task, const char *set, const char *how,
                   const struct explain_sums *sums, struct vs_err *err)
{
    char *path = explained_path(digest, true);
    if (!path)
        return vs_fail(err, VS_E_IO, "there is no cache to keep scores in: set XDG_CACHE_HOME");
    json_t *root = explained_read(path);
    json_t *methods = json_object_get(explained_task(root, task->name, set, how, sums->items),
                                      "methods");
    for (int m = 0; m < sums->real; m++)
        json_object_set_new(methods, sums->methods[m], explained_method(sums, m));
    int rc = explained_write(path, root, err);
    json_decref(root);
    free(path);
    return rc;
}

/* ---- reading */

struct explained *explained_load(const char *digest)
{
    char *path = explained_path(digest, false);
    if (!path)
        return NULL;
    struct explained *x = xcalloc(1, sizeof *x);
    x->root = explained_read(path);
    free(path);
    return x;
}

void explained_free(struct explained *x)
{
    if (!x)
        return;
    json_decref(x->root);
    free(x);
}

static double explained_number(const json_t *v, const char *key)
{
    const json_t *x = json_object_get(v, key);
    return json_is_number(x) ? json_number_value(x) : (double)NAN;
}

static struct bootstrap explained_bootstrap(const json_t *v)
{
    return (struct bootstrap){explained_number(v, "mean"), explained_number(v, "low"),
                              explained_number(v, "high"),
                              (int)json_integer_value(json_object_get(v, "n")),
                              (int)json_integer_value(json_object_get(v, "groups"))};
}

bool explained_find(const struct explained *x, const struct task *task,
                    const struct attribution_method *method, enum explanation_kind kind,
                    struct explained_score *out)
{
    const json_t *v = x ? json_object_get(json_object_get(x->root, "tasks"), task->name) : NULL;
    const json_t *scores = json_object_get(json_object_get(v, "methods"), method->word);
    const json_t *score = json_object_get(scores, explanation_kinds[kind]);
    *out = (struct explained_score){explained_bootstrap(json_object_get(score, "gain")),
                                    explained_bootstrap(json_object_get(score, "over")),
                                    (int)json_integer_value(json_object_get(v, "items")),
                                    json_string_value(json_object_get(v, "set")),
                                    json_string_value(json_object_get(v, "how"))};
    return out->gain.count > 0 && isfinite(out->gain.mean) && out->set && out->how;
}

char *explained_json(const struct explained *x, const struct task *task,
                     const struct attribution_method *method)
{
    json_t *v = NULL;
    for (int k = 0; k < EXPLAIN_KINDS; k++) {
        struct explained_score s;
        if (!explained_find(x, task, method, (enum explanation_kind)k, &s))
            continue;
        if (!v)
            v = json_pack("{s:o, s:o, s:i}", "set", plain_string(s.set), "how",
                          plain_string(s.how), "items", s.items);
        json_object_set_new(v, explanation_kinds[k],
                            json_pack("{s:o, s:o}", "gain", explained_mean(&s.gain), "over",
                                      s.over.count ? explained_mean(&s.over) : json_null()));
    }
    char *text = v ? json_dumps(v, JSON_COMPACT | JSON_REAL_PRECISION(9)) : NULL;
    json_decref(v);
    return text;
}

void explained_mean_text(const struct bootstrap *b, char *out, size_t size)
{
    if (isnan(b->low))
        snprintf(out, size, "%+.2f", b->mean);
    else
        snprintf(out, size, "%+.2f (%+.2f to %+.2f)", b->mean, b->low, b->high);
}
