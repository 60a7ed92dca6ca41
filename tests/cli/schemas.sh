#!/bin/sh
# SPDX-License-Identifier: MIT
# All that commands print as JSON is what schemas/ says, and has its version. Broken by a member that is
# added, renamed, left out or of another type without its schema.
set -u
. "$SRCDIR/tests/cli/lib.sh"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export VILSCOPE_LOG="$work/log.db" XDG_CACHE_HOME="$work/cache" VILSCOPE_DEMO="$frozen"
data=$SRCDIR/tests/data
tiny=$data/tiny
if ! command -v python3 >/dev/null; then
    skip "there is no python3: JSON is not compared with its schemas"
    end
fi
cd "$work" || exit 1
mkdir docs
v() {
    "$VILSCOPE" "$@"
}
# doc SCHEMA COMMAND...: what it prints, whatever its status.
count=100
doc() {
    schema=$1
    shift
    echo "$1" "$2" >>asked
    count=$((count + 1))
    v "$@" >"docs/$count.$schema.json" 2>>errors </dev/null
    [ -s "docs/$count.$schema.json" ] || ok 1 "$schema: nothing was printed by: $*"
}
cp "$frozen"/images/00000[12].png .
m="-m $frozen --threads 1"
t="-m $tiny --threads 1"
# shellcheck disable=SC2086 # options
{
    for task in vqa gqa refcoco snli-ve coco; do
        doc query query $m -c final -t $task --json 000001.png "what color is the large thing?"
    done
    doc query query $t -t nlvr2 --json "$tiny/scene.png" "$tiny/mirror.png" "two red things"
    doc query query $t -t gqa --json --change "mask token 3" "$tiny/scene.png" "what color"
    doc query query $t -t refcoco --json --regions "$tiny/scene.npy" "red"
    second() { # second SCHEMA COMMAND...: of two documents
        named=$1
        shift
        doc two "$@"
        python3 -c 'import json, sys; t = sys.stdin.read(); print(t[json.JSONDecoder().raw_decode(t)[1]:])' \
            <docs/$count.two.json >docs/$count.$named.json
        rm docs/$count.two.json
    }
    for more in "" "--patch-state embeddings"; do
        second query-patch query $t -t gqa --json --patch-from "a dog" --no-log $more "$tiny/scene.png" "what color"
    done
    second query-leave-one-out query $t -t gqa --json --leave-one-out regions --no-log "$tiny/scene.png" "what color"
    for more in relevancy "relevancy --matrices" integrated-gradients leave-one-out "attribution-patching --verify 2"; do
        second query-attribute query $t -t gqa --json --no-log --attribute $more "$tiny/scene.png" "what color"
    done
    printf '1 2 30 40\n50 10 90 60\n' >boxes.txt
    doc query query $t -t visual7w --json --boxes boxes.txt "$tiny/scene.png" "red"
    doc compare compare $m -c early -c final --json -t vqa 000001.png "what color is it?"
    printf 'task: vqa\nimage: 000001.png\ntext: what color\nanswer: red\n\ntask: refcoco\nimage: 000002.png\ntext: the large thing\nbox: 10 10 30 30\n' >my.checks
    doc compare compare $m -c early -c final --json --check-set my.checks
    doc compare-weights compare $m -c early -c final --json --weights
    doc compare-weights compare $m -c early -c final --json --weights --tensors
    doc compare-cka compare $m -c early -c final --json --cka -t vqa 000001.png "what color is it?"
    doc compare-attention compare $m -c early -c final --json --attention -t vqa 000001.png "what color is it?"
    for level in layers heads; do
        doc compare-patch compare $m -c early -c final --json --patch $level -t vqa 000001.png "what color is it?"
    done
    # What was logged of these is printed in the same words, in the order in which it was found.
    found=0
    for schema in query compare-weights compare-weights compare-cka compare-attention compare-patch compare-patch; do
        [ $schema != query ] || { doc query sessions query 1; continue; }
        found=$((found + 1))
        doc "$(echo $schema | sed 's/compare-weights/sessions-difference/')" sessions difference $found
    done
    v world -o world --scenes 2 >out 2>&1
    doc eval eval $m -c final --json --data world/data.jsonl --limit 4
    doc eval-change eval $m -c final --json --data world/data.jsonl -t vqa --change "mask word the" --slices --least 1
    doc eval-heads eval $m -c final -c early --json --data world/data.jsonl -t refcoco --heads
    doc explain explain $m -c final --json --data world/data.jsonl -t refcoco --limit 2 --orders 2 \
        --methods relevancy,rollout --agreement
    v eval $m -c early -c final --data world/data.jsonl -t vqa -t refcoco --no-log --rows rows.jsonl >out 2>&1 ||
        v eval $m -c early -c final --data world/data.jsonl --no-log --rows rows.jsonl >out 2>&1
    for rows in rows.jsonl "$data/rows/rows.jsonl"; do
        doc compare-rows compare --json --rows "$rows" --resamples 100 --calibration --agreement --confusion --slices
    done
    mkdir run
    cp "$frozen/early.bin" run/1.bin
    doc compare-watch compare $m --json --no-log --check-set my.checks --watch run --settle 0.1 --until 1
    doc compare-watch-data compare $m --json --no-log --data world/data.jsonl -t vqa --watch run --settle 0.1 --until 1
    doc explain-project explain $m -c final --json --data world/data.jsonl -t refcoco --project regions --near 2
    doc tasks tasks --json
    doc devices devices --json
    doc cache cache --json
    doc cache-clear cache clear --json
    for f in tiny/checkpoint.bin tiny/detector.pth tiny/config.json tiny/detector.json tiny/vocab.txt tiny/classes.txt \
        tiny/scene.npy tiny/scene.png tiny/model.json regions/one.pkl regions/mmf.npy regions/bua.npz tiny/expected.safetensors regions/lxmert_obj36.tsv \
        regions/vilbert_beta.lmdb pictures/turned.jpg baseline/baseline.bin baseline/pretrained.bin; do
        doc inspect inspect --json "$data/$f"
    done
    doc model-init model init new --json "$frozen/final.pth" "$frozen/config.json" "$frozen/vocab.txt" \
        "$frozen/detector.pth" "$frozen/detector.json"
    doc model-init model init less --json "$frozen/final.pth" 000001.png
    doc model-check model check new --json --image 000001.png
    doc model-check model check new --json
    doc doctor doctor --json
    doc doctor doctor --json -m nothing
    v query $t -t gqa "$tiny/scene.png" "what color" >out 2>&1
    v query $t -t refcoco "$tiny/scene.png" "what color" >out 2>&1
    v sessions pin 1 red >out 2>&1
    v sessions note 1 "a note" >out 2>&1
    v sessions tag 1 hard >out 2>&1
    doc sessions-list sessions list --json
    doc sessions-search sessions search --json color
    doc sessions-show sessions show --json 1
    v query $t -t gqa --attribute integrated-gradients "$tiny/scene.png" "what color" >out 2>&1
    doc sessions-show sessions show --json "$(v sessions sql --csv "SELECT max(id) FROM sessions" | tail -n 1)"
    doc sessions-check sessions check --json
    v sessions import rows.jsonl -m "$frozen" >out 2>&1
    doc sessions-import sessions import rows.jsonl -m "$frozen" --json
    doc sessions-evaluations sessions evaluations --json
    doc sessions-evaluation sessions evaluation 1 --json
    doc sessions-diff sessions diff 1 2 --json
    doc sessions-replay sessions replay 1 $t --no-log --json
    doc sessions-prune sessions prune --older-than 90d --dry-run --json
    doc sessions-merge sessions merge log.db --log all.db --json
}
python3 "$SRCDIR/schemas/validate" "$SRCDIR/schemas" docs >said 2>&1
status=$?
while IFS= read -r line; do
    case $line in
    "ok "*) ok 0 "${line#ok }" ;;
    *) ok 1 "$line" ;;
    esac
