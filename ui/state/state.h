/* SPDX-License-Identifier: MIT */
/* The workbench's state: what is open and shown, what is chosen, the panes, the lines that are
 * typed, the terminal. Each part has a struct and one file that changes it. */
#ifndef UI_STATE_H
#define UI_STATE_H

#include "ui/kit/draw.h"
#include "ui/kit/edit.h"
#include "ui/state/action.h"
#include "ui/state/panes.h"
#include "ui/state/screen.h"
#include "ui/state/session.h"

enum mode {
    MODE_BROWSE,
    MODE_TYPE,    /* the query line */
    MODE_OPEN,    /* an image's name */
    MODE_COMMAND, /* the ":" line */
    MODE_FIND,    /* the search line of the focused view */
    MODE_BOX      /* drawing a box on the photo */
};

/* What is typed. */
struct typed {
    enum mode mode;
    struct edit query, open, command;
    struct edit filter; /* what is searched; of the popup, or the focused pane */
    bool asked;         /* what the query line holds was asked: a letter replaces it */
    char key[16];       /* the name of the key that is being acted on, or "" */
};

/* A box being drawn, in pixels of the picture. */
struct drawing {
    double x, y, from_x, from_y;
    bool from; /* one corner is set */
};

/* Keys that the user has bound to command lines. */
struct bindings {
    struct binding {
        char *key, *line;
    } *list;
    int count;
};

/* Lines of a script that wait to be run. */
struct script {
    char *text, *at; /* the next line; NULL: none */
    char *path;
    int line;
    bool waits;      /* for the engine and the pictures: */
    bool ready;      /* nothing runs, and the frame that was drawn last is on the screen */
    bool pauses;     /* for a key */
    bool strict;     /* the first failure ends the program: */
    bool failed;     /* there was one, and the status line says why */
    double until;    /* ms, or for this moment; 0: none */
};

/* How things are shown, whatever is chosen. */
struct shown_how {
    bool hide_special, sort;
    bool words; /* pieces of a word are shown joined */
    int boxes; /* how many are drawn */
    int figure_width, figure_dpi; /* mm, of figures; 0: the usual ones */
};

struct status {
    char text[512];
    char path[256]; /* of the file that the text begins with, or "" */
    bool bad;
    bool note; /* bad is a warning only: nothing failed */
};

struct workbench {
    struct session ses;
    struct shown now;           /* on the screen */
    unsigned stale;             /* in what it differs from what the screen says, in this frame */
    struct result *plain;       /* the same query without interventions, to compare; or NULL */
    struct asked asked;
    struct changes changes;
    struct leave_outs leave_outs;
    struct attributions attributions;
    struct lenses lenses;
    struct comparison *compare; /* other checkpoints' answers (ui/jobs/compare.h), or NULL */
    struct work work;
    struct logging logging;

    struct selection *selection;
    const struct chosen *sel;   /* what it says now */
    struct shown_how how;
    struct panes panes;
    struct drawing draw;

    const struct action_group *actions; /* all; ends in a NULL title */
    struct bindings bound;
    struct typed typed;
    struct script script;
    struct screen screen;
    struct status status;
    bool quit;
};

/* What the status line says. */
void workbench_say(struct workbench *w, bool bad, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* The same of what became of a file, and the file. */
void workbench_say_file(struct workbench *w, const char *path, const char *what);
/* The same of what has gone well, and should be known: no script fails of it. */
void workbench_note(struct workbench *w, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* ---- typed.c */
void typed_init(struct typed *t);
void typed_fini(struct typed *t);
/* The line that is typed. */
struct edit *typed_line(struct workbench *w);
/* A query is typed; text may be "". */
void typed_query(struct workbench *w, const char *text);
void typed_command(struct workbench *w, const char *text);

/* ---- look.c: choosing what is looked at */
void look_move(struct workbench *w, enum motion m); /* tokens sideways, answers up and down */
/* The token or region chosen as the source of a map: its row, or -1. */
int look_source(const struct workbench *w, enum attn_kind kind);
/* Row or column i of a map becomes the chosen token or region. */
void look_choose_row(struct workbench *w, bool token, int i);
/* An answer, image or box by its rank from 0, kept in bounds; of a retrieval its image is shown. */
void look_choose_rank(struct workbench *w, int rank);
/* A region, and the ranked box that it is. */
void look_choose_region(struct workbench *w, int region);
/* The answer, image or box that is chosen, as targets count them (attribution_run), or -1. */
int look_choice(const struct workbench *w);
/* Back into bounds, after a new result. */
void look_settle(struct workbench *w);

/* ---- names.c */
/* "region 12 cat", "region 0 whole image": of the current photo in the result. */
void draw_region_name(const struct workbench *w, int region, char *out, size_t size);
void draw_token_name(const struct workbench *w, int token, char *out, size_t size);
/* Whether it is shown as a part of the token before it. */
bool draw_token_joined(const struct workbench *w, int token);
/* "mean of heads", "head 3/8" */
void draw_head_name(const struct workbench *w, const struct slice *x, enum attn_kind kind,
                    char *out, size_t size);

#endif
