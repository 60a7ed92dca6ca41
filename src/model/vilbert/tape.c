/* SPDX-License-Identifier: MIT */
/* Keeping the activations of a pass of ViLBERT. */
#include "src/model/vilbert/tape.h"

#include "src/base/mem.h"

#include <stdlib.h>

int vilbert_tape_begin(struct pass *p)
{
    struct vilbert_tape *t = p->tape;
    const struct config *c = &p->m->c;
    size_t bi = (size_t)p->run.in->batch * (size_t)c->bi_hidden;
    const struct tape_piece list[] = {
        {&t->embedded[0], (size_t)p->v.rows * (size_t)c->v_hidden},
        {&t->embedded[1], (size_t)p->t.rows * (size_t)c->text.hidden},
        {&t->pooled[0], bi}, {&t->pooled[1], bi}, {&t->fused, bi},
        {&t->skip, p->bias_t ? (size_t)p->t.rows : 0},
    };
    tape_begin_pass(&t->kept); /* of a pass that is run once more */
    int rc = tape_take(&t->kept, list, (int)(sizeof list / sizeof list[0]), p->run.err);
    if (rc != 0)
        return rc;
    struct kern_gather_rows skip = {.x = p->bias_t, .ldx = p->t.rows, .y = t->skip,
                                    .ldy = p->t.rows, .m = 1, .n = p->t.rows};
    if (p->bias_t)
        p->run.ops->gather_rows(p->run.k, &skip);
    p->pooled_v = t->pooled[0];
    p->pooled_t = t->pooled[1];
    p->fused = t->fused;
    return 0;
}

int vilbert_tape_end(struct pass *p)
{
    const struct weights *w = &p->m->w;
    p->tape->pooled_cut[0] = p->cut_v;
    p->tape->pooled_cut[1] = p->cut_t;
    return tape_end_pass(&p->tape->kept, &p->run, &p->t, w->text.words, w->tasks,
                         p->m->c.text.hidden);
}

int vilbert_tape_colayer(struct pass *p, const struct colayer_w *w, struct stream s[2], int number,
                         const bool read[2])
{
    const struct config *c = &p->m->c;
    struct tape_step *step = NULL;
    struct tape_shape shape[2];
    int rc = tape_add_step(&p->tape->kept, PART_CO, number, w, &step);
    if (rc != 0)
        return rc;
    for (int i = 0; i < 2; i++) {
        step->side[i].read = read[i];
        shape[i] = (struct tape_shape){s[!i].rows, c->bi_hidden, c->bi_heads, w->ff_in[i].n, 0};
    }
    return tape_keep(&p->tape->kept, step, s, shape, 2, p->run.err);
}

int vilbert_record(struct vilbert *m, const struct net_input *in, const struct net_want *want,
                   struct tape **out, struct trace **trace, struct vs_err *err)
{
    struct vilbert_tape *t = xcalloc(1, sizeof *t);
    tape_init(&t->kept, &m->core, want->heads);
    t->m = m;
    return tape_record(&t->kept, in, want, out, trace, err);
}

void vilbert_tape_free(struct tape *tape)
{
    struct vilbert_tape *t = vilbert_tape_of(tape);
    tape_fini(&t->kept);
    for (int i = 0; i < 2; i++)
        packing_fini(&t->rows[i]);
    free(t);
}
