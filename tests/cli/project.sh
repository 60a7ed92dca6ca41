#!/bin/sh
# SPDX-License-Identifier: MIT
# Hidden states of a set as points: explain --project. The plane's first component has to tell what the states
# have most of, points are those that the set has, the numbers of text, CSV and JSON are the same, and a mistake is
# one line. (Components against numpy's, neighbors against all distances: test-projection.) Broken by a state of
# another layer or place, a point that is lost, or places that are not those of the states.
set -u
. "$SRCDIR/tests/cli/lib.sh"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export VILSCOPE_LOG="$work/log.db" XDG_CACHE_HOME="$work/cache"
"$VILSCOPE" world -o "$work/set" --seed 4243 --scenes 12 --language basic >/dev/null
p() {
    case " $* " in *" --limit "*) ;; *) set -- "$@" --limit 6 ;; esac
    "$VILSCOPE" explain -m "$frozen" -c final --data "$work/set" -t refcoco --project "$@" 2>>"$work/said"
}
p regions --csv | tr -d '"' >"$work/all"
p image --csv | tr -d '"' >"$work/image"
p chosen --csv | tr -d '"' >"$work/chosen"
[ "$(wc -l <"$work/image")" -eq 7 ] && [ "$(wc -l <"$work/chosen")" -eq 7 ] && [ "$(wc -l <"$work/all")" -gt 60 ]
ok $? "a point for each image, each chosen region, each region: $(wc -l <"$work/all")"
bad=$(sed 1d "$work/chosen" | awk -F, '"region " substr($4, 8) != $6 && $6 != $4')
[ -z "$bad" ]
ok $? "the chosen region is the answer's $bad"
grep -q '^1,line [0-9]*,refcoco,region 1 .*,\(right\|wrong\),.*\.png,[0-9.]*,[0-9.]*,[0-9.]*,[0-9.]*,' "$work/all"
ok $? "a point has its item, class, answer, image and box: $(sed -n 2p "$work/all")"
p regions >"$work/out"
[ "$(sed 1d "$work/all" | wc -l)" = "$(sed -n 's/.*: \([0-9]*\) points of 6 items.*/\1/p' "$work/out")" ] &&
    grep -q '^of all variance the first component has [0-9.]* %, the second [0-9.]* %$' "$work/out"
ok $? "the text says how much the axes have: $(sed -n 2p "$work/out")"
first=$(sed 1d "$work/all" | awk -F, '{n++; s += $13; t += $13 * $13; u += $13 * $14; v += $14 * $14}
    END {print (s * s < 1e-3 * n * t && u * u < 1e-6 * t * v && t > v) ? "good" : s " " t " " u " " v}')
[ "$first" = good ]
ok $? "components have no mean, nothing in common, and the first is larger: $first"
p cls --csv | cmp -s - "$work/image"
[ $? -ne 0 ]
ok $? "tokens are others than regions"
p cls --after embeddings >"$work/out" && grep -q ', after embeddings: 6 points' "$work/out" &&
    ! p cls --after "text 1" | grep -qF "$(sed -n 2p "$work/out")"
ok $? "each layer has its own plane: $(head -n 1 "$work/out")"
p words --after "co 1" --color class --near 1 --neighbors 3 >"$work/out"
[ "$(sed -n '/^nearest/,$p' "$work/out" | wc -l)" -eq 5 ]
ok $? "the nearest of a word: $(tail -n 1 "$work/out")"
p words --near 2 --neighbors 5 --distance euclid --json >"$work/json"
[ "$(grep -c '"distance": [0-9]' "$work/json")" -eq 5 ] && grep -q '"distance": "euclid"' "$work/json"
ok $? "and as JSON"
p words-mean --csv >"$work/out" && grep -q '"mean of [0-9]* words"' "$work/out" && p regions-mean --csv >"$work/out" &&
    grep -q '"mean of [0-9]* regions"' "$work/out"
ok $? "means: $(sed -n 2p "$work/out")"
printf 'task: refcoco\nimage: %s\ntext: the large thing\n\ntask: refcoco\nimage: %s\ntext: the small thing\n' \
    "$work/set/images/000000.png" "$work/set/images/000001.png" >"$work/my.checks"
"$VILSCOPE" explain -m "$frozen" -c final --check-set "$work/my.checks" --project regions >"$work/out" 2>>"$work/said" &&
    grep -q ' points of 2 items' "$work/out"
ok $? "a check set: $(head -n 1 "$work/out")"
if p regions --figure "$work/points.svg" >"$work/out"; then
    p regions --figure "$work/again.svg" >"$work/out"
    grep -q 'first component, [0-9.]* % of the variance' "$work/points.svg" && cmp -s "$work/points.svg" "$work/again.svg"
    ok $? "a figure, with what its axes have"
else
    skip "no figure: $(tail -n 1 "$work/said")"
fi
[ ! -e "$work/log.db" ]
ok $? "nothing is logged"

# ---- what is wrong
fails() { # fails STATUS PATTERN WHAT OPTION...: the demo says what it is before
    status=$1 pattern=$2 what=$3
    shift 3
    p "$@" >"$work/out"
    [ $? -eq "$status" ] && [ ! -s "$work/out" ] && tail -n 1 "$work/said" | grep -q -- "$pattern"
    ok $? "$what: $(tail -n 1 "$work/said")"
}
fails 2 "no state of regions after 'text 9': there are embeddings, .*image 3" "a layer" regions --after "text 9"
fails 2 "there are [0-9]* points" "a point that there is not" image --near 7
fails 1 "a plane needs two" "one point" image --limit 1
fails 2 "is of one checkpoint" "two checkpoints" image -c early
e() {
    "$VILSCOPE" explain -m "$frozen" -c final "$@"
}
refuses 2 "not 'pixels'" "a kind" e --data "$work/set" --project pixels
refuses 2 "no --rows with it" "rows" e --data "$work/set" --project image --rows "$work/rows"
refuses 2 "after is for --project" "a layer of tests" e --data "$work/set" --after "text 1"
refuses 2 "either --data SET, --reference DIR or --check-set" "two sets" e --data "$work/set" --check-set x --project image
refuses 2 "width is for --project" "a figure's width without one" e --data "$work/set" --width 100
refuses 2 "no --resume with it" "going on" e --data "$work/set" --project image --resume
refuses 2 "neighbors is for --near" "neighbors of nothing" e --data "$work/set" --project image --neighbors 3
refuses 2 "writes .svg, .pdf or .png" "a figure's name" e --data "$work/set" --project image --figure x.gif
end
