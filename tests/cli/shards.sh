#!/bin/sh
# SPDX-License-Identifier: MIT
# Work that several runs share: shards together are the whole, counted within each task; what a signal
# ends says by its status that it goes on, and does; what is missing, damaged or not the same twice is
# named. A shard that is counted over the file, a killed run that begins again, or two values of which
# one is dropped in silence breaks it.
set -u
tiny=$SRCDIR/tests/data/tiny
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export XDG_CACHE_HOME="$work/cache" XDG_DATA_HOME="$work/data"
unset VILSCOPE_LOG
. "$SRCDIR/tests/cli/lib.sh"
v=$VILSCOPE

# ---- a share is I/N
for shard in 3/2 0/4 1/x 1 /4 1/ -1/4 1/0 1/2/3 1/2x ' 1/2' 1/10000000; do
    for c in "extract -o $work/x --list $work/x" "explain --data x" "eval -m $tiny --data x" "compare --check-set x" "sessions replay 1"; do
        # shellcheck disable=SC2086 # they are several words
        "$v" $c --shard "$shard" >"$work/out" 2>"$work/err"
        [ $? -eq 2 ] && [ "$(wc -l <"$work/err")" -eq 1 ] &&
            grep -q -- "--shard takes I/N with I from 1 to N, as in 3/16, not '$shard'" "$work/err" ||
            echo "$c"
    done >"$work/wrong"
    [ ! -s "$work/wrong" ]
    ok $? "--shard '$shard': $(cat "$work/wrong" "$work/err")"
done

# ---- extraction
weights="-d $tiny/detector.pth --detector-arch $tiny/detector.json"
mkdir "$work/in"
i=0
while [ $i -lt 60 ]; do
    i=$((i + 1))
    ln -s "$SRCDIR/tests/data/pictures/scene.jpg" "$work/in/scene-$i.jpg"
done
find "$work/in" -name '*.jpg' | sort >"$work/list"
x() { # x ARGUMENT...
    # shellcheck disable=SC2086
    "$v" extract $weights --quiet --threads 1 "$@" 2>"$work/err"
}
x -o "$work/whole" --list "$work/list"
ok $? "60 images: $(cat "$work/err")"
for signal in TERM USR1; do
    # shellcheck disable=SC2086
    ends 75 $signal 'within 2 60 files "$work/$signal"' 'rm -rf "$work/$signal"' \
        "$v" extract $weights --quiet --threads 1 -o "$work/$signal" --list "$work/list" &&
        grep -q 'left: run the same command to continue' "$work/err"
    ok $? "$signal ends it with 75: $(cat "$work/err")"
    x -o "$work/$signal" --list "$work/list" && ! grep -q '60 written' "$work/err" &&
        diff -r "$work/whole" "$work/$signal" >/dev/null
    ok $? "and the same command goes on: $(cat "$work/err")"
done
x --verify -o "$work/whole" --list "$work/list" >"$work/out" && [ ! -s "$work/out" ] &&
    grep -q '60 images: 60 there, 0 missing, 0 damaged' "$work/err"
