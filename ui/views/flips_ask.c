/* SPDX-License-Identifier: MIT */
/* Items of evaluations in the log: what both said of one; one as a query, with its images, found
 * where the set has them or among those that are open, and its boxes; and as a row of a figure. */
#include "src/base/mem.h"
#include "src/study/imagename.h"
#include "ui/jobs/compare.h"
#include "ui/views/flips.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern const struct view view_compare;

/* ---- of the log */

bool flips_alike(const struct log_evaluation *x, const struct log_evaluation *y)
{
    return x->task == y->task && x->as_reference == y->as_reference &&
           text_equals(x->split, y->split) && text_equals(x->data_digest, y->data_digest);
}

const struct log_evaluated *flips_newest(const struct log_evaluated *list, int count,
                                         const char *digest, const struct log_evaluation *like)
{
    const struct log_evaluated *best = NULL;
    for (int i = 0; i < count; i++)
        if (list[i].e.row_count && strcmp(list[i].e.checkpoint_digest, digest) == 0 &&
            flips_alike(&list[i].e, like))
            best = &list[i];
    return best;
}

static bool flips_row(struct row_texts *t, const char *line, size_t length, struct row *out)
{
    const char *why;
    return row_read(row_texts_copy(t, line, length), length, t, out, &why);
}

bool flips_read_pair(struct row_texts *t, const struct log_row_pair *x, struct flip *out)
{
    return flips_row(t, x->a, x->a_length, &out->a) && flips_row(t, x->b, x->b_length, &out->b);
}

const char *flips_outcome(const struct flip *f)
{
    return f->a.correct ? f->b.correct ? "right" : "lost" : f->b.correct ? "gained" : "wrong";
}

/* ---- its images */

/* The open photo of that path or, where it is only alike, that is called so; or -1. */
static int flips_open_photo(const struct workbench *w, const char *name, bool alike)
{
    for (int i = 0; i < w->ses.photo_count; i++) {
        const char *path = w->ses.photos[i]->path;
        if (path && (alike ? imagename_same(path, name) : strcmp(path, name) == 0))
            return i;
    }
    return -1;
}

/* As the set has it, else an open one of the name, else one beside the set. */
static int flips_photo(struct workbench *w, const struct flip *f, const char *name,
                       struct vs_err *err)
{
    bool there = access(name, R_OK) == 0;
    int at = flips_open_photo(w, name, false);
    struct photo_options how = {0};
    struct photo *photo = NULL;
    if (at < 0 && !there)
        at = flips_open_photo(w, name, true);
    if (at >= 0)
        return at;
    const char *slash = strrchr(f->data, '/');
    char *dir = slash ? xstrndup(f->data, (size_t)(slash - f->data)) : xstrdup(".");
    char *path = there ? NULL : imagename_find(dir, name);
    int rc = photo_open(path ? path : name, &how, &photo, err);
    free(path);
    free(dir);
    if (rc != 0)
        return -1;
    session_add_photo(w, photo);
    return session_find_photo(w, photo);
}

/* Opens the images of an item, at most `most`, into photos; their number, 0 with words on the
 * screen where one is not there. */
static int flips_photos(struct workbench *w, const struct flip *f, int *photos, int most)
{
    char *names = xstrdup(f->a.image), *next = names;
    struct vs_err err = {0};
    int n = 0;
    while (next && n < most) {
        char *name = next, *between = strstr(next, " + ");
        next = between ? between + 3 : NULL;
        if (between)
            *between = '\0';
        photos[n] = flips_photo(w, f, name, &err);
        if (photos[n++] < 0)
            break;
    }
    bool good = n > 0 && photos[n - 1] >= 0;
    if (!good)
        workbench_say(w, true, "%s (o opens its image)", err.text);
    free(names);
    return good ? n : 0;
}

/* Boxes to choose from are those of the row. */
static void flips_boxes(struct workbench *w, const struct flip *f, int photo)
{
    struct box_list boxes;
    if (!f->a.task->extra_regions || !row_candidates(&f->a, &boxes))
        return;
    query_set_boxes(&w->ses.states[photo], &boxes);
    free(boxes.boxes);
}

void flips_ask(struct workbench *w, const struct flip *f, int a, int b)
{
    int photos[64];
    int n = flips_photos(w, f, photos, 64);
    if (n == 0)
        return;
    w->ses.task = f->a.task;
    edit_set(&w->typed.query, f->a.text);
    photo_go(w, photos[0]);
    flips_boxes(w, f, photos[0]);
    if (w->ses.checkpoint != a && w->ses.checkpoint != b)
        w->ses.checkpoint = b;
    int focus = w->panes.focus;
    if (panes_find(&w->panes, &view_compare) < 0 && w->panes.count < PANES) {
        panes_add(&w->panes, &view_compare); /* which asks the other one */
        w->panes.focus = focus;
    }
    query_ask_of(w, photos, n);
}

void flips_words(struct figure_panel *p, int row, const struct flip *f)
{
    char **words = p->words + (ptrdiff_t)row * p->cols;
    const struct row *of[2] = {&f->a, &f->b};
    p->row_names[row] = xasprintf("%s %s: %s", f->a.task->name, f->a.id, f->a.text);
    for (int k = 0; k < 2; k++) {
        words[2 * k] = xstrdup(of[k]->answer);
        words[2 * k + 1] = isfinite(of[k]->confidence) ? xasprintf("%.3f", of[k]->confidence)
                                                       : xstrdup("\u2013");
    }
    words[4] = xstrdup(f->a.right ? f->a.right : "");
}
