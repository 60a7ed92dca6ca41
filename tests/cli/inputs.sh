#!/bin/sh
# SPDX-License-Identifier: MIT
# What goes in is what it is taken for: label lists, boxes, keys. Breaks when a number that cannot be
# right is shown without a word.
set -u
tiny=$SRCDIR/tests/data/tiny
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export VILSCOPE_LOG="$work/log.db" XDG_CACHE_HOME="$work/cache"
. "$SRCDIR/tests/cli/lib.sh"
scene=$tiny/scene.png

says() { # says PATTERN WHAT COMMAND...: status 0, and a line on stderr that has PATTERN
    pattern=$1 what=$2
    shift 2
    "$@" >"$work/out" 2>"$work/err" </dev/null && grep -q -- "$pattern" "$work/err"
    ok $? "$what: $(cat "$work/err")"
}
quiet() { # quiet WHAT COMMAND...: status 0, nothing on stderr
    what=$1
    shift
    "$@" >"$work/out" 2>"$work/err" </dev/null && [ ! -s "$work/err" ]
    ok $? "$what: $(cat "$work/err")"
}

# ---- label lists
q() { # q TASK TEXT [OPTION...]
    task=$1 text=$2
    shift 2
    "$VILSCOPE" query -m "$tiny" -t "$task" --no-log "$@" "$scene" "$text"
}
head -n 1500 "$tiny/gqa.txt" >"$work/short.txt"
seq 3129 >"$work/vqa.txt"
says "short.txt has 1500 names, the checkpoint's head has 1533" "a list of another length" \
    q gqa "what color" --gqa-labels "$work/short.txt"
[ "$(grep -c '^ *[0-9]*\. #[0-9]* ' "$work/out")" -eq 5 ] && [ "$(wc -l <"$work/out")" -eq 5 ]
ok $? "no answer has a name then"
q gqa "what color" --gqa-labels "$work/short.txt" --json 2>"$work/err" >"$work/json"
grep -q '"notice": ".*1500 names' "$work/json" && [ ! -s "$work/err" ]
ok $? "JSON has the note"
q gqa "what color" --json | grep -q '"notice": null'
ok $? "and none with the right list"
says "interchanged" "two lists in each other's place" \
    q gqa "what color" --gqa-labels "$work/vqa.txt" --labels "$tiny/gqa.txt"
says "no label list for VQA" "no list" q vqa "what color"
quiet "a list that fits" q vqa "what color" --labels "$work/vqa.txt"
cp -r "$tiny" "$work/model"
cp "$work/short.txt" "$work/model/gqa.txt"
cp "$scene" "$tiny/scene.npy" "$work"
printf '{"task": "gqa", "images": ["scene.png"], "text": "what color", "answer": "red"}\n' \
    >"$work/gqa.jsonl"
refuses 1 "gqa: no answer can be right: .*1500 names" "eval with the wrong list" \
    "$VILSCOPE" eval -m "$work/model" --data "$work/gqa.jsonl" --no-log
"$VILSCOPE" eval -m "$tiny" --data "$work/gqa.jsonl" --no-log >"$work/out" 2>&1
ok $? "eval with the right one: $(tail -n 1 "$work/out")"
sed 's/"gqa"/"vqa"/' "$work/gqa.jsonl" >"$work/vqa.jsonl"
sed 's/"gqa"/"genomeqa"/' "$work/gqa.jsonl" >"$work/genome.jsonl"
for set in vqa genome; do
    refuses 1 'no answer can be right: there is no label list for .*("labels" in model.json names one)$' "eval of $set without a list" \
        "$VILSCOPE" eval -m "$tiny" --data "$work/$set.jsonl" --no-log
done
refuses 1 "gqa: no answer can be right: .*1500 names" "compare judges nothing by the wrong list" \
    "$VILSCOPE" compare -m "$work/model" --check-set "$work/gqa.jsonl" --no-log
printf '{"task": "refcoco", "images": ["scene.png"], "text": "red", "box": [0, 0, 9, 9]}\n' \
    >>"$work/gqa.jsonl"
