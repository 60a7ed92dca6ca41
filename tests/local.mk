# Tests print TAP; tests/run-tests runs them and prints one total line.
TEST_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/tests $(JANSSON_CFLAGS)
EXTRA_DIST += tests/cluster/run tests/cluster/throwaway tests/leaks.txt tests/ports/answers.sh tests/ports/cross tests/ports/packages tests/ports/root.sh tests/ports/run tests/run-tests tests/tap.h tests/mutants tests/mutation/accepted.txt \
	tests/mutation/build.py tests/mutation/cover.py tests/mutation/faults.py \
	tests/mutation/results.py tests/mutation/trial.py \
	tests/data/checkpoints/make.py tests/data/checkpoints/training.pt \
	tests/data/checkpoints/blank_name.bin tests/data/checkpoints/training_old.bin \
	tests/data/detector/small.yaml tests/data/detector/x152.yaml \
	tests/data/frozen \
	tests/data/serve \
	tests/data/logs/version-1.db tests/data/logs/version-2.db \
	tests/data/logs/version-3.db tests/data/logs/version-4.db \
	tests/data/logs/version-5.db \
	tests/data/logs/version-6.db tests/data/logs/version-7.db \
	tests/data/logs/version-8.db tests/data/logs/version-9.db \
	tests/data/rows/rows.jsonl \
	tests/data/pictures/16bit.png \
	tests/data/pictures/1x1.png \
	tests/data/pictures/1x4000.png \
	tests/data/pictures/20000x20000.png \
	tests/data/pictures/alpha.png \
	tests/data/pictures/animation.webp \
	tests/data/pictures/411.jpg \
	tests/data/pictures/420-progressive.jpg \
	tests/data/pictures/420.jpg \
	tests/data/pictures/422.jpg \
	tests/data/pictures/440.jpg \
	tests/data/pictures/444.jpg \
	tests/data/pictures/gray.jpg \
	tests/data/pictures/lossless.webp \
	tests/data/pictures/lossy.webp \
	tests/data/pictures/palette.gif \
	tests/data/pictures/pixels.sha256 \
	tests/data/pictures/placed.webp \
	tests/data/pictures/restart.jpg \
	tests/data/pictures/rgb.bmp \
	tests/data/pictures/rle4.bmp \
	tests/data/pictures/rle8.bmp \
	tests/data/pictures/rgb.ppm \
	tests/data/pictures/cmyk.jpg \
	tests/data/pictures/gray.png \
	tests/data/pictures/palette.png \
	tests/data/pictures/scene.jpg \
	tests/data/pictures/truncated.jpg \
	tests/data/pictures/turned.jpg \
	tests/data/probes/set.probes \
	tests/data/regions/bua.npz tests/data/regions/bua_wh_swapped.tsv \
	tests/data/regions/42.h5 tests/data/regions/adaptive.h5 \
	tests/data/regions/gqa_objects_3.h5 tests/data/regions/gqa_objects_info.json \
	tests/data/regions/keyed.json tests/data/regions/lines.jsonl.gz \
	tests/data/regions/groups.h5 tests/data/regions/val36.h5 \
	tests/data/regions/base64.pkl tests/data/regions/blank_end.jsonl tests/data/regions/no_images.h5 \
	tests/data/regions/too_many_images.h5 tests/data/regions/unwritten.h5 tests/data/regions/virtual.h5 \
	tests/data/regions/protocol_1.pt \
	tests/data/regions/strange.npy tests/data/regions/val36_imgid2idx.pkl tests/peers/region_files.py \
	tests/data/regions/inverted.npy tests/data/regions/normalised.npy \
	tests/data/regions/lxmert_obj36.tsv \
	tests/data/regions/mmf.npy tests/data/regions/mmf_info.npy \
	tests/data/regions/one.pkl tests/data/regions/two.pkl \
	tests/data/regions/outside.npy tests/data/regions/padded.npz \
	tests/data/regions/vilbert_beta.lmdb/data.mdb \
	tests/data/wrappings/make.py tests/data/wrappings/alias.pt tests/data/wrappings/beside.ckpt tests/data/wrappings/ema.pt \
	tests/data/wrappings/mmf.pth tests/data/wrappings/nested.pt tests/data/wrappings/odd.pt \
	tests/data/wrappings/empty_name.pt tests/data/wrappings/shadow.pt tests/data/wrappings/shadow_alone.pt \
	tests/data/wrappings/shadow_short.pt tests/data/wrappings/shadow_turned.pt \
	tests/data/wrappings/deepspeed/latest \
	tests/data/wrappings/deepspeed/global_step3/mp_rank_00_model_states.pt \
	tests/data/wrappings/deepspeed/global_step3/zero_pp_rank_0_mp_rank_00_optim_states.pt \
	tests/data/wrappings/float8.pt tests/data/wrappings/lightning_average.ckpt \
	tests/data/wrappings/sharded.pt tests/data/wrappings/within.pt \
	tests/data/wrappings/odd_old.pt tests/data/wrappings/trainer.tar \
	tests/data/wrappings/trainer_old.tar tests/data/wrappings/two.pt \
	tests/data/wrappings/average_object.pt tests/data/wrappings/callback.ckpt tests/data/wrappings/named_optimizer.pt \
	tests/data/wrappings/named_shadow.pt \
	tests/data/wrappings/protocol_1.pt tests/data/wrappings/quantized.pt tests/data/wrappings/script.pt \
	tests/data/wrappings/whole.pt tests/peers/wrappings.py tests/peers/zero_shot.py \
	tests/data/sets/all_data_final_test_2014.jsonline \
	tests/data/sets/empty.jsonl \
	tests/data/sets/gqa.json tests/data/sets/gqa_challenge.json \
	tests/data/sets/guesswhat.valid.jsonl.gz \
	tests/data/sets/instances.json \
	tests/data/sets/nlvr2.jsonl tests/data/sets/nlvr2_hidden.json \
	tests/data/sets/refs_unc.p tests/data/sets/refs_unc_p1.p \
	tests/data/sets/snli_ve.jsonl tests/data/sets/v2_test_questions.json \
	tests/data/sets/vqa_annotations.json \
	tests/data/sets/vqa_questions.json \
	tests/data/baseline/baseline.bin tests/data/baseline/config.json \
	tests/data/baseline/gradients.json tests/data/baseline/gradients.py \
	tests/data/baseline/gradients.safetensors tests/data/baseline/inputs.safetensors \
	tests/data/baseline/mirror.npy tests/data/baseline/other.bin \
	tests/data/baseline/pretrained.bin tests/data/baseline/scene.npy \
	tests/data/baseline/states.safetensors tests/data/baseline/tasks.bin \
	tests/data/tiny/checkpoint.bin \
	tests/data/tiny/classes.txt \
	tests/data/tiny/config.json \
	tests/data/tiny/detector.json \
	tests/data/tiny/detector.pth \
	tests/data/tiny/expected.safetensors \
	tests/data/tiny/gqa.txt \
	tests/data/tiny/mirror.npy \
	tests/data/tiny/mirror.png \
	tests/data/tiny/model.json \
	tests/data/tiny/scene.npy \
	tests/data/tiny/scene.png \
	tests/data/tiny/vocab.txt \
	tests/data/visitor/questions.jsonl

