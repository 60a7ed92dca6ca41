/* SPDX-License-Identifier: MIT */
/* The photos that are open, and those of the result. */
#include "ui/state/state.h"

#include "src/base/mem.h"

void session_add_photo(struct workbench *w, struct photo *p)
{
    size_t n = (size_t)w->ses.photo_count + 1;
    w->ses.photos = xreallocarray(w->ses.photos, n, sizeof(struct photo *));
    w->ses.states = xreallocarray(w->ses.states, n, sizeof *w->ses.states);
    w->ses.states[w->ses.photo_count] = (struct photo_state){0};
    w->ses.photos[w->ses.photo_count] = p;
    photo_go(w, w->ses.photo_count++);
}

int session_find_photo(const struct workbench *w, const struct photo *p)
{
    for (int i = 0; i < w->ses.photo_count; i++)
        if (w->ses.photos[i] == p)
            return i;
    return -1;
}

int photo_number(const struct workbench *w, int photo)
{
    for (int i = 0; w->now.r && i < w->now.r->image_count; i++)
        if (photo < w->ses.photo_count && w->now.photos[i] == w->ses.photos[photo])
            return i;
    return -1;
}

int photo_in_result(const struct workbench *w)
{
    return photo_number(w, w->ses.photo);
}

void photo_go(struct workbench *w, int photo)
{
    w->ses.photo = photo;
    w->ses.went++;
    selection_region(w->selection, -1);
}
