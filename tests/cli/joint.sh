#!/bin/sh
# SPDX-License-Identifier: MIT
# Attributions of the single-stream baseline, through every door: first-order numbers beside what the same query
# says with a change, sums of integrated gradients, the one matrix of relevancy, weights in fewer bits, over a
# set, of a server, in the log and on a screen. (Gradients against PyTorch: relevance.sh, test-singleback.)
# A row of the matrix of the wrong place, a head that is another one's, a removal that leaves a trace, packed
# weights that the way back reads otherwise than the way there, or numbers that depend on the door break it.
set -u
. "$SRCDIR/tests/cli/lib.sh"
work=$(mktemp -d) || exit 1
server=
finish() {
    [ -z "$server" ] || kill "$server" 2>/dev/null
    wait
    rm -rf "$work"
}
trap finish EXIT
data=$SRCDIR/tests/data/baseline tiny=$SRCDIR/tests/data/tiny
export VILSCOPE_LOG="$work/log.db" VILSCOPE_DATA="$work/home" XDG_CACHE_HOME="$work/cache"
mkdir "$work/m"
cp "$data/baseline.bin" "$data/other.bin" "$data/config.json" "$data/scene.npy" "$data/mirror.npy" \
    "$tiny/vocab.txt" "$tiny/scene.png" "$tiny/mirror.png" "$work/m"
echo '["yes", "no", "red", "blue", "one", "two"]' >"$work/m/labels.json"
echo '{"config": "config.json", "vocab": "vocab.txt", "name": "one stream", "labels": {"vqa": "labels.json"},
    "checkpoints": [{"name": "base", "file": "baseline.bin"}, {"name": "other", "file": "other.bin"}]}' \
    >"$work/m/model.json"
methods="relevancy attention-gradient rollout attention gradient-input integrated-gradients lrp leave-one-out"
methods="$methods attribution-patching"
q() { # q TASK ARG...: of the first checkpoint, to standard output
    task=$1
    shift
    "$VILSCOPE" query -m "$work/m" -c base --threads 1 --no-log --json -t "$task" "$@" "$work/m/scene.png" \
        "a red square" 2>"$work/err"
}

# ---- numbers
if python3 -c pass 2>/dev/null; then
    cat >"$work/read.py" <<'EOF'
import json
def read(name):
    """All documents of a file."""
    text, at, out = open(name).read(), 0, []
    while text[at:].strip():
        at += len(text[at:]) - len(text[at:].lstrip())
        v, at = json.JSONDecoder().raw_decode(text, at)
        out.append(v)
    return out
near = lambda x, y, least=2e-6: abs(x - y) < least + 1e-5 * abs(y)
EOF
    for task in vqa refcoco; do
        d=$work/$task
        mkdir "$d"
        q $task >"$d/plain"
        q $task --attribute attribution-patching --verify 1000 >"$d/patching"
        q $task --attribute leave-one-out >"$d/one"
        q $task --attribute relevancy --matrices >"$d/relevancy"
        q $task --attribute integrated-gradients >"$d/integrated"
        q $task --attribute gradient-input >"$d/gradient"
        q $task --attribute lrp >"$d/lrp"
        for layer in 1 2; do
            for head in 1 2; do
                q $task --change "ablate joint $layer.$head zero" >"$d/head$layer$head"
            done
        done
        for i in 1 2 3 4 5 6 7; do
            q $task --change "drop region $i" >"$d/region$i"
        done
        for i in 2 3 4; do
            q $task --change "drop token $i" >"$d/token$i"
        done
        (cd "$work" && python3 - $task) <<'EOF' >"$work/tap"
import sys
sys.path.insert(0, ".")
from read import near, read
task = sys.argv[1]
def of(name):
    return read(task + "/" + name)
def scores(answers):
    """Of the query's document, by what is ranked."""
    if task == "vqa":
        return {a["label"]: a["logit"] for a in answers["answers"]}
    return {b["region"]: b["logit"] for b in answers["boxes"]}
plain = scores(of("plain")[0])
best = max(plain, key=plain.get)
def lost(name):
    left = scores(of(name)[0])
    return plain[best] - left[best]
