#!/bin/sh
# SPDX-License-Identifier: MIT
# Gradients and what is made of them against golden data (gradients of the reference by autograd, of the
# single-stream baseline by an implementation of its own,
# relevancy by the published rules, curves of removal), and what is wrong with a list of targets in
# one line. A derivative, a rule, an order of removal or a limit that is not kept breaks it.
set -u
tiny=$SRCDIR/tests/data/tiny
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
. "$SRCDIR/tests/cli/lib.sh"
shared=${VILSCOPE_SHARED:-$SRCDIR/../shared}
golden=$shared/golden/relevance

relevance() { # relevance TARGETS ARG...: of the tiny model
    targets=$1
    shift
    "$VILSCOPE" relevance --config "$tiny/config.json" -c "$tiny/checkpoint.bin" \
        --inputs "$tiny/expected.safetensors" --targets "$targets" "$@"
}
list() { # list TARGETS: a file of them
    echo "{\"ig_steps\": 4, \"targets\": [$1]}" >"$work/targets.json"
}
refused() { # refused PATTERN WHAT TARGETS
    list "$3"
    rm -f "$work/out.st"
    refuses 1 "$1" "$2" relevance "$work/targets.json" --dump "$work/out.st"
    [ ! -e "$work/out.st" ]
    ok $? "$2: nothing is written"
}

# ---- golden cases; some make their checkpoint by a program with numpy
python=
for p in python3 /usr/bin/python3; do
    [ -n "$python" ] || ! $p -c 'import numpy' 2>/dev/null || python=$p
done
close() { # close WANT GOT: all curves of WANT, numbers within 2e-5
    "$python" - "$1" "$2" <<'END'
import json, sys
def walk(a, b):
    if isinstance(a, dict):
        return all(k in b and walk(a[k], b[k]) for k in a)
    if isinstance(a, list):
        return len(a) == len(b) and all(map(walk, a, b))
    return abs(a - b) <= 2e-5 if isinstance(a, float) else a == b
sys.exit(not walk(json.load(open(sys.argv[1])), json.load(open(sys.argv[2]))))
END
}
for case in tiny_base tiny_pair tiny_sum_dyn tiny_retrieval tiny_6conn tiny_pair_short full; do
    from=$shared/golden/vilbert/$case
    checkpoint=
    for f in "$from/checkpoint.bin" "$from/checkpoint.safetensors"; do
        [ ! -f "$f" ] || checkpoint=$f
    done
    if [ ! -f "$golden/$case/targets.json" ]; then
        skip "$case: the golden data is not there"
        continue
    elif [ $case = full ] && [ -z "${VILSCOPE_FULL:-}" ]; then
        skip "$case: the full-size model is for make check-full"
        continue
    elif [ -z "$checkpoint" ] && [ -z "$python" ]; then
        skip "$case: its checkpoint needs python3 with numpy"
        continue
    elif [ -z "$checkpoint" ]; then
        checkpoint=$work/$case.bin
        seed=$(sed -n 's/.*seed": *\([0-9]*\).*/\1/p' "$from/case.json")
        "$python" "$shared/golden/vilbert/make_checkpoint.py" "$from/config.json" "$checkpoint" \
            --seed "$seed" >/dev/null
    fi
    set -- --dump "$work/$case.st"
    [ ! -f "$golden/$case/perturbation.json" ] || set -- "$@" --curves "$work/$case.json"
    sed "$([ $case != full ] || echo 's/"ig_steps": 16/"ig_steps": 0/')" "$golden/$case/targets.json" >"$work/targets.json"
    "$VILSCOPE" relevance --config "$from/config.json" -c "$checkpoint" --inputs "$from/expected.safetensors" \
        --targets "$work/targets.json" "$@" &&
        "$BUILDDIR/test-back" "$golden/$case/relevancy.safetensors" "$work/$case.st" >"$work/out"
    ok $? "$case: $(grep -v '^1' "$work/out" | tail -n 1 | cut -c1-200)"
    if [ -f "$golden/$case/perturbation.json" ] && [ -n "$python" ]; then
        close "$golden/$case/perturbation.json" "$work/$case.json"
        ok $? "$case: curves of deletion and insertion"
    fi
    rm -f "$work/$case.bin" "$work/$case.st"
done

# ---- the single-stream baseline, by PyTorch's autograd (tests/data/baseline/gradients.py)
single=$SRCDIR/tests/data/baseline
"$VILSCOPE" relevance --config "$single/config.json" -c "$single/baseline.bin" --inputs "$single/inputs.safetensors" \
    --targets "$single/gradients.json" --dump "$work/single.st" &&
    "$BUILDDIR/test-back" "$single/gradients.safetensors" "$work/single.st" >"$work/out"
