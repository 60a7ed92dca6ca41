/* SPDX-License-Identifier: MIT */
/* vilscope sessions replay: a session's questions asked again, of other checkpoints. */
#include "src/cmd/cmd_sessions.h"

#include "src/task/change.h"
#include "src/cmd/cmd_log.h"
#include "src/cmd/cmd_model.h"
#include "src/engine/demo.h"
#include "src/formats/regions.h"
#include "src/base/mem.h"
#include "src/study/attributed.h"
#include "src/task/answers.h"
#include "src/base/plain.h"
#include "src/cmd/vilscope.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MOST_PHOTOS 32

struct replay {
    const struct sessions_options *o;
    struct log *l;      /* what is read */
    struct logging logging;
    struct log *writer; /* that of logging; NULL: nothing is logged */
    struct model *model;
    struct held {
        char digest[DIGEST_HEX], regions[DIGEST_HEX];
        struct photo *photo;
    } photos[MOST_PHOTOS];
    int photo_count;
    json_t *lines;
    int asked, changed, failed, worse, better;
    int attributed, differ; /* attributions that were computed again, and that are others */
};

/* One of the log's, computed again. */
struct replayed {
    const struct attribution_record *was;
    struct attribution_record *now; /* NULL: why says why not */
    double distance;                /* of the two (attribution_record_distance) */
    char *why;
};
struct replayed_list {
    struct attribution_record **was;
    struct replayed *list; /* (count) */
    int count;
};

/* ---- the model */

/* What o and chosen hold has to stay. */
static int replay_open_model(struct replay *r, struct chosen **chosen, struct vs_err *err)
{
    struct model_options how = r->o->model;
    bool server = command_server(&how);
    /* Also for files: its parts go with them. */
    char *demo = how.dir || server ? NULL : demo_find();
    how.dir = demo ? demo : how.dir;
    if (!how.dir && !server)
        return vs_fail(err, VS_E_USAGE, "replay needs a model: -m DIR");
    int rc = command_choose("sessions", &r->o->checkpoints, &how, chosen, err);
    if (rc != 0) {
        free(demo);
        return rc;
    }
    (*chosen)->demo = demo;
    rc = model_open(&how, &r->model, err);
    if (rc == 0)
        command_opened("sessions replay", r->model);
    return rc;
}

/* ---- photos: the same content, wherever the file is now */

static bool has_file_of_regions(const struct result_image *im)
{
    return im->regions_origin == ORIGIN_FILE && im->regions_path &&
           access(im->regions_path, R_OK) == 0;
}

static int open_at(const char *path, const struct result_image *im, struct photo **out,
                   struct vs_err *err)
{
    for (int upright = 0; upright < 2; upright++) {
        struct photo_options how = {.upright = upright != 0};
        if (has_file_of_regions(im)) {
            how.regions = im->regions_path;
            if (im->regions_key && regions_keyed(how.regions))
                how.key = im->regions_key;
        }
        int rc = photo_open(path, &how, out, err);
        if (rc != 0)
            return rc;
        if (!path || strcmp((*out)->image->digest, im->digest) == 0)
            return 0;
        photo_free(*out);
        *out = NULL;
    }
    return vs_fail(err, VS_E_MISSING, "%s: not the image that was asked about",
                   path);
}

static int find_photo(struct replay *r, const struct result_image *im, struct photo **out,
                      struct vs_err *err)
{
    char **paths = NULL;
    int count = 0;
    if (!im->digest[0])
        return open_at(NULL, im, out, err);
    int rc = open_at(im->path ? im->path : "", im, out, err);
    if (rc != 0)
        log_image_paths(r->l, im->digest, &paths, &count, NULL);
    for (int i = 0; i < count; i++) {
        struct vs_err other = {0};
        if (rc != 0 && open_at(paths[i], im, out, &other) == 0)
            rc = 0;
        free(paths[i]);
    }
    free(paths);
    return rc;
}

