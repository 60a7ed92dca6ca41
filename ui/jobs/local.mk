# What runs in the engine's thread for the screen, and what comes of it.
libui_a_SOURCES += \
	ui/jobs/activation.c ui/jobs/activation.h \
	ui/jobs/attribute.c ui/jobs/attribute.h \
	ui/jobs/compare.c ui/jobs/compare.h \
	ui/jobs/compare_jobs.c \
	ui/jobs/compare_log.c \
	ui/jobs/compare_trend.c \
	ui/jobs/curves.c ui/jobs/curves.h \
	ui/jobs/events.c \
	ui/jobs/jobs.h \
	ui/jobs/leave_one_out.c ui/jobs/leave_one_out.h \
	ui/jobs/logging.c \
	ui/jobs/own_query.c ui/jobs/own_query.h \
	ui/jobs/project.c ui/jobs/project.h \
	ui/jobs/query.c \
	ui/jobs/work.c
