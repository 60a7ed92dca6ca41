# Arithmetic. The files of one instruction set each are a library with its own compiler flags.
noinst_LIBRARIES += libkern.a
libkern_a_SOURCES = \
	kernels/kern.h \
	kernels/kern_ref.c
KERN_LIBS = libkern.a
