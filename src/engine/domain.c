/* SPDX-License-Identifier: MIT */
/* The domain of a model. The description of a picture knows nothing of what is on it: drawn
 * scenes, photographs, noise and gradients differ in their edges. demo/train/domain.py computes
 * the same. */
#include "src/engine/domain.h"

#include "src/formats/labels.h"
#include "src/formats/tensorfile.h"
#include "src/base/mem.h"
#include "src/base/strmap.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LEVELS 3
#define STEPS 7
#define MOST_SHOWN 8

struct domain {
    struct labels *words;
    struct strmap known;
    bool pictures;
    float mean[DOMAIN_NUMBERS], whiten[DOMAIN_NUMBERS * DOMAIN_NUMBERS], limit;
};

static int domain_take(const struct tensorfile *f, const char *name, int ndim, int64_t n,
                       float *out, struct vs_err *err)
{
    const struct tensor *t = tensorfile_find(f, name);
    bool good = t && t->ndim == ndim && tensor_elements(t) == n;
    if (good)
        tensor_to_f32(t, out);
    for (int64_t i = 0; good && i < n; i++)
        good = isfinite(out[i]);
    return good ? 0 : vs_fail(err, VS_E_FORMAT, "%s: '%s' is not there, or is not %d finite "
                              "numbers: not the statistics of a domain (man 5 vilscope-model)",
                              tensorfile_path(f), name, (int)n);
}

static int open_pictures(struct domain *d, const char *path, struct vs_err *err)
{
    struct tensorfile *f = NULL;
    int rc = tensorfile_open(path, &f, err);
    if (rc == 0)
        rc = domain_take(f, "mean", 1, DOMAIN_NUMBERS, d->mean, err);
    if (rc == 0)
        rc = domain_take(f, "whiten", 2, DOMAIN_NUMBERS * DOMAIN_NUMBERS, d->whiten, err);
    if (rc == 0)
        rc = domain_take(f, "limit", 1, 1, &d->limit, err);
    if (rc == 0 && d->limit <= 0)
        rc = vs_fail(err, VS_E_FORMAT, "%s: its limit is not above 0", path);
    d->pictures = rc == 0;
    tensorfile_close(f);
    return rc;
}

int domain_open(const char *words, const char *file, struct domain **out, struct vs_err *err)
{
    *out = NULL;
    if (!words && !file)
        return 0;
    struct domain *d = xcalloc(1, sizeof *d);
    int rc = words ? labels_open(words, &d->words, err) : 0;
    for (int i = 0; rc == 0 && d->words && i < d->words->count; i++)
        strmap_add(&d->known, d->words->names[i], strlen(d->words->names[i]), i);
    if (rc == 0 && file)
        rc = open_pictures(d, file, err);
    if (rc == 0)
        *out = d;
    else
        domain_free(d);
    return rc;
}

void domain_free(struct domain *d)
{
    if (!d)
        return;
    strmap_fini(&d->known);
    labels_free(d->words);
    free(d);
}

/* ---- pictures */

struct level {
    uint16_t *p; /* (h, w, 3) sums of 4^level pixels */
    int w, h, scale;
};

static int domain_difference(const uint16_t *a, const uint16_t *b)
{
    int most = 0;
    for (int c = 0; c < 3; c++) {
        int d = abs((int)a[c] - (int)b[c]);
        most = d > most ? d : most;
    }
    return most;
}

/* The shares of differences from each pixel to the one dx, dy further. */
static void domain_shares(const struct level *l, int dx, int dy, float out[STEPS])
{
    static const int steps[STEPS] = {0, 2, 5, 10, 20, 40, 80};
    int64_t counts[STEPS] = {0}, all = (int64_t)(l->w - dx) * (l->h - dy);
    size_t next = 3 * ((size_t)dy * (size_t)l->w + (size_t)dx);
    for (int y = 0; y < l->h - dy; y++)
        for (int x = 0; x < l->w - dx; x++) {
            const uint16_t *p = l->p + 3 * ((size_t)y * (size_t)l->w + (size_t)x);
            int d = domain_difference(p, p + next);
            for (int i = STEPS - 1; i >= 0 && d <= steps[i] * l->scale; i--)
                counts[i]++;
        }
    for (int i = 0; i < STEPS; i++)
        out[i] = (float)((double)counts[i] / (double)all);
}