ok $? "single-stream baseline: $(grep -v '^1' "$work/out" | tail -n 1 | cut -c1-200)"

# ---- a contrast is the difference of its two
list '{"name": "a", "output": "vil_prediction", "terms": [{"index": 3}]},
      {"name": "b", "output": "vil_prediction", "terms": [{"index": 9}]},
      {"name": "d", "output": "vil_prediction", "terms": [{"index": 3}, {"index": 9, "weight": -1}]}'
relevance "$work/targets.json" --dump "$work/out.st" --device ref
ok $? "three targets"
for name in a.value grad.attn.c.0.1 ig.tokens R.ti mask.regions read.tokens; do
    "$VILSCOPE" inspect --tensors "$work/out.st" | grep -q "$name"
    ok $? "inspect lists $name"
done

# ---- query --attribute
export VILSCOPE_LOG="$work/log.db"
image=$frozen/images/000008.png
attribute() { # attribute METHOD ARG...
    method=$1
    shift
    "$VILSCOPE" query --no-log -m "$frozen" -t vqa --attribute "$method" "$@" "$image" \
        "what color is the star?" 2>/dev/null
}
all="relevancy attention-gradient rollout attention gradient-input integrated-gradients lrp leave-one-out"
all="$all attribution-patching"
for method in $all; do
    attribute "$method" --top 40 >"$work/$method"
    grep -q '^  1\. .* [+-][0-9]' "$work/$method" && grep -q 'token .* star ' "$work/$method" &&
        ! grep -q 'nan\|inf ' "$work/$method"
    ok $? "$method: $(sed -n '/^  1\. .*of image\|^  1\. .*token/p' "$work/$method" | tail -n 1)"
done
# shellcheck disable=SC2086 # names without blanks
[ "$(cd "$work" && cat $all | sed -n 's/^ *[0-9]*\. \(.*token .* star .*\)/\1/p' | sort -u | wc -l)" -eq 9 ]
ok $? "each method has numbers of its own"
! (cd "$work" && grep -q '^ .*\(token\|region\) .* -[0-9]' relevancy attention-gradient rollout attention) && grep -q '^ .* -[0-9]' "$work/gradient-input"
ok $? "relevancy cannot say against, gradients can"
grep -q '% of the difference is missing' "$work/integrated-gradients"
ok $? "integrated gradients say what is missing"
worth() { # worth FILE: of the word star
    sed -n 's/.*token .* star  *\([+-][0-9.e-]*\)$/\1/p' "$1"
}
attribute gradient-input --top 40 --target red >"$work/red"
attribute gradient-input --top 40 --target blue >"$work/blue"
attribute gradient-input --top 40 --target red --against blue >"$work/both"
echo "$(worth "$work/red") $(worth "$work/blue") $(worth "$work/both")" | awk '
    {d = $1 - $2 - $3; exit !(NF == 3 && d < 1e-4 && d > -1e-4 && $1 != $2)}'
ok $? "why red and not blue is the difference of both: $(worth "$work/both")"
attribute relevancy --json >"$work/json" && grep -q '"method": "relevancy"' "$work/json" &&
    grep -q '"piece": "star"' "$work/json" && grep -q '"signed": false' "$work/json"
ok $? "as JSON"
if [ -n "$python" ]; then # golden numbers of the matrices themselves: above, by relevance --dump
    attribute relevancy --json --matrices --target star >"$work/json" && "$python" - "$work/json" <<'EOF' >"$work/out" 2>&1
import json, sys
text = open(sys.argv[1]).read()
at = json.JSONDecoder().raw_decode(text)[1]
a = json.loads(text[at:])
m = a["matrices"][0]
t, v = len(m["tokens"]), len(m["regions"])
for name, rows, cols in ("text", t, t), ("image", v, v), ("text-to-image", t, v), ("image-to-text", v, t):
    assert len(m[name]) == rows and all(len(r) == cols for r in m[name]), name
tokens = [x + y for x, y in zip(m["text"][0], m["image-to-text"][0])]
regions = [x + y for x, y in zip(m["text-to-image"][0], m["image"][0])]
for x in a["tokens"]:
    assert m["tokens"][x["token"]] == x["piece"] and abs(tokens[x["token"]] - x["worth"]) < 1e-6, x
for x in a["regions"]:
    at = m["regions"].index({"image": x["image"], "region": x["region"]})
    assert abs(regions[at] - x["worth"]) < 1e-6, x
print(len(a["tokens"]), "words", len(a["regions"]), "regions")
EOF
    ok $? "row 0 of its four matrices is what is read: $(tail -n 1 "$work/out")"
