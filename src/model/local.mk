# Configuration, weights and the forward pass.
libcore_a_SOURCES += \
	src/model/config.c src/model/config.h \
	src/model/vilbert.h
