/* SPDX-License-Identifier: MIT */
/* Interventions on the frozen model: their words, what they do, and that knock-outs in a batch are
 * the same as one query each. A silenced head that still speaks, a dropped region that is still
 * looked at, a swap that forgets a tensor, or copies of a batch that mix breaks it. */
#include "src/task/change.h"
#include "src/study/effects.h"
#include "src/engine/engine.h"
#include "src/study/lens.h"
#include "src/base/mem.h"
#include "tap.h"

#include <math.h>

static void words(void)
{
    static const char *const good[] = {
        "mask token 4", "drop token 1", "drop region 0", "drop region 7 of image 2",
        "silence text-to-image 3.2 zero", "silence image 1 mean", "silence text 2.1 uniform",
        "swap co 3.2 from early", "swap embeddings from a b", "swap text from x",
        "mask tokens special", "drop tokens words", "mask tokens pieces",
        "drop tokens punctuation", "mask word red", "drop word red",
    };
    static const char *const bad[] = {
        "", "mask", "mask token", "mask token 0", "mask token x", "drop region -1",
        "drop region 1 x", "silence text", "silence nothing 1", "silence text 0",
        "silence text 1 loud", "swap co",
        "swap heads 1 from x", "swap co 1 from", "mask token 4 5", "drop token 99999999999",
        "mask tokens", "drop tokens verbs", "mask tokens special 2", "drop word", "mask word a b",
        "mask regions 1", "drop word thatisfarlongerthananywordthatthereisanywhere",
    };
    struct vs_err err = {0};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct change c;
        char text[CHANGE_TEXT] = "";
        if (change_parse(good[i], &c, &err) == 0)
            change_format(&c, text);
        ok(strcmp(text, good[i]) == 0, "words: '%s' as '%s'", good[i], text);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct change c;
        ok(change_parse(bad[i], &c, &err) != 0, "no words: '%s'", bad[i]);
    }
    static const char *const pairs[][2] = {
        {"ablate text 2.1 uniform", "silence text 2.1 uniform"},
        {"patch co 3.2 from early", "swap co 3.2 from early"},
        {"mask token 4", "mask token 4"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        struct change c;
        char logged[CHANGE_TEXT] = "", shown[CHANGE_TEXT] = "";
        if (change_parse(pairs[i][0], &c, &err) == 0) {
            change_format(&c, logged);
            change_show(&c, shown);
        }
        ok(strcmp(shown, pairs[i][0]) == 0 && strcmp(logged, pairs[i][1]) == 0,
           "'%s' is shown as '%s', logged as '%s'", pairs[i][0], shown, logged);
    }
    struct change *list = NULL;
    int n = 0;
    int rc = change_list_parse("mask token 4; swap co from b; drop region 2", &list, &n, &err);
    char *text = change_list_format(list, n);
    ok(rc == 0 && n == 3 && strcmp(text, "mask token 4; swap co from b; drop region 2") == 0,
       "a list");
    free(list);
    free(text);
}

static struct result *ask(struct model *m, struct query q, const char *changes)
{
    struct vs_err err = {0};
    struct result *r = NULL;
    struct change *list = NULL;
    if (change_list_parse(changes, &list, &q.change_count, &err) == 0) {
        q.changes = list;
        query_run(m, &q, NULL, &r, &err);
    }
    free(list);
    if (!r)
        printf("# %s: %s\n", changes, err.text);
    return r;
}

/* What is left of a text, without the task token. */
static char *pieces(struct model *m, struct query q, const char *change)
{
    struct result *r = ask(m, q, change);
    struct buf b = {0};
    for (int i = 0; r && i < r->token_count; i++)
        if (strncmp(r->tokens[i].piece, "[TASK", 5) != 0)
            buf_printf(&b, "%s%s", b.len ? " " : "", r->tokens[i].piece);
    result_free(r);
    return b.data ? buf_steal(&b) : xstrdup("");
}

static bool same_answers(const struct result *a, const struct result *b, float limit)
{
    if (!a || !b || a->answer_count != b->answer_count)
        return false;
    for (int i = 0; i < a->answer_count; i++)
        if (a->answers[i].index != b->answers[i].index ||
            fabsf(a->answers[i].logit - b->answers[i].logit) > limit)
            return false;
    return true;
}

