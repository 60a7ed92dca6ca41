#!/bin/sh
# SPDX-License-Identifier: MIT
# python/vilscope_log reads what vilscope has logged, and refuses what is no log. Broken by a table or a
# column that is called otherwise, by numbers that are not those that were logged, and by a reader that
# writes.
set -u
. "$SRCDIR/tests/cli/lib.sh"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export VILSCOPE_LOG="$work/log.db" XDG_CACHE_HOME="$work/cache" PYTHONPATH="$SRCDIR/python" \
    PYTHONDONTWRITEBYTECODE=1
tiny=$SRCDIR/tests/data/tiny
if ! python3 -c 'import numpy, sqlite3' 2>/dev/null; then
    skip "python3 has no numpy: vilscope_log is not tested"
    python3 -c 'import vilscope_log' 2>&1 | grep -q 'vilscope_log needs numpy'
    ok $? "and says so"
    end
fi
cd "$work" || exit 1
q() {
    "$VILSCOPE" query -m "$tiny" --threads 1 "$@" >>out 2>&1 || echo "failed: $*" >&2
}
q -t gqa --log-attention "$tiny/scene.png" "what color"
q -t refcoco "$tiny/scene.png" "the red square"
q -t gqa --change "mask token 3" "$tiny/scene.png" "what color"
"$VILSCOPE" query -m "$tiny" --threads 1 -t gqa --attention maps.safetensors --no-log --json "$tiny/scene.png" \
    "what color" >result.json 2>>out
"$VILSCOPE" query -m "$tiny" --threads 1 -t refcoco --no-log --json "$tiny/scene.png" "the red square" \
    >boxes.json 2>>out
printf '{"task": "gqa", "images": ["%s"], "text": "what color", "answer": "red"}\n' "$tiny/scene.png" >set.jsonl
"$VILSCOPE" eval -m "$tiny" --data set.jsonl --threads 1 >>out 2>&1
cp "$tiny/checkpoint.bin" other.bin
"$VILSCOPE" compare -m "$tiny" -c noise -c other.bin --weights >>out 2>&1
printf 'task: gqa\nimage: %s\ntext: what color\nanswer: red\n' "$tiny/scene.png" >my.checks
"$VILSCOPE" compare -m "$tiny" -c noise -c other.bin --check-set my.checks >>out 2>&1
q -t gqa --attribute attribution-patching "$tiny/scene.png" "a shape"
before=$(sha256sum log.db)
# Copies: SQLite writes files beside a log that it reads.
mkdir old && cp "$SRCDIR"/tests/data/logs/*.db old/ && chmod u+w old/*
python3 "$SRCDIR/tests/cli/notebook.py" "$PWD/old" >said 2>&1
status=$?
while IFS= read -r line; do
    case $line in
    "ok "*) ok 0 "${line#ok }" ;;
    "skip "*) skip "${line#skip }" ;;
    *) ok 1 "$line" ;;
    esac
done <said
[ $status -eq 0 ] && [ "$(grep -c '^ok' said)" -ge 15 ]
ok $? "the script ended: $(grep -c . said) lines"
[ "$before" = "$(sha256sum log.db)" ]
ok $? "the log is as it was"
end
