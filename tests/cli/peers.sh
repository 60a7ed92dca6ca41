#!/bin/sh
# SPDX-License-Identifier: MIT
# The programs that time other people's software beside ours still run: each once, on the processor,
# with a small model. One that calls its model, or a benchmark, in a way that is gone breaks it.
set -u
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
. "$SRCDIR/tests/cli/lib.sh"
python=
for p in ${PYTHON:-} python3 /usr/bin/python3; do
    [ -n "$python" ] || ! "$p" -c 'import torch' 2>/dev/null || python=$p
done
has() { # has MODULE...: whether this python has them
    "$python" -c "import $(echo "$*" | tr ' ' ,)" 2>/dev/null
}
bench=$SRCDIR/tests/bench
model="$work/config.json $work/full.safetensors"

# peer NAME PATTERN ARGUMENT...: it ends well, and a line that it prints has the pattern.
peer() {
    name=$1 pattern=$2
    shift 2
    OMP_NUM_THREADS=1 "$python" "$@" >"$work/out" 2>"$work/err"
    status=$?
    [ $status -eq 0 ] && grep -q "$pattern" "$work/out"
    ok $? "$name: $(grep "$pattern" "$work/out" | tail -n 1) $([ $status -eq 0 ] || tail -n 1 "$work/err")"
}

if [ -z "$python" ]; then
    skip "no python with torch (PYTHON names one)"
    end
fi
"$python" "$SRCDIR/tests/cuda/make_model.py" "$work" --small >"$work/err" 2>&1
ok $? "a small model is made: $(tail -n 1 "$work/err")"
# shellcheck disable=SC2086 # two words
{
    peer peer_torch "38 tokens, 2 threads, as it is used: .*ratio" "$bench/peer_torch.py" \
        "$BUILDDIR/bench-forward" $model
    peer peer_back "2 threads: .*ratio" "$bench/peer_back.py" "$BUILDDIR/bench-back" $model cpu
    RESULTS="$work/results" peer peer_torch_cuda "batch 16, 38 tokens: eager .*torch.compile" \
        "$SRCDIR/tests/cuda/peer_torch_cuda.py" $model cpu
    [ "$(grep -c '^{"what": ".*", "value": [0-9.]*, "unit": "ms"' "$work/results")" = 4 ]
    ok $? "and writes what it measured"
    if has onnx onnxruntime; then
        peer peer_onnx "38 tokens, 2 threads, as it is used, cpu: .*ratio" "$bench/peer_onnx.py" \
            "$BUILDDIR/bench-forward" $model "$work"
        peer "peer_onnx, int8" "38 tokens, 2 threads, same work, cpu: .*ratio" "$bench/peer_onnx.py" \
            "$BUILDDIR/bench-forward" $model "$work" --precision int8 --turns 1 --passes 1
    else
        skip "peer_onnx: no onnx and onnxruntime"
    fi
    if has torchvision numpy PIL; then
        peer peer_detector "2 threads: selection: " "$bench/peer_detector.py" \
            "$BUILDDIR/bench-detector" "$SRCDIR/tests/data/tiny/detector.json" \
            "$SRCDIR/tests/data/tiny/detector.pth" "$SRCDIR/tests/data/tiny/scene.png" 1
    else
        skip "peer_detector: no torchvision, numpy and PIL"
    fi
    if has numpy PIL && command -v chafa >/dev/null && command -v sixel2png >/dev/null; then
        peer peer_pixels "000003: ours - chafa's best, blurred: +" "$bench/peer_pixels.py" \
            "$BUILDDIR/bench-picture" "$SRCDIR/tests/data/frozen/images/000003.png"
    else
        skip "peer_pixels: no numpy and PIL, chafa, or sixel2png"
    fi
    { cat "$SRCDIR/tests/data/tiny/vocab.txt"; seq -f 'word%.0f' 3000; } | head -n 2600 >"$work/vocab"
    peer peer_eval "retrieval, 1 x 25 pairs, as it is used: " "$bench/peer_eval.py" \
        "$BUILDDIR/bench-eval" $model "$work/vocab" 1 25 1
}
end
