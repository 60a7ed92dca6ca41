/* SPDX-License-Identifier: MIT */
/* Finding views; all_views is made of the list in local.mk. */
#include "ui/views/views.h"

#include <string.h>

const struct view *view_find(const char *name)
{
    name = action_name_now(name);
    for (int i = 0; all_views[i]; i++)
        if (strcmp(all_views[i]->name, name) == 0)
            return all_views[i];
    return NULL;
}