include tests/unit/local.mk
include tests/screen/local.mk
include tests/cli/local.mk
include tests/failing/local.mk
include tests/fuzz/local.mk
include tests/cuda/local.mk

check_PROGRAMS += $(TAP_TESTS)
EXTRA_DIST += $(TAP_SH) $(TAP_FULL)

TEST_ENV = VILSCOPE=$(abs_builddir)/vilscope SRCDIR=$(abs_srcdir) BUILDDIR=$(abs_builddir) \
	LSAN_OPTIONS=suppressions=$(abs_srcdir)/tests/leaks.txt:print_suppressions=0

check-local: $(bin_PROGRAMS) $(check_PROGRAMS)
	@$(TEST_ENV) sh $(srcdir)/tests/run-tests $(TAP_TESTS) $(TAP_SH)
check-full: $(bin_PROGRAMS) $(check_PROGRAMS)
	@$(TEST_ENV) VILSCOPE_FULL=1 sh $(srcdir)/tests/run-tests $(TAP_TESTS) $(TAP_SH) $(TAP_FULL)
	@$(MAKE) -s check-keys
# The long ones alone, after a "make check".
check-full-only: $(bin_PROGRAMS) $(check_PROGRAMS)
	@$(TEST_ENV) VILSCOPE_FULL=1 sh $(srcdir)/tests/run-tests $(TAP_FULL) $(TAP_LONGER)
