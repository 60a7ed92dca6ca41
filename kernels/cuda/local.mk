# The CUDA module, loaded at run time: the program itself needs no CUDA library.
CUDA_MODULE_FILE = kernels/cuda/module.cu
CUDA_MODULE_INCLUDES = kernels/cuda/api.h kernels/cuda/args.h kernels/cuda/kernels.h \
	kernels/cuda/kernels_back.h kernels/cuda/kernels_vision.h kernels/cuda/simt.h
EXTRA_DIST += $(CUDA_MODULE_FILE) $(CUDA_MODULE_INCLUDES)
CLEANFILES += vilscope-cuda.so vilscope-cuda.log
if CUDA
cudamoduledir = $(pkglibdir)
cudamodule_DATA = vilscope-cuda.so
AM_V_NVCC = $(am__v_NVCC_@AM_V@)
am__v_NVCC_ = $(am__v_NVCC_@AM_DEFAULT_V@)
am__v_NVCC_0 = @echo "  NVCC    " $@;
# What ptxas says of each kernel (registers, spills) is kept for the test of the compiled code.
vilscope-cuda.so: $(CUDA_MODULE_FILE) $(CUDA_MODULE_INCLUDES)
	$(AM_V_NVCC)$(NVCC) $(CUDA_FLAGS) $(NVCCFLAGS) -I$(srcdir) -o $@.tmp \
	  $(srcdir)/$(CUDA_MODULE_FILE) $(CUDA_LIBS) >vilscope-cuda.log 2>&1 \
	  || { cat vilscope-cuda.log >&2; exit 1; }
	@mv $@.tmp $@
endif
