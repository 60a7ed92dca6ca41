/* SPDX-License-Identifier: MIT */
/* Options that several commands have, and what -m and -c name. */
#ifndef VS_CMD_MODEL_H
#define VS_CMD_MODEL_H

#include "src/cmd/options.h"
#include "src/engine/engine.h"
#include "src/engine/modeldir.h"

/* ---- rows of tables of options (options.h); member: where in OPTIONS */

#define ROW_MODEL(member)                                                                          \
    TEXT("model", 'm', "DIR", member, VALUES_FOLDERS,                                              \
         "model directory (vilscope-model(5)); without it, and without any part of a model, the "  \
         "demo's")
/* The same in all commands: see command_choose. */
#define ROW_CHECKPOINTS(member)                                                                    \
    WORDS("checkpoint", 'c', "NAME", member, VALUES_CHECKPOINTS,                                   \
          "checkpoint, by its name in the model directory or its file; may be given more than "    \
          "once")
/* Not of compare, whose --weights is another: there FILE@NAME names a set. */
#define ROW_WEIGHTS(member)                                                                        \
    TEXT("weights", 0, "SET", member.weights, VALUES_NONE,                                         \
         "which weights of a file that has several: ema takes their moving average, and any name " \
         "is one that inspect shows; -c FILE@SET says it of one file")
/* member: a struct model_options. */
#define ROWS_PARTS(member)                                                                         \
    TEXT("config", 0, "FILE", member.config, VALUES_FILES, "the model's configuration (JSON)"),    \
    TEXT("vocab", 0, "FILE", member.vocab, VALUES_FILES, "WordPiece vocabulary (vocab.txt)"),      \
    TEXT("labels", 0, "FILE", member.labels_vqa, VALUES_FILES,                                     \
         "answers of VQA and Genome QA (trainval_label2ans.pkl, JSON, text)"),                     \
    TEXT("gqa-labels", 0, "FILE", member.labels_gqa, VALUES_FILES, "answers of GQA"),              \
    TEXT("classes", 0, "FILE", member.classes, VALUES_FILES,                                       \
         "names of the region classes, one per line"),                                             \
    TEXT("detector", 0, "FILE", member.detector, VALUES_FILES,                                     \
         "weights of the region detector (detectron_model.pth): images without regions get "       \
         "theirs from it"),                                                                        \
    TEXT("detector-arch", 0, "FILE", member.detector_arch, VALUES_FILES,                           \
         "its description (JSON, or its published YAML), when it is not the reference's")
#define ROW_REGIONS(member)                                                                        \
    WORDS("regions", 0, "FILE", member, VALUES_FILES,                                              \
          "regions of an image: .npy, LMDB folder, TSV; once for each image, or once for all; "    \
          "without it IMAGE.npy beside the image, or the detector's")
#define ROW_KEY(member)                                                                            \
    WORDS("key", 0, "KEY", member, VALUES_NONE,                                                    \
          "entry of the LMDB or TSV file (default: the image's name, or the number it ends "       \
          "with); once for each image")
#define ROW_UPRIGHT(member)                                                                        \
    FLAG("upright", member,                                                                        \
         "turn images as their EXIF orientation says (the reference does not)")
#define ROW_CHECK_SET(member, h)                                                                   \
    {.name = "check-set", .old = "probes", .value = "FILE", .kind = OPTION_TEXT,                   \
     .at = OPTION_AT(member, const char *), .values = VALUES_FILES, .help = h}
#define ROW_UNSAFE                                                                                 \
    TAKE("unsafe-decode", NULL, command_unsafe,                                                    \
         "decode images without a sandbox where there is none: only those that you trust")
#define ROW_DEVICE(member)                                                                         \
    TEXT("device", 0, "NAME", member, VALUES_DEVICES,                                              \
         "what computes: auto (default), cpu, cuda, ... (vilscope devices)")
#define ROW_PRECISION(member)                                                                      \
    CHOICE("precision", "NAME", member, command_precisions, 0,                                     \
           "in which precision products are made: int8 is of the processor, tf32 of a GPU; "       \
           "answers differ, and say so where they name the device")
