/* SPDX-License-Identifier: MIT */
/* vilscope model init: what is there, what is missing, model.json, and one question. */
#include "src/cmd/cmd_setup.h"

#include "src/base/mem.h"
#include "src/base/plain.h"
#include "src/cmd/vilscope.h"
#include "src/vision/detector.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PUBLISHED "github.com/facebookresearch/vilbert-multi-task (man 7 vilscope-model)"

/* ---- what is there, and what is missing */

/* todo NULL: nobody misses it. */
static void init_part(struct setup *s, const char *what, const char *path, enum finding missing,
                      const char *without, const char *todo)
{
    if (path)
        finding_add(&s->found, FOUND_OK, what, NULL, "%s", path);
    else if (todo)
        finding_add(&s->found, missing, what, todo, "missing: %s", without);
}

/* The detector's weights and its description belong together, and to the model. */
static void init_detector(struct setup *s, const struct model *m)
{
    struct vs_err err = {0};
    struct arch a;
    struct tensorfile *f = NULL;
    struct detector_about about;
    int rc = 0;
    arch_default(&a);
    if (s->parts.detector_arch)
        rc = arch_read(s->parts.detector_arch, &a, &err);
    if (rc == 0)
        rc = tensorfile_open(s->parts.detector, &f, &err);
    if (rc == 0 && detector_owns(f, &about) &&
        (about.features != a.mlp_dim || about.classes != a.num_classes))
        rc = vs_fail(&err, VS_E_FORMAT, "%s: has %d features and %d classes, its description %d "
                     "and %d: they do not belong together", s->parts.detector, about.features,
                     about.classes, a.mlp_dim, a.num_classes);
    if (rc == 0 && m && a.mlp_dim != model_features(m))
        rc = vs_fail(&err, VS_E_FORMAT, "%s: its features have %d numbers, the model reads %d",
                     s->parts.detector, a.mlp_dim, model_features(m));
    if (rc == 0)
        finding_add(&s->found, FOUND_OK, "detector", NULL, "%s, %s%s", s->parts.detector,
                    s->parts.detector_arch ? "as described by " : "taken as the reference's "
                                                                  "(ResNeXt-152 32x8d)",
                    s->parts.detector_arch ? s->parts.detector_arch : "");
    else
        finding_add(&s->found, FOUND_PROBLEM, "detector", "give the detector_config.yaml that came "
                    "with the weights", "%s", err.text);
    tensorfile_close(f);
}

void setup_tell(struct setup *s, const struct model *m)
{
    const struct parts *p = &s->parts;
    bool vqa = !m || model_answers(m, model_checkpoint_count(m) - 1, HEAD_VQA) > 0;
    bool gqa = !m || model_answers(m, model_checkpoint_count(m) - 1, HEAD_GQA) > 0;
    for (int i = 0; i < p->checkpoint_count; i++)
        finding_add(&s->found, FOUND_OK, "checkpoint", NULL, "%s", s->kinds[i].says);
    init_part(s, "checkpoint", NULL, FOUND_PROBLEM, "nothing can be asked",
              p->checkpoint_count ? NULL : "multi_task_model.bin of " PUBLISHED);
    init_part(s, "configuration", p->config, FOUND_PROBLEM, "nothing can be asked",
              "config/bert_base_6layer_6conect.json of " PUBLISHED);
    init_part(s, "vocabulary", p->vocab, FOUND_PROBLEM, "nothing can be asked",
              "vocab.txt of BERT base uncased (man 7 vilscope-model)");
    init_part(s, "answers, VQA", p->labels_vqa, FOUND_NOTE, "answers of VQA and Genome QA are "
              "numbers, and eval refuses these tasks",
              vqa ? "VQA/cache/trainval_label2ans.pkl of datasets.tar.gz" : NULL);
    init_part(s, "answers, GQA", p->labels_gqa, FOUND_NOTE, "answers of GQA are numbers, and eval "
              "refuses it", gqa ? "gqa/cache/trainval_label2ans.pkl of datasets.tar.gz" : NULL);
    if (p->detector)
        init_detector(s, m);
    else
        init_part(s, "detector", NULL, FOUND_NOTE, "images need a file of regions (--regions)",
                  "detectron_model.pth and detectron_config.yaml of " PUBLISHED);
    if (p->detector)
        init_part(s, "classes", p->classes, FOUND_NOTE, "regions have numbers for names",
                  "objects_vocab.txt of github.com/peteanderson80/bottom-up-attention");
}

/* ---- one question */

static void init_say(struct setup *s, const struct setup_question *q, const struct result *r)
{
    char *text = result_text(r, 5);
    findings_print(&s->found);
    plain_out("\n%s, %s: \"%s\"\n", q->image ? q->image : q->regions, r->task->name, r->text);
    fputs(text, stdout);
    free(text);
}

