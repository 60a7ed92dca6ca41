#!/bin/sh
# SPDX-License-Identifier: MIT
# From a picture to regions as a user runs it: a query on an image without regions, the cache, given
# boxes, pictures of every kind, and the extraction of many images, killed and continued.
set -u
tiny=$SRCDIR/tests/data/tiny
pictures=$SRCDIR/tests/data/pictures
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export VILSCOPE_LOG="$work/log.db" XDG_CACHE_HOME="$work/cache"
. "$SRCDIR/tests/cli/lib.sh"
weights="-d $tiny/detector.pth --detector-arch $tiny/detector.json"

query() { # query TASK IMAGE [OPTION...]
    task=$1 image=$2
    shift 2
    "$VILSCOPE" query -m "$tiny" -t "$task" "$@" "$image" "the red square"
}

# ---- a query on an image without regions
cp "$tiny/scene.png" "$work/alone.png"
query refcoco "$work/alone.png" --top 100 >"$work/first" 2>"$work/err"
[ $? -eq 0 ] && [ "$(wc -l <"$work/first")" -eq 11 ]
ok $? "the detector finds ten regions: $(head -n 1 "$work/first")"
"$VILSCOPE" cache | grep -q ": 1 images"
ok $? "they are kept: $("$VILSCOPE" cache)"
query refcoco "$work/alone.png" --top 100 >"$work/second"
cmp -s "$work/first" "$work/second"
ok $? "and are the same when asked again"
"$VILSCOPE" cache --json | grep -q '"images": 1'
ok $? "cache --json"
"$VILSCOPE" cache clear | grep -q "of 1 images" && "$VILSCOPE" cache | grep -q ": 0 images"
ok $? "cache clear"
VILSCOPE_CACHE_MB=0 query refcoco "$work/alone.png" >/dev/null &&
    "$VILSCOPE" cache | grep -q ": 0 images"
ok $? "a cache of no size keeps nothing"
for i in 1 2 3; do
    query vqa "$pictures/scene.jpg" >/dev/null 2>&1 && query vqa "$work/alone.png" >/dev/null 2>&1
    find "$XDG_CACHE_HOME/vilscope/regions" -type f | while read -r f; do echo x >"$f"; done
done
query refcoco "$work/alone.png" --top 100 >"$work/second" && cmp -s "$work/first" "$work/second"
ok $? "a damaged cache is passed over"
query nlvr2 "$work/alone.png" "$pictures/scene.jpg" >"$work/out" 2>&1
ok $? "two images without regions"

# ---- boxes of the user
printf '# x1 y1 x2 y2\n1 2 30 40\n50,10,90,60\n' >"$work/boxes.txt"
echo '[[1, 2, 30, 40], [50, 10, 90, 60]]' >"$work/boxes.json"
query refcoco "$work/alone.png" --boxes "$work/boxes.txt" --top 9 >"$work/a"
[ $? -eq 0 ] && [ "$(wc -l <"$work/a")" -eq 3 ] && grep -q '50.0 *10.0 *90.0 *60.0' "$work/a"
ok $? "the regions are the given boxes and the whole image"
query refcoco "$work/alone.png" --boxes "$work/boxes.json" --top 9 >"$work/b"
cmp -s "$work/a" "$work/b"
ok $? "boxes as JSON are the same"
query visual7w "$work/alone.png" --boxes "$work/boxes.txt" >"$work/a"
[ "$(wc -l <"$work/a")" -eq 2 ] && grep -q 'candidate 1' "$work/a"
ok $? "Visual7W chooses from them: $(head -n 1 "$work/a")"
echo '5 5 1 1' >"$work/bad.txt"
refuses 1 "x1 <= x2" "a box that is upside down" query refcoco "$work/alone.png" \
    --boxes "$work/bad.txt"
echo '5 5 1' >"$work/bad.txt"
refuses 1 "line 1: expected four numbers" "three numbers" query refcoco "$work/alone.png" \
    --boxes "$work/bad.txt"
: >"$work/bad.txt"
refuses 1 "no box" "no box at all" query refcoco "$work/alone.png" --boxes "$work/bad.txt"