"$VILSCOPE" compare -m "$work/model" --check-set "$work/gqa.jsonl" --no-log --json >"$work/out" 2>&1
grep -q '"error": "gqa: no answer can be right' "$work/out" && grep -q '"judged": 1' "$work/out"
ok $? "and goes on with what can be judged"

# A pickle of protocol 0 has tabs and Latin-1 bytes as they are.
printf '(lp0\nVa\tb\tc\td\te\tf\np1\naVcaf\351\np2\na.' >"$work/tabs.pkl"
"$VILSCOPE" inspect "$work/tabs.pkl" >"$work/out" 2>&1
grep -q 'kind: .*label' "$work/out" && grep -q 'count: 2' "$work/out"
ok $? "such a list is no TSV: $(head -n 2 "$work/out" | tail -n 1)"
refuses 1 "is a pickle, not region features: those are read from LMDB, .npy" "nor regions" \
    "$VILSCOPE" query -m "$tiny" -t refcoco --no-log --regions "$work/tabs.pkl" "a"
printf '(left) a note\n' >"$work/paren.txt" # begins as a pickle may
refuses 1 "paren.txt: is a[a-z ]*, not region features: those are read from LMDB, .npy" "a text" \
    "$VILSCOPE" query -m "$tiny" -t refcoco --no-log --regions "$work/paren.txt" "a"
printf '\200\002}q' >"$work/cut.pkl"
refuses 1 "cut off: .*: damaged or not completely copied" "a pickle that is cut off" \
    "$VILSCOPE" query -m "$tiny" -t refcoco --no-log --regions "$work/cut.pkl" "a"
printf 'PK\003\004\024\000\000\000\000\000\000\000\041\000\000\000\000\000\000\000\000\000\000\000\000\000\001\000\000\000a' >"$work/local"
printf 'PK\001\002\024\000\024\000\000\000\000\000\000\000\041\000\000\000\000\000\000\000\000\000\000\000\000\000\001\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000a' >"$work/central"
printf 'PK\005\006\000\000\000\000\001\000\001\000\057\000\000\000\037\000\000\000\000\000' >"$work/end"
cat "$work/local" "$work/central" "$work/end" >"$work/plain.zip" # of one empty file
refuses 1 "plain.zip: is a zip archive, not region features: those are read from" "an archive" \
    "$VILSCOPE" query -m "$tiny" -t refcoco --no-log --regions "$work/plain.zip" "a"

# ---- region classes
head -n 2 "$tiny/classes.txt" >"$work/classes.txt"
says "classes up to [23], but .*classes.txt has 2 names" "names of another detector's classes" \
    q refcoco "the red square" --classes "$work/classes.txt"
grep -q 'class [0-9]' "$work/out" && ! grep -q "$(head -n 1 "$work/classes.txt")" "$work/out"
ok $? "no region has a name then"

# ---- keys: one an image
mkdir "$work/in" "$work/other"
cp "$scene" "$work/in/42.png"
cp "$tiny/mirror.png" "$work/in/7.png"
"$VILSCOPE" extract -d "$tiny/detector.pth" --detector-arch "$tiny/detector.json" -o "$work/x.lmdb" \
    "$work/in" >"$work/out" 2>&1
ok $? "regions under the keys 42 and 7"
cp "$scene" "$work/other/COCO_val2014_000000000042.png"
cp "$tiny/mirror.png" "$work/other/COCO_val2014_000000000007.png"
cp "$scene" "$work/other/none.png"
pair() { # pair OPTION...: NLVR2 over those entries
    "$VILSCOPE" query -m "$tiny" -t nlvr2 --no-log --regions "$work/x.lmdb" --json "$@" "two"
}
digests() { # of the regions in a result
    grep -A2 '"path": "[^"]*x.lmdb"' "$1" | grep -o '[0-9a-f]\{64\}'
}
pair "$work/in/42.png" "$work/in/7.png" >"$work/by-name" 2>&1
ok $? "keys are the images' names"
[ "$(digests "$work/by-name" | sort -u | wc -l)" -eq 2 ] && ! grep -q "have the same" "$work/by-name"
ok $? "which gives two sets of regions"
pair "$work/other/COCO_val2014_000000000042.png" "$work/other/COCO_val2014_000000000007.png" \
    >"$work/by-number" 2>&1
