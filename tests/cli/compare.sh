#!/bin/sh
# SPDX-License-Identifier: MIT
# vilscope compare as a user runs it: the frozen model's three checkpoints side by side, two generated
# ones that differ in one layer, which the weights and the swap have to name, and a folder into which
# a checkpoint is written slowly, which must not be asked before it is complete.
set -u
tiny=$SRCDIR/tests/data/tiny
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export VILSCOPE_LOG="$work/log.db" XDG_CACHE_HOME="$work/cache"
. "$SRCDIR/tests/cli/lib.sh"
compare() {
    "$VILSCOPE" compare "$@" 2>"$work/err"
}

# ---- probes on the frozen model
cat >"$work/frozen.probes" <<END
name: stars
task: genomeqa
image: $frozen/images/000000.png
text: how many stars can you see?
answer: 7

task: vqa
image: $frozen/images/000000.png
text: what color is it?
END
compare -m "$frozen" --check-set "$work/frozen.probes" >"$work/out"
[ $? -eq 0 ] && grep -q 'early  *middle  *final' "$work/out" &&
    grep -q '^stars .* 7 0\.[0-9]*+' "$work/out" && grep -q 'now right' "$work/out"
ok $? "the three checkpoints: $(grep '^stars' "$work/out")"
grep -q '^right .*0 of 1 .* 1 of 1' "$work/out"
ok $? "who is right: $(grep '^right' "$work/out")"
compare -m "$frozen" -c early -c final --check-set "$work/frozen.probes" --json >"$work/json" &&
    grep -q '"before": ' "$work/json" && [ "$(grep -c '"digest": "[0-9a-f]\{64\}"' "$work/json")" -eq 2 ]
ok $? "JSON: two checkpoints with their digests, flips"
compare -m "$frozen" -c final --check-set "$work/frozen.probes" --csv >"$work/csv" &&
    [ "$(wc -l <"$work/csv")" -eq 3 ] && grep -q '^1,"stars","genomeqa",.*"final","7",' "$work/csv"
ok $? "CSV: $(sed -n 2p "$work/csv")"
compare -m "$frozen" -c final -t vqa --csv "$frozen/images/000000.png" "what wombat is it" >"$work/csv" \
    2>"$work/err" && head -n 1 "$work/csv" | grep -q ',error,notice$' &&
    sed -n 2p "$work/csv" | grep -q ',"","unknown words: wombat '
ok $? "CSV: its notice: $(sed -n 2p "$work/csv")"
sed -n 's/.*"expected_softmax": \([0-9.e-]*\).*/\1/p' "$work/json" >"$work/values"
"$VILSCOPE" query -m "$frozen" -t genomeqa --no-log --json \
    "$frozen/images/000000.png" "how many stars can you see?" 2>/dev/null |
    sed -n '/"label": "7"/,/"sigmoid"/s/.*"softmax": \([0-9.e-]*\).*/\1/p' >"$work/asked"
grep -qF "$(head -n 1 "$work/asked")" "$work/values"
ok $? "the numbers are those of query: $(head -n 1 "$work/asked")"
[ "$("$VILSCOPE" sessions --json | grep -c '"id"')" -ge 3 ] &&
    "$VILSCOPE" sessions --search stars | grep -q genomeqa
ok $? "what was asked is in the log"
[ "$("$VILSCOPE" sessions sql --csv "SELECT count(*) FROM probe_runs" | tail -n 1)" -ge 6 ] &&
    "$VILSCOPE" sessions sql --csv "SELECT a_name, b_name, a_answer, b_answer FROM flips" |
    grep -q '^early,final,.*,7$'
ok $? "as probe runs, and flips can be asked for"
head -n 4 "$frozen/queries.jsonl" >"$work/items.jsonl"
sed "s|images/|$frozen/images/|g" "$work/items.jsonl" >"$work/abs.jsonl"
compare -m "$frozen" -c early -c final --no-log --check-set "$work/abs.jsonl" >"$work/out" &&
    grep -q '^right' "$work/out"
