/* SPDX-License-Identifier: MIT */
/* A result: what a query came to, and the identity of everything that went in. The same structure
 * is drawn, logged, exported and compared. */
#ifndef VS_RESULT_H
#define VS_RESULT_H

#include "src/formats/bytes.h"
#include "src/model/trace.h"
#include "src/task/task.h"

struct result_token {
    char *piece; /* "[CLS]", "[TASK 9]", "##ing" */
    int32_t id;  /* vocabulary id; for the task token the task id */
    int begin, end; /* bytes of result.model_text; 0,0 when added by us */
    bool special;   /* [CLS], [SEP], task token */
};

/* Whether it goes on with the word of the piece before it. */
bool result_goes_on(const struct result_token *t);
bool result_is_task_token(const struct result_token *t);

/* One ranked entry. index is the label, the class or the image (src/task/reading.h). */
struct result_answer {
    int index;
    char *label;      /* "#17" when there is no label list */
    float logit, softmax, sigmoid;
};

/* What the masked-word head says stands at a [MASK] of the text. */
struct result_masked {
    int token;  /* of the result's tokens */
    int image;  /* beside which it was read */
    int count;  /* ranked, the best first: RESULT_TOP at most */
    struct result_answer *words; /* index: the vocabulary's; label: the word piece */
};

/* One ranked box. Region 0 is the whole image. */
struct result_box {
    int image, region;
    float box[4];     /* pixels x1 y1 x2 y2 */
    char *label;      /* class name, "whole image", or NULL */
    float logit, softmax, sigmoid;
};

/* Where regions came from. The log keeps the name; boxes that a user gave are part of what was
 * asked, the others are not. */
enum region_origin { ORIGIN_FILE, ORIGIN_DETECTOR, ORIGIN_USER };
#define REGION_ORIGINS 3
extern const char *const region_origin_names[REGION_ORIGINS];

struct result_image {
    char *path;
    char digest[DIGEST_HEX];
    int width, height;
    enum region_origin regions_origin;
    char *regions_path;             /* where the regions came from, in words */
    char *regions_key;              /* the entry there that was asked for, or NULL */
    char regions_digest[DIGEST_HEX];
    int region_count;               /* without the whole image and the candidates */
    int candidate_count;            /* regions region_count+1 ... are candidates */
    float *boxes;                   /* (region_count + candidate_count, 4) pixels; NULL in a
                                       result of the log, which keeps the ranked ones only */
};

/* Which region a row of the model's input was. */
struct result_source {
    int image, region; /* region 0 is the whole image; image -1 is padding */
};

/* Milliseconds, by the stages as JSON and the log call them. */
#define RESULT_TIMES(X) X(tokenize) X(regions) X(forward) X(reading) X(total)
struct result_times {
#define RESULT_TIME(stage) double stage;
    RESULT_TIMES(RESULT_TIME)
#undef RESULT_TIME
};

struct result {
    const struct task *task;
    char *text;       /* as typed */
    char *model_text; /* after the task's template */
    char *model_name, *checkpoint_path, *checkpoint_name;
    char checkpoint_digest[DIGEST_HEX];
    char *device;
    bool truncated;      /* the text was cut to the task's length */
    bool foreign;        /* words or pictures that the model was not trained on (notice); not kept
                            by the log */
    bool matched;        /* answers' logits are differences of the two of HEAD_MATCH: sigmoid is
                            the probability that they belong; not kept by the log */
    bool pair_separate;  /* NLVR2: each image kept its own rows */
    int image_count;
    struct result_image *images;
    int token_count;
    struct result_token *tokens;
    int answer_count; /* ranked, the best first: as many as answers has */
    struct result_answer *answers;
    int answer_total; /* how many were ranked: more than answer_count where only the first were
                         kept, as in the log */
    int box_count;    /* ranked, all of them, whole image included */
    struct result_box *boxes;
    int masked_count;
    struct result_masked *masked; /* where they were asked for; not kept by the log */
    struct result_times ms;
    float *raw;       /* (raw_count) of the head, in its order, where they were asked for: classes,
                         images, or rows of the one image; then nothing is ranked */
    int raw_count;
    double entropy;   /* of the answers' or boxes' softmax, in nats */
    double margin;    /* best softmax minus second best */
    char *changes;    /* interventions in words (src/task/change.h), or NULL */
    char *notice;     /* something the user should know about the inputs, or NULL */
    struct trace *trace; /* attention maps when asked for, else NULL */
    int batch, rows;  /* of the trace: */
    struct result_source *sources; /* (batch, rows) */
    int64_t log_id;      /* row of the log, 0 when not logged */
};

/* Vocabulary answers beyond this rank are neither logged nor exported. */
#define RESULT_TOP 100
/* All of it but the trace, with the first `answers` answers at most; the caller frees it. */
struct result *result_copy(const struct result *r, int answers);
void result_free(struct result *r); /* NULL is fine */
void result_answers_free(struct result_answer *a, int count);
/* JSON with everything that the log holds; indent 0 for one line. Caller frees. */
char *result_json(const struct result *r, int indent);
/* A few lines of text: the top answers or boxes. Caller frees. */
char *result_text(const struct result *r, int top);

#endif
