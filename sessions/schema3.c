/* SPDX-License-Identifier: MIT */
/* Version 3 of the tables: what a session, a question and a name are, so that logs can be merged,
 * checkpoints compared and renamed files recognised; comparisons, probes, attention maps, pins,
 * notes and tags; full-text search; views. Never change it: add a version. */
#include "sessions/db.h"

#include <stdlib.h>
#include <string.h>

/* Notes and tags of a query are searched, too: they are also in its remarks. Triggers that come
 * after a change do not run for rows that an OR IGNORE leaves out. */
#define REMARK(id)                                                                                 \
    "UPDATE queries SET remarks = coalesce((SELECT note FROM notes WHERE query_id = " id "), '')"  \
    " || ' ' || coalesce((SELECT group_concat(tag, ' ') FROM tags WHERE query_id = " id "), '')"   \
    " WHERE id = " id ";"
#define REMARK_TRIGGERS(table)                                                                     \
    "CREATE TRIGGER " table "_insert AFTER INSERT ON " table " BEGIN " REMARK("new.query_id")      \
    " END;"                                                                                        \
    "CREATE TRIGGER " table "_update AFTER UPDATE ON " table " BEGIN " REMARK("new.query_id")      \
    REMARK("old.query_id") " END;"                                                                 \
    "CREATE TRIGGER " table "_delete AFTER DELETE ON " table " BEGIN " REMARK("old.query_id")      \
    " END;"
/* How words leave and enter the index: FTS5 wants back what it was given. */
#define WORDS_OUT                                                                                  \
    "INSERT INTO words(words, rowid, task, text, best, remarks) VALUES('delete', old.id, old.task,"\
    " old.text, old.best, old.remarks);"
#define WORDS_IN                                                                                   \
    "INSERT INTO words(rowid, task, text, best, remarks) VALUES(new.id, new.task, new.text,"       \
    " new.best, new.remarks);"

/* The images of a query as part of its question: a picture by its content, else its regions; what
 * the user drew is part of the question, what a detector found is not. write.c agrees. */
#define QUESTION_IMAGES                                                                            \
    "(SELECT group_concat(part, ' ') FROM (SELECT coalesce(i.digest, m.regions_digest) ||"         \
    " CASE WHEN m.regions_path = 'boxes of the user' THEN '+' || m.regions_digest ELSE '' END ||"  \
    " CASE WHEN m.candidate_count > 0 THEN '/' || m.candidate_count ELSE '' END AS part"           \
    " FROM query_images m LEFT JOIN images i ON i.id = m.image_id WHERE m.query_id = queries.id"   \
    " ORDER BY m.position))"

