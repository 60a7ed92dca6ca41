#!/bin/sh
# SPDX-License-Identifier: MIT
# The reference's data folder. On the shared golden data every number and row is the reference's, to
# the byte where it writes one. On a small folder that is made here the answers are those of
# "vilscope query", and what is wrong with an item or a file is said with its name while the others
# are measured. A split cut before it is sorted, an id list that drops too much, an item without a
# target that is not counted, a row of another box, a file that stops the others, or a comparison that
# judges other rows than those that are written breaks it.
set -u
tiny=$SRCDIR/tests/data/tiny
work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
export VILSCOPE_LOG="$work/log.db" XDG_CACHE_HOME="$work/cache"
. "$SRCDIR/tests/cli/lib.sh"

# ---- the golden data
golden=${VILSCOPE_SHARED:-$SRCDIR/../shared}/golden/eval
if [ ! -f "$golden/compare.py" ] || ! command -v python3 >/dev/null; then
    skip "no shared golden data of evaluations, or no python3"
else
    python3 "$golden/compare.py" --show 3 --command "'$VILSCOPE' eval --no-log -m {model} \
        --reference {data} --task {task} --split {split} --json --rows {out} --as-reference" \
        >"$work/golden" 2>&1
    grep -q '^task' "$work/golden" || ok 1 "compare.py runs: $(cat "$work/golden")"
    while read -r case verdict more; do
        case $case in
        task*)
            [ "$verdict" = ok ] && [ -z "$more" ]
            ok $? "$case $(grep -A 3 "^$case " "$work/golden" | grep '^    ')"
            ;;
        esac
    done <"$work/golden"
    mkdir "$work/rows"
    for c in 1:minval 2:val 4:val 7:val 9:testA 11:test 12:dev 13:dev 15:minval 17:valid; do
        "$VILSCOPE" eval --no-log -m "$golden/model" --reference "$golden" -t "${c%:*}" \
            --split "${c#*:}" --rows "$work/rows" >/dev/null 2>&1
        same=0
        for f in result others; do
            cmp -s "$work/rows/${c#*:}_$f.json" "$golden/expected/task${c%:*}_${c#*:}/${c#*:}_$f.json" ||
                same=1
        done
        ok $same "files of $c are the reference's to the byte"
    done
    "$VILSCOPE" eval --no-log -m "$golden/model" --reference "$golden/datasets" -t guesswhat \
        --split test >"$work/out" 2>"$work/err"
    [ $? -eq 0 ] && grep -q 'in 4 of 4 items the reference takes other rows' "$work/err"
    ok $? "choices that the reference takes from wrong rows are told: $(cat "$work/err")"
fi

# ---- a small folder
d=$work/datasets
end_of_lmdb=_resnext152_faster_rcnn_genome.lmdb
mkdir -p "$work/in" "$d/VQA/cache" "$d/coco/features_100" "$d/refcoco/refcoco" \
    "$d/refcoco/refcoco_unc" "$d/nlvr2" "$d/visual_entailment" "$d/flickr30k" "$d/visual7w/cache"
i=0
for name in 41 42 v7w_7 dev-1-0-img0 dev-1-0-img1; do
    i=$((i + 1))
    if [ $((i % 2)) -eq 1 ]; then
        cp "$tiny/scene.png" "$work/in/$name.png"
    else
        cp "$tiny/mirror.png" "$work/in/$name.png"
    fi
done
if ! "$VILSCOPE" extract -m "$tiny" -o "$work/all.lmdb" "$work/in" >"$work/out" 2>"$work/err"; then
    grep -q "$no_lmdb" "$work/err"
    ok $? "this machine writes no LMDB: $(cat "$work/err")"
    end
fi
lmdb() { # lmdb PATH: those regions
    mkdir -p "$d/$1$end_of_lmdb"
    cp "$work/all.lmdb/data.mdb" "$d/$1$end_of_lmdb/"
}
for name in coco/features_100/COCO_trainval coco/features_100/COCO_test refcoco/refcoco_unc/refcoco \
    nlvr2/nlvr2 flickr30k/flickr30k visual7w/visual7w visual7w/visual7w_gt; do
    lmdb "$name"
done
seq 3129 >"$d/VQA/cache/trainval_label2ans.pkl" # a list of names, in the plainest way
question() { # question ID IMAGE TEXT
    printf '{"question_id": %s, "image_id": %s, "question": "%s"}' "$@"
}
printf '{"questions": [%s, %s, %s]}\n' "$(question 12 41 'what color')" "$(question 9 42 'is it red')" \
    "$(question 10 41 '')" >"$d/VQA/v2_OpenEnded_mscoco_val2014_questions.json"
