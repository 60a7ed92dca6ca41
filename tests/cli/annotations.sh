#!/bin/sh
# SPDX-License-Identifier: MIT
# Data sets as their makers annotated them: each is read as what it is, and its items have the texts,
# boxes, candidates and answers of the same items as lines of our own; with pictures and with features
# alone. A split that is not chosen, a caption that is looked for elsewhere, a box that is not the one
# that is meant, features of another image, or a file that is taken for another breaks it.
set -u
tiny=$SRCDIR/tests/data/tiny
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export VILSCOPE_LOG="$work/log.db" XDG_CACHE_HOME="$work/cache"
. "$SRCDIR/tests/cli/lib.sh"

cp -r "$tiny" "$work/named"
chmod -R u+w "$work/named"
seq 3129 >"$work/named/vqa.txt"
sed 's/"labels": {/&"vqa": "vqa.txt", /' "$tiny/model.json" >"$work/named/model.json"
mkdir "$work/im" "$work/npy" "$work/none"
put() { # put scene|mirror NAME...: pictures of that name
    from=$1
    shift
    for name; do
        cp "$tiny/$from.png" "$work/im/$name.jpg"
        cp "$tiny/$from.npy" "$work/im/$name.npy"
        cp "$tiny/$from.npy" "$work/npy/$name.npy"
    done
}
put scene COCO_val2014_000000000042 v7w_42 100 161 COCO_train2014_000000000042
put mirror COCO_val2014_000000000043 v7w_43 200 162 COCO_train2014_000000000043
measure() { # measure FILE OPTION...
    file=$1
    shift
    "$VILSCOPE" eval -m "$work/named" -c "$tiny/checkpoint.bin" --no-log --data "$file" "$@" 2>"$work/err"
}
plain() { # the rows of standard input without what a data set calls things
    sed 's/"split": "[^"]*", //; s/"index": [0-9]*, "id": \("[^"]*"\|[0-9]*\), //; s/"image": "[^"]*", //
        s/"images": \[[^]]*\], //; s/, "fields": .*}$/}/; s/, "boxes": \[[^]]*\]//
        s/, "regions": \(\[[^]]*\]\|[0-9]*\)//' "$1"
}
same() { # same WHAT FILE [OPTION...]: its rows are those of the lines of standard input
    what=$1 source=$2
    shift 2
    cat >"$work/ours.jsonl"
    measure "$work/ours.jsonl" --rows "$work/ours.rows" >"$work/out"
    rm -f "$work/rows"
    measure "$source" --images "$work/im" --rows "$work/rows" "$@" >"$work/out"
    status=$?
    plain "$work/ours.rows" >"$work/want"
    plain "$work/rows" >"$work/have" 2>/dev/null
    [ $status -eq 0 ] && [ -s "$work/want" ] && cmp -s "$work/want" "$work/have"
    ok $? "$what: $status, $(wc -l <"$work/want") items $(cat "$work/err") $(
        cmp -s "$work/want" "$work/have" || diff "$work/want" "$work/have" | head -n 4 | cut -c 1-300)"
    rm -f "$work/pure"
    measure "$source" --images "$work/none" --regions "$work/npy" --rows "$work/pure" "$@" \
        >"$work/out.pure" 2>"$work/err"
    status=$?
    plain "$work/pure" >"$work/have" 2>/dev/null
}
pure() { # the same with features alone, which the last call of same measured
    [ $status -eq 0 ] && cmp -s "$work/want" "$work/have"
    ok $? "$what, of features alone: $status $(cat "$work/err") $(
        cmp -s "$work/want" "$work/have" || diff "$work/want" "$work/have" | head -n 4 | cut -c 1-300)"
}
line() { # line TASK IMAGE TEXT MORE
    printf '{"task": "%s", "images": ["im/%s.jpg"], "text": "%s", %s}\n' "$@"
}
scene='"answer": 0' mirror='"answer": 1'
caption() { # caption TASK TEXT ANSWER: among both pictures
    printf '{"task": "%s", "images": ["%s", "%s"], "text": "%s", %s}\n' "$1" \
        im/COCO_val2014_000000000042.jpg im/COCO_val2014_000000000043.jpg "$2" "$3"
}