static void drop_photos(struct replay *r)
{
    for (int i = 0; i < r->photo_count; i++)
        photo_free(r->photos[i].photo);
    r->photo_count = 0;
}

/* Borrowed from r, until a question needs more than there is room for. */
static int need_photo(struct replay *r, const struct result_image *im, struct photo **out,
                      struct vs_err *err)
{
    for (int i = 0; i < r->photo_count; i++)
        if (strcmp(r->photos[i].digest, im->digest) == 0 &&
            strcmp(r->photos[i].regions, im->regions_digest) == 0) {
            *out = r->photos[i].photo;
            return 0;
        }
    struct held *h = &r->photos[r->photo_count];
    int rc = find_photo(r, im, &h->photo, err);
    if (rc != 0)
        return rc;
    memcpy(h->digest, im->digest, sizeof h->digest);
    memcpy(h->regions, im->regions_digest, sizeof h->regions);
    r->photo_count++;
    *out = h->photo;
    return 0;
}

/* Boxes of the user are in the log when they were what was ranked. */
static int recover_boxes(const struct result *old, int image, struct box_list *b,
                         struct vs_err *err)
{
    const struct result_image *im = &old->images[image];
    bool given = im->regions_origin == ORIGIN_USER;
    int first = im->candidate_count ? im->region_count + 1 : 1, found = 0;
    int want = im->candidate_count ? im->candidate_count : given ? im->region_count : 0;
    if (want == 0)
        return 0;
    if (want < 0 || want > 100000)
        return vs_fail(err, VS_E_DB, "the log has an impossible number of boxes");
    b->boxes = xcalloc((size_t)want * 4, sizeof *b->boxes);
    b->count = want;
    for (int i = 0; i < old->box_count; i++) {
        const struct result_box *x = &old->boxes[i];
        if (x->image != image || x->region < first || x->region >= first + want)
            continue;
        memcpy(b->boxes + (size_t)(x->region - first) * 4, x->box, sizeof x->box);
        found++;
    }
    return found == want ? 0 : vs_fail(err, VS_E_MISSING, "the boxes that it was about "
                                       "are not in the log");
}

/* ---- one question */

static void replay_attribute(struct replay *r, const struct query *q, const struct result *now,
                             struct replayed *x)
{
    const struct attribution_method *method = attribution_find(x->was->method);
    struct attribution_how how;
    struct attribution a = {0};
    struct vs_err err = {0};
    int rc = method && attribution_record_how(x->was, &how)
                 ? attribution_check(r->model, q->checkpoint, method, &err)
                 : vs_fail(&err, VS_E_MISSING, "this program does not know the method %s %s",
                           x->was->method, x->was->map);
    if (rc == 0)
        rc = attribution_run(r->model, q, method, x->was->target_index, x->was->against_index,
                             &how, NULL, &a, &err);
    if (rc != 0) {
        x->why = xstrdup(err.text);
        r->differ++;
        return;
    }
    struct explained *known = explained_load(now->checkpoint_digest);
    x->now = attribution_record_new(now, &a, x->was->target_index, x->was->against_index, known);
    x->distance = attribution_record_distance(x->was, x->now);
    r->differ += x->distance > ATTRIBUTION_SAME;
    explained_free(known);
    attribution_fini(&a);
}

