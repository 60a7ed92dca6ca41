/* SPDX-License-Identifier: MIT */
/* What the views of the workbench export, full and empty: each table against the JSON or CSV that
 * the result or the command line gives of the same query, and tables against each other. Run by a
 * script on a pseudo-terminal, over the frozen model. Broken by a row or column that is written
 * twice, left out or exchanged, a name that is another row's, a number that nobody measured, or a
 * table of nothing. */
#include "src/base/mem.h"
#include "tap.h"

#include <jansson.h>
#include <math.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define MOST 700
#define WIDE 64
#define QUERY "what is red?"

static char folder[400], model[4096], image[4200];

static bool __attribute__((format(printf, 1, 2))) shell(const char *fmt, ...)
{
    char command[20000];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(command, sizeof command, fmt, ap);
    va_end(ap);
    return system(command) == 0;
}

static const char *program(void)
{
    const char *p = getenv("VILSCOPE");
    return p ? p : "./vilscope";
}

static const char *path_of(const char *name)
{
    static char path[8][500];
    static int turn;
    char *p = path[turn++ & 7];
    snprintf(p, sizeof path[0], "%s/%s", folder, name);
    return p;
}

/* ---- tables */

struct csv {
    int rows, cols;
    char *head[WIDE], *name[MOST];
    double x[MOST][WIDE]; /* NAN: empty */
};

/* One field, out of its quotes; *at goes behind it. False at the end of the line. */
static bool next_field(const char **at, char *out, size_t size)
{
    const char *p = *at;
    size_t n = 0;
    bool quoted = *p == '"';
    if (!*p || *p == '\n')
        return false;
    for (p += quoted; *p && (quoted ? *p != '"' || p[1] == '"' : *p != ',' && *p != '\n'); p++) {
        p += quoted && *p == '"';
        if (n + 1 < size)
            out[n++] = *p;
    }
    out[n] = '\0';
    p += quoted;
    *at = *p == ',' ? p + 1 : p;
    return true;
}

/* key: the column that names the rows; numbers are all columns behind it. */
static struct csv *read_csv(const char *name, int key)
{
    struct csv *t = xcalloc(1, sizeof *t);
    FILE *f = fopen(path_of(name), "r");
    char line[32768], field[4096];
    for (int i = 0; f && fgets(line, sizeof line, f) && t->rows < MOST; i++) {
        const char *at = line;
        char **names = i ? &t->name[t->rows] : NULL;
        int col = 0;
        /* A last field that is empty has nothing before the end of the line. */
        while (next_field(&at, field, sizeof field) ||
               (col && at[-1] == ',' && col <= t->cols + key)) {
            if (col == key && names)
                *names = xstrdup(field);
            else if (col > key && i == 0)
                t->head[t->cols++] = xstrdup(field);
            else if (col > key && col - key - 1 < t->cols)
                t->x[t->rows][col - key - 1] = field[0] ? strtod(field, NULL) : (double)NAN;
            field[0] = '\0';
            col++;
            if (*at == '\n' && at[-1] != ',')
                break;
            if (*at == '\n')
                at++;
        }
        t->rows += i > 0 && t->name[t->rows];
    }
    if (f)
        fclose(f);
    return t;
}

static void csv_free(struct csv *t)
{
    for (int i = 0; i < t->cols; i++)
        free(t->head[i]);
    for (int i = 0; i < t->rows; i++)
        free(t->name[i]);
    free(t);
}

static int row_of(const struct csv *t, const char *name)
{
    for (int i = 0; i < t->rows; i++)
        if (strcmp(t->name[i], name) == 0)
            return i;
    return -1;
}

static int col_of(const struct csv *t, const char *name)
{
    for (int i = 0; i < t->cols; i++)
        if (strcmp(t->head[i], name) == 0)
            return i;
    return -1;
}

static bool near(double a, double b)
{
    return (isnan(a) && isnan(b)) || fabs(a - b) <= 2e-6 + 2e-5 * fabs(b);
}

static json_t *read_json(const char *name)
{
    json_error_t why;
    json_t *v = json_load_file(path_of(name), 0, &why);
    return v ? v : json_object();
}

static double number(const json_t *v, const char *name)
{
    const json_t *x = json_object_get(v, name);
    return json_is_number(x) ? json_number_value(x) : (double)NAN;
}

static const char *text(const json_t *v, const char *name)
{
    const char *s = json_string_value(json_object_get(v, name));
    return s ? s : "";
}

/* ---- running */

