# Configuration, weights and the forward pass.
libcore_a_SOURCES += \
	src/model/config.c src/model/config.h \
	src/model/early.c \
	src/model/heads.c \
	src/model/kept.c src/model/kept.h \
	src/model/mix.c \
	src/model/pass.c src/model/pass.h \
	src/model/trace.c src/model/trace.h \
	src/model/vilbert.c src/model/vilbert.h \
	src/model/weights.c src/model/weights.h
