/* SPDX-License-Identifier: MIT */
/* Which entry of terminfo the screen is drawn by. */
#ifndef UI_TERMINFO_H
#define UI_TERMINFO_H

#include <stdbool.h>

/* The entry that curses draws by: TERM, or "xterm-256color" where the machine does not know TERM
 * (a fresh server, a new terminal). Asks terminfo anew. */
const char *terminfo_name(void);
/* TERM when the machine does not know it; NULL when it does. */
const char *terminfo_unknown(void);
/* Opens curses' screen by that entry; false when it has none at all. Where the environment
 * (COLORTERM), the terminal (told) or terminfo says that colors are 24 bits, color numbers are
 * 0xrrggbb and COLORS is 1 << 24. With NO_COLOR the terminal has none. */
bool terminfo_open(bool told);

#endif