/* Runs lines as a script of the workbench; its messages go to a file. */
static void workbench(const char *lines)
{
    FILE *f = fopen(path_of("script"), "w");
    if (f) {
        fputs(lines, f);
        fclose(f);
    }
    const char *build = getenv("BUILDDIR");
    shell("cd '%s' && '%s/pty' '%s' -m '%s' --no-log --threads 1 -S script %s >screen 2>pty",
          folder, build ? build : ".", program(), model, image);
}

static const char full[] =
    "task vqa\nask " QUERY "\nwait\ntoken 3\nlayer 2\nwait\n"
    "view answer\nexport answer.csv\nexport final.json\nview image\nexport photo.csv\n"
    "view attention\nexport looks.csv\nview tokens\nexport tokens.csv\n"
    "view matrix\nexport matrix.csv\nregion 4\nview heads\nexport heads.csv\nhead 3\nview matrix\n"
    "export head.csv\nmap text\nexport text.csv\nmap text-to-image\nhead mean\n"
    "view regions\nexport regions.csv\nview states\nwait\nexport states.csv\nview plane\n"
    "previous-layer\nprevious-layer\nprevious-layer\nprevious-layer\nprevious-layer\n"
    "previous-layer\nprevious-layer\nprevious-layer\nwait\nexport plane.csv\n"
    "view lens\nwait\nwait\nexport lens.csv\n"
    "leave-one-out tokens\nwait\nwait\nview effects\nexport effects.csv\n"
    "view attribution\nattribute leave-one-out\nagainst\nwait\nwait\nexport worths.csv\n"
    "attribute off\nagainst\nattribute relevancy\nwait\nwait\ncurves\nwait\nwait\n"
    "export curves.csv\nview attention\nsave-display scored.txt\nattribute rollout\nwait\n"
    "wait\nsave-display untested.txt\nattribute off\n"
    "between early final\ncompare\nwait\nwait\nexport compare.csv\nattention-change\nwait\n"
    "export difference.csv\ndrift\nwait\nwait\nexport drift.csv\npatch blocks\nwait\nwait\n"
    "export swap.csv\ncheck-set set.probes\nwait\nwait\nview trend\nexport trend.csv\n"
    "mask 3\nwait\nview what-if\nwait\nexport what-if.csv\nexport masked.json\n"
    "restore\nwait\ntoken 4\nview states\nwait\nexport states-4.csv\n"
    "checkpoint early\nagain\nwait\nexport early.json\nquit\n";

static bool attributed(void)
{
    struct csv *t = read_csv("answer.csv", 0);
    bool done = shell("cd '%s' && '%s' query -m '%s' -t vqa --no-log --json --attribute "
                      "leave-one-out --against '%s' '%s' '" QUERY "' 2>/dev/null "
                      "| awk '/^{/ {n++} n == 2' >worths.json", folder, program(), model,
                      t->rows > 1 ? t->name[1] : "", image);
    csv_free(t);
    return done;
}

static void prepare(void)
{
    FILE *f = fopen(path_of("set.probes"), "w");
    if (f) {
        fprintf(f, "name: a\ntask: vqa\nimage: %s\ntext: " QUERY "\nanswer: star\n\nname: b\n"
                   "task: vqa\nimage: %s\ntext: is there a cone?\n", image, image);
        fclose(f);
    }
    const char *v = program();
    ok(shell("cd '%s' && '%s' world -o set --scenes 2 >world 2>&1 && '%s' explain -m '%s' "
             "-c final --data set -t vqa --limit 2 --methods relevancy >explain 2>&1",
             folder, v, v, model), "explain, two items");
    workbench(full);
    ok(shell("cd '%s' && '%s' query -m '%s' -t vqa --no-log --json --leave-one-out tokens "
             "'%s' '" QUERY "' 2>/dev/null | awk '/^{/ {n++} n == 2' >knock.json",
             folder, v, model, image) &&
       attributed() &&
       shell("cd '%s' && '%s' compare -m '%s' -c early -c final --attention -t vqa '%s' '" QUERY
             "' --csv --no-log --top 0 >attention.cli 2>/dev/null", folder, v, model, image) &&
       shell("cd '%s' && '%s' compare -m '%s' -c early -c final --patch blocks -t vqa '%s' '" QUERY
             "' --csv --no-log --top 0 >swap.cli 2>/dev/null", folder, v, model, image) &&
       shell("cd '%s' && '%s' compare -m '%s' -c early -c final --weights --csv --no-log --top 0 "
             ">weights.cli 2>/dev/null", folder, v, model) &&
       shell("cd '%s' && '%s' compare -m '%s' --check-set set.probes --csv --no-log >probes.cli "
             "2>/dev/null", folder, v, model), "the command line says the same");
}

