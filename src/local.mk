# The core library and the program.
noinst_LIBRARIES += libcore.a
libcore_a_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS) $(UTF8PROC_CFLAGS) \
	$(STB_CFLAGS) $(LMDB_CFLAGS) $(JPEG_CFLAGS) $(WEBP_CFLAGS) $(ZLIB_CFLAGS)
libcore_a_SOURCES = \
	src/cachedir.c src/cachedir.h \
	src/change.c src/change.h \
	src/compare.c src/compare.h \
	src/compare_attention.c src/compare_attention.h \
	src/compare_cka.c src/compare_cka.h \
	src/compare_swap.c src/compare_swap.h \
	src/compare_weights.c src/compare_weights.h \
	src/demo.c src/demo.h \
	src/domain.c src/domain.h \
	src/difference.c src/difference.h src/difference_json.h \
	src/digestcache.c src/digestcache.h \
	src/effects.c src/effects.h \
	src/engine.c src/engine.h src/engine_priv.h \
	src/engine_batch.c \
	src/engine_changes.c \
	src/engine_detect.c \
	src/engine_inputs.c \
	src/engine_model.c \
	src/engine_photo.c \
	src/engine_query.c \
	src/engine_reading.c \
	src/err.c src/err.h \
	src/eval.c src/eval.h \
	src/eval_attention.c \
	src/eval_priv.h \
	src/eval_reference.c \
	src/eval_set.c \
	src/extract.c src/extract.h \
	src/lens.c src/lens.h \
	src/mem.c src/mem.h \
	src/progress.c src/progress.h \
	src/modeldir.c src/modeldir.h \
	src/plain.c src/plain.h \
	src/probes.c src/probes.h \
	src/probes_run.c \
	src/probes_table.c \
	src/regioncache.c src/regioncache.h \
	src/result.c src/result.h \
	src/result_json.c \
	src/strmap.c src/strmap.h \
	src/watch.c src/watch.h
CORE_LIBS = libcore.a $(KERN_LIBS) $(JANSSON_LIBS) $(UTF8PROC_LIBS) $(LMDB_LIBS) \
	$(JPEG_LIBS) $(WEBP_LIBS) $(ZLIB_LIBS) $(LIBS)

bin_PROGRAMS += vilscope
vilscope_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS) $(UTF8PROC_CFLAGS)
vilscope_SOURCES = \
	src/cmd_cache.c \
	src/cmd_compare.c src/cmd_compare.h \
	src/cmd_compare_parts.c \
	src/cmd_compare_probes.c \
	src/cmd_compare_watch.c \
	src/cmd_detect.c \
	src/cmd_devices.c \
	src/cmd_eval.c src/cmd_eval.h \
	src/cmd_eval_predictions.c \
	src/cmd_extract.c \
	src/cmd_forward.c \
	src/cmd_inspect.c \
	src/cmd_log.c src/cmd_log.h \
	src/cmd_model.c src/cmd_model.h \
	src/cmd_query.c src/cmd_query.h \
	src/cmd_query_knock.c \
	src/cmd_sessions.c src/cmd_sessions.h \
	src/cmd_sessions_list.c \
	src/cmd_sessions_replay.c \
	src/cmd_sessions_tend.c \
	src/cmd_tasks.c \
	src/cmd_tokenize.c \
	src/cmd_workbench.c \
	src/cmd_world.c \
	src/main.c src/vilscope.h
vilscope_LDADD = libui.a libworld.a $(SESSION_LIBS) $(CORE_LIBS) $(NCURSES_LIBS) $(SIXEL_LIBS)
