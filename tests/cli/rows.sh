#!/bin/sh
# SPDX-License-Identifier: MIT
# Rows of evaluations: from files into the log, listed, the same scores from either, and two of them
# judged. Rows of a checkpoint that the log does not know, an import that doubles what is there, a row
# that comes back with other bytes, a score that is another one than that of the rows, a file of
# another kind that is taken, or a difference that is not that of the same items breaks it.
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
[ -s "$work/file" ] && cmp -s "$work/file" "$work/log"
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
refuses 1 "scene.png: is .* image, not rows" "a picture" "$VILSCOPE" eval --from "$tiny/scene.png"
gzip -c "$rows" >"$work/rows.gz"
refuses 1 "is a file compressed by gzip, not rows" "gzip" "$VILSCOPE" compare --rows "$work/rows.gz"
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

# ---- two evaluations judged
awk 'BEGIN {
    for (c = 0; c < 2; c++) {
        file = ARGV[1] (c ? "/b.jsonl" : "/a.jsonl")
        for (i = 0; i < 200; i++) {
            good = c ? i % 2 || i % 10 == 0 : i % 4 == 0
            sure = good || i % 5 == 0 ? 2 : 0.5
            printf "{\"task\": \"snli-ve\", \"split\": \"dev\", \"checkpoint\": \"%s\", \"index\": %d, " \
                "\"id\": %d, \"image\": %d, \"text\": \"a %s here\", \"choice\": %d, \"logits\": [%s], " \
                "\"label\": 2, \"margin\": 1, \"score\": %s, \"correct\": %s, \"fields\": {\"kind\": \"%s\"}}\n", \
                c ? "late" : "early", i, i, int(i / 2), i % 3 ? "dog" : "cat", good ? 2 : 0, \
                good ? "0, 0, " sure : sure ", 0, 0", good ? "1.0" : "0.0", good ? "true" : "false", \
                i % 2 ? "odd" : "even" >file
        }
    }
}' "$work"
judge() { # judge OPTION...
    "$VILSCOPE" compare --rows "$work/a.jsonl" "$work/b.jsonl" "$@" >"$work/out" 2>"$work/err"
}
judge
[ $? -eq 0 ] && grep -q 'early  *25.0% (.*), 200 items' "$work/out" &&
    grep -q 'late  *60.0%' "$work/out" &&
    grep -q 'early to late: +35.0 points (+[0-9.]* to +[0-9.]*), 200 items of 100 images' "$work/out" &&
    grep -q 'right with early only 40, with late only 110; McNemar p < 0.0001: late is better' "$work/out"
ok $? "the difference, its interval and its test: $(tail -n 2 "$work/out" | tr '\n' ' ')"
sed 's/a cat here/a cat there/' "$work/b.jsonl" >"$work/asked.jsonl"
refuses 1 "snli-ve dev: item 0 asks 'a cat here' with early and 'a cat there' with late: they were measured on different data" \
    "the same ids of other texts" "$VILSCOPE" compare --rows "$work/a.jsonl" "$work/asked.jsonl"
