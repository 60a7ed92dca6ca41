/* SPDX-License-Identifier: MIT */
/* What the files of the GPU back end share. */
#ifndef VS_GPU_PRIV_H
#define VS_GPU_PRIV_H

#include "kernels/cuda/gpu.h"

#include <pthread.h>

#define GPU_GRAPHS 32 /* a pass has up to three */
#define GPU_NO_CODE "the CUDA module has no code for it"
#define GPU_STRIKES 3 /* captures that fail before a program is left without a graph */
#define GPU_SHAPES 32 /* that are remembered for the note */
#define GPU_MARK_STAGE 2 /* marks 0 and 1 belong to the uploading of weights */

/* Pinned host memory that grows; plain memory where none can be pinned. */
struct pinned {
    void *p;
    size_t size;
    bool plain;
};

/* One launch or product, with its arguments behind each other in the program's blob. what and dims
 * are for messages. */
struct call {
    const char *what;
    int dims[3];
    int kernel; /* -1: a product */
    unsigned grid[2], threads, shared;
    uint32_t at, size;
};

struct program {
    struct call *calls;
    int count, room;
    unsigned char *blob;
    size_t size, blob_room;
    struct cuda_algo *algos; /* of its products, in order; the first `resolved` are known */
    int resolved, algo_room;
};

/* A program that was seen before; its graph once it has been seen twice. */
struct graph {
    struct program program;
    void *graph;
    int strikes;
    uint64_t last;
};

struct block {
    void *p;
    size_t bytes;
};

/* A piece of device memory that holds weights of a set, one behind the other. */
struct slab {
    struct slab *next;
    struct kern_set *set; /* that has the rest of it; NULL: it is gone */
    char *p;
    size_t bytes, used;
    int tensors; /* that are in it */
    uint64_t last; /* when one of them was used; of gpu_evict */
};

/* Weights on the device, of one set or of several that are equal. */
struct tensor {
    struct tensor *next;
    const void *host; /* of one of the sets */
    size_t bytes;
    void *device; /* NULL: evicted, or not sent yet */
    struct slab *slab; /* that it is in */
    int sets;
    uint64_t last;
};

struct entry {
    const void *host;
    size_t bytes;
    struct tensor *tensor;
};

struct kern_set {
    struct kern_set *next;
    struct entry *entries; /* open addressing, by host */
    size_t count, room;
    size_t bytes, sent; /* of all weights as announced; of those on the device now */
    size_t reserved;    /* of its slabs */
};

/* What is not as it should be, though nothing failed. */
struct gpu_notes {
    int plain; /* programs that can't be captured */
    char plain_why[120]; /* of the first one */
    int shapes[GPU_SHAPES][3], shape_count; /* of products in float32 instead of what was asked */
};

/* One thread computes at a time; others may make and free sets and memory meanwhile, which the lock
 * (a recursive one) is for. */
struct gpu {
    struct kern *k;
    pthread_mutex_t lock;
    pthread_t recorder;
    const struct cuda_api *api;
    void *ctx;
    int device, precision;
    struct cuda_info info;
    size_t limit, used, peak;
    bool limited; /* by who opened it, to less than was free */
    char failure[360];
    bool failed, lost; /* lost: until the process ends */
    struct gpu_notes notes;
    struct pinned in, out, upload[2];
    float *columns; /* scratch of convolutions */
    size_t columns_size;
    struct block *blocks; /* given out by gpu_memory */
    int block_count, block_room;
    bool recording, sync; /* sync: wait after each call, which tells whose failure it is */
    struct program now;
    struct graph graphs[GPU_GRAPHS];
    struct kern_set *sets, *set, loose;
    struct tensor *tensors;
    struct slab *slabs;
    uint64_t clock;
    void (*progress)(void *arg, size_t done, size_t all);
    void *progress_arg;
    struct gpu_stats stats;
};

