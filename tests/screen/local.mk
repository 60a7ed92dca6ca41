# The workbench in a pseudo-terminal; needs libvterm.
EXTRA_DIST += tests/screen/golden tests/screen/dead-keys
.PHONY: check-keys
if VTERM
# What their tests share.
check_LIBRARIES = libterminal.a
libterminal_a_SOURCES = tests/screen/look.c tests/screen/look.h tests/screen/pixels.c \
	tests/screen/pixels.h tests/screen/pointer.c tests/screen/pointer.h \
	tests/screen/protocols.c tests/screen/protocols.h \
	tests/screen/resting.c tests/screen/resting.h tests/screen/terminal.c tests/screen/terminal.h
libterminal_a_CPPFLAGS = $(SCREEN_CPPFLAGS)
SCREEN_CPPFLAGS = $(TEST_CPPFLAGS) -I$(srcdir)/tests/screen $(VTERM_CFLAGS)
SCREEN_LIBS = libterminal.a $(VTERM_LIBS) $(ZLIB_LIBS) -lutil
TAP_TESTS += test-screen
test_screen_SOURCES = tests/screen/test-screen.c
test_screen_CPPFLAGS = $(SCREEN_CPPFLAGS)
test_screen_LDADD = $(SCREEN_LIBS)
TAP_TESTS += test-demo
test_demo_SOURCES = tests/screen/test-demo.c
test_demo_CPPFLAGS = $(SCREEN_CPPFLAGS)
test_demo_LDADD = $(SCREEN_LIBS)
TAP_TESTS += test-tour
test_tour_SOURCES = tests/screen/test-tour.c
test_tour_CPPFLAGS = $(SCREEN_CPPFLAGS)
test_tour_LDADD = $(SCREEN_LIBS) libworld.a $(CORE_LIBS)
TAP_TESTS += test-files
test_files_SOURCES = tests/screen/test-files.c
test_files_CPPFLAGS = $(SCREEN_CPPFLAGS)
test_files_LDADD = $(SCREEN_LIBS)
TAP_TESTS += test-confidence
test_confidence_SOURCES = tests/screen/test-confidence.c tests/screen/pointer.c tests/screen/pointer.h
test_confidence_CPPFLAGS = $(SCREEN_CPPFLAGS)
test_confidence_LDADD = $(SCREEN_LIBS)

