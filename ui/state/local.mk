# What the workbench knows: the selection, views and panes.
libui_a_SOURCES += \
	ui/state/panes.c ui/state/panes.h \
	ui/state/selection.c ui/state/selection.h \
	ui/state/view.c ui/state/view.h
