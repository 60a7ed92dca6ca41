/* SPDX-License-Identifier: MIT */
/* The model's configuration. */
#include "src/model/vilbert/config.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64];
    struct config c;
    struct vs_err err = {0};
    int fd = fuzz_file(data, size, path);
    if (config_read(path, &c, &err) == 0) {
        for (int i = 0; i < c.connections; i++)
            if (c.t_biattention[i] >= c.text.layers || c.v_biattention[i] >= c.v_layers)
                abort();
    } else if (!err.text[0]) {
        abort();
    }
    close(fd);
    return 0;
}
