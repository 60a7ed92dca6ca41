#!/bin/sh
# kill -9 in the middle of queries: afterwards the log opens, every query whose answer was printed and
# logged is there, and the next query is logged, too. A log that is not one transaction a query, or
# not on the disk when the program ends, breaks it.
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
echo "1..3"
