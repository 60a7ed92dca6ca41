/* SPDX-License-Identifier: MIT */
/* Times evaluations on features that lie in an LMDB, from opening the set to the rows in a file and
 * in a log: how much of it is the forward pass, and how much memory it takes.
 *
 * usage: bench-eval make FOLDER FEATURES IMAGES ITEMS CAPTIONS [ANSWERS]
 *        bench-eval items|retrieval FOLDER CONFIG CHECKPOINT VOCAB THREADS [ITEMS [DEVICE]]
 *
 * make: 100 regions of FEATURES noisy numbers for each of IMAGES images (in FOLDER/features.lmdb),
 * ITEMS questions of 12 words about them (data.jsonl), CAPTIONS captions of as many words to be
 * looked for in all of them (dataset_coco.json), and names for ANSWERS answers, by default as many
 * as the published model has (answers.txt).
 *
 * items, retrieval: prints wall and processor milliseconds, those of the wall that were spent in
 * forward passes, items, passes' images, and the process's most memory in KB. Some questions to
 * warm up come first and are not counted: weights are packed after the second pass. */
#include "idle.h"
#include "median.h"
#include "sessions/db.h"

#include "src/formats/regionout.h"
#include "src/study/eval.h"
#include "src/study/evaluation.h"
#include "src/base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define BOXES 100
#define WORDS 12
#define ANSWERS 3129 /* of the published VQA head */

static const char *const words[WORDS] = {"what", "is", "the", "color", "of", "a", "man", "on",
                                         "big", "red", "ball", "?"};

static int fail(const char *why)
{
    fprintf(stderr, "bench-eval: %s\n", why);
    return 1;
}

/* ---- what is measured on */

static float noise(void)
{
    static uint32_t state = 2463534242u;
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return (float)(state >> 8) / 16777216.0f;
}

static int put_image(struct regionout *o, int number, int features, struct vs_err *err)
{
    char key[32];
    struct regions *r = regions_new(BOXES, features, "bench-eval", err);
    if (!r)
        return err->code;
    r->width = 640;
    r->height = 480;
    r->num_boxes = BOXES;
    for (int i = 0; i < BOXES * features; i++)
        r->features[i] = noise();
    for (int i = 0; i < BOXES; i++) {
        float *b = r->boxes + 4 * (ptrdiff_t)i;
        b[0] = 500 * noise();
        b[1] = 400 * noise();
        b[2] = b[0] + 20 + 100 * noise();
        b[3] = b[1] + 20 + 50 * noise();
    }
    snprintf(key, sizeof key, "%d", number);
    int rc = regionout_put(o, key, r, err);
    regions_free(r);
    return rc;
}

static int make_features(const char *folder, int features, int images, struct vs_err *err)
{
    char *path = xasprintf("%s/features.lmdb", folder);
    struct regionout *o = NULL;
    size_t one = (size_t)BOXES * (size_t)features * sizeof(float) * 3 / 2;
    int rc = regionout_open(path, REGION_OUT_LMDB, one * (size_t)images, true, &o, err);
    for (int i = 1; i <= images && rc == 0; i++)
        rc = put_image(o, i, features, err);
    if (rc == 0)
        rc = regionout_finish(o, err);
    regionout_close(o);
    free(path);
    return rc;
}

/* Another text for each number: the order of its words. */
static void write_text(FILE *f, int number)
{
    for (int i = 0; i < WORDS; i++)
        fprintf(f, "%s%s", i ? " " : "", words[(i * (1 + number % 5) + number / 5) % WORDS]);
}

static void write_items(FILE *f, int images, int items)
{
    for (int i = 0; i < items; i++) {
        fprintf(f, "{\"task\": \"vqa\", \"id\": \"q%d\", \"images\": [\"%d.jpg\"], \"text\": \"", i,
                1 + i % images);
        write_text(f, i);
        fprintf(f, "\", \"answer\": \"a%d\"}\n", i % 7);
    }
}

