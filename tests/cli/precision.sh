#!/bin/sh
# SPDX-License-Identifier: MIT
# What is computed in fewer bits: answers near those of float32, the same on any number of threads, and
# never without a word. Broken by a precision that computes something else or nothing else, that the
# answer or the log does not name, whose error nobody is told, that changes what is float32 without it.
set -u
. "$SRCDIR/tests/cli/lib.sh"
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
export VILSCOPE_LOG="$work/log.db" XDG_CACHE_HOME="$work/cache"
image=$(find "$frozen/images" -name '*.png' | sort | head -n 1)
query() { "$VILSCOPE" query -m "$frozen" --device "${device:-cpu}" --top 3 -t vqa "$@" "$image" "what shape is the large thing at the right?"; }
number() { sed -n "s/.*\"$1\": *\([-0-9.e]*\).*/\1/p" "$2" | head -n 1; }
best() { sed -n 's/.*"answer": *"\([^"]*\)".*/\1/p' "$1" | head -n 1; }

query --json --no-log >"$work/float32" 2>"$work/err"
want=$(number logit "$work/float32")
[ -n "$want" ] && ! grep -q "note: .*comput" "$work/err"
ok $? "float32 says nothing of itself: logit $want"
for type in float16:0.01 bfloat16:0.1 int8:0.5; do
    limit=${type#*:} type=${type%:*}
    query --json --no-log --threads 1 --precision "$type" >"$work/$type" 2>"$work/err"
    status=$?
    got=$(number logit "$work/$type")
    [ $status -eq 0 ] && [ "$(best "$work/$type")" = "$(best "$work/float32")" ] &&
        awk -v a="$want" -v b="$got" -v l="$limit" 'BEGIN {d = a - b; exit !(d < l && d > -l)}' &&
        { [ $type = float16 ] || [ "$got" != "$want" ]; } # which the weights of the file fit
    ok $? "$type: the same answer, logit $got"
    grep -q "\"device\": \"cpu-[^\"]*1 thread, $type (products off by [0-9]" "$work/$type" &&
        grep -q "computed in $type; how far .* not been measured" "$work/err"
    ok $? "$type is named: $(cat "$work/err")"
    query --json --no-log --threads 3 --precision "$type" 2>/dev/null | sed 's/3 threads/1 thread/; /"tokenize":/,$d' >"$work/again"
    sed '/"tokenize":/,$d' "$work/$type" | cmp -s - "$work/again"
    ok $? "$type: the same on 3 threads ($(wc -l <"$work/again") lines)"
done
device=ref
query --json --no-log --precision int8 >"$work/ref" 2>/dev/null &&
    awk -v a="$(number logit "$work/int8")" -v b="$(number logit "$work/ref")" \
        'BEGIN {d = a - b; exit !(d < 0.1 && d > -0.1)}'
ok $? "the reference's int8: $(number logit "$work/ref")"
device=
query --precision int8 >/dev/null 2>&1
[ "$("$VILSCOPE" sessions sql "SELECT count(*) FROM queries WHERE device LIKE '%int8%'" 2>/dev/null | grep -c 1)" -eq 1 ]
ok $? "the log says int8"
refuses 2 "int4" "no such precision" "$VILSCOPE" query -t vqa -m "$frozen" --precision int4 "$image" "what"
refuses 2 "tf32" "a GPU's on the processor" "$VILSCOPE" query -t vqa -m "$frozen" --device cpu --precision tf32 "$image" "what"
refuses 2 "precision goes with" "a server's" "$VILSCOPE" query -t vqa --connect "$work/none" --precision int8 "$image" "what"

# What convert measures is told, each with its own.
printf '{"task": "vqa", "images": ["%s"], "text": "what shape is the large thing at the right?"}\n' "$image" >"$work/set.jsonl"
"$VILSCOPE" convert -m "$frozen" final -o "$work/small.safetensors" --type int8 --check-set "$work/set.jsonl" >"$work/out" 2>&1
ok $? "convert: $(grep -c 'queries asked' "$work/out") measurements"
grep -q "precision int8: 1 queries asked" "$work/out" &&
    head -c 20000 "$work/small.safetensors" | grep -q 'output_errors_int8.*vil_prediction'
ok $? "int8 is measured with its products"
query --no-log -c "$work/small.safetensors" --precision int8 2>&1 >/dev/null |
    grep -q "computes in int8: outputs were off from float32's by out.vil_prediction [0-9.]* %"
ok $? "and what was measured is told"
end
