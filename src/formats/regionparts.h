/* SPDX-License-Identifier: MIT */
/* Regions from the arrays that a file has of them, whatever the file is. */
#ifndef VS_REGIONPARTS_H
#define VS_REGIONPARTS_H

#include "src/formats/regions_priv.h"
#include "src/formats/tensorfile_priv.h"

#define PARTS_OWNED 6

struct region_parts {
    const char *path;        /* for messages */
    struct tensor features;  /* rows of features; ndim -1: there are none */
    struct tensor boxes;     /* as many rows of four numbers; ndim -1: none */
    struct tensor prob;      /* of all classes, optional: data NULL without */
    struct tensor objects;   /* class numbers, optional */
    struct tensor conf;      /* their probabilities, optional */
    int64_t rows;            /* only the first ones are regions; -1: all are */
    int64_t width, height;   /* of the picture; -1: the file does not say */
    int64_t added;           /* of boxes_added(); -1: the file does not say */
    torch_resolve *resolve;  /* of a PyTorch file: its tensors, with resolve_arg; else NULL */
    void *resolve_arg;
    bool as_is;              /* boxes count as they are, whatever they are */
    char *id;
    void *owned[PARTS_OWNED]; /* what was decoded for them */
    int owned_count;
};

/* What extractors call each of them; with a NULL behind the last. */
extern const char *const parts_features[], *const parts_boxes[], *const parts_prob[],
    *const parts_objects[], *const parts_conf[], *const parts_width[], *const parts_height[],
    *const parts_rows[];
/* Whether a dictionary has features and boxes under any of their names. */
bool parts_are_in(const struct pval *dict);

void parts_begin(struct region_parts *p, const char *path);
void parts_end(struct region_parts *p);
/* A whole number of a dictionary, also written in digits. */
bool parts_number(const struct pval *v, int64_t *out);
/* Takes what dict has: width, height, id, classes; boxes and features under any of their names,
 * where p has none. Arrays, or base64 of them with num_boxes rows. */
int parts_add_dict(struct region_parts *p, const struct pval *dict, struct vs_err *err);
/* Checks everything and makes the regions. */
int parts_make(struct region_parts *p, struct regions **out, struct vs_err *err);

#endif
