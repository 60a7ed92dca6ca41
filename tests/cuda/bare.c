/* SPDX-License-Identifier: MIT */
/* What the readers have beside plain C, for machines that have nothing else: the GPU tests read one
 * legacy checkpoint and safetensors, so archives, shards and names of other files are refused. */
#include "src/formats/filekind.h"
#include "src/formats/tensorfile_priv.h"
#include "src/formats/zip.h"
#include "src/base/plain.h"

#include <string.h>

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

int zip_open(const struct bytes *map, struct zip *out, struct vs_err *err)
{
    memset(out, 0, sizeof *out);
    return vs_fail(err, VS_E_REFUSED, "%s: zip archives are not read by the GPU tests", map->path);
}

void zip_close(struct zip *z)
{
    (void)z;
}

const struct zip_member *zip_find(const struct zip *z, const char *name)
{
    (void)z;
    (void)name;
    return NULL;
}

int zip_bytes(const struct zip *z, const struct zip_member *m, const uint8_t **out,
              struct vs_err *err)
{
    (void)z;
    (void)m;
    *out = NULL;
    return vs_fail(err, VS_E_REFUSED, "zip archives are not read by the GPU tests");
}
