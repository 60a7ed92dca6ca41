#!/bin/sh
# SPDX-License-Identifier: MIT
# The demo's checkpoints have truths to find: "faulty" is "final" with text layer 3 of "no-relations" and with
# one head, the first of the second co-attention, text to image, that attends to all regions alike
# (demo/train/faulty.py); "no-relations" never saw a question about where things are. What the tools say has to be
# this and nothing else; between two checkpoints that are whole it must not be. (That the statistics of heads
# show the damaged one is the tour's: tests/screen/test-tour.c.) Broken by a comparison that names another part.
set -u
demo=$(cd "$SRCDIR" && pwd)/demo/model
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export VILSCOPE_LOG="$work/log.db" XDG_CACHE_HOME="$work/cache"
. "$SRCDIR/tests/cli/lib.sh"

# What the pictures of the demo suggest, of tasks with words for one thing.
grep -E '"task": "(vqa|gqa|refcoco|refcocog)"' "$demo/queries.jsonl" | sed "s#images/#$demo/images/#g" |
    head -n 32 >"$work/asked.jsonl"
# compared A B OPTION...: as CSV without its heading
compared() {
    a=$1 b=$2
    shift 2
    "$VILSCOPE" compare -m "$demo" -c "$a" -c "$b" --no-log --csv --top 0 "$@" 2>>"$work/err" | sed 1d
}

# ---- the tools, each with what it finds as one line
# Layers whose weights moved.
moved() {
    compared "$1" "$2" --weights | tr -d '"' | awk -F, '$5 + 0 != 0 {print $3}' | sort | tr '\n' ' '
}
# Tensors of co-attention layer 2 that moved.
tensors() {
    compared "$1" "$2" --weights --tensors | tr -d '"' | awk -F, '$3 ~ /c_layer\.1\./ && $5 + 0 != 0 {print $3}' |
        sed 's/.*\.\(query\|key\|value\|dense\|q_dense\)/\1/' | sort | tr '\n' ' '
}
# The head whose attention changed most; how many heads of the first two layers changed, but for the damaged one.
attends() {
    compared "$1" "$2" --attention --check-set "$work/asked.jsonl" >"$work/attention"
    sort -t, -k4,4gr "$work/attention" | head -n 1 | cut -d, -f1-3 | tr '\n' ' '
    awk -F, '$4 + 0 != 0 && $2 <= 2 && !($1 == "text to image" && $2 == 2 && $3 == 1) {n++}
        END {print n + 0}' "$work/attention"
}
# Parts that bring any of the change about: layers, heads. Names of heads have a comma, so fields count from the end.
carries() {
    compared "$1" "$2" --patch "$3" --check-set "$work/asked.jsonl" | awk -F, '$(NF - 1) + 0 != 0' |
        sed 's/^"\([^"]*\)".*/\1/; s/^\([^,]*layer [0-9]*\),[^ ].*/\1/' | sort | tr '\n' ';'
}

layers="bert.encoder.c_layer.1 bert.encoder.layer.2 "
found=$(moved final faulty)
[ "$found" = "$layers" ]
ok $? "weights: two layers moved: $found"
found=$(tensors final faulty)
[ "$found" = "query2.bias query2.weight " ]
ok $? "and of the co-attention the text's queries: $found"
compared no-relations faulty --weights | tr -d '"' | grep '^no-relations,faulty,bert.encoder.layer.2,[^,]*,0,' >"$work/out"
ok $? "the other one is that of no-relations: $(cat "$work/out")"
found=$(attends final faulty)
[ "$found" = "text to image,2,1 0" ]
ok $? "attention: the damaged head changed most, and none beside or before it: $found"
parts="co-attention layer 2;text layer 3;"
found=$(carries final faulty layers)
[ "$found" = "$parts" ]
ok $? "patching: these two layers carry the change: $found"
found=$(carries final faulty heads)
case $found in
"co-attention layer 2, head 1;text layer 3, head "*) ;;
*) false ;;
esac && ! printf '%s' "$found" | tr ';' '\n' | grep -qvE '^(co-attention layer 2, head 1|text layer 3, head [1-4])$'
ok $? "and of all heads the damaged one, and those of the layer: $found"

# What the tutorial has people do with them shows it, too.
"$VILSCOPE" world -o "$work/world" --scenes 2 >"$work/out" 2>&1
sed -n 's/^\.Dl vilscope \(compare .*--patch .*\)/"$VILSCOPE" \1 --no-log/p' "$SRCDIR/man/vilscope-tutorial.7" |
    sed 's/\\(dq/"/g' >"$work/typed"
(cd "$work" && VILSCOPE_DEMO=$demo sh typed) >"$work/out" 2>>"$work/err"
[ "$(wc -l <"$work/typed")" -eq 1 ] && grep -q '^text layer 3 .* 1 of 1$' "$work/out" && tail -n 1 "$work/out" | grep -qx '  text layer 3'
ok $? "the tutorial's patching: one part alone brings the answer back: $(grep recovered "$work/out" | tail -n 1)"

