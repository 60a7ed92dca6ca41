#!/bin/sh
# SPDX-License-Identifier: MIT
# All that the commands print, against tests/cli/golden/: every line, its layout, and its numbers, up
# to their last digits (other processors). Broken by any change of what a command says.
#
# VILSCOPE_GOLDEN=write writes the files anew: read the difference before you commit it.
set -u
tiny=$SRCDIR/tests/data/tiny
data=$SRCDIR/tests/data
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export VILSCOPE_LOG="$work/log.db" XDG_CACHE_HOME="$work/cache"
. "$SRCDIR/tests/cli/golden-lib.sh"
cd "$work" || exit 1

v=$VILSCOPE
q() { # q TASK TEXT [OPTION...]: of the scene
    task=$1 text=$2
    shift 2
    "$v" query -m "$tiny" --threads 1 -t "$task" "$@" scene.png "$text"
}
cp "$tiny/scene.png" "$tiny/scene.npy" "$tiny/mirror.png" "$tiny/mirror.npy" .
cp scene.png alone.png

# ---- asking
for task in vqa genomeqa gqa refcoco refcoco+ refcocog visual7w snli-ve; do
    is "query-$task" q $task "the red square is what color"
done
is query-guesswhat q guesswhat "is it red? | yes | is it a square? | no"
for task in nlvr2 coco flickr30k; do
    is "query-$task" "$v" query -m "$tiny" --threads 1 -t $task scene.png mirror.png "two red things"
done
is query-json q gqa "what color" --json
is query-json-boxes q refcoco "the red square" --json
is query-separate "$v" query -m "$tiny" -t nlvr2 --pair separate scene.png mirror.png "two"
is query-top q refcoco "the red square" --top 100
is query-top-0 q gqa "what color" --top 0
is query-changes q gqa "what color is this" --change "mask token 3" --change "drop region 2" \
    --change "ablate text-to-image 1.2 zero" --change "drop token 4"
is query-changes-json q gqa "what color" --json --change "ablate text-to-image 1.1 mean" --change "mask token 3"
is query-swap q gqa "what color" --change "patch co 1 from noise"
for kind in regions tokens heads; do
    is "query-leave-one-out-$kind" q gqa "what color" --leave-one-out $kind
    is "query-leave-one-out-$kind-json" q refcoco "red" --leave-one-out $kind --json
done
is query-patch q gqa "what color" --patch-from "a dog" --target 3 --against 9 --verify 5
is query-patch-json q gqa "what color" --patch-from "a dog" --target 3 --against 9 --json --patch-state "co 1 text"
is query-patch-site q gqa "what color" --patch-from "the red square" --patch-site attention --top 2
is query-patch-same q gqa "what color" --patch-from "what color" --verify 0 --top 2
is query-long q vqa "a b c d e f g h i j k l m n o p q r s t u v w x y z a b c d e f g h i j k l m n o p"
is query-unknown q gqa "zyzzyva ünï 漢字"
printf '1 2 30 40\n50 10 90 60\n' >boxes.txt
is query-boxes "$v" query -m "$tiny" -t refcoco --boxes boxes.txt alone.png "red"
computed() { # what the detector finds has the last digits of the processor
    "$@" | sed 's/"\{0,1\}[0-9a-f]\{64\}"\{0,1\}/DIGEST/'
}
is query-boxes-choose computed "$v" query -m "$tiny" -t visual7w --boxes boxes.txt --json alone.png "red"
is query-detector "$v" query -m "$tiny" -t refcoco alone.png "red"
is query-detector-json computed "$v" query -m "$tiny" -t refcoco --json alone.png "red"
is query-two-checkpoints "$v" query -m "$tiny" -c noise -c "$tiny/checkpoint.bin" -t gqa scene.png "what"
maps() { q gqa "what" --no-log --attention "$1" && "$v" inspect "$1"; }
is query-maps maps maps.safetensors
is query-mean maps mean.npy
is query-log-attention q gqa "what" --log-attention
is query-upright "$v" query -m "$tiny" -t refcoco --upright --no-log "$data/pictures/turned.jpg" "red"
for file in mmf.npy mmf_info.npy lxmert_obj36.tsv vilbert_beta.lmdb bua.npz padded.npz one.pkl two.pkl \
    bua_wh_swapped.tsv normalised.npy outside.npy inverted.npy; do
    is "query-of-$file" "$v" query -m "$tiny" -t refcoco --no-log --regions "$data/regions/$file" "red"
