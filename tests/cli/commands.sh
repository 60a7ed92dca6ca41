#!/bin/sh
# SPDX-License-Identifier: MIT
# Commands as people type them: help, misspelled names, bad options, what shells complete, -c, and a
# standard output that is full. A command or an option that is left out of one of these, a message
# without the command's name or of two lines, an old name that no longer works or says nothing, or
# an option of the table that is not parsed breaks it.
set -u
tests=$(cd "$(dirname "$0")" && pwd)
. "$tests/lib.sh"
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
export XDG_DATA_HOME="$work/data" XDG_CACHE_HOME="$work/cache" HOME="$work"
unset VILSCOPE_LOG
demo=$(cd "$frozen" && pwd)
image=$demo/images/000000.png
export VILSCOPE_DEMO="$demo"
cd "$work" || exit 1

"$VILSCOPE" help >names 2>err
names=$(awk '/^  [a-z]/ {print $1}' names)
[ "$(echo "$names" | wc -l)" -ge 16 ]
ok $? "help lists the commands: $(echo "$names" | tr '\n' ' ')"

# ---- every command
for c in $names; do
    "$VILSCOPE" "$c" --help >a 2>err && "$VILSCOPE" help "$c" >b 2>>err && "$VILSCOPE" "$c" -h >h 2>>err
    [ $? -eq 0 ] && [ ! -s err ] && cmp -s a b && cmp -s a h && head -n 1 a | grep -q "^usage: vilscope $c"
    ok $? "$c: help in three ways"
    ! grep -q '.\{101,\}' a
    ok $? "$c: no line of its help is longer than a screen"
    refuses 2 "^vilscope $c: there is no option --hlep: did you mean --help? (vilscope $c --help" \
        "$c: a misspelled option" "$VILSCOPE" "$c" --hlep
    refuses 2 "^vilscope $c: there is no option --qqqqqq (vilscope $c --help" \
        "$c: an option like no other" "$VILSCOPE" "$c" --qqqqqq
    refuses 2 "^vilscope $c: there is no option -Z (vilscope" "$c: no such letter" "$VILSCOPE" "$c" -Z
    refuses 2 "^vilscope $c: --help takes no argument" "$c: an argument too many" "$VILSCOPE" "$c" --help=1
    if [ -w /dev/full ]; then
        "$VILSCOPE" "$c" --help >/dev/full 2>err
        [ $? -eq 1 ] && [ "$(wc -l <err)" -eq 1 ] && grep -q 'output cannot be written: No space' err
        ok $? "$c: help to a full device: $(cat err)"
    fi
    "$VILSCOPE" completions list -- "$c" -- >all
    grep -oE -- '^ .{4} *--[a-z-]+' a | grep -oE -- '--.*' | while read -r o; do
        grep -q "^$o$(printf '\t')" all || echo "$o"
    done >left
    [ -s all ] && [ ! -s left ]
    ok $? "$c: all $(wc -l <all) options of its help are completed $(tr '\n' ' ' <left)"
    # Each option that takes an argument says so when it has none.
    grep -oE -- '^ .{4} *--[a-z-]+ [A-Z/=]+' a | grep -oE -- '--.*' | while read -r o value; do
        "$VILSCOPE" "$c" "$o" >/dev/null 2>err
        [ $? -eq 2 ] && grep -q "^vilscope $c: $o needs an argument: $value (" err || echo "$o"
    done >left
    [ ! -s left ]
    ok $? "$c: options that lack their argument $(tr '\n' ' ' <left)"
done
for c in tasks devices cache inspect query doctor model; do
    [ -w /dev/full ] || break
    case $c in doctor) set -- doctor -m "$SRCDIR" ;; model) set -- model check "$SRCDIR" ;; # both fail
    inspect) set -- inspect "$image" ;; query) set -- query -t vqa --no-log "$image" "how many stars?" ;;
    *) set -- $c ;; esac
    "$VILSCOPE" "$@" >/dev/full 2>err
    [ $? -eq 1 ] && [ "$(grep -c 'output cannot be written' err)" -eq 1 ]
    ok $? "$1 to a full device: $(tail -n 1 err)"
