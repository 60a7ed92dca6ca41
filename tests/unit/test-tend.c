/* SPDX-License-Identifier: MIT */
/* Looking after logs: pruning removes what it says and nothing else; a damaged log is called
 * damaged; SQL only reads; exports are well formed whatever was typed. A prune without cascades
 * leaves rows behind, text that is not escaped ends up as markup. */
#include "tend.h"

#include "src/formats/image.h"

static void pruning(void)
{
    struct vs_err err = {0};
    struct log *l = NULL;
    struct log_pruned n;
    int64_t sessions[2] = {1, 99};
    const char *path = file("prune.db");
    make_log(path, 1);
    log_open(path, false, &l, &err);
    struct log_prune what = {.sessions = sessions, .session_count = 1, .dry = true};
    ok(log_prune(l, &what, &n, &err) == 0 && n.queries == 2 && n.pinned == 1 &&
       n.differences == 1 && number(path, "SELECT count(*) FROM differences") == 2 &&
       number(path, "SELECT count(*) FROM queries") == 6, "a dry run only counts %s", err.text);
    what.dry = false;
    ok(log_prune(l, &what, &n, &err) == 0 && n.queries == 2 && n.pinned == 1 &&
       number(path, "SELECT count(*) FROM queries WHERE session_id = 1") == 1,
       "a session but its pinned query %s", err.text);
    ok(number(path, "SELECT group_concat(session_id) = '2' FROM differences") == 1 &&
       number(path, "SELECT count(*) FROM difference_parts") == 2, "what was found out goes, too");
    ok(number(path, "SELECT count(*) FROM tokens") == 8 && number(path, "SELECT count(*) FROM words"
       " WHERE words MATCH 'question'") == 4, "with all that was theirs");
    what.pinned = true;
    ok(log_prune(l, &what, &n, &err) == 0 && n.queries == 1 &&
       number(path, "SELECT count(*) FROM queries WHERE session_id = 1") == 0, "and that, too");
    what.session_count = 2;
    ok(log_prune(l, &what, &n, &err) == VS_E_MISSING, "no such session: %s", err.text);
    what = (struct log_prune){.before = "2001-01-01"};
    ok(log_prune(l, &what, &n, &err) == 0 && n.queries == 0 && n.differences == 0,
       "nothing is that old");
    what = (struct log_prune){.before = "2999-01-01", .pinned = true};
    ok(log_prune(l, &what, &n, &err) == 0 && n.queries == 3 &&
       number(path, "SELECT count(*) FROM queries") == 0 &&
       number(path, "SELECT count(*) FROM images") == 0 && n.differences == 1 &&
       number(path, "SELECT count(*) FROM checkpoints") == 2, "everything is older %s", err.text);
    ok(number(path, "SELECT count(*) FROM evaluations") == 2 &&
       number(path, "SELECT count(*) FROM sessions") == 2, "evaluations stay, with their sessions");
    ok(log_vacuum(l, &err) == 0, "room is given back %s", err.text);
    log_close(l);
    ok(sound(path), "what is left is sound");
}

static int problems(struct log *l, bool repair)
{
    struct log_report r;
    struct vs_err err = {0};
    int n = log_check(l, repair, &r, &err) == 0 ? r.problem_count : -1;
    if (n > 0)
        printf("# %s\n", r.problems[0]);
    log_report_fini(&r);
    return n;
}

static void checking(void)
{
    struct vs_err err = {0};
    struct log *l = NULL;
    const char *path = file("check.db");
    make_log(path, 1);
    log_open(path, false, &l, &err);
    ok(problems(l, false) == 0, "a sound log has no problems");
    sqlite3_exec(l->db, "DELETE FROM difference_parts WHERE difference_id = 1 AND position = 1",
                 NULL, NULL, NULL);
    ok(problems(l, false) == 1, "a part that is missing");
    sqlite3_exec(l->db, "DELETE FROM differences", NULL, NULL, NULL);
    sqlite3_exec(l->db, "DELETE FROM answers WHERE query_id = 1 AND rank = 3", NULL, NULL, NULL);
    ok(problems(l, false) == 1, "a missing answer is one");
    sqlite3_exec(l->db, "PRAGMA foreign_keys=OFF; DELETE FROM sessions WHERE id = 2", NULL, NULL,
                 NULL);
    ok(problems(l, false) > 1, "so is a reference that leads nowhere");
    log_close(l);
    const char *other = file("words.db");
    make_log(other, 1);
    log_open(other, false, &l, &err);
    sqlite3_exec(l->db, "DROP TRIGGER queries_update;"
                 "UPDATE queries SET text = 'zebra' WHERE id = 1", NULL, NULL, NULL);
    ok(problems(l, false) == 1, "a search index that disagrees");
    ok(problems(l, true) == 0 && problems(l, false) == 0, "is repaired");
    log_close(l);
}

