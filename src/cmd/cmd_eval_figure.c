/* SPDX-License-Identifier: MIT */
/* vilscope eval --figure: what was measured as plots, of its rows. */
#include "src/cmd/cmd_compare_rows.h"
#include "src/cmd/cmd_eval.h"
#include "src/cmd/vilscope.h"

#include "src/base/mem.h"
#include "src/figure/figure.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int eval_figure_check(const struct eval_figure *f, const char *idle)
{
    if (!f->path)
        return f->width || f->dpi ? command_usage("eval", "--width and --dpi are for --figure FILE")
                                  : 0;
    if (idle)
        return command_usage("eval", "--figure needs scores of all items: not with --%s%s", idle,
                             strcmp(idle, "shard") == 0 ? " (draw it with --from of the joined log)"
                                                        : "");
    if (!figure_is_name(f->path))
        return command_usage("eval", "--figure writes .svg, .pdf or .png, not '%s'", f->path);
    return figure_missing() ? command_usage("eval", "--figure: %s", figure_missing()) : 0;
}

/* In a folder of its own, which goes with the file. */
int eval_figure_begin(const struct eval_figure *f, const char **rows, char **own,
                      struct vs_err *err)
{
    const char *folder = getenv("TMPDIR");
    int rc = 0;
    if (!f->path || *rows)
        return 0;
    char *made = xasprintf("%s/vilscope-XXXXXX", folder && *folder ? folder : "/tmp");
    if (mkdtemp(made))
        *rows = *own = xasprintf("%s/rows.jsonl", made);
    else
        rc = vs_fail(err, VS_E_MISSING, "%s: cannot be made for the rows of the figure: %s: choose "
                     "a file with --rows, or a folder with TMPDIR", made, strerror(errno));
    free(made);
    return rc;
}

/* rows_go: the file of the rows does not stay. */
static int figure_of(const struct eval_figure *f, const struct words *files,
                     const struct words *evaluations, const struct rows_wanted *w, bool rows_go,
                     int told)
{
    const struct compare_options o = {.figure = f->path, .width = f->width, .dpi = f->dpi,
                                      .calibration = true, .rows_go = rows_go};
    struct rows_given given = {0};
    struct vs_err err = {0};
    if (!f->path)
        return told;
    int rc = rows_gather_typed(files, evaluations, w, &given, &err);
    if (rc == 0)
        rc = compare_draw_rows(&given.set, &o, &err);
    rows_given_fini(&given);
    return rc ? command_fail("eval", &err) : told;
}

int eval_figure_of(const struct eval_figure *f, const struct words *files,
                   const struct words *evaluations, const struct rows_wanted *w, int told)
{
    return figure_of(f, files, evaluations, w, false, told);
}

int eval_figure_end(const struct eval_figure *f, const char *rows, char *own, int status)
{
    const struct words files = {.count = 1, .list = {rows}}, none = {.count = 0};
    const struct rows_wanted all = {.checkpoints = &none};
    if (f->path && (status == EXIT_OK || status == EXIT_PARTLY))
        status = figure_of(f, &files, &none, &all, own != NULL, status);
    if (!own)
        return status;
    unlink(own);
    *strrchr(own, '/') = '\0';
    rmdir(own);
    free(own);
    return status;
}
