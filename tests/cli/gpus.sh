#!/bin/sh
# SPDX-License-Identifier: MIT
# The program on GPUs, from the driver's library to the answer, where there is none: fake-driver.so
# stands for the driver and for the module, computes on the processor, and tells which rules of a GPU
# were broken (tests/unit/fakecuda.h); then module.cu itself, over a runtime that does. Answers are
# the processor's; auto takes the GPU that has room, or none; lists open none; children that decode
# images leave the GPU alone; a GPU that is lost or full costs one line. Memory left behind, a call
# after a fork, a word that nobody wrote, the wrong GPU, or something wrong in what the module tells
# CUDA breaks it.
set -u
tiny=$SRCDIR/tests/data/tiny
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
. "$SRCDIR/tests/cli/lib.sh"
ln -s "$BUILDDIR/fake-driver.so" "$work/libcuda.so.1"
export LD_LIBRARY_PATH="$work" VILSCOPE_CUDA_MODULE="$BUILDDIR/fake-driver.so"
export FAKE_GPUS_TOLD="$work/told" VILSCOPE_LOG="$work/log.db"

# on GPUS COMMAND...: over such GPUs; what they tell is in told.
on() {
    rm -f "$work/told"
    FAKE_GPUS=$1
    export FAKE_GPUS
    shift
    "$@"
}
q() {
    "$VILSCOPE" query -m "$tiny" -t refcoco "$@" "$tiny/scene.png" "red"
}
# clean CONTEXTS: one process computed, in so many contexts (a pattern), and all was well.
clean() {
    [ "$(grep -c . "$work/told")" -eq 1 ] &&
        grep -q "^ended: $1 contexts, .* 0 allocations left, 0 rules broken$" "$work/told"
}
# like FILE FILE: the same text, numbers up to their last digits.
like() {
    awk -v other="$2" '
        { if ((getline line < other) <= 0) exit bad = 1
          n = split($0, a, /[^-0-9.a-z]+/)
          if (split(line, b, /[^-0-9.a-z]+/) != n) exit bad = 1
          for (i = 1; i <= n; i++) {
              d = a[i] - b[i]
              if (a[i] != b[i] && (a[i] !~ /[.]/ || d > 2e-3 || d < -2e-3)) exit bad = 1 } }
        END { exit bad || NR == 0 || (getline line < other) > 0 }' "$1"
}

# ---- lists
on devices=2,monitor=1,others=100:10 "$VILSCOPE" devices >"$work/list"
grep -q '^cuda:0 .*Fake 0, .* 156 of 256 MB free' "$work/list" &&
    grep -q '^cuda:1 .*Fake 1, .* 246 of 256 MB free' "$work/list" && [ ! -e "$work/told" ]
ok $? "devices lists two GPUs and opens none: $(tail -n 1 "$work/list")"

# ---- answers, images and regions
on devices=2 q --device cpu >"$work/cpu"
ok $? "the processor answers"
for gpu in 0 1; do
    on devices=2 q --device cuda:$gpu >"$work/gpu"
    [ $? -eq 0 ] && like "$work/cpu" "$work/gpu" && clean 1
    ok $? "cuda:$gpu answers as the processor does: $(cat "$work/told")"
done
for device in cpu cuda; do
    on devices=1 "$VILSCOPE" extract -m "$tiny" --quiet --device $device -o "$work/$device.found" \
        "$tiny/scene.png" "$tiny/mirror.png"
    rc=$?
    for image in scene mirror; do
        "$VILSCOPE" inspect "$work/$device.found/$image.npy" 2>/dev/null | grep -v digest
    done >"$work/$device.regions"
done
[ $rc -eq 0 ] && like "$work/cpu.regions" "$work/cuda.regions" && clean 1
ok $? "regions of images that children decode beside a GPU: $(cat "$work/told")"
on devices=1 q --leave-one-out regions --device cpu >"$work/cpu"
on devices=1 q --leave-one-out regions --device cuda >"$work/gpu"
[ $? -eq 0 ] && like "$work/cpu" "$work/gpu" && clean 1 && ! grep -q ' 0 replays' "$work/told"
ok $? "passes that come again are graphs: $(cat "$work/told")"
on devices=1,graphs=0 q --leave-one-out regions --device cuda >"$work/gpu"
[ $? -eq 0 ] && like "$work/cpu" "$work/gpu" && clean 1 && grep -q ' 0 replays' "$work/told"
ok $? "or not, where there are none"