printf '{"questions": [%s]}\n' "$(question 5 42 'red')" >"$d/VQA/v2_OpenEnded_mscoco_test2015_questions.json"
answer() { # answer TASK KEY TEXT: the best answer or region as the query gives it
    "$VILSCOPE" query -m "$work/model" -t "$1" --no-log --json --regions "$work/all.lmdb" --key "$2" \
        "$work/in/$2.png" "$3" 2>/dev/null |
        sed -n 's/.*"\(label\|region\)": "*\([^",]*\)"*,.*/\2/p' | head -n 1
}
cp -r "$tiny" "$work/model"
chmod -R u+w "$work/model"
cp "$d/VQA/cache/trainval_label2ans.pkl" "$work/model/vqa.txt"
sed 's/"labels": {/&"vqa": "vqa.txt", /' "$tiny/model.json" >"$work/model/model.json"
right=$(answer vqa 41 'what color')
target() { # target ID IMAGE CLASS WORTH, as Python 2 pickled it
    printf "(dS'question_id'\nI%s\nsS'image_id'\nI%s\nsS'labels'\n(lI%s\nasS'scores'\n(lF%s\nasa" "$@"
}
targets() { # the list of standard input's targets
    printf '(l'
    cat
    printf '.'
}
{ # class k is called k + 1
    target 10 41 3 1.0
    target 12 41 $((right - 1)) 0.6
    printf "(dS'question_id'\nI9\nsS'image_id'\nI42\nsS'labels'\n(lsS'scores'\n(lsa"
} | targets >"$d/VQA/cache/val_target.pkl"
run() { # run OPTION...
    "$VILSCOPE" eval --no-log -m "$work/model" --reference "$work" "$@" >"$work/out" 2>"$work/err"
}
run -t vqa --split val --json --rows "$work/rows.jsonl"
[ $? -eq 0 ] && grep -q '"items": 3' "$work/out" && grep -q '"score": 0.2[0-9]*,$' "$work/out" &&
    [ "$(sed -n 's/.*"id": \([0-9]*\), "image": \([0-9]*\).*"answer": "\([^"]*\)".*/\1 \2 \3/p' \
        "$work/rows.jsonl" | tr '\n' ';' | sed 's/;10 41 [0-9]*;/;10 41;/')" = \
        "9 42 $(answer vqa 42 'is it red');10 41;12 41 $right;" ]
ok $? "questions and targets are sorted, one without an answer counts, and so does an empty one: $(
    sed -n 's/^ "score.*/&/p' "$work/out" | tr '\n' ' ')"
run -t vqa --split val --json
cut -c 3- "$work/out" | sed -n '/^{"task/{s/}},*$/}}/;s/},$/}/;p}' >"$work/items"
cmp -s "$work/items" "$work/rows.jsonl"
ok $? "items of the JSON are the rows"
run -t vqa --split test --json --rows "$work"
[ $? -eq 0 ] && grep -q '"score": null' "$work/out" &&
    [ "$(cat "$work/test_result.json")" = \
        "[{\"question_id\": 5, \"answer\": \"$(answer vqa 42 red)\"}]" ] &&
    [ "$(cat "$work/test_others.json")" = "[]" ]
ok $? "a split without answers: $(cat "$work/test_result.json")"
LC_ALL=C sed "s/C$(printf '\002')42/C$(printf '\002')88/g" "$work/all.lmdb/data.mdb" \
    >"$d/coco/features_100/COCO_trainval$end_of_lmdb/data.mdb"
run -t vqa --split val
[ $? -eq 4 ] && grep -q "item 9 is left out: image '42' is in .*, but not in its list 'keys'" "$work/err" &&
    grep -q '1 of 3 items' "$work/err"
ok $? "an image that the list of keys has not: $(head -n 1 "$work/err")"
# Features of another model's detector: both widths, before anything is computed.
"$VILSCOPE" extract -m "$SRCDIR/tests/data/frozen" -o "$work/wide.lmdb" "$work/in" >"$work/out" 2>&1
cp "$work/wide.lmdb/data.mdb" "$d/coco/features_100/COCO_trainval$end_of_lmdb/"
run -t vqa --split val
[ $? -ne 0 ] && grep -q "features of 96 numbers, but the model tiny expects 20" "$work/err" && [ ! -s "$work/out" ]
ok $? "features of another width: $(cat "$work/err" "$work/out")"
lmdb coco/features_100/COCO_trainval
printf '{"questions": [%s, %s]}\n' "$(question 2 41 'a')" "$(question 1 42 'b')" \
    >"$d/VQA/v2_OpenEnded_mscoco_train2014_questions.json"
{ target 1 42 0 1; target 2 41 0 1; } | targets >"$d/VQA/cache/train_target.pkl"
ids() { # ids NUMBER: an array of numpy with one number below 256
    printf '\223NUMPY\001\000\166\000'
    printf '%-117s\n' "{'descr': '<i8', 'fortran_order': False, 'shape': (1,), }"
    # shellcheck disable=SC2059 # an octal escape is the format
    printf "\\$(printf %o "$1")\000\000\000\000\000\000\000"
}
ids 42 >"$d/VQA/cache/coco_test_ids.npy"
kept() { # kept SPLIT: ids of the items
    run -t vqa --split "$1" --rows "$work/rows.jsonl"
    sed -n 's/.*"id": \([0-9]*\).*/\1/p' "$work/rows.jsonl" | tr '\n' ' '
}
[ "$(kept trainval)" = "2 " ] && [ "$(kept mteval)" = "1 " ] && [ "$(kept minval)" = "9 10 12 " ] &&
    [ "$(kept train)" = "2 " ]
ok $? "which images a split loses: trainval $(kept trainval), mteval $(kept mteval)"

printf '\223NUMPY\001\000\166\000%-117s\n*\000\000\000' \
    "{'descr': '<u4', 'fortran_order': False, 'shape': (1,), }" >"$d/VQA/cache/coco_test_ids.npy"
[ "$(kept mteval)" = "1 " ]
ok $? "ids of another type: $(kept mteval)"

# ---- references
box=$("$VILSCOPE" query -m "$work/model" -t refcoco --no-log --top 1 --regions "$work/all.lmdb" \
    --key 41 "$work/in/41.png" "the red square" |
    sed 's/.*\[ *\([0-9.]*\) *\([0-9.]*\) *\([0-9.]*\) *\([0-9.]*\)\].*/\1 \2 \3 \4/')
region=$("$VILSCOPE" query -m "$work/model" -t refcoco --no-log --top 1 --regions "$work/all.lmdb" \
    --key 41 "$work/in/41.png" "the red square" | sed 's/.*region \([0-9]*\).*/\1/')
echo "$box" | awk '{printf "{\"annotations\": [{\"id\": 7, \"bbox\": [%s, %s, %s, %s]}, ",
    $1, $2, $3 - $1, $4 - $2; printf "{\"id\": 8, \"bbox\": [0, 0, 1, 1]}]}\n"}' \
    >"$d/refcoco/refcoco/instances.json"
reference() { # reference ANNOTATION IMAGE SPLIT TEXT
    printf "(dS'ann_id'\nI%s\nsS'image_id'\nI%s\nsS'ref_id'\nI1\nsS'split'\nS'%s'\ns" "$1" "$2" "$3"
    printf "S'sent_ids'\n(lI30\naI31\nasS'sentences'\n(l(dS'raw'\nV%s\nsS'sent'\nS'other'\nsasa" "$4"
}
{
    reference 7 41 val "the red square"
    reference 8 41 val "the red square"
    reference 99 41 val "no box"
    reference 7 43 val "no regions"
    reference 7 42 testAB "of both"
} | targets >"$d/refcoco/refcoco/refs(unc).p"
run -t refcoco --json --rows "$work"
[ $? -eq 4 ] && grep -q '"score": 0.5,' "$work/out" && grep -q '"IOU": 0\.0}\]$' "$work/val_result.json" &&
    grep -q "^\[{\"id\": 41, \"target\": $region, \"IOU\": \(1.0\|0.9[0-9]*\)}, " "$work/val_result.json"
ok $? "the region that the query finds, in the sentence as it was written: $(cat "$work/val_result.json")"
grep -q 'item refs(unc).p: reference 3 is left out: its ann_id has no box' "$work/err" &&
    grep -q "item 30 is left out: image '43' is not in .*refcoco$end_of_lmdb" "$work/err" &&
    grep -q '2 of 4 items are left out' "$work/err" && grep -q '{"item": "refs(unc).p: reference 3", "why": ' "$work/out"
ok $? "what cannot be asked is named, the others are measured: $(tail -n 1 "$work/err")"
refuses 1 "item refs(unc).p: reference 3: its ann_id" "--strict" "$VILSCOPE" eval --no-log -m "$work/model" \
    --reference "$work" -t refcoco --strict
run -t refcoco --rows "$work/rows.jsonl"
sed -n 's/.*"id": \([0-9]*\), .*"choice": \([0-9]*\).*"correct": \([a-z]*\).*/\1,region \2,\3/p' "$work/rows.jsonl" |
    sed 's/true$/right/; s/false$/wrong/' >"$work/want"
"$VILSCOPE" explain -m "$work/model" --reference "$work" -t refcoco --project chosen --csv >"$work/out" 2>"$work/err"
[ $? -eq 4 ] && sed 1d "$work/out" | tr -d '"' | cut -d , -f 2,6,7 | cmp -s - "$work/want" && [ -s "$work/want" ] &&
    ! sed 1d "$work/out" | tr -d '"' | awk -F, '$4 != $6 && $4 != $6 " " $5' | grep . &&
    grep -q 'item refs(unc).p: reference 3 is left out' "$work/err" && grep -q '1 items are left out: the first is 30: ' "$work/err"
ok $? "regions that are chosen as points, those of the rows: $(sed -n 2p "$work/out")"
refuses 2 "--project with --reference needs -t TASK" "points of all tasks" "$VILSCOPE" explain -m "$work/model" \
    --reference "$work" --project chosen
run -t refcoco --split testA && run -t refcoco --split testB && run -t refcoco --split testB --limit 1
ok $? "a split of both letters belongs to both"
mkdir "$d/refcoco/cache"
ids 42 >"$d/refcoco/cache/coco_test_ids.npy"
cp "$d/refcoco/refcoco/refs(unc).p" "$work/refs"
{ reference 7 41 train "kept"; reference 7 42 train "listed"; } | targets >"$d/refcoco/refcoco/refs(unc).p"
run -t refcoco --split mteval --rows "$work/rows.jsonl"
[ $? -eq 0 ] && [ "$(grep -c '"text": "listed"' "$work/rows.jsonl")" -eq 1 ] &&
    ! grep -q kept "$work/rows.jsonl"
ok $? "mteval is what train loses: $(cat "$work/err")"
cp "$work/refs" "$d/refcoco/refcoco/refs(unc).p"
refuses 2 "no split 'dev' of refcoco: it has val, testA, testB, test" "no such split" "$VILSCOPE" eval \
    --no-log -m "$work/model" --reference "$d" -t refcoco --split dev

# ---- pairs and entailment
printf '{"identifier": "dev-1-0-3", "sentence": "two red things", "label": "%s"}\n' True False \
    >"$d/nlvr2/dev.json"
run -t nlvr2 --json
[ $? -eq 0 ] && grep -q '"items": 2' "$work/out" && grep -q '"score": 0.5,' "$work/out" &&
    grep -q '"rows": \[\]' "$work/out"
ok $? "pairs: one of two opposite labels is right"
cp "$d/nlvr2/dev.json" "$work/pairs"
printf '{"identifier": "dev-1-0-4", "sentence": "two red things"}\n' >>"$d/nlvr2/dev.json"
run -t nlvr2 --json
[ $? -eq 4 ] && grep -q '"items": 2' "$work/out" && grep -q 'item dev-1-0-4 is left out: has no label' "$work/err"
ok $? "a pair without a label: $(head -n 1 "$work/err")"
cp "$work/pairs" "$d/nlvr2/dev.json"
for wrong in '{"x": NaN}' '{"x": "\ud800"}' '{"x": 99999999999999999999}'; do
    echo "$wrong" >>"$d/nlvr2/dev.json"
done
run -t nlvr2
[ $? -eq 4 ] && grep -q '3 of 5 items are left out' "$work/err"
ok $? "lines that are no JSON to us: $(grep -c 'left out: ' "$work/err")"
cp "$work/pairs" "$d/nlvr2/dev.json"
(
    trap '' XFSZ
    ulimit -f 0
    "$VILSCOPE" eval --no-log -m "$work/model" --reference "$work" -t nlvr2 --json 2>&1
    echo "status $?"
) | cat >"$work/out"
grep -q '^vilscope eval: a temporary file: rows cannot be written: ' "$work/out" &&
    grep -q '^status 1' "$work/out" && ! grep -q '"per_item"' "$work/out"
ok $? "a temporary file that cannot be written: $(head -n 1 "$work/out")"
sed 's/dev-1-0/dev-9-0/' "$d/nlvr2/dev.json" >"$d/nlvr2/test1.json"
run -t nlvr2 --split test
[ $? -eq 1 ] && grep -q "of 2 items none can be asked: .*dev-9-0-img0" "$work/err"
ok $? "the test's published name, and no image: $(cat "$work/err")"
mkdir -p "$d/visual_entailment" "$d/visual_entailment/cache"
ids 42 >"$d/visual_entailment/cache/flickr_test_ids.npy"
for i in 42 41 41; do
    printf '{"Flikr30kID": "%s.jpg", "sentence2": "a thing", "gold_label": "neutral"}\n' $i
done >"$d/visual_entailment/snli_ve_train.jsonl"
run -t snli-ve --split train --rows "$work/rows.jsonl"
[ "$(sed -n 's/.*"id": \([0-9]*\).*/\1/p' "$work/rows.jsonl" | tr '\n' ' ')" = "0 1 " ]
ok $? "what is trained on is numbered without what is dropped: $(sed -n 's/.*"id": \([0-9]*\).*/\1/p' "$work/rows.jsonl" | tr '\n' ' ')"
rm "$d/visual_entailment/snli_ve_train.jsonl"
for label in entailment neutral contradiction -; do
    printf '{"Flikr30kID": "41.jpg", "sentence2": "a thing", "gold_label": "%s"}\n' "$label"
done >"$d/visual_entailment/snli_ve_dev.jsonl"
printf '{"Flikr30kID": "41.jpg"\n[1]\n{"sentence2": "a"}\n' >>"$d/visual_entailment/snli_ve_dev.jsonl"
run -t snli-ve --json
[ $? -eq 4 ] && grep -q '"items": 4' "$work/out" && grep -q '"score": 0.25,' "$work/out" &&
    [ "$(grep -c 'line [567] is left out' "$work/err")" -eq 3 ]
ok $? "labels that nobody agreed on count, lines that are none are named: $(head -n 1 "$work/err")"

# ---- choices: 7 regions, and the same boxes as annotated ones
detected=$("$VILSCOPE" query -m "$work/model" -t refcoco --no-log --json --regions "$work/all.lmdb" --key v7w_7 \
    "$work/in/v7w_7.png" "x" | grep -c '"region": [1-9]')
printf '{"boxes": [{"box_id": 5, "x": 0, "y": 0, "width": 4, "height": 4}, ' \
    >"$d/visual7w/dataset_v7w_pointing.json"
printf '{"box_id": 3, "x": 9, "y": 9, "width": 9, "height": 9}], "images": [{"image_id": 7, "split": "val",
 "qa_pairs": [{"qa_id": 1, "question": "which one", "answer": 5, "multiple_choices": [3]},
 {"qa_id": 2, "question": "which", "answer": 6, "multiple_choices": [3]}]}]}' \
    >>"$d/visual7w/dataset_v7w_pointing.json"