static int replay_ask(struct replay *r, const struct result *old, int checkpoint,
                      struct result **out, struct replayed_list *owed, struct vs_err *err)
{
    int n = old->image_count, rc = 0;
    struct photo **photos = xcalloc((size_t)n + 1, sizeof(struct photo *));
    struct box_list *boxes = xcalloc((size_t)n + 1, sizeof *boxes);
    struct change *changes = NULL;
    bool any = false;
    int change_count = 0;
    if (r->photo_count + n > MOST_PHOTOS)
        drop_photos(r);
    rc = change_list_parse(old->changes, &changes, &change_count, err);
    if (rc == 0 && n > MOST_PHOTOS)
        rc = vs_fail(err, VS_E_LIMIT, "more than %d images", MOST_PHOTOS);
    for (int i = 0; i < n && rc == 0; i++) {
        rc = need_photo(r, &old->images[i], &photos[i], err);
        if (rc == 0)
            rc = recover_boxes(old, i, &boxes[i], err);
        any |= boxes[i].count > 0;
    }
    struct query q = {.task = old->task, .text = old->text, .checkpoint = checkpoint,
                      .photo_count = n, .photos = photos, .boxes = any ? boxes : NULL,
                      .changes = changes, .change_count = change_count,
                      .pair_separate = old->pair_separate};
    if (rc == 0)
        rc = query_run(r->model, &q, NULL, out, err);
    if (rc == 0 && owed->count)
        model_complete(r->model, *out);
    for (int i = 0; i < owed->count && rc == 0; i++, r->attributed++)
        replay_attribute(r, &q, *out, &owed->list[i]);
    for (int i = 0; i < n; i++)
        free(boxes[i].boxes);
    free(boxes);
    free(changes);
    free(photos);
    return rc;
}

/* What became of it. */
struct outcome {
    const char *word; /* "same", "changed", "failed", "diverged" */
    char *now, *why;  /* the new answer, or why there is none */
    const char *checkpoint;
    double score;
    bool other_regions; /* than those of the log: the answers cannot be compared strictly */
    const char *judged; /* "worse", "better", or NULL */
    const char *notice; /* of the new answer, or NULL */
    int64_t logged;
};

static bool same_regions(const struct result *a, const struct result *b)
{
    for (int i = 0; i < a->image_count && i < b->image_count; i++)
        if (strcmp(a->images[i].regions_digest, b->images[i].regions_digest) != 0)
            return false;
    return true;
}

static void replay_judge(struct replay *r, const struct log_query *was, const struct result *old,
                         const struct result *now, struct outcome *x)
{
    const char *name;
    x->now = log_best(now, &x->score, &name);
    const char *before = was->answer ? was->answer : "", *after = x->now ? x->now : "";
    bool moved = r->o->tolerance > 0 && fabs(x->score - was->score) > r->o->tolerance;
    x->word = strcmp(before, after) != 0 || moved ? "changed" : "same";
    x->other_regions = !same_regions(old, now);
    x->notice = now->notice;
    r->changed += x->word[0] == 'c';
    if (!was->expected)
        return;
    bool was_right = answers_equal(now->task, before, was->expected);
    bool right = answers_equal(now->task, after, was->expected);
    x->judged = was_right && !right ? "worse" : right && !was_right ? "better" : NULL;
    r->worse += was_right && !right;
    r->better += right && !was_right;
}

static void replay_keep(struct replay *r, struct result *now, struct outcome *x)
{
    struct vs_err err = {0};
    if (!r->writer)
        return;
    model_complete(r->model, now);
    log_flush_pending(r->writer, NULL); /* what waits goes first */
    int waited = log_pending_count(r->writer);
    if (log_result_later(r->writer, now, &err) != 0 && log_pending_count(r->writer) == waited) {
        plain_text(stderr, "vilscope sessions: not logged: %s\n", err.text);
        r->logging.unlogged = true; /* what waits is told at the end */
    }
    x->logged = now->log_id;
}

static void replay_keep_attributions(struct replay *r, const struct result *now,
                                     const struct replayed_list *owed)
{
    for (int i = 0; i < owed->count && r->writer; i++)
        if (owed->list[i].now) {
            owed->list[i].now->query = now->log_id;
            log_attribution_later(r->writer, owed->list[i].now, NULL); /* logging_end tells */
        }
}

