#!/bin/sh
# SPDX-License-Identifier: MIT
# What the workbench says to its commands, with a query and without one, against tests/cli/golden/: a script
# of one command, its exit status, its error, and what stands in the line of messages. Broken by a
# command that fails without a word, or says of a failure that it is none; VILSCOPE_GOLDEN=write writes
# the files anew.
set -u
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export VILSCOPE_LOG="$work/log.db" XDG_CACHE_HOME="$work/cache" XDG_CONFIG_HOME="$work/config" \
    VILSCOPE_DEMO="$SRCDIR/tests/data/frozen" TERM=xterm-256color LC_ALL=C.UTF-8
. "$SRCDIR/tests/cli/golden-lib.sh"
cd "$work" || exit 1
printf 'task: vqa\nimage: %s/images/000000.png\ntext: how many stars?\n' "$VILSCOPE_DEMO" >one.checks
printf 'task: chess\n' >bad.checks
echo 'bind' >bad.vs
mkdir empty

# said COMMAND...: what one command comes to behind $begin.
said() {
    for command; do
        printf '%s\n' "$begin" "$command" wait 'save-display said' >one.vs
        rm -f said
        "$VILSCOPE" --no-log -S one.vs --screen 30x200 >out 2>err </dev/null
        echo "$command: $? $(cat err)$([ ! -f said ] || tail -n 1 said | sed 's/   .*//')"
    done
}
# Commands that need something, and what they cannot take.
all() {
    said ablate 'ablate text 9.9' 'ablate x' ablate-by 'ablate-by x' ablate-layer activation-of 'activation-of x' \
        'activation-site x' again against 'against x' 'ask' 'attribute x' attribution 'attribute rollout' \
        between 'between final none' 'between early final' 'bind' 'bind a' 'bind + help' box 'check-set' \
        'check-set none' 'check-set bad.checks' 'check-set one.checks' 'checkpoint x' 'checkpoint early' \
        'colors x' 'colors viridis' columns copy curves 'drop' 'drop x' drop-box 'export' 'export x.svg' \
        'export no/where.csv' 'export x.xyz' 'find x' find-next first-of-two 'flips x' 'head' 'head 99' 'head 2x' 'head 1' \
        'help x' 'hide x' hide 'history x' 'image' 'image 99' 'image 0' 'image 2' join 'keep' 'keep x' 'layer' \
        'layer 99' 'layer 2x' 'layer 0' 'layer 1' 'leave-one-out x' 'leave-one-out tokens' lens-of 'lens-of x' 'map x' \
        'map text-to-image' 'mask' 'mask 99' 'mask 0' 'matrix-of x' 'more-boxes x' 'more-boxes 3' 'note x' note \
        'open none.png' 'open' 'pan x' 'pan left' 'patch x' 'pin' 'pin star' 'plane-of x' 'press x1' 'press F13' \
        'project none' 'project x y z' 'project-color' 'rank' 'rank 99' 'rank 2x' 'rank 2' 'region' 'region 99' 'region x' \
        'region 2x' 'region 2' 'replace' 'replace x y' 'restore' 'restore 9' 'save-images no/where' 'save-display no/where' \
        'set' 'set x 1' 'set boxes' 'set boxes x' 'set boxes 0' 'set boxes 101' 'set boxes 9' \
        'set figure-width 5' 'set figure-width x' 'set figure-width 90' 'set figure-dpi 9' 'set mouse x' \
        'set mouse off' 'set graphics x' 'set special x' 'set color x' 'set theme x' 'sleep x' 'sort' 'source' \
        'source none' 'source bad.vs' 'split x' 'split matrix' statistic 'statistic x' 'statistic peak' \
        'suggest x' 'suggest gqa' 'tag' 'tag a b' 'tag x' 'task x' 'task gqa' 'task-number 1' 'token' 'token 99' \
        'token zyzzy' 'token 1' 'view x' 'view' 'view heads' 'watch' 'watch none' 'watch empty' what-if zoom \
        zoom-in zoom-out 'nothing' ''
}
begin='image 1
wait
ask how many stars?
wait'
is script-asked all
begin='image 1
wait'
few() {
    said ablate again attribution 'attribute rollout' copy curves 'export no/where.csv' 'head 1' 'layer 1' \
        'leave-one-out tokens' mask pin 'region 2' 'replace x' 'restore 9' 'token 1'
}
is script-images few
end
