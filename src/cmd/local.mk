# The commands.
vilscope_SOURCES += \
	src/cmd/cmd_cache.c \
	src/cmd/cmd_compare.c src/cmd/cmd_compare.h \
	src/cmd/cmd_compare_parts.c \
	src/cmd/cmd_compare_probes.c \
	src/cmd/cmd_compare_watch.c \
	src/cmd/cmd_detect.c \
	src/cmd/cmd_devices.c \
	src/cmd/cmd_eval.c src/cmd/cmd_eval.h \
	src/cmd/cmd_eval_predictions.c \
	src/cmd/cmd_extract.c \
	src/cmd/cmd_forward.c \
	src/cmd/cmd_inspect.c \
	src/cmd/cmd_log.c src/cmd/cmd_log.h \
	src/cmd/cmd_model.c src/cmd/cmd_model.h \
	src/cmd/cmd_query.c src/cmd/cmd_query.h \
	src/cmd/cmd_query_knock.c \
	src/cmd/cmd_sessions.c src/cmd/cmd_sessions.h \
	src/cmd/cmd_sessions_list.c \
	src/cmd/cmd_sessions_replay.c \
	src/cmd/cmd_sessions_tend.c \
	src/cmd/cmd_tasks.c \
	src/cmd/cmd_tokenize.c \
	src/cmd/cmd_workbench.c \
	src/cmd/cmd_world.c \
	src/cmd/main.c \
	src/cmd/vilscope.h
