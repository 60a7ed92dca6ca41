#!/bin/sh
# SPDX-License-Identifier: MIT
# A server of opened models: its clients say what they say without it, to the byte; who may connect;
# what happens when one of both is killed.
set -u
. "$SRCDIR/tests/cli/lib.sh"
work=$(mktemp -d) || exit 1
servers=
finish() {
    [ -z "${KEEP:-}" ] || { cp -r "$work" "$KEEP"; }
    for p in $servers; do kill "$p" 2>/dev/null; done
    wait
    rm -rf "$work"
}
trap finish EXIT
VILSCOPE_DATA=$work/home
export VILSCOPE_DATA
unset VILSCOPE_CONNECT VILSCOPE_SSH
image=$frozen/images/000000.png
at=$work/at/socket

# await PATTERN TENTHS: until the server said so, or so many tenths of a second are over.
await() {
    i=0
    while ! grep -q "$1" "$work/said" && [ $i -lt "$2" ]; do
        sleep 0.1
        i=$((i + 1))
    done
}
# serve [OPTION...]: begins one at $at, and waits until it takes clients. $server: its process.
serve() {
    : >"$work/said"
    "$VILSCOPE" serve -m "${served:-$frozen}" --socket "$work/at/socket" --threads 1 "$@" 2>>"$work/said" &
    server=$!
    servers="$servers $server"
    await ": $work/at/socket\$" 600
}
# untimed FILE: without what no two runs have in common.
untimed() {
    sed -E 's/"(tokenize|regions|forward|reading|total|ms|ms_per_item|seconds)": [0-9.e+-]+/"\1": T/; s/"log_id": [0-9]+/ID/' "$1"
}
# same WHAT COMMAND [ARG...]: the same output, notes and status with the server as with the folder.
same() {
    what=$1 command=$2
    shift 2
    "$VILSCOPE" "$command" -m "$frozen" --threads 1 "$@" >"$work/a" 2>"$work/a.err"
    echo "status $?" >>"$work/a"
    "$VILSCOPE" "$command" --connect "$at" --threads 1 "$@" >"$work/b" 2>"$work/b.err"
    echo "status $?" >>"$work/b"
    untimed "$work/a" >"$work/a.text"
    untimed "$work/b" >"$work/b.text"
    grep -q '^status 0$' "$work/a" && [ "$(wc -l <"$work/a")" -gt 5 ] &&
        cmp -s "$work/a.text" "$work/b.text" && cmp -s "$work/a.err" "$work/b.err"
    ok $? "$what: the same as without a server ($(wc -l <"$work/a") lines)"
    diff "$work/a.text" "$work/b.text" | head -n 6 | sed 's/^/# /'
    diff "$work/a.err" "$work/b.err" | head -n 4 | sed 's/^/# /'
}

serve
[ "$(stat -c %a "$work/at")" = 700 ] && [ "$(stat -c %a "$at")" = 600 ]
ok $? "its folder and its socket are this user's only"

# ---- the same

q="what color is the ball?"
for task in vqa gqa refcoco snli-ve flickr30k; do
    same "$task" query --no-log --json -t $task "$image" "$q"
done
same "two images" query --no-log --json -t nlvr2 "$image" "$frozen/images/000001.png" "both have a ball"
same "a hidden word" query --no-log --json -t vqa "$image" "what color is the [MASK]?"
same "an intervention" query --no-log --json -t vqa --change "drop word ball" "$image" "$q"
same "a head that is left out" query --no-log --json -t vqa --change "ablate text-to-image 2.1 mean" "$image" "$q"
same "weights of another checkpoint" query --no-log --json -t vqa --change "patch text 2 from early" "$image" "$q"
same "leave-one-out" query --no-log --json -t vqa --leave-one-out regions "$image" "$q"
for method in relevancy lrp integrated-gradients leave-one-out; do
    same "$method" query --no-log --json -t vqa --attribute $method "$image" "$q"
