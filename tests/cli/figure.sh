#!/bin/sh
# SPDX-License-Identifier: MIT
# Figures of views, from the gallery's script: each view that has one writes it, whole, with what was
# asked, of whom and of what; cells are the numbers that the same view exports, in the colors of its
# scale. Broken by a view without a figure, a figure of a part, a color that is another number's, names
# that are lost, bytes that differ from run to run, and an export that writes something else instead.
set -u
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export VILSCOPE_LOG="$work/log.db" XDG_CACHE_HOME="$work/cache" XDG_CONFIG_HOME="$work/config" \
    VILSCOPE_DEMO="$SRCDIR/tests/data/frozen" LC_ALL=C.UTF-8
. "$SRCDIR/tests/cli/lib.sh"
cd "$work" || exit 1

echo 'image 1
wait
ask what color is the large thing?
wait
token large
layer 2
wait
view matrix
export matrix.png
export matrix.svg' >none.vs
if "$VILSCOPE" --version | grep -q "no figures"; then
    refuses 2 "none.vs:10: matrix.svg: this vilscope was built without Cairo and Pango.*libpango1.0-dev" \
        "the reason is said" "$VILSCOPE" --no-log -S none.vs
    [ ! -e matrix.svg ] && [ "$(head -c 4 matrix.png | tail -c 3)" = PNG ]
    ok $? "a PNG of the pane is written"
    skip "figures: built without Cairo and Pango"
    end
fi

# ---- all of them
for run in one two; do
    "$SRCDIR/examples/gallery" "$VILSCOPE" $run >$run.out 2>&1 </dev/null
    ok $? "the gallery is made: $(tail -n 2 $run.out)"
done
[ "$(ls one | grep -c '\.svg$')" -ge 18 ] && [ "$(ls one/*.svg | wc -l)" -eq "$(ls one/*.pdf | wc -l)" ]
ok $? "it has $(ls one/*.svg | wc -l) figures, each also as PDF"
for f in one/*.svg one/*.pdf one/*.png; do
    cmp -s "$f" "two/${f#one/}" || echo "$f"
done >differ
[ ! -s differ ]
ok $? "twice the same bytes $(tr '\n' ' ' <differ)"
grep -lE "$(date +%Y)-[0-9][0-9]-|CreationDate|ModDate|$work" one/* >dated
[ ! -s dated ]
ok $? "without dates and folders $(tr '\n' ' ' <dated)"
for f in one/*.svg; do
    case $f in
    */trend.svg | */scores.svg) continue ;;
    esac
    grep -q '>demo / [a-z]*, image' "$f" && grep -q '>vilscope .*; checkpoint [a-z]* [0-9a-f]\{16\}; image' "$f" || echo "$f"
done >nameless
[ ! -s nameless ]
ok $? "model, checkpoint, image and digests are in all that are of a query $(tr '\n' ' ' <nameless)"
for figure in "image:The image" "boxes:The image with ranked boxes" "heat:What is looked at on the image"; do
    grep -q "<title>${figure#*:}</title>" "one/${figure%%:*}.svg" || echo "$figure"
done >untrue
[ ! -s untrue ]
ok $? "titles of images say what is drawn on them $(tr '\n' ' ' <untrue)"
for f in drift compare trend; do # the caption may have several lines
    sed 's/<[^>]*>/ /g' one/$f.svg | tr -s ' \n' ' ' >words
    for checkpoint in early final; do
        grep -q "checkpoint $checkpoint [0-9a-f]\{16\}" words || echo $f $checkpoint
    done
