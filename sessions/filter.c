/* SPDX-License-Identifier: MIT */
/* What is typed to find queries, as a filter of log_find. */
#include "sessions/log.h"

#include "src/task/task.h"

#include <stdio.h>
#include <string.h>

static void filter_judged(struct log_typed *t, const char *value)
{
    for (int i = LOG_RIGHT; log_judged_names[i]; i++)
        if (strcmp(value, log_judged_names[i]) == 0) {
            t->f.judged = i;
            return;
        }
    snprintf(t->why, sizeof t->why, "outcome is right, wrong or unjudged, not '%.40s'", value);
}

static void filter_task(struct log_typed *t, const char *value)
{
    t->f.task = value;
    if (!task_find(value))
        snprintf(t->why, sizeof t->why, "there is no task '%.40s'", value);
}

/* "name:value"; false: it is a word to be searched. One whose value is not typed yet is nothing. */
static bool filter_field(struct log_typed *t, const char *word)
{
    const struct {
        const char *name, **at;
    } texts[] = {{"tag:", &t->f.tag}, {"checkpoint:", &t->f.checkpoint}, {"since:", &t->f.since},
                 {"until:", &t->f.until}};
    const char *colon = strchr(word, ':');
    size_t n = colon ? (size_t)(colon - word) + 1 : 0;
    for (size_t i = 0; n && i < sizeof texts / sizeof texts[0]; i++)
        if (n == strlen(texts[i].name) && strncmp(word, texts[i].name, n) == 0) {
            *texts[i].at = word[n] ? word + n : *texts[i].at;
            return true;
        }
    if (strcmp(word, "pinned:") == 0)
        t->f.pinned = true;
    else if (strncmp(word, "task:", 5) == 0 && word[5])
        filter_task(t, word + 5);
    else if (strncmp(word, "outcome:", 8) == 0 && word[8])
        filter_judged(t, word + 8);
    else
        return strcmp(word, "task:") == 0 || strcmp(word, "outcome:") == 0;
    return true;
}

void log_filter_typed(const char *text, struct log_typed *out)
{
    size_t used = 0;
    *out = (struct log_typed){.why = ""};
    snprintf(out->text, sizeof out->text, "%s", text);
    for (char *p = out->text; *p;) {
        char *word = p + strspn(p, " ");
        size_t len = strcspn(word, " ");
        bool ends = word[len] == '\0'; /* the last word may be the beginning of one */
        word[len] = '\0';
        p = ends ? word + len : word + len + 1;
        if (*word && !filter_field(out, word))
            used += (size_t)snprintf(out->words + used, sizeof out->words - used, "%s%s", word,
                                     ends ? "" : " ");
    }
    out->f.match = used ? out->words : NULL;
}
