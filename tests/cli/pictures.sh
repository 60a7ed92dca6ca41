#!/bin/sh
# SPDX-License-Identifier: MIT
# Pictures: pixels as Pillow has them, damage refused, no decoding without a sandbox. Broken by another
# decoder, runs or frames that go over an edge, a file that is cut off and answered, or a child that
# decodes unlocked.
set -u
. "$SRCDIR/tests/cli/lib.sh"
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
pictures=$SRCDIR/tests/data/pictures
tiny=$SRCDIR/tests/data/tiny
dump=$BUILDDIR/dump-pixels
grep -q '^#define HAVE_LIBJPEG 1' "$BUILDDIR/config.h"; turbo=$?
grep -q '^#define HAVE_LIBWEBP 1' "$BUILDDIR/config.h"; webp=$?

# ---- stored digests of what Pillow made of them
while read -r digest file; do
    case $file in
    *.jpg) [ $turbo -eq 0 ] || { skip "$file: built without libjpeg-turbo"; continue; } ;;
    *.webp) [ $webp -eq 0 ] || { skip "$file: built without libwebp"; continue; } ;;
    esac
    "$dump" "$pictures/$file" >"$work/ppm" 2>"$work/err"
    [ "$(sha256sum <"$work/ppm" | cut -c 1-64)" = "$digest" ]
    ok $? "$file has the pixels that Pillow has $(cat "$work/err")"
done <"$pictures/pixels.sha256"

# ---- damage
# cut_off FILE NAME [SPARE]: every beginning of it is refused with one line that names it, but those that
# lack no more than the last SPARE bytes.
cut_off() {
    size=$(($(wc -c <"$1") - ${3:-0})) bad=
    for left in 1 2 3 5 8 13 21 34 55 89 144 233; do
        for at in $((size - left)) $((size * left / 250)); do
            [ $at -gt 0 ] || continue
            head -c $at "$1" >"$work/cut"
            if "$dump" "$work/cut" >/dev/null 2>"$work/err" ||
                [ "$(wc -l <"$work/err")" -ne 1 ] || ! grep -q "^$work/cut: " "$work/err"; then
                bad="$bad $at"
            fi
        done
    done
    [ -z "$bad" ]
    ok $? "$2 is refused wherever it is cut off$bad"
}
for f in 420.jpg 420-progressive.jpg gray.jpg restart.jpg cmyk.jpg gray.png palette.png alpha.png \
    palette.gif rgb.bmp rgb.ppm lossy.webp lossless.webp; do
    case $f in *.webp) [ $webp -eq 0 ] || continue ;; esac
    cut_off "$pictures/$f" "$f"
done
for f in rle4.bmp rle8.bmp; do # what only says that nothing follows: two codes, of a line's end and of the picture's
    cut_off "$pictures/$f" "$f" 4
done
if [ $webp -eq 0 ]; then
    for f in animation.webp placed.webp; do
        cut_off "$pictures/$f" "$f"
    done
fi

# Of 5x3 pixels and 3 colors beside black; what follows is codes.
runs() { # runs CODES
    printf 'BM\0\0\0\0\0\0\0\0\106\0\0\0\050\0\0\0\5\0\0\0\3\0\0\0\1\0\4\0\2\0\0\0'
    printf '\0\0\0\0\0\0\0\0\0\0\0\0\4\0\0\0\0\0\0\0'
    printf '\0\0\0\0ABC\0DEF\0GHI\0'
    # shellcheck disable=SC2059 # codes are octal
    printf "$1"
}
runs '\0\3\022\060\0\0\0\2\2\1\3\022\0\1' >"$work/runs.bmp"
"$dump" "$work/runs.bmp" | tail -c 45 | tr '\0' . >"$work/got"
[ "$(cat "$work/got")" = "......CBAFEDCBA...............CBAFEDIHG......" ]
ok $? "three pixels, the end of a line, a move and a run: $(cat "$work/got")"
runs '\6\021\0\0\2\042\0\0\5\063\0\1' >"$work/runs.bmp"
"$dump" "$work/runs.bmp" | tail -c 45 | tr '\0' . >"$work/got"
[ "$(cat "$work/got")" = "IHGIHGIHGIHGIHGFEDFED.........CBACBACBACBACBA" ]
ok $? "a run that is too long is cut, as Pillow does: $(cat "$work/got")"
refuses 1 'a run of colors goes over its edge' "pixels that are too many" \
    eval "runs '\0\6\021\021\021\0\0\1' >'$work/b'; '$dump' '$work/b'"
refuses 1 'its lines are not all there' "a line too few" \
    eval "runs '\5\021\0\0\5\021\0\1' >'$work/b'; '$dump' '$work/b'"
refuses 1 'a move goes over its edge' "a move that is too far" eval "runs '\0\2\6\1\0\1' >'$work/b'; '$dump' '$work/b'"
refuses 1 'a pixel of color 9, of 4' "a color that there is not" \
    eval "runs '\5\231\0\0\5\021\0\0\5\021\0\1' >'$work/b'; '$dump' '$work/b'"