done
wrong() { # wrong NAME ARGUMENT...
    name=$1
    shift
    is "wrong-$name" "$v" "$@"
}
wrong query query
wrong query-one query scene.png
wrong query-option query --nothing
wrong query-task query -t chess scene.png a
wrong query-images query -m "$tiny" -t nlvr2 scene.png a
wrong query-more query -m "$tiny" -t vqa scene.png mirror.png a
wrong query-empty query -m "$tiny" -t vqa scene.png "  "
wrong query-change query -m "$tiny" -t vqa --no-log --change "mask token 1" scene.png "a b"
wrong query-change-2 query -m "$tiny" -t vqa --no-log --change "drop region 99" scene.png "a b"
wrong query-change-3 query -m "$tiny" -t vqa --no-log --change "ablate text 9.9" scene.png "a b"
wrong query-change-4 query -m "$tiny" -t vqa --no-log --change "sing" scene.png "a b"
wrong query-knock query -m "$tiny" -t vqa --no-log --leave-one-out doors scene.png "a b"
wrong query-pairs query -m "$tiny" -t vqa --no-log --patch-from "b" --pairs 3-4 scene.png "a"
wrong query-patch-state query -m "$tiny" -t vqa --no-log --patch-from "b" --patch-state "doors" scene.png "a"
wrong query-top query -m "$tiny" -t vqa --top x scene.png a
wrong query-threads query -m "$tiny" -t vqa --threads 0 scene.png a
wrong query-pair query -m "$tiny" -t nlvr2 --pair x scene.png mirror.png a
wrong query-attention query -m "$tiny" -t vqa --no-log --attention x.txt scene.png a
wrong query-checkpoint query -m "$tiny" -c none -t vqa scene.png a
wrong query-parts query -c "$tiny/checkpoint.bin" -t vqa scene.png a
wrong query-candidates query -m "$tiny" -t vqa --candidates scene.npy scene.png a

# ---- files
is tasks "$v" tasks
tokens() {
    printf '{"text": "The dogs, [MASK] ran!"}\n{"text": ""}\n' | "$v" tokenize --vocab "$tiny/vocab.txt"
}
is tokenize tokens
for f in tiny/checkpoint.bin tiny/gqa.txt tiny/classes.txt tiny/vocab.txt tiny/scene.npy tiny/scene.png \
    tiny/config.json tiny/expected.safetensors checkpoints/blank_name.bin checkpoints/training.pt \
    checkpoints/training_old.bin \
    regions/mmf.npy regions/mmf_info.npy regions/lxmert_obj36.tsv regions/vilbert_beta.lmdb \
    regions/bua.npz regions/padded.npz regions/one.pkl regions/two.pkl pictures/turned.jpg \
    pictures/palette.gif pictures/lossy.webp pictures/rgb.bmp pictures/rgb.ppm pictures/gray.png \
    pictures/truncated.jpg sets/gqa.json; do
    file=$(echo "$f" | tr / -)
    is "inspect-$file" "$v" inspect "$data/$f"
    [ $f = tiny/gqa.txt ] || is "inspect-json-$file" "$v" inspect --json "$data/$f"
