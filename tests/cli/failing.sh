#!/bin/sh
# SPDX-License-Identifier: MIT
# Every call that can fail fails once, in one command line after the other: memory, files, SQLite,
# and all functions of the program that return an error (tests/failing). The command says so and its
# status is not 0, or it does all the same what it should. An error that is taken for success, or
# that has no words, breaks it.
set -u
tiny=$SRCDIR/tests/data/tiny
data=$SRCDIR/tests/data
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
. "$SRCDIR/tests/cli/lib.sh"
export OMP_NUM_THREADS=1
v=$BUILDDIR/vilscope-failing
[ -x "$v" ]
ok $? "the program that fails is there"
[ -x "$v" ] || end
start=$work/start
mkdir "$start"
: >"$work/seen"
# Times differ from run to run.
still() {
    sed -e 's/"\(tokenize\|regions\|forward\|reading\|total\|ms_per_item\)": [0-9.e-]*/"\1": T/' \
        -e 's/[0-9]*-[0-9]*-[0-9]*T[0-9:.]*Z*/T/g' -e 's/"uid": "[0-9a-f]*"/U/' -e "s|$work/[12]/|/|g" "$1" >"$1.still"
}
same() { # as in the run in which nothing failed
    cmp -s "$run.out" "$work/want" && return
    still "$run.out"
    cmp -s "$run.out.still" "$work/want.still"
}

# judge CALL STATUS: what became of it, or nothing when it is well
judge() {
    if [ "$2" -eq 125 ]; then
        echo "$1" >>"$run.unmade"
    elif [ "$2" -ge 124 ]; then
        echo "$1: ended with status $2: $(tail -n 1 "$run.err")"
    elif [ "$2" -eq 0 ] && [ ! "$loose" ] && ! grep -q "injected" "$run.err" && ! same; then
        echo "$1: status 0, other output"
    elif [ "$2" -ne 0 ] && cmp -s "$run.err" "$work/want.err" &&
        ! grep -q "injected\|problem:" "$run.out"; then
        echo "$1: status $2 and no word"
    fi
}

# once COMMAND...: in a folder that is as it was
once() {
    [ "$keep" ] && [ -d "$run" ] || { rm -rf "$run" && cp -R "$start" "$run"; }
    (cd "$run" && XDG_CACHE_HOME=cache VILSCOPE_LOG=log.db "$@") >"$run.out" 2>"$run.err" \
        </dev/null
}

# each NAME COMMAND...: with each of its calls that none before had
each() {
    name=$1
    shift
    rm -rf "$work/calls" "$work/bad" "$work/1" "$work/2"
    run=$work/1
    VILSCOPE_CALLS=$work/calls once "$@"
    got=$?
    mv "$run.out" "$work/want"
    mv "$run.err" "$work/want.err"
    still "$work/want"
    awk 'FILENAME == ARGV[1] {seen[$1] = 1; next} !($1 in seen) {print $1}' "$work/seen" "$work/calls" >"$work/new"
    cat "$work/new" >>"$work/seen"
    for part in 1 2; do # at a time
        run=$work/$part
        awk "NR % 2 == $part % 2" "$work/new" | while read -r call; do
            VILSCOPE_FAIL=$call once "$@"
            judge "$call" $?
        done >"$work/bad.$part" &
    done
    wait
    [ $got -eq "$status" ] && [ ! -s "$work/bad.1" ] && [ ! -s "$work/bad.2" ]
    ok $? "$name: $(wc -l <"$work/new") calls that fail $(tail -n 1 "$work/want.err"; cat "$work/bad.1" "$work/bad.2")"
}
status=0 # of the command when nothing fails
keep=yes # the folder as it is, for a command that changes nothing in it
loose=   # its output may be another without a word

# ---- what there is
cp "$tiny/scene.png" "$tiny/scene.npy" "$tiny/mirror.png" "$tiny/mirror.npy" "$start"
cp "$tiny/scene.png" "$start/alone.png"
cat >"$start/set.jsonl" <<END
{"task": "gqa", "images": ["scene.png"], "text": "what color", "answer": "red"}
{"task": "refcoco", "images": ["scene.png"], "text": "the red square", "box": [10, 10, 30, 30]}
END
printf 'task: gqa\nimage: scene.png\ntext: a\nanswer: red\n\ntask: refcoco\nimage: scene.png\ntext: red\n' \
    >"$start/set.probes"