# ---- captions
cat >"$work/captions_val2014.json" <<EOF
{"info": {"year": 2014}, "licenses": [], "images": [
 {"id": 42, "file_name": "COCO_val2014_000000000042.jpg", "height": 1},
 {"id": 43, "file_name": "COCO_val2014_000000000043.jpg"}],
 "annotations": [{"image_id": 43, "id": 3, "caption": "A cat."},
 {"image_id": 42, "id": 1, "caption": "A dog."}, {"image_id": 42, "id": 2, "caption": "It is red."}]}
EOF
{
    caption coco "A dog." "$scene"
    caption coco "It is red." "$scene"
    caption coco "A cat." "$mirror"
} >"$work/captions.ours"
same "COCO's captions" "$work/captions_val2014.json" <"$work/captions.ours"
pure
tr -d '\n' <"$work/captions_val2014.json" >"$work/one-line.json"
same "in one line" "$work/one-line.json" <"$work/captions.ours"
cat >"$work/lacking.json" <<EOF
{"images": [{"id": 42, "file_name": "COCO_val2014_000000000042.jpg"},
 {"id": 43, "file_name": "COCO_val2014_000000000043.jpg"}],
 "annotations": [{"image_id": 43, "id": 3, "caption": "A cat."}, {"id": 4, "caption": "Of nothing."},
 {"image_id": 99, "id": 5, "caption": "Of another."}, {"image_id": 42, "id": 6},
 {"image_id": 42, "id": 1, "caption": "A dog."}]}
