/* SPDX-License-Identifier: MIT */
/* A model that a server has open: its small files are read from there, its passes run there. */
#include "src/engine/engine_priv.h"

#include "src/base/mem.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* ---- which of its checkpoints */

/* The one of this name, or else of this path or file; -1: none is. */
static int find_checkpoint(const struct remote_model *s, const char *name)
{
    for (int i = 0; i < s->checkpoint_count; i++)
        if (strcmp(s->checkpoints[i].name, name) == 0)
            return i;
    for (int i = 0; i < s->checkpoint_count; i++) {
        const char *path = s->checkpoints[i].path, *base = strrchr(path, '/');
        if (strcmp(path, name) == 0 || (base && strcmp(base + 1, name) == 0))
            return i;
    }
    return -1;
}

static int fail_no_checkpoint(const struct remote_model *s, const char *address, const char *name,
                              struct vs_err *err)
{
    struct buf names = {0};
    for (int i = 0; i < s->checkpoint_count; i++)
        buf_printf(&names, "%s%s", i ? ", " : "", s->checkpoints[i].name);
    int rc = vs_fail(err, VS_E_MISSING, "%s: has no checkpoint '%s' open: it has %s", address, name,
                     names.data);
    buf_fini(&names);
    return rc;
}

static void take_checkpoint(struct model *m, int i)
{
    const struct remote_checkpoint *c = &remote_model(m->remote)->checkpoints[i];
    int n = m->parts.checkpoint_count++;
    m->parts.checkpoints[n] = (struct part_checkpoint){.name = xstrdup(c->name),
                                                       .path = xstrdup(c->path),
                                                       .note = xstrdup_null(c->note)};
    m->checkpoints[n].net = remote_net(m->remote, i);
    memcpy(m->checkpoints[n].digest, c->digest, sizeof c->digest);
}

/* Those that are wanted, or all. */
static int take_checkpoints(struct model *m, const struct model_options *o, struct vs_err *err)
{
    const struct remote_model *s = remote_model(m->remote);
    bool all = !o->checkpoints || !o->checkpoints[0];
    m->checkpoints = xcalloc(MODEL_CHECKPOINTS, sizeof *m->checkpoints);
    m->parts.checkpoints = xcalloc(MODEL_CHECKPOINTS, sizeof *m->parts.checkpoints);
    for (int i = 0; all && i < s->checkpoint_count; i++)
        take_checkpoint(m, i);
    for (int k = 0; !all && o->checkpoints[k]; k++) {
        int i = find_checkpoint(s, o->checkpoints[k]);
        if (k == MODEL_CHECKPOINTS)
            return vs_fail(err, VS_E_LIMIT, "more than %d checkpoints", MODEL_CHECKPOINTS);
        if (i < 0)
            return fail_no_checkpoint(s, o->connect, o->checkpoints[k], err);
        take_checkpoint(m, i);
    }
    return 0;
}

/* ---- its small files */

char **remote_part_path(struct parts *p, enum remote_part part)
{
    char **const paths[REMOTE_PARTS] = {
        [REMOTE_VOCAB] = &p->vocab, [REMOTE_LABELS_VQA] = &p->labels_vqa,
        [REMOTE_LABELS_GQA] = &p->labels_gqa, [REMOTE_CLASSES] = &p->classes,
        [REMOTE_KNOWN_WORDS] = &p->known_words, [REMOTE_DOMAIN] = &p->domain,
        [REMOTE_QUERIES] = &p->queries};
    return paths[part];
}

/* The server's file as one without a name: *path names it while *fd is open. *there: its path at
 * the server, for messages; NULL: the model has none. */
static int part_file(struct model *m, enum remote_part part, int *fd, char **path, char **there,
                     struct vs_err *err)
{
    struct buf text = {0};
    int rc = remote_part(m->remote, part, &text, there, err);
    if (rc == 0 && *there) {
        size_t done = 0;
        ssize_t n = 1;
        *fd = memfd_create("vilscope", MFD_CLOEXEC);
        for (; *fd >= 0 && done < text.len && n > 0; done += n > 0 ? (size_t)n : 0)
            n = write(*fd, text.data + done, text.len - done);
        if (*fd < 0 || done < text.len)
            rc = vs_fail(err, VS_E_IO, "%s, as the server sends it, cannot be kept: %s", *there,
                         strerror(errno));
        else
            *path = xasprintf("/proc/self/fd/%d", *fd);
    }
    buf_fini(&text);
    return rc;
}

