/* What can be done inside the model: the rows of the table of actions, and the small ones among
 * them. */
#include "ui/views/inside.h"
#include "ui/jobs/knock.h"
#include "ui/views/list.h"

#define SHOW(x)                                                  \
    static void show_##x(struct workbench *w, const char *arg) \
    {                                                            \
        (void)arg;                                               \
        do_view(w, view_##x.name);                            \
    }
SHOW(matrix)
SHOW(heads)
SHOW(states)
SHOW(plane)
SHOW(lens)
SHOW(effects)
SHOW(what_if)

/* Another word for what stands in for silenced attention. */
static void do_silence_by(struct workbench *w, const char *arg)
{
    static const char *const names[] = {"zero", "uniform", "mean"};
    int at = word_choose(w, names, 3, (int)w->changes.how, arg);
    if (at < 0)
        return;
    w->changes.how = (enum kern_silence)at;
    workbench_say(w, false, "silenced attention becomes %s",
                  at == 0   ? "zero: nothing is read"
                  : at == 1 ? "uniform: everything is read alike"
                            : "the mean over all that look");
}

static void do_silence_layer(struct workbench *w, const char *arg)
{
    (void)arg;
    do_silence(w, "layer");
}

const struct action inside_actions[] = {
    {"mask", "M", "[TOKEN]", NULL, "ask again with the chosen token masked", do_mask},
    {"drop", "D", "[CHANGE]", NULL,
     "ask again without the chosen region or token (region 3, token dog)", do_drop},
    {"silence", "X", "[CHANGE]", NULL,
     "ask again without the chosen head, heads, or layer (text-to-image 2.1 zero)", do_silence},
    {"silence-layer", "W", "", NULL, "ask again without the attention of the map's whole layer",
     do_silence_layer},
    {"silence-by", "Y", "[HOW]", NULL, "what stands in for it: zero, uniform, mean", do_silence_by},
    {"replace", "R", "[TEXT]", NULL, "ask again with other words for the chosen one", do_replace},
    {"restore", "U", "[N]", NULL, "take all changes back, or change N", do_restore},
    {"knock-out", "K", "[WHAT]", NULL,
     "what the chosen answer owes to each of the regions, tokens or heads [zero, uniform, mean]",
     do_knock_out},
    {"difference", "V", "", "matrix", "the map minus the one without changes", do_difference},
    {"statistic", "T", "[STATISTIC]", NULL,
     "sort the heads by entropy, k90, peak, content, special or chosen", do_statistic},
    {"join", "Space", "", "heads", "the head joins the chosen set, whose mean is shown, or leaves",
     heads_join},
    {"plane-of", "P", "[WHAT]", NULL, "the plane of both streams, tokens, regions, or joint",
     do_plane},
    {"lens-of", "L", "[WHAT]", NULL, "the lens on tokens or regions", do_lens},
    {"matrix", "F2", "", NULL, "the attention map as a matrix", show_matrix},
    {"heads", "F3", "", NULL, "all heads of the map", show_heads},
    {"states", "F4", "", NULL, "how alike states are", show_states},
    {"plane", "F5", "", NULL, "states as points", show_plane},
    {"lens", "F6", "", NULL, "states read by the model's own heads", show_lens},
    {"effects", "F7", "", NULL, "the knock-out", show_effects},
    {"what-if", "F8", "", NULL, "the result beside the one without changes", show_what_if},
    {0},
};