# On a real Slurm of three nodes; 77 and the reason where there can be none.
check-cluster: $(bin_PROGRAMS)
	@$(srcdir)/tests/cluster/run $(abs_builddir)/vilscope
.PHONY: check-cluster
# For tests/mutants.
test-programs: $(check_PROGRAMS)
list-tests:
	@echo $(TAP_TESTS) $(TAP_SH)
# Timings are no tests: "make bench" builds the programs that take them and makes a table of all
# (tests/bench/run --help), of a small model. Of a full-size one: BENCH_OPTIONS="--config ...
# --checkpoint ... --vocab ...".
# Those that tests/cli/peers.sh and bench.sh run are built for every "make check".
check_PROGRAMS += bench-forward bench-back bench-detector bench-eval bench-kern bench-rows bench-study
bench_back_SOURCES = tests/bench/bench-back.c tests/bench/median.h tests/bench/subject.h
bench_back_CPPFLAGS = $(TEST_CPPFLAGS)
bench_back_LDADD = $(CORE_LIBS)
bench_kern_SOURCES = tests/bench/bench-kern.c tests/bench/ceilings.c tests/bench/ceilings.h \
	tests/bench/median.h tests/bench/operations.c tests/bench/operations.h
bench_kern_CPPFLAGS = $(TEST_CPPFLAGS)
bench_kern_LDADD = $(CORE_LIBS)
bench_detector_SOURCES = tests/bench/bench-detector.c tests/bench/median.h
bench_detector_CPPFLAGS = $(TEST_CPPFLAGS)
bench_detector_LDADD = $(CORE_LIBS)
bench_study_SOURCES = tests/bench/bench-study.c tests/bench/idle.h tests/bench/median.h
bench_study_CPPFLAGS = $(TEST_CPPFLAGS)
bench_study_LDADD = $(CORE_LIBS)
bench_forward_SOURCES = tests/bench/bench-forward.c tests/bench/median.h tests/bench/subject.h
bench_forward_CPPFLAGS = $(TEST_CPPFLAGS)
bench_forward_LDADD = $(CORE_LIBS)
EXTRA_DIST += tests/x11/screenshots tests/x11/typing tests/bench/first_answer.py tests/bench/growth.py tests/bench/machine.py tests/bench/measure.py tests/bench/peers.py tests/bench/plot.py tests/bench/rows.py tests/bench/run tests/bench/work.py tests/bench/jpeg_agreement.py tests/bench/peer_back.py tests/bench/peer_detector.py tests/bench/peer_eval.py tests/bench/peer_onnx.py tests/bench/peer_pixels.py tests/bench/peer_torch.py
# What a picture costs a terminal with sixels, and how good it is.
check_PROGRAMS += bench-picture
bench_picture_SOURCES = tests/bench/bench-picture.c
bench_picture_CPPFLAGS = $(TEST_CPPFLAGS) $(SIXEL_CFLAGS)
bench_picture_LDADD = libui.a $(CORE_LIBS) $(NCURSES_LIBS) $(SIXEL_LIBS)
BENCH_PICTURES = $(srcdir)/tests/data/tiny/scene.png
BENCH_CONFIG = $(srcdir)/tests/data/frozen/config.json
BENCH_CHECKPOINT = $(srcdir)/tests/data/frozen/final.pth
if VTERM
check_PROGRAMS += bench-latency
BENCH_SCREEN = bench-latency
bench_latency_SOURCES = tests/bench/bench-latency.c tests/bench/median.h
bench_latency_CPPFLAGS = $(SCREEN_CPPFLAGS)
bench_latency_LDADD = $(SCREEN_LIBS)
bench-screen: vilscope bench-latency
	@echo 'from a key to the screen, 120x40, three panes with pictures:'
	@VILSCOPE=$(abs_builddir)/vilscope ./bench-latency $(abs_srcdir)/demo/model
