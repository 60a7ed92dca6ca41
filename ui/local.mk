# Everything on a screen.
noinst_LIBRARIES += libui.a
libui_a_CPPFLAGS = $(AM_CPPFLAGS) $(NCURSES_CFLAGS) $(SIXEL_CFLAGS)
libui_a_SOURCES = \
	ui/actions.c \
	ui/boxes.c \
	ui/canvas.c ui/canvas.h \
	ui/edit.c ui/edit.h \
	ui/gfx.c ui/gfx.h \
	ui/keys.c \
	ui/look.c ui/look.h \
	ui/matrix.c \
	ui/panes.c \
	ui/photo.c \
	ui/regions.c \
	ui/sixel.c ui/sixel.h \
	ui/term.c ui/term.h \
	ui/text.c ui/text.h \
	ui/workbench.c ui/workbench.h ui/workbench_priv.h