EOF
rm -f "$work/rows"
measure "$work/lacking.json" --images "$work/im" --rows "$work/rows" >"$work/out"
status=$?
[ $status -eq 4 ] && [ "$(grep -o '"text": "[^"]*"' "$work/rows" | tr '\n' ';')" = '"text": "A dog.";"text": "A cat.";' ] &&
    grep -q 'caption 2 is left out: has no image_id$' "$work/err" &&
    grep -q 'caption 3 is left out: its image_id is of no image' "$work/err" &&
    grep -q 'caption 4 is left out: has no text$' "$work/err" && grep -q '3 of 5 items are left out' "$work/err"
ok $? "captions that lack something are named, the others are asked: $status $(tail -n 1 "$work/err")"
sentences() { # sentences ID TEXT
    printf '{"tokens": ["x"], "raw": "%s", "imgid": 0, "sentid": %s}' "$2" "$1"
}
cat >"$work/dataset_coco.json" <<EOF
{"images": [{"filepath": "val2014", "sentids": [1, 2], "filename": "COCO_val2014_000000000042.jpg",
 "imgid": 0, "split": "test", "cocoid": 42,
 "sentences": [$(sentences 1 "A dog."), $(sentences 2 "It is red.")]},
 {"filename": "COCO_val2014_000000000099.jpg", "split": "restval", "sentences": [$(sentences 5 "No.")]},
 {"filename": "COCO_val2014_000000000043.jpg", "split": "test", "sentences": [$(sentences 3 "A cat.")]}],
 "dataset": "coco"}
EOF
same "Karpathy's split" "$work/dataset_coco.json" <"$work/captions.ours"
pure
mkdir "$work/im/val2014"
mv "$work/im/COCO_val2014_000000000042".* "$work/im/val2014"
sed 's,im/COCO_val2014_000000000042,im/val2014/COCO_val2014_000000000042,' "$work/captions.ours" >"$work/parts.ours"
sed 's/"filename": "COCO_val2014_000000000043.jpg"/"filepath": "val2014x", &/' "$work/dataset_coco.json" >"$work/parts.json"
same "with a folder for each part" "$work/parts.json" <"$work/parts.ours"
mv "$work/im/val2014/"* "$work/im"
rmdir "$work/im/val2014"
refuses 2 "there is no split 'val': it has test, restval" "a split that is not there" \
    "$VILSCOPE" eval -m "$work/named" --no-log --data "$work/dataset_coco.json" --split val
refuses 2 "all of one split: leave out --split" "a file without splits" \
    "$VILSCOPE" eval -m "$work/named" --no-log --data "$work/captions_val2014.json" --split val
refuses 2 "these are items of coco or flickr30k, not of vqa" "captions as questions" \
    "$VILSCOPE" eval -m "$work/named" --no-log --data "$work/captions_val2014.json" -t vqa
flickr() { # flickr TEXT ANSWER
    printf '{"task": "flickr30k", "images": ["im/100.jpg", "im/200.jpg"], "text": "%s", %s}\n' "$@"
}
{
    flickr "A dog runs ." "$scene"
    flickr "It is red" "$scene"
    flickr "A cat ." "$mirror"
} >"$work/flickr.ours"
printf '100.jpg#0\tA dog runs .\n100.jpg#1\tIt is red\n200.jpg#0\tA cat .\n' >"$work/results.token"
same "Flickr30k's table" "$work/results.token" <"$work/flickr.ours"
pure
printf 'image_name| comment_number| comment\n100.jpg| 0| A dog runs .\n100.jpg| 1| It is red\n200.jpg| 0| A cat .\n' \
    >"$work/results.csv"
same "with bars" "$work/results.csv" <"$work/flickr.ours"
cp "$work/im/100.npy" "$work/im/200.npy" "$work"
head -c 100 "$work/200.npy" >"$work/im/200.npy"
measure "$work/results.token" --images "$work/im" --rows "$work/pool.jsonl" >"$work/out"
[ $? -eq 4 ] && grep -q '^flickr30k  *2 ' "$work/out" && [ "$(wc -l <"$work/pool.jsonl")" -eq 2 ] &&
    [ "$(grep -c '"rank": 0, "target": 0, "logits": \[[-0-9.]*, null\]' "$work/pool.jsonl")" -eq 2 ] &&
    grep -q 'image .*im/200.jpg is left out of the pool: .*200.npy: ' "$work/err" &&
    grep -q 'item .* is left out: its image cannot be read: .*200.npy' "$work/err" &&
    grep -q ': 1 of 3 items are left out' "$work/err"
ok $? "an image of the pool that cannot be read is named, the others are ranked: $(head -n 1 "$work/err")"
"$VILSCOPE" eval --from "$work/pool.jsonl" >"$work/again"
grep -q 'images by captions: R@1 100.0%.* of 2$' "$work/again" && grep -q 'captions by images: .* of 2$' "$work/again"
ok $? "so are its rows: $(tail -n 1 "$work/again")"
head -n 1 "$work/pool.jsonl" >"$work/past.jsonl"
measure "$work/results.token" --images "$work/im" --rows "$work/past.jsonl" --resume >"$work/out"
[ $? -eq 4 ] && cmp -s "$work/pool.jsonl" "$work/past.jsonl"
ok $? "and --resume goes on behind them: $(tail -n 1 "$work/err")"
measure "$work/results.token" --images "$work/im" --strict >"$work/out"
[ $? -eq 1 ] && grep -q 'image .*200.jpg: ' "$work/err"
ok $? "--strict ends with it: $(cat "$work/err")"
head -c 100 "$work/200.npy" >"$work/im/100.npy"
measure "$work/results.token" --images "$work/im" >"$work/out"
[ $? -eq 1 ] && grep -q 'none of the 2 images can be read' "$work/err"
ok $? "nothing can be ranked without any: $(cat "$work/err")"
cp "$work/100.npy" "$work/200.npy" "$work/im"
printf '100.jpg#0\tA dog runs .\nnothing\n200.jpg#0\tA cat .\n' >"$work/bad.token"
measure "$work/bad.token" --images "$work/im" >"$work/out"
[ $? -eq 4 ] && grep -q '^flickr30k  *2 ' "$work/out" && grep -q 'item line 2 is left out: is no file' "$work/err"
ok $? "a line that is no caption: $(head -n 1 "$work/err")"

# ---- Flickr30k Entities
mkdir -p "$work/entities/Sentences" "$work/entities/Annotations"
printf '[/EN#1/animals A dog] runs [/EN#0/notvisual .]\nIt is [/EN#2/other red]\n' >"$work/entities/Sentences/100.txt"
printf '[/EN#3/animals A cat] .\n' >"$work/entities/Sentences/200.txt"
box() { # box ID X1 Y1 X2 Y2
    printf '<object><name>%s</name><bndbox><xmin>%s</xmin><ymin>%s</ymin><xmax>%s</xmax><ymax>%s</ymax></bndbox></object>' "$@"
}
printf '<annotation>%s%s<object><name>2</name><scene>1</scene></object></annotation>' \
    "$(box 1 10 10 30 30)" "$(box 1 20 5 40 25)" >"$work/entities/Annotations/100.xml"
printf '<annotation>%s</annotation>' "$(box 3 5 6 20 30)" >"$work/entities/Annotations/200.xml"
same "Entities' captions" "$work/entities" <"$work/flickr.ours"
pure
{
    line refcoco+ 100 "A dog" '"box": [10, 5, 40, 30]'
    line refcoco+ 200 "A cat" '"box": [5, 6, 20, 30]'
} >"$work/phrases.ours"
same "Entities' phrases, all boxes of one together" "$work/entities" -t refcoco+ <"$work/phrases.ours"
pure
printf '200\n' >"$work/entities/val.txt"
sed 1d "$work/phrases.ours" >"$work/val.ours"
same "of a split" "$work/entities" -t refcoco+ --split val <"$work/val.ours"
refuses 2 "there is no split 'test': it has val" "of another" "$VILSCOPE" eval -m "$work/named" --no-log \
    --data "$work/entities" --split test

printf '100\n200\n300\n' >"$work/entities/test.txt"
cp "$work/entities/Sentences/200.txt" "$work/entities/Sentences/300.txt"
head -c 150 "$work/entities/Annotations/100.xml" >"$work/cut"
mv "$work/cut" "$work/entities/Annotations/100.xml"
measure "$work/entities" -t refcoco+ --images "$work/im" >"$work/out"
[ $? -eq 4 ] && grep -q 'image 100 is left out: .*100.xml: is not XML of boxes, or cut off' "$work/err" &&
    grep -q 'image 300 is left out: .*300.xml: No such file' "$work/err" && grep -q '^refcoco+  *1 ' "$work/out"
ok $? "boxes that are cut off, or not there, are told: $(head -n 1 "$work/err")"

# ---- captions against foils
printf '{"existence_1": {"dataset": "x", "image_file": "100.jpg", "caption": "It is red .", "foil": "A cat runs .",
 "linguistic_phenomena": "existence"}, "existence_2": {"image_file": "200.jpg", "caption": "A cat ."}}' >"$work/valse.json"