const char schema_version_3[] =
    "ALTER TABLE sessions ADD COLUMN uid TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE sessions ADD COLUMN machine TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE sessions ADD COLUMN last_seq INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE queries ADD COLUMN seq INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE queries ADD COLUMN question INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE queries ADD COLUMN changes TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE queries ADD COLUMN remarks TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE evaluations ADD COLUMN seq INTEGER NOT NULL DEFAULT 0;"
    /* Identities that two machines with copies of one log give alike. */
    "UPDATE queries SET seq = 1 + id - (SELECT min(x.id) FROM queries x WHERE x.session_id ="
    " queries.session_id), question = question_of(task, text, " QUESTION_IMAGES ");"
    "UPDATE evaluations SET seq = 1 + id - (SELECT min(x.id) FROM evaluations x WHERE"
    " x.session_id = evaluations.session_id);"
    "UPDATE sessions SET last_seq = max(coalesce((SELECT max(seq) FROM queries WHERE session_id ="
    " sessions.id), 0), coalesce((SELECT max(seq) FROM evaluations WHERE session_id ="
    " sessions.id), 0)), uid = uid_of(id, started, program, note, (SELECT asked || task || text"
    " FROM queries WHERE session_id = sessions.id ORDER BY id LIMIT 1));"
    "CREATE UNIQUE INDEX sessions_uid ON sessions(uid);"
    "DROP INDEX queries_session;"
    "CREATE UNIQUE INDEX queries_session ON queries(session_id, seq);"
    "DROP INDEX queries_checkpoint;"
    "CREATE INDEX queries_checkpoint ON queries(checkpoint_id, question);"
    "CREATE INDEX queries_question ON queries(question, checkpoint_id, changes);"
    "CREATE INDEX queries_task ON queries(task);"
    "CREATE INDEX queries_asked ON queries(asked);"
    "CREATE UNIQUE INDEX evaluations_session ON evaluations(session_id, seq);"
    /* Under which names and paths a file was met. */
    "CREATE TABLE checkpoint_names("
    " name TEXT NOT NULL, checkpoint_id INTEGER NOT NULL REFERENCES checkpoints(id) ON DELETE"
    " CASCADE, PRIMARY KEY(name, checkpoint_id)) WITHOUT ROWID;"
    "CREATE INDEX checkpoint_names_checkpoint ON checkpoint_names(checkpoint_id);"
    "CREATE TABLE checkpoint_paths("
    " checkpoint_id INTEGER NOT NULL REFERENCES checkpoints(id) ON DELETE CASCADE,"
    " path TEXT NOT NULL, PRIMARY KEY(checkpoint_id, path)) WITHOUT ROWID;"
    "CREATE TABLE image_paths("
    " image_id INTEGER NOT NULL REFERENCES images(id) ON DELETE CASCADE, path TEXT NOT NULL,"
    " PRIMARY KEY(image_id, path)) WITHOUT ROWID;"
    "CREATE INDEX image_paths_path ON image_paths(path);"
    "INSERT OR IGNORE INTO checkpoint_names SELECT coalesce(checkpoint_name, ''), checkpoint_id"
    " FROM (SELECT checkpoint_name, checkpoint_id FROM queries UNION"
    " SELECT checkpoint_name, checkpoint_id FROM evaluations);"
    "INSERT OR IGNORE INTO checkpoint_paths SELECT checkpoint_id, checkpoint_path"
    " FROM (SELECT checkpoint_path, checkpoint_id FROM queries UNION"
    " SELECT checkpoint_path, checkpoint_id FROM evaluations) WHERE checkpoint_path IS NOT NULL;"
    "INSERT OR IGNORE INTO image_paths SELECT DISTINCT image_id, path FROM query_images"
    " WHERE image_id IS NOT NULL AND path IS NOT NULL;"
    /* One question on several checkpoints, asked together. */
    "CREATE TABLE comparisons("
    " id INTEGER PRIMARY KEY, session_id INTEGER NOT NULL REFERENCES sessions(id),"
    " seq INTEGER NOT NULL, asked TEXT NOT NULL, note TEXT);"
    "CREATE UNIQUE INDEX comparisons_session ON comparisons(session_id, seq);"
    "CREATE TABLE comparison_queries("
    " comparison_id INTEGER NOT NULL REFERENCES comparisons(id) ON DELETE CASCADE,"
    " position INTEGER NOT NULL, query_id INTEGER NOT NULL REFERENCES queries(id) ON DELETE"
    " CASCADE, PRIMARY KEY(comparison_id, position)) WITHOUT ROWID;"
    "CREATE INDEX comparison_queries_query ON comparison_queries(query_id);"
    /* Probe sets asked of a checkpoint. */
    "CREATE TABLE probe_runs("
    " id INTEGER PRIMARY KEY, session_id INTEGER NOT NULL REFERENCES sessions(id),"
    " seq INTEGER NOT NULL, ran TEXT NOT NULL, probes_path TEXT, probes_digest TEXT NOT NULL,"
    " model TEXT, checkpoint_id INTEGER NOT NULL REFERENCES checkpoints(id),"
    " checkpoint_name TEXT, checkpoint_path TEXT);"
    "CREATE UNIQUE INDEX probe_runs_session ON probe_runs(session_id, seq);"
    "CREATE INDEX probe_runs_checkpoint ON probe_runs(checkpoint_id);"
    "CREATE TABLE probe_results("
    " run_id INTEGER NOT NULL REFERENCES probe_runs(id) ON DELETE CASCADE,"
    " position INTEGER NOT NULL, probe TEXT NOT NULL, task TEXT NOT NULL, expected TEXT,"
    " outcome TEXT NOT NULL CHECK(outcome IN ('right', 'wrong', 'unjudged', 'failed')),"
    " answer TEXT, score REAL, entropy REAL, query_id INTEGER REFERENCES queries(id) ON DELETE"
    " SET NULL, PRIMARY KEY(run_id, position)) WITHOUT ROWID;"
    "CREATE INDEX probe_results_probe ON probe_results(probe, task);"
    "CREATE INDEX probe_results_query ON probe_results(query_id);"
    /* Maps that somebody asked to keep. */
    "CREATE TABLE attention("
    " id INTEGER PRIMARY KEY, query_id INTEGER NOT NULL REFERENCES queries(id) ON DELETE CASCADE,"
    " name TEXT NOT NULL, shape TEXT NOT NULL, bytes INTEGER NOT NULL, data BLOB NOT NULL,"
    " UNIQUE(query_id, name));"
    /* What people say about queries. */
    "CREATE TABLE pins("
    " query_id INTEGER PRIMARY KEY REFERENCES queries(id) ON DELETE CASCADE,"
    " pinned TEXT NOT NULL, expected TEXT);"
    "CREATE TABLE notes("
    " query_id INTEGER PRIMARY KEY REFERENCES queries(id) ON DELETE CASCADE,"
    " written TEXT NOT NULL, note TEXT NOT NULL);"
    "CREATE TABLE tags("
    " query_id INTEGER NOT NULL REFERENCES queries(id) ON DELETE CASCADE,"
    " tag TEXT NOT NULL, PRIMARY KEY(query_id, tag)) WITHOUT ROWID;"
    "CREATE INDEX tags_tag ON tags(tag, query_id);"
    /* Search. Prefixes up to eight letters are terms of their own, so that what is being typed is
     * found without a walk over all words that begin like it. */
    "CREATE VIRTUAL TABLE words USING fts5(task, text, best, remarks, content='queries',"
    " content_rowid='id', detail=none, columnsize=0, prefix='1 2 3 4 5 6 7 8',"
    " tokenize='unicode61 remove_diacritics 2');"
    "INSERT INTO words(words) VALUES('rebuild');"
    "CREATE TRIGGER queries_insert AFTER INSERT ON queries BEGIN " WORDS_IN " END;"
    "CREATE TRIGGER queries_delete AFTER DELETE ON queries BEGIN " WORDS_OUT " END;"
    "CREATE TRIGGER queries_update AFTER UPDATE OF id, task, text, best, remarks ON queries BEGIN "
    WORDS_OUT WORDS_IN " END;"
    REMARK_TRIGGERS("notes")
    REMARK_TRIGGERS("tags")
    /* ---- views, for people */
    "CREATE VIEW query_list AS SELECT q.id, q.session_id, q.asked, q.task, q.text,"
    " q.best AS answer, q.best_score AS score, q.best_score_name AS score_name,"
    " q.checkpoint_name AS checkpoint, q.changes, (SELECT path FROM query_images WHERE query_id ="
    " q.id AND position = 0) AS image, EXISTS(SELECT 1 FROM pins WHERE query_id = q.id) AS pinned,"
    " (SELECT note FROM notes WHERE query_id = q.id) AS note,"
    " (SELECT group_concat(tag, ' ') FROM tags WHERE query_id = q.id) AS tags FROM queries q;"
    /* The newest answers of two checkpoints to one question, without interventions. */
    "CREATE VIEW pairs AS SELECT a.question, a.task, a.text, (SELECT path FROM query_images WHERE"
    " query_id = a.id AND position = 0) AS image, an.name AS a_name, a.checkpoint_id AS"
    " a_checkpoint, a.id AS a_query, a.best AS a_answer, a.best_score AS a_score, bn.name AS"
    " b_name, b.checkpoint_id AS b_checkpoint, b.id AS b_query, b.best AS b_answer, b.best_score"
    " AS b_score FROM checkpoint_names an"
    " JOIN queries a ON a.checkpoint_id = an.checkpoint_id"
    " JOIN queries b ON b.question = a.question AND b.checkpoint_id <> a.checkpoint_id"
    " JOIN checkpoint_names bn"
    " ON bn.checkpoint_id = b.checkpoint_id"
    " WHERE a.id = (SELECT max(x.id) FROM queries x WHERE x.question = a.question AND"
    " x.checkpoint_id = a.checkpoint_id AND x.changes = '')"
    " AND b.id = (SELECT max(x.id) FROM queries x WHERE x.question = b.question AND"
    " x.checkpoint_id = b.checkpoint_id AND x.changes = '');"
    "CREATE VIEW flips AS SELECT * FROM pairs WHERE a_answer IS NOT b_answer;"
    "CREATE VIEW image_history AS SELECT i.digest, m.path, q.id AS query_id, q.asked, q.task,"
    " q.text, q.best AS answer, q.checkpoint_name AS checkpoint FROM images i JOIN query_images m"
    " ON m.image_id = i.id JOIN queries q ON q.id = m.query_id;"
    "CREATE VIEW checkpoint_history AS SELECT c.digest, n.name, (SELECT count(*) FROM"
    " queries WHERE checkpoint_id = c.id) AS queries, (SELECT min(asked) FROM queries WHERE"
    " checkpoint_id = c.id) AS first, (SELECT max(asked) FROM queries WHERE checkpoint_id = c.id)"
    " AS last FROM checkpoints c JOIN checkpoint_names n ON n.checkpoint_id = c.id;"
    "CREATE VIEW probe_trend AS SELECT p.probe, p.task, p.expected, r.ran, r.model,"
    " r.checkpoint_name AS checkpoint, p.answer, p.score, p.entropy, p.outcome, p.query_id"
    " FROM probe_results p JOIN probe_runs r ON r.id = p.run_id;"
    "CREATE VIEW scores AS SELECT task, data_path, data_digest, checkpoint_name AS checkpoint,"
    " measured, items, score, low, high, baseline FROM evaluations;";

