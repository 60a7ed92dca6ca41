/* SPDX-License-Identifier: MIT */
/* Links to files.
 *
 * Source: "Hyperlinks in Terminal Emulators" (Egmont Koblinger), which also says why there is a
 * host in them; RFC 8089. */
#include "src/base/link.h"

#include "src/base/mem.h"
#include "src/base/plain.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool link_known(void)
{
    static const char *const known[] = {"xterm", "foot", "alacritty", "kitty", "ghostty", "tmux",
                                        "wezterm", "contour", "konsole", "vte", "gnome", "mlterm",
                                        "rxvt-unicode", "mintty", "st-"};
    const char *term = getenv("TERM"), *tmux = getenv("TMUX"), *screen = getenv("STY");
    for (size_t i = 0; term && i < sizeof known / sizeof known[0]; i++)
        if (strncmp(term, known[i], strlen(known[i])) == 0)
            return true;
    /* As tmux calls itself; GNU screen, begun in it, has its TMUX, and a STY of its own. */
    return term && tmux && tmux[0] && !screen && strncmp(term, "screen", 6) == 0;
}

static void put_encoded(struct buf *b, const char *s, const char *as_it_is)
{
    for (; *s; s++) {
        bool letter = (*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z');
        if (letter || (*s >= '0' && *s <= '9') || strchr(as_it_is, *s))
            buf_putc(b, *s);
        else
            buf_printf(b, "%%%02X", (unsigned char)*s);
    }
}

char *link_uri(const char *path, const char *part)
{
    char *whole = path ? realpath(path, NULL) : NULL, host[256] = "";
    struct buf b = {0};
    if (!whole)
        return NULL;
    if (gethostname(host, sizeof host - 1) != 0)
        host[0] = '\0';
    buf_puts(&b, "file://");
    put_encoded(&b, host, "-._");
    put_encoded(&b, whole, "/-._~");
    if (part) {
        buf_putc(&b, '#');
        put_encoded(&b, part, "-._~");
    }
    free(whole);
    return buf_steal(&b);
}

void link_print(FILE *out, const char *path, const char *part, const char *text)
{
    bool shown = isatty(fileno(out)) && link_known();
    char *uri = shown ? link_uri(path, part) : NULL;
    if (uri)
        fprintf(out, "\033]8;;%s\033\\", uri);
    plain_text(out, "%s", text);
    if (uri)
        fprintf(out, "\033]8;;\033\\");
    free(uri);
}
