/* What if: changes of the query that is shown. Each is asked at once; the answer without changes is
 * kept to compare with. */
#include "src/base/mem.h"
#include "ui/views/inside.h"
#include "ui/jobs/knock.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool can_change(struct workbench *w)
{
    if (w->now.r && w->engine)
        return true;
    workbench_say(w, true, "ask something first");
    return false;
}

/* Adds it, or takes it away when it is there. */
static void toggle(struct workbench *w, const struct change *c)
{
    int n = w->changes.count;
    struct change *list = w->changes.list;
    for (int i = 0; i < n; i++)
        if (change_equal(&list[i], c)) {
            memmove(list + i, list + i + 1, (size_t)(n - i - 1) * sizeof *list);
            w->changes.count--;
            return;
        }
    w->changes.list = xreallocarray(list, (size_t)n + 1, sizeof *list);
    w->changes.list[n] = *c;
    w->changes.count++;
}

void change_toggle(struct workbench *w, const struct change *c)
{
    if (!can_change(w))
        return;
    toggle(w, c);
    query_repeat(w);
}

/* Parses "verb arg" and asks. */
static void toggle_text(struct workbench *w, const char *verb, const char *arg)
{
    struct vs_err err = {0};
    struct change c;
    char *text = xasprintf("%s %s", verb, arg);
    if (change_parse(text, &c, &err) == 0)
        change_toggle(w, &c);
    else
        workbench_say(w, true, "%s", err.text);
    free(text);
}

/* ---- tokens and regions */

/* By number, by what it says, or the chosen one; -1, with words, when there is none. */
static int find_token(struct workbench *w, const char *arg)
{
    const struct result *r = w->now.r;
    int at = *arg ? atoi(arg) - 1 : w->sel->token;
    for (int i = 0; *arg && at < 0 && i < r->token_count; i++)
        if (strcasecmp(r->tokens[i].piece, arg) == 0)
            at = i;
    if (at >= 0 && at < r->token_count)
        return at;
    workbench_say(w, true, *arg ? "there is no token '%s' in the query"
                                : "choose a token first: Left and Right%s", arg);
    return -1;
}

void do_mask(struct workbench *w, const char *arg)
{
    if (!can_change(w))
        return;
    struct change c = {.kind = CHANGE_MASK_TOKEN, .token = find_token(w, arg)};
    if (c.token >= 0)
        change_toggle(w, &c);
}

/* Nothing looks at the chosen region, else at the chosen token. */
static void drop_chosen(struct workbench *w)
{
    struct change c = {.kind = CHANGE_DROP_REGION, .region = w->sel->region,
                       .image = photo_in_result(w)};
    if (w->sel->region < 0 || c.image < 0) {
        c = (struct change){.kind = CHANGE_DROP_TOKEN, .token = w->sel->token};
        if (c.token < 0) {
            workbench_say(w, true, "choose a region or a token first");
            return;
        }
    }
    change_toggle(w, &c);
}

void do_drop(struct workbench *w, const char *arg)
{
    if (!can_change(w))
        return;
    if (!*arg) {
        drop_chosen(w);
    } else if (strncmp(arg, "token ", 6) == 0 && !isdigit((unsigned char)arg[6])) {
        struct change c = {.kind = CHANGE_DROP_TOKEN, .token = find_token(w, arg + 6)};
        if (c.token >= 0)
            change_toggle(w, &c);
    } else {
        toggle_text(w, "drop", arg);
    }
}

/* ---- attention */

static const char *const how_names[] = {[KERN_ZERO] = "zero", [KERN_UNIFORM] = "uniform",
                                        [KERN_MEAN] = "mean"};

static int find_how(const char *word)
{
    for (int i = 0; i < 3; i++)
        if (strcmp(how_names[i], word) == 0)
            return i;
    return -1;
}

/* The chosen head, the chosen set of heads, or, where a mean is chosen, all heads of the layer. */
static void silence_chosen(struct workbench *w, bool whole_layer)
{
    const struct slice *x = pane_slice(w, panes_focused(&w->panes));
    enum attn_kind k = x->kind;
    int head = x->head[k];
    uint32_t set = whole_layer ? 0 : look_set_heads(head);
    struct change c = {.kind = CHANGE_SILENCE, .map = k, .layer = x->layer[k],
                       .head = whole_layer || head < 0 ? -1 : head, .how = w->changes.how};
    for (int h = 0; h < LOOK_SET_HEADS && set; h++)
        if (set >> h & 1) {
            c.head = h;
            toggle(w, &c);
        }
    if (!set)
        toggle(w, &c);
    query_repeat(w);
}