foil() { # foil TASK TEXT FOIL IMAGE...
    task=$1 text=$2 other=$3
    shift 3
    printf '{"task": "%s", "images": [' "$task"
    printf '"im/%s.jpg"%s' "$1" "${2:+, }"
    [ $# -lt 2 ] || printf '"im/%s.jpg"' "$2"
    printf '], "text": "%s", "foils": ["%s"]}\n' "$text" "$other"
}
foil coco "It is red ." "A cat runs ." 100 >"$work/ours.jsonl"
rm -f "$work/ours.rows" "$work/rows"
measure "$work/ours.jsonl" --rows "$work/ours.rows" >"$work/out"
measure "$work/valse.json" --images "$work/im" --rows "$work/rows" >"$work/out"
[ $? -eq 4 ] && plain "$work/rows" >"$work/have" && [ -s "$work/have" ] && plain "$work/ours.rows" | cmp -s - "$work/have" &&
    grep -q '"fields": {"dataset": "x", "phenomenon": "existence"}' "$work/rows" &&
    grep -q 'existence_2 is left out: has not caption, foil' "$work/err" && ! grep -q 'at 5' "$work/out"
ok $? "VALSE: $(head -n 1 "$work/err") $(grep '^coco' "$work/out")"
logit() { # logit IMAGE TEXT: of the retrieval head
    "$VILSCOPE" query -m "$work/named" -c "$tiny/checkpoint.bin" -t coco --no-log --json "$work/im/$1.jpg" "$2" |
        sed -n 's/.*"logit": \([-0-9.e]*\).*/\1/p' | head -n 1
}
row_logits() { sed -n 's/.*"logits": \[\([^]]*\)\].*/\1/p' "$1" | tr -d ' ' | tr ',' '\n'; }
near() { # near: two columns of numbers are the same
    awk '{d = $1 - $2; if (d < 0) d = -d; if (d > 1e-5) bad = 1} END {exit bad || NR == 0}'
}
row_logits "$work/rows" >"$work/have"
{ logit 100 "It is red ."; logit 100 "A cat runs ."; } >"$work/want"
paste "$work/want" "$work/have" | near && [ "$(wc -l <"$work/have")" -eq 2 ]
ok $? "logits are those of the queries: $(tr '\n' ' ' <"$work/have")"
right=$(awk 'NR == 1 {a = $1} NR == 2 {print (a > $1) ? "true" : "false"}' "$work/want")
grep -q "\"correct\": $right" "$work/rows" && grep -q "\"chance\": 0.5" "$work/rows"
ok $? "right is what is above its foil: $right"
cat >"$work/foil.json" <<EOF
{"images": [{"id": 100, "file_name": "100.jpg"}], "annotations": [
 {"image_id": 100, "id": 1, "foil_id": 1, "caption": "It is red .", "foil": false, "foil_word": "ORIG", "target_word": "ORIG"},
 {"image_id": 100, "id": 2, "foil_id": 2, "caption": "A dog runs .", "foil": false, "foil_word": "ORIG", "target_word": "ORIG"},
 {"image_id": 100, "id": 3, "foil_id": 1, "caption": "A cat runs .", "foil": true, "foil_word": "cat", "target_word": "dog"},
 {"image_id": 100, "id": 4, "foil_id": 9, "caption": "None .", "foil": true, "foil_word": "x", "target_word": "y"}]}
EOF
foil coco "A dog runs ." "A cat runs ." 100 >"$work/ours.jsonl"
rm -f "$work/ours.rows" "$work/rows"
measure "$work/ours.jsonl" --rows "$work/ours.rows" >"$work/out"
measure "$work/foil.json" --images "$work/im" --rows "$work/rows" >"$work/out"
[ $? -eq 4 ] && plain "$work/rows" >"$work/have" && [ -s "$work/have" ] && plain "$work/ours.rows" | cmp -s - "$work/have" &&
    grep -q 'item caption 4 is left out: its image has no caption' "$work/err"
ok $? "FOIL-COCO, by the word in its place: $(head -n 1 "$work/err")"
printf '{"id": 7, "image_0": "100.jpg", "image_1": "200.jpg", "caption_0": "It is red", "caption_1": "left", "tag": "x"}\n' \
    >"$work/examples.jsonl"
foil coco "It is red" left 100 200 >"$work/winoground.ours"
same "Winoground" "$work/examples.jsonl" <"$work/winoground.ours"
pure
row_logits "$work/rows" >"$work/have"
{ logit 100 "It is red"; logit 200 "It is red"; logit 100 left; logit 200 left; } >"$work/want"
paste "$work/want" "$work/have" | near
ok $? "each caption with each image: $(tr '\n' ' ' <"$work/have")"
awk '{v[NR] = $1} END {t = v[1] > v[3] && v[4] > v[2]; i = v[1] > v[2] && v[4] > v[3]
    print (t ? "true" : "false"), (i ? "true" : "false"), (t && i ? "1.0" : "0.0")}' "$work/want" >"$work/verdict"
