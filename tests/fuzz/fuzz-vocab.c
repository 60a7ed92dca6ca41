/* SPDX-License-Identifier: MIT */
/* Vocabularies, and texts cut with them: the bytes before the first NUL are the vocabulary's tail,
 * those behind it the text. */
#include "src/text/tokenizer.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char head[] = "[UNK]\n[CLS]\n[SEP]\n[PAD]\na\n##a\nb\n##b\n.\n";
    char path[64];
    struct tokenizer *t = NULL;
    struct vs_err err = {0};
    const uint8_t *cut = memchr(data, 0, size);
    size_t vocab = cut ? (size_t)(cut - data) : 0, text = cut ? size - vocab - 1 : size;
    uint8_t *all = malloc(sizeof head + size);
    if (!all)
        return 0;
    memcpy(all, head, sizeof head - 1);
    memcpy(all + sizeof head - 1, data, vocab);
    int fd = fuzz_file(all, sizeof head - 1 + vocab, path);
    if (tokenizer_open(path, &t, &err) == 0) {
        struct token *list = NULL;
        int n = tokenizer_run(t, (const char *)data + size - text, text, &list);
        for (int i = 0; i < n; i++)
            if (!tokenizer_piece(t, list[i].id) || list[i].begin < 0 ||
                list[i].end < list[i].begin || (size_t)list[i].end > text)
                abort();
        free(list);
    }
    tokenizer_free(t);
    close(fd);
    fd = fuzz_file(data, size, path);
    t = NULL;
    if (tokenizer_open(path, &t, &err) == 0)
        tokenizer_free(t);
    close(fd);
    free(all);
    return 0;
}
