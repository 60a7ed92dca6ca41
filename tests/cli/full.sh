#!/bin/sh
# SPDX-License-Identifier: MIT
# The full-size golden case: makes its checkpoint of 1 GB (python3 with numpy), compares every
# stored tensor, and asks it a question from the command line.
set -u
shared=${VILSCOPE_SHARED:-$SRCDIR/../shared}
case=$shared/golden/vilbert/full
if [ ! -d "$case" ]; then
    echo "ok 1 # SKIP the golden data is not there"
    echo "1..1"
    exit 0
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
made=no
for p in python3 /usr/bin/python3; do
    $p "$shared/golden/vilbert/make_checkpoint.py" "$case/config.json" "$work/full.bin" --seed 1 \
        >/dev/null 2>&1 && made=yes && break
done
if [ $made = no ]; then
    echo "ok 1 # SKIP the full-size checkpoint needs python3 with numpy, and 1.1 GB"
    echo "1..1"
    exit 0
fi
"$BUILDDIR/test-vilbert" "$case/config.json" "$work/full.bin" "$case/expected.safetensors" \
    >"$work/out"
failed=$?
grep -v '^1\.\.' "$work/out"
n=$(grep -c '^\(not \)\?ok' "$work/out")
n=$((n + 1))
if "$VILSCOPE" query -c "$work/full.bin" --config "$case/config.json" \
    --vocab "$shared/data/bert-base-uncased-vocab.txt" --no-log -t vqa \
    --regions "$shared/golden/files/COCO_val2014_000000000042.npy" "what is it?" \
    2>/dev/null | grep -q softmax; then
    echo "ok $n - a question to the full-size model"
else
    echo "not ok $n - a question to the full-size model"
    failed=1
fi
"$BUILDDIR/test-pass" "$case/config.json" "$work/full.bin" >"$work/out"
[ $? -eq 0 ] || failed=1
grep -v '^1\.\.' "$work/out" | sed "s/^\(ok\|not ok\) [0-9]* /\1 $((n + 1)) /"
n=$((n + $(grep -c '^\(not \)\?ok' "$work/out")))
for p in python3 /usr/bin/python3; do
    $p "$shared/golden/detector/make_detector.py" "$shared/golden/detector/full/arch.json" \
        "$work/detector.pth" --format legacy --prefix module. --extra >/dev/null 2>&1 && break
    $p "$shared/golden/detector/make_detector.py" "$shared/golden/detector/full/arch.json" \
        "$work/detector.pth" --format safetensors --extra >/dev/null 2>&1 && break
done
"$BUILDDIR/test-detector" full "$work/detector.pth" >"$work/out"
[ $? -eq 0 ] || failed=1
grep -v '^1\.\.' "$work/out" | sed "s/^\(ok\|not ok\) [0-9]* /\1 $((n + 1)) /"
n=$((n + $(grep -c '^\(not \)\?ok' "$work/out")))

# The whole path: a photo, the full-size detector, the full-size model, a query.
cp "$shared/golden/detector/full/input.png" "$work/photo.png"
n=$((n + 1))
if XDG_CACHE_HOME="$work/cache" "$VILSCOPE" query -c "$work/full.bin" --config "$case/config.json" \
    --vocab "$shared/data/bert-base-uncased-vocab.txt" --detector "$work/detector.pth" \
    --no-log -t refcoco --top 200 "$work/photo.png" "the person on the left" >"$work/out" 2>"$work/err" &&
    [ "$(wc -l <"$work/out")" -eq 101 ]; then
    echo "ok $n - from a photo to 101 ranked regions: $(head -n 1 "$work/out")"
else
    echo "not ok $n - from a photo to 101 ranked regions: $(cat "$work/err")"
    failed=1
fi

# Too little memory, wherever it runs out: one line.
n=$((n + 1))
all=yes
for limit in 500000 900000 1300000 1600000; do
    (ulimit -v $limit && "$VILSCOPE" extract -d "$work/detector.pth" --quiet -o "$work/regions" \
        "$work/photo.png" >"$work/out" 2>"$work/err")
    [ $? -eq 1 ] && [ "$(grep -vc images: "$work/err")" -eq 1 ] &&
        grep -q 'no memory\|Cannot allocate' "$work/err" || all=$limit
done
if [ $all = yes ]; then
    echo "ok $n - a full-size detector without the memory: $(head -n 1 "$work/err")"
else
    echo "not ok $n - a full-size detector within $all KB: $(cat "$work/err")"
    failed=1
fi

# Two full-size checkpoints that differ in one layer: the weights and the swap name it.
rm -f "$work/detector.pth"
if [ "$(df -Pk "$work" | awk 'NR == 2 {print $4}')" -gt 1500000 ]; then
    "$BUILDDIR/test-compare" make "$work/full.bin" "$work/other.safetensors" \
        bert.encoder.c_layer.3. 1.5
    full="--config $case/config.json --vocab $shared/data/bert-base-uncased-vocab.txt --no-log"
    n=$((n + 1))
    if "$VILSCOPE" compare -c "$work/full.bin" -c "$work/other.safetensors" $full --weights \
        >"$work/out" 2>"$work/err" && sed -n 3p "$work/out" | grep -q '^bert.encoder.c_layer.3 .* 0\.5 '; then
        echo "ok $n - full size: $(sed -n 3p "$work/out")"
    else
        echo "not ok $n - full size: weights: $(sed -n 3p "$work/out") $(cat "$work/err")"
        failed=1
    fi
    n=$((n + 1))
    if "$VILSCOPE" compare -c "$work/full.bin" -c "$work/other.safetensors" $full --patch layers \
        -t vqa --regions "$shared/golden/files/COCO_val2014_000000000042.npy" "what is it?" \
        >"$work/out" 2>"$work/err" && grep -q 'most is recovered by: co-attention layer 4, 100' "$work/out"; then
        echo "ok $n - full size: $(grep 'recovered by' "$work/out")"
    else
        echo "not ok $n - full size: swap: $(cat "$work/out" "$work/err" | head -n 5 | tr '\n' ' ')"
        failed=1
    fi
else
    n=$((n + 1))
    echo "ok $n # SKIP two full-size checkpoints need 2.5 GB"
fi
echo "1..$n"
exit $failed
