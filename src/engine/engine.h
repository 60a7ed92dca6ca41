/* SPDX-License-Identifier: MIT */
/* The engine: opened models, photos, caches and the worker thread. The screen never computes: it
 * posts queries and receives events. The command line runs the same code synchronously. */
#ifndef VS_ENGINE_H
#define VS_ENGINE_H

#include "src/base/err.h"
#include "src/formats/image.h"
#include "src/formats/regions.h"
#include "src/task/result.h"

#include <stdbool.h>

/* Where the parts of a model are; every field may be NULL. A model directory's model.json gives
 * what the options leave out (vilscope-model(5)). */
struct model_options {
    const char *dir;
    const char *const *checkpoints; /* NULL-terminated */
    const char *const *names; /* of the checkpoints, beside them; NULL, or NULL in it: by file */
    const char *weights; /* the set of each file that has several, e.g. "ema" (tensorfile.h) */
    const char *config, *vocab, *labels_vqa, *labels_gqa, *classes;
    const char *detector, *detector_arch; /* arch NULL: the reference's ResNeXt-152 */
    const char *device; /* NULL: auto */
    int precision;      /* of KERN_PRECISION_NAMES */
    int threads;        /* 0: all */
    const char *connect; /* a server that has it open (src/remote/channel.h), or NULL: then of the
                            rest only names of its checkpoints may be given */
};

struct model; /* a configuration, vocabulary, labels and one or more checkpoints */

int model_open(const struct model_options *o, struct model **out, struct vs_err *err);
void model_free(struct model *m);
const char *model_name(const struct model *m);
/* What its model.json says about it in a sentence, to be said with its answers; or NULL. */
const char *model_about(const struct model *m);
const char *model_device(const struct model *m);
/* The precision that was asked for, of KERN_PRECISION_NAMES; 0 at a server. */
int model_precision(const struct model *m);
/* How far checkpoint i's outputs are off in a precision, as convert has measured: JSON
 * (output_errors_json) owned by the caller, or NULL: its file does not say. */
char *model_precision_errors(const struct model *m, int i);
/* What is unusual about it (kern_note); empty at a server. */
void model_device_note(const struct model *m, char *out, size_t size);
/* The address of the server that computes, or NULL. */
const char *model_server(const struct model *m);
/* What auto asks that a GPU has free for it, in bytes: the first checkpoint's weights as float32, a
 * pass; and for a detector, which opens when an image needs it, about the size of its file and what
 * a picture takes, or 0. At a server all are 0. */
struct model_room {
    size_t weights, pass, detector, picture;
};
void model_room(const struct model *m, struct model_room *out);
/* Bytes of the GPU's memory in use and at most; 0 on the processor, and at a server. */
void model_memory(const struct model *m, size_t *used, size_t *limit);
/* report(arg, done, all) in bytes while weights are copied to a GPU, from the computing thread. */
void model_watch(struct model *m, void (*report)(void *arg, size_t done, size_t all), void *arg);
int model_checkpoint_count(const struct model *m); /* 0 of NULL: no model is open */
const char *model_checkpoint_name(const struct model *m, int i);
const char *model_checkpoint_path(const struct model *m, int i);
/* Opens one more checkpoint and returns its number, or an error; name NULL: by its file, told apart
 * from others of that name. Other threads may go on reading names meanwhile and see the new one
 * when the count has grown; one thread adds at a time. */
#define MODEL_CHECKPOINTS 1024 /* most */
int model_add_checkpoint(struct model *m, const char *path, const char *name, struct vs_err *err);
/* What the first checkpoint is one of: its maps, parts and outputs. Without a model, NULL, the
 * first family of all. */
const struct family *model_family(const struct model *m);
const struct family *model_checkpoint_family(const struct model *m, int i);
/* Of a checkpoint, which may have a configuration of its own. */
const struct net_sizes *model_checkpoint_sizes(const struct model *m, int i);
/* The number of the checkpoint that gave a result; 0 when it is not open any more. */
int model_checkpoint_of(const struct model *m, const struct result *r);
/* The file of suggested queries (a data set, vilscope-data(5)), or NULL. */
const char *model_queries(const struct model *m);
struct regions;
/* The name of class `number` of these regions; NULL without a list, or with one that is too short
 * for their classes: then its names are those of another detector. */
const char *model_class_name(const struct model *m, const struct regions *g, int number);
/* The same of class i of the n that the masked-region head knows; the background comes first where
 * there is one more than names. */
const char *model_target_name(const struct model *m, int i, int n);
/* Whether the answers that a task's head has are those of the model's label list: there is one, of
 * as many. Other tasks are fine. */
