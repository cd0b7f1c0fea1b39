#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# firmware.sh - build the firmware of the emulated boards: bootloader and example application.
#
# usage: scripts/firmware.sh [BOARD...]     boards: qemu-psoc62 qemu-xmc7200 (both, if none is named)
#
# From the environment: MAP builds for that flash map only; VERSION, LED_MS and TEST_REVERT=1 add
# a version of your own to 1.0.0, 1.1.0 and 1.2.0 (the bad one). Files: build/BOARD/bootloader-MAP.elf,
# build/BOARD/ota-https-MAP-VERSION.elf and .bin. Two runs at once wait for each other. On a
# terminal the build shows its steps; else only what went wrong.
set -eu
cd "$(dirname "$0")/.."

cache=${OTTER_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/otter}
export OTTER_MBEDTLS_DIR="${OTTER_MBEDTLS_DIR:-$cache/src/mbedtls}"
export OTTER_SODIUM_DIR="${OTTER_SODIUM_DIR:-$cache/src/libsodium}"
export OTTER_LWIP_DIR="${OTTER_LWIP_DIR:-$cache/src/lwip}"

fail() { printf 'otter firmware: %s\n' "$*" >&2; exit 1; }

versions='1.0.0:1000;1.1.0:100;1.2.0:100:revert'
if [ -n "${VERSION:-}" ]; then
    case $VERSION in
    *[!0-9.+]*|*.*.*.*|.*|*.|*..*) fail "VERSION $VERSION is not MAJOR.MINOR.REVISION" ;;
    *.*.*) ;;
    *) fail "VERSION $VERSION is not MAJOR.MINOR.REVISION" ;;
    esac
    case ${LED_MS:-100}${TEST_REVERT:-0} in
    *[!0-9]*) fail "LED_MS and TEST_REVERT are numbers" ;;
    esac
    case $VERSION in
    1.0.0|1.1.0|1.2.0) fail "VERSION $VERSION is one of those that are always built: choose another" ;;
    esac
    versions="$versions;$VERSION:${LED_MS:-100}"
    [ "${TEST_REVERT:-0}" = 0 ] || versions="$versions:revert"
fi

board_of() {
    case $1 in
    psoc62_*) echo qemu-psoc62 ;;
    xmc7200_*) echo qemu-xmc7200 ;;
    *) fail "no emulated board has the flash map '$1'" ;;
    esac
}

# A target per program when one map is asked for; else all.
targets_of() {
    [ -n "${MAP:-}" ] || { echo all; return; }
    echo "bootloader-$MAP"
    for version in $(echo "$versions" | tr ';' ' '); do
        echo "ota-https-$MAP-${version%%:*}"
    done
}

quietly() {
    if [ -t 2 ]; then "$@" >&2; return; fi
    log=$(mktemp)
    "$@" >"$log" 2>&1 || { tail -n 40 "$log" >&2; rm -f "$log"; return 1; }
    rm -f "$log"
}

build_board() {
    mkdir -p "build/$1"
    exec 8>"build/$1/.lock"
    flock 8
    begin=$(mktemp)
    quietly cmake --preset "$1" -DOTTER_APP_VERSIONS="$versions" -Wno-dev || { rm -f "$begin"; return 1; }
    # shellcheck disable=SC2046 # one word per target
    quietly cmake --build "build/$1" --target $(targets_of) || { rm -f "$begin"; return 1; }
    [ -n "${MAP:-}" ] || touch -r "$begin" "build/$1/.firmware-built"
    rm -f "$begin"
    exec 8>&-
}

[ -x build/host/otter ] || fail "the host tool makes the flash map's headers: run make build first"
if [ $# = 0 ] && [ -n "${MAP:-}" ]; then
    board=$(board_of "$MAP") || exit 1
    [ -e "flashmap/$MAP.json" ] || fail "there is no flash map '$MAP' in flashmap/"
    set -- "$board"
fi
[ $# -gt 0 ] || set -- qemu-psoc62 qemu-xmc7200
for board; do
    build_board "$board"
done
