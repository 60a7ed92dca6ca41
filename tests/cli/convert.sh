#!/bin/sh
# SPDX-License-Identifier: MIT
# What convert and convert-regions write is read again as what it was. Broken by a share of the wrong
# checkpoint, one that is written over another, an error that is not measured, a file that is left though
# it was not, an image that is lost or written twice, a table's half line.
set -u
. "$SRCDIR/tests/cli/lib.sh"
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
tiny=$SRCDIR/tests/data/tiny
regions=$SRCDIR/tests/data/regions
export VILSCOPE_LOG="$work/log.db" XDG_CACHE_HOME="$work/cache"
answer() { "$VILSCOPE" query -m "$tiny" -c "$1" --no-log -t gqa "$tiny/scene.png" "what color is it" 2>&1; }
printf '{"task": "gqa", "images": ["%s/scene.png"], "text": "what color is it"}\n' "$tiny" >"$work/set.jsonl"

printf '{"task": "gqa", "images": ["none.png"], "text": "what color is it"}\n' >"$work/wrong.jsonl"

# ---- checkpoints
answer noise >"$work/want"
for type in float32 float16 bfloat16 int8; do
    "$VILSCOPE" convert -m "$tiny" noise -o "$work/$type.safetensors" --type $type \
        --check-set "$work/set.jsonl" >"$work/out" 2>&1
    status=$?
    largest=$(awk '$1 == "out.vil_prediction_gqa" {print $2}' "$work/out")
    case $type in
    float*) [ $status -eq 0 ] && [ "$largest" = 0 ] && answer "$work/$type.safetensors" | cmp -s - "$work/want" ;;
    *) [ $status -eq 0 ] && awk -v x="$largest" 'BEGIN {exit !(x > 0 && x < 0.2)}' &&
        head -c 3000 "$work/$type.safetensors" | grep -q 'output_errors.*vil_prediction_gqa.*largest' &&
        answer "$work/$type.safetensors" | grep -q '1\. ' ;;
    esac
    ok $? "$type: largest error of an answer's logits $largest"
done
# The error of a task is that of the answers that query prints: three logits of each statement, and the
# probability of the one that was the best.
answers_of() { # answers_of CHECKPOINT: statement, label, rank, logit, softmax
    while read -r text; do
        "$VILSCOPE" query -m "$tiny" -c "$1" --no-log --json -t snli-ve "$tiny/scene.png" "$text" 2>/dev/null |
            tr -d '",' | awk -v t="$text" '$1 == "rank:" {rank = $2} $1 == "label:" {label = $2}
                $1 == "logit:" {logit = $2} $1 == "softmax:" {print t, label, rank, logit, $2}'
    done <"$work/statements"
}
printf 'dog\nbench\nred\n' >"$work/statements"
while read -r text; do
    printf '{"task": "snli-ve", "images": ["%s/scene.png"], "text": "%s"}\n' "$tiny" "$text"
done <"$work/statements" >"$work/statements.jsonl"
"$VILSCOPE" convert -m "$tiny" noise -o "$work/asked.safetensors" --type int8 --check-set "$work/statements.jsonl" \
    >"$work/out" 2>&1
