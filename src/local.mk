# The core library and the program.
noinst_LIBRARIES += libcore.a
libcore_a_CPPFLAGS = $(AM_CPPFLAGS) -DVS_LIBDIR='"$(pkglibdir)"' $(JANSSON_CFLAGS) $(UTF8PROC_CFLAGS) \
	$(STB_CFLAGS) $(LMDB_CFLAGS) $(JPEG_CFLAGS) $(WEBP_CFLAGS) $(YAML_CFLAGS) $(ZLIB_CFLAGS)
libcore_a_SOURCES =
# They know where it is installed: configured for another place, they are compiled anew.
src/engine/libcore_a-demo.$(OBJEXT) src/formats/libcore_a-modulefile.$(OBJEXT): Makefile
CORE_LIBS = libcore.a $(KERN_LIBS) $(JANSSON_LIBS) $(UTF8PROC_LIBS) $(LMDB_LIBS) \
	$(JPEG_LIBS) $(WEBP_LIBS) $(YAML_LIBS) $(ZLIB_LIBS) $(LIBS)

bin_PROGRAMS += vilscope
vilscope_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS) $(UTF8PROC_CFLAGS)
vilscope_SOURCES =
vilscope_LDADD = libui.a libworld.a $(SESSION_LIBS) $(CORE_LIBS) $(NCURSES_LIBS) $(SIXEL_LIBS)
