/* SPDX-License-Identifier: MIT */
/* Memory that ends: every allocation whose size comes from outside fails once, one after the other,
 * in all that a query goes through. Each time one line names the want of memory, or the answer is
 * the right one all the same; never a crash, never another answer. What takes a failed allocation
 * for memory, or for success, breaks it.
 *
 * The linker puts __wrap_ functions in the place of vs_try_calloc and kern_alloc (--wrap). */
#include "tap.h"

#include "kernels/kern.h"
#include "src/study/compare_weights.h"
#include "src/study/effects.h"
#include "src/study/lens.h"
#include "src/base/mem.h"
#include "src/task/task.h"

void *__real_vs_try_calloc(size_t count, size_t size);
void *__wrap_vs_try_calloc(size_t count, size_t size);
float *__real_kern_alloc(struct kern *k, size_t n);
float *__wrap_kern_alloc(struct kern *k, size_t n);

static long allocations, fail_at; /* fail_at 0: none */
static bool failed;
static int complaints;

static bool fails(void)
{
    bool now = ++allocations == fail_at;
    failed |= now;
    return now;
}

void *__wrap_vs_try_calloc(size_t count, size_t size)
{
    return fails() ? NULL : __real_vs_try_calloc(count, size);
}

float *__wrap_kern_alloc(struct kern *k, size_t n)
{
    return fails() ? NULL : __real_kern_alloc(k, n);
}

/* ---- what is tried: each leaves its answer as text */

typedef int job(struct model *m, struct photo *p, struct buf *answer, struct vs_err *err);

static struct query question(struct photo **p)
{
    return (struct query){.task = task_find("vqa"), .text = "what color is the dog",
                          .photo_count = 1, .photos = p};
}

static void tell(struct buf *answer, const struct result *r)
{
    for (int i = 0; i < r->answer_count && i < 5; i++)
        buf_printf(answer, "%d %a\n", r->answers[i].index, (double)r->answers[i].logit);
    for (int i = 0; r->trace && i < r->trace->count; i++) {
        const struct trace_tensor *x = &r->trace->tensors[i];
        char name[TRACE_NAME];
        buf_printf(answer, "%s %a\n", trace_name(x->at, name), (double)x->data[0]);
    }
}

static int ask(struct model *m, struct query *q, struct buf *answer, struct vs_err *err)
{
    struct result *r = NULL;
    int rc = query_run(m, q, NULL, &r, err);
    if (rc == 0)
        tell(answer, r);
    result_free(r);
    return rc;
}

static int ask_all(struct model *m, struct photo *p, struct buf *answer, struct vs_err *err)
{
    struct query q = question(&p);
    struct result *r = NULL;
    struct lens *words = NULL, *regions = NULL;
    q.attention = q.hidden = q.others = true;
    int rc = query_run(m, &q, NULL, &r, err);
    if (rc == 0)
        rc = lens_make(m, r, true, 0, &words, err);
    if (rc == 0)
        rc = lens_make(m, r, false, 0, &regions, err);
    if (rc == 0) {
        tell(answer, r);
        buf_printf(answer, "%s %s\n", words->cells[0].label, regions->cells[0].label);
    }
    lens_free(words);
    lens_free(regions);
    result_free(r);
    return rc;
}

static int ask_twice(struct model *m, struct photo *p, struct buf *answer, struct vs_err *err)
{
    struct query q[2] = {question(&p), question(&p)};
    struct result *r[2] = {NULL, NULL};
    q[1].text = "is it red?";
    int rc = query_run_all(m, q, 2, NULL, r, err);
    for (int i = 0; i < 2; i++) {
        if (rc == 0)
            tell(answer, r[i]);
        result_free(r[i]);
    }
    return rc;
}

static int leave_out(struct model *m, struct photo *p, struct buf *answer, struct vs_err *err)
{
    struct query q = question(&p);
    struct effects *e = NULL;
    int rc = effects_run(m, &q, EFFECTS_REGIONS, -1, KERN_ZERO, NULL, NULL, NULL, &e, err);
    for (int i = 0; rc == 0 && i < e->count; i++)
        buf_printf(answer, "%a\n", (double)e->items[i].logit);
    effects_free(e);
    return rc;
}

static int patch_layer(struct model *m, struct photo *p, struct buf *answer, struct vs_err *err)
{
    struct query q = question(&p);
    struct change c = {.kind = CHANGE_SWAP, .part = PART_TEXT, .layer = 0, .head = 0};
    snprintf(c.from, sizeof c.from, "%s", model_checkpoint_name(m, 1));
    q.changes = &c;
    q.change_count = 1;
    return ask(m, &q, answer, err);
}

