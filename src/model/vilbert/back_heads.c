/* SPDX-License-Identifier: MIT */
/* From the target back to the last states of the streams, through the heads and what pools and
 * joins both streams. The heads' inner states are computed anew: they are a row. */
#include "src/model/transformer/heads.h"
#include "src/model/vilbert/back.h"

#include <string.h>

static const struct output_names *target_output(const struct back *b)
{
    return &output_table[b->target->output];
}

static bool target_is_on_rows(const struct back *b)
{
    return target_output(b)->rows == ROWS_TOKENS || target_output(b)->rows == ROWS_REGIONS;
}

static int target_stream(const struct back *b)
{
    return target_output(b)->rows == ROWS_TOKENS;
}

/* ---- what the target is */

/* Numbers of a row of its output, 0: it has none that a target could be made of. One head may have
 * several outputs: a target is of the one that the head's last line gives, by the name that it has
 * in this model; a share of a softmax is none. */
static int target_numbers(const struct back *b)
{
    const struct weights *w = &b->t->m->w;
    enum net_head head = target_output(b)->head;
    if (head == HEAD_POOLED || head == HEAD_SEQUENCE ||
        head_output(b->t->m, head) != b->target->output)
        return 0;
    if (target_is_on_rows(b))
        return head_on_rows(b->t->m, head).out->n;
    const struct classifier_w *c = head_classifier_of(w, head, b->t->rows[0].batch);
    return c ? c->out.n : head_linear_of(w, head)->n;
}

/* The computed row of row `row` of the input, among those of the target's image; -1: none, or
 * padding. */
static int packed_row(const struct back *b, int row)
{
    int i = target_stream(b);
    const struct packing *k = back_rows(b, i);
    const float *bias = b->t->rows[i].bias;
    for (int r = 0; r < k->rows; r++)
        if (k->pos[r] == row && !(bias && bias[b->at[i] + r] != 0))
            return r;
    return -1;
}

static int check_term(struct back *b, const struct net_term *t, int numbers)
{
    const char *name = target_output(b)->name;
    if (t->index < 0 || t->index >= numbers)
        return vs_fail(b->p.run.err, VS_E_FORMAT, "number %d of %s: it has %d", t->index, name,
                       numbers);
    if (target_is_on_rows(b) && packed_row(b, t->row) < 0)
        return vs_fail(b->p.run.err, VS_E_FORMAT, "row %d of %s is padding, or beyond its %d rows",
                       t->row, name, back_rows(b, target_stream(b))->width);
    if (numbers > 1 && target_is_on_rows(b) && t->row != b->target->terms[0].row)
        return vs_fail(b->p.run.err, VS_E_FORMAT, "the terms of a target of %s are all of one row",
                       name);
    return 0;
}

int back_check_target(struct back *b)
{
    const char *name = target_output(b)->name;
    int numbers = 0, rc = 0;
    if (b->t->heads & (unsigned)target_output(b)->head)
        numbers = target_numbers(b);
    if (numbers == 0)
        return vs_fail(b->p.run.err, VS_E_MISSING, "%s: no target of gradients of this model, or "
                       "not computed by this pass", name);
    for (int i = 0; i < b->target->count && rc == 0; i++)
        rc = check_term(b, &b->target->terms[i], numbers);
    b->seed_rows = target_is_on_rows(b) && numbers == 1 ? back_rows(b, target_stream(b))->rows : 0;
    b->seed_row = target_is_on_rows(b) && numbers > 1 && rc == 0
                      ? packed_row(b, b->target->terms[0].row) : 0;
    return rc;
}

size_t back_seed_size(const struct back *b)
{
    return b->seed_rows > 0 ? (size_t)b->seed_rows : (size_t)target_numbers(b);
}

void back_fill_seed(const struct back *b, float *host)
{
    for (int i = 0; i < b->target->count; i++) {
        const struct net_term *t = &b->target->terms[i];
        host[b->seed_rows > 0 ? packed_row(b, t->row) : t->index] += t->weight;
    }
}

/* ---- heads */

/* dense, activation, layer norm, decoder on one row x: from the seed to dx. */
static void back_decoder(struct back *b, const struct linear_w *in, const struct norm_w *norm,
                         const struct linear_w *out, enum kern_act act, const float *x, float *dx)
{
    const struct kern_ops *ops = b->p.run.ops;
    struct kern *k = b->p.run.k;
    float *dense = b->inner[0], *active = b->inner[1], *d = b->inner[2];
    struct kern_linear forward = line_linear(in, x, 1, dense, KERN_NONE, NULL);
    struct kern_linear_back decode = back_linear(out, b->seed, 1, d, NULL);
    struct kern_norm_back normal = back_norm(b, norm, active, d, 1);
    struct kern_linear_back back = back_linear(in, d, 1, dx, NULL);
    ops->linear(k, &forward, 1);
    ops->activate(k, dense, active, (size_t)in->n, act);
    ops->linear_back(k, &decode, 1);
    ops->norm_back(k, &normal, 1);
    ops->activate_back(k, dense, d, d, (size_t)in->n, act);
    ops->linear_back(k, &back, 1);
}