done
# All the other files, those of a folder in one.
inspected() { # inspected FILE...: the head of what is said of each
    for f; do
        case $f in *.py | *.sha256 | *.h5 | *.lmdb) continue ;; esac
        echo "== ${f##*/}"
        "$v" inspect "$f" >said 2>&1
        echo "status $?" && head -n 30 said
    done
}
is inspect-wrappings inspected "$data"/wrappings/*
is inspect-baseline inspected "$data"/baseline/*.bin "$data"/baseline/*.safetensors "$tiny/detector.pth"
is inspect-regions inspected "$data"/regions/*.*
is inspect-pictures inspected "$data"/pictures/*
is inspect-sets inspected "$data"/sets/* "$data"/rows/* "$data"/probes/* "$data"/detector/* "$data"/logs/version-6.db
is inspect-key "$v" inspect --key 7 "$data/regions/two.pkl"
is inspect-two "$v" inspect scene.png nothing mirror.png
: >empty
printf 'PK\003\004abc' >zip
printf '\200\002}q' >pickle
printf '\377\330\377' >jpeg
for f in empty zip pickle jpeg; do
    wrong "inspect-$f" inspect $f
done
wrong inspect inspect
wrong tokenize tokenize
is detect "$v" detect -d "$tiny/detector.pth" --detector-arch "$tiny/detector.json" --classes "$tiny/classes.txt" scene.png
is detect-boxes "$v" detect -d "$tiny/detector.pth" --detector-arch "$tiny/detector.json" --boxes boxes.txt -o x.npy scene.png
is inspect-detected computed "$v" inspect x.npy
is detect-dump "$v" detect -d "$tiny/detector.pth" --detector-arch "$tiny/detector.json" --dump x.safetensors scene.png
is inspect-dump "$v" inspect x.safetensors
for f in detect "detect scene.png" "detect -d none scene.png" forward "forward --config x" extract "extract scene.png" \
    "world" "world -o w --scenes x" cache-x "cache sing" "devices x" "tasks x" eval "eval -m $tiny" compare; do
    # shellcheck disable=SC2086 # words
    wrong "$(echo "$f" | sed "s|$SRCDIR/tests/data/||" | tr ' ' - | tr -d /. | tail -c 30)" $f
done
x="-d $tiny/detector.pth --detector-arch $tiny/detector.json --threads 1"
is extract "$v" extract $x -o out scene.png mirror.png nothing.png
is extract-again "$v" extract $x -o out scene.png mirror.png
is extract-shard "$v" extract $x -o parts --shard 2/2 --quiet scene.png mirror.png
ls -R out parts >listed
is extracted cat listed
for o in "--shard 0/2" "--shard 3" "--jobs 0" "--batch 65" "--format x" "--list none"; do
    wrong "extract$(echo "$o" | tr -d ' /')" extract $x -o out2 $o scene.png
done
is cache "$v" cache
is cache-clear "$v" cache clear

# ---- measuring
box=$("$v" query -m "$tiny" -t refcoco --no-log --top 1 scene.png "the red square" |
    sed 's/.*\[ *\([0-9.]*\) *\([0-9.]*\) *\([0-9.]*\) *\([0-9.]*\)\].*/\1, \2, \3, \4/')
cat >set.jsonl <<END
{"task": "gqa", "images": ["scene.png"], "text": "what color", "answer": "red"}
{"task": "gqa", "images": ["scene.png"], "text": "what is it", "answers": {"red": 1, "blue": 0.3}}
{"task": "refcoco", "images": ["scene.png"], "text": "the red square", "box": [$box]}
{"task": "refcoco", "images": ["mirror.png"], "text": "the square", "box": [10, 10, 30, 30]}
{"task": "snli-ve", "images": ["scene.png"], "text": "a red square", "answer": "entailment"}
{"task": "nlvr2", "images": ["scene.png", "mirror.png"], "text": "two red things", "answer": "true"}
{"task": "coco", "images": ["scene.png", "mirror.png"], "text": "a thing", "answer": 1}
{"task": "visual7w", "images": ["scene.png"], "text": "red", "candidates": [[1, 2, 30, 40], [50, 10, 90, 60]], "answer": 1}
END
e="eval -m $tiny --data set.jsonl --threads 1 --no-log"
is eval "$v" $e
is eval-json "$v" $e --json
is eval-limit "$v" $e --limit 1
is eval-task "$v" $e -t gqa -c noise
is eval-attention "$v" $e --attention
is eval-attention-json "$v" $e --attention --json -t refcoco
predictions() { # predictions TASK
    "$v" $e -t "$1" --predictions p.json && cat p.json
}
for task in gqa refcoco snli-ve nlvr2 coco visual7w; do
    is "predictions-$task" predictions $task
