# SPDX-License-Identifier: Apache-2.0
# The emulated XMC7200: QEMU's mps2-an500.
set(BOARD_CPU cortex-m7)
set(BOARD_MAPS xmc7200_int_swap_single xmc7200_int_overwrite_single)
set(BOARD_SHARED qemu-mps2)   # the folder of board/ with the rest of its sources and its linker scripts
set(BOARD_EMULATED TRUE)      # its flash lies in a file: `otter flashmap header --board` has the addresses