static void effects(struct model *m, struct query q)
{
    static const char *const names[] = {"regions", "tokens", "heads"};
    for (int of = 0; of < EFFECTS_KINDS; of++) {
        struct effects *e = NULL;
        struct vs_err err = {0};
        int rc = effects_run(m, &q, (enum effects_of)of, -1, KERN_ZERO, NULL, NULL, NULL, &e, &err);
        float worst = 0;
        bool moved = false;
        for (int i = 0; rc == 0 && i < e->count; i += of == EFFECTS_HEADS ? 5 : 1) {
            char text[CHANGE_TEXT];
            change_format(&e->items[i].change, text);
            struct result *r = ask(m, q, text);
            for (int k = 0; r && k < r->answer_count; k++)
                if (r->answers[k].index == e->choice)
                    worst = fmaxf(worst, fabsf(r->answers[k].softmax - e->items[i].softmax));
            worst = r ? worst : 9;
            moved |= fabs(e->items[i].effect) > 0.001;
            result_free(r);
        }
        ok(rc == 0 && e->count > 3 && e->done == e->count && worst < 1e-4f && moved,
           "knock-outs of %s in a batch are those of one query each (%g) %s", names[of],
           (double)worst, err.text);
        effects_free(e);
    }
}

static void silences(struct model *m, struct query q)
{
    struct result *plain = ask(m, q, "");
    struct result *mean = ask(m, q, "silence text-to-image 2.1 mean");
    struct result *zero = ask(m, q, "silence text-to-image 2 zero");
    struct result *even = ask(m, q, "silence image-to-text 1.3 uniform");
    int rows, cols;
    float map[64 * 64];
    bool quiet = trace_attention(zero->trace, ATTN_TEXT_TO_IMAGE, 1, 0, -1, &rows, &cols, map);
    for (int i = 0; i < rows * cols; i++)
        quiet &= map[i] == 0;
    bool none = true;
    for (int i = 0; i < 4; i++)
        none &= !trace_attention(zero->trace, ATTN_TEXT_TO_IMAGE, (const int[]){-1, 99, 0, 0}[i],
                                 i == 2, i == 3 ? 99 : 0, &rows, &cols, NULL);
    ok(none, "there is no map of a layer, an input or a head that is not there");
    ok(quiet && !same_answers(plain, zero, 1e-5f), "a silent layer looks nowhere, and is missed");
    bool level = trace_attention(even->trace, ATTN_IMAGE_TO_TEXT, 0, 0, 2, &rows, &cols, map);
    for (int i = 0; i < rows * cols; i++)
        level &= fabsf(map[i] - 1.0f / (float)cols) < 1e-6f;
    ok(level, "uniform attention is uniform");
    level = trace_attention(mean->trace, ATTN_TEXT_TO_IMAGE, 1, 0, 0, &rows, &cols, map);
    for (int i = cols; i < rows * cols; i++)
        level &= map[i] == map[i % cols];
    ok(level && strcmp(mean->changes, "silence text-to-image 2.1 mean") == 0,
       "the mean is the same for all queries, and the result says what was done");
    result_free(plain);
    result_free(mean);
    result_free(zero);
    result_free(even);
}

static void drops(struct model *m, struct query q)
{
    struct result *r = ask(m, q, "drop region 2; drop token 4");
    int rows, cols;
    float map[64 * 64];
    bool gone = r && trace_attention(r->trace, ATTN_TEXT_TO_IMAGE, 1, 0, -1, &rows, &cols, map);
    for (int i = 0; gone && i < rows; i++)
        gone &= map[i * cols + 2] == 0;
    gone = gone && trace_attention(r->trace, ATTN_TEXT, 1, 0, -1, &rows, &cols, map);
    for (int i = 0; gone && i < rows; i++)
        gone &= map[i * cols + 3] == 0;
    ok(gone && r->sources[2].image == -1, "nothing looks at what is dropped");
    result_free(r);
    r = ask(m, q, "mask token 4");
    ok(r && strcmp(r->tokens[3].piece, "[MASK]") == 0, "a mask takes the token's place");
    result_free(r);
    static const char *const bad[] = {"drop region 99", "drop token 2", "mask token 60",
                                      "silence text 9", "swap co from nobody",
                                      "swap co 9 from early"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        r = ask(m, q, bad[i]);
        ok(!r, "refused: %s", bad[i]);
        result_free(r);
    }
}

