#!/bin/sh
# SPDX-License-Identifier: MIT
# "make bench": its table and its JSON have all parts, what is not installed is said to be skipped,
# and a share above 100 % ends it without either. No time is judged here: a floor that is counted
# wrong, a program whose output is not understood any more, or a refusal that is gone breaks it.
set -u
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
. "$SRCDIR/tests/cli/lib.sh"
command -v python3 >/dev/null || { skip "no python3" && end; }
run=$SRCDIR/tests/bench/run

# Those of the build folder, but for bench-kern, which takes long where it has no vectors.
mkdir "$work/programs" "$work/none"
ln -s "$BUILDDIR"/bench-* "$BUILDDIR/vilscope" "$work/programs"
rm "$work/programs/bench-kern"
# kern GFLOPS LEAST: a bench-kern that tells of that ceiling, and of a product with a floor of 1 ms.
kern() {
    cat >"$work/programs/bench-kern" <<EOF
#!/bin/sh
echo "cpu-avx2: one thread: $1 GFLOP/s of multiply-adds in registers, 90.0 GB/s from L2, 9000.0 GB/s from memory"
[ "\$2" = 0 ] || echo "linear, packed, 8 x 8 x 8   |    2.0000    $2    3.0000 ms | floor    1.0000 ms of L2   |  50 %"
EOF
    chmod +x "$work/programs/bench-kern"
}
# bench OPTION...: its status; "out", "err".
bench() {
    "$run" --programs "$work/programs" --quick --json "$work/bench.json" "$@" >"$work/out" 2>"$work/err"
}

# An installed peer, or none: a module that is not there.
for module in torch onnx onnxruntime; do
    echo "raise ImportError('none', name='$module')" >"$work/none/$module.py"
done
kern 100000.0 1.5000
PYTHONPATH="$work/none" bench --threads 1 --plots "$work/plots" --against pytorch \
    --against onnxruntime
ok $? "all parts of a small model: $(tail -n 1 "$work/err")"

python3 - "$work" >"$work/said" 2>&1 <<'EOF'
import json, os, sys
import xml.etree.ElementTree as ET
work = sys.argv[1]
d = json.load(open(work + "/bench.json"))
parts = ["operations", "one query", "batches", "second query on the same image", "retrieval",
         "leave-one-out", "forward and backward", "detector", "start to first answer", "log",
         "screen", "pictures", "PyTorch / vilscope", "ONNX Runtime / vilscope"]
found = list(dict.fromkeys(r["part"] for r in d["rows"]))
assert found == parts, found
for r in d["rows"]:
    assert "skipped" in r or r["median"] > 0, r
    assert r.get("share") is None or 0 < r["share"] <= 1, r
queries = [r for r in d["rows"] if r["part"] == "one query"]
assert len(queries) == 7 and all(r["floor"] > 0 for r in queries), queries
assert d["machine"]["cores"] > 0 and d["ceilings"]["gflops"] == 100000, d["ceilings"]
for peer in parts[-2:]:
    said = [r["skipped"] for r in d["rows"] if r["part"] == peer]
    assert len(said) == 1 and "not installed" in said[0], said
table = open(work + "/out").read()
for part in parts:
    assert "**%s**" % part in table, part
series = [s["name"] for s in d["growth"]]
assert series == ["tokens", "regions", "batch", "retrieval", "checkpoints", "log"], series
for s in d["growth"]:
    marks = ET.parse(os.path.join(work, "plots", s["name"] + ".svg")).getroot()
    lines = marks.findall("{http://www.w3.org/2000/svg}polyline")
    assert len(lines) == 4, (s["name"], len(lines))  # time and memory, each above its floor
    assert len([l for l in lines if l.get("stroke-dasharray")]) == 2, s["name"]
EOF
ok $? "its table, its JSON and its plots have them all: $(tail -n 1 "$work/said")"

# One part again: the others stay.
kern 90000.0 1.5000
bench --threads 1 --only second --plots "$work/plots" --series batch --update && python3 - "$work/bench.json" <<'EOF'
import json, sys
d = json.load(open(sys.argv[1]))
parts = [r["part"] for r in d["rows"]]
assert len(set(parts)) == 14 and parts[0] == "operations" and parts[-1][:4] == "ONNX", parts
assert parts.count("second query on the same image") == 2 and d["ceilings"]["gflops"] == 90000 and len(d["growth"]) == 6
EOF
ok $? "--update keeps what was not measured again"

