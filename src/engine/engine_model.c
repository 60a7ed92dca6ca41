/* SPDX-License-Identifier: MIT */
/* Opening a model: its parts, its checkpoints, and their digests. */
#include "src/engine/engine_priv.h"

#include "src/engine/digestcache.h"
#include "src/base/mem.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define PREFIX_CACHE_BYTES ((size_t)64 << 20) /* of states that queries share: some 25 images */

static int open_labels(const char *path, struct labels **out, struct vs_err *err)
{
    return path ? labels_open(path, out, err) : 0;
}

static int check_vocabulary(const struct model *m, const char *config,
                            const struct net_sizes *sizes, struct vs_err *err)
{
    int have = tokenizer_size(m->tokenizer);
    if (have > sizes->words)
        return vs_fail(err, VS_E_FORMAT,
                       "%s: has %d words, but the configuration %s says vocab_size %d: they do not "
                       "belong together",
                       m->parts.vocab, have, config, sizes->words);
    return 0;
}

/* The one that the model has: the first checkpoint's. */
static const char *first_config(const struct model *m)
{
    return parts_config(&m->parts, m->parts.checkpoint_count > 0 ? &m->parts.checkpoints[0] : NULL);
}

/* With a configuration of its own. */
static int open_other_net(struct model *m, struct checkpoint *c, const char *config,
                          struct vs_err *err)
{
    struct net_config own = {0};
    int rc = net_read_config(config, c->file, &own, err);
    if (rc == 0) {
        if (m->parts.task_tokens >= 0)
            own.task_tokens = m->parts.task_tokens;
        rc = check_vocabulary(m, config, &own.sizes, err);
    }
    if (rc == 0)
        rc = net_open(&own, config, c->file, m->kern, &c->net, err);
    net_config_fini(&own);
    return rc;
}

static int open_net(struct model *m, int i, struct vs_err *err)
{
    struct checkpoint *c = &m->checkpoints[i];
    const char *config = parts_config(&m->parts, &m->parts.checkpoints[i]);
    if (strcmp(config, first_config(m)) != 0)
        return open_other_net(m, c, config, err);
    return net_open(&m->config, config, c->file, m->kern, &c->net, err);
}

static int open_checkpoint(struct model *m, int i, struct vs_err *err)
{
    struct checkpoint *c = &m->checkpoints[i];
    const char *path = m->parts.checkpoints[i].path;
    int rc = c->file ? 0 : tensorfile_open(path, &c->file, err);
    if (rc == 0) {
        rc = open_net(m, i, err);
        if (rc != 0 && detector_owns(c->file, NULL))
            rc = vs_fail(err, VS_E_FORMAT, "%s: is the weights of a region detector, not a "
                         "checkpoint of the model: --detector takes them", path);
        if (rc != 0 && !strstr(err->text, path))
            vs_fail_prefix(err, "%s", path);
        if (rc == 0)
            net_keep(c->net, m->kept);
    }
    return rc;
}

int model_add_checkpoint(struct model *m, const char *path, const char *name, struct vs_err *err)
{
    int i = m->parts.checkpoint_count, closed = model_check_files(m, "opening a checkpoint", err);
    if (closed != 0)
        return closed;
    if (i >= MODEL_CHECKPOINTS)
        return vs_fail(err, VS_E_LIMIT, "%s: more than %d checkpoints are not opened at once", path,
                       MODEL_CHECKPOINTS);
    m->parts.checkpoints[i] = parts_checkpoint(&m->parts, i, path, name);
    int rc = open_checkpoint(m, i, err);
    if (rc != 0) {
        net_free(m->checkpoints[i].net);
        tensorfile_close(m->checkpoints[i].file);
        m->checkpoints[i] = (struct checkpoint){0};
        part_checkpoint_fini(&m->parts.checkpoints[i]);
        return rc;
    }
    __atomic_store_n(&m->parts.checkpoint_count, i + 1, __ATOMIC_RELEASE);
    return i;
}