refuses 1 'the file ends early' "no codes" eval "runs '' >'$work/b'; '$dump' '$work/b'"

# poke FILE AT: the byte there is another one.
poke() {
    head -c "$2" "$1"
    tail -c +"$(($2 + 1))" "$1" | head -c 1 | tr '\000-\377' '\200-\377\000-\177'
    tail -c +"$(($2 + 2))" "$1"
}
size=$(wc -c <"$pictures/alpha.png") missed=
for at in $(seq 16 7 $((size - 1))); do
    poke "$pictures/alpha.png" "$at" >"$work/poked"
    "$dump" "$work/poked" >/dev/null 2>&1 && missed="$missed $at"
done
[ -z "$missed" ]
ok $? "a PNG with one wrong byte is refused$missed"
# A JPEG has no checksum: what can be seen is a scan that has too much or too little.
if [ $turbo -eq 0 ]; then
    for f in 420.jpg 420-progressive.jpg restart.jpg; do
        size=$(wc -c <"$pictures/$f") refused=0 tried=0
        for at in $(seq $((size - 400)) 31 $((size - 80))); do
            head -c "$at" "$pictures/$f" >"$work/less"
            tail -c +$((at + 61)) "$pictures/$f" >>"$work/less"
            tried=$((tried + 1))
            "$dump" "$work/less" >/dev/null 2>&1 || refused=$((refused + 1))
        done
        [ $refused -gt $((tried / 2)) ]
        ok $? "$f with 60 bytes of its scans missing is refused in most places: $refused of $tried"
    done
else
    skip "JPEG with bytes missing: built without libjpeg-turbo"
fi
refuses 1 'truncated.jpg: the JPEG image is damaged' "a query about a truncated JPEG" \
    "$VILSCOPE" query -m "$tiny" -t vqa --no-log "$pictures/truncated.jpg" "what color?"
cp "$pictures/palette.gif" "$work/gif.jpg"
"$dump" "$work/gif.jpg" >"$work/a" && "$dump" "$pictures/palette.gif" >"$work/b" &&
    cmp -s "$work/a" "$work/b"
ok $? "the content tells the kind, not the name"
printf 'BM, this is text\n' >"$work/text.bmp"
refuses 1 'not an image of a known kind (JPEG, PNG, GIF, BMP, PNM, WebP)' "text" "$dump" \
    "$work/text.bmp"
if [ $webp -ne 0 ]; then
    refuses 1 'built without libwebp' "WebP without its library" "$dump" "$pictures/lossy.webp"
fi
printf 'P6\n2 1\n200\n\001\002\003\004\005\311' >"$work/loud.ppm"
refuses 1 'a value of 201, more than its maximum of 200' "a PNM beyond its maximum" "$dump" \
    "$work/loud.ppm"

# ---- the sandbox
without="$BUILDDIR/without-seccomp"
"$without" true
if [ $? -eq 77 ] || grep -q 'fsanitize=[a-z,]*\(address\|thread\)' "$BUILDDIR/Makefile"; then
    skip "without seccomp: cannot be had here, or a build with a sanitizer, which has none"
else
    query="$VILSCOPE query -m $tiny -t vqa --no-log --regions $tiny/scene.npy"
    for f in 420.jpg gray.png palette.gif rgb.bmp rgb.ppm; do
        refuses 1 '--unsafe-decode' "$f is not decoded without a sandbox" "$without" "$dump" \
            "$pictures/$f"
    done
    refuses 1 'scene.png: not decoded: .*seccomp' "query without a sandbox" \
        "$without" $query "$tiny/scene.png" "what color"
    refuses 1 '--unsafe-decode' "inspect without a sandbox" \
        "$without" "$VILSCOPE" inspect "$tiny/scene.png"
    $query --json "$tiny/scene.png" "what color" | grep -v '"ms"' >"$work/a"
    "$without" $query --json --unsafe-decode "$tiny/scene.png" "what color" | grep -v '"ms"' >"$work/b"
    grep -q '"answers"' "$work/a" && sed 's/"[a-z]*": [0-9.e-]*,*$//' "$work/a" >"$work/c" &&
        sed 's/"[a-z]*": [0-9.e-]*,*$//' "$work/b" | cmp -s - "$work/c"
    ok $? "--unsafe-decode answers the same there"
    "$without" "$VILSCOPE" inspect --unsafe-decode "$tiny/scene.png" | grep -q 'width: 96'
    ok $? "inspect --unsafe-decode"
fi
for c in workbench query compare eval extract detect inspect sessions; do
    "$VILSCOPE" $c --help | grep -q -- '--unsafe-decode' || echo "$c"
done >"$work/silent"
[ ! -s "$work/silent" ]
ok $? "every command that decodes has --unsafe-decode: $(tr '\n' ' ' <"$work/silent")"
end
