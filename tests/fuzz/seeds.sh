#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs every fuzz target over the test files, good and bad, each made for whatever reader: a crash,
# a sanitizer's report, a refusal without a message, or a hang would break it.
set -u
. "$SRCDIR/tests/cli/lib.sh"
shared=${VILSCOPE_SHARED:-$SRCDIR/../shared}
set --
for folder in "$SRCDIR"/tests/data/*/; do
    [ "$(basename "$folder")" = frozen ] || set -- "$@" "$folder"
done
[ -d "$shared/golden/files" ] && set -- "$@" "$shared/golden/files"
[ $# -gt 5 ]
ok $? "there are test files: $# folders"
for source in "$SRCDIR"/tests/fuzz/fuzz-*.c; do
    target=$(basename "$source" .c)
    [ "$target" = fuzz-main ] && continue
    if [ "$target" = fuzz-hdf5 ] && ! [ -x "$BUILDDIR/$target" ]; then
        skip "$target: built without libhdf5"
        continue
    fi
    out=$(timeout 120 "$BUILDDIR/$target" "$@" 2>&1)
    ok $? "$target over the test files: $(echo "$out" | tail -n 5 | tr '\n' ' ')"
done
end
