/* SPDX-License-Identifier: MIT */
/* What clients ask, answered by the model. Messages come from outside: whatever they number is
 * looked up, and what a pass takes is checked by the pass. */
#include "src/serve/requests.h"

#include "src/formats/boxcheck.h"
#include "src/remote/netwire.h"

#include <config.h>
#include <stdlib.h>
#include <string.h>

/* ---- what is kept for a client */

void kept_fini(struct kept *k)
{
    for (int i = 0; i < KEPT_MOST; i++)
        tape_free(k->tapes[i]);
    for (int i = 0; i < KEPT_MOST; i++)
        net_free(k->nets[i]);
    *k = (struct kept){.most_bytes = k->most_bytes};
}

/* A free place among KEPT_MOST; -1 without any. */
static int free_place(void *const *list)
{
    int i = 0;
    while (i < KEPT_MOST && list[i])
        i++;
    return i < KEPT_MOST ? i : -1;
}

static int net_of(struct request *q, struct net **out, struct vs_err *err)
{
    int own = model_checkpoint_count(q->m);
    int i = wire_get_int(&q->w, 0, own + KEPT_MOST - 1, "the number of a net");
    if (q->w.wrong)
        return wire_end(&q->w, err);
    *out = i < own ? q->m->checkpoints[i].net : q->kept->nets[i - own];
    return *out ? 0 : vs_fail(err, VS_E_MISSING, "there is no net %d here", i);
}

static int tape_of(struct request *q, int *place, struct vs_err *err)
{
    int i = wire_get_int(&q->w, 0, KEPT_MOST - 1, "the number of a tape");
    if (q->w.wrong)
        return wire_end(&q->w, err);
    *place = i;
    return q->kept->tapes[i] ? 0 : vs_fail(err, VS_E_MISSING, "there is no tape %d here", i);
}

/* ---- what the model is */

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

static int answer_hello(struct request *q, struct buf *out, struct vs_err *err)
{
    struct model *m = q->m;
    int64_t protocol = wire_get(&q->w);
    int n = model_checkpoint_count(m);
    if (q->w.wrong)
        return wire_end(&q->w, err);
    if (protocol != PROTOCOL)
        return vs_fail(err, VS_E_REFUSED, "the server is vilscope " VERSION " and speaks "
                       "protocol %d, this program %lld: one of them is to be updated", PROTOCOL,
                       (long long)protocol);
    struct remote_model s = {.version = xstrdup(VERSION), .name = xstrdup(m->parts.name),
                             .about = xstrdup_null(m->parts.about),
                             .device = xstrdup(model_device(m)),
                             .detector = xstrdup_null(m->parts.detector),
                             .task_tokens = m->parts.task_tokens,
                             .max_regions = m->parts.max_regions,
                             .net = {.family = m->config.family, .sizes = m->config.sizes},
                             .checkpoint_count = n,
                             .checkpoints = xcalloc((size_t)n, sizeof *s.checkpoints)};
    for (int i = 0; i < n; i++)
        describe_checkpoint(m, i, &s.checkpoints[i]);
    remote_put_model(out, &s);
    remote_model_fini(&s);
    return 0;
}

static int answer_part(struct request *q, struct buf *out, struct vs_err *err)
{
    const struct parts *p = &q->m->parts;
    const char *const paths[REMOTE_PARTS] = {
        [REMOTE_VOCAB] = p->vocab, [REMOTE_LABELS_VQA] = p->labels_vqa,
        [REMOTE_LABELS_GQA] = p->labels_gqa, [REMOTE_CLASSES] = p->classes,
        [REMOTE_KNOWN_WORDS] = p->known_words, [REMOTE_DOMAIN] = p->domain};
    int i = wire_get_int(&q->w, 0, REMOTE_PARTS - 1, "a part of the model");
    struct bytes map = {0};
    int rc = wire_end(&q->w, err);
    if (rc == 0 && paths[i])
        rc = bytes_open(paths[i], &map, err);
    if (rc == 0)
        wire_array(out, paths[i] ? (map.data ? map.data : (const uint8_t *)"") : NULL, map.size, 1);
    if (rc == 0 && paths[i])
        rc = bytes_check(&map, 0, err);
    if (paths[i])
        bytes_close(&map);
    return rc;
}

