# SPDX-License-Identifier: MIT
# The program of another processor, in an emulator, answers as this machine's does ($NATIVE): plain C to the last
# digit of what JSON shows, this processor's own vectors to what a person reads. Broken by numbers that depend on
# the compiler or the order of bytes, and by vectors that compute or write something else.
set -u
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
. "$SRCDIR/tests/cli/lib.sh"

"$VILSCOPE" devices >"$work/devices"
fastest=$(sed -n 's/^\([^ ]*\) .*: cpu$/\1/p' "$work/devices")
ok $? "the fastest is $fastest"
case ${VILSCOPE_EMULATED:-} in
arm64) [ "$fastest" = cpu-neon ] ;;
*) [ "$fastest" = cpu-portable ] ;;
esac
ok $? "which is what $(uname -m) emulates of it"

# answer PROGRAM DEVICE [OPTION...]: emulators have no sandbox for decoders
answer() {
    program=$1 device=$2
    shift 2
    "$program" query -m "$frozen" --device "$device" --no-log --unsafe-decode "$@" -t vqa \
        "$frozen/images/000000.png" "what color is the star?" 2>"$work/err" ||
        { cat "$work/err"; echo "status $?"; }
}
# What JSON has of times, versions and places is not compared.
numbers() {
    grep -E '"(label|logit|probability|softmax|sigmoid|box)"' "$1"
}
if [ -x "$NATIVE" ]; then
    answer "$NATIVE" cpu-portable >"$work/native"
    answer "$NATIVE" cpu-portable --json >"$work/native.json"
    answer "$VILSCOPE" "$fastest" >"$work/fastest"
    cmp "$work/native" "$work/fastest" >&2
    ok $? "a picture, its regions and an answer: $(head -n 1 "$work/fastest")"
    answer "$VILSCOPE" cpu-portable --json >"$work/portable.json"
    numbers "$work/portable.json" >"$work/a"
    numbers "$work/native.json" >"$work/b"
    [ -s "$work/a" ] && cmp "$work/a" "$work/b" >&2
    ok $? "plain C to the last digit: $(wc -l <"$work/a") numbers and names"
else
    skip "there is no $NATIVE to compare with"
fi
end
