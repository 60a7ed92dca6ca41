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

static bool is_called(const struct remote_checkpoint *c, const char *name)
{
    const char *base = strrchr(c->path, '/');
    return strcmp(c->name, name) == 0 || strcmp(c->path, name) == 0 ||
           (base && strcmp(base + 1, name) == 0);
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
    m->checkpoints[n].number = i;
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
    for (int k = 0; !all && o->checkpoints[k] && k < MODEL_CHECKPOINTS; k++) {
        int i = 0;
        while (i < s->checkpoint_count && !is_called(&s->checkpoints[i], o->checkpoints[k]))
            i++;
        if (i == s->checkpoint_count)
            return fail_no_checkpoint(s, o->connect, o->checkpoints[k], err);
        take_checkpoint(m, i);
    }
    return 0;
}

/* ---- its small files */

/* What the server has of a part, as a file without a name: *path names it while *fd is open. NULL:
 * the model has none. */
static int part_file(struct model *m, enum remote_part part, int *fd, char **path,
                     struct vs_err *err)
{
    struct buf text = {0};
    bool there = false;
    int rc = remote_part(m->remote, part, &text, &there, err);
    *path = NULL;
    *fd = -1;
    if (rc == 0 && there) {
        *fd = memfd_create("vilscope", MFD_CLOEXEC);
        if (*fd < 0 || write(*fd, text.data, text.len) != (ssize_t)text.len)
            rc = vs_fail(err, VS_E_IO, "what the server sends cannot be kept: %s",
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

static int open_small(struct model *m, struct vs_err *err)
{
    char *paths[REMOTE_PARTS] = {0};
    int fds[REMOTE_PARTS], rc = 0;
    for (int i = 0; i < REMOTE_PARTS; i++)
        fds[i] = -1;
    for (int i = 0; rc == 0 && i < REMOTE_PARTS; i++)
        rc = part_file(m, (enum remote_part)i, &fds[i], &paths[i], err);
    if (rc == 0)
        rc = open_lists(m, (const char *const *)paths, err);
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
    char why[256];
    int rc = remote_open(o->connect, &m->remote, err);
    if (rc != 0)
        return rc;
    const struct remote_model *s = remote_model(m->remote);
    m->parts.name = xstrdup(s->name);
    m->parts.about = xstrdup_null(s->about);
    m->parts.detector = xstrdup_null(s->detector);
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