fi
refuses 2 "matrices belongs to --attribute relevancy" "matrices of rollout" "$VILSCOPE" query -m "$frozen" -t vqa \
    --attribute rollout --json --matrices "$image" "what"

# ---- by leaving out: what the same query with a change says
if [ -n "$python" ]; then
    attribute leave-one-out --json >"$work/one.json"
    attribute leave-one-out --json --removal mask >"$work/mask.json"
    attribute attribution-patching --verify 3 --json >"$work/patching.json"
    attribute attribution-patching --verify 1000 --json >"$work/heads.json"
    for change in "drop region 2" "drop region 5" "drop token 5" "mask token 5" "ablate text-to-image 1.1 zero"; do
        "$VILSCOPE" query --no-log -m "$frozen" -t vqa --json --change "$change" "$image" "what color is the star?" \
            >"$work/$(echo "$change" | tr ' ' _).json" 2>/dev/null
    done
    "$python" - "$work" <<'END'
import json, sys
def read(name):
    text, at, out = open("%s/%s.json" % (sys.argv[1], name)).read(), 0, []
    while text[at:].strip():
        v, n = json.JSONDecoder().raw_decode(text[at:].lstrip())
        at = len(text) - len(text[at:].lstrip()) + n
        out.append(v)
    return out
whole, one = read("one")
mask, patching, heads = read("mask")[1], read("patching")[1], read("heads")[1]
top = whole["answers"][0]
def lost(change): # the logit of the first answer without what the change takes
    r = read(change)[0]
    return top["logit"] - [a for a in r["answers"] if a["label"] == top["label"]][0]["logit"]
def region(a, n):
    return [x for x in a["regions"] if x["region"] == n][0]
def token(a, n):
    return [x for x in a["tokens"] if x["token"] == n][0]
def head(a, m, l, h):
    return [x for x in a["heads"] if (x["map"], x["layer"], x["head"]) == (m, l, h)][0]
near = lambda x, y: abs(x - y) < 2e-4
for what, good in [
    ("region 2", near(lost("drop_region_2"), region(one, 2)["worth"])),
    ("region 5", near(lost("drop_region_5"), region(one, 5)["worth"])),
    ("a word that nobody attends to", near(lost("drop_token_5"), token(one, 4)["worth"])),
    ("[MASK]", near(lost("mask_token_5"), token(mask, 4)["worth"])),
    ("the two removals differ", not near(token(one, 4)["worth"], token(mask, 4)["worth"])),
    ("regions are the same with both", near(region(one, 2)["worth"], region(mask, 2)["worth"])),
    ("three of each are verified", all(
        sum(x["exact"] is not None for x in patching[k]) == 3 for k in ("tokens", "regions", "heads"))),
    ("the largest are", all(x["exact"] is not None
        for k in ("tokens", "regions", "heads") for x in patching[k][:3])),
    ("a head that is left out", near(lost("ablate_text-to-image_1.1_zero"),
        head(heads, "text-to-image", 1, 1)["exact"]) and not near(head(heads, "text-to-image", 1, 1)["exact"], 0)),
    ("exactly is what leave-one-out has", all(
        near(x["exact"], region(one, x["region"])["worth"]) for x in patching["regions"][:3]) and all(
        near(x["exact"], token(one, x["token"])["worth"]) for x in patching["tokens"][:3]))]:
    print("ok" if good else "not ok", "-", what)
END
    [ $? -eq 0 ] || echo "not ok - numbers of leaving out are compared"
fi >"$work/tap"
while read -r line; do
    case $line in
    "not ok"*) ok 1 "${line#*- }" ;;
    *) ok 0 "${line#*- }" ;;
    esac
done <"$work/tap"
attribute attribution-patching --verify 0 >"$work/none"
! grep -q '[0-9]  exactly' "$work/none" && grep -q '^heads' "$work/none" && grep -q '^  1\. .* [1-9]\.[1-9] ' "$work/none"
ok $? "nothing is verified where nobody asks"
attribute attention --top 40 --map "text-to-image 1.1" >"$work/a" &&
    attribute attention --top 40 --map "text-to-image 1" >"$work/b" &&
    grep -q '^text to image, layer 1, head 1$' "$work/a" && grep -q '^text to image, layer 1, mean of heads$' "$work/b" &&
    ! cmp -s "$work/a" "$work/b"
