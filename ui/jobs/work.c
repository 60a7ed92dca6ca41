/* SPDX-License-Identifier: MIT */
/* Other work for the engine's thread. */
#include "ui/jobs/compare.h"
#include "ui/jobs/jobs.h"

#include "src/base/mem.h"

#include <stdlib.h>

struct job {
    int number;
    void *arg;
    job_done *done;
    struct job *next;
};

/* Work that runs may still read it. */
void work_drop_result(struct workbench *w, struct result *r)
{
    if (!r)
        return;
    if (!w->work.jobs) {
        result_free(r);
        return;
    }
    w->work.old =
        xreallocarray(w->work.old, (size_t)w->work.old_count + 1, sizeof(struct result *));
    w->work.old[w->work.old_count++] = r;
}

int workbench_call(struct workbench *w, engine_work *run, job_done *done, void (*drop)(void *arg),
                   void *arg)
{
    struct job *j = xcalloc(1, sizeof *j);
    j->arg = arg;
    j->done = done;
    j->next = w->work.jobs;
    w->work.jobs = j;
    j->number = engine_call(w->ses.engine, run, drop, arg);
    return j->number;
}

void work_end(struct workbench *w, const struct event *e)
{
    struct job **at = &w->work.jobs;
    while (*at && (*at)->number != e->query)
        at = &(*at)->next;
    struct job *j = *at;
    if (!j)
        return;
    *at = j->next;
    j->done(w, e->arg, e->kind == EVENT_ERROR ? &e->error : NULL);
    free(j);
    for (int i = 0; !w->work.jobs && i < w->work.old_count; i++)
        result_free(w->work.old[i]);
    w->work.old_count = w->work.jobs ? w->work.old_count : 0;
}

void work_free(struct work *x)
{
    while (x->jobs) {
        struct job *j = x->jobs;
        x->jobs = j->next;
        free(j);
    }
    for (int i = 0; i < x->old_count; i++)
        result_free(x->old[i]);
    free(x->old);
}

bool workbench_detecting(const struct workbench *w)
{
    return w->asked.running ||
           (w->ses.photo < w->ses.photo_count && w->ses.states[w->ses.photo].waits);
}

bool workbench_busy(const struct workbench *w)
{
    bool detects = false;
    for (int i = 0; i < w->ses.photo_count; i++)
        detects |= w->ses.states[i].waits;
    return w->asked.running || w->work.jobs || detects || compare_busy(w);
}
