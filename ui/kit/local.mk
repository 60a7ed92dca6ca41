# Terminal, pictures and text: nothing of the workbench.
libui_a_SOURCES += \
	ui/kit/blocks.c ui/kit/blocks.h \
	ui/kit/bluenoise.c ui/kit/bluenoise.h \
	ui/kit/canvas.c ui/kit/canvas.h \
	ui/kit/draw.c ui/kit/draw.h \
	ui/kit/edit.c ui/kit/edit.h \
	ui/kit/font.c ui/kit/font.h \
	ui/kit/gfx.c ui/kit/gfx.h \
	ui/kit/input.c ui/kit/input.h \
	ui/kit/input_keys.c \
	ui/kit/iterm2.c \
	ui/kit/kitty.c \
	ui/kit/lines.c ui/kit/lines.h \
	ui/kit/links.c ui/kit/links.h \
	ui/kit/outline.c ui/kit/outline.h \
	ui/kit/palette.c ui/kit/palette.h \
	ui/kit/sixel.c ui/kit/sixel.h \
	ui/kit/term.c ui/kit/term.h \
	ui/kit/term_virtual.c ui/kit/term_virtual.h \
	ui/kit/terminfo.c ui/kit/terminfo.h \
	ui/kit/theme.c ui/kit/theme.h \
	ui/kit/text.c ui/kit/text.h \
	ui/kit/tmux.c \
	ui/kit/way.h
