# Manual pages.
dist_man_MANS += man/vilscope.1 man/vilscope-data.5 man/vilscope-extract.1 man/vilscope-model.5 \
	man/vilscope-probes.5 man/vilscope-sessions.5 man/vilscope.conf.5
EXTRA_DIST += man/update-keys man/workbench.png
# Writes the table of keys in vilscope.1 anew; test-actions says when that is needed.
update-keys: vilscope
	sh $(srcdir)/man/update-keys ./vilscope $(srcdir)/man/vilscope.1
.PHONY: update-keys