/* Room for checkpoints that are added later, so that none ever moves. */
static int open_checkpoints(struct model *m, struct vs_err *err)
{
    int n = m->parts.checkpoint_count, rc = 0;
    if (n > MODEL_CHECKPOINTS)
        return vs_fail(err, VS_E_LIMIT, "%d checkpoints are more than %d", n, MODEL_CHECKPOINTS);
    m->parts.checkpoints = xreallocarray(m->parts.checkpoints, MODEL_CHECKPOINTS,
                                         sizeof *m->parts.checkpoints);
    for (int i = 0; rc == 0 && i < n; i++)
        rc = open_checkpoint(m, i, err);
    return rc;
}

/* The names of the first checkpoint's tensors say how the configuration is to be read; what is
 * wrong with the file itself is told after the other parts, but before a configuration that could
 * only be guessed to be another model's. */
static int open_config(struct model *m, struct vs_err *err)
{
    struct vs_err of_file = {0};
    int opened = 0;
    m->checkpoints = xcalloc(MODEL_CHECKPOINTS, sizeof *m->checkpoints);
    if (m->parts.checkpoint_count > 0)
        opened = tensorfile_open(m->parts.checkpoints[0].path, &m->checkpoints[0].file, &of_file);
    int rc = net_read_config(first_config(m), m->checkpoints[0].file, &m->config, err);
    return rc != 0 && opened != 0 ? vs_fail(err, of_file.code, "%s", of_file.text) : rc;
}

void model_room(const struct model *m, struct model_room *out)
{
    struct stat st;
    *out = (struct model_room){0};
    if (m->remote)
        return;
    out->weights = tensorfile_widened(m->checkpoints[0].file);
    out->pass = NET_ROOM;
    if (!m->parts.detector || stat(m->parts.detector, &st) != 0)
        return;
    out->detector = (size_t)st.st_size;
    out->picture = DETECTOR_ROOM;
}

static const char *const precision_names[] = {KERN_PRECISION_NAMES};

static int open_device(struct model *m, const struct model_options *o, struct vs_err *err)
{
    char why[KERN_WHY];
    struct model_room r;
    bool any = !o->device || strcmp(o->device, "auto") == 0;
    const char *device = any && o->precision == KERN_INT8 ? "cpu" : o->device; /* no GPU has it */
    model_room(m, &r);
    int rc = kern_open_for(device, o->threads, r.weights + r.pass + r.detector + r.picture,
                           &m->kern, why, sizeof why);
    m->precision = o->precision;
    if (rc == 0 && o->precision)
        rc = kern_set_precision(m->kern, precision_names[o->precision], why, sizeof why);
    return rc == 0 ? 0 : vs_fail(err, VS_E_USAGE, "%s", why);
}

static int open_parts(struct model *m, const struct model_options *o, struct vs_err *err)
{
    if (o->connect)
        return remote_parts(m, o, err);
    int rc = parts_find(o, &m->parts, err);
    if (rc == 0)
        rc = open_config(m, err);
    if (rc == 0)
        rc = tokenizer_open(m->parts.vocab, &m->tokenizer, err);
    if (rc == 0)
        rc = check_vocabulary(m, first_config(m), &m->config.sizes, err);
    if (rc == 0)
        rc = open_labels(m->parts.labels_vqa, &m->vqa, err);
    if (rc == 0)
        rc = open_labels(m->parts.labels_gqa, &m->gqa, err);
    if (rc == 0)
        rc = open_labels(m->parts.classes, &m->classes, err);
    if (rc == 0)
        rc = domain_open(m->parts.known_words, m->parts.domain, &m->domain, err);
    if (rc == 0)
        rc = open_device(m, o, err);
    if (rc == 0)
        m->kept = prefix_new(m->kern, PREFIX_CACHE_BYTES);
    return rc;
}

