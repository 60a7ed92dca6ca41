/* SPDX-License-Identifier: MIT */
/* From the target back to the last states of the streams, as far as heads of all families are
 * alike. Inner states of heads are computed anew: they are a row. */
#include "src/model/transformer/back.h"

/* ---- what the target is */

bool back_is_on_rows(const struct back *b)
{
    return back_output(b)->rows == ROWS_TOKENS || back_output(b)->rows == ROWS_REGIONS;
}

struct back_stream *back_target_stream(struct back *b)
{
    bool tokens = back_output(b)->rows == ROWS_TOKENS;
    const struct stream_names *second = &stream_table[b->s[1].name];
    return &b->s[b->streams > 1 && (tokens ? second->tokens : second->regions)];
}

/* The computed row of row `row` of the output, among those of the target's image; -1: none, or
 * padding. */
static int back_packed_row(struct back *b, int row)
{
    const struct back_stream *s = back_target_stream(b);
    bool regions = back_output(b)->rows == ROWS_REGIONS;
    int count = regions ? b->t->regions : b->t->tokens;
    int place = row + (regions && stream_table[s->name].tokens ? b->t->tokens : 0);
    const float *bias = s->kept->bias;
    for (int r = 0; r < s->rows.rows && row >= 0 && row < count; r++)
        if (s->rows.pos[r] == place && !(bias && bias[s->at + r] != 0))
            return r;
    return -1;
}

static int back_check_term(struct back *b, const struct net_term *t)
{
    const char *name = back_output(b)->name;
    if (t->index < 0 || t->index >= b->numbers)
        return vs_fail(b->run->err, VS_E_FORMAT, "number %d of %s: it has %d", t->index, name,
                       b->numbers);
    if (back_is_on_rows(b) && back_packed_row(b, t->row) < 0)
        return vs_fail(b->run->err, VS_E_FORMAT, "row %d of %s is padding, or beyond its %d rows",
                       t->row, name,
                       back_output(b)->rows == ROWS_REGIONS ? b->t->regions : b->t->tokens);
    if (b->numbers > 1 && back_is_on_rows(b) && t->row != b->target->terms[0].row)
        return vs_fail(b->run->err, VS_E_FORMAT, "the terms of a target of %s are all of one row",
                       name);
    return 0;
}

int back_check_target(struct back *b)
{
    bool rows = back_is_on_rows(b);
    int rc = 0;
    if (b->numbers == 0)
        return vs_fail(b->run->err, VS_E_MISSING, "%s: no target of gradients of this model, or "
                       "not computed by this pass", back_output(b)->name);
    for (int i = 0; i < b->target->count && rc == 0; i++)
        rc = back_check_term(b, &b->target->terms[i]);
    b->seed_rows = rows && b->numbers == 1 ? back_target_stream(b)->rows.rows : 0;
    b->seed_row = rows && b->numbers > 1 && rc == 0
                      ? back_packed_row(b, b->target->terms[0].row) : 0;
    return rc;
}

size_t back_seed_size(const struct back *b)
{
    return (size_t)(b->seed_rows > 0 ? b->seed_rows : b->numbers);
}

void back_fill_seed(struct back *b, float *host)
{
    for (int i = 0; i < b->target->count; i++) {
        const struct net_term *t = &b->target->terms[i];
        host[b->seed_rows > 0 ? back_packed_row(b, t->row) : t->index] += t->weight;
    }
}

/* ---- heads */

void back_decoder(struct back *b, const struct row_head *h, const float *x, float *dx)
{
    const struct kern_ops *ops = b->run->ops;
    struct kern *k = b->run->k;
    float *dense = b->inner[0], *active = b->inner[1], *d = b->inner[2];
    struct kern_linear forward = line_linear(h->in, x, 1, dense, KERN_NONE, NULL);
    struct kern_linear_back decode = back_linear(h->out, b->seed, 1, d, NULL);
    struct kern_linear_back back = back_linear(h->in, d, 1, dx, NULL);
    ops->linear(k, &forward, 1);
    ops->activate(k, dense, active, (size_t)h->in->n, h->act);
    ops->linear_back(k, &decode, 1);
    if (h->norm) {
        struct kern_norm_back normal = back_norm(b, h->norm, active, d, 1);
        ops->norm_back(k, &normal, 1);
    }
    ops->activate_back(k, dense, d, d, (size_t)h->in->n, h->act);
    ops->linear_back(k, &back, 1);
}

void back_from_first(struct back *b, struct back_stream *s, float *first)
{
    int n = s->width, batch = b->in.batch;
    struct kern_scatter_rows all = {first, n, s->firsts, s->d, n, batch, s->rows.rows, n};
    s->live = true;
    if (s->cut)
        s->d = first;
    else
        b->run->ops->scatter_rows(b->run->k, &all);
}

/* The last layer of a stream's own. */
static int back_last_step(const struct back *b, const struct back_stream *s)
{
    int i = b->t->all - 1;
    while (i > 0 && (b->t->steps[i].part == PART_CO ||
                     attn_table[back_map_of(b->t->steps[i].part)].from != s->name))
        i--;
    return i;
}

int back_last_state(struct back *b, const struct back_stream *s, int row, float *x)
{
    int last = back_last_step(b, s), rc = back_need(b, last);
    if (rc != 0)
        return rc;
    const struct tape_step *step = &b->t->steps[last];
    const struct norm_w *w = &((const struct layer_w *)step->w)->ff_norm;
    ptrdiff_t at = (step->side[0].first ? b->first : s->at) + row;
    struct kern_norm norm = line_norm_to(w, step->side[0].fed + at * w->n, 1, x);
    b->run->ops->norm(b->run->k, &norm, 1);
    return 0;
}

int back_on_rows(struct back *b, const struct row_head *h, float *room)
{
    struct back_stream *s = back_target_stream(b);
    int n = s->width;
    s->live = true;
    if (b->seed_rows > 0) {
        struct kern_linear_back line = back_linear(h->out, b->seed, b->seed_rows, s->d, NULL);
        b->run->ops->linear_back(b->run->k, &line, 1);
        return 0;
    }
    float *x = room, *dx = room + n;
    int rc = back_last_state(b, s, b->seed_row, x);
    if (rc != 0)
        return rc;
    back_decoder(b, h, x, dx);
    struct kern_scatter_rows row = {dx, n, b->chosen, s->d, n, 1, s->rows.rows, n};
    b->run->ops->scatter_rows(b->run->k, &row);
    return 0;
}