#define ROW_THREADS(member)                                                                        \
    INT("threads", 0, "N", member, 1, 1024, 0, "threads to compute with; all CPUs without it")
/* Where a model is opened to be asked. */
#define ROW_CONNECT(member)                                                                        \
    TEXT("connect", 0, "ADDRESS", member, VALUES_FILES,                                            \
         "compute at a server (vilscope serve), with the model that it has open: its socket, or "  \
         "ssh://[USER@]HOST[:PORT]/SOCKET; without it VILSCOPE_CONNECT")
#define ROW_LOG(member)                                                                            \
    TEXT("log", 0, "FILE", member, VALUES_FILES,                                                   \
         "log database (default: the one of the workbench), or FOLDER/: a log for each machine")
#define ROW_NO_LOG(member) FLAG("no-log", member, "log nothing")
#define ROW_JSON(member) FLAG("json", member, "as JSON")

extern const char *const command_precisions[]; /* of ROW_PRECISION */

/* The i-th of the values of an option that is given once for each image, or once for all; NULL
 * where it is not given. */
const char *words_of(const struct words *w, int i);
/* --key is given once for each image, or not at all. */
int command_check_keys(const struct words *keys, int images, struct vs_err *err);
int command_unsafe(void *options, const char *value, struct vs_err *err);

/* Says on stderr, once, what a model that was opened is about, if its model.json says so (the demo
 * is named so), and what command_device says. */
void command_opened(const char *command, const struct model *m);
/* Says on stderr why auto took the processor though there is a GPU; nothing otherwise. */
void command_device(const char *command, struct kern *k);

/* Says on stderr how far answers may be off in the precision that was asked for, of each
 * checkpoint; nothing for float32. */
void command_say_precision(const char *command, const struct model *m);

/* A detect_report for a terminal on stderr; arg: a bool that says that something was shown. */
void command_detecting(void *arg, const struct detect_progress *p);
/* The line of progress is gone, where standard error is a terminal. */
void command_clear(void);
/* An eval_report for a terminal on stderr; arg: a struct command_items of the checkpoint. */
struct command_items {
    const char *checkpoint;
    double last, begun; /* vs_now_ms */
    int base, done;     /* items that were done when it began, and last */
};
struct eval_progress;
void command_items(void *arg, const struct eval_progress *p);
/* A note on stderr on items that were left out as their images are missing; nothing for none. */
struct eval_gone;
void command_say_gone(const char *command, const struct eval_gone *gone);
/* The first one that the last checkpoint answers, which is asked: VQA, unless it has no head for
 * it. */
const struct task *command_first_task(const struct model *m);

/* ---- -m and -c */

struct chosen {
    struct parts parts; /* of the model directory: holds what the others point to */
    const char *paths[WORDS_MOST + 1], *names[WORDS_MOST + 1];
    const char *configs[WORDS_MOST + 1]; /* by the directory; NULL: it names none */
    char *owned[WORDS_MOST + 1]; /* of paths: NAME@SET of the directory */
    char *demo;
    bool is_demo; /* nothing was named, and there is a demo */
};

/* Whether a server is asked: that of --connect, or, where no model is named, VILSCOPE_CONNECT's,
 * which is put into o. An empty address is none. Of commands that can ask one. */
bool command_server(struct model_options *o);
/* Each of wanted is a checkpoint's name in the model directory, its path or its file's name there,
 * or another file; when it is both a note says so and the directory wins. They are put into o. The
 * demo's directory is taken when neither a directory nor a configuration or vocabulary is named,
 * and all that is wanted is in it. With a server (o->connect) they are names of its checkpoints,
 * and no other part of a model may be given. o borrows from *out, which is to be freed in any
 * case. */
int command_choose(const char *command, const struct words *wanted, struct model_options *o,
                   struct chosen **out, struct vs_err *err);
void command_chosen_free(struct chosen *c); /* NULL is fine */

#endif
