#!/bin/sh
# SPDX-License-Identifier: MIT
# Ids in two spellings: what one file has as a number another one has as text, and what one calls 42
# another one calls COCO_val2014_000000000042. They are joined: rows are those of the files with one
# spelling. What cannot be joined is said with both. An id that is compared as it is written, or a
# number that is found in the name of another data set's image, breaks it.
set -u
tiny=$SRCDIR/tests/data/tiny
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export VILSCOPE_LOG="$work/log.db" XDG_CACHE_HOME="$work/cache"
. "$SRCDIR/tests/cli/lib.sh"

cp -r "$tiny" "$work/model"
chmod -R u+w "$work/model"
seq 3129 >"$work/model/vqa.txt"
sed 's|"labels": {|&"vqa": "vqa.txt", |' "$tiny/model.json" >"$work/model/model.json"
npy() { # npy FOLDER NAME NAME: features of the scene and of the mirror under these names
    mkdir -p "$work/$1"
    cp "$tiny/scene.npy" "$work/$1/$2.npy"
    cp "$tiny/mirror.npy" "$work/$1/$3.npy"
}
npy coco COCO_val2014_000000000042 COCO_val2014_000000000043
run() { # run ROWS OPTION...
    rows=$work/$1
    shift
    rm -f "$rows"
    "$VILSCOPE" eval -m "$work/model" --no-log --rows "$rows" "$@" >"$work/out" 2>"$work/err"
}
same() { # same WHAT STATUS: the rows are those with one spelling
    [ "$2" -eq 0 ] && [ -s "$work/one" ] && cmp -s "$work/one" "$work/two"
    ok $? "$1: $2 $(head -n 1 "$work/err") $(diff "$work/one" "$work/two" 2>&1 | head -n 2 | cut -c 1-200)"
}

# ---- question ids, and ids of images, as numbers and as text
questions() { # questions QUOTE QUOTE: of the ids, and of the images
    printf '{"data_subtype": "val2014", "questions": [
 {"question_id": %s12%s, "image_id": %s42%s, "question": "what color"},
 {"question_id": %s9%s, "image_id": %s43%s, "question": "is it red"}]}\n' \
        "$1" "$1" "$2" "$2" "$1" "$1" "$2" "$2"
}
answers() { # answers QUOTE
    printf '{"annotations": [{"question_id": %s9%s, "answers": [{"answer": "7"}]},
 {"question_id": %s12%s, "answers": [{"answer": "3"}]}]}\n' "$1" "$1" "$1" "$1"
}
questions '' '' >"$work/q.json"
answers '' >"$work/a.json"
run one --data "$work/q.json" --annotations "$work/a.json" --regions "$work/coco"
answers '"' >"$work/text.json"
run two --data "$work/q.json" --annotations "$work/text.json" --regions "$work/coco"
same "answers whose question ids are text" $?
questions '"' '"' >"$work/text.json"
run two --data "$work/text.json" --annotations "$work/a.json" --regions "$work/coco"
same "questions whose ids are text" $?
questions '"0' '"0000' | sed 's/\([0-9]\)"0/\1"/g; s/\([0-9]\)"0*,/\1",/g' >"$work/text.json"
run two --data "$work/text.json" --annotations "$work/a.json" --regions "$work/coco"
same "with zeros before: $(grep -o '"image_id": "[^,]*' "$work/text.json" | head -n 1)" $?
answers '' | sed 's/": 9,/": 10,/; s/": 12,/": 13,/' >"$work/text.json"
refuses 1 'a question has no annotation' "answers of other questions" "$VILSCOPE" eval -m "$work/model" --no-log \
    --data "$work/q.json" --annotations "$work/text.json" --regions "$work/coco"
answers '' | sed 's/": 9,/&"image_id": "0043",/; s/": 12,/&"image_id": 43,/' >"$work/text.json"
run two --data "$work/q.json" --annotations "$work/text.json" --regions "$work/coco"
[ $? -eq 4 ] && [ "$(sed "s/\"index\": 0,/\"index\": 1,/" "$work/two")" = "$(grep '"id": 9,' "$work/one")" ] &&
    grep -q 'question 1 is left out: its annotation is of another image$' "$work/err"
ok $? "answers to another image: $(head -n 1 "$work/err")"

# ---- COCO's names of images, with zeros and without, and of another year
for names in '42 43' '000000000042 000000000043' 'COCO_train2014_000000000042 COCO_train2014_000000000043'; do
    # shellcheck disable=SC2086 # two names
    npy "by ${names%% *}" $names
    run two --data "$work/q.json" --annotations "$work/a.json" --regions "$work/by ${names%% *}"
    same "features that are called ${names%% *}" $?
done
npy others n42 n43
refuses 1 "of 2 images none is in .*others" "features of other names" "$VILSCOPE" eval -m "$work/model" --no-log \
    --data "$work/q.json" --annotations "$work/a.json" --regions "$work/others"
"$VILSCOPE" convert-regions --quiet -o "$work/others.tsv" "$work/others"
refuses 1 "of 2 images none is in .*, the first is .*COCO_val2014_000000000042.jpg, and the first there is 'n4[23]'" \
    "both spellings are said" "$VILSCOPE" eval -m "$work/model" --no-log --data "$work/q.json" \
    --annotations "$work/a.json" --regions "$work/others.tsv"
