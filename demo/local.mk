# The demo's world: scenes and what is said about them.
noinst_LIBRARIES += libworld.a
libworld_a_SOURCES = \
	demo/draw.c \
	demo/fact_more.c demo/fact_more.h \
	demo/fact_text.c \
	demo/facts.c demo/facts.h \
	demo/item_json.c \
	demo/items.c demo/items.h \
	demo/items_reasoning.c \
	demo/items_wide.c \
	demo/maker.h demo/marks.h \
	demo/names.c \
	demo/names_wide.c \
	demo/phrase.c demo/phrase.h \
	demo/question_more.c demo/question_more.h \
	demo/questions.c \
	demo/questions_wide.c \
	demo/say.c demo/say.h \
	demo/scene.c demo/world.h \
	demo/sets.c demo/sets.h
# The program that trains the demo's model is Python; nothing else needs it.
EXTRA_DIST += demo/NOTES.md demo/pictures demo/train/run demo/train/assemble demo/train/compare.py \
	demo/train/data.py demo/train/detector.py demo/train/domain.py demo/train/faulty.py \
	demo/train/measure.py demo/train/names.py demo/train/objectives.py demo/train/suggest.py \
	demo/train/table.py demo/train/train.py demo/train/truth.py demo/train/vilbert.py demo/train/visitor.py demo/train/vocab.py \
	demo/train/words
# Exact sums on every machine: no fused multiply-adds.
libworld_a_CFLAGS = $(AM_CFLAGS) -ffp-contract=off
# The guided tour.
dist_pkgdata_DATA = demo/tour.vs
# The demo itself: src/engine/demo.c looks for it where it is installed.
demodir = $(pkgdatadir)/demo
dist_demo_DATA = \
	demo/model/answers.txt demo/model/answers_gqa.txt demo/model/classes.txt \
	demo/model/config.json demo/model/detector.json demo/model/detector.pth \
	demo/model/domain.safetensors demo/model/known_words.txt \
	demo/model/early.bin demo/model/faulty.pth demo/model/final.pth demo/model/middle.pth \
	demo/model/no-relations.pth demo/model/model.json \
	demo/model/queries.jsonl demo/model/vocab.txt
demoimagesdir = $(demodir)/images
dist_demoimages_DATA = \
	demo/model/images/000000.png demo/model/images/000001.png demo/model/images/000002.png \
	demo/model/images/000003.png demo/model/images/000004.png demo/model/images/000005.png \
	demo/model/images/000006.png demo/model/images/000007.png demo/model/images/000008.png \
	demo/model/images/000009.png demo/model/images/000010.png demo/model/images/000011.png \
	demo/model/images/000012.png demo/model/images/000013.png demo/model/images/000014.png \
	demo/model/images/000015.png demo/model/images/000016.png demo/model/images/000017.png \
	demo/model/images/000018.png demo/model/images/000019.png demo/model/images/000020.png \
	demo/model/images/000021.png demo/model/images/000022.png demo/model/images/000023.png
