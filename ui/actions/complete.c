/* SPDX-License-Identifier: MIT */
/* Completing the command line: names of commands, and what each of them takes. */
#include "src/base/mem.h"
#include "ui/actions/actions.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* What fits so far. */
struct candidates {
    const char *prefix;
    char *common;     /* beginning of all of them, NULL: none */
    struct buf shown; /* their names with blanks between */
    int count;
};

static void offer(struct candidates *c, const char *name)
{
    if (strncmp(name, c->prefix, strlen(c->prefix)) != 0)
        return;
    size_t same = 0;
    if (!c->common)
        c->common = xstrdup(name);
    while (c->common[same] && c->common[same] == name[same])
        same++;
    c->common[same] = '\0';
    c->count++;
    if (c->shown.len < 400) {
        const char *slash = strrchr(name, '/');
        buf_printf(&c->shown, "%s%s", c->shown.len ? "  " : "",
                   slash && slash[1] ? slash + 1 : name);
    }
}

static void offer_actions(const struct workbench *w, struct candidates *c)
{
    for (const struct action_group *g = w->actions; g->title; g++)
        for (const struct action *a = g->actions; a->name; a++)
            offer(c, a->name);
}

/* Words that an argument can be, with blanks between. */
static void offer_words(struct candidates *c, const char *words)
{
    char *copy = xstrdup(words), *save = NULL;
    for (char *s = strtok_r(copy, " ", &save); s; s = strtok_r(NULL, " ", &save))
        offer(c, s);
    free(copy);
}

static void offer_maps(struct candidates *c, const struct family *f)
{
    for (int i = 0; i < f->map_count; i++)
        offer(c, attn_table[f->maps[i]].word);
}

static void offer_files(struct candidates *c)
{
    const char *slash = strrchr(c->prefix, '/');
    char *dir = slash ? xstrndup(c->prefix, (size_t)(slash - c->prefix) + 1) : xstrdup("");
    DIR *d = opendir(*dir ? dir : ".");
    for (struct dirent *e; d && (e = readdir(d));) {
        struct stat st;
        if (e->d_name[0] == '.' && (!slash || slash[1] != '.') && c->prefix[0] != '.')
            continue;
        char *path = xasprintf("%s%s", dir, e->d_name);
        bool folder = stat(path, &st) == 0 && S_ISDIR(st.st_mode);
        char *name = xasprintf("%s%s", path, folder ? "/" : "");
        offer(c, name);
        free(name);
        free(path);
    }
    if (d)
        closedir(d);
    free(dir);
}

static void offer_argument(const struct workbench *w, struct candidates *c, const char *args)
{
    if (strstr(args, "FILE") || strstr(args, "FOLDER"))
        offer_files(c);
    for (int i = 0; strstr(args, "VIEW") && all_views[i]; i++)
        offer(c, all_views[i]->name);
    for (int i = 0; strstr(args, "TASK") && i < task_count; i++)
        offer(c, task_table[i].name);
    for (int i = 0; strstr(args, "CHECKPOINT") && i < model_checkpoint_count(w->ses.model); i++)
        offer(c, model_checkpoint_name(w->ses.model, i));
    if (strstr(args, "COLORS"))
        offer_words(c, "viridis cividis inferno gray");
    if (strstr(args, "MAP"))
        offer_maps(c, look_family(w));
    for (int i = 0; strstr(args, "METHOD") && i < attribution_count; i++)
        offer(c, attribution_table[i].word);
    if (strstr(args, "METHOD"))
        offer_words(c, "all off");
    if (strstr(args, "HEAD"))
        offer_words(c, "mean max rollout");
    if (strstr(args, "DIRECTION"))
        offer_words(c, "left right up down");
    if (strstr(args, "OPTION"))
        offer_words(c, "boxes color colors graphics mouse special theme words");
}

static void replace(struct edit *e, size_t from, const char *text, bool whole)
{
    char *line = xasprintf("%.*s%s%s", (int)from, e->text, text, whole ? " " : "");
    edit_set(e, line);
    free(line);
}

/* Completes what stands behind `from`. */
static void complete(struct workbench *w, struct edit *e, size_t from, struct candidates *c,
                     bool blank_after)
{
    size_t typed = e->len - from;
    if (c->count == 0) {
        workbench_say(w, true, "nothing begins with '%s'", e->text + from);
        return;
    }
    bool folder = c->common[0] && c->common[strlen(c->common) - 1] == '/';
    if (c->count > 1 && strlen(c->common) <= typed)
        workbench_say(w, false, "%s", c->shown.data);
    else
        replace(e, from, c->common, c->count == 1 && blank_after && !folder);
}

void complete_command(struct workbench *w)
{
    struct edit *e = w->typed.mode == MODE_OPEN ? &w->typed.open : &w->typed.command;
    size_t from = w->typed.mode == MODE_OPEN ? 0 : strcspn(e->text, " ");
    struct candidates c = {.prefix = e->text};
    bool names = w->typed.mode == MODE_COMMAND && !e->text[from];
    if (w->typed.mode == MODE_OPEN) {
        offer_files(&c);
    } else if (names) {
        from = 0;
        offer_actions(w, &c);
    } else {
        char *name = xstrndup(e->text, from);
        const struct action *a = action_find(w, name);
        from += strspn(e->text + from, " ");
        c.prefix = e->text + from;
        if (a)
            offer_argument(w, &c, a->args);
        free(name);
    }
    complete(w, e, from, &c, names);
    free(c.common);
    buf_fini(&c.shown);
}
