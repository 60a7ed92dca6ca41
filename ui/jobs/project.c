/* SPDX-License-Identifier: MIT */
/* Hidden states of a set, and images of its items, for the screen. */
#include "ui/jobs/project.h"

#include "src/base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IMAGES_MOST 64 /* that are kept */

struct project_job {
    char *set, *after;
    struct projection_wants wants;
    struct projection out;
    struct eval_gone gone; /* its first is the set's, which is freed by then */
    atomic_int done, all;
    atomic_bool stop; /* also once what it is for is dropped */
};

static void project_job_free(void *arg)
{
    struct project_job *j = arg;
    projection_fini(&j->out);
    free(j->set);
    free(j->after);
    free(j);
}

static void project_report(void *arg, const struct eval_progress *p)
{
    struct project_job *j = arg;
    atomic_store(&j->done, p->done);
    atomic_store(&j->all, p->all);
}

/* A data set, or else a check set; what is wrong with the first is said where it is neither. */
static int project_run(struct model *m, void *arg, const atomic_bool *cancel, struct vs_err *err)
{
    struct project_job *j = arg;
    const struct eval_source from = {.path = j->set, .task = j->wants.task, .optional = true};
    struct eval_set *set = NULL;
    struct probes *checks = NULL;
    struct vs_err why = {0};
    (void)cancel;
    if (atomic_load(&j->stop))
        return vs_fail(err, VS_E_CANCELLED, "cancelled");
    j->wants.gone = &j->gone;
    int rc = eval_open(&from, &set, err);
    if (rc == 0)
        rc = projection_run(m, set, &j->wants, &j->out, err);
    else if (probes_open(j->set, &checks, &why) == 0)
        rc = projection_run_probes(m, checks, &j->wants, &j->out, err);
    probes_free(checks);
    eval_free(set);
    return rc;
}

static void project_take(struct workbench *w, void *arg, const struct vs_err *err)
{
    struct project_job *j = arg;
    struct project *p = w->ses.project && w->ses.project->runs == j ? w->ses.project : NULL;
    if (p && err) {
        bool stopped = err->code == VS_E_CANCELLED;
        snprintf(p->why, sizeof p->why, "%.255s", stopped ? "stopped: :project begins again"
                                                          : err->text);
        workbench_say(w, !stopped, "states of a set: %s", p->why);
    } else if (p) {
        int left = j->out.left_out + j->gone.items;
        char out[48] = "";
        p->known = j->out;
        j->out = (struct projection){0};
        if (left)
            snprintf(out, sizeof out, "; %d left out", left);
        workbench_note(w, "%d points of %s%d items%s", p->known.n,
                       p->known.cut ? "the first " : "", p->known.items, out);
    }
    if (p)
        p->runs = NULL;
    project_job_free(j);
}

void project_start(struct workbench *w, const char *set, enum projection_of of, const char *after)
{
    struct project *p = xcalloc(1, sizeof *p);
    struct project_job *j = xcalloc(1, sizeof *j);
    *p = (struct project){.set = xstrdup(set), .task = w->ses.task, .runs = j,
                          .serial = ++w->ses.projects,
                          .checkpoint = xstrdup(model_checkpoint_name(w->ses.model,
                                                                      w->ses.checkpoint))};
    j->set = xstrdup(set);
    j->after = *after ? xstrdup(after) : NULL;
    j->wants = (struct projection_wants){.of = of, .after = j->after, .limit = PROJECT_LIMIT,
                                         .cut = true, .checkpoint = w->ses.checkpoint,
                                         .task = w->ses.task,
                                         .cancel = &j->stop, .report = project_report,
                                         .report_arg = j};
    project_forget(w);
    w->ses.project = p;
    workbench_call(w, project_run, project_take, project_job_free, j);
}

void project_progress(const struct project *p, int *done, int *all)
{
    *done = p->runs ? atomic_load(&p->runs->done) : 0;
    *all = p->runs ? atomic_load(&p->runs->all) : 0;
}

void project_stop(struct workbench *w)
{
    if (w->ses.project && w->ses.project->runs)
        atomic_store(&w->ses.project->runs->stop, true);
}

static void project_drop_images(struct project *p)
{
    for (int i = 0; i < p->image_count; i++) {
        free(p->images[i].path);
        photo_free(p->images[i].photo);
    }
    free(p->images);
    p->images = NULL;
    p->image_count = 0;
}

void project_forget(struct workbench *w)
{
    struct project *p = w->ses.project;
    project_stop(w);
    w->ses.project = NULL;
    if (!p)
        return;
    project_drop_images(p);
    projection_fini(&p->known);
    free(p->set);
    free(p->checkpoint);
    free(p);
}

/* ---- images */

struct image_job {
    int serial; /* of what it is for */
    char *path;
    struct photo *photo;
};

static void image_job_free(void *arg)
{
    struct image_job *j = arg;
    photo_free(j->photo);
    free(j->path);
    free(j);
}

static int image_run(struct model *m, void *arg, const atomic_bool *cancel, struct vs_err *err)
{
    struct image_job *j = arg;
    (void)m;
    (void)cancel;
    const struct photo_options how = {0};
    return photo_open(j->path, &how, &j->photo, err);
}

/* A picture that cannot be read leaves its place empty: features may be all that there is. */
static void image_take(struct workbench *w, void *arg, const struct vs_err *err)
{
    struct image_job *j = arg;
    struct project *p = w->ses.project;
    (void)err;
    for (int i = 0; p && p->serial == j->serial && i < p->image_count; i++)
        if (!p->images[i].photo && strcmp(p->images[i].path, j->path) == 0) {
            p->images[i].photo = j->photo;
            j->photo = NULL;
        }
    image_job_free(j);
}

const struct image *project_image(struct workbench *w, struct project *p, int point)
{
    const char *path = p->known.points[point].image;
    for (int i = 0; i < p->image_count; i++)
        if (strcmp(p->images[i].path, path) == 0)
            return p->images[i].photo ? p->images[i].photo->image : NULL;
    if (p->image_count == IMAGES_MOST)
        project_drop_images(p);
    p->images = xreallocarray(p->images, (size_t)p->image_count + 1, sizeof *p->images);
    p->images[p->image_count++] = (struct project_image){.path = xstrdup(path)};
    struct image_job *j = xcalloc(1, sizeof *j);
    *j = (struct image_job){.serial = p->serial, .path = xstrdup(path)};
    workbench_call(w, image_run, image_take, image_job_free, j);
    return NULL;
}
