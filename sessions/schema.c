/* SPDX-License-Identifier: MIT */
/* The tables, described in vilscope-sessions(5), and their versions. */
#include "sessions/db.h"

#include <inttypes.h>
#include <stdio.h>

/* Version 1. Later versions are further entries of the list: never change one that was released. */
static const char version_1[] =
    "CREATE TABLE sessions("
    " id INTEGER PRIMARY KEY, started TEXT NOT NULL, ended TEXT, note TEXT,"
    " program TEXT NOT NULL);"
    "CREATE TABLE checkpoints("
    " id INTEGER PRIMARY KEY, digest TEXT NOT NULL UNIQUE CHECK(length(digest) = 64));"
    "CREATE TABLE images("
    " id INTEGER PRIMARY KEY, digest TEXT NOT NULL UNIQUE CHECK(length(digest) = 64),"
    " width INTEGER NOT NULL, height INTEGER NOT NULL);"
    "CREATE TABLE queries("
    " id INTEGER PRIMARY KEY, session_id INTEGER NOT NULL REFERENCES sessions(id),"
    " asked TEXT NOT NULL, task TEXT NOT NULL, task_id INTEGER NOT NULL, text TEXT NOT NULL,"
    " model_text TEXT NOT NULL, truncated INTEGER NOT NULL, model TEXT,"
    " checkpoint_id INTEGER NOT NULL REFERENCES checkpoints(id), checkpoint_name TEXT,"
    " checkpoint_path TEXT, device TEXT, notice TEXT, answer_count INTEGER NOT NULL,"
    " box_count INTEGER NOT NULL, best TEXT, best_score REAL, best_score_name TEXT NOT NULL,"
    " entropy REAL, margin REAL);"
    "CREATE INDEX queries_session ON queries(session_id);"
    "CREATE INDEX queries_checkpoint ON queries(checkpoint_id);"
    "CREATE TABLE query_images("
    " query_id INTEGER NOT NULL REFERENCES queries(id) ON DELETE CASCADE,"
    " position INTEGER NOT NULL, image_id INTEGER REFERENCES images(id), path TEXT,"
    " width INTEGER NOT NULL, height INTEGER NOT NULL, regions_path TEXT,"
    " regions_digest TEXT NOT NULL, region_count INTEGER NOT NULL,"
    " candidate_count INTEGER NOT NULL, PRIMARY KEY(query_id, position)) WITHOUT ROWID;"
    "CREATE INDEX query_images_image ON query_images(image_id);"
    "CREATE TABLE tokens("
    " query_id INTEGER NOT NULL REFERENCES queries(id) ON DELETE CASCADE,"
    " position INTEGER NOT NULL, piece TEXT NOT NULL, token_id INTEGER NOT NULL,"
    " first_byte INTEGER NOT NULL, end_byte INTEGER NOT NULL, special INTEGER NOT NULL,"
    " PRIMARY KEY(query_id, position)) WITHOUT ROWID;"
    "CREATE TABLE answers("
    " query_id INTEGER NOT NULL REFERENCES queries(id) ON DELETE CASCADE,"
    " rank INTEGER NOT NULL, label_index INTEGER NOT NULL, label TEXT, logit REAL NOT NULL,"
    " softmax REAL NOT NULL, sigmoid REAL NOT NULL, PRIMARY KEY(query_id, rank)) WITHOUT ROWID;"
    "CREATE TABLE boxes("
    " query_id INTEGER NOT NULL REFERENCES queries(id) ON DELETE CASCADE,"
    " rank INTEGER NOT NULL, image INTEGER NOT NULL, region INTEGER NOT NULL, x1 REAL NOT NULL,"
    " y1 REAL NOT NULL, x2 REAL NOT NULL, y2 REAL NOT NULL, label TEXT, logit REAL NOT NULL,"
    " softmax REAL NOT NULL, sigmoid REAL NOT NULL, PRIMARY KEY(query_id, rank)) WITHOUT ROWID;"
    "CREATE TABLE timings("
    " query_id INTEGER NOT NULL REFERENCES queries(id) ON DELETE CASCADE,"
    " stage TEXT NOT NULL, ms REAL NOT NULL, PRIMARY KEY(query_id, stage)) WITHOUT ROWID;";

/* Version 2: scores of a checkpoint on a data set. */
static const char version_2[] =
    "CREATE TABLE evaluations("
    " id INTEGER PRIMARY KEY, session_id INTEGER NOT NULL REFERENCES sessions(id),"
    " measured TEXT NOT NULL, model TEXT, checkpoint_id INTEGER NOT NULL REFERENCES"
    " checkpoints(id), checkpoint_name TEXT, checkpoint_path TEXT, data_path TEXT,"
    " data_digest TEXT NOT NULL, task TEXT NOT NULL, items INTEGER NOT NULL, score REAL NOT NULL,"
    " low REAL NOT NULL, high REAL NOT NULL, baseline REAL NOT NULL);"
    "CREATE INDEX evaluations_checkpoint ON evaluations(checkpoint_id);";

