#!/bin/sh
# The structure of the source: who may include whom, sizes, words that do not belong here, and that
# help, man page and task table agree.
set -u
cd "$SRCDIR" || exit 1
n=0
failed=0
# none WHAT TEXT: passes when TEXT is empty.
none() {
    n=$((n + 1))
    if [ -z "$2" ]; then
        echo "ok $n - $1"
    else
        echo "not ok $n - $1"
        echo "$2" | head -n 20 | sed 's/^/# /'
        failed=1
    fi
}
none "kernels/ includes nothing of ours" \
    "$(grep -nE '#include "(src|ui|sessions)/' kernels/*.[ch] kernels/cuda/*)"
none "src/ includes neither sessions/ nor ui/, commands aside" \
    "$(grep -rnE '#include "(ui|sessions)/' src --include=*.[ch] | grep -v '^src/\(cmd_\|main\)')"
none "demo/ includes nothing of ours but memory" \
    "$(grep -nE '#include "(src|ui|sessions|kernels)/' demo/*.[ch] | grep -v 'src/mem.h')"
none "sessions/ does not include ui/" "$(grep -n '#include "ui/' sessions/*.[ch])"
none "only sessions/ includes sqlite3.h" \
    "$(grep -rn '#include <sqlite3.h>' src ui kernels --include=*.[ch])"
none "only ui/ includes curses.h and sixel.h" \
    "$(grep -rnE '#include <(curses|sixel).h>' src sessions kernels --include=*.[ch])"
none "only the module includes CUDA's headers" \
    "$(grep -rnE '#include <cu(da|blas)' src ui sessions kernels tests --include=*.[ch] \
        --include=*.cu | grep -v '^kernels/cuda/module.cu')"
none "no file over 800 lines" \
    "$(wc -l src/*.[ch] src/*/*.[ch] ui/*.[ch] sessions/*.[ch] kernels/*.[ch] kernels/cuda/*.* |
        awk '$2 != "total" && $1 > 800')"
none "every file of the demo is installed" \
    "$(find demo/model -type f | while read -r f; do grep -q "$f" demo/local.mk || echo "$f"; done)"
none "no line over 100 columns" \
    "$(grep -rnE '^.{101,}' src ui sessions kernels demo tests --include=*.[ch] --include=*.cu)"
none "commands print outside text by src/plain.h" \
    "$(for f in src/cmd_*.c src/extract.c; do
        tr '\n' ' ' <"$f" | grep -oE '[^_a-z]f?printf\([^;]*;' |
            grep -E '%[-+ #0-9.*]*s' | sed "s|^|$f:|"; done)"
none "no exit() below main" "$(grep -rnE '[^_a-z]exit\(' src ui sessions --include=*.c |
    grep -v 'src/formats/decode.c')"
for c in workbench query compare extract eval world tasks sessions cache devices inspect detect forward tokenize; do
    for o in $("$VILSCOPE" $c --help | grep -oE -- '--[a-z-]+' | sort -u); do
        o2=$(echo "$o" | sed 's/^--//')
        page=man/vilscope.1
        [ $c = extract ] && page=man/vilscope-extract.1
        grep -q -- "Fl -$o2" $page || [ "$o" = --help ] || echo "$c $o"
    done
done >"${TMPDIR:-/tmp}/options.$$"
none "the man page has every option" "$(cat "${TMPDIR:-/tmp}/options.$$")"
rm -f "${TMPDIR:-/tmp}/options.$$"
none "the man page has every task" \
    "$("$VILSCOPE" tasks | awk 'NR > 1 {print $2}' | while read -r t; do
        grep -q "^.It.* $t" man/vilscope.1 || echo "$t"; done)"
if command -v mandoc >/dev/null; then
    none "man pages are well formed" "$(mandoc -T lint -W warning man/*.[1-9] 2>&1 |
        grep -v 'referenced manual not found')"
else
    n=$((n + 1))
    echo "ok $n # SKIP mandoc is not installed"
fi
echo "1..$n"
exit $failed
