# From the user's text to tokens.
libcore_a_SOURCES += \
	src/text/task.h \
	src/text/tokenizer.h
