#!/bin/sh
# SPDX-License-Identifier: MIT
# A log on a disk that machines share, as three nodes see it: mounts of one folder by bindfs where that
# can be had, else one folder that is said to be shared ($VILSCOPE_SHARED_FS). Whatever they do at
# once, the log is sound, and each answer is in it, or kept, with a status that says so. Memory
# shared through a file, a lock that is looked at before it is taken, or an answer dropped in silence
# breaks it.
set -u
tiny=$SRCDIR/tests/data/tiny
work=$(mktemp -d)
mounts=
cleanup() {
    for m in $mounts; do
        fusermount -u "$m" 2>/dev/null || umount "$m" 2>/dev/null
    done
    rm -rf "$work"
}
trap cleanup EXIT
export XDG_CACHE_HOME="$work/cache" XDG_DATA_HOME="$work/data"
unset VILSCOPE_LOG
. "$SRCDIR/tests/cli/lib.sh"
mkdir "$work/disk" "$work/a" "$work/b" "$work/c"
for node in a b c; do
    if command -v bindfs >/dev/null && bindfs "$work/disk" "$work/$node" 2>/dev/null; then
        mounts="$mounts $work/$node"
    fi
done
if [ -z "$mounts" ]; then
    skip "no bindfs here: one folder is said to be shared"
    export VILSCOPE_SHARED_FS=yes
    rmdir "$work/a" "$work/b" "$work/c"
    for node in a b c; do
        ln -s disk "$work/$node"
    done
fi
ask() { # ask LOG TEXT
    "$VILSCOPE" query -m "$tiny" -t vqa --log "$1" "$tiny/scene.png" "$2" >"$work/answer" 2>"$work/err"
}
s() {
    "$VILSCOPE" sessions "$@"
}
number() { # number LOG SQL
    s --log "$1" sql --csv "$2" 2>/dev/null | tail -n 1
}

ask "$work/a/log.db" "one" && [ "$(number "$work/b/log.db" "SELECT count(*) FROM queries")" = 1 ]
ok $? "what one node writes another one reads"
[ ! -e "$work/disk/log.db-shm" ] && [ ! -e "$work/disk/log.db-wal" ] && [ ! -e "$work/disk/log.db.lock" ] &&
    [ "$(od -An -tu1 -j18 -N2 "$work/disk/log.db" | tr -d ' ')" = 11 ]
ok $? "without shared memory, and the lock is given back"
export VILSCOPE_SHARED_FS=yes
refuses 1 "not an SQLite database" "a file that is none stays what it is" s --log "$tiny/model.json" list
[ -z "$mounts" ] || unset VILSCOPE_SHARED_FS

# Three nodes at once.
node() { # node NAME: twelve answers; a line for each with its status
    i=0
    while [ $i -lt 12 ]; do
        i=$((i + 1))
        "$VILSCOPE" query -m "$tiny" -t vqa --log "$work/$1/log.db" "$tiny/scene.png" "node $1 no $i" \
            >/dev/null 2>>"$work/said.$1"
        echo "$?" >>"$work/status.$1"
    done
}
node a &
node b &
node c &
wait
cat "$work/status.a" "$work/status.b" "$work/status.c" | sort | uniq -c >"$work/statuses"
[ "$(grep -cv '^0$\|^3$' "$work/status.a")" -eq 0 ] && [ "$(cat "$work/status.a" "$work/status.b" \
    "$work/status.c" | grep -c '^[03]$')" -eq 36 ]
ok $? "three nodes at once: $(tr -s ' \n' ' ' <"$work/statuses")"
s --log "$work/a/log.db" check >"$work/out" 2>&1 && grep -q "no problems" "$work/out"
ok $? "the log is sound: $(tail -n 1 "$work/out")"
ask "$work/b/log.db" "last"
ok $? "the last writer adds what waited: $(grep waited "$work/err")"
[ "$(number "$work/c/log.db" "SELECT count(DISTINCT text) FROM queries WHERE text LIKE 'node %'")" = 36 ] &&
    [ "$(number "$work/c/log.db" "SELECT count(*) FROM queries")" = 38 ] &&
    [ "$(find "$work/disk" -name '*.waiting-*' | wc -l)" -eq 0 ]
ok $? "all 36 answers are there, once: $(number "$work/c/log.db" "SELECT count(*) FROM queries")"

# Another host has it.
echo "vilscope elsewhere 17 2026-01-31T10:00:00Z 5 0-boot pid:[1] 0123456789abcdef" >"$work/disk/log.db.lock"
ask "$work/a/log.db" "kept"
[ $? -eq 3 ] && grep -q "process 17 of elsewhere writes to it since 2026-01-31T10:00:00Z" "$work/err" &&
    grep -q -- "--log FOLDER/" "$work/err" && grep -q "log.db.lock if it no longer runs" "$work/err" &&
    grep -q "1 of 1 record kept in .*/log.db.waiting-[0-9a-f]*.db" "$work/err"
