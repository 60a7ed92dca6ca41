/* SPDX-License-Identifier: MIT */
/* The tasks. */
#include "src/task/task.h"

#include "src/base/mem.h"
#include "src/model/trace.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define QUESTION "a question about the image, such as: what is the man holding?"
#define EXPRESSION "a phrase for one thing in the image, such as: man in the red shirt"

/* id, max_tokens (max_seq_length) and extra_regions: vilbert_tasks.yml; head and reading:
 * task_utils.py, EvaluatingModel. */
const struct task task_table[] = {
    {1, "vqa", "VQA v2", GROUP_QA, &reading_answers, HEAD_VQA, 1, 1, 0, 23, false, QUESTION,
     "soft accuracy over ten human answers"},
    {2, "genomeqa", "Visual Genome QA", GROUP_QA, &reading_answers, HEAD_VQA, 1, 1, 0, 26, false,
     QUESTION, "soft accuracy"},
    {15, "gqa", "GQA", GROUP_QA, &reading_answers, HEAD_GQA, 1, 1, 0, 26, false, QUESTION,
     "accuracy"},
    {7, "coco", "COCO retrieval", GROUP_RETRIEVAL, &reading_alignment, HEAD_ALIGN, 1, 1000, 0, 30,
     false, "a caption to rank the images by", "recall at 1, 5, 10"},
    {8, "flickr30k", "Flickr30k retrieval", GROUP_RETRIEVAL, &reading_alignment, HEAD_ALIGN, 1,
     1000, 0, 30, false, "a caption to rank the images by", "recall at 1, 5, 10"},
    {9, "refcoco", "RefCOCO", GROUP_GROUNDING, &reading_boxes, HEAD_GROUND, 1, 1, 0, 20, false,
     EXPRESSION, "share of top boxes with an overlap above 0.5"},
    {10, "refcoco+", "RefCOCO+", GROUP_GROUNDING, &reading_boxes, HEAD_GROUND, 1, 1, 0, 20, false,
     EXPRESSION, "share of top boxes with an overlap above 0.5"},
    {11, "refcocog", "RefCOCOg", GROUP_GROUNDING, &reading_boxes, HEAD_GROUND, 1, 1, 0, 20, false,
     EXPRESSION, "share of top boxes with an overlap above 0.5"},
    {4, "visual7w", "Visual7W pointing", GROUP_GROUNDING, &reading_boxes, HEAD_GROUND, 1, 1, 99,
     20, false, "a question answered by a box: which object is used to cut the pizza?",
     "accuracy among the candidates"},
    {17, "guesswhat", "GuessWhat", GROUP_GROUNDING, &reading_boxes, HEAD_GROUND, 1, 1, 205, 256,
     true, "rounds of question and answer, a line each: is it a person? | no",
     "accuracy among the candidates"},
    {12, "nlvr2", "NLVR2", GROUP_VERIFICATION, &reading_pair, HEAD_BINARY, 2, 2, 0, 40, false,
     "a statement on the two images: the left image contains two dogs", "accuracy"},
    {13, "snli-ve", "SNLI-VE", GROUP_VERIFICATION, &reading_verdict, HEAD_TRI, 1, 1, 0, 56, false,
     "a hypothesis on the image: two women are sleeping", "accuracy"},
    {0, "alignment", "Alignment", GROUP_PRETRAINING, &reading_alignment, HEAD_MATCH, 1, 1000, 0,
     30, false, "a caption to rank the images by", "recall at 1, 5, 10"},
};
const int task_count = sizeof task_table / sizeof task_table[0];

const char *task_group_name(enum task_group g)
{
    static const char *const names[] = {
        [GROUP_QA] = "question answering",
        [GROUP_RETRIEVAL] = "retrieval",
        [GROUP_GROUNDING] = "grounding",
        [GROUP_VERIFICATION] = "verification",
        [GROUP_PRETRAINING] = "pre-training",
    };
    return names[g];
}

unsigned task_head(const struct task *t, unsigned heads)
{
    if (heads & t->head || t->head != HEAD_ALIGN)
        return heads & t->head;
    return heads & HEAD_MATCH;
}

const struct trace_tensor *task_output(const struct task *t, const struct trace *trace)
{
    const struct trace_tensor *own = trace_head(trace, t->head);
    return own || t->head != HEAD_ALIGN ? own : trace_head(trace, HEAD_MATCH);
}

