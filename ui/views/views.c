/* All views, in the order in which they are listed; popups last. */
#include "ui/workbench_priv.h"

#include <string.h>

const struct view *const all_views[] = {
    &view_photo,
    &view_answer,
    &view_looks,
    &view_tokens,
    &view_matrix,
    &view_heads,
    &view_states,
    &view_plane,
    &view_lens,
    &view_effects,
    &view_what_if,
    &view_regions,
    &view_compare,
    &view_difference,
    &view_drift,
    &view_swap,
    &view_trend,
    &view_tasks,
    &view_history,
    &view_status,
    &view_views,
    &view_help,
    NULL,
};

const struct view *view_find(const char *name)
{
    for (int i = 0; all_views[i]; i++)
        if (strcmp(all_views[i]->name, name) == 0)
            return all_views[i];
    return NULL;
}