ok $? "all of it is there: $(cat "$work/err")"
rm "$work/TERM/scene-7.npy"
head -c 100 "$work/whole/scene-9.npy" >"$work/TERM/scene-9.npy"
x --verify -o "$work/TERM" --list "$work/list" >"$work/out"
[ $? -eq 1 ] && [ "$(cat "$work/out")" = "$work/in/scene-7.jpg
$work/in/scene-9.jpg" ] && grep -q 'scene-9.npy: ' "$work/err" &&
    grep -q '60 images: 58 there, 1 missing, 1 damaged' "$work/err"
ok $? "what is missing and what is damaged is named: $(cat "$work/err")"
x --force -o "$work/TERM" --list "$work/out" && diff -r "$work/whole" "$work/TERM" >/dev/null
ok $? "as a list that can be extracted again"
x --verify -o "$work/none" --list "$work/list" --shard 2/3 >"$work/out"
[ $? -eq 1 ] && [ "$(wc -l <"$work/out")" -eq 20 ]
ok $? "of a shard only its own: $(tail -n 1 "$work/err")"
x -o "$work/one.lmdb" --list "$work/list"
if grep -q "$no_lmdb" "$work/err"; then
    skip "LMDB is not written here: $(cat "$work/err")"
else
    for i in 1 2 3; do
        x -o "$work/parts/$i.lmdb" --list "$work/list" --shard $i/3 || { mkdir -p "$work/parts" &&
            x -o "$work/parts/$i.lmdb" --list "$work/list" --shard $i/3; }
    done
    x --verify -o "$work/parts/2.lmdb" --list "$work/list" >"$work/out"
    [ $? -eq 1 ] && grep -q '60 images: 20 there, 40 missing, 0 damaged' "$work/err"
    ok $? "one shard's LMDB: $(cat "$work/err")"
    "$v" extract --merge "$work/all.lmdb" "$work/parts/1.lmdb" "$work/parts/2.lmdb" 2>"$work/err" &&
        grep -q '40 images added, 0 there' "$work/err" &&
        "$v" extract --merge "$work/all.lmdb" "$work"/parts/*.lmdb 2>"$work/err" &&
        grep -q '20 images added, 40 there' "$work/err" &&
        x --verify -o "$work/all.lmdb" --list "$work/list"
    ok $? "LMDBs of shards are put into one, also later: $(cat "$work/err")"
    for k in scene-1 scene-60; do
        for l in one all; do
            "$v" query -m "$tiny" -t refcoco --regions "$work/$l.lmdb" --key $k --no-log a 2>/dev/null
        done | sort | uniq -c | awk '$1 != 2' >"$work/differ"
        [ ! -s "$work/differ" ]
        ok $? "$k is the same as of one run"
    done
    mkdir "$work/other"
    cp "$SRCDIR/tests/data/pictures/gray.png" "$work/other/scene-5.png"
    x -o "$work/other.lmdb" "$work/other"
    refuses 1 "image 'scene-5' is in $work/all.lmdb already, and its regions are others" \
        "two values of one image" "$v" extract --merge "$work/all.lmdb" "$work/other.lmdb"
    refuses 1 "none.lmdb" "an LMDB that is not there" "$v" extract --merge "$work/new.lmdb" \
        "$work/all.lmdb" "$work/none.lmdb"
    [ ! -e "$work/new.lmdb" ]
    ok $? "then nothing is written"
fi
refuses 2 "which others are put into it" "nothing to merge" "$v" extract --merge "$work/x.lmdb"
refuses 2 "takes LMDBs alone" "too much to merge" "$v" extract --merge "$work/x.lmdb" -o a b.lmdb

# ---- evaluation: three shards of two checkpoints, each task of the array with one
"$v" world -o "$work/set" --seed 5000 --scenes 12 >/dev/null
# Most items of one task at the end: what is counted over the file would put them into few shards.
{ grep -v '"vqa"' "$work/set/data.jsonl"; grep '"vqa"' "$work/set/data.jsonl"; } >"$work/set/items.jsonl"
e() { # e ARGUMENT...
    "$v" eval -m "$frozen" --data "$work/set/items.jsonl" --threads 1 "$@" 2>"$work/err"
}
e -c early -c final --log "$work/one.db" >"$work/table"
tasks=$(grep -c '%.* to ' "$work/table")
ok $? "one machine: $(grep -c '%.* to .*% ' "$work/table") tasks"
share=$(($(wc -l <"$work/set/items.jsonl") / 3))
share() { # share I CHECKPOINT PLACE FOLDER
    e -c "$2" --shard "$1/3" --place "$3/2" --log "$4/" >"$work/out"
}
merge() { # merge ARGUMENT...: into all.db
    "$v" sessions --log "$work/all.db" merge "$work/logs/" "$@" >"$work/out" 2>"$work/err"
}
share 1 early 1 "$work/logs" && share 1 final 2 "$work/logs" && share 3 final 2 "$work/logs"
ok $? "some shards: $(ls "$work/logs" | tr '\n' ' ')"
[ "$(awk '/%.* to / {print $2}' "$work/out" | sort -u)" = 4 ]
ok $? "a shard has its share of each task"
[ "$(awk '/%.* to / {print $1, $3}' "$work/out")" = "$(awk '/%.* to / {print $1, $3}' "$work/table")" ] ||
    awk '/%.* to / {print $1, $3}' "$work/out" | grep -q "$(awk '/^vqa/ {print $1, $3}' "$work/table")"
ok $? "and the most common answer of the whole set: $(grep '^vqa' "$work/out")"
merge
[ $? -eq 1 ] && grep -q '^vqa  *early  *4 of 12 items, 1 of 3 shards: 2,3 are missing: not scored' "$work/out" &&
    grep -q '^nlvr2  *final  *8 of 12 items, 2 of 3 shards: 2 is missing: not scored' "$work/out"
ok $? "what is missing is named: $(grep '^vqa' "$work/out" | tr '\n' ';')"
merge --missing
[ $? -eq 1 ] && [ "$(cat "$work/out")" = 2,3,5 ]
ok $? "as sbatch --array= takes it: $(cat "$work/out")"
merge --json
[ $? -eq 1 ] && grep -q '"missing": \[' "$work/out"
ok $? "and as JSON"
"$v" sessions --log "$work/only.db" merge "$work/logs"/*-3of3-*.db --missing >"$work/out" 2>&1
[ $? -eq 1 ] && [ "$(cat "$work/out")" = 1-5 ]
ok $? "also a checkpoint of which there is nothing: $(cat "$work/out")"
refuses 1 "has shards only" "shards are not scored" "$v" eval --from "$work/all.db"

# ---- a shard that is killed goes on: with nothing lost but the batch that was at work
for signal in KILL TERM USR1; do
    want=75
    [ $signal = KILL ] && want=137
    ends $want $signal 'within 5 $share rows_of "$work"/logs/*-2of3-*' 'rm -f "$work"/logs/*-2of3-*' \
        "$v" eval -m "$frozen" --data "$work/set/items.jsonl" --threads 1 --batch 1 -c early --shard 2/3 \
        --place 1/2 --log "$work/logs/"
    ok $? "$signal: $want $(tail -n 1 "$work/err")"
    [ $signal = KILL ] || grep -q 'what was measured is kept, the same command goes on' "$work/err"
    ok $? "which says what to do"
    [ "$(find "$work/logs" -name '*-2of3-*.rows' | wc -l)" -eq 1 ] &&
        [ -z "$(find "$work/logs" -name '*-2of3-*.db')" ]
    ok $? "what it measured is kept, and is no log yet"
    rows=$(cat "$work"/logs/*-2of3-*.rows | wc -l)
    printf '{"task": "vqa", "split"' >>"$(ls "$work"/logs/*-2of3-*.rows)"
    share 2 early 1 "$work/logs" && grep -q "shard 2 of 3: $rows items were measured already" "$work/err" &&
        [ -z "$(find "$work/logs" -name '*.rows')" ]
    ok $? "and goes on: $(grep already "$work/err")"
    cp "$work"/logs/*-2of3-*.db "$work/again-$signal.db"
    [ $signal = USR1 ] || rm "$work"/logs/*-2of3-*.db
done
share 2 early 1 "$work/logs" && grep -q "shard 2 of 3: $share items were measured already" "$work/err" &&
    [ "$(find "$work/logs" -name '*-2of3-*.db' | wc -l)" -eq 1 ]
ok $? "one that is done is not measured again: $(grep already "$work/err")"
merge --missing
[ $? -eq 1 ] && [ "$(cat "$work/out")" = 3,5 ]
ok $? "less is missing: $(cat "$work/out")"
"$v" eval --from "$work/all.db" >"$work/out" 2>"$work/err"
[ $? -eq 1 ]
ok $? "nothing is whole yet: $(cat "$work/err")"
share 2 final 2 "$work/logs" && merge
[ $? -eq 1 ] && "$v" eval --from "$work/all.db" >"$work/out" 2>"$work/err"
[ $? -eq 4 ] && [ "$(grep -c ' final ' "$work/out")" -eq $tasks ] && grep -q 'note: .* evaluations are left out' "$work/err"
ok $? "what is whole is scored, and the rest named: $(cat "$work/err")"

# ---- all of it
share 3 early 1 "$work/logs" && merge && ! grep -q 'missing' "$work/out" &&
    [ "$(grep -c '12 of 12 items, 3 of 3 shards' "$work/out")" -eq $((2 * tasks)) ]
ok $? "all is there: $(grep '^vqa *early' "$work/out")"
grep '12 of 12 items' "$work/out" >"$work/first"
merge && grep '12 of 12 items' "$work/out" | cmp - "$work/first" && [ "$(grep -vc ' 0.0%' "$work/first")" -gt 3 ]
ok $? "once more the scores are those that were joined: $(grep '^vqa *early' "$work/out")"
merge --missing && [ ! -s "$work/out" ]
ok $? "nothing is missing"
for l in one all; do
    "$v" eval --from "$work/$l.db" --json >"$work/$l.json" || echo "$l"
done >"$work/out"
[ ! -s "$work/out" ] && cmp "$work/one.json" "$work/all.json" && [ "$(wc -c <"$work/one.json")" -gt 100000 ]
ok $? "joined they are one machine's evaluation, to the byte"
"$v" eval --from "$work/logs/" --json | cmp - "$work/one.json"
ok $? "so are the logs in their folder"
"$v" sessions --log "$work/all.db" check | grep -q 'no problems' &&
    [ "$("$v" sessions --log "$work/all.db" evaluations | wc -l)" -eq $((2 * tasks)) ]
ok $? "the log is sound, and lists evaluations, not shards"
scores="SELECT task, checkpoint_name, items, score, low, high, baseline, row_count FROM evaluations WHERE
    row_count > 0 ORDER BY 1, 2"
slices="SELECT s.field, s.value, s.items, round(s.score_sum, 6), count(*) FROM evaluation_slices s JOIN
    slice_items i ON i.slice_id = s.id JOIN evaluations e ON e.id = s.evaluation_id GROUP BY e.task,
    e.checkpoint_name, s.field, s.value ORDER BY e.task, e.checkpoint_name, s.field, s.value"
for l in one all; do
    "$v" sessions --log "$work/$l.db" sql --csv "$scores" >"$work/$l.scores"
    "$v" sessions --log "$work/$l.db" sql --csv "$slices" >"$work/$l.slices"
done
cmp "$work/one.scores" "$work/all.scores" && cmp "$work/one.slices" "$work/all.slices" &&
    [ "$(wc -l <"$work/all.slices")" -gt 200 ]
ok $? "with its scores and slices in the tables"

# ---- the same by what batch prints, run as Slurm would
mkdir "$work/bin" "$work/array"
cat >"$work/bin/scontrol" <<'EOF'
#!/bin/sh
echo "scontrol $*" >>"$STUBS"
EOF
cat >"$work/bin/sbatch" <<'EOF'
#!/bin/sh
for last; do :; done
echo "${last#--wrap=}" >"$STUBS.wrap"
EOF
chmod +x "$work/bin/scontrol" "$work/bin/sbatch"
batch() { # batch ARGUMENT...: in the folder of the set
    (cd "$work/array" && "$v" batch "$@" >"$work/out" 2>"$work/err")
}
batch -n 3 --name it --then-merge --time 1:00:00 --memory 2G -- eval -m "$frozen" \
    --data "$work/set/items.jsonl" -c early -c final && cp "$work/out" "$work/it.sbatch" && bash -n "$work/it.sbatch"
ok $? "batch prints a script: $(wc -l <"$work/it.sbatch") lines"
for line in '#SBATCH --array=1-6' '#SBATCH --requeue' '#SBATCH --open-mode=append' '#SBATCH --signal=B:USR1@60' \
    '#SBATCH --cpus-per-task=4' '#SBATCH --mem=2G' '#SBATCH --time=1:00:00' 'shards=3' '1) checkpoint=early ;;'; do
    grep -qxF -- "$line" "$work/it.sbatch" || echo "$line"
done >"$work/wrong"
[ ! -s "$work/wrong" ] && ! grep -q 'TASK_COUNT' "$work/it.sbatch" && [ -d "$work/array/it.logs" ]
ok $? "with all numbers in it: $(cat "$work/wrong")"
task() { # task N [MIN]
    (cd / && PATH=$work/bin:$PATH STUBS=$work/stubs SLURM_ARRAY_TASK_ID=$1 SLURM_ARRAY_TASK_MIN=${2-0} \
        SLURM_ARRAY_JOB_ID=77 SLURM_CPUS_PER_TASK=1 VILSCOPE='' bash "$work/it.sbatch" >"$work/out" 2>"$work/err")
}
for i in 1 2 3 4 6; do
    task $i 1 || echo "$i"
done >"$work/wrong"
[ ! -s "$work/wrong" ] && (cd "$work/array" && ! "$v" sessions --log it.db merge --missing it.logs/ >"$work/out") &&
    [ "$(cat "$work/out")" = 5 ]
ok $? "its tasks: what is missing is $(cat "$work/out")"
task 5 5 && (cd "$work/array" && sh "$work/stubs.wrap" >"$work/out") &&
    [ "$(grep -c '12 of 12 items, 3 of 3 shards' "$work/out")" -eq $((2 * tasks)) ] && [ ! -e "$work/stubs" ] &&
    "$v" eval --from "$work/array/it.db" --json | cmp - "$work/one.json"
ok $? "joined by what it submits they are one machine's evaluation: $(cat "$work/stubs.wrap")"
task 7
[ $? -eq 2 ] && grep -q 'task 7 is none of this array' "$work/err"
ok $? "a task that is none: $(cat "$work/err")"
batch -n 2 --name slow -- eval -m "$frozen" --data "$work/set/items.jsonl" -c early --batch 1
cp "$work/out" "$work/it.sbatch"
# Stopped is the script alone: what it runs goes on while READY looks, and ends tries again where that was too long.
(cd / && export PATH="$work/bin:$PATH" STUBS="$work/stubs" SLURM_ARRAY_TASK_ID=1 SLURM_ARRAY_JOB_ID=77 VILSCOPE=
ends 75 USR1 'within 5 $share rows_of "$work"/array/slow.logs/*.rows' 'rm -f "$STUBS" "$work"/array/slow.logs/*' \
    bash "$work/it.sbatch") &&
    [ "$(cat "$work/stubs")" = "scontrol requeue 77_1" ]
ok $? "USR1 reaches the program, and 75 puts the task into the queue again: $(cat "$work/stubs")"
batch -n 4 --name boxes --gpus 2 --then-merge -- extract -d "$tiny/detector.pth" -o all.lmdb --list list &&
    grep -qxF -- '#SBATCH --gres=gpu:2' "$work/out" && grep -q -- '--shard "$shard/$shards".* --device cuda -o boxes.logs/"$shard".lmdb &' \
    "$work/out" && ! grep -q -- '-o all.lmdb' "$work/out" && grep -q 'extract --merge all.lmdb boxes.logs/\*.lmdb' "$work/out"
ok $? "an LMDB for each shard of an extraction, and one of all"
batch -n 2 -- explain -m "$frozen" --data "it's here" && grep -q -- "--data 'it'.''s here'" "$work/out" &&
    grep -qxF '#SBATCH --array=1-6' "$work/out" && grep -qF -- '--rows vilscope-explain.logs/"$task".rows --resume &' "$work/out"
ok $? "all checkpoints of the model directory, and words that a shell would part"
cd "$work/array" || exit 1
refuses 2 "-n is missing" "no number" "$v" batch -- eval -m x --data y
refuses 2 "which command" "no command" "$v" batch -n 2
refuses 2 "query has no --shard" "a command without shards" "$v" batch -n 2 -- query
refuses 2 "there is no option --bogus" "an option of the command" "$v" batch -n 2 -- eval --bogus
refuses 2 "leave out --shard" "its own shard" "$v" batch -n 2 -- eval -m x --data y --shard 1/2
refuses 2 "leave out --log" "its own log" "$v" batch -n 2 -- eval -m x --data y --log z
refuses 2 "leave out --rows" "its own rows" "$v" batch -n 2 -- explain --data y --rows z
refuses 2 "--name takes letters" "a name" "$v" batch -n 2 --name a/b -- extract -o z
refuses 1 "No such file" "a model that is not there" "$v" batch -n 2 -- eval -m none --data y
cd / || exit 1

# ---- the same again
"$v" sessions --log "$work/all.db" merge "$work/again-KILL.db" "$work/again-TERM.db" >"$work/out" 2>"$work/err" &&
    grep -q "$tasks other records" "$work/out" && "$v" eval --from "$work/all.db" --json | cmp - "$work/one.json"
ok $? "a shard that is there twice and says the same is one: $(head -n 1 "$work/out")"
"$v" sessions --log "$work/new.db" merge "$work"/logs/ "$work/again-KILL.db" >"$work/out" 2>&1 &&
    "$v" eval --from "$work/new.db" --json | cmp - "$work/one.json"
ok $? "also before all are there"
for f in "$work"/set/images/*.png; do # other pictures under the same names
    cp "$work/set/images/000003.png" "$f" 2>/dev/null
done
share 2 early 1 "$work/other"
"$v" sessions --log "$work/all.db" merge "$work/other/" >"$work/out" 2>"$work/err"
[ $? -eq 1 ] && grep -q 'early: shard 2 of 3 was measured twice, and item [0-9a-z-]* came out otherwise' "$work/err"
ok $? "one that says something else is named: $(head -n 1 "$work/err")"
rm -f "$work"/new.db*
"$v" sessions --log "$work/new.db" merge "$work/other/" "$work/logs/" >"$work/out" 2>"$work/err"
[ $? -eq 1 ] && grep -q '^refcoco *early .* 3 of 3 shards: not scored' "$work/out" &&
    ! "$v" eval --from "$work/new.db" 2>/dev/null | grep -q '^refcoco .* early'
ok $? "and then it is not joined: $(grep '^refcoco *early' "$work/out")"

# ---- a log that is a file, none, and what cannot be
e -c final -t nlvr2 --shard 1/2 --log "$work/file.db" >"$work/out" && e -c final -t nlvr2 --shard 1/2 \
    --log "$work/file.db" >"$work/out" && e -c final -t nlvr2 --shard 2/2 --log "$work/file.db" >"$work/out" &&
    "$v" sessions --log "$work/file.db" merge "$work/one.db" >"$work/out" &&
    grep -q '^nlvr2  *final  *12 of 12 items, 2 of 2 shards' "$work/out" &&
    [ -z "$(find "$work" -maxdepth 1 -name 'file.db.eval*')" ]
ok $? "shards of one log: $(grep nlvr2 "$work/out")"
e -c final -t nlvr2 --shard 2/2 --no-log --rows "$work/rows" >"$work/out" && [ "$(wc -l <"$work/rows")" -eq 6 ]
ok $? "rows of a shard without a log"
e -c final -t nlvr2 --limit 5 --shard 7/8 --log "$work/few/" >"$work/out" &&
    e -c final -t nlvr2 --limit 5 --shard 1/8 --log "$work/few/" >"$work/out" &&
    "$v" sessions --log "$work/few.db" merge "$work/few/" --missing >"$work/out"
[ "$(cat "$work/out")" = 2-6,8 ]
ok $? "a shard without an item is none that is missing: $(cat "$work/out")"
# ---- the reference's folder: what one run prints, but for times and paths; of retrieval also the ranks of
# captions, which need all of them
golden=${VILSCOPE_SHARED:-$SRCDIR/../shared}/golden/eval
plain() {
    sed 's/"ms_per_item": [^,]*/"ms_per_item": 0/; s/"\(path\|data\)": "[^"]*"/"\1": ""/' "$1"
}
for task in nlvr2 flickr30k; do
    if [ ! -d "$golden/datasets" ]; then
        skip "golden data are not here: $task of the reference's folder"
        continue
    fi
    "$v" eval -m "$golden/model" --reference "$golden" -t $task --no-log --json >"$work/direct" 2>"$work/err"
    for i in 2 3 1; do
        "$v" eval -m "$golden/model" --reference "$golden" -t $task --shard $i/3 --log "$work/of-$task/" \
            >"$work/out" 2>"$work/err" || echo "$i"
    done >"$work/wrong"
    [ ! -s "$work/wrong" ] && "$v" eval --from "$work/of-$task/" --json >"$work/joined" &&
        plain "$work/direct" >"$work/a" && plain "$work/joined" | cmp - "$work/a" && [ "$(wc -l <"$work/a")" -gt 20 ]
    ok $? "the reference's $task: $(grep '"score"' "$work/joined")"
