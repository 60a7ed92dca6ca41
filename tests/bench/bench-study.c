/* SPDX-License-Identifier: MIT */
/* Times what one question leads to, as the workbench and the commands ask it: features come from a
 * folder that bench-eval made.
 *
 * usage: bench-study leave-one-out|checkpoints FOLDER CONFIG CHECKPOINT VOCAB THREADS TURNS
 *                    [COUNT [DEVICE]]
 *
 * leave-one-out: each of 100 regions is left out in turn. checkpoints: COUNT (1) are open, all of
 * the same file, and every one is asked.
 * Prints median, least and upper quartile in milliseconds, and the most memory in MB. */
#include "idle.h"
#include "median.h"
#include "src/base/mem.h"
#include "src/study/effects.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WARM 3 /* questions to each checkpoint; weights are packed after the second pass */

static int fail(const char *why)
{
    fprintf(stderr, "bench-study: %s\n", why);
    return 1;
}

/* Another question each time, else the text's half would be known. */
static int ask_all(struct model *m, struct query *q, int turn, struct vs_err *err)
{
    static const char *const words[] = {"man", "ball", "big", "red"};
    char *text = xasprintf("what is the color of the %s on the %s ball ?", words[turn % 4],
                           words[turn / 4 % 4]);
    int rc = 0;
    q->text = text;
    for (int i = 0; i < model_checkpoint_count(m) && rc == 0; i++) {
        struct result *r = NULL;
        q->checkpoint = i;
        rc = query_run(m, q, NULL, &r, err);
        result_free(r);
    }
    free(text);
    return rc;
}

static int leave_out(struct model *m, struct query *q, double *ms, struct vs_err *err)
{
    struct effects *e = NULL;
    q->checkpoint = 0;
    q->text = "what is the color of the big red ball ?";
    int rc = effects_run(m, q, EFFECTS_REGIONS, -1, KERN_ZERO, NULL, NULL, NULL, &e, err);
    if (rc == 0)
        *ms = e->ms;
    effects_free(e);
    return rc;
}

static int measure(struct model *m, struct query *q, bool out, int turns, struct vs_err *err)
{
    double *ms = xcalloc((size_t)turns, sizeof *ms);
    int rc = 0;
    for (int i = 0; i < WARM && rc == 0; i++)
        rc = ask_all(m, q, i, err);
    wait_idle();
    for (int i = 0; i < turns && rc == 0; i++) {
        double start = vs_now_ms();
        rc = out ? leave_out(m, q, &ms[i], err) : ask_all(m, q, WARM + i, err);
        if (!out)
            ms[i] = vs_now_ms() - start;
    }
    if (rc == 0) {
        struct spread t = spread_of(ms, turns);
        printf("%.3f %.3f %.3f %.1f\n", t.median, t.least, t.upper, peak_memory());
    }
    free(ms);
    return rc;
}

static int open_model(char **argv, int count, const char *device, struct model **out,
                      struct vs_err *err)
{
    const char **paths = xcalloc((size_t)count + 1, sizeof *paths);
    char *answers = xasprintf("%s/answers.txt", argv[2]);
    struct model_options o = {.checkpoints = paths, .config = argv[3], .vocab = argv[5],
                              .labels_vqa = answers, .threads = atoi(argv[6]), .device = device};
    for (int i = 0; i < count; i++)
        paths[i] = argv[4];
    int rc = model_open(&o, out, err);
    free(answers);
    free(paths);
    return rc;
}

int main(int argc, char **argv)
{
    struct vs_err err = {0};
    struct model *m = NULL;
    struct photo *p = NULL;
    bool known = argc >= 8, out = known && strcmp(argv[1], "leave-one-out") == 0;
    int count = known && (out || strcmp(argv[1], "checkpoints") == 0) ? 1 : 0;
    int turns = known ? atoi(argv[7]) : 0;
    if (count && argc > 8)
        count = atoi(argv[8]);
    if (count < 1 || count > MODEL_CHECKPOINTS || turns < 1)
        return fail("leave-one-out|checkpoints FOLDER CONFIG CHECKPOINT VOCAB THREADS TURNS "
                    "[COUNT [DEVICE]]");
    char *features = xasprintf("%s/features.lmdb", argv[2]);
    struct photo_options how = {.regions = features, .key = "1"};
    int rc = open_model(argv, count, argc > 9 ? argv[9] : "cpu", &m, &err);
    if (rc == 0)
        rc = photo_open(NULL, &how, &p, &err);
    struct query q = {.task = task_find("vqa"), .photo_count = 1, .photos = &p};
    if (rc == 0)
        rc = measure(m, &q, out, turns, &err);
    photo_free(p);
    model_free(m);
    free(features);
    return rc ? fail(err.text) : 0;
}