# ---- activation patching: "blue" in the place of "red", in a picture with a mug of each color, lights up at that
# word first, then at the two mugs, and last where the answer is read: [CLS] of a question, the mugs of a phrase
# patched TASK TEXT OTHER: rows of exact shares, each place's largest ones
patched() {
    "$VILSCOPE" query -m "$demo" -c final -t "$1" --no-log --verify 100000 --top 100 "$demo/images/000004.png" "$2" \
        --patch-from "$3" >"$work/patched" 2>>"$work/err"
}
# share ROW COLUMN: in percent; columns count from the right
share() {
    grep -E "^$1 " "$work/patched" | head -n 1 | awk -v k="$2" '{printf "%d", 100 * $(NF + 1 - k)}'
}
patched vqa "what is the size of the red mug?" "what is the size of the blue mug?"
grep -q '^A: .*: large (' "$work/patched" && grep -q '^B: .*: small (' "$work/patched"
ok $? "the large mug is red, the small one blue: $(grep '^activation' "$work/patched")"
word=$(share '9 red \(9 blue\)' 8) late=$(share '9 red \(9 blue\)' 1) cls=$(share '1 \[CLS\]' 1) early=$(share '1 \[CLS\]' 8)
[ "$word" -ge 99 ] && [ "$late" -eq 0 ] && [ "$cls" -ge 50 ] && [ "$early" -eq 0 ]
ok $? "the word early ($word %, at the end $late %), the row that is read late ($early %, then $cls %)"
mugs=$(($(share 'region 1' 6) + $(share 'region 2' 6)))
[ "$mugs" -ge 80 ] && [ "$(share 'region 1' 1)" -eq 0 ]
ok $? "and between them the mugs: $mugs %"
others=$(grep -E '^(region ([3-9]|1[0-6])|[2345678] ) ' "$work/patched" | awk '{for (i = NF - 6; i <= NF; i++) if ($i > m || -$i > m) m = $i < 0 ? -$i : $i}
    END {printf "%d", 100 * m}')
[ "$others" -le 15 ]
ok $? "other words and regions bring $others % at most"
patched refcoco "the red mug" "the blue mug"
word=$(share '4 red \(4 blue\)' 8) late=$(share '4 red \(4 blue\)' 1)
one=$(share 'region 1' 1) two=$(share 'region 2' 1)
[ "$word" -ge 99 ] && [ "$late" -eq 0 ] && [ "$one" -ge 40 ] && [ "$two" -ge 40 ] && [ $((one + two)) -ge 98 ]
ok $? "of a phrase the word early ($word %), the regions of both answers late ($one %, $two %)"

# ---- put right again: with both parts from the final one, its very answers
picture=$demo/images/000000.png
# logits CHECKPOINT CHANGE...: of the changed query, which comes before the unchanged one
logits() {
    c="-c $1"
    [ "$1" = final ] || c="$c -c final"
    shift
    # shellcheck disable=SC2086 # words
    "$VILSCOPE" query -m "$demo" $c -t vqa --no-log --json --top 99 "$@" "$picture" \
        "What color is the ring right of the star?" 2>>"$work/err" | grep '"logit"' |
        head -n "$(wc -l <"$demo/answers.txt")"
}
logits final >"$work/final"
logits faulty --change "patch text 3 from final" --change "patch co 2 from final" >"$work/mended"
[ "$(wc -l <"$work/final")" -ge 5 ] && cmp -s "$work/final" "$work/mended"
ok $? "with both parts of the final one the faulty one has its logits"
for part in "text 3" "co 2"; do
    logits faulty --change "patch $part from final" >"$work/half"
    [ "$(wc -l <"$work/half")" -ge 5 ] && ! cmp -s "$work/final" "$work/half"
    ok $? "with $part alone it has not"
done

# ---- and over a set of items: both parts put right, one head that is already even, and the same weights
"$VILSCOPE" world -o "$work/items" --seed 5000 --scenes 100
"$VILSCOPE" eval -m "$demo" -c faulty -c final --data "$work/items" -t vqa --csv --rows "$work/rows" \
    --change "patch text 3 from final; patch co 2 from final" --change "ablate text-to-image 2.1 uniform" \
    2>>"$work/err" | sed 1d | tr -d '"' >"$work/changes"
# of CHECKPOINT CHANGE FIELD: a number of a comparison
of() {
    grep -F ",$1,$1 [$2" "$work/changes" | cut -d, -f"$3"
}
found=$(of faulty patch 9)
[ "$(of faulty patch 18)" = b ] && awk -v d="$found" 'BEGIN {exit !(d > 0.1)}'
ok $? "over a set the mended one is better, as the test says: by $found"
rows_of() {
    grep -F "\"checkpoint\": \"$1\"" "$work/rows" | sed 's/"checkpoint": "[^"]*"//'
}
rows_of final >"$work/one"
rows_of "faulty [patch text 3 from final; patch co 2 from final]" >"$work/other"
[ "$(wc -l <"$work/one")" -eq 100 ] && cmp -s "$work/one" "$work/other"
ok $? "each of its rows is the final one's"
[ "$(of final patch 9),$(of final patch 13),$(of final patch 14),$(of final patch 19)" = "0,0,0,0" ]
ok $? "the final one's own parts change exactly nothing"
[ "$(of faulty ablate 19)" = 0 ] && [ "$(of final ablate 19)" -gt 0 ]
ok $? "the damaged head made even answers as before, the whole one does not: $(of final ablate 19) of 100"

# ---- heads over the set: the damaged one attends to all 16 regions and the whole image alike, as numbers have it
"$VILSCOPE" eval -m "$demo" -c final -c faulty --data "$work/items" -t vqa --heads --sort entropy --csv \
    2>>"$work/err" | sed 1d | tr -d '"' >"$work/heads"
damaged=text-to-image,2,1
# stat CHECKPOINT LESS HEAD STATISTIC FIELD
stat() {
    grep "^$1,$2,$3,$4," "$work/heads" | cut -d, -f"$5"
}
awk -v e="$(stat faulty "" $damaged entropy 7)" -v s="$(stat faulty "" $damaged special 7)" \
    -v k="$(stat faulty "" $damaged k90 7)" 'BEGIN {
        exit !(sqrt((e - log(17))^2) < 1e-4 && sqrt((s - 1 / 17)^2) < 1e-5 && k == 16)}'
