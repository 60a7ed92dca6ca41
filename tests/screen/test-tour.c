/* SPDX-License-Identifier: MIT */
/* The tour says what is seen: the numbers behind each of its sentences, from the views' own
 * exports. The tour is run as a script in which each stop writes its screen, its result and its
 * numbers. Broken by a demo whose answers, attention or heads are not what a sentence says, and by
 * a sentence that nothing here stands for. */
#include "demo/world.h"
#include "src/base/mem.h"
#include "tap.h"
#include "terminal.h"

#include <jansson.h>
#include <math.h>
#include <unistd.h>

#define FIRST_SCENE 900006000000u /* of demo/train/assemble */
enum { STOPS = 15, REGIONS = 17, THE_RING = 1, THE_STAR = 2, DOTTED_CONE = 4, DROPPED = 6 };

static char dir[300];

/* ---- what a stop wrote */

struct stop {
    char *csv, *screen;
    json_t *result;
};

static char *read_text(int stop, const char *kind)
{
    char *path = xasprintf("%s/%d.%s", dir, stop, kind), *text = xcalloc(1, 1 << 18);
    FILE *f = fopen(path, "rb");
    size_t n = f ? fread(text, 1, (1 << 18) - 1, f) : 0;
    if (f)
        fclose(f);
    unlink(path);
    free(path);
    text[n] = '\0';
    return text;
}

static void stop_read(int i, struct stop *s)
{
    char *json = read_text(i, "json");
    *s = (struct stop){read_text(i, "csv"), read_text(i, "txt"), json_loads(json, 0, NULL)};
    free(json);
}

static void stop_fini(struct stop *s)
{
    free(s->csv);
    free(s->screen);
    json_decref(s->result);
}

/* The line after; "" behind the last. */
static const char *next_line(const char *p)
{
    p += strcspn(p, "\n");
    return *p ? p + 1 : p;
}

/* The line of a row by how its name begins; NULL when there is none. */
static const char *row_of(const char *csv, const char *name)
{
    for (const char *p = next_line(csv); *p; p = next_line(p))
        if (strncmp(p, name, strlen(name)) == 0)
            return p;
    return NULL;
}

/* Number `column` of a line, from 1, behind its name; no name here has a comma. */
static double cell(const char *line, int column)
{
    for (int i = 0; line && i < column; i++) {
        line = strchr(line, ',');
        line = line ? line + 1 : NULL;
    }
    return line ? strtod(line, NULL) : NAN;
}

/* The line whose column is the largest, or the smallest. */
static const char *extreme(const char *csv, int column, bool largest)
{
    const char *best = NULL;
    for (const char *p = next_line(csv); *p; p = next_line(p))
        if (!best || (largest ? cell(p, column) > cell(best, column)
                              : cell(p, column) < cell(best, column)))
            best = p;
    return best ? best : "";
}

/* Whether a line's name ends so: "region 2 ring". */
static bool names(const char *line, const char *what)
{
    size_t n = strcspn(line, ","), k = strlen(what);
    return n >= k && strncmp(line + n - k, what, k) == 0;
}

static const char *answer(const struct stop *s)
{
    json_t *first = json_array_get(json_object_get(s->result, "answers"), 0);
    const char *label = json_string_value(json_object_get(first, "label"));
    return label ? label : "";
}

static const json_t *best_box(const struct stop *s)
{
    return json_array_get(json_object_get(s->result, "boxes"), 0);
}

static int best_region(const struct stop *s)
{
    return (int)json_integer_value(json_object_get(best_box(s), "region"));
}

/* ---- what stands behind each sentence */

static bool six_things(const struct stop *s)
{
    struct scene scene;
    (void)s;
    scene_make(FIRST_SCENE, &scene);
    return scene.count == 6 && scene.objects[THE_RING].shape == RING &&
           scene.objects[THE_STAR].shape == STAR && scene.objects[DOTTED_CONE].pattern == DOTTED;
}

static bool purple_leads(const struct stop *s)
{
    return strcmp(answer(s), "purple") == 0;
}

static double overlap(const float *a, const double *b)
{
    double w = fmin(a[2], b[2]) - fmax(a[0], b[0]) + 1, h = fmin(a[3], b[3]) - fmax(a[1], b[1]) + 1;
    double both = fmax(w, 0) * fmax(h, 0);
    double all = (a[2] - a[0] + 1.0) * (a[3] - a[1] + 1.0) + (b[2] - b[0] + 1) * (b[3] - b[1] + 1);
    return both / (all - both);
}