done
is predictions-many predictions ""
is eval-logged "$v" eval -m "$tiny" --data set.jsonl --threads 1

# ---- comparing
"$BUILDDIR/test-compare" make "$tiny/checkpoint.bin" other.safetensors bert.encoder.v_layer.1. 0.4
cat >set.probes <<END
name: color
task: gqa
image: scene.png
text: what color
answer: red

name: box
task: refcoco
image: scene.png
text: the red square
box: 10 10 30 30

task: coco
image: scene.png
image: mirror.png
text: a thing
answer: 1
END
c="compare -m $tiny -c $tiny/checkpoint.bin -c other.safetensors --threads 1 --no-log"
for format in "" --json --csv; do
    is "compare$format" "$v" $c --check-set set.probes $format
    is "compare-query$format" "$v" $c $format -t gqa scene.png "what color"
    is "compare-cka$format" "$v" $c --cka $format --check-set set.probes
    is "compare-attention$format" "$v" $c --attention --top 5 $format -t gqa scene.png "what color"
    for level in blocks layers heads; do
        is "compare-patch-$level$format" "$v" $c --patch $level $format -t gqa scene.png "what color"
    done
done
for format in "" --csv; do
    is "compare-weights$format" "$v" $c --weights $format
    is "compare-tensors$format" "$v" $c --tensors --top 7 $format
done
begin() { # begin COMMAND...: of what is long
    "$@" | sed -n 1,60p
}
is compare-weights--json begin "$v" $c --weights --json
for o in "--weights --csv --json" "--watch ." "--until 3 --check-set set.probes" "--settle x" "--top x --weights"; do
    wrong "compare$(echo "$o" | tr -d ' /.')" $c $o
done

# ---- the log
VILSCOPE_LOG=$work/asked.db
for task in gqa refcoco; do
    q $task "the red square"
done >out.txt 2>&1
"$v" ${c% --no-log} --weights --top 3 >out.txt 2>&1
"$v" ${c% --no-log} --check-set set.probes >out.txt 2>&1
"$v" ${c% --no-log} --patch blocks -t gqa scene.png "what color" >out.txt 2>&1
"$v" eval -m "$tiny" --data set.jsonl >out.txt 2>&1
s() {
    "$v" sessions "$@"
}
is pin s pin 1 red
is note s note 2 "a note, with \"signs\""
is tag s tag 2 hard
is sessions s
is sessions-json s --json
is sessions-limit s -n 2
for id in 1 2 3 4 5 6 7; do
    is "sessions-show-$id" s show $id
done
is sessions-show-json s show --json 4
is sessions-query s query 1
is sessions-difference-1 begin s difference 1
is sessions-difference-2 s difference 2
is sessions-search s search red
is sessions-search-json s search --json red
is sessions-search-options s search -t gqa --since 2020-01-01 -c noise --image scene.png -n 2
is sessions-pinned s search --pinned
is sessions-tag s search --tag hard
is sessions-diff s diff 1 2
is sessions-diff-checkpoints s diff -c noise -c other.safetensors
is sessions-diff-json s diff --json -c noise -c other.safetensors
for format in jsonl csv html; do
    s export 1 2 3 --format $format >export.txt
    tr '>' '\n' <export.txt | sed -e 's/base64,.*/base64/' -e 's/^\([0-9].*\),[0-9.]*,\([^,]*\)$/\1,MS,\2/' \
        -e 's/"data":.*//' -e 's/"regions":[0-9.]*,/"regions":MS,/' >broken.txt
    is "sessions-export-$format" cat broken.txt
