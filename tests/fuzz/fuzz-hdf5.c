/* SPDX-License-Identifier: MIT */
/* Region features in HDF5 files. libhdf5 has faults of its own, which the program leaves to the
 * sandbox, and bytes hardly ever become a file of it by chance. So there are three kinds of input:
 * a file as it is; the answer of a sandbox that was taken over (it begins with 'A'); and any other,
 * a recipe: sound files in which names, axes, types, rows and ids contradict each other.
 *
 * For long runs "-ignore_crashes=1 -fork=1": what crashes in libhdf5 itself is no finding. */
#include "src/formats/hdf5map.h"
#include "src/formats/hdf5read.h"
#include "src/formats/regionparts.h"
#include "tests/fuzz/fuzz_regions.h"

#include <hdf5.h>
#include <string.h>

extern const struct hdf5_module vilscope_hdf5_module;

/* ---- the answer of the sandbox */

static const uint8_t *answer;
static size_t answer_size;

static void give_answer(void *arg)
{
    struct hdf5_ask *ask = arg;
    size_t n = answer_size < 1 << 20 ? answer_size : 1 << 20;
    if (n)
        memcpy(ask->found, answer, n);
    ask->found->rc = 0;
}

static const struct hdf5_module taken_over = {HDF5_MODULE_VERSION, hdf5_begin, give_answer};

/* In the place of the one that opens the module. */
const struct hdf5_module *hdf5_module_open(const char *path, struct vs_err *err)
{
    (void)path;
    if (!hdf5_begin())
        vs_fail(err, VS_E_REFUSED, "libhdf5 does not start");
    return answer ? &taken_over : &vilscope_hdf5_module;
}

/* ---- files from recipes */

struct recipe {
    const uint8_t *at, *end;
};

static unsigned next(struct recipe *r)
{
    return r->at < r->end ? *r->at++ : 0;
}

static const char *next_name(struct recipe *r)
{
    static const char *const own[] = {"image_ids", "img_id", "pos_boxes", "spatial_features", NULL};
    static const char *const *const lists[] = {parts_features, parts_boxes, parts_prob, own,
                                               parts_objects, parts_conf, parts_rows, parts_width,
                                               parts_height, own};
    const char *const *list = lists[next(r) % (sizeof lists / sizeof lists[0])];
    unsigned n = 0, i = next(r);
    while (list[n])
        n++;
    return list[i % n];
}

/* The caller closes. Numbers of all kinds and orders, text of two kinds, one that is neither. */
static hid_t next_type(struct recipe *r)
{
    const hid_t numbers[] = {H5T_IEEE_F32LE, H5T_IEEE_F64BE, H5T_STD_I32LE, H5T_STD_I64BE,
                             H5T_STD_U8LE, H5T_STD_U64LE, H5T_IEEE_F32LE, H5T_IEEE_F32LE};
    unsigned kind = next(r);
    if (kind < 200)
        return H5Tcopy(numbers[kind % 8]);
    hid_t type = H5Tcopy(H5T_C_S1);
    if (kind < 220)
        H5Tset_size(type, 1 + kind % 5);
    else if (kind < 240)
        H5Tset_size(type, H5T_VARIABLE);
    if (kind < 240)
        return type;
    hid_t pair = H5Tcreate(H5T_COMPOUND, 16);
    H5Tinsert(pair, "a", 0, H5T_STD_I64LE);
    H5Tclose(type);
    return pair;
}

static hid_t next_space(struct recipe *r, hsize_t *elements)
{
    hsize_t shape[5];
    unsigned how = next(r);
    int axes = (int)(how % 5);
    *elements = 1;
    for (int i = 0; i < axes; i++) {
        unsigned n = next(r);
        shape[i] = n < 250 ? n % 6 : n - 200; /* boxes have four columns */
        *elements *= shape[i];
    }
    return how == 255 ? H5Screate(H5S_NULL)
           : axes     ? H5Screate_simple(axes, shape, NULL)
                      : H5Screate(H5S_SCALAR);
}

