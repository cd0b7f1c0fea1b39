# SPDX-License-Identifier: Apache-2.0
# The emulated PSOC 6: QEMU's mps2-an386.
set(BOARD_CPU cortex-m4)
set(BOARD_MAPS psoc62_2m_ext_swap_single psoc62_2m_ext_overwrite_single psoc62_512k_xip_swap_single)
set(BOARD_SHARED qemu-mps2)   # the folder of board/ with the rest of its sources and its linker scripts
set(BOARD_EMULATED TRUE)      # its flash lies in a file: `otter flashmap header --board` has the addresses
