/* SPDX-License-Identifier: MIT */
/* The table of everything that can be done: what keys, the command line, scripts, the help and the
 * manual know. */
#include "ui/kit/term_virtual.h"
#include "ui/actions/actions.h"

#include <stdio.h>
#include <string.h>

/* ---- small ones */

static void do_quit(struct workbench *w, const char *arg)
{
    (void)arg;
    if (w->panes.popup.view && strcmp(w->typed.key, "q") == 0)
        panes_leave_popup(w);
    else
        w->quit = true;
}

/* ^C stops what runs; when nothing does, the program. */
static void do_interrupt(struct workbench *w, const char *arg)
{
    if (w->script.at)
        script_fini(w);
    else if (workbench_busy(w))
        do_cancel(w, arg);
    else
        w->quit = true;
}

static void do_redraw(struct workbench *w, const char *arg)
{
    (void)arg;
    w->screen.redraw = true;
}

static void do_suspend(struct workbench *w, const char *arg)
{
    (void)arg;
    if (term_virtual())
        workbench_say(w, true, "there is no terminal to leave");
    else
        w->screen.suspend = true;
}

static void do_accept(struct workbench *w, const char *arg)
{
    struct pane *p = panes_focused(&w->panes);
    if (p->view->accept)
        p->view->accept(w, p);
    else if (p->view->popup)
        panes_leave_popup(w);
    else
        typed_query(w, arg);
}

static void move_up(struct workbench *w, const char *arg)
{
    (void)arg;
    panes_move(w, MOVE_UP);
}

static void move_down(struct workbench *w, const char *arg)
{
    (void)arg;
    panes_move(w, MOVE_DOWN);
}

static void move_left(struct workbench *w, const char *arg)
{
    (void)arg;
    panes_move(w, MOVE_LEFT);
}

static void move_right(struct workbench *w, const char *arg)
{
    (void)arg;
    panes_move(w, MOVE_RIGHT);
}

static void move_page_up(struct workbench *w, const char *arg)
{
    (void)arg;
    panes_move(w, MOVE_PAGE_UP);
}

static void move_page_down(struct workbench *w, const char *arg)
{
    (void)arg;
    panes_move(w, MOVE_PAGE_DOWN);
}

static void move_first(struct workbench *w, const char *arg)
{
    (void)arg;
    panes_move(w, MOVE_FIRST);
}

static void move_last(struct workbench *w, const char *arg)
{
    (void)arg;
    panes_move(w, MOVE_LAST);
}

/* ---- the tables */

static const struct action asking[] = {
    {"type", "i", "[TEXT]", NULL, "type a query; Enter asks it, Tab chooses the task", typed_query},
    {"find", "/", "[TEXT]", NULL, "search the view; where there is no list, type a query", do_find},
    {"ask", "", "TEXT", NULL, "ask a query", do_ask},
    {"again", "r", "", NULL, "ask the query again", do_again},
    {"suggest", "s", "[TASK]", NULL, "ask the next query that the model suggests", do_suggest},
    {"checkpoint", "c", "[CHECKPOINT]", NULL, "choose the next checkpoint", do_checkpoint},
    {"cancel", "Esc", "", NULL, "go back; stop the query or the detector; clear the selection",
     do_cancel},
    {0},
};

static const struct action images[] = {
    {"open", "o", "[FILE]", NULL, "open an image: IMAGE, or IMAGE REGIONS", do_open},
    {"next-image", "n", "", NULL, "the next image", do_image_next},
    {"previous-image", "p", "", NULL, "the previous image", do_image_previous},
    {"image", "", "N", NULL, "go to an image", do_image},
    {"more-boxes", "+ =", "[N]", NULL, "show one more box, or N boxes", do_boxes_more},
    {"fewer-boxes", "-", "", NULL, "show one box fewer", do_boxes_fewer},
    {"detect", "d", "", NULL, "detect regions again, after a cancel", do_detect},
    {"box", "b", "", NULL, "draw a box: arrows or hjkl and Enter, or the mouse", do_box},
    {"drop-box", "x", "", NULL, "remove the box that was drawn last", do_box_drop},
    {0},
};