done

# ---- check sets and replays
head -n 21 "$work/set/items.jsonl" >"$work/set/checks.jsonl"
c() { # c ARGUMENT...
    "$v" compare -m "$frozen" -c early -c final --check-set "$work/set/checks.jsonl" --threads 1 "$@" \
        >"$work/out" 2>"$work/err"
}
asked() { # asked LOG
    "$v" sessions --log "$1" sql --csv "SELECT task, text, checkpoint_name, best, round(best_score, 5) FROM
        queries ORDER BY 1, 2, 3, 4, 5"
}
c --log "$work/checks.db" && for i in 1 2 3; do c --shard $i/3 --log "$work/checks/" || echo $i; done >"$work/wrong"
[ ! -s "$work/wrong" ] && asked "$work/checks.db" >"$work/a" && asked "$work/checks/" | cmp - "$work/a" &&
    [ "$(wc -l <"$work/a")" -eq 43 ]
ok $? "shards of a check set are the whole: $(wc -l <"$work/a") lines"
c --shard 20/21 --no-log && grep -q 'shard 20 of 21 of .* has no query' "$work/err"
ok $? "one without a query: $(cat "$work/err")"
for i in 1 2; do
    "$v" sessions --log "$work/checks.db" replay 1 -c early -m "$frozen" --no-log --shard $i/2 2>/dev/null
