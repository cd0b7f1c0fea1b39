# SPDX-License-Identifier: Apache-2.0
# A thin front: set-up, then CMake and scripts. `make help` lists the targets.
OTTER_CACHE ?= $(if $(XDG_CACHE_HOME),$(XDG_CACHE_HOME),$(HOME)/.cache)/otter
export OTTER_CACHE
ifndef OTTER_MBEDTLS_DIR
export OTTER_MBEDTLS_DIR = $(OTTER_CACHE)/src/mbedtls
FETCH += mbedtls
endif
ifndef OTTER_SODIUM_DIR
export OTTER_SODIUM_DIR = $(OTTER_CACHE)/src/libsodium
FETCH += libsodium
endif
ifndef OTTER_LWIP_DIR
export OTTER_LWIP_DIR = $(OTTER_CACHE)/src/lwip
FETCH += lwip
endif
export OTTER_FETCH = $(FETCH)
MAP ?= psoc62_2m_ext_swap_single

.PHONY: bench torture help build demo test test-e2e interop test-boards sizes check-board board firmware gdb gdb-wait
help:
	@sed -n 's/^## //p' Makefile | sed 's/$$(MAP)/$(MAP)/'

# What each set-up target installs: groups of scripts/setup.sh.
SETUP_build = build
SETUP_test = build clang cm4 boards delta
SETUP_boards = build boards
SETUP_test-boards = build boards web gdb
SETUP_interop = build boards interop
SETUP_gdb = build boards gdb
SETUP_bench-fleet = build web
SETUP_bench-delta = build boards cm4 delta
SETUP_sizes = build boards cm4
setup-%:
	@scripts/setup.sh $(or $(SETUP_$*),$(error no set-up groups for $@))

## build      the host tool, the agent, the bootloader and the host board, for this machine
build: setup-build
	@mkdir -p build/host
	@flock build/host/.lock sh -c 'cmake --preset host >/dev/null && cmake --build --preset host'

## firmware   bootloader and application for both emulated boards: `build/host/otter emulate` runs them
##            (MAP=<flash map>: only that; VERSION=1.3.0 LED_MS=50 TEST_REVERT=1: one of your own as well)
firmware: setup-boards build
	@MAP=$(if $(filter command line environment,$(origin MAP)),$(MAP)) scripts/firmware.sh

## demo       the whole story on an emulated board, over HTTPS (MAP=<flash map>, default $(MAP));
##            BOARD=host: on the host board, without an emulator
EMULATED = build/$(if $(filter xmc7200_%,$(MAP)),qemu-xmc7200,qemu-psoc62)
ifeq ($(BOARD),host)
demo: build
	@scripts/demo.py build/host/otter $(MAP)
else
demo: setup-boards build
	@MAP=$(MAP) scripts/firmware.sh
	@scripts/demo.py --board $(EMULATED) build/host/otter $(MAP)
endif

## demo-fleet  200 devices, a release to a tenth first, a bad one that halts itself; plot and picture in demo-output/
.PHONY: demo-fleet
demo-fleet: build
	@scripts/demo_fleet.py build/host/otter

## test       every test, every build
test: setup-test
	@scripts/test.py $(if $(CI),--werror)

## coverage   lines and branches of slot/, boot/ and agent/ that the tests reach (gcc's counts); each that is missing
##            in slot/ or boot/ needs its reason in test/coverage/reasons.txt
.PHONY: coverage
coverage: setup-build
	@mkdir -p build/cov
	@flock build/cov/.lock sh -c 'cmake --preset cov >/dev/null && cmake --build --preset cov'
	@scripts/coverage.py $(ARGS)

## test-e2e   a device against lying servers, cut connections, kill -9; wrong use of every command
test-e2e: build
	@OTTER=build/host/otter test/e2e/run.py

## interop    images of other tools; real updates from nginx, Apache, Python, local-web-server
interop: setup-interop firmware
	@OTTER=build/host/otter test/interop/run.py

