/* SPDX-License-Identifier: MIT */
/* One row of an evaluation, from its line of JSON: read once, from the front, since there may be a
 * million of them. Members that are not known are passed over. */
#include "src/study/rowfile_priv.h"

#include "src/base/mem.h"
#include "src/formats/jsonscan.h"
#include "src/task/task.h"

#include <ctype.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- values */

struct row_scan {
    struct jsonscan json;
    struct row_texts *texts;
    struct row *row;
    bool has_task, has_choice, has_logits, has_right;
    int64_t right; /* the number of what is right */
    double top;    /* the highest of the first answers of a vocabulary */
    double most, sum, chosen; /* of all logits: sum of exp(x - most) */
    int regions, logits;
};

static bool scan_says(struct row_scan *s, const char *why)
{
    s->json.why = why;
    return false;
}

/* A whole number that a double holds, as most are; false: it is something else. */
static bool scan_digits(struct jsonscan *j, double *out)
{
    int64_t v = 0;
    size_t at = j->at;
    for (; at < j->len && j->text[at] >= '0' && j->text[at] <= '9' && at - j->at < 16; at++)
        v = 10 * v + (j->text[at] - '0');
    if (at == j->at || at - j->at > 15 || at == j->len || !strchr(",]} ", j->text[at]))
        return false;
    j->at = at;
    *out = (double)v;
    return true;
}

static bool scan_real(struct row_scan *s, double *out)
{
    char digits[48], *end;
    struct jsonscan *j = &s->json;
    while (j->at < j->len && (j->text[j->at] == ' ' || j->text[j->at] == '\t'))
        j->at++;
    size_t from = j->at;
    if (scan_digits(j, out))
        return true;
    if (!jsonscan_skip(j))
        return false;
    size_t n = j->at - from;
    if (n == 4 && memcmp(j->text + from, "null", 4) == 0) {
        *out = (double)NAN;
        return true;
    }
    if (n >= sizeof digits)
        return scan_says(s, "a number with too many digits");
    memcpy(digits, j->text + from, n);
    digits[n] = '\0';
    *out = strtod(digits, &end);
    return (*end == '\0' && end > digits) || scan_says(s, "a number expected");
}

/* A whole number that an int holds; larger ones are the largest, -1 is none. */
static bool scan_int(struct row_scan *s, int *out)
{
    double v;
    if (!scan_real(s, &v))
        return false;
    *out = v >= INT_MAX ? INT_MAX : v < 0 || isnan(v) ? -1 : (int)v;
    return isnan(v) || floor(v) == v || scan_says(s, "a whole number expected");
}

static bool scan_text(struct row_scan *s, const char **out)
{
    if (!jsonscan_string(&s->json, &s->texts->text))
        return false;
    *out = row_texts_copy(s->texts, s->texts->text.data, s->texts->text.len);
    return true;
}

static int scan_peek(struct row_scan *s)
{
    struct jsonscan *j = &s->json;
    while (j->at < j->len && (j->text[j->at] == ' ' || j->text[j->at] == '\t'))
        j->at++;
    return j->at < j->len ? j->text[j->at] : -1;
}

/* A text, or a number as a text. */
static bool scan_name(struct row_scan *s, const char **out)
{
    if (scan_peek(s) == '"')
        return scan_text(s, out);
    size_t from = s->json.at;
    if (!jsonscan_skip(&s->json))
        return false;
    *out = row_texts_copy(s->texts, s->json.text + from, s->json.at - from);
    return true;
}

static bool scan_bool(struct row_scan *s, bool *out)
{
    scan_peek(s); /* passes over blanks */
    size_t from = s->json.at;
    if (!jsonscan_skip(&s->json))
        return false;
    const char *word = s->json.text + from;
    size_t n = s->json.at - from;
    *out = n == 4 && memcmp(word, "true", n) == 0;
    return *out || (n == 5 && memcmp(word, "false", n) == 0) ||
           (n == 4 && memcmp(word, "null", n) == 0) || scan_says(s, "true or false expected");
}

/* Calls take for each entry of a list. */
typedef bool scan_entry(struct row_scan *s, int number);
static bool scan_list(struct row_scan *s, scan_entry *take)
{
    if (!jsonscan_take(&s->json, '['))
        return false;
    int more, n = 0;
    while ((more = jsonscan_next(&s->json, ']', n)) > 0)
        if (!take(s, n++))
            return false;
    return more == 0;
}

