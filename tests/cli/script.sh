#!/bin/sh
# SPDX-License-Identifier: MIT
# Scripts of the workbench without a terminal: what they write is, byte by byte, what they write on a
# terminal of that size, and what fails in them fails the program. Broken by a screen of another size or
# other pixels, a script that waits for keys, and a failure, also of a query, that nobody hears of.
set -u
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export VILSCOPE_LOG="$work/log.db" XDG_CACHE_HOME="$work/cache" XDG_CONFIG_HOME="$work/config" \
    VILSCOPE_DEMO="$SRCDIR/tests/data/frozen" TERM=xterm-256color LC_ALL=C.UTF-8
. "$SRCDIR/tests/cli/lib.sh"
cd "$work" || exit 1

cat >all.vs <<'END'
image 1
wait
ask what color is the large thing?
wait
token large
layer 2
wait
save-images pictures
view matrix
export matrix.csv
export matrix.npy
view answer
export answer.csv
pause
view image
export boxes.csv
say written
save-display screen.txt
export result.json
END

# on_terminal ROWS COLS COMMAND: on one with cells of 10x20 pixels, which answers nothing.
cat >terminal.py <<'END'
import fcntl, os, pty, struct, sys, termios
pid, fd = pty.fork()
if pid == 0:
    rows, cols = int(sys.argv[1]), int(sys.argv[2])
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 10 * cols, 20 * rows))
    os.execvp(sys.argv[3], sys.argv[3:])
try:
    while os.read(fd, 65536):
        pass
except OSError:
    pass
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
END

run() { # run FOLDER COMMAND...
    mkdir "$1"
    sed '/^pause/d' all.vs >"$1/all.vs"
    [ "$1" = shown ] || cp all.vs "$1"
    [ "$1" != shown ] || echo quit >>"$1/all.vs"
    (cd "$1" && shift && timeout 100 "$@") >"$1.out" 2>"$1.err" </dev/null
}
run unseen "$VILSCOPE" --no-log -S all.vs --screen 40x150
ok $? "a script runs without a terminal, and ends without quit: $(cat unseen.err)"
[ ! -s unseen.out ] && [ ! -s unseen.err ]
ok $? "and prints nothing"
[ "$(wc -l <unseen/screen.txt)" -eq 40 ] && [ "$(wc -L <unseen/screen.txt)" -le 150 ] &&
    grep -q "result.json\|written" unseen/screen.txt && grep -q yellow unseen/screen.txt
