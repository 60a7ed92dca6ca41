/* SPDX-License-Identifier: MIT */
/* Tokens, tasks and scores against the reference's numbers; without the golden data, against a few
 * cases written here. Another Unicode rule, cut, order or template breaks it. */
#include "src/base/mem.h"
#include "src/task/answers.h"
#include "src/text/score.h"
#include "src/task/task.h"
#include "src/text/tokenizer.h"
#include "tap.h"

#include <jansson.h>
#include <math.h>

static struct tokenizer *open_vocab(const char *path)
{
    struct tokenizer *t = NULL;
    struct vs_err err = {0};
    ok(tokenizer_open(path, &t, &err) == 0, "vocabulary opens %s", err.text);
    return t;
}

static bool same_ids(const struct token *list, int n, const json_t *ids)
{
    bool same = (size_t)n == json_array_size(ids);
    for (int i = 0; same && i < n; i++)
        same = list[i].id == json_integer_value(json_array_get(ids, (size_t)i));
    return same;
}

static json_t *next_line(FILE *f)
{
    static char line[1 << 20];
    json_error_t why;
    return fgets(line, sizeof line, f) ? json_loads(line, JSON_ALLOW_NUL, &why) : NULL;
}

static void golden_cases(const struct tokenizer *t)
{
    FILE *f = fopen(shared_path("golden/tokenizer/cases.jsonl"), "r");
    int count = 0, wrong = 0;
    for (json_t *j; f && (j = next_line(f)); json_decref(j)) {
        struct token *list;
        const json_t *text = json_object_get(j, "text");
        int n = tokenizer_run(t, json_string_value(text), json_string_length(text), &list);
        count++;
        if (!same_ids(list, n, json_object_get(j, "ids")) && ++wrong < 5)
            tap_note("case %d is cut differently", count);
        free(list);
    }
    if (f)
        fclose(f);
    ok(count > 400 && wrong == 0, "%d golden texts, %d wrong", count, wrong);
}

static char *text_of(const json_t *j)
{
    const json_t *qas = json_object_get(j, "qas");
    if (!qas)
        return xstrdup(json_string_value(json_object_get(j, "text")));
    struct buf b = {0};
    for (size_t i = 0; i < json_array_size(qas); i++) {
        const json_t *x = json_array_get(qas, i);
        const json_t *q = json_is_object(x) ? json_object_get(x, "question") : json_array_get(x, 0);
        const json_t *a = json_is_object(x) ? json_object_get(x, "answer") : json_array_get(x, 1);
        buf_printf(&b, "%s | %s\n", json_string_value(q), json_string_value(a));
    }
    return buf_steal(&b);
}

static void golden_inputs(const struct tokenizer *t)
{
    FILE *f = fopen(shared_path("golden/tokenizer/task_inputs.jsonl"), "r");
    int count = 0, wrong = 0;
    for (json_t *j; f && (j = next_line(f)); json_decref(j)) {
        char id[16], *typed = text_of(j);
        snprintf(id, sizeof id, "%d", (int)json_integer_value(json_object_get(j, "task_id")));
        const struct task *known = task_find(id);
        struct task task = *known; /* some cases have a length of their own */
        task.max_tokens = (int)json_integer_value(json_object_get(j, "max_seq_length"));
        char *text = task_template(&task, typed);
        struct token *list;
        int n = task_tokens(&task, t, text, &list);
        json_t *ids = json_object_get(j, "input_ids");
        while (json_array_size(ids) > (size_t)n &&
               json_integer_value(json_array_get(ids, json_array_size(ids) - 1)) == 0)
            json_array_remove(ids, json_array_size(ids) - 1);
        count++;
        if (!same_ids(list, n, ids)) {
            wrong++;
            tap_note("task input %d (%s) differs", count, known->name);
        }
        free(list);
        free(text);
        free(typed);
    }
    if (f)
        fclose(f);
    ok(count > 15 && wrong == 0, "%d golden task inputs, %d wrong", count, wrong);
}

