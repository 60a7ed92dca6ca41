/* SPDX-License-Identifier: MIT */
/* Extracting the regions of many images: jobs that take images, each with its own threads; the
 * weights are shared. What a job takes goes through the detector in groups of one size. */
#include "src/study/extract_priv.h"

#include "src/formats/boxcheck.h"
#include "src/formats/boxfile.h"
#include "src/formats/image.h"
#include "src/formats/lmdbwrite.h"
#include "src/formats/outfile.h"
#include "src/formats/regions.h"
#include "src/formats/tempfile.h"
#include "src/base/mem.h"
#include "src/base/plain.h"
#include "src/vision/detector.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BATCH 8 /* pictures that a job takes for a GPU, when nobody says how many */

/* ---- names */

static int extract_by_id(const void *a, const void *b)
{
    const struct item *const *x = a, *const *y = b;
    return strcmp((*x)->id, (*y)->id);
}

/* Two images of one name would overwrite each other. */
static int check_names(struct extract *e)
{
    const struct item **list = xcalloc((size_t)e->count + 1, sizeof *list);
    int rc = 0;
    for (int i = 0; i < e->count; i++)
        list[i] = &e->items[i];
    vs_sort(list, (size_t)e->count, sizeof *list, extract_by_id);
    for (int i = 0; i < e->count && rc == 0; i++) {
        if (strlen(list[i]->id) > 250)
            rc = vs_fail(e->err, VS_E_USAGE, "%s: its name is too long", list[i]->path);
        else if (i > 0 && strcmp(list[i]->id, list[i - 1]->id) == 0)
            rc = vs_fail(e->err, VS_E_USAGE, "%s and %s would both be written as '%s': extract "
                         "them into two places", list[i - 1]->path, list[i]->path, list[i]->id);
    }
    free(list);
    return rc;
}

static char *output_path(const struct extract *e, const struct item *it)
{
    return xasprintf("%s/%s.%s", e->o->out, it->id,
                     e->o->format == EXTRACT_NPY ? "npy" : "safetensors");
}

static bool extract_is_there(struct extract *e, const struct item *it)
{
    if (e->o->force)
        return false;
    if (e->lmdb)
        return lmdb_out_has(e->lmdb, it->id);
    char *path = output_path(e, it);
    bool there = access(path, F_OK) == 0;
    free(path);
    return there;
}

/* What a killed run left half written; what another run writes just now is held. */
static void remove_leftovers(const struct extract *e)
{
    char *folder = xasprintf("%s/", e->o->out);
    tempfile_sweep(folder);
    free(folder);
}

/* ---- one image */

static void note_stage(struct extract *e, const char *name, double ms, double work)
{
    int i = 0;
    while (i < e->stage_count && strcmp(e->stages[i].name, name) != 0)
        i++;
    if (i == STAGES)
        return;
    if (i == e->stage_count)
        snprintf(e->stages[e->stage_count++].name, sizeof e->stages[0].name, "%s", name);
    e->stages[i].ms += ms;
    e->stages[i].work += work;
}

static void extract_on_progress(void *arg, const char *stage, double done, double all)
{
    struct job *j = arg;
    double now = vs_now_ms();
    pthread_mutex_lock(&j->e->lock);
    note_stage(j->e, stage, now - j->last_ms, done - j->last_work);
    j->share = all > 0 ? j->running * done / all : 0;
    pthread_mutex_unlock(&j->e->lock);
    j->last_ms = now;
    j->last_work = done;
    if (j->e->stop && atomic_load(j->e->stop))
        atomic_store(&j->e->cancel, true);
}

/* An image that a job has taken. */
struct taken {
    struct item *it;
    struct image *image;
    struct detector_picture picture; /* with its boxes, which are its own */
    float *boxes;
    int w, h; /* what the detector makes of its size */
    bool done;
    int rc;
    struct vs_err err;
};

/* The boxes that the user has for an image, as ground truth. */
static int read_boxes(const struct extract *e, struct taken *t)
{
    static const char *const kinds[] = {"txt", "json", "npy"};
    if (!e->o->boxes)
        return 0;
    for (int i = 0; i < 3; i++) {
        char *path = xasprintf("%s/%s.%s", e->o->boxes, t->it->id, kinds[i]);
        bool there = access(path, F_OK) == 0;
        int rc = there ? boxfile_read(path, &t->boxes, &t->picture.box_count, &t->err) : 0;
        free(path);
        t->picture.boxes = t->boxes;
        if (there)
            return rc;
    }
    return vs_fail(&t->err, VS_E_MISSING, "%s: no boxes: there is no %s.txt, .json or .npy in %s",
                   t->it->path, t->it->id, e->o->boxes);
}

