/* SPDX-License-Identifier: MIT */
/* Every long job can be stopped: with the flag set before it starts, or by its own report after the
 * first step. It fails as cancelled, gives nothing, and works when it is asked again. A job that
 * does not look at the flag, or that calls half of its work an answer, breaks it. */
#include "tap.h"

#include "src/study/compare_cka.h"
#include "src/study/compare_patch.h"
#include "src/study/compare_weights.h"
#include "src/study/effects.h"
#include "src/base/mem.h"
#include "src/study/probes.h"
#include "src/task/task.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

static struct model *m;
static struct photo *scene;
static struct query q;
static atomic_bool cancel;
static int reports;

static bool is_cancelled(int rc, const struct vs_err *err)
{
    return rc == VS_E_CANCELLED && strstr(err->text, "cancelled");
}

/* ---- queries */

static void queries(void)
{
    struct vs_err err = {0};
    struct result *r = NULL, *all[2] = {NULL, NULL};
    struct query two[2] = {q, q};
    two[0].attention = two[1].attention = false;
    atomic_store(&cancel, true);
    int rc = query_run(m, &q, &cancel, &r, &err);
    ok(is_cancelled(rc, &err) && !r, "a query: %s", err.text);
    rc = query_run_all(m, two, 2, &cancel, all, &err);
    ok(is_cancelled(rc, &err) && !all[0] && !all[1], "several in one pass: %s", err.text);
    atomic_store(&cancel, false);
    ok(query_run(m, &q, &cancel, &r, &err) == 0 && r->answer_count > 0, "and the next one answers");
    result_free(r);
}

/* ---- what asks many times, stopped by its own report */

static void stop_effects(void *arg, const struct effects *e)
{
    (void)arg;
    (void)e;
    reports++;
    atomic_store(&cancel, true);
}

static void stop_patch(void *arg, const struct patch_result *s)
{
    (void)arg;
    (void)s;
    reports++;
    atomic_store(&cancel, true);
}

static void stop_cka(void *arg, int done, int all)
{
    (void)arg;
    (void)done;
    (void)all;
    reports++;
    atomic_store(&cancel, true);
}

static void start(void)
{
    reports = 0;
    atomic_store(&cancel, false);
}

static void leave_outs(void)
{
    struct vs_err err = {0};
    struct effects *e = NULL;
    start();
    int rc = effects_run(m, &q, EFFECTS_HEADS, -1, KERN_ZERO, &cancel, stop_effects, NULL,
                         &e, &err);
    ok(is_cancelled(rc, &err) && !e && reports == 1, "knock-outs after one batch: %s", err.text);
}

static void swaps(void)
{
    struct vs_err err = {0};
    struct patch_result *s = NULL;
    struct patch_options o = {.a = 0, .b = 1, .level = PATCH_LAYERS, .cancel = &cancel,
                              .report = stop_patch};
    start();
    int rc = patch_run(m, &q, 1, &o, &s, &err);
    ok(is_cancelled(rc, &err) && !s && reports == 1, "swaps after one part: %s", err.text);
}

static void alignment(void)
{
    struct vs_err err = {0};
    struct query two[2] = {q, q};
    struct cka out[2];
    start();
    int rc = cka_run(m, two, 2, 0, 1, &cancel, stop_cka, NULL, out, &err);
    ok(is_cancelled(rc, &err) && !out[0].values && reports == 1, "alignment after one query: %s",
       err.text);
}

static void weights(void)
{
    struct vs_err err = {0};
    struct tensorfile *a = NULL, *b = NULL;
    struct weights_change *w = NULL;
    struct kern *k = NULL;
    char why[200];
    if (kern_open(NULL, 1, &k, why, sizeof why) != 0 ||
        tensorfile_open(model_checkpoint_path(m, 0), &a, &err) != 0 ||
        tensorfile_open(model_checkpoint_path(m, 1), &b, &err) != 0) {
        ok(false, "two checkpoints open: %s", err.text);
    } else {
        atomic_store(&cancel, true);
        int rc = weights_compare(k, a, b, &cancel, &w, &err);
        ok(is_cancelled(rc, &err) && !w, "weights: %s", err.text);
    }
    tensorfile_close(a);
    tensorfile_close(b);
    kern_close(k);
}

/* ---- probes: the column that was begun is dropped */

static void stop_probes(void *arg, int probe, struct probe_answer *a, struct result **result)
{
    (void)arg;
    (void)probe;
    (void)a;
    (void)result;
    reports++;
    atomic_store(&cancel, true);
}

static void *stop_soon(void *arg)
{
    usleep(*(unsigned *)arg);
    atomic_store(&cancel, true);
    return NULL;
}

/* Whenever it is stopped, also in a query: a column is whole, or it is none and that is told. */
static void probes_at_any_time(struct probes *p)
{
    int stopped = 0, wrong = 0;
    for (unsigned i = 0, us; i < 200; i++) {
        struct probe_runner *r = probe_runner_new(m, p);
        struct vs_err err = {0};
        pthread_t t;
        start();
        us = 60 * i;
        bool begun = pthread_create(&t, NULL, stop_soon, &us) == 0;
        int rc = probe_runner_add(r, 0, &cancel, NULL, NULL, &err);
        if (begun)
            pthread_join(t, NULL);
        stopped += rc == VS_E_CANCELLED;
        wrong += atomic_load(&probe_runner_table(r)->count) != (rc == 0);
        probe_runner_free(r);
    }
    ok(stopped > 0 && wrong == 0, "stopped %d times, %d of them untold", stopped, wrong);
}

