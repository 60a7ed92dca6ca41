#!/bin/sh
# SPDX-License-Identifier: MIT
# Features of another width than the model's are named with both numbers before anything is computed, by
# each command that takes regions; and checkpoints with a configuration of their own stand beside others.
# Breaks when a command passes a width on to the model, or reads a checkpoint by another one's configuration.
set -u
data=$SRCDIR/tests/data/baseline tiny=$SRCDIR/tests/data/tiny
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export VILSCOPE_LOG="$work/log.db" XDG_CACHE_HOME="$work/cache"
. "$SRCDIR/tests/cli/lib.sh"

# ---- widths: the tiny model reads 20 numbers, these regions have 2048
mkdir "$work/wide" "$work/beside"
cp "$data/scene.npy" "$data/mirror.npy" "$work/wide"
cp "$data/scene.npy" "$tiny/scene.png" "$work/beside"
cp "$tiny/scene.png" "$work"
echo '{"task": "snli-ve", "images": ["scene.png"], "text": "a red square", "answer": "neutral"}' >"$work/data.jsonl"
cp "$work/data.jsonl" "$work/beside"
"$VILSCOPE" convert-regions -o "$work/wide.lmdb" "$work/wide" >/dev/null 2>&1
both='scene.npy: features of 2048 numbers, but the model tiny expects 20'

refuses 1 "$both" "query" "$VILSCOPE" query -m "$tiny" -t vqa --regions "$data/scene.npy" "$tiny/scene.png" "a"
refuses 1 "$both" "query, of candidates" "$VILSCOPE" query -m "$tiny" -t visual7w \
    --candidates "$data/scene.npy" --regions "$tiny/scene.npy" "$tiny/scene.png" "a"
"$VILSCOPE" query -m "$tiny" -t vqa --patch-from-image "$tiny/mirror.png" --patch-from-regions "$data/scene.npy" \
    "$tiny/scene.png" "a" >"$work/out" 2>"$work/err"
[ $? -eq 1 ] && [ ! -s "$work/out" ] && grep -q "$both" "$work/err"
ok $? "query --patch-from-image, before the query itself is asked"
[ ! -e "$work/log.db" ]
ok $? "before a log is begun"
refuses 1 "wide/scene.npy: features of 2048 numbers, but the model tiny expects 20" "eval --regions FOLDER" \
    "$VILSCOPE" eval -m "$tiny" --data "$work/data.jsonl" --regions "$work/wide" --no-log
refuses 1 "wide.lmdb: features of 2048 numbers, but the model tiny expects 20" "eval --regions LMDB" \
    "$VILSCOPE" eval -m "$tiny" --data "$work/data.jsonl" --regions "$work/wide.lmdb" --no-log
refuses 1 "$both" "eval --data, beside the image" "$VILSCOPE" eval -m "$tiny" \
    --data "$work/beside/data.jsonl" --no-log
refuses 1 "$both" "compare" "$VILSCOPE" compare -m "$tiny" -t vqa --regions "$data/scene.npy" --no-log \
    "$tiny/scene.png" "a"
refuses 1 "$both" "explain" "$VILSCOPE" explain -m "$tiny" --data "$work/beside/data.jsonl" --orders 1 \
    --methods rollout
refuses 1 "$both" "the workbench, before its screen" "$VILSCOPE" workbench -m "$tiny" \
    --regions "$data/scene.npy" --no-log "$tiny/scene.png"
"$VILSCOPE" convert-regions -o "$work/mixed" "$tiny/scene.npy" "$data/mirror.npy" >/dev/null 2>"$work/err"
grep -q "image 'mirror' has features of 2048 numbers, those before it 20: no model reads both" "$work/err"
ok $? "convert-regions knows no model, but says that there is none: $(cat "$work/err")"
"$VILSCOPE" convert-regions -o "$work/even" --quiet "$data/scene.npy" "$data/mirror.npy" >/dev/null 2>"$work/err" &&
    [ ! -s "$work/err" ]
ok $? "of one width it says nothing"

# ---- a configuration for a checkpoint
mkdir "$work/two" "$work/saved"
cp "$data/tasks.bin" "$work/saved/pytorch_model.bin"
cp "$data/config.json" "$tiny/vocab.txt" "$work/saved"
model() { # model CONFIG-MEMBER: a model directory with two sizes
    cat >"$work/two/model.json" <<END
{"name": "two", "config": "$tiny/config.json", "vocab": "$tiny/vocab.txt",
 "checkpoints": [{"name": "small", "file": "$tiny/checkpoint.bin"},
                 {"name": "large", "file": "$data/tasks.bin"$1}]}
END
}
ask() { # ask OUT OPTION...
    out=$1
    shift
    "$VILSCOPE" query --no-log -t refcoco "$@" "$tiny/scene.png" "the red square" >"$work/$out" 2>"$work/err"
}
model ", \"config\": \"$data/config.json\""
ask alone --config "$data/config.json" --vocab "$tiny/vocab.txt" -c "$data/tasks.bin" --regions "$data/scene.npy"
ask large -m "$work/two" -c large --regions "$data/scene.npy" && cmp -s "$work/alone" "$work/large"
ok $? "a checkpoint of a directory is read by its own configuration: $(head -n 1 "$work/large")"
ask tiny --config "$tiny/config.json" --vocab "$tiny/vocab.txt" -c "$tiny/checkpoint.bin" \
    --regions "$tiny/scene.npy"