static const struct action choosing[] = {
    {"left", "Left h", "", NULL, "choose the previous token", move_left},
    {"right", "Right l", "", NULL, "choose the next token: the image shows what it attends to",
     move_right},
    {"up", "Up k", "", NULL, "choose the answer, box, image or line above", move_up},
    {"down", "Down j", "", NULL, "choose the one below", move_down},
    {"page-up", "PageUp C-u", "", NULL, "go up a page", move_page_up},
    {"page-down", "PageDown C-d", "", NULL, "go down a page", move_page_down},
    {"first", "Home", "", NULL, "go to the first", move_first},
    {"last", "End G", "", NULL, "go to the last", move_last},
    {"token", "", "N|TEXT", NULL, "choose a token by number or text", do_token},
    {"region", "", "N", NULL, "choose a region; 0 is the whole image", do_region},
    {"rank", "", "N", NULL, "choose an answer, box or image by its rank", do_rank},
    {"map", "m", "[MAP]", NULL,
     "the attention map: text to image, image to text, text, image; of the single-stream baseline "
     "joint", do_map},
    {"next-layer", "]", "", NULL, "the next layer of the map", do_layer_next},
    {"previous-layer", "[", "", NULL, "the previous layer", do_layer_previous},
    {"layer", "", "N", NULL, "choose a layer", do_layer},
    {"next-head", "}", "", NULL, "the next head; also mean, maximum and rollout",
     do_head_next},
    {"previous-head", "{", "", NULL, "the previous head", do_head_previous},
    {"head", "", "HEAD|N", NULL, "choose a head, or mean, max or rollout", do_head},
    {"overlay", "a", "", NULL, "show attention on the image, or hide it", do_overlay},
    {"special", "Z", "", NULL, "hide special tokens and the whole image, or show them", do_special},
    {"sort", "S", "", NULL, "sort by weight", do_sort},
    {"colors", "C", "[COLORS]", NULL, "the next color map", do_color_map},
    {0},
};

static const struct action panes[] = {
    {"next-pane", "Tab", "", NULL, "focus the next pane", do_focus_next},
    {"previous-pane", "S-Tab", "", NULL, "focus the previous pane", do_focus_previous},
    {"zoom", "z", "", NULL, "maximise the focused pane, or restore it", do_zoom},
    {"view", "v", "[VIEW]", NULL, "show a view in the focused pane", do_view},
    {"split", "|", "[VIEW]", NULL,
     "show a view in a new pane; the focused view may be shown a second time",
     do_split},
    {"hide", "_", "[VIEW]", NULL, "close the focused pane", do_hide},
    {"line-left", "C-Left", "", NULL,
     "move the line beside the focused pane to the left; the mouse drags it", do_line_left},
    {"line-right", "C-Right", "", NULL, "the same to the right", do_line_right},
    {"line-up", "C-Up", "", NULL,
     "move the line below the focused pane up; for the last pane, the line above it", do_line_up},
    {"line-down", "C-Down", "", NULL, "the same down", do_line_down},
    {"even", "", "", NULL, "give all panes their usual sizes", do_even},
    {"accept", "Enter", "", NULL, "use the chosen line; elsewhere, type a query", do_accept},
    {"redraw", "C-l", "", NULL, "redraw the screen", do_redraw},
    {0},
};

static const struct action outside[] = {
    {"export", "e", "[FILE]", NULL,
     "write the view as a figure (.svg, .pdf, .png), its numbers (.csv, .npy), or the result "
     "(.json)",
     do_export},
    {"copy", "y", "", NULL, "copy the chosen text to the clipboard, where the terminal allows it",
     do_copy},
    {"save-display", "", "FILE", NULL, "write the screen as text", do_save_display},
    {"save-images", "", "FOLDER", NULL, "write the graphics on the screen as PNG", do_save_images},
    {"command", ":", "[TEXT]", NULL, "type a command; Tab completes", typed_command},
    {"source", "", "FILE", NULL, "run the commands of a file", do_source},
    {"wait", "", "", NULL, "in a script: wait until all is computed and shown", do_wait},
    {"sleep", "", "SECONDS", NULL, "in a script: wait a moment", do_sleep},
    {"pause", "", "", NULL, "in a script: wait for a key", do_pause},
    {"say", "", "TEXT", NULL, "show a line of text", do_say},
    {"press", "", "KEY", NULL, "press a key", do_press},
    {"bind", "", "KEY TEXT", NULL, "bind a key to a command", do_bind},
    {"set", "", "OPTION VALUE", NULL, "set boxes, colors, figures, graphics, mouse, special, "
     "theme or words", do_set},
    {"suspend", "C-z", "", NULL, "suspend the program", do_suspend},
    {"interrupt", "C-c", "", NULL, "stop what is running; quit if nothing is", do_interrupt},
    {"quit", "q", "", NULL, "quit", do_quit},
    {0},
};

