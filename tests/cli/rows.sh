#!/bin/sh
# SPDX-License-Identifier: MIT
# Rows of evaluations: from files into the log, listed, and the same scores from either. Rows of a
# checkpoint that the log does not know, an import that doubles what is there, a row that comes back
# with other bytes, a score that is another one than that of the rows, or a file of another kind that
# is taken breaks it.
set -u
tiny=$SRCDIR/tests/data/tiny
rows=$SRCDIR/tests/data/rows/rows.jsonl
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export VILSCOPE_LOG="$work/log.db" XDG_CACHE_HOME="$work/cache"
. "$SRCDIR/tests/cli/lib.sh"
s() { # s VERB...
    "$VILSCOPE" sessions "$@" >"$work/out" 2>"$work/err"
}

# ---- into the log
refuses 1 "knows no checkpoint 'noise': .*-m DIR" "whose rows they are" "$VILSCOPE" sessions import "$rows"
s import -m "$tiny" "$rows"
[ $? -eq 0 ] && [ "$(cat "$work/out")" = "vqa minval, noise: 6 rows
nlvr2 dev, noise: 4 rows" ]
ok $? "rows are imported: $(tr '\n' ';' <"$work/out") $(cat "$work/err")"
s import --json "$rows"
[ $? -eq 0 ] && [ "$(grep -c '"new": false' "$work/out")" -eq 2 ]
ok $? "the second time nothing is new, and the checkpoint is known"
s evaluations
[ "$(sed 's/ 20[^ ]* / /' "$work/out" | tr -s ' ')" = "e1 vqa minval, noise: 43.3% (14.9 to 77.0) of 6 items
e2 nlvr2 dev, noise: 75.0% (30.1 to 95.4) of 4 items" ]
ok $? "evaluations are listed: $(tr '\n' ';' <"$work/out")"
s show 1
grep -q '^e2 .*nlvr2 .*75.0%' "$work/out"
ok $? "in their session, too"
s list --json
grep -q '"evaluations": 2' "$work/out"
ok $? "sessions tell how many they have"
s evaluation e1
[ "$(tr -d '\n ' <"$work/out" | grep -o '"field":"answer_type","value":"other","items":4,"score":[0-9.]*')" = \
    '"field":"answer_type","value":"other","items":4,"score":0.4' ]
ok $? "an evaluation with its slices: $(grep -A 3 answer_type "$work/out" | tr -d '\n')"
{ s evaluation 1 --rows && cat "$work/out"; s evaluation 2 --rows && cat "$work/out"; } >"$work/back"
cmp -s "$work/back" "$rows"
ok $? "rows come back to the byte"
s check
ok $? "the log is sound: $(tail -n 1 "$work/out")"
refuses 1 "there is no evaluation 7" "a number of none" "$VILSCOPE" sessions evaluation 7
refuses 2 "'x' is not an ID" "no number" "$VILSCOPE" sessions evaluation x

# ---- the scores again
from() { # from WHERE OPTION...
    "$VILSCOPE" eval --from "$@" >"$work/out" 2>"$work/err"
}
from "$rows" --json
ok $? "scores from a file: $(cat "$work/err")"
python3 - "$work/out" "$rows" <<'PY' >"$work/said" 2>&1
import json, sys
said, rows = json.load(open(sys.argv[1])), [json.loads(x) for x in open(sys.argv[2])]
for e, task in zip(said["evaluations"], ["vqa", "nlvr2"], strict=True):
    own = [r for r in rows if r["task"] == task]
    assert e["task"] == task and e["items"] == len(own) and e["per_item"] == own, e["items"]
    assert abs(e["score"] - sum(r["score"] for r in own) / len(own)) < 1e-15, e["score"]
    assert e["left_out"] is None and e["model"] is None and e["ms_per_item"] is None
assert said["evaluations"][0]["rows"] == [
    {"question_id": r["id"], "answer": r["answer"]} for r in rows if r["task"] == "vqa"]
PY
ok $? "they are the means of the rows, which are there as the servers take them: $(tail -n 1 "$work/said")"
sed 's/"data": "[^"]*"/DATA/; s/"\(model\|path\|left_out\)": .*//; s/^ "data_digest.*//' "$work/out" |
    grep -v '^$' >"$work/file"
from "$VILSCOPE_LOG" --json
sed 's/"data": "[^"]*"/DATA/; s/"\(model\|path\|left_out\)": .*//; s/^ "data_digest.*//' "$work/out" |
    grep -v '^$' >"$work/log"
cmp -s "$work/file" "$work/log"
ok $? "from the log they are the same: $(diff "$work/file" "$work/log" | head -n 3)"
from "$VILSCOPE_LOG" --evaluation 2
[ "$(wc -l <"$work/out")" -eq 2 ] && grep -q '^nlvr2 .* 75.0% (30.1 to 95.4)' "$work/out"
ok $? "one of the log, as text"
from "$rows" -t vqa -c noise --split minval
[ "$(wc -l <"$work/out")" -eq 2 ] && grep -q '^vqa ' "$work/out"
ok $? "one of a file by its task, checkpoint and split"
refuses 1 "no evaluation with rows" "one that is not there" "$VILSCOPE" eval --from "$rows" -c other
refuses 1 "no evaluation 9" "a number that is not there" "$VILSCOPE" eval --from "$VILSCOPE_LOG" --evaluation 9
refuses 2 "is no log" "numbers of a file" "$VILSCOPE" eval --from "$rows" --evaluation 1
refuses 2 "measures nothing" "from rows and measured" "$VILSCOPE" eval --from "$rows" --data x -m "$tiny"
refuses 2 "is for --from" "a number of nothing" "$VILSCOPE" eval --evaluation 3

# ---- other files
refuses 1 "No such file" "no file" "$VILSCOPE" eval --from "$work/none"
refuses 1 "line 1 is no row" "another JSON" "$VILSCOPE" eval --from "$tiny/config.json"
: >"$work/empty"
refuses 1 "has no row" "an empty file" "$VILSCOPE" eval --from "$work/empty"
head -c 700 "$rows" >"$work/cut"
from "$work/cut"
[ $? -eq 0 ] && grep -q '^vqa  *minval  *1 ' "$work/out"
ok $? "a row that is cut off is none: $(cat "$work/err")"
{ cat "$rows"; sed -n '1s/"score": [0-9.]*/"score": 0.6/p' "$rows"; } >"$work/twice"
refuses 1 "has two rows that are not the same" "an item twice" "$VILSCOPE" eval --from "$work/twice"
sed '2s/"score": [0-9.]*/"score": 7/' "$rows" >"$work/bad"
refuses 1 "line 2 is no row of an evaluation (a score" "a score that cannot be" "$VILSCOPE" eval --from "$work/bad"
end