static void probes(void)
{
    struct vs_err err = {0};
    struct probes *p = NULL;
    if (!ok(probes_open(source_path("tests/data/probes/set.probes"), &p, &err) == 0 &&
                p->count > 1,
            "a set of some probes %s", err.text))
        return;
    struct probe_runner *r = probe_runner_new(m, p);
    start();
    int rc = probe_runner_add(r, 0, &cancel, stop_probes, NULL, &err);
    ok(rc == VS_E_CANCELLED && reports == 1 && atomic_load(&probe_runner_table(r)->count) == 0,
       "probes after the first: %s", err.text);
    start();
    rc = probe_runner_add(r, 0, NULL, NULL, NULL, &err);
    ok(rc == 0 && atomic_load(&probe_runner_table(r)->count) == 1, "and all of them then");
    probe_runner_free(r);
    probes_at_any_time(p);
    probes_free(p);
}

/* ---- the detector */

static void stop_detect(void *arg, const struct detect_progress *p)
{
    double *share = arg;
    *share = p->share;
    reports++;
    atomic_store(&cancel, true);
}

static void detector(void)
{
    struct vs_err err = {0};
    struct photo *p = NULL;
    struct photo_options plain = {0};
    float box[4] = {2, 2, 20, 20};
    struct box_list boxes = {box, 1};
    double share = -1;
    char *image = xasprintf("%s/vilscope-cancel.png", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    /* Without the file of regions that lies beside the picture. */
    char *real = realpath(scene->path, NULL);
    bool made = real && symlink(real, image) == 0;
    free(real);
    if (!ok(made && photo_open(image, &plain, &p, &err) == 0 && !p->regions, "a picture without "
            "regions %s", err.text)) {
        unlink(image);
        free(image);
        return;
    }
    start();
    int rc = photo_detect(m, p, &cancel, stop_detect, &share, &err);
    ok(is_cancelled(rc, &err) && !p->regions && reports >= 1 && share < 0.5,
       "the detector, at %.2f of its work: %s", share, err.text);
    atomic_store(&cancel, true);
    rc = photo_pool_boxes(m, p, &boxes, &cancel, NULL, NULL, &err);
    ok(is_cancelled(rc, &err) && !p->pooled, "features of boxes: %s", err.text);
    ok(photo_detect(m, p, NULL, NULL, NULL, &err) == 0 && p->regions, "and then it finds them %s",
       err.text);
    photo_free(p);
    unlink(image);
    free(image);
}

/* ---- the worker */

static int wait_for_it(struct model *model, void *arg, const atomic_bool *stop, struct vs_err *err)
{
    (void)model;
    atomic_store((atomic_bool *)arg, true);
    while (!atomic_load(stop))
        usleep(1000);
    return vs_fail(err, VS_E_CANCELLED, "cancelled");
}

/* What runs is told to stop; what waits behind it never starts. */
static void worker(void)
{
    struct vs_err err = {0};
    struct engine *e = NULL;
    static atomic_bool running, second;
    int results = 0, cancelled = 0;
    if (engine_new(m, &e, &err) != 0) {
        ok(false, "%s", err.text);
        return;
    }
    engine_call(e, wait_for_it, NULL, &running);
    while (!atomic_load(&running))
        usleep(1000);
    engine_call(e, wait_for_it, NULL, &second);
    engine_post(e, &q);
    engine_cancel(e);
    engine_wait_idle(e);
    for (struct event v; engine_poll(e, &v); result_free(v.result)) {
        results += v.kind == EVENT_RESULT;
        cancelled += v.kind == EVENT_ERROR && v.error.code == VS_E_CANCELLED;
    }
    ok(results == 0 && cancelled == 2 && !atomic_load(&second),
       "the worker's job, the one behind it and a query: %d cancelled", cancelled);
    engine_free(e);
}

int main(void)
{
    struct vs_err err = {0};
    const char *dir = source_path(FROZEN);
    struct model_options how = {.dir = dir, .threads = 1};
    struct photo_options plain = {0};
    char *image = xasprintf("%s/images/000000.png", dir);
    setenv("XDG_CACHE_HOME", "/dev/null", 1); /* even root can keep nothing there */
    if (!ok(model_open(&how, &m, &err) == 0 && photo_open(image, &plain, &scene, &err) == 0,
            "the frozen model opens %s", err.text))
        return tap_done();
    q = (struct query){.task = task_find("vqa"), .text = "how many stars are there?",
                       .photo_count = 1, .photos = &scene};
    queries();
    leave_outs();
    swaps();
    alignment();
    weights();
    probes();
    detector();
    worker();
    photo_free(scene);
    model_free(m);
    free(image);
    return tap_done();
}
