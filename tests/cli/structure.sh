#!/bin/sh
# SPDX-License-Identifier: MIT
# The structure of the source: who may include whom, sizes, words that do not belong here, and that
# help, man page and task table agree.
set -u
. "$SRCDIR/tests/cli/lib.sh"
cd "$SRCDIR" || exit 1
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

# none WHAT TEXT: passes when TEXT is empty.
none() {
    [ -z "$2" ]
    ok $? "$1"
    [ -z "$2" ] || echo "$2" | head -n 20 | sed 's/^/# /'
}
# some FILE WHAT: what a check goes through. An empty list makes any check pass, so it fails here.
some() {
    [ -s "$1" ] || ok 1 "nothing to check: no $2"
}
# sources PATTERN...: files of those names at any depth, build folders left out.
sources() {
    find . \( -path './build*' -o -path './_*' -o -path ./config.h -o -name '.git*' -o \
        -name autom4te.cache \) -prune -o -type f -print | sed 's|^\./||' | grep -E "$1" | sort
}
# search PATTERN FILE...: matching lines of the files that are listed in $work/NAME.
search() {
    xargs grep -nE "$1" /dev/null <"$work/$2"
}

# ---- who may include whom

# arrows FOLDER: what is against HACKING's table there.
arrows() {
    (cd "$1" && sources '\.(c|h|cu|cuh)$' >"$work/files" &&
        xargs grep -nE '^[[:space:]]*#[[:space:]]*(include|import)' /dev/null <"$work/files" \
            >"$work/includes"
    awk -f "$here/tests/cli/arrows.awk" part=table HACKING.md part=files "$work/files" \
        part=includes "$work/includes")
}
here=$(pwd)
none "includes are those that HACKING's table permits" "$(arrows .)"

# Each of these has to be found: a copy of the tree with one line more.
# wrong FILE LINE PATTERN
wrong() {
    { [ -e "$work/tree/$1" ] && mv "$work/tree/$1" "$work/away"; } 2>/dev/null
    mkdir -p "$(dirname "$work/tree/$1")"
    { echo "$2"; cat "$work/away" 2>/dev/null; } >"$work/tree/$1"
    found=$(arrows "$work/tree")
    rm -f "$work/tree/$1"
    if [ -e "$work/away" ]; then mv "$work/away" "$work/tree/$1"; fi
    none "$1 with '$2' is found" "$(echo "$found" | grep -q "$3" || echo "only this was: $found")"
}
mkdir "$work/tree"
for f in $(sources '\.(c|h|cu|cuh)$') HACKING.md; do
    mkdir -p "$work/tree/$(dirname "$f")" && cp "$f" "$work/tree/$f"
done
none "the copy is as the tree" "$(arrows "$work/tree")"
wrong src/formats/npy.c '#include "src/engine/engine.h"' '^src/formats/npy.c:1: room formats may not'
wrong src/formats/npy.h '# include <src/engine/engine.h>' '^src/formats/npy.h:1: room formats may not'
wrong src/formats/deep/down/new.c '#include "../../../ui/kit/term.h"' '^src/formats/deep/.*room kit'
wrong src/model/trace.c '#include "src/engine/engine_priv.h"' '^src/model/trace.c:1: room model may not'
wrong ui/kit/term.c '#include "src/engine/engine_priv.h"' '^ui/kit/term.c:1: room kit may not'
wrong src/task/change.c '#include "src/cmd/cmd_query.h"' '^src/task/change.c:1: room task may not'
wrong src/base/err.c '#include "src/mem2.h"' '^src/base/err.c:1: there is no file src/mem2.h'
wrong src/study/eval.c '#include HEADER' '^src/study/eval.c:1: what is included does not stand'
wrong src/study/eval.c '#include <sqlite3.h>' '^src/study/eval.c:1: room study includes sqlite3.h'
wrong more/new.c '#include <math.h>' "^more/new.c: no room of HACKING's table"
sed 's/^| room /| rooms /' HACKING.md >"$work/tree/HACKING.md"
none "a table that cannot be read is found" \
    "$(arrows "$work/tree" | grep -q '^nothing to check: 0 rooms' || echo "it is not")"
sed '/^| model /s/| base, formats, kernels |/| base, formats, kernels, sessions |/' HACKING.md \
    >"$work/tree/HACKING.md"
