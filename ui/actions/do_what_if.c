/* SPDX-License-Identifier: MIT */
/* What if: changes of the query that is shown. Each is asked at once; the answer without changes is
 * kept to compare with. */
#include "src/base/mem.h"
#include "ui/actions/actions.h"
#include "ui/views/list.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

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

static void do_mask(struct workbench *w, const char *arg)
{
    if (!change_possible(w))
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

static void do_drop(struct workbench *w, const char *arg)
{
    if (!change_possible(w))
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
            change_put(w, &c);
        }
    if (!set)
        change_put(w, &c);
    query_repeat(w);
}

/* "[layer] [zero|uniform|mean]": what is chosen; else a map, layer and head as changes are
 * written. */
static void do_silence(struct workbench *w, const char *arg)
{
    if (!change_possible(w))
        return;
    const char *last = strrchr(arg, ' ');
    int how = silence_find(last ? last + 1 : arg);
    if (how >= 0)
        w->changes.how = (enum kern_silence)how;
    bool layer = strncmp(arg, "layer", 5) == 0 && (arg[5] == '\0' || arg[5] == ' ');
    if (!*arg || layer || (how >= 0 && !last)) {
        silence_chosen(w, layer);
        return;
    }
    char *text = how >= 0 ? xstrdup(arg) : xasprintf("%s %s", arg, silence_names[w->changes.how]);
    toggle_text(w, "ablate", text);
    free(text);
}

/* Another word for what stands in for silenced attention. */
static void do_silence_by(struct workbench *w, const char *arg)
{
    int at = word_choose(w, silence_names, KERN_SILENCES, (int)w->changes.how, arg);
    if (at < 0)
        return;
    w->changes.how = (enum kern_silence)at;
    workbench_say(w, false, "ablated attention becomes %s",
                  at == 0   ? "zero: nothing is read"
                  : at == 1 ? "uniform: everything is read equally"
                            : "mean: every row reads the average");
}

static void do_silence_layer(struct workbench *w, const char *arg)
{
    (void)arg;
    do_silence(w, "layer");
}

/* ---- words */

/* Bytes of the model's text that the word of a token covers, with the pieces before and after. */
static void word_of(const struct result *r, int token, int *begin, int *end)
{
    int first = token, last = token;
    while (first > 0 && result_goes_on(&r->tokens[first]))
        first--;
    while (last + 1 < r->token_count && result_goes_on(&r->tokens[last + 1]))
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
static void do_replace(struct workbench *w, const char *arg)
{
    int begin, end;
    if (!change_possible(w))
        return;
    if (!*arg) {
        typed_command(w, "replace ");
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
        workbench_say(w, true, "the task added that word: it cannot be replaced");
        return;
    }
    char *text = xasprintf("%.*s%s%s", (int)(at - r->text), r->text, arg, at + (end - begin));
    query_vary(w, text);
    free(text);
}

/* ---- back */

/* All of them, or one by its number. */
static void do_restore(struct workbench *w, const char *arg)
{
    int n = w->changes.count, at = atoi(arg);
    if (*arg && (at < 1 || at > n)) {
        workbench_say(w, true, n ? "there are changes 1 to %d" : "there are no changes", n);
        return;
    }
    if (!change_possible(w))
        return;
    if (n == 0 && !w->plain) {
        workbench_say(w, false, "there are no changes");
        return;
    }
    if (*arg) {
        struct change c = w->changes.list[at - 1];
        change_put(w, &c);
    } else {
        w->changes.count = 0;
    }
    if (w->changes.count == 0 && w->plain)
        query_vary(w, w->plain->text);
    else
        query_repeat(w);
}

const struct action what_if_actions[] = {
    {"mask", "M", "[TOKEN]", NULL, "ask again with the chosen token masked", do_mask},
    {"drop", "D", "[CHANGE]", NULL,
     "ask again without the chosen region or token (region 3, token dog)", do_drop},
    {"ablate", "X", "[CHANGE]", NULL,
     "ask again with the chosen head, heads or layer ablated (text-to-image 2.1 zero)", do_silence},
    {"ablate-layer", "W", "", NULL, "ask again with all heads of the map's layer ablated",
     do_silence_layer},
    {"ablate-by", "Y", "[HOW]", NULL, "what replaces ablated attention: zero, uniform, mean",
     do_silence_by},
    {"replace", "R", "[TEXT]", NULL, "ask again with other words in place of the chosen one",
     do_replace},
    {"restore", "U", "[N]", NULL, "undo all changes, or change N", do_restore},
    {0},
};