static bool is_at(const double box[4], int object)
{
    struct scene scene;
    scene_make(FIRST_SCENE, &scene);
    return overlap(scene.objects[object].box, box) > 0.5;
}

/* The image's numbers: a region's box and its weight. */
static bool looks_at(const struct stop *s, int object)
{
    const char *most = extreme(s->csv, 5, true);
    double box[4];
    for (int i = 0; i < 4; i++)
        box[i] = cell(most, i + 1);
    return cell(most, 5) > 0.3 && is_at(box, object);
}

static bool ring_at_ring(const struct stop *s)
{
    return looks_at(s, THE_RING);
}

static bool star_at_star(const struct stop *s)
{
    return looks_at(s, THE_STAR);
}

/* The largest weight is within a few times of what looking everywhere alike would give. */
static bool no_aim(const struct stop *s)
{
    return cell(extreme(s->csv, 5, true), 5) < 0.25;
}

/* The column of a word's largest weight, "region 2 ring". */
static const char *aim_of(const char *csv, const char *word)
{
    const char *row = row_of(csv, word), *name = csv;
    int best = 1;
    for (int i = 2; i <= REGIONS; i++)
        best = cell(row, i) > cell(row, best) ? i : best;
    for (int i = 0; i < best; i++)
        name += strcspn(name, ",\n") + 1;
    return name;
}

static bool rows_differ(const struct stop *s)
{
    return row_of(s->csv, "ring,") && row_of(s->csv, "star,") &&
           names(aim_of(s->csv, "ring,"), " ring") && names(aim_of(s->csv, "star,"), " star");
}

/* Of 12 heads, two at most look closer; the list falls. */
static bool near_the_end(const struct stop *s)
{
    int closer = 0, rows = 0;
    double own = cell(row_of(s->csv, "text to image 2.1"), 1), before = INFINITY;
    for (const char *p = next_line(s->csv); *p; p = next_line(p))
        closer += cell(p, 1) < own;
    const char *at = strstr(s->screen, "entropy: ");
    for (at = at ? next_line(at) : ""; *at; at = next_line(at)) {
        const char *end = at + strcspn(at, "\n"), *number = end;
        while (number > at && number[-1] != ' ')
            number--;
        if (strchr(number, '.') != number + 1 || end - number != 5)
            break;
        if (strtod(number, NULL) > before)
            return false;
        before = strtod(number, NULL);
        rows++;
    }
    return closer <= 2 && rows >= 5;
}

/* To all columns alike: the entropy is their number's logarithm, the most there can be. */
static bool has_no_aim(const struct stop *s)
{
    const char *damaged = row_of(s->csv, "text to image 2.1");
    return extreme(s->csv, 1, true) == damaged && fabs(cell(damaged, 1) - log(REGIONS)) < 1e-4 &&
           fabs(cell(damaged, 3) - 1.0 / REGIONS) < 1e-5;
}

/* "ring: of a ring ring,..." */
static bool most_themselves(const struct stop *s)
{
    int own = 0, all = 0;
    for (const char *p = next_line(s->csv); *p; p = next_line(p)) {
        const char *word = p + (*p == '"'), *colon = strchr(word, ':');
        const char *end = colon;
        while (end && *end && *end != '\n' && !(end[0] == ',' && end[1] >= '0' && end[1] <= '9'))
            end++;
        if (!colon || word[0] == '[' || *end != ',')
            continue;
        end -= end[-1] == '"';
        size_t n = (size_t)(colon - word);
        all++;
        own += (size_t)(end - colon) > n && strncmp(end - n, word, n) == 0 && end[-n - 1] == ' ';
    }
    tap_note("%d of %d words are themselves at the end", own, all);
    return all >= 8 && 2 * own > all;
}

static bool finds_the_cone(const struct stop *s)
{
    double box[4] = {0};
    const json_t *list = json_object_get(best_box(s), "box");
    for (size_t i = 0; i < 4; i++)
        box[i] = json_number_value(json_array_get(list, i));
    return best_region(s) == DROPPED && is_at(box, DOTTED_CONE);
}

static bool another_leads(const struct stop *s)
{
    const char *changes = json_string_value(json_object_get(s->result, "changes"));
    return changes && strcmp(changes, "drop region 6") == 0 && best_box(s) &&
           best_region(s) != DROPPED;
}

