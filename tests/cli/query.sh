#!/bin/sh
# SPDX-License-Identifier: MIT
# vilscope query and its neighbours as a user runs them: every task answers, JSON and log agree, and
# what is wrong is said in one line with a non-zero status.
set -u
tiny=$SRCDIR/tests/data/tiny
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export VILSCOPE_LOG="$work/log.db"
. "$SRCDIR/tests/cli/lib.sh"
export XDG_CACHE_HOME="$work/cache"

q() { # q TASK TEXT [OPTION...]: a query on the scene
    task=$1 text=$2
    shift 2
    "$VILSCOPE" query -m "$tiny" -t "$task" "$@" --regions "$tiny/scene.npy" "$tiny/scene.png" "$text"
}

for task in vqa genomeqa gqa refcoco refcoco+ refcocog visual7w snli-ve; do
    q $task "the red square" >"$work/out" 2>"$work/err"
    ok $? "$task answers: $(head -n 1 "$work/out")"
done
q guesswhat "is it red? | yes" >"$work/out" 2>&1
ok $? "guesswhat answers"
for task in nlvr2 coco flickr30k; do
    "$VILSCOPE" query -m "$tiny" -t $task --regions "$tiny/scene.npy" --regions "$tiny/mirror.npy" \
        "$tiny/scene.png" "$tiny/mirror.png" "two red things" >"$work/out" 2>"$work/err"
    ok $? "$task answers: $(head -n 1 "$work/out")"
done

# The regions that the phrase is about are ranked, all of them, the whole image included.
q refcoco "the red square" --top 100 >"$work/out"
[ "$(wc -l <"$work/out")" -eq 8 ]
ok $? "seven regions and the whole image are ranked"
q gqa "what color" --json >"$work/json" 2>/dev/null
grep -q '"answer_count": 1533' "$work/json" && grep -q '"digest": "[0-9a-f]\{64\}"' "$work/json"
ok $? "JSON has counts and digests"
"$VILSCOPE" sessions query 14 >"$work/logged"
grep -v '"ms"\|": [0-9.e-]*,\?$' "$work/json" >"$work/a"
grep -v '"ms"\|": [0-9.e-]*,\?$' "$work/logged" >"$work/b"
cmp -s "$work/a" "$work/b"
ok $? "the log holds what was printed"
[ "$("$VILSCOPE" sessions --json | grep -c '"id"')" -eq 14 ]
ok $? "each run is a session"
"$VILSCOPE" sessions --search "red square" | grep -q refcocog
ok $? "queries are found by their text"
"$VILSCOPE" sessions show 5 | grep -q "refcoco+"
ok $? "a session's queries are listed"

q refcoco "a dog" --attention "$work/maps.safetensors" --no-log >/dev/null
"$VILSCOPE" inspect "$work/maps.safetensors" | grep -q 'attn.c.0.1  float32 \[1,'
ok $? "attention maps are written"
q refcoco "a dog" --attention "$work/mean.npy" --no-log >/dev/null
"$VILSCOPE" inspect "$work/mean.npy" | grep -q 'shape: \['
ok $? "and their mean as .npy"
q refcoco "a mapped dog" --log-attention >/dev/null 2>"$work/err" && grep -q "KB" "$work/err" &&
    "$VILSCOPE" sessions query 15 --attention "$work/logged.safetensors" >/dev/null &&
    "$VILSCOPE" inspect "$work/logged.safetensors" | grep -q 'attn.c.0.1  float32 \[1,'
ok $? "they are logged when asked for: $(cat "$work/err")"
cp "$tiny/scene.png" "$tiny/scene.npy" "$work"
"$VILSCOPE" query -m "$tiny" -t vqa --no-log "$work/scene.png" "a dog" >/dev/null 2>&1
ok $? "regions beside the image are found"
"$VILSCOPE" query -c "$tiny/checkpoint.bin" --config "$tiny/config.json" --vocab "$tiny/vocab.txt" \
    -t refcoco --no-log --regions "$tiny/scene.npy" "a dog" >/dev/null 2>&1
ok $? "parts given one by one, regions without a picture"

cp "$tiny/scene.png" "$work/alone.png"
refuses 2 "no regions" "an image without regions, a model without a detector" \
    "$VILSCOPE" query -c "$tiny/checkpoint.bin" --config "$tiny/config.json" \
    --vocab "$tiny/vocab.txt" -t vqa "$work/alone.png" "a"
