# Opened models, photos, queries, the worker thread.
EXTRA_DIST += src/engine/NOTES.md
libcore_a_SOURCES += \
	src/engine/demo.c src/engine/demo.h \
	src/engine/digestcache.c src/engine/digestcache.h \
	src/engine/domain.c src/engine/domain.h \
	src/engine/engine.c src/engine/engine.h \
	src/engine/engine_batch.c \
	src/engine/engine_changes.c \
	src/engine/engine_detect.c \
	src/engine/engine_inputs.c \
	src/engine/engine_masked.c \
	src/engine/engine_model.c \
	src/engine/engine_photo.c \
	src/engine/engine_priv.h \
	src/engine/engine_query.c \
	src/engine/engine_reading.c \
	src/engine/engine_remote.c \
	src/engine/modeldir.c src/engine/modeldir.h \
	src/engine/modeldir_write.c \
	src/engine/regioncache.c src/engine/regioncache.h
