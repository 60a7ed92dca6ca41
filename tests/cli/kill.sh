#!/bin/sh
# SPDX-License-Identifier: MIT
# kill -9 in the middle of queries: afterwards the log opens, every query whose answer was printed and
# logged is there, and the next query is logged, too. A log that is not one transaction a query, or
# not on the disk when the program ends, breaks it. Then a session of many queries, which says of each
# when it is logged, is killed at random points, 25 of them or 500 (VILSCOPE_FULL): all that was said
# is there, once.
set -u
tiny=$SRCDIR/tests/data/tiny
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export VILSCOPE_LOG="$work/log.db"
ask() {
    "$VILSCOPE" query -m "$tiny" -t refcoco --regions "$tiny/scene.npy" "$tiny/scene.png" "$1" \
        >/dev/null 2>"$work/err"
}
ask "the first"
finished=1
i=0
while [ $i -lt 30 ]; do
    i=$((i + 1))
    ask "number $i" &
    pid=$!
    # From at once to after the end, in steps of a few milliseconds.
    sleep "0.0$(printf '%02d' $((i * 2)))"
    kill -9 $pid 2>/dev/null
    wait $pid 2>/dev/null && finished=$((finished + 1))
done
there=$("$VILSCOPE" sessions --search " " --limit 1000 --json | grep -c '"id"')
if [ "$there" -ge $finished ] && [ "$there" -le 31 ]; then
    echo "ok 1 - $finished queries ended, $there are in the log"
else
    echo "not ok 1 - $finished queries ended, $there are in the log"
fi
if ask "the last" && [ ! -s "$work/err" ] &&
    "$VILSCOPE" sessions --search "the last" | grep -q refcoco; then
    echo "ok 2 - and the log goes on"
else
    echo "not ok 2 - and the log goes on: $(cat "$work/err")"
fi
"$VILSCOPE" sessions query 1 >/dev/null && echo "ok 3 - the first is whole" ||
    echo "not ok 3 - the first is whole"

# One session with eight queries, asked again of four checkpoints: 32 lines "logged as N".
c="$tiny/checkpoint.bin"
"$VILSCOPE" query -m "$tiny" -c "$c" -c "$c" -c "$c" -c "$c" -c "$c" -c "$c" -c "$c" -c "$c" \
    -t snli-ve --regions "$tiny/scene.npy" "$tiny/scene.png" "a session" >/dev/null
session=$("$VILSCOPE" sessions sql --csv "SELECT max(id) FROM sessions" | tail -n 1)
points=${VILSCOPE_FULL:+500}
points=${points:-25}
# Up to a little more than a whole replay takes here and now.
begun=$(date +%s%N)
"$VILSCOPE" sessions replay "$session" -m "$tiny" -c "$c" -c "$c" -c "$c" -c "$c" >/dev/null 2>&1
whole=$((($(date +%s%N) - begun) / 1000000))
before=$("$VILSCOPE" sessions sql --csv "SELECT count(*) FROM queries" | tail -n 1)
awk -v n="$points" -v ms="$whole" \
    'BEGIN {srand(7); for (i = 0; i < n; i++) printf "%.3f\n", ms * (0.1 + rand()) / 1000}' \
    >"$work/moments"
while read -r moment; do
    "$VILSCOPE" sessions replay "$session" -m "$tiny" -c "$c" -c "$c" -c "$c" -c "$c" \
        >>"$work/said" 2>>"$work/err" &
    pid=$!
    sleep "$moment"
    kill -9 $pid 2>/dev/null
    wait $pid 2>/dev/null
done <"$work/moments"
sed -n 's/.*  logged as \([0-9]*\)$/\1/p' "$work/said" | sort >"$work/confirmed"
"$VILSCOPE" sessions sql --csv "SELECT id FROM queries WHERE session_id > $session" | sort \
    >"$work/there"
lost=$(comm -23 "$work/confirmed" "$work/there" | wc -l)
said=$(wc -l <"$work/confirmed")
if [ "$lost" -eq 0 ] && [ "$said" -gt 0 ] && [ "$(uniq -d "$work/confirmed" | wc -l)" -eq 0 ]; then
    echo "ok 4 - killed at $points random points: all of $said confirmed queries are there"
else
    echo "not ok 4 - killed at $points random points: $lost of $said confirmed queries are lost"
fi
# At most one that was not confirmed for each kill, and nothing twice.
there=$("$VILSCOPE" sessions sql --csv "SELECT count(*) FROM queries" | tail -n 1)
if [ "$there" -le $((before + said + points)) ] && "$VILSCOPE" sessions check >"$work/out"; then
    echo "ok 5 - and the log is sound"
else
    echo "not ok 5 - $before, $said, $there: $(grep problem "$work/out")"
fi
echo "1..5"
