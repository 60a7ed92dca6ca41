/* SPDX-License-Identifier: MIT */
/* What the methods of attribution are given, and several of them on one query. */
#ifndef VS_ATTRIBUTION_PRIV_H
#define VS_ATTRIBUTION_PRIV_H

#include "src/engine/engine_priv.h"
#include "src/study/attribution.h"
#include "src/study/gradients.h"
#include "src/study/removal.h"

/* A query and its target, prepared for any number of methods. */
struct attribution_subject {
    struct model *m;
    struct prepared p;
    struct net_term terms[2];
    struct net_target target; /* in p.in */
    struct net_input in;      /* the target's images alone */
    struct net_target alone;  /* the target among them */
    const atomic_bool *cancel;
};
/* attribution_close in every case. */
int attribution_open(struct model *m, const struct query *q, int choice, int against,
                     const atomic_bool *cancel, struct attribution_subject *out,
                     struct vs_err *err);
void attribution_close(struct attribution_subject *s);
struct attributing;
/* What a method is given. */
struct attributing attribution_given(const struct attribution_subject *s, struct attribution *out);
/* One method. The caller frees out with attribution_fini. */
int attribution_of(struct attribution_subject *s, const struct attribution_method *method,
                   const struct attribution_how *how, struct attribution *out, struct vs_err *err);

/* A method under way. */
struct attributing {
    struct net *net;
    struct net_input in; /* the target's images alone */
    struct net_target target;
    const struct net_silence *silences; /* (silence_count) of the query */
    int silence_count;
    int32_t mask_token;   /* its id, -1: the vocabulary has none */
    const atomic_bool *cancel;
    struct attribution *out; /* arrays of zeros */
};

/* ---- attribution.c: passes, which set a->out->value */
int attribution_pass(struct attributing *a, bool attention, struct trace **out, struct vs_err *err);
/* And back; read is called for each image of the target, with its rows of a->out. */
typedef int attribution_read(struct attributing *a, const struct explained *e, double *tokens,
                             double *regions, struct vs_err *err);
int attribution_back(struct attributing *a, const struct net_back_want *want,
                     attribution_read *read, struct vs_err *err);
/* ---- attribution_maps.c: of maps and their gradients */
int attribution_relevancy(struct attributing *a, struct vs_err *err);
int attribution_plain(struct attributing *a, struct vs_err *err);
/* ---- attribution_inputs.c: of inputs and their gradients */
int attribution_product(struct attributing *a, struct vs_err *err);
int attribution_integrated(struct attributing *a, struct vs_err *err);
int attribution_lrp(struct attributing *a, struct vs_err *err);

/* ---- attribution_attention.c: of maps alone */
int attribution_rollout(struct attributing *a, struct vs_err *err);
int attribution_attention(struct attributing *a, struct vs_err *err);
/* ---- attribution_removal.c: by leaving out, exactly */
int attribution_leave_one_out(struct attributing *a, struct vs_err *err);
/* What is left out of a, and how. */
struct removing attribution_removing(const struct attributing *a, bool tokens);
/* What leaving out each of list (count) alone takes from a->out->value, exactly; where it goes is
 * as of_tokens or of_regions, a word of a pair being its first image's. */
int attribution_leave_out(struct attributing *a, bool tokens, const struct removable *list,
                          int count, double *where, struct vs_err *err);
/* Numbers as removal_order takes them: tokens without the task's. To be freed. */
double *attribution_worths(const struct attributing *a, const struct attribution *of, bool tokens);
/* ---- attribution_patching.c: by one way back, the largest verified by leaving out */
int attribution_patching(struct attributing *a, struct vs_err *err);

#endif