/* Sums of 2x2, in place: what is written was read before. */
static void domain_halve(struct level *l)
{
    int w = l->w / 2, h = l->h / 2;
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++)
            for (int c = 0; c < 3; c++) {
                const uint16_t *p = l->p + 3 * ((size_t)(2 * y) * (size_t)l->w + (size_t)(2 * x)) +
                                    c;
                size_t row = 3 * (size_t)l->w;
                l->p[3 * ((size_t)y * (size_t)w + (size_t)x) + (size_t)c] =
                    (uint16_t)(p[0] + p[3] + p[row] + p[row + 3]);
            }
    *l = (struct level){l->p, w, h, 4 * l->scale};
}

bool domain_describe(const struct image *im, float out[DOMAIN_NUMBERS])
{
    size_t n = 3 * (size_t)im->width * (size_t)im->height;
    struct level l = {NULL, im->width, im->height, 1};
    if (im->width < 8 || im->height < 8)
        return false;
    l.p = xmalloc(n * sizeof *l.p);
    for (size_t i = 0; i < n; i++)
        l.p[i] = im->rgb[i];
    for (int i = 0; i < LEVELS; i++, out += 2 * STEPS) {
        domain_shares(&l, 0, 1, out);
        domain_shares(&l, 1, 0, out + STEPS);
        domain_halve(&l);
    }
    free(l.p);
    return true;
}

float domain_distance(const struct domain *d, const struct image *im)
{
    float x[DOMAIN_NUMBERS];
    double sum = 0;
    if (!d || !d->pictures || !im || !im->rgb)
        return -1;
    if (!domain_describe(im, x))
        return INFINITY;
    for (int i = 0; i < DOMAIN_NUMBERS; i++) {
        double z = 0;
        for (int j = 0; j < DOMAIN_NUMBERS; j++)
            z += (double)d->whiten[i * DOMAIN_NUMBERS + j] * ((double)x[j] - (double)d->mean[j]);
        sum += z * z;
    }
    return (float)(sqrt(sum / DOMAIN_NUMBERS) / (double)d->limit);
}

/* ---- words */

/* Punctuation is known to everyone. */
static bool is_word(const char *s)
{
    for (; *s; s++)
        if (isalnum((unsigned char)*s) || (unsigned char)*s >= 0x80)
            return true;
    return false;
}

/* The word that begins with token i, from its pieces; what the vocabulary cannot spell, from the
 * text. *next: the token after it. Caller frees. */
static char *word_at(const struct result *r, int i, int *next)
{
    const struct result_token *t = &r->tokens[i];
    struct buf b = {0};
    if (strcmp(t->piece, "[UNK]") == 0)
        buf_add(&b, r->model_text + t->begin, (size_t)(t->end - t->begin));
    else
        buf_puts(&b, t->piece);
    for (i++; i < r->token_count && result_goes_on(&r->tokens[i]); i++)
        buf_puts(&b, r->tokens[i].piece + 2);
    *next = i;
    char *word = buf_steal(&b);
    for (char *s = word; *s; s++)
        *s = (char)tolower((unsigned char)*s);
    return word;
}

/* Whether the text was cut inside of the word that ends with token i. */
static bool is_cut(const struct result *r, int i)
{
    return r->truncated && isalnum((unsigned char)r->model_text[r->tokens[i].end]);
}

char *domain_unknown(const struct domain *d, const struct result *r)
{
    struct buf list = {0};
    int count = 0;
    if (!d || !d->words)
        return NULL;
    struct strmap seen = {0};
    char **words = xcalloc((size_t)r->token_count + 1, sizeof *words);
    for (int i = 0, n = 0, next; i < r->token_count; i = next, n++) {
        const struct result_token *t = &r->tokens[i];
        words[n] = word_at(r, i, &next);
        bool plain = !t->special && t->end > t->begin && is_word(words[n]) &&
                     !is_cut(r, next - 1) &&
                     strmap_get(&d->known, words[n], strlen(words[n])) < 0 &&
                     strcmp(words[n], "[mask]") != 0;
        if (plain && strmap_add(&seen, words[n], strlen(words[n]), 0) < 0 &&
            count++ < MOST_SHOWN)
            buf_printf(&list, "%s%s", list.len ? ", " : "", words[n]);
    }
    if (count > MOST_SHOWN)
        buf_printf(&list, " and %d more", count - MOST_SHOWN);
    strmap_fini(&seen);
    for (int i = 0; i < r->token_count; i++)
        free(words[i]);
    free(words);
    if (count)
        return buf_steal(&list);
    buf_fini(&list);
    return NULL;
}