int model_check_labels(const struct model *m, int checkpoint, const struct task *task,
                       struct vs_err *err);

/* How many answers the head of a checkpoint has (HEAD_VQA, HEAD_GQA); 0: it lacks the head. */
int model_answers(const struct model *m, int checkpoint, enum net_head head);
/* Numbers of a region that the model reads, by the configuration of all. */
int model_features(const struct model *m);

/* Whether a checkpoint has no head for the task; why: what it lacks, as text of size bytes. */
bool model_lacks_head(const struct model *m, int checkpoint, const struct task *task, char *why,
                      size_t size);
/* 0 when it has one; what it lacks else. */
int model_check_task(const struct model *m, int checkpoint, const struct task *task,
                     struct vs_err *err);
/* The same of interventions, as far as they hang on the checkpoint alone: heads and layers that
 * there are, weights that can be taken from another. */
struct change;
int model_check_changes(struct model *m, int checkpoint, const struct change *list, int count,
                        struct vs_err *err);

/* An image with its regions. image may be missing when only regions are known (command line). */
struct photo {
    char *path;
    struct image *image;
    enum region_origin regions_origin;
    char *regions_path;      /* in words, unless it is a file's */
    char *regions_key;       /* the entry of that file that was asked for, or NULL */
    struct regions *regions; /* NULL until known */
    char *candidates_path;
    struct regions *candidates; /* boxes to choose from (Visual7W, GuessWhat), or NULL */
    struct regions *pooled;     /* of the user's boxes that a query had last; the worker's */
    bool measured;              /* by photo_measure: */
    float distance;             /* from what the model was trained on; above 1: far, negative:
                                   not known */
};
struct photo_options {
    const char *regions; /* NULL: a .npy of the same name beside the image, if there is one */
    const char *key;     /* as in regions_open; NULL: the image's file name without its ending, or
                            the number it ends with, is looked for in LMDB and TSV */
    bool upright;        /* turn the picture as its EXIF orientation says; the reference does not */
};
/* Whether the features of its regions and candidates have as many numbers as a checkpoint of the
 * model reads: to be asked before anything is computed. */
int model_check_photo(const struct model *m, const struct photo *p, struct vs_err *err);
/* Without regions they stay NULL until the detector finds them. */
int photo_open(const char *path, const struct photo_options *o, struct photo **out,
               struct vs_err *err);
/* ---- regions from the picture itself */

/* Whether the model names a detector (its weights are opened when first needed). */
bool model_has_detector(const struct model *m);
struct detect_progress {
    char stage[32];
    double share, left_ms; /* of the work; an estimate, negative when unknown */
};
/* Called from the detecting thread. */
typedef void detect_report(void *arg, const struct detect_progress *p);
/* Finds the photo's regions unless it has some: from the cache, by the digests of image and
 * detector, else with the detector. cancel and report may be NULL. */
int photo_detect(struct model *m, struct photo *p, const atomic_bool *cancel,
                 detect_report *report, void *arg, struct vs_err *err);
/* p->distance, once, from the pixels; by the thread that runs queries. */
void photo_measure(const struct model *m, struct photo *p);
/* Boxes of the user, in pixels of the picture: Visual7W and GuessWhat choose from them, other tasks
 * have them instead of the detected regions. */
struct box_list {
    float *boxes; /* (count, 4) x1 y1 x2 y2 */
    int count;
};
/* A copy whose boxes the caller frees: NULL when there are none. */
struct box_list box_list_copy(const struct box_list *l);
/* p->pooled = features of exactly these boxes, as the reference has for ground-truth boxes. */
int photo_pool_boxes(struct model *m, struct photo *p, const struct box_list *boxes,
                     const atomic_bool *cancel, detect_report *report, void *arg,
                     struct vs_err *err);
/* The regions of a photo, or NULL while they are unknown; for threads other than the worker. */
const struct regions *photo_regions(const struct photo *p);

/* Candidate boxes with their features, as the reference extracts them for ground-truth boxes:
 * the model reads them after the detected regions and the answer is one of them. */
int photo_set_candidates(struct photo *p, const char *path, const char *key, struct vs_err *err);
void photo_free(struct photo *p);

