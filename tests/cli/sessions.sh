#!/bin/sh
# SPDX-License-Identifier: MIT
# vilscope sessions as a user runs it: what was asked is found again, whatever its files are called
# now; replay tells what changed and says so by its status; logs are compared, exported, merged,
# pruned, checked and asked in SQL. An identity that is a path, a status that is always 0, or a verb
# that changes what it should only read breaks it.
set -u
tiny=$SRCDIR/tests/data/tiny
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export VILSCOPE_LOG="$work/log.db"
export XDG_CACHE_HOME="$work/cache"
. "$SRCDIR/tests/cli/lib.sh"
cp "$tiny/scene.png" "$tiny/scene.npy" "$work"
cp "$tiny/checkpoint.bin" "$work/other.bin"
ask() { # ask TASK TEXT [OPTION...]
    task=$1 text=$2
    shift 2
    "$VILSCOPE" query -m "$tiny" -t "$task" "$@" "$work/scene.png" "$text" >/dev/null 2>&1
}
s() {
    "$VILSCOPE" sessions "$@"
}
count() { # lines of a listing
    s search --limit 1000 "$@" | wc -l
}
ask refcoco "the red square"
ask snli-ve "a red square"
ask vqa "what is blue"
name=$(s sql --csv "SELECT checkpoint_name FROM queries WHERE id = 1" | tail -n 1)

