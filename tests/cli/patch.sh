#!/bin/sh
# SPDX-License-Identifier: MIT
# Activation patching as it is typed: a wording against another, a picture against another, a change; what is
# printed and what is JSON are the same numbers; a state that is its own changes nothing, all of the last layer
# bring the other's answer; what does not go together is one line. Broken by an option that gets lost, a
# table that prints another cell, a target that is not the one that was asked for.
set -u
tiny=$SRCDIR/tests/data/tiny
data=$SRCDIR/tests/data/baseline
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export VILSCOPE_LOG="$work/log.db" XDG_CACHE_HOME="$work/cache"
. "$SRCDIR/tests/cli/lib.sh"

q() { # q TEXT OPTION...: of the scene
    text=$1
    shift
    "$VILSCOPE" query -m "$tiny" --threads 1 --no-log -t gqa "$@" "$tiny/scene.png" "$text" 2>"$work/err"
}
says() { # says PATTERN WHAT
    grep -Eq -- "$1" "$work/out"
    ok $? "$2: $(grep -E -- "$1" "$work/out" | head -n 1)"
}

# ---- a wording
q "what color" --patch-from "a dog" --verify 1000 --target 3 --against 9 >"$work/out"
says '^A: "what color": .*softmax' "this query is named"
says '^B: "a dog": .*softmax' "and the other one"
says 'the logit of "answer 3" less that of "answer 9" is -?[0-9.]+ in A and -?[0-9.]+ in B$' "the target is that of the two answers"
says '^the state after each layer, exactly:$' "all cells are exact"
says '^3 what \(3 a\) .*[1-9]' "a word that is changed has its row"
says '^region 0 ' "so has a region"
[ "$(grep -c '^region' "$work/out")" -eq 8 ]
ok $? "all regions are there"
q "what color" --patch-from "a dog" --verify 2 --top 2 >"$work/out"
says '^the state after each layer, to first order' "else to first order"
[ "$(grep -c ' exactly ' "$work/out")" -eq 2 ]
ok $? "and as many exactly as are asked for"
q "what color" --patch-from "a dog" --patch-site feed-forward >"$work/out"
says '^what the feed forward adds' "of the feed forward"
! grep -q embedded "$work/out"
ok $? "which embeddings do not have"

q "what color" --patch-from "a dog" --region-pairs 0:1 >"$work/out"
[ "$(grep -c '^region 0 (1)' "$work/out")" -eq 1 ] && [ "$(grep -c '^region' "$work/out")" -eq 1 ]
ok $? "regions that are paired by hand, words as they are without: $(grep '^region' "$work/out" | head -n 1)"

# ---- the same numbers as JSON; theory
if command -v python3 >/dev/null; then
    cat >"$work/check.py" <<'END'
import json
import sys

