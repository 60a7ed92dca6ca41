# The commands.
vilscope_SOURCES += \
	src/cmd/cmd_batch.c \
	src/cmd/cmd_cache.c \
	src/cmd/cmd_compare.c src/cmd/cmd_compare.h \
	src/cmd/cmd_compare_agreement.c \
	src/cmd/cmd_compare_figure.c \
	src/cmd/cmd_compare_gallery.c \
	src/cmd/cmd_compare_judged.c \
	src/cmd/cmd_compare_parts.c \
	src/cmd/cmd_compare_probes.c \
	src/cmd/cmd_compare_measured.c \
	src/cmd/cmd_compare_rows.c src/cmd/cmd_compare_rows.h \
	src/cmd/cmd_compare_slices.c \
	src/cmd/cmd_compare_trust.c \
	src/cmd/cmd_compare_follow.c src/cmd/cmd_compare_watch.c \
	src/cmd/cmd_completions.c \
	src/cmd/cmd_convert.c \
	src/cmd/cmd_convert_measure.c src/cmd/cmd_convert.h \
	src/cmd/cmd_convert_regions.c \
	src/cmd/cmd_detect.c \
	src/cmd/cmd_devices.c \
	src/cmd/cmd_doctor.c \
	src/cmd/cmd_eval.c src/cmd/cmd_eval.h \
	src/cmd/cmd_eval_change.c \
	src/cmd/cmd_eval_document.c \
	src/cmd/cmd_eval_figure.c \
	src/cmd/cmd_eval_from.c \
	src/cmd/cmd_eval_heads.c \
	src/cmd/cmd_eval_part.c \
	src/cmd/cmd_eval_predictions.c \
	src/cmd/cmd_eval_reference.c \
	src/cmd/cmd_eval_rows.c \
	src/cmd/cmd_eval_table.c \
	src/cmd/cmd_explain.c src/cmd/cmd_explain.h \
	src/cmd/cmd_explain_print.c \
	src/cmd/cmd_explain_project.c \
	src/cmd/cmd_extract.c \
	src/cmd/cmd_figure.c \
	src/cmd/cmd_findings.c src/cmd/cmd_findings.h \
	src/cmd/cmd_forward.c \
	src/cmd/cmd_help.c \
	src/cmd/cmd_inspect.c src/cmd/cmd_inspect.h \
	src/cmd/cmd_inspect_config.c \
	src/cmd/cmd_inspect_report.c \
	src/cmd/cmd_log.c src/cmd/cmd_log.h \
	src/cmd/cmd_model.c src/cmd/cmd_model.h \
	src/cmd/cmd_set_rows.c src/cmd/cmd_set_rows.h \
	src/cmd/cmd_setup.c src/cmd/cmd_setup.h \
	src/cmd/cmd_setup_check.c \
	src/cmd/cmd_setup_init.c \
	src/cmd/cmd_setup_parts.c \
	src/cmd/cmd_setup_query.c \
	src/cmd/cmd_query.c src/cmd/cmd_query.h \
	src/cmd/cmd_query_attribute.c \
	src/cmd/cmd_query_leave_out.c \
	src/cmd/cmd_query_patch.c src/cmd/cmd_query_patch.h \
	src/cmd/cmd_prepared.c src/cmd/cmd_prepared.h \
	src/cmd/cmd_relevance.c src/cmd/cmd_relevance.h \
	src/cmd/cmd_relevance_curves.c \
	src/cmd/cmd_relevance_dump.c \
	src/cmd/cmd_relevance_targets.c \
	src/cmd/cmd_rows.c src/cmd/cmd_rows.h \
	src/cmd/cmd_serve.c \
	src/cmd/cmd_sessions.c src/cmd/cmd_sessions.h \
	src/cmd/cmd_sessions_list.c \
	src/cmd/cmd_sessions_merge.c \
	src/cmd/cmd_sessions_replay.c \
	src/cmd/cmd_sessions_rows.c \
	src/cmd/cmd_sessions_tend.c \
	src/cmd/cmd_tasks.c \
	src/cmd/cmd_tokenize.c \
	src/cmd/cmd_workbench.c src/cmd/cmd_workbench.h \
	src/cmd/cmd_world.c \
	src/cmd/command.c \
	src/cmd/main.c \
	src/cmd/options.c src/cmd/options.h \
	src/cmd/options_help.c \
	src/cmd/vilscope.h
# What --version says of the source; written anew only when it is another.
nodist_vilscope_SOURCES = src/cmd/made_commit.c src/cmd/made_completions.c
src/cmd/made_commit.c: commit-now
	@$(MKDIR_P) src/cmd
	@c=`sh $(srcdir)/src/cmd/commit-of $(srcdir)` && \
		echo "extern const char version_commit[]; const char version_commit[] = \"$$c\";" >$@.new
	@if cmp -s $@.new $@; then rm -f $@.new; else mv -f $@.new $@; fi
commit-now:
.PHONY: commit-now
# The shells' scripts, also as text for "vilscope completions".
bashcompletiondir = $(datadir)/bash-completion/completions
dist_bashcompletion_DATA = src/cmd/completions/vilscope
zshcompletiondir = $(datadir)/zsh/site-functions
dist_zshcompletion_DATA = src/cmd/completions/_vilscope
fishcompletiondir = $(datadir)/fish/vendor_completions.d
dist_fishcompletion_DATA = src/cmd/completions/vilscope.fish
src/cmd/made_completions.c: $(dist_bashcompletion_DATA) $(dist_zshcompletion_DATA) \
		$(dist_fishcompletion_DATA)
	@$(MKDIR_P) src/cmd
	@for f in vilscope=bash _vilscope=zsh vilscope.fish=fish; do \
		echo "extern const char completions_$${f#*=}[]; const char completions_$${f#*=}[] ="; \
		sed 's/[\\"]/\\&/g; s/.*/"&\\n"/' $(srcdir)/src/cmd/completions/$${f%=*} && echo ";" || \
		exit 1; done >$@.new
	@mv -f $@.new $@
CLEANFILES += src/cmd/made_commit.c src/cmd/made_completions.c
EXTRA_DIST += src/cmd/commit-of
dist-hook:
	sh $(srcdir)/src/cmd/commit-of $(srcdir) >$(distdir)/COMMIT
