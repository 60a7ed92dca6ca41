/* What the engine's files share: the opened model and the steps of a query. */
#ifndef VS_ENGINE_PRIV_H
#define VS_ENGINE_PRIV_H

#include "kernels/kern.h"
#include "src/engine.h"
#include "src/formats/labels.h"
#include "src/formats/tensorfile.h"
#include "src/model/config.h"
#include "src/modeldir.h"
#include "src/vision/detector.h"

#include <pthread.h>

struct checkpoint {
    struct tensorfile *file;
    struct vilbert *net;
    char digest[DIGEST_HEX]; /* "" until known; guarded by model.digest_lock */
};

struct model {
    struct parts parts;
    struct config config;
    struct tokenizer *tokenizer;
    struct labels *vqa, *gqa, *classes; /* may be NULL */
    struct kern *kern;
    struct tensorfile *detector_file; /* opened when first needed */
    struct arch arch;
    struct detector *detector;
    char detector_digest[DIGEST_HEX]; /* of weights and description */
    struct checkpoint *checkpoints; /* parts.checkpoint_count */
    pthread_mutex_t forward_lock;   /* one forward pass at a time: they share the threads */
    pthread_mutex_t digest_lock;
    pthread_t digest_thread;
    int digest_running; /* checkpoint of the background thread + 1, or 0 */
    bool digest_join;   /* the thread has to be joined */
};

/* The model's inputs for a query, owned. */
struct inputs {
    struct vilbert_input in;
    int32_t *ids, *text_mask, *image_mask, *task;
    float *features, *spatials;
    struct result_source *sources; /* (batch, regions) */
    bool keep_padding;             /* a row has no region at all */
};

/* Fills r's tokens, images and notice too. inputs_fini in every case. */
/* What can be told before regions are looked for. */
int query_check(const struct model *m, const struct query *q, struct vs_err *err);
int inputs_build(struct model *m, const struct query *q, struct inputs *out, struct result *r,
                 struct vs_err *err);
void inputs_fini(struct inputs *in);

/* Make answers or boxes of the trace, by the task's reading. */
int reading_make(const struct model *m, const struct query *q, const struct trace *t,
                 struct result *r, struct vs_err *err);

/* Add a sentence to the result's notice. */
void result_note(struct result *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