static int replay_read_attributions(struct replay *r, int64_t query, struct replayed_list *owed,
                                    struct vs_err *err)
{
    int rc = log_read_attributions(r->l, query, &owed->was, &owed->count, err);
    owed->list = xcalloc((size_t)owed->count + 1, sizeof *owed->list);
    for (int i = 0; i < owed->count; i++)
        owed->list[i].was = owed->was[i];
    return rc;
}

static void replayed_free(struct replayed_list *owed)
{
    for (int i = 0; i < owed->count; i++) {
        attribution_record_free(owed->list[i].now);
        free(owed->list[i].why);
    }
    log_attributions_free(owed->was, owed->count);
    free(owed->list);
}

static const char *replayed_word(const struct replayed *x)
{
    return x->why ? "failed" : x->distance > ATTRIBUTION_SAME ? "differs" : "same";
}

static void replay_print_attribution(const struct replayed *x)
{
    char *name = attribution_record_name(x->was);
    plain_out("%-7s        %s", replayed_word(x), name);
    free(name);
    if (x->why)
        plain_out(": %s\n", x->why);
    else if (isfinite(x->distance))
        plain_out(": at most %.3g %% of the largest number apart\n", 100 * x->distance);
    else
        plain_out(": of other words or regions\n");
}

static json_t *replayed_json(const struct replayed_list *owed)
{
    json_t *all = json_array();
    for (int i = 0; i < owed->count; i++) {
        const struct replayed *x = &owed->list[i];
        json_array_append_new(all, json_pack(
            "{s:o, s:o, s:o, s:s, s:o, s:o}", "method", plain_string(x->was->method), "target",
            plain_string(x->was->target), "against", plain_string(x->was->against), "outcome",
            replayed_word(x), "distance", x->why ? json_null() : plain_number(x->distance), "why",
            plain_string(x->why)));
    }
    return all;
}

static void replay_print_line(const struct log_query *was, const struct outcome *x)
{
    plain_out("%-7s %-6lld %-10s ", x->word, (long long)was->id, was->task);
    sessions_print(was->text);
    printf("  ");
    sessions_print(was->answer);
    printf(" %.4f  ->  ", was->score);
    if (x->why)
        sessions_print(x->why);
    else {
        sessions_print(x->now);
        printf(" %.4f", x->score);
    }
    printf("  (");
    sessions_print(x->checkpoint);
    plain_out("%s%s%s)", x->judged ? ", " : "", x->judged ? x->judged : "",
              x->other_regions ? ", other regions" : "");
    if (x->logged > 0)
        printf("  logged as %lld", (long long)x->logged);
    putchar('\n');
    fflush(stdout);
}

static json_t *line_value(const struct log_query *was, const struct outcome *x)
{
    return json_pack(
        "{s:I, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:b, s:o, s:o, s:o}", "query",
        (json_int_t)was->id, "outcome", x->word, "task", plain_string(was->task), "text",
        plain_string(was->text), "checkpoint", plain_string(x->checkpoint), "was",
        plain_string(was->answer), "was_score", plain_number(was->score), "now",
        plain_string(x->now), "now_score", x->now ? plain_number(x->score) : json_null(), "judged",
        plain_string(x->judged), "other_regions", (int)x->other_regions, "why",
        plain_string(x->why), "logged", x->logged > 0 ? json_integer(x->logged) : json_null(),
        "notice", plain_string(x->notice));
}

static int replay_stopped(const struct replay *r, int rc, const char *why, struct vs_err *err)
{
    bool again = r->o->resume || r->o->shard.count > 0;
    return vs_fail(err, rc, "%s: %d answers until then%s", why, r->asked - r->failed,
                   !r->writer ? " are not logged"
                   : again    ? " are logged, the same command goes on"
                              : " are logged; with --resume a stopped replay can be continued");
}

/* Of one checkpoint. What it cannot answer is told and counted; not 0: the log cannot be read, or
 * there is nobody to ask. */
