#!/bin/sh
# SPDX-License-Identifier: MIT
# The reference's other two models from the command line: what a file is told to be, which tasks it
# answers, what is said of those that it does not, and what two kinds of models have in common.
# Breaks when a baseline is taken for ViLBERT, when the alignment head is read the wrong way round, or
# when a wrong configuration is answered with a list of tensors.
set -u
data=$SRCDIR/tests/data/baseline tiny=$SRCDIR/tests/data/tiny
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export VILSCOPE_LOG="$work/log.db" XDG_CACHE_HOME="$work/cache"
. "$SRCDIR/tests/cli/lib.sh"

says() { # says PATTERN WHAT FILE
    grep -q -- "$1" "$3"
    ok $? "$2"
}
query() { # query CHECKPOINT TASK WORDS...
    checkpoint=$1 task=$2
    shift 2
    "$VILSCOPE" query --config "$data/config.json" --vocab "$tiny/vocab.txt" -c "$checkpoint" \
        -t "$task" "$@"
}
ask() { # ask CHECKPOINT TASK WORDS...: the answer in $work/out, notes in $work/err
    query "$@" >"$work/out" 2>"$work/err"
}
one="--regions $data/scene.npy $tiny/scene.png"
two="--regions $data/scene.npy --regions $data/mirror.npy $tiny/scene.png $tiny/mirror.png"

# ---- what a file is
"$VILSCOPE" inspect "$data/baseline.bin" >"$work/base"
says 'model: single-stream baseline' "a baseline is named" "$work/base"
says 'answers: 6$' "with its answers" "$work/base"
says 'tasks_without_head: gqa, nlvr2, snli-ve$' "and what it has no head for" "$work/base"
"$VILSCOPE" inspect "$data/pretrained.bin" >"$work/pre"
says 'model: two-stream ViLBERT, pre-trained' "the pre-trained model is named" "$work/pre"
says 'tasks: coco (zero-shot), flickr30k (zero-shot), alignment$' "with its tasks" "$work/pre"
"$VILSCOPE" inspect "$data/tasks.bin" >"$work/tasks"
says 'model: two-stream ViLBERT, multi-task' "the multi-task model is named" "$work/tasks"
says 'tasks_without_head: none$' "which answers all" "$work/tasks"

# ---- answers
# shellcheck disable=SC2086 # words
ask "$data/baseline.bin" vqa $one "a red square" && [ "$(grep -c '#[0-5]' "$work/out")" -ge 5 ]
ok $? "a baseline answers: $(head -n 1 "$work/out")"
# shellcheck disable=SC2086
ask "$data/baseline.bin" refcoco $one "a red square" && grep -q '1. region' "$work/out"
ok $? "and points: $(head -n 1 "$work/out")"
# shellcheck disable=SC2086
for task in nlvr2 snli-ve gqa; do
    images=$one
    [ $task = nlvr2 ] && images=$two
    refuses 1 "cannot answer it: " "a baseline has no head for $task" \
        query "$data/baseline.bin" $task $images "a red square"
done
# shellcheck disable=SC2086
ask "$data/baseline.bin" snli-ve $one "a red square"
! grep -q "two images" "$work/err"
ok $? "of one image it isn't told how it sees two: $(cat "$work/err")"
# shellcheck disable=SC2086
ask "$data/baseline.bin" vqa $one --change "ablate joint 2.1 mean" "a red square"
ok $? "a head of its map is ablated"
refuses 2 "has no text attention\|no text" "it has no map of a text alone" \
    query "$data/baseline.bin" vqa --regions "$data/scene.npy" --change "ablate text 1.1 zero" \
    "$tiny/scene.png" "a red square"

for method in relevancy attention-gradient rollout attention gradient-input integrated-gradients lrp leave-one-out \
    attribution-patching; do
    # shellcheck disable=SC2086
    ask "$data/baseline.bin" vqa $one --attribute $method "a red square" &&
        grep -q '^  1\. .*token .* [+-][0-9]\|^  1\. .*region .* [+-][0-9]' "$work/out" &&
        ! grep -q 'nan\|inf ' "$work/out"
    ok $? "attributions of it by $method: $(grep '^  1\. .*of image\|^  1\. token' "$work/out")"
done

# shellcheck disable=SC2086
for file in baseline tasks; do
    ask "$data/$file.bin" refcoco $one --attribute rollout --target 3 --top 100 "a red square"
    awk '/^ *[0-9]+\. (token|region) [0-9]+ / && !/logit/ {n++; sum += $NF}
        END {exit !(n > 5 && sum > 0.1 && sum < 1.00001)}' "$work/out"
    ok $? "$file: shares of what a region is read from are no more than the whole"