done >left
[ ! -s left ] && grep -q '>vqa: reliability<' one/scores.svg
ok $? "both checkpoints are in those that compare $(tr '\n' ' ' <left)"
[ "$(head -c 5 one/matrix.pdf)" = "%PDF-" ] && [ "$(tail -c 6 one/matrix.pdf)" = "%%EOF" ]
ok $? "PDFs are whole"
if command -v python3 >/dev/null; then
    for f in one/*.svg; do
        python3 -c 'import sys, xml.dom.minidom; xml.dom.minidom.parse(sys.argv[1])' "$f" 2>/dev/null || echo "$f"
    done >broken
    [ ! -s broken ]
    ok $? "SVGs are XML $(tr '\n' ' ' <broken)"
    python3 "$SRCDIR/tests/cli/figure_texts.py" one/*.svg >said 2>&1
    ok $? "no text lies on another or outside, and scales have their numbers below them $(head -n 3 said | tr '\n' ' ')"
    python3 "$SRCDIR/tests/cli/figure.py" one/matrix.svg one/matrix.csv one/matrix.png >said 2>&1
    ok $? "the matrix has the numbers of its CSV in the colors of its scale: $(tail -n 1 said)"
else
    skip "no python3 to read SVGs"
fi

# ---- of which size, and what is none
cat >size.vs <<'END'
image 1
wait
ask what color is the large thing?
wait
view matrix
set figure-width 85
set figure-dpi 100
export small.png
export small.svg
END
"$VILSCOPE" --no-log -S size.vs </dev/null
ok $? "a figure of 85 mm"
grep -q 'width="240.94pt"' small.svg
ok $? "is 240.94 points wide"
[ "$(od -An -tu1 -j18 -N2 small.png | tr -s ' ')" = " 1 79" ]
ok $? "and 335 dots of 100 an inch: $(od -An -tu1 -j16 -N4 small.png)"
for view in status views help; do
    printf 'view %s\nexport none.svg\n' $view >view.vs
    refuses 2 "view.vs:2: the view $view has no figure" "$view" "$VILSCOPE" --no-log -S view.vs
done
printf 'view matrix\nexport none.pdf\n' >view.vs
refuses 2 "view.vs:2: the view matrix has nothing to show" "nothing was asked" "$VILSCOPE" --no-log -S view.vs
printf 'set figure-width 5\n' >view.vs
refuses 2 "set figure-width 20 to 1000, not '5'" "too narrow" "$VILSCOPE" --no-log -S view.vs
[ ! -e none.svg ] && [ ! -e none.pdf ]
ok $? "and nothing is written"

# ---- by one command
image=$VILSCOPE_DEMO/images/000000.png
"$VILSCOPE" figure matrix --no-log -t vqa --token large --layer 2 "$image" "what color is the large thing?" -o one.svg \
    </dev/null >out 2>err
[ $? -eq 0 ] && [ ! -s out ] && [ ! -s err ]
ok $? "vilscope figure matrix: $(cat err)"
cat >same.vs <<END
image 1
task vqa
ask what color is the large thing?
wait
token large
layer 2
wait
view matrix
export script.svg
END
"$VILSCOPE" --no-log -S same.vs "$image" </dev/null && cmp -s one.svg script.svg
ok $? "it is what a script exports"
"$VILSCOPE" figure effects --no-log -t vqa --leave-one-out tokens "$image" "what color?" -o effects.csv </dev/null 2>err
[ $? -eq 0 ] && grep -q '^color,' effects.csv
ok $? "numbers of a view that computes: $(cat err)"
refuses 2 "figure: --layer: this map has layers 1 to 3" "a layer that is none" "$VILSCOPE" figure matrix --no-log --layer 9 "$image" "what?" -o no.svg
refuses 2 "figure: --map: .*not 'none'" "a map that is none" "$VILSCOPE" figure matrix --no-log --map none "$image" "what?" -o no.svg
refuses 2 "figure: --rank: there are ranks 1 to 36, not '99'" "a rank that is none" \
    "$VILSCOPE" figure answer --no-log -t vqa --rank 99 "$image" "what?" -o no.svg
for view in "curves --attribute METHOD" "attribution --attribute METHOD" "states --token WORD or --region N" \
    "attention --token WORD, --region N, or --attribute METHOD" "trend --check-set FILE" "what-if vilscope -S FILE" \
    "project vilscope explain --project"; do
    refuses 2 "the view ${view%% *} needs .*${view#* }" "what ${view%% *} lacks" \
        "$VILSCOPE" figure ${view%% *} --no-log -t vqa "$image" "what?" -o no.svg
done
refuses 2 "the view flips has nothing to show at present: nothing is logged: --log FILE" "flips without a log" \
    "$VILSCOPE" figure flips --no-log -c early -c final -o no.svg
refuses 2 "no figure of 'status'.*image, answer" "a view without a figure" "$VILSCOPE" figure status "$image" "what?" -o no.svg
refuses 2 "\-o FILE" "no file" "$VILSCOPE" figure matrix "$image" "what?"
refuses 2 "text is missing" "no text" "$VILSCOPE" figure matrix -o no.svg
refuses 2 "line break" "two lines" "$VILSCOPE" figure matrix "$image" "what?
quit" -o no.svg
[ ! -e no.svg ]
ok $? "and no file"

# ---- candidates: best first, each with its name and score, alone when one is wished
images=$(ls "$VILSCOPE_DEMO"/images/00000[0-4].png)
"$VILSCOPE" query --no-log --json -t coco $images "a red cone" >ranked.json 2>err </dev/null &&
    "$VILSCOPE" figure image --no-log -t coco $images "a red cone" -o ranked.svg 2>err </dev/null
ok $? "figure image of a retrieval: $(cat err)"
python3 - <<'END' >said 2>&1
import json, re
answers = json.load(open("ranked.json"))["answers"]
text = open("ranked.svg").read()
assert text.count("<image") == 5, "%d images" % text.count("<image")
titles = re.findall(r">(\d+) +(\d+\.png) +(-?[\d.]+)<", text)
assert len(titles) == len(answers) == 5, titles
for i, (rank, name, score) in enumerate(titles):
    a = answers[i]
    assert int(rank) == i + 1 and a["label"].endswith(name) and abs(a["logit"] - float(score)) < 0.001, (rank, name, score, a)
print("in the order of the answer, with their logits")
END
ok $? "it has all of them: $(tail -n 1 said)"
"$VILSCOPE" figure image --no-log -t nlvr2 $(echo "$images" | head -n 2) "both are red" -o pair.svg 2>err </dev/null &&
    [ "$(grep -o '<image' pair.svg | wc -l)" -eq 2 ]
ok $? "both of a pair: $(cat err)"
# A region is one image's: left of the name of the second image, or right.
sides() { # sides SVG NAME
    sed -n 's/.*<text x="\([0-9.]*\)".*>\(region 2\) .*/\1 \2/p; s/.*<text x="\([0-9.]*\)".*>2 .*'"$2"'.*/\1 name/p' "$1" |
        awk '$2 == "name" { from = $1 } $2 == "region" { at[++n] = $1 }
            END { for (i = 1; i <= n; i++) print (at[i] < from ? "first" : "second") }'
}
"$VILSCOPE" figure image --no-log -t nlvr2 --region 2 $(echo "$images" | head -n 2) "both are red" -o pair.svg 2>err </dev/null
said=$(sides pair.svg 000001.png)
[ "$said" = first ]
ok $? "a region is drawn on the image that it is of: $said $(cat err)"
printf 'image 2\ntask nlvr2\nask both are red\nwait\nregion 2\nview image\nexport pair.svg\n' >pair.vs
"$VILSCOPE" --no-log -S pair.vs $(echo "$images" | head -n 2) 2>err </dev/null
said=$(sides pair.svg 000001.png)
[ "$said" = second ]
ok $? "and is of the current one: $said $(cat err)"
# What a region looks at is in its own image; the other one has no weights, and the scale is there.
for i in 1 2; do
    printf 'image %d\ntask nlvr2\nask both are red\nwait\nmap image\nregion 2\noverlay\nview image\nexport heat.svg\n' $i >heat.vs
    rm -f heat.svg
    "$VILSCOPE" --no-log -S heat.vs $(echo "$images" | head -n 2) 2>err </dev/null
    [ "$(grep -c '>[0-9.]* %<' heat.svg)" -eq 3 ] && [ "$(grep -c '>region 2 .*, image to image, ' heat.svg)" -eq 1 ]
    ok $? "what region 2 of image $i looks at: $(grep -c '>[0-9.]* %<' heat.svg) weights, one scale $(cat err)"
