# What is asked and what is answered, as records; the table of tasks.
libcore_a_SOURCES += \
	src/task/answers.c src/task/answers.h \
	src/task/change.c src/task/change.h \
	src/task/reading.c src/task/reading.h \
	src/task/result.c src/task/result.h \
	src/task/result_json.c \
	src/task/task.c src/task/task.h
