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

end() {
    echo "1..$n"
    exit $failed
}
