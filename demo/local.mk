# The demo's world: scenes and what is said about them.
noinst_LIBRARIES += libworld.a
libworld_a_SOURCES = \
	demo/draw.c \
	demo/items.c demo/items.h \
	demo/say.c demo/say.h \
	demo/scene.c demo/world.h
# The program that trains the demo's model is Python; nothing else needs it.
EXTRA_DIST += demo/train/run demo/train/assemble demo/train/detector.py demo/train/train.py \
	demo/train/truth.py demo/train/vilbert.py demo/train/vocab.py
# Exact sums on every machine: no fused multiply-adds.
libworld_a_CFLAGS = $(AM_CFLAGS) -ffp-contract=off
# The guided tour.
dist_pkgdata_DATA = demo/tour.vs
