/* SPDX-License-Identifier: MIT */
/* What clients ask, answered by the model. Messages come from outside: whatever they number is
 * looked up, and what a pass takes is checked by the pass. */
#include "src/serve/requests.h"

#include "src/formats/boxcheck.h"
#include "src/remote/netwire.h"

#include <stdlib.h>
#include <string.h>

#define PATCHES_MOST 4096
#define REPLY_MOST ((size_t)1 << 30) /* bytes */
#define PASS_ROWS 32768   /* tokens and regions of a pass: others wait as long as it takes */
#define RECORD_ROWS 16384 /* of one that keeps its activations */
#define IMAGE_ROWS 4096   /* regions or tokens of an image: attention takes their square */

/* ---- what is kept for a client */

/* A tape goes before its net. */
void kept_fini(struct kept *k)
{
    for (int i = 0; i < KEPT_MOST; i++)
        tape_free(k->tapes[i]);
    for (int i = 0; i < KEPT_MOST; i++)
        net_free(k->nets[i]);
    *k = (struct kept){.most_bytes = k->most_bytes};
}

static size_t kept_bytes(const struct kept *k)
{
    size_t bytes = 0;
    for (int i = 0; i < KEPT_MOST; i++) {
        bytes += k->tapes[i] ? k->tapes[i]->bytes : 0;
        bytes += k->nets[i] ? net_holds(k->nets[i]) : 0;
    }
    return bytes;
}

/* What freed tapes have left to the next ones is no reason to refuse something. */
static void kept_drop_spares(struct kept *k)
{
    for (int i = 0; i < KEPT_MOST; i++)
        if (k->nets[i])
            net_drop_spare(k->nets[i]);
}

/* more: bytes that are to come to what is kept. */
static int check_kept(struct kept *k, size_t more, struct vs_err *err)
{
    if (kept_bytes(k) + more > k->most_bytes)
        kept_drop_spares(k);
    size_t bytes = kept_bytes(k) + more;
    if (bytes <= k->most_bytes)
        return 0;
    return vs_fail(err, VS_E_LIMIT, "the patched models and activations of this client take %zu "
                   "MB, more than the %zu MB that the server keeps for one (serve --memory)",
                   (bytes + ((size_t)1 << 20) - 1) >> 20, k->most_bytes >> 20);
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

/* Of a mixed net nothing is made: it would outlive what it borrows from. */
static int opened_of(struct request *q, struct net **out, struct vs_err *err)
{
    int i = wire_get_int(&q->w, 0, model_checkpoint_count(q->m) - 1, "the number of a checkpoint");
    if (q->w.wrong)
        return wire_end(&q->w, err);
    *out = q->m->checkpoints[i].net;
    return 0;
}

static int tape_of(struct request *q, int *place, struct vs_err *err)
{
    int i = wire_get_int(&q->w, 0, KEPT_MOST - 1, "the number of a tape");
    if (q->w.wrong)
        return wire_end(&q->w, err);
    *place = i;
    return q->kept->tapes[i] ? 0 : vs_fail(err, VS_E_MISSING, "there is no tape %d here", i);
}

/* ---- sizes */

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
    int rows = tokens + regions, fit = rows > 0 && rows < PASS_ROWS ? PASS_ROWS / rows : 1;
    if (rc == 0)
        wire_int(out, net_batch(n, tokens, regions, most < fit ? most : fit));
    return rc;
}

/* ---- passes */

/* Numbers of the maps of a pass. */
static size_t map_numbers(const struct net_sizes *s, const struct net_input *in)
{
    size_t sum = 0, tokens = (size_t)in->tokens + 1, regions = (size_t)in->regions;
    for (int k = 0; k < ATTN_COUNT; k++) {
        size_t rows = stream_rows(attn_table[k].from, tokens, regions);
        size_t cols = stream_rows(attn_table[k].to, tokens, regions);
        size_t each = (size_t)net_map_layers(s, (enum attn_kind)k) *
                      (size_t)net_map_heads(s, (enum attn_kind)k);
        sum += vs_times(each * (size_t)in->batch, rows * cols);
    }
    return sum;
}

/* Numbers of the states after every layer. */
static size_t state_numbers(const struct net_sizes *s, const struct net_input *in)
{
    size_t sum = 0, rows = (size_t)in->batch * ((size_t)in->tokens + 1 + (size_t)in->regions);
    for (int p = 0; p < PART_COUNT; p++)
        for (int i = 0; i < STREAM_COUNT; i++)
            sum += vs_times(rows * (size_t)s->width[i], (size_t)s->part[p].layers + 1);
    return sum;
}

/* What one client may take of the memory and of the time of all: an image and a pass of so many
 * rows, a trace of so many bytes. */
