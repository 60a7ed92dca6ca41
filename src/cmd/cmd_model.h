/* The options that name a model's parts one by one, the same for every command that opens a model.
 */
#ifndef VS_CMD_MODEL_H
#define VS_CMD_MODEL_H

#include "src/engine/engine.h"

#include <getopt.h>

enum {
    MODEL_OPT_CONFIG = 1000, MODEL_OPT_VOCAB, MODEL_OPT_LABELS, MODEL_OPT_GQA_LABELS,
    MODEL_OPT_CLASSES, MODEL_OPT_DETECTOR, MODEL_OPT_ARCH, MODEL_OPT_UNSAFE_DECODE
};
/* Entries of a table for getopt_long. */
#define MODEL_PARTS_OPTIONS                                                                        \
    {"config", required_argument, NULL, MODEL_OPT_CONFIG},                                         \
    {"vocab", required_argument, NULL, MODEL_OPT_VOCAB},                                           \
    {"labels", required_argument, NULL, MODEL_OPT_LABELS},                                         \
    {"gqa-labels", required_argument, NULL, MODEL_OPT_GQA_LABELS},                                 \
    {"classes", required_argument, NULL, MODEL_OPT_CLASSES},                                       \
    {"detector", required_argument, NULL, MODEL_OPT_DETECTOR},                                     \
    {"detector-arch", required_argument, NULL, MODEL_OPT_ARCH},                                    \
    {"unsafe-decode", no_argument, NULL, MODEL_OPT_UNSAFE_DECODE}
/* Lines of a command's help. */
#define MODEL_PARTS_HELP                                                                           \
    "      --config FILE      the model's configuration (JSON)\n"                                  \
    "      --vocab FILE       WordPiece vocabulary (vocab.txt)\n"                                  \
    "      --labels FILE      answers of VQA and Genome QA (trainval_label2ans.pkl, JSON, text)\n" \
    "      --gqa-labels FILE  answers of GQA\n"                                                    \
    "      --classes FILE     names of the region classes, one per line\n"                         \
    "      --detector FILE    weights of the region detector (model_final.pth): images without\n"  \
    "                         regions get theirs from it\n"                                        \
    "      --detector-arch F  its description (JSON), when it is not the reference's\n"            \
    "      --unsafe-decode    decode pictures without a sandbox where there is none: only those\n" \
    "                         that you trust\n"

/* Says on stderr what a model is about, if its model.json says so: the demo is named so. */
void command_about(const char *command, const struct model *m);
/* Whether opt is one of them; then o has its value, which is borrowed. */
bool model_parts_take(int opt, const char *value, struct model_options *o);

#endif