read -r text image group <"$work/verdict"
grep -q "\"text_right\": $text, \"image_right\": $image, .*\"score\": $group" "$work/rows" &&
    grep -q '^  text, image' "$work/out"
ok $? "text $text, image $image, group $group"
percent() { [ "$1" = true ] && echo 100.0 || echo 0.0; }
"$VILSCOPE" eval --from "$work/rows" >"$work/out" &&
    grep -q "^  *text $(percent "$text")%, image $(percent "$image")%" "$work/out" &&
    "$VILSCOPE" eval --from "$work/rows" --json >"$work/out" &&
    grep -q '"metric": "share of pairs of which all four are right"' "$work/out" &&
    grep -q '"text_score": ' "$work/out" && grep -q '"image_score": ' "$work/out"
ok $? "and from the rows alone: $(grep '_score": ' "$work/out" | tr -d '\n')"
printf '{"task": "coco", "images": ["im/100.jpg"], "text": "a", "foils": "b"}\n' >"$work/bad.jsonl"
refuses 1 'line 1: "foils" is not a list' "foils that are none" "$VILSCOPE" eval -m "$work/named" --no-log --data "$work/bad.jsonl"

# ---- questions
pair() { # pair ID QUESTION ANSWER
    printf '{"qa_id": %s, "question": "%s", "answer": "%s", "multiple_choices": ["a", "b", "c"], "type": "what"}' "$@"
}
printf '[{"id": 161, "qas": [%s, %s]},\n{"image_id": 162, "qas": [%s]}]' \
    "$(pair 5 "what is it" 12.)" "$(pair 6 "is it" no)" "$(pair 7 why 3)" >"$work/question_answers.json"
{
    line genomeqa 161 "what is it" '"answer": "12."'
    line genomeqa 161 "is it" '"answer": "no"'
    line genomeqa 162 why '"answer": "3"'
} >"$work/genome.ours"
same "Visual Genome's questions" "$work/question_answers.json" <"$work/genome.ours"
pure
printf '{"dataset": "visual7w-telling", "images": [{"image_id": 42, "filename": "v7w_42.jpg", "split": "val",
 "qa_pairs": [%s]}, {"image_id": 43, "filename": "v7w_43.jpg", "split": "train", "qa_pairs": [%s]}]}' \
    "$(pair 5 "what is it" Red.)" "$(pair 6 why no)" >"$work/dataset_v7w_telling.json"