digests "$work/by-number" >"$work/a"
digests "$work/by-name" >"$work/b"
cmp -s "$work/a" "$work/b" && grep -q '"key": "42"' "$work/by-number"
ok $? "or the numbers that they end with"
! grep -q 'is not a key there' "$work/by-number"
ok $? "which identify a picture when they are as long as COCO's"
cp "$scene" "$work/other/photo-42.png"
"$VILSCOPE" query -m "$tiny" -t refcoco --no-log --regions "$work/x.lmdb" --json "$work/other/photo-42.png" "a" \
    >"$work/json" 2>&1
grep -q "\"notice\": \".*x.lmdb: the entry with the number at the end of its name, '42', is taken for .*photo-42.png" \
    "$work/json"
ok $? "a short one may count the pictures of a folder: there is a note"
pair --key 42 --key 7 >"$work/json" 2>&1
digests "$work/json" >"$work/a"
cmp -s "$work/a" "$work/b"
ok $? "or given one by one, without pictures"
pair --key 7 --key 42 >"$work/json" 2>&1
digests "$work/json" | tail -n 1 | grep -q "$(head -n 1 "$work/b")"
ok $? "in their order"
refuses 2 "2 images but 1 --key: give one for each image" "one key, two images" \
    pair --key 42 "$work/in/42.png" "$work/in/7.png"
refuses 2 "1 image but 2 --key" "two keys, one image" "$VILSCOPE" query -m "$tiny" -t refcoco --no-log \
    --regions "$work/x.lmdb" --key 42 --key 7 "$work/in/42.png" "a"
refuses 2 "2 images but 1 --key" "the same for compare" "$VILSCOPE" compare -m "$tiny" -t nlvr2 \
    --no-log --regions "$work/x.lmdb" --key 42 "$work/in/42.png" "$work/in/7.png" "two"
"$VILSCOPE" compare -m "$tiny" -t nlvr2 --no-log --json --regions "$work/x.lmdb" --key 42 --key 7 \
    "$work/in/42.png" "$work/in/7.png" "two" >"$work/out" 2>&1
grep -q '"softmax"' "$work/out"
ok $? "compare with a key an image"
printf 'task: nlvr2\nimage: in/42.png\nregions: x.lmdb\nkey: 42\nimage: in/7.png\nregions: x.lmdb\n%s\n' \
    'key: 7' >"$work/keys.probes"
echo "text: two" >>"$work/keys.probes"
"$VILSCOPE" compare -m "$tiny" --no-log --json --check-set "$work/keys.probes" >"$work/a" 2>&1
[ "$(grep '"softmax"' "$work/a")" = "$(grep '"softmax"' "$work/out")" ]
ok $? "probes have keys"
pair --key 42 --key 42 >"$work/json" 2>&1
grep -q '"notice": ".*images 1 and 2 have the same regions: are different ones meant' "$work/json"
ok $? "two equal inputs are noticed"
says "images 1 and 3 have the same pixels and regions, as have 1 other pairs" "in retrieval, too" \
    "$VILSCOPE" query -m "$tiny" -t coco --no-log --regions "$work/x.lmdb" "$work/in/42.png" \
    "$work/in/7.png" "$work/in/42.png" "$work/in/7.png" "two"
refuses 1 "no image 'none' in it" "no such key" "$VILSCOPE" query -m "$tiny" -t refcoco --no-log \
    --regions "$work/x.lmdb" "$work/other/none.png" "a"
rm "$work/in/7.png"
"$VILSCOPE" extract -d "$tiny/detector.pth" --detector-arch "$tiny/detector.json" -o "$work/one.lmdb" \
    "$work/in" >"$work/out" 2>&1
