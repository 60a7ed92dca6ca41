# What a pane can show, a file each, and what is drawn around the panes. The views are listed, in the
# help too, in the order in which their files stand here; popups last.
libui_a_SOURCES += \
	ui/views/boxes.c \
	ui/views/chrome.c \
	ui/views/confidence.c ui/views/confidence.h \
	ui/views/effects.h ui/views/effects_pictures.c \
	ui/views/figures.c ui/views/figures.h \
	ui/views/figures_heads.c \
	ui/views/figures_image.c \
	ui/views/flips_ask.c ui/views/flips.h \
	ui/views/grid.c ui/views/grid.h \
	ui/views/history.c ui/views/history.h \
	ui/views/hover.c \
	ui/views/inside.c ui/views/inside.h \
	ui/views/list.c ui/views/list.h \
	ui/views/body.c \
	ui/views/layout.c \
	ui/views/photo.c \
	ui/views/plot.c ui/views/plot.h \
	ui/views/view_image.c \
	ui/views/view_answer.c \
	ui/views/view_attention.c \
	ui/views/view_tokens.c \
	ui/views/view_matrix.c \
	ui/views/view_heads.c \
	ui/views/view_states.c \
	ui/views/view_plane.c \
	ui/views/view_project.c \
	ui/views/view_lens.c \
	ui/views/view_attribution.c \
	ui/views/view_curves.c \
	ui/views/view_effects.c \
	ui/views/view_what_if.c \
	ui/views/view_activation.c \
	ui/views/view_regions.c \
	ui/views/view_frozen.c \
	ui/views/view_compare.c \
	ui/views/view_difference.c \
	ui/views/view_drift.c \
	ui/views/view_patch.c \
	ui/views/view_trend.c \
	ui/views/view_flips.c \
	ui/views/view_confidence.c \
	ui/views/view_tasks.c \
	ui/views/view_history.c \
	ui/views/view_status.c \
	ui/views/view_views.c \
	ui/views/view_help.c \
	ui/views/views.c ui/views/views.h

nodist_libui_a_SOURCES = ui/views/all.c
CLEANFILES += ui/views/all.c
ui/views/all.c: $(srcdir)/ui/views/local.mk
	@$(MKDIR_P) ui/views
	$(AM_V_GEN){ echo '/* Made of the list in ui/views/local.mk. */'; \
	    echo '#include "ui/views/views.h"'; \
	    views=`for f in $(libui_a_SOURCES); do case $$f in \
	        */view_*.c) basename $$f .c;; esac; done`; \
	    for v in $$views; do echo "extern const struct view $$v;"; done; \
	    echo 'const struct view *const all_views[] = {'; \
	    for v in $$views; do echo "    &$$v,"; done; echo '    NULL};'; } >$@.new && mv $@.new $@