line genomeqa v7w_42 "what is it" '"answer": "Red."' >"$work/telling.ours"
same "Visual7W telling" "$work/dataset_v7w_telling.json" <"$work/telling.ours"
pure
refuses 2 "there is no split 'dev': it has val, train" "its splits" "$VILSCOPE" eval -m "$work/named" \
    --no-log --data "$work/dataset_v7w_telling.json" --split dev

# ---- choices among boxes
cat >"$work/dataset_v7w_pointing.json" <<EOF
{"dataset": "visual7w-pointing", "boxes": [
 {"box_id": 9, "name": "a", "x": 8, "y": 30, "width": 23, "height": 23},
 {"box_id": 4, "name": "b", "x": 38, "y": 20, "width": 28, "height": 28},
 {"box_id": 7, "name": "c", "x": 1, "y": 2, "width": 20, "height": 20},
 {"box_id": 8, "name": "d", "x": 2, "y": 2, "width": 30, "height": 30}], "images": [
 {"image_id": 42, "filename": "v7w_42.jpg", "split": "val", "qa_pairs": [
 {"qa_id": 1, "question": "which is red", "answer": 9, "multiple_choices": [4, 7], "type": "which"},
 {"qa_id": 2, "question": "which", "answer": 99, "multiple_choices": [4], "type": "which"}]},
 {"image_id": 43, "filename": "v7w_43.jpg", "split": "train", "qa_pairs": [
 {"qa_id": 3, "question": "which is blue", "answer": 7, "multiple_choices": [8], "type": "which"}]}]}
