#!/bin/sh
# SPDX-License-Identifier: MIT
# The demo's world and measuring a model: scenes and items follow from the seed, every data set has items,
# scores are those of the queries, and what is wrong in a data set is said with its line.
set -u
tiny=$SRCDIR/tests/data/tiny
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export VILSCOPE_LOG="$work/log.db" XDG_CACHE_HOME="$work/cache"
. "$SRCDIR/tests/cli/lib.sh"

# ---- the world
"$VILSCOPE" world -o "$work/a" --seed 7 --scenes 6 --items 8 --retrieval 3 &&
    "$VILSCOPE" world -o "$work/b" --seed 7 --scenes 6 --items 8 --retrieval 3 --threads 1 &&
    diff -r "$work/a" "$work/b" >/dev/null
ok $? "the same seed gives the same world"
"$VILSCOPE" world -o "$work/c" --seed 8 --scenes 6 --items 8 --retrieval 3 &&
    ! cmp -s "$work/a/images/000000.png" "$work/c/images/000000.png" &&
    ! cmp -s "$work/a/data.jsonl" "$work/c/data.jsonl"
ok $? "another seed another"
tasks=$("$VILSCOPE" tasks | awk 'NR > 1 && $1 > 0 {print $2}')
missing=
for t in $tasks; do
    grep -q "\"task\": \"$t\"" "$work/a/data.jsonl" || missing="$missing $t"
done
[ -z "$missing" ]
ok $? "every task has items$missing"
"$VILSCOPE" world -o "$work/u" --seed 7 --scenes 6 --unseen --no-images --task vqa &&
    [ "$(grep -c '"task": "vqa"' "$work/u/data.jsonl")" -eq "$(wc -l <"$work/u/data.jsonl")" ] &&
    [ ! -e "$work/u/images" ]
