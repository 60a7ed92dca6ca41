/* SPDX-License-Identifier: MIT */
/* Answers as the data sets' own scorers compare them. */
#include "src/task/answers.h"

#include "src/base/mem.h"
#include "src/model/family.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* ---- punctuation: it goes where it stands beside a blank, else it becomes one */

static bool beside_blank(const char *s, char c)
{
    for (const char *p = strchr(s, c); p; p = strchr(p + 1, c))
        if (p[1] == ' ' || (p > s && p[-1] == ' '))
            return true;
    return false;
}

static bool has_number_with_comma(const char *s)
{
    for (const char *p = strchr(s, ','); p; p = strchr(p + 1, ','))
        if (p > s && is_digit(p[-1]) && is_digit(p[1]))
            return true;
    return false;
}

static void strip_punctuation(char *s)
{
    static const char marks[] = ";/[]\"{}()=+\\_-><@`,?!";
    char *was = xstrdup(s), *to = s;
    bool comma = has_number_with_comma(was);
    for (const char *p = was; *p; p++) {
        bool mark = strchr(marks, *p) != NULL;
        if (*p == '.' ? !is_digit(p[1]) : mark && (comma || beside_blank(was, *p)))
            continue;
        *to++ = mark ? ' ' : *p;
    }
    *to = '\0';
    free(was);
}

/* ---- words */

static const char *digit_of(const char *word)
{
    static const char *const names[][2] = {
        {"none", "0"}, {"zero", "0"}, {"one", "1"}, {"two", "2"}, {"three", "3"}, {"four", "4"},
        {"five", "5"}, {"six", "6"}, {"seven", "7"}, {"eight", "8"}, {"nine", "9"}, {"ten", "10"},
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(names[i][0], word) == 0)
            return names[i][1];
    return word;
}

static const char *contraction_of(const char *word)
{
    static const char *const list[] = {
        "ain't", "aren't", "can't", "could've", "couldn't", "didn't", "doesn't", "don't", "hadn't",
        "hasn't", "haven't", "he'd", "he's", "how'd", "how'll", "how's", "i'm", "i've", "isn't",
        "it'd", "it'll", "ma'am", "might've", "mightn't", "must've", "mustn't", "needn't",
        "o'clock", "oughtn't", "shan't", "should've", "shouldn't", "somebody's", "someone's",
        "something's", "that's", "there's", "they'd", "they'll", "they're", "they've", "wasn't",
        "we've", "weren't", "what'll", "what're", "what's", "what've", "when's", "where'd",
        "where's", "who'd", "who'll", "who's", "who've", "why'd", "why'll", "why's", "won't",
        "would've", "wouldn't", "y'all", "you'd", "you'll", "you're", "you've",
    };
    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
        const char *mark = strchr(list[i], '\'');
        size_t n = (size_t)(mark - list[i]);
        if (strncmp(list[i], word, n) == 0 && strcmp(mark + 1, word + n) == 0)
            return list[i];
    }
    return word;
}

static bool is_article(const char *word)
{
    return strcmp(word, "a") == 0 || strcmp(word, "an") == 0 || strcmp(word, "the") == 0;
}

char *answer_normalise(const struct task *t, const char *text)
{
    bool vqa = t->group == GROUP_QA && t->head == HEAD_VQA;
    char *s = xstrdup(text), *save = NULL;
    struct buf out = {0};
    for (char *p = s; *p; p++)
        *p = (char)(isspace((unsigned char)*p) ? ' ' : tolower((unsigned char)*p));
    if (vqa)
        strip_punctuation(s);
    buf_puts(&out, "");
    for (char *w = strtok_r(s, " ", &save); w; w = strtok_r(NULL, " ", &save)) {
        const char *word = vqa ? digit_of(w) : w;
        if (vqa && is_article(word))
            continue;
        buf_printf(&out, "%s%s", out.len ? " " : "", vqa ? contraction_of(word) : word);
    }
    if (out.len == 0) /* nothing but articles: they are the answer */
        buf_puts(&out, text);
    free(s);
    return buf_steal(&out);
}

bool answers_equal(const struct task *t, const char *a, const char *b)
{
    char *x = answer_normalise(t, a), *y = answer_normalise(t, b);
    bool same = strcmp(x, y) == 0;
    free(x);
    free(y);
    return same;
}
