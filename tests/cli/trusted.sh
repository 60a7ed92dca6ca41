#!/bin/sh
# SPDX-License-Identifier: MIT
# Calibration, of all items and of each slice, and what a gallery shows: numbers are those that are
# counted here another way, of two tasks (logits of all classes; answers of a vocabulary, worth a part
# of a point), with equally sure items and items without a confidence among them. A slice that takes
# the items of another one, a filter that lets others in or forgets some, or a list that is not in the
# order of confidence breaks it.
set -u
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export VILSCOPE_LOG="$work/log.db" XDG_CACHE_HOME="$work/cache"
. "$SRCDIR/tests/cli/lib.sh"

# ---- rows: numbers of a sequence that awk computes exactly
awk -v dir="$work" 'function roll(n) { state = (state * 16807) % 2147483647; return state % n }
function number(x) { return sprintf("%.4f", x) }
BEGIN {
    state = 20090
    for (c = 0; c < 2; c++)
        for (i = 0; i < 900; i++) {
            vqa = i >= 400
            file = dir (c ? "/b.jsonl" : "/a.jsonl")
            top = number(roll(12) ? roll(60000) / 10000 - 2 : 1.5) # some are equally sure
            worth = vqa ? roll(4) * 0.3 : roll(2)
            good = vqa ? worth > 0.3 : worth == 1
            printf "{\"task\": \"%s\", \"split\": \"%s\", \"checkpoint\": \"%s\", \"index\": %d, \"id\": \"i%d\", " \
                "\"image\": %d, \"text\": \"what is %d\", ", vqa ? "vqa" : "snli-ve", vqa ? "minval" : "dev", \
                c ? "late" : "early", vqa ? i - 400 : i, i, int(i / 3), i >file
            if (vqa && i % 50)
                printf "\"choice\": 3, \"answer\": \"red\", \"top\": [[3, %s], [5, %s]], \"target\": [[3], [%.1f]], ", \
                    top, number(top - 1), worth >file
            else if (vqa) # says nothing of how sure it is
                printf "\"choice\": 3, \"answer\": \"red\", " >file
            else
                printf "\"choice\": 1, \"logits\": [%s, 2, %s], \"label\": %d, ", roll(3) - 1, \
                    number(2 - roll(400) / 100), good ? 1 : 2 >file
            printf "\"margin\": 1, \"score\": %.1f, \"correct\": %s, \"fields\": {\"kind\": \"%s\", \"half\": \"%s\"}}\n", \
                worth, good ? "true" : "false", i % 3 == 0 ? "third" : "other", i % 2 ? "odd" : "even" >file
        }
}'
cat >"$work/peer.py" <<'PY'
import html, json, math, re, sys

def rows(name):
    return [json.loads(x) for x in open(name)]

def confidence(r):
    if "logits" in r:
        return 1 / sum(math.exp(x - max(r["logits"])) for x in r["logits"])
    return 1 / (1 + math.exp(-r["top"][0][1])) if "top" in r else None

def near(x, y, what):
    assert abs(x - y) < 1e-9, (what, x, y)

def check(c, own):
    own = [(confidence(r), r["score"]) for r in own if confidence(r) is not None]
    n = len(own)
    assert c["items"] == n, (c["items"], n)
    near(c["confidence"], sum(x for x, _ in own) / n, "confidence")
    near(c["right"], sum(y for _, y in own) / n, "right")
    near(c["brier"], sum((x - y) ** 2 for x, y in own) / n, "Brier")
    bins = [[] for _ in range(15)]
    for x, y in own:
        bins[max(0, math.ceil(x * 15) - 1)].append((x, y))
    near(c["ece"], sum(abs(sum(x for x, _ in b) - sum(y for _, y in b)) for b in bins) / n, "ECE")
    for b, i in zip(c["reliability"], [i for i in range(15) if bins[i]], strict=True):
        assert b["items"] == len(bins[i]) and abs(b["from"] - i / 15) < 1e-9, b
        near(b["right"], sum(y for _, y in bins[i]) / len(bins[i]), "a bin")
        near(b["confidence"], sum(x for x, _ in bins[i]) / len(bins[i]), "a bin")
    # Of equally sure ones each is wrong as their mean is.
    mean = {x: [y for z, y in own if z == x] for x, _ in own}
    wrong = [1 - sum(mean[x]) / len(mean[x]) for x in sorted((x for x, _ in own), reverse=True)]
    risks = [sum(wrong[:k]) / k for k in range(1, n + 1)]
    near(c["aurc"], sum(risks) / n, "AURC")
    for k, r in enumerate(c["risk_coverage"], 1):
        near(r["risk"], risks[math.ceil(k * n / 10) - 1], "risk")

