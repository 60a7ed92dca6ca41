# Figures for papers: a description of what is shown, and the files that are made of it.
libcore_a_SOURCES += \
	src/figure/axes.c src/figure/axes.h \
	src/figure/bars.c \
	src/figure/curves.c \
	src/figure/figure.c src/figure/figure.h \
	src/figure/matrix.c \
	src/figure/module.h \
	src/figure/page.c src/figure/page.h \
	src/figure/pen.c src/figure/pen.h \
	src/figure/photo.c \
	src/figure/svg.c src/figure/svg.h \
	src/figure/table.c

# What uses Cairo and Pango is a module, opened when a figure is written.
EXTRA_DIST += src/figure/cairo.c
CLEANFILES += vilscope-figure.so
if CAIRO
figuremoduledir = $(pkglibdir)
figuremodule_DATA = vilscope-figure.so
AM_V_FIGURE = $(am__v_FIGURE_@AM_V@)
am__v_FIGURE_ = $(am__v_FIGURE_@AM_DEFAULT_V@)
am__v_FIGURE_0 = @echo "  CCLD    " $@;
vilscope-figure.so: src/figure/cairo.c src/figure/module.h
	$(AM_V_FIGURE)$(CC) $(AM_CPPFLAGS) $(CAIRO_CFLAGS) $(CPPFLAGS) $(AM_CFLAGS) $(CFLAGS) -fPIC \
	  -shared -fvisibility=default $(AM_LDFLAGS) $(LDFLAGS) -o $@.tmp $(srcdir)/src/figure/cairo.c \
	  $(CAIRO_LIBS)
	@mv $@.tmp $@
endif