# ---- auto
asks() { # asks WHAT GPUS DEVICE CONTEXTS
    on "$2" q --json >"$work/out" 2>"$work/err"
    [ $? -eq 0 ] && grep -q "\"device\": \"$3" "$work/out" &&
        if [ "$4" -gt 0 ]; then
            clean "$4" && [ ! -s "$work/err" ]
        else
            [ ! -e "$work/told" ] && [ "$(grep -c . "$work/err")" -eq 1 ] &&
                grep -q '^vilscope query: note: auto took no GPU: cuda:. has' "$work/err"
        fi
    ok $? "auto, $1: $(grep '"device"' "$work/out") $(cat "$work/err")"
}
asks "one GPU" memory=4000 "cuda:0 Fake 0" 1
asks "the first is full" devices=3,memory=4000,monitor=1,others=3900:800:10 "cuda:2 Fake 2" 1
asks "all are full" devices=2,memory=4000,monitor=1,others=3900:3990 "cpu-" 0
asks "it holds the model, not the detector" memory=4000,monitor=1,others=3200 "cpu-" 0
says() { # says GPUS WORDS: of doctor, why auto took what it took
    on "$1" "$VILSCOPE" doctor >"$work/out"
    grep -q "^note *device *$2" "$work/out"
    ok $? "doctor: $(grep '^note *device' "$work/out")"
}
says devices=3,memory=4000,monitor=1,others=3900:800:10 "auto took cuda:2, which has the most memory free of 3"
says devices=2,memory=4000,monitor=1,others=3900:3990 "auto took no GPU: cuda:0 has 100 MB free, 15[0-9]* MB are"

# ---- doctor counts what auto counts, and says what
counts() { # counts WHAT PATTERN OPTION...
    what=$1 pattern=$2
    shift 2
    on memory=4000,monitor=1,others=3600 "$VILSCOPE" doctor "$@" >"$work/out"
    grep -q "$pattern" "$work/out"
    ok $? "doctor, $what: $(grep '^[a-z]* *GPU *auto' "$work/out")"
}
counts "the weights and the detector of a model" \
    "^ok *GPU *auto asks for 154[0-9] MB free: [1-9] MB of weights, 256 MB for a pass, [1-9] MB of the detector's, 1280 MB for a" -m "$frozen"
grep -q '^note *device *auto took no GPU: cuda:0 has 400 MB free, 154[0-9] MB are needed' "$work/out"
ok $? "and computes where a query would: $(grep 'device' "$work/out" | head -n 1)"
cp -r "$tiny" "$work/plain"
grep -v detector "$tiny/model.json" >"$work/plain/model.json"
counts "no detector" "^ok *GPU *auto asks for 25[6-9] MB free: [0-9] MB of weights, 256 MB for a pass$" \
    -m "$work/plain"
VILSCOPE_DEMO=$work counts "no model" "^note *GPU *auto asks for 256 MB free.*no weights are counted"

# ---- what takes long says first, and once, that no GPU is used
"$VILSCOPE" world -o "$work/set" --seed 7 --scenes 2 --items 1 --task vqa >/dev/null 2>&1
slow() { # slow COMMAND ARGUMENT...
    on memory=4000,monitor=1,others=3990 "$VILSCOPE" "$@" --threads 1 >"$work/out" 2>"$work/err"
    rc=$?
    [ $rc -eq 0 ] && [ "$(grep -c "^vilscope $1: note: auto took no GPU: cuda:0 has 10 MB free" "$work/err")" -eq 1 ]
    ok $? "$1: $(grep note: "$work/err" || echo "status $rc, $(tail -n 1 "$work/err")")"
}
slow eval -m "$frozen" -c final --data "$work/set" --no-log
slow explain -m "$frozen" -c final --data "$work/set" -t vqa --orders 1 --methods rollout
slow compare -m "$frozen" -c early -c final --no-log -t vqa "$frozen/images/000000.png" "what is it"
slow extract -m "$tiny" --jobs 2 -o "$work/slow" "$tiny/scene.png" "$tiny/mirror.png"
slow detect -d "$tiny/detector.pth" --detector-arch "$tiny/detector.json" "$tiny/scene.png"

# ---- a module that is of no use beside a GPU is told: by queries, doctor and the list
cc=
for c in cc gcc clang; do
    [ -z "$cc" ] && command -v $c >/dev/null && cc=$c
