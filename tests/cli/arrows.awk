# SPDX-License-Identifier: MIT
# Who may include whom, from HACKING's table of rooms: prints what is against it, or not true in it.
#
#   awk -f arrows.awk part=table HACKING.md part=files LIST part=includes LINES
#
# LIST: the source files, one a line, relative to the root. LINES: their #include lines as grep -n
# prints them (FILE:NUMBER:LINE). The table has the columns room, files, what lives there, may
# include. Files are folders (`src/model/`, all below them) or patterns (`src/engine*`, * is anything
# but a slash); a file belongs to the room that names it with the longest one. A room includes
# itself, and the rooms that are listed; "everything" and "nothing" are words. Headers named priv.h
# or *_priv.h are for their own room. A second table, with "header from outside" and "only in", says
# which of a system's headers belong to one room.

function say(text) {
    print text
    bad++
}

function trim(s) {
    gsub(/^[ \t`]+|[ \t`]+$/, "", s)
    return s
}

# A pattern as a regular expression.
function expression(p) {
    gsub(/[.+]/, "[&]", p)
    gsub(/\*/, "[^/]*", p)
    return "^" p (p ~ /\/$/ ? "" : "$")
}

function room_of(file,    i, best, length_of_best) {
    length_of_best = 0
    for (i = 1; i <= patterns; i++)
        if (length(pattern[i]) > length_of_best && file ~ regexp[i]) {
            best = i
            length_of_best = length(pattern[i])
        }
    return length_of_best ? owner[best] : ""
}

function folder_of(file) {
    return file ~ /\// ? substr(file, 1, match(file, /[^\/]*$/) - 1) : ""
}

