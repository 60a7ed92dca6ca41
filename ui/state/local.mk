# What the workbench knows: what is open and shown, what is chosen, panes, typed lines, the terminal.
libui_a_SOURCES += \
	ui/state/action.c ui/state/action.h \
	ui/state/action_run.c \
	ui/state/look.c \
	ui/state/names.c \
	ui/state/panes.c ui/state/panes.h \
	ui/state/screen.c ui/state/screen.h \
	ui/state/selection.c ui/state/selection.h \
	ui/state/session.c ui/state/session.h \
	ui/state/stale.c ui/state/stale.h \
	ui/state/state.h \
	ui/state/typed.c \
	ui/state/view.c ui/state/view.h
