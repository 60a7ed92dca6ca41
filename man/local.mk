# Manual pages.
dist_man_MANS += man/vilscope.1 man/vilscope-batch.1 man/vilscope-check-set.5 man/vilscope-compare.1 man/vilscope-data.5 man/vilscope-eval.1 \
	man/vilscope-explain.1 man/vilscope-explain.7 \
	man/vilscope-extract.1 man/vilscope-model.5 man/vilscope-model.7 man/vilscope-tutorial.7 man/vilscope-probes.5 man/vilscope-serve.1 man/vilscope-sessions.5 \
	man/vilscope-terminals.7 man/vilscope.conf.5
EXTRA_DIST += man/update-lists man/workbench.png
# Writes the lists of keys and options anew; test-actions and structure.sh say when that is needed.
update-manual: vilscope
	sh $(srcdir)/man/update-lists ./vilscope $(srcdir)/man/vilscope.1 $(srcdir)/man/vilscope-batch.1 $(srcdir)/man/vilscope-compare.1 $(srcdir)/man/vilscope-eval.1 \
		$(srcdir)/man/vilscope-explain.1 $(srcdir)/man/vilscope-extract.1 $(srcdir)/man/vilscope-serve.1
.PHONY: update-manual