done
"$VILSCOPE" figure image --no-log -t coco --region 2 $images "a red cone" -o ranked.svg 2>err </dev/null &&
    [ "$(grep -c '>region 2 ' ranked.svg)" -eq 1 ]
ok $? "of a retrieval the best one is: $(grep -c '>region 2 ' ranked.svg) $(cat err)"
printf 'ask a red cone\nwait\nview image\nsingle\nexport single.svg\n' >single.vs
"$VILSCOPE" --no-log -t coco -S single.vs $images </dev/null 2>err && [ "$(grep -o '<image' single.svg | wc -l)" -eq 1 ]
ok $? "one image at a time: $(cat err)"

# ---- evaluations, and a check set
rows=$SRCDIR/tests/data/rows/rows.jsonl
sed 's/"checkpoint": "noise"/"checkpoint": "other"/; s/"score": 1.0, "correct": true/"score": 0.0, "correct": false/' \
    "$rows" >other.jsonl
"$VILSCOPE" compare --rows "$rows" other.jsonl --calibration --figure scores.svg >out 2>err </dev/null
ok $? "compare --figure: $(cat err)"
for word in "vqa minval" "nlvr2 dev" "vqa minval: reliability" "vqa minval: other against noise" "both right (0)" \
    "only noise (2)" "only other (0)" "confidence of noise" "accuracy"; do
    grep -q ">$word<" scores.svg || echo "$word"