run -t visual7w --json
[ $? -eq 4 ] && grep -q "\"choices\": \[0, 1\], \"rows\": \[$((detected + 1)), $((detected + 2))\]" "$work/out" &&
    grep -q 'item 2 is left out: its answer is none of the boxes' "$work/err" &&
    grep -q '"shifted": 1' "$work/out"
ok $? "choices are the annotated boxes behind $detected detected ones, in the order of their ids"
cp "$d/visual7w/dataset_v7w_pointing.json" "$work/v7w.json"
sed -i 's/"answer": 6, "multiple_choices": \[3\]/"answer": "none", "multiple_choices": ["x"]/' \
    "$d/visual7w/dataset_v7w_pointing.json"
run -t visual7w --json
[ $? -eq 4 ] && grep -q '"choices": \[0, 1\]' "$work/out" && grep -q 'item 2 is left out' "$work/err"
ok $? "a question with choices that are none leaves those of the others where they are"
sed -i 's/"answer": "none".*}\]}\]}/"answer": 5}]}]}/' "$d/visual7w/dataset_v7w_pointing.json"
run -t visual7w --json
[ $? -eq 4 ] && grep -q 'item 2 is left out: has not a question, a qa_id' "$work/err"
ok $? "nor is one asked that has none: $(cat "$work/err")"
cp "$work/v7w.json" "$d/visual7w/dataset_v7w_pointing.json"
sed -i 's/"answer": 6/"answer": 3/' "$d/visual7w/dataset_v7w_pointing.json"
gt=$d/visual7w/visual7w_gt$end_of_lmdb/data.mdb
LC_ALL=C sed 's/image_hJ@/image_hJp/g' "$work/all.lmdb/data.mdb" >"$gt"
run -t visual7w
! cmp -s "$gt" "$work/all.lmdb/data.mdb" && grep -q '^visual7w  *val  *2 ' "$work/out"
ok $? "annotated boxes on a picture of another size: $(cat "$work/out")"
lmdb visual7w/visual7w_gt
run -t visual7w --as-reference
[ $? -eq 1 ] && grep -q "has $detected detected boxes, not 100: the reference ends at this question" "$work/err"
ok $? "where the reference ends is said: $(cat "$work/err")"