/* ---- gpu.c */
/* Notes the first failure: "cuda:0 (NAME): what AxBxC: why". dims may be NULL. */
void gpu_fail(struct gpu *g, const char *what, const int *dims, const char *why);
/* Whether rc is 0; notes the failure otherwise. */
bool gpu_ok(struct gpu *g, int rc, const char *what, const int *dims);
/* Counted memory on the device; NULL is noted. Weights that are not in use make room. */
void *gpu_alloc(struct gpu *g, size_t bytes, const char *what);
/* The same, but no weights make room, and NULL is no failure. */
void *gpu_alloc_if(struct gpu *g, size_t bytes);
/* What the driver takes for an allocation of so many bytes. */
size_t gpu_taken(size_t bytes);
void gpu_release(struct gpu *g, void *p, size_t bytes);
void *gpu_pinned(struct gpu *g, struct pinned *p, size_t bytes);

/* Does what this thread has recorded so far, before memory goes. */
void gpu_flush_own(struct gpu *g);

/* ---- nvml.c */
/* How many bytes are free on a device. Returns whether that is known. */
bool gpu_spare(const unsigned char uuid[16], size_t *out);

/* ---- program.c */
/* Appends a launch; its arguments, zeros so far, or NULL when nothing is to be done any more. A
 * launch of no threads is left out: then NULL too. */
void *gpu_push(struct gpu *g, enum cuda_kernel kernel, const char *what, const int dims[3],
               unsigned grid_x, unsigned grid_y, unsigned threads, unsigned shared, size_t size);
/* A launch with a thread for each of n pieces. */
void *gpu_push_flat(struct gpu *g, enum cuda_kernel kernel, const char *what, const int dims[3],
                    int64_t n, size_t size);
struct cuda_gemm *gpu_push_gemm(struct gpu *g, const char *what, const int dims[3]);
/* The arguments of the last push are complete: outside of a recording it is done now. */
void gpu_go(struct gpu *g);
/* Does what was recorded so far. */
void gpu_flush(struct gpu *g);
void gpu_programs_fini(struct gpu *g);

/* ---- note.c */
void gpu_note_float32(struct gpu *g, const int dims[3]);
void gpu_note_plain(struct gpu *g, const char *why);
/* Appends to a text, behind a semicolon where it is not the first. */
__attribute__((format(printf, 3, 4))) void gpu_note_add(char *out, size_t size, const char *fmt,
                                                        ...);
/* Of the device and the environment, into k->note. */
void gpu_note_opening(struct gpu *g);
/* What NVIDIA_TF32_OVERRIDE says, or NULL. */
const char *gpu_tf32_override(void);

/* ---- store.c */
/* Frees the weights that were used longest ago. Returns false when all are in use. */
bool gpu_evict(struct gpu *g);
/* Outside of every set weights are sent anew for each operation. */
void gpu_loose(struct gpu *g);
void gpu_store_fini(struct gpu *g);

/* ops.c: y = act(x + bias) + residual, x NULL for 0; of o y, m, n, act and the pitches. */
void gpu_after(struct gpu *g, const struct kern_linear *o, const float *x, const float *bias,
               const float *residual);

/* ops_vision.c */
void gpu_conv(struct kern *k, const struct kern_conv *c);
void gpu_maxpool(struct kern *k, const float *x, int h, int w, int c, float *y);
void gpu_roi(struct kern *k, const struct kern_roi *o);
void gpu_upsample(struct kern *k, const struct kern_upsample *o);
void gpu_overlaps(struct kern *k, const struct kern_overlaps *o);
void gpu_nms(struct kern *k, const struct kern_nms *o);

/* ops_back.c */
void gpu_activate(struct kern *k, const float *x, float *y, size_t n, enum kern_act act);
void gpu_linear_back(struct kern *k, const struct kern_linear_back *list, int count);
void gpu_attention_back(struct kern *k, const struct kern_attention_back *list, int count);
void gpu_norm_back(struct kern *k, const struct kern_norm_back *list, int count);
void gpu_activate_back(struct kern *k, const float *x, const float *dy, float *dx, size_t n,
                       enum kern_act act);
void gpu_gate_back(struct kern *k, const struct kern_gate_back *o);
void gpu_mean_back(struct kern *k, const struct kern_mean_back *o);
void gpu_scatter_rows(struct kern *k, const struct kern_scatter_rows *o);

/* Whether p and distances of ld numbers keep 16 bytes. */
static inline bool gpu_aligned(const void *p, ptrdiff_t ld)
{
    return ((uintptr_t)p & 15) == 0 && ld % 4 == 0;
}

#endif
