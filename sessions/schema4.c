/* SPDX-License-Identifier: MIT */
/* Version 4 of the tables: what was found out about two checkpoints, and how the rows of NLVR2 were
 * laid out and under which key regions were found, which asking again needs. Never change it: add
 * a version. */
#include "sessions/db.h"

const char schema_version_4[] =
    "ALTER TABLE queries ADD COLUMN layout TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE query_images ADD COLUMN regions_key TEXT;"
    "CREATE TABLE differences("
    " id INTEGER PRIMARY KEY, session_id INTEGER NOT NULL REFERENCES sessions(id),"
    " seq INTEGER NOT NULL, found TEXT NOT NULL,"
    " kind TEXT NOT NULL CHECK(kind IN ('weights', 'cka', 'attention', 'swap')), level TEXT,"
    " model TEXT, a_checkpoint_id INTEGER NOT NULL REFERENCES checkpoints(id), a_name TEXT,"
    " a_path TEXT, b_checkpoint_id INTEGER NOT NULL REFERENCES checkpoints(id), b_name TEXT,"
    " b_path TEXT, subject TEXT, summary TEXT NOT NULL, data TEXT NOT NULL,"
    " part_count INTEGER NOT NULL);"
    "CREATE UNIQUE INDEX differences_session ON differences(session_id, seq);"
    "CREATE INDEX differences_a ON differences(a_checkpoint_id);"
    "CREATE INDEX differences_b ON differences(b_checkpoint_id);"
    "CREATE INDEX differences_found ON differences(found);"
    "CREATE TABLE difference_parts("
    " difference_id INTEGER NOT NULL REFERENCES differences(id) ON DELETE CASCADE,"
    " position INTEGER NOT NULL, part TEXT NOT NULL, other TEXT, value REAL,"
    " PRIMARY KEY(difference_id, position)) WITHOUT ROWID;"
    "CREATE VIEW difference_list AS SELECT id, session_id, found, kind, level, a_name AS a,"
    " b_name AS b, subject, summary FROM differences;"
    "CREATE VIEW changed_parts AS SELECT d.id AS difference_id, d.found, d.kind, d.level,"
    " d.a_name AS a, d.b_name AS b, d.subject, p.part, p.other, p.value FROM differences d"
    " JOIN difference_parts p ON p.difference_id = d.id;";