def calibration(said, a, b):
    list = json.load(open(said))["calibration"]
    seen = set()
    for c in list:
        own = [r for r in (b if c["checkpoint"] == "late" else a) if r["task"] == c["task"] and
               ("field" not in c or r["fields"][c["field"]] == c["value"])]
        check(c, own)
        seen.add((c["task"], c["checkpoint"], c.get("field"), c.get("value")))
    slices = [(None, None), ("kind", "third"), ("kind", "other"), ("half", "odd"), ("half", "even")]
    assert len(list) == 20 and seen == {(t, c, *s) for t in ("snli-ve", "vqa") for c in ("early", "late")
                                        for s in slices}, seen
    print(len(list), "lists")

def gallery(page, a, b, task, outcome, sure, top, where):
    page = open(page).read()
    given = [html.unescape(x) for x in re.findall(r'<p class="fields">item (\w+)', page)]
    want = []
    for t in ("snli-ve", "vqa"):
        some = []
        for x, y in zip(a, b, strict=True):
            is_it = {"flipped": x["correct"] != y["correct"], "gained": y["correct"] > x["correct"],
                     "lost": x["correct"] > y["correct"], "wrong": not x["correct"] and not y["correct"],
                     "right": x["correct"] and y["correct"]}[outcome]
            surer = max(confidence(x) or 0, confidence(y) or 0)
            if x["task"] == t and task in ("", t) and is_it and surer >= sure and \
                    all(x["fields"][w.split("=")[0]] == w.split("=")[1] for w in where):
                some.append((-surer, x["index"], x["id"]))
        want += [x[2] for x in sorted(some)][:top or None]
    assert given == want and (want or outcome == "none"), (len(given), len(want), given[:3], want[:3])
    print(len(given), "items")

a, b = rows(sys.argv[2]), rows(sys.argv[3])
if sys.argv[1] == "calibration":
    calibration(sys.argv[4], a, b)
else:
    gallery(sys.argv[4], a, b, sys.argv[5], sys.argv[6], float(sys.argv[7]), int(sys.argv[8]), sys.argv[9:])
PY
compare() { # compare OPTION...
    "$VILSCOPE" compare --rows "$work/a.jsonl" "$work/b.jsonl" "$@" >"$work/out" 2>"$work/err"
}
peer() { # peer WHAT...
    kind=$1
    shift
    python3 "$work/peer.py" "$kind" "$work/a.jsonl" "$work/b.jsonl" "$@" >"$work/said" 2>&1
}

# ---- calibration
compare --json --calibration --slice kind --slice half --least 1
peer calibration "$work/out"
ok $? "calibration of all items and of each slice: $(tail -n 1 "$work/said") $(cat "$work/err")"
compare --json --calibration --slice kind --least 300
[ "$(grep -c '"value": "third"' "$work/out")" -lt "$(grep -c '"value": "other"' "$work/out")" ]
ok $? "not of a slice with too few items"

# ---- what a gallery shows: one filter, and all of them
shows() { # shows WHAT TASK OUTCOME SURE TOP [FIELD=VALUE...]
    what=$1 task=$2 outcome=$3 sure=$4 top=$5
    shift 5
    rm -f "$work/page.html"
    set -- ${1:+--where "$1"} ${2:+--where "$2"}
    compare --gallery "$work/page.html" ${task:+-t "$task"} --outcome "$outcome" --sure "$sure" --top "$top" "$@"
    status=$?
    for w; do
        shift
        [ "$w" = --where ] || set -- "$@" "$w"
    done
    [ $status -eq 0 ] && peer gallery "$work/page.html" "$task" "$outcome" "$sure" "$top" "$@"
    ok $? "$what: $(tail -n 1 "$work/said") $(head -n 1 "$work/err")"
}
for outcome in flipped gained lost wrong right; do
    shows "outcome $outcome" '' $outcome 0 0
done
shows "one task" vqa flipped 0 0
shows "the other task" snli-ve gained 0 0
shows "the surest of each task" '' flipped 0 7
shows "sure ones" '' wrong 0.9 0
shows "a slice" '' lost 0 0 kind=third
shows "two slices" '' right 0 0 kind=other half=odd
shows "all of them" vqa flipped 0.8 5 kind=third half=even
compare --gallery "$work/page.html" --where kind=none --top 0
[ $? -eq 0 ] && grep -q '0 of 400 items, flipped' "$work/page.html" && ! grep -q '<article>' "$work/page.html"
ok $? "a value that no item has"
refuses 2 "outcome" "no such outcome" "$VILSCOPE" compare --rows "$work/a.jsonl" "$work/b.jsonl" \
    --gallery "$work/page.html" --outcome better
end