/* ---- answers */

static void answers(void)
{
    struct csv *t = read_csv("answer.csv", 0);
    json_t *r = read_json("final.json"), *a = json_object_get(r, "answers");
    int n = (int)json_array_size(a), wrong = 0;
    for (int i = 0; i < n && i < t->rows; i++) {
        json_t *x = json_array_get(a, (size_t)i);
        wrong += strcmp(t->name[i], text(x, "label")) != 0 ||
                 !near(t->x[i][col_of(t, "softmax")], number(x, "softmax")) ||
                 !near(t->x[i][col_of(t, "logit")], number(x, "logit")) ||
                 !near(t->x[i][col_of(t, "sigmoid")], number(x, "sigmoid"));
    }
    ok(n > 10 && t->rows >= n && t->rows == number(r, "answer_count") && wrong == 0,
       "answer: %d rows, %d of %d are not those of the JSON", t->rows, wrong, n);
    csv_free(t);
    json_decref(r);
}

static double softmax_of(const json_t *r, const char *label, int *rank)
{
    size_t i;
    json_t *x;
    json_array_foreach(json_object_get(r, "answers"), i, x)
        if (strcmp(text(x, "label"), label) == 0) {
            *rank = (int)i + 1;
            return number(x, "softmax");
        }
    *rank = 0;
    return (double)NAN;
}

static void sides(void)
{
    struct csv *t = read_csv("compare.csv", 0);
    json_t *r[] = {read_json("early.json"), read_json("final.json")};
    const int cols[] = {col_of(t, "early"), col_of(t, "final")};
    int wrong = 0, rank;
    for (int i = 0; i < t->rows; i++)
        for (int k = 0; k < 2; k++)
            wrong += cols[k] < 0 || !near(t->x[i][cols[k]], softmax_of(r[k], t->name[i], &rank));
    ok(t->rows > 10 && t->cols == 3 && wrong == 0, "compare: %d rows, %d numbers are wrong",
       t->rows, wrong);
    csv_free(t);
    t = read_csv("what-if.csv", 0);
    int was = col_of(t, "probability before"), is = col_of(t, "probability now");
    json_t *now = read_json("masked.json");
    wrong = 0;
    for (int i = 0; i < t->rows; i++) {
        int before, after;
        double p = softmax_of(r[1], t->name[i], &before), q = softmax_of(now, t->name[i], &after);
        wrong += was < 0 || is < 0 || !near(t->x[i][was], p) || !near(t->x[i][is], q) ||
                 !near(t->x[i][col_of(t, "rank before")], before) ||
                 !near(t->x[i][col_of(t, "rank now")], after);
    }
    ok(t->rows > 10 && wrong == 0 && !near(t->x[0][was], t->x[0][is]),
       "what-if: %d rows, %d are wrong", t->rows, wrong);
    csv_free(t);
    json_decref(now);
    json_decref(r[0]);
    json_decref(r[1]);
}

/* ---- attention */

static bool are_tokens(const struct csv *t, const json_t *r)
{
    size_t i;
    json_t *x;
    int wrong = 0, n = (int)json_array_size(json_object_get(r, "tokens"));
    json_array_foreach(json_object_get(r, "tokens"), i, x)
        wrong += (int)i >= t->rows || strcmp(t->name[i], text(x, "piece")) != 0;
    return n > 3 && wrong == 0;
}

#define TOKEN 2 /* "token 3" */

