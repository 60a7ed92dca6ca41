/* SPDX-License-Identifier: MIT */
/* One question to a model that was just set up. */
#include "src/cmd/cmd_setup.h"

#include "src/base/mem.h"
#include "src/engine/demo.h"
#include "src/study/eval.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int setup_ask(struct model *m, const struct setup_question *q, struct result **out,
              struct vs_err *err)
{
    struct photo *photo = NULL;
    struct photo_options how = {.regions = q->regions, .key = q->key};
    bool shown = false;
    int rc = photo_open(q->image, &how, &photo, err);
    if (rc == 0) {
        struct query query = {.task = q->task, .text = q->text, .photo_count = 1,
                              .photos = &photo, .checkpoint = model_checkpoint_count(m) - 1,
                              .others = q->others, .verbatim = q->verbatim,
                              .report = isatty(STDERR_FILENO) ? command_detecting : NULL,
                              .report_arg = &shown};
        rc = query_run(m, &query, NULL, out, err);
    }
    if (shown)
        fputs("\r\033[K", stderr);
    photo_free(photo);
    return rc;
}

char *setup_demo_picture(void)
{
    struct parts parts = {0};
    struct eval_set *set = NULL;
    char *demo = demo_find(), *found = NULL;
    if (demo && parts_read(demo, &parts, NULL) == 0 && parts.queries &&
        eval_open(&(struct eval_source){.path = parts.queries}, &set, NULL) == 0 &&
        set->count > 0 && set->items[0].image_count > 0)
        found = xstrdup(set->items[0].images[0]);
    eval_free(set);
    parts_fini(&parts);
    free(demo);
    return found;
}