ok $? "a data set's lines are probes: $(grep '^right' "$work/out")"
compare -m "$frozen" -c early -c final --no-log --attention -t vqa "$frozen/images/000000.png" \
    "what color is the star?" --top 3 >"$work/out" && [ "$(grep -c '^[a-z].* [01]\.[0-9]* ' "$work/out")" -eq 3 ]
ok $? "heads by how much they changed: $(sed -n 2p "$work/out")"
compare -m "$frozen" --no-log -t coco "$frozen/images/000000.png" "$frozen/images/000001.png" \
    "a star" 2>"$work/err" | grep -q '^a star .* 00000[01].png [01]\.[0-9]* '
ok $? "an image is named by its file, not by the beginning of its path"
compare -m "$frozen" --no-log --cka --check-set "$work/frozen.probes" >"$work/out" &&
    [ "$(grep -c '^layer' "$work/out")" -eq 7 ]
ok $? "hidden states, layer by layer"
grep -q '^text stream, CKA (debiased), n = [0-9]* tokens of 2 queries ' "$work/out" &&
    grep -q '^noise floor: at most [0-9.]*, the largest of 19' "$work/out"
ok $? "n and the noise floor are said: $(grep -m 1 floor "$work/out")"
compare -m "$frozen" -c early -c final --no-log --cka -t vqa "$frozen/images/000000.png" \
    "what is it" >"$work/out"
grep -q '^text stream.* of 1 query, which says little of others' "$work/out" &&
    grep -q '^embeddings .* -  *-  *-$' "$work/out" && grep -q '^-: .* rounding$' "$work/out"
ok $? "one query is called so, states that do not vary have no number"
compare -m "$frozen" -c early -c final --no-log --cka --json -t vqa "$frozen/images/000000.png" \
    "what is it" >"$work/out"
grep -q '"estimator": "debiased CKA"' "$work/out" && grep -q '"queries": 1' "$work/out" &&
    grep -q '"noise_floor": ' "$work/out" && grep -q 'null' "$work/out"
ok $? "so does JSON"
compare -m "$frozen" -c early -c final --no-log --cka --csv -t vqa "$frozen/images/000000.png" \
    "what is it" >"$work/out"
grep -q '^"text","embeddings","co 3",,,6,1$' "$work/out" &&
    grep -q '^"image","co 1","co 1",0\.[0-9]*,0\.[0-9]*,17,1$' "$work/out"
ok $? "and CSV"
compare -m "$frozen" -c final -c final.pth --no-log --cka --json --check-set "$work/frozen.probes" |
    tr -d ' \n' | grep -q '"similarity":\[\[1\.0\|"similarity":\[\[0\.99999'
ok $? "a checkpoint is like itself"

# ---- two checkpoints that differ in one layer
"$BUILDDIR/test-compare" make "$tiny/checkpoint.bin" "$work/same.safetensors" none 1 &&
    "$BUILDDIR/test-compare" make "$tiny/checkpoint.bin" "$work/other.safetensors" \
        bert.encoder.v_layer.1. 0.4
ok $? "two checkpoints are made"
two="-m $tiny -c $work/same.safetensors -c $work/other.safetensors --no-log"
compare $two --weights >"$work/out" && sed -n 3p "$work/out" | grep -q '^bert.encoder.v_layer.1 .* 0\.6 ' &&
    sed -n 4p "$work/out" | grep -q ' 0  *0 '
ok $? "the layer that differs: $(sed -n 3p "$work/out")"
compare $two --weights --csv | grep -q '^"same.safetensors","other.safetensors","bert.encoder.v_layer.1",compared,0\.[56]'
ok $? "and as CSV"
compare $two --tensors --top 2 | grep -q '^bert.encoder.v_layer.1.* 0.6 '
ok $? "by tensor"
compare -m "$tiny" -c "$tiny/checkpoint.bin" -c "$work/same.safetensors" --weights --no-log |
    head -n 1 | grep -q 'moved by 0 of'