static int answer_digest(struct request *q, struct buf *out, struct vs_err *err)
{
    char hex[DIGEST_HEX];
    int i = wire_get_int(&q->w, 0, model_checkpoint_count(q->m) - 1, "the number of a checkpoint");
    int rc = wire_end(&q->w, err);
    if (rc != 0)
        return rc;
    model_checkpoint_digest(q->m, i, hex);
    if (!hex[0])
        return vs_fail(err, VS_E_IO, "%s: changed after it was opened",
                       model_checkpoint_path(q->m, i));
    wire_text(out, hex);
    return 0;
}

static int answer_detector(struct request *q, struct buf *out, struct vs_err *err)
{
    int rc = wire_end(&q->w, err);
    if (rc == 0 && !model_has_detector(q->m))
        rc = vs_fail(err, VS_E_MISSING, "the model has no detector");
    if (rc == 0)
        rc = detect_ready(q->m, err);
    if (rc == 0)
        wire_text(out, q->m->detector_digest);
    return rc;
}

static int answer_batch(struct request *q, struct buf *out, struct vs_err *err)
{
    struct net *n;
    int rc = net_of(q, &n, err);
    if (rc != 0)
        return rc;
    int tokens = wire_get_int(&q->w, 0, 1 << 20, "the number of tokens");
    int regions = wire_get_int(&q->w, 0, 1 << 20, "the number of regions");
    int most = wire_get_int(&q->w, 0, 1 << 20, "the number of images");
    rc = wire_end(&q->w, err);
    if (rc == 0)
        wire_int(out, net_batch(n, tokens, regions, most));
    return rc;
}

/* ---- passes */

static int answer_forward(struct request *q, struct buf *out, struct vs_err *err)
{
    struct net *n;
    struct net_input in;
    struct net_want want;
    struct trace *t = NULL;
    int rc = net_of(q, &n, err);
    if (rc != 0)
        return rc;
    netwire_get_input(&q->w, &n->sizes, &in);
    netwire_get_want(&q->w, &n->sizes, &want);
    want.cancel = q->cancel;
    rc = wire_end(&q->w, err);
    if (rc == 0 && n->task_tokens && !in.task)
        rc = vs_fail(err, VS_E_FORMAT, "an input without a task for a model with task tokens");
    if (rc == 0)
        rc = net_forward(n, &in, &want, &t, err);
    if (rc == 0)
        netwire_put_trace(out, t);
    trace_free(t);
    netwire_want_fini(&want);
    return rc;
}

static int keep_tape(struct request *q, struct tape *tape, int *place, struct vs_err *err)
{
    struct kept *k = q->kept;
    *place = free_place((void *const *)k->tapes);
    if (*place < 0)
        return vs_fail(err, VS_E_LIMIT, "a client keeps %d passes for the way back at most",
                       KEPT_MOST);
    if (tape->bytes > k->most_bytes - k->tape_bytes)
        return vs_fail(err, VS_E_LIMIT, "the activations of this pass have %zu MB, more than the "
                       "server lets a client keep (vilscope serve --memory)", tape->bytes >> 20);
    k->tapes[*place] = tape;
    k->tape_bytes += tape->bytes;
    return 0;
}

static int answer_record(struct request *q, struct buf *out, struct vs_err *err)
{
    struct net *n;
    struct net_input in;
    struct net_want want;
    struct tape *tape = NULL;
    struct trace *t = NULL;
    int place = -1, rc = net_of(q, &n, err);
    if (rc != 0)
        return rc;
    netwire_get_input(&q->w, &n->sizes, &in);
    netwire_get_want(&q->w, &n->sizes, &want);
    want.cancel = q->cancel;
    rc = wire_end(&q->w, err);
    if (rc == 0 && n->task_tokens && !in.task)
        rc = vs_fail(err, VS_E_FORMAT, "an input without a task for a model with task tokens");
    if (rc == 0)
        rc = net_record(n, &in, &want, &tape, &t, err);
    if (rc == 0 && (rc = keep_tape(q, tape, &place, err)) != 0)
        tape_free(tape);
    if (rc == 0) {
        wire_int(out, place);
        wire_int(out, (int64_t)tape->bytes);
        netwire_put_trace(out, t);
    }
    trace_free(t);
    netwire_want_fini(&want);
    return rc;
}

