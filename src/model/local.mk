# Configuration, weights and the forward pass.
libcore_a_SOURCES += \
	src/model/config.h \
	src/model/vilbert.h