ok $? "half precision and its widened copy are equal"
compare $two --patch layers --regions "$tiny/scene.npy" -t vqa "$tiny/scene.png" "what color" >"$work/out"
grep -q '^most is recovered by: image layer 2, 100' "$work/out" &&
    grep -q '^text layer 1 .* 0\.0%' "$work/out"
ok $? "the patched layer is named: $(grep "most is" "$work/out")"
# One image: its softmax is always 1, so the logit is what is measured and shown.
compare $two --patch layers --regions "$tiny/scene.npy" -t coco "$tiny/scene.png" "what color" >"$work/out"
grep -q '"what color": .*, logit -\{0,1\}[0-9.]* -> -\{0,1\}[0-9.]*$' "$work/out" &&
    grep -q '^most is recovered by: image layer 2, 100' "$work/out"
ok $? "of one image by its logit: $(sed -n 2p "$work/out")"
if command -v python3 >/dev/null; then
    python3 - "$work/same.safetensors" "$work/fewer.safetensors" <<'END'
import json
import sys

data = open(sys.argv[1], "rb").read()
at = 8 + int.from_bytes(data[:8], "little")
header, body = json.loads(data[8:at]), b""
for name in sorted(n for n in header if n != "__metadata__"):
    x = header[name]
    begin, end = x["data_offsets"]
    if name.startswith("vil_prediction_gqa.logit_fc.3."):
        end -= (end - begin) // x["shape"][0]
        x["shape"][0] -= 1
    x["data_offsets"] = [len(body), len(body) + end - begin]
    body += data[at + begin:at + end]
head = json.dumps(header).encode()
open(sys.argv[2], "wb").write(len(head).to_bytes(8, "little") + head + body)
END
    refuses 1 "'what color': the two checkpoints do not rank the same answers" "nor is one compared that has an answer less" \
        "$VILSCOPE" compare -m "$tiny" -c "$work/same.safetensors" -c "$work/fewer.safetensors" --no-log \
        --patch layers -t gqa "$tiny/scene.png" "what color"
else
    skip "no python3 to take an answer away"
fi
compare $two --regions "$tiny/scene.npy" -t coco "$tiny/scene.png" "what color" >"$work/out"
grep -q ' l=-\{0,1\}[0-9]*\.[0-9]* .* l=-\{0,1\}[0-9]*\.[0-9]*' "$work/out"
ok $? "and the table shows it: $(sed -n 2p "$work/out")"
compare $two --csv --regions "$tiny/scene.npy" -t coco "$tiny/scene.png" "what color" >"$work/csv"
sed -n 1p "$work/csv" | grep -q ',answer,softmax,logit,entropy,' && [ "$(cut -d, -f8 "$work/csv" | sed 1d | sort -u |
    grep -c '^-\{0,1\}[0-9]*\.[0-9]')" -eq 2 ] && [ "$(cut -d, -f7 "$work/csv" | sed 1d | sort -u)" = 1 ]
ok $? "and so does CSV: $(sed -n 2p "$work/csv")"
printf 'name: lone\ntask: coco\nimage: %s\nregions: %s\ntext: what color\n' "$tiny/scene.png" "$tiny/scene.npy" \
    >"$work/lone.probes"
compare ${two% --no-log} --log "$work/lone.db" --check-set "$work/lone.probes" >"$work/out"
"$VILSCOPE" sessions --log "$work/lone.db" sql --csv \
    "SELECT count(DISTINCT score), count(*), sum(score = 1) FROM probe_trend" >"$work/csv"
[ "$(tail -n 1 "$work/csv")" = 2,2,0 ]
ok $? "and the log: $(tail -n 1 "$work/csv")"
compare $two --patch blocks --json --regions "$tiny/scene.npy" -t vqa "$tiny/scene.png" "what color" |
    grep -q '"carried_by": "all image layers"'
