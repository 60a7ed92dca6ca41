/* What a terminal sends: replies to our questions, and text for the screen. */
#include "tests/fuzz/fuzz.h"
#include "ui/term.h"
#include "ui/text.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct term_parser p = {0};
    for (size_t i = 0; i < size; i++)
        term_feed(&p, data[i]);
    term_settle(&p.term);
    if (p.term.registers < 2 || p.term.max_w < 16 || p.key_count >= sizeof p.keys)
        abort();
    char *text = malloc(size + 1), out[100];
    if (text) {
        memcpy(text, data, size);
        text[size] = '\0';
        if (text_fit(text, 40, out, sizeof out) > 40 || strlen(out) >= sizeof out)
            abort();
        for (char *s = out; *s; s++)
            if ((unsigned char)*s < 32 || *s == 127)
                abort();
    }
    free(text);
    return 0;
}