patching, one, rel, ig, gxi, lrp = (of(n)[-1] for n in ("patching", "one", "relevancy", "integrated", "gradient", "lrp"))
heads = {(h["layer"], h["head"]): h for h in patching["heads"]}
regions = {r["region"]: r for r in patching["regions"]}
tokens = {t["token"]: t for t in patching["tokens"]}
alone = {r["region"]: r["worth"] for r in one["regions"]}
alone_token = {t["token"]: t["worth"] for t in one["tokens"]}
m = rel["matrices"][0]
row = m["joint"][0 if task == "vqa" else len(m["tokens"]) + best]
places = len(m["tokens"]) + len(m["regions"])
removable = [r for r in regions if task == "vqa" or r != best]
sums = lambda a: [x["worth"] for x in a["tokens"] + a["regions"]]
for what, good in [
    ("all heads, words and regions are there", len(heads) == 4 and len(tokens) == 3 and len(regions) == 7
        and all(h["map"] == "joint" for h in heads.values())),
    ("heads exactly", all(near(h["exact"], lost("head%d%d" % k)) and abs(h["exact"]) > 1e-4 for k, h in heads.items())),
    ("regions exactly", all(near(regions[r]["exact"], lost("region%d" % r)) for r in removable)),
    ("words exactly", all(near(x["exact"], lost("token%d" % (t + 1))) for t, x in tokens.items())),
    ("leave-one-out is that", all(near(regions[r]["exact"], alone[r]) for r in removable) and
        all(near(x["exact"], alone_token[t]) for t, x in tokens.items())),
    ("first order is near by", all(abs(regions[r]["worth"] - regions[r]["exact"]) < 0.3 * max(map(abs, alone.values()))
        for r in removable) and all(regions[r]["worth"] != regions[r]["exact"] for r in removable)),
    ("of heads, too, each its own", task == "vqa" or
        all(abs(h["worth"] - h["exact"]) < 0.3 * max(abs(h["exact"]) for h in heads.values()) for h in heads.values())),
    ("one matrix of all by all", list(k for k in m if k not in ("tokens", "regions", "image")) == ["joint"] and
        len(m["joint"]) == places and all(len(r) == places for r in m["joint"])),
    ("read is its row", all(near(row[t["token"]], t["worth"], 1e-9) for t in rel["tokens"]) and
        all(near(row[len(m["tokens"]) + r["region"]], r["worth"], 1e-9) for r in rel["regions"])),
    ("nothing of it is negative", min(map(min, m["joint"])) == 0 and max(map(max, m["joint"])) > 0),
    ("less than 1 % is missing", ig["completeness"]["missing"] < 0.01 and ig["completeness"]["base"] != ig["logit"]),
    ("products have both signs, and differ", min(sums(gxi)) < 0 < max(sums(gxi)) and
        sorted(sums(gxi)) != sorted(sums(lrp)) != sorted(sums(ig)))]:
    print("ok" if good else "not ok", "-", what)
EOF
        [ $? -eq 0 ] || echo "not ok - they can be read" >>"$work/tap"
        [ "$(grep -c . "$work/tap")" -eq 12 ]
        ok $? "$task: numbers of attributions are looked at"
        while read -r line; do
            [ "${line%% *}" = ok ]
            ok $? "$task: ${line#*- }"
        done <"$work/tap"
    done
    # why this one and not that one
    for target in "red" "blue" "red --against blue"; do
        # shellcheck disable=SC2086 # an answer and an option
        q vqa --attribute gradient-input --target $target >"$work/of $target"
    done
    (cd "$work" && python3 -c "
from read import read
red, blue, both = ({x['token']: x['worth'] for x in read('of ' + n)[-1]['tokens']} for n in ('red', 'blue', 'red --against blue'))
assert all(abs(red[t] - blue[t] - both[t]) < 1e-6 for t in both) and any(abs(x) > 1e-5 for x in both.values())")
    ok $? "a contrast is the difference of its two"
else
    skip "numbers of attributions need python3"
fi

# ---- weights in fewer bits
relevance() { # relevance FILE OUT [OPTION...]
    file=$1 out=$2
    shift 2
    "$VILSCOPE" relevance --config "$data/config.json" -c "$file" --inputs "$data/inputs.safetensors" \
        --targets "$data/gradients.json" --dump "$out" "$@" 2>"$work/err"
}
for type in float16 bfloat16 int8; do
    "$VILSCOPE" convert --type $type -o "$work/$type.safetensors" "$data/baseline.bin" >"$work/out" 2>&1 &&
        relevance "$work/$type.safetensors" "$work/wide.st" --device ref &&
        relevance "$work/$type.safetensors" "$work/packed.st" --device cpu &&
        "$BUILDDIR/test-back" "$work/wide.st" "$work/packed.st" >"$work/out"
    ok $? "$type: gradients of packed weights are those of widened ones: $(grep -v '^1' "$work/out" | tail -n 1 | cut -c1-120)"
    "$BUILDDIR/test-back" "$data/gradients.safetensors" "$work/packed.st" >"$work/out"
    case $type in # its weights are numbers of float16
    float16) [ $? -eq 0 ] ;;
    *) [ $? -ne 0 ] && grep -q '^# answer.grad.attn.j.0 is off by 0.0' "$work/out" ;;
    esac
    ok $? "$type: held against float32: $(grep 'answer.grad.attn.j.0' "$work/out")"
