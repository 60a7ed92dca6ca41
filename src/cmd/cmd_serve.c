/* SPDX-License-Identifier: MIT */
/* vilscope serve: holds a model open for others. */
#include "src/cmd/vilscope.h"

#include "src/base/mem.h"
#include "src/base/plain.h"
#include "src/cmd/cmd_model.h"
#include "src/remote/channel.h"
#include "src/serve/serve.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>

#define OPTIONS struct options
struct options {
    struct model_options model;
    struct words checkpoints, allow;
    const char *socket, *relay;
    int clients, memory, seconds;
    bool quiet;
};

static const struct option_row option_rows[] = {
    HEADING("The model"),
    ROW_MODEL(model.dir),
    ROW_CHECKPOINTS(checkpoints),
    ROW_WEIGHTS(model),
    ROWS_PARTS(model),
    ROW_DEVICE(model.device),
    ROW_PRECISION(model.precision),
    ROW_THREADS(model.threads),
    HEADING("Clients"),
    TEXT("socket", 0, "PATH", socket, VALUES_FILES,
         "where clients connect (default: serve.sock in a folder vilscope of XDG_RUNTIME_DIR, or "
         "/tmp/vilscope-UID/serve.sock); its folder must be one that only you can write to"),
    WORDS("allow", 0, "USER", allow, VALUES_NONE,
          "a user who may connect, beside you and root; may be given more than once"),
    INT("clients", 0, "N", clients, 1, 1024, 64, "clients at a time"),
    INT("memory", 0, "MB", memory, 1, 1 << 20, 4096,
        "activations for gradients and patched models that a client may keep; passes with more "
        "activations are computed again in blocks"),
    INT("seconds", 0, "N", seconds, 1, 86400, 600,
        "time that one request may be computed: what takes longer is given up, as others wait"),
    FLAG("quiet", quiet, "say nothing of clients that come and go"),
    TEXT("relay", 0, "PATH", relay, VALUES_FILES,
         "be the far end of ssh: copy between standard input and output and the server at PATH"),
    END};

static void say(const char *line)
{
    plain_text(stderr, "vilscope serve: %s\n", line);
}

static int take_users(const struct options *o, struct serve_options *s, struct vs_err *err)
{
    for (int i = 0; i < o->allow.count; i++) {
        const struct passwd *p = getpwnam(o->allow.list[i]);
        if (!p)
            return vs_fail(err, VS_E_USAGE, "--allow %s: there is no such user",
                           o->allow.list[i]);
        if (s->user_count == SERVE_USERS)
            return vs_fail(err, VS_E_USAGE, "more than %d times --allow", SERVE_USERS);
        s->users[s->user_count++] = p->pw_uid;
    }
    return 0;
}

static int run(void *options, char **args, int count)
{
    static atomic_bool stop;
    struct options *o = options;
    struct vs_err err = {0};
    struct chosen *chosen = NULL;
    struct model *m = NULL;
    (void)args;
    (void)count;
    if (o->relay)
        return channel_relay(o->relay, &err) == 0 ? EXIT_OK : command_fail("serve", &err);
    char *path = o->socket ? xstrdup(o->socket) : serve_path();
    struct serve_options s = {.path = path, .clients = o->clients, .memory_mb = o->memory,
                              .seconds = o->seconds, .stop = &stop, .say = o->quiet ? NULL : say};
    int rc = take_users(o, &s, &err);
    if (rc == 0)
        rc = command_choose("serve", &o->checkpoints, &o->model, &chosen, &err);
    if (rc == 0)
        rc = model_open(&o->model, &m, &err);
    if (rc == 0) {
        command_say_precision("serve", m);
        command_stop_by_signals(&stop);
        rc = serve_run(m, &s, &err);
    }
    model_free(m);
    command_chosen_free(chosen);
    free(path);
    return rc == 0 ? EXIT_OK : command_fail("serve", &err);
}

const struct command command_serve = {
    .name = "serve", .args = "[-m DIR] [--socket PATH]",
    .summary = "Hold a model open and compute for workbenches and commands of several users.",
    .about =
        "Others connect to its socket with --connect PATH, or with VILSCOPE_CONNECT=PATH in the\n"
        "environment; from other machines with --connect ssh://HOST/PATH. They have the same\n"
        "numbers as without, and their own logs. One pass is computed at a time, for whoever\n"
        "asked first. Ctrl-C, or a signal TERM or HUP, ends it.\n",
    .after =
        "  vilscope serve -m DIR --device cuda --socket $HOME/serve/socket\n"
        "  vilscope --connect $HOME/serve/socket photo.jpg\n"
        "  vilscope query --connect ssh://gpu1/home/me/serve/socket -t vqa photo.jpg \"...\"\n",
    .rows = option_rows, .size = sizeof(struct options), .run = run,
};
