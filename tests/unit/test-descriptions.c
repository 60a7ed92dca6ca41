/* SPDX-License-Identifier: MIT */
/* Descriptions that cannot be: of models, detectors, vocabularies, boxes, lists of checkpoints.
 * Breaks when one is taken, or refused without a word on what is wrong. */
#include "folder.h"
#include "src/engine/modeldir.h"
#include "src/formats/boxcheck.h"
#include "src/formats/boxfile.h"
#include "src/model/vilbert/config.h"
#include "src/study/selfcheck.h"
#include "src/text/tokenizer.h"
#include "src/vision/arch.h"

#include <math.h>
#include <sys/stat.h>

/* ---- descriptions that cannot be */

static void configurations(void)
{
    static const struct {
        const char *json, *says; /* NULL: good */
    } cases[] = {
        {"{\"vocab_size\": 9}", NULL},
        {"{\"vocab_size\": 9, \"hidden_size\": 770}", "hidden_size 770 is not a multiple of its"},
        {"{\"vocab_size\": 9, \"v_hidden_size\": 770}", "v_hidden_size 770 is not a multiple"},
        {"{\"vocab_size\": 9, \"bi_hidden_size\": 1000}", "bi_hidden_size 1000 is not a"},
        {"{\"vocab_size\": 9, \"num_attention_heads\": 0}", "\"num_attention_heads\" is not"},
        {"{\"vocab_size\": 0}", "\"vocab_size\" is not a whole number from 1"},
        {"{\"vocab_size\": 1000001}", "\"vocab_size\" is not a whole number from 1"},
        {"{\"vocab_size\": 2.5}", "\"vocab_size\" is not a whole"},
        {"{}", "no \"vocab_size\""},
        {"[]", "not an object"},
        {"{\"vocab_size\": 9, \"hidden_act\": \"tanh\"}", "\"hidden_act\" is not"},
        {"{\"vocab_size\": 9, \"fusion_method\": \"mean\"}", "\"fusion_method\" is not"},
        {"{\"vocab_size\": 9, \"with_coattention\": 1}", "not true or false"},
        {"{\"vocab_size\": 9, \"with_coattention\": false}", "not supported"},
        {"{\"vocab_size\": 9, \"v_biattention_id\": [3]}", "entry 0 is not a layer from 0 to 2"},
        {"{\"vocab_size\": 9, \"v_biattention_id\": [0]}", "has 1 entries, \"t_biattention_id\" 2"},
        {"{\"vocab_size\": 9, \"v_biattention_id\": []}", "is not a list of 1 to"},
        {"{\"vocab_size\": 9, \"num_hidden_layers\": 6}", "does not exist"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct config c;
        struct vs_err err = {0};
        char *path = write_file("config.json", cases[i].json, strlen(cases[i].json));
        int rc = config_read(path, &c, &err);
        ok(cases[i].says ? rc == VS_E_FORMAT && strstr(err.text, cases[i].says) &&
                               strstr(err.text, path)
                         : rc == 0, "%s: %s", cases[i].json, rc ? err.text : "read");
        drop(path);
    }
}

static void detectors(void)
{
    static const struct {
        const char *json, *says;
    } cases[] = {
        {"{}", NULL},
        {"{\"anchor_sizes\": [32, 64, 128, 256, 512], \"aspect_ratios\": [0.5, 1, 2]}", NULL},
        {"{\"anchor_sizes\": [32, -64]}", "anchor_sizes"},
        {"{\"anchor_sizes\": [0]}", "anchor_sizes"},
        {"{\"anchor_sizes\": []}", "anchor_sizes"},
        {"{\"anchor_sizes\": 32}", "anchor_sizes"},
        {"{\"anchor_sizes\": [\"32\"]}", "anchor_sizes"},
        {"{\"aspect_ratios\": [0.5, 0]}", "aspect_ratios"},
        {"{\"anchor_strides\": [4, 8, 16, 32]}", "anchor_strides"},
        {"{\"anchor_strides\": [4, 8, 16, 32, 0]}", "anchor_strides"},
        {"{\"anchor_strides\": [4, 8, 16, 32, 5000]}", "anchor_strides"},
        {"{\"anchor_strides\": [4, 8, 16, 32, 6.5]}", "anchor_strides"},
        {"{\"rpn_nms_thresh\": 1.5}", "rpn_nms_thresh"},
        {"{\"rpn_nms_thresh\": -0.5}", "rpn_nms_thresh"},
        {"{\"min_side\": 0}", "min_side"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct arch a;
        struct vs_err err = {0};
        char *path = write_file("detector.json", cases[i].json, strlen(cases[i].json));
        int rc = arch_read(path, &a, &err);
        ok(cases[i].says ? rc == VS_E_FORMAT && strstr(err.text, cases[i].says) : rc == 0,
           "%s: %s", cases[i].json, rc ? err.text : "read");
        drop(path);
    }
}

/* The published configuration with one line changed. line NULL: as it is. */
static char *other_yaml(const char *line, const char *with)
{
    char text[4096], *at;
    FILE *f = fopen(source_path("tests/data/detector/x152.yaml"), "r");
    size_t n = f ? fread(text, 1, sizeof text - 200, f) : 0;
    if (f)
        fclose(f);
    text[n] = '\0';
    if (line && (at = strstr(text, line)) != NULL) {
        char *rest = xstrdup(at + strlen(line));
        strcpy(stpcpy(at, with), rest);
        free(rest);
    }
    return write_file("detector.yaml", text, strlen(text));
}

static void published_detectors(void)
{
    static const struct {
        const char *line, *with, *says;
    } cases[] = {
        {NULL, NULL, NULL},
        {"R-152-FPN", "R-152-C4", "CONV_BODY is R-152-C4"},
        {"    CONV_BODY: \"R-152-FPN\"\n", "", "CONV_BODY is not said"},
        {"ROI_HEADS:\n    USE_FPN: True", "ROI_HEADS:\n    USE_FPN: False", "ROI_HEADS.USE_FPN is"},
        {"  ROI_HEADS:\n    USE_FPN: True\n", "", "ROI_HEADS.USE_FPN is not said"},
        {"    PREDICTOR: \"FPNPredictor\"\n", "", "PREDICTOR is not said"},
        {"NUM_CLASSES: 1601", "NUM_CLASSES: many", "NUM_CLASSES is no number"},
        {"NUM_CLASSES: 1601", "NUM_CLASSES: 1", "\"num_classes\" leaves no class"},
        {"NUM_CLASSES: 1601", "NUM_CLASSES: 1601 1", "NUM_CLASSES is no number"},
        {"(4, 8, 16, 32, 64)", "(4, 8, 16)", "\"anchor_strides\" has not 5"},
        {"(4, 8, 16, 32, 64)", "(4, 8, 16, 32, 64", "ANCHOR_STRIDE is no number"},
        {"POOLER_SAMPLING_RATIO: 2", "POOLER_SAMPLING_RATIO: 0", "sampling_ratio\" other than 2"},
        {"POOLER_SCALES: (0.25, ", "POOLER_SCALES: (0.5, ", "pooler_scales"},
        {"NUM_GROUPS: 32", "NUM_GROUPS: 32\n    TRANS_FUNC: Other", "TRANS_FUNC is Other"},
        {"MODEL:", "MODEL: 3\nOTHER:", "MODEL is no mapping"},
        {"MODEL:", "MODEL: *x\nOTHER:", "undefined alias"},
        {"RPN:", "RPN", "line"},
        {"NUM_GROUPS: 32", "NUM_GROUPS: 1e99", "NUM_GROUPS is no number"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct arch a, want;
        struct vs_err err = {0};
        char *path = other_yaml(cases[i].line, cases[i].with);
        int rc = arch_read(path, &a, &err);
        arch_default(&want);
        bool same = rc == 0 && a.stem_out == want.stem_out && a.groups == want.groups &&
                    a.width_per_group == want.width_per_group && a.res2_out == want.res2_out &&
                    memcmp(a.blocks, want.blocks, sizeof a.blocks) == 0 &&
                    a.fpn_out == want.fpn_out && a.mlp_dim == want.mlp_dim &&
                    a.num_classes == want.num_classes && a.pre_nms_top_n == want.pre_nms_top_n &&
                    memcmp(a.anchor_strides, want.anchor_strides, sizeof a.anchor_strides) == 0 &&
                    a.post_nms_top_n == want.post_nms_top_n && a.bins == want.bins &&
                    a.fpn_post_nms_top_n == want.fpn_post_nms_top_n &&
                    a.rpn_nms_thresh == want.rpn_nms_thresh && a.min_side == want.min_side &&
                    a.stride_in_1x1 == want.stride_in_1x1 && a.background == want.background &&
                    a.num_features == want.num_features;
        if (rc == VS_E_MISSING)
            tap_skip("YAML: this build has no libyaml");
        else
            ok(cases[i].says ? rc != 0 && strstr(err.text, cases[i].says) && strstr(err.text, path)
                             : same, "YAML with %s: %s",
               cases[i].with ? cases[i].with : "nothing else", rc ? err.text : "read");
        drop(path);
    }
}

/* ---- answers that were published */

static void selfchecks(void)
{
    char said[200];
    const struct selfcheck *c = &selfcheck_notebook;
    struct result_answer a = {0};
    ok(c->count == 5 && strlen(c->digest) == 64 && task_find(c->task), "the notebook's answers");
    for (int i = 0; i < c->count; i++) {
        const struct selfcheck_item *item = &c->items[i];
        a.label = (char *)(uintptr_t)(item->answer ? item->answer : "image");
        a.logit = (float)(item->positive ? 2 : item->logit);
        ok(selfcheck_right(item, &a, 1, said, sizeof said), "%s: %s", item->name, said);
        a.label = (char *)(uintptr_t)"#17";
        a.logit = (float)(item->positive ? -2 : item->logit + 1.5 * item->tolerance);
        ok(!selfcheck_right(item, &a, 1, said, sizeof said), "%s: %s", item->name, said);
        a.logit = NAN;
        ok(!selfcheck_right(item, &a, 1, said, sizeof said), "%s: %s", item->name, said);
        ok(!selfcheck_right(item, &a, 0, said, sizeof said) && strcmp(said, "no answer") == 0,
           "%s: %s", item->name, said);
    }
}

static void vocabularies(void)
{
    static const char *const needed[] = {"[UNK]", "[CLS]", "[SEP]"};
    for (int without = 0; without < 4; without++) {
        struct buf b = {0};
        struct tokenizer *t = NULL;
        struct vs_err err = {0};
        for (int i = 0; i < 3; i++)
            if (i != without)
                buf_printf(&b, "%s\n", needed[i]);
        buf_puts(&b, "dog\n");
        char *path = write_file("vocab.txt", b.data, b.len);
        int rc = tokenizer_open(path, &t, &err);
        ok(without == 3 ? rc == 0 && tokenizer_id(t, "dog") == 3
                        : rc == VS_E_FORMAT && strstr(err.text, needed[without]) &&
                              strstr(err.text, path), "a vocabulary: %s", rc ? err.text : "read");
        tokenizer_free(t);
        drop(path);
        buf_fini(&b);
    }
}

/* ---- boxes */

static void boxes(void)
{
    static const struct {
        float box[4];
        const char *says; /* of the failure, or of the note */
        bool good;
    } cases[] = {
        {{0, 0, 95, 63}, NULL, true},
        {{0, 0, 96, 64}, NULL, true},
        {{-1.5f, -1.5f, 97.5f, 65.5f}, NULL, true}, /* rounded sizes */
        {{-2.5f, 0, 20, 20}, "box 1, -2.5 0 20 20, is not inside", false},
        {{0, -2, 20, 20}, "is not inside", false},
        {{0, 0, 98.5f, 20}, "is not inside the image of 96x64", false},
        {{0, 0, 20, 66}, "is not inside", false},
        {{0, 0, 60, 90}, "interchanged", false},
        {{30, 30, 10, 40}, "x1 <= x2", false},
        {{30, 30, 40, 10}, "x1 <= x2", false},
        {{NAN, 0, 1, 1}, "box 1 is not finite", false},
        {{0, 0, INFINITY, 1}, "not finite", false},
        {{20, 20, 20, 30}, "1 of 2 boxes have no area (box 1)", true},
        {{20, 20, 30, 20}, "no area", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        float list[8] = {2, 2, 50, 60};
        struct vs_err err = {0};
        char *note = NULL;
        memcpy(list + 4, cases[i].box, sizeof cases[i].box);
        int rc = boxes_check(list, 2, 96, 64, "x.npy", &note, &err);
        const char *text = rc ? err.text : note;
        bool same = memcmp(list + 4, cases[i].box, sizeof cases[i].box) == 0;
        ok((rc == 0) == cases[i].good && same &&
           (cases[i].says ? text && strstr(text, cases[i].says) && strstr(text, "x.npy") : !text),
           "%g %g %g %g: %s", (double)cases[i].box[0], (double)cases[i].box[1],
           (double)cases[i].box[2], (double)cases[i].box[3], text ? text : "a box");
        free(note);
    }
    float shares[8] = {0.25f, 0.5f, 0.75f, 1, 0, 0, 1, 0.5f};
    static const float want[8] = {24, 32, 72, 64, 0, 0, 96, 32};
    char *note = NULL;
    ok(boxes_check(shares, 2, 96, 64, "x.npy", &note, NULL) == 0 && note &&
       strstr(note, "shares of the image") && memcmp(shares, want, sizeof want) == 0,
       "shares become pixels: %s", note ? note : "no note");
    free(note);
    float around[8] = {-0.5f, 0, 0.5f, 1, -1, -1, 1, 0.5f};
    struct vs_err err = {0};
    ok(boxes_check(around, 2, 96, 64, "x.npy", NULL, &err) == VS_E_FORMAT &&
       strstr(err.text, "x.npy: its boxes are between -1 and 1: pixels of the image, 96x64"),
       "boxes from -1 to 1: %s", err.text);
    around[2] = 2;
    ok(boxes_check(around, 2, 96, 64, "x.npy", &(char *){NULL}, &err) == 0,
       "one that is larger is in pixels");
}

/* Boxes of another size of the image lie in its corner, all of them. */
static void boxes_of_a_smaller_one(void)
{
    float list[40];
    for (int i = 0; i < 10; i++)
        memcpy(list + 4 * i, (float[4]){(float)i, (float)i, 38 + (float)i, 22 + (float)i},
               4 * sizeof *list);
    char *note = NULL;
    ok(boxes_check(list, 10, 96, 64, "x.npy", &note, NULL) == 0 && note &&
       strstr(note, "x.npy: all 10 boxes are in the upper left quarter of the image of 96x64 "
              "pixels: are they of a smaller one?"), "a smaller image's: %s", note ? note : "-");
    free(note);
    note = NULL;
    ok(boxes_check(list, 9, 96, 64, "x.npy", &note, NULL) == 0 && !note, "not of nine");
    list[38] = 49;
    ok(boxes_check(list, 10, 96, 64, "x.npy", &note, NULL) == 0 && !note, "one at the right");
    list[38] = 48;
    list[39] = 33;
    ok(boxes_check(list, 10, 96, 64, "x.npy", &note, NULL) == 0 && !note, "one below");
}

/* Boxes of a detector in its padding, as published features have them; those of a file alone. */
static void found_boxes(void)
{
    static const struct {
        float box[4];
        const char *says;
        bool good;
        int added; /* as the file says */
    } cases[] = {
        {{641.4f, 379, 652.2f, 399}, NULL, true, 0}, /* 1088 of 1067 pixels, at 5/3 */
        {{500, 470, 640, 499}, NULL, true, 0},
        {{600, 400, 680, 479}, "farther out of the image of 640x480", true, 0},
        {{600, 400, 750, 479}, "not inside the image of 640x480", false, 0},
        {{600, 400, 750, 479}, "farther out of the image of 640x480", true, 110},
        {{600, 400, 900, 479}, "not inside the image of 640x480", false, 110},
        {{-20, 400, 600, 479}, "not inside", false, 110}, /* nothing is added there */
        {{400, 400, 430, 640}, "interchanged", false, 0},
        {{30, 30, 10, 40}, "x1 <= x2", false, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        float list[4];
        struct vs_err err = {0};
        char *note = NULL;
        memcpy(list, cases[i].box, sizeof list);
        int rc = boxes_check_found(list, 1, 640, 480, cases[i].added, "x.npy", &note, &err);
        const char *text = rc ? err.text : note;
        ok((rc == 0) == cases[i].good && memcmp(list, cases[i].box, sizeof list) == 0 &&
           (cases[i].says ? text && strstr(text, cases[i].says) : !text),
           "found, %g %g %g %g: %s", (double)list[0], (double)list[1], (double)list[2],
           (double)list[3], text ? text : "a box");
        free(note);
    }
    ok(boxes_look(cases[0].box, 1, 640, 480, "given", NULL) != 0,
       "no box that is given lies there");
    static const float out[3][4] = {{600, 400, 680, 479}, {600, 400, 749.5f, 479},
                                    {400, 400, 430, 640}};
    ok(boxes_added(out[0], 1, 640, 480) == 0 && boxes_added(out[1], 1, 640, 480) == 110 &&
           boxes_added(out[2], 1, 640, 480) == 160, "what a file has to say of them");
    /* Of a detector that nobody knows: far out, but not anywhere. */
    static const float far[2][4] = {{600, 400, 2500, 479}, {600, 400, 1e30f, 479}};
    ok(boxes_look_found(far[0], 1, 640, 480, "server", NULL) == 0 &&
           boxes_look_found(far[1], 1, 640, 480, "server", NULL) == VS_E_FORMAT,
       "what a server found is not anywhere");
}

/* ---- lists of boxes */

/* says NULL: it holds 1.5 2 30 40 and 5 6 7 8. */
static void box_list(const char *name, const void *data, size_t n, const char *says)
{
    static const float want[8] = {1.5f, 2, 30, 40, 5, 6, 7, 8};
    struct vs_err err = {0};
    float *list = NULL;
    int count = 0;
    char *path = write_file(name, data, n);
    int rc = boxfile_read(path, &list, &count, &err);
    ok(says ? rc != 0 && strstr(err.text, says) && strstr(err.text, path)
            : rc == 0 && count == 2 && memcmp(list, want, sizeof want) == 0,
       "%s: %.40s: %s", name, says ? says : "two boxes", rc ? err.text : "read");
    free(list);
    drop(path);
}

/* n: how many numbers the array has. */
static void box_array(const char *shape, size_t n, const char *says)
{
    static const float x[10] = {1.5f, 2, 30, 40, 5, 6, 7, 8, 9, 9};
    struct buf b = {0};
    buf_add(&b, "\x93NUMPY\1\0v", 10); /* 'v', 0: 118 bytes follow */
    buf_printf(&b, "{'descr': '<f4', 'fortran_order': False, 'shape': %s}", shape);
    while (b.len < 127)
        buf_putc(&b, ' ');
    buf_putc(&b, '\n');
    buf_add(&b, x, 4 * n);
    box_list("boxes.npy", b.data, b.len, says);
    buf_fini(&b);
}

static void box_lists(void)
{
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"1.5 2 30 40\n5 6 7 8", NULL},
        {"# x1 y1 x2 y2\n\n 1.5,2;30\t40 # first\r\n5, 6, 7, 8\n", NULL},
        {"[[1.5, 2, 30, 40], [5, 6, 7, 8]]", NULL},
        {" \n[[1.5, 2, 30, 40], [5, 6, 7, 8]]\n", NULL},
        {"1 2 3\n", "line 1: expected four numbers x1 y1 x2 y2"},
        {"1 2 3 4\n1 2 3 4 5\n", "line 2: expected four numbers"},
        {"1 2 3 x\n", "line 1: expected four numbers"},
        {"1 2 3 inf\n", "box 1: number 4 is not a coordinate"},
        {"nan 2 3 4\n", "box 1: number 1 is not a coordinate"},
        {"1 -1000001 3 4\n", "box 1: number 2 is not a coordinate"},
        {"1 2 3 4\n\n3 2 1 4\n", "box 2: expected x1 y1 x2 y2, with x1 <= x2 and y1 <= y2, not "
                                   "3 2 1 4"},
        {"1 4 3 2\n", "box 1: expected x1 y1 x2 y2"},
        {"", "there is no box in it"},
        {"# nothing\n", "there is no box in it"},
        {"[]", "there is no box in it"},
        {"[[1, 2, 3, 4], [1, 2, 3]]", "box 2 is not a list of four numbers"},
        {"[[1, 2, 3, 4, 5]]", "box 1 is not a list of four numbers"},
        {"[[1, 2, 3, \"4\"]]", "box 1 is not a list of four numbers"},
        {"[[1, 2, 3, 4]\n", "line 2: "},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        box_list("boxes.txt", cases[i].text, strlen(cases[i].text), cases[i].says);
    box_array("(2, 4)", 8, NULL);
    box_array("(2, 5)", 10, "expected an array of shape (N, 4)");
    box_array("(8,)", 8, "expected an array of shape (N, 4)");
    box_array("(1, 2, 4)", 8, "expected an array of shape (N, 4)");
    box_array("(0, 4)", 0, "there is no box in it");
    struct buf b = {0};
    for (int i = 0; i < 10001; i++)
        buf_puts(&b, "1 2 3 4\n");
    box_list("many.txt", b.data, b.len, "more than 10000 boxes");
    b.data[8 * 10000] = '#';
    char *path = write_file("most.txt", b.data, b.len);
    struct vs_err err = {0};
    float *list = NULL;
    int count = 0;
    ok(boxfile_read(path, &list, &count, &err) == 0 && count == 10000 && list[39999] == 4,
       "10000 boxes are read %s", err.text);
    free(list);
    drop(path);
    buf_fini(&b);
}

/* ---- model.json */

static void many_checkpoints(void)
{
    struct buf b = {0};
    struct parts p = {0};
    struct vs_err err = {0};
    for (int i = 0; i < 1024; i++)
        buf_printf(&b, "%s\"%s.bin\"", i ? "," : "{\"checkpoints\":[",
                   i == 700 ? "x.bin (5)" : "x");
    buf_puts(&b, "]}");
    char *path = write_file("model.json", b.data, b.len);
    ok(parts_read(folder, &p, &err) == 0 && p.checkpoint_count == 1024 &&
       strcmp(p.checkpoints[0].name, "x.bin") == 0 &&
       strcmp(p.checkpoints[2].name, "x.bin (2)") != 0 &&
       strcmp(p.checkpoints[700].name, "x.bin (5).bin") == 0, "1024 of one name %s", err.text);
    bool apart = true;
    for (int i = 0; i < p.checkpoint_count; i++)
        for (int j = 0; j < i; j++)
            apart &= strcmp(p.checkpoints[i].name, p.checkpoints[j].name) != 0;
    ok(apart, "are told apart");
    parts_fini(&p);
    drop(path);
    b.len = 0;
    for (int i = 0; i < 20000; i++)
        buf_printf(&b, "%s\"x.bin\"", i ? "," : "{\"checkpoints\":[");
    buf_puts(&b, "]}");
    path = write_file("model.json", b.data, b.len);
    ok(parts_read(folder, &p, &err) == VS_E_LIMIT && strstr(err.text, "20000 checkpoints"), "%s",
       err.text);
    drop(path);
    b.len = 0;
    buf_puts(&b, "{}");
    while (b.len <= 16 << 20)
        buf_puts(&b, "                                                                ");
    path = write_file("model.json", b.data, b.len);
    ok(parts_read(folder, &p, &err) == VS_E_LIMIT, "%s", err.text);
    drop(path);
    buf_fini(&b);
}

static void no_files(void)
{
    char *path = xasprintf("%s/model.json", folder);
    struct parts p;
    struct vs_err err = {0};
    ok(mkfifo(path, 0600) == 0 && parts_read(folder, &p, &err) == VS_E_FORMAT &&
       strstr(err.text, "not a regular file"), "a FIFO: %s", err.text);
    unlink(path);
    ok(symlink("/dev/zero", path) == 0 && parts_read(folder, &p, &err) == VS_E_FORMAT &&
       strstr(err.text, "not a regular file"), "a device: %s", err.text);
    unlink(path);
    ok(mkdir(path, 0700) == 0 && parts_read(folder, &p, &err) == VS_E_FORMAT, "a folder: %s",
       err.text);
    rmdir(path);
    ok(parts_read(folder, &p, &err) == VS_E_MISSING, "nothing: %s", err.text);
    free(path);
}

int main(void)
{
    if (!folder_make("descriptions"))
        return 1;
    configurations();
    detectors();
    published_detectors();
    selfchecks();
    vocabularies();
    boxes();
    boxes_of_a_smaller_one();
    found_boxes();
    box_lists();
    many_checkpoints();
    no_files();
    return folder_remove();
}
