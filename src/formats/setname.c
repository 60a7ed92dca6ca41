/* SPDX-License-Identifier: MIT */
/* Names of sets of weights. */
#include "src/formats/setname.h"

#include "src/base/mem.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

int setname_before_landmark(const char *name)
{
    static const char *const landmarks[] = {"bert.embeddings.word_embeddings.weight",
                                            "backbone.body.stem.conv1.weight"};
    size_t n = strlen(name);
    for (size_t i = 0; i < sizeof landmarks / sizeof landmarks[0]; i++) {
        size_t m = strlen(landmarks[i]);
        if (n >= m && n - m < 4096 && strcmp(name + n - m, landmarks[i]) == 0 &&
            (n == m || name[n - m - 1] == '.'))
            return (int)(n - m);
    }
    return -1;
}

char *setname_unwrapped(const char *raw)
{
    static const char *const wrappers[] = {"_orig_mod.", "_fsdp_wrapped_module.", "_fpw_module.",
                                           "_checkpoint_wrapped_module."};
    char *name = xstrdup(raw);
    for (size_t i = 0; i < sizeof wrappers / sizeof wrappers[0]; i++) {
        size_t n = strlen(wrappers[i]);
        for (char *p = name; (p = strstr(p, wrappers[i]));)
            if (p == name || p[-1] == '.')
                memmove(p, p + n, strlen(p + n) + 1);
            else
                p++;
    }
    return name;
}

static bool is_upper(char c)
{
    return isupper((unsigned char)c) != 0;
}

static bool is_lower(char c)
{
    return islower((unsigned char)c) != 0;
}

/* "model_ema" has two words, and so have "modelEma" and "EMACallback". A word that begins at p; one
 * that ended before it. */
static bool begins_word(const char *name, const char *p)
{
    return p == name || !isalnum((unsigned char)p[-1]) || (is_lower(p[-1]) && is_upper(*p));
}

static bool ends_word(const char *p)
{
    return !isalnum((unsigned char)*p) || (is_upper(*p) && (is_lower(p[-1]) || is_lower(p[1])));
}

static bool has_word(const char *name, const char *word)
{
    size_t n = strlen(word);
    for (const char *p = name; n && *p; p++)
        if (begins_word(name, p) && strncasecmp(p, word, n) == 0 && ends_word(p + n))
            return true;
    return false;
}

bool setname_is_average(const char *name)
{
    static const char *const words[] = {"ema", "swa", "averaged", "average", "shadow", "emamodel",
                                        "modelema"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (has_word(name, words[i]))
            return true;
    return false;
}

static bool is_meant(const char *wanted, const char *name)
{
    return has_word(name, wanted) || (strcasecmp(wanted, "ema") == 0 && setname_is_average(name));
}

int setname_fail_several(const char *path, const void *sets, int count, setname_get *get,
                         struct vs_err *err)
{
    struct buf all = {0};
    for (int i = 0; i < count; i++)
        buf_printf(&all, "%s%.100s", i ? ", " : "", get(sets, i)[0] ? get(sets, i) : "(no name)");
    vs_fail(err, VS_E_USAGE, "%s: has several sets of weights: %s: choose one with --weights NAME, "
            "or as FILE@NAME", path, all.data);
    buf_fini(&all);
    return VS_E_USAGE;
}

int setname_match(const char *wanted, const char *path, const void *sets, int count,
                  setname_get *get, int *out, struct vs_err *err)
{
    int found = -1, meant = 0;
    for (int i = 0; i < count; i++)
        if (strcmp(get(sets, i), wanted) == 0) {
            *out = i;
            return 0;
        }
    for (int i = 0; i < count; i++)
        if (is_meant(wanted, get(sets, i))) {
            found = i;
            meant++;
        }
    *out = found;
    return meant > 1 ? setname_fail_several(path, sets, count, get, err) : 0;
}

size_t setname_split(const char *path, const char **name)
{
    const char *at = strrchr(path, '@'), *slash = strrchr(path, '/');
    struct stat st;
    *name = NULL;
    if (!at || at == path || !at[1] || (slash && slash > at) || stat(path, &st) == 0)
        return strlen(path);
    char *file = xstrndup(path, (size_t)(at - path));
    if (stat(file, &st) == 0)
        *name = at + 1;
    free(file);
    return *name ? (size_t)(at - path) : strlen(path);
}