ok $? "the screen has 40 rows, an answer and a line of words"
[ -s unseen/pictures/1.png ] && [ "$(wc -l <unseen/matrix.csv)" -gt 5 ]
ok $? "pictures and numbers were written"
if python3 -c 'import pty' 2>/dev/null; then
    run shown python3 ../terminal.py 40 150 "$VILSCOPE" --no-log --graphics sixel -S all.vs
    ok $? "the same runs on a terminal"
    for f in unseen/*.csv unseen/*.npy unseen/pictures/*.png; do
        cmp -s "$f" "shown/${f#unseen/}" || echo "$f"
    done >differ
    [ ! -s differ ] && [ "$(ls shown/pictures)" = "$(ls unseen/pictures)" ]
    ok $? "pictures and numbers are the same bytes: $(cat differ)"
    mask() { # devices' times, which no two runs share
        sed 's/[0-9]* ms/MS ms/' "$1" | tr -s ' '
    }
    mask unseen/screen.txt >a && mask shown/screen.txt >b && cmp -s a b
    ok $? "the screen shows the same: $(diff a b | head -n 4)"
    grep -v '"\(tokenize\|regions\|forward\|reading\|total\)"' unseen/result.json >a
    grep -v '"\(tokenize\|regions\|forward\|reading\|total\)"' shown/result.json >b
    [ -s a ] && cmp -s a b
    ok $? "the result is the same but for its times: $(diff a b | head -n 4)"
else
    skip "no python3 for a terminal"
fi
run again "$VILSCOPE" --no-log -S all.vs --screen 40x150,5x10
ok $? "cells have other pixels: $(cat again.err)"
cmp -s again/matrix.csv unseen/matrix.csv && ! cmp -s again/pictures/1.png unseen/pictures/1.png
ok $? "so pictures are others, numbers are not"

# ---- a box that is drawn is what the model sees, beside the whole image
printf '%s\n' 'image 1' wait box 'press Space' 'press L' 'press L' 'press J' 'press Space' \
    'ask what color is the thing?' wait 'view image' 'export drawn.csv' 'export drawn.json' \
    drop-box 'ask what color is the thing?' wait 'export dropped.json' >drawn.vs
"$VILSCOPE" --no-log -S drawn.vs --screen 40x150 </dev/null 2>err &&
    [ "$(cat drawn.csv)" = "name,x1,y1,x2,y2
region 0 whole image,0,0,320,240
region 1,160,120,224,144" ] && grep -q '"origin": "user"' drawn.json && grep -q '"origin": "detector"' dropped.json
ok $? "one region of a box: $(tail -n 1 drawn.csv) $(cat err)"

# ---- the first and the last depth are the ends
ends() { # ends VIEW FIRST LAST: what its title says there
    {
        printf '%s\n' 'image 1' wait 'ask what color is the large thing?' wait 'token large' wait "view $1" wait
        for key in left right; do
            yes $key | head -n 20
            echo "save-display $key.end"
            printf '%s\n' $key $key "save-display $key.behind"
        done
    } >ends.vs
    "$VILSCOPE" --no-log -S ends.vs --screen 40x300 </dev/null 2>err || return
    for key in left right; do
        sed -i '$d' $key.end $key.behind # messages
        cmp $key.end $key.behind || return
    done
    grep -q "$2" left.end && grep -q "$3" right.end
}
ends lens "depths 1-4 of 8" "depths 5-8 of 8" >why
ok $? "the lens stops at its ends: $(cat why)"
ends states "to large, after embeddings" "to large, after text 4" >why
ok $? "states stop at their ends: $(cat why)"
ends plane "Plane after embeddings (1/11)" "Plane after text 4 (11/11)" >why
ok $? "the plane stops at its ends: $(cat why)"

# ---- what fails
echo 'image 1
no such command' >wrong.vs
refuses 2 "wrong.vs:2: there is no command 'no'" "a command that is none" "$VILSCOPE" --no-log -S wrong.vs
echo 'image 1
view matrix
export matrix.csv
export never.csv' >early.vs
refuses 2 "early.vs:3: the view matrix has no numbers" "nothing was asked" "$VILSCOPE" --no-log -S early.vs
[ ! -e never.csv ]
ok $? "and nothing behind it ran"
echo 'copy' >copy.vs
refuses 2 "copy.vs:1: " "no clipboard" "$VILSCOPE" --no-log -S copy.vs
echo 'suspend' >suspend.vs
refuses 2 "suspend.vs:1: there is no terminal" "nothing to suspend" "$VILSCOPE" --no-log -S suspend.vs
cp "$VILSCOPE_DEMO/images/000000.png" late.png
cp -r "$SRCDIR/tests/data/tiny" bare && chmod -R u+w bare && sed -i '/"detector/d' bare/model.json
printf 'ask what color?\nwait\nexport result.json\n' >late.vs
refuses 2 "late.vs:2: late.png: has no regions" "a query that fails while it is waited for" \
    "$VILSCOPE" --no-log -m bare -S late.vs late.png
[ ! -e result.json ]
ok $? "and nothing was exported"
printf 'ask is it zyzzyva?\nwait\nexport noted.json\n' >noted.vs
"$VILSCOPE" --no-log -S noted.vs late.png </dev/null && grep -q "unknown words" noted.json
ok $? "a note about an answer is no failure"
refuses 1 "no-such.vs" "no script" "$VILSCOPE" --no-log -S no-such.vs
refuses 2 "a screen is ROWSxCOLS" "a screen of no size" "$VILSCOPE" -S all.vs --screen 5x5
refuses 2 "a screen is ROWSxCOLS" "words behind the size" "$VILSCOPE" -S all.vs --screen 40x100,10x20x
refuses 2 "is that of a script" "a screen without a script" "$VILSCOPE" --screen 40x100
# ---- regions with confidences: the list is that of inspect
cp "$SRCDIR/tests/data/regions/mmf.npy" scene.npy
cp "$SRCDIR/tests/data/regions/mmf_info.npy" scene_info.npy
cp "$SRCDIR/tests/data/tiny/scene.png" .
printf '%s\n' 'image 1' wait 'view regions' 'export regions.csv' >regions.vs
"$VILSCOPE" -m "$SRCDIR/tests/data/tiny" --no-log -S regions.vs scene.png >out 2>&1 </dev/null
"$VILSCOPE" inspect --json scene.npy 2>/dev/null | sed -n 's/.*"confidence": \([0-9.]*\),*/\1/p' >sure
sed 1d regions.csv | cut -d , -f 6 | cmp -s - sure && [ "$(grep -c . sure)" -eq 7 ]
ok $? "regions are listed with their confidences: $(cat out)"

end
