#!/bin/sh
# SPDX-License-Identifier: MIT
# Text of strangers on a terminal: every command that prints, fed with names, labels, answers, notes
# and paths that hold escape sequences, C1 controls as bytes and in UTF-8, marks of direction and new
# lines. pty ends with 99 when one gets through; the word that stands beside them has to be printed,
# or nothing was tested. Files get the text as it is.
set -u
tiny=$(cd "$SRCDIR" && pwd)/tests/data/tiny
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export VILSCOPE_LOG="$work/log.db" XDG_CACHE_HOME="$work/cache" LC_ALL=C.UTF-8
. "$SRCDIR/tests/cli/lib.sh"
pty=$BUILDDIR/pty
evil=$(printf 'evil\033]0;t\a\302\233\342\200\256\r\nforged')
raw=$(printf 'evil\033[2J\233\377\nforged')

# clean STATUS WHAT COMMAND...: it ends so, prints the word, and nothing that drives a terminal.
clean() {
    want=$1 what=$2
    shift 2
    "$pty" "$@" >"$work/seen" 2>"$work/why"
    status=$?
    [ $status -eq "$want" ] && grep -aq 'evil' "$work/seen" && ! grep -aq '^forged' "$work/seen"
    ok $? "$what ($status): $(cat "$work/why" "$work/seen" | LC_ALL=C tr -cd '[ -~]\n' | tr -d '\\' |
        head -n 1 | cut -c 1-90)"
}
v() {
    want=$1 what=$2
    shift 2
    clean "$want" "$what" "$VILSCOPE" "$@"
}

# ---- a model whose every text is hostile, and pictures with such names
m="$work/model"
cp -r "$tiny" "$m"
chmod -R u+w "$m"
awk -v e="$(printf 'evil\033[31m\302\233\342\200\256')" '{print e $0}' "$tiny/gqa.txt" >"$m/gqa.txt"
awk -v e="$(printf 'evil\033[31m\302\233\342\200\256')" '{print e $0}' "$tiny/classes.txt" >"$m/classes.txt"
printf '%s' '{"name": "evil\u001b[2J\u009b\u202e\nforged", "config": "config.json",
 "vocab": "vocab.txt", "labels": {"gqa": "gqa.txt"}, "classes": "classes.txt",
 "detector": "detector.pth", "detector_arch": "detector.json", "max_regions": 11,
 "checkpoints": [{"name": "evil\u001b]0;a\u0007\u009d\u202e\nforged", "file": "checkpoint.bin"},
 {"name": "evil\u001b]0;b\u0007\u009d\u202e\nforged", "file": "other.bin"}]}' >"$m/model.json"
cp "$m/checkpoint.bin" "$m/other.bin"
picture="$work/$evil.png"
cp "$tiny/scene.png" "$picture"
cp "$tiny/scene.npy" "$work/$evil.npy"

v 0 "query" query -m "$m" -t gqa "$picture" "what $evil"
v 0 "query, regions named by classes" query -m "$m" -t refcoco "$picture" "the $evil"
v 0 "query --json" query -m "$m" -t gqa --json "$picture" "what $evil"
v 0 "query, the detector's classes" query -m "$m" -t refcoco --no-log "$tiny/mirror.png" "red"
v 0 "query --leave-one-out" query -m "$m" -t gqa --no-log --leave-one-out tokens "$picture" "evil red"
v 0 "query --leave-one-out --json" query -m "$m" -t refcoco --no-log --json --leave-one-out regions \
    "$picture" "evil $evil"
v 1 "query, no such picture" query -m "$m" -t gqa "$work/no$evil.png" "what"
v 1 "query, no such picture, bytes" query -m "$m" -t gqa "$work/no$raw.png" "what"
v 2 "query, no such task" query -m "$m" -t "$evil" "$picture" "what"
v 2 "query, no such option" query "--$evil"
v 2 "query, no such checkpoint" query -m "$m" -c "$evil" -t gqa "$picture" "what"
v 1 "query, no such folder" query -m "$work/no$raw" -t gqa "$picture" "what"
v 2 "query, no such device" query -m "$m" -t gqa --device "$evil" "$picture" "what"
v 0 "query, a log that cannot be" query -m "$m" -t gqa --log "$work/no/$evil" "$picture" "evil"