done

# ---- over a set
printf '{"task": "%s", "images": ["%s.png"], "text": "%s", %s}\n' refcoco scene "a red square" '"box": [8, 30, 31, 53]' \
    refcoco mirror "the red one" '"box": [10, 10, 40, 40]' vqa scene "a red square" '"answer": "red"' \
    vqa mirror "what is it" '"answer": "blue"' >"$work/m/data.jsonl"
explain() {
    "$VILSCOPE" explain -m "$work/m" -c base --data "$work/m/data.jsonl" --orders 2 "$@"
}
explain --heads 4 --rows "$work/rows" >"$work/out" 2>"$work/err"
[ "$(grep -c '^relevancy  *[+-]' "$work/out")" -eq 4 ] && [ "$(grep -c '^attribution-patching  *[+-]' "$work/out")" -eq 4 ] &&
    [ "$(grep -c '^heads: rank correlation' "$work/out")" -eq 2 ] && [ "$(wc -l <"$work/rows")" -eq 4 ]
ok $? "a set: words and regions by all methods, and heads $(cat "$work/err")"
if python3 -c pass 2>/dev/null; then
    (cd "$work" && python3 - <<'EOF'
import json
from read import near, read
rows = [json.loads(line) for line in open("rows")]
assert all(len(r["tests"]) == 10 and len({json.dumps(t) for t in r["tests"]}) > 5 for r in rows)
for task, image in ("vqa", 2), ("refcoco", 0):
    row = [r for r in rows if r["task"] == task and r["index"] == image][0]
    plain = read(task + "/plain")[0]
    top = plain["answers"][0] if task == "vqa" else plain["boxes"][0]
    assert near(row["value"], top["logit"]), task
    for t in row["tests"]:
        assert near(t["regions"]["whole"], top["logit"]) and t["words"]["removable"] == 3, t["method"]
        assert t["regions"]["removable"] == (7 if task == "vqa" else 6), t["method"]
EOF
)
    ok $? "its rows begin at the query's logit"
fi

# Nothing is scored, so answers need neither names nor to be right.
mkdir "$work/nameless"
cp "$work"/m/*.npy "$work"/m/*.png "$work/m/vocab.txt" "$work/m/config.json" "$work"/m/*.bin "$work/nameless"
sed 's/"labels": {[^}]*},//' "$work/m/model.json" >"$work/nameless/model.json"
grep vqa "$work/m/data.jsonl" >"$work/nameless/named.jsonl"
sed 's/, "answer": "[a-z]*"//' "$work/nameless/named.jsonl" >"$work/nameless/data.jsonl"
nameless() { # nameless COMMAND ARG...
    command=$1
    shift
    "$VILSCOPE" "$command" -m "$work/nameless" -c base "$@" --data "$work/nameless/${set:-data}.jsonl"
}
nameless explain --orders 2 --methods relevancy >"$work/out" 2>"$work/err"
[ $? -eq 0 ] && [ "$(grep -c '^relevancy  *[+-]' "$work/out")" -eq 2 ]
ok $? "answers without names, of items that do not say what is right: $(grep -c . "$work/out") lines $(cat "$work/err")"
nameless eval --heads --no-log >"$work/out" 2>"$work/err"
ok $? "and the heads of it $(cat "$work/err")"
set=named
refuses 1 "no answer can be right" "where they are scored they need them" nameless eval --no-log

# ---- a server
"$VILSCOPE" serve -m "$work/m" --socket "$work/at/socket" --threads 1 2>"$work/said" &
server=$!
i=0
while ! grep -q ': .*/at/socket$' "$work/said" && [ $i -lt 600 ]; do
    sleep 0.1
    i=$((i + 1))
