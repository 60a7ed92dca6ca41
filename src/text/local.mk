# From the user's text to tokens, and from logits to ranks.
libcore_a_SOURCES += \
	src/text/answers.c src/text/answers.h \
	src/text/score.c src/text/score.h \
	src/text/task.c src/text/task.h \
	src/text/tokenizer.c src/text/tokenizer.h
