/* Options that name a model's parts. */
#include "src/cmd/cmd_model.h"

#include "src/formats/image.h"
#include "src/base/plain.h"

void command_about(const char *command, const struct model *m)
{
    if (model_about(m))
        plain_text(stderr, "vilscope %s: %s: %s\n", command, model_name(m), model_about(m));
}

bool model_parts_take(int opt, const char *value, struct model_options *o)
{
    switch (opt) {
    case MODEL_OPT_CONFIG: o->config = value; return true;
    case MODEL_OPT_VOCAB: o->vocab = value; return true;
    case MODEL_OPT_LABELS: o->labels_vqa = value; return true;
    case MODEL_OPT_GQA_LABELS: o->labels_gqa = value; return true;
    case MODEL_OPT_CLASSES: o->classes = value; return true;
    case MODEL_OPT_DETECTOR: o->detector = value; return true;
    case MODEL_OPT_ARCH: o->detector_arch = value; return true;
    case MODEL_OPT_UNSAFE_DECODE: image_unsafe_decode(); return true;
    default: return false;
    }
}