/* "[layer] [zero|uniform|mean]": what is chosen; else a map, layer and head as changes are
 * written. */
void do_silence(struct workbench *w, const char *arg)
{
    if (!can_change(w))
        return;
    const char *last = strrchr(arg, ' ');
    int how = find_how(last ? last + 1 : arg);
    if (how >= 0)
        w->changes.how = (enum kern_silence)how;
    bool layer = strncmp(arg, "layer", 5) == 0 && (arg[5] == '\0' || arg[5] == ' ');
    if (!*arg || layer || (how >= 0 && !last)) {
        silence_chosen(w, layer);
        return;
    }
    char *text = how >= 0 ? xstrdup(arg) : xasprintf("%s %s", arg, how_names[w->changes.how]);
    toggle_text(w, "silence", text);
    free(text);
}

/* ---- words */

/* Bytes of the model's text that the word of a token covers, with the pieces before and after. */
static void word_of(const struct result *r, int token, int *begin, int *end)
{
    int first = token, last = token;
    while (first > 0 && strncmp(r->tokens[first].piece, "##", 2) == 0)
        first--;
    while (last + 1 < r->token_count && strncmp(r->tokens[last + 1].piece, "##", 2) == 0)
        last++;
    *begin = r->tokens[first].begin;
    *end = r->tokens[last].end;
}

/* Where the model's text repeats the typed one, a task's template aside: the same occurrence of the
 * word. NULL when it was not typed. */
static const char *typed_word(const struct result *r, int begin, int end)
{
    size_t len = (size_t)(end - begin);
    char *word = xstrndup(r->model_text + begin, len);
    const char *model = r->model_text, *typed = strstr(r->text, word);
    while ((model = strstr(model, word)) && model < r->model_text + begin && typed) {
        model++;
        typed = strstr(typed + 1, word);
    }
    free(word);
    return typed;
}

/* Asks the same with other words in place of the chosen token's, and compares. */
void do_replace(struct workbench *w, const char *arg)
{
    int begin, end;
    if (!can_change(w))
        return;
    if (!*arg) {
        do_command(w, "replace ");
        return;
    }
    const struct result *r = w->now.r;
    int token = w->sel->token;
    if (token < 0 || token >= r->token_count || r->tokens[token].end <= r->tokens[token].begin) {
        workbench_say(w, true, "choose a word of the query first: Left and Right");
        return;
    }
    word_of(r, token, &begin, &end);
    const char *at = typed_word(r, begin, end);
    if (!at) {
        workbench_say(w, true, "the task has added that word: it cannot be replaced");
        return;
    }
    char *text = xasprintf("%.*s%s%s", (int)(at - r->text), r->text, arg, at + (end - begin));
    query_vary(w, text);
    free(text);
}

/* ---- back, and knock-outs */

/* All of them, or one by its number. */
void do_restore(struct workbench *w, const char *arg)
{
    int n = w->changes.count, at = atoi(arg);
    if (*arg && (at < 1 || at > n)) {
        workbench_say(w, true, n ? "there are changes 1 to %d" : "nothing is changed", n);
        return;
    }
    if (!can_change(w))
        return;
    if (n == 0 && !w->plain) {
        workbench_say(w, false, "nothing is changed");
        return;
    }
    if (*arg) {
        struct change c = w->changes.list[at - 1];
        toggle(w, &c);
    } else {
        w->changes.count = 0;
    }
    if (w->changes.count == 0 && w->plain)
        query_vary(w, w->plain->text);
    else
        query_repeat(w);
}

/* "[regions|tokens|heads] [zero|uniform|mean]"; without a word the next kind. */
void do_knock_out(struct workbench *w, const char *arg)
{
    static const char *const names[EFFECTS_KINDS] = {"regions", "tokens", "heads"};
    const char *blank = strchr(arg, ' ');
    size_t len = blank ? (size_t)(blank - arg) : strlen(arg);
    int next = w->knocks.known ? (int)(w->knocks.known->of + 1) % EFFECTS_KINDS : 0;
    int of = *arg ? -1 : next, how = blank ? find_how(blank + 1) : (int)KERN_ZERO;
    for (int i = 0; i < EFFECTS_KINDS; i++)
        if (len && strncmp(names[i], arg, len) == 0 && strlen(names[i]) == len)
            of = i;
    if (of < 0 || how < 0) {
        workbench_say(w, true, "knock-out regions, tokens, or heads [zero, uniform, mean]");
        return;
    }
    if (!can_change(w))
        return;
    do_view(w, "effects");
    knock_start(w, (enum effects_of)of, (enum kern_silence)how);
}