done
some() {
    s export --format csv 1 --pinned | sed 's/,[0-9.]*,[^,]*$//'
}
is sessions-export-some some
is sessions-sql s sql "SELECT id, task, text, score FROM query_list"
is sessions-sql-json s sql --json "SELECT id, task, NULL, 1.5 FROM queries LIMIT 2"
is sessions-sql-csv s sql --csv "SELECT id, task, 'a,\"b' FROM queries LIMIT 2"
is sessions-check s check
is sessions-check-json s check --json
is sessions-replay s replay 1 -m "$tiny" --threads 1 --no-log
is sessions-replay-json s replay 1 -m "$tiny" --threads 1 --json
is sessions-replay-other s replay 1 -m "$tiny" -c other.safetensors --threads 1 --no-log --fail-on-change --tolerance 0.0000001
cp "$data/logs/version-2.db" old.db
chmod u+w old.db
is sessions-merge s merge old.db
is sessions-merge-again s merge old.db
is sessions-merged s
is sessions-prune-dry s prune --older-than 0d --dry-run
is sessions-prune s prune --session 2 --vacuum
is sessions-untag s untag 3 hard
is sessions-unpin s unpin 1
for o in "show" "show x" "show 99" "query 99" "difference 99" "pin 99" "tag 1" "sql" "prune" "merge" "diff 1" \
    "export --format x" "search -t chess" "prune --older-than x" "search --since x" "sing" "replay 99 -m $tiny" "list -n x"; do
    wrong "sessions-$(echo "$o" | sed "s|$SRCDIR/tests/data/||" | tr -d ' /.' | tail -c 24)" sessions $o
done

# ---- files that are wrong, one way each
bytes() { # bytes NAME TEXT: wrong in a pickle
    printf "$2" >"pickle-$1"
    wrong "pickle-$1" inspect "pickle-$1"
}
bytes order '\200\002K\001q\005.'
bytes odd '\200\002}(K\001u.'
bytes no-list '\200\002(K\001e.'
bytes no-dict '\200\002(K\001K\002u.'
bytes global '\200\004K\001K\002\223.'
bytes ordered 'ccollections\nOrderedDict\n(K\001K\002lp0\n\205R.'
bytes latin 'c_codecs\nencode\nK\001K\002\206R.'
bytes build '\200\002K\001b.'
bytes build-nothing '\200\002b.'
bytes persistent 'P7\n.'
bytes int 'Iabc\n.'
bytes int-cut 'I12'
bytes long 'Labc\n.'
bytes string "S'abc\n."
bytes string-cut "S'abc"
bytes unicode-cut 'Vabc'
bytes float 'Fabc\n.'
bytes frame '\200\004\225\377\377\377\377\377\377\377\177K\001.'
bytes opcode '\200\002\377.'
bytes protocol '\200\011.'
bytes mark '\200\002K\001u.'
bytes get 'g7\n.'
bytes no-stop '\200\002K\001'
bytes nothing '\200\002.'
bytes tuple '\200\002\205.'
bytes inst '(i__main__\nx\n.'
bytes reduce '\200\002K\001K\002R.'
{
    head -c 257 /dev/zero
    printf ustar
    head -c 300 /dev/zero
} >tar
wrong tar query -m "$tiny" -c tar -t vqa scene.png a
for f in empty zip pickle jpeg "$tiny/gqa.txt" "$tiny/scene.npy"; do
    wrong "checkpoint-${f##*/}" query -m "$tiny" -c "$f" -t vqa scene.png a
    wrong "regions-${f##*/}" query -m "$tiny" -t vqa --regions "$f" a
    wrong "boxes-${f##*/}" query -m "$tiny" -t refcoco --boxes "$f" alone.png a
    wrong "labels-${f##*/}" query -m "$tiny" -t gqa --gqa-labels "$f" scene.png a
    wrong "detector-${f##*/}" query -m "$tiny" -t refcoco --detector "$f" alone.png a
    wrong "vocab-${f##*/}" query -m "$tiny" -t vqa --vocab "$f" scene.png a
    wrong "config-${f##*/}" query -m "$tiny" -t vqa --config "$f" scene.png a
    wrong "data-${f##*/}" eval -m "$tiny" --no-log --data "$f"
    wrong "set-${f##*/}" compare -m "$tiny" --no-log --check-set "$f"
    wrong "log-${f##*/}" sessions --log "$f"
    wrong "inputs-${f##*/}" forward --config "$tiny/config.json" -c "$tiny/checkpoint.bin" --inputs "$f" --output y
