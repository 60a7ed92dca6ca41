/* SPDX-License-Identifier: MIT */
/* The columns of the log's tables, each once: writing, reading and merging make their statements of
 * these lists, and what waits to be written is copied by them. A new column is a line here, a
 * member of the record, and a migration (schema9.c).
 *
 * A line is X(kind, column, member), where member is an expression that can also be assigned to,
 * with the record in a variable of the list's letter. Keys - whose row it is, when, where in the
 * list - stand in the statements. */
#ifndef VS_COLUMNS_H
#define VS_COLUMNS_H

#include "sessions/db.h"

/* r: struct result; written, read and merged. */
#define QUERY_COLUMNS(X)                                                                           \
    X(task, task, r->task)                                                                         \
    X(words, text, r->text)                                                                        \
    X(words, model_text, r->model_text)                                                            \
    X(bool, truncated, r->truncated)                                                               \
    X(text, model, r->model_name)                                                                  \
    X(text, checkpoint_name, r->checkpoint_name)                                                   \
    X(text, checkpoint_path, r->checkpoint_path)                                                   \
    X(text, device, r->device)                                                                     \
    X(text, notice, r->notice)                                                                     \
    X(int, answer_count, r->answer_total)                                                          \
    X(int, box_count, r->box_count)                                                                \
    X(real, entropy, r->entropy)                                                                   \
    X(real, margin, r->margin)                                                                     \
    X(blank, changes, r->changes)                                                                  \
    X(layout, layout, r->pair_separate)
/* Made of a result when it is written; merged, and never read back into one. */
#define QUERY_DERIVED(X)                                                                           \
    X(int, task_id, r->task->id)                                                                   \
    X(text, best, best)                                                                            \
    X(real, best_score, score)                                                                     \
    X(text, best_score_name, score_name)                                                           \
    X(id, seq, seq)                                                                                \
    X(id, question, question)

#define QUERY_ALL(X) QUERY_COLUMNS(X) QUERY_DERIVED(X)

/* im: struct result_image */
#define IMAGE_COLUMNS(X)                                                                           \
    X(text, path, im->path)                                                                        \
    X(int, width, im->width)                                                                       \
    X(int, height, im->height)                                                                     \
    X(text, regions_path, im->regions_path)                                                        \
    X(digest, regions_digest, im->regions_digest)                                                  \
    X(int, region_count, im->region_count)                                                         \
    X(int, candidate_count, im->candidate_count)                                                   \
    X(text, regions_key, im->regions_key)                                                          \
    X(origin, regions_origin, im->regions_origin)

/* t: struct result_token */
#define TOKEN_COLUMNS(X)                                                                           \
    X(words, piece, t->piece)                                                                      \
    X(int, token_id, t->id)                                                                        \
    X(int, first_byte, t->begin)                                                                   \
    X(int, end_byte, t->end)                                                                       \
    X(bool, special, t->special)

/* a: struct result_answer */
#define ANSWER_COLUMNS(X)                                                                          \
    X(int, label_index, a->index)                                                                  \
    X(text, label, a->label)                                                                       \
    X(float, logit, a->logit)                                                                      \
    X(float, softmax, a->softmax)                                                                  \
    X(float, sigmoid, a->sigmoid)

/* x: struct result_box */
#define BOX_COLUMNS(X)                                                                             \
    X(int, image, x->image)                                                                        \
    X(int, region, x->region)                                                                      \
    X(float, x1, x->box[0])                                                                        \
    X(float, y1, x->box[1])                                                                        \
    X(float, x2, x->box[2])                                                                        \
    X(float, y2, x->box[3])                                                                        \
    X(text, label, x->label)                                                                       \
    X(float, logit, x->logit)                                                                      \
    X(float, softmax, x->softmax)                                                                  \
    X(float, sigmoid, x->sigmoid)

