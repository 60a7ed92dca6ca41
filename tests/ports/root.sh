# SPDX-License-Identifier: MIT
# A Debian root in a temporary folder, for the scripts beside this file: sourced by them, $script is their name.

skip() {
    echo "$script: skipped: $*"
    exit 77
}

# Where apt gets the running system: "deb [options] URI suite ..." or "URIs:".
apt_mirror() {
    cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null |
        sed -n 's/^deb  *\(\[[^]]*\] *\)\{0,1\}\([a-z]*:[^ ]*\)  *'"$1"' .*/\2/p'
    awk -v suite="$1" '/^URIs:/ {uri = $2} /^Suites:/ && $0 ~ "[: ]" suite "( |$)" {print uri}' \
        /etc/apt/sources.list.d/*.sources 2>/dev/null
}

# root_check: whether there can be one; $running is this system's release, $mirror where it comes from.
root_check() {
    [ "$(id -u)" -eq 0 ] || skip "only root can make a root"
    command -v debootstrap >/dev/null || skip "debootstrap is not installed"
    command -v dpkg >/dev/null || skip "not Debian"
    command -v unshare >/dev/null || skip "there is no unshare"
    running=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
    [ "$(. /etc/os-release && echo "${ID:-}")" = debian ] || [ -n "$mirror" ] ||
        skip "not Debian: name a mirror of it (--mirror)"
    mirror=${mirror:-$(apt_mirror "$running" | head -n 1)}
    [ -n "$mirror" ] || skip "apt's configuration has no mirror for $running"
}

# root_make SUITE FOLDER: minimal, with this system's ways to the network.
root_make() {
    include=
    case $mirror in https:*) include=--include=ca-certificates ;; esac
    echo "$script: a root of $1"
    mkdir -p "$2/etc/dpkg/dpkg.cfg.d"
    echo force-unsafe-io >"$2/etc/dpkg/dpkg.cfg.d/thrown-away" # nothing of it has to reach the disk
    # shellcheck disable=SC2086
    debootstrap --variant=minbase $include "$1" "$2" "$mirror" >"$2.log" 2>&1 || {
        tail -n 5 "$2.log"
        rm -f "$2.log"
        skip "debootstrap failed"
    }
    rm -f "$2.log"
    cp /etc/resolv.conf "$2/etc/" 2>/dev/null
    apt-config dump 2>/dev/null | grep -E '^Acquire::(http|https)::' >"$2/etc/apt/apt.conf.d/90host"
}

# root_source ROOT: the source that is here, without what was built, and the golden data.
root_source() {
    mkdir "$1/src" "$1/shared"
    tar -c --exclude='./build*' --exclude=./.git --exclude=./autom4te.cache . | tar -x -C "$1/src"
    for part in golden data; do
        [ ! -d "${VILSCOPE_SHARED:-../shared}/$part" ] || cp -r "${VILSCOPE_SHARED:-../shared}/$part" "$1/shared/"
    done
    chmod -R u+w "$1/shared" # copies that tests make of it are removed by ordinary users
}

# root_mount: what programs want, inside of a mount namespace.
root_mount() {
    mount -t proc proc "$root/proc" && mount -t devpts -o newinstance,ptmxmode=0666 devpts \
        "$root/dev/pts" && ln -sf pts/ptmx "$root/dev/ptmx"
}

# in_root COMMAND: in the source's folder, with the golden data.
in_root() {
    chroot "$root" env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 \
        DEBIAN_FRONTEND=noninteractive http_proxy="${http_proxy:-}" https_proxy="${https_proxy:-}" \
        VILSCOPE_SHARED=/shared TEST_LEAVE="${TEST_LEAVE:-}" sh -c "cd /src && $1"
}

# root_install PACKAGE...
root_install() {
    in_root "apt-get install -y -q --no-install-recommends $*" >"$root/install.log" 2>&1 && return
    tail -n 20 "$root/install.log"
    return 1
}