static void write_captions(FILE *f, int images, int captions)
{
    fputs("{\"dataset\": \"coco\", \"images\": [", f);
    for (int i = 0; i < images; i++) {
        fprintf(f, "%s\n{\"filename\": \"COCO_val2014_%012d.jpg\", \"cocoid\": %d, \"split\": "
                "\"test\", \"sentences\": [", i ? "," : "", 1 + i, 1 + i);
        for (int k = i, first = 1; k < captions; k += images, first = 0) {
            fputs(first ? "{\"raw\": \"" : ", {\"raw\": \"", f);
            write_text(f, k);
            fprintf(f, "\", \"sentid\": %d}", k);
        }
        fputs("]}", f);
    }
    fputs("]}\n", f);
}

static FILE *begin(const char *folder, const char *name)
{
    char *path = xasprintf("%s/%s", folder, name);
    FILE *f = fopen(path, "w");
    free(path);
    return f;
}

static int make(char **argv, int argc, struct vs_err *err)
{
    int images = atoi(argv[4]), items = atoi(argv[5]), captions = atoi(argv[6]);
    int count = argc > 7 ? atoi(argv[7]) : ANSWERS;
    FILE *set = begin(argv[2], "data.jsonl"), *pool = begin(argv[2], "dataset_coco.json");
    FILE *answers = begin(argv[2], "answers.txt");
    bool written = set && pool && answers && images > 0;
    if (written) {
        write_items(set, images, items);
        write_captions(pool, images, captions);
        for (int i = 0; i < count; i++)
            fprintf(answers, "a%d\n", i);
    }
    written &= set && fclose(set) == 0;
    written &= pool && fclose(pool) == 0;
    written &= answers && fclose(answers) == 0;
    return written ? make_features(argv[2], atoi(argv[3]), images, err)
                   : vs_fail(err, VS_E_IO, "%s: cannot write there", argv[2]);
}

/* ---- measuring */

struct timed {
    struct model *m;
    struct eval_set *set;
    FILE *rows;
    size_t size;       /* of the rows in it */
    struct log *log;
    double forward;
    int items;
};

static void take(void *arg, const struct eval_item *it, const struct result *r)
{
    struct timed *t = arg;
    (void)it;
    t->forward += r->ms.forward;
    t->items++;
}

static int take_row(void *arg, const struct eval_item *it, const char *row, const char *reference,
                    bool past, struct vs_err *err)
{
    struct timed *t = arg;
    int n = fprintf(t->rows, "%s\n", row);
    (void)it;
    (void)reference;
    (void)past;
    t->size += n > 0 ? (size_t)n : 0;
    return n > 0 ? 0 : vs_fail(err, VS_E_IO, "rows cannot be written");
}

static int log_rows(struct timed *t, const struct evaluation *e, struct vs_err *err)
{
    struct log_evaluation l = {.task = t->set->items[0].task, .checkpoint_name = "bench",
                               .data_path = t->set->path, .data_digest = t->set->digest,
                               .items = e->sums.items, .score = evaluation_score(e),
                               .low = e->low, .high = e->high, .rows_size = t->size};
    int64_t session = 0;
    model_checkpoint_digest(t->m, 0, l.checkpoint_digest);
    int rc = log_begin_session(t->log, "bench", &session, err);
    char *lines = xmalloc(t->size + 1);
    if (rc == 0 && (fflush(t->rows) != 0 || fseek(t->rows, 0, SEEK_SET) != 0 ||
                    fread(lines, 1, t->size, t->rows) != t->size))
        rc = vs_fail(err, VS_E_IO, "rows cannot be read again");
    lines[t->size] = '\0';
    l.rows = lines;
    rc = rc ? rc : log_evaluation(t->log, session, &l, err);
    free(lines);
    return rc;
}

/* At most so many items, 0: all. */
static int measure(struct timed *t, int limit, struct vs_err *err)
{
    struct evaluation e = {.set = t->set, .limit = limit, .take = take, .take_arg = t,
                           .row = take_row, .row_arg = t};
    t->forward = 0;
    t->items = 0;
    t->size = 0;
    t->rows = tmpfile();
    if (!t->rows)
        return vs_fail(err, VS_E_IO, "no file for the rows");
    int rc = evaluation_run(&e, t->m, err);
    if (rc == 0)
        rc = log_rows(t, &e, err);
    evaluation_fini(&e);
    fclose(t->rows);
    return rc;
}

