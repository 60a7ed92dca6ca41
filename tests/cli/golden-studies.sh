#!/bin/sh
# SPDX-License-Identifier: MIT
# All that the studies print, against tests/cli/golden/: evaluations judged, interventions, heads,
# attributions, projections, figures, scripts of jobs, what is converted. Broken by any change of what
# they say, as golden.sh is; VILSCOPE_GOLDEN=write writes the files anew.
set -u
tiny=$SRCDIR/tests/data/tiny
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export VILSCOPE_LOG="$work/log.db" XDG_CACHE_HOME="$work/cache"
. "$SRCDIR/tests/cli/golden-lib.sh"
cd "$work" || exit 1

v=$VILSCOPE
cp "$tiny/scene.png" "$tiny/scene.npy" "$tiny/mirror.png" "$tiny/mirror.npy" .
"$BUILDDIR/test-compare" make "$tiny/checkpoint.bin" other.safetensors bert.encoder.v_layer.1. 0.4

# ---- evaluations judged: three checkpoints on 60 items of 30 images, with two fields
awk 'BEGIN {
    split("early middle late", name, " ")
    for (c = 1; c <= 3; c++)
        for (i = 0; i < 60; i++) {
            good = c == 1 ? i % 4 == 0 : c == 2 ? i % 3 == 0 : i % 2 || i % 10 == 0
            sure = good || i % 5 == 0 ? 2 + i / 40 : 0.5 + c / 10
            printf "{\"task\": \"snli-ve\", \"split\": \"dev\", \"checkpoint\": \"%s\", \"index\": %d, " \
                "\"id\": %d, \"image\": %d, \"text\": \"a %s here\", \"choice\": %d, \"logits\": [%s], " \
                "\"label\": %d, \"margin\": 1, \"score\": %s, \"correct\": %s, \"fields\": {\"kind\": \"%s\", " \
                "\"size\": %d}}\n", name[c], i, i, int(i / 2), i % 3 ? "dog" : "cat", good ? i % 3 : (i + 1) % 3, \
                (good ? i % 3 : (i + 1) % 3) == 0 ? sure ", 0, 0" : (good ? i % 3 : (i + 1) % 3) == 1 ? "0, " sure ", 0" \
                : "0, 0, " sure, i % 3, good ? "1.0" : "0.0", good ? "true" : "false", i % 2 ? "odd" : "even", \
                i % 7 >name[c] ".jsonl"
        }
}'
judge="compare --rows early.jsonl middle.jsonl late.jsonl --resamples 200 --least 8"
is judged "$v" $judge
is judged-one "$v" compare --rows early.jsonl --resamples 200
for what in "slice kind" "slice kind,size" slices crossings agreement trend calibration confusion; do
    name=judged-$(echo "$what" | tr ' ,' --)
    is "$name" "$v" $judge --$what
    is "$name-json" "$v" $judge --$what --json
done
is judged-slice-calibration "$v" $judge --slice kind --calibration
is judged-csv "$v" $judge --csv
is judged-slices-csv "$v" $judge --slices --csv
is judged-top "$v" $judge --slices --confusion --top 2
is judged-seed "$v" $judge --seed 7
broken() { # broken FILE COMMAND...: what it writes, a line for each element
    file=$1
    shift
    "$@" && tr '>' '\n' <"$file" | sed -e 's/base64,[^"]*/base64,/' -e 's/vilscope [0-9][0-9.a-z-]*;/vilscope VERSION;/'
}
# Words, and how many shapes of what kind: where they stand depends on the fonts, and figure.sh looks at
# the colors of cells.
drawn() { # drawn FILE COMMAND...
    broken "$@" >"$work/.broken" || return
    sed -n 's/<\/\(text\|title\|desc\)$//p' "$work/.broken"
    sed -n -e 's/^<\(rect\|image\|circle\) .*/\1/p' -e 's/^<path.* \(fill\|stroke\)="\([^"]*\)".*/path \1 \2/p' \
        "$work/.broken" | sort | uniq -c
}
figures=$("$v" --version | grep -c '^features:.* figures')
for outcome in $("$v" completions list -- compare --outcome "" | cut -f1); do
    is "judged-gallery-$outcome" broken g.html "$v" $judge --gallery g.html --outcome "$outcome" --top 3