done
safetensors() { # safetensors NAME HEADER
    printf '%b' "\\0$(printf %o ${#2})\\0\\0\\0\\0\\0\\0\\0" >"$1.safetensors"
    printf '%s' "$2" >>"$1.safetensors"
    head -c 64 /dev/zero >>"$1.safetensors"
    wrong "safetensors-$1" inspect "$1.safetensors"
}
safetensors none '{}'
safetensors list '[]'
safetensors cut '{"a":{"dtype":"F32"'
safetensors shape '{"a":{"dtype":"F32","shape":[99],"data_offsets":[0,4]}}'
safetensors negative '{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}'
safetensors offsets '{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}'
safetensors beyond '{"a":{"dtype":"F32","shape":[1],"data_offsets":[96,100]}}'
safetensors type '{"a":{"dtype":"X9","shape":[1],"data_offsets":[0,4]}}'
safetensors deep '{"a":{"dtype":"F32","shape":[1,1,1,1,1,1,1,1,1],"data_offsets":[0,4]}}'
safetensors good '{"a":{"dtype":"F32","shape":[4,4],"data_offsets":[0,64]}}'

mkdir model
cp "$tiny/checkpoint.bin" "$tiny/config.json" "$tiny/vocab.txt" "$tiny/gqa.txt" model
description() { # description NAME TEXT: wrong in model.json
    echo "$2" >model/model.json
    wrong "model-$1" query -m model -t gqa --no-log --regions scene.npy a
}
whole='"config": "config.json", "vocab": "vocab.txt", "checkpoints": [{"file": "checkpoint.bin"}]'
description list '[]'
description cut '{'
description checkpoints '{"config": "config.json", "vocab": "vocab.txt", "checkpoints": 3}'
description no-checkpoints '{"config": "config.json", "vocab": "vocab.txt", "checkpoints": []}'
description no-file '{"config": "config.json", "vocab": "vocab.txt", "checkpoints": [{"name": "a"}]}'
description gone '{"config": "config.json", "vocab": "vocab.txt", "checkpoints": [{"file": "none.bin"}]}'
description number '{"config": 3, "vocab": "vocab.txt", "checkpoints": [{"file": "checkpoint.bin"}]}'
description labels "{$whole, \"labels\": 3}"
description other-labels "{$whole, \"labels\": {\"x\": \"gqa.txt\"}}"
description task-tokens "{$whole, \"task_tokens\": 3}"
description few "{$whole, \"max_regions\": 1}"
description least "{$whole, \"max_regions\": 2}"
description most "{$whole, \"max_regions\": 10000}"
description many "{$whole, \"max_regions\": 10001}"
description good "{$whole, \"labels\": {\"gqa\": \"gqa.txt\"}}"
head -n 20 "$tiny/vocab.txt" >model/vocab.txt
description words "{$whole}"
wrong model-file query -m "$tiny/model.json" -t gqa scene.png a
wrong model-none query -m none -t gqa scene.png a
for change in '"num_hidden_layers": 0' '"hidden_size": 7' '"vocab_size": 5' '"num_attention_heads": 5' \
    '"v_num_attention_heads": 0' '"hidden_act": "tanh"' '"v_feature_size": 21' '"max_position_embeddings": 0' \
    '"bi_num_attention_heads": 7' '"type_vocab_size": 0' '"t_biattention_id": [9]' '"v_biattention_id": []'; do
    key=${change%%:*}
    sed "s/$key: *\(\[[^]]*\]\|[^,}]*\)/$change/" "$tiny/config.json" >config.json
    wrong "config-$(echo "$key" | tr -d '"')" query -m "$tiny" --config config.json -t gqa --no-log scene.png a
