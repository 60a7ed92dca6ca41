/* What can be done inside the model: the rows of the table of actions, and the small ones among
 * them. */
#include "ui/inside.h"
#include "ui/knock.h"

#include <string.h>

/* The named one of a list, or the next; -1, with words, when there is none. */
static int choose(struct workbench *w, const char *const *names, int count, int now,
                  const char *arg)
{
    char all[160] = "";
    for (int i = 0; i < count && *arg; i++) {
        if (strcmp(names[i], arg) == 0)
            return i;
        strncat(all, i ? ", " : "", sizeof all - strlen(all) - 1);
        strncat(all, names[i], sizeof all - strlen(all) - 1);
    }
    if (!*arg)
        return (now + 1) % count;
    workbench_say(w, true, "there is no '%s' here: %s", arg, all);
    return -1;
}

void do_statistic(struct workbench *w, const char *arg)
{
    const char *names[STAT_COUNT];
    for (int i = 0; i < STAT_COUNT; i++)
        names[i] = stats_name((enum head_stat)i);
    int at = choose(w, names, STAT_COUNT, w->statistic, arg);
    if (at >= 0) {
        w->statistic = at;
        workbench_say(w, false, "heads by %s: %s", names[at], stats_what((enum head_stat)at));
    }
}

static void do_difference(struct workbench *w, const char *arg)
{
    struct inside *in = inside_of(w);
    (void)arg;
    in->difference = !in->difference;
    if (in->difference && !w->plain)
        workbench_say(w, false, "shows differences as soon as something is changed");
}

static void do_plane(struct workbench *w, const char *arg)
{
    static const char *const names[PLANE_KINDS] = {"both", "tokens", "regions", "joint"};
    struct inside *in = inside_of(w);
    int at = choose(w, names, PLANE_KINDS, (int)in->plane_of, arg);
    if (at < 0)
        return;
    in->plane_of = (enum plane_of)at;
    workbench_say(w, false, "%s",
                  at == PLANE_JOINT    ? "one plane for both streams, where they are equally wide"
                  : at == PLANE_BOTH   ? "a plane for tokens, and one for regions"
                  : at == PLANE_TOKENS ? "the plane of tokens"
                                       : "the plane of regions");
}

static void do_lens(struct workbench *w, const char *arg)
{
    static const char *const names[] = {"tokens", "regions"};
    struct inside *in = inside_of(w);
    int at = choose(w, names, 2, in->lens_text ? 0 : 1, arg);
    if (at >= 0) {
        in->lens_text = at == 0;
        in->lens_failed[at] = false;
    }
}

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
    struct inside *in = inside_of(w);
    int at = choose(w, names, 3, (int)in->how, arg);
    if (at < 0)
        return;
    in->how = (enum kern_silence)at;
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