TAP_TESTS += test-flips
test_flips_SOURCES = tests/screen/test-flips.c
test_flips_CPPFLAGS = $(SCREEN_CPPFLAGS)
test_flips_LDADD = $(SCREEN_LIBS)
TAP_TESTS += test-golden
test_golden_SOURCES = tests/screen/test-golden.c
test_golden_CPPFLAGS = $(SCREEN_CPPFLAGS)
test_golden_LDADD = $(SCREEN_LIBS) -lm
TAP_TESTS += test-hover
test_hover_SOURCES = tests/screen/test-hover.c
test_hover_CPPFLAGS = $(SCREEN_CPPFLAGS)
test_hover_LDADD = $(SCREEN_LIBS)
TAP_TESTS += test-hover-views
test_hover_views_SOURCES = tests/screen/test-hover-views.c
test_hover_views_CPPFLAGS = $(SCREEN_CPPFLAGS)
test_hover_views_LDADD = $(SCREEN_LIBS) -lm
TAP_TESTS += test-kinds
test_kinds_SOURCES = tests/screen/test-kinds.c
test_kinds_CPPFLAGS = $(SCREEN_CPPFLAGS)
test_kinds_LDADD = $(SCREEN_LIBS) -lm
TAP_TESTS += test-layout
test_layout_SOURCES = tests/screen/test-layout.c
test_layout_CPPFLAGS = $(SCREEN_CPPFLAGS)
test_layout_LDADD = $(SCREEN_LIBS)
TAP_TESTS += test-messages
test_messages_SOURCES = tests/screen/test-messages.c
test_messages_CPPFLAGS = $(SCREEN_CPPFLAGS)
test_messages_LDADD = $(SCREEN_LIBS)
TAP_TESTS += test-pictures
test_pictures_SOURCES = tests/screen/test-pictures.c
test_pictures_CPPFLAGS = $(SCREEN_CPPFLAGS)
test_pictures_LDADD = $(SCREEN_LIBS) $(CORE_LIBS)
TAP_TESTS += test-served
test_served_SOURCES = tests/screen/test-served.c
test_served_CPPFLAGS = $(SCREEN_CPPFLAGS)
test_served_LDADD = $(SCREEN_LIBS)
TAP_TESTS += test-side-by-side
test_side_by_side_SOURCES = tests/screen/test-side-by-side.c
test_side_by_side_CPPFLAGS = $(SCREEN_CPPFLAGS)
test_side_by_side_LDADD = $(SCREEN_LIBS) -lm
TAP_TESTS += test-scales
test_scales_SOURCES = tests/screen/test-scales.c
test_scales_CPPFLAGS = $(SCREEN_CPPFLAGS)
test_scales_LDADD = $(SCREEN_LIBS) -lm
TAP_TESTS += test-gpus
test_gpus_SOURCES = tests/screen/test-gpus.c
test_gpus_CPPFLAGS = $(SCREEN_CPPFLAGS)
test_gpus_LDADD = $(SCREEN_LIBS)
TAP_TESTS += test-stale
test_stale_SOURCES = tests/screen/test-stale.c
test_stale_CPPFLAGS = $(SCREEN_CPPFLAGS)
test_stale_LDADD = $(SCREEN_LIBS)
TAP_TESTS += test-actions
test_actions_SOURCES = tests/screen/test-actions.c
test_actions_CPPFLAGS = $(SCREEN_CPPFLAGS)
test_actions_LDADD = $(SCREEN_LIBS)
TAP_TESTS += test-terminal
test_terminal_SOURCES = tests/screen/test-terminal.c
test_terminal_CPPFLAGS = $(SCREEN_CPPFLAGS)
test_terminal_LDADD = $(SCREEN_LIBS)
TAP_TESTS += test-walk
test_walk_SOURCES = tests/screen/test-walk.c
test_walk_CPPFLAGS = $(SCREEN_CPPFLAGS)
test_walk_LDADD = $(SCREEN_LIBS)
TAP_TESTS += test-tutorial
test_tutorial_SOURCES = tests/screen/test-tutorial.c
test_tutorial_CPPFLAGS = $(SCREEN_CPPFLAGS)
test_tutorial_LDADD = $(SCREEN_LIBS)
TAP_TESTS += test-twice
test_twice_SOURCES = tests/screen/test-twice.c
test_twice_CPPFLAGS = $(SCREEN_CPPFLAGS)
test_twice_LDADD = $(SCREEN_LIBS)
TAP_TESTS += test-views
test_views_SOURCES = tests/screen/test-views.c
test_views_CPPFLAGS = $(SCREEN_CPPFLAGS)
test_views_LDADD = $(SCREEN_LIBS)
# Every action once as one that does nothing: a test has to see it. Takes a minute.
EXTRA_PROGRAMS += vilscope-dead
CLEANFILES += vilscope-dead
vilscope_dead_SOURCES = tests/screen/dead.c
vilscope_dead_CPPFLAGS = $(AM_CPPFLAGS)
vilscope_dead_LDADD = $(vilscope_OBJECTS) $(vilscope_LDADD)
check-keys: vilscope vilscope-dead test-actions
	@$(TEST_ENV) sh $(srcdir)/tests/screen/dead-keys
else
check-keys:
	@echo 'the keys are not checked: that needs libvterm-dev'
TAP_SH += tests/screen/skip.sh
endif
EXTRA_DIST += tests/screen/skip.sh