/* e: struct log_evaluation */
#define EVALUATION_COLUMNS(X)                                                                      \
    X(text, model, e->model)                                                                       \
    X(text, checkpoint_name, e->checkpoint_name)                                                   \
    X(text, checkpoint_path, e->checkpoint_path)                                                   \
    X(text, data_path, e->data_path)                                                               \
    X(text, data_digest, e->data_digest)                                                           \
    X(task, task, e->task)                                                                         \
    X(int, items, e->items)                                                                        \
    X(real, score, e->score)                                                                       \
    X(real, low, e->low)                                                                           \
    X(real, high, e->high)                                                                         \
    X(real, baseline, e->baseline)                                                                 \
    X(text, split, e->split)                                                                       \
    X(bool, as_reference, e->as_reference)                                                         \
    X(int, row_count, e->row_count)                                                                \
    X(text, left_out, e->left_out)                                                                 \
    X(text, part, e->part)                                                                         \
    X(int, shard, e->shard)                                                                        \
    X(int, shards, e->shards)                                                                      \
    X(int, whole, e->whole)                                                                        \
    X(int, place, e->place)                                                                        \
    X(int, places, e->places)

/* run: struct log_probe_run */
#define PROBE_RUN_COLUMNS(X)                                                                       \
    X(text, probes_path, run->probes_path)                                                         \
    X(text, probes_digest, run->probes_digest)                                                     \
    X(text, model, run->model)                                                                     \
    X(text, checkpoint_name, run->checkpoint_name)                                                 \
    X(text, checkpoint_path, run->checkpoint_path)

/* p: struct log_probe */
#define PROBE_COLUMNS(X)                                                                           \
    X(words, probe, p->probe)                                                                      \
    X(words, task, p->task)                                                                        \
    X(text, expected, p->expected)                                                                 \
    X(outcome, outcome, p->outcome)                                                                \
    X(text, answer, p->answer)                                                                     \
    X(real, score, p->score)                                                                       \
    X(real, entropy, p->entropy)

/* d: struct difference; its row is only ever listed */
#define DIFFERENCE_COLUMNS(X)                                                                      \
    X(text, kind, d->kind)                                                                         \
    X(text, level, d->level)                                                                       \
    X(text, model, d->model)                                                                       \
    X(text, a_name, d->sides[0].name)                                                              \
    X(text, a_path, d->sides[0].path)                                                              \
    X(text, b_name, d->sides[1].name)                                                              \
    X(text, b_path, d->sides[1].path)                                                              \
    X(text, subject, d->subject)                                                                   \
    X(text, summary, d->summary)                                                                   \
    X(text, data, d->data)                                                                         \
    X(int, part_count, d->count)

/* x: struct attribution_record; its target's numbers and data stand in the statements */
#define ATTRIBUTION_COLUMNS(X)                                                                     \
    X(words, method, x->method)                                                                    \
    X(words, target, x->target)                                                                    \
    X(text, against, x->against)                                                                   \
    X(words, map, x->map)                                                                          \
    X(words, removal, x->removal)                                                                  \
    X(int, verify, x->verify)                                                                      \
    X(words, scale, x->scale)                                                                      \
    X(real, value, x->value)                                                                       \
    X(int, steps, x->steps)                                                                        \
    X(real, base, x->base)                                                                         \
    X(real, missing, x->missing)                                                                   \
    X(int, images, x->images)                                                                      \
    X(int, tokens, x->tokens)                                                                      \
    X(int, regions, x->regions)                                                                    \
    X(bool, exact, x->exact)                                                                       \
    X(text, tested, x->tested)                                                                     \
    X(digest, digest, x->digest)

/* ---- what is made of a list: names and marks for a statement, each with a comma before it */
#define COLUMN_NAME(kind, column, member) ", " #column
#define COLUMN_MARK(kind, column, member) ", ?"
/* Names of a table that a join calls q or p. */
#define COLUMN_OF_Q(kind, column, member) ", q." #column
#define COLUMN_OF_P(kind, column, member) ", p." #column
/* keys, marks: of the columns that stand before those of the list. */
#define COLUMN_INSERT(table, keys, marks, LIST)                                                    \
    "INSERT INTO " table "(" keys LIST(COLUMN_NAME) ") VALUES(" marks LIST(COLUMN_MARK) ")"