# ---- pictures of every kind
for f in 1x1.png 1x4000.png 16bit.png alpha.png cmyk.jpg gray.png palette.png scene.jpg; do
    query vqa "$pictures/$f" >"$work/out" 2>&1
    ok $? "$f: $(tail -n 1 "$work/out" | head -c 60)"
done
refuses 1 "scale it down" "20000x20000.png" query vqa "$pictures/20000x20000.png"
refuses 1 "image is damaged" "truncated.jpg" query vqa "$pictures/truncated.jpg"
query refcoco "$pictures/turned.jpg" --json | grep -q '"width": 96'
ok $? "EXIF orientation is passed over, as in the reference"
query refcoco "$pictures/turned.jpg" --json --upright | grep -q '"width": 64'
ok $? "--upright follows it"

# ---- weights and names that do not fit
refuses 1 "not the weights of a region detector" "weights of something else" \
    query vqa "$work/alone.png" --detector "$tiny/checkpoint.bin"
sed 's/"mlp_dim": 20/"mlp_dim": 24/' "$tiny/detector.json" >"$work/arch.json"
refuses 1 "24 numbers, the model tiny expects 20" "features of another size" \
    query vqa "$work/alone.png" --detector-arch "$work/arch.json"
sed 's/"fpn_out": 8/"fpn_out": 16/' "$tiny/detector.json" >"$work/arch.json"
refuses 1 "another shape" "another width" query vqa "$work/alone.png" \
    --detector-arch "$work/arch.json"
for bad in '"anchor_sizes": "x"' '"aspect_ratios": []' '"pooler_scales": [1, 1, 1, 1]' \
    '"background": 1' '"stride_in_1x1": "yes"' '"pooler_sampling_ratio": 4'; do
    echo "{$bad}" >"$work/arch.json"
    refuses 1 "arch.json: $(echo "$bad" | sed 's/: .*//')" "a description with $bad" \
        "$VILSCOPE" detect -d "$tiny/detector.pth" --detector-arch "$work/arch.json" "$work/alone.png"
done
echo '{"blocks": [1, 2' >"$work/arch.json"
refuses 1 "arch.json: .*line" "a description that is no JSON" query vqa "$work/alone.png" \
    --detector-arch "$work/arch.json"
printf 'one\ntwo\n' >"$work/names.txt"
refuses 1 "2 class names, but the detector knows 4" "too few class names" \
    query vqa "$work/alone.png" --classes "$work/names.txt"
cp "$tiny/detector.pth" "$work/nan.pth"
printf '\377\377\377\177' | dd of="$work/nan.pth" bs=1 seek=52000 conv=notrunc 2>/dev/null
refuses 1 "numbers that are not finite" "weights with a NaN" query vqa "$work/alone.png" \
    --detector "$work/nan.pth"
"$VILSCOPE" detect -d "$tiny/detector.pth" --detector-arch "$tiny/detector.json" --classes \
    "$tiny/classes.txt" --dump "$work/dump.safetensors" "$work/alone.png" >"$work/out"
[ $? -eq 0 ] && [ "$(wc -l <"$work/out")" -eq 10 ] &&
    "$VILSCOPE" inspect --tensors "$work/dump.safetensors" | grep -q 'box_deltas *float32 \[[0-9]*,20\]'
ok $? "detect lists the regions and writes every tensor"
refuses 1 "cannot be written" "a dump that cannot be written" "$VILSCOPE" detect \
    -d "$tiny/detector.pth" --detector-arch "$tiny/detector.json" --dump "$work/no/x" "$work/alone.png"

"$VILSCOPE" inspect "$tiny/detector.pth" >"$work/out" && grep -qx "  features: 20" "$work/out" &&
    grep -qx "  classes: 4 and the background" "$work/out"
ok $? "inspect tells how wide a detector's features are, and its classes"

# ---- extraction
mkdir "$work/in"
for i in 1 2 3 4 5 6 7 8 9 10; do
    for f in scene.jpg gray.png cmyk.jpg alpha.png palette.png; do
        cp "$pictures/$f" "$work/in/${f%.*}-$i.${f#*.}"
    done