done

echo '[["a", 1, 2, 3]]' >words.json
echo '[[1, 2, 3]]' >three.json
echo '{"a": 1}' >object.json
yes '1 2 30 40' | head -n 100 >most.txt
yes '1 2 30 40' | head -n 101 >many.txt
for f in words.json three.json object.json many.txt most.txt; do
    wrong "boxes-$f" query -m "$tiny" -t refcoco --top 1 --no-log --boxes $f alone.png a
done
wrong regions-three query -m "$tiny" -t nlvr2 --regions scene.npy --regions scene.npy --regions scene.npy \
    scene.png mirror.png a
wrong boxes-three query -m "$tiny" -t nlvr2 --boxes boxes.txt --boxes boxes.txt --boxes boxes.txt alone.png alone.png a
wrong keys-three query -m "$tiny" -t nlvr2 --regions scene.npy --key a --key b --key c scene.png mirror.png a
wrong compare-regions compare -m "$tiny" -t nlvr2 --regions scene.npy --regions scene.npy --regions scene.npy \
    scene.png mirror.png a
wrong compare-keys compare -m "$tiny" -t gqa --regions scene.npy --key a --key b scene.png a
wrong size query -m "$tiny" -t gqa --regions scene.npy "$data/pictures/turned.jpg" a
wrong size-other query -m "$tiny" -t gqa --regions scene.npy "$data/frozen/images/000000.png" a
wrong nothing query -m "$tiny" -t gqa a
mkdir folder
wrong extract-empty extract $x -o out3 folder
wrong watch-file compare -m "$tiny" --check-set set.probes --watch scene.png
long=$(head -c 10001 /dev/zero | tr '\0' a)
is sessions-long s search "$long"