static void write_elements(struct recipe *r, hid_t set, hid_t type, hsize_t n, bool attribute)
{
    size_t size = H5Tget_size(type);
    bool text = H5Tget_class(type) == H5T_STRING && H5Tis_variable_str(type) > 0;
    if (n == 0 || n > 4096)
        return;
    uint8_t *data = xcalloc((size_t)n, size);
    char *words[] = {(char[]){"9"}, (char[]){"42"}, (char[]){""}, (char[]){"a/b \xff"}};
    for (hsize_t i = 0; text && i < n; i++)
        ((char **)(void *)data)[i] = words[next(r) % 4];
    for (size_t i = 0; !text && i < (size_t)n * size && r->at < r->end; i++)
        data[i] = (uint8_t)next(r);
    if (attribute)
        H5Awrite(set, type, data);
    else
        H5Dwrite(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data);
    free(data);
}

static void next_array(struct recipe *r, hid_t group)
{
    hsize_t n = 0;
    const char *name = next_name(r);
    unsigned how = next(r);
    hid_t type = next_type(r), space = next_space(r, &n), set = -1;
    if (how % 8 == 7)
        set = H5Acreate2(group, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    else if (H5Lexists(group, name, H5P_DEFAULT) <= 0)
        set = H5Dcreate2(group, name, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    if (set >= 0 && how < 240) /* else nothing was ever written */
        write_elements(r, set, type, n, how % 8 == 7);
    if (set >= 0 && how % 8 == 7)
        H5Aclose(set);
    else if (set >= 0)
        H5Dclose(set);
    H5Sclose(space);
    H5Tclose(type);
}

/* "42" and "9" with arrays in them, links that lead nowhere or round in circles. */
static void next_group(struct recipe *r, hid_t file)
{
    static const char *const names[] = {"42", "9", "features", "\xff", "a b", "0"};
    const char *name = names[next(r) % 6];
    unsigned kind = next(r) % 8;
    if (H5Lexists(file, name, H5P_DEFAULT) > 0)
        return;
    if (kind == 7)
        H5Lcreate_soft(next(r) % 2 ? "/" : "/nowhere", file, name, H5P_DEFAULT, H5P_DEFAULT);
    if (kind == 6)
        H5Lcreate_external("/etc/passwd", "/", file, name, H5P_DEFAULT, H5P_DEFAULT);
    if (kind > 5)
        return;
    hid_t group = H5Gcreate2(file, name, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    for (unsigned i = 0; i < kind; i++)
        next_array(r, group);
    H5Gclose(group);
}

/* NULL: libhdf5 did not make it. */
static uint8_t *make_file(const uint8_t *data, size_t size, size_t *out)
{
    struct recipe r = {data, data + size};
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    H5Pset_fapl_core(access, 4096, false);
    hid_t file = H5Fcreate("/recipe", H5F_ACC_TRUNC, H5P_DEFAULT, access);
    unsigned arrays = next(&r) % 12, groups = next(&r) % 4;
    for (unsigned i = 0; i < arrays; i++)
        next_array(&r, file);
    for (unsigned i = 0; i < groups; i++)
        next_group(&r, file);
    H5Fflush(file, H5F_SCOPE_LOCAL);
    ssize_t n = H5Fget_file_image(file, NULL, 0);
    uint8_t *image = n > 0 ? xcalloc((size_t)n, 1) : NULL;
    *out = image ? (size_t)n : 0;
    if (image && H5Fget_file_image(file, image, (size_t)n) != n)
        abort();
    H5Fclose(file);
    H5Pclose(access);
    return image;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t signature[] = "\x89HDF\r\n\x1a\n";
    char path[64];
    bool whole = size >= 8 && memcmp(data, signature, 8) == 0, said = size && data[0] == 'A';
    uint8_t *made = NULL;
    size_t made_size = 8;
    if (size > 1 << 20 || !hdf5_begin())
        return 0;
    if (!whole && !said)
        made = make_file(data, size, &made_size);
    answer = said ? data + 1 : NULL;
    answer_size = said ? size - 1 : 0;
    int fd = fuzz_file(whole ? data : made ? made : signature, whole ? size : made_size, path);
    fuzz_regions(path, "42");
    answer = NULL;
    close(fd);
    free(made);
    return 0;
}
