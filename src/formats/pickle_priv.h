/* SPDX-License-Identifier: MIT */
/* The pickle machine: its stack, marks and memo, and what its opcodes are made of. */
#ifndef VS_PICKLE_PRIV_H
#define VS_PICKLE_PRIV_H

#include "src/formats/pickle.h"

struct node {
    struct pval v; /* first: a pval of ours is a node */
    size_t cap;
    uint8_t *owned; /* bytes that had to be decoded */
    struct node *next;
};

struct pickle {
    struct node *nodes;
    size_t count;
    struct pval *root;
};

struct machine {
    const uint8_t *data;
    size_t size, at, op_at;
    const char *const *allowed;
    const char *name;
    struct pickle *p;
    struct pval **stack;
    size_t depth, stack_cap;
    size_t *marks;
    size_t mark_count, mark_cap;
    struct pval **memo;
    size_t memo_count, memo_cap, ops;
    struct vs_err *err;
};

#define FAIL(m, code, ...) pickle_fail(m, code, __VA_ARGS__)
int pickle_fail(struct machine *m, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* ---- picklestack.c: values on the stack, operands, numbers, text, containers, memo. Those that
 * return int give 0, or an error. */
void *pickle_grow(void *list, size_t need, size_t *cap, size_t size);
struct pval *pickle_new_value(struct machine *m, enum pkind kind);
void pickle_add_item(struct pval *v, struct pval *item);
int pickle_push(struct machine *m, struct pval *v);
size_t pickle_stack_floor(const struct machine *m);
struct pval *pickle_pop(struct machine *m);
struct pval *pickle_top(struct machine *m);
int pickle_pop_mark(struct machine *m, size_t *from);
int pickle_push_int(struct machine *m, enum pkind kind, int64_t x);
int pickle_take_uint(struct machine *m, int bytes, uint64_t *out);
int pickle_take_line(struct machine *m, const char **line, size_t *len);
int pickle_push_bytes(struct machine *m, enum pkind kind, int length_bytes);
int pickle_op_int_line(struct machine *m, bool is_long);
int pickle_op_long(struct machine *m, int length_bytes);
int pickle_op_float(struct machine *m, bool line);
uint8_t *pickle_own_bytes(struct pval *v, size_t cap);
int pickle_op_string(struct machine *m);
int pickle_op_unicode(struct machine *m);
int pickle_gather(struct machine *m, enum pkind kind, size_t from);
int pickle_gather_mark(struct machine *m, enum pkind kind);
int pickle_op_tuple(struct machine *m, size_t n);
int pickle_extend_mark(struct machine *m, enum pkind kind);
int pickle_extend_by(struct machine *m, size_t n, enum pkind kind);
int pickle_memo_put(struct machine *m, uint64_t i);
int pickle_memo_get(struct machine *m, uint64_t i);
int pickle_memo_line(struct machine *m, int (*what)(struct machine *, uint64_t));
int pickle_memo_binary(struct machine *m, int bytes, int (*what)(struct machine *, uint64_t));

#endif
