#!/bin/sh
# SPDX-License-Identifier: MIT
# A GPU that cannot be used costs one clear line, and auto goes on with the processor; what can
# compute is listed. The compiled module: no kernel spills registers, and those that move rows do so
# 16 bytes at a time. A lost line, a crash without a driver, a kernel that outgrew its registers or
# lost its wide loads breaks it.
set -u
tiny=$SRCDIR/tests/data/tiny
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export VILSCOPE_LOG="$work/log.db"
. "$SRCDIR/tests/cli/lib.sh"

q() {
    "$VILSCOPE" query -m "$tiny" -t refcoco "$@" --regions "$tiny/scene.npy" "$tiny/scene.png" "red"
}

# ---- the list
"$VILSCOPE" devices >"$work/list"
grep -q '^ref  *yes' "$work/list" && grep -q '^cuda' "$work/list"
ok $? "devices lists processors and GPUs: $(tail -n 1 "$work/list")"
"$VILSCOPE" devices --json | grep -q '"name": "ref"'
ok $? "devices --json"
refuses 2 "cuda:none" "a wrong number" q --device cuda:none
# A driver need not be in ldconfig's list: another reason, which only a driver that was found gives, tells of it.
libraries=$(PATH=$PATH:/sbin:/usr/sbin ldconfig -p 2>/dev/null)
if grep -q '^cuda  *no  *no NVIDIA driver is installed (libcuda.so.1 is missing)$' "$work/list"; then
    refuses 2 "device cuda: no NVIDIA driver is installed (libcuda.so.1 is missing); use --device cpu" \
        "no driver" q --device cuda
elif grep -q '^cuda[:0-9]*  *\(yes\|no  *.*\(the NVIDIA driver \|CUDA module \)\)' "$work/list"; then
    skip "no driver: there is one"
elif [ -z "$libraries" ] || echo "$libraries" | grep -q libcuda.so.1; then
    skip "no driver: nothing tells whether there is one"
else
    false
    ok $? "without a driver it is said that there is none: $(grep '^cuda' "$work/list")"
fi

# ---- no driver, and drivers that fail: libraries of a few lines in place of NVIDIA's
cc=
for c in cc gcc clang; do
    [ -z "$cc" ] && command -v $c >/dev/null && cc=$c
done
library() { # library FILE TEXT
    echo "$2" >"$work/library.c"
    $cc -shared -fPIC -o "$1" "$work/library.c"
}
driver() { # driver CODE DEVICES: one whose start returns CODE
    library "$work/libcuda.so.1" "int cuInit(unsigned f) { (void)f; return $1; }
int cuDeviceGetCount(int *n) { *n = $2; return 0; }"
}
with_driver() { # with_driver WHAT PATTERN
    export LD_LIBRARY_PATH="$work"
    refuses 2 "$2" "$1" q --device cuda
    q --json >"$work/out" 2>/dev/null && grep -q '"device": "cpu-' "$work/out"
    ok $? "$1: auto goes on with the processor"
    unset LD_LIBRARY_PATH
}
if [ -z "$cc" ]; then
    skip "drivers that fail: there is no C compiler"
else
    driver 100 0
    with_driver "a driver without a GPU" "finds no GPU"
    driver 804 1
    with_driver "a driver that does not start" "CUDA error 804"
    driver 0 1
    export VILSCOPE_CUDA_MODULE="$work/nowhere/vilscope-cuda.so"
    with_driver "no module" "no CUDA module"
    library "$work/other.so" "int x;"
    export VILSCOPE_CUDA_MODULE="$work/other.so"
    with_driver "a module of another version" "another version"
    unset VILSCOPE_CUDA_MODULE
    if [ -f "$BUILDDIR/vilscope-cuda.so" ]; then
        with_driver "a driver that CUDA cannot use" "device cuda: "
    fi
fi

# ---- free memory, as NVIDIA's monitor tells it without a context: of GPUs and of pieces of them
if [ -z "$cc" ]; then
    skip "the monitor: there is no C compiler"
else
    mkdir "$work/monitor"
    ln -s "$BUILDDIR/fake-driver.so" "$work/monitor/libcuda.so.1"
    for kind in GPU MIG; do
        library "$work/monitor/libnvidia-ml.so.1" '#include <string.h>
int nvmlInit_v2(void) { return 0; }
int nvmlDeviceGetHandleByUUID(const char *uuid, void **device) { *device = (void *)8;
    return strcmp(uuid, "'$kind'-00000000-0000-0000-0000-000000000000") == 0 ? 0 : 6; }
int nvmlDeviceGetMemoryInfo(void *device, unsigned long long *m)
{ m[0] = 256 << 20; m[1] = 77 << 20; m[2] = 179 << 20; return device == (void *)8 ? 0 : 2; }'
        LD_LIBRARY_PATH="$work/monitor" VILSCOPE_CUDA_MODULE="$BUILDDIR/fake-driver.so" \
            "$VILSCOPE" devices >"$work/list"
        grep -q '^cuda:0 .* 77 of 256 MB free' "$work/list"
        ok $? "$kind: $(tail -n 1 "$work/list")"
    done
    library "$work/monitor/libnvidia-ml.so.1" 'int nvmlInit_v2(void) { return 0; }
int nvmlDeviceGetHandleByUUID(const char *uuid, void **device) { *device = (void *)uuid; return 0; }
int nvmlDeviceGetMemoryInfo(void *device, unsigned long long *m)
{ m[0] = m[2] = 256 << 20; m[1] = 0; return device ? 0 : 2; }'
    LD_LIBRARY_PATH="$work/monitor" VILSCOPE_CUDA_MODULE="$BUILDDIR/fake-driver.so" \
        "$VILSCOPE" devices >"$work/list"
    grep -q '^cuda:0 .* 0 of 256 MB free' "$work/list"
    ok $? "full to the last byte: $(tail -n 1 "$work/list")"