/* Rows are "color,-7.0,...": no other word moves the answer half as far. */
static bool color_weighs_most(const struct stop *s)
{
    double own = 0, other = 0;
    for (const char *p = next_line(s->csv); *p; p = next_line(p)) {
        double effect = fabs(cell(p, 1));
        if (names(p, "color"))
            own = effect;
        else
            other = fmax(other, effect);
    }
    return own > 2 * other && other > 0;
}

static bool note_says_so(const struct stop *s)
{
    const char *notice = json_string_value(json_object_get(s->result, "notice"));
    return notice && strstr(notice, "unknown words: wombat") && answer(s)[0] &&
           strstr(s->screen, "! unknown words: wombat");
}

static bool two_images(const struct stop *s)
{
    const char *task = json_string_value(json_object_get(s->result, "task"));
    return task && strcmp(task, "nlvr2") == 0 &&
           json_array_size(json_object_get(s->result, "images")) == 2;
}

static bool lists_keys(const struct stop *s)
{
    return strstr(s->screen, "Keys and commands") != NULL;
}

/* In the order of the tour. numbers: the view's are exported there. */
static const struct {
    const char *says;
    bool (*is_so)(const struct stop *s);
    bool numbers;
} stops[STOPS] = {
    {"Here are six things.", six_things, false},
    {"\"purple\" leads.", purple_leads, false},
    {"\"ring\" looks at the ring.", ring_at_ring, true},
    {"\"star\" looks at the star.", star_at_star, true},
    {"in the first, it has no aim.", no_aim, true},
    {"The map of this head: each word has a row.", rows_differ, true},
    {"2.1 is near the end: it has an aim.", near_the_end, true},
    {"In this one, head 2.1 has no aim.", has_no_aim, true},
    {"at the end most are themselves.", most_themselves, true},
    {"A phrase: regions are ranked.", finds_the_cone, false},
    {"What if the best one were not there?", another_leads, false},
    {"\"color\" weighs the most.", color_weighs_most, true},
    {"A word that it never saw: a note says so.", note_says_so, false},
    {"A statement on two images.", two_images, false},
    {"? lists all keys", lists_keys, false},
};

/* ---- the script */

/* The tour with exports in place of its stops; how many there are. *known: each says what is
 * checked at that stop. */
static int write_script(const char *path, bool *known)
{
    char line[300], says[300] = "";
    FILE *from = fopen(source_path("demo/tour.vs"), "r"), *to = fopen(path, "w");
    int n = 0;
    *known = true;
    while (from && to && fgets(line, sizeof line, from)) {
        if (strncmp(line, "say ", 4) == 0)
            snprintf(says, sizeof says, "%s", line + 4);
        if (strcmp(line, "pause\n") != 0) {
            fputs(line, to);
            continue;
        }
        *known = *known && n < STOPS && strstr(says, stops[n].says);
        fprintf(to, "save-display %s/%d.txt\n", dir, n + 1);
        if (n > 0 && n < STOPS - 1)
            fprintf(to, "export %s/%d.json\n", dir, n + 1);
        if (n < STOPS && stops[n].numbers)
            fprintf(to, "export %s/%d.csv\n", dir, n + 1);
        n++;
    }
    if (to)
        fputs("quit\n", to);
    if (from)
        fclose(from);
    if (to)
        fclose(to);
    return n;
}

int main(void)
{
    const char *tmp = getenv("TMPDIR");
    bool known = false;
    snprintf(dir, sizeof dir, "%s/tour-XXXXXX", tmp ? tmp : "/tmp");
    if (!mkdtemp(dir))
        return 1;
    char *script = xasprintf("%s/tour.vs", dir);
    ok(write_script(script, &known) == STOPS && known, "each stop says what is checked here");
    terminal_opens(SHIPPED_DEMO);
    const char *argv[] = {terminal_program(), "--no-log", "--graphics", "none", "-S", script, NULL};
    struct terminal *t = terminal_start(argv, 24, 80, false, false);
    ok(t && terminal_wait_ms(t, 120000) == 0, "the tour runs through");
    if (t)
        terminal_free(t);
    unlink(script);
    for (int i = 0; i < STOPS; i++) {
        struct stop s;
        stop_read(i + 1, &s);
        ok(stops[i].is_so(&s), "%d: %s", i + 1, stops[i].says);
        stop_fini(&s);
    }
    ok(rmdir(dir) == 0, "nothing is left");
    free(script);
    return tap_done();
}
