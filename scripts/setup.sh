#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# setup.sh - make a Debian machine able to build Otter; does nothing when it already can.
#
# usage: scripts/setup.sh [group...]     groups: build cm4 boards web gdb clang fuzz proofs promela interop load delta
#
# Installs Debian packages (as root or through sudo) and fetches the pinned sources of
# mbedTLS, libsodium and lwIP through apt's source packages: the mirror is the one that this machine
# is configured for, and apt checks the signatures. Sources are kept outside the source tree,
# in ${OTTER_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/otter}. Afterwards no network is needed.
# OTTER_FETCH names the sources to fetch (default: all); who has a source tree of his own sets
# OTTER_MBEDTLS_DIR, OTTER_SODIUM_DIR or OTTER_LWIP_DIR for make, which then leaves it out.
set -eu

suite=trixie
cache=${OTTER_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/otter}
groups=${*:-build}

say() { printf 'otter setup: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }

packages_of() {
    case $1 in
    build) echo "gcc make cmake ninja-build pkg-config dpkg-dev libc6-dev ca-certificates
                 libcmocka-dev libcurl4-openssl-dev libdivsufsort-dev libevent-dev libjansson-dev libpopt-dev libpq-dev libsodium-dev
                 libsqlite3-dev libssl-dev python3 openssl curl" ;;
    cm4) echo "gcc-arm-none-eabi picolibc-arm-none-eabi" ;;
    boards) echo "gcc-arm-none-eabi picolibc-arm-none-eabi qemu-system-arm" ;;
    web) echo "nginx" ;;
    gdb) echo "gdb-multiarch" ;;
    clang) echo "clang" ;;
    fuzz) echo "clang libclang-rt-14-dev" ;;
    proofs) echo "gcc" ;; # and CBMC: fetch_cbmc
    promela) echo "gcc libc6-dev python3 spin" ;;
    interop) # npm for local-web-server: Debian's, unless the machine has one of its own
        echo "nginx apache2 chromium postgresql python3-venv iproute2 $(command -v npm >/dev/null || echo nodejs npm)" ;;
    load) echo "nginx wrk testssl.sh" ;;
    delta) echo "bsdiff xdelta3 zstd xz-utils" ;;
    *) fail "unknown group '$1' (known: build cm4 boards web gdb clang fuzz proofs promela interop load delta)" ;;
    esac
}

why() {
    case $1 in
    build) echo "compiler, CMake, and the libraries of the host tool and its tests" ;;
    cm4) echo "Cortex-M compiler, for the size table" ;;
    boards) echo "Cortex-M compiler, C library and emulator, for the emulated boards" ;;
    web) echo "a real web server to update the emulated boards from" ;;
    gdb) echo "the debugger, for make gdb and its test" ;;
    clang) echo "the second compiler that the code must build with" ;;
    fuzz) echo "libFuzzer and the sanitizers of clang" ;;
    proofs) echo "the compiler whose preprocessor CBMC uses" ;;
    promela) echo "the model checker of make promela" ;;
    interop) echo "real web servers, a browser, a database server, npm and Python environments to test against" ;;
    load) echo "what puts a server under load, and what looks for weak TLS" ;;
    delta) echo "other tools that make patches, to measure beside" ;;
    esac
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"
    elif command -v sudo >/dev/null; then sudo "$@"
    else fail "root or sudo is needed to install: $missing"
    fi
}

installed() { dpkg-query -W -f='${Status}\n' "$1" 2>/dev/null | grep -q '^install ok installed$'; }

install_group() {
    missing=
    for package in $(packages_of "$1"); do
        installed "$package" || missing="$missing $package"
    done
    [ -n "$missing" ] || return 0
    command -v apt-get >/dev/null || fail "this set-up knows Debian only; install by hand:$missing"
    say "installing Debian packages ($(why "$1")):$missing"
    if [ -z "${apt_updated:-}" ]; then
        as_root apt-get update -qq || fail "apt-get update failed: check the network and /etc/apt"
        apt_updated=1
    fi
    keep_services_off
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
        --no-install-recommends $missing >"$cache/apt.log" 2>&1 ||
        { services_are_off; tail -n 5 "$cache/apt.log" >&2; fail "apt-get install failed; whole log: $cache/apt.log"; }
    services_are_off
}

# Web servers that Debian would start at once, and at every boot, stay off: the tests start their
# own on free ports. policy-rc.d is Debian's way to say so; one that is there already is kept.
keep_services_off() {
    [ ! -e /usr/sbin/policy-rc.d ] || return 0
    printf '#!/bin/sh\nexit 101\n' >"$cache/policy-rc.d"
    as_root install -m 755 "$cache/policy-rc.d" /usr/sbin/policy-rc.d
    policy_is_ours=1
}
services_are_off() {
    [ -z "${policy_is_ours:-}" ] || as_root rm -f /usr/sbin/policy-rc.d
    policy_is_ours=
    for service in nginx apache2 postgresql; do
        case " $missing " in
        *" $service "*) as_root update-rc.d "$service" disable >/dev/null 2>&1 || true ;;
        esac
    done
}

