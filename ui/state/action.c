/* SPDX-License-Identifier: MIT */
/* Running an action is in a file of its own (action_run.c); here is what is said of one. */
#include "ui/state/action.h"

#include "ui/state/state.h"

#include <stdio.h>
#include <string.h>

/* Scripts and settings may hold the names of before. */
const char *action_name_now(const char *name)
{
    static const struct {
        const char *old, *now;
    } renamed[] = {{"knock-out", "leave-one-out"},    {"silence", "ablate"},
                   {"silence-layer", "ablate-layer"}, {"silence-by", "ablate-by"},
                   {"swap", "patch"},                 {"probes", "check-set"},
                   {"photo", "image"},                {"looks", "attention"}};
    for (size_t i = 0; i < sizeof renamed / sizeof renamed[0]; i++)
        if (strcmp(renamed[i].old, name) == 0)
            return renamed[i].now;
    return name;
}

struct binding *binding_find(const struct bindings *b, const char *key)
{
    for (int i = 0; i < b->count; i++)
        if (strcmp(b->list[i].key, key) == 0)
            return &b->list[i];
    return NULL;
}

void action_keys(const struct workbench *w, const struct action *a, char *out, size_t size)
{
    size_t used = 0;
    out[0] = '\0';
    for (const char *s = a->keys; *s;) {
        char key[16];
        size_t n = strcspn(s, " ");
        snprintf(key, sizeof key, "%.*s", (int)n, s);
        if (!binding_find(&w->bound, key) && used < size)
            used += (size_t)snprintf(out + used, size - used, "%s%s", used ? " " : "", key);
        s += n + strspn(s + n, " ");
    }
    for (int i = 0; i < w->bound.count; i++) {
        const char *line = w->bound.list[i].line;
        size_t n = strcspn(line, " ");
        if (n == strlen(a->name) && strncmp(line, a->name, n) == 0 && used < size)
            used += (size_t)snprintf(out + used, size - used, "%s%s", used ? " " : "",
                                     w->bound.list[i].key);
    }
}
