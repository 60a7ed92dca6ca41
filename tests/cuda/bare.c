/* SPDX-License-Identifier: MIT */
/* What the readers have beside plain C, for machines that have nothing else: the GPU tests read one
 * checkpoint and safetensors, so shards and names of other files are refused. */
#include "src/formats/filekind.h"
#include "src/formats/tensorfile_priv.h"
#include "src/base/plain.h"

/* Only ASCII is printed here. */
void plain_clean(char *s)
{
    for (; *s; s++)
        if ((unsigned char)*s < ' ' || (unsigned char)*s > '~')
            *s = '?';
}

const char *file_kind(const struct bytes *map)
{
    (void)map;
    return "of an unknown kind";
}

bool sharded_recognise(const uint8_t *data, size_t size)
{
    (void)data;
    (void)size;
    return false;
}

int sharded_read(struct tensorfile *f, struct vs_err *err)
{
    (void)f;
    return vs_fail(err, VS_E_REFUSED, "shards are not read by the GPU tests");
}
