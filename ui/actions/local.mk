# What keys and commands do.
libui_a_SOURCES += \
	ui/actions/actions.c ui/actions/actions.h \
	ui/actions/actions_table.c \
	ui/actions/complete.c \
	ui/actions/conf.c \
	ui/actions/do_export.c \
	ui/actions/do_look.c \
	ui/actions/do_panes.c \
	ui/actions/do_photo.c \
	ui/actions/do_query.c \
	ui/actions/do_what_if.c \
	ui/actions/keys.c \
	ui/actions/paste.c \
	ui/actions/script.c \
	ui/actions/settings.c \
	ui/actions/typing.c
