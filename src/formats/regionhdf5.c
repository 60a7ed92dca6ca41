/* SPDX-License-Identifier: MIT */
/* Regions in HDF5 files, which libhdf5 reads in the sandbox (hdf5read.c). */
#include "src/formats/regionhdf5.h"

#include "src/formats/hdf5read.h"
#include "src/formats/hdf5side.h"
#include "src/formats/regionparts.h"
#include "src/formats/sandbox.h"
#include "src/base/mem.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define SIGNATURE "\x89HDF\r\n\x1a\n"

/* A block of somebody's own may stand before it (MATLAB's), of 512 bytes or twice, four times ...
 * as many. */
bool regions_are_hdf5(const struct bytes *map)
{
    size_t last = map->size >= 8 ? map->size - 8 : 0;
    for (size_t at = 0; map->size >= 8 && at <= last; at = at ? 2 * at : 512) {
        if (memcmp(map->data + at, SIGNATURE, 8) == 0)
            return true;
        if (at > last / 2) /* twice as many may be more than a size can say */
            return false;
    }
    return false;
}

/* ---- asking */

static pthread_mutex_t hdf5_lock = PTHREAD_MUTEX_INITIALIZER;

static const struct hdf5_names names_of = {parts_features, parts_boxes, parts_prob, parts_objects,
                                           parts_conf, parts_width, parts_height, parts_rows};

