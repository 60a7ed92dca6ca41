/* SPDX-License-Identifier: MIT */
/* What vilscope relevance reads and writes. */
#ifndef VS_CMD_RELEVANCE_H
#define VS_CMD_RELEVANCE_H

#include "src/model/trace.h"

/* ---- targets */

struct named_target {
    char *name;
    struct net_target target;
    struct net_term *terms; /* the target's */
};

struct target_file {
    struct named_target *list;
    int count, ig_steps;
};

/* Says what is wrong with which target. *out is to be freed in any case. */
int targets_read(const char *path, struct target_file *out, struct vs_err *err);
void targets_fini(struct target_file *f);

/* A target of a recorded pass, and its gradients. */
struct subject {
    struct net *net;
    const struct net_input *in;
    const struct named_target *of;
    const struct trace *pass, *grad;
    const struct trace *whole; /* grad with what rows of padding have, where they are read */
    int ig_steps;
};

/* ---- tensors */

struct dump;
struct dump *dump_new(void);
void dump_free(struct dump *d);
int dump_target(struct dump *d, const struct subject *s, struct vs_err *err);
int dump_write(const struct dump *d, const char *path, struct vs_err *err);

/* ---- deletion and insertion */

struct curves;
struct curves *curves_new(void);
void curves_free(struct curves *c);
int curves_target(struct curves *c, const struct subject *s, struct vs_err *err);
int curves_write(const struct curves *c, const char *path, struct vs_err *err);

#endif
