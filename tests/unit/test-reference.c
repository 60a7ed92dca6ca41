/* SPDX-License-Identifier: MIT */
/* The reference's data folder, in numbers: how choices, boxes and ranks are scored, what the
 * reference's own programs make of images that have not 100 detected boxes, and rows as Python
 * writes them; and foils. A last maximum instead of the first, an overlap of exactly 0.5 that
 * counts, a row of another box, a digit too many, or a foil that is even with its caption and does
 * not count breaks it. */
#include "tap.h"

#include "src/study/annotations.h"
#include "src/study/reference_priv.h"

#include <math.h>

#define COUNT(x) (int)(sizeof(x) / sizeof(x)[0])

static void test_quotes(void)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"red", "\"red\""},
        {"a \"b\"\\\n\t", "\"a \\\"b\\\"\\\\\\n\\t\""},
        {"caf\xc3\xa9", "\"caf\\u00e9\""},
        {"\xf0\x9f\x98\x80", "\"\\ud83d\\ude00\""},
        {"\x01\x7f", "\"\\u0001\\u007f\""},
    };
    for (int i = 0; i < COUNT(cases); i++) {
        struct buf b = {0};
        reference_quote(&b, cases[i].text);
        ok(strcmp(b.data, cases[i].want) == 0, "a text as Python writes it: %s", b.data);
        buf_fini(&b);
    }
}

static void test_reals(void)
{
    static const struct {
        double v;
        const char *want;
    } cases[] = {
        {0, "0.0"}, {1, "1.0"}, {50, "50.0"}, {1e15, "1000000000000000.0"}, {1e16, "1e+16"},
        {0.5, "0.5"}, {(double)0.5069444179534912f, "0.5069444179534912"}, {1e-5, "1e-05"},
        {0.0001, "0.0001"}, {0.1 + 0.2, "0.30000000000000004"}, {-2.5, "-2.5"},
    };
    for (int i = 0; i < COUNT(cases); i++) {
        struct buf b = {0};
        reference_real(&b, cases[i].v);
        ok(strcmp(b.data, cases[i].want) == 0, "a number as Python writes it: %s", b.data);
        buf_fini(&b);
    }
}

static void test_integers(void)
{
    int64_t x = 0;
    ok(reference_integer("00012", &x) && x == 12, "zeros before a number");
    ok(reference_integer(" 5534670000 ", &x) && x == 5534670000, "more than 32 bits");
    ok(!reference_integer("n161313", &x) && !reference_integer("", &x) &&
           !reference_integer("12a", &x) && !reference_integer("99999999999999999999", &x),
       "what is no number");
    static const char *const texts[] = {"9223372036854775807", "9223372036854775808", "12a", " 1",
                                        ""};
    for (int i = 0; i < COUNT(texts); i++) {
        json_t *text = json_string(texts[i]);
        json_int_t number = 0;
        ok(annotations_integer(text, &number) == (i == 0) && number == (i == 0 ? INT64_MAX : 0),
           "in annotations '%s' %s", texts[i], i == 0 ? "is a number" : "is none");
        json_decref(text);
    }
}

static void test_index(void)
{
    struct numbered n = {0};
    static const char a = 'a', b = 'b', c = 'c';
    numbered_add(&n, 7, &a);
    numbered_add(&n, -3, &b);
    numbered_add(&n, 7, &c);
    numbered_sort(&n);
    ok(numbered_get(&n, 7) == &c && numbered_get(&n, -3) == &b, "the last of equal numbers");
    ok(!numbered_has(&n, 6) && !numbered_has(&n, 8) && !numbered_has(&n, -4), "and no others");
    ok(reference_is_kept(KEEP_ALL, &n, 7) && !reference_is_kept(KEEP_OTHERS, &n, 7) &&
           reference_is_kept(KEEP_LISTED, &n, 7) && !reference_is_kept(KEEP_LISTED, &n, 8),
       "what a list of ids keeps");
    ok(reference_keep_of("trainval") == KEEP_OTHERS && reference_keep_of("mteval") == KEEP_LISTED &&
           reference_keep_of("minval") == KEEP_ALL, "by the name of the split");
    numbered_fini(&n);
}

/* ---- scoring */

static struct eval_verdict judge(const char *task, const struct eval_set *s,
                                 const struct eval_item *it, const struct result *r, int *rc)
{
    struct eval_verdict v = {0};
    *rc = reference_find(task_find(task))->judge(s, it, r, &v, NULL);
    return v;
}

static void test_answers(void)
{
    float raw[4] = {1, 3, 3, 2}, worths[3] = {0.3f, 1, 0.6f};
    int classes[3] = {1, 2, 1}, rc;
    struct eval_set s = {0};
    struct eval_item it = {.classes = classes, .worths = worths, .label_count = 3, .scored = true};
    struct result r = {.raw = raw, .raw_count = 4};
    struct eval_verdict v = judge("vqa", &s, &it, &r, &rc);
    ok(rc == 0 && v.choice == 1 && v.score == (double)0.6f,
       "the first of equal answers; of a class that stands twice the last worth");
    it.label_count = 0;
    v = judge("gqa", &s, &it, &r, &rc);
    ok(v.score == 0, "nothing is right where no answer is in the vocabulary");
}

