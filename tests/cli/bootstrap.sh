#!/bin/sh
# SPDX-License-Identifier: MIT
# ./bootstrap configures where nothing is configured yet, or for another place, and installs there. Its tools are
# stand-ins here; the real ones are tried in Debian roots (tests/ports/packages). Broken by a build for another
# place that is installed where the first one was meant to go.
set -u
. "$SRCDIR/tests/cli/lib.sh"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/bin" "$work/source" "$work/one" "$work/two"
cd "$work/source" || exit 1
cp "$SRCDIR/bootstrap" .
touch configure.ac Makefile.am Makefile.in
# tool NAME: a program of that name, from standard input.
tool() {
    { echo '#!/bin/sh'; cat; } >"$1"
    chmod +x "$1"
}
tool configure <<'EOF'
echo "configure $*" >>../../done
place=/usr/local
for option; do
    case $option in --prefix=*) place=${option#--prefix=} ;; esac
done
echo "prefix = $place" >Makefile
touch config.status
EOF
tool ../bin/make <<'EOF'
case " $* " in
*" install "*) echo "install below $(sed -n 's/^prefix = //p' build/Makefile)" >>../done ;;
esac
EOF
for name in autoreconf pkg-config; do
    tool ../bin/$name </dev/null
done
echo "echo 'install ok installed'" | tool ../bin/dpkg-query
echo "exit 1" | tool ../bin/apt-get
PATH=$work/bin:$PATH
unset CONFIGURE_FLAGS # of whoever runs this
# does WHAT DONE ARGUMENT...: bootstrap with these arguments, and what it did, in one line.
does() {
    what=$1 want=$2
    shift 2
    : >../done
    ./bootstrap "$@" >../out 2>&1
    status=$?
    did=$(tr '\n' ',' <../done)
    [ $status -eq 0 ] && [ "$did" = "$want" ]
    ok $? "$what: $did $([ $status -eq 0 ] || tail -n 1 ../out)"
}
does "a fresh one is configured" "configure ,"  build
does "a second run configures nothing" "" build
does "for another place it is configured anew" "configure --prefix=$work/one,install below $work/one," \
    --prefix="$work/one" build
grep -q "is $work/one/bin/vilscope" ../out && grep -q "export PATH=\"$work/one/bin:" ../out
ok $? "and says where the program is, and how its name finds it"
does "and once" "install below $work/one," --prefix="$work/one" build
does "for a third place, too" "configure --prefix=$work/two,install below $work/two," --prefix="$work/two" build
does "a slash behind it changes nothing" "install below $work/two," --prefix="$work/two/" build
does "a run without a place leaves it where it is" "" build
refuses 1 "takes a full path" "a place that is no full path" ./bootstrap --prefix=here build
end