ok $? "and the block"
compare $two --patch heads --csv --regions "$tiny/scene.npy" -t vqa "$tiny/scene.png" "what color" >"$work/csv" &&
    grep -q '^"image layer 2, head 1","swap image 2.1 from other.safetensors",' "$work/csv"
ok $? "and its heads: $(grep 'image layer 2, head 1' "$work/csv")"
cp "$work/other.safetensors" "$work/x.safetensors"
mkdir "$work/run2"
cp "$work/other.safetensors" "$work/run2/x.safetensors"
compare -m "$tiny" -c "$work/x.safetensors" -c "$work/run2/x.safetensors" --no-log -t vqa \
    --regions "$tiny/scene.npy" "$tiny/scene.png" a | head -n 1 | grep -q 'x.safetensors  *run2/x.safe'
ok $? "files of the same name are told apart"

# ---- what was found out is logged as it was printed
log=$work/found.db
both="-m $tiny -c $work/same.safetensors -c $work/other.safetensors --log $log"
s() {
    "$VILSCOPE" sessions --log "$log" "$@"
}
asked="--regions $tiny/scene.npy -t vqa $tiny/scene.png"
squeeze() { # squeeze FILE: without blanks and lines
    tr -d ' \n' <"$1"
}
found=0
for what in --weights --cka --attention "--patch layers"; do
    found=$((found + 1))
    if [ "$what" = --weights ]; then # prints a list: one for each further checkpoint
        compare $both $what --json | sed '1s/^\[//;$s/\]$//' >"$work/printed"
    else
        compare $both $what --json $asked "what color" >"$work/printed"
    fi
    s difference $found >"$work/logged" &&
        [ -s "$work/logged" ] && [ "$(squeeze "$work/logged")" = "$(squeeze "$work/printed")" ]
    ok $? "$what is logged: $(head -c 60 "$work/logged")"
done
s show 4 >"$work/out" && grep -q '^d4 .* swap .*layers, same.safetensors -> other.safetensors, "what color": carried by image layer 2, 100' "$work/out"
ok $? "and shown: $(cat "$work/out")"
s sql --csv "SELECT part FROM changed_parts WHERE kind = 'weights' ORDER BY value DESC LIMIT 1" |
    grep -q 'bert.encoder.v_layer.1$'
ok $? "and found by its parts"
s export 4 --format html | grep -q '<td>image layer 2</td>' && s export 2 --format html >"$work/html" &&
    cat "$work/html" |
    grep -q '<title>text embeddings of A, text embeddings of B: '
ok $? "and in the report"
s export 1 | grep -q '^{"difference":1,.*"kind":"weights",.*"data":{"from":"same.safetensors"'
ok $? "and as a line of JSON"
compare $both --no-log --weights >/dev/null && [ "$(s sql --csv "SELECT count(*) FROM differences" | tail -n 1)" -eq 4 ]
ok $? "but not with --no-log"

# ---- a log that is locked for longer than a try waits loses nothing
printf 'task: vqa\nimage: %s\nregions: %s\ntext: a\n\ntask: vqa\nimage: %s\nregions: %s\ntext: b\n' \
    "$tiny/scene.png" "$tiny/scene.npy" "$tiny/scene.png" "$tiny/scene.npy" >"$work/two.probes"
"$BUILDDIR/test-durable" hold "$log" "$VILSCOPE" compare $both --check-set "$work/two.probes" \
    >"$work/out" 2>"$work/err"
[ "$(s sql --csv "SELECT (SELECT count(*) FROM queries), (SELECT count(*) FROM comparison_queries),
    (SELECT count(DISTINCT query_id) FROM probe_results), (SELECT count(*) FROM probe_runs)" |
    tail -n 1)" = 4,4,4,2 ] && ! grep -qv ': note: ' "$work/err"
