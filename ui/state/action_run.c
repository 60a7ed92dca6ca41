/* SPDX-License-Identifier: MIT */
/* Runs an action. In a file of its own, so that a program for tests can have another one in its
 * place, which leaves an action out (tests/screen/dead.c). */
#include "ui/state/action.h"

void action_run(struct workbench *w, const struct action *a, const char *arg)
{
    a->run(w, arg);
}