done

# ---- a model directory for all of them: the configuration beside one says nothing of the others
mkdir "$work/all"
for file in baseline pretrained tasks; do
    ln -s "$(realpath "$data/$file.bin")" "$work/all/$file.bin"
done
sed '/"v_\|"bi_\|biattention/d; /^  [0-9],*$/d; /^ \],*$/d; s/"visual_target": 0/"x": 0/' "$data/config.json" >"$work/all/config.json"
cp "$tiny/vocab.txt" "$work/all"
cp "$data/config.json" "$work/all/two.json"
cat >"$work/all/model.json" <<END
{"config": "config.json", "vocab": "vocab.txt", "checkpoints": [{"name": "base", "file": "baseline.bin"},
 {"name": "pre", "file": "pretrained.bin", "config": "two.json"},
 {"name": "multi", "file": "tasks.bin", "config": "two.json"}]}
END
for pair in "base baseline" "pre pretrained" "multi tasks"; do
    # shellcheck disable=SC2086
    ask "$data/${pair#* }.bin" coco $two "a red square"
    grep -o ' [-0-9.]*$' "$work/out" >"$work/want"
    # shellcheck disable=SC2086
    "$VILSCOPE" query -m "$work/all" -c "${pair% *}" -t coco $two "a red square" >"$work/out" 2>"$work/err"
    grep -o ' [-0-9.]*$' "$work/out" | cmp -s - "$work/want" && [ -s "$work/want" ]
    ok $? "${pair% *}: with its own configuration first: $(cat "$work/err")"
done

# ---- alignment: index 0 is "belongs", and the difference of both logits is ranked
# shellcheck disable=SC2086
ask "$data/pretrained.bin" alignment $two "a red square"
cp "$work/out" "$work/alignment"
# shellcheck disable=SC2086
ask "$data/pretrained.bin" coco $two "a red square"
cmp -s "$work/out" "$work/alignment" && grep -q "zero-shot" "$work/err"
ok $? "COCO retrieval of the pre-trained model is its alignment, and is said to be"
# shellcheck disable=SC2086
ask "$data/tasks.bin" coco $two "a red square" && ! grep -q "zero-shot" "$work/err"
ok $? "the multi-task model has its own head for it"
# shellcheck disable=SC2086
refuses 1 "no head of a task but alignment" "the pre-trained model answers no questions" \
    query "$data/pretrained.bin" vqa $one "a red square"

# What is said of the target is the number that ranks, and an image's place is no matter.
# shellcheck disable=SC2086
for task in alignment coco; do
    ask "$data/pretrained.bin" $task $two --attribute gradient-input "a red square"
    ranked=$(sed -n 's/.* logit difference *//p' "$work/out" | head -n 1)
    grep -q "belongs 0\.[0-9]*   logit difference" "$work/out" && [ -n "$ranked" ] &&
        grep -q "^gradient times input of .*(logit $ranked)" "$work/out"
    ok $? "attributions of $task are of the logit difference that ranks: $ranked $(cat "$work/err")"
done

# Images are counted from 1, as they are where their regions are named.
for image in 1:scene 2:mirror; do
    # shellcheck disable=SC2086
    ask "$data/pretrained.bin" coco $two --attribute lrp --target ${image%:*} "a red square" &&
        grep -q "propagation of \".*${image#*:}.png\"" "$work/out" && grep -q "region 1 of image ${image%:*} " "$work/out"
    ok $? "image ${image%:*} as a target: $(grep propagation "$work/out") $(cat "$work/err")"
done
# shellcheck disable=SC2086
refuses 2 "'3' is no answer here: --target takes an image's file or number, from 1" "an image too many" \
    query "$data/tasks.bin" coco $two --attribute lrp --target 3 "a red square"

# shellcheck disable=SC2086
ask "$data/pretrained.bin" alignment $one --patch-from "a blue square" "a red square" &&
    grep -q '^B: "a blue square": .*scene.png$' "$work/out" && grep -q 'changes of the logit\|^shares' "$work/out"
ok $? "activation patching of a caption and its one image: $(grep '^B: ' "$work/out")"