# ---- GuessWhat: objects as a set, in a dictionary with a default
mkdir -p "$d/guesswhat/cache"
lmdb guesswhat/guesswhat_gt
printf "ccollections\ndefaultdict\n(c__builtin__\ndict\ntRp0\nI41\n(dS'bboxes'\nc__builtin__\nset\n((lI5\naI3\natRss." \
    >"$d/guesswhat/cache/image_bbox_list.pkl"
printf '(dI5\n(lI0\naI0\naI4\naI4\nasI3\n(lI9\naI9\naI18\naI18\nas.' >"$d/guesswhat/cache/bboxes_dict.pkl"
game() { # game ID MORE
    printf '{"id": %s, "image": {"id": 41}, "object_id": 3, "objects": [{"id": 5}, {"id": 3}]%s}\n' "$@"
}
{ game 1 ', "qas": []'; game 2 ''; } >"$d/guesswhat/guesswhat.valid.jsonl"
run -t guesswhat --json
[ $? -eq 4 ] && grep -q '"items": 1,' "$work/out" && grep -q '"choices": \[0, 1\]' "$work/out" &&
    grep -q 'item 2 is left out: has no image id, no qas' "$work/err"
ok $? "a game without a dialog is one, one that has none is not: $(head -n 1 "$work/err")"
run -t guesswhat --as-reference --rows "$work/games.jsonl"
grep -q '"as_reference": true' "$work/games.jsonl" && run -t guesswhat --rows "$work/games.jsonl" --resume
[ "$(wc -l <"$work/games.jsonl")" -eq 2 ] && [ "$(grep -c as_reference "$work/games.jsonl")" -eq 1 ]
ok $? "rows as the reference has them are not those without"
rm -r "$d/guesswhat"

