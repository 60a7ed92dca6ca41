#!/bin/sh
# SPDX-License-Identifier: MIT
# Checkpoints of a run that diverged, as a user meets them: no command shows a number of theirs, each
# names the tensor or the layer, and the other checkpoints go on. An error that is taken for an
# answer, ends what the others do, or is counted as a number breaks it.
set -u
tiny=$SRCDIR/tests/data/tiny
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export VILSCOPE_LOG="$work/log.db" XDG_CACHE_HOME="$work/cache"
. "$SRCDIR/tests/cli/lib.sh"
cp "$tiny/scene.png" "$tiny/scene.npy" "$tiny/mirror.png" "$tiny/mirror.npy" "$work"
bad='bert.encoder.layer.1.output.dense.weight holds NaN or infinity'
fault() { # fault KIND FILE
    "$BUILDDIR/test-diverged" --write "$1" "$2"
}
fault nan "$work/nan.safetensors" && fault large "$work/large.safetensors"
ok $? "two diverged checkpoints"
scene="--regions $tiny/scene.npy $tiny/scene.png"

# ---- query
refuses 1 "$bad (1 of 960" "a weight that is NaN: no answer" "$VILSCOPE" query -m "$tiny" \
    -c "$work/nan.safetensors" -t gqa $scene "what is it"
[ ! -s "$work/out" ]
ok $? "and nothing is printed"
refuses 1 "visual layer 0 (hid.v.0) makes NaN" "weights that are too large: no answer" \
    "$VILSCOPE" query -m "$tiny" -c "$work/large.safetensors" -t gqa --json $scene "what is it"
[ ! -s "$work/out" ]
ok $? "nor as JSON"
refuses 1 "$bad" "of two checkpoints the sound one answers" "$VILSCOPE" query -m "$tiny" \
    -c "$work/nan.safetensors" -c "$tiny/checkpoint.bin" -t gqa --top 1 $scene "what is it"
[ "$(head -n 1 "$work/out")" = noise ] && [ "$(grep -c softmax "$work/out")" -eq 1 ]
ok $? "and only that one"
refuses 1 "$bad" "effects of parts" "$VILSCOPE" query -m "$tiny" -c "$work/nan.safetensors" \
    -t gqa --leave-one-out regions $scene "what is it"
[ "$("$VILSCOPE" sessions sql "SELECT count(*) FROM queries" | tail -n 1)" = 1 ]
ok $? "the log has the one answer"

# ---- compare
cat >"$work/p.probes" <<EOF
name: a
task: gqa
image: scene.png
regions: scene.npy
text: what is it

name: b
task: gqa
image: mirror.png
regions: mirror.npy
text: what
EOF
three="-c $tiny/checkpoint.bin -c $work/nan.safetensors -c $tiny/checkpoint.bin"
"$VILSCOPE" compare -m "$tiny" --check-set "$work/p.probes" $three --no-log >"$work/out" 2>"$work/err"
[ $? -eq 0 ] && [ "$(grep -c "diverged" "$work/out")" -eq 2 ] &&
    grep -q "^entropy (nats)  *[0-9.]*  *-  *[0-9.]*  *$" "$work/out" &&
    grep -q "^agree with the one before  *-  *-  *$" "$work/out" &&
    grep -q "^all 2 that answer agree on 2 of 2$" "$work/out" &&
    [ "$(wc -l <"$work/err")" -eq 1 ] && grep -q "$bad" "$work/err"
ok $? "compare: the others go on, it has no number, and it is said once"
"$VILSCOPE" compare -m "$tiny" --check-set "$work/p.probes" $three --no-log --json >"$work/out" \
    2>"$work/err"
[ $? -eq 0 ] && [ "$(grep -c '"entropy": null' "$work/out")" -eq 1 ] &&
    [ "$(grep -c '"diverged": 2' "$work/out")" -eq 1 ] &&
    [ "$(grep -c '"diverged": true' "$work/out")" -eq 2 ] &&
    [ "$(grep -c '"all_agree": 2' "$work/out")" -eq 1 ] && ! grep -qi 'nan,\|inf,' "$work/out"
ok $? "compare --json: null, and why"
"$VILSCOPE" compare -m "$tiny" --check-set "$work/p.probes" $three --log "$work/probes.db" \
    >/dev/null 2>&1
[ "$("$VILSCOPE" sessions sql --log "$work/probes.db" "SELECT count(score), count(entropy),
    sum(outcome = 'failed') FROM probe_results" | tail -n 1 | tr -s ' ' ,)" = 4,4,2 ]
ok $? "the log has no number of it"
for what in --cka --attention "--patch layers"; do
    refuses 1 "$bad" "compare $what" "$VILSCOPE" compare -m "$tiny" -c "$tiny/checkpoint.bin" \
        -c "$work/nan.safetensors" $what --no-log -t gqa $scene "what is it"
done
"$VILSCOPE" compare -m "$tiny" -c "$tiny/checkpoint.bin" -c "$work/nan.safetensors" --weights \
    --no-log >"$work/out" 2>&1