EOF
line visual7w v7w_42 "which is red" '"candidates": [[38, 20, 66, 48], [1, 2, 21, 22], [8, 30, 31, 53]], "answer": 2' \
    >"$work/ours.jsonl"
rm -f "$work/ours.rows" "$work/rows"
measure "$work/ours.jsonl" --rows "$work/ours.rows" >"$work/out"
measure "$work/dataset_v7w_pointing.json" --images "$work/im" --rows "$work/rows" >"$work/out"
[ $? -eq 4 ] && [ -s "$work/ours.rows" ] && plain "$work/rows" >"$work/have" && plain "$work/ours.rows" | cmp -s - "$work/have" &&
    grep -q 'item image v7w_42.jpg, question 2 is left out: has not a question' "$work/err"
ok $? "Visual7W pointing, candidates by their ids: $(head -n 1 "$work/err") $(wc -l <"$work/rows")"
line visual7w v7w_43 "which is blue" '"candidates": [[1, 2, 21, 22], [2, 2, 32, 32]], "answer": 0' \
    >"$work/train.ours"
same "another split" "$work/dataset_v7w_pointing.json" --split train <"$work/train.ours"
# features of all four boxes, as the reference extracts them: of them a question's are chosen among
measure "$work/dataset_v7w_pointing.json" --split train --regions "$work/npy" --candidates "$work/npy" >"$work/out"
[ $? -eq 1 ] && grep -q 'candidate [0-9] is none of the [0-9]* boxes that its image has in' "$work/err"
ok $? "features of other boxes: $(cat "$work/err")"

# ---- RefCOCO, by its splits
sets=$SRCDIR/tests/data/sets
put scene COCO_train2014_000000000007 COCO_train2014_000000000008
measure "$sets/refs_unc.p" --annotations "$sets/instances.json" --images "$work/none" --regions "$work/npy" >"$work/out"
[ $? -eq 0 ] && grep -q '^refcoco  *2 ' "$work/out"
ok $? "RefCOCO of features alone $(cat "$work/err")"
refuses 2 "there is no split 'dev': it has .*val" "a split of references" "$VILSCOPE" eval -m "$work/named" --no-log \
    --data "$sets/refs_unc.p" --annotations "$sets/instances.json" --split dev
refuses 1 "refs_unc.p: is a pickle, JSON is expected" "references in place of instances" "$VILSCOPE" eval \
    -m "$work/named" --no-log --data "$sets/refs_unc.p" --annotations "$sets/refs_unc.p"
refuses 1 "it is not COCO's instances.json" "questions in place of instances" "$VILSCOPE" eval \
    -m "$work/named" --no-log --data "$sets/refs_unc.p" --annotations "$sets/vqa_questions.json"

# ---- features: a table, ids in two spellings, what is not there
refuses 2 "these are COCO's instances" "instances as a set" "$VILSCOPE" eval -m "$work/named" --no-log \
    --data "$sets/instances.json"
refuses 2 "these are VQA's answers" "answers as a set" "$VILSCOPE" eval -m "$work/named" --no-log \
    --data "$sets/vqa_annotations.json"
printf '{"model": 1, "layers": []}' >"$work/other.json"
refuses 1 'a JSON document of no known data set, with "model", "layers"' "another document" "$VILSCOPE" eval \
    -m "$work/named" --no-log --data "$work/other.json"