none "an arrow that nobody uses is found, and one that leads round" \
    "$(arrows "$work/tree" >"$work/said"
    grep -q 'room model may include sessions, and does not' "$work/said" &&
        grep -q 'the arrows go round' "$work/said" || cat "$work/said")"
mkdir "$work/empty"
cp HACKING.md "$work/empty"
none "an empty tree is found" \
    "$(arrows "$work/empty" | grep -q 'nothing to check: .* 0 files' || echo "it is not")"

# ---- sizes and words

sources '\.(c|h|cu|cuh)$' >"$work/code"
grep -E '^(src|ui|sessions|kernels)/' "$work/code" >"$work/program"
grep '\.c$' "$work/program" | grep -vE '^kernels/|^src/formats/decode.c$' >"$work/below"
grep -E '(^|/)(cmd_[^/]*|extract[^/]*)\.c$' "$work/program" >"$work/commands"
sources '^demo/model/' >"$work/demo"
some "$work/code" "source files"
some "$work/program" "files of the program"
some "$work/below" "files below main"
some "$work/commands" "files of commands"
some "$work/demo" "files of the demo"
sources '\.(c|h|cu|cuh|sh|py|awk)$' | grep -E '^(src|kernels|sessions|ui|demo|tests)/' \
    >"$work/sized"
some "$work/sized" "files that have a size"
none "no file over 600 lines" "$(xargs wc -l <"$work/sized" | awk '$2 != "total" && $1 > 600')"
# "LINES FILE:LINE" of each function: from a brace in the first column, or behind the parameters, to
# the next in the first column.
xargs awk 'FNR == 1 {begin = 0}
    /^\{$/ || /^[^ \t#].*\)[ \t]*\{$/ {begin = FNR}
    /^\}/ && begin {print FNR - begin + 1, FILENAME ":" begin; begin = 0}' \
    <"$work/code" >"$work/functions"
some "$work/functions" "functions"
none "no function over 80 lines" "$(awk '$1 > 80' "$work/functions")"
# State has an owner: what a part of the screen needs is in that part's own structure.
awk '/^struct workbench \{/ {inside = 1} inside && /;/ {n++} /^\};/ {inside = 0} END {print n - 1}' \
    "$SRCDIR/ui/state/state.h" >"$work/members"
none "struct workbench has fewer than 25 members" "$(awk '$1 < 1 || $1 > 24 {print $1 " members"}' "$work/members")"
none "no goto" "$(search '(^|[^_[:alnum:]])goto +[[:alpha:]_]+;' code)"
none "every file of the demo is installed" \
    "$(while read -r f; do grep -q "$f" demo/local.mk || echo "$f"; done <"$work/demo")"
# A new demo may break the demo's own tests, no others.
sources '^tests/.*\.(c|h|sh)$' | grep -vE "^tests/cli/(demo|planted|structure)\.sh$|^tests/screen/terminal\.c$" |
    grep -v '^tests/unit/test-world\.c$' >"$work/frozen"
some "$work/frozen" "tests that hang on the frozen model"
none "only the demo's own tests open the demo" "$(search 'demo/model([^.]|$)|SHIPPED_DEMO' frozen |
    grep -vE '^tests/screen/(test-(demo|tour|tutorial)\.c|terminal\.h):')"
none "the frozen model is as it was" \
    "$(cd tests/data/frozen && sha256sum -c SHA256SUMS 2>&1 | grep -v ': OK$'
    find . -type f | sed 's|^\./||' | grep -vE '^(README.md|SHA256SUMS)$' | while read -r f; do
        grep -q "  $f$" SHA256SUMS || echo "$f is not in SHA256SUMS"; done)"
# Each folder says what lives in it; what it may include stands in HACKING's table, too.
readmes() {
    sed 's|/[^/]*$||' "$work/code" | sort -u |
        grep -vE '^(ui|src/model/[a-z]+|tests/cuda/bare)$' | while read -r d; do
        [ -f "$d/README.md" ] || { echo "$d has no README.md" && continue; }
        [ "$(wc -l <"$d/README.md")" -le 15 ] || echo "$d/README.md has more than 15 lines"
        grep -q "$d/README.md" Makefile.am || echo "$d/README.md is not in EXTRA_DIST"
        may=$(sed -n "s,^| [^|]* | \`$d/\` | [^|]* | \(.*\) |\$,\1,p" HACKING.md)
        [ -z "$may" ] || grep -qxF "May include: $may." "$d/README.md" ||
            echo "$d/README.md does not say: May include: $may."
    done
}
none "each folder says what lives in it" "$(readmes)"
none "no line over 100 columns" "$(search '^.{101,}' code)"
none "commands print outside text by src/base/plain.h" \
    "$(while read -r f; do
        tr '\n' ' ' <"$f" | grep -oE '[^_a-z]f?printf\([^;]*;' |
            grep -E '%[-+ #0-9.*]*s' | sed "s|^|$f:|"; done <"$work/commands")"