done
extract() {
    "$VILSCOPE" extract $weights --quiet "$@" 2>"$work/err"
}
extract -o "$work/whole" "$work/in" && [ "$(find "$work/whole" -name '*.npy' | wc -l)" -eq 50 ]
ok $? "50 images: $(cat "$work/err")"
"$VILSCOPE" query -m "$tiny" -t refcoco --regions "$work/whole/gray-3.npy" --no-log a >"$work/a" \
    2>/dev/null && query refcoco "$pictures/gray.png" --no-log >/dev/null
ok $? "a query reads them"
killed=0 there=
for more in 0 9 20 31 42; do # than so many files are there when it is killed
    ends 137 KILL 'within $more 50 files "$work/parts"' \
        'within -1 50 files "$work/parts" || rm -rf "$work/parts"' \
        "$VILSCOPE" extract $weights --quiet -o "$work/parts" --jobs 2 "$work/in" && killed=$((killed + 1))
    there="$there $(files "$work/parts")"
done
# shellcheck disable=SC2086 # they are several words
[ $killed -eq 5 ] && printf '%s\n' 0 $there | sort -cnu && extract -o "$work/parts" --jobs 2 "$work/in" && diff -r "$work/whole" "$work/parts" >/dev/null
ok $? "killed $killed times, after$there files, and continued: the same files"
extract -o "$work/batch" --batch 7 "$work/in" && diff -r "$work/whole" "$work/batch" >/dev/null
ok $? "seven at a time, where their sizes are equal: the same files"
extract -o "$work/three" --shard 2/3 "$work/in" && extract -o "$work/three" --shard 1/3 "$work/in" &&
    [ "$(find "$work/three" -name '*.npy' | wc -l)" -eq 34 ] &&
    extract -o "$work/three" --shard 3/3 "$work/in" && diff -r "$work/whole" "$work/three" >/dev/null
ok $? "three shards are the whole"
extract -o "$work/one.lmdb" "$work/in"
if grep -q "$no_lmdb" "$work/err"; then
    [ ! -e "$work/one.lmdb" ]
    ok $? "no LMDB from this machine: $(cat "$work/err")"
    skip "LMDB is not written here: jobs, kills, what it holds"
else
    extract -o "$work/two.lmdb" --jobs 3 "$work/in" &&
        extract -o "$work/batch.lmdb" --jobs 2 --batch 4 "$work/in" &&
        cmp -s "$work/one.lmdb/data.mdb" "$work/two.lmdb/data.mdb" &&
        cmp -s "$work/one.lmdb/data.mdb" "$work/batch.lmdb/data.mdb"
    ok $? "LMDB does not depend on the number of jobs and on batches"
    killed=0
    size() { # size LMDB: its bytes, 0 when there is none
        cat "$1/data.mdb" 2>/dev/null | wc -c
    }
    whole=$(size "$work/one.lmdb")
    for sixth in 0 1 2 3 4 5; do
        ends 137 KILL 'within $((whole * sixth / 6)) $whole size "$work/killed.lmdb"' \
            'within -1 $whole size "$work/killed.lmdb" || rm -rf "$work/killed.lmdb"' \
            "$VILSCOPE" extract $weights --quiet -o "$work/killed.lmdb" --jobs 2 "$work/in" && killed=$((killed + 1))
    done
    [ $killed -eq 6 ] && extract -o "$work/killed.lmdb" --jobs 2 "$work/in" &&
        cmp "$work/one.lmdb/data.mdb" "$work/killed.lmdb/data.mdb"
    ok $? "nor on being killed: $killed times"
    "$VILSCOPE" query -m "$tiny" -t refcoco --regions "$work/one.lmdb" --key gray-3 --no-log a \
        >"$work/b" 2>/dev/null && cmp -s "$work/a" "$work/b"
    ok $? "and holds the same regions"
