/* SPDX-License-Identifier: MIT */
/* What a pass takes and leaves, as parts of messages. */
#include "src/remote/netwire.h"

#include <stdlib.h>
#include <string.h>

#define MOST_ROWS 2000000 /* images times rows; a pass takes no more (core.c) */
#define MOST_LIST 1000000
#define MOST_SIZE (1 << 28)

/* ---- inputs */

void netwire_put_input(struct buf *b, const struct net_sizes *s, const struct net_input *in)
{
    size_t images = (size_t)in->batch, tokens = images * (size_t)in->tokens;
    size_t regions = images * (size_t)in->regions;
    wire_int(b, in->batch);
    wire_int(b, in->tokens);
    wire_int(b, in->regions);
    wire_array(b, in->ids, tokens, sizeof *in->ids);
    wire_array(b, in->types, tokens, sizeof *in->types);
    wire_array(b, in->text_mask, tokens, sizeof *in->text_mask);
    wire_array(b, in->features, regions * (size_t)s->features, sizeof *in->features);
    wire_array(b, in->spatials, regions * 5, sizeof *in->spatials);
    wire_array(b, in->image_mask, regions, sizeof *in->image_mask);
    wire_array(b, in->task, images, sizeof *in->task);
    wire_array(b, in->words, tokens * (size_t)net_word_width(s), sizeof *in->words);
}

void netwire_get_input(struct wire *w, const struct net_sizes *s, struct net_input *out)
{
    static const char wrong[] = "an array of the input has another size than its rows";
    *out = (struct net_input){0};
    out->batch = wire_get_int(w, 1, MOST_ROWS, "the number of images");
    out->tokens = wire_get_int(w, 1, MOST_ROWS / out->batch, "the number of tokens");
    out->regions = wire_get_int(w, 1, MOST_ROWS / out->batch, "the number of regions");
    size_t images = (size_t)out->batch, tokens = images * (size_t)out->tokens;
    size_t regions = images * (size_t)out->regions;
    out->ids = wire_get_exactly(w, tokens, sizeof *out->ids, true, wrong);
    out->types = wire_get_exactly(w, tokens, sizeof *out->types, false, wrong);
    out->text_mask = wire_get_exactly(w, tokens, sizeof *out->text_mask, false, wrong);
    out->features = wire_get_exactly(w, regions * (size_t)s->features, sizeof *out->features, true,
                                     wrong);
    out->spatials = wire_get_exactly(w, regions * 5, sizeof *out->spatials, true, wrong);
    out->image_mask = wire_get_exactly(w, regions, sizeof *out->image_mask, false, wrong);
    out->task = wire_get_exactly(w, images, sizeof *out->task, false, wrong);
    out->words = wire_get_exactly(w, tokens * (size_t)net_word_width(s), sizeof *out->words, false,
                                  wrong);
}

/* ---- what is wanted */

static void put_silence(struct buf *b, const struct net_silence *s)
{
    wire_int(b, s->map);
    wire_int(b, s->layer);
    wire_int(b, s->head);
    wire_int(b, s->b);
    wire_int(b, s->how);
}

static struct net_silence get_silence(struct wire *w)
{
    struct net_silence s = {0};
    s.map = (enum attn_kind)wire_get_int(w, 0, ATTN_COUNT - 1, "the map of a head");
    s.layer = wire_get_int(w, 0, MOST_LIST, "the layer of a head");
    s.head = wire_get_int(w, -1, MOST_LIST, "the number of a head");
    s.b = wire_get_int(w, -1, MOST_ROWS, "the image of a head");
    s.how = (enum kern_silence)wire_get_int(w, 0, KERN_MEAN, "how a head is left out");
    return s;
}

static void put_replaced(struct buf *b, const struct net_sizes *s, const struct net_replaced *r)
{
    wire_int(b, r->site);
    wire_int(b, r->part);
    wire_int(b, r->stream);
    wire_int(b, r->layer);
    wire_int(b, r->b);
    wire_int(b, r->row);
    wire_array(b, r->with, (size_t)s->width[r->stream], sizeof *r->with);
}

static struct net_replaced get_replaced(struct wire *w, const struct net_sizes *s)
{
    struct net_replaced r = {0};
    r.site = (enum net_site)wire_get_int(w, 0, SITE_COUNT - 1, "the site of a state");
    r.part = (enum net_part)wire_get_int(w, 0, PART_COUNT - 1, "the part of a state");
    r.stream = (enum net_stream)wire_get_int(w, 0, STREAM_COUNT - 1, "the stream of a state");
    r.layer = wire_get_int(w, 0, MOST_LIST, "the layer of a state");
    r.b = wire_get_int(w, 0, MOST_ROWS, "the image of a state");
    r.row = wire_get_int(w, 0, MOST_ROWS, "the row of a state");
    r.with = wire_get_exactly(w, (size_t)s->width[r.stream], sizeof *r.with, true,
                              "the width of a state");
    return r;
}