done
same "attribution patching" query --no-log --json -t vqa --attribute attribution-patching --verify 3 "$image" "$q"
same "activation patching" query --no-log --json -t vqa --patch-from "what color is the cube?" --verify 3 "$image" "$q"
echo "10 20 120 150" >"$work/boxes"
same "boxes of the user" query --no-log --json -t refcoco --boxes "$work/boxes" "$image" "$q"
same "checkpoints side by side" compare -t vqa --json "$image" "$q"
same "similarity of states" compare --cka -t vqa --json "$image" "$q"
"$VILSCOPE" world -o "$work/set" --seed 7 --scenes 12 >/dev/null
same "an evaluation" eval --data "$work/set" --json --no-log --limit 12
same "explanations over a set" explain -t vqa --data "$work/set" --limit 4 --orders 2 --json
# The second one's boxes reach into what the detector adds at the right, as published ones do.
odd_picture "$work/odd.ppm"
for picture in "$image" "$work/odd.ppm"; do
    for where in "-m $frozen" "--connect $at"; do
        # shellcheck disable=SC2086 # an option and its value
        XDG_CACHE_HOME=$work/cache-${where%% *} "$VILSCOPE" query $where --threads 1 --no-log --json -t refcoco "$picture" "$q" \
            >"$work/detected${where%% *}" 2>/dev/null
    done
    untimed "$work/detected-m" >"$work/a.text"
    untimed "$work/detected--connect" >"$work/b.text"
    grep -q '"origin": "detector"' "$work/a.text" && cmp -s "$work/a.text" "$work/b.text"
    ok $? "regions that the server's detector finds are those that are found here: ${picture##*/}"
done
cat >"$work/all.vs" <<'END'
wait
ask what color is the ball?
wait
leave-one-out
wait
view matrix
export matrix.csv
attribute relevancy
wait
view attribution
wait
export attribution.csv
view lens
wait
export lens.csv
END
for where in "-m $frozen" "--connect $at"; do
    mkdir "$work/in${where%% *}"
    # shellcheck disable=SC2086
    (cd "$work/in${where%% *}" && timeout 300 "$VILSCOPE" $where --no-log -t vqa -S ../all.vs --screen 40x150 \
        "$image" >/dev/null 2>err </dev/null)
    echo "status $?" >>"$work/in${where%% *}/err"
done
[ "$(cat "$work/in-m/err")" = "status 0" ] && [ -s "$work/in-m/attribution.csv" ] && diff -r "$work/in-m" "$work/in--connect"
ok $? "the workbench: views and what is computed for them are the same"

printf '%s\n' suggest wait 'view matrix' 'export suggested.csv' >"$work/suggested.vs"
for where in "-m $frozen" "--connect $at"; do
    # shellcheck disable=SC2086
    (cd "$work/in${where%% *}" && timeout 300 "$VILSCOPE" $where --no-log -S ../suggested.vs --screen 40x150 \
        >/dev/null 2>suggested.err </dev/null)
    echo "status $?" >>"$work/in${where%% *}/suggested.err"
done
[ "$(cat "$work/in-m/suggested.err")" = "status 0" ] && [ -s "$work/in-m/suggested.csv" ] &&
    diff -r "$work/in-m" "$work/in--connect"
ok $? "suggested queries are offered, with their images"

# ---- what is its own

"$VILSCOPE" query --connect "$at" --log "$work/log.db" -t vqa -c early "$image" "$q" >/dev/null 2>&1 &&
    "$VILSCOPE" sessions sql --log "$work/log.db" \
        "SELECT 'logged ' || digest FROM queries q JOIN checkpoints c ON c.id = q.checkpoint_id" >"$work/out" 2>&1
[ $? -eq 0 ] && [ "$(grep -c "logged $(sha256sum "$frozen/early.bin" | cut -d ' ' -f 1)" "$work/out")" -eq 1 ]
ok $? "what is asked is in the client's own log, with the checkpoint's digest"
# comes WANT COMMAND...: it succeeds, and so many clients come by it.
comes() {
    want=$1 before=$(grep -c 'client .* process' "$work/said")
    shift
    "$@" >/dev/null 2>&1 && [ "$(grep -c 'client .* process' "$work/said")" -eq $((before + want)) ]
}
VILSCOPE_CONNECT=$at comes 1 "$VILSCOPE" query --no-log -t vqa "$image" "$q"
ok $? "VILSCOPE_CONNECT names a server"
VILSCOPE_CONNECT=$at comes 0 "$VILSCOPE" query -m "$frozen" --no-log -t vqa "$image" "$q"
ok $? "a model that is named is opened here all the same"
refuses 1 "has no checkpoint 'last' open: it has early, " "an unknown checkpoint" \
    "$VILSCOPE" query --connect "$at" --no-log -c last -t vqa "$image" "$q"
refuses 2 "^vilscope query: --device goes with \"vilscope serve\"" "a device of the server" \
    "$VILSCOPE" query --connect "$at" --device cpu --no-log -t vqa "$image" "$q"
