/* SPDX-License-Identifier: MIT */
/* How a head's numbers are read: one const struct a reading, with all that others ask of it. A
 * reading that ranks something of a new kind is found by the compiler wherever the kind matters
 * (switches over enum ranked, without a default); its decoder is named by engine_reading.c. */
#ifndef VS_READING_H
#define VS_READING_H

#include <stdbool.h>

#define READINGS(X)                                                                                \
    X(ANSWERS, answers)     /* ranked vocabulary answers */                                        \
    X(ALIGNMENT, alignment) /* one caption against images, ranked by the alignment logit */        \
    X(BOXES, boxes)         /* ranked regions */                                                   \
    X(PAIR, pair)           /* a statement on two images: false, true */                           \
    X(VERDICT, verdict)     /* contradiction, neutral, entailment */
enum reading_id {
#define READING_ID(ID, name) READ_##ID,
    READINGS(READING_ID)
#undef READING_ID
};

/* What an entry of the ranking is. */
enum ranked {
    RANKED_LABELS, /* result.answers: index is the label, or the class */
    RANKED_IMAGES, /* result.answers: index is the image, label its path */
    RANKED_REGIONS /* result.boxes */
};

struct reading {
    enum reading_id id;
    enum ranked ranked;
    bool by_logit; /* entries are scored one by one: their number is the logit, since the softmax
                      moves with the others; else the softmax */
    bool pairs;    /* the head reads two images as one row of its output */
    bool listed;   /* labels are those of the model's label list, else: */
    const char *const *classes; /* (class_count), or NULL */
    int class_count;
};

#define READING_DECLARED(ID, name) extern const struct reading reading_##name;
READINGS(READING_DECLARED)
#undef READING_DECLARED

#endif
