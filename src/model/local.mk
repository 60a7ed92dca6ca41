# Families of models: configuration, weights and the forward pass.
EXTRA_DIST += src/model/NOTES.md
libcore_a_SOURCES += \
	src/model/family.c src/model/family.h \
	src/model/prefixcache.c src/model/prefixcache.h \
	src/model/parts.c \
	src/model/trace.c src/model/trace.h \
	src/model/singlestream/back.c \
	src/model/singlestream/config.c src/model/singlestream/config.h \
	src/model/singlestream/family.c \
	src/model/singlestream/heads.c \
	src/model/singlestream/mix.c \
	src/model/singlestream/pass.c src/model/singlestream/pass.h \
	src/model/singlestream/singlestream.h \
	src/model/singlestream/weights.c \
	src/model/transformer/back.c src/model/transformer/back.h \
	src/model/transformer/back_layer.c \
	src/model/transformer/back_target.c \
	src/model/transformer/bertsizes.c src/model/transformer/bertsizes.h \
	src/model/transformer/bound.c src/model/transformer/bound.h \
	src/model/transformer/configfile.c src/model/transformer/configfile.h \
	src/model/transformer/core.c src/model/transformer/core.h \
	src/model/transformer/heads.c src/model/transformer/heads.h \
	src/model/transformer/layer.c src/model/transformer/layer.h \
	src/model/transformer/narrowed.c src/model/transformer/narrowed.h \
	src/model/transformer/packer.c src/model/transformer/packer.h \
	src/model/transformer/packing.c src/model/transformer/packing.h \
	src/model/transformer/forward.c src/model/transformer/forward.h \
	src/model/transformer/patch.c src/model/transformer/patch.h \
	src/model/transformer/tape.c src/model/transformer/tape.h \
	src/model/vilbert/back.c src/model/vilbert/back.h \
	src/model/vilbert/back_heads.c \
	src/model/vilbert/back_layers.c \
	src/model/vilbert/config.c src/model/vilbert/config.h \
	src/model/vilbert/prefix.c \
	src/model/vilbert/encoder.c \
	src/model/vilbert/family.c \
	src/model/vilbert/heads.c \
	src/model/vilbert/layers.c src/model/vilbert/layers.h \
	src/model/vilbert/mix.c \
	src/model/vilbert/pass.c src/model/vilbert/pass.h \
	src/model/vilbert/tape.c src/model/vilbert/tape.h \
	src/model/vilbert/vilbert.c src/model/vilbert/vilbert.h \
	src/model/vilbert/weights.c src/model/vilbert/weights.h