ok $? "a head of a map, and their mean"
q() {
    "$VILSCOPE" query --no-log -m "$frozen" "$@"
}
q -t refcoco --attribute relevancy --top 6 "$image" "the star" 2>/dev/null | grep -q 'of "region [0-9]'
ok $? "of a region"
q -t coco --attribute lrp --top 3 "$image" "$frozen/images/000013.png" "a star" >"$work/out" 2>/dev/null
grep -q '^layer-wise' "$work/out" && grep -q '^  1\. .*[+-][0-9]' "$work/out"
ok $? "of an image: $(grep '^layer-wise' "$work/out")"
[ "$(sed -n '/^layer-wise/,$p' "$work/out" | grep -c '^ *[0-9]*\. ')" -eq 3 ]
ok $? "--top 3 prints three"
t() { # of a model that says nothing of itself
    "$VILSCOPE" query --no-log -m "$tiny" --regions "$tiny/scene.npy" "$@"
}
for map in "text-to-image 9" "text-to-image 1.99" "text-to-image 0" "sideways 1" "joint 1" "text 1 2" ""; do
    refuses 2 "these maps have\|is no map\|has no joint" "--map '$map'" \
        t -t snli-ve --attribute attention --map "$map" "red"
done
refuses 2 "'abacus' is no answer" "an answer that there is not" t -t snli-ve --attribute relevancy --target abacus \
    "red"
refuses 2 "belongs to --attribute attention" "a map of another method" t -t vqa --attribute lrp --map "text 1" "red"
refuses 2 "belong to --attribute" "a target alone" t -t vqa --target red "red"
refuses 2 "ablated heads" "ablated heads" t -t snli-ve --attribute relevancy \
    --change "ablate text-to-image 1.1 zero" "red"
refuses 2 "scored one by one" "an image against another" t --regions "$tiny/mirror.npy" -t coco --attribute lrp \
    --target 1 --against 2 "red"
refuses 2 "name another with --against" "an answer against itself" t -t snli-ve --attribute lrp \
    --target neutral --against neutral "red"

# ---- what is wrong
one='"terms": [{"index": 0}]'
refused "line 1" "no JSON" '{'
refused "\"output\" is none" "an output" "{\"name\": \"a\", \"output\": \"vil_answer\", $one}"
refused "no \"name\"" "no name" "{\"output\": \"vil_logit\", $one}"
refused "\"terms\"" "no terms" '{"name": "a", "output": "vil_logit", "terms": []}'
refused "without \"index\"" "no index" '{"name": "a", "output": "vil_logit", "terms": [{"weight": 1}]}'
refused "no number, or too large" "a weight as text" \
    '{"name": "a", "output": "vil_logit", "terms": [{"index": 0, "weight": "2"}]}'
refused "whole numbers from 0 to 10000000" "an index beyond 32 bits" \
    '{"name": "a", "output": "vil_logit", "terms": [{"index": 4294967296}]}'
refused "whole numbers from 0" "a row as text" \
    '{"name": "a", "output": "linguisic_prediction", "terms": [{"index": 1, "row": "2"}]}'
for b in 4294967296 1073741824 -1 1.0 '"0"'; do
    refused "a whole number from 0" "image $b" "{\"name\": \"a\", \"output\": \"vil_binary_prediction\", \"b\": $b, $one}"
done
refused "two targets have the name a" "a name again" \
    "{\"name\": \"a\", \"output\": \"vil_logit\", $one}, {\"name\": \"a\", \"output\": \"vil_prediction\", $one}"
refused "longer than 300 bytes" "a long name" \
    "{\"name\": \"$(printf '%0301d' 0)\", \"output\": \"vil_logit\", $one}"
for steps in '"16"' 4294967296 2.5; do
    echo "{\"ig_steps\": $steps, \"targets\": [{\"name\": \"a\", \"output\": \"vil_logit\", $one}]}" >"$work/targets.json"
    refuses 1 "no whole number from 0 to 100000" "steps $steps" relevance "$work/targets.json" --dump "$work/out.st"
done
refused "no target of gradients" "a share of a softmax" "{\"name\": \"a\", \"output\": \"alignment\", $one}"
refused "number 5 of out.vil_logit: it has 1" "an index too large" \
    '{"name": "a", "output": "vil_logit", "terms": [{"index": 5}]}'
refused "image or pair 77" "an image too many" "{\"name\": \"a\", \"output\": \"vil_logit\", \"b\": 77, $one}"
refused "row 900 of out.vision_logit" "a region too many" \
    '{"name": "a", "output": "vision_logit", "terms": [{"index": 900}]}'
refused "no target of gradients" "states" "{\"name\": \"a\", \"output\": \"pooled_t\", $one}"
refused "no list \"targets\"" "none" ''
refuses 2 "--dump or --curves" "nothing to write" relevance "$work/targets.json"
refuses 1 "none.json" "no file" relevance none.json --dump "$work/out.st"
end