"$VILSCOPE" compare --connect "$at" --weights >/dev/null 2>"$work/err"
[ $? -eq 1 ] && grep -q "comparing weights needs the files of the checkpoints, which only the server" "$work/err"
ok $? "weights: $(tail -n 1 "$work/err")"
mkdir "$work/run"
refuses 2 "without --connect" "a folder that is watched" \
    "$VILSCOPE" compare --connect "$at" --watch "$work/run" --check-set "$SRCDIR/tests/data/probes/set.probes"

# ---- several at once, and killed ones

"$VILSCOPE" eval -m "$frozen" --threads 1 --data "$work/set" -t vqa --json --no-log >"$work/alone" 2>/dev/null
for i in 1 2 3; do
    "$VILSCOPE" eval --connect "$at" --threads 1 --data "$work/set" -t vqa --json --no-log >"$work/of$i" 2>/dev/null &
    eval "p$i=\$!"
done
# begun OPTION...: a client that evaluates all of the set, stopped in the middle of it, as $pid.
begun() {
    # shellcheck disable=SC2016 # caught expands it
    caught 'within 2 $items rows_of "$work/rows"' 'rm -f "$work/rows"' "$VILSCOPE" eval --connect "$at" --threads 1 \
        --data "$work/set" --no-log --rows "$work/rows" --batch 1 "$@"
}
items=$(wc -l <"$work/set/data.jsonl")
begun && kill -9 $pid
in_the_middle=$?
# shellcheck disable=SC2154 # set by eval
wait "$p1" && wait "$p2" && wait "$p3"
bad=$?
untimed "$work/alone" >"$work/a.text"
for i in 1 2 3; do
    untimed "$work/of$i" | cmp -s "$work/a.text" - || bad=1
done
ok $bad "three clients at once, a fourth one killed: each has its numbers"
wait $pid 2>/dev/null
[ $in_the_middle -eq 0 ] && grep -q "process $pid\$" "$work/said"
ok $? "which was asking: $(rows_of "$work/rows") of $items items were answered"

# The server stands still until all have asked, then it is killed.
for i in 1 2 3; do
    begun && mv "$work/rows" "$work/rows$i" && mv "$work/err" "$work/err$i" && eval "p$i=$pid"
done
{
    echo '{"task": "vqa", "images": ["none.png"], "text": "is it?", "answer": "1"}'
    cat "$work/set/data.jsonl"
} >"$work/set/more.jsonl"
caught 'grep -q "left out with early" "$work/err"' ': >"$work/err"' "$VILSCOPE" compare --connect "$at" --threads 1 \
    -c early -c middle --data "$work/set/more.jsonl" --resamples 100
mv "$work/out" "$work/out4" && mv "$work/err" "$work/err4" && p4=$pid
"$VILSCOPE" compare --connect "$at" -c final --check-set "$work/set/data.jsonl" --log "$work/asked.db" >/dev/null 2>&1
caught 'within 2 $items rows_of "$work/out"' : "$VILSCOPE" sessions --log "$work/asked.db" replay 1 --connect "$at" -c final \
    --no-log && mv "$work/out" "$work/out5" && mv "$work/err" "$work/err5" && p5=$pid
in_log() { # how many queries: of a log that is written to
    "$VILSCOPE" sessions --log "$work/checked.db" sql --csv "SELECT count(*) FROM queries" 2>/dev/null | tail -n 1
}
caught 'within 2 $items in_log' 'rm -f "$work"/checked.db*' "$VILSCOPE" compare --connect "$at" --threads 1 -c final -c early \
    --check-set "$work/set/data.jsonl" --log "$work/checked.db"
mv "$work/out" "$work/out6" && mv "$work/err" "$work/err6" && p6=$pid
kill -STOP $server
kill -CONT "$p1" "$p2" "$p3" "$p4" "$p5" "$p6"
kill -9 $server
wait $server 2>/dev/null
for i in 1 2 3; do
    eval "wait \$p$i"
    [ $? -eq 1 ] && [ "$(grep -c "$at: the server .*gone.*what was measured is in .* --resume continues" "$work/err$i")" -eq 1 ] &&
        [ "$(tail -n 1 "$work/rows$i" | cut -c 1)" = "{" ] && within 2 $items rows_of "$work/rows$i" || echo "$i"
done >"$work/wrong"
[ ! -s "$work/wrong" ]
ok $? "three clients in the middle of a server that is killed: $(cat "$work/wrong") $(tail -n 1 "$work/err1")"
wait "$p4"
status=$?
[ $status -eq 1 ] && grep -q "^vilscope compare: .*$at: the server .*gone.*: what was measured until then is compared" "$work/err4" &&
    grep -q '^  early .* items$' "$work/out4"
