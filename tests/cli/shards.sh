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

# ends STATUS SIGNAL READY COMMAND...: runs it, sends the signal once READY (a test) holds
ends() {
    want=$1 signal=$2 ready=$3
    shift 3
    "$@" >"$work/out" 2>"$work/err" &
    pid=$!
    until eval "$ready" || ! kill -0 $pid 2>/dev/null; do
        sleep 0.01
    done
    kill -s "$signal" $pid 2>/dev/null
    wait $pid
    [ $? -eq "$want" ]
}

# ---- a share is I/N
for shard in 3/2 0/4 1/x 1 /4 1/ -1/4 1/0 1/2/3 1/2x ' 1/2' 1/10000000; do
    for c in "extract -o $work/x --list $work/x" "explain --data x"; do
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
    ends 75 $signal '[ "$(ls "$work/$signal" 2>/dev/null | wc -l)" -gt 2 ]' \
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
end
