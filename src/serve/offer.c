/* SPDX-License-Identifier: MIT */
/* What a server says of its model. */
#include "src/serve/offer.h"

#include "src/formats/bytes.h"

#include <config.h>
#include <stdlib.h>
#include <string.h>

static void describe_checkpoint(const struct model *m, int i, struct remote_checkpoint *out)
{
    const struct part_checkpoint *c = &m->parts.checkpoints[i];
    const struct net *n = m->checkpoints[i].net;
    out->name = xstrdup(c->name);
    out->path = xstrdup(c->path);
    out->note = xstrdup_null(c->note);
    memcpy(out->digest, m->checkpoints[i].digest, sizeof out->digest);
    out->net = *n;
    for (int h = 0; h < HEAD_COUNT; h++) {
        enum net_head head = (enum net_head)(1 << h);
        char why[256] = "";
        out->head_sizes[h] = net_head_size(n, head);
        if (!(n->heads & (unsigned)head) && n->family->lacks) {
            n->family->lacks(n, head, why, sizeof why);
            out->lacks[h] = xstrdup(why);
        }
    }
}

static void put_hello(struct model *m, const char *parts_digest, struct buf *out)
{
    int n = model_checkpoint_count(m);
    struct remote_model s = {.name = xstrdup(m->parts.name),
                             .about = xstrdup_null(m->parts.about),
                             .device = xstrdup(model_device(m)),
                             .detector = xstrdup_null(m->parts.detector),
                             .task_tokens = m->parts.task_tokens,
                             .max_regions = m->parts.max_regions,
                             .net = {.family = m->config.family, .sizes = m->config.sizes},
                             .checkpoint_count = n,
                             .checkpoints = xcalloc((size_t)n, sizeof *s.checkpoints)};
    memcpy(s.detector_digest, m->detector_digest, sizeof s.detector_digest);
    memcpy(s.parts_digest, parts_digest, sizeof s.parts_digest);
    for (int i = 0; i < n; i++)
        describe_checkpoint(m, i, &s.checkpoints[i]);
    remote_put_model(out, &s);
    remote_model_fini(&s);
}

/* ---- the small files */

/* From the root. What a file names lies beside it, not beside what it may be a link to. */
static char *full_path(const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    char *folder = slash ? xstrndup(path, (size_t)(name - path)) : xstrdup(".");
    char *full = realpath(folder, NULL);
    char *out = full ? xasprintf("%s/%s", strcmp(full, "/") == 0 ? "" : full, name) : xstrdup(path);
    free(folder);
    free(full);
    return out;
}

/* Its full path and content; of none both are NULL. */
static int put_part(const char *path, struct buf *out, struct sha256 *sum, struct vs_err *err)
{
    struct bytes map = {0};
    char *full = path ? full_path(path) : NULL;
    wire_text(out, full);
    free(full);
    if (!path) {
        wire_array(out, NULL, 0, 1);
        return 0;
    }
    int rc = bytes_open(path, &map, err);
    if (rc == 0) {
        const void *content = map.data ? map.data : (const uint8_t *)"";
        wire_array(out, content, map.size, 1);
        sha256_add(sum, content, map.size);
        rc = bytes_check(&map, 0, err);
    }
    bytes_close(&map);
    return rc;
}

static int put_parts(struct parts *p, struct offer *out, char digest[DIGEST_HEX],
                     struct vs_err *err)
{
    struct sha256 sum;
    int rc = 0;
    sha256_init(&sum);
    for (enum remote_part i = 0; i < REMOTE_PARTS && rc == 0; i++) {
        rc = put_part(*remote_part_path(p, i), &out->parts[i], &sum, err);
        sha256_add(&sum, &out->parts[i].len, sizeof out->parts[i].len);
    }
    sha256_hex(&sum, digest);
    return rc;
}

/* ---- all of it */

int offer_make(struct model *m, struct offer *out, struct vs_err *err)
{
    char digest[DIGEST_HEX];
    *out = (struct offer){0};
    for (int i = 0; i < model_checkpoint_count(m); i++) {
        model_checkpoint_digest(m, i, digest);
        if (!digest[0])
            return vs_fail(err, VS_E_IO, "%s: changed after it was opened",
                           model_checkpoint_path(m, i));
    }
    int rc = model_has_detector(m) ? detect_ready(m, err) : 0;
    if (rc == 0)
        rc = put_parts(&m->parts, out, digest, err);
    if (rc == 0)
        put_hello(m, digest, &out->hello);
    return rc;
}

void offer_fini(struct offer *f)
{
    buf_fini(&f->hello);
    for (int i = 0; i < REMOTE_PARTS; i++)
        buf_fini(&f->parts[i]);
}

const struct buf *offer_answer(const struct offer *f, enum frame_kind kind, struct wire *w,
                               struct vs_err *err)
{
    int64_t said = wire_get(w);
    if (wire_end(w, err) != 0)
        return NULL;
    if (kind == FRAME_HELLO && said == PROTOCOL)
        return &f->hello;
    if (kind == FRAME_HELLO)
        vs_fail(err, VS_E_REFUSED, "the server is vilscope " VERSION " and speaks protocol %d, "
                "this program %lld: one of them is to be updated", PROTOCOL, (long long)said);
    else if (said >= 0 && said < REMOTE_PARTS)
        return &f->parts[said];
    else
        vs_fail(err, VS_E_FORMAT, "there is no part %lld of a model", (long long)said);
    return NULL;
}