done >"$work/out"
[ "$(sed -n 's/^\([0-9]*\) asked.*/\1/p' "$work/out" | awk '{n += $1} END {print n}')" -eq 42 ] &&
    [ "$(awk '$1 == "same" || $1 == "changed" {print $2}' "$work/out" | sort -u | wc -l)" -eq 42 ]
ok $? "shards of a replay: $(grep asked "$work/out" | tr '\n' ';')"

# ---- killed in the middle and given again: the log has what an uninterrupted run logs, once
counts() { # counts LOG: rows of each table, and the queries themselves
    "$v" sessions --log "$1" sql --csv "SELECT (SELECT count(*) FROM sessions WHERE run IS NOT NULL), (SELECT count(*)
        FROM comparisons), (SELECT count(*) FROM comparison_queries), (SELECT count(*) FROM probe_runs), (SELECT
        count(*) FROM probe_results WHERE query_id IS NOT NULL), (SELECT count(*) FROM answers)" && asked "$1"
}
logged() { # logged LOG: how many queries are in it by now
    "$v" sessions --log "$1" sql --csv "SELECT count(*) FROM queries" 2>/dev/null | tail -n 1
}
a="-m $frozen -c early -c final --check-set $work/set/checks.jsonl --threads 1"
# shellcheck disable=SC2086 # they are several words
for how in "--resume" "--shard 1/2"; do
    rm -rf "$work/whole.db" "$work/killed.db" "$work/killed"
    "$v" compare $a $how --log "$work/whole.db" >"$work/table" 2>"$work/err"
    all=$(logged "$work/whole.db")
    ends 137 KILL 'within 3 $all logged "$work/killed.db"' 'rm -f "$work"/killed.db*' \
        "$v" compare $a $how --log "$work/killed.db"
    there=$(logged "$work/killed.db")
    [ "$there" -lt "$all" ] && "$v" compare $a $how --log "$work/killed.db" >"$work/out" 2>"$work/err" &&
        counts "$work/whole.db" >"$work/a" && counts "$work/killed.db" | cmp - "$work/a" &&
        grep -q ": $there answers of it are in the log and are not logged again" "$work/err" &&
        cmp "$work/out" "$work/table"
    ok $? "compare $how, killed after $there of $all answers: $(grep before "$work/err")"
    "$v" compare $a $how --log "$work/killed.db" >"$work/out" 2>"$work/err" &&
        counts "$work/killed.db" | cmp - "$work/a"
    ok $? "and a third time nothing is new"
    # The log of a node that is no more, in a folder: another one goes on, in its own.
    mkdir "$work/killed"
    ends 137 KILL 'within 3 $all logged "$work/killed/"' 'rm -f "$work"/killed/*' \
        "$v" compare $a $how --log "$work/killed/"
    there=$(logged "$work/killed/")
    "$v" sessions --log "$work/moved.db" merge "$work"/killed/*.db >/dev/null && rm -f "$work"/killed/* &&
        mv "$work/moved.db" "$work/killed/elsewhere.db" && [ "$there" -lt "$all" ] &&
        "$v" compare $a $how --log "$work/killed/" >"$work/out" 2>"$work/err" &&
        [ "$(find "$work/killed" -name '*.db' | wc -l)" -eq 2 ] && counts "$work/killed/" | cmp - "$work/a"
    ok $? "compare $how in a folder, on another node, after $there answers: $(grep before "$work/err")"
done
"$v" compare $a --log "$work/whole.db" >/dev/null 2>&1
[ "$(logged "$work/whole.db")" -gt "$all" ]
ok $? "without either it is another run"
for how in "" --json; do
    # shellcheck disable=SC2086
    ends 75 INT 'within 3 $all logged "$work/killed.db"' 'rm -f "$work"/killed.db*' \
        "$v" compare $a $how --log "$work/killed.db"
    there=$(logged "$work/killed.db")
    grep -q ": stopped: what was answered until then ($there) is shown and logged; the same command begins again\$" \
        "$work/err" && [ "$there" -lt "$all" ] && [ -s "$work/out" ] &&
        { [ -z "$how" ] || [ "$(tail -n 1 "$work/out")" = "}" ]; }
    ok $? "compare $how, stopped by Ctrl-C after $there: $(tail -n 1 "$work/err")"
done
for log in whole killed; do
    rm -f "$work/$log.db"
    c --log "$work/$log.db"
done
r="replay 1 -m $frozen -c early -c final --threads 1 --resume"
# shellcheck disable=SC2086
{
    "$v" sessions --log "$work/whole.db" $r >"$work/table" 2>"$work/err"
    all=$(logged "$work/whole.db")
    cp "$work/killed.db" "$work/begun.db"
    ends 137 KILL 'within 45 $all logged "$work/killed.db"' \
        'rm -f "$work"/killed.db*; cp "$work/begun.db" "$work/killed.db"' "$v" sessions --log "$work/killed.db" $r
    there=$(logged "$work/killed.db")
    [ "$there" -lt "$all" ] && "$v" sessions --log "$work/killed.db" $r >"$work/out" 2>"$work/err" &&
        counts "$work/whole.db" >"$work/a" && counts "$work/killed.db" | cmp - "$work/a"
}
ok $? "replay --resume, killed after $there of $all: $(grep before "$work/err")"
# shellcheck disable=SC2086
for how in '' --resume; do
    ends 75 TERM 'within 45 $all logged "$work/killed.db"' \
        'rm -f "$work"/killed.db*; cp "$work/begun.db" "$work/killed.db"' \
        "$v" sessions --log "$work/killed.db" ${r% --resume} $how --json
    answers=$(grep -c '"outcome": ' "$work/out")
    there="stopped: $answers answers until then are logged"
    [ "$answers" -gt 2 ] && [ "$(logged "$work/killed.db")" -eq $((42 + answers)) ] &&
        grep -q "\"asked\": $answers," "$work/out" &&
        if [ "$how" ]; then grep -q "$there, the same command goes on" "$work/err"; else
            grep -q "$there; with --resume a stopped replay can be continued" "$work/err"; fi
    ok $? "replay $how, stopped: $(tail -n 1 "$work/err")"
done
refuses 2 "resume is for replay" "going on with another verb" "$v" sessions --log "$work/checks.db" list --resume
refuses 2 "resume is for --check-set" "going on with a query" "$v" compare -m "$frozen" -t vqa --resume a.png b
refuses 2 "shard is for replay" "a shard of another verb" "$v" sessions --log "$work/checks.db" list --shard 1/2
refuses 2 "shard is for --check-set" "a shard of a query" "$v" compare -m "$frozen" -t vqa --shard 1/2 a.png b
refuses 2 "predictions is of all items: not with --shard" "predictions" "$v" eval -m "$frozen" --data x \
    --predictions y --shard 1/2
refuses 2 "place is for --shard" "a place alone" "$v" eval -m "$frozen" --data x --place 1/2
refuses 2 "keeps the rows in its log" "rows and a log" "$v" eval -m "$frozen" --data x --shard 1/2 --rows y
refuses 2 "either --json, which has what is missing, or --missing" "both" "$v" sessions --log "$work/all.db" \
    merge "$work/logs/" --json --missing
end
