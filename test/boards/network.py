# SPDX-License-Identifier: Apache-2.0
"""network.py - the board's Ethernet: its address, a network that is not there, frames while flash is slow."""
import os
import struct

import kit  # noqa: F401  (finds test/e2e)
from flash import PSOC, XMC
from harness import case, check
from kit import NEW, OLD

MAC = "02:00:5e:00:53:2a"


def without_nic(arguments, *instead):
    at = arguments.index("-nic")
    return arguments[:at] + list(instead) + arguments[at + 2:]


def senders(pcap):
    """The Ethernet source addresses of a capture."""
    with open(pcap, "rb") as file:
        data = file.read()
    found, at = set(), 24
    while at < len(data):
        length = struct.unpack_from("<I", data, at + 8)[0]
        found.add(data[at + 22:at + 28].hex(":"))
        at += 16 + length
    return found


def address_case(name, map_name, **settings):
    @case("network/" + name, "network")
    def _(bench):
        board = bench.machine(map_name, bench.kit.app(map_name, OLD), 1, secure=False, **settings)
        capture = os.path.join(bench.folder, "frames.pcap")
        plain = board.arguments
        board.arguments = lambda: without_nic(
            plain(), "-nic", "user,id=net,net=192.0.2.0/24,host=192.0.2.2", "-object", "filter-dump,id=dump,netdev=net,file=" + capture)
        board.power_on()
        board.wait(event="network", address="192.0.2.15")
        board.wait(outcome="unreachable", cause="the server refuses connections on this port")
        board.power_cut()
        wanted = settings.get("mac", "52:54:00:12:34:56")
        check(wanted in senders(capture), "no frame from %s but from %s", wanted, senders(capture))


address_case("the_address_is_the_chip_s_own", PSOC)
address_case("the_address_is_the_factory_s", XMC, mac=MAC)


@case("network/an_address_that_is_none_is_refused", "network")
def _(bench):
    for bad in ("02:00:5e:00:53", "02-00-5e-00-53-2a", "03:00:5e:00:53:2a", "02:00:5e:00:53:2g"):
        board = bench.machine(PSOC, bench.kit.app(PSOC, OLD), 1, secure=False, mac=bad)
        board.power_on()
        board.wait(event="no-start", what="the network")
        board.power_cut()


@case("network/no_network_is_said_and_waited_for", "network")
def _(bench):
    board = bench.machine(PSOC, bench.kit.app(PSOC, OLD), 1, secure=False)
    plain = board.arguments
    board.arguments = lambda: without_nic(plain(), "-nic", "none")
    board.power_on()
    board.wait(event="no-network", timeout=60)
    check(not board.seen(event="network"), "an address without a network")
    check(not board.seen(event="reset"), "a reset")


@case("network/no_frame_is_lost_while_flash_is_slow", "network")
def _(bench):
    folder = bench.publish(XMC, bench.kit.app(XMC, NEW))
    board = bench.machine(XMC, bench.kit.app(XMC, OLD), bench.otter_serve(folder), pace=500)
    board.power_on()
    board.wait(outcome="installing", version=NEW, timeout=120)
    board.power_cut()
    with open(board.folder + ".stderr", encoding="utf-8", errors="replace") as file:
        said = file.read()
    check("Failed to send packet" not in said, "frames were lost: %s", said)