/* From the joined states of the images to those of each stream: d at what was pooled. */
static void back_fuse(struct back *b, const float *dfused)
{
    const struct kern_ops *ops = b->p.run.ops;
    struct kern *k = b->p.run.k;
    size_t bi = (size_t)b->p.m->c.bi_hidden, n = (size_t)b->p.run.in->batch * bi;
    size_t at = (size_t)b->first * bi;
    float *const d[2] = {b->p.pooled_v, b->p.pooled_t};
    for (int i = 0; i < 2; i++) {
        const float *other = b->t->pooled[!i] + at;
        struct kern_gather_rows copy = {.x = dfused, .ldx = (ptrdiff_t)n, .y = d[i],
                                        .ldy = (ptrdiff_t)n, .m = 1, .n = (int)n};
        if (b->p.m->c.fusion_sum)
            ops->gather_rows(k, &copy);
        else
            ops->mul(k, dfused, other, d[i], n);
        ops->activate_back(k, b->t->pooled[i] + at, d[i], d[i], n, KERN_RELU);
    }
}

/* To the first rows of both streams. */
static void back_pool(struct back *b)
{
    int batch = b->p.run.in->batch;
    const struct weights *w = &b->p.m->w;
    float *first[2] = {b->p.wide, b->p.wide + (ptrdiff_t)batch * b->p.m->c.v_hidden};
    struct kern_linear_back both[] = {
        back_linear(&w->v_pool, b->p.pooled_v, batch, first[0], NULL),
        back_linear(&w->t_pool, b->p.pooled_t, batch, first[1], NULL)};
    b->p.run.ops->linear_back(b->p.run.k, both, 2);
    for (int i = 0; i < 2; i++) {
        int n = back_width(b, i);
        struct kern_scatter_rows all = {first[i], n, b->firsts[i], b->d[i], n, batch,
                                        back_rows(b, i)->rows, n};
        b->live[i] = true;
        b->cut[i] = b->t->pooled_cut[i];
        if (b->cut[i])
            b->d[i] = first[i];
        else
            b->p.run.ops->scatter_rows(b->p.run.k, &all);
    }
}

static void back_pooled(struct back *b)
{
    const struct weights *w = &b->p.m->w;
    enum net_head head = target_output(b)->head;
    const struct classifier_w *c = head_classifier_of(w, head, b->t->rows[0].batch);
    const float *fused = b->t->fused + (ptrdiff_t)b->first * b->p.m->c.bi_hidden;
    if (c) {
        back_decoder(b, &c->in, &c->norm, &c->out, KERN_GELU, fused, b->p.fused);
    } else {
        struct kern_linear_back line = back_linear(head_linear_of(w, head), b->seed, 1, b->p.fused,
                                                   NULL);
        b->p.run.ops->linear_back(b->p.run.k, &line, 1);
    }
    back_fuse(b, b->p.fused);
    back_pool(b);
}

/* The last states of stream i, which its last layer's norm makes of what is kept: row `row`. */
static void back_last_state(struct back *b, int i, int row, float *x)
{
    const struct tape_step *last = NULL;
    for (int j = 0; j < b->t->count; j++)
        if (b->t->steps[j].part == (i ? PART_TEXT : PART_VISUAL))
            last = &b->t->steps[j];
    const struct norm_w *w = &((const struct layer_w *)last->w)->ff_norm;
    struct kern_norm norm = line_norm_to(w, last->side[0].fed + (b->at[i] + row) * w->n, 1, x);
    b->p.run.ops->norm(b->p.run.k, &norm, 1);
}

static void back_on_rows(struct back *b)
{
    int i = target_stream(b), n = back_width(b, i);
    struct row_head h = head_on_rows(b->t->m, target_output(b)->head);
    b->live[i] = true;
    if (b->seed_rows > 0) {
        struct kern_linear_back line = back_linear(h.out, b->seed, b->seed_rows, b->d[i], NULL);
        b->p.run.ops->linear_back(b->p.run.k, &line, 1);
        return;
    }
    float *x = b->p.wide, *dx = x + n;
    back_last_state(b, i, b->seed_row, x);
    back_decoder(b, h.in, h.norm, h.out, h.act, x, dx);
    struct kern_scatter_rows row = {dx, n, b->chosen, b->d[i], n, 1, back_rows(b, i)->rows, n};
    b->p.run.ops->scatter_rows(b->p.run.k, &row);
}

void back_heads(struct back *b)
{
    if (target_is_on_rows(b))
        back_on_rows(b);
    else
        back_pooled(b);
}