static void attention(void)
{
    struct csv *m = read_csv("matrix.csv", 0), *photo = read_csv("photo.csv", 0);
    struct csv *looks = read_csv("looks.csv", 0), *self = read_csv("text.csv", 0);
    struct csv *tokens = read_csv("tokens.csv", 0);
    json_t *r = read_json("final.json"), *im = json_array_get(json_object_get(r, "images"), 0);
    int wrong = 0, weight = col_of(photo, "weight");
    ok(are_tokens(m, r) && m->rows == (int)json_array_size(json_object_get(r, "tokens")) &&
       m->cols == photo->rows, "matrix: %d tokens by %d regions", m->rows, m->cols);
    for (int j = 0; j < m->cols && j < photo->rows; j++)
        wrong += weight < 0 || !near(photo->x[j][weight], m->x[TOKEN][j]) ||
                 strcmp(photo->name[j], m->head[j]) != 0;
    ok(photo->x[0][2] == number(im, "width") && photo->x[0][3] == number(im, "height") &&
       photo->x[1][2] < photo->x[0][2] && wrong == 0 && photo->rows > 5,
       "photo: %d weights are not those of the matrix", wrong);
    wrong = 0;
    for (int i = 0; i < looks->rows; i++) {
        int region = (int)looks->x[i][0];
        wrong += region >= m->cols || !near(looks->x[i][1], m->x[TOKEN][region]) ||
                 strcmp(looks->name[i], m->head[region]) != 0 ||
                 (i && looks->x[i][1] > looks->x[i - 1][1]);
    }
    ok(looks->rows == m->cols && wrong == 0, "looks: %d of %d rows are wrong", wrong, looks->rows);
    wrong = 0;
    for (int i = 0; i < tokens->rows; i++)
        wrong += i >= self->rows || !near(tokens->x[i][0], self->x[i][TOKEN]) ||
                 !near(tokens->x[i][1], self->x[TOKEN][i]);
    ok(are_tokens(tokens, r) && are_tokens(self, r) && self->rows == self->cols && wrong == 0 &&
       !near(self->x[0][TOKEN], self->x[TOKEN][0]), "tokens: %d are not as in the map of the text",
       wrong);
    csv_free(m);
    csv_free(photo);
    csv_free(looks);
    csv_free(self);
    csv_free(tokens);
    json_decref(r);
}

/* A statistic of one head from its own matrix. */
static void heads(void)
{
    struct csv *t = read_csv("heads.csv", 0), *m = read_csv("head.csv", 0);
    double entropy = 0;
    for (int i = 0; i < m->rows; i++)
        for (int j = 0; j < m->cols; j++)
            entropy -= m->x[i][j] > 0 ? m->x[i][j] * log(m->x[i][j]) / m->rows : 0;
    int row = row_of(t, "text to image 2.3"), other = row_of(t, "text to image 3.2");
    int col = col_of(t, "entropy"), chosen = col_of(t, "chosen");
    ok(t->rows == 12 && row >= 0 && other >= 0 && col >= 0 && m->rows > 3 &&
       fabs(t->x[row][col] - entropy) < 1e-4 && fabs(t->x[other][col] - entropy) > 1e-3,
       "heads: entropy of head 2.3 is %.6f, by its matrix %.6f", row < 0 ? 0 : t->x[row][col],
       entropy);
    ok(row >= 0 && chosen >= 0 && near(t->x[row][chosen], m->x[TOKEN][4]), "what region 4 gets");
    csv_free(t);
    csv_free(m);
}

/* ---- states */

static void states(void)
{
    struct csv *a = read_csv("states.csv", 0), *b = read_csv("states-4.csv", 0);
    struct csv *plane = read_csv("plane.csv", 0), *regions = read_csv("regions.csv", 0);
    int wrong = 0, names = 0;
    for (int j = 0; j < a->cols; j++)
        wrong += !near(a->x[TOKEN][j], 1) || !near(a->x[TOKEN + 1][j], b->x[TOKEN][j]) ||
                 !near(b->x[TOKEN + 1][j], 1);
    ok(a->cols > 3 && a->rows > 10 && wrong == 0 && a->x[0][0] < 0.999,
       "states: %d of %d depths are not as seen from the other token", wrong, a->cols);
    for (int i = 0; i < plane->rows; i++)
        names += row_of(a, plane->name[i]) >= 0;
    ok(plane->cols == 2 && plane->rows > 3 && names == plane->rows &&
       !near(plane->x[0][0], plane->x[1][0]), "plane: %d places", plane->rows);
    struct csv *photo = read_csv("photo.csv", 0);
    wrong = 0;
    for (int i = 0; i < regions->rows; i++)
        for (int k = 0; k < 4; k++)
            wrong += !near(regions->x[i][k], photo->x[i + 1][k]);
    ok(regions->rows > 5 && regions->rows + 1 == photo->rows && wrong == 0,
       "regions: %d, %d numbers are wrong", regions->rows, wrong);
    csv_free(a);
    csv_free(b);
    csv_free(plane);
    csv_free(regions);
    csv_free(photo);
}

