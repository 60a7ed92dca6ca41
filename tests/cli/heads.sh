#!/bin/sh
# SPDX-License-Identifier: MIT
# Statistics of heads over a data set: eval --heads. Means are those of the items, whatever the set is divided into,
# the pointing game finds the head that eval --attention finds, a checkpoint differs from itself in nothing, and JSON
# and CSV say the same. Shards, and a run that was cut off, come to the bytes of one run. (The demo's damaged head, with numbers that are known beforehand: planted.sh.) Broken by
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

# ---- several runs: shards, and one that was cut off
grep -E '"task": "(refcoco|vqa)"' "$work/set/data.jsonl" >"$work/set/few.jsonl"
s() { # of two tasks, so that rows of both stand in one file
    h --data "$work/set/few.jsonl" -c final -c early --limit 5 "$@"
}
s --json --rows "$work/rows" >"$work/json"
for i in 1 2 3; do
    s --json --shard $i/3 --rows "$work/shard.$i" >"$work/part"
    cmp -s "$work/part" "$work/json" && ok 1 "a shard has the numbers of all"
done
cat "$work/shard.3" "$work/shard.1" "$work/shard.2" >"$work/shards"
[ "$(wc -l <"$work/rows")" -eq 20 ] && [ "$(sort "$work/shards" | cksum)" = "$(sort "$work/rows" | cksum)" ]
ok $? "three shards have the rows of the whole: $(wc -l <"$work/shards")"
s --json --rows "$work/shards" --resume >"$work/again" &&
    cmp -s "$work/again" "$work/json" && [ "$(wc -l <"$work/shards")" -eq "$(wc -l <"$work/rows")" ]
ok $? "and together its JSON, to the byte"
head -n 12 "$work/rows" >"$work/cut"
sed -n 13p "$work/rows" | head -c 300 >>"$work/cut"
s --json --rows "$work/cut" --resume >"$work/again" &&
    cmp -s "$work/again" "$work/json" && cmp -s "$work/cut" "$work/rows"
ok $? "what was cut off goes on, to the same rows and JSON"
h --data "$work/set/few.jsonl" -c final -t refcoco --limit 3 --csv --rows "$work/rows" --resume >"$work/again"
h --data "$work/set/few.jsonl" -c final -t refcoco --limit 3 --csv >"$work/part"
[ "$(wc -l <"$work/part")" -gt 200 ] && cmp -s "$work/again" "$work/part"
ok $? "of rows that are there those count that are asked for"

# ---- the reference's folder: a set of each task
golden=${VILSCOPE_SHARED:-$SRCDIR/../shared}/golden/eval
if [ -d "$golden/datasets" ]; then
    r() {
        "$VILSCOPE" eval -m "$golden/model" --reference "$golden/datasets" --heads "$@" 2>>"$work/said"
    }
    r --csv --rows "$work/ref" | tr -d '"' >"$work/out"
    tasks=$(sed 1d "$work/out" | cut -d, -f1 | sort -u | tr '\n' ' ')
    [ "$(head -n 1 "$work/out" | cut -d, -f1-3)" = "task,split,checkpoint" ] && [ "$(echo "$tasks" | wc -w)" -gt 6 ]
    ok $? "--reference: $tasks"
    r --csv -t vqa | tr -d '"' >"$work/one"
    grep '^vqa,' "$work/out" >"$work/part"
    [ -s "$work/part" ] && sed 1d "$work/one" | cmp -s - "$work/part"
    ok $? "a task alone is as among others: $(head -n 1 "$work/part")"
    for i in 1 2; do
        r -t gqa --csv --shard $i/2 --rows "$work/ref.$i" >"$work/part"
    done
    cat "$work/ref.2" "$work/ref.1" >"$work/refs"
    r -t gqa --csv --rows "$work/refs" --resume | tr -d '"' | sed 1d >"$work/one"
    grep '^gqa,' "$work/out" | cmp -s - "$work/one" && [ -s "$work/one" ]
    ok $? "shards of it are the whole"
    refuses 2 "no single query can be looked at" "retrieval" "$VILSCOPE" eval -m "$golden/model" \
        --reference "$golden/datasets" --heads -t coco
else
    skip "there is no folder of the reference's data"
fi

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
bad "resume goes on from a file of rows" "rows of nowhere" --heads --resume
bad "either --heads or --change" "two studies" --heads --change "drop region 1"
spoiled() { # spoiled STATUS PATTERN WHAT FILE: going on from it; the demo says what it is before
    h --data "$work/set/few.jsonl" -c final --limit 5 --rows "$4" --resume >"$work/out"
    [ $? -eq "$1" ] && tail -n 1 "$work/said" | grep -q "$2"
    ok $? "$3: $(tail -n 1 "$work/said")"
}
sed '1s/"special"/"spatial"/; 1s/, special,/, spatial,/' "$work/rows" >"$work/bad"
spoiled 1 "line 1 is of other statistics" "rows of other statistics" "$work/bad"
sed '1s/"heads": *{[^}]*}/"heads":{"text":[[[1,2]]]}/' "$work/rows" >"$work/bad"
spoiled 1 "has no statistics of heads" "a row without its numbers" "$work/bad"
sed '2s/"text":\[/"text":[[[1,2,3,4,5,6]],/' "$work/rows" >"$work/bad"
spoiled 1 "is of a model with other heads" "a row with more heads" "$work/bad"
head -n 2 "$work/bad" >"$work/few"
spoiled 1 "is of a model with other heads" "which other items do not make good" "$work/few"
[ "$(wc -l <"$work/few")" -eq 2 ]
ok $? "nothing is asked after it"
h --data "$work/set" -c final --rows "$work/set/data.jsonl" --resume >"$work/out"
[ $? -eq 2 ] && tail -n 1 "$work/said" | grep -q "is the set that is read"
ok $? "the set as rows: $(tail -n 1 "$work/said")"
bad "sort is for --heads" "an order of nothing" --sort k90
bad "csv is for --change and --heads" "CSV of scores" --csv
bad "no --attention with it" "two of them" --heads --attention
end