static int check_size(const struct net *n, const struct net_input *in, const struct net_want *want,
                      struct vs_err *err)
{
    size_t bytes = 0;
    if (n->task_tokens && !in->task)
        return vs_fail(err, VS_E_FORMAT, "an input without a task for a model with task tokens");
    if (in->tokens > IMAGE_ROWS || in->regions > IMAGE_ROWS)
        return vs_fail(err, VS_E_LIMIT, "an image of %d tokens and %d regions is more than a "
                       "server takes, %d", in->tokens, in->regions, IMAGE_ROWS);
    if ((int64_t)in->batch * (in->tokens + in->regions) > PASS_ROWS)
        return vs_fail(err, VS_E_LIMIT, "a pass of %d images with %d tokens and regions each is "
                       "more than a server computes at once: %d tokens and regions in all",
                       in->batch, in->tokens + in->regions, PASS_ROWS);
    if (want->attention)
        bytes += vs_times(map_numbers(&n->sizes, in), sizeof(float));
    if (want->hidden || want->added)
        bytes += vs_times(state_numbers(&n->sizes, in), want->added ? 12 : 4);
    if (bytes > REPLY_MOST)
        return vs_fail(err, VS_E_LIMIT, "maps and states of %d images have %zu MB, more than a "
                       "server sends at once, %zu", in->batch, bytes >> 20, REPLY_MOST >> 20);
    return 0;
}

/* A pass that is asked for: of which net, of what, for what. */
struct asked_pass {
    struct net *n;
    struct net_input in;
    struct net_want want;
};

/* netwire_want_fini(&out->want) in any case. */
static int get_pass(struct request *q, struct asked_pass *out, struct vs_err *err)
{
    *out = (struct asked_pass){0};
    int rc = net_of(q, &out->n, err);
    if (rc != 0)
        return rc;
    netwire_get_input(&q->w, &out->n->sizes, &out->in);
    netwire_get_want(&q->w, &out->n->sizes, &out->want);
    out->want.cancel = q->cancel;
    rc = wire_end(&q->w, err);
    if (rc == 0)
        rc = check_size(out->n, &out->in, &out->want, err);
    return rc ? rc : check_kept(q->kept, 0, err); /* patched models' passes leave room behind */
}

static int answer_forward(struct request *q, struct buf *out, struct vs_err *err)
{
    struct asked_pass p;
    struct trace *t = NULL;
    int rc = get_pass(q, &p, err);
    if (rc == 0)
        rc = net_forward(p.n, &p.in, &p.want, &t, err);
    if (rc == 0)
        netwire_put_trace(out, t);
    trace_free(t);
    netwire_want_fini(&p.want);
    return rc;
}

static int keep_tape(struct request *q, struct tape *tape, int *place, struct vs_err *err)
{
    struct kept *k = q->kept;
    *place = free_place((void *const *)k->tapes);
    if (*place < 0)
        return vs_fail(err, VS_E_LIMIT, "a client keeps %d passes for the way back at most",
                       KEPT_MOST);
    k->tapes[*place] = tape;
    return 0;
}

/* In the room that is left of what the client may keep. */
static int record_pass(struct kept *k, struct asked_pass *p, struct tape **tape, struct trace **t,
                       struct vs_err *err)
{
    kept_drop_spares(k);
    size_t used = kept_bytes(k), left = used < k->most_bytes ? k->most_bytes - used : 0;
    bool over = false;
    p->want.kept_most = left ? left : 1; /* 0 would mean no limit */
    p->want.kept_over = &over;
    int rc = net_record(p->n, &p->in, &p->want, tape, t, err);
    if (rc == 0 || !over || used == 0)
        return rc;
    return vs_fail(err, VS_E_LIMIT, "gradients need more memory than is left of the %zu MB that "
                   "the server keeps for one client (serve --memory): %.1f MB are taken by its "
                   "patched models and kept activations; patch fewer layers, or connect anew, "
                   "which frees them",
                   k->most_bytes >> 20, (double)used / (1 << 20));
}

static int answer_record(struct request *q, struct buf *out, struct vs_err *err)
{
    struct asked_pass p;
    struct tape *tape = NULL;
    struct trace *t = NULL;
    int place = -1, rc = get_pass(q, &p, err);
    if (rc == 0 && (int64_t)p.in.batch * (p.in.tokens + p.in.regions) > RECORD_ROWS)
        rc = vs_fail(err, VS_E_LIMIT, "a pass of %d images that keeps its activations is more than "
                     "a server takes at once", p.in.batch);
    if (rc == 0)
        rc = record_pass(q->kept, &p, &tape, &t, err);
    if (rc == 0 && (rc = keep_tape(q, tape, &place, err)) != 0)
        tape_free(tape);
    if (rc == 0) {
        wire_int(out, place);
        wire_int(out, (int64_t)tape->bytes);
        netwire_put_trace(out, t);
    }
    trace_free(t);
    netwire_want_fini(&p.want);
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
    tape_free(q->kept->tapes[place]);
    q->kept->tapes[place] = NULL;
    return wire_end(&q->w, err);
}

