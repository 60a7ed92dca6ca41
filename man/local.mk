# Manual pages.
dist_man_MANS += man/vilscope.1 man/vilscope-data.5 man/vilscope-extract.1 man/vilscope-model.5 \
	man/vilscope-probes.5 man/vilscope-sessions.5 man/vilscope.conf.5
