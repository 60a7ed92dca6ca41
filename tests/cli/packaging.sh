#!/bin/sh
# SPDX-License-Identifier: MIT
# The recipes of packages say the version that the program has and name the files that it installs, and
# the relocatable tarball runs where it is unpacked. Broken by a file that is installed and in no recipe,
# a version that was left behind, and a tarball that looks for its files where they were built.
set -u
. "$SRCDIR/tests/cli/lib.sh"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset VILSCOPE_DEMO
export HOME="$work" XDG_CACHE_HOME="$work/cache" VILSCOPE_LOG="$work/log.db"
cd "$SRCDIR" || exit 1
version=$("$VILSCOPE" --version | sed -n '1s/^vilscope \([0-9.]*\).*/\1/p')
[ -n "$version" ]
ok $? "the version is $version"
# says FILE PATTERN: the file has the version there.
says() {
    grep -q "$2" "$1"
    ok $? "$1 is of version $version"
}
dots=$(echo "$version" | sed 's/\./\\./g')
says debian/changelog "^vilscope ($dots-[0-9]*) "
says packaging/rpm/vilscope.spec "^Version: *$dots\$"
says packaging/arch/PKGBUILD "^pkgver=$dots\$"
says packaging/homebrew/vilscope.rb "/v$dots/vilscope-$dots.tar.gz"
says packaging/nix/default.nix "version = \"$dots\""
says packaging/conda/meta.yaml "set version = \"$dots\""
if command -v bash >/dev/null; then
    bash -n packaging/arch/PKGBUILD
    ok $? "packaging/arch/PKGBUILD is a script"
else
    skip "PKGBUILD: there is no bash"
fi
if command -v desktop-file-validate >/dev/null; then
    desktop-file-validate packaging/desktop/vilscope.desktop
    ok $? "the menu's entry is valid"
else
    skip "desktop-file-validate is not installed"
fi

