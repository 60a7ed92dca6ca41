/* SPDX-License-Identifier: MIT */
/* What the engine's files share: the opened model and the steps of a query. */
#ifndef VS_ENGINE_PRIV_H
#define VS_ENGINE_PRIV_H

#include "kernels/kern.h"
#include "src/task/change.h"
#include "src/engine/domain.h"
#include "src/engine/engine.h"
#include "src/formats/labels.h"
#include "src/formats/tensorfile.h"
#include "src/model/prefixcache.h"
#include "src/model/trace.h"
#include "src/remote/remote.h"
#include "src/engine/modeldir.h"
#include "src/vision/detector.h"

#include <pthread.h>

struct checkpoint {
    struct tensorfile *file; /* NULL where a server has it */
    struct net *net;
    char digest[DIGEST_HEX]; /* "" until known; guarded by model.digest_lock, as the next */
    bool digest_lost;        /* the file changed before it was known: it stays "" */
};

struct model {
    struct parts parts;
    struct remote *remote; /* the server that computes, or NULL */
    char *server;          /* its address */
    struct net_config config;
    struct tokenizer *tokenizer;
    struct labels *vqa, *gqa, *classes; /* may be NULL */
    struct domain *domain;              /* or NULL */
    struct kern *kern;
    int precision; /* of KERN_PRECISION_NAMES */
    struct prefix_cache *kept; /* of all checkpoints; used with forward_lock held */
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
    struct net_input in;
    int32_t *ids, *text_mask, *image_mask, *task;
    float *features, *spatials;
    struct result_source *sources; /* (batch, regions) */
    bool keep_padding;             /* a row has no region at all */
    struct net_silence *silences;
    int silence_count;
};

/* What can be told before regions are looked for. */
int query_check(const struct model *m, const struct query *q, struct vs_err *err);
/* Fills r's tokens, images and notice too. inputs_fini in every case. */
int inputs_build(struct model *m, const struct query *q, struct inputs *out, struct result *r,
                 struct vs_err *err);
void inputs_fini(struct inputs *in);

/* ---- engine_changes.c: interventions */

/* Changes tokens, masks and silences of the inputs, and tells the result's tokens and sources. */
int changes_apply(struct model *m, const struct query *q, struct inputs *in, struct result *r,
                  struct vs_err *err);
/* Whether a token is one of a kind: special, words, pieces or punctuation. */
bool token_is_of_kind(const struct result *r, int token, enum token_kind kind);
/* The checkpoint with the parts that the changes swap; *mixed is NULL, or the caller's to free with
 * net_free. */
int changes_net(struct model *m, int checkpoint, const struct change *list, int count,
                struct net **net, struct net **mixed, struct vs_err *err);

/* ---- engine_query.c: a query up to the forward pass */
struct prepared {
    struct result *r;   /* identity, tokens, images; the taker sets it to NULL */
    struct query seen;  /* the query on photos as it sees them */
    struct inputs in;
    struct net *net, *mixed;
    struct photo *as, **list;
    double start, took; /* ms: when it began, how long until it could be computed */
};
int query_prepare(struct model *m, const struct query *q, const atomic_bool *cancel,
                  struct prepared *out, struct vs_err *err);
void prepared_fini(struct prepared *p); /* in every case */
/* The model's part, and its result: everything but ms.total. */
int query_answer(struct model *m, struct prepared *p, const atomic_bool *cancel,
                 struct vs_err *err);
/* The result from what the pass left. */
int query_read(struct model *m, struct prepared *p, const struct trace *t, struct vs_err *err);
/* The pass itself, one at a time. */
int query_forward(struct model *m, struct net *net, const struct inputs *in,
                  const struct net_want *want, struct trace **out, struct vs_err *err);
/* The same in parts of at most `room` images, or two: equal to the whole. */
int query_forward_parts(struct model *m, struct net *net, const struct inputs *in,
                        const struct net_want *want, int room, struct trace **out,
                        struct vs_err *err);
#define QUERY_ROWS 512 /* regions in a pass, about: more gain nothing on the processor */
/* A file's digest, remembered from run to run. */
int model_file_digest(struct tensorfile *f, char hex[DIGEST_HEX], struct vs_err *err);

/* ---- engine_masked.c: [MASK] in the text */

/* What a pass must give so that masked_read can read it: 0 where no words are wanted, the text has
 * no [MASK], or the checkpoint has no head for it, which the result's notice then says. */
unsigned masked_heads(const struct model *m, const struct prepared *p);
/* Fills the result's masked, after its answers. */
int masked_read(struct model *m, const struct prepared *p, const struct trace *t,
                struct vs_err *err);

/* ---- engine_detect.c: the detector itself; with forward_lock held */

/* m->detector_digest is known afterwards. */
int detect_ready(struct model *m, struct vs_err *err);
/* The regions of a picture, or of the boxes that it has; the caller's, in picture->regions. */
int detect_run(struct model *m, struct detector_picture *picture, const struct detector_want *want,
               struct vs_err *err);

/* ---- engine_remote.c: a model that a server has open */

int remote_parts(struct model *m, const struct model_options *o, struct vs_err *err);
/* Where the path of a small file is in p. */
char **remote_part_path(struct parts *p, enum remote_part part);
/* Fails for a server's model: its files are not here. what: "comparing weights". */
int model_check_files(const struct model *m, const char *what, struct vs_err *err);

/* ---- engine_reading.c */

/* The list of a head's answers, or NULL. */
const struct labels *model_answer_list(const struct model *m, unsigned head);
/* Make answers or boxes of the trace, by the task's reading. */
int reading_make(const struct model *m, const struct query *q, const struct trace *t,
                 struct result *r, struct vs_err *err);

#endif
