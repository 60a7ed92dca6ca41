# The log.
noinst_LIBRARIES += libsessions.a
libsessions_a_CPPFLAGS = $(AM_CPPFLAGS) $(SQLITE_CFLAGS)
libsessions_a_SOURCES = \
	sessions/db.c sessions/db.h \
	sessions/evaluations.c \
	sessions/log.c sessions/log.h \
	sessions/read.c \
	sessions/schema.c \
	sessions/write.c