static char *sql(const char *path, const char *text, enum log_format format, int *rc)
{
    struct log *l = NULL;
    struct vs_err err = {0};
    char *out = NULL;
    size_t size;
    FILE *f = open_memstream(&out, &size);
    *rc = log_open(path, true, &l, &err);
    if (*rc == 0)
        *rc = log_sql(l, text, format, f, &err);
    if (*rc != 0)
        fprintf(f, "%s", err.text);
    fclose(f);
    log_close(l);
    return out;
}

static void prints(const char *path, const char *text, enum log_format format, const char *want)
{
    int rc;
    char *got = sql(path, text, format, &rc);
    bool same = rc == 0 && strcmp(got, want) == 0;
    ok(same, "%.60s", text);
    if (!same)
        printf("# '%s', wanted '%s'\n", got, want);
    free(got);
}

static void asking(void)
{
    static const char *const refused[] = {
        "DELETE FROM queries", "ATTACH '/tmp/x.db' AS x", "PRAGMA journal_mode=DELETE",
        "PRAGMA user_version=7", "CREATE TEMP TABLE t(x)", "SELECT 1; DELETE FROM queries", "",
        "nonsense", "VACUUM INTO '/tmp/y.db'", "BEGIN", "SELECT * FROM nowhere",
        "INSERT INTO words(words) VALUES('delete-all')", "SELECT load_extension('x')"};
    const char *path = file("sql.db");
    int rc, bad = 0;
    make_log(path, 1);
    prints(path, "SELECT 1 AS a, NULL AS b, 'x,\"y' AS c, 0.5 AS d", LOG_CSV,
           "a,b,c,d\n1,,\"x,\"\"y\",0.5\n");
    prints(path, "SELECT 1 AS a, NULL AS b, 'x\"' AS c, x'0102' AS d", LOG_JSON,
           "[{\"a\":1,\"b\":null,\"c\":\"x\\\"\",\"d\":\"(2 bytes)\"}]\n");
    prints(path, "SELECT 'a' || char(27) || '[31m' || char(155) AS long, 1 AS b", LOG_TABLE,
           "long     b\na?[31m?  1\n");
    prints(path, "SELECT count(*) FROM queries; ", LOG_CSV, "count(*)\n6\n");
    prints(path, "SELECT text FROM queries WHERE 0", LOG_JSON, "[]\n");
    prints(path, "SELECT count(*) FROM words WHERE words MATCH 'question OR zebra'", LOG_CSV,
           "count(*)\n6\n");
    prints(path, "SELECT count(*) FROM words JOIN queries ON id = words.rowid WHERE words MATCH"
                 " 'ques*' ORDER BY rank", LOG_CSV, "count(*)\n6\n");
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        char *out = sql(path, refused[i], LOG_CSV, &rc);
        if (rc == 0)
            printf("# allowed: %s\n", refused[i]);
        bad += rc == 0;
        free(out);
    }
    ok(bad == 0 && number(path, "SELECT count(*) FROM queries") == 6, "only reading is allowed");
}

