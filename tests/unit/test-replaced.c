/* SPDX-License-Identifier: MIT */
/* States that others take the place of, in one pass of the small model on every back end: a state
 * that is put in is what the pass leaves there, and only its image answers otherwise; what
 * attention and the feed forward add is what a pass keeps of them; a pass that takes or replaces
 * nothing is the same to the last bit before and after; what is none of the model is refused. A row
 * of another image, a vector of another stream's width, or one that is put in outside of the pass
 * breaks it. */
#include "device.h"
#include "fakecuda.h"
#include "queries.h"

static struct query_model q;
static struct net_input input; /* two images */

static struct trace *pass(const struct net_replaced *list, int count, bool states,
                          struct vs_err *err)
{
    struct net_want want = {.heads = HEAD_VQA | HEAD_GROUND, .hidden = states, .added = states,
                            .replaced = list, .replaced_count = count};
    struct trace *t = NULL;
    return net_forward(vilbert_net(q.m), &input, &want, &t, err) == 0 ? t : NULL;
}

/* Of image 1, from another row of image 0 each: one of every kind and stream. */
static const struct place {
    enum net_site site;
    enum net_part part;
    enum net_stream stream;
    int layer;
} places[] = {
    {SITE_STATE, PART_EMBEDDINGS, STREAM_TEXT, 0}, {SITE_STATE, PART_EMBEDDINGS, STREAM_IMAGE, 0},
    {SITE_STATE, PART_TEXT, STREAM_TEXT, 0},       {SITE_STATE, PART_VISUAL, STREAM_IMAGE, 0},
    {SITE_STATE, PART_CO, STREAM_TEXT, 0},         {SITE_STATE, PART_CO, STREAM_IMAGE, 0},
    {SITE_ATTENTION, PART_TEXT, STREAM_TEXT, 1},   {SITE_ATTENTION, PART_VISUAL, STREAM_IMAGE, 0},
    {SITE_ATTENTION, PART_CO, STREAM_TEXT, 0},     {SITE_ATTENTION, PART_CO, STREAM_IMAGE, 0},
    {SITE_FEED, PART_TEXT, STREAM_TEXT, 0},        {SITE_FEED, PART_VISUAL, STREAM_IMAGE, 0},
    {SITE_FEED, PART_CO, STREAM_TEXT, 0},          {SITE_FEED, PART_CO, STREAM_IMAGE, 0},
};
#define PLACES (int)(sizeof places / sizeof places[0])

static struct trace_at at_of(const struct place *p)
{
    return (struct trace_at){trace_of_site(p->site), (int)p->part, p->stream, p->layer};
}

static const float *row_of(const struct trace *t, const struct place *p, int b, int row)
{
    const struct trace_tensor *x = trace_get(t, at_of(p));
    return x ? x->data + ((int64_t)b * x->shape[1] + row) * x->shape[2] : NULL;
}

static struct net_replaced put_of(const struct trace *plain, const struct place *p)
{
    return (struct net_replaced){p->site, p->part, p->stream, p->layer, 1, 0,
                                 row_of(plain, p, 0, 1)};
}

static bool same_image(const struct trace *a, const struct trace *b, int image)
{
    const struct trace_tensor *x = trace_output(a, OUT_VQA), *y = trace_output(b, OUT_VQA);
    size_t n = (size_t)x->shape[1];
    return memcmp(x->data + (size_t)image * n, y->data + (size_t)image * n, n * sizeof(float)) == 0;
}

/* One after the other, with and without states being taken. */
static void check_places(const struct trace *plain, const char *device)
{
    int there = 0, own = 0, other = 0, same = 0;
    struct vs_err err = {0};
    for (int i = 0; i < PLACES; i++) {
        struct net_replaced put = put_of(plain, &places[i]);
        struct trace *kept = put.with ? pass(&put, 1, true, &err) : NULL;
        struct trace *quick = put.with ? pass(&put, 1, false, &err) : NULL;
        size_t width = (size_t)vilbert_net(q.m)->sizes.width[places[i].stream];
        if (kept && quick) {
            there += memcmp(row_of(kept, &places[i], 1, 0), put.with, width * sizeof(float)) == 0;
            own += !same_image(kept, plain, 1);
            other += same_image(kept, plain, 0);
            const float *x = trace_output(kept, OUT_VQA)->data;
            const float *y = trace_output(quick, OUT_VQA)->data;
            double off = 0;
            for (size_t j = 0; j < trace_numbers(trace_output(kept, OUT_VQA)); j++)
                off = fmax(off, fabs((double)x[j] - (double)y[j]));
            same += off < 1e-5;
        }
        trace_free(kept);
        trace_free(quick);
    }
    ok(there == PLACES, "%s: %d of %d states are where they were put %s", device, there, PLACES,
       err.text);
    ok(own == PLACES && other == PLACES, "%s: the image answers otherwise (%d), the other one does "
       "not (%d)", device, own, other);
    ok(same == PLACES, "%s: the same where states are taken, too (%d)", device, same);
}

