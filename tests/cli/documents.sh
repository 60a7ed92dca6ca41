#!/bin/sh
# SPDX-License-Identifier: MIT
# What the README, the tutorial and the examples tell people to type is typed here, on a model that
# stays as it is. Broken by a command or an option that changes without them.
set -u
. "$SRCDIR/tests/cli/lib.sh"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export VILSCOPE_LOG="$work/log.db" XDG_CACHE_HOME="$work/cache" XDG_CONFIG_HOME="$work/config" \
    VILSCOPE_DEMO="$frozen" TERM=xterm LC_ALL=C.UTF-8
cd "$work" || exit 1
mkdir bin models datasets
ln -s "$VILSCOPE" bin/vilscope
PATH=$work/bin:$PATH
cp -r "$frozen" models/12in1
cp -r "$frozen" downloads
cp "$frozen/final.pth" multi_task_model.bin
cp "$frozen/early.bin" old.bin
cp "$frozen/final.pth" new.bin
cp "$frozen/images/000001.png" 42.jpg
vilscope world -o drawn --scenes 2 >out 2>&1
grep '"task": "nlvr2"' drawn/data.jsonl | head -n 2 | sed 's|images/||g' >nlvr2.json
mkdir photos
cp -r drawn/images nlvr2
cp drawn/images/*.png photos
cp "$SRCDIR/examples/figure.vs" .
cp "$SRCDIR/tests/data/rows/rows.jsonl" old.jsonl
sed 's/"checkpoint": "noise"/"checkpoint": "new"/' old.jsonl >new.jsonl
mkdir gqa
grep '"task": "gqa"' drawn/data.jsonl | sed 's|images/|../drawn/images/|g' >gqa/testdev.json
printf 'task: vqa\nimage: 42.jpg\ntext: what color is it?\n' >my.checks

# on_screen COMMAND: on a terminal of its own.
on_screen() {
    timeout 120 python3 -c 'import os, pty, sys
sys.exit(os.waitstatus_to_exitcode(pty.spawn(["sh", "-c", "stty rows 40 cols 120; " + sys.argv[1]])))' "$1"
}

# typed FILE: runs the commands of $work/commands; what cannot end by itself is left out by name.
typed() {
    while IFS= read -r line; do
        case $line in
        *--watch*) skip "$1: $line: goes on until it is stopped (tests/cli/compare.sh)"; continue ;;
        *" figure "* | *--figure*)
            "$VILSCOPE" --version | grep -q "no figures" && { skip "$1: $line: built without Cairo"; continue; }
            set -- "$1" sh -c "$line" ;;
        *--reference*) skip "$1: $line: wants the reference's data (tests/cli/reference.sh)"; continue ;;
        "vilscope -S"* | "vilscope -m"*" -S "*) set -- "$1" on_screen "$line" ;;
        "vilscope -"* | vilscope | *--tour) skip "$1: $line: the workbench (tests/screen)"; continue ;;
        *) set -- "$1" sh -c "$line" ;;
        esac
        what=$1
        shift
        "$@" >out 2>&1 </dev/null
        status=$?
        set -- "$what"
        # 4: of the downloads some are no part of a model, as in real life.
        [ $status -eq 0 ] || { [ $status -eq 4 ] && [ "${line#vilscope model init}" != "$line" ]; }
        ok $? "$1: $line$([ $status -eq 0 ] || echo ": status $status: $(tail -n 2 out)")"
    done <commands
}

# ---- the README's table; "new" is what it makes first, as the model is there already
sed -n 's/^| .* | `\(vilscope .*\)` |$/\1/p' "$SRCDIR/README.md" |
    sed 's|model init models/12in1|model init models/new|' >commands
[ "$(wc -l <commands)" -ge 15 ]
ok $? "the README has $(wc -l <commands) commands"
typed README
[ -s figure.png ]
ok $? "the script made its figure"
missing=$(sed -n 's/.*](\([A-Za-z/._-]*\)).*/\1/p' "$SRCDIR/README.md" "$SRCDIR/INSTALL.md" |
    while read -r f; do [ -e "$SRCDIR/$f" ] || echo "$f"; done)
[ -z "$missing" ]
ok $? "the files that it links to are there $missing"

# ---- the tutorial
mkdir tutorial demo
place=demo # the documents say where the demo's model is in the source; here the frozen one is there
cp -r "$frozen" $place/model # with a checkpoint that only the demo itself has
cp "$frozen/middle.pth" $place/model/faulty.pth
sed -i 's/{"name": "middle"/{"name": "faulty", "file": "faulty.pth"},\n    &/' $place/model/model.json
VILSCOPE_DEMO=$work/$place/model
cd tutorial || exit 1
ln -s ../demo demo
ln -s "$SRCDIR/examples" examples
sed -n 's/^\.Dl \(vilscope.*\)/\1/p' "$SRCDIR/man/vilscope-tutorial.7" | sed 's/\\(dq/"/g' >commands
[ "$(wc -l <commands)" -ge 14 ]
ok $? "the tutorial has $(wc -l <commands) commands"
typed tutorial
cd ..

# ---- the examples
cp -r "$SRCDIR/examples" examples
vilscope compare --check-set examples/demo.checks >out 2>&1
ok $? "examples/demo.checks: $(tail -n 1 out)"
mkdir -p config/vilscope
cp examples/vilscope.conf config/vilscope
printf 'wait\nquit\n' >quit.vs
on_screen "vilscope --no-log -S quit.vs" >out 2>&1 </dev/null && ! grep -q 'vilscope.conf:' out
ok $? "examples/vilscope.conf $(grep -o 'vilscope.conf:.*' out)"
if command -v python3 >/dev/null; then
    examples/ask-folder vqa "what color is it?" photos --no-log >out 2>said
    [ $? -eq 0 ] && [ "$(wc -l <out)" -eq "$(ls photos | wc -l)" ] && head -n 1 out | grep -q '^photos/'
    ok $? "examples/ask-folder: $(head -n 1 out)"
    examples/new-checkpoint examples/demo.checks final final >out 2>said
    ok $? "examples/new-checkpoint: the same one lost nothing $(cat out)"
    answer=$(vilscope query --no-log -c final -t vqa --top 1 42.jpg "what is it?" 2>/dev/null |
        sed -n 's/^ *1\. \([^ ]*\) .*/\1/p')
    printf 'name: known\ntask: vqa\nimage: 42.jpg\ntext: what is it?\nanswer: %s\n' "$answer" >known.checks
    "$BUILDDIR/test-compare" make "$frozen/final.pth" spoiled.safetensors bert. 5 >out 2>&1
    examples/new-checkpoint known.checks final spoiled.safetensors -m models/12in1 >out 2>said
    [ $? -eq 1 ] && grep -q '^known was right' out
    ok $? "examples/new-checkpoint: another one did: $(tail -n 1 out)"
else
    skip "examples/ask-folder, new-checkpoint: there is no python3"
fi
for f in ask-folder new-checkpoint; do
    examples/$f >out 2>&1
    [ $? -eq 2 ] && grep -q "^usage: $f" out
    ok $? "examples/$f without arguments says how: $(head -n 1 out)"
done
listed=$(sed -n 's/^| `\([^`]*\)` |.*/\1/p' "$SRCDIR/examples/README.md" | sort | tr '\n' ' ')
there=$(ls "$SRCDIR/examples" | grep -v '^README.md$' | sort | tr '\n' ' ')
[ "$listed" = "$there" ]
ok $? "examples/README.md lists what is there: $there"
end
