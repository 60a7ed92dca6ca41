#!/bin/sh
# SPDX-License-Identifier: MIT
# vilscope doctor: fine where all is there, and each thing that can be missing is found and named.
# Broken by a problem that is not seen, by one that does not count, and by a doctor that changes what
# it looks at.
set -u
. "$SRCDIR/tests/cli/lib.sh"
work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
v=$VILSCOPE
unset TMUX STY SSH_CONNECTION VILSCOPE_SHARED_FS
export VILSCOPE_LOG="$work/log.db" XDG_CACHE_HOME="$work/cache" VILSCOPE_DEMO="$frozen" TERM=xterm LC_ALL=C.UTF-8

# sick STATUS PATTERN WHAT COMMAND...
sick() {
    want=$1 pattern=$2 what=$3
    shift 3
    "$@" >"$work/said" 2>&1 </dev/null
    status=$?
    [ $status -eq "$want" ] && grep -q -- "$pattern" "$work/said"
    ok $? "$what: $(grep -m 1 -- "$pattern" "$work/said" || echo "status $status: $(grep -m 2 problem "$work/said")")"
}

sick 0 '^ok  *sandbox' "nothing is wrong" "$v" doctor
[ ! -e "$work/log.db" ] && [ ! -e "$work/cache" ]
ok $? "and nothing was made"
! grep -q '^problem' "$work/said" && grep -q '^note  *model  *it is the demo' "$work/said"
ok $? "the demo is looked at without -m"
sick 0 '^ok  *model  *tiny' "-m" "$v" doctor -m "$SRCDIR/tests/data/tiny"
grep -q '^note  *answers  *vqa: no answer can be right: there is no label list' "$work/said"
ok $? "a list that is missing"
sick 1 '^problem  *terminal  *TERM is not set' "no TERM" env -u TERM "$v" doctor
sick 1 '^problem  *terminal  *TERM is dumb' "a dumb terminal" env TERM=dumb "$v" doctor
sick 1 '^problem  *locale .*not UTF-8' "a locale of ASCII" env LC_ALL=C "$v" doctor
sick 0 '^ok  *terminal  *screen, in tmux, over SSH' "tmux and SSH" \
    env TERM=screen TMUX=x SSH_CONNECTION=y "$v" doctor
sick 1 '^problem  *log  *set\|^problem  *log ' "no home" env -u VILSCOPE_LOG -u HOME -u XDG_DATA_HOME "$v" doctor
sick 1 '^problem  *cache  *there is no folder' "no cache" env -u XDG_CACHE_HOME -u HOME "$v" doctor
sick 0 '^note  *cache  *switched off' "no cache wanted" env VILSCOPE_CACHE_MB=0 "$v" doctor
sick 1 '^problem  *model .*neither model.json nor config.json' "a folder that is none" "$v" doctor -m "$work"
sick 1 '^problem  *model  *none was named' "no demo" env VILSCOPE_DEMO="$work" "$v" doctor
sick 1 '^problem  *device ' "a device that is none" "$v" doctor --device cuda:77
echo "no database" >"$work/text"
sick 1 '^problem  *log .*text' "a log that is none" "$v" doctor --log "$work/text"
cmp -s "$work/text" - <<END
no database
END
ok $? "it is as it was"
sick 1 '^problem  *log .*cannot be made there' "a log that cannot be made" "$v" doctor --log "$work/text/log.db"
sick 0 '^note  *log .*machines may share' "a log on a shared file system" env VILSCOPE_SHARED_FS=yes "$v" doctor
"$v" query -m "$SRCDIR/tests/data/tiny" -t gqa "$SRCDIR/tests/data/tiny/scene.png" what >/dev/null 2>&1
before=$(sha256sum <"$work/log.db")
sick 0 "^ok  *log  *$work/log.db, 0 MB" "a log that is there" "$v" doctor
[ "$before" = "$(sha256sum <"$work/log.db")" ]
ok $? "it is as it was"
if [ "$(id -u)" -ne 0 ]; then
    chmod a-w "$work/log.db"
    sick 1 '^problem  *log .*cannot be written' "a log that cannot be written" "$v" doctor
    chmod u+w "$work/log.db"
else
    skip "root writes everywhere"
fi
if grep -q 'fsanitize=[a-z,]*\(address\|thread\)' "$BUILDDIR/Makefile"; then
    skip "no seccomp: a build with a sanitizer has no sandbox"
elif [ -x "$BUILDDIR/without-seccomp" ]; then
    sick 1 '^problem  *sandbox' "no seccomp" "$BUILDDIR/without-seccomp" "$v" doctor
else
    skip "without-seccomp is not built"
fi
sick 1 '"problems": 1' "as JSON" env TERM=dumb "$v" doctor --json
grep -q '"status": "problem"' "$work/said" && grep -q '"todo": "set TERM' "$work/said"
ok $? "with what to do"
refuses 2 "vilscope doctor --help explains" "an argument" "$v" doctor x
end