ok $? "a comparison that keeps no rows shows what was measured: $status $(tail -n 1 "$work/err4")"
wait "$p5"
status=$? answers=$(grep -c '^same ' "$work/out5")
[ $status -eq 1 ] && within 2 $items rows_of "$work/out5" &&
    grep -q "$at: the server .*gone.*: $answers answers until then are not logged\$" "$work/err5" &&
    grep -q "^$answers asked: 0 changed .*, 0 could not be asked" "$work/out5"
ok $? "a replay without a log says what it has, and that it is not kept: $status $(tail -n 1 "$work/err5")"
wait "$p6"
status=$? answers=$(sed -n 's/.* gone.*: what was answered until then (\([0-9]*\)) is shown and logged; the same command begins again$/\1/p' "$work/err6")
[ $status -eq 1 ] && [ "${answers:-0}" -ge 2 ] && [ "$(in_log)" -eq "$answers" ] && grep -q '^query .* final *$' "$work/out6" &&
    [ "$(grep -c 'not asked: .*gone' "$work/err6")" -eq 1 ]
ok $? "a check set shows what was answered, and says where it is: $status $(tail -n 1 "$work/err6")"
refuses 1 "the server that was there is gone: \"vilscope serve" "a server that was killed" \
    "$VILSCOPE" query --connect "$at" --no-log -t vqa "$image" "$q"
refuses 1 "there is no server: \"vilscope serve" "no server" \
    "$VILSCOPE" query --connect "$work/at/none" --no-log -t vqa "$image" "$q"