/* A row begins with its token, and has its own numbers. */
static void lens(void)
{
    struct csv *t = read_csv("lens.csv", 0);
    json_t *r = read_json("final.json"), *tokens = json_object_get(r, "tokens");
    int wrong = 0, equal = 0;
    for (int i = 0; i < t->rows; i++) {
        char *want = xasprintf("%s:", text(json_array_get(tokens, (size_t)i), "piece"));
        int words = 0, same = 0;
        for (const char *p = t->name[i]; *p; p++)
            words += *p == ' ';
        wrong += strncmp(t->name[i], want, strlen(want)) != 0 || words < t->cols;
        for (int j = 0; j < t->cols; j++) {
            wrong += !(t->x[i][j] > 0 && t->x[i][j] <= 1);
            same += i && near(t->x[i][j], t->x[0][j]);
        }
        equal += i && same == t->cols;
        free(want);
    }
    ok(t->rows == (int)json_array_size(tokens) && t->cols > 3 && wrong == 0 && equal == 0,
       "lens: %d rows, %d wrong, %d like the first", t->rows, wrong, equal);
    csv_free(t);
    json_decref(r);
}

/* ---- what the command line says, too */

static void worths(void)
{
    struct csv *t = read_csv("worths.csv", 0);
    json_t *r = read_json("worths.json"), *x;
    int found = 0, n = 0, col = col_of(t, "leave-one-out");
    size_t k;
    json_array_foreach(json_object_get(r, "tokens"), k, x) {
        int row = (int)number(x, "token");
        n++;
        found += col >= 0 && row < t->rows && strcmp(t->name[row], text(x, "piece")) == 0 &&
                 near(t->x[row][col], number(x, "worth"));
    }
    json_array_foreach(json_object_get(r, "regions"), k, x) {
        char *name = xasprintf("region %d ", (int)number(x, "region"));
        n++;
        for (int i = 0; i < t->rows && col >= 0; i++)
            found += strncmp(t->name[i], name, strlen(name)) == 0 &&
                     near(t->x[i][col], number(x, "worth"));
        free(name);
    }
    ok(t->cols == 1 && n > 10 && found == n && json_is_string(json_object_get(r, "against")),
       "attribution: %d of %d numbers are the command line's", found, n);
    csv_free(t);
    json_decref(r);
}

/* Curves of one order have the ends of all, and what was tested has its score on the screen. */
static void tested(void)
{
    struct csv *t = read_csv("curves.csv", 0);
    int down = col_of(t, "words: deletion"), up = col_of(t, "words: insertion"), last = 0;
    int chance = col_of(t, "words: deletion, random");
    bool found = t->cols == 8 && t->rows > 4 && down >= 0 && up >= 0 && chance >= 0;
    for (int i = 0; i < t->rows && found; i++)
        last = isnan(t->x[i][down]) ? last : i;
    ok(found && last > 1 && near(t->x[0][down], t->x[last][up]) &&
       near(t->x[last][down], t->x[0][up]) && near(t->x[0][down], t->x[0][chance]) &&
       !near(t->x[1][down], t->x[1][chance]), "curves: %d rows, %d columns", t->rows, t->cols);
    ok(shell("cd '%s' && grep -q ' over random, by regions' scored.txt && grep -q 'not tested on "
             "this model' untested.txt", folder), "a tested method has its score");
    csv_free(t);
}

/* Every "probability without" is one of the command line's, and all of them are there. */
static void effects(void)
{
    struct csv *t = read_csv("effects.csv", 0);
    json_t *r = read_json("knock.json"), *list = json_object_get(r, "without"), *x;
    int col = col_of(t, "probability without"), found = 0, n = (int)json_array_size(list);
    size_t k;
    json_array_foreach(list, k, x)
        for (int i = 0; i < t->rows && col >= 0; i++)
            if (near(t->x[i][col], number(x, "softmax"))) {
                found++;
                break;
            }
    ok(t->rows == n && n > 2 && found == n, "effects: %d rows, %d of %d of the command line",
       t->rows, found, n);
    csv_free(t);
    json_decref(r);
}

/* Columns of a table against those of the command line's CSV, found by the names of its rows. */
static void like(const char *view, const char *cli, int key, const char *const cols[][2])
{
    char name[64];
    snprintf(name, sizeof name, "%s.csv", view);
    struct csv *t = read_csv(name, 0), *c = read_csv(cli, key);
    int wrong = 0;
    for (int i = 0; i < t->rows; i++) {
        int row = row_of(c, t->name[i]);
        for (int k = 0; cols[k][0]; k++) {
            int a = col_of(t, cols[k][0]), b = col_of(c, cols[k][1]);
            wrong += row < 0 || a < 0 || b < 0 || !near(t->x[i][a], c->x[row][b]);
        }
    }
    ok(t->rows > 3 && t->rows == c->rows && wrong == 0, "%s: %d rows, %d numbers are not those of "
       "the command line", view, t->rows, wrong);
    csv_free(t);
    csv_free(c);
}

