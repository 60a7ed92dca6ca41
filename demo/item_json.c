/* SPDX-License-Identifier: MIT */
/* Items as lines of JSON. */
#include "demo/maker.h"

static void put_string(struct buf *out, const char *s)
{
    buf_putc(out, '"');
    for (; *s; s++)
        if (*s == '\n')
            buf_puts(out, "\\n");
        else
            buf_putc(out, *s);
    buf_putc(out, '"');
}

static void put_box(struct buf *out, const struct object *o)
{
    buf_printf(out, "[%.1f, %.1f, %.1f, %.1f]", (double)o->box[0], (double)o->box[1],
               (double)o->box[2], (double)o->box[3]);
}

/* Answers that are indices: retrieval and pointing. */
static bool is_index(const struct maker *m)
{
    return m->candidate_count > 0 || m->image_count > 2;
}

void maker_write(const struct maker *m, const char *task, struct buf *out)
{
    buf_printf(out, "{\"task\": \"%s\", \"images\": [", task);
    for (int i = 0; i < m->image_count; i++)
        buf_printf(out, "%s\"images/%06d.png\"", i ? ", " : "", m->images[i]);
    buf_puts(out, "], \"text\": ");
    put_string(out, m->text.data);
    if (m->answer[0])
        buf_printf(out, is_index(m) ? ", \"answer\": %s" : ", \"answer\": \"%s\"", m->answer);
    if (m->target >= 0) {
        buf_puts(out, ", \"box\": ");
        put_box(out, &m->s->objects[m->target]);
    }
    for (int i = 0; i < m->candidate_count; i++) {
        buf_puts(out, i ? ", " : ", \"candidates\": [");
        put_box(out, &m->s->objects[m->candidates[i]]);
    }
    buf_puts(out, m->candidate_count ? "]" : "");
    if (m->twin) {
        buf_puts(out, ", \"twin\": ");
        put_string(out, m->twin);
    }
    buf_puts(out, "}\n");
}
