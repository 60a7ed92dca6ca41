/* SPDX-License-Identifier: MIT */
/* vilscope model check: the reference's published answers, asked again. */
#include "src/cmd/cmd_setup.h"

#include "src/base/plain.h"
#include "src/cmd/vilscope.h"
#include "src/study/selfcheck.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

/* The picture has to be the one that was asked about. */
static int check_picture(const struct setup_options *o, const struct selfcheck *c,
                         struct findings *f)
{
    struct vs_err err = {0};
    struct image *im = NULL;
    char todo[200];
    snprintf(todo, sizeof todo, "--image %s: the file of that name beside %s", c->picture,
             c->source);
    if (!o->image) {
        finding_add(f, FOUND_PROBLEM, "picture", todo, "missing: the published answers are about "
                    "one picture, which is not shipped here");
        return -1;
    }
    int rc = image_open(o->image, &im, &err);
    bool same = rc == 0 && strcmp(im->digest, c->digest) == 0;
    if (rc != 0)
        finding_add(f, FOUND_PROBLEM, "picture", todo, "%s", err.text);
    else if (!same)
        finding_add(f, FOUND_PROBLEM, "picture", todo, "%s: is another picture (SHA-256 %.12s..., "
                    "not %.12s...): nothing is known about it", o->image, im->digest, c->digest);
    else
        finding_add(f, FOUND_OK, "picture", NULL, "%s", o->image);
    image_free(im);
    return same ? 0 : -1;
}

static void check_item(const struct model *m, const struct result *r,
                       const struct selfcheck_item *item, struct findings *f)
{
    struct result_answer *answers = NULL;
    char said[400];
    int count = 0;
    if (!model_read_head(m, r, item->head, &answers, &count)) {
        finding_add(f, FOUND_PROBLEM, item->name, "take multi_task_model.bin: man 7 "
                    "vilscope-model", "the checkpoint has no such head");
        return;
    }
    bool right = selfcheck_right(item, answers, count, said, sizeof said);
    finding_add(f, right ? FOUND_OK : FOUND_PROBLEM, item->name,
                right                                      ? NULL
                : answers[0].label && answers[0].label[0] == '#' ? "give the checkpoint's list of "
                                                                   "answers"
                                                                 : NULL, "%s", said);
    result_answers_free(answers, count);
}

static int check_ask(const struct setup_options *o, const char *dir, const struct selfcheck *c,
                     struct findings *f)
{
    struct vs_err err = {0};
    struct model_options how = o->model;
    struct setup_question q = {.image = o->image, .regions = o->regions, .key = o->key,
                               .text = c->text, .task = task_find(c->task), .others = true,
                               .verbatim = true};
    struct model *m = NULL;
    struct result *r = NULL;
    how.dir = dir;
    int rc = model_open(&how, &m, &err);
    if (rc == 0)
        rc = setup_ask(m, &q, &r, &err);
    if (rc != 0)
        finding_add(f, FOUND_PROBLEM, "model", NULL, "%s", err.text);
    else
        finding_add(f, FOUND_OK, "model", NULL, "%s on %s: \"%s\" as %s", r->checkpoint_name,
                    model_device(m), c->text, c->task);
    for (int i = 0; rc == 0 && i < c->count; i++)
        check_item(m, r, &c->items[i], f);
    result_free(r);
    model_free(m);
    return rc;
}

int setup_check(const struct setup_options *o, const char *dir)
{
    const struct selfcheck *c = &selfcheck_notebook;
    struct findings f = {0};
    bool asked = check_picture(o, c, &f) == 0 && check_ask(o, dir, c, &f) == 0;
    if (asked && f.problems)
        finding_add(&f, FOUND_NOTE, "source", NULL, "%s was run with a file that it calls "
                    "pytorch_model_9.bin: nobody says that it is the published checkpoint",
                    c->source);
    if (o->json) {
        command_json(json_pack("{s:i, s:s, s:b, s:o}", "version", JSON_FORMAT, "source", c->source,
                               "passed", f.problems == 0, "findings", findings_json(&f)),
                     JSON_INDENT(1));
    } else {
        findings_print(&f);
        plain_out("%s: %s\n", f.problems ? "failed" : "passed", c->source);
    }
    int status = f.problems ? EXIT_FAILED : EXIT_OK;
    findings_fini(&f);
    return status;
}
