/* SPDX-License-Identifier: MIT */
/* A back end on a GPU: its memory, its weights, and what it has been asked to do. The calls to CUDA
 * go through a table (api.h), so that all of this runs in tests without a GPU. */
#ifndef VS_GPU_H
#define VS_GPU_H

#include "kernels/cuda/api.h"
#include "kernels/kern_priv.h"

/* Opens k's device. spec: "cuda[:N][,tf32|bf16|half][,memory=MB][,sync]". k->ops, k->gpu and
 * k->text are set. Returns 0, or -1 with one line in why and nothing open. */
int gpu_open(struct kern *k, const struct cuda_api *api, const char *spec, char *why,
             size_t why_size);
void gpu_close(struct gpu *g);
/* word: as in a spec, one of those above. Returns 0, or -1 with one line in why. */
int gpu_set_precision(struct kern *k, const char *word, char *why, size_t why_size);
/* gpu_open of the GPU with the most free memory, of those that have so many bytes; k->note says why
 * it is that one. In why: what is wrong with each, in the order in which they were tried. */
int gpu_open_best(struct kern *k, const struct cuda_api *api, size_t bytes, char *why,
                  size_t why_size);
/* api->info with the free memory that the driver's monitor tells, where the module does not. */
int gpu_info(const struct cuda_api *api, int device, struct cuda_info *out);

/* The table of the module, loaded on first use; NULL with the reason in why, and in *absent, where
 * absent is not NULL, whether it is that there is no GPU at all. */
const struct cuda_api *gpu_module(bool *absent, char *why, size_t why_size);
/* Back ends over another table, for tests: its best device for so many bytes, or the one that spec
 * names. Closed with kern_close. */
int gpu_kern_best(const struct cuda_api *api, size_t bytes, struct kern **out, char *why,
                  size_t why_size);
int gpu_kern(const struct cuda_api *api, const char *spec, struct kern **out, char *why,
             size_t why_size);
/* Device i in a line; false when there are not so many. */
bool gpu_list(int i, struct kern_device *out);
/* Device i of a table, which is one of its devices. */
void gpu_list_device(const struct cuda_api *api, int i, struct kern_device *out);

extern const struct kern_ops gpu_ops;

/* The memory functions of kern.h. */
float *gpu_memory(struct gpu *g, size_t floats);
void gpu_clear(struct gpu *g, float *p, size_t floats);
void gpu_memory_free(struct gpu *g, void *p);
float *gpu_stage(struct gpu *g, size_t n);
int gpu_put(struct gpu *g, float *dst, const float *src, size_t n);
const float *gpu_view(struct gpu *g, const float *src, size_t n);
int gpu_finish(struct gpu *g, char *why, size_t why_size);
void gpu_begin(struct gpu *g);
void gpu_end(struct gpu *g);
void gpu_used(struct gpu *g, size_t *used, size_t *limit);
/* Appends what is unusual to out, which holds a text: see kern_note. */
void gpu_note(struct gpu *g, char *out, size_t size);
void gpu_watch(struct gpu *g, void (*progress)(void *arg, size_t done, size_t all), void *arg);

struct kern_set *gpu_set_new(struct gpu *g, size_t bytes);
void gpu_set_free(struct gpu *g, struct kern_set *s);
void gpu_use(struct gpu *g, struct kern_set *s);
/* Where these weights are on the device; sends them first when they are not there. NULL: noted. */
const float *gpu_weights(struct gpu *g, const void *host, size_t bytes);

size_t gpu_conv_size(int cout, int cin, int kh, int kw, int groups);
void gpu_conv_pack(const void *weights, int cout, int cin, int kh, int kw, int groups,
                   const float *scale, float *out);

/* What a benchmark and tests look at. */
struct gpu_stats {
    size_t used, peak, limit, weights; /* bytes */
    int graphs, captures, replays, uploads, evictions, shared;
    int calls, depth; /* of the graph made last: launches and products, the longest chain of them */
};
void gpu_stats(const struct gpu *g, struct gpu_stats *out);
/* Milliseconds on the device since it was opened. */
double gpu_milliseconds(struct gpu *g);

#endif
