/* SPDX-License-Identifier: MIT */
/* The readings. */
#include "src/task/reading.h"

static const char *const truths[] = {"false", "true"};
static const char *const verdicts[] = {"contradiction", "neutral", "entailment"};

const struct reading reading_answers = {.id = READ_ANSWERS, .ranked = RANKED_LABELS,
                                        .listed = true};
const struct reading reading_alignment = {.id = READ_ALIGNMENT, .ranked = RANKED_IMAGES,
                                          .by_logit = true};
const struct reading reading_boxes = {.id = READ_BOXES, .ranked = RANKED_REGIONS};
const struct reading reading_pair = {.id = READ_PAIR, .ranked = RANKED_LABELS, .pairs = true,
                                     .classes = truths, .class_count = 2};
const struct reading reading_verdict = {.id = READ_VERDICT, .ranked = RANKED_LABELS,
                                        .classes = verdicts, .class_count = 3};
