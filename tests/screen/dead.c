/* SPDX-License-Identifier: MIT */
/* In the place of ui/state/action_run.c, in a program that only tests have: the action that
 * $VILSCOPE_DEAD names does nothing, as if its function had been lost. tests/screen/dead-keys runs
 * the tests with each of them. */
#include "ui/state/action.h"

#include <stdlib.h>
#include <string.h>

void action_run(struct workbench *w, const struct action *a, const char *arg)
{
    const char *dead = getenv("VILSCOPE_DEAD");
    if (!dead || strcmp(dead, a->name) != 0)
        a->run(w, arg);
}