set_of() { # set_of NAME LINE [OPTION...]: wrong in a data set
    name=$1
    echo "$2" >data.jsonl
    shift 2
    wrong "set-$name" eval -m "$tiny" --no-log --data data.jsonl --images . "$@"
}
guess='{"object_id": 1, "image": {"file_name": "scene.png"}, "qas": [{"question": "is it?", "answer": "Yes"}], "objects":'
set_of guesswhat "$guess [{\"id\": 1, \"bbox\": [1, 2, 30, 40]}, {\"id\": 2, \"bbox\": [5, 6, 30, 40]}]}"
set_of guesswhat-none "$guess []}"
set_of guesswhat-other "$guess [{\"id\": 2, \"bbox\": [1, 2, 30, 40]}]}"
set_of guesswhat-box "$guess [{\"id\": 1, \"bbox\": [1, 2, 30]}]}"
set_of guesswhat-image '{"object_id": 1, "image": {}, "qas": [{"question": "is it?", "answer": "Yes"}], "objects": []}'
set_of snli '{"Flickr30K_ID": "scene", "gold_label": "neutral"}'
set_of snli-label '{"Flickr30K_ID": "scene", "sentence2": "a"}'
set_of snli-none '{"sentence2": "a", "gold_label": "neutral"}'
set_of retrieval '{"sentences": [], "img_path": "scene.png"}'
set_of retrieval-none '{"sentences": ["a"]}'
set_of number '{"task": 3}'
set_of images '{"task": "gqa", "images": 3, "text": "a", "answer": "b"}'
set_of image '{"task": "gqa", "images": [3], "text": "a", "answer": "b"}'
set_of text '{"task": "gqa", "images": ["scene.png"], "text": 3, "answer": "b"}'
set_of answer '{"task": "gqa", "images": ["scene.png"], "text": "a", "answer": 3}'
set_of answers '{"task": "gqa", "images": ["scene.png"], "text": "a", "answers": 3}'
set_of box '{"task": "refcoco", "images": ["scene.png"], "text": "a", "box": ["a", 1, 2, 3]}'
set_of inside-out '{"task": "refcoco", "images": ["scene.png"], "text": "a", "box": [30, 1, 2, 3]}'
set_of candidates '{"task": "visual7w", "images": ["scene.png"], "text": "a", "candidates": [], "answer": 0}'
set_of beyond '{"task": "visual7w", "images": ["scene.png"], "text": "a", "candidates": [[1, 2, 3, 4]], "answer": 1}'
set_of before '{"task": "visual7w", "images": ["scene.png"], "text": "a", "candidates": [[1, 2, 3, 4]], "answer": -1}'
set_of truth '{"task": "nlvr2", "images": ["scene.png", "mirror.png"], "text": "a", "answer": "perhaps"}'
set_of picture '{"task": "coco", "images": ["scene.png", "mirror.png"], "text": "a", "answer": 2}'
set_of gone '{"task": "gqa", "images": ["gone.png"], "text": "a", "answer": "b"}'
# ---- prepared inputs that are wrong
header='{"in.input_ids":{"dtype":"I64","shape":[1,2],"data_offsets":[0,16]},"in.token_type_ids":{"dtype":"I64","shape":[1,2],"data_offsets":[16,32]},"in.attention_mask":{"dtype":"I64","shape":[1,2],"data_offsets":[32,48]},"in.image_mask":{"dtype":"I64","shape":[1,2],"data_offsets":[48,64]},"in.task_ids":{"dtype":"I64","shape":[1,1],"data_offsets":[64,72]},"in.features":{"dtype":"F32","shape":[1,2,20],"data_offsets":[72,232]},"in.spatials":{"dtype":"F32","shape":[1,2,5],"data_offsets":[232,272]}}'
inputs() { # inputs NAME SED BYTE-AT BYTES: with that in the header and the data
    printf '\000\004\000\000\000\000\000\000' >"$1.in"
    printf '%-1024s' "$(echo "$header" | sed "$2")" >>"$1.in"
    head -c "$3" /dev/zero >>"$1.in"
    printf "$4" >>"$1.in"
    head -c 272 /dev/zero >>"$1.in"
    head -c $((8 + 1024 + 272)) "$1.in" >cut.in
    wrong "forward-$1" forward --config "$tiny/config.json" -c "$tiny/checkpoint.bin" --inputs cut.in --output "$1.out"
}
inputs good "" 0 ""
is inspect-forward "$v" inspect good.out
inputs last-word "" 0 '\307'
inputs word "" 0 '\310'
inputs negative-word "" 0 '\377\377\377\377\377\377\377\377'
inputs large-word "" 4 '\001'
inputs type "" 16 '\002'
inputs task "" 64 '\377'
inputs negative-task "" 64 '\377\377\377\377\377\377\377\377'
inputs shape-ids 's/ids":{"dtype":"I64","shape":\[1,2\]/ids":{"dtype":"I64","shape":[2,1]/' 0 ""
inputs shape-mask 's/attention_mask":{"dtype":"I64","shape":\[1,2\]/attention_mask":{"dtype":"I64","shape":[2,1]/' 0 ""
inputs shape-image 's/image_mask":{"dtype":"I64","shape":\[1,2\]/image_mask":{"dtype":"I64","shape":[2,1]/' 0 ""
inputs shape-features 's/\[1,2,20\]/[1,4,10]/' 0 ""
inputs shape-spatials 's/\[1,2,5\]/[1,5,2]/' 0 ""
inputs flat 's/\[1,2,20\]/[40]/' 0 ""
for name in input_ids token_type_ids attention_mask image_mask task_ids features spatials; do
    inputs "no-$name" "s/in.$name/out.$name/" 0 ""
done
end