# ---- [MASK] typed in the query: the words that fit, without a task of their own
# shellcheck disable=SC2086
for kind in pretrained:alignment baseline:vqa tasks:vqa; do
    ask "$data/${kind%:*}.bin" "${kind#*:}" $one "a [MASK] square" --top 3
    [ "$(sed -n '/^words that fit \[MASK\], token 3:$/,$p' "$work/out" | grep -c 'softmax')" -eq 3 ]
    ok $? "${kind%:*}: words that fit: $(sed -n '/^words/{n;p;}' "$work/out")"
done
# shellcheck disable=SC2086
ask "$data/pretrained.bin" coco $two "a [MASK] square" --top 2 &&
    best=$(sed -n '1s/.*\(scene\|mirror\).*/\1/p' "$work/out") &&
    case $best in scene) place=1 ;; *) place=2 ;; esac &&
    [ "$(grep -c "^words that fit" "$work/out")" -eq 1 ] &&
    grep -q "token 3, beside image $place:" "$work/out"
ok $? "of images that are ranked beside the best: $(grep '^words' "$work/out")"
LC_ALL=C sed 's/cls\.predictions\.transform/cls.predictions.transfoRm/g' "$data/tasks.bin" >"$work/no-words.bin"
# shellcheck disable=SC2086
ask "$work/no-words.bin" vqa $one "a [MASK] square" && ! grep -q "^words" "$work/out" &&
    grep -q "no words are shown for \[MASK\]: the checkpoint lacks the masked-word head" "$work/err"
ok $? "without that head it is said: $(grep MASK "$work/err")"
# shellcheck disable=SC2086
ask "$work/no-words.bin" vqa $one "a red square" && ! grep -q MASK "$work/err"
ok $? "where somebody asks"

# ---- a head that is not whole is none, whoever asks
LC_ALL=C sed 's/vil_prediction\.main\.3\.weight_g/vil_prediction.main.3.weight_h/g' \
    "$data/baseline.bin" >"$work/half.bin"
"$VILSCOPE" inspect "$work/half.bin" >"$work/half"
says 'tasks_without_head: vqa, genomeqa, gqa, nlvr2, snli-ve$' "half a classifier is none" "$work/half"
# shellcheck disable=SC2086
refuses 1 "lacks tensors of the head behind out.vil_prediction, or has them in another shape" \
    "nor does it answer" query "$work/half.bin" vqa $one "a red square"

# ---- two kinds
compare="$VILSCOPE compare --no-log --config $data/config.json --vocab $tiny/vocab.txt"
$compare -c "$data/baseline.bin" -c "$data/tasks.bin" -t refcoco --regions "$data/scene.npy" \
    "$tiny/scene.png" "a red square" >"$work/out" 2>"$work/err" &&
    grep -q "answers and boxes are compared" "$work/err" && grep -q "region" "$work/out"
ok $? "a baseline and two streams are compared in boxes: $(grep note "$work/err" | head -n 1)"
refuses 2 "answers and boxes can be compared" "but not in weights" \
    $compare --weights -c "$data/baseline.bin" -c "$data/tasks.bin"
$compare --weights -c "$data/baseline.bin" -c "$data/other.bin" >"$work/out" 2>"$work/err" &&
    grep -q "bert.encoder.layer.1 " "$work/out"
ok $? "two baselines are: $(cat "$work/err")"
$compare --weights -c "$data/pretrained.bin" -c "$data/tasks.bin" >"$work/out" 2>"$work/err"
ok $? "so are the pre-trained model and what has its shapes: $(cat "$work/err")"

printf 'task: refcoco\nimage: %s\nregions: %s\ntext: a red square\n' "$tiny/scene.png" \
    "$data/scene.npy" >"$work/one.set"
$compare --cka --check-set "$work/one.set" -c "$data/baseline.bin" -c "$data/other.bin" \
    >"$work/out" 2>"$work/err" && grep -q "^joint stream, tokens, CKA" "$work/out" &&
    grep -q "^joint stream, regions, CKA" "$work/out"
ok $? "their states are of one stream: $(cat "$work/err")"

# ---- a pre-trained model, and one that grew from it and was given task tokens
LC_ALL=C sed 's/task_embeddings/tasX_embeddings/g; s/vil_\(prediction\|binary\|logit\|tri\)/viX_\1/g
    s/vision_logit/visiXn_logit/g; s/linguisic_logit/linguXsic_logit/g' "$tiny/checkpoint.bin" >"$work/grown-from.bin"
