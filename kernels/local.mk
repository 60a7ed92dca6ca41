# Arithmetic. kern_cpu.c is compiled once per instruction set, each time as a library of its own.
noinst_LIBRARIES += libkern.a
libkern_a_SOURCES = \
	kernels/cpus.c \
	kernels/kern.c kernels/kern.h kernels/kern_priv.h \
	kernels/kern_back.c kernels/kern_back.h \
	kernels/kern_conv.c kernels/kern_conv.h \
	kernels/kern_cpu.c kernels/kern_dot.h kernels/kern_math.h kernels/kern_panel.h \
	kernels/kern_int8.c kernels/kern_int8.h kernels/kern_int8_tile.h \
	kernels/kern_linear.c kernels/kern_linear.h \
	kernels/kern_linear_back.c \
	kernels/kern_narrow.c kernels/kern_narrow.h \
	kernels/kern_pv.h \
	kernels/kern_pack.c kernels/kern_pack.h \
	kernels/kern_packed.c \
	kernels/kern_precision.c \
	kernels/kern_scratch.c \
	kernels/kern_share.h \
	kernels/kern_ref.c \
	kernels/kern_ref_back.c \
	kernels/kern_ref_conv.c \
	kernels/kern_ref_small.c \
	kernels/kern_memory.c \
	kernels/kern_small.c \
	kernels/kern_nms.c \
	kernels/cuda/api.h kernels/cuda/args.h \
	kernels/cuda/areas.c kernels/cuda/areas.h \
	kernels/cuda/choose.c \
	kernels/cuda/gpu.c kernels/cuda/gpu.h kernels/cuda/gpu_priv.h \
	kernels/cuda/load.c \
	kernels/cuda/ops.c \
	kernels/cuda/order.c kernels/cuda/order.h \
	kernels/cuda/ops_back.c \
	kernels/cuda/ops_vision.c \
	kernels/cuda/note.c \
	kernels/cuda/nvml.c \
	kernels/cuda/program.c \
	kernels/cuda/store.c \
	kernels/kern_wino.c \
	kernels/overlap.h \
	kernels/pool.c kernels/pool.h
libkern_a_CPPFLAGS = $(AM_CPPFLAGS) $(QUADS_CPPFLAGS) -DVS_LIBDIR='"$(pkglibdir)"'
kernels/cuda/libkern_a-load.$(OBJEXT): Makefile # where it is installed is in it
libkern_a_CFLAGS = $(AM_CFLAGS) $(KERN_CFLAGS)
# Nothing that lets the compiler choose how numbers are rounded (kern_math.h): the same from all.
KERN_CFLAGS = -O3 -fno-math-errno -fno-trapping-math
# Of the back ends beside the portable one, which is the same source: -fno-sanitize=all makes a build
# with sanitizers several times as fast, and leaves the source looked at.
WIDE_CFLAGS =
KERN_LIBS = libkern.a
# Products of 8 bits, for processors that have instructions for them: kern_int8.c once more.
if QUADS
QUADS_CPPFLAGS = -DKERN_HAVE_QUADS
endif
EXTRA_DIST += kernels/NOTES.md

if X86
noinst_LIBRARIES += libkernavx2.a libkernavx512.a
libkernavx2_a_SOURCES = kernels/kern_back.c kernels/kern_conv.c kernels/kern_cpu.c \
	kernels/kern_int8.c kernels/kern_linear.c kernels/kern_linear_back.c kernels/kern_wino.c
libkernavx2_a_CPPFLAGS = $(AM_CPPFLAGS) $(QUADS_CPPFLAGS) -DKERN_LANES=8 -DKERN_TABLE=kern_ops_avx2
libkernavx2_a_CFLAGS = $(AM_CFLAGS) $(KERN_CFLAGS) $(WIDE_CFLAGS) -mavx2 -mfma
libkernavx512_a_SOURCES = kernels/kern_back.c kernels/kern_conv.c kernels/kern_cpu.c \
	kernels/kern_int8.c kernels/kern_linear.c kernels/kern_linear_back.c kernels/kern_wino.c
libkernavx512_a_CPPFLAGS = $(AM_CPPFLAGS) $(QUADS_CPPFLAGS) -DKERN_LANES=16 -DKERN_TABLE=kern_ops_avx512
libkernavx512_a_CFLAGS = $(AM_CFLAGS) $(KERN_CFLAGS) $(WIDE_CFLAGS) -mavx512f -mavx512bw \
	-mavx512dq -mavx512vl -mfma -mprefer-vector-width=512
KERN_LIBS += libkernavx2.a libkernavx512.a
if QUADS
noinst_LIBRARIES += libkernavx2quads.a libkernavx512quads.a
libkernavx2quads_a_SOURCES = kernels/kern_int8.c
libkernavx2quads_a_CPPFLAGS = $(libkernavx2_a_CPPFLAGS) -DKERN_QUADS
libkernavx2quads_a_CFLAGS = $(libkernavx2_a_CFLAGS) -mavxvnni
libkernavx512quads_a_SOURCES = kernels/kern_int8.c
libkernavx512quads_a_CPPFLAGS = $(libkernavx512_a_CPPFLAGS) -DKERN_QUADS
libkernavx512quads_a_CFLAGS = $(libkernavx512_a_CFLAGS) -mavx512vnni
KERN_LIBS += libkernavx2quads.a libkernavx512quads.a
endif
endif
if AARCH64
noinst_LIBRARIES += libkernneon.a
libkernneon_a_SOURCES = kernels/kern_back.c kernels/kern_conv.c kernels/kern_cpu.c \
	kernels/kern_int8.c kernels/kern_linear.c kernels/kern_linear_back.c kernels/kern_wino.c
libkernneon_a_CPPFLAGS = $(AM_CPPFLAGS) $(QUADS_CPPFLAGS) -DKERN_NEON -DKERN_TABLE=kern_ops_neon
libkernneon_a_CFLAGS = $(AM_CFLAGS) $(KERN_CFLAGS) $(WIDE_CFLAGS)
KERN_LIBS += libkernneon.a
if QUADS
noinst_LIBRARIES += libkernneonquads.a
libkernneonquads_a_SOURCES = kernels/kern_int8.c
libkernneonquads_a_CPPFLAGS = $(libkernneon_a_CPPFLAGS) -DKERN_QUADS
libkernneonquads_a_CFLAGS = $(libkernneon_a_CFLAGS) -march=armv8.2-a+dotprod
KERN_LIBS += libkernneonquads.a
endif
endif
KERN_LIBS += $(DL_LIBS) -lpthread -lm
