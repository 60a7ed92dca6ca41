/* SPDX-License-Identifier: MIT */
/* Items as lines of JSON. */
#include "demo/maker.h"
#include "demo/phrase.h"

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

static void put_slices(struct buf *out, unsigned slices, enum stress stress)
{
    const char *comma = "";
    buf_puts(out, ", \"slices\": [");
    for (int i = 0; i < SLICES; i++)
        if (slices >> i & 1) {
            buf_printf(out, "%s\"%s\"", comma, slice_names[i]);
            comma = ", ";
        }
    if (stress != STRESS_NONE)
        buf_printf(out, "%s\"%s\"", comma, stress_names[stress]);
    buf_putc(out, ']');
}

/* [first byte, end, [objects by their number in the scene]] of each. */
static void put_phrases(struct buf *out, const struct phrases *p)
{
    buf_puts(out, ", \"phrases\": [");
    for (int i = 0; i < p->count; i++) {
        const char *comma = "";
        buf_printf(out, "%s[%d, %d, [", i ? ", " : "", p->list[i].start, p->list[i].end);
        for (int o = 0; o < SCENE_MOST; o++)
            if (p->list[i].objects >> o & 1) {
                buf_printf(out, "%s%d", comma, o);
                comma = ", ";
            }
        buf_puts(out, "]]");
    }
    buf_putc(out, ']');
}

/* What only items of the wide language have. */
static void put_wide(struct buf *out, const struct maker *m, const struct phrases *p)
{
    if (m->w->language != LANGUAGE_WIDE)
        return;
    put_slices(out, m->slices, m->w->stress);
    put_phrases(out, p);
}

void maker_write(const struct maker *m, const char *task, struct buf *out)
{
    struct phrases p;
    phrase_read(m->text.data, &p);
    buf_printf(out, "{\"task\": \"%s\", \"images\": [", task);
    for (int i = 0; i < m->image_count; i++)
        buf_printf(out, "%s\"images/%06d.png\"", i ? ", " : "", m->images[i]);
    buf_puts(out, "], \"text\": ");
    put_string(out, p.text.data);
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
    put_wide(out, m, &p);
    buf_puts(out, "}\n");
    buf_fini(&p.text);
}
