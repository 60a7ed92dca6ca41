# Fuzz targets, one for each kind of outside bytes. "make check" runs them over the test files;
# configured with --enable-fuzzing CC=clang, "make fuzz" builds libFuzzer programs (HACKING.md).
EXTRA_DIST += tests/fuzz/fuzz.h tests/fuzz/fuzz-main.c
FUZZ_TARGETS = fuzz-arch fuzz-boxes fuzz-checkpoint fuzz-config fuzz-data fuzz-image \
	fuzz-labels fuzz-lines fuzz-probes fuzz-regions fuzz-terminal fuzz-vocab
EXTRA_PROGRAMS += $(FUZZ_TARGETS)
CLEANFILES += $(FUZZ_TARGETS)
fuzz: $(FUZZ_TARGETS)
.PHONY: fuzz
if FUZZING
FUZZ_MAIN =
FUZZING_FLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
else
FUZZ_MAIN = tests/fuzz/fuzz-main.c
FUZZING_FLAGS = $(AM_LDFLAGS)
check_PROGRAMS += $(FUZZ_TARGETS)
TAP_SH += tests/fuzz/seeds.sh
endif

fuzz_arch_SOURCES = tests/fuzz/fuzz-arch.c $(FUZZ_MAIN)
fuzz_arch_CPPFLAGS = $(TEST_CPPFLAGS)
fuzz_arch_LDFLAGS = $(FUZZING_FLAGS)
fuzz_arch_LDADD = $(CORE_LIBS)
fuzz_boxes_SOURCES = tests/fuzz/fuzz-boxes.c $(FUZZ_MAIN)
fuzz_boxes_CPPFLAGS = $(TEST_CPPFLAGS)
fuzz_boxes_LDFLAGS = $(FUZZING_FLAGS)
fuzz_boxes_LDADD = $(CORE_LIBS)
fuzz_checkpoint_SOURCES = tests/fuzz/fuzz-checkpoint.c $(FUZZ_MAIN)
fuzz_checkpoint_CPPFLAGS = $(TEST_CPPFLAGS)
fuzz_checkpoint_LDFLAGS = $(FUZZING_FLAGS)
fuzz_checkpoint_LDADD = $(CORE_LIBS)
fuzz_config_SOURCES = tests/fuzz/fuzz-config.c $(FUZZ_MAIN)
fuzz_config_CPPFLAGS = $(TEST_CPPFLAGS)
fuzz_config_LDFLAGS = $(FUZZING_FLAGS)
fuzz_config_LDADD = $(CORE_LIBS)
fuzz_data_SOURCES = tests/fuzz/fuzz-data.c $(FUZZ_MAIN)
fuzz_data_CPPFLAGS = $(TEST_CPPFLAGS)
fuzz_data_LDFLAGS = $(FUZZING_FLAGS)
fuzz_data_LDADD = $(CORE_LIBS)
fuzz_image_SOURCES = tests/fuzz/fuzz-image.c $(FUZZ_MAIN)
fuzz_image_CPPFLAGS = $(TEST_CPPFLAGS)
fuzz_image_LDFLAGS = $(FUZZING_FLAGS)
fuzz_image_LDADD = $(CORE_LIBS)
fuzz_labels_SOURCES = tests/fuzz/fuzz-labels.c $(FUZZ_MAIN)
fuzz_labels_CPPFLAGS = $(TEST_CPPFLAGS)
fuzz_labels_LDFLAGS = $(FUZZING_FLAGS)
fuzz_labels_LDADD = $(CORE_LIBS)
fuzz_lines_SOURCES = tests/fuzz/fuzz-lines.c $(FUZZ_MAIN)
fuzz_lines_CPPFLAGS = $(TEST_CPPFLAGS)
fuzz_lines_LDFLAGS = $(FUZZING_FLAGS)
fuzz_lines_LDADD = libui.a $(CORE_LIBS) $(NCURSES_LIBS)
fuzz_probes_SOURCES = tests/fuzz/fuzz-probes.c $(FUZZ_MAIN)
fuzz_probes_CPPFLAGS = $(TEST_CPPFLAGS)
fuzz_probes_LDFLAGS = $(FUZZING_FLAGS)
fuzz_probes_LDADD = $(CORE_LIBS)
fuzz_regions_SOURCES = tests/fuzz/fuzz-regions.c $(FUZZ_MAIN)
fuzz_regions_CPPFLAGS = $(TEST_CPPFLAGS)
fuzz_regions_LDFLAGS = $(FUZZING_FLAGS)
fuzz_regions_LDADD = $(CORE_LIBS)
fuzz_terminal_SOURCES = tests/fuzz/fuzz-terminal.c $(FUZZ_MAIN)
fuzz_terminal_CPPFLAGS = $(TEST_CPPFLAGS)
fuzz_terminal_LDFLAGS = $(FUZZING_FLAGS)
fuzz_terminal_LDADD = libui.a $(CORE_LIBS) $(NCURSES_LIBS)
fuzz_vocab_SOURCES = tests/fuzz/fuzz-vocab.c $(FUZZ_MAIN)
fuzz_vocab_CPPFLAGS = $(TEST_CPPFLAGS)
fuzz_vocab_LDFLAGS = $(FUZZING_FLAGS)
fuzz_vocab_LDADD = $(CORE_LIBS)
