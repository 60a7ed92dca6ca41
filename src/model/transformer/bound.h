/* SPDX-License-Identifier: MIT */
/* Binding the tensors of a checkpoint to their places in a model, for all families; what of them
 * had to be copied or made. */
#ifndef VS_BOUND_H
#define VS_BOUND_H

#include "src/base/mem.h"
#include "src/formats/tensorfile.h"
#include "src/model/transformer/layer.h"

/* Weights (n, k) of a product that are float32 in the file. */
struct bound_product {
    const struct tensor *of; /* the file's */
    int n, k;
};

struct bound_copy;
struct bound_check;
struct bound_normed;

/* How many rows and columns a tensor has, 0 when it is not there. */
int bound_rows(const struct tensorfile *f, const char *tensor);
int bound_columns(const struct tensorfile *f, const char *tensor);

/* A size: what the configuration says under a key, and what the file has; 0: it does not tell. */
struct bound_size {
    const char *key;
    int said, has;
};
/* How many layers bert.encoder.LIST has. */
int bound_layers(const struct tensorfile *f, const char *list);
/* Compared before tensors are bound: a list of those that do not fit says nothing of why. `what`
 * the file is, for the message. */
int bound_check_sizes(const struct tensorfile *f, const char *what, const struct bound_size *list,
                      size_t count, struct vs_err *err);

/* What is bound of one file. */
struct bound {
    const char *path; /* of the file, borrowed */
    size_t bytes;     /* of all weights as float32 */
    unsigned heads;   /* complete ones, of enum net_head */
    void **owned;
    int owned_count;
    size_t own_bytes; /* of what is owned */
    struct bound_copy *waiting; /* copies that are still empty */
    struct kern_packed *narrow; /* weights of products in fewer bits than float32 has, or NULL */
    int waiting_count;
    bool asked_narrow;          /* products that are float32 in the file wait, too */
    const struct tensor *too_large; /* one that float16 has no room for, or NULL */
    bool no_room; /* for what was asked for */
    struct bound_check *checks;
    int check_count, check_cap;
    struct bound_normed *normed;
    int normed_count;
    struct bound_product *products; /* of the trunk */
    int product_count;
};

/* A file while it is bound. */
struct binder {
    struct bound *to;
    const struct tensorfile *f;
    struct buf missing, wrong;
    int missing_count, wrong_count, empty_count; /* empty: wrong, as there is nothing in it */
    int found_count, whole_count; /* whole: missing, as it has whole numbers */
    unsigned head; /* that is being bound; 0: the trunk */
    bool product;  /* what is bound is read by products alone */
    bool no_memory;
};

/* columns 0 for a vector; *rows -1 takes what the tensor has. NULL is noted. */
const void *bind_tensor(struct binder *b, const char *name, int64_t *rows, int64_t columns);
/* NAME.weight (n, k) and NAME.bias (n); n -1: as many rows as the file has. */
void bind_linear(struct binder *b, struct linear_w *o, int n, int k, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));
/* The same of NAME.weight_v and the number NAME.weight_g: weight = g * v / |v|, the norm of the
 * whole matrix. It is made by bound_ready, the squares summed in double (a sum in float32 is off by
 * 1e-4 for the published sizes). Source: torch.nn.utils.weight_norm with dim=None. Without them
 * NAME.weight, as bind_linear. */
void bind_normed(struct binder *b, struct linear_w *o, int n, int k, const char *name);
void bind_norm(struct binder *b, struct norm_w *o, int n, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
void bind_table(struct binder *b, const void **o, int64_t rows, int columns, const char *name);
/* A layer of one stream, bert.encoder.LIST.I. */
void bind_layer(struct binder *b, struct layer_w *l, const char *list, int i, int hidden,
                int inner);
/* one(arg) binds what a head needs; those that lack nothing are b->to->heads. */
void bind_heads(struct binder *b, void (*one)(struct binder *b, void *arg, unsigned head),
                void *arg);
/* What the trunk lacks, in one message. */
int bind_report(struct binder *b, struct vs_err *err);
void bind_fini(struct binder *b);

/* Makes ready the trunk's weights and those of these heads where the file has other numbers than
 * float32, once: what products alone read is packed in the bits that it has where the back end can
 * do that, or in those that were asked for (kern_set_precision); all else becomes float32. */
void bound_fill(struct bound *w, struct kern *k, unsigned heads);
/* The same for who reads the numbers himself, at the addresses of weights of products: models that
 * are mixed of several. All become float32, and are packed, too, if they were. */
void bound_widen(struct bound *w, struct kern *k, unsigned heads);
/* Before the weights are used: bound_fill (opening a checkpoint in half precision costs no more
 * than one in float32 until then, and a head that nobody asks costs nothing), and looks once at
 * every number of the trunk and of these heads. The first tensor with NaN or infinity is named:
 * VS_E_DIVERGED. */
int bound_ready(struct bound *w, struct kern *k, unsigned heads, struct vs_err *err);
/* Room for count numbers that w owns. */
int bound_own(struct bound *w, size_t count, float **out, struct vs_err *err);
bool bound_owns(const struct bound *w, const void *numbers);
void bound_fini(struct bound *w);

#endif
