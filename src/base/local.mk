# Errors, memory, text for people: nothing of ours below it.
libcore_a_SOURCES += \
	src/base/cachedir.c src/base/cachedir.h \
	src/base/err.c src/base/err.h \
	src/base/hash.h \
	src/base/link.c src/base/link.h \
	src/base/mem.c src/base/mem.h \
	src/base/plain.c src/base/plain.h src/base/quiet.h \
	src/base/progress.c src/base/progress.h \
	src/base/shard.c src/base/shard.h \
	src/base/spool.c src/base/spool.h \
	src/base/stream.c src/base/stream.h \
	src/base/strmap.c src/base/strmap.h