else
bench-screen:
	@echo 'from a key to the screen: needs libvterm-dev'
endif
BENCH_OPTIONS =
bench: vilscope bench-forward bench-back bench-detector bench-eval bench-kern bench-picture bench-rows bench-study $(BENCH_SCREEN)
	@$(srcdir)/tests/bench/run --programs . $(BENCH_OPTIONS)
bench-sixel: bench-picture
	@./bench-picture $(BENCH_PICTURES)
# The log with a million queries (1.5 GB, made once and kept): sessions/NOTES.md.
EXTRA_PROGRAMS += bench-sessions
bench_eval_SOURCES = tests/bench/bench-eval.c tests/bench/idle.h tests/bench/median.h
bench_eval_CPPFLAGS = $(TEST_CPPFLAGS) $(SQLITE_CFLAGS)
bench_eval_LDADD = $(SESSION_LIBS) $(CORE_LIBS)
bench_sessions_SOURCES = tests/bench/bench-sessions.c tests/bench/median.h
bench_sessions_CPPFLAGS = $(TEST_CPPFLAGS) $(SQLITE_CFLAGS)
bench_sessions_LDADD = $(SESSION_LIBS) $(CORE_LIBS)
bench_rows_SOURCES = tests/bench/bench-rows.c tests/bench/median.h
bench_rows_CPPFLAGS = $(TEST_CPPFLAGS) $(SQLITE_CFLAGS)
bench_rows_LDADD = $(SESSION_LIBS) $(CORE_LIBS)
CLEANFILES += bench-sessions
BENCH_LOG = bench-log.db
BENCH_QUERIES = 1000000
bench-log: bench-sessions
	@./bench-sessions $(BENCH_LOG) $(BENCH_QUERIES)
.PHONY: list-tests test-programs check-full check-full-only bench bench-log bench-screen bench-sixel bench-evaluation
# Evaluation beside its own forward passes, retrieval, and memory with ten times as many items. Of a
# full-size model: BENCH_CONFIG, BENCH_CHECKPOINT, BENCH_VOCAB, BENCH_FEATURES=2048,
# BENCH_ANSWERS=3129.
BENCH_VOCAB = $(srcdir)/tests/data/frozen/vocab.txt
BENCH_FEATURES = 96
BENCH_ANSWERS = 36
BENCH_ITEMS = 150
BENCH_EVAL_FOLDER = bench-eval.tmp
bench-evaluation: bench-eval
	@rm -rf $(BENCH_EVAL_FOLDER)
	@for n in $(BENCH_ITEMS) $(BENCH_ITEMS)0; do mkdir -p $(BENCH_EVAL_FOLDER) || exit 1; \
	  ./bench-eval make $(BENCH_EVAL_FOLDER) $(BENCH_FEATURES) 64 $$n 64 $(BENCH_ANSWERS) || exit 1; \
	  for threads in 1 2; do \
	    ./bench-eval items $(BENCH_EVAL_FOLDER) $(BENCH_CONFIG) $(BENCH_CHECKPOINT) $(BENCH_VOCAB) $$threads \
	      >$(BENCH_EVAL_FOLDER)/said || exit 1; \
	    awk -v t=$$threads '{ printf "evaluation, %d items, %d threads: %.2f ms an item, %.3f of it in forward" \
	      " passes, %.1f MB at most\n", $$4, t, $$1 / $$4, $$3 / $$1, $$6 / 1024 }' $(BENCH_EVAL_FOLDER)/said; \
	  done; \
	done
	@./bench-eval retrieval $(BENCH_EVAL_FOLDER) $(BENCH_CONFIG) $(BENCH_CHECKPOINT) $(BENCH_VOCAB) 1 64 \
	  >$(BENCH_EVAL_FOLDER)/said
	@awk '{ printf "retrieval, %d x %d pairs, 1 thread: %.2f ms of the processor a pair\n", $$4, $$5, \
	  $$2 / ($$4 * $$5) }' $(BENCH_EVAL_FOLDER)/said
	@rm -rf $(BENCH_EVAL_FOLDER)