/* ---- mixed nets, and heads on states */

static int get_patches(struct request *q, struct net_patch *list, int count, struct vs_err *err)
{
    int rc = 0;
    for (int i = 0; i < count && rc == 0; i++) {
        list[i].part = (enum net_part)wire_get_int(&q->w, 0, PART_COUNT - 1, "a replaced part");
        list[i].layer = wire_get_int(&q->w, -1, 1 << 12, "a replaced layer");
        list[i].head = wire_get_int(&q->w, -1, 1 << 12, "a replaced head");
        rc = opened_of(q, &list[i].from, err);
    }
    return rc;
}

static int answer_mix(struct request *q, struct buf *out, struct vs_err *err)
{
    struct net *n, *mixed = NULL;
    int rc = opened_of(q, &n, err), place = free_place((void *const *)q->kept->nets);
    if (rc != 0)
        return rc;
    int count = wire_get_int(&q->w, 0, PATCHES_MOST, "the number of replaced parts");
    struct net_patch *list = xcalloc((size_t)count + 1, sizeof *list);
    rc = get_patches(q, list, count, err);
    if (rc == 0)
        rc = wire_end(&q->w, err);
    if (rc == 0 && place < 0)
        rc = vs_fail(err, VS_E_LIMIT, "a client keeps %d patched models at most", KEPT_MOST);
    if (rc == 0)
        rc = net_mix(n, list, count, &mixed, err);
    if (rc == 0)
        rc = check_kept(q->kept, net_holds(mixed), err);
    if (rc == 0) {
        q->kept->nets[place] = mixed;
        wire_int(out, model_checkpoint_count(q->m) + place);
    } else {
        net_free(mixed);
    }
    free(list);
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

static bool is_on_rows(enum net_head head)
{
    enum output_rows on = output_table[output_of(head)].rows;
    return on == ROWS_TOKENS || on == ROWS_REGIONS;
}

static int answer_read_states(struct request *q, struct buf *out, struct vs_err *err)
{
    struct net *n;
    int rc = net_of(q, &n, err);
    if (rc != 0)
        return rc;
    int head = wire_get_int(&q->w, 1, HEAD_ALL, "a head");
    int rows = wire_get_int(&q->w, 1, 1 << 20, "the number of states");
    bool on_rows = !q->w.wrong && (head & (head - 1)) == 0 && is_on_rows((enum net_head)head);
    if (!on_rows && !q->w.wrong)
        q->w.wrong = "a head that is not on rows";
    size_t width = on_rows ? netwire_state_width(&n->sizes, (enum net_head)head) : 0;
    const float *x = wire_get_exactly(&q->w, (size_t)rows * width, sizeof *x, true,
                                      "the width of states");
    rc = wire_end(&q->w, err);
    int numbers = rc == 0 ? net_head_size(n, (enum net_head)head) : 0;
    size_t size = (size_t)rows * (size_t)numbers;
    if (rc == 0 && size > REPLY_MOST / sizeof(float))
        rc = vs_fail(err, VS_E_LIMIT, "%d states at once are more than a server takes", rows);
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
    if (rc == 0 && p.box_count > IMAGE_ROWS)
        rc = vs_fail(err, VS_E_LIMIT, "%d boxes of an image are more than a server takes, %d",
                     p.box_count, IMAGE_ROWS);
    if (rc == 0 && !model_has_detector(q->m))
        rc = vs_fail(err, VS_E_MISSING, "the model has no detector");
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
    case FRAME_BATCH: return answer_batch(q, out, err);
    case FRAME_FORWARD: return answer_forward(q, out, err);
    case FRAME_RECORD: return answer_record(q, out, err);
    case FRAME_BACKWARD: return answer_backward(q, out, err);
    case FRAME_FORGET_TAPE: return answer_forget_tape(q, err);
    case FRAME_MIX: return answer_mix(q, out, err);
    case FRAME_FORGET_NET: return answer_forget_net(q, err);
    case FRAME_READ_STATES: return answer_read_states(q, out, err);
    case FRAME_DETECT: return answer_detect(q, out, err);
    case FRAME_HELLO:
    case FRAME_PART: /* offer.h */
    case FRAME_CANCEL:
    case FRAME_DONE:
    case FRAME_FAILED:
    case FRAME_PROGRESS: break;
    }
    return vs_fail(err, VS_E_FORMAT, "a request of a kind that is not known here: %d",
                   (int)q->kind);
}

int request_answer(struct request *q, struct buf *out, struct vs_err *err)
{
    pthread_mutex_lock(&q->m->forward_lock);
    int rc = answer_kind(q, out, err);
    pthread_mutex_unlock(&q->m->forward_lock);
    return rc;
}