printf '1 2 30 40\n50 10 90 60\n' >"$start/boxes.txt"
mkdir "$start/boxes"
cp "$start/boxes.txt" "$start/boxes/alone.txt"
"$BUILDDIR/test-compare" make "$tiny/checkpoint.bin" "$work/other.safetensors" \
    bert.encoder.v_layer.1. 0.4
both="-m $tiny -c $tiny/checkpoint.bin -c $work/other.safetensors --threads 1"
(
    cd "$start" && export VILSCOPE_LOG="$start/log.db" XDG_CACHE_HOME="$start/cache" || exit 1
    for task in gqa refcoco; do
        "$VILSCOPE" query -m "$tiny" -t $task --log-attention scene.png "the red square"
    done
    "$VILSCOPE" compare $both --weights --top 3 && "$VILSCOPE" compare $both --check-set set.probes &&
        "$VILSCOPE" eval -m "$tiny" --data set.jsonl && "$VILSCOPE" sessions pin 1 red &&
        "$VILSCOPE" sessions note 1 "a note" && "$VILSCOPE" sessions tag 2 hard && cp log.db from.db &&
        cp "$data/logs/version-1.db" old.db && cp old.db older.db && chmod u+w old*.db &&
        "$VILSCOPE" sessions --log new.db merge old.db && rm -r cache
) >"$work/out" 2>&1
ok $? "a log: $(tail -n 1 "$work/out")"
q="$v query -m $tiny --threads 1"
two="$v compare $both --no-log"
s="$v sessions"
detector="--threads 1 -d $tiny/detector.pth"

# ---- asking
each "query" $q -t vqa --no-log scene.png "what color"
each "a pair" $q -t nlvr2 --no-log scene.png mirror.png "two"
each "with what is left out" $q -t gqa --no-log --change "mask token 3" --change "drop region 2" \
    --change "ablate text-to-image 1.2 zero" scene.png "what color"
each "leave-one-out" $q -t gqa --no-log --leave-one-out regions scene.png "what color"
each "leave-one-out of heads" $q -t gqa --no-log --leave-one-out heads scene.png "what color"
each "regions of every kind" $q -t gqa --no-log --regions "$data/regions/mmf.npy" "what"
for f in lxmert_obj36.tsv vilbert_beta.lmdb bua.npz padded.npz one.pkl; do
    each "$f" $q -t gqa --no-log --regions "$data/regions/$f" "what"
done
for f in gray.jpg lossy.webp palette.gif rgb.bmp rgb.ppm alpha.png; do
    each "$f" "$v" detect $detector --detector-arch "$tiny/detector.json" "$data/pictures/$f"
done

# ---- files
for f in "$tiny/checkpoint.bin" "$data/checkpoints/training_old.bin" "$data/checkpoints/training.pt" \
    "$work/other.safetensors" "$tiny/gqa.txt" "$tiny/vocab.txt" "$data/regions/vilbert_beta.lmdb" \
    "$tiny/scene.png"; do
    each "inspect ${f##*/}" "$v" inspect --json "$f"
done
status=1 # their features are not of the published size
for f in "$tiny/scene.npy" "$data/regions/mmf.npy" "--key 7 $data/regions/two.pkl" "$data/regions/bua.npz"; do
    each "inspect ${f##*/}" "$v" inspect --json $f
done
status=0
tokens() {
    echo '{"text": "the dog"}' | "$v" tokenize --vocab "$tiny/vocab.txt"
}
each "tokenize" tokens

# ---- measuring and comparing
each "eval" "$v" eval -m "$tiny" --data set.jsonl --no-log --threads 1 --json
each "eval of attention" "$v" eval -m "$tiny" --data set.jsonl --no-log --threads 1 --attention
each "compare" $two --check-set set.probes
each "weights" $two --weights
each "tensors" $two --tensors --json
for what in --cka --attention "--patch blocks" "--patch heads" "--patch layers"; do
    each "compare $what" $two $what -t gqa scene.png "what color"
done

# ---- reading the log
each "list" $s
each "list as JSON" $s --json
each "show" $s show 3
each "one query" $s query 1
each "a difference" $s difference 1
each "search" $s search red -t gqa --since 2020-01-01 --image scene.png -c noise
each "diff" $s diff 1 2
each "diff of checkpoints" $s diff -c noise -c other.safetensors
each "export as JSON lines" $s export
each "export as CSV" $s export --format csv
loose=yes # a picture that cannot be read is not there, says the page
each "export as HTML" $s export --format html
loose=
each "replay" $s replay 1 -m "$tiny" --threads 1 --no-log
each "SQL" $s sql --json "SELECT task FROM queries"
each "check" $s check
each "cache" "$v" cache --json
each "tasks" "$v" tasks
each "devices" "$v" devices

