/* SPDX-License-Identifier: MIT */
/* The sets of weights in what a training script saved: state dicts in dictionaries of its own,
 * averaged copies beside the plain ones, whole modules. One of them is chosen.
 *
 * Source: torch/nn/modules/module.py (state_dict, and what pickling a module writes of it). */
#include "src/formats/torchsets.h"

#include "src/formats/setname.h"
#include "src/base/mem.h"

#include <stdlib.h>
#include <string.h>

#define SETS_MOST 64
#define SETS_DEPTH 5          /* dictionaries in each other that are looked into */
#define MODULES_DEPTH 40
#define LOOKED_AT_MOST 4000000 /* values: shared ones would multiply without an end */

/* ---- the tensors of a set */

struct walk {
    torch_visit *visit;
    void *arg;
    struct buf name;
    long looked_at;
    int rc;
};

static bool is_text(const struct pval *v)
{
    return v->kind == PK_STRING || v->kind == PK_BYTES;
}

/* "layer" and "3" to "layer.3"; the length before, to go back to. */
static size_t walk_down(struct walk *w, const struct pval *key)
{
    size_t before = w->name.len;
    if (before)
        buf_puts(&w->name, ".");
    buf_printf(&w->name, "%.*s", key->len > 4096 ? 4096 : (int)key->len,
               (const char *)key->bytes);
    return before;
}

static void walk_up(struct walk *w, size_t before)
{
    w->name.len = before;
    if (w->name.data)
        w->name.data[before] = '\0';
}

static void walk_tensors(struct walk *w, const struct pval *dict)
{
    for (size_t i = 0; dict && i + 1 < dict->count && w->rc == 0; i += 2) {
        const struct pval *key = dict->items[i], *value = dict->items[i + 1];
        const struct pval *args = torch_odd_tensor(value) ? value : torch_tensor_args(value);
        if (++w->looked_at > LOOKED_AT_MOST || !args || !is_text(key))
            continue;
        size_t before = walk_down(w, key);
        const char *name = w->name.data ? w->name.data : ""; /* a key may be empty */
        w->rc = w->visit(w->arg, name, w->name.len, args);
        walk_up(w, before);
    }
}

static const struct pval *dict_in(const struct pval *v, const char *key)
{
    const struct pval *d = v && v->kind == PK_DICT ? pval_get(v, key) : NULL;
    return d && d->kind == PK_DICT ? d : NULL;
}

/* What a module keeps of itself; NULL for what is none. */
static const struct pval *module_state(const struct pval *v)
{
    const struct pval *state = v->kind == PK_OBJECT && v->count > 2 ? v->items[2] : NULL;
    return dict_in(state, "_modules") && dict_in(state, "_parameters") ? state : NULL;
}

static void walk_module(struct walk *w, const struct pval *state, int depth)
{
    const struct pval *inner = dict_in(state, "_modules");
    walk_tensors(w, dict_in(state, "_parameters"));
    walk_tensors(w, dict_in(state, "_buffers"));
    for (size_t i = 0; i + 1 < inner->count && w->rc == 0 && depth < MODULES_DEPTH; i += 2) {
        const struct pval *child = module_state(inner->items[i + 1]);
        if (++w->looked_at > LOOKED_AT_MOST || !child || !is_text(inner->items[i]))
            continue;
        size_t before = walk_down(w, inner->items[i]);
        walk_module(w, child, depth + 1);
        walk_up(w, before);
    }
}

/* looked_at: counted on. */
static int walk_set(const struct pval *set, torch_visit *visit, void *arg, long *looked_at)
{
    struct walk w = {.visit = visit, .arg = arg, .looked_at = *looked_at};
    const struct pval *module = module_state(set);
    if (module)
        walk_module(&w, module, 0);
    else if (set->kind == PK_DICT)
        walk_tensors(&w, set);
    buf_fini(&w.name);
    *looked_at = w.looked_at;
    return w.rc;
}

int torch_set_each(const struct pval *set, torch_visit *visit, void *arg)
{
    long looked_at = 0;
    return walk_set(set, visit, arg, &looked_at);
}

/* ---- finding them */

struct set {
    char *label; /* the keys that lead to it, "ema.module"; "" is the file's own dictionary */
    const struct pval *from;
    long tensors;
    bool whole; /* it has what every model has */
    bool list;  /* of tensors without names */
    bool object; /* an object of a trainer's own class keeps it */
};