/* Entry i leads from version i to version i + 1. */
static const char *const migrations[LOG_SCHEMA] = {version_1, version_2, schema_version_3,
                                                    schema_version_4, schema_version_5,
                                                    schema_version_6, schema_version_7,
                                                    schema_version_8, schema_version_9,
                                                    schema_version_10};

/* One statement, because another program may be making the tables just now. */
static int schema_versions(struct log *l, int64_t *version, int64_t *application, int64_t *tables,
                           struct vs_err *err)
{
    sqlite3_stmt *s = NULL;
    int rc = db_prepare(l, "SELECT (SELECT user_version FROM pragma_user_version), "
                           "(SELECT application_id FROM pragma_application_id), "
                           "(SELECT count(*) FROM sqlite_master)", &s, err);
    if (rc == 0 && sqlite3_step(s) != SQLITE_ROW)
        rc = db_fail(l, "reading", err);
    if (rc == 0) {
        *version = sqlite3_column_int64(s, 0);
        *application = sqlite3_column_int64(s, 1);
        *tables = sqlite3_column_int64(s, 2);
    }
    sqlite3_finalize(s);
    return rc;
}

/* Version numbers that no vilscope will ever have; negative ones come from strangers. */
#define LAST_VERSION 1000

static int schema_judge(struct log *l, int64_t version, int64_t application, int64_t tables,
                        struct vs_err *err)
{
    if (tables > 0 && application != LOG_APPLICATION)
        return vs_fail(err, VS_E_DB, "%s: a database of another program: choose another log with "
                       "--log FILE", l->path);
    if (version < 0 || version > LAST_VERSION || (version == 0) != (tables == 0))
        return vs_fail(err, VS_E_DB, "%s: not a log of vilscope (its version is %" PRId64 ", and "
                       "it has %s tables): choose another with --log FILE", l->path, version,
                       tables ? "some" : "no");
    if (version > LOG_SCHEMA)
        return vs_fail(err, VS_E_DB, "%s: written by a newer vilscope (schema version %" PRId64
                       ", this program knows %d): update this program, or use another log with "
                       "--log FILE", l->path, version, LOG_SCHEMA);
    return version == 0 ? 0 : guard_tables(l, version, err);
}

/* Within one transaction, so that what is judged is one state of the file. */
int schema_check(struct log *l, struct vs_err *err)
{
    int64_t version = 0, application = 0, tables = 0;
    int rc = db_exec(l, "BEGIN", "opening", err);
    if (rc != 0)
        return rc;
    rc = schema_versions(l, &version, &application, &tables, err);
    if (rc == 0)
        rc = schema_judge(l, version, application, tables, err);
    l->version = version;
    if (rc == 0 && !l->read_only)
        guard_trust(l->db);
    if (rc == 0)
        return db_exec(l, "COMMIT", "opening", err);
    int code = sqlite3_errcode(l->db);
    sqlite3_exec(l->db, "ROLLBACK", NULL, NULL, NULL);
    l->code = code; /* of what failed, not of the rollback */
    return rc;
}

static int step_up(struct log *l, int64_t from, int64_t to, struct vs_err *err)
{
    int rc = schema_functions(l, err);
    for (int64_t i = from; i < to && rc == 0; i++)
        rc = db_exec(l, migrations[i], "making the tables", err);
    return rc;
}

int schema_make(struct log *l, int64_t version, struct vs_err *err)
{
    return step_up(l, 0, version, err);
}

static int schema_migrate(struct log *l, int64_t from, struct vs_err *err)
{
    char last[96];
    int rc = step_up(l, from, LOG_SCHEMA, err);
    snprintf(last, sizeof last, "PRAGMA application_id=%d; PRAGMA user_version=%d",
             LOG_APPLICATION, LOG_SCHEMA);
    return rc ? rc : db_exec(l, last, "making the tables", err);
}

/* Under the lock: another program may have done the same meanwhile. */
static int apply_locked(struct log *l, bool backup, struct vs_err *err)
{
    int64_t version = 0, application = 0, tables = 0;
    int rc = schema_versions(l, &version, &application, &tables, err);
    if (rc == 0)
        rc = schema_judge(l, version, application, tables, err);
    if (rc != 0 || version == LOG_SCHEMA)
        return rc;
    if (version > 0 && backup)
        rc = backup_make(l, version, err);
    return rc ? rc : schema_migrate(l, version, err);
}

int schema_apply(struct log *l, bool backup, struct vs_err *err)
{
    int64_t version = 0;
    int rc = db_number(l, "PRAGMA user_version", &version, err);
    if (rc != 0 || version == LOG_SCHEMA)
        return rc;
    rc = db_exec(l, "BEGIN IMMEDIATE", "making the tables", err);
    if (rc != 0)
        return rc;
    rc = apply_locked(l, backup, err);
    if (rc == 0)
        rc = db_exec(l, "COMMIT", "making the tables", err);
    if (rc != 0)
        sqlite3_exec(l->db, "ROLLBACK", NULL, NULL, NULL);
    else
        l->version = LOG_SCHEMA;
    return rc;
}
