/* SPDX-License-Identifier: MIT */
/* What the region readers share. */
#ifndef VS_REGIONS_PRIV_H
#define VS_REGIONS_PRIV_H

#include "src/formats/pickle.h"
#include "src/formats/regions.h"

#define REGIONS_MAX 100000  /* rows of one image */
#define REGIONS_MAX_DIM 65536
#define REGIONS_ADDED "image_padding" /* boxes_added() in our files, where it is not 0 */

/* From the pickled dictionary of a .npy or of an LMDB value. */
int regions_from_dict(const struct pval *dict, const char *path, struct regions **out,
                      struct vs_err *err);
/* Width, height, boxes and features must make sense; may change boxes and set the note; sets the
 * digest. added: boxes_added() of them, as the file says; 0 where it does not. */
int regions_check(struct regions *r, int added, const char *path, struct vs_err *err);
/* rc, or the error that the file changed while it was read: then *out, if there, is freed. */
int regions_still_sound(const struct bytes *map, int rc, struct regions **out, struct vs_err *err);
/* Only that they can be computed with: a size, a region, finite numbers. Boxes stay as they are. */
int regions_check_numbers(struct regions *r, const char *path, struct vs_err *err);
/* classes and conf from (N, columns) probabilities, of which those before first are left out. */
void regions_set_classes(struct regions *r, const float *prob, int columns, int first);

/* Some keys of a file, for messages. */
struct some_keys {
    char text[200];
    char only[256];
    int count;
};
void regions_note_key(struct some_keys *s, const char *key, size_t len);
/* That there is no image of that key, or, without a key, that one is to be chosen. */
int regions_no_key(const char *path, const char *key, const struct some_keys *s,
                   struct vs_err *err);

/* What inspect shows of a file. */
enum region_shows {
    SHOWS_REGIONS,  /* the regions of one image, by its key where there are several */
    SHOWS_ARRAY,    /* those, or an array of anything else */
    SHOWS_TENSORS,  /* the tensors, as of any checkpoint */
    SHOWS_DATABASE, /* the images of an LMDB */
    SHOWS_LINES     /* the images of a table, each a line; a vocabulary looks like one */
};

/* One way to store regions: a row of the table in regions.c, which all that reads or names formats
 * goes by. map is NULL of a folder. */
struct region_format {
    const char *name;  /* "npz" */
    const char *which; /* as messages list what can be read */
    enum region_shows shows;
    bool (*is)(const char *path, const struct bytes *map);
    /* May take over the map, which it then clears. */
    int (*read)(const char *path, struct bytes *map, const char *key, struct regions **out,
                struct vs_err *err);
    /* All images, in its order (regions_each); NULL: it holds one, without a key. */
    int (*each)(const char *path, const struct bytes *map, const struct region_sink *sink,
                struct vs_err *err);
};
/* By content; NULL for what has none of them. */
const struct region_format *regions_format(const char *path, const struct bytes *map);

/* A pickled dictionary of one image, or of several by their keys; also PyTorch's. why, which may be
 * NULL: what is wrong with a file that cannot be read at all. */
bool regions_are_pickled(const struct bytes *map, struct vs_err *why);
int regions_from_pickle(const struct bytes *map, const char *key, struct regions **out,
                        struct vs_err *err);
int regions_each_pickled(const struct bytes *map, const struct region_sink *sink,
                         struct vs_err *err);
bool regions_are_json(const struct bytes *map);
int regions_from_json(const struct bytes *map, const char *key, struct regions **out,
                      struct vs_err *err);
int regions_each_json(const struct bytes *map, const struct region_sink *sink, struct vs_err *err);
int regions_from_safetensors(const char *path, struct regions **out, struct vs_err *err);
int regions_from_npy(struct bytes map, struct regions **out, struct vs_err *err);
/* A zip archive of .npy files, or one that is damaged. */
bool npz_recognise(const struct bytes *map);
int regions_from_npz(const struct bytes *map, struct regions **out, struct vs_err *err);
/* Whether the boxes of NAME.npy are beside it in NAME_info.npy. */
bool regions_are_pair(const char *path);
int regions_from_lmdb(const char *path, const char *key, struct regions **out, struct vs_err *err);
int regions_from_tsv(const struct bytes *map, const char *key, struct regions **out,
                     struct vs_err *err);
int regions_each_lmdb(const char *path, const struct region_sink *sink, struct vs_err *err);
int regions_each_tsv(const struct bytes *map, const struct region_sink *sink, struct vs_err *err);
/* Of its first line: 0, bottom-up-attention's columns, 1, LXMERT's, -1, neither. */
int tsv_layout(const struct bytes *map);
/* Visits every line of a TSV file: its image id, and where it is; false stops. */
struct tsv_place {
    size_t at; /* byte */
    long line;
};
typedef bool tsv_visit(void *arg, const char *id, size_t len, struct tsv_place at);
void tsv_each(const struct bytes *map, tsv_visit *visit, void *arg);
int regions_from_tsv_line(const struct bytes *map, struct tsv_place at, struct regions **out,
                          struct vs_err *err);
/* The error that a file is none of the formats, as what it is. */
int regions_refuse(const struct bytes *map, struct vs_err *err);

#endif