judge --json --slices --agreement --trend --calibration --confusion
python3 - "$work/out" <<'PY' >"$work/said" 2>&1
import json, math, sys
v = json.load(open(sys.argv[1]))
p, = v["comparisons"]
assert (p["both"], p["only_a"], p["only_b"], p["neither"]) == (10, 40, 110, 40), p
exact = 2 * sum(math.comb(150, k) for k in range(41)) / 2 ** 150
assert abs(p["p"] / exact - 1) < 1e-6 and p["holm"] == p["p"] and p["better"] == "b", p
assert p["low"] < p["difference"] < p["high"] and abs(p["difference"] - 0.35) < 1e-9, p
odd = [s for s in v["slices"] if s["slice"] == [{"field": "kind", "value": "odd"}]][0]
assert odd["items"] == 100 and odd["difference"] == 1 and odd["only_b"] == 100, odd
assert v["slices"][0] == odd and odd["false_discovery"] >= odd["p"]
a, = v["agreement"]
assert (a["all"]["items"], a["none"]["items"]) == (10, 40), a
assert [x["items"] for x in a["only"]] == [40, 110] and a["only"][0]["ids"][:3] == ["4", "8", "12"], a
assert v["trend"][0]["checkpoints"][1]["since_last"]["only_b"] == 110
for c, right in zip(v["calibration"], (0.25, 0.6), strict=True):
    own = [(math.exp(s) / (2 + math.exp(s)), g) for s, g in (
        (2 if g or i % 5 == 0 else 0.5, g) for i, g in (
            (i, (i % 4 == 0) if right == 0.25 else bool(i % 2 or i % 10 == 0)) for i in range(200)))]
    assert abs(c["right"] - right) < 1e-9
    assert abs(c["brier"] - sum((x - g) ** 2 for x, g in own) / 200) < 1e-9, c["brier"]
    bins = {}
    for x, g in own:
        bins.setdefault(math.ceil(x * 15), []).append((x, g))
    ece = sum(abs(sum(x for x, _ in b) - sum(g for _, g in b)) for b in bins.values()) / 200
    assert abs(c["ece"] - ece) < 1e-9, (c["ece"], ece)
assert v["confusion"][0]["pairs"] == [
    {"right": "entailment", "answer": "contradiction", "items": [150, 80]}], v["confusion"]
PY
ok $? "all of it as JSON, as counted here: $(tail -n 1 "$work/said")"
cp "$work/out" "$work/first"
judge --json --slices --agreement --trend --calibration --confusion
[ -s "$work/first" ] && cmp -s "$work/out" "$work/first"
ok $? "the same seed gives the same"
(
    trap '' XFSZ
    ulimit -f 0
    "$VILSCOPE" compare --rows "$work/a.jsonl" "$work/b.jsonl" --json --slices --agreement --trend --calibration \
        --confusion 2>&1
) | cat >"$work/out"
cmp -s "$work/out" "$work/first"
ok $? "and so do rows that the disk has no room for: $(head -n 1 "$work/out" | cut -c 1-100)"
judge --slice kind,first_word --least 10
grep -q 'kind = odd, first_word = a  *100 ' "$work/out"
ok $? "two fields crossed: $(grep 'kind = ' "$work/out" | head -n 2 | tr -s ' ' | tr '\n' ';')"
judge --csv
[ "$(sed 1d "$work/out" | cut -d, -f 1-6,12-15)" = '"snli-ve","dev","early","late",200,100,10,40,110,40' ]
ok $? "as CSV: $(sed 1d "$work/out")"
judge --agreement --trend --calibration --confusion --slices
[ $? -eq 0 ] && grep -q 'only late  *110' "$work/out" && grep -q 'entailment  *contradiction  *150  *80' "$work/out"
ok $? "all of it as text"
sed 's/"early"/"middle"/; s/"index": 7, /"index": 1007, /' "$work/a.jsonl" >"$work/c.jsonl"
judge "$work/c.jsonl"
[ $? -eq 0 ] && grep -q 'late  *35.0\*  *[0-9.-]*  *3[0-9.]*\*' "$work/out"
ok $? "three as a matrix: $(grep -A 5 points "$work/out" | tail -n 2 | tr -s ' ' | tr '\n' ';')"
"$VILSCOPE" compare --rows "$work/a.jsonl" "$work/a.jsonl" >"$work/out" 2>"$work/err"
[ $? -eq 0 ] && grep -q 'early ([^)]*a.jsonl) to early.*+0.0 points' "$work/out" &&
    grep -q 'McNemar p 1.0000: no difference is shown' "$work/out"