ok $? "a lock of another host: $(cat "$work/err")"
refuses 1 "process 17 of elsewhere" "nor can it be marked" s --log "$work/a/log.db" pin 1
[ "$(find "$work/disk" -name 'log.db.waiting-*.db' | wc -l)" -eq 1 ] && grep -q elsewhere "$work/disk/log.db.lock"
ok $? "its lock stays, and the answer waits"
[ "$(number "$work/b/log.db" "SELECT count(*) FROM queries")" = 38 ]
ok $? "reading goes on"
# A host of this name, before it was started the last time: whether it is the same one nobody knows.
echo "vilscope $(uname -n) 1 2026-01-31T10:00:00Z 5 0-boot $(readlink /proc/self/ns/pid) 0123456789abcdef" \
    >"$work/disk/log.db.lock"
refuses 1 "log.db.lock if it no longer runs" "it may be removed by hand" s --log "$work/a/log.db" pin 1
# A process of this host that is no more: its number is that of a shell that has ended.
sh -c 'echo $$' >"$work/pid"
echo "vilscope $(uname -n) $(cat "$work/pid") 2026-01-31T10:00:00Z 5 $(cat /proc/sys/kernel/random/boot_id) \
$(readlink /proc/self/ns/pid) 0123456789abcdef" >"$work/disk/log.db.lock"
ask "$work/a/log.db" "after" && [ ! -e "$work/disk/log.db.lock" ] && [ ! -e "$work/disk/log.db.lock.break" ] &&
    [ "$(number "$work/b/log.db" "SELECT count(*) FROM queries WHERE text IN ('kept', 'after')")" = 2 ]
ok $? "a lock of a process that is no more is taken over: $(cat "$work/err")"
echo "nonsense" >"$work/disk/log.db.lock"
ask "$work/a/log.db" "nonsense"
[ $? -eq 3 ] && grep -q "not which" "$work/err"
ok $? "a lock that says nothing: $(cat "$work/err")"
rm "$work/disk/log.db.lock"
# A program that has the disk as its own uses it.
: >"$work/disk/log.db-shm"
ask "$work/a/log.db" "local"
[ $? -eq 3 ] && grep -q "log.db-shm is there" "$work/err"
ok $? "one that is in use where the disk is: $(cat "$work/err")"
rm "$work/disk/log.db-shm"
: >"$work/disk/log.db.lock" # and the other way round
VILSCOPE_SHARED_FS=no "$VILSCOPE" query -m "$tiny" -t vqa --log "$work/disk/log.db" "$tiny/scene.png" "x" \
    >/dev/null 2>"$work/err"
[ $? -eq 3 ]
ok $? "which honours the lock of the others: $(cat "$work/err")"
rm "$work/disk/log.db.lock"

# All that log say by their status that they could not, and keep what they found out: on a place
# that cannot be, each beside the default log.
kept() { # kept NAME RECORDS SQL COMMAND...: status 3, and a log of so many records
    name=$1 records=$2 sql=$3
    shift 3
    rm -rf "$work/data"
    "$@" >"$work/out" 2>"$work/err" </dev/null
    status=$?
    file=$(find "$work/data/vilscope" -name 'waiting-*.db' 2>/dev/null)
    [ $status -eq 3 ] && [ -n "$file" ] && [ "$(number "$file" "$sql")" = "$records" ]
    ok $? "$name: $status $(grep -h kept "$work/err")"
}
none=/proc/none/log.db
cp "$tiny/checkpoint.bin" "$work/one.bin"
cp "$tiny/checkpoint.bin" "$work/two.bin"
printf '\0' >>"$work/two.bin"
"$VILSCOPE" world -o "$work/world" --seed 7 --scenes 4 --items 8 --task refcoco
grep '"text": "[^"]\{1,24\}"' "$work/world/data.jsonl" >"$work/world/short.jsonl"
cp "$tiny/scene.png" "$tiny/scene.npy" "$work"
unset VILSCOPE_SHARED_FS
kept query 1 "SELECT count(*) FROM queries" "$VILSCOPE" query -m "$tiny" -t vqa --log $none \
    "$tiny/scene.png" "what is red"
kept compare 3 "SELECT (SELECT count(*) FROM queries) + (SELECT count(*) FROM comparisons)" \
    "$VILSCOPE" compare -m "$tiny" -c "$work/one.bin" -c "$work/two.bin" -t vqa --log $none \
    "$tiny/scene.png" "what is red"
kept eval 1 "SELECT count(*) FROM evaluations" "$VILSCOPE" eval -m "$tiny" --data "$work/world/short.jsonl" \
    --log $none
"$VILSCOPE" query -m "$tiny" -t vqa --log "$work/own.db" "$tiny/scene.png" "x" >/dev/null 2>&1
: >"$work/own.db.lock"
"$VILSCOPE" sessions --log "$work/own.db" replay 1 -m "$tiny" >"$work/out" 2>"$work/err"
[ $? -eq 3 ] && [ "$(number "$work"/own.db.waiting-*.db "SELECT count(*) FROM queries")" = 1 ]
ok $? "sessions replay: $(grep -h kept "$work/err")"
rm "$work/own.db.lock"
s --log "$work/own.db" pin 1 >"$work/out" 2>"$work/err"
[ $? -eq 0 ] && grep -q "2 records that had waited are added" "$work/err" &&
    [ "$(number "$work/own.db" "SELECT count(*) FROM queries")" = 2 ] &&
    [ -z "$(find "$work" -maxdepth 1 -name 'own.db.waiting-*')" ]