/* Boxes that cannot be, or would have to be changed, are an error here: nobody reads notes of a
 * thousand images. */
static int extract_check_boxes(struct taken *t)
{
    char *note = NULL;
    if (!t->boxes)
        return 0;
    int rc = boxes_check(t->boxes, t->picture.box_count, t->picture.w, t->picture.h, t->it->path,
                         &note, &t->err);
    if (rc == 0 && note)
        rc = vs_fail(&t->err, VS_E_FORMAT, "%s", note);
    free(note);
    return rc;
}

static void extract_load(struct job *j, struct taken *t)
{
    double start = vs_now_ms();
    t->rc = read_boxes(j->e, t);
    if (t->rc == 0)
        t->rc = image_open(t->it->path, &t->image, &t->err);
    t->done = t->rc != 0;
    if (t->done)
        return;
    if (j->e->o->upright)
        image_turn(t->image);
    t->picture.rgb = t->image->rgb;
    t->picture.w = t->image->width;
    t->picture.h = t->image->height;
    t->rc = extract_check_boxes(t);
    t->done = t->rc != 0;
    if (t->done)
        return;
    detector_size(j->detector, t->picture.w, t->picture.h, &t->w, &t->h);
    pthread_mutex_lock(&j->e->lock);
    note_stage(j->e, "decoding", vs_now_ms() - start, 0);
    pthread_mutex_unlock(&j->e->lock);
}

static void lock_device(struct extract *e)
{
    if (e->shared)
        pthread_mutex_lock(&e->device);
}

static void unlock_device(struct extract *e)
{
    if (e->shared)
        pthread_mutex_unlock(&e->device);
}

/* Runs pictures of one size together. */
static int extract_detect(struct job *j, struct taken **list, int count, struct vs_err *err)
{
    struct detector_want want = {.cancel = &j->e->cancel, .progress = extract_on_progress,
                                 .progress_arg = j, .prob = true, .more = true};
    struct detector_picture pictures[EXTRACT_BATCH_MOST];
    for (int i = 0; i < count; i++)
        pictures[i] = list[i]->picture;
    lock_device(j->e);
    j->last_ms = vs_now_ms();
    j->last_work = 0;
    j->running = count;
    int rc = detector_run(j->detector, pictures, count, &want, NULL, err);
    unlock_device(j->e);
    for (int i = 0; i < count; i++)
        list[i]->picture.regions = pictures[i].regions;
    return rc;
}

/* When pictures fail together, each is tried alone: then it is known which are bad. */
static void detect_group(struct job *j, struct taken **list, int count)
{
    struct vs_err err = {0};
    int rc = extract_detect(j, list, count, &err);
    for (int i = 0; i < count; i++) {
        struct taken *t = list[i];
        t->rc = rc;
        t->err = err;
        if (rc != 0 && rc != VS_E_CANCELLED && count > 1)
            t->rc = extract_detect(j, &t, 1, &t->err);
        t->done = true;
    }
}

/* Those of the size of the first that is not done. */
static int pick_group(struct job *j, struct taken *list, int count, struct taken **group)
{
    int n = 0, room = j->e->batch;
    for (int i = 0; i < count && n < room; i++) {
        struct taken *t = &list[i];
        if (t->done || (n > 0 && (t->w != group[0]->w || t->h != group[0]->h)))
            continue;
        group[n++] = t;
        if (n == 1 && !j->e->o->batch) {
            lock_device(j->e);
            room = detector_batch(j->detector, t->picture.w, t->picture.h, j->e->batch);
            unlock_device(j->e);
        }
    }
    return n;
}

/* Called with the lock held. */
static void end_with(struct extract *e, int rc, const struct vs_err *err)
{
    if (e->rc == 0) {
        e->rc = rc;
        *e->err = *err;
    }
    atomic_store(&e->cancel, true);
}

/* LMDB is written in the order of the list, whatever job is first, so that the file does not
 * depend on their number. Called with the lock held. */
static void commit_ready(struct extract *e)
{
    while (e->committed < e->count && e->items[e->committed].ready && e->rc == 0) {
        struct item *it = &e->items[e->committed++];
        struct vs_err err = {0};
        int rc = it->value ? lmdb_out_put(e->lmdb, it->id, it->value, it->size, e->o->force, &err)
                           : 0;
        if (rc != 0)
            end_with(e, rc, &err);
        else
            e->sum.written += it->value != NULL;
        free(it->value);
        it->value = NULL;
    }
}