static void golden_scores(void)
{
    json_error_t why;
    json_t *root = json_load_file(shared_path("golden/scoring/expected.json"), 0, &why);
    json_t *s = json_object_get(root, "softmax"), *x = json_object_get(s, "logits");
    int n = (int)json_array_size(x), order[64];
    float logits[64], p[64], w = 0;
    bool ranks = n > 2 && n < 64;
    for (int i = 0; i < n && ranks; i++)
        logits[i] = (float)json_number_value(json_array_get(x, (size_t)i));
    score_softmax(logits, n, p);
    score_rank(logits, n, order);
    for (int i = 0; i < n; i++) {
        size_t at = (size_t)i;
        float d = fabsf(p[i] - (float)json_number_value(
                                   json_array_get(json_object_get(s, "probabilities"), at)));
        w = d > w ? d : w;
        ranks &= order[i] == json_integer_value(json_array_get(json_object_get(s, "order"), at));
    }
    ok(ranks && w < 1e-6f, "softmax and order");
    json_t *iou = json_object_get(root, "iou"), *boxes = json_object_get(iou, "boxes");
    json_t *targets = json_object_get(iou, "targets"), *want = json_object_get(iou, "overlap");
    w = 0;
    for (size_t i = 0; i < json_array_size(boxes); i++)
        for (size_t j = 0; j < json_array_size(targets); j++) {
            float a[4], b[4];
            for (size_t d = 0; d < 4; d++) {
                a[d] = (float)json_number_value(json_array_get(json_array_get(boxes, i), d));
                b[d] = (float)json_number_value(json_array_get(json_array_get(targets, j), d));
            }
            float d = fabsf(score_iou(a, b) - (float)json_number_value(json_array_get(
                                                  json_array_get(want, i), j)));
            w = d > w ? d : w;
        }
    ok(json_array_size(boxes) > 5 && w < 1e-6f, "overlap of boxes (%g)", (double)w);
    json_t *r = json_object_get(root, "retrieval"), *rows = json_object_get(r, "scores");
    bool right = json_array_size(rows) > 2;
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        int m = (int)json_array_size(row), at = 0;
        for (int j = 0; j < m && j < 64; j++)
            logits[j] = (float)json_number_value(json_array_get(row, (size_t)j));
        score_rank(logits, m, order);
        while (at < m && order[at] != json_integer_value(json_array_get(
                                          json_object_get(r, "image_of_caption"), i)))
            at++;
        right &= at == json_integer_value(json_array_get(json_object_get(r, "rank0"), i));
    }
    ok(right, "retrieval ranks, ties to the lower index");
    json_decref(root);
}

static void own_cases(void)
{
    struct tokenizer *t = open_vocab(source_path("tests/data/tiny/vocab.txt"));
    struct token *list;
    static const char text[] = "The  dogs are sitting, [MASK] caf\xc3\xa9!";
    static const char *const want[] = {"the", "dog", "##s", "are", "sitting", ",", "[MASK]",
                                       "[UNK]", "!"};
    int n = t ? tokenizer_run(t, text, strlen(text), &list) : 0;
    bool same = n == 9;
    for (int i = 0; same && i < n; i++)
        same = strcmp(tokenizer_piece(t, list[i].id), want[i]) == 0;
    ok(same, "words, a piece, a special token, an unknown word");
    ok(n == 9 && list[1].begin == 5 && list[1].end == 8 && list[2].begin == 8 &&
       list[2].end == 9 && list[7].begin == 30 && list[7].end == 35,
       "tokens keep their bytes in the text");
    if (n)
        free(list);
    n = t ? tokenizer_run(t, "\xff\xfe", 2, &list) : -1;
    ok(n == 0, "invalid UTF-8 is dropped");
    if (n >= 0)
        free(list);
    tokenizer_free(t);
    char *dialog = task_template(task_find("guesswhat"), "is it red? no\n\nis it a dog? | N/A\n");
    ok(strcmp(dialog, "start is it red? answer no stop start is it a dog? answer N/A stop ") == 0,
       "a dialog becomes the reference's text: %s", dialog);
    free(dialog);
}

/* A character of the CJK blocks is a word of its own, others of the same planes are letters: the
 * first and the last ones that Unicode has of each block. */
