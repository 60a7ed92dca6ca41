# Tests of the program as a user runs it.
TAP_SH += tests/cli/commands.sh tests/cli/compare.sh tests/cli/cuda.sh tests/cli/demo.sh tests/cli/detect.sh tests/cli/diverged.sh tests/cli/doctor.sh tests/cli/documents.sh tests/cli/eval.sh tests/cli/explain.sh tests/cli/figure.sh tests/cli/hostile.sh tests/cli/inputs.sh tests/cli/kill.sh tests/cli/model.sh tests/cli/notebook.sh tests/cli/packaging.sh tests/cli/peers.sh tests/cli/pictures.sh tests/cli/query.sh tests/cli/relevance.sh tests/cli/reference.sh tests/cli/schemas.sh tests/cli/script.sh tests/cli/sessions.sh tests/cli/structure.sh
TAP_SH += tests/cli/annotations.sh tests/cli/bench.sh tests/cli/bootstrap.sh tests/cli/broken.sh tests/cli/changed.sh tests/cli/convert.sh tests/cli/families.sh tests/cli/fits.sh tests/cli/joint.sh tests/cli/precision.sh tests/cli/spellings.sh tests/cli/trusted.sh tests/cli/pillow.py
TAP_SH += tests/cli/failing.sh tests/cli/golden.sh tests/cli/golden-script.sh tests/cli/golden-studies.sh tests/cli/heads.sh tests/cli/interventions.sh tests/cli/patch.sh tests/cli/planted.sh tests/cli/project.sh tests/cli/refused.sh tests/cli/rows.sh tests/cli/serve.sh tests/cli/shards.sh tests/cli/shared.sh
EXTRA_DIST += tests/cli/figure.py tests/cli/figure_texts.py tests/cli/notebook.py tests/cli/change-at-fork.c tests/cli/golden tests/cli/golden-lib.sh tests/cli/lib.sh
check_PROGRAMS += pty
pty_SOURCES = tests/cli/pty.c
pty_LDADD = -lutil
TAP_LONGER += tests/cli/kill.sh
TAP_FULL += tests/cli/full.sh
check_PROGRAMS += dump-pixels without-seccomp
without_seccomp_SOURCES = tests/cli/without-seccomp.c
dump_pixels_SOURCES = tests/cli/dump-pixels.c
dump_pixels_CPPFLAGS = $(TEST_CPPFLAGS)
dump_pixels_LDADD = $(CORE_LIBS)
# The program on GPUs that are not there: a library in place of the driver and of the CUDA module.
TAP_SH += tests/cli/gpus.sh
check_PROGRAMS += fake-driver.so
EXTRA_DIST += tests/cli/fakert/cublasLt.h \
	tests/cli/fakert/cuda_runtime.h tests/cli/fakert/runtime.cpp
fake_driver_so_SOURCES = tests/cli/fake-driver.c $(FAKE_SOURCES)
fake_driver_so_CPPFLAGS = $(TEST_CPPFLAGS) -I$(srcdir)/tests/unit
fake_driver_so_CFLAGS = $(AM_CFLAGS) -fvisibility=default
# Behind the user's own flags, which may ask for code of programs (-fPIE).
$(fake_driver_so_OBJECTS): override CFLAGS += -fPIC
fake_driver_so_LDFLAGS = $(AM_LDFLAGS) -shared
fake_driver_so_LDADD = -lm -lpthread
# The table of the CUDA module, call by call.
check_PROGRAMS += module-calls
module_calls_SOURCES = tests/cli/module-calls.c
module_calls_CPPFLAGS = $(TEST_CPPFLAGS) -I$(srcdir)/tests/unit
module_calls_LDADD = -ldl -lpthread
# Read by structure.sh.
EXTRA_DIST += tests/cli/arrows.awk tests/cli/cycles.awk