void netwire_put_want(struct buf *b, const struct net_sizes *s, const struct net_want *want)
{
    wire_int(b, want->heads);
    wire_int(b, want->others);
    wire_int(b, want->attention);
    wire_int(b, want->hidden);
    wire_int(b, want->added);
    wire_int(b, want->keep_padding);
    wire_int(b, want->silence_count);
    for (int i = 0; i < want->silence_count; i++)
        put_silence(b, &want->silences[i]);
    wire_int(b, want->replaced_count);
    for (int i = 0; i < want->replaced_count; i++)
        put_replaced(b, s, &want->replaced[i]);
}

/* How many items of at least so many bytes follow: no more than the message has room for. */
static int get_count(struct wire *w, size_t bytes, const char *what)
{
    size_t room = w->wrong ? 0 : (w->size - w->at) / bytes;
    int n = wire_get_int(w, 0, room < MOST_LIST ? (int)room : MOST_LIST, what);
    return w->wrong ? 0 : n;
}

void netwire_get_want(struct wire *w, const struct net_sizes *s, struct net_want *out)
{
    *out = (struct net_want){0};
    out->heads = (unsigned)wire_get_int(w, 0, HEAD_ALL, "the heads that are wanted");
    out->others = (unsigned)wire_get_int(w, 0, HEAD_ALL, "the other heads that are wanted");
    out->attention = wire_get_bool(w);
    out->hidden = wire_get_bool(w);
    out->added = wire_get_bool(w);
    out->keep_padding = wire_get_bool(w);
    out->silence_count = get_count(w, 5 * sizeof(int64_t), "the number of heads left out");
    struct net_silence *silences = xcalloc((size_t)out->silence_count + 1, sizeof *silences);
    for (int i = 0; i < out->silence_count; i++)
        silences[i] = get_silence(w);
    out->silences = silences;
    out->replaced_count = get_count(w, 7 * sizeof(int64_t), "the number of replaced states");
    struct net_replaced *replaced = xcalloc((size_t)out->replaced_count + 1, sizeof *replaced);
    for (int i = 0; i < out->replaced_count; i++)
        replaced[i] = get_replaced(w, s);
    out->replaced = replaced;
}

void netwire_want_fini(struct net_want *want)
{
    free((void *)(uintptr_t)want->silences);
    free((void *)(uintptr_t)want->replaced);
    *want = (struct net_want){0};
}

/* ---- the way back */

void netwire_put_target(struct buf *b, const struct net_target *t)
{
    wire_int(b, t->output);
    wire_int(b, t->b);
    wire_int(b, t->count);
    for (int i = 0; i < t->count; i++) {
        wire_int(b, t->terms[i].row);
        wire_int(b, t->terms[i].index);
        wire_real(b, t->terms[i].weight);
    }
}

void netwire_get_target(struct wire *w, struct net_target *out)
{
    *out = (struct net_target){0};
    out->output = (enum net_output)wire_get_int(w, 0, OUT_COUNT - 1, "the output of a target");
    out->b = wire_get_int(w, 0, MOST_ROWS, "the image of a target");
    out->count = get_count(w, 3 * sizeof(int64_t), "the number of a target's terms");
    struct net_term *terms = xcalloc((size_t)out->count + 1, sizeof *terms);
    for (int i = 0; i < out->count; i++) {
        terms[i].row = wire_get_int(w, 0, MOST_ROWS, "the row of a term");
        terms[i].index = wire_get_int(w, 0, MOST_SIZE, "the place of a term");
        terms[i].weight = (float)wire_get_real(w);
    }
    out->terms = terms;
}

void netwire_put_back(struct buf *b, const struct net_back_want *want)
{
    wire_int(b, want->attention);
    wire_int(b, want->hidden);
    wire_int(b, want->added);
    wire_int(b, want->inputs);
    wire_int(b, want->padding);
    wire_int(b, want->lrp);
}

void netwire_get_back(struct wire *w, struct net_back_want *out)
{
    *out = (struct net_back_want){0};
    out->attention = wire_get_bool(w);
    out->hidden = wire_get_bool(w);
    out->added = wire_get_bool(w);
    out->inputs = wire_get_bool(w);
    out->padding = wire_get_bool(w);
    out->lrp = wire_get_bool(w);
}