# ---- retrieval
for i in 41 42 99; do
    printf '{"id": 0, "img_path": "%s.jpg", "sentences": ["a thing", "red"]}\n' $i
done >"$d/flickr30k/all_data_final_test_set0_2014.jsonline"
run -t flickr30k --json --rows "$work"
[ $? -eq 4 ] && grep -q '"items": 4' "$work/out" && grep -q '"images": 2' "$work/out" &&
    grep -q '"r5": 100.0' "$work/out" && grep -q '"meanr": 1.5' "$work/out" &&
    grep -q '^\[\[\([01]\), \([01]\)\], \[[01], [01]\], \[\1, \2\], ' "$work/val_result.json" &&
    [ "$(grep -c 'line 3, caption [12] is left out' "$work/err")" -eq 2 ]
ok $? "one text ranks alike for both images: $(cat "$work/val_result.json")"

cp "$d/flickr30k/all_data_final_test_set0_2014.jsonline" "$work/pool"
printf '{"id": 0, "img_path": "41.jpg", "sentences": ["red\\u0000dish", 7]}\n' \
    >>"$d/flickr30k/all_data_final_test_set0_2014.jsonline"
rm -f "$work/test_result.json" "$work/val_result.json"
run -t flickr30k --json --split test --rows "$work"
[ $? -eq 4 ] && grep -q '"items": 5' "$work/out" && grep -q '"images": 2' "$work/out" &&
    grep -q '"text": "reddish"' "$work/out" && [ -s "$work/val_result.json" ] &&
    [ ! -e "$work/test_result.json" ] &&
    grep -q 'line 4, caption 2 is left out: is no text' "$work/err"