says "its only entry, '42', is taken for .*none.png" "a file's only entry" "$VILSCOPE" query -m "$tiny" \
    -t refcoco --no-log --regions "$work/one.lmdb" "$work/other/none.png" "a"

# ---- what is no list of labels, though it has no zero byte
printf '%%PDF-1.4\n1 0 obj\nendobj\n' >"$work/answers.txt"
refuses 1 "is a PDF document, not a list of labels" "a document" "$VILSCOPE" inspect "$work/answers.txt"
printf 'yes\nno\nBMW\n' >"$work/answers.txt"
"$VILSCOPE" inspect "$work/answers.txt" >"$work/out" 2>"$work/err" && grep -q 'kind: labels' "$work/out"
ok $? "labels: $(cat "$work/err")"

# ---- boxes that cannot be, with the picture and without
regions=$SRCDIR/tests/data/regions
for with in "$scene" ""; do
    b() { # b REGIONS
        "$VILSCOPE" query -m "$tiny" -t refcoco --no-log --regions "$1" $with "the red square"
    }
    refuses 1 "normalised.npy: box 0" "shares, inverted" b "$regions/normalised.npy"
    refuses 1 "box 0, 500 400 900 800, is not inside the image of 96x64" "outside of it" \
        b "$regions/outside.npy"
    refuses 1 "box 0 is 30 30 10 10: x1 y1 x2 y2 are expected" "x2 < x1" b "$regions/inverted.npy"
    refuses 1 "interchanged" "width and height in each other's place" \
        b "$regions/bua_wh_swapped.tsv"
done
# ---- what a detector finds in what it adds at the right is written so, as in published features, and read
odd_picture "$work/odd.ppm"
for how in "" "--regions $work/found/odd.npy"; do
    # shellcheck disable=SC2086 # an option and its value
    XDG_CACHE_HOME=$work/found.cache "$VILSCOPE" query -m "$frozen" -t refcoco --top 20 --no-log $how "$work/odd.ppm" "the red square" \
        >"$work/found.text" 2>"$work/err" && cp "$work/found.text" "$work/found.${how:+file}"
    [ -n "$how" ] || "$VILSCOPE" extract -m "$frozen" -o "$work/found" "$work/odd.ppm" >"$work/out" 2>&1