static void test_boxes(void)
{
    float boxes[8] = {0, 0, 9, 9, 0, 0, 9, 19}, raw[3] = {0, 2, 1};
    struct result_image im = {.width = 40, .height = 30, .region_count = 2, .boxes = boxes};
    struct result r = {.raw = raw, .raw_count = 3, .image_count = 1, .images = &im};
    struct eval_item it = {.has_box = true, .scored = true, .box = {0, 0, 9, 19}};
    struct eval_set s = {0};
    int rc;
    struct eval_verdict v = judge("refcoco", &s, &it, &r, &rc);
    ok(v.choice == 1 && v.iou == 0.5f && v.score == 0, "an overlap of exactly 0.5 is wrong: %g",
       (double)v.iou);
    it.box[3] = 18;
    v = judge("refcoco", &s, &it, &r, &rc);
    ok(v.iou > 0.5f && v.score == 1, "a little more is right: %g", (double)v.iou);
    raw[0] = 5;
    it.box[2] = 39;
    it.box[3] = 29;
    v = judge("refcoco+", &s, &it, &r, &rc);
    ok(v.choice == 0 && v.score == 1, "the whole image can be chosen: %g", (double)v.iou);
}

#define GUESS_ROWS 306
/* detected boxes far away, annotated ones a row of squares. */
static void choice_case(const char *task, int detected, int annotated, bool as_reference,
                        const int *choices, int count, float *raw, int rows, int answer,
                        struct eval_verdict *v, int *rc)
{
    int all = detected + annotated;
    float *boxes = xcalloc((size_t)all * 4, sizeof *boxes);
    for (int i = 0; i < all; i++) {
        float x = i < detected ? 900 : 10 * (float)(i - detected);
        memcpy(boxes + 4 * i, (float[4]){x, 0, x + 9, 9}, 4 * sizeof *boxes);
    }
    struct result_image im = {.width = 999, .height = 999, .region_count = detected,
                              .candidate_count = annotated, .boxes = boxes};
    struct result r = {.raw = raw, .raw_count = rows, .image_count = 1, .images = &im};
    char *image = (char[]){"7"};
    struct eval_item it = {.choice_count = count, .scored = true, .images = &image,
                           .image_count = 1};
    it.choices = xcalloc((size_t)count, sizeof *it.choices);
    memcpy(it.choices, choices, (size_t)count * sizeof *choices);
    memcpy(it.box, boxes + 4 * (detected + answer), sizeof it.box);
    struct eval_set s = {.as_reference = as_reference};
    *v = judge(task, &s, &it, &r, rc);
    free(it.choices);
    free(boxes);
}

static void test_choices(void)
{
    static const int choices[3] = {0, 2, 4};
    float raw[GUESS_ROWS] = {0};
    struct eval_verdict v;
    int rc;
    raw[101 + 2] = 1;
    choice_case("visual7w", 100, 5, false, choices, 3, raw, 106, 2, &v, &rc);
    ok(rc == 0 && v.choice == 1 && v.target == 1 && v.score == 1 && !v.shifted && v.rows[2] == 105,
       "of 100 detected boxes the choices begin at row 101");
    eval_verdict_fini(&v);
    raw[103] = 0;
    raw[99 + 4] = 1; /* 98 detected: row 103 is box 4 */
    choice_case("visual7w", 98, 5, false, choices, 3, raw, 104, 2, &v, &rc);
    ok(rc == 0 && v.choice == 2 && v.target == 1 && v.shifted && v.rows[2] == 103,
       "of 98 they begin behind them");
    eval_verdict_fini(&v);
    choice_case("visual7w", 98, 7, true, choices, 3, raw, 200, 2, &v, &rc);
    ok(rc == 0 && v.choice == 1 && v.target == 0 && v.rows[1] == 103 && v.shifted,
       "as the reference has it: box 2 is looked for in row 103, which is box 4");
    eval_verdict_fini(&v);
    choice_case("visual7w", 98, 5, true, choices, 3, raw, 200, 2, &v, &rc);
    ok(rc != 0, "and it ends where a row is behind the last one");
    eval_verdict_fini(&v);
    raw[101] = 2;
    choice_case("visual7w", 102, 5, true, choices, 3, raw, 108, 2, &v, &rc);
    ok(rc == 0 && v.choice == 0 && v.target == 2 && v.rows[0] == 101,
       "of 102 it looks at detected boxes");
    eval_verdict_fini(&v);
}