done <said
[ $status -eq 0 ] && [ "$(grep -c '^ok' said)" -ge 30 ]
ok $? "$(grep -c '^ok' said) documents were validated"

# Each command whose options have --json, and each verb: what is not asked above is not described. Verbs that print
# nothing, or what README.md here leaves out, are named.
"$VILSCOPE" help >out
for command in $(sed -n 's/^  \([a-z-]*\)  .*/\1/p' out); do
    "$VILSCOPE" "$command" --help >help 2>/dev/null
    grep -q -- ' --json ' help && ! grep -q "^$command " asked && echo "$command"
done >missing
for command in sessions model; do
    for verb in $("$VILSCOPE" $command --help | sed -n '/^$/,$ s/^  \([a-z]*\)\( [^ ].*\)*   *[a-z].*/\1/p'); do
        grep -q "^$command $verb\$" asked && continue
        case $verb in export | sql | pin | unpin | note | tag | untag) continue ;; esac
        echo "$command $verb"
    done
done >>missing
[ "$(grep -c . asked)" -ge 60 ] && [ ! -s missing ]
ok $? "every command with --json has a schema $(tr '\n' ' ' <missing)"

# What the validator does not see would make all of this worthless.
spoil() { # spoil WHAT SED-COMMAND
    mkdir -p spoiled
    rm -f spoiled/*
    sed "$2" docs/101.query.json >spoiled/1.query.json
    ! cmp -s docs/101.query.json spoiled/1.query.json && ! python3 "$SRCDIR/schemas/validate" "$SRCDIR/schemas" spoiled >out 2>&1
    ok $? "$1 is found: $(head -n 1 out)"
}
spoil "a member of another name" 's/"entropy"/"disorder"/'
spoil "a member of another type" 's/"margin": *[0-9.e-]*/"margin": "wide"/'
spoil "a cut document" '$d'
number=$("$VILSCOPE" --version | sed -n 's/^JSON: version \([0-9]*\).*/\1/p')
other=$(grep -L "\"\$id\": \"https://[^\"]*/schemas/$number/" "$SRCDIR"/schemas/*.schema.json)
[ -n "$number" ] && [ -z "$other" ]
ok $? "the schemas are of version $number, as the program says $other"
end