# ---- compare
cat >"$work/a.probes" <<END
name: $(printf 'evil\033[2J\302\233\342\200\256')
task: gqa
image: $tiny/scene.png
text: $(printf 'what evil\033[2J\302\233\342\200\256')
END
v 0 "compare --check-set" compare -m "$m" --check-set "$work/a.probes"
v 0 "compare --check-set --json" compare -m "$m" --check-set "$work/a.probes" --json --no-log
v 0 "compare --check-set --csv" compare -m "$m" --check-set "$work/a.probes" --csv --no-log
v 0 "compare a query" compare -m "$m" --no-log -t gqa "$picture" "what $evil"
for part in --weights --cka --attention --patch; do
    case $part in
    --weights) set -- compare -m "$m" $part ;;
    --patch) set -- compare -m "$m" $part layers --check-set "$work/a.probes" ;;
    *) set -- compare -m "$m" $part --check-set "$work/a.probes" ;;
    esac
    "$pty" "$VILSCOPE" "$@" >"$work/seen" 2>"$work/why"
    ok $? "compare $part: $(cat "$work/why")"
    "$pty" "$VILSCOPE" "$@" --json >"$work/seen" 2>"$work/why" &&
        { [ $part = --attention ] || grep -q evil "$work/seen"; }
    ok $? "compare $part --json: $(cat "$work/why")"
    "$pty" "$VILSCOPE" "$@" --csv >"$work/seen" 2>"$work/why"
    ok $? "compare $part --csv: $(cat "$work/why")"
done
mkdir "$work/run"
cp "$m/checkpoint.bin" "$work/run/$evil.bin"
v 0 "compare --watch" compare -m "$m" --check-set "$work/a.probes" --no-log --watch "$work/run" \
    --until 1 --settle 0.05
printf 'not a checkpoint' >"$work/run/b$evil.bin"
v 1 "compare, probes with an error" compare -m "$m" --check-set "$work/no$evil.probes"

# ---- eval
printf '{"task": "gqa", "images": ["%s"], "text": "what", "answer": "evil\\u001b[2J\\u009b\\u202e"}\n' \
    "$tiny/scene.png" >"$work/set.jsonl"
cp "$work/set.jsonl" "$work/$evil.jsonl"
v 0 "eval" eval -m "$m" --data "$work/$evil.jsonl"
v 0 "eval --json" eval -m "$m" --data "$work/$evil.jsonl" --json --no-log
printf '{"task": "gqa", "images": ["evil\\u001b[2J\\u009b\\u202e.png"], "text": "x", "answer": "y"}\n' >"$work/bad.jsonl"
v 1 "eval, an image that is missing" eval -m "$m" --data "$work/bad.jsonl" --no-log
v 1 "eval, a line that is none" eval -m "$m" --data "$work/$evil.npy" --no-log

# ---- files
v 0 "inspect a picture" inspect "$picture"
cp "$m/model.json" "$work/$evil.json"
v 0 "inspect a model.json" inspect "$work/$evil.json"
v 1 "inspect, no such file" inspect "$work/no$raw"
python3 - "$work" <<'END' 2>/dev/null
import json, struct, sys
name = "evil\x1b[2J\x9b\u202e\nforged"
head = json.dumps({name: {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]},
                   "__metadata__": {name: name}}, ensure_ascii=False).encode()
open(sys.argv[1] + "/t.safetensors", "wb").write(struct.pack("<Q", len(head)) + head + b"\0\0\0\0")
END
if [ -e "$work/t.safetensors" ]; then
    v 0 "inspect a checkpoint" inspect "$work/t.safetensors"
    v 0 "inspect a checkpoint --json" inspect --json "$work/t.safetensors"
    cp "$work/t.safetensors" "$work/$evil.safetensors"
    v 1 "query, a checkpoint of other names" query -m "$m" -c "$work/$evil.safetensors" -t gqa \
        --no-log "$picture" "evil"
else
    skip "python3 is not here to write a checkpoint"
fi
v 0 "inspect a list of labels" inspect "$m/gqa.txt"
v 1 "detect" detect -d "$m/detector.pth" "$work/$evil.npy"
v 0 "detect, classes" detect -d "$m/detector.pth" --detector-arch "$m/detector.json" \
    --classes "$m/classes.txt" "$tiny/scene.png"
"$VILSCOPE" extract -m "$m" -o "$work/$evil.lmdb" "$picture" 2>/dev/null
v 0 "inspect regions in LMDB" inspect "$work/$evil.lmdb"
v 1 "inspect a key that is none" inspect --key "$evil." "$work/$evil.lmdb"
v 1 "extract, a picture that is none" extract -m "$m" -o "$work/regions" "$work/$evil.npy"
v 1 "extract, no such list" extract -m "$m" -o "$work/regions" --list "$work/no$evil"
mkdir -p "$work/$evil"
clean 0 "cache" env XDG_CACHE_HOME="$work/$evil" "$VILSCOPE" cache
v 1 "world" world -o "$work/no$evil/x"
v 1 "tokenize" tokenize --vocab "$work/no$evil"
v 1 "forward" forward --config "$work/no$evil" -c "$m/checkpoint.bin" --inputs x --output y
v 2 "neither a command nor a picture" "$evil"

