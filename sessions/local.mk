# The log.
EXTRA_DIST += sessions/NOTES.md
noinst_LIBRARIES += libsessions.a
libsessions_a_CPPFLAGS = $(AM_CPPFLAGS) $(SQLITE_CFLAGS) $(JANSSON_CFLAGS) $(ZLIB_CFLAGS) \
	$(UTF8PROC_CFLAGS)
libsessions_a_SOURCES = \
	sessions/again.c sessions/again.h \
	sessions/attention.c \
	sessions/attributions.c \
	sessions/backup.c \
	sessions/check.c \
	sessions/columns.c sessions/columns.h \
	sessions/comparisons.c \
	sessions/db.c sessions/db.h \
	sessions/diff.c \
	sessions/differences.c \
	sessions/evaluations.c \
	sessions/export.c sessions/export.h \
	sessions/export_differences.c \
	sessions/export_html.c \
	sessions/filter.c \
	sessions/guard.c \
	sessions/guard_tables.c \
	sessions/identity.c sessions/identity.h \
	sessions/joining.c \
	sessions/left.c sessions/left.h \
	sessions/list.c \
	sessions/lock.c sessions/lock.h \
	sessions/log.c sessions/log.h \
	sessions/marks.c \
	sessions/merge.c \
	sessions/mergenotes.c sessions/mergenotes.h \
	sessions/pairs.c \
	sessions/pending.c \
	sessions/place.c sessions/place.h \
	sessions/prune.c \
	sessions/read.c \
	sessions/rows.c sessions/rows.h \
	sessions/schema.c \
	sessions/schema10.c \
	sessions/schema3.c \
	sessions/schema4.c \
	sessions/schema5.c \
	sessions/schema6.c \
	sessions/schema7.c \
	sessions/schema8.c \
	sessions/schema9.c \
	sessions/search.c \
	sessions/sql.c \
	sessions/tend.h \
	sessions/waiting.c \
	sessions/write.c
SESSION_LIBS = libsessions.a $(SQLITE_LIBS) $(ZLIB_LIBS)