sed 's/"sentence"/"sentenze"/' "$SRCDIR/tests/data/sets/nlvr2.jsonl" >"$work/first.jsonl"
refuses 1 'the first is line 1: no "task", nor is the first line of another data set: it has ' "a first line that lacks a member" \
    "$VILSCOPE" eval -m "$work/named" --no-log --data "$work/first.jsonl"
refuses 1 "scene.png: is an image, not a data set" "a picture" "$VILSCOPE" eval -m "$work/named" --no-log \
    --data "$tiny/scene.png"
rm "$work/npy/COCO_val2014_000000000043.npy" "$work/npy/COCO_train2014_000000000043.npy"
measure "$work/captions_val2014.json" --images "$work/none" --regions "$work/npy" >"$work/out"
[ $? -eq 0 ] && grep -q '^coco  *2 ' "$work/out" && grep -q '1 of 3 items are left out: 1 of their images is not there' "$work/err"
ok $? "an image without features leaves the pool: $(cat "$work/err")"
refuses 1 "no table of the regions of many images" "features of one image" "$VILSCOPE" eval -m "$work/named" --no-log \
    --data "$work/captions_val2014.json" --regions "$tiny/scene.npy"
rm -f "$work/table.tsv" "$work/rows" "$work/plain"
"$VILSCOPE" convert-regions --quiet -o "$work/table.tsv" "$work/npy"
measure "$work/captions_val2014.json" --images "$work/none" --regions "$work/table.tsv" --rows "$work/plain" >"$work/out"
gzip "$work/table.tsv"
measure "$work/captions_val2014.json" --images "$work/none" --regions "$work/table.tsv.gz" --rows "$work/rows" >"$work/out"
[ -s "$work/plain" ] && cmp -s "$work/plain" "$work/rows"
ok $? "a compressed table $(cat "$work/err")"
if "$VILSCOPE" extract -m "$tiny" -o "$work/all.lmdb" "$work/im/COCO_val2014_000000000042.jpg" \
    "$work/im/COCO_val2014_000000000043.jpg" >"$work/out" 2>"$work/err"; then
    LC_ALL=C sed 's/COCO_val2014_0000000000/XXXX_val2014_0000000000/g' "$work/all.lmdb/data.mdb" >"$work/wrong.mdb"
    rm -f "$work/rows"
    measure "$work/captions_val2014.json" --images "$work/none" --regions "$work/all.lmdb" --rows "$work/rows" >"$work/out"
    [ $? -eq 0 ] && [ "$(wc -l <"$work/rows")" -eq 3 ]
    ok $? "an LMDB $(cat "$work/err")"
    refuses 1 "of 2 images none is in .*wrong.mdb" "which has other images" "$VILSCOPE" eval -m "$work/named" --no-log \
        --data "$work/captions_val2014.json" --regions "$work/wrong.mdb"
    for at in 0 4096; do # another version of the data in both meta pages
        { head -c $((at + 20)) "$work/all.lmdb/data.mdb" | tail -c +$((at ? 25 : 1)); printf '\347\003\0\0'; }
    done >"$work/other.mdb"
    tail -c +4121 "$work/all.lmdb/data.mdb" >>"$work/other.mdb"
    refuses 1 "other.mdb: an LMDB database of data version 999, of which 1 is read: mdb_dump" "an LMDB of another version" \
        "$VILSCOPE" eval -m "$work/named" --no-log --data "$work/captions_val2014.json" --regions "$work/other.mdb"
    head -c 8192 "$work/all.lmdb/data.mdb" >"$work/short.mdb"
    refuses 1 "short.mdb: page .*: the LMDB database is damaged or not completely copied" "an LMDB that is cut off" \
        "$VILSCOPE" eval -m "$work/named" --no-log --data "$work/captions_val2014.json" --regions "$work/short.mdb"
else
    grep -q "$no_lmdb" "$work/err"
    ok $? "this machine writes no LMDB: $(cat "$work/err")"
fi
end