# a/b/../c is a/c.
function plain(path) {
    while (match(path, /[^\/]+\/\.\.\//))
        path = substr(path, 1, RSTART - 1) substr(path, RSTART + RLENGTH)
    gsub(/\/\.\//, "/", path)
    sub(/^\.\//, "", path)
    return path
}

# The file of the tree that an include means: beside the one that includes it, from the root, or
# where the tests' makefile lets the compiler look. "" for a header of the system.
function resolve(from, name, quoted,    i, n, try, where) {
    n = split((from ~ /\// ? folder_of(from) : "/") " / tests/ tests/unit/ tests/screen/ tests/fuzz/", where, " ")
    for (i = quoted ? 1 : 2; i <= n; i++) {
        try = plain((where[i] == "/" ? "" : where[i]) name)
        if (try in known)
            return try
    }
    return ""
}

function row_of_rooms(    n, i, list, name) {
    name = trim(cell[2])
    if (name in may)
        say("HACKING.md: room " name " stands in two rows")
    rooms[++room_count] = name
    may[name] = trim(cell[5])
    n = split(cell[3], list, ",")
    for (i = 1; i <= n; i++)
        if (trim(list[i]) != "") {
            pattern[++patterns] = trim(list[i])
            regexp[patterns] = expression(pattern[patterns])
            owner[patterns] = name
        }
}

function row_of_headers(    n, i, list) {
    n = split(cell[2], list, ",")
    for (i = 1; i <= n; i++) {
        outside[++outsides] = trim(list[i])
        only[outsides] = trim(cell[3])
        outside_regexp[outsides] = expression(outside[outsides])
    }
}

part == "table" {
    if ($0 !~ /^\|/) {
        table = ""
        next
    }
    split($0, cell, "|")
    if (trim(cell[2]) == "room" && trim(cell[5]) == "may include")
        table = "rooms"
    else if (trim(cell[2]) == "header from outside" && trim(cell[3]) == "only in")
        table = "headers"
    else if (cell[2] ~ /^ *-+ *$/)
        next
    else if (table == "rooms")
        row_of_rooms()
    else if (table == "headers")
        row_of_headers()
    next
}

part == "files" {
    known[$0] = 1
    files++
    next
}

part == "includes" {
    i = index($0, ":")
    from = substr($0, 1, i - 1)
    rest = substr($0, i + 1)
    line = substr(rest, 1, index(rest, ":") - 1)
    sub(/^[0-9]+:[ \t]*#[ \t]*include[ \t]*/, "", rest)
    name = rest
    sub(/^["<]/, "", name)
    sub(/[">].*$/, "", name)
    if (rest !~ /^["<]/) {
        say(from ":" line ": what is included does not stand in the line: " rest)
        next
    }
    arrow_from[++arrows] = from
    arrow_line[arrows] = line
    arrow_name[arrows] = name
    arrow_quoted[arrows] = rest ~ /^"/
}

function check_outside(i,    j, found) {
    found = 0
    for (j = 1; j <= outsides; j++)
        if (arrow_name[i] ~ outside_regexp[j]) {
            header_used[j] = 1
            if (index(", " only[j] ",", ", " room_of(arrow_from[i]) ","))
                return
            found = 1
        }
    if (found)
        say(arrow_from[i] ":" arrow_line[i] ": room " room_of(arrow_from[i]) " includes " \
            arrow_name[i] ", which only others may")
}

# Whether a room may include a file by its own name.
function names(room, file,    n, i, list) {
    n = split(may[room], list, ",")
    for (i = 1; i <= n; i++)
        if (trim(list[i]) == file)
            return 1
    return 0
}

function check_arrow(i,    to, a, b, own) {
    to = resolve(arrow_from[i], arrow_name[i], arrow_quoted[i])
    if (to == "") {
        if (arrow_quoted[i])
            say(arrow_from[i] ":" arrow_line[i] ": there is no file " arrow_name[i])
        else
            check_outside(i)
        return
    }
    a = room_of(arrow_from[i])
    b = room_of(to)
    own = to
    sub(/^.*\//, "", own)
    if (a == b || a == "" || b == "")
        return
    if (may[a] != "everything" && !index(", " may[a] ",", ", " b ","))
        say(arrow_from[i] ":" arrow_line[i] ": room " a " may not include room " b " (" to ")")
    else if (own ~ /(^|_)priv\.h$/ && may[a] != "everything" && !names(a, to))
        say(arrow_from[i] ":" arrow_line[i] ": " to " is for room " b " alone")
    used[a, b] = used[a, to] = 1
}

# Arrows of the table that lead back to where they began.
function visit(name,    n, i, list) {
    if (state[name] == 2 || may[name] == "everything" || may[name] == "nothing")
        return
    if (state[name] == 1) {
        say("HACKING.md: the arrows go round through room " name)
        return
    }
    state[name] = 1
    n = split(may[name], list, ",")
    for (i = 1; i <= n; i++)
        if (trim(list[i]) in may)
            visit(trim(list[i]))
    state[name] = 2
}

function check_table(    i, j, n, list, to) {
    for (i = 1; i <= room_count; i++) {
        if (!seen[rooms[i]])
            say("HACKING.md: room " rooms[i] " has no file")
        if (may[rooms[i]] == "everything" || may[rooms[i]] == "nothing")
            continue
        n = split(may[rooms[i]], list, ",")
        if (n == 0)
            say("HACKING.md: room " rooms[i] " does not say what it may include")
        for (j = 1; j <= n; j++) {
            to = trim(list[j])
            if (!(to in may) && !(to in known))
                say("HACKING.md: room " rooms[i] " may include '" to "', which is no room and no file")
            else if (!((rooms[i], to) in used))
                say("HACKING.md: room " rooms[i] " may include " to ", and does not: take it out")
        }
        visit(rooms[i])
    }
    for (i = 1; i <= outsides; i++)
        if (!header_used[i])
            say("HACKING.md: nobody includes " outside[i])
}

END {
    for (f in known) {
        r = room_of(f)
        seen[r] = 1
        if (r == "")
            say(f ": no room of HACKING's table has it")
    }
    for (i = 1; i <= arrows; i++)
        check_arrow(i)
    check_table()
    if (!room_count || !files || !arrows || !outsides)
        say("nothing to check: " room_count + 0 " rooms, " files + 0 " files, " arrows + 0 \
            " includes, " outsides + 0 " headers from outside")
    exit bad > 0
}
