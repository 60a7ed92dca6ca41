/* SPDX-License-Identifier: MIT */
/* A check set is read as it is written: tasks, images, boxes and what is right, and its paragraphs
 * written again are the same set. A member that is lost, a box or candidate with a number of
 * another one, or an answer counted from elsewhere breaks it. */
#include "tap.h"

#include "src/base/mem.h"
#include "src/study/probes.h"
#include "src/task/task.h"

static bool box_is(const float *box, float x1, float y1, float x2, float y2)
{
    return box[0] == x1 && box[1] == y1 && box[2] == x2 && box[3] == y2;
}

static bool is_of(const struct probes *p, int i, const char *task, int images, const char *text)
{
    const struct eval_item *it = &p->list[i].item;
    return it->task == task_find(task) && it->image_count == images && strcmp(it->text, text) == 0;
}

static void members(const struct probes *p)
{
    const struct probe *list = p->list;
    ok(is_of(p, 0, "vqa", 1, "what color") && strcmp(list[0].name, "a color") == 0 &&
       list[0].item.label_count == 0 && list[0].item.number == -1 && !list[0].item.has_box,
       "a question, named, of which nothing is right");
    ok(is_of(p, 1, "refcoco", 1, "the red square") && list[1].item.has_box && list[1].regions &&
       box_is(list[1].item.box, 10, 20, 60.5f, 60) && strcmp(list[1].name, "the red square") == 0,
       "an expression with a box and regions, named by its text");
    ok(is_of(p, 2, "nlvr2", 2, "two red things") && list[2].item.label_count == 1 &&
       strcmp(list[2].item.labels[0], "true") == 0 && list[2].item.worths[0] == 1, "a pair");
    const struct box_list *c = &list[3].item.candidates;
    ok(is_of(p, 3, "visual7w", 1, "which dog") && c->count == 2 && box_is(c->boxes, 0, 0, 20, 30) &&
       box_is(c->boxes + 4, 10, 10, 50, 60) && list[3].item.number == 1,
       "two boxes to choose from, the second one is right");
    ok(is_of(p, 4, "coco", 2, "a dog") && list[4].item.candidates.count == 0, "a caption");
}

/* Written again. */
static void again(const struct probes *p)
{
    struct buf b = {0};
    char path[] = "/tmp/checkset-XXXXXX";
    int fd = mkstemp(path);
    for (int i = 0; i < p->count; i++) {
        char *text = probe_format(&p->list[i], NULL);
        buf_printf(&b, "%s%s", i ? "\n" : "", text);
        free(text);
    }
    bool written = fd >= 0 && write(fd, b.data, b.len) == (ssize_t)b.len;
    if (fd >= 0)
        close(fd);
    struct probes *q = NULL;
    struct vs_err err = {0};
    if (ok(written && probes_open(path, &q, &err) == 0 && q->count == p->count,
           "it is written and read again %s", err.text))
        members(q);
    if (fd >= 0)
        unlink(path);
    probes_free(q);
    buf_fini(&b);
}

int main(void)
{
    struct probes *p = NULL;
    struct vs_err err = {0};
    if (ok(probes_open(source_path("tests/data/probes/set.probes"), &p, &err) == 0 && p->count > 4,
           "a check set opens %s", err.text)) {
        members(p);
        again(p);
    }
    probes_free(p);
    return tap_done();
}
