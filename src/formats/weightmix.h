/* SPDX-License-Identifier: MIT */
/* Checkpoints made of others: in fewer bits, averaged, on the way from one to another. */
#ifndef VS_WEIGHTMIX_H
#define VS_WEIGHTMIX_H

#include "src/formats/tensorfile.h"

#include <stdatomic.h>

enum mix_type { MIX_F32, MIX_F16, MIX_BF16, MIX_INT8, MIX_TYPES };
#define MIX_TYPE_NAMES "float32", "float16", "bfloat16", "int8"
extern const char *const mix_type_names[]; /* with a NULL behind the last */

struct mix {
    struct tensorfile *const *from; /* (from_count), borrowed; all have the same tensors */
    int from_count;
    enum mix_type type; /* of the weights. int8: matrices, by rows (ROW_SCALE_END); vectors stay
                           float32. Whole numbers have no mean: they are those of the file
                           with the largest share, the first of equal ones. */
    const atomic_bool *stop; /* ends writing with VS_E_CANCELLED, or NULL */
};

/* Whether all files of m have the same tensors in the same shapes: what differs, else. */
int mix_check(const struct mix *m, struct vs_err *err);
/* The first of the tensors of whole numbers that not all files have alike, of which there are
 * *count; NULL: none. */
const char *mix_find_unlike(const struct mix *m, int *count);
/* Which of the first file's tensors are the same numbers in all of them: same (tensorfile_count of
 * the first) is the caller's. Reads all files. Returns their bytes as m->type writes them. *alike:
 * whether one of the files has nothing else; then one of them is left for each file, and not in
 * same. */
uint64_t mix_find_same(const struct mix *m, bool *same, bool *alike);
/* Writes the sum of share[i] times file i as safetensors. Only tensors whose entry of which (by the
 * first file's; what that has not is false) is `wanted`; which NULL: all. metadata: as
 * safetensors_write_each has it. Tensors that are one in all files (words, and the head that ranks
 * them) are stored once, as safetensors does it: it has the name of the other, and the name of the
 * one that is there. Fails on numbers that are not finite, or not in the new type, naming the
 * tensor. */
int mix_write(const struct mix *m, const double *share, const bool *which, bool wanted,
              const char *const *metadata, const char *path, struct vs_err *err);
/* Writes an index of shards beside them, of what mix_write writes with these shares: where tensors
 * with which[i] are in `first`, the others in `second` (names of files in its folder). */
int mix_write_index(const struct mix *m, const double *share, const bool *which, const char *first,
                    const char *second, const char *path, struct vs_err *err);

#endif
