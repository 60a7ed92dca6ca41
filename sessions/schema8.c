/* SPDX-License-Identifier: MIT */
/* Version 8 of the tables: evaluations that are a share of one, as several machines measure it,
 * each into a log of its own. What is joined of all shares has their rows then, and they have none.
 * Never change it: add a version. */
#include "sessions/db.h"

const char schema_version_8[] =
    "ALTER TABLE evaluations ADD COLUMN part TEXT;"
    "ALTER TABLE evaluations ADD COLUMN shard INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE evaluations ADD COLUMN shards INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE evaluations ADD COLUMN whole INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE evaluations ADD COLUMN place INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE evaluations ADD COLUMN places INTEGER NOT NULL DEFAULT 0;"
    "CREATE INDEX evaluations_part ON evaluations(part, checkpoint_id, task, shard)"
    " WHERE part IS NOT NULL;"
    "DROP VIEW evaluation_list;"
    "CREATE VIEW evaluation_list AS SELECT id, session_id, measured, task, split,"
    " checkpoint_name AS checkpoint, items, row_count AS rows, score, low, high, shard, shards"
    " FROM evaluations WHERE shard = 0 OR row_count > 0;";