# ---- the libraries: what configure.ac looks for, and what each recipe calls it
cat >"$work/libraries" <<'END'
ncursesw libncurses-dev ncurses-devel ncurses ncurses ncurses ncurses
libsixel libsixel-dev libsixel-devel libsixel libsixel libsixel libsixel
sqlite3 libsqlite3-dev sqlite-devel sqlite sqlite sqlite sqlite
zlib zlib1g-dev zlib-devel zlib zlib zlib zlib
jansson libjansson-dev jansson-devel jansson jansson jansson jansson
lmdb liblmdb-dev lmdb-devel lmdb lmdb lmdb lmdb
libutf8proc libutf8proc-dev utf8proc-devel libutf8proc utf8proc utf8proc libutf8proc
stb libstb-dev stb_image-devel stb stb stb stb
libjpeg libjpeg-dev libjpeg-turbo-devel libjpeg-turbo jpeg-turbo libjpeg libjpeg-turbo
libwebp libwebp-dev libwebp-devel libwebp webp libwebp libwebp-base
yaml-0.1 libyaml-dev libyaml-devel libyaml libyaml libyaml yaml
hdf5 libhdf5-dev hdf5-devel hdf5 hdf5 hdf5 hdf5
pangocairo libpango1.0-dev pango-devel pango pango pango pango
END
sed -n 's/^VS_NEED(\[[A-Z0-9]*\], \[\([^] ]*\).*/\1/p; s/^VS_OPTIONAL(\[[a-z0-9]*\], \[[A-Z0-9]*\], \[\([^] ]*\).*/\1/p
    s/^PKG_CHECK_MODULES(\[STB\], \[\([a-z]*\)\].*/\1/p' configure.ac | sort >"$work/wanted"
cut -d' ' -f1 "$work/libraries" | sort | cmp -s - "$work/wanted" && [ "$(wc -l <"$work/wanted")" -ge 13 ]
ok $? "the table above has what configure.ac looks for: $(tr '\n' ' ' <"$work/wanted")"
column=2
for f in debian/control packaging/rpm/vilscope.spec packaging/arch/PKGBUILD packaging/homebrew/vilscope.rb \
    packaging/nix/default.nix packaging/conda/meta.yaml; do
    lost=$(cut -d' ' -f$column "$work/libraries" | while read -r name; do
        grep -qE "(^|[^a-z0-9-])$name([^a-z0-9.-]|\$)" $f || echo "$name"
    done)
    [ -z "$lost" ]
    ok $? "$f names them all $lost"
    column=$((column + 1))
done
lost=$(cut -d' ' -f2 "$work/libraries" | while read -r name; do sh bootstrap packages | tr ' ' '\n' | grep -qx "$name" || echo "$name"; done)
[ -z "$lost" ]
ok $? "and bootstrap $lost"
# INSTALL.md's rows, of Debian, Fedora, Arch and Homebrew.
column=2
for system in Debian Fedora Arch macOS; do
    row=$(sed -n "/^| $system/p" INSTALL.md)
    lost=$(cut -d' ' -f$column "$work/libraries" | while read -r name; do
        echo "$row" | grep -qE "(^|[^a-z0-9-])$name([^a-z0-9.-]|\$)" || echo "$name"
    done)
    [ -n "$row" ] && [ -z "$lost" ]
    ok $? "and INSTALL.md's row of $system $lost"
    column=$((column + 1))
done

# ---- what is installed
make -C "$BUILDDIR" -s install prefix=/usr libdir=/usr/lib DESTDIR="$work/root" >"$work/out" 2>&1
ok $? "make install $(tail -n 1 "$work/out")"
# The recipes configure without CUDA, this build perhaps with it: what that adds is none of theirs.
for f in debian/rules packaging/rpm/vilscope.spec packaging/arch/PKGBUILD packaging/homebrew/vilscope.rb \
    packaging/nix/default.nix packaging/conda/meta.yaml; do
    grep -q -e --with-cuda=no "$f"
    ok $? "$f configures without CUDA"
done
(cd "$work/root" && find usr -type f ! -name vilscope-cuda.so) | sort >"$work/installed"
for f in usr/share/applications/vilscope.desktop usr/share/icons/hicolor/scalable/apps/vilscope.svg \
    usr/share/bash-completion/completions/vilscope usr/share/fish/vendor_completions.d/vilscope.fish \
    usr/share/zsh/site-functions/_vilscope usr/share/vilscope/tour.vs usr/share/man/man7/vilscope-model.7 \
    usr/share/doc/vilscope/examples/demo.checks; do
    grep -qx "$f" "$work/installed"
    ok $? "$f is installed"
done
shown=$work/root/$(dirname "$(grep '/examples/demo.checks$' "$work/installed")")
lost=$(sed -n 's/^image: //p' "$shown/demo.checks" | while read -r f; do [ -e "$shown/$f" ] || echo "$f"; done)
[ -z "$lost" ] && grep -q '^image: ' "$shown/demo.checks"
ok $? "the check set among the examples finds the demo's images $lost"
# in_recipe FILE: what is installed and matches none of the patterns in $work/patterns.
in_recipe() {
    left=$(grep -vE -f "$work/patterns" "$work/installed")
    [ -z "$left" ]
    ok $? "$1 names all that is installed $left"
}
sed 's/ .*//; s/[.]/\\./g; s|/\*/|/|; s/^/^/' debian/*.install >"$work/patterns"
in_recipe debian/*.install
sed -n '/^%files/,$p' packaging/rpm/vilscope.spec | sed -n 's/^%{_/%{_/p' |
    sed 's|%{_docdir}|usr/share/doc|; s|%{_bindir}|usr/bin|; s|%{_datadir}|usr/share|; s|%{_libdir}|usr/lib|; s|%{_mandir}|usr/share/man|
        s|%{name}|vilscope|; s/\./\\./g; s/\*/.*/g; s/^/^/' >"$work/patterns"
in_recipe packaging/rpm/vilscope.spec

# ---- the tarball
if ! command -v ldd >/dev/null || [ "$(uname -s)" != Linux ]; then
    skip "the relocatable tarball: not Linux with ldd"
    end
fi
packaging/bindist "$BUILDDIR" "$work/vilscope.tar.gz" >"$work/out" 2>&1
ok $? "packaging/bindist: $(tail -n 1 "$work/out" | sed "s|$work/||")"
mkdir "$work/a folder"
tar -C "$work/a folder" -xzf "$work/vilscope.tar.gz" && mv "$work/a folder"/vilscope-* "$work/a folder/moved"
moved="$work/a folder/moved"
ln -s "$moved/bin/vilscope" "$work/link"
# From an empty environment: nothing of the place where it was built is there to help.
run() {
    (cd / && env -i HOME="$work" TERM=xterm LC_ALL=C.UTF-8 VILSCOPE_LOG="$work/log.db" "$@")
}
run "$work/link" doctor >"$work/out" 2>&1
[ $? -eq 0 ] && grep -q "^note  *model .*$moved" "$work/out"
ok $? "it finds its own demo, by a link: $(grep -m 1 '^note *model' "$work/out" | sed "s|$work/||")"
run "$moved/bin/vilscope" query -t vqa "$SRCDIR/tests/data/frozen/images/000001.png" "what is it?" >"$work/out" 2>&1
ok $? "and answers: $(grep -m 1 '1\.' "$work/out")"
strange=$(run env LD_LIBRARY_PATH="$moved/lib/vilscope" ldd "$moved/libexec/vilscope" | sed -n 's/^[[:space:]]*\(.* => .*\)/\1/p' |
    grep -vF " $moved/lib/vilscope/" | grep -vE '^(libc|libm|libpthread|libdl|librt)\.so')
[ -z "$strange" ]
ok $? "all its libraries but the C library's are in it $strange"
[ "$(stat -c %s "$work/vilscope.tar.gz")" -lt 40000000 ]
ok $? "it has $(($(stat -c %s "$work/vilscope.tar.gz") / 1000000)) MB"
end
