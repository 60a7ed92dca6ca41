# SPDX-License-Identifier: MIT
# From headers: a function that may fail instead of each one that returns an error, and into the file
# -v list=FILE the linker's options that put it there. Prototypes read "int name(..., struct vs_err
# *err);" in headers whose names are given.
BEGIN {
    # These leave something that is closed or read also where they fail.
    leaving = " bytes_open bytes_map log_check log_finish query_prepare zip_open "
}
function flush_line(text,    name, args, n, i, part, names, type) {
    gsub(/[ \t\n]+/, " ", text)
    if (text !~ /^int [a-z_0-9]+\(.*struct vs_err \*err\)/ || text ~ /\(\*|const struct vs_err/)
        return
    name = text
    sub(/^int /, "", name)
    sub(/\(.*/, "", name)
    if (name in seen || index(leaving, " " name " "))
        return
    seen[name] = 1
    print "--wrap=" name >list
    args = text
    sub(/^[^(]*\(/, "", args)
    sub(/\) *(__attribute__.*)?$/, "", args)
    n = split(args, part, ",")
    names = ""
    for (i = 1; i <= n; i++) {
        type = part[i]
        gsub(/\[[^]]*\]/, "", type)
        match(type, /[A-Za-z_0-9]+ *$/)
        type = substr(type, RSTART, RLENGTH)
        names = names (i > 1 ? ", " : "") type
    }
    body = body "int __real_" name "(" args ");\nint __wrap_" name "(" args ");\nint __wrap_" name \
        "(" args ")\n{\n    return fails(\"" name "\") ? vs_fail(err, VS_E_IO, \"injected: " name "\") : __real_" name "(" names ");\n}\n"
}
FNR == 1 {
    held = ""
    file = FILENAME
    sub(root, "", file)
    includes = includes "#include \"" file "\"\n"
}
{
    line = $0
    sub(/\/\*.*\*\//, "", line)
}
held == "" && line ~ /^int [a-z_0-9]+\(/ { held = line; if (line ~ /;/) { end() } next }
held != "" { held = held " " line; if (line ~ /;/) end() }
function end() { sub(/;.*/, "", held); flush_line(held); held = "" }
END {
    printf "/* Made by wrap.awk. */\n#include \"failing.h\"\n%s\n%s", includes, body
}
