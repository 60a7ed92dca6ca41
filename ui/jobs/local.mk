# What runs in the engine's thread for the screen.
libui_a_SOURCES += \
	ui/jobs/compare.c ui/jobs/compare.h \
	ui/jobs/compare_jobs.c \
	ui/jobs/compare_log.c \
	ui/jobs/compare_trend.c \
	ui/jobs/knock.c ui/jobs/knock.h
