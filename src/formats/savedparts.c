/* SPDX-License-Identifier: MIT */
/* Folders that trainers save, and checkpoints in parts.
 *
 * Source: transformers' save_pretrained; DeepSpeed's engine.py (_get_ckpt_name,
 * _get_zero_ckpt_name, "latest") and utils/zero_to_fp32.py; torch/distributed/checkpoint
 * (filesystem.py: .metadata, *.distcp; format_utils.py). */
#include "src/formats/savedparts.h"

#include "src/base/mem.h"

#include <dirent.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define MODEL_STATES "mp_rank_00_model_states.pt"

static bool ends_with(const char *name, const char *end)
{
    size_t n = strlen(name), k = strlen(end);
    return n >= k && strcmp(name + n - k, end) == 0;
}

static bool file_in(const char *dir, const char *name, char **path)
{
    struct stat st;
    char *file = xasprintf("%s/%s", dir, name);
    bool there = stat(file, &st) == 0 && S_ISREG(st.st_mode);
    if (there && path)
        *path = file;
    else
        free(file);
    return there;
}

/* The folder of DeepSpeed's last step, which "latest" names; NULL: there is none. A FIFO in its
 * place would never end. */
static char *latest_step(const char *dir)
{
    char name[256] = "", *path = NULL;
    if (!file_in(dir, "latest", &path))
        return NULL;
    FILE *f = fopen(path, "r");
    bool read = f && fgets(name, sizeof name, f);
    if (f)
        fclose(f);
    free(path);
    name[strcspn(name, "\r\n")] = '\0';
    bool plain = read && name[0] && name[0] != '.' && !strchr(name, '/');
    return plain ? xasprintf("%s/%s", dir, name) : NULL;
}

/* Parts of each tensor are in several files where there is a second one. */
static char *whole_states(const char *dir)
{
    char *path = NULL;
    if (!file_in(dir, "mp_rank_01_model_states.pt", NULL))
        file_in(dir, MODEL_STATES, &path);
    return path;
}

#define INDEX_END ".index.json"
#define INDEX_MOST (64 << 20)

char *savedparts_index(const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path, *tensor;
    struct stat st;
    char *index = xasprintf("%s" INDEX_END, path);
    bool there = stat(index, &st) == 0 && S_ISREG(st.st_mode) && st.st_size <= INDEX_MOST;
    json_t *root = there ? json_load_file(index, 0, NULL) : NULL, *v;
    bool named = false, others = false;
    json_object_foreach (json_object_get(root, "weight_map"), tensor, v) {
        const char *shard = json_string_value(v);
        named |= shard && strcmp(shard, name) == 0;
        others |= shard && strcmp(shard, name) != 0;
    }
    json_decref(root);
    if (named && others)
        return index;
    free(index);
    return NULL;
}

static char *index_of_file(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode) ? savedparts_index(path) : NULL;
}

char *savedparts_weights(const char *dir)
{
    static const char *const names[] = {"model.safetensors", "model.safetensors.index.json",
                                        "pytorch_model.bin", "pytorch_model.bin.index.json"};
    char *path = NULL;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (file_in(dir, names[i], &path))
            return path;
    path = whole_states(dir);
    char *step = path ? NULL : latest_step(dir);
    if (step)
        path = whole_states(step);
    free(step);
    return path ? path : index_of_file(dir);
}

/* ---- what is refused */

static int fail_distributed(const char *path, const char *what, struct vs_err *err)
{
    return vs_fail(err, VS_E_REFUSED, "%s: is %s in parts, of torch.distributed (FSDP), which is "
                   "not read: python -m torch.distributed.checkpoint.format_utils dcp_to_torch "
                   "FOLDER FILE makes one file of it", path, what);
}

static int fail_zero(const char *path, const char *what, struct vs_err *err)
{
    return vs_fail(err, VS_E_REFUSED, "%s: is %s: python zero_to_fp32.py FOLDER OUT, which "
                   "DeepSpeed puts beside its checkpoints, makes one file of it", path, what);
}

int savedparts_fail_sharded(const char *path, struct vs_err *err)
{
    return vs_fail(err, VS_E_REFUSED, "%s: its tensors are the parts that one process had of a "
                   "model spread over several (torch.distributed: FSDP, DTensor): save it gathered "
                   "(get_model_state_dict with full_state_dict=True)", path);
}