inside() { # inside OPTION...: of the two, whose weights are the same but for these
    "$VILSCOPE" compare --no-log -m "$tiny" -c noise -c "$work/grown-from.bin" -t alignment "$@" "$tiny/scene.png" \
        "a dog is on a red chair" >"$work/out" 2>"$work/err" &&
        grep -q "note: only noise has task tokens: their states, attention and embeddings are left out" "$work/err"
}
inside --cka && grep -q "^text stream, .* n = 9 tokens of 1 query" "$work/out" &&
    grep -q "^embeddings  *1\.000  *0\." "$work/out"
ok $? "their states, without the task token: $(sed -n 3p "$work/out")"
inside --attention --csv && [ "$(awk -F, 'NR > 1 && $1 ~ /^text/ {print $6}' "$work/out" | sort -u)" = 9 ] &&
    [ "$(wc -l <"$work/out")" -eq 23 ]
ok $? "their attention: $(sed -n 2p "$work/out")"
inside --patch blocks && [ "$(grep -c ' 0\.0%' "$work/out")" -eq 5 ]
ok $? "their weights, which are the same but for that: $(sed -n 2p "$work/out")"
"$VILSCOPE" compare --no-log -m "$tiny" -c noise -c "$work/grown-from.bin" -t coco --patch blocks "$tiny/scene.png" \
    "$tiny/mirror.png" "a dog" >"$work/out" 2>"$work/err" &&
    grep -q "grown-from.bin ranks the images of COCO retrieval by the alignment head .* noise by its head" "$work/err"
ok $? "scores of two kinds are told: $(tail -n 1 "$work/err")"

