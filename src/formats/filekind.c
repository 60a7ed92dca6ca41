/* SPDX-License-Identifier: MIT */
/* What a file is that a reader cannot use: magic numbers. */
#include "src/formats/filekind.h"

#include "src/formats/byteorder.h"
#include "src/formats/image_priv.h"
#include "src/formats/labels.h"
#include "src/formats/tensorfile.h"
#include "src/formats/zip.h"

#include <stdbool.h>
#include <string.h>

static const struct {
    size_t at;
    const char *magic;
    size_t len;
    const char *what;
} kinds[] = {
    {0, "\x89HDF\r\n\x1a\n", 8, "an HDF5 file"},
    {0, "\x1f\x8b", 2, "a file compressed by gzip"},
    {0, "\xfd" "7zXZ", 5, "a file compressed by xz"},
    {0, "BZh", 3, "a file compressed by bzip2"},
    {0, "\x28\xb5\x2f\xfd", 4, "a file compressed by zstd"},
    {0, "7z\xbc\xaf\x27\x1c", 6, "a 7-Zip archive"},
    {257, "ustar", 5, "a tar archive"},
    {0, "MATLAB 5.0 MAT-file", 19, "a MATLAB file"},
    {0, "MATLAB 7.3 MAT-file", 19, "a MATLAB file"},
    {0, "ARROW1", 6, "an Arrow file"},
    {0, "GGUF", 4, "a GGUF file (llama.cpp's)"},
    {0, "PAR1", 4, "a Parquet file"},
    {0, "SQLite format 3", 15, "an SQLite database"},
    {0, "version https://git-lfs", 23, "a Git LFS pointer, in place of the file itself"},
    {0, "<!DOCTYPE html", 14, "a web page, in place of a download"},
    {0, "<!doctype html", 14, "a web page, in place of a download"},
    {0, "<html", 5, "a web page, in place of a download"},
    {0, "II*\0", 4, "a TIFF image"},
    {0, "MM\0*", 4, "a TIFF image"},
    {0, "%PDF", 4, "a PDF document"},
    {0, "\x93NUMPY", 6, "a .npy file"},
    {0, "\xff\xfe", 2, "text in UTF-16 (save it as UTF-8)"},
    {0, "\xfe\xff", 2, "text in UTF-16 (save it as UTF-8)"},
    {16, "\xde\xc0\xef\xbe", 4, "an LMDB database"},
};

static bool has_member_end(const struct bytes *map, const char *end)
{
    struct zip z;
    size_t len = strlen(end);
    bool found = false;
    if (zip_open(map, &z, NULL) == 0)
        for (int i = 0; !found && i < z.count; i++) {
            size_t n = z.list[i].name_len;
            found = n >= len && memcmp(z.list[i].name + n - len, end, len) == 0;
        }
    zip_close(&z);
    return found;
}

static bool is_text(const struct bytes *map)
{
    size_t n = map->size < 4096 ? map->size : 4096;
    for (size_t i = 0; i < n; i++)
        if (!map->data[i] || (map->data[i] < ' ' && !strchr("\t\n\r\f", map->data[i])))
            return false;
    return true;
}

/* A vocabulary begins with a bracket, too. */
static bool is_json(const struct bytes *map)
{
    size_t i = 1;
    if (map->size < 2 || (map->data[0] != '{' && map->data[0] != '['))
        return false;
    while (i + 1 < map->size && map->data[i] && strchr(" \t\r\n", map->data[i]))
        i++;
    return map->data[i] && strchr("{}[]\"-0123456789tfn", map->data[i]);
}

static bool first_member_is(const struct bytes *map, const char *end)
{
    size_t len = strlen(end), n = map->size > 30 ? (size_t)le_read(map->data + 26, 2) : 0;
    return n >= len && map->size >= 30 + n && memcmp(map->data + 30 + n - len, end, len) == 0;
}

bool file_is_torch_zip(const struct bytes *map)
{
    return map->size >= 4 && memcmp(map->data, "PK\3\4", 4) == 0 &&
           (first_member_is(map, "data.pkl") || has_member_end(map, "data.pkl"));
}

const char *file_kind(const struct bytes *map)
{
    enum image_kind picture;
    size_t n = map->size;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (n >= kinds[i].at + kinds[i].len &&
            memcmp(map->data + kinds[i].at, kinds[i].magic, kinds[i].len) == 0)
            return kinds[i].what;
    if (n >= 4 && memcmp(map->data, "PK\3\4", 4) == 0)
        return file_is_torch_zip(map)        ? "a checkpoint of PyTorch"
               : has_member_end(map, ".npy") ? "an archive of numpy (.npz)"
                                             : "a zip archive";
    if (image_sniff(map->data, n, &picture))
        return "an image";
    if (n >= 9 && map->data[8] == '{')
        return "a safetensors file";
    if (sharded_recognise(map->data, n))
        return "an index of a checkpoint's shards";
    if (torch_legacy_recognise(map))
        return "a checkpoint of PyTorch";
    if (labels_are_pickled(map))
        return "a pickle";
    if (!is_text(map))
        return "of an unknown kind";
    return is_json(map) ? "JSON" : "text";
}