done
untimed() {
    sed -E 's/"(tokenize|regions|forward|reading|total|ms)": [0-9.e+-]+/"\1": T/'
}
for task in vqa refcoco coco alignment; do
    other=
    for method in $methods; do
        q $task --attribute "$method" | untimed >"$work/here"
        VILSCOPE_CONNECT=$work/at/socket "$VILSCOPE" query -c base --threads 1 --no-log --json -t $task --attribute "$method" \
            "$work/m/scene.png" "a red square" 2>"$work/err" | untimed >"$work/there"
        [ "$(wc -l <"$work/here")" -gt 20 ] && grep -q "\"method\": \"$method\"" "$work/here" &&
            cmp -s "$work/here" "$work/there" || other="$other $method"
    done
    [ -z "$other" ]
    ok $? "$task: a server gives the same by all methods$other"
done
kill $server
wait $server
server=

# ---- the log
for method in relevancy attribution-patching; do
    "$VILSCOPE" query -m "$work/m" -c base -t vqa --attribute $method "$work/m/scene.png" "a red square" >"$work/out" 2>&1
done
"$VILSCOPE" sessions replay 1 -m "$work/m" -c base >"$work/out" 2>"$work/err" && grep -q '1 attribution.* 0 differ' "$work/out" &&
    "$VILSCOPE" sessions replay 2 -m "$work/m" -c base >"$work/out" 2>"$work/err" && grep -q '1 attribution.* 0 differ' "$work/out"
ok $? "the log has them, and asked again they are the same: $(tail -n 1 "$work/out") $(cat "$work/err")"

# ---- the workbench
printf '%s\n' 'image 1' 'task vqa' 'ask a red square' wait 'attribute relevancy' wait 'view attribution' 'export read.csv' \
    'view matrix' 'export joint.csv' 'press ]' 'save-display one.txt' 'export again.csv' >"$work/m/joint.vs"
(cd "$work/m" && "$VILSCOPE" -m . -c base --no-log -S joint.vs --screen 40x120 scene.png >out 2>&1 </dev/null)
ok $? "relevancy on a screen $(cat "$work/m/out")"
awk -F, 'NR == FNR && FNR == 1 { for (i = 2; i <= NF; i++) name[i] = $i; next }
    NR == FNR { if ($1 == "[CLS]") for (i = 2; i <= NF; i++) row[name[i]] = $i; rows++; next }
    FNR > 1 { n++; bad += !($1 in row) || row[$1] != $2 }
    END { exit bad || n != rows || n != 13 }' "$work/m/joint.csv" "$work/m/read.csv" && cmp -s "$work/m/joint.csv" "$work/m/again.csv"
ok $? "the row of [CLS] of the matrix is what the ranking has"
grep -q 'relevancy of one stream is one matrix' "$work/m/one.txt"
ok $? "the key of the other matrices says that there are none"

# ---- what is refused
r() { # r PATTERN WHAT ARG...: behind the answer
    pattern=$1 what=$2
    shift 2
    ! "$VILSCOPE" query -m "$work/m" -c base --no-log -t vqa "$@" "$work/m/scene.png" "a red square" >"$work/out" 2>"$work/err" &&
        [ "$(wc -l <"$work/err")" -eq 1 ] && grep -q "$pattern" "$work/err"
    ok $? "$what: $(cat "$work/err")"
}
r "ablated heads has no attributions by gradients" "a way back past ablated heads" --attribute relevancy --change "ablate joint 1.1"
r "the single-stream baseline has no text attention" "a map of two streams" --attribute attention --map "text 1.1"
r "2 layers of 2 heads" "a layer too many" --attribute attention --map "joint 3"
r "is no answer" "an answer that there is not" --attribute lrp --target zebra
refuses 1 "cannot answer it" "a task that it has no head for" "$VILSCOPE" query -m "$work/m" -c base --no-log -t snli-ve \
    --attribute relevancy "$work/m/scene.png" "a red square"
end
