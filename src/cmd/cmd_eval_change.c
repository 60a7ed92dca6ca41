/* SPDX-License-Identifier: MIT */
/* vilscope eval --change: checkpoints with interventions, held against themselves. */
#include "src/cmd/cmd_compare.h"
#include "src/cmd/cmd_eval.h"

int eval_changed(const struct eval_study *s, struct vs_err *err)
{
    struct compare_intervention list[WORDS_MOST];
    struct compare_options c = {
        .data = *s->data, .reference = s->reference, .task = s->data->task, .limit = s->limit,
        .json = s->json, .csv = s->csv, .slices = s->slices, .all_slices = s->all_slices,
        .least = s->least, .top = s->top, .resamples = s->resamples, .seed = s->seed,
        .changes = list, .rows_out = s->rows, .resume = s->resume, .shard = s->shard,
        .figure = s->figure.path, .width = s->figure.width, .dpi = s->figure.dpi};
    int rc = 0;
    for (int i = 0; i < s->changes.count && rc == 0; i++)
        rc = compare_intervention_read(s->changes.list[i], &list[c.change_count++], err);
    if (rc == 0)
        rc = compare_rows(&c, s->model, s->stop, err);
    for (int i = 0; i < c.change_count; i++)
        compare_intervention_fini(&list[i]);
    return rc;
}