done
for what in --version --help help; do
    [ -w /dev/full ] || break
    "$VILSCOPE" $what >/dev/full 2>err
    [ $? -eq 1 ] && grep -q 'output cannot be written' err
    ok $? "$what to a full device"
done
[ -w /dev/full ] || skip "there is no /dev/full"

# ---- ranges, one message for all
for c in workbench query compare extract eval explain sessions world detect forward relevance; do
    for number in 0 1025 x 2.5 ""; do
        refuses 2 "^vilscope $c: --threads takes a .*number from 1 to 1024, not '$number'" "$c: '$number' threads" \
            "$VILSCOPE" $c --threads "$number"
    done
done
refuses 2 "there is no task 'vqaa': did you mean vqa?" "a task" "$VILSCOPE" query -t vqaa x
refuses 2 "reference or separate, not 'x'" "a choice" "$VILSCOPE" query --pair x
refuses 2 "0.05 to 3600" "a number" "$VILSCOPE" compare --watch . --settle 1e9
for c in tasks devices eval explain forward relevance world; do
    refuses 2 "^vilscope $c: unexpected argument 'x'" "$c: an argument" "$VILSCOPE" $c x
done
refuses 2 "^vilscope tokenize: unexpected argument 'x'" "tokenize: an argument" "$VILSCOPE" tokenize x
refuses 2 "unexpected argument 'b'" "help of two" "$VILSCOPE" help query b
refuses 2 "there is no verb 'serach': did you mean search?" "a verb" "$VILSCOPE" sessions serach

# ---- commands
refuses 2 "^vilscope: there is no command or image 'qurey': did you mean query?" "a command" "$VILSCOPE" qurey
refuses 2 "there is no command or image 'xyzzy' (" "no command at all" "$VILSCOPE" xyzzy
refuses 2 "no command or image 'catch': did you mean batch?" "the nearest of two" "$VILSCOPE" catch
refuses 2 "no command or image 'bathe': did you mean batch?" "of two as near the first" "$VILSCOPE" bathe
refuses 2 "no command or image 'hxxp': did you mean help?" "two of four letters" "$VILSCOPE" hxxp
refuses 2 "no command or image 'hxp'" "not of three" "$VILSCOPE" hxp
! "$VILSCOPE" hxp 2>&1 | grep -q "did you mean"
ok $? "nothing is near it"
refuses 2 "there is no command 'comparr': did you mean compare?" "help of it" "$VILSCOPE" help comparr
refuses 2 "there is no option --verison: did you mean --version?" "--verison" "$VILSCOPE" --verison
"$VILSCOPE" --version >a && "$VILSCOPE" -V >b && "$VILSCOPE" query --version >c && cmp -s a b && cmp -s a c &&
    grep -q '^vilscope [0-9]' a && grep -q '^commit: [0-9a-f]\{12\}\|^commit: unknown' a &&
    grep -q '^libraries: ncursesw .*sqlite3.*jansson' a && grep -q '^features: JPEG by ' a &&
    grep -q '^devices: .*ref' a
ok $? "the version: $(tr '\n' ';' <a)"

# ---- the ways to write an option
tasks() { "$VILSCOPE" tokenize "$@" </dev/null >/dev/null 2>err; }
tasks --vocab "$demo/vocab.txt" && tasks --vocab="$demo/vocab.txt" && tasks --voc "$demo/vocab.txt" &&
    tasks -tvqa --vocab "$demo/vocab.txt" && tasks -t vqa --vocab "$demo/vocab.txt"
ok $? "joined, apart, short: $(cat err)"
refuses 2 "^vilscope compare: there is no option --zz" "short for none" "$VILSCOPE" compare --zz 3
refuses 2 "--de is short for --detector and --detector-arch" "short for two" "$VILSCOPE" query --de x
"$VILSCOPE" query --no-log -t vqa -- "$image" "--how many stars?" >out 2>err
ok $? "what follows -- is no option: $(head -n 1 err)"
"$VILSCOPE" query "$image" --no-log "how many stars?" -t vqa >a 2>err && [ -s a ]
ok $? "options behind arguments"

