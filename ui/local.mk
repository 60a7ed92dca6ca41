# Everything on a screen.
noinst_LIBRARIES += libui.a
libui_a_CPPFLAGS = $(AM_CPPFLAGS) $(NCURSES_CFLAGS) $(SIXEL_CFLAGS)
libui_a_SOURCES = \
	ui/frame.c
