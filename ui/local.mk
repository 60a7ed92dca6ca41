# The loop of the screen; ui/kit, ui/state, ui/jobs, ui/views, ui/actions are below it.
EXTRA_DIST += ui/NOTES.md
noinst_LIBRARIES += libui.a
libui_a_CPPFLAGS = $(AM_CPPFLAGS) $(NCURSES_CFLAGS) $(SIXEL_CFLAGS) $(STB_CFLAGS) $(UTF8PROC_CFLAGS)
libui_a_SOURCES = \
	ui/workbench.c ui/workbench.h
