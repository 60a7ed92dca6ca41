# The workbench in a pseudo-terminal; needs libvterm.
EXTRA_DIST += tests/screen/terminal.h tests/screen/golden tests/screen/dead-keys
.PHONY: check-keys
if VTERM
TAP_TESTS += test-screen
test_screen_SOURCES = tests/screen/terminal.c tests/screen/test-screen.c
test_screen_CPPFLAGS = $(TEST_CPPFLAGS) -I$(srcdir)/tests/screen $(VTERM_CFLAGS)
test_screen_LDADD = $(VTERM_LIBS) -lutil
TAP_TESTS += test-demo
test_demo_SOURCES = tests/screen/terminal.c tests/screen/test-demo.c
test_demo_CPPFLAGS = $(TEST_CPPFLAGS) -I$(srcdir)/tests/screen $(VTERM_CFLAGS)
test_demo_LDADD = $(VTERM_LIBS) -lutil
TAP_TESTS += test-files
test_files_SOURCES = tests/screen/terminal.c tests/screen/test-files.c
test_files_CPPFLAGS = $(TEST_CPPFLAGS) -I$(srcdir)/tests/screen $(VTERM_CFLAGS)
test_files_LDADD = $(VTERM_LIBS) -lutil
TAP_TESTS += test-golden
test_golden_SOURCES = tests/screen/look.c tests/screen/look.h tests/screen/terminal.c tests/screen/test-golden.c
test_golden_CPPFLAGS = $(TEST_CPPFLAGS) -I$(srcdir)/tests/screen $(VTERM_CFLAGS)
test_golden_LDADD = $(VTERM_LIBS) -lutil -lm
TAP_TESTS += test-messages
test_messages_SOURCES = tests/screen/terminal.c tests/screen/test-messages.c
test_messages_CPPFLAGS = $(TEST_CPPFLAGS) -I$(srcdir)/tests/screen $(VTERM_CFLAGS)
test_messages_LDADD = $(VTERM_LIBS) -lutil
TAP_TESTS += test-pictures
test_pictures_SOURCES = tests/screen/look.c tests/screen/look.h tests/screen/terminal.c \
	tests/screen/test-pictures.c
test_pictures_CPPFLAGS = $(TEST_CPPFLAGS) -I$(srcdir)/tests/screen $(VTERM_CFLAGS)
test_pictures_LDADD = $(CORE_LIBS) $(VTERM_LIBS) -lutil
TAP_TESTS += test-side-by-side
test_side_by_side_SOURCES = tests/screen/terminal.c tests/screen/test-side-by-side.c
test_side_by_side_CPPFLAGS = $(TEST_CPPFLAGS) -I$(srcdir)/tests/screen $(VTERM_CFLAGS)
test_side_by_side_LDADD = $(VTERM_LIBS) -lutil
TAP_TESTS += test-scales
test_scales_SOURCES = tests/screen/terminal.c tests/screen/test-scales.c
test_scales_CPPFLAGS = $(TEST_CPPFLAGS) -I$(srcdir)/tests/screen $(VTERM_CFLAGS)
test_scales_LDADD = $(VTERM_LIBS) -lutil -lm
TAP_TESTS += test-stale
test_stale_SOURCES = tests/screen/terminal.c tests/screen/test-stale.c
test_stale_CPPFLAGS = $(TEST_CPPFLAGS) -I$(srcdir)/tests/screen $(VTERM_CFLAGS)
test_stale_LDADD = $(VTERM_LIBS) -lutil
TAP_TESTS += test-actions
test_actions_SOURCES = tests/screen/terminal.c tests/screen/test-actions.c
test_actions_CPPFLAGS = $(TEST_CPPFLAGS) -I$(srcdir)/tests/screen $(VTERM_CFLAGS)
test_actions_LDADD = $(VTERM_LIBS) -lutil
TAP_TESTS += test-terminal
test_terminal_SOURCES = tests/screen/terminal.c tests/screen/test-terminal.c
test_terminal_CPPFLAGS = $(TEST_CPPFLAGS) -I$(srcdir)/tests/screen $(VTERM_CFLAGS)
test_terminal_LDADD = $(VTERM_LIBS) -lutil
TAP_TESTS += test-walk
test_walk_SOURCES = tests/screen/terminal.c tests/screen/test-walk.c
test_walk_CPPFLAGS = $(TEST_CPPFLAGS) -I$(srcdir)/tests/screen $(VTERM_CFLAGS)
test_walk_LDADD = $(VTERM_LIBS) -lutil
TAP_TESTS += test-twice
test_twice_SOURCES = tests/screen/terminal.c tests/screen/test-twice.c
test_twice_CPPFLAGS = $(TEST_CPPFLAGS) -I$(srcdir)/tests/screen $(VTERM_CFLAGS)
test_twice_LDADD = $(VTERM_LIBS) -lutil
TAP_TESTS += test-views
test_views_SOURCES = tests/screen/terminal.c tests/screen/test-views.c
test_views_CPPFLAGS = $(TEST_CPPFLAGS) -I$(srcdir)/tests/screen $(VTERM_CFLAGS)
test_views_LDADD = $(VTERM_LIBS) -lutil
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