/* ---- fields */

static void field_add(struct row_scan *s, const char *name, const char *value)
{
    struct row_texts *t = s->texts;
    if (t->field_count == t->field_room) {
        t->field_room = t->field_room ? 2 * t->field_room : 16;
        t->fields = xreallocarray(t->fields, (size_t)t->field_room, sizeof *t->fields);
    }
    t->fields[t->field_count++] = (struct row_field){name, value};
}

/* Small whole numbers are values; others a range between powers of two. */
static void field_add_number(struct row_scan *s, const char *name, double v)
{
    char text[64];
    if (!isfinite(v))
        return;
    double below = v > 0 ? exp2(floor(log2(v))) : 0;
    if (v == floor(v) && fabs(v) < 16)
        snprintf(text, sizeof text, "%.0f", v);
    else if (v < 0)
        snprintf(text, sizeof text, "below 0");
    else if (v < 1)
        snprintf(text, sizeof text, "%.4g to %.4g", below, 2 * below);
    else
        snprintf(text, sizeof text, "%.0f to %.0f", below, 2 * below - 1);
    field_add(s, name, row_texts_copy(s->texts, text, strlen(text)));
}

#define FIELD_DEEPEST 4

/* Each text of a list is a value of the field. */
static bool scan_field_list(struct row_scan *s, const char *name)
{
    const char *text;
    int more, seen = 0;
    if (!jsonscan_take(&s->json, '['))
        return false;
    while ((more = jsonscan_next(&s->json, ']', seen++)) > 0) {
        bool is_text = scan_peek(s) == '"';
        if (is_text ? !scan_text(s, &text) : !jsonscan_skip(&s->json))
            return false;
        if (is_text)
            field_add(s, name, text);
    }
    return more == 0;
}

/* One member: texts, numbers, true and false; of an object its members, "types.semantic". */
static bool scan_field(struct row_scan *s, const char *name, int depth)
{
    double v;
    const char *text;
    int more, seen = 0, c = scan_peek(s);
    if (c == '"') {
        if (!scan_text(s, &text))
            return false;
        field_add(s, name, text);
        return true;
    }
    if (c == 't' || c == 'f') {
        field_add(s, name, c == 't' ? "yes" : "no");
        return jsonscan_skip(&s->json);
    }
    if (c != '{' || depth == FIELD_DEEPEST) {
        if (c == '[')
            return scan_field_list(s, name);
        if (c == '{' || c == 'n')
            return jsonscan_skip(&s->json);
        if (!scan_real(s, &v))
            return false;
        field_add_number(s, name, v);
        return true;
    }
    s->json.at++;
    while ((more = jsonscan_next(&s->json, '}', seen++)) > 0) {
        const char *key;
        if (!scan_text(s, &key) || !jsonscan_take(&s->json, ':'))
            return false;
        char *both = *name ? xasprintf("%s.%s", name, key) : xstrdup(key);
        key = row_texts_copy(s->texts, both, strlen(both));
        free(both);
        if (!scan_field(s, key, depth + 1))
            return false;
    }
    return more == 0;
}