/* Tokens of a kind: "stars" is one word, "zq" and "##zq" are pieces of another. */
static void kinds(struct model *m, struct query q)
{
    static const char *const want[][2] = {
        {"", "[CLS] how many red ##x stars , red ? [SEP]"},
        {"mask tokens special", "[MASK] how many red ##x stars , red ? [MASK]"},
        {"mask tokens words", "[CLS] [MASK] [MASK] [MASK] [MASK] [MASK] , [MASK] ? [SEP]"},
        {"mask tokens pieces", "[CLS] how many red [MASK] stars , red ? [SEP]"},
        {"mask tokens punctuation", "[CLS] how many red ##x stars [MASK] red [MASK] [SEP]"},
        {"mask word red", "[CLS] how many red ##x stars , [MASK] ? [SEP]"},
        {"mask word REDX", "[CLS] how many [MASK] [MASK] stars , red ? [SEP]"},
        {"mask word re", "[CLS] how many red ##x stars , red ? [SEP]"},
    };
    q.text = "how many redx stars, red?";
    for (size_t i = 0; i < sizeof want / sizeof want[0]; i++) {
        char *got = pieces(m, q, want[i][0]);
        ok(strcmp(got, want[i][1]) == 0, "'%s': %s", want[i][0], got);
        free(got);
    }
    struct result *plain = ask(m, q, ""), *none = ask(m, q, "drop word zebra");
    struct result *word = ask(m, q, "drop word red");
    ok(same_answers(plain, none, 0) && !same_answers(plain, word, 1e-4f),
       "a word that the text lacks changes nothing at all, one that it has does");
    static const char said[] = "\"drop word zebra\" changes nothing: the text has no such token";
    ok(none && none->notice && strstr(none->notice, said) &&
       !(word && word->notice && strstr(word->notice, "changes nothing")), "which is noted");
    int rows, cols;
    float map[64 * 64];
    bool gone = word && trace_attention(word->trace, ATTN_TEXT, 0, 0, -1, &rows, &cols, map);
    int second = word ? 7 + word->token_count - 10 : 0; /* the last but two; its own row is none */
    for (int at = 0; gone && at < cols; at++)
        for (int i = 0; i < rows; i++)
            gone &= i == second || (map[i * cols + at] == 0) == (at == second);
    ok(gone, "nothing attends to that word, and everything to all others");
    result_free(plain);
    result_free(none);
    result_free(word);
}

static void swaps(struct model *m, struct query q)
{
    struct result *late = ask(m, q, "");
    struct result *all = ask(m, q, "swap embeddings from early; swap text from early; "
                                   "swap image from early; swap co from early; "
                                   "swap heads from early");
    struct result *own = ask(m, q, "swap co from final; swap text 2.3 from final");
    struct result *head = ask(m, q, "swap co 2.1 from early");
    struct result *heads = ask(m, q, "swap co 2.1 from early; swap co 2.2 from early; "
                                     "swap co 2.3 from early; swap co 2.4 from early");
    struct result *layer = ask(m, q, "swap co 2 from early");
    q.checkpoint = 0;
    struct result *early = ask(m, q, "");
    ok(same_answers(all, early, 1e-5f), "all parts swapped make the other checkpoint");
    ok(same_answers(own, late, 1e-5f), "its own parts change nothing");
    ok(head && heads && layer && !same_answers(head, late, 1e-4f) &&
       !same_answers(heads, layer, 1e-4f), "a head is less than a layer");
    result_free(late);
    result_free(all);
    result_free(own);
    result_free(head);
    result_free(heads);
    result_free(layer);
    result_free(early);
}

static void lens(struct model *m, struct query q)
{
    struct vs_err err = {0};
    struct result *r = ask(m, q, "");
    struct lens *l = NULL;
    int rc = lens_make(m, r, false, 0, &l, &err), count;
    struct result_answer *list = NULL;
    ok(rc == 0 && l->depths == 7 && l->rows == r->trace->regions &&
       strcmp(l->names[0], "embeddings") == 0 && strcmp(l->names[1], "co 1") == 0,
       "the lens on regions after every layer %s", err.text);
    lens_free(l);
    l = NULL;
    rc = lens_make(m, r, true, 0, &l, &err);
    ok(rc == 0 && l->depths == 8 && l->rows == r->token_count && l->cells[0].label,
       "and on tokens %s", err.text);
    lens_free(l);
    ok(model_read_head(m, r, HEAD_TRI, &list, &count) && count == 3 &&
       list[0].logit >= list[1].logit,
       "the other heads of the same pass");
    result_answers_free(list, count);
    result_free(r);
}