gqa() { # gqa QUOTE
    printf '{"12": {"question": "what color", "imageId": %s42%s, "answer": "7"},
 "9": {"question": "is it red", "imageId": %s43%s, "answer": "3"}}\n' "$1" "$1" "$1" "$1"
}
gqa '"' >"$work/gqa.json"
run one --data "$work/gqa.json" --regions "$work/by 42"
gqa '' >"$work/text.json"
run two --data "$work/text.json" --regions "$work/by 42"
same "GQA's images as numbers" $?
refuses 1 "of 2 images none is in .*coco" "Genome's image 42 is not COCO's" "$VILSCOPE" eval -m "$work/model" \
    --no-log --data "$work/gqa.json" --regions "$work/coco"

# ---- RefCOCO's pickle
references() { # references IMAGE IMAGE ANNOTATION, as opcodes of Python 2
    printf '(l'
    for image in "$1" "$2"; do
        printf "(dS'ann_id'\n%s\nsS'image_id'\n%s\nsS'ref_id'\nI1\nsS'split'\nS'val'\ns" "$3" "$image"
        printf "S'sent_ids'\n(lI30\nasS'sentences'\n(l(dS'raw'\nVthe red square\nsS'sent_id'\nI30\nsasa"
    done
    printf '.'
}
printf '{"annotations": [{"id": "7", "bbox": [1, 1, 9, 9]}]}\n' >"$work/instances.json"
references I42 I43 I7 >"$work/refs.p"
run one --data "$work/refs.p" --annotations "$work/instances.json" --regions "$work/coco"
references "S'42'" "S'43'" "S'7'" >"$work/text.p"
run two --data "$work/text.p" --annotations "$work/instances.json" --regions "$work/coco"
same "references whose ids are text" $?

# ---- the reference's folder
d=$work/datasets
db=$d/coco/features_100/COCO_trainval_resnext152_faster_rcnn_genome.lmdb
mkdir -p "$d/VQA/cache" "$db" "$work/in"
extract() { # extract NAME NAME: the folder's LMDB, of pictures that are called so
    rm -rf "$work/in" "$work/x.lmdb"
    mkdir "$work/in"
    cp "$tiny/scene.png" "$work/in/$1.png"
    cp "$tiny/mirror.png" "$work/in/$2.png"
    "$VILSCOPE" extract -m "$tiny" -o "$work/x.lmdb" "$work/in" >"$work/out" 2>"$work/err" &&
        cp "$work/x.lmdb/data.mdb" "$db/"
}
if ! extract 42 43; then
    grep -q "$no_lmdb" "$work/err"
    ok $? "this machine writes no LMDB: $(cat "$work/err")"
    end
fi
seq 3129 >"$d/VQA/cache/trainval_label2ans.pkl"
targets() { # targets ID IMAGE ID IMAGE
    printf '(l'
    while [ $# -gt 0 ]; do
        printf "(dS'question_id'\n%s\nsS'image_id'\n%s\nsS'labels'\n(lI3\nasS'scores'\n(lF1.0\nasa" "$1" "$2"
        shift 2
    done
    printf '.'
}
targets I12 I42 I9 I43 >"$d/VQA/cache/val_target.pkl"
cp "$work/q.json" "$d/VQA/v2_OpenEnded_mscoco_val2014_questions.json"
run one --reference "$work" -t vqa --split val
targets "S'12'" "S'42'" "S'9'" "S'43'" >"$d/VQA/cache/val_target.pkl"
run two --reference "$work" -t vqa --split val
same "targets whose ids are text" $?
questions '"' '"' >"$d/VQA/v2_OpenEnded_mscoco_val2014_questions.json"
targets I12 I42 I9 I43 >"$d/VQA/cache/val_target.pkl"
run two --reference "$work" -t vqa --split val
same "questions whose ids are text" $?
for names in '000000000042 000000000043' 'COCO_val2014_000000000042 COCO_val2014_000000000043'; do
    # shellcheck disable=SC2086 # two names
    extract $names
    run two --reference "$work" -t vqa --split val
    same "an LMDB of ${names%% *}" $?
done
extract n42 n43
run two --reference "$work" -t vqa --split val
[ $? -eq 1 ] && grep -q "of 2 items none can be asked: .*image '4[23]' is not in .*, whose images have names like 'n4[23]'" "$work/err"
ok $? "an LMDB of other names, in both spellings: $(cat "$work/err")"

# ---- one file with both: how it is sorted is not known
mkdir -p "$d/gqa/cache"
cp -r "$db" "$d/gqa/gqa_resnext152_faster_rcnn_genome.lmdb"
seq 1533 >"$d/gqa/cache/trainval_label2ans.pkl"
targets I12 I42 "S'9'" I43 >"$d/gqa/cache/val_target.pkl"
refuses 1 "val_target.pkl: question 1 has the question_id 12, question 2 has '9': ids must all be numbers or all be text" \
    "ids of both kinds in a cache" "$VILSCOPE" eval -m "$work/model" --no-log --reference "$work" -t gqa --split val
targets "S'q9'" I42 I12 I43 >"$d/gqa/cache/val_target.pkl"
refuses 1 "question 1 has the question_id 'q9', question 2 has 12: ids must" \
    "one of which is no number" "$VILSCOPE" eval -m "$work/model" --no-log --reference "$work" -t gqa --split val
end
