# What the workbench knows: the selection, views and panes, what the result is about.
libui_a_SOURCES += \
	ui/state/draw.c \
	ui/state/panes.c ui/state/panes.h \
	ui/state/selection.c ui/state/selection.h \
	ui/state/stale.c ui/state/stale.h \
	ui/state/view.c ui/state/view.h
