#!/bin/sh
# SPDX-License-Identifier: MIT
# Interventions over a data set: eval --change measures a checkpoint with and without them and tests the
# difference item by item. What changes nothing has to come out as exactly nothing, what takes the words away as
# far worse, two changes together as both, and a mistake as one line. Broken by a change that is not handed on,
# by pairs that are not those of one checkpoint, or by rows that lack their change's name. (The demo's planted
# fault, put right over a set: planted.sh.)
set -u
. "$SRCDIR/tests/cli/lib.sh"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export VILSCOPE_LOG="$work/log.db" XDG_CACHE_HOME="$work/cache"
"$VILSCOPE" world -o "$work/set" --seed 4242 --scenes 60 --language basic >/dev/null
e() {
    "$VILSCOPE" eval -m "$frozen" --data "$work/set" -t vqa --no-log "$@" 2>>"$work/said"
}
# field N: of each comparison as CSV, "WHAT value"; fields count behind the names, of which none has a comma
field() {
    sed 1d "$work/csv" | tr -d '"' | awk -F, -v n="$1" '{print $4 " " $(4 + n)}'
}

e -c final -c early --csv --change "drop word zebra" --change "patch text 2 from final" \
    --change "mask tokens words" --rows "$work/rows" >"$work/csv"
[ "$(wc -l <"$work/csv")" -eq 7 ]
ok $? "each of two checkpoints is compared with itself in three other ways: $(wc -l <"$work/csv") lines"
[ "$(sed 1d "$work/csv" | tr -d '"' | awk -F, 'index($4, $3 " [") != 1' | wc -l)" -eq 0 ]
ok $? "and never with another"
found=$(sed 1d "$work/csv" | tr -d '"' | grep -E 'zebra|final \[patch' |
    awk -F, '$9 != 0 || $10 != 0 || $11 != 0 || $13 + $14 != 0 || $16 != 1 || $19 != 0')
[ -z "$found" ] && [ "$(grep -cE 'zebra|final \[patch' "$work/csv")" -eq 3 ]
ok $? "a word that no text has, and a layer's own weights, change exactly nothing: $found"
found=$(field 5 | grep '^final \[mask tokens words\]' | awk '{printf "%d", 100 * $NF}')
[ "$found" -lt -20 ] && grep '^"*vqa.*final \[mask tokens words\]' "$work/csv" | grep -q '"*a"*,[0-9]*$'
ok $? "without words the checkpoint is worse, and the test says so: $found points"
found=$(field 15 | grep 'early \[patch' | awk '{print $NF}')
[ "$found" -gt 0 ]
ok $? "another's layer answers otherwise: $found of 60"

# ---- rows
same() { # same CHECKPOINT OTHER: whether all rows are equal but for their checkpoint
    for c in "$1" "$2"; do
        grep -F "\"checkpoint\": \"$c\"" "$work/rows" | sed 's/"checkpoint": "[^"]*"//' >"$work/of.$((n % 2))"
        n=$((n + 1))
    done
    n=$((n - 2))
    [ "$(wc -l <"$work/of.0")" -eq 60 ] && cmp -s "$work/of.0" "$work/of.1"
}
same final "final [drop word zebra]"
ok $? "rows of what changes nothing are equal to the last digit"
! same final "final [mask tokens words]"
ok $? "others are not"
"$VILSCOPE" compare --rows "$work/rows" --csv >"$work/again" 2>>"$work/said"
sed 1d "$work/csv" | tr -d '"' | grep '^vqa,,final,final \[mask' | cut -d, -f5-16 >"$work/first"
tr -d '"' <"$work/again" | grep '^vqa,,final,final \[mask' | cut -d, -f5-16 >"$work/second"
[ -s "$work/first" ] && cmp -s "$work/first" "$work/second"
ok $? "compare --rows says the same of them: $(cat "$work/second")"
[ ! -e "$work/log.db" ]
ok $? "nothing is logged"

# ---- several together, slices, heads in a batch
e -c final --csv --change "mask word color; drop region 1" --change "mask word color" --change "drop region 1" \
    --rows "$work/rows" >"$work/csv"
answers() {
    grep -F "\"checkpoint\": \"final [$1]\"" "$work/rows" | sed 's/.*"top": \[\[[0-9]*, \([^]]*\).*/\1/'
}
answers "mask word color; drop region 1" >"$work/both"
answers "mask word color" >"$work/one"
answers "drop region 1" >"$work/other"
[ "$(wc -l <"$work/both")" -eq 60 ] && ! cmp -s "$work/both" "$work/one" && ! cmp -s "$work/both" "$work/other"
ok $? "two interventions in one are both applied"
for change in "ablate text-to-image 1.2" "ablate text 2 uniform"; do
    e -c final --csv --change "$change" --rows "$work/rows" --limit 5 >"$work/csv"
    answers "$change zero" >"$work/one"
    answers "$change" >>"$work/one"
    picture=$work/set/$(grep '"task": "vqa"' "$work/set/data.jsonl" | sed -n '3s/.*"images": \["\([^"]*\)".*/\1/p')
    text=$(grep '"task": "vqa"' "$work/set/data.jsonl" | sed -n '3s/.*"text": "\([^"]*\)".*/\1/p')
    alone=$("$VILSCOPE" query -m "$frozen" -c final -t vqa --no-log --json --change "$change" "$picture" "$text" \
        2>>"$work/said" | sed -n 's/.*"logit": *\([^,]*\),*/\1/p' | head -n 1)
    [ -n "$alone" ] && awk -v a="$alone" 'NR == 3 {d = $1 - a; exit !(d < 1e-4 && d > -1e-4)}' "$work/one"
    ok $? "$change: an item has what query --change says ($alone, $(sed -n 3p "$work/one"))"
done
e -c final --change "mask tokens words" --slices --least 10 >"$work/out"
grep -q "as is *changed" "$work/out" && grep -q "^  words = " "$work/out" && grep -q "answered otherwise" "$work/out"
ok $? "slices tell where it is: $(grep '^  words = ' "$work/out" | head -n 1)"

# ---- several runs: shards, and one that was cut off
t() {
    e -c final -c early --limit 9 --json --slices --least 2 --change "mask word color" --change "drop region 1" "$@"
}
t --rows "$work/first" >"$work/json"
for i in 1 2 3; do
    t --shard $i/3 --rows "$work/shard.$i" >"$work/out"
done
cat "$work/shard.2" "$work/shard.3" "$work/shard.1" >"$work/shards"
[ "$(wc -l <"$work/first")" -eq 54 ] && [ "$(sort "$work/shards" | cksum)" = "$(sort "$work/first" | cksum)" ]
ok $? "three shards have the rows of the whole: $(wc -l <"$work/shards")"
strip() { # the place of the rows is no result
    grep -v '"source"' "$1" | sed "s|$work/[a-z.0-9]*||g"
}
t --rows "$work/shards" --resume >"$work/again" && [ "$(strip "$work/again" | cksum)" = "$(strip "$work/json" | cksum)" ] &&
    [ "$(wc -l <"$work/shards")" -eq 54 ]
ok $? "and together its JSON, to the byte"
head -n 31 "$work/first" >"$work/cut"
sed -n 32p "$work/first" | head -c 100 >>"$work/cut"
t --rows "$work/cut" --resume >"$work/again" && cmp -s "$work/cut" "$work/first" &&
    [ "$(strip "$work/again" | cksum)" = "$(strip "$work/json" | cksum)" ]
ok $? "what was cut off goes on, to the same rows and JSON"
e -c final --limit 2 --csv --change "drop region 1" --shard 3/3 --rows "$work/cut" >"$work/out"
[ $? -eq 0 ] && tail -n 1 "$work/said" | grep -q "shard 3 of 3 has no item"
ok $? "a shard without items: $(tail -n 1 "$work/said")"

# ---- what is wrong
bad() { # bad STATUS PATTERN WHAT OPTION...
    status=$1 pattern=$2 what=$3
    shift 3
    refuses "$status" "$pattern" "$what" "$VILSCOPE" eval -m "$frozen" --data "$work/set" -t vqa -c final --no-log "$@"
}
bad 2 "'mask tokens verbs' is not an intervention" "a kind that there is not" --change "mask tokens verbs"
bad 2 "no --attention with it" "the pointing game" --change "drop region 1" --attention
bad 2 "no --place with it" "a place" --change "drop region 1" --shard 1/2 --place 1/2
bad 2 "resume goes on from a file of rows" "rows of nowhere" --change "drop region 1" --resume
sed 's/"score": *1/"score": 0/' "$work/first" >"$work/bad"
e -c final --change "mask word color" --rows "$work/bad" --resume >"$work/out"
[ $? -eq 1 ] && tail -n 1 "$work/said" | grep -q "is not what comes of it now"
ok $? "rows of another run: $(tail -n 1 "$work/said")"
bad 2 "slices is for --change" "slices of nothing" --slices
bad 2 "names no intervention" "nothing" --change " ; "
e -c final --change "ablate text-to-image 9.1" --rows "$work/none.rows" >"$work/out"
[ $? -eq 2 ] && tail -n 1 "$work/said" | grep -q "have 3 layers of 4 heads"
ok $? "a head that there is not: $(tail -n 1 "$work/said")"
[ ! -e "$work/none.rows" ]
ok $? "of which nothing is measured"
bad 1 "none/rows: " "rows that cannot be written, before anything is measured" --rows "$work/none/rows" \
    --change "patch text 2 from nobody"
mkdir "$work/kept"
e -c final --rows "$work/kept/rows" --change "patch text 2 from nobody" >"$work/out"
[ $? -eq 2 ] && [ -z "$(ls -A "$work/kept")" ]
ok $? "of what fails no rows are left: $(ls -A "$work/kept")"
bad 2 "either --json or --csv" "two formats" --change "drop region 1" --json --csv
end
