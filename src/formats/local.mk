# Readers of outside files.
EXTRA_DIST += src/formats/NOTES.md
libcore_a_SOURCES += \
	src/formats/base64.c src/formats/base64.h \
	src/formats/boxcheck.c src/formats/boxcheck.h \
	src/formats/boxfile.c src/formats/boxfile.h \
	src/formats/byteorder.h \
	src/formats/bytes.c src/formats/bytes.h \
	src/formats/decode.c \
	src/formats/decode_bmp.c \
	src/formats/decode_gif.c \
	src/formats/decode_jpeg.c \
	src/formats/decode_png.c \
	src/formats/decode_pnm.c \
	src/formats/decode_stb.c \
	src/formats/decode_webp.c \
	src/formats/filekind.c src/formats/filekind.h \
	src/formats/filesystem.c src/formats/filesystem.h \
	src/formats/guard.c src/formats/guard.h \
	src/formats/gunzip.c src/formats/gunzip.h \
	src/formats/hdf5load.c src/formats/hdf5read.h \
	src/formats/hdf5side.c src/formats/hdf5side.h \
	src/formats/imagekey.c src/formats/imagekey.h \
	src/formats/image.c src/formats/image.h src/formats/image_priv.h \
	src/formats/jsonscan.c src/formats/jsonscan.h \
	src/formats/labels.c src/formats/labels.h \
	src/formats/lmdb.c src/formats/lmdb.h \
	src/formats/lmdbwrite.c src/formats/lmdbwrite.h \
	src/formats/ndarray.c src/formats/ndarray.h \
	src/formats/modulefile.c src/formats/modulefile.h \
	src/formats/narrow.c src/formats/narrow.h \
	src/formats/npy.c src/formats/npy.h \
	src/formats/npz.c \
	src/formats/outfile.c src/formats/outfile.h \
	src/formats/pickle.c src/formats/pickle.h src/formats/pickle_priv.h \
	src/formats/picklestack.c \
	src/formats/pickletext.c src/formats/pickletext.h \
	src/formats/pixels.c \
	src/formats/pngwrite.c src/formats/pngwrite.h \
	src/formats/regionfile.c \
	src/formats/regionjson.c \
	src/formats/regionhdf5.c src/formats/regionhdf5.h \
	src/formats/regionlmdb.c src/formats/regionlmdb.h \
	src/formats/regionstore.c src/formats/regionstore.h \
	src/formats/regionout.c src/formats/regionout.h \
	src/formats/regionparts.c src/formats/regionparts.h \
	src/formats/regionpickle.c \
	src/formats/regionwrite.c \
	src/formats/regionset.c \
	src/formats/regions.c src/formats/regions.h src/formats/regions_priv.h \
	src/formats/safetensors.c \
	src/formats/sandbox.c src/formats/sandbox.h \
	src/formats/savedparts.c src/formats/savedparts.h \
	src/formats/setname.c src/formats/setname.h \
	src/formats/sha256.c \
	src/formats/sharded.c \
	src/formats/shape.c \
	src/formats/tensor.c \
	src/formats/tensorfile.c src/formats/tensorfile.h src/formats/tensorfile_priv.h \
	src/formats/tensorlist.c \
	src/formats/tensornames.c \
	src/formats/tempfile.c src/formats/tempfile.h \
	src/formats/torch.c \
	src/formats/torchlegacy.c \
	src/formats/torchema.c src/formats/torchsets.c src/formats/torchsets.h \
	src/formats/torchzip.c \
	src/formats/tsv.c \
	src/formats/weightmix.c src/formats/weightmix.h \
	src/formats/zip.c src/formats/zip.h

# What uses libhdf5 is a module, opened when an HDF5 file is.
HDF5_MODULE_FILES = src/formats/hdf5map.c src/formats/hdf5read.c
HDF5_MODULE_INCLUDES = src/formats/hdf5map.h src/formats/hdf5read.h src/formats/bytes.h \
	src/base/err.h
EXTRA_DIST += $(HDF5_MODULE_FILES) src/formats/hdf5map.h
CLEANFILES += vilscope-hdf5.so
if HDF5
hdf5moduledir = $(pkglibdir)
hdf5module_DATA = vilscope-hdf5.so
AM_V_HDF5 = $(am__v_HDF5_@AM_V@)
am__v_HDF5_ = $(am__v_HDF5_@AM_DEFAULT_V@)
am__v_HDF5_0 = @echo "  CCLD    " $@;
vilscope-hdf5.so: $(HDF5_MODULE_FILES) $(HDF5_MODULE_INCLUDES)
	$(AM_V_HDF5)$(CC) $(AM_CPPFLAGS) $(HDF5_CFLAGS) $(CPPFLAGS) $(AM_CFLAGS) $(CFLAGS) -fPIC -shared \
	  -fvisibility=default $(AM_LDFLAGS) $(LDFLAGS) -o $@.tmp $(srcdir)/src/formats/hdf5map.c \
	  $(srcdir)/src/formats/hdf5read.c $(HDF5_LIBS)
	@mv $@.tmp $@
endif