ok $? "an image of two lines is one of the pool, what is no caption is named: $(tail -n 1 "$work/err")"
cp "$work/pool" "$d/flickr30k/all_data_final_test_set0_2014.jsonline"

# ---- going on: cut anywhere, the file ends with the same bytes
run --json --rows "$work/whole.jsonl"
cp "$work/out" "$work/whole.json"
size=$(wc -c <"$work/whole.jsonl")
bad_cuts=
for cut in 0 1 $((size / 7)) $((size / 2)) $((size - 1)) "$size"; do
    head -c "$cut" "$work/whole.jsonl" >"$work/part.jsonl"
    run --json --rows "$work/part.jsonl" --resume
    cmp -s "$work/whole.jsonl" "$work/part.jsonl" || bad_cuts="$bad_cuts $cut"
    for f in whole.json out; do grep -v ms_per_item "$work/$f" >"$work/$f.same"; done
    cmp -s "$work/whole.json.same" "$work/out.same" || bad_cuts="$bad_cuts $cut(JSON)"
done
[ "$size" -gt 5000 ] && [ -z "$bad_cuts" ]
ok $? "--resume ends with the same rows and JSON, wherever they were cut off:$bad_cuts"
rm "$work/part.jsonl"
run --rows "$work/part.jsonl" --resume
cmp -s "$work/whole.jsonl" "$work/part.jsonl"
ok $? "and where there is no file yet"
on_rows() { # on_rows SED PATTERN WHAT: rows that were changed
    sed "$1" "$work/whole.jsonl" >"$work/other.jsonl"
    refuses 1 "$2" "$3" "$VILSCOPE" eval --no-log -m "$work/model" --reference "$work" -t nlvr2 \
        --rows "$work/other.jsonl" --resume
}
on_rows '/nlvr2/s/"logits": \[/&1/' "its row of item dev-1-0-3 is not what comes of it now" "other numbers"
on_rows 's/"id": "dev-1-0-3"/"id": "dev-2-0-3"/' "is of an item that split dev has not" "other items"
on_rows 's/"task"/"tusk"/' "line 1 is no row" "no rows"
on_rows '/nlvr2/s/"choice": [01]/"choice": -3000000/' "what it chose cannot be chosen" "a wild choice"
on_rows '/nlvr2/s/"logits": \[[^,]*, /"logits": [/;/nlvr2/s/"choice": 0/"choice": 1/' "cannot be chosen" "too few logits"
cut_retrieval() { # cut_retrieval SED: rows of the retrieval that do not fit the pool
    sed "/\"flickr30k\"/$1" "$work/whole.jsonl" >"$work/other.jsonl"
    refuses 1 "what it chose cannot be chosen" "of a pool: $1" "$VILSCOPE" eval --no-log \
        -m "$work/model" --reference "$work" -t flickr30k --rows "$work/other.jsonl" --resume
}
cut_retrieval 's/"logits": \[[^,]*, /"logits": [/'
cut_retrieval 's/"rank": [0-9]*/"rank": -99/'
sed '/"nlvr2".*"index": 0/d' "$work/whole.jsonl" >"$work/other.jsonl"
refuses 1 "line [0-9]* is of item dev-1-0-3, but that of item dev-1-0-3, .* is missing: cut the file off before line" \
    "a row out of the middle" "$VILSCOPE" eval --no-log -m "$work/model" --reference "$work" -t nlvr2 \
    --rows "$work/other.jsonl" --resume