static void put_file(struct extract *e, struct item *it, const struct regions *g)
{
    struct vs_err err = {0};
    char *path = output_path(e, it);
    int rc = e->o->format == EXTRACT_NPY ? regions_write_npy(path, g, &err)
                                         : regions_write_safetensors(path, g, &err);
    free(path);
    pthread_mutex_lock(&e->lock);
    if (rc != 0)
        end_with(e, rc, &err);
    else
        e->sum.written++;
    pthread_mutex_unlock(&e->lock);
}

static void put_value(struct extract *e, struct item *it, const struct regions *g)
{
    size_t size = 0;
    void *value = g ? regions_lmdb_value(g, &size) : NULL;
    pthread_mutex_lock(&e->lock);
    it->value = value;
    it->size = size;
    it->ready = true;
    commit_ready(e);
    pthread_mutex_unlock(&e->lock);
}

static void report_failed(struct extract *e, const struct taken *t)
{
    const char *path = t->it->path;
    bool named = strstr(t->err.text, path) != NULL;
    pthread_mutex_lock(&e->lock);
    e->sum.failed++;
    extract_clear_line(e);
    plain_text(stderr, "vilscope extract: %s%s%s\n", named ? "" : path, named ? "" : ": ",
               t->err.text);
    pthread_mutex_unlock(&e->lock);
}

static void extract_put(struct job *j, struct taken *t)
{
    struct extract *e = j->e;
    struct regions *g = t->picture.regions;
    if (t->rc != 0 && t->rc != VS_E_CANCELLED)
        report_failed(e, t);
    if (g)
        g->image_id = xstrdup(t->it->id);
    double start = vs_now_ms();
    if (e->lmdb && t->rc != VS_E_CANCELLED)
        put_value(e, t->it, g);
    else if (g)
        put_file(e, t->it, g);
    pthread_mutex_lock(&e->lock);
    note_stage(e, "writing", vs_now_ms() - start, 0);
    pthread_mutex_unlock(&e->lock);
    regions_free(g);
    image_free(t->image);
    free(t->boxes);
}

static void do_taken(struct job *j, struct taken *list, int count)
{
    struct taken *group[EXTRACT_BATCH_MOST];
    for (int i = 0; i < count; i++)
        extract_load(j, &list[i]);
    for (int n; (n = pick_group(j, list, count, group)) > 0;)
        detect_group(j, group, n);
    for (int i = 0; i < count; i++)
        extract_put(j, &list[i]);
    pthread_mutex_lock(&j->e->lock);
    j->share = 0;
    pthread_mutex_unlock(&j->e->lock);
}

/* The next image that has to be done, or NULL. */
static struct item *extract_take(struct extract *e)
{
    struct item *it = NULL;
    pthread_mutex_lock(&e->lock);
    while (!it && e->next < e->count && !atomic_load(&e->cancel) &&
           !(e->stop && atomic_load(e->stop))) {
        it = &e->items[e->next++];
        if (extract_is_there(e, it)) {
            e->sum.there++;
            it->ready = true;
            commit_ready(e);
            it = NULL;
        }
    }
    pthread_mutex_unlock(&e->lock);
    return it;
}

static void *job_main(void *arg)
{
    struct job *j = arg;
    for (int n = 1; n > 0;) {
        struct taken list[EXTRACT_BATCH_MOST] = {0};
        for (n = 0; n < j->e->batch && (list[n].it = extract_take(j->e)) != NULL;)
            n++;
        do_taken(j, list, n);
    }
    pthread_mutex_lock(&j->e->lock);
    j->e->running--;
    pthread_cond_broadcast(&j->e->changed);
    pthread_mutex_unlock(&j->e->lock);
    return NULL;
}

/* ---- the whole */

static int open_output(struct extract *e)
{
    const char *out = e->o->out;
    size_t one = (size_t)e->arch.num_features *
                 (size_t)(e->arch.mlp_dim + e->arch.num_classes + 8) * sizeof(float) + 16384;
    if (e->o->format == EXTRACT_LMDB)
        return lmdb_out_open(out, (size_t)e->count * one, &e->lmdb, e->err);
    int rc = outfile_folder(out, e->err);
    if (rc == 0)
        remove_leftovers(e);
    return rc;
}

/* Why auto took the processor though there is a GPU, the one thing that one has to note. */
static void tell_device(struct kern *k)
{
    char note[KERN_WHY];
    kern_note(k, note, sizeof note);
    if (kern_is_host(k) && *note)
        plain_text(stderr, "vilscope extract: note: %s\n", note);
}