## test-boards  the emulated boards: the story on every flash map, TLS and servers, hostile flash, power cuts
test-boards: setup-test-boards firmware
	@OTTER=build/host/otter test/boards/run.py

## powerloss  power cut at every operation of every scenario on every geometry, in every way, and flash that fails:
##            minutes (docs/power-cuts.md; ARGS="--seed 7")
## powerloss-full  the same for hours, with every second cut: goes on where it was interrupted
.PHONY: powerloss powerloss-full
powerloss: build
	@scripts/powerloss.py $(ARGS)
powerloss-full: build
	@scripts/powerloss.py --full $(ARGS)

## torture    power cut at every operation of every geometry, each recovery cut again DOUBLE times;
##            CUTS power cuts of the emulated boards
DOUBLE ?= 4
CUTS ?= 300
torture: firmware
	@build/host/test/powerloss/powerloss --map all --double $(DOUBLE)
	@OTTER=build/host/otter test/boards/cuts.py --cuts $(CUTS)

## doctor-check  CASES random devices, jobs and images [1000]: does each do what `otter doctor` said?
CASES ?= 1000
.PHONY: doctor-check
doctor-check: build
	@cd test/tool && OTTER=$(CURDIR)/build/host/otter OTTER_DOCTOR_CASES=$(CASES) python3 test_doctor.py Agreement

## mutants    deliberate faults in boot/, slot/ and the way of patches (test/mutants), each of which the power-cut
##            runner, the model or a test must catch (ARGS=--short: those that take seconds)
.PHONY: mutants model
mutants: build
	@scripts/mutants.py $(ARGS)

## model      random lives of a device beside a model of one page, for SECONDS (or SEQUENCES=<number> per map)
model: build
	@build/host/test/model/model $(if $(SEQUENCES),--sequences $(SEQUENCES),--seconds $(SECONDS)) $(ARGS)

## fuzz       every parser of outside bytes under libFuzzer for SECONDS in all (default 600); lines reached
.PHONY: setup-fuzz fuzz
SECONDS ?= 600
setup-fuzz:
	@scripts/setup.sh build fuzz
fuzz: setup-fuzz
	@for preset in fuzz cov; do mkdir -p build/$$preset; flock build/$$preset/.lock \
		sh -c "cmake --preset $$preset >/dev/null && cmake --build --preset $$preset --target fuzz" || exit 1; done
	@test/fuzz/run.py --seconds $(SECONDS)

## proofs     what CBMC can prove of the parsers: no byte outside, no overflow, every loop ends
.PHONY: setup-proofs proofs
setup-proofs:
	@scripts/setup.sh build proofs
proofs: setup-proofs
	@test/proofs/run.py

## exhaustive every small image, answer, record and date, beside second readers, under sanitizers (ten
##            minutes; the short part of it is in make test)
.PHONY: exhaustive
exhaustive: setup-build
	@mkdir -p build/asan
	@flock build/asan/.lock sh -c 'cmake --preset asan >/dev/null && cmake --build --preset asan --target exhaustive'
	@test/exhaustive/run.py

## promela    Spin through every state of a journal and of a swap that power is cut in
.PHONY: setup-promela promela
setup-promela:
	@scripts/setup.sh promela
promela: setup-promela
	@test/promela/run.py

## glitch     each instruction of the Cortex-M4 bootloader disturbed once, with wrong images in the slots
##            (docs/glitches.md; ARGS=--short: a minute of it)
.PHONY: glitch
glitch: setup-boards build
	@MAP=psoc62_2m_ext_swap_single scripts/firmware.sh
	@OTTER=build/host/otter test/glitch/run.py $(ARGS)

## bench      swap cost beside the floor and MCUboot; download beside curl; updates and polls on the wire
bench: build
	@build/host/test/bench/swap_cost
	@OTTER=$(CURDIR)/build/host/otter test/bench/download.py

