/* SPDX-License-Identifier: MIT */
/* Version 7 of the tables: what came of each item of an evaluation, and by what it can be sliced.
 * The numbers of a row are apart from its line, which is ten times as long: who counts reads
 * little. A slice is named once, so that the items of a million rows cost two numbers each. Never
 * change it: add a version. */
#include "sessions/db.h"

/* The items of the other evaluation that are the same. */
#define SAME_ITEMS                                                                                 \
    " FROM evaluation_rows a JOIN evaluation_rows b ON b.item = a.item AND b.name = a.name"

const char schema_version_7[] =
    "ALTER TABLE evaluations ADD COLUMN split TEXT;"
    "ALTER TABLE evaluations ADD COLUMN as_reference INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE evaluations ADD COLUMN row_count INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE evaluations ADD COLUMN left_out TEXT;"
    "CREATE INDEX evaluations_task ON evaluations(task, split);"
    "CREATE TABLE evaluation_rows("
    " evaluation_id INTEGER NOT NULL REFERENCES evaluations(id) ON DELETE CASCADE,"
    " item INTEGER NOT NULL, name TEXT NOT NULL, answer TEXT NOT NULL, score REAL,"
    " correct INTEGER, confidence REAL, margin REAL, image TEXT NOT NULL,"
    " PRIMARY KEY(evaluation_id, item)) WITHOUT ROWID;"
    "CREATE TABLE evaluation_lines("
    " evaluation_id INTEGER NOT NULL REFERENCES evaluations(id) ON DELETE CASCADE,"
    " item INTEGER NOT NULL, line TEXT NOT NULL, PRIMARY KEY(evaluation_id, item)) WITHOUT ROWID;"
    "CREATE TABLE evaluation_slices("
    " id INTEGER PRIMARY KEY, evaluation_id INTEGER NOT NULL REFERENCES evaluations(id) ON DELETE"
    " CASCADE, field TEXT NOT NULL, value TEXT NOT NULL, items INTEGER NOT NULL,"
    " scored INTEGER NOT NULL, score_sum REAL NOT NULL, UNIQUE(evaluation_id, field, value));"
    "CREATE TABLE slice_items("
    " slice_id INTEGER NOT NULL REFERENCES evaluation_slices(id) ON DELETE CASCADE,"
    " item INTEGER NOT NULL, PRIMARY KEY(slice_id, item)) WITHOUT ROWID;"
    "CREATE VIEW evaluation_list AS SELECT id, session_id, measured, task, split,"
    " checkpoint_name AS checkpoint, items, row_count AS rows, score, low, high FROM evaluations;"
    "CREATE VIEW row_pairs AS SELECT a.evaluation_id AS a_evaluation, b.evaluation_id AS"
    " b_evaluation, a.item, a.name, a.image, a.answer AS a_answer, b.answer AS b_answer, a.score"
    " AS a_score, b.score AS b_score, a.correct AS a_correct, b.correct AS b_correct, a.confidence"
    " AS a_confidence, b.confidence AS b_confidence" SAME_ITEMS ";"
    "CREATE VIEW row_flips AS SELECT * FROM row_pairs WHERE a_correct <> b_correct;"
    "CREATE VIEW slice_scores AS SELECT s.evaluation_id, e.task, e.split, e.checkpoint_name AS"
    " checkpoint, s.field, s.value, s.items, s.score_sum / nullif(s.scored, 0) AS score FROM"
    " evaluation_slices s JOIN evaluations e ON e.id = s.evaluation_id;"
    "CREATE VIEW sliced_rows AS SELECT s.field, s.value, r.* FROM evaluation_slices s JOIN"
    " slice_items i ON i.slice_id = s.id JOIN evaluation_rows r ON r.evaluation_id ="
    " s.evaluation_id AND r.item = i.item;";