/* ---- traces */

static void put_tensor(struct buf *b, const struct trace_tensor *x)
{
    wire_int(b, x->at.kind);
    wire_int(b, x->at.site);
    wire_int(b, x->at.stream);
    wire_int(b, x->at.layer);
    wire_array(b, x->shape, (size_t)x->ndim, sizeof x->shape[0]);
    wire_array(b, x->data, trace_numbers(x), sizeof *x->data);
}

void netwire_put_trace(struct buf *b, const struct trace *t)
{
    wire_int(b, t->batch);
    wire_int(b, t->tokens);
    wire_int(b, t->regions);
    wire_real(b, t->ms);
    wire_int(b, t->count);
    for (int i = 0; i < t->count; i++)
        put_tensor(b, &t->tensors[i]);
}

/* Sites of the kinds that a model's pass leaves. */
static int most_sites(enum trace_kind kind)
{
    switch (kind) {
    case TRACE_OUTPUT: return OUT_COUNT;
    case TRACE_STATE:
    case TRACE_ATTENDED:
    case TRACE_FED: return PART_COUNT;
    case TRACE_MAP: return ATTN_COUNT;
    case TRACE_INPUT: return INPUT_BOXES + 1;
    case TRACE_STAGE: break;
    }
    return 1;
}

static void get_tensor(struct wire *w, struct trace *t)
{
    struct trace_at at;
    size_t dims, numbers = 1;
    at.kind = (enum trace_kind)wire_get_int(w, 0, TRACE_INPUT, "what a tensor is");
    at.site = wire_get_int(w, 0, most_sites(at.kind) - 1, "where a tensor is from");
    at.stream = (enum net_stream)wire_get_int(w, 0, STREAM_COUNT - 1, "the stream of a tensor");
    at.layer = wire_get_int(w, 0, MOST_LIST, "the layer of a tensor");
    const int64_t *shape = wire_get_array(w, sizeof *shape, &dims);
    if (!w->wrong && (!shape || dims < 1 || dims > 4))
        w->wrong = "the dimensions of a tensor";
    for (size_t i = 0; !w->wrong && i < dims; i++) {
        if (shape[i] < 0 || shape[i] > MOST_SIZE)
            w->wrong = "a dimension of a tensor";
        numbers = vs_times(numbers, (size_t)shape[i]);
    }
    const float *data = wire_get_exactly(w, numbers, sizeof *data, true, "the size of a tensor");
    float *to = data ? trace_add(t, at, (int)dims, shape) : NULL;
    if (to)
        memcpy(to, data, numbers * sizeof *to);
    else if (!w->wrong)
        w->wrong = "there is no memory for a tensor of it";
}

struct trace *netwire_get_trace(struct wire *w)
{
    struct trace *t = xcalloc(1, sizeof *t);
    t->batch = wire_get_int(w, 0, MOST_ROWS, "the number of images");
    t->tokens = wire_get_int(w, 0, MOST_ROWS, "the number of tokens");
    t->regions = wire_get_int(w, 0, MOST_ROWS, "the number of regions");
    t->ms = wire_get_real(w);
    int n = get_count(w, 6 * sizeof(int64_t), "the number of tensors");
    for (int i = 0; i < n && !w->wrong; i++)
        get_tensor(w, t);
    if (!w->wrong)
        return t;
    trace_free(t);
    return NULL;
}

/* ---- opened checkpoints */

static void put_sizes(struct buf *b, const struct net_sizes *s)
{
    wire_int(b, s->words);
    wire_int(b, s->positions);
    wire_int(b, s->features);
    for (int i = 0; i < STREAM_COUNT; i++)
        wire_int(b, s->width[i]);
    for (int i = 0; i < PART_COUNT; i++) {
        wire_int(b, s->part[i].layers);
        wire_int(b, s->part[i].heads);
    }
}

static void get_sizes(struct wire *w, struct net_sizes *out)
{
    static const char wrong[] = "a size of the model";
    *out = (struct net_sizes){0};
    out->words = wire_get_int(w, 0, MOST_SIZE, wrong);
    out->positions = wire_get_int(w, 0, MOST_SIZE, wrong);
    out->features = wire_get_int(w, 0, 1 << 20, wrong);
    for (int i = 0; i < STREAM_COUNT; i++)
        out->width[i] = wire_get_int(w, 0, 1 << 20, wrong);
    for (int i = 0; i < PART_COUNT; i++) {
        out->part[i].layers = wire_get_int(w, 0, 1 << 12, wrong);
        out->part[i].heads = wire_get_int(w, 0, 1 << 12, wrong);
    }
}