static int replay_on(struct replay *r, const struct log_query *was, const struct result *old,
                     int checkpoint, int64_t *logged, struct vs_err *bad)
{
    struct vs_err err = {0};
    struct result *now = NULL;
    struct outcome x = {.checkpoint = model_checkpoint_name(r->model, checkpoint)};
    struct replayed_list owed = {0};
    int rc = replay_read_attributions(r, was->id, &owed, bad);
    if (rc != 0) {
        replayed_free(&owed);
        return rc;
    }
    r->asked++;
    rc = replay_ask(r, old, checkpoint, &now, &owed, &err);
    if (rc == VS_E_GONE) {
        replayed_free(&owed);
        r->asked--;
        return replay_stopped(r, rc, err.text, bad);
    }
    if (rc == 0) {
        replay_judge(r, was, old, now, &x);
        replay_keep(r, now, &x);
        replay_keep_attributions(r, now, &owed);
    } else {
        x.why = xstrdup(err.text);
        x.word = rc == VS_E_DIVERGED ? "diverged" : "failed";
        r->failed++;
        for (int i = 0; i < owed.count; i++)
            owed.list[i].why = owed.list[i].why ? owed.list[i].why : xstrdup(err.text);
    }
    *logged = x.logged;
    if (r->o->json) {
        json_t *line = line_value(was, &x);
        json_object_set_new(line, "attributions", replayed_json(&owed));
        json_array_append_new(r->lines, line);
    } else {
        replay_print_line(was, &x);
    }
    for (int i = 0; i < owed.count && now && !r->o->json; i++)
        replay_print_attribution(&owed.list[i]);
    if (x.notice && !r->o->json)
        plain_text(stderr, "vilscope sessions: note: query %lld: %s\n", (long long)was->id,
                   x.notice);
    result_free(now);
    replayed_free(&owed);
    free(x.now);
    free(x.why);
    return 0;
}

/* Old and new answers belong together. */
static void replay_tie(struct replay *r, const int64_t *ids, int count)
{
    if (r->writer && count > 1 && !log_in_folder(r->l)) /* numbers of all of them together */
        log_comparison_later(r->writer, ids, count, "replay", NULL); /* logging_end tells */
}

static int replay_query(struct replay *r, const struct log_query *was, struct vs_err *err)
{
    struct result *old = NULL;
    int n = model_checkpoint_count(r->model), count = 0;
    int64_t *ids = xcalloc((size_t)n + 2, sizeof *ids), logged = 0;
    int rc = log_read_result(r->l, was->id, &old, err);
    ids[count++] = was->id;
    for (int i = 0; i < n && rc == 0; i++) {
        rc = replay_on(r, was, old, i, &logged, err);
        if (rc == 0 && logged)
            ids[count++] = logged;
    }
    if (rc == 0)
        replay_tie(r, ids, count);
    result_free(old);
    free(ids);
    return rc;
}

/* ---- the whole */

/* What the session is called in every log; "" where it cannot be read. */
static void replay_uid(struct replay *r, int64_t session, char out[LOG_UID])
{
    struct log_session *list = NULL;
    int n = 0;
    out[0] = '\0';
    if (log_list_sessions(r->l, INT32_MAX, &list, &n, NULL) != 0)
        return;
    for (int i = 0; i < n; i++)
        if (list[i].id == session)
            memcpy(out, list[i].uid, LOG_UID);
    log_sessions_free(list, n);
}

