/* SPDX-License-Identifier: MIT */
/* Writing model.json: what modeldir.c reads. */
#include "src/engine/modeldir.h"

#include "src/base/mem.h"
#include "src/base/plain.h"
#include "src/formats/outfile.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* Files of the folder by their names in it, others by their full path: the folder may be moved. */
static json_t *path_value(const char *dir, const char *path)
{
    char *full = realpath(path, NULL);
    size_t n = strlen(dir);
    const char *said = full ? full : path;
    if (full && strncmp(full, dir, n) == 0 && full[n] == '/')
        said = full + n + 1;
    json_t *v = plain_string(said);
    free(full);
    return v;
}

static void put_path(json_t *root, const char *key, const char *dir, const char *path)
{
    if (path)
        json_object_set_new(root, key, path_value(dir, path));
}

static json_t *modeldir_document(const char *dir, const struct parts *p)
{
    json_t *root = json_object(), *list = json_array(), *labels = json_object();
    if (p->name)
        json_object_set_new(root, "name", plain_string(p->name));
    put_path(root, "config", dir, p->config);
    put_path(root, "vocab", dir, p->vocab);
    put_path(labels, "vqa", dir, p->labels_vqa);
    put_path(labels, "gqa", dir, p->labels_gqa);
    if (json_object_size(labels) > 0)
        json_object_set(root, "labels", labels);
    json_decref(labels);
    put_path(root, "classes", dir, p->classes);
    put_path(root, "detector", dir, p->detector);
    put_path(root, "detector_arch", dir, p->detector_arch);
    for (int i = 0; i < p->checkpoint_count; i++) {
        const struct part_checkpoint *c = &p->checkpoints[i];
        json_t *v = json_pack("{s:o}", "name", plain_string(c->name));
        put_path(v, "file", dir, c->path);
        put_path(v, "config", dir, c->config);
        json_array_append_new(list, v);
    }
    json_object_set_new(root, "checkpoints", list);
    return root;
}

int parts_write(const char *dir, const struct parts *p, struct vs_err *err)
{
    struct outfile o;
    int rc = outfile_folders(dir, err);
    if (rc != 0)
        return rc;
    char *full = realpath(dir, NULL);
    if (!full)
        return vs_fail(err, VS_E_IO, "%s: %s", dir, strerror(errno));
    char *file = xasprintf("%s/model.json", full);
    rc = outfile_open(&o, file, err);
    if (rc == 0) {
        json_t *root = modeldir_document(full, p);
        char *text = json_dumps(root, JSON_INDENT(2));
        outfile_write(&o, text, strlen(text));
        outfile_write(&o, "\n", 1);
        rc = outfile_close(&o, err);
        free(text);
        json_decref(root);
    }
    free(file);
    free(full);
    return rc;
}
