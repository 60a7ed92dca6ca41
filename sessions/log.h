/* The log: one SQLite database of sessions, checkpoints, images, queries and results. The only
 * folder that includes sqlite3.h. Schema: vilscope-sessions(5). */
#ifndef VS_LOG_H
#define VS_LOG_H

#include "src/err.h"
#include "src/result.h"

#include <stdbool.h>
#include <stdint.h>

struct log;

/* $VILSCOPE_LOG, else $XDG_DATA_HOME/vilscope/log.db, else ~/.local/share/vilscope/log.db.
 * Caller frees; NULL with err when there is no home. */
char *log_default_path(struct vs_err *err);
/* Opens or creates (folders too), migrates forward. read_only: never creates or changes. */
int log_open(const char *path, bool read_only, struct log **out, struct vs_err *err);
void log_close(struct log *l);
const char *log_path(const struct log *l);
int log_schema_version(void);

/* A session is one run of the program. note may be NULL. Sets *session. */
int log_begin_session(struct log *l, const char *note, int64_t *session, struct vs_err *err);
int log_end_session(struct log *l, int64_t session, struct vs_err *err);
/* One transaction; sets r->log_id. When it returns 0 the query is on the disk. */
int log_result(struct log *l, int64_t session, struct result *r, struct vs_err *err);

/* What a checkpoint scored on a data set, for one task. Strings may be NULL but the digests. */
struct log_evaluation {
    const struct task *task;
    const char *model, *checkpoint_name, *checkpoint_path, *data_path, *data_digest;
    char checkpoint_digest[DIGEST_HEX];
    int items;
    double score, low, high, baseline; /* shares; low and high: a 95 % interval */
};
int log_evaluation(struct log *l, int64_t session, const struct log_evaluation *e,
                   struct vs_err *err);

/* ---- reading */
struct log_session {
    int64_t id;
    char started[32], ended[32]; /* UTC, ISO 8601; "" while open or after a crash */
    char *note;
    int query_count;
};
struct log_query {
    int64_t id, session;
    char when[32];
    char *task, *text, *answer /* the best answer or box in words */, *checkpoint, *image;
    double score;                /* its probability */
    const char *score_name;      /* what the number is: "softmax", "sigmoid", "logit" */
    double total_ms;
};
/* newest first; *out is an array that the caller frees with the matching free function. */
int log_list_sessions(struct log *l, int limit, struct log_session **out, int *count,
                      struct vs_err *err);
void log_sessions_free(struct log_session *s, int count);
/* session 0: of all; match: NULL or a substring of text, answer or task. */
int log_list_queries(struct log *l, int64_t session, const char *match, int limit,
                     struct log_query **out, int *count, struct vs_err *err);
void log_queries_free(struct log_query *q, int count);
/* The JSON of one query as logged (same fields as result_json). Caller frees *json. */
int log_query_json(struct log *l, int64_t id, char **json, struct vs_err *err);

#endif
