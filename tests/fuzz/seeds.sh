#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs every fuzz target over the test files, good and bad, each made for whatever reader: a crash,
# a sanitizer's report, a refusal without a message, or a hang would break it.
set -u
shared=${VILSCOPE_SHARED:-$SRCDIR/../shared}
n=0
failed=0
for t in arch boxes change checkpoint config data database image labels lines log pixels probes regions terminal vocab; do
    n=$((n + 1))
    dirs=$(find "$SRCDIR/tests/data" -mindepth 1 -maxdepth 1 -type d ! -name frozen)
    [ -d "$shared/golden/files" ] && dirs="$dirs $shared/golden/files"
    if out=$(timeout 120 "$BUILDDIR/fuzz-$t" $dirs 2>&1); then
        echo "ok $n - fuzz-$t over the test files: $out"
    else
        echo "not ok $n - fuzz-$t over the test files"
        echo "$out" | tail -5 | sed 's/^/# /'
        failed=1
    fi
done
echo "1..$n"
exit $failed
