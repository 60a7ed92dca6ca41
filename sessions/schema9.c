/* SPDX-License-Identifier: MIT */
/* Version 9 of the tables: which items came out how is an index, so that who counts what flipped
 * reads nothing else; a command that is given again goes on with its session; and what an answer
 * owes to words and regions. Never change it: add a version. */
#include "sessions/db.h"

/* Both sides of an item, and where they come from: the side that is wrong comes first, as it is
 * seldom the larger one, and SQLite begins with it (CROSS JOIN). */
#define ROW_PAIR(first, second)                                                                    \
    "SELECT a.evaluation_id AS a_evaluation, b.evaluation_id AS b_evaluation, a.item, a.name,"     \
    " a.image, a.answer AS a_answer, b.answer AS b_answer, a.score AS a_score, b.score AS"         \
    " b_score, a.correct AS a_correct, b.correct AS b_correct, a.confidence AS a_confidence,"      \
    " b.confidence AS b_confidence FROM evaluation_rows " first " CROSS JOIN evaluation_rows "     \
    second " ON b.item = a.item AND b.name = a.name"

const char schema_version_9[] =
    "CREATE INDEX evaluation_outcomes ON evaluation_rows(evaluation_id, correct, item,"
    " confidence);"
    "CREATE VIEW row_gained AS " ROW_PAIR("a", "b") " WHERE a.correct = 0 AND b.correct = 1;"
    "CREATE VIEW row_lost AS " ROW_PAIR("b", "a") " WHERE b.correct = 0 AND a.correct = 1;"
    "ALTER TABLE sessions ADD COLUMN run TEXT;"
    "CREATE INDEX sessions_run ON sessions(run) WHERE run IS NOT NULL;"
    "CREATE TABLE attributions("
    " id INTEGER PRIMARY KEY,"
    " query_id INTEGER NOT NULL REFERENCES queries(id) ON DELETE CASCADE,"
    " method TEXT NOT NULL, target TEXT NOT NULL, target_index INTEGER NOT NULL, against TEXT,"
    " against_index INTEGER NOT NULL, map TEXT NOT NULL, removal TEXT NOT NULL,"
    " verify INTEGER NOT NULL, scale TEXT NOT NULL, value REAL, steps INTEGER NOT NULL, base REAL,"
    " missing REAL, images INTEGER NOT NULL, tokens INTEGER NOT NULL, regions INTEGER NOT NULL,"
    " exact INTEGER NOT NULL, tested TEXT, digest TEXT NOT NULL CHECK(length(digest) = 64),"
    " data BLOB NOT NULL,"
    " UNIQUE(query_id, method, target_index, against_index, map, removal, verify));";
