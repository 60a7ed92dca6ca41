/* SPDX-License-Identifier: MIT */
/* What people say about queries: pins, notes, tags. */
#include "sessions/db.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

/* The statements change nothing when there is no such query: then say so. */
static int check_query(struct log *l, int64_t query, struct vs_err *err)
{
    int64_t id = 0;
    int rc = db_find(l, "SELECT id FROM queries WHERE id = ?", &id, err, "i", query);
    return rc == VS_E_MISSING ? vs_fail(err, rc, "%s: there is no query %" PRId64, l->path, query)
                              : rc;
}

int log_pin(struct log *l, int64_t query, const char *expected, struct vs_err *err)
{
    int rc = check_query(l, query, err);
    return rc ? rc : db_do(l, "INSERT INTO pins(query_id, pinned, expected) VALUES(?1, " LOG_NOW
                              ", ?2) ON CONFLICT(query_id) DO UPDATE SET expected = ?2",
                           "pinning", err, "is", query, expected);
}

int log_unpin(struct log *l, int64_t query, struct vs_err *err)
{
    int rc = check_query(l, query, err);
    return rc ? rc : db_do(l, "DELETE FROM pins WHERE query_id = ?", "unpinning", err, "i", query);
}

int log_set_note(struct log *l, int64_t query, const char *note, struct vs_err *err)
{
    int rc = check_query(l, query, err);
    if (rc == 0 && (!note || !note[0]))
        return db_do(l, "DELETE FROM notes WHERE query_id = ?", "removing a note", err, "i", query);
    return rc ? rc : db_do(l, "INSERT INTO notes(query_id, written, note) VALUES(?1, " LOG_NOW
                              ", ?2) ON CONFLICT(query_id) DO UPDATE SET written = " LOG_NOW
                              ", note = ?2", "writing a note", err, "is", query, note);
}

int log_add_tag(struct log *l, int64_t query, const char *tag, struct vs_err *err)
{
    size_t n = strlen(tag);
    for (size_t i = 0; i < n; i++)
        if (isspace((unsigned char)tag[i]) || iscntrl((unsigned char)tag[i]))
            n = 0;
    if (n == 0 || n > 64)
        return vs_fail(err, VS_E_USAGE, "a tag is one word of 64 bytes at most, not '%s'", tag);
    int rc = check_query(l, query, err);
    return rc ? rc : db_do(l, "INSERT OR IGNORE INTO tags(query_id, tag) VALUES(?, ?)",
                           "writing a tag", err, "is", query, tag);
}

int log_remove_tag(struct log *l, int64_t query, const char *tag, struct vs_err *err)
{
    int rc = check_query(l, query, err);
    return rc ? rc : db_do(l, "DELETE FROM tags WHERE query_id = ? AND tag = ?", "removing a tag",
                           err, "is", query, tag);
}
