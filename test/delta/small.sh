#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# small.sh - the part of make bench-delta that is the same in every run.
#
# usage: small.sh ROUND_TRIP FOLDER      generated firmware and text; limits: 10 % above what it took
#
# OTTER_DELTA_PAIRS (a folder as test/bench/delta.py takes it): its pairs as well.
set -eu
here=$(cd "$(dirname "$0")/../.." && pwd)
rm -rf "$2"
while read -r name limit; do
    mkdir -p "$2/$name"
    "$1" --export "$2/$name" "$(echo "$name" | tr - :)" >/dev/null
    echo "$limit" >"$2/$name/limit"
done <<END
rebuilt_firmware 64
firmware-2 650
firmware-7 650
thirds_change_places 64
repeats_itself 3400
END
for name in text-4 text-7 bytes-5; do # not for Arm: no worse than bsdiff with xz
    mkdir -p "$2/$name"
    "$1" --export "$2/$name" "$(echo "$name" | tr - :)" >/dev/null
    echo - >"$2/$name/address"
done
exec python3 "$here/test/bench/delta.py" --check "$2" ${OTTER_DELTA_PAIRS:-}