ok $? "one task in other wordings: $(sed -n 's/.*"text": "\([^"]*\)".*/\1/p' "$work/u/data.jsonl" |
    head -n 1)"
"$VILSCOPE" inspect "$work/a/images/000003.png" | grep -q '320'
ok $? "pictures are 320 wide"
refuses 2 "alignment: the demo's world has no items" "a task that the world does not ask" \
    "$VILSCOPE" world --task alignment -o "$work/none"
refuses 2 "no task 'vqq'" "a task that there is not" "$VILSCOPE" world --task vqq -o "$work/none"
twelve=$(echo "$tasks" | sed 's/^/--task /')
refuses 2 "more than 12" "more tasks than there are" \
    "$VILSCOPE" world $twelve --task vqa -o "$work/none"
[ ! -e "$work/none" ]
ok $? "and no folder is made"
refuses 2 "-o DIR" "no folder" "$VILSCOPE" world
refuses 1 "cannot be created" "a folder that cannot be made" "$VILSCOPE" world -o "$work/no/where"

# ---- measuring
refuses 2 "data.jsonl is whole without it" "annotations that nothing is asked of" \
    "$VILSCOPE" eval -m "$tiny" --data "$work/a" --annotations "$work/a/scenes.jsonl" --no-log
refuses 2 "is a file, not the folder" "a file instead of the images' folder" \
    "$VILSCOPE" eval -m "$tiny" --data "$work/a" --images "$work/a/scenes.jsonl" --no-log
refuses 1 "data.jsonl: line [0-9]*: the text has" "a text that is too long for the model" \
    "$VILSCOPE" eval -m "$tiny" --data "$work/a" --no-log -t guesswhat --strict
grep '"text": "[^"]\{1,24\}"' "$work/a/data.jsonl" >"$work/a/short.jsonl"
# The tiny model has no names for VQA's answers.
cp -r "$tiny" "$work/named"
seq 3129 >"$work/named/vqa.txt"
sed 's/"labels": {/&"vqa": "vqa.txt", /' "$tiny/model.json" >"$work/named/model.json"
"$VILSCOPE" eval -m "$work/named" --data "$work/a/short.jsonl" >"$work/out" 2>"$work/err"
[ $? -eq 0 ] && [ "$(grep -c '%' "$work/out")" -ge 6 ]
ok $? "tasks are measured: $(grep -c '%.* to ' "$work/out")"
"$VILSCOPE" sessions | grep -q eval
ok $? "the session is in the log"
{
    cat "$work/a/short.jsonl"
    grep '"task": "flickr30k"' "$work/a/data.jsonl" | head -n 1 | sed 's/"text": "[^"]*"/"text": "red thing"/'
} >"$work/a/own.jsonl"
"$VILSCOPE" eval -m "$work/named" --data "$work/a/own.jsonl" --log "$work/own.db" \
    --rows "$work/own.jsonl" >/dev/null 2>&1
"$VILSCOPE" sessions --log "$work/own.db" evaluations | sed 's/ .*//' >"$work/own"
while read -r e; do
    "$VILSCOPE" sessions --log "$work/own.db" evaluation "$e" --rows
done <"$work/own" | cmp -s - "$work/own.jsonl" && [ "$(wc -l <"$work/own")" -ge 6 ]
ok $? "with the rows of each task, as they were written: $(wc -l <"$work/own") evaluations"
"$VILSCOPE" eval --from "$work/own.db" >"$work/again" && "$VILSCOPE" eval --from "$work/own.jsonl" |
    cmp -s - "$work/again" && grep -q '^flickr30k .*%.* to ' "$work/again" && ! grep -q R@ "$work/again"
ok $? "the same scores from the log, of retrieval without a pool one: $(grep '^flickr' "$work/again")"
"$VILSCOPE" sessions --log "$work/own.db" evaluations | grep -q '^e1 .*  [a-z0-9+-]*  *noise: '
ok $? "a set without a split: $("$VILSCOPE" sessions --log "$work/own.db" evaluations | head -n 1)"
"$VILSCOPE" eval -m "$tiny" --data "$work/a/short.jsonl" --json --no-log -t refcoco >"$work/json" &&
    grep -q '"items": [0-9]' "$work/json" && grep -q '"low": ' "$work/json"
ok $? "JSON"
for size in 1 3 50; do
    "$VILSCOPE" eval -m "$work/named" --data "$work/a/short.jsonl" --json --no-log --batch $size |
        grep -v ms_per_item >"$work/batch.$size"
done
grep -q '"score"' "$work/batch.1" && cmp -s "$work/batch.1" "$work/batch.3" &&
    cmp -s "$work/batch.1" "$work/batch.50"
ok $? "scores do not depend on how many items are computed at once"
cp "$tiny/scene.png" "$tiny/scene.npy" "$tiny/mirror.png" "$tiny/mirror.npy" "$work"
answer() { # answer TASK TEXT IMAGE...: the best answer as the query gives it
    task=$1 text=$2
    shift 2
    "$VILSCOPE" query -m "$tiny" -t "$task" --no-log --json "$@" "$text" 2>/dev/null |
        sed -n 's/.*"label": "\([^"]*\)".*/\1/p' | head -n 1
}
gqa=$(answer gqa "what color" "$work/scene.png")
verdict=$(answer snli-ve "a red square" "$work/scene.png")
pair=$(answer nlvr2 "two red things" "$work/scene.png" "$work/mirror.png")
box=$("$VILSCOPE" query -m "$tiny" -t refcoco --no-log --top 1 "$work/scene.png" "the red square" |
    sed 's/.*\[ *\([0-9.]*\) *\([0-9.]*\) *\([0-9.]*\) *\([0-9.]*\)\].*/\1, \2, \3, \4/')
cat >"$work/right.jsonl" <<EOF
{"task": "gqa", "images": ["scene.png"], "text": "what color", "answer": "$gqa"}
{"task": "snli-ve", "images": ["scene.png"], "text": "a red square", "answer": "$verdict"}
{"task": "nlvr2", "images": ["scene.png", "mirror.png"], "text": "two red things", "answer": "$pair"}

{"task": "refcoco", "images": ["scene.png"], "text": "the red square", "box": [$box]}
EOF
"$VILSCOPE" eval -m "$tiny" --data "$work/right.jsonl" >"$work/out" &&
    [ "$(grep -c ' 100.0%' "$work/out")" -ge 4 ] && ! grep -q ' 0.0% (' "$work/out"
ok $? "what the queries answer counts as right"
[ "$(grep -c ' 100.0% (20.7 to 100)$' "$work/out")" -ge 4 ]
ok $? "Wilson's interval of one of one is printed as what it is: $(grep gqa "$work/out")"
grep -q '^100.0% of 1 boxes' "$work/out" &&
    sed 's/"box": .*/"box": [0, 0, 2, 1]}/;/refcoco/!d' "$work/right.jsonl" >"$work/lost.jsonl" &&
    "$VILSCOPE" eval -m "$tiny" --data "$work/lost.jsonl" --no-log --json |
        grep -q '"region_recall": 0.0'
ok $? "the recall of the regions"
sed -n '1p;3p' "$work/right.jsonl" | sed 's/"answer": "\(.*\)"}/"answer": " \U\1 "}/' >"$work/upper.jsonl"
"$VILSCOPE" eval -m "$tiny" --data "$work/upper.jsonl" --no-log >"$work/out" &&
    [ "$(grep -c ' 100.0%' "$work/out")" -eq 2 ]
ok $? "in capitals, too: $(cut -d'"' -f 14- "$work/upper.jsonl" | tr '\n' ' ')"
yes "$(tail -n 1 "$work/right.jsonl")" | head -n 20 >"$work/many.jsonl"
"$VILSCOPE" eval -m "$tiny" --data "$work/many.jsonl" --no-log --attention >"$work/out" &&
    grep -q 'best head, chosen on the other items, 10 folds' "$work/out" && grep -q ' chance$' "$work/out"
ok $? "the best head is chosen on other items: $(grep '^layer 1' "$work/out")"
"$VILSCOPE" eval -m "$tiny" --data "$work/many.jsonl" --no-log --attention --json >"$work/out" &&
    grep -q '"folds": 10' "$work/out" && grep -q '"best_head_cross_validated": [0-9.]*' "$work/out"
ok $? "and in JSON"
sed -e "s/\"answer\": \"$gqa\"/\"answers\": {\"x\": 1, \"$gqa\": 0.3}/" -e '/snli/d;/nlvr2/d;/refcoco/d' \
    "$work/right.jsonl" >"$work/soft.jsonl"
"$VILSCOPE" eval -m "$tiny" --data "$work/soft.jsonl" --no-log | grep -q 'gqa .* 30.0%'
ok $? "a soft answer counts for its worth"
"$VILSCOPE" eval -m "$tiny" --data "$work/right.jsonl" --no-log -c noise -t gqa >/dev/null
ok $? "one checkpoint, one task"
refuses 2 "neither a checkpoint of" "no such checkpoint" \
    "$VILSCOPE" eval -m "$tiny" --data "$work/right.jsonl" --no-log -c none
bad() { # bad LINE PATTERN WHAT
    printf '%s\n%s\n' "$(head -n 1 "$work/right.jsonl")" "$1" >"$work/bad.jsonl"
    refuses 1 "bad.jsonl: line 2: .*$2" "$3" "$VILSCOPE" eval -m "$tiny" --data "$work/bad.jsonl" \
        --no-log --strict
    "$VILSCOPE" eval -m "$tiny" --data "$work/bad.jsonl" --no-log >"$work/out" 2>"$work/err"
    [ $? -eq 4 ] && grep -q '^gqa  *1 ' "$work/out" &&
        grep -q "item line 2 is left out: .*$2" "$work/err" && grep -q ' of [23] items are left out' "$work/err"
    ok $? "which is left out without --strict: $(head -n 1 "$work/err")"
}
bad '{"task": "vqa"' "" "JSON that ends early"
bad '[1]' "not a JSON object" "a list"
bad '{"task": "chess", "images": ["scene.png"], "text": "a"}' "no such" "no such task"
bad '{"task": "vqa", "images": ["scene.png"], "answer": "a"}' "text" "no text"
bad '{"task": "nlvr2", "images": ["scene.png"], "text": "a", "answer": "true"}' "images" "one image"
bad '{"task": "vqa", "images": ["scene.png"], "text": "a"}' "answer" "no answer"
bad '{"task": "refcoco", "images": ["scene.png"], "text": "a", "box": [1, 2, 3]}' "box" "no box"
bad '{"task": "refcoco", "images": ["scene.png"], "text": "a", "box": [1, 2, 9999, 4]}' "box" \
    "a box outside of the picture"
bad '{"task": "visual7w", "images": ["scene.png"], "text": "a", "candidates": [[1, 2, 3, 4]],
"answer": 1}' "" "a line that goes on"
bad '{"task": "visual7w", "images": ["scene.png"], "text": "a", "candidates": [[1, 2, 3, 4]], "answer": 1}' \
    "number of a candidate" "a candidate that is not there"
