# What is computed with the engine: comparisons, effects, evaluation, extraction.
EXTRA_DIST += src/study/NOTES.md
libcore_a_SOURCES += \
	src/study/activation.c src/study/activation.h \
	src/study/activation_cells.c \
	src/study/attribution.c src/study/attribution.h src/study/attribution_priv.h \
	src/study/attribution_attention.c \
	src/study/attribution_inputs.c \
	src/study/attribution_maps.c \
	src/study/attribution_patching.c \
	src/study/attribution_removal.c \
	src/study/attribution_result.c \
	src/study/attributed.c src/study/attributed.h \
	src/study/bootstrap.c src/study/bootstrap.h \
	src/study/compare.c src/study/compare.h \
	src/study/compare_attention.c src/study/compare_attention.h \
	src/study/compare_cka.c src/study/compare_cka.h \
	src/study/compare_patch.c src/study/compare_patch.h \
	src/study/compare_weights.c src/study/compare_weights.h \
	src/study/difference.c src/study/difference.h \
	src/study/difference_json.h \
	src/study/effects.c src/study/effects.h \
	src/study/annotations.c src/study/annotations.h \
	src/study/annotations_boxes.c \
	src/study/annotations_captions.c \
	src/study/annotations_entities.c \
	src/study/annotations_foils.c \
	src/study/annotations_pairs.c \
	src/study/annotations_parts.c \
	src/study/annotations_questions.c \
	src/study/eval.c src/study/eval.h \
	src/study/eval_album.c \
	src/study/eval_attention.c \
	src/study/eval_foils.c \
	src/study/eval_items.c src/study/eval_listed.c \
	src/study/eval_priv.h \
	src/study/eval_sample.c \
	src/study/eval_set.c \
	src/study/eval_store.c \
	src/study/eval_sums.c \
	src/study/eval_verdict.c \
	src/study/eval_pool.c \
	src/study/eval_rows.c src/study/eval_rows.h \
	src/study/evaluation.c src/study/evaluation.h src/study/evaluation_priv.h \
	src/study/evaluation_past.c \
	src/study/evaluation_rows.c src/study/evaluation_rows.h \
	src/study/explain_set.c src/study/explain_set.h \
	src/study/explain_sums.c src/study/explain_sums.h \
	src/study/explained.c src/study/explained.h \
	src/study/explanation.c src/study/explanation.h \
	src/study/extract.c src/study/extract.h src/study/extract_priv.h \
	src/study/extract_check.c \
	src/study/extract_progress.c \
	src/study/gradients.c src/study/gradients.h \
	src/study/headset.c src/study/headset.h \
	src/study/headset_rows.c \
	src/study/headstats.c src/study/headstats.h \
	src/study/projection.c src/study/projection.h \
	src/study/reference.c src/study/reference.h src/study/reference_priv.h \
	src/study/reference_answers.c \
	src/study/reference_choice.c \
	src/study/reference_files.c \
	src/study/reference_grounding.c \
	src/study/reference_index.c \
	src/study/reference_pairs.c \
	src/study/reference_retrieval.c \
	src/study/reference_score.c \
	src/study/reference_sums.c \
	src/study/rollout.c src/study/rollout.h \
	src/study/rowfile.c src/study/rowfile.h src/study/rowfile_priv.h \
	src/study/rowscan.c \
	src/study/rowtexts.c \
	src/study/imagename.c src/study/imagename.h \
	src/study/judge.c src/study/judge.h \
	src/study/lens.c src/study/lens.h \
	src/study/look.c src/study/look.h \
	src/study/moves.c src/study/moves.h \
	src/study/outputerror.c src/study/outputerror.h \
	src/study/plots.c src/study/plots.h \
	src/study/pca.c src/study/pca.h \
	src/study/pca_many.c \
	src/study/probes.c src/study/probes.h \
	src/study/probes_run.c \
	src/study/probes_table.c \
	src/study/relevancy.c src/study/relevancy.h \
	src/study/removal.c src/study/removal.h \
	src/study/selfcheck.c src/study/selfcheck.h \
	src/study/set_row.c src/study/set_row.h \
	src/study/statistics.c src/study/statistics.h \
	src/study/variants.c src/study/variants.h \
	src/study/watch.c src/study/watch.h \
	src/study/wholenumber.c src/study/wholenumber.h