# ---- one value, given twice
twice() { # twice PATTERN COMMAND...
    pattern=$1
    shift
    "$VILSCOPE" "$@" >out 2>err
    [ $? -eq 2 ] && [ "$(wc -l <err)" -eq 1 ] && grep -q -- "$pattern" err
    ok $? "given twice: $(cat err)"
}
twice "query: --task is given twice, as 'vqa' and as 'gqa': give it once" query -t vqa --no-log "$image" "how many?" -t gqa
twice "query: --top is given twice, as '3' and as '4'" query -t vqa --top 3 --top=4 --no-log "$image" "how many?"
twice "eval: --reference is given twice, as 'a' and as 'b'" eval --reference a --reference b
twice "convert: --type is given twice, as 'int8' and as 'float16'" convert --type int8 --typ float16 -o out final
twice "compare: --check-set is given twice" compare --check-set a --check-set b
twice "sessions: --session is given twice, as '1' and as '2'" sessions list --session 1 --session 2
twice "batch: -n\|--shards is given twice" batch -n 2 -n 3 -- eval --data x
"$VILSCOPE" query -t vqa --no-log "$image" "how many stars?" -t vqa >b 2>err && cmp -s a b
ok $? "the same value twice: $(head -n 1 err)"
"$VILSCOPE" query --no-log -t vqa -c early -c final "$image" "how many stars?" >out 2>err && grep -q final out && grep -q early out
ok $? "an option for several values takes several: $(head -n 1 err)"

# ---- names of before
old() { # old NOTE COMMAND...: works, and says so once
    note=$1
    shift
    "$VILSCOPE" "$@" >out 2>err
    [ $? -eq 0 ] && [ "$(grep -c 'is called' err)" -eq 1 ] && grep -q -- "note: $note now" err
    ok $? "$note"
}
printf 'task: vqa\nimage: %s\ntext: how many stars?\n' "$image" >my.checks
old "--probes is called --check-set" compare --no-log -c early --probes my.checks
"$VILSCOPE" compare --no-log -c early --check-set my.checks >new 2>err && cmp -s new out && ! grep -q called err
ok $? "the same as --check-set"
old "--swap is called --patch" compare --no-log -c early -c final --swap blocks -t vqa "$image" "how many stars?"
old "--knock-out is called --leave-one-out" query --no-log -t vqa --knock-out tokens "$image" "how many stars?"
old "--change silence is called --change ablate" query --no-log -t vqa --change "silence text 1 zero" \
    --change "silence image 1" "$image" "how many stars?"
cp out silenced
"$VILSCOPE" query --no-log -t vqa --change "ablate text 1 zero" --change "ablate image 1" "$image" \
    "how many stars?" >out 2>err && cmp -s out silenced && ! grep -q called err
ok $? "ablate is the same"
"$VILSCOPE" query --no-log -t vqa --leave-one-out heads "$image" "how many stars?" >out 2>err
grep -q '1\. ablate [a-z-]* [0-9]*\.[0-9]* zero' out
ok $? "what is left out is called so: $(grep ' 1\. ablate' out)"