serve
"$VILSCOPE" explain --connect "$at" --data "$work/set/data.jsonl" --rows "$work/unmeasured" >/dev/null 2>"$work/err" &
pid=$!
await "process $pid\$" 600
kill -9 $server
wait $server 2>/dev/null
wait $pid
[ $? -eq 1 ] && grep -q "$at: .*gone" "$work/err" && { [ -s "$work/unmeasured" ] || ! grep -q kept "$work/err"; }
ok $? "nothing is told as kept where there is none: $(rows_of "$work/unmeasured") rows, $(tail -n 1 "$work/err")"
serve
same "after its socket was left over" query --no-log --json -t vqa "$image" "$q"
refuses 2 "another server is there" "a second one" "$VILSCOPE" serve -m "$frozen" --socket "$at"
"$VILSCOPE" query --connect "$at" --no-log -t vqa "$image" "$q" >/dev/null 2>&1
ok $? "which leaves the first one alone"
kill -TERM $server
wait $server
status=$?
[ $status -eq 0 ] && [ ! -e "$at" ]
ok $? "TERM ends it in order, and its socket is gone ($status)"
mkdir "$work/linked"
for file in "$frozen"/*; do ln -s "$file" "$work/linked/"; done
rm "$work/linked/queries.jsonl"
cp "$frozen/queries.jsonl" "$work/elsewhere.jsonl"
ln -s ../elsewhere.jsonl "$work/linked/queries.jsonl"
served=$work/linked
serve
served=
(cd "$work/linked" && timeout 300 "$VILSCOPE" --connect "$at" --no-log -S ../suggested.vs --screen 40x150 \
    >/dev/null 2>"$work/err" </dev/null) && cmp -s "$work/linked/suggested.csv" "$work/in-m/suggested.csv"
ok $? "suggested queries whose file is a link have the images that lie beside the link $(cat "$work/err")"
kill -HUP $server # by the shell
kill -HUP $server # by the kernel
wait $server
status=$?
[ $status -eq 0 ] && [ ! -e "$at" ]
ok $? "so does the end of its terminal ($status)"
trap '' HUP # as nohup does
serve
trap - HUP
kill -HUP $server
same "a server that is to outlive its terminal" query --no-log --json -t vqa "$image" "$q"
kill -TERM $server
wait $server

# ---- where it may not be

mkdir -m 777 "$work/open"
refuses 1 "others can write to this folder" "a folder of all" "$VILSCOPE" serve -m "$frozen" --socket "$work/open/s"
if [ "$(id -u)" -eq 0 ] && id nobody >/dev/null 2>&1; then
    mkdir -m 700 "$work/theirs"
    chown nobody "$work/theirs"
    refuses 1 "others can write to this folder" "another user's folder" \
        "$VILSCOPE" serve -m "$frozen" --socket "$work/theirs/s"
else
    skip "another user's folder: this is not root"
fi
echo text >"$work/at/file"
refuses 2 "is there and is no socket" "a file in its place" "$VILSCOPE" serve -m "$frozen" --socket "$work/at/file"
[ "$(cat "$work/at/file")" = text ]
ok $? "which stays"
long=$(printf '%0120d' 0)
refuses 2 "is too long for a socket's path" "a long path" "$VILSCOPE" serve -m "$frozen" --socket "$work/at/$long"
refuses 2 "there is no such user" "an unknown user" "$VILSCOPE" serve -m "$frozen" --socket "$at" --allow no-such-user
refuses 2 "is no address" "half an address" "$VILSCOPE" query --connect ssh://host --no-log -t vqa "$image" "$q"

# ---- users

if [ "$(id -u)" -eq 0 ] && id nobody >/dev/null 2>&1 && command -v setpriv >/dev/null; then
    chmod 711 "$work"
    as_nobody() {
        setpriv --reuid=nobody --regid="$(id -g nobody)" --clear-groups env HOME=/nonexistent "$@"
    }
    serve --allow nobody
    grep -q "cannot reach the socket: chmod 711 $work/at" "$work/said"
    ok $? "a folder that keeps out who is allowed is named"
    chmod 711 "$work/at"
    cp "$image" "$work/shown.png"
    chmod 644 "$work/shown.png"
    if as_nobody test -x "$VILSCOPE" && as_nobody test -r "$work/shown.png"; then
        as_nobody "$VILSCOPE" query --connect "$at" --no-log -t vqa "$work/shown.png" "$q" >"$work/out" 2>"$work/err"
        ok $? "a user who is allowed to is answered $(cat "$work/err")"
        kill -TERM $server
        wait $server
        serve
        chmod 711 "$work/at"
        chmod 666 "$at"
        refuses 1 "is another user's, who did not let you in" "a user who is not" \
            as_nobody "$VILSCOPE" query --connect "$at" --no-log -t vqa "$work/shown.png" "$q"
        grep -q 'user nobody ([0-9]*) may not connect' "$work/said"
        ok $? "which the server says"
    else
        skip "users: the program is where nobody else can read"
    fi
    kill -TERM $server
    wait $server
else
    skip "users: this is not root"
fi

# ---- through ssh: a stand-in runs what is to be run on the other machine here

cat >"$work/ssh" <<'EOF'
#!/bin/sh
for word in "$@"; do last=$word; done
echo "$*" >>"${0%/*}/ssh.log"
PATH=${VILSCOPE%/*}:$PATH
exec sh -c "$last"
EOF
chmod +x "$work/ssh"
serve
VILSCOPE_SSH=$work/ssh
export VILSCOPE VILSCOPE_SSH
local_at=$at
at=ssh://me@gpu1:2222$local_at
same "through ssh" query --no-log --json -t vqa "$image" "$q"
grep -q -- "-p 2222 -- me@gpu1 vilscope serve --relay '$local_at'" "$work/ssh.log"
ok $? "ssh is asked for the relay at that port"
timeout 60 "$VILSCOPE" serve --relay "$local_at" </dev/null >"$work/out"
ok $? "a relay ends when its client has gone"
VILSCOPE_CONNECT=$at refuses 2 "the model that VILSCOPE_CONNECT asks: leave" "a label list beside the environment's server" \
    "$VILSCOPE" query --labels "$frozen/answers.txt" --no-log -t vqa "$image" "$q"
kill -TERM $server
wait $server
serve --clients 1
served_at=$at at=$local_at
begun
at=$served_at
refuses 1 "as many clients as it takes: try again later" "a refusal through ssh" \
    "$VILSCOPE" query --connect "$at" --no-log -t vqa "$image" "$q"
kill -9 $pid
wait $pid 2>/dev/null
kill -TERM $server
wait $server
"$VILSCOPE" query --connect "$at" --no-log -t vqa "$image" "$q" >/dev/null 2>"$work/err"
[ $? -eq 1 ] && grep -q "^vilscope serve: $local_at: there is no server" "$work/err" &&
    tail -n 1 "$work/err" | grep -q "^vilscope query: $at: the server is gone"
ok $? "no server at the other end: $(tail -n 1 "$work/err")"
VILSCOPE_SSH=$work/none refuses 1 "cannot be started" "no ssh" \
    "$VILSCOPE" query --connect "$at" --no-log -t vqa "$image" "$q"
end