static void test_games(void)
{
    static const int last[2] = {5, 6};
    float raw[GUESS_ROWS];
    struct eval_verdict v;
    int rc;
    for (int i = 0; i < GUESS_ROWS; i++)
        raw[i] = i < 106 ? -1 : -10000;
    raw[305] = -9999;
    choice_case("guesswhat", 98, 7, true, last, 2, raw, GUESS_ROWS, 5, &v, &rc);
    ok(rc == 0 && v.choice == 2 && v.target == 0 && v.score == 0,
       "as the reference has it: of rows that are all padding the fill wins when it is above");
    eval_verdict_fini(&v);
    choice_case("guesswhat", 98, 7, false, last, 2, raw, 106, 5, &v, &rc);
    ok(rc == 0 && v.choice == 0 && v.target == 0 && v.score == 1 && v.rows[0] == 104,
       "by themselves the rows are those of the objects");
    eval_verdict_fini(&v);
}

static void test_ranks(void)
{
    float raw[4] = {0.5f, 0.9f, 0.5f, 0.1f};
    struct eval_item it = {.number = 2, .scored = true};
    struct result r = {.raw = raw, .raw_count = 4};
    struct eval_set s = {0};
    struct reference_sums sums = {0};
    static const int ranks[4] = {0, 9, 4, 20};
    struct vs_err err = {0};
    int rc;
    struct eval_verdict v = judge("coco", &s, &it, &r, &rc);
    struct buf b = {0};
    ok(v.rank == 2 && v.score == 0, "an equal image before it counts");
    reference_row_retrieval(&s, &it, &v, &b);
    ok(strcmp(b.data, "[1, 0, 2, 3]") == 0, "its row: %s", b.data);
    buf_fini(&b);
    for (int i = 0; i < 4; i++)
        reference_add(&sums, &it, &(struct eval_verdict){.rank = ranks[i], .logits = raw}, 4, &err);
    ok(reference_finish(&sums, &err) == 0, "sums are finished");
    const struct reference_recall *x = &sums.images;
    ok(x->r1 == 25 && x->r5 == 50 && x->r10 == 75 && x->medr == 7 && x->meanr == 9.25,
       "recalls, the median without its half, the mean: %g %g %g %g %g", x->r1, x->r5, x->r10,
       x->medr, x->meanr);
    reference_sums_fini(&sums);
}

/* Two images with two captions each, and one without. */
static void test_captions(void)
{
    static float logits[4][3] = {{1, 5, 0}, {2, 6, 0}, {3, 4, 0}, {4, 2, 0}};
    static const int own[4] = {0, 0, 1, 1};
    struct reference_sums sums = {0};
    struct vs_err err = {0};
    for (int i = 0; i < 4; i++) {
        struct eval_item it = {.number = own[i], .scored = true};
        reference_add(&sums, &it, &(struct eval_verdict){.logits = logits[i]}, 3, &err);
    }
    ok(reference_finish(&sums, &err) == 0, "sums are finished");
    ok(sums.asked == 2 && sums.captions.r1 == 0 && sums.captions.r5 == 100 &&
           sums.captions.meanr == 3,
       "the best of an image's captions counts, of images that have one: %g",
       sums.captions.meanr);
    reference_sums_fini(&sums);
}

static void test_table(void)
{
    int found = 0;
    for (int t = 0; t < task_count; t++) {
        const struct reference_task *r = reference_find(&task_table[t]);
        found += r && task_find(r->name) == &task_table[t];
    }
    ok(found == 12, "all tasks are in its folder, and found by the names of its configuration");
}

/* Logits text by text: of the caption and its foils, or of two captions with two images each. */
static void test_foils(void)
{
    static const struct {
        int images, foils;
        float v[4];
        bool text, image;
        double score;
    } cases[] = {
        {1, 1, {2, 1}, false, false, 1},      {1, 1, {1, 2}, false, false, 0},
        {1, 1, {1, 1}, false, false, 0},      {1, 2, {2, 1, 3}, false, false, 0},
        {2, 1, {5, 1, 1, 5}, true, true, 1},  {2, 1, {3, 4, 1, 5}, true, false, 0},
        {2, 1, {3, 1, 4, 5}, false, true, 0}, {2, 1, {3, 3, 3, 3}, false, false, 0},
        {2, 1, {3, 5, 1, 4}, false, false, 0},
    };
    for (int i = 0; i < COUNT(cases); i++) {
        struct eval_item it = {.image_count = cases[i].images, .foil_count = cases[i].foils};
        struct result r = {.raw_count = (1 + cases[i].foils) * cases[i].images};
        struct eval_mark m = {0};
        r.raw = (float *)(uintptr_t)cases[i].v;
        eval_foils_mark(&it, &r, &m);
        ok(m.text == cases[i].text && m.image == cases[i].image &&
           fabs(m.score - cases[i].score) < 1e-9, "foils %d: %g", i + 1, m.score);
    }
}

int main(void)
{
    test_foils();
    test_quotes();
    test_reals();
    test_integers();
    test_index();
    test_answers();
    test_boxes();
    test_choices();
    test_games();
    test_ranks();
    test_captions();
    test_table();
    return tap_done();
}