## bench-delta  patches beside bsdiff, xdelta3, zstd, detools, for the pairs of versions in PAIRS=DIR and our own firmware;
##            what encoder and decoder take (writes docs/delta-bench.md when there are PAIRS)
## round-trips  random files and firmware to patches and back for SECONDS
.PHONY: bench-delta round-trips
bench-delta: setup-bench-delta firmware
	@mkdir -p build/cm4-size
	@flock build/cm4-size/.lock sh -c 'cmake --preset cm4-size >/dev/null && cmake --build --preset cm4-size --target size_delta delta_speed'
	@OTTER=$(CURDIR)/build/host/otter test/bench/delta.py $(if $(PAIRS),--document docs/delta-bench.md) $(ARGS) $(PAIRS)
round-trips: build
	@build/host/test/delta/round_trip --large
	@build/host/test/delta/round_trip --seconds=$(SECONDS)

## bench-serve  polls and downloads a second of `otter serve` beside nginx on the same files (ARGS="--seconds 5")
## test-tls     testssl.sh on `otter serve`: no finding above low
.PHONY: setup-load bench-serve test-tls
setup-load:
	@scripts/setup.sh build load
bench-serve: setup-load build
	@OTTER=$(CURDIR)/build/host/otter test/bench/serve.py $(ARGS)
test-tls: setup-load build
	@OTTER=$(CURDIR)/build/host/otter test/interop/testssl.py

## bench-fleet  2,000 devices update over TLS from `otter serve`, then with a database, then from nginx (docs/fleet-bench.md)
## fleet-accuracy  10,000 devices: how exactly a rollout meets its share, and how evenly the polls come (five minutes)
.PHONY: bench-fleet fleet-accuracy
bench-fleet: setup-bench-fleet build
	@OTTER=$(CURDIR)/build/host/otter test/bench/fleet.py $(ARGS)
fleet-accuracy: build
	@OTTER=$(CURDIR)/build/host/otter test/bench/rollout.py

## bench-boards  on the emulated boards: download beside a plain TLS loop; instructions of all that computes
.PHONY: bench-boards
bench-boards: setup-boards build
	@for board in qemu-psoc62 qemu-xmc7200; do mkdir -p build/$$board; flock build/$$board/.lock \
		sh -c "cmake --preset $$board >/dev/null && cmake --build --preset $$board --target bench" || exit 1; done
	@OTTER=$(CURDIR)/build/host/otter test/boards/bench.py

## gdb        step through bootloader and application on an emulated board (MAP=..., docs/debugging.md)
## gdb-wait   the same board, waiting for another debugger (VS Code)
gdb gdb-wait: setup-gdb build
	@MAP=$(MAP) scripts/firmware.sh
	@scripts/debug.py $(if $(filter gdb-wait,$@),--wait) build/host/otter $(EMULATED) $(MAP) $(ARGS)

## check-board  what a board still lacks: make check-board BOARD=board/mine (docs/porting.md)
## board        bootloader and application for a board of your own: make board BOARD=board/mine
check-board board: BOARD ?= board/template
check-board: setup-boards build
	@scripts/check_board.py $(BOARD)
board: check-board
	@cmake --preset template -DOTTER_BOARD=$(notdir $(BOARD)) -B build/$(notdir $(BOARD)) >/dev/null
	@cmake --build build/$(notdir $(BOARD))

## sizes      code, constants, RAM and worst stack of every program beside their budgets (docs/sizes.md)
sizes: setup-sizes firmware
	@mkdir -p build/cm4-size
	@flock build/cm4-size/.lock sh -c 'cmake --preset cm4-size >/dev/null && cmake --build --preset cm4-size --target sizes'
	@for board in qemu-psoc62 qemu-xmc7200; do flock build/$$board/.lock cmake --build --preset $$board --target bench || exit 1; done
	@OTTER=$(CURDIR)/build/host/otter scripts/sizes.py docs/sizes.md build/cm4-size build/qemu-psoc62 build/qemu-xmc7200