static int open_domain(struct model *m, const char *const paths[REMOTE_PARTS], struct vs_err *err)
{
    return domain_open(paths[REMOTE_KNOWN_WORDS], paths[REMOTE_DOMAIN], &m->domain, err);
}

static int open_lists(struct model *m, const char *const paths[REMOTE_PARTS], struct vs_err *err)
{
    const struct {
        enum remote_part part;
        struct labels **to;
    } lists[] = {{REMOTE_LABELS_VQA, &m->vqa}, {REMOTE_LABELS_GQA, &m->gqa},
                 {REMOTE_CLASSES, &m->classes}};
    if (!paths[REMOTE_VOCAB])
        return vs_fail(err, VS_E_FORMAT, "the server has no vocabulary");
    int rc = tokenizer_open(paths[REMOTE_VOCAB], &m->tokenizer, err);
    for (size_t i = 0; rc == 0 && i < sizeof lists / sizeof lists[0]; i++)
        if (paths[lists[i].part])
            rc = labels_open(paths[lists[i].part], lists[i].to, err);
    return rc ? rc : open_domain(m, paths, err);
}

/* Suggestions name images beside their file: they are offered where that is here, too, as it is at
 * the server. sent: its content there; or NULL. */
static void check_queries(struct model *m, const char *sent)
{
    struct bytes there = {0}, here = {0};
    bool same = sent && bytes_open(sent, &there, NULL) == 0 &&
                bytes_open(m->parts.queries, &here, NULL) == 0 && here.size == there.size &&
                (here.size == 0 || memcmp(here.data, there.data, here.size) == 0);
    bytes_close(&there);
    bytes_close(&here);
    if (same)
        return;
    free(m->parts.queries);
    m->parts.queries = NULL;
}

static int open_small(struct model *m, struct vs_err *err)
{
    char *paths[REMOTE_PARTS] = {0};
    int fds[REMOTE_PARTS], rc = 0;
    for (int i = 0; i < REMOTE_PARTS; i++)
        fds[i] = -1;
    for (enum remote_part i = 0; rc == 0 && i < REMOTE_PARTS; i++)
        rc = part_file(m, i, &fds[i], &paths[i], remote_part_path(&m->parts, i), err);
    if (rc == 0)
        rc = open_lists(m, (const char *const *)paths, err);
    check_queries(m, rc == 0 ? paths[REMOTE_QUERIES] : NULL);
    for (int i = 0; i < REMOTE_PARTS; i++) {
        free(paths[i]);
        if (fds[i] >= 0)
            close(fds[i]);
    }
    return rc;
}

/* ---- all of it */

int remote_parts(struct model *m, const struct model_options *o, struct vs_err *err)
{
    char why[KERN_WHY];
    int rc = remote_open(o->connect, &m->remote, err);
    if (rc != 0)
        return rc;
    const struct remote_model *s = remote_model(m->remote);
    m->parts.name = xstrdup(s->name);
    m->parts.about = xstrdup_null(s->about);
    m->parts.detector = xstrdup_null(s->detector);
    memcpy(m->detector_digest, s->detector_digest, sizeof m->detector_digest);
    m->parts.task_tokens = s->task_tokens;
    m->parts.max_regions = s->max_regions;
    m->config = (struct net_config){.family = s->net.family, .sizes = s->net.sizes,
                                    .task_tokens = s->task_tokens};
    m->server = xstrdup(o->connect);
    rc = take_checkpoints(m, o, err);
    if (rc == 0 && (rc = open_small(m, err)) != 0)
        vs_fail_prefix(err, "%s", o->connect);
    /* What is computed beside passes, as the similarity of states. */
    if (rc == 0 && kern_open("cpu", o->threads, &m->kern, why, sizeof why) != 0)
        rc = vs_fail(err, VS_E_USAGE, "%s", why);
    return rc;
}

const char *model_server(const struct model *m)
{
    return m->server;
}

int model_check_files(const struct model *m, const char *what, struct vs_err *err)
{
    return m->remote ? vs_fail(err, VS_E_REFUSED, "%s needs the files of the checkpoints, which "
                               "only the server %s has: run it there", what, m->server)
                     : 0;
}