[ "$(s list | wc -l)" -eq 4 ] && [ "$(s --json | grep -c '"uid": "[0-9a-f]\{32\}"')" -eq 3 ]
ok $? "sessions are listed"
[ "$(count red squ)" -eq 2 ] && [ "$(count blue)" -eq 1 ] && [ "$(count green)" -eq 0 ] &&
    [ "$(count '"' 'OR*')" -eq 0 ]
ok $? "words find queries, whatever they are"
[ "$(count -t vqa)" -eq 1 ] && [ "$(count --since 2020-01-01 --until 2021-01-01)" -eq 0 ] &&
    [ "$(count --session 2)" -eq 1 ]
ok $? "by task, time and session"
mv "$work/scene.png" "$work/renamed.png"
[ "$(count --image "$work/renamed.png")" -eq 3 ]
ok $? "a renamed picture keeps its history"
[ "$(count -c "$work/other.bin")" -eq 3 ] && [ "$(count -c "$name")" -eq 3 ] &&
    [ "$(count -c nobody)" -eq 0 ]
ok $? "a renamed checkpoint, too"
mv "$work/renamed.png" "$work/scene.png"

s pin 1 "region 3 triangle" && s note 2 "a note" && s tag 3 hard && s tag 3 hard
ok $? "pin, note, tag"
[ "$(count --pinned)" -eq 1 ] && [ "$(count --tag hard)" -eq 1 ] && [ "$(count note)" -eq 1 ]
ok $? "are found"
s untag 3 hard && s unpin 1 && s pin 1 "region 3 triangle" && [ "$(count --tag hard)" -eq 0 ]
ok $? "and taken away"
refuses 1 "no query 99" "a mark on no query" s pin 99
refuses 2 "one word" "a tag of two words" s tag 1 "two words"

s replay 1 -m "$tiny" --fail-on-change >"$work/out"
[ $? -eq 0 ] && grep -q "^same    1 .*logged as 4" "$work/out"
ok $? "the same checkpoint gives the same: $(head -n 1 "$work/out")"
# Another checkpoint: most of its word embeddings are 0.
cp "$tiny/checkpoint.bin" "$work/changed.bin"
dd if=/dev/zero of="$work/changed.bin" bs=100 count=80 seek=330 conv=notrunc 2>/dev/null
if s replay 2 -m "$tiny" -c "$work/changed.bin" --no-log --tolerance 0.0000001 \
    >"$work/out" 2>"$work/err"; then
    grep -q "^changed 2 " "$work/out"
    ok $? "another checkpoint gives another answer: $(head -n 1 "$work/out")"
    s replay 2 -m "$tiny" -c "$work/changed.bin" --no-log --tolerance 0.0000001 --fail-on-change \
        >"$work/out"
    [ $? -eq 1 ] && grep -q "1 changed" "$work/out"
    ok $? "and --fail-on-change says so"
else
    ok 1 "replay on another checkpoint: $(cat "$work/err")"
fi
[ "$(count)" -eq 4 ]
ok $? "with --no-log nothing is logged"
s replay 1 -m "$tiny" --no-log --json | grep -q '"outcome": "same"'
ok $? "replay as JSON"
ask refcoco "the red square" --change "drop region 3"
s replay 5 -m "$tiny" --no-log >"$work/out" && grep -q "^same    5 " "$work/out" &&
    s search --session 5 | grep -q "changed: drop region 3"
ok $? "a change is part of the question: $(s search --session 5)"
s prune --session 5 >/dev/null
# People read the words that they typed; files keep those of the log, which do not change.
ask vqa "the red square" --change "ablate text 1.1" --log "$work/words.db"
s search --session 1 --log "$work/words.db" >"$work/out" && grep -q "changed: ablate text 1.1 zero" "$work/out"
ok $? "a change in the words that were typed: $(cat "$work/out")"
s export 1 --format html --log "$work/words.db" | grep -q "<dt>changes</dt><dd>ablate text 1.1 zero"
ok $? "on a page, too"
s query 1 --log "$work/words.db" | grep -q '"changes": "silence text 1.1 zero"' &&
    s export 1 --format csv --log "$work/words.db" | grep -q "silence text 1.1 zero"
ok $? "JSON and CSV have the log's words"
# How the rows of a pair lay, and which entry the regions were, is asked again as it was; in a log of
# its own. Both make another number than the default.
mkdir "$work/in"
cp "$tiny/scene.png" "$tiny/mirror.png" "$work/in"
"$VILSCOPE" extract -m "$tiny" -o "$work/l.lmdb" --quiet "$work/in" 2>"$work/err"
if grep -q "$no_lmdb" "$work/err"; then
    skip "LMDB is not written here: how pairs and keys are asked again"
else
    set -- --log "$work/how.db"
    "$VILSCOPE" query -m "$tiny" -t nlvr2 --pair separate "$@" "$work/in/scene.png" "$work/in/mirror.png" \
        "two red things" >"$work/a" 2>&1 &&
        "$VILSCOPE" query -m "$tiny" -t vqa --regions "$work/l.lmdb" --key mirror "$@" "$work/in/scene.png" \
            "what is blue" >"$work/b" 2>&1
    s replay 1 -m "$tiny" --fail-on-change --tolerance 0.0000001 "$@" >"$work/out" &&
        s replay 2 -m "$tiny" --fail-on-change --tolerance 0.0000001 "$@" >>"$work/out" &&
        ! grep -q "other regions" "$work/out" && [ "$(grep -c '^same' "$work/out")" -eq 2 ]
    ok $? "pairs and keys are asked as they were: $(cat "$work/out")"
    "$VILSCOPE" query -m "$tiny" -t nlvr2 --no-log "$work/in/scene.png" "$work/in/mirror.png" \
        "two red things" 2>/dev/null | cmp -s - "$work/a"
    [ $? -eq 1 ] && "$VILSCOPE" query -m "$tiny" -t vqa --regions "$work/l.lmdb" --no-log \
        "$work/in/scene.png" "what is blue" 2>/dev/null | cmp -s - "$work/b"
    [ $? -eq 1 ]
    ok $? "which is not how they are asked by default"
    s query 1 "$@" | grep -q '"pair": "separate"' && s query 4 "$@" | grep -q '"key": "mirror"'
    ok $? "and the log says it, of the replay, too"
fi
mv "$work/scene.png" "$work/away.png"
s replay 1 -m "$tiny" --no-log --fail-on-change >"$work/out"
[ $? -eq 1 ] && grep -q "^failed  1 .*No such file.*" "$work/out" && grep -q "1 could not" "$work/out"
ok $? "a picture that is gone cannot be asked about"
s export --format html | grep -q "the image was not found"
ok $? "nor be shown"
mv "$work/away.png" "$work/scene.png"
refuses 1 "no such queries" "replay of no session" s replay 77 -m "$tiny"
refuses 1 "nowhere" "replay on no model" s replay 1 -m "$work/nowhere"
refuses 2 "one ID" "replay of nothing" s replay

s diff 1 4 >"$work/out" && grep -q "^0 of 1 answers changed" "$work/out"
ok $? "two sessions: $(cat "$work/out")"
refuses 1 "no session 9" "diff with no session" s diff 1 9
refuses 1 "no checkpoint 'nobody'" "diff with no checkpoint" s diff -c "$name" -c nobody
refuses 2 "two -c" "diff of nothing" s diff

[ "$(s export | wc -l)" -eq 4 ] && [ "$(s export 1 2 --format csv | wc -l)" -eq 3 ]
ok $? "export of all and of some"
s export 1 --format html -o "$work/report.html" && grep -q 'data:image/png;base64,' \
    "$work/report.html" && grep -q '<rect x=' "$work/report.html"
ok $? "a page with picture and boxes"
refuses 1 "cannot be written" "export to nowhere" s export -o "$work/none/x"
refuses 2 "jsonl, csv or html" "export as something else" s export --format pdf
s export -o "$work/report.html" && [ "$(wc -l <"$work/report.html")" -eq 4 ] &&
    [ "$(find "$work" -name '*.tmp' | wc -l)" -eq 0 ]
ok $? "a file is replaced, and nothing left beside it"
if [ -c /dev/full ]; then
    refuses 1 "cannot be written" "export to a full device" s export -o /dev/full
    [ -c /dev/full ]
    ok $? "which is a device still"
else
    skip "there is no /dev/full"
fi

[ "$(s sql "SELECT count(*) AS n FROM query_list WHERE pinned")" = "n
1" ]
ok $? "SQL as a table"
[ "$(s sql --csv "SELECT task, 1 FROM queries WHERE id = 2")" = "task,1
snli-ve,1" ] && [ "$(s sql --json "SELECT 1 AS a")" = '[{"a":1}]' ]
ok $? "as CSV and JSON"
[ "$(s sql "SELECT CAST(x'6162c3' AS TEXT) AS a, CAST(x'e282' AS TEXT) AS b, CAST(x'c2' AS TEXT) AS c")" \
    = "a    b   c
ab?  ??  ?" ]
ok $? "text that ends in half a character ends there"
refuses 2 "only reading" "SQL that writes" s sql "DELETE FROM queries"
refuses 2 "SQL: " "SQL that is none" s sql "SELEKT"

cp "$SRCDIR/tests/data/logs/version-2.db" "$work/old.db"
chmod u+w "$work/old.db"
s merge "$work/old.db" >"$work/out" && grep -q "4 new sessions, 4 new queries, 1 other" "$work/out" &&
    s merge "$work/old.db" | grep -q "0 new sessions, 0 new queries, 0 other" && [ "$(count)" -eq 8 ]
ok $? "an older log is merged, once"
s --log "$work/old.db" search square | grep -q triangle && [ ! -e "$work/old.db.v2.bak" ]
ok $? "and read without being changed"
s --log "$work/old.db" pin 1 2>"$work/err" && grep -q "old.db.v2.bak" "$work/err" &&
    [ -e "$work/old.db.v2.bak" ]
ok $? "writing migrates it: $(cat "$work/err")"
refuses 2 "the log itself" "merging a log with itself" s merge "$VILSCOPE_LOG"
refuses 1 "no log yet" "pinning in no log" s --log "$work/none.db" pin 1
[ ! -e "$work/none.db" ]
ok $? "and none is made"
refuses 1 "no log yet" "merging nothing" s merge "$work/none.db"

s check >"$work/out" && grep -q "no problems" "$work/out"
ok $? "the log is sound"
s prune --older-than 0d --dry-run | grep -q "^7 queries would be removed, 1 pinned" && [ "$(count)" -eq 8 ]
ok $? "a dry prune"
s prune --session 2 --vacuum | grep -q "^1 queries removed" && [ "$(count)" -eq 7 ]
ok $? "a session is pruned"
s prune --older-than 0d >/dev/null && [ "$(count)" -eq 1 ] && s prune --older-than 0d --all \
    >/dev/null && [ "$(count)" -eq 0 ] && s check >/dev/null
ok $? "all but the pinned, and then that"
refuses 2 "older-than or --session" "pruning everything by mistake" s prune
refuses 2 "90d" "an age that is none" s prune --older-than soon

# What an answer owes to words and regions: logged, printed, exported, computed again.
export VILSCOPE_LOG="$work/owed.db"
o() { # the query, with more options
    "$VILSCOPE" query -m "$tiny" --threads 1 -t gqa "$@" --regions "$work/scene.npy" "what color" 2>&1
}
o --attribute relevancy >"$work/owed" && o --attribute leave-one-out --target 3 --against 5 --removal mask >/dev/null &&
    o --attribute attention --map "text-to-image 1.2" >/dev/null &&
    [ "$(s sql --csv "SELECT group_concat(method || '/' || coalesce(against, '') || '/' || map || '/' || removal || '/' || scale, ' ') FROM attributions" | tail -n 1)" = \
        "relevancy///""/logit leave-one-out/answer 5//mask/logit difference attention//text-to-image 1.2//logit" ]
ok $? "attributions are logged as they were asked: $(s sql --csv "SELECT method, against, map, removal, scale FROM attributions" | tr '\n' ' ')"
largest=$(sed -n 's/^  1\. *\(token\|region\) .* \([-+][0-9.e-]*\)$/\2/p' "$work/owed" | tail -n 1 | awk '{ printf "%+.4g", $1 }')
s show 1 >"$work/out" && grep -q "^ *relevancy of \".*\", logit [-+0-9.]*: \(region \)\?[^ ,]* $largest," "$work/out"
ok $? "show prints the largest, as query did: $largest; $(tail -n 1 "$work/out")"
s export --session 1 >"$work/out" && grep -q '"attributions":\[{"method":"relevancy".*"tokens":\[{"token":' "$work/out"
ok $? "and export gives all"
for i in 1 2 3; do
    s replay $i -m "$tiny" --no-log --fail-on-change
done >"$work/out" 2>"$work/err" && [ "$(grep -c '^same  *[a-z-]* of ".*% of the largest' "$work/out")" -eq 3 ] &&
    [ "$(grep -c '^1 attributions computed again: 0 differ' "$work/out")" -eq 3 ]
ok $? "replay computes them again: $(grep ' of "' "$work/out" | head -n 1)"
s replay 1 -m "$tiny" -c "$work/changed.bin" --no-log --json >"$work/out" 2>"$work/err"
grep -q '"attributions_differ": 1' "$work/out" && grep -q '"outcome": "differs"' "$work/out"
ok $? "and says of another checkpoint that they differ"
s replay 1 -m "$tiny" >/dev/null 2>&1 && [ "$(s sql --csv "SELECT count(DISTINCT digest) || '/' || count(*) FROM attributions WHERE method = 'relevancy'" | tail -n 1)" = 1/2 ]
ok $? "what replay logs has the same numbers"
export VILSCOPE_LOG="$work/log.db"

ask vqa "after" && dd if=/dev/zero of="$VILSCOPE_LOG" bs=4096 seek=3 count=20 conv=notrunc 2>/dev/null
s check >"$work/out" 2>"$work/err"
[ $? -eq 1 ] && { grep -q "^problem: " "$work/out" || grep -q damaged "$work/err"; }
ok $? "a damaged log is called so: $(cat "$work/err" "$work/out" | grep -m 1 'problem\|damaged')"
end