static int answer_backward(struct request *q, struct buf *out, struct vs_err *err)
{
    struct net_target target;
    struct net_back_want want;
    struct trace *t = NULL;
    int place, rc = tape_of(q, &place, err);
    if (rc != 0)
        return rc;
    netwire_get_target(&q->w, &target);
    netwire_get_back(&q->w, &want);
    want.cancel = q->cancel;
    rc = wire_end(&q->w, err);
    if (rc == 0)
        rc = net_backward(q->kept->tapes[place], &target, &want, &t, err);
    if (rc == 0)
        netwire_put_trace(out, t);
    trace_free(t);
    free((void *)(uintptr_t)target.terms);
    return rc;
}

static int answer_forget_tape(struct request *q, struct vs_err *err)
{
    int place, rc = tape_of(q, &place, err);
    if (rc != 0)
        return rc;
    q->kept->tape_bytes -= q->kept->tapes[place]->bytes;
    tape_free(q->kept->tapes[place]);
    q->kept->tapes[place] = NULL;
    return wire_end(&q->w, err);
}

/* ---- mixed nets, and heads on states */

static int answer_mix(struct request *q, struct buf *out, struct vs_err *err)
{
    struct net *n, *mixed = NULL;
    struct net_patch list[KEPT_MOST];
    int rc = net_of(q, &n, err), place = free_place((void *const *)q->kept->nets);
    if (rc != 0)
        return rc;
    int count = wire_get_int(&q->w, 0, KEPT_MOST, "the number of replaced parts");
    for (int i = 0; i < count && rc == 0; i++) {
        list[i].part = (enum net_part)wire_get_int(&q->w, 0, PART_COUNT - 1, "a replaced part");
        list[i].layer = wire_get_int(&q->w, -1, 1 << 12, "a replaced layer");
        list[i].head = wire_get_int(&q->w, -1, 1 << 12, "a replaced head");
        rc = net_of(q, &list[i].from, err);
    }
    if (rc == 0)
        rc = wire_end(&q->w, err);
    if (rc == 0 && place < 0)
        rc = vs_fail(err, VS_E_LIMIT, "a client keeps %d mixed nets at most", KEPT_MOST);
    if (rc == 0)
        rc = net_mix(n, list, count, &mixed, err);
    if (rc == 0) {
        q->kept->nets[place] = mixed;
        wire_int(out, model_checkpoint_count(q->m) + place);
    }
    return rc;
}

static int answer_forget_net(struct request *q, struct vs_err *err)
{
    struct net *n;
    int rc = net_of(q, &n, err);
    if (rc == 0)
        rc = wire_end(&q->w, err);
    for (int i = 0; rc == 0 && i < KEPT_MOST; i++)
        if (q->kept->tapes[i] && q->kept->tapes[i]->net == n)
            rc = vs_fail(err, VS_E_USAGE, "a tape of this net is kept");
    for (int i = 0; rc == 0 && i < KEPT_MOST; i++)
        if (q->kept->nets[i] == n) {
            net_free(n);
            q->kept->nets[i] = NULL;
        }
    return rc;
}