done
is judged-gallery-where broken g.html "$v" $judge --gallery g.html --where kind=odd --where size=3 --sure 0.5
is judged-none "$v" $judge --slice nothing
# Of no item both have a score; of one.
head -n 30 early.jsonl >first.jsonl
tail -n 30 late.jsonl >second.jsonl
{ head -n 1 late.jsonl; cat second.jsonl; } >third.jsonl
for o in "" --json --csv "--slices --least 1" --agreement --trend "--gallery g.html"; do
    is "judged-apart$(echo "$o" | tr -d ' .')" "$v" compare --rows first.jsonl second.jsonl --resamples 200 $o
    is "judged-once$(echo "$o" | tr -d ' .')" "$v" compare --rows first.jsonl third.jsonl --resamples 200 $o
done
is rows-scores "$v" eval --from early.jsonl
is rows-scores-json "$v" eval --from "$SRCDIR/tests/data/rows/rows.jsonl" --json

# ---- on a set
box=$("$v" query -m "$tiny" -t refcoco --no-log --top 1 scene.png "the red square" |
    sed 's/.*\[ *\([0-9.]*\) *\([0-9.]*\) *\([0-9.]*\) *\([0-9.]*\)\].*/\1, \2, \3, \4/')
cat >set.jsonl <<END
{"task": "gqa", "images": ["scene.png"], "text": "what color", "answer": "answer 1023", "fields": {"kind": "color"}}
{"task": "gqa", "images": ["mirror.png"], "text": "what is it", "answer": "blue", "fields": {"kind": "thing"}}
{"task": "refcoco", "images": ["scene.png"], "text": "the red square", "box": [$box]}
{"task": "refcoco", "images": ["mirror.png"], "text": "the square", "box": [10, 10, 30, 30]}
END
set="-m $tiny --data set.jsonl --threads 1"
is changed "$v" eval $set --no-log -c noise --change "mask token 3" --change "ablate text-to-image 1.1 zero" --resamples 200
is changed-json "$v" eval $set --no-log -c noise --change "drop region 1" --resamples 200 --json
is changed-csv "$v" eval $set --no-log -c noise --change "drop region 1" --resamples 200 --csv
is changed-slices "$v" eval $set --no-log -c noise --change "drop region 1" --slices --least 1 --resamples 200
is heads "$v" eval $set --no-log -c noise --heads
is heads-sorted "$v" eval $set --no-log -c noise --heads --sort entropy -t refcoco
is heads-csv "$v" eval $set --no-log -c noise --heads --csv -t gqa
is heads-json "$v" eval $set --no-log -c noise --heads --json -t refcoco
is heads-differences "$v" eval $set --no-log -c noise -c other.safetensors --heads --sort peak
is explained "$v" explain $set -c noise --methods relevancy,leave-one-out --orders 3 --agreement
is explained-json "$v" explain $set -c noise --methods rollout,attention --orders 3 --agreement --json
is explained-mask "$v" explain $set -c noise --methods gradient-input --orders 3 --removal mask -t gqa
is explained-heads "$v" explain $set -c noise --methods attribution-patching --orders 2 --heads 4 -t gqa
for of in cls words image regions chosen; do
    is "projected-$of" "$v" explain $set -c noise --project $of
done
is projected-csv "$v" explain $set -c noise --project regions --after "co 1" --csv
is projected-json "$v" explain $set -c noise --project words --after "text 1" --json
is projected-near "$v" explain $set -c noise --project regions --near 2 --neighbors 3
is projected-euclid "$v" explain $set -c noise --project regions --near 3 --neighbors 2 --distance euclid --color task

# ---- a run that is watched: what is new since the last one
mkdir run
cp "$tiny/checkpoint.bin" run/step-1.bin
cp other.safetensors run/step-2.safetensors
cp "$tiny/checkpoint.bin" run/step-3.bin
touch -d 2020-01-01 run/step-1.bin
touch -d 2020-01-02 run/step-2.safetensors
touch -d 2020-01-03 run/step-3.bin
watch="compare -m $tiny --threads 1 --no-log --watch run --settle 0.05 --until 3"
is watched-data "$v" $watch --data set.jsonl --resamples 200
is watched-data-json "$v" $watch --data set.jsonl --resamples 200 --json
is watched-sample "$v" $watch --data set.jsonl --resamples 200 --sample 1 --seed 3 --json
is watched-trend "$v" $watch --data set.jsonl --resamples 200 --trend
printf 'task: gqa\nimage: scene.png\ntext: what color\nanswer: answer 1023\n' >one.checks
is watched-checks "$v" $watch --check-set one.checks
is watched-checks-json "$v" $watch --check-set one.checks --json