static int detect(struct model *m, struct photo *p, struct buf *answer, struct vs_err *err)
{
    struct photo *bare = NULL;
    struct photo_options how = {.regions = NULL};
    char *image = xasprintf("%s/vilscope-memory-%d.png",
                            getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp", (int)getpid());
    char *real = realpath(p->path, NULL);
    int rc = real && symlink(real, image) == 0
                 ? photo_open(image, &how, &bare, err)
                 : vs_fail(err, VS_E_IO, "%s: cannot be made", image);
    if (rc == 0)
        rc = photo_detect(m, bare, NULL, NULL, NULL, err);
    if (rc == 0)
        buf_printf(answer, "%d %a\n", bare->regions->count, (double)bare->regions->boxes[0]);
    photo_free(bare);
    unlink(image);
    free(image);
    free(real);
    return rc;
}

static int compare_files(struct model *m, struct photo *p, struct buf *answer, struct vs_err *err)
{
    struct tensorfile *a = NULL;
    struct weights_change *w = NULL;
    struct kern *k = NULL;
    char why[200];
    (void)p;
    int rc = tensorfile_open(model_checkpoint_path(m, 0), &a, err);
    if (rc == 0 && kern_open(NULL, 1, &k, why, sizeof why) != 0)
        rc = vs_fail(err, VS_E_LIMIT, "%s", why);
    if (rc == 0)
        rc = weights_compare(k, a, a, NULL, &w, err);
    if (rc == 0)
        buf_printf(answer, "%a\n", w->all.norm);
    weights_change_free(w);
    tensorfile_close(a);
    kern_close(k);
    return rc;
}

/* ---- from opening to the answer */

static int whole(job *run, struct buf *answer, struct vs_err *err)
{
    const char *tiny = source_path("tests/data/tiny/checkpoint.bin");
    const char *files[] = {tiny, tiny, NULL}, *names[] = {"a", "b", NULL};
    struct model_options o = {.dir = source_path("tests/data/tiny"), .checkpoints = files,
                              .names = names, .threads = 1};
    struct photo_options how = {0};
    struct model *m = NULL;
    struct photo *p = NULL;
    int rc = model_open(&o, &m, err);
    if (rc == 0)
        rc = photo_open(source_path("tests/data/tiny/scene.png"), &how, &p, err);
    if (rc == 0)
        rc = run(m, p, answer, err);
    photo_free(p);
    model_free(m);
    return rc;
}

/* One run with the nth allocation failing. Returns whether it was as it should be. */
static bool once(job *run, long nth, const char *expected, const char *what)
{
    struct buf answer = {0};
    struct vs_err err = {0};
    allocations = 0;
    fail_at = nth;
    failed = false;
    int rc = whole(run, &answer, &err);
    char *text = buf_steal(&answer);
    bool good = rc == 0 ? strcmp(text, expected) == 0
                        : failed && strstr(err.text, "memory") && !strchr(err.text, '\n');
    if (!good && ++complaints <= 5)
        tap_note("%s, allocation %ld: %d '%s'", what, nth, rc, err.text);
    free(text);
    return good;
}

static void try_all(job *run, const char *what, long least)
{
    struct buf answer = {0};
    struct vs_err err = {0};
    long nth = 1, good = 0;
    fail_at = 0;
    complaints = 0;
    if (!ok(whole(run, &answer, &err) == 0 && answer.len > 0, "%s: an answer %s", what, err.text)) {
        buf_fini(&answer);
        return;
    }
    for (failed = true; failed && nth < 5000; nth++)
        good += once(run, nth, answer.data, what);
    ok(!failed && good == nth - 1 && good > least, "%s: each of %ld allocations failed once, "
       "%ld were not taken as they should", what, nth - 2, nth - 1 - good);
    buf_fini(&answer);
}

int main(void)
{
    setenv("XDG_CACHE_HOME", "/dev/null", 1); /* nothing is found again */
    try_all(ask_all, "a query with all maps and states, and lenses", 40);
    try_all(ask_twice, "two queries in one pass", 10);
    try_all(leave_out, "knock-outs", 10);
    try_all(patch_layer, "a head from another checkpoint", 10);
    try_all(detect, "the detector", 20);
    try_all(compare_files, "weights", 2);
    return tap_done();
}