answers_of noise >"$work/before"
answers_of "$work/asked.safetensors" >"$work/after"
want=$(awk 'function off(a, b) {return a > b ? a - b : b - a}
    NR == FNR {logit[$1, $2] = $4; chance[$1, $2] = $5; rank[$1, $2] = $3; next}
    {d = off(logit[$1, $2], $4); sum += d; n++; if (d > most) most = d; same += $3 == 1 && rank[$1, $2] == 1}
    rank[$1, $2] == 1 {d = off(chance[$1, $2], $5); all += d; m++; if (d > top) top = d}
    END {if (n == 9 && m == 3 && sum > 0) printf "snli-ve %d of %d %.3g %.2g %.3g %.2g", same, m, most, sum / n, top, all / m}' \
    "$work/before" "$work/after")
got=$(awk '$1 == "snli-ve" {$1 = $1; print; exit}' "$work/out")
[ -n "$want" ] && [ "$got" = "$want" ] &&
    head -c 3000 "$work/asked.safetensors" | grep -q 'snli-ve.*same_answer.*logit.*largest.*mean.*probability.*mean'
ok $? "the error of a task: $got (of the answers: $want)"
# What is kept in fewer bits is the same numbers: answers, what attributes them by gradients, and a head
# of it in another checkpoint are those of the same weights as float32.
numbers() { # numbers CHECKPOINT: what is printed of it
    kept=$1
    set -- --no-log --threads 1 -t gqa --top 9 "$tiny/scene.png" "what color is it"
    "$VILSCOPE" query -m "$tiny" -c "$kept" "$@"
    "$VILSCOPE" query -m "$tiny" -c "$kept" --attribute gradient-input "$@"
    for what in "text 2.1" heads; do
        "$VILSCOPE" query -m "$tiny" -c noise -c "$kept" --change "patch $what from kept.safetensors" "$@"
    done
}
mkdir "$work/wide" "$work/narrow"
for type in bfloat16 int8; do
    cp "$work/$type.safetensors" "$work/narrow/kept.safetensors"
    "$VILSCOPE" convert "$work/narrow/kept.safetensors" -o "$work/wide/kept.safetensors" --force >/dev/null 2>&1
    numbers "$work/wide/kept.safetensors" >"$work/want.wide" 2>&1
    numbers "$work/narrow/kept.safetensors" 2>&1 | cmp -s - "$work/want.wide" &&
        [ "$(grep -c 'softmax.*logit' "$work/want.wide")" -eq 54 ]
    ok $? "$type: answers, gradients and patches are those of float32"
done
[ "$(wc -c <"$work/int8.safetensors")" -lt "$(wc -c <"$work/float16.safetensors")" ]
ok $? "int8 is smaller than float16"
refuses 1 "none of its 1 queries could be asked" "a set that cannot be asked" "$VILSCOPE" convert -m "$tiny" noise \
    -o "$work/unasked.safetensors" --check-set "$work/wrong.jsonl"
for i in 1 2 3 4 5 6 7 8 9 10; do cat "$work/set.jsonl" "$work/statements.jsonl"; done >"$work/ten"
for i in 1 2 3 4 5 6 7 8 9 10; do for k in 1 2 3 4 5 6 7 8 9; do cat "$work/ten"; done; done >"$work/ten.jsonl"
ends 1 INT '[ -s "$work/unasked.safetensors" ]' 'rm -f "$work"/unasked*' "$VILSCOPE" convert -m "$tiny" noise \
    -o "$work/unasked.safetensors" --check-set "$work/ten.jsonl"
[ $status -eq 1 ] && grep -q "stopped: what was not finished is not there" "$work/err" && [ ! -s "$work/out" ]
ok $? "Ctrl-C while it is asked: $status $(tail -n 1 "$work/err")"
[ -z "$(find "$work" -name 'unasked*')" ]
ok $? "neither leaves a file: $(find "$work" -name 'unasked*')"
"$VILSCOPE" inspect "$work/asked.safetensors" >"$work/out"
grep -q "measured: the same best answer to 3 of 3 queries, logits off by 0.0.* (snli-ve)" "$work/out" &&
    grep -q "made_of: 1 checkpoint.bin (sha256 " "$work/out"
ok $? "inspect says what was measured"
refuses 2 "is there already" "what is there" "$VILSCOPE" convert -m "$tiny" noise -o "$work/int8.safetensors"
refuses 2 "--steps is for --interpolate" "steps of nothing" "$VILSCOPE" convert noise --steps 3 -o "$work/x"
refuses 2 "needs two checkpoints" "an average of one" "$VILSCOPE" convert --average noise -o "$work/x"
refuses 1 "is text, not a checkpoint" "a list of labels" "$VILSCOPE" convert "$tiny/gqa.txt" -o "$work/x"
"$VILSCOPE" convert --average "$tiny/checkpoint.bin" "$work/float32.safetensors" -o "$work/mean.safetensors" >"$work/out" 2>&1 &&
    grep -q "was not measured" "$work/out" && answer "$work/mean.safetensors" | cmp -s - "$work/want"
ok $? "the mean of two that are the same: $(tail -n 1 "$work/out")"
"$VILSCOPE" convert --interpolate "$work/float32.safetensors" "$work/bfloat16.safetensors" --steps 3 -o "$work/way" \
    >"$work/out" 2>&1 && answer "$work/way/step-0.safetensors" | cmp -s - "$work/want" &&
    [ "$(find "$work/way" -name 'step-?.safetensors' | wc -l)" -eq 3 ]
ok $? "three on the way: $(tail -n 1 "$work/out")"
mkdir "$work/both"
"$VILSCOPE" convert "$work/float32.safetensors" "$work/mean.safetensors" -o "$work/both" >"$work/out" 2>&1 &&
    grep -q "that all have, stored once" "$work/out" &&
    answer "$work/both/mean.safetensors.index.json" | cmp -s - "$work/want"
ok $? "what both have is stored once: $(head -n 1 "$work/out")"
refuses 1 "name one of its files, for example .*safetensors.index.json" "their folder" "$VILSCOPE" query -m "$tiny" \
    -c "$work/both" --no-log -t gqa "$tiny/scene.png" "what color is it"
mkdir "$work/one" "$work/two"
cp "$work/float32.safetensors" "$work/one/model.safetensors"
cp "$work/bfloat16.safetensors" "$work/two/model.safetensors"
refuses 2 "would both be written to model.safetensors" "two of one name" "$VILSCOPE" convert --force \
    "$work/one/model.safetensors" "$work/two/model.safetensors" -o "$work/named"
cp "$work/float32.safetensors" "$work/one/shared.safetensors"
refuses 2 "is the file of what all have in common" "one that is called as what all have" "$VILSCOPE" convert \
    --force "$work/one/shared.safetensors" "$work/two/model.safetensors" -o "$work/named"
cp "$work/float32.safetensors" "$work/own.safetensors"
refuses 2 "own.safetensors: is what is read" "itself" "$VILSCOPE" convert --force --type int8 \
    "$work/own.safetensors" -o "$work/own.safetensors"
cp -r "$tiny" "$work/tiny"
refuses 2 "is one of the checkpoints that are read" "itself, by its name" "$VILSCOPE" convert --force --type int8 \
    -m "$work/tiny" noise -o "$work/tiny/checkpoint.bin"
refuses 2 "shared.safetensors: is one of the checkpoints that are read, or of their files" "nor a file of them" \
    "$VILSCOPE" convert --force "$work/both/mean.safetensors.index.json" -o "$work/both/shared.safetensors"
cp "$work/own.safetensors" "$work/other.safetensors"
refuses 2 "shared.safetensors: is there already" "what earlier ones have in common" "$VILSCOPE" convert \
    "$work/other.safetensors" "$work/own.safetensors" -o "$work/both"
answer "$work/both/mean.safetensors.index.json" | cmp -s - "$work/want"
ok $? "the earlier ones are as they were"
# Of checkpoints that are the same each has a file that opens, alone and by its index.
for how in "" "--interpolate --steps 3"; do
    rm -rf "$work/alike"
    # shellcheck disable=SC2086 # options
    "$VILSCOPE" convert $how "$work/own.safetensors" "$work/other.safetensors" -o "$work/alike" >"$work/out" 2>"$work/err"
    status=$?
    for f in "$work/alike"/[!s]*s "$work/alike"/s*.index.json "$work/alike"/step-?.safetensors; do
        [ ! -e "$f" ] || { answer "$f" | cmp -s - "$work/want" && echo "$f"; }
    done >"$work/answered"
    [ $status -eq 0 ] && grep -q "all of them have the same weights" "$work/err" && [ "$(wc -l <"$work/answered")" -ge 2 ] &&
        [ "$(wc -l <"$work/answered")" -eq "$(find "$work/alike" -name '*.safetensors' ! -name 'shared*' -o -name 's*.index.json' | wc -l)" ]
    ok $? "checkpoints that are the same$how: $(wc -l <"$work/answered") open"
done
# A whole file has no index of an earlier one beside it, that would say that some of it is elsewhere.
"$VILSCOPE" convert "$work/float32.safetensors" "$work/wide/kept.safetensors" -o "$work/part" >"$work/out" 2>&1 &&
    answer "$work/part/float32.safetensors" | cmp -s - "$work/want" && [ -e "$work/part/float32.safetensors.index.json" ]
ok $? "two that are the same in part: $(head -n 1 "$work/out")"
cp -r "$work/part" "$work/again"
rm "$work/again/float32.safetensors"
refuses 2 "float32.safetensors.index.json: is there already" "the index of an earlier file" "$VILSCOPE" convert \
    "$work/own.safetensors" -o "$work/again/float32.safetensors"
"$VILSCOPE" convert --force "$work/own.safetensors" -o "$work/again/float32.safetensors" >"$work/out" 2>&1 &&
    [ ! -e "$work/again/float32.safetensors.index.json" ] && answer "$work/again/float32.safetensors" | cmp -s - "$work/want"
ok $? "--force takes it away, and the new one opens: $(tail -n 1 "$work/out")"
mkdir "$work/shards"
sed 's/float32.safetensors/float32-00002.safetensors/' "$work/part/float32.safetensors.index.json" \
    >"$work/shards/float32.safetensors.index.json"
cp "$work/part/shared.safetensors" "$work/shards"
cp "$work/part/float32.safetensors" "$work/shards/float32-00002.safetensors"
"$VILSCOPE" convert "$work/shards/float32.safetensors.index.json" -o "$work/shards/float32.safetensors" >"$work/out" 2>&1 &&
    [ -e "$work/shards/float32.safetensors.index.json" ] && answer "$work/shards/float32.safetensors" | cmp -s - "$work/want"
ok $? "an index of other files stays: $(tail -n 1 "$work/out")"
# Without its index a file would open as a smaller model.
mkdir -p "$work/half/own.safetensors.index.json/full"
"$VILSCOPE" convert --force "$work/own.safetensors" "$work/other.safetensors" -o "$work/half" >"$work/out" 2>"$work/err"
[ $? -eq 1 ] && grep -q "own.safetensors.index.json" "$work/err" && [ "$(ls "$work/half")" = own.safetensors.index.json ]
ok $? "an index that cannot be written leaves nothing: $(cat "$work/err")"
"$VILSCOPE" convert "$work/part/kept.safetensors" "$work/part/float32.safetensors" -o "$work/new" >"$work/out" 2>&1 &&
    [ -e "$work/new/kept.safetensors" ] && answer "$work/new/float32.safetensors" | cmp -s - "$work/want"
ok $? "what is opened by its index keeps its name: $(ls "$work/new" | tr '\n' ' ')"

# ---- regions
digests() { # digests FILE...: of all images in it, by their names
    for f; do "$VILSCOPE" inspect --json "$f" 2>/dev/null | grep '"digest"'; done | sort
}
cp "$tiny/scene.npy" "$work/a.b.npy"
cp "$tiny/mirror.npy" "$work/a.c.npy"
digests "$work/a.b.npy" "$work/a.c.npy" >"$work/want"
for format in npy safetensors mmf; do
    "$VILSCOPE" convert-regions -o "$work/as-$format" --format $format "$work/a.b.npy" "$work/a.c.npy" 2>"$work/err"
    status=$?
    end=npy
    [ $format = safetensors ] && end=safetensors
    if [ $format = safetensors ]; then
        "$VILSCOPE" convert-regions --quiet -o "$work/back" "$work/as-safetensors" 2>"$work/err2"
        digests "$work/back/a.b.npy" "$work/back/a.c.npy" >"$work/got"
    else
        digests "$work/as-$format/a.b.$end" "$work/as-$format/a.c.$end" >"$work/got"
    fi
    [ $status -eq 0 ] && [ -s "$work/want" ] && cmp -s "$work/want" "$work/got"
    ok $? "$format: $(cat "$work/err")"
done
for format in tsv obj36; do
    "$VILSCOPE" convert-regions --format $format -o "$work/$format.tsv" "$work/as-mmf" 2>"$work/err"
    status=$?
    gzip -k "$work/$format.tsv"
    for f in "$work/$format.tsv" "$work/$format.tsv.gz"; do
        rm -rf "$work/back"
        "$VILSCOPE" convert-regions --quiet -o "$work/back" "$f"
        digests "$work/back/a.b.npy" "$work/back/a.c.npy" >"$work/got"
        [ $status -eq 0 ] && cmp -s "$work/want" "$work/got"
        ok $? "$(basename "$f"): $(cat "$work/err")"
    done
done
cp "$work/tsv.tsv" "$work/cut.tsv"
truncate -s -100 "$work/cut.tsv"
"$VILSCOPE" convert-regions -o "$work/cut.tsv" "$work/as-npy" 2>"$work/err" && cmp -s "$work/cut.tsv" "$work/tsv.tsv" &&
    grep -q "1 written, 1 there already" "$work/err"
ok $? "a table goes on behind its last whole line: $(cat "$work/err")"
head -n 1 "$work/tsv.tsv" | head -c 300 >"$work/cut.tsv"
"$VILSCOPE" convert-regions -o "$work/cut.tsv" "$work/as-npy" 2>"$work/err" && cmp -s "$work/cut.tsv" "$work/tsv.tsv" &&
    grep -q "2 written, 0 there already" "$work/err"
ok $? "a table that was cut within its first line is begun anew: $(cat "$work/err")"
"$VILSCOPE" convert-regions --quiet --force -o "$work/anew.tsv" "$work/as-npy" &&
    "$VILSCOPE" convert-regions --quiet --force -o "$work/anew.tsv" "$work/as-npy" && cmp -s "$work/anew.tsv" "$work/tsv.tsv"
ok $? "--force begins a table anew, once"
"$VILSCOPE" convert-regions --quiet --format obj36 -o "$work/objects.tsv" "$regions/lxmert_obj36.tsv"
[ "$(cut -f 1-5 "$work/objects.tsv")" = "$(cut -f 1-5 "$regions/lxmert_obj36.tsv")" ]
ok $? "classes and confidences stay: $(cut -f 1-4 "$work/objects.tsv")"
"$VILSCOPE" convert-regions --quiet -o "$work/alone" "$regions/mmf.npy" &&
    "$VILSCOPE" convert-regions --quiet --format safetensors -o "$work/alone" "$work/alone/mmf.npy" &&
    "$VILSCOPE" inspect --json "$work/alone/mmf.safetensors" >"$work/out" && grep -q '"classes"' "$work/out" &&
    "$VILSCOPE" convert-regions --quiet -o "$work/again" "$work/alone/mmf.safetensors" &&
    grep -aq objects "$work/again/mmf.npy"
ok $? "classes without confidences stay, too"
# What is wrong with a file, not what it is none of; and what is read as numbers that nobody wrote.
head -c 300 "$regions/one.pkl" >"$work/part.pkl"
refuses 1 "part.pkl: pickle, .*cut off" "a pickle that was cut off" "$VILSCOPE" convert-regions --quiet -o "$work/parts" "$work/part.pkl"
"$VILSCOPE" convert-regions -o "$work/parts" "$regions/no_images.h5" 2>"$work/err"
[ $? -eq 1 ] && grep -q "no_images.h5: there is no image in it" "$work/err"
ok $? "a file of no image: $(head -n 1 "$work/err")"
printf '{"image_id": "42", "image_w": 9, "image_h": 9, "features": [[0, 0], [1, 2]], "boxes": [[1, 1, 4, 4], [2, 2, 5, 5]]}' \
    >"$work/zeros.json"
"$VILSCOPE" convert-regions --quiet -o "$work/parts" "$work/zeros.json" 2>"$work/err" &&
    grep -q "note: .*zeros.json: image '42': the features of 1 of 2 regions are zeros (region 0)" "$work/err"
ok $? "features of zeros: $(cat "$work/err")"
cp "$regions/mmf.npy" "$work/p.npy"
cp "$regions/mmf_info.npy" "$work/p_info.npy"
"$VILSCOPE" convert-regions -o "$work/pair" "$work/p_info.npy" "$work/p.npy" 2>"$work/err" &&
    grep -q '^1 images: 1 written, 0 there already, 0 failed' "$work/err" && [ "$(ls "$work/pair")" = p.npy ]
ok $? "both files of a pair are one image: $(cat "$work/err")"
cp "$regions/mmf_info.npy" "$work/p_info_info.npy"
"$VILSCOPE" convert-regions -o "$work/chain" "$work/p.npy" "$work/p_info.npy" \
    "$work/p_info_info.npy" 2>"$work/err"
grep -q '^1 images: 1 written, 0 there already, 0 failed' "$work/err"
ok $? "and so where the second is called as the first of another: $(cat "$work/err")"
rm "$work/p_info_info.npy"
"$VILSCOPE" convert-regions --quiet -o "$work/info" "$work/p_info.npy" && [ "$(ls "$work/info")" = p.npy ]
ok $? "one of them is called as the pair is: $(ls "$work/info")"
cat "$work/tsv.tsv" "$work/tsv.tsv" >"$work/twice.tsv"
"$VILSCOPE" convert-regions --quiet -o "$work/twice" "$work/twice.tsv" 2>"$work/err"
grep -q "image 'a.b' is in .*/twice.tsv twice: the first is taken" "$work/err"
ok $? "an image that is in one table twice: $(head -n 1 "$work/err")"
sed 's/^a.b/.b/' "$work/tsv.tsv" >"$work/hidden.tsv"
refuses 1 "image '.b': cannot be the name of a file" "a name that hides a file" "$VILSCOPE" convert-regions --quiet \
    -o "$work/hidden" "$work/hidden.tsv"
printf 'a note without an end' >"$work/note.tsv"
cp "$work/note.tsv" "$work/note"
refuses 2 "is no table of bottom-up-attention's to go on with" "a text is no table" "$VILSCOPE" convert-regions --quiet \
    -o "$work/note.tsv" "$work/as-npy"
cmp -s "$work/note" "$work/note.tsv"
ok $? "and stays as it was"
refuses 2 "is no table of LXMERT's (obj36) to go on with" "another table" "$VILSCOPE" convert-regions --quiet \
    --format obj36 -o "$work/tsv.tsv" "$work/as-npy"
cp "$work/tsv.tsv" "$work/kept.tsv"
refuses 2 "is what is read" "a table onto itself" "$VILSCOPE" convert-regions --quiet --force -o "$work/kept.tsv" \
    "$work/kept.tsv"
refuses 1 "inverted.npy: " "--force without anything to write" "$VILSCOPE" convert-regions --quiet --force \
    -o "$work/kept.tsv" "$regions/inverted.npy"
cmp -s "$work/kept.tsv" "$work/tsv.tsv"
ok $? "both leave the table as it was"
refuses 1 "inverted.npy: " "nothing to write" "$VILSCOPE" convert-regions --quiet -o "$work/none.tsv" \
    "$regions/inverted.npy"
[ ! -e "$work/none.tsv" ]
ok $? "leaves no table"
mkdir "$work/left" "$work/right"
cp "$tiny/scene.npy" "$work/left/1.npy"
cp "$tiny/mirror.npy" "$work/right/1.npy"
refuses 1 "image '1' is in .*left/1.npy and in .*right/1.npy: the first is taken" "two images of one name" \
    "$VILSCOPE" convert-regions --quiet --force -o "$work/twice" "$work/left" "$work/right"
LC_ALL=C sed 's/\x8c\x017/N20/' "$regions/two.pkl" >"$work/nameless.pkl" # a key that is None
refuses 1 "entry 2 has no name" "an image without a name" "$VILSCOPE" convert-regions --quiet -o "$work/nameless" \
    "$work/nameless.pkl"
head -c 60 "$work/tsv.tsv" >"$work/right/2.tsv"
cp "$tiny/mirror.npy" "$work/right/3.npy"
"$VILSCOPE" convert-regions -o "$work/rest" "$work/right" 2>"$work/err"
[ $? -eq 1 ] && grep -q "3 images: 2 written, 0 there already, 1 failed" "$work/err"
ok $? "behind a damaged file the others are written: $(tail -n 1 "$work/err")"
"$VILSCOPE" convert-regions -o "$work/as-npy" "$work/tsv.tsv" 2>"$work/err" && grep -q "0 written, 2 there already" "$work/err"
ok $? "what is there stays: $(cat "$work/err")"
if "$VILSCOPE" convert-regions -o "$work/all.lmdb" "$work/tsv.tsv" 2>"$work/err"; then
    "$VILSCOPE" convert-regions --quiet -o "$work/lmdb" "$work/all.lmdb"
    digests "$work/lmdb/a.b.npy" "$work/lmdb/a.c.npy" | cmp -s - "$work/want"
    ok $? "LMDB: $(cat "$work/err")"
else
    grep -q "$no_lmdb" "$work/err"
    ok $? "no LMDB here: $(cat "$work/err")"
fi
"$VILSCOPE" convert-regions -o "$work/some" "$regions/two.pkl" "$regions/inverted.npy" "$regions/mmf.npy" 2>"$work/err"
[ $? -eq 1 ] && grep -q "inverted.npy: " "$work/err" && grep -q ", 1 failed" "$work/err"
ok $? "a bad one is named, the others are written: $(tail -n 1 "$work/err")"
end
