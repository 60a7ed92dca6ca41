/* SPDX-License-Identifier: MIT */
/* What answers are worth, and the sums of a task.
 *
 * Metrics: task_utils.py of the reference (compute_score_with_logits for answers, the top box with
 * an overlap above 0.5 for references, accuracy elsewhere) and its retrieval evaluation. */
#include "src/study/eval_priv.h"

#include "src/base/mem.h"
#include "src/task/answers.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- scoring one answer */

double eval_overlap(const float *a, const float *b)
{
    double w = fmin((double)a[2], (double)b[2]) - fmax((double)a[0], (double)b[0]) + 1;
    double h = fmin((double)a[3], (double)b[3]) - fmax((double)a[1], (double)b[1]) + 1;
    double area = ((double)a[2] - (double)a[0] + 1) * ((double)a[3] - (double)a[1] + 1) +
                  ((double)b[2] - (double)b[0] + 1) * ((double)b[3] - (double)b[1] + 1);
    return w > 0 && h > 0 ? w * h / (area - w * h) : 0;
}

bool eval_box_is_right(const float *box, const float *meant)
{
    return eval_overlap(box, meant) > 0.5;
}

static double worth_of(const struct eval_item *it, const char *label)
{
    for (int i = 0; i < it->label_count; i++)
        if (answers_equal(it->task, it->labels[i], label))
            return (double)it->worths[i];
    return 0;
}

/* Place of the right image, from 0. */
static int place_of(const struct result *r, int number)
{
    int place = 0;
    for (int i = 0; i < r->raw_count; i++) /* a pool's are not ranked */
        place += r->raw[i] > r->raw[number] || (r->raw[i] == r->raw[number] && i < number);
    if (r->raw)
        return place;
    int i = 0;
    while (i < r->answer_count && r->answers[i].index != number)
        i++;
    return i;
}

int eval_box_among(const float *box, const float *boxes, int count)
{
    int best = -1;
    float least = 2;
    for (int i = 0; i < count; i++) {
        float most = 0;
        for (int k = 0; k < 4; k++)
            most = fmaxf(most, fabsf(box[k] - boxes[4 * i + k]));
        if (most < least || (best < 0 && most <= least)) {
            best = i;
            least = most;
        }
    }
    return best;
}

/* By its number where all of the image's boxes are the item's, else by where it is. */
int eval_choice(const struct eval_item *it, const struct result *r, int i)
{
    const struct result_box *b = &r->boxes[i];
    if (r->images[0].candidate_count == it->candidates.count)
        return b->region - r->images[0].region_count - 1;
    return eval_box_among(b->box, it->candidates.boxes, it->candidates.count);
}

int eval_chosen(const struct eval_item *it, const struct result *r)
{
    int k = -1;
    for (int i = 0; i < r->box_count && k < 0; i++)
        k = eval_choice(it, r, i);
    return k;
}

double eval_worth(const struct eval_item *it, const struct result *r)
{
    switch (it->task->reading->ranked) {
    case RANKED_REGIONS:
        if (r->box_count == 0)
            return 0;
        if (it->candidates.count)
            return eval_chosen(it, r) == it->number;
        return eval_box_is_right(r->boxes[0].box, it->box);
    case RANKED_IMAGES: return place_of(r, it->number) == 0;
    case RANKED_LABELS: break;
    }
    return r->answer_count ? worth_of(it, r->answers[0].label) : 0;
}

bool eval_has_truth(const struct eval_item *it)
{
    return it->scored || it->label_count > 0 || it->number >= 0 || it->has_box;
}

/* ---- sums */

static void add_labels(struct eval_sum *s, const struct eval_item *it)
{
    for (int i = 0; i < it->label_count; i++) {
        char *label = answer_normalise(it->task, it->labels[i]);
        int at = strmap_get(&s->labels, label, strlen(label));
        if (at < 0) {
            at = s->label_count++;
            s->names = xreallocarray(s->names, (size_t)s->label_count, sizeof *s->names);
            s->names[at] = label;
            strmap_add(&s->labels, label, strlen(label), at);
            s->worths = xreallocarray(s->worths, (size_t)s->label_count, sizeof *s->worths);
            s->worths[at] = 0;
        } else {
            free(label);
        }
        s->worths[at] += (double)it->worths[i];
    }
}