struct sets {
    struct set list[SETS_MOST];
    int count;
    long looked_at;
};

static int count_tensor(void *arg, const char *name, size_t len, const struct pval *args)
{
    struct set *s = arg;
    (void)len;
    (void)args;
    char *plain = s->whole ? NULL : setname_unwrapped(name);
    s->tensors++;
    s->whole = s->whole || setname_before_landmark(plain) >= 0;
    free(plain);
    return 0;
}

/* A model, or a list that may become one. */
static bool set_stays(const struct set *s)
{
    return s->whole || s->list;
}

/* Where one more set goes; -1: nowhere. One that stays takes the place of one that does not: an
 * optimizer may have a dictionary for each parameter. */
static int sets_room(struct sets *s, bool stays)
{
    int at = s->count < SETS_MOST ? s->count++ : SETS_MOST - 1;
    if (s->list[at].label && (!stays || set_stays(&s->list[at])))
        for (at = stays ? at - 1 : -1; at >= 0 && set_stays(&s->list[at]);)
            at--;
    if (at >= 0)
        free(s->list[at].label);
    return at;
}

static void sets_add(struct sets *s, const struct pval *from, const char *label, bool object)
{
    struct set found = {.from = from, .object = object};
    bool seen = false;
    for (int i = 0; i < s->count; i++) /* one dictionary under two keys is one set */
        seen |= s->list[i].from == from;
    if (seen)
        return;
    walk_set(from, count_tensor, &found, &s->looked_at);
    int at = found.tensors ? sets_room(s, found.whole) : -1;
    if (at >= 0) {
        found.label = xstrdup(label);
        s->list[at] = found;
    }
}

/* torch-ema's average. What its tensors are called another set has to tell. */
static void sets_add_shadow(struct sets *s, const struct pval *list, const char *label)
{
    bool any = list->kind == PK_LIST && list->count > 0 && torch_tensor_args(list->items[0]);
    int at = any ? sets_room(s, true) : -1;
    if (at >= 0)
        s->list[at] = (struct set){.label = xstrdup(label), .from = list, .list = true,
                                   .tensors = (long)list->count};
}

/* What has names in it: a dictionary, or what an object that is no module keeps in its own, as that
 * of an average may. NULL for other values. */
static const struct pval *names_in(const struct pval *v)
{
    if (v->kind == PK_DICT)
        return v;
    const struct pval *state = v->kind == PK_OBJECT && v->count > 2 ? v->items[2] : NULL;
    return state && state->kind == PK_DICT && !module_state(v) ? state : NULL;
}

static void sets_find(struct sets *s, const struct pval *v, const char *label, int depth,
                      bool object)
{
    const struct pval *in = names_in(v);
    sets_add(s, in ? in : v, label, object);
    for (size_t i = 0; in && depth < SETS_DEPTH && i + 1 < in->count; i += 2) {
        const struct pval *key = in->items[i], *inner = in->items[i + 1];
        if (++s->looked_at > LOOKED_AT_MOST)
            return;
        bool shadow = pval_is_string(key, "shadow_params");
        if (!is_text(key) || (!names_in(inner) && !shadow && !module_state(inner)))
            continue;
        char *below = xasprintf("%s%s%.*s", label, label[0] ? "." : "",
                                key->len > 100 ? 100 : (int)key->len, (const char *)key->bytes);
        if (shadow)
            sets_add_shadow(s, inner, below);
        sets_find(s, inner, below, depth + 1, object || in != v);
        free(below);
    }
}

/* Lightning's WeightAveraging (EMAWeightAveraging) puts the averages into state_dict, and what they
 * are averages of beside it.
 *
 * Source: on_save_checkpoint of lightning/pytorch/callbacks/weight_averaging.py. */
static void sets_rename_lightning(struct sets *s, const struct pval *root)
{
    const struct pval *average = dict_in(root, "state_dict");
    if (!average || !dict_in(root, "averaging_state") || !dict_in(root, "current_model_state"))
        return;
    for (int i = 0; i < s->count; i++)
        if (s->list[i].from == average) {
            free(s->list[i].label);
            s->list[i].label = xstrdup("state_dict (average)");
        }
}

/* ---- choosing */

