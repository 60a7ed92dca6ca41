#!/bin/sh
# SPDX-License-Identifier: MIT
# Checkpoints, detectors and regions that change while a command has them open: one line that names
# the file, the session closed in the log, others go on. Broken by a bus error, an answer of half of
# two files, or a log that is left open.
set -u
. "$SRCDIR/tests/cli/lib.sh"
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
tiny=$SRCDIR/tests/data/tiny
export XDG_DATA_HOME="$work/data" XDG_CACHE_HOME="$work/cache"
hook=$work/hook.so
cc=$(sed -n 's/^CC = //p' "$BUILDDIR/Makefile")
if grep -q 'fsanitize=[a-z,]*\(address\|thread\)' "$BUILDDIR/Makefile"; then
    skip "a build with a sanitizer lets no library come before its own"
    end
elif ! $cc -shared -fPIC -o "$hook" "$SRCDIR/tests/cli/change-at-fork.c" -ldl 2>"$work/why"; then
    skip "no library can be made here: $(head -n 1 "$work/why")"
    end
fi
says='the file changed while it was read'

# hooked HOW FILE COMMAND...
hooked() {
    how=$1 file=$2
    shift 2
    # The name of a preloaded library must not have blanks.
    LD_PRELOAD=$hook CHANGE=$file HOW=$how "$@"
}
fresh() { cp "$tiny/checkpoint.bin" "$work/$1.bin"; }
closed() { # closed LOG: its last session has an end
    "$VILSCOPE" sessions list --log "$1" --json | tr -d '\n' | grep -q '"ended": "2'
}

# ---- query
for how in cut write; do
    fresh a
    refuses 1 "a.bin: $says" "query, the checkpoint: $how" hooked $how "$work/a.bin" "$VILSCOPE" \
        query -m "$tiny" -c "$work/a.bin" -t gqa --regions "$tiny/scene.npy" --log "$work/q.db" \
        "$tiny/scene.png" "what color"
    [ ! -s "$work/out" ] && closed "$work/q.db"
    ok $? "no answer is printed, the session has its end in the log"
    rm -f "$work/q.db"
done
fresh a
cp "$work/a.bin" "$work/a.bin.other"
hooked replace "$work/a.bin" "$VILSCOPE" query -m "$tiny" -c "$work/a.bin" -t gqa --no-log \
    --regions "$tiny/scene.npy" "$tiny/scene.png" "what color" >"$work/out" 2>"$work/err"
[ $? -eq 0 ] && [ -s "$work/out" ] && [ ! -s "$work/err" ]
ok $? "a checkpoint that is replaced answers as it was opened"
# regions are read after the picture
cp "$tiny/scene.png" "$work/alone.png"
cp "$tiny/detector.pth" "$work/d.pth"
"$VILSCOPE" query -m "$tiny" --detector "$work/d.pth" -t gqa --no-log "$work/alone.png" "what" \
    >/dev/null 2>&1
ok $? "regions are found"
refuses 1 "d.pth: $says" "detect, its weights" hooked cut "$work/d.pth" "$VILSCOPE" detect \
    -d "$work/d.pth" --detector-arch "$tiny/detector.json" "$work/alone.png"

# ---- compare: the other checkpoint answers
printf 'task: gqa\nimage: %s\nregions: %s\ntext: what color\n' "$tiny/scene.png" \
    "$tiny/scene.npy" >"$work/one.probes"
fresh a
fresh b
hooked cut "$work/a.bin" "$VILSCOPE" compare -m "$tiny" -c "$work/a.bin" -c "$work/b.bin" \
    --log "$work/c.db" --json --check-set "$work/one.probes" >"$work/out" 2>"$work/err"
tr -d ' \n' <"$work/out" >"$work/flat"
grep -q "a.bin: .*a.bin: $says" "$work/err" && grep -q '"failed":1,"diverged":0,"entropy":null' "$work/flat" &&
    grep -q '"failed":0,"diverged":0,"entropy":[0-9]' "$work/flat"
ok $? "compare: one failed and has no entropy, the other has: $(head -n 1 "$work/err")"
closed "$work/c.db" && [ "$("$VILSCOPE" sessions sql --csv --log "$work/c.db" \
    "SELECT count(*) FROM queries" | tail -n 1)" = 1 ]
ok $? "the answer of the other is in the log"
fresh a
refuses 1 "a.bin: $says" "compare --weights" hooked cut "$work/a.bin" "$VILSCOPE" compare \
    -m "$tiny" -c "$work/a.bin" -c "$work/b.bin" --no-log --patch layers \
    --regions "$tiny/scene.npy" -t gqa "$tiny/scene.png" "what color"

# ---- a training run that is watched
mkdir "$work/run"
fresh a
cp "$tiny/checkpoint.bin" "$work/run/epoch1.bin"
hooked cut "$work/a.bin" "$VILSCOPE" compare -m "$tiny" -c "$work/a.bin" \
    --watch "$work/run" --settle 0.2 --until 2 --log "$work/w.db" --json \
    --check-set "$work/one.probes" >"$work/out" 2>"$work/err"
status=$?
[ $status -eq 0 ] && grep -q "$says" "$work/err" && [ "$(wc -l <"$work/out")" -eq 2 ] &&
    tail -n 1 "$work/out" | grep -q '"answer"' && closed "$work/w.db"
ok $? "--watch goes on with the next checkpoint, and closes its session: $status"
end
