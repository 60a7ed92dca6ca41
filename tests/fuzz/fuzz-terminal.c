/* SPDX-License-Identifier: MIT */
/* What a terminal sends: replies to our questions, and text for the screen. */
#include "tests/fuzz/fuzz.h"
#include "ui/kit/input.h"
#include "ui/kit/text.h"

#include <string.h>

/* Keys have codes, and no control character is left in pasted text. */
static void take_events(struct input *in)
{
    struct input_event e;
    while (input_next(in, &e)) {
        struct buf line = {0};
        if (e.kind == INPUT_KEY && e.key < 0)
            abort();
        if (e.kind == INPUT_PASTE && e.text.data) {
            text_paste(e.text.data, e.text.len, ' ', &line);
            for (size_t i = 0; i < line.len; i++)
                if ((unsigned char)line.data[i] < 32)
                    abort();
        }
        buf_fini(&line);
        input_event_fini(&e);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {.replied = size && data[0] & 1};
    double now = 1000;
    for (size_t i = 0; i < size; i++) {
        char byte = (char)data[i];
        now += i % 7 == 6 ? data[i] * 3 : 0; /* pauses come from the data, too */
        input_feed(&in, &byte, 1, now);
        take_events(&in);
    }
    for (int i = 0; i < 8; i++) {
        now += 10000;
        input_tick(&in, now);
        take_events(&in);
    }
    term_settle(&in.term);
    if (in.term.registers < 2 || in.term.max_w < 16 || in.state != INPUT_GROUND)
        abort();
    input_fini(&in);
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