static const struct action_group own[] = {
    {"Asking", asking},
    {"Images", images},
    {"Choosing", choosing},
    {"Inside the model", what_if_actions},
    {"Comparing checkpoints", NULL}, /* those of views alone */
    {"Panes and lists", panes},
    {"Files, scripts, the program", outside},
};
#define GROUPS (int)(sizeof own / sizeof own[0])

/* ---- all of them: the tables above, and the views' rows where those say */

#define MOST 64 /* of a group */

struct index {
    struct action rows[GROUPS][MOST + 1]; /* ends in a NULL name */
    struct action_group groups[GROUPS + 1];
};

static int row_count(const struct action *rows)
{
    int n = 0;
    while (rows && rows[n].name)
        n++;
    return n;
}

/* The place behind an action, or at the beginning of a group of this title; false: none. */
static bool actions_table_find_place(const struct index *x, const char *name_or_title, int *group,
                                     int *at)
{
    for (int g = 0; g < GROUPS; g++) {
        *group = g;
        *at = 0;
        if (strcmp(own[g].title, name_or_title) == 0)
            return true;
        for (*at = 0; x->rows[g][*at].name;)
            if (strcmp(x->rows[g][(*at)++].name, name_or_title) == 0)
                return true;
    }
    return false; /* behind the last one */
}

/* False: what they stand behind is not there yet. anyway: then they are the last. */
static bool add_rows(struct index *x, const struct action *first, bool anyway)
{
    int g, at;
    if (!actions_table_find_place(x, first->what, &g, &at) && !anyway)
        return false;
    for (const struct action *a = first + 1; a->name && a->name[0]; a++, at++) {
        struct action *rows = x->rows[g];
        int n = row_count(rows);
        if (n == MOST)
            return true;
        memmove(rows + at + 1, rows + at, (size_t)(n - at) * sizeof *rows);
        rows[at] = *a;
    }
    return true;
}

/* Rows may stand behind those of a view that comes later, so again until nothing is added. */
static void add_views(struct index *x)
{
    const struct action *left[2 * MOST];
    int count = 0, before;
    for (int i = 0; all_views[i]; i++)
        for (const struct action *a = all_views[i]->actions; a && a->name; a++)
            if (!a->name[0] && count < 2 * MOST)
                left[count++] = a;
    do {
        before = count;
        count = 0;
        for (int i = 0; i < before; i++)
            if (!add_rows(x, left[i], false))
                left[count++] = left[i];
    } while (count < before);
    for (int i = 0; i < count; i++)
        add_rows(x, left[i], true);
}

const struct action_group *actions_all(void)
{
    static struct index x;
    if (x.groups[0].title)
        return x.groups;
    for (int g = 0; g < GROUPS; g++) {
        if (own[g].actions)
            memcpy(x.rows[g], own[g].actions,
                   (size_t)row_count(own[g].actions) * sizeof(struct action));
        x.groups[g] = (struct action_group){own[g].title, x.rows[g]};
    }
    add_views(&x);
    return x.groups;
}

/* ---- the manual */

/* Text for mdoc: a backslash, or a mark at the beginning of a word, would be one of its own. */
static void print_escaped(const char *s)
{
    static const char marks[] = "!?:;.,()[]|-";
    if (strchr(marks, *s) && *s && (!s[1] || s[1] == ' '))
        printf("\\&");
    for (; *s; s++)
        if (*s == '\\')
            printf("\\e");
        else
            putchar(*s);
}

static void print_keys(const struct action *a)
{
    char keys[128], *save = NULL;
    snprintf(keys, sizeof keys, "%s", a->keys);
    for (char *k = strtok_r(keys, " ", &save); k; k = strtok_r(NULL, " ", &save)) {
        printf(" Ic ");
        print_escaped(k);
    }
}

void actions_print_mdoc(void)
{
    for (const struct action_group *g = actions_all(); g->title; g++) {
        printf(".Ss %s\n.Bl -tag -width Ds\n", g->title);
        for (const struct action *a = g->actions; a->name; a++) {
            printf(".It Cm %s", a->name);
            if (a->args[0]) {
                printf(" Ar ");
                print_escaped(a->args);
            }
            if (a->keys[0])
                printf(" Pq");
            print_keys(a);
            putchar('\n');
            putchar(a->what[0] >= 'a' && a->what[0] <= 'z' ? a->what[0] - 'a' + 'A' : a->what[0]);
            printf("%s%s%s.\n", a->what + 1, a->view ? "; in the view " : "",
                   a->view ? a->view : "");
        }
        printf(".El\n");
    }
}
