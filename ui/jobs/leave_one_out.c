/* SPDX-License-Identifier: MIT */
/* A leave-one-out attribution under way. */
#include "ui/jobs/leave_one_out.h"

#include "src/base/mem.h"
#include "ui/jobs/own_query.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct leave_out {
    struct own_query own;
    const struct result *r;  /* what it is about */
    enum effects_of of;
    int choice;
    enum kern_silence how;
    struct effects *out;
    atomic_bool stop;
    const atomic_bool *cancel; /* the engine's */
    pthread_mutex_t lock;
    struct effects *known;   /* with the lock: a copy for the screen, not yet taken */
};

static void leave_out_drop(void *arg)
{
    struct leave_out *k = arg;
    own_query_fini(&k->own);
    effects_free(k->known);
    effects_free(k->out);
    pthread_mutex_destroy(&k->lock);
    free(k);
}

static struct effects *copy_of(const struct effects *e)
{
    struct effects *out = xmalloc(sizeof *out);
    size_t size = (size_t)e->count * sizeof *e->items;
    *out = *e;
    out->items = xmalloc(size + 1);
    memcpy(out->items, e->items, size);
    return out;
}

/* In the worker's thread. The engine's flag is heard here, between batches: the pass looks at ours,
 * which a newer query sets, too. */
static void leave_out_report(void *arg, const struct effects *e)
{
    struct leave_out *k = arg;
    struct effects *copy = copy_of(e);
    if (atomic_load(k->cancel))
        atomic_store(&k->stop, true);
    pthread_mutex_lock(&k->lock);
    effects_free(k->known);
    k->known = copy;
    pthread_mutex_unlock(&k->lock);
}

static int leave_out_run(struct model *m, void *arg, const atomic_bool *cancel, struct vs_err *err)
{
    struct leave_out *k = arg;
    k->cancel = cancel;
    return effects_run(m, &k->own.q, k->of, k->choice, k->how, &k->stop, leave_out_report, k,
                       &k->out, err);
}

static void leave_out_take(struct workbench *w, void *arg, const struct vs_err *err)
{
    struct leave_out *k = arg;
    if (w->leave_outs.runs == k)
        w->leave_outs.runs = NULL;
    if (err && k->r == w->now.r)
        workbench_say(w, err->code != VS_E_CANCELLED, "%s",
                      err->code == VS_E_CANCELLED ? "leave-one-out stopped" : err->text);
    if (!err && k->r == w->now.r) {
        effects_free(w->leave_outs.known);
        w->leave_outs.known = k->out;
        k->out = NULL;
        workbench_say(w, false, "leave-one-out: %d in %.0f ms", w->leave_outs.known->done,
                      w->leave_outs.known->ms);
    }
    leave_out_drop(k);
}

/* ---- the query again */

/* Whether a photo has the regions that the result knows, in number and place: boxes that were drawn
 * or dropped since would be left out of another query. */
static bool still_fits(const struct result *r, int i, const struct photo *p,
                       const struct box_list *given)
{
    const struct result_image *im = &r->images[i];
    bool pointing = r->task->extra_regions > 0;
    const struct regions *found = photo_regions(p);
    int own = !pointing && given->count ? given->count : found ? found->count : 0;
    int more = !pointing      ? 0
               : given->count ? given->count
               : p->candidates ? p->candidates->count
                               : 0;
    if (im->region_count != own || im->candidate_count != more)
        return false;
    const float *boxes = im->boxes + (pointing ? 4 * (ptrdiff_t)own : 0);
    return given->count == 0 ||
           memcmp(boxes, given->boxes, (size_t)given->count * 4 * sizeof *boxes) == 0;
}

static int check_fit(const struct result *r, const struct leave_out *k, struct vs_err *err)
{
    for (int i = 0; i < r->image_count; i++)
        if (!still_fits(r, i, k->own.photos[i], &k->own.boxes[i]))
            return vs_fail(err, VS_E_USAGE, "the boxes on the image have changed: r asks again");
    return 0;
}

static struct leave_out *leave_out_new(const struct workbench *w, struct vs_err *err)
{
    struct leave_out *k = xcalloc(1, sizeof *k);
    pthread_mutex_init(&k->lock, NULL);
    atomic_init(&k->stop, false);
    k->r = w->now.r;
    int rc = own_query_make(w, &k->own, err);
    if (rc == 0)
        rc = check_fit(k->r, k, err);
    k->own.q.checkpoint = model_checkpoint_of(w->ses.model, k->r);
    if (rc == 0)
        return k;
    leave_out_drop(k);
    return NULL;
}

void leave_out_start(struct workbench *w, enum effects_of of, enum kern_silence how)
{
    struct vs_err err = {0};
    leave_out_stop(w);
    w->leave_outs.later = w->asked.running != 0;
    w->leave_outs.of = of;
    w->leave_outs.how = how;
    if (w->leave_outs.later)
        return;
    struct leave_out *k = leave_out_new(w, &err);
    if (!k) {
        workbench_say(w, true, "%s", err.text);
        return;
    }
    k->of = of;
    k->how = how;
    k->choice = look_choice(w);
    effects_free(w->leave_outs.known);
    w->leave_outs.known = NULL;
    w->leave_outs.runs = k;
    w->leave_outs.started++;
    workbench_call(w, leave_out_run, leave_out_take, leave_out_drop, k);
}

void leave_out_resume(struct workbench *w)
{
    if (w->leave_outs.later)
        leave_out_start(w, w->leave_outs.of, w->leave_outs.how);
}

void leave_out_stop(struct workbench *w)
{
    struct leave_out *k = w->leave_outs.runs;
    w->leave_outs.later = false;
    if (k)
        atomic_store(&k->stop, true);
}

bool leave_out_runs(const struct workbench *w)
{
    if (w->leave_outs.later)
        return w->asked.running != 0;
    return w->leave_outs.runs && w->leave_outs.runs->r == w->now.r;
}

const struct effects *leave_out_known(struct workbench *w)
{
    if (!leave_out_runs(w) || w->leave_outs.later)
        return w->leave_outs.known;
    struct leave_out *k = w->leave_outs.runs;
    pthread_mutex_lock(&k->lock);
    struct effects *fresh = k->known;
    k->known = NULL;
    pthread_mutex_unlock(&k->lock);
    if (fresh) {
        effects_free(w->leave_outs.known);
        w->leave_outs.known = fresh;
    }
    return w->leave_outs.known;
}