/* What the row itself says: how many words, and the first of them. */
static void field_add_words(struct row_scan *s)
{
    const char *text = s->row->text, *first = text + strspn(text, " \t\n");
    size_t n = strcspn(first, " \t\n,.?!");
    int words = 0;
    for (const char *c = first; *c; words++) {
        c += strcspn(c, " \t\n");
        c += strspn(c, " \t\n");
    }
    field_add_number(s, "words", words);
    if (n == 0 || n > 40)
        return;
    char *word = (char *)(uintptr_t)row_texts_copy(s->texts, first, n);
    for (char *c = word; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    field_add(s, "first_word", word);
}

/* ---- members */

/* A pair is told by both; more, as no task has in its rows, by the first two. */
static bool scan_image(struct row_scan *s, int number)
{
    const char *name;
    if (!scan_name(s, &name))
        return false;
    if (number == 0)
        s->row->image = name;
    if (number != 1)
        return true;
    char *both = xasprintf("%s + %s", s->row->image, name);
    s->row->image = row_texts_copy(s->texts, both, strlen(both));
    free(both);
    return true;
}

static bool scan_logit(struct row_scan *s, int number)
{
    double v;
    (void)number;
    if (!scan_real(s, &v))
        return false;
    if (isnan(v)) /* of an image that could not be read */
        return true;
    if (s->logits == 0 || v > s->most) {
        s->sum = s->logits == 0 ? 0 : s->sum * exp(s->most - v);
        s->most = v;
    }
    s->sum += exp(v - s->most);
    s->logits++;
    return true;
}

/* [class, logit]; of those behind the first nothing is wanted. */
static bool scan_pair(struct row_scan *s, int number)
{
    double unused, v;
    if (number > 0)
        return jsonscan_skip(&s->json);
    if (!jsonscan_take(&s->json, '[') || !scan_real(s, &unused) ||
        !jsonscan_take(&s->json, ',') || !scan_real(s, &v) || !jsonscan_take(&s->json, ']'))
        return false;
    s->top = v;
    return true;
}

static bool scan_count(struct row_scan *s, int number)
{
    int n;
    if (!scan_int(s, &n))
        return false;
    int before = number == 0 ? 0 : s->regions;
    s->regions = n < 0 ? before : n > INT_MAX - before ? INT_MAX : before + n;
    return true;
}

static bool scan_regions(struct row_scan *s)
{
    return scan_peek(s) == '[' ? scan_list(s, scan_count) : scan_count(s, 0);
}

/* A number, or classes and what they are worth: [[3, 8], [0.3, 1.0]]. */
static bool scan_target(struct row_scan *s)
{
    double classes[32], worth, best = 0;
    int64_t seen = 0;
    int n = 0, more;
    if (scan_peek(s) != '[') {
        double v;
        if (!scan_real(s, &v))
            return false;
        s->has_right = v >= 0;
        s->right = s->has_right && v < INT_MAX ? (int64_t)v : 0;
        return true;
    }
    if (!jsonscan_take(&s->json, '[') || !jsonscan_take(&s->json, '['))
        return false;
    while ((more = jsonscan_next(&s->json, ']', seen++)) > 0)
        if (!scan_real(s, &classes[n < 31 ? n++ : 31]))
            return false;
    if (more < 0 || !jsonscan_take(&s->json, ',') || !jsonscan_take(&s->json, '['))
        return false;
    for (seen = 0; (more = jsonscan_next(&s->json, ']', seen)) > 0; seen++) {
        if (!scan_real(s, &worth))
            return false;
        if (seen < n && worth > best && classes[seen] >= 0 && classes[seen] < INT_MAX) {
            best = worth;
            s->right = (int64_t)classes[seen];
            s->has_right = true;
        }
    }
    return more == 0 && jsonscan_take(&s->json, ']');
}

/* Words and what they are worth: the first of those that are worth most. */
static bool scan_right(struct row_scan *s)
{
    double worth, best = 0;
    int64_t seen = 0;
    int more;
    if (!jsonscan_take(&s->json, '{'))
        return false;
    while ((more = jsonscan_next(&s->json, '}', seen++)) > 0) {
        const char *word;
        if (!scan_text(s, &word) || !jsonscan_take(&s->json, ':') || !scan_real(s, &worth))
            return false;
        if (worth > best) {
            best = worth;
            s->row->right = word;
            s->row->right_named = true;
        }
    }
    return more == 0;
}

static bool scan_task(struct row_scan *s)
{
    const char *name;
    if (!scan_text(s, &name))
        return false;
    s->row->task = task_find(name);
    s->has_task = s->row->task != NULL;
    return s->has_task || scan_says(s, "a task that is not known");
}

static bool scan_score(struct row_scan *s)
{
    s->row->scored = true;
    if (!scan_real(s, &s->row->score))
        return false;
    return (s->row->score >= 0 && s->row->score <= 1) || scan_says(s, "a score outside of 0 to 1");
}

static bool scan_choice(struct row_scan *s)
{
    s->has_choice = true;
    return scan_int(s, &s->row->choice);
}

static bool scan_member(struct row_scan *s, const char *key)
{
    struct row *r = s->row;
#define IS(name) (strcmp(key, name) == 0)
    if (IS("task"))
        return scan_task(s);
    if (IS("split"))
        return scan_text(s, &r->split);
    if (IS("checkpoint"))
        return scan_text(s, &r->checkpoint);
    if (IS("id"))
        return scan_name(s, &r->id);
    if (IS("image"))
        return scan_name(s, &r->image);
    if (IS("images"))
        return scan_list(s, scan_image);
    if (IS("text"))
        return scan_name(s, &r->text);
    if (IS("answer"))
        return scan_name(s, &r->answer);
    if (IS("index"))
        return scan_int(s, &r->index);
    if (IS("choice"))
        return scan_choice(s);
    if (IS("rank"))
        return scan_int(s, &r->rank);
    if (IS("score"))
        return scan_score(s);
    if (IS("margin"))
        return scan_real(s, &r->margin);
    if (IS("correct"))
        return scan_bool(s, &r->correct);
    if (IS("truncated"))
        return scan_bool(s, &r->truncated);
    if (IS("as_reference"))
        return scan_bool(s, &r->as_reference);
    if (IS("logits"))
        return scan_list(s, scan_logit);
    if (IS("top"))
        return scan_list(s, scan_pair);
    if (IS("regions"))
        return scan_regions(s);
    if (IS("target") || IS("label"))
        return scan_target(s);
    if (IS("right"))
        return scan_right(s);
    if (IS("fields"))
        return scan_field(s, "", 0);
#undef IS
    return jsonscan_skip(&s->json);
}

/* ---- the row */

/* The words of a class, or its number. */
static const char *row_class(struct row_scan *s, int64_t number)
{
    const struct reading *reading = s->row->task->reading;
    if (reading->ranked == RANKED_LABELS && reading->classes && number >= 0 &&
        number < reading->class_count)
        return reading->classes[number];
    char text[32];
    int n = snprintf(text, sizeof text, "%lld", (long long)number);
    return row_texts_copy(s->texts, text, (size_t)n);
}

static void row_complete(struct row_scan *s)
{
    struct row *r = s->row;
    bool listed = r->task->reading->listed;
    if (!r->answer)
        r->answer = row_class(s, r->choice);
    if (s->has_right && !r->right)
        r->right = row_class(s, s->right);
    if (s->logits) /* what is chosen has the largest */
        r->confidence = 1 / s->sum;
    else if (isfinite(s->top))
        r->confidence = 1 / (1 + exp(-s->top));
    if (!isfinite(r->confidence))
        r->confidence = (double)NAN;
    field_add_words(s);
    if (s->regions > 0)
        field_add_number(s, "regions", s->regions);
    if (r->truncated)
        field_add(s, "truncated", "yes");
    if (r->right && r->task->reading->ranked == RANKED_LABELS && !listed)
        field_add(s, "right", r->right);
    r->field_count = s->texts->field_count;
    r->fields = row_texts_room(s->texts, (size_t)r->field_count * sizeof *r->fields);
    if (r->field_count)
        memcpy(r->fields, s->texts->fields, (size_t)r->field_count * sizeof *r->fields);
}

static bool row_is_whole(struct row_scan *s)
{
    const struct row *r = s->row;
    if (!s->has_task || !r->split || !r->checkpoint)
        return scan_says(s, "no task, split or checkpoint");
    return (r->index >= 0 && s->has_choice && r->choice >= 0) ||
           scan_says(s, "no index or no choice");
}

bool row_read(const char *line, size_t length, struct row_texts *t, struct row *out,
              const char **why)
{
    struct row_scan s = {.json = {.text = line, .len = length}, .texts = t, .row = out,
                         .top = (double)NAN};
    int more = 0;
    int64_t seen = 0;
    *out = (struct row){.line = line, .length = length, .id = "", .image = "", .text = "",
                        .index = -1, .choice = -1, .rank = -1, .score = (double)NAN,
                        .confidence = (double)NAN, .margin = (double)NAN};
    t->field_count = 0;
    bool good = jsonscan_take(&s.json, '{');
    while (good && (more = jsonscan_next(&s.json, '}', seen++)) > 0) {
        char key[32] = "";
        good = jsonscan_string(&s.json, &t->text);
        if (good) /* the buffer is wanted for the value */
            memcpy(key, t->text.data, t->text.len < sizeof key ? t->text.len : sizeof key - 1);
        good = good && jsonscan_take(&s.json, ':') && scan_member(&s, key);
    }
    good = good && more == 0 && jsonscan_end(&s.json) && row_is_whole(&s);
    if (good)
        row_complete(&s);
    *why = good ? NULL : s.json.why ? s.json.why : "a member is wrong";
    return good;
}