/* Whether a folder has parts of DeepSpeed's of which none holds whole weights. */
static bool is_zero_folder(const char *dir)
{
    return file_in(dir, "zero_pp_rank_0_" MODEL_STATES, NULL) ||
           file_in(dir, "mp_rank_01_model_states.pt", NULL) ||
           file_in(dir, "zero_pp_rank_0_mp_rank_00_optim_states.pt", NULL) ||
           file_in(dir, "bf16_zero_pp_rank_0_mp_rank_00_optim_states.pt", NULL);
}

static int refuse_folder(const char *path, struct vs_err *err)
{
    if (file_in(path, ".metadata", NULL))
        return fail_distributed(path, "a checkpoint", err);
    char *step = latest_step(path), *weights = savedparts_weights(path);
    bool zero = !weights && (is_zero_folder(path) || (step && is_zero_folder(step)));
    free(weights);
    free(step);
    return zero ? fail_zero(path, "a checkpoint that DeepSpeed saved in parts (ZeRO)", err) : 0;
}

int savedparts_refuse(const char *path, struct vs_err *err)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    struct stat st;
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        return refuse_folder(path, err);
    if (strcmp(name, ".metadata") == 0 || ends_with(name, ".distcp"))
        return fail_distributed(path, "one file of a checkpoint", err);
    return 0;
}

static bool savedparts_may_be(const char *name)
{
    static const char *const ends[] = {".safetensors", ".bin", ".pt", ".pth", ".ckpt", ".tar",
                                       INDEX_END};
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++)
        if (ends_with(name, ends[i]))
            return name[0] != '.';
    return false;
}

/* An index before what it names, else by name. */
static bool savedparts_before(const char *a, const char *b)
{
    bool index = ends_with(a, INDEX_END);
    return index != ends_with(b, INDEX_END) ? index : strcmp(a, b) < 0;
}

/* The first of the folder's files that may hold weights. */
static char *savedparts_first(const char *dir)
{
    DIR *d = opendir(dir);
    char *first = NULL;
    for (struct dirent *e; d && (e = readdir(d));) {
        if (!savedparts_may_be(e->d_name))
            continue;
        if (!first || savedparts_before(e->d_name, first)) {
            free(first);
            first = xstrdup(e->d_name);
        }
    }
    if (d)
        closedir(d);
    return first;
}

bool savedparts_is_shard(const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    const char *of = strstr(name, "-of-");
    for (; of && strstr(of + 1, "-of-");) /* the last one */
        of = strstr(of + 1, "-of-");
    return of && of - name >= 6 && of[-6] == '-' && strspn(of - 5, "0123456789") == 5 &&
           strspn(of + 4, "0123456789") == 5 && strncmp(of + 4, "00001", 5) != 0;
}

int savedparts_refuse_folder(const char *path, struct vs_err *err)
{
    struct stat st;
    if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode))
        return 0;
    char *first = savedparts_first(path);
    int rc;
    if (first && savedparts_is_shard(first))
        rc = vs_fail(err, VS_E_MISSING, "%s: has %s and other shards of a checkpoint, and not "
                     "their index (model.safetensors.index.json, pytorch_model.bin.index.json)",
                     path, first);
    else
        rc = vs_fail(err, VS_E_FORMAT, "%s: a folder without model.safetensors, pytorch_model.bin "
                     "or the index of either%s%s", path, first ? ": name one of its files, for "
                     "example " : "", first ? first : "");
    free(first);
    return rc;
}

int savedparts_refuse_object(const char *path, const struct pval *root, struct vs_err *err)
{
    static const char *const signs[] = {"zero_stage", "partition_count", "fp32_flat_groups",
                                        "single_partition_of_fp32_groups"};
    const struct pval *o = root->kind == PK_DICT ? pval_get(root, "optimizer_state_dict") : NULL;
    for (size_t i = 0; o && o->kind == PK_DICT && i < sizeof signs / sizeof signs[0]; i++)
        if (pval_get(o, signs[i]))
            return fail_zero(path, "a part of the optimizer's state that DeepSpeed saved (ZeRO), "
                             "in which no tensor has a name", err);
    return 0;
}

bool savedparts_is_optimizer(const char *name)
{
    return ends_with(name, "_optim_states.pt");
}
