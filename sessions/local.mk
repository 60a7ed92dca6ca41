# The log of queries.
noinst_LIBRARIES += libsessions.a
libsessions_a_CPPFLAGS = $(AM_CPPFLAGS) $(SQLITE_CFLAGS) $(JANSSON_CFLAGS)
libsessions_a_SOURCES = \
	sessions/log.c sessions/log.h