static int answer_read_states(struct request *q, struct buf *out, struct vs_err *err)
{
    struct net *n;
    int rc = net_of(q, &n, err);
    if (rc != 0)
        return rc;
    int head = wire_get_int(&q->w, 1, HEAD_ALL, "a head");
    int rows = wire_get_int(&q->w, 1, 1 << 20, "the number of states");
    bool one = !q->w.wrong && (head & (head - 1)) == 0;
    if (!one && !q->w.wrong)
        q->w.wrong = "a head";
    size_t width = one ? netwire_state_width(&n->sizes, (enum net_head)head) : 0;
    const float *x = wire_get_exactly(&q->w, (size_t)rows * width, sizeof *x, true,
                                      "the width of states");
    rc = wire_end(&q->w, err);
    int numbers = rc == 0 ? net_head_size(n, (enum net_head)head) : 0;
    size_t size = (size_t)rows * (size_t)numbers;
    float *y = rc == 0 ? vs_try_calloc(size + 1, sizeof *y) : NULL;
    if (rc == 0 && !y)
        rc = vs_fail(err, VS_E_LIMIT, "no memory for %d states' numbers", rows);
    if (rc == 0)
        rc = net_read_states(n, (enum net_head)head, x, rows, y, err);
    if (rc == 0)
        wire_array(out, y, size, sizeof *y);
    free(y);
    return rc;
}

/* ---- regions */

static int answer_detect(struct request *q, struct buf *out, struct vs_err *err)
{
    struct remote_picture p;
    remote_get_picture(&q->w, &p);
    int rc = wire_end(&q->w, err);
    if (rc == 0 && !model_has_detector(q->m))
        rc = vs_fail(err, VS_E_MISSING, "the model has no detector");
    if (rc == 0)
        rc = detect_ready(q->m, err);
    float *boxes = NULL;
    char *note = NULL;
    int count = p.boxes ? p.box_count : 0;
    if (rc == 0 && count) {
        boxes = xmalloc((size_t)count * 4 * sizeof *boxes);
        memcpy(boxes, p.boxes, (size_t)count * 4 * sizeof *boxes);
        rc = boxes_check(boxes, count, p.w, p.h, "boxes given", &note, err);
    }
    struct detector_picture picture = {p.rgb, p.w, p.h, boxes, count, NULL};
    const struct detector_want want = {.cancel = q->cancel, .progress = q->progress,
                                       .progress_arg = q->arg};
    if (rc == 0)
        rc = detect_run(q->m, &picture, &want, err);
    if (rc == 0)
        netwire_put_regions(out, picture.regions);
    regions_free(picture.regions);
    free(boxes);
    free(note);
    return rc;
}

static int answer_kind(struct request *q, struct buf *out, struct vs_err *err)
{
    switch (q->kind) {
    case FRAME_HELLO: return answer_hello(q, out, err);
    case FRAME_PART: return answer_part(q, out, err);
    case FRAME_DIGEST: return answer_digest(q, out, err);
    case FRAME_DETECTOR: return answer_detector(q, out, err);
    case FRAME_BATCH: return answer_batch(q, out, err);
    case FRAME_FORWARD: return answer_forward(q, out, err);
    case FRAME_RECORD: return answer_record(q, out, err);
    case FRAME_BACKWARD: return answer_backward(q, out, err);
    case FRAME_FORGET_TAPE: return answer_forget_tape(q, err);
    case FRAME_MIX: return answer_mix(q, out, err);
    case FRAME_FORGET_NET: return answer_forget_net(q, err);
    case FRAME_READ_STATES: return answer_read_states(q, out, err);
    case FRAME_DETECT: return answer_detect(q, out, err);
    case FRAME_CANCEL:
    case FRAME_REQUESTS:
    case FRAME_DONE:
    case FRAME_FAILED:
    case FRAME_PROGRESS: break;
    }
    return vs_fail(err, VS_E_FORMAT, "a request of a kind that is not known here: %d",
                   (int)q->kind);
}

int request_answer(struct request *q, struct buf *out, struct vs_err *err)
{
    bool computes = q->kind != FRAME_HELLO && q->kind != FRAME_PART && q->kind != FRAME_DIGEST;
    if (computes)
        pthread_mutex_lock(&q->m->forward_lock);
    int rc = answer_kind(q, out, err);
    if (computes)
        pthread_mutex_unlock(&q->m->forward_lock);
    return rc;
}