ask small -m "$work/two" -c small --regions "$tiny/scene.npy" && cmp -s "$work/small" "$work/tiny"
ok $? "the other one by that of all"
refuses 1 "features of 20 numbers, but the checkpoint large expects 2048" "each has its own width" \
    "$VILSCOPE" query --no-log -m "$work/two" -c large -t vqa --regions "$tiny/scene.npy" "$tiny/scene.png" a
for what in --cka --attention "--patch blocks"; do
    # shellcheck disable=SC2086 # words
    refuses 2 "small and large are of different sizes" "compare $what has nothing to hold together" \
        "$VILSCOPE" compare --no-log -m "$work/two" $what -t vqa --regions "$tiny/scene.npy" "$tiny/scene.png" a
done
refuses 1 "parts of a model of another size" "nor is one patched with the other" \
    "$VILSCOPE" query --no-log -m "$work/two" -t vqa --regions "$data/scene.npy" \
    --change "patch co 1 from small" "$tiny/scene.png" a
sed 's/"hidden_act": "gelu"/"hidden_act": "relu"/' "$tiny/config.json" >"$work/relu.json"
cat >"$work/two/model.json" <<END
{"name": "two", "config": "$tiny/config.json", "vocab": "$tiny/vocab.txt",
 "checkpoints": [{"name": "small", "file": "$tiny/checkpoint.bin"},
                 {"name": "other", "file": "$tiny/checkpoint.bin", "config": "$work/relu.json"}]}
END
refuses 1 "parts of a model of another configuration" "nor of the same sizes, computed otherwise" \
    "$VILSCOPE" query --no-log -m "$work/two" -t vqa --regions "$tiny/scene.npy" \
    --change "patch text 1 from small" "$tiny/scene.png" a
ask again -m "$work/two" -c small --regions "$tiny/scene.npy" && cmp -s "$work/again" "$work/tiny" &&
    ask other -m "$work/two" -c other --regions "$tiny/scene.npy" && ! cmp -s "$work/other" "$work/tiny"
ok $? "of two of one file each has its own: $(head -n 1 "$work/other")"
prepared() { # prepared OUT OPTION...
    out=$1
    shift
    "$VILSCOPE" forward "$@" --inputs "$tiny/expected.safetensors" --output "$work/$out.st" >"$work/out" 2>&1
}
prepared other -m "$work/two" -c other && prepared small -m "$work/two" -c small &&
    prepared relu --config "$work/relu.json" -c "$tiny/checkpoint.bin" &&
    cmp -s "$work/other.st" "$work/relu.st" && ! cmp -s "$work/other.st" "$work/small.st"
ok $? "forward reads a checkpoint of a directory by its own configuration, too: $(cat "$work/out")"
model ""
refuses 1 "tasks.bin" "without it the file does not fit" "$VILSCOPE" query --no-log -m "$work/two" -t vqa \
    --regions "$data/scene.npy" "$tiny/scene.png" a
model ", \"config\": 7"
refuses 1 '"config" is not a string' "what is no path is told" "$VILSCOPE" query --no-log -m "$work/two" \
    -t vqa "$tiny/scene.png" a

model ", \"config\": \"$data/config.json\""
# ---- a folder that transformers saved, as a checkpoint
ask folder -m "$work/two" -c "$work/saved" --regions "$data/scene.npy" && cmp -s "$work/alone" "$work/folder"
ok $? "brings its configuration with it, whatever the directory says: $(head -n 1 "$work/folder")"
ask lone -c "$work/saved" --regions "$data/scene.npy" && cmp -s "$work/alone" "$work/lone"
ok $? "and alone its vocabulary"
echo '{"v_feature_size": 20, "hidden_size": 30' >"$work/saved/config.json"
refuses 1 "saved/config.json" "a damaged one is named" "$VILSCOPE" query --no-log -m "$tiny" \
    -c "$work/saved" -t vqa "$tiny/scene.png" a
ask said -c "$work/saved" --config "$data/config.json" --vocab "$tiny/vocab.txt" --regions "$data/scene.npy" &&
    cmp -s "$work/alone" "$work/said"
ok $? "--config wins"
end