# refused WHAT OPTION...: ends with 1, a last line that says so, no table and no file.
refused() {
    what=$1
    shift
    rm -f "$work/bench.json"
    bench --threads 1 "$@"
    status=$?
    [ $status -eq 1 ] && [ ! -e "$work/bench.json" ] && [ ! -s "$work/out" ] &&
        tail -n 1 "$work/err" | grep -q 'share of .* %. The ceiling was measured too low'
    ok $? "$what: $(tail -n 1 "$work/err")"
}
kern 100000.0 0.9000
refused "an operation above its ceiling is refused" --only operations
kern 0.001 1.5000
refused "a query above the ceiling of multiply-adds is refused" --only query
kern 0.001 1.5000
refused "a point of a plot above it, too" --only "" --plots "$work/plots2"

bench --only nothing
[ $? -eq 2 ] && grep -q "no part 'nothing', but operations" "$work/err"
ok $? "a part that does not exist: $(tail -n 1 "$work/err")"
rm "$work/programs/bench-forward"
bench --only query
[ $? -eq 1 ] && grep -q 'bench-forward: No such file or directory; make bench builds it' "$work/err"
ok $? "a program that is not there: $(tail -n 1 "$work/err")"

# The floors: the published model's multiply-adds, as they were counted by hand, layer by layer
# (26.2, 22.4 and 19.2 GFLOP less 1.3, 1.2 and 1.0 of the last layers' other rows).
PYTHONDONTWRITEBYTECODE=1 PYTHONPATH="$SRCDIR/tests/bench" python3 - >"$work/said" 2>&1 <<'EOF'
from work import Work
config = dict(hidden_size=768, v_hidden_size=1024, bi_hidden_size=1024, intermediate_size=3072,
              v_intermediate_size=1024, num_hidden_layers=12, v_num_hidden_layers=6,
              v_feature_size=2048, v_biattention_id=list(range(6)),
              t_biattention_id=list(range(6, 12)))
w = Work(config)
for tokens, counted in (38, 24.9), (24, 21.2), (12, 18.2):
    assert abs(2 * w.sums(tokens, 101, 3129) / 1e9 / counted - 1) < 0.01, (tokens, counted)
assert abs(w.weights(3129) / 220e6 - 1) < 0.01, w.weights(3129)
assert abs(2 * w.before_text(38) / 1e9 / 3.4 - 1) < 0.03, w.before_text(38)
assert abs(2 * w.before_image(101) / 1e9 / 1.1 - 1) < 0.05, w.before_image(101)
assert Work({**config, "task_specific_tokens": True}).sums(37, 101, 3129) == w.sums(38, 101, 3129)
EOF
ok $? "floors are those of the published model: $(tail -n 1 "$work/said")"

# bench-kern itself: every operation of the table has a line.
if "$BUILDDIR/bench-kern" cpu 0 2>/dev/null | grep -q '^cpu-avx'; then
    tries=0
    # The ceilings of a machine that others use may be too low: that is refused, too.
    until "$BUILDDIR/bench-kern" cpu 1 >"$work/out" 2>"$work/err" || [ $tries -eq 3 ] ||
        ! grep -q 'measured too low\|measurement is wrong' "$work/err"; do
        tries=$((tries + 1))
    done
    refused=
    ! grep -q 'measured too low\|measurement is wrong' "$work/err" || refused=yes
    missing=
    for op in $(sed -n '/^struct kern_ops {/,/^};/s/^ *void (\*\([a-z_]*\)).*/\1/p' \
        "$SRCDIR/kernels/kern.h"); do
        grep -q "^$op, " "$work/out" || missing="$missing $op"
    done
    if [ $refused ]; then
        skip "bench-kern has every operation: others use the machine, $(tail -n 1 "$work/err")"
    else
        [ "$(wc -l <"$work/out")" -gt 90 ] && [ -z "$missing" ]
        ok $? "bench-kern has every operation:$missing $(tail -n 1 "$work/err")"
    fi
else
    skip "bench-kern takes too long without vectors"
fi
end