done
grep -q '[[:space:]]25[0-9]\.' "$work/found." && [ -s "$work/found.file" ] && cmp -s "$work/found." "$work/found.file"
ok $? "extracted regions are those that are found, with boxes that reach out of the image: $(head -n 1 "$work/found.file")"
# A detector that makes images smaller adds more: what is found is found again, in the cache and in every file.
cp -r "$frozen" "$work/small"
chmod -R u+w "$work/small"
sed 's/"min_side": [0-9]*/"min_side": 48/; s/"max_side": [0-9]*/"max_side": 64/' "$frozen/detector.json" >"$work/small/detector.json"
for what in new npy safetensors lmdb cached; do
    case $what in
    npy | safetensors) "$VILSCOPE" extract -m "$work/small" --format $what -o "$work/far" "$work/odd.ppm" >"$work/out" 2>&1
        how="--regions $work/far/odd.$what" ;;
    lmdb) "$VILSCOPE" convert-regions --quiet -o "$work/far.lmdb" "$work/far/odd.npy" || continue
        how="--regions $work/far.lmdb" ;;
    *) how= ;;
    esac
    # shellcheck disable=SC2086 # an option and its value
    XDG_CACHE_HOME=$work/far.cache "$VILSCOPE" query -m "$work/small" -t refcoco --top 20 --no-log $how "$work/odd.ppm" \
        "the red square" >"$work/far-$what" 2>"$work/err"
    [ "$what" = new ] && cp "$work/err" "$work/new.err" &&
        chmod a-w "$work/far.cache/vilscope/regions" && before=$(stat -c %i "$work/far.cache/vilscope/regions"/*)
    grep -q '[[:space:]]28[0-9]\.' "$work/far-$what" && cmp -s "$work/far-new" "$work/far-$what" &&
        { [ "$what" != cached ] || cmp -s "$work/err" "$work/new.err"; }
    ok $? "of a detector that makes images small, $what: $(head -n 1 "$work/far-$what") $(tail -n 1 "$work/err")"
done
[ "$before" = "$(stat -c %i "$work/far.cache/vilscope/regions"/*)" ]
ok $? "the cached ones are taken, not found again"
chmod u+w "$work/far.cache/vilscope/regions"
refuses 1 "'odd': its boxes reach [0-9]* pixels out of the image, for which a table has no place" "a table of them" \
    "$VILSCOPE" convert-regions --quiet -o "$work/far.tsv" "$work/far/odd.npy"
[ ! -e "$work/far.tsv" ]
ok $? "leaves no table"
# ---- the same regions as other programs write them
for file in mmf.npy mmf_info.npy lxmert_obj36.tsv vilbert_beta.lmdb bua.npz padded.npz one.pkl; do
    "$VILSCOPE" query -m "$tiny" -t gqa --no-log --regions "$regions/$file" "what color" \
        2>"$work/err" >"$work/$file"
    [ -s "$work/$file" ] && cmp -s "$work/$file" "$work/mmf.npy"
    ok $? "an answer with $file: $(head -n 1 "$work/$file") $(cat "$work/err")"
done
# A key twice in a table, a key of a file that has none.
{ cat "$regions/lxmert_obj36.tsv"; echo; sed 's/^COCO[^\t]*/other/' "$regions/lxmert_obj36.tsv"; echo
    cat "$regions/lxmert_obj36.tsv"; } >"$work/twice.tsv"
keyed() { # keyed KEY FILE
    "$VILSCOPE" query -m "$tiny" -t gqa --no-log --regions "$2" --key "$1" "what color"
}
says "twice.tsv: 'COCO_val2014_000000000042' is in it twice, in lines 1 and [0-9]*: the first is taken" \
    "a key twice" keyed COCO_val2014_000000000042 "$work/twice.tsv"
keyed other "$work/twice.tsv" >"$work/out" 2>"$work/err" && ! grep -q 'in it twice' "$work/err"
ok $? "a key once"
for file in mmf.npy bua.npz; do
    refuses 2 "$file: holds the regions of one image, so it has no entry '42': leave out --key" \
        "a key of $file" keyed 42 "$regions/$file"
    keyed "" "$regions/$file" >"$work/out" 2>"$work/err" && cmp -s "$work/out" "$work/mmf.npy"
    ok $? "an empty key of $file: $(cat "$work/err")"
done
"$VILSCOPE" inspect "$regions/mmf.npy" >"$work/out" 2>&1
grep -q "region_count: 7" "$work/out"
ok $? "inspect knows a pair"
"$VILSCOPE" inspect "$regions/bua.npz" >"$work/out" 2>&1
grep -q "format: npz" "$work/out" && grep -q "region_count: 7" "$work/out"
ok $? "inspect knows .npz"
"$VILSCOPE" inspect --key 7 "$regions/two.pkl" >"$work/out" 2>&1
grep -q "format: pickle" "$work/out" && grep -q "region_count: 1" "$work/out"
ok $? "inspect knows a pickle of regions"
cp "$regions/mmf.npy" "$work/alone.npy"
refuses 1 "alone.npy: features without boxes: .*alone_info.npy, which is not there" "half of a pair" \
    b "$work/alone.npy"
refuses 1 "not inside" "candidates outside" "$VILSCOPE" query -m "$tiny" -t visual7w --no-log \
    --regions "$tiny/scene.npy" --candidates "$regions/outside.npy" "$scene" "a"
printf '0.1 0.1 0.5 0.5\n0 0.5 1 1\n' >"$work/shares.txt"
says "boxes given: its boxes are shares of the image, 0 to 1" "boxes of the user as shares" \
    q refcoco "red" --boxes "$work/shares.txt"
