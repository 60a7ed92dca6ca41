#!/bin/sh
# SPDX-License-Identifier: MIT
# Statistics of heads over a data set: eval --heads. Means are those of the items, whatever the set is divided into,
# the pointing game finds the head that eval --attention finds, a checkpoint differs from itself in nothing, and JSON
# and CSV say the same. (The demo's damaged head, with numbers that are known beforehand: planted.sh.) Broken by
# rows of special tokens that are counted, by items that are paired with others, or by a wrong order.
set -u
. "$SRCDIR/tests/cli/lib.sh"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export VILSCOPE_LOG="$work/log.db" XDG_CACHE_HOME="$work/cache"
"$VILSCOPE" world -o "$work/set" --seed 4243 --scenes 40 --language basic >/dev/null
h() {
    "$VILSCOPE" eval -m "$frozen" --heads "$@" 2>>"$work/said"
}
h --data "$work/set" -t refcoco -c final --csv | tr -d '"' >"$work/all"
[ "$(wc -l <"$work/all")" -gt 200 ] && [ "$(cut -d, -f6 "$work/all" | sort -u | tr '\n' ' ')" = \
    "entropy k90 peak pointing special statistic " ]
ok $? "every head has its statistics: $(wc -l <"$work/all") lines"
grep '"task": "refcoco"' "$work/set/data.jsonl" | sed -n 1,13p >"$work/set/first.jsonl"
grep '"task": "refcoco"' "$work/set/data.jsonl" | sed -n '14,$p' >"$work/set/rest.jsonl"
for part in first rest; do
    h --data "$work/set/$part.jsonl" -t refcoco -c final --csv | tr -d '"' >"$work/$part"
done
bad=$(paste -d, "$work/all" "$work/first" "$work/rest" | awk -F, 'NR > 1 {
    d = $7 * $10 - $18 * $21 - $29 * $32
    if (d > 1e-3 || d < -1e-3 || $10 != $21 + $32 || $6 != $17 || $3 $4 $5 != $14 $15 $16) {print; exit}}')
[ -z "$bad" ] && [ "$(wc -l <"$work/all")" -eq "$(wc -l <"$work/rest")" ]
ok $? "the mean of a set is that of its parts $bad"
bad=$(awk -F, 'NR > 1 && !($8 <= $7 && $7 <= $9)' "$work/all")
[ -z "$bad" ]
ok $? "each mean is inside of its interval $bad"

"$VILSCOPE" eval -m "$frozen" -c final --data "$work/set" -t refcoco --attention --json --no-log 2>>"$work/said" |
    sed -n '/"layers"/,/\]/s/.*"head": *\([0-9]*\).*/\1/p' | head -n 3 | tr '\n' ' ' >"$work/best"
for layer in 1 2 3; do
    grep "^final,,text-to-image,$layer,[0-9]*,pointing," "$work/all" | sort -t, -s -k7,7gr | head -n 1 | cut -d, -f5
done | tr '\n' ' ' >"$work/found"
[ "$(wc -w <"$work/found")" -eq 3 ] && cmp -s "$work/best" "$work/found"
ok $? "heads that point best are those of eval --attention: $(cat "$work/found")"

# ---- differences
cp "$frozen/final.pth" "$work/same.pth"
h --data "$work/set" -t refcoco -c final -c "$work/same.pth" -c early --csv --sort entropy --limit 12 | tr -d '"' >"$work/two"
[ "$(grep -c '^same.pth,final,' "$work/two")" -gt 200 ] && ! awk -F, '$1 == "same.pth" && $2 == "final" && ($7 != 0 || $8 != 0 || $9 != 0)' \
    "$work/two" | grep -q .
ok $? "the same weights differ in nothing"
bad=$(awk -F, '$1 == "early" && $2 == "" {x[$3 $4 $5 $6] = $7}
    $1 == "final" && $2 == "" {y[$3 $4 $5 $6] = $7}
    $1 == "early" && $2 == "final" {d = x[$3 $4 $5 $6] - y[$3 $4 $5 $6] - $7; n++; if (d > 1e-4 || d < -1e-4) print}
    END {if (n < 200) print n}' "$work/two")
[ -z "$bad" ]
ok $? "others by the difference of their means $bad"
bad=$(awk -F, '$6 == "entropy" {x = $2 == "" ? $7 : $7 < 0 ? -$7 : $7
    if ($1 $2 == last && x > before + 1e-6) print
    last = $1 $2; before = x}' "$work/two")
[ -z "$bad" ]
ok $? "the largest come first, of differences those farthest from 0"

# ---- JSON and text
h --data "$work/set" -t refcoco -c final --json >"$work/json"
[ "$(grep -c '"mean"' "$work/json")" -eq $(($(wc -l <"$work/all") - 1)) ]
ok $? "JSON has as many numbers as CSV"
h --data "$work/set" -t refcoco -c final --sort pointing --top 3 >"$work/out"
[ "$(grep -cE '^(text|image|text-to-image|image-to-text) [0-9]+\.[0-9]+ ' "$work/out")" -eq 3 ] &&
    grep -q 'more: --top 0 shows all' "$work/out"
ok $? "--top cuts the table: $(sed -n 4p "$work/out" | cut -c 1-46)"
[ ! -e "$work/log.db" ]
ok $? "nothing is logged"

# ---- a family whose maps have words and regions
mkdir "$work/joint"
cp "$SRCDIR"/tests/data/baseline/* "$work/joint"
cp "$SRCDIR/tests/data/tiny/vocab.txt" "$SRCDIR/tests/data/tiny/scene.png" "$work/joint"
"$VILSCOPE" model init "$work/model" "$work/joint/baseline.bin" "$work/joint/config.json" "$work/joint/vocab.txt" \
    >"$work/out" 2>&1
printf '{"task": "refcoco", "images": ["scene.png"], "text": "a red square", "box": [1, 1, 30, 30]}\n' \
    >"$work/joint/data.jsonl"
"$VILSCOPE" eval -m "$work/model" --data "$work/joint/data.jsonl" --heads --csv >"$work/out" 2>"$work/err"
tr -d '"' <"$work/out" | awk -F, '$6 == "cross" {n++; if ($7 <= 0 || $7 >= 1) bad++} END {exit !(n > 3 && !bad)}'
ok $? "of a map of both the share of the other modality: $(grep -c cross "$work/out") heads $(head -n 1 "$work/err")"

# ---- what is wrong
bad() { # bad PATTERN WHAT OPTION...
    pattern=$1 what=$2
    shift 2
    refuses 2 "$pattern" "$what" "$VILSCOPE" eval -m "$frozen" --data "$work/set" -c final "$@"
}
bad "no --rows with it" "rows" --heads --rows "$work/rows"
bad "no --change with it" "two studies" --heads --change "drop region 1"
bad "sort is for --heads" "an order of nothing" --sort k90
bad "csv is for --change and --heads" "CSV of scores" --csv
bad "no --attention with it" "two of them" --heads --attention
end
