/* SPDX-License-Identifier: MIT */
/* Queries in one pass, and one query's images in several: answers are those of one at a time, to
 * the last bit. Rows of another image, another's padding, a head that reads pairs across the border
 * of a part, or sums that depend on the size of a batch break it. And jobs of an extraction that
 * share one detector, as on a GPU: two of them in it at once break it. */
#include "src/engine/engine_priv.h"
#include "src/study/extract.h"
#include "src/base/mem.h"
#include "tap.h"

#include <unistd.h>

#define MOST 6

static struct model *m;
static struct photo *photos[3]; /* two, and the first once more */

static bool is_same(const struct result *a, const struct result *b)
{
    bool same = a->answer_count == b->answer_count && a->box_count == b->box_count &&
                a->rows == b->rows && a->batch == b->batch;
    for (int i = 0; i < a->answer_count && same; i++)
        same = a->answers[i].index == b->answers[i].index &&
               memcmp(&a->answers[i].logit, &b->answers[i].logit, sizeof(float)) == 0;
    for (int i = 0; i < a->box_count && same; i++)
        same = a->boxes[i].region == b->boxes[i].region &&
               memcmp(&a->boxes[i].logit, &b->boxes[i].logit, sizeof(float)) == 0 &&
               memcmp(a->boxes[i].box, b->boxes[i].box, sizeof a->boxes[i].box) == 0;
    return same && a->answer_count + a->box_count > 0;
}

/* Queries of a task: texts of several lengths, both photos, one with a region less. */
static void ask(const char *task, int images, bool hidden)
{
    static const char *const texts[MOST] = {"what", "what color is it", "a dog", "what",
                                            "what color", "is it red"};
    struct change drop = {.kind = CHANGE_DROP_REGION, .image = 0, .region = 2};
    struct query q[MOST];
    struct result *together[MOST] = {0}, *alone[MOST] = {0};
    struct vs_err err = {0};
    int same = 0;
    for (int i = 0; i < MOST; i++)
        q[i] = (struct query){.task = task_find(task), .text = texts[i], .photo_count = images,
                              .photos = photos + i % 2 * (images == 1), .changes = &drop,
                              .change_count = i == 4, .hidden = hidden && i == 1};
    bool good = query_run_all(m, q, MOST, NULL, together, &err) == 0;
    for (int i = 0; i < MOST && good; i++) {
        good = query_run(m, &q[i], NULL, &alone[i], &err) == 0;
        same += good && is_same(together[i], alone[i]);
    }
    ok(good && same == MOST, "%s%s: %d of %d answers are those of one at a time %s", task,
       hidden ? ", one with states" : "", same, MOST, err.text);
    for (int i = 0; i < MOST; i++) {
        result_free(together[i]);
        result_free(alone[i]);
    }
}

/* What is done to heads is one thing for all queries of a pass, or each has a pass of its own. */
static void silences(bool shared)
{
    static const char *const texts[] = {"what", "what color is it", "is it red"};
    struct change own[3];
    struct query q[3];
    struct result *together[3] = {0};
    struct vs_err err = {0};
    int same = 0, moved = 0;
    for (int i = 0; i < 3; i++) {
        own[i] = (struct change){.kind = CHANGE_SILENCE, .map = ATTN_TEXT_TO_IMAGE, .layer = 0,
                                 .head = shared ? 0 : i % 2, .how = KERN_ZERO};
        q[i] = (struct query){.task = task_find("vqa"), .text = texts[i], .photo_count = 1,
                              .photos = photos + i % 2, .changes = shared ? own : &own[i],
                              .change_count = 1};
    }
    bool good = query_run_all(m, q, 3, NULL, together, &err) == 0;
    for (int i = 0; i < 3 && good; i++) {
        struct result *alone = NULL, *plain = NULL;
        struct query whole = q[i];
        whole.change_count = 0;
        good = query_run(m, &q[i], NULL, &alone, &err) == 0 &&
               query_run(m, &whole, NULL, &plain, &err) == 0;
        same += good && is_same(together[i], alone);
        moved += good && !is_same(together[i], plain);
        result_free(alone);
        result_free(plain);
    }
    ok(good && same == 3 && moved == 3, "%s heads left out: %d of 3 answers are those of one at a "
       "time, %d are not those of all heads %s", shared ? "the same" : "other", same, moved,
       err.text);
    for (int i = 0; i < 3; i++)
        result_free(together[i]);
}

/* One that fails takes all along, and nothing is left. */
static void fails(void)
{
    struct query q[2] = {
        {.task = task_find("vqa"), .text = "what", .photo_count = 1, .photos = photos},
        {.task = task_find("vqa"), .text = "what", .photo_count = 0, .photos = photos}};
    struct result *out[2] = {0};
    struct vs_err err = {0};
    ok(query_run_all(m, q, 2, NULL, out, &err) != 0 && !out[0] && !out[1] && err.text[0],
       "one without an image: %s", err.text);
}