# ---- attributions
a() { # a METHOD OPTION...
    method=$1
    shift
    "$v" query -m "$tiny" --threads 1 --no-log -t gqa --attribute "$method" "$@" scene.png "what color is it"
}
for method in relevancy attention-gradient rollout attention gradient-input integrated-gradients lrp leave-one-out \
    attribution-patching; do
    is "attribute-$method" a $method --top 8 # the least are what rounding leaves
done
is attribute-json a relevancy --json
is attribute-verify-json a attribution-patching --verify 3 --json
is attribute-against a relevancy --target 3 --against 7 --top 3
is attribute-map a attention --map "text-to-image 1.1"
is attribute-mask a leave-one-out --removal mask --top 8
is attribute-verify a attribution-patching --verify 3
is attribute-matrices a relevancy --matrices --json
is attribute-box "$v" query -m "$tiny" --threads 1 --no-log -t refcoco --attribute relevancy scene.png "the red square"

# ---- the single-stream baseline
one="$SRCDIR/tests/data/baseline"
b() { # b COMMAND OPTION...
    command=$1
    shift
    "$v" "$command" --config "$one/config.json" --vocab "$tiny/vocab.txt" --threads 1 --no-log \
        --regions "$one/scene.npy" "$@" scene.png "a red square"
}
is baseline-query b query -c "$one/baseline.bin" -t vqa
is baseline-json b query -c "$one/baseline.bin" -t refcoco --json
for kind in tokens regions heads; do
    is "baseline-leave-one-out-$kind" b query -c "$one/baseline.bin" -t vqa --leave-one-out $kind
done
for method in relevancy attention-gradient rollout attention gradient-input integrated-gradients lrp attribution-patching; do
    is "baseline-attribute-$method" b query -c "$one/baseline.bin" -t vqa --attribute $method --top 8
done
is baseline-attribute-region b query -c "$one/baseline.bin" -t refcoco --attribute relevancy --json --matrices
is baseline-change b query -c "$one/baseline.bin" -t vqa --change "ablate joint 1.2 zero"
is baseline-patched b query -c "$one/baseline.bin" -c "$one/other.bin" -t vqa --change "patch joint 2 from other.bin"
for level in blocks layers heads; do
    is "baseline-patch-$level" b compare -c "$one/baseline.bin" -c "$one/other.bin" -t vqa --patch $level
done
is baseline-attention b compare -c "$one/baseline.bin" -c "$one/other.bin" -t vqa --attention

# ---- figures
f() { # f VIEW OPTION...
    view=$1
    shift
    drawn f.svg "$v" figure "$view" -m "$tiny" --threads 1 --no-log -t gqa -o f.svg "$@" scene.png "what color is it"
}
if [ "$figures" -eq 1 ]; then
    is judged-figure drawn j.svg "$v" $judge --calibration --figure j.svg
    is judged-figure-apart drawn j.svg "$v" compare --rows first.jsonl second.jsonl --figure j.svg
    is judged-figure-once drawn j.svg "$v" compare --rows first.jsonl third.jsonl --figure j.svg
    is projected-figure drawn p.svg "$v" explain $set -c noise --project regions --color task --near 1 --figure p.svg
    for view in tokens matrix heads plane lens effects regions; do
        is "figure-$view" f $view
    done
    is figure-head f matrix --map text-to-image --layer 1 --head 2
    is figure-token f attention --token color
    is figure-states f states --token color
    is figure-region f tokens --region 2
    is figure-effects-regions f effects --leave-one-out regions
    is figure-method f attribution --attribute rollout
    for view in compare difference drift patch; do
        is "figure-two-$view" f $view -c noise -c other.safetensors
    done
    is figure-patch-heads f patch -c noise -c other.safetensors --patch heads
    is figure-curves f curves --attribute rollout
    is figure-trend drawn f.svg "$v" figure trend -m "$tiny" -c noise -c other.safetensors --threads 1 --no-log \
        --check-set one.checks -o f.svg
    for view in attention states project attribution curves what-if activation compare difference drift patch trend \
        flips; do
        is "figure-nothing-$view" f $view
    done
else
    skip "built without what draws figures"
fi

# ---- scripts of jobs, and files that are made
is batch "$v" batch -n 4 -- eval -m "$tiny" --data set.jsonl
is batch-many "$v" batch -n 3 --gpus 2 --cpus 5 --memory 7G --time 1:30:00 --partition gpu --name many --then-merge -- \
    eval -m "$tiny" -c noise -c other.safetensors --data set.jsonl -t gqa
