#!/bin/sh
# SPDX-License-Identifier: MIT
# Options that contradict each other, belong to others, or are missing: exit status 2 and one line
# that says which, before anything is read or written. A check that is left out, turned round or
# forgets one of its options, and a refusal that ends with 0, breaks it.
set -u
tests=$(cd "$(dirname "$0")" && pwd)
. "$tests/lib.sh"
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
export XDG_DATA_HOME="$work/data" XDG_CACHE_HOME="$work/cache" HOME="$work"
unset VILSCOPE_LOG
cd "$work" || exit 1

# A line each: the command, a bar, how its message begins.
all() {
    while IFS='|' read -r command message; do
        [ -n "$message" ] || continue
        # shellcheck disable=SC2086 # words
        set -- $command
        "$VILSCOPE" "$@" >out 2>err </dev/null
        status=$?
        line=$(cat err)
        case $line in
        "vilscope $1:$message"*) [ $status -eq 2 ] && [ "$(wc -l <err)" -eq 1 ] && [ ! -s out ] ;;
        *) false ;;
        esac
        ok $? "$command: ($status) $line"
    done
}

all <<'END'
batch eval | -n is missing: how many shards
batch -n 2 | which command? as in: vilscope batch -n 16 -- eval
batch -n 2 -- evall | which command?
batch -n 2 -- eval --help | eval: --help makes no sense in a job
batch -n 2 -- inspect x | inspect has no --shard: a task of an array would do all of it
batch -n 2 -- sessions replay | sessions reads a log where others write one
batch -n 2 -- eval --shard 1/2 | leave out --shard: the script has it for each task
batch -n 2 -- eval --log x.db | leave out --log: shards have their logs in a folder (--name)
batch -n 2 -- explain --rows x | leave out --rows: shards have their rows in a folder (--name)
batch -n 2 -- extract --output x.lmdb | give the LMDB as -o NAME.lmdb
batch -n 2 --name a/b -- extract -o x | --name takes letters, digits, '_', '-' and '.', not 'a/b'
batch -n 2 --name=-b -- extract -o x | --name takes letters, digits, '_', '-' and '.', not '-b'
cache wipe | 'wipe' is neither show nor clear
completions bash zsh | unexpected argument 'zsh'
completions csh | which shell? bash, zsh or fish
compare --weights --cka | only one of --weights, --cka, --attention, --patch at a time
compare --weights --attention | only one of --weights, --cka, --attention, --patch at a time
compare --tensors x --patch heads | only one of --weights, --cka, --attention, --patch at a time
compare --watch . --check-set x --weights | --watch asks a check set: no --weights
compare --watch . --check-set x --cka | --watch asks a check set: no --weights
compare --watch . --check-set x --csv | --watch writes text or --json
compare --check-set x --until 3 | --until and --settle need --watch
compare --check-set x --settle 1 | --until and --settle need --watch
compare --rows x --images . | --images is for --data SET
compare --from x --candidates . | --candidates is for --data SET
compare --reference x --annotations . | --annotations is for --data SET
compare --data x --regions a --regions b | --data: one --regions has the features of all images
compare --data x --candidates a | --candidates go with --regions
compare --rows x --from y | only one of --rows, --from, --data and --reference
compare --data x --reference y | only one of --rows, --from, --data and --reference
compare --rows x --data y | only one of --rows, --from, --data and --reference
compare --rows x --weights | rows are judged alone
compare --rows x --check-set y | rows are judged alone
compare --rows x --watch . | rows are judged alone
compare --rows x --regions y | rows are judged alone
compare --rows x --until 3 | --until and --settle need --watch
compare --data x --settle 2 | --until and --settle need --watch
compare --data x --watch . --slice a | --watch tells scores as they come, without --slice
compare --data x --watch . --slices | --watch tells scores as they come, without --slices
compare --data x --watch . --crossings | --watch tells scores as they come, without --crossings
compare --data x --watch . --agreement | --watch tells scores as they come, without --agreement
compare --data x --watch . --calibration | --watch tells scores as they come, without --calibration
compare --data x --watch . --confusion | --watch tells scores as they come, without --confusion
compare --data x --watch . --gallery g | --watch tells scores as they come, without --gallery
compare --data x --watch . --csv | --watch tells scores as they come, without --csv
compare --rows x --evaluation 1 | --evaluation is for --from LOG
compare --rows x --limit 1 | --limit is for --data and --reference
compare --from x --sample 1 | --sample is for --data and --reference
compare --data x more | unexpected argument 'more'
compare --rows x --json --csv | either --json or --csv
compare --rows x --csv --agreement | --csv has scores or slices: --json has all
compare --rows x --csv --trend | --csv has scores or slices: --json has all
compare --rows x --csv --calibration | --csv has scores or slices: --json has all
compare --rows x --csv --confusion | --csv has scores or slices: --json has all
compare --rows x --shard 1/2 | --shard is for --check-set: eval --shard measures
compare --rows x --resume | --resume is for --check-set
compare --check-set x --slice a | --slice is for evaluations: --rows, --from, --data or --reference
compare --check-set x --slices | --slices is for evaluations
compare --check-set x --crossings | --crossings is for evaluations
compare --check-set x --agreement | --agreement is for evaluations
compare --check-set x --trend | --trend is for evaluations
compare --check-set x --calibration | --calibration is for evaluations
compare --check-set x --confusion | --confusion is for evaluations
compare --check-set x --gallery g | --gallery is for evaluations
compare --check-set x --evaluation 1 | --evaluation is for evaluations
compare --check-set x --split a | --split is for evaluations
compare --check-set x --limit 1 | --limit is for evaluations
compare --check-set x --sample 1 | --sample is for evaluations
compare --check-set x --images . | --images is for evaluations
compare --weights --shard 1/2 | --shard is for --check-set
compare --weights --resume | --resume is for --check-set
compare --watch . --check-set x --shard 1/2 | --shard is for --check-set
compare --check-set x -t vqa | either --check-set or one query, not both
compare --check-set x --regions y | either --check-set or one query, not both
compare --check-set x --json --csv | either --json or --csv
compare --weights -t vqa | --weights asks nothing: no check set and no query with it
compare --weights --check-set x | --weights asks nothing: no check set and no query with it
compare | nothing to ask: give --check-set FILE, or -t TASK IMAGE... TEXT (or --weights)
compare -t vqa | the query's text is missing: it is the last argument
compare x.png text | --task is missing
compare --check-set x --width 90 | --width and --dpi are for --figure FILE
compare --check-set x --dpi 90 | --width and --dpi are for --figure FILE
compare --check-set x --figure x.gif | --figure writes .svg, .pdf or .png, not 'x.gif'
compare --weights --figure x.svg | --figure is for check sets, queries and rows
compare --watch . --check-set x --figure x.svg | --figure is for check sets, queries and rows
convert x | -o is missing: the file to write
convert a b -o c --average --interpolate | only one of --average and --interpolate at a time
convert -o c | 1 to 
convert a -o c --interpolate | --interpolate goes from one checkpoint to another: give two
convert a b c -o d --interpolate | --interpolate goes from one checkpoint to another: give two
convert a -o c --average | --average needs two checkpoints or more
convert-regions x | -o is missing: a folder, NAME.lmdb or NAME.tsv
convert-regions -o x | which FILE?
detect x.png | -d WEIGHTS and one image are needed
detect -d x | -d WEIGHTS and one image are needed
detect -d x --dump a --boxes b x.png | --dump and --boxes do not go together
eval --evaluation 1 -m x --data y | --evaluation is for --from LOG
eval -m x --data y --reference z | either --data or --reference
eval -m x | -m DIR and --data SET or --reference DIR are needed
eval --data x | -m DIR and --data SET or --reference DIR are needed
eval -m x --data y --as-reference | --as-reference is for --reference
eval -m x --data y --resume --predictions p | --predictions is of all items: not with --resume
eval -m x --data y --shard 1/2 --predictions p | --predictions is of all items: not with --shard
eval -m x --data y --shard 1/2 --attention | --attention is of all items: not with --shard
eval -m x --data y --place 1/2 | --place is for --shard
eval -m x --data y --shard 1/2 --rows r | --shard keeps the rows in its log: --rows is for --no-log
eval -m x --data y --candidates c | --candidates go with --regions
eval -m x --reference y --predictions p | --predictions is for --data
eval -m x --reference y --attention | --attention is for --data
eval -m x --reference y --images . | --images is for --data
eval -m x --reference y --regions r | --regions is for --data
eval -m x --reference y --annotations a | --annotations is for --data
eval -m x --data y --heads --change mask | either --heads or --change
eval -m x --data y --heads --predictions p | --heads: no --predictions with it
eval -m x --data y --heads --attention | --heads: no --attention with it
eval -m x --data y --heads --place 1/2 | --heads: no --place with it
eval -m x --data y --heads --strict | --heads: no --strict with it
eval -m x --data y --heads --batch 2 | --heads: no --batch with it
eval -m x --data y --heads --log l | --heads: no --log with it
eval -m x --reference y --heads --as-reference | --heads: no --as-reference with it
eval -m x --data y --slice a | --slice is for --change; of checkpoints vilscope compare tells it
eval -m x --data y --slices | --slices is for --change; of checkpoints vilscope compare tells it
eval -m x --data y --heads --resume | --resume goes on from a file of rows: --rows FILE
eval -m x --data y --sort entropy | --sort is for --heads
eval -m x --data y --csv | --csv is for --change and --heads
eval -m x --data y --heads --json --csv | either --json or --csv
explain --project cls --methods attention | --project: no --methods with it
explain --project cls --reference x | --project with --reference needs -t TASK
explain --project cls --reference x -t coco | --project with --reference needs -t TASK, and not a task that ranks images
explain --project cls --rows x | --project: no --rows with it
explain --project cls --agreement | --project: no --agreement with it
explain --project cls --resume | --project: no --resume with it
explain --project cls --shard 1/2 | --project: no --shard with it
explain --check-set x | --check-set is for --project
explain --after x | --after is for --project
explain --near 1 | --near is for --project
explain --neighbors 3 | --neighbors is for --project
explain --figure x.svg | --figure is for --project
explain --width 90 | --width is for --project
explain --dpi 90 | --dpi is for --project
explain --csv | --csv is for --project
explain --project cls | --project: either --data SET, --reference DIR or --check-set FILE
explain --project cls --data x --check-set y | --project: either --data SET, --reference DIR or --check-set FILE
explain --project cls --data x --json --csv | either --json or --csv
explain --project cls --data x --neighbors 3 | --neighbors is for --near N
explain --project cls --data x --dpi 90 | --width and --dpi are for --figure
explain --project cls --data x --figure x.gif | --figure writes .svg, .pdf or .png, not 'x.gif'
explain -m x | either --data SET or --reference DIR
explain --reference x --images . | --images is for --data
explain --project cls --check-set x --annotations y | --annotations is for --data
explain -m x --data y --reference z | either --data SET or --reference DIR
explain -m x --data y --resume | --resume goes on from a file of rows: --rows FILE
extract --merge a.lmdb | --merge LMDB: which others are put into it?
extract --merge a.lmdb b.lmdb --verify | --merge takes LMDBs alone: no -o, --list, --shard or --verify
extract --merge a.lmdb b.lmdb -o x | --merge takes LMDBs alone: no -o, --list, --shard or --verify
extract --merge a.lmdb b.lmdb --list x | --merge takes LMDBs alone: no -o, --list, --shard or --verify
extract --merge a.lmdb b.lmdb --shard 1/2 | --merge takes LMDBs alone: no -o, --list, --shard or --verify
extract x.png -d y | -o is missing: a folder, or NAME.lmdb
extract x.png -o y | no detector: -d WEIGHTS, or -m DIR of a model that has one
extract -d x -o y | no image is given
figure | which view is missing: a figure is of 
figure none | there is no figure of 'none': a figure is of 
figure attention | where to write is missing: -o FILE
figure attention -o x.svg | the view attention needs what attends: --token WORD, --region N, or --attribute METHOD
figure attention -o x.svg --token a | the query's text is missing: it is the last argument
forward -c x --inputs a --output b | --config (or -m), one -c, --inputs and --output are needed
forward -m x --inputs a --output b | --config (or -m), one -c, --inputs and --output are needed
forward -m x -c x --output b | --config (or -m), one -c, --inputs and --output are needed
forward -m x -c x -c y --inputs a --output b | --config (or -m), one -c, --inputs and --output are needed
forward -m x -c x --inputs a | --config (or -m), one -c, --inputs and --output are needed
inspect | which FILE?
query x.png text | --task is missing
query -t vqa | the query's text is missing: it is the last argument
query -t vqa --target x a.png b | --target and --against belong to --attribute and --patch-from
query -t vqa --against x a.png b | --target and --against belong to --attribute and --patch-from
query -t vqa --map 1 a.png b | --map belongs to --attribute attention
query -t vqa --attribute relevancy --map 1 a.png b | --map belongs to --attribute attention
query -t vqa --attribute relevancy --matrices a.png b | --matrices belongs to --attribute relevancy and --json
query -t vqa --attribute attention --matrices --json a.png b | --matrices belongs to --attribute relevancy and --json
query -t vqa --pairs 1:2 a.png b | --pairs, --region-pairs, --patch-site, --patch-state and --patch-from-regions belong to --patch-from
query -t vqa --region-pairs 1:2 a.png b | --pairs, --region-pairs, --patch-site, --patch-state and --patch-from-regions belong
query -t vqa --patch-site state a.png b | --pairs, --region-pairs, --patch-site, --patch-state and --patch-from-regions belong
query -t vqa --patch-from-regions r a.png b | --pairs, --region-pairs, --patch-site, --patch-state and --patch-from-regions belong
query -t vqa --patch-from x --leave-one-out heads a.png b | --patch-from, --attribute and --leave-one-out are asked for one at a time
query -t vqa --patch-from x --attribute attention a.png b | --patch-from, --attribute and --leave-one-out are asked for one at a time
query -t vqa --patch-from-image x --patch-from-image y a.png b | --patch-from-image is given once for each image of the query
query -t vqa --patch-from-image x --boxes z a.png b | --boxes and --candidates are of the query's own image: not with
query -t vqa --patch-from-image x --candidates z a.png b | --boxes and --candidates are of the query's own image: not with
query -t vqa --patch-from-image x --patch-from-regions r --patch-from-regions s a.png b | --patch-from-regions is given once for each
query -t vqa --attention x -c a -c b a.png b | --attention takes one checkpoint
relevance -c x --inputs a --targets t --dump d | --config (or -m), one -c, --inputs, --targets, and
relevance -m x --inputs a --targets t --dump d | --config (or -m), one -c, --inputs, --targets, and
relevance -m x -c x -c y --inputs a --targets t --dump d | --config (or -m), one -c, --inputs, --targets, and
relevance -m x -c x --targets t --dump d | --config (or -m), one -c, --inputs, --targets, and
relevance -m x -c x --inputs a --dump d | --config (or -m), one -c, --inputs, --targets, and
relevance -m x -c x --inputs a --targets t | --config (or -m), one -c, --inputs, --targets, and --dump or --curves are needed
sessions show | show takes 
sessions list --shard 1/2 | --shard is for replay
sessions list --resume | --resume is for replay
model | init or check?
model make x | 'make' is neither init nor check
model init | init: which DIR?
model check | check: which DIR?
model check x y | check takes one DIR
tokenize | --vocab FILE is needed
workbench --tour -S x | --tour shows the demo: it takes no model, images, check set or script
workbench --tour --check-set x | --tour shows the demo: it takes no model, images, check set or script
workbench --tour --watch x | --tour shows the demo: it takes no model, images, check set or script
workbench --tour x.png | --tour shows the demo: it takes no model, images, check set or script
workbench --tour -c x | --tour shows the demo: it takes no model, images, check set or script
workbench --tour --config x | --tour shows the demo: it takes no model, images, check set or script
workbench --tour --vocab x | --tour shows the demo: it takes no model, images, check set or script
workbench --tour -m x | --tour shows the demo: it takes no model, images, check set or script
workbench --screen 80x24 | --screen is that of a script: -S FILE
workbench --regions a --regions b x.png | 2 region files for 1 images
world | -o DIR is missing
END
left=$(find . -type f ! -name out ! -name err)
[ -z "$left" ]
ok $? "nothing was written: $left"
end