static void exporting(void)
{
    struct vs_err err = {0};
    struct log *l = NULL;
    int64_t session, id;
    const char *path = file("export.db"), *picture = file("p<i>.png");
    char *out = NULL, from[4096];
    size_t size;
    const char *srcdir = getenv("SRCDIR");
    snprintf(from, sizeof from, "%s/tests/data/pictures/palette.png", srcdir ? srcdir : ".");
    log_open(path, false, &l, &err);
    log_begin_session(l, NULL, &session, &err);
    struct result *r = make_result("refcoco", "<script>alert(\"1\")</script> & 'x' \xff");
    struct image *im = NULL;
    ok(copy_file(from, picture) && image_open(picture, &im, &err) == 0, "a picture %s", err.text);
    memcpy(r->images[0].digest, im ? im->digest : "", DIGEST_HEX);
    free(r->images[0].path);
    r->images[0].path = xstrdup(picture);
    image_free(im);
    log_result(l, session, r, &err);
    result_free(r);
    id = 1;
    log_set_note(l, 1, "a \"note\", </dd>\nsecond line", &err);
    struct log_exported what = {.queries = &id, .count = 1};
    for (int format = LOG_CSV; format <= LOG_HTML; format++) {
        FILE *f = open_memstream(&out, &size);
        int rc = log_export(l, &what, (enum log_format)format, f, &err);
        fclose(f);
        if (format == LOG_HTML)
            ok(rc == 0 && !strstr(out, "<script") && !strstr(out, "<i>") &&
               !strstr(out, "note\", </dd>") && strstr(out, "&#60;script&#62;") &&
               strstr(out, "\xef\xbf\xbd") && strstr(out, "data:image/png;base64,iVBORw0KGgo") &&
               strstr(out, "<rect x=\"0.1\" y=\"1.5\""), "HTML: escaped, with picture and boxes %s",
               err.text);
        else if (format == LOG_CSV)
            ok(rc == 0 && strstr(out, ",\"<script>alert(\"\"1\"\")</script> & 'x' \xff\",") &&
               strstr(out, "\"a \"\"note\"\", </dd>\nsecond line\""), "CSV: quoted");
        else
            ok(rc == 0 && strchr(out, '\n') == out + size - 1 && strstr(out, "\"result\":{\"task\":"
               "\"refcoco\"") && strstr(out, "second line"), "JSON: one line");
        free(out);
    }
    unlink(picture);
    FILE *f = open_memstream(&out, &size);
    ok(log_export(l, &what, LOG_HTML, f, &err) == 0 && fclose(f) == 0 &&
       strstr(out, "the image was not found") && !strstr(out, "base64"), "a picture that is "
       "gone");
    free(out);
    id = 5;
    f = open_memstream(&out, &size);
    ok(log_export(l, &what, LOG_JSON, f, &err) == VS_E_MISSING, "no such query: %s", err.text);
    fclose(f);
    free(out);
    log_close(l);
}

/* Written, listed, read back as it was, and exported with its text escaped. */
static void differences(void)
{
    struct vs_err err = {0};
    struct log *l = NULL;
    struct log_difference *list;
    struct difference *d = make_difference("<b>what</b>");
    int64_t session, id = 0;
    char *json = NULL, *out[2] = {NULL, NULL};
    size_t size;
    int n;
    log_open(file("differences.db"), false, &l, &err);
    log_begin_session(l, NULL, &session, &err);
    log_begin_session(l, NULL, &session, &err);
    ok(log_difference(l, session, d, &id, &err) == 0 && log_difference_json(l, id, &json, &err) ==
       0 && strcmp(json, d->data) == 0, "a difference is read back %s", err.text);
    free(json);
    ok(log_list_differences(l, 1, &list, &n, &err) == 0 && n == 0, "not in another session");
    log_differences_free(list, n);
    ok(log_list_differences(l, session, &list, &n, &err) == 0 && n == 1 && list[0].part_count == 2
       && strcmp(list[0].b, "late") == 0 && list[0].a_digest[0] == 'c' && strlen(list[0].found) ==
       24, "listed %s", err.text);
    struct log_exported what = {.differences = list, .difference_count = n};
    for (int i = 0; i < 2; i++) {
        FILE *f = open_memstream(&out[i], &size);
        ok(log_export(l, &what, i ? LOG_HTML : LOG_JSON, f, &err) == 0, "exported %s", err.text);
        fclose(f);
    }
    ok(strstr(out[0], ",\"data\":{\"parts\":[0.75]}}\n") && strstr(out[0], "\"kind\":\"swap\""),
       "JSON has it as it was");
    ok(!strstr(out[1], "<b>") && !strstr(out[1], "<text>") && strstr(out[1], "&#60;text&#62;") &&
       strstr(out[1], ">0.7500<") && strstr(out[1], "not compared"), "HTML: escaped");
    free(out[0]);
    free(out[1]);
    log_differences_free(list, n);
    ok(log_difference_json(l, 9, &json, &err) == VS_E_MISSING, "no such: %s", err.text);
    d->sides[1].digest[0] = '\0';
    ok(log_difference(l, session, d, &id, &err) == VS_E_DB, "no digest: %s", err.text);
    difference_free(d);
    log_close(l);
}