/* What a blind choice gets: a region, a candidate, an image at random. */
static double blind_of(const struct eval_item *it, const struct result *r)
{
    if (it->task->reading->ranked == RANKED_IMAGES)
        return 1.0 / (r->raw ? r->raw_count : it->image_count);
    if (it->candidates.count)
        return 1.0 / it->candidates.count;
    int good = 0;
    for (int i = 0; it->has_box && i < r->images[0].region_count; i++)
        good += eval_box_is_right(r->images[0].boxes + 4 * i, it->box);
    return r->images[0].region_count ? (double)good / r->images[0].region_count : 0;
}

static bool is_found(const struct result_image *im, const float *box)
{
    for (int i = 0; i < im->region_count; i++)
        if (eval_overlap(im->boxes + 4 * i, box) >= 0.5)
            return true;
    return false;
}

void eval_mark_of(const struct eval_item *it, const struct result *r, struct eval_mark *out)
{
    *out = (struct eval_mark){.foreign = r->foreign};
    if (!eval_has_truth(it))
        return;
    if (it->foil_count) {
        eval_foils_mark(it, r, out);
        return;
    }
    out->score = eval_worth(it, r);
    out->chance = blind_of(it, r);
    if (it->task->reading->ranked == RANKED_IMAGES)
        out->rank = place_of(r, it->number);
    /* Recall of the regions: of the box that is meant, or of the candidates. */
    out->named = it->has_box + it->candidates.count;
    out->found = it->has_box && is_found(&r->images[0], it->box);
    for (int i = 0; i < it->candidates.count; i++)
        out->found += is_found(&r->images[0], it->candidates.boxes + 4 * i);
}

void eval_sum_add_truth(struct eval_sum *s, const struct eval_item *it)
{
    if (!eval_has_truth(it))
        return;
    s->truths++;
    add_labels(s, it);
}

void eval_sum_add(struct eval_sum *s, const struct eval_item *it, const struct eval_mark *mark,
                  const struct result *r)
{
    s->count++;
    s->foreign += mark->foreign;
    s->unlisted += mark->unlisted;
    s->score += mark->score;
    s->ms += r ? r->ms.total : 0;
    s->timed += r != NULL;
    s->at5 += mark->rank < 5;
    s->at10 += mark->rank < 10;
    s->foils += it->foil_count > 0;
    s->pairs += it->foil_count && it->image_count == 2;
    s->text += mark->text;
    s->image += mark->image;
    s->blind += mark->chance;
    s->named += mark->named;
    s->found += mark->found;
    eval_sum_add_truth(s, it);
}

void eval_interval(double p, double n, double *low, double *high)
{
    double z = 1.96, centre = (p + z * z / (2 * n)) / (1 + z * z / n);
    double half = z * sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n);
    *low = n > 0 ? fmax(centre - half, 0) : 0; /* rounding may lead out of 0 to 1 */
    *high = n > 0 ? fmin(centre + half, 1) : 0;
}

void eval_sum_finish(const struct eval_sum *s, const struct task *task, struct eval_score *out)
{
    double n = s->count, most = 0;
    *out = (struct eval_score){
        .task = task, .count = s->count, .named = s->named, .found = s->found,
        .foreign = s->foreign, .unlisted = s->unlisted, .answered = s->answered};
    if (s->count == 0)
        return;
    for (int i = 0; i < s->label_count; i++)
        most = s->worths[i] > most ? s->worths[i] : most;
    out->score = s->score / n;
    eval_interval(out->score, n, &out->low, &out->high);
    out->foils = s->foils;
    out->pairs = s->pairs;
    out->text = s->pairs ? (double)s->text / s->pairs : 0;
    out->image = s->pairs ? (double)s->image / s->pairs : 0;
    if (task->reading->ranked == RANKED_IMAGES) {
        out->at5 = s->at5 / n;
        out->at10 = s->at10 / n;
    }
    out->baseline = s->label_count ? most / s->truths : s->blind / n;
    out->ms = s->timed ? s->ms / s->timed : 0;
}