grep -q '\[ *0.0 *32.0 *96.0 *64.0\]' "$work/out"
ok $? "are pixels then"
q refcoco "red" --boxes "$work/shares.txt" --json | grep -q '"notice": ".*shares of the image'
ok $? "JSON says so"
echo '10 10 200 20' >"$work/far.txt"
refuses 1 "boxes given: box 0, 10 10 200 20, is not inside" "boxes of the user outside" \
    q refcoco "red" --boxes "$work/far.txt"
echo '10 10 10 20' >"$work/thin.txt"
says "1 of 1 boxes have no area" "a box of the user without area" \
    q refcoco "red" --boxes "$work/thin.txt"
refuses 1 "not inside" "the same for detect" "$VILSCOPE" detect -d "$tiny/detector.pth" \
    --detector-arch "$tiny/detector.json" --boxes "$work/far.txt" -o "$work/x.npy" "$scene"
mkdir "$work/boxes" "$work/pictures"
cp "$scene" "$work/pictures"
cp "$work/far.txt" "$work/boxes/scene.txt"
"$VILSCOPE" extract -d "$tiny/detector.pth" --detector-arch "$tiny/detector.json" --boxes \
    "$work/boxes" -o "$work/features" "$work/pictures" >"$work/out" 2>&1
[ $? -eq 1 ] && grep -q "is not inside" "$work/out" && [ ! -e "$work/features/scene.npy" ]
ok $? "and for extract: $(grep "not inside" "$work/out" | head -n 1)"
set_of() { # set_of BOX: a set with one reference
    printf '{"task": "refcoco", "images": ["scene.png"], "text": "red", "box": %s}\n' "$1" \
        >"$work/refs.jsonl"
}
for box in '[10, 10, 200, 20]' '[0.1, 0.1, 0.5, 0.5]'; do
    set_of "$box"
    refuses 1 "refs.jsonl: line 1: .*\(not inside\|shares of the image\)" "a set's box $box" \
        "$VILSCOPE" eval -m "$tiny" --data "$work/refs.jsonl" --no-log
done
printf '{"task": "visual7w", "images": ["scene.png"], "text": "a", "candidates": [[1, 2, 3, 4], %s], "answer": 0}\n' \
    '[5, 5, 20, 900]' >"$work/refs.jsonl"
refuses 1 "line 1: candidates: box 1, 5 5 20 900, is not inside" "a set's candidate" \
    "$VILSCOPE" eval -m "$tiny" --data "$work/refs.jsonl" --no-log
refuses 1 "candidates: box 1, 5 5 20 900, is not inside" "a probe's candidate" \
    "$VILSCOPE" compare -m "$tiny" --check-set "$work/refs.jsonl" --no-log

# ---- a model as transformers saves it: files of fixed names, weights behind an index
mkdir "$work/saved"
cp "$tiny/config.json" "$tiny/vocab.txt" "$tiny/checkpoint.bin" "$work/saved"
index=$work/saved/pytorch_model.bin.index.json
{
    echo '{"metadata": {}, "weight_map": {'
    "$VILSCOPE" inspect --json "$tiny/checkpoint.bin" |
        sed -n 's/.*"name": \("[^"]*"\).*/\1: "checkpoint.bin"/p' | paste -sd, -
    echo '}}'
} >"$index"
logits() { # logits OPTION...
    "$VILSCOPE" query "$@" -t gqa --no-log --regions "$tiny/scene.npy" "what color" 2>"$work/err" |
        sed 's/.*softmax//'
}
logits -m "$tiny" >"$work/want"
for model in "-m $work/saved" "-m $tiny -c $index"; do
    logits $model >"$work/out"
    [ -s "$work/out" ] && cmp -s "$work/out" "$work/want"
    ok $? "an index of shards, $(echo "$model" | sed "s|$work/||g"): $(cat "$work/err")"