is batch-lmdb "$v" batch -n 2 --then-merge -- extract -m "$tiny" -o out.lmdb --list "the list.txt"
is batch-explain "$v" batch -n 2 -- explain -m "$tiny" --data set.jsonl
convert() {
    "$v" convert "$@" && "$v" inspect made*
}
is convert-average convert --average "$tiny/checkpoint.bin" other.safetensors -o made-average.safetensors
rm -f made*
is convert-half convert --type float16 other.safetensors -o made-half.safetensors
rm -f made*
is convert-between "$v" convert --interpolate --steps 3 "$tiny/checkpoint.bin" other.safetensors -o made
rm -rf made*
is convert-regions "$v" convert-regions scene.npy "$SRCDIR/tests/data/regions/two.pkl" -o made.tsv
is converted cut -c1-60 made.tsv
is convert-again "$v" convert-regions scene.npy -o made.tsv
mkdir parts
cp "$tiny/checkpoint.bin" "$tiny/config.json" "$tiny/vocab.txt" "$tiny/gqa.txt" parts
is model-init "$v" model init made-model parts --no-query
is model-json cat made-model/model.json
is world "$v" world -o made-world --seed 3 --scenes 2
is world-data cat made-world/data.jsonl

# ---- evaluations and attributions of a log
"$v" eval $set -c noise >out.txt 2>&1
a relevancy >out.txt 2>&1
"$v" query -m "$tiny" --threads 1 -t gqa --attribute lrp scene.png "what color" >out.txt 2>&1
"$v" query -m "$tiny" --threads 1 -t gqa --patch-from "a dog" scene.png "what color" >out.txt 2>&1
is logged-list "$v" sessions
is logged-evaluations "$v" sessions evaluations
is logged-evaluations-json "$v" sessions evaluations --json
is logged-evaluation "$v" sessions evaluation 1
is logged-rows "$v" sessions evaluation 2 --rows
for id in 1 2 3; do
    is "logged-show-$id" "$v" sessions show $id
done
is logged-query "$v" sessions query 1
is logged-replay "$v" sessions replay 2 -m "$tiny" --threads 1 --no-log

# ---- an output that is full: nothing that was not written counts as told
full() { # full COMMAND...
    timeout 200 "$v" "$@" >/dev/full 2>err </dev/null
    status=$?
    [ $status -eq 1 ] && [ "$(grep -c 'output cannot be written' err)" -eq 1 ]
    ok $? "$* to a full device: ($status) $(tail -n 1 err)"
}
if [ -w /dev/full ]; then
    watch=$(echo "$watch" | sed 's/--until 3/--until 9/') # there are three: nobody waits for more
    two="compare -m $tiny -c noise -c other.safetensors --threads 1 --no-log"
    for o in "" --csv --json; do
        full $judge --slices $o
        full eval $set --no-log -c noise --change "drop region 1" --resamples 100 $o
        full eval $set --no-log -c noise --heads -t gqa $o
        full explain $set -c noise --project regions $o
        full $two --check-set one.checks $o
        full $two --weights $o
        for what in cka attention "patch blocks"; do
            full $two --$what $o -t gqa scene.png "what color"
        done
    done
    for o in "" --json; do
        full eval --from early.jsonl $o
        full eval $set --no-log -c noise $o
        full explain $set -c noise --methods rollout --orders 2 $o
        full $watch --data set.jsonl --resamples 100 $o
        full $watch --check-set one.checks $o
        full query -m "$tiny" --threads 1 --no-log -t gqa $o scene.png "what color"
        full query -m "$tiny" --threads 1 --no-log -t gqa --attribute rollout $o scene.png "what color"
        full query -m "$tiny" --threads 1 --no-log -t gqa --leave-one-out tokens $o scene.png "what color"
        full query -m "$tiny" --threads 1 --no-log -t gqa --patch-from "a dog" $o scene.png "what color"
        for verb in list "show 1" "query 1" "search color" check evaluations "diff 1 2" \
            "replay 2 -m $tiny --threads 1 --no-log"; do
            full sessions $(echo "$verb" | tr : ' ') $o
        done
        full inspect "$tiny/checkpoint.bin" $o
        full tasks $o
    done
    full sessions evaluation 1
    full sessions evaluation 1 --rows
    full sessions export 2
    full sessions sql --csv "SELECT 1"
    full batch -n 4 -- eval -m "$tiny" --data set.jsonl
else
    skip "there is no /dev/full"
fi
end
