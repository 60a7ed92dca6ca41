# Checks and timings that need a GPU: both exit 77 with the reason where there is none. They are
# compiled with every "make check", so that they do not rot.
check_PROGRAMS += test-gpu bench-gpu
test_gpu_SOURCES = tests/cuda/test-gpu.c
test_gpu_CPPFLAGS = $(TEST_CPPFLAGS) -I$(srcdir)/tests/unit
test_gpu_LDADD = $(CORE_LIBS)
bench_gpu_SOURCES = tests/cuda/bench-gpu.c tests/bench/median.h tests/bench/subject.h
bench_gpu_CPPFLAGS = $(TEST_CPPFLAGS)
bench_gpu_LDADD = $(CORE_LIBS)
EXTRA_DIST += tests/cuda/run tests/cuda/build tests/cuda/table.awk tests/cuda/json.c tests/cuda/jansson.h tests/cuda/bare.c \
	tests/cuda/bare/utf8proc.h tests/cuda/bare/zlib.h tests/cuda/make_model.py \
	tests/cuda/peer_torch_cuda.py
CUDA_TEST_ENV = $(TEST_ENV) VILSCOPE_CUDA_MODULE=$(abs_builddir)/vilscope-cuda.so
if CUDA
CUDA_MODULE_BUILT = vilscope-cuda.so
endif
check-cuda: test-gpu $(CUDA_MODULE_BUILT)
	@$(CUDA_TEST_ENV) ./test-gpu
bench-cuda: bench-gpu $(CUDA_MODULE_BUILT)
	@$(CUDA_TEST_ENV) ./bench-gpu ops && \
	 $(CUDA_TEST_ENV) ./bench-gpu model $(BENCH_CONFIG) $(BENCH_CHECKPOINT) && \
	 $(CUDA_TEST_ENV) ./bench-gpu detector $(srcdir)/tests/data/tiny/detector.json \
	   $(srcdir)/tests/data/tiny/detector.pth
.PHONY: check-cuda bench-cuda
