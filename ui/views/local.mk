# What a pane can show, a file each.
libui_a_SOURCES += \
	ui/views/grid.c ui/views/grid.h \
	ui/views/view_answer.c \
	ui/views/view_compare.c \
	ui/views/view_difference.c \
	ui/views/view_drift.c \
	ui/views/view_effects.c \
	ui/views/view_heads.c \
	ui/views/view_help.c \
	ui/views/view_history.c \
	ui/views/view_lens.c \
	ui/views/view_looks.c \
	ui/views/view_matrix.c \
	ui/views/view_photo.c \
	ui/views/view_plane.c \
	ui/views/view_regions.c \
	ui/views/view_states.c \
	ui/views/view_status.c \
	ui/views/view_swap.c \
	ui/views/view_tasks.c \
	ui/views/view_tokens.c \
	ui/views/view_trend.c \
	ui/views/view_views.c \
	ui/views/view_what_if.c \
	ui/views/views.c
