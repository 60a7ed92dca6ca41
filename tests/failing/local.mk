# The program, of which each part can be made to fail.
EXTRA_DIST += tests/failing/wrap.awk
check_PROGRAMS += vilscope-failing
vilscope_failing_SOURCES = tests/failing/failing.c tests/failing/failing.h
nodist_vilscope_failing_SOURCES = failing-made.c
vilscope_failing_CPPFLAGS = $(TEST_CPPFLAGS) $(SQLITE_CFLAGS) -I$(srcdir)/tests/failing
vilscope_failing_LDFLAGS = $(AM_LDFLAGS) -Wl,@failing.ld
vilscope_failing_LDADD = $(vilscope_OBJECTS) $(vilscope_LDADD)
EXTRA_vilscope_failing_DEPENDENCIES = failing.ld
CLEANFILES += failing-made.c failing-made.stamp failing.ld
failing-made.c failing.ld: failing-made.stamp
	@:
# Written anew only where a prototype has changed.
failing-made.stamp: tests/failing/wrap.awk tests/failing/failing.c tests/failing/local.mk \
  $(libcore_a_SOURCES) \
  $(libsessions_a_SOURCES)
	$(AM_V_GEN)awk -v root='$(srcdir)/' -f $(srcdir)/tests/failing/wrap.awk $(srcdir)/src/*/*.h \
	  $(srcdir)/src/*/*/*.h \
	  $(srcdir)/sessions/*.h >$@.new && { cmp -s $@.new failing-made.c || cp $@.new failing-made.c; }
	$(AM_V_at){ awk -v list=1 -f $(srcdir)/tests/failing/wrap.awk $(srcdir)/src/*/*.h \
	  $(srcdir)/src/*/*/*.h \
	  $(srcdir)/sessions/*.h; sed -n 's/^FAILING([^,]*, \([a-z_0-9]*\),.*/--wrap=\1/p; s/^[a-z_]* __wrap_\([a-z]*\)(.*;$$/--wrap=\1/p' \
	  $(srcdir)/tests/failing/failing.c; } >$@.new && { cmp -s $@.new failing.ld || cp $@.new failing.ld; }
	$(AM_V_at)rm -f $@.new; : >$@