fi
(ulimit -f 1 && extract -o "$work/limited" "$work/in")
[ $? -eq 1 ] && grep -q 'cannot be written' "$work/err" && [ -z "$(ls "$work/limited")" ]
ok $? "files that may not grow: $(head -n 1 "$work/err")"
extract -o "$work/st" --format safetensors "$pictures/gray.png" &&
    "$VILSCOPE" query -m "$tiny" -t refcoco --regions "$work/st/gray.safetensors" --no-log a \
    >"$work/b" 2>/dev/null && cmp -s "$work/a" "$work/b"
ok $? "safetensors, too"
if python3 -c 'import numpy' 2>/dev/null || /usr/bin/python3 -c 'import numpy' 2>/dev/null; then
    python=python3
    python3 -c 'import numpy' 2>/dev/null || python=/usr/bin/python3
    $python - "$work/whole/gray-3.npy" <<'EOF'
import sys, numpy
d = numpy.load(sys.argv[1], allow_pickle=True).item()
n = d["bbox"].shape[0]
assert d["features"].shape == (n, 20) and d["features"].dtype == numpy.float32
assert d["cls_prob"].shape == (n, 5) and abs(d["cls_prob"].sum(1) - 1).max() < 1e-5
assert (d["cls_prob"][:, 1:].argmax(1) == d["objects"]).all()
assert d["image_id"] == "gray-3" and (d["image_width"], d["image_height"]) == (96, 64)
EOF
    ok $? "numpy reads what was written, as the reference's loader does"
else
    skip "no numpy to read what was written"
fi
extract -o "$work/mixed" "$work/in/gray-1.png" "$pictures/truncated.jpg" "$work/none.png"
[ $? -eq 1 ] && grep -q 'truncated.jpg: the JPEG image is damaged' "$work/err" &&
    grep -q 'none.png: No such file' "$work/err" && grep -q '1 written, 2 failed' "$work/err" &&
    [ "$(find "$work/mixed" -type f | wc -l)" -eq 1 ]
ok $? "bad images are named, skipped and counted"
extract -o "$work/mixed2" --batch 8 "$work/in/gray-1.png" "$pictures/truncated.jpg" "$work/none.png" \
    "$work/in/gray-2.png"
[ $? -eq 1 ] && grep -q 'none.png: No such file' "$work/err" &&
    grep -q '2 written, 2 failed' "$work/err" && cmp "$work/mixed2/gray-2.npy" "$work/whole/gray-2.npy"
ok $? "and do not spoil their batch"
refuses 2 "from 1 to 64" "a batch of nothing" \
    "$VILSCOPE" extract $weights -o "$work/x" --batch 0 "$work/in"
refuses 2 "would both be written as 'gray-1'" "two images of one name" \
    "$VILSCOPE" extract $weights -o "$work/x" "$work/in/gray-1.png" "$work/./in/gray-1.png"
refuses 2 "I from 1 to N" "a shard that is not there" \
    "$VILSCOPE" extract $weights -o "$work/x" --shard 4/3 "$work/in"
refuses 1 "line 1 is longer than a path can be" "a list that never ends" \
    timeout 20 "$VILSCOPE" extract $weights -o "$work/x" --list /dev/zero
refuses 2 "no detector" "no detector" "$VILSCOPE" extract -o "$work/x" "$work/in"
if [ -c /dev/full ] && mkdir "$work/small" && mount -t tmpfs -o size=16k none "$work/small" 2>/dev/null
then
    extract -o "$work/small" "$work/in"
    [ $? -eq 1 ] && grep -q 'No space left' "$work/err" &&
        [ -z "$(find "$work/small" -name '*.tmp')" ]
    ok $? "a full disk: $(grep 'No space' "$work/err")"
    head -c 64k /dev/zero >"$work/small/filling" 2>"$work/err"
    extract -o "$work/small/out.lmdb" "$work/in"
    [ $? -eq 1 ] && { grep -q 'No space left' "$work/err" || grep -q "$no_lmdb" "$work/err"; }
    ok $? "and one without room for LMDB's table: $(cat "$work/err")"
    umount "$work/small"
else
    skip "a full disk cannot be made here"
    skip "a full disk cannot be made here"
fi
end