ok $? "its entropy is log 17, its special share 1/17, 16 columns hold 90 %: $(stat faulty "" $damaged entropy 7)"
found=$(grep '^faulty,final,' "$work/heads" | head -n 1 | cut -d, -f3-6)
[ "$found" = "$damaged,entropy" ] && awk -v l="$(stat faulty final $damaged entropy 8)" 'BEGIN {exit !(l > 1)}'
ok $? "it differs most from the final one's, far outside of chance: $found, from $(stat faulty final $damaged entropy 8) on"
found=$(awk -F, '$1 == "faulty" && $2 == "final" && $7 != 0 && ($4 < 2 || ($4 == 2 && $3 ~ /^(text|text-to-image)$/)) {
    print $3 "," $4 "," $5}' "$work/heads" | sort -u)
[ "$found" = "$damaged" ]
ok $? "before and beside it no head differs at all: $found"
awk -v f="$(stat final "" $damaged pointing 7)" -v l="$(stat faulty final $damaged pointing 9)" \
    'BEGIN {exit !(f > 0.9 && l < -0.3)}'
ok $? "and it points at nothing any more: by $(stat faulty final $damaged pointing 7)"
"$VILSCOPE" eval -m "$demo" -c middle -c final --data "$work/items" -t vqa --heads --sort entropy --csv \
    2>>"$work/err" | tr -d '"' | grep '^final,middle,' >"$work/whole"
[ "$(head -n 1 "$work/whole" | cut -d, -f3-5)" != "$damaged" ] &&
    [ "$(awk -F, '$6 == "entropy" && ($8 > 0 || $9 < 0)' "$work/whole" | wc -l)" -gt 20 ]
ok $? "between whole ones it is another: $(head -n 1 "$work/whole" | cut -d, -f3-7)"

# ---- what no-relations does not know
"$VILSCOPE" world -o "$work/set" --seed 4322 --scenes 120 --items 2
grep -v '"typo"' "$work/set/data.jsonl" | grep -E '"task": "(gqa|refcocog)"' >"$work/set/whole"
grep '"relation"' "$work/set/whole" >"$work/set/relations.jsonl"
grep -v '"relation"' "$work/set/whole" >"$work/set/others.jsonl"
# lost SET TASK: points that no-relations has less than final
lost() {
    "$VILSCOPE" eval -m "$demo" -c final -c no-relations -t "$2" --data "$work/set/$1.jsonl" --json --no-log \
        2>>"$work/err" | sed -n 's/.*"score": \([0-9.]*\).*/\1/p' | awk '{s = NR == 1 ? $1 : s - $1} END {printf "%d", 100 * s}'
}
for task in gqa refcocog; do
    far=$(lost relations $task) other=$(lost others $task)
    [ "$far" -ge $((other + 10)) ]
    ok $? "$task: no-relations loses $far points where things are in relation, $other elsewhere"
done

# ---- between checkpoints that are whole, no tool names these
found=$(moved middle final)
[ "$(echo "$found" | wc -w)" -gt 10 ]
ok $? "weights of whole ones: $(echo "$found" | wc -w) layers moved"
found=$(attends middle final)
[ "${found##* }" -gt 10 ]
ok $? "attention of whole ones: $found heads changed that would not have"
found=$(carries middle final layers)
[ "$found" != "$parts" ] && [ "$(printf '%s' "$found" | tr ';' '\n' | wc -l)" -gt 5 ]
ok $? "patching of whole ones: $found"
end
