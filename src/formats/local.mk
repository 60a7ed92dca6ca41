# Readers of outside files.
libcore_a_SOURCES += \
	src/formats/bytes.c src/formats/bytes.h \
	src/formats/image.h \
	src/formats/labels.c src/formats/labels.h \
	src/formats/outfile.c src/formats/outfile.h \
	src/formats/pickle.c src/formats/pickle.h \
	src/formats/regions.h \
	src/formats/safetensors.c \
	src/formats/sha256.c \
	src/formats/tensor.c \
	src/formats/tensorfile.c src/formats/tensorfile.h src/formats/tensorfile_priv.h \
	src/formats/torch.c \
	src/formats/torchlegacy.c \
	src/formats/torchzip.c