/* All at once, against the reference's; nothing of it stays. */
static void check_all(const char *device, struct trace **want)
{
    struct net_replaced list[PLACES];
    struct vs_err err = {0};
    struct trace *before = pass(NULL, 0, false, &err), *plain = pass(NULL, 0, true, &err);
    if (!ok(before && plain, "%s runs %s", device, err.text))
        return;
    check_places(plain, device);
    for (int i = 0; i < PLACES; i++)
        list[i] = put_of(plain, &places[i]);
    struct trace *all = pass(list, PLACES, true, &err), *after = pass(NULL, 0, false, &err);
    ok(after && query_difference(before, after) == 0, "%s: nothing of it stays", device);
    if (*want)
        ok(all && query_difference(all, *want) < 1e-4f, "%s: all at once as the reference, to %.2g",
           device, all ? (double)query_difference(all, *want) : NAN);
    trace_free(before);
    trace_free(plain);
    trace_free(after);
    if (*want)
        trace_free(all);
    else
        *want = all;
}

static void check_refusals(void)
{
    float row[4096] = {0};
    struct vs_err err = {0};
    const struct net_replaced bad[] = {
        {SITE_STATE, PART_TEXT, STREAM_TEXT, 99, 0, 0, row},
        {SITE_STATE, PART_TEXT, STREAM_IMAGE, 0, 0, 0, row},
        {SITE_STATE, PART_JOINT, STREAM_JOINT, 0, 0, 0, row},
        {SITE_STATE, PART_TEXT, STREAM_TEXT, -1, 0, 0, row},
        {SITE_FEED, PART_EMBEDDINGS, STREAM_TEXT, 0, 0, 0, row},
        {SITE_STATE, PART_TEXT, STREAM_TEXT, 0, 2, 0, row},
        {SITE_STATE, PART_TEXT, STREAM_TEXT, 0, 0, 1000, row},
        {SITE_STATE, PART_TEXT, STREAM_TEXT, 0, 0, -1, row},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct trace *t = pass(&bad[i], 1, false, &err);
        ok(!t, "refused: %s", err.text);
        trace_free(t);
    }
    row[1] = NAN;
    struct net_replaced nan = {SITE_STATE, PART_TEXT, STREAM_TEXT, 0, 0, 0, row};
    struct trace *t = pass(&nan, 1, false, &err);
    ok(!t && strstr(err.text, "NaN"), "refused: %s", err.text);
    trace_free(t);
}

int main(void)
{
    static const char *const devices[] = {"ref", DEVICE_CPUS, "fake"};
    struct trace *want = NULL;
    for (int i = 0; i < DEVICES(devices); i++) {
        struct kern *k = NULL;
        struct vs_err err = {0};
        char why[256] = "";
        if (fakecuda_open(devices[i], 1, &k, why, sizeof why) != 0) {
            tap_skip("%s: %s", devices[i], why);
            continue;
        }
        if (!ok(query_open(&q, source_path("tests/data/tiny/config.json"),
                           source_path("tests/data/tiny/checkpoint.bin"), k, &err) == 0,
                "tiny opens on %s %s", devices[i], err.text))
            return tap_done();
        while (i == 0 && (input.batch != 2 || input.tokens < 4 || input.regions < 4 ||
                          input.text_mask || input.image_mask)) {
            if (input.batch)
                query_free(&input);
            query_random(&q, &input);
        }
        check_all(devices[i], &want);
        if (i == 0)
            check_refusals();
        query_close(&q);
    }
    ok(fakecuda.live == 0 && fakecuda.bad == 0, "nothing is left, nothing was wrong (%s)",
       fakecuda.first);
    trace_free(want);
    query_free(&input);
    return tap_done();
}