sed '/"nlvr2".*"index": 0/{h;d};/"nlvr2".*"index": 1/{p;x}' "$work/whole.jsonl" >"$work/other.jsonl"
refuses 1 "line [0-9]* is of item dev-1-0-3, whose place is before that of line" "rows in another order" \
    "$VILSCOPE" eval --no-log -m "$work/model" --reference "$work" -t nlvr2 \
    --rows "$work/other.jsonl" --resume
cp "$work/whole.jsonl" "$work/other.jsonl"
run -t nlvr2 --split nowhere --rows "$work/other.jsonl"
cmp -s "$work/whole.jsonl" "$work/other.jsonl"
ok $? "rows of another run stay while there is nothing to put in their place"
refuses 2 "--rows FILE" "--resume without rows" "$VILSCOPE" eval --no-log -m "$work/model" \
    --reference "$work" --resume

# ---- files of the wrong kind, and what is not there
bad() { # bad FILE PATTERN WHAT OPTION...
    file=$d/$1 pattern=$2 what=$3
    shift 3
    cp "$file" "$work/kept"
    cat >"$file"
    refuses 1 "$pattern" "$what" "$VILSCOPE" eval --no-log -m "$work/model" --reference "$work" "$@"
    cp "$work/kept" "$file"
}
bad VQA/cache/val_target.pkl "val_target.pkl: is JSON, a pickle is expected" "JSON" -t vqa <"$tiny/config.json"
printf '(d.' >"$work/dict"
bad VQA/cache/val_target.pkl "a pickle of something else than a list" "a dictionary" -t vqa <"$work/dict"
printf "\200\002cos\nsystem\n(S'touch %s/made'\ntR." "$work" >"$work/evil"
bad VQA/cache/val_target.pkl "refused: it wants to call 'os system'" "code is not executed" -t vqa <"$work/evil"
[ ! -e "$work/made" ]
ok $? "it was not"
bad VQA/v2_OpenEnded_mscoco_val2014_questions.json "is a pickle, JSON is expected" "a pickle" -t vqa \
    <"$work/evil"
bad VQA/v2_OpenEnded_mscoco_val2014_questions.json "has no list of \"questions\"" "other JSON" -t vqa \
    <"$tiny/config.json"
echo 42 >"$work/text"
bad VQA/cache/coco_test_ids.npy "is text, a .npy file is expected" "text" -t vqa --split train <"$work/text"
bad "flickr30k/flickr30k$end_of_lmdb/data.mdb" "is text, not an LMDB" "no LMDB" -t snli-ve <"$work/text"
head -c 8192 "$work/all.lmdb/data.mdb" >"$work/cut"
bad "nlvr2/nlvr2$end_of_lmdb/data.mdb" "damaged or not completely copied" "a cut LMDB" -t nlvr2 <"$work/cut"
bad nlvr2/dev.json "is empty, JSON is expected" "an empty file" -t nlvr2
{ target 10 41 3 1.0; target 12 41 5000 0.6; } | targets >"$d/VQA/cache/val_target.pkl"
run -t vqa
[ $? -eq 4 ] && grep -q 'item question 9 is left out: has no target' "$work/err" &&
    grep -q 'item 12 is left out: its target has not lists .* not in trainval_label2ans' "$work/err" &&
    grep -q '2 of 3 items' "$work/err"
ok $? "a target that is not there, an answer that is none"
{ target 10 41 3 1.0; printf "(dS'image_id'\nI41\nsa"; } | targets >"$d/VQA/cache/val_target.pkl"
run -t vqa
[ $? -eq 4 ] && grep -q 'val_target.pkl: target 2 is left out: has no question_id' "$work/err"
ok $? "a target of no question: $(head -n 1 "$work/err")"
seq 9 >"$d/VQA/cache/trainval_label2ans.pkl"
printf "(dS'a'\nI1\nsS'b'\nI2\nsS'c'\nI3\nsS'd'\nI4\nsS'e'\nI5\nsS'f'\nI6\nsS'g'\nI7\nsS'h'\nI8\nsS'i'\nI9\nsS'j'\nI9\ns." \
    >"$d/VQA/cache/trainval_ans2label.pkl"
refuses 1 "has 9 answers, trainval_ans2label.pkl beside it 10" "a list of other answers" \
    "$VILSCOPE" eval --no-log -m "$work/model" --reference "$work" -t vqa
rm "$d/VQA/cache/trainval_ans2label.pkl"
target 10 41 3 1.0 | targets >"$d/VQA/cache/val_target.pkl"
refuses 1 "the data has 9 answers, the checkpoint's head has 3129" "answers of another head" \
    "$VILSCOPE" eval --no-log -m "$work/model" --reference "$work" -t vqa
refuses 1 "/dev/full: rows cannot be written: No space left" "a full disk" "$VILSCOPE" eval --no-log \
    -m "$work/model" --reference "$work" -t nlvr2 --rows /dev/full
refuses 1 "no folder of the reference's tasks" "another folder" "$VILSCOPE" eval --no-log \
    -m "$work/model" --reference "$work/in"