/* The page says what the other checkpoint of a comparison answered, and which maps there are. */
static void reporting(void)
{
    struct vs_err err = {0};
    struct log *l = NULL;
    char *out = NULL;
    size_t size;
    int64_t id = 3; /* compared with 2, and with maps; refcoco, and of a pair in separate rows */
    struct log_exported what = {.queries = &id, .count = 1};
    make_log(file("report.db"), 1);
    log_open(file("report.db"), true, &l, &err);
    FILE *f = open_memstream(&out, &size);
    ok(log_export(l, &what, LOG_HTML, f, &err) == 0, "a page %s", err.text);
    fclose(f);
    ok(strstr(out, "compared with</dt><dd><a href=\"#q2\">b</a>: region 0 dog 0.3000</dd>") &&
       strstr(out, "8 maps in the log") && !strstr(out, "separate rows"),
       "with what was compared, and maps");
    free(out);
    id = 2;
    f = open_memstream(&out, &size);
    log_export(l, &what, LOG_HTML, f, &err);
    fclose(f);
    ok(strstr(out, "separate rows") && strstr(out, "href=\"#q3\"") && !strstr(out, " in the log, "),
       "and how a pair was laid out");
    free(out);
    log_close(l);
}

static void comparing(void)
{
    struct vs_err err = {0};
    struct log *l = NULL;
    struct log_pair *p;
    int64_t a, b;
    int n;
    log_open(file("diff.db"), false, &l, &err);
    log_begin_session(l, NULL, &a, &err);
    log_begin_session(l, NULL, &b, &err);
    ask(l, a, "vqa", "same", 'c');
    ask(l, a, "vqa", "other", 'c');
    ask(l, a, "vqa", "only in a", 'c');
    ask(l, b, "vqa", "same", 'e');
    ask(l, b, "vqa", "other", 'e');
    ask(l, b, "vqa", "only in b", 'e');
    ask(l, b, "vqa", "same", 'f'); /* of a changed model */
    sqlite3_exec(l->db, "UPDATE queries SET best = 'cat' WHERE id = 5", NULL, NULL, NULL);
    struct log_side x = {.session = a}, y = {.session = b};
    ok(log_diff(l, &x, &y, &p, &n, &err) == 0 && n == 5 && !p[0].changed && p[1].changed &&
       p[1].b == 5 && strcmp(p[1].b_answer, "cat") == 0 && p[2].b == 0 && p[3].a == 0 &&
       strcmp(p[3].text, "only in b") == 0 && p[4].a == 0 && strcmp(p[4].changes, "head off") == 0,
       "two sessions: %d %s", n, err.text);
    log_pairs_free(p, n);
    char c[65] = {0}, d[65] = {0};
    memset(c, 'c', 64);
    memset(d, 'e', 64);
    x = (struct log_side){.checkpoint = c};
    y = (struct log_side){.checkpoint = d};
    ok(log_diff(l, &x, &y, &p, &n, &err) == 0 && n == 4 && p[1].changed, "two checkpoints: %d", n);
    log_pairs_free(p, n);
    y.checkpoint = "nobody";
    ok(log_diff(l, &x, &y, &p, &n, &err) == VS_E_MISSING, "no such: %s", err.text);
    log_close(l);
}

int main(void)
{
    if (!make_folder())
        return tap_done();
    pruning();
    checking();
    asking();
    exporting();
    differences();
    reporting();
    comparing();
    return remove_folder();
}