ok $? "what waited is added, and nothing is left beside the log: $(cat "$work/err")"
printf 'ask what is red\nwait\nquit\n' >"$work/script"
if command -v script >/dev/null; then
    kept workbench 1 "SELECT count(*) FROM queries" script -qec "stty rows 40 cols 120; TERM=xterm \
        '$VILSCOPE' -m '$tiny' --graphics none --log $none -S '$work/script' '$work/scene.png'" "$work/seen"
    grep -q "not logged.*kept in" "$work/seen"
    ok $? "and says so when the screen is closed"
else
    skip "there is no script(1) to run the workbench"
fi
[ -z "$mounts" ] && export VILSCOPE_SHARED_FS=yes

# A log for each writer.
for node in a b c; do
    ask "$work/$node/logs/" "folder $node" || echo "$node: $?"
done >"$work/out"
[ ! -s "$work/out" ] && [ "$(find "$work/disk/logs" -name '*.db' | wc -l)" -ge 1 ] &&
    [ "$(number "$work/b/logs/" "SELECT count(*) FROM queries")" = 3 ]
ok $? "a folder of logs is read as one"
cp "$work/disk/logs/$(uname -n | tr -c 'A-Za-z0-9_\n-' _).db" "$work/disk/logs/other.db"
[ "$(number "$work/b/logs" "SELECT count(*) FROM queries")" = 3 ] && s --log "$work/a/logs/" search folder |
    grep -q "folder b"
ok $? "nothing twice"
refuses 2 "is only read" "but not written to" s --log "$work/a/logs/" note 1 "x"
s --log "$work/all.db" merge "$work/b/logs/" >"$work/out" && [ "$(number "$work/all.db" \
    "SELECT count(*) FROM queries")" = 3 ]
ok $? "and put into one: $(cat "$work/out")"

# Three nodes evaluate a share each into one folder, and one of them dies: what it had finished is there for
# whoever goes on, on whatever node, and nothing of the others is damaged.
"$VILSCOPE" world -o "$work/shares" --seed 11 --scenes 16 >/dev/null
e() { # e ARGUMENT...
    "$VILSCOPE" eval -m "$frozen" -c final --data "$work/shares/data.jsonl" --threads 1 --batch 1 "$@"
}
e --log "$work/direct.db" >/dev/null 2>&1
share=$(($(wc -l <"$work/shares/data.jsonl") / 3))
begin_two() { # afresh, that two others write while the third one does
    for p in $first $third; do kill "$p" && wait "$p"; done 2>/dev/null
    rm -rf "$work/disk/evals"
    e --shard 1/3 --log "$work/a/evals/" >/dev/null 2>"$work/said.a" &
    first=$!
    e --shard 3/3 --log "$work/c/evals/" >/dev/null 2>"$work/said.c" &
    third=$!
}
first='' third=''
ends 137 KILL 'within 2 $share rows_of "$work"/disk/evals/*-2of3-*.rows' begin_two "$VILSCOPE" eval -m "$frozen" -c final \
    --data "$work/shares/data.jsonl" --threads 1 --batch 1 --shard 2/3 --log "$work/b/evals/"
finished=$(rows_of "$work"/disk/evals/*-2of3-*.rows)
wait $first && wait $third
ok $? "two of three writers end well: $(cat "$work/said.a" "$work/said.c")"
[ "$finished" -gt 0 ] && [ "$finished" -lt "$share" ]
ok $? "the third is killed in the middle: $finished of $share rows"
s --log "$work/evals.db" merge "$work/a/evals/" --missing >"$work/out" 2>"$work/err"
[ $? -eq 1 ] && [ "$(cat "$work/out")" = 2 ] && s --log "$work/evals.db" check >"$work/out" &&
    [ "$(number "$work/evals.db" "SELECT count(*) >= 2 * $(wc -l <"$work/shares/data.jsonl") / 3 - 12 FROM
        evaluation_rows")" = 1 ]
ok $? "rows of both are there, and whole; of the third it is said that it is missing"
e --shard 2/3 --log "$work/c/evals/" >/dev/null 2>"$work/err" && grep -q ": $finished items were measured already" \
    "$work/err" && s --log "$work/evals.db" merge "$work/b/evals/" >"$work/out"
ok $? "another node goes on with all $finished rows of the one that died: $(grep already "$work/err")"
rows="SELECT group_concat(x, ';') FROM (SELECT e.task || r.item || r.answer || round(r.confidence, 4) AS x FROM
    evaluation_rows r JOIN evaluations e ON e.id = r.evaluation_id ORDER BY 1)"
[ "$(number "$work/evals.db" "$rows")" = "$(number "$work/direct.db" "$rows")" ] &&
    s --log "$work/evals.db" check | grep -q "no problems"
ok $? "and together they are what one machine measures"
mkdir "$work/empty"
refuses 1 "no log in it yet" "an empty folder" s --log "$work/empty/" list
end