fi

# ---- what the script for GPU machines makes of results
cat >"$work/results" <<'END'
{"what": "model: batch 1, 38 tokens", "value": 1.5, "unit": "ms", "device": "cuda"}
{"what": "model: batch 1, 38 tokens", "value": 1, "unit": "ms", "device": "cuda,tf32"}
{"what": "PyTorch eager: batch 1, 38 tokens", "value": 12, "unit": "ms", "device": "PyTorch 2.9"}
{"what": "products are off by", "value": 0.002, "unit": "of a deviation", "device": "cuda,half"}
{"what": "part: quick", "value": 0, "unit": "status", "seconds": 3}
END
awk -f "$SRCDIR/tests/cuda/table.awk" "$work/results" "$SRCDIR/kernels/NOTES.md" >"$work/table"
grep -q '^| one 38-token query.*| 1\.50 ms |$' "$work/table" && grep -q 'eager.*| 8\.0x |$' "$work/table" &&
    grep -q '^| TF32.*| not measured, not measured, 2e-03 |$' "$work/table"
ok $? "the table of kernels/NOTES.md with results: $(grep -c . "$work/table") lines"
PARTS="quick benches" "$SRCDIR/tests/cuda/run" "$work/none" 2>"$work/err"
[ $? -eq 2 ] && grep -q "there is no 'benches'" "$work/err" && [ ! -e "$work/none" ]
ok $? "a part that is none: $(cat "$work/err")"

# ---- which kernels the sanitizers look at: programs that do nothing in place of all that compile
mkdir "$work/bin"
for tool in cc nvcc ar strip compute-sanitizer; do
    cat >"$work/bin/$tool" <<'END'
#!/bin/sh
[ "${0##*/}" != compute-sanitizer ] || echo "$*" >>"$SANITIZED"
while [ $# -gt 0 ]; do
    [ "$1" != -o ] || { : >"$2"; chmod +x "$2"; }
    shift
done
END
    chmod +x "$work/bin/$tool"
done
if command -v bash >/dev/null; then
    SANITIZED=$work/sanitized PATH="$work/bin:$PATH" CC=cc NVCC=nvcc CUDA_ARCH=90 PARTS=sanitizers \
        "$SRCDIR/tests/cuda/run" "$work/folder" >"$work/out" 2>&1
    [ $? -eq 0 ] && [ "$(grep -c -- '--kernel-name kne=k_norm ' "$work/sanitized")" -eq 3 ] &&
        grep -- '--tool initcheck' "$work/sanitized" | grep -qv -- --kernel-name
    ok $? "sanitizers look at our kernels, initcheck at all: $(tail -n 1 "$work/out")"
else
    skip "the script for GPU machines: there is no bash"
fi

# ---- failures after which a process can do no more, as the toolkit's header tells them
cuda=$(command -v nvcc || echo /usr/local/cuda/bin/nvcc)
header=${cuda%/bin/nvcc}/include/driver_types.h
if [ ! -f "$header" ]; then
    skip "codes that end a device: there is no CUDA toolkit"
else
    awk '/\/\*\*/ {lost = 0}
        {sub(/^[ *]*/, " "); text = text $0}
        /\*\/|cudaError/ {lost = lost || text ~ /must be terminated|must *be *terminated/}
        /^ cudaError.*=/ {if (lost) print $1; text = ""; lost = 0}
        /\/\*\*/ {text = $0}' "$header" >"$work/codes"
    unknown=$(while read -r code; do
        grep -q "$code\>" "$SRCDIR/kernels/cuda/module.cu" || echo "$code"
    done <"$work/codes")
    [ "$(grep -c . "$work/codes")" -ge 10 ] && [ -z "$unknown" ]
    ok $? "the module knows the $(grep -c . "$work/codes") codes that end a device $unknown"
fi

# ---- the compiled code
log=$BUILDDIR/vilscope-cuda.log
if [ ! -f "$BUILDDIR/vilscope-cuda.so" ]; then
    skip "compiled kernels: this build has no module (nvcc was not found)"
else
    grep -q 'spill stores' "$log" &&
        ! grep 'spill stores' "$log" | grep -v ' 0 bytes spill stores, 0 bytes spill loads'
    ok $? "no register is spilled in $(grep -c 'spill stores' "$log") compiled kernels"
fi
if [ ! -f "$BUILDDIR/vilscope-cuda.so" ] || ! command -v cuobjdump >/dev/null; then
    skip "16-byte loads: cuobjdump or the module is not there"
else
    for arch in sm_75 sm_80 sm_86 sm_89 sm_90 sm_100 sm_120; do
        cuobjdump -sass -arch $arch "$BUILDDIR/vilscope-cuda.so" >"$work/sass" 2>/dev/null
        missing=$(awk '
            /Function :/ {f = $3; seen[f] = 1}
            /LDG[.A-Z0-9]*\.128/ {wide[f] = 1}
            f == "k_group" && /LDS/ {shared++}
            f == "k_group" && /FFMA/ {steps++}
            END {
                n = split("attention binary embed finish gather_rows group im2col norm overlaps upsample", k, " ")
                for (i = 1; i <= n; i++)
                    if (!wide["k_" k[i]])
                        print k[i] (seen["k_" k[i]] ? "" : " has no code at all")
                if (!(steps >= 16 * shared))
                    print "group loads weights anew:", shared, "loads for", steps, "steps"
            }' "$work/sass")
        [ -z "$missing" ]
        ok $? "$arch: wide loads where rows are moved, weights of a group loaded once ${missing:+(not: $missing)}"
    done
fi
end