static double processor_ms(struct rusage *u)
{
    getrusage(RUSAGE_SELF, u);
    return 1e3 * (double)(u->ru_utime.tv_sec + u->ru_stime.tv_sec) +
           1e-3 * (double)(u->ru_utime.tv_usec + u->ru_stime.tv_usec);
}

/* Three passes' questions, whatever is measured then: a caption with all of a pool would take as
 * long as what is measured. Then waits until the weights are packed. */
static int warm_up(struct timed *t, const char *folder, const char *features, struct vs_err *err)
{
    char *path = xasprintf("%s/data.jsonl", folder);
    struct eval_source from = {.path = path, .regions = features};
    struct eval_set *set = t->set, *questions = NULL;
    int rc = eval_open(&from, &questions, err);
    t->set = questions;
    if (rc == 0)
        rc = measure(t, 3 * query_room(t->m, 0, questions->items[0].task, 1), err);
    t->set = set;
    eval_free(questions);
    free(path);
    wait_idle();
    return rc;
}

static int time_set(struct timed *t, int limit, struct vs_err *err)
{
    struct rusage u;
    double cpu = processor_ms(&u), wall = vs_now_ms();
    int rc = measure(t, limit, err);
    wall = vs_now_ms() - wall;
    cpu = processor_ms(&u) - cpu;
    int images = t->set->pool ? t->set->pool_count : 1;
    if (rc == 0)
        printf("%.1f %.1f %.1f %d %d %.0f\n", wall, cpu, t->forward, t->items, images,
               1024 * peak_memory());
    return rc;
}

static int time_evaluation(char **argv, int argc, struct vs_err *err)
{
    bool pool = strcmp(argv[1], "retrieval") == 0;
    char *log = xasprintf("%s/bench.db", argv[2]), *answers = xasprintf("%s/answers.txt", argv[2]);
    char *set = xasprintf("%s/%s", argv[2], pool ? "dataset_coco.json" : "data.jsonl");
    char *features = xasprintf("%s/features.lmdb", argv[2]);
    struct model_options o = {.checkpoints = (const char *const[]){argv[4], NULL},
                              .config = argv[3], .vocab = argv[5], .labels_vqa = answers,
                              .threads = atoi(argv[6]), .device = argc > 8 ? argv[8] : "cpu"};
    struct eval_source from = {.path = set, .regions = features};
    struct timed t = {0};
    unlink(log);
    int rc = model_open(&o, &t.m, err);
    if (rc == 0)
        rc = eval_open(&from, &t.set, err);
    if (rc == 0)
        rc = log_open(log, false, &t.log, err);
    if (rc == 0)
        rc = warm_up(&t, argv[2], features, err);
    if (rc == 0)
        rc = time_set(&t, argc > 7 ? atoi(argv[7]) : 0, err);
    log_close(t.log);
    eval_free(t.set);
    model_free(t.m);
    unlink(log);
    free(log);
    free(answers);
    free(set);
    free(features);
    return rc;
}

int main(int argc, char **argv)
{
    struct vs_err err = {0};
    bool makes = (argc == 7 || argc == 8) && strcmp(argv[1], "make") == 0;
    bool times = argc >= 7 && (strcmp(argv[1], "items") == 0 ||
                               strcmp(argv[1], "retrieval") == 0);
    if (!makes && !times)
        return fail("make FOLDER FEATURES IMAGES ITEMS CAPTIONS [ANSWERS], or "
                    "items|retrieval FOLDER CONFIG CHECKPOINT VOCAB THREADS [ITEMS [DEVICE]]");
    int rc = makes ? make(argv, argc, &err) : time_evaluation(argv, argc, &err);
    return rc ? fail(err.text) : 0;
}