/* What to ask about: what was said, else what was among the files, else a picture of the demo. */
static bool init_subject(const struct setup *s, const struct model *m, char **demo,
                         struct setup_question *q)
{
    const struct setup_options *o = s->o;
    bool said = o->image || o->regions;
    *q = (struct setup_question){
        .image = said ? o->image : s->image, .regions = said ? o->regions : s->regions,
        .key = said ? o->key : s->key, .task = o->task ? o->task : command_first_task(m)};
    q->text = o->text                          ? o->text
              : q->task->group == GROUP_QA        ? "what is in the picture?"
              : q->task->group == GROUP_GROUNDING ? "the largest thing"
                                                  : "a picture";
    if (!said && q->image && q->regions) /* nobody said that they belong together */
        q->regions = q->key = NULL;
    if (!q->image && !q->regions && model_has_detector(m))
        q->image = *demo = setup_demo_picture();
    return q->image || q->regions;
}

static int init_ask(struct setup *s, const char *dir, struct result **out)
{
    struct vs_err err = {0};
    struct model_options how = s->o->model;
    struct setup_question q;
    struct model *m = NULL;
    char *demo = NULL;
    how.dir = dir;
    int rc = model_open(&how, &m, &err);
    if (rc == 0 && !init_subject(s, m, &demo, &q)) {
        finding_add(&s->found, FOUND_NOTE, "question", "give --image and --regions, or a detector",
                    "none is asked: there is no file of regions, and no detector to find some");
        rc = 1;
    }
    if (rc == 0)
        rc = setup_ask(m, &q, out, &err);
    if (rc < 0)
        finding_add(&s->found, FOUND_PROBLEM, "question", NULL, "not answered: %s", err.text);
    if (rc == 0) {
        finding_add(&s->found, FOUND_OK, "question", NULL, "answered on %s by %s",
                    model_device(m), (*out)->checkpoint_name);
        if ((*out)->notice)
            finding_add(&s->found, FOUND_NOTE, "question", NULL, "%s", (*out)->notice);
        if (!s->o->json)
            init_say(s, &q, *out);
    }
    free(demo);
    model_free(m);
    return rc;
}

/* ---- all of it */

/* The parts together, as they would be opened, before anything is written. m stays NULL when they
 * are not complete. */
static int init_open(struct setup *s, struct model **m, struct vs_err *err)
{
    const struct parts *p = &s->parts;
    int n = p->checkpoint_count;
    if (!p->config || !p->vocab || n == 0)
        return 0;
    const char **paths = xcalloc((size_t)n + 1, sizeof *paths);
    for (int i = 0; i < n; i++)
        paths[i] = p->checkpoints[i].path;
    struct model_options how = s->o->model;
    how.checkpoints = paths;
    how.config = p->config;
    how.vocab = p->vocab;
    int rc = model_open(&how, m, err);
    free(paths);
    return rc;
}

static int init_check_place(const struct setup_options *o, const char *dir, struct vs_err *err)
{
    char *file = xasprintf("%s/model.json", dir);
    int rc = !o->force && access(file, F_OK) == 0
                 ? vs_fail(err, VS_E_USAGE, "%s is there already: --force writes it anew", file)
                 : 0;
    free(file);
    return rc;
}

static int init_write(struct setup *s, const char *dir, struct vs_err *err)
{
    struct model *m = NULL;
    int rc = init_open(s, &m, err);
    if (rc == 0) {
        setup_place_lists(s, m);
        setup_tell(s, m);
        s->parts.name = xstrdup_null(s->o->name);
        rc = parts_write(dir, &s->parts, err);
    }
    if (rc == 0)
        finding_add(&s->found, FOUND_OK, "written", NULL, "%s/model.json", dir);
    model_free(m);
    return rc;
}

static int init_status(const struct setup *s)
{
    return s->found.problems ? EXIT_FAILED : s->unused ? EXIT_PARTLY : EXIT_OK;
}

static void init_json(const struct setup *s, const char *dir, const struct result *r)
{
    char *text = r ? result_json(r, 0) : NULL;
    json_t *result = text ? json_loads(text, 0, NULL) : json_null();
    command_json(json_pack("{s:i, s:o, s:o, s:o}", "version", JSON_FORMAT, "folder",
                           plain_string(dir), "findings", findings_json(&s->found), "result",
                           result ? result : json_null()), JSON_INDENT(1));
    free(text);
}

int setup_init(const struct setup_options *o, const char *dir, char **files, int count)
{
    struct vs_err err = {0};
    struct setup s = {.o = o};
    struct result *r = NULL;
    int rc = init_check_place(o, dir, &err);
    for (int i = 0; rc == 0 && i < count; i++)
        setup_add(&s, files[i]);
    if (rc == 0 && count == 0)
        setup_add(&s, dir);
    if (rc == 0)
        rc = init_write(&s, dir, &err);
    if (!o->json)
        findings_print(&s.found);
    if (rc == 0 && !o->no_query && s.found.problems == 0)
        init_ask(&s, dir, &r);
    if (o->json && rc == 0)
        init_json(&s, dir, r);
    else if (!o->json)
        findings_print(&s.found);
    int status = rc == 0 ? init_status(&s) : command_fail("model", &err);
    setup_fini(&s);
    result_free(r);
    return status;
}