# One deb822 entry with this machine's own mirror and the archive key of Debian.
# write_source_entry file [type]     type: deb-src, or deb
write_source_entry() {
    uri=$(cat /etc/apt/sources.list.d/*.sources /dev/null 2>/dev/null |
        awk '/^URIs:/ { print $2; exit }')
    [ -n "$uri" ] || uri=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null |
        awk '$1 == "deb" { for (i = 2; i <= NF; i++) if ($i ~ /^[a-z+]+:\//) { print $i; exit } }')
    [ -n "$uri" ] || fail "no Debian mirror found in /etc/apt: add one, then run this again"
    printf 'Types: %s\nURIs: %s\nSuites: %s\nComponents: main\nSigned-By: %s\n' \
        "${2:-deb-src}" "$uri" "$suite" /usr/share/keyrings/debian-archive-keyring.gpg >"$1"
}

# The folder $work with an apt of its own, which knows Debian $suite only.
private_apt() {
    work=$(mktemp -d "$cache/fetch.XXXXXX")
    trap 'rm -rf "$work"' EXIT INT TERM
    mkdir -p "$work/parts" "$work/lists/partial" "$work/archives/archives/partial" "$work/src"
    chmod -R a+rX "$work"
    write_source_entry "$work/parts/otter.sources" "$1"
    printf 'Dir::Etc::SourceList "/dev/null";\nDir::Etc::SourceParts "%s/parts";\nDir::State::Lists "%s/lists";\nDir::Cache "%s/archives";\nDir::State::status "/dev/null";\nAPT::Sandbox::User "";\n' \
        "$work" "$work" "$work" >"$work/apt.conf"
    APT_CONFIG=$work/apt.conf apt-get -qq update ||
        fail "Debian $suite could not be read from this machine's mirror"
}

# CBMC of Debian $suite with the libraries that it was built with, in $cache/cbmc: it is started
# through its own loader, so that nothing of this machine changes.
fetch_cbmc() {
    if command -v cbmc >/dev/null || [ -e "$cache/cbmc/.complete" ]; then
        return 0
    fi
    [ "$(dpkg --print-architecture)" = amd64 ] || fail "CBMC is fetched for amd64 only; install it by hand"
    say "fetching CBMC from Debian $suite (signature checked by apt) into $cache/cbmc"
    private_apt deb
    (cd "$work/src" && APT_CONFIG=$work/apt.conf apt-get -qq download cbmc libc6 libgcc-s1 libstdc++6 minisat zlib1g >"$work/log" 2>&1) ||
        { tail -n 5 "$work/log" >&2; fail "CBMC could not be fetched"; }
    for package in "$work"/src/*.deb; do
        dpkg-deb -x "$package" "$work/cbmc"
    done
    touch "$work/cbmc/.complete"
    rm -rf "$cache/cbmc"
    mv "$work/cbmc" "$cache/cbmc"
    rm -rf "$work"
    trap - EXIT INT TERM
}

# fetch_source package: unpack it as $cache/src/package (a link to the version).
fetch_source() {
    [ -e "$cache/src/$1/.complete" ] && return 0
    say "fetching the source of $1 from Debian $suite (signature checked by apt) into $cache/src"
    private_apt deb-src
    (cd "$work/src" && APT_CONFIG=$work/apt.conf apt-get -qq source "$1" >"$work/log" 2>&1) ||
        { tail -n 5 "$work/log" >&2; fail "the source of $1 could not be fetched"; }
    tree=$(find "$work/src" -mindepth 1 -maxdepth 1 -type d)
    case $tree in
    "$work/src/$1-$2"*) ;;
    *) fail "Debian $suite has $(basename "$tree"), but Otter is made for $1 $2" ;;
    esac
    touch "$tree/.complete"
    mkdir -p "$cache/src"
    rm -rf "$cache/src/$1"
    mv "$tree" "$cache/src/$1" 2>/dev/null || [ -e "$cache/src/$1/.complete" ] ||
        fail "cannot write $cache/src/$1"
    rm -rf "$work"
    trap - EXIT INT TERM
}

mkdir -p "$cache" || fail "cannot make the folder $cache: set OTTER_CACHE"
exec 9>"$cache/lock"
command -v flock >/dev/null && flock 9
for group in $groups; do
    install_group "$group"
    [ "$group" != proofs ] || fetch_cbmc
done
for source in ${OTTER_FETCH-mbedtls libsodium lwip}; do
    case $source in
    mbedtls) fetch_source mbedtls 3.6. ;;
    libsodium) fetch_source libsodium 1.0. ;;
    lwip) fetch_source lwip 2.2. ;;
    *) fail "unknown source '$source' in OTTER_FETCH" ;;
    esac
done