/* ---- identities */

/* 64 bits of SHA-256: a million questions share none but with odds of one to tens of millions. */
int64_t log_question(const char *task, const char *text, const char *images)
{
    struct sha256 s;
    char hex[DIGEST_HEX];
    sha256_init(&s);
    sha256_add(&s, task, strlen(task) + 1);
    sha256_add(&s, text, strlen(text) + 1);
    sha256_add(&s, images, strlen(images) + 1);
    sha256_hex(&s, hex);
    hex[16] = '\0';
    return (int64_t)strtoull(hex, NULL, 16);
}

static const char *schema3_text_of(sqlite3_value *v)
{
    const char *s = (const char *)sqlite3_value_text(v);
    return s ? s : "";
}

static void schema3_question_of(sqlite3_context *c, int n, sqlite3_value **v)
{
    (void)n;
    sqlite3_result_int64(
        c, log_question(schema3_text_of(v[0]), schema3_text_of(v[1]), schema3_text_of(v[2])));
}

/* For sessions from before they had an identity: made from what they are. */
static void uid_of(sqlite3_context *c, int n, sqlite3_value **v)
{
    struct sha256 s;
    char hex[DIGEST_HEX];
    sha256_init(&s);
    for (int i = 0; i < n; i++)
        sha256_add(&s, schema3_text_of(v[i]), strlen(schema3_text_of(v[i])) + 1);
    sha256_hex(&s, hex);
    sqlite3_result_text(c, hex, 32, SQLITE_TRANSIENT);
}

/* The function of this name is there when FTS5 is. */
static bool has_fts5(struct log *l)
{
    sqlite3_stmt *s = NULL;
    bool there = sqlite3_prepare_v2(l->db, "SELECT fts5(?)", -1, &s, NULL) == SQLITE_OK;
    sqlite3_finalize(s);
    return there;
}

int schema_functions(struct log *l, struct vs_err *err)
{
    int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC;
    if (!has_fts5(l))
        return vs_fail(err, VS_E_DB, "%s: this machine's SQLite (%s) has no full-text search "
                       "(FTS5), which the log needs: install one that was built with it", l->path,
                       sqlite3_libversion());
    if (sqlite3_create_function(l->db, "question_of", 3, flags, NULL, schema3_question_of, NULL,
                                NULL) ||
        sqlite3_create_function(l->db, "uid_of", -1, flags, NULL, uid_of, NULL, NULL))
        return db_fail(l, "making the tables", err);
    return 0;
}