/* ask->found is unmapped by hdf5_forget, whatever comes back. */
static int hdf5_ask(struct hdf5_ask *ask, const char *what, struct vs_err *err)
{
    const char *path = ask->map->path;
    const struct hdf5_module *module = hdf5_module_open(path, err);
    int detail = 0;
    if (!module)
        return VS_E_REFUSED;
    ask->names_of = &names_of;
    struct hdf5_found *f = mmap(NULL, HDF5_ROOM, PROT_READ | PROT_WRITE,
                                MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    ask->found = f == MAP_FAILED ? NULL : f;
    if (!ask->found)
        return vs_fail(err, VS_E_LIMIT, "%s: no memory to read it with", path);
    /* Where there is no process for it, one thread at a time: not every libhdf5 knows of others. */
    pthread_mutex_lock(&hdf5_lock);
    enum sandbox_end end = sandbox_run(module->find, ask, (size_t)1 << 30, &detail);
    pthread_mutex_unlock(&hdf5_lock);
    switch (end) {
    case SANDBOX_DONE:
        f->why[sizeof f->why - 1] = '\0';
        return f->rc == 0 ? 0 : vs_fail(err, f->rc, "%s: %s%s", path, what, f->why);
    case SANDBOX_REFUSED:
        return vs_fail(err, VS_E_REFUSED, "%s: not read: the sandbox for HDF5 (seccomp) is not "
                       "available here (%s); --unsafe-decode reads without it, for files that "
                       "you trust", path, detail ? strerror(detail) : "it was killed");
    case SANDBOX_KILLED:
        return vs_fail(err, VS_E_FORMAT, "%s: libhdf5 gave up on it (%s): the file is damaged or "
                       "hostile", path, strsignal(detail));
    case SANDBOX_NO_PROCESS:
        break;
    }
    return vs_fail(err, VS_E_IO, "%s: no process to read it in: %s", path, strerror(detail));
}

static void hdf5_forget(struct hdf5_ask *ask)
{
    if (ask->found)
        munmap(ask->found, HDF5_ROOM);
    ask->found = NULL;
}

/* ---- the images of a file */

void hdf5_index_close(struct hdf5_index *x)
{
    strmap_fini(&x->names);
    free(x->images);
    free(x->text);
    *x = (struct hdf5_index){0};
}

/* Numbers stand for names that nobody wrote down. */
static char *hdf5_numbered(int count, size_t *size)
{
    struct buf b = {0};
    for (int i = 0; i < count; i++) {
        buf_printf(&b, "%d", i);
        buf_putc(&b, '\0');
    }
    *size = b.len;
    return buf_steal(&b);
}

static char *hdf5_names(const struct hdf5_ask *ask, size_t *size)
{
    const struct hdf5_found *f = ask->found;
    if (f->layout == HDF5_ONE) {
        char *stem = regions_stem(ask->map->path);
        *size = strlen(stem) + 1;
        return stem;
    }
    if (f->names == 0 || f->names > HDF5_ROOM - sizeof *f)
        return hdf5_numbered((int)f->images, size);
    char *text = xcalloc(f->names + 1, 1);
    memcpy(text, f->room, f->names);
    *size = f->names;
    return text;
}

/* From what the file itself says. */
static void hdf5_index_fill(const struct hdf5_ask *ask, struct hdf5_index *x)
{
    size_t size = 0, at = 0;
    x->text = hdf5_names(ask, &size);
    x->groups = ask->found->layout == HDF5_GROUPS;
    x->images = xcalloc((size_t)ask->found->images + 1, sizeof *x->images);
    for (; x->count < ask->found->images && at < size; x->count++) {
        const char *name = (const char *)x->text + at;
        x->images[x->count] = (struct hdf5_image){name, x->count, -1, -1, -1};
        at += strlen(name) + 1;
    }
}

/* What was not written takes no space in HDF5, so that a count proves no size: a file has a byte at
 * least of each of its images. */
static int hdf5_check_images(const struct hdf5_ask *ask, struct vs_err *err)
{
    int64_t n = ask->found->images;
    return n < 0 || (uint64_t)n > ask->map->size || n > INT32_MAX
               ? vs_fail(err, VS_E_FORMAT, "%s: says that it has %" PRId64 " images, and is of "
                         "%zu bytes", ask->map->path, n, ask->map->size)
               : 0;
}

int hdf5_index_open(const struct bytes *map, struct hdf5_index *out, struct vs_err *err)
{
    struct hdf5_ask ask = {.map = map, .names = true, .rows = -1};
    bool beside = false;
    *out = (struct hdf5_index){0};
    int rc = hdf5_ask(&ask, "", err);
    if (rc == 0)
        rc = hdf5_check_images(&ask, err);
    bool table = rc == 0 && (ask.found->layout == HDF5_TABLE || ask.found->layout == HDF5_FLAT);
    if (table && ask.found->names == 0)
        rc = hdf5_side_read(map->path, out, &beside, err);
    if (rc == 0 && !beside)
        hdf5_index_fill(&ask, out);
    hdf5_forget(&ask);
    if (rc == 0 && out->count == 0)
        rc = vs_fail(err, VS_E_FORMAT, "%s: there is no image in it%s", map->path,
                     beside ? ", says the file beside it" : "");
    for (int i = 0; rc == 0 && i < out->count; i++) /* of two of a name the first counts */
        strmap_add(&out->names, out->images[i].name, strlen(out->images[i].name), i);
    if (rc != 0)
        hdf5_index_close(out);
    return rc;
}

/* ---- the regions of one */

static bool hdf5_inside(const struct hdf5_array *a, size_t size)
{
    size_t room = HDF5_ROOM - sizeof(struct hdf5_found);
    return a->rows > 0 && a->columns > 0 && a->rows <= REGIONS_MAX && a->at <= room &&
           (size_t)a->columns <= (room - a->at) / size / (size_t)a->rows;
}

/* What the sandbox says is believed as little as a file. */
static void hdf5_view(const struct hdf5_found *f, const struct hdf5_array *a, enum dtype dtype,
                      int axes, struct tensor *out)
{
    if (!hdf5_inside(a, dtype_size(dtype)))
        return;
    *out = (struct tensor){.name = "", .raw_name = "", .dtype = dtype, .ndim = axes,
                           .data = f->room + a->at, .shape = {a->rows, a->columns}};
    shape_strides(axes, out->shape, out->stride);
}

static int hdf5_make(const struct hdf5_found *f, const struct hdf5_image *image, const char *where,
                     struct regions **out, struct vs_err *err)
{
    struct hdf5_found copy = *f; /* its members, once: what is shared may change */
    struct region_parts p;
    parts_begin(&p, where);
    hdf5_view(f, &copy.features, DTYPE_F32, 2, &p.features);
    hdf5_view(f, &copy.boxes, DTYPE_F32, 2, &p.boxes);
    hdf5_view(f, &copy.prob, DTYPE_F32, 2, &p.prob);
    hdf5_view(f, &copy.objects, DTYPE_I64, 1, &p.objects);
    hdf5_view(f, &copy.conf, DTYPE_F32, 1, &p.conf);
    p.width = image->width >= 0 ? image->width : copy.width;
    p.height = image->height >= 0 ? image->height : copy.height;
    p.id = xstrdup(image->name);
    int rc = parts_make(&p, out, err);
    parts_end(&p);
    return rc;
}

int regions_from_hdf5_at(const struct bytes *map, const struct hdf5_index *x, int i,
                         struct regions **out, struct vs_err *err)
{
    const struct hdf5_image *image = &x->images[i];
    struct hdf5_ask ask = {.map = map, .image = image->row, .rows = image->count,
                           .name = x->groups ? image->name : NULL};
    char *what = xasprintf("image '%s': ", image->name);
    char *where = xasprintf("%s: image '%s'", map->path, image->name);
    int rc = hdf5_ask(&ask, what, err);
    if (rc == 0)
        rc = hdf5_make(ask.found, image, where, out, err);
    hdf5_forget(&ask);
    free(where);
    free(what);
    return rc;
}

static int hdf5_choose(const struct bytes *map, const struct hdf5_index *x, const char *key, int *i,
                       struct vs_err *err)
{
    struct some_keys some = {.count = 0};
    *i = key && x->count > 1 ? strmap_get(&x->names, key, strlen(key)) : 0;
    if (*i >= 0 && (x->count == 1 || key))
        return 0;
    for (int j = 0; j < x->count; j++)
        regions_note_key(&some, x->images[j].name, strlen(x->images[j].name));
    return regions_no_key(map->path, key, &some, err);
}

int regions_from_hdf5(const struct bytes *map, const char *key, struct regions **out,
                      struct vs_err *err)
{
    struct hdf5_index x;
    int i = 0, rc = hdf5_index_open(map, &x, err);
    if (rc != 0)
        return rc;
    rc = hdf5_choose(map, &x, key, &i, err);
    if (rc == 0)
        rc = regions_from_hdf5_at(map, &x, i, out, err);
    hdf5_index_close(&x);
    return rc;
}

int regions_each_hdf5(const struct bytes *map, const struct region_sink *sink, struct vs_err *err)
{
    struct hdf5_index x;
    int rc = hdf5_index_open(map, &x, err);
    for (int i = 0; rc == 0 && i < x.count; i++) {
        struct regions *r = NULL;
        struct vs_err why = {0};
        if (!sink->want(sink->arg, x.images[i].name))
            continue;
        regions_from_hdf5_at(map, &x, i, &r, &why);
        rc = sink->take(sink->arg, x.images[i].name, r, &why, err);
    }
    hdf5_index_close(&x);
    return rc;
}
