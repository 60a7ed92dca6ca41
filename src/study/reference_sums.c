/* SPDX-License-Identifier: MIT */
/* The numbers of a set of the reference's data folder, and recall of a pool's.
 *
 * Images by captions need a caption's own logits only; captions by images are ranked among all
 * captions, whose logits wait in an unlinked temporary file and are read once more, in order.
 *
 * Source: eval_retrieval.py of the reference. */
#include "src/study/reference_priv.h"

#include "src/base/spool.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int sums_failed(struct vs_err *err)
{
    return vs_fail(err, VS_E_IO, "a temporary file: logits cannot be kept: %s",
                   strerror(errno ? errno : EIO));
}

static int sums_begin_pool(struct reference_sums *s, int pool, struct vs_err *err)
{
    s->pool = pool;
    s->logits = spool_file();
    s->best = xcalloc((size_t)pool, sizeof *s->best);
    s->best_at = xcalloc((size_t)pool, sizeof *s->best_at);
    for (int i = 0; i < pool; i++)
        s->best_at[i] = -1;
    return s->logits ? 0 : sums_failed(err);
}

static int add_rank(struct reference_sums *s, const struct eval_item *it,
                    const struct eval_verdict *v, int pool, struct vs_err *err)
{
    size_t n = (size_t)s->items;
    int own = it->number;
    if (n == 0 && sums_begin_pool(s, pool, err) != 0)
        return err->code;
    if ((s->items & (s->items - 1)) == 0) {
        s->ranks = xreallocarray(s->ranks, n ? 2 * n : 1, sizeof *s->ranks);
        s->own = xreallocarray(s->own, n ? 2 * n : 1, sizeof *s->own);
    }
    s->ranks[n] = v->rank;
    s->own[n] = own;
    if (own >= 0 && own < pool && (s->best_at[own] < 0 || v->logits[own] > s->best[own])) {
        s->best[own] = v->logits[own];
        s->best_at[own] = s->items;
    }
    return fwrite(v->logits, sizeof *v->logits, (size_t)pool, s->logits) == (size_t)pool
               ? 0 : sums_failed(err);
}

int reference_add(struct reference_sums *s, const struct eval_item *it,
                  const struct eval_verdict *v, int pool, struct vs_err *err)
{
    int rc = pool ? add_rank(s, it, v, pool, err) : 0;
    s->items++;
    s->scored += it->scored;
    s->shifted += v->shifted;
    s->unlisted += v->mark.unlisted;
    s->score += it->scored ? v->score : 0;
    s->foils += it->foil_count > 0;
    s->pairs += it->foil_count && it->image_count == 2;
    s->text += v->mark.text;
    s->image += v->mark.image;
    return rc;
}

static int by_rank(const void *a, const void *b)
{
    const int *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static double share_below(const int *ranks, int n, int rank)
{
    int below = 0;
    for (int i = 0; i < n; i++)
        below += ranks[i] < rank;
    return 100.0 * below / n;
}

/* ranks from 0, which are sorted. */
static void recall_of(int *ranks, int n, struct reference_recall *out)
{
    double sum = 0;
    if (n == 0)
        return;
    vs_sort(ranks, (size_t)n, sizeof *ranks, by_rank);
    for (int i = 0; i < n; i++)
        sum += ranks[i];
    out->r1 = share_below(ranks, n, 1);
    out->r5 = share_below(ranks, n, 5);
    out->r10 = share_below(ranks, n, 10);
    out->medr = floor((ranks[(n - 1) / 2] + ranks[n / 2]) / 2.0 + 1);
    out->meanr = sum / n + 1;
}

/* Adds to the rank of each image's best caption where this one comes before it. */
static void rank_caption(const struct reference_sums *s, int caption, const float *logits,
                         int *ranks)
{
    for (int k = 0; k < s->pool; k++)
        ranks[k] += logits[k] > s->best[k] ||
                    (logits[k] == s->best[k] && caption < s->best_at[k] && s->own[caption] != k);
}

/* Among all captions, of the best of each image's own: ranks (pool). */
static int rank_captions(struct reference_sums *s, int *ranks, struct vs_err *err)
{
    size_t width = (size_t)s->pool;
    float *logits = xcalloc(width + 1, sizeof *logits);
    bool good = fflush(s->logits) == 0 && fseek(s->logits, 0, SEEK_SET) == 0;
    for (int i = 0; good && i < s->items; i++) {
        good = fread(logits, sizeof *logits, width, s->logits) == width;
        if (good)
            rank_caption(s, i, logits, ranks);
    }
    free(logits);
    return good ? 0 : sums_failed(err);
}

int reference_finish(struct reference_sums *s, struct vs_err *err)
{
    int *ranks = xcalloc((size_t)s->pool + 1, sizeof *ranks);
    int rc = s->logits ? rank_captions(s, ranks, err) : 0;
    for (int i = 0; i < s->pool && rc == 0; i++)
        if (s->best_at[i] >= 0)
            ranks[s->asked++] = ranks[i];
    recall_of(ranks, s->asked, &s->captions);
    if (s->ranks)
        recall_of(s->ranks, s->items, &s->images);
    free(ranks);
    return rc;
}

void reference_sums_fini(struct reference_sums *s)
{
    if (s->logits)
        fclose(s->logits);
    free(s->best);
    free(s->best_at);
    free(s->ranks);
    free(s->own);
    *s = (struct reference_sums){0};
}