: >"$work/empty.jsonl"
refuses 1 "no item" "an empty set" "$VILSCOPE" eval -m "$tiny" --data "$work/empty.jsonl"
refuses 2 "no item of coco" "a task without items" \
    "$VILSCOPE" eval -m "$tiny" --data "$work/right.jsonl" -t coco
refuses 1 "none.png" "an image that is not there" sh -c "sed s/scene.png/none.png/ \
    '$work/right.jsonl' >'$work/gone.jsonl'; '$VILSCOPE' eval -m '$tiny' --data '$work/gone.jsonl'"
sed 's/scene.png", "mirror.png/scene.png", "none.png/' "$work/right.jsonl" >"$work/part.jsonl"
"$VILSCOPE" eval -m "$tiny" --data "$work/part.jsonl" --no-log >"$work/out" 2>"$work/err"
[ $? -eq 0 ] && [ "$(grep -c ' 100.0% (20.7 to 100)$' "$work/out")" -eq 3 ] &&
    ! grep -q nlvr2 "$work/out" &&
    grep -q "1 of 4 items are left out: 1 of their images is not there, .*/none.png" "$work/err"
ok $? "a picture is missing, the others are scored: $(cat "$work/err")"
"$VILSCOPE" eval -m "$tiny" --data "$work/part.jsonl" --no-log --json 2>"$work/err" >"$work/out"
tr -d '\n' <"$work/out" | grep -q '"left_out": { *"items": 1, *"missing_pictures": 1, *"first": ".*none.png"'
ok $? "and so in JSON"

# ---- rows
cat "$work/right.jsonl" "$work/soft.jsonl" >"$work/set.jsonl"
for i in 1 2 3; do
    printf '{"task": "%s", "images": ["%s.png"], "text": "%s", "id": "mine %d", %s}\n' \
        vqa scene "is it red" $i '"answers": {"yes": 1, "no": 0.3}, "slices": ["color"]' \
        refcoco mirror "the blue one" $i '"box": [1, 2, 30, 40]' \
        snli-ve mirror "a red square" $i '"answer": "neutral"'
done >>"$work/set.jsonl"
printf '{"task": "%s", "images": ["scene.png"%s], "text": "a", %s}\n' \
    visual7w '' '"candidates": [[1, 2, 30, 40], [20, 20, 40, 40]], "answer": 1' \
    coco ', "mirror.png"' '"answer": 1' >>"$work/set.jsonl"
