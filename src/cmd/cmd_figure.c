/* SPDX-License-Identifier: MIT */
/* vilscope figure: a view of the workbench as a figure, without a screen. What it does is a script:
 * the query, what is chosen, the view, export. */
#include "src/cmd/cmd_query.h"
#include "src/cmd/cmd_workbench.h"
#include "src/cmd/vilscope.h"

#include "src/base/mem.h"
#include "src/figure/figure.h"
#include "src/study/compare_patch.h"
#include "ui/workbench.h"

#include <stdlib.h>
#include <string.h>

#define OPTIONS struct options
struct options {
    struct workbench_command bench;
    const char *output, *map, *layer, *head, *token, *region, *rank;
    int attribute, leave_out, level, width, dpi, boxes;
};

static const struct option_row option_rows[] = {
    ROW_MODEL(bench.model.dir),
    ROW_CHECKPOINTS(bench.checkpoints),
    ROWS_PARTS(bench.model),
    ROW_WEIGHTS(bench.model),
    ROW_REGIONS(bench.regions),
    ROW_KEY(bench.keys_of),
    TEXT("candidates", 0, "FILE", bench.candidates, VALUES_FILES,
         "boxes of the first image to choose from, for visual7w and guesswhat"),
    ROW_UPRIGHT(bench.upright),
    ROW_UNSAFE,
    TASK(bench.task, "task of the query; without it the first one that the model answers"),
    ROW_CHECK_SET(bench.probes, "queries of the view trend (vilscope-check-set(5))"),
    TEXT("map", 0, "MAP", map, VALUES_NONE, "attention map, such as text-to-image"),
    TEXT("layer", 0, "N", layer, VALUES_NONE,
         "its layer; without it the one whose attention is most focused"),
    TEXT("head", 0, "HEAD", head, VALUES_NONE,
         "its head: a number, mean (as without it), max or rollout"),
    TEXT("token", 0, "WORD", token, VALUES_NONE,
         "the token, by number or text, that looks, or that states are compared with"),
    TEXT("region", 0, "N", region, VALUES_NONE, "the region that does; 0 is the whole image"),
    TEXT("rank", 0, "N", rank, VALUES_NONE, "the answer or box, by its rank; without it the best"),
    CHOICE("attribute", "METHOD", attribute, query_methods, -1,
           "an attribution of the answer, instead of attention"),
    CHOICE("leave-one-out", "KIND", leave_out, query_leave_out_names, 0,
           "what the view effects leaves out"),
    CHOICE("patch", "LEVEL", level, patch_level_names, 0, "which parts the view patch exchanges"),
    INT("boxes", 0, "N", boxes, 1, 100, 5, "ranked boxes to draw"),
    TEXT("output", 'o', "FILE", output, VALUES_WRITTEN,
         "the figure: .svg, .pdf or .png; or the view's numbers: .csv or .npy"),
    INT("width", 0, "MM", width, 20, 1000, 170, "how wide it is"),
    INT("dpi", 0, "N", dpi, 30, 2400, 300, "pixels per inch, in PNG"),
    ROW_DEVICE(bench.model.device),
    ROW_PRECISION(bench.model.precision),
    ROW_THREADS(bench.model.threads),
    ROW_CONNECT(bench.model.connect),
    ROW_LOG(bench.log),
    ROW_NO_LOG(bench.no_log),
    END,
};

/* ---- the script */

/* Views that are opened by a command of their own, which computes what they show. */
static void script_view(const struct options *o, const char *view, struct buf *b)
{
    static const char *const own[][2] = {{"compare", "compare"}, {"difference", "attention-change"},
                                         {"drift", "drift"}, {"curves", "curves"}};
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
        if (strcmp(view, own[i][0]) == 0) {
            buf_printf(b, "%s\nwait\n", own[i][1]);
            return;
        }
    if (strcmp(view, "confidence") == 0)
        buf_printf(b, "confidence %s\nwait\n", o->bench.task ? o->bench.task->name : "");
    else if (strcmp(view, "effects") == 0)
        buf_printf(b, "leave-one-out %s\nwait\n", query_leave_out_names[o->leave_out]);
    else if (strcmp(view, "patch") == 0)
        buf_printf(b, "patch %s\nwait\n", patch_level_names[o->level]);
    else
        buf_printf(b, "view %s\nwait\n", view);
}

static void script_choice(struct buf *b, const char *command, const char *value)
{
    if (value)
        buf_printf(b, "--%s %s\n", command, value); /* whose faults name the option */
}

