# The log.
noinst_LIBRARIES += libsessions.a
libsessions_a_CPPFLAGS = $(AM_CPPFLAGS) $(SQLITE_CFLAGS) $(JANSSON_CFLAGS) $(ZLIB_CFLAGS)
libsessions_a_SOURCES = \
	sessions/attention.c \
	sessions/backup.c \
	sessions/comparisons.c \
	sessions/db.c sessions/db.h \
	sessions/evaluations.c \
	sessions/list.c \
	sessions/log.c sessions/log.h \
	sessions/marks.c \
	sessions/pending.c \
	sessions/read.c \
	sessions/schema.c \
	sessions/schema3.c \
	sessions/search.c \
	sessions/write.c
SESSION_LIBS = libsessions.a $(SQLITE_LIBS) $(ZLIB_LIBS)