ok $? "one with itself: $(tail -n 1 "$work/out")"
mkdir "$work/m"
cp "$tiny"/* "$work/m/" 2>/dev/null
chmod -R u+w "$work/m"
s import -m "$work/m" "$rows"
sed 's/"noise"/"other"/; s/"score": 0.6/"score": 0.9/' "$rows" >"$work/other.jsonl"
sed 's/{"name": "noise", "file": "checkpoint.bin"}/&, {"name": "other", "file": "other.bin"}/' \
    "$tiny/model.json" >"$work/m/model.json"
cp "$tiny/checkpoint.bin" "$work/m/other.bin"
s import -m "$work/m" "$work/other.jsonl"
"$VILSCOPE" compare --from "$VILSCOPE_LOG" --evaluation 1 3 >"$work/out" 2>"$work/err"
[ $? -eq 0 ] && grep -q 'noise to other: +5.0 points' "$work/out" && ! grep -q nlvr2 "$work/out"
ok $? "two evaluations of a log: $(tail -n 2 "$work/out" | head -n 1) $(cat "$work/err")"
sed 's/"id": 5,/"id": 6000,/; s/early/late/' "$work/a.jsonl" >"$work/wrong.jsonl"
refuses 1 "item 5 is '5' with early and '6000' with late" "other data" \
    "$VILSCOPE" compare --rows "$work/a.jsonl" "$work/wrong.jsonl"
refuses 2 "no task was measured on two" "one alone" "$VILSCOPE" compare --rows "$work/a.jsonl"
refuses 2 "no row has such a field; there are kind, words, first_word, right" "a field that is not there" \
    "$VILSCOPE" compare --rows "$work/a.jsonl" "$work/b.jsonl" --slice color --json
refuses 2 "slices is for evaluations" "slices of nothing" "$VILSCOPE" compare -m "$tiny" --slices

# ---- measured and judged at once
"$VILSCOPE" world -o "$work/w" --seed 7 --scenes 6 --items 20 --retrieval 3
grep '"text": "[^"]\{1,24\}"' "$work/w/data.jsonl" >"$work/w/short.jsonl"
cp -r "$tiny" "$work/named"
seq 3129 >"$work/named/vqa.txt"
sed 's/"labels": {/&"vqa": "vqa.txt", /' "$tiny/model.json" >"$work/named/model.json"
LC_ALL=C sed 's/encoder\.layer\.0\./encoder.layer.X./g; s/encoder\.layer\.1\./encoder.layer.0./g
    s/encoder\.layer\.X\./encoder.layer.1./g' "$tiny/checkpoint.bin" >"$work/crossed.bin"
both() { # both COMMAND OPTION...: on the set with two checkpoints
    command=$1
    shift
    "$VILSCOPE" "$command" -m "$work/named" -c noise -c "$work/crossed.bin" --data \
        "$work/w/short.jsonl" --no-log "$@" 2>"$work/err"
}
both eval --rows "$work/m.jsonl" >"$work/out"
"$VILSCOPE" compare --rows "$work/m.jsonl" --calibration --json | grep -v '"source"' >"$work/want"
both compare --calibration --json | grep -v '"source"' >"$work/have"
[ "$(grep -c '"kind"\|"only_a"' "$work/have")" -ge 6 ] && cmp -s "$work/want" "$work/have"
ok $? "a set is measured and judged as its rows are: $(diff "$work/want" "$work/have" | head -n 3)"
both compare -t refcoco --limit 2 --csv >"$work/out"
[ "$(sed 1d "$work/out" | cut -d, -f 1-5)" = '"refcoco","","noise","crossed.bin",2' ]
ok $? "one task of it, and two items: $(sed 1d "$work/out")"
sampled() { # sampled OPTION...: which items of each task are asked
    both compare --agreement --json --top 0 "$@" | python3 -c '
import json, sys
for a in json.load(sys.stdin)["agreement"]:
    kinds = [a["all"], a["none"], a["some"], *a["only"]]
    print(a["task"], a["items"], sorted((i for k in kinds for i in k["ids"]), key=int))'
}
sampled --sample 3 --seed 5 >"$work/five"
sampled --sample 3 --seed 5 -t refcoco >"$work/alone"
sampled --sample 3 --seed 6 >"$work/six"
[ "$(awk '$2 == 3' "$work/five" | wc -l)" -ge 3 ] && grep '^refcoco ' "$work/five" | cmp -s - "$work/alone" &&
    [ "$(diff "$work/five" "$work/six" | grep -c '^<')" -ge 3 ]
ok $? "a sample is what the seed makes it, also of one task: $(grep '^refcoco ' "$work/five" "$work/six" | tr '\n' ';')"
both compare -t refcoco --sample 100000 --csv >"$work/out" && both compare -t refcoco --csv >"$work/whole"
cmp -s "$work/out" "$work/whole"
ok $? "a sample of more than there is has all: $(sed 1d "$work/out" | cut -d, -f 1-5)"
LC_ALL=C sed 's/vil_binary_prediction/vil_binarx_prediction/g' "$tiny/checkpoint.bin" >"$work/no-pairs.bin"
LC_ALL=C sed 's/vil_tri_prediction/vil_trx_prediction/g; s/vil_logit/vil_logix/g
    s/vil_binary_prediction/vil_binarx_prediction/g; s/vil_prediction/vil_predictiox/g
    s/vision_logit/vision_logix/g; s/bi_seq_rel/bi_seq_rex/g' "$tiny/checkpoint.bin" >"$work/no-heads.bin"
"$VILSCOPE" compare -m "$work/named" -c noise -c "$work/no-heads.bin" -c "$work/crossed.bin" -c "$work/no-pairs.bin" \
    --data "$work/w/short.jsonl" --limit 3 --csv >"$work/out" 2>"$work/err"
status=$?
[ $status -eq 1 ] && grep -q '^vilscope compare: no-heads.bin: .* cannot answer it' "$work/err" && ! grep -q 'no-heads' "$work/out" &&
    grep -q '"refcoco","","noise","no-pairs.bin",3' "$work/out" && ! grep -q '"nlvr2".*no-pairs' "$work/out" &&
    grep -q '"nlvr2","","noise","crossed.bin",' "$work/out"
ok $? "checkpoints that lack heads do not stop the others: $status $(grep -c . "$work/err") $(grep no-heads "$work/err" | head -n 1)"
mkdir "$work/run"
cp "$tiny/checkpoint.bin" "$work/run/1.bin"
cp "$work/no-heads.bin" "$work/run/2.bin"
cp "$work/crossed.bin" "$work/run/3.bin"
touch -d '2020-01-01' "$work/run/1.bin"
touch -d '2020-01-02' "$work/run/2.bin"
watched() { # watched OPTION...
    "$VILSCOPE" compare -m "$work/named" --data "$work/w/short.jsonl" --watch "$work/run" --settle 0.1 --until 3 \
        --sample 3 --seed 5 -t refcoco "$@" 2>"$work/err"
}
watched --json >"$work/out"
status=$?
cp "$work/err" "$work/watched"
both compare --sample 3 --seed 5 -t refcoco --json >"$work/whole"
python3 - "$work/out" "$work/whole" <<'PY' >"$work/said" 2>&1
import json, sys
lines, whole = [json.loads(x) for x in open(sys.argv[1])], json.load(open(sys.argv[2]))
assert [x["checkpoint"] for x in lines] == ["1.bin", "3.bin"], lines
assert all(x["sample"] == 3 and x["seed"] == 5 for x in lines)
first, last = (x["tasks"][0] for x in lines)
assert [first["score"], last["score"]] == [s["score"] for s in whole["scores"]]
assert "since" not in first and last["since"] == "1.bin"
want = whole["comparisons"][0]
assert last["since_last"]["items"] == 3 and all(want[k] == v for k, v in last["since_last"].items())
PY
[ $? -eq 0 ] && [ $status -eq 1 ] && grep -q '^vilscope compare: 2.bin: .* cannot answer it' "$work/watched"
ok $? "--watch measures each on the same items: $status $(tail -n 1 "$work/said") $(tail -n 1 "$work/watched")"
watched >"$work/out"
[ "$(grep -c '^  refcoco .*, 3 items' "$work/out")" -eq 2 ] && grep -q '3 items; .* since 1.bin, McNemar' "$work/out" &&
    [ "$(sed -n '/^refcoco: from checkpoint to checkpoint/,$p' "$work/out" | grep -c '\.bin ')" -eq 2 ]
ok $? "as text, with the whole way at the end: $(tail -n 1 "$work/out")"
refuses 2 "without --slices" "slices while one waits" "$VILSCOPE" compare -m "$tiny" --data x --watch "$work" --slices
refuses 2 "sample is for --data" "a sample of rows" "$VILSCOPE" compare --rows "$rows" --sample 3
refuses 2 "need --watch" "a stop without a watch" "$VILSCOPE" compare -m "$tiny" --data x --until 3
both compare -t vqa --limit 1 --gallery "$work/page.html" --outcome wrong >"$work/out"
[ "$(grep -c 'href="data:image/png;base64,' "$work/page.html")" -eq 1 ] &&
    [ "$(grep -c '<article>' "$work/page.html")" -eq 1 ]
ok $? "its pictures are where the set says: $(cat "$work/err")"
both compare -t refcoco --gallery "$work/page.html" --outcome wrong --top 100 >"$work/out"
python3 - "$work/page.html" "$work/m.jsonl" <<'PY' >"$work/said" 2>&1
import json, re, sys
page = open(sys.argv[1]).read()
rows = [r for r in map(json.loads, open(sys.argv[2])) if r["task"] == "refcoco"]
items = re.findall(r"<article>.*?</article>", page, re.S)
both = {}
for r in rows:
    both.setdefault(r["index"], []).append(r)
wrong = [p for p in both.values() if not any(r["correct"] for r in p)]
assert items and len(items) == len(wrong), (len(items), len(wrong))
want = set()
for a, b in wrong:
    for color, box in (("#e6550d", a["chosen_box"]), ("#1f77b4", b["chosen_box"]), ("#2ca02c", a["box"])):
        want.add((color, "%g" % box[0], "%g" % box[1], "%g" % (box[2] - box[0]), "%g" % (box[3] - box[1])))
have = set((m[4], *m[:4]) for m in re.findall(
    r'<rect x="([^"]*)" y="([^"]*)" width="([^"]*)" height="([^"]*)" fill="none" stroke="([^"]*)"', page))
assert have == want, (have ^ want)
for item in items:
    legend = re.search(r'class="legend">(.*?)</p>', item)[1]
    assert re.findall(r"color:(#\w+)", legend) == ["#e6550d", "#1f77b4", "#2ca02c"]
    assert "noise" in legend and "crossed.bin" in legend and "meant" in legend
    assert item.count("stroke-dasharray") == 1
PY
ok $? "boxes of both and the one that is meant, with a legend: $(tail -n 1 "$work/said")"
both compare -t visual7w --gallery "$work/page.html" --outcome wrong --top 100 >"$work/out"
python3 - "$work/page.html" "$work/m.jsonl" "$work/w/short.jsonl" <<'PY' >"$work/said" 2>&1
import json, re, sys
page = open(sys.argv[1]).read()
rows = [r for r in map(json.loads, open(sys.argv[2])) if r["task"] in ("visual7w", "guesswhat")]
items = [json.loads(line) for line in open(sys.argv[3])]
assert rows
for r in rows:
    meant = items[r["index"]]["candidates"]
    assert len(meant) == len(r["candidates"]) == len(r["choices"]) > 1
    assert all(abs(x - y) < 0.01 for a, b in zip(meant, r["candidates"]) for x, y in zip(a, b))
    assert all(abs(x - y) < 0.01 for x, y in zip(r["candidates"][r["target"]], r["box"]))
shown = re.findall(r"<article>.*?</article>", page, re.S)
assert shown and all(2 <= item.count('stroke="#888"') for item in shown), len(shown)
PY
ok $? "boxes to choose from are in rows and on the page: $(tail -n 1 "$work/said")"
grep -v '"task": "vqa".*"checkpoint": "crossed.bin"' "$work/m.jsonl" >"$work/one.jsonl"
"$VILSCOPE" compare --rows "$work/one.jsonl" >"$work/out"
[ "$(sed -n '/^vqa/,/^$/p' "$work/out" | sed -n 3p)" = "  no other one to compare it with" ] &&
    ! grep -q 'left against above' "$work/out" && grep -q 'noise to crossed.bin: ' "$work/out"
ok $? "a task that only one was measured on: $(sed -n 3p "$work/out")"
mv "$work/w/images/000000.png" "$work/w/images/gone.png"
both compare --csv >"$work/out"
[ "$(grep -c 'are left out with noise: 1 of their images is not there' "$work/err")" -eq 1 ] &&
    [ "$(grep -c 'are left out with crossed.bin' "$work/err")" -eq 1 ]
ok $? "items without their picture are left out, and said: $(head -n 1 "$work/err")"
grep '"task": "vqa"' "$work/w/short.jsonl" >"$work/vqa"
{
    echo '{"task": "vqa", "images": ["images/none.png"], "text": "is it?", "answer": "1"}'
    yes "$work/vqa" | head -n 100 | xargs cat | head -n 1500
} >"$work/w/many.jsonl"
ends 1 INT 'grep -q "left out with noise" "$work/err"' ': >"$work/err"' "$VILSCOPE" compare -m "$work/named" -c noise \
    -c "$work/crossed.bin" --data "$work/w/many.jsonl" --resamples 100
[ $status -eq 1 ] && grep -q '^  noise .* items$' "$work/out" && grep -q '^vilscope compare: stopped: ' "$work/err" &&
    [ "$(grep -c 'no other one to compare\|left out: .* that only noise has' "$work/out")" -eq 1 ]
ok $? "Ctrl-C: what was measured until then is compared: $status $(tail -n 1 "$work/out")"
refuses 2 "two checkpoints are needed" "one checkpoint" "$VILSCOPE" compare -m "$work/named" -c noise \
    --data "$work/w/short.jsonl"
refuses 2 "only one of --rows, --from, --data" "two sources" "$VILSCOPE" compare --data x --rows y
refuses 2 "images is for --data" "folders of no set" "$VILSCOPE" compare --rows "$rows" --images .
refuses 2 "go with --regions" "candidates alone" "$VILSCOPE" compare -m "$tiny" --data x --candidates y
refuses 2 "limit is for --data" "a part of rows" "$VILSCOPE" compare --rows "$rows" --limit 3
refuses 2 "rows are judged alone" "rows and weights" "$VILSCOPE" compare --rows "$rows" --weights

# ---- a page of what flipped
mkdir "$work/pictures"
cp "$tiny/scene.png" "$work/pictures/0.png"
cp "$tiny/scene.png" "$work/pictures/COCO_val2014_000000000001.jpg"
sed -i '2s/a dog here/<b>a \&amp; dog/' "$work/a.jsonl" "$work/b.jsonl"
judge --gallery "$work/page.html" --pictures "$work/pictures" --top 0
[ $? -eq 0 ] && [ "$(grep -c '<article>' "$work/page.html")" -eq 150 ] &&
    [ "$(grep -c 'href="data:image/png;base64,' "$work/page.html")" -eq 2 ] &&
    grep -q '150 of 200 items, flipped' "$work/page.html" &&
    grep -q '<h3>&#60;b&#62;a &#38;amp; dog</h3>' "$work/page.html" && ! grep -q '<script' "$work/page.html"
ok $? "items that flipped, with their pictures: $(cat "$work/err")"
judge --gallery "$work/page.html" --outcome lost --where kind=even --where first_word=a --top 5
[ $? -eq 0 ] && [ "$(grep -c '<article>' "$work/page.html")" -eq 5 ] &&
    grep -q '40 of 200 items, lost; the 5 with the surest' "$work/page.html" &&
    ! grep -q 'kind: odd' "$work/page.html"
ok $? "those of an outcome and of slices: $(cat "$work/err")"
judge --gallery "$work/page.html" --outcome wrong --sure 0.7 --top 0
[ "$(grep -c '<article>' "$work/page.html")" -eq "$(awk 'BEGIN {
    for (i = 0; i < 200; i++)
        n += i % 4 && !(i % 2 || i % 10 == 0) && i % 5 == 0
    print n + 0 }')" ]
ok $? "those that are wrong and sure: $(cat "$work/err")"
sed "s|\"image\": 0,|\"image\": \"$tiny/scene.png\",|; s|\"image\": 1,|\"image\": \"somewhere/1\",|" \
    "$work/a.jsonl" >"$work/e.jsonl"
sed "s|\"image\": 0,|\"image\": \"$tiny/scene.png\",|; s|\"image\": 1,|\"image\": \"somewhere/1\",|" \
    "$work/b.jsonl" >"$work/f.jsonl"
mv "$work/pictures/0.png" "$work/pictures/1.png"
page() { # page OPTION...: how many pictures there are
    "$VILSCOPE" compare --rows "$work/e.jsonl" "$work/f.jsonl" --top 0 --outcome gained \
        --gallery "$work/page.html" "$@" >/dev/null 2>&1
    grep -c 'href="data:image/png;base64,' "$work/page.html"
}
[ "$(page)" -eq 0 ] && [ "$(page --pictures "$tiny")" -eq 1 ] &&
    [ "$(page --pictures "$work/pictures")" -eq 1 ]
ok $? "pictures by the last part of their names, and only of the folder"
refuses 1 "No such file" "a folder that is not there" "$VILSCOPE" compare --rows "$work/a.jsonl" \
    "$work/b.jsonl" --csv --gallery "$work/none/page.html"

# ---- the manual's examples, as they are printed there, on a log that has something for each
export VILSCOPE_LOG="$work/examples.db"
m="-m $frozen --threads 1"
picture=$frozen/images/000001.png
make_rows() { # make_rows CHECKPOINT PERIOD: right but for each PERIOD-th item
    awk -v c="$1" -v p="$2" 'BEGIN { for (i = 0; i < 40; i++) printf "{\"task\": \"nlvr2\", " \
        "\"split\": \"dev\", \"checkpoint\": \"%s\", \"index\": %d, \"id\": \"d%d\", \"images\": " \
        "[\"i\", \"j\"], \"text\": \"Both are red\", \"regions\": [50, 50], \"choice\": %d, " \
        "\"logits\": [%s], \"label\": 1, \"margin\": 4, \"score\": %s, \"correct\": %s}\n", c, i, i,
        (i % p > 0), (i % p ? "0, 4" : "4, 0"), (i % p ? "1.0" : "0.0"), (i % p ? "true" : "false") }'
}
make_rows early 2 >"$work/early.jsonl"
make_rows final 3 >"$work/final.jsonl"
printf 'task: vqa\nimage: %s\ntext: is it a dog?\nanswer: a zebra\n' "$picture" >"$work/dog.checks"
# shellcheck disable=SC2086 # options
{
    s import $m "$work/early.jsonl" "$work/final.jsonl"
    "$VILSCOPE" compare $m -c early -c final --check-set "$work/dog.checks"
    "$VILSCOPE" compare $m -c early -c final --patch layers -t vqa "$picture" "what color is the large thing?"
    for c in early final; do
        "$VILSCOPE" query $m -c $c -t vqa --attribute relevancy "$picture" "what color is the large thing?"
    done
    s pin 1 "a zebra"
} >"$work/out" 2>"$work/err"
man=$SRCDIR/man/vilscope-sessions.5
awk -v to="$work/example" '/^\.Sh/ { in_it = $2 == "EXAMPLES" } in_it && /^\.Bd/ { n++; on = 1; next }
    /^\.Ed/ { on = 0 } on { print > (to n ".sql") }' "$man"
count=0
for f in "$work"/example*.sql; do
    count=$((count + 1))
    s sql --csv "$(sed "s,/images/42\.jpg,$(realpath "$picture")," "$f")"
    [ $? -eq 0 ] && [ "$(wc -l <"$work/out")" -ge 2 ] && ! sed -n 2p "$work/out" | grep -q '^0\(,\|$\)'
    ok $? "the manual's \"$(head -n 1 "$f")\": $(sed -n 2p "$work/out") $(cat "$work/err")"
done
[ $count -ge 10 ] && [ $count -eq "$(sed -n '/^\.Sh EXAMPLES/,$p' "$man" | grep -c '^SELECT')" ]
ok $? "all $count of the manual's examples"
end
