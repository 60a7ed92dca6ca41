# Readers of outside files.
libcore_a_SOURCES += \
	src/formats/bytes.c src/formats/bytes.h \
	src/formats/image.h \
	src/formats/pickle.h \
	src/formats/regions.h \
	src/formats/sha256.c \
	src/formats/tensorfile.h
