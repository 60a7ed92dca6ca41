# SPDX-License-Identifier: MIT
# What commands print, against files of tests/cli/golden/; $work is where the test works.
# shellcheck source=tests/cli/lib.sh
. "$SRCDIR/tests/cli/lib.sh"
golden=$SRCDIR/tests/cli/golden
program=$(readlink -f "$VILSCOPE")

# What differs from run to run and from machine to machine.
mask() {
    sed -e "s|$work|WORK|g" -e "s|$program|PROGRAM|g" -e "s|$SRCDIR|SOURCE|g" \
        -e 's/[0-9]\{4\}-[0-9][0-9]-[0-9][0-9][T ][0-9:.]\{5,\}Z*/DATE/g' -e 's/DATE  */DATE /' \
        -e 's/"\(tokenize\|regions\|forward\|reading\|total\|ms_per_item\|ms\)": *[0-9][0-9.e-]*/"\1": MS/g' \
        -e 's/"\(uid\|session\)": *"[0-9a-f]\{32\}"/"\1": UID/' -e 's/\(cpu[-a-z0-9]*\|ref\), [0-9]* threads*/DEVICE/g' \
        -e 's/"\(host\|user\|version\)": "[^"]*"/"\1": X/' -e 's/[0-9.]* ms/MS ms/g' \
        -e 's/[0-9.]* s, [0-9.]* images\/s/TIME/' -e "s|$(uname -n)|HOST|g"
}

# Lines are equal but for the last digits of numbers with a point. What is left of a difference of shares
# is as exact as they were: to float32's last bits (1.2e-7), however small it is.
close() { # close A B
    awk '
    function number(s) { return s ~ /^[-+]?[0-9]+\.[0-9]+(e[-+]?[0-9]+)?$/ }
    function near(a, b, slack,    unit, d, size) {
        unit = a
        sub(/e.*/, "", unit)
        sub(/^[^.]*\./, "", unit)
        d = a - b
        d = d < 0 ? -d : d
        size = a < 0 ? -a : a
        return d <= 1.5 * 10 ^ -length(unit) + size * 0.0002 + slack
    }
    function same(a, b,    n, m, x, y, i, slack) {
        if (a == b)
            return 1
        slack = a ~ /"softmax_difference"/ ? 1.3e-7 : 0
        gsub(/[^-0-9.e+a-zA-Z]+/, " & ", a)
        gsub(/[^-0-9.e+a-zA-Z]+/, " & ", b)
        n = split(a, x, " ")
        m = split(b, y, " ")
        for (i = 1; n == m && i <= n; i++)
            if (x[i] != y[i] && !(number(x[i]) && number(y[i]) && near(x[i], y[i], slack)))
                return 0
        return n == m
    }
    FILENAME == ARGV[1] { want[++count] = $0; next }
    { line++; if (!same(want[line], $0) && bad++ < 3) print "line " line ": " $0 " instead of " want[line] }
    END { if (line != count) print line " lines instead of " count; exit bad || line != count }' "$1" "$2"
}

# is NAME COMMAND...: it prints what the file says; its status is the last line.
is() {
    name=$1
    shift
    "$@" >"$work/.out" 2>&1 </dev/null
    echo "status $?" >>"$work/.out"
    mask <"$work/.out" >"$work/.masked"
    if [ "${VILSCOPE_GOLDEN:-}" = write ]; then
        cp "$work/.masked" "$golden/$name.txt"
    fi
    close "$golden/$name.txt" "$work/.masked" >"$work/.why" 2>&1
    ok $? "$name $(cat "$work/.why")"
}
