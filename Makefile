# SPDX-License-Identifier: Apache-2.0
# A thin front: set-up, then CMake. `make help` lists the targets.
OTTER_CACHE ?= $(if $(XDG_CACHE_HOME),$(XDG_CACHE_HOME),$(HOME)/.cache)/otter
export OTTER_CACHE
export OTTER_MBEDTLS_DIR ?= $(OTTER_CACHE)/src/mbedtls
export OTTER_SODIUM_DIR ?= $(OTTER_CACHE)/src/libsodium
MAP ?= psoc62_2m_ext_swap_single

.PHONY: help setup build
help:
	@sed -n 's/^## //p' Makefile

setup:
	@env -u OTTER_MBEDTLS_DIR -u OTTER_SODIUM_DIR scripts/setup.sh build

## build      the host tool, the agent and the bootloader for this machine
build: setup
	@cmake --preset host >/dev/null && cmake --build --preset host