refuses 2 "either --data or --reference" "both" "$VILSCOPE" eval -m "$tiny" --reference "$work" --data x
refuses 2 "as-reference is for --reference" "not for --data" "$VILSCOPE" eval -m "$tiny" --data x \
    --as-reference

# ---- all tasks and checkpoints; one that fails does not stop the others
run --json -c noise -c "$tiny/checkpoint.bin"
[ $? -eq 1 ] && [ "$(grep -c '"items": ' "$work/out")" -eq 10 ] &&
    [ "$(grep -c '"error": "vqa: the data has 9 answers' "$work/out")" -eq 2 ] &&
    grep -q '^{"evaluations": \[$' "$work/out" && [ "$(tail -n 1 "$work/out")" = "]}" ]
ok $? "all that is there, on two checkpoints: $(grep -c '"items"' "$work/out") evaluations"
LC_ALL=C sed 's/vil_binary_prediction\.logit_fc\.3\.weight/vil_binary_prediction.logit_fc.3.weighu/g' \
    "$tiny/checkpoint.bin" >"$work/headless.bin"
run --json -c "$work/headless.bin" -c "$tiny/checkpoint.bin" -t nlvr2
[ $? -eq 1 ] && [ "$(grep -c 'nlvr2 on headless.bin: .* cannot answer it' "$work/err")" -eq 1 ] &&
    [ "$(wc -l <"$work/err")" -eq 1 ] && grep -q '"error": ".* cannot answer it' "$work/out" &&
    [ "$(grep -c '"items": 2' "$work/out")" -eq 1 ]
ok $? "a checkpoint without the head is told once, the other is measured: $(cat "$work/err")"
LC_ALL=C sed 's/encoder\.layer\.0\./encoder.layer.X./g; s/encoder\.layer\.1\./encoder.layer.0./g
    s/encoder\.layer\.X\./encoder.layer.1./g' "$tiny/checkpoint.bin" >"$work/crossed.bin"
judge() { # judge OPTION...: noise and another, measured and judged at once
    "$VILSCOPE" compare -m "$work/model" -c noise -c "$work/crossed.bin" --reference "$work" "$@" \
        >"$work/out" 2>"$work/err"
}
run -c noise -c "$work/crossed.bin" -t snli-ve --rows "$work/snli.jsonl"
"$VILSCOPE" compare --rows "$work/snli.jsonl" --calibration --json 2>/dev/null |
    grep -v '"source"' >"$work/want"
judge -t snli-ve --calibration --json && grep -v '"source"' "$work/out" >"$work/have"
[ $? -eq 0 ] && [ "$(grep -c '"items": 4' "$work/want")" -ge 3 ] && cmp -s "$work/want" "$work/have" &&
    grep -q 'with noise: the first is .*dev.jsonl: line 5: ' "$work/err" &&
    [ "$(grep -c 'snli-ve dev: 3 of 7 items are left out with ' "$work/err")" -eq 2 ]
ok $? "measured and judged at once is what is judged of their rows: $(diff "$work/want" "$work/have" | head -n 3)"
[ "$(sed -n 's/^.*"ece": //p' "$work/out" | sort -u | wc -l)" -eq 2 ]
ok $? "of two checkpoints that differ: $(sed -n 's/^.*"ece": //p' "$work/out" | tr '\n' ' ')"
judge -t nlvr2 --split dev --limit 1 --csv
[ "$(sed 1d "$work/out" | cut -d, -f 1-6)" = '"nlvr2","dev","noise","crossed.bin",1,1' ]
ok $? "a task, a split and a part of its items: $(sed 1d "$work/out")"
refuses 2 "two checkpoints are needed" "one checkpoint" "$VILSCOPE" compare -m "$work/model" -c noise \
    --reference "$work"
refuses 2 "has no data for alignment" "a task that it has not" "$VILSCOPE" compare -m "$work/model" \
    -c noise -c "$work/crossed.bin" --reference "$work" -t alignment
refuses 1 "no folder of the reference's tasks" "a folder of something else" "$VILSCOPE" compare \
    -m "$work/model" -c noise -c "$work/crossed.bin" --reference "$work/in"
mkdir "$work/many"
run -c noise -c "$tiny/checkpoint.bin" -t nlvr2 --rows "$work/many"
[ $? -eq 0 ] && [ "$(find "$work/many" -name dev_result.json | wc -l)" -eq 2 ] &&
    [ "$(grep -c '^nlvr2 ' "$work/out")" -eq 2 ]
ok $? "a folder for each: $(cd "$work/many" && echo *)"
"$VILSCOPE" eval -m "$work/model" --reference "$work" -t nlvr2 >"$work/out" 2>&1 &&
    "$VILSCOPE" sessions sql "SELECT task, items, score FROM evaluations" >"$work/out" 2>&1 &&
    grep -q 'nlvr2.*2.*0.5' "$work/out"
ok $? "the score is in the log: $(tail -n 1 "$work/out")"
end
