# Tests print TAP; tests/run-tests runs them and prints one total line.
TEST_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/tests $(JANSSON_CFLAGS)
EXTRA_DIST += tests/run-tests tests/tap.h

include tests/unit/local.mk
include tests/cli/local.mk
include tests/fuzz/local.mk

check_PROGRAMS += $(TAP_TESTS)
EXTRA_DIST += $(TAP_SH) $(TAP_FULL)

TEST_ENV = VILSCOPE=$(abs_builddir)/vilscope SRCDIR=$(abs_srcdir) BUILDDIR=$(abs_builddir)

check-local: $(bin_PROGRAMS) $(check_PROGRAMS)
	@$(TEST_ENV) sh $(srcdir)/tests/run-tests $(TAP_TESTS) $(TAP_SH)
check-full: $(bin_PROGRAMS) $(check_PROGRAMS)
	@$(TEST_ENV) VILSCOPE_FULL=1 sh $(srcdir)/tests/run-tests $(TAP_TESTS) $(TAP_SH) $(TAP_FULL)
# The long ones alone, after a "make check".
check-full-only: $(bin_PROGRAMS) $(check_PROGRAMS)
	@$(TEST_ENV) VILSCOPE_FULL=1 sh $(srcdir)/tests/run-tests $(TAP_FULL)
bench:
.PHONY: check-full check-full-only bench