# ---- what writes
keep=
each "a result as JSON" $q -t refcoco --json --no-log scene.png "red"
each "a detector" $q -t refcoco --json --no-log alone.png "red"
each "boxes" $q -t visual7w --no-log --boxes boxes.txt alone.png "red"
and_show() { # and_show FILE COMMAND...
    file=$1
    shift
    "$@" && cat "$file"
}
each "maps as safetensors" and_show maps.safetensors $q -t gqa --no-log --attention maps.safetensors scene.png "what"
each "maps as .npy" and_show maps.npy $q -t gqa --no-log --attention maps.npy scene.png "what"
x="$v extract $detector --detector-arch $tiny/detector.json --quiet"
each "extract" and_show x/alone.npy $x -o x alone.png
each "extract to safetensors" and_show x/alone.safetensors $x -o x --format safetensors alone.png
each "extract to LMDB" and_show x.lmdb/data.mdb $x -o x.lmdb alone.png mirror.png
each "extract of boxes" and_show x/alone.npy $x -o x --boxes boxes alone.png
each "detect" and_show dump "$v" detect $detector --detector-arch "$tiny/detector.json" --dump dump alone.png
each "detect to .npy" and_show x.npy "$v" detect $detector --detector-arch "$tiny/detector.json" -o x.npy alone.png
each "forward" and_show x "$v" forward --config "$tiny/config.json" -c "$tiny/checkpoint.bin" --threads 1 \
    --inputs "$tiny/expected.safetensors" --output x
echo '{"ig_steps": 1, "targets": [{"name": "a", "output": "vil_logit", "terms": [{"index": 0}]}]}' >"$start/targets.json"
each "relevance" and_show x "$v" relevance --config "$tiny/config.json" -c "$tiny/checkpoint.bin" --threads 1 \
    --inputs "$tiny/expected.safetensors" --targets targets.json --dump x
each "world" and_show w/data.jsonl "$v" world -o w --seed 7 --scenes 1 --retrieval 2 --threads 1
each "predictions" and_show p.json "$v" eval -m "$tiny" --data set.jsonl --threads 1 --no-log \
    --predictions p.json -t gqa
each "logged maps" and_show maps.safetensors $s query 1 --attention maps.safetensors
each "export to a file" and_show page.csv $s export -o page.csv --format csv

and_ask() { # and_ask SQL COMMAND...: and what the log says then
    sql=$1
    shift
    "$@" && "$VILSCOPE" sessions --log "$log" sql "$sql"
}
log=fresh.db
each "logging" and_ask "SELECT task, text, answer FROM query_list" $q --log fresh.db -t gqa --log-attention \
    scene.png "what color"
each "a score that is logged" and_ask "SELECT task, items, score FROM evaluations" "$v" eval -m "$tiny" \
    --data set.jsonl --threads 1 --log fresh.db
counts="SELECT (SELECT count(*) FROM queries), (SELECT count(*) FROM comparison_queries),
    (SELECT count(*) FROM probe_results), (SELECT count(*) FROM difference_parts)"
each "weights that are logged" and_ask "$counts" "$v" compare $both --log fresh.db --weights --top 3
each "answers that are logged" and_ask "$counts" "$v" compare $both --log fresh.db --check-set set.probes --csv
said="SELECT q.id, p.query_id, p.expected, n.note, group_concat(t.tag) FROM queries q LEFT JOIN pins p ON
    p.query_id = q.id LEFT JOIN notes n ON n.query_id = q.id LEFT JOIN tags t ON t.query_id = q.id GROUP BY q.id"
log=log.db
each "pin" and_ask "$said" $s pin 2 blue
each "unpin" and_ask "$said" $s unpin 1
each "note" and_ask "$said" $s note 2 another
each "tag" and_ask "$said" $s tag 1 soft
each "untag" and_ask "$said" $s untag 2 hard
each "prune" and_ask "$said" $s prune --session 2 --vacuum
log=new.db
each "merge" and_ask "$counts" $s --log new.db merge from.db
log=older.db
each "an old log" and_ask "$said" $s --log older.db note 1 new
# What another thread does is not always done by the time that the program ends.
all=$(wc -l <"$work/seen")
unmade=$(cat "$work"/*.unmade 2>/dev/null | wc -l)
[ $((10 * unmade)) -lt "$all" ]
ok $? "of $all calls $unmade were not made again"
end