# ---- the log
s() {
    want=$1 what=$2
    shift 2
    v "$want" "sessions $what" sessions "$@"
}
cp "$VILSCOPE_LOG" "$work/$evil.sqlite"
"$VILSCOPE" sessions pin 1 "expected $evil" >"$work/out" 2>&1
"$VILSCOPE" sessions note 1 "note $evil"
"$VILSCOPE" sessions tag 1 "$(printf 'evil\033[2J\302\233\342\200\256')" 2>"$work/err"
"$pty" "$VILSCOPE" sessions list >"$work/seen" 2>"$work/why" && grep -q query "$work/seen"
ok $? "sessions list: $(cat "$work/why")"
s 0 search search evil
s 0 "search --json" search --json evil
s 0 show show 1
s 0 "show --json" show 1 --json
s 0 query query 1
s 0 replay replay 1 -m "$m"
s 0 "replay --json" replay 1 -m "$m" --json --no-log
s 0 difference difference 1
s 0 "export jsonl" export --format jsonl 1
s 0 "export csv" export --format csv 1
s 0 "export html" export --format html 1
s 0 sql sql "SELECT text, best, model FROM queries"
s 0 "sql, the name of a column" sql "SELECT 1 AS \"$evil\""
s 0 "sql --csv" sql --csv "SELECT text, best FROM queries"
s 0 "sql --json" sql --json "SELECT text, best AS \"$evil\" FROM queries"
s 2 "sql, an error" sql "SELECT \`$evil\`"
s 1 "check, no such log" check --log "$work/$evil.db"
s 0 "check" check --log "$work/$evil.sqlite"
# Two sessions that asked the same got other answers.
"$BUILDDIR/test-compare" make "$m/checkpoint.bin" "$m/another.bin" bert. 0.5 2>"$work/err" >&2
for c in checkpoint another; do
    "$VILSCOPE" query -m "$m" -c "$m/$c.bin" -t gqa "$picture" "again $evil" >/dev/null 2>&1
done
last=$("$VILSCOPE" sessions sql --csv "SELECT max(id) FROM sessions" | tail -n 1)
s 0 diff diff $((last - 1)) "$last"
s 0 "diff --json" diff $((last - 1)) "$last" --json
"$pty" "$VILSCOPE" sessions prune --session 1 --dry-run >"$work/seen" 2>"$work/why"
ok $? "sessions prune: $(cat "$work/why" "$work/seen")"
s 0 merge merge "$work/$evil.sqlite"
s 2 "a verb that is none" "$evil"

v 1 "workbench, no such picture" workbench -m "$m" "$work/no$evil.png"

# ---- into a file: the text as it was
"$VILSCOPE" query -m "$m" -t gqa --no-log --json "$picture" "what $evil" >"$work/json" 2>/dev/null &&
    grep -aq "$(printf '\302\233\342\200\256')" "$work/json" && grep -aq 'u001B\]0;t' "$work/json"
ok $? "JSON keeps the text"
# Names that are not UTF-8, which JSON cannot hold, lose those bytes and nothing else.
bytes=$(printf 'bad\377')
cp "$tiny/checkpoint.bin" "$work/$bytes.bin"
mkdir "$work/w"
"$VILSCOPE" world -o "$work/w" --seed 7 --scenes 3 --items 8 --task refcoco
grep '"text": "[^"]\{1,24\}"' "$work/w/data.jsonl" >"$work/w/$bytes.jsonl"
"$VILSCOPE" eval -m "$tiny" --data "$work/w/$bytes.jsonl" --no-log --json >"$work/json" 2>/dev/null &&
    grep -q '"data": ".*bad.*jsonl"' "$work/json" && grep -q '"task": "refcoco"' "$work/json"
ok $? "eval --json of a set whose name is not UTF-8"
"$VILSCOPE" query -m "$tiny" -t vqa --log "$work/own.db" "$tiny/scene.png" "what" >/dev/null 2>&1
"$VILSCOPE" sessions replay 1 --log "$work/own.db" -m "$tiny" -c "$work/$bytes.bin" --no-log --json \
    >"$work/json" 2>/dev/null && grep -q '"checkpoint": "bad' "$work/json"
ok $? "replay --json of a checkpoint whose name is not UTF-8"
"$VILSCOPE" sessions sql --csv "SELECT text FROM queries WHERE id = 1" >"$work/csv" &&
    grep -aq "$(printf 'evil\033\\]0;t\a\302\233\342\200\256\r')" "$work/csv" && grep -aq '^forged' "$work/csv"
ok $? "CSV keeps the text"
[ "$("$VILSCOPE" sessions sql --csv "SELECT '=1+1', '-2', '@x', -3.5" | tail -n 1)" = "'=1+1,-2,'@x,-3.5" ]
ok $? "CSV guards formulas, not numbers"
LC_ALL=C "$pty" "$VILSCOPE" sessions sql "SELECT 'b' || char(233)" >"$work/seen" &&
    grep -aq 'b?' "$work/seen"
ok $? "a terminal without UTF-8 gets ASCII"
end