done
unusable() { # unusable FILE PATTERN
    module=$VILSCOPE_CUDA_MODULE
    VILSCOPE_CUDA_MODULE=$1
    q --json >"$work/out" 2>"$work/err"
    [ $? -eq 0 ] && grep -q '"device": "cpu-' "$work/out" && [ "$(grep -c . "$work/err")" -eq 1 ] &&
        grep -q "note: auto took no GPU: .*$1 *$2" "$work/err"
    ok $? "told: $(cat "$work/err")"
    "$VILSCOPE" devices | grep -q "^cuda  *no  .*$1 *$2"
    ok $? "and in the list of devices"
    "$VILSCOPE" doctor >"$work/out"
    grep -q "^note  *GPU .*$1 *$2" "$work/out" && grep -q "^note  *device .*$1 *$2" "$work/out"
    ok $? "and by doctor"
    VILSCOPE_CUDA_MODULE=$module
}
echo "no library" >"$work/text.so"
unusable "$work/text.so" "does not load: [a-z].*; install the module again"
unusable "$work/missing.so" ": build vilscope where nvcc is, or"
if [ -z "$cc" ]; then
    skip "modules that lack something: there is no C compiler"
else
    echo 'int x;' >"$work/x.c"
    $cc -shared -fPIC -o "$work/libnone.so" "$work/x.c"
    $cc -shared -fPIC -o "$work/lacks.so" "$work/x.c" -Wl,--no-as-needed -L"$work" -lnone
    mv "$work/libnone.so" "$work/other.so"
    unusable "$work/other.so" "belongs to another version of vilscope: install both"
    unusable "$work/lacks.so" "does not load: libnone.so: cannot open .*; install that library, or add"
fi

# ---- what ends
refuses 1 "cuda:0 (Fake 0): .*illegal memory access.*--device cpu" "a GPU that is lost" \
    on die=20 q --device cuda
clean 1
ok $? "and nothing else is wrong: $(cat "$work/told")"
refuses 1 "out of memory.* 1 MB were free" "no memory" on memory=1 q --device cuda
clean 1
ok $? "and nothing is left: $(cat "$work/told")"

# ---- the module's own code, over a runtime that stands on the same calls, in the test for GPUs
cxx=
for c in c++ g++ clang++; do
    [ -z "$cxx" ] && command -v $c >/dev/null && cxx=$c
done
if [ -z "$cxx" ]; then
    skip "the module's own code: there is no C++ compiler"
else
    $cxx -std=c++17 -O1 -shared -fPIC -DVS_CUDA_PTX=82 -I"$SRCDIR" -I"$SRCDIR/tests/cli/fakert" -o "$work/module.so" \
        "$SRCDIR/tests/cli/fakert/runtime.cpp" "$BUILDDIR/fake-driver.so" \
        -Wl,-rpath,"$BUILDDIR" 2>"$work/err"
    ok $? "module.cu compiles: $(head -n 1 "$work/err")"
    FAKE_GPUS_TOLD='' "$BUILDDIR/module-calls" "$BUILDDIR/fake-driver.so" "$work/module.so" >"$work/out" 2>&1
    [ $? -eq 0 ] && [ "$(grep -c '^ok' "$work/out")" -gt 50 ]
    ok $? "its calls, one by one: $(grep -m 1 '^not ok' "$work/out" || tail -n 1 "$work/out")"
    VILSCOPE_CUDA_MODULE=$work/module.so
    on memory=4000 "$BUILDDIR/test-gpu" --quick >"$work/out" 2>"$work/err"
    rc=$?
    first=$(grep '^not ok' "$work/out" | head -n 1)
    [ $rc -eq 0 ] && clean '[0-9]*'
    ok $? "test-gpu over it, $(grep -c '^ok' "$work/out") ok: $(head -n 1 "$work/told") $first"
    on memory=4000 "$BUILDDIR/bench-gpu" first "$tiny/config.json" "$tiny/checkpoint.bin" >"$work/out"
    [ $? -eq 0 ] && clean 1 && grep -q '^first answer: [1-9][0-9]* ms from the start' "$work/out"
    ok $? "bench-gpu over it: $(grep first "$work/out")"
    on memory=4000 q --device cpu >"$work/cpu"
    on devices=2,memory=4000 q --device cuda:1 >"$work/gpu"
    [ $? -eq 0 ] && like "$work/cpu" "$work/gpu" && clean 1
    ok $? "cuda:1 answers over it as the processor does: $(head -n 1 "$work/told")"
    for code in 214 220 226 700 702 709 710 714 715 716 717 718 719 721 810 911; do
        refuses 1 "nothing more can be computed there: restart, or --device cpu" "lost by $code" \
            on memory=4000,die=20,code=$code q --device cuda
    done
    refuses 1 "too many resources requested for launch$" "not lost" \
        on memory=4000,die=20,code=701 q --device cuda
    for precision in "tf32 9e-04" "bf16 8e-03" "half 9e-04"; do
        on memory=4000 q --device "cuda,${precision% *}" --json >"$work/out"
        grep -q "\"cuda:0 Fake 0, ${precision% *} (products off by ${precision#* })\"" "$work/out" &&
            clean 1
        ok $? "products in ${precision% *}: $(grep '"device"' "$work/out")"
    done
fi
end