/* All tensors of a are those of b, shapes included. */
static bool equal_traces(const struct trace *a, const struct trace *b)
{
    bool same = a && b && a->count == b->count && a->batch == b->batch;
    for (int i = 0; same && i < a->count; i++) {
        const struct trace_tensor *x = &a->tensors[i], *y = &b->tensors[i];
        size_t n = 1;
        for (int d = 0; d < x->ndim; d++)
            n *= (size_t)x->shape[d];
        same = memcmp(x->shape, y->shape, sizeof x->shape) == 0 &&
               memcmp(x->data, y->data, n * sizeof *x->data) == 0;
    }
    return same;
}

static void parts(int images, unsigned heads, bool maps, const char *what)
{
    struct photo *list[MOST];
    struct query q = {.task = task_find("coco"), .text = "what color is it",
                      .photo_count = images, .photos = list};
    struct prepared p;
    struct vs_err err = {0};
    struct trace *all = NULL;
    struct net_want want = {.heads = heads, .attention = maps, .hidden = maps};
    for (int i = 0; i < images; i++)
        list[i] = photos[i % 2];
    bool good = query_prepare(m, &q, NULL, &p, &err) == 0 &&
                query_forward(m, p.net, &p.in, &want, &all, &err) == 0;
    for (int room = 1; room <= images && good; room++) {
        struct trace *t = NULL;
        good = query_forward_parts(m, p.net, &p.in, &want, room, &t, &err) == 0 &&
               equal_traces(t, all);
        trace_free(t);
    }
    ok(good, "%d images in parts, %s %s", images, what, err.text);
    trace_free(all);
    prepared_fini(&p);
}

/* ---- extraction */

/* All images into a folder; out: what is in the files. */
static bool extract_to(const char *dir, int jobs, bool share, struct bytes *out)
{
    static const char *const names[MOST] = {"scene", "mirror", "tiny-a", "tiny-b", "tiny-c",
                                            "tiny-d"};
    const char *tmp = getenv("TMPDIR");
    char from[MOST][1000], path[1100], weights[1000], arch[1000];
    char *images[MOST];
    snprintf(weights, sizeof weights, "%s", source_path("tests/data/tiny/detector.pth"));
    snprintf(arch, sizeof arch, "%s", source_path("tests/data/tiny/detector.json"));
    struct extract_options o = {.weights = weights, .arch = arch, .device = "cpu", .threads = 2,
                                .jobs = jobs, .out = dir, .format = EXTRACT_NPY, .share = share,
                                .quiet = true};
    struct extract_summary sum;
    struct vs_err err = {0};
    for (int i = 0; i < MOST; i++) { /* two pictures under six names */
        snprintf(from[i], sizeof from[i], "%s/%s.png", tmp ? tmp : "/tmp", names[i]);
        unlink(from[i]);
        images[i] = from[i];
        if (symlink(source_path(i % 2 ? "tests/data/tiny/mirror.png" : "tests/data/tiny/scene.png"),
                    from[i]) != 0)
            return false;
    }
    bool good = extract_run(&o, images, MOST, NULL, &sum, &err) == 0 && sum.written == MOST;
    for (int i = 0; i < MOST; i++) {
        unlink(from[i]);
        snprintf(path, sizeof path, "%s/%s.npy", dir, names[i]);
        good = good && bytes_open(path, &out[i], &err) == 0;
        unlink(path);
    }
    rmdir(dir);
    if (!good)
        tap_note("%s", err.text);
    return good;
}

static void extractions(void)
{
    struct bytes a[MOST] = {{0}}, b[MOST] = {{0}};
    const char *tmp = getenv("TMPDIR");
    char dir[1000];
    snprintf(dir, sizeof dir, "%s/extracted-%ld", tmp ? tmp : "/tmp", (long)getpid());
    bool good = extract_to(dir, 1, false, a) && extract_to(dir, 4, true, b);
    for (int i = 0; i < MOST; i++) {
        good = good && a[i].size == b[i].size && memcmp(a[i].data, b[i].data, a[i].size) == 0;
        bytes_close(&a[i]);
        bytes_close(&b[i]);
    }
    ok(good, "four jobs with one detector find what one finds");
}

int main(void)
{
    struct model_options o = {.dir = source_path("tests/data/tiny"), .threads = 1};
    struct photo_options how = {0};
    struct vs_err err = {0};
    bool good = model_open(&o, &m, &err) == 0 &&
                photo_open(source_path("tests/data/tiny/scene.png"), &how, &photos[0], &err) == 0 &&
                photo_open(source_path("tests/data/tiny/mirror.png"), &how, &photos[1], &err) == 0;
    photos[2] = photos[0];
    if (ok(good, "tiny opens %s", err.text)) {
        ask("vqa", 1, false);
        ask("gqa", 1, false);
        ask("refcoco", 1, false);
        ask("snli-ve", 1, false);
        ask("nlvr2", 2, false);
        ask("coco", 3, false);
        ask("vqa", 1, true);
        silences(true);
        silences(false);
        fails();
        unsigned heads = m->checkpoints[0].net->heads;
        parts(5, HEAD_ALIGN, false, "their match");
        parts(4, heads, false, "all heads");
        parts(5, heads, false, "all heads, an odd number");
        parts(4, heads & ~(unsigned)HEAD_BINARY, true, "maps and states");
    }
    extractions();
    photo_free(photos[0]);
    photo_free(photos[1]);
    model_free(m);
    return tap_done();
}