/* Names of maps are many rows': layer and head, too. */
static void changes(void)
{
    struct csv *t = read_csv("difference.csv", 0), *c = read_csv("attention.cli", 0);
    int found = 0;
    for (int i = 0; i < t->rows; i++)
        for (int k = 0; k < c->rows; k++)
            found += strcmp(t->name[i], c->name[k]) == 0 && near(t->x[i][0], c->x[k][0]) &&
                     near(t->x[i][1], c->x[k][1]) && near(t->x[i][2], c->x[k][2]) &&
                     near(t->x[i][3], c->x[k][3]);
    ok(t->rows > 10 && t->rows == c->rows && found == t->rows,
       "difference: %d rows, %d of the command line", t->rows, found);
    csv_free(t);
    csv_free(c);
}

static void trend(void)
{
    struct csv *t = read_csv("trend.csv", 0);
    char line[2000];
    int found = 0, all = 0;
    FILE *f = fopen(path_of("probes.cli"), "r");
    while (f && fgets(line, sizeof line, f)) {
        char name[8], checkpoint[16];
        double softmax, expected;
        const char *at = strstr(line, "?\",\"");
        if (!at || sscanf(line, "%*d,\"%7[^\"]\"", name) != 1 ||
            sscanf(at + 3, "\"%15[^\"]\",\"%*[^\"]\",%lf,%*f,%*f,%*f,%*d,%lf", checkpoint, &softmax,
                   &expected) < 2)
            continue;
        all++;
        int row = row_of(t, name), col = col_of(t, checkpoint);
        if (row == 0 && col >= 0) /* the probe that is judged: what is right */
            found += near(t->x[0][col], expected);
        else if (row == 1 && col == 2) /* the other: the last one's answer */
            found += near(t->x[1][2], softmax);
        else
            found += row == 1 && col >= 0 && t->x[1][col] > 0 && t->x[1][col] <= 1;
    }
    if (f)
        fclose(f);
    ok(t->rows == 2 && t->cols == 3 && all == 6 && found == 6, "trend: %d of %d", found, all);
    csv_free(t);
}

/* ---- nothing to export */

static void empty(void)
{
    static const char *const views[] = {"image", "answer", "attention", "tokens", "matrix", "heads",
                                        "states", "plane", "lens", "effects", "what-if", "compare",
                                        "difference", "drift", "patch", "trend"};
    for (size_t i = 0; i < sizeof views / sizeof views[0]; i++) {
        char lines[200], want[100];
        struct stat st;
        snprintf(lines, sizeof lines, "view %s\nexport none.csv\nquit\n", views[i]);
        snprintf(want, sizeof want, "the view %s has no numbers to write at present", views[i]);
        workbench(lines);
        ok(stat(path_of("none.csv"), &st) != 0 &&
           shell("cd '%s' && tr -d '\\r' <screen | grep -aq '%s'", folder, want),
           "%s without a result: %s", views[i], want);
        unlink(path_of("none.csv"));
    }
    workbench("export x.json\nquit\n");
    ok(shell("grep -aq 'there is no result to write' '%s'", path_of("screen")) &&
       access(path_of("x.json"), F_OK) != 0, "no result as JSON");
}

int main(void)
{
    const char *src = getenv("SRCDIR"), *tmp = getenv("TMPDIR");
    char here[4096];
    snprintf(folder, sizeof folder, "%s/views-XXXXXX", tmp ? tmp : "/tmp");
    if (!realpath(src ? src : ".", here) || !mkdtemp(folder))
        return 1;
    snprintf(model, sizeof model, "%.4000s/%s", here, FROZEN);
    snprintf(image, sizeof image, "%.4100s/images/000000.png", model);
    prepare();
    answers();
    sides();
    attention();
    heads();
    states();
    lens();
    effects();
    worths();
    tested();
    changes();
    like("drift", "weights.cli", 2, (const char *const[][2]){{"relative", "relative"},
         {"distance", "distance"}, {"largest", "largest"}, {"elements", "elements"}, {NULL, NULL}});
    like("swap", "swap.cli", 0, (const char *const[][2]){{"share", "share"}, {"flips", "flips"},
         {NULL, NULL}});
    trend();
    empty();
    ok(shell("rm -rf '%s'", folder), "cleaned up");
    return tap_done();
}