int model_open(const struct model_options *o, struct model **out, struct vs_err *err)
{
    struct model *m = xcalloc(1, sizeof *m);
    pthread_mutex_init(&m->forward_lock, NULL);
    pthread_mutex_init(&m->digest_lock, NULL);
    int rc = open_parts(m, o, err);
    if (rc == 0 && !m->remote) {
        if (m->parts.task_tokens >= 0)
            m->config.task_tokens = m->parts.task_tokens;
        rc = open_checkpoints(m, err);
    }
    if (rc == 0)
        *out = m;
    else
        model_free(m);
    return rc;
}

void model_free(struct model *m)
{
    if (!m)
        return;
    if (m->digest_join)
        pthread_join(m->digest_thread, NULL);
    for (int i = 0; m->checkpoints && i < m->parts.checkpoint_count; i++) {
        net_free(m->checkpoints[i].net);
        tensorfile_close(m->checkpoints[i].file);
    }
    free(m->checkpoints);
    remote_close(m->remote);
    free(m->server);
    net_config_fini(&m->config);
    prefix_free(m->kept);
    detector_free(m->detector);
    tensorfile_close(m->detector_file);
    kern_close(m->kern);
    tokenizer_free(m->tokenizer);
    labels_free(m->vqa);
    labels_free(m->gqa);
    labels_free(m->classes);
    domain_free(m->domain);
    parts_fini(&m->parts);
    pthread_mutex_destroy(&m->forward_lock);
    pthread_mutex_destroy(&m->digest_lock);
    free(m);
}

const char *model_name(const struct model *m)
{
    return m->parts.name;
}

const char *model_about(const struct model *m)
{
    return m->parts.about;
}

const char *model_device(const struct model *m)
{
    return m->remote ? remote_model(m->remote)->device : kern_describe(m->kern);
}

int model_precision(const struct model *m)
{
    return m->precision;
}

/* Of weights that are as the file has them, or as it has been measured in this precision. */
char *model_precision_errors(const struct model *m, int i)
{
    const struct tensorfile *f = m->checkpoints ? m->checkpoints[i].file : NULL;
    const char *name = precision_names[m->precision];
    char *type = f ? safetensors_metadata(f, "type") : NULL, *errors = NULL;
    if (type && strcmp(type, name) == 0)
        errors = safetensors_metadata(f, m->precision == KERN_INT8 ? "output_errors_int8"
                                                                  : "output_errors");
    free(type);
    return errors;
}

void model_device_note(const struct model *m, char *out, size_t size)
{
    *out = '\0';
    if (!m->remote)
        kern_note(m->kern, out, size);
}

void model_memory(const struct model *m, size_t *used, size_t *limit)
{
    kern_memory(m->kern, used, limit);
}

void model_watch(struct model *m, void (*report)(void *arg, size_t done, size_t all), void *arg)
{
    kern_watch(m->kern, report, arg);
}

int model_checkpoint_count(const struct model *m)
{
    return m ? __atomic_load_n(&m->parts.checkpoint_count, __ATOMIC_ACQUIRE) : 0;
}

const char *model_checkpoint_name(const struct model *m, int i)
{
    return m->parts.checkpoints[i].name;
}

const char *model_checkpoint_path(const struct model *m, int i)
{
    return m->parts.checkpoints[i].path;
}

int model_features(const struct model *m)
{
    return m->config.sizes.features;
}

const struct net_sizes *model_checkpoint_sizes(const struct model *m, int i)
{
    return &m->checkpoints[i].net->sizes;
}

const struct family *model_family(const struct model *m)
{
    return m && m->checkpoints[0].net ? m->checkpoints[0].net->family : family_default();
}

const struct family *model_checkpoint_family(const struct model *m, int i)
{
    return m->checkpoints[i].net->family;
}

const char *model_queries(const struct model *m)
{
    return m->parts.queries;
}

const char *model_class_name(const struct model *m, const struct regions *g, int number)
{
    bool known = m->classes && number >= 0 && number < m->classes->count;
    return known && regions_most_class(g) < m->classes->count ? m->classes->names[number] : NULL;
}

