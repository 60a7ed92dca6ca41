# SPDX-License-Identifier: MIT
# The table of predictions in kernels/NOTES.md with what was measured.
# usage: awk -f table.awk RESULTS NOTES     RESULTS: lines of JSON, as tests/cuda/run collects them
function field(name,    s) {
    s = $0
    if (!sub(".*\"" name "\": \"?", "", s))
        return ""
    sub(/[",}].*/, "", s)
    return s
}
function text(name) { # what may hold commas
    s = $0
    sub(".*\"" name "\": \"", "", s)
    sub(/".*/, "", s)
    return s
}
# The number of digits that tell something.
function short(x) { return x >= 100 ? sprintf("%.0f", x) : x >= 10 ? sprintf("%.1f", x) : sprintf("%.2f", x) }
function ms(what) { return what in v ? short(v[what]) " ms" : "" }
function ratio(a, b) { return a in v && b in v && v[b] > 0 ? sprintf("%.1fx", v[a] / v[b]) : "" }
function share(what) { return what in v ? sprintf("%.0f %%", v[what]) : "not measured" }
function error(p) { return p in off ? sprintf("%.0e", off[p]) : "not measured" }
FNR == NR {
    what = text("what")
    value = field("value") + 0
    device = text("device")
    if (what == "products are off by")
        off[device] = value
    else if (device == "cuda" || device ~ /^PyTorch/)
        v[what] = value
    next
}
/^### / { table = $0 ~ /^### Predictions/ }
!table || !/^\|/ { next }
{
    n = split($0, cell, " *\\| *")
    one = "model: batch 1, 38 tokens"
    found = ""
    if (cell[2] ~ /^one 38-token query/)
        found = ms(one)
    else if (cell[2] ~ /PyTorch eager/)
        found = ratio("PyTorch eager: batch 1, 38 tokens", one)
    else if (cell[2] ~ /torch\.compile/)
        found = ratio("torch.compile: batch 1, 38 tokens", one)
    else if (cell[2] ~ /^batch 100/ && ("model: batch 100, 38 tokens" in v) && v["product of 4096"] > 0)
        found = sprintf("%.0f %%", 100 * 2.6e6 / v["model: batch 100, 38 tokens"] / v["product of 4096"])
    else if (cell[2] ~ /^detector/)
        found = ms("detector: 1 of 1333x800, a picture")
    else if (cell[2] ~ /^first answer/)
        found = ms("first answer")
    else if (cell[2] ~ /^TF32/ && length(off))
        found = error("cuda,tf32") ", " error("cuda,bf16") ", " error("cuda,half")
    else if (cell[2] ~ /^each operation/ && ("copying" in v))
        found = "products of 38 rows " share("linear 38x768x768, of its ceiling") ", of 3800 " \
            share("linear 3800x768x768, of its ceiling") "; norm " share("norm 1616x1024x1, of its ceiling")
    if (found != "")
        cell[5] = found
    print "| " cell[2] " | " cell[3] (cell[3] == "" ? "" : " ") "| " cell[4] (cell[4] == "" ? "" : " ") "| " cell[5] " |"
}