ok $? "answers, comparisons and runs wait for a locked log $(cat "$work/err")"
"$BUILDDIR/test-durable" hold "$log" "$VILSCOPE" compare $both --weights >"$work/out" 2>"$work/err"
[ $? -eq 0 ] && [ ! -s "$work/err" ] && [ "$(s sql --csv "SELECT count(*) FROM differences" | tail -n 1)" -eq 5 ]
ok $? "and what was found out $(cat "$work/err")"

# ---- sets
compare -m "$tiny" --no-log --check-set "$SRCDIR/tests/data/probes/set.probes" >"$work/out" 2>&1
[ $? -eq 0 ] && grep -q '^a color' "$work/out" && grep -q '^right  *[0-9] of 4' "$work/out"
ok $? "every field of a set: $(grep '^right' "$work/out") $(cat "$work/err")"
# The best region, 33 by 32 pixels, and boxes that are half of it, and a line more.
half() { # half Y2 RANK RIGHT WHAT
    printf 'task: refcoco\nimage: %s\ntext: the red square\nbox: 62 20 94 %s\n' "$tiny/scene.png" "$1" \
        >"$work/half.checks"
    compare -m "$tiny" --no-log --check-set "$work/half.checks" --json >"$work/json" &&
        grep -q "\"expected_rank\": $2" "$work/json" && grep -q "\"right\": $3" "$work/json"
    ok $? "$4: $(grep '"expected_rank"\|"right"' "$work/json" | tr -d '\n')"
}
half 35 null false "an overlap of exactly 0.5 is not what is expected"
half 36 1 true "a little more is"
bad() { # bad SET PATTERN WHAT
    printf "$1" >"$work/bad.probes"
    refuses 1 "bad.probes: $2" "$3" "$VILSCOPE" compare -m "$tiny" --no-log --check-set "$work/bad.probes"
}
bad 'task: vqa\nimage: a.png\ntext: a\n\ntask: chess\n' "line 5: there is no task 'chess'" "no such task"
bad '\n# only words\n' "there is no query" "an empty set"
bad 'task: vqa\ntext: a\n' "line 1: not as many images" "no image"
bad 'task: vqa\nimage: a.png\n' "line 1: a query without a text" "no text"
bad 'image: a.png\ntext: a\n' "line 1: a query without a task" "no task"
bad 'task vqa\n' "line 1: .*field: value" "no colon"
bad 'color: red\n' "line 1: there is no such field" "no such field"
bad 'task: refcoco\nimage: a.png\ntext: a\nbox: 5 5 1 9\n' "line 4: expected x1 y1 x2 y2" "a box inside out"
bad 'task: refcoco\nimage: a.png\ntext: a\nanswer: red\n' "line 1: the answer .* is a box" "words for a box"
bad 'task: coco\nimage: a.png\nimage: b.png\ntext: a\nanswer: 3\n' "line 1: .*number of an image" "image 3 of 2"
bad 'task: vqa\nimage: a.png\ntext: a\nanswer: a\nanswer: b\n' "line 5: given twice" "two answers"
bad 'regions: a.npy\n' "line 1: regions come after" "regions of nothing"
bad 'a\000b' "is not text" "bytes"
bad '{"task": "vqa"}\n' "line 1" "a JSON line without images"
printf 'task: vqa\nimage: %s\ntext: a\n\ntask: vqa\nimage: none.png\ntext: b\n' "$tiny/scene.png" >"$work/half.probes"
compare -m "$tiny" --no-log --check-set "$work/half.probes" >"$work/out"
[ $? -eq 0 ] && grep -q '^b  *failed' "$work/out" && grep -q 'none.png' "$work/err"
ok $? "one probe that fails does not stop the others"

# ---- what is wrong
refuses 2 "neither a checkpoint of" "no such checkpoint" \
    "$VILSCOPE" compare -m "$tiny" -c nothing --no-log --weights
