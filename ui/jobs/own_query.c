/* SPDX-License-Identifier: MIT */
/* A copy of the query that is shown. */
#include "ui/jobs/own_query.h"

#include "src/base/mem.h"
#include "ui/state/stale.h"

#include <stdlib.h>
#include <string.h>

struct box_list *query_boxes(const struct workbench *w, struct photo *const *photos, int count)
{
    struct box_list *list = xcalloc((size_t)count + 1, sizeof *list);
    for (int i = 0; i < count; i++) {
        int at = session_find_photo(w, photos[i]);
        if (at >= 0)
            list[i] = w->ses.states[at].boxes;
    }
    return list;
}

int own_query_make(const struct workbench *w, struct own_query *o, struct vs_err *err)
{
    const struct result *r = w->now.r;
    size_t n = (size_t)r->image_count;
    *o = (struct own_query){.identity = stale_identity(w), .text = xstrdup(r->text)};
    o->photos = xcalloc(n + 1, sizeof(struct photo *));
    memcpy(o->photos, w->now.photos, n * sizeof(struct photo *));
    o->boxes = query_boxes(w, o->photos, r->image_count);
    for (int i = 0; i < r->image_count; i++)
        o->boxes[i] = box_list_copy(&o->boxes[i]);
    o->q = (struct query){.task = r->task, .text = o->text, .photo_count = r->image_count,
                          .photos = o->photos, .boxes = o->boxes};
    int rc = change_list_parse(r->changes, &o->changes, &o->q.change_count, err);
    o->q.changes = o->changes;
    return rc;
}

void own_query_fini(struct own_query *o)
{
    for (int i = 0; o->boxes && i < o->q.photo_count; i++)
        free(o->boxes[i].boxes);
    free(o->boxes);
    free(o->text);
    free(o->photos);
    free(o->changes);
}