struct change;
struct query {
    const struct task *task;
    const char *text;
    int checkpoint;
    const int *also;             /* further checkpoints that are asked the same, or NULL */
    int also_count;              /* (query_run answers for `checkpoint` only) */
    int photo_count;
    struct photo *const *photos; /* borrowed */
    const struct box_list *boxes; /* (photo_count) of the user, or NULL */
    bool attention;              /* keep the maps in the result's trace */
    bool hidden;                 /* and the states after every layer */
    bool others;                 /* and what all other heads say */
    bool outputs;                /* and every output that the model has */
    bool masked;                 /* and the words that fit where the text has [MASK]; query_run
                                    only */
    const struct change *changes; /* interventions, borrowed */
    int change_count;
    detect_report *report; /* progress of a detection that the query needs, or NULL */
    void *report_arg;
    bool pair_separate; /* NLVR2: each image keeps its own rows. By default rows are laid out as
                           the reference's data set does, which mixes images that have fewer
                           regions than the model's maximum. */
    /* For data sets: */
    bool verbatim; /* the text is what the model reads, without a template, and may be empty; the
                      photos' candidates are read whatever the task */
    bool raw;      /* nothing is ranked: the head's numbers are result.raw */
    bool padding;  /* padding up to the task's number of rows is computed, too */
};

/* Run a query now, in this thread. cancel may be NULL. */
int query_run(struct model *m, const struct query *q, const atomic_bool *cancel,
              struct result **out, struct vs_err *err);

/* Several queries in one pass, if they are of one task and checkpoint, want no maps, states, other
 * heads and boxes, and have no changes of weights, and of heads only in an array of changes that
 * all share; else one after the other. Answers equal those of query_run; ms.forward is a query's
 * share. out (count) is the caller's; after a failure there is none. */
int query_run_all(struct model *m, const struct query *list, int count, const atomic_bool *cancel,
                  struct result **out, struct vs_err *err);
/* How many queries of this task, with so many images each, to run at once. */
int query_room(const struct model *m, int checkpoint, const struct task *task, int images);

/* What another head (of enum net_head: VQA, GQA, ALIGN, BINARY, TRI) says in the same pass,
 * ranked; the result must have been asked for with query.others. False when there is none. The
 * caller frees *out with result_answers_free. */
bool model_read_head(const struct model *m, const struct result *r, unsigned head,
                     struct result_answer **out, int *count);

/* The digest of a 1 GB checkpoint takes a moment the first time, later it is remembered
 * between runs. So results come with an empty checkpoint_digest; model_complete_ready starts the
 * work in the background and says whether it is done, model_complete waits and fills it in. */
bool model_complete_ready(struct model *m, const struct result *r);
void model_complete(struct model *m, struct result *r);
/* Checkpoint i's digest, computed when it is not known. */
void model_checkpoint_digest(struct model *m, int i, char hex[DIGEST_HEX]);

/* ---- the worker: one thread that runs queries in the order posted; a new query replaces one that
 * waits. The worker copies the query; photos and model must outlive it (or engine_wait_idle). */
enum event_kind { EVENT_STARTED, EVENT_RESULT, EVENT_REGIONS, EVENT_DONE, EVENT_ERROR };
struct event {
    enum event_kind kind;
    int query;             /* number returned by engine_post or engine_call; 0: about a photo */
    int checkpoint;        /* EVENT_RESULT: whose answer; its EVENT_ERROR too */
    int left;              /* EVENT_RESULT, EVENT_ERROR: further ones of this query are to come */
    void *arg;             /* of engine_call: EVENT_DONE, and its EVENT_ERROR */
    void (*drop)(void *arg); /* how to free it */
    struct photo *photo;   /* EVENT_REGIONS and its EVENT_ERROR */
    struct result *result; /* EVENT_RESULT: now the receiver's */
    struct vs_err error;   /* EVENT_ERROR */
};
struct engine;
int engine_new(struct model *m, struct engine **out, struct vs_err *err);
void engine_free(struct engine *e); /* cancels and joins */
int engine_post(struct engine *e, const struct query *q); /* its number, from 1 */
/* Other work, in turn after the waiting query: run gets arg in the worker's thread, then comes
 * EVENT_DONE, or EVENT_ERROR with what run failed with (also when it was cancelled while waiting).
 * arg is the receiver's again with that event; engine_free gives those that wait to `drop`. */
typedef int engine_work(struct model *m, void *arg, const atomic_bool *cancel, struct vs_err *err);
int engine_call(struct engine *e, engine_work *run, void (*drop)(void *arg), void *arg);
/* Finds the regions of a photo in the background, before queries; EVENT_REGIONS or EVENT_ERROR with
 * the photo. A query on a photo that is being detected waits its turn. */
void engine_detect(struct engine *e, struct photo *p);
/* What the running detection is at; false when none runs. */
bool engine_progress(struct engine *e, struct detect_progress *out);
void engine_cancel(struct engine *e);
void engine_wait_idle(struct engine *e);
bool engine_poll(struct engine *e, struct event *out); /* false: nothing happened */
int engine_fd(const struct engine *e); /* readable when an event waits */

#endif
