/* SPDX-License-Identifier: MIT */
/* What the reference's notebook printed. The picture itself is not shipped: its digest tells it.
 *
 * Source: demo.ipynb, output of its last cell: one pass with the token of RefCOCO, whose text is
 * read as it stands, on the detector's 100 regions. Its "NLVR: 0" is the alignment head of
 * pre-training, which stands in that output's place for a single image: class 0, they belong. */
#include "src/study/selfcheck.h"

#include "src/model/family.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* The one number was computed on a GPU, with the detector's regions: what convolutions round
 * otherwise moves it a little. */
static const struct selfcheck_item notebook[] = {
    {.head = HEAD_VQA, .name = "VQA", .answer = "in water"},
    {.head = HEAD_GQA, .name = "GQA", .answer = "water"},
    {.head = HEAD_TRI, .name = "SNLI-VE", .answer = "neutral"},
    {.head = HEAD_MATCH, .name = "pre-training", .positive = true},
    {.head = HEAD_ALIGN, .name = "alignment", .logit = 1.139376, .tolerance = 0.05},
};

const struct selfcheck selfcheck_notebook = {
    .source = "demo.ipynb of github.com/facebookresearch/vilbert-multi-task",
    .picture = "demo/1.jpg",
    .digest = "9fac4c0ea1e28456e5614f580c6971f0905135e453362826e71679117161cd13",
    .task = "refcoco", .text = "swimming elephant",
    .items = notebook, .count = (int)(sizeof notebook / sizeof notebook[0]),
};

bool selfcheck_right(const struct selfcheck_item *item, const struct result_answer *answers,
                     int count, char *said, size_t size)
{
    if (count < 1) {
        snprintf(said, size, "no answer");
        return false;
    }
    if (item->answer) {
        const char *label = answers[0].label ? answers[0].label : "?";
        snprintf(said, size, "\"%s\" here, \"%s\" there", label, item->answer);
        return strcmp(label, item->answer) == 0;
    }
    double here = (double)answers[0].logit;
    if (item->positive) {
        snprintf(said, size, "caption and image %s here, belong together there",
                 here > 0 ? "belong together" : "do not belong together");
        return here > 0;
    }
    snprintf(said, size, "%.4f here, %.4f there, up to %g apart is fine", here, item->logit,
             item->tolerance);
    return fabs(here - item->logit) <= item->tolerance;
}