done >left
[ ! -s left ]
ok $? "it has scores, reliability and items $(cat left)"
# NLVR2's points, the third and fourth, are 75 and 0 % up the axis that goes to 100.
sed 's/.*<circle .* cy="\([0-9.]*\)".*/point \1/; s/.* y="\([0-9.]*\)".*>\(20\|80\)<.*/at \2 \1/' scores.svg |
    awk '$1 == "at" { y[$2] = $3 } $1 == "point" && ++n > 2 && n < 5 { p[n] = $2 }
        END { off = (p[4] - p[3]) - 75 * (y[20] - y[80]) / 60; exit n < 4 || off > 0.2 || off < -0.2 }'
ok $? "points are where the axis has their scores"
"$VILSCOPE" compare --no-log --check-set "$SRCDIR/examples/demo.checks" --figure trend.pdf >out 2>err </dev/null &&
    [ "$(head -c 5 trend.pdf)" = "%PDF-" ]
ok $? "a check set over the checkpoints: $(tail -n 1 err)"
"$VILSCOPE" figure trend --no-log --check-set "$SRCDIR/examples/demo.checks" -o trend.svg >out 2>err </dev/null &&
    grep -q '>mean of all, with its 95 % interval<' trend.svg && grep -q '>early<' trend.svg &&
    grep -q '>vilscope .*; check set [0-9a-f]\{16\}; checkpoint early [0-9a-f]\{16\}' trend.svg
ok $? "the same of the workbench: $(cat err)"
"$VILSCOPE" eval -m "$SRCDIR/tests/data/frozen" -c final -t vqa --no-log --figure eval.svg \
    --data "$SRCDIR/tests/data/frozen/queries.jsonl" >out 2>err </dev/null &&
    grep -q "vqa: reliability" eval.svg && grep -q "24 items, with 95 % intervals" eval.svg &&
    grep -q '>vilscope [^;]*; final<' eval.svg && ! grep -q "rows.jsonl" eval.svg && [ -z "$(find . -name 'vilscope-??????')" ]
ok $? "eval --figure draws scores and reliability, and leaves no other file: $(cat err)"
"$VILSCOPE" eval -m "$SRCDIR/tests/data/frozen" -c final -t vqa --no-log --rows rows.jsonl \
    --data "$SRCDIR/tests/data/frozen/queries.jsonl" >out 2>err </dev/null &&
    "$VILSCOPE" eval --from rows.jsonl --figure again.svg >out 2>err </dev/null &&
    grep -q '; final of rows.jsonl<' again.svg && grep '<text\|<path d\|<rect' again.svg | grep -v '>vilscope ' >again &&
    grep '<text\|<path d\|<rect' eval.svg | grep -v '>vilscope ' | cmp - again && [ -s again ]
ok $? "of rows that are there it is the same: $(cat err)"
"$VILSCOPE" eval -m "$VILSCOPE_DEMO" -c early -c final -t vqa --limit 12 --log conf.db --data "$VILSCOPE_DEMO/queries.jsonl" >out 2>err </dev/null &&
    "$VILSCOPE" figure confidence -c early -c final --log conf.db -o conf.svg 2>err </dev/null &&
    "$VILSCOPE" compare --from conf.db --calibration --figure both.svg >out 2>err </dev/null
ok $? "figure confidence: $(cat err)"
for word in "both right" "only early" "only final" "neither" "early: 12 items, calibration"; do
    grep -o ">$word[^<]*<" conf.svg >of_view && grep -qF "$(cat of_view)" both.svg || echo "$word"
done >left
[ ! -s left ] && grep -q "; evaluation 1, checkpoint early [0-9a-f]\{16\}; evaluation 2, checkpoint final" conf.svg
ok $? "the same as compare draws, and of which evaluations $(cat left)"
refuses 2 "the log has no rows of gqa with A or B" "a task that was not measured" \
    "$VILSCOPE" figure confidence -c early -c final --log conf.db -t gqa -o no.svg
refuses 2 "not with --heads" "heads" "$VILSCOPE" eval -m "$SRCDIR/tests/data/frozen" --heads --figure a.svg \
    --data "$SRCDIR/tests/data/frozen/queries.jsonl"
refuses 2 "writes .svg, .pdf or .png" "eval with another ending" "$VILSCOPE" eval --from rows.jsonl --figure a.gif
refuses 2 "are for --figure" "eval with a width of nothing" "$VILSCOPE" eval --from rows.jsonl --width 85
refuses 2 "writes .svg, .pdf or .png" "another ending" "$VILSCOPE" compare --rows "$rows" other.jsonl --figure a.gif
refuses 2 "are for --figure" "a width of nothing" "$VILSCOPE" compare --rows "$rows" other.jsonl --width 85
end