static const char *sets_label(const void *sets, int i)
{
    return ((const struct sets *)sets)->list[i].label;
}

/* What training scripts call the plain weights, the likelier first. */
static int plainness(const char *label)
{
    static const char *const names[] = {"", "model_state_dict", "state_dict", "model", "module"};
    const char *dot = strrchr(label, '.');
    int i = 0, n = (int)(sizeof names / sizeof names[0]);
    while (i < n && strcmp(dot ? dot + 1 : label, names[i]) != 0)
        i++;
    return i;
}

/* Sets that are models come before others, plain ones before averages, ... */
static bool is_better(const struct set *a, const struct set *b)
{
    bool average_a = setname_is_average(a->label), average_b = setname_is_average(b->label);
    if (a->whole != b->whole)
        return a->whole;
    if (a->list != b->list)
        return b->list;
    if (average_a != average_b)
        return average_b;
    if (a->object != b->object)
        return b->object;
    int pa = plainness(a->label), pb = plainness(b->label);
    if (!a->whole && pa != pb) /* a detector's, a table of numbers: where state dicts are */
        return pa < pb;
    return a->whole ? pa < pb : a->tensors > b->tensors;
}

/* Lists are models where there is one to name their tensors. */
static void name_lists(struct sets *s)
{
    bool any = false;
    for (int i = 0; i < s->count; i++)
        any |= s->list[i].whole;
    for (int i = 0; i < s->count; i++)
        s->list[i].whole |= any && s->list[i].list;
}

/* The plain set of those with names, whose order a list has. */
static const struct pval *name_giver(const struct sets *s)
{
    const struct set *best = NULL;
    for (int i = 0; i < s->count; i++)
        if (!s->list[i].list && (!best || is_better(&s->list[i], best)))
            best = &s->list[i];
    return best ? best->from : NULL;
}

/* Only models are told apart by what they are called; of other files all sets are. */
static void keep_models(struct sets *s)
{
    int n = 0;
    name_lists(s);
    for (int i = 0; i < s->count; i++)
        n += s->list[i].whole;
    for (int i = 0, k = 0; n && i < s->count; i++)
        if (s->list[i].whole) {
            struct set swap = s->list[k];
            s->list[k++] = s->list[i];
            s->list[i] = swap;
        }
    for (int i = n; n && i < s->count; i++)
        free(s->list[i].label);
    s->count = n ? n : s->count;
}

static int choose_plain(const struct sets *s, const char *path, bool any, int *out,
                        struct vs_err *err)
{
    int best = 0;
    for (int i = 1; i < s->count; i++)
        best = is_better(&s->list[i], &s->list[best]) ? i : best;
    for (int i = 0; i < s->count && s->list[best].whole && !any; i++)
        if (i != best && !is_better(&s->list[best], &s->list[i]))
            return setname_fail_several(path, s, s->count, sets_label, err);
    *out = best;
    return 0;
}

int torch_choose_set(const struct pval *root, const char *path, const char *wanted,
                     struct torch_chosen *out, struct buf *names, bool *matched,
                     struct vs_err *err)
{
    struct sets *s = xcalloc(1, sizeof *s);
    int at = -1, rc = 0;
    *out = (struct torch_chosen){.set = NULL};
    *matched = false;
    sets_find(s, root, "", 0, false);
    sets_rename_lightning(s, root);
    keep_models(s);
    for (int i = 0; s->count > 1 && i < s->count; i++)
        if (s->list[i].label[0])
            buf_printf(names, "%s%s", names->len ? ", " : "", s->list[i].label);
    if (wanted)
        rc = setname_match(wanted, path, s, s->count, sets_label, &at, err);
    *matched = at >= 0;
    if (rc == 0 && at < 0 && s->count > 0) /* a name may be that of a part of the tensors */
        rc = choose_plain(s, path, wanted != NULL, &at, err);
    if (rc == 0 && at >= 0)
        *out = (struct torch_chosen){s->list[at].from, s->list[at].list ? name_giver(s) : NULL};
    if (rc == 0 && at >= 0 && s->list[at].list && !out->named)
        rc = vs_fail(err, VS_E_FORMAT, "%s: %s is a list of tensors without names, and there is no "
                     "state dict beside it that has them", path, s->list[at].label);
    for (int i = 0; i < s->count; i++)
        free(s->list[i].label);
    free(s);
    return rc;
}
