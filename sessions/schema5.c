/* SPDX-License-Identifier: MIT */
/* Version 5 of the tables: what a note said before it was changed or removed. Which of two notes is
 * the newer one then needs no clock: it is the one whose other was its own once. Never change it:
 * add a version. */
#include "sessions/db.h"

/* A note goes with its query, too, and then leaves nothing. */
#define REMEMBER                                                                                   \
    "INSERT OR IGNORE INTO old_notes SELECT old.query_id, old.note WHERE EXISTS (SELECT 1 FROM"    \
    " queries WHERE id = old.query_id);"
#define FORGET "DELETE FROM old_notes WHERE query_id = new.query_id AND note = new.note;"

const char schema_version_5[] =
    "CREATE TABLE old_notes("
    " query_id INTEGER NOT NULL REFERENCES queries(id) ON DELETE CASCADE,"
    " note TEXT NOT NULL, PRIMARY KEY(query_id, note)) WITHOUT ROWID;"
    "CREATE TRIGGER notes_said AFTER INSERT ON notes BEGIN " FORGET " END;"
    "CREATE TRIGGER notes_changed AFTER UPDATE OF note ON notes WHEN old.note <> new.note BEGIN "
    REMEMBER FORGET " END;"
    "CREATE TRIGGER notes_removed AFTER DELETE ON notes BEGIN " REMEMBER " END;";