/* A row that is written, with `row` at the next parameter, or read, at the next column; good
 * becomes false where a cell cannot have been written by this program. */
struct column_row {
    sqlite3_stmt *s;
    int at;
    bool good;
};
/* A kept statement (db_ready) with its keys, which are bound by format (db_bind): what comes next
 * is put after them. */
int column_begin(struct log *l, const char *sql, struct column_row *row, struct vs_err *err,
                 const char *format, ...);
#define COLUMN_PUT(kind, column, member) column_put_##kind(&row, member);
#define COLUMN_GET(kind, column, member) COLUMN_GET_##kind(member)
#define COLUMN_GET_digest(member) column_get_digest(&row, member);
#define COLUMN_GET_text(member) member = column_get_text(&row);
#define COLUMN_GET_words(member) member = column_get_words(&row);
#define COLUMN_GET_blank(member) member = column_get_blank(&row);
#define COLUMN_GET_task(member) member = column_get_task(&row);
#define COLUMN_GET_outcome(member) member = column_get_outcome(&row);
#define COLUMN_GET_origin(member) member = column_get_origin(&row);
#define COLUMN_GET_layout(member) member = column_get_layout(&row);
#define COLUMN_GET_bool(member) member = column_get_bool(&row);
#define COLUMN_GET_int(member) member = column_get_int(&row);
#define COLUMN_GET_real(member) member = column_get_real(&row);
#define COLUMN_GET_float(member) member = (float)column_get_real(&row);

/* Statically bound: texts must live until the statement was run. */
void column_put_text(struct column_row *row, const char *text); /* NULL is NULL */
void column_put_words(struct column_row *row, const char *text); /* there has to be one */
void column_put_blank(struct column_row *row, const char *text); /* NULL is "" */
void column_put_digest(struct column_row *row, const char *digest);
void column_put_task(struct column_row *row, const struct task *task); /* its name */
void column_put_outcome(struct column_row *row, enum log_outcome outcome);
void column_put_origin(struct column_row *row, enum region_origin origin);
void column_put_layout(struct column_row *row, bool separate); /* "separate" or "" */
void column_put_bool(struct column_row *row, bool value);
void column_put_int(struct column_row *row, int value);
void column_put_id(struct column_row *row, int64_t value);
void column_put_real(struct column_row *row, double value); /* NaN is NULL */
void column_put_float(struct column_row *row, float value);

/* Texts are copies that the caller frees. */
char *column_get_text(struct column_row *row);
char *column_get_words(struct column_row *row);
char *column_get_blank(struct column_row *row);
void column_get_digest(struct column_row *row, char out[DIGEST_HEX]);
const struct task *column_get_task(struct column_row *row); /* NULL: none that is known */
enum log_outcome column_get_outcome(struct column_row *row);
enum region_origin column_get_origin(struct column_row *row);
bool column_get_layout(struct column_row *row);
bool column_get_bool(struct column_row *row);
int column_get_int(struct column_row *row); /* at least 0 */
double column_get_real(struct column_row *row);

/* ---- a copy of a record that has the texts of another one (c is both), and its end */
#define COLUMN_COPY(kind, column, member) COLUMN_COPY_##kind(member)
#define COLUMN_COPY_text(member) member = xstrdup_null(member);
#define COLUMN_COPY_words(member) member = xstrdup_null(member);
#define COLUMN_COPY_task(member)
#define COLUMN_COPY_outcome(member)
#define COLUMN_COPY_int(member)
#define COLUMN_COPY_bool(member)
#define COLUMN_COPY_real(member)
#define COLUMN_FREE(kind, column, member) COLUMN_FREE_##kind(member)
#define COLUMN_FREE_text(member) free((char *)(uintptr_t)member);
#define COLUMN_FREE_words(member) free((char *)(uintptr_t)member);
#define COLUMN_FREE_task(member)
#define COLUMN_FREE_outcome(member)
#define COLUMN_FREE_int(member)
#define COLUMN_FREE_bool(member)
#define COLUMN_FREE_real(member)

#endif