refuses 2 "no task" "an unknown task" q nonsense "a"
refuses 1 "No such file" "no such image" \
    "$VILSCOPE" query -m "$tiny" -t vqa --regions "$tiny/scene.npy" "$work/none.png" "a"
refuses 1 "No such file" "no such model" \
    "$VILSCOPE" query -m "$work/none" -t vqa --regions "$tiny/scene.npy" "$tiny/scene.png" "a"
big=${VILSCOPE_SHARED:-$SRCDIR/../shared}/golden/files/17.p4.npy
if [ -f "$big" ]; then
    refuses 1 "expects 20" "features of another size" \
        "$VILSCOPE" query -m "$tiny" -t vqa --regions "$big" "a"
else
    skip "the golden data is not there"
fi
refuses 2 "empty" "an empty query" q vqa ""
refuses 2 "empty" "a query of blanks" q vqa "   "
refuses 2 "takes 2 images" "one image for NLVR2" q nlvr2 "a"
refuses 2 "abacus" "an unknown device" q vqa "a" --device abacus
refuses 1 "damaged\|not a" "a damaged checkpoint" \
    "$VILSCOPE" query -c "$tiny/scene.png" --config "$tiny/config.json" --vocab "$tiny/vocab.txt" \
    -t vqa --regions "$tiny/scene.npy" "a"
q vqa "a dog" --log /proc/none/log.db >"$work/out" 2>"$work/err"
[ $? -eq 3 ] && grep -q "not logged.*1 of 1 record kept in .*waiting-" "$work/err" &&
    [ -s "$work/out" ]
ok $? "without a log there is an answer, a warning and status 3: $(grep 'not logged' "$work/err")"

(ulimit -f 20 && q vqa "a dog" --log "$work/full.db" >"$work/out" 2>"$work/err")
[ $? -eq 3 ] &&
    grep -q "not logged, 1 record is lost.*full" "$work/err" && [ -s "$work/out" ]
ok $? "nor does a full disk keep the answer back: $(grep 'not logged' "$work/err")"
q vqa "a dog" --log "$work/full.db" >/dev/null 2>"$work/err" && [ ! -s "$work/err" ] ||
    grep -qv "not logged" "$work/err"
ok $? "and with room again it is logged"

refuses 2 "sessions --help" "sessions: nonsense" "$VILSCOPE" sessions nonsense
refuses 1 "there is no query" "sessions: no such query" "$VILSCOPE" sessions query 999
refuses 1 "no log yet" "sessions: no log" "$VILSCOPE" sessions --log "$work/none.db"
refuses 2 "terminal" "the workbench without a terminal" "$VILSCOPE" -m "$tiny"
"$VILSCOPE" --version | grep -q '^vilscope [0-9]'
ok $? "--version"
for c in workbench query compare extract eval world tasks sessions cache inspect detect forward relevance tokenize; do
    "$VILSCOPE" $c --help | grep -q "usage: vilscope $c"
    ok $? "$c --help"
done
[ "$("$VILSCOPE" tasks | wc -l)" -eq 14 ]
ok $? "tasks lists twelve data sets and alignment"
[ "$(echo '{"text": "The dogs [MASK]"}' | "$VILSCOPE" tokenize --vocab "$tiny/vocab.txt")" = \
    '{"tokens":["the","dog","##s","[MASK]"],"ids":[5,39,159,4]}' ]
ok $? "tokenize"
"$VILSCOPE" forward --config "$tiny/config.json" -c "$tiny/checkpoint.bin" \
    --inputs "$tiny/expected.safetensors" --output "$work/x.safetensors"
ok $? "forward"
refuses 1 "in.input_ids" "forward without inputs" "$VILSCOPE" forward --config "$tiny/config.json" \
    -c "$tiny/checkpoint.bin" --inputs "$tiny/checkpoint.bin" --output "$work/y.safetensors"
[ ! -e "$work/y.safetensors" ]
ok $? "and nothing is left behind"
for what in --help --version tasks "query --help"; do
    # shellcheck disable=SC2086 # two words
    "$VILSCOPE" $what >/dev/full 2>"$work/err"
    [ $? -eq 1 ] && [ "$(cat "$work/err")" = \
        "vilscope: standard output cannot be written: No space left on device" ]
    ok $? "a full standard output is an error: $what"
done
end
