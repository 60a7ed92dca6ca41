/* SPDX-License-Identifier: MIT */
/* Packing a checkpoint's weights in the background, once somebody asks it again. */
#ifndef VS_PACKER_H
#define VS_PACKER_H

#include "src/model/transformer/bound.h"

struct packer;

/* NULL where the back end has no use for packed weights; fine for the others. b is borrowed. */
struct packer *packer_new(struct kern *k, const struct bound *b);
/* After a pass. The second one starts the thread that packs. */
void packer_passed(struct packer *p);
/* Waits for the thread, if there is one; how many weights are packed. */
int packer_wait(struct packer *p);
/* Stops it; before the weights are freed. */
void packer_free(struct packer *p);

#endif