/* Lower case without what people write between the parts: "RefCOCO +" is "refcoco+". */
static void task_squeeze(const char *from, char *to, size_t size)
{
    size_t n = 0;
    for (; *from && n + 1 < size; from++)
        if (isalnum((unsigned char)*from) || *from == '+')
            to[n++] = (char)tolower((unsigned char)*from);
    to[n] = '\0';
}

const struct task *task_find(const char *name)
{
    static const struct {
        const char *alias;
        int id;
    } aliases[] = {{"vqav2", 1}, {"vgqa", 2}, {"visualgenomeqa", 2}, {"v7w", 4},
                   {"retrievalcoco", 7}, {"cocoretrieval", 7}, {"retrievalflickr30k", 8},
                   {"flickr", 8}, {"flickr30kretrieval", 8}, {"visualentailment", 13},
                   {"snlive", 13}, {"visual7wpointing", 4},
                   {"guesswhatpointing", 17}};
    char want[64], have[64];
    int id = -1;
    task_squeeze(name, want, sizeof want);
    for (size_t i = 0; i < sizeof aliases / sizeof aliases[0]; i++)
        if (strcmp(want, aliases[i].alias) == 0)
            id = aliases[i].id;
    if (want[0] && strspn(want, "0123456789") == strlen(want) && strlen(want) < 4)
        id = atoi(want);
    for (int i = 0; i < task_count; i++) {
        task_squeeze(task_table[i].name, have, sizeof have);
        if (task_table[i].id == id || strcmp(want, have) == 0)
            return &task_table[i];
    }
    return NULL;
}

/* ---- dialogs */

static const char *skip_blank(const char *s, const char *end)
{
    while (s < end && isspace((unsigned char)*s))
        s++;
    return s;
}

static const char *trim_end(const char *s, const char *end)
{
    while (end > s && isspace((unsigned char)end[-1]))
        end--;
    return end;
}

/* Where the answer of a round begins: after '|', else a last word yes, no or n/a; NULL without. */
static const char *find_answer(const char *s, const char *end, const char **question_end)
{
    static const char *const words[] = {"yes", "no", "n/a"};
    const char *bar = memchr(s, '|', (size_t)(end - s));
    if (bar) {
        *question_end = trim_end(s, bar);
        return skip_blank(bar + 1, end);
    }
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        size_t n = strlen(words[i]);
        if ((size_t)(end - s) > n && isspace((unsigned char)end[-(ptrdiff_t)n - 1]) &&
            strncasecmp(end - n, words[i], n) == 0) {
            *question_end = trim_end(s, end - n);
            return end - n;
        }
    }
    return NULL;
}

/* Source: guesswhat_pointing_dataset.py: "start " + question + " answer " + answer + " stop ". */
static void add_round(struct buf *b, const char *s, const char *end)
{
    const char *question_end = end, *answer = find_answer(s, end, &question_end);
    if (!answer)
        answer = end;
    buf_printf(b, "start %.*s answer %.*s stop ", (int)(question_end - s), s, (int)(end - answer),
               answer);
}

static char *dialog_text(const char *text)
{
    struct buf b = {0};
    while (*text) {
        const char *end = strchr(text, '\n');
        end = end ? end : text + strlen(text);
        const char *from = skip_blank(text, end), *to = trim_end(from, end);
        if (to > from)
            add_round(&b, from, to);
        text = *end ? end + 1 : end;
    }
    return buf_steal(&b);
}

char *task_template(const struct task *t, const char *text)
{
    return t->dialog ? dialog_text(text) : xstrdup(text);
}

int task_tokens(const struct task *t, const struct tokenizer *tok, const char *text,
                struct token **out)
{
    struct token *body;
    int n = tokenizer_run(tok, text, strlen(text), &body);
    if (t && n > t->max_tokens - 2)
        n = t->max_tokens - 2;
    struct token *all = xcalloc((size_t)n + 2, sizeof *all);
    all[0].id = tokenizer_id(tok, "[CLS]");
    memcpy(all + 1, body, (size_t)n * sizeof *all);
    all[n + 1].id = tokenizer_id(tok, "[SEP]");
    free(body);
    *out = all;
    return n + 2;
}