sources '\.(c|h|cu|cuh|py|sh|awk)$' | grep -v '^tests/data/' >"$work/licensed"
none "every source says its licence" "$(xargs grep -L 'SPDX-License-Identifier: MIT' <"$work/licensed")"
none "no exit() below main" "$(search '[^_a-z]exit\(' below)"

# ---- circles of files

# Objects whose source is there: a build folder may hold those of files that were moved.
if command -v nm >/dev/null; then
    (cd "${BUILDDIR:-$(dirname "$VILSCOPE")}" && find src ui sessions kernels -name '*.o') |
        while read -r o; do
            source=$(dirname "$o")/$(basename "$o" .o | sed 's/^[a-z0-9]*_a-//; s/^vilscope-//')
            case $o in *kernavx* | *kernneon*) continue ;; esac
            [ -e "$source.c" ] && echo "$o"
        done >"$work/objects"
    none "no more than six files lean on each other in a circle" \
        "$(cd "${BUILDDIR:-$(dirname "$VILSCOPE")}" && xargs nm -A <"$work/objects" 2>/dev/null |
            awk -v most=6 -f "$here/tests/cli/cycles.awk")"
else
    skip "nm is not installed"
fi

# ---- what is said of the program

cp man/vilscope.1 man/vilscope-batch.1 man/vilscope-compare.1 man/vilscope-eval.1 man/vilscope-explain.1 \
    man/vilscope-extract.1 "$work"
sh man/update-lists "$VILSCOPE" "$work/vilscope.1" "$work/vilscope-batch.1" "$work/vilscope-compare.1" \
    "$work/vilscope-eval.1" \
    "$work/vilscope-explain.1" "$work/vilscope-extract.1"
none "the manual's lists are the program's (make update-manual writes them)" \
    "$(diff man/vilscope.1 "$work/vilscope.1"; diff man/vilscope-eval.1 "$work/vilscope-eval.1"
    diff man/vilscope-batch.1 "$work/vilscope-batch.1"
    diff man/vilscope-compare.1 "$work/vilscope-compare.1"
    diff man/vilscope-explain.1 "$work/vilscope-explain.1"
    diff man/vilscope-extract.1 "$work/vilscope-extract.1")"
"$VILSCOPE" help | awk '/^  [a-z]/ {print $1}' >"$work/names"
some "$work/names" "commands"
none "the manual has every command, with its options" "$(while read -r c; do
    cat man/vilscope*.1 | grep -q "options of $c begin" || echo "$c"
    grep -q "^\.Ss $c$" man/vilscope.1 || echo "$c"; done <"$work/names")"
while read -r c; do
    "$VILSCOPE" "$c" --help | grep -oE -- '^ .{4} *--[a-z-]+' | grep -oE -- '[a-z][a-z-]+$'
    "$VILSCOPE" "$c" --help | grep -oE '^  -[a-zA-Z]' | grep -oE '[a-zA-Z]$'
done <"$work/names" | sort -u >"$work/options"
some "$work/options" "options"
grep -hoE 'Fl -?[a-zA-Z][a-z-]*' man/*.[1-9] | sed 's/^Fl -*//' | sort -u >"$work/named"
some "$work/named" "options in the manual"
none "the manual names options that there are" "$(comm -13 "$work/options" "$work/named" |
    grep -v '^version$')"
"$VILSCOPE" tasks | awk 'NR > 1 {print $2}' >"$work/tasks"
some "$work/tasks" "tasks"
none "the man page has every task" "$(while read -r t; do
    grep -q "^.It.* $t" man/vilscope.1 || echo "$t"; done <"$work/tasks")"
ls man/*.[1-9] >"$work/pages" 2>/dev/null
some "$work/pages" "man pages"
if command -v mandoc >/dev/null; then
    none "man pages are well formed" "$(xargs mandoc -T lint -W warning <"$work/pages" 2>&1 |
        grep -v 'referenced manual not found')"
else
    skip "mandoc is not installed"
fi
end
