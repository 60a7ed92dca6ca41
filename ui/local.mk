# Everything on a screen.
noinst_LIBRARIES += libui.a
libui_a_CPPFLAGS = $(AM_CPPFLAGS) $(NCURSES_CFLAGS) $(SIXEL_CFLAGS)
libui_a_SOURCES = \
	ui/boxes.c \
	ui/chrome.c \
	ui/compare.c ui/compare.h \
	ui/compare_jobs.c \
	ui/compare_log.c \
	ui/compare_trend.c \
	ui/draw.c \
	ui/inside.c ui/inside.h \
	ui/knock.c ui/knock.h \
	ui/list.c ui/list.h \
	ui/panes.c \
	ui/photo.c \
	ui/stale.c ui/stale.h \
	ui/workbench.c ui/workbench.h ui/workbench_priv.h