/* text NULL: nothing is asked. */
static char *figure_script(const struct options *o, const char *view, const char *text)
{
    struct buf b = {0};
    buf_printf(&b, "set figure-width %d\nset figure-dpi %d\nset boxes %d\nwait\n", o->width, o->dpi,
               o->boxes);
    if (text)
        buf_printf(&b, "ask %s\nwait\n", text);
    script_choice(&b, "rank", o->rank);
    script_choice(&b, "map", o->map);
    script_choice(&b, "layer", o->layer);
    script_choice(&b, "head", o->head);
    script_choice(&b, "region", o->region);
    script_choice(&b, "token", o->token);
    if (o->attribute >= 0)
        buf_printf(&b, "--attribute %s\n", query_methods[o->attribute]);
    buf_puts(&b, "wait\n");
    script_view(o, view, &b);
    buf_printf(&b, "export %s\nquit\n", o->output);
    return buf_steal(&b);
}

/* ---- the command */

static bool has_new_line(const char *text)
{
    return text && strpbrk(text, "\n\r");
}

/* What a view cannot be drawn without, in words; NULL: it has all. */
static const char *figure_needs(const struct options *o, const char *view)
{
    bool source = o->token || o->region || o->attribute >= 0;
    if (!source && strcmp(view, "attention") == 0)
        return "what attends: --token WORD, --region N, or --attribute METHOD";
    if (!o->token && !o->region && strcmp(view, "states") == 0)
        return "what states are compared with: --token WORD or --region N";
    if (o->attribute < 0 && (strcmp(view, "curves") == 0 || strcmp(view, "attribution") == 0))
        return "an attribution: --attribute METHOD";
    if (!o->bench.probes && strcmp(view, "trend") == 0)
        return "queries: --check-set FILE";
    if (strcmp(view, "what-if") == 0 || strcmp(view, "activation") == 0)
        return "a query and what was changed in it, for which there is no option: write a script "
               "that changes and exports it (vilscope -S FILE)";
    if (strcmp(view, "project") == 0)
        return "a set, for which there is no option: vilscope explain --project WHICH --data SET "
               "--figure FILE draws it";
    return NULL;
}

static int figure_check_options(const struct options *o, char **args, int count)
{
    const char *const lines[] = {o->output, o->map, o->layer, o->head, o->token, o->region,
                                 o->rank, count > 1 ? args[count - 1] : NULL};
    char *names = workbench_figures();
    int status = 0;
    if (count == 0 || !workbench_has_figure(args[0]))
        status = command_usage("figure", "%s%s%s: a figure is of %s",
                               count ? "there is no figure of '" : "which view is missing",
                               count ? args[0] : "", count ? "'" : "", names);
    else if (!o->output)
        status = command_usage("figure", "where to write is missing: -o FILE");
    else if (figure_is_name(o->output) && figure_missing())
        status = command_usage("figure", "%s", figure_missing());
    else if (figure_needs(o, args[0]))
        status = command_usage("figure", "the view %s needs %s", args[0],
                               figure_needs(o, args[0]));
    else if (count < 2 && !o->bench.probes && workbench_figure_asks(args[0]))
        status = command_usage("figure", "the query's text is missing: it is the last argument");
    for (size_t i = 0; status == 0 && i < sizeof lines / sizeof lines[0]; i++)
        if (has_new_line(lines[i]))
            status = command_usage("figure", "there is a line break in '%s'", lines[i]);
    free(names);
    return status;
}

static int run_figure(void *options, char **args, int count)
{
    static const struct term_screen usual = TERM_SCREEN_USUAL;
    struct options *o = options;
    int status = figure_check_options(o, args, count);
    if (status != 0)
        return status;
    const char *text = count > 1 ? args[count - 1] : NULL;
    char *script = figure_script(o, args[0], text);
    o->bench.lines = script;
    o->bench.screen = usual;
    o->bench.has_screen = true;
    status = workbench_command_run("figure", &o->bench, args + 1, count > 1 ? count - 2 : 0);
    free(script);
    return status;
}

const struct command command_figure = {
    .name = "figure", .args = "VIEW [OPTION...] IMAGE... TEXT -o FILE",
    .summary = "Write a view of the workbench as a figure: SVG, PDF or PNG.",
    .about =
        "Asks a query, as \"vilscope query\" does, and writes what a view of the workbench shows\n"
        "of it as a figure for a paper. It needs no terminal.\n",
    .after =
        "  vilscope figure matrix -t vqa --layer 2 a.png \"what is it?\" -o matrix.pdf\n"
        "  vilscope figure image -t vqa --token large a.png \"what is large?\" -o large.svg\n"
        "  vilscope figure trend -m models/12in1 --check-set my.checks -o trend.pdf\n",
    .rows = option_rows, .most = -1, .values = VALUES_FILES, .size = sizeof(struct options),
    .run = run_figure,
};