rows() { # rows FILE OPTION...
    file=$1
    shift
    "$VILSCOPE" eval -m "$work/named" --data "$work/set.jsonl" --no-log --json --rows "$file" "$@" \
        2>"$work/err" | grep -v ms_per_item >"$work/out"
}
rows "$work/whole.jsonl"
cp "$work/out" "$work/whole.json"
items=$(grep -c . "$work/set.jsonl") checkpoints=$(grep -c '"checkpoint"' "$work/whole.json")
[ "$(wc -l <"$work/whole.jsonl")" -eq $((items * checkpoints)) ]
ok $? "a row for each of $items items on $checkpoints checkpoints"
right() { # right TASK: the mean of its rows' scores and their number, of the first checkpoint
    grep "\"checkpoint\": \"$(sed -n '1s/.*"checkpoint": "\([^"]*\)".*/\1/p' "$work/whole.jsonl")\"" \
        "$work/whole.jsonl" | sed -n "s/^{\"task\": \"$1\".*\"score\": \([0-9.]*\), .*/\1/p" |
        awk '{s += $1} END {printf "%d %.3f", NR, s / NR}'
}
printed() { # printed TASK: the same of the JSON
    tr -d '\n' <"$work/whole.json" | sed 's/"task"/\n&/g' | grep "^\"task\": \"$1\"" | head -n 1 |
        sed 's/.*"items": \([0-9]*\), *"score": \([0-9.]*\),.*/\1 \2/' | awk '{printf "%d %.3f", $1, $2}'
}
wrong=
for task in vqa gqa refcoco snli-ve nlvr2 visual7w coco; do
    [ -n "$(right $task)" ] && [ "$(right $task)" = "$(printed $task)" ] || wrong="$wrong $task: $(right $task), $(printed $task);"
done
[ -z "$wrong" ]
ok $? "rows have the scores that are printed:$wrong vqa $(right vqa)"
grep -q '"task": "vqa".*"id": "mine 1".*"right": {"yes": 1, "no": 0.3.*"fields": {"slices": \["color"\]}' \
    "$work/whole.jsonl" && grep -q '"task": "coco".*"rank": [01], "target": 1, "logits": \[' "$work/whole.jsonl" &&
    grep -q '"task": "visual7w".*"choices": \[0, 1\], .*"target": 1, "box": \[20, 20, 40, 40\]' "$work/whole.jsonl"
ok $? "with ids, slices and what is right"
size=$(wc -c <"$work/whole.jsonl")
bad_cuts=
for cut in 0 1 $((size / 9)) $((size / 2)) $((size - 1)) "$size"; do
    head -c "$cut" "$work/whole.jsonl" >"$work/part.jsonl"
    rows "$work/part.jsonl" --resume --batch $((cut % 3 + 1))
    cmp -s "$work/whole.jsonl" "$work/part.jsonl" || bad_cuts="$bad_cuts $cut"
    cmp -s "$work/whole.json" "$work/out" || bad_cuts="$bad_cuts $cut(JSON)"
done
[ "$size" -gt 5000 ] && [ -z "$bad_cuts" ]
ok $? "--resume ends with the same rows and scores, wherever they were cut off:$bad_cuts"
sed 2d "$work/whole.jsonl" >"$work/part.jsonl"
refuses 1 "part.jsonl: line 2 is of item mine 3, but that of item mine 2, .* is missing: cut the file off before line 2" \
    "a row is missing in the middle" "$VILSCOPE" eval -m "$work/named" --data "$work/set.jsonl" --no-log \
    --rows "$work/part.jsonl" --resume
refuses 1 "line 1 is of an item that .*right.jsonl has not" "rows of another set" "$VILSCOPE" eval \
    -m "$work/named" --data "$work/right.jsonl" --no-log --rows "$work/part.jsonl" --resume
refuses 1 "/dev/full: rows cannot be written: No space left" "a full disk" "$VILSCOPE" eval -m "$tiny" \
    --data "$work/right.jsonl" --no-log --rows /dev/full
"$VILSCOPE" eval -m "$tiny" --data "$work/right.jsonl" --no-log --predictions /dev/full >"$work/out" 2>"$work/err"
[ $? -eq 1 ] && grep -q '^vilscope eval: /dev/full: cannot be written: No space left' "$work/err" &&
    [ "$(grep -c ' 100.0%' "$work/out")" -ge 4 ] && ! grep -q 'answers to' "$work/out"
ok $? "scores are shown where answers cannot be written: $(tail -n 1 "$work/err")"
refuses 2 "is a folder" "a folder" "$VILSCOPE" eval -m "$tiny" --data "$work/right.jsonl" --no-log \
    --rows "$work"
refuses 2 "predictions is of all items" "half of the predictions" "$VILSCOPE" eval -m "$tiny" \
    --data "$work/right.jsonl" --no-log --rows "$work/part.jsonl" --resume --predictions "$work/p"
sed 's/scene.png", "mirror.png/scene.png", "none.png/' "$work/right.jsonl" >"$work/gone.one.jsonl"
refuses 1 "none.png" "an image that is not there, strictly" "$VILSCOPE" eval -m "$tiny" \
    --data "$work/gone.one.jsonl" --no-log --strict

# ---- data sets as they were published (invented samples)
sets=$SRCDIR/tests/data/sets
mkdir "$work/im"
for f in COCO_val2014_000000000007.jpg COCO_val2014_000000000008.jpg n7.jpg n8.jpg 7.jpg 8.jpg \
    dev-850-0-img0.png dev-850-0-img1.png COCO_train2014_000000000007.jpg \
    COCO_train2014_000000000008.jpg; do
    cp "$tiny/scene.png" "$work/im/$f"
    cp "$tiny/scene.npy" "$work/im/${f%.*}.npy"
done
published() { # published TASK ITEMS FILE [OPTION...]
    task=$1 items=$2 file=$3
    shift 3
    "$VILSCOPE" eval -m "$work/named" --no-log --images "$work/im" --data "$sets/$file" "$@" >"$work/out" \
        2>"$work/err"
    grep -q "^$task  *$items " "$work/out"
    ok $? "$file: $items items of $task $(cat "$work/err")"
}
printf 'red\nyes\n' >"$work/labels.txt"
published vqa 2 vqa_questions.json --annotations "$sets/vqa_annotations.json"
published gqa 2 gqa.json
cp "$tiny/scene.png" "$work/im/COCO_val2014_000000000042.jpg"
cp "$tiny/scene.npy" "$work/im/COCO_val2014_000000000042.npy"
published guesswhat 1 guesswhat.valid.jsonl.gz
# What the reference makes of a game: the objects by their ids, the rounds as lines.
right=$("$VILSCOPE" eval -m "$work/named" --no-log --images "$work/im" --json \
    --data "$sets/guesswhat.valid.jsonl.gz" 2>/dev/null | grep '"score"')
game() { # game ANSWER: the same game as a line of ours
    printf '{"task": "guesswhat", "images": ["im/COCO_val2014_000000000042.jpg"], "text": "%s", ' \
        'is it red? | Yes\nis it left? | No' >"$work/game.jsonl"
    printf '"candidates": [[8, 30, 31, 53], [38, 20, 66, 48]], "answer": %s}\n' "$1" \
        >>"$work/game.jsonl"
    "$VILSCOPE" eval -m "$work/named" --no-log --data "$work/game.jsonl" --json 2>/dev/null |
        grep '"score"'
}
[ -n "$right" ] && [ "$right" = "$(game 0)" ] && [ "$right" != "$(game 1)" ]
ok $? "a game has the candidates and the answer of its line: $right"
for f in vqa_questions vqa_annotations; do gzip -c "$sets/$f.json" >"$work/$f.json.gz"; done
"$VILSCOPE" eval -m "$work/named" --no-log --images "$work/im" --data "$work/vqa_questions.json.gz" \
    --annotations "$work/vqa_annotations.json.gz" >"$work/out" 2>"$work/err"
grep -q '^vqa  *2 ' "$work/out"
ok $? "questions and answers compressed by gzip $(cat "$work/err")"
head -c 100 "$work/vqa_questions.json.gz" >"$work/cut.json.gz"
refuses 1 "cut.json.gz: compressed by gzip, and damaged or cut off" "a set that is cut off" \
    "$VILSCOPE" eval -m "$work/named" --no-log --data "$work/cut.json.gz"
published nlvr2 2 nlvr2.jsonl
published snli-ve 3 snli_ve.jsonl
"$VILSCOPE" eval -m "$work/named" --no-log --images "$work/im" --data "$sets/snli_ve.jsonl" --json \
    2>/dev/null | grep -q '"score": 0.\(0\|33*\|66*7*\)\(,\|$\)'
ok $? "of which the one without a label is wrong"
published refcoco 2 refs_unc.p --annotations "$sets/instances.json"
published refcoco 2 refs_unc_p1.p --annotations "$sets/instances.json"
published refcocog 1 refs_unc.p --annotations "$sets/instances.json" --split testA -t refcocog
refuses 2 "with --annotations" "VQA without its answers" \
    "$VILSCOPE" eval -m "$tiny" --no-log --data "$sets/vqa_questions.json"
refuses 1 "no annotation" "answers of other questions" "$VILSCOPE" eval -m "$tiny" --no-log \
    --data "$sets/vqa_questions.json" --annotations "$sets/instances.json"
# ---- retrieval: every caption among all pictures
cp "$tiny/mirror.png" "$work/im/COCO_val2014_000000000043.jpg"
cp "$tiny/mirror.npy" "$work/im/COCO_val2014_000000000043.npy"
published coco 3 all_data_final_test_2014.jsonline
"$VILSCOPE" eval -m "$work/named" --no-log --images "$work/im" --json \
    --data "$sets/all_data_final_test_2014.jsonline" 2>/dev/null | grep '"score"\|recall_' | tr -d , >"$work/pool.want"
item=0
for text in "A dog." "It." "A cat."; do
    printf '{"task": "coco", "images": ["im/COCO_val2014_000000000042.jpg", %s], ' \
        '"im/COCO_val2014_000000000043.jpg"'
    printf '"text": "%s", "answer": %d}\n' "$text" $((item / 2))
    item=$((item + 1))
done >"$work/pool.jsonl"
"$VILSCOPE" eval -m "$work/named" --no-log --json --data "$work/pool.jsonl" 2>/dev/null |
    grep '"score"\|recall_' | tr -d , >"$work/pool.out"
[ "$(wc -l <"$work/pool.want")" -eq 3 ] && cmp -s "$work/pool.want" "$work/pool.out"
ok $? "as lines of ours: $(head -n 1 "$work/pool.want")"
rm "$work/im/COCO_val2014_000000000043.jpg"
published coco 2 all_data_final_test_2014.jsonline
grep -q "1 of 3 items are left out: 1 of their images is not there.*00043.jpg" "$work/err"
ok $? "a picture is missing: it leaves the pool, its captions the set"
refuses 1 "of 2 images none is there" "no picture is there" "$VILSCOPE" eval -m "$work/named" \
    --no-log --images "$work/none" --data "$sets/all_data_final_test_2014.jsonline"
refuses 2 "these are items of coco or flickr30k, not of vqa" "of another task" "$VILSCOPE" eval -m "$work/named" \
    --no-log -t vqa --data "$sets/all_data_final_test_2014.jsonline"

# ---- sets that do not say what is right
cp -r "$work/named" "$work/two"
sed 's/"checkpoints": \[/&"checkpoint.bin", /' "$work/named/model.json" >"$work/two/model.json"
for f in COCO_test2015_000000000007.jpg 2370799.jpg test1-5-0-img0.png test1-5-0-img1.png; do
    cp "$tiny/scene.png" "$work/im/$f"
    cp "$tiny/scene.npy" "$work/im/${f%.*}.npy"
done
open() { # open FILE [OPTION...]
    file=$1
    shift
    "$VILSCOPE" eval -m "$work/named" --no-log --images "$work/im" --data "$sets/$file" "$@"
}
predicts() { # predicts FILE ITEMS PATTERN...: rows that have these
    file=$1 items=$2
    shift 2
    rm -f "$work/rows"
    open "$file" --predictions "$work/rows" >"$work/out" 2>"$work/err"
    status=$?
    tr -d '\n' <"$work/rows" | sed 's/  */ /g' >"$work/flat"
    for pattern in "$@"; do grep -q "$pattern" "$work/flat" || status="$status, no $pattern"; done
    [ "$status" = 0 ] && ! grep -q blind "$work/out" && [ ! -s "$work/err" ] &&
        grep -q "rows: answers to $items items, $items of which have no score" "$work/out"
    ok $? "$file is answered: $status $(cut -c 1-120 "$work/flat") $(cat "$work/err")"
}
label() { # label TASK TEXT IMAGE...
    "$VILSCOPE" query -m "$work/named" -t "$1" --no-log --json "$3" ${4:+"$4"} "$2" 2>/dev/null |
        sed -n 's/.*"label": "\([^"]*\)".*/\1/p' | head -n 1
}
vqa=$(label vqa "is it red" "$work/scene.png")
predicts v2_test_questions.json 2 '"question_id": 7000, "answer": "[^"]' \
    "\"question_id\": 7001, \"answer\": \"$vqa\""
predicts gqa_challenge.json 1 \
    "\"questionId\": \"20130\", \"prediction\": \"$(label gqa "what color" "$work/scene.png")\""
predicts nlvr2_hidden.json 1 "\"identifier\": \"test1-5-0-3\", \"prediction\": \"$(
    label nlvr2 "A." "$work/scene.png" "$work/scene.png")\""
sets=$work # what editors put before a set is no part of it
{ printf '\357\273\277\n' && cat "$SRCDIR/tests/data/sets/v2_test_questions.json"; } >"$sets/marked.json"
{ printf '\n \n' && cat "$SRCDIR/tests/data/sets/nlvr2_hidden.json"; } >"$sets/late.json"
predicts marked.json 2 "\"question_id\": 7001, \"answer\": \"$vqa\""
predicts late.json 1 "\"identifier\": \"test1-5-0-3\""
sets=$SRCDIR/tests/data/sets
rm -f "$work/rows.csv"
open nlvr2_hidden.json --predictions "$work/rows.csv" >"$work/out" 2>&1
[ $? -eq 0 ] && grep -qx 'test1-5-0-3,\(True\|False\)' "$work/rows.csv" && [ "$(wc -l <"$work/rows.csv")" -eq 1 ]
ok $? "a name that ends in .csv gets NLVR2's table: $(cat "$work/rows.csv")"
[ "$(label nlvr2 "A." "$work/scene.png" "$work/scene.png")" = \
    "$(sed 's/.*,//' "$work/rows.csv" | tr 'TF' 'tf')" ]
ok $? "with what is answered"
refuses 2 "is of NLVR2's identifiers only" "answers of others as a table" \
    open gqa_challenge.json --predictions "$work/none.csv"
[ ! -e "$work/none.csv" ]
ok $? "and no file is left"
refuses 2 "--predictions FILE" "VQA's has no score" open v2_test_questions.json
refuses 1 "--predictions FILE" "GQA's neither" open gqa_challenge.json
refuses 1 "--predictions FILE" "nor NLVR2's" open nlvr2_hidden.json
refuses 2 "of one checkpoint: choose it with -c" "two checkpoints" "$VILSCOPE" eval -m "$work/two" \
    --no-log --images "$work/im" --data "$sets/gqa.json" --predictions "$work/rows"
open gqa.json --predictions "$work/rows" >"$work/out" 2>&1
grep -q '^gqa  *2 ' "$work/out" && grep -q "answers to 2 items, 0 of which" "$work/out" &&
    [ "$(grep -c prediction "$work/rows")" -eq 2 ]
ok $? "what has answers is scored and written"
open gqa.json --predictions "$work/none/rows" >"$work/out" 2>&1
[ $? -eq 1 ] && grep -q "none/rows" "$work/out"
ok $? "a file that cannot be written: $(cat "$work/out")"

"$VILSCOPE" world -o "$work/world" --seed 5000 --scenes 1 >/dev/null 2>&1
grep '"task": "vqa"' "$work/world/data.jsonl" | head -n 1 | sed 's/{/{"id": "q-7", /' >"$work/world/named.jsonl"
"$VILSCOPE" eval -m "$frozen" -c final --no-log --data "$work/world/named.jsonl" --predictions "$work/p" >"$work/out" 2>"$work/err"
[ $? -eq 0 ] && grep -q '"id": "q-7"' "$work/p" && ! grep -q question_id "$work/p"
ok $? "a name that is no number is no question_id: $(tr -d '\n' <"$work/p")"

# ---- what is read is not written over
mkdir "$work/source"
cp "$work/right.jsonl" "$work/source/data.jsonl"
for written in rows predictions; do
    refuses 2 "is the file of --data" "--$written onto the set" "$VILSCOPE" eval -m "$tiny" -c noise --no-log \
        --data "$work/source/data.jsonl" --$written "$work/source/../source/data.jsonl"
    "$VILSCOPE" eval -m "$tiny" -c noise --no-log --data "$work/source" --$written "$work/source/data.jsonl" \
        >"$work/out" 2>"$work/err"
    [ $? -eq 2 ] && grep -q "data.jsonl: is the set that is read" "$work/err"
    ok $? "--$written onto the set of a folder: $(tail -n 1 "$work/err")"
done
refuses 2 "is the file of --predictions" "rows and predictions in one file" "$VILSCOPE" eval -m "$tiny" -c noise --no-log \
    --data "$work/source" --rows "$work/new" --predictions "$work/new"
cmp -s "$work/right.jsonl" "$work/source/data.jsonl" && [ ! -e "$work/new" ]
ok $? "the set is as it was"
printf 'a note without an end' >"$work/note"
cp "$work/note" "$work/note2"
"$VILSCOPE" eval -m "$tiny" -c noise --no-log --data "$work/source" --rows "$work/note" --resume >"$work/out" 2>"$work/err"
[ $? -eq 1 ] && grep -q "note: line 1 is no row of an evaluation" "$work/err" && cmp -s "$work/note" "$work/note2"
ok $? "--resume from a text leaves it: $(tail -n 1 "$work/err")"
printf '{"task": "gqa", "images": ["%s/scene.png"], "text": "what", "answers": {"red": 5}}\n' "$tiny" >"$work/worth.jsonl"
"$VILSCOPE" eval -m "$tiny" -c noise --no-log --data "$work/worth.jsonl" >"$work/out" 2>"$work/err"
[ $? -eq 1 ] && grep -q "what each is worth, 0 to 1" "$work/err"
ok $? "an answer that is worth five: $(tail -n 1 "$work/err")"
for idle in "--limit 2" "--images x" --strict --resume; do
    # shellcheck disable=SC2086 # two words
    refuses 2 "--from measures nothing: no --" "--from $idle" "$VILSCOPE" eval --from "$work/none" $idle
done


# ---- Ctrl-C: what there is until then
"$VILSCOPE" world -o "$work/long" --seed 9 --scenes 4 --task vqa
for i in 1 2 3 4 5 6 7 8 9 10; do cat "$work/long/data.jsonl"; done >"$work/ten"
for i in 1 2 3 4 5 6 7 8 9 10; do for k in 1 2 3 4 5; do cat "$work/ten"; done; done >"$work/long/many.jsonl"
interrupted() { # interrupted OPTION...: once there is a row; its status
    ends 1 INT 'within 0 "$(wc -l <"$work/long/many.jsonl")" rows_of "$work/cut"' 'rm -f "$work/cut"' "$VILSCOPE" eval -m "$work/named" -c noise --data "$work/long/many.jsonl" --no-log --batch 1 --rows "$work/cut" "$@"
}
interrupted
measured=$(wc -l <"$work/cut")
[ $status -eq 1 ] && [ "$measured" -ge 1 ] && [ "$measured" -lt "$(wc -l <"$work/long/many.jsonl")" ] &&
    grep -q "^vqa  *$measured " "$work/out" &&
    grep -q "eval: stopped: what was measured is in $work/cut; the same command with --resume continues" "$work/err" && [ "$("$VILSCOPE" eval --from "$work/cut" | grep -c "^vqa  *$measured ")" -eq 1 ]
ok $? "what was measured until Ctrl-C is printed, and in the rows: $status $(grep '^vqa' "$work/out") $(tail -n 1 "$work/err")"
interrupted --json
[ $status -eq 1 ] && grep -q '"interrupted": true' "$work/out" && grep -q "\"items\": $(wc -l <"$work/cut")," "$work/out"
ok $? "in JSON, too: $status $(grep '"items"' "$work/out")"

# ---- answers that cannot be given
one() { # one TASK ANSWER: an item
    printf '{"task": "%s", "images": ["%s/scene.png"], "text": "what", "answer": "%s"}\n' "$1" \
        "$tiny" "$2"
}
(one gqa wombat && one gqa "Answer 5") >"$work/half.jsonl"
"$VILSCOPE" eval -m "$tiny" --data "$work/half.jsonl" --no-log --json >"$work/out" 2>"$work/err"
[ $? -eq 0 ] && grep -q '"unlisted": 1,*$' "$work/out" &&
    grep -q "eval: note: gqa: for 1 of 2 items no correct answer is in .*: it counts as wrong" "$work/err"
ok $? "an answer that the list of labels lacks is counted: $(cat "$work/err")"
one gqa wombat >"$work/none.jsonl"
"$VILSCOPE" eval -m "$tiny" --data "$work/none.jsonl" --no-log >"$work/out" 2>"$work/err"
grep -q "for 1 of 1 items no .* answer list: is it the list of another data set?" "$work/err"
ok $? "of all items: $(cat "$work/err")"
"$VILSCOPE" eval -m "$tiny" -c noise --data "$work/half.jsonl" --no-log --rows "$work/unlisted.jsonl" >"$work/out" 2>"$work/err"
"$VILSCOPE" eval --from "$work/unlisted.jsonl" >"$work/out" 2>"$work/err2"
[ $? -eq 0 ] && cmp -s "$work/err" "$work/err2" && [ "$("$VILSCOPE" eval --from "$work/unlisted.jsonl" --json 2>/dev/null |
    tee "$work/out" | grep -c '^ "unlisted": 1,$')" -eq 1 ]
ok $? "from the rows, too: $(cat "$work/err2") $(grep '^ "unlisted"' "$work/out")"
"$VILSCOPE" eval -m "$tiny" -c noise --data "$work/half.jsonl" --no-log --rows "$work/unlisted.jsonl" --resume >"$work/out" 2>"$work/err2"
cmp -s "$work/err" "$work/err2"
ok $? "and where an evaluation goes on: $(cat "$work/err2")"
"$VILSCOPE" compare -m "$tiny" -c noise -c noise --data "$work/half.jsonl" --no-log >"$work/out" 2>"$work/err"
[ "$(grep -c "compare: note: gqa: for 1 of 2 items" "$work/err")" -eq 1 ]
ok $? "compare says so once: $(cat "$work/err")"
one gqa "answer 5" >"$work/listed.jsonl"
"$VILSCOPE" eval -m "$tiny" --data "$work/listed.jsonl" --no-log >"$work/out" 2>"$work/err"
[ $? -eq 0 ] && [ ! -s "$work/err" ]
ok $? "one that is there: $(cat "$work/err")"
(one snli-ve Neutral && one snli-ve banana) >"$work/verdicts.jsonl"
"$VILSCOPE" eval -m "$tiny" --data "$work/verdicts.jsonl" --no-log >"$work/out" 2>"$work/err"
grep -q '^snli-ve  *1 ' "$work/out" &&
    grep -q "line 2 is left out: \"answer\" is 'banana': expected contradiction, neutral or entailment" \
        "$work/err"
ok $? "nor is a mistyped verdict counted as wrong: $(head -n 1 "$work/err")"
several() { # several ANSWERS: an item with answers and what they are worth
    printf '{"task": "nlvr2", "images": ["%s/scene.png", "%s/scene.png"], "text": "what", "answers": {%s}}\n' \
        "$tiny" "$tiny" "$1"
}
several '"maybe": 1, "True": 0' >"$work/several.jsonl"
refuses 1 "line 1: \"answers\" has 'maybe': expected false or true" "one of several answers" \
    "$VILSCOPE" eval -m "$tiny" --data "$work/several.jsonl" --no-log
(several '"maybe": 0, "True": 1' && several '"False": 0.3, "True": 1') >"$work/several.jsonl"
"$VILSCOPE" eval -m "$tiny" --data "$work/several.jsonl" --no-log --rows "$work/several.rows.jsonl" >"$work/out" 2>"$work/err"
[ "$(grep -c '"label": 1,' "$work/several.rows.jsonl")" -eq 2 ]
ok $? "the class is that of the answer that is worth most: $(sed 's/.*\("label": [^,]*\).*/\1/' "$work/several.rows.jsonl" | tr '\n' ' ')"

# ---- pipes: opening one that has a name would wait for another program, also after a signal
pipe="$work/pipe"
mkfifo "$pipe"
waits="pipe: is a pipe, and would wait for another program"
set -- timeout -k 5 60 "$VILSCOPE"
refuses 1 "$waits" "rows into a pipe" "$@" eval -m "$tiny" -t refcoco --data "$work/a/short.jsonl" \
    --no-log --rows "$pipe"
refuses 1 "$waits" "rows of a pipe to go on from" "$@" eval -m "$tiny" -t refcoco --no-log \
    --data "$work/a/short.jsonl" --rows "$pipe" --resume
refuses 1 "$waits" "rows of attributions" "$@" explain -m "$tiny" --data "$work/a/short.jsonl" \
    --methods attention --rows "$pipe"
refuses 1 "$waits" "predictions" "$@" eval -m "$tiny" -t refcoco --data "$work/a/short.jsonl" \
    --no-log --predictions "$pipe"
refuses 1 "$waits" "a document" "$@" sessions --log "$work/own.db" export -o "$pipe"
refuses 1 "$waits" "a list of images" "$@" extract -m "$tiny" -o "$work/features" --list "$pipe"
refuses 1 "$waits" "a script" "$@" workbench -m "$tiny" --no-log -S "$pipe"
echo "$tiny/scene.png" | "$VILSCOPE" extract -m "$tiny" -o "$work/features" --list /dev/stdin \
    2>"$work/err"
ok $? "a shell's pipe is read: $(cat "$work/err")"
rows_out=$("$VILSCOPE" eval -m "$tiny" -t refcoco --data "$work/a/short.jsonl" --no-log --rows /dev/stdout |
    grep -c '^{')
[ "$rows_out" -gt 0 ]
ok $? "and written to: $rows_out rows"
end
