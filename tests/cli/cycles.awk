# SPDX-License-Identifier: MIT
# Circles of files at the linker, larger than `most`: who uses what another one defines, from
# `nm -A FILE.o...`. Prints each circle (strongly connected files, by Tarjan 1972), then nothing more;
# without any file it says so.

function strong(v,    n, i, w, list) {
    index_of[v] = low[v] = ++counter
    stack[++top] = v
    on[v] = 1
    n = split(out[v], list, " ")
    for (i = 1; i <= n; i++) {
        w = list[i]
        if (!index_of[w]) {
            strong(w)
            if (low[w] < low[v])
                low[v] = low[w]
        } else if (on[w] && index_of[w] < low[v])
            low[v] = index_of[w]
    }
    if (low[v] == index_of[v])
        circle(v)
}

function circle(v,    size, names, w) {
    do {
        w = stack[top--]
        on[w] = 0
        size++
        names = names " " w
    } while (w != v)
    if (size > most)
        print size " files lean on each other:" names
}

NF >= 2 {
    name = $1
    sub(/:[0-9a-fA-F]*$/, "", name)
    files += !(name in seen)
    seen[name] = 1
    kind = $(NF - 1)
    if (kind == "U")
        uses[name, $NF] = 1
    else if (kind ~ /^[TDBR]$/)
        owner[$NF] = name
}

END {
    for (k in uses) {
        split(k, pair, SUBSEP)
        to = owner[pair[2]]
        if (to != "" && to != pair[1])
            out[pair[1]] = out[pair[1]] " " to
    }
    for (v in seen)
        if (!index_of[v])
            strong(v)
    if (!files)
        print "nothing to check: no object files"
}