text = open(sys.argv[1]).read()
decoder = json.JSONDecoder()
end = decoder.raw_decode(text)[1]
x = decoder.raw_decode(text[end:].lstrip())[0]
print(eval(sys.argv[2], {"x": x, "m": {m["stream"]: m for m in x["maps"]}, "way": x["b"]["target"] - x["a"]["target"]}))
END
    json() { # json EXPRESSION WHAT: of the second document
        found=$(python3 "$work/check.py" "$work/out" "$1" 2>&1 | tail -n 1)
        [ "$found" = True ]
        ok $? "$2 $([ "$found" = True ] || echo "$found")"
    }
    q "what color" --patch-from "a dog" --json --verify 1000 --patch-state "text 2" --patch-state "image 2" >"$work/out"
    json 'x["together"]["share"] == 1 and x["together"]["states"] == ["text 2", "image 2"]' "the last layers bring all of it"
    json 'abs(m["text"]["exact"][0][2] + m["text"]["exact"][0][3] - way) > 1e-6 and m["text"]["exact"][0][0] == 0' \
        "[CLS] is in both"
    json 'm["text"]["depths"][0] == "embeddings" and m["text"]["columns"][2] == {"token": 3, "other": 3, "piece": "what", "other_piece": "a"}' \
        "tokens count from 1"
    json 'len(m["image"]["columns"]) == 8 and m["image"]["columns"][7]["region"] == 7 and m["image"]["exact"][0] == [0] * 8' \
        "the regions of one picture are the same"
    json 'x["verified"] == sum(len(m["exact"]) * len(m["exact"][0]) for m in x["maps"])' "all were run"
    q "what color" --patch-from "a dog" --json --pairs 3:4,4:3 --target 3 --against 9 >"$work/out"
    json '[c["other"] for c in m["text"]["columns"]] == [4, 3] and x["target"] == "answer 3" and x["against"] == "answer 9"' \
        "pairs and answers are those that were asked for"
    q "what color" --patch-from "what color" --json >"$work/out"
    json 'way == 0 and not x["shares"] and x["against"] is None and set(sum(m["text"]["first_order"], [])) == {0}' \
        "of itself there are no shares, and every state is its own"
    "$VILSCOPE" query -m "$tiny" --threads 1 --no-log -t gqa --json --patch-from-image "$tiny/mirror.png" "$tiny/scene.png" \
        "the red square" >"$work/out" 2>"$work/err"
    json 'x["a"]["text"] == x["b"]["text"] and x["b"]["images"][0].endswith("mirror.png") and any(m["image"]["first_order"][0]) and not any(m["text"]["first_order"][0])' \
        "another picture: its regions differ from the first layer on, the words do not"
    q "the red square" --patch-from-change "drop region 2" --json --verify 1000 >"$work/out"
    json 'x["b"]["changes"] == "drop region 2" and x["a"]["changes"] is None and 2 not in [c["region"] for c in m["image"]["columns"]]' \
        "a change: what is dropped has no state"
    "$VILSCOPE" query --config "$data/config.json" --vocab "$tiny/vocab.txt" -c "$data/baseline.bin" -t vqa --no-log --json \
        --regions "$data/scene.npy" --patch-from "a dog" "what color" >"$work/out" 2>"$work/err"
    json 'list(m) == ["joint"] and None not in sum(m["joint"]["first_order"], []) and None in sum(m["joint"]["exact"], [])' \
        "of the single-stream baseline there is one map, to first order"
else
    skip "there is no python3: numbers are not looked at"
fi

# ---- what is not aligned
q "what color" --patch-from "the red square" >"$work/out"
says '^5 tokens here and 6 in the other query do not align: .*--pairs' "other counts of words are said"
! grep -q '\[CLS\]' "$work/out" && grep -q '^region 0' "$work/out"
ok $? "and the regions remain"

# ---- refusals
ask="$VILSCOPE query -m $tiny --no-log -t gqa"
# shellcheck disable=SC2086 # words
{
    refuses 2 "belong to --patch-from" "pairs of nothing" $ask --pairs 3:4 "$tiny/scene.png" a
    refuses 2 "pairs are written 3:4,5:6" "bad pairs" $ask --patch-from b --pairs 3-4 "$tiny/scene.png" a
    refuses 2 "names no states" "a bad state" $ask --patch-from b --patch-state "layer 3" "$tiny/scene.png" a
    refuses 2 "'text 9': this model has no such state$" "a layer too many" \
        $ask --patch-from b --patch-state "text 9" --json --top 0 "$tiny/scene.png" a
    refuses 2 "'text 1 token 9' does not align" "a token too many" \
        $ask --patch-from b --patch-state "text 1 token 9" --json --top 0 "$tiny/scene.png" a
    refuses 2 "'mauve' is no answer here: --against takes an answer's label or number" "no answer to hold it against" \
        $ask --patch-from b --target 1 --against mauve --json --top 0 "$tiny/scene.png" a
    refuses 2 "one at a time" "with an attribution" $ask --patch-from b --attribute rollout "$tiny/scene.png" a
    refuses 2 "once for each image" "too many images" $ask --patch-from-image "$tiny/mirror.png" \
        --patch-from-image "$tiny/mirror.png" "$tiny/scene.png" a
    refuses 2 "patch-site" "a bad site" $ask --patch-from b --patch-site heads "$tiny/scene.png" a
    refuses 2 "belong to --attribute and --patch-from" "a target of nothing" $ask --target red "$tiny/scene.png" a
}
end
