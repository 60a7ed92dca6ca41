# The core library and the program.
noinst_LIBRARIES += libcore.a
libcore_a_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS) $(UTF8PROC_CFLAGS) $(STB_CFLAGS)
libcore_a_SOURCES = \
	src/engine.h \
	src/err.c src/err.h \
	src/mem.c src/mem.h \
	src/result.h \
	src/strmap.c src/strmap.h
CORE_LIBS = libcore.a $(KERN_LIBS) $(JANSSON_LIBS) $(UTF8PROC_LIBS) $(LIBS)

bin_PROGRAMS += vilscope
vilscope_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
vilscope_SOURCES = \
	src/main.c src/vilscope.h
vilscope_LDADD = libui.a libsessions.a $(CORE_LIBS) $(NCURSES_LIBS) $(SIXEL_LIBS) $(SQLITE_LIBS)