/* What the head says at [MASK] is what the pass gives for that row when all outputs are wanted. */
static bool says_row(const struct result *r, const struct result_masked *x)
{
    const struct trace_tensor *all = trace_head(r->trace, HEAD_WORD);
    if (!all || x->image >= all->shape[0] || x->token >= all->shape[1])
        return false;
    const float *row = all->data + (x->image * all->shape[1] + x->token) * all->shape[2];
    int best = 0;
    for (int i = 1; i < all->shape[2]; i++)
        best = row[i] > row[best] ? i : best;
    bool good = x->count == RESULT_TOP && x->words[0].index == best;
    for (int i = 0; i < x->count && good; i++)
        good = fabsf(x->words[i].logit - row[x->words[i].index]) < 1e-4f &&
               (i == 0 || x->words[i].logit <= x->words[i - 1].logit);
    return good;
}

static void masked(struct model *m, struct query q)
{
    q.text = "a [MASK] thing [MASK]";
    q.masked = q.outputs = true;
    struct result *r = ask(m, q, ""), *c = r ? result_copy(r, 0) : NULL;
    bool good = r && r->masked_count == 2 && r->masked[0].token < r->masked[1].token;
    for (int i = 0; good && i < 2; i++)
        good = strcmp(r->tokens[r->masked[i].token].piece, "[MASK]") == 0 &&
               says_row(r, &r->masked[i]);
    ok(good, "both [MASK] have the words that the masked-word head ranks");
    ok(c && c->masked_count == 2 && c->masked[1].words != r->masked[1].words &&
       strcmp(c->masked[1].words[9].label, r->masked[1].words[9].label) == 0, "a copy has its own");
    result_free(c);
    result_free(r);
    q.text = "what color";
    r = ask(m, q, "mask token 3");
    ok(r && r->masked_count == 1 && r->masked[0].token == 2 && says_row(r, &r->masked[0]),
       "a token that is masked, too");
    result_free(r);
    q.masked = false;
    r = ask(m, q, "mask token 3");
    ok(r && r->masked_count == 0, "who does not want them gets none");
    result_free(r);
}

/* ---- the worker: several checkpoints, other work */

static int double_it(struct model *m, void *arg, const atomic_bool *cancel, struct vs_err *err)
{
    (void)m;
    (void)cancel;
    int *x = arg;
    *x *= 2;
    return *x < 100 ? 0 : vs_fail(err, VS_E_LIMIT, "too large");
}

static void worker(struct model *m, struct query q)
{
    struct vs_err err = {0};
    struct engine *e = NULL;
    static const int also[] = {0, 1};
    int *good = xmalloc(sizeof *good), *bad = xmalloc(sizeof *bad), *idle = xmalloc(sizeof *idle);
    int results = 0, last = -1;
    bool doubled = false, failed = false;
    *good = 21;
    *bad = 60;
    *idle = 1;
    q.also = also;
    q.also_count = 2;
    if (engine_new(m, &e, &err) != 0)
        return;
    int number = engine_post(e, &q), call = engine_call(e, double_it, free, good);
    engine_call(e, double_it, free, bad);
    engine_wait_idle(e);
    for (struct event v; engine_poll(e, &v); result_free(v.result)) {
        if (v.kind == EVENT_RESULT && v.query == number) {
            results++;
            last = v.left;
        }
        doubled |= v.kind == EVENT_DONE && v.query == call && *(int *)v.arg == 42;
        failed |= v.kind == EVENT_ERROR && v.arg == bad;
    }
    ok(results == 3 && last == 0, "three checkpoints answer, one after the other");
    ok(doubled && failed, "other work is done in turn, and may fail");
    free(good);
    free(bad);
    engine_call(e, double_it, free, idle);
    engine_free(e); /* drops what nobody took */
}

int main(void)
{
    struct vs_err err = {0};
    struct model *m = NULL;
    struct photo *p = NULL;
    words();
    const char *dir = source_path(FROZEN);
    struct model_options how = {.dir = dir, .threads = 2};
    struct photo_options plain = {0};
    setenv("XDG_CACHE_HOME", "/dev/null", 1); /* even root can keep nothing there */
    char *image = xasprintf("%s/images/000000.png", dir);
    if (model_open(&how, &m, &err) != 0 || photo_open(image, &plain, &p, &err) != 0) {
        ok(false, "the frozen model opens: %s", err.text);
    } else {
        struct query q = {.task = task_find("vqa"), .text = "how many stars are there?",
                          .checkpoint = 2, .photo_count = 1, .photos = &p, .attention = true,
                          .hidden = true, .others = true};
        silences(m, q);
        drops(m, q);
        kinds(m, q);
        swaps(m, q);
        effects(m, q);
        lens(m, q);
        masked(m, q);
        worker(m, q);
    }
    photo_free(p);
    model_free(m);
    free(image);
    return tap_done();
}