# ---- a set of which a checkpoint answers a part, or nothing
mkdir "$work/model"
cp "$data/config.json" "$tiny/vocab.txt" "$tiny/scene.png" "$data/scene.npy" "$work/model"
cp "$data"/*.bin "$work/model"
printf '{"config": "config.json", "vocab": "vocab.txt", "name": "three", "checkpoints": [
{"name": "pre", "file": "pretrained.bin"}, {"name": "base", "file": "baseline.bin"},
{"name": "tasks", "file": "tasks.bin"}]}' >"$work/model/model.json"
printf '{"task": "%s", "images": ["scene.png"], "text": "a red square", %s}\n' \
    refcoco '"box": [10, 10, 40, 40]' snli-ve '"answer": "neutral"' >"$work/model/data.jsonl"
measure="$VILSCOPE eval --no-log -m $work/model --data $work/model"
$measure/data.jsonl >"$work/out" \
    2>"$work/err" && grep -q '^refcoco .* -  .*%.*%' "$work/out" &&
    grep -q '^snli-ve .* -  * -  *[0-9]' "$work/out" &&
    [ "$(grep -c 'SNLI-VE: .* cannot answer it' "$work/err")" -eq 2 ] &&
    [ "$(grep -c 'RefCOCO: .* cannot answer it' "$work/err")" -eq 1 ]
ok $? "what a checkpoint has no head for is told and left empty: $(head -n 1 "$work/err")"
cat "$work/model/data.jsonl" "$work/model/data.jsonl" >"$work/model/twice.jsonl"
$measure/twice.jsonl 2>&1 >/dev/null | sort | uniq -d >"$work/again"
[ ! -s "$work/again" ]
ok $? "once, however many items there are $(head -n 1 "$work/again")"
$measure/data.jsonl >"$work/out" 2>"$work/err"
grep -q '% of 1 boxes' "$work/out"
ok $? "regions are counted where the first checkpoint is not asked about them"
{ cat "$work/model/data.jsonl"; sed 's/scene.png/none.png/;2d' "$work/model/data.jsonl"; } >"$work/model/gone.jsonl"
$measure/gone.jsonl >"$work/out" 2>"$work/err"
grep -q '1 of 3 items are left out: 1 of their images is not there' "$work/err"
ok $? "nor are pictures that are not there: $(tail -n 1 "$work/err")"
refuses 1 "no checkpoint has a head for what it asks" "a set that nobody answers" \
    $measure/data.jsonl -c pre

# ---- sets: statistics of the heads of its one stream, and interventions
sed 's/"scene.png"\], "text": "a red square"/"mirror.png"], "text": "the red one"/' "$work/model/data.jsonl" | grep refcoco >"$work/mirror"
cp "$tiny/mirror.png" "$data/mirror.npy" "$work/model"
grep refcoco "$work/model/data.jsonl" >"$work/model/two.jsonl" && cat "$work/mirror" >>"$work/model/two.jsonl"
two_items="$VILSCOPE eval --no-log -m $work/model --data $work/model/two.jsonl -c base"
$two_items --heads --csv 2>"$work/err" | tr -d '"' >"$work/out"
awk -F, '$3 == "joint" {n++; own = $6 == "cross" || $6 == "special" || $6 == "peak" ? 1 : 40
    if (!($7 > 0 && $7 < own && $8 <= $7 && $7 <= $9)) bad++}
    $6 == "cross" {cross++} END {exit !(n >= 20 && cross == 4 && !bad)}' "$work/out"
ok $? "statistics of the heads of a baseline: $(grep -c ',joint,' "$work/out") of $(head -n 1 "$work/err")"
$two_items --change "drop word zebra" --change "ablate joint 1" --rows "$work/changed" >"$work/out" 2>"$work/err"
rows_of() { # rows_of NAME: without their checkpoint
    grep -F "\"checkpoint\": \"$1\"" "$work/changed" | sed 's/"checkpoint": "[^"]*"//'
}
rows_of base >"$work/as-is"
rows_of "base [drop word zebra]" >"$work/same"
rows_of "base [ablate joint 1 zero]" >"$work/ablated"
[ "$(wc -l <"$work/as-is")" -eq 2 ] && cmp -s "$work/as-is" "$work/same" && [ "$(wc -l <"$work/ablated")" -eq 2 ] &&
    ! cmp -s "$work/as-is" "$work/ablated"
ok $? "a word that there is not changes nothing of it, its first layer's heads do: $(grep -c . "$work/changed") rows"
refuses 2 "the single-stream baseline has no text attention" "heads that it has not" $two_items --change "ablate text 1.1"

# ---- a configuration of another model, a file that is not whole
refuses 1 "this is the single-stream baseline" "another model's configuration" "$VILSCOPE" query \
    --config "$frozen/config.json" --vocab "$tiny/vocab.txt" -c "$data/baseline.bin" -t vqa \
    --regions "$data/scene.npy" "$tiny/scene.png" "a red square"
sed 's/"v_hidden_size": 8/"v_hidden_size": 12/' "$data/config.json" >"$work/wide.json"
refuses 1 'the configuration is not its own: "v_hidden_size" is 12, the file has 8$' \
    "the pre-trained model with another size" "$VILSCOPE" query --config "$work/wide.json" \
    --vocab "$tiny/vocab.txt" -c "$data/pretrained.bin" -t alignment \
    --regions "$data/scene.npy" "$tiny/scene.png" "a red square"
head -c 40000 "$data/baseline.bin" >"$work/cut.bin"
refuses 1 "cut.bin" "a baseline that is cut off" query "$work/cut.bin" vqa --regions "$data/scene.npy" \
    "$tiny/scene.png" "a red square"
# As the baseline's own configuration is: without what ViLBERT's must say.
printf '{"vocab_size": 200, "hidden_size": 10, "num_attention_heads": 5, "num_hidden_layers": 2}' >"$work/own.json"
for file in cut nope; do
    refuses 1 "$file.bin" "and with a configuration that is not ViLBERT's" "$VILSCOPE" query \
        --config "$work/own.json" --vocab "$tiny/vocab.txt" -c "$work/$file.bin" -t vqa \
        --regions "$data/scene.npy" "$tiny/scene.png" "a red square"
done
refuses 1 "20 numbers, .* 2048" "features of another width, with both numbers" \
    query "$data/baseline.bin" vqa "$tiny/scene.png" "a red square"
# ---- the workbench: of the joint map, what a chosen region looks at, and what a chosen token does
cp "$tiny/scene.png" "$data/scene.npy" "$work/all" && cd "$work/all" || exit 1
printf '%s\n' 'image 1' 'task vqa' 'ask a red square' wait 'checkpoint base' again wait 'layer 2' 'view matrix' \
    'export matrix.csv' 'view attention' 'region 2' 'export region.csv' 'token 3' 'export token.csv' >joint.vs
"$VILSCOPE" -m . --no-log -S joint.vs --screen 40x120 scene.png >out 2>&1 </dev/null
ok $? "the joint map on a screen: $(cat out)"
row() { # row NAME FILE: the numbers of FILE are those of the matrix's row of that name
    awk -F, -v of="$1" 'NR == FNR && FNR == 1 { for (i = 2; i <= NF; i++) column[$i] = i; next }
        NR == FNR { if ($1 == of) for (name in column) want[name] = $column[name]; next }
        FNR > 1 { n++; bad += want[$1] != $3 }
        END { exit bad || n != 8 }' matrix.csv "$2"
}
row "region 2" region.csv && ! row red region.csv && row red token.csv
ok $? "a region's row is that of the region, a token's that of the token"

end
