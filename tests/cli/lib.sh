# SPDX-License-Identifier: MIT
# What the tests of the command line share: numbered results in TAP.
n=0
failed=0
unset VILSCOPE_CONNECT VILSCOPE_SSH # else a server of one's own would compute

ok() { # ok STATUS WHAT
    n=$((n + 1))
    if [ "$1" -eq 0 ]; then
        echo "ok $n - $2"
    else
        echo "not ok $n - $2"
        failed=1
    fi
}

# The model that numbers of tests hang on: it stays when a new demo comes.
# shellcheck disable=SC2034 # who reads this uses it
frozen=$SRCDIR/tests/data/frozen

skip() { # skip WHY
    n=$((n + 1))
    echo "ok $n # SKIP $1"
}

# odd_picture FILE.ppm: of 250 x 427, in which the frozen model's detector finds boxes that end outside of it.
odd_picture() {
    awk 'BEGIN {
        print "P3", 250, 427, 255
        for (y = 0; y < 427; y++)
            for (x = 0; x < 250; x++)
                print (x * 7 + y * 3) % 97 < 40 ? 200 : 30, x % 23 * 10, y % 19 * 12
    }' >"$1"
}

# What extract says where it writes no LMDB.
no_lmdb="of a 32-bit or big-endian machine"

# refuses STATUS PATTERN WHAT COMMAND...: that status, one line on stderr that has PATTERN.
refuses() {
    want=$1 pattern=$2 what=$3
    shift 3
    "$@" >"$work/out" 2>"$work/err" </dev/null
    status=$?
    [ $status -eq "$want" ] && [ "$(wc -l <"$work/err")" -eq 1 ] && grep -q -- "$pattern" "$work/err"
    ok $? "$what: $(cat "$work/err")"
}

# caught READY AFRESH COMMAND...: runs it, with its output in out and err, and leaves it stopped, as $pid, where
# READY (a test) first holds. It stands still while READY looks, and yields to whoever looks: on a busy machine,
# too, it is where it was seen (but for what it runs itself, which goes on). One that ended before is begun again,
# after AFRESH, which removes what it left.
caught() {
    ready=$1 afresh=$2 tries=0
    shift 2
    while [ $tries -lt 5 ]; do
        tries=$((tries + 1))
        eval "$afresh"
        nice -n 19 "$@" >"$work/out" 2>"$work/err" &
        pid=$!
        while sleep 0.01 && kill -s STOP $pid 2>/dev/null; do
            eval "$ready" && return
            kill -s CONT $pid
        done
        wait $pid
    done
    return 1
}

# ends STATUS SIGNAL READY AFRESH COMMAND...: it ends with that status when it is sent the signal where READY holds.
ends() {
    want=$1 signal=$2
    shift 2
    for again in 1 2 3; do
        caught "$@" && kill -s "$signal" $pid 2>/dev/null && kill -s CONT $pid 2>/dev/null
        wait $pid
        status=$?
        [ $status -ne "$want" ] || return 0
    done
    return 1
}

# For READY: within LEAST MOST COMMAND...: the number that it prints is more than the one and less than the other.
within() {
    within_least=$1 within_most=$2 # names of its own: READY has the caller's variables
    shift 2
    so_far=$("$@")
    [ "${so_far:-0}" -gt "$within_least" ] && [ "$so_far" -lt "$within_most" ]
}
files() { # files FOLDER: how many
    ls "$1" 2>/dev/null | wc -l
}
rows_of() { # rows_of FILE...: how many
    cat "$@" 2>/dev/null | wc -l
}

end() {
    echo "1..$n"
    exit $failed
}