static void open_writer(struct replay *r, int64_t session)
{
    const struct sessions_options *o = r->o;
    const struct log_filter *f = &o->filter;
    char *note = xasprintf("replay of session %lld", (long long)session), uid[LOG_UID], shard[64];
    replay_uid(r, session, uid);
    snprintf(shard, sizeof shard, "%d/%d %d %d", o->shard.index, o->shard.count, f->pinned,
             f->limit);
    if (!o->no_log && (o->shard.count || o->resume) && !uid[0])
        plain_text(stderr, "vilscope sessions: note: session %lld has no name of its own: what was "
                   "logged before a kill is not found again\n", (long long)session);
    const char *const texts[] = {"replay", uid, shard, f->match, f->task, f->tag, f->image_digest,
                                 f->since, f->until};
    if (!o->no_log && (o->shard.count || o->resume) && uid[0])
        logging_begin_run(&r->logging, "sessions", note, texts,
                          (int)(sizeof texts / sizeof texts[0]), r->model, log_path(r->l));
    else if (!o->no_log)
        logging_begin(&r->logging, "sessions", note, log_path(r->l));
    r->writer = r->logging.log;
    free(note);
}

static void replay_print_summary(struct replay *r)
{
    if (r->o->json)
        command_json(json_pack("{s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:O}", "asked", r->asked,
                               "changed", r->changed, "failed", r->failed, "worse", r->worse,
                               "better", r->better, "attributions", r->attributed,
                               "attributions_differ", r->differ, "questions", r->lines),
                     JSON_INDENT(1));
    else
        printf("%d asked: %d changed (%d worse, %d better by what is expected), %d could not be "
               "asked\n", r->asked, r->changed, r->worse, r->better, r->failed);
    if (r->attributed && !r->o->json)
        printf("%d attributions computed again: %d differ (by more than %g %% of the largest "
               "number)\n", r->attributed, r->differ, 100 * ATTRIBUTION_SAME);
}

static atomic_bool replay_stop;

/* What a signal finds at work is asked to the end. */
static int replay_shard(struct replay *r, struct log_query *list, int n, struct vs_err *err)
{
    int *seen = xcalloc((size_t)task_count + 1, sizeof *seen), rc = 0;
    for (int i = n - 1; i >= 0 && rc == 0; i--) { /* the list is newest first */
        const struct task *t = task_find(list[i].task);
        if (!shard_has(&r->o->shard, seen[t ? t - task_table : task_count]++))
            continue;
        rc = atomic_load(&replay_stop) ? replay_stopped(r, VS_E_CANCELLED, "stopped", err)
                                       : replay_query(r, &list[i], err);
    }
    free(seen);
    return rc;
}

static int replay_all(struct replay *r, struct log_query *list, int n, struct vs_err *err)
{
    int rc = replay_shard(r, list, n, err);
    if (rc == 0 || (vs_is_of_all(rc) && r->asked > 0))
        replay_print_summary(r);
    bool none = r->asked > 0 && r->failed == r->asked;
    bool moved = r->changed || r->failed || r->differ;
    return rc ? rc : none || (r->o->fail_on_change && moved) ? EXIT_FAILED : EXIT_OK;
}

int sessions_replay(const struct sessions_options *o, struct log *l, struct vs_err *err)
{
    struct replay r = {.o = o, .l = l, .lines = json_array(), .logging.command = "sessions"};
    struct log_filter f = o->filter;
    struct log_query *list = NULL;
    int n = 0;
    f.limit = f.limit ? f.limit : INT32_MAX;
    int rc = sessions_id(o->args[0], &f.session, err);
    if (rc == 0)
        rc = log_find(l, &f, &list, &n, err);
    if (rc == 0 && n == 0)
        rc = vs_fail(err, VS_E_MISSING, "%s: session %s has no such queries", log_path(l),
                     o->args[0]);
    struct chosen *chosen = NULL;
    if (rc == 0)
        rc = replay_open_model(&r, &chosen, err);
    if (rc == 0) {
        command_stop_by_signals(&replay_stop);
        open_writer(&r, f.session);
        rc = replay_all(&r, list, n, err);
        int logged = logging_end(&r.logging);
        rc = rc ? rc : logged;
    }
    drop_photos(&r);
    log_queries_free(list, n);
    model_free(r.model);
    command_chosen_free(chosen);
    json_decref(r.lines);
    return rc;
}
