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
  $(libcore_a_SOURCES) $(vilscope_SOURCES) \
  $(libsessions_a_SOURCES)
	$(AM_V_GEN)awk -v root='$(srcdir)/' -v list=failing.ld.new -f $(srcdir)/tests/failing/wrap.awk \
	  $(srcdir)/src/*/*.h $(srcdir)/src/*/*/*.h $(srcdir)/sessions/*.h >failing-made.c.new
	$(AM_V_at)sed -n 's/^FAILING([^,]*, \([a-z_0-9]*\),.*/--wrap=\1/p; s/^[a-z_]* __wrap_\([a-z]*\)(.*;$$/--wrap=\1/p' \
	  $(srcdir)/tests/failing/failing.c >>failing.ld.new
	$(AM_V_at)for f in failing-made.c failing.ld; do \
	  cmp -s $$f.new $$f || cp $$f.new $$f || exit 1; rm -f $$f.new; done
	$(AM_V_at): >$@
