/* SPDX-License-Identifier: MIT */
/* Regions of one image: boxes, features and what the detector thought of them.
 *
 * Read from the formats that regions.c lists, and made by the detector. */
#ifndef VS_REGIONS_H
#define VS_REGIONS_H

#include "src/base/err.h"
#include "src/formats/bytes.h"

#include <stdbool.h>
#include <stdint.h>

struct regions {
    int count;         /* number of regions N, without the whole-image region */
    int dim;           /* numbers per feature, 2048 for the published model */
    int width, height; /* of the image in pixels, as the file says */
    float *boxes;      /* (N, 4) x1 y1 x2 y2 in pixels */
    float *features;   /* (N, dim) */
    int *classes;      /* (N) object class, or NULL */
    float *conf;       /* (N) probability of that class, or NULL */
    float *prob;       /* (N, prob_columns) of all classes, the background first, or NULL: only
                          from the detector, when asked for */
    int prob_columns;
    int num_boxes; /* how many of them a class kept; the reference reports it, nothing uses it */
    char *image_id;    /* may be NULL */
    char *note;        /* what is odd about the boxes, or was put right; NULL: nothing */
    char digest[DIGEST_HEX]; /* of boxes and features */
};

/* Regions are also read from and written to safetensors: boxes, features, and perhaps classes, conf
 * and size (width, height). */
int regions_write_safetensors(const char *path, const struct regions *r, struct vs_err *err);
/* The .npy that the reference's extraction script writes. */
int regions_write_npy(const char *path, const struct regions *r, struct vs_err *err);
/* MMF's two files of an image: STEM.npy has the features, STEM_info.npy the rest; num_boxes is
 * their number there. */
int regions_write_pair(const char *stem, const struct regions *r, struct vs_err *err);
/* A value of its LMDB, to be freed with free(). */
void *regions_lmdb_value(const struct regions *r, size_t *size);

/* Read the regions of one image from path (format detected). key chooses the entry of an LMDB or
 * TSV file; NULL takes the only one, or fails listing some keys. */
int regions_open(const char *path, const char *key, struct regions **out, struct vs_err *err);
/* What an image is called by its file: the name without folder and ending ("a.b" of x/a.b.npy). The
 * caller frees it. */
char *regions_stem(const char *path);
/* NAME.npy for MMF's NAME_info.npy where it is there, too; else NULL. The caller frees it. */
char *regions_of_info(const char *path);
/* Where the images of a file go, one after the other. */
struct region_sink {
    /* Whether the image of this key is to be read. */
    bool (*want)(void *arg, const char *key);
    /* r is the callee's; NULL: it could not be read, why says so. Not 0 ends it with err. */
    int (*take)(void *arg, const char *key, struct regions *r, const struct vs_err *why,
                struct vs_err *err);
    void *arg;
};
/* All images of a file, in its order; one of a file that has no keys is called by the file's name
 * without its ending. What one entry lacks is told to the sink, the others follow; fails where the
 * file as a whole cannot be read. */
int regions_each(const char *path, const struct region_sink *sink, struct vs_err *err);
/* Whether keys choose among entries of the file (LMDB, TSV, pickles); also true when it cannot be
 * read, which regions_open explains. */
bool regions_keyed(const char *path);
/* Whether a file begins as the TSV of bottom-up-attention or of LXMERT: whole numbers in the
 * columns where those have width, height and num_boxes. */
bool regions_are_tsv(const struct bytes *map);
/* An empty set to be filled by the caller; arrays are allocated, zeroed. NULL: err, whose text
 * begins with `where`, says whether that is too large or there is no memory. */
struct regions *regions_new(int64_t count, int64_t dim, const char *where, struct vs_err *err);
void regions_free(struct regions *r);
/* The largest class number of its regions, -1 without classes. */
int regions_most_class(const struct regions *r);
/* Sets r->digest from the content. */
void regions_seal(struct regions *r);

/* What the model reads: row 0 the whole image (mean feature, box 0 0 1 1, area 1), then the
 * regions. features (N+1, dim), spatials (N+1, 5): x1/w y1/h x2/w y2/h area share. The caller
 * provides both arrays. Source: vilbert/datasets/_image_features_reader.py of the reference. */
void regions_model_input(const struct regions *r, float *features, float *spatials);

#endif
