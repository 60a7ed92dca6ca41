/* SPDX-License-Identifier: MIT */
/* Images: opening them, going from one to the next, zooming. */
#include "src/base/mem.h"
#include "ui/actions/actions.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Where the regions begin in "IMAGE REGIONS": after the last blank that leaves a file on its left;
 * NULL when all of it is the image. */
static char *split_typed(char *text)
{
    if (access(text, F_OK) == 0)
        return NULL;
    for (char *p = text + strlen(text); p > text; p--)
        if (*p == ' ') {
            *p = '\0';
            if (access(text, F_OK) == 0)
                return p + 1;
            *p = ' ';
        }
    return NULL;
}

void do_open(struct workbench *w, const char *arg)
{
    struct vs_err err = {0};
    struct photo *p = NULL;
    if (!*arg) {
        w->typed.mode = MODE_OPEN;
        return;
    }
    char *image = xstrdup(arg), *regions = split_typed(image);
    struct photo_options how = {.regions = regions && regions[0] ? regions : NULL};
    bool finds = w->ses.model && model_has_detector(w->ses.model);
    int rc = photo_open(image, &how, &p, &err);
    if (rc == 0 && w->ses.model && (rc = model_check_photo(w->ses.model, p, &err)) != 0)
        photo_free(p);
    if (rc == 0) {
        session_add_photo(w, p);
        if (p->regions)
            workbench_say(w, false, "%s: %d regions", image, p->regions->count);
        else
            workbench_say(w, !finds, finds ? "%s: detecting regions"
                                           : "%s is open, but has no regions", image);
        edit_remember(&w->typed.open, arg);
        edit_set(&w->typed.open, "");
        w->typed.mode = MODE_BROWSE;
    } else {
        workbench_say(w, true, "%s", err.text);
    }
    free(image);
}

void do_image(struct workbench *w, const char *arg)
{
    int n = atoi(arg);
    if (n < 1 || n > w->ses.photo_count)
        workbench_say(w, true, "there are images 1 to %d", w->ses.photo_count);
    else
        photo_go(w, n - 1);
}

void do_image_next(struct workbench *w, const char *arg)
{
    (void)arg;
    if (w->ses.photo_count)
        photo_go(w, (w->ses.photo + 1) % w->ses.photo_count);
}

void do_image_previous(struct workbench *w, const char *arg)
{
    (void)arg;
    if (w->ses.photo_count)
        photo_go(w, (w->ses.photo + w->ses.photo_count - 1) % w->ses.photo_count);
}

void do_detect(struct workbench *w, const char *arg)
{
    (void)arg;
    if (w->ses.photo < w->ses.photo_count && photo_regions(w->ses.photos[w->ses.photo]))
        workbench_say(w, false, "the regions are known already; g lists them");
    else if (w->ses.photo < w->ses.photo_count &&
             !(w->ses.model && model_has_detector(w->ses.model)))
        workbench_say(w, true, "no detector: --detector FILE, or \"detector\" in model.json");
    else if (w->ses.photo < w->ses.photo_count)
        w->ses.states[w->ses.photo].asked = w->ses.states[w->ses.photo].waits;
}

static void show_boxes(struct workbench *w, int n)
{
    w->how.boxes = n < 1 ? 1 : n > 100 ? 100 : n;
    workbench_say(w, false, "%d boxes are shown", w->how.boxes);
}

void do_boxes_more(struct workbench *w, const char *arg)
{
    if (*arg && (arg[strspn(arg, "0123456789")] || atoi(arg) < 1))
        workbench_say(w, true, "more-boxes takes a number from 1 to 100, not '%s'", arg);
    else
        show_boxes(w, *arg ? atoi(arg) : w->how.boxes + 1);
}

void do_boxes_fewer(struct workbench *w, const char *arg)
{
    (void)arg;
    show_boxes(w, w->how.boxes - 1);
}