grep -q ' 1 are not numbers$' "$work/out" && [ "$(grep -c 'NaN or infinite' "$work/out")" -eq 1 ]
ok $? "compare --weights counts what is no number, and says where"
refuses 1 "$bad" "all of them diverged" "$VILSCOPE" compare -m "$tiny" --check-set "$work/p.probes" \
    -c "$work/nan.safetensors" --no-log

# ---- a training run
mkdir "$work/run"
cp "$tiny/checkpoint.bin" "$work/run/1.bin"
cp "$work/nan.safetensors" "$work/run/2.safetensors"
cp "$work/large.safetensors" "$work/run/3.safetensors"
cp "$tiny/checkpoint.bin" "$work/run/4.bin"
"$VILSCOPE" compare -m "$tiny" --check-set "$work/p.probes" --watch "$work/run" --until 4 \
    --settle 0.1 --no-log >"$work/out" 2>"$work/err"
[ $? -eq 0 ] && [ "$(grep -c '^[23].safetensors: diverged: no answer$' "$work/out")" -eq 2 ] &&
    grep -q '^4.bin: entropy [0-9.]*$' "$work/out" && [ "$(wc -l <"$work/err")" -eq 2 ] &&
    [ "$(tail -n 1 "$work/out" | grep -c '??')" -eq 1 ]
ok $? "--watch goes on, and the trend keeps a place for each"
"$VILSCOPE" compare -m "$tiny" --check-set "$work/p.probes" --watch "$work/run" --until 4 \
    --settle 0.1 --no-log --json >"$work/out" 2>/dev/null
[ "$(wc -l <"$work/out")" -eq 4 ] && [ "$(grep -c '"diverged":2,"entropy":null' "$work/out")" -eq 2 ]
ok $? "--watch --json has a line for each"
rm "$work/run/1.bin" "$work/run/4.bin"
"$VILSCOPE" compare -m "$tiny" --check-set "$work/p.probes" --watch "$work/run" --until 2 \
    --settle 0.1 --no-log >"$work/out" 2>"$work/err"
[ $? -eq 1 ] && [ "$(grep -c '^[23].safetensors: diverged: no answer$' "$work/out")" -eq 2 ] &&
    [ "$(grep -c "^vilscope compare: .*$bad" "$work/err")" -ge 1 ]
ok $? "a run of which none answered ends with 1: $(tail -n 1 "$work/err")"

# ---- eval
"$VILSCOPE" world -o "$work/w" --seed 7 --scenes 6 --items 6 --retrieval 3
grep '"text": "[^"]\{1,24\}"' "$work/w/data.jsonl" >"$work/w/short.jsonl"
mkdir "$work/two"
cp "$tiny"/*.json "$tiny"/*.txt "$tiny/checkpoint.bin" "$tiny/detector.pth" "$work/two"
cp "$work/nan.safetensors" "$work/two"
sed 's/"checkpoints": \[/&{"name": "gone", "file": "nan.safetensors"}, /' "$tiny/model.json" \
    >"$work/two/model.json"
"$VILSCOPE" eval -m "$work/two" -t refcoco --data "$work/w/short.jsonl" >"$work/out" 2>"$work/err"
[ $? -eq 0 ] && head -n 1 "$work/out" | grep -q 'blind  *noise *$' &&
    grep -q "gone diverged and has no score: .*$bad" "$work/err"
ok $? "eval: the others are measured: $(cat "$work/err")"
"$VILSCOPE" eval -m "$work/two" -t refcoco --data "$work/w/short.jsonl" --json --no-log >"$work/out" 2>&1
[ "$(grep -c '"diverged": ".*holds NaN' "$work/out")" -eq 1 ] &&
    [ "$(grep -c '"scores": \[\]' "$work/out")" -eq 1 ] && [ "$(grep -c '"score": ' "$work/out")" -eq 1 ]
ok $? "eval --json"
refuses 1 "$bad" "eval of that one alone" "$VILSCOPE" eval -m "$work/two" -c gone --no-log \
    -t refcoco --data "$work/w/short.jsonl"
[ "$("$VILSCOPE" sessions sql "SELECT count(*) FROM evaluations" | tail -n 1)" = 1 ]
ok $? "the log has one score"

# ---- replay: session 1 was a query without an answer of one checkpoint
id=$("$VILSCOPE" sessions sql "SELECT session_id FROM queries" | tail -n 1)
"$VILSCOPE" sessions replay "$id" -m "$tiny" -c "$work/nan.safetensors" -c "$tiny/checkpoint.bin" \
    >"$work/out" 2>"$work/err"
grep -q "^diverged  *1 .*$bad" "$work/out" && grep -q "^same " "$work/out" &&
    grep -q "2 asked: 0 changed .*1 could not be asked" "$work/out"
ok $? "replay goes on: $(tail -n 1 "$work/out")"
for json in "" yes; do
    "$VILSCOPE" sessions replay "$id" -m "$tiny" -c "$work/nan.safetensors" --no-log \
        ${json:+--json} >"$work/out" 2>"$work/err"
    [ $? -eq 1 ] && grep -q "1 could not be asked\|\"failed\": 1" "$work/out"
    ok $? "replay ends with 1 when none answered${json:+, as JSON}"
done
end