# ---- -c: a checkpoint's name or a file, in every command
mkdir other
cp "$demo/$(sed -n 's/.*"name": "early", *"file": "\([^"]*\)".*/\1/p' "$demo/model.json")" \
    other/mine.bin
mine=other/mine.bin
q() { "$VILSCOPE" query --no-log -t vqa "$@" "$image" "how many stars?" 2>err; }
q -m "$demo" -c early --json >a && grep -q '"checkpoint": "early"\|"name": "early"' a
ok $? "query: a name"
q -m "$demo" -c early >a && q -c early >b && [ -s a ] && cmp -s a b
ok $? "query: a name of the demo"
q -m "$demo" -c early | grep -v '^early' >a
q -m "$demo" -c "$mine" | grep -v '^mine' >b
[ -s a ] && cmp -s a b
ok $? "query: a file"
q -m "$demo" -c early -c "$mine" >out && grep -q '^early$' out && grep -q '^mine.bin$' out
ok $? "query: both"
refuses 2 "fianl: neither a checkpoint of .* nor a file: did you mean final?" "query: neither" \
    "$VILSCOPE" query --no-log -m "$demo" -c fianl -t vqa "$image" "how many stars?"
cp "$mine" early
q -m "$demo" -c early >b && [ "$(grep -c "note: early is taken as a checkpoint of $demo; the file" err)" -eq 1 ]
ok $? "query: a name and a file: $(grep note: err)"
q -m "$demo" -c ./early >b && ! grep -q note: err
ok $? "query: the file"
rm early
head -n 1 "$demo/queries.jsonl" | sed "s|images/|$demo/images/|g" >set.jsonl
e() { "$VILSCOPE" eval --no-log -m "$demo" --data "$1" "$2" "$3" "$4" "$5" 2>err; }
e set.jsonl -c early -c "$mine" >out && head -n 1 out | grep -q ' early .* mine.bin$'
ok $? "eval: a name and a file: $(cat err)"
"$VILSCOPE" compare --no-log -m "$demo" -c early -c "$mine" --weights >out 2>err &&
    grep -q '^early -> mine.bin: all weights moved by 0 ' out
ok $? "compare: a name and a file: $(head -n 1 out)"
"$VILSCOPE" query --log log.db -t vqa -c early "$image" "how many stars?" >/dev/null 2>&1
"$VILSCOPE" sessions --log log.db --no-log replay 1 -c early -c "$mine" >out 2>err
[ "$(grep -c '(early)$' out)" -eq 1 ] && [ "$(grep -c '(mine.bin)$' out)" -eq 1 ] && grep -q '^2 asked: 0 changed' out
ok $? "sessions replay: a name and a file: $(tail -n 1 out)"
"$VILSCOPE" forward -m "$demo" -c early --inputs none --output x 2>err
grep -q '^vilscope forward: none' err
ok $? "forward: a name: $(cat err)"

# ---- completion
list() { "$VILSCOPE" completions list -- "$@" | cut -f1 | tr '\n' ' '; }
is() { # is WANTED WORD...
    want=$1
    shift
    got=$(list "$@")
    [ "$got" = "$want " ]
    ok $? "completion of '$*': $got"
}
is "query :files" que
is "--checkpoint --check-set" compare --check
is "early middle final :files" query -c ""
is "early :files" query --checkpoint ea
is "vqa" query -t vq
is "blocks layers heads" compare --patch ""
is "blocks" compare --patch = bl
is "clear" cache c
is ":folders" compare --watch ""
is ":files" detect -d ""
is "compare completions" help comp
is "auto" query --device au
is "--json" tasks --j
for shell in bash zsh fish; do
    "$VILSCOPE" completions $shell >"script.$shell" && grep -q 'completions list --' "script.$shell"
    ok $? "completions $shell"
done
refuses 2 "bash, zsh or fish" "no shell" "$VILSCOPE" completions
if command -v bash >/dev/null; then
    cat >try.bash <<'END'
. "$1"
shift
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_vilscope "$1"
printf '%s\n' "${COMPREPLY[@]}"
END
    : >"a file.npy"
    mkdir -p folder
    try() { bash try.bash ./script.bash "$VILSCOPE" "$@" 2>&1 | sort | tr '\n' ' '; }
    got=$(try compare --ch)
    [ "$got" = "--check-set --checkpoint " ]
    ok $? "bash: options: $got"
    got=$(try query -c fi)
    [ "$got" = "final " ]
    ok $? "bash: checkpoints: $got"
    got=$(try query --regions "a f")
    [ "$got" = "a file.npy " ]
    ok $? "bash: files: $got"
    got=$(try compare --watch fo)
    [ "$got" = "folder " ]
    ok $? "bash: folders: $got"
    got=$(try compare --patch = la)
    [ "$got" = "layers " ]
    ok $? "bash: behind '=': $got"
    got=$(try sess)
    [ "$got" = "sessions " ]
    ok $? "bash: commands: $got"
else
    skip "bash is not installed"
fi
for shell in zsh fish; do
    if command -v $shell >/dev/null; then
        $shell -n "script.$shell"
        ok $? "$shell reads its script"
    else
        skip "$shell is not installed"
    fi
done
end
