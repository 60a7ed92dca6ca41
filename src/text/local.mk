# From the user's text to tokens, and from logits to ranks.
libcore_a_SOURCES += \
	src/text/score.c src/text/score.h \
	src/text/tokenizer.c src/text/tokenizer.h