refuses 2 "two checkpoints" "one checkpoint" "$VILSCOPE" compare -m "$tiny" --no-log --weights
refuses 2 "nothing to ask" "nothing asked" "$VILSCOPE" compare -m "$tiny"
refuses 2 "at a time" "two comparisons" "$VILSCOPE" compare -m "$tiny" --weights --cka
refuses 2 "not both" "probes and a query" "$VILSCOPE" compare -m "$tiny" --check-set x -t vqa a b
refuses 2 "blocks, layers or heads" "another level" "$VILSCOPE" compare -m "$tiny" --patch toes
refuses 1 "No such file" "no such set" "$VILSCOPE" compare -m "$tiny" --check-set "$work/none" --no-log
refuses 1 "No such file" "no such folder" \
    "$VILSCOPE" compare -m "$tiny" --check-set "$work/half.probes" --watch "$work/none" --no-log
refuses 1 "No such file" "no such folder, for the workbench" \
    "$VILSCOPE" -m "$tiny" --watch "$work/none" --no-log
refuses 1 "bad.probes: line 1" "a broken set, for the workbench" \
    "$VILSCOPE" -m "$tiny" --check-set "$work/bad.probes" --no-log
refuses 2 "need --watch" "a stop without a watch" \
    "$VILSCOPE" compare -m "$tiny" --check-set "$work/half.probes" --until 3

# ---- watch: one file is there, one is written slowly, one is renamed into place in a folder below
run=$work/run
mkdir -p "$run"
cp "$work/same.safetensors" "$run/step_1.safetensors"
echo "not a model" >"$run/notes.bin"
size=$(wc -c <"$work/other.safetensors")
: >"$work/watched"
"$VILSCOPE" compare -m "$tiny" --no-log --check-set "$work/half.probes" --watch "$run" --settle 0.3 \
    --until 4 --json >"$work/watched" 2>"$work/err" &
watcher=$!
wait_for() { # wait_for SECONDS COMMAND...
    left=$((10 * $1))
    shift
    while [ $left -gt 0 ]; do
        "$@" && return 0
        sleep 0.1
        left=$((left - 1))
    done
    return 1
}
lines() { [ "$(wc -l <"$work/watched")" -ge "$1" ]; }
wait_for 20 lines 1
ok $? "the checkpoint that is there is asked"
for part in 1 2 3 4; do
    dd if="$work/other.safetensors" bs=$((size / 4 + 1)) skip=$((part - 1)) count=1 2>/dev/null \
        >>"$run/step_2.safetensors"
    [ $part -eq 4 ] || sleep 0.5
    [ $part -ne 3 ] || early=$(wc -l <"$work/watched")
done
[ "$early" -eq 1 ]
ok $? "a file that is still being written is not"
wait_for 20 lines 2 && sed -n 2p "$work/watched" | grep -q '"name":"step_2.safetensors"' &&
    sed -n 2p "$work/watched" | grep -q '"answers":\[{"answer"'
ok $? "when it is complete it is"
mkdir "$run/step-3"
cp "$work/same.safetensors" "$run/step-3/.tmp"
mv "$run/step-3/.tmp" "$run/step-3/model.safetensors"
wait_for 20 lines 3 && sed -n 3p "$work/watched" | grep -q '"name":"step-3/model.safetensors"'
ok $? "and one in a folder below"
cp "$work/other.safetensors" "$run/step_1.safetensors"
wait_for 20 lines 4 && sed -n 4p "$work/watched" | grep -q '"name":"step_1.safetensors (2)"'
ok $? "one that is written anew is asked again"
wait $watcher
ok $? "after --until it ends"
[ "$(grep -c 'left out' "$work/err")" -eq 1 ] &&
    grep -q '^vilscope compare: notes.bin: left out: .*notes.bin: is text, not a checkpoint' "$work/err"
ok $? "and tells what never became one: $(grep 'left out' "$work/err")"
end
