# Everything on a screen.
noinst_LIBRARIES += libui.a
libui_a_CPPFLAGS = $(AM_CPPFLAGS) $(NCURSES_CFLAGS) $(SIXEL_CFLAGS)
libui_a_SOURCES = \
	ui/action_run.c \
	ui/actions.c \
	ui/actions_inside.c \
	ui/actions_table.c \
	ui/boxes.c \
	ui/canvas.c ui/canvas.h \
	ui/chrome.c \
	ui/compare.c ui/compare.h \
	ui/compare_jobs.c \
	ui/compare_log.c \
	ui/compare_trend.c \
	ui/complete.c \
	ui/conf.c \
	ui/do_export.c \
	ui/do_look.c \
	ui/do_photo.c \
	ui/do_query.c \
	ui/do_what_if.c \
	ui/draw.c \
	ui/edit.c ui/edit.h \
	ui/font.c ui/font.h \
	ui/gfx.c ui/gfx.h \
	ui/grid.c ui/grid.h \
	ui/input.c ui/input.h \
	ui/input_keys.c \
	ui/inside.c ui/inside.h \
	ui/keys.c \
	ui/knock.c ui/knock.h \
	ui/lines.c ui/lines.h \
	ui/list.c \
	ui/look.c ui/look.h \
	ui/panes.c \
	ui/paste.c \
	ui/photo.c \
	ui/project.c ui/project.h \
	ui/script.c \
	ui/sixel.c ui/sixel.h \
	ui/stale.c ui/stale.h \
	ui/stats.c ui/stats.h \
	ui/term.c ui/term.h \
	ui/text.c ui/text.h \
	ui/typing.c \
	ui/view_answer.c \
	ui/view_compare.c \
	ui/view_difference.c \
	ui/view_drift.c \
	ui/view_effects.c \
	ui/view_heads.c \
	ui/view_help.c \
	ui/view_history.c \
	ui/view_lens.c \
	ui/view_looks.c \
	ui/view_matrix.c \
	ui/view_photo.c \
	ui/view_plane.c \
	ui/view_regions.c \
	ui/view_states.c \
	ui/view_status.c \
	ui/view_swap.c \
	ui/view_tasks.c \
	ui/view_tokens.c \
	ui/view_trend.c \
	ui/view_views.c \
	ui/view_what_if.c \
	ui/views.c \
	ui/workbench.c ui/workbench.h ui/workbench_priv.h
