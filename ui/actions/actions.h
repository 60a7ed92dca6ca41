/* SPDX-License-Identifier: MIT */
/* What keys, the command line and scripts do. */
#ifndef UI_ACTIONS_H
#define UI_ACTIONS_H

#include "ui/views/views.h"

/* ---- actions_table.c: everything that can be done */
/* Made once of the tables here and those of the views; ends in a NULL title. */
const struct action_group *actions_all(void);
/* The key table as mdoc, for the man page. */
void actions_print_mdoc(void);
extern const struct action what_if_actions[]; /* do_what_if.c */

/* ---- actions.c: from keys and command lines to actions */
const struct action *action_find(const struct workbench *w, const char *name);
void actions_key(struct workbench *w, int key, bool special);
/* Runs "name argument". False, with the status line saying why, when there is no such action or it
 * failed. */
bool actions_line(struct workbench *w, const char *line);
/* ---- settings.c */
void bindings_free(struct bindings *b);
void do_bind(struct workbench *w, const char *arg);
void do_set(struct workbench *w, const char *arg);
/* ---- keys.c: acts on all that the terminal sends. */
struct keys_taken {
    bool acted;   /* something came other than the mouse moving without a button */
    bool pointed; /* it points at something else now: unless acted, nothing else has changed */
};
struct keys_taken keys_take(struct workbench *w);
/* Presses a key by its name; false when there is no such key. */
bool keys_press(struct workbench *w, const char *name);
/* After curses has started. */
void keys_learn(struct workbench *w);
/* Whether a key can have this name. */
bool keys_known(const char *name);
/* The name of a key, as in the table of actions: "Left", "C-l", "x". special for KEY_*. */
void keys_name(int key, bool special, char *out, size_t size);
/* ---- complete.c: completes the command line in place */
void complete_command(struct workbench *w);
/* ---- conf.c: the user's own keys and settings */
/* Reads $XDG_CONFIG_HOME/vilscope/vilscope.conf, when there is one; what is wrong in it is said. */
void conf_load(struct workbench *w);
/* A text file, of a megabyte at most; NULL when it cannot be read. The caller frees it. */
char *conf_read_text(const char *path, struct vs_err *err);
/* ---- typing.c: keys of lines that are typed */
void typing_key(struct workbench *w, int key, bool special);
void do_find(struct workbench *w, const char *arg);
/* ---- paste.c: pasted text, which is never a key */
void typing_paste(struct workbench *w, const struct input_event *e);

/* ---- do_query.c */
void do_ask(struct workbench *w, const char *arg);
void do_again(struct workbench *w, const char *arg);
void do_checkpoint(struct workbench *w, const char *arg);
void do_suggest(struct workbench *w, const char *arg);
void do_cancel(struct workbench *w, const char *arg);
/* ---- do_photo.c */
void do_open(struct workbench *w, const char *arg);
void do_image(struct workbench *w, const char *arg);
void do_image_next(struct workbench *w, const char *arg);
void do_image_previous(struct workbench *w, const char *arg);
void do_detect(struct workbench *w, const char *arg);
void do_boxes_more(struct workbench *w, const char *arg);
void do_boxes_fewer(struct workbench *w, const char *arg);
/* ---- do_look.c */
void do_token(struct workbench *w, const char *arg);
void do_region(struct workbench *w, const char *arg);
void do_rank(struct workbench *w, const char *arg);
/* Whose maps are on the screen: what the shown result's checkpoint is one of, or the first. */
const struct family *look_family(const struct workbench *w);
void do_map(struct workbench *w, const char *arg);
void do_layer(struct workbench *w, const char *arg);
void do_layer_next(struct workbench *w, const char *arg);
void do_layer_previous(struct workbench *w, const char *arg);
void do_head(struct workbench *w, const char *arg);
void do_head_next(struct workbench *w, const char *arg);
void do_head_previous(struct workbench *w, const char *arg);
void do_overlay(struct workbench *w, const char *arg);
void do_special(struct workbench *w, const char *arg);
void do_sort(struct workbench *w, const char *arg);
void do_color_map(struct workbench *w, const char *arg);
/* ---- do_panes.c */
void do_view(struct workbench *w, const char *arg);
void do_split(struct workbench *w, const char *arg);
void do_hide(struct workbench *w, const char *arg);
void do_zoom(struct workbench *w, const char *arg);
void do_focus_next(struct workbench *w, const char *arg);
void do_focus_previous(struct workbench *w, const char *arg);
void do_line_left(struct workbench *w, const char *arg);
void do_line_right(struct workbench *w, const char *arg);
void do_line_up(struct workbench *w, const char *arg);
void do_line_down(struct workbench *w, const char *arg);
void do_even(struct workbench *w, const char *arg);
/* ---- do_export.c */
void do_export(struct workbench *w, const char *arg);
void do_save_display(struct workbench *w, const char *arg);
void do_save_images(struct workbench *w, const char *arg);
void do_copy(struct workbench *w, const char *arg);
/* ---- script.c */
void do_source(struct workbench *w, const char *arg);
void do_wait(struct workbench *w, const char *arg);
void do_sleep(struct workbench *w, const char *arg);
void do_pause(struct workbench *w, const char *arg);
void do_say(struct workbench *w, const char *arg);
void do_press(struct workbench *w, const char *arg);
/* The same of commands that are no file. */
void script_lines(struct workbench *w, const char *lines);
int script_open(struct workbench *w, const char *path, struct vs_err *err);
/* Runs what can be run. The ms that it waits for a moment, or -1. */
int script_step(struct workbench *w);
void script_fini(struct workbench *w);

#endif
