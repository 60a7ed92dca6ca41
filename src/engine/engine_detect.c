/* SPDX-License-Identifier: MIT */
/* Finding the regions of a photo: the cache, else the detector. */
#include "src/engine/engine_priv.h"

#include "src/formats/boxcheck.h"
#include "src/base/mem.h"
#include "src/base/progress.h"
#include "src/engine/regioncache.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool model_has_detector(const struct model *m)
{
    return m->parts.detector != NULL;
}

const struct regions *photo_regions(const struct photo *p)
{
    return __atomic_load_n(&p->regions, __ATOMIC_ACQUIRE);
}

/* Weights and description both decide what is found. */
static int detect_find_digest(struct model *m, const struct arch *a, struct vs_err *err)
{
    char weights[DIGEST_HEX];
    struct sha256 s;
    int rc = model_file_digest(m->detector_file, weights, err);
    if (rc != 0)
        return rc;
    sha256_init(&s);
    sha256_add(&s, weights, sizeof weights);
    sha256_add(&s, a, sizeof *a);
    sha256_hex(&s, m->detector_digest);
    return 0;
}

int detect_ready(struct model *m, struct vs_err *err)
{
    struct arch a;
    memset(&a, 0, sizeof a); /* its padding is digested, too */
    if (m->detector_digest[0])
        return 0;
    int rc = 0;
    if (m->parts.detector_arch)
        rc = arch_read(m->parts.detector_arch, &a, err);
    else
        arch_default(&a);
    if (rc == 0 && a.mlp_dim != m->config.sizes.features)
        rc = vs_fail(err, VS_E_FORMAT, "%s: the detector's features have %d numbers, the model %s "
                     "expects %d", m->parts.detector, a.mlp_dim, m->parts.name,
                     m->config.sizes.features);
    if (rc == 0 && m->classes)
        rc = arch_check_names(&a, m->parts.classes, m->classes->count, err);
    if (rc == 0 && !m->detector_file)
        rc = tensorfile_open(m->parts.detector, &m->detector_file, err);
    if (rc == 0) {
        m->arch = a;
        rc = detect_find_digest(m, &a, err);
    }
    return rc;
}

/* The weights are bound when something has to be computed: the cache does without. */
static int need_network(struct model *m, struct vs_err *err)
{
    return m->detector ? 0 : detector_open(&m->arch, m->detector_file, m->kern, &m->detector, err);
}

int detect_run(struct model *m, struct detector_picture *picture, const struct detector_want *want,
               struct vs_err *err)
{
    if (m->remote) {
        const struct remote_picture p = {picture->rgb, picture->w, picture->h, picture->boxes,
                                         picture->box_count};
        return remote_detect(m->remote, &p, want->cancel, want->progress, want->progress_arg,
                             &picture->regions, err);
    }
    int rc = need_network(m, err);
    return rc ? rc : detector_run(m->detector, picture, 1, want, NULL, err);
}

struct relay {
    detect_report *report;
    void *arg;
    double start;
};

static void detect_on_progress(void *arg, const char *stage, double done, double all)
{
    struct relay *r = arg;
    struct detect_progress p = {.share = all > 0 ? done / all : 0};
    double spent = vs_now_ms() - r->start;
    snprintf(p.stage, sizeof p.stage, "%s", stage);
    p.share = p.share > 1 ? 1 : p.share;
    p.left_ms = progress_left_ms(spent, p.share);
    r->report(r->arg, &p);
}

static int detect_now(struct model *m, const struct photo *p, const atomic_bool *cancel,
                      detect_report *report, void *arg, struct regions **out, struct vs_err *err)
{
    struct relay relay = {report, arg, vs_now_ms()};
    struct detector_want want = {.cancel = cancel, .progress = report ? detect_on_progress : NULL,
                                 .progress_arg = &relay};
    struct detector_picture picture = {p->image->rgb, p->image->width, p->image->height,
                                       NULL, 0, NULL};
    int rc = detect_run(m, &picture, &want, err);
    if (rc == 0)
        regioncache_put(p->image->digest, m->detector_digest, picture.regions);
    *out = picture.regions;
    return rc;
}

void photo_measure(const struct model *m, struct photo *p)
{
    if (!p->measured && p->image && p->image->rgb) {
        p->distance = domain_distance(m->domain, p->image);
        p->measured = true;
    }
}

int photo_detect(struct model *m, struct photo *p, const atomic_bool *cancel,
                 detect_report *report, void *arg, struct vs_err *err)
{
    struct regions *found = NULL;
    if (photo_regions(p) || !p->image || !model_has_detector(m))
        return 0;
    pthread_mutex_lock(&m->forward_lock);
    int rc = detect_ready(m, err);
    if (rc == 0 && !regioncache_get(p->image->digest, m->detector_digest, &found))
        rc = detect_now(m, p, cancel, report, arg, &found, err);
    pthread_mutex_unlock(&m->forward_lock);
    if (rc == 0) {
        p->regions_origin = ORIGIN_DETECTOR;
        p->regions_path = xasprintf("detector %s", m->parts.detector);
        __atomic_store_n(&p->regions, found, __ATOMIC_RELEASE);
    }
    return rc;
}

static int pool_now(struct model *m, struct detector_picture *picture,
                    const struct detector_want *want, struct vs_err *err)
{
    pthread_mutex_lock(&m->forward_lock);
    int rc = detect_ready(m, err);
    if (rc == 0)
        rc = detect_run(m, picture, want, err);
    pthread_mutex_unlock(&m->forward_lock);
    return rc;
}

int photo_pool_boxes(struct model *m, struct photo *p, const struct box_list *boxes,
                     const atomic_bool *cancel, detect_report *report, void *arg,
                     struct vs_err *err)
{
    struct relay relay = {report, arg, vs_now_ms()};
    struct detector_want want = {.cancel = cancel, .progress = report ? detect_on_progress : NULL,
                                 .progress_arg = &relay};
    if (!model_has_detector(m) || !p->image)
        return vs_fail(err, VS_E_USAGE, "features of boxes need a detector (--detector FILE) and "
                       "the image");
    size_t size = (size_t)boxes->count * 4 * sizeof *boxes->boxes;
    float *own = xmalloc(size);
    char *note = NULL;
    memcpy(own, boxes->boxes, size);
    int rc = boxes_check(own, boxes->count, p->image->width, p->image->height, "boxes given",
                         &note, err);
    if (rc == 0 && (!p->pooled || p->pooled->count != boxes->count ||
                    memcmp(p->pooled->boxes, own, size) != 0)) {
        struct detector_picture picture = {p->image->rgb, p->image->width, p->image->height,
                                           own, boxes->count, NULL};
        rc = pool_now(m, &picture, &want, err);
        if (rc == 0) {
            regions_free(p->pooled);
            p->pooled = picture.regions;
            p->pooled->note = note;
            note = NULL;
        }
    }
    free(note);
    free(own);
    return rc;
}
