/* SPDX-License-Identifier: MIT */
/* vilscope compare: the table of probes as text, JSON and CSV. */
#include "src/cmd/cmd_compare.h"
#include "src/cmd/vilscope.h"

#include "src/base/mem.h"
#include "src/base/plain.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define NAME_WIDTH 30
#define CELL_WIDTH 24

/* ---- text: cells of a fixed number of columns */

void compare_put_cell(const char *s, int width)
{
    plain_out("%-*.*s", width, width, s);
}

/* Columns of checkpoints that fit beside each other; all of them into a file. */
static int columns_fit(int count)
{
    struct winsize size;
    if (!isatty(STDOUT_FILENO) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
        return count;
    int n = (size.ws_col - NAME_WIDTH - 2) / (CELL_WIDTH + 2);
    return n < 1 ? 1 : n > count ? count : n;
}

/* An answer as a cell has room for it: of an image's path only its name. */
static const char *short_answer(const struct probe_table *t, int probe, const char *text)
{
    bool path = t->probes->list[probe].item.task->reading->ranked == RANKED_IMAGES;
    const char *slash = path ? strrchr(text, '/') : NULL;
    return slash && slash[1] ? slash + 1 : text;
}

static void probes_put_answer(const struct probe_table *t, int probe, int column)
{
    const struct probe_answer *a = &t->columns[column]->answers[probe];
    char number[16];
    if (a->error) {
        compare_put_cell(a->diverged ? "diverged" : "failed", CELL_WIDTH);
        return;
    }
    snprintf(number, sizeof number, a->lone ? " l=%.2f%c%c" : " %.2f%c%c",
             a->lone ? a->logit : a->softmax, a->judged ? (a->right ? '+' : '-') : ' ',
             column && probe_table_flips(t, probe, column - 1, column) ? '*' : ' ');
    int width = CELL_WIDTH - (int)strlen(number);
    const char *answer = short_answer(t, probe, a->text);
    int length = plain_width(answer);
    compare_put_cell(answer, length < width ? length : width);
    plain_out("%s%*s", number, length < width ? width - length : 0, "");
}

static void put_trend(const struct probe_table *t, int probe)
{
    double *v = xcalloc((size_t)t->count + 1, sizeof *v);
    probe_table_trend(t, t->count, probe, v);
    char *s = sparkline(v, t->count, compare_utf8());
    plain_out("  %s", s);
    free(s);
    free(v);
}

static void probes_put_names(const struct probe_table *t, int from, int to, bool last)
{
    compare_put_cell("query", NAME_WIDTH);
    for (int c = from; c < to; c++) {
        fputs("  ", stdout);
        compare_put_cell(t->columns[c]->name, CELL_WIDTH);
    }
    puts(last && t->count > 1 ? "  trend" : "");
}

/* A line under the table: one number for each column. */
static void probes_put_line(const struct probe_table *t, int from, int to, const char *what,
                            void (*put)(const struct probe_table *t, int column, char out[40]))
{
    char text[40];
    compare_put_cell(what, NAME_WIDTH);
    for (int c = from; c < to; c++) {
        put(t, c, text);
        fputs("  ", stdout);
        compare_put_cell(text, CELL_WIDTH);
    }
    putchar('\n');
}

static void tell_right(const struct probe_table *t, int c, char out[40])
{
    struct probe_sum s = probe_table_sum(t, c);
    if (s.judged)
        snprintf(out, 40, "%d of %d", s.right, s.judged);
    else
        snprintf(out, 40, "-");
}

static void tell_expected(const struct probe_table *t, int c, char out[40])
{
    struct probe_sum s = probe_table_sum(t, c);
    if (s.judged)
        snprintf(out, 40, "%.4f", s.expected);
    else
        snprintf(out, 40, "-");
}

static void tell_entropy(const struct probe_table *t, int c, char out[40])
{
    double v = probe_table_sum(t, c).entropy;
    if (isfinite(v))
        snprintf(out, 40, "%.4f", v);
    else
        snprintf(out, 40, "-");
}

static void tell_agreement(const struct probe_table *t, int c, char out[40])
{
    int both = c ? probe_table_both(t, c - 1, c) : 0;
    if (c == 0)
        snprintf(out, 40, " ");
    else if (both == 0)
        snprintf(out, 40, "-");
    else
        snprintf(out, 40, "%d of %d", probe_table_agree(t, c - 1, c), both);
}

static void put_block(const struct probe_table *t, int from, int to)
{
    bool last = to == t->count;
    probes_put_names(t, from, to, last);
    for (int i = 0; i < t->probes->count; i++) {
        compare_put_cell(t->probes->list[i].name, NAME_WIDTH);
        for (int c = from; c < to; c++) {
            fputs("  ", stdout);
            probes_put_answer(t, i, c);
        }
        if (last && t->count > 1)
            put_trend(t, i);
        putchar('\n');
    }
    putchar('\n');
    bool judged = false;
    for (int c = 0; c < t->count; c++)
        judged |= probe_table_sum(t, c).judged > 0;
    if (judged) {
        probes_put_line(t, from, to, "right", tell_right);
        probes_put_line(t, from, to, "probability of what is right", tell_expected);
    }
    probes_put_line(t, from, to, "entropy (nats)", tell_entropy);
    if (t->count > 1)
        probes_put_line(t, from, to, "agree with the one before", tell_agreement);
}

static const char *probes_verdict(const struct probe_answer *a, const struct probe_answer *b)
{
    if (!a->judged || !b->judged || a->right == b->right)
        return a->judged && b->judged ? (b->right ? "  (both right)" : "  (both wrong)") : "";
    return b->right ? "  (now right)" : "  (now wrong)";
}

static int count_flips(const struct probe_table *t, int a, int b)
{
    int n = 0;
    for (int i = 0; i < t->probes->count; i++)
        n += probe_table_flips(t, i, a, b);
    return n;
}

static void put_flips(const struct probe_table *t, int a, int b)
{
    for (int i = 0; i < t->probes->count; i++) {
        const struct probe_answer *x = &t->columns[a]->answers[i];
        const struct probe_answer *y = &t->columns[b]->answers[i];
        if (!probe_table_flips(t, i, a, b))
            continue;
        plain_out("  %s -> %s: \"%s\": %s -> %s%s\n", t->columns[a]->name, t->columns[b]->name,
                  t->probes->list[i].item.text, x->text, y->text, probes_verdict(x, y));
    }
}

/* Notes are mostly about what is asked: what was said for one checkpoint is not said again. */
static void put_notices(const struct probe_table *t, int column)
{
    for (int i = 0; i < t->probes->count; i++) {
        const char *notice = t->columns[column]->answers[i].notice, *other;
        bool said = !notice;
        for (int c = 0; c < column && !said; c++)
            said = (other = t->columns[c]->answers[i].notice) && strcmp(other, notice) == 0;
        if (!said)
            plain_text(stderr, "vilscope compare: note: \"%s\": %s\n", t->probes->list[i].name,
                       notice);
    }
}

/* The same reason for one probe after the other, as of a run that diverged, is said once. */
static void put_errors(const struct probe_table *t, int column)
{
    const char *last = "";
    put_notices(t, column);
    for (int i = 0; i < t->probes->count; last = t->columns[column]->answers[i++].error)
        if (t->columns[column]->answers[i].error &&
            (!last || strcmp(last, t->columns[column]->answers[i].error) != 0))
            plain_text(stderr, "vilscope compare: %s: \"%s\": %s\n", t->columns[column]->name,
                       t->probes->list[i].name, t->columns[column]->answers[i].error);
}

static void probes_print_text(const struct probe_table *t)
{
    int n = t->count, fit = columns_fit(n);
    bool flips = false;
    for (int from = 0; from < n; from += fit) {
        put_block(t, from, from + fit < n ? from + fit : n);
        if (from + fit < n)
            putchar('\n');
    }
    int columns, agree = probe_table_agree_all(t, &columns);
    if (columns > 1)
        plain_out("all %d%s agree on %d of %d\n", columns, columns < n ? " that answer" : "", agree,
                  t->probes->count);
    for (int c = 1; c < n; c++)
        flips |= count_flips(t, c - 1, c) > 0;
    if (flips)
        puts("\nflips");
    for (int c = 1; c < n; c++)
        put_flips(t, c - 1, c);
}

/* ---- JSON */

static json_t *probes_answer_json(const struct probe_column *c, int probe)
{
    const struct probe_answer *a = &c->answers[probe];
    if (a->error)
        return json_pack("{s:o, s:o, s:b}", "checkpoint", plain_string(c->name), "error",
                         plain_string(a->error), "diverged", a->diverged);
    json_t *v = json_pack("{s:o, s:o, s:f, s:f, s:f}", "checkpoint", plain_string(c->name),
                          "answer", plain_string(a->text), "softmax", a->softmax, "entropy",
                          a->entropy, "margin", a->margin);
    json_object_set_new(v, "logit", plain_number(a->logit));
    if (a->notice)
        json_object_set_new(v, "notice", plain_string(a->notice));
    if (a->judged) {
        json_object_set_new(v, "right", json_boolean(a->right));
        json_object_set_new(v, "worth", json_real(a->worth));
        json_object_set_new(v, "expected_softmax", json_real(a->expected));
        json_object_set_new(v, "expected_rank",
                            a->expected_rank < 0 ? json_null()
                                                 : json_integer(a->expected_rank + 1));
    }
    return v;
}

static json_t *sum_json(const struct compare_run *r, const struct probe_table *t, int column)
{
    struct probe_sum s = probe_table_sum(t, column);
    const struct probe_column *c = t->columns[column];
    char digest[DIGEST_HEX];
    model_checkpoint_digest(r->m, c->checkpoint, digest);
    json_t *v =
        json_pack("{s:o, s:o, s:s, s:i, s:i, s:i, s:o}", "name", plain_string(c->name), "path",
                  plain_string(c->path), "digest", digest, "probes", s.asked, "failed", s.failed,
                  "diverged", s.diverged, "entropy", plain_number(s.entropy));
    if (s.judged) {
        json_object_set_new(v, "judged", json_integer(s.judged));
        json_object_set_new(v, "right", json_integer(s.right));
        json_object_set_new(v, "worth", json_real(s.worth));
        json_object_set_new(v, "expected_softmax", json_real(s.expected));
    }
    return v;
}

static json_t *probe_json(const struct probe_table *t, int i)
{
    const struct probe *p = &t->probes->list[i];
    json_t *images = json_array(), *answers = json_array(), *trend = json_array();
    double *v = xcalloc((size_t)t->count + 1, sizeof *v);
    probe_table_trend(t, t->count, i, v);
    for (int k = 0; k < p->item.image_count; k++)
        json_array_append_new(images, plain_string(p->item.images[k]));
    for (int c = 0; c < t->count; c++) {
        json_array_append_new(answers, probes_answer_json(t->columns[c], i));
        json_array_append_new(trend, plain_number(v[c]));
    }
    free(v);
    return json_pack("{s:o, s:s, s:o, s:o, s:o, s:o, s:o}", "name", plain_string(p->name), "task",
                     p->item.task->name, "text", plain_string(p->item.text), "images", images,
                     "expected", plain_string(p->item.label_count ? p->item.labels[0] : NULL),
                     "answers", answers, "trend", trend);
}

static json_t *flips_json(const struct probe_table *t)
{
    json_t *list = json_array();
    for (int c = 1; c < t->count; c++)
        for (int i = 0; i < t->probes->count; i++)
            if (probe_table_flips(t, i, c - 1, c))
                json_array_append_new(
                    list, json_pack("{s:i, s:o, s:o, s:o, s:o, s:o}", "probe", i + 1, "text",
                                    plain_string(t->probes->list[i].item.text), "from",
                                    plain_string(t->columns[c - 1]->name), "to",
                                    plain_string(t->columns[c]->name), "before",
                                    plain_string(t->columns[c - 1]->answers[i].text), "after",
                                    plain_string(t->columns[c]->answers[i].text)));
    return list;
}

static void probes_print_json(const struct compare_run *r, const struct probe_table *t)
{
    json_t *checkpoints = json_array(), *probes = json_array(), *agreement = json_array();
    int columns, agree = probe_table_agree_all(t, &columns);
    for (int c = 0; c < t->count; c++) {
        json_t *row = json_array();
        json_array_append_new(checkpoints, sum_json(r, t, c));
        for (int d = 0; d < t->count; d++)
            json_array_append_new(row, json_integer(probe_table_agree(t, c, d)));
        json_array_append_new(agreement, row);
    }
    for (int i = 0; i < t->probes->count; i++)
        json_array_append_new(probes, probe_json(t, i));
    command_json(json_pack("{s:o, s:o, s:s, s:o, s:o, s:o, s:o, s:i}", "model",
                           plain_string(model_name(r->m)), "probe_set",
                           plain_string(t->probes->path), "probe_set_digest", t->probes->digest,
                           "checkpoints", checkpoints, "probes", probes, "agreement", agreement,
                           "flips", flips_json(t), "all_agree", agree),
                 JSON_INDENT(1));
}

/* ---- CSV */

void compare_put_field(const char *s, char end)
{
    plain_csv(stdout, s, true);
    putchar(end);
}

static void probes_put_row(const struct probe_table *t, int i, int c)
{
    const struct probe *p = &t->probes->list[i];
    const struct probe_answer *a = &t->columns[c]->answers[i];
    printf("%d,", i + 1);
    compare_put_field(p->name, ',');
    compare_put_field(p->item.task->name, ',');
    compare_put_field(p->item.text, ',');
    compare_put_field(t->columns[c]->name, ',');
    compare_put_field(a->text, ',');
    if (a->error)
        printf(",,,,");
    else
        printf("%.9g,%.9g,%.9g,%.9g,", a->softmax, a->logit, a->entropy, a->margin);
    if (!a->error && a->judged)
        printf("%d,%.9g,", a->right, a->expected);
    else
        printf(",,");
    if (!a->error && a->expected_rank >= 0)
        printf("%d", a->expected_rank + 1);
    putchar(',');
    compare_put_field(a->error, ',');
    compare_put_field(a->error ? NULL : a->notice, '\n');
}

static void print_csv(const struct probe_table *t)
{
    puts("probe,name,task,text,checkpoint,answer,softmax,logit,entropy,margin,right,"
         "expected_softmax,expected_rank,error,notice");
    for (int i = 0; i < t->probes->count; i++)
        for (int c = 0; c < t->count; c++)
            probes_put_row(t, i, c);
}

/* ---- the whole */

int compare_check_answers(const struct probe_table *t, struct vs_err *err)
{
    for (int c = 0; c < t->count; c++)
        if (probe_table_sum(t, c).failed < t->probes->count)
            return 0;
    if (t->count == 0)
        return 0;
    return vs_fail(err, t->columns[0]->answers[0].diverged ? VS_E_DIVERGED : VS_E_MISSING, "%s",
                   t->columns[0]->answers[0].error);
}

static void answers_print(const struct compare_run *r, const struct probe_table *t)
{
    for (int c = 0; c < t->count; c++)
        put_errors(t, c);
    if (r->o->json)
        probes_print_json(r, t);
    else if (r->o->csv)
        print_csv(t);
    else
        probes_print_text(t);
}

/* The user stopped it, or the server is gone: what was answered until then is worth its time. */
static int answers_stopped(const struct compare_run *r, int rc, struct vs_err *err)
{
    const struct probe_table *t = probe_runner_table(r->runner);
    char *why = xstrdup(rc == VS_E_GONE ? err->text : "stopped");
    bool again = r->o->resume || r->o->shard.count > 0;
    int answers = 0;
    probe_runner_stop(r->runner, why);
    for (int c = 0; c < t->count; c++)
        answers += t->probes->count - probe_table_sum(t, c).failed;
    if (answers) {
        answers_print(r, t);
        fflush(stdout); /* before what is said of it */
        vs_fail(err, rc, "%s: what was answered until then (%d) is shown%s; the same command "
                "begins again%s", why, answers, r->log ? " and logged" : ", not logged",
                r->log && again ? ", and logs none twice" : "");
    }
    free(why);
    return rc;
}

int compare_answers(struct compare_run *r, struct vs_err *err)
{
    const struct probe_table *t = probe_runner_table(r->runner);
    int rc = 0;
    for (int i = 0; i < model_checkpoint_count(r->m) && rc == 0; i++) {
        rc = probe_runner_add(r->runner, i, &compare_stopped, compare_log_answer, r, err);
        if (rc == 0)
            compare_log_column(r, i);
    }
    command_clear();
    if (rc == 0)
        rc = compare_check_answers(t, err);
    if (vs_is_of_all(rc))
        return answers_stopped(r, rc, err);
    if (rc == 0)
        answers_print(r, t);
    return rc;
}

static void print_column_json(const struct compare_run *r, const struct probe_table *t, int column)
{
    json_t *v = sum_json(r, t, column), *answers = json_array();
    for (int i = 0; i < t->probes->count; i++) {
        json_t *a = probes_answer_json(t->columns[column], i);
        json_object_set_new(a, "probe", plain_string(t->probes->list[i].name));
        json_object_del(a, "checkpoint");
        if (column)
            json_object_set_new(a, "flipped",
                                json_boolean(probe_table_flips(t, i, column - 1, column)));
        json_array_append_new(answers, a);
    }
    json_object_set_new(v, "answers", answers);
    command_json(v, JSON_COMPACT);
}

void compare_print_column(const struct compare_run *r, int column)
{
    const struct probe_table *t = probe_runner_table(r->runner);
    struct probe_sum s = probe_table_sum(t, column);
    put_errors(t, column);
    if (r->o->json) {
        print_column_json(r, t, column);
        return;
    }
    fputs(column ? "\n" : "", stdout);
    plain_out("%s", t->columns[column]->name);
    if (s.judged)
        printf(": %d of %d right, probability of what is right %.4f", s.right, s.judged,
               s.expected);
    if (isfinite(s.entropy))
        plain_out("%s entropy %.4f", s.judged ? "," : ":", s.entropy);
    else
        plain_out(": %s", s.diverged ? "diverged: no answer" : "no answer");
    if (column && probe_table_both(t, column - 1, column))
        printf(", %d flips", count_flips(t, column - 1, column));
    putchar('\n');
    for (int i = 0; i < t->probes->count; i++) {
        fputs("  ", stdout);
        compare_put_cell(t->probes->list[i].name, NAME_WIDTH);
        fputs("  ", stdout);
        probes_put_answer(t, i, column);
        put_trend(t, i);
        putchar('\n');
    }
    if (column)
        put_flips(t, column - 1, column);
}