done
"$VILSCOPE" inspect "$work/saved" >"$work/out" 2>&1 && grep -q "format: index of shards" "$work/out"
ok $? "inspect knows the folder"
rm "$work/saved/checkpoint.bin"
refuses 1 "names the shard checkpoint.bin, which is not there" "without its shard" \
    "$VILSCOPE" query -m "$work/saved" -t gqa --no-log --regions "$tiny/scene.npy" "what color"

# ---- text that begins with a byte order mark: it is no part of the first word
marked=$work/marked
cp -r "$tiny" "$marked"
chmod -R u+w "$marked"
for file in model.json config.json vocab.txt gqa.txt classes.txt; do
    { printf '\357\273\277' && cat "$tiny/$file"; } >"$marked/$file"
done
q gqa "what color" --top 9 >"$work/want" 2>&1
"$VILSCOPE" query -m "$marked" -t gqa --no-log --top 9 "$scene" "what color" 2>&1 | cmp -s - "$work/want" &&
    [ -s "$work/want" ]
ok $? "a model directory whose files begin with byte order marks answers alike"
for file in gqa.txt vocab.txt; do
    "$VILSCOPE" inspect "$tiny/$file" | sed '/^[^ ]/d; /bytes:/d; /digest/d; /sha256/d' >"$work/want"
    "$VILSCOPE" inspect "$marked/$file" | sed '/^[^ ]/d; /bytes:/d; /digest/d; /sha256/d' | cmp -s - "$work/want" &&
        [ -s "$work/want" ]
    ok $? "nor is it a part of the first name of $file: $(grep ' 0' "$work/want" | head -n 1)"
done

mkdir "$work/parts"
: >"$work/parts/.metadata"
refuses 1 "is a checkpoint in parts, of torch.distributed (FSDP), .* dcp_to_torch" "a folder of FSDP's" \
    "$VILSCOPE" query -m "$tiny" -c "$work/parts" -t gqa --no-log "$scene" "what color"

# ---- features of another width than the model's: both numbers are named, and nothing is computed
wide=$work/wide # as extract makes them with the detector of another model: 96 numbers, not 20
mkdir "$wide"
cp "$scene" "$wide"
"$VILSCOPE" extract --quiet -m "$SRCDIR/tests/data/frozen" -o "$wide" "$wide/scene.png" 2>"$work/err"
printf '{"task": "gqa", "images": ["scene.png"], "text": "what color", "answer": "red"}\n' >"$wide/data.jsonl"
printf 'open %s/scene.png\nask what color\n' "$wide" >"$work/open.vs"
printf 'image 1\n' >"$work/first.vs"
narrower() { # narrower WHAT COMMAND...
    what=$1
    shift
    "$@" >"$work/out" 2>"$work/err" </dev/null
    [ $? -ne 0 ] && grep -q "features of 96 numbers, but the model tiny expects 20" "$work/err" &&
        [ ! -s "$work/out" ]
    ok $? "$what: $(cat "$work/err" "$work/out")"
}
for command in "query --no-log -t gqa" "compare -t gqa"; do
    narrower "$command: a file" "$VILSCOPE" $command -m "$tiny" --regions "$wide/scene.npy" "$scene" "what color"
    narrower "$command: beside the image" "$VILSCOPE" $command -m "$tiny" "$wide/scene.png" "what color"
done
narrower "compare: a check set" "$VILSCOPE" compare -m "$tiny" --check-set "$wide/data.jsonl"
narrower "explain: a set" "$VILSCOPE" explain -m "$tiny" --data "$wide/data.jsonl"
narrower "eval: a set" "$VILSCOPE" eval --no-log -m "$tiny" --data "$wide/data.jsonl"
narrower "eval: a folder" "$VILSCOPE" eval --no-log -m "$tiny" --data "$wide/data.jsonl" --regions "$wide"
narrower "the workbench: o" "$VILSCOPE" --no-log -m "$tiny" -S "$work/open.vs" --screen 100x20
narrower "the workbench: its first image" "$VILSCOPE" --no-log -m "$tiny" -S "$work/first.vs" --screen 100x20 \
    "$wide/scene.png"
end
