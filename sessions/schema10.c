/* SPDX-License-Identifier: MIT */
/* Version 10 of the tables: rows of slices are found by their slices. SQLite counts on few rows in
 * an evaluation, and went through all of them for each value that was asked for. Never change it:
 * add a version. */
#include "sessions/db.h"

const char schema_version_10[] =
    "DROP VIEW sliced_rows;"
    "CREATE VIEW sliced_rows AS SELECT s.field, s.value, r.* FROM evaluation_slices s CROSS JOIN"
    " slice_items i ON i.slice_id = s.id CROSS JOIN evaluation_rows r ON r.evaluation_id ="
    " s.evaluation_id AND r.item = i.item;";