void netwire_put_net(struct buf *b, const struct net *n, const int *head_sizes)
{
    wire_text(b, n->family->name);
    put_sizes(b, &n->sizes);
    wire_int(b, n->task_tokens);
    wire_int(b, n->heads);
    wire_int(b, n->target);
    for (int i = 0; i < HEAD_COUNT; i++)
        wire_int(b, head_sizes ? head_sizes[i] : 0);
}

void netwire_get_net(struct wire *w, struct net *out, int head_sizes[HEAD_COUNT])
{
    static const struct family *const families[] = {&vilbert_family, &singlestream_family};
    char *name = wire_get_text(w);
    const struct family *found = NULL;
    for (size_t i = 0; name && i < sizeof families / sizeof families[0]; i++)
        if (strcmp(name, families[i]->name) == 0)
            found = families[i];
    if (!found && !w->wrong)
        w->wrong = "a family of models that is not known here";
    free(name);
    *out = (struct net){.family = found};
    get_sizes(w, &out->sizes);
    out->task_tokens = wire_get_bool(w);
    out->heads = (unsigned)wire_get_int(w, 0, HEAD_ALL, "the heads of a checkpoint");
    out->target = (enum region_target)wire_get_int(w, 0, TARGET_VECTOR, "what regions are told");
    for (int i = 0; i < HEAD_COUNT; i++)
        head_sizes[i] = wire_get_int(w, 0, MOST_SIZE, "the size of a head");
}

size_t netwire_state_width(const struct net_sizes *s, enum net_head head)
{
    bool tokens = output_table[output_of(head)].rows == ROWS_TOKENS;
    int own = s->width[tokens ? STREAM_TEXT : STREAM_IMAGE];
    return (size_t)(own ? own : s->width[STREAM_JOINT]);
}

/* ---- regions */

void netwire_put_regions(struct buf *b, const struct regions *r)
{
    size_t n = (size_t)r->count;
    wire_int(b, r->count);
    wire_int(b, r->dim);
    wire_int(b, r->width);
    wire_int(b, r->height);
    wire_int(b, r->num_boxes);
    wire_array(b, r->boxes, n * 4, sizeof *r->boxes);
    wire_array(b, r->features, n * (size_t)r->dim, sizeof *r->features);
    wire_array(b, r->classes, n, sizeof *r->classes);
    wire_array(b, r->conf, n, sizeof *r->conf);
    wire_text(b, r->image_id);
    wire_text(b, r->note);
}

static void *netwire_copy(const void *from, size_t size)
{
    void *to = from ? xmalloc(size + 1) : NULL;
    if (to)
        memcpy(to, from, size);
    return to;
}

struct regions *netwire_get_regions(struct wire *w)
{
    static const char wrong[] = "an array of regions has another size than they";
    int count = wire_get_int(w, 0, MOST_ROWS, "the number of regions");
    int dim = wire_get_int(w, 1, 1 << 20, "the width of regions");
    int width = wire_get_int(w, 0, MOST_SIZE, "the image's width");
    int height = wire_get_int(w, 0, MOST_SIZE, "the image's height");
    int kept = wire_get_int(w, 0, MOST_ROWS, "the number of kept boxes");
    size_t n = (size_t)count;
    const float *boxes = wire_get_exactly(w, n * 4, sizeof *boxes, true, wrong);
    const float *features = wire_get_exactly(w, n * (size_t)dim, sizeof *features, true, wrong);
    const int *classes = wire_get_exactly(w, n, sizeof *classes, false, wrong);
    const float *conf = wire_get_exactly(w, n, sizeof *conf, false, wrong);
    char *id = wire_get_text(w), *note = wire_get_text(w);
    struct regions *r = w->wrong ? NULL : regions_new(count, dim, "regions", NULL);
    if (!r) {
        w->wrong = w->wrong ? w->wrong : "there is no memory for its regions";
        free(id);
        free(note);
        return NULL;
    }
    r->width = width;
    r->height = height;
    r->num_boxes = kept;
    memcpy(r->boxes, boxes, n * 4 * sizeof *boxes);
    memcpy(r->features, features, n * (size_t)dim * sizeof *features);
    r->classes = netwire_copy(classes, n * sizeof *classes);
    r->conf = netwire_copy(conf, n * sizeof *conf);
    r->image_id = id;
    r->note = note;
    regions_seal(r);
    return r;
}