/* A GPU would hold the weights once for each back end: there one is all jobs'. */
static int open_job(struct extract *e, struct job *j, const struct job *first)
{
    char why[KERN_WHY];
    *j = (struct job){.e = e};
    if (j != first && e->shared) {
        j->kern = first->kern;
        j->detector = first->detector;
        return 0;
    }
    if (kern_open_for(e->o->device, e->threads_each, tensorfile_widened(e->file) + DETECTOR_ROOM,
                      &j->kern, why, sizeof why) != 0)
        return vs_fail(e->err, VS_E_USAGE, "%s", why);
    if (j == first)
        tell_device(j->kern);
    if (e->first)
        j->detector = detector_share(e->first, j->kern);
    else if (detector_open(&e->arch, e->file, j->kern, &j->detector, e->err) == 0)
        e->first = j->detector;
    else
        return VS_E_FORMAT;
    e->shared = e->o->share || !kern_is_host(j->kern);
    e->batch = e->o->batch ? e->o->batch : kern_is_host(j->kern) ? 1 : BATCH;
    return 0;
}

static int run_jobs(struct extract *e, struct job *jobs)
{
    int rc = 0;
    for (int i = 0; i < e->o->jobs && rc == 0; i++)
        rc = open_job(e, &jobs[i], jobs);
    e->start = vs_now_ms();
    e->running = e->o->jobs;
    for (int i = 0; i < e->o->jobs && rc == 0; i++) {
        jobs[i].started = pthread_create(&jobs[i].thread, NULL, job_main, &jobs[i]) == 0;
        if (!jobs[i].started) {
            pthread_mutex_lock(&e->lock);
            e->running -= e->o->jobs - i;
            atomic_store(&e->cancel, true);
            pthread_mutex_unlock(&e->lock);
            rc = vs_fail(e->err, VS_E_LIMIT, "no memory for job %d", i + 1);
        }
    }
    if (jobs[0].started)
        extract_watch(e, jobs);
    for (int i = 0; i < e->o->jobs; i++)
        if (jobs[i].started)
            pthread_join(jobs[i].thread, NULL);
    return rc ? rc : e->rc;
}

static void close_jobs(struct extract *e, struct job *jobs)
{
    for (int i = e->shared ? 0 : e->o->jobs - 1; i >= 0; i--) { /* the first owns the weights */
        detector_free(jobs[i].detector);
        kern_close(jobs[i].kern);
    }
}

static int extract_open_detector(struct extract *e)
{
    int rc = 0, cpus = (int)sysconf(_SC_NPROCESSORS_ONLN);
    int threads = e->o->threads ? e->o->threads : cpus;
    arch_default(&e->arch);
    if (e->o->arch)
        rc = arch_read(e->o->arch, &e->arch, e->err);
    if (rc == 0)
        rc = tensorfile_open(e->o->weights, &e->file, e->err);
    e->threads_each = threads / e->o->jobs < 1 ? 1 : threads / e->o->jobs;
    return rc;
}

static void extract_fini(struct extract *e)
{
    for (int i = 0; i < e->count; i++) {
        free(e->items[i].id);
        free(e->items[i].value);
    }
    free(e->items);
    lmdb_out_close(e->lmdb);
    tensorfile_close(e->file);
    pthread_mutex_destroy(&e->lock);
    pthread_mutex_destroy(&e->device);
    pthread_cond_destroy(&e->changed);
}

int extract_run(const struct extract_options *o, char **images, int count,
                const atomic_bool *stop, struct extract_summary *out, struct vs_err *err)
{
    struct vs_err own = {0};
    struct extract e = {.o = o, .stop = stop, .count = count, .err = err ? err : &own,
                        .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER,
                        .device = PTHREAD_MUTEX_INITIALIZER};
    struct job *jobs = xcalloc((size_t)o->jobs, sizeof *jobs);
    double start = vs_now_ms();
    e.items = xcalloc((size_t)count + 1, sizeof *e.items);
    for (int i = 0; i < count; i++)
        e.items[i] = (struct item){.path = images[i], .id = regions_stem(images[i])};
    int rc = check_names(&e);
    if (rc == 0)
        rc = extract_open_detector(&e);
    if (rc == 0)
        rc = open_output(&e);
    if (rc == 0)
        rc = run_jobs(&e, jobs);
    bool stopped = stop && atomic_load(stop);
    if (rc == 0 && e.lmdb && !stopped) /* a later run goes on as if nothing had been */
        rc = lmdb_out_finish(e.lmdb, e.err);
    e.sum.left = count - e.sum.written - e.sum.there - e.sum.failed;
    e.sum.ms = vs_now_ms() - start;
    if (o->profile)
        extract_print_profile(&e);
    close_jobs(&e, jobs);
    extract_fini(&e);
    free(jobs);
    *out = e.sum;
    return rc;
}