const char *model_target_name(const struct model *m, int i, int n)
{
    int background = m->classes ? n - m->classes->count : -1;
    if (i < 0 || i >= n || (background != 0 && background != 1))
        return NULL;
    return i < background ? "background" : m->classes->names[i - background];
}

/* ---- digests */

/* What is remembered is of the file that the path names: it may be another one by now. Of shards it
 * is not remembered: they may change without their index. */
int model_file_digest(struct tensorfile *f, char hex[DIGEST_HEX], struct vs_err *err)
{
    const char *path = tensorfile_path(f);
    if (tensorfile_is_sharded(f))
        return tensorfile_digest(f, hex, err);
    if (tensorfile_is_at(f, path) && digestcache_get(path, hex))
        return 0;
    int rc = tensorfile_digest(f, hex, err);
    if (rc == 0 && tensorfile_is_at(f, path))
        digestcache_put(path, hex);
    return rc;
}

/* Computes checkpoint i's digest unless it is known. Called without the lock. */
static void model_find_digest(struct model *m, int i)
{
    char hex[DIGEST_HEX];
    int rc = model_file_digest(m->checkpoints[i].file, hex, NULL);
    pthread_mutex_lock(&m->digest_lock);
    m->checkpoints[i].digest_lost = rc != 0;
    memcpy(m->checkpoints[i].digest, hex, sizeof hex);
    m->digest_running = 0;
    pthread_mutex_unlock(&m->digest_lock);
}

static void *digest_main(void *arg)
{
    struct model *m = arg;
    pthread_mutex_lock(&m->digest_lock);
    int i = m->digest_running - 1;
    pthread_mutex_unlock(&m->digest_lock);
    model_find_digest(m, i);
    return NULL;
}

int model_checkpoint_of(const struct model *m, const struct result *r)
{
    for (int i = 0; i < model_checkpoint_count(m); i++)
        if (strcmp(m->parts.checkpoints[i].path, r->checkpoint_path) == 0 &&
            strcmp(m->parts.checkpoints[i].name, r->checkpoint_name) == 0)
            return i;
    return 0;
}

bool model_complete_ready(struct model *m, const struct result *r)
{
    int i = model_checkpoint_of(m, r);
    pthread_mutex_lock(&m->digest_lock);
    bool ready = m->checkpoints[i].digest[0] != '\0' || m->checkpoints[i].digest_lost;
    bool start = !ready && !m->digest_running;
    if (start)
        m->digest_running = i + 1;
    pthread_mutex_unlock(&m->digest_lock);
    if (start) {
        if (m->digest_join)
            pthread_join(m->digest_thread, NULL);
        m->digest_join = pthread_create(&m->digest_thread, NULL, digest_main, m) == 0;
        if (!m->digest_join) {
            model_find_digest(m, i);
            ready = true;
        }
    }
    return ready;
}

void model_checkpoint_digest(struct model *m, int i, char hex[DIGEST_HEX])
{
    if (m->digest_join) { /* it may be ours; two at once would share the file's memory of it */
        pthread_join(m->digest_thread, NULL);
        m->digest_join = false;
    }
    pthread_mutex_lock(&m->digest_lock);
    bool known = m->checkpoints[i].digest[0] != '\0' || m->checkpoints[i].digest_lost;
    pthread_mutex_unlock(&m->digest_lock);
    if (!known)
        model_find_digest(m, i);
    memcpy(hex, m->checkpoints[i].digest, DIGEST_HEX);
}

void model_complete(struct model *m, struct result *r)
{
    model_checkpoint_digest(m, model_checkpoint_of(m, r), r->checkpoint_digest);
    if (!r->checkpoint_digest[0] && !(r->notice && strstr(r->notice, "its digest is not known")))
        note_add(&r->notice,
                 "the checkpoint's file changed after this was computed: its digest is not "
                 "known");
}
