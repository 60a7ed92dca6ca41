/* SPDX-License-Identifier: MIT */
/* Activation patching: a query, A, is run with states of the run of another one, B, in their place.
 * What of B's answer comes with them is measured on a target, a logit or the difference of two:
 * effect = patched - A, and share = effect / (B - A), so that 0 is A's answer and 1 is B's.
 *
 * Sources: J. Vig et al., Investigating Gender Bias in Language Models Using Causal Mediation
 * Analysis (NeurIPS 2020); K. Meng et al., Locating and Editing Factual Associations in GPT
 * (NeurIPS 2022); F. Zhang, N. Nanda, Towards Best Practices of Activation Patching in Language
 * Models (ICLR 2024), whose logit difference this is; the screen to first order: N. Nanda,
 * Attribution Patching (2023). */
#ifndef VS_ACTIVATION_H
#define VS_ACTIVATION_H

#include "src/engine/engine.h"
#include "src/study/removal.h"

/* Below so much difference of the target nothing is divided by it. */
#define ACTIVATION_LEAST 0.01

/* As people write and read them: "state", "attention", "feed-forward", then NULL. */
extern const char *const activation_site_names[SITE_COUNT + 1];

/* A token of A (of result.tokens) or a region of A, and of B. */
struct activation_pair {
    int a, b;
};
/* "3:4,5:6"; first is what they count from. To be freed, also after an error. */
int activation_pairs_parse(const char *text, int first, struct activation_pair **out, int *count,
                           struct vs_err *err);

/* States of a layer that are put in together: "text 3 token 4", "co 2 image region 7", "embeddings
 * text", "image 1 attention", "joint 2 feed-forward token 3". Tokens and layers count from 1. */
struct activation_spot {
    const char *text; /* borrowed, as it was read */
    enum net_site site;
    enum net_part part;
    int layer;
    enum net_stream stream; /* STREAM_COUNT: all that the part has */
    int token, region;      /* of A; -1 both: all that align */
};
int activation_spot_parse(const char *text, struct activation_spot *out, struct vs_err *err);

struct activation_how {
    enum net_site site; /* of the maps */
    /* What aligns; NULL: by position, where there are as many in both. */
    const struct activation_pair *tokens, *regions;
    int token_pairs, region_pairs;
    int verify; /* cells that are run exactly, the largest first; without a screen it is all */
    const struct activation_spot *spots; /* that are put in all at once */
    int spot_count;
    struct attribution_progress *progress; /* set by the running thread; or NULL */
};
extern const struct activation_how activation_usual;

/* A place of both inputs. */
struct activation_column {
    bool token;
    int image;              /* of a region: among the target's images */
    int a, b;               /* tokens, or rows of regions, of the model's input */
    struct result_source of[2]; /* of a region: in A, in B */
};

/* Layers by places, of one stream. Effects: NAN where they are not known. */
struct activation_map {
    enum net_stream stream;
    int depths, columns;
    struct trace_at *at;              /* (depths) in the order of the pass */
    struct activation_column *column; /* (columns) tokens, then regions */
    double *screen, *exact;           /* (depths, columns) */
};

struct activation {
    enum net_site site;
    double a, b;       /* the target in both runs */
    bool screened;     /* there was a way back; else every cell is exact */
    char unaligned[2][160]; /* why no text, no regions; "": they align */
    int map_count;
    struct activation_map maps[STREAM_COUNT];
    int verified;      /* cells that were run exactly */
    bool all;          /* all of them */
    double together;   /* effect of how's spots; NAN without any */
};

/* a and b are of one task and checkpoint; choice and against as attribution_run takes them, of A.
 * The queries' own changes hold. The caller frees out with activation_fini, also after an error. */
int activation_run(struct model *m, const struct query *a, const struct query *b, int choice,
                   int against, const struct activation_how *how, const atomic_bool *cancel,
                   struct activation *out, struct vs_err *err);
void activation_fini(struct activation *x);

/* NAN where A and B are too close. */
double activation_share(const struct activation *x, double effect);

/* A cell, for a list. */
struct activation_cell {
    const struct activation_map *map;
    int depth, column;
    double screen, exact, size;
};
/* A cell's effect: exact where all are, else to first order. */
double activation_effect(const struct activation *x, const struct activation_map *map, int at);
/* All cells of all maps, the largest by the size of that effect first. To be freed. */
struct activation_cell *activation_cells(const struct activation *x, int *count);

/* What is asked of two results where nobody said: B's best answer against A's, or where it is one
 * answer that one alone. */
void activation_choices(const struct result *a, const struct result *b, int *choice, int *against);

#endif
