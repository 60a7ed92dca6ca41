# From a picture to regions.
EXTRA_DIST += src/vision/NOTES.md
libcore_a_SOURCES += \
	src/vision/arch.c src/vision/arch.h \
	src/vision/archyaml.c src/vision/archyaml.h \
	src/vision/backbone.c \
	src/vision/boxes.c \
	src/vision/detector.c src/vision/detector.h \
	src/vision/dump.c src/vision/dump.h \
	src/vision/features.c \
	src/vision/layers.c src/vision/layers.h \
	src/vision/maps.c \
	src/vision/picture.c \
	src/vision/priv.h \
	src/vision/proposals.c \
	src/vision/run.h \
	src/vision/select.c