static void blocks(void)
{
    static const struct {
        const char *text;
        bool apart;
    } cases[] = {
        {"a\xe3\x90\x80z", true},      {"a\xe4\xb6\xb5z", true},     /* U+3400, 4DB5 */
        {"a\xe4\xb8\x80z", true},      {"a\xe9\xbf\xaaz", true},     /* U+4E00, 9FEA */
        {"a\xf0\xa0\x80\x80z", true},  {"a\xf0\xaa\x9b\x96z", true}, /* U+20000, 2A6D6 */
        {"a\xf0\xaa\x9c\x80z", true},  {"a\xf0\xab\x9c\xb4z", true}, /* U+2A700, 2B734 */
        {"a\xf0\xab\x9d\x80z", true},  {"a\xf0\xab\xa0\x9dz", true}, /* U+2B740, 2B81D */
        {"a\xf0\xab\xa0\xa0z", true},  {"a\xf0\xac\xba\xa1z", true}, /* U+2B820, 2CEA1 */
        {"a\xea\x80\x80z", false},     {"a\xf0\xac\xba\xb0z", false}, /* U+A000, 2CEB0 */
        {"a\xed\x95\x9cz", false},     {"a\xe3\x81\x82z", false},    /* Hangul, Hiragana */
    };
    struct tokenizer *t = open_vocab(source_path("tests/data/tiny/vocab.txt"));
    for (size_t i = 0; t && i < sizeof cases / sizeof cases[0]; i++) {
        struct token *list;
        int size = (int)strlen(cases[i].text);
        int n = tokenizer_run(t, cases[i].text, (size_t)size, &list);
        bool apart = n == 3 && list[1].begin == 1 && list[1].end == size - 1;
        bool whole = n == 1 && list[0].begin == 0 && list[0].end == size;
        ok(cases[i].apart ? apart : whole, "%s: %d tokens", cases[i].text, n);
        free(list);
    }
    tokenizer_free(t);
}

static void tasks(void)
{
    ok(task_count == 13, "twelve data sets and alignment");
    bool found = true;
    for (int i = 0; i < task_count; i++)
        found &= task_find(task_table[i].name) == &task_table[i] &&
                 task_find(task_table[i].title) == &task_table[i];
    ok(found, "every task is found by name and title");
    ok(task_find("17") && task_find("17")->dialog && !task_find("3") && !task_find(""),
       "numbers find tasks; 3 and nothing are none");
    ok(task_find("RefCOCO+") != task_find("refcoco"), "RefCOCO+ is not RefCOCO");
}

static void bad_vocabulary(void)
{
    struct tokenizer *t = NULL;
    struct vs_err err = {0};
    ok(tokenizer_open(source_path("tests/data/tiny/classes.txt"), &t, &err) != 0 &&
       strstr(err.text, "[UNK]"), "no vocabulary: %s", err.text);
    ok(tokenizer_open(source_path("tests/data/tiny/scene.png"), &t, &err) != 0, "a picture: %s",
       err.text);
    ok(tokenizer_open("/nowhere/vocab.txt", &t, &err) == VS_E_IO, "no file: %s", err.text);
}

/* As vqaEval.py of the VQA tools, where it is asked of VQA; elsewhere the case does not matter. */
static void answers(void)
{
    static const struct {
        const char *task, *is, *as;
    } list[] = {
        {"vqa", "Blue", "blue"}, {"vqa", " The  Left\none ", "left 1"}, {"vqa", "none", "0"},
        {"vqa", "dont know", "don't know"}, {"vqa", "don't know", "don't know"},
        {"vqa", "yes!", "yes"}, {"vqa", "black, white", "black white"},
        {"vqa", "black/white", "black white"}, {"vqa", "1,000", "1000"}, {"vqa", "2.5", "2.5"},
        {"vqa", "st. louis", "st louis"}, {"vqa", "a", "a"}, {"vqa", "10 a.m.", "10 am"},
        {"genomeqa", "Two Dogs.", "2 dogs"}, {"gqa", "Blue", "blue"},
        {"gqa", "the left", "the left"},
        {"nlvr2", "True", "true"}, {"snli-ve", " Entailment", "entailment"}, {"gqa", "", ""},
    };
    bool good = true;
    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
        char *s = answer_normalise(task_find(list[i].task), list[i].is);
        if (strcmp(s, list[i].as) != 0) {
            tap_note("%s: '%s' is '%s', not '%s'", list[i].task, list[i].is, s, list[i].as);
            good = false;
        }
        free(s);
    }
    ok(good, "answers are compared as each data set's scorer does");
    ok(answers_equal(task_find("vqa"), "a dog", "Dog") &&
           !answers_equal(task_find("gqa"), "a dog", "dog") &&
           !answers_equal(task_find("vqa"), "a", "the"), "articles count for GQA only");
}

int main(void)
{
    own_cases();
    blocks();
    tasks();
    bad_vocabulary();
    const char *vocab = shared_path("data/bert-base-uncased-vocab.txt");
    if (vocab && shared_path("golden/tokenizer/cases.jsonl")) {
        struct tokenizer *t = open_vocab(vocab);
        golden_cases(t);
        golden_inputs(t);
        tokenizer_free(t);
        golden_scores();
    } else {
        tap_skip("the golden data is not there");
    }
    answers();
    return tap_done();
}
